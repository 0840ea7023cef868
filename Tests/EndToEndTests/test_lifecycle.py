"""Start, options, health probe, draining and the end of the process."""

import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support import BINARY, ROOT, SMALL_PROBLEM, call, call_on, encode, get, run


def long_problem(side, taps, repeats):
    """A problem of `repeats · (side − taps + 1)² · taps²` multiply-adds, on a worker."""
    return {"image": encode(np.ones((side, side), "float32")), "filter": [[1] * taps] * taps, "repeat": repeats}


# 10¹¹ multiply-adds: seconds of work, within the default limit, and few enough to be waited for.
SECONDS_OF_WORK = long_problem(512, 33, 380)
# 4·10¹² multiply-adds: minutes on any machine. The server that gets it needs a higher limit.
MINUTES_OF_WORK = long_problem(1024, 65, 1000)
MORE_WORK = ["--max-work", str(10**13), "--request-timeout", "600"]
# Machines differ: a drain that is to be waited for must not be cut short.
LONG_DRAIN = ["--drain-time", "600", "--request-timeout", "600"]


def cpu_seconds(process):
    """What the process has used up so far."""
    # The name in parentheses may hold spaces: the fields are counted behind it.
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class InBackground(threading.Thread):
    """Posts a long problem, and keeps the answer or the error. Once made, the server is at work on it."""

    def __init__(self, server, document):
        super().__init__(daemon=True)
        self.server, self.document = server, document
        self.answer = self.error = None
        idle = cpu_seconds(server.process)
        self.start()
        # Receiving and decoding take some ten milliseconds: more than that is the computation.
        deadline = time.monotonic() + 60
        while cpu_seconds(server.process) < idle + 0.2:
            assert self.answer is None and self.error is None, (self.answer and self.answer.body[:500], self.error)
            assert time.monotonic() < deadline, "the server does not work"
            time.sleep(0.01)

    def run(self):
        try:
            self.answer = call(
                self.server, "POST", "/convolve", json.dumps(self.document).encode(), timeout=600
            )
        except (OSError, http.client.HTTPException) as error:
            self.error = error


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(own_server, how):
    assert own_server().stop(how, timeout=5) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_work_is_finished(own_server, how):
    running = own_server(*LONG_DRAIN)
    request = InBackground(running, SECONDS_OF_WORK)
    assert running.stop(how, timeout=600) == 0, running.output()
    request.join(5)
    assert request.error is None
    assert request.answer.status == 200
    assert request.answer.json()["result"]["shape"] == [480, 480]


def test_an_idle_connection_does_not_hold_the_end_up(own_server):
    running = own_server()
    connection = http.client.HTTPConnection(running.host, running.port, timeout=20)
    assert call_on(connection, "GET", "/readyz").status == 200
    assert running.stop(timeout=5) == 0
    connection.close()


def test_a_half_sent_request_does_not_hold_the_end_up_for_ever(own_server):
    running = own_server()
    with running.connect() as connection:
        connection.sendall(b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        assert running.stop(timeout=40) == 0


def test_not_ready_while_draining(own_server):
    running = own_server(*LONG_DRAIN)
    connection = http.client.HTTPConnection(running.host, running.port, timeout=20)
    assert call_on(connection, "GET", "/readyz").status == 200
    request = InBackground(running, SECONDS_OF_WORK)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    try:
        connection.auto_open = False
        assert call_on(connection, "GET", "/readyz").status == 503
    except (OSError, http.client.HTTPException):
        pass  # An idle connection may be closed when draining begins: then nobody takes it for ready either.
    with pytest.raises(OSError):
        running.connect(timeout=2).close()
    request.join(600)
    assert request.answer.status == 200
    assert running.process.wait(10) == 0


def test_a_second_signal_does_not_wait(own_server):
    running = own_server(*MORE_WORK)
    InBackground(running, MINUTES_OF_WORK)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert running.alive(), "the first signal lets the request finish"
    assert running.stop(signal.SIGTERM, timeout=5) != 0


@pytest.mark.parametrize("how", [["--drain-delay", "3"], {"CONVCHECK_DRAIN_DELAY": "3"}])
def test_a_server_can_be_unready_for_a_while_before_it_closes(own_server, how):
    running = own_server(*how) if isinstance(how, list) else own_server(environment=how)
    assert get(running, "/readyz").status == 200
    running.process.send_signal(signal.SIGTERM)
    wait_until(lambda: get(running, "/readyz").status == 503)
    assert get(running, "/healthz").status == 200
    running.process.send_signal(signal.SIGHUP)
    assert running.process.wait(20) == 0


def test_a_second_signal_ends_the_delay(own_server):
    running = own_server("--drain-delay", "600")
    running.process.send_signal(signal.SIGTERM)
    wait_until(lambda: get(running, "/readyz").status == 503)
    assert running.stop(timeout=20) != 0


def test_what_is_not_done_in_the_drain_time_is_cut(own_server):
    running = own_server(*MORE_WORK, "--drain-time", "1")
    request = InBackground(running, MINUTES_OF_WORK)
    assert running.stop(timeout=20) == 0, running.output()
    request.join(5)
    assert request.answer is None
    assert "cut" in running.output()


def test_a_hang_up_ends_nothing(own_server):
    running = own_server()
    with running.connect() as connection:
        for _ in range(3):
            running.process.send_signal(signal.SIGHUP)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
            assert get(running, "/healthz").status == 200
    assert running.stop() == 0


def test_a_request_that_is_half_here_when_draining_begins_is_answered(own_server):
    running = own_server()
    with running.connect() as asks, running.connect() as posts:
        asks.sendall(b"GET /readyz HTTP/1.1\r\nHos")
        body = json.dumps(SMALL_PROBLEM).encode()
        posts.sendall(b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:9])
        # Both have arrived by the time that this one is answered.
        assert get(running, "/readyz").status == 200
        running.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(running))
        asks.sendall(b"t: a\r\n\r\n")
        posts.sendall(body[9:])
        for connection, status in [(asks, 503), (posts, 200)]:
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert b"\r\nConnection: close\r\n" in answer
    assert running.process.wait(20) == 0


