"""`mesosynth similar PRESET`: which sounds of the library are nearest to one."""

import argparse
import sys
from pathlib import Path
from typing import Any

SHOWN = 10


def add_similar(similar: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    similar.add_argument("preset", metavar="PRESET", type=Path)
    similar.add_argument(
        "-n", metavar="N", type=_count, default=SHOWN, help=f"how many; {SHOWN} if not said"
    )


def run_similar(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the nearest sounds, from near to far, unless as JSON, and return them.

    Sounds that nobody has listened to yet are listened to, which is remembered.
    """
    from mesosynth.presets.preset import load_preset
    from mesosynth.presets.similarity import library_presets, read_survey, sound_key, write_survey

    preset = load_preset(arguments.preset)
    here = sound_key(preset)
    library = library_presets()
    presets = {here: preset, **library}
    survey = read_survey()
    if any(key not in survey for key in presets):
        from mesosynth.presets.fingerprints import survey_presets

        survey = survey_presets(presets, _tell)
        write_survey(survey)
    found = [
        {"preset": presets[key].name, "distance": round(away, 4)}
        for key, away in survey.distances(here).items()
        if key in library
    ][: arguments.n]
    if not arguments.json:
        for one in found:
            print(f"{one['distance']:6.2f}  {one['preset']}")
    return {"preset": preset.name, "similar": found}


def _tell(done: int, total: int) -> None:
    """How many new sounds were heard, on one line."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rlistening to new sounds: {done} of {total}", end=end, file=sys.stderr, flush=True)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be 1 or more")
    return value
