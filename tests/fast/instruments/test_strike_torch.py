"""Strike, offline: tangents beside autograd, the envelope, the partials and the noise."""

# pyright: basic

import math

import numpy as np
import pytest
import torch

from mesosynth.instruments.strike import BAND_PLACES, PARAMETERS, band_levels
from mesosynth.instruments.strike_torch import KNEES, ONSET, SCALES, strike, strike_and_tangents

RATE, N = 8192.0, 768
IDS = PARAMETERS.matchable


def theta_of(**values):
    complete = PARAMETERS.complete(values)
    return torch.tensor([complete[id_] for id_ in IDS], dtype=torch.float64)


def of_axes(u):
    """Theta of positions along the axes of a descent."""
    theta = []
    for id_, position in zip(IDS, u, strict=True):
        if id_ in KNEES:
            theta.append(KNEES[id_] * torch.sinh(position))
        else:
            theta.append(position * SCALES[id_] if id_ in SCALES else torch.exp(position))
    return torch.stack(theta)


def on_axes(theta):
    return torch.stack([
        torch.asinh(value / KNEES[id_]) if id_ in KNEES
        else value / SCALES[id_] if id_ in SCALES
        else torch.log(value)
        for id_, value in zip(IDS, theta, strict=True)
    ])  # fmt: skip


CORNERS = [
    {}, {"gamma": 0.0, "air": 0.0, "tremolo_depth": 0.0, "inharmonicity": 0.0, "damping": 0.0},
    {"gamma": 1e-4, "air": 1.0}, {"gamma": 16.0, "tremolo_depth": 1.0},
    {"gamma": -16.0, "inharmonicity": 1.0}, {"f_c": 3900.0, "gamma": 0.3, "air": 0.5},
    {"f_c": 20.0, "gamma": -4.0}, {"attack": 2.0, "decay": 0.01, "brightness": -60.0},
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # jacfwd's import
@pytest.mark.parametrize("corner", CORNERS, ids=str)
def test_tangents_are_those_of_autograd(corner):
    rng = np.random.default_rng(len(str(corner)))
    theta = theta_of(**{p.id: p.from_unit(rng.random()) for p in PARAMETERS.values()} | corner)
    onset = torch.tensor(-0.04, dtype=torch.float64)
    x, dx = strike_and_tangents(theta, N, RATE, float(onset), range(12))
    assert torch.equal(x, strike(theta, N, RATE, float(onset)))
    J = torch.func.jacfwd(lambda u: strike(of_axes(u), N, RATE, float(onset)))(on_axes(theta)).T
    along_onset = torch.func.jacfwd(lambda at: strike(theta, N, RATE, at))(onset)
    J = torch.cat([J, SCALES["onset"] * along_onset[None]])
    for direction in range(ONSET + 1):
        error = (dx[direction] - J[direction]).norm()
        assert error <= 1e-6 * J[direction].norm() + 1e-13, (direction, corner)


def test_only_the_wanted_directions_are_computed():
    theta = theta_of(air=0.3)
    _, dx = strike_and_tangents(theta, N, RATE, -0.05, (7, 0))
    _, everything = strike_and_tangents(theta, N, RATE, -0.05)
    assert torch.equal(dx, everything[[7, 0]])
    assert strike_and_tangents(theta, N, RATE, 0.0, ())[1].shape == (0, N)


@pytest.mark.parametrize(("attack", "decay"), [(0.001, 10.0), (0.2, 0.5), (2.0, 0.05)])
def test_the_envelope_peaks_at_one_and_falls_by_e_in_a_decay(attack, decay):
    theta = theta_of(f_c=400.0, brightness=-60.0, attack=attack, decay=decay)
    n = 1 << 16
    x = strike(theta, n, RATE, -n / 2 / RATE).numpy()
    assert np.abs(x).max() == pytest.approx(1.0, abs=2e-3)
    late = 12.0 * attack / 3.0 + 0.1  # the attack is over
    if late + 1.1 * decay > n / RATE:
        return
    rms = [np.sqrt(np.square(x[round(at * RATE) :][:400]).mean()) for at in (late, late + decay)]
    assert rms[0] / rms[1] == pytest.approx(math.e, rel=1e-2)


def test_nothing_sounds_before_the_onset_and_nothing_clicks_at_it():
    theta = theta_of(f_c=500.0, attack=0.05, decay=1.0, air=0.5)
    x = strike(theta, 8192, RATE, 0.0).numpy()
    assert not x[:4096].any()
    assert np.abs(x[4096:4100]).max() < 1e-3


@pytest.mark.parametrize(("B", "ratio"), [(0.0, 2.0), (1.0, math.sqrt(10.0)), (1e-3, 2.0030)])
def test_the_first_partial_is_the_pitch_and_the_second_lies_above_its_octave(B, ratio):
    theta = theta_of(f_c=300.0, inharmonicity=B, decay=10.0, damping=0.0, brightness=0.0)
    n = 1 << 15
    spectrum = np.abs(np.fft.rfft(strike(theta, n, RATE, -n / 2 / RATE).numpy() * np.hanning(n)))
    hertz = np.fft.rfftfreq(n, 1.0 / RATE)
    for expected in (300.0, 300.0 * ratio):
        near = np.abs(hertz - expected) < 20.0
        assert hertz[near][spectrum[near].argmax()] == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize("width", [0.1, 1.0, 2.5])
def test_air_has_its_width_around_the_pitch_and_the_power_of_the_tone(width):
    rate, n = 48000.0, 1 << 17
    theta = theta_of(f_c=1000.0, air=1.0, air_width=width, attack=0.001, decay=10.0)
    x = strike(theta, n, rate, -n / 2 / rate).numpy() * np.exp(np.arange(n) / rate / 10.0)
    assert np.square(x).mean() == pytest.approx(0.5, rel=0.15)
    power = np.square(np.abs(np.fft.rfft(x)))[1:]
    octaves = np.log2(np.fft.rfftfreq(n, 1.0 / rate)[1:] / 1000.0)
    kept = np.abs(octaves) < 3.0 * width
    mean = np.average(octaves[kept], weights=power[kept])
    std = np.sqrt(np.average((octaves[kept] - mean) ** 2, weights=power[kept]))
    assert 2.355 * std == pytest.approx(width, rel=0.2)
    assert abs(mean) < 0.15 * width


def test_air_does_not_repeat_and_is_gaussian():
    rate, n = 24000.0, 1 << 17
    theta = theta_of(f_c=2000.0, air=1.0, air_width=2.0, attack=0.001, decay=10.0)
    x = strike(theta, n, rate, -n / 2 / rate).numpy() * np.exp(np.arange(n) / rate / 10.0)
    x = x[1000:]
    assert (x**4).mean() / (x**2).mean() ** 2 == pytest.approx(3.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(x) // 2]
    assert np.abs(correlation[2400:]).max() < 0.06 * correlation[0]


def test_bands_of_air_have_unit_power_and_spread():
    levels = band_levels()
    assert np.square(levels).sum() == pytest.approx(1.0)
    assert np.square(levels) @ np.square(BAND_PLACES) == pytest.approx(1.0 - 0.45**2, abs=1e-6)


def test_an_endless_glide_stays_finite_and_ends_in_silence():
    for gamma in (16.0, -16.0):
        theta = theta_of(f_c=440.0, gamma=gamma, decay=10.0, air=0.5, air_width=6.0)
        x, dx = strike_and_tangents(theta, 1 << 16, RATE, -4.0, range(12))
        assert torch.isfinite(x).all()
        assert torch.isfinite(dx).all()
        assert not x[-8192:].any()
