"""Fears: a score that can be flattered by loudness, or that does not notice what differs."""

import numpy as np
import pytest

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.matching.operator import Operator
from mesosynth.matching.similarity import Similarity

THETA = np.array([600.0, 8.0, 1.5, 2.0])


@pytest.fixture(scope="module")
def operator():
    return Operator()


@pytest.fixture(scope="module")
def target(operator):
    return operator.synthesize(THETA)


@pytest.fixture(scope="module")
def similarity(operator, target):
    return Similarity(target, operator)


@pytest.mark.parametrize("gain", [1e-3, 1.0, 30.0])
def test_a_sound_is_like_itself_however_loud(similarity, target, gain):
    scores = similarity.of(gain * target)
    assert min(scores.as_dict().values()) > 0.9999


def test_a_shift_is_seen_by_all_views_but_the_scattering(similarity, target):
    scores = similarity.of(np.roll(target, round(0.8 * ANALYSIS_RATE)))
    assert scores.jtfs > 0.999
    assert scores.mss < 0.5
    assert scores.log_mel < 0.5


def test_another_rate_is_seen_by_the_scattering_though_the_band_is_the_same(
    similarity, operator, target
):
    scores = similarity.of(operator.synthesize(np.array([600.0, 24.0, 1.5, 2.0])))
    assert scores.jtfs < 0.98


def test_noise_below_the_sound_is_seen_by_log_mel_alone(similarity, target):
    noise = 0.01 * np.random.default_rng(0).standard_normal(ANALYSIS_SAMPLES)
    scores = similarity.of(target + noise)
    assert scores.mss > 0.98
    assert scores.log_mel < 0.8


def test_silence_is_like_nothing(similarity):
    scores = similarity.of(np.zeros(ANALYSIS_SAMPLES))
    assert scores.as_dict() == {"jtfs": 0.0, "mss": 0.0, "log_mel": 0.0}


def test_what_cannot_be_compared_is_refused_by_name(similarity):
    with pytest.raises(ArgumentError, match=r"audio\.shape"):
        similarity.of(np.zeros(100))
    with pytest.raises(ArgumentError, match="target is silent"):
        Similarity(np.zeros(ANALYSIS_SAMPLES))
