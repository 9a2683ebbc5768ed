"""Layers: up to twelve instruments of any kind, each with a delay, a period and a level."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import PARAMETERS as CHIRPLET
from mesosynth.instruments.chirplet import SIGMA_0, sweep_seconds
from mesosynth.instruments.envelope import Enveloped, enveloped_table
from mesosynth.instruments.keyboard import REPETITION, KeyboardInstrument, TunedInstrument
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Events, Instrument
from mesosynth.plugins.tuning import KeyTuning

# --------------------------------------------------------------------------------------------------
# Parameter table: ten parameters for each of twelve layers, and some for all


LAYERS = 12

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
        "delay",
        "Delay",
        "s",
        -8.0,
        16.0,
        0.0,
        "How late in its period the layer starts; before 0 it is under way at the beginning.",
    ),
    Parameter("level", "Level", "dB", SILENT, 6.0, SILENT, "At the lowest it is silent."),
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
        Parameter("transpose", "Transpose", "semitones", -36.0, 36.0, 0.0,
                  "Shifts all layers' pitch."),
        Parameter("speed", "Speed", "", 0.25, 4.0, 1.0,
                  "How fast everything runs: sweeps, notes, and the time between starts.",
                  curve="log"),
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
# The instrument: layers that play a phrase
#
# Each layer repeats by its own period and starts its own delay after the beat, so that a few of
# them play the phrase that a match with layers found in a recording. Layers at the lowest level
# need almost no time. A key plays all of them, transposed by its distance from middle C; the first
# layer answers at once, and the others follow by their delays.
#
# A layer is a chirplet unless the state names another instrument, with its parameters. Those that
# it has by the name of a layer's parameter, its pitch for f_c first of all, follow that one. What
# sounds all the time, such as a ripple, has no delay, unless it is given an envelope: an attack and
# a decay, of each start.


_SIZE = len(LAYER_IDS)
_F_C, _GAMMA, _W, _PERIOD, _DELAY, _LEVEL = (
    LAYER_IDS.index(id_) for id_ in ("f_c", "gamma", "w", "period", "delay", "level")
)
_FASTER = frozenset(("f_m", "gamma"))
_OF_ALL = frozenset(("tuning", "delay"))  # what a layer takes from all layers, not from its state
_LEAD_IN = 3.0 * SIGMA_0  # of an arpeggio's sweep: time that a start by a key leaves out


class LayerVoice:
    """One layer: an instrument, its values, and those of them that follow the layer's parameters.

    Parameters
    ----------
    name : str
        Of the instrument.
    values : mapping
        Its parameters by id; with the decay of an envelope, a ripple or grains are events.
    state : mapping, optional
        What it keeps beside them, but for the scale: the file of a sampler.

    Raises
    ------
    ArgumentError
        If there is no such instrument, if it cannot be a layer, or if it has no such parameter or
        state.
    """

    def __init__(
        self, name: str, values: Mapping[str, float], state: Mapping[str, Any] | None = None
    ) -> None:
        from mesosynth.instruments import instrument_class

        kind = instrument_class(name)
        if issubclass(kind, Layers):
            raise ArgumentError("instrument='layers' cannot be a layer itself.")
        self.name, self.instrument = name, kind()
        if "decay" in values and enveloped_table(kind) is not kind.parameters:
            self.instrument = Enveloped(self.instrument, values)
        table = self.instrument.parameters
        self.given = {id_: table[id_].clamp(float(value)) for id_, value in values.items()}
        self.state = {id_: one for id_, one in (state or {}).items() if id_ not in _OF_ALL}
        self.instrument.restore(self.state)
        self.values = table.vector(values)
        pitch = "f_c"
        if isinstance(self.instrument, TunedInstrument) and self.instrument.pitch:
            self.instrument.relative, pitch = True, self.instrument.pitch
        own = (pitch if id_ == "f_c" else id_ for id_ in LAYER_IDS)
        self._followed = [(column, table[id_]) for column, id_ in enumerate(own) if id_ in table]
        self._index = table.index
        self._sweeps = name == "chirplet"
        self._gain, self._spread, self._release = (
            table.index(id_) if id_ in table else -1 for id_ in ("gain", "spread", "release")
        )
        self.silent = True

    def play(self, silent: bool, events: Events, block: NDArray[np.float32]) -> bool:
        """[audio] Overwrite `block` unless the layer is silent; return whether it is to be heard.

        Parameters
        ----------
        silent, events, block
            Whether its level ends at the lowest, where it keeps its place in the beat; (k,) EVENT;
            (2, frames) float32.
        """
        rests = silent and self.silent
        self.silent = silent
        if isinstance(self.instrument, KeyboardInstrument):
            self.instrument.mute(rests)
        elif rests and not len(events):
            return False
        self.instrument.process(self.values, events, block)
        return not rests

    @property
    def followed_values(self) -> dict[str, float]:
        """The layer's parameters by id, without its number, that stand where the given ones do."""
        return {
            LAYER_IDS[column]: float(self.values[self._index(parameter.id)])
            for column, parameter in self._followed
        }

    @property
    def heard(self) -> list[str]:
        """Parameters of a layer, without its number, that change its sound."""
        late = ["delay"] if isinstance(self.instrument, KeyboardInstrument) else []
        return [*self.followed_values, *late, "level"]

    @property
    def own_values(self) -> dict[str, float]:
        """Parameters by id that only this layer's state has, such as those of an envelope."""
        elsewhere = {*(one.id for _, one in self._followed), *(one.id for one in REPETITION)}
        return {
            id_: float(value)
            for id_, value in zip(self.instrument.parameters, self.values, strict=True)
            if id_ not in elsewhere and id_ not in ("gain", "spread", "release")
        }

    def lead_in(self, knobs: list[float], at: int) -> float:
        """Time from its start to where it is audible, s, at full speed.

        Parameters
        ----------
        knobs, at
            All parameters of the layers, and the index of this one's first.
        """
        return _LEAD_IN * sweep_seconds(knobs[at + _W], knobs[at + _GAMMA]) if self._sweeps else 0.0

    def aim(self, knobs: list[float], at: int, first: float) -> None:
        """[audio] Set the values at the end of a block.

        Parameters
        ----------
        knobs, at, first
            As for :meth:`lead_in`, and the delay of the first layer after a key, s.
        """
        speed, level, own = knobs[P_ALL_SPEED], knobs[at + _LEVEL], self.values
        for column, parameter in self._followed:
            value = knobs[at + column]
            if column == _F_C:
                value *= 2.0 ** (knobs[P_ALL_TRANSPOSE] / 12.0)
            elif column == _PERIOD:
                value /= speed
            elif parameter.id in _FASTER:
                value *= speed
            # A chirplet may be as fast and as high as all layers together make it.
            own[self._index(parameter.id)] = value if self._sweeps else parameter.clamp(value)
        if self._spread >= 0:
            own[self._spread] = knobs[P_ALL_SPREAD]
        if self._release >= 0:
            own[self._release] = knobs[P_ALL_RELEASE]
        own[self._gain] = level + knobs[P_ALL_GAIN] if level > SILENT else -math.inf
        if isinstance(self.instrument, KeyboardInstrument):
            delay, period = knobs[at + _DELAY], knobs[at + _PERIOD]
            by_key = delay + self.lead_in(knobs, at) - first if level > SILENT else 0.0
            self.instrument.late, self.instrument.keyboard.late = delay / period, by_key / period


