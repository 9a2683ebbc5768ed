"""Survey the library: ``python -m mesosynth.finding [FOLDER ...] [--output FILE]``.

Prints how many of how many new sounds were heard, a line each. Without a FOLDER it surveys the
presets that mesosynth brings and the user's. With MESOSYNTH_CACHE_DIR set to an empty folder and
``--output assets/sound_map.npz`` it makes what travels with mesosynth.
"""

import argparse
import os
from pathlib import Path

import torch

from mesosynth.errors import PresetError
from mesosynth.finding.listen import survey_presets
from mesosynth.finding.sound_key import sound_key
from mesosynth.finding.survey import write_survey
from mesosynth.library import user_folder
from mesosynth.presets import Preset, load_preset
from mesosynth.resources import resource


def main() -> None:
    """Survey, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m mesosynth.finding")
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=Path)
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of the user's cache")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the rest belongs to the sound
    if hasattr(os, "nice"):
        os.nice(10)
    presets = read_presets(arguments.folders or [resource("presets"), user_folder()])
    survey = survey_presets(presets, lambda done, total: print(done, total, flush=True))
    write_survey(survey, arguments.output)


def read_presets(folders: list[Path]) -> dict[str, Preset]:
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


if __name__ == "__main__":
    main()
