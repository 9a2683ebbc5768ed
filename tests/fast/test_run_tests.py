"""The fear: a second chance lets through what fails twice, or hides what failed first."""

import runpy
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "run-tests"
TESTS = """
from pathlib import Path

def test_late_once():
    ran = Path(__file__).with_suffix(".ran")
    before = ran.exists()
    ran.touch()
    assert before

def test_right():
    with Path(__file__).with_suffix(".right").open("x"):  # "x" fails if it is run again
        pass

def test_wrong():
    assert {wrong} == 1
"""


@pytest.mark.parametrize("parallel", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["one", "two"])
@pytest.mark.parametrize(("wrong", "codes"), [(1, (1, 0)), (2, (1, 1))])
def test_what_failed_runs_again_and_is_named(tmp_path, monkeypatch, capfd, wrong, codes, parallel):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take a second to start
    (tmp_path / "test_timing.py").write_text(TESTS.format(wrong=wrong))
    options = ("-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path))
    tests = runpy.run_path(str(SCRIPT))["Tests"](tmp_path / "cache", *options, parallel=parallel)
    first = subprocess.run(tests.command, check=False).returncode
    assert (first, tests.run_again()) == codes
    first, _, said = capfd.readouterr().out.partition("PASSED WHEN RUN AGAIN")
    assert "assert before" in first
    assert "test_late_once" in said
    assert "test_wrong" not in said
    assert "test_right" not in said
