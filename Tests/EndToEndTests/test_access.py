"""Who may come in, what answers say of themselves, and what is noted of a request."""

import http.client
import json
import os
import re
import signal
import socket
import threading
import time

import pytest
from support import IMAGE_5X5, SMALL_PROBLEM, Server, assert_problem, call, call_on, get, post, run

TOKENS = ["first-token-of-the-tests", "second.token~of+the/tests=="]
PAGE = "https://page.example"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
BODY = json.dumps(SMALL_PROBLEM).encode()
HEALTH = ["/healthz", "/readyz"]
PRIVATE = ["/formulations", "/openapi.yaml", "/metrics", "/nothing", "/"]


def bearer(token=TOKENS[0], scheme="Bearer"):
    return {"Authorization": f"{scheme} {token}"}


@pytest.fixture
def token_file(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("# may come in\n\n" + "\n".join(TOKENS) + "\n")
    return file


@pytest.fixture
def guarded(own_server, token_file):
    return own_server("--token-file", str(token_file))


def raw(server, bytes_sent, timeout=20):
    """Everything that the server answers until it closes the connection."""
    with server.connect(timeout) as connection:
        connection.sendall(bytes_sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def wait_for(find, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
    return found


def log_of(server):
    return server.log.with_suffix(".err").read_text(errors="strict")


def json_lines(server):
    return [json.loads(line) for line in log_of(server).splitlines()]


def requests_in(server):
    return [line for line in json_lines(server) if line["message"] == "request"]


# Tokens


def test_without_a_token_file_everybody_comes_in(server):
    assert get(server, "/formulations").status == 200
    assert "WWW-Authenticate" not in get(server, "/nothing").headers


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER  "])
def test_a_token_lets_in(guarded, token, scheme):
    assert call(guarded, "POST", "/convolve", BODY, bearer(token, scheme)).status == 200
    assert get(guarded, "/metrics", **bearer(token, scheme)).status == 200


def test_health_needs_no_token(guarded):
    for path in HEALTH:
        assert get(guarded, path).status == 200
        assert get(guarded, path, **bearer("wrong")).status == 200


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_everything_else_does(guarded, path, method):
    answer = call(guarded, method, path)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="convcheck"', "no error where nothing was shown"


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer wrong",
        "Bearer " + TOKENS[0][:-1],
        "Bearer " + TOKENS[0] + "x",
        "Bearer " + TOKENS[0].upper(),
        "Bearer " + " ".join(TOKENS),
        "Bearer " + TOKENS[0] + ", Bearer " + TOKENS[1],
        "Bearer " + "x" * 5000,
        "Bearer # may come in",
    ],
)
def test_a_wrong_token_is_refused_by_name(guarded, credentials):
    answer = get(guarded, "/formulations", Authorization=credentials)
    problem = assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="convcheck", error="invalid_token"'
    assert credentials[7:] not in json.dumps(problem)


@pytest.mark.parametrize("credentials", ["Basic dXNlcjpwYXNz", TOKENS[0], "Bearer", "Bearer" + TOKENS[0], "Token x"])
def test_another_scheme_is_no_token(guarded, credentials):
    answer = get(guarded, "/formulations", Authorization=credentials)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="convcheck"'


def test_two_sets_of_credentials_are_none(guarded):
    line = b"Authorization: Bearer " + TOKENS[0].encode() + b"\r\n"
    for lines in [line + line, line + b"Authorization: Basic eDp5\r\n", b"Authorization: Bearer x\r\n" + line]:
        answer = raw(guarded, b"GET /formulations HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + lines + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_token_in_the_query_is_none(guarded):
    assert get(guarded, f"/formulations?access_token={TOKENS[0]}").status == 401


def test_who_has_no_token_is_refused_before_the_body(guarded):
    """Neither 100 Continue nor the limit of a body comes first."""
    head = b"POST /convolve HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    for more in [
        b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        b"Content-Length: 999999999999\r\n\r\n",
        b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]:
        assert raw(guarded, head + more).startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    with guarded.connect() as connection:
        authorized = b"Authorization: Bearer " + TOKENS[0].encode() + b"\r\n"
        connection.sendall(head + authorized + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_refused_request_leaves_the_connection_whole(guarded):
    connection = http.client.HTTPConnection(guarded.host, guarded.port, timeout=20)
    for _ in range(3):
        assert call_on(connection, "POST", "/convolve", BODY).status == 401
        assert call_on(connection, "POST", "/convolve", BODY, bearer()).status == 200
    connection.close()


@pytest.mark.parametrize(
    "content, word",
    [
        (b"", "no token"),
        (b"\n# only words\n\n", "no token"),
        (b"good-token\nnot a token\n", "line 2"),
        (b"x" * 257, "line 1"),
        (b"\xff\xfe", "line 1"),
        (b"\n".join(b"t%d" % n for n in range(101)), "100"),
        (b"#" * 70_000, "cannot read"),
    ],
)
def test_a_file_without_tokens_is_a_clear_error(tmp_path, content, word):
    file = tmp_path / "tokens"
    file.write_bytes(content)
    for ended in [
        run("serve", "--port", "0", "--token-file", str(file)),
        run("serve", "--port", "0", environment={"CONVCHECK_TOKEN_FILE": str(file)}),
    ]:
        assert ended.returncode == 1
        assert str(file) in ended.stderr and word in ended.stderr
        assert "good-token" not in ended.stderr and "not a token" not in ended.stderr


@pytest.mark.parametrize("path", ["/nowhere/tokens", "/", "/root/none"])
def test_a_file_that_cannot_be_read_is_a_clear_error(path):
    ended = run("serve", "--port", "0", "--token-file", path)
    assert ended.returncode == 1
    assert f"cannot read the token file {path}" in ended.stderr


def test_an_empty_name_of_a_token_file_is_no_way_to_have_none():
    assert "CONVCHECK_TOKEN_FILE" in run("serve", "--port", "0", environment={"CONVCHECK_TOKEN_FILE": ""}).stderr


def test_tokens_are_read_again_on_sighup(guarded, token_file):
    kept = http.client.HTTPConnection(guarded.host, guarded.port, timeout=20)
    assert call_on(kept, "GET", "/formulations", headers=bearer()).status == 200
    token_file.write_text("another-token\n")
    assert call_on(kept, "GET", "/formulations", headers=bearer()).status == 200, "not before it is told"
    guarded.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "tokens reloaded" in log_of(guarded))
    assert call_on(kept, "GET", "/formulations", headers=bearer()).status == 401
    assert call_on(kept, "GET", "/formulations", headers=bearer("another-token")).status == 200
    for content in [None, "", "no token at all\n"]:
        before = log_of(guarded).count("the old ones stay")
        if content is None:
            token_file.unlink()
        else:
            token_file.write_text(content)
        guarded.process.send_signal(signal.SIGHUP)
        wait_for(lambda: log_of(guarded).count("the old ones stay") > before)
        assert call_on(kept, "GET", "/formulations", headers=bearer("another-token")).status == 200
    kept.close()
    assert guarded.stop() == 0


def test_a_reload_under_load_loses_no_request(guarded, token_file):
    """The second token stays all the while: whoever has it never sees anything but 200."""
    stop, faults, answered = threading.Event(), [], [0] * 4

    def ask(number):
        connection = http.client.HTTPConnection(guarded.host, guarded.port, timeout=60)
        while not stop.is_set():
            try:
                answer = call_on(connection, "POST", "/convolve", BODY, bearer(TOKENS[1]))
                if answer.status != 200:
                    faults.append(answer.status)
                answered[number] += 1
            except (OSError, http.client.HTTPException) as error:
                faults.append(repr(error))
                return

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(20):
        replacement = token_file.with_suffix(".new")
        replacement.write_text(f"turn-{turn}\n{TOKENS[1]}\n")
        os.replace(replacement, token_file)
        guarded.process.send_signal(signal.SIGHUP)
        before = list(answered)
        wait_for(lambda: faults or all(now > then for now, then in zip(answered, before)))
        wait_for(lambda: get(guarded, "/formulations", **bearer(f"turn-{turn}")).status == 200)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert faults == []


def test_tokens_are_read_again_while_the_server_waits_to_drain(own_server, token_file):
    server = own_server("--token-file", str(token_file), "--drain-delay", "600")
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: get(server, "/readyz").status == 503)
    token_file.write_text("another-token-altogether\n")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: get(server, "/formulations", **bearer("another-token-altogether")).status == 200)
    assert server.stop() != 0


