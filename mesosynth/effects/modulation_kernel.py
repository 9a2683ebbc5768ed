"""Modulation sources and the parameters that they move, as compiled loops.

A segment runs from one edge to the next: edges are every GRID samples since the start, and where a
key is pressed. At the beginning of a segment the sources are computed for its end; between the two
they are straight lines, so a block that ends inside a segment finds the same values as any other.

A low-frequency oscillator with phase p, 0 to 1, is

    sine      sin(2 pi p)                 saw up     2 p - 1
    triangle  1 - |4 ((p + 1/4) mod 1) - 2|   saw down   1 - 2 p
    square    1 for p < 1/2, else -1      random     a new value of -1 to 1 for each cycle

The envelope rises in a straight line, then approaches sustain, and after the last key 0, as
``exp(-t / T)`` with T a third of the decay's or release's time, which leaves 5% at its end.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects.modulation import GRID, SLOTS
from mesosynth.system.kernels import kernel

SINE, TRIANGLE, SAW_UP, SAW_DOWN, SQUARE, RANDOM = range(6)

LFO_1, LFO_2, ENVELOPE, VELOCITY, WHEEL, PRESSURE, KEY, CHANCE, INPUT = range(9)
SOURCES = 9

# State at the beginning of a segment: phase and random value of both oscillators, level of the
# envelope and whether it rises, the random generator, and the samples left of the segment.
PHASE, DRAWN, LEVEL, RISING, DICE, LEFT = 0, 2, 4, 5, 6, 7
STATE = 8

# Settings: increments per sample of both oscillators, their shapes and whether a key restarts them,
# samples of attack, decay and release, sustain, and whether a key is held.
STEP, SHAPE, RESTART, ATTACK, DECAY, SUSTAIN, RELEASE, GATE = 0, 2, 4, 6, 7, 8, 9, 10
SETTINGS = 11

PASSING, BLOCK, PRESS = range(3)

LINEAR, LOGARITHMIC, SIGNED, ASINH = range(4)
"""Curves of a target, as in :class:`mesosynth.plugins.parameters.Parameter`."""


@kernel("f8(f8[::1])")
def draw(state: NDArray[np.float64]) -> float:
    """Next pseudo-random number, -1 to 1 (the minimal standard generator of Park and Miller)."""
    state[DICE] = (state[DICE] * 48271.0) % 2147483647.0
    return 2.0 * state[DICE] / 2147483647.0 - 1.0


@kernel("f8(f8, f8, f8)")
def oscillator(shape: float, p: float, drawn: float) -> float:
    """Value of an oscillator, -1 to 1, at phase `p`."""
    if shape == SINE:
        return math.sin(2.0 * math.pi * p)
    if shape == TRIANGLE:
        return 1.0 - abs(4.0 * ((p + 0.25) % 1.0) - 2.0)
    if shape == SAW_UP:
        return 2.0 * p - 1.0
    if shape == SAW_DOWN:
        return 1.0 - 2.0 * p
    if shape == SQUARE:
        return 1.0 if p < 0.5 else -1.0
    return drawn


@kernel("void(f8[::1], f8[::1], f8[::1], f8)")
def advance(
    state: NDArray[np.float64],
    settings: NDArray[np.float64],
    sources: NDArray[np.float64],
    frames: float,
) -> None:
    """Advance oscillators and envelope by `frames` samples, and write them to `sources`."""
    for i in range(2):
        p = state[PHASE + i] + settings[STEP + i] * frames
        if p >= 1.0:
            state[DRAWN + i] = draw(state)
        p -= math.floor(p)
        state[PHASE + i] = p
        sources[LFO_1 + i] = oscillator(settings[SHAPE + i], p, state[DRAWN + i])
    level, left = state[LEVEL], frames
    if settings[GATE] > 0.0 and state[RISING] > 0.0:
        rise = (1.0 - level) * settings[ATTACK]  # samples to the peak
        level = min(level + min(left, rise) / settings[ATTACK], 1.0)
        left -= min(left, rise)
        if level >= 1.0:
            state[RISING] = 0.0
    if left > 0.0:
        goal = settings[SUSTAIN] if settings[GATE] > 0.0 else 0.0
        time = settings[DECAY] if settings[GATE] > 0.0 else settings[RELEASE]
        level = goal + (level - goal) * math.exp(-3.0 * left / time)
    state[LEVEL] = level
    sources[ENVELOPE] = level


@kernel(
    "i8(f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], i8, i8, i8, i8, i4[::1], f8[:, ::1])"
)
def move(
    state: NDArray[np.float64],
    settings: NDArray[np.float64],
    sources: NDArray[np.float64],
    now: NDArray[np.float64],
    then: NDArray[np.float64],
    trial: NDArray[np.float64],
    begin: int,
    end: int,
    reason: int,
    count: int,
    edges: NDArray[np.int32],
    table: NDArray[np.float64],
) -> int:
    """Advance all sources from frame `begin` of a block to `end`.

    Parameters
    ----------
    state : (STATE,) float64
    settings : (SETTINGS,) float64
    sources : (SOURCES,) float64
        Sources as they are; those of gestures are read.
    now, then : (SOURCES,) float64
        Values at the present sample and at the end of the segment.
    trial : (STATE,) float64
        Scratch.
    begin, end : int
        Frames of the block.
    reason : int
        Why it ends: PASSING, BLOCK (an edge, even inside a segment) or PRESS (of a key: an edge, at
        which a new segment begins).
    count : int
        Edges that are in `edges` already.
    edges : (n,) int32
        Frame at which each part of the block ends.
    table : (n, SOURCES) float64
        Values at those edges.

    Returns
    -------
    int
        Edges that are in `edges` now.
    """
    frame = begin
    while frame < end:
        if state[LEFT] <= 0.0:
            state[LEFT] = GRID
            trial[:] = state
            then[:] = sources
            advance(trial, settings, then, GRID)
        step = min(state[LEFT], end - frame)
        for i in range(SOURCES):
            now[i] += (then[i] - now[i]) * (step / state[LEFT])
        state[LEFT] -= step
        frame += int(step)
        if state[LEFT] <= 0.0:
            state[:] = trial
            state[LEFT] = 0.0
            now[:] = then
        if state[LEFT] <= 0.0 or (reason != PASSING and frame == end):
            edges[count] = frame
            table[count] = now
            count += 1
    if reason == PRESS and state[LEFT] > 0.0:
        advance(state, settings, sources, GRID - state[LEFT])
        state[LEFT] = 0.0
    return count


@kernel("void(f8[::1], f8[::1], f8[:, ::1], f8[::1], f8[::1])")
def apply(
    values: NDArray[np.float64],
    moved: NDArray[np.float64],
    targets: NDArray[np.float64],
    amounts: NDArray[np.float64],
    sources: NDArray[np.float64],
) -> None:
    """Write a plugin's `values`, moved by the sources, to `moved`.

    Parameters
    ----------
    values, moved : (parameters,) float64
    targets : (n, 7) float64
        Slot, index of the parameter, curve, minimum, maximum, smallest magnitude, and whether only
        whole values are legal.
    amounts : (2 SLOTS,) float64
        Number of each slot's source (-1 for none), then depths: at a depth of 1 the source moves
        the parameter by the whole of its knob's travel.
    sources : (SOURCES,) float64
    """
    moved[:] = values
    for row in targets:
        slot, i, curve = int(row[0]), int(row[1]), int(row[2])
        source, depth = int(amounts[slot]), amounts[SLOTS + slot]
        if source < 0 or depth == 0.0:
            continue
        low, high, least = row[3], row[4], row[5]
        value = moved[i]
        if curve == LOGARITHMIC:
            place = math.log(value / low) / math.log(high / low)
        elif curve == SIGNED:
            half = math.log(max(abs(value), least) / least) / math.log(high / least)
            place = 0.5 + math.copysign(0.5 * half, value)
        elif curve == ASINH:
            begin, end = math.asinh(low / least), math.asinh(high / least)
            place = (math.asinh(value / least) - begin) / (end - begin)
        else:
            place = (value - low) / (high - low)
        place = min(max(place + depth * sources[source], 0.0), 1.0)
        if curve == LOGARITHMIC:
            value = low * (high / low) ** place
        elif curve == SIGNED:
            value = math.copysign(least * (high / least) ** abs(2.0 * place - 1.0), place - 0.5)
        elif curve == ASINH:
            begin, end = math.asinh(low / least), math.asinh(high / least)
            value = least * math.sinh(begin + place * (end - begin))
        else:
            value = low + place * (high - low)
        if row[6] > 0.0:
            value = math.floor(value + 0.5)
        moved[i] = min(max(value, low), high)
