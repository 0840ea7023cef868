"""POST /recognize: matrices of known convolutions, the same spoilt, and what is no matrix at all."""

import io
from urllib.parse import urlencode

import numpy as np
import pytest
from problems import random_problem, shown
from support import FILTER_2X2, assert_problem, call, encode, without_timing
from test_operator import dense

OPTIONS = ["stride", "padding", "padding_mode", "dilation", "groups", "transposed", "output_shape"]


def operator(asker, problem):
    return asker.post("/operator", problem | {"form": "csr"})


def made_from(asker, answer):
    """The matrix of what was recognised, asked for in the answer's own words."""
    problem = {name: answer[name] for name in ["image", "filter", *OPTIONS] if name in answer}
    return operator(asker, problem | {"dtype": "float64"})["matrix"]


@pytest.mark.parametrize("seeds", [range(40_000 + start, 40_040 + start) for start in range(0, 240, 40)])
def test_a_recognised_operator_makes_the_same_matrix(asker, seeds):
    verdicts = {}
    for seed in seeds:
        problem = random_problem(seed, dtypes=("float64",), largest=10)
        options = problem.options
        if options.get("padding_mode", "zeros") != "zeros" and seed % 3:
            # Other modes are found only where the image is large enough; a third of them is tried all the same.
            options = {name: value for name, value in options.items() if name != "padding_mode"}
        shape = list(problem.image.shape[-3:])
        given = {"image": shape, "filter": encode(problem.taps)} | options
        made = operator(asker, given)
        matrix = made["matrix"] if seed % 2 else {
            "shape": [made["matrix"]["rows"], made["matrix"]["columns"]],
            "dtype": "float64", "data": encode(dense(made["matrix"]))["data"],
        }
        asked = {"matrix": matrix, "image": shape, "output": made["result"], "transposed": problem.transposed}
        line = shown("/recognize", asked)
        answer = asker.post("/recognize", asked)
        verdicts[answer["verdict"]] = verdicts.get(answer["verdict"], 0) + 1
        if answer["verdict"] != "convolution":
            assert options.get("padding_mode", "zeros") != "zeros", line
            continue
        assert (answer["distance"], answer["violations"]) == (0, 0) and "violation" not in answer, line
        assert (answer["image"], answer["output"]) == (shape, made["result"]), line
        assert np.array_equal(dense(made_from(asker, answer)), dense(made["matrix"])), line
    assert verdicts["convolution"] >= len(seeds) - 8, verdicts


def notebook_matrix(asker):
    made = operator(asker, {"image": [5, 5], "filter": FILTER_2X2})
    return dense(made["matrix"])


def test_every_spoilt_entry_of_a_16_by_25_matrix_is_found(asker):
    """Each entry alone is changed; in four places it is the only one of its class, and the answer says so."""
    matrix = notebook_matrix(asker)
    assert matrix.shape == (16, 25)
    lone = []
    for row in range(16):
        for column in range(25):
            spoilt = matrix.copy()
            spoilt[row, column] = 9 if matrix[row, column] == 0 else 0 if (row + column) % 2 else 9
            asked = {"matrix": spoilt.tolist(), "image": [5, 5], "output": [4, 4]}
            line = shown("/recognize", asked)
            answer = asker.post("/recognize", asked)
            if answer["verdict"] == "convolution":
                assert np.array_equal(dense(made_from(asker, answer)), spoilt), line
                remark = next(remark for remark in answer["remarks"] if remark["remark"] == "lone_entries")
                assert remark["entries"] == [[row, column]] and remark["kernel"] == [2, 2], line
                lone.append((row, column))
                continue
            assert (answer["verdict"], answer["violations"]) == ("violated", 1), line
            assert answer["filter"] == FILTER_2X2, line
            was, now = matrix[row, column], spoilt[row, column]
            violation = answer["violation"]
            assert (violation["row"], violation["column"]) == (row, column), line
            assert (violation["expected"], violation["actual"]) == (was, now), line
            kind = "extra_nonzero" if was == 0 else "missing_tap" if now == 0 else "tie_broken"
            assert violation["kind"] == kind, line
            tap = None if was == 0 else [[int(t) for t in np.argwhere(np.array(FILTER_2X2) == was)[0]]][0]
            assert tap is None or violation["tap"] == tap, line
            assert answer["distance"] > 0, line
    # The image's corners against the outputs in the opposite corners.
    assert lone == [(0, 24), (3, 20), (12, 4), (15, 0)]