def test_only_the_end_of_the_connection_is_heard_of_draining(own_server):
    """Who asks again in time gets an answer that is the last; who is silent is let go."""
    running = own_server()
    silent = running.connect()
    silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert silent.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert running.stop(timeout=20) == 0
    assert silent.recv(4096) == b""
    silent.close()


def refuses(running):
    try:
        running.connect(timeout=5).close()
    except OSError:
        return True
    return False


def wait_until(is_so, seconds=20):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Load(threading.Thread):
    """A client that asks without a pause, over fresh connections or over one as long as it is kept."""

    def __init__(self, port, keeps):
        super().__init__(daemon=True)
        self.port, self.keeps = port, keeps
        self.answered, self.lost, self.stopped = 0, [], False

    def run(self):
        connection = None
        while not self.stopped:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("GET", "/healthz", headers={} if self.keeps else {"Connection": "close"})
                response = connection.getresponse()
                response.read()
                assert response.status == 200, response.status
                self.answered += 1
                if response.will_close:
                    connection = None
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.lost.append(repr(error))
                connection = None


def test_a_restart_under_load_loses_no_request(own_server):
    """The next process listens at the same port before the one before it is told to end."""
    running = own_server("--share-port")
    port = running.port
    load = [Load(port, keeps=number % 2 == 0) for number in range(6)]
    for client in load:
        client.start()
    for _ in range(5):
        following = own_server("--share-port", "--port", str(port))
        assert following.port == port
        answered = [client.answered for client in load]
        assert running.stop(timeout=40) == 0
        wait_until(lambda: all(now.answered > before for now, before in zip(load, answered)))
        running = following
    for client in load:
        client.stopped = True
    for client in load:
        client.join(60)
    assert [fault for client in load for fault in client.lost] == []
    assert sum(client.answered for client in load) > 100


def test_a_server_out_of_descriptors_goes_on_serving(own_server):
    running = own_server(
        "--event-loops", "1", before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    )
    question = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    connections = [running.connect(timeout=20) for _ in range(60)]
    statuses = []
    for connection in connections:
        try:
            connection.sendall(question)
            statuses.append(int(connection.recv(4096).split()[1]))
        except (OSError, IndexError):
            statuses.append(None)
    assert statuses[0] == 200 and statuses.count(200) > 10
    assert 503 in statuses, "who finds no room is told so"
    # Who is in is served on, and room is made by who leaves.
    served = [connection for connection, status in zip(connections, statuses) if status == 200]
    for connection in served:
        connection.sendall(question)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    for connection in connections:
        connection.close()
    wait_until(lambda: asked(running) == 200)
    assert running.stop() == 0


def asked(running):
    try:
        return get(running, "/healthz").status
    except (OSError, http.client.HTTPException):
        return None


