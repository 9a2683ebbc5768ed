"""Rectangular drum, offline: one differentiable function of theta = (f_c, tau, p, D, alpha).

The membrane of the functional transformation method (Trautmann and Rabenstein) as parametrised by
Han, Lostanlen and Lagrange (TASLP 2024), in closed form. With omega = 2 pi f_c, mode numbers mu_1,
mu_2, ``q = alpha mu_1^2 + mu_2^2 / alpha``, ``B = alpha + 1 / alpha`` and ``r = q / B``::

    sigma_m   = (1 + p B (r - 1)) / tau
    omega_m^2 = omega^2 r (1 + D^2 B^2 (r - 1)) + (r - 1) (1 - p B)^2 / tau^2
    y(t)      = sum_m A_m exp(-sigma_m t) sin(omega_m t)
    A_m       = (K_m / omega_m) / sum_m |K_m / omega_m|
    K_m       = sin(mu_1 pi x_1) sin(mu_2 pi x_2) sin(mu_1 pi PICK_UP) sin(mu_2 pi PICK_UP)

so mode (1, 1) has the frequency f_c and the decay time tau, and the peak is at most 1. 64 of the
authors' 100 modes sound, as sin(0.4 mu pi) = 0 for mu = 5 and 10.

Where the authors remove rows and columns of the grid of modes above the Nyquist frequency, which
keeps some that alias, each mode here fades by itself below it, so that the sound is differentiable.
They divide by the peak; here it is a sum, which the live form knows, too. Their time axis is longer
by one part in n.

A mode is the power z^k of its pole, and z^(a b + c) = (z^b)^a z^c, so a sum over modes is a product
of two small complex matrices. All tangents are further rows of the first one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mesosynth.instruments.drum import PICK_UP, mode_numbers
from mesosynth.instruments.oscillator import FADE_FROM, FADE_TO

ONSET = 5
"""Index of the onset among the directions of a derivative: it follows theta."""

SCALES = {"alpha": 0.2, "onset": 0.05}
"""Unit step of the parameters that move linearly; onset in s."""

KNEES = {"p": 5e-3, "D": 2e-2}
"""Knees of the parameters that move along asinh: far below them they cannot be heard."""

_CHUNK = 256  # samples


def drum(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    onset: float = 0.0,
    place: tuple[float, float] = (PICK_UP, PICK_UP),
) -> torch.Tensor:
    """One strike, of peak at most 1.

    Parameters
    ----------
    theta : (5,) tensor
        f_c (Hz, more than 0), tau (s, more than 0), p (at least 0), D (at least 0), alpha (more
        than 0, up to 1).
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        Time of the strike, s after sample ``n // 2``.
    place : (float, float)
        Where it is struck, in sides, 0 to 1.

    Returns
    -------
    (n,) tensor
        Of theta's dtype; computed in float64, which keeps the phases exact.
    """
    modes = drum_modes(theta, sample_rate, place)
    return _sum(modes.amplitude[None], modes, n, sample_rate, onset)[0].to(theta.dtype)


def drum_and_tangents(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    onset: float = 0.0,
    free: Sequence[int] = (0, 1, 2, 3, 4),
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`drum` and its derivatives, in closed form.

    With dA, dsigma and domega of each mode, the derivative is
    ``Im sum (dA + t A (i domega - dsigma)) z^t``: all share one exponential, sine and cosine.

    Parameters
    ----------
    theta, n, sample_rate, onset
        As for :func:`drum`.
    free : sequence of int
        Indices in theta of the directions: along the logarithm for f_c and tau, along asinh with
        :data:`KNEES` for p and D, in units of :data:`SCALES` for alpha and the :data:`ONSET`,
        which delays.

    Returns
    -------
    x : (n,) tensor
    dx : (len(free), n) tensor
    """
    modes = drum_modes(theta, sample_rate)
    A, (d_sigma, d_omega, d_A) = modes.amplitude, _derivatives(theta, sample_rate, modes)
    still = [A.to(torch.complex128)]
    in_time = [torch.zeros_like(still[0])]
    for place in free:
        if place == ONSET:
            still.append(-SCALES["onset"] * A * modes.exponent)
            in_time.append(torch.zeros_like(still[0]))
        else:
            still.append(d_A[place].to(torch.complex128))
            in_time.append(A * torch.complex(-d_sigma[place], d_omega[place]))
    sums = _sum(torch.stack(still), modes, n, sample_rate, onset)
    sums = sums + _time(n, sample_rate, onset, theta) * _sum(
        torch.stack(in_time), modes, n, sample_rate, onset
    )
    return sums[0].to(theta.dtype), sums[1:].to(theta.dtype)


@dataclass(frozen=True)
class Modes:
    """Modes of a drum, all (64,) float64."""

    sigma: torch.Tensor  # 1/s
    omega: torch.Tensor  # rad/s
    level: torch.Tensor  # A_m, whose magnitudes have the sum 1
    amplitude: torch.Tensor  # the same, faded near the Nyquist frequency

    @property
    def exponent(self) -> torch.Tensor:
        """Logarithm of each pole, for a step of one second."""
        return torch.complex(-self.sigma, self.omega)


