"""The part of a session that takes its sound from presets and writes it to them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from mesosynth.engine.plugin_registry import find_plugin
from mesosynth.errors import MesosynthError, PresetError
from mesosynth.presets.matched import match_record
from mesosynth.presets.preset import MatchRecord, Preset, load_preset, save_preset
from mesosynth.session.events import PresetLoaded, Source
from mesosynth.session.matching import Matching
from mesosynth.session.rack_model import default_uids


class Presets(Matching):
    """The live sound as a preset, and back; it knows the match that a sound comes from.

    Attributes
    ----------
    loaded : Preset or None
        The preset that the sound was last taken from; :meth:`preset` keeps what it says of itself.
    bank : sequence of Path
        The presets that MIDI programs 0, 1, … call; empty at first, when nobody listens to them.
    """

    loaded: Preset | None = None
    bank: Sequence[Path] = ()

    def load_preset(self, path: Path) -> None:
        """Take the whole sound from a preset; `poll` reports PresetLoaded.

        Raises
        ------
        PresetError
            If it cannot be read; the sound stays as it is.
        PluginError
            If its instrument is a user's, and is not here; the sound stays as it is.
        """
        self.play_preset(load_preset(path), path)
        self._say(f"Preset {self.loaded.name if self.loaded else path.stem}.")

    def play_preset(
        self, preset: Preset, path: Path | None = None, source: Source = "preset"
    ) -> None:
        """Take the whole sound from a preset that is in no file, or has been read already.

        With the source "user" it is a move by hand, such as a morph's, of the preset that was
        loaded before: there is no PresetLoaded then.

        An effect that is in both sounds plays on with its new values, and what else goes or comes
        is faded; so is the instrument if it is another, which is then the one that is matched, if
        it can be. Raises as :meth:`load_preset`.
        """
        before = self._rack.slots
        if preset.instrument != self.instrument:
            if find_plugin(preset.instrument).kind == "effect":
                raise PresetError(
                    f"{path or preset.name}: {preset.instrument} is an effect, not an instrument."
                )
            self._rack.set_instrument(preset.instrument, preset.parameters)
            self.instrument = preset.instrument
        effects = self._rack.load(preset.effects, default_uids(preset.effects))
        self._rack.state = preset.state
        values = {**preset.values, **effects}
        known = {id_: value for id_, value in values.items() if id_ in self.parameters}
        # Before the rack is told: what enters finds its values in their place.
        self.values = self.parameters.complete(known)
        if self._rack.slots != before:
            self._push_rack()
        self.set_parameters({}, source)
        if source == "preset":
            self.loaded = preset
            self._events.append(PresetLoaded(preset, path))

    def save_preset(self, path: Path) -> None:
        """Write the whole sound to a preset, with the match that it comes from, if any.

        Raises
        ------
        PresetError
            If `path` cannot be written.
        """
        save_preset(path, self.preset(path.stem))
        self._say(f"Saved {path.name}.")

    def preset(self, name: str) -> Preset:
        """The live sound as a preset, with the match that it comes from, if any.

        Author, comment, tags and what else the loaded preset says stay.
        """
        sound = Preset(
            name=name,
            instrument=self.instrument,
            parameters=self._instrument_values(),
            effects=self._rack.states(self.values),
            state=self._rack.state,
        )
        loaded = self.loaded or sound
        match = self._match_record()
        if match is None and _same_sound(loaded, sound):
            match = loaded.match
        return msgspec.structs.replace(
            sound, author=loaded.author, comment=loaded.comment, tags=loaded.tags,
            licence=loaded.licence, extra=loaded.extra, match=match,
        )  # fmt: skip

    def _change_program(self, program: int) -> None:
        """Load what a MIDI program change calls, if there is a bank."""
        if program < len(self.bank):
            try:
                self.load_preset(self.bank[program])
            except MesosynthError as error:
                self._say(str(error), "error")
        elif self.bank:
            self._say(f"There is no program {program + 1}; the bank ends at {len(self.bank)}.")

    def _match_record(self) -> MatchRecord | None:
        result, target = self.result, self.target
        if result is None or target is None or self.instrument != self._matched_instrument:
            return None
        clamped = {id_: self.parameters[id_].clamp(value) for id_, value in result.theta.items()}
        if any(self.values[id_] != value for id_, value in clamped.items()):
            return None  # the sound has moved on
        return match_record(result, target.name, target.sha256, result.similarity)


def _same_sound(one: Preset, other: Preset) -> bool:
    return (one.instrument, one.values) == (other.instrument, other.values)
