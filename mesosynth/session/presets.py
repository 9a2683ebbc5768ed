"""The whole sound as one value: presets for files, and snapshots for undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mesosynth.engine.plugin_registry import find_plugin
from mesosynth.errors import MesosynthError, PresetError
from mesosynth.presets.preset import EffectState, Preset, default_uids, load_preset, save_preset
from mesosynth.session.layer_mixer import LayerMixer
from mesosynth.session.layers import INSTRUMENT, Layers
from mesosynth.session.match import Match
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source
from mesosynth.system.file_kinds import PRESET


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole sound: instrument, effects, and the value of each parameter.

    Attributes
    ----------
    instrument : str
    values : mapping
        All parameters by id, those of effects as "delay.time".
    effects : tuple of EffectState
        In order.
    uids : tuple of str
        Names of the effects in the rack, so that ids are the same after :meth:`Presets.recall`.
    state : mapping
        State of the instrument besides its parameters.
    layers : LayerMixer
        State of the layers, while they play.
    """

    instrument: str
    values: Mapping[str, float]
    effects: tuple[EffectState, ...]
    uids: tuple[str, ...]
    state: Mapping[str, Any]
    layers: LayerMixer = field(default_factory=LayerMixer)

    def same_rack(self, other: "Snapshot") -> bool:
        """Whether both have the same plugins in the same order and state of bypass."""
        return self._rack() == other._rack()

    def _rack(self) -> tuple[object, ...]:
        effects = [(e.plugin, e.bypassed, e.state) for e in self.effects]
        return self.instrument, self.uids, effects, self.state


class Presets:
    """Sets the sound from presets and snapshots, and saves it to them.

    An effect of both sounds plays on with its new values; other effects, and another instrument,
    are faded in and out.

    Attributes
    ----------
    current : Preset or None
        The last loaded preset.
    bank : sequence of Path
        Files of the presets of MIDI programs 0, 1, …; empty at first.
    """

    loaded = Signal(Preset, object)
    """The loaded preset, and its file or None."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        sound: Sound,
        rack: Rack,
        match: Match,
        layers: Layers,
    ) -> None:
        self.current: Preset | None = None
        self._matched = False  # whether a match has driven the sound since
        self.bank: Sequence[Path] = ()
        self._emit, self._messages = emit, messages
        self._sound, self._rack, self._match, self._layers = sound, rack, match, layers

    def load(self, path: Path) -> None:
        """Load the whole sound from a preset file.

        Raises
        ------
        PresetError
            If it cannot be read; the sound stays as it is.
        PluginError
            If its instrument is a missing user plugin; the sound stays as it is.
        """
        preset = load_preset(path)
        self.play(preset, path)
        self._messages.say(f"Preset {preset.name}.")

    def play(self, preset: Preset, path: Path | None = None, source: Source = "preset") -> None:
        """Set the whole sound to a preset.

        Parameters
        ----------
        preset : Preset
        path : Path, optional
            Its file.
        source : {"preset", "user"}
            "user" for a change by the user, such as a morph's, of the loaded preset: :attr:`loaded`
            is not emitted.

        Raises
        ------
        PresetError, PluginError
            As :meth:`load`.
        """
        instrument = preset.instrument
        if instrument != self._rack.instrument and find_plugin(instrument).kind == "effect":
            raise PresetError(
                f"{path or preset.name}: {instrument} is an effect, not an instrument."
            )
        with self._emit.held():
            if source == "preset" and instrument == INSTRUMENT:
                self._layers.take_preset(preset)
            uids = default_uids(preset.effects)
            values, effects = preset.values, preset.effects
            self._rack.restore(instrument, values, effects, uids, preset.state, source)
            if source == "preset":
                self.current, self._matched = preset, False
                self._emit(self.loaded, preset, path)

    def save(self, path: Path) -> None:
        """Write the whole sound to a preset file, with the record of its match, if any.

        Raises
        ------
        PresetError
            If `path` cannot be written.
        """
        save_preset(path, self.preset(PRESET.stem(path)))
        self._messages.say(f"Saved {path.name}.")

    def preset(self, name: str = "") -> Preset:
        """The live sound as a preset, with the record of its match, if any.

        Author, comment, tags and licence are those of the current preset; after a match, which is
        a new sound, there are none.
        """
        sound = self._live()
        current = self._described(sound)
        match = (self._layers if sound.instrument == INSTRUMENT else self._match).record()
        sound = msgspec.structs.replace(sound, name=name, match=match)
        if current is None:
            return sound
        if match is None and _same(current, sound):
            match = current.match
        return msgspec.structs.replace(
            sound, author=current.author, comment=current.comment, tags=current.tags,
            licence=current.licence, extra=current.extra, match=match,
        )  # fmt: skip

    def _live(self) -> Preset:
        """The live sound, without a name or a description."""
        rack = self._rack
        return Preset(
            name="",
            instrument=rack.instrument,
            parameters=self._sound.instrument_values,
            effects=rack.preset_effects,
            state=rack.state,
        )

    def _described(self, sound: Preset) -> Preset | None:
        """The current preset, if what it says is still true of the sound."""
        current = self.current
        return None if current is None or (self._matched and not _same(current, sound)) else current

    def follow_values(self, _values: Mapping[str, float], source: Source, _draw: bool) -> None:
        """Notice a match that drives the sound.

        Parameters
        ----------
        _values, _draw
            Of the change, not used.
        source : {"user", "preset", "match", "midi"}
        """
        self._matched |= source == "match"

    @property
    def name(self) -> str:
        """Name of the preset that plays, perhaps changed by hand; "" after a match."""
        current = self._described(self._live())
        return "" if current is None else current.name

    @property
    def proposed_name(self) -> str:
        """Name for a file of the live sound: that of its preset, or of the target it matches."""
        if self.name:
            return self.name
        target = self._match.target_name
        return f"{Path(target).stem} match" if target else "sound"

    def snapshot(self) -> Snapshot:
        """Snapshot of the live sound."""
        return Snapshot(
            self._rack.instrument,
            dict(self._sound.values),
            self._rack.effect_states,
            tuple(effect.uid for effect in self._rack.effects),
            self._rack.state,
            self._layers.mixer,
        )

    def recall(self, snapshot: Snapshot, source: Source = "user") -> None:
        """Set the sound to a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
        source : {"user", "preset", "match", "midi"}

        Raises
        ------
        PluginError
            If its instrument does not exist any more.
        """
        one = snapshot
        with self._emit.held():
            self._layers.set_mixer(one.layers)  # before the values, which change it
            self._rack.restore(one.instrument, one.values, one.effects, one.uids, one.state, source)

    def change_program(self, program: int) -> None:
        """Load the preset of a MIDI program change, if there is a bank."""
        if program < len(self.bank):
            try:
                self.load(self.bank[program])
            except MesosynthError as error:
                self._messages.say(str(error), "error")
        elif self.bank:
            self._messages.say(
                f"There is no program {program + 1}; the bank ends at {len(self.bank)}."
            )


def _same(one: Preset, other: Preset) -> bool:
    return (one.instrument, one.values) == (other.instrument, other.values)
