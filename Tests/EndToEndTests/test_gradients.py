"""POST /gradients against the oracle: 320 random problems by every formulation that has gradients."""

import json

import numpy as np
import oracle
import pytest
from problems import random_problem, shown
from support import WITH_GRADIENTS, assert_problem, decode, encode, get

BATCHES = [range(start, start + 40) for start in range(10_000, 10_320, 40)]
TARGETS = ["image", "filter", "bias"]


def wide(values):
    return values.astype(np.float64).astype(oracle.WIDE)


def gradients_of(answer, dtype):
    return {name: decode(answer["gradients"][name], dtype) for name in TARGETS}


class Question:
    """One problem with its gradients as the oracle knows them, asked by several formulations."""

    def __init__(self, asker, seed):
        self.asker = asker
        self.problem = problem = random_problem(seed, dtypes=("float32", "float64"), largest=10)
        shape = problem.exact().shape
        if problem.integers:
            self.upstream = problem.rng.integers(-9, 10, shape).astype(problem.dtype)
        else:
            self.upstream = problem.rng.normal(size=shape).astype(problem.dtype)
        self.document = problem.document() | {
            "upstream": encode(self.upstream) if problem.rng.integers(2) else self.upstream.astype("float64").tolist()
        }
        arrays = problem.image, problem.taps, self.upstream
        self.exact = oracle.gradients(*arrays, **problem.options)
        self.allowed = oracle.gradient_bounds(*arrays, problem.dtype, **problem.options)
        self.direct = None

    def ask(self, formulation, storage):
        problem, document = self.problem, self.document | {"formulation": formulation, "storage": storage}
        line = shown("/gradients", document)
        answer = self.asker.post("/gradients", document)
        assert (answer["formulation"], answer["storage"], answer["dtype"]) == (formulation, storage, problem.dtype), line
        found = gradients_of(answer, problem.dtype)
        if self.direct is None:
            self.direct = found
        for name in TARGETS:
            error = np.abs(wide(found[name]) - self.exact[name])
            assert found[name].shape == self.exact[name].shape, (name, line)
            assert np.all(error <= self.allowed[name]), (name, line)
            if problem.integers:
                assert np.array_equal(found[name], self.exact[name]), (name, line)
            self.check_verdict(name, answer["verdicts"][name], found[name], error, line)
        verdicts = answer["verdicts"].values()
        assert answer["equivalent"] is all(verdict["equivalent"] for verdict in verdicts), line
        assert answer["max_deviation"] == max(verdict["max_deviation"] for verdict in verdicts), line
        check_finite_difference(answer["finite_difference"], problem, found, line)
        if problem.integers:
            self.check_adjoint(found, line)

    def check_verdict(self, name, verdict, found, error, line):
        difference = np.abs(wide(found) - wide(self.direct[name]))
        deviation, reference = verdict["deviation"], verdict["reference_deviation"]
        slack = float(self.allowed[name].max()) * (2.0**-28 if self.problem.dtype == "float32" else 1)
        assert verdict["equivalent"] is True and "reason" not in verdict, (name, line)
        assert verdict["max_deviation"] == deviation["max_abs"], (name, line)
        assert (deviation["from"], reference["from"]) == ("direct", "reference"), (name, line)
        assert deviation["max_abs"] == pytest.approx(float(difference.max()), rel=2.0**-23), (name, line)
        assert deviation["identical"] == int(oracle.same_bits(found, self.direct[name]).sum()), (name, line)
        assert deviation["max_ulp"] == int(oracle.ulp_distance(found, self.direct[name]).max()), (name, line)
        assert len(deviation["at"]) == found.ndim, (name, line)
        assert float(difference[tuple(deviation["at"])]) == pytest.approx(deviation["max_abs"], rel=2.0**-23), (name, line)
        assert reference["max_abs"] == pytest.approx(float(error.max()), rel=2.0**-23, abs=slack), (name, line)
        for part in (deviation, reference):
            assert 0 <= part["max_over_bound"] <= 1, (name, line)

    def check_adjoint(self, found, line):
        """⟨Ax, g⟩ = ⟨x, Aᵀg⟩ = ⟨w, ∂w⟩, in integers, from the numbers that came back."""
        plain = {k: v for k, v in self.document.items() if k not in ("bias", "upstream")}
        result = decode(self.asker.convolve(plain)["result"], self.problem.dtype)
        product = exact_product(result, self.upstream)
        assert product == exact_product(self.problem.image, found["image"]), line
        assert product == exact_product(self.problem.taps, found["filter"]), line
        assert exact_product(np.ones(found["bias"].shape), found["bias"]) == exact_product(
            np.ones(self.upstream.shape), self.upstream
        ), line


