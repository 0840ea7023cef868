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

THREE_CHANNELS = [[[1, 2], [3, 4]]] * 3
TRANSPOSED = small(transposed=True)
EVERY_OTHER = small(transposed=True, stride=2)
LARGEST = 2**31 - 1


def planes(*shape):
    """Ones of a shape, as nested arrays."""
    return np.ones(shape).tolist()


def claimed(*shape, dtype="float32"):
    """A tensor object that claims a shape and has next to no data."""
    return {"shape": list(shape), "dtype": dtype, "data": "AAAAAA=="}


# What whole problems can get wrong: 422, the place, and the numbers or words that say what would fit.
UNFIT = {
    # Channels and groups.
    "too many image channels": (small(image=THREE_CHANNELS), "/filter", ["3 channels", "takes 1"]),
    "too few image channels": (small(filter=planes(2, 4, 2, 2)), "/filter", ["1 channel", "takes 4"]),
    "channels that groups would mend": (
        small(image=planes(6, 4, 4), filter=planes(4, 3, 2, 2)), "/filter", ["6 channels", "takes 3", "groups 2"]),
    "channels that no number of groups mends": (
        small(image=planes(5, 4, 4), filter=planes(4, 3, 2, 2)), "/filter", ["5 channels", "takes 3"]),
    "channels with groups": (
        small(image=planes(6, 4, 4), filter=planes(4, 2, 2, 2), groups=2), "/filter", ["6", "2 groups", "4 in all"]),
    "groups that do not divide the filters": (
        small(image=planes(6, 4, 4), filter=planes(4, 2, 2, 2), groups=3), "/groups", ["4", "3"]),
    "groups of a single plane": (small(groups=2), "/groups", ["1", "2"]),
    "no groups": (small(groups=0), "/groups", ["1"]),
    "negative groups": (small(groups=-1), "/groups", ["1"]),
    "half a group": (small(groups=0.5), "/groups", []),
    "groups as a pair": (small(groups=[1, 1]), "/groups", []),
    "groups without end": (small(groups=2**62), "/groups", []),
    "as many groups as an integer has": (small(groups=LARGEST), "/groups", [str(LARGEST)]),
    "channels of a transposed problem": (
        TRANSPOSED | {"image": THREE_CHANNELS, "filter": planes(2, 3, 2, 2)}, "/filter", ["3 channels", "2"]),
    # Bias.
    "a bias of another length": (small(filter=planes(3, 1, 2, 2), bias=[1, 2]), "/bias", ["2", "3"]),
    "a long bias of one channel": (small(bias=[1, 2]), "/bias", ["2", "1"]),
    "an empty bias": (small(bias=[]), "/bias", []),
    "a bias of two dimensions": (small(bias=[[1]]), ("/bias", "/bias/0"), []),
    "a bias as a word": (small(bias="1"), "/bias", []),
    "a bias of nothing": (small(bias=None), "/bias", []),
    "a word in the bias": (small(bias=["1"]), "/bias/0", []),
    "a bias beyond float32": (small(bias=[1e39]), ("/bias/0", "/bias"), []),
    "a bias object of two dimensions": (small(bias=FLAT), "/bias*", []),
    "a bias object of a wrong length": (
        small(filter=planes(3, 1, 2, 2), bias=encode(np.ones(4, "float32"))), "/bias", ["4", "3"]),
    "a bias by the filters of a transposed problem": (
        TRANSPOSED | {"image": planes(2, 4, 4), "filter": planes(2, 3, 2, 2), "bias": [1, 2]}, "/bias", ["2", "3"]),
    # Padding.
    "more mirror image than image": (
        small(padding=[0, 0, 5, 0], padding_mode="reflect"), "/padding", ["bottom", "5", "4", "reflect"]),
    "the mirror image of one row": (
        small(image=[[1, 2, 3]], filter=[[1]], padding=1, padding_mode="reflect"), "/padding", ["top", "1", "0"]),
    "more than once around": (
        small(padding=[0, 6, 0, 0], padding_mode="circular"), "/padding", ["left", "6", "5", "circular"]),
    "same as a large mirror": (
        small(image=[[1, 2]] * 2, filter=planes(1, 1, 5, 5), padding="same", padding_mode="reflect"), "/padding",
        ["2", "1", "reflect"]),
    "an unknown padding mode": (small(padding_mode="mirror"), "/padding_mode", ["zeros"]),
    "a padding mode of nothing": (small(padding_mode=None), "/padding_mode", []),
    "same with a stride": (small(padding="same", stride=2), "/padding", ["same", "stride 1", "2", "same_upper"]),
    "same with one stride": (small(padding="same", stride=[1, 3]), "/padding", ["same", "3"]),
    "same misspelt": (small(padding="same_middle"), "/padding", ["same_upper"]),
    # Transposed problems.
    "a transposed mirror": (TRANSPOSED | {"padding_mode": "reflect"}, "/padding_mode", ["reflect", "transposed"]),
    "a transposed round trip": (TRANSPOSED | {"padding_mode": "circular"}, "/padding_mode", ["circular"]),
    "a transposed replication": (TRANSPOSED | {"padding_mode": "replicate"}, "/padding_mode", ["replicate"]),
    "torch's same, transposed": (TRANSPOSED | {"padding": "same"}, "/padding", ["same", "same_upper"]),
    "transposed as a word": (small(transposed="yes"), "/transposed", []),
    "transposed as a number": (small(transposed=1), "/transposed", []),
    "output padding of a stride": (EVERY_OTHER | {"output_padding": 2}, "/output_padding", ["2", "1"]),
    "output padding without strides": (TRANSPOSED | {"output_padding": [0, 1]}, "/output_padding", ["width", "1", "0"]),
    "output padding of a dilation": (TRANSPOSED | {"output_padding": 3, "dilation": 3}, "/output_padding", ["3", "2"]),
    "negative output padding": (EVERY_OTHER | {"output_padding": -1}, "/output_padding", ["0"]),
    "output padding of three": (EVERY_OTHER | {"output_padding": [0, 0, 0]}, ("/output_padding", "/output_padding/2"), []),
    "an output shape below reach": (
        EVERY_OTHER | {"padding": 1, "output_shape": [7, 8]}, "/output_shape", ["height", "7", "8 to 9"]),
    "an output shape above reach": (
        EVERY_OTHER | {"padding": 1, "output_shape": [8, 10]}, "/output_shape", ["width", "10", "8 to 9"]),
    "an output shape no padding leads to": (
        EVERY_OTHER | {"output_shape": [12, 10]}, "/output_shape", ["height", "12", "1 to 11"]),
    "an output shape of nothing": (EVERY_OTHER | {"output_shape": [0, 4]}, ("/output_shape", "/output_shape/0"), ["1"]),
    "an output shape as a number": (EVERY_OTHER | {"output_shape": 9}, "/output_shape", []),
    "an output shape of one": (EVERY_OTHER | {"output_shape": [9]}, "/output_shape", []),
    "an output shape of three": (EVERY_OTHER | {"output_shape": [9, 9, 9]}, ("/output_shape", "/output_shape/2"), []),
    "an output shape as words": (EVERY_OTHER | {"output_shape": ["9", "9"]}, "/output_shape/0", []),
    "three that say too much": (
        EVERY_OTHER | {"output_shape": [9, 9], "output_padding": 1, "padding": 1}, "/output_padding",
        ["output_padding", "output_shape"]),
    "padding that leaves nothing": (
        TRANSPOSED | {"padding": [3, 0, 3, 0]}, "/padding", ["height", "6", "5"]),
    "output padding of a forward problem": (small(output_padding=1), "/output_padding", ["transposed"]),
    "no output padding of a forward problem": (small(output_padding=0), "/output_padding", ["transposed"]),
    "an output shape of a forward problem": (small(output_shape=[4, 4]), "/output_shape", ["transposed"]),
    # Formulations.
    "a rank of another formulation": (small(rank=1), "/rank", ["separable", "direct"]),
    "a rank of winograd": (small(rank=1, formulation="winograd", filter=planes(3, 3)), "/rank", ["separable", "winograd"]),
    "a rank beyond the filter": (small(rank=3, formulation="separable"), "/rank", ["3", "2"]),
    "no rank": (small(rank=0, formulation="separable"), "/rank", ["1"]),
    "a broken rank": (small(rank=1.5, formulation="separable"), "/rank", []),
    "a tile of another formulation": (small(tile=2), "/tile", ["winograd", "direct"]),
    "a tile that does not exist": (
        small(tile=3, formulation="winograd", filter=planes(3, 3)), "/tile", ["3", "2, 4, 6", "3×3"]),
    "a tile too large for the filter": (
        small(tile=4, formulation="winograd", filter=planes(5, 5)), "/tile", ["4", "2", "5×5"]),
    "no tile": (small(tile=0, formulation="winograd", filter=planes(3, 3)), "/tile", []),
    "winograd of a small filter": (small(formulation="winograd"), "/formulation", ["3×3", "5×5", "2×2"]),
    "winograd of an oblong filter": (
        small(formulation="winograd", filter=planes(3, 5)), "/formulation", ["3×3", "3×5"]),
    "winograd with strides": (
        small(formulation="winograd", filter=planes(3, 3), stride=[1, 2]), "/formulation", ["stride", "1×2"]),
    "winograd with dilation": (
        small(formulation="winograd", filter=planes(3, 3), dilation=2), "/formulation", ["dilation", "2×2"]),
    "a dense transform": (small(formulation="fft", storage="dense"), "/storage", ["fft", "sparse"]),
    "dense tiles": (small(formulation="winograd", storage="dense", filter=planes(3, 3)), "/storage", ["winograd"]),
    "dense patches": (small(formulation="im2col", storage="dense"), "/storage", ["im2col", "sparse"]),
    "a dense definition": (small(formulation="direct", storage="dense"), "/storage", ["direct", "sparse"]),
    # Element types.
    "float64 data in a float16 problem": (
        small(image=encode(np.ones((4, 4))), dtype="float16"), ("/image", "/image/dtype"), ["float64"]),
    "float64 data in a bfloat16 problem": (
        small(filter=encode(np.ones((2, 2))), dtype="bfloat16"), ("/filter", "/filter/dtype"), ["float64"]),
    "float64 data in a float32 problem": (
        small(filter=encode(np.ones((2, 2))), dtype="float32"), ("/filter", "/filter/dtype"), ["float64"]),
    "a float64 bias in a float32 problem": (small(bias=encode(np.ones(1))), ("/bias", "/bias/dtype"), ["float64"]),
    "half as many bytes as float16 needs": (
        small(image={"shape": [2, 2], "dtype": "float16", "data": "AAAA"}), ("/image/data", "/image"), []),
    # Dimensions.
    "an image of one dimension": (small(image=[1, 2, 3]), ("/image", "/image/0"), []),
    "an image of five dimensions": (small(image=planes(1, 1, 1, 5, 5)), "/image*", []),
    "a filter of three dimensions": (small(filter=planes(1, 2, 2)), ("/filter", "/filter/0"), ["4"]),
    "a filter of five dimensions": (small(filter=planes(1, 1, 1, 2, 2)), "/filter*", []),
    "an image object of five dimensions": (small(image=claimed(1, 1, 1, 1, 1)), "/image*", ["four"]),
    "an image object of one dimension": (small(image=claimed(1)), ("/image/shape", "/image"), []),
    "an image object of no dimension": (small(image=claimed()), ("/image/shape", "/image"), []),
    "channels that are ragged": (small(image=[[[1, 2], [3, 4]], [[1, 2]]]), ("/image/1", "/image/1/1"), []),
    "a channel that is a row": (small(image=[[[1, 2], [3, 4]], [1, 2]]), ("/image/1", "/image/1/0"), []),
    "a channel that is empty": (small(image=[[[1, 2], [3, 4]], []]), "/image/1", []),
    "filters that are ragged": (small(filter=[[[[1]]], [[[1]], [[1]]]]), ("/filter/1", "/filter/1/1"), []),
    "no channels": (small(image={"shape": [0, 2, 2], "dtype": "float32", "data": ""}), "/image*", []),
    # Sizes.
    "more pixels than can be counted": (small(image=claimed(2**31, 2**31)), "/image*", []),
    "more pixels than an integer holds": (small(image=claimed(2**31, 2**31, 2**31, 2**31)), "/image*", []),
    "more taps than can be counted": (small(filter=claimed(2**31, 2**31)), "/filter*", []),
    "more filters than can be counted": (small(filter=claimed(2**16, 2**16, 2**16, 2**16)), "/filter*", []),
    "a product that comes out small": (small(image=claimed(2**32, 2**32)), "/image*", []),
    "a dilation of all an integer has": (small(dilation=LARGEST), ("/filter", "/dilation"), [str(LARGEST + 1), "5"]),
    "padding of all an integer has": (small(padding=LARGEST), "*", []),
    "circular padding of all an integer has": (
        small(padding=LARGEST, padding_mode="circular"), "/padding", [str(LARGEST), "5"]),
    "replicated padding of all an integer has": (small(padding=LARGEST, padding_mode="replicate"), "*", []),
    "much padding around little result": (
        small(padding=LARGEST, padding_mode="replicate", stride=LARGEST, dilation=1), "*", []),
    "dilation and padding of all an integer has": (small(padding=LARGEST, dilation=LARGEST), "*", []),
    "a transposed dilation of all an integer has": (TRANSPOSED | {"dilation": LARGEST}, "*", []),
    "a transposed stride of all an integer has": (TRANSPOSED | {"stride": LARGEST}, "*", []),
    "a transposed padding of all an integer has": (TRANSPOSED | {"padding": LARGEST}, "/padding", []),
    "an output shape of all an integer has": (
        TRANSPOSED | {"stride": LARGEST, "output_shape": [LARGEST, LARGEST]}, "*", []),
    "an output shape beyond an integer": (TRANSPOSED | {"output_shape": [2**31, 1]}, "/output_shape*", []),
    "an output padding of all an integer has": (
        TRANSPOSED | {"stride": LARGEST, "output_padding": LARGEST - 1}, "*", []),
    "a tile of all an integer has": (small(tile=LARGEST, formulation="winograd", filter=planes(3, 3)), "/tile", []),
    "a rank of all an integer has": (small(rank=LARGEST, formulation="separable"), "/rank", [str(LARGEST)]),
    "a tile beyond any integer": (small(tile=2**64, formulation="winograd", filter=planes(3, 3)), "/tile", []),
    "upstream for a convolution": (small(upstream=[[1]]), "/upstream", ["upstream"]),
    "formulations for a convolution": (small(formulations=["direct"]), "/formulations", ["formulations"]),
    "a result for a convolution": (small(result=True), "/result", ["result"]),
}  # fmt: skip

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


