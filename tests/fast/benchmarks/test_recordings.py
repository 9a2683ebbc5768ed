"""Fears: a judge of recordings that ranks by loudness or length, and files nobody asked for."""

import json

import numpy as np
import pytest
import soundfile

from benchmarks.recordings import Gallery, main
from mesosynth.audio.target import Recording

RATE = 22050


def decaying(hertz, seconds):
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * t) * np.exp(-t / 0.1)).astype(np.float32)


SOUNDS = (decaying(300.0, 0.5), decaying(1100.0, 0.4), decaying(4000.0, 1.0))


@pytest.fixture(scope="module")
def gallery():
    return Gallery([Recording(x, RATE, 0.0) for x in SOUNDS])


@pytest.mark.parametrize("own", range(3))
def test_a_sound_is_nearest_to_itself_however_loud(gallery, own):
    assert gallery.ranks(0.01 * SOUNDS[own], RATE, own) == {"picture": 1, "jtfs": 1, "log_mel": 1}
    distance = gallery.distance(0.01 * SOUNDS[own], RATE, own)
    assert distance is None or distance < 0.05


def test_another_sound_is_not(gallery):
    assert min(gallery.ranks(SOUNDS[0], RATE, 2).values()) > 1
    assert (
        gallery.distance(SOUNDS[0], RATE, 2) is None or gallery.distance(SOUNDS[0], RATE, 2) > 0.5
    )


def test_silence_has_a_rank(gallery):
    assert set(gallery.ranks(np.zeros(1000), RATE, 1)) == {"picture", "jtfs", "log_mel"}


def test_a_run_that_is_none_is_one_sentence(capsys, tmp_path):
    soundfile.write(tmp_path / "a.wav", SOUNDS[0], RATE)
    words = ["--corpus", str(tmp_path), "--baselines", str(tmp_path / "a.wav"), "--json"]
    assert main(words) == 2
    assert "--baselines" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize("words", [["--corpus", "nowhere"], []])
def test_a_missing_folder_is_one_sentence(capsys, monkeypatch, words):
    monkeypatch.delenv("MESOSYNTH_RECORDINGS", raising=False)
    assert main([*words, "--json"]) == 2
    assert "--corpus" in json.loads(capsys.readouterr().out)["error"]
