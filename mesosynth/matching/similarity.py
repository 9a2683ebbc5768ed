"""Similarity of two sounds: a cosine in each of three views.

No single number tells whether two sounds are alike, and a matcher finds the weak spot of any one
that it is given. The time-averaged JTFS does not notice when things happen; spectrograms do. The
MSS hears the loudest partials, log-mel the faint ones too, and the floor between them.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.matching.mel import decibel_picture, mel_power
from mesosynth.matching.operator import Operator
from mesosynth.matching.scores import Scores
from mesosynth.scattering.spectrogram import MultiScaleSpectrogram
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES


class Similarity:
    """Compares sounds with one target, whose views are taken once.

    Parameters
    ----------
    target : (ANALYSIS_SAMPLES,) array
        At ANALYSIS_RATE.
    operator : Operator, optional
        With the Φ "jtfs-global"; None builds one, which takes a second.

    Raises
    ------
    ArgumentError
        If `target` has another shape, or is silent.
    """

    def __init__(self, target: NDArray[np.floating], operator: Operator | None = None) -> None:
        self._operator = operator or Operator()
        self._mss = MultiScaleSpectrogram(ANALYSIS_SAMPLES)
        x = _waveform(target, "target")
        self._energy = x.square().sum()
        if not float(self._energy):
            raise ArgumentError("target is silent; there is nothing to compare with.")
        self._S = self._operator.analyse(x.numpy())
        self._magnitudes = self._mss(x)
        power = mel_power(x, ANALYSIS_RATE)
        self._loudest = power.max()
        self._picture = decibel_picture(power, self._loudest)

    def of(self, audio: NDArray[np.floating]) -> Scores:
        """Scores of another sound.

        Parameters
        ----------
        audio : (ANALYSIS_SAMPLES,) array
            At ANALYSIS_RATE, where it lies in the target's window; its level does not matter, and
            silence scores 0.

        Raises
        ------
        ArgumentError
            If `audio` has another shape.
        """
        x = _waveform(audio, "audio")
        energy = x.square().sum()
        if not float(energy):
            return Scores(0.0, 0.0, 0.0)
        x = x * torch.sqrt(self._energy / energy)
        picture = decibel_picture(mel_power(x, ANALYSIS_RATE), self._loudest)
        return Scores(
            jtfs=float(np.clip(self._operator.analyse(x.numpy()) @ self._S, 0.0, 1.0)),
            mss=_cosine(self._mss(x), self._magnitudes),
            log_mel=_cosine(picture, self._picture),
        )


def _waveform(audio: NDArray[np.floating], name: str) -> torch.Tensor:
    if np.shape(audio) != (ANALYSIS_SAMPLES,):
        raise ArgumentError(
            f"{name}.shape={np.shape(audio)} must be ({ANALYSIS_SAMPLES},), four seconds at "
            f"{ANALYSIS_RATE} Hz."
        )
    return torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))


def _cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    a, b = a.double().flatten(), b.double().flatten()
    return float((a @ b) / (a.norm() * b.norm()).clamp_min(1e-300))
