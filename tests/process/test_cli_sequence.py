"""The fears: an hour of matching that a killed process takes with it; files that do not come."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sequences import moving, write_moving
from test_cli import answer, assert_one_sentence, main_called

from mesosynth.errors import MatchFileError
from mesosynth.matching.checkpoint import load_sequence


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    moments = moving(5.0, rest=(3.0, 4.0))
    return write_moving(folder / "moving.wav", 5.0, moments=moments)


def kept_until(end, sound, run):
    """Match until two windows are kept, and end it; what it said."""
    running = subprocess.Popen(
        [sys.executable, "-m", "mesosynth", "sequence", str(sound), "--run", str(run)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    while running.poll() is None and not (run.exists() and _moments(run) >= 2):
        time.sleep(0.01)
    os.killpg(running.pid, end)
    _, err = running.communicate(timeout=100)
    assert 2 <= _moments(run) <= 5
    return err


def _moments(run):
    try:
        return len(load_sequence(run).moments)
    except MatchFileError:
        return 0  # its first line is being written


def test_what_is_killed_goes_on_to_the_same_thetas_and_is_written(sound, tmp_path):
    run, table = tmp_path / "run", tmp_path / "theta.csv"
    kept_until(signal.SIGKILL, sound, run)
    resumed = answer(
        main_called(
            "sequence", sound, "--run", run, "-o", table, "-o", tmp_path / "t.mid", "--json"
        )
    )
    assert resumed["written"] == [str(table), str(tmp_path / "t.mid")]
    assert len(table.read_text().splitlines()) == 5
    whole = answer(main_called("sequence", sound, "--run", tmp_path / "whole", "--json"))
    assert resumed["moments"] == whole["moments"]
    assert len(whole["moments"]) == 5


def test_ctrl_c_keeps_what_there_is_and_says_how_to_go_on(sound, tmp_path):
    run = tmp_path / "run"
    err = kept_until(signal.SIGINT, sound, run)
    assert load_sequence(run).finished or f"Kept in {run}; the same command goes on" in err


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["nowhere.wav"], "nowhere.wav"),
        (["SOUND", "--hop", "9"], "hop=9"),
        (["SOUND", "--smooth", "-1"], "--smooth -1"),
        (["SOUND", "-o", "theta.txt"], "must end in"),
        (["SOUND", "-o", "nowhere/theta.csv"], "there is no folder nowhere"),
        (["SOUND", "--pin", "f_c"], "ID=VALUE"),
        (["SOUND", "--unknowns", "loudness"], "loudness"),
        (["SOUND", "--run", "SONG"], "is not a saved match"),
        (["SOUND", "--run", "SONG", "--anew"], "is not a saved match"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_overwritten(sound, tmp_path, words, cause):
    song = tmp_path / "song.json"
    song.write_text(json.dumps({"a": "treasure"}))
    places = {"SOUND": str(sound), "SONG": str(song)}
    assert_one_sentence(main_called("sequence", *[places.get(word, word) for word in words]), cause)
    assert "treasure" in song.read_text()
