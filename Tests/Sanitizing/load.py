#!/usr/bin/env python3
"""Some seconds of mixed load on one server: many connections, each request of another kind, some cut off half-way.

The server runs under a sanitizer, whose report ends up in its standard error and in its exit status. Standard library only.
"""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("SECONDS", "20"))
CONNECTIONS = 12
CORPORA = ROOT / "Tests/Fuzzing/Corpora"


def posts():
    """Every seed of the fuzz targets that are paths."""
    for folder in sorted(CORPORA.iterdir()):
        if folder.name in {"convolve", "compare", "gradients", "verify", "prove", "operator", "recognize"}:
            for file in sorted(folder.iterdir()):
                yield "/" + folder.name, file.read_bytes()
    # Large enough for a worker, its answer for more than one write.
    image = [[(row * column) % 7 for column in range(300)] for row in range(200)]
    for formulation in ["direct", "toeplitz", "banded", "im2col", "separable", "fft", "winograd"]:
        document = {"image": image, "filter": [[1, 2, 3], [4, 5, 6], [7, 8, 10]], "formulation": formulation}
        yield "/convolve", json.dumps(document).encode()
    # Enough products for several threads to share them.
    for formulation in ["direct", "toeplitz", "banded", "im2col"]:
        document = {"image": image, "filter": [[1] * 9] * 9, "formulation": formulation}
        yield "/convolve", json.dumps(document).encode()


class Load:
    def __init__(self, port):
        self.port = port
        self.posts = list(posts())
        self.answers = {}
        self.cut = 0
        self.unexpected = []
        self.lock = threading.Lock()
        self.end = time.monotonic() + SECONDS

    def count(self, status):
        with self.lock:
            self.answers[status] = self.answers.get(status, 0) + 1

    def run(self, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.end:
            try:
                if rng.random() < 0.15:
                    self.cut_off(rng)
                else:
                    self.keep_alive(rng)
            except Exception as error:  # noqa: BLE001: whatever it is, it is counted and said
                with self.lock:
                    self.unexpected.append(repr(error))
                return

    def keep_alive(self, rng):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        for _ in range(rng.randrange(1, 20)):
            if rng.random() < 0.2:
                path = rng.choice(["/healthz", "/readyz", "/formulations", "/openapi.yaml", "/nowhere"])
                connection.request("GET", path)
            else:
                path, body = rng.choice(self.posts)
                kind = "application/x-npy" if body[:1] == b"\x93" else "application/json"
                pieces = rng.random() < 0.3
                sent = (body[i : i + 50_000] for i in range(0, len(body), 50_000)) if pieces else body
                connection.request("POST", path, sent, {"Content-Type": kind}, encode_chunked=pieces)
            response = connection.getresponse()
            response.read()
            self.count(response.status)
            if response.will_close:
                break
        connection.close()

    def cut_off(self, rng):
        path, body = rng.choice(self.posts)
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        request = head + body
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain:
            plain.sendall(request[: rng.randrange(1, len(request) + 1)])
            if rng.random() < 0.5:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with self.lock:
            self.cut += 1


def start(log):
    command = [os.environ["CONVCHECK_BINARY"], "serve", "--host", "127.0.0.1", "--port", "0"]
    # More than there are busy ones, so that computations are shared under load too.
    command += ["--compute-threads", str(2 * CONNECTIONS)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        ready = re.search(r"convcheck serves on http://[0-9.]+:(\d+)\s", Path(log.name).read_text(errors="replace"))
        if ready:
            return process, int(ready[1])
        time.sleep(0.05)
    process.kill()
    sys.exit("the server did not come up:\n" + Path(log.name).read_text(errors="replace"))


def main():
    with tempfile.NamedTemporaryFile("wb", suffix=".log") as log:
        process, port = start(log)
        load = Load(port)
        threads = [threading.Thread(target=load.run, args=(seed,)) for seed in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        alive = process.poll() is None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        output = Path(log.name).read_text(errors="replace")
    reports = len(re.findall(r"(?:ERROR|WARNING): (?:Address|Thread)Sanitizer", output))
    counts = ", ".join(f"{count} × {status}" for status, count in sorted(load.answers.items()))
    print(f"answers: {counts}; {load.cut} connections cut off; {reports} reports; exit status {status}")
    for error in load.unexpected:
        print("unexpected:", error)
    server_errors = {code for code in load.answers if code >= 500 and code != 503}
    if reports or status or not alive or load.unexpected or server_errors:
        print(output[-20_000:])
        sys.exit("the sanitizer reported, or the server failed")


if __name__ == "__main__":
    main()