# Pages of other origins


def preflight(origin=PAGE, method="POST", headers="authorization,content-type"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return {name: value for name, value in asked.items() if value is not None}


def cors(answer):
    return {name for name in answer.headers if name.lower().startswith("access-control-")}


def test_no_page_may_read_answers_by_default(server):
    for answer in [
        get(server, "/healthz", Origin=PAGE),
        call(server, "OPTIONS", "/convolve", headers=preflight()),
        call(server, "POST", "/convolve", BODY, {"Origin": PAGE}),
    ]:
        assert answer.status in (200, 204) and cors(answer) == set() and "Vary" not in answer.headers


@pytest.fixture
def open_to_page(own_server, token_file):
    origins = ["--cors-origin", PAGE, "--cors-origin", "http://localhost:3000"]
    return own_server("--token-file", str(token_file), *origins)


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
def test_a_preflight_needs_no_token(open_to_page, origin):
    answer = call(open_to_page, "OPTIONS", "/convolve", headers=preflight(origin))
    assert answer.status == 204 and answer.body == b""
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "x-request-id", "traceparent"} <= set(allowed)
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Origin" in answer.headers.get_all("Vary")
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "asked", [preflight("https://strange.example"), preflight("null"), preflight(method=None), preflight(origin=None)]
)
def test_what_is_no_preflight_of_an_allowed_page_needs_one(open_to_page, asked):
    answer = call(open_to_page, "OPTIONS", "/convolve", headers=asked)
    assert answer.status == 401
    assert ("Access-Control-Allow-Origin" in answer.headers) == (asked.get("Origin") == PAGE)


