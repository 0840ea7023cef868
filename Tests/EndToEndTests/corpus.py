"""Convolutions to verify: shapes, data, and the one reduced form that independent implementations compute from.

Every problem, transposed or padded in whatever way, is a correlation without padding over an image gathered pixel by
pixel. Nothing but the output's extents comes from `oracle`, and the oracle is what everything here is checked against.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import oracle

# Image, filter and options, `bias` among them. A 64-channel layer stands apart, in the tests of speed.
SHAPES = [
    # One plane.
    ((7, 7), (3, 3), {}),
    ((5, 5), (2, 2), {}),
    ((16, 16), (5, 5), {}),
    ((9, 14), (1, 1), {}),
    ((12, 9), (3, 5), {"padding": [1, 2]}),
    ((11, 17), (5, 2), {"stride": [2, 1]}),
    ((20, 20), (7, 7), {"padding": 3}),
    ((13, 13), (3, 3), {"padding": "same", "flip": True}),
    ((10, 12), (3, 3), {"stride": 3, "padding": 2}),
    ((15, 15), (3, 3), {"dilation": 2}),
    ((32, 32), (11, 11), {}),
    ((1, 40), (1, 9), {"padding": [0, 4]}),
    # Several channels.
    ((3, 8, 8), (4, 3, 3, 3), {"padding": 1, "bias": True}),
    ((3, 8, 8), (2, 3, 3, 3), {"padding": 1}),
    ((8, 8, 8), (8, 8, 3, 3), {"padding": 1}),
    ((16, 6, 6), (8, 16, 1, 1), {"bias": True}),
    ((32, 5, 5), (4, 32, 3, 3), {"padding": 1, "bias": True}),
    ((4, 9, 9), (4, 4, 5, 5), {"padding": 2}),
    ((2, 12, 10), (3, 2, 3, 2), {"stride": [1, 2], "bias": True}),
    ((3, 14, 14), (4, 3, 7, 7), {"stride": 2, "padding": 3}),
    ((3, 12, 12), (4, 3, 4, 4), {"stride": 4}),
    ((5, 10, 11), (3, 5, 3, 3), {"dilation": [2, 1], "padding": [2, 1]}),
    ((2, 16, 16), (2, 2, 3, 3), {"dilation": 3, "padding": 3, "bias": True}),
    ((64, 4, 4), (2, 64, 3, 3), {}),
    ((128, 3, 3), (2, 128, 1, 1), {}),
    ((24, 7, 7), (2, 24, 5, 5), {"padding": 2}),
    ((2, 18, 5), (2, 2, 3, 3), {"padding": "same_upper", "stride": 2}),
    ((2, 9, 11), (2, 2, 2, 4), {"padding": "same_lower", "stride": [2, 3]}),
    # Batches.
    ((2, 3, 7, 7), (4, 3, 3, 3), {"padding": 1}),
    ((4, 2, 6, 6), (3, 2, 3, 3), {"bias": True}),
    ((3, 1, 9, 9), (2, 1, 3, 3), {"stride": 2, "padding": 1}),
    ((2, 4, 10, 10), (4, 4, 3, 3), {"stride": [2, 3], "padding": 1}),
    ((2, 4, 5, 8), (6, 4, 2, 3), {"padding": [0, 1, 2, 3], "bias": True}),
    ((5, 1, 4, 4), (1, 1, 2, 2), {}),
    # Groups and depthwise.
    ((1, 4, 8, 8), (4, 2, 3, 3), {"groups": 2, "padding": 1}),
    ((1, 6, 7, 9), (6, 2, 3, 3), {"groups": 3, "bias": True}),
    ((2, 6, 6, 6), (4, 3, 3, 3), {"groups": 2, "stride": 2, "padding": 1}),
    ((1, 8, 9, 9), (8, 1, 3, 3), {"groups": 8, "padding": 1, "bias": True}),
    ((1, 5, 12, 12), (5, 1, 5, 5), {"groups": 5, "padding": 2, "stride": 2}),
    ((2, 4, 9, 9), (8, 1, 3, 3), {"groups": 4, "padding": 1}),
    ((1, 8, 6, 6), (8, 4, 1, 1), {"groups": 2}),
    ((1, 4, 11, 11), (8, 2, 3, 3), {"groups": 2, "dilation": 2, "padding": 2}),
    ((3, 9, 5, 5), (6, 3, 3, 3), {"groups": 3, "padding": 1}),
    # Something else than zeros on the padding.
    ((2, 8, 8), (3, 2, 3, 3), {"padding": 1, "padding_mode": "reflect"}),
    ((2, 9, 7), (2, 2, 5, 5), {"padding": 2, "padding_mode": "replicate", "bias": True}),
    ((1, 3, 8, 10), (4, 3, 3, 3), {"padding": 1, "padding_mode": "circular"}),
    ((12, 12), (3, 3), {"padding": 1, "padding_mode": "reflect"}),
    ((10, 10), (5, 5), {"padding": "same", "padding_mode": "circular"}),
    ((1, 4, 8, 8), (4, 1, 3, 3), {"groups": 4, "padding": 1, "padding_mode": "replicate"}),
    ((3, 9, 9), (2, 3, 3, 3), {"padding": 2, "stride": 2, "padding_mode": "reflect"}),
    ((2, 11, 8), (2, 2, 3, 3), {"padding": [2, 2], "dilation": 2, "padding_mode": "circular"}),
    # Transposed.
    ((3, 6, 6), (3, 2, 3, 3), {"transposed": True}),
    ((2, 5, 5), (2, 3, 3, 3), {"transposed": True, "stride": 2, "padding": 1, "output_padding": 1}),
    ((4, 4, 6), (4, 2, 4, 4), {"transposed": True, "stride": 2, "padding": 1, "bias": True}),
    ((7, 7), (3, 3), {"transposed": True, "stride": 2}),
    ((1, 4, 5, 5), (4, 2, 3, 3), {"transposed": True, "groups": 2, "stride": 2, "padding": 1}),
    ((2, 4, 4, 5), (4, 1, 3, 3), {"transposed": True, "groups": 4, "bias": True}),
    ((2, 6, 5), (2, 2, 3, 2), {"transposed": True, "dilation": 2, "stride": [1, 3]}),
    ((2, 5, 5), (2, 2, 5, 5), {"transposed": True, "stride": 3, "padding": [2, 1]}),
    # Shapes that certain mistakes need: equal sides under unequal strides, more biases, room for tiles.
    ((1, 2, 6, 6), (3, 2, 3, 3), {"stride": [2, 3]}),
    ((2, 11, 11), (2, 2, 3, 3), {"stride": [3, 4]}),
    ((3, 10, 10), (4, 3, 3, 3), {"stride": [1, 2], "padding": 1}),
    ((9, 9), (3, 3), {"stride": [2, 1], "padding": 1}),
    ((2, 3, 8, 8), (2, 3, 3, 3), {"stride": [2, 1], "padding": 1, "bias": True}),
    ((4, 8, 8), (6, 4, 3, 3), {"dilation": 2, "padding": 2, "bias": True}),
    ((16, 16, 16), (2, 16, 3, 3), {"padding": 1}),
    ((6, 12, 12), (6, 2, 3, 3), {"groups": 3, "stride": 2, "padding": 1, "bias": True}),
    ((1, 3, 24, 24), (3, 3, 3, 3), {"padding": 1}),
    ((3, 12, 13), (4, 3, 3, 3), {"stride": 2}),
    ((2, 2, 14, 12), (2, 2, 2, 2), {"stride": 2, "bias": True}),
    ((15, 16), (3, 3), {"stride": [2, 3]}),
    ((1, 4, 13, 13), (4, 1, 3, 3), {"groups": 4, "stride": 2}),
    ((2, 10, 10), (3, 2, 3, 3), {"stride": [3, 2], "padding": [1, 0]}),
]  # fmt: skip


def normal(rng, shape, kernel):
    return rng.normal(size=shape), rng.normal(size=kernel)


def positive(rng, shape, kernel):
    """Nothing cancels: the rounding errors stand against sums as large as S."""
    return rng.uniform(0.1, 1, shape), rng.uniform(0.1, 1, kernel)


def rectified(rng, shape, kernel):
    """What follows a ReLU: mostly zeros."""
    return np.maximum(rng.normal(-0.7, 1, shape), 0), rng.normal(size=kernel) / np.sqrt(np.prod(kernel[1:]))


def heavy_tailed(rng, shape, kernel):
    return np.clip(rng.standard_t(1.5, shape), -90, 90), np.clip(rng.standard_t(2, kernel), -20, 20)


def photographic(rng, shape, kernel):
    """Smooth pixels out of 0…255, scaled as networks take them, and taps that add up to zero."""
    smooth = np.cumsum(np.cumsum(rng.normal(size=shape), axis=-1), axis=-2)
    smooth -= smooth.min()
    pixels = np.rint(255 * smooth / max(float(smooth.max()), 1e-9))
    taps = rng.normal(size=kernel)
    return (pixels / 255 - 0.45) / 0.225, taps - (taps.mean(axis=(-2, -1), keepdims=True) if taps[0, 0].size > 1 else 0)


DISTRIBUTIONS = [normal, positive, rectified, heavy_tailed, photographic]


def small(rng, shape, kernel):
    """Pixels so small that float16 has only subnormal numbers for them."""
    return rng.normal(size=shape) * 1e-6, rng.normal(size=kernel)


def sources(positions, size, mode):
    """Which pixel stands at each position of a padded axis; −1 is a zero."""
    inside = (positions >= 0) & (positions < size)
    match mode:
        case "zeros":
            return np.where(inside, positions, -1)
        case "replicate":
            return np.clip(positions, 0, size - 1)
        case "circular":
            return positions % size
        case "reflect":
            period = max(1, 2 * (size - 1))
            return np.minimum(positions % period, -positions % period)


@dataclass(frozen=True)
class Reduced:
    """y[n,k,a,b] = Σ taps[k,c,u,v] · image[n,c,a·s + u·d,b·s + v·d] + bias[k]: no padding, nothing transposed."""

    image: np.ndarray
    taps: np.ndarray
    bias: np.ndarray | None
    stride: tuple
    dilation: tuple
    groups: int
    outputs: tuple
    # Of a transposed problem, the steps from pixel to pixel among zeros.
    spread: tuple = (1, 1)

    @cached_property
    def patches(self):
        """N×g×(a·b)×(c·u·v)."""
        (kh, kw), (sh, sw), (dh, dw) = self.taps.shape[2:], self.stride, self.dilation
        extents = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
        seen = np.lib.stride_tricks.sliding_window_view(self.image, extents, axis=(2, 3))
        seen = seen[:, :, ::sh, ::sw, ::dh, ::dw][:, :, : self.outputs[0], : self.outputs[1]]
        batch, channels = self.image.shape[:2]
        seen = seen.reshape((batch, self.groups, channels // self.groups, *self.outputs, kh, kw))
        seen = seen.transpose(0, 1, 3, 4, 2, 5, 6)
        return np.ascontiguousarray(seen).reshape(batch, self.groups, self.outputs[0] * self.outputs[1], -1)

    @property
    def weights(self):
        """g×(K/g)×(c·u·v)."""
        return self.taps.reshape(self.groups, self.taps.shape[0] // self.groups, -1)

    def shaped(self, sums):
        """N×g×(K/g)×(a·b) as N×K×a×b."""
        return sums.reshape((sums.shape[0], self.taps.shape[0], *self.outputs))

    def astype(self, kind):
        bias = None if self.bias is None else self.bias.astype(kind)
        return replace(self, image=self.image.astype(kind), taps=self.taps.astype(kind), bias=bias)


@dataclass(frozen=True)
class Case:
    """A problem as posted: arrays of `dtype`, `bias` of float32 numbers or None."""

    number: int
    distribution: str
    image: np.ndarray
    taps: np.ndarray
    bias: np.ndarray | None
    options: dict

    @property
    def name(self):
        return f"{self.image.shape} {self.taps.shape} {self.options} {self.distribution}"

    @property
    def dtype(self):
        return self.image.dtype.name

    @cached_property
    def axes(self):
        return oracle.axes(self.image.shape, self.taps.shape, **self.options)

    @cached_property
    def exact(self):
        return oracle.convolve(self.image, self.taps, self.bias, **self.options)

    @cached_property
    def absolute(self):
        return oracle.absolute_sum(self.image, self.taps, self.bias, **self.options)

    @cached_property
    def terms(self):
        return oracle.terms(self.image, self.taps, self.bias, **self.options)

    def option(self, name, otherwise):
        return self.options.get(name, otherwise)

    def reduced(self, image=None, taps=None, bias=..., **changed):
        """The reduced form; with changes, of another problem that has the same output extents.

        `before`, `stride`, `dilation` (each for rows and columns) and `mode` may change; where that leads out of the
        image on a side without padding, there are zeros (or what the padding mode says).
        """

        image, taps = self.image if image is None else image, self.taps if taps is None else taps
        image = image.reshape((1,) * (4 - image.ndim) + image.shape)
        taps = taps.reshape((1,) * (4 - taps.ndim) + taps.shape)
        if self.option("flip", False):
            taps = taps[:, :, ::-1, ::-1]
        stride = changed.get("stride", oracle.pair(self.option("stride", 1)))
        dilation = changed.get("dilation", oracle.pair(self.option("dilation", 1)))
        before = changed.get("before", tuple(axis.before for axis in self.axes))
        mode = changed.get("mode", self.option("padding_mode", "zeros"))
        outputs, groups = tuple(int(axis.output) for axis in self.axes), self.option("groups", 1)
        transposed, spread = self.option("transposed", False), (1, 1)
        gathered = []
        for i in range(2):
            reach, size = dilation[i] * (taps.shape[2 + i] - 1), image.shape[2 + i]
            if transposed:
                # The image with stride − 1 zeros between its pixels, seen through the rotated filter.
                positions = np.arange(outputs[i] + reach) + before[i] - reach
                found = sources(positions // stride[i], size, "zeros")
                gathered.append(np.where(positions % stride[i] == 0, found, -1))
            else:
                positions = np.arange((outputs[i] - 1) * stride[i] + reach + 1) - before[i]
                gathered.append(sources(positions, size, mode))
        if transposed:
            spread = stride
            taps = taps.reshape((groups, taps.shape[0] // groups, *taps.shape[1:])).swapaxes(1, 2)
            taps = taps.reshape((-1, *taps.shape[2:]))[:, :, ::-1, ::-1]
            stride = (1, 1)
        seen = np.pad(image, ((0, 0), (0, 0), (0, 1), (0, 1)))[:, :, gathered[0]][:, :, :, gathered[1]]
        biases = self.bias if bias is ... else bias
        return Reduced(seen, np.ascontiguousarray(taps), biases, stride, dilation, groups, outputs, spread)

    def shaped(self, result):
        """N×K×a×b in the shape that the result has on the wire."""
        return result.reshape(self.exact.shape)


def case(number, distribution=None, kind="float32"):
    """A shape with data of one distribution, all of it from the shape's number."""
    shape, kernel, options = SHAPES[number]
    make = distribution or DISTRIBUTIONS[number % len(DISTRIBUTIONS)]
    rng = np.random.default_rng([number, sum(make.__name__.encode())])
    image, taps = make(rng, shape, (1, 1, *kernel) if len(kernel) == 2 else kernel)
    image, taps = (a.astype("float32").astype(oracle.DTYPES[kind]) for a in (image, taps.reshape(kernel)))
    options = dict(options)
    bias = None
    if options.pop("bias", False):
        count = kernel[1] * options.get("groups", 1) if options.get("transposed") else kernel[0]
        bias = (rng.normal(size=count) * np.abs(taps.astype("float64")).mean()).astype("float32").astype(image.dtype)
    return Case(number, make.__name__, image, taps, bias, options)


