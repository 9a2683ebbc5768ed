"""Background noise and stationary sounds: windowing, and steps averaged over noises."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.chirplet_parameters import SIGMA_0
from mesosynth.matching.descent import SYSTEMATIC
from mesosynth.matching.model import State
from mesosynth.matching.operator import Linearization, Operator
from mesosynth.scattering import JTFS
from mesosynth.system.steps import Steps

# --------------------------------------------------------------------------------------------------
# Windowing: the target around its arpeggio, and the model beside the same noise.
#
# A quarter of a second of sound in four seconds of noise is a small part of any average over time.
# Once it is roughly known when the arpeggio sounds and for how long, a window that passes all of it
# and little else takes most of the noise away. What is left of the noise biases every modulus; so
# the model is heard beside noise of the same spectrum, and the two biases cancel. Together they
# bring the error at 20 dB down from 2% to 0.1%, and at 0 dB to 1%.
#
# This is fair only where what is left out is stationary; events there are part of the sound.


_FLAT, _EDGE = 4.0, 1.0  # standard deviations of the arpeggio's envelope, either side
_HOP = 32  # samples, 4 ms
_FRAME = 410  # samples, 50 ms
_FEWEST_FRAMES = 5
_WELCH = 1024  # samples
_UNEVEN = (
    4.0  # how far the loudest frames of a stationary sound may exceed the usual ones, in power
)


def correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cross-correlation at all lags, (2n - 1,), lag 0 in the middle."""
    return signal.correlate(a.astype(np.float64), b.astype(np.float64), mode="full", method="fft")


def onset_of(jtfs: JTFS, audio: NDArray[np.float32], x: NDArray[np.float32]) -> float:
    """By how many seconds `x` must be delayed to lie over `audio`: (ANALYSIS_SAMPLES,) each.

    Where their scalograms correlate best; the level that each row usually has, noise perhaps, has
    no say.
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
        Of the arpeggio's middle, s after the middle of the analysis window.
    """

    audio: NDArray[np.float32]
    onset: float
    _window: NDArray[np.float64]
    _rest: NDArray[np.float32]
    _seed: int

    def background(self, number: int) -> NDArray[np.float32]:
        """Noise like that in the target, through the window: (ANALYSIS_SAMPLES,), one a number."""
        rng = np.random.default_rng([self._seed, number])
        return (self._window * _noise_like(self._rest, rng)).astype(np.float32)


