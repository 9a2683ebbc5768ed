"""The fear: pictures that show something else than the sound."""

import numpy as np
import pytest

from mesosynth.audio.target import target_from_array
from mesosynth.matching.analysis import analysis, magnified, sound_picture, target_picture
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Section
from mesosynth.system.steps import result_of


@pytest.fixture(scope="module")
def operator():
    return Operator()


def test_the_scalogram_shows_the_sweep(operator):
    picture = analysis(operator, operator.synthesize(np.array([500.0, 20.0, 1.0, 2.0])))
    assert picture.scalogram.shape == (len(picture.frequencies), 256)
    assert picture.scalogram.max() == pytest.approx(1.0)
    ridge = picture.frequencies[picture.scalogram.argmax(axis=0)]
    # 0.2 s before and after the middle: a fifth of an octave below and above f_c.
    frame = 256 / picture.duration
    early, late = ridge[128 - int(0.2 * frame)], ridge[128 + int(0.2 * frame)]
    assert early < 500.0 < late


@pytest.mark.parametrize(("gamma", "row"), [(-1.5, 0), (1.5, 1)])
def test_falling_and_rising_have_rows_of_their_own(operator, gamma, row):
    picture = analysis(operator, operator.synthesize(np.array([500.0, 8.0, gamma, 2.0])))
    energy = np.square(picture.scale_rate).sum(axis=(1, 2))
    assert energy.sum() == pytest.approx(1.0, abs=1e-4)
    assert energy[row] > 3 * energy[1 - row]


def test_the_rate_axis_shows_the_note_rate(operator):
    picture = analysis(operator, operator.synthesize(np.array([500.0, 8.0, 0.5, 2.0])))
    fast = picture.rates > 6.0  # above the rate of the sweep itself
    rate = picture.rates[fast][picture.scale_rate[:, :, fast].sum(axis=(0, 1)).argmax()]
    # The full sine gives two notes a period.
    assert rate == pytest.approx(16.0, rel=0.3)


def test_a_magnified_section_is_the_scalogram_and_finer(operator):
    x = operator.synthesize(np.array([500.0, 20.0, 1.0, 2.0])).astype(np.float32)
    whole = analysis(operator, x)
    frequencies = whole.frequencies[:40].astype(float)
    edge = (frequencies[0] / frequencies[1]) ** 0.5
    same = Section(0.0, 4.0, frequencies[-1] / edge, frequencies[0] * edge, 40, 256)
    assert np.abs(magnified(operator, x, same) - whole.scalogram[:40][::-1]).max() < 0.06
    part = magnified(operator, x, Section(1.9, 2.1, 400.0, 650.0, 32, 400))
    assert part.shape == (32, 400)
    middles = 400.0 * 1.625 ** ((np.arange(32) + 0.5) / 32)
    # The note at 2.0125 s, at its loudest.
    assert middles[part[:, 225].argmax()] == pytest.approx(504.3, rel=0.02)


def test_pictures_at_a_higher_rate_show_what_a_match_does_not_hear():
    time = np.arange(2 * 44100) / 44100
    audio = np.sin(2 * np.pi * 500 * time) + np.sin(2 * np.pi * 6000 * time)
    target = target_from_array(audio.astype(np.float32), 44100)
    low, high = (result_of(target_picture(target, "chirplet", rate)) for rate in (8192, 16384))
    assert low.frequencies[0] < 4096 < high.frequencies[0]
    assert (low.duration, high.duration) == (4.0, 4.0)
    level = high.scalogram.mean(axis=1)
    loud = [level[np.abs(np.log2(high.frequencies / f)).argmin()] for f in (500, 6000, 1700)]
    assert loud[1] == pytest.approx(loud[0], rel=0.2)
    assert loud[2] < 0.1 * loud[0]
    # The same rates and scales as far down; and the sound is drawn at that rate, too.
    assert high.rates[0] == pytest.approx(low.rates[0], rel=0.05)
    sound = result_of(sound_picture({"f_c": 6000.0}, "chirplet", target, rate=16384))
    loudest = sound.frequencies[sound.scalogram.max(axis=1).argmax()]
    assert loudest == pytest.approx(6000.0, rel=0.1)
