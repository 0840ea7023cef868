"""Everything a client can get wrong: a problem document that says what and where, and a server that lives on."""

import http.client
import json
import random

import numpy as np
import pytest
from support import RESULT_4X4, SMALL_PROBLEM, assert_problem, call, call_on, encode, get, post

FLAT = encode(np.ones((2, 2), "float32"))


def small(**changes):
    return SMALL_PROBLEM | changes


def text(image="[[1,2],[3,4]]", taps="[[1]]", more=""):
    """A body by hand, for what `json.dumps` can't write."""
    return f'{{"image":{image},"filter":{taps}{more}}}'.encode()


# Valid JSON that is no valid problem: 422 and the place.
INVALID = {
    "ragged image": (small(image=[[1, 2], [3]]), "/image/1"),
    "ragged filter": (small(filter=[[1, 2], [3, 4, 5]]), "/filter/1"),
    "a number among the rows": (small(image=[[1, 2], 3]), "/image/1"),
    "a row among the numbers": (small(image=[[1, [2]], [3, 4]]), "/image/0/1"),
    "empty image": (small(image=[]), "/image"),
    "empty row": (small(image=[[]]), "/image/0"),
    "empty filter": (small(filter=[]), "/filter"),
    "a string pixel": (small(image=[[1, "2"], [3, 4]]), "/image/0/1"),
    "NaN as a word": (small(image=[[1, "NaN"], [3, 4]]), "/image/0/1"),
    "a null pixel": (small(image=[[1, None], [3, 4]]), "/image/0/1"),
    "a boolean pixel": (small(filter=[[True]]), "/filter/0/0"),
    "an object pixel": (small(filter=[[{}]]), "/filter/0/0"),
    "an image that is a string": (small(image="cat.png"), "/image"),
    "an image that is a number": (small(image=5), "/image"),
    "1e999": (text(image="[[1,1e999],[3,4]]"), "/image/0/1"),
    "-1e999 in the filter": (text(taps="[[-1e999]]"), "/filter/0/0"),
    "beyond float32": (text(image="[[1e39]]"), "/image/0/0"),
    "beyond float64": (text(image="[[1e309]]", more=',"dtype":"float64"'), "/image/0/0"),
    "no image": ({"filter": [[1]]}, "/image"),
    "no filter": ({"image": [[1]]}, "/filter"),
    "nothing at all": ({}, ("/image", "/filter")),
    "an array as the document": ([], ""),
    "a string as the document": (b'"image"', ""),
    "a field twice": (text(more=',"filter":[[2]]'), "/filter"),
    "the image twice": (text(more=',"image":[[1,2],[3,4]]'), "/image"),
    "a field twice, once escaped": (text(more=',"fil\\u0074er":[[2]]'), "/filter"),
    "an unknown field": (small(paddding=1), "/paddding"),
    "an unknown field with a slash": (small(**{"a/b~c": 1}), "/a~1b~0c"),
    "a filter larger than the image": (small(image=[[1]], filter=[[1, 2], [3, 4]]), "/filter"),
    "a filter larger than the padded image": (small(image=[[1]], filter=[[1] * 4] * 4, padding=1), "/filter"),
    "a dilated filter that does not fit": (small(dilation=5), ("/filter", "/dilation")),
    "negative padding": (small(padding=-1), "/padding"),
    "negative padding on one side": (small(padding=[0, 0, 0, -1]), "/padding/3"),
    "padding of three": (small(padding=[1, 1, 1]), "/padding"),
    "padding by a wrong word": (small(padding="full"), "/padding"),
    "padding by half": (small(padding=0.5), "/padding"),
    "padding without end": (small(padding=2**62), "/padding"),
    "zero stride": (small(stride=0), "/stride"),
    "zero stride one way": (small(stride=[1, 0]), "/stride/1"),
    "negative stride": (small(stride=-1), "/stride"),
    "stride of three": (small(stride=[1, 1, 1]), ("/stride", "/stride/2")),
    "a stride that is a string": (small(stride="1"), "/stride"),
    "an integer too long for anything": (text(more=',"stride":' + "9" * 400), "/stride"),
    "zero dilation": (small(dilation=0), "/dilation"),
    "dilation without end": (small(dilation=2**62), ("/dilation", "/filter")),
    "an unknown formulation": (small(formulation="magic"), "/formulation"),
    "an unknown storage": (small(storage="cloud"), "/storage"),
    "an unknown dtype": (small(dtype="float8"), "/dtype"),
    "an unknown report": (small(report="long"), "/report"),
    "an unknown encoding": (small(encoding="hex"), "/encoding"),
    "flip as a word": (small(flip="yes"), "/flip"),
    "no repetition": (small(repeat=0), "/repeat"),
    "too many repetitions": (small(repeat=1001), "/repeat"),
    "base64 of a wrong length": (small(image=FLAT | {"shape": [2, 3]}), ("/image/data", "/image")),
    "base64 with a foreign letter": (small(image=FLAT | {"data": "!" + FLAT["data"][1:]}), "/image/data"),
    "base64 cut short": (small(image=FLAT | {"data": FLAT["data"][:-3]}), "/image/data"),
    "a tensor without data": (small(image={"shape": [2, 2], "dtype": "float32"}), ("/image/data", "/image")),
    "a tensor without shape": (small(image={"data": FLAT["data"], "dtype": "float32"}), ("/image/shape", "/image")),
    "a tensor of an unknown dtype": (small(image=FLAT | {"dtype": "int7"}), "/image/dtype"),
    "a tensor with an unknown field": (small(image=FLAT | {"order": "C"}), "/image/order"),
    "a tensor of no rows": (small(image=FLAT | {"shape": [0, 2], "data": ""}), ("/image/shape", "/image/shape/0")),
    "a tensor of negative rows": (small(image=FLAT | {"shape": [-2, -2]}), ("/image/shape", "/image/shape/0")),
    "a tensor of overflowing shape": (small(image=FLAT | {"shape": [2**33, 2**33]}), ("/image/shape", "/image/data", "/image")),
}

