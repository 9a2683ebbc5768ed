"""Strike, live: one struck, blown or standing event, played by keys or repeated by a clock.

The formula is that of :mod:`mesosynth.instruments.strike_torch`, with state. A voice holds the
ratio g of its glide, the phases p_k of its partials and q_j of its bands of noise in cycles, the
bands' places u_j in the table of noise, the rest v of its attack, the levels d_k of its partials
(d_1 is that of the noise, too), and the phase m of its tremolo. Sample by sample::

    x    = e (1 - depth sin^2(pi m)) (tone sum_k a_k G d_k sin(2 pi p_k)
                                      + air d_1 sum_j A_j G Re(M(u_j) exp(2 pi i q_j)))
    e    = (1 - v)^2 / P, but at most 1 / d_1
    p_k += r_k g c, q_j += r'_j g c, u_j += BAND_RATE s r'_j g c
           c: the integral of f_c 2^(gamma t) over one sample from g = 1
    g   *= 2^(gamma / sample_rate)
    v   *= exp(-1 / (a sample_rate))
    d_k *= exp(-k^damping / (decay sample_rate))

where P is that of the parameters at the voice's start: were they to leap, e would have no bound.
All of a block's ramps are straight lines that end with its last sample. Inaudible partials,
140 dB down, are left out.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import (
    GAIN,
    RELEASE,
    REPETITION,
    SPREAD,
    V_AMPLITUDE,
    V_FADE,
    V_GAIN,
    V_GOING,
    V_LEFT,
    V_PARTIAL,
    V_RIGHT,
    V_STEP,
    VoiceInstrument,
)  # fmt: skip
from mesosynth.instruments.oscillator import FADE_TO, below_nyquist, sine
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.system.kernels import F4, F8, compile_loops, loop

# --------------------------------------------------------------------------------------------------
# Parameter table, partials and bands of noise, for the live and the offline form


PARTIALS = 8
"""Number of partials of the tone, with the fundamental."""

LOW_FROM, LOW_TO = 16.0, 8.0
"""Hz: below the first a partial fades, and is silent from the second on; a glide ends there."""

MOST_OCTAVES = 20.0
"""Octaves at which a glide stops, up or down; every partial is silent long before."""

ATTACK_STEEPNESS = 3.0
"""Time constants in an attack, after which it has reached 0.9 (-0.9 dB)."""

PARAMETERS = ParameterTable(
    [
        Parameter("f_c", "Pitch", "Hz", 20.0, 12000.0, 220.0,
                  "Frequency at the onset; a key that is played takes its place.",
                  curve="log", matchable=True),
        Parameter("gamma", "Glide", "oct/s", -16.0, 16.0, 0.0,
                  "How fast the pitch glides; negative descends, 0 stands.",
                  curve="asinh", smallest=0.25, matchable=True),
        Parameter("attack", "Attack", "s", 0.001, 2.0, 0.002,
                  "Time in which the sound comes.", curve="log", matchable=True),
        Parameter("decay", "Decay", "s", 0.01, 10.0, 0.4,
                  "Time in which the sound falls by 8.7 dB (to 1/e).", curve="log", matchable=True),
        Parameter("brightness", "Brightness", "dB/oct", -60.0, 6.0, -9.0,
                  "How slowly the partials fall off; a softer key makes it less.", matchable=True),
        Parameter("inharmonicity", "Inharmonicity", "", 0.0, 1.0, 0.0,
                  "How far the partials lie above the harmonics: a string a little, a bar about 1.",
                  curve="asinh", smallest=0.001, matchable=True),
        Parameter("damping", "Damping", "", 0.0, 2.0, 0.5,
                  "How much sooner the higher partials decay: not at all (0), in proportion (1).",
                  matchable=True),
        Parameter("air", "Air", "", 0.0, 1.0, 0.0,
                  "Share of noise, from a pure tone (0) to noise alone (1).", matchable=True),
        Parameter("air_width", "Air width", "oct", 0.05, 6.0, 1.0,
                  "Width of the noise around the pitch.", curve="log", matchable=True),
        Parameter("tremolo_rate", "Tremolo rate", "Hz", 0.5, 64.0, 6.0,
                  "How often the level dips.", curve="log", matchable=True),
        Parameter("tremolo_depth", "Tremolo depth", "", 0.0, 1.0, 0.0,
                  "From an even level (0) to dips into silence (1).", matchable=True),
        *REPETITION, SPREAD, RELEASE, GAIN,
    ]
)  # fmt: skip

P_TREMOLO_DEPTH, P_HUMANISE, P_GAIN = (
    PARAMETERS.index(id_) for id_ in ("tremolo_depth", "humanise", "gain")
)
"""Indices in the vector."""

# Air is noise in bands around the pitch, so many standard deviations of its width away from it.
# Each band is Gaussian noise of its own time, which runs with the band's phase::
#
#     Re(M(o_j + RATE s p_j) exp(2 pi i p_j)),   M(u) = sum_m Z_m B(u - m)
#
# p_j are the cycles since the onset, Z complex white noise of a fixed seed, B the cubic B-spline
# and s the standard deviation of the whole in octaves. M's spectrum is that of B, nearly a
# Gaussian, and is as wide as the band's frequency times s: a band of constant Q, which glides with
# the pitch. So air is one formula of theta like the partials, smooth in all of it, and the same
# sample by sample in both forms, yet it is noise: nothing in it repeats within seconds. A sum of
# sinusoids at fixed frequencies rings and beats instead, unless there are thousands; a recursive
# filter over white noise has no derivative but through all samples before.

BANDS = 8
BAND_PLACES = 0.6 * (np.arange(float(BANDS)) - 0.5 * (BANDS - 1))
"""Distance of each band from the pitch, (BANDS,), in standard deviations of the air."""

_BAND_STD = 0.45  # of the air's; bands overlap, and together are even to 0.1 dB
_SPLINE_STD = 0.195  # of the B-spline's power spectrum, cycles per grid point
_SPLINE_POWER = 151.0 / 315.0  # mean of the sum of squares of its values at distances of 1

BAND_RATE = math.log(2.0) * _BAND_STD / _SPLINE_STD
"""Points of the noise per cycle of a band, and per octave of the air's standard deviation."""

