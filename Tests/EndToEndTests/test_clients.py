"""Clients that people really use: curl, http.client, urllib and wrk."""

import http.client
import json
import shutil
import subprocess
import urllib.request

import numpy as np
import pytest
from support import RESULT_4X4, ROOT, SMALL_PROBLEM, call_on, encode


def curl(server, *arguments, standard_input=None):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "60", *arguments],
        input=standard_input,
        capture_output=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_curl_json(server):
    answer = json.loads(curl(server, "--json", json.dumps(SMALL_PROBLEM), f"{server.url}/convolve"))
    assert answer["result"] == RESULT_4X4


def test_curl_waits_for_continue_before_a_big_body(server, tmp_path):
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"image": [[1.5] * 512] * 512, "filter": [[2]], "encoding": "base64"}))
    verbose = subprocess.run(
        ["curl", "--silent", "--verbose", "--max-time", "60", "--expect100-timeout", "30"]
        + ["--header", "Content-Type: application/json", "--header", "Expect: 100-continue"]
        + ["--data-binary", f"@{body}", f"{server.url}/convolve"],
        capture_output=True,
        timeout=90,
    )
    assert b"100 Continue" in verbose.stderr
    answer = json.loads(verbose.stdout)
    assert answer["shape"] == [512, 512]
    assert answer["result"]["shape"] == [512, 512]


def test_curl_is_told_before_it_sends_a_body_nobody_wants(server, tmp_path):
    body = tmp_path / "body.json"
    body.write_bytes(b" " * 2_000_000)
    head = curl(
        server,
        *["--dump-header", "-", "--output", "/dev/null", "--expect100-timeout", "30"],
        *["--header", "Expect: 100-continue", "--header", "Content-Type: text/plain"],
        *["--data-binary", f"@{body}", f"{server.url}/convolve"],
    ).decode()
    assert head.startswith("HTTP/1.1 415"), head


def test_curl_chunked_upload(server):
    answer = curl(
        server,
        *["--header", "Transfer-Encoding: chunked", "--header", "Content-Type: application/json"],
        *["--data-binary", "@-", f"{server.url}/convolve"],
        standard_input=json.dumps(SMALL_PROBLEM).encode(),
    )
    assert json.loads(answer)["result"] == RESULT_4X4


@pytest.mark.parametrize("path", ["/formulations", "/healthz", "/readyz", "/openapi.yaml"])
def test_curl_head(server, path):
    body = curl(server, f"{server.url}{path}")
    head = curl(server, "--head", f"{server.url}{path}").decode()
    assert head.startswith("HTTP/1.1 200")
    assert f"content-length: {len(body)}\r\n" in head.lower()


def test_curl_reuses_its_connection(server):
    urls = [f"{server.url}/healthz"] * 5
    counted = curl(server, "--write-out", "%{num_connects}\\n", *[p for u in urls for p in ("--output", "/dev/null", u)])
    assert [int(line) for line in counted.split()] == [1, 0, 0, 0, 0]


def test_curl_speaks_http_1_0(server):
    head = curl(server, "--http1.0", "--include", f"{server.url}/healthz").decode()
    assert head.split()[1] == "200"


def test_options(server):
    head = curl(server, "--request", "OPTIONS", "--include", f"{server.url}/convolve").decode()
    allow = [line for line in head.splitlines() if line.lower().startswith("allow:")][0]
    assert {"POST", "OPTIONS"} <= {name.strip() for name in allow.split(":")[1].split(",")}


def test_http_client_keeps_its_connection(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.connect()
    socket_used = connection.sock
    for scale in range(1, 60):
        document = {"image": [[scale, 2], [3, 4]], "filter": [[scale]]}
        answer = call_on(connection, "POST", "/convolve", json.dumps(document).encode())
        assert answer.json()["result"] == [[scale * scale, 2 * scale], [3 * scale, 4 * scale]]
        assert answer.headers["Date"].endswith(" GMT")
        assert "Server-Timing" in answer.headers
        assert connection.sock is socket_used
    connection.close()


def test_http_client_sends_an_iterator_as_chunks(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    body = json.dumps(SMALL_PROBLEM).encode()
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))
    connection.request(
        "POST", "/convolve", body=pieces, headers={"Content-Type": "application/json"}, encode_chunked=True
    )
    assert json.loads(connection.getresponse().read())["result"] == RESULT_4X4
    connection.close()


def test_urllib(server):
    asked = urllib.request.Request(
        f"{server.url}/convolve",
        data=json.dumps(SMALL_PROBLEM | {"image": encode(np.array(SMALL_PROBLEM["image"], "float32"))}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as response:
        assert json.load(response)["shape"] == [4, 4]


@pytest.mark.parametrize("body", [None, json.dumps(SMALL_PROBLEM)], ids=["get", "post"])
def test_wrk_sees_no_error(server, body):
    path, arguments = ("/healthz", []) if body is None else ("/convolve", ["--", body])
    done = subprocess.run(
        [shutil.which("wrk"), "-t1", "-c16", "-d2s", "-s", str(ROOT / "Benchmarks/wrk.lua"), server.url + path, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["requests"] > 0
    assert summary["errors"] == {"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0}