def pointer_fits(pointer, expected):
    """One of several places, or, before a star, any place that begins so."""
    allowed = expected if isinstance(expected, tuple) else (expected,)
    return any(pointer.startswith(e[:-1]) if e.endswith("*") else pointer == e for e in allowed)


@pytest.mark.parametrize("case", UNFIT)
def test_a_problem_that_does_not_fit(connection, server, case):
    """The error names the place, what is there and what would fit."""
    document, pointer, said = UNFIT[case]
    problem = refuse_and_go_on(connection, document, 422)
    assert pointer_fits(problem.get("pointer", ""), pointer), problem
    for words in said:
        assert words in problem["detail"], (words, problem)


# The same problem in another request: what is read in one place is refused in the same words.
ELSEWHERE = {"/compare": {}, "/gradients": {"upstream": [[1]]}, "/verify": {"candidate": [[1]]}}


@pytest.mark.parametrize("path", ELSEWHERE)
def test_the_other_requests_refuse_the_same(connection, server, path):
    own = {"rank", "tile", "formulation", "storage", "upstream", "formulations", "result"}
    for case, (document, pointer, _) in UNFIT.items():
        if own & set(document) or "dtype" in document:
            continue
        here = call_on(connection, "POST", "/convolve", json.dumps(document).encode()).json()
        answer = call_on(connection, "POST", path, json.dumps(document | ELSEWHERE[path]).encode())
        problem = assert_problem(answer, 422)
        assert pointer_fits(problem.get("pointer", ""), pointer), (case, problem)
        assert pointer == "*" or problem["detail"] == here["detail"], (case, problem, here)


