"""Granular synthesizer, offline: one differentiable function of theta = (density, slope).

After Mitcheltree et al. (SCRAPL), as published: 64 grains of half a second in a cloud of four, each
a chirp with the pitch f_0 in its middle, t = 0, under a raised cosine of L samples. With
``d = density``, ``o = d / 4 + 3 d^2 / 4``, ``s = slope``::

    a_i   = 1 - sigmoid(2 (1 - d) 64 (i / 64 - o)), over the largest
    gamma = SWEEP tan(0.95 (2 s - 1) pi / 2), octaves/s
    g_i   = a_i / sqrt(f_0) sin^2(pi n / L) sin(2 pi sum f_0 2^(gamma t) / rate)

f_0 is log-uniform between LOWEST and HIGHEST, the onset uniform where the grain has room, and the
sum has unit norm. Of the random numbers only the generator differs from theirs:
:func:`mesosynth.instruments.grains.draw`. Another seed or page is another cloud of the same theta.
"""

import math
from collections.abc import Sequence

import torch

from mesosynth.instruments.grains import GRAINS, HIGHEST, LENGTH, LOWEST, SWEEP, draw

SCALES = {"density": 0.25, "slope": 0.25, "onset": 0.05}
"""Unit step of each parameter; onset in s."""

_STEEP = 0.95 * math.pi / 2.0


def grains(
    theta: torch.Tensor, n: int, sample_rate: float, seed: int = 0, page: int = 0
) -> torch.Tensor:
    """Cloud of unit norm.

    Parameters
    ----------
    theta : (2,) tensor
        Density and slope, 0 to 1.
    n : int
        Length, samples; more than that of a grain.
    sample_rate : float
        Hz.
    seed, page : int
        Of the random numbers.

    Returns
    -------
    (n,) tensor
        Of theta's dtype; computed in float64.
    """
    places, shapes, _ = _grains(theta, n, sample_rate, seed, page)
    x = _sum(places, _amplitudes(theta)[:, None] * shapes, n)
    return (x / x.norm()).to(theta.dtype)


def grains_and_tangents(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    seed: int = 0,
    page: int = 0,
    free: Sequence[int] = (0, 1),
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`grains` and its derivatives, in closed form.

    Parameters
    ----------
    theta, n, sample_rate, seed, page
        As for :func:`grains`.
    free : sequence of int
        Indices in theta of the directions, in units of :data:`SCALES`. Further ones give 0.

    Returns
    -------
    x : (n,) tensor
    dx : (len(free), n) tensor
    """
    places, shapes, d_shapes = _grains(theta, n, sample_rate, seed, page)
    a = _amplitudes(theta)[:, None]
    x = _sum(places, a * shapes, n)
    norm = x.norm()
    x = x / norm
    dx = x.new_zeros((len(free), n))
    for row, direction in zip(dx, free, strict=True):
        if direction > 1:
            continue
        if direction == 0:
            along = _sum(places, SCALES["density"] * _d_amplitudes(theta)[:, None] * shapes, n)
        else:
            along = _sum(places, SCALES["slope"] * a * d_shapes, n)
        row.copy_((along - x * (x @ along)) / norm)  # the norm stays 1
    return x.to(theta.dtype), dx.to(theta.dtype)


def _exponents(theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``2 (1 - d) (i - 64 o)`` of each grain, and its derivative along d."""
    d, i = theta[0].double(), torch.arange(GRAINS, dtype=torch.float64, device=theta.device)
    beyond = i - GRAINS * (0.25 * d + 0.75 * d**2)
    return (
        2.0 * (1.0 - d) * beyond,
        -2.0 * beyond - 2.0 * (1.0 - d) * GRAINS * (0.25 + 1.5 * d),
    )


def _amplitudes(theta: torch.Tensor) -> torch.Tensor:
    a = torch.sigmoid(-_exponents(theta)[0])
    return a / a[0]  # the first is the largest


def _d_amplitudes(theta: torch.Tensor) -> torch.Tensor:
    exponent, d_exponent = _exponents(theta)
    a = torch.sigmoid(-exponent)
    d_a = -a * (1.0 - a) * d_exponent
    return (d_a - a * (d_a[0] / a[0])) / a[0]


def _grains(
    theta: torch.Tensor, n: int, sample_rate: float, seed: int, page: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """First sample of each grain, (64,), its shape and the derivative along s, (64, length)."""
    length = round(LENGTH * sample_rate)
    random = torch.from_numpy(draw(seed, page)).to(theta.device)
    f_0 = LOWEST * (HIGHEST / LOWEST) ** random[0][:, None]
    places = torch.floor(random[1] * (n - length)).long()
    steep = _STEEP * (2.0 * theta[1].double() - 1.0)
    gamma, d_gamma = SWEEP * torch.tan(steep), SWEEP * 2.0 * _STEEP / torch.cos(steep) ** 2
    t = (torch.arange(length, dtype=torch.float64, device=theta.device) - length / 2) / sample_rate
    swept = 2.0 ** (gamma * t) / sample_rate
    phase = 2.0 * math.pi * f_0 * torch.cumsum(swept, 0)
    d_phase = 2.0 * math.pi * f_0 * torch.cumsum(swept * t * math.log(2.0), 0) * d_gamma
    window = torch.sin(math.pi / sample_rate / LENGTH * torch.arange(length).to(t)) ** 2
    window = window / f_0.sqrt()
    return places, window * torch.sin(phase), window * torch.cos(phase) * d_phase


def _sum(places: torch.Tensor, shapes: torch.Tensor, n: int) -> torch.Tensor:
    """Sum of the grains, (n,)."""
    index = places[:, None] + torch.arange(shapes.shape[1], device=shapes.device)
    return shapes.new_zeros(n).index_add(0, index.flatten(), shapes.flatten())
