"""Sum of layers and its loss, differentiable in all their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.chirplet import SLOWEST
from mesosynth.instruments.chirplet_torch import ONSET, SCALES, chirplet_and_tangents
from mesosynth.matching.model import CHIRPLET
from mesosynth.matching.operator import Operator
from mesosynth.matching.similarity import HOP, band_frequencies, decibel_picture, mel_power

# --------------------------------------------------------------------------------------------------
# Sound of a layer, one arpeggio or a repeating one, and its derivatives
#
# A layer's state is ten numbers: the chirplet's theta, onset, level and period. A period of 0 means
# one arpeggio. A repeating one is the arpeggio x convolved with a comb::
#
#     y(t) = level sum_k x(t - onset - k period)
#
# whose spectrum is that of x times ``sum_k exp(-2 pi i f (onset + k period))``, so that all
# repetitions, the fractions of a sample between them, and the derivatives along onset and period
# need a few FFTs. They fill the part of the window in which the target sounds.


States = NDArray[np.float64]
"""(layers, 10): theta, onset (s after the middle of the window), level, and period (s)."""

LEVEL, PERIOD = ONSET + 1, ONSET + 2
SIZE = PERIOD + 1

SHORTEST_PERIOD, LONGEST_PERIOD = 0.1, 4.0  # s; a live arpeggio cannot repeat faster
LONGEST_SWEEP = 10.0  # s, w / |gamma|: about four are audible
_ROOM = 2 * ANALYSIS_SAMPLES  # so that sound does not wrap around the window
_OMEGA = 2.0 * np.pi * np.fft.rfftfreq(_ROOM, 1.0 / ANALYSIS_RATE)
_WEIGHTS = 2.0 / _ROOM  # of a half spectrum's products; 0 Hz and the last bin do not matter
_HIGHEST_F_C = 0.48 * ANALYSIS_RATE
_GAMMA, _W = CHIRPLET.ids.index("gamma"), CHIRPLET.ids.index("w")


def moved(states: States, step: States) -> States:
    """States after a step along their axes, within their ranges; periods of 0 stay.

    Parameters
    ----------
    states : (layers, 10) float64
    step : (layers, 10) float64
        Along the axes.

    Returns
    -------
    (layers, 10) float64
    """
    there = CHIRPLET.along(states[:, :PERIOD], step[:, :PERIOD])
    periods = states[:, PERIOD:] * np.exp(step[:, PERIOD:])
    return in_range(np.concatenate([there, periods], axis=1))


def in_range(states: States) -> States:
    """States that the instrument can play, inside the window."""
    inside = np.array([[*CHIRPLET.in_range(row[:PERIOD]), row[PERIOD]] for row in states])
    inside = inside.reshape(-1, SIZE)
    inside[:, 0] = np.minimum(inside[:, 0], _HIGHEST_F_C)
    inside[:, _W] = np.minimum(
        inside[:, _W], LONGEST_SWEEP * np.maximum(np.abs(inside[:, _GAMMA]), SLOWEST)
    )
    repeats = inside[:, PERIOD] > 0.0
    inside[repeats, PERIOD] = inside[repeats, PERIOD].clip(SHORTEST_PERIOD, LONGEST_PERIOD)
    return inside


@dataclass(frozen=True)
class Sounding:
    """Sound of a layer, with the terms of its derivatives.

    Attributes
    ----------
    x : (ANALYSIS_SAMPLES,) float64 tensor
    """

    x: torch.Tensor
    _dx: torch.Tensor  # of one arpeggio: along theta's axes, and the onset's where it comes once
    _again: "_Repetition | None"

    def along(self, direction: torch.Tensor) -> NDArray[np.float64]:
        """Derivatives of ``x @ direction`` along the layer's axes, (10,).

        One adjoint of the repetition is cheaper than the repetition of every derivative.
        """
        level = (self.x @ direction)[None]
        if self._again is None:
            return torch.cat([self._dx @ direction, level, torch.zeros(1)]).numpy()
        of_one, onset, period = self._again.adjoint(direction)
        return torch.cat([self._dx @ of_one, onset, level, period]).numpy()


def layer_sound(state: NDArray[np.float64], span: tuple[float, float]) -> torch.Tensor:
    """Sound of one layer.

    Parameters
    ----------
    state : (10,) float64
    span : (float, float)
        Range of the repetitions' middles, s after the middle of the window.

    Returns
    -------
    (ANALYSIS_SAMPLES,) float64 tensor
    """
    return _render(state, span, ()).x


def sounding(state: NDArray[np.float64], span: tuple[float, float]) -> Sounding:
    """:func:`layer_sound` with the terms of its derivatives.

    Parameters
    ----------
    state : (10,) float64
    span : (float, float)
        Range of the repetitions' middles, s after the middle of the window.

    Returns
    -------
    Sounding
    """
    return _render(state, span, range(ONSET + 1))


def _render(state: NDArray[np.float64], span: tuple[float, float], free: Sequence[int]) -> Sounding:
    theta, level = torch.from_numpy(state[:ONSET]), float(state[LEVEL])
    onset, period = float(state[ONSET]), float(state[PERIOD])
    if not period:
        x, dx = chirplet_and_tangents(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, onset, free)
        return Sounding(level * x, level * dx, None)
    of_theta = [place for place in free if place < ONSET]
    x, dx = chirplet_and_tangents(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, 0.0, of_theta)
    again = _Repetition.of(level * x, repetitions(onset, period, span), onset, period)
    return Sounding(again.sound(), level * dx, again)


def repetitions(onset: float, period: float, span: tuple[float, float]) -> NDArray[np.float64]:
    """Times of a layer's middles.

    Parameters
    ----------
    onset : float
        s after the middle of the window.
    period : float
        s.
    span : (float, float)
        Their range, s after the middle of the window.

    Returns
    -------
    (n,) float64
        s; at least one, at `onset` if there is no other.
    """
    first = np.ceil((span[0] - onset) / period - 1e-9)
    last = np.floor((span[1] - onset) / period + 1e-9)
    return onset + period * np.arange(first, last + 1.0) if last >= first else np.array([onset])


@dataclass(frozen=True)
class _Repetition:
    """A sound around the middle of the window, repeated."""

    spectrum: torch.Tensor  # of the sound, with as much silence again
    comb: torch.Tensor
    by_number: torch.Tensor  # the comb's phasors weighted by their numbers
    period: float

    @classmethod
    def of(
        cls, x: torch.Tensor, times: NDArray[np.float64], onset: float, period: float
    ) -> "_Repetition":
        comb, by_number = _comb(_OMEGA, times, period, round((times[0] - onset) / period))
        return cls(torch.fft.rfft(x, _ROOM), comb, by_number, period)

    def sound(self) -> torch.Tensor:
        """The repeated sound, (ANALYSIS_SAMPLES,)."""
        return torch.fft.irfft(self.spectrum * self.comb, _ROOM)[:ANALYSIS_SAMPLES]

    def adjoint(self, direction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Adjoint of the repetition: direction for the sound itself, and two derivatives.

        Those are along onset and period, (1,) each.
        """
        D = torch.fft.rfft(direction, _ROOM)
        of_one = torch.fft.irfft(D * self.comb.conj(), _ROOM)[:ANALYSIS_SAMPLES]
        # By Parseval; a delay by dt multiplies a spectrum by exp(-i omega dt).
        products = _WEIGHTS * torch.from_numpy(_OMEGA) * (self.spectrum * D.conj())
        by_onset = SCALES["onset"] * (products * self.comb).imag.sum()
        by_period = self.period * (products * self.by_number).imag.sum()
        return of_one, by_onset[None], by_period[None]


