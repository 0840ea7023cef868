"""Ends: servers that restart under load, connections that are killed."""

import http.client
import json
import random
import select
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time
from collections import Counter

from attacked import fault, post, row
from conversations import HOST
from over_http import HERE, SMALL


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
