"""Starts of a drum: pitch and decay of its lowest mode, and a grid over the rest of theta.

The lowest mode is the strongest and the longest. Its frequency is a peak of the spectrum after the
strike, and its decay a line in decibels; beside noise of -20 dB both are exact to a fraction of a
percent, unless other modes are so near that they beat. Damping, stiffness and side ratio place the
other modes: those of a grid are compared with spectra of a few moments, first so coarse that a mode
need not be met exactly, then finer and finer around the best.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.drum import PARAMETERS, PICK_UP, mode_numbers
from mesosynth.instruments.drum_torch import KNEES
from mesosynth.instruments.oscillator import FADE_FROM
from mesosynth.matching.results import Guess
from mesosynth.matching.starts import Start, peak_shift

Array = NDArray[np.float64]

# --------------------------------------------------------------------------------------------------
# Onset, pitch and decay


_JUMP = ANALYSIS_RATE // 80  # samples, 12 ms: the sound is louder after than before
_SOUNDING = 0.15  # of the peak of these samples: the first that is louder is the strike's
_WHOLE_PEAK = 1 << 17  # samples that a spectrum is padded to
_LOWEST = 20.0  # Hz
_PROMINENT, _STRONG = 0.08, 0.25  # of the strongest peak; the lowest modes are among these
_PITCHES = 3
_NARROWEST, _WIDEST, _SHARE = 8.0, 30.0, 0.15  # band around a mode, Hz, and its share of the pitch
_FALL, _ABOVE_NOISE = 30.0, 8.0  # dB
_SLOWEST = 0.4  # dB/s


def find_strike(audio: NDArray[np.float32]) -> int:
    """Sample of the strike, by the largest jump in energy."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
    at = np.arange(_JUMP, len(audio) - _JUMP)
    jumps = energy[at + _JUMP] - 2.0 * energy[at] + energy[at - _JUMP]
    first = int(at[np.argmax(jumps)]) - _JUMP
    near = np.abs(audio[first : first + 3 * _JUMP])
    return first + int(np.flatnonzero(near > _SOUNDING * near.max())[0])


def lowest_peaks(struck: Array) -> list[float]:
    """Frequencies that the lowest mode may have, Hz, from the sound after a strike."""
    part = struck[:ANALYSIS_RATE]
    windowed = part * np.hanning(2 * len(part))[len(part) :]
    spectrum = np.abs(np.fft.rfft(windowed, _WHOLE_PEAK))
    spectrum[: int(_LOWEST / ANALYSIS_RATE * _WHOLE_PEAK)] = 0.0
    top = float(spectrum.max())
    from scipy.signal import find_peaks  # here, as its import takes as long as a match

    found, _ = find_peaks(spectrum, height=_STRONG * top, prominence=_PROMINENT * top)
    log = np.log(spectrum + 1e-300)
    places = (float(place + peak_shift(log, int(place))) for place in found[:_PITCHES])
    return [place * ANALYSIS_RATE / _WHOLE_PEAK for place in places]


