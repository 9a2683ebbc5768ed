import json

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from mesosynth.audio.loudness import SILENCE, largest_loudness, loudness
from mesosynth.cli.contact_sheet import COLUMNS, HIGHEST, LOWEST, scalogram
from mesosynth.cli.main import main
from mesosynth.errors import ArgumentError
from mesosynth.presets.preset import Preset, save_preset

RATE = 48000


def sounds(sample_rate):
    n = 3 * sample_rate
    noise = np.random.default_rng(1).standard_normal((2, n)) * 0.1
    yield "noise", noise
    yield "bursts", noise * (np.arange(n) // (sample_rate // 2) % 3 == 0)
    yield "one channel", np.sin(2 * np.pi * 997 * np.arange(n) / sample_rate)[None]
    yield "bass", np.sin(2 * np.pi * 30 * np.arange(n) / sample_rate)[None]


LOUDNESS = {  # integrated and largest, LUFS, of our own filters up to November 2026
    48000: ((-13.8658, -13.8198), (-15.7181, -13.8492), (-3.0103, -3.0089), (-12.0074, -12.0051)),
    44100: ((-13.8764, -13.8205), (-15.7192, -13.8413), (-3.0075, -3.0061), (-12.0036, -12.0013)),
    16000: ((-14.2247, -14.1552), (-16.0671, -14.2205), (-2.9700, -2.9684), (-11.9212, -11.9189)),
}


@pytest.mark.parametrize("sample_rate", LOUDNESS)
def test_loudness_is_what_it_was(sample_rate):
    for (name, sound), known in zip(sounds(sample_rate), LOUDNESS[sample_rate], strict=True):
        said = loudness(sound, sample_rate), largest_loudness(sound, sample_rate)
        assert said == pytest.approx(known, abs=5e-3), name


def test_loudness_of_the_standards_own_sine():
    sine = np.sin(2 * np.pi * 997 * np.arange(RATE) / RATE)
    assert loudness(sine, RATE) == pytest.approx(-3.01, abs=0.01)
    assert loudness(np.zeros((2, RATE)), RATE) == SILENCE
    with pytest.raises(ArgumentError, match="too short"):
        loudness(np.zeros(100), RATE)


def test_a_tone_lies_at_its_frequency_and_time():
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE) * (np.arange(2 * RATE) >= RATE)
    picture = scalogram(tone, RATE)
    row = picture[:, COLUMNS * 3 // 4].argmax()
    hertz = LOWEST * (HIGHEST / LOWEST) ** (row / (len(picture) - 1))
    assert hertz == pytest.approx(1000, rel=0.05)
    assert picture[row, COLUMNS * 3 // 4] == pytest.approx(1.0, rel=0.1)
    assert picture[row, COLUMNS // 4] < 1e-3


def test_a_folder_is_rendered_and_a_bad_file_told(tmp_path, capsys):
    presets = tmp_path / "presets"
    presets.mkdir()
    save_preset(presets / "one.json", Preset(name="One"))
    save_preset(presets / "two.json", Preset(name="Two [bold]", instrument="ripple"))
    (presets / "broken.json").write_text("{")
    out = tmp_path / "out" / "here"
    words = ["render", "--all", str(presets), str(out), "--seconds", "1", "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert [one["preset"] for one in answer["rendered"]] == ["One", "Two [bold]"]
    assert "broken.json is not a preset" in said.err
    assert len(answer["bad"]) == 1
    for one in answer["rendered"]:
        audio, rate = soundfile.read(one["file"])
        assert (len(audio), rate) == (RATE, RATE)
        assert one["loudness"] == pytest.approx(loudness(audio.T, RATE), abs=1e-3)
    picture = imread(answer["contact_sheet"])
    assert picture[..., :3].std() > 0.01  # something is drawn


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--all", "none", "out"], "none is not a folder"),
        (["--all", "empty", "out"], "empty holds no presets"),
        (["--all", "empty/../file", "out"], "is not a folder"),
    ],
)
def test_folders_that_do_not_work_are_told(words, cause, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert main(["render", *words]) == 2
    assert cause in capsys.readouterr().err
