"""An independent convolution, its gradients and their rounding bounds, written from the definition in NumPy's widest
float.

Options have the names and the forms they have on the wire: `stride`, `padding`, `padding_mode`, `dilation`, `groups`,
`flip`, `transposed`, `output_padding`, `output_shape`.
"""

from dataclasses import dataclass

import ml_dtypes
import numpy as np

# 64 bits of significand on x86-64: a float64 problem is judged with 2⁻¹¹ of its own rounding error.
WIDE = np.longdouble

UNIT_ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
# Half of the smallest positive number: what one rounding can lose below the normal range.
UNDERFLOW = {"float16": 2.0**-25, "bfloat16": 2.0**-134, "float32": 2.0**-150, "float64": 0.0}
# What a problem is computed in: the short types in float32, with one rounding at the end.
COMPUTED_IN = {"float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64"}
DTYPES = {name: np.dtype(getattr(ml_dtypes, name) if name == "bfloat16" else name) for name in COMPUTED_IN}
# NumPy's names for what stands on the padding.
PAD_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


@dataclass(frozen=True)
class Axis:
    """How one axis is padded (of a transposed problem: cropped), and how many elements it makes."""

    before: int
    after: int
    output: int


def reach(taps, dilation):
    """Pixels from the first tap to the last, both included."""
    return dilation * (taps - 1) + 1


