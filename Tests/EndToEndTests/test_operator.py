"""POST /operator: the matrices against the definition written in NumPy, and as pictures."""

import json
import xml.etree.ElementTree as xml

import numpy as np
import oracle
import pytest
from problems import random_problem, shown
from support import FILTER_2X2, assert_problem, call, decode, encode

# What the notebook counts: a 5×5 image and a 2×2 filter.
NOTEBOOK = {"image": [5, 5], "filter": FILTER_2X2}


def draw(server, document, accept="image/svg+xml"):
    headers = {"Content-Type": "application/json", "Accept": accept}
    return call(server, "POST", "/operator", json.dumps(document).encode(), headers)


def one_image(problem):
    """The shape of one image of a problem, and the options that the matrix depends on."""
    return problem.image.shape[-3:] if problem.image.ndim > 2 else problem.image.shape


def matrix_by_definition(problem):
    """A, column by column: what the oracle makes of each image that is one pixel."""
    shape = one_image(problem)
    pixels = np.eye(int(np.prod(shape))).reshape((-1,) + shape)
    return np.stack([oracle.convolve(x, problem.taps, **problem.options).ravel() for x in pixels], 1).astype("float64")


def dense(csr):
    """A matrix from its compressed rows."""
    found = np.zeros((csr["rows"], csr["columns"]))
    values = csr["values"]
    values = decode(values, values["dtype"]) if isinstance(values, dict) else values
    for row in range(csr["rows"]):
        for entry in range(csr["row_pointers"][row], csr["row_pointers"][row + 1]):
            found[row, csr["column_indices"][entry]] = values[entry]
    return found


def test_the_notebooks_numbers(asker):
    statistics = asker.post("/operator", NOTEBOOK)["statistics"]
    assert statistics == {
        "matrices": 1, "rows": 16, "columns": 25, "entries": 400, "nonzeros": 64, "fixed_zeros": 336,
        "distinct_weights": 4, "ties": 60, "dense_bytes": 1600, "sparse_bytes": 64 * 8 + 17 * 8,
        "dense_multiply_adds": 400, "sparse_multiply_adds": 64,
    }
    bands = asker.post("/operator", NOTEBOOK | {"formulation": "banded"})["statistics"]
    assert bands == {
        "matrices": 2, "rows": 4, "columns": 5, "entries": 40, "nonzeros": 16, "fixed_zeros": 24,
        "distinct_weights": 4, "ties": 12, "dense_bytes": 160, "sparse_bytes": 16 * 8 + 2 * 5 * 8,
        "dense_multiply_adds": 160, "sparse_multiply_adds": 64,
    }