def _comb(
    omega: NDArray[np.floating], times: NDArray[np.float64], period: float, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of the phasors of `times`, and the same weighted by their numbers from `first` on.

    By Horner's rule, for a polynomial and its derivative: only two phasors are computed.
    """
    z = np.exp(-1j * omega * period)
    power = derivative = np.zeros_like(z)
    for _ in times:
        derivative = derivative * z + power
        power = power * z + 1.0
    begin = np.exp(-1j * omega * times[0])
    by_number = begin * (first * power + z * derivative)
    return torch.from_numpy(begin * power), torch.from_numpy(by_number)


# --------------------------------------------------------------------------------------------------
# Loss of layers, and its gradient along the waveform
#
#     loss = 1 - cos(S, S') + MEL (1 - cos(D, D'))
#
# S is the time-averaged JTFS and D the decibels in mel bands
# (:mod:`mesosynth.matching.similarity`), of the target and of the layers' sum at the target's
# power. The first does not depend on time, so that layers find their texture from far away; alone
# it leads to sums at the wrong times (measured on recordings: JTFS 0.98, log-mel 0.09). The second
# moves them to their times. One backward pass gives the gradient, for any number of layers.


MEL = 0.2
"""Weight of log-mel beside the scattering."""

TOLERANCE = 1e-2
"""Tolerance of the JTFS, enough for cosines to two decimals."""

_FLOOR = 1e-30


@dataclass(frozen=True)
class LayerLoss:
    """Loss at one sum of layers, and the two cosines in it."""

    SIZE: ClassVar[int] = 3

    value: float
    jtfs: float
    log_mel: float

    @property
    def numbers(self) -> list[float]:
        """The three in a list."""
        return [self.value, self.jtfs, self.log_mel]


class LayerObjective:
    """Loss of layers for one target.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    operator : Operator
        With the Φ "jtfs-global" and a tolerance up to TOLERANCE.
    """

    def __init__(self, audio: NDArray[np.float32], operator: Operator) -> None:
        self._operator = operator
        x = torch.from_numpy(audio).to(operator.device)
        self.energy = float(x.double().square().sum())
        self._S = operator.coefficients(x)
        self._power = mel_power(x, ANALYSIS_RATE)
        self.whole = float(self._power.sum())
        self._loudest = self._power.max()
        picture = decibel_picture(self._power, self._loudest)
        self._direction = picture / picture.norm()

    def at(self, x: torch.Tensor) -> LayerLoss:
        """Loss of a sum (ANALYSIS_SAMPLES,), of any dtype."""
        with torch.no_grad():
            return LayerLoss(*self._parts(x.float().to(self._operator.device)).tolist())

    def gradient(self, x: torch.Tensor) -> tuple[LayerLoss, torch.Tensor]:
        """Loss of a sum and its gradient along the samples, (ANALYSIS_SAMPLES,) float32.

        Both come from the device in one copy.
        """
        x = x.detach().float().to(self._operator.device).requires_grad_(True)
        parts = self._parts(x)
        (along,) = torch.autograd.grad(parts[0], x)
        both = torch.cat([parts.detach(), along.double()]).cpu()
        return LayerLoss(*both[: LayerLoss.SIZE].tolist()), both[LayerLoss.SIZE :].float()

    def left_over(self, x: torch.Tensor | None) -> NDArray[np.float64]:
        """Mel power of the target above that of a sum at its level: (bands, frames)."""
        power = self._power
        if x is not None:
            of_sum = mel_power(self._levelled(x.float().to(power.device)), ANALYSIS_RATE)
            power = (power - of_sum).clamp_min(0.0)
        return power.double().cpu().numpy()

    @staticmethod
    def frequencies() -> NDArray[np.float64]:
        """Centre of each mel band, Hz."""
        return band_frequencies(ANALYSIS_RATE)

    @staticmethod
    def times(frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Centre of frames, s after the middle of the window."""
        return (frames * HOP - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE

    def _parts(self, x: torch.Tensor) -> torch.Tensor:
        """Loss and its two cosines, (3,) float64."""
        jtfs = self._operator.coefficients(x) @ self._S
        picture = decibel_picture(mel_power(self._levelled(x), ANALYSIS_RATE), self._loudest)
        log_mel = (picture * self._direction).sum() / picture.norm().clamp_min(_FLOOR)
        return torch.stack([1.0 - jtfs + MEL * (1.0 - log_mel), jtfs, log_mel.double()])

    def _levelled(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sqrt(self.energy / x.square().sum().clamp_min(_FLOOR))
