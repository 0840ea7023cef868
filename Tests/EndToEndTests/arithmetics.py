"""Correct convolutions, each computed by an implementation and in an arithmetic of its own.

None shares code with another beyond the reduced form of `corpus`, and none is a part of the service.
"""

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import ml_dtypes
import numpy as np
import scipy.fft
from scipy import signal


def products(problem, kind):
    """(c·u·v)×N×g×(K/g)×(a·b): every product of the definition, rounded to `kind`."""
    seen = np.moveaxis(problem.patches.astype(kind), 3, 0)[:, :, :, None, :]
    weights = np.moveaxis(problem.weights.astype(kind), 2, 0)[:, None, :, :, None]
    return seen * weights


def biased(problem, sums, kind=None):
    """The sums with the bias added last, in their own arithmetic."""
    result = problem.shaped(sums)
    return result if problem.bias is None else result + problem.bias.astype(kind or result.dtype).reshape((-1, 1, 1))


def sequential(terms):
    total = np.zeros_like(terms[0])
    for term in terms:
        total = total + term
    return total


def pairwise(terms):
    while len(terms) > 1:
        odd = terms[len(terms) & ~1 :]
        terms = np.concatenate([terms[0:-1:2] + terms[1::2], odd])
    return terms[0]


def row_major(problem):
    """The bias first, then channel by channel and row by row."""
    terms = products(problem, np.float32)
    total = np.zeros_like(terms[0])
    if problem.bias is not None:
        total += problem.bias.astype(np.float32).reshape(1, problem.groups, -1, 1)
    for term in terms:
        total = total + term
    return problem.shaped(total)


def reordered(problem, axes):
    """A sum one by one in another order of channels, filter rows and filter columns."""
    terms = products(problem, np.float32)
    apart = terms.reshape(problem.taps.shape[1:] + terms.shape[1:])
    apart = apart.transpose(*axes, *range(3, apart.ndim))
    return biased(problem, sequential(apart.reshape(terms.shape)))


def column_major(problem):
    return reordered(problem, (0, 2, 1))


def channels_last(problem):
    return reordered(problem, (1, 2, 0))


def reversed_order(problem):
    return biased(problem, sequential(products(problem, np.float32)[::-1]))


def in_pairs(problem):
    return biased(problem, pairwise(products(problem, np.float32)))


def in_lanes(problem, lanes):
    """As a vector unit adds: one sum a lane, then the lanes in pairs."""
    terms = products(problem, np.float32)
    missing = -len(terms) % lanes
    terms = np.concatenate([terms, np.zeros((missing, *terms.shape[1:]), np.float32)])
    return biased(problem, pairwise(sequential(terms.reshape((-1, lanes, *terms.shape[1:])))))


def matrix_product(problem):
    """im2col and whatever BLAS does."""
    return biased(problem, np.matmul(problem.patches, problem.weights.swapaxes(1, 2)).swapaxes(2, 3))


def exact_sum(left, right):
    """left + right in float64 and its rounding error (Knuth's two-sum)."""
    total = left + right
    virtual = total - left
    return total, (left - (total - virtual)) + (right - virtual)


def single(left, right):
    """The float64 sum rounded once to float32: by way of round to odd, whose last bit remembers what was lost."""
    total, lost = exact_sum(left, right)
    even = (total.view(np.int64) & 1) == 0
    toward = np.where(lost > 0, np.inf, -np.inf)
    return np.where((lost != 0) & even, np.nextafter(total, toward), total).astype(np.float32)


def toward_zero(left, right):
    """The float64 sum truncated to float32."""
    rounded = single(left, right)
    total, lost = exact_sum(left, right)
    beyond = rounded.astype(np.float64) - total
    beyond = np.where(beyond == 0, -lost, beyond)
    away = np.sign(beyond) * np.sign(rounded) > 0
    return np.where(away, np.nextafter(rounded, np.float32(0)), rounded)


def accumulated(problem, add):
    """Products kept exact (in float64) until `add` rounds the sum: what a fused multiply-add does."""
    total = np.zeros(1, np.float32)
    terms = products(problem, np.float64)
    for term in terms:
        total = add(np.broadcast_to(total.astype(np.float64), term.shape), term)
    return biased(problem, total)


def fused(problem):
    return accumulated(problem, single)


def truncated(problem):
    result = accumulated(without_bias(problem), toward_zero)
    if problem.bias is None:
        return result
    bias = np.broadcast_to(problem.bias.astype(np.float64).reshape(-1, 1, 1), result.shape)
    return toward_zero(result.astype(np.float64), bias)


def without_bias(problem):
    return replace(problem, bias=None)


