"""POST /compare: one problem by several formulations, every pair recomputed from the results of /convolve."""

import json
from itertools import combinations

import numpy as np
import oracle
import pytest
from problems import random_problem, shown
from support import COMBINATIONS, assert_problem, decode, encode, get

PLAIN = {"image": np.arange(64.0).reshape(8, 8).tolist(), "filter": [[1, 2, 3], [0, 5, 6], [7, 8, 10]]}
CHOICE = ["formulation", "storage", "rank", "tile"]


def wide(values):
    return values.astype(np.float64).astype(oracle.WIDE)


def named(entries):
    return [(entry["formulation"], entry["storage"]) for entry in entries]


def result_of(asker, document, choice):
    plain = {k: v for k, v in document.items() if k not in ("formulations", "result", "repeat")}
    answer = asker.convolve(plain | choice)
    return answer, decode(answer["result"], answer["dtype"])


def check(asker, document, choices):
    """A comparison whose formulations are `choices`, in this order: everything that can be recomputed is."""
    line = shown("/compare", document)
    answer = asker.post("/compare", document)
    entries = answer["formulations"]
    assert named(entries) == named(choices), line
    results = []
    for choice, entry in zip(choices, entries):
        alone, result = result_of(asker, document, choice)
        results.append(result)
        # The same code on the same numbers: the same answer, to the bit.
        for name in ["max_deviation", "equivalent", "deviation", "reference_deviation"]:
            assert entry[name] == alone[name], (name, choice, line)
        for name in ["reason", "tile", "separable", "fft"]:
            assert entry.get(name) == alone.get(name), (name, choice, line)
        assert entry["timing"]["formulation_seconds"] >= 0 and entry["timing"]["setup_seconds"] >= 0
        assert answer["shape"] == alone["shape"] and answer["dtype"] == alone["dtype"], line
        assert answer.get("computed_in") == alone.get("computed_in"), line
    assert answer["equivalent"] is all(entry["equivalent"] for entry in entries), line
    pairs = {tuple(pair["between"]): pair for pair in answer["pairs"]}
    assert sorted(pairs) == list(combinations(range(len(entries)), 2)), line
    assert len(pairs) == len(answer["pairs"]), line
    for (first, second), pair in pairs.items():
        check_pair(pair, results[first], results[second], line)
        if entries[first]["equivalent"] and entries[second]["equivalent"]:
            # Both lie within their bounds of one exact value.
            assert pair["max_over_bound"] <= 1, (pair, line)
    assert ("result" in answer) is bool(document.get("result")), line
    if document.get("result"):
        assert np.all(oracle.same_bits(decode(answer["result"], answer["dtype"]), results[0])), line
    for part in ["direct", "reference", "decode", "total"]:
        assert answer["timing"][f"{part}_seconds"] >= 0
    return answer


def check_pair(pair, left, right, line):
    difference = np.abs(wide(left) - wide(right))
    assert pair["max_abs"] == pytest.approx(float(difference.max()), rel=2.0**-23), (pair, line)
    assert pair["identical"] == int(oracle.same_bits(left, right).sum()), (pair, line)
    assert pair["max_ulp"] == int(oracle.ulp_distance(left, right).max()), (pair, line)
    assert len(pair["at"]) == left.ndim, (pair, line)
    assert float(difference[tuple(pair["at"])]) == pytest.approx(pair["max_abs"], rel=2.0**-23), (pair, line)
    assert pair["bound"] >= 0 and pair["max_over_bound"] >= 0, (pair, line)


@pytest.mark.parametrize("start", range(20_000, 20_120, 20))
def test_everything_that_takes_a_problem_is_compared(asker, start):
    for seed in range(start, start + 20):
        problem = random_problem(seed, largest=9)
        document = problem.document() | {"result": bool(seed % 2)}
        # Without being told, Winograd's formulation takes its own tile.
        able = [choice for choice in problem.takers() if "tile" not in choice]
        order = [(e["name"], s["name"]) for e in listing(asker) for s in e["storages"]]
        able.sort(key=lambda choice: order.index((choice["formulation"], choice["storage"])))
        answer = check(asker, document, able)
        assert answer["equivalent"] is True, shown("/compare", document)
        left_out = set(named(answer["left_out"]))
        assert left_out | set(named(able)) == set(COMBINATIONS), shown("/compare", document)
        assert left_out <= {("winograd", "sparse")}, shown("/compare", document)
        assert all(entry["reason"] for entry in answer["left_out"])


LISTED = []


def listing(asker):
    if not LISTED:
        asker.connection.request("GET", "/formulations")
        LISTED.extend(json.loads(asker.connection.getresponse().read())["formulations"])
    return LISTED


def test_a_plain_problem_leaves_nothing_out(asker):
    answer = asker.post("/compare", PLAIN)
    assert len(answer["formulations"]) == len(COMBINATIONS)
    assert answer["left_out"] == []
    assert "result" not in answer


@pytest.mark.parametrize(
    "options, word",
    [({"stride": 2}, "stride"), ({"dilation": 2}, "dilation"), ({"filter": [[1, 2], [3, 4]]}, "filter")],
)
def test_the_reason_for_leaving_out(asker, options, word):
    answer = asker.post("/compare", PLAIN | options)
    assert named(answer["left_out"]) == [("winograd", "sparse")]
    assert word in answer["left_out"][0]["reason"]


def test_what_is_too_large_is_left_out_with_its_bytes(asker):
    answer = asker.post("/compare", {"image": encode(np.ones((256, 256), "float32")), "filter": [[1] * 3] * 3})
    assert named(answer["left_out"]) == [("toeplitz", "dense")]
    assert "16912482304" in answer["left_out"][0]["reason"]
    assert len(answer["formulations"]) == len(COMBINATIONS) - 1


