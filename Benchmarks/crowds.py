"""Attacks by number: idle connections, and clients that send or read as slowly as they can."""

import gzip
import http.client
import json
import multiprocessing
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from attacked import fault, HEALTH, post, row
from conversations import HOST, arrive, ask, has_ended, send, together
from over_http import SMALL


# The phases.


def idle(place, options, context=None):
    """Keep-alive connections, each asked at first and once more."""
    phase = "idle"
    flags = ["--max-connections", str(options.connections * 11 // 10), "--idle-timeout", "600"]
    with place.server(phase, *flags, *(place.tls if context else [])) as server:
        name = "TLS sessions" if context else "connections"
        before = server.memory_bytes("VmRSS")
        start = time.monotonic()
        arrivals = (arrive(server.port, context) for _ in range(options.connections))
        connections = together(arrivals, at_once=250)
        there = [connection for connection in connections if connection]
        first = together((ask(connection, HEALTH) for connection in there), at_once=250).count(200)
        taken = time.monotonic() - start
        time.sleep(1)
        bytes_each = (server.memory_bytes("VmRSS") - before) / max(1, len(there))
        again = together(ask(connection, HEALTH) for connection in there).count(200)
        value = f"{before / 1e6:.1f} MB before, {bytes_each:,.0f} bytes each; made in {taken:.1f} s"
        row(phase, f"{len(there):,} {name}", value)
        row(phase, f"{len(there):,} {name}, asked twice", f"{first:,} and {again:,} answers 200")
        if not len(there) == first == again == options.connections:
            fault(phase, f"of {options.connections} {name} {len(there)} came in")
        for connection in there:
            connection.close()


def both_idle(place, options):
    idle(place, options)
    idle(place, options, place.context())


def good_client(port, delay, seconds):
    """The microseconds of each answer over one connection, how many were 503, and what went wrong."""
    time.sleep(delay)
    taken, refused, wrong, connection = [], 0, [], None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            connection = connection or http.client.HTTPConnection(HOST, port, timeout=30)
            start = time.perf_counter()
            connection.request("POST", "/convolve", SMALL, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            if response.status == 200:
                taken.append((time.perf_counter() - start) * 1e6)
            elif response.status == 503:
                refused += 1
            else:
                wrong.append(response.status)
            connection = None if response.will_close else connection
        except (OSError, http.client.HTTPException) as error:
            wrong.append(repr(error))
            connection = None
    return taken, refused, wrong


def percentiles(taken):
    taken = sorted(taken) or [float("nan")]
    return taken[len(taken) // 2], taken[len(taken) * 99 // 100]


def beside_good_client(phase, server, name, seconds, attack):
    """What the good client sees alone, and while `attack` runs, from two seconds after its beginning."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        other.submit(good_client, server.port, 0, 0.5).result()
        alone = other.submit(good_client, server.port, 0, 3).result()
        watched = other.submit(good_client, server.port, 2, seconds)
        said = attack(time.monotonic() + 2 + seconds)
        during = watched.result()
    (p50, p99), (p50_alone, p99_alone) = percentiles(during[0]), percentiles(alone[0])
    row(phase, name, said)
    row(
        phase,
        "good client alone, then beside them",
        f"p50 {p50_alone:.0f} → {p50:.0f} µs ({p50 / p50_alone:.2f}), p99 {p99_alone:.0f} → {p99:.0f} µs"
        f" ({p99 / p99_alone:.2f}); {len(during[0]):,} answers, {during[1]} × 503",
    )
    if alone[2] or during[2]:
        fault(phase, f"the good client saw {(alone[2] + during[2])[:3]}")


def slowly(port, until, counts, first, trickle, receive_buffer=None):
    """Comes in, sends `first`, then a byte each second, or reads one without `trickle`; again if let go."""
    yield random.random()
    while time.monotonic() < until:
        try:
            connection = yield from arrive(port, receive_buffer=receive_buffer)
            counts["connections made"] += 1
            yield from send(connection, first)
            if trickle:
                yield from trickle_out(connection, until, trickle)
            else:
                yield from sip(connection, until, counts)
            connection.close()
        except OSError:
            counts["reset"] += 1


def trickle_out(connection, until, byte):
    while time.monotonic() < until and not has_ended(connection):
        yield 1.0
        connection.send(byte)


def sip(connection, until, counts):
    """The status of an answer, then a byte of it each second, long after the server let go."""
    wanted = len("HTTP/1.1 200")
    while time.monotonic() < until:
        try:
            if not (got := connection.recv(wanted)):
                return
            if wanted > 1:
                counts[f"answers {got[9:].decode()}"] += 1
            wanted = 1
        except BlockingIOError:
            pass
        yield 1.0


def watch(server, until, descriptors, unread):
    while time.monotonic() < until:
        descriptors.append(server.descriptors())
        unread.append(server.sent_but_unread())
        yield 1.0


def slow(place, phase, flags, count, seconds, first, trickle, **more):
    """Slow clients of one kind beside a good one."""

    def attack(until):
        counts, descriptors, unread = Counter(), [server.descriptors()], []
        before = server.memory_bytes("VmRSS")
        crowd = [slowly(server.port, until, counts, first, trickle, **more) for _ in range(count)]
        together([*crowd, watch(server, until, descriptors, unread)])
        memory = (server.memory_bytes("VmHWM") - before) / 1e6
        at_once, at_end = (number - descriptors[0] for number in (max(descriptors), descriptors[-1]))
        others = ", ".join(f"{number:,} {what}" for what, number in counts.items())
        return (
            f"{others}; at most {at_once:,} in the server, {at_end:,} at the end;"
            f" at most {memory:.1f} MB more in it, {max(unread) / 1e6:.1f} MB in the kernel"
        )

    with place.server(phase, *flags) as server:
        beside_good_client(phase, server, f"{count:,} clients, a byte a second", seconds, attack)
    if tool := shutil.which("slowhttptest"):
        with place.server(phase, *flags) as server:
            run_slowhttptest(phase, server, tool)


SLOWHTTPTEST = {
    "slow-heads": "-H -c 1000 -r 500 -i 1 -x 8 -l 8 -p 5 -u {url}/healthz",
    "slow-bodies": "-B -f application/json -s 8192 -c 1000 -r 500 -i 1 -x 8 -l 8 -p 5 -u {url}/convolve",
    "slow-reads": "-X -c 1000 -r 500 -w 10 -y 20 -n 1 -z 5 -k 3 -l 8 -p 5 -u {url}/openapi.yaml",
}


def run_slowhttptest(phase, server, tool):
    """The same as an attack tool does it, and what it says of the service."""
    arguments = SLOWHTTPTEST[phase].format(url=server.url).split()

    def attack(_):
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60)
        text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout)
        available = re.findall(r"service available:\s*(\w+)", text)
        if "NO" in available or not available:
            fault(phase, "slowhttptest did not find the service available")
        connected = max(map(int, re.findall(r"connected:\s*(\d+)", text)), default=0)
        return f"service available: {', '.join(available)}; at most {connected:,} connected"

    beside_good_client(phase, server, f"slowhttptest {' '.join(arguments[:1])}, 1,000 clients", 5, attack)


def slow_heads(place, options):
    slow(place, "slow-heads", [], options.connections // 2, 12, b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"a")


def slow_bodies(place, options):
    question = post("/convolve", b"{", length=50_000)
    slow(place, "slow-bodies", ["--stall-timeout", "5"], options.connections // 10, 8, question, b" ")


def slow_reads(place, options):
    """Each asks for 0.9 MB by 1 kB, so that answers, not questions, fill what memory there is for both."""
    body = gzip.compress(json.dumps({"image": [[0.1234567] * 300] * 300, "filter": [[1]]}).encode())
    question = post("/convolve", body, fields="Content-Encoding: gzip\r\n")
    flags = ["--stall-timeout", "5", "--max-in-flight", str(1 << 27)]
    slow(place, "slow-reads", flags, options.connections // 10, 10, question, b"", receive_buffer=4096)