@pytest.mark.parametrize("path, more", [("/convolve", {}), ("/compare", {}), ("/gradients", {"upstream": RESULT_4X4}), ("/verify", {"candidate": RESULT_4X4})])
def test_an_unknown_field_of_each_request(connection, server, path, more):
    for name in ["paddding", "Image", "bias ", "output", "", "image\u0000", "padding_Mode"]:
        answer = call_on(connection, "POST", path, json.dumps(small(**more) | {name: 1}).encode())
        problem = assert_problem(answer, 422, f"/{name}")
        assert "known" in problem["detail"], problem
        assert call_on(connection, "POST", path, json.dumps(small(**more)).encode()).status == 200


# What only a verification can get wrong: the changes to a right one, the place, and words that help.
UNVERIFIABLE = {
    "no candidate": ({}, "/candidate", ["missing"]),
    "a candidate of another shape": ({"candidate": [[51, 61]]}, "/candidate", ["1×2", "4×4"]),
    "a candidate of another rank": ({"candidate": [RESULT_4X4]}, "/candidate", ["1×4×4", "4×4"]),
    "a short candidate in base64": ({"candidate": FLAT}, "/candidate", ["2×2", "4×4"]),
    "a named candidate of another shape": ({"candidates": {"a": RESULT_4X4, "b/c": [[1]]}}, "/candidates/b~1c", ["4×4"]),
    "a null in a candidate": ({"candidate": [[51, None]]}, "/candidate/0/1", ["number"]),
    "a candidate that is a number": ({"candidate": 5}, "/candidate", ["tensor"]),
    "candidates in an array": ({"candidates": [RESULT_4X4]}, "/candidates", ["object"]),
    "no candidate among them": ({"candidates": {}}, "/candidates", ["at least one"]),
    "nine candidates": ({"candidates": {str(i): RESULT_4X4 for i in range(9)}}, "/candidates/8", ["more candidates"]),
    "both": ({"candidate": RESULT_4X4, "candidates": {"a": RESULT_4X4}}, "/candidates", ["not both"]),
    "an unknown claim": ({"candidate": RESULT_4X4, "claim": "float8"}, "/claim", ["tf32", "winograd_f6"]),
    "a claim that is a number": ({"candidate": RESULT_4X4, "claim": 32}, "/claim", ["string"]),
    "a tile that does not fit": ({"candidate": RESULT_4X4, "claim": "winograd_f4"}, "/claim", ["3×3"]),
    "a map of numbers": ({"candidate": RESULT_4X4, "map": 1}, "/map", []),
    "an unknown report": ({"candidate": RESULT_4X4, "report": "long"}, "/report", ["full"]),
    "a formulation": ({"candidate": RESULT_4X4, "formulation": "direct"}, "/formulation", ["unknown"]),
}


