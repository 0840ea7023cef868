"""Who asks and what is heard of it: tokens, and the server's log."""

import json
import time

from support import SMALL_PROBLEM

TOKENS = ["first-token-of-the-tests", "second.token~of+the/tests=="]
BODY = json.dumps(SMALL_PROBLEM).encode()
HEALTH = ["/healthz", "/readyz"]


def bearer(token=TOKENS[0], scheme="Bearer"):
    return {"Authorization": f"{scheme} {token}"}


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
