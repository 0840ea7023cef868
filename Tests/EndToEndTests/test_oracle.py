"""Random problems through HTTP against the oracle, every reported number recomputed from the tensors.

2 400 problems, each asked directly and by two more of the ways that take it, over everything that a convolution can be.
"""

from collections import Counter

import numpy as np
import oracle
import pytest
from problems import TILES, is_dot_product, random_problem, shown
from scipy import signal
from support import COMBINATIONS, decode, encode

DIRECT = {"formulation": "direct", "storage": "sparse"}
BATCHES = [range(start, start + 100) for start in range(0, 2400, 100)]

# No certificate, only sanity, for what is not a sum of the definition's products: all of them bound their error by a
# modest number times u · max|x| · Σ|w|. The number is the product of the transforms' norms (for F(6,3), whose
# interpolation points reach 2, some hundreds in two dimensions; for Fourier transforms of 2^m points, a few times
# m · 2^(m/2) ≤ 12 · 64 for all these images), and rounding errors average out far below it.
SANE = 2000

# Which ways were tried with which attributes, and the number of problems.
tried = Counter()


def check_form(document, answer):
    """The answer's tensor has the form asked for, or else the image's."""
    asked = document.get("encoding") or ("base64" if isinstance(document["image"], dict) else "json")
    assert isinstance(answer["result"], dict) == (asked == "base64")


def wide(values):
    return values.astype(np.float64).astype(oracle.WIDE)


