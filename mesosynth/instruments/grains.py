"""Granular synthesizer, live: an endless cloud of sweeping grains.

Formulas as in :mod:`mesosynth.instruments.grains_torch`. Time is divided into pages of GRAINS
grains, each with a pitch and a place in its page by :func:`draw`; page 0 is the offline cloud of
the same seed. The grains of two pages may sound, as no grain is longer than a page. A grain holds
its phase p in cycles, its sweep o, and its envelope as a rotating pair (c, s), sample by sample::

    p += hertz o unit,  x = amplitude (1 - c) / 2 sin(2 pi p)
    o *= 2^(gamma / rate),  (c, s) turns by 2 pi / length
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import (
    BEND,
    GAIN,
    KEYS,
    MIDI_CHANNELS,
    MIDI_KEYS,
    Keyboard,
    TunedInstrument,
)  # fmt: skip
from mesosynth.instruments.oscillator import FADE_FROM, below_nyquist, sine
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, EventKind, Events
from mesosynth.system.kernels import F4, F8, compile_loops, loop

# --------------------------------------------------------------------------------------------------
# Parameter table and draw, for the live and the offline form


GRAINS = 64
"""Grains of a page; the density says how many of them are heard."""

PAGE = 3.5
"""Length of the authors' cloud without its last grain, s."""

LOWEST, HIGHEST = 256.0, 2048.0
"""Pitches in the middle of the authors' grains, Hz."""

LENGTH = 0.5
"""Length of the authors' grains, s."""

SWEEP = 8192.0 / (4.0 * 12.0 * 256.0)
"""Chirp rate of slopes 1/2 +- 0.26, octaves/s; the authors' rate over 4 Q hop."""

LEVEL = 0.334
"""RMS of the live cloud of default range and length, at 0 dB, whatever its density."""

PARAMETERS = ParameterTable(
    [
        Parameter("density", "Density", "", 0.0, 1.0, 0.5,
                  "How many grains are heard, from one a page (0) to all (1).", matchable=True),
        Parameter("slope", "Slope", "", 0.0, 1.0, 0.5,
                  "How grains sweep: they fall below a half, and climb above.", matchable=True),
        Parameter("f_low", "Lowest", "Hz", 20.0, 8000.0, LOWEST,
                  "Pitch of the lowest grains; a key moves the middle of the range to its own.",
                  curve="log"),
        Parameter("f_high", "Highest", "Hz", 20.0, 8000.0, HIGHEST, "Pitch of the highest grains.",
                  curve="log"),
        Parameter("length", "Length", "s", 0.01, 2.0, LENGTH,
                  "Length of a grain; at most 64 sound at once, so it ends there.", curve="log"),
        Parameter("rate", "Rate", "Hz", 2.0, 256.0, GRAINS / PAGE,
                  "Grains a second, heard or not.", curve="log"),
        Parameter("spread", "Spread", "", 0.0, 1.0, 0.0,
                  "How far grains lie from the middle, to the left and to the right."),
        GAIN,
    ]
)  # fmt: skip

P_DENSITY, P_SLOPE, P_LOW, P_HIGH, P_LENGTH, P_RATE, P_SPREAD, P_GAIN = range(len(PARAMETERS))

_GOLDEN = 0x9E3779B97F4A7C15


def draw(seed: int, page: int) -> NDArray[np.float64]:
    """Random numbers of a page: pitch, place and side of each grain, (3, GRAINS), 0 to 1.

    SplitMix64 of a counter, which the kernel computes as well, without a generator's state.

    Parameters
    ----------
    seed, page : int
        Not negative.

    Returns
    -------
    (3, GRAINS) float64
    """
    number = np.arange(3 * GRAINS, dtype=np.uint64) + np.uint64(3 * GRAINS * page)
    z = (number + np.uint64(seed << 32) + np.uint64(1)) * np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64).reshape(3, GRAINS) * 2.0**-53


# --------------------------------------------------------------------------------------------------
# Sample loops


# Columns of a grain.
(
    G_LEFT,  # samples that it has still to sound; 0: it is over
    G_WAITS,  # 1 while it has not begun
    G_AT,  # place in its page, 0 to 1
    G_PITCH,  # place in the range of pitches, 0 to 1
    G_SIDE,  # -1 to 1
    G_HERTZ,
    G_PHASE,  # cycles
    G_SWEPT,  # o
    G_COSINE,
    G_SINE,
    G_TURN_COSINE,
    G_TURN_SINE,
    G_VELOCITY,
    _FIELDS,
) = range(14)  # fmt: skip