# What each claim rounds: the inputs, every step, the output; and the smallest subnormals of the first and the last.
UNITS = {
    "float32": (0, 2.0**-24, 0),
    "float32_truncated": (0, 2.0**-23, 0),
    "tf32": (2.0**-10, 2.0**-23, 0),
    "float16_inputs": (2.0**-11, 2.0**-24, 0),
    "bfloat16_inputs": (2.0**-8, 2.0**-24, 0),
    "float16": (2.0**-11, 2.0**-24, 2.0**-11),
    "bfloat16": (2.0**-8, 2.0**-24, 2.0**-8),
    "float16_accumulated": (2.0**-11, 2.0**-11, 0),
    "bfloat16_accumulated": (2.0**-8, 2.0**-8, 0),
    "float64": (0, 2.0**-53, 0),
}
SUBNORMAL = {"float16": 2.0**-25, "bfloat16": 2.0**-134}


def bound(problem, claim):
    """How far a sum of the definition's products under this claim may lie from the exact value, for each output.

    The inputs' rounding carries |x|·|w| to at most (|x|(1+u) + η)(|w|(1+u) + η), η what a subnormal loses, and every
    step after that γ_n times as much.
    """
    inputs, steps, output = UNITS[claim]
    least = SUBNORMAL.get(claim.split("_")[0], 0.0)
    absolute = problem.absolute
    if inputs and problem.dtype not in claim:
        rounded = [np.abs(a.astype(oracle.WIDE)) * (1 + inputs) + least for a in (problem.image, problem.taps)]
        bias = None if problem.bias is None else np.abs(problem.bias.astype(oracle.WIDE)) * (1 + inputs) + least
        absolute = oracle.convolve(*rounded, bias, **problem.options)
    # Far beyond n·u = 1 the rounding errors still multiply by (1 + u) a step.
    n = problem.terms
    growth = np.expm1(n * np.log1p(oracle.WIDE(steps)))
    # A float64 product of float32 numbers does not underflow.
    lost = n * (least if claim.endswith("_accumulated") else 0 if claim == "float64" else 2.0**-150)
    error = absolute - problem.absolute + growth * absolute + lost * (1 + growth)
    if output:
        error = error + output * (np.abs(problem.exact) + error) + least
    return error + n * float(np.finfo(oracle.WIDE).eps) * absolute


def ratio(problem, result, claim):
    """The worst error of a result over its bound; infinite where either is no number."""
    error = np.abs(result.astype("float64").astype(oracle.WIDE) - problem.exact)
    allowed = bound(problem, claim)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(error == 0, 0, error / allowed)
    return float(np.where(np.isnan(ratios), np.inf, ratios).max())
