"""The fear: a chirp rate read off where there is none, or another one than is played."""

import numpy as np
import pytest
from chirplet_player import live

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.matching.fan_chirp import SPAN, STD, ChirpRate

SAMPLES = round(2.0 * SPAN * ANALYSIS_RATE)
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
    audio, reader = audio + noise, ChirpRate()
    readings = [reader.read(audio[: len(audio) - 400 * ago]) for ago in range(8)]
    heard = [reading for reading in readings if reading is not None]
    assert len(heard) >= 5  # now and then what sounds is mostly what ends
    for reading in heard:
        assert reading.gamma == pytest.approx(way * gamma, rel=0.05)
        assert 0.0 < -reading.at < SPAN


@pytest.mark.parametrize("gamma", [8.0, 16.0, -8.0, -16.0])
@pytest.mark.parametrize("period", [0.4, 0.25])
def test_one_that_comes_or_goes_is_not_taken_for_a_slower_one(gamma, period):
    audio, readings = live(lambda _: gamma, 3.0, period=period), []
    for end in np.arange(2.0, 3.0, 0.02):
        reading = ChirpRate().read(audio[: int(end * ANALYSIS_RATE)], end)
        readings += [] if reading is None else [(end - reading.at, np.log(reading.gamma / gamma))]
    ages, errors = np.array(readings).T
    assert len(ages) > 12
    assert np.ptp(ages) > 0.06
    assert np.abs(errors).max() < 0.1  # of all that is read 0.2 and more, were it not said twice
    assert np.median(np.abs(errors)) < STD


def test_of_a_glide_it_tells_what_was_at_its_age():
    def rising(t):
        return 0.5 * 2.0 ** max(t - 6.0, 0.0)

    audio, heard = live(rising, 9.0), 0
    for end in np.arange(6.5, 9.0, 0.1):
        reading = ChirpRate().read(audio[: int(end * ANALYSIS_RATE)], end)
        heard += reading is not None
        assert reading is None or reading.gamma == pytest.approx(rising(reading.at), rel=0.1), end
    assert heard >= 22


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
