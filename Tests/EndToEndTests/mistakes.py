"""Wrong convolutions: each known mistake made the way programs make it, in float32, with BLAS's rounding on top, or in
another arithmetic.

Every maker returns an N×K×a×b array, or None where its mistake cannot be made. `KINDS` has the variants of each mistake
by the name of the interface; most variants choose rows, channels or sizes from the generator they are given. The file is
long because it is one list, of functions that are a few lines each.
"""

from contextlib import contextmanager
from dataclasses import replace

import arithmetics
import corpus
import ml_dtypes
import numpy as np
import oracle

KINDS = {}


def kind(mistake):
    """Lists a maker under the name that the diagnosis should give it."""

    def listed(make):
        KINDS.setdefault(mistake, {})[make.__name__] = make
        return make

    return listed


# What the makers compute in; `made_in` changes it.
compute = arithmetics.matrix_product


def computed(problem):
    return compute(problem)


@contextmanager
def made_in(arithmetic):
    """Mistakes made on top of `arithmetic`, a function of a reduced problem."""
    global compute
    before, compute = compute, arithmetic
    try:
        yield
    finally:
        compute = before


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


@kind("flipped_filter")
def rows_flipped(case, rng):
    return computed(case.reduced(taps=case.taps[..., ::-1, :])) if min(case.taps.shape[-2:]) > 1 else None


@kind("flipped_filter")
def columns_flipped(case, rng):
    return computed(case.reduced(taps=case.taps[..., ::-1])) if min(case.taps.shape[-2:]) > 1 else None


@kind("transposed_filter")
def turned_filter(case, rng):
    return computed(case.reduced(taps=np.rot90(case.taps, axes=(-2, -1)))) if square(case.taps.shape) else None


@kind("missing_tap")
def missing_row_of_taps(case, rng):
    taps = case.taps.copy()
    if min(taps.shape[-2:]) == 1:
        return None
    taps[..., rng.integers(taps.shape[-2]), :] = 0
    return computed(case.reduced(taps=taps))


@kind("missing_tap")
def tap_counted_twice(case, rng):
    taps = case.taps.copy()
    if taps.shape[-1] * taps.shape[-2] == 1:
        return None
    taps[..., rng.integers(taps.shape[-2]), rng.integers(taps.shape[-1])] *= 2
    return computed(case.reduced(taps=taps))


@kind("missing_tap")
def row_of_taps_repeated(case, rng):
    """The row before in place of one."""
    taps = case.taps.copy()
    if min(taps.shape[-2:]) == 1:
        return None
    row = rng.integers(1, taps.shape[-2])
    taps[..., row, :] = taps[..., row - 1, :]
    return computed(case.reduced(taps=taps))


@kind("missing_tap")
def missing_tap_of_one_filter(case, rng):
    taps = case.taps.copy()
    if taps.ndim == 2 or taps.shape[-1] * taps.shape[-2] == 1:
        return None
    taps[rng.integers(len(taps)), ..., rng.integers(taps.shape[-2]), rng.integers(taps.shape[-1])] = 0
    return computed(case.reduced(taps=taps))


@kind("missing_tap")
def halo_missing(case, rng):
    """The first column of taps finds nothing at the borders of tiles four columns wide."""
    problem = case.reduced()
    y = right(case)
    if problem.taps.shape[3] == 1 or y.shape[3] < 6:
        return None
    taps = problem.taps.copy()
    taps[..., 0] = 0
    y[..., 4::4] = computed(replace(problem, taps=taps))[..., 4::4]
    return y


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


@kind("wrong_dilation")
def dilation_of_the_other_axis(case, rng):
    down, right = dilations(case)
    return computed(case.reduced(dilation=(right, down))) if down != right else None


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


def filter_as(case, axes):
    """The filter's dimensions in another order in memory, read as if they were in the right one."""
    taps = case.taps
    if taps.ndim == 2 or [n for n in taps.shape if n > 1] == [taps.shape[a] for a in axes if taps.shape[a] > 1]:
        return None
    return computed(case.reduced(taps=np.ascontiguousarray(taps.transpose(axes)).reshape(taps.shape)))


@kind("wrong_layout")
def filter_hwio(case, rng):
    return filter_as(case, (2, 3, 1, 0))


@kind("wrong_layout")
def filter_ohwi(case, rng):
    return filter_as(case, (0, 2, 3, 1))


@kind("wrong_layout")
def filter_iohw(case, rng):
    return filter_as(case, (1, 0, 2, 3))


@kind("wrong_layout")
def output_of_exchanged_batch(case, rng):
    """Channel by channel and then image by image."""
    y = right(case)
    return np.ascontiguousarray(y.swapaxes(0, 1)).reshape(y.shape) if min(y.shape[:2]) > 1 else None


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


@kind("swapped_input_channels")
def neighbours_swapped(case, rng):
    if case.reduced().taps.shape[1] < 2 or case.image.shape[-3] % 2:
        return None
    order = np.arange(case.image.shape[-3]) ^ 1
    return computed(case.reduced(image=case.image[..., order, :, :]))


