"""HTTPS as real clients speak it: Python's ssl and curl."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time

import pytest
import trustme
from support import SMALL_PROBLEM, run

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who vouches for servers and clients, with the file of its certificate."""
    authority = trustme.CA()
    authority.file = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(authority.file)
    return authority


def identity(authority, folder, name=HOST):
    """The options for a server with a new certificate of its own."""
    made = authority.issue_cert(name)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return ["--tls-certificate", str(certificate), "--tls-key", str(key)]


def context(authority, version=None, certificate=None):
    made = ssl.create_default_context(cafile=authority.file)
    made.set_alpn_protocols(["h2", "http/1.1"])
    if version:
        made.minimum_version = made.maximum_version = version
    if certificate:
        certificate.configure_cert(made)
    return made


def connect(port, context):
    connection = http.client.HTTPSConnection(HOST, port, context=context, timeout=30)
    connection.connect()
    return connection


def ask(connection, method="GET", path="/healthz", body=None):
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_answer_one_question_after_the_other(own_server, authority, tmp_path, version):
    server = own_server(*identity(authority, tmp_path))
    connection = connect(server.port, context(authority, version))
    assert connection.sock.version() == version.name.replace("TLSv1_", "TLSv1.")
    assert connection.sock.selected_alpn_protocol() == "http/1.1"
    for _ in range(3):
        assert ask(connection)[0] == 200
        status, body = ask(connection, "POST", "/convolve", json.dumps(SMALL_PROBLEM))
        assert status == 200 and json.loads(body)["equivalent"] is True


def test_a_megabyte_goes_both_ways(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path))
    rows = [[(31 * r + 7 * c) % 251 for c in range(512)] for r in range(512)]
    connection = connect(server.port, context(authority))
    for _ in range(2):
        status, body = ask(connection, "POST", "/convolve", json.dumps({"image": rows, "filter": [[1]]}))
        assert status == 200 and json.loads(body)["result"] == rows


def test_the_oldest_version_can_be_raised(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path), "--tls-minimum", "1.3")
    with pytest.raises(ssl.SSLError):
        connect(server.port, context(authority, ssl.TLSVersion.TLSv1_2))
    assert ask(connect(server.port, context(authority)))[0] == 200


def test_one_port_in_the_clear_and_one_within_tls(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path), "--tls-port", "0")
    secure = int(server.log.read_text().split("https://")[1].split()[0].rpartition(":")[2])
    assert ask(http.client.HTTPConnection(HOST, server.port, timeout=30))[0] == 200
    assert ask(connect(secure, context(authority)))[0] == 200
    assert server.stop() == 0


def test_only_clients_with_a_certificate_come_in(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path), "--tls-client-ca", str(authority.file))
    with pytest.raises((ssl.SSLError, OSError)):
        ask(connect(server.port, context(authority)))
    stranger = trustme.CA().issue_cert("client@example.org")
    with pytest.raises((ssl.SSLError, OSError)):
        ask(connect(server.port, context(authority, certificate=stranger)))
    friend = authority.issue_cert("client@example.org")
    assert ask(connect(server.port, context(authority, certificate=friend)))[0] == 200


def test_a_hang_up_brings_a_new_certificate_and_loses_no_connection(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path))
    old = connect(server.port, context(authority))
    serial = old.sock.getpeercert()["serialNumber"]
    assert ask(old)[0] == 200
    identity(authority, tmp_path)
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while connect(server.port, context(authority)).sock.getpeercert()["serialNumber"] == serial:
        assert time.monotonic() < deadline, "the certificate stays the same"
        time.sleep(0.05)
    assert ask(old)[0] == 200
    # What cannot be read changes nothing.
    (tmp_path / "key.pem").write_text("no key")
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while "key.pem" not in server.output():
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.05)
    assert ask(connect(server.port, context(authority)))[0] == 200
    assert ask(old)[0] == 200


def test_http_in_the_clear_is_told_so(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path))
    with socket.create_connection((HOST, server.port), timeout=30) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ") and b"HTTPS" in answer