def directly_by_scipy(problem):
    """scipy.signal.correlate2d plane by plane, then the strided outputs."""
    taps = dilated(problem)
    (sh, sw), (rows, columns) = problem.stride, problem.outputs
    per_group, filters = problem.taps.shape[1], problem.taps.shape[0] // problem.groups
    result = np.zeros((problem.image.shape[0], problem.taps.shape[0], rows, columns), np.float32)
    for n, k, c in np.ndindex(result.shape[0], result.shape[1], per_group):
        plane = problem.image[n, k // filters * per_group + c]
        result[n, k] += signal.correlate2d(plane, taps[k, c], mode="valid")[::sh, ::sw][:rows, :columns]
    return biased(problem, result)


def dilated(problem):
    (kh, kw), (dh, dw) = problem.taps.shape[2:], problem.dilation
    taps = np.zeros(problem.taps.shape[:2] + (dh * (kh - 1) + 1, dw * (kw - 1) + 1), problem.taps.dtype)
    taps[:, :, ::dh, ::dw] = problem.taps
    return taps


def by_transforms(problem):
    """scipy.fft in float32, its sizes whatever it likes best."""
    extents = [scipy.fft.next_fast_len(n, real=True) for n in problem.image.shape[2:]]
    image = scipy.fft.rfft2(problem.image, extents)
    taps = np.conj(scipy.fft.rfft2(dilated(problem), extents))
    image = image.reshape((image.shape[0], problem.groups, -1, *image.shape[2:]))
    taps = taps.reshape((problem.groups, -1, *taps.shape[1:]))
    result = scipy.fft.irfft2(np.einsum("ngchw,gkchw->ngkhw", image, taps), extents)
    assert result.dtype == np.float32
    (sh, sw), (rows, columns) = problem.stride, problem.outputs
    return biased(problem, np.ascontiguousarray(result[..., ::sh, ::sw][..., :rows, :columns]))


# All that a tile needs but infinity, in this order; the last ones are those of F(9, 5).
POINTS = [0, 1, -1, 2, -2, "1/2", "-1/2", "3/2", "-3/2", "2/3", "-2/3", 4]


@lru_cache
def tile_matrices(tile, taps):
    """Aᵀ, G and Bᵀ of F(tile, taps): the transpose of Toom and Cook's multiplication of polynomials.

    With V the Vandermonde matrix of all points (and infinity), the product of polynomials h of `tile` and g of `taps`
    coefficients is V⁻¹[(V_g g) ⊙ (V_h h)]; transposed with respect to h, that is the correlation
    V_hᵀ[(V_g g) ⊙ (V⁻ᵀ d)]. Multiplying each row of V⁻ᵀ by the product of its point's differences makes it integers.
    """
    size = tile + taps - 1
    points = [Fraction(p) for p in POINTS[: size - 1]]

    def vandermonde(columns):
        infinity = [Fraction(int(j == columns - 1)) for j in range(columns)]
        return [[p**j for j in range(columns)] for p in points] + [infinity]

    # Gauss and Jordan, in fractions.
    rows = [row + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(vandermonde(size))]
    for i in range(size):
        pivot = next(j for j in range(i, size) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(size):
            if j != i and rows[j][i]:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i])]
    inverse = [row[size:] for row in rows]
    scales = [np.prod([p - q for q in points if q != p]) for p in points] + [Fraction(1)]
    forward = [[inverse[j][i] * scales[i] for j in range(size)] for i in range(size)]
    weights = [[value / scale for value in row] for row, scale in zip(vandermonde(taps), scales)]
    return [np.array(m, np.float64) for m in (np.transpose(vandermonde(tile)), weights, forward)]


def takes_tiles(problem):
    """3×3 or 5×5 taps side by side; a strided problem's transpose, with its zeros in between, is nothing for tiles."""
    extents = problem.taps.shape[2:]
    return extents in ((3, 3), (5, 5)) and problem.stride == problem.dilation == problem.spread == (1, 1)


def by_tiles(problem, tile, kind=np.float32):
    """Winograd's F(tile, 3) or F(tile, 5) both ways, channel by channel."""
    length = problem.taps.shape[2]
    output, weights, forward = (m.astype(kind) for m in tile_matrices(tile, length))
    rows, columns = (-(-n // tile) for n in problem.outputs)
    missing = [t * tile + length - 1 - n for t, n in zip((rows, columns), problem.image.shape[2:])]
    image = np.pad(problem.image.astype(kind), ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])))
    windows = np.lib.stride_tricks.sliding_window_view(image, [tile + length - 1] * 2, axis=(2, 3))
    windows = windows[:, :, ::tile, ::tile]
    windows = forward @ np.ascontiguousarray(windows) @ forward.T
    taps = weights @ problem.taps.astype(kind) @ weights.T
    windows = windows.reshape((windows.shape[0], problem.groups, -1, *windows.shape[2:]))
    taps = taps.reshape((problem.groups, -1, *taps.shape[1:]))
    total = 0
    for c in range(taps.shape[2]):
        total = total + windows[:, :, None, c] * taps[None, :, :, c, None, None]
    made = output @ total @ output.T
    made = made.swapaxes(-3, -2).reshape((made.shape[0], problem.taps.shape[0], rows * tile, columns * tile))
    return biased(problem, np.ascontiguousarray(made[..., : problem.outputs[0], : problem.outputs[1]]))


