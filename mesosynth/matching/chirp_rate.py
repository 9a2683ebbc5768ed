"""The chirp rate of a sound, heard directly: by how many octaves a second it climbs just now.

Φ averages over its window, and of parallel arpeggios it hears a lattice of notes: while gamma
glides, another lattice fits nearly as well, as a wheel in a film seems to stand. What climbs has no
such doubles. Played on a clock that slows down as fast as they climb, exponential chirps of one
rate gamma become sinusoids, however many there are and whenever each began, and the spectrum
becomes lines: the fan-chirp transform (Weruaga and Kepesi, "The fan-chirp transform for
non-stationary harmonic signals", Signal Processing 87(6), 2007), of which the sparsest is taken::

    tau(t) = (2^(gamma t) - 1) / (gamma ln 2)        P = |FFT x(t(tau))|^2
    sparsity = sum P^2 / (sum P)^2 * sum x^4 / (sum x^2)^2

The second factor is ours: what sounds where the clock runs fast lasts longer, and has the sharper
line for that alone. An amplitude modulation adds lines beside the lines, and does no harm.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.target import ANALYSIS_RATE

SPAN = 0.3
"""Seconds that are listened to: enough to tell slow rates, and short beside a glide."""

_LEAST, _MOST, _RATES = 0.1, 21.0, 58  # octaves a second, either way; geometric steps
_SILENT = 1e-5  # of full scale
_CLEAR = 2.0  # sparsity beside the median rate's: less is noise, or a rest
_STEP = math.log(_MOST / _LEAST) / (_RATES - 1)
_EXACT, _PER_OCTAVE = 0.02, 0.006  # of log gamma: at best, and more where a short glimpse is all


@dataclass(frozen=True, slots=True)
class Reading:
    """What the newest sound says.

    Attributes
    ----------
    gamma : float
        Octaves a second, signed.
    std : float
        Standard deviation of the logarithm of its magnitude.
    age : float
        How long before the end of the sound its energy lies, s.
    """

    gamma: float
    std: float
    age: float


class ChirpRate:
    """Reads the chirp rate off a waveform; one reading costs about three milliseconds."""

    def __init__(self) -> None:
        magnitudes = np.geomspace(_LEAST, _MOST, _RATES)
        self._rates = np.concatenate([-magnitudes[::-1], magnitudes])
        self._samples = round(SPAN * ANALYSIS_RATE)
        self._hann = np.hanning(self._samples).astype(np.float32)
        places = np.stack([_warped(rate, self._samples) for rate in self._rates])
        self._before = np.minimum(places.astype(np.int32), self._samples - 2)
        self._between = (places - self._before).astype(np.float32)

    def read(self, audio: NDArray[np.float32]) -> Reading | None:
        """Chirp rate at the end of a waveform.

        Parameters
        ----------
        audio : (n,) float32
            At ANALYSIS_RATE, :data:`SPAN` or longer.

        Returns
        -------
        Reading or None
            None where nothing climbs or falls clearly: in noise, in a rest, in a steady tone.
        """
        x = self._hann * audio[-self._samples :]
        loudest = float(np.abs(x).max())
        if not loudest >= _SILENT:  # nor where it is not a number
            return None
        x /= loudest
        sparsities = self._sparsities(x)
        contrast = sparsities / float(np.median(sparsities))
        best = int(contrast.argmax())
        inner = best % _RATES not in (0, _RATES - 1)
        if contrast[best] < _CLEAR or not inner:
            return None
        # A parabola through the best and its neighbours, along the logarithm.
        left, middle, right = contrast[best - 1 : best + 2]
        curvature = max(float(2.0 * middle - left - right), 1e-9)
        shift = 0.5 * (right - left) / curvature
        sign = math.copysign(1.0, self._rates[best])
        gamma = self._rates[best] * math.exp(sign * shift * _STEP)
        energy = np.square(x)
        place = float(np.arange(self._samples) @ energy) / float(energy.sum())
        return Reading(
            gamma=float(gamma),
            std=_EXACT + _PER_OCTAVE * abs(gamma),
            age=(self._samples - 1 - place) / ANALYSIS_RATE,
        )

    def _sparsities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the spectrum of (samples,), at each rate."""
        before, after = x[self._before], x[self._before + 1]
        y = before + self._between * (after - before)
        energy, P = np.square(y), np.square(np.abs(np.fft.rfft(y, axis=-1)))
        return _sparsity(P) * _sparsity(energy)


def _sparsity(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of rows: one over the number of places that the energy fills."""
    return np.square(energy).sum(axis=1) / np.square(energy.sum(axis=1))


def _warped(gamma: float, samples: int) -> NDArray[np.float64]:
    """Places in a waveform, in samples, at even steps of the slowed clock tau."""
    k, half = gamma * math.log(2.0), 0.5 * samples / ANALYSIS_RATE
    begin, end = np.expm1(-k * half) / k, np.expm1(k * half) / k
    t = np.log1p(k * np.linspace(begin, end, samples, endpoint=False)) / k
    return np.clip((t + half) * ANALYSIS_RATE, 0.0, samples - 1.0)
