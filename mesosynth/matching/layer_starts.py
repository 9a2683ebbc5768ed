"""Where a new layer starts: on what the layers that are there leave of the target.

The target's mel power that their sum does not reach says where and when something is missing. A
candidate is an arpeggio there, at a time and pitch drawn by how much is, with rates and widths at
random; in sounds that repeat, every other one repeats too. The one that brings the loss lowest
when it joins the sum starts the layer.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.instruments.chirplet_parameters import SIGMA_0
from mesosynth.instruments.chirplet_torch import ONSET
from mesosynth.matching.layer_loss import LayerLoss
from mesosynth.matching.layer_sound import LEVEL, PERIOD, SIZE, in_range, layer_sound

_RANGES = {"f_m": (1.0, 50.0), "sigma": (0.02, 0.7), "w": (0.3, 6.0)}  # drawn in logarithms
_BRIGHTNESS = (-30.0, -2.0)  # dB/octave
_LEVELS = (0.5, 1.0)  # of what is left


def draw_start(
    loss: LayerLoss,
    left: NDArray[np.float64],
    period: float,
    span: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], torch.Tensor]:
    """Draw one candidate and its sound.

    Parameters
    ----------
    loss : LayerLoss
    left : (bands, frames) float64
        As ``loss.left_over`` gives it.
    period : float
        Of its repetition, s; 0 for none.
    span : (float, float)
        As for :func:`mesosynth.matching.layer_sound.layer_sound`.
    rng : Generator

    Returns
    -------
    state : (10,) float64
    sound : (ANALYSIS_SAMPLES,) float64 tensor
    """
    amplitude = np.sqrt(left)
    place = rng.choice(amplitude.size, p=amplitude.ravel() / amplitude.sum())
    band, frame = np.unravel_index(place, amplitude.shape)
    f_m, sigma, w = (_between(rng, *ends) for ends in _RANGES.values())
    state = np.zeros(SIZE)
    state[:ONSET] = [
        loss.frequencies()[band], f_m, rng.choice([-1.0, 1.0]) * SIGMA_0 * w / sigma, w,
        rng.uniform(), rng.uniform(0.2, 1.0), rng.uniform(*_BRIGHTNESS),
    ]  # fmt: skip
    state[ONSET] = loss.times(np.array([frame]))[0]
    state[LEVEL], state[PERIOD] = 1.0, period
    state = in_range(state[None])[0]
    x = layer_sound(state, span)
    missing = loss.energy * left.sum() / max(float(loss.whole), 1e-300)
    level = rng.choice(_LEVELS) * np.sqrt(missing / max(float(x.square().sum()), 1e-12))
    state[LEVEL] = level
    return state, level * x


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
