"""POST /verify on a corpus of independent results: no correct one refuted, no wrong one missed, mistakes by their names.

Tables of what was found go to `.build/end-to-end/verify.txt`.
"""

import json
import os
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import arithmetics
import corpus
import mistakes
import numpy as np
import oracle
import pytest
from problems import random_problem
from support import ROOT, decode, encode

TABLES = ROOT / ".build/end-to-end/verify.txt"
# Where to leave the requests that failed, for a look at each by itself.
FAILURES = os.environ.get("CONVCHECK_FAILURES")
NUMBERS = range(len(corpus.SHAPES))
DOT_PRODUCTS = list(corpus.UNITS)
# In how many (shape, distribution) a kind of mistake is made, and a mistake at least.
TRIES, LEAST = 8, 20

# By implementation: max |err|/bound of correct results. By mistake: how often which name was given to it.
reached = defaultdict(list)
named, unnamed = defaultdict(Counter), []


def question(problem, **more):
    document = {"image": encode(problem.image), "filter": encode(problem.taps)} | problem.options
    if problem.bias is not None:
        document["bias"] = problem.bias.astype("float64").tolist()
    return document | more


def reproduced(name, document):
    """What a failing check says: the request, in full or as the file it was left in."""
    line = json.dumps(document)
    if FAILURES:
        path = Path(FAILURES) / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line)
        return f"curl -d @{path} …/verify"
    return f"POST /verify {line}"


def rungs(answer):
    return {rung["arithmetic"]: rung for rung in answer["ladder"]}


def check_deviation(answer, problem, result, line):
    """Every number that the answer has of the deviation, from the tensors anew."""
    deviation, error = answer["deviation"], np.abs(result.astype("float64").astype(oracle.WIDE) - problem.exact)
    assert deviation["from"] == "exact", line()
    assert answer["shape"] == list(result.shape), line()
    worst = tuple(deviation["at"])
    assert len(worst) == result.ndim, line()
    if np.isfinite(result).all():
        # The exact value is rounded once before anything is measured from it.
        slack = float(np.abs(problem.exact).max()) * 2.0**-24
        assert deviation["max_abs"] == pytest.approx(float(error.max()), rel=1e-6, abs=slack), line()
        assert 0 <= deviation["identical"] <= result.size, line()
    if deviation.get("condition") is not None and problem.exact[worst] != 0:
        condition = float(problem.absolute[worst] / abs(problem.exact[worst]))
        assert deviation["condition"] == pytest.approx(condition, rel=1e-3), line()


def check_ladder(answer, problem, result, line):
    """The ladder says what it means, in order, and agrees with the bounds worked out in `corpus`."""
    ladder = rungs(answer)
    for rung in answer["ladder"]:
        if rung["max_over_bound"] is not None:
            assert rung["consistent"] == (rung["max_over_bound"] <= 1), line()
    assert (answer["verdict"] == "consistent") == ladder[answer["claim"]]["consistent"], line()
    # What is rounded correctly is still float32's.
    doubled = problem.dtype == "float64" or answer["claim"] == "float64"
    explaining = [
        rung["arithmetic"] for rung in answer["ladder"]
        if rung["consistent"] and rung["max_over_bound"] is not None and (doubled or rung["arithmetic"] != "float64")
    ]
    fallback = answer["claim"] if answer["verdict"] == "consistent" else None
    assert answer["explained_by"] == (explaining[0] if explaining else fallback), line()
    if result.dtype == np.float32 and np.isfinite(result).all():
        own = corpus.ratio(problem, result, "float32")
        assert ladder["float32"]["max_over_bound"] == pytest.approx(own, rel=1e-3, abs=1e-6), line()


