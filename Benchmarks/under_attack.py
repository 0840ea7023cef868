#!/usr/bin/env python3
"""Measures the release server under attack: crowds, slow clients, bombs, handshakes, restarts, cuts.

Starts its own servers on free ports of the loopback address. After each phase the server must answer /healthz
and end with status 0; that, and lost requests, decide the exit status, never a time. All share the machine:
the server, one process with one epoll for the idle and the slow, and another for the good client.
"""

import argparse
import gzip
import http.client
import json
import multiprocessing
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from conversations import HOST, arrive, ask, has_ended, send, together
from over_http import HERE, SMALL, large_problem, random_tensor
from server import Server, free_port

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
FAULTS = []


def row(phase, what, value):
    print(f"{phase:11} {what:47} {value}", flush=True)


def fault(phase, what):
    FAULTS.append(f"{phase}: {what}")
    row(phase, "FAULT", what)


def post(path, body, length=None, fields=""):
    """The bytes of a request with a body, which may be announced longer than it is."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{fields}"
    return f"{head}Content-Length: {length or len(body)}\r\n\r\n".encode() + body


# The server.


class Place:
    """Where the servers of a run come from: the binary, a certificate and a folder for what is written."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.started = binary, Path(folder), []
        self.certificate, self.key = self.folder / "certificate.pem", self.folder / "key.pem"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90"
        names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:{HOST}"]
        names += ["-out", self.certificate, "-keyout", self.key]
        subprocess.run([*command.split(), *names], check=True, capture_output=True)
        self.tls = ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def start(self, *flags, port=None):
        with open(self.folder / "log", "ab") as log:
            server = Server(self.binary, flags=["--access-log", "off", *flags], port=port, log=log)
        self.started.append(server)
        return server

    def health(self, server):
        if server.url.startswith("https"):
            connection = http.client.HTTPSConnection(HOST, server.port, timeout=30, context=self.context())
        else:
            connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return repr(error)

    def stop(self, phase, server):
        """Ends a server that must still be well."""
        if (status := self.health(server)) != 200:
            fault(phase, f"/healthz afterwards: {status}")
        try:
            ended = server.stop()
        except subprocess.TimeoutExpired:
            server.process.kill()
            ended = server.process.wait()
        if ended != 0:
            fault(phase, f"the server ended with {ended}: {(self.folder / 'log').read_text()[-2000:]}")

    def kill_the_rest(self):
        for server in self.started:
            if server.process.poll() is None:
                server.process.kill()

    @contextmanager
    def server(self, phase, *flags):
        server = self.start(*flags)
        try:
            yield server
        finally:
            self.stop(phase, server)


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


class RestartClient(threading.Thread):
    """Asks without end, and must be answered.

    Only a connection whose end was announced, or came before anything was sent, may be left.
    """

    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.port, self.keeps, self.rests = port, number % 2 == 0, number % 4 == 2
        self.answered, self.lost, self.stopped = 0, [], False

    def run(self):
        connection = None
        while not self.stopped:
            if self.rests:
                time.sleep(random.random() / 20)
            try:
                if connection is None or (connection.sock and is_readable(connection.sock)):
                    connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
                fields = {"Content-Type": "application/json"} | (
                    {} if self.keeps else {"Connection": "close"}
                )
                connection.request("POST", "/convolve", SMALL, fields)
                response = connection.getresponse()
                json.loads(response.read())
                if response.status != 200:
                    raise http.client.HTTPException(f"status {response.status}")
                self.answered += 1
                connection = None if response.will_close else connection
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection = None


