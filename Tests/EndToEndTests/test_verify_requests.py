"""The requests of POST /verify: what is refused and where, numbers that are none, maps, pictures, the time it takes."""

import json
import time
from xml.etree import ElementTree

import arithmetics
import corpus
import mistakes
import numpy as np
import oracle
import pytest
from support import IMAGE_5X5, RESULT_4X4, SMALL_PROBLEM, assert_problem, call, encode, get, post
from test_verify import question, rungs

SMALL = SMALL_PROBLEM | {"candidate": RESULT_4X4}


def refused(server, document, status=422, pointer=None):
    return assert_problem(post(server, document, "/verify"), status, pointer)


def verified(asker, document):
    return asker.post("/verify", document)


def with_one(result, at, value):
    spoiled = np.array(result, np.float32)
    spoiled[at] = value
    return spoiled


def test_the_notebook_example_is_consistent_with_everything(asker):
    answer = verified(asker, SMALL)
    assert answer["verdict"] == "consistent" and answer["claim"] == "float32"
    assert answer["shape"] == [4, 4] and answer["diagnosis"] is None
    assert answer["deviation"]["max_abs"] == 0 and answer["deviation"]["identical"] == 16
    assert all(rung["consistent"] and rung["max_over_bound"] == 0 for rung in answer["ladder"])
    assert answer["exact_path"] >= 0
    assert all(seconds >= 0 for seconds in answer["timing"].values())


@pytest.mark.parametrize("shape", [(2, 2), (1, 4, 4), (4, 5), (5, 4), (1, 1, 4, 4)])
@pytest.mark.parametrize("form", [encode, np.ndarray.tolist], ids=["base64", "nested"])
def test_a_candidate_of_another_shape_is_told_the_right_one(server, form, shape):
    candidate = form(np.zeros(shape, np.float32))
    told = refused(server, SMALL_PROBLEM | {"candidate": candidate}, pointer="/candidate")
    assert "4" in told["detail"] and told["detail"].count("4") > str(shape).count("4")
    told = refused(server, SMALL_PROBLEM | {"candidates": {"right": RESULT_4X4, "my one": candidate}})
    assert told["pointer"] == "/candidates/my one" and "4" in told["detail"]


def test_the_right_shape_is_that_of_the_problem(server):
    problem = corpus.case(31)
    wrong = np.zeros(problem.exact.shape[::-1], np.float32)
    told = refused(server, question(problem, candidate=encode(wrong)), pointer="/candidate")
    for extent in problem.exact.shape:
        assert str(extent) in told["detail"]


@pytest.mark.parametrize(
    "changed, pointer",
    [
        ({"candidate": None}, ("/candidate", "/")),
        ({"candidate": 7}, "/candidate"),
        ({"candidate": []}, "/candidate"),
        ({"candidate": "a word"}, "/candidate"),
        ({"claim": "float33"}, "/claim"),
        ({"claim": 32}, "/claim"),
        ({"claim": None}, "/claim"),
        ({"claim": "Float32"}, "/claim"),
        ({"report": "long"}, "/report"),
        ({"map": 1}, "/map"),
        ({"map": "yes"}, "/map"),
        ({"formulation": "direct"}, "/formulation"),
        ({"storage": "sparse"}, "/storage"),
        ({"claims": "float32"}, "/claims"),
        ({"image": [[1, 2], [3]]}, ("/image", "/image/1")),
        ({"stride": 0}, "/stride"),
        ({"filter": np.ones((6, 6)).tolist()}, ("/filter", "/image")),
    ],
)
def test_bad_fields_are_pointed_at(server, changed, pointer):
    refused(server, SMALL | changed, pointer=pointer)


def test_null_and_words_in_a_candidate_are_pointed_at(server):
    for bad in (None, "NaN", "Infinity", True, [1]):
        rows = [list(row) for row in RESULT_4X4]
        rows[2][1] = bad
        told = refused(server, SMALL_PROBLEM | {"candidate": rows})
        assert told["pointer"].startswith("/candidate"), told
        told = refused(server, SMALL_PROBLEM | {"candidates": {"a": RESULT_4X4, "b": rows}})
        assert told["pointer"].startswith("/candidates/b"), told
    body = json.dumps(SMALL).replace(str(RESULT_4X4[0][0]), "NaN", 1).encode()
    assert_problem(call(server, "POST", "/verify", body), (400, 422))