C_NOW, C_PAGE, C_PAGE_START, C_PERIOD, C_LOW, C_HIGH, C_LENGTH, C_GAMMA, _CLOUD = range(9)
"""Entries of the cloud: samples since the reset, number of the next page, first sample and length
of the page that runs, range of pitches (Hz), length of a new grain (samples), octaves a sample."""

R_RATIO, R_UNIT, R_SPREAD, R_GAIN, R_LEVEL = range(5)
"""Columns of the ramps; from the last on, the amplitude of each grain of a page."""

_RAMPS = R_LEVEL + GRAINS

LOUDNESS = 0.7
"""Of the sum, over that of one grain that never ends."""

MIDDLE = math.sqrt(LOWEST * HIGHEST)
"""Pitch of grains of amplitude 1, Hz."""


@loop("void(f8[:, ::1], f8, f8)")
def _aim(ramps: F8, density: float, overlap: float) -> None:
    """Set the amplitudes of the grains at the end of the block.

    ``a_i = 1 - sigmoid(2 (1 - d) (i - 64 o))``, ``o = d / 4 + 3 d^2 / 4``, over the largest and
    the root of the sum of squares, so that the density does not change the power. `overlap` is a
    grain's length over that of a page.
    """
    middle, square = GRAINS * (0.25 * density + 0.75 * density**2), 0.0
    largest = 1.0 / (1.0 + math.exp(-2.0 * (1.0 - density) * middle))
    for i in range(GRAINS):
        a = 1.0 / (1.0 + math.exp(2.0 * (1.0 - density) * (i - middle))) / largest
        ramps[1, R_LEVEL + i] = a
        square += a * a
    scale = min(LOUDNESS / math.sqrt(overlap * square), 1.0)
    for i in range(GRAINS):
        ramps[1, R_LEVEL + i] *= scale


@loop("void(f8[::1], f8)")
def _turn(cloud: F8, period: float) -> None:
    """Change the length of a page, samples; what of it has passed stays the same share."""
    if cloud[C_PERIOD] > 0.0 and cloud[C_PERIOD] != period:
        passed = (cloud[C_NOW] - cloud[C_PAGE_START]) / cloud[C_PERIOD]
        cloud[C_PAGE_START] = cloud[C_NOW] - passed * period
    cloud[C_PERIOD] = period


@loop("f8(u8)")
def _uniform(number: int) -> float:
    """Random number by its place in the sequence, as :func:`mesosynth.instruments.grains.draw`."""
    z = number * 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


@loop("void(f8[:, ::1], f8[::1], i8)")
def _draw_page(grains: F8, cloud: F8, seed: int) -> None:
    """Let the grains of the next page wait."""
    page = int(cloud[C_PAGE])
    for i in range(GRAINS):
        grain = grains[(page % 2) * GRAINS + i]
        if grain[G_LEFT] == 0.0:
            first = (seed << 32) + 3 * GRAINS * page + 1 + i
            grain[G_PITCH], grain[G_AT] = _uniform(first), _uniform(first + GRAINS)
            grain[G_SIDE] = 2.0 * _uniform(first + 2 * GRAINS) - 1.0
            grain[G_WAITS] = 1.0
    cloud[C_PAGE] += 1.0


@loop("void(f8[::1], f8[::1], f8[:, ::1], i8)")
def _begin(grain: F8, cloud: F8, held: F8, count: int) -> None:
    """Begin a grain with the present pitches, keys and length."""
    low, high, length = cloud[C_LOW], cloud[C_HIGH], cloud[C_LENGTH]
    grain[G_WAITS], grain[G_LEFT], grain[G_VELOCITY] = 0.0, length, 1.0
    grain[G_HERTZ] = low * (high / low) ** grain[G_PITCH]
    if count > 0:
        key = int(grain[G_AT] * 4096.0 * count) % count  # by chance, beside pitch and side
        grain[G_HERTZ] *= held[key, 0] / math.sqrt(low * high)
        grain[G_VELOCITY] = held[key, 1]
    grain[G_PHASE] = 0.0
    grain[G_SWEPT] = 2.0 ** (-0.5 * length * cloud[C_GAMMA])
    grain[G_COSINE], grain[G_SINE] = 1.0, 0.0
    grain[G_TURN_COSINE] = math.cos(2.0 * math.pi / length)
    grain[G_TURN_SINE] = math.sin(2.0 * math.pi / length)


