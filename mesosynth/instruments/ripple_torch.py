"""The ripple as one differentiable function of theta = (f_0, f_m, gamma, w).

    x(t) = sum_i g_i (1 + depth sin(2 pi f_m (t - x_i / gamma))) sin(2 pi f_i t + phi_i)

with ``f_i = f_0 2^(x_i)`` and ``x_i = w i / (PARTIALS - 1)``, after the authors' code (``ripple``
of ``meso-dtfa``). The live form, :mod:`mesosynth.instruments.ripple`, makes the same sound block by
block.
"""

import math

import torch

from mesosynth.instruments.ripple_parameters import (
    FADE_FROM,
    FADE_TO,
    LEVEL,
    first_phases,
    places,
)

_LOG_2 = math.log(2.0)


def ripple(
    theta: torch.Tensor, n: int, sample_rate: float, depth: float = 1.0, start: float = 0.0
) -> torch.Tensor:
    """A ripple of steady level.

    Parameters
    ----------
    theta : (4,) tensor
        f_0 (Hz), f_m (Hz), gamma (octaves/s, not 0; negative descends), w (octaves).
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    depth : float
        From steady partials (0) to a full ripple (1).
    start : float
        Time of the first sample, s.

    Returns
    -------
    (n,) tensor of theta's dtype; float64 keeps the phases exact over many seconds.
    """
    t = torch.arange(n, device=theta.device, dtype=theta.dtype) / sample_rate + start
    f_0, f_m, gamma, w = theta
    octaves = w * _constant(places(), theta)
    hertz = f_0 * 2.0**octaves
    ripples = 1.0 + depth * torch.sin(2.0 * math.pi * f_m * (t - octaves[:, None] / gamma))
    carriers = torch.sin(2.0 * math.pi * (hertz[:, None] * t + _phases(theta)))
    return _gains(octaves, hertz / sample_rate) @ (ripples * carriers)


def ripple_and_tangents(
    theta: torch.Tensor, n: int, sample_rate: float, depth: float = 1.0, start: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`ripple` and its derivatives along the logarithms of |theta|, by hand.

    Four directions at the price of two sines more for each partial.

    Returns
    -------
    x : (n,) tensor
    dx : (4, n) tensor
    """
    t = torch.arange(n, device=theta.device, dtype=theta.dtype) / sample_rate + start
    f_0, f_m, gamma, w = theta
    octaves = w * _constant(places(), theta)
    hertz = f_0 * 2.0**octaves
    gains, by_f_0, by_w = _gains_and_tangents(octaves, hertz / sample_rate)
    lag = octaves / gamma
    phase = 2.0 * math.pi * f_m * (t - lag[:, None])
    ripples, swing = 1.0 + depth * torch.sin(phase), depth * torch.cos(phase)
    turns = 2.0 * math.pi * hertz[:, None] * t
    angle = turns + 2.0 * math.pi * _phases(theta)
    sines, cosines = torch.sin(angle), torch.cos(angle)
    sound, detuned, moved = ripples * sines, ripples * cosines * turns, swing * sines
    drift = gains * 2.0 * math.pi * f_m * lag
    later = drift @ moved
    dx = torch.stack(
        [
            gains @ detuned + by_f_0 @ sound,
            gains @ (moved * phase),
            later,
            (gains * _LOG_2 * octaves) @ detuned + by_w @ sound - later,
        ]
    )
    return gains @ sound, dx


def _constant(array: object, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(array, device=like.device, dtype=like.dtype)


def _phases(like: torch.Tensor) -> torch.Tensor:
    return _constant(first_phases(), like)[:, None]


def _gains(octaves: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Each partial's amplitude; `steps` are cycles per sample."""
    gains = 2.0 ** (-0.5 * octaves)
    room = torch.clamp((FADE_TO - steps) / (FADE_TO - FADE_FROM), 0.0, 1.0)
    return LEVEL * math.sqrt(2.0) * gains / gains.norm() * room**2 * (3.0 - 2.0 * room)


def _gains_and_tangents(
    octaves: torch.Tensor, steps: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """:func:`_gains` and its derivatives along log f_0 and log w."""
    share = 2.0**-octaves
    share = share / share.sum()
    room = torch.clamp((FADE_TO - steps) / (FADE_TO - FADE_FROM), 0.0, 1.0)
    level = LEVEL * math.sqrt(2.0) * share.sqrt()
    fade = 6.0 * room * (1.0 - room) * -steps / (FADE_TO - FADE_FROM)
    gains = level * room**2 * (3.0 - 2.0 * room)
    tilt = 0.5 * _LOG_2 * ((share * octaves).sum() - octaves)
    return gains, level * fade, gains * tilt + level * fade * _LOG_2 * octaves
