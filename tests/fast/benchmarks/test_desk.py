"""The benchmark of the window, on whatever display there is."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("real_time")


def test_every_figure_is_there_and_belongs_to_a_window_that_works():
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.desk", "--json",
            "--seconds", "1", "--windows", "2", "--starts", "1", "--minutes", "2",
        ],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert 0.0 < answer["start"]["median"] < 60.0
    assert answer["frames"]["per_second"] > 1.0
    assert 0.0 < answer["cpu"] < 2.0
    assert answer["input_ms"]["longest"] >= answer["input_ms"]["median"] > 0.0
    assert answer["memory"]["windows"] == 2
    assert answer["memory"]["at_the_end_mb"] >= 0.0
