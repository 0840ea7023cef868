"""What the end-to-end tests share: the server process, calls to it, tensors on the wire, problem answers."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import ml_dtypes
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CONVCHECK_BINARY", ROOT / ".build/release/convcheck"))
ECHO = BINARY.with_name("echo")

# Every formulation with every storage it has. These add up the definition's products, and nothing else.
DOT_PRODUCTS = [
    ("direct", "sparse"),
    ("toeplitz", "dense"),
    ("toeplitz", "sparse"),
    ("banded", "dense"),
    ("banded", "sparse"),
    ("im2col", "sparse"),
]
TRANSFORMS = [("separable", "sparse"), ("fft", "sparse"), ("winograd", "sparse")]
COMBINATIONS = DOT_PRODUCTS + TRANSFORMS
WITH_GRADIENTS = [pair for pair in DOT_PRODUCTS if pair[0] != "im2col"]

# The notebook's small example and its answer, worked out by hand.
IMAGE_5X5 = [[5 * row + column + 1 for column in range(5)] for row in range(5)]
FILTER_2X2 = [[1, 2], [3, 4]]
RESULT_4X4 = [[10 * IMAGE_5X5[row][column] + 2 + 3 * 5 + 4 * 6 for column in range(4)] for row in range(4)]
SMALL_PROBLEM = {"image": IMAGE_5X5, "filter": FILTER_2X2}


class Server:
    """A process that serves on a port of its own: `convcheck serve`, or another command with the same options."""

    def __init__(self, log, *arguments, environment=None, command=(BINARY, "serve"), before=None):
        self.log = Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        words = [*map(str, command), "--host", "127.0.0.1", "--port", "0", *arguments]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CONVCHECK_")}
        with open(self.log, "wb") as output, open(self.log.with_suffix(".err"), "wb") as errors:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=clean | (environment or {}),
                preexec_fn=before,
            )
        self.host, self.port = self._address()

    def _address(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            ready = re.search(r"\w+ serves on https?://([0-9.]+):(\d+)\s", self.log.read_text())
            if ready:
                return ready[1], int(ready[2])
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        self.kill()
        raise AssertionError(f"the server did not come up: {self.output()}")

    def output(self):
        """What the process wrote so far, to standard output and to standard error."""
        return self.log.read_text() + self.log.with_suffix(".err").read_text(errors="replace")

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def alive(self):
        return self.process.poll() is None

    def connect(self, timeout=60):
        """A plain TCP connection to the server."""
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def stop(self, with_signal=signal.SIGTERM, timeout=40):
        """Asks the process to end and returns its exit status."""
        self.process.send_signal(with_signal)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()


def run(*arguments, environment=None, timeout=20):
    """Runs the binary to its end."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONVCHECK_")}
    return subprocess.run(
        [str(BINARY), *arguments], env=clean | (environment or {}), capture_output=True, text=True, timeout=timeout
    )


@dataclass
class Answer:
    """One HTTP answer, read whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)

    def json(self):
        return json.loads(self.body)


def call_on(connection, method, path, body=None, headers=None):
    """One call on an open `http.client` connection."""
    headers = dict(headers or {})
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def call(server, method, path, body=None, headers=None, timeout=120):
    """One call on a connection of its own."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
    try:
        return call_on(connection, method, path, body, headers)
    finally:
        connection.close()


def get(server, path, **headers):
    return call(server, "GET", path, headers=headers)


def post(server, document, path="/convolve"):
    """Posts a document (or bytes as they are)."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return call(server, "POST", path, body)


class Asker:
    """Posts documents over one kept-alive connection; a failure prints the line that reproduces it."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=120)

    def ask(self, path, document):
        return call_on(self.connection, "POST", path, json.dumps(document).encode())

    def post(self, path, document):
        answer = self.ask(path, document)
        assert answer.status == 200, f"{answer.status} {answer.body[:1000]!r} for {path} {json.dumps(document)}"
        return answer.json()

    def convolve(self, document):
        return self.post("/convolve", document)

    def close(self):
        self.connection.close()


def convolve(server, document):
    """Posts a problem that must be answered; a failure prints the line that reproduces it."""
    answer = post(server, document)
    shown = json.dumps(document)
    assert answer.status == 200, f"{answer.status} {answer.body[:2000]!r} for {shown[:2000]}"
    return answer.json()


def dtype_named(name):
    """NumPy's element type of a name on the wire; bfloat16 is none of NumPy's own."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def encode(array):
    """An array as a base64 tensor object."""
    bits = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
    return {
        "shape": list(array.shape),
        "dtype": array.dtype.name,
        "data": base64.b64encode(bits.astype(bits.dtype.newbyteorder("<")).tobytes()).decode(),
    }


def decode(tensor, dtype):
    """A tensor of an answer, in either form, as an array of the type named `dtype`."""
    expected = dtype_named(dtype)
    if isinstance(tensor, dict):
        assert tensor["dtype"] == expected.name
        bits = np.frombuffer(base64.b64decode(tensor["data"], validate=True), f"<u{expected.itemsize}")
        return bits.astype(f"u{expected.itemsize}").view(expected).reshape(tensor["shape"])
    # JSON has one number type; shortest round-trip decimals lose nothing on the way through a double, and a short type's
    # numbers are float32 numbers.
    values = np.array(tensor, dtype=np.float64)
    return (values.astype(np.float32) if expected.itemsize == 2 else values).astype(expected)


def assert_problem(answer, status, pointer=None):
    """Checks that an answer is an RFC 9457 problem document, and returns it."""
    allowed = status if isinstance(status, (set, tuple)) else {status}
    assert answer.status in allowed, f"{answer.status}: {answer.body[:500]!r}"
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert problem["status"] == answer.status
    assert problem["detail"]
    if pointer is not None:
        allowed = pointer if isinstance(pointer, tuple) else (pointer,)
        assert problem.get("pointer") in allowed, problem
    return problem


def without_timing(value):
    """A copy of a JSON value with every time taken, `…_seconds`, replaced: the only numbers that differ by run."""
    if isinstance(value, dict):
        return {k: "a time" if k.endswith("_seconds") else without_timing(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_timing(item) for item in value]
    return value
