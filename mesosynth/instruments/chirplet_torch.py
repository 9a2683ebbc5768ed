"""Chirplet arpeggio, offline: one differentiable function of theta.

theta = (f_c, f_m, gamma, w, am_shape, am_depth, brightness); without the last three they have their
defaults. The formulas are those of the live form, :mod:`mesosynth.instruments.chirplet`, after
Vahidi et al. (JAES 2023), eq. 4-8. By default a full sine modulates a pure sine, as in the authors'
code.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mesosynth.instruments.chirplet import HARMONICS, PURE, SIGMA_0, SLOWEST

ONSET = 7
"""Index of the onset among the directions of a derivative: it follows theta."""

KNEES = {"gamma": SLOWEST}
"""Gamma, which may be 0, moves along ``asinh(gamma / SLOWEST)``: a logarithm far from 0."""

SCALES = {"am_shape": 1.0, "am_depth": 1.0, "brightness": 20.0, "onset": 0.05}
"""Unit step of the parameters that are not logarithmic; brightness in dB/octave, onset in s."""

_FADE_FROM, _FADE_TO = 0.45, 0.5  # of the sample rate, as in the live form
_SMALL = 3e-3  # the series' error is below 1e-15 there
_OCTAVE_DB = 20.0 * math.log10(2.0)


def chirplet(theta: torch.Tensor, n: int, sample_rate: float, onset: float = 0.0) -> torch.Tensor:
    """One arpeggio of peak amplitude 1 (for a pure carrier).

    Parameters
    ----------
    theta : (4,) or (7,) tensor
        f_c (Hz), f_m (Hz), gamma (octaves/s; negative descends), w (octaves), am_shape (0 to
        1), am_depth (0 to 1), brightness (dB/octave, -60 to 0).
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        Middle of the arpeggio, s after sample ``n // 2``.

    Returns
    -------
    (n,) tensor
        Of theta's dtype; float64 keeps the phase exact over many seconds.
    """
    parts = _parts(theta, _time(n, sample_rate, theta) - onset, sample_rate)
    return parts.carrier * parts.am * parts.envelope


def chirplet_and_tangents(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    onset: float = 0.0,
    free: Sequence[int] = (0, 1, 2, 3),
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`chirplet` and its derivatives, in closed form.

    All directions cost two more sines; forward-mode autograd costs four times that, and a second to
    import.

    Parameters
    ----------
    theta, n, sample_rate, onset
        As for :func:`chirplet`.
    free : sequence of int
        Indices in theta of the directions: along the logarithm of f_c, f_m and w, the asinh of
        gamma (:data:`KNEES`), the others in units of :data:`SCALES`, and for the :data:`ONSET`.

    Returns
    -------
    x : (n,) tensor
    dx : (len(free), n) tensor
    """
    t = _time(n, sample_rate, theta) - onset
    parts = _parts(theta, t, sample_rate)
    x = parts.carrier * parts.am * parts.envelope
    dx = [_tangent(place, theta, t, parts) for place in free]
    return x, torch.stack(dx) if dx else x.new_zeros((0, n))


def authors_chirplet(
    theta: torch.Tensor, n: int, sample_rate: float, shift: int = 0
) -> torch.Tensor:
    """Waveform of the authors' code (``meso-dtfa``, ``generate_am_chirp``), to the sample.

    Its envelope is centred half a sample before its carrier, its amplitude is gamma, without a
    gradient, and a shift moves in zeros. That code computes in float32, where the phase of a few
    thousand cycles is exact to about 1e-3 rad: theta in float32 gives its waveform, theta in
    float64 the exact one, which differs by up to 3e-4 of the peak.

    Parameters
    ----------
    theta : (4,) tensor
    n, sample_rate
        As for :func:`chirplet`.
    shift : int
        Delay, samples, at least 0.

    Returns
    -------
    (n,) tensor
    """
    t = _time(n, sample_rate, theta)
    f_c, f_m, gamma, _ = theta
    carrier = f_c / (gamma * math.log(2.0)) * (2.0 ** (gamma * t) - 1.0)
    x = torch.sin(2.0 * math.pi * carrier) * torch.sin(2.0 * math.pi * f_m * t)
    x = x * _envelope(theta, t + 0.5 / sample_rate) * gamma.detach()
    return torch.nn.functional.pad(x, (shift, 0))[:n]


@dataclass(frozen=True)
class _ChirpletParts:
    """Factors of the sound, and the terms of their derivatives, all (n,)."""

    swept: torch.Tensor  # octaves, times ln 2
    phase: torch.Tensor  # of the carrier, rad
    step: torch.Tensor  # its derivative along t, rad/s
    carrier: torch.Tensor
    d_carrier: torch.Tensor  # along the phase
    d_brightness: torch.Tensor  # of the carrier
    sine: torch.Tensor  # of the modulation
    cosine: torch.Tensor
    am: torch.Tensor
    envelope: torch.Tensor
    am_shape: torch.Tensor | float
    am_depth: torch.Tensor | float


def _parts(theta: torch.Tensor, t: torch.Tensor, sample_rate: float) -> _ChirpletParts:
    f_c, f_m, gamma = theta[0], theta[1], theta[2]
    am_shape, am_depth, brightness = theta[4:] if len(theta) > 4 else (0.0, 1.0, PURE)
    swept = math.log(2.0) * gamma * t
    sweep = torch.exp(swept)
    phase = 2.0 * math.pi * f_c * t * _growth(swept)
    carrier, d_carrier, d_brightness = _partials(
        phase, (f_c * sweep).detach() / sample_rate, brightness
    )
    sine = torch.sin(2.0 * math.pi * f_m * t)
    am = 1.0 - am_depth + am_depth * (sine - am_shape * sine.clamp_max(0.0))
    return _ChirpletParts(
        swept=swept,
        phase=phase,
        step=2.0 * math.pi * f_c * sweep,
        carrier=carrier,
        d_carrier=d_carrier,
        d_brightness=d_brightness,
        sine=sine,
        cosine=torch.cos(2.0 * math.pi * f_m * t),
        am=am,
        envelope=_envelope(theta, t),
        am_shape=am_shape,
        am_depth=am_depth,
    )


