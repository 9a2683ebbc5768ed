"""Where a match of a ripple starts: its band and its wave, read off the scalogram.

A moving ripple is one wave across time and log-frequency, so in the modulation spectrum, the
two-dimensional Fourier transform of the scalogram, it is one peak: at the rate f_m and the density
f_m / gamma. Which rows sound at all tells f_0 and w roughly, and the partials tell them exactly. So
no table is needed.
"""

import functools
import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.instruments.ripple_parameters import FADE_FROM, PARAMETERS, places
from mesosynth.matching.initial_guess import Start
from mesosynth.matching.operator import Operator
from mesosynth.matching.ripple_comb import read_comb, read_wave

_HOP = 64  # samples between the scalogram's frames; the fastest ripple has four frames a period
_PADDED = 4  # times the length, so that peaks are seen between the bins
_DENSITIES = np.linspace(-4.0, 4.0, 160)  # waves per octave, not 0; an octave has eight rows
_LOWEST = np.geomspace(40.0, 2000.0, 96)  # f_0, Hz
_WIDTHS = np.geomspace(1.0, 7.0, 40)  # w, octaves
_FRAME_RATE = ANALYSIS_RATE / _HOP
# Relative standard deviations of what is read off, over a hundred ripples, some in noise of -20 dB.
_READ = {"f_0": 3e-4, "f_m": 1e-3, "w": 3e-4}
_READ_WAVE = {"gamma": 3e-3, "depth": 1e-2}
_HIGHEST = FADE_FROM * ANALYSIS_RATE


def ripple_guesses(operator: Operator, audio: NDArray[np.float32], count: int) -> list[Start]:
    """The `count` best starts for a target (ANALYSIS_SAMPLES,), best first.

    Parameters
    ----------
    operator : Operator
    audio : (ANALYSIS_SAMPLES,) float32
    count : int
    """
    U = operator.jtfs.scalogram(torch.from_numpy(audio), _HOP).double().numpy()
    hertz = np.array([psi.xi for psi in operator.jtfs.psi1]) * ANALYSIS_RATE
    f_0, w, similarity = _band(operator, np.sqrt(np.square(U).mean(axis=1)))
    comb = read_comb(audio, f_0, w)
    f_0, w = comb or (f_0, w)
    sounding = (hertz >= f_0) & (hertz <= min(f_0 * 2.0**w, _HIGHEST))
    if np.count_nonzero(sounding) < 2:
        sounding[:] = True
    starts: list[Start] = []
    for f_m, density, depth in _waves(U[sounding], np.log2(hertz[sounding]), count):
        gamma, known = f_m / density, {} if comb is None else _READ
        wave = read_wave(audio, f_0, w, f_m, gamma) if known else None
        if wave is not None:
            (gamma, depth), known = wave, {**_READ, **_READ_WAVE}
        starts.append(Start(np.array([f_0, f_m, gamma, w, depth]), similarity, known))
    return starts


def _band(operator: Operator, heard: NDArray[np.float64]) -> tuple[float, float, float]:
    """F_0 (Hz) and w (octaves) whose rows are most like those `heard`, and the cosine."""
    profiles = _profiles(operator)
    similarity = profiles @ heard / max(float(np.linalg.norm(heard)), 1e-300)
    best = int(np.argmax(similarity))
    lowest, width = np.unravel_index(best, (len(_LOWEST), len(_WIDTHS)))
    return float(_LOWEST[lowest]), float(_WIDTHS[width]), float(similarity[best])


@functools.lru_cache(maxsize=1)
def _profiles(operator: Operator) -> NDArray[np.float64]:
    """Amplitude of each row for every f_0 and w that is tried: (pairs, rows), of unit norm."""
    responses = np.array([psi.hat for psi in operator.jtfs.psi1])
    bins = responses.shape[1]
    profiles: list[NDArray[np.float64]] = []
    for f_0, w in itertools.product(_LOWEST, _WIDTHS):
        hertz = f_0 * 2.0 ** (w * places())
        heard = hertz < _HIGHEST
        place = np.round(hertz[heard] / ANALYSIS_RATE * bins).astype(np.int64)
        # The power of a partial falls with its frequency.
        profiles.append(np.sqrt(np.square(responses[:, place]) @ (1.0 / hertz[heard])))
    matrix = np.array(profiles)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def _waves(
    U: NDArray[np.float64], octaves: NDArray[np.float64], count: int
) -> list[tuple[float, float, float]]:
    """Rate (Hz), density (waves per octave; negative descends) and depth of the strongest waves.

    Parameters
    ----------
    U : (rows, frames) float64
        The scalogram where it sounds.
    octaves : (rows,) float64
        Where its rows lie.
    count : int
    """
    level = U.mean(axis=1, keepdims=True)
    window = np.hanning(U.shape[1])
    swing = (U / np.maximum(level, 1e-12) - 1.0) * window
    length = _PADDED * U.shape[1]
    rates = np.fft.rfftfreq(length, 1.0 / _FRAME_RATE)
    legal = (rates >= PARAMETERS["f_m"].minimum) & (rates <= PARAMETERS["f_m"].maximum)
    along_time = np.fft.rfft(swing, length, axis=1)[:, legal]
    rates = rates[legal]
    # Along log-frequency rows are few: a matrix. Where crests climb, higher rows lag.
    strength = np.abs(np.exp(2j * np.pi * _DENSITIES[:, None] * octaves) @ along_time)
    strength[np.abs(rates / _DENSITIES[:, None]) > PARAMETERS["gamma"].maximum] = 0.0
    strength *= 2.0 / (len(U) * window.sum())  # what a wave of depth 1 has
    found: list[tuple[float, float, float]] = []
    span = float(np.ptp(octaves)) + 0.1
    while len(found) < count and strength.max() > 0.0:
        row, column = np.unravel_index(int(np.argmax(strength)), strength.shape)
        density = _peak(strength[:, column], _DENSITIES, int(row))
        rate = _peak(strength[row], rates, int(column))
        depth = float(np.clip(strength[row, column], 0.1, 1.0))
        found.append((rate, density, depth))
        # A peak is as wide as the window is short, on either axis.
        same = np.abs(_DENSITIES[:, None] - density) < 1.0 / span
        strength[same & (np.abs(rates - rate) < 4.0 * _FRAME_RATE / U.shape[1])] = 0.0
    return found


def _peak(strength: NDArray[np.floating], axis: NDArray[np.floating], at: int) -> float:
    """Where a peak lies on an axis, between the places: of a parabola through three."""
    if not 0 < at < len(axis) - 1:
        return float(axis[at])
    before, here, after = strength[at - 1 : at + 2]
    curvature = before - 2.0 * here + after
    shift = 0.5 * (before - after) / curvature if curvature < 0.0 else 0.0
    return float(axis[at] + shift * (axis[1] - axis[0]))
