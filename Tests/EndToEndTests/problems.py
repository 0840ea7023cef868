"""Random problems over everything a convolution can be, and which formulations take them."""

import json
from dataclasses import dataclass, field

import numpy as np
import oracle
from support import COMBINATIONS, DOT_PRODUCTS, encode

# The tiles that Winograd's formulation has for each square filter; None is its own choice.
TILES = {3: [None, 2, 4, 6], 5: [None, 2]}


@dataclass
class Problem:
    """A problem with at least one output: arrays of its dtype, options as on the wire, bias as on the wire."""

    seed: int
    dtype: str
    image: np.ndarray
    taps: np.ndarray
    bias: object
    options: dict
    integers: bool
    rng: np.random.Generator = field(repr=False)

    @property
    def channels(self):
        """Channels of the result."""
        if self.taps.ndim == 2:
            return 1
        return self.taps.shape[1] * self.options.get("groups", 1) if self.transposed else self.taps.shape[0]

    @property
    def transposed(self):
        return self.options.get("transposed", False)

    @property
    def biases(self):
        """The bias as the oracle takes it: one number a channel, or None."""
        if self.bias is None:
            return None
        return np.broadcast_to(np.asarray(self.bias, np.float64).ravel(), (self.channels,))

    def exact(self):
        return oracle.convolve(self.image, self.taps, self.biases, **self.options)

    def bound(self):
        return oracle.bound(self.image, self.taps, self.dtype, self.biases, **self.options)

    def document(self):
        """The problem on the wire, each tensor in one of its forms."""

        def wire(array):
            return encode(array) if self.rng.integers(2) else array.astype(np.float64).tolist()

        document = {"image": wire(self.image), "filter": wire(self.taps), "dtype": self.dtype} | self.options
        if self.bias is not None:
            document["bias"] = self.bias
            if isinstance(self.bias, list) and self.rng.integers(2):
                document["bias"] = encode(np.array(self.bias).astype(oracle.DTYPES[self.dtype]))
        encoding = [None, "json", "base64"][self.rng.integers(3)]
        return document | ({"encoding": encoding} if encoding else {})

    def takers(self):
        """What can compute this problem: documents that name a formulation, its storage and what else it is told."""
        kernel = set(self.taps.shape[-2:])
        plain = set(oracle.pair(self.options["stride"])) == set(oracle.pair(self.options["dilation"])) == {1}
        found = []
        for formulation, storage in COMBINATIONS:
            choice = {"formulation": formulation, "storage": storage}
            if formulation != "winograd":
                found.append(choice)
            elif plain and len(kernel) == 1 and max(kernel) in TILES:
                tiles = TILES[max(kernel)]
                found += [choice | ({"tile": tile} if tile else {}) for tile in tiles]
        return found

    def attributes(self):
        """What is particular about this problem, for counting what was tried with what."""
        options = self.options
        stride, dilation = oracle.pair(options["stride"]), oracle.pair(options["dilation"])
        padding, groups = options.get("padding"), options.get("groups", 1)
        found = {
            f"dtype {self.dtype}",
            f"image rank {self.image.ndim}",
            f"filter rank {self.taps.ndim}",
            f"flip {options['flip']}",
            f"padding_mode {options.get('padding_mode', 'zeros')}",
            f"transposed {self.transposed}",
            "integers" if self.integers else "floats",
            "no bias" if self.bias is None else "one bias" if not isinstance(self.bias, list) else "biases",
            "padding none" if padding is None
            else f"padding {padding}" if isinstance(padding, str)
            else f"padding of {1 if isinstance(padding, int) else len(padding)}",
        }
        wanted = {
            "batch": self.image.ndim == 4 and self.image.shape[0] > 1,
            "stride": max(stride) > 1,
            "two strides": stride[0] != stride[1],
            "dilation": max(dilation) > 1,
            "two dilations": dilation[0] != dilation[1],
            "even filter": any(k % 2 == 0 for k in self.taps.shape[-2:]),
            "oblong filter": self.taps.shape[-1] != self.taps.shape[-2],
            "groups": groups > 1,
            "depthwise": groups > 1 and self.taps.shape[1] == 1 and self.taps.shape[0] == groups,
            "output_padding": max(oracle.pair(options.get("output_padding", 0))) > 0,
            "output_shape": "output_shape" in options,
            "output_shape with padding": "output_shape" in options and not isinstance(options.get("padding", ""), str),
            "output_shape with same": "output_shape" in options and "same" in str(options.get("padding")),
            "transposed same": self.transposed and "same" in str(options.get("padding")),
        }
        return found | {name for name, holds in wanted.items() if holds}


def one_or_two(rng, low, high):
    """An option for both axes at once, or for each."""
    return [int(rng.integers(low, high)), [int(n) for n in rng.integers(low, high, 2)]][rng.integers(2)]


def random_padding(rng, words):
    forms = [
        None,
        int(rng.integers(0, 4)),
        [int(n) for n in rng.integers(0, 4, 2)],
        [int(n) for n in rng.integers(0, 4, 4)],
        *words,
    ]
    return forms[rng.integers(len(forms))]


