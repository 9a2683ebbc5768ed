"""The paper's settings, and those of its code where they differ (Vahidi et al., JAES 2023)."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE

Phi = Literal["JTFS", "MSS", "JTFS averaged"]
"""The paper's two, and ours: averaged over all time, on the unit sphere."""

PHIS: tuple[Phi, ...] = ("JTFS", "MSS", "JTFS averaged")

F_M, GAMMA = (4.0, 16.0), (0.5, 4.0)
"""The grid's ranges, Hz and octaves per second."""

CARRIER, WIDTH = 512.0, 2.0
"""Hz and octaves."""

GRID = 20


def _middle(ends: tuple[float, float]) -> float:
    """Entry 10 of the grid of 20, which the text rounds and the captions get wrong."""
    return float(np.geomspace(*ends, GRID)[GRID // 2])


TARGET: tuple[float, float] = (_middle(F_M), _middle(GAMMA))
"""f_m 8.297 Hz (8.29 in the paper's text, 8.49 in its captions) and gamma 1.494 octaves/s."""


@dataclass(frozen=True)
class Setting:
    """A sound, a Φ and a loss.

    Attributes
    ----------
    name : str
    am_shape : float
        1 for the half sine with rests of eq. 6-7, 0 for the full sine.
    normalised : bool
        Whether each sound has unit energy; otherwise its peak is gamma, without a gradient.
    squared : bool
        Whether the loss of the JTFS is the squared norm of eq. 16 or the norm.
    T : int
        Support of the JTFS's averaging, samples.
    F : "global" or 0
        The same along log-frequency.
    windows : tuple of int
        Of the MSS, samples.
    per_coefficient : bool
        Whether the L1 distance of eq. 18 is a mean within each spectrogram, or a sum.
    carrier : float
        Of the sound that is compared with the target, Hz.
    """

    name: str
    am_shape: float = 1.0
    normalised: bool = True
    squared: bool = True
    T: int = 2**13
    F: Literal["global", 0] = 0
    windows: tuple[int, ...] = tuple(2**n for n in range(5, 11))
    per_coefficient: bool = False
    carrier: float = CARRIER


PAPER = Setting("paper")

CODE = Setting(
    "code", am_shape=0.0, normalised=False, squared=False, T=2**12,
    windows=tuple(2**n for n in range(11, 5, -1)), per_coefficient=True,
)  # fmt: skip
"""``grad_descent.py``."""

CODE_FIELD = replace(CODE, F="global", windows=tuple(2**n for n in range(10, 4, -1)), carrier=768.0)
"""``grad_field.py``, which also has f_m from 4 to 15 Hz and a shift of 2^8."""


def seconds(shift: int) -> float:
    """A shift in samples as seconds."""
    return shift / ANALYSIS_RATE


def error(theta: NDArray[np.float64]) -> float:
    """Distance of (f_m, gamma) to the target's, as in the paper: Hz and octaves/s alike."""
    return float(np.linalg.norm(theta - np.array(TARGET)))
