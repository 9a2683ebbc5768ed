"""Modulation: oscillators, an envelope and gestures that move other parameters.

It sounds by nothing itself. As a plugin of the rack its knobs, presets, undo, MIDI and OSC are
those of every effect; the rack asks it for its sources before a block, and gives each plugin whose
parameters it moves that block in parts, one for each of its edges.

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
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import WHOLE_CHANNEL, Effect, EventKind, Events
from mesosynth.plugins.tempo import DIVISIONS, synced_period
from mesosynth.system.kernels import F4, F8, compile_loops, loop

NAME = "modulation"
"""Its name in presets, and its uid in a rack."""

SLOTS = 8
"""Number of targets."""

GRID = 64
"""Samples from one computed value of a source to the next; 1.3 ms at 48 kHz."""

SOURCES = (
    "off", "LFO 1", "LFO 2", "envelope", "velocity", "wheel", "pressure", "key", "random", "input",
)  # fmt: skip
"""Choices of a slot. Oscillators, key and random go from -1 to 1, the others from 0 to 1."""

BIPOLAR = frozenset(("LFO 1", "LFO 2", "key", "random"))
"""Sources that go both ways."""

SHAPES = ("sine", "triangle", "saw up", "saw down", "square", "random")

_MIDDLE_KEY, _KEYS_EACH_WAY = 60, 60
_MOST_NOTES = 512  # in a block, as the callback takes them
_FLOOR = 60.0  # dB below full scale, where the follower of the input begins

# --------------------------------------------------------------------------------------------------
# Sample loops


SINE, TRIANGLE, SAW_UP, SAW_DOWN, SQUARE, RANDOM = range(6)

LFO_1, LFO_2, ENVELOPE, VELOCITY, WHEEL, PRESSURE, KEY, CHANCE, INPUT = range(len(SOURCES) - 1)
"""Columns of the sources."""

PHASE, DRAWN, LEVEL, RISING, DICE, LEFT, STATE = 0, 2, 4, 5, 6, 7, 8
"""State at the beginning of a segment: phase and random value of both oscillators, level of the
envelope and whether it rises, the random generator, the samples left of the segment; its length."""

STEP, SHAPE, RESTART, ATTACK, DECAY, SUSTAIN, RELEASE, GATE, SETTINGS = 0, 2, 4, 6, 7, 8, 9, 10, 11
"""Settings: increments per sample of both oscillators, their shapes and whether a key restarts
them, samples of attack, decay and release, sustain, whether a key is held; their number."""

PASSING, BLOCK, PRESS = range(3)
"""Reasons why a part of a block ends: none of its own; the block does, which makes an edge even
inside a segment; or a key is pressed, where a new segment begins, too."""

LINEAR, LOGARITHMIC, SIGNED, ASINH = range(4)
"""Curves of a target, as in :class:`mesosynth.plugins.parameters.Parameter`."""


@loop("f8(f8[::1])")
def _draw(state: F8) -> float:
    """Next pseudo-random number, -1 to 1 (the minimal standard generator of Park and Miller)."""
    state[DICE] = (state[DICE] * 48271.0) % 2147483647.0
    return 2.0 * state[DICE] / 2147483647.0 - 1.0


@loop("f8(f8, f8, f8)")
def _oscillate(shape: float, p: float, drawn: float) -> float:
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


@loop("void(f8[::1], f8[::1], f8[::1], f8)")
def _advance(state: F8, settings: F8, sources: F8, frames: float) -> None:
    """Advance oscillators and envelope by `frames` samples, and write them to `sources`."""
    for i in range(2):
        p = state[PHASE + i] + settings[STEP + i] * frames
        if p >= 1.0:
            state[DRAWN + i] = _draw(state)
        p -= math.floor(p)
        state[PHASE + i] = p
        sources[LFO_1 + i] = _oscillate(settings[SHAPE + i], p, state[DRAWN + i])
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


@loop(
    "i8(f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], i8, i8, i8, i8, i4[::1], f8[:, ::1])"
)
def _move(
    state: F8, settings: F8, sources: F8, now: F8, then: F8, trial: F8, begin: int, end: int,
    reason: int, count: int, edges: NDArray[np.int32], table: F8,
) -> int:  # fmt: skip
    """Advance all sources from frame `begin` of a block to `end`; return the number of edges.

    `sources` are read for those of gestures; `now` and `then` are the values at the present sample
    and at the end of the segment; `trial` is memory. From `count` on, `edges` takes the frames at
    which parts of the block end, and `table`, (n, sources), the values there.
    """
    frame = begin
    while frame < end:
        if state[LEFT] <= 0.0:
            state[LEFT] = GRID
            trial[:] = state
            then[:] = sources
            _advance(trial, settings, then, GRID)
        step = min(state[LEFT], end - frame)
        for i in range(len(now)):
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
        _advance(state, settings, sources, GRID - state[LEFT])
        state[LEFT] = 0.0
    return count


@loop("void(f8[::1], f8[::1], f8[:, ::1], f8[::1], f8[::1])")
def apply_modulation(values: F8, moved: F8, targets: F8, amounts: F8, sources: F8) -> None:
    """Write a plugin's values, moved by the sources, to `moved`.

    Parameters
    ----------
    values, moved : (parameters,) float64
    targets : (n, 7) float64
        Slot, index of the parameter, curve, minimum, maximum, smallest magnitude, and whether only
        whole values are legal.
    amounts : (2 SLOTS,) float64
        Number of each slot's source (-1 for none), then depths: at a depth of 1 the source moves
        the parameter by the whole of its knob's travel.
    sources : (n,) float64
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


