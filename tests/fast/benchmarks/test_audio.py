"""Fears: the callback allocates, memory grows over a night, the benchmark measures silence."""

import json
import subprocess
import sys

import pytest

from benchmarks.audio import SCENES, stage


@pytest.mark.parametrize(("name", "voices"), [("1 voice", 1), ("16 voices", 16)])
def test_as_many_voices_sound_as_it_says(name, voices):
    with stage(name, 48000, 128) as played:
        played.play(3.0)
        assert played.engine.rack.instrument.voices == voices
        assert played.engine.levels.peak[0] > 0.1


LITTLE = """
import sys
from benchmarks import audio, stage
stage.REPLAYS, audio._OWN_SECONDS = 2, 0.1
sys.exit(audio.program("audio", None, audio.add_options, audio.run, audio.show))
"""


def test_blocks_take_some_time_keep_no_memory_and_allocate_no_array():
    """In a process of its own: memory is counted for all threads."""
    done = subprocess.run(
        [
            sys.executable, "-c", LITTLE, "--json",
            "--seconds", "0.1", "--memory-blocks", "1500",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert {row["name"] for row in answer["scenes"]} == set(SCENES)
    for row in answer["scenes"] + answer["plugins"]:
        share = row["share"]
        assert 0.0 < share["median"] <= share["p99"] <= share["longest"], row
    for row in answer["scenes"]:
        if key := SCENES[row["name"]].key:
            assert answer[key] == row["share"]["median"]
        # Both are of other moments of the scene.
        assert 0.0 < row["own_work"] <= 1.5 * row["share"]["longest"], row
    memory = answer["memory"]
    assert memory["blocks"] == 1500
    assert memory["blocks_with_arrays"] == 0
    assert abs(memory["growth_bytes"]) < 5000  # some objects more or less; an hour has 900 times


def test_impossible_options_are_told():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.audio", "--block", "0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--block 0 1 to 8192" in done.stderr
