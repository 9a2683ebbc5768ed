"""The fear: an offline arpeggio that is not the authors', or not the live one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mesosynth.instruments.chirplet import PURE, SLOWEST, Chirplet, sweep_seconds
from mesosynth.instruments.chirplet_torch import (
    ONSET,
    SCALES,
    authors_chirplet,
    chirplet,
    chirplet_and_tangents,
)
from mesosynth.plugins.plugin import NO_EVENTS

GOLDEN = Path(__file__).parents[2] / "data" / "synth.npz"


@pytest.mark.parametrize("row", range(5))
def test_waveforms_are_the_authors(row):
    with np.load(GOLDEN) as stored:
        f_c, f_m, gamma, w, sample_rate, duration, shift = stored["theta"][row]
        expected = stored[f"x{row}"]
    theta = torch.tensor([f_c, f_m, gamma, w], dtype=torch.float32)
    x = authors_chirplet(theta, int(duration * sample_rate), sample_rate, int(shift))
    assert np.abs(x.numpy() - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
@pytest.mark.parametrize(("gamma", "w"), [(1.5, 2.0), (-2.0, 2.0), (0.0, 0.15), (-0.05, 0.02)])
@pytest.mark.parametrize("rest", [(0.0, 1.0, PURE), (0.4, 0.7, -9.0)])
def test_live_and_offline_are_one_sound(block, gamma, w, rest):
    sample_rate, (am_shape, am_depth, brightness) = 8192, rest
    n = int(sweep_seconds(w, gamma) * sample_rate)
    live = Chirplet()
    values = live.parameters.vector(
        {
            "f_c": 500.0,
            "f_m": 9.0,
            "gamma": gamma,
            "w": w,
            "period": 16.0,
            "gain": 0.0,
            "am_shape": am_shape,
            "am_depth": am_depth,
            "brightness": brightness,
        }
    )
    live.prepare(sample_rate, block)
    played = np.zeros((2, -(-n // block) * block), np.float32)
    for begin in range(0, n, block):
        live.process(values, NO_EVENTS, played[:, begin : begin + block])
    # The first sample lies at o = -w/2 and not on the offline grid, so the offset is exact here.
    onset = (n // 2) / sample_rate
    theta = torch.tensor([500.0, 9.0, gamma, w, *rest], dtype=torch.float64)
    offline = chirplet(theta, n, sample_rate, sweep_seconds(w, gamma) / 2 - onset).numpy()
    error = np.abs(played[:, :n] - offline).max() / np.abs(offline).max()
    assert 20 * np.log10(error) < -80.0


def test_theta_has_a_gradient():
    theta = torch.tensor([500.0, 9.0, 1.5, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: chirplet(t, 256, 8192), theta)


BRIGHT = [0.4, 0.7, -9.0]


@pytest.mark.parametrize("gamma", [1.5, -0.7, 0.0, 0.06, -1e-3])
@pytest.mark.parametrize("rest", [[], BRIGHT])
def test_tangents_are_the_derivatives(gamma, rest):
    theta = torch.tensor([300.0, 9.0, gamma, 2.0, *rest], dtype=torch.float64)
    free = range(len(theta))
    x, dx = chirplet_and_tangents(theta, 2048, 8192, free=free)
    torch.testing.assert_close(x, chirplet(theta, 2048, 8192))

    def moved(steps):
        scales = torch.tensor([SCALES["am_shape"], SCALES["am_depth"], SCALES["brightness"]])
        gamma = SLOWEST * torch.sinh(torch.asinh(theta[2:3] / SLOWEST) + steps[2:3])
        f, w = theta[:2] * torch.exp(steps[:2]), theta[3:4] * torch.exp(steps[3:4])
        lines = theta[4:] + steps[4:] * scales[: len(rest)].double()
        return chirplet(torch.cat([f, gamma, w, lines]), 2048, 8192)

    steps = torch.zeros(len(theta), dtype=torch.float64)
    torch.testing.assert_close(dx, torch.autograd.functional.jacobian(moved, steps).T)


def test_the_tangent_along_the_onset_is_the_difference_quotient():
    theta = torch.tensor([300.0, 9.0, 1.5, 2.0, *BRIGHT], dtype=torch.float64)
    _, (dx,) = chirplet_and_tangents(theta, 2048, 8192, onset=0.01, free=[ONSET])
    step = 1e-7
    later, sooner = (chirplet(theta, 2048, 8192, 0.01 + s) for s in (step, -step))
    torch.testing.assert_close(
        dx, SCALES["onset"] * (later - sooner) / (2 * step), rtol=1e-5, atol=1e-3
    )


def test_the_sound_is_continuous_where_the_chirp_stands_and_where_it_becomes_slow():
    def sound(gamma):
        theta = torch.tensor([500.0, 8.0, gamma, 0.3, 0.2, 0.8, -9.0], dtype=torch.float64)
        return chirplet(theta, 16384, 8192)

    for gamma, near in ((0.0, 1e-9), (0.0, -1e-9), (SLOWEST, SLOWEST + 1e-9)):
        torch.testing.assert_close(sound(gamma), sound(near), rtol=0.0, atol=1e-5)
    assert (sound(0.0) - sound(0.05)).abs().max() > 0.1


def test_half_sine_rests_for_half_of_each_period():
    theta = torch.tensor([500.0, 8.0, 1.0, 4.0, 1.0, 1.0, PURE], dtype=torch.float64)
    x = chirplet(theta, 8192, 8192)
    period = 8192 // 8
    second_half = x[4096 + period // 2 + 1 : 4096 + period]
    assert second_half.abs().max() == 0.0
    assert x[4096 : 4096 + period // 2].abs().max() > 0.5