STD_PER_WIDTH = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
"""Standard deviation of a Gaussian whose width, at half its power, is 1."""

NOISE_POINTS = 1 << 16
"""Length of the table of noise, a power of two; it goes around."""

_SEED = 20261130


def band_levels() -> NDArray[np.float64]:
    """Amplitude of each band of noise, (BANDS,), of unit norm.

    They fall like a Gaussian that makes the variance of the whole 1 in :data:`BAND_PLACES`' unit.
    """
    spread = np.square(BAND_PLACES)
    low, high = 0.1, 10.0
    for _ in range(60):  # bisection for the variance of the bands' centres
        middle = math.sqrt(low * high)
        power = np.exp(-0.5 * spread / middle)
        wide = float(power @ spread / power.sum()) > 1.0 - _BAND_STD**2
        low, high = (low, middle) if wide else (middle, high)
    power = np.exp(-0.5 * spread / high)
    return np.sqrt(power / power.sum())


def band_offsets() -> NDArray[np.float64]:
    """First point of each band in the table of noise, (BANDS,)."""
    return np.arange(0.0, NOISE_POINTS, NOISE_POINTS / BANDS)


def noise_table() -> NDArray[np.float64]:
    """Complex white Gaussian noise of a fixed seed: (NOISE_POINTS, 2), real and imaginary part.

    Its scale makes the mean square of ``|M|`` 1.
    """
    Z = np.random.default_rng(_SEED).standard_normal((NOISE_POINTS, 2))
    Z /= math.sqrt(2.0 * _SPLINE_POWER)
    return Z


# --------------------------------------------------------------------------------------------------
# Sample loops


BRIGHTEST = 6.0  # dB/octave
SILENT = 1e-5  # of a voice that has ended, -100 dB
_INAUDIBLE = 1e-7  # of a partial
_LEAST_SWEEP, _MOST_SWEEP = 2.0**-MOST_OCTAVES, 2.0**MOST_OCTAVES
_MASK = NOISE_POINTS - 1
_PLACES = tuple(float(place) for place in BAND_PLACES)

_NEXT = 2 + PARTIALS  # columns from the begin of a ramp to its end
_END = V_STEP + _NEXT
V_SWEEP, V_REST, V_TREMOLO, V_SCALE, V_PHASE = range(_END + _NEXT, _END + _NEXT + 5)
"""Columns of a voice: g, v, m in cycles, 1 / P, by which the envelope peaks at 1, and the first of
PARTIALS phases."""

