"""Chirp rate of a sound by the fan-chirp transform: its present sweep in octaves a second.

Φ averages over its window, and parallel arpeggios look like a lattice of notes to it: while gamma
glides, another lattice fits nearly as well, as a wheel in a film seems to stand. A chirp rate has
no such doubles. On a time axis that is warped by gamma, all exponential chirps of that rate become
sinusoids, whenever each began, and the spectrum becomes lines (Weruaga and Kepesi, "The fan-chirp
transform for non-stationary harmonic signals", Signal Processing 87(6), 2007). The rate with the
sparsest spectrum is taken::

    tau(t) = (2^(gamma t) - 1) / (gamma ln 2)        P = |FFT x(t(tau))|^2
    sparsity = sum P^2 / (sum P)^2 * sum x^4 / (sum x^2)^2

The second factor is ours: where the warped clock runs fast, sound lasts longer and has sharper
lines for that reason alone. An amplitude modulation adds lines beside the lines, which is harmless.

Two cases would make a rate wrong by a tenth and more, and give no reading: an arpeggio that the
span cuts where the clock runs slow, so that only its end is left; and one of few cycles, whose rate
was different a fortieth of a second before.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE

SPAN = 0.3
"""Length of the analysed sound, s: enough for slow rates, and short compared with a glide."""

STD = 0.03
"""Standard deviation of a reading's log |gamma|: 0.01 of most, 0.02 of some, without noise."""

_LEAST, _MOST, _RATES = 0.1, 21.0, 58  # octaves/s of both signs; geometric steps
_SILENT = 1e-5  # of full scale
_AT_ONCE = 4  # rates; larger arrays are allocated by the system, three times as slow
_POINTS = 2560  # of the warped clock; 2458, the number of samples, has a large prime factor
_CLEAR = 2.0  # least sparsity beside the median rate's; less is noise, or a rest
_SLOW = -0.25  # octaves: below that, only the end of an arpeggio is in the window
_AGAIN = 0.025  # s before: the second reading, which must agree
_SAME = 0.1  # largest difference of the two in log gamma
_STEP = math.log(_MOST / _LEAST) / (_RATES - 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """Chirp rate of the newest sound.

    Attributes
    ----------
    gamma : float
        Octaves/s, signed.
    at : float
        Time of the centre of its energy, s.
    """

    gamma: float
    at: float


class ChirpRate:
    """Reads the chirp rate of a waveform; one reading takes about five milliseconds."""

    def __init__(self) -> None:
        magnitudes = np.geomspace(_LEAST, _MOST, _RATES)
        self._rates = np.concatenate([-magnitudes[::-1], magnitudes])
        self._samples = round(SPAN * ANALYSIS_RATE)
        self._hann = np.hanning(self._samples).astype(np.float32)
        self._times = np.arange(self._samples) / ANALYSIS_RATE - 0.5 * SPAN
        places = np.stack([_warped(rate, self._samples) for rate in self._rates])
        before = np.minimum(places.astype(np.int32), self._samples - 2)
        between = (places - before).astype(np.float32)
        count = len(self._rates) // _AT_ONCE
        self._places = list(
            zip(np.array_split(before, count), np.array_split(between, count), strict=True)
        )  # whole samples, and the rest

    def read(self, audio: NDArray[np.float32], end: float = 0.0) -> Reading | None:
        """Chirp rate at the end of a waveform.

        Parameters
        ----------
        audio : (n,) float32
            At ANALYSIS_RATE, a third of a second or longer.
        end : float
            Time of its end, s.

        Returns
        -------
        Reading or None
            None where nothing sweeps clearly: in noise, in a rest, in a steady tone.
        """
        newest = self._read(audio, end)
        if newest is None:
            return None
        before = self._read(audio[: len(audio) - round(_AGAIN * ANALYSIS_RATE)], end - _AGAIN)
        same = before is not None and abs(_log_ratio(newest.gamma, before.gamma)) < _SAME
        return newest if same else None

    def _read(self, audio: NDArray[np.float32], end: float) -> Reading | None:
        x = self._hann * audio[-self._samples :]
        loudest = float(np.abs(x).max())
        if not loudest >= _SILENT:  # or NaN
            return None
        gamma = self._sparsest(x / loudest)
        if gamma is None:
            return None
        energy = np.square(x / loudest)
        place = float(self._times @ energy) / float(energy.sum())
        if gamma * place < _SLOW:
            return None
        return Reading(gamma, at=end - 0.5 * SPAN + place)

    def _sparsest(self, x: NDArray[np.float32]) -> float | None:
        """Rate with the sparsest spectrum; None where none is much sparser."""
        sparsities = self._sparsities(x)
        contrast = sparsities / float(np.median(sparsities))
        best = int(contrast.argmax())
        inner = best % _RATES not in (0, _RATES - 1)
        if contrast[best] < _CLEAR or not inner:
            return None
        # Parabola through the best and its neighbours, along the logarithm.
        left, middle, right = contrast[best - 1 : best + 2]
        curvature = max(float(2.0 * middle - left - right), 1e-9)
        shift = 0.5 * float(right - left) / curvature
        rate = float(self._rates[best])
        return rate * math.exp(math.copysign(1.0, rate) * shift * _STEP)

    def _sparsities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sparsity of the spectrum of (samples,) at each rate."""
        sparsities: list[NDArray[np.float32]] = []
        for before, between in self._places:
            here, there = x[before], x[before + 1]
            y = here + between * (there - here)
            energy, P = np.square(y), np.square(np.abs(np.fft.rfft(y, axis=-1)))
            sparsities.append(_sparsity(P) * _sparsity(energy))
        return np.concatenate(sparsities)


def _sparsity(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sparsity of rows: one over the number of places with energy."""
    return np.square(energy).sum(axis=1) / np.square(energy.sum(axis=1))


def _warped(gamma: float, samples: int) -> NDArray[np.float64]:
    """Positions in a waveform, in samples, at even steps of the warped clock tau."""
    k, half = gamma * math.log(2.0), 0.5 * samples / ANALYSIS_RATE
    begin, end = np.expm1(-k * half) / k, np.expm1(k * half) / k
    t = np.log1p(k * np.linspace(begin, end, _POINTS, endpoint=False)) / k
    return np.clip((t + half) * ANALYSIS_RATE, 0.0, samples - 1.0)


def _log_ratio(gamma: float, other: float) -> float:
    """Logarithm of the ratio of two rates; infinite for different signs."""
    return math.log(gamma / other) if gamma * other > 0.0 else math.inf
