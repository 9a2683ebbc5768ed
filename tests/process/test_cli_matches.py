"""The fear: that hours of a match are lost with the terminal that it ran in."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from test_cli import DEMO, answer, assert_one_sentence, main_called

from mesosynth.matching.checkpoint import load_checkpoint

FIGURES = ("theta", "std", "loss", "evaluations", "onset", "gain")


def figures(done):
    told = answer(done)
    return {name: told[name] for name in FIGURES}


def evaluations(run):
    return len(load_checkpoint(run).evaluations)


def kept_until(end, run, *words):
    """Run a match until it has measured twice, and end it; what it said."""
    running = subprocess.Popen(
        [sys.executable, "-m", "mesosynth", "match", DEMO, "--save", str(run), *words],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    while running.poll() is None and not (run.exists() and evaluations(run) >= 2):
        time.sleep(0.02)
    os.killpg(running.pid, end)
    _, err = running.communicate(timeout=100)
    assert evaluations(run)  # whole, whenever it ended
    return err


def test_ctrl_c_leaves_the_match_and_says_how_to_go_on(tmp_path):
    err = kept_until(signal.SIGINT, tmp_path / "run")
    assert load_checkpoint(tmp_path / "run").finished or f"--resume {tmp_path / 'run'}" in err


def test_a_match_that_is_killed_goes_on_to_the_theta_it_would_have_found(tmp_path):
    run = tmp_path / "run"
    kept_until(signal.SIGKILL, run)
    resumed = figures(main_called("match", "--resume", run, "--json"))
    assert load_checkpoint(run).finished
    whole = main_called("match", DEMO, "--save", tmp_path / "whole", "--json")
    assert resumed == figures(whole)
    assert evaluations(run) == evaluations(tmp_path / "whole")


def test_a_match_with_layers_that_is_killed_goes_on_from_its_file(tmp_path):
    run = tmp_path / "run"
    kept_until(signal.SIGKILL, run, "--layers", "1", "--seconds", "200")
    before = load_checkpoint(run, "layers")
    head, _, rest = run.read_text().partition("\n")
    head = json.loads(head)
    head["settings"]["seconds"] = 6.0  # of which a slow machine may have taken all by now
    run.write_text(f"{json.dumps(head)}\n{rest}")
    told = answer(main_called("match", "--resume", run, "--json"))
    after = load_checkpoint(run, "layers")
    assert after.finished
    assert after.evaluations[: len(before.evaluations)] == before.evaluations
    assert len(told["layers"]) == 1


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--resume", "RUN", "--seed", "3"], "--seed does not go with --resume"),
        ([DEMO, "--resume", "RUN"], "FILE does not go with --resume"),
        ([DEMO, "--save", "RUN"], "is not a saved match"),
        (["--resume", "RUN"], "is not a saved match"),
        (["--resume", "nowhere"], "nowhere does not exist"),
        ([DEMO, "--save", "no-folder/run"], "no-folder/run cannot be written"),
        ([], "FILE"),
    ],
)
def test_what_does_not_go_together_is_said_and_nothing_is_overwritten(tmp_path, words, cause):
    song = tmp_path / "song.json"
    song.write_text(json.dumps({"a": "treasure"}))
    done = main_called("match", *[str(song) if word == "RUN" else word for word in words])
    assert_one_sentence(done, cause)
    assert "treasure" in song.read_text()
