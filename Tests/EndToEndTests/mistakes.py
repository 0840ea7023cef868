"""Wrong convolutions: each known mistake made the way programs make it, in float32, with BLAS's rounding on top.

Every maker returns an N×K×a×b array, or None where its mistake cannot be made. `KINDS` has the variants of each mistake
by the name of the interface; most variants choose rows, channels or sizes from the generator they are given.
"""

from dataclasses import replace

import arithmetics
import numpy as np
import oracle

KINDS = {}


def kind(mistake):
    """Lists a maker under the name that the diagnosis should give it."""

    def listed(make):
        KINDS.setdefault(mistake, {})[make.__name__] = make
        return make

    return listed


def computed(problem):
    return arithmetics.matrix_product(problem)


def right(case):
    """The correct output, contiguous, for the maker to spoil."""
    return np.ascontiguousarray(computed(case.reduced()))


def before(case):
    return tuple(int(axis.before) for axis in case.axes)


def strides(case):
    return oracle.pair(case.option("stride", 1))


def dilations(case):
    return oracle.pair(case.option("dilation", 1))


def padded(case):
    return max(max(axis.before, axis.after) for axis in case.axes) > 0


def square(shape):
    return shape[-1] == shape[-2] > 1


# The filter.


@kind("flipped_filter")
def flipped_both_ways(case, rng):
    return computed(case.reduced(taps=case.taps[..., ::-1, ::-1])) if case.taps[0].size > 1 else None


@kind("transposed_filter")
def transposed_filter(case, rng):
    return computed(case.reduced(taps=case.taps.swapaxes(-1, -2))) if square(case.taps.shape) else None


@kind("missing_tap")
def missing_tap(case, rng):
    """One tap of all filters."""
    taps = case.taps.copy()
    if taps.shape[-1] * taps.shape[-2] == 1:
        return None
    taps[..., rng.integers(taps.shape[-2]), rng.integers(taps.shape[-1])] = 0
    return computed(case.reduced(taps=taps))


@kind("missing_tap")
def missing_last_tap(case, rng):
    """A loop that ends one tap early."""
    taps = case.taps.copy()
    if taps.shape[-1] * taps.shape[-2] == 1:
        return None
    taps[..., -1, -1] = 0
    return computed(case.reduced(taps=taps))


@kind("wrong_dilation")
def dilation_ignored(case, rng):
    return computed(case.reduced(dilation=(1, 1))) if dilations(case) != (1, 1) else None


@kind("wrong_dilation")
def dilation_one_more(case, rng):
    if max(case.taps.shape[-2:]) == 1:
        return None
    return computed(case.reduced(dilation=tuple(d + 1 for d in dilations(case))))


# The image.


@kind("transposed_image")
def transposed_image(case, rng):
    if not square(case.image.shape):
        return None
    return computed(case.reduced(image=case.image.swapaxes(-1, -2)))


@kind("wrong_layout")
def image_of_another_layout(case, rng):
    """Channels last, read as if they came first."""
    image = case.image
    if image.ndim < 3 or image.shape[-3] == 1:
        return None
    return computed(case.reduced(image=np.ascontiguousarray(np.moveaxis(image, -3, -1)).reshape(image.shape)))


@kind("wrong_layout")
def image_read_as_channels_last(case, rng):
    """Channels first, read as if they came last."""
    image = case.image
    if image.ndim < 3 or image.shape[-3] == 1:
        return None
    shape = image.shape[:-3] + image.shape[-2:] + image.shape[-3:-2]
    return computed(case.reduced(image=np.moveaxis(image.reshape(shape), -1, -3)))


@kind("wrong_layout")
def output_of_another_layout(case, rng):
    y = right(case)
    return np.ascontiguousarray(np.moveaxis(y, 1, -1)).reshape(y.shape) if y.shape[1] > 1 else None


@kind("swapped_input_channels")
def two_input_channels_swapped(case, rng):
    # Of a depthwise convolution that would be a mixture of groups, here and below.
    if case.reduced().taps.shape[1] < 2:
        return None
    order = np.arange(case.image.shape[-3])
    first, second = rng.choice(len(order), 2, replace=False)
    order[[first, second]] = order[[second, first]]
    return computed(case.reduced(image=case.image[..., order, :, :]))


@kind("swapped_input_channels")
def input_channels_reversed(case, rng):
    """BGR for RGB."""
    if case.reduced().taps.shape[1] < 2:
        return None
    return computed(case.reduced(image=case.image[..., ::-1, :, :]))


@kind("missing_channel")
def missing_last_channel(case, rng):
    problem = case.reduced()
    if problem.taps.shape[1] < 2:
        return None
    taps = problem.taps.copy()
    taps[:, -1] = 0
    return computed(replace(problem, taps=taps))


