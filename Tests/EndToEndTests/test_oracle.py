"""Random problems through HTTP against NumPy and SciPy, every reported number recomputed from the tensors."""

import http.client
import json

import numpy as np
import oracle
import pytest
from scipy import signal
from support import COMBINATIONS, call_on, decode, encode


class Asker:
    """Posts problems over one kept-alive connection."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=120)

    def convolve(self, document):
        answer = call_on(self.connection, "POST", "/convolve", json.dumps(document).encode())
        assert answer.status == 200, f"{answer.status} {answer.body[:1000]!r} for {json.dumps(document)}"
        return answer.json()


@pytest.fixture(scope="module")
def asker(server):
    asking = Asker(server)
    yield asking
    asking.connection.close()


def random_geometry(rng):
    stride = [int(rng.integers(1, 4)), list(map(int, rng.integers(1, 4, 2)))][rng.integers(2)]
    dilation = [int(rng.integers(1, 4)), list(map(int, rng.integers(1, 4, 2)))][rng.integers(2)]
    padding = [
        int(rng.integers(0, 4)),
        list(map(int, rng.integers(0, 4, 2))),
        list(map(int, rng.integers(0, 4, 4))),
        "valid",
        "same",
    ][rng.integers(5)]
    if padding == "same":
        stride = 1
    return {"stride": stride, "padding": padding, "dilation": dilation}


def random_problem(seed, integers):
    """A problem with at least one output: image and taps as arrays of its dtype, the geometry, the flip."""
    rng = np.random.default_rng(seed)
    dtype = ["float32", "float64"][rng.integers(2)]
    while True:
        image_shape, taps_shape = rng.integers(1, 20, 2), rng.integers(1, 6, 2)
        geometry = random_geometry(rng)
        if min(oracle.output_shape(image_shape, taps_shape, **geometry)) > 0:
            break
    if integers:
        image, taps = rng.integers(-99, 100, image_shape), rng.integers(-99, 100, taps_shape)
    else:
        spread = 10.0 ** rng.integers(-3, 4)
        image, taps = rng.normal(0, spread, image_shape), rng.normal(0, 1, taps_shape)
    return image.astype(dtype), taps.astype(dtype), geometry, bool(rng.integers(2)), rng


def document_for(image, taps, geometry, flip, rng):
    def wire(array):
        return encode(array) if rng.integers(2) else array.tolist()

    document = {"image": wire(image), "filter": wire(taps), "dtype": image.dtype.name, "flip": flip} | geometry
    encoding = [None, "json", "base64"][rng.integers(3)]
    return document | ({"encoding": encoding} if encoding else {})


def check_form(document, answer):
    """The answer's tensor has the form asked for, or else the image's."""
    asked = document.get("encoding") or ("base64" if isinstance(document["image"], dict) else "json")
    assert isinstance(answer["result"], dict) == (asked == "base64")


@pytest.mark.parametrize("seed", range(60))
def test_integers_are_bit_exact(asker, seed):
    image, taps, geometry, flip, rng = random_problem(seed, integers=True)
    document = document_for(image, taps, geometry, flip, rng)
    exact = oracle.convolve(image, taps, flip=flip, **geometry).astype(image.dtype)
    for formulation, storage in COMBINATIONS:
        answer = asker.convolve(document | {"formulation": formulation, "storage": storage})
        check_form(document, answer)
        result = decode(answer["result"], image.dtype)
        assert answer["shape"] == list(exact.shape)
        assert np.array_equal(result, exact), json.dumps(document)
        assert answer["max_deviation"] == 0
        assert answer["equivalent"] is True


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_floats_are_within_the_bound(asker, seed):
    image, taps, geometry, flip, rng = random_problem(seed, integers=False)
    dtype = image.dtype.name
    document = document_for(image, taps, geometry, flip, rng)
    exact = oracle.convolve(image, taps, flip=flip, **geometry)
    allowed = oracle.bound(image, taps, dtype, flip=flip, **geometry)
    direct = decode(asker.convolve(document | {"formulation": "direct"})["result"], dtype)
    for formulation, storage in COMBINATIONS:
        reproduce = document | {"formulation": formulation, "storage": storage}
        answer = asker.convolve(reproduce)
        shown = json.dumps(reproduce)
        check_form(document, answer)
        result = decode(answer["result"], dtype)
        error = np.abs(result.astype(oracle.WIDE) - exact)
        assert result.shape == exact.shape == tuple(answer["shape"]), shown
        assert np.all(error <= allowed), shown
        assert answer["equivalent"] is True, shown
        check_deviation_from_direct(answer, result, direct, shown)
        check_deviation_from_reference(answer, error, allowed, dtype, shown)


def check_deviation_from_direct(answer, result, direct, shown):
    deviation = answer["deviation"]
    difference = np.abs(result.astype(oracle.WIDE) - direct.astype(oracle.WIDE))
    # The subtraction may be rounded once on its way into the answer.
    assert deviation["max_abs"] == pytest.approx(float(difference.max()), rel=2.0**-23), shown
    assert answer["max_deviation"] == deviation["max_abs"], shown
    assert deviation["from"] == "direct"
    assert deviation["identical"] == int(oracle.same_bits(result, direct).sum()), shown
    assert deviation["max_ulp"] == int(oracle.ulp_distance(result, direct).max()), shown
    assert len(deviation["at"]) == 2
    if deviation["max_abs"] > 0:
        assert float(difference[tuple(deviation["at"])]) == pytest.approx(deviation["max_abs"], rel=2.0**-23), shown
    assert 0 <= deviation["max_over_bound"] <= 1, shown


def check_deviation_from_reference(answer, error, allowed, dtype, shown):
    deviation = answer["reference_deviation"]
    assert deviation["from"] == "reference"
    # The service's reference is a float64 sum (or better); the oracle's is wider. They may differ by the
    # former's own rounding, far below `allowed` for float32 and of its order for float64.
    slack = float(allowed.max()) * (2.0**-28 if dtype == "float32" else 1)
    assert deviation["max_abs"] == pytest.approx(float(error.max()), rel=2.0**-23, abs=slack), shown
    assert 0 <= deviation["max_over_bound"] <= 1, shown
    if dtype == "float32" and np.all(allowed > 0):
        assert deviation["max_over_bound"] == pytest.approx(float((error / allowed).max()), rel=0.01, abs=1e-6), shown


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_scipy_agrees(asker, flip, padding):
    rng = np.random.default_rng(7)
    image, taps = rng.normal(size=(31, 17)), rng.normal(size=(5, 3))
    theirs = (signal.convolve2d if flip else signal.correlate2d)(image, taps, mode=padding)
    for formulation, storage in COMBINATIONS:
        answer = asker.convolve(
            {"image": image.tolist(), "filter": encode(taps), "dtype": "float64", "padding": padding, "flip": flip}
            | {"formulation": formulation, "storage": storage}
        )
        allowed = 2 * oracle.bound(image, taps, "float64", padding=padding, flip=flip)
        assert np.all(np.abs(decode(answer["result"], "float64") - theirs) <= allowed)


def test_the_oracle_itself_agrees_with_scipy():
    """Strides and dilations too: a dilated filter is one with zeros between its taps, a stride skips outputs."""
    for seed in range(200):
        image, taps, geometry, flip, _ = random_problem(seed, integers=True)
        (sh, sw), (dh, dw) = oracle.pair(geometry["stride"]), oracle.pair(geometry["dilation"])
        top, left, bottom, right = oracle.sides(geometry["padding"], taps.shape, geometry["dilation"])
        spread = np.zeros(((taps.shape[0] - 1) * dh + 1, (taps.shape[1] - 1) * dw + 1))
        spread[::dh, ::dw] = taps
        padded = np.pad(image.astype("float64"), ((top, bottom), (left, right)))
        # "full" and a cut by hand: SciPy's "valid" swaps image and filter where the filter is the larger.
        full = (signal.convolve2d if flip else signal.correlate2d)(padded, spread, mode="full")
        rows, columns = spread.shape
        valid = full[rows - 1 : padded.shape[0], columns - 1 : padded.shape[1]]
        assert np.array_equal(oracle.convolve(image, taps, flip=flip, **geometry), valid[::sh, ::sw])


def test_decimals_round_trip(asker):
    """A 1×1 filter of 1 gives every pixel back, so the answer must be the numbers sent, to the bit."""
    rng = np.random.default_rng(11)
    for dtype, bits in [("float32", np.uint32), ("float64", np.uint64)]:
        raw = rng.integers(0, np.iinfo(bits).max, 4096, dtype=bits, endpoint=True).view(dtype)
        image = np.where(np.isfinite(raw), raw, 0).reshape(64, 64)
        document = {"image": encode(image), "filter": [[1]], "dtype": dtype}
        in_json = decode(asker.convolve(document | {"encoding": "json"})["result"], dtype)
        in_base64 = decode(asker.convolve(document | {"encoding": "base64"})["result"], dtype)
        from_json = decode(asker.convolve(document | {"image": image.astype("float64").tolist()})["result"], dtype)
        # A sum starts at +0, so −0 may come back as 0; every other pattern must be the same.
        expected = image + 0
        for result in [in_json, in_base64, from_json]:
            assert np.all(oracle.same_bits(result + 0, expected))


@pytest.mark.parametrize("report", ["summary", "full"])
def test_reports_and_repeats(asker, report):
    answer = asker.convolve({"image": [[1, 2], [3, 4]], "filter": [[1]], "report": report, "repeat": 5})
    assert answer["result"] == [[1, 2], [3, 4]]
    assert answer["deviation"]["max_abs"] == 0
