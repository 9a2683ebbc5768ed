"""Strike, offline: one struck, blown or standing event as a differentiable function of theta.

theta = (f_c, gamma, attack, decay, brightness, inharmonicity, damping, air, air_width,
tremolo_rate, tremolo_depth). With t the seconds since the onset, and 0 before it::

    x(t)   = E(t) m(t) (cos(pi air / 2) T(t) + sin(pi air / 2) N(t))
    E(t)   = (1 - exp(-t / a))^2 exp(-t / decay) / P,   a = attack / ATTACK_STEEPNESS
    P      = (2 / (2 + r))^2 (r / (2 + r))^r,           r = a / decay   (the maximum of E is 1)
    m(t)   = 1 - tremolo_depth sin^2(pi tremolo_rate t)
    c(t)   = f_c (2^(gamma t) - 1) / (gamma ln 2)       (cycles; f_c t where gamma = 0)
    T(t)   = sum_k a_k G(k) D_k(t) sin(2 pi r_k c),     k = 1 ... PARTIALS
    r_k    = k sqrt((1 + B k^2) / (1 + B)),             B = inharmonicity
    a_k    = k^(brightness / (20 log10 2)) / n          (n: the root of their sum of squares)
    D_k(t) = exp(-t (k^damping - 1) / decay)
    N(t)   = sum_j A_j G(j) Re(M(o_j + BAND_RATE s r'_j c) exp(2 pi i r'_j c))
    r'_j   = 2^(s z_j),                                 s = air_width STD_PER_WIDTH

r_k is a stiff string's (Fletcher, "Normal vibration frequencies of a stiff piano string", JASA
36(1), 1964) with the first partial at f_c; towards B = 1 it becomes a bar's, k^2. M is smooth noise
and z_j are the places of its bands, see :mod:`mesosynth.instruments.strike`. G is a gain that falls
to 0 near the Nyquist frequency and in infrasound. The attack has no slope at the onset: no click.

Unit steps of a derivative, the axes of a descent: the logarithm of f_c, attack, decay, air_width
and tremolo_rate; ``asinh(value / knee)`` of gamma and inharmonicity (:data:`KNEES`); the rest in
units of :data:`SCALES`.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mesosynth.instruments.oscillator import FADE_FROM, FADE_TO
from mesosynth.instruments.strike import (
    ATTACK_STEEPNESS,
    BAND_PLACES,
    BAND_RATE,
    LOW_FROM,
    LOW_TO,
    MOST_OCTAVES,
    NOISE_POINTS,
    PARTIALS,
    STD_PER_WIDTH,
    band_levels,
    band_offsets,
    noise_table,
)

ONSET = 11
"""Index of the onset among the directions of a derivative: it follows theta."""

SCALES = {
    "brightness": 20.0,
    "damping": 1.0,
    "air": 1.0,
    "tremolo_depth": 1.0,
    "onset": 0.05,
}
"""Unit step of the parameters that move linearly; brightness in dB/octave, onset in s."""

KNEES = {"gamma": 0.25, "inharmonicity": 1e-3}
"""Knee of the parameters that move along asinh."""

_LOG_2 = math.log(2.0)
_OCTAVE_DB = 20.0 * math.log10(2.0)


def strike(theta: torch.Tensor, n: int, sample_rate: float, onset: float = 0.0) -> torch.Tensor:
    """One event of peak level 1, for a pure tone.

    Parameters
    ----------
    theta : (11,) tensor
        f_c (Hz), gamma (octaves/s, any sign or 0), attack (s), decay (s), brightness (dB/octave),
        inharmonicity (0 to 1), damping (0 to 2), air (0 to 1), air_width (octaves), tremolo_rate
        (Hz), tremolo_depth (0 to 1).
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        s after sample ``n // 2``.

    Returns
    -------
    (n,) tensor
        Of theta's dtype; float64 keeps the phase exact over many seconds.
    """
    p = _parts(theta, n, sample_rate, onset)
    return p.level * p.mix


def strike_and_tangents(
    theta: torch.Tensor,
    n: int,
    sample_rate: float,
    onset: float = 0.0,
    free: Sequence[int] = tuple(range(11)),
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`strike` and its derivatives, in closed form.

    Parameters
    ----------
    theta, n, sample_rate, onset
        As for :func:`strike`.
    free : sequence of int
        Indices in theta of the directions, along the axes of this module, and :data:`ONSET`.

    Returns
    -------
    x : (n,) tensor
    dx : (len(free), n) tensor
    """
    p = _parts(theta, n, sample_rate, onset)
    x = p.level * p.mix
    dx = [_tangent(place, theta, p) for place in free]
    return x, torch.stack(dx) if dx else x.new_zeros((0, n))