class Question:
    """One problem with what the oracle says about it, asked in several ways."""

    def __init__(self, asker, seed):
        self.asker = asker
        self.problem = random_problem(seed)
        self.document = self.problem.document()
        self.exact = self.problem.exact()
        self.allowed = self.problem.bound()
        self.direct = None

    def ask(self, choice):
        problem, document = self.problem, self.document | choice
        line = shown("/convolve", document)
        answer = self.asker.convolve(document)
        check_form(document, answer)
        result = decode(answer["result"], problem.dtype)
        assert (answer["formulation"], answer["storage"]) == (choice["formulation"], choice["storage"]), line
        assert result.shape == self.exact.shape == tuple(answer["shape"]), line
        assert answer["dtype"] == problem.dtype, line
        assert answer.get("computed_in") == ("float32" if result.dtype.itemsize == 2 else None), line
        assert answer["equivalent"] is True, line
        if self.direct is None:
            self.direct = result
        error = np.abs(wide(result) - self.exact)
        if is_dot_product(choice):
            self.check_products(answer, result, error, line)
        else:
            self.check_transform(answer, result, error, line)
        self.check_deviation_from_direct(answer, result, line)
        if choice["formulation"] == "winograd":
            assert answer["tile"] == choice.get("tile", 4 if problem.taps.shape[-1] == 3 else 2), line
        if choice["formulation"] == "separable":
            self.check_separable(answer, error, line)
        if choice["formulation"] == "fft":
            self.check_fourier(answer, error, line)
        for attribute in problem.attributes():
            tried[attribute, *choice.values()] += 1

    def check_products(self, answer, result, error, line):
        assert np.all(error <= self.allowed), line
        if self.problem.integers:
            assert np.array_equal(result, oracle.rounded(self.exact, self.problem.dtype)), line
            assert answer["max_deviation"] == 0, line
        deviation = answer["reference_deviation"]
        self.check_reference(deviation, error, line)
        # The fewer terms meet in a transposed output, the smaller is this bound; the service counts them axis by axis.
        over = float((error / np.where(self.allowed > 0, self.allowed, 1)).max())
        if self.problem.dtype != "float64":
            assert deviation["max_over_bound"] <= over * 1.01 + 1e-6, line
            if not self.problem.transposed:
                assert deviation["max_over_bound"] >= over * 0.99 - 1e-6, line

    def check_transform(self, answer, result, error, line):
        problem = self.problem
        deviation = answer["reference_deviation"]
        self.check_reference(deviation, error, line)
        largest = oracle.scale(problem.image, problem.taps, problem.biases, **problem.options)
        computed_in = oracle.COMPUTED_IN[problem.dtype]
        sane = SANE * oracle.UNIT_ROUNDOFF[computed_in] * float(largest)
        if computed_in != problem.dtype:
            sane = sane + oracle.UNIT_ROUNDOFF[problem.dtype] * (np.abs(self.exact) + sane) + oracle.UNDERFLOW[problem.dtype]
        assert np.all(error <= sane), line
        # The bound is the service's own: at its worst element it covers the error that is really there.
        assert float(error[tuple(deviation["at"])]) <= deviation["bound"] * (1 + 1e-9) + self.slack, line

    @property
    def slack(self):
        """The service's reference is a float64 sum or better, the oracle's is wider: they may differ by the former's
        own rounding, far below the bound for float32, and of its order for float64."""
        return float(self.allowed.max()) * (2.0**-28 if self.problem.dtype != "float64" else 1)

    def check_reference(self, deviation, error, line):
        assert deviation["from"] == "reference"
        assert deviation["max_abs"] == pytest.approx(float(error.max()), rel=2.0**-23, abs=self.slack), line
        assert 0 <= deviation["max_over_bound"] <= 1, line

    def check_deviation_from_direct(self, answer, result, line):
        deviation, direct = answer["deviation"], self.direct
        difference = np.abs(wide(result) - wide(direct))
        # The subtraction may be rounded once on its way into the answer.
        assert deviation["max_abs"] == pytest.approx(float(difference.max()), rel=2.0**-23), line
        assert answer["max_deviation"] == deviation["max_abs"], line
        assert deviation["from"] == "direct"
        assert deviation["identical"] == int(oracle.same_bits(result, direct).sum()), line
        assert deviation["max_ulp"] == int(oracle.ulp_distance(result, direct).max()), line
        assert len(deviation["at"]) == result.ndim, line
        if deviation["max_abs"] > 0:
            worst = float(difference[tuple(deviation["at"])])
            assert worst == pytest.approx(deviation["max_abs"], rel=2.0**-23), line
        assert 0 <= deviation["max_over_bound"] <= 1, line

    def check_separable(self, answer, error, line):
        told = answer["separable"]
        planes = self.problem.taps.astype(np.float64).reshape((-1, *self.problem.taps.shape[-2:]))
        assert 1 <= told["rank"] <= told["full_rank"] <= min(planes.shape[1:]), line
        assert told["full_rank"] >= max(1, max(np.linalg.matrix_rank(plane) for plane in planes)), line
        # Untruncated, all of the error is rounding; the filters as they are stored may differ from the filter by it.
        assert told["truncation_max_abs"] <= self.sanity(), line
        assert 0 <= told["rounding_max_over_bound"] <= 1, line

    def check_fourier(self, answer, error, line):
        told, problem = answer["fft"], self.problem
        assert len(told["size"]) == 2 and min(told["size"]) >= 1, line
        norms = np.linalg.norm(wide(problem.image).ravel()) * np.linalg.norm(wide(problem.taps).ravel())
        if norms > 0 and problem.dtype in ("float32", "float64"):
            observed = float(np.linalg.norm(error.ravel()) / norms)
            assert told["normwise_error"] == pytest.approx(observed, rel=1e-3, abs=self.slack / float(norms) * error.size), line
        assert told["normwise_error"] <= told["normwise_bound"] or problem.dtype in ("float16", "bfloat16"), line

    def sanity(self):
        problem = self.problem
        largest = oracle.scale(problem.image, problem.taps, problem.biases, **problem.options)
        return SANE * oracle.UNIT_ROUNDOFF[oracle.COMPUTED_IN[problem.dtype]] * float(largest)


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_random_problems(asker, seeds):
    for seed in seeds:
        question = Question(asker, seed)
        question.ask(DIRECT)
        others = [choice for choice in question.problem.takers() if choice != DIRECT]
        # Where Winograd's formulation can, it is one of the two, since it can so rarely.
        rng = np.random.default_rng([seed, 1])
        tiled = [choice for choice in others if choice["formulation"] == "winograd"]
        chosen = [tiled[rng.integers(len(tiled))]] if tiled else []
        rest = [choice for choice in others if choice["formulation"] != "winograd"]
        chosen += [rest[index] for index in rng.permutation(len(rest))[: 2 - len(chosen)]]
        for choice in chosen:
            question.ask(choice)
        tried["problems"] += 1


# What Winograd's formulation can't have: steps, and filters that are not 3×3 or 5×5. Output padding must be below a step.
NOT_FOR_WINOGRAD = {
    "stride", "two strides", "dilation", "two dilations", "even filter", "oblong filter", "output_padding",
}