def exact_product(left, right):
    """⟨left, right⟩ of integers that are held as floats."""
    return sum(int(a) * int(b) for a, b in zip(np.ravel(left).tolist(), np.ravel(right).tolist(), strict=True))


def check_finite_difference(told, problem, found, line):
    """The check is in float64 whatever the problem is in, and has nothing to do with the returned numbers' rounding."""
    assert told["dtype"] == "float64", line
    assert 0 <= told["relative_deviation"] < 1e-6, line
    directional, difference = told["directional"], told["difference"]
    largest = max(abs(directional), abs(difference))
    if largest > 0:
        relative = abs(directional - difference) / largest
        assert told["relative_deviation"] == pytest.approx(relative, rel=1e-9, abs=1e-18), line
    else:
        assert told["relative_deviation"] == 0, line
    if any(np.any(gradient != 0) for gradient in found.values()):
        # Along a random direction a gradient that is not zero is seen.
        assert directional != 0, line


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_random_gradients(asker, seeds):
    for seed in seeds:
        question = Question(asker, seed)
        for formulation, storage in WITH_GRADIENTS:
            question.ask(formulation, storage)


def test_the_random_gradients_are_of_everything():
    seen = set()
    for seeds in BATCHES:
        for seed in seeds:
            seen |= random_problem(seed, dtypes=("float32", "float64"), largest=10).attributes()
    modes = {f"padding_mode {mode}" for mode in oracle.PAD_MODES}
    assert modes | {
        "transposed True", "transposed False", "groups", "depthwise", "batch", "stride", "dilation", "flip True",
        "output_padding", "output_shape", "transposed same", "biases", "one bias", "no bias", "integers", "floats",
        "padding same", "padding same_upper", "padding same_lower", "padding of 4", "even filter", "image rank 2",
        "image rank 3", "image rank 4", "filter rank 2", "filter rank 4", "dtype float32", "dtype float64",
    } <= seen  # fmt: skip


def test_the_smallest_example_by_hand(asker):
    """y = 1·x00 + 2·x01 + …; by the image the filter spread by upstream, by the filter the image's windows."""
    answer = asker.post(
        "/gradients", {"image": [[1, 2, 3], [4, 5, 6]], "filter": [[10, 20], [30, 40]], "upstream": [[1, -1]], "bias": 7}
    )
    assert answer["formulation"] == "direct"
    assert answer["gradients"] == {
        "image": [[10, 10, -20], [30, 10, -40]],
        "filter": [[-1, -1], [-1, -1]],
        "bias": [0],
    }
    assert answer["equivalent"] is True
    for part in ["gradients", "direct", "reference", "finite_difference", "decode", "total"]:
        assert answer["timing"][f"{part}_seconds"] >= 0


@pytest.mark.parametrize("formulation, storage", WITH_GRADIENTS)
def test_the_gradient_of_a_flipped_filter_is_by_the_filter_as_it_was_given(asker, formulation, storage):
    document = {"image": [[1, 2], [3, 4]], "filter": [[5, 6], [7, 8]], "upstream": [[1]], "flip": True}
    answer = asker.post("/gradients", document | {"formulation": formulation, "storage": storage})
    assert answer["gradients"]["image"] == [[8, 7], [6, 5]]
    assert answer["gradients"]["filter"] == [[4, 3], [2, 1]]


