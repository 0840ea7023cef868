"""POST /recognize: matrices of known convolutions, the same spoilt, and what is no matrix at all."""

import numpy as np
import pytest
from problems import random_problem, shown
from support import FILTER_2X2, assert_problem, encode
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
