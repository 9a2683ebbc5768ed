"""Chirplet arpeggiator, its sample loops: Vahidi et al. (JAES 2023), eq. 4-8, with state.

A voice holds its position o in octaves and e in its envelope, and the phases p of the carrier and
m of the modulation in cycles. Sample by sample::

    x  = sum_k a_k sin(2 pi k p) (1 - depth + depth (s - rest min(s, 0))) 2^-((width e)^2)
    s  = sin(2 pi m)
    p += 2^o c, where c is the integral of f_c 2^(gamma t) over one sample from o = 0
    m += f_m / sample_rate
    o += gamma / sample_rate, and e likewise, but never slower than SLOWEST

All of a block's ramps are straight lines that end with its last sample.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet import HARMONICS, PURE
from mesosynth.instruments.keyboard import BEND, KEY_PRESSURE, PRESSURE, TIMBRE
from mesosynth.instruments.oscillator import FADE_FROM, below_nyquist, sine
from mesosynth.system.kernels import kernel

Array = NDArray[np.float64]

PRESSURE_GAIN = 1.0  # an amplitude of 1 + this at full pressure: 6 dB
SLIDE = 60.0  # dB per octave of brightness for a full slide
_OCTAVE_DB = 20.0 * math.log10(2.0)

# Columns of a voice.
(
    OCTAVES,  # place in its sweep, 0 in the middle
    PLACE,  # in its envelope, octaves of a sweep at SLOWEST or faster
    CARRIER,  # phase, cycles
    MODULATION,  # phase, cycles
    COMING,  # attack level
    RISE,  # change of the attack level per sample
    GOING,  # release level; the lower of both levels is heard
    FADE,  # loss of the release level per sample; 0 until it is released
    LEFT,
    RIGHT,
    HERTZ,  # of its key; 0 follows the parameter f_c
    DETUNE,  # frequency ratio from humanise
    KEY,  # index of its key among the held ones, or -1
    CHANNEL,
    GAIN,  # from velocity and humanise
    BORN,  # number of the arpeggio since the reset
    STEP,  # of the carrier in the middle of the sweep, cycles per sample, at the block's begin
    AMPLITUDE,  # from velocity, pressure and humanise, at the block's begin
    PARTIAL,  # first of HARMONICS amplitudes, at the block's begin
) = range(19)
RAMPED = 2 + HARMONICS
NEXT = RAMPED  # distance from a column at the block's begin to that at its end
FIELDS = STEP + 2 * RAMPED

# Columns of the ramps; the last two hold for the block.
(
    D_OCTAVES, D_PLACE, D_MODULATION, WIDTH, REST, DEPTH, LEVEL, DIRECTION, HALF, RAMPS,
) = range(10)  # fmt: skip


@kernel("void(f8[:, ::1], i8, i8, f8[:, ::1], f8, f8, f8)")
def aim(
    voices: Array, first: int, count: int, gestures: Array, f_c: float, unit: float,
    brightness: float,
) -> None:  # fmt: skip
    """Set the ends of the ramps of voices `first` to `count`.

    ``a_k = k^(brightness / (20 log10 2)) / n``, where n is the root of the sum of squares, so that
    brightness changes the timbre but not the power; at PURE only the fundamental sounds. `unit` are
    the cycles per sample of a carrier of 1 Hz.
    """
    for v in range(first, count):
        row = voices[v]
        channel, key = int(row[CHANNEL]), int(row[KEY])
        hertz = row[HERTZ] if row[HERTZ] > 0.0 else f_c
        bend = 2.0 ** (gestures[BEND, channel] / 12.0)
        row[STEP + NEXT] = hertz * row[DETUNE] * bend * unit
        pressure = gestures[PRESSURE, channel]
        if key >= 0:
            pressure = max(pressure, gestures[KEY_PRESSURE, key])
        row[AMPLITUDE + NEXT] = row[GAIN] * (1.0 + PRESSURE_GAIN * pressure)
        slope = min(brightness + SLIDE * gestures[TIMBRE, channel], 0.0)
        partials = row[PARTIAL + NEXT :]
        power = 0.0
        for k in range(HARMONICS):
            partials[k] = (k + 1.0) ** (slope / _OCTAVE_DB)
            if k and slope <= PURE:
                partials[k] = 0.0
            power += partials[k] * partials[k]
        for k in range(HARMONICS):
            partials[k] /= math.sqrt(power)


@kernel("f8(f8[::1], f8, f8, f8)")
def _harmonics(row: Array, carrier: float, cycles: float, fraction: float) -> float:
    """Sum of the partials, by ``sin((k + 1) x) = 2 cos(x) sin(k x) - sin((k - 1) x)``."""
    twice = 2.0 * sine(carrier + 0.25)
    partial, before, total = sine(carrier), 0.0, 0.0
    for k in range(HARMONICS):
        a = row[PARTIAL + k]
        a += (row[PARTIAL + k + NEXT] - a) * fraction
        total += a * partial * below_nyquist(cycles * (k + 1))
        partial, before = twice * partial - before, partial
    return total


@kernel("void(f8[::1], f8[::1], f8[::1], f8[:, ::1], i8, i8, i8)")
def _voice(
    row: Array, now: Array, way: Array, mix: Array, begin: int, end: int, frames: int
) -> None:
    """Add the samples of one voice to `mix`, and move it on."""
    octaves, place, carrier, modulation = row[OCTAVES], row[PLACE], row[CARRIER], row[MODULATION]
    coming, going, rise, fade = row[COMING], row[GOING], row[RISE], row[FADE]
    step, amplitude = row[STEP], row[AMPLITUDE]
    d_step = (row[STEP + NEXT] - step) / frames
    d_amplitude = (row[AMPLITUDE + NEXT] - amplitude) / frames
    bright = False
    for k in range(1, HARMONICS):
        bright = bright or row[PARTIAL + k] + row[PARTIAL + k + NEXT] > 0.0
    for n in range(begin, end):
        i = n + 1.0
        cycles = 2.0**octaves * (step + d_step * i)
        if bright:
            x = _harmonics(row, carrier, cycles, i / frames)
        else:
            x = sine(carrier)
            if cycles > FADE_FROM:
                x *= below_nyquist(cycles)
        s = sine(modulation)
        s -= (now[REST] + way[REST] * i) * min(s, 0.0)
        x *= 1.0 + (now[DEPTH] + way[DEPTH] * i) * (s - 1.0)
        e = place * (now[WIDTH] + way[WIDTH] * i)
        coming += rise
        going -= fade
        level = max(min(coming, going, 1.0), 0.0) * (amplitude + d_amplitude * i)
        x *= level * 2.0 ** (-e * e)
        mix[0, n] += row[LEFT] * x
        mix[1, n] += row[RIGHT] * x
        carrier += cycles
        modulation += now[D_MODULATION] + way[D_MODULATION] * i
        octaves += now[D_OCTAVES] + way[D_OCTAVES] * i
        place += now[D_PLACE] + way[D_PLACE] * i
    row[OCTAVES], row[PLACE] = octaves, place
    row[CARRIER] = carrier - math.floor(carrier)
    row[MODULATION] = modulation - math.floor(modulation)
    row[COMING], row[GOING] = min(coming, 1.0), going


@kernel("i8(f8[:, ::1], i8, f8[:, ::1], f8[:, ::1], f4[:, :], i8, i8)")
def render(
    voices: Array,
    count: int,
    ramps: Array,
    mix: Array,
    block: NDArray[np.float32],
    begin: int,
    end: int,
) -> int:  # fmt: skip
    """Overwrite frames `begin` to `end` of the block; return the number of voices left.

    `ramps` holds the values at the block's begin and end, `mix` is memory for a block.
    """
    frames = block.shape[1]
    now, way = ramps[0], ramps[2]
    for i in range(LEVEL + 1):
        way[i] = (ramps[1, i] - now[i]) / frames
    mix[:, begin:end] = 0.0
    for v in range(count):
        _voice(voices[v], now, way, mix, begin, end, frames)
    for n in range(begin, end):
        level = now[LEVEL] + way[LEVEL] * (n + 1)
        block[0, n] = mix[0, n] * level
        block[1, n] = mix[1, n] * level
    for v in range(count - 1, -1, -1):
        row = voices[v]
        if row[GOING] <= 0.0 or row[PLACE] * ramps[1, DIRECTION] > ramps[1, HALF]:
            count -= 1
            row[:] = voices[count]
    if end == frames:
        now[:] = ramps[1]
        for v in range(count):
            voices[v, STEP : STEP + NEXT] = voices[v, STEP + NEXT :]
    return count
