#!/usr/bin/env python3
"""Measures the release server over HTTP: requests a second, CPU a request, milliseconds, memory.

Starts its own server on a free port of the loopback address, loads it with wrk, and prints the command behind each
number. The server and the load share the machine: with two or more cores wrk is kept on the last one and the
server on all others, where taskset is there to do it.
"""

import argparse
import http.client
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
SMALL = json.dumps({"image": [[5 * r + c + 1 for c in range(5)] for r in range(5)], "filter": [[1, 2], [3, 4]]})


def pinned(command, cores):
    """The command, kept on `cores` where that is possible."""
    if not cores or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", ",".join(map(str, cores)), *command]


class Server:
    """The server under measurement, with what /proc says about it."""

    def __init__(self, binary, cores):
        self.command = pinned([str(binary), "serve", "--host", "127.0.0.1", "--port", "0"], cores)
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.first_line = self.process.stdout.readline()
        ready = re.search(r"http://127\.0\.0\.1:(\d+)", self.first_line)
        if not ready:
            self.process.kill()
            sys.exit(f"the server did not come up: {self.first_line!r}")
        self.port = int(ready[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self):
        # The name in parentheses may hold spaces: the fields are counted behind it.
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_megabytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000

    def stop(self):
        self.process.terminate()
        return self.process.wait(40)


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


def show_large(server, rounds=60):
    """Milliseconds from the first byte sent to the last byte read, over one kept-alive connection."""
    source = random.Random(256)
    image = [[round(source.random(), 6) for _ in range(256)] for _ in range(256)]
    body = json.dumps({"image": image, "filter": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]}, separators=(",", ":")).encode()
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
    print(
        f"{'POST /convolve 256×256, 3×3, JSON':34} {statistics.median(taken):10.2f} ms median {taken[0]:8.2f} ms least"
        f"   ({len(body) / 1e6:.2f} MB in, {len(answer) / 1e6:.2f} MB out)"
    )
    print(f"    {rounds} rounds over one connection of Python's http.client, after 10 to warm up")
    timing = json.loads(answer)["timing"]
    numbers = {key: value for key, value in timing.items() if isinstance(value, (int, float))}
    parts = "  ".join(f"{key.removesuffix('_seconds')} {value * 1e3:.3f}" for key, value in numbers.items())
    print(f"    the server's own account of the last one, ms: {parts}")


def show_memory(server, idle):
    print(f"{'resident memory, idle':34} {idle:10.1f} MB")
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
    request = (
        "POST /convolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(SMALL)}\r\n\r\n{SMALL}"
    ).encode()
    for connection in held:
        connection.sendall(request)
    for connection in held:
        connection.recv(65536)
    print(f"{'resident memory, 64 connections':34} {server.resident_megabytes():10.1f} MB")
    print("    64 open connections, each with one answered POST /convolve 5×5, before any other load")
    for connection in held:
        connection.close()


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
        show_memory(server, server.resident_megabytes())
        show_load(server, "GET /healthz (the floor)", "/healthz", None, theirs, options.connections, options.seconds)
        show_load(server, "POST /convolve 5×5, 2×2", "/convolve", SMALL, theirs, options.connections, options.seconds)
        show_large(server)
        print(f"{'resident memory, after all this':34} {server.resident_megabytes():10.1f} MB")
    finally:
        status = server.stop()
    if status != 0:
        sys.exit(f"the server ended with {status}")


if __name__ == "__main__":
    main()
