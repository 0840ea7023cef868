"""The server that is measured, on a free port of the loopback address, with what /proc says about it."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
LISTENING = "0A"


def pinned(command, cores):
    """The command, kept on `cores` where that is possible."""
    if not cores or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", ",".join(map(str, cores)), *command]


def free_port():
    """A port that is free now, and named, so that the commands shown work again as they stand."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Server:
    """The server under measurement, with what /proc says about it."""

    def __init__(self, binary, cores=(), flags=(), port=None, log=subprocess.DEVNULL):
        self.port = port or free_port()
        command = [os.path.relpath(binary), "serve", "--host", "127.0.0.1", "--port", str(self.port), *flags]
        self.command = pinned(command, cores)
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)
        first_line = self.process.stdout.readline()
        ready = re.search(rf"https?://127\.0\.0\.1:{self.port}\b", first_line)
        if not ready:
            self.process.kill()
            sys.exit(f"the server did not come up: {first_line!r}")
        self.url = ready[0]

    def cpu_seconds(self):
        # The name in parentheses may hold spaces: the fields are counted behind it.
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_bytes(self, which):
        """VmRSS, what is resident, or VmHWM, the most that was."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        if not (kilobytes := re.search(rf"{which}:\s+(\d+) kB", status)):
            raise ProcessLookupError("the server has ended")
        return int(kilobytes[1]) << 10

    def resident_megabytes(self):
        return self.memory_bytes("VmRSS") / 1e6

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def sent_but_unread(self):
        """The bytes that the kernel holds for clients that have not taken them."""
        sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        here = f":{self.port:04X}"
        ours = (fields for fields in sockets if fields[1].endswith(here) and fields[3] != LISTENING)
        return sum(int(fields[4].partition(":")[0], 16) for fields in ours)

    def stop(self):
        self.process.terminate()
        return self.process.wait(40)
