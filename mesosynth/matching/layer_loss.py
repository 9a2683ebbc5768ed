"""What a match with layers brings down, and its gradient along the waveform.

    loss = 1 - cos(S, S') + MEL (1 - cos(D, D'))

S is the time-averaged JTFS and D the decibels in mel bands (:mod:`mesosynth.matching.mel`), of the
target and of the layers' sum at the target's power. The first does not notice when things happen,
so that layers find their texture from far away; alone it leads to sums that sound at the wrong
times (measured on recordings: JTFS 0.98, log-mel 0.09). The second puts them where they belong.
The gradient goes backwards through both once, for whatever number of layers.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.matching.mel import HOP, band_frequencies, decibel_picture, mel_power
from mesosynth.matching.operator import Operator

MEL = 0.2
"""Weight of log-mel beside the scattering."""

TOLERANCE = 1e-2
"""Of the lean JTFS, enough for cosines to two decimals."""

_FLOOR = 1e-30


@dataclass(frozen=True)
class Loss:
    """The loss at one sum of layers, and the two cosines in it."""

    value: float
    jtfs: float
    log_mel: float


@dataclass(frozen=True)
class LayerFilters:
    """What layers are compared with a target by; good for any target.

    Attributes
    ----------
    exact : Operator
        For the period, and for the scores at the end.
    lean : Operator
        For the loss.
    """

    exact: Operator
    lean: Operator

    @classmethod
    def of(cls, exact: Operator | None = None) -> "LayerFilters":
        """Build them, but for an operator of the Φ "jtfs-global" that is there already."""
        return cls(exact or Operator(), Operator(tolerance=TOLERANCE))


class LayerLoss:
    """The loss beside one target.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    operator : Operator
        With the Φ "jtfs-global" and a tolerance up to TOLERANCE.
    """

    def __init__(self, audio: NDArray[np.float32], operator: Operator) -> None:
        self._operator = operator
        x = torch.from_numpy(audio).to(operator.device)
        self.energy = float(x.double().square().sum())
        self._S = operator.coefficients(x)
        self._power = mel_power(x, ANALYSIS_RATE)
        self.whole = float(self._power.sum())
        self._loudest = self._power.max()
        picture = decibel_picture(self._power, self._loudest)
        self._direction = picture / picture.norm()

    def at(self, x: torch.Tensor) -> Loss:
        """Loss of a sum (ANALYSIS_SAMPLES,), of any dtype."""
        with torch.no_grad():
            return self._evaluate(x.float().to(self._operator.device))[1]

    def gradient(self, x: torch.Tensor) -> tuple[Loss, torch.Tensor]:
        """Loss of a sum and its gradient along the samples, (ANALYSIS_SAMPLES,) float32."""
        x = x.detach().float().to(self._operator.device).requires_grad_(True)
        value, loss = self._evaluate(x)
        value.backward()
        return loss, torch.zeros(ANALYSIS_SAMPLES) if x.grad is None else x.grad.cpu()

    def left_over(self, x: torch.Tensor | None) -> NDArray[np.float64]:
        """Mel power of the target that a sum at its level does not reach: (bands, frames)."""
        power = self._power
        if x is not None:
            of_sum = mel_power(self._levelled(x.float().to(power.device)), ANALYSIS_RATE)
            power = (power - of_sum).clamp_min(0.0)
        return power.double().cpu().numpy()

    @staticmethod
    def frequencies() -> NDArray[np.float64]:
        """Middle of each mel band, Hz."""
        return band_frequencies(ANALYSIS_RATE)

    @staticmethod
    def times(frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Middle of frames, s after the middle of the window."""
        return (frames * HOP - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE

    def _evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, Loss]:
        jtfs = self._operator.coefficients(x) @ self._S
        picture = decibel_picture(mel_power(self._levelled(x), ANALYSIS_RATE), self._loudest)
        log_mel = (picture * self._direction).sum() / picture.norm().clamp_min(_FLOOR)
        value = 1.0 - jtfs + MEL * (1.0 - log_mel)
        return value, Loss(*(float(part.detach()) for part in (value, jtfs, log_mel)))

    def _levelled(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sqrt(self.energy / x.square().sum().clamp_min(_FLOOR))