def test_a_noisy_matrix_is_approximately_a_convolution(asker):
    matrix = notebook_matrix(asker)
    noise = np.random.default_rng(1).normal(0, 1e-9, matrix.shape) * (matrix != 0)
    asked = {"matrix": (matrix + noise).tolist(), "image": [5, 5], "output": [4, 4]}
    for more in ({}, {"tolerance": 1e-6}):
        answer = asker.post("/recognize", asked | more)
        assert answer["verdict"] == "approximate" and 0 < answer["distance"] < 1e-8
        assert np.allclose(answer["filter"], FILTER_2X2, atol=1e-8)
    assert asker.post("/recognize", asked | {"tolerance": 0})["verdict"] == "violated"


def test_the_outputs_shape_can_be_left_out(asker):
    answer = asker.post("/recognize", {"matrix": notebook_matrix(asker).tolist(), "image": [5, 5]})
    assert answer["output"] == [4, 4] and answer["filter"] == FILTER_2X2
    assert "output_derived" in [remark["remark"] for remark in answer["remarks"]]


def test_the_filter_comes_in_the_encoding_asked_for(asker):
    asked = {"matrix": notebook_matrix(asker).tolist(), "image": [5, 5], "output": [4, 4], "encoding": "base64"}
    assert asker.post("/recognize", asked)["filter"] == encode(np.array(FILTER_2X2, "float64"))


def test_a_matrix_without_nonzeros_is_one_of_zeros(asker):
    empty = {"rows": 4, "columns": 9, "row_pointers": [0] * 5, "column_indices": [], "values": []}
    for matrix in (empty, [[0] * 9] * 4):
        answer = asker.post("/recognize", {"matrix": matrix, "image": [3, 3], "output": [2, 2]})
        assert answer["verdict"] == "convolution" and answer["filter"] == [[0]]
        assert [remark["remark"] for remark in answer["remarks"]] == ["zero_filter"]


CSR = {"rows": 2, "columns": 3, "row_pointers": [0, 2, 4], "column_indices": [0, 1, 1, 2], "values": [1, 2, 1, 2]}


def asked_with(**parts):
    return {"matrix": CSR | parts, "image": [1, 3], "output": [1, 2]}


def test_compressed_rows_are_read(asker):
    answer = asker.post("/recognize", asked_with())
    assert answer["filter"] == [[1, 2]] and answer["verdict"] == "convolution"
    values = encode(np.array([1, 2, 1, 2], "float32"))
    assert asker.post("/recognize", asked_with(values=values))["filter"] == [[1, 2]]


HUGE = 2**63 - 1