def is_readable(connection):
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def restarts(place, _options, count=20):
    """The next process listens at the same port before the one before it is told to end."""
    running = place.start("--share-port")
    clients = [RestartClient(running.port, number) for number in range(8)]
    start, ended = time.monotonic(), []
    for client in clients:
        client.start()
    for _ in range(count):
        following = place.start("--share-port", port=running.port)
        answered = [client.answered + len(client.lost) for client in clients]
        told = time.monotonic()
        place.stop("restarts", running)
        ended.append(time.monotonic() - told)
        while any(
            client.answered + len(client.lost) == before
            for client, before in zip(clients, answered, strict=True)
        ):
            time.sleep(0.01)
        running = following
    for client in clients:
        client.stopped = True
    for client in clients:
        client.join(60)
    place.stop("restarts", running)
    lost = [error for client in clients for error in client.lost]
    asked = sum(client.answered for client in clients) + len(lost)
    value = f"{asked:,} requests of 8 clients in {time.monotonic() - start:.1f} s, {len(lost)} lost"
    value += f"; {statistics.median(ended):.2f} s to drain"
    row("restarts", f"{count} one after the other, --share-port", value)
    if lost:
        fault("restarts", f"lost {len(lost)}: {lost[:3]}")


def kill_connection(port, source, counts):
    """One connection that is cut after some bytes, reset, half-closed, or goes on with garbage."""
    request = post("/convolve", SMALL.encode())
    with socket.create_connection((HOST, port), timeout=10) as connection:
        way = source.choice(["cut", "reset", "half-closed", "garbage"])
        counts[way] += 1
        if way in ["cut", "reset"]:
            connection.sendall((request * 3)[: source.randrange(3 * len(request))])
            if way == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif way == "half-closed":
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            counts["half-closed, answered"] += read_all(connection).startswith(b"HTTP/1.1 200 ")
        else:
            garbage = source.randbytes(source.randrange(1, 3000))
            connection.sendall(request * source.randrange(4) + garbage + b"\r\n\r\n" * 2)
            counts["garbage, refused"] += b"HTTP/1.1 400 " in read_all(connection)


def read_all(connection):
    try:
        return b"".join(iter(lambda: connection.recv(65536), b""))
    except ConnectionResetError:
        return b""


def soak(place, options):
    """wrk beside connections that are killed, for a while."""
    if not shutil.which("wrk"):
        return row("soak", "skipped", "wrk is not installed")
    with place.server("soak") as server:
        server_before = server.descriptors()
        command = ["wrk", "-t1", "-c32", f"-d{options.seconds}s", "-s", str(HERE / "wrk.lua")]
        command += [server.url + "/convolve", "--", SMALL]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        start, source, counts, samples = time.monotonic(), random.Random(7), Counter(), []
        due = [0.1, 0.5, 0.95]
        while running.poll() is None:
            try:
                kill_connection(server.port, source, counts)
            except OSError as error:
                counts[f"unexpected {error!r}"] += 1
            if due and time.monotonic() - start > due[0] * options.seconds:
                samples.append((due.pop(0), server.resident_megabytes(), server.descriptors()))
        summary = json.loads(running.stdout.read().splitlines()[-1])
        errors = {kind: number for kind, number in summary["errors"].items() if number}
        rate = summary["requests"] / summary["seconds"]
        value = f"{summary['requests']:,} requests, {rate:,.0f}/s, errors {errors or 0}"
        row("soak", f"wrk -c32 -d{options.seconds}s", value)
        killed = ", ".join(f"{number:,} {way}" for way, number in counts.items())
        row("soak", "connections killed meanwhile", killed)
        for moment, megabytes, descriptors in samples:
            value = f"{megabytes:.1f} MB resident, {descriptors} descriptors"
            row("soak", f"after {moment:.0%} of the time", value)
        left = wait_for_descriptors(server, server_before)
        value = f"{server.resident_megabytes():.1f} MB resident, {left} descriptors ({server_before} before)"
        row("soak", "afterwards", value)
        if errors or left > server_before or any(way.startswith("unexpected") for way in counts):
            fault("soak", f"errors {errors}, {left - server_before} descriptors left, {dict(counts)}")
        if counts["half-closed"] != counts["half-closed, answered"]:
            fault("soak", "half-closed connections were not answered")


