"""Edits of coefficients against sounds that are what the edit asks for."""

import numpy as np
import pytest
import torch

from mesosynth.engine.rack import render
from mesosynth.errors import ArgumentError
from mesosynth.resynthesis.descent import WindowedJTFS, resynthesis_steps
from mesosynth.resynthesis.edits import blended, edit_names, frozen, parse_edit, transposed
from mesosynth.resynthesis.results import ResynthesisSettings
from mesosynth.system.steps import result_of

RATE, N = 8192, 8192


@pytest.fixture(scope="module")
def transform():
    return WindowedJTFS(N, RATE, average=0.125)


def coefficients(transform, audio):
    return transform(torch.from_numpy(np.atleast_2d(audio).astype(np.float32)))


def tone(frequency, modulation=0.0):
    t = np.arange(N) / RATE
    return np.sin(2 * np.pi * frequency * t) * (1 + 0.9 * np.sin(2 * np.pi * modulation * t))


def chirps(gamma, f_c=800.0, f_m=4.0, w=2.0):
    values = {"f_c": f_c, "f_m": f_m, "gamma": gamma, "w": w, "spread": 0.0}
    return render("chirplet", values, 1.0, RATE)[:1, :N]


def share_rising(S, paths):
    energy = S.square().sum((0, 1, 3)).numpy()
    of = {spin: energy[(paths.order == 2) & (paths.spin == spin)].sum() for spin in (-1, 1)}
    return of[1] / (of[1] + of[-1])


def test_reversed_spins_rise_where_they_fell(transform):
    paths, edit = transform.paths, parse_edit("reverse-spin")
    S = coefficients(transform, chirps(4.0))
    rising = share_rising(S, paths)
    assert rising > 0.7
    back = edit(S, paths)
    assert share_rising(back, paths) == pytest.approx(1.0 - rising, abs=1e-6)
    assert torch.equal(edit(back, paths), S)
    falls = coefficients(transform, chirps(-4.0))
    assert (back - falls).norm() < 0.5 * (S - falls).norm()
    assert torch.equal(back[:, :, paths.order < 2], S[:, :, paths.order < 2])


def test_of_a_rising_arpeggio_with_reversed_spins_nine_tenths_fall(transform):
    rising = chirps(4.0, f_c=500.0, f_m=24.0, w=4.0)
    settings = ResynthesisSettings(
        iterations=12, average=0.125, edits=("reverse-spin",), tolerance=0.0
    )
    found = result_of(resynthesis_steps(rising, RATE, settings)).audio
    before, after = (
        share_rising(coefficients(transform, sound), transform.paths) for sound in (rising, found)
    )
    assert before > 0.9
    assert after < 0.1


def test_transposed_by_an_octave_is_the_sound_an_octave_higher(transform):
    S, higher = (coefficients(transform, tone(f, 8.0)) for f in (500.0, 1000.0))
    found = transposed(S, transform.paths, 1.0)
    first = transform.paths.order == 1
    assert (found - higher)[:, :, first].norm() < 0.05 * higher[:, :, first].norm()
    assert (found - higher).norm() < 0.1 * higher.norm()


def test_rates_an_octave_up_repeat_twice_as_fast(transform):
    paths = transform.paths
    S = coefficients(transform, tone(1000.0, 16.0))
    found = parse_edit("shift-rates=1")(S, paths)

    def loudest(S):
        energy = S.square().sum((0, 1, 3)).numpy()
        rates = np.unique(paths.rate[paths.order == 2])
        return rates[np.argmax([energy[paths.rate == rate].sum() for rate in rates])]

    assert loudest(found) == pytest.approx(2.0 * loudest(S), rel=0.05)
    stretched = parse_edit("stretch-rates=1")(S, paths)
    assert torch.allclose(stretched, S)


def test_a_band_of_rates_is_kept_or_removed(transform):
    paths = transform.paths
    S = coefficients(transform, tone(1000.0, 16.0))
    kept = parse_edit("keep-rates=4:40")(S, paths)
    removed = parse_edit("remove-rates=4:40")(S, paths)
    second = paths.order == 2
    assert torch.allclose((kept + removed)[:, :, second], S[:, :, second])
    assert torch.equal(kept[:, :, ~second], S[:, :, ~second])
    assert not removed[:, :, second & (paths.rate > 4) & (paths.rate < 40)].any()


def test_a_region_is_attenuated_removed_or_mirrored_and_nothing_else(transform):
    paths, S = transform.paths, coefficients(transform, chirps(4.0))
    inside = (paths.order == 2) & (paths.rate >= 3.0) & (paths.rate <= 30.0)
    inside &= (paths.scale >= 0.2) & (paths.scale <= 3.0) & (paths.spin != 0.0)
    falling, rising = inside & (paths.spin < 0.0), inside & (paths.spin > 0.0)
    assert falling.any()
    quieter = parse_edit("attenuate-region=3:30:0.2:3:1:-20")(S, paths)
    torch.testing.assert_close(quieter[:, :, rising], 0.1 * S[:, :, rising])
    assert torch.equal(quieter[:, :, ~rising], S[:, :, ~rising])
    removed = parse_edit("remove-region=3:30:0.2:3:0")(S, paths)
    assert not removed[:, :, inside].any()
    assert torch.equal(removed[:, :, ~inside], S[:, :, ~inside])
    mirrored = parse_edit("mirror-region=3:30:0.2:3")(S, paths)
    swapped = parse_edit("reverse-spin")(S, paths)
    torch.testing.assert_close(mirrored[:, :, inside], swapped[:, :, inside])
    assert torch.equal(mirrored[:, :, ~inside], S[:, :, ~inside])


def test_frozen_and_blended(transform):
    S, other = (coefficients(transform, tone(f)) for f in (300.0, 2000.0))
    assert torch.equal(frozen(S)[..., 0], frozen(S)[..., -1])
    assert torch.allclose(blended(S, other, 0.25), 0.75 * S + 0.25 * other, atol=1e-7)
    with pytest.raises(ArgumentError, match="amount"):
        blended(S, other, 1.5)
    with pytest.raises(ArgumentError, match="one length"):
        blended(S, other[..., :3], 0.5)


@pytest.mark.parametrize(
    "words",
    ["backwards", "reverse-spin=2", "transpose", "transpose=up", "keep-rates=9:3", "keep-rates=3",
     "stretch-rates=0", "shift-rates=nan", ""],
)  # fmt: skip
def test_words_that_are_no_edit_are_refused_by_name(words):
    with pytest.raises(ArgumentError, match="edit="):
        parse_edit(words)
    assert "reverse-spin" in edit_names()
