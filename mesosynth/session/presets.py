"""The part of a session that takes its sound from presets and writes it to them."""

from pathlib import Path

from mesosynth.errors import PresetError
from mesosynth.matched_preset import match_record
from mesosynth.presets import MatchRecord, Preset, load_preset, save_preset
from mesosynth.session.matching import Matching


class Presets(Matching):
    """The live sound as a preset, and back; it knows the match that a sound comes from."""

    def load_preset(self, path: Path) -> None:
        """Take all parameters from a preset.

        Raises
        ------
        PresetError
            If it cannot be read, or is of another instrument; the sound stays as it is.
        """
        preset = load_preset(path)
        if preset.instrument != self.instrument:
            raise PresetError(
                f"{path} is for the {preset.instrument}; this session plays the {self.instrument}."
            )
        values = self._rack.load(preset.effects)
        self._rack.state = preset.state
        self._push_rack()
        self.set_parameters({**preset.values, **values}, "preset")
        self._say(f"Preset {preset.name}.")

    def save_preset(self, path: Path) -> None:
        """Write all parameters to a preset, with the match that they come from, if any.

        Raises
        ------
        PresetError
            If `path` cannot be written.
        """
        save_preset(path, self.preset(path.stem))
        self._say(f"Saved {path.name}.")

    def preset(self, name: str) -> Preset:
        """The live parameters as a preset, with the match that they come from, if any."""
        return Preset(
            name=name,
            instrument=self.instrument,
            parameters=self._instrument_values(),
            effects=self._rack.states(self.values),
            state=self._rack.state,
            match=self._match_record(),
        )

    def _match_record(self) -> MatchRecord | None:
        result, target = self.result, self.target
        if result is None or target is None or self.instrument != self._matched_instrument:
            return None
        clamped = {id_: self.parameters[id_].clamp(value) for id_, value in result.theta.items()}
        if any(self.values[id_] != value for id_, value in clamped.items()):
            return None  # the sound has moved on
        return match_record(result, target.name, target.sha256)
