"""The chirplet arpeggio as one differentiable function of theta = (f_c, f_m, gamma, w).

    x(t) = sin(2 pi f_c / (gamma ln 2) (2^(gamma t) - 1)) · m(t) · exp(-t² / (2 (0.1 w / gamma)²))

with the amplitude modulation m(t) = sin(2 pi f_m t), after Vahidi et al. (JAES 2023), eq. 4-8. The
live form, :mod:`mesosynth.instruments.chirplet`, makes the same sound block by block.
"""

import math

import torch

from mesosynth.instruments.chirplet_parameters import SIGMA_0


def chirplet(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    onset: float = 0.0,
    am_shape: float = 0.0,
) -> torch.Tensor:
    """One arpeggio of peak amplitude 1.

    Parameters
    ----------
    theta : (4,) tensor
        f_c (Hz), f_m (Hz), gamma (octaves/s, not 0; negative descends), w (octaves).
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        Where the arpeggio's middle lies, s after sample ``n // 2``.
    am_shape : float
        0 for the full sine of the authors' code to 1 for the paper's half sine with rests
        (eq. 6-7).

    Returns
    -------
    (n,) tensor of theta's dtype; float64 keeps the phase exact over many seconds.
    """
    t = _time(n, sample_rate, theta) - onset
    return _carrier_times_am(theta, t, am_shape) * _envelope(theta, t)


def chirplet_and_tangents(
    theta: torch.Tensor, n: int, sample_rate: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`chirplet` and its derivatives along the logarithms of |theta|, by hand.

    Four directions at the price of two sines more; forward-mode autograd costs four times that, and
    a second to import.

    Returns
    -------
    x : (n,) tensor
    dx : (4, n) tensor
    """
    f_c, f_m, gamma, w = theta
    t = _time(n, sample_rate, theta)
    sweep = 2.0 ** (gamma * t)
    carrier = 2.0 * math.pi * f_c / (gamma * math.log(2.0)) * (sweep - 1.0)
    am = 2.0 * math.pi * f_m * t
    envelope = _envelope(theta, t)
    x = torch.sin(carrier) * torch.sin(am) * envelope
    d_carrier = torch.cos(carrier) * torch.sin(am) * envelope
    d_log_envelope = (gamma * t / (SIGMA_0 * w)) ** 2
    dx = torch.stack(
        [
            d_carrier * carrier,
            torch.sin(carrier) * torch.cos(am) * am * envelope,
            d_carrier * (2.0 * math.pi * f_c * t * sweep - carrier) - x * d_log_envelope,
            x * d_log_envelope,
        ]
    )
    return x, dx


def authors_chirplet(
    theta: torch.Tensor, n: int, sample_rate: float, shift: int = 0
) -> torch.Tensor:
    """Waveform of the authors' code (``meso-dtfa``, ``generate_am_chirp``), to the sample.

    Its envelope is centred half a sample before its carrier, its amplitude is gamma, without a
    gradient, and a shift moves in zeros. They compute in float32, where the phase of a few thousand
    cycles is exact to some 1e-3 rad: give theta in float32 to get theirs, in float64 for the truth,
    which differs by up to 3e-4 of the peak.

    Parameters
    ----------
    theta, n, sample_rate
        As for :func:`chirplet`.
    shift : int
        Delay, samples, at least 0.
    """
    t = _time(n, sample_rate, theta)
    x = _carrier_times_am(theta, t, 0.0) * _envelope(theta, t + 0.5 / sample_rate)
    x = x * theta[2].detach()
    return torch.nn.functional.pad(x, (shift, 0))[:n]


def _time(n: int, sample_rate: float, like: torch.Tensor) -> torch.Tensor:
    return (torch.arange(n, device=like.device, dtype=like.dtype) - n // 2) / sample_rate


def _carrier_times_am(theta: torch.Tensor, t: torch.Tensor, am_shape: float) -> torch.Tensor:
    f_c, f_m, gamma, _ = theta
    carrier = f_c / (gamma * math.log(2.0)) * (2.0 ** (gamma * t) - 1.0)
    am = torch.sin(2.0 * math.pi * f_m * t)
    am = torch.where(am > 0.0, am, (1.0 - am_shape) * am)
    return torch.sin(2.0 * math.pi * carrier) * am


def _envelope(theta: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    octaves = theta[2] * t
    return torch.exp(-(octaves**2) / (2.0 * (SIGMA_0 * theta[3]) ** 2))
