#!/usr/bin/env python3
"""Measures the release server over HTTP: requests a second, CPU a request, milliseconds, verification, memory.

Starts its own server on a free port of the loopback address, loads it with wrk, and prints the command behind each
number. The server and the load share the machine: with two or more cores wrk is kept on the last one and the
server on all others, where taskset is there to do it.
"""

import argparse
import base64
import http.client
import json
import math
import os
import random
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time
from array import array
from pathlib import Path

from server import Server, pinned

HERE = Path(__file__).resolve().parent
SMALL = json.dumps({"image": [[5 * r + c + 1 for c in range(5)] for r in range(5)], "filter": [[1, 2], [3, 4]]})


def load(server, path, body, cores, connections, seconds):
    """One run of wrk: its summary, the CPU microseconds of the server a request, and the command."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.relpath(HERE / "wrk.lua"), server.url + path]
    command = pinned(command + (["--", body] if body else []), cores)
    before = server.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    spent = server.cpu_seconds() - before
    summary = json.loads(done.stdout.splitlines()[-1])
    failed = sum(summary["errors"].values())
    if failed or not summary["requests"]:
        sys.exit(f"{failed} of {summary['requests']} requests failed: {summary['errors']}")
    return summary, spent * 1e6 / summary["requests"], command


def show_load(server, name, path, body, cores, connections, seconds):
    summary, cpu, command = load(server, path, body, cores, connections, seconds)
    rate = summary["requests"] / summary["seconds"]
    print(f"{name:34} {rate:10,.0f} requests/s {cpu:8.2f} µs CPU/request {summary['median_us']:6} µs median latency")
    show_command(command)


def show_command(command):
    print("    $ " + " ".join(f"'{part}'" if re.search(r"[\s{}\[\]]", part) else part for part in command))


def large_problem():
    """256×256 random pixels as the shortest decimals that are the same float32 again, and a 3×3 filter."""
    source = random.Random(256)

    def pixel():
        (value,) = struct.unpack("f", struct.pack("f", source.random()))
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
                return text

    rows = ",".join("[" + ",".join(pixel() for _ in range(256)) + "]" for _ in range(256))
    return f'{{"image":[{rows}],"filter":[[1,2,1],[0,0,0],[-1,-2,-1]]}}'


def show_large(server, body, rounds=200):
    """Milliseconds from the first byte sent to the last byte read, over one kept-alive connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    taken, answer = [], b""
    for _ in range(rounds + 10):
        start = time.perf_counter()
        connection.request("POST", "/convolve", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        taken.append((time.perf_counter() - start) * 1e3)
        if response.status != 200:
            sys.exit(f"{response.status}: {answer[:500]!r}")
    taken = sorted(taken[10:])
    late = taken[math.ceil(0.95 * len(taken)) - 1]
    print(
        f"{'POST /convolve 256×256, 3×3, JSON':34} {statistics.median(taken):10.2f} ms median {late:8.2f} ms 95 %"
        f" {taken[0]:8.2f} ms least   ({len(body) / 1e6:.2f} MB in, {len(answer) / 1e6:.2f} MB out)"
    )
    print(f"    {rounds} rounds over one connection of Python's http.client, after 10 to warm up")
    timing = json.loads(answer)["timing"]
    numbers = {key: value for key, value in timing.items() if isinstance(value, (int, float))}
    parts = "  ".join(f"{key.removesuffix('_seconds')} {value * 1e3:.3f}" for key, value in numbers.items())
    print(f"    the server's own account of the last one, ms: {parts}")


def random_tensor(source, *shape):
    """Normal float32 numbers as the service takes them in base64."""
    numbers = array("f", (source.gauss(0, 1) for _ in range(math.prod(shape))))
    return {"shape": shape, "dtype": "float32", "data": base64.b64encode(numbers.tobytes()).decode()}


def show_verification(server, image, weights, rounds):
    """The time to verify a float32 result against that of the direct convolution in float64, the least of each, by turns."""
    source = random.Random(5)
    problem = {"image": random_tensor(source, *image), "filter": random_tensor(source, *weights)}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def ask(path, document):
        connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            sys.exit(f"{response.status}: {answer[:500]!r}")
        return json.loads(answer)

    candidate = ask("/convolve", problem)["result"]
    direct, verification = [], []
    for _ in range(rounds):
        direct.append(ask("/convolve", problem | {"dtype": "float64"})["timing"]["direct_seconds"])
        answer = ask("/verify", problem | {"candidate": candidate})
        if answer["verdict"] != "consistent":
            sys.exit("the service refutes its own result")
        verification.append(answer["timing"]["verification_seconds"])
    shapes = "×".join(map(str, image)) + ", " + "×".join(map(str, weights))
    print(
        f"{'POST /verify ' + shapes:34} {min(verification) * 1e3:10.3f} ms least, direct in float64"
        f" {min(direct) * 1e3:8.3f} ms: {min(verification) / min(direct):.2f} of it"
    )
    print(f"    {rounds} rounds by turns; timing.verification_seconds and, with dtype float64, timing.direct_seconds")


def show_memory(server, idle, cores, problem):
    print(f"{'resident memory, idle':34} {idle:10.1f} MB")
    command = ["wrk", "-t1", "-c64", "-d4s", "-s", os.path.relpath(HERE / "wrk.lua"), server.url + "/convolve"]
    command = pinned([*command, "--", f"@{os.path.relpath(problem)}"], cores)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0
    while running.poll() is None:
        peak = max(peak, server.resident_megabytes())
        time.sleep(0.02)
    summary = json.loads(running.stdout.read().splitlines()[-1])
    if running.returncode or sum(summary["errors"].values()):
        sys.exit(f"the load failed: {summary['errors']}")
    rate = summary["requests"] / summary["seconds"]
    print(f"{'resident memory, 64 connections':34} {peak:10.1f} MB at most, while answering {rate:,.0f} requests/s")
    show_command(command)
    print("    the problem is that of the row above, the memory VmRSS of /proc/PID/status, read each 20 ms")
    time.sleep(3)
    print(f"{'resident memory, 3 s later':34} {server.resident_megabytes():10.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=HERE.parent / ".build/release/convcheck")
    parser.add_argument("--seconds", type=int, default=5, help="how long each load lasts")
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: run `make bench`, which installs it")
    cores = sorted(os.sched_getaffinity(0))
    ours, theirs = (cores[:-1], cores[-1:]) if len(cores) > 1 else ([], [])
    server = Server(options.binary, ours)
    try:
        time.sleep(0.5)
        print(f"\nHTTP, on {len(cores)} cores; the server was started with")
        show_command(server.command)
        idle = server.resident_megabytes()
        problem = options.binary.parent / "256.json"
        problem.write_text(large_problem())
        show_load(server, "GET /healthz (the floor)", "/healthz", None, theirs, options.connections, options.seconds)
        show_load(server, "POST /convolve 5×5, 2×2", "/convolve", SMALL, theirs, options.connections, options.seconds)
        show_large(server, problem.read_bytes())
        show_verification(server, (256, 256), (5, 5), rounds=100)
        show_verification(server, (64, 56, 56), (64, 64, 3, 3), rounds=5)
        show_memory(server, idle, theirs, problem)
    finally:
        status = server.stop()
    if status != 0:
        sys.exit(f"the server ended with {status}")


if __name__ == "__main__":
    main()