@kind("missing_channel")
def missing_image_channel(case, rng):
    # Of a depthwise convolution that would be a region of zeros.
    if case.reduced().taps.shape[1] < 2:
        return None
    image = case.image.copy()
    image[..., rng.integers(image.shape[-3]), :, :] = 0
    return computed(case.reduced(image=image))


@kind("mixed_groups")
def next_group(case, rng):
    """Each group's filters over the channels of the next group."""
    problem = case.reduced()
    if problem.groups == 1:
        return None
    return computed(replace(problem, image=np.roll(problem.image, -problem.taps.shape[1], axis=1)))


@kind("mixed_groups")
def interleaved_groups(case, rng):
    """Channel c taken to belong to group c mod g."""
    problem = case.reduced()
    if problem.groups == 1 or problem.taps.shape[1] == 1:
        return None
    order = np.arange(problem.image.shape[1]).reshape(-1, problem.groups).T.ravel()
    return computed(replace(problem, image=problem.image[:, order]))


# Strides and padding.


@kind("swapped_strides")
def swapped_strides(case, rng):
    """The output's extents are right, the steps between its pixels are not."""
    vertical, horizontal = strides(case)
    return computed(case.reduced(stride=(horizontal, vertical))) if vertical != horizontal else None


def phase(case, rows, columns):
    if case.option("transposed", False):
        return None
    return computed(case.reduced(before=(before(case)[0] - rows, before(case)[1] - columns)))


@kind("wrong_stride_phase")
def second_phase(case, rng):
    """The first output where the second pixel of the stride is."""
    vertical, horizontal = strides(case)
    return phase(case, vertical > 1, horizontal > 1) if max(vertical, horizontal) > 1 and not padded(case) else None


@kind("wrong_stride_phase")
def last_phase(case, rng):
    vertical, horizontal = strides(case)
    return phase(case, vertical - 1, horizontal - 1) if max(vertical, horizontal) > 2 else None


@kind("padding_off_by_one")
def padding_one_more(case, rng):
    return computed(case.reduced(before=tuple(p + 1 for p in before(case)))) if padded(case) else None


@kind("padding_off_by_one")
def padding_one_less(case, rng):
    return computed(case.reduced(before=tuple(p - 1 for p in before(case)))) if min(before(case)) > 0 else None


@kind("padding_off_by_one")
def padding_one_more_above(case, rng):
    """An even filter's padding, or one rounded up: rows only."""
    return computed(case.reduced(before=(before(case)[0] + 1, before(case)[1]))) if padded(case) else None


@kind("padding_off_by_one")
def padding_one_more_on_the_left(case, rng):
    return computed(case.reduced(before=(before(case)[0], before(case)[1] + 1))) if padded(case) else None


@kind("padding_off_by_one")
def padding_one_less_above(case, rng):
    return computed(case.reduced(before=(before(case)[0] - 1, before(case)[1]))) if before(case)[0] > 0 else None


@kind("wrong_padding_mode")
def zeros_for_another_mode(case, rng):
    return computed(case.reduced(mode="zeros")) if case.option("padding_mode", "zeros") != "zeros" else None


@kind("wrong_padding_mode")
def another_mode(case, rng):
    if not padded(case) or case.option("transposed", False):
        return None
    modes = [m for m in ("reflect", "replicate", "circular") if m != case.option("padding_mode", "zeros")]
    return computed(case.reduced(mode=modes[rng.integers(len(modes))]))


# The bias.


@kind("missing_bias")
def missing_bias(case, rng):
    return computed(case.reduced(bias=None)) if case.bias is not None else None


def with_bias(case, change):
    if case.bias is None:
        return None
    return computed(case.reduced(bias=change(case.bias)))


@kind("wrong_bias")
def bias_twice(case, rng):
    return with_bias(case, lambda bias: bias * 2)


@kind("wrong_bias")
def bias_subtracted(case, rng):
    return with_bias(case, lambda bias: -bias)


@kind("wrong_bias")
def bias_of_the_next_channel(case, rng):
    return with_bias(case, lambda bias: np.roll(bias, 1)) if case.bias is not None and len(case.bias) > 1 else None


@kind("wrong_bias")
def bias_of_the_first_channel(case, rng):
    return with_bias(case, lambda bias: np.full_like(bias, bias[0]))


# The output.


@kind("transposed_output")
def transposed_output(case, rng):
    y = right(case)
    return np.ascontiguousarray(y.swapaxes(2, 3)) if square(y.shape) else None


@kind("swapped_output_channels")
def two_output_channels_swapped(case, rng):
    y = right(case)
    if y.shape[1] < 2:
        return None
    first, second = rng.choice(y.shape[1], 2, replace=False)
    y[:, [first, second]] = y[:, [second, first]]
    return y


@kind("swapped_output_channels")
def output_channels_reversed(case, rng):
    y = right(case)
    return np.ascontiguousarray(y[:, ::-1]) if y.shape[1] > 1 else None


