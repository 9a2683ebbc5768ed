"""Perceptual features of a data set: Phi = log(1 + S / c), and the metric M = J^T J of theta.

S is the JTFS averaged over all time, of the sound at unit power, so that neither onset nor level
count. J is the Jacobian of Phi along nu, by forward tangents in float64: M's eigenvalues span so
many decades that float32 gives others (Han, Lostanlen and Lagrange, TASLP 2024).
"""

import functools
import math

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.matching.domain import Domain
from mesosynth.matching.operator import mean_weights
from mesosynth.scattering import JTFS

COMPRESSION = 1e-3
"""c: the papers' 10^3 S."""


class Perception(torch.nn.Module):
    """Features of sounds of one length.

    Parameters
    ----------
    samples : int
        A power of two.
    """

    weights: torch.Tensor

    def __init__(self, samples: int = ANALYSIS_SAMPLES) -> None:
        super().__init__()
        # A single rate and a single scale an octave: two thirds of the matcher's time, and a third
        # of its paths. Averaging along log-frequency would take longer, not shorter.
        self.jtfs = JTFS(
            J=min(12, int(math.log2(samples)) - 1), J_fr=4, Q=(8, 1), Q_fr=1, F=0, T="global",
            shape=samples, tolerance=1e-3, boundary="periodic",
        )  # fmt: skip
        self.register_buffer("weights", mean_weights(self.jtfs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of sounds.

        Parameters
        ----------
        x : (..., samples) tensor

        Returns
        -------
        (..., paths) float64 tensor
        """
        return self._compressed(self.jtfs(_unit_power(x)))

    def linearize(self, x: torch.Tensor, dx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of a sound and their tangents.

        Parameters
        ----------
        x : (samples,) tensor
        dx : (d, samples) tensor

        Returns
        -------
        Phi : (paths,) float64 tensor
        dPhi : (d, paths) float64 tensor
        """
        rms = x.square().mean().sqrt()
        x = x / rms
        dx = dx / rms
        dx = dx - (dx @ x / len(x))[:, None] * x  # the power stays 1
        S, dS = self.jtfs.jvp(x, dx)
        slope = self._weighted(dS) / (COMPRESSION + self._weighted(S).clamp_min(0.0))
        return self._compressed(S), slope

    def _weighted(self, S: torch.Tensor) -> torch.Tensor:
        return (S.double() * self.weights[:, None]).flatten(-2)

    def _compressed(self, S: torch.Tensor) -> torch.Tensor:
        return torch.log1p(self._weighted(S).clamp_min(0.0) / COMPRESSION)


@functools.lru_cache(maxsize=2)
def perception(samples: int = ANALYSIS_SAMPLES) -> Perception:
    """Features of sounds of one length, built once in a process."""
    return Perception(samples)


def features_and_metric(
    domain: Domain, values: NDArray[np.float64], seed: int, samples: int = ANALYSIS_SAMPLES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Phi and M of one theta.

    Parameters
    ----------
    domain : Domain
    values : (d,) float64
        Parameters of the domain, in the table's units.
    seed : int
        Of the audio.
    samples : int
        Length of the sound.

    Returns
    -------
    Phi : (paths,) float64
    M : (d, d) float64
        With respect to nu.
    """
    state, model = domain.state(values, seed), domain.model
    theta, onset = torch.from_numpy(state[: model.onset]), float(state[model.onset])
    x, dx = model.with_tangents(theta, samples, ANALYSIS_RATE, onset, domain.free)
    dx = dx * torch.from_numpy(domain.along_nu(state))[:, None]
    Phi, dPhi = perception(samples).linearize(x, dx)
    return Phi.numpy(), (dPhi @ dPhi.T).numpy()


def _unit_power(x: torch.Tensor) -> torch.Tensor:
    return x / x.square().mean(dim=-1, keepdim=True).sqrt()
