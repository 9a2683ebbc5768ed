"""The fear: pictures that show a rate, a scale or a direction that the sound does not have."""

import re

import numpy as np
import pytest
import torch
from papers_jtfs import jtfs_of

from mesosynth.errors import MesosynthError
from mesosynth.instruments.chirplet_torch import chirplet
from mesosynth.scattering.scale_rate import in_hertz, scale_rate, time_means
from mesosynth.scattering.wavelet_pictures import figure_2, wavelet_picture

N, RATE = 8192, 4096.0
PERIODIC = {"T": "global", "boundary": "periodic"}


def transform(**config):
    return jtfs_of(N, J=10, J_fr=4, **{"F": 0, **config})


@pytest.fixture(scope="module")
def periodic():
    return transform(**PERIODIC)


def arpeggio(f_m, gamma, f_c=512.0):
    theta = torch.tensor([f_c, f_m, gamma, 2.0], dtype=torch.float64)
    return chirplet(theta, N, RATE).float()


def test_a_tone_lights_up_the_frequency_that_meta_gives_it(periodic):
    columns = in_hertz(periodic, RATE)
    x = torch.sin(2 * torch.pi * 440.0 * torch.arange(N) / RATE)
    energy = periodic(x).square().sum(dim=-1).numpy()[columns["row"]]
    fine = (columns["order"] == 1) & (columns["n_fr"] == 1)
    loudest = np.flatnonzero(fine)[np.argmax(energy[fine])]
    assert columns["frequency"][loudest] == pytest.approx(440.0, rel=0.1)
    assert columns["rate"][loudest] == 0.0


def test_units_are_hertz_and_cycles_per_octave(periodic):
    columns, meta = in_hertz(periodic, RATE), periodic.meta()
    second = meta["order"] == 2
    np.testing.assert_allclose(columns["rate"][second], meta["xi"][second, 1] * RATE)
    # The rows of psi_n1 are 8 to an octave: half a cycle per row is 4 cycles per octave.
    np.testing.assert_allclose(columns["scale"][second], np.abs(meta["xi_fr"][second]) * 8)
    assert np.isnan(columns["rate"][meta["order"] == 0]).all()


@pytest.mark.parametrize("gamma", [2.0, 4.0, -2.0, -4.0])
@pytest.mark.parametrize("config", [PERIODIC, {"T": None}], ids=["periodic", "frames"])
def test_a_sweep_shows_its_direction_and_its_slope(gamma, config):
    picture = scale_rate(transform(**config), arpeggio(f_m=12.0, gamma=gamma), RATE)
    share = picture.energy.sum(axis=(1, 2)) / picture.energy.sum()
    assert share[picture.spins == np.sign(gamma)] > 0.6
    spin, scale, rate = np.unravel_index(picture.energy.argmax(), picture.energy.shape)
    assert picture.spins[spin] == np.sign(gamma)
    # A line that climbs gamma octaves a second crosses a pattern of that many Hz per cycle/octave.
    slope = picture.rates[rate] / picture.scales[scale]
    assert abs(np.log2(slope / abs(gamma))) <= 0.5


@pytest.mark.parametrize("f_m", [8.0, 16.0])
def test_a_tremolo_shows_at_its_rate(periodic, f_m):
    # |sin(2 pi f_m t)| repeats 2 f_m times a second.
    t = torch.arange(N) / RATE
    x = torch.sin(2 * torch.pi * 600.0 * t) * torch.sin(2 * torch.pi * f_m * t)
    picture = scale_rate(periodic, x, RATE)
    rate = picture.rates[picture.energy.sum(axis=(0, 1)).argmax()]
    assert abs(np.log2(rate / (2 * f_m))) <= 0.3


@pytest.mark.parametrize(
    "config",
    [
        {"T": "global"},
        {"F": None},
        {"F": None, "format": "joint"},
        {"F": "global", "T": "global"},
        {"F": "global"},
    ],
)
def test_the_picture_is_much_the_same_however_the_transform_averages(config):
    x = arpeggio(f_m=12.0, gamma=3.0)
    reference = scale_rate(transform(), x, RATE)
    picture = scale_rate(transform(**config), x, RATE)
    np.testing.assert_allclose(picture.scales, reference.scales)
    np.testing.assert_allclose(picture.rates, reference.rates)
    a, b = (np.sqrt(p.energy / p.energy.sum()).ravel() for p in (picture, reference))
    assert a @ b > 0.75
    # Averaging amplitudes before they are squared loses some energy, never gains.
    assert 0.2 < picture.energy.sum() / reference.energy.sum() < 1.0