@kind("shifted_output")
def rolled_column(case, rng):
    y = right(case)
    return np.roll(y, 1, axis=3) if y.shape[3] > 1 else None


@kind("shifted_output")
def rolled_row(case, rng):
    y = right(case)
    return np.roll(y, -1, axis=2) if y.shape[2] > 1 else None


@kind("shifted_output")
def shifted_in_memory(case, rng):
    """A pointer one element off: the last element is what was there before, a zero."""
    y = right(case)
    flat = np.zeros_like(y.ravel())
    flat[:-1] = y.ravel()[1:]
    return flat.reshape(y.shape) if y.size > 1 else None


@kind("zero_region")
def last_row_zero(case, rng):
    y = right(case)
    y[:, :, -1] = 0
    return y


@kind("zero_region")
def last_columns_zero(case, rng):
    y = right(case)
    y[..., -(-y.shape[3] // 4) * -1 :] = 0
    return y


@kind("zero_region")
def last_channel_zero(case, rng):
    y = right(case)
    y[:, -1] = 0
    return y


@kind("zero_region")
def tail_zero(case, rng):
    """What a grid of threads that is too small leaves."""
    y = right(case)
    flat = y.reshape(-1)
    flat[len(flat) - max(2, len(flat) // 8) :] = 0
    return y


def something(case, rng, shape):
    return (rng.normal(size=shape) * float(np.sqrt(np.mean(np.square(case.exact))) + 1)).astype(np.float32)


@kind("stale_region")
def last_rows_stale(case, rng):
    """What another problem left there."""
    y = right(case)
    rows = -(-y.shape[2] // 4)
    y[:, :, -rows:] = something(case, rng, y[:, :, -rows:].shape)
    return y if y[:, :, -rows:].size > 1 else None


@kind("stale_region")
def tail_stale(case, rng):
    y = right(case)
    flat = y.reshape(-1)
    count = max(3, len(flat) // 6)
    flat[-count:] = something(case, rng, count)
    return y


@kind("stale_region")
def row_repeated(case, rng):
    """The row before, written twice."""
    y = right(case)
    if y.shape[2] < 3:
        return None
    y[:, :, -1] = y[:, :, -2]
    return y


@kind("scaled_output")
def doubled_output(case, rng):
    return right(case) * np.float32(2)


@kind("scaled_output")
def averaged_output(case, rng):
    return right(case) / np.float32(case.taps[0].size) if case.taps[0].size > 1 else None


@kind("scaled_output")
def slightly_scaled(case, rng):
    return right(case) * np.float32(1 + 10.0 ** -rng.uniform(1, 2.5))


@kind("single_element")
def one_element_off(case, rng):
    y = right(case)
    at = rng.integers(y.size)
    y.reshape(-1)[at] += np.float32(0.01 * (abs(y.reshape(-1)[at]) + float(case.absolute.max())))
    return y


@kind("single_element")
def one_bit_flipped(case, rng):
    """A bit of the exponent or a high one of the significand."""
    y = right(case)
    bits = y.reshape(-1).view(np.uint32)
    bits[rng.integers(bits.size)] ^= np.uint32(1 << rng.integers(16, 26))
    return y if np.isfinite(y).all() else None


@kind("nonfinite")
def one_nan(case, rng):
    y = right(case)
    y.reshape(-1)[rng.integers(y.size)] = np.nan
    return y


@kind("nonfinite")
def some_infinite(case, rng):
    y = right(case)
    y.reshape(-1)[rng.integers(y.size, size=3)] = np.inf * [1, -1][rng.integers(2)]
    return y


# The arithmetic.


@kind("short_inputs")
def float16_inputs(case, rng):
    return arithmetics.short_inputs(case.reduced(), "float16")


@kind("short_inputs")
def bfloat16_inputs(case, rng):
    return arithmetics.short_inputs(case.reduced(), "bfloat16")


@kind("short_inputs")
def tf32_inputs(case, rng):
    return computed(arithmetics.with_inputs(case.reduced(), arithmetics.ten_bits))


@kind("short_accumulation")
def float16_accumulation(case, rng):
    """Inputs as they are, the running sum in float16."""
    problem = arithmetics.without_bias(case.reduced())
    terms = arithmetics.products(problem, np.float32)
    return accumulated_in(case, terms, np.float16)


@kind("short_accumulation")
def bfloat16_accumulation(case, rng):
    problem = arithmetics.without_bias(case.reduced())
    return accumulated_in(case, arithmetics.products(problem, np.float32), arithmetics.short("bfloat16"))


def accumulated_in(case, terms, kind):
    if len(terms) < 4:
        return None
    total = np.zeros(terms.shape[1:], kind)
    for term in terms:
        total = (total.astype(np.float32) + term).astype(kind)
    return arithmetics.biased(case.reduced(), total.astype(np.float32))