def check_correct(asker, number, claim, problem, results):
    """Posts correct results together, and checks each answer, the pairs and the closest."""
    document = question(problem, claim=claim, candidates={name: encode(y) for name, y in results.items()})
    answer = asker.post("/verify", document)
    assert set(answer["candidates"]) == set(results)
    for name, result in results.items():
        verdict = answer["candidates"][name]
        alone = question(problem, claim=claim, candidate=encode(result))
        line = partial(reproduced, f"correct-{name}-{number}-{problem.distribution}", alone)
        assert verdict["verdict"] == "consistent", f"{verdict['ladder']} {line()}"
        assert verdict["claim"] == claim and verdict["explained_by"] is not None, line()
        assert verdict["diagnosis"] is None, line()
        check_ladder(verdict, problem, result, line)
        check_deviation(verdict, problem, result, line)
        reached[claim, name].append(rungs(verdict)[claim]["max_over_bound"])
    names, line = list(results), partial(reproduced, f"pairs-{claim}-{number}-{problem.distribution}", document)
    assert len(answer["pairs"]) == len(names) * (len(names) - 1) // 2, line()
    for pair in answer["pairs"]:
        left, right = (results[name].astype("float64") for name in pair["between"])
        apart = np.abs(left - right)
        assert pair["max_abs"] == pytest.approx(float(apart.max()), rel=1e-6, abs=1e-300), line()
        assert pair["identical"] == int((left == right).sum()), line()
        assert apart[tuple(pair["at"])] == apart.max(), line()
    worst = {name: answer["candidates"][name]["deviation"]["max_abs"] for name in names}
    assert worst[answer["closest"]] == min(worst.values()), line()


def shaped(problem, results):
    return {name: problem.shaped(y) for name, y in results.items()}


# The bounds of transforms are the service's; here, only that these are not some other convolution.
SANE = 2000 * 2.0**-24


def test_the_corpus_is_right_itself():
    """Every implementation against the oracle, and every bound above what it bounds, without the service."""
    for number in NUMBERS:
        problem = corpus.case(number)
        for claim in ("float32", *arithmetics.OTHERS):
            for name, result in shaped(problem, arithmetics.correct(problem.reduced(), claim)).items():
                if claim in corpus.UNITS:
                    assert corpus.ratio(problem, result, claim) <= 1, f"{name} {problem.name}"
                else:
                    error = np.abs(result.astype(oracle.WIDE) - problem.exact)
                    # F(9, 5) has weights up to 4⁸.
                    sane = 64 * SANE if name == "winograd_f9" else SANE
                    assert error.max() <= sane * problem.absolute.max(), f"{name} {problem.name}"


@pytest.mark.parametrize("make", corpus.DISTRIBUTIONS, ids=lambda make: make.__name__)
def test_correct_float32_is_never_refuted(asker, make):
    for number in NUMBERS:
        problem = corpus.case(number, make)
        results = shaped(problem, arithmetics.correct(problem.reduced(), "float32"))
        names = list(results)
        for some in (names[:6], names[6:]):
            check_correct(asker, number, "float32", problem, {name: results[name] for name in some})


@pytest.mark.parametrize("claim", arithmetics.OTHERS)
def test_correct_results_are_never_refuted_under_their_own_arithmetic(asker, claim):
    for number in NUMBERS:
        problem = corpus.case(number)
        results = shaped(problem, arithmetics.correct(problem.reduced(), claim))
        if results:
            check_correct(asker, number, claim, problem, results)


@pytest.mark.parametrize("claim", ["float16_inputs", "float16", "tf32", "bfloat16_inputs", "bfloat16"])
def test_subnormal_pixels_are_no_mistake(asker, claim):
    """float16 has few bits for small pixels, which no unit roundoff covers."""
    for number in NUMBERS[::4]:
        problem = corpus.case(number, corpus.small)
        check_correct(asker, number, claim, problem, shaped(problem, arithmetics.correct(problem.reduced(), claim)))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_short_problems(asker, kind):
    """Images and filters that are of the short type: nothing but sums and the one rounding of the result is left."""
    for number in NUMBERS[::2]:
        problem = corpus.case(number, kind=kind)
        single = shaped(problem, {"float32": arithmetics.matrix_product(problem.reduced().astype("float32"))})
        check_correct(asker, number, f"{kind}_inputs", problem, single)
        results = {f"{kind}_output": single["float32"].astype(problem.image.dtype)}
        check_correct(asker, number, kind, problem, results)