def test_every_attribute_met_every_formulation():
    if tried["problems"] < 2000:
        pytest.skip("only a part of the problems was run")
    attributes = {attribute for key in tried if isinstance(key, tuple) for attribute in [key[0]]}
    assert len(attributes) >= 44, sorted(attributes)
    ways = [(formulation, storage) for formulation, storage in COMBINATIONS if formulation != "winograd"]
    ways += [("winograd", "sparse", *([tile] if tile else [])) for tile in TILES[3]]
    missing = [
        (attribute, way)
        for attribute in sorted(attributes)
        for way in ways
        if tried[attribute, *way] == 0 and not (way[0] == "winograd" and attribute in NOT_FOR_WINOGRAD)
    ]
    assert missing == []


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_scipy_agrees(asker, flip, padding):
    rng = np.random.default_rng(7)
    image, taps = rng.normal(size=(31, 17)), rng.normal(size=(5, 3))
    theirs = (signal.convolve2d if flip else signal.correlate2d)(image, taps, mode=padding)
    for formulation, storage in [pair for pair in COMBINATIONS if pair[0] != "winograd"]:
        answer = asker.convolve(
            {"image": image.tolist(), "filter": encode(taps), "dtype": "float64", "padding": padding, "flip": flip}
            | {"formulation": formulation, "storage": storage}
        )
        allowed = 2 * oracle.bound(image, taps, "float64", padding=padding, flip=flip)
        if (formulation, storage) in [("separable", "sparse"), ("fft", "sparse")]:
            allowed = SANE * 2.0**-53 * float(oracle.scale(image, taps))
        assert np.all(np.abs(decode(answer["result"], "float64") - theirs) <= allowed)


def scipy_plane(plane, taps, stride, dilation):
    """One padded plane and one filter plane: a dilated filter is one with zeros between, a stride skips outputs."""
    spread = np.zeros([oracle.reach(k, d) for k, d in zip(taps.shape, dilation)])
    spread[:: dilation[0], :: dilation[1]] = taps
    # "full" and a cut by hand: SciPy's "valid" swaps image and filter where the filter is the larger.
    full = signal.correlate2d(plane, spread, mode="full")
    rows, columns = spread.shape
    return full[rows - 1 : plane.shape[0], columns - 1 : plane.shape[1]][:: stride[0], :: stride[1]]


