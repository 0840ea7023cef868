"""Who may come in, and what answers say of themselves."""

import http.client
import json
import os
import signal
import threading

import pytest
from access import BODY, HEALTH, TOKENS, bearer, log_of, raw, wait_for
from support import SMALL_PROBLEM, assert_problem, call, call_on, get, post, run

PAGE = "https://page.example"
PRIVATE = ["/formulations", "/openapi.yaml", "/metrics", "/nothing", "/"]

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