def test_float64_problems(asker):
    for number in NUMBERS[::2]:
        problem = corpus.case(number, kind="float64")
        reduced = problem.reduced()
        results = {"loop": arithmetics.doubled(reduced), "matrix": arithmetics.doubled_matrix_product(reduced)}
        check_correct(asker, number, "float64", problem, shaped(problem, results))


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_what_the_service_computes_itself_is_consistent(asker, start):
    """Random problems over everything a convolution can be; and one element of them off."""
    ways = [({"formulation": "direct"}, {}), ({"formulation": "fft"}, {"claim": "fft"})]
    ways += [({"formulation": "winograd", "tile": tile}, {"claim": f"winograd_f{tile}"}) for tile in (2, 4, 6)]
    for seed in range(start, start + 50):
        problem = random_problem(seed)
        document = problem.document()
        document.pop("encoding", None)
        for formulation, claim in ways:
            made = asker.ask("/convolve", document | formulation | {"encoding": "base64"})
            if made.status != 200:
                continue
            candidate = made.json()["result"]
            asked = document | claim | {"candidate": candidate}
            answer = asker.post("/verify", asked)
            line = partial(reproduced, f"own-{seed}-{formulation['formulation']}", asked)
            assert answer["verdict"] == "consistent", f"{answer['ladder']} {line()}"
        result = decode(candidate, problem.dtype).copy()
        result.reshape(-1)[seed % result.size] += result.dtype.type(1 + 2 * np.abs(result.astype("float64")).max())
        if np.isfinite(result.astype("float64")).all():
            asked = document | {"candidate": encode(result)}
            answer = asker.post("/verify", asked)
            assert answer["verdict"] == "refuted", reproduced(f"own-{seed}-off", asked)


def test_the_narrowest_arithmetic_explains(asker):
    """A float32 result that claims to be less than that is told so."""
    for number in NUMBERS[::5]:
        problem = corpus.case(number, corpus.normal)
        result = encode(problem.shaped(arithmetics.row_major(problem.reduced())))
        for claim in ("tf32", "bfloat16_inputs", "fft"):
            asked = question(problem, claim=claim, candidate=result)
            answer = asker.post("/verify", asked)
            assert answer["explained_by"] == "float32", f"{answer['explained_by']} {reproduced(f'narrowest-{claim}-{number}', asked)}"


def same_output(problem, result, name):
    """Whether another mistake makes the very same output here, up to rounding."""
    allowed = 4 * corpus.bound(problem, "float32")
    for make in mistakes.KINDS.get(name, {}).values():
        for seed in range(12):
            other = make(problem, np.random.default_rng(seed))
            if other is None:
                break
            if np.all(np.abs(problem.shaped(other).astype(oracle.WIDE) - result) <= allowed):
                return True
    return False