@dataclass(frozen=True)
class _StrikeParts:
    """Factors of the sound and what their derivatives need; (n,), (PARTIALS, n) or (BANDS, n)."""

    t: torch.Tensor  # since the onset, s; 0 before
    hertz: torch.Tensor  # of the first partial
    gliding: torch.Tensor  # 1 before a glide ends, then 0
    cycles: torch.Tensor  # of the first partial
    envelope: torch.Tensor
    tremolo: torch.Tensor
    tone_share: torch.Tensor
    air_share: torch.Tensor
    k: torch.Tensor  # (PARTIALS, 1)
    ratio: torch.Tensor  # (PARTIALS, 1)
    amplitude: torch.Tensor  # (PARTIALS, 1)
    fall: torch.Tensor  # D_k
    gate: torch.Tensor  # of the partials
    gate_slope: torch.Tensor  # along the logarithm of the frequency
    std: torch.Tensor  # s, octaves
    band_ratio: torch.Tensor  # (BANDS, 1)
    band_level: torch.Tensor  # (BANDS, 1)
    band_gate: torch.Tensor
    band_gate_slope: torch.Tensor

    @functools.cached_property
    def turns(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Sine and cosine of the partials."""
        phase = 2.0 * math.pi * torch.frac(self.ratio * self.cycles)
        return torch.sin(phase), torch.cos(phase)

    @functools.cached_property
    def band_turns(self) -> tuple[torch.Tensor, ...]:
        """Real and imaginary part of each band, ``M exp(...)``, and of the derivative of M."""
        turns = self.band_ratio * self.cycles
        phase = 2.0 * math.pi * torch.frac(turns)
        sine, cosine = torch.sin(phase), torch.cos(phase)
        offsets = torch.from_numpy(band_offsets()).to(turns)[:, None]
        (real, imaginary), (d_real, d_imaginary) = _noise(offsets + BAND_RATE * self.std * turns)
        return (
            real * cosine - imaginary * sine,
            real * sine + imaginary * cosine,
            d_real * cosine - d_imaginary * sine,
        )

    @functools.cached_property
    def tone(self) -> torch.Tensor:
        """T, (n,)."""
        return (self.amplitude * self.gate * self.fall * self.turns[0]).sum(0)

    @functools.cached_property
    def noise(self) -> torch.Tensor:
        """N, (n,)."""
        return (self.band_level * self.band_gate * self.band_turns[0]).sum(0)

    @functools.cached_property
    def mix(self) -> torch.Tensor:
        """Tone and noise, each by its share, (n,)."""
        return self.tone_share * self.tone + self.air_share * self.noise

    @property
    def level(self) -> torch.Tensor:
        """Envelope with its tremolo, (n,)."""
        return self.envelope * self.tremolo

    def along(self, d_cycles: torch.Tensor, d_log_hertz: torch.Tensor | float) -> torch.Tensor:
        """Derivative of the mix where the cycles and the logarithm of the frequency move, (n,)."""
        sine, cosine = self.turns
        of_cycles = self.gate * (2.0 * math.pi) * self.ratio * cosine
        tone = (
            self.amplitude
            * self.fall
            * (of_cycles * d_cycles + self.gate_slope * sine * d_log_hertz)
        )
        real, imaginary, d_real = self.band_turns
        of_cycles = self.band_ratio * (BAND_RATE * self.std * d_real - 2.0 * math.pi * imaginary)
        noise = self.band_level * (
            self.band_gate * of_cycles * d_cycles + self.band_gate_slope * real * d_log_hertz
        )
        return self.tone_share * tone.sum(0) + self.air_share * noise.sum(0)

    def along_width(self) -> torch.Tensor:
        """Derivative of the noise along the logarithm of the width, (n,)."""
        places = torch.from_numpy(BAND_PLACES).to(self.t)[:, None]
        spread = self.std * places * _LOG_2  # of log r', per unit of log s
        real, imaginary, d_real = self.band_turns
        turns = self.band_ratio * self.cycles
        d_noise = (
            d_real * (BAND_RATE * self.std * turns) * (1.0 + spread)
            - 2.0 * math.pi * imaginary * turns * spread
        )
        return (
            self.band_level * (self.band_gate * d_noise + self.band_gate_slope * spread * real)
        ).sum(0)


def _parts(theta: torch.Tensor, n: int, sample_rate: float, onset: float) -> _StrikeParts:
    f_c, gamma, attack, decay, brightness, B, damping, air, width, rate, depth = theta
    time = (torch.arange(n, device=theta.device, dtype=theta.dtype) - n // 2) / sample_rate
    t = (time - onset).clamp_min(0.0)
    octaves = gamma * t
    gliding = (octaves.abs() < MOST_OCTAVES).to(theta.dtype)
    octaves = octaves.clamp(-MOST_OCTAVES, MOST_OCTAVES)
    hertz = f_c * 2.0**octaves
    k = torch.arange(1.0, PARTIALS + 1.0, dtype=theta.dtype, device=theta.device)[:, None]
    ratio = k * torch.sqrt((1.0 + B * k**2) / (1.0 + B))
    power = 2.0 ** (torch.log2(k) * (brightness / _OCTAVE_DB))
    std = width * STD_PER_WIDTH
    band_ratio = 2.0 ** (std * torch.from_numpy(BAND_PLACES).to(theta)[:, None])
    gate, gate_slope = _gate(ratio * hertz, sample_rate)
    band_gate, band_gate_slope = _gate(band_ratio * hertz, sample_rate)
    return _StrikeParts(
        t=t,
        hertz=hertz,
        gliding=gliding,
        cycles=f_c * t * _mean_sweep(octaves)[0],
        envelope=_envelope(t, attack, decay),
        tremolo=1.0 - depth * torch.sin(math.pi * rate * t) ** 2,
        tone_share=torch.cos(0.5 * math.pi * air),
        air_share=torch.sin(0.5 * math.pi * air),
        k=k,
        ratio=ratio,
        amplitude=power / power.norm(),
        fall=torch.exp(-t * ((k**damping - 1.0) / decay)),
        gate=gate,
        gate_slope=gate_slope,
        std=std,
        band_ratio=band_ratio,
        band_level=torch.from_numpy(band_levels()).to(theta)[:, None],
        band_gate=band_gate,
        band_gate_slope=band_gate_slope,
    )


def _tangent(place: int, theta: torch.Tensor, p: _StrikeParts) -> torch.Tensor:
    """Derivative of the sound along one direction."""
    f_c, gamma, attack, decay, _, B, damping, _, _, rate, depth = theta
    a, angle, steepness = attack / ATTACK_STEEPNESS, math.pi * rate * p.t, p.k**damping
    d_log_peak = (a / decay) * torch.log(a / (2.0 * decay + a))  # along log attack, - log decay
    left, fallen = torch.exp(-p.t / a), torch.exp(-p.t / decay) / _peak(a / decay)
    log_k, partials = torch.log(p.k), p.amplitude * p.gate * p.fall * p.turns[0]
    match place:
        case 0:
            return p.level * p.along(p.cycles, 1.0)
        case 1:
            d_octaves = p.t * p.gliding
            octaves = (gamma * p.t).clamp(-MOST_OCTAVES, MOST_OCTAVES)
            d_cycles = f_c * p.t * _mean_sweep(octaves)[1] * d_octaves
            step = torch.sqrt(gamma**2 + KNEES["gamma"] ** 2)
            return p.level * step * p.along(d_cycles, _LOG_2 * d_octaves)
        case 2:
            later = -2.0 * (1.0 - left) * left * (p.t / a) * fallen
            return (later - p.envelope * d_log_peak) * p.tremolo * p.mix
        case 3:
            d_tone = (partials * (p.t / decay) * (steepness - 1.0)).sum(0)
            return p.level * ((p.t / decay + d_log_peak) * p.mix + p.tone_share * d_tone)
        case 4:
            d_log = (log_k - (p.amplitude**2 * log_k).sum()) * (SCALES["brightness"] / _OCTAVE_DB)
            return p.level * p.tone_share * (partials * d_log).sum(0)
        case 5:
            d_log = 0.5 * (p.k**2 - 1.0) / ((1.0 + B * p.k**2) * (1.0 + B))  # of the ratios
            sine, cosine = p.turns
            moved = p.gate * (2.0 * math.pi) * p.ratio * p.cycles * cosine + p.gate_slope * sine
            step = torch.sqrt(B**2 + KNEES["inharmonicity"] ** 2)
            return p.level * p.tone_share * step * (p.amplitude * p.fall * d_log * moved).sum(0)
        case 6:
            sooner = -(p.t / decay) * steepness * log_k * SCALES["damping"]
            return p.level * p.tone_share * (partials * sooner).sum(0)
        case 7:
            turned = p.tone_share * p.noise - p.air_share * p.tone
            return p.level * turned * (0.5 * math.pi * SCALES["air"])
        case 8:
            return p.level * p.air_share * p.along_width()
        case 9:
            return -p.envelope * depth * angle * torch.sin(2.0 * angle) * p.mix
        case 10:
            return -p.envelope * torch.sin(angle) ** 2 * p.mix * SCALES["tremolo_depth"]
        case _:
            d_envelope = (1.0 - left) * (2.0 * left / a - (1.0 - left) / decay) * fallen
            d_tremolo = -depth * math.pi * rate * torch.sin(2.0 * angle)
            fading = -(partials * ((steepness - 1.0) / decay)).sum(0)
            d_mix = p.along(p.hertz, _LOG_2 * gamma * p.gliding) + p.tone_share * fading
            moved = (d_envelope * p.tremolo + p.envelope * d_tremolo) * p.mix + p.level * d_mix
            return -SCALES["onset"] * moved * (p.t > 0.0)


def _mean_sweep(octaves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of ``2^o`` for o from 0 to `octaves`, and its derivative along them."""
    x = octaves * _LOG_2
    small = x.abs() < 1e-2
    safe = torch.where(small, torch.ones_like(x), x)
    mean = torch.where(
        small,
        1.0 + x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x / 720)))),
        torch.expm1(safe) / safe,
    )
    slope = torch.where(
        small,
        1 / 2 + x * (1 / 3 + x * (1 / 8 + x * (1 / 30 + x * (1 / 144 + x / 840)))),
        (safe * torch.exp(safe) - torch.expm1(safe)) / safe**2,
    )
    return mean, slope * _LOG_2