def ten_bits(values, nearest=True):
    """float32 with TF32's ten explicit bits of significand: to nearest, ties to even, or truncated."""
    bits = np.ascontiguousarray(values.astype(np.float32)).view(np.uint32)
    if nearest:
        bits = bits + 0xFFF + ((bits >> 13) & 1)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


def with_inputs(problem, rounding):
    """The problem with image and filter rounded, in float32; the bias stays."""
    image, taps = (rounding(values).astype(np.float32) for values in (problem.image, problem.taps))
    return replace(problem, image=image, taps=taps)


def tensor_cores(problem):
    """TF32 inputs; blocks of eight products added up exactly and truncated to float32 with the sum before them."""
    rounded = without_bias(with_inputs(problem, ten_bits))
    terms = products(rounded, np.float64)
    total = np.zeros(terms.shape[1:], np.float32)
    for start in range(0, len(terms), 8):
        total = toward_zero(total.astype(np.float64), terms[start : start + 8].sum(axis=0))
    return biased(problem, total)


def short(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name).type


def short_inputs(problem, kind):
    return matrix_product(with_inputs(problem, lambda values: values.astype(short(kind))))


def short_output(problem, kind):
    return short_inputs(problem, kind).astype(short(kind))


def short_accumulation(problem, kind):
    """Every product and every sum rounded to the short type."""
    return biased(problem, sequential(products(problem, short(kind))), short(kind))


def short_accumulation_backwards(problem, kind):
    return biased(problem, sequential(products(problem, short(kind))[::-1]), short(kind))


def doubled(problem):
    return biased(problem, sequential(products(problem, np.float64)))


def doubled_matrix_product(problem):
    return matrix_product(problem.astype(np.float64))


FLOAT32 = {
    "row_major": row_major,
    "column_major": column_major,
    "channels_last": channels_last,
    "reversed": reversed_order,
    "pairwise": in_pairs,
    "lanes_4": lambda problem: in_lanes(problem, 4),
    "lanes_8": lambda problem: in_lanes(problem, 8),
    "lanes_16": lambda problem: in_lanes(problem, 16),
    "fused": fused,
    "matrix_product": matrix_product,
    "scipy_direct": directly_by_scipy,
}

# By claim; the arithmetic of each is the claim's.
OTHERS = {
    "float32_truncated": {"truncated": truncated},
    "tf32": {
        "tf32_nearest": lambda problem: row_major(with_inputs(problem, ten_bits)),
        "tf32_truncated": lambda problem: row_major(with_inputs(problem, lambda v: ten_bits(v, nearest=False))),
        "tensor_cores": tensor_cores,
    },
    "float16_inputs": {"float16_inputs": lambda problem: short_inputs(problem, "float16")},
    "bfloat16_inputs": {"bfloat16_inputs": lambda problem: short_inputs(problem, "bfloat16")},
    "float16": {"float16_output": lambda problem: short_output(problem, "float16")},
    "bfloat16": {"bfloat16_output": lambda problem: short_output(problem, "bfloat16")},
    "float16_accumulated": {
        "float16_forwards": lambda problem: short_accumulation(problem, "float16"),
        "float16_backwards": lambda problem: short_accumulation_backwards(problem, "float16"),
    },
    "bfloat16_accumulated": {
        "bfloat16_forwards": lambda problem: short_accumulation(problem, "bfloat16"),
        "bfloat16_backwards": lambda problem: short_accumulation_backwards(problem, "bfloat16"),
    },
    "float64": {"float64_loop": doubled, "float64_matrix": doubled_matrix_product},
    "fft": {"scipy_fft": by_transforms},
    "winograd_f2": {"winograd_f2": lambda problem: by_tiles(problem, 2)},
    "winograd_f4": {"winograd_f4": lambda problem: by_tiles(problem, 4)},
    "winograd_f6": {
        "winograd_f6": lambda problem: by_tiles(problem, 6),
        # F(9, 5) is what libraries compute 5×5 filters by.
        "winograd_f9": lambda problem: by_tiles(problem, 9 if problem.taps.shape[2] == 5 else 6),
    },
}


def correct(problem, claim):
    """Every implementation of a claim's arithmetic that takes the problem, with its result."""
    if claim.startswith("winograd") and not takes_tiles(problem):
        return {}
    found = FLOAT32 if claim == "float32" else OTHERS[claim]
    return {name: compute(problem) for name, compute in found.items()}
