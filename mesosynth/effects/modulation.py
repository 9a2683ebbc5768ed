"""Modulation: oscillators, an envelope and gestures that move other parameters.

It sounds by nothing itself. As a plugin of the rack its knobs, presets, undo, MIDI and OSC are
those of every effect; the rack asks it for its sources before a block, and gives each plugin whose
parameters it moves that block in parts, one for each of its edges.
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


def _oscillator(n: int) -> list[Parameter]:
    return [
        Parameter(
            f"lfo{n}_rate", f"LFO {n} rate", "Hz", 0.01, 40.0, 1.0,
            "Cycles a second, where it does not follow the tempo.", "log",
        ),
        Parameter(
            f"lfo{n}_shape", f"LFO {n} shape", "", 0.0, 5.0, 0.0, "Form of a cycle.",
            choices=SHAPES,
        ),
        Parameter(
            f"lfo{n}_sync", f"LFO {n} sync", "", 0.0, 1.0, 0.0,
            "Whether a cycle lasts a note value of the tempo.", choices=("free", "tempo"),
        ),
        Parameter(
            f"lfo{n}_division", f"LFO {n} note", "", 0.0, len(DIVISIONS) - 1.0, 8.0,
            "Length of a cycle at the tempo.", choices=tuple(DIVISIONS),
        ),
        Parameter(
            f"lfo{n}_restart", f"LFO {n} restart", "", 0.0, 1.0, 0.0,
            "Whether a key begins its cycle anew.", choices=("never", "by key"),
        ),
    ]  # fmt: skip


def _slot(n: int) -> list[Parameter]:
    return [
        Parameter(
            f"source{n}", f"Source {n}", "", 0.0, len(SOURCES) - 1.0, 0.0,
            "What moves the target.", choices=SOURCES,
        ),
        Parameter(
            f"depth{n}", f"Depth {n}", "", -1.0, 1.0, 0.0,
            "Way of the target's knob, as a part of its travel; below 0 it goes the other way.",
        ),
    ]  # fmt: skip


_TIMES = ((("attack", 0.001, 0.01), ("decay", 0.005, 0.3), ("release", 0.005, 0.3)), 10.0)


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
    amounts : (8,) float64
        Source of each slot, -1 for none, and depths.
    """

    name = "Modulation"
    parameters = ParameterTable(
        [
            *_oscillator(1),
            *_oscillator(2),
            *(
                Parameter(f"env_{id_}", f"Envelope {id_}", "s", low, _TIMES[1], default,
                          f"Time of the envelope's {id_}.", "log")
                for id_, low, default in _TIMES[0]
            ),
            Parameter("env_sustain", "Envelope sustain", "", 0.0, 1.0, 0.5,
                      "Level of the envelope while a key is held."),
            Parameter("follow", "Input release", "s", 0.01, 1.0, 0.1,
                      "Time in which the input's level falls.", "log"),
            *(parameter for n in range(1, SLOTS + 1) for parameter in _slot(n)),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        from mesosynth.effects import modulation_kernel as kernels

        self._kernels, self._sample_rate = kernels, float(sample_rate)
        most = max_block // GRID + _MOST_NOTES + 2
        self.edges, self.sources = np.zeros(most, np.int32), np.zeros((most, kernels.SOURCES))
        self.amounts = np.full(2 * SLOTS, -1.0)
        self._settings = np.zeros(kernels.SETTINGS)
        self._state, self._trial = np.zeros((2, kernels.STATE))
        self._now, self._then, self._at = np.zeros((3, kernels.SOURCES))
        self._held = np.zeros(128 * 16, np.bool_)
        self._index = {id_: i for i, id_ in enumerate(self.parameters)}
        self.parts = 0
        self.reset()

    def reset(self) -> None:
        """[control] Begin all cycles anew, with no key held."""
        self._state.fill(0.0)
        self._settings.fill(0.0)
        self._state[self._kernels.DICE] = 20231.0
        self._now.fill(0.0)
        self._then.fill(0.0)
        self._at.fill(0.0)
        self._held.fill(False)
        self._pedal = False
        self._last = -1  # key pressed last
        self._tempo = self._tempo_knob = 120.0

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
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
        values: NDArray[np.float64],
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
        kernels, place = self._kernels, self._index
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
            self._move(begin, frame, kernels.PRESS if pressed else kernels.PASSING)
            begin = frame
            self._obey(kind, channel, note, value)
        self._move(begin, frames, kernels.BLOCK)

    def _move(self, begin: int, end: int, reason: int) -> None:
        self.parts = self._kernels.move(
            self._state, self._settings, self._at, self._now, self._then, self._trial, begin, end,
            reason, self.parts, self.edges, self.sources,
        )  # fmt: skip

    def _set(self, values: NDArray[np.float64]) -> None:
        """Settings of the kernel from the knobs."""
        kernels, settings, rate = self._kernels, self._settings, self._sample_rate
        for i in range(2):
            hertz, shape, sync, division, restart = values[5 * i : 5 * i + 5].tolist()
            if sync >= 0.5:
                hertz = 1.0 / synced_period(self._tempo, division)
            settings[kernels.STEP + i] = hertz / rate
            settings[kernels.SHAPE + i] = shape
            settings[kernels.RESTART + i] = restart
        attack, decay, release, sustain = values[10:14].tolist()
        settings[kernels.ATTACK] = attack * rate
        settings[kernels.DECAY], settings[kernels.RELEASE] = decay * rate, release * rate
        settings[kernels.SUSTAIN] = sustain

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
        fallen = self._at[self._kernels.INPUT] - frames / (self._sample_rate * release)
        self._at[self._kernels.INPUT] = min(max(heard, fallen, 0.0), 1.0)

    def _obey(self, kind: int, channel: int, note: int, value: float) -> None:
        kernels, at = self._kernels, self._at
        if kind == EventKind.NOTE_ON and value > 0.0:
            self._press(channel, note, value)
        elif kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            self._held[128 * (channel % 16) + note % 128] = False
            self._look_at_keys()
        elif kind == EventKind.SUSTAIN:
            self._pedal = value >= 0.5
            self._look_at_keys()
        elif kind == EventKind.ALL_OFF:
            self._held.fill(False)
            self._pedal = False
            self._look_at_keys()
        elif kind == EventKind.PRESSURE and note in (WHOLE_CHANNEL, self._last):
            at[kernels.PRESSURE] = min(max(value, 0.0), 1.0)
        elif kind == EventKind.WHEEL:
            at[kernels.WHEEL] = min(max(value, 0.0), 1.0)

    def _press(self, channel: int, note: int, velocity: float) -> None:
        kernels, at, state = self._kernels, self._at, self._state
        self._held[128 * (channel % 16) + note % 128] = True
        self._last = note
        at[kernels.VELOCITY] = min(velocity, 1.0)
        at[kernels.KEY] = min(max((note - _MIDDLE_KEY) / _KEYS_EACH_WAY, -1.0), 1.0)
        at[kernels.CHANCE] = kernels.draw(state)
        self._settings[kernels.GATE] = state[kernels.RISING] = 1.0
        for i in range(2):
            if self._settings[kernels.RESTART + i] >= 0.5:
                state[kernels.PHASE + i] = 0.0

    def _look_at_keys(self) -> None:
        gate, held = self._kernels.GATE, self._pedal or bool(self._held.any())
        self._settings[gate] = float(held and self._settings[gate] > 0.0)


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
