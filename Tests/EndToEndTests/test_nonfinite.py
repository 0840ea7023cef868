"""Infinities and NaN come in as base64 only: computed as IEEE 754 says, reported, and never "equivalent"."""

import numpy as np
import pytest
from support import DOT_PRODUCTS, TRANSFORMS, convolve, decode, encode

KINDS = {"infinity": np.inf, "minus infinity": -np.inf, "not a number": np.nan}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formulation, storage", DOT_PRODUCTS)
def test_a_nonfinite_pixel(server, formulation, storage, kind, dtype):
    image = np.ones((5, 5), dtype)
    image[1, 1] = KINDS[kind]
    document = {"image": encode(image), "filter": [[1, 2], [3, 4]], "dtype": dtype}
    answer = convolve(server, document | {"formulation": formulation, "storage": storage})
    result = decode(answer["result"], dtype)
    assert answer["equivalent"] is False
    # Each of the four outputs that see the pixel is of its kind: 1, 2, 3 or 4 times it, plus something finite.
    seen, others = result[0:2, 0:2], np.concatenate([result[0:2, 2:].ravel(), result[2:].ravel()])
    assert np.array_equal(seen, np.full((2, 2), KINDS[kind]), equal_nan=True)
    # A form that stores no zero leaves all others alone; a dense matrix may multiply 0 · ∞, which is NaN.
    assert np.all((others == 10) | (np.isnan(others) if storage == "dense" else False))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formulation, storage", TRANSFORMS)
def test_a_nonfinite_pixel_in_a_transform(server, formulation, storage, kind):
    """It may spread over all that is transformed together, but those who see it can't be finite."""
    image = np.ones((5, 5), "float32")
    image[1, 1] = KINDS[kind]
    document = {"image": encode(image), "filter": [[1, 2, 3], [4, 5, 6], [7, 8, 10]]}
    answer = convolve(server, document | {"formulation": formulation, "storage": storage})
    assert answer["equivalent"] is False
    assert not np.isfinite(decode(answer["result"], "float32")[0:2, 0:2]).any()


def test_infinities_of_both_signs_meet(server):
    image = np.array([[np.inf, -np.inf]], "float32")
    answer = convolve(server, {"image": encode(image), "filter": [[1, 1]]})
    assert np.isnan(decode(answer["result"], "float32")).all()
    assert answer["equivalent"] is False


def test_a_nonfinite_tap(server):
    taps = np.array([[np.nan]], "float32")
    answer = convolve(server, {"image": encode(np.ones((2, 2), "float32")), "filter": encode(taps)})
    assert np.isnan(decode(answer["result"], "float32")).all()
    assert answer["equivalent"] is False


def test_an_overflow_of_finite_numbers(server):
    image = np.full((1, 2), 3e38, "float32")
    answer = convolve(server, {"image": encode(image), "filter": [[1, 1]]})
    assert np.isposinf(decode(answer["result"], "float32")).all()
    assert answer["equivalent"] is False


def test_json_never_says_nan(server):
    """An answer asked for as JSON numbers stays valid JSON: what is not finite is null."""
    image = np.array([[np.nan, np.inf, 1]], "float32")
    answer = convolve(server, {"image": encode(image), "filter": [[1]], "encoding": "json"})
    assert answer["result"] == [[None, None, 1]]
    assert answer["equivalent"] is False
