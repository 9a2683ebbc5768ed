"""Time to open, search and watch a large library of presets.

With --json, one object::

    schema        1; grows with any change that a reader of an older one would notice
    machine       facts, see :func:`benchmarks.machine.machine_facts`
    presets       how many there are
    first_ms      to read all of them, which happens once, in the background
    open_ms       {median, longest}: to list what was there when somebody last looked
    search_ms     {median, longest}: of every line that is typed, letter by letter
    open_and_search_ms
                  {median, longest}: both together, in a library that was closed
    look_ms       {median, longest}: to see in the background that nothing has changed, once a
                  second
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import program
from benchmarks.machine import machine_facts
from benchmarks.narration import Narration
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.presets.library import Library
from mesosynth.presets.preset import CATEGORIES, PRESET, Preset, Tags

SCHEMA = 1
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m benchmarks.library`."""
    parser.add_argument("--presets", metavar="N", type=int, default=5000)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print figures unless JSON is wanted, and return what --json shows."""
    if not 1 <= arguments.presets <= 50_000:
        raise ArgumentError(f"--presets {arguments.presets} must be 1 to 50000.")
    with Narration() as say, tempfile.TemporaryDirectory() as folder:
        say(f"writing {arguments.presets} presets")
        _fill(Path(folder) / "user", arguments.presets)
        say("opening and searching them")
        answer = _measure(Path(folder))
    if not arguments.json:
        _show(answer)
    return answer


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


def _measure(folder: Path) -> dict[str, Any]:
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
        "schema": SCHEMA,
        "machine": machine_facts(1),
        "presets": len(there.entries),
        "first_ms": first,
        "open_ms": _times([lambda: library().recall()] * _REPEATS),
        "search_ms": _times([lambda line=line: there.search(line) for line in typed]),
        "open_and_search_ms": _times([open_and_search] * _REPEATS),
        "look_ms": _times([there.refresh] * _REPEATS),
    }


def _times(works: list[Callable[[], object]]) -> dict[str, float]:
    times = [_milliseconds(work) for work in works]
    return {"median": statistics.median(times), "longest": max(times)}


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def _show(answer: dict[str, Any]) -> None:
    print(f"{answer['presets']} presets; read for the first time in {answer['first_ms']:.0f} ms")
    for name in ("open", "search", "open_and_search", "look"):
        times = answer[f"{name}_ms"]
        print(
            f"{name.replace('_', ' '):<18}{times['median']:7.1f} ms, "
            f"at the longest {times['longest']:.1f} ms"
        )


if __name__ == "__main__":
    sys.exit(program("library", __doc__, add_options, run))
