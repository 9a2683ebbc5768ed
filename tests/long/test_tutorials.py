"""Fears: tutorials and recipes that warn, take more than two minutes, or need what is not there."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [
    *sorted((ROOT / "docs/tutorials").glob("*.py")),
    *sorted((ROOT / "docs/recipes").glob("*.py")),
]
LONGEST = 120.0  # s of processor time


@pytest.mark.timeout(900)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_it_runs_in_an_empty_folder(script, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, check=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{script.stem}: {taken:.0f} s of processor time")
    assert taken < LONGEST
