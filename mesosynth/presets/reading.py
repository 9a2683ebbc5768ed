"""The presets of the library's folders by how they sound."""

from collections.abc import Iterable
from pathlib import Path

from mesosynth.errors import PresetError
from mesosynth.presets.library import user_folder
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.presets.sound_key import sound_key
from mesosynth.system.paths import resource


def library_presets() -> dict[str, Preset]:
    """Those that mesosynth brings and the user's, by sound key."""
    return read_presets([resource("presets"), user_folder()])


def read_presets(folders: Iterable[Path]) -> dict[str, Preset]:
    """All presets in `folders` by sound key; files that are none are left out."""
    presets: dict[str, Preset] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.json")):
            try:
                preset = load_preset(path)
                presets[sound_key(preset)] = preset
            except PresetError:
                continue
    return presets