@pytest.mark.parametrize(
    "formulations, choices",
    [
        (["fft"], [{"formulation": "fft"}]),
        (["winograd", "direct"], [{"formulation": "winograd"}, {"formulation": "direct"}]),
        (
            ["banded", {"formulation": "banded", "storage": "dense"}, {"formulation": "toeplitz"}],
            [{"formulation": "banded"}, {"formulation": "banded", "storage": "dense"}, {"formulation": "toeplitz"}],
        ),
        ([{"formulation": "winograd", "tile": tile} for tile in (2, 4, 6)], None),
        ([{"formulation": "separable", "rank": rank} for rank in (3, 2, 1)], None),
        (["direct", "direct"], [{"formulation": "direct"}] * 2),
    ],
    ids=["one", "two", "storages", "tiles", "ranks", "the same twice"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_an_explicit_list_is_kept_in_its_order(asker, formulations, choices, dtype):
    choices = [{"storage": "sparse"} | choice for choice in choices or formulations]
    answer = check(asker, PLAIN | {"formulations": formulations, "dtype": dtype, "result": True}, choices)
    assert answer["left_out"] == []
    if {"formulation": "separable", "rank": 1} in formulations and dtype != "bfloat16":
        # The filter has rank 3: two of three are no approximation to rounding, and the comparison says so.
        assert [entry["equivalent"] for entry in answer["formulations"]] == [True, False, False]
        assert answer["equivalent"] is False
        assert {entry.get("reason") for entry in answer["formulations"]} == {None, "beyond_bound"}


def test_repeats_are_timed(asker):
    answer = asker.post("/compare", PLAIN | {"repeat": 5})
    for entry in answer["formulations"]:
        timing = entry["timing"]
        assert timing["repeats"] == 5
        assert (
            timing["formulation_minimum_seconds"]
            <= timing["formulation_seconds"]
            <= timing["formulation_maximum_seconds"]
        )


def test_a_gross_error_shows_in_the_pairs(asker):
    """A pair's deviation is between its two; two truncations may be nearer to each other than to the truth."""
    answer = asker.post("/compare", PLAIN | {"formulations": ["direct", {"formulation": "separable", "rank": 1}]})
    (pair,) = answer["pairs"]
    assert pair["between"] == [0, 1]
    assert pair["max_over_bound"] > 1
    assert pair["max_abs"] == answer["formulations"][1]["max_deviation"]


@pytest.mark.parametrize(
    "changes, pointer, said",
    [
        ({"formulations": []}, "/formulations", []),
        ({"formulations": "direct"}, "/formulations", []),
        ({"formulations": {"formulation": "direct"}}, "/formulations", []),
        ({"formulations": ["direct", "magic"]}, "/formulations/1", ["direct"]),
        ({"formulations": ["direct", 3]}, "/formulations/1", []),
        ({"formulations": ["direct", {"storage": "dense"}]}, ("/formulations/1", "/formulations/1/formulation"), []),
        ({"formulations": [{"formulation": "direct", "colour": 1}]}, "/formulations/0/colour", ["colour"]),
        ({"formulations": [{"formulation": "direct", "storage": "dense"}]}, "/formulations/0", ["dense"]),
        ({"formulations": [{"formulation": "direct", "rank": 1}]}, "/formulations/0", ["rank"]),
        ({"formulations": ["fft", {"formulation": "fft", "tile": 2}]}, "/formulations/1", ["tile"]),
        ({"formulations": [{"formulation": "separable", "rank": 4}]}, "/formulations/0", ["4", "3"]),
        ({"formulations": [{"formulation": "separable", "rank": 0}]}, "/formulations/0/rank", []),
        ({"formulations": [{"formulation": "winograd", "tile": 3}]}, "/formulations/0", ["3", "2, 4, 6"]),
        ({"formulations": ["direct", "winograd"], "stride": 2}, "/formulations/1", ["stride", "2"]),
        ({"formulations": ["direct"] * 1000}, ("/formulations", "/formulations/32"), []),
        ({"formulation": "direct"}, "/formulation", ["formulation"]),
        ({"storage": "sparse"}, "/storage", ["storage"]),
        ({"rank": 1}, "/rank", ["rank"]),
        ({"tile": 2}, "/tile", ["tile"]),
        ({"report": "full"}, "/report", ["report"]),
        ({"upstream": [[1]]}, "/upstream", ["upstream"]),
        ({"repeat": 0}, "/repeat", []),
        ({"repeat": 1001}, "/repeat", []),
        ({"result": "yes"}, "/result", []),
        ({"stride": 0}, "/stride", []),
        ({"image": [[1, 2], [3]]}, "/image/1", []),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_what_a_comparison_refuses(asker, server, changes, pointer, said):
    problem = assert_problem(asker.ask("/compare", PLAIN | changes), 422, pointer)
    for word in said:
        assert word in problem["detail"], problem
    assert asker.post("/compare", PLAIN)["equivalent"] is True


def test_an_explicit_one_that_is_too_large(asker, server):
    document = {"image": encode(np.ones((256, 256), "float32")), "filter": [[1] * 3] * 3}
    document["formulations"] = ["direct", {"formulation": "toeplitz", "storage": "dense"}]
    problem = assert_problem(asker.ask("/compare", document), 422, "/formulations/1")
    assert problem["actual"] == 254 * 254 * 256 * 256 * 4
    assert problem["limit"] == 2**30


def test_only_posting(server):
    assert_problem(get(server, "/compare"), 405)