def wrong_results(mistake):
    """Each kind of a mistake on shapes that take it, drawn from all, where it shows in float32."""
    kinds = mistakes.KINDS[mistake]
    wanted = max(TRIES, -(-LEAST // len(kinds)))
    for kind, make in kinds.items():
        rng = np.random.default_rng(sum(kind.encode()))
        found = 0
        for turn in range(3):
            for number in rng.permutation(len(NUMBERS)):
                data = corpus.DISTRIBUTIONS[(number + turn) % len(corpus.DISTRIBUTIONS)]
                problem = corpus.case(int(number), data)
                result = make(problem, rng)
                if result is None or corpus.ratio(problem, problem.shaped(result), "float32") < 1.001:
                    continue
                yield kind, problem, problem.shaped(result)
                found += 1
                if found == wanted:
                    break
            if found == wanted:
                break


@pytest.mark.parametrize("mistake", mistakes.KINDS)
def test_mistakes_are_refuted_and_named(asker, mistake):
    shapes, missed = set(), []
    for kind, problem, result in wrong_results(mistake):
        shapes.add(problem.number)
        document = question(problem, candidate=encode(result))
        answer = asker.post("/verify", document)
        name = f"{mistake}-{kind}-{problem.number}-{problem.distribution}"
        line = partial(reproduced, name, document)
        assert answer["verdict"] == "refuted" and answer["claim"] == "float32", line()
        for claim in DOT_PRODUCTS:
            rung = rungs(answer).get(claim)
            if rung is None:
                continue
            # Twice the bound is beyond whatever a bound written down another way allows more.
            if corpus.ratio(problem, result, claim) > 2.1:
                missed += [] if not rung["consistent"] else [f"not refuted as {claim}: {rung} {line()}"]
        if np.isfinite(result).all():
            check_ladder(answer, problem, result, line)
        told = answer["diagnosis"]
        assert told is not None and told["says"], line()
        given, also = told["mistake"], told.get("also") or []
        if given == mistake:
            named[mistake]["by its name"] += 1
        elif same_output(problem, result, given):
            named[mistake][f"{given}, the same output"] += 1
        elif mistake in also:
            named[mistake][f"{given}, also by its name"] += 1
        else:
            named[mistake][given] += 1
            unnamed.append(f"{kind} of {problem.name} called {given}: {told['says']} {line()}")
    assert not missed, "\n".join(missed[:5])
    assert len(shapes) >= 10


# Arithmetics that mistakes are made in, none of which a float32 claim allows.
NOISY = {
    "tf32": lambda problem: arithmetics.matrix_product(arithmetics.with_inputs(problem, arithmetics.ten_bits)),
    "tensor_cores": arithmetics.tensor_cores,
    "float16": lambda problem: arithmetics.short_output(problem, "float16").astype(np.float32),
    "bfloat16": lambda problem: arithmetics.short_output(problem, "bfloat16").astype(np.float32),
    "winograd_f4": lambda problem: arithmetics.by_tiles(problem, 4),
    "fft": arithmetics.by_transforms,
}


@pytest.mark.parametrize("arithmetic", NOISY)
def test_mistakes_in_other_arithmetics_have_their_names(asker, arithmetic):
    """Posted as float32, a flipped filter in TF32 is still a flipped filter."""
    compute, right, wrong = NOISY[arithmetic], 0, []
    for number in NUMBERS[::2]:
        problem = corpus.case(number)
        if arithmetic == "winograd_f4" and not arithmetics.takes_tiles(problem.reduced()):
            continue
        correct = problem.shaped(compute(problem.reduced()))
        noise = np.maximum(np.abs(correct - problem.exact).max(), corpus.bound(problem, "float32"))
        for mistake, kinds in mistakes.KINDS.items():
            names = [kind for kind in kinds if not (arithmetic == "winograd_f4" and mistake == "wrong_dilation")]
            if mistake.startswith("short_") or not names:
                continue
            make = kinds[names[number % len(names)]]
            with mistakes.made_in(compute):
                result = make(problem, np.random.default_rng(number))
            if result is None:
                continue
            result = problem.shaped(result)
            # What does not rise above the noise of its arithmetic cannot be told from it.
            if np.isfinite(result).all() and not np.any(np.abs(result - correct) > 3 * noise):
                continue
            told = asker.post("/verify", question(problem, candidate=encode(result)))["diagnosis"]
            with mistakes.made_in(compute):
                same = told["mistake"] == mistake or same_output(problem, result, told["mistake"])
            right += same
            wrong += [] if same else [f"{make.__name__} of {problem.name} called {told['mistake']}: {told['says']}"]
    assert right >= 0.95 * (right + len(wrong)), "\n".join(wrong)


@pytest.mark.parametrize("claim", DOT_PRODUCTS + ["winograd_f2", "winograd_f4", "winograd_f6", "fft"])
def test_every_claim_can_be_refuted(asker, claim):
    """The verdict is that of the claimed rung, whatever the claim."""
    for number in NUMBERS[::6]:
        problem = corpus.case(number, corpus.normal)
        if claim.startswith("winograd") and not arithmetics.takes_tiles(problem.reduced()):
            continue
        result = problem.shaped(mistakes.doubled_output(problem, None))
        answer = asker.post("/verify", question(problem, claim=claim, candidate=encode(result)))
        line = partial(reproduced, f"doubled-{claim}-{number}", question(problem, claim=claim, candidate=encode(result)))
        assert answer["claim"] == claim, line()
        check_ladder(answer, problem, result, line)
        if claim in corpus.UNITS and corpus.ratio(problem, result, claim) > 2.1:
            assert answer["verdict"] == "refuted", line()


def written_tables():
    lines = ["Correct results: max |err|/bound under the true arithmetic", ""]
    for (claim, name), ratios in reached.items():
        found = np.array([r for r in ratios if r is not None], float)
        lines.append(f"  {claim:20} {name:20} {len(found):4} results   median {np.median(found):8.2g}"
                     f"   largest {found.max():8.2g}")
    lines += ["", "Wrong results: the names given to them", ""]
    total, right = 0, 0
    for mistake, given in named.items():
        count = sum(given.values())
        good = given["by its name"] + sum(n for name, n in given.items() if name.endswith("the same output"))
        total, right = total + count, right + good
        others = ", ".join(f"{name} {n}" for name, n in given.most_common() if name != "by its name")
        lines.append(f"  {mistake:24} {given['by its name']:4} of {count:4}   {others}")
    lines.append(f"  {'all':24} {right:4} of {total:4}   (with those whose output two mistakes share)")
    return lines, right, total


def test_at_least_19_of_20_mistakes_have_their_names():
    """Runs last of all above: the table of what each mistake was called."""
    lines, right, total = written_tables()
    TABLES.parent.mkdir(parents=True, exist_ok=True)
    TABLES.write_text("\n".join([*lines, "", *unnamed, ""]))
    print("\n".join(lines))
    assert total > 0
    assert right >= 0.95 * total, "\n".join([*lines, *unnamed[:10]])
