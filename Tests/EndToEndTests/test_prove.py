"""POST /prove: what is shown of each formulation, for which shapes, within which limits."""

import pytest
from problems import random_problem, shown
from support import COMBINATIONS, DOT_PRODUCTS, Asker, assert_problem, without_timing

LAYER = {"image": [2, 3, 9, 8], "filter": [4, 3, 3, 3], "padding": 1}
PROBES = ["combs", "integers", "precision", "field"]


def verdicts(proof):
    return {probe["probe"]: probe["verdict"] for probe in proof["probes"]}


def test_every_formulation_is_proven_for_a_layer(asker):
    answer = asker.post("/prove", LAYER)
    assert (answer["image"], answer["filter"], answer["result"]) == ([2, 3, 9, 8], [4, 3, 3, 3], [2, 4, 9, 8])
    assert answer["holds"] is True and answer["left_out"] == []
    assert (answer["dtype"], answer["seed"], answer["trials"]) == ("float32", 1, 2)
    assert [(proof["formulation"], proof["storage"]) for proof in answer["proofs"]] == [
        (formulation, storage) for formulation, storage in sorted_as_listed(COMBINATIONS)
    ]
    for proof in answer["proofs"]:
        assert proof["holds"] is True
        found = verdicts(proof)
        assert list(found) == PROBES
        if (proof["formulation"], proof["storage"]) in DOT_PRODUCTS:
            assert set(found.values()) == {"passed"}
        for probe in proof["probes"]:
            assert ("why" in probe) == (probe["verdict"] == "not_applicable") == (probe["applications"] == 0)
            assert probe["statement"]
            if probe["log2_error_probability"] is not None:
                assert probe["log2_error_probability"] < -1
        field = proof["probes"][3]
        if field["verdict"] == "passed":
            assert field["log2_error_probability"] < -116
        combs = proof["probes"][0]
        assert combs["applications"] == 3 * 3 * 3, "one image for each tap of each plane"
    assert {name: verdicts(proof)["field"] for proof in answer["proofs"] if (name := proof["formulation"])} == {
        "direct": "passed", "toeplitz": "passed", "banded": "passed", "im2col": "passed", "winograd": "passed",
        "separable": "passed", "fft": "passed",
    }


def sorted_as_listed(pairs):
    """In the order of GET /formulations: by formulation, its default storage first."""
    names = ["direct", "toeplitz", "banded", "im2col", "separable", "fft", "winograd"]
    return sorted(pairs, key=lambda pair: (names.index(pair[0]), pair[1] == "dense"))


def test_random_geometries_are_proven(asker):
    for seed in range(50_000, 50_060):
        problem = random_problem(seed, dtypes=("float32", "float64"), largest=9)
        document = {"image": list(problem.image.shape), "filter": list(problem.taps.shape), "dtype": problem.dtype,
                    "trials": 1} | problem.options
        answer = asker.post("/prove", document)
        assert answer["holds"] is True, shown("/prove", document)
        assert len(answer["proofs"]) + len(answer["left_out"]) == len(COMBINATIONS)
        assert {entry["formulation"] for entry in answer["left_out"]} <= {"winograd"}


def test_the_same_seed_gives_the_same_proof(asker):
    first, again = (without_timing(asker.post("/prove", LAYER | {"seed": 7})) for _ in range(2))
    assert first == again


def test_more_trials_make_an_error_less_likely(asker):
    def exponent(trials):
        answer = asker.post("/prove", LAYER | {"formulation": "direct", "trials": trials})
        return answer["proofs"][0]["probes"][3]["log2_error_probability"]

    assert exponent(6) == pytest.approx(6 * exponent(1))


def test_a_formulation_can_be_named(asker):
    proofs = asker.post("/prove", LAYER | {"formulation": "toeplitz"})["proofs"]
    assert [proof["storage"] for proof in proofs] == ["sparse", "dense"]
    proofs = asker.post("/prove", LAYER | {"formulation": "toeplitz", "storage": "dense"})["proofs"]
    assert [proof["storage"] for proof in proofs] == ["dense"]
    proofs = asker.post("/prove", LAYER | {"storage": "dense"})["proofs"]
    assert [proof["formulation"] for proof in proofs] == ["toeplitz", "banded"]
    tiles = {}
    for tile in (2, 4, 6):
        (proof,) = asker.post("/prove", LAYER | {"formulation": "winograd", "tile": tile})["proofs"]
        assert proof["tile"] == tile
        tiles[tile] = verdicts(proof)["precision"]
    # Only the smallest tile is exact on integers.
    assert tiles[4] == tiles[6] == "not_applicable"


def test_a_probe_beyond_the_work_limit_is_said_not_to_apply(own_server):
    asker = Asker(own_server("--max-work", "1000000"))
    answer = asker.post("/prove", LAYER | {"formulation": "direct", "trials": 100})
    (proof,) = answer["proofs"]
    found = verdicts(proof)
    assert found["integers"] == "not_applicable" and "limit" in proof["probes"][1]["why"]
    asker.close()


@pytest.mark.parametrize(
    "document, pointer",
    [
        ({}, "/image"),
        ({"image": [3, 3]}, "/filter"),
        (LAYER | {"bias": [1]}, "/bias"),
        (LAYER | {"rank": 1}, "/rank"),
        (LAYER | {"image": [[1]]}, "/image/0"),
        (LAYER | {"image": [3]}, "/image"),
        (LAYER | {"image": [2**31 - 1] * 4}, "/image"),
        (LAYER | {"filter": [3, 3, 3]}, "/filter"),
        (LAYER | {"filter": [4, 2, 3, 3]}, "/filter"),
        (LAYER | {"filter": [4, 3, 30, 3]}, "/filter"),
        (LAYER | {"formulation": "magic"}, "/formulation"),
        (LAYER | {"formulation": "fft", "storage": "dense"}, "/storage"),
        (LAYER | {"formulation": "winograd", "stride": 2}, ("/formulation", "/stride")),
        (LAYER | {"formulation": "direct", "tile": 2}, "/tile"),
        (LAYER | {"tile": 3}, "/tile"),
        (LAYER | {"dtype": "float16"}, "/dtype"),
        (LAYER | {"seed": -1}, "/seed"),
        (LAYER | {"trials": 0}, "/trials"),
        (LAYER | {"trials": 101}, "/trials"),
        ({"image": [4096, 4096], "filter": [2048, 2048]}, ("/formulation", "/storage")),
        ({"image": [2, 2], "filter": [1, 1], "padding": [2**31 - 1, 2**31 - 1]}, ("/image", "/padding")),
        ({"image": [8, 8], "filter": [1, 1], "padding": 4000, "padding_mode": "replicate", "stride": 4000}, "/padding"),
    ],
)
def test_what_can_not_be_proven_is_refused(asker, document, pointer):
    problem = assert_problem(asker.ask("/prove", document), 422)
    assert problem.get("pointer") in ((pointer,) if isinstance(pointer, str) else pointer), problem
