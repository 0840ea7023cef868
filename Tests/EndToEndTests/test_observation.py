"""What is noted of a request: its name, the admin port, metrics and the log."""

import http.client
import json
import os
import re
import signal
import socket
import time

import pytest
from access import BODY, HEALTH, TOKENS, bearer, json_lines, log_of, raw, requests_in, wait_for
from support import IMAGE_5X5, SMALL_PROBLEM, assert_problem, call, call_on, get, post, run

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"

# Names of requests


@pytest.mark.parametrize("name", ["a", "7f3c-2.b_x~", "x" * 128])
def test_a_request_keeps_its_name(server, name):
    assert get(server, "/healthz", **{"X-Request-Id": name}).headers.get_all("X-Request-Id") == [name]
    assert get(server, "/nothing", **{"X-Request-Id": name}).headers["X-Request-Id"] == name
    too_long = get(server, "/healthz", **{"X-Request-Id": name, "Content-Length": "7" * 19})
    assert too_long.status == 400 and too_long.headers["X-Request-Id"] != name, "no head could be read"
    refused = call(server, "POST", "/convolve", None, {"X-Request-Id": name, "Content-Length": str(2**40)})
    assert refused.status == 413 and refused.headers["X-Request-Id"] == name


@pytest.mark.parametrize("name", ["", "a b", "a,b", "x" * 129, "caf\u00e9", '"quoted"', "a;b=c"])
def test_a_name_that_is_none_is_replaced(server, name):
    answers = [get(server, "/healthz", **{"X-Request-Id": name.encode("latin-1")}) for _ in range(2)]
    names = [answer.headers["X-Request-Id"] for answer in answers]
    assert all(re.fullmatch(r"[0-9a-f]{32}", made) for made in names) and names[0] != names[1]


def test_names_go_their_own_ways_in_a_pipeline(server):
    question = b"".join(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: n%d\r\n\r\n" % n for n in range(50))
    answer = raw(server, question + b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    names = re.findall(rb"\r\nX-Request-Id: (\w+)\r\n", answer)
    assert names[:50] == [b"n%d" % n for n in range(50)] and len(names[50]) == 32


def test_a_trace_goes_on(server):
    spans = set()
    for _ in range(20):
        returned = get(server, "/healthz", Traceparent=TRACEPARENT).headers["traceparent"]
        found = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", returned)
        assert found and int(found[1], 16) != 0
        spans.add(found[1])
    assert len(spans) == 20 and "b7ad6b7169203331" not in spans


@pytest.mark.parametrize(
    "value",
    ["", "00", TRACEPARENT.upper(), TRACEPARENT + "-x", "ff" + TRACEPARENT[2:], TRACEPARENT.replace(TRACE, "0" * 32)],
)
def test_a_trace_that_is_none_is_ignored(server, value):
    answer = get(server, "/healthz", Traceparent=value)
    assert answer.status == 200 and "traceparent" not in answer.headers


# The admin port


def admin_of(running):
    """The admin port, as a server that can be asked."""
    host, port = re.search(r"metrics and health on http://([0-9.]+):(\d+)\s", running.log.read_text()).groups()
    return type("Admin", (), {"host": host, "port": int(port)})


def test_the_admin_port_has_metrics_and_health_and_the_main_one_no_metrics(own_server, token_file):
    running = own_server("--admin-port", "0", "--token-file", str(token_file))
    admin = wait_for(lambda: admin_of(running))
    assert admin.port != running.port
    for path in HEALTH + ["/metrics"]:
        assert get(admin, path).status == 200, "no token is needed there"
    for path in ["/convolve", "/formulations", "/openapi.yaml", "/"]:
        problem = assert_problem(get(admin, path), 404)
        assert problem["detail"].endswith("there are /healthz, /readyz, /metrics.")
    assert assert_problem(get(running, "/metrics", **bearer()), 404)["detail"].count("/metrics") == 1
    assert get(running, "/healthz").status == 200
    assert call(admin, "OPTIONS", "*").headers["Allow"] == "GET, HEAD, OPTIONS"
    # What the main port does is seen there.
    assert call(running, "POST", "/convolve", BODY, bearer()).status == 200
    assert metrics(admin)['convcheck_verdicts_total{route="/convolve",outcome="equivalent"}'] == 1


def test_the_admin_port_answers_while_the_server_drains_and_when_it_is_full(own_server):
    running = own_server("--admin-port", "0", "--max-connections", "1", "--drain-delay", "3")
    admin = wait_for(lambda: admin_of(running))
    with running.connect() as taken:
        taken.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert taken.recv(1000)
        assert get(running, "/formulations").status == 503
        assert get(admin, "/readyz").status == 200
        wait_for(lambda: metrics(admin)["convcheck_connections_refused_total"] > 0)
        running.process.send_signal(signal.SIGTERM)
        wait_for(lambda: get(admin, "/readyz").status == 503)
        assert get(admin, "/healthz").status == 200
    assert running.process.wait(30) == 0


def test_an_admin_port_in_use_is_a_clear_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run("serve", "--port", "0", "--admin-port", port)
    assert ended.returncode == 1 and port in ended.stderr and "in use" in ended.stderr


@pytest.mark.parametrize("value", ["", "admin", "-1", "65536", "+5"])
def test_a_bad_admin_port_is_named(value):
    ended = run("serve", f"--admin-port={value}")
    assert ended.returncode != 0 and "--admin-port" in ended.stderr
    ended = run("serve", environment={"CONVCHECK_ADMIN_PORT": value})
    assert ended.returncode != 0 and "CONVCHECK_ADMIN_PORT" in ended.stderr


# Metrics

SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.]+|[+-]Inf|NaN)'
)


