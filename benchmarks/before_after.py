"""Speed of this checkout beside an earlier one, side by side in one run.

``python -m benchmarks.before_after --before CHECKOUT``. Both checkouts are measured in turn,
before, after, before, after, so that whatever else the machine does hits both; a ratio is the
median of the rounds' ratios, after over before: below 1, this checkout is faster. Measured are

window      seconds from the start of the process to the first window on the screen (where there is
            a display; else Qt's offscreen platform), and until all of it is painted
block       microseconds of an audio block of 128 frames at 48 kHz, on the processor's clock:
            instrument, effects and limiter, one voice, and sixteen with all effects
match       seconds of the match of the demo by ``mesosynth match``, from the start of the process
            and by its own clock, and its evaluations
switching   presets that change ten times a second on JACK's dummy driver: milliseconds of a switch,
            blocks missed, clicks

With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    rounds      asked for
    figures     a list of {question, figure, before, after, ratio}: spreads over the rounds, see
                :func:`benchmarks.harness.spread`; ratio is null where before was 0
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import checkouts
from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    at_least,
    number,
    program,
    show_machine,
    spread,
    table,
)
from mesosynth.errors import ArgumentError

SCHEMA = 1
_DEMO = "assets/demo.wav"
_SWITCHING_SECONDS = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument(
        "--before", metavar="CHECKOUT", type=checkouts.checkout, required=True,
        help="for example a git worktree of 985e2db",
    )  # fmt: skip
    parser.add_argument("--rounds", metavar="N", type=at_least(1), default=5)
    parser.add_argument(
        "--only", metavar="A,B", default=",".join(QUESTIONS),
        help="some of window, block, match, switching",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    chosen = [word.strip() for word in arguments.only.split(",")]
    for word in chosen:
        if word not in QUESTIONS:
            raise ArgumentError(f"--only {word!r} must be of {', '.join(QUESTIONS)}.")
    environment, figures = Environment(), list[Answer]()
    sides = {"before": arguments.before, "after": checkouts.HERE}
    with Narration() as say:
        for question in chosen:
            rounds: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
            for number_ in range(arguments.rounds):
                for side, folder in sides.items():
                    say(f"{question}, round {number_ + 1} of {arguments.rounds}: {side}")
                    rounds[side].append(QUESTIONS[question](folder))
            figures += _figures(question, rounds["before"], rounds["after"])
    return {
        "schema": SCHEMA, "machine": environment.record(), "rounds": arguments.rounds,
        "figures": figures,
    }  # fmt: skip


def _figures(
    question: str, before: list[dict[str, float]], after: list[dict[str, float]]
) -> list[Answer]:
    figures: list[Answer] = []
    for name in before[0]:
        pairs = [(one[name], other[name]) for one, other in zip(before, after, strict=True)]
        ratios = [other / one for one, other in pairs if one > 0.0]
        figures.append(
            {
                "question": question,
                "figure": name,
                "before": spread(one for one, _ in pairs),
                "after": spread(other for _, other in pairs),
                "ratio": spread(ratios) if ratios else None,
            }
        )
    return figures


# ---------------------------------------------------------------------- questions


def _window(folder: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        variables = {**checkouts.apart(Path(scratch)), **checkouts.display()}
        words = ["benchmarks.children.window_start", repr(time.monotonic())]
        told = json.loads(checkouts.output(folder, words, variables))
    return {"s to first exposure": told["exposed"], "s to first picture": told["painted"]}


def _block(folder: Path) -> dict[str, float]:
    told = json.loads(checkouts.output(folder, ["benchmarks.children.audio_block"]))
    return {f"µs, {scene}": statistics.median(times) for scene, times in told.items()}


def _match(folder: Path) -> dict[str, float]:
    began = time.monotonic()
    told = json.loads(checkouts.output(folder, ["mesosynth", "match", _DEMO, "--json"]))
    return {
        "s from start to result": time.monotonic() - began,
        "s of the match": told["seconds"],
        "evaluations": told["evaluations"],
        "loss": told["loss"],
    }


def _switching(folder: Path) -> dict[str, float]:
    old = (folder / "mesosynth" / "bench").is_dir()  # where it is a command of the program's
    words = ["mesosynth", "bench", "switching"] if old else ["benchmarks.switching"]
    with tempfile.TemporaryDirectory() as scratch:
        words += ["--seconds", str(_SWITCHING_SECONDS), "--json"]
        told = json.loads(checkouts.output(folder, words, checkouts.apart(Path(scratch))))
    return {
        "ms of a switch, median": told["switch_ms"]["median"],
        "ms of a switch, longest": told["switch_ms"]["longest"],
        "blocks missed": told["underflows"],
        "clicks": len(told["clicks"]),
    }


QUESTIONS: dict[str, Callable[[Path], dict[str, float]]] = {
    "window": _window, "block": _block, "match": _match, "switching": _switching,
}  # fmt: skip
"""Measurements of one checkout in one round: each returns figures by name."""


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    show_machine(answer["machine"])
    rows = [
        [row["question"], row["figure"],
         *(f"{row[side]['median']:.4g}" for side in ("before", "after")),
         number(row["ratio"] and row["ratio"]["median"], ".3f"),
         number(row["ratio"] and row["ratio"]["low"], ".2f"),
         number(row["ratio"] and row["ratio"]["high"], ".2f")]
        for row in answer["figures"]
    ]  # fmt: skip
    table(
        f"Medians of {answer['rounds']} rounds, before and after in turn; ratio below 1 is faster",
        ["question", "figure"], ["before", "after", "ratio", "low", "high"], rows,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(program("before_after", __doc__, add_options, run, show))
