"""Modulated plugins: blocks in parts, with parameters moved by the rack's modulation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects.modulation import Gestures, Modulation, apply_modulation
from mesosynth.engine.slot import ParameterSmoother, RackSlot
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Events, Plugin
from mesosynth.system.kernels import compile_loops

_CURVES = {"linear": 0, "log": 1, "signed_log": 2, "asinh": 3}


class ModulatedPlugin:
    """A plugin whose parameters are moved by a modulation, from edge to edge of a block.

    Parameters
    ----------
    modulation : Modulation
        Prepared; its sources of a block are computed before.
    table : ParameterTable
        Of the plugin.
    targets : sequence of str
        Ids of its parameters that the slots move, one for each slot; "" for none of its own.
    """

    def __init__(
        self, modulation: Modulation, table: ParameterTable, targets: Sequence[str]
    ) -> None:
        compile_loops(__name__)
        self._modulation, self._table = modulation, table
        rows = [_row(slot, table, id_) for slot, id_ in enumerate(targets) if id_ in table]
        self._targets = np.array(rows, np.float64).reshape(-1, 7)
        self._values = np.zeros(len(table))

    def process(
        self,
        plugin: Plugin,
        smoother: ParameterSmoother,
        vector: NDArray[np.float64],
        revision: int,
        events: Events,
        block: NDArray[np.float32],
    ) -> None:
        """[audio] Let the plugin process a block.

        Parameters
        ----------
        plugin : Plugin
            Of that table; another one, which is about to come, plays without modulation.
        smoother : ParameterSmoother
            Its values.
        vector : (VECTOR,) float64
        revision : int
            It grows whenever `vector` may have changed.
        events : (k,) EVENT
            As they were when this returns.
        block : (2, frames) float32
        """
        modulation = self._modulation
        if plugin.parameters is not self._table:
            plugin.process(smoother.advance(vector, revision, block.shape[1]), events, block)
            return
        begin = first = 0
        for part in range(modulation.parts):
            end = int(modulation.edges[part])
            values = smoother.advance(vector, revision, end - begin)
            apply_modulation(
                values, self._values, self._targets, modulation.amounts, modulation.sources[part]
            )
            last = first
            while last < len(events) and events[last]["frame"] < end:
                last += 1
            frame = events["frame"][first:last]
            np.subtract(frame, begin, out=frame)
            plugin.process(self._values, events[first:last], block[:, begin:end])
            np.add(frame, begin, out=frame)
            begin, first = end, last


class RackModulation:
    """Modulation of a rack: its slot, and the plugins that it moves.

    Parameters
    ----------
    slots : sequence of RackSlot
        The instrument's and the effects', prepared.
    targets : sequence of str
        Id of the parameter that each slot of the modulation moves: "f_c" or "delay.time".
    gestures : Gestures, optional
        Keys and gestures of the rack, which last longer than its modulation.

    Attributes
    ----------
    slot : RackSlot or None
        That of the modulation; None where the rack has none.
    """

    def __init__(
        self,
        slots: Sequence[RackSlot] = (),
        targets: Sequence[str] = (),
        gestures: Gestures | None = None,
    ) -> None:
        self._gestures = Gestures() if gestures is None else gestures
        self.slot = next((s for s in slots if isinstance(s.loaded.plugin, Modulation)), None)
        self._instrument = slots[0] if slots else None
        self._tempo = -1
        if self.slot is not None:
            self._plugin.join(self._gestures)
        for slot in slots:
            own = [_own_id(id_, slot.uid) for id_ in targets]
            table = slot.loaded.plugin.parameters
            moves = self.slot is not None and slot is not self.slot
            moves = moves and any(id_ in table for id_ in own)
            slot.modulated = ModulatedPlugin(self._plugin, table, own) if moves else None
        if self._instrument is not None:
            table = self._instrument.loaded.plugin.parameters
            self._tempo = table.index("tempo") if "tempo" in table else -1

    @property
    def _plugin(self) -> Modulation:
        assert self.slot is not None
        plugin = self.slot.loaded.plugin
        assert isinstance(plugin, Modulation)
        return plugin

    def begin_block(
        self, vector: NDArray[np.float64], revision: int, events: Events, frames: int, level: float
    ) -> None:
        """[audio] Compute the sources of the next block.

        Parameters
        ----------
        vector : (VECTOR,) float64
        revision : int
            It grows whenever the vector may have changed.
        events : (k,) EVENT
        frames : int
            Length of the block.
        level : float
            Peak of the input, 0 to 1.
        """
        slot, instrument = self.slot, self._instrument
        if slot is None or instrument is None:
            for _, kind, channel, note, value in events.tolist() if len(events) else ():
                self._gestures.obey(kind, channel, note, value)
            return
        values = slot.loaded.smoother.advance(vector, revision, 0)
        tempo = instrument.loaded.smoother.now[self._tempo] if self._tempo >= 0 else 0.0
        self._plugin.begin_block(values, events, frames, float(tempo), level)
        if not slot.wanted:
            self._plugin.amounts.fill(-1.0)


def _own_id(id_: str, uid: str) -> str:
    """Id of a parameter in the table of the slot `uid`, "" where it is another's."""
    of, _, own = id_.rpartition(".")
    return own if of == uid else ""


def _row(slot: int, table: ParameterTable, id_: str) -> tuple[float, ...]:
    """Row of :func:`mesosynth.effects.modulation.apply_modulation` for a target."""
    parameter: Parameter = table[id_]
    return (
        slot, table.index(id_), _CURVES[parameter.curve], parameter.minimum, parameter.maximum,
        parameter.smallest, bool(parameter.choices),
    )  # fmt: skip
