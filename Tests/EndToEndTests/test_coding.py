"""Compressed bodies, both ways (RFC 9110 sections 8.4 and 12.5.3)."""

import gzip
import http.client
import json
import zlib
from pathlib import Path

import pytest
from support import assert_problem, call

IMAGE = [[(13 * r + 5 * c) % 97 for c in range(64)] for r in range(64)]
DOCUMENT = json.dumps({"image": IMAGE, "filter": [[1]]}).encode()


def raw(data):
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


def post(server, body, coding, **headers):
    fields = {"Content-Type": "application/json", "Content-Encoding": coding} | headers
    return call(server, "POST", "/convolve", body, fields)


@pytest.mark.parametrize(
    "coding, body",
    [
        ("gzip", gzip.compress(DOCUMENT)),
        ("x-gzip", gzip.compress(DOCUMENT)),
        ("GZip", gzip.compress(DOCUMENT, 1)),
        ("deflate", zlib.compress(DOCUMENT)),
        ("deflate", raw(DOCUMENT)),
        ("gzip", gzip.compress(DOCUMENT[:100]) + gzip.compress(DOCUMENT[100:])),
        ("identity", DOCUMENT),
    ],
)
def test_compressed_bodies_are_read(server, coding, body):
    answer = post(server, body, coding)
    assert answer.status == 200, answer.body[:300]
    assert answer.json()["result"] == IMAGE


def test_a_compressed_body_may_come_in_chunks(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    body = gzip.compress(DOCUMENT)
    pieces = (body[i : i + 7] for i in range(0, len(body), 7))
    connection.request("POST", "/convolve", pieces,
                       {"Content-Type": "application/json", "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"},
                       encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 200 and json.loads(answer.read())["result"] == IMAGE


@pytest.mark.parametrize(
    "coding, body",
    [
        ("gzip", gzip.compress(DOCUMENT)[:-1]),
        ("gzip", gzip.compress(DOCUMENT)[:40]),
        ("gzip", gzip.compress(DOCUMENT) + b"x"),
        ("gzip", gzip.compress(DOCUMENT) + bytes(8)),
        ("gzip", DOCUMENT),
        ("deflate", zlib.compress(DOCUMENT)[:-1]),
        ("deflate", zlib.compress(DOCUMENT) + b"{}"),
        ("gzip", b"\x1f\x8b"),
    ],
)
def test_what_is_cut_or_followed_by_garbage_is_refused(server, coding, body):
    assert_problem(post(server, body, coding), 400)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress", "gzip, gzip"])
def test_unknown_codings_are_named(server, coding):
    answer = post(server, b"x", coding)
    assert_problem(answer, 415)
    assert answer.headers["Accept-Encoding"] == "gzip, deflate"


def test_a_bomb_is_refused_within_the_limit(own_server):
    """Ten gigabytes of spaces in ten megabytes: the same megabyte again and again, each without regard to those before."""
    server = own_server("--max-body", "16000000")
    coder = zlib.compressobj(9, wbits=31)
    head = coder.compress(b" ") + coder.flush(zlib.Z_FULL_FLUSH)
    block = coder.compress(b" " * (1 << 20)) + coder.flush(zlib.Z_FULL_FLUSH)
    bomb = head + block * 10_000 + coder.flush()
    resident = Path(f"/proc/{server.process.pid}/status")

    def peak():
        return int(next(line for line in resident.read_text().splitlines() if "VmHWM" in line).split()[1]) << 10

    before = peak()
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    try:
        connection.request("POST", "/convolve", bomb, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    except (BrokenPipeError, ConnectionResetError):
        # The answer came before all was sent.
        pass
    answer = connection.getresponse()
    assert answer.status == 413 and json.loads(answer.read())["limit"] == 16_000_000
    assert peak() - before < 4 * 16_000_000
    assert server.alive()


def test_a_body_that_grows_too_much_is_refused(own_server):
    server = own_server("--max-ratio", "100")
    blanks = DOCUMENT + b" " * (4 << 20)
    answer = post(server, gzip.compress(blanks), "gzip")
    assert_problem(answer, 413)
    assert answer.json()["limit"] == 100
    # The first megabyte may come of anything.
    assert post(server, gzip.compress(blanks[: 1 << 20]), "gzip").status == 200


@pytest.mark.parametrize(
    "accepted, coding",
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"),
        ("deflate;q=0.9, gzip;q=0.8", "deflate"),
        ("*", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
        ("br", None),
        ("", None),
        (None, None),
    ],
)
def test_answers_are_compressed_for_those_who_want_that(server, accepted, coding):
    fields = {"Content-Type": "application/json"} | ({} if accepted is None else {"Accept-Encoding": accepted})
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    connection.putrequest("POST", "/convolve", skip_accept_encoding=True)
    for name, value in (fields | {"Content-Length": str(len(DOCUMENT))}).items():
        connection.putheader(name, value)
    connection.endheaders(DOCUMENT)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200 and answer.headers["Content-Encoding"] == coding
    assert ", ".join(answer.headers.get_all("Vary", [])).count("Accept-Encoding") == 1
    text = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(coding, bytes)(body)
    assert json.loads(text)["result"] == IMAGE
    assert int(answer.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("accepted", ["gzip, identity;q=0", "gzip;q=0.5, *;q=0"])
def test_small_answers_are_compressed_for_those_who_take_nothing_else(server, accepted):
    answer = call(server, "GET", "/healthz", headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.body))["status"] == "ok"


def test_the_contract_is_compressed_and_its_head_alone_says_so_too(server):
    whole = call(server, "GET", "/openapi.yaml", headers={"Accept-Encoding": "gzip"})
    head = call(server, "HEAD", "/openapi.yaml", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(whole.body).startswith(b"openapi: 3.1")
    for name in ["Content-Encoding", "Content-Length", "Vary"]:
        assert head.headers[name] == whole.headers[name]


def test_small_answers_are_not_worth_it(server):
    answer = call(server, "GET", "/healthz", headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200 and "Content-Encoding" not in answer.headers