def _peak(ratio: torch.Tensor) -> torch.Tensor:
    """Maximum of the envelope before it is scaled."""
    return (2.0 / (2.0 + ratio)) ** 2 * (ratio / (2.0 + ratio)) ** ratio


def _envelope(t: torch.Tensor, attack: torch.Tensor, decay: torch.Tensor) -> torch.Tensor:
    a = attack / ATTACK_STEEPNESS
    return torch.expm1(-t / a) ** 2 * torch.exp(-t / decay) / _peak(a / decay)


def _gate(hertz: torch.Tensor, sample_rate: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Gain near the ends of hearing (3 x^2 - 2 x^3), and its derivative along log frequency."""
    width = (FADE_TO - FADE_FROM) * sample_rate
    x = ((FADE_TO * sample_rate - hertz) / width).clamp(0.0, 1.0)
    y = ((hertz - LOW_TO) / (LOW_FROM - LOW_TO)).clamp(0.0, 1.0)
    high, low = x**2 * (3.0 - 2.0 * x), y**2 * (3.0 - 2.0 * y)
    slope = 6.0 * hertz * (high * y * (1.0 - y) / (LOW_FROM - LOW_TO) - low * x * (1.0 - x) / width)
    return high * low, slope


def _noise(
    u: torch.Tensor,
) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """Smooth noise M at some points, and its derivative; real and imaginary parts."""
    Z = _table(u.dtype, u.device)
    whole = torch.floor(u.detach())
    x = u - whole
    first = whole.long()
    y = 1.0 - x
    weights = (
        y**3 / 6.0,
        (x**2 * (3.0 * x - 6.0) + 4.0) / 6.0,
        (y**2 * (3.0 * y - 6.0) + 4.0) / 6.0,
        x**3 / 6.0,
    )
    slopes = (-0.5 * y**2, 1.5 * x**2 - 2.0 * x, 2.0 * y - 1.5 * y**2, 0.5 * x**2)
    points = torch.stack([Z[:, (first + m) % NOISE_POINTS] for m in range(4)])
    real, imaginary = (torch.stack(weights)[:, None] * points).sum(0)
    d_real, d_imaginary = (torch.stack(slopes)[:, None] * points).sum(0)
    return (real, imaginary), (d_real, d_imaginary)


@functools.lru_cache(maxsize=4)
def _table(dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Table of noise, (2, NOISE_POINTS)."""
    return torch.from_numpy(noise_table().T.copy()).to(device, dtype)