def sides(padding, image_shape, filter_shape, stride=1, dilation=1):
    """Padding in any of its forms as (top, left, bottom, right)."""
    if padding is None or padding == "valid":
        return 0, 0, 0, 0
    if isinstance(padding, str):
        # As many outputs as strides begin within the image; "same" is that for stride 1.
        steps = zip(image_shape, pair(stride), filter_shape, pair(dilation))
        totals = [max(0, (-(-i // s) - 1) * s + reach(k, d) - i) for i, s, k, d in steps]
        less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
        # torch's "same" and ONNX's SAME_UPPER put the odd row behind, SAME_LOWER in front.
        return (*more, *less) if padding == "same_lower" else (*less, *more)
    if isinstance(padding, int) or len(padding) == 2:
        vertical, horizontal = pair(padding)
        return vertical, horizontal, vertical, horizontal
    return tuple(padding)


def transposed_axis(index, size, taps, stride, dilation, padding, output_padding, output_shape):
    """One axis of a transposed problem: the ONNX operator ConvTranspose where padding follows from the output shape,
    PyTorch's `output_size` where the padding is given in numbers."""
    natural = (size - 1) * stride + reach(taps, dilation)
    more = 0 if output_padding is None else pair(output_padding)[index]
    wanted = None if output_shape is None else output_shape[index]
    if padding is not None and not isinstance(padding, str):
        given = sides(padding, None, None)
        before, after = given[index], given[index + 2]
        return Axis(before, after, natural + more - before - after if wanted is None else wanted)
    if padding in ("same_upper", "same_lower") and wanted is None:
        wanted = size * stride
    if wanted is None:
        return Axis(0, 0, natural + more)
    total = max(0, natural + more - wanted)
    if padding == "same_upper":
        return Axis(total // 2, total - total // 2, wanted)
    return Axis(total - total // 2, total // 2, wanted)


def axes(image_shape, filter_shape, stride=1, padding=None, dilation=1, transposed=False, output_padding=None,
         output_shape=None, **_):
    """Both axes of a problem, of whose shapes only the last two extents count."""
    image_shape, filter_shape = image_shape[-2:], filter_shape[-2:]
    strides, dilations = pair(stride), pair(dilation)
    if transposed:
        return tuple(
            transposed_axis(i, image_shape[i], filter_shape[i], strides[i], dilations[i], padding, output_padding,
                            output_shape)
            for i in range(2)
        )
    around = sides(padding, image_shape, filter_shape, stride, dilation)
    found = []
    for i in range(2):
        left_over = around[i] + image_shape[i] + around[i + 2] - reach(filter_shape[i], dilations[i])
        found.append(Axis(around[i], around[i + 2], left_over // strides[i] + 1 if left_over >= 0 else 0))
    return tuple(found)


def output_shape(image_shape, filter_shape, **options):
    """The rows and columns of the result."""
    return tuple(int(axis.output) for axis in axes(image_shape, filter_shape, **options))


def planes(image, taps):
    """Image and filter as N×C×H×W and K×C/g×kh×kw, and what gives the result the shape it has on the wire."""
    image, taps = np.asarray(image, WIDE), np.asarray(taps, WIDE)
    rank = 3 if image.ndim == 2 and taps.ndim == 4 else image.ndim
    image = image.reshape((1,) * (4 - image.ndim) + image.shape)
    taps = taps.reshape((1,) * (4 - taps.ndim) + taps.shape)
    return image, taps, lambda result: result.reshape(result.shape[4 - rank :])


def padded(image, rows, columns, padding_mode):
    around = ((0, 0), (0, 0), (rows.before, rows.after), (columns.before, columns.after))
    return np.pad(image, around, mode=PAD_MODES[padding_mode])


def convolve(image, taps, bias=None, stride=1, padding=None, padding_mode="zeros", dilation=1, groups=1, flip=False,
             transposed=False, output_padding=None, output_shape=None):
    """y[n,k,a,b] = Σ_cuv w[k,c,u,v] · x[n,c,a·s + u·d − p,b·s + v·d − p] + bias[k], or the transposed map of that."""
    image, taps, shaped = planes(image, taps)
    if flip:
        taps = taps[:, :, ::-1, ::-1]
    rows, columns = axes(image.shape, taps.shape, stride, padding, dilation, transposed, output_padding, output_shape)
    (sh, sw), (dh, dw) = pair(stride), pair(dilation)
    batch, (kh, kw) = image.shape[0], taps.shape[2:]
    # Channels and filters by group.
    by_group = taps.reshape((groups, taps.shape[0] // groups) + taps.shape[1:])
    if transposed:
        height, width = image.shape[2:]
        given = image.reshape((batch, groups, -1, height, width))
        # What the scattered image covers, or the result asks for beyond it.
        covered = [
            max((size - 1) * s + reach(k, d), axis.before + axis.output)
            for size, s, k, d, axis in zip((height, width), (sh, sw), (kh, kw), (dh, dw), (rows, columns))
        ]
        full = np.zeros((batch, groups, taps.shape[1], *covered), WIDE)
        for u in range(kh):
            for v in range(kw):
                i, j = u * dh, v * dw
                full[..., i : i + (height - 1) * sh + 1 : sh, j : j + (width - 1) * sw + 1 : sw] += np.einsum(
                    "ngkij,gkc->ngcij", given, by_group[..., u, v]
                )
        full = full[..., rows.before : rows.before + rows.output, columns.before : columns.before + columns.output]
        result = full.reshape((batch, -1, rows.output, columns.output))
    else:
        around = padded(image, rows, columns, padding_mode)
        around = around.reshape((batch, groups, -1, *around.shape[2:]))
        result = np.zeros((batch, groups, by_group.shape[1], rows.output, columns.output), WIDE)
        for u in range(kh):
            for v in range(kw):
                i, j = u * dh, v * dw
                seen = around[..., i : i + (rows.output - 1) * sh + 1 : sh, j : j + (columns.output - 1) * sw + 1 : sw]
                result += np.einsum("ngcij,gkc->ngkij", seen, by_group[..., u, v])
        result = result.reshape((batch, -1, rows.output, columns.output))
    if bias is not None:
        result = result + np.asarray(bias, WIDE).reshape((1, -1, 1, 1))
    return shaped(result)


def windows(image, filter_shape, outputs, strides, dilations):
    """N×C×a×b×u×v: what tap (u, v) of output (a, b) reads of an image that is padded already."""
    extents = tuple(reach(k, d) for k, d in zip(filter_shape, dilations))
    (sh, sw), (dh, dw), (rows, columns) = strides, dilations, outputs
    seen = np.lib.stride_tricks.sliding_window_view(image, extents, axis=(2, 3))
    return seen[:, :, ::sh, ::sw, ::dh, ::dw][:, :, :rows, :columns]


def spread(values, strides):
    """The last two axes with strides − 1 zeros between neighbours."""
    (height, width), (sh, sw) = values.shape[2:], strides
    result = np.zeros(values.shape[:2] + ((height - 1) * sh + 1, (width - 1) * sw + 1), WIDE)
    result[:, :, ::sh, ::sw] = values
    return result


def gradients(image, taps, upstream, stride=1, padding=None, padding_mode="zeros", dilation=1, groups=1, flip=False,
              transposed=False, output_padding=None, output_shape=None):
    """The gradients of Σ upstream · convolve(image, taps, bias) by image, filter and bias, from the derivatives of the
    definition; nothing here is shared with `convolve` but the shapes.

    By a tap: the sum over outputs of upstream times the pixel that this tap reads. By a pixel: the sum over outputs of
    upstream times the tap that reads the pixel, which is a window over the upstream spread by the stride, seen through
    the rotated filter; what falls on padding goes back to the pixels that stand there.
    """
    image_shape, taps_shape = np.shape(image), np.shape(taps)
    image, taps, _ = planes(image, taps)
    upstream = np.asarray(upstream, WIDE)
    upstream = upstream.reshape((1,) * (4 - upstream.ndim) + upstream.shape)
    applied = taps[:, :, ::-1, ::-1] if flip else taps
    rows, columns = axes(image.shape, taps.shape, stride, padding, dilation, transposed, output_padding, output_shape)
    strides, dilations = pair(stride), pair(dilation)
    batch, filter_shape = image.shape[0], taps.shape[2:]
    by_group = applied.reshape((groups, taps.shape[0] // groups) + taps.shape[1:])

    def grouped(values):
        return values.reshape((values.shape[0], groups, -1) + values.shape[2:])

    if transposed:
        # The roles change: the image stands at the outputs of the map whose transpose this is, upstream at its pixels.
        extents = [reach(k, d) for k, d in zip(filter_shape, dilations)]
        needed = [(size - 1) * s + e for size, s, e in zip(image.shape[2:], strides, extents)]
        around = np.pad(upstream, ((0, 0), (0, 0), *(
            (axis.before, max(0, n - axis.before - axis.output)) for axis, n in zip((rows, columns), needed))))
        seen = grouped(windows(around, filter_shape, image.shape[2:], strides, dilations))
        by_image = np.einsum("ngcabuv,gkcuv->ngkab", seen, by_group)
        by_taps = np.einsum("ngcabuv,ngkab->gkcuv", seen, grouped(image))
    else:
        around = padded(image, rows, columns, padding_mode)
        seen = grouped(windows(around, filter_shape, upstream.shape[2:], strides, dilations))
        by_taps = np.einsum("ngcabuv,ngkab->gkcuv", seen, grouped(upstream))
        # Each padded pixel sees the outputs that read it through the filter rotated by 180°.
        apart = spread(upstream, strides)
        margins = [reach(k, d) - 1 for k, d in zip(filter_shape, dilations)]
        beyond = [p - a for p, a in zip(around.shape[2:], apart.shape[2:])]
        apart = np.pad(apart, ((0, 0), (0, 0), *((m, b) for m, b in zip(margins, beyond))))
        read = grouped(windows(apart, filter_shape, around.shape[2:], (1, 1), dilations))
        by_padded = np.einsum("ngkijuv,gkcuv->ngcij", read, by_group[..., ::-1, ::-1]).reshape(around.shape)
        # The number of the pixel that stands at each padded position, one past the last for a zero.
        count = image.shape[2] * image.shape[3]
        numbers = np.arange(1, count + 1).reshape((1, 1) + image.shape[2:])
        places = (padded(numbers, rows, columns, padding_mode) - 1).ravel() % (count + 1)
        by_image = np.zeros(image.shape[:2] + (count + 1,), WIDE)
        np.add.at(by_image, (slice(None), slice(None), places), by_padded.reshape(image.shape[:2] + (-1,)))
        by_image = by_image[..., :count]
    by_taps = by_taps.reshape(taps.shape)
    if flip:
        by_taps = by_taps[:, :, ::-1, ::-1]
    return {
        "image": by_image.reshape(image_shape),
        "filter": by_taps.reshape(taps_shape),
        "bias": upstream.sum(axis=(0, 2, 3)),
    }


def gamma(n, u):
    """γ_n (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.1)."""
    return n * u / (1 - n * u)


def dot_bound(n, absolute, dtype):
    """γ_n·S with n terms an output, plus underflow, plus the oracle's own rounding."""
    factor = gamma(n, UNIT_ROUNDOFF[dtype])
    own = n * float(np.finfo(WIDE).eps) * absolute
    return factor * absolute + own + n * UNDERFLOW[dtype] * (1 + factor)


def terms(image, taps, bias=None, **options):
    """The most terms in one output: all taps of all planes of a group; of a transposed problem, as many as meet."""
    _, wide_taps, _ = planes(image, taps)
    n = wide_taps[0].size
    if options.get("transposed"):
        n = int(convolve(np.ones(np.shape(image)), np.ones(np.shape(taps)), **options).max())
    return n + (bias is not None)


def absolute_sum(image, taps, bias=None, **options):
    """S = Σ|w·x| + |bias|, for each output."""
    return convolve(np.abs(image), np.abs(taps), None if bias is None else np.abs(bias), **options)


def bound(image, taps, dtype, bias=None, **options):
    """How far any sum of the definition's products, in any order, may lie from the exact value, for each output.

    A short type adds the one rounding of the result, to within half its smallest subnormal.
    """
    absolute = absolute_sum(image, taps, bias, **options)
    computed = dot_bound(terms(image, taps, bias, **options), absolute, COMPUTED_IN[dtype])
    if COMPUTED_IN[dtype] == dtype:
        return computed
    exact = np.abs(convolve(image, taps, bias, **options))
    return computed + UNIT_ROUNDOFF[dtype] * (exact + computed) + UNDERFLOW[dtype]


def gradient_bounds(image, taps, upstream, dtype, **options):
    """γ_n·S for each element of each gradient, n the products that are added in the fullest element."""
    absolute = gradients(np.abs(image), np.abs(taps), np.abs(upstream), **options)
    counts = gradients(np.ones(np.shape(image)), np.ones(np.shape(taps)), np.ones(np.shape(upstream)), **options)
    return {name: dot_bound(int(counts[name].max()), absolute[name], dtype) for name in absolute}


def scale(image, taps, bias=None, groups=1, transposed=False, **_):
    """max|x| · max_k Σ|w_k| + max|bias|: no output and no intermediate of a sound algorithm is of a larger order."""
    image, taps, _ = planes(image, taps)
    by_group = np.abs(taps).reshape((groups, taps.shape[0] // groups) + taps.shape[1:])
    weights = by_group.sum(axis=(1, 3, 4) if transposed else (2, 3, 4)).max()
    return np.abs(image).max() * weights + (0 if bias is None else np.abs(np.asarray(bias, WIDE)).max())


def rounded(exact, dtype):
    """Wide numbers in `dtype`, through what the problem is computed in where they are exact there."""
    return np.asarray(exact).astype(COMPUTED_IN[dtype]).astype(DTYPES[dtype])


SIGNED = {2: np.int16, 4: np.int32, 8: np.int64}


def ulp_distance(left, right):
    """How many representable numbers lie between two arrays of one dtype, elementwise."""
    bits = SIGNED[left.dtype.itemsize]

    def ordinal(values):
        raw = np.ascontiguousarray(values).view(bits)
        # Negative floats sort backwards as integers: mirror them below zero, so that −0 and 0 meet.
        wide = raw.astype(object) if bits is np.int64 else raw.astype(np.int64)
        return np.where(raw < 0, np.iinfo(bits).min - wide, wide)

    return np.abs(ordinal(left) - ordinal(right))


def same_bits(left, right):
    bits = SIGNED[left.dtype.itemsize]
    return np.ascontiguousarray(left).view(bits) == np.ascontiguousarray(right).view(bits)
