#!/usr/bin/env python3
"""Measures convcheck's formulations beside other libraries and writes docs/benchmarks.md.

Everything runs on one core with one thread: this process, and `convcheck bench --serve-cases`, which computes the same
numbers. The contenders of a cell take turns, for several rounds, so that whatever else the machine does hits all of them;
their results are compared. `make peers` runs it in an environment of its own.
"""

import argparse
import base64
import json
import math
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Before any library is loaded: one thread each, and none told to take another processor for this one.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OPENCV_IPP"):
    os.environ.pop(name, None)
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["OPENVINO_TELEMETRY"] = "0"
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")


class Session:
    """`convcheck bench --serve-cases`: a line with a case, a line with its times."""

    def __init__(self, binary, threads=1):
        self.command = [binary, "bench", "--serve-cases", "--max-operator", str(4 << 30), "--threads", str(threads)]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CONVCHECK_") or k == "CONVCHECK_KERNELS"}
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean
        )

    def ask(self, **fields):
        self.process.stdin.write(json.dumps(fields) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "the process ended"}')
        if "error" in answer:
            raise RuntimeError(f"{answer['error']}: {json.dumps(fields)}")
        return answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait(60)


class Problem:
    """The numbers of one problem, as our side made them."""

    def __init__(self, session, image, weights, stride=1, padding=0, groups=1, dtype="float32", measure="result"):
        self.fields = {
            "image": "x".join(map(str, image)), "filter": "x".join(map(str, weights)), "stride": stride,
            "padding": padding, "groups": groups, "dtype": dtype, "measure": measure,
        }
        self.torch = {
            "stride": [stride] * 2, "padding": [padding] * 2, "dilation": [1, 1], "groups": groups
        }
        self.products = math.prod(weights[-2:]) * (weights[1] if len(weights) == 4 else 1)
        answer = session.ask(**self.fields, formulation="direct", iterations=1, tensors=True)
        for name in ("image", "filter", "upstream", "result"):
            if name in answer:
                tensor = answer[name]
                bits = base64.b64decode(tensor["data"])
                setattr(self, name, np.frombuffer(bits, tensor["dtype"]).reshape(tensor["shape"]).copy())

    def shape4(self, name):
        shape = getattr(self, name).shape
        return [1] * (4 - len(shape)) + list(shape)


class Ours:
    """One of our formulations, timed by the session."""

    def __init__(self, session, problem, formulation, name=None, **fields):
        self.session, self.name = session, name or f"convcheck {formulation.replace(':', ', ')}"
        self.fields = problem.fields | {"formulation": formulation} | fields
        self.answer = None

    def run(self, seconds):
        self.answer = self.session.ask(**self.fields, iterations=100_000, seconds=max(seconds, 1e-6))
        return self.answer["seconds"]

    def result(self):
        tensor = self.session.ask(**self.fields, iterations=1, tensors=True)["result"]
        return np.frombuffer(base64.b64decode(tensor["data"]), tensor["dtype"]).reshape(tensor["shape"])

    def limit(self):
        """The limit in seconds and what it is one of, by the best limits that the session has seen so far."""
        limit = self.session.ask(**self.fields, iterations=1)["limit"]
        operations, bytes_ = limit["operations_seconds"], limit["bytes_seconds"]
        return (operations, "operations") if operations >= bytes_ else (bytes_, f"bytes in {limit['place']}")


class Cell:
    """One problem and all who computed it: minimum and median seconds, by name."""

    def __init__(self, name, problem, ours, rivals):
        self.name, self.problem, self.ours, self.times, self.deviation = name, problem, ours, {}, {}
        self.contenders, self.refusals = list(ours), {}
        for make in rivals:
            try:
                self.contenders.append(make(problem))
            except (RuntimeError, ValueError) as error:
                self.refusals[make.__name__] = str(error).splitlines()[0]

    def measure(self, rounds, seconds, patience):
        expected = self.problem.result.astype(np.float64)
        for contender in self.contenders:
            if getattr(contender, "fields", self.problem.fields)["measure"] != self.problem.fields["measure"]:
                continue
            result = np.asarray(contender.result(), dtype=np.float64).reshape(expected.shape)
            self.deviation[contender.name] = float(np.max(np.abs(result - expected)))
            # Numbers within ±1: whoever computes something else is off by far more, and float32 by Fourier or
            # Winograd transforms by less.
            if self.deviation[contender.name] > 1e-5 * max(10, self.products()):
                sys.exit(f"{self.name}: {contender.name} computes something else, off by {self.deviation[contender.name]}")
        times = {contender.name: [] for contender in self.contenders}
        for _ in range(rounds):
            for contender in self.contenders:
                # Whoever needs long is asked once.
                if not times[contender.name] or min(times[contender.name]) < patience:
                    times[contender.name] += contender.run(seconds)
        self.times = {name: (min(taken), statistics.median(taken)) for name, taken in times.items()}

    def products(self):
        if self.problem.fields["measure"] == "filter-gradient":
            return self.problem.upstream.size // self.problem.filter.shape[0]
        return self.problem.products

    def best_rival(self):
        ours = {contender.name for contender in self.ours}
        rivals = [(taken[0], name) for name, taken in self.times.items() if name not in ours]
        return min(rivals) if rivals else None

    def finish(self):
        """Takes the limits last, when they are known best, and lets all memory go."""
        self.limits = {contender.name: contender.limit() for contender in self.ours}
        self.contenders = []