def _partials(
    phase: torch.Tensor, cycles_per_sample: torch.Tensor, brightness: torch.Tensor | float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sum of the harmonics, and its derivatives along the phase and along the brightness.

    Partials fade below the Nyquist frequency; derivatives ignore how that moves with theta. A GPU
    computes all partials of a pure carrier too, rather than wait to know that it is one.
    """
    brightness = torch.as_tensor(brightness, dtype=phase.dtype)
    if brightness.device.type == "cpu" and bool(brightness <= PURE):
        gate = _below_nyquist(cycles_per_sample)
        return gate * torch.sin(phase), gate * torch.cos(phase), torch.zeros_like(phase)
    log2_k = torch.log2(torch.arange(1.0, HARMONICS + 1.0, dtype=phase.dtype, device=phase.device))
    power = 2.0 ** (log2_k * brightness / _OCTAVE_DB)
    amplitude = power / power.norm()
    log_k = log2_k * (math.log(2.0) / _OCTAVE_DB)
    d_amplitude = amplitude * (log_k - (amplitude**2 * log_k).sum())
    if brightness.device.type != "cpu":
        bright = brightness > PURE
        amplitude = torch.where(bright, amplitude, log2_k == 0.0)
        d_amplitude = torch.where(bright, d_amplitude, 0.0)
    carrier = d_carrier = d_brightness = torch.zeros_like(phase)
    for k in range(1, HARMONICS + 1):
        gate = _below_nyquist(k * cycles_per_sample)
        sine, cosine = gate * torch.sin(k * phase), gate * torch.cos(k * phase)
        carrier = carrier + amplitude[k - 1] * sine
        d_carrier = d_carrier + k * amplitude[k - 1] * cosine
        d_brightness = d_brightness + d_amplitude[k - 1] * sine
    return carrier, d_carrier, d_brightness


def _tangent(place: int, theta: torch.Tensor, t: torch.Tensor, p: _ChirpletParts) -> torch.Tensor:
    """Derivative of the sound along one direction."""
    along_phase = p.d_carrier * p.am * p.envelope
    pace = theta[2].abs().clamp_min(SLOWEST)
    along_width = p.carrier * p.am * p.envelope * (pace * t / (SIGMA_0 * theta[3])) ** 2
    d_am = p.am_depth * p.cosine * (1.0 - p.am_shape * (p.sine < 0.0)) * p.carrier * p.envelope
    match place:
        case 0:
            return along_phase * p.phase
        case 1:
            return d_am * (2.0 * math.pi * theta[1] * t)
        case 2:
            d_phase = 2.0 * math.pi * math.log(2.0) * theta[0] * t**2 * _growth_slope(p.swept)
            # The width of a chirp slower than SLOWEST does not change with gamma.
            pace = torch.where(theta[2].abs() >= SLOWEST, theta[2], math.inf)
            d_gamma = along_phase * d_phase - along_width / pace
            return d_gamma * torch.hypot(theta[2], torch.full_like(theta[2], SLOWEST))
        case 3:
            return along_width
        case 4:
            return p.carrier * p.envelope * (-p.am_depth * p.sine.clamp_max(0.0))
        case 5:
            am = p.sine - p.am_shape * p.sine.clamp_max(0.0) - 1.0
            return p.carrier * p.envelope * am
        case 6:
            return p.d_brightness * p.am * p.envelope * SCALES["brightness"]
        case _:
            d_envelope = -t * (pace / (SIGMA_0 * theta[3])) ** 2
            return -SCALES["onset"] * (
                along_phase * p.step
                + d_am * (2.0 * math.pi * theta[1])
                + p.carrier * p.am * p.envelope * d_envelope
            )


def _time(n: int, sample_rate: float, like: torch.Tensor) -> torch.Tensor:
    return (torch.arange(n, device=like.device, dtype=like.dtype) - n // 2) / sample_rate


def _growth(x: torch.Tensor) -> torch.Tensor:
    """``(e^x - 1) / x``, with its series around 0, where gradients would divide 0 by 0."""
    small = x.abs() < _SMALL
    series = 1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0)))
    x = torch.where(small, torch.ones_like(x), x)
    return torch.where(small, series, torch.expm1(x) / x)


def _growth_slope(x: torch.Tensor) -> torch.Tensor:
    """Derivative of :func:`_growth`, ``(x e^x - e^x + 1) / x^2``."""
    small = x.abs() < _SMALL
    series = 0.5 + x * (1.0 / 3.0 + x * (1.0 / 8.0 + x * (1.0 / 30.0 + x / 144.0)))
    x = torch.where(small, torch.ones_like(x), x)
    return torch.where(small, series, (x * torch.exp(x) - torch.expm1(x)) / x**2)


def _envelope(theta: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    octaves = theta[2].abs().clamp_min(SLOWEST) * t
    return torch.exp(-(octaves**2) / (2.0 * (SIGMA_0 * theta[3]) ** 2))


def _below_nyquist(cycles_per_sample: torch.Tensor) -> torch.Tensor:
    """Gain that falls from 1 to 0 below the Nyquist frequency, smoothly (3 x^2 - 2 x^3)."""
    x = ((_FADE_TO - cycles_per_sample) / (_FADE_TO - _FADE_FROM)).clamp(0.0, 1.0)
    return x**2 * (3.0 - 2.0 * x)
