"""Similarity scores of two sounds: cosines of JTFS, multi-scale and log-mel spectrograms."""

import functools

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Scores
from mesosynth.scattering.mss import MultiScaleSpectrogram

# --------------------------------------------------------------------------------------------------
# Log-mel spectrogram
#
# With P(m, t) the power of a sound in band m of frame t, the picture is::
#
#     max(10 log10(P(m, t) / max P) + RANGE, 0) / RANGE
#
# where the maximum is that of the target. Bands are triangles on the mel scale,
# ``2595 log10(1 + f / 700)``.


BANDS = 64
WINDOW, HOP = 512, 256  # samples
RANGE = 60.0
"""Level below the loudest at which a band counts as silent, dB."""

_LOWEST = 20.0  # Hz
_EMPTY = 1e-20


def mel_power(x: torch.Tensor, sample_rate: float) -> torch.Tensor:
    """Power in mel bands.

    Parameters
    ----------
    x : (n,) tensor
        With ``requires_grad``, the result takes part in autograd.
    sample_rate : float
        Hz.

    Returns
    -------
    (BANDS, frames) tensor
    """
    window = torch.hann_window(WINDOW, dtype=x.dtype, device=x.device)
    z = torch.stft(x, WINDOW, HOP, window=window, return_complex=True, pad_mode="constant")
    power = z.real.square() + z.imag.square()
    return torch.from_numpy(_bands(sample_rate)).to(power) @ power


def decibel_picture(power: torch.Tensor, loudest: torch.Tensor) -> torch.Tensor:
    """Decibels above the floor, 0 to 1.

    Parameters
    ----------
    power : tensor
    loudest : tensor
        Power that becomes 1.

    Returns
    -------
    tensor of the shape of `power`
    """
    decibels = 10.0 * torch.log10(power / loudest + _EMPTY)
    return (decibels / RANGE + 1.0).clamp_min(0.0)


def band_frequencies(sample_rate: float) -> NDArray[np.float64]:
    """Centre of each band, (BANDS,) Hz."""
    return _hertz(np.linspace(_mel(_LOWEST), _mel(sample_rate / 2.0), BANDS + 2))[1:-1]


@functools.lru_cache(maxsize=4)
def _bands(sample_rate: float) -> NDArray[np.float64]:
    """Triangles over the bins of a window, (BANDS, bins)."""
    edges = _hertz(np.linspace(_mel(_LOWEST), _mel(sample_rate / 2.0), BANDS + 2))
    frequency = np.fft.rfftfreq(WINDOW, 1.0 / sample_rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    # The lowest bands are narrower than a bin: such a band takes the nearest bins.
    bin_width = sample_rate / WINDOW
    rising = (frequency - np.minimum(low, middle - bin_width)) / np.maximum(middle - low, bin_width)
    falling = (np.maximum(high, middle + bin_width) - frequency) / np.maximum(
        high - middle, bin_width
    )
    return np.clip(np.minimum(rising, falling), 0.0, None)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


# --------------------------------------------------------------------------------------------------
# Scores: a cosine in each of three views
#
# A matcher exploits the weakness of any single score, so there are three. The time-averaged JTFS
# does not depend on the time of an event; spectrograms do. The MSS weighs the loudest partials,
# log-mel the faint ones too.
#
# Decibels are compared above the target's own noise, which is inaudible below the sound, yet fills
# most of a picture, and is missing in a match of the sound alone. And they are compared around
# their means, as a correlation: two evenly grey pictures would otherwise be similar whatever they
# show (a match with 0.1% of error in a target at 20 dB of noise scored 0.54 before, and white noise
# 0.75).


_QUIET = 0.1  # share of the cells of a picture that hold noise alone, at least
_NOISE = 13.0  # dB between the noise's largest values and the loudest of those cells
_HIGHEST_FLOOR = -20.0  # dB below the loudest; a sound without pauses is not noise
_FAINTEST = 1e-20  # of the loudest


class Similarity:
    """Scores of sounds beside one target, whose views are computed once.

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
        self._floor = _floor(_decibels(power, self._loudest))
        self._picture = self._picture_of(power)

    def of(self, audio: NDArray[np.floating]) -> Scores:
        """Scores of a sound.

        Parameters
        ----------
        audio : (ANALYSIS_SAMPLES,) array
            At ANALYSIS_RATE, at its place in the target's window; its level does not matter, and
            silence scores 0.

        Returns
        -------
        Scores

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
        return Scores(
            jtfs=float(np.clip(self._operator.analyse(x.numpy()) @ self._S, 0.0, 1.0)),
            mss=_cosine(self._mss(x), self._magnitudes),
            log_mel=max(_cosine(self._picture_of(mel_power(x, ANALYSIS_RATE)), self._picture), 0.0),
        )

    def _picture_of(self, power: torch.Tensor) -> torch.Tensor:
        """Decibels above the target's noise, around their mean."""
        above = (_decibels(power, self._loudest) - self._floor).clamp_min(0.0)
        return above - above.mean()


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


def _decibels(power: torch.Tensor, loudest: torch.Tensor) -> torch.Tensor:
    return 10.0 * torch.log10(power / loudest + _FAINTEST)


def _floor(decibels: torch.Tensor) -> float:
    """Upper end of the target's noise, dB below its loudest."""
    noise = float(torch.quantile(decibels, _QUIET)) + _NOISE
    return min(max(noise, -RANGE), _HIGHEST_FLOOR)
