"""Model of the rack: instrument and effects, their places in the vector, one table of parameters.

The instrument's parameters keep their ids; those of an effect begin with its uid in the rack:
"delay.time" or, for a second one, "delay_2.time".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects import EFFECTS
from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.engine.slot import PLACE, PLACES, VECTOR, PluginSlot, SlotReport
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS, instrument_class
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.presets.preset import EffectState

MOST_EFFECTS = PLACES - 2
"""One place in the vector is the instrument's, and one stays free for a plugin that changes."""

_NOTHING = ParameterTable([])


@dataclass(frozen=True, slots=True)
class RackedPlugin:
    """A plugin in the rack.

    Attributes
    ----------
    uid : str
        "delay", or for a second one "delay_2"; "" is the instrument.
    plugin : str
        Name in the registry.
    title : str
        Its name in menus.
    parameters : ParameterTable
        Its own, without the prefix; empty until a user plugin has been loaded.
    bypassed : bool
    problem : str
        Why it does not sound, one sentence, or "".
    traceback : str
        Of that problem, or "".
    """

    uid: str
    plugin: str
    title: str
    parameters: ParameterTable
    bypassed: bool = False
    problem: str = ""
    traceback: str = ""


class RackModel:
    """Instrument and effects of one session.

    It tells the audio process nothing by itself: that needs :attr:`slots` and :meth:`vector`.

    Parameters
    ----------
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.

    Attributes
    ----------
    parameters : ParameterTable
        The instrument's and all effects'.
    """

    def __init__(self, instrument: str) -> None:
        table = instrument_class(instrument).parameters
        self._instrument = PluginSlot("", instrument, 0, tuple(table))
        self._slots: list[PluginSlot] = []
        self._tables = {"": table}
        self._reports: dict[str, SlotReport] = {}
        self._pending: dict[str, dict[str, float]] = {}  # values for tables not known yet
        self._next_place = 1
        self._vector = np.zeros(VECTOR)
        self.parameters = table

    @property
    def slots(self) -> tuple[PluginSlot, ...]:
        """The instrument and all effects, in order, as the audio process takes them."""
        return (self._instrument, *self._slots)

    @property
    def instrument(self) -> RackedPlugin:
        """The instrument."""
        return self._effect(self._instrument)

    def set_instrument(self, plugin: str, values: Mapping[str, float] | None = None) -> None:
        """Choose another instrument.

        Parameters
        ----------
        plugin : str
            Its name in the registry.
        values : mapping, optional
            Of a user's, which :meth:`take_pending` returns once its parameters are known.
        """
        kind = INSTRUMENTS.get(plugin)
        self._tables[""] = kind.parameters if kind else _NOTHING
        # Another place, or the instrument that fades out would play the new one's values.
        self._instrument = PluginSlot("", plugin, self._free_place(), tuple(self._tables[""]))
        self._reports.pop("", None)
        self._pending.pop("", None)
        if values and not self._tables[""]:
            self._pending[""] = dict(values)
        self._collect()

    @property
    def state(self) -> dict[str, Any]:
        """State of the instrument besides its parameters."""
        return dict(self._instrument.state)

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._instrument = replace(self._instrument, state=dict(state))

    @property
    def effects(self) -> list[RackedPlugin]:
        """The effects in order."""
        return [self._effect(slot) for slot in self._slots]

    def _effect(self, slot: PluginSlot) -> RackedPlugin:
        report = self._reports.get(slot.uid)
        kind = EFFECTS.get(slot.plugin) or INSTRUMENTS.get(slot.plugin)
        title = (report.title if report else "") or (kind.name if kind else slot.plugin)
        return RackedPlugin(
            slot.uid, slot.plugin, title, self._tables[slot.uid], slot.bypassed,
            problem=report.problem if report else slot.disabled,
            traceback=report.traceback if report else "",
        )  # fmt: skip

    def add(
        self,
        plugin: str,
        index: int | None = None,
        state: EffectState | None = None,
        uid: str | None = None,
    ) -> str:
        """Put an effect in.

        Parameters
        ----------
        plugin : str
            Its name in the registry.
        index : int, optional
            Its place in the order, 0 for the first; None for the end.
        state : EffectState, optional
            Of a preset.
        uid : str, optional
            A free one if None.

        Returns
        -------
        str
            Its uid.

        Raises
        ------
        ArgumentError
            If the rack is full, or has a modulation already.
        """
        if plugin == MODULATION and plugin in {slot.plugin for slot in self._slots}:
            raise ArgumentError("the rack has a modulation already; it can have one.")
        if len(self._slots) >= MOST_EFFECTS:
            raise ArgumentError(f"the rack is full; it holds {MOST_EFFECTS} effects.")
        uid = self._free_uid(plugin) if uid is None else uid
        kind = EFFECTS.get(plugin)
        self._tables[uid] = kind.parameters if kind else _NOTHING
        slot = PluginSlot(
            uid, plugin, self._free_place(), tuple(self._tables[uid]),
            bypassed=state.bypassed if state else False, state=state.state if state else {},
        )  # fmt: skip
        self._slots.insert(len(self._slots) if index is None else index, slot)
        self._collect()
        return uid

    def remove(self, uid: str) -> None:
        """Remove an effect."""
        self._slots.remove(self._effect_slot(uid))
        del self._tables[uid]
        self._reports.pop(uid, None)
        self._pending.pop(uid, None)
        self._collect()

    def move(self, uid: str, index: int) -> None:
        """Move an effect in the order.

        Parameters
        ----------
        uid : str
        index : int
            0 for the first.
        """
        slot = self._effect_slot(uid)
        self._slots.remove(slot)
        self._slots.insert(index, slot)
        self._collect()

    def bypass(self, uid: str, bypassed: bool) -> None:
        """Bypass an effect or end the bypass; a disabled plugin is tried again.

        Parameters
        ----------
        uid : str
        bypassed : bool
        """
        self._effect_slot(uid)
        self._replace(uid, bypassed=bypassed, disabled="")

    def set_effect_state(self, uid: str, state: Mapping[str, Any]) -> None:
        """Set the state of an effect besides its parameters.

        Parameters
        ----------
        uid : str
        state : mapping
        """
        self._effect_slot(uid)
        self._replace(uid, state=dict(state))

    def effect_state(self, uid: str) -> dict[str, Any]:
        """State of an effect besides its parameters."""
        return dict(self._effect_slot(uid).state)

    def disable(self, number: int, why: str) -> str | None:
        """Keep a plugin from being loaded again.

        Parameters
        ----------
        number : int
            The audio process's number of it: its place in the vector, from 1.
        why : str
            Rest of a sentence that begins with its name.

        Returns
        -------
        str or None
            Its uid; None if there is no such plugin.
        """
        for slot in self.slots:
            if slot.place + 1 == number:
                sentence = f"{slot.plugin} {why}"
                self._replace(slot.uid, disabled=sentence)
                return slot.uid
        return None

    def take_reports(self, reports: Sequence[SlotReport]) -> bool:
        """Take reports of the audio process; return whether they changed :attr:`slots`."""
        changed = False
        for report in reports:
            # A report of a plugin that has been replaced meanwhile is not its successor's.
            if report.uid not in self._tables or report.plugin != self._slot(report.uid).plugin:
                continue
            self._reports[report.uid] = report
            table, slot = report.table, self._slot(report.uid)
            if slot.disabled and not report.problem:
                self._replace(slot.uid, disabled="")
            if table is not None and _rows(table) != _rows(self._tables[slot.uid]):
                self._tables[slot.uid] = table
                # Another place for another table, since the old one still plays its values.
                self._replace(slot.uid, place=self._free_place(), ids=tuple(table))
                changed = True
        self._collect()
        return changed

    def vector(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Vector of `values`, completed by defaults, for the audio process."""
        vector = self._vector  # removed plugins may still fade out with the old values
        for slot in self.slots:
            table = self._tables[slot.uid]
            begin = slot.place * PLACE
            vector[begin : begin + len(table)] = table.vector(_of(slot.uid, values, table))
        return vector.copy()

    def index(self, id_: str) -> int:
        """Index of a parameter in the vector.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        uid, _, own = id_.rpartition(".")
        slot = self._effect_slot(uid) if uid else self._instrument
        return slot.place * PLACE + self._tables[uid].index(own)

    def states(self, values: Mapping[str, float]) -> tuple[EffectState, ...]:
        """The effects, in the form of a preset."""
        return tuple(
            EffectState(
                plugin=slot.plugin,
                parameters=self._pending.get(slot.uid, {})
                or _of(slot.uid, values, self._tables[slot.uid]),
                bypassed=slot.bypassed,
                state=dict(slot.state),
            )
            for slot in self._slots
        )

    def load(self, effects: Sequence[EffectState], uids: Sequence[str] = ()) -> dict[str, float]:
        """Replace all effects.

        Parameters
        ----------
        effects : sequence of EffectState
            In order.
        uids : sequence of str
            Their uids; one that is there already, with the same plugin, stays in its place.

        Returns
        -------
        dict
            Values of their parameters by id; those of users' plugins come from
            :meth:`take_pending`, once they have been loaded.
        """
        values: dict[str, float] = {}
        wanted = dict(zip(uids, effects, strict=bool(uids)))
        for slot in list(self._slots):
            if not _goes_on(slot, wanted.get(slot.uid)):
                self.remove(slot.uid)
        kept = {slot.uid for slot in self._slots}
        for index, effect in enumerate(effects):
            uid = uids[index] if uids else None
            if uid in kept:
                self._replace(uid, bypassed=effect.bypassed)
                self.move(uid, index)
            else:
                uid = self.add(effect.plugin, index, effect, uid)
            if len(self._tables[uid]) == 0:
                self._pending[uid] = dict(effect.parameters)
            else:
                values |= {f"{uid}.{id_}": value for id_, value in effect.parameters.items()}
        return values

    def take_pending(self) -> dict[str, float]:
        """Values of a preset whose parameters have become known since the last call, by id."""
        values: dict[str, float] = {}
        for uid in [uid for uid in self._pending if len(self._tables[uid])]:
            prefix = f"{uid}." if uid else ""
            values |= {prefix + id_: value for id_, value in self._pending.pop(uid).items()}
        return values

    def _slot(self, uid: str) -> PluginSlot:
        return next(slot for slot in self.slots if slot.uid == uid)

    def _effect_slot(self, uid: str) -> PluginSlot:
        for slot in self._slots:
            if slot.uid == uid:
                return slot
        names = ", ".join(slot.uid for slot in self._slots) or "none"
        raise ArgumentError(f"effect {uid!r} is not in the rack; there are {names}.")

    def _replace(self, uid: str, **changes: object) -> None:
        slot = self._slot(uid)
        changed = replace(slot, **changes)  # pyright: ignore[reportArgumentType] - fields by name
        if uid:
            self._slots[self._slots.index(slot)] = changed
        else:
            self._instrument = changed

    def _free_uid(self, plugin: str) -> str:
        uid, count = plugin, 1
        while uid in self._tables:
            count += 1
            uid = f"{plugin}_{count}"
        return uid

    def _free_place(self) -> int:
        """A place that is free, and was not just left by a plugin that still fades out."""
        taken = {slot.place for slot in self.slots}
        while self._next_place in taken:
            self._next_place = (self._next_place + 1) % PLACES
        place = self._next_place
        self._next_place = (place + 1) % PLACES
        return place

    def _collect(self) -> None:
        rows = list(self._tables[""].values())
        for effect in self.effects:
            rows += [_prefixed(effect, parameter) for parameter in effect.parameters.values()]
        self.parameters = ParameterTable(rows)


def _goes_on(slot: PluginSlot, wanted: EffectState | None) -> bool:
    return wanted is not None and (slot.plugin, slot.state) == (wanted.plugin, wanted.state)


def _prefixed(effect: RackedPlugin, parameter: Parameter) -> Parameter:
    return replace(
        parameter, id=f"{effect.uid}.{parameter.id}", name=f"{effect.title} {parameter.name}",
        matchable=False,
    )  # fmt: skip


def _of(uid: str, values: Mapping[str, float], table: ParameterTable) -> dict[str, float]:
    """Values of one plugin by its own ids."""
    prefix = f"{uid}." if uid else ""
    return {id_: values[prefix + id_] for id_ in table if prefix + id_ in values}


def _rows(table: ParameterTable) -> list[Parameter]:
    return list(table.values())
