"""POST /convolve with images and results in NumPy's file format."""

import io
import json
from urllib.parse import urlencode

import numpy as np
import oracle
import pytest
from problems import random_problem
from support import FILTER_2X2, IMAGE_5X5, RESULT_4X4, assert_problem, call, convolve, decode, without_timing

FILE = "application/x-npy"


def saved(array, version=None):
    """An array as `numpy.save` writes it, or in another version of the format."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version=version)
    return file.getvalue()


def text(value):
    """A field as it stands in a query: extents joined by x, words, or JSON."""
    if isinstance(value, list) and value and all(isinstance(number, int) for number in value):
        return "x".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def post_file(server, file, accept="application/json", **query):
    path = "/convolve?" + urlencode({name: text(value) for name, value in query.items()})
    return call(server, "POST", path, file, {"Content-Type": FILE, "Accept": accept})


def test_the_notebooks_problem_as_a_file(server):
    for kind in ("uint8", "int64", "float32", ">f8"):
        image = np.array(IMAGE_5X5, kind)
        for file in (saved(image), saved(np.asfortranarray(image)), saved(image, (3, 0))):
            answer = post_file(server, file, FILE, filter=FILTER_2X2)
            assert answer.status == 200 and answer.headers["Content-Type"] == FILE, answer.body
            assert answer.headers["X-Equivalent"] == "true" and float(answer.headers["X-Max-Deviation"]) == 0
            assert "total;dur=" in answer.headers["Server-Timing"] and answer.headers["Vary"] == "Accept"
            result = np.load(io.BytesIO(answer.body), allow_pickle=False)
            assert result.dtype == ("float64" if kind == ">f8" else "float32")
            assert np.array_equal(result, RESULT_4X4)


def test_a_result_is_byte_for_byte_what_numpy_saves(server):
    for dtype in ("float16", "float32", "float64"):
        for shape in ((3, 4), (1, 3, 4), (2, 1, 3, 4), (1, 120), (100, 1)):
            image = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
            one = [[1]] if len(shape) == 2 else [[[[1]]]]
            assert post_file(server, saved(image), FILE, filter=one).body == saved(image)


def test_a_file_has_the_answer_of_the_same_document(server):
    for seed in range(50_000, 50_060):
        problem = random_problem(seed, dtypes=("float32", "float64"), largest=8)
        options = dict(problem.options)
        bias = {} if problem.bias is None else {"bias": problem.bias}
        taps = problem.taps.astype("float64").tolist()
        chosen = {"formulation": "toeplitz", "storage": "dense", "report": "full"} if seed % 2 else {"encoding": "json"}
        fields = {"filter": taps, "dtype": problem.dtype} | options | chosen
        query = {name: json.dumps(value) if name == "filter" else value for name, value in fields.items()}
        query |= {name: json.dumps(value) for name, value in bias.items()}
        image = np.asfortranarray(problem.image) if seed % 3 else problem.image
        answer = post_file(server, saved(image), **query)
        assert answer.status == 200, (seed, answer.body)
        document = fields | bias | {"image": problem.image.astype("float64").tolist()}
        document.setdefault("encoding", "base64")
        assert without_timing(answer.json()) == without_timing(convolve(server, document)), seed
        # The same alone, as a file.
        alone = np.load(io.BytesIO(post_file(server, saved(image), FILE, **query).body), allow_pickle=False)
        assert np.array_equal(alone, decode(answer.json()["result"], problem.dtype)), seed


def test_a_document_may_be_answered_with_a_file(server):
    for dtype, written in [("float16", "float16"), ("bfloat16", "float32"), ("float32", "float32"), ("float64", "float64")]:
        document = {"image": [[1 / 3, 2, 3]], "filter": [[0.1, 0.7]], "dtype": dtype, "encoding": "json"}
        body = json.dumps(document).encode()
        answer = call(server, "POST", "/convolve", body, {"Content-Type": "application/json", "Accept": FILE})
        result = np.load(io.BytesIO(answer.body), allow_pickle=False)
        assert result.dtype == written
        listed = decode(convolve(server, document)["result"], dtype).astype("float64")
        assert np.array_equal(result.astype("float64"), listed)
        assert answer.headers["X-Equivalent"] == "true"


def test_the_verdict_in_the_head_is_that_of_the_document(server):
    rng = np.random.default_rng(7)
    image, taps = rng.standard_normal((9, 9)).astype("float32"), rng.standard_normal((3, 3)).tolist()
    truncated = {"filter": taps, "formulation": "separable", "rank": 1}
    head, listed = post_file(server, saved(image), FILE, **truncated), post_file(server, saved(image), **truncated)
    assert head.headers["X-Equivalent"] == "false" and listed.json()["equivalent"] is False
    assert float(head.headers["X-Max-Deviation"]) == listed.json()["max_deviation"] > 0
    infinite = post_file(server, saved(np.full((2, 2), np.inf, "float32")), FILE, filter=[[1, -1]])
    assert infinite.headers["X-Max-Deviation"] == "null" or float(infinite.headers["X-Max-Deviation"]) == 0
    assert np.all(np.isnan(np.load(io.BytesIO(infinite.body))))


def test_errors_stay_problem_documents_when_a_file_was_asked_for(server):
    problem = assert_problem(post_file(server, b"no file", FILE, filter=[[1]]), 400)
    assert problem["type"] == "urn:convcheck:malformed-npy" and problem["offset"] == 0


IMAGE = saved(np.ones((4, 4), "float32"))


@pytest.mark.parametrize(
    "query, name",
    [
        ("", "filter"),
        ("filter=", "filter"),
        ("filter=[[1,2]", "filter"),
        ("filter=[[1,2],[3]]", "filter"),
        ("filter=1", "filter"),
        ("filter=%5B%5B1%5D%5", "filter"),
        ("filter=%5B%5B1%5D%zz", "filter"),
        ("filter=%ff%fe", "filter"),
        ("filter=%00", "filter"),
        ("filter=[[1e39]]", "filter"),
        ("filter=[[1,1,1,1,1]]", "filter"),
        ("filter=[[[[1]],[[1]]]]", None),
        ("filter=[[1]]&filter=[[1]]", "filter"),
        ("filter=[[1]]&image=4x4", "image"),
        ("filter=[[1]]&candidate=1", "candidate"),
        ("filter=[[1]]&bias=[1,2]", "bias"),
        ("filter=[[1]]&bias=one", "bias"),
        ("filter=[[1]]&stride=0", "stride"),
        ("filter=[[1]]&stride=[1,1]", "stride"),
        ("filter=[[1]]&padding=-1", "padding"),
        ("filter=[[1]]&padding=2000000000x0", None),
        ("filter=[[1e+5]]", "filter"),
        ("filter=[[1]]&padding=9999999999999999999", "padding"),
        ("filter=[[1]]&padding=5000&padding_mode=replicate", None),
        ("filter=[[1]]&padding=4&padding_mode=reflect", "padding"),
        ("filter=[[1]]&padding_mode=mirror", "padding_mode"),
        ("filter=[[1]]&dilation=1x2x3", "dilation"),
        ("filter=[[1]]&groups=2", "groups"),
        ("filter=[[1]]&flip=yes", "flip"),
        ("filter=[[1]]&transposed=True", "transposed"),
        ("filter=[[1]]&output_padding=1", "output_padding"),
        ("filter=[[1]]&output_shape=4x4", "output_shape"),
        ("filter=[[1]]&dtype=int8", "dtype"),
        ("filter=[[1]]&formulation=fast", "formulation"),
        ("filter=[[1]]&formulation=winograd", "formulation"),
        ("filter=[[1]]&storage=compressed", "storage"),
        ("filter=[[1]]&formulation=fft&storage=dense", "storage"),
        ("filter=[[1]]&rank=1", "rank"),
        ("filter=[[1]]&tile=2", "tile"),
        ("filter=[[1]]&repeat=0", "repeat"),
        ("filter=[[1]]&repeat=1001", "repeat"),
        ("filter=[[1]]&report=short", "report"),
        ("filter=[[1]]&encoding=npy", "encoding"),
    ],
)
def test_a_query_that_makes_no_problem_is_refused(server, query, name):
    answer = call(server, "POST", f"/convolve?{query}", IMAGE, {"Content-Type": FILE})
    problem = assert_problem(answer, 422)
    if name:
        assert problem.get("parameter") == name and "pointer" not in problem, problem


@pytest.mark.parametrize(
    "array, words",
    [
        (np.ones(4), "2 to 4 dimensions"),
        (np.ones((1, 1, 1, 1, 1)), "2 to 4 dimensions"),
        (np.ones((0, 4)), "empty"),
        (np.ones((4, 4), "complex64"), "'<c8'"),
        (np.full((1, 1), 2**24 + 1), "none of float32"),
        (np.array([[{}]], dtype=object), "pickles"),
    ],
)
def test_an_array_that_is_no_image_is_refused(server, array, words):
    problem = assert_problem(post_file(server, saved(array), filter=[[1]]), 422, "/image")
    assert words in problem["detail"]


@pytest.mark.parametrize("path", ["/convolve?padding=1", "/recognize?image=5x5", "/convolve?unknown", "/convolve?=1"])
def test_beside_a_document_a_query_would_count_for_nothing(server, path):
    document = {"image": IMAGE_5X5, "filter": FILTER_2X2} if "convolve" in path else {"image": [1, 1], "matrix": [[1]]}
    problem = assert_problem(call(server, "POST", path, json.dumps(document)), 422)
    assert problem["parameter"] == path.partition("?")[2].split("=")[0]
    assert call(server, "POST", path.partition("?")[0] + "?", json.dumps(document)).status == 200


def test_float64_is_not_narrowed_unasked(server):
    image = np.ones((2, 2))
    assert post_file(server, saved(image), filter=[[1]]).json()["dtype"] == "float64"
    problem = assert_problem(post_file(server, saved(image), filter=[[1]], dtype="float32"), 422, "/image")
    assert "not narrowed" in problem["detail"]


def test_a_large_image_goes_both_ways(server):
    rng = np.random.default_rng(3)
    image = rng.integers(-9, 10, (512, 512)).astype("float32")
    taps = rng.integers(-9, 10, (3, 3)).tolist()
    answer = post_file(server, saved(image), FILE, filter=taps, padding=1, formulation="banded")
    result = np.load(io.BytesIO(answer.body))
    assert np.array_equal(result, oracle.convolve(image, np.array(taps), padding=1).astype("float64"))
