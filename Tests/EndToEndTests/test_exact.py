"""The correctly rounded value behind `max_ulp`, `identical` and `exact_path`, against rational arithmetic: data whose sums
stand at ties, next to them, cancel, or fall among the subnormal numbers."""

import random
from fractions import Fraction

import numpy as np
import oracle
import pytest
from support import decode, encode

# Bits of the significand, and the exponents of the smallest positive number and of the largest power of two.
FORMATS = {"float16": (11, -24, 15), "bfloat16": (8, -133, 127), "float32": (24, -149, 127), "float64": (53, -1074, 1023)}


def binade(magnitude, dtype):
    """The exponent of the largest power of two that is not above a positive rational number, found by halves; that of
    the smallest normal number below it."""
    precision, least, greatest = FORMATS[dtype]
    low, high = least + precision - 1, greatest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if Fraction(2) ** middle <= magnitude else (low, middle)
    return low


def rounded(exact, dtype):
    """The multiple of a unit in the last place nearest to a rational number: `round` of a fraction is exact, ties to
    even. What is beyond the largest number does not occur here."""
    if exact == 0:
        return exact
    unit = Fraction(2) ** (binade(abs(exact), dtype) - FORMATS[dtype][0] + 1)
    return round(exact / unit) * unit


def place(value, dtype):
    """The place of a number of the format among all of them, zero at 0."""
    precision, least, _ = FORMATS[dtype]
    exponent = binade(abs(value), dtype)
    unit = exponent - precision + 1
    # Each binade above that of the smallest normal number begins 2^(precision - 1) places further on.
    steps = (unit - least) * 2 ** (precision - 1) + abs(value) / Fraction(2) ** unit
    assert steps.denominator == 1
    return int(steps) if value >= 0 else -int(steps)


def exact_sums(image, taps):
    """The plain convolution in rational numbers."""
    (height, width), (kh, kw) = image.shape, taps.shape
    pixels = [[Fraction(float(x)) for x in row] for row in image]
    weights = [[Fraction(float(w)) for w in row] for row in taps]
    return [
        [
            sum(weights[u][v] * pixels[a + u][b + v] for u in range(kh) for v in range(kw))
            for b in range(width - kw + 1)
        ]
        for a in range(height - kh + 1)
    ]


def numbers(generator, shape, choices, dtype):
    flat = [generator.choice(choices) * generator.choice([1, 1, -1]) for _ in range(int(np.prod(shape)))]
    return np.array(flat, np.float64).astype(oracle.DTYPES[dtype]).reshape(shape)


def near_ties(dtype):
    """One, factors whose product is half a unit in its last place, and one so small that float64 loses it beside 1."""
    precision, least, _ = FORMATS[dtype]
    deep = max(least, -100 if dtype == "float64" else -60)
    half = precision // 2
    return [0, 1, 1, 2.0**-half, 2.0 ** -(precision - half), 2.0**deep]


def cancelling(dtype):
    """Large numbers that cancel and small ones that remain."""
    large = {"float16": 2.0**7, "bfloat16": 2.0**40, "float32": 2.0**40, "float64": 2.0**80}[dtype]
    return [large, large, 1, 2.0 ** -(FORMATS[dtype][0] // 2)]


def subnormal(dtype):
    """Products around the smallest number, and halves of it."""
    _, least, _ = FORMATS[dtype]
    here = least // 2
    return [0, 2.0**here, 2.0 ** (least - here), 2.0 ** (here - 1), 3 * 2.0**here]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("kind", [near_ties, cancelling, subnormal])
def test_counts_from_the_correctly_rounded_value(asker, dtype, kind):
    generator = random.Random(f"{dtype} {kind.__name__}")
    exact_path = 0
    for _ in range(6):
        shape = (generator.randint(4, 9), generator.randint(4, 9))
        taps = (generator.randint(1, 3), generator.randint(1, 4))
        image = numbers(generator, shape, kind(dtype), dtype)
        weights = numbers(generator, taps, kind(dtype), dtype)
        document = {"image": encode(image), "filter": encode(weights), "dtype": dtype}
        expected = [[rounded(value, dtype) for value in row] for row in exact_sums(image, weights)]
        for choice in [{}, {"formulation": "banded"}, {"formulation": "toeplitz", "storage": "dense"}]:
            answer = asker.convolve(document | choice)
            line = f"{choice} {document}"
            result = decode(answer["result"], dtype)
            pairs = [
                (Fraction(float(value)), wanted)
                for row, wanteds in zip(result, expected)
                for value, wanted in zip(row, wanteds)
            ]
            far = max(abs(place(value, dtype) - place(wanted, dtype)) for value, wanted in pairs)
            # Answers count up to the largest integer of 64 bits.
            assert answer["reference_deviation"]["max_ulp"] == min(far, 2**63 - 1), line
            # A zero may have either sign where a sum underflows to it.
            same = sum(value == wanted for value, wanted in pairs)
            surely = sum(value == wanted != 0 for value, wanted in pairs)
            assert surely <= answer["reference_deviation"]["identical"] <= same, line
            exact_path += answer["exact_path"]
    if kind is near_ties and dtype != "float16":
        assert exact_path > 0


def test_integers_need_no_exact_sums(asker):
    image = [[(37 * row + 11 * column) % 256 for column in range(40)] for row in range(40)]
    answer = asker.convolve({"image": image, "filter": [[1, 0, -1], [2, 0, -2], [1, 0, -1]]})
    assert answer["exact_path"] == 0
    assert answer["reference_deviation"]["identical"] == 38 * 38


def test_exact_sums_end_after_2_28_terms(asker):
    """Numbers made up to need the exact sum everywhere cost bounded time, and the answer says what is in doubt."""
    generator = np.random.default_rng(0)
    image = np.ones((64, 60, 60), "float32")
    weights = (generator.normal(size=(64, 64, 5, 5)) * 2.0**-120).astype("float32")
    # Half way between 1 and the next number, but for what float64 sums lose.
    weights[:, 0, 0, :2] = 1, 2.0**-24
    document = {"image": encode(image), "filter": encode(weights)}
    result = np.ones((64, 56, 56), "float32")
    answer = asker.post("/verify", document | {"candidate": encode(result)})
    assert answer["verdict"] == "consistent"
    assert answer["exact_path"] == (1 << 28) // (64 * 25)
    assert answer["exact_path"] + answer["rounding_in_doubt"] == result.size
