"""Strike, its sample loops: the formula of :mod:`mesosynth.instruments.strike_torch`, with state.

A voice holds the ratio g of its glide, the phases p_k of its partials and q_j of its bands of noise
in cycles, the bands' places u_j in the table of noise, the rest v of its attack, the levels d_k of
its partials (d_1 is that of the noise, too), and the phase m of its tremolo. Sample by sample::

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

from mesosynth.instruments.keyboard import BEND, KEY_PRESSURE, PRESSURE, TIMBRE
from mesosynth.instruments.oscillator import sine
from mesosynth.instruments.strike import (
    ATTACK_STEEPNESS,
    BAND_PLACES,
    BAND_RATE,
    BANDS,
    FADE_FROM,
    FADE_TO,
    LOW_FROM,
    LOW_TO,
    MOST_OCTAVES,
    NOISE_POINTS,
    PARTIALS,
    STD_PER_WIDTH,
)
from mesosynth.system.kernels import F4, F8, kernel

PRESSURE_GAIN = 1.0  # an amplitude of 1 + this at full pressure: 6 dB
SLIDE = 60.0  # dB per octave of brightness for a full slide
BRIGHTEST = 6.0  # dB/octave
SILENT = 1e-5  # of a voice that has ended, -100 dB
_INAUDIBLE = 1e-7  # of a partial
_OCTAVE_DB = 20.0 * math.log10(2.0)
_LEAST_SWEEP, _MOST_SWEEP = 2.0**-MOST_OCTAVES, 2.0**MOST_OCTAVES
_MASK = NOISE_POINTS - 1
_PLACES = tuple(float(place) for place in BAND_PLACES)

# Columns of a voice.
(
    SWEEP,  # g
    REST,  # v, of the attack
    TREMOLO,  # m, cycles
    GOING,  # release level; its square is heard
    FADE,  # loss of the release level per sample; 0 until it is released
    LEFT,
    RIGHT,
    HERTZ,  # of its key; 0 follows the parameter f_c
    DETUNE,  # frequency ratio from humanise
    KEY,  # index of its key among the held ones, or -1
    CHANNEL,
    GAIN,  # from velocity and humanise
    SOFTNESS,  # less brightness from a soft key, dB/octave
    BORN,  # number of the strike since the reset
    SCALE,  # 1 / P, by which the envelope peaks at 1
) = range(15)
PHASE = 15  # first of PARTIALS
FALL = PHASE + PARTIALS  # first of PARTIALS levels
TURN = FALL + PARTIALS  # phase of the first of BANDS
POINT = TURN + BANDS  # place in the table of noise of the first of BANDS
STEP = POINT + BANDS  # f_c in cycles per sample, at the block's begin
AMPLITUDE = STEP + 1  # from velocity, pressure and humanise, at the block's begin
PARTIAL = STEP + 2  # first of PARTIALS amplitudes, at the block's begin
NEXT = 2 + PARTIALS  # distance from a column at the block's begin to that at its end
FIELDS = STEP + 2 * NEXT

# Columns of the ramps that all voices share.
(
    GLIDE,  # change of g per sample
    INTEGRAL,  # of 2^(gamma t) over one sample, samples
    COMING,  # change of v per sample
    TONE,
    AIR,
    D_TREMOLO,  # cycles per sample
    DEPTH,
    LEVEL,
    SPREADING,  # points of noise per cycle of a band
    PEAK,  # P
) = range(10)
FALLING = 10  # change of d_k per sample, first of PARTIALS
RATIO = FALLING + PARTIALS  # r_k
BAND = RATIO + PARTIALS  # r'_j
RAMPS = BAND + BANDS


@kernel("void(f8[::1], f8[::1], f8, b1)")
def aim_ramps(ramps: F8, theta: F8, sample_rate: float, frozen: bool) -> None:
    """Set the ends of the shared ramps, but for LEVEL, to theta; while frozen nothing decays."""
    gamma, attack, decay, B, damping = theta[1], theta[2], theta[3], theta[5], theta[6]
    octaves = 0.0 if frozen else gamma / sample_rate
    x = octaves * math.log(2.0)
    ramps[GLIDE] = 2.0**octaves
    ramps[INTEGRAL] = math.expm1(x) / x if x != 0.0 else 1.0
    a = attack / ATTACK_STEEPNESS
    ramps[COMING] = math.exp(-1.0 / (a * sample_rate))
    r = a / decay
    peak = (2.0 / (2.0 + r)) ** 2 * (r / (2.0 + r)) ** r
    ramps[PEAK] = peak
    ramps[TONE] = math.cos(0.5 * math.pi * theta[7])
    ramps[AIR] = math.sin(0.5 * math.pi * theta[7])
    ramps[D_TREMOLO] = theta[9] / sample_rate
    ramps[DEPTH] = theta[10]
    std = theta[8] * STD_PER_WIDTH
    ramps[SPREADING] = BAND_RATE * std
    for n in range(PARTIALS):
        k = n + 1.0
        falling = math.exp(-(k**damping) / (decay * sample_rate))
        ramps[FALLING + n] = 1.0 if frozen else falling
        ramps[RATIO + n] = k * math.sqrt((1.0 + B * k * k) / (1.0 + B))
    for j in range(BANDS):
        ramps[BAND + j] = 2.0 ** (std * _PLACES[j])


@kernel("void(f8[:, ::1], i8, i8, f8[:, ::1], f8, f8, f8)")
def aim_voices(
    voices: F8, first: int, count: int, gestures: F8, f_c: float, sample_rate: float,
    brightness: float,
) -> None:  # fmt: skip
    """Set the ends of the ramps of voices `first` to `count`."""
    for v in range(first, count):
        row = voices[v]
        channel, key = int(row[CHANNEL]), int(row[KEY])
        hertz = row[HERTZ] if row[HERTZ] > 0.0 else f_c
        bend = 2.0 ** (gestures[BEND, channel] / 12.0)
        row[STEP + NEXT] = hertz * row[DETUNE] * bend / sample_rate
        pressure = gestures[PRESSURE, channel]
        if key >= 0:
            pressure = max(pressure, gestures[KEY_PRESSURE, key])
        row[AMPLITUDE + NEXT] = row[GAIN] * (1.0 + PRESSURE_GAIN * pressure)
        slope = brightness - row[SOFTNESS] + SLIDE * gestures[TIMBRE, channel]
        slope = min(slope, max(brightness, BRIGHTEST))
        partials = row[PARTIAL + NEXT :]
        power = 0.0
        for k in range(PARTIALS):
            partials[k] = (k + 1.0) ** (slope / _OCTAVE_DB)
            power += partials[k] * partials[k]
        for k in range(PARTIALS):
            partials[k] /= math.sqrt(power)


@kernel("f8(f8, f8, f8)")
def _gate(cycles: float, low: float, width: float) -> float:
    """Gain of a frequency, cycles per sample, that falls to 0 near the ends of hearing."""
    x = (FADE_TO - cycles) / (FADE_TO - FADE_FROM)
    y = (cycles - low) / width
    x, y = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x) * y * y * (3.0 - 2.0 * y)


@kernel("f8(f8[:, ::1], f8, f8)")
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


@kernel("void(f8[::1], f8[::1], f8[::1], f8[:, ::1], f8[::1], f8, f8[:, ::1], i8, i8, i8)")
def _voice(
    row: F8, now: F8, way: F8, noise: F8, bands: F8, sample_rate: float, mix: F8, begin: int,
    end: int, frames: int,
) -> None:  # fmt: skip
    """Add the samples of one voice to `mix`, and move it on."""
    low, width = LOW_TO / sample_rate, (LOW_FROM - LOW_TO) / sample_rate
    sweep, rest, tremolo, going = row[SWEEP], row[REST], row[TREMOLO], row[GOING]
    fade, left, right = row[FADE], row[LEFT], row[RIGHT]
    heard = 0
    for k in range(PARTIALS):
        level = max(row[PARTIAL + k], row[PARTIAL + k + NEXT]) * row[FALL + k]
        if level > _INAUDIBLE:
            heard = k + 1
    airy = now[AIR] != 0.0 or way[AIR] != 0.0
    for n in range(begin, end):
        i = (n + 1.0) / frames
        frequency = sweep * (row[STEP] + (row[STEP + NEXT] - row[STEP]) * i)
        cycles = frequency * (now[INTEGRAL] + way[INTEGRAL] * i)
        fallen = row[FALL]
        tone = 0.0
        for k in range(heard):
            ratio = now[RATIO + k] + way[RATIO + k] * i
            a = row[PARTIAL + k] + (row[PARTIAL + k + NEXT] - row[PARTIAL + k]) * i
            a *= row[FALL + k] * _gate(ratio * frequency, low, width)
            phase = row[PHASE + k]
            tone += a * sine(phase)
            phase += ratio * cycles
            row[PHASE + k] = phase - math.floor(phase)
            row[FALL + k] *= now[FALLING + k] + way[FALLING + k] * i
        if heard == 0:
            row[FALL] *= now[FALLING] + way[FALLING] * i
        x = tone * (now[TONE] + way[TONE] * i)
        if airy:
            air, points = 0.0, now[SPREADING] + way[SPREADING] * i
            for j in range(BANDS):
                ratio = now[BAND + j] + way[BAND + j] * i
                turn, at = row[TURN + j], row[POINT + j]
                air += bands[j] * _gate(ratio * frequency, low, width) * _band(noise, at, turn)
                turn += ratio * cycles
                row[TURN + j] = turn - math.floor(turn)
                at += points * ratio * cycles
                row[POINT + j] = at - NOISE_POINTS if at >= NOISE_POINTS else at
            x += air * fallen * (now[AIR] + way[AIR] * i)
        dip = sine(0.5 * tremolo)
        x *= 1.0 - (now[DEPTH] + way[DEPTH] * i) * dip * dip
        tremolo += now[D_TREMOLO] + way[D_TREMOLO] * i
        e = (1.0 - rest) * (1.0 - rest) * row[SCALE]
        x *= going * going * (e if e * fallen <= 1.0 else 1.0 / fallen)
        x *= row[AMPLITUDE] + (row[AMPLITUDE + NEXT] - row[AMPLITUDE]) * i
        rest *= now[COMING] + way[COMING] * i
        going = max(going - fade, 0.0)
        sweep *= now[GLIDE] + way[GLIDE] * i
        sweep = min(max(sweep, _LEAST_SWEEP), _MOST_SWEEP)
        mix[0, n] += left * x
        mix[1, n] += right * x
    row[SWEEP], row[REST], row[GOING] = sweep, rest if rest > 1e-30 else 0.0, going
    row[TREMOLO] = tremolo - 2.0 * math.floor(0.5 * tremolo)
    for k in range(PARTIALS):
        if row[FALL + k] < 1e-30:  # before it is too small for fast arithmetic
            row[FALL + k] = 0.0


@kernel("b1(f8[::1], f8[::1], f8)")
def _ended(row: F8, ramps: F8, sample_rate: float) -> bool:
    """Whether a voice has faded, or glided out of hearing."""
    if row[GOING] <= 0.0 or row[FALL] * row[SCALE] < SILENT:
        return True
    frequency = row[SWEEP] * row[STEP + NEXT]
    lowest = min(1.0, ramps[BAND]) * frequency
    highest = max(ramps[RATIO + PARTIALS - 1], ramps[BAND + BANDS - 1]) * frequency
    rising, falling = ramps[GLIDE] > 1.0, ramps[GLIDE] < 1.0
    return (rising and lowest > FADE_TO) or (falling and highest * sample_rate < LOW_TO)


@kernel("i8(f8[:, ::1], i8, f8[:, ::1], f8[:, ::1], f8[::1], f8, f8[:, ::1], f4[:, :], i8, i8)")
def render(
    voices: F8, count: int, ramps: F8, noise: F8, bands: F8, sample_rate: float, mix: F8,
    block: F4, begin: int, end: int,
) -> int:  # fmt: skip
    """Overwrite frames `begin` to `end` of `block`; return how many voices are left.

    `ramps` are their values at the block's begin, at its end, and room for the way between. With
    the last frame the ends become the begin of the next block.
    """
    now, then, way = ramps[0], ramps[1], ramps[2]
    frames = block.shape[1]
    for c in range(RAMPS):
        way[c] = then[c] - now[c]
    for n in range(begin, end):
        mix[0, n] = mix[1, n] = 0.0
    for v in range(count):
        _voice(voices[v], now, way, noise, bands, sample_rate, mix, begin, end, frames)
    for n in range(begin, end):
        level = now[LEVEL] + way[LEVEL] * ((n + 1.0) / frames)
        block[0, n] = mix[0, n] * level
        block[1, n] = mix[1, n] * level
    if end < frames:
        return count
    for c in range(RAMPS):
        now[c] = then[c]
    left = 0
    for v in range(count):
        row = voices[v]
        for c in range(NEXT):
            row[STEP + c] = row[STEP + c + NEXT]
        if not _ended(row, then, sample_rate):
            if left < v:
                voices[left, :] = row
            left += 1
    return left
