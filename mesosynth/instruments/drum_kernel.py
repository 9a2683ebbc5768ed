"""Rectangular drum, its sample loops: two-pole resonators, one for each mode.

Formulas as in :mod:`mesosynth.instruments.drum_torch` (Han, Lostanlen and Lagrange, TASLP 2024).
Each mode m of a membrane is a complex state s_m and a pole z_m::

    z_m  = exp((i omega_m - sigma_m) / sample_rate)
    y[n] = sum_m Im s_m,  s_m <- z_m s_m

A strike adds A_m to the states, so strikes add up. Where theta moves, the poles ramp and the states
stay. Modes below AUDIBLE are dropped, on a grid of the membrane's own samples, so that the sound
does not depend on the size of the blocks.
"""

import math

import numpy as np

from mesosynth.instruments.drum import FADE_FROM, FADE_TO, PICK_UP, mode_numbers
from mesosynth.system.kernels import F4, F8, kernel

MODES, HALF = 64, 32
RE, IM, POLE_RE, POLE_IM, STEP_RE, STEP_IM, AIM_RE, AIM_IM, RATIO, GATE = range(10)
"""Rows of a membrane: states, poles, what ramping poles gain in each sample, where they end, and of
a strike f_c over the mode's frequency and the fade near the Nyquist frequency."""

ENERGY, SAMPLES, CHOKE, MOVING = range(4)
"""Entries of a membrane's record: squared state of its loudest mode, samples that it has sounded,
the factor of each sample that fades it, and whether it has new aims (2) or had them in the last
block (1)."""

GAIN, SPREAD = range(2)
"""Lines of the output, from their value at the end of the last block to that of this one."""

AUDIBLE = 1e-5  # of a full strike, -100 dB
_GRID = 64  # samples
_ABOVE = 1000.0  # 1/s, decay of what rings above the Nyquist frequency
_SIDE = mode_numbers().sum(axis=0) % 2.0  # those with an even sum go to the left
_MU_1, _MU_2 = np.ascontiguousarray(mode_numbers()[:, np.argsort(_SIDE, kind="stable")])
_PICKED = np.sin(_MU_1 * (math.pi * PICK_UP)) * np.sin(_MU_2 * (math.pi * PICK_UP))


@kernel("void(f8[:, ::1], f8, f8, f8, f8, f8, f8)")
def aim(
    membrane: F8, f_c: float, tau: float, p: float, D: float, alpha: float, rate: float
) -> None:
    """Set the poles that the membrane shall have at the end of the block; tau may be infinite."""
    omega_1, B = 2.0 * math.pi * f_c, alpha + 1.0 / alpha
    loss = (1.0 - p * B) / tau
    for m in range(MODES):
        above = alpha * (_MU_1[m] ** 2 - 1.0) + (_MU_2[m] ** 2 - 1.0) / alpha
        u = above / B
        sigma = (1.0 + p * above) / tau
        omega = math.sqrt(omega_1**2 * (1.0 + u) * (1.0 + D**2 * B * above) + u * loss**2)
        x = (FADE_TO - omega / (2.0 * math.pi * rate)) / (FADE_TO - FADE_FROM)
        x = min(max(x, 0.0), 1.0)
        membrane[RATIO, m] = omega_1 / omega
        membrane[GATE, m] = x * x * (3.0 - 2.0 * x)
        if x == 0.0:
            sigma += _ABOVE
        radius, angle = math.exp(-sigma / rate), min(omega / rate, math.pi)
        membrane[AIM_RE, m] = radius * math.cos(angle)
        membrane[AIM_IM, m] = radius * math.sin(angle)


@kernel("void(f8[:, ::1], i8)")
def ramp(membrane: F8, frames: int) -> None:
    """Let the poles reach their aims in some samples; 0: at once."""
    for m in range(MODES):
        for row in (POLE_RE, POLE_IM):
            way = membrane[row + AIM_RE - POLE_RE, m] - membrane[row, m]
            if frames == 0 or way == 0.0:
                membrane[row, m] += way
                membrane[row + STEP_RE - POLE_RE, m] = 0.0
            else:
                membrane[row + STEP_RE - POLE_RE, m] = way / frames


@kernel("void(f8[:, ::1], f8[::1], f8, f8, f8)")
def strike(membrane: F8, record: F8, x_1: float, x_2: float, velocity: float) -> None:
    """Add a strike at (x_1, x_2), in sides, to the states: ``A_m = velocity K_m / sum |K|``."""
    total = 0.0
    for m in range(MODES):
        K = math.sin(_MU_1[m] * (math.pi * x_1)) * math.sin(_MU_2[m] * (math.pi * x_2)) * _PICKED[m]
        total += abs(K * membrane[RATIO, m])
    for m in range(MODES):
        K = math.sin(_MU_1[m] * (math.pi * x_1)) * math.sin(_MU_2[m] * (math.pi * x_2)) * _PICKED[m]
        membrane[RE, m] += velocity / total * K * membrane[RATIO, m] * membrane[GATE, m]
        power = membrane[RE, m] ** 2 + membrane[IM, m] ** 2
        record[ENERGY] = max(record[ENERGY], power)