def drum_modes(
    theta: torch.Tensor, sample_rate: float, place: tuple[float, float] = (PICK_UP, PICK_UP)
) -> Modes:
    """Decay, frequency and amplitude of each mode.

    Parameters
    ----------
    theta, sample_rate, place
        As for :func:`drum`.

    Returns
    -------
    Modes
    """
    mu_1, mu_2 = torch.from_numpy(mode_numbers()).to(theta.device)
    f_c, tau, p, D, alpha = theta.double()
    omega_1, B = 2.0 * math.pi * f_c, alpha + 1.0 / alpha
    above = alpha * (mu_1**2 - 1.0) + (mu_2**2 - 1.0) / alpha  # B (r - 1) = q - B, 0 for (1, 1)
    u = above / B
    sigma = (1.0 + p * above) / tau
    square = omega_1**2 * (1.0 + u) * (1.0 + D**2 * B * above) + u * ((1.0 - p * B) / tau) ** 2
    omega = square.sqrt()
    K = torch.ones_like(mu_1)
    for mu, x in ((mu_1, place[0]), (mu_2, place[1])):
        K = K * torch.sin(mu * (math.pi * x)) * torch.sin(mu * (math.pi * PICK_UP))
    level = K * omega_1 / omega
    level = level / level.abs().sum()
    gate = _gate_position(omega, sample_rate)
    return Modes(sigma, omega, level, level * gate**2 * (3.0 - 2.0 * gate))


def _gate_position(omega: torch.Tensor, sample_rate: float) -> torch.Tensor:
    """Position of each mode in the fade below the Nyquist frequency: 1 below it, 0 above."""
    cycles = omega / (2.0 * math.pi * sample_rate)
    return ((FADE_TO - cycles) / (FADE_TO - FADE_FROM)).clamp(0.0, 1.0)


def _derivatives(
    theta: torch.Tensor, sample_rate: float, modes: Modes
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Derivatives of sigma, omega and amplitude, (5, 64), along the axes of a descent."""
    mu_1, mu_2 = torch.from_numpy(mode_numbers()).to(theta.device)
    f_c, tau, p, D, alpha = theta.double()
    omega_1, B = 2.0 * math.pi * f_c, alpha + 1.0 / alpha
    above = alpha * (mu_1**2 - 1.0) + (mu_2**2 - 1.0) / alpha
    u = above / B
    r, stiff, loss = 1.0 + u, 1.0 + D**2 * B * above, (1.0 - p * B) / tau
    # Along alpha:
    d_B = 1.0 - 1.0 / alpha**2
    d_above = (mu_1**2 - 1.0) - (mu_2**2 - 1.0) / alpha**2
    d_u = (d_above - u * d_B) / B
    none = torch.zeros_like(u)
    d_sigma = torch.stack([none, -modes.sigma, above / tau, none, p * d_above / tau])
    d_square = torch.stack(
        [
            2.0 * omega_1**2 * r * stiff,
            -2.0 * u * loss**2,
            -2.0 * u * loss * B / tau,
            2.0 * omega_1**2 * r * D * B * above,
            omega_1**2 * (d_u * stiff + r * D**2 * (d_B * above + B * d_above))
            + d_u * loss**2 - 2.0 * u * loss * p * d_B / tau,
        ]
    )  # fmt: skip
    scales = torch.stack([
        torch.ones_like(p), torch.ones_like(p), torch.hypot(p, p.new_tensor(KNEES["p"])),
        torch.hypot(D, D.new_tensor(KNEES["D"])), p.new_tensor(SCALES["alpha"]),
    ])[:, None]  # fmt: skip
    d_sigma, d_omega = scales * d_sigma, scales * d_square / (2.0 * modes.omega)
    d_level = -modes.level * d_omega / modes.omega
    d_level[0] += modes.level  # of the factor omega
    total = (modes.level.sign() * d_level).sum(dim=1, keepdim=True)
    d_level = d_level - modes.level * total
    gate = _gate_position(modes.omega, sample_rate)
    d_gate = -6.0 * gate * (1.0 - gate) / ((FADE_TO - FADE_FROM) * 2.0 * math.pi * sample_rate)
    d_amplitude = d_level * gate**2 * (3.0 - 2.0 * gate) + modes.level * d_gate * d_omega
    return d_sigma, d_omega, d_amplitude


def _time(n: int, sample_rate: float, onset: float, like: torch.Tensor) -> torch.Tensor:
    """Time after the strike, s, (n,)."""
    steps = torch.arange(n, device=like.device, dtype=torch.float64) - n // 2
    return steps / sample_rate - onset


def _sum(
    weights: torch.Tensor, modes: Modes, n: int, sample_rate: float, onset: float
) -> torch.Tensor:
    """Imaginary part of ``sum_m weights_m exp((i omega_m - sigma_m) t)``, 0 before the strike.

    Parameters
    ----------
    weights : (rows, 64) tensor
        Real or complex.
    modes : Modes
    n, sample_rate, onset
        As for :func:`drum`.

    Returns
    -------
    (rows, n) float64 tensor
    """
    first = min(max(math.ceil(onset * sample_rate - 1e-9) + n // 2, 0), n)
    count = n - first
    chunks = -(-count // _CHUNK)
    step = modes.exponent / sample_rate
    late = (first - n // 2) - onset * sample_rate  # samples from the strike to the first one
    begins = late + _CHUNK * torch.arange(chunks, device=weights.device, dtype=torch.float64)
    inside = torch.arange(_CHUNK, device=weights.device, dtype=torch.float64)
    coarse = torch.exp(begins[:, None] * step) * weights[:, None]  # (rows, chunks, 64)
    fine = torch.exp(step[:, None] * inside)  # (64, _CHUNK)
    # Im(a b) = Re a Im b + Im a Re b, as one real product.
    both = torch.cat([coarse.real, coarse.imag], dim=-1) @ torch.cat([fine.imag, fine.real])
    sound = both.flatten(-2)[:, :count]
    return torch.nn.functional.pad(sound, (first, 0))
