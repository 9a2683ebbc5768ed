"""Factory presets that were matched from recordings: their stated scores measured, or made anew.

Each is set beside the recording of the folder with the checksum in its record. With --write, it is
matched again first, with this version, as `mesosynth match --layers` does; name, comment, author
and tags stay, and the gain makes it as loud as the other factory presets. The map of sounds is made
afterwards by ``python -m mesosynth.presets.fingerprints --output assets/sound_map.npz``, with
MESOSYNTH_CACHE_DIR set to an empty folder. With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    presets     a list: file; target; layers; stated and measured, scores {score, picture, jtfs,
                log_mel}; loudness (LUFS)
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks.harness import Answer, Narration, at_least, program, table
from mesosynth.errors import ArgumentError

if TYPE_CHECKING:
    from mesosynth.audio.target import Target
    from mesosynth.presets.preset import Preset

SCHEMA = 1
LOUDNESS = -18.0  # LUFS, of factory presets
_RATE, _BLOCK, _SECONDS = 24000, 2048, 6.0  # by which it is measured
_VIEWS = ("picture", "jtfs", "log_mel")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument(
        "--corpus", metavar="DIR", type=Path,
        default=Path(os.environ.get("MESOSYNTH_RECORDINGS", "")),
        help="the folder of the recordings (default: $MESOSYNTH_RECORDINGS)",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help="match them again, and write them")
    parser.add_argument("--only", metavar="NAME", default="", help="those with this in their names")
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0, help="for each match")
    parser.add_argument("--layers", metavar="N", type=at_least(1), default=12)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    from mesosynth.audio.file import load_target
    from mesosynth.instruments.layers import SILENT
    from mesosynth.matching.similarity import similarity
    from mesosynth.presets.matched import sound_beside
    from mesosynth.presets.preset import load_preset, save_preset
    from mesosynth.system.paths import factory_presets

    if not arguments.corpus.is_dir() or arguments.corpus == Path():
        raise ArgumentError("--corpus: name the folder of the recordings.")
    sounds = {hashlib.sha256(f.read_bytes()).hexdigest(): f for f in arguments.corpus.iterdir()}
    rows: list[Answer] = []
    with Narration() as say:
        for path in factory_presets():
            preset = load_preset(path)
            if preset.match is None or arguments.only not in path.stem:
                continue
            file = sounds.get(preset.match.sha256)
            if file is None:
                raise ArgumentError(f"--corpus has no {preset.match.target} with its checksum.")
            target = load_target(file)
            if arguments.write:
                say(f"{path.stem}: {arguments.seconds:g} s")
                preset = _matched(preset, target, arguments.layers, arguments.seconds)
                save_preset(path, preset)
            assert preset.match is not None
            recording = target.recording
            sound = sound_beside(preset, recording)
            measured = similarity(recording.audio, sound, recording.sample_rate)
            levels = [x for id_, x in preset.values.items() if id_.startswith("level_")]
            rows.append({
                "file": path.name, "target": target.name,
                "layers": sum(level > SILENT for level in levels),
                "stated": dict(preset.match.similarity), "measured": measured.as_dict(),
                "loudness": _loudness(preset),
            })  # fmt: skip
    return {"schema": SCHEMA, "presets": rows}


def _matched(before: "Preset", target: "Target", layers: int, seconds: float) -> "Preset":
    """A preset matched anew, as loud as the others, with the scores of what it plays."""
    from mesosynth.matching.checkpoint import Checkpoint
    from mesosynth.matching.jobs import search
    from mesosynth.matching.results import LayersResult, LayersSettings
    from mesosynth.matching.similarity import similarity
    from mesosynth.presets.matched import layered_preset, sound_beside
    from mesosynth.system.steps import result_of

    settings = LayersSettings(layers=layers, seconds=seconds)
    result = result_of(search(Checkpoint("layers", settings, target)))
    assert isinstance(result, LayersResult)
    recording = target.recording
    preset = layered_preset(result, target.name, target.sha256, recording)
    preset = msgspec.structs.replace(
        preset, name=before.name, comment=before.comment, author=before.author, tags=before.tags,
        licence=before.licence,
    )  # fmt: skip
    preset = _as_loud_as_others(preset)
    assert preset.match is not None
    scores = similarity(recording.audio, sound_beside(preset, recording), recording.sample_rate)
    record = msgspec.structs.replace(preset.match, similarity=scores.as_dict())
    return msgspec.structs.replace(preset, match=record)


def _as_loud_as_others(preset: "Preset") -> "Preset":
    """A preset of layers with another gain and, where that is not enough, louder layers."""
    from mesosynth.instruments.layers import SILENT

    for _ in range(2):  # again, for the gate of the loudness
        values, missing = preset.values, LOUDNESS - _loudness(preset)
        gain = preset.table["gain"].clamp(values["gain"] + missing)
        missing -= gain - values["gain"]
        levels = {id_: x for id_, x in values.items() if id_.startswith("level_") and x > SILENT}
        room = preset.table["level_1"].maximum - max(levels.values())
        louder = {id_: x + min(max(missing, 0.0), room) for id_, x in levels.items()}
        parameters = {**preset.parameters, "gain": gain, **louder}
        preset = msgspec.structs.replace(preset, parameters=parameters)
    return preset


def _loudness(preset: "Preset") -> float:
    from mesosynth.audio.loudness import loudness
    from mesosynth.engine.rack import render

    sound = render(
        preset.instrument, preset.values, _SECONDS, _RATE, _BLOCK, effects=preset.effects,
        state=preset.state,
    )  # fmt: skip
    return loudness(np.asarray(sound), _RATE)


def show(answer: Answer) -> None:
    """Print the figures as a table."""
    table(
        "Scores of the matched factory presets beside their recordings: stated, and measured now",
        ["preset"], ["layers", "stated", "measured", *_VIEWS, "LUFS"],
        [[row["file"], str(row["layers"]), f"{row['stated']['score']:.3f}",
          f"{row['measured']['score']:.3f}", *(f"{row['measured'][name]:.3f}" for name in _VIEWS),
          f"{row['loudness']:.1f}"] for row in answer["presets"]],
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(program("matched_presets", __doc__, add_options, run, show))
