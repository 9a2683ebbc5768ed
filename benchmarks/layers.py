"""Recordings matched with a few layers, beside the best of many random settings.

Every sound of a folder is matched with layers. The baseline is the best, by the loss of the
search, of many settings of as many layers, drawn evenly over the knobs' travel, at onsets and
levels drawn too. With --json, one object::

    schema      3; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    layers, seconds, seed, random
                as on the command line
    recordings  a list: file; layers (found); scores {score, picture, jtfs, log_mel}; random, the
                same of the best setting at random where one was drawn;
                loss, evaluations, seconds, converged
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.harness import (
    NOTHING,
    Answer,
    Environment,
    Narration,
    program,
    show_machine,
    table,
)
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

if TYPE_CHECKING:
    from mesosynth.audio.target import Target
    from mesosynth.matching.results import Layer

SCHEMA = 3
_SOUNDS = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")
_LEVELS = (-24.0, 0.0)  # dB


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument(
        "--recordings", metavar="DIR", default=os.environ.get("MESOSYNTH_RECORDINGS", ""),
        help="a folder of sounds (default: $MESOSYNTH_RECORDINGS)",
    )  # fmt: skip
    parser.add_argument("--only", metavar="TEXT", default="", help="part of the files' names")
    parser.add_argument("--layers", metavar="N", type=int, default=12)
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0, help="for each")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument(
        "--random", metavar="N", type=int, default=2000, help="settings drawn for the baseline"
    )


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    files = _files(arguments.recordings, arguments.only)
    if not 0 <= arguments.random <= 1_000_000:
        raise ArgumentError(f"--random {arguments.random} must be 0 to 1000000.")
    environment = Environment(worker_threads())
    rows: list[Answer] = []
    with Narration() as say:
        for file in files:
            rows.append(_measure(file, arguments, say))
            say(_line(rows[-1]))
    return {
        "schema": SCHEMA,
        "machine": environment.record(),
        **{name: getattr(arguments, name) for name in ("layers", "seconds", "seed", "random")},
        "recordings": rows,
    }


def _files(folder: str, only: str) -> list[Path]:
    if not folder:
        raise ArgumentError("--recordings is missing; name a folder of sounds.")
    if not Path(folder).is_dir():
        raise ArgumentError(f"--recordings {folder} is not a folder.")
    files = [f for f in sorted(Path(folder).iterdir()) if f.suffix.lower() in _SOUNDS]
    files = [f for f in files if only in f.name]
    if not files:
        raise ArgumentError(f"--recordings {folder} holds no sounds{only and f' like {only!r}'}.")
    return files


def _measure(file: Path, arguments: argparse.Namespace, say: Narration) -> Answer:
    from mesosynth.audio.file import load_target
    from mesosynth.matching.layers import layer_steps
    from mesosynth.matching.results import LayersSettings
    from mesosynth.system.steps import result_of

    target = load_target(file)
    say(f"{file.name}: {arguments.layers} layers")
    settings = LayersSettings(arguments.layers, arguments.seconds, arguments.seed)
    result = result_of(layer_steps(target, settings))
    row: Answer = {
        "file": file.name,
        "layers": len(result.layers),
        "scores": result.scores.as_dict(),
        "loss": result.loss,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "converged": result.converged,
    }
    if arguments.random:
        say(f"{file.name}: {arguments.random} settings at random")
        row["random"] = _best_at_random(target, arguments)
    return row


def _best_at_random(target: "Target", arguments: argparse.Namespace) -> dict[str, float]:
    """Scores of the best of many settings, by the loss of the search."""
    from mesosynth.matching.layers import LayerSearch, render_layers
    from mesosynth.matching.results import LayersSettings
    from mesosynth.matching.similarity import Similarity
    from mesosynth.system.steps import EvaluationCache

    rng, recording = np.random.default_rng(arguments.seed), target.recording
    search = LayerSearch(target, LayersSettings(), EvaluationCache())
    best, least = list["Layer"](), np.inf
    for _ in range(arguments.random):
        tried = [_at_random(rng, recording.duration) for _ in range(arguments.layers)]
        if (loss := search.loss_of(tried)) < least:
            best, least = tried, loss
    audio = render_layers(best, len(recording.audio), recording.sample_rate)
    return Similarity(recording.audio, recording.sample_rate).of(audio).as_dict()


def _at_random(rng: np.random.Generator, seconds: float) -> "Layer":
    from mesosynth.matching.results import LAYERED, MATCHABLE, Layer

    kind = str(rng.choice(LAYERED))
    table = MATCHABLE[kind]
    return Layer(
        theta={id_: table[id_].from_unit(rng.random()) for id_ in table.matchable},
        onset=rng.uniform(0.0, seconds),
        level=10.0 ** (rng.uniform(*_LEVELS) / 20.0),
        instrument=kind,
    )


def _line(row: Answer) -> str:
    cosines = ", ".join(f"{name} {value:.3f}" for name, value in row["scores"].items())
    return f"{row['file']}: {cosines} after {row['seconds']:.0f} s"


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    show_machine(answer["machine"])
    rows: list[list[str]] = []
    for row in answer["recordings"]:
        ours, chance = row["scores"], row.get("random")
        rows.append([
            row["file"],
            *(f"{ours[name]:.3f}" for name in ("picture", "jtfs", "log_mel")),
            f"{row['seconds']:.0f}",
            *(f"{chance[name]:.3f}" if chance else NOTHING for name in ("picture", "jtfs")),
        ])  # fmt: skip
    table(
        "Similarity to the recording, and those of the best setting at random",
        ["recording"], ["picture", "JTFS", "mel", "s", "random: picture", "JTFS"], rows,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(program("layers", __doc__, add_options, run, show))