# --------------------------------------------------------------------------------------------------
# The plugin


def _oscillator(n: int) -> list[Parameter]:
    return [
        Parameter(f"lfo{n}_rate", f"LFO {n} rate", "Hz", 0.01, 40.0, 1.0,
                  "Cycles a second, where it does not follow the tempo.", "log"),
        Parameter(f"lfo{n}_shape", f"LFO {n} shape", "", 0.0, 5.0, 0.0, "Form of a cycle.",
                  choices=SHAPES),
        Parameter(f"lfo{n}_sync", f"LFO {n} sync", "", 0.0, 1.0, 0.0,
                  "Whether a cycle lasts a note value of the tempo.", choices=("free", "tempo")),
        Parameter(f"lfo{n}_division", f"LFO {n} note", "", 0.0, len(DIVISIONS) - 1.0, 8.0,
                  "Length of a cycle at the tempo.", choices=tuple(DIVISIONS)),
        Parameter(f"lfo{n}_restart", f"LFO {n} restart", "", 0.0, 1.0, 0.0,
                  "Whether a key begins its cycle anew.", choices=("never", "by key")),
    ]  # fmt: skip


def _slot(n: int) -> list[Parameter]:
    return [
        Parameter(f"source{n}", f"Source {n}", "", 0.0, len(SOURCES) - 1.0, 0.0,
                  "What moves the target.", choices=SOURCES),
        Parameter(f"depth{n}", f"Depth {n}", "", -1.0, 1.0, 0.0,
                  "Way of the target's knob, as a part of its travel; below 0 the other way."),
    ]  # fmt: skip


class Gestures:
    """Held keys, pedal, wheel and pressure, which a rack keeps for its modulation."""

    def __init__(self) -> None:
        self.sources = np.zeros(len(SOURCES) - 1)  # as the events left them, without "off"
        self.gate = False  # whether a key is held, by finger or pedal
        self._held = np.zeros(128 * 16, np.bool_)
        self.reset()

    def reset(self) -> None:
        """Release all keys and centre all gestures."""
        self.sources.fill(0.0)
        self._held.fill(False)
        self.gate = self._pedal = False
        self._last = -1  # key pressed last

    def obey(self, kind: int, channel: int, note: int, value: float) -> bool:
        """[audio] Apply an event.

        Parameters
        ----------
        kind, channel, note, value
            Of the event, as in :data:`mesosynth.plugins.plugin.EVENT`.

        Returns
        -------
        bool
            Whether it pressed a key.
        """
        sources, key = self.sources, 128 * (channel % 16) + note % 128
        if kind == EventKind.NOTE_ON and value > 0.0:
            self._held[key] = self.gate = True
            self._last = note
            sources[VELOCITY] = min(value, 1.0)
            sources[KEY] = min(max((note - _MIDDLE_KEY) / _KEYS_EACH_WAY, -1.0), 1.0)
            return True
        if kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            self._held[key] = False
        elif kind == EventKind.SUSTAIN:
            self._pedal = value >= 0.5
        elif kind == EventKind.ALL_OFF:
            self._held.fill(False)
            self._pedal = False
        elif kind == EventKind.PRESSURE and note in (WHOLE_CHANNEL, self._last):
            sources[PRESSURE] = min(max(value, 0.0), 1.0)
        elif kind == EventKind.WHEEL:
            sources[WHEEL] = min(max(value, 0.0), 1.0)
        self.gate = self.gate and (self._pedal or bool(self._held.any()))
        return False


