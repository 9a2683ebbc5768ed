"""Granular synthesizer, its sample loops: chirps under a raised cosine.

Formulas as in :mod:`mesosynth.instruments.grains_torch`. A grain holds its phase p in cycles, its
sweep o, and its envelope as a rotating pair (c, s), sample by sample::

    p += hertz o unit,  x = amplitude (1 - c) / 2 sin(2 pi p)
    o *= 2^(gamma / rate),  (c, s) turns by 2 pi / length

Pages of GRAINS grains follow each other. Those of two may sound, as no grain is longer than a page.
"""

import math

from mesosynth.instruments.grains import GRAINS, HIGHEST, LOWEST
from mesosynth.instruments.oscillator import FADE_FROM, below_nyquist, sine
from mesosynth.system.kernels import F4, F8, kernel

# Columns of a grain.
(
    LEFT,  # samples that it has still to sound; 0: it is over
    WAITS,  # 1 while it has not begun
    AT,  # place in its page, 0 to 1
    PITCH,  # place in the range of pitches, 0 to 1
    SIDE,  # -1 to 1
    HERTZ,
    PHASE,  # cycles
    SWEPT,  # o
    COSINE,
    SINE,
    TURN_COSINE,
    TURN_SINE,
    VELOCITY,
    FIELDS,
) = range(14)  # fmt: skip

NOW, PAGE, PAGE_START, PERIOD, LOW, HIGH, LENGTH, GAMMA, CLOUD = range(9)
"""Entries of the cloud: samples since the reset, number of the next page, first sample and length
of the page that runs, range of pitches (Hz), length of a new grain (samples), octaves a sample."""

RATIO, UNIT, SPREAD, GAIN, LEVEL = range(5)
"""Columns of the ramps; from the last on, the amplitude of each grain of a page."""

RAMPS = LEVEL + GRAINS

_LOUDNESS = 0.7  # of the sum, over that of one grain that never ends
_MIDDLE = math.sqrt(LOWEST * HIGHEST)  # Hz, pitch of grains of amplitude 1


@kernel("void(f8[:, ::1], f8, f8)")
def aim(ramps: F8, density: float, overlap: float) -> None:
    """Set the amplitudes of the grains at the end of the block.

    ``a_i = 1 - sigmoid(2 (1 - d) (i - 64 o))``, ``o = d / 4 + 3 d^2 / 4``, over the largest and
    the root of the sum of squares, so that the density does not change the power. `overlap` is a
    grain's length over that of a page.
    """
    middle, square = GRAINS * (0.25 * density + 0.75 * density**2), 0.0
    largest = 1.0 / (1.0 + math.exp(-2.0 * (1.0 - density) * middle))
    for i in range(GRAINS):
        a = 1.0 / (1.0 + math.exp(2.0 * (1.0 - density) * (i - middle))) / largest
        ramps[1, LEVEL + i] = a
        square += a * a
    scale = min(_LOUDNESS / math.sqrt(overlap * square), 1.0)
    for i in range(GRAINS):
        ramps[1, LEVEL + i] *= scale


@kernel("void(f8[::1], f8)")
def turn(cloud: F8, period: float) -> None:
    """Change the length of a page, samples; what of it has passed stays the same share."""
    if cloud[PERIOD] > 0.0 and cloud[PERIOD] != period:
        passed = (cloud[NOW] - cloud[PAGE_START]) / cloud[PERIOD]
        cloud[PAGE_START] = cloud[NOW] - passed * period
    cloud[PERIOD] = period


@kernel("f8(u8)")
def _uniform(number: int) -> float:
    """Random number by its place in the sequence, as :func:`mesosynth.instruments.grains.draw`."""
    z = number * 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


@kernel("void(f8[:, ::1], f8[::1], i8)")
def _draw_page(grains: F8, cloud: F8, seed: int) -> None:
    """Let the grains of the next page wait."""
    page = int(cloud[PAGE])
    for i in range(GRAINS):
        grain = grains[(page % 2) * GRAINS + i]
        if grain[LEFT] == 0.0:
            first = (seed << 32) + 3 * GRAINS * page + 1 + i
            grain[PITCH], grain[AT] = _uniform(first), _uniform(first + GRAINS)
            grain[SIDE] = 2.0 * _uniform(first + 2 * GRAINS) - 1.0
            grain[WAITS] = 1.0
    cloud[PAGE] += 1.0