def parsed(text):
    """Samples by name and labels, after a strict reading of the text format 0.0.4."""
    assert text.endswith("\n")
    samples, kinds, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert family not in kinds, f"{family} twice"
            assert line.split(" ", 3)[3]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            stem = re.sub(r"_(bucket|sum|count)$", "", found[1]) if kinds.get(family) == "histogram" else found[1]
            assert stem == family, f"{line} stands in {family}"
            key = line.rpartition(" ")[0]
            assert key not in samples, f"{key} twice"
            samples[key] = float(found[3])
    return samples, kinds


def metrics(server, **headers):
    answer = get(server, "/metrics", **headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(answer.body.decode())[0]


def test_metrics_count_what_happens(own_server):
    running = own_server()
    before = metrics(running)
    for _ in range(3):
        assert post(running, SMALL_PROBLEM).status == 200
    wrong = {"image": IMAGE_5X5, "filter": [[1]], "candidate": [[0.0] * 5] * 5}
    assert post(running, wrong, "/verify").json()["verdict"] == "refuted"
    assert post(running, b"{").status == 400
    assert get(running, "/nothing/at/all").status == 404
    assert raw(running, b"GET / a b HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    after = metrics(running)
    grown = {key: value - before[key] for key, value in after.items()}
    assert grown['convcheck_http_requests_total{route="/convolve",status="2xx"}'] == 3
    assert grown['convcheck_http_requests_total{route="/convolve",status="4xx"}'] == 1
    assert grown['convcheck_http_requests_total{route="/verify",status="2xx"}'] == 1
    assert grown['convcheck_http_requests_total{route="other",status="4xx"}'] == 2
    assert grown['convcheck_http_requests_total{route="/metrics",status="2xx"}'] == 1
    assert grown['convcheck_verdicts_total{route="/convolve",outcome="equivalent"}'] == 3
    assert grown['convcheck_verdicts_total{route="/verify",outcome="refuted"}'] == 1
    assert grown['convcheck_http_request_duration_seconds_count{route="/convolve"}'] == 4
    assert grown['convcheck_http_request_duration_seconds_bucket{route="/convolve",le="+Inf"}'] == 4
    assert 0 < grown['convcheck_http_request_duration_seconds_sum{route="/convolve"}'] < 60
    assert grown["convcheck_connections_accepted_total"] == 8
    assert grown["convcheck_http_received_bytes_total"] > 3 * len(BODY)
    assert grown["convcheck_http_sent_bytes_total"] > 1000
    assert after["convcheck_workers"] >= 1 and after["convcheck_queue_length"] == 0
    assert after["convcheck_connections_open"] >= 1
    assert after["process_resident_memory_bytes"] > 1 << 20
    assert abs(after["process_start_time_seconds"] - time.time()) < 600
    assert after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"] > 0
    assert [value for key, value in after.items() if key.startswith("convcheck_build_info{")] == [1]


def test_buckets_of_a_histogram_never_fall(server):
    samples = metrics(server)
    kinds = parsed(get(server, "/metrics").body.decode())[1]
    assert kinds["convcheck_http_request_duration_seconds"] == "histogram"
    rows = {}
    for key, value in samples.items():
        if "_bucket{" in key:
            route = re.search(r'route="([^"]*)"', key)[1]
            rows.setdefault(route, []).append((float(re.search(r'le="([^"]*)"', key)[1]), value))
    assert len(rows) > 10
    for row in rows.values():
        assert row == sorted(row) and row[-1][0] == float("inf")
        assert [value for _, value in row] == sorted(value for _, value in row)


def test_no_client_makes_new_metrics(server):
    before = set(metrics(server))
    for path in ["/a", "/b", "/metrics/x", "/convolve?route=new", '/%22%0A"']:
        get(server, path)
        call(server, "FLY", path)
    assert set(metrics(server)) == before


@pytest.mark.parametrize(
    "accept, status",
    [
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", 200),
        ("text/plain", 200),
        ("application/json", 406),
    ],
)
def test_metrics_are_text(server, accept, status):
    assert get(server, "/metrics", Accept=accept).status == status


def test_a_request_whose_client_leaves_is_counted_and_logged(own_server):
    running = own_server("--log-format", "json")
    with running.connect() as connection:
        connection.sendall(b"POST /convolve HTTP/1.1\r\nHost: a\r\nX-Request-Id: left\r\nContent-Length: 1000\r\n\r\n{")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        time.sleep(0.2)
    line = wait_for(lambda: [line for line in requests_in(running) if line["request_id"] == "left"])[0]
    assert line["status"] is None and line["bytes"] == 0
    assert metrics(running)['convcheck_http_requests_total{route="/convolve",status="none"}'] == 1


# The log

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_line_for_each_request_in_json(own_server, token_file):
    running = own_server("--log-format", "json", "--token-file", str(token_file))
    secret = {"image": [[1234567.5, 2], [3, 4]], "filter": [[7654321.25]]}
    named = {"X-Request-Id": "one", "traceparent": TRACEPARENT}
    answer = call(running, "POST", "/convolve", json.dumps(secret).encode(), bearer() | named)
    assert answer.status == 200
    get(running, "/formulations?image=1x1x7771x7772", **{"X-Request-Id": "two"}, **bearer("wrong-token-shown"))
    get(running, '/a"b\\c/' + "x" * 300, **{"X-Request-Id": "three"}, **bearer())
    raw(running, b"GET /\x01 HTTP/1.1\r\nHost: secret-host\r\n\r\n")
    lines = wait_for(lambda: len(found := requests_in(running)) >= 4 and found)
    assert len(lines) == 4
    for line in lines:
        assert re.fullmatch(TIME, line["time"]) and line["level"] == "info"
        assert re.fullmatch(r"127\.0\.0\.1:\d+", line["peer"])
        assert 0 <= line["seconds"] < 60
    one, two, three, bad = lines
    assert (one["method"], one["path"], one["status"], one["request_id"]) == ("POST", "/convolve", 200, "one")
    assert (one["trace_id"], one["parent_id"]) == (TRACE, "b7ad6b7169203331")
    assert f"-{one['span_id']}-" in answer.headers["traceparent"]
    head = sum(len(f"{name}: {value}\r\n") for name, value in answer.headers.items())
    assert one["bytes"] == len("HTTP/1.1 200 OK\r\n") + head + 2 + len(answer.body)
    assert (two["path"], two["status"], two["request_id"]) == ("/formulations", 401, "two")
    assert "trace_id" not in two
    assert three["path"] == '/a"b\\c/' + "x" * 121 + "..." and three["status"] == 404
    assert (bad["method"], bad["path"], bad["status"]) == ("-", "-", 400)
    assert re.fullmatch("[0-9a-f]{32}", bad["request_id"])
    assert running.stop() == 0
    for word in [*TOKENS, "wrong-token", "7771", "1234567", "7654321", "secret-host", "Bearer"]:
        assert word not in running.output()
    assert [line["message"] for line in json_lines(running)][-1] == "draining"


def test_a_line_for_each_request_as_text(own_server):
    running = own_server()
    get(running, "/healthz", **{"X-Request-Id": "one", "traceparent": TRACEPARENT})
    line = wait_for(lambda: log_of(running))
    assert re.fullmatch(
        TIME + r" info request peer=127\.0\.0\.1:\d+ method=GET path=/healthz status=200 bytes=\d+ seconds=0\.\d{6}"
        rf" request_id=one trace_id={TRACE} span_id=[0-9a-f]{{16}} parent_id=b7ad6b7169203331\n",
        line,
    )


def test_lines_of_errors_alone(own_server):
    running = own_server("--log-format", "json", environment={"CONVCHECK_ACCESS_LOG": "errors"})
    get(running, "/healthz")
    get(running, "/nothing")
    assert wait_for(lambda: requests_in(running))[0]["path"] == "/nothing"
    assert running.stop() == 0
    assert len(requests_in(running)) == 1


def test_no_line_for_any_request(own_server):
    running = own_server("--access-log", "off")
    get(running, "/nothing")
    assert running.stop() == 0
    assert "nothing" not in log_of(running) and "draining" in log_of(running)


@pytest.mark.parametrize("option, value", [("log-format", "xml"), ("access-log", "yes"), ("log-level", "loud")])
def test_bad_log_options_are_named(option, value):
    ended = run("serve", f"--{option}={value}")
    assert ended.returncode != 0 and f"--{option}" in ended.stderr and "one of" in ended.stderr
    variable = f"CONVCHECK_{option.upper().replace('-', '_')}"
    assert variable in run("serve", environment={variable: value}).stderr


def test_a_full_pipe_holds_up_nobody(own_server, tmp_path):
    """Nobody reads standard error: requests are answered all the same, and what is missing is counted."""
    reading, writing = os.pipe()
    try:
        running = own_server("--log-format", "json", before=lambda: os.dup2(writing, 2))
        connection = http.client.HTTPConnection(running.host, running.port, timeout=20)
        path = "/" + "x" * 128
        for _ in range(8000):
            assert call_on(connection, "GET", path).status == 404
        connection.close()
        # The pipe holds 64 KiB and the queue a mebibyte; 8000 lines of some 300 bytes are more than both.
        os.set_blocking(reading, False)
        text = b""
        deadline = time.monotonic() + 20
        while not re.search(rb'"lines dropped".*\n', text) and time.monotonic() < deadline:
            try:
                text += os.read(reading, 1 << 20)
            except BlockingIOError:
                time.sleep(0.01)
        lines = [json.loads(line) for line in text[: text.rindex(b"\n")].splitlines()]
        dropped = [line["count"] for line in lines if line["message"] == "lines dropped"]
        requests = sum(line["message"] == "request" for line in lines)
        assert dropped and dropped[0] + requests >= 7990
        assert wait_for(lambda: metrics(running)["convcheck_log_lines_dropped_total"]) >= dropped[0]
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_help_names_what_there_is():
    shown = run("serve", "--help").stdout
    for name in ["token-file", "cors-origin", "admin-host", "admin-port", "log-format", "log-level", "access-log"]:
        assert f"--{name}" in shown and f"CONVCHECK_{name.upper().replace('-', '_')}" in shown
