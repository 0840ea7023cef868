"""The servers that are attacked, what is said of them, and what they must never do."""

import http.client
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path

from conversations import HOST
from server import Server

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
FAULTS = []


def row(phase, what, value):
    print(f"{phase:11} {what:47} {value}", flush=True)


def fault(phase, what):
    FAULTS.append(f"{phase}: {what}")
    row(phase, "FAULT", what)


def post(path, body, length=None, fields=""):
    """The bytes of a request with a body, which may be announced longer than it is."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{fields}"
    return f"{head}Content-Length: {length or len(body)}\r\n\r\n".encode() + body


# The server.


class Place:
    """Where the servers of a run come from: the binary, a certificate and a folder for what is written."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.started = binary, Path(folder), []
        self.certificate, self.key = self.folder / "certificate.pem", self.folder / "key.pem"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90"
        names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:{HOST}"]
        names += ["-out", self.certificate, "-keyout", self.key]
        subprocess.run([*command.split(), *names], check=True, capture_output=True)
        self.tls = ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def start(self, *flags, port=None):
        with open(self.folder / "log", "ab") as log:
            server = Server(self.binary, flags=["--access-log", "off", *flags], port=port, log=log)
        self.started.append(server)
        return server

    def health(self, server):
        if server.url.startswith("https"):
            connection = http.client.HTTPSConnection(HOST, server.port, timeout=30, context=self.context())
        else:
            connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return repr(error)

    def stop(self, phase, server):
        """Ends a server that must still be well."""
        if (status := self.health(server)) != 200:
            fault(phase, f"/healthz afterwards: {status}")
        try:
            ended = server.stop()
        except subprocess.TimeoutExpired:
            server.process.kill()
            ended = server.process.wait()
        if ended != 0:
            fault(phase, f"the server ended with {ended}: {(self.folder / 'log').read_text()[-2000:]}")

    def kill_the_rest(self):
        for server in self.started:
            if server.process.poll() is None:
                server.process.kill()

    @contextmanager
    def server(self, phase, *flags):
        server = self.start(*flags)
        try:
            yield server
        finally:
            self.stop(phase, server)