@loop("void(f8[::1], f8[:, ::1], i8, f8[:, ::1], i8, i8, i8)")
def _sound(grain: F8, ramps: F8, i: int, mix: F8, begin: int, end: int, frames: int) -> None:
    """Add grain `i` of its page to frames `begin` to `end` of the mix, (2, frames)."""
    phase, swept, c, s = grain[G_PHASE], grain[G_SWEPT], grain[G_COSINE], grain[G_SINE]
    turn_c, turn_s, hertz = grain[G_TURN_COSINE], grain[G_TURN_SINE], grain[G_HERTZ]
    loud = 0.5 * grain[G_VELOCITY] * math.sqrt(MIDDLE / hertz)
    for n in range(begin, end):
        x = (n + 1.0) / frames
        unit = ramps[0, R_UNIT] + x * (ramps[1, R_UNIT] - ramps[0, R_UNIT])
        level = ramps[0, R_LEVEL + i] + x * (ramps[1, R_LEVEL + i] - ramps[0, R_LEVEL + i])
        step = hertz * swept * unit
        phase += step
        out = loud * level * (1.0 - c) * sine(phase)
        if step > FADE_FROM:
            out *= below_nyquist(step)
        mix[0, n] += out
        mix[1, n] += grain[G_SIDE] * out
        swept *= ramps[0, R_RATIO] + x * (ramps[1, R_RATIO] - ramps[0, R_RATIO])
        c, s = turn_c * c - turn_s * s, turn_s * c + turn_c * s
    grain[G_PHASE], grain[G_SWEPT] = phase - math.floor(phase), swept
    grain[G_COSINE], grain[G_SINE] = c, s
    grain[G_LEFT] -= end - begin


@loop("void(f8[:, ::1], f8[::1], f8[:, ::1], f8[:, ::1], i8, i8, f8[:, ::1], f4[:, :], i8, i8)")
def _render(
    grains: F8, cloud: F8, ramps: F8, held: F8, count: int, seed: int, mix: F8, block: F4,
    begin: int, end: int,
) -> None:  # fmt: skip
    """Write frames `begin` to `end` of `block`, (2, frames).

    `grains`, (2 GRAINS, fields), and `cloud` are the state; `held`, (keys, 2), holds pitch and gain
    of `count` keys; `mix`, (2, frames), takes the sum of the grains, and that weighted by side.
    """
    frames = block.shape[1]
    mix[:, begin:end] = 0.0
    now = begin
    while now < end:
        if cloud[C_PAGE] == 0.0:
            _draw_page(grains, cloud, seed)
        elif cloud[C_NOW] >= math.floor(cloud[C_PAGE_START] + cloud[C_PERIOD]):
            cloud[C_PAGE_START] += cloud[C_PERIOD]
            _draw_page(grains, cloud, seed)
        left = math.floor(cloud[C_PAGE_START] + cloud[C_PERIOD]) - cloud[C_NOW]
        until = now + int(min(float(end - now), max(left, 1.0)))
        running = (int(cloud[C_PAGE]) - 1) % 2  # half of the grains whose page this is
        for place in range(2 * GRAINS):
            grain, first = grains[place], now
            if grain[G_WAITS] == 1.0:
                if place // GRAINS == running:
                    at = (
                        math.floor(cloud[C_PAGE_START] + grain[G_AT] * cloud[C_PERIOD])
                        - cloud[C_NOW]
                    )
                    first = now + int(max(at, 0.0))
                if first >= until:
                    continue
                _begin(grain, cloud, held, count)
            if grain[G_LEFT] > 0.0:
                last = min(until, first + int(grain[G_LEFT]))
                _sound(grain, ramps, place % GRAINS, mix, first, last, frames)
        cloud[C_NOW] += until - now
        now = until
    for n in range(begin, end):
        x = (n + 1.0) / frames
        gain = ramps[0, R_GAIN] + x * (ramps[1, R_GAIN] - ramps[0, R_GAIN])
        side = ramps[0, R_SPREAD] + x * (ramps[1, R_SPREAD] - ramps[0, R_SPREAD])
        block[0, n] = gain * (mix[0, n] - side * mix[1, n])
        block[1, n] = gain * (mix[0, n] + side * mix[1, n])


# --------------------------------------------------------------------------------------------------
# The instrument


