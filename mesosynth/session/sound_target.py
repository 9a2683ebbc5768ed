"""The part of a session that makes its own sound the target, of which it knows what made it."""

from collections.abc import Mapping
from pathlib import Path

from mesosynth.audio.file import load_target, read_overview, write_wav
from mesosynth.audio.target import Target
from mesosynth.audio.waveform_peaks import Overview
from mesosynth.engine.capture import new_take, takes_folder
from mesosynth.engine.rack import render
from mesosynth.errors import PresetError
from mesosynth.presets.preset import Preset, load_preset, save_preset
from mesosynth.session.presets import Presets

SECONDS = 6.0
"""Length of the sound that becomes the target, s: the window's four, and room to move it."""

_RATE = 48000


class SoundTargets(Presets):
    """Takes what plays now as the target, and remembers where it lies."""

    def take_sound_as_target(self) -> None:
        """Make the sound as it is now the target; `poll` reports TargetLoaded.

        It is rendered in the background, and kept as a take with a preset of the same name.

        Raises
        ------
        AudioFileError, PresetError
            If there can be no such files.
        """
        path = new_take()
        preset = self.preset(path.stem)
        save_preset(path.with_suffix(".json"), preset)
        self._reading, self._reading_path = self._reader.submit(_render, preset, path), path
        self._say("Rendering this sound as the target …")

    @property
    def known_values(self) -> Mapping[str, float] | None:
        """The parameters that made the target, where :meth:`take_sound_as_target` did."""
        path = self.target_path
        if path is None or path.absolute().parent != takes_folder().absolute():
            return None
        try:
            preset = load_preset(path.with_suffix(".json"))
        except PresetError:  # as of takes from the input, of which nobody knows
            return None
        return preset.values if preset.instrument == self.instrument else None


def _render(preset: Preset, path: Path) -> tuple[Target, Overview]:
    audio = render(preset.instrument, preset.values, SECONDS, _RATE, effects=preset.effects)
    write_wav(path, audio, _RATE)
    return load_target(path), read_overview(path)
