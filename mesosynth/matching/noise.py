"""Background noise and stationary sounds: windowing, and steps averaged over noises."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.matching.descent import SYSTEMATIC
from mesosynth.matching.model import Span, State
from mesosynth.matching.operator import Linearization, Operator
from mesosynth.scattering import JTFS
from mesosynth.system.steps import Steps

# --------------------------------------------------------------------------------------------------
# Windowing: the target around its arpeggio, and the model with the same noise
#
# A quarter of a second of sound in four seconds of noise is a small part of any average over time.
# Once the arpeggio's time and length are roughly known, a window around it removes most of the
# noise. The rest of the noise biases every modulus, so noise of the same spectrum is added to the
# model, and the two biases cancel. Together they reduce the error at 20 dB from 2% to 0.1%, and at
# 0 dB to 1%.
#
# This is valid only where the sound outside the window is stationary; events are part of the sound.


_HOP = 32  # samples, 4 ms
_FRAME = 410  # samples, 50 ms
_FEWEST_FRAMES = 5
_WELCH = 1024  # samples
_UNEVEN = (
    4.0  # how far the loudest frames of a stationary sound may exceed the usual ones, in power
)


def correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cross-correlation at all lags.

    Parameters
    ----------
    a, b : (n,) array

    Returns
    -------
    (2n - 1,) float64
        Lag 0 is in the middle.
    """
    # SciPy's signal module, which has this and Welch's method, takes as long to import as a match
    n = len(a)
    size = 1 << (2 * n - 2).bit_length()
    of_a, of_b = (np.fft.rfft(sound.astype(np.float64), size) for sound in (a, b))
    return np.roll(np.fft.irfft(of_a * of_b.conj(), size), n - 1)[: 2 * n - 1]


