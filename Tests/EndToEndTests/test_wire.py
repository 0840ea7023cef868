"""Bytes on a real socket: any split, pipelining, many connections, large bodies, peers that stop or dawdle."""

import concurrent.futures
import json
import socket
import time

import numpy as np
import oracle
import pytest
from support import RESULT_4X4, SMALL_PROBLEM, call, convolve, decode, encode


def request(path="/convolve", document=None, method=None, extra=""):
    body = b"" if document is None else json.dumps(document).encode()
    method = method or ("GET" if document is None else "POST")
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{extra}"
    if document is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Reader:
    """Reads answers with Content-Length off a socket, one after the other."""

    def __init__(self, connection):
        self.file = connection.makefile("rb")

    def answer(self):
        """The next status and body, or None at the end of the stream."""
        status_line = self.file.readline()
        if not status_line:
            return None
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return int(status_line.split()[1]), headers, self.file.read(int(headers.get("content-length", 0)))

    def result(self):
        status, _, body = self.answer()
        assert status == 200, body[:500]
        return json.loads(body)["result"]


def test_byte_by_byte(server):
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(document=SMALL_PROBLEM):
            connection.sendall(bytes([byte]))
        assert Reader(connection).result() == RESULT_4X4


def test_chunked_byte_by_byte(server):
    body = json.dumps(SMALL_PROBLEM).encode()
    chunks = b"".join(b"%x;note=1\r\n%s\r\n" % (len(c), c) for c in (body[:9], body[9:10], body[10:]))
    head = (
        b"POST /convolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head + chunks + b"0\r\nTrailer: kept\r\n\r\n" + request("/healthz"):
            connection.sendall(bytes([byte]))
        reader = Reader(connection)
        assert reader.result() == RESULT_4X4
        assert reader.answer()[0] == 200


def test_200_pipelined_requests_are_answered_in_order(server):
    documents = [{"image": [[n, 1], [0, n]], "filter": [[n]]} for n in range(200)]
    with server.connect() as connection:
        connection.sendall(b"".join(request(document=document) for document in documents))
        reader = Reader(connection)
        for n in range(200):
            assert reader.result() == [[n * n, n], [0, n * n]]


def test_small_and_large_work_pipelined_stays_in_order(server):
    """Small work is done on the loop and large work on a worker: the small answers must wait their turn."""
    large = {"image": [[1] * 200] * 200, "filter": [[1] * 15] * 15, "encoding": "base64"}
    with server.connect() as connection:
        pairs = [(large, [186, 186]), (SMALL_PROBLEM, [4, 4])] * 5
        connection.sendall(b"".join(request(document=document) for document, _ in pairs) + request("/healthz"))
        reader = Reader(connection)
        for _, shape in pairs:
            status, _, body = reader.answer()
            assert (status, json.loads(body)["shape"]) == (200, shape)
        assert reader.answer()[0] == 200


def rounds_on_one_connection(server, number, rounds=25):
    """Posts problems only this connection posts and checks each answer against its own result."""
    rng = np.random.default_rng(number)
    with server.connect() as connection:
        reader = Reader(connection)
        for turn in range(rounds):
            size = 90 if turn % 8 == 7 else int(rng.integers(3, 12))
            image, taps = rng.integers(-9, 10, (size, size)), rng.integers(-9, 10, (3, 3))
            connection.sendall(request(document={"image": image.tolist(), "filter": taps.tolist()}))
            if not np.array_equal(np.array(reader.result()), oracle.convolve(image, taps)):
                return f"connection {number} got somebody else's answer in turn {turn}"
    return None


def test_64_parallel_connections_get_their_own_answers(server):
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        faults = list(pool.map(lambda number: rounds_on_one_connection(server, number), range(64)))
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("form", ["json", "base64"])
def test_a_megapixel(server, form):
    rng = np.random.default_rng(1024)
    image = rng.integers(-20, 21, (1024, 1024)).astype("float32")
    taps = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    document = {"image": image.tolist() if form == "json" else encode(image), "filter": taps, "formulation": "banded"}
    answer = convolve(server, document)
    assert answer["shape"] == [1022, 1022]
    assert np.array_equal(decode(answer["result"], "float32"), oracle.convolve(image, taps))
    assert answer["equivalent"] is True


def test_a_client_that_closes_its_half_still_gets_its_answer(server):
    with server.connect() as connection:
        connection.sendall(request(document=SMALL_PROBLEM))
        connection.shutdown(socket.SHUT_WR)
        reader = Reader(connection)
        assert reader.result() == RESULT_4X4
        assert reader.answer() is None


def test_a_slow_reader_gets_every_byte(server):
    """The answer is far larger than the socket buffers, so the server has to wait for room many times."""
    image = np.arange(700 * 700, dtype="float32").reshape(700, 700)
    document = {"image": encode(image), "filter": [[1]], "encoding": "json"}
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect((server.host, server.port))
        connection.sendall(request(document=document))
        time.sleep(0.3)
        # Others are served while this one waits.
        assert call(server, "GET", "/healthz").status == 200
        received = b""
        while len(received) < 60_000:
            received += connection.recv(997)
        head, _, body = received.partition(b"\r\n\r\n")
        length = int([l for l in head.decode().splitlines() if l.lower().startswith("content-length")][0].split(":")[1])
        while len(body) < length:
            more = connection.recv(65536)
            assert more, "the server closed early"
            body += more
    assert np.array_equal(decode(json.loads(body)["result"], "float32"), image)


def test_a_client_that_leaves_harms_nobody(server):
    large = request(document={"image": [[1] * 400] * 400, "filter": [[1] * 9] * 9})
    for cut in [1, 50, len(large) // 2, len(large)]:
        for _ in range(10):
            connection = server.connect()
            connection.sendall(large[:cut])
            # Closing with a zero linger sends a reset in place of the ordinary end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
    assert convolve(server, SMALL_PROBLEM)["result"] == RESULT_4X4


def test_connection_close_is_honoured(server):
    with server.connect() as connection:
        connection.sendall(request("/healthz", extra="Connection: close\r\n"))
        reader = Reader(connection)
        status, headers, _ = reader.answer()
        assert status == 200
        assert headers["connection"].lower() == "close"
        assert reader.answer() is None


def test_an_answer_to_head_has_no_body(server):
    with server.connect() as connection:
        connection.sendall(request("/healthz", method="HEAD") + request("/healthz"))
        reader = Reader(connection)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += reader.file.read(1)
        assert head.startswith(b"HTTP/1.1 200")
        assert reader.answer()[0] == 200