@pytest.mark.parametrize("seeds", [range(30_000 + start, 30_020 + start) for start in range(0, 120, 20)])
def test_random_matrices_are_those_of_the_definition(asker, seeds):
    for seed in seeds:
        problem = random_problem(seed, dtypes=("float64",), largest=8)
        form, encoding = ["csr", "entries"][seed % 2], ["json", "base64"][seed // 2 % 2]
        taps = problem.taps.tolist() if seed % 3 else encode(problem.taps)
        document = {"image": list(problem.image.shape), "filter": taps, "dtype": "float64", "form": form,
                    "encoding": encoding} | problem.options
        line = shown("/operator", document)
        answer = asker.post("/operator", document)
        wanted = matrix_by_definition(problem)
        made = answer["matrix"]
        found = dense(made) if form == "csr" else decode(made, "float64")
        # Taps that meet in one entry are added here in one order and there in another.
        assert np.allclose(found, wanted, rtol=0, atol=2.0**-48 * np.abs(problem.taps).sum()), line
        if problem.integers:
            assert np.array_equal(found, wanted), line
        statistics = answer["statistics"]
        assert (statistics["rows"], statistics["columns"]) == wanted.shape, line
        if form == "csr":
            assert statistics["nonzeros"] == made["row_pointers"][-1] == len(made["column_indices"]), line
        assert statistics["fixed_zeros"] + statistics["nonzeros"] == statistics["entries"] == wanted.size, line
        assert statistics["ties"] + statistics["distinct_weights"] == statistics["nonzeros"], line


def test_banded_matrices_hold_one_column_of_a_plane_each(asker):
    for seed in range(31_000, 31_030):
        problem = random_problem(seed, dtypes=("float32",), largest=8)
        if problem.options.get("transposed"):
            continue
        taps = problem.taps if problem.taps.ndim == 4 else problem.taps[None, None]
        document = {"image": list(problem.image.shape), "filter": problem.taps.tolist(), "formulation": "banded",
                    "form": "entries" if seed % 2 else "csr"} | problem.options
        line = shown("/operator", document)
        answer = asker.post("/operator", document)
        assert len(answer["matrices"]) == answer["statistics"]["matrices"] == np.prod(taps.shape[:2]) * taps.shape[3], line
        turned = taps[:, :, ::-1, ::-1] if problem.options["flip"] else taps
        rows = {name: oracle.pair(problem.options[name])[0] for name in ("stride", "dilation")}
        mode = problem.options.get("padding_mode", "zeros")
        around = oracle.sides(problem.options.get("padding"), problem.image.shape[-2:], taps.shape[-2:],
                              problem.options["stride"], problem.options["dilation"])
        column_problem = rows | {"padding": [around[0], 0, around[2], 0], "padding_mode": mode}
        height = problem.image.shape[-2]
        for made in answer["matrices"]:
            column = turned[made["filter"], made["plane"], :, made["column"]][:, None]
            pixels = np.eye(height)[:, :, None]
            wanted = np.stack([oracle.convolve(x, column, **column_problem).ravel() for x in pixels], 1)
            found = decode(made["matrix"], "float32") if seed % 2 else dense(made["matrix"])
            assert np.allclose(found, wanted.astype("float64"), rtol=0, atol=2.0**-20 * np.abs(column).sum()), line


def summed(problem, factors, absolute=False):
    """Σ L·X·R over the terms of all planes that meet, for one image of a problem; or the same of absolute values."""
    planes = problem.taps if problem.taps.ndim == 4 else problem.taps[None, None]
    image = problem.image if problem.image.ndim < 4 else problem.image[0]
    given = np.abs(image.astype("float64")) if absolute else image.astype("float64")
    given = given.reshape((-1,) + given.shape[-2:])
    groups = problem.options.get("groups", 1)
    made = {}
    for term in factors:
        left, right = (np.abs(term[name]) if absolute else term[name] for name in ("left", "right"))
        k, c = term["filter"], term["plane"]
        pixels = k // (planes.shape[0] // groups) * planes.shape[1] + c
        source, target = (k, pixels) if problem.transposed else (pixels, k)
        made[target] = made.get(target, 0) + left @ given[source] @ right
    return made


@pytest.mark.parametrize("seeds", [range(32_000 + start, 32_030 + start) for start in range(0, 120, 30)])
def test_separable_factors_add_up_to_the_convolution(asker, seeds):
    for seed in seeds:
        problem = random_problem(seed, dtypes=("float32", "float64"), largest=8)
        form, encoding = ["csr", "entries"][seed % 2], ["json", "base64"][seed // 2 % 2]
        document = {"image": list(problem.image.shape), "filter": encode(problem.taps), "formulation": "separable",
                    "form": form, "encoding": encoding, "dtype": problem.dtype} | problem.options
        line = shown("/operator", document)
        answer = asker.post("/operator", document)
        read = dense if form == "csr" else lambda matrix: decode(matrix, problem.dtype).astype("float64")
        factors = [term | {side: read(term[side]) for side in ("left", "right")} for term in answer["factors"]]
        statistics = answer["statistics"]
        assert answer["separable"]["terms"] == len(factors) and statistics["matrices"] == 2 * len(factors), line
        for term in factors:
            assert [*term["left"].shape] == statistics["left"] and [*term["right"].shape] == statistics["right"], line
        entries = sum(term[side].size for term in factors for side in ("left", "right"))
        assert statistics["entries"] == entries == statistics["nonzeros"] + statistics["fixed_zeros"], line
        if form == "csr":
            stored = sum(term[side]["row_pointers"][-1] for term in answer["factors"] for side in ("left", "right"))
            assert statistics["nonzeros"] == stored, line
        one = problem.image if problem.image.ndim < 4 else problem.image[0]
        wanted = oracle.convolve(one, problem.taps, **problem.options).astype("float64")
        wanted = wanted.reshape((-1,) + wanted.shape[-2:])
        made, most = summed(problem, factors), summed(problem, factors, absolute=True)
        # Both factors of a product are rounded once, and once more where taps meet on the padding; in float64 the
        # decomposition's own error, some units of the whole plane, is as large.
        unit = 2.0**-21 if problem.dtype == "float32" else 2.0**-44
        for channel, plane in enumerate(wanted):
            found = made.get(channel, np.zeros_like(plane))
            slack = unit * np.max(most.get(channel, np.zeros(1)))
            assert found.shape == plane.shape and np.max(np.abs(found - plane)) <= slack, line


def test_a_plane_has_as_many_terms_as_its_rank_or_as_are_asked_for(asker):
    rng = np.random.default_rng(8)
    for height, width, rank in [(1, 1, 1), (3, 3, 1), (3, 3, 2), (5, 3, 3), (2, 7, 2), (5, 5, 0), (7, 7, 4)]:
        taps = rng.integers(-4, 5, (height, rank)) @ rng.integers(-4, 5, (rank, width))
        asked = {"image": [9, 8], "filter": taps.tolist(), "dtype": "float64", "formulation": "separable",
                 "form": "entries"}
        answer = asker.post("/operator", asked)
        assert np.linalg.matrix_rank(taps) == len(answer["factors"]) == answer["separable"]["full_rank"]
        assert [term["term"] for term in answer["factors"]] == list(range(len(answer["factors"])))
        if rank > 1:
            best = asker.post("/operator", asked | {"rank": 1})
            assert best["separable"] == {"terms": 1, "rank": 1, "full_rank": np.linalg.matrix_rank(taps)}
            # Each factor has the root of the singular value: the first is the greatest.
            column = np.array(best["factors"][0]["left"])[0, :height]
            row = np.array(best["factors"][0]["right"])[:width, 0]
            greatest = np.linalg.svd(taps)[1][0]
            assert np.isclose(np.linalg.norm(np.outer(column, row)), greatest, rtol=2**-40, atol=0)


def test_separable_numbers_of_the_notebooks_problem(asker):
    answer = asker.post("/operator", NOTEBOOK | {"formulation": "separable"})
    assert answer["separable"] == {"terms": 2, "rank": 2, "full_rank": 2}
    # L is 4×5 and R is 5×4, 8 nonzeros and 2 weights each; X·R takes 5·8, L·(X·R) takes 4·8 multiply-adds.
    assert answer["statistics"] == {
        "matrices": 4, "left": [4, 5], "right": [5, 4], "entries": 80, "nonzeros": 32, "fixed_zeros": 48,
        "distinct_weights": 8, "ties": 24, "dense_bytes": 320, "sparse_bytes": 32 * 8 + 2 * (5 + 6) * 8,
        "dense_multiply_adds": 2 * (5 * 5 * 4 + 4 * 5 * 4), "sparse_multiply_adds": 2 * (5 * 8 + 4 * 8),
    }


def test_only_the_shape_of_an_image_counts(asker):
    answers = [
        asker.post("/operator", {"image": image, "filter": FILTER_2X2, "form": "csr"})["matrix"]
        for image in ([3, 4], [[1, 2, 3, 4]] * 3, encode(np.zeros((3, 4))), encode(np.zeros((3, 4), "float16")))
    ]
    assert all(answer == answers[0] for answer in answers)
    # A batch repeats the matrix.
    batch = asker.post("/operator", {"image": [7, 1, 3, 4], "filter": [[FILTER_2X2]], "form": "csr"})
    assert batch["matrix"] == answers[0] and batch["result"] == [7, 1, 2, 3]


def test_the_type_is_that_of_the_filter(asker):
    for given, made in [("float16", "float32"), ("bfloat16", "float32"), ("float32", "float32"), ("float64", "float64")]:
        tap = encode(np.ones((1, 1)).astype(oracle.DTYPES[given]))
        answer = asker.post("/operator", {"image": [1, 1], "filter": tap, "form": "entries"})
        assert answer["dtype"] == answer["matrix"]["dtype"] == made


def test_weights_that_are_not_finite_are_kept(asker):
    taps = encode(np.array([[np.nan, np.inf]]))
    answer = asker.post("/operator", {"image": [1, 2], "filter": taps, "form": "entries"})
    assert np.array_equal(decode(answer["matrix"], "float64"), [[np.nan, np.inf]], equal_nan=True)


def test_the_picture_is_well_formed_and_has_a_colour_for_each_weight(server):
    answer = draw(server, NOTEBOOK)
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Vary"] == "Accept"
    picture = xml.fromstring(answer.body)
    fills = [path.get("fill") for path in picture.iter("{http://www.w3.org/2000/svg}path") if path.get("fill")]
    assert len(fills) == len(set(fills)) == 4
    assert "w[1,1] = 4" in answer.body.decode()


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("image/svg+xml", "image/svg+xml"),
        ("image/*", "image/svg+xml"),
        ("application/json;q=0.5, image/svg+xml;q=0.9", "image/svg+xml"),
        ("application/json;q=0.9, image/svg+xml;q=0.5", "application/json"),
        ("*/*", "application/json"),
        ("text/html, image/svg+xml;q=0.1", "image/svg+xml"),
        ("application/json;q=0, */*", "image/svg+xml"),
        ("text/html", None),
        ("application/json;q=0, image/svg+xml;q=0.0", None),
    ],
)
def test_the_accept_field_chooses_the_form(server, accept, kind):
    answer = draw(server, NOTEBOOK, accept)
    if kind is None:
        assert_problem(answer, 406)
    else:
        assert answer.status == 200 and answer.headers["Content-Type"] == kind