# Not JSON at all: 400 with line, column and offset.
MALFORMED = {
    "an empty body": b"",
    "only space": b" \n\t ",
    "a truncated body": json.dumps(SMALL_PROBLEM).encode()[:40],
    "a truncated number": b'{"image":[[1,-',
    "a truncated escape": b'{"im\\u00',
    "a bare NaN": text(image="[[NaN]]"),
    "a bare Infinity": text(image="[[-Infinity]]"),
    "a plus sign": text(image="[[+1]]"),
    "a leading zero": text(image="[[01]]"),
    "a bare point": text(image="[[.5]]"),
    "a point without digits": text(image="[[1.]]"),
    "an exponent without digits": text(image="[[1e]]"),
    "hexadecimal": text(image="[[0x10]]"),
    "a trailing comma": text(image="[[1,2,],[3,4]]"),
    "a missing comma": text(image="[[1 2],[3,4]]"),
    "single quotes": b"{'image': [[1]]}",
    "a comment": text(more="/* why */"),
    "something after the end": text() + b"x",
    "two documents": text() + text(),
    "a byte-order mark": b"\xef\xbb\xbf" + text(),
    "a control character in a string": b'{"ima\x01ge":[[1]]}',
    "an unknown escape": b'{"ima\\qge":[[1]]}',
    "half a surrogate pair": b'{"\\ud800":1}',
    "invalid UTF-8": b'{"im\xff\xfeage":[[1]]}',
    "overlong UTF-8": b'{"im\xc0\xafage":[[1]]}',
    "a zero byte": text() + b"\0",
}


@pytest.fixture(scope="module")
def connection(server):
    """One connection for every bad body: it has to stay usable throughout."""
    opened = http.client.HTTPConnection(server.host, server.port, timeout=30)
    opened.connect()
    yield opened
    opened.close()


def refuse_and_go_on(connection, document, status, pointer=None):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    used = connection.sock
    problem = assert_problem(call_on(connection, "POST", "/convolve", body), status, pointer)
    after = call_on(connection, "POST", "/convolve", json.dumps(SMALL_PROBLEM).encode())
    assert after.json()["result"] == RESULT_4X4
    assert connection.sock is used, "the connection was closed"
    return problem


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_problem(connection, server, case):
    document, pointer = INVALID[case]
    refuse_and_go_on(connection, document, 422, pointer)


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_json(connection, server, case):
    problem = refuse_and_go_on(connection, MALFORMED[case], 400)
    assert problem["line"] >= 1
    assert problem["column"] >= 1
    assert 0 <= problem["offset"] <= len(MALFORMED[case])


def test_the_place_of_a_syntax_error(connection, server):
    body = b'{\n  "image": [[1, 2],\n            [3, ?]],\n  "filter": [[1]]\n}'
    problem = refuse_and_go_on(connection, body, 400)
    assert (problem["line"], problem["column"], problem["offset"]) == (3, 17, body.index(b"?"))


@pytest.mark.parametrize("field", ["image", "filter", "padding", "nonsense"])
@pytest.mark.parametrize("closed", [True, False])
def test_200_levels_of_nesting(connection, server, field, closed):
    nested = "[" * 200 + ("1" + "]" * 200 if closed else "")
    body = f'{{"{field}":{nested}'.encode() + (b',"image":[[1]],"filter":[[1]]}' if closed else b"")
    refuse_and_go_on(connection, body, {400, 422})