@pytest.mark.parametrize(
    "document, pointer",
    [
        ({}, "/matrix"),
        ({"matrix": [[1]]}, "/image"),
        ({"matrix": [[1]], "image": [1, 1], "stride": 1}, "/stride"),
        ({"matrix": [], "image": [1, 1]}, "/matrix"),
        ({"matrix": {}, "image": [1, 1]}, "/matrix/shape"),
        ({"matrix": 5, "image": [1, 1]}, "/matrix"),
        ({"matrix": [1, 2], "image": [1, 2]}, "/matrix"),
        ({"matrix": [[[1]]], "image": [1, 1]}, "/matrix"),
        ({"matrix": [[1], [1, 2]], "image": [1, 1]}, "/matrix/1"),
        ({"matrix": encode(np.array([[np.nan]])), "image": [1, 1]}, "/matrix"),
        ({"matrix": {"shape": [HUGE, 2], "dtype": "float32", "data": ""}, "image": [1, 1]}, "/matrix/shape"),
        ({"matrix": [[1, 2]], "image": [1, 3]}, "/image"),
        ({"matrix": [[1, 2]], "image": [2]}, "/image"),
        ({"matrix": [[1, 2]], "image": [1, 1, 1, 2]}, "/image/3"),
        ({"matrix": [[1, 2]], "image": [HUGE, HUGE]}, ("/image/0", "/image")),
        ({"matrix": [[1, 2]], "image": [65536, 65536]}, "/image"),
        ({"matrix": [[1, 2]], "image": [1, 2], "output": [1, 2]}, "/output"),
        ({"matrix": [[1, 2]], "image": [1, 2], "output": [0, 1]}, "/output/0"),
        ({"matrix": [[1, 2]], "image": [1, 2], "transposed": True}, "/output"),
        ({"matrix": [[1, 2]], "image": [1, 2], "tolerance": 1}, "/tolerance"),
        ({"matrix": [[1, 2]], "image": [1, 2], "tolerance": -0.1}, "/tolerance"),
        ({"matrix": [[1, 2]], "image": [1, 2], "tolerance": "no"}, "/tolerance"),
        (asked_with(rows=3), "/matrix"),
        (asked_with(rows=0), "/matrix/rows"),
        (asked_with(rows=HUGE), "/matrix/rows"),
        (asked_with(columns=HUGE), "/matrix/columns"),
        (asked_with(columns=2**24), "/image"),
        (asked_with(columns=2), "/matrix/column_indices/3"),
        (asked_with(row_pointers=[0, 4]), "/matrix"),
        (asked_with(row_pointers=[1, 2, 4]), "/matrix/row_pointers/0"),
        (asked_with(row_pointers=[0, 5, 4]), "/matrix/row_pointers/1"),
        (asked_with(row_pointers=[0, HUGE, 4]), "/matrix/row_pointers/1"),
        (asked_with(row_pointers=[0, 2, 3]), "/matrix/row_pointers/2"),
        (asked_with(row_pointers=[0, 3, 2]), "/matrix/row_pointers/2"),
        (asked_with(row_pointers=[0, -1, 4]), "/matrix/row_pointers/1"),
        (asked_with(row_pointers=[0, 1.5, 4]), "/matrix/row_pointers/1"),
        (asked_with(row_pointers=5), "/matrix/row_pointers"),
        (asked_with(column_indices=[0, 1, 1]), "/matrix"),
        (asked_with(column_indices=[0, 0, 1, 2]), "/matrix/column_indices/1"),
        (asked_with(column_indices=[1, 0, 1, 2]), "/matrix/column_indices/1"),
        (asked_with(column_indices=[0, 1, 1, 3]), "/matrix/column_indices/3"),
        (asked_with(column_indices=[0, 1, 1, HUGE]), "/matrix/column_indices/3"),
        (asked_with(column_indices=[-1, 1, 1, 2]), "/matrix/column_indices/0"),
        (asked_with(values=[1, 2, 1]), "/matrix"),
        (asked_with(values=[1, 2, 1, None]), "/matrix/values/3"),
        (asked_with(values=[[1, 2], [1, 2]]), "/matrix/values/0"),
        (asked_with(values=encode(np.array([1, np.inf, 1, 2]))), "/matrix"),
        (asked_with(shape=[2, 3]), "/matrix/shape"),
        ({"matrix": {name: CSR[name] for name in list(CSR)[:4]}, "image": [1, 3]}, "/matrix/values"),
    ],
)
def test_what_is_no_matrix_is_refused(asker, document, pointer):
    problem = assert_problem(asker.ask("/recognize", document), 422)
    assert problem.get("pointer") in ((pointer,) if isinstance(pointer, str) else pointer), problem


