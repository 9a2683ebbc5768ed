"""The fear: an offline arpeggio that is not the authors', or not the live one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mesosynth.instruments.chirplet import Chirplet
from mesosynth.instruments.chirplet_torch import authors_chirplet, chirplet, chirplet_and_tangents
from mesosynth.plugin import NO_EVENTS

GOLDEN = Path(__file__).parents[1] / "data" / "synth.npz"


@pytest.mark.parametrize("row", range(5))
def test_waveforms_are_the_authors(row):
    with np.load(GOLDEN) as stored:
        f_c, f_m, gamma, w, sample_rate, duration, shift = stored["theta"][row]
        expected = stored[f"x{row}"]
    theta = torch.tensor([f_c, f_m, gamma, w], dtype=torch.float32)
    x = authors_chirplet(theta, int(duration * sample_rate), sample_rate, int(shift))
    assert np.abs(x.numpy() - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
@pytest.mark.parametrize("gamma", [1.5, -2.0])
def test_live_and_offline_are_one_sound(block, gamma):
    sample_rate, w = 8192, 2.0
    n = int(w / abs(gamma) * sample_rate)
    live = Chirplet()
    values = live.parameters.vector(
        {"f_c": 500.0, "f_m": 9.0, "gamma": gamma, "w": w, "period": 16.0, "gain": 0.0}
    )
    live.prepare(sample_rate, block)
    played = np.zeros((2, -(-n // block) * block), np.float32)
    for begin in range(0, n, block):
        live.process(values, NO_EVENTS, played[:, begin : begin + block])
    # The first sample lies at o = -w/2 and not on the offline grid, so the offset is exact here.
    onset = (n // 2) / sample_rate
    theta = torch.tensor([500.0, 9.0, gamma, w], dtype=torch.float64)
    offline = chirplet(theta, n, sample_rate, w / 2 / abs(gamma) - onset).numpy()
    error = np.abs(played[:, :n] - offline).max() / np.abs(offline).max()
    assert 20 * np.log10(error) < -80.0


def test_theta_has_a_gradient():
    theta = torch.tensor([500.0, 9.0, 1.5, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: chirplet(t, 256, 8192), theta)


@pytest.mark.parametrize("gamma", [1.5, -0.7])
def test_tangents_are_the_derivatives_along_log_theta(gamma):
    theta = torch.tensor([500.0, 9.0, gamma, 2.0], dtype=torch.float64)
    x, dx = chirplet_and_tangents(theta, 2048, 8192)
    torch.testing.assert_close(x, chirplet(theta, 2048, 8192))
    jacobian = torch.autograd.functional.jacobian(
        lambda logs: chirplet(theta * torch.exp(logs), 2048, 8192),
        torch.zeros(4, dtype=torch.float64),
    )
    torch.testing.assert_close(dx, jacobian.T)


def test_half_sine_rests_for_half_of_each_period():
    theta = torch.tensor([500.0, 8.0, 1.0, 4.0], dtype=torch.float64)
    x = chirplet(theta, 8192, 8192, am_shape=1.0)
    period = 8192 // 8
    second_half = x[4096 + period // 2 + 1 : 4096 + period]
    assert second_half.abs().max() == 0.0
    assert x[4096 : 4096 + period // 2].abs().max() > 0.5
