"""An independent convolution, written from the definition in NumPy's widest float, and its rounding bounds."""

import numpy as np

# 64 bits of significand on x86-64: a float64 problem is judged with 2⁻¹¹ of its own rounding error.
WIDE = np.longdouble

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}
# Half of the smallest positive number: what one rounding can lose below the normal range.
UNDERFLOW = {"float32": 2.0**-150, "float64": 0.0}


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def sides(padding, filter_shape, dilation):
    """Padding in any of its forms as (top, left, bottom, right); "same" puts the odd row behind, as torch does."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(pair(dilation), filter_shape)]
        return total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2
    if isinstance(padding, int) or len(padding) == 2:
        vertical, horizontal = pair(padding)
        return vertical, horizontal, vertical, horizontal
    return tuple(padding)


def output_shape(image_shape, filter_shape, stride=1, padding=0, dilation=1):
    top, left, bottom, right = sides(padding, filter_shape, dilation)
    padded = image_shape[0] + top + bottom, image_shape[1] + left + right
    reach = [d * (k - 1) + 1 for d, k in zip(pair(dilation), filter_shape)]
    return tuple((p - r) // s + 1 if p >= r else 0 for p, r, s in zip(padded, reach, pair(stride)))


def convolve(image, taps, stride=1, padding=0, dilation=1, flip=False):
    """y[a, b] = Σ_uv w[u, v] · x[a·s + u·d − p, b·s + v·d − p], zeros outside the image."""
    image, taps = np.asarray(image, WIDE), np.asarray(taps, WIDE)
    if flip:
        taps = taps[::-1, ::-1]
    top, left, bottom, right = sides(padding, taps.shape, dilation)
    (sh, sw), (dh, dw) = pair(stride), pair(dilation)
    padded = np.pad(image, ((top, bottom), (left, right)))
    rows, columns = output_shape(image.shape, taps.shape, stride, padding, dilation)
    result = np.zeros((rows, columns), WIDE)
    for u in range(taps.shape[0]):
        for v in range(taps.shape[1]):
            i, j = u * dh, v * dw
            result += taps[u, v] * padded[i : i + (rows - 1) * sh + 1 : sh, j : j + (columns - 1) * sw + 1 : sw]
    return result


def bound(image, taps, dtype, **geometry):
    """γ_n·S (Higham) with n products an output, plus underflow, plus the oracle's own rounding, for each output."""
    n, u = taps.size, UNIT_ROUNDOFF[dtype]
    gamma = n * u / (1 - n * u)
    absolute = convolve(np.abs(image), np.abs(taps), **geometry)
    own = n * float(np.finfo(WIDE).eps) * absolute
    return gamma * absolute + own + n * UNDERFLOW[dtype] * (1 + gamma)


def ulp_distance(left, right):
    """How many representable numbers lie between two arrays of one dtype, elementwise."""
    bits = {4: np.int32, 8: np.int64}[left.dtype.itemsize]

    def ordinal(values):
        raw = np.ascontiguousarray(values).view(bits)
        # Negative floats sort backwards as integers: mirror them below zero, so that −0 and 0 meet.
        mirrored = np.where(raw < 0, np.iinfo(bits).min - raw, raw)
        return mirrored.astype(object) if bits is np.int64 else mirrored.astype(np.int64)

    return np.abs(ordinal(left) - ordinal(right))


def same_bits(left, right):
    bits = {4: np.uint32, 8: np.uint64}[left.dtype.itemsize]
    return np.ascontiguousarray(left).view(bits) == np.ascontiguousarray(right).view(bits)
