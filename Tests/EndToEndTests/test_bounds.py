"""The certified bounds on data made to break them, and the proof that they are not empty promises."""

import numpy as np
import oracle
import pytest
from problems import shown
from support import COMBINATIONS, DOT_PRODUCTS, decode, encode

# Every way with every tile, on 3×3 and (where it is another algorithm) on 5×5 filters.
WAYS = [{"formulation": f, "storage": s} for f, s in COMBINATIONS if f != "winograd"]
TILED = [{"formulation": "winograd", "storage": "sparse", "tile": tile} for tile in (2, 4, 6)]
KERNELS = {
    3: WAYS + TILED,
    5: WAYS + TILED[:1],
}
# What a product may reach before float32 or float64 overflow, the exponent halved between image and filter.
RANGE = {"float32": 60, "float64": 400}
# Where numbers, and with them products, become subnormal.
LEAST = {"float32": -149, "float64": -1074}


def normal(rng, *shape):
    return rng.normal(size=shape)


def cancellation(rng, dtype, shape, kernel):
    """Neighbours that are equal up to the last bits, and taps that add up to zero: nothing but rounding is left."""
    image = 1000 + normal(rng, *shape) * oracle.UNIT_ROUNDOFF[dtype] * 4000
    taps = normal(rng, *kernel)
    taps -= taps.mean(axis=(1, 2, 3), keepdims=True)
    return image, taps


def alternation(rng, dtype, shape, kernel):
    """Large numbers of both signs that cancel in pairs, small ones between them."""
    signs = (-1.0) ** np.add.outer(np.arange(shape[-2]), np.arange(shape[-1]))
    return 2.0**20 * signs + normal(rng, *shape), np.ones(kernel) + normal(rng, *kernel) * 1e-3


def dynamic_range(rng, dtype, shape, kernel):
    """Magnitudes 2^±60 (float64: 2^±400) side by side in the image."""
    exponents = rng.integers(-RANGE[dtype], RANGE[dtype] + 1, shape)
    return normal(rng, *shape) * 2.0**exponents, normal(rng, *kernel)


def dynamic_range_of_both(rng, dtype, shape, kernel):
    """The same in image and filter, so that products span all that the type has."""
    most = RANGE[dtype] - 4
    return (
        normal(rng, *shape) * 2.0 ** rng.integers(-most, most + 1, shape),
        normal(rng, *kernel) * 2.0 ** rng.integers(-most, most + 1, kernel),
    )


