"""Schemathesis makes requests from openapi.yaml, good and bad ones, and holds the answers against it: all checks, all paths."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from support import ROOT, assert_problem, get

HERE = Path(__file__).parent / "schemathesis"
# So many examples an operation and phase; a longer hunt is a matter of one variable.
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "20"))


def test_answers_are_what_the_contract_says(server, tmp_path):
    program = Path(sys.executable).with_name("schemathesis")
    shutil.copy(ROOT / "openapi.yaml", tmp_path)
    done = subprocess.run(
        [program, "--config-file", HERE / "schemathesis.toml", "run", "openapi.yaml", "--url", server.url,
         "--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, timeout=1200,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "npy_files", "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    cases = int(re.search(r"(\d+) generated", done.stdout)[1])
    assert cases > 1000, done.stdout[-2000:]
    assert get(server, "/healthz").status == 200
    assert_problem(get(server, "/nowhere"), 404)