def wait_for_descriptors(server, count, seconds=15):
    """Down to `count`, or what is left after more than the time of a head."""
    end = time.monotonic() + seconds
    while server.descriptors() > count and time.monotonic() < end:
        time.sleep(0.1)
    return server.descriptors()


def h2load(place, _options):
    """Pipelined requests, in the clear and within TLS."""
    if not shutil.which("h2load"):
        return row("h2load", "skipped", "h2load is not installed")
    for flags in [[], place.tls]:
        with place.server("h2load", *flags) as server:
            command = f"h2load --h1 -n 50000 -c 100 -m 10 {server.url}/healthz"
            done = subprocess.run(command.split(), capture_output=True, text=True, timeout=120)
            counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
            rate = re.search(r"([\d.]+) req/s", done.stdout)
            if not counts:
                return fault("h2load", f"no summary: {done.stdout[-300:]}")
            row("h2load", command.rpartition("127.0.0.1")[0] + "…", f"{counts[0]}; {float(rate[1]):,.0f}/s")
            if int(counts[1]) != 50_000:
                fault("h2load", counts[0])


def testssl(place, _options, seconds=60):
    """How a tool for audits rates what it finds; a certificate that nobody vouches for is among it."""
    tool = shutil.which("testssl") or shutil.which("testssl.sh")
    if not tool:
        return row("testssl", "skipped", "testssl is not installed")
    found = place.folder / "testssl.json"
    parts = "--quiet --color 0 --warnings off --protocols --server-defaults --vulnerable".split()
    with place.server("testssl", *place.tls) as server:
        command = [tool, *parts, "--add-ca", place.certificate, "--jsonfile", found, f"{HOST}:{server.port}"]
        silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running = subprocess.Popen(command, cwd=place.folder, start_new_session=True, **silent)
        try:
            running.wait(seconds)
            end = "done"
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            end = f"cut after {seconds} s"
    text = found.read_text() if found.exists() else ""
    rated = re.findall(r'"id"\s*:\s*"([^"]*)".*?"severity"\s*:\s*"(\w+)"', text, re.DOTALL)
    others = [f"{name} {severity}" for name, severity in rated if severity not in ["OK", "INFO"]]
    value = f"{len(rated)} findings, {len(others)} rated other than OK or INFO; {end}"
    row("testssl", " ".join(parts[-3:]), value)
    if others:
        row("testssl", "the others", ", ".join(others))


PHASES = {
    "idle": both_idle,
    "slow-heads": slow_heads,
    "slow-bodies": slow_bodies,
    "slow-reads": slow_reads,
    "bomb": bomb,
    "handshakes": handshakes,
    "restarts": restarts,
    "soak": soak,
    "h2load": h2load,
    "testssl": testssl,
}


def raise_descriptor_limit(wanted):
    """As many descriptors as there may be; the servers inherit that."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in [max(hard, wanted), hard]:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def attempt(name, place, options):
    try:
        PHASES[name](place, options)
    except (OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
        fault(name, repr(error))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=HERE.parent / ".build/release/convcheck")
    parser.add_argument("--only", nargs="+", choices=PHASES, metavar="NAME", help=", ".join(PHASES))
    parser.add_argument("--connections", type=int, default=10_000, help="idle ones; some of them slow")
    parser.add_argument("--seconds", type=int, default=60, help="how long the soak lasts")
    options = parser.parse_args()
    room = raise_descriptor_limit(2 * options.connections) * 9 // 10
    if room < options.connections:
        print(f"only {room} connections: there are no more descriptors")
        options.connections = room
    print(f"\nUnder attack, on {len(os.sched_getaffinity(0))} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        place = Place(options.binary, folder)
        try:
            for name in options.only or PHASES:
                attempt(name, place, options)
        finally:
            place.kill_the_rest()
    if FAULTS:
        sys.exit("\n".join(["", *FAULTS]))


if __name__ == "__main__":
    main()
