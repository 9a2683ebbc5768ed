"""Fears: a score that loudness flatters, or that misses a delay, lost highs, or another rhythm."""

import numpy as np
import pytest
import soxr

from mesosynth.errors import ArgumentError
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Scores
from mesosynth.matching.similarity import (
    ERB_BANDS,
    STEP,
    Similarity,
    above_floor,
    auditory_power,
    similarity,
)

THETA = np.array([600.0, 8.0, 1.5, 2.0])
RATE = 32768


@pytest.fixture(scope="module")
def operator():
    return Operator()


@pytest.fixture(scope="module")
def target(operator):
    """An arpeggio with air above it, up to 16 kHz, for 4 s."""
    x = soxr.resample(operator.synthesize(THETA), 8192, RATE)
    air = np.random.default_rng(0).standard_normal(len(x))
    spectrum = np.fft.rfft(air)
    spectrum[np.fft.rfftfreq(len(x), 1 / RATE) < 5000.0] = 0.0
    decay = np.exp(-np.arange(len(x)) / RATE / 0.5)
    return x + 0.1 * np.fft.irfft(spectrum) * decay


@pytest.fixture(scope="module")
def judge(target):
    return Similarity(target, RATE)


@pytest.mark.parametrize("gain", [1e-7, 1.0, 30.0])
def test_a_sound_is_like_itself_however_loud(judge, target, gain):
    scores = judge.of(gain * target)
    assert scores.score > 0.9999
    assert min(scores.as_dict().values()) == scores.score


def test_a_delay_is_seen_by_all_three(judge, target):
    scores = judge.of(np.roll(target, round(0.8 * RATE)))
    assert scores.picture < 0.5
    assert scores.log_mel < 0.5
    assert scores.jtfs < 0.8


def test_lost_highs_are_seen_by_the_pictures(judge, target):
    low = soxr.resample(soxr.resample(target, RATE, 8192), 8192, RATE)[: len(target)]
    scores = judge.of(low)
    assert scores.jtfs > 0.99
    assert scores.picture < 0.95
    assert scores.log_mel < 0.8


def test_another_note_rate_is_seen_by_the_scattering_though_the_band_is_the_same(operator):
    one, other = (operator.synthesize(np.array([600.0, f_m, 1.5, 2.0])) for f_m in (8.0, 24.0))
    scores = similarity(one, other, 8192)
    assert scores.jtfs < 0.95


def test_noise_below_the_sound_is_seen_by_the_pictures(judge, target):
    noise = 0.01 * np.random.default_rng(1).standard_normal(len(target))
    scores = judge.of(target + noise)
    assert scores.jtfs > 0.98
    assert scores.picture < 0.9
    assert scores.log_mel < 0.9


def test_silence_is_like_nothing(judge, target):
    assert set(judge.of(np.zeros(len(target))).as_dict().values()) == {0.0}


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("seconds", [0.05, 1.0])
def test_the_auditory_picture_has_a_tone_in_its_band_and_a_click_in_its_step(rate, seconds):
    n = round(seconds * rate)
    power = auditory_power(np.sin(2.0 * np.pi * 1000.0 * np.arange(n) / rate), rate)
    assert power.shape == (ERB_BANDS, round(seconds / STEP))
    scale = 21.4 * np.log10(1.0 + 0.00437 * np.array([30.0, 1000.0, 10000.0]))
    place = (scale[1] - scale[0]) / (scale[2] - scale[0]) * (ERB_BANDS - 1)
    assert abs(power.sum(axis=1).argmax() - place) < 1.0
    click = np.zeros(n)
    click[round(0.02 * rate)] = 1.0
    loud = auditory_power(click, rate)[ERB_BANDS // 2]
    assert loud.argmax() in (2, 3)  # 20 ms, and the filter's own delay
    assert above_floor(loud).max() == pytest.approx(60.0)


def test_the_power_of_a_band_does_not_depend_on_the_sample_rate():
    x = np.random.default_rng(0).standard_normal(8192)
    spectrum = np.fft.rfft(x)
    spectrum[np.fft.rfftfreq(8192, 1 / 8192) > 2000.0] = 0.0
    x = np.fft.irfft(spectrum)
    low = auditory_power(x, 8192)[:40, 5:-5]
    high = auditory_power(soxr.resample(x, 8192, 32768, "VHQ"), 32768)[:40, 5:-5]
    # The same energy over four times as many samples of a second.
    np.testing.assert_allclose(high.sum(axis=1), low.sum(axis=1), rtol=0.02)


def test_a_score_below_six_tenths_is_told_as_not_matched():
    assert Scores(0.59, 0.99, 0.97).brief == "not matched"
    assert "not matched" in str(Scores(0.9, 0.1, 0.97))
    assert Scores(0.9, 0.61, 0.97).brief == "61% like"


def test_what_cannot_be_compared_is_refused_by_name(judge):
    with pytest.raises(ArgumentError, match=r"audio\.shape"):
        judge.of(np.zeros(100))
    with pytest.raises(ArgumentError, match="audio is silent"):
        Similarity(np.zeros(8192), 8192)
