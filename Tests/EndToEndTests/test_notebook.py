"""The notebook's examples: 5×5 with 2×2, and 256×256 with 3×3, by every formulation and storage."""

import numpy as np
import oracle
import pytest
from support import COMBINATIONS, DOT_PRODUCTS, FILTER_2X2, IMAGE_5X5, RESULT_4X4, SMALL_PROBLEM, assert_problem, convolve, get, post


@pytest.mark.parametrize("formulation, storage", DOT_PRODUCTS)
def test_small_example_is_exact(server, formulation, storage):
    answer = convolve(server, SMALL_PROBLEM | {"formulation": formulation, "storage": storage})
    assert answer["formulation"] == formulation
    assert answer["storage"] == storage
    assert answer["shape"] == [4, 4]
    assert answer["dtype"] == "float32"
    assert answer["result"] == RESULT_4X4
    assert answer["max_deviation"] == 0
    assert answer["equivalent"] is True
    for name, origin in [("deviation", "direct"), ("reference_deviation", "reference")]:
        deviation = answer[name]
        assert deviation["from"] == origin
        assert deviation["max_abs"] == 0
        assert deviation["max_ulp"] == 0
        assert deviation["identical"] == 16
        assert deviation["max_over_bound"] == 0
    for part in ["formulation", "setup", "direct", "reference", "decode", "total"]:
        assert answer["timing"][f"{part}_seconds"] >= 0


def test_only_image_and_filter_are_required(server):
    answer = convolve(server, {"image": IMAGE_5X5, "filter": FILTER_2X2})
    assert (answer["formulation"], answer["storage"]) == ("direct", "sparse")


@pytest.mark.parametrize("formulation, storage", [pair for pair in DOT_PRODUCTS if pair != ("toeplitz", "dense")])
def test_large_example(server, formulation, storage):
    image = np.random.default_rng(256).integers(-8, 9, (256, 256))
    taps = [[1, 2, 1], [0, -3, 0], [4, 5, 6]]
    answer = convolve(
        server, {"image": image.tolist(), "filter": taps, "formulation": formulation, "storage": storage}
    )
    assert answer["shape"] == [254, 254]
    # Integers this small are exact in any order of summation.
    assert np.array_equal(np.array(answer["result"]), oracle.convolve(image, taps))
    assert answer["max_deviation"] == 0
    assert answer["deviation"]["identical"] == 254 * 254
    assert answer["equivalent"] is True


def test_dense_toeplitz_of_the_large_example_is_refused(server):
    answer = post(
        server,
        {"image": [[1] * 256] * 256, "filter": [[1] * 3] * 3, "formulation": "toeplitz", "storage": "dense"},
    )
    problem = assert_problem(answer, 422)
    # (254 · 254) rows of 256 · 256 columns, four bytes each.
    assert problem["actual"] == 254 * 254 * 256 * 256 * 4 == 16_912_482_304
    assert problem["limit"] == 2**30
    assert "16912482304" in problem["detail"]
    assert "storage" in problem["detail"] and "sparse" in problem["detail"]


def test_the_formulations_are_listed(server):
    listed = get(server, "/formulations")
    assert listed.status == 200
    entries = listed.json()["formulations"]
    storages = [(entry["name"], storage) for entry in entries for storage in entry["storages"]]
    assert {(name, storage["name"]) for name, storage in storages} == set(COMBINATIONS)
    assert all(storage["stored_entries"] and storage["multiply_adds"] for _, storage in storages)
    for entry in entries:
        assert [storage["default"] for storage in entry["storages"]].count(True) == 1


def test_the_benchmark_measures_every_formulation_that_fits(server):
    answer = get(server, "/benchmark?image=24x32&filter=3x3&iterations=3")
    assert answer.status == 200, answer.body
    rows = answer.json()["rows"]
    assert {(row["formulation"], row["storage"]) for row in rows} == set(COMBINATIONS)
    for row in rows:
        assert 0 < row["minimum_seconds"] <= row["median_seconds"]
        assert row["setup_seconds"] >= 0
    by_name = {(row["formulation"], row["storage"]): row for row in rows}
    assert by_name["toeplitz", "dense"]["bytes"] == 22 * 30 * 24 * 32 * 4


@pytest.mark.parametrize(
    "query, field",
    [
        ("", "image"),
        ("?image=5x5", "filter"),
        ("?image=5&filter=2x2", "image"),
        ("?image=0x5&filter=2x2", "image"),
        ("?image=-1x5&filter=2x2", "image"),
        ("?image=99999999999999999999x5&filter=2x2", "image"),
        ("?image=4000000000x4000000000&filter=2x2", "image"),
        ("?image=2x2&filter=3x3", "filter"),
        ("?image=5x5&filter=2x2&iterations=0", "iterations"),
        ("?image=5x5&filter=2x2&iterations=ten", "iterations"),
        ("?image=5x5&filter=2x2&itarations=3", "itarations"),
        ("?image=5x5&filter=%zz", "filter"),
    ],
)
def test_a_bad_benchmark_query_is_refused(server, query, field):
    problem = assert_problem(get(server, f"/benchmark{query}"), {400, 422})
    assert field in problem.get("pointer", "") + problem["detail"]