def onset_of(jtfs: JTFS, audio: NDArray[np.float32], x: NDArray[np.float32]) -> float:
    """Delay of a sound in a recording, where their scalograms correlate best.

    The median level of each row, such as noise, does not count.

    Parameters
    ----------
    jtfs : JTFS
    audio : (ANALYSIS_SAMPLES,) float32
        The recording.
    x : (ANALYSIS_SAMPLES,) float32
        The sound.

    Returns
    -------
    float
        s.
    """
    U, V = (jtfs.scalogram(torch.from_numpy(y), _HOP).double().numpy() for y in (audio, x))
    U, V = (W - np.median(W, axis=1, keepdims=True) for W in (U, V))
    frames = 2 * U.shape[1]
    products = np.fft.rfft(U, frames, axis=1) * np.fft.rfft(V, frames, axis=1).conj()
    lags = np.fft.irfft(products.sum(axis=0), frames)
    best = int(np.argmax(lags))
    before, here, after = lags[best - 1], lags[best], lags[(best + 1) % frames]
    curvature = before - 2.0 * here + after
    fraction = 0.5 * (before - after) / curvature if curvature < 0.0 else 0.0
    lag = (best + frames // 2) % frames - frames // 2
    return float((lag + fraction) * _HOP / ANALYSIS_RATE)


@dataclass(frozen=True)
class WindowedTarget:
    """A target through a window around its arpeggio.

    Attributes
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
        The target through the window.
    onset : float
        Of the event, s after the middle of the analysis window.
    """

    audio: NDArray[np.float32]
    onset: float
    _window: NDArray[np.float64]
    _rest: NDArray[np.float32]
    _seed: int

    def background(self, number: int) -> NDArray[np.float32]:
        """Noise like that of the target, through the window, (ANALYSIS_SAMPLES,); by its number."""
        rng = np.random.default_rng([self._seed, number])
        return (self._window * _noise_like(self._rest, rng)).astype(np.float32)


def windowed_target(
    audio: NDArray[np.float32], span: Span, onset: float, seed: int = 0
) -> WindowedTarget | None:
    """Target around an event; None where the rest is not stationary, or too short to know.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
    span : Span
        Of the event.
    onset : float
        Of the event, s after the middle of the window.
    seed : int
        Of the noises.

    Returns
    -------
    WindowedTarget or None
    """
    t = (np.arange(ANALYSIS_SAMPLES) - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE - onset
    outside = np.maximum(-t - span.before, t - span.after)
    beyond = np.clip(outside / span.edge, 0.0, 1.0)
    rest = audio[beyond >= 1.0]
    if not _is_stationary(rest):
        return None
    window = 0.5 + 0.5 * np.cos(np.pi * beyond)
    return WindowedTarget((audio * window).astype(np.float32), onset, window, rest, seed)


def _noise_like(rest: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise with the spectrum of `rest` by Welch's method, (ANALYSIS_SAMPLES,)."""
    pieces = np.lib.stride_tricks.sliding_window_view(rest, _WELCH)[:: _WELCH // 2]
    window = np.hanning(_WELCH + 1)[:-1]
    spectra = np.fft.rfft((pieces - pieces.mean(axis=1, keepdims=True)) * window)
    power = np.square(np.abs(spectra)).mean(axis=0)
    density = 2.0 / ANALYSIS_RATE / np.square(window).sum() * power
    density[:2] = density[2]  # the mean of each piece was taken out
    density[-1] /= 2.0
    frequency = np.fft.rfftfreq(_WELCH, 1.0 / ANALYSIS_RATE)
    white = rng.standard_normal(ANALYSIS_SAMPLES)
    spectrum = np.fft.rfft(white)
    bins = np.fft.rfftfreq(ANALYSIS_SAMPLES, 1.0 / ANALYSIS_RATE)
    gain = np.sqrt(np.interp(bins, frequency, density) * ANALYSIS_RATE / 2.0)
    return np.fft.irfft(spectrum * gain, ANALYSIS_SAMPLES)


def _is_stationary(audio: NDArray[np.float32]) -> bool:
    frames = audio[: len(audio) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    if len(frames) < _FEWEST_FRAMES:
        return False
    power = np.square(frames).mean(axis=1)
    return bool(np.quantile(power, 0.95) <= _UNEVEN * np.median(power))


# --------------------------------------------------------------------------------------------------
# Onset and gain of stationary sounds
#
# Partials beat in their own time. Which four seconds of them are analysed makes no audible
# difference, but changes a transform of four seconds; so a stationary model is evaluated at several
# onsets, and their differences do not count against theta.


_PERIODS = (0, 7, -11, 23)
"""Shifts in periods: the wave of a ripple stays in phase, its partials do not, nor do grains."""


def linearize_at_onsets(
    operator: Operator, state: State, free: Sequence[int]
) -> Steps[None, list[Linearization]]:
    """Φ and its Jacobian at one state, for several parts of the same stationary sound.

    Parameters
    ----------
    operator : Operator
        Of a stationary model.
    state : (theta + 2,) float64
    free : sequence of int
        As for ``operator.linearize``.

    Returns
    -------
    list of Linearization
        Result of the generator.
    """
    heard: list[Linearization] = []
    for periods in _PERIODS:
        there = state.copy()
        there[operator.model.onset] += periods * operator.model.period(state)
        heard.append((yield from operator.linearize_steps(there, free)))
    return heard


def stationary_onset(
    jtfs: JTFS, audio: NDArray[np.float32], x: NDArray[np.float32], period: float
) -> float:
    """First beginning of the wave of `x` in `audio`, s after the middle.

    Parameters
    ----------
    jtfs : JTFS
    audio, x : (ANALYSIS_SAMPLES,) float32
    period : float
        Of the wave, s.

    Returns
    -------
    float
        s.
    """
    half = len(audio) / 2 / ANALYSIS_RATE
    return float((onset_of(jtfs, audio, x) + half) % period) - half


def stationary_gain(audio: NDArray[np.float32], x: NDArray[np.float32]) -> float:
    """Gain of `x` that gives it the energy of `audio`.

    Parameters
    ----------
    audio, x : (n,) float32

    Returns
    -------
    float
    """
    return float(np.sqrt(np.square(audio, dtype=np.float64).sum() / np.square(x).sum()))


# --------------------------------------------------------------------------------------------------
# Last step of a match in noise, and its standard deviation
#
# The noise of the target is unknown; several other noises like it are added to the model. Each
# leads to a step of its own, and their scatter is the error, because the target's noise is one more
# of them.
#
# The Jacobian is noisy as well, which makes JᵀJ too large by the energy of the noise in each
# column, and steps and their scatter too small. Therefore J is the mean over all noises, and the
# scatter is widened by the ratio of JᵀJ to products of Jacobians with *different* noises, whose
# errors average out. Without this, f_c at 0 dB would seem four times as certain as it is. Two
# Jacobians are enough; to the other noises Φ alone is computed, which takes a quarter of the time.


_LONGEST_STEP = 0.1
_STUDENT = 3.18 / 1.96  # wider intervals for three degrees of freedom
_WIDEST = 8.0

NOISES, JACOBIANS = 4, 2
"""Number of noises that are added to the model, and of those with a Jacobian."""


@dataclass(frozen=True)
class NoiseStep:
    """Step, error and loss from several noises.

    Attributes
    ----------
    step : (free,) float64
        Along the unknowns' axes.
    std : (free,) float64
        Standard deviations after that step.
    loss : float
        After the step.
    noise_loss : float
        Loss that noise alone explains.
    """

    step: NDArray[np.float64]
    std: NDArray[np.float64]
    loss: float
    noise_loss: float


def noise_step(
    S: NDArray[np.float64],
    beside: Sequence[Linearization],
    more: Sequence[NDArray[np.float64]] = (),
) -> NoiseStep:
    """Step from one state, with :data:`NOISES` noises, towards a target.

    Parameters
    ----------
    S : (paths,) float64
        Of the target.
    beside : sequence of Linearization
        At one state, with one noise each; two at least.
    more : sequence of (paths,) float64
        Φ at the same state with further noises, without Jacobians.

    Returns
    -------
    NoiseStep
    """
    count = len(beside) + len(more)
    residuals = np.array([*(at.S for at in beside), *more]) - S
    mean = residuals.mean(axis=0)
    J = np.mean([at.J for at in beside], axis=0)
    steps = -residuals @ np.linalg.pinv(J).T
    step = steps.mean(axis=0).clip(-_LONGEST_STEP, _LONGEST_STEP)
    scatter = steps.std(axis=0, ddof=1) * math.sqrt(1.0 + 1.0 / count)
    return NoiseStep(
        step=step,
        std=np.hypot(_STUDENT * scatter * _attenuation(J, beside), SYSTEMATIC),
        loss=0.5 * float(np.square(mean + J @ step).sum()),
        # The difference of two noises is what noise alone explains.
        noise_loss=0.5 * float(np.square(residuals - mean).sum()) / (count - 1),
    )


def _attenuation(J: NDArray[np.float64], beside: Sequence[Linearization]) -> NDArray[np.float64]:
    """Factor by which noise makes the squares of J's columns too large, (free,), 1 or more."""
    count = len(beside)
    squares = np.square(J).sum(axis=0)
    own = sum(np.square(at.J).sum(axis=0) for at in beside)
    products = (count**2 * squares - own) / (count * (count - 1))
    return np.clip(squares / np.maximum(products, squares / _WIDEST), 1.0, _WIDEST)
