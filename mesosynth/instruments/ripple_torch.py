"""Ripple, offline: one differentiable function of theta = (f_0, f_m, gamma, w, depth).

With ``f_i = f_0 2^(x_i)`` and ``x_i = w i / (PARTIALS - 1)``, after the authors' code (``ripple``
of ``meso-dtfa``)::

    x(t) = sum_i g_i (1 + depth sin(a - b_i)) sin(2 pi f_i t + phi_i)
    a = 2 pi f_m t,  b_i = 2 pi f_m x_i / gamma

Without the last entry of theta the depth is 1. The live form, :mod:`mesosynth.instruments.ripple`,
makes the same sound block by block.

``sin(a - b_i)`` is a sum of products of sines and cosines of a alone and of b_i alone, so the sound
and all its derivatives are a few weighted sums over the same partials: matrix products.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mesosynth.instruments.oscillator import FADE_FROM, FADE_TO
from mesosynth.instruments.ripple import LEVEL, first_phases, places

ONSET = 5
"""Index of the onset among the directions of a derivative: it follows theta."""

SCALES = {"depth": 1.0, "onset": 0.05}
"""Unit step of the parameters that are not logarithmic; onset in s."""

_LOG_2 = math.log(2.0)


def ripple(theta: torch.Tensor, n: int, sample_rate: float, start: float = 0.0) -> torch.Tensor:
    """A ripple of steady level.

    Parameters
    ----------
    theta : (4,) or (5,) tensor
        f_0 (Hz), f_m (Hz), gamma (octaves/s, not 0; negative descends), w (octaves), depth (from
        steady partials, 0, to a full ripple, 1).
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    start : float
        Time of the first sample, s.

    Returns
    -------
    (n,) tensor
        Of theta's dtype; float64 keeps the phases exact over many seconds.
    """
    p = _parts(theta, n, sample_rate, start)
    return p.rippled(p.gains, p.sines())


def ripple_and_tangents(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    start: float = 0.0,
    free: Sequence[int] = (0, 1, 2, 3),
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`ripple` and its derivatives, in closed form.

    All directions cost one more sine per partial.

    Parameters
    ----------
    theta, n, sample_rate, start
        As for :func:`ripple`.
    free : sequence of int
        Indices in theta of the directions: along the logarithm of ``|theta|`` for the first four,
        along theta in units of :data:`SCALES` for the depth, and for the :data:`ONSET`, which
        delays.

    Returns
    -------
    x : (n,) tensor
    dx : (len(free), n) tensor
    """
    p = _parts(theta, n, sample_rate, start)
    sines, cosines = p.sines(), p.cosines()
    dx = [_tangent(place, theta[1], p, sines, cosines) for place in free]
    x = p.rippled(p.gains, sines)
    return x, torch.stack(dx) if dx else x.new_zeros((0, n))


@dataclass(frozen=True)
class _RippleParts:
    """Terms of the sound and of its derivatives."""

    t: torch.Tensor  # (n,), s
    octaves: torch.Tensor  # (partials,) above f_0
    speeds: torch.Tensor  # (partials,), of the phases, rad/s
    gains: torch.Tensor  # (partials,)
    steps: torch.Tensor  # (partials,), cycles per sample
    lags: torch.Tensor  # b, (partials,), rad
    turns: torch.Tensor  # a, (n,), rad
    depth: torch.Tensor | float

    def sines(self) -> torch.Tensor:
        """The partials, (partials, n)."""
        return torch.sin(self._angles())

    def cosines(self) -> torch.Tensor:
        """Their derivatives along the phase, (partials, n)."""
        return torch.cos(self._angles())

    def _angles(self) -> torch.Tensor:
        first = 2.0 * math.pi * _constant(first_phases(), self.speeds)
        return self.speeds[:, None] * self.t + first[:, None]

    def wave(self, weights: torch.Tensor, partials: torch.Tensor) -> torch.Tensor:
        """``sum_i weights_i sin(a - b_i) partials_i``, (n,)."""
        up, across = self._sums(weights, partials)
        return torch.sin(self.turns) * up - torch.cos(self.turns) * across

    def swing(self, weights: torch.Tensor, partials: torch.Tensor) -> torch.Tensor:
        """``depth sum_i weights_i cos(a - b_i) partials_i``, (n,)."""
        up, across = self._sums(weights, partials)
        return self.depth * (torch.cos(self.turns) * up + torch.sin(self.turns) * across)

    def rippled(self, weights: torch.Tensor, partials: torch.Tensor) -> torch.Tensor:
        """``sum_i weights_i (1 + depth sin(a - b_i)) partials_i``, (n,)."""
        return weights @ partials + self.depth * self.wave(weights, partials)

    def _sums(self, weights: torch.Tensor, partials: torch.Tensor) -> torch.Tensor:
        both = torch.stack([torch.cos(self.lags), torch.sin(self.lags)])
        return (weights * both) @ partials