class Layers(Instrument):
    """Up to twelve instruments, each with its own period, delay and level."""

    name = "Layers"
    parameters = PARAMETERS

    def __init__(self) -> None:
        self._tuning = KeyTuning()
        self._layers = [LayerVoice("chirplet", {}) for _ in range(LAYERS)]
        self._prepared: tuple[float, int] | None = None

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._prepared = sample_rate, max_block
        self._block = np.zeros((CHANNELS, max_block), np.float32)
        for layer in self._layers:
            layer.instrument.prepare(sample_rate, max_block)
        problems = (layer.instrument.problem for layer in self._layers)
        self.problem = next(filter(None, problems), "")
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        for layer in self._layers:
            layer.instrument.reset()
            layer.silent = True
        self._knobs: list[float] = []

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, and instruments that are not chirplets, by number."""
        others = {
            str(number): {
                "instrument": layer.name,
                "parameters": layer.given,
                **({"state": layer.state} if layer.state else {}),
            }
            for number, layer in enumerate(self._layers, 1)
            if layer.name != "chirplet"
        }
        return {**self._tuning.state(), **({"layers": others} if others else {})}

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, and give layers their instruments.

        Parameters
        ----------
        state : mapping
            "tuning" as for :meth:`mesosynth.plugins.tuning.KeyTuning.restore`, and "layers": by
            number, from "1" on, the "instrument", its "parameters", and a "state" if it has one;
            others are chirplets.

        Raises
        ------
        ArgumentError
            If a scale, number, instrument or parameter is not valid; all stays as it was.
        """
        given = state.get("layers") or {}
        layers: list[LayerVoice] = []
        try:
            wrong = set(given) - {str(number) for number in range(1, LAYERS + 1)}
            if wrong:
                raise ArgumentError(f"layers has {sorted(wrong)}; layers are 1 to {LAYERS}.")
            for number in range(1, LAYERS + 1):
                one = given.get(str(number), {"instrument": "chirplet"})
                values, own = one.get("parameters", {}), one.get("state", {})
                layers.append(LayerVoice(str(one["instrument"]), values, own))
        except ArgumentError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArgumentError(f"layers={given!r} is no mapping of instruments.") from error
        self._tuning.restore(state)
        for layer in layers:
            layer.instrument.restore({**layer.state, **self._tuning.state()})
        self._layers = layers
        if self._prepared:
            self.prepare(*self._prepared)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples.

        A silent layer needs almost no time and keeps its place in the beat.
        """
        knobs: list[float] = values.tolist()
        if knobs != self._knobs:
            self._aim(knobs)
        own = self._block[:, : block.shape[1]]
        block.fill(0.0)
        for number, layer in enumerate(self._layers):
            if layer.play(knobs[number * _SIZE + _LEVEL] <= SILENT, events, own):
                np.add(block, own, out=block)

    def _aim(self, knobs: list[float]) -> None:
        """Set all layers' values at the end of a block."""
        first = math.inf
        for number, layer in enumerate(self._layers):
            at = number * _SIZE
            if knobs[at + _LEVEL] > SILENT:
                first = min(first, knobs[at + _DELAY] + layer.lead_in(knobs, at))
        for number, layer in enumerate(self._layers):
            layer.aim(knobs, number * _SIZE, first)
            if not self._knobs and isinstance(layer.instrument, KeyboardInstrument):
                layer.instrument.restart()
        self._knobs = knobs