SINGLE = [(size, taps) for taps in (3, 5, 7, 15, 31) for size in (64, 128, 256, 512, 1024, 2048)]
# Name, image, filter, options: the shapes of residual networks, and of networks for small devices.
CHANNELS = [
    ("64→64, 56², 3×3", (64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    ("128→128, 28², 3×3", (128, 28, 28), (128, 128, 3, 3), {"padding": 1}),
    ("256→256, 14², 3×3", (256, 14, 14), (256, 256, 3, 3), {"padding": 1}),
    ("512→512, 7², 3×3", (512, 7, 7), (512, 512, 3, 3), {"padding": 1}),
    ("3→64, 224², 7×7, stride 2", (3, 224, 224), (64, 3, 7, 7), {"padding": 3, "stride": 2}),
    ("64→256, 56², 1×1", (64, 56, 56), (256, 64, 1, 1), {}),
    ("128 depthwise, 56², 3×3", (128, 56, 56), (128, 1, 3, 3), {"padding": 1, "groups": 128}),
]


def sections(session):
    """Title, words, and how to make each cell; a cell is made when its turn comes, and its memory goes with it."""

    def cell(name, image, weights, forms, rivals, **options):
        def make():
            problem = Problem(session, image, weights, **options)
            ours = [Ours(session, problem, form) for form in forms]
            if problem.fields["measure"].endswith("gradient"):
                ours.append(Ours(session, problem, forms[0], report.FORWARD, measure="result"))
            return Cell(name, problem, ours, rivals)

        return make

    single = [rivals.ipp_filter, rivals.ipp_convolution, rivals.opencv_filter, rivals.torch_contiguous,
              rivals.torch_prepacked, rivals.onnx_runtime, rivals.openvino_cpu, rivals.scipy_fft,
              rivals.scipy_overlap_add]
    channels = [rivals.torch_contiguous, rivals.torch_channels_last, rivals.torch_prepacked, rivals.torch_mkldnn,
                rivals.onnx_runtime, rivals.openvino_cpu]

    def gradient(measure):
        def rival(problem):
            return rivals.torch_gradient(problem, measure)

        return rival

    gradients = [("1→1, 256², 3×3", (256, 256), (3, 3), {}), *CHANNELS]
    return [
        ("Single channel", "direct",
         "One image plane, one filter plane, no padding, float32. OpenCV computes as many outputs as there are pixels; IPP's "
         "convolution, OpenCV and SciPy go by Fourier transforms where the filter is large, and so does our `fft`, while the "
         "limit is that of the direct sum.",
         [cell(f"{size}², {taps}×{taps}", (size, size), (taps, taps), ["direct"] + ["fft"] * (taps > 7), single)
          for size, taps in SINGLE]),
        ("Single channel, float64", "direct", "The same in float64.",
         [cell(f"{size}², {taps}×{taps}", (size, size), (taps, taps), ["direct"],
               [r for r in single if r is not rivals.ipp_convolution and r is not rivals.torch_prepacked
                and r is not rivals.openvino_cpu and r is not rivals.onnx_runtime], dtype="float64")
          for size, taps in [(256, 3), (256, 7), (1024, 7)]]),
        ("Toeplitz, stored dense", "toeplitz:dense", "A matrix of every output by every pixel, times the image.",
         [cell(f"{size}², 5×5", (size, size), (5, 5), ["toeplitz:dense"], [rivals.numpy_dense, rivals.torch_dense])
          for size in (16, 32, 64)]),
        ("Banded, stored dense", "banded:dense",
         "One banded matrix for each column of the filter, times the image's columns.",
         [cell("256², 3×3", (256, 256), (3, 3), ["banded:dense"], [rivals.numpy_bands, rivals.torch_bands])]),
        ("Toeplitz and banded, stored sparse", "toeplitz:sparse",
         "SciPy's and torch's CSR hold the Toeplitz matrix; SciPy's bands are CSR matrices, one a column of the filter.",
         [cell("256², 3×3", (256, 256), (3, 3), ["toeplitz:sparse", "banded:sparse", "direct"],
               [rivals.scipy_csr, rivals.torch_csr, named(rivals.scipy_bands, "SciPy CSR, bands")])]),
        ("Channels", "direct",
         "Batch 1, float32, padding so that the output is as large as the image over the stride. Multiply-adds on padding "
         "are not counted in the limit.",
         [cell(name, image, weights,
               ["direct", "im2col"] + (["winograd"] if weights[2] == 3 and weights[1] > 1 else []), channels, **options)
          for name, image, weights, options in CHANNELS]),
        ("Gradient by the image", "direct", "Beside the forward convolution of the same shape, which takes as many products.",
         [cell(name, image, weights, ["direct"], [gradient("image-gradient")], measure="image-gradient", **options)
          for name, image, weights, options in gradients]),
        ("Gradient by the filter", "direct", "Beside the same.",
         [cell(name, image, weights, ["direct"], [gradient("filter-gradient")], measure="filter-gradient", **options)
          for name, image, weights, options in gradients]),
        ("A small problem as a whole", "direct",
         "From image and filter to the result, with nothing prepared: what one call of a library takes.",
         [cell("5×5, 2×2", (5, 5), (2, 2), ["direct"],
               [rivals.torch_contiguous, rivals.opencv_filter, rivals.scipy_correlate], measure="call")]),
    ]


def two_threads(binary, cores, rounds, seconds):
    """Name and least seconds with one thread and with two, in turns, on two cores; None where there is but one."""
    if len(cores) < 2:
        return None
    alone = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(cores)[-2:]))
    sessions = [Session(binary, threads) for threads in (1, 2)]
    rows = []
    for name, image, weights, padding in [
        ("1→1, 1024², 7×7", "1024x1024", "7x7", 0), ("64→64, 56², 3×3", "64x56x56", "64x64x3x3", 1),
    ]:
        fields = {"image": image, "filter": weights, "padding": padding, "formulation": "direct", "seconds": seconds}
        taken = [[], []]
        for _ in range(3 * rounds):
            for times, session in zip(taken, sessions):
                times += session.ask(**fields, iterations=100_000)["seconds"]
        rows.append((name, min(taken[0]), min(taken[1])))
    for session in sessions:
        session.close()
    os.sched_setaffinity(0, alone)
    return rows