@kernel("void(f8[:, ::1], f8[:, ::1], i8, i8, f8, i8, i8)")
def _resonate(part: F8, mix: F8, left: int, count: int, choke: float, begin: int, end: int) -> None:
    """Run `count` resonators from frame `begin` to `end`; the first `left` go to the left.

    Sums of two, and a loop over modes that do not depend on each other, are quick on any processor.
    """
    for n in range(begin, end):
        even = odd = 0.0
        for m in range(0, left, 2):
            even += part[IM, m]
            odd += part[IM, m + 1]
        mix[0, n] += even + odd
        even = odd = 0.0
        for m in range(left, count, 2):
            even += part[IM, m]
            odd += part[IM, m + 1]
        mix[1, n] += even + odd
        for m in range(count):
            re, im = part[RE, m], part[IM, m]
            part[POLE_RE, m] += part[STEP_RE, m]
            part[POLE_IM, m] += part[STEP_IM, m]
            z_re, z_im = choke * part[POLE_RE, m], choke * part[POLE_IM, m]
            part[RE, m] = z_re * re - z_im * im
            part[IM, m] = z_re * im + z_im * re


@kernel("void(f8[:, ::1], f8[::1], f8[:, ::1], f8[:, ::1], i8, i8)")
def _ring_membrane(membrane: F8, record: F8, part: F8, mix: F8, begin: int, end: int) -> None:
    """Add one membrane to the mix, at most up to the next point of its grid."""
    left = count = 0
    for side in range(2):
        for m in range(side * HALF, (side + 1) * HALF):
            if membrane[RE, m] != 0.0 or membrane[IM, m] != 0.0:
                for row in range(6):
                    part[row, count] = membrane[row, m]
                count += 1
        if count % 2:  # a silent one makes it even
            part[:, count] = 0.0
            count += 1
        if side == 0:
            left = count
    _resonate(part, mix, left, count, record[CHOKE], begin, end)
    record[SAMPLES] += end - begin
    on_grid = int(record[SAMPLES]) % _GRID == 0
    if on_grid:
        record[ENERGY] = 0.0
    count = 0
    for m in range(MODES):
        for row in (POLE_RE, POLE_IM):
            membrane[row, m] += (end - begin) * membrane[row + STEP_RE - POLE_RE, m]
        if m == HALF:
            count = left
        if membrane[RE, m] != 0.0 or membrane[IM, m] != 0.0:
            membrane[RE, m], membrane[IM, m] = part[RE, count], part[IM, count]
            count += 1
            power = membrane[RE, m] ** 2 + membrane[IM, m] ** 2
            if on_grid and power < AUDIBLE**2:
                membrane[RE, m] = membrane[IM, m] = 0.0
            else:
                record[ENERGY] = max(record[ENERGY], power)


@kernel("void(f8[:, :, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f4[:, :], i8, i8)")
def ring(
    membranes: F8, records: F8, lines: F8, part: F8, mix: F8,
    block: F4, begin: int, end: int,
) -> None:  # fmt: skip
    """Write frames `begin` to `end` of `block`, (2, frames), and advance all membranes.

    `part`, (6, 64), holds the sounding modes of one membrane side by side; `mix`, (2, frames), the
    sums of the modes that the spread moves to the left, and to the right.
    """
    frames = block.shape[1]
    mix[:, begin:end] = 0.0
    for v in range(len(membranes)):
        if begin == 0 and records[v, MOVING] > 0.0:
            ramp(membranes[v], frames if records[v, MOVING] == 2.0 else 0)
            records[v, MOVING] -= 1.0
        now = begin
        while now < end and records[v, ENERGY] > 0.0:
            until = min(end, now + _GRID - int(records[v, SAMPLES]) % _GRID)
            _ring_membrane(membranes[v], records[v], part, mix, now, until)
            now = until
    for n in range(begin, end):
        x = (n + 1.0) / frames
        gain = lines[GAIN, 0] + x * (lines[GAIN, 1] - lines[GAIN, 0])
        spread = lines[SPREAD, 0] + x * (lines[SPREAD, 1] - lines[SPREAD, 0])
        here, there = gain * (1.0 + spread), gain * (1.0 - spread)
        block[0, n] = here * mix[0, n] + there * mix[1, n]
        block[1, n] = there * mix[0, n] + here * mix[1, n]
