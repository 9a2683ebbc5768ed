"""The sound of a layer, an arpeggio that comes once or repeats, and its derivatives.

A layer's state is ten numbers: the chirplet's theta, onset, level and period. A period of 0 stands
for an arpeggio that comes once. One that repeats is the arpeggio x convolved with a comb::

    y(t) = level sum_k x(t - onset - k period)

whose spectrum is that of x times ``sum_k exp(-2 pi i f (onset + k period))``, so that all
repetitions, the fractions of a sample between them, and the derivatives along onset and period
together cost a few FFTs. They fill the part of the window in which the target sounds.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.instruments.chirplet_torch import ONSET, SCALES, chirplet_and_tangents
from mesosynth.matching.model import CHIRPLET
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES

States = NDArray[np.float64]
"""(layers, 10): theta, onset (s after the middle of the window), level, and period (s)."""

LEVEL, PERIOD = ONSET + 1, ONSET + 2
SIZE = PERIOD + 1

SHORTEST_PERIOD, LONGEST_PERIOD = 0.1, 4.0  # s; a live arpeggio cannot repeat faster
LONGEST_SWEEP = 10.0  # s, w / |gamma|: of it some four are heard
_SECONDS = ANALYSIS_SAMPLES / ANALYSIS_RATE
_HIGHEST_F_C = 0.48 * ANALYSIS_RATE
_LOGARITHMIC = np.array([*CHIRPLET.logarithmic, True])
_SCALE = np.array([*CHIRPLET.scale, 1.0])
_GAMMA, _W = CHIRPLET.ids.index("gamma"), CHIRPLET.ids.index("w")


def moved(states: States, step: States) -> States:
    """States after a step along their axes, each within its range; what is 0 of periods stays."""
    along = np.where(_LOGARITHMIC, step, 0.0)
    there = np.where(_LOGARITHMIC, states * np.exp(along), states + _SCALE * step)
    return in_range(there)


def in_range(states: States) -> States:
    """States that the instrument can play and that lie in the window."""
    inside = np.array([[*CHIRPLET.in_range(row[:PERIOD]), row[PERIOD]] for row in states])
    inside = inside.reshape(-1, SIZE)
    inside[:, 0] = np.minimum(inside[:, 0], _HIGHEST_F_C)
    inside[:, _W] = np.minimum(inside[:, _W], LONGEST_SWEEP * np.abs(inside[:, _GAMMA]))
    repeats = inside[:, PERIOD] > 0.0
    inside[repeats, PERIOD] = inside[repeats, PERIOD].clip(SHORTEST_PERIOD, LONGEST_PERIOD)
    return inside


def layer_sound(state: NDArray[np.float64], span: tuple[float, float]) -> torch.Tensor:
    """Sound of one layer.

    Parameters
    ----------
    state : (10,) float64
    span : (float, float)
        Where repetitions have their middles, s after the middle of the window.

    Returns
    -------
    (ANALYSIS_SAMPLES,) float64 tensor
    """
    return _render(state, span, ())[0]


def layer_sound_and_tangents(
    state: NDArray[np.float64], span: tuple[float, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`layer_sound` and its derivatives along a layer's axes, (10, ANALYSIS_SAMPLES)."""
    return _render(state, span, range(ONSET + 1))


def _render(
    state: NDArray[np.float64], span: tuple[float, float], free: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    theta, level = torch.from_numpy(state[:ONSET]), float(state[LEVEL])
    onset, period = float(state[ONSET]), float(state[PERIOD])
    if not period:
        x, dx = chirplet_and_tangents(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, onset, free)
        x, dx = level * x, level * dx
        if not free:
            return x, dx
        return x, torch.cat([dx, x[None], torch.zeros_like(x)[None]])
    of_theta = [place for place in free if place < ONSET]
    x, dx = chirplet_and_tangents(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, 0.0, of_theta)
    times = repetitions(onset, period, span)
    return _repeated(level * x, level * dx, times, onset, period)


def repetitions(onset: float, period: float, span: tuple[float, float]) -> NDArray[np.float64]:
    """Times of the middles that lie in `span`: one at least, at `onset` if there is no other."""
    first = np.ceil((span[0] - onset) / period - 1e-9)
    last = np.floor((span[1] - onset) / period + 1e-9)
    return onset + period * np.arange(first, last + 1.0) if last >= first else np.array([onset])


def _repeated(
    x: torch.Tensor, dx: torch.Tensor, times: NDArray[np.float64], onset: float, period: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """A sound around the middle of the window, and its tangents, repeated at `times`.

    Tangents along onset, level and period follow those in `dx`, if there are any.
    """
    n = 2 * len(x)  # room, so that nothing that leaves the window comes in at its other end
    omega = 2.0 * np.pi * np.fft.rfftfreq(n, 1.0 / ANALYSIS_RATE)
    comb, by_number = _comb(omega, times, period, round((times[0] - onset) / period))
    spectrum = torch.fft.rfft(x, n)
    repeated = spectrum * comb
    columns = [repeated[None]]
    if len(dx):
        delay = torch.from_numpy(-1j * omega)
        columns.append(torch.fft.rfft(dx, n) * comb)
        by_onset = SCALES["onset"] * delay * repeated
        by_period = period * delay * by_number * spectrum
        columns.append(torch.stack([by_onset, repeated, by_period]))
    y = torch.fft.irfft(torch.cat(columns), n)[:, : len(x)]
    return y[0], y[1:]


def _comb(
    omega: NDArray[np.floating], times: NDArray[np.float64], period: float, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of the phasors of `times`, and the same weighted by their numbers from `first` on.

    By Horner's rule, for a polynomial and its derivative: no phasor but two is computed.
    """
    z = np.exp(-1j * omega * period)
    power = derivative = np.zeros_like(z)
    for _ in times:
        derivative = derivative * z + power
        power = power * z + 1.0
    begin = np.exp(-1j * omega * times[0])
    by_number = begin * (first * power + z * derivative)
    return torch.from_numpy(begin * power), torch.from_numpy(by_number)