@kind("swapped_input_channels")
def halves_swapped(case, rng):
    count = case.image.shape[-3] if case.image.ndim > 2 else 1
    if case.option("groups", 1) > 1 or count < 4:
        return None
    return computed(case.reduced(image=np.roll(case.image, count // 2, axis=-3)))


@kind("swapped_input_channels")
def channel_in_place_of_another(case, rng):
    if case.reduced().taps.shape[1] < 2:
        return None
    order = np.arange(case.image.shape[-3])
    first, second = rng.choice(len(order), 2, replace=False)
    order[first] = second
    return computed(case.reduced(image=case.image[..., order, :, :]))


@kind("missing_channel")
def missing_tail_of_channels(case, rng):
    """As many channels as a vector holds, and no rest."""
    problem = case.reduced()
    count = problem.taps.shape[1]
    if count < 3:
        return None
    taps = problem.taps.copy()
    taps[:, count - rng.integers(1, count // 2 + 1) :] = 0
    return computed(replace(problem, taps=taps))


@kind("missing_channel")
def channel_counted_twice(case, rng):
    if case.reduced().taps.shape[1] < 2:
        return None
    image = case.image.copy()
    image[..., rng.integers(image.shape[-3]), :, :] *= 2
    return computed(case.reduced(image=image))


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


@kind("mixed_groups")
def first_group_for_all(case, rng):
    problem = case.reduced()
    if problem.groups == 1:
        return None
    size = problem.taps.shape[1]
    return computed(replace(problem, image=np.tile(problem.image[:, :size], (1, problem.groups, 1, 1))))


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


@kind("wrong_stride_phase")
def stride_ignored(case, rng):
    """The first outputs of those with a stride of one."""
    return computed(case.reduced(stride=(1, 1))) if max(strides(case)) > 1 else None


@kind("padding_off_by_one")
def no_padding(case, rng):
    """The windows begin at the first pixel."""
    return computed(case.reduced(before=(0, 0))) if max(before(case)) > 0 else None


@kind("padding_off_by_one")
def paddings_exchanged(case, rng):
    return computed(case.reduced(before=before(case)[::-1])) if before(case)[0] != before(case)[1] else None


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


@kind("wrong_padding_mode")
def rows_of_another_mode(case, rng):
    """What `mode` says only above and below; zeros at the sides."""
    if not padded(case) or case.option("transposed", False) or case.option("padding_mode", "zeros") == "zeros":
        return None
    right, zeros = case.reduced(), case.reduced(mode="zeros")
    columns = before(case)[1]
    image = right.image.copy()
    image[..., :columns] = zeros.image[..., :columns]
    end = columns + case.image.shape[-1]
    image[..., end:] = zeros.image[..., end:]
    return computed(replace(right, image=image))


@kind("wrong_padding_mode")
def a_constant_for_zeros(case, rng):
    """Padding with what stands for zero in another scale of the pixels."""
    if not padded(case) or case.option("transposed", False) or case.option("padding_mode", "zeros") != "zeros":
        return None
    ones = np.ones_like(case.image)
    outside = 1 - case.reduced(image=ones).image[:, :1]
    problem = case.reduced()
    value = np.float32(rng.choice([1, -1, 0.5, -0.45 / 0.225]))
    return computed(replace(problem, image=problem.image + outside * value))


@kind("wrong_padding_mode")
def symmetric_for_another_mode(case, rng):
    """Reflected with the edge repeated, as NumPy's `symmetric`."""
    if not padded(case) or case.option("transposed", False):
        return None
    original = corpus.sources

    def sources(positions, size, mode):
        wrapped = positions % (2 * size)
        return np.where(wrapped < size, wrapped, 2 * size - 1 - wrapped)

    corpus.sources = sources
    try:
        return computed(case.reduced())
    finally:
        corpus.sources = original


# The bias.


@kind("missing_bias")
def missing_bias(case, rng):
    return computed(case.reduced(bias=None)) if case.bias is not None else None


def with_bias(case, change):
    if case.bias is None:
        return None
    return computed(case.reduced(bias=change(case.bias)))


@kind("missing_bias")
def bias_missing_in_the_last_rows(case, rng):
    if case.bias is None or np.ndim(case.bias) == 0:
        return None
    y, without = right(case), computed(case.reduced(bias=None))
    rows = -(-y.shape[2] // 3)
    y[:, :, -rows:] = without[:, :, -rows:]
    return y if y.shape[2] > 2 else None


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


@kind("wrong_bias")
def biases_permuted(case, rng):
    if case.bias is None or len(case.bias) < 2:
        return None
    return with_bias(case, lambda bias: bias[rng.permutation(len(bias))])


@kind("wrong_bias")
def a_constant_added(case, rng):
    return right(case) + np.float32(rng.normal() * float(np.std(case.exact)) + 0.01)


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


@kind("swapped_output_channels")
def output_channels_rolled(case, rng):
    y = right(case)
    return np.roll(y, 1, axis=1) if y.shape[1] > 2 else None


@kind("swapped_output_channels")
def output_channels_shuffled(case, rng):
    y = right(case)
    return y[:, rng.permutation(y.shape[1])] if y.shape[1] > 3 else None


@kind("swapped_output_channels")
def images_reversed(case, rng):
    y = right(case)
    return np.ascontiguousarray(y[::-1]) if y.shape[0] > 1 else None


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


@kind("zero_region")
def rectified_output(case, rng):
    """A ReLU that nobody asked for."""
    return np.maximum(right(case), 0)


@kind("zero_region")
def half_zero(case, rng):
    y = right(case)
    flat = y.reshape(-1)
    flat[len(flat) // 2 :] = 0
    return y


@kind("zero_region")
def columns_of_tiles_zero(case, rng):
    y = right(case)
    y[..., 3::4] = 0
    return y if y.shape[3] > 4 else None


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
def last_column_stale(case, rng):
    y = right(case)
    y[..., -1] = something(case, rng, y[..., -1].shape)
    return y if y.shape[3] > 2 and y[..., -1].size > 1 else None


@kind("stale_region")
def columns_of_tiles_stale(case, rng):
    y = right(case)
    y[..., 3::4] = something(case, rng, y[..., 3::4].shape)
    return y if y.shape[3] > 4 and y[..., 3::4].size > 1 else None


@kind("stale_region")
def tail_of_an_earlier_call(case, rng):
    """What the same buffer held of another image."""
    y = right(case)
    other = computed(case.reduced(image=rng.permuted(case.image.reshape(-1)).reshape(case.image.shape)))
    flat = y.reshape(-1)
    count = len(flat) // 3
    flat[len(flat) - count :] = other.reshape(-1)[len(flat) - count :]
    return y if count > 2 else None


@kind("stale_region")
def added_to_the_image_before(case, rng):
    """Accumulators that were not cleared between the images of a batch."""
    y = right(case)
    if y.shape[0] < 2:
        return None
    y[1:] += y[:-1].copy()
    return y


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


@kind("scaled_output")
def negated_output(case, rng):
    return -right(case)


@kind("scaled_output")
def channels_scaled(case, rng):
    """A factor for each channel, as a normalisation folds in."""
    y = right(case)
    factors = rng.uniform(0.5, 2, y.shape[1]).astype(np.float32)
    return y * factors.reshape(-1, 1, 1) if y.shape[2] * y.shape[3] > 6 else None


@kind("scaled_output")
def first_half_twice(case, rng):
    """Added twice where two parts of the work overlap."""
    y = right(case)
    flat = y.reshape(-1)
    flat[: len(flat) // 2] *= 2
    return y


@kind("single_element")
def one_element_off(case, rng):
    y = right(case)
    at = rng.integers(y.size)
    y.reshape(-1)[at] += np.float32(0.01 * (abs(y.reshape(-1)[at]) + float(case.absolute.max())))
    return y


@kind("single_element")
def one_sign_flipped(case, rng):
    y = right(case)
    y.reshape(-1)[rng.integers(y.size)] *= -1
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


@kind("nonfinite")
def row_of_nan(case, rng):
    y = right(case)
    y[:, :, -1] = np.nan
    return y


# The arithmetic.


@kind("short_inputs")
def filter_in_eight_bits(case, rng):
    """The filter in float8 (E4M3)."""
    return computed(case.reduced(taps=case.taps.astype(ml_dtypes.float8_e4m3fn).astype(case.taps.dtype)))


@kind("short_inputs")
def filter_in_integers(case, rng):
    """The filter quantised to 8-bit integers with one scale."""
    scale = np.abs(case.taps).max() / np.float32(127)
    return computed(case.reduced(taps=np.rint(case.taps / scale).astype(np.float32) * scale))


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


def in_blocks(case, kind, length):
    """Blocks of products added up in the short type, the blocks in float32."""
    problem = arithmetics.without_bias(case.reduced())
    terms = arithmetics.products(problem, np.float32)
    if len(terms) < 4:
        return None
    total = np.zeros(terms.shape[1:], np.float32)
    for start in range(0, len(terms), length):
        block = np.zeros(terms.shape[1:], kind)
        for term in terms[start : start + length]:
            block = (block.astype(np.float32) + term).astype(kind)
        total = total + block.astype(np.float32)
    return arithmetics.biased(case.reduced(), total)


@kind("short_accumulation")
def float16_blocks(case, rng):
    return in_blocks(case, np.float16, int(rng.choice([4, 8, 16])))


@kind("short_accumulation")
def bfloat16_blocks(case, rng):
    return in_blocks(case, arithmetics.short("bfloat16"), int(rng.choice([4, 8, 16])))


@kind("short_accumulation")
def rounded_output(case, rng):
    return right(case).astype(arithmetics.short("bfloat16")).astype(np.float32)


@kind("short_accumulation")
def whole_numbers(case, rng):
    """Fractions cut off."""
    y = right(case) * np.float32(1)
    return np.trunc(y) if np.abs(y).max() > 4 else None
