"""GET /formulations: what each formulation is, and what it costs for the shapes in a query."""

import itertools
from urllib.parse import urlencode

import numpy as np
import oracle
import pytest
from problems import random_problem
from support import COMBINATIONS, WITH_GRADIENTS, assert_problem, get

BYTES = {"float32": 4, "float64": 8, "float16": 4, "bfloat16": 4}


def listed(server, **query):
    answer = get(server, "/formulations" + (f"?{urlencode(query)}" if query else ""))
    assert answer.status == 200, (query, answer.body)
    return answer.json()


def storages(document):
    return {(e["name"], s["name"]): s for e in document["formulations"] for s in e["storages"]}


def joined(numbers):
    return str(numbers) if isinstance(numbers, (int, str)) else "x".join(map(str, numbers))


def test_what_each_one_says_about_itself(server):
    document = listed(server)
    assert "problem" not in document
    for entry in document["formulations"]:
        assert entry["bound"] and isinstance(entry["bound"], str)
        assert entry["gradients"] is (entry["name"] in {name for name, _ in WITH_GRADIENTS})
        assert all(isinstance(sentence, str) and sentence for sentence in entry["unsupported"])
        if entry["name"] in {"direct", "toeplitz", "banded", "im2col"}:
            assert entry["unsupported"] == []
            assert "γ_n" in entry["bound"]
    unsupported = {entry["name"]: " ".join(entry["unsupported"]) for entry in document["formulations"]}
    assert "stride" in unsupported["winograd"] and "dilation" in unsupported["winograd"]
    assert document["dtypes"] == ["float32", "float64", "float16", "bfloat16"]


def test_what_it_calls_unsupported_is_refused_and_nothing_else(server):
    """The costs of problems with and without each attribute: a refusal where `unsupported` names it, and only there."""
    base = {"image": "6x10x12", "filter": "6x6x3x3"}
    plain = storages(listed(server, **base))
    assert {pair for pair, storage in plain.items() if "refused" in storage} == set()
    for more, refused in [
        ({"stride": "2"}, {"winograd"}),
        ({"dilation": "1x2"}, {"winograd"}),
        ({"filter": "6x6x2x3"}, {"winograd"}),
        ({"filter": "6x6x5x5"}, set()),
        ({"filter": "6x1x3x3", "groups": "6"}, set()),
        ({"padding": "2", "padding_mode": "reflect"}, set()),
        ({"transposed": "true"}, set()),
        ({"dtype": "float16"}, set()),
    ]:
        found = storages(listed(server, **base | more))
        assert {name for (name, _), storage in found.items() if "refused" in storage} == refused, more
        assert all(isinstance(storage.get("refused", ""), str) for storage in found.values())


def counted(image, taps, options):
    """Entries and multiply-adds as loops over the definition count them, for the forms that have no freedom in it."""
    image, taps = oracle.planes(np.ones(image), np.ones(taps))[:2]
    groups = options.get("groups", 1)
    (n, given, *plane), (filters, per_group, kh, kw) = image.shape, taps.shape
    made = list(oracle.output_shape(image.shape, taps.shape, **options))
    # A is from images to outputs; a transposed problem is given the outputs.
    (ih, iw), (oh, ow) = (made, plane) if options.get("transposed") else (plane, made)
    channels = groups * per_group
    weights = sum(1 for _ in itertools.product(range(filters), range(per_group), range(kh), range(kw)))
    products = n * filters * oh * ow * per_group * kh * kw
    rows, columns = filters * oh * ow, channels * ih * iw
    bands = filters * per_group * kw * oh * ih
    return {
        ("direct", "sparse"): (weights, products),
        ("toeplitz", "sparse"): (weights, products),
        ("toeplitz", "dense"): (rows * columns, n * rows * columns),
        ("banded", "sparse"): (weights, products),
        ("banded", "dense"): (bands, n * bands * ow),
    }


def query_of(problem):
    query = {"image": joined(problem.image.shape), "filter": joined(problem.taps.shape), "dtype": problem.dtype}
    for name, value in problem.options.items():
        if name == "flip":
            continue
        query[name] = ("true" if value else "false") if name == "transposed" else joined(value)
    return query


@pytest.mark.parametrize("start", range(30_000, 30_200, 50))
def test_costs_of_random_problems(server, start):
    for seed in range(start, start + 50):
        problem = random_problem(seed)
        query = query_of(problem)
        document = listed(server, **query)
        assert document["problem"]["image"] == list(problem.image.shape), query
        assert document["problem"]["filter"] == list(problem.taps.shape), query
        assert document["problem"]["result"] == list(problem.exact().shape), query
        found = storages(document)
        assert set(found) == set(COMBINATIONS)
        able = {(choice["formulation"], choice["storage"]) for choice in problem.takers()}
        expected = counted(problem.image.shape, problem.taps.shape, problem.options)
        for pair, storage in found.items():
            assert ("cost" in storage) != ("refused" in storage), (pair, query)
            assert ("cost" in storage) is (pair in able), (pair, query)
            if pair not in able:
                continue
            cost = storage["cost"]
            assert all(isinstance(cost[name], int) and cost[name] >= 1 for name in ["stored_entries", "bytes", "multiply_adds"])
            if pair in expected:
                assert (cost["stored_entries"], cost["multiply_adds"]) == expected[pair], (pair, query)
                assert cost["bytes"] >= cost["stored_entries"] * BYTES[problem.dtype], (pair, query)


