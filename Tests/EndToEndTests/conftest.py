"""The one server that all tests share, and the check that no test ended it."""

import signal

import pytest
from access import TOKENS
from support import BINARY, ECHO, ROOT, Asker, Server, get


@pytest.fixture(scope="session")
def server():
    assert BINARY.exists(), f"{BINARY} is missing: run `make test`, or `swift build -c release`"
    running = Server(ROOT / ".build/end-to-end/server.log")
    yield running
    assert running.alive(), "the server died"
    assert running.stop(signal.SIGTERM) == 0, running.output()[-4000:]


@pytest.fixture(scope="session")
def echo_server():
    running = Server(ROOT / ".build/end-to-end/echo.log", command=(ECHO,))
    yield running
    assert running.alive(), "the server died"
    assert running.stop(signal.SIGTERM) == 0, running.output()[-4000:]


@pytest.fixture(autouse=True)
def survives(request):
    """After every test that uses the server, it still is the same process and answers."""
    yield
    if "server" in request.fixturenames:
        running = request.getfixturevalue("server")
        assert running.alive(), f"the server died: {running.output()[-4000:]}"
        assert get(running, "/healthz").status == 200


@pytest.fixture(scope="module")
def asker(server):
    """One kept-alive connection for all questions of a file."""
    asking = Asker(server)
    yield asking
    asking.close()


@pytest.fixture
def own_server(tmp_path):
    """Starts servers that a test may end or harm; whatever it leaves running is killed."""
    started = []

    def start(*arguments, **how):
        running = Server(tmp_path / f"server{len(started)}.log", *arguments, **how)
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()


@pytest.fixture
def token_file(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("# may come in\n\n" + "\n".join(TOKENS) + "\n")
    return file


@pytest.fixture
def guarded(own_server, token_file):
    return own_server("--token-file", str(token_file))
