"""Settings and losses of the paper: eq. 16 between JTFS, eq. 18 between MSS; and ours.

Where the code of Vahidi et al. (JAES 2023) differs from the text, it has settings of its own.
Features are computed once and compared with any number of targets, so that a map of losses costs
the same for one shift as for ten.
"""

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.chirplet_torch import KNEES, chirplet_and_tangents
from mesosynth.matching.model import State, state_of
from mesosynth.matching.operator import TOLERANCE, Operator
from mesosynth.scattering import JTFS
from mesosynth.scattering.mss import MultiScaleSpectrogram

Phi = Literal["JTFS", "MSS", "JTFS averaged"]
"""The two Φ of the paper, and ours: averaged over all time, on the unit sphere."""

PHIS: tuple[Phi, ...] = ("JTFS", "MSS", "JTFS averaged")

F_M, GAMMA = (4.0, 16.0), (0.5, 4.0)
"""The grid's ranges, Hz and octaves per second."""

CARRIER, WIDTH = 512.0, 2.0
"""Hz and octaves."""

GRID = 20


def _middle(ends: tuple[float, float]) -> float:
    """Entry 10 of the grid of 20; the text rounds it, and the captions have another value."""
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
    """Seconds of a shift in samples."""
    return shift / ANALYSIS_RATE


def error(theta: NDArray[np.float64]) -> float:
    """Euclidean distance of (f_m, gamma) to the target, in Hz and octaves/s, as in the paper."""
    return float(np.linalg.norm(theta - np.array(TARGET)))


_FREE = (1, 2)  # f_m and gamma


@dataclass(frozen=True)
class Features:
    """Φ and its derivatives along log f_m and log gamma: any shape, and (2, that shape)."""

    S: torch.Tensor
    dS: torch.Tensor


@contextmanager
def one_thread() -> Generator[None]:
    """Context with PyTorch on one thread, since its idle threads spin.

    On two busy cores, an MSS took fifteen times as long with two threads as with one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class PaperLoss:
    """One of the losses, as a function of (f_m, gamma).

    Parameters
    ----------
    setting : Setting
    phi : str
        One of :data:`PHIS`.
    """

    def __init__(self, setting: Setting, phi: Phi) -> None:
        self.setting, self.phi = setting, phi
        self._operator = Operator() if phi == "JTFS averaged" else None
        self._mss = MultiScaleSpectrogram(ANALYSIS_SAMPLES, setting.windows)
        self._jtfs: JTFS | None = None
        if phi == "JTFS":
            # Kymatio pads with the mirror image.
            self._jtfs = JTFS(
                shape=ANALYSIS_SAMPLES, J=12, Q=(8, 2), J_fr=5, Q_fr=2, T=setting.T, F=setting.F,
                tolerance=TOLERANCE,
            )  # fmt: skip

    def features(self, f_m: float, gamma: float, carrier: float | None = None) -> Features:
        """Φ of a sound in the middle of the window.

        Parameters
        ----------
        f_m : float
            Hz.
        gamma : float
            Octaves/s.
        carrier : float, optional
            Hz; by default the setting's.

        Returns
        -------
        Features
        """
        return self._features(self.state(f_m, gamma, carrier or self.setting.carrier))

    def target(self, shift: int = 0) -> Features:
        """Φ of the target, shifted to `shift` samples earlier."""
        return self._features(self.state(*TARGET, CARRIER, shift=shift))

    def state(self, f_m: float, gamma: float, carrier: float = CARRIER, shift: int = 0) -> State:
        """State of the matcher for these parameters.

        Parameters
        ----------
        f_m : float
            Hz.
        gamma : float
            Octaves/s.
        carrier : float
            Hz.
        shift : int
            Samples by which the sound is earlier.

        Returns
        -------
        State
        """
        values = {"f_c": carrier, "f_m": f_m, "gamma": gamma, "w": WIDTH}
        return state_of({**values, "am_shape": self.setting.am_shape}, onset=-seconds(shift))

    def between(self, here: Features, target: Features) -> tuple[float, NDArray[np.float64]]:
        """Loss and its gradient.

        Parameters
        ----------
        here, target : Features

        Returns
        -------
        loss : float
        gradient : (2,) float64
            Along log f_m and log gamma.
        """
        residual = (here.S - target.S).double()
        if self.phi == "MSS":
            loss, slope = self._absolute(residual)
        else:
            square = float(residual.square().sum())
            if self.phi == "JTFS averaged":
                loss, slope = 0.5 * square, residual
            elif self.setting.squared:
                loss, slope = square, 2.0 * residual
            else:
                loss, slope = square**0.5, residual / max(square**0.5, 1e-300)
        return loss, (here.dS.double().flatten(1) @ slope.flatten()).numpy()

    def _absolute(self, residual: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Eq. 18, and its derivative along each coefficient."""
        parts = self._mss.split(residual)
        shares = [
            1.0 / len(parts) / (part.numel() if self.setting.per_coefficient else 1)
            for part in parts
        ]
        loss = sum(
            share * float(part.abs().sum()) for share, part in zip(shares, parts, strict=True)
        )
        slope = [(share * part.sign()).flatten() for share, part in zip(shares, parts, strict=True)]
        return float(loss), torch.cat(slope)

    def _features(self, state: State) -> Features:
        if self._operator is not None:
            at = self._operator.linearize(state, _FREE)
            return Features(torch.from_numpy(at.S), torch.from_numpy(_in_logs(at.J.T, state)))
        x, dx = self._sound(state)
        return Features(*(self._jtfs or self._mss).jvp(x, dx))

    def _sound(self, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveform, (n,), and its derivatives, (2, n), in the level of the setting."""
        theta = torch.from_numpy(state[:7])
        x, dx = chirplet_and_tangents(
            theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, float(state[7]), _FREE
        )
        dx = torch.from_numpy(_in_logs(dx.numpy(), state))
        if not self.setting.normalised:
            return (theta[2] * x).float(), (theta[2] * dx).float()
        norm = x.norm()
        x, dx = x / norm, dx / norm
        return x.float(), (dx - (dx @ x)[:, None] * x).float()


def _in_logs(derivatives: NDArray[np.float64], state: State) -> NDArray[np.float64]:
    """Derivatives along f_m and asinh gamma, (2, ...), turned into those along their logarithms."""
    gamma = float(state[2])
    factors = np.array([1.0, gamma / math.hypot(gamma, KNEES["gamma"])])
    return derivatives * factors.reshape(2, *[1] * (derivatives.ndim - 1))
