"""Every case of conformance.py over a raw socket, against convcheck and against echo."""

import json
import re
import socket
import time

import pytest
from conformance import BODY, CASES, CLOSES, EITHER, HALF, STAYS, WHOLE, ToHead

# Long enough for any machine: only a server that hangs gets here.
HANG = 30
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [\x20-\x7e]+\r\n")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)\r\n")
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT")


class Wire:
    """A raw connection; answers are read by the grammar of RFC 9112 and by nothing else."""

    def __init__(self, server):
        self.socket = server.connect(timeout=HANG)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, text, piece=None):
        data = text.encode("latin-1")
        try:
            for start in range(0, len(data), piece or len(data)):
                self.socket.sendall(data[start : start + (piece or len(data))])
        except (BrokenPipeError, ConnectionResetError):
            pass  # The server has said its last word; what it was is read below.

    def answer(self, to_head=False):
        line = self.file.readline()
        assert (found := STATUS_LINE.fullmatch(line)), f"no status line: {line!r}"
        status, fields = int(found[1]), {}
        while (line := self.file.readline()) != b"\r\n":
            assert (field := FIELD.fullmatch(line)), f"no field: {line!r}"
            name = field[1].decode().lower()
            assert name not in fields, f"{name} twice"
            fields[name] = field[2].decode()
        if status == 100:
            assert fields == {}
            return status, fields, b""
        assert DATE.fullmatch(fields["date"])
        if status == 204:
            assert "content-length" not in fields
            return status, fields, b""
        length = int(fields["content-length"])
        body = b"" if to_head else self.file.read(length)
        assert to_head or len(body) == length, "the body is cut short"
        if status == 405:
            assert "allow" in fields
        return status, fields, body

    def is_ended(self):
        """Whether the server sends nothing more. A reset would have been able to destroy the answer: it is no good end."""
        return self.file.read() == b""

    def close(self):
        self.file.close()
        self.socket.close()


def is_right(body, echoes):
    """Whether the body of a 200 is the one that belongs to a request of the table."""
    if echoes:
        return body in {b"", BODY.encode(), b"hello"}
    answer = json.loads(body)
    return answer.get("result") == [[3, 6]] or answer.get("status") == "ok"


def run(server, case, echoes, piece=None):
    translate = (lambda text: text.replace("/healthz", "/").replace("/convolve", "/")) if echoes else str
    wire = Wire(server)
    fields = {}
    previous = None
    for step in case.steps:
        if step is HALF:
            wire.socket.shutdown(socket.SHUT_WR)
        elif isinstance(step, str):
            if isinstance(previous, str):
                time.sleep(0.001)  # So that most writes arrive by themselves; every way they arrive is right.
            wire.send(translate(step), piece)
        else:
            to_head = isinstance(step, ToHead)
            status, fields, body = wire.answer(to_head)
            assert status in step, f"{status}, not {set(step)}: {body!r}"
            assert status != 200 or to_head or is_right(body, echoes), body
        previous = step
    closes = "close" in fields.get("connection", "").lower()
    if case.then == CLOSES and HALF not in case.steps:
        assert closes, "the answer does not say that it is the last"
    if case.then == CLOSES or case.then == EITHER and closes:
        assert wire.is_ended(), "bytes behind the last answer"
    else:
        assert case.then != STAYS or not closes, "the answer says that it is the last"
        wire.send(translate(WHOLE))
        assert wire.answer()[0] == 200
    wire.close()


def rows(echoes):
    return [
        pytest.param(case, id=f"{theme}: {case.name} [{case.section}]")
        for theme, cases in CASES.items()
        for case in cases
        if not (echoes and case.routes)
    ]


@pytest.mark.parametrize("case", rows(echoes=False))
def test_convcheck(server, case):
    run(server, case, echoes=False)


# Whether the body is here when the head is whole, and 100 is left out, depends on the cut.
WHOLE_ONLY = CASES["Expect"]


@pytest.mark.parametrize("case", [row for row in rows(echoes=True) if row.values[0] not in WHOLE_ONLY])
def test_echo_in_pieces(echo_server, case):
    """However the bytes are cut, they mean the same."""
    run(echo_server, case, echoes=True, piece=max(5, sum(len(s) for s in case.steps if isinstance(s, str)) // 400))


@pytest.mark.parametrize("case", rows(echoes=True))
def test_echo(echo_server, case):
    run(echo_server, case, echoes=True)


def test_there_are_enough_cases():
    assert sum(map(len, CASES.values())) >= 200
