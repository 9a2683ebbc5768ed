"""Layers: up to eight chirplet arpeggios, each with a delay, a period and a level."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet import MIDI_KEYS, Chirplet
from mesosynth.instruments.chirplet_parameters import (
    P_F_C,
    P_F_M,
    P_GAIN,
    P_GAMMA,
    P_PERIOD,
    P_RELEASE,
    P_SPREAD,
    SIGMA_0,
)
from mesosynth.instruments.chirplet_parameters import PARAMETERS as CHIRPLET
from mesosynth.instruments.chirplet_waves import Motion
from mesosynth.instruments.keyboard import MIDI_CHANNELS
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Events, Instrument
from mesosynth.plugins.tempo import Pulse
from mesosynth.plugins.tuning import KeyTuning

# --------------------------------------------------------------------------------------------------
# Parameter table: ten parameters for each of eight layers, and some for all


LAYERS = 8

SILENT = -60.0
"""Level at which a layer is silent, dB."""

LAYER_IDS = (
    "f_c", "f_m", "gamma", "w", "am_shape", "am_depth", "brightness", "period", "delay", "level",
)  # fmt: skip
"""Parameters of a layer, in order; those of layer k have the suffix ``_k``, 1 to LAYERS."""

_LOUD = -9.0  # dB, default of the first layer

_OF_A_LAYER = [
    *(
        replace(CHIRPLET[id_], matchable=False)
        for id_ in ("f_c", "f_m", "gamma", "w", "am_shape", "am_depth", "brightness")
    ),
    replace(CHIRPLET["period"], default=4.0, description="Time from one start to the next."),
    Parameter(
        "delay", "Delay", "s", 0.0, 16.0, 0.0, "How late within its period the arpeggio starts."
    ),
    Parameter(
        "level", "Level", "dB", SILENT, 6.0, SILENT, "Of this layer; at the lowest it is silent."
    ),
]


def _layer(number: int) -> list[Parameter]:
    return [
        replace(
            parameter,
            id=f"{parameter.id}_{number}",
            name=f"{parameter.name} {number}",
            default=_LOUD if (parameter.id, number) == ("level", 1) else parameter.default,
        )
        for parameter in _OF_A_LAYER
    ]


PARAMETERS = ParameterTable(
    [
        *(parameter for number in range(1, LAYERS + 1) for parameter in _layer(number)),
        Parameter(
            "transpose", "Transpose", "semitones", -36.0, 36.0, 0.0, "Shifts all layers' pitch."
        ),
        Parameter(
            "speed", "Speed", "", 0.25, 4.0, 1.0,
            "How fast everything runs: sweeps, notes, and the time between starts.", curve="log",
        ),
        CHIRPLET["spread"],
        CHIRPLET["release"],
        replace(CHIRPLET["gain"], default=0.0),
    ]
)  # fmt: skip

P_ALL_TRANSPOSE, P_ALL_SPEED, P_ALL_SPREAD, P_ALL_RELEASE, P_ALL_GAIN = range(
    LAYERS * len(LAYER_IDS), LAYERS * len(LAYER_IDS) + 5
)
"""Indices in the vector of the parameters for all layers."""


# --------------------------------------------------------------------------------------------------
# One layer: a delayed chirplet, tuned around its own pitch


MIDDLE_C = 440.0 * 2.0 ** (-9 / 12)
"""Pitch of the key that plays layers without transposition, Hz."""


class LayerVoice(Chirplet):
    """A chirplet among others.

    Parameters
    ----------
    tuning : KeyTuning
        Of all layers' keys.
    motion : Motion
        Ramps; layers play one after the other, so all share one.

    Attributes
    ----------
    values : (parameters,) float64
        Chirplet parameters at the end of the block; the gain may be -inf.
    """

    def __init__(self, tuning: KeyTuning, motion: Motion) -> None:
        super().__init__()
        self._tuning, self._lent = tuning, motion
        self.values: NDArray[np.float64] = CHIRPLET.vector({})

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        super().prepare(sample_rate, max_block)
        self._motion = self._lent

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        super().reset()
        self._fresh, self._resting = True, False
        self._was_silent = True

    def delay(self, late: float, late_by_key: float) -> None:
        """[audio] Set the delay of the arpeggios after the beat.

        Parameters
        ----------
        late : float
            Without a key, periods.
        late_by_key : float
            With a key, periods.
        """
        self._late, self._keyboard.late = late, late_by_key
        if self._fresh:
            self._pulse.restart(late)
            self._fresh = False

    def play(self, events: Events, block: NDArray[np.float32]) -> bool:
        """[audio] Overwrite `block` unless the layer is silent.

        A silent layer needs almost no time and keeps its place in the beat.

        Parameters
        ----------
        events : (k,) EVENT
        block : (2, frames) float32

        Returns
        -------
        bool
            Whether `block` was overwritten.
        """
        silent = float(self.values[P_GAIN]) == -math.inf
        if silent and self._was_silent:
            self._rest(events, block.shape[1])
            return False
        self._resting = False
        self._was_silent = silent
        self.process(self.values, events, block)
        return True

    def _hertz(self, note: int) -> float:
        return float(self.values[P_F_C]) * super()._hertz(note) / MIDDLE_C

    def _rest(self, events: Events, frames: int) -> None:
        """Advance clocks and apply events without a sound."""
        if not self._resting:
            self._arpeggios.voices.count = 0
            self._ramps.reset()
            self._resting = True
        self._sort(events)
        period = self._period(self.values)
        begin = 0
        while begin < frames:
            while self._notes and self._notes[-1][0] <= begin:
                _, kind, channel, note, value = self._notes.pop()
                self._obey(kind, channel % MIDI_CHANNELS, note % MIDI_KEYS, value, self.values)
            end = min(self._notes[-1][0], frames) if self._notes else frames
            self._advance((end - begin) / period)
            begin = end
        if self._runs:
            self._pass_over(self._pulse, self._late, period)
        for place, key in enumerate(self._keyboard.keys):
            if key.active:
                self._pass_over(self._keyboard.pulse(place), self._keyboard.late, period)

    @staticmethod
    def _pass_over(pulse: Pulse, late: float, period: float) -> None:
        # A start at the next block's first sample belongs to that block.
        while pulse.wait(period) < 0:
            pulse.start(0.0, late)


# --------------------------------------------------------------------------------------------------
# The instrument: eight chirplets that play a phrase
#
# Each layer repeats by its own period and starts its own delay after the beat, so that a few of
# them play the phrase that a match with layers found in a recording. Layers at the lowest level
# need almost no time. A key plays all of them, transposed by its distance from middle C; the first
# layer answers at once, and the others follow by their delays.


_SIZE = len(LAYER_IDS)
_GAMMA, _W, _PERIOD, _DELAY, _LEVEL = (
    LAYER_IDS.index(id_) for id_ in ("gamma", "w", "period", "delay", "level")
)
_COPIED = LAYER_IDS.index("brightness") + 1  # number of a layer's values that are a chirplet's
_LEAD_IN = 3.0 * SIGMA_0  # of w / |gamma|: time that a start by a key leaves out


class Layers(Instrument):
    """Up to eight chirplets, each with its own sweep, period, delay and level."""

    name = "Layers"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self._tuning = KeyTuning()
        motion = Motion()
        self._layers = [LayerVoice(self._tuning, motion) for _ in range(LAYERS)]

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._block = np.zeros((CHANNELS, max_block), np.float32)
        for layer in self._layers:
            layer.prepare(sample_rate, max_block)

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        for layer in self._layers:
            layer.reset()

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self._tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`KeyTuning.restore`."""
        self._tuning.restore(state)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        first = self._first_by_key(values)
        own = self._block[:, : block.shape[1]]
        block.fill(0.0)
        for number, layer in enumerate(self._layers):
            self._tell(number, layer, values, first)
            if layer.play(events, own):
                np.add(block, own, out=block)

    def _tell(
        self, number: int, layer: LayerVoice, values: NDArray[np.float64], first: float
    ) -> None:
        """Set a layer's chirplet values."""
        at, own = number * _SIZE, layer.values
        speed = float(values[P_ALL_SPEED])
        own[:_COPIED] = values[at : at + _COPIED]
        own[P_F_C] *= 2.0 ** (float(values[P_ALL_TRANSPOSE]) / 12.0)
        own[P_F_M] *= speed
        own[P_GAMMA] *= speed
        own[P_PERIOD] = values[at + _PERIOD] / speed
        own[P_SPREAD], own[P_RELEASE] = values[P_ALL_SPREAD], values[P_ALL_RELEASE]
        level = float(values[at + _LEVEL])
        own[P_GAIN] = level + float(values[P_ALL_GAIN]) if level > SILENT else -math.inf
        period = float(values[at + _PERIOD])
        by_key = self._by_key(values, at) - first if level > SILENT else 0.0
        layer.delay(float(values[at + _DELAY]) / period, by_key / period)

    def _first_by_key(self, values: NDArray[np.float64]) -> float:
        """Delay of the first layer after a key, s, at full delays and speed 1."""
        first = math.inf
        for number in range(LAYERS):
            at = number * _SIZE
            if float(values[at + _LEVEL]) > SILENT:
                first = min(first, self._by_key(values, at))
        return first

    @staticmethod
    def _by_key(values: NDArray[np.float64], at: int) -> float:
        """Delay of a layer after a key, s: its delay and the lead-in that a key leaves out."""
        lead_in = _LEAD_IN * float(values[at + _W]) / abs(float(values[at + _GAMMA]))
        return float(values[at + _DELAY]) + lead_in
