"""README's commands print what README shows.

Every ```console block that begins with `$ curl` is run as it stands, with the port of the server under test. What
a run can't repeat is masked on both sides: the numbers of JSON fields whose name ends in `_seconds`, the durations
of `Server-Timing`, and the `Date`. JSON may be laid out more readably than the server sends it.
"""

import json
import re
import subprocess

import pytest
from support import ROOT, without_timing

README = ROOT / "README.md"


def commands():
    """The commands of README with the output shown for each."""
    found = []
    text = README.read_text() if README.exists() else ""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        if not block.startswith("$ curl"):
            continue
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, output = split_command(part)
            found.append(pytest.param(command, output, id=f"{len(found) + 1}"))
    return found


def split_command(text):
    """A command goes on while a line ends in a backslash or a quote is open; the rest is its output."""
    lines = text.splitlines()
    for count in range(1, len(lines) + 1):
        command = "\n".join(lines[:count])
        if not command.endswith("\\") and command.count("'") % 2 == 0:
            break
    return command, "\n".join(lines[count:])


def masked(output):
    output = output.replace("\r\n", "\n").strip()
    try:
        return without_timing(json.loads(output))
    except json.JSONDecodeError:
        pass
    output = re.sub(r'("\w+_seconds": ?)[-+.\deE]+', r"\1a time", output)
    output = re.sub(r"(dur=)[-+.\deE]+", r"\1a time", output)
    return re.sub(r"^(date: ).*$", r"\1a date", output, flags=re.M | re.I)


def test_readme_has_commands():
    assert len(commands()) >= 3


@pytest.mark.parametrize("command, shown", commands())
def test_a_command_prints_what_is_shown(server, tmp_path, command, shown):
    real = re.sub(r"(127\.0\.0\.1|localhost):8080", f"{server.host}:{server.port}", command)
    done = subprocess.run(["bash", "-c", real], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert masked(done.stdout) == masked(shown)