V_FALL = V_PHASE + PARTIALS
V_TURN = V_FALL + PARTIALS
V_POINT = V_TURN + BANDS
_FIELDS = V_POINT + BANDS
"""First of PARTIALS levels, and of BANDS phases and places in the table of noise; their number."""

(
    R_GLIDE,  # change of g per sample
    R_INTEGRAL,  # of 2^(gamma t) over one sample, samples
    R_COMING,  # change of v per sample
    R_TONE,
    R_AIR,
    R_TREMOLO,  # cycles per sample
    R_DEPTH,
    R_LEVEL,
    R_SPREADING,  # points of noise per cycle of a band
    R_PEAK,  # P
    R_FALLING,  # change of d_k per sample, first of PARTIALS
) = range(11)
R_RATIO = R_FALLING + PARTIALS  # r_k
R_BAND = R_RATIO + PARTIALS  # r'_j
_RAMPS = R_BAND + BANDS


@loop("void(f8[::1], f8[::1], f8, b1)")
def _aim_ramps(ramps: F8, theta: F8, sample_rate: float, frozen: bool) -> None:
    """Set the ends of the shared ramps, but for R_LEVEL, to theta; while frozen nothing decays."""
    gamma, attack, decay, B, damping = theta[1], theta[2], theta[3], theta[5], theta[6]
    octaves = 0.0 if frozen else gamma / sample_rate
    x = octaves * math.log(2.0)
    ramps[R_GLIDE] = 2.0**octaves
    ramps[R_INTEGRAL] = math.expm1(x) / x if x != 0.0 else 1.0
    a = attack / ATTACK_STEEPNESS
    ramps[R_COMING] = math.exp(-1.0 / (a * sample_rate))
    r = a / decay
    peak = (2.0 / (2.0 + r)) ** 2 * (r / (2.0 + r)) ** r
    ramps[R_PEAK] = peak
    ramps[R_TONE] = math.cos(0.5 * math.pi * theta[7])
    ramps[R_AIR] = math.sin(0.5 * math.pi * theta[7])
    ramps[R_TREMOLO] = theta[9] / sample_rate
    ramps[R_DEPTH] = theta[10]
    std = theta[8] * STD_PER_WIDTH
    ramps[R_SPREADING] = BAND_RATE * std
    for n in range(PARTIALS):
        k = n + 1.0
        falling = math.exp(-(k**damping) / (decay * sample_rate))
        ramps[R_FALLING + n] = 1.0 if frozen else falling
        ramps[R_RATIO + n] = k * math.sqrt((1.0 + B * k * k) / (1.0 + B))
    for j in range(BANDS):
        ramps[R_BAND + j] = 2.0 ** (std * _PLACES[j])


@loop("f8(f8, f8, f8)")
def _gate(cycles: float, low: float, width: float) -> float:
    """Gain of a frequency, cycles per sample, that falls to 0 near the ends of hearing."""
    y = min(max((cycles - low) / width, 0.0), 1.0)
    return below_nyquist(cycles) * y * y * (3.0 - 2.0 * y)


@loop("f8(f8[:, ::1], f8, f8)")
def _band(noise: F8, at: float, turn: float) -> float:
    """Real part of smooth noise at a place, turned by a phase in cycles."""
    whole = math.floor(at)
    x = at - whole
    y = 1.0 - x
    first = int(whole)
    w0, w3 = y * y * y / 6.0, x * x * x / 6.0
    w1 = (x * x * (3.0 * x - 6.0) + 4.0) / 6.0
    w2 = (y * y * (3.0 * y - 6.0) + 4.0) / 6.0
    n0, n1 = noise[first & _MASK], noise[(first + 1) & _MASK]
    n2, n3 = noise[(first + 2) & _MASK], noise[(first + 3) & _MASK]
    real = w0 * n0[0] + w1 * n1[0] + w2 * n2[0] + w3 * n3[0]
    imaginary = w0 * n0[1] + w1 * n1[1] + w2 * n2[1] + w3 * n3[1]
    return real * sine(turn + 0.25) - imaginary * sine(turn)