@pytest.mark.parametrize("formulation, storage", WITH_GRADIENTS)
def test_one_step_against_the_gradient_lowers_the_loss(asker, formulation, storage):
    """What gradients are for: a step of steepest descent towards a known filter, its length from the quadratic."""
    rng = np.random.default_rng(2)
    image, goal, taps = rng.normal(size=(2, 2, 8, 8)), rng.normal(size=(3, 2, 3, 3)), rng.normal(size=(3, 2, 3, 3))

    def convolved(by):
        document = {"image": encode(image), "filter": encode(by), "padding": 1, "padding_mode": "circular"}
        return decode(asker.convolve(document)["result"], "float64")

    wanted = convolved(goal)
    upstream = convolved(taps) - wanted
    answer = asker.post(
        "/gradients",
        {"image": encode(image), "filter": encode(taps), "upstream": encode(upstream), "padding": 1}
        | {"padding_mode": "circular", "formulation": formulation, "storage": storage},
    )
    step = decode(answer["gradients"]["filter"], "float64")
    along = convolved(step)
    length = (upstream * along).sum() / (along * along).sum()
    after = convolved(taps - length * step) - wanted
    assert (after**2).sum() < 0.9 * (upstream**2).sum()


SMALL = {"image": [[1, 2, 3], [4, 5, 6]], "filter": [[1, 2], [3, 4]], "upstream": [[1, 1]]}
SHORT = encode(np.ones((2, 3), "float16"))


@pytest.mark.parametrize(
    "changes, pointer, said",
    [
        ({"upstream": [[1]]}, "/upstream", ["1×1", "1×2"]),
        ({"upstream": [[1], [1]]}, "/upstream", ["2×1", "1×2"]),
        ({"upstream": [[[1, 1]]]}, "/upstream", ["1×1×2", "1×2"]),
        ({"upstream": [[1, 2], [3]]}, "/upstream/1", []),
        ({"upstream": 1}, "/upstream", []),
        ({"upstream": None}, "/upstream", []),
        ({"formulation": "im2col"}, "/formulation", ["im2col", "direct", "toeplitz", "banded"]),
        ({"formulation": "fft"}, "/formulation", ["fft", "direct"]),
        ({"formulation": "separable"}, "/formulation", ["separable", "direct"]),
        ({"formulation": "winograd"}, "/formulation", ["winograd"]),
        ({"formulation": "direct", "storage": "dense"}, "/storage", ["direct", "sparse"]),
        ({"repeat": 2}, "/repeat", ["repeat"]),
        ({"report": "full"}, "/report", ["report"]),
        ({"rank": 1}, "/rank", ["rank"]),
        ({"tile": 2}, "/tile", ["tile"]),
        ({"formulations": ["direct"]}, "/formulations", ["formulations"]),
        ({"dtype": "float16"}, "/dtype", ["float32", "float64"]),
        ({"dtype": "bfloat16"}, "/dtype", ["float32", "float64"]),
        ({"image": SHORT}, ("/image", "/image/dtype", "/dtype"), ["float32", "float64"]),
        ({"bias": [1, 2]}, "/bias", ["2", "1"]),
        ({"stride": 0}, "/stride", []),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_what_gradients_refuse(asker, server, changes, pointer, said):
    problem = assert_problem(asker.ask("/gradients", SMALL | changes), 422, pointer)
    for word in said:
        assert word in problem["detail"], problem
    assert asker.post("/gradients", SMALL)["equivalent"] is True


def test_no_upstream(asker, server):
    assert_problem(asker.ask("/gradients", {k: v for k, v in SMALL.items() if k != "upstream"}), 422, "/upstream")


def test_only_posting(server):
    assert_problem(get(server, "/gradients"), 405)