def test_curl_resumes_and_stays_connected(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path))
    url = f"https://{HOST}:{server.port}/healthz"
    done = subprocess.run(
        ["curl", "-sS", "--cacert", authority.file, "-w", "%{http_code} %{num_connects} ", "-o", "/dev/null", url,
         "-o", "/dev/null", url],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.stdout.split() == ["200", "1", "200", "0"], done


@pytest.mark.parametrize("harm", ["no certificate", "no key", "another key", "no such file", "key alone", "port alone"])
def test_what_cannot_be_used_is_a_clear_error_at_start(authority, tmp_path, harm):
    options = identity(authority, tmp_path)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    if harm == "no certificate":
        certificate.write_text("nothing")
    elif harm == "no key":
        key.write_text("nothing")
    elif harm == "another key":
        key.write_bytes(authority.issue_cert(HOST).private_key_pem.bytes())
    elif harm == "no such file":
        key.unlink()
    elif harm == "key alone":
        options = options[2:]
    else:
        options = ["--tls-port", "0"]
    done = run("serve", "--port", "0", *options)
    assert done.returncode != 0 and "serves on" not in done.stdout
    words = {"no certificate": "certificate.pem", "key alone": "--tls-certificate", "port alone": "--tls-certificate"}
    assert words.get(harm, "key.pem") in done.stderr, done.stderr


def test_garbage_instead_of_a_handshake_harms_nobody(own_server, authority, tmp_path):
    server = own_server(*identity(authority, tmp_path))
    good = connect(server.port, context(authority))
    for first in (b"\x16\x03\x01\xff\xff" + bytes(600), b"\x00" * 100, b"\x16", bytes(range(256)) * 40):
        with socket.create_connection((HOST, server.port), timeout=30) as client:
            client.sendall(first)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        assert ask(good)[0] == 200


@pytest.mark.parametrize("way", ["flag", "environment"])
def test_the_health_of_a_server_within_tls(own_server, authority, tmp_path, way):
    options = identity(authority, tmp_path)
    port = {"CONVCHECK_PORT": str(own_server(*options).port)}
    if way == "flag":
        ended = run("health", "--tls", environment=port)
    else:
        variables = {"CONVCHECK_TLS_CERTIFICATE": options[1], "CONVCHECK_TLS_KEY": options[3]}
        ended = run("health", environment=port | variables)
    assert (ended.returncode, ended.stdout) == (0, "ok\n"), ended.stderr
    # In the clear it hears that this is a port for HTTPS.
    ended = run("health", environment=port)
    assert ended.returncode == 1 and "400" in ended.stderr


def test_the_health_within_tls_of_a_server_in_the_clear(server):
    ended = run("health", "--tls", environment={"CONVCHECK_PORT": str(server.port)})
    assert ended.returncode == 1 and "no answer" in ended.stderr


def test_a_server_of_two_ports_is_asked_for_its_health_in_the_clear(own_server, authority, tmp_path):
    options = identity(authority, tmp_path)
    server = own_server(*options, "--tls-port", "0")
    variables = {"CONVCHECK_TLS_CERTIFICATE": options[1], "CONVCHECK_TLS_KEY": options[3], "CONVCHECK_TLS_PORT": "1"}
    ended = run("health", environment={"CONVCHECK_PORT": str(server.port)} | variables)
    assert ended.returncode == 0, ended.stderr


def test_browsers_are_told_to_come_by_tls_only_where_that_is_asked_for(own_server, authority, tmp_path):
    options = identity(authority, tmp_path)
    for more, told in [((), None), (("--tls-hsts", "86400"), "max-age=86400")]:
        connection = connect(own_server(*options, *more).port, context(authority))
        for path in ["/healthz", "/nowhere"]:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.headers["Strict-Transport-Security"] == told


@pytest.mark.parametrize(
    "options, said",
    [
        (["--tls-hsts", "1"], "--tls-hsts needs --tls-certificate"),
        (["--tls-hsts", "-1"], "--tls-hsts"),
        (["--tls-hsts", "a day"], "--tls-hsts"),
        (["--tls-hsts", "1", "--tls-port", "0", "--tls-certificate", "a", "--tls-key", "b"], "beside --tls-port"),
    ],
)
def test_where_nothing_is_said_of_tls_only(options, said):
    ended = run("serve", *options)
    assert ended.returncode == 64 and said in ended.stderr, ended.stderr
