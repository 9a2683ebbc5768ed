"""Survey the library: ``python -m mesosynth.finding [FOLDER ...] [--output FILE]``.

Prints how many of how many new sounds were heard, a line each. Without a FOLDER it surveys the
presets that mesosynth brings and the user's. With MESOSYNTH_CACHE_DIR set to an empty folder and
``--output assets/sound_map.npz`` it makes what travels with mesosynth.
"""

import argparse
import os
from pathlib import Path

import torch

from mesosynth.presets.listen import survey_presets
from mesosynth.presets.reading import library_presets, read_presets
from mesosynth.presets.similarity import write_survey
from mesosynth.system.cpu import compute_apart


def main() -> None:
    """Survey, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m mesosynth.finding")
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=Path)
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of the user's cache")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the rest belongs to the sound
    if hasattr(os, "nice"):
        os.nice(10)
    compute_apart()
    presets = read_presets(arguments.folders) if arguments.folders else library_presets()
    survey = survey_presets(presets, lambda done, total: print(done, total, flush=True))
    write_survey(survey, arguments.output)


if __name__ == "__main__":
    main()
