"""Resynthesis on the command line: a file in, a file out, and a run that a kill does not end."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from test_cli import main_called

from mesosynth.cli.main import main
from mesosynth.presets.preset import load_preset
from mesosynth.system.paths import text_path

RATE = 8000


def command(*words):
    return [sys.executable, "-m", "mesosynth", "resynthesise", *map(str, words)]


def run(*words):
    return main_called("resynthesise", *words)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    t = np.arange(RATE // 2) / RATE
    path = tmp_path_factory.mktemp("sounds") / "chirp.wav"
    voices = [np.sin(2 * np.pi * (300 * 2 ** (2 * t + k))) for k in range(2)]
    soundfile.write(path, 0.3 * np.array(voices).T, RATE, subtype="FLOAT")
    return path


def test_a_killed_run_goes_on_to_the_same_sound(sound, tmp_path):
    words = (sound, "--average", "0.1", "--iterations", "300", "--edit", "reverse-spin")
    kept, one, two = tmp_path / "kept", tmp_path / "one.wav", tmp_path / "two.wav"
    running = subprocess.Popen(
        command(*words, "-o", one, "--run", kept), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 100
    while not kept.exists() and time.monotonic() < end:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert kept.exists()
    assert sorted(os.listdir(tmp_path)) == ["kept"]
    short = (*words[:4], "8", *words[5:])
    again, fresh = run(*short, "-o", one, "--run", kept, "--json"), run(*short, "-o", two, "--json")
    told, whole = json.loads(again.stdout), json.loads(fresh.stdout)
    if told["iterations"] == 8:  # it was killed before that
        assert told["errors"] == whole["errors"]
        assert np.array_equal(soundfile.read(one)[0], soundfile.read(two)[0])
    assert told["errors"][:9] == whole["errors"]
    assert whole["error"] == pytest.approx(whole["errors"][-1], rel=0.1)
    assert whole["errors"][-1] < 0.5 * whole["errors"][0]
    audio, rate = soundfile.read(two)
    assert (audio.shape, rate) == ((RATE // 2, 2), RATE)


def test_variations_are_files_of_the_length_that_is_asked_for(sound, tmp_path):
    words = ("--iterations", 1, "--average", "0.1", "--variations", 2, "--length", "0.7", "--json")
    name = os.fsdecode(b"n\xe9w")  # is not UTF-8
    made, preset = tmp_path / f"{name}.wav", tmp_path / "new.json"
    told = json.loads(run(sound, "-o", made, "--preset", preset, *words).stdout)
    assert sorted(os.listdir(tmp_path)) == sorted([f"{name}-1.wav", f"{name}-2.wav", "new.json"])
    sampler = load_preset(preset)
    assert sampler.name == "n\ufffdw-1"
    assert text_path(sampler.state["sound"]) == (tmp_path / f"{name}-1.wav").resolve()
    assert main(["render", str(preset), str(tmp_path / "r.wav"), "--seconds", "0.5"]) == 0
    assert np.abs(soundfile.read(tmp_path / "r.wav")[0]).max() > 0.01
    assert [one["seed"] for one in told["variations"]] == [0, 2]
    one, two = (soundfile.read(os.fsencode(each["written"]))[0] for each in told["variations"])
    assert one.shape == two.shape == (round(0.7 * RATE), 2)
    assert not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--edit", "backwards"), "edit='backwards' is none of reverse-spin"),
        (("--begin", "9"), "nothing begins at 9 s"),
        (("--begin", "nan"), "--begin nan must be 0 or more seconds"),
        (("--seconds", "0.01"), "the sound lasts 0.01 s"),
        (("--amount", "2"), "--amount 2 must be 0 to 1"),
        (("--length", "601"), "length=601 must be 0.05 to 600 s"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_work(sound, tmp_path, words, sentence):
    done = run(sound, "-o", tmp_path / "out.wav", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not os.listdir(tmp_path)


def test_a_sound_that_was_cut_is_told_and_a_folder_is_no_output(sound, tmp_path, capsys):
    cut = tmp_path / "cut.wav"
    cut.write_bytes(sound.read_bytes()[:-8000])
    words = ["resynthesise", str(cut), "--iterations", "1", "--average", "0.1", "--json"]
    assert main([*words, "-o", str(tmp_path / "new.wav")]) == 0
    (remark,) = json.loads(capsys.readouterr().out)["remarks"]
    assert remark.startswith("cut.wav is cut short: it holds 0.38 s")
    for output in ("", ".", ".."):
        assert main([*words, "-o", output, "--variations", "2"]) == 2
        assert "it is a folder" in capsys.readouterr().err
