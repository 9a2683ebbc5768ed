"""The fear: a chirp rate read off where there is none, or another one than is played."""

import numpy as np
import pytest
from chirplet_player import live

from mesosynth.matching.chirp_rate import SPAN, ChirpRate
from mesosynth.target import ANALYSIS_RATE

SAMPLES = round(SPAN * ANALYSIS_RATE)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("gamma", "period"),
    [(0.3, 0.4), *((gamma, period) for gamma in (0.5, 1.0, 2.0, 4.0) for period in (0.25, 0.4))],
)
@pytest.mark.parametrize("way", [1.0, -1.0])
def test_arpeggios_that_overlap_have_one_rate(gamma, period, way):
    seconds = 2.0 + 3.0 / gamma  # until as many sound as ever will
    audio = live(lambda _: way * gamma, seconds, period=period)
    noise = 0.1 * audio.std() * RNG.standard_normal(len(audio)).astype(np.float32)
    reading = ChirpRate().read(audio + noise)
    assert reading.gamma == pytest.approx(way * gamma, rel=0.05)
    assert 0.02 < reading.std < 0.1
    assert 0.0 < reading.age < SPAN


@pytest.mark.parametrize("gamma", [8.0, 16.0])
def test_a_short_one_is_not_taken_for_a_slower_one_because_it_came_early(gamma):
    audio, readings = live(lambda _: gamma, 3.0), []
    for end in np.arange(2.0, 3.0, 0.02):
        reading = ChirpRate().read(audio[: int(end * ANALYSIS_RATE)])
        readings += [] if reading is None else [(reading.age, np.log(reading.gamma / gamma))]
    ages, errors = np.array(readings).T
    assert len(ages) > 10
    assert np.ptp(ages) > 0.1
    assert np.quantile(np.abs(errors), 0.9) < 0.15
    assert abs(np.median(errors)) < 0.03


def test_of_a_glide_it_tells_what_was_at_its_age():
    def rising(t):
        return 0.5 * 2.0 ** max(t - 6.0, 0.0)

    audio = live(rising, 9.0)
    for end in np.arange(6.5, 9.0, 0.1):
        reading = ChirpRate().read(audio[: int(end * ANALYSIS_RATE)])
        assert reading.gamma == pytest.approx(rising(end - reading.age), rel=0.1), end


@pytest.mark.parametrize(
    "audio",
    [
        np.zeros(SAMPLES, np.float32),
        np.full(SAMPLES, 1e-30, np.float32),
        0.1 * RNG.standard_normal(SAMPLES).astype(np.float32),
        np.sin(2.0 * np.pi * 440.0 / ANALYSIS_RATE * np.arange(SAMPLES)).astype(np.float32),
        np.full(SAMPLES, np.nan, np.float32),
    ],
    ids=["silence", "next to nothing", "noise", "tone", "not a number"],
)
def test_what_does_not_climb_has_no_rate(audio):
    with np.errstate(divide="raise", over="raise"):
        assert ChirpRate().read(audio) is None