def windowed_target(
    audio: NDArray[np.float32], state: State, onset: float, seed: int = 0
) -> WindowedTarget | None:
    """Target around an arpeggio; None where the rest is not stationary, or too short to know.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
    state : (9,) float64
        The arpeggio, of which gamma and w count.
    onset : float
        Of its middle, s after the middle of the window.
    seed : int
        Of the noises.
    """
    sigma = SIGMA_0 * state[3] / abs(state[2])
    t = (np.arange(ANALYSIS_SAMPLES) - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE - onset
    beyond = np.clip((np.abs(t) / sigma - _FLAT) / _EDGE, 0.0, 1.0)
    rest = audio[beyond >= 1.0]
    if not _is_stationary(rest):
        return None
    window = 0.5 + 0.5 * np.cos(np.pi * beyond)
    return WindowedTarget((audio * window).astype(np.float32), onset, window, rest, seed)


def _noise_like(rest: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise with the spectrum of `rest`, (ANALYSIS_SAMPLES,)."""
    frequency, density = signal.welch(rest, ANALYSIS_RATE, nperseg=_WELCH)
    density[:2] = density[2]  # Welch's method takes the mean out of each piece
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
# Onset, gain and linearizations of stationary sounds, which have no middle.
#
# Partials that beat do so in their own time. Which four seconds of them are heard makes no
# difference to anybody but to a transform of four seconds; so a stationary model is heard at
# several onsets, and what these do not agree about is not held against theta.


_PERIODS = (0, 7, -11, 23)
"""Of the ripple: its wave stays where it is, its partials do not."""


def linearize_at_onsets(
    operator: Operator, state: State, free: Sequence[int]
) -> Steps[None, list[Linearization]]:
    """Φ and its Jacobian at one state, by as many other parts of the same sound.

    Parameters
    ----------
    operator : Operator
        Of a stationary model, whose second parameter is its rate, Hz.
    state : (theta + 2,) float64
    free : sequence of int
        As for ``operator.linearize``.
    """
    heard: list[Linearization] = []
    for periods in _PERIODS:
        there = state.copy()
        there[operator.model.onset] += periods / state[1]
        heard.append((yield from operator.linearize_steps(there, free)))
    return heard


def stationary_onset(
    jtfs: JTFS, audio: NDArray[np.float32], x: NDArray[np.float32], rate: float
) -> float:
    """When the wave of `x` begins again in `audio`, for the first time; s after the middle."""
    half = len(audio) / 2 / ANALYSIS_RATE
    return float((onset_of(jtfs, audio, x) + half) % (1.0 / rate)) - half


def stationary_gain(audio: NDArray[np.float32], x: NDArray[np.float32]) -> float:
    """By how much `x` must be amplified to be as strong as `audio`, where that sounds."""
    return float(np.sqrt(np.square(audio, dtype=np.float64).sum() / np.square(x).sum()))


# --------------------------------------------------------------------------------------------------
# The last step of a match in noise, and how sure it is.
#
# The target holds a noise that nobody knows; the model is heard beside several others like it. Each
# leads to a step of its own, and their scatter is the error, because the target's noise is one more
# of them.
#
# The Jacobian is noisy as well, which makes JᵀJ too large: by the energy of the noise in each
# column. Steps and their scatter come out too short, by that much. Against the first, J is the mean
# over all noises. Against what is left of it, the scatter is widened by how much larger JᵀJ is than
# products of Jacobians beside *different* noises, whose errors average out. Without this, f_c at 0
# dB is said to be four times as sure as it is.


_LONGEST_STEP = 0.1
_STUDENT = 3.18 / 1.96  # how much wider intervals are that rest on three degrees of freedom
_WIDEST = 8.0

NOISES = 4
"""How many noises the model is heard beside."""


@dataclass(frozen=True)
class NoiseStep:
    """What several noises say together.

    Attributes
    ----------
    step : (free,) float64
        Along the unknowns' axes.
    std : (free,) float64
        Standard deviations after that step.
    loss : float
        After the step.
    noise_loss : float
        What noise alone explains.
    """

    step: NDArray[np.float64]
    std: NDArray[np.float64]
    loss: float
    noise_loss: float


def noise_step(S: NDArray[np.float64], beside: Sequence[Linearization]) -> NoiseStep:
    """The step from one state, heard beside :data:`NOISES` noises, towards a target.

    Parameters
    ----------
    S : (paths,) float64
        Of the target.
    beside : sequence of Linearization
        At one state, beside one noise each.
    """
    count = len(beside)
    residuals = np.array([at.S for at in beside]) - S
    mean = residuals.mean(axis=0)
    J = np.mean([at.J for at in beside], axis=0)
    steps = -residuals @ np.linalg.pinv(J).T
    step = steps.mean(axis=0).clip(-_LONGEST_STEP, _LONGEST_STEP)
    scatter = steps.std(axis=0, ddof=1) * math.sqrt(1.0 + 1.0 / count)
    return NoiseStep(
        step=step,
        std=np.hypot(_STUDENT * scatter * _attenuation(J, beside), SYSTEMATIC),
        loss=0.5 * float(np.square(mean + J @ step).sum()),
        # What two noises differ by is what noise alone explains.
        noise_loss=0.5 * float(np.square(residuals - mean).sum()) / (count - 1),
    )


def _attenuation(J: NDArray[np.float64], beside: Sequence[Linearization]) -> NDArray[np.float64]:
    """How much too large noise makes the squares of J's columns, (free,), 1 or more."""
    count = len(beside)
    squares = np.square(J).sum(axis=0)
    own = sum(np.square(at.J).sum(axis=0) for at in beside)
    products = (count**2 * squares - own) / (count * (count - 1))
    return np.clip(squares / np.maximum(products, squares / _WIDEST), 1.0, _WIDEST)