def one_giant(rng, dtype, shape, kernel):
    """One pixel 2^60 times larger than all others: where it is not seen, its rounding must not be either, or be told."""
    image = normal(rng, *shape)
    image[..., shape[-2] // 2, shape[-1] // 2] = 2.0 ** RANGE[dtype]
    return image, normal(rng, *kernel)


def subnormals(rng, dtype, shape, kernel):
    """Pixels that are subnormal."""
    return rng.integers(-(2**9), 2**9, shape) * 2.0 ** LEAST[dtype], normal(rng, *kernel)


def products_that_underflow(rng, dtype, shape, kernel):
    """Pixels and taps that are normal, and products that are not."""
    half = LEAST[dtype] // 2
    return normal(rng, *shape) * 2.0**half, normal(rng, *kernel) * 2.0 ** (LEAST[dtype] - half + 3)


def nearly_overflow(rng, dtype, shape, kernel):
    """Pixels near the largest number, taps small enough that sums stay finite, with room for those of a transform."""
    largest = {"float32": 110, "float64": 1000}[dtype]
    return normal(rng, *shape) * 2.0**largest, normal(rng, *kernel) * 2.0**-10


def zeros(rng, dtype, shape, kernel):
    """Nothing at all but the bias: a bound of zero would be right, one below it never."""
    return np.zeros(shape), normal(rng, *kernel)


HARD = [
    cancellation, alternation, dynamic_range, dynamic_range_of_both, one_giant, subnormals, products_that_underflow,
    nearly_overflow, zeros,
]  # fmt: skip


def asked(asker, image, taps, choice, **options):
    document = {"image": encode(image), "filter": encode(taps)} | choice | options
    answer = asker.convolve(document)
    return answer, decode(answer["result"], image.dtype.name), shown("/convolve", document)


@pytest.mark.parametrize("size", KERNELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", HARD, ids=lambda make: make.__name__)
def test_hard_data_is_within_the_bound(asker, make, dtype, size):
    for seed in range(3):
        rng = np.random.default_rng([seed, size])
        image, taps = make(rng, dtype, (2, 3, 13, 10), (2, 3, size, size))
        image, taps = image.astype(dtype), taps.astype(dtype)
        assert np.isfinite(image).all() and np.isfinite(taps).all()
        bias = None if seed == 0 else (taps[:, 0, 0, 0].astype("float64") * float(np.abs(image).max())).tolist()
        options = {"padding": [0, 1, 2, 0][seed]} | ({} if bias is None else {"bias": bias})
        # The wire has the bias in decimals of the problem's type.
        biases = None if bias is None else np.array(bias).astype(dtype)
        exact = oracle.convolve(image, taps, biases, padding=options["padding"])
        allowed = oracle.bound(image, taps, dtype, biases, padding=options["padding"])
        for choice in KERNELS[size]:
            answer, result, line = asked(asker, image, taps, choice, **options)
            error = np.abs(result.astype(oracle.WIDE) - exact)
            assert answer["equivalent"] is True, line
            assert 0 <= answer["reference_deviation"]["max_over_bound"] <= 1, line
            if (choice["formulation"], choice["storage"]) in DOT_PRODUCTS:
                # The oracle's own underflow is that of its wider range; half a subnormal a product is float64's.
                slack = (taps[0].size + 1) * 2.0**-1074 if dtype == "float64" else 0
                assert np.all(error <= allowed + slack), line
            else:
                worst = tuple(answer["reference_deviation"]["at"])
                told = answer["reference_deviation"]["bound"]
                own = float(allowed.max()) * (2.0**-28 if dtype == "float32" else 1)
                assert float(error[worst]) <= told * (1 + 1e-9) + own, line


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("size", KERNELS)
def test_hard_data_in_short_types(asker, dtype, size):
    """Ties, subnormals and cancellation at the one rounding of a short type."""
    least = {"float16": -24, "bfloat16": -133}[dtype]
    for seed, scale in enumerate([1.0, 2.0 ** (least + 2), 2.0**4]):
        rng = np.random.default_rng([seed, size, 7])
        image = (rng.integers(-16, 17, (2, 3, 11, 9)) * scale).astype("float32").astype(oracle.DTYPES[dtype])
        taps = rng.integers(-3, 4, (2, 3, size, size)) * 0.5
        taps = (taps * (scale > 1e-3) + (scale <= 1e-3) * taps / 8).astype("float32").astype(oracle.DTYPES[dtype])
        exact = oracle.convolve(image.astype("float64"), taps.astype("float64"))
        for choice in KERNELS[size]:
            answer, result, line = asked(asker, image, taps, choice)
            assert answer["equivalent"] is True, line
            assert 0 <= answer["reference_deviation"]["max_over_bound"] <= 1, line
            if (choice["formulation"], choice["storage"]) in DOT_PRODUCTS:
                assert np.array_equal(result, oracle.rounded(exact, dtype)), line


# The largest ratio of error to bound that random data reach at least; found were 0.06 to 0.2 for sums of products and
# for separable filters, 0.03 for F(2,3), 0.01 for F(4,3), 0.007 for F(6,3) and 0.005 for F(2,5): a transform's bound adds
# up more that can't all come true at once.
REACHED = {
    "direct": 1e-2, "toeplitz": 1e-2, "banded": 1e-2, "im2col": 1e-2, "separable": 1e-2, "winograd": 1e-3, "fft": 1e-6,
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bounds_are_not_vacuous(asker, dtype):
    largest = {}
    for seed in range(12):
        rng = np.random.default_rng([seed, 99])
        image = rng.normal(size=(1, 2, 24, 21)).astype(dtype)
        for size, ways in KERNELS.items():
            taps = rng.normal(size=(2, 2, size, size)).astype(dtype)
            for choice in ways:
                answer, _, line = asked(asker, image, taps, choice)
                assert answer["equivalent"] is True, line
                way = (*choice.values(), size)
                largest[way] = max(largest.get(way, 0), answer["reference_deviation"]["max_over_bound"])
    print({way: f"{ratio:.1e}" for way, ratio in largest.items()})
    assert {way: ratio for way, ratio in largest.items() if not REACHED[way[0]] < ratio <= 1} == {}


# How wrong one tap must be for float32 to show it: the tiles' and the transforms' bounds are wider.
TELLING = {"winograd": 1e-1, "fft": 1e-1}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrong_tap_is_beyond_every_bound(asker, dtype):
    """A tap that is wrong by 10⁻³ (10⁻¹): the bound that each formulation reports is narrower than the error it makes."""
    rng = np.random.default_rng(5)
    image, taps = rng.normal(size=(2, 16, 16)).astype(dtype), rng.normal(size=(2, 2, 3, 3)).astype(dtype)
    wrong = np.zeros(taps.shape)
    wrong[0, 0, 1, 1] = 1
    harm = float(np.abs(oracle.convolve(image, wrong)).max())
    for choice in KERNELS[3]:
        answer, _, line = asked(asker, image, taps, choice)
        assert answer["reference_deviation"]["bound"] < harm * TELLING.get(choice["formulation"], 1e-3), line
