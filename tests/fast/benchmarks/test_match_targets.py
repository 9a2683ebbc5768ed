"""The fear: a protocol whose targets are not what it says they are."""

import numpy as np
import pytest

from benchmarks.match_targets import PAPERS, PEAK, RANGES, families
from mesosynth.errors import ArgumentError

FAMILIES = families()
RATE, N = 8192, 32768


def sound(family, level="", index=0, seed=0):
    chosen = FAMILIES[family]
    return chosen.make(seed, chosen.levels.index(level), index)


def db(power):
    return 10.0 * np.log10(power)


@pytest.mark.parametrize("family", FAMILIES)
def test_any_target_can_be_made_again_and_other_seeds_make_others(family):
    level = FAMILIES[family].levels[-1]
    first, again = (sound(family, level, index=3) for _ in range(2))
    assert np.array_equal(first.audio, again.audio)
    assert first.audio.dtype == np.float32
    assert first.audio.shape == (N,)
    if family != "A":
        for other in (sound(family, level, index=4), sound(family, level, index=3, seed=1)):
            assert not np.allclose(first.audio, other.audio, atol=1e-3)


def test_thetas_fill_the_ranges_and_differ_from_family_to_family():
    thetas = [sound("B", index=i).theta for i in range(100)]
    for id_, (low, high) in RANGES.items():
        values = np.log([theta[id_] for theta in thetas]) - np.log(low)
        places = values / np.log(high / low)
        assert 0.0 <= places.min() < 0.1 < 0.9 < places.max() <= 1.0
        assert places.mean() == pytest.approx(0.5, abs=0.1)
    assert sound("A").theta == PAPERS
    assert sound("E", "+20 dB").theta != sound("B").theta
    assert all(sound("G", index=i).theta["gamma"] < 0.0 for i in range(5))
    wide = [sound("F", index=i).theta["f_c"] for i in range(30)]
    assert 256.0 <= min(wide) < 400.0
    assert 700.0 < max(wide) <= 1024.0


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("level", [0, 20])
def test_noise_is_as_loud_as_it_says(colour, level):
    # At 40 dB and above, what differs between the levels is the noise alone.
    loud = sound("D", f"{level} dB {colour}", index=1)
    quiet = sound("D", f"40 dB {colour}", index=1)
    assert loud.theta == quiet.theta
    noise = loud.audio.astype(float) - quiet.audio
    expected = -level + db(1.0 + 10.0 ** ((level - 40) / 10.0))
    assert db(np.mean(noise**2) / np.mean(quiet.audio.astype(float) ** 2)) == pytest.approx(
        expected, abs=0.1
    )
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1.0 / RATE)

    def octave(low):
        return spectrum[(hertz >= low) & (hertz < 2 * low)].sum()

    assert db(octave(1600) / octave(200)) == pytest.approx(
        0.0 if colour == "pink" else db(8.0), abs=1.0
    )


@pytest.mark.parametrize("shift", [1, -1, 64, 4096, -4096])
def test_a_shift_moves_the_whole_arpeggio_by_so_many_samples(shift):
    for index in range(30):
        moved, other = (sound("C", level, index) for level in (f"{shift:+d}", "+1"))
        assert moved.theta == other.theta
        assert np.allclose(np.roll(other.audio, shift - 1), moved.audio, atol=1e-4 * PEAK)
        assert np.abs(moved.audio[[0, -1]]).max() < 1e-3 * PEAK


def test_gains_are_forty_decibels_apart():
    soft, loud = (sound("E", level, index=2).audio for level in ("-20 dB", "+20 dB"))
    assert np.allclose(100.0 * soft, loud, rtol=1e-5)
    assert np.abs(loud).max() == pytest.approx(10.0 * PEAK)


def test_what_is_out_of_the_model_is():
    half, ripple = sound("H", "half sine"), sound("H", "ripple")
    assert half.theta is not None
    assert ripple.theta is None
    # A half sine rests every other half period: about its middle, before it or after it.
    quarter = int(RATE / half.theta["f_m"] / 4)
    before, after = half.audio[N // 2 - quarter - 9 :][:18], half.audio[N // 2 + quarter - 9 :][:18]
    assert np.abs(before).max() < 1e-6 * PEAK < 0.1 * PEAK < np.abs(after).max()
    assert np.abs(ripple.audio[:RATE]).mean() > 0.1 * PEAK  # sounds all the time


def test_recordings_are_a_family_of_their_own(tmp_path):
    with pytest.raises(ArgumentError, match=r"--recordings .* holds no"):
        families(str(tmp_path))
    from mesosynth.audio.file import write_wav

    write_wav(tmp_path / "bird.wav", sound("B").audio, RATE)
    family = families(str(tmp_path))["I"]
    assert list(family.levels) == ["bird"]
    heard = family.make(0, 0, 0)
    assert heard.theta is None
    assert heard.sample_rate == RATE
    assert np.allclose(heard.audio, sound("B").audio, atol=1e-3)