@loop("void(f8[::1], f8[::1], f8[::1], f8[:, ::1], f8[::1], f8, f8[:, ::1], i8, i8, i8)")
def _voice(
    row: F8, now: F8, way: F8, noise: F8, bands: F8, sample_rate: float, mix: F8, begin: int,
    end: int, frames: int,
) -> None:  # fmt: skip
    """Add the samples of one voice to `mix`, and move it on."""
    low, width = LOW_TO / sample_rate, (LOW_FROM - LOW_TO) / sample_rate
    sweep, rest, tremolo, going = row[V_SWEEP], row[V_REST], row[V_TREMOLO], row[V_GOING]
    fade, left, right = row[V_FADE], row[V_LEFT], row[V_RIGHT]
    heard = 0
    for k in range(PARTIALS):
        level = max(row[V_PARTIAL + k], row[V_PARTIAL + k + _NEXT]) * row[V_FALL + k]
        if level > _INAUDIBLE:
            heard = k + 1
    airy = now[R_AIR] != 0.0 or way[R_AIR] != 0.0
    for n in range(begin, end):
        i = (n + 1.0) / frames
        frequency = sweep * (row[V_STEP] + (row[V_STEP + _NEXT] - row[V_STEP]) * i)
        cycles = frequency * (now[R_INTEGRAL] + way[R_INTEGRAL] * i)
        fallen = row[V_FALL]
        tone = 0.0
        for k in range(heard):
            ratio = now[R_RATIO + k] + way[R_RATIO + k] * i
            a = row[V_PARTIAL + k] + (row[V_PARTIAL + k + _NEXT] - row[V_PARTIAL + k]) * i
            a *= row[V_FALL + k] * _gate(ratio * frequency, low, width)
            phase = row[V_PHASE + k]
            tone += a * sine(phase)
            phase += ratio * cycles
            row[V_PHASE + k] = phase - math.floor(phase)
            row[V_FALL + k] *= now[R_FALLING + k] + way[R_FALLING + k] * i
        if heard == 0:
            row[V_FALL] *= now[R_FALLING] + way[R_FALLING] * i
        x = tone * (now[R_TONE] + way[R_TONE] * i)
        if airy:
            air, points = 0.0, now[R_SPREADING] + way[R_SPREADING] * i
            for j in range(BANDS):
                ratio = now[R_BAND + j] + way[R_BAND + j] * i
                turn, at = row[V_TURN + j], row[V_POINT + j]
                air += bands[j] * _gate(ratio * frequency, low, width) * _band(noise, at, turn)
                turn += ratio * cycles
                row[V_TURN + j] = turn - math.floor(turn)
                at += points * ratio * cycles
                row[V_POINT + j] = at - NOISE_POINTS if at >= NOISE_POINTS else at
            x += air * fallen * (now[R_AIR] + way[R_AIR] * i)
        dip = sine(0.5 * tremolo)
        x *= 1.0 - (now[R_DEPTH] + way[R_DEPTH] * i) * dip * dip
        tremolo += now[R_TREMOLO] + way[R_TREMOLO] * i
        e = (1.0 - rest) * (1.0 - rest) * row[V_SCALE]
        x *= going * going * (e if e * fallen <= 1.0 else 1.0 / fallen)
        x *= row[V_AMPLITUDE] + (row[V_AMPLITUDE + _NEXT] - row[V_AMPLITUDE]) * i
        rest *= now[R_COMING] + way[R_COMING] * i
        going = max(going - fade, 0.0)
        sweep *= now[R_GLIDE] + way[R_GLIDE] * i
        sweep = min(max(sweep, _LEAST_SWEEP), _MOST_SWEEP)
        mix[0, n] += left * x
        mix[1, n] += right * x
    row[V_SWEEP], row[V_REST], row[V_GOING] = sweep, rest if rest > 1e-30 else 0.0, going
    row[V_TREMOLO] = tremolo - 2.0 * math.floor(0.5 * tremolo)
    for k in range(PARTIALS):
        if row[V_FALL + k] < 1e-30:  # before it is too small for fast arithmetic
            row[V_FALL + k] = 0.0


@loop("b1(f8[::1], f8[::1], f8)")
def _ended(row: F8, ramps: F8, sample_rate: float) -> bool:
    """Whether a voice has faded, or glided out of hearing."""
    if row[V_GOING] <= 0.0 or row[V_FALL] * row[V_SCALE] < SILENT:
        return True
    frequency = row[V_SWEEP] * row[V_STEP + _NEXT]
    lowest = min(1.0, ramps[R_BAND]) * frequency
    highest = max(ramps[R_RATIO + PARTIALS - 1], ramps[R_BAND + BANDS - 1]) * frequency
    rising, falling = ramps[R_GLIDE] > 1.0, ramps[R_GLIDE] < 1.0
    return (rising and lowest > FADE_TO) or (falling and highest * sample_rate < LOW_TO)


