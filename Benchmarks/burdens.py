"""Attacks by weight: bodies that inflate, handshakes."""

import http.client
import json
import random
import re
import statistics
import subprocess
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from attacked import fault, row
from conversations import HOST
from over_http import large_problem, random_tensor
from server import free_port


def ten_gigabytes():
    """Zeros, as gzip: the same megabyte again and again, each without regard to those before.

    Only the check sum at its end is wrong.
    """
    coder = zlib.compressobj(9, wbits=31)
    head = coder.compress(b"\0") + coder.flush(zlib.Z_FULL_FLUSH)
    block = coder.compress(bytes(1 << 20)) + coder.flush(zlib.Z_FULL_FLUSH)
    return head + block * 10_000 + coder.flush()


def throw(port, body):
    """Posts a compressed body: the status of the answer, which may come before all is sent."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        fields = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        connection.request("POST", "/convolve", body, fields)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return connection.getresponse().status


def bomb(place, _options):
    body = ten_gigabytes()
    for count in [1, 32]:
        with place.server("bomb", "--max-body", str(1 << 24)) as server:
            before, start, used = server.memory_bytes("VmHWM"), time.monotonic(), server.cpu_seconds()
            with ThreadPoolExecutor(count) as throwers:
                statuses = Counter(throwers.map(lambda _: throw(server.port, body), range(count)))
            taken, used = time.monotonic() - start, server.cpu_seconds() - used
            peak = server.memory_bytes("VmHWM")
            answers = ", ".join(f"{number} × {status}" for status, number in statuses.items())
            memory = f"peak {before / 1e6:.1f} → {peak / 1e6:.1f} MB"
            value = f"{answers}; {memory}; {taken:.2f} s, {used:.2f} s of CPU"
            row("bomb", f"{count} at once, {len(body) / 1e6:.1f} MB for 10 GB", value)
            if statuses != {413: count}:
                fault("bomb", f"answered {answers}")


def handshakes(place, _options):
    with place.server("handshakes", *place.tls) as server:
        for version in ["-tls1_3", "-tls1_2"]:
            for kind in ["-new", "-reuse"]:
                shake_hands(server, version, kind)
    secure = free_port()
    with place.server("handshakes", *place.tls, "--tls-port", str(secure)) as server:
        compare_plain_and_tls(server, secure, place.context())


def shake_hands(server, version, kind, seconds=4):
    """One connection after the other, each with an answer: else no ticket of TLS 1.3 would be read."""
    where = ["-connect", f"{HOST}:{server.port}", "-www", "/healthz"]
    command = ["openssl", "s_time", *where, version, kind, "-time", str(seconds)]
    before, start = server.cpu_seconds(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    used, taken = server.cpu_seconds() - before, time.monotonic() - start
    made = re.findall(r"(\d+) connections in \d+ real seconds", done.stdout)
    count = int(made[0]) if made else 0
    if not count or not used:
        return fault(
            "handshakes", f"openssl s_time {version} {kind}: {done.stdout[-300:]} {done.stderr[-300:]}"
        )
    row(
        "handshakes",
        f"openssl s_time {version} {kind}, GET /healthz",
        f"{count / taken:,.0f} a second of one client; server {used * 1e6 / count:.0f} µs CPU each,"
        f" so {count / used:,.0f} a second of a core",
    )


def compare_plain_and_tls(server, secure, context, rounds=60):
    """256×256, 3×3 over kept-alive connections, by turns."""
    plain = http.client.HTTPConnection(HOST, server.port, timeout=60)
    within = http.client.HTTPSConnection(HOST, secure, timeout=60, context=context)
    image = random_tensor(random.Random(1), 256, 256)
    tensor = {"image": image, "filter": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]}
    for name, body in [("JSON", large_problem()), ("base64", json.dumps(tensor))]:
        taken = {plain: [], within: []}
        for number in range(2 * rounds):
            connection = (plain, within)[number % 2]
            start = time.perf_counter()
            connection.request("POST", "/convolve", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            taken[connection].append((time.perf_counter() - start) * 1e3)
            if response.status != 200:
                return fault("handshakes", f"{response.status}: {answer[:300]!r}")
        clear, hidden = (statistics.median(times) for times in taken.values())
        value = (
            f"{clear:.2f} ms plain, {hidden:.2f} ms within TLS ({hidden / clear:.2f}), medians of {rounds}"
        )
        row("handshakes", f"POST /convolve 256×256, 3×3, {name}", value)
