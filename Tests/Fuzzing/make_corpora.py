#!/usr/bin/env python3
"""Writes the seeds of every fuzz target: short inputs, each of which goes another way through the code.

Inputs that a fuzzer found stay beside them: their names begin with `found-`, and this script leaves them alone.
"""

import base64
import json
import struct
import zlib
from pathlib import Path

CORPORA = Path(__file__).resolve().parent / "Corpora"


def request(line, *fields, body=""):
    return "\r\n".join([line, *fields, "", body])


HOST = "Host: a"
REQUESTS = {
    "get": request("GET / HTTP/1.1", HOST),
    "get-query": request("GET /formulations?image=3x8x8&filter=4x3x3x3 HTTP/1.1", "Host: 127.0.0.1:8080", "Accept: */*"),
    "post-length": request("POST /convolve HTTP/1.1", HOST, "Content-Length: 2", "Content-Type: application/json", body="{}"),
    "post-chunked": request("POST /verify HTTP/1.1", HOST, "Transfer-Encoding: chunked", body="2\r\n{}\r\n0\r\n\r\n"),
    "expect": request("PUT / HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 9"),
    "expect-other": request("PUT / HTTP/1.1", HOST, "Expect: more", "Content-Length: 9"),
    "options-server": request("OPTIONS * HTTP/1.1", HOST),
    "absolute": request("GET http://a.example:80/p?q HTTP/1.1", "Host: a.example"),
    "absolute-v6": request("HEAD HTTPS://[::1]:8 HTTP/1.1", "Host: [2001:db8::1]:8080"),
    "old": request("GET / HTTP/1.0"),
    "old-keep-alive": request("GET / HTTP/1.0", "Connection: keep-alive, x"),
    "close": request("GET / HTTP/1.1", HOST, "Connection: x, CLOSE"),
    "blank-first": "\r\n" + request("GET / HTTP/1.1", HOST),
    "pipelined": request("GET / HTTP/1.1", HOST) + request("GET /b HTTP/1.1", HOST),
    "spaces": request("GET / HTTP/1.1", "Host: \t a%2Db.c_d \t", "x:", "X:  y\tz  ", "x: w"),
    "both-framings": request("POST / HTTP/1.1", HOST, "Content-Length: 5", "Transfer-Encoding: chunked", body="hello"),
    "two-lengths": request("POST / HTTP/1.1", HOST, "Content-Length: 5", "Content-Length: 5", body="hello"),
    "list-length": request("POST / HTTP/1.1", HOST, "Content-Length: 5, 5", body="hello"),
    "gzip-chunked": request("POST / HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked"),
    "chunked-twice": request("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "folded": request("GET / HTTP/1.1", HOST, "x: a", " b"),
    "no-colon": request("GET / HTTP/1.1", HOST, "abc"),
    "space-before-colon": request("GET / HTTP/1.1", "Host : a"),
    "bare-feed": "GET / HTTP/1.1\nHost: a\n\n",
    "bare-return": "GET / HTTP/1.1\rHost: a\r\r",
    "nul": request("GET / HTTP/1.1", "Host: a\0b"),
    "no-host": request("GET / HTTP/1.1"),
    "two-hosts": request("GET / HTTP/1.1", HOST, HOST),
    "version-2": request("PRI * HTTP/2.0"),
    "unknown-method": request("BREW / HTTP/1.1", HOST),
    "many-fields": request("GET / HTTP/1.1", HOST, *(f"{name}: {name}" for name in "bcdefghi")),
    "long-target": request("GET /" + 130 * "a" + " HTTP/1.1", HOST),
    "long-field": request("GET / HTTP/1.1", HOST, "a: " + 500 * "b"),
}

CHUNKED = {
    "empty": "0\r\n\r\n",
    "one": "5\r\nhello\r\n0\r\n\r\n",
    "two": "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /",
    "hex": "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0000\r\n\r\n",
    "upper": "A\r\n0123456789\r\n0\r\n\r\n",
    "extension": '5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n',
    "trailer": "1\r\na\r\n0\r\nX-Sum: 1\r\nb:\r\n\r\n",
    "bad-trailer": "0\r\nno colon\r\n\r\n",
    "sign": "+5\r\nhello\r\n0\r\n\r\n",
    "prefix": "0x5\r\nhello\r\n0\r\n\r\n",
    "space": "5 \r\nhello\r\n0\r\n\r\n",
    "bare-feed": "5\nhello\r\n0\r\n\r\n",
    "feed-in-extension": "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "long": "5\r\nhello!\r\n0\r\n\r\n",
    "short": "5\r\nhell\r\n0\r\n\r\n",
    "overflow": "ffffffffffffffff\r\n",
    "digits": "00000000000000001\r\na\r\n0\r\n\r\n",
    "large": "12d\r\n",
    "unfinished": "5\r\nhel",
}

DOCUMENTS = {
    "literals": "[null, true ,false]\n",
    "numbers": "[0,-0,1,-1.5,1e5,1E-7,12345678901234567890,0.1,1e400,4.9e-324,16777217,3.4028235e38]",
    "strings": r'["", "a", "\"\\\/\b\f\n\r\t", "\u00e9é€😀\ud83d\ude00\u0000", "long text without any escape"]',
    "lone-surrogate": r'"\ud83d"',
    "object": '{"a":1,"b":{"c":[]},"":{}}',
    "twice": r'{"a":1,"\u0061":2}',
    "deep": 40 * "[" + 40 * "]",
    "deep-objects": 20 * '{"a":' + "1" + 20 * "}",
    "matrix": "[[1,2.5,3],[4,5,-6e-3]]",
    "planes": "[[[[1,2],[3,4]],[[5,6],[7,8]]]]",
    "ragged": "[[1,2],[3]]",
    "halves": json.dumps({"shape": [1, 3], "dtype": "float16", "data": base64.b64encode(struct.pack("<3e", 1, -2, 65504)).decode()}),
    "singles": json.dumps({"shape": [2, 1], "dtype": "float32", "data": base64.b64encode(struct.pack("<2f", 0.1, float("inf"))).decode()}),
    "doubles": json.dumps({"dtype": "float64", "data": base64.b64encode(struct.pack("<2d", 0.1, -0.0)).decode(), "shape": [1, 2]}),
    "escaped-data": r'{"shape":[1,1],"dtype":"bfloat16","data":"\u0067D\u0038="}',
    "shortest": "[[5e-324,2.2250738585072014e-308,1.7976931348623157e308,9007199254740993]]",
    "half-way": "[[1.00000005960464477539062500001,0.000000000000000000000000000000000000000000000700649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625]]",
    "leading-zero": "[01]",
    "comma": "[1,]",
    "open": '{"a":[1',
    "behind": "1 2",
    "nan": "[NaN,Infinity]",
    "control": '"\t"',
    "mark": "\ufeff[]",
    "bad-utf8": b'"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"',
}

BASE64 = {
    "empty": "",
    "one": "QQ==",
    "two": "QUI=",
    "three": "QUJD",
    "twelve": "AAECAwQFBgcICQoL",
    "alphabet": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "url": "_-_-",
    "feed": "QUJD\nQUJD",
    "bits": "QR==",
    "bits-of-two": "QUJ=",
    "padding": "QQ==QUJD",
    "too-much": "Q===",
    "only": "====",
    "length": "QUJDR",
    "bytes": bytes(range(0, 256, 5)),
}


def array(descr, shape, data, fortran=False, version=1):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    size = 2 if version == 1 else 4
    header += b" " * (-(8 + size + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(size, "little") + header + data


ARRAYS = {
    "half": array("<f2", "(2, 2)", struct.pack("<4e", 1, 2, -3, 65504)),
    "single": array("<f4", "(2, 2)", struct.pack("<4f", 1, 0.1, float("nan"), float("-inf"))),
    "double": array("<f8", "(1, 3)", struct.pack("<3d", 0.1, -0.0, 1e300)),
    "big-endian": array(">f4", "(3, 3)", struct.pack(">9f", *range(9))),
    "fortran": array("<i2", "(2, 3)", struct.pack("<6h", *range(6)), fortran=True),
    "fortran-planes": array("|u1", "(2, 2, 2, 2)", bytes(range(16)), fortran=True),
    "bytes": array("|i1", "(3,)", b"\x80\x00\x7f"),
    "words": array("<i8", "(1, 2)", struct.pack("<2q", 2**53, -1)),
    "long-words": array(">u8", "(1, 2)", struct.pack(">2Q", 2**53 + 1, 2**64 - 1)),
    "longs": array("<u4", "(2, 1)", struct.pack("<2I", 2**24 + 1, 7)),
    "version-2": array("<f4", "(1, 1)", struct.pack("<f", 1), version=2),
    "version-3": array("<f4", "(1, 1, 2)", struct.pack("<2f", 1, 2), version=3),
    "objects": array("|O", "(1, 1)", b"\x80\x04K\x01."),
    "empty": array("<f4", "(0, 3)", b""),
    "overflow": array("<f4", "(99999999999999999999, 2)", b""),
    "scalar": array("<f4", "()", struct.pack("<f", 1)),
    "short": array("<f4", "(2, 2)", b"\0\0\0"),
}

IMAGE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
SMALL = {"image": IMAGE, "filter": [[1, 2], [3, 4]]}
PLANES = {"image": [IMAGE, IMAGE], "filter": [[[[1, 0.5]], [[2, -1]]]]}
THREE = {"image": [[1, 2, 3, 4], [5, 6, 7, 8], [9, 1, 2, 3], [4, 5, 6, 7]], "filter": IMAGE}


def tensor(shape, dtype, code, *numbers):
    data = base64.b64encode(struct.pack(f"<{len(numbers)}{code}", *numbers)).decode()
    return {"shape": shape, "dtype": dtype, "data": data}


# What a problem can say, each tried on every path that takes problems.
PROBLEMS = {
    "plain": SMALL,
    "planes": PLANES,
    "bias": PLANES | {"bias": [0.25], "dtype": "float64"},
    "stride": THREE | {"stride": [2, 1], "dilation": [1, 1], "padding": 1},
    "four-sides": SMALL | {"padding": [0, 1, 2, 1], "padding_mode": "replicate"},
    "same": THREE | {"padding": "same", "flip": True},
    "same-lower": SMALL | {"padding": "same_lower", "padding_mode": "circular"},
    "reflect": THREE | {"padding": 2, "padding_mode": "reflect"},
    "groups": {"image": [IMAGE, IMAGE], "filter": [[[[1]]], [[[2]]]], "groups": 2},
    "transposed": SMALL | {"transposed": True, "stride": 2, "output_padding": 1},
    "output-shape": SMALL | {"transposed": True, "stride": 2, "output_shape": [7, 6]},
    "short": {"image": tensor([1, 2], "float16", "e", 1, 65504), "filter": [[1, 1]]},
    "nonfinite": {"image": tensor([1, 2], "float32", "f", float("inf"), 1), "filter": [[1, 0]]},
    "large-numbers": {"image": [[3e38, 3e38], [1e-45, 1e-38]], "filter": [[1, 1]]},
    "dtype-behind": {"filter": [[1e300]], "image": [[1e-300]], "dtype": "float64"},
}


def with_all(more):
    return {name: problem | more for name, problem in PROBLEMS.items()}


def documents(problems, **further):
    return {name: json.dumps(problem, separators=(",", ":")) for name, problem in (problems | further).items()}


CONVOLVE = documents(
    PROBLEMS,
    toeplitz=SMALL | {"formulation": "toeplitz", "storage": "dense", "report": "full"},
    banded=THREE | {"formulation": "banded", "storage": "dense", "padding": 1, "padding_mode": "circular"},
    im2col=PLANES | {"formulation": "im2col", "encoding": "base64", "repeat": 2},
    separable=THREE | {"formulation": "separable", "rank": 1},
    fft=THREE | {"formulation": "fft", "padding": 2, "report": "full"},
    winograd=THREE | {"formulation": "winograd", "tile": 2, "padding": 1},
    unknown=SMALL | {"colour": 1},
    missing={"image": IMAGE},
    no_fit={"image": [[1]], "filter": IMAGE},
) | {
    "array": ARRAYS["big-endian"],
    "array-answer": json.dumps(SMALL) + "\t",
    "malformed": json.dumps(SMALL)[:-1],
}
COMPARE = documents(
    PROBLEMS,
    named=THREE | {"formulations": ["direct", {"formulation": "winograd", "tile": 2}, "fft"], "result": True},
    too_many=SMALL | {"formulations": 33 * ["direct"]},
)
GRADIENTS = documents(
    with_all({"formulation": "toeplitz"}),
    upstream=SMALL | {"upstream": [[1, 1], [1, -1]], "formulation": "banded", "storage": "dense"},
    direct=PLANES | {"upstream": [[[1, 2], [3, 4], [5, 6]]], "formulation": "direct", "bias": 1},
)
VERIFY = documents(
    with_all({"candidate": [[37, 47], [67, 77]]}),
    several=SMALL | {"candidates": {"a": [[37, 47], [67, 77]], "b": [[37, 47], [67, 77.5]]}, "map": True},
    full=SMALL | {"candidate": [[77, 67], [47, 37]], "claim": "tf32", "report": "full"},
    halves=SMALL | {"candidate": tensor([2, 2], "float16", "e", 37, 47, 67, 77), "claim": "float16"},
    winograd=THREE | {"candidate": [[1, 2], [3, 4]], "claim": "winograd_f2"},
    nonfinite=SMALL | {"candidate": tensor([2, 2], "float32", "f", 37, float("nan"), 67, 77)},
) | {"picture": json.dumps(SMALL | {"candidate": [[37, 47], [67, 78]]}) + "\t"}
PROVE = documents(
    {
        "plain": {"image": [4, 4], "filter": [2, 2]},
        "one": {"image": [1, 4, 4], "filter": [2, 1, 3, 3], "formulation": "winograd", "tile": 2, "padding": 1},
        "dense": {"image": [3, 3], "filter": [2, 2], "formulation": "toeplitz", "storage": "dense", "trials": 2},
        "groups": {"image": [2, 3, 3], "filter": [2, 1, 2, 2], "groups": 2, "seed": 7},
    }
)
OPERATOR = documents(
    {
        "plain": {"image": [3, 3], "filter": [[1, 2], [3, 4]]},
        "csr": {"image": [3, 3], "filter": [[1, 0], [0, 4]], "form": "csr", "padding": 1},
        "entries": {"image": [3, 4], "filter": IMAGE, "form": "entries", "formulation": "banded", "encoding": "base64"},
        "separable": {"image": [4, 4], "filter": IMAGE, "formulation": "separable", "rank": 2, "form": "entries"},
        "planes": {"image": [2, 3, 3], "filter": [[[[1, 0.5]], [[2, -1]]]], "dtype": "float64"},
        "transposed": {"image": [2, 2], "filter": [[1, 2]], "transposed": True, "stride": 2},
        "circular": {"image": [3, 3], "filter": IMAGE, "padding": 1, "padding_mode": "circular", "form": "csr"},
        "huge": {"image": [1 << 31, 1 << 31], "filter": [[1]]},
    }
) | {
    "picture": json.dumps({"image": [3, 3], "filter": [[1, 2], [3, 4]]}) + "\t",
    "factors": json.dumps({"image": [3, 3], "filter": [[1, 2], [2, 4]], "formulation": "separable"}) + "\t",
}
ROWS = [[1, 2, 0, 3, 4, 0, 0, 0, 0], [0, 1, 2, 0, 3, 4, 0, 0, 0], [0, 0, 0, 1, 2, 0, 3, 4, 0], [0, 0, 0, 0, 1, 2, 0, 3, 4]]
CSR = {
    "rows": 4,
    "columns": 9,
    "row_pointers": [0, 4, 8, 12, 16],
    "column_indices": [0, 1, 3, 4, 1, 2, 4, 5, 3, 4, 6, 7, 4, 5, 7, 8],
    "values": 4 * [1, 2, 3, 4],
}
RECOGNIZE = documents(
    {
        "dense": {"matrix": ROWS, "image": [3, 3]},
        "sparse": {"matrix": CSR, "image": [3, 3], "output": [2, 2]},
        "noisy": {"matrix": [[1, 0], [0, 1.0001]], "image": [1, 2], "tolerance": 0.01},
        "transposed": {"matrix": [list(column) for column in zip(*ROWS)], "image": [2, 2], "transposed": True, "output": [3, 3]},
        "none": {"matrix": [[1, 2], [3, 4]], "image": [1, 2]},
        "stride": {"matrix": [[1, 2, 0, 0], [0, 0, 1, 2]], "image": [1, 4], "encoding": "base64"},
    }
) | {"array": array("<f4", "(4, 9)", struct.pack("<36f", *(entry for row in ROWS for entry in row)))}

def deflated(text, bits, level=6):
    compressor = zlib.compressobj(level, zlib.DEFLATED, bits)
    return compressor.compress(text.encode()) + compressor.flush()


# Behind a byte that says as what it is read: even is gzip, odd is zlib's formats.
TEXT = "a text, a text, and then another text"
GZIP = deflated(TEXT, 31)
COMPRESSED = {
    "gzip": b"0" + GZIP,
    "gzip-members": b"0" + GZIP + deflated("", 31) + GZIP,
    "gzip-stored": b"0" + deflated(TEXT, 31, 0),
    "gzip-fields": b"0\x1f\x8b\x08\x1e\0\0\0\0\0\3\4\0abcdname\0comment\0" + GZIP[10:],
    "gzip-cut": b"0" + GZIP[:-9],
    "gzip-garbage": b"0" + GZIP + b"more",
    "gzip-sum": b"0" + GZIP[:-5] + b"\0" + GZIP[-4:],
    "gzip-run": b"0" + deflated(4000 * "a", 31, 9),
    "gzip-bomb": b"0" + deflated(100_000 * "a", 31, 9),
    "zlib": b"1" + deflated(TEXT, 15),
    "zlib-fixed": b"1" + deflated("aaa", 9, 1),
    "zlib-dictionary": b"1\x78\xbb\0\0\0\1" + deflated(TEXT, -15),
    "bare": b"1" + deflated(TEXT, -15),
    "bare-dynamic": b"1" + deflated("".join(chr(32 + n * n % 90) for n in range(300)), -15, 9),
    "empty": b"0",
}

CORPUS = {
    "request": REQUESTS,
    "chunked": CHUNKED,
    "compressed": COMPRESSED,
    "json": DOCUMENTS,
    "base64": BASE64,
    "npy": ARRAYS,
    "convolve": CONVOLVE,
    "compare": COMPARE,
    "gradients": GRADIENTS,
    "verify": VERIFY,
    "prove": PROVE,
    "operator": OPERATOR,
    "recognize": RECOGNIZE,
}


def main():
    for target, inputs in CORPUS.items():
        folder = CORPORA / target
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            if not file.name.startswith("found-"):
                file.unlink()
        for name, content in inputs.items():
            content = content if isinstance(content, bytes) else content.encode()
            (folder / name.replace("_", "-")).write_bytes(content)


if __name__ == "__main__":
    main()