def test_a_client_killed_under_load(own_server):
    running = own_server()
    command = ["wrk", "-t1", "-c32", "-d30s", "-s", str(ROOT / "Benchmarks/wrk.lua"), f"{running.url}/convolve"]
    for _ in range(3):
        load = subprocess.Popen([*command, "--", json.dumps(SMALL_PROBLEM)], stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        load.kill()
        load.wait()
        assert get(running, "/healthz").status == 200
    assert running.stop() == 0


def descriptors(running):
    return len(os.listdir(f"/proc/{running.process.pid}/fd"))


def test_connections_leave_no_descriptor_behind(own_server):
    running = own_server()
    assert get(running, "/healthz").status == 200
    before = descriptors(running)
    for _ in range(100):
        running.connect().close()
        assert get(running, "/healthz").status == 200
    deadline = time.monotonic() + 5
    while descriptors(running) > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert descriptors(running) <= before


def resident_megabytes(running):
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000


def test_the_memory_of_a_burst_comes_back(own_server):
    running = own_server()
    before = resident_megabytes(running)
    body = json.dumps({"image": [[1.5] * 512] * 512, "filter": [[1, 2], [3, 4]]}).encode()
    with ThreadPoolExecutor(64) as clients:
        answers = list(clients.map(lambda _: call(running, "POST", "/convolve", body), range(128)))
    assert {answer.status for answer in answers} == {200}
    deadline = time.monotonic() + 30
    while resident_megabytes(running) > before + 40 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert resident_megabytes(running) <= before + 40


def test_a_port_in_use_is_a_clear_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run("serve", "--port", port)
    assert ended.returncode != 0
    assert port in ended.stderr
    assert "in use" in ended.stderr


def test_a_second_server_on_the_same_port_is_refused(server):
    """SO_REUSEPORT alone would let both serve, each a part of the connections."""
    ended = run("serve", "--port", str(server.port))
    assert ended.returncode != 0
    assert "in use" in ended.stderr


def test_an_address_of_another_machine_is_a_clear_error():
    ended = run("serve", "--host", "192.0.2.1", "--port", "0")
    assert ended.returncode != 0
    assert "192.0.2.1" in ended.stderr


@pytest.mark.parametrize("command", [[], ["serve"], ["health"], ["bench"]])
def test_help(command):
    shown = run(*command, "--help")
    assert shown.returncode == 0
    assert "USAGE: convcheck" in shown.stdout
    assert len(shown.stdout) > 300, "help worth reading"


def test_help_names_flags_and_variables():
    shown = run("serve", "--help").stdout
    for name in ["--host", "--port", "CONVCHECK_HOST", "CONVCHECK_PORT", "127.0.0.1", "8080", "CONVCHECK_SHARE_PORT"]:
        assert name in shown


def test_serve_is_the_default(tmp_path):
    with open(tmp_path / "out", "wb") as output:
        process = subprocess.Popen([str(BINARY), "--host", "127.0.0.1", "--port", "0"], stdout=output)
    deadline = time.monotonic() + 10
    while b"convcheck serves on" not in (tmp_path / "out").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    assert process.wait(10) == 0
    assert b"convcheck serves on" in (tmp_path / "out").read_bytes()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_health_of_a_running_server(server, host):
    """0.0.0.0 is what a container listens on; the probe asks the loopback address then."""
    ended = run("health", environment={"CONVCHECK_HOST": host, "CONVCHECK_PORT": str(server.port)})
    assert ended.returncode == 0, ended.stderr


def test_health_where_nothing_serves():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ended = run("health", environment={"CONVCHECK_PORT": str(unused.getsockname()[1])})
    assert ended.returncode == 1
    assert ended.stderr


def test_health_of_a_server_that_never_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        ended = run("health", environment={"CONVCHECK_PORT": str(silent.getsockname()[1])}, timeout=15)
    assert ended.returncode == 1


def test_variables_are_read_and_flags_win(own_server, tmp_path):
    # `own_server` passes `--port 0`; the variable alone would be refused.
    assert get(own_server(environment={"CONVCHECK_PORT": "1"}), "/healthz").status == 200


@pytest.mark.parametrize("value", ["", "eighty", "-1", "65536", "99999999999999999999", "80 80", "0x50"])
def test_bad_variables_are_named(value):
    ended = run("serve", environment={"CONVCHECK_PORT": value})
    assert ended.returncode != 0
    assert "CONVCHECK_PORT" in ended.stderr


@pytest.mark.parametrize("arguments", [["serve", "--port", "eighty"], ["serve", "--prot", "1"], ["fly"]])
def test_bad_arguments_are_named(arguments):
    ended = run(*arguments)
    assert ended.returncode != 0
    assert arguments[-1] in ended.stderr or arguments[1] in ended.stderr
