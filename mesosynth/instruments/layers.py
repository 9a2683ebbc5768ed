"""Layers: up to eight chirplet arpeggios, each with a delay, a period and a level."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet import (
    P_F_C,
    P_F_M,
    P_GAIN,
    P_GAMMA,
    P_PERIOD,
    P_RELEASE,
    P_SPREAD,
    SIGMA_0,
    Chirplet,
    sweep_seconds,
)
from mesosynth.instruments.chirplet import PARAMETERS as CHIRPLET
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Events, Instrument
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
        self._layers = [Chirplet(self._tuning) for _ in range(LAYERS)]
        self._values = [CHIRPLET.vector({}) for _ in range(LAYERS)]
        for layer in self._layers:
            layer.relative = True

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._block = np.zeros((CHANNELS, max_block), np.float32)
        for layer in self._layers:
            layer.prepare(sample_rate, max_block)
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        for layer in self._layers:
            layer.reset()
        self._fresh = True
        self._silent = [True] * LAYERS

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self._tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`KeyTuning.restore`."""
        self._tuning.restore(state)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples.

        A silent layer needs almost no time and keeps its place in the beat.
        """
        first = self._first_by_key(values)
        own = self._block[:, : block.shape[1]]
        block.fill(0.0)
        for number, layer in enumerate(self._layers):
            silent = self._tell(number, layer, values, first)
            layer.mute(silent and self._silent[number])
            self._silent[number] = silent
            layer.process(self._values[number], events, own)
            if not layer.muted:
                np.add(block, own, out=block)
        self._fresh = False

    def _tell(
        self, number: int, layer: Chirplet, values: NDArray[np.float64], first: float
    ) -> bool:
        """Set a layer's chirplet values; return whether it is silent."""
        at, own = number * _SIZE, self._values[number]
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
        layer.late, layer.keyboard.late = float(values[at + _DELAY]) / period, by_key / period
        if self._fresh:
            layer.restart()
        return level <= SILENT

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
        lead_in = _LEAD_IN * sweep_seconds(float(values[at + _W]), float(values[at + _GAMMA]))
        return float(values[at + _DELAY]) + lead_in