def random_options(rng, plane, kernel, plain):
    """Options for rows and columns; whether they fit is for `fits` to say."""
    options = {
        "stride": 1 if plain else one_or_two(rng, 1, 4),
        "dilation": 1 if plain or rng.integers(2) else one_or_two(rng, 1, 4),
        "flip": bool(rng.integers(2)),
    }
    if rng.random() < 0.3:
        options["transposed"] = True
        padding = random_padding(rng, ["valid", "same_upper", "same_lower", "same_upper", "same_lower"])
        most = [max(pair) - 1 for pair in zip(oracle.pair(options["stride"]), oracle.pair(options["dilation"]))]
        more = [int(rng.integers(0, m + 1)) for m in most]
        if rng.integers(2):
            options["output_padding"] = more if rng.integers(2) or more[0] != more[1] else more[0]
        elif rng.random() < 0.6:
            # What the padding leads to, or (where it follows from the shape) anything up to all that is covered.
            full = oracle.output_shape(plane, kernel, **options, padding=padding if "same" not in str(padding) else 0)
            if padding is None or isinstance(padding, str):
                options["output_shape"] = [int(rng.integers(max(1, f - 4), f + m + 1)) for f, m in zip(full, most)]
            else:
                options["output_shape"] = [f + m for f, m in zip(full, more)]
    else:
        words = ["valid", "same_upper", "same_lower"] + (["same"] if oracle.pair(options["stride"]) == (1, 1) else [])
        padding = random_padding(rng, words)
        options["padding_mode"] = ["zeros", "reflect", "replicate", "circular"][rng.integers(4)]
        if options["padding_mode"] == "zeros" and rng.integers(2):
            del options["padding_mode"]
    return options | ({} if padding is None else {"padding": padding})


def fits(plane, kernel, options):
    """Whether there is an output, and every rule that names a limit is kept."""
    rows_and_columns = oracle.axes(plane, kernel, **options)
    if min(axis.output for axis in rows_and_columns) < 1:
        return False
    limit = {"reflect": -1, "circular": 0}.get(options.get("padding_mode"))
    if limit is not None:
        return all(max(a.before, a.after) <= size + limit for a, size in zip(rows_and_columns, plane))
    if options.get("transposed"):
        # More rows than the scattered image and the largest output padding cover can't be asked for.
        around = zip(plane, kernel, *(oracle.pair(options[name]) for name in ("stride", "dilation")))
        most = [(i - 1) * s + oracle.reach(k, d) + max(s, d) - 1 for i, k, s, d in around]
        return all(axis.output <= m for axis, m in zip(rows_and_columns, most))
    return True


def random_channels(rng, transposed):
    """Image and filter without their planes: N, C or nothing, and K, C/g or nothing; and the groups."""
    style = rng.integers(6)
    if style == 0:
        return [(), (1,), (2, 1), (1, 1)][rng.integers(4)], (), 1
    groups = [1, 1, 2, 3][rng.integers(4)]
    # Depthwise every so often.
    planes, filters = (1, 1) if groups > 1 and rng.integers(3) == 0 else rng.integers(1, 4, 2)
    planes, filters = int(planes), int(filters)
    given = groups * filters if transposed else groups * planes
    kernel = (groups * filters, planes)
    if given == 1 and style == 1:
        return (), kernel, groups
    return ((given,) if style < 3 else (int(rng.integers(1, 4)), given)), kernel, groups


def random_numbers(rng, shape, dtype, integers, spread=1.0):
    if integers:
        # Every sum of products is exact in what the type computes in, and finite in the type itself.
        most = 9 if dtype == "float16" else 99
        return rng.integers(-most, most + 1, shape).astype(oracle.DTYPES[dtype])
    return rng.normal(0, spread, shape).astype(np.float32 if dtype == "bfloat16" else dtype).astype(oracle.DTYPES[dtype])


def random_problem(seed, dtypes=("float32", "float64", "float16", "bfloat16"), largest=12):
    """A problem that follows from its seed alone."""
    rng = np.random.default_rng(seed)
    dtype, integers = dtypes[rng.integers(len(dtypes))], bool(rng.integers(2))
    while True:
        plane = tuple(int(n) for n in rng.integers(1, largest + 1, 2))
        # Every third one is for Winograd's formulation too.
        plain = rng.integers(3) == 0
        kernel = (([3, 5][rng.integers(2)],) * 2) if plain else tuple(int(n) for n in rng.integers(1, 6, 2))
        options = random_options(rng, plane, kernel, plain)
        if fits(plane, kernel, options):
            break
    image_planes, filter_planes, groups = random_channels(rng, options.get("transposed", False))
    if groups > 1 or rng.integers(4) == 0:
        options["groups"] = groups
    spread = 10.0 ** rng.integers(-2, 3)
    image = random_numbers(rng, image_planes + plane, dtype, integers, 1.0 if dtype == "float16" else spread)
    taps = random_numbers(rng, filter_planes + kernel, dtype, integers)
    problem = Problem(seed, dtype, image, taps, None, options, integers, rng)
    match rng.integers(3):
        case 1:
            problem.bias = float(random_numbers(rng, (), dtype, integers))
        case 2:
            problem.bias = random_numbers(rng, (problem.channels,), dtype, integers).astype(np.float64).tolist()
    return problem


def shown(path, document):
    """The line that asks the same again."""
    return f"POST {path} {json.dumps(document)}"


def is_dot_product(choice):
    return (choice["formulation"], choice["storage"]) in DOT_PRODUCTS