@kernel("void(f8[::1], f8[::1], f8[:, ::1], i8)")
def _begin(grain: F8, cloud: F8, held: F8, count: int) -> None:
    """Begin a grain with the present pitches, keys and length."""
    low, high, length = cloud[LOW], cloud[HIGH], cloud[LENGTH]
    grain[WAITS], grain[LEFT], grain[VELOCITY] = 0.0, length, 1.0
    grain[HERTZ] = low * (high / low) ** grain[PITCH]
    if count > 0:
        key = int(grain[AT] * 4096.0 * count) % count  # by chance, beside pitch and side
        grain[HERTZ] *= held[key, 0] / math.sqrt(low * high)
        grain[VELOCITY] = held[key, 1]
    grain[PHASE] = 0.0
    grain[SWEPT] = 2.0 ** (-0.5 * length * cloud[GAMMA])
    grain[COSINE], grain[SINE] = 1.0, 0.0
    grain[TURN_COSINE] = math.cos(2.0 * math.pi / length)
    grain[TURN_SINE] = math.sin(2.0 * math.pi / length)


@kernel("void(f8[::1], f8[:, ::1], i8, f8[:, ::1], i8, i8, i8)")
def _sound(grain: F8, ramps: F8, i: int, mix: F8, begin: int, end: int, frames: int) -> None:
    """Add grain `i` of its page to frames `begin` to `end` of the mix, (2, frames)."""
    phase, swept, c, s = grain[PHASE], grain[SWEPT], grain[COSINE], grain[SINE]
    turn_c, turn_s, hertz = grain[TURN_COSINE], grain[TURN_SINE], grain[HERTZ]
    loud = 0.5 * grain[VELOCITY] * math.sqrt(_MIDDLE / hertz)
    for n in range(begin, end):
        x = (n + 1.0) / frames
        unit = ramps[0, UNIT] + x * (ramps[1, UNIT] - ramps[0, UNIT])
        level = ramps[0, LEVEL + i] + x * (ramps[1, LEVEL + i] - ramps[0, LEVEL + i])
        step = hertz * swept * unit
        phase += step
        out = loud * level * (1.0 - c) * sine(phase)
        if step > FADE_FROM:
            out *= below_nyquist(step)
        mix[0, n] += out
        mix[1, n] += grain[SIDE] * out
        swept *= ramps[0, RATIO] + x * (ramps[1, RATIO] - ramps[0, RATIO])
        c, s = turn_c * c - turn_s * s, turn_s * c + turn_c * s
    grain[PHASE], grain[SWEPT] = phase - math.floor(phase), swept
    grain[COSINE], grain[SINE] = c, s
    grain[LEFT] -= end - begin


@kernel("void(f8[:, ::1], f8[::1], f8[:, ::1], f8[:, ::1], i8, i8, f8[:, ::1], f4[:, :], i8, i8)")
def render(
    grains: F8, cloud: F8, ramps: F8, held: F8, count: int, seed: int, mix: F8, block: F4,
    begin: int, end: int,
) -> None:  # fmt: skip
    """Write frames `begin` to `end` of `block`, (2, frames).

    `grains`, (2 GRAINS, FIELDS), and `cloud` are the state; `held`, (keys, 2), holds pitch and gain
    of `count` keys; `mix`, (2, frames), takes the sum of the grains, and that weighted by side.
    """
    frames = block.shape[1]
    mix[:, begin:end] = 0.0
    now = begin
    while now < end:
        if cloud[PAGE] == 0.0:
            _draw_page(grains, cloud, seed)
        elif cloud[NOW] >= math.floor(cloud[PAGE_START] + cloud[PERIOD]):
            cloud[PAGE_START] += cloud[PERIOD]
            _draw_page(grains, cloud, seed)
        left = math.floor(cloud[PAGE_START] + cloud[PERIOD]) - cloud[NOW]
        until = now + int(min(float(end - now), max(left, 1.0)))
        running = (int(cloud[PAGE]) - 1) % 2  # half of the grains whose page this is
        for place in range(2 * GRAINS):
            grain, first = grains[place], now
            if grain[WAITS] == 1.0:
                if place // GRAINS == running:
                    at = math.floor(cloud[PAGE_START] + grain[AT] * cloud[PERIOD]) - cloud[NOW]
                    first = now + int(max(at, 0.0))
                if first >= until:
                    continue
                _begin(grain, cloud, held, count)
            if grain[LEFT] > 0.0:
                last = min(until, first + int(grain[LEFT]))
                _sound(grain, ramps, place % GRAINS, mix, first, last, frames)
        cloud[NOW] += until - now
        now = until
    for n in range(begin, end):
        x = (n + 1.0) / frames
        gain = ramps[0, GAIN] + x * (ramps[1, GAIN] - ramps[0, GAIN])
        side = ramps[0, SPREAD] + x * (ramps[1, SPREAD] - ramps[0, SPREAD])
        block[0, n] = gain * (mix[0, n] - side * mix[1, n])
        block[1, n] = gain * (mix[0, n] + side * mix[1, n])