@loop("i8(f8[:, ::1], i8, f8[:, ::1], f8[:, ::1], f8[::1], f8, f8[:, ::1], f4[:, :], i8, i8)")
def _render(
    voices: F8, count: int, ramps: F8, noise: F8, bands: F8, sample_rate: float, mix: F8,
    block: F4, begin: int, end: int,
) -> int:  # fmt: skip
    """Overwrite frames `begin` to `end` of `block`; return how many voices are left.

    `ramps` are their values at the block's begin, at its end, and room for the way between. With
    the last frame the ends become the begin of the next block.
    """
    now, then, way = ramps[0], ramps[1], ramps[2]
    frames = block.shape[1]
    for c in range(_RAMPS):
        way[c] = then[c] - now[c]
    for n in range(begin, end):
        mix[0, n] = mix[1, n] = 0.0
    for v in range(count):
        _voice(voices[v], now, way, noise, bands, sample_rate, mix, begin, end, frames)
    for n in range(begin, end):
        level = now[R_LEVEL] + way[R_LEVEL] * ((n + 1.0) / frames)
        block[0, n] = mix[0, n] * level
        block[1, n] = mix[1, n] * level
    if end < frames:
        return count
    for c in range(_RAMPS):
        now[c] = then[c]
    left = 0
    for v in range(count):
        row = voices[v]
        row[V_STEP:_END] = row[_END : _END + _NEXT]
        if not _ended(row, then, sample_rate):
            if left < v:
                voices[left, :] = row
            left += 1
    return left


# --------------------------------------------------------------------------------------------------
# The instrument


class Strike(VoiceInstrument):
    """Strike: one struck, blown or standing event, repeated by period or tempo, or played by keys.

    Parameters and gestures ramp linearly (in the quantities that a sample needs) from block to
    block; humanise and spread apply from the next start. A soft key has less brightness, by
    :attr:`softness`, and the square of its velocity as amplitude. Humanised strikes begin at other
    places in the noise; the others all have the same noise, that of the offline form.

    While frozen, nothing decays or glides.
    """

    name = "Strike"
    pitch = "f_c"
    parameters = PARAMETERS
    partials, fields, ramped, brightest, softness = PARTIALS, _FIELDS, _RAMPS, BRIGHTEST, 12.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        self._theta = np.zeros(P_TREMOLO_DEPTH + 1)
        self._noise, self._bands, self._offsets = noise_table(), band_levels(), band_offsets()
        super().prepare(sample_rate, max_block)

    def aim_ramps(self) -> float:
        """[audio] Set the ends of the shared ramps; return the cycles per sample of 1 Hz."""
        for column in range(len(self._theta)):
            self._theta[column] = self.knobs[column]
        _aim_ramps(self._ramps[1], self._theta, self._sample_rate, self.frozen)
        self._ramps[1, R_LEVEL] = units.db_to_amplitude(self.knobs[P_GAIN])
        return 1.0 / self._sample_rate

    def render(self, block: F4, begin: int, end: int) -> None:
        """[audio] Overwrite frames `begin` to `end` of `block`, (2, frames)."""
        self.voices = _render(
            self._rows, self.voices, self._ramps, self._noise, self._bands, self._sample_rate,
            self._mix, block, begin, end,
        )  # fmt: skip

    def _begin_voice(self, row: F8, place: int) -> None:
        """[audio] Begin a strike at its onset."""
        row[V_SWEEP] = row[V_REST] = 1.0
        row[V_SCALE] = 1.0 / self._ramps[1, R_PEAK]
        row[V_FALL : V_FALL + PARTIALS] = 1.0
        row[V_POINT : V_POINT + BANDS] = self._offsets
        if self.knobs[P_HUMANISE] > 0.0:
            row[V_POINT : V_POINT + BANDS] += self.chance.random() * (NOISE_POINTS // BANDS)

    def make_room(self, by_key: bool) -> bool:
        """[audio] Fade the quietest voice where there are too many: every strike is heard."""
        return super().make_room(by_key=True)

    def loudness(self, row: F8) -> float:
        """[audio] Level of a voice, for the choice of one to end."""
        return float(row[V_GOING] * row[V_GAIN] * row[V_FALL])
