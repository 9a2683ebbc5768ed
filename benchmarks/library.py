"""Time to open, search and watch a large library of presets.

With --json, one object::

    schema        2; grows with any change that a reader of an older one would notice
    machine       see :meth:`benchmarks.harness.Environment.record`
    presets       how many there are
    first_ms      to read all of them, which happens once, in the background
    open_ms       to list the entries of the last scan
    search_ms     to search for every line that is typed, letter by letter
    open_and_search_ms
                  both together, in a library that was closed
    look_ms       to see in the background that nothing has changed, once a second

All but the first are spreads (:func:`benchmarks.harness.spread`).
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    console,
    program,
    show_machine,
    spread,
    table,
)
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.presets.library import Library
from mesosynth.presets.preset import CATEGORIES, PRESET, Preset, Tags

SCHEMA = 2
LINES = (
    "glass bell",
    "tag:drone",
    "author:ada bird",
    "-tag:soft is:user",
    'tag:"long sweep"',
    "zz",
)
_NAMES = ("glass", "bell", "bird", "cloud", "rain", "siren", "long", "night", "acid", "wind")
_WORDS = ("bright", "soft", "dark", "rising", "falling", "slow", "fast", "long sweep")
_REPEATS = 15
_SHOWN = ("median", "longest")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--presets", metavar="N", type=int, default=5000)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    if not 1 <= arguments.presets <= 50_000:
        raise ArgumentError(f"--presets {arguments.presets} must be 1 to 50000.")
    environment = Environment()
    with Narration() as say, tempfile.TemporaryDirectory() as folder:
        say(f"writing {arguments.presets} presets")
        _fill(Path(folder) / "user", arguments.presets)
        say("opening and searching them")
        figures = _measure(Path(folder))
    return {"schema": SCHEMA, "machine": environment.record(), **figures}


def _fill(folder: Path, count: int) -> None:
    dice, kinds = random.Random(0), sorted(INSTRUMENTS)
    folder.mkdir()
    for number in range(count):
        instrument = dice.choice(kinds)
        table = INSTRUMENTS[instrument].parameters
        preset = Preset(
            name=f"{dice.choice(_NAMES)} {dice.choice(_NAMES)} {number}".capitalize(),
            instrument=instrument,
            parameters={p.id: p.from_unit(dice.random()) for p in table.values()},
            author=dice.choice(("Ada", "Bob", "Eve")),
            comment="One of many, between the others.",
            tags=Tags(
                category=dice.choice(CATEGORIES),
                character=(dice.choice(_WORDS),),
                features=(dice.choice(_WORDS),),
            ),
        )
        (folder / f"{number}.json").write_bytes(PRESET.format(preset, str(number)))


def _measure(folder: Path) -> Answer:
    def library() -> Library:
        return Library(folder / "factory", folder / "user", folder / "cache")

    def open_and_search() -> None:
        there = library()
        there.recall()
        there.search(LINES[0])

    first = _milliseconds(lambda: library().refresh())
    there = library()
    there.refresh()
    typed = [line[: length + 1] for line in LINES for length in range(len(line))]
    return {
        "presets": len(there.entries),
        "first_ms": first,
        "open_ms": _times([lambda: library().recall()] * _REPEATS),
        "search_ms": _times([lambda line=line: there.search(line) for line in typed]),
        "open_and_search_ms": _times([open_and_search] * _REPEATS),
        "look_ms": _times([there.refresh] * _REPEATS),
    }


def _times(works: list[Callable[[], object]]) -> dict[str, float]:
    return spread(_milliseconds(work) for work in works)


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    show_machine(answer["machine"])
    console().print(
        f"{answer['presets']} presets; read for the first time in {answer['first_ms']:.0f} ms"
    )
    rows = [
        [name.replace("_", " "), *(f"{answer[f'{name}_ms'][key]:.1f}" for key in _SHOWN)]
        for name in ("open", "search", "open_and_search", "look")
    ]
    table("Milliseconds", [""], list(_SHOWN), rows)


if __name__ == "__main__":
    sys.exit(program("library", __doc__, add_options, run, show))