def saved(array, version=None):
    """An array as `numpy.save` writes it, or in an older or newer version of the format."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def post_file(server, file, **query):
    """Posts a file with the fields of a request in the query."""

    def text(value):
        return "x".join(map(str, value)) if isinstance(value, list) else str(value).lower()

    path = "/recognize?" + urlencode({name: text(value) for name, value in query.items()})
    return call(server, "POST", path, file, {"Content-Type": "application/x-npy"})


def test_a_file_of_numpy_has_the_answer_of_the_same_json(server, asker):
    for seed in range(41_000, 41_040):
        problem = random_problem(seed, dtypes=("float64",), largest=8)
        options = {name: value for name, value in problem.options.items() if name != "padding_mode"}
        shape = list(problem.image.shape[-3:])
        made = operator(asker, {"image": shape, "filter": encode(problem.taps)} | options)
        matrix = dense(made["matrix"])
        asked = {"image": shape, "output": made["result"], "transposed": problem.transposed}
        expected = without_timing(asker.post("/recognize", asked | {"matrix": encode(matrix)}))
        version = [None, (1, 0), (2, 0), (3, 0)][seed % 4]
        stored = matrix.astype([">f8", "<f8"][seed % 2])
        for file in (saved(stored, version), saved(np.asfortranarray(stored), version)):
            answer = post_file(server, file, **asked)
            assert answer.status == 200, (seed, answer.body)
            assert without_timing(answer.json()) == expected, seed


@pytest.mark.parametrize("kind", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|i1", "|u1", "<i2", ">u2", "<i4", ">u4", "<i8", ">u8"])
def test_a_file_may_have_any_of_numpys_plain_types(server, asker, kind):
    matrix = notebook_matrix(asker).astype(kind)
    assert np.dtype(kind) == matrix.dtype
    for order in "CF":
        answer = post_file(server, saved(np.array(matrix, order=order)), image=[5, 5], output=[4, 4]).json()
        assert answer["verdict"] == "convolution" and answer["filter"] == FILTER_2X2


def test_a_file_is_recognised_within_a_tolerance_and_answered_in_base64(server, asker):
    rng = np.random.default_rng(5)
    matrix = notebook_matrix(asker)
    matrix += 1e-5 * rng.standard_normal(matrix.shape)
    answer = post_file(server, saved(matrix), image=[5, 5], output=[4, 4], tolerance="1e-3", encoding="base64").json()
    assert answer["verdict"] == "approximate" and answer["tolerance"] == 1e-3 and answer["filter"]["dtype"] == "float64"


WHOLE = saved(np.eye(4))


@pytest.mark.parametrize(
    "file, status, words",
    [
        (b"", 400, "magic string"),
        (b"{}", 400, "magic string"),
        (WHOLE[:7], 400, "version"),
        (WHOLE[:40], 400, "header"),
        (WHOLE[:6] + b"\x09\x00" + WHOLE[8:], 400, "9.0 is unknown"),
        (WHOLE.replace(b"'shape'", b"'shaqe'"), 400, "the keys are"),
        (WHOLE.replace(b"False", b"exit("), 400, "True or False"),
        (WHOLE[:-1], 422, "there are 127 bytes, 4×4 of float64 takes 128"),
        (WHOLE + b"\0", 422, "there are 129 bytes"),
        (WHOLE.replace(b"(4, 4)", b"(0, 4)"), 422, "empty"),
        (WHOLE.replace(b"(4, 4), }" + 18 * b" ", b"(4294967296, 4294967296), }"), 422, "more than 16777216"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(64), 422, "header length"),
        (saved(np.ones(4)), 422, "2 dimensions"),
        (saved(np.ones((1, 1, 4))), 422, "2 dimensions"),
        (saved(np.array(1.0)), 422, "2 dimensions"),
        (saved(np.array([["a"]])), 422, "'<U1' is not taken"),
        (saved(np.ones((1, 4), "complex128")), 422, "'<c16'"),
        (saved(np.ones((1, 4), "bool")), 422, "'|b1'"),
        (saved(np.zeros((1, 4), [("a", "f4")])), 422, "records"),
        (saved(np.array([[None] * 4], dtype=object)), 422, "pickles"),
        (saved(np.array([[2**53 + 1, 0, 0, 0]])), 422, "none of float64"),
        (saved(np.array([[np.nan, 0, 0, 0]])), 422, "not a finite number"),
    ],
)
def test_what_is_no_file_of_a_matrix_is_refused(server, file, status, words):
    problem = assert_problem(post_file(server, file, image=[1, 4]), status)
    assert words in problem["detail"], problem
    if problem["status"] == 400:
        assert problem["type"] == "urn:convcheck:malformed-npy"
    else:
        assert problem["pointer"] == "/matrix"
