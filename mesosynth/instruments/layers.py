"""Layers: eight chirplets in one instrument, a phrase rather than an arpeggio.

Each layer repeats by its own period and starts its own delay after the beat, so that a few of them
play what a match with layers found in a recording, over and over. Layers at the lowest level cost
next to nothing. A key plays all of them, transposed by its distance from middle C; what would come
first answers at once, and the others follow as far behind as their delays say.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from mesosynth.instruments.chirplet_waves import Motion
from mesosynth.instruments.key_tuning import KeyTuning
from mesosynth.instruments.layer import Layer
from mesosynth.instruments.layers_parameters import (
    LAYER_IDS,
    LAYERS,
    P_ALL_GAIN,
    P_ALL_RELEASE,
    P_ALL_SPEED,
    P_ALL_SPREAD,
    P_ALL_TRANSPOSE,
    PARAMETERS,
    SILENT,
)
from mesosynth.plugins.plugin import CHANNELS, Events, Instrument

_SIZE = len(LAYER_IDS)
_GAMMA, _W, _PERIOD, _DELAY, _LEVEL = (
    LAYER_IDS.index(id_) for id_ in ("gamma", "w", "period", "delay", "level")
)
_COPIED = LAYER_IDS.index("brightness") + 1  # the first of a layer's values are the chirplet's own
_WAY_IN = 3.0 * SIGMA_0  # of w / |gamma|: how much longer before its middle it starts without a key


class Layers(Instrument):
    """Up to eight chirplets, each with its own sweep, period, delay and level."""

    name = "Layers"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self._tuning = KeyTuning()
        motion = Motion()
        self._layers = [Layer(self._tuning, motion) for _ in range(LAYERS)]

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
        """[control] The scale that keys are tuned to, if it is not the equal temperament."""
        return self._tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`KeyTuning.restore` says."""
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

    def _tell(self, number: int, layer: Layer, values: NDArray[np.float64], first: float) -> None:
        """Translate what a layer should do into a chirplet's values."""
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
        """When the first layer would answer a key, s after it at full delays and speed 1."""
        first = math.inf
        for number in range(LAYERS):
            at = number * _SIZE
            if float(values[at + _LEVEL]) > SILENT:
                first = min(first, self._by_key(values, at))
        return first

    @staticmethod
    def _by_key(values: NDArray[np.float64], at: int) -> float:
        """A layer's delay, later by how much of its way in a key leaves out."""
        way_in = _WAY_IN * float(values[at + _W]) / abs(float(values[at + _GAMMA]))
        return float(values[at + _DELAY]) + way_in
