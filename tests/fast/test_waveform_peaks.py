"""A whole sound in a few hundred peaks, and the part of it that is matched."""

import numpy as np
import pytest
import soundfile

from mesosynth.audio.file import load_target, read_waveform_peaks
from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.audio.waveform_peaks import COLUMNS, waveform_peaks
from mesosynth.errors import ArgumentError
from mesosynth.session import Session


@pytest.mark.parametrize("cuts", [[], [1], [255, 256, 70000], [300_000]])
def test_no_peak_is_lost_however_the_blocks_are_cut(cuts):
    sound = np.zeros(400_123, np.float32)
    sound[[3, 299_999, 400_122]] = 1.0, -0.7, 0.5
    found = waveform_peaks(lambda: np.split(sound, cuts), 44100.0)
    count = min(COLUMNS, -(-400_123 // 256))
    assert len(found.low) == len(found.high) == count
    assert (found.high[0], found.high[-1], found.low.min()) == (1.0, 0.5, np.float32(-0.7))
    assert found.low.argmin() == pytest.approx(count * 299_999 / 400_123, abs=2)
    assert found.duration == pytest.approx(400_123 / 44100)


def test_a_short_sound_has_fewer_columns():
    found = waveform_peaks(lambda: [np.ones(700, np.float32)], 8192.0)
    assert found.high.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("wanted", "start"), [(0.0, 0.0), (2.5, 2.5), (99.0, 6.0), (-1.0, 0.0)])
@pytest.mark.parametrize("rate", [8192, 44100])
def test_the_window_begins_where_it_is_asked_to(tmp_path, wanted, start, rate):
    path = tmp_path / "ten.wav"
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 10 * rate).astype(np.float32)
    sound[2 * rate : 3 * rate] *= 1.9  # the liveliest part is not the one that is asked for
    soundfile.write(path, sound, rate)
    target = load_target(path, wanted)
    assert target.start == pytest.approx(start, abs=0.06)
    assert len(target.audio) == 4 * ANALYSIS_RATE
    if rate == ANALYSIS_RATE:
        begin = round(target.start * rate)
        middle = slice(1000, 20_000)
        whole = soundfile.read(path, dtype="float32")[0][begin:][middle]
        assert target.audio[middle] == pytest.approx(target.scale * whole, abs=1e-6)


def test_the_peaks_of_a_file_are_those_of_all_its_channels_together(tmp_path):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([np.full(9000, 0.5), np.full(9000, 0.1)], axis=1), 8192)
    assert read_waveform_peaks(path).high.max() == pytest.approx(0.3, abs=1e-3)


def test_a_session_without_a_file_says_what_to_do():
    session = Session("silent")
    try:
        with pytest.raises(ArgumentError, match="open or record"):
            session.target.move_window(1.0)
    finally:
        session.close()