def test_a_preflight_of_an_unknown_path_fails_and_the_page_may_read_why(open_to_page):
    answer = call(open_to_page, "OPTIONS", "/nothing", headers=preflight())
    assert_problem(answer, 404)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize(
    "ask, status",
    [
        (lambda s: call(s, "POST", "/convolve", BODY, {"Origin": PAGE} | bearer()), 200),
        (lambda s: call(s, "POST", "/convolve", b"{", {"Origin": PAGE} | bearer()), 400),
        (lambda s: call(s, "POST", "/convolve", BODY, {"Origin": PAGE}), 401),
        (lambda s: get(s, "/nothing", Origin=PAGE, **bearer()), 404),
        (lambda s: get(s, "/convolve", Origin=PAGE, **bearer()), 405),
    ],
)
def test_an_allowed_page_may_read_every_answer(open_to_page, ask, status):
    answer = ask(open_to_page)
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Max-Deviation", "X-Equivalent", "Server-Timing", "X-Request-Id"} <= set(exposed)
    assert "Origin" in answer.headers.get_all("Vary")


def test_a_strange_page_may_read_none_and_caches_are_told(open_to_page):
    for headers in [{"Origin": "https://strange.example"}, {}]:
        answer = get(open_to_page, "/healthz", **headers)
        assert answer.status == 200 and cors(answer) == set() and answer.headers.get_all("Vary") == ["Origin"]


def test_a_star_allows_every_page(own_server):
    running = own_server(environment={"CONVCHECK_CORS_ORIGIN": "*"})
    answer = get(running, "/healthz", Origin="https://whoever.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Vary" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert call(running, "OPTIONS", "/convolve", headers=preflight("null")).status == 204


def test_origins_in_the_variable_stand_side_by_side(own_server):
    running = own_server(environment={"CONVCHECK_CORS_ORIGIN": f"{PAGE} http://localhost:3000"})
    for origin in [PAGE, "http://localhost:3000"]:
        assert get(running, "/healthz", Origin=origin).headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("origin", ["page.example", "https://page.example/", "https://Page.example", "https://*.a", "null", ""])
def test_what_is_no_origin_is_a_clear_error(origin):
    for ended in [
        run("serve", "--port", "0", "--cors-origin", origin),
        run("serve", "--port", "0", "--cors-origin", PAGE, "--cors-origin", origin),
    ]:
        assert ended.returncode != 0 and "--cors-origin" in ended.stderr
    ended = run("serve", "--port", "0", "--cors-origin", "*", "--cors-origin", PAGE)
    assert ended.returncode != 0 and "alone" in ended.stderr


# What answers say of themselves


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: get(s, "/healthz"),
        lambda s: post(s, SMALL_PROBLEM),
        lambda s: post(s, b"{"),
        lambda s: get(s, "/nothing"),
        lambda s: get(s, "/convolve"),
        lambda s: get(s, "/healthz", X="a" * 30_000),
        lambda s: call(s, "POST", "/convolve", None, {"Content-Length": str(2**40)}),
        lambda s: call(s, "OPTIONS", "/convolve"),
        lambda s: call(s, "FLY", "/convolve"),
    ],
)
def test_every_answer_says_what_a_browser_may_make_of_it(server, ask):
    answer = ask(server)
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    assert answer.headers.get_all("Referrer-Policy") == ["no-referrer"]
    assert answer.headers.get_all("Cross-Origin-Resource-Policy") == ["same-origin"]
    assert answer.headers.get_all("Content-Security-Policy") == ["default-src 'none'; frame-ancestors 'none'"]
    assert len(answer.headers.get_all("X-Request-Id")) == 1


def test_a_picture_may_style_itself_and_do_nothing_else(server):
    question = json.dumps({"image": [4, 4], "filter": [2, 2]}).encode()
    answer = call(server, "POST", "/operator", question, {"Accept": "image/svg+xml"})
    if answer.status != 200:
        question = json.dumps({"image": [[1, 2], [3, 4]], "filter": [[1]]}).encode()
        answer = call(server, "POST", "/operator", question, {"Accept": "image/svg+xml"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/svg+xml"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "style-src 'unsafe-inline'" in policy and "sandbox" in policy
    assert "script-src" not in policy


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
