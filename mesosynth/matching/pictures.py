"""Pictures of a sound: its scalogram, and its JTFS as scale × rate × spin."""

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.matching.messages import Analysis
from mesosynth.matching.operator import Operator
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES

_LOWEST_FREQUENCY = 30.0  # Hz; wavelets below it are spaced evenly and make an ugly axis
_FASTEST_RATE = 300.0  # Hz; above, only few rows of the scalogram have a rate


def analysis(operator: Operator, audio: NDArray[np.float32]) -> Analysis:
    """Pictures of a waveform (ANALYSIS_SAMPLES,) at ANALYSIS_RATE."""
    frequencies = np.array([psi.xi for psi in operator.jtfs.psi1]) * ANALYSIS_RATE
    audible = frequencies >= _LOWEST_FREQUENCY
    scalogram = operator.jtfs.scalogram(torch.from_numpy(audio)).numpy()[audible]
    scale_rate, scales, rates = _scale_rate(operator, operator.analyse(audio))
    return Analysis(
        scalogram=(scalogram / max(float(scalogram.max()), 1e-12)).astype(np.float32),
        frequencies=frequencies[audible].astype(np.float32),
        duration=ANALYSIS_SAMPLES / ANALYSIS_RATE,
        scale_rate=scale_rate,
        scales=scales,
        rates=rates,
    )


def _scale_rate(
    operator: Operator, S: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Amplitude over spin × scale × rate, the scales (cycles/octave), and the rates (Hz)."""
    jtfs = operator.jtfs
    meta = jtfs.meta()
    n_scales = len(jtfs.frequency.psis) // 2
    row = meta["row"].astype(np.int64)
    rate = meta["xi"][:, 1] * ANALYSIS_RATE
    second = (meta["order"] == 2) & (meta["n_fr"] > 0) & (rate <= _FASTEST_RATE)
    n2 = meta["n2"][second].astype(np.int64)
    n_fr = meta["n_fr"][second].astype(np.int64) - 1  # without the low-pass
    picture = np.zeros((2, n_scales, n2.max() + 1))
    np.add.at(picture, (n_fr // n_scales, n_fr % n_scales, n2), S[row[second]] ** 2)
    # The frequency axis runs from high to low, so the positive spin, which comes first, rises.
    picture = np.sqrt(picture[::-1, ::-1, : n2.min() - 1 if n2.min() else None : -1])
    scales = [psi.xi * jtfs.Q[0] for psi in jtfs.frequency.psis[1 : 1 + n_scales]]
    rates = [jtfs.psi2[n].xi * ANALYSIS_RATE for n in range(n2.max(), n2.min() - 1, -1)]
    return (
        (picture / max(float(np.linalg.norm(picture)), 1e-12)).astype(np.float32),
        np.array(scales[::-1], dtype=np.float32),
        np.array(rates, dtype=np.float32),
    )
