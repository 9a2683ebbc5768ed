"""The last step of a match in noise, and how sure it is.

The target holds a noise that nobody knows; the model is heard beside several others like it. Each
leads to a step of its own, and their scatter is the error, because the target's noise is one more
of them.

The Jacobian is noisy as well, which makes JᵀJ too large: by the energy of the noise in each column.
Steps and their scatter come out too short, by that much. Against the first, J is the mean over all
noises. Against what is left of it, the scatter is widened by how much larger JᵀJ is than products
of Jacobians beside *different* noises, whose errors average out. Without this, f_c at 0 dB is said
to be four times as sure as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.matching.measured import SYSTEMATIC
from mesosynth.matching.operator import Linearization

_LONGEST_STEP = 0.1
_STUDENT = 3.18 / 1.96  # how much wider intervals are that rest on three degrees of freedom
_WIDEST = 8.0

NOISES = 4
"""How many noises the model is heard beside."""


@dataclass(frozen=True)
class NoiseStep:
    """What several noises say together.

    Attributes
    ----------
    step : (free,) float64
        Along the unknowns' axes.
    std : (free,) float64
        Standard deviations after that step.
    loss : float
        After the step.
    noise_loss : float
        What noise alone explains.
    """

    step: NDArray[np.float64]
    std: NDArray[np.float64]
    loss: float
    noise_loss: float


def noise_step(S: NDArray[np.float64], beside: Sequence[Linearization]) -> NoiseStep:
    """The step from one state, heard beside :data:`NOISES` noises, towards a target.

    Parameters
    ----------
    S : (paths,) float64
        Of the target.
    beside : sequence of Linearization
        At one state, beside one noise each.
    """
    count = len(beside)
    residuals = np.array([at.S for at in beside]) - S
    mean = residuals.mean(axis=0)
    J = np.mean([at.J for at in beside], axis=0)
    steps = -residuals @ np.linalg.pinv(J).T
    step = steps.mean(axis=0).clip(-_LONGEST_STEP, _LONGEST_STEP)
    scatter = steps.std(axis=0, ddof=1) * math.sqrt(1.0 + 1.0 / count)
    return NoiseStep(
        step=step,
        std=np.hypot(_STUDENT * scatter * _attenuation(J, beside), SYSTEMATIC),
        loss=0.5 * float(np.square(mean + J @ step).sum()),
        # What two noises differ by is what noise alone explains.
        noise_loss=0.5 * float(np.square(residuals - mean).sum()) / (count - 1),
    )


def _attenuation(J: NDArray[np.float64], beside: Sequence[Linearization]) -> NDArray[np.float64]:
    """How much too large noise makes the squares of J's columns, (free,), 1 or more."""
    count = len(beside)
    squares = np.square(J).sum(axis=0)
    own = sum(np.square(at.J).sum(axis=0) for at in beside)
    products = (count**2 * squares - own) / (count * (count - 1))
    return np.clip(squares / np.maximum(products, squares / _WIDEST), 1.0, _WIDEST)
