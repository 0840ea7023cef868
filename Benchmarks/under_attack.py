#!/usr/bin/env python3
"""Measures the release server under attack: crowds, slow clients, bombs, handshakes, restarts, cuts.

Starts its own servers on free ports of the loopback address. After each phase the server must answer /healthz
and end with status 0; that, and lost requests, decide the exit status, never a time. All share the machine:
the server, one process with one epoll for the idle and the slow, and another for the good client.
"""

import argparse
import http.client
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from attacked import fault, FAULTS, Place, row
from burdens import bomb, handshakes
from conversations import HOST
from crowds import both_idle, slow_bodies, slow_heads, slow_reads
from cuts import restarts, soak
from over_http import HERE


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