def test_the_numbers_of_the_well_known_example(server):
    """256×256 with 3×3: the dense matrix is refused with the bytes it would need, all else is affordable."""
    found = storages(listed(server, image="256x256", filter="3x3"))
    assert "16912482304" in found["toeplitz", "dense"]["refused"]
    assert found["toeplitz", "dense"]["cost"] == {
        "stored_entries": 254 * 254 * 256 * 256,
        "bytes": 4 * 254 * 254 * 256 * 256,
        "multiply_adds": 254 * 254 * 256 * 256,
    }
    assert found["toeplitz", "sparse"]["cost"]["multiply_adds"] == 254 * 254 * 9
    assert found["banded", "dense"]["cost"] | {"bytes": 0} == {
        "stored_entries": 3 * 254 * 256,
        "bytes": 0,
        "multiply_adds": 3 * 254 * 256 * 254,
    }
    assert found["winograd", "sparse"]["cost"]["multiply_adds"] < 254 * 254 * 9


def test_what_is_too_much_to_count_is_null(server):
    """2⁷² entries: a column of 2²⁴ pixels under a filter of nearly as many columns."""
    found = storages(listed(server, image="16777216x1", filter="1x16777215", padding="0x8388607"))
    assert found["banded", "dense"]["cost"]["stored_entries"] is None
    assert "9223372036854775806" in found["banded", "dense"]["refused"]


def test_a_network_s_first_layer(server):
    document = listed(server, image="1x3x224x224", filter="64x3x7x7", stride="2", padding="3")
    assert document["problem"] == document["problem"] | {
        "image": [1, 3, 224, 224],
        "filter": [64, 3, 7, 7],
        "result": [1, 64, 112, 112],
    }
    assert storages(document)["direct", "sparse"]["cost"]["multiply_adds"] == 64 * 112 * 112 * 3 * 49
    assert "refused" in storages(document)["winograd", "sparse"]


@pytest.mark.parametrize("tile", [2, 4, 6])
def test_tiles_have_their_own_costs(server, tile):
    cost = storages(listed(server, image="24x24", filter="3x3", padding="1", tile=str(tile)))["winograd", "sparse"]["cost"]
    default = storages(listed(server, image="24x24", filter="3x3", padding="1"))["winograd", "sparse"]["cost"]
    assert (cost == default) is (tile == 4)


def test_fewer_terms_cost_less(server):
    costs = [
        storages(listed(server, image="24x24", filter="5x5", rank=str(rank)))["separable", "sparse"]["cost"]["multiply_adds"]
        for rank in range(1, 6)
    ]
    assert costs == sorted(set(costs))


@pytest.mark.parametrize(
    "query, word",
    [
        ("image=5x5", "filter"),
        ("filter=3x3", "image"),
        ("stride=2", "image"),
        ("image=5&filter=2x2", "image"),
        ("image=1x1x1x5x5&filter=2x2", "image"),
        ("image=5x5&filter=1x2x2", "filter"),
        ("image=0x5&filter=2x2", "image"),
        ("image=-1x5&filter=2x2", "image"),
        ("image=5x5x&filter=2x2", "image"),
        ("image=axb&filter=2x2", "image"),
        ("image=99999999999999999999x5&filter=2x2", "image"),
        ("image=4000000000x4000000000&filter=2x2", "image"),
        ("image=2x2&filter=3x3", "filter"),
        ("image=3x5x5&filter=4x2x3x3", "filter"),
        ("image=4x5x5&filter=4x2x3x3&groups=3", "groups"),
        ("image=5x5&filter=2x2&stride=0", "stride"),
        ("image=5x5&filter=2x2&stride=1x1x1", "stride"),
        ("image=5x5&filter=2x2&padding=1x2x3", "padding"),
        ("image=5x5&filter=2x2&padding=full", "padding"),
        ("image=5x5&filter=2x2&padding=same&stride=2", "padding"),
        ("image=5x5&filter=2x2&padding=5&padding_mode=reflect", "padding"),
        ("image=5x5&filter=2x2&padding_mode=mirror", "padding_mode"),
        ("image=5x5&filter=2x2&dilation=0", "dilation"),
        ("image=5x5&filter=2x2&groups=0", "groups"),
        ("image=5x5&filter=2x2&transposed=yes", "transposed"),
        ("image=5x5&filter=2x2&output_padding=1", "output"),
        ("image=5x5&filter=2x2&transposed=true&output_padding=1", "output"),
        ("image=5x5&filter=2x2&output_shape=4x4", "output"),
        ("image=5x5&filter=2x2&transposed=true&output_shape=40x4", "output"),
        ("image=5x5&filter=2x2&dtype=int8", "dtype"),
        ("image=5x5&filter=2x2&image=5x5", "image"),
        ("image=5x5&filter=2x2&paddding=1", "paddding"),
        ("image=5x5&filter=%zz", "filter"),
        ("image=2147483647x2147483647&filter=1x1", "image"),
        ("image=5x5&filter=2x2&padding=2147483647", "image"),
        ("image=5x5&filter=3x3&rank=0", "rank"),
        ("image=5x5&filter=3x3&rank=4", "rank"),
        ("image=5x5&filter=3x3&tile=x", "tile"),
        ("image=5x5&filter=3x3&tile=3", "tile"),
        ("image=5x5&filter=5x5&tile=4", "tile"),
    ],
)
def test_a_bad_query_is_refused(server, query, word):
    problem = assert_problem(get(server, f"/formulations?{query}"), {400, 422})
    told = problem.get("parameter", "") + problem.get("pointer", "") + problem["detail"].lower().replace(" ", "_")
    assert word in told, problem
