"""What sounds all the time has no middle: its place, its level, and what of it is chance.

Partials that beat do so in their own time. Which four seconds of them are heard makes no difference
to anybody but to a transform of four seconds; so a steady model is heard at several onsets, and
what these do not agree about is not held against theta.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.matching.model import State
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import Linearization, Operator
from mesosynth.scattering import JTFS

_PERIODS = (0, 7, -11, 23)
"""Of the ripple: its wave stays where it is, its partials do not."""


def heard_elsewhere(
    operator: Operator,
    state: State,
    free: Sequence[int],
    checkpoint: Callable[[], None] | None = None,
) -> list[Linearization]:
    """Φ and its Jacobian at one state, by as many other parts of the same sound.

    Parameters
    ----------
    operator : Operator
        Of a steady model, whose second parameter is its rate, Hz.
    state : (theta + 2,) float64
    free, checkpoint
        As for ``operator.linearize``.
    """
    heard: list[Linearization] = []
    for periods in _PERIODS:
        there = state.copy()
        there[operator.model.onset] += periods / state[1]
        heard.append(operator.linearize(there, free, checkpoint))
    return heard


def steady_onset(
    jtfs: JTFS, audio: NDArray[np.float32], x: NDArray[np.float32], rate: float
) -> float:
    """When the wave of `x` begins again in `audio`, for the first time; s after the middle."""
    half = len(audio) / 2 / ANALYSIS_RATE
    return float((onset_of(jtfs, audio, x) + half) % (1.0 / rate)) - half


def steady_gain(audio: NDArray[np.float32], x: NDArray[np.float32]) -> float:
    """By how much `x` must be amplified to be as strong as `audio`, where that sounds."""
    return float(np.sqrt(np.square(audio, dtype=np.float64).sum() / np.square(x).sum()))