def decay_at(struck: Array, hertz: float) -> float:
    """Decay time of a mode, from a line through its level in decibels.

    Parameters
    ----------
    struck : (n,) float64
        Sound from the strike on.
    hertz : float
        Of the mode, Hz.

    Returns
    -------
    float
        s.
    """
    from scipy.signal import fftconvolve

    width = min(max(_SHARE * hertz, _NARROWEST), _WIDEST)
    turned = struck * np.exp(-2j * np.pi * hertz / ANALYSIS_RATE * np.arange(len(struck)))
    taps = round(ANALYSIS_RATE / width)
    band = fftconvolve(turned, np.hanning(taps) * (2.0 / taps), "same")
    hop = taps // 4
    level = 20.0 * np.log10(np.abs(band[::hop]) + 1e-9)
    begin = int(np.argmax(level[: max(3, int(0.3 * ANALYSIS_RATE / hop))]))
    least = max(float(np.median(level[-len(level) // 4 :])) + _ABOVE_NOISE, level[begin] - _FALL)
    below = np.flatnonzero(level[begin:] < least)
    end = begin + max(int(below[0]) if len(below) else len(level), 4)
    return PARAMETERS["tau"].clamp(decay_of_level(level[begin:end], hop / ANALYSIS_RATE))


def decay_of_level(decibels: Array, step: float) -> float:
    """Decay time of a falling level, s, by a line that counts loud points more.

    Parameters
    ----------
    decibels : (n,) float64
        More than one.
    step : float
        Time between two of them, s.

    Returns
    -------
    float
        s, at most 22.
    """
    weights = 10.0 ** ((decibels - decibels.max()) / 40.0)
    slope = float(np.polyfit(np.arange(len(decibels)), decibels, 1, w=weights)[0])
    return 20.0 / float(np.log(10.0)) / max(-slope / step, _SLOWEST)


# --------------------------------------------------------------------------------------------------
# Damping, stiffness and side ratio


_GRID = np.array(
    list(
        itertools.product(
            (1e-4, 5e-3, 0.03, 0.12),  # p
            (1e-3, 0.03, 0.06, 0.1, 0.15, 0.2, 0.26),  # D
            (0.02, 0.05, 0.1, 0.15, 0.2, 0.26, 0.33, 0.4, 0.47, 0.54, 0.62, 0.7, 0.78, 0.87, 0.96),
        )
    )
)
_KNEES = np.array([KNEES["p"], KNEES["D"]])
_MINIMUM, _MAXIMUM = (
    np.array([getattr(PARAMETERS[id_], end) for id_ in ("p", "D", "alpha")])
    for end in ("minimum", "maximum")
)
_AROUND = np.array(
    list(
        itertools.product(
            (-1.0, 0.0, 1.0), np.linspace(-1.0, 1.0, 5), (np.linspace(-1.0, 1.0, 7))
        )
    )
)  # fmt: skip
_REACH = np.array([0.8, 0.6, 0.04])  # half the distances of the grid: asinh of p and D, and alpha
_NARROWER = 0.6  # from round to round
_ROUNDS = 2  # at each resolution
_MOMENTS = 8  # spectra, over four decay times
_COARSEST, _FINEST = 8, 12  # log2 of samples
_CANDIDATES, _KEPT = 4, 2  # of each pitch
_NEIGHBOURS = (-1, 0, 1, 2)  # bins that a mode's line fills
_ABOVE_FLOOR = 2.0  # of the median of the last spectrum


@dataclass(frozen=True)
class _Spectra:
    """Spectra after a strike, to be compared with those of modes.

    Attributes
    ----------
    size : int
        Samples in each.
    times : (moments,) float64
        Their beginnings after the strike, s.
    roots : (moments, bins) float64
        Square roots of the magnitudes, above the noise.
    """

    size: int
    times: Array
    roots: Array

    @classmethod
    def of(cls, struck: Array, size: int, tau: float) -> "_Spectra":
        """Spectra of the sound after a strike, over four of its decay times."""
        hop = max(size, int(4.0 * tau * ANALYSIS_RATE / _MOMENTS))
        count = min(max(int(4.0 * tau * ANALYSIS_RATE / hop), 2), _MOMENTS)
        long = np.zeros(hop * (count - 1) + size)
        part = struck[: len(long)]
        long[: len(part)] = part
        frames = np.stack([long[k * hop : k * hop + size] for k in range(count)])
        magnitude = np.abs(np.fft.rfft(frames * np.hanning(size + 1)[:-1], axis=1))
        floor = _ABOVE_FLOOR * np.median(magnitude[-1])
        roots = np.maximum(magnitude**2 - floor**2, 0.0) ** 0.25
        return cls(size, np.arange(count) * hop / ANALYSIS_RATE, roots)

    def similarity(self, f_c: float, tau: float, rest: Array) -> Array:
        """Cosines to the spectra of modes, (n,), for (n, 3) values of p, D and alpha."""
        sigma, hertz, amplitude = _modes(f_c, tau, rest)
        decays, gains = _gains(self.size)
        heard = hertz < FADE_FROM * ANALYSIS_RATE
        power = heard * (amplitude * np.exp(np.interp(np.log(sigma), decays, gains))) ** 2
        bins, count = self.roots.shape[1], len(rest)
        place = np.where(heard, hertz, 0.0) * (self.size / ANALYSIS_RATE)
        low = place.astype(np.int64)
        row = np.arange(count)[:, None] * bins
        fill = [row + np.clip(low + by, 0, bins - 1) for by in _NEIGHBOURS]
        shares = [np.clip(1.0 - 0.5 * np.abs(low + by - place), 0.0, 1.0) for by in _NEIGHBOURS]
        where, share = np.concatenate(fill, axis=1).ravel(), np.concatenate(shares, axis=1) ** 4
        product, square = np.zeros(count), np.zeros(count)
        for time, roots in zip(self.times, self.roots, strict=True):
            weights = share * np.tile(power * np.exp(-2.0 * sigma * time), len(_NEIGHBOURS))
            lines = np.bincount(where, weights.ravel(), count * bins).reshape(count, bins) ** 0.25
            product += lines @ roots
            square += np.einsum("nb,nb->n", lines, lines)
        return product / np.sqrt(np.maximum(square * np.square(self.roots).sum(), 1e-300))


def _modes(f_c: float, tau: float, rest: Array) -> tuple[Array, Array, Array]:
    """Decay rate (1/s), frequency (Hz) and amplitude of the modes, (n, 64), as in drum_torch."""
    mu_1, mu_2 = mode_numbers()
    p, D, alpha = rest.T[:, :, None]
    B, omega = alpha + 1.0 / alpha, 2.0 * np.pi * f_c
    above = alpha * (mu_1**2 - 1.0) + (mu_2**2 - 1.0) / alpha
    u = above / B
    square = omega**2 * (1.0 + u) * (1.0 + D**2 * B * above) + u * ((1.0 - p * B) / tau) ** 2
    omega_m = np.sqrt(square)
    K = (np.sin(mu_1 * (np.pi * PICK_UP)) * np.sin(mu_2 * (np.pi * PICK_UP))) ** 2
    return (1.0 + p * above) / tau, omega_m / (2.0 * np.pi), K * omega / omega_m


@functools.cache
def _gains(size: int) -> tuple[Array, Array]:
    """Logarithms of decay rates, and of the magnitude at their peak in a spectrum of `size`."""
    sigma = np.geomspace(0.1, 1e6, 120)
    fall = np.exp(-sigma[:, None] * np.arange(size) / ANALYSIS_RATE)
    return np.log(sigma), np.log(fall @ np.hanning(size + 1)[:-1] + 1e-300)


def _moved(rest: Array, reach: Array) -> Array:
    """Values around `rest`, (n, 3): p and D along asinh, alpha linearly."""
    bent = np.arcsinh(rest[:2] / _KNEES) + reach[:2] * _AROUND[:, :2]
    moved = np.column_stack([_KNEES * np.sinh(bent), rest[2] + reach[2] * _AROUND[:, 2]])
    return np.clip(moved, _MINIMUM, _MAXIMUM)


def _apart(a: Array, b: Array) -> bool:
    """Whether two values lie farther apart than neighbours of the grid."""
    stiffness = np.arcsinh(a[1] / _KNEES[1]) - np.arcsinh(b[1] / _KNEES[1])
    return bool(abs(a[2] - b[2]) > 0.05 or abs(stiffness) > 0.9)


def _fit(struck: Array, f_c: float, tau: float, guesses: list[Array]) -> list[tuple[float, Array]]:
    """Best values of p, D and alpha for a pitch and a decay, with their similarity.

    Those near a guess come first where they are better than those near a point of the grid.
    """
    finest = int(np.clip(np.round(np.log2(tau * ANALYSIS_RATE)), _COARSEST + 1, _FINEST))
    coarsest = int(np.clip(np.round(np.log2(6.0 * ANALYSIS_RATE / f_c)), _COARSEST, finest))
    spectra = [_Spectra.of(struck, 1 << size, tau) for size in range(coarsest, finest + 1)]
    similarity = spectra[0].similarity(f_c, tau, _GRID)
    chosen: list[Array] = []
    for place in np.argsort(-similarity):
        if all(_apart(_GRID[place], other) for other in chosen):
            chosen.append(_GRID[place])
        if len(chosen) == _CANDIDATES:
            break
    found: list[tuple[float, Array]] = []
    for rest in (*guesses, *chosen):
        best, reach, score = rest, _REACH, 0.0
        for at in spectra:
            for _ in range(_ROUNDS):
                near = _moved(best, reach)
                scores = at.similarity(f_c, tau, near)
                best, score = near[int(np.argmax(scores))], float(scores.max())
                reach = _NARROWER * reach
        found.append((score, best))
    kept = sorted(found[len(guesses) :], key=lambda each: -each[0])[:_KEPT]
    for guessed in found[: len(guesses)]:
        if guessed[0] > kept[0][0]:
            kept = [guessed, *(each for each in kept if _apart(each[1], guessed[1]))]
    return kept


# --------------------------------------------------------------------------------------------------
# All together


def drum_guesses(audio: NDArray[np.float32], count: int, guess: Guess | None = None) -> list[Start]:
    """Best starts for a drum, best first.

    Pitch and decay are read off; the encoder's guess is one more place from which damping,
    stiffness and side ratio are refined.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
        Most starts.
    guess : Guess, optional
        By an encoder.

    Returns
    -------
    list of Start
    """
    strike = find_strike(audio)
    struck = audio[strike:].astype(np.float64)
    onset = (strike - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE
    ids = ("p", "D", "alpha")
    guesses = [] if guess is None else [np.array([guess.theta[id_] for id_ in ids])]
    starts: list[Start] = []
    for f_c in lowest_peaks(struck):
        tau = decay_at(struck, f_c)
        for similarity, rest in _fit(struck, f_c, tau, guesses):
            starts.append(Start(np.array([f_c, tau, *rest]), similarity, onset=onset))
    return sorted(starts, key=lambda start: -start.similarity)[:count]
