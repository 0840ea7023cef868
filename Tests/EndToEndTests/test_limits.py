"""Every limit of the server: set by flag and by variable, passed, and answered as the interface says."""

import http.client
import json
import os
import socket
import threading
import time

import numpy as np
import pytest
from support import assert_problem, call, call_on, encode, get, post, run

HEAD = b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
# 10¹³ multiply-adds: minutes on any machine.
MINUTES_OF_WORK = {"image": encode(np.ones((1024, 1024), "float32")), "filter": [[1] * 65] * 65, "repeat": 1000}
MORE_WORK = ["--max-work", str(10**14)]


@pytest.fixture(params=["flag", "variable"])
def limited(request, own_server):
    """Starts a server with options, given as flags or as variables."""

    def start(*fixed, **options):
        if request.param == "flag":
            flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
            return own_server(*fixed, *flags)
        return own_server(*fixed, environment={f"CONVCHECK_{name.upper()}": str(v) for name, v in options.items()})

    return start


def last_words(connection, limit=20):
    """Everything until the server ends the connection."""
    connection.settimeout(limit)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def status_of(words):
    assert words.startswith(b"HTTP/1.1 "), words
    return int(words.split()[1])


def test_max_body(limited):
    running = limited(max_body=1000)
    problem = assert_problem(call(running, "POST", "/convolve", b" " * 1001), 413)
    assert (problem["limit"], problem["actual"]) == (1000, 1001)
    assert call(running, "POST", "/convolve", b" " * 1000).status == 400
    chunks = http.client.HTTPConnection(running.host, running.port, timeout=20)
    chunks.request("POST", "/convolve", body=iter([b" " * 600, b" " * 600]), encode_chunked=True)
    assert chunks.getresponse().status == 413
    chunks.close()


def test_max_head(limited):
    running = limited(max_head=400)
    assert get(running, "/healthz", X="a" * 100).status == 200
    assert assert_problem(get(running, "/healthz", X="a" * 400), 431)["limit"] == 400


def test_max_fields(limited):
    running = limited(max_fields=4)
    assert get(running, "/healthz", A="a", B="b").status == 200
    assert assert_problem(get(running, "/healthz", A="a", B="b", C="c"), 431)["limit"] == 4


def test_max_target(limited):
    running = limited(max_target=20)
    assert get(running, "/healthz?" + "a" * 11).status == 200
    assert assert_problem(get(running, "/healthz?" + "a" * 12), 414)["limit"] == 20


def test_max_connections(limited):
    running = limited(max_connections=2)
    kept = [http.client.HTTPConnection(running.host, running.port, timeout=20) for _ in range(2)]
    for connection in kept:
        assert call_on(connection, "GET", "/healthz").status == 200
    answer = get(running, "/formulations")
    assert assert_problem(answer, 503)["limit"] == 2
    assert answer.headers["Retry-After"]
    # How the server is may be asked all the same, once.
    answer = get(running, "/healthz")
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    # Who says nothing is told as well.
    with running.connect() as silent:
        assert status_of(last_words(silent)) == 503
    for connection in kept:
        assert call_on(connection, "GET", "/healthz").status == 200
        connection.close()


def test_max_in_flight(limited):
    running = limited(max_in_flight=100_000)
    answer = call(running, "POST", "/convolve", b" " * 100_000)
    assert assert_problem(answer, 503)["limit"] == 100_000
    assert answer.headers["Retry-After"]
    # What was held is given back.
    for _ in range(5):
        assert call(running, "POST", "/convolve", b" " * 60_000).status == 400
    # An answer that would have to be kept does not fit either.
    large = {"image": encode(np.ones((64, 256), "float32")), "filter": [[0.1234]], "encoding": "json"}
    assert_problem(post(running, large), 503)


def ask_in_background(running, document):
    thread = threading.Thread(target=lambda: swallow(lambda: post(running, document)), daemon=True)
    thread.start()
    return thread


def swallow(ask):
    try:
        ask()
    except (OSError, http.client.HTTPException):
        pass  # The server is killed at the end of the test.


def test_queue_length(limited):
    running = limited(*MORE_WORK, queue_length=1, workers=1, event_loops=1, request_timeout=600)
    refused = None
    for _ in range(3):
        ask_in_background(running, MINUTES_OF_WORK)
    # One is worked on and one waits; of the third, or of this one, nobody takes care. It must be large enough for a worker.
    deadline = time.monotonic() + 20
    while refused is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(running.host, running.port, timeout=1)
        try:
            answer = call_on(connection, "POST", "/convolve", json.dumps(MINUTES_OF_WORK).encode())
            refused = answer
        except TimeoutError:
            pass  # It was the one to wait, and has left the queue by leaving.
        finally:
            connection.close()
    assert assert_problem(refused, 503)["limit"] == 1
    assert refused.headers["Retry-After"]
    assert get(running, "/healthz").status == 200
    assert get(running, "/readyz").status == 200