def test_the_oracle_itself_agrees_with_scipy():
    """Forward problems plane by plane, over all groups; integers, so that both are exact."""
    checked = 0
    for seed in range(600):
        problem = random_problem(seed)
        options = problem.options
        if problem.transposed or not problem.integers:
            continue
        image, taps, shaped = oracle.planes(problem.image.astype(np.float64), problem.taps.astype(np.float64))
        rows, columns = oracle.axes(image.shape, taps.shape, **options)
        image = oracle.padded(image, rows, columns, options.get("padding_mode", "zeros")).astype(np.float64)
        taps = taps.astype(np.float64)[:, :, :: -1 if options["flip"] else 1, :: -1 if options["flip"] else 1]
        stride, dilation = oracle.pair(options["stride"]), oracle.pair(options["dilation"])
        per_group = taps.shape[0] // options.get("groups", 1)
        result = np.array([
            [
                sum(
                    scipy_plane(one[k // per_group * taps.shape[1] + c], taps[k, c], stride, dilation)
                    for c in range(taps.shape[1])
                )
                for k in range(taps.shape[0])
            ]
            for one in image
        ])
        if problem.biases is not None:
            result = result + problem.biases.reshape((1, -1, 1, 1))
        assert np.array_equal(problem.exact(), shaped(result)), (seed, options)
        checked += 1
    assert checked >= 150


def test_the_oracle_transposes():
    """⟨Ax, g⟩ = ⟨x, Aᵀg⟩ for the transposed problem and for the gradients: three programs that share no loop."""
    for seed in range(600):
        problem = random_problem(seed)
        if not problem.integers:
            continue
        image, taps = problem.image.astype(np.float64), problem.taps.astype(np.float64)
        made = oracle.convolve(image, taps, **problem.options)
        upstream = np.random.default_rng(seed).integers(-9, 10, made.shape)
        by = oracle.gradients(image, taps, upstream, **problem.options)
        product = int((made * upstream).sum())
        assert product == int((by["image"] * image).sum()) == int((by["filter"] * taps).sum()), (seed, problem.options)


def test_decimals_round_trip(asker):
    """A 1×1 filter of 1 gives every pixel back, so the answer must be the numbers sent, to the bit."""
    rng = np.random.default_rng(11)
    for dtype, bits in [("float32", np.uint32), ("float64", np.uint64), ("float16", np.uint16), ("bfloat16", np.uint16)]:
        raw = rng.integers(0, np.iinfo(bits).max, 4096, dtype=bits, endpoint=True).view(oracle.DTYPES[dtype])
        one, zero = np.ones((), raw.dtype), np.zeros((), raw.dtype)
        image = np.where(np.isfinite(raw.astype(np.float64)), raw, one).reshape(64, 64)
        document = {"image": encode(image), "filter": [[1]], "dtype": dtype}
        in_json = decode(asker.convolve(document | {"encoding": "json"})["result"], dtype)
        in_base64 = decode(asker.convolve(document | {"encoding": "base64"})["result"], dtype)
        from_json = decode(asker.convolve(document | {"image": image.astype("float64").tolist()})["result"], dtype)
        # A sum starts at +0, so −0 may come back as 0; every other pattern must be the same.
        for result in [in_json, in_base64, from_json]:
            assert np.all(oracle.same_bits(result + zero, image + zero)), dtype


@pytest.mark.parametrize("report", ["summary", "full"])
def test_reports_and_repeats(asker, report):
    answer = asker.convolve({"image": [[1, 2], [3, 4]], "filter": [[1]], "report": report, "repeat": 5})
    assert answer["result"] == [[1, 2], [3, 4]]
    assert answer["deviation"]["max_abs"] == 0


@pytest.mark.parametrize("rank", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fewer_terms_than_the_rank_of_the_filters(asker, dtype, rank):
    """The deviation splits into truncation, known from the singular value decomposition, and rounding."""
    rng = np.random.default_rng(rank)
    image, taps = rng.normal(size=(2, 3, 14, 11)).astype(dtype), rng.normal(size=(4, 3, 5, 6)).astype(dtype)
    options = {"padding": 2, "stride": [1, 2]}
    answer = asker.convolve(
        {"image": encode(image), "filter": encode(taps), "formulation": "separable", "rank": rank} | options
    )
    left, singular, right = np.linalg.svd(taps.astype(np.float64))
    truncated = np.einsum("kcur,kcr,kcrv->kcuv", left[..., :rank], singular[..., :rank], right[..., :rank, :])
    exact, short = oracle.convolve(image, taps, **options), oracle.convolve(image, truncated, **options)
    result, told = decode(answer["result"], dtype), answer["separable"]
    rounding = SANE * oracle.UNIT_ROUNDOFF[dtype] * float(oracle.scale(image, taps))
    assert (told["rank"], told["full_rank"]) == (rank, 5)
    assert told["truncation_max_abs"] == pytest.approx(float(np.abs(short - exact).max()), abs=rounding)
    assert told["rounding_max_abs"] == pytest.approx(float(np.abs(wide(result) - short).max()), abs=rounding)
    assert told["rounding_max_abs"] <= rounding
    assert 0 <= told["rounding_max_over_bound"] <= 1
    # The verdict is against the problem as it was given, whatever was left out.
    assert answer["equivalent"] is (rank == 5)
    if rank < 5:
        assert answer["reason"] == "beyond_bound"
        assert answer["reference_deviation"]["max_over_bound"] > 1


@pytest.mark.parametrize("formulation, storage", COMBINATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_the_rungs_of_a_full_report(asker, dtype, formulation, storage):
    """The first rung is the formulation's own arithmetic; wider claims follow."""
    rng = np.random.default_rng(3)
    image = rng.normal(size=(2, 3, 9, 9)).astype("float32").astype(oracle.DTYPES[dtype])
    taps = rng.normal(size=(4, 3, 3, 3)).astype("float32").astype(oracle.DTYPES[dtype])
    answer = asker.convolve(
        {"image": encode(image), "filter": encode(taps), "padding": 1, "report": "full"}
        | {"formulation": formulation, "storage": storage}
    )
    rungs = [rung["arithmetic"] for rung in answer["measures"]["rungs"]]
    computed_in = oracle.COMPUTED_IN[dtype]
    own = {"separable": "separable", "fft": "fft", "winograd": "winograd_f4"}.get(formulation, computed_in)
    assert rungs[0] == own
    assert answer["measures"]["rungs"][0]["consistent"] is True
    assert rungs == list(dict.fromkeys([own, computed_in, "float64"]))