def _parts(theta: torch.Tensor, n: int, sample_rate: float, start: float) -> _RippleParts:
    t = torch.arange(n, device=theta.device, dtype=theta.dtype) / sample_rate + start
    f_0, f_m, gamma, w = theta[0], theta[1], theta[2], theta[3]
    octaves = w * _constant(places(), theta)
    hertz = f_0 * 2.0**octaves
    return _RippleParts(
        t=t,
        octaves=octaves,
        speeds=2.0 * math.pi * hertz,
        gains=_gains(octaves, hertz / sample_rate),
        steps=hertz / sample_rate,
        lags=2.0 * math.pi * f_m * octaves / gamma,
        turns=2.0 * math.pi * f_m * t,
        depth=theta[4] if len(theta) > 4 else 1.0,
    )


def _tangent(
    place: int, f_m: torch.Tensor, p: _RippleParts, sines: torch.Tensor, cosines: torch.Tensor
) -> torch.Tensor:
    """Derivative of the sound along one direction."""
    match place:
        case 0:
            by_f_0 = _level(p.octaves) * _fade_slope(p.steps)
            return p.t * p.rippled(p.gains * p.speeds, cosines) + p.rippled(by_f_0, sines)
        case 1:
            return p.turns * p.swing(p.gains, sines) - p.swing(p.gains * p.lags, sines)
        case 2:
            return p.swing(p.gains * p.lags, sines)
        case 3:
            spread = _LOG_2 * p.octaves
            by_w = p.gains * _tilt(p.octaves) + _level(p.octaves) * _fade_slope(p.steps) * spread
            detuned = p.t * p.rippled(p.gains * p.speeds * spread, cosines)
            return detuned + p.rippled(by_w, sines) - p.swing(p.gains * p.lags, sines)
        case 4:
            return p.wave(p.gains, sines)
        case _:
            rising = p.rippled(p.gains * p.speeds, cosines)
            return -SCALES["onset"] * (rising + 2.0 * math.pi * f_m * p.swing(p.gains, sines))


def _constant(array: object, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(array, device=like.device, dtype=like.dtype)


def _gains(octaves: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Amplitude of each partial; `steps` are cycles per sample."""
    room = torch.clamp((FADE_TO - steps) / (FADE_TO - FADE_FROM), 0.0, 1.0)
    return _level(octaves) * room**2 * (3.0 - 2.0 * room)


def _level(octaves: torch.Tensor) -> torch.Tensor:
    """Amplitude of each partial without the fade."""
    gains = 2.0 ** (-0.5 * octaves)
    return LEVEL * math.sqrt(2.0) * gains / gains.norm()


def _tilt(octaves: torch.Tensor) -> torch.Tensor:
    """Derivative of the logarithm of :func:`_level` along log w."""
    share = 2.0**-octaves
    share = share / share.sum()
    return 0.5 * _LOG_2 * ((share * octaves).sum() - octaves)


def _fade_slope(steps: torch.Tensor) -> torch.Tensor:
    """Derivative of the fade below the Nyquist frequency along the logarithm of `steps`."""
    room = torch.clamp((FADE_TO - steps) / (FADE_TO - FADE_FROM), 0.0, 1.0)
    return 6.0 * room * (1.0 - room) * -steps / (FADE_TO - FADE_FROM)