class Grains(TunedInstrument):
    """Cloud of grains; held keys give the pitches and the levels of those that begin.

    With several keys, each grain takes one by chance. While frozen, grains do not sweep.
    """

    name = "Grains"
    parameters = PARAMETERS
    seed = 0

    def __init__(self) -> None:
        super().__init__()
        self._keyboard = Keyboard()

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        self._rate = float(sample_rate)
        self._grains = np.zeros((2 * GRAINS, _FIELDS))
        self._cloud = np.zeros(_CLOUD)
        self._ramps = np.zeros((2, _RAMPS))
        self._held = np.zeros((KEYS, 2))
        self._mix = np.zeros((CHANNELS, max_block))
        self.reset()

    def reset(self) -> None:
        """[audio] Forget all sound, as if `prepare` had just returned."""
        self._keyboard.reset()
        self._grains.fill(0.0)
        self._cloud.fill(0.0)
        self._count = 0  # of held keys
        self._fresh, self._frozen = True, False

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        knobs: list[float] = values.tolist()
        begin, frames = 0, block.shape[1]
        if len(events):
            for event in events.tolist():  # gestures ramp over the block
                if event[1] in (EventKind.PITCH_BEND, EventKind.FREEZE):
                    self._hear(*event[1:])
        self._aim(knobs)
        if len(events):
            for event in events.tolist():
                if event[1] in (EventKind.PITCH_BEND, EventKind.FREEZE):
                    continue
                if event[0] > begin:
                    self._render(block, begin, event[0])
                    begin = event[0]
                self._hear(*event[1:])
        self._render(block, begin, frames)

    def _render(self, block: F4, begin: int, end: int) -> None:
        _render(
            self._grains, self._cloud, self._ramps, self._held, self._count, self.seed, self._mix,
            block, begin, end,
        )  # fmt: skip

    def _aim(self, knobs: list[float]) -> None:
        """Set the ends of the ramps of a block."""
        ramps = self._ramps
        slope = 0.5 if self._frozen else knobs[P_SLOPE]
        gamma = SWEEP * math.tan(0.95 * (2.0 * slope - 1.0) * math.pi / 2.0)
        length = min(knobs[P_LENGTH], GRAINS / knobs[P_RATE]) * self._rate
        ramps[0] = ramps[1]
        ramps[1, R_RATIO] = 2.0 ** (gamma / self._rate)
        ramps[1, R_UNIT] = 2.0 ** (self._bend() / 12.0) / self._rate
        ramps[1, R_SPREAD] = knobs[P_SPREAD]
        ramps[1, R_GAIN] = units.db_to_amplitude(knobs[P_GAIN])
        _aim(ramps, knobs[P_DENSITY], length * knobs[P_RATE] / self._rate / GRAINS)
        if self._fresh:
            ramps[0], self._fresh = ramps[1], False
        cloud = self._cloud
        cloud[C_LOW] = knobs[P_LOW]
        cloud[C_HIGH] = max(knobs[P_HIGH], knobs[P_LOW])
        cloud[C_LENGTH] = max(round(length), 2)
        cloud[C_GAMMA] = gamma / self._rate
        _turn(cloud, GRAINS / knobs[P_RATE] * self._rate)

    def _bend(self) -> float:
        """Bend of the channel of the newest key, semitones."""
        held = [key for key in self._keyboard.keys if key.active]
        channel = max(held, key=lambda key: key.pressed).channel if held else 0
        return float(self._keyboard.gestures[BEND, channel])

    def _hear(self, kind: int, channel: int, note: int, value: float) -> None:
        """Apply an event."""
        keyboard, channel, note = self._keyboard, channel % MIDI_CHANNELS, note % MIDI_KEYS
        if kind == EventKind.NOTE_ON and value > 0.0:
            keyboard.press(channel, note, min(value, 1.0), float(self.tuning.hertz[note]))
        elif kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            keyboard.release(channel, note)
        elif kind == EventKind.SUSTAIN:
            keyboard.set_pedal(value >= 0.5)
        elif kind == EventKind.ALL_OFF:
            keyboard.let_go()
        elif kind == EventKind.FREEZE:
            self._frozen = value >= 0.5
        elif kind == EventKind.PITCH_BEND:
            keyboard.gesture(kind, channel, note, value)
        self._count = 0
        for key in keyboard.keys:
            if key.active:
                self._held[self._count, 0], self._held[self._count, 1] = key.hertz, key.gain
                self._count += 1