def named(make, name):
    """The same contender by another name."""

    def renamed(problem):
        contender = make(problem)
        contender.name = name
        return contender

    return renamed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=HERE.parent / ".build/release/convcheck")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core that all run on")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender")
    parser.add_argument("--seconds", type=float, default=0.01, help="how long a turn lasts; one application at least")
    parser.add_argument("--patience", type=float, default=0.2, help="seconds an application from which one turn is enough")
    parser.add_argument("--only", default="", help="sections whose title has this in it, printed and not written")
    parser.add_argument("--output", type=Path, default=HERE.parent / "docs", help="the folder to write to")
    options = parser.parse_args()
    cores = os.sched_getaffinity(0)
    # Before the libraries are loaded, whose threads inherit it.
    os.sched_setaffinity(0, {options.core})
    global np, report, rivals
    import numpy as np

    import report
    import rivals

    session = Session(options.binary)
    start = time.monotonic()
    # Several times, since the highest count and the first cells are held against them, too.
    for _ in range(5):
        limits = session.ask(limits=True)["limits"]
    done = []
    for title, main_form, words, cells in sections(session):
        if options.only.lower() not in title.lower():
            continue
        measured = []
        for make in cells:
            cell = make()
            cell.measure(options.rounds, options.seconds, options.patience)
            limits = session.ask(limits=True)["limits"]
            cell.finish()
            measured.append(cell)
            print(report.line(title, cell), file=sys.stderr, flush=True)
        done.append((title, main_form, words, measured))
    print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    if session.close() != 0:
        sys.exit("convcheck did not end well")
    if options.only:
        print("\n".join(report.section(*part) for part in done))
    else:
        shared = two_threads(options.binary, cores, options.rounds, options.seconds)
        report.write(options.output, done, shared, limits, options, rivals.versions())


if __name__ == "__main__":
    main()
