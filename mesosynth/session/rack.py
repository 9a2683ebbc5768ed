"""Rack: the instrument, its tuning, and the effects after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesosynth.control.process import ParameterLayout
from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.effects.modulation import SLOTS, SOURCES, targets_of
from mesosynth.engine.plugin_registry import find_plugin
from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.plugins.tuning import (
    EQUAL_TEMPERAMENT,
    MIDDLE_C,
    MIDDLE_C_HERTZ,
    load_scale,
    note_frequencies,
)
from mesosynth.presets.preset import EffectState, default_uids, with_renamed_targets
from mesosynth.session.rack_model import RackedPlugin, RackModel
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source

_OWN_TIME = ("sync", "swing", "humanise")
"""Parameters that no match looks for, and that move what it found in time."""

_OUT = "did not return, or crashed; it is out until it is saved anew or switched on again."


@dataclass(frozen=True, slots=True)
class Modulated:
    """A slot of the modulation.

    Attributes
    ----------
    source : str
        One of :data:`mesosynth.effects.modulation.SOURCES`.
    target : str
        Id of the parameter that it moves; "" for none.
    depth : float
        Way of its knob, -1 to 1, as a part of its travel.
    """

    source: str
    target: str
    depth: float

    @property
    def free(self) -> bool:
        """Whether it moves nothing."""
        return not self.target or self.source == "off"


def _slot_for(target: str, source: str, slots: Sequence[Modulated]) -> int:
    """Index of the slot that moves `target` by `source`, else of a free one."""
    for n, slot in enumerate(slots):
        if (slot.target, slot.source) == (target, source):
            return n
    free = next((n for n, slot in enumerate(slots) if slot.free), len(slots))
    if free >= SLOTS:
        moved = ", ".join(slot.target for slot in slots)
        raise ArgumentError(
            f"all {SLOTS} slots of the modulation are taken by {moved}; free one of them first."
        )
    return free


class Rack:
    """Choice of the plugins; every change is a short crossfade.

    Attributes
    ----------
    on_change : tuple of callable
        Called after a change of the rack, before its values change, and before any signal.
    """

    changed = Signal()
    """Effects, their parameters, or a plugin's problem; `sound.changed` follows."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        audio: AudioProcess,
        model: RackModel,
        sound: Sound,
    ) -> None:
        self.on_change: tuple[Callable[[], None], ...] = ()
        self._emit, self._messages, self._audio = emit, messages, audio
        self._model, self._sound = model, sound

    @property
    def instrument(self) -> str:
        """Name of the instrument in the plugin registry."""
        return self._model.instrument.plugin

    @property
    def plays(self) -> str:
        """Instrument and verb of a sentence: "the chirplet plays", "layers play"."""
        return "layers play" if self.instrument == "layers" else f"the {self.instrument} plays"

    @property
    def instrument_plugin(self) -> RackedPlugin:
        """The instrument in detail."""
        return self._model.instrument

    @property
    def effects(self) -> list[RackedPlugin]:
        """The effects, in order."""
        return self._model.effects

    @property
    def effect_states(self) -> tuple[EffectState, ...]:
        """The effects, in the form of a preset."""
        return self._model.states(self._sound.values)

    @property
    def preset_effects(self) -> tuple[EffectState, ...]:
        """The effects for a file, where targets of the modulation are named as in a new rack."""
        states = self.effect_states
        uids = (plugin.uid for plugin in self.effects)
        names = dict(zip(uids, default_uids(states), strict=True))
        return tuple(with_renamed_targets(state, names) for state in states)

    @property
    def hears_input(self) -> bool:
        """Whether the modulation follows the input."""
        return any(slot.source == "input" and not slot.free for slot in self.modulations)

    @property
    def state(self) -> dict[str, Any]:
        """State of the instrument besides its parameters."""
        return self._model.state

    @property
    def layout(self) -> ParameterLayout:
        """All parameters, and their indices in the vector of the audio process."""
        table = self._model.parameters
        return ParameterLayout(table, {id_: self._model.index(id_) for id_ in table})

    def parameter_place(self, id_: str) -> int:
        """Index of a parameter in the vector of the audio process.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        return self._model.index(id_)

    def set_instrument(
        self, plugin: str, values: Mapping[str, float] | None = None, source: Source = "user"
    ) -> None:
        """Change the instrument; it may be a user plugin.

        The parameters of a user plugin are known when :attr:`changed` is emitted again. From now on
        matches are of this instrument, if it can be matched; a match of another one ends.

        Parameters
        ----------
        plugin : str
            Name in the plugin registry.
        values : mapping, optional
            Its parameters by id; the others have their defaults.
        source : {"user", "preset", "match", "midi"}

        Raises
        ------
        PluginError
            If there is no such plugin.
        ArgumentError
            If it is an effect.
        """
        if find_plugin(plugin).kind == "effect":
            raise ArgumentError(f"plugin {plugin!r} is an effect, not an instrument.")
        of_effects = {id_: value for id_, value in self._sound.values.items() if "." in id_}
        self._model.set_instrument(plugin)
        self._apply({**of_effects, **(values or {})}, source)

    def play_alone(
        self, instrument: str, values: Mapping[str, float], state: Mapping[str, Any] | None = None
    ) -> None:
        """Play what a match found, and nothing else, since a match is of the instrument alone.

        Effects are bypassed, and sync, swing and chance of the instrument end.

        Parameters
        ----------
        instrument : str
        values : mapping
            Its parameters by id; the others stay, or are at their defaults if it is another one.
        state : mapping, optional
            What it keeps beside them, such as the kinds of layers.
        """
        effects = [plugin for plugin in self.effects if not plugin.bypassed]
        for plugin in effects:
            self._model.bypass(plugin.uid, True)
        another, before = instrument != self.instrument, self._sound.values
        if another:
            self._model.set_instrument(instrument)
            before = {id_: value for id_, value in before.items() if "." in id_}
        own_time = {id_: 0.0 for id_ in _OWN_TIME if id_ in self._model.parameters}
        kept = self._model.state
        if state is not None:
            self._model.state = state
        if effects or another or self._model.state != kept:
            self._apply({**before, **own_time, **values}, "match")
        else:
            self._sound.set({**own_time, **values}, "match")
        if effects:
            self._messages.say(
                "Effects are bypassed: a match is of the instrument alone. F3 switches them on."
            )

    def add_effect(self, plugin: str, index: int | None = None) -> str:
        """Add an effect to the rack.

        A user plugin is tried in a process of its own first; :attr:`effects` has the result when
        :attr:`changed` is emitted again.

        Parameters
        ----------
        plugin : str
            Name in the plugin registry.
        index : int, optional
            Place in the order, 0 for the first; None for the end.

        Returns
        -------
        str
            Its uid in the rack.

        Raises
        ------
        PluginError
            If there is no such plugin.
        ArgumentError
            If it is an instrument, or the rack is full.
        """
        if find_plugin(plugin).kind == "instrument":
            raise ArgumentError(f"plugin {plugin!r} is an instrument, not an effect.")
        uid = self._model.add(plugin, index)
        self._apply()
        return uid

    def remove_effect(self, uid: str) -> None:
        """Remove an effect from the rack.

        Raises
        ------
        ArgumentError
            If it is not in the rack.
        """
        self._model.remove(uid)
        self._apply()

    def move_effect(self, uid: str, index: int) -> None:
        """Move an effect to another place in the order.

        Parameters
        ----------
        uid : str
        index : int
            0 for the first.

        Raises
        ------
        ArgumentError
            If it is not in the rack.
        """
        self._model.move(uid, index)
        self._apply()

    def bypass_effect(self, uid: str, bypassed: bool = True) -> None:
        """Bypass an effect, or end the bypass.

        Parameters
        ----------
        uid : str
        bypassed : bool

        Raises
        ------
        ArgumentError
            If it is not in the rack.
        """
        self._model.bypass(uid, bypassed)
        self._apply()

    @property
    def modulations(self) -> tuple[Modulated, ...]:
        """The modulation's slots in order, empty ones too; () where the rack has no modulation."""
        if MODULATION not in {plugin.uid for plugin in self.effects}:
            return ()
        values, targets = self._sound.values, targets_of(self._model.effect_state(MODULATION))
        return tuple(
            Modulated(
                SOURCES[round(values.get(f"{MODULATION}.source{n}", 0.0))], target,
                values.get(f"{MODULATION}.depth{n}", 0.0),
            )
            for n, target in enumerate(targets, 1)
        )  # fmt: skip

    def modulate(self, target: str, source: str, depth: float | None = None) -> None:
        """Move a parameter by a source of the modulation, which joins the rack where it is missing.

        Parameters
        ----------
        target : str
            Id of the parameter: "f_c" or "delay.time".
        source : str
            One of :data:`mesosynth.effects.modulation.SOURCES`; "off" ends all that moves it.
        depth : float, optional
            Way of its knob, -1 to 1, as a part of its travel. Left out, it stays as it is, and
            begins at a quarter.

        Raises
        ------
        ArgumentError
            If there is no such parameter or source, it is the modulation's own, the depth is out of
            range, or all slots are taken.
        """
        parameter = self._model.parameters[target]
        if source not in SOURCES:
            raise ArgumentError(f"source={source!r} must be one of {', '.join(SOURCES)}.")
        if target.startswith(f"{MODULATION}."):
            raise ArgumentError(f"{parameter.name} cannot be moved: it is the modulation's own.")
        if depth is not None and not -1.0 <= depth <= 1.0:
            raise ArgumentError(f"depth={depth} must be -1 to 1.")
        slots, values = self.modulations, dict[str, float]()
        targets = [slot.target for slot in slots]
        if source == "off":
            for n, slot in enumerate(slots):
                if slot.target == target:
                    targets[n], values[f"{MODULATION}.source{n + 1}"] = "", 0.0
        else:
            n = _slot_for(target, source, slots)
            targets = [*targets, *[""] * (SLOTS - len(targets))]
            targets[n] = target
            values[f"{MODULATION}.source{n + 1}"] = float(SOURCES.index(source))
            fresh = n >= len(slots) or not (slots[n].target and slots[n].depth)
            if depth is not None or fresh:
                values[f"{MODULATION}.depth{n + 1}"] = 0.25 if depth is None else depth
        if not slots and not values:
            return
        if not slots:
            self._model.add(MODULATION)
        self._model.set_effect_state(MODULATION, {"targets": targets})
        self._apply({**self._sound.values, **values})

    def tune(
        self,
        path: Path | None,
        reference_note: int = MIDDLE_C,
        reference_hertz: float = MIDDLE_C_HERTZ,
    ) -> None:
        """Tune the keys to a scale, which presets keep.

        Parameters
        ----------
        path : Path or None
            A Scala file (.scl), whose degree 0 is middle C; None for the equal temperament.
        reference_note : int
            Key whose frequency is given, 0 to 127.
        reference_hertz : float
            That frequency, Hz.

        Raises
        ------
        TuningError
            If the file cannot be read, or is not a scale.
        ArgumentError
            If the reference is impossible.
        """
        scale = EQUAL_TEMPERAMENT if path is None else load_scale(path)
        note_frequencies(scale, MIDDLE_C, reference_note, reference_hertz)  # checks the reference
        self._model.state = {
            **self._model.state,
            "tuning": {
                "name": scale.name, "cents": list(scale.cents),
                "reference_note": reference_note, "reference_hertz": reference_hertz,
            }
        }  # fmt: skip
        self._apply()
        self._messages.say(f"Keys are tuned to {scale.name}.")

    def set_state(
        self,
        state: Mapping[str, Any],
        values: Mapping[str, float] | None = None,
        source: Source = "user",
    ) -> None:
        """Replace the instrument's state, such as its tuning or the kinds of layers.

        Parameters
        ----------
        state : mapping
        values : mapping, optional
            Parameters by id that change with it; the others stay.
        source : {"user", "preset", "match", "midi"}
        """
        self._model.state = state
        self._apply({**self._sound.values, **(values or {})}, source)

    def restore(
        self,
        instrument: str,
        values: Mapping[str, float],
        effects: Sequence[EffectState],
        uids: Sequence[str],
        state: Mapping[str, Any],
        source: Source,
    ) -> None:
        """Replace the whole sound; an effect of both sounds plays on with its new values.

        Parameters
        ----------
        instrument : str
            Name in the plugin registry.
        values : mapping
            Of the instrument, by id; those of the effects are in `effects`.
        effects : sequence of EffectState
            In order.
        uids : sequence of str
            Their names in the rack, one each.
        state : mapping
            State of the instrument besides its parameters.
        source : {"user", "preset", "match", "midi"}

        Raises
        ------
        PluginError
            If there is no such instrument; nothing changes.
        """
        before = self._model.slots
        if instrument != self.instrument:
            find_plugin(instrument)  # raises where there is none
            self._model.set_instrument(instrument, values)
        values = {**values, **self._model.load(effects, uids)}
        self._model.state = state
        if self._model.slots != before:
            self._apply(values, source)
        else:
            self._sound.set(values, source, whole=True)

    def take_reports(self) -> None:
        """Read the audio process's reports on the plugins, and report problems to the user."""
        known = {plugin.uid: plugin.problem for plugin in (self.instrument_plugin, *self.effects)}
        try:
            changed = self._model.take_reports(self._audio.rack_reports())
        except WorkerError:
            return  # it has ended; Device restarts it
        if changed:
            self._apply()
        else:
            self._emit(self.changed)
        for plugin in (self.instrument_plugin, *self.effects):
            if plugin.problem and plugin.problem != known[plugin.uid]:
                self._messages.say(plugin.problem, "error")

    def disable_culprit(self) -> str | None:
        """Disable the plugin that ran when the audio process ended; return its uid, if any."""
        guilty = self._model.disable(self._audio.culprit, _OUT)
        if guilty is not None:
            self._apply()
        return guilty

    def _apply(self, values: Mapping[str, float] | None = None, source: Source = "user") -> None:
        """Send the model to the audio process: values first, so that a new plugin finds them."""
        with self._emit.held():
            self._emit(self.changed)
            for react in self.on_change:
                react()
            values = self._sound.values if values is None else values
            self._sound.set({**values, **self._model.take_pending()}, source, whole=True)
            self._audio.set_rack(self._model.slots)