def test_large_matrices_have_statistics_and_no_entries(server, asker):
    large = {"image": [4096, 4096], "filter": [[1] * 3] * 3}
    assert asker.post("/operator", large)["statistics"]["entries"] == 4094**2 * 4096**2
    for form in ("csr", "entries"):
        problem = assert_problem(asker.ask("/operator", large | {"form": form}), 422, "/form")
        assert problem["type"] == "urn:convcheck:limit-exceeded" and problem["limit"] == 2**24
    assert_problem(draw(server, large), 422, "/form")
    assert draw(server, {"image": [256, 256], "filter": [[1] * 3] * 3}).status == 200


@pytest.mark.parametrize(
    "document, pointer",
    [
        ({}, "/image"),
        ({"image": [5, 5]}, "/filter"),
        (NOTEBOOK | {"upstream": 1}, "/upstream"),
        (NOTEBOOK | {"image": [5]}, "/image"),
        (NOTEBOOK | {"image": [5, 0]}, "/image/1"),
        (NOTEBOOK | {"image": [2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31 - 1]}, "/image"),
        (NOTEBOOK | {"image": [4096, 4097]}, "/image"),
        (NOTEBOOK | {"image": [5, 5, 5, 5, 5]}, "/image/4"),
        (NOTEBOOK | {"image": "5x5"}, "/image"),
        (NOTEBOOK | {"image": [3, 5, 5]}, "/filter"),
        (NOTEBOOK | {"image": [1, 1]}, "/filter"),
        (NOTEBOOK | {"formulation": "fft"}, "/formulation"),
        (NOTEBOOK | {"form": "coo"}, "/form"),
        (NOTEBOOK | {"rank": 1}, "/rank"),
        (NOTEBOOK | {"formulation": "banded", "rank": 1}, "/rank"),
        (NOTEBOOK | {"formulation": "separable", "rank": 0}, "/rank"),
        (NOTEBOOK | {"formulation": "separable", "rank": 3}, "/rank"),
        (NOTEBOOK | {"formulation": "separable", "rank": "full"}, "/rank"),
        (NOTEBOOK | {"formulation": "separable", "tile": 2}, "/tile"),
        (NOTEBOOK | {"formulation": "separable", "image": [4096, 4096], "filter": [[1]], "form": "entries"}, "/form"),
        (
            {"image": [3000, 3000], "filter": encode(np.ones((2999, 2999), "float32")), "formulation": "separable"},
            "/formulation",
        ),
        (NOTEBOOK | {"dtype": "float16"}, "/dtype"),
        (NOTEBOOK | {"padding": [0, 2**31 - 1]}, ("/image", "/padding")),
        (NOTEBOOK | {"padding": 3000, "stride": 3000, "padding_mode": "replicate"}, "/padding"),
        (NOTEBOOK | {"filter": encode(np.ones((2, 2))), "dtype": "float32"}, "/filter/dtype"),
    ],
)
def test_what_makes_no_matrix_is_refused(asker, document, pointer):
    problem = assert_problem(asker.ask("/operator", document), 422)
    assert problem.get("pointer") in ((pointer,) if isinstance(pointer, str) else pointer), problem