class Modulation(Effect):
    """Modulation: two oscillators, an envelope, keys, wheel and input, for eight parameters.

    Attributes
    ----------
    edges : (n,) int32
        Frames at which the parts of the present block end; the first :attr:`parts` count.
    parts : int
        Number of parts of the present block.
    sources : (n, 9) float64
        Values of the sources at those edges, in the order of SOURCES without "off".
    amounts : (16,) float64
        Source of each slot, -1 for none, and depths.
    gestures : Gestures
        Its own until :meth:`join`.
    """

    name = "Modulation"
    parameters = ParameterTable(
        [
            *_oscillator(1),
            *_oscillator(2),
            Parameter("env_attack", "Envelope attack", "s", 0.001, 10.0, 0.01,
                      "Time of the envelope's attack.", "log"),
            Parameter("env_decay", "Envelope decay", "s", 0.005, 10.0, 0.3,
                      "Time of the envelope's decay.", "log"),
            Parameter("env_release", "Envelope release", "s", 0.005, 10.0, 0.3,
                      "Time of the envelope's release.", "log"),
            Parameter("env_sustain", "Envelope sustain", "", 0.0, 1.0, 0.5,
                      "Level of the envelope while a key is held."),
            Parameter("follow", "Input release", "s", 0.01, 1.0, 0.1,
                      "Time in which the input's level falls.", "log"),
            *(parameter for n in range(1, SLOTS + 1) for parameter in _slot(n)),
        ]
    )  # fmt: skip

    def __init__(self) -> None:
        self.gestures = Gestures()

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        self._sample_rate = float(sample_rate)
        most = max_block // GRID + _MOST_NOTES + 2
        self.edges, self.sources = np.zeros(most, np.int32), np.zeros((most, len(SOURCES) - 1))
        self.amounts = np.full(2 * SLOTS, -1.0)
        self._settings = np.zeros(SETTINGS)
        self._state, self._trial = np.zeros((2, STATE))
        self._now, self._then = np.zeros((2, len(SOURCES) - 1))
        self.gestures.reset()
        self._index = {id_: i for i, id_ in enumerate(self.parameters)}
        self.parts = 0
        self.reset()

    def reset(self) -> None:
        """[control] Begin all cycles anew."""
        self._state.fill(0.0)
        self._settings.fill(0.0)
        self._state[DICE] = 20231.0
        self._now.fill(0.0)
        self._then.fill(0.0)
        self._catch_up()
        self._tempo = self._tempo_knob = 120.0

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Leave `block` as it is: sources are asked for by :meth:`begin_block`."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Check a state: its targets, which the rack reads.

        Raises
        ------
        ArgumentError
            If they are no list of at most :data:`SLOTS` ids.
        """
        targets_of(state)

    def begin_block(
        self,
        values: F8,
        events: Events,
        frames: int,
        tempo: float,
        level: float,
    ) -> None:
        """[audio] Compute the sources of the next block.

        Parameters
        ----------
        values : (len(parameters),) float64
        events : (k,) EVENT
            Events of the block.
        frames : int
            Length of the block.
        tempo : float
            Of the instrument's knob, quarter notes a minute; 0 where it has none.
        level : float
            Peak of the input in that time, 0 to 1; 0 where it is closed.
        """
        place = self._index
        for slot in range(SLOTS):
            self.amounts[slot] = values[place["source1"] + 2 * slot] - 1.0
            self.amounts[SLOTS + slot] = values[place["depth1"] + 2 * slot]
        self._follow_tempo(events, tempo)
        self._set(values)
        self._follow_input(level, frames, float(values[place["follow"]]))
        begin = self.parts = 0
        for i in range(len(events)):
            frame, kind, channel, note, value = events[i].item()
            pressed = kind == EventKind.NOTE_ON and value > 0.0
            self._move(begin, frame, PRESS if pressed else PASSING)
            begin = frame
            self._obey(kind, channel, note, value)
        self._move(begin, frames, BLOCK)

    def _move(self, begin: int, end: int, reason: int) -> None:
        self.parts = _move(
            self._state, self._settings, self.gestures.sources, self._now, self._then, self._trial,
            begin, end, reason, self.parts, self.edges, self.sources,
        )  # fmt: skip

    def _set(self, values: F8) -> None:
        """Settings of the kernel from the knobs."""
        settings, rate = self._settings, self._sample_rate
        for i in range(2):
            hertz, shape, sync, division, restart = values[5 * i : 5 * i + 5].tolist()
            if sync >= 0.5:
                hertz = 1.0 / synced_period(self._tempo, division)
            settings[STEP + i] = hertz / rate
            settings[SHAPE + i] = shape
            settings[RESTART + i] = restart
        attack, decay, release, sustain = values[10:14].tolist()
        settings[ATTACK] = attack * rate
        settings[DECAY], settings[RELEASE] = decay * rate, release * rate
        settings[SUSTAIN] = sustain

    def _follow_tempo(self, events: Events, tempo: float) -> None:
        if tempo > 0.0 and tempo != self._tempo_knob:  # the last change counts, as in instruments
            self._tempo = self._tempo_knob = tempo
        for i in range(len(events)):
            _, kind, _, _, value = events[i].item()
            if kind == EventKind.TEMPO and value > 0.0:
                self._tempo = min(max(value, 5.0), 960.0)

    def _follow_input(self, level: float, frames: int, release: float) -> None:
        """Level of the input in decibels, as 0 to 1, which rises at once and falls in time."""
        heard = 1.0 + 20.0 * math.log10(max(level, 1e-6)) / _FLOOR
        fallen = self.gestures.sources[INPUT] - frames / (self._sample_rate * release)
        self.gestures.sources[INPUT] = min(max(heard, fallen, 0.0), 1.0)

    def join(self, gestures: Gestures) -> None:
        """[control] Share the keys and gestures of a rack; a key that is held is pressed anew."""
        if self.gestures is not gestures:
            self.gestures = gestures
            self._catch_up()

    def _catch_up(self) -> None:
        self._settings[GATE] = self.gestures.gate
        if self.gestures.gate:
            self._press()

    def _obey(self, kind: int, channel: int, note: int, value: float) -> None:
        pressed = self.gestures.obey(kind, channel, note, value)
        self._settings[GATE] = self.gestures.gate
        if pressed:
            self._press()

    def _press(self) -> None:
        state = self._state
        self.gestures.sources[CHANCE] = _draw(state)
        state[RISING] = 1.0
        for i in range(2):
            if self._settings[RESTART + i] >= 0.5:
                state[PHASE + i] = 0.0


def targets_of(state: Mapping[str, Any]) -> Sequence[str]:
    """Ids of the parameters that the slots move, as a session has them: "f_c" or "delay.time".

    An empty id is a slot without a target. Missing ones are empty.

    Raises
    ------
    ArgumentError
        If they are no list of at most :data:`SLOTS` ids.
    """
    targets: object = state.get("targets", [])
    if not isinstance(targets, list | tuple) or len(targets) > SLOTS:
        raise ArgumentError(f"targets={targets!r} must be a list of at most {SLOTS} parameter ids.")
    for id_ in targets:
        if not isinstance(id_, str) or len(id_) > 200:
            raise ArgumentError(f"targets: {id_!r} is no parameter id.")
    return [*targets, *[""] * (SLOTS - len(targets))]
