"""Pictures of a sound that is resynthesised: scalogram, and energy over rate, scale and spin."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.matching.results import Analysis
from mesosynth.resynthesis.descent import WindowedJTFS, wanted_coefficients
from mesosynth.resynthesis.results import Blend, ResynthesisSettings
from mesosynth.system.steps import Steps

_LOWEST = 30.0  # Hz
_COLUMNS = 512  # of a scalogram, at most

_transform = lru_cache(maxsize=2)(WindowedJTFS)  # filters are not built for every picture


def picture_steps(
    audio: NDArray[np.float32],
    sample_rate: int,
    settings: ResynthesisSettings,
    blend: Blend | None = None,
) -> Steps[None, Analysis]:
    """Scalogram of a sound, and the scale-rate picture of what its edits make of it.

    Parameters
    ----------
    audio : (channels, n) float32
    sample_rate : int
        Hz.
    settings : ResynthesisSettings
        Its edits, Q and time of averaging.
    blend : Blend, optional
        A second sound to go towards, before the edits.

    Yields
    ------
    None

    Returns
    -------
    Analysis
        The scale-rate picture has the whole sound's energy at each scale and rate.
    """
    yield
    jtfs = _transform(
        audio.shape[1], sample_rate, settings.average, settings.Q, settings.tolerance
    )  # fmt: skip
    scalogram, frequencies = _scalogram(jtfs, audio.mean(0), sample_rate)
    yield
    S, paths = wanted_coefficients(jtfs, audio, settings, blend), jtfs.paths
    second = (paths.order == 2) & (paths.spin != 0.0)
    energy = S.square().sum((0, 1, 3)).double().numpy()[second]
    scales, of_scale = np.unique(paths.scale[second].round(9), return_inverse=True)
    rates, of_rate = np.unique(paths.rate[second].round(9), return_inverse=True)
    picture = np.zeros((2, len(scales), len(rates)))
    np.add.at(picture, ((paths.spin[second] > 0.0).astype(int), of_scale, of_rate), energy)
    return Analysis(
        scalogram=scalogram,
        frequencies=frequencies,
        duration=audio.shape[1] / sample_rate,
        scale_rate=np.sqrt(picture / max(float(picture.sum()), 1e-24)).astype(np.float32),
        scales=scales.astype(np.float32),
        rates=rates.astype(np.float32),
    )


def _scalogram(
    jtfs: WindowedJTFS, mono: NDArray[np.float32], sample_rate: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Amplitudes relative to the loudest and the rows' frequencies, Hz; window after window."""
    one, n = jtfs.jtfs, jtfs.jtfs.n
    hop = 2 ** max(0, int(np.ceil(np.log2(len(mono) / _COLUMNS))))
    windows = np.pad(mono, (0, -len(mono) % n)).reshape(-1, n)
    parts = [one.scalogram(torch.from_numpy(window), hop).numpy() for window in windows]
    picture = np.hstack(parts)[:, : max(len(mono) // hop, 1)]
    frequencies = np.array([psi.xi for psi in one.psi1]) * sample_rate
    audible = frequencies >= _LOWEST
    picture = picture[audible] / max(float(picture.max()), 1e-12)
    return picture.astype(np.float32), frequencies[audible].astype(np.float32)