def test_exactly_one_of_candidate_and_candidates(server):
    refused(server, SMALL_PROBLEM)
    refused(server, SMALL | {"candidates": {"a": RESULT_4X4}})
    refused(server, SMALL_PROBLEM | {"candidates": {}}, pointer="/candidates")
    refused(server, SMALL_PROBLEM | {"candidates": [RESULT_4X4]}, pointer="/candidates")
    refused(server, SMALL_PROBLEM | {"candidates": {str(i): RESULT_4X4 for i in range(9)}}, pointer="/candidates/8")


def test_a_name_twice_is_refused(server):
    body = json.dumps(SMALL_PROBLEM | {"candidates": {"a": RESULT_4X4, "b": RESULT_4X4}}).replace('"b"', '"a"').encode()
    assert_problem(call(server, "POST", "/verify", body), (400, 422))


def test_names_are_what_they_are(asker):
    names = ["", "a/b~c", "é \"quoted\" \\", "\u0000", "candidate", "🙂", "closest", "x" * 300]
    answer = verified(asker, SMALL_PROBLEM | {"candidates": dict.fromkeys(names, RESULT_4X4)})
    assert set(answer["candidates"]) == set(names) and answer["closest"] in names


def test_only_post_and_only_bodies_that_are_read(server):
    assert_problem(get(server, "/verify"), 405)
    assert_problem(call(server, "POST", "/verify", b"{", {"Content-Type": "application/json"}), 400)
    assert_problem(call(server, "POST", "/verify", json.dumps(SMALL).encode(), {"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize("claim", ["winograd_f2", "winograd_f4", "winograd_f6"])
def test_tiles_can_only_be_claimed_where_there_are_some(server, claim):
    for number in (0, 9):
        problem = corpus.case(number)
        answer = post(server, question(problem, claim=claim, candidate=encode(problem.exact.astype("float32"))), "/verify")
        if arithmetics.takes_tiles(problem.reduced()):
            assert answer.status == 200
        else:
            assert_problem(answer, 422, "/claim")


def test_nested_and_base64_candidates_are_judged_alike(asker):
    for number in range(0, len(corpus.SHAPES), 9):
        problem = corpus.case(number)
        result = problem.shaped(arithmetics.row_major(problem.reduced()))
        forms = [encode(result), result.astype("float64").tolist()]
        answers = [verified(asker, question(problem, candidate=form)) for form in forms]
        for answer in answers:
            del answer["timing"]
        assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_located(asker, kind, value):
    problem = corpus.case(31)
    result = problem.exact.astype("float32").astype(oracle.DTYPES[kind])
    at = (1, 2, 3, 3)
    result[at] = value
    # A short candidate claims its short output, so that nothing else is wrong.
    claim = {"float32": "float32", "float64": "float32"}.get(kind, kind)
    answer = verified(asker, question(problem, claim=claim, candidate=encode(result)))
    assert answer["verdict"] == "refuted"
    assert answer["diagnosis"]["mistake"] == "nonfinite"
    assert answer["diagnosis"]["at"] == list(at)
    assert answer["deviation"]["at"] == list(at)
    nonfinite = answer["nonfinite"]
    counts = [nonfinite[name] for name in ("nan", "positive_infinity", "negative_infinity", "expected")]
    assert counts == [int(np.isnan(value)), int(value == np.inf), int(value == -np.inf), 0]
    assert nonfinite["first"] == list(at)
    assert not rungs(answer)["float32"]["consistent"]


def test_many_numbers_that_are_none_are_counted(asker):
    problem = corpus.case(14)
    result = problem.exact.astype("float32")
    result[2, 1] = np.nan
    result[5, :, 3] = np.inf
    result[0, 7, 7] = -np.inf
    answer = verified(asker, question(problem, candidate=encode(result)))
    nonfinite = answer["nonfinite"]
    assert nonfinite["nan"] == int(np.isnan(result).sum())
    assert nonfinite["positive_infinity"] == int((result == np.inf).sum())
    assert nonfinite["negative_infinity"] == int((result == -np.inf).sum())
    assert nonfinite["first"] == [0, 7, 7]


def test_what_the_image_makes_infinite_is_no_mistake(asker):
    """A pixel that is NaN leaves NaN in all windows that see it, in every correct implementation."""
    problem = corpus.case(14)
    image = problem.image.copy()
    image[3, 4, 4] = np.nan
    spoiled = corpus.Case(problem.number, "nan", image, problem.taps, problem.bias, problem.options)
    result = spoiled.shaped(arithmetics.row_major(spoiled.reduced()))
    assert np.isnan(result).sum() == 9 * 8
    answer = verified(asker, question(spoiled, candidate=encode(result)))
    assert answer["verdict"] == "consistent", answer
    # Where it should be NaN and is a number, something is wrong.
    result[0, 4, 4] = 1
    answer = verified(asker, question(spoiled, candidate=encode(result)))
    assert answer["verdict"] == "refuted" and answer["diagnosis"] is not None


def test_overflow_is_infinite(asker):
    image, taps = np.full((4, 4), 3e38, np.float32), np.full((2, 2), 2, np.float32)
    answer = verified(asker, {"image": encode(image), "filter": encode(taps),
                              "candidate": encode(np.full((3, 3), np.inf, np.float32))})
    assert answer["verdict"] == "consistent", answer
    # Any number there is beyond every bound.
    answer = verified(asker, {"image": encode(image), "filter": encode(taps),
                              "candidate": encode(with_one(np.full((3, 3), np.inf), (1, 1), 1.0))})
    assert answer["verdict"] == "refuted" and answer["diagnosis"] is not None, answer


@pytest.mark.parametrize("number", [0, 13, 31, 34, 54])
def test_the_map_is_the_worst_of_each_row_column_and_channel(asker, number):
    problem = corpus.case(number, corpus.normal)
    rng = np.random.default_rng(number)
    for result in (problem.shaped(arithmetics.row_major(problem.reduced())),
                   problem.shaped(mistakes.last_row_zero(problem, rng))):  # fmt: skip
        answer = verified(asker, question(problem, candidate=encode(result), map=True))
        error = np.abs(result.astype(oracle.WIDE) - problem.exact) / corpus.bound(problem, "float32")
        error = error.astype("float64").reshape((-1, *error.shape[-2:]) if error.ndim < 4 else error.shape)
        error = error.reshape((-1, *error.shape[-3:]))
        found = answer["map"]
        assert found["rows"] == pytest.approx(error.max(axis=(0, 1, 3)), rel=1e-3, abs=1e-6)
        assert found["columns"] == pytest.approx(error.max(axis=(0, 1, 2)), rel=1e-3, abs=1e-6)
        assert found["channels"] == pytest.approx(error.max(axis=(0, 2, 3)), rel=1e-3, abs=1e-6)
    assert "map" not in verified(asker, question(problem, candidate=encode(result)))


def test_the_error_map_is_drawn(server):
    problem = corpus.case(31, corpus.normal)
    right = problem.shaped(arithmetics.row_major(problem.reduced()))
    wrong = problem.shaped(mistakes.last_row_zero(problem, None))
    pictures = []
    for asked in ({"candidate": encode(right)}, {"candidate": encode(wrong)},
                  {"candidates": {"first": encode(wrong), "second": encode(right)}}):  # fmt: skip
        body = json.dumps(question(problem) | asked).encode()
        answer = call(server, "POST", "/verify", body, {"Accept": "image/svg+xml"})
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("image/svg+xml")
        root = ElementTree.fromstring(answer.body)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not [e for e in root.iter() if e.tag.endswith("script")]
        pictures.append(answer.body)
    assert pictures[0] != pictures[1] == pictures[2].replace(b"first: ", b"candidate: ")
    nan = with_one(right, (0, 0, 0, 0), np.nan)
    body = json.dumps(question(problem, candidate=encode(nan))).encode()
    ElementTree.fromstring(call(server, "POST", "/verify", body, {"Accept": "image/svg+xml"}).body)


def test_the_full_report_counts_distances(asker):
    problem = corpus.case(14, corpus.normal)
    result = problem.shaped(arithmetics.row_major(problem.reduced()))
    answer = verified(asker, question(problem, candidate=encode(result), report="full"))
    assert "measures" in answer
    assert "measures" not in verified(asker, question(problem, candidate=encode(result)))
    # The exact value rounded once is told from it by nothing.
    rounded = oracle.rounded(problem.exact, "float32")
    answer = verified(asker, question(problem, candidate=encode(rounded), report="full"))
    assert answer["deviation"]["identical"] == rounded.size and answer["deviation"]["max_ulp"] == 0


def test_the_closer_of_two(asker):
    problem = corpus.case(14, corpus.normal)
    reduced = problem.reduced()
    results = {"sums": arithmetics.row_major(reduced), "tiles": arithmetics.by_tiles(reduced, 6),
               "exact": oracle.rounded(problem.exact, "float32")}  # fmt: skip
    candidates = {name: encode(problem.shaped(y)) for name, y in results.items()}
    assert verified(asker, question(problem, candidates=candidates))["closest"] == "exact"
    del candidates["exact"]
    assert verified(asker, question(problem, candidates=candidates))["closest"] == "sums"


def test_what_is_unknown_says_so_and_how_to_reproduce_it(asker, server):
    problem = corpus.case(14, corpus.normal)
    noise = np.random.default_rng(1).normal(size=problem.exact.shape).astype("float32")
    answer = verified(asker, question(problem, candidate=encode(noise)))
    assert answer["verdict"] == "refuted" and answer["explained_by"] is None
    assert answer["diagnosis"]["mistake"] == "unknown" and answer["diagnosis"]["says"]
    line = answer["diagnosis"]["reproduce"]
    assert post(server, json.loads(line) if isinstance(line, str) else line, "/convolve").status == 200


def test_two_mistakes_at_once_are_both_named(asker):
    """A rotated filter without the bias, and swapped output channels without it: one named, the other beside it."""
    found = 0
    cases = [n for n, (_, _, options) in enumerate(corpus.SHAPES) if "bias" in options]
    for number in cases:
        problem = corpus.case(number, corpus.normal)
        if problem.taps[0, 0].size == 1:
            continue
        result = mistakes.computed(problem.reduced(taps=problem.taps[..., ::-1, ::-1], bias=None))
        answer = verified(asker, question(problem, candidate=encode(problem.shaped(result))))
        assert answer["verdict"] == "refuted"
        told = answer["diagnosis"]
        found += {"flipped_filter", "missing_bias"} == {told["mistake"], *(told.get("also") or [])}
    assert found >= 0.8 * (len(cases) - 1), found


def test_a_layer_is_verified_in_time(asker):
    """64×64×56² with 3×3, right and wrong, well under the two seconds that it may take alone on the machine."""
    rng = np.random.default_rng(3)
    image = rng.normal(size=(1, 64, 56, 56)).astype("float32")
    taps = rng.normal(size=(64, 64, 3, 3)).astype("float32")
    problem = corpus.Case(0, "normal", image, taps, None, {"padding": 1})
    result = np.ascontiguousarray(arithmetics.matrix_product(problem.reduced()))
    spent = []
    for candidate in (result, np.ascontiguousarray(result[:, ::-1])):
        start = time.monotonic()
        answer = verified(asker, question(problem, candidate=encode(candidate)))
        spent.append((time.monotonic() - start, answer["timing"]["total_seconds"]))
        assert answer["verdict"] == ("consistent" if candidate is result else "refuted")
    print("a layer, right and wrong:", spent)
    assert answer["diagnosis"]["mistake"] == "swapped_output_channels"


def test_the_image_of_the_notebook_flipped(asker):
    taps = [[4, 3], [2, 1]]
    result = oracle.convolve(IMAGE_5X5, taps).astype("float64").tolist()
    answer = verified(asker, SMALL_PROBLEM | {"candidate": result})
    assert answer["verdict"] == "refuted"
    assert answer["diagnosis"]["mistake"] == "flipped_filter"
