"""The comparison of two checkouts' sound finds a difference that is there, and none that is not."""

import numpy as np
import pytest
import soundfile

from benchmarks import same_sound


def test_a_hundredth_of_a_decibel_is_noticed_and_so_is_what_is_missing(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    sound = 0.1 * np.random.default_rng(1).standard_normal((480, 2)).clip(-3.0, 3.0)
    for folder, gains in ((before, (1.0, 1.0, 1.0)), (after, (1.0, 10.0 ** (0.01 / 20.0)))):
        folder.mkdir()
        for name, gain in zip(("same", "louder", "lost"), gains, strict=False):
            soundfile.write(folder / f"{name}.wav", gain * sound, 48000, subtype="FLOAT")
    peak = 20.0 * np.log10(np.abs(sound).max())
    told = same_sound.compare(before, after)
    # 0.01 dB is a factor of 1.00115, so the difference lies 58.8 dB below the peak.
    assert told == {
        "same": -np.inf, "louder": pytest.approx(peak - 58.78, abs=0.1), "lost": np.inf
    }  # fmt: skip


def test_a_checkout_sounds_like_itself(tmp_path, monkeypatch, capsys):
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "bird.json").write_bytes((same_sound.HERE / "presets" / "bird.json").read_bytes())
    (tmp_path / "mesosynth").symlink_to(same_sound.HERE / "mesosynth")
    monkeypatch.setattr("sys.argv", ["same_sound", "--before", str(tmp_path)])
    monkeypatch.setattr(same_sound, "SECONDS", 0.5)
    assert same_sound.main() == 0
    assert "1 presets, 0 differ." in capsys.readouterr().out