def test_banded_matrices_are_not_drawn(server):
    assert_problem(draw(server, NOTEBOOK | {"formulation": "banded"}), 422, "/formulation")


def test_separable_factors_are_drawn_term_by_term(server):
    answer = draw(server, NOTEBOOK | {"formulation": "separable"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/svg+xml"
    words = answer.body.decode()
    assert "2 terms; the first 2 drawn" in words
    for name in ("L, term 0: 4 × 5", "R transposed, term 0: 4 × 5", "L, term 1: 4 × 5", "p[1] = ", "q[1] = "):
        assert name in words
    pictures = xml.fromstring(answer.body).iter("{http://www.w3.org/2000/svg}svg")
    # Each of the four has one colour for each of two weights.
    assert [len([p for p in picture.iter() if p.get("fill")]) for picture in list(pictures)[1:]] == [4] * 4
    none = draw(server, {"image": [5, 5], "filter": [[0, 0]], "formulation": "separable"})
    assert none.status == 200 and "0 terms" in none.body.decode()
    xml.fromstring(none.body)


@pytest.mark.parametrize(
    "document",
    [
        {"image": [200, 399], "filter": np.ones((100, 200)), "padding_mode": "circular"},
        {"image": [4096, 4096], "filter": np.ones((3, 3))},
        {"image": [64, 256, 256], "filter": np.arange(64 * 64 * 25).reshape(64, 64, 5, 5) % 97},
        {"image": [1, 200, 200], "filter": np.arange(20 * 3600).reshape(20, 1, 60, 60) ** 2 % 97, "padding": 20},
    ],
)
def test_pictures_of_factors_stay_small(server, document):
    document = document | {"filter": document["filter"].tolist(), "formulation": "separable"}
    answer = draw(server, document)
    assert answer.status == 200 and len(answer.body) < 2 * 2**20
    xml.fromstring(answer.body)