def test_head_timeout(limited):
    running = limited(head_timeout=1)
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        assert status_of(last_words(connection)) == 408


def test_a_head_that_trickles_in_is_not_waited_for(limited):
    running = limited(head_timeout=1)
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
        assert status_of(trickle(connection, b"X: a\r\n")) == 408


def trickle(connection, drop, pause=0.2, limit=20):
    """Sends `drop` again and again until the server says something, and returns all that it says."""
    deadline = time.monotonic() + limit
    connection.settimeout(pause)
    while time.monotonic() < deadline:
        try:
            connection.sendall(drop)
            if first := connection.recv(4096):
                return first + last_words(connection)
            return b""
        except TimeoutError:
            pass
    raise AssertionError("the server waits for ever")


def test_idle_timeout(limited):
    running = limited(idle_timeout=1)
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        words = last_words(connection)
        assert words.count(b"HTTP/1.1 ") == 1 and status_of(words) == 200
    with running.connect() as connection:
        assert last_words(connection) == b""


def test_stall_timeout(limited):
    running = limited(stall_timeout=1)
    with running.connect() as connection:
        connection.sendall(HEAD + b"{")
        assert status_of(last_words(connection)) == 408


def test_min_rate(limited):
    running = limited(stall_timeout=1, min_rate=1000)
    with running.connect() as connection:
        connection.sendall(HEAD.replace(b"100", b"100000"))
        assert status_of(trickle(connection, b" ")) == 408


@pytest.mark.parametrize("side", [200, 1500])
def test_a_client_that_does_not_read_is_let_go(limited, side):
    """Also where its answer would fit into what the kernel is willing to hold: that has no clock."""
    running = limited(stall_timeout=1, event_loops=1)
    image = np.full((side, side), 1.1, "float32")
    question = json.dumps({"image": encode(image), "filter": [[0.1]], "encoding": "json"}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((running.host, running.port))
        connection.sendall(b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(question) + question)
        # Reading would keep the connection alive.
        wait_for_sockets(running, 2)
        wait_for_sockets(running, 1)
        with pytest.raises(ConnectionResetError):
            while connection.recv(1 << 20):
                pass
    assert get(running, "/healthz").status == 200


def wait_for_sockets(running, count):
    deadline = time.monotonic() + 60
    while (left := sockets(running)) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == count


def sockets(running):
    """How many sockets the server has open."""
    folder = f"/proc/{running.process.pid}/fd"
    count = 0
    for name in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            pass  # Closed in between.
    return count


def test_request_timeout(limited):
    running = limited(*MORE_WORK, request_timeout=1)
    answer = post(running, MINUTES_OF_WORK)
    assert assert_problem(answer, 503)["limit"] == 1
    assert (answer.headers["Retry-After"], answer.headers["Connection"]) == ("1", "close")
    with running.connect() as connection:
        connection.sendall(HEAD)
        assert status_of(trickle(connection, b" ")) == 408


def test_pipeline_depth(limited):
    running = limited(pipeline_depth=1)
    question = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with running.connect() as connection:
        connection.sendall(question * 500 + question.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert last_words(connection).count(b"HTTP/1.1 200 ") == 501


def test_a_flood_of_pipelined_requests_stops_at_the_bounds(own_server):
    """Nobody reads the answers: the server must stop reading the questions, and go on when they are read."""
    running = own_server("--event-loops", "1")
    question = b"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n"
    with running.connect(timeout=1) as connection:
        sent = 0
        try:
            for _ in range(1000):
                sent += connection.send(question * 1000)
        except TimeoutError:
            pass
        assert sent < 40_000_000, "the server reads on without being read"
        assert get(running, "/healthz").status == 200
        connection.settimeout(20)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "option", ["pipeline-depth", "max-in-flight", "max-target", "request-timeout", "min-rate", "queue-length", "max-head"]
)
@pytest.mark.parametrize("value", ["", "many", "-1", "99999999999999999999"])
def test_bad_limits_are_named(option, value):
    by_flag = run("serve", f"--{option}={value}")
    assert by_flag.returncode != 0 and f"--{option}" in by_flag.stderr
    variable = f"CONVCHECK_{option.upper().replace('-', '_')}"
    by_variable = run("serve", environment={variable: value})
    assert by_variable.returncode != 0 and variable in by_variable.stderr
