"""The rack: the instrument, its tuning, and the effects that its sound goes through."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesosynth.control.messages import Layout
from mesosynth.engine.plugin_registry import find_plugin
from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.instruments.keyboard import (
    EQUAL_TEMPERAMENT,
    MIDDLE_C,
    MIDDLE_C_HERTZ,
    load_scale,
    note_frequencies,
)
from mesosynth.presets.preset import EffectState
from mesosynth.session.rack_model import RackedPlugin, RackModel
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source

_OUT = "did not return, or crashed; it is out until it is saved anew or switched on again."


class Rack:
    """Chooses the plugins; every change is heard after a short crossfade.

    Attributes
    ----------
    on_change : tuple of callable
        Called when the rack is another, before its values are, and before any signal.
    """

    changed = Signal()
    """Effects, their parameters, or what is wrong with a plugin; `sound.changed` follows."""

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
    def instrument_plugin(self) -> RackedPlugin:
        """The instrument in detail."""
        return self._model.instrument

    @property
    def effects(self) -> list[RackedPlugin]:
        """The effects that the sound goes through, in order."""
        return self._model.effects

    @property
    def effect_states(self) -> tuple[EffectState, ...]:
        """The effects as a preset keeps them."""
        return self._model.states(self._sound.values)

    @property
    def state(self) -> dict[str, Any]:
        """What the instrument keeps besides its parameters."""
        return self._model.state

    @property
    def layout(self) -> Layout:
        """All parameters, and their places in the vector that the audio process reads."""
        table = self._model.parameters
        return Layout(table, {id_: self._model.index(id_) for id_ in table})

    def parameter_place(self, id_: str) -> int:
        """Index of a parameter in the vector that the audio process reads.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        return self._model.index(id_)

    def set_instrument(
        self, plugin: str, values: Mapping[str, float] | None = None, source: Source = "user"
    ) -> None:
        """Let another instrument play, a user's as well.

        The parameters of a user's are known when :attr:`changed` is emitted again. Matches are of
        this instrument from now on, if it can be matched; a match of another one ends.

        Parameters
        ----------
        plugin : str
            Name in the plugin registry.
        values : mapping, optional
            Of its parameters, by id; the others are at their defaults.
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

    def add_effect(self, plugin: str, index: int | None = None) -> str:
        """Put an effect into the rack.

        A user's plugin is tried out first, in a process of its own; :attr:`effects` has the result
        when :attr:`changed` is emitted again.

        Parameters
        ----------
        plugin : str
            Name in the plugin registry.
        index : int, optional
            Its place in the order, 0 for the first; None for the end.

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
        """Take an effect out of the rack.

        Raises
        ------
        ArgumentError
            If it is not there.
        """
        self._model.remove(uid)
        self._apply()

    def move_effect(self, uid: str, index: int) -> None:
        """Put an effect at another place in the order, 0 for the first; raises as above."""
        self._model.move(uid, index)
        self._apply()

    def bypass_effect(self, uid: str, bypassed: bool = True) -> None:
        """Bypass an effect, or let the sound go through it again; raises as above."""
        self._model.bypass(uid, bypassed)
        self._apply()

    def tune(
        self,
        path: Path | None,
        reference_note: int = MIDDLE_C,
        reference_hertz: float = MIDDLE_C_HERTZ,
    ) -> None:
        """Tune the keys to a scale; presets keep it.

        Parameters
        ----------
        path : Path or None
            A Scala file (.scl), whose degree 0 is middle C; None for the equal temperament.
        reference_note : int
            Key whose frequency is given.
        reference_hertz : float
            That frequency, Hz.

        Raises
        ------
        TuningError
            If the file cannot be read, or is no scale.
        ArgumentError
            If the reference is impossible.
        """
        scale = EQUAL_TEMPERAMENT if path is None else load_scale(path)
        note_frequencies(scale, MIDDLE_C, reference_note, reference_hertz)  # or it says why not
        self._model.state = {
            "tuning": {
                "name": scale.name, "cents": list(scale.cents),
                "reference_note": reference_note, "reference_hertz": reference_hertz,
            }
        }  # fmt: skip
        self._apply()
        self._messages.say(f"Keys are tuned to {scale.name}.")

    def restore(
        self,
        instrument: str,
        values: Mapping[str, float],
        effects: Sequence[EffectState],
        uids: Sequence[str],
        state: Mapping[str, Any],
        source: Source,
    ) -> None:
        """Replace the whole sound; an effect that is in both plays on with its new values.

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
            What the instrument keeps besides its parameters.
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

    # ------------------------------------------------------------------ from the audio process

    def take_reports(self) -> None:
        """Learn how the plugins fared in the audio process, and say what is wrong with them."""
        known = {plugin.uid: plugin.problem for plugin in (self.instrument_plugin, *self.effects)}
        try:
            changed = self._model.take_reports(self._audio.rack_reports())
        except WorkerError:
            return  # it has ended, which Device notices
        if changed:
            self._apply()
        else:
            self._emit(self.changed)
        for plugin in (self.instrument_plugin, *self.effects):
            if plugin.problem and plugin.problem != known[plugin.uid]:
                self._messages.say(plugin.problem, "error")

    def disable_culprit(self) -> str | None:
        """Leave out the plugin that ran when the audio process ended; return its uid, if any."""
        guilty = self._model.disable(self._audio.culprit, _OUT)
        if guilty is not None:
            self._apply()
        return guilty

    def _apply(self, values: Mapping[str, float] | None = None, source: Source = "user") -> None:
        """Let the model be heard: values first, so that what enters finds them in their places."""
        with self._emit.held():
            self._emit(self.changed)
            for react in self.on_change:
                react()
            values = self._sound.values if values is None else values
            self._sound.set({**values, **self._model.take_pending()}, source, whole=True)
            self._audio.set_rack(self._model.slots)