def test_sums_over_all_time_become_means():
    x = torch.randn(N, generator=torch.Generator().manual_seed(0))
    sums, frames = transform(T="global"), transform()
    ratio = time_means(sums, sums(x)) / time_means(frames, frames(x))
    order = np.empty(len(ratio))
    order[sums.meta()["row"]] = sums.meta()["order"]
    for k in (1, 2):
        assert ratio[torch.from_numpy(order == k)].median() == pytest.approx(1.0, abs=0.05)


def test_wavelets_are_what_they_say_they_are(periodic):
    for rate, scale in ((4.0, 0.5), (16.0, 1.0)):
        for spin in (-1, 1):
            wavelet = wavelet_picture(periodic, RATE, rate, scale, spin, size=(128, 128))
            spectrum = np.abs(np.fft.fft2(wavelet.picture))
            step_t, step_o = np.diff(wavelet.times)[0], np.diff(wavelet.octaves)[0]
            row, column = np.unravel_index(spectrum[:, :64].argmax(), (128, 64))
            alpha = np.fft.fftfreq(128, step_t)[column]
            beta = np.fft.fftfreq(128, step_o)[row]
            assert alpha == pytest.approx(wavelet.rate, abs=1 / np.ptp(wavelet.times))
            assert abs(beta) == pytest.approx(wavelet.scale, abs=1 / np.ptp(wavelet.octaves))
            # cos(2 pi (alpha t + beta o)) rises where alpha and beta differ in sign.
            assert np.sign(-alpha * beta) == spin == wavelet.spin
            assert abs(np.log2(wavelet.rate / rate)) <= 0.5
            assert abs(np.log2(wavelet.scale / scale)) <= 0.5


def test_a_wavelet_is_found_by_its_own_path(periodic):
    # A pattern drawn with the wavelet's stripes, played as amplitude of noise-free partials.
    wavelet = wavelet_picture(periodic, RATE, 8.0, 1.0, -1)
    t = torch.arange(N) / RATE
    x = torch.zeros(N)
    for psi in periodic.psi1:
        octave = np.log2(psi.xi)
        if psi.xi * RATE > 100.0:
            phase = 2 * torch.pi * (wavelet.rate * t + wavelet.scale * octave)
            x += (1 + torch.cos(phase)) * torch.sin(
                2 * torch.pi * psi.xi * RATE * t + 9 * octave**2
            )
    picture = scale_rate(periodic, x, RATE)
    rate = int(np.argmin(np.abs(picture.rates - wavelet.rate)))
    assert picture.energy[0, :, rate].sum() > 3 * picture.energy[1, :, rate].sum()


def test_figure_2_has_one_pair_of_axes(periodic):
    pictures = figure_2(periodic, RATE, rates=(4.0, 8.0), scales=(0.5, 1.0))
    assert [p.spin for p in pictures] == [-1] * 4 + [1] * 4
    for picture in pictures:
        np.testing.assert_array_equal(picture.times, pictures[0].times)
        np.testing.assert_array_equal(picture.octaves, pictures[0].octaves)
        assert np.abs(picture.picture).max() == 1.0
        edge = np.abs(picture.picture)[[0, -1], :].max()
        assert edge < 0.05


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"rate": 0.0}, "rate=0.0"),
        ({"scale": -1.0}, "scale=-1.0"),
        ({"spin": 0}, "spin=0"),
        ({"sample_rate": float("nan")}, "sample_rate=nan"),
        ({"seconds": 0.0}, "seconds=0.0"),
    ],
)
def test_what_cannot_be_drawn_is_named(periodic, arguments, named):
    asked = {"sample_rate": RATE, "rate": 8.0, "scale": 1.0, "spin": 1, **arguments}
    with pytest.raises(MesosynthError, match=re.escape(named)):
        wavelet_picture(periodic, **asked)


def test_a_sample_rate_must_be_one(periodic):
    with pytest.raises(MesosynthError, match="sample_rate=0"):
        in_hertz(periodic, 0)
