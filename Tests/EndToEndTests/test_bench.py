"""`convcheck bench`: its table, its JSON, its session, and the kernels it is told to use."""

import base64
import json
import os
import subprocess

import numpy as np
import pytest
from support import BINARY, SMALL_PROBLEM, post, run

QUICK = ["--seconds", "0.001", "--iterations", "3"]
SMALL = {"image": "9x8", "filter": "3x2", "formulation": "direct", "iterations": 2}


def available():
    """The kernels that this machine has, oldest first, as an unknown name is answered."""
    refused = run("bench", "--kernels", "mmx")
    assert refused.returncode != 0
    return refused.stderr.split("must be one that this processor has: ")[1].split(".")[0].split(", ")


def bench(*arguments, **how):
    ended = run("bench", *QUICK, *arguments, timeout=120, **how)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def session(*lines, arguments=()):
    """The answers to lines of standard input."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONVCHECK_")}
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    ended = subprocess.run(
        [str(BINARY), "bench", "--serve-cases", *arguments], input=text, env=clean, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(answers) == len(lines)
    return answers


def decoded(tensor):
    return np.frombuffer(base64.b64decode(tensor["data"]), tensor["dtype"]).reshape(tensor["shape"]).astype(np.float64)


def correlated(image, weights):
    """The definition, written anew, for one plane without padding."""
    height, width = (a - b + 1 for a, b in zip(image.shape, weights.shape))
    return sum(
        weights[u, v] * image[u : u + height, v : v + width]
        for u in range(weights.shape[0])
        for v in range(weights.shape[1])
    )


def test_the_table_has_every_formulation_and_the_limits():
    shown = bench("--image", "12x12", "--filter", "3x3")
    for word in ["direct", "toeplitz", "banded", "im2col", "separable", "fft", "winograd", "L1", "memory", "share", "base64"]:
        assert word in shown
    # Each variant has its limits; the one in use is marked.
    for name in available():
        assert any(line.startswith(name) for line in shown.splitlines())
    assert f"{available()[-1]}, in use" in shown


def test_the_document_says_the_same_as_numbers():
    document = json.loads(
        bench("--image", "2x4x12x10", "--filter", "6x2x3x3", "--groups", "2", "--stride", "2x1", "--padding", "1",
              "--formulation", "direct,banded", "--measure", "result,image-gradient,filter-gradient,call",
              "--dtype", "float64", "--format", "json")
    )
    assert document["kernels"] == available()[-1]
    assert [limit["kernels"] for limit in document["limits"]] == available()
    for limit in document["limits"]:
        assert limit["float32_gigaflops"] > 0 and limit["levels"][-1]["name"] == "memory"
    rows = document["rows"]
    assert len(rows) == 3 * 4
    assert {(row["formulation"], row["storage"]) for row in rows} == {
        ("direct", "sparse"), ("banded", "sparse"), ("banded", "dense")
    }
    for row in rows:
        assert row["image"] == [2, 4, 12, 10] and row["filter"] == [6, 2, 3, 3] and row["dtype"] == "float64"
        assert 1 <= row["iterations"] <= 3
        assert 0 < row["minimum_seconds"] <= row["median_seconds"] <= row["percentile95_seconds"]
        assert row["limit"]["operations_seconds"] > 0 and row["limit"]["bytes_seconds"] > 0
        # Sums of at most 2 · 6 · 10 products below 1 each.
        assert row["max_deviation"] <= 2 * 120 * 2.0**-53 * 120 * 1.001
    assert {row["dtype"] for row in document["coding"]} == {"float64"}


def test_what_does_not_fit_says_why():
    rows = json.loads(bench("--image", "256x256", "--formulation", "toeplitz:dense,winograd", "--filter", "2x3", "--format", "json"))["rows"]
    assert "bytes" in rows[0]["refused"] and "3×3" in rows[1]["refused"]


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--image", "256"], "256"),
        (["--image", "1x2x3x4x5"], "1x2x3x4x5"),
        (["--image", "0x3"], "0x3"),
        (["--filter", "3x"], "3x"),
        (["--stride", "0"], "--stride"),
        (["--padding", "1x2x3"], "--padding"),
        (["--padding", "-1"], "--padding"),
        (["--dilation", "two"], "--dilation"),
        (["--formulation", "directly"], "directly"),
        (["--formulation", "direct:dense"], "direct:dense"),
        (["--measure", "gradient"], "gradient"),
        (["--dtype", "float16"], "float16"),
        (["--iterations", "0"], "--iterations"),
        (["--seconds", "0"], "--seconds"),
        (["--max-operator", "0"], "--max-operator"),
        (["--format", "xml"], "xml"),
        (["--kernels", "sse3"], "sse3"),
    ],
)
def test_bad_options_are_named(arguments, named):
    ended = run("bench", *QUICK, *arguments)
    assert ended.returncode != 0
    assert named in ended.stderr


@pytest.mark.parametrize("command", ["bench", "serve"])
def test_kernels_that_the_machine_has_not_are_refused_with_those_it_has(command):
    names = available()
    assert names and set(names) <= {"sse2", "avx2", "avx512", "neon"}
    missing = ({"sse2", "neon"} - set(names)).pop()
    for arguments, environment, source in [
        (["--kernels", missing], {}, "--kernels"),
        ([], {"CONVCHECK_KERNELS": missing}, "CONVCHECK_KERNELS"),
        ([], {"CONVCHECK_KERNELS": ""}, "CONVCHECK_KERNELS"),
        (["--kernels", "avx1024"], {"CONVCHECK_KERNELS": names[0]}, "avx1024"),
    ]:
        ended = run(command, *arguments, environment=environment)
        assert ended.returncode != 0
        assert source in ended.stderr and ", ".join(names) in ended.stderr


def test_kernels_are_chosen_and_the_flag_wins():
    names = available()
    arguments = ["--image", "8x8", "--formulation", "direct", "--format", "json"]
    for name in names:
        assert json.loads(bench(*arguments, "--kernels", name))["kernels"] == name
        assert json.loads(bench(*arguments, environment={"CONVCHECK_KERNELS": name}))["kernels"] == name
    assert json.loads(bench(*arguments, "--kernels", names[0], environment={"CONVCHECK_KERNELS": names[-1]}))["kernels"] == names[0]


def test_a_server_computes_with_the_kernels_it_is_told_to(own_server):
    for name in available():
        answer = post(own_server("--kernels", name), SMALL_PROBLEM)
        assert answer.status == 200 and answer.json()["equivalent"]


def test_a_session_answers_each_case_with_its_times():
    first, again, other, limits = session(
        SMALL, SMALL, SMALL | {"formulation": "toeplitz:dense", "dtype": "float64", "padding": "1x0"}, {"limits": True}
    )
    for answer in (first, again, other):
        assert answer["kernels"] == available()[-1]
        assert answer["seconds"] and all(seconds > 0 for seconds in answer["seconds"])
        assert answer["together"] >= 1 and answer["setup_seconds"] > 0 and answer["max_deviation"] < 1e-5
        assert answer["limit"]["operations_seconds"] > 0 and answer["limit"]["bytes_seconds"] > 0
    # The operator of the same case is not made again: its setup was timed once.
    assert again["setup_seconds"] == first["setup_seconds"]
    assert first["multiply_adds"] == 7 * 7 * 6
    assert other["multiply_adds"] == (9 * 7) * (9 * 8)
    assert limits["limits"]["levels"]


def test_a_session_shows_what_it_computed():
    answer, image_gradient, filter_gradient = session(
        *(SMALL | {"tensors": True, "measure": measure} for measure in ["result", "image-gradient", "filter-gradient"])
    )
    image, weights = decoded(answer["image"]), decoded(answer["filter"])
    # The numbers are multiples of 2⁻²³ below 1; six products of them, summed in float32.
    bound = 6 * 2.0**-24 * 6 * 1.001
    assert np.max(np.abs(decoded(answer["result"]) - correlated(image, weights))) <= bound
    assert "upstream" not in answer
    upstream = decoded(image_gradient["upstream"])
    padded = np.pad(upstream, [(weights.shape[0] - 1,) * 2, (weights.shape[1] - 1,) * 2])
    assert np.max(np.abs(decoded(image_gradient["result"]) - correlated(padded, weights[::-1, ::-1]))) <= bound
    upstream = decoded(filter_gradient["upstream"])
    difference = decoded(filter_gradient["result"]) - correlated(image, upstream)
    assert np.max(np.abs(difference)) <= 49 * 2.0**-24 * 49 * 1.001


def test_a_session_answers_errors_and_goes_on():
    *errors, good = session(
        "", "{", "[]", '{"image": {}}', {"imag": "5x5"}, {"image": 5}, {"image": "5x5"}, SMALL | {"filter": "10x10"},
        SMALL | {"formulation": "fft", "measure": "image-gradient"}, SMALL | {"iterations": 0}, SMALL | {"groups": 2},
        SMALL | {"image": "100000x100000"}, SMALL | {"image": "2147483648x2147483648x2147483648x2"}, SMALL,
    )
    assert all(list(answer) == ["error"] and answer["error"] for answer in errors)
    assert good["seconds"]


def test_a_session_keeps_no_more_than_it_may():
    large = {"image": "64x64", "filter": "3x3", "formulation": "toeplitz:dense", "iterations": 1}
    limit = 64 * 64 * 62 * 62 * 4 + 5 * 64 * 64 * 4
    first, _, again, too_large = session(
        large, large | {"image": "64x63"}, large, large | {"image": "65x64"}, arguments=["--max-operator", str(limit)]
    )
    assert first["seconds"] and again["seconds"]
    assert again["setup_seconds"] != first["setup_seconds"], "it was let go in between"
    assert "bytes" in too_large["error"]