@pytest.mark.parametrize("case", UNVERIFIABLE)
def test_what_cannot_be_verified(connection, server, case):
    changes, pointer, said = UNVERIFIABLE[case]
    answer = call_on(connection, "POST", "/verify", json.dumps(small(**changes)).encode())
    problem = assert_problem(answer, 422, pointer)
    for words in said:
        assert words in problem["detail"], (words, problem)
    answer = call_on(connection, "POST", "/verify", json.dumps(small(candidate=RESULT_4X4)).encode())
    assert answer.json()["verdict"] == "consistent"


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
        ("GET", "/compare", "POST"),
        ("GET", "/gradients", "POST"),
        ("GET", "/verify", "POST"),
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
        small(image=planes(4, 3, 3), filter=planes(4, 2, 2, 2), groups=2, bias=[1, 2, 3, 4], padding="same_lower"),
        small(transposed=True, stride=2, padding=1, output_shape=[9, 8], dtype="bfloat16", formulation="fft"),
        small(filter=planes(3, 3), formulation="winograd", tile=6, padding=2, padding_mode="circular"),
        small(filter=planes(3, 3), formulation="separable", rank=2, padding_mode="reflect", padding=[1, 2]),
    ]
    seen = set()
    requests = [("/convolve", document) for document in whole]
    requests += [("/compare", small(formulations=["fft", {"formulation": "separable", "rank": 1}], result=True, bias=2))]
    requests += [("/gradients", small(upstream=RESULT_4X4, formulation="banded", storage="dense", flip=True))]
    for seed in range(1000):
        rng = random.Random(seed)
        path, document = rng.choice(requests)
        body = mutate(rng, json.dumps(document).encode())
        answer = post(server, body, path)
        assert answer.status in {200, 400, 422}, f"seed {seed}: {answer.status} for {path} {body!r}"
        if answer.status != 200:
            assert_problem(answer, answer.status)
        seen.add(answer.status)
    assert seen == {200, 400, 422}