def test_a_hundred_thousand_levels_of_nesting(connection, server):
    refuse_and_go_on(connection, b'{"image":' + b"[" * 100_000, {400, 422})
    refuse_and_go_on(connection, b'{"x":' + b'{"x":' * 100_000, {400, 422})


def test_the_unknown_field_is_named(connection, server):
    problem = refuse_and_go_on(connection, small(formulaton="direct"), 422, "/formulaton")
    assert "formulaton" in problem["detail"]


def test_limits_are_named(connection, server):
    problem = refuse_and_go_on(connection, small(repeat=1001), 422, "/repeat")
    assert (problem["limit"], problem["actual"]) == (1000, 1001)


def test_an_answer_that_would_be_too_large(connection, server):
    """A tiny body may ask for an enormous padded image: refused by its size, before any memory is taken."""
    for padding in [10**6, 10**9, 2**31, 2**32, 2**62, 2**63 - 1]:
        refuse_and_go_on(connection, small(padding=padding), 422)


def test_unknown_paths(server):
    for path in ["/nothing", "/convolve/", "/convolve/extra", "//", "/%00", "/../etc/passwd", "/convolve%2f"]:
        assert_problem(get(server, path), 404)


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("GET", "/convolve", "POST"),
        ("PUT", "/convolve", "POST"),
        ("DELETE", "/formulations", "GET"),
        ("POST", "/healthz", "GET"),
        ("PATCH", "/benchmark", "GET"),
    ],
)
def test_wrong_methods_name_the_right_ones(server, method, path, allowed):
    answer = call(server, method, path)
    assert_problem(answer, 405)
    assert allowed in [name.strip() for name in answer.headers["Allow"].split(",")]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "image/png", "application/jsonx", "json"])
def test_other_content_types(server, content_type):
    assert_problem(call(server, "POST", "/convolve", b"{}", {"Content-Type": content_type}), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"])
def test_spellings_of_json(server, content_type):
    body = json.dumps(SMALL_PROBLEM).encode()
    assert call(server, "POST", "/convolve", body, {"Content-Type": content_type}).status == 200


def raw(server, request):
    """Sends bytes, and reads until the server closes: the status of the first answer."""
    with server.connect(timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer.split()[1])


def test_a_body_over_the_limit_is_refused_by_its_length(server):
    head = b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    assert raw(server, head + b"Content-Length: %d\r\n\r\n" % (64 * 2**20 + 1)) == 413
    assert raw(server, head + b"Content-Length: 99999999999999999999999\r\n\r\n") in {400, 413}


@pytest.mark.parametrize(
    "request_bytes, statuses",
    [
        (b"GARBAGE\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", {400}),
        (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
        (b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", {400, 505}),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n", {400}),
        (b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", {400}),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", {400}),
        (b"BREW /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400, 405, 501}),
        (b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", {400}),
        (b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", {400}),
        (b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", {400}),
        (b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", {400}),
        (b"POST /convolve HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", {400, 501}),
        (
            b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            {400},
        ),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414, 431}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 1000 + b"\r\n", {431}),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else "",
)
def test_malformed_framing(server, request_bytes, statuses):
    assert raw(server, request_bytes) in statuses


def test_an_unknown_expectation(server):
    assert call(server, "POST", "/convolve", b"{}", {"Expect": "miracles"}).status in {417, 422}


def mutate(rng, body):
    """One to four small harms to a valid body."""
    body = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body)) if body else 0
        match rng.randrange(6):
            case 0 if body:
                body[at] = rng.randrange(256)
            case 1 if body:
                del body[at : at + rng.randint(1, 8)]
            case 2:
                body[at:at] = rng.choice([b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"-", b"e", b"null", b"1e400"])
            case 3:
                body[at:at] = body[at : at + rng.randint(1, 20)]
            case 4:
                del body[at:]
            case 5:
                body[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 5)))
    return bytes(body)


def test_random_harm_never_breaks_the_server(server):
    whole = [
        small(formulation="banded", storage="dense", stride=[1, 2], padding=[1, 0, 2, 1], dilation=1, dtype="float64"),
        small(image=FLAT, filter=[[0.5]], flip=True, repeat=2, report="full", encoding="json"),
        small(formulation="toeplitz", padding="same"),
    ]
    seen = set()
    for seed in range(600):
        rng = random.Random(seed)
        body = mutate(rng, json.dumps(rng.choice(whole)).encode())
        answer = post(server, body)
        assert answer.status in {200, 400, 422}, f"seed {seed}: {answer.status} for {body!r}"
        if answer.status != 200:
            assert_problem(answer, answer.status)
        seen.add(answer.status)
    assert seen == {200, 400, 422}
