"""Benchmarks: `mesosynth bench NAME`.

A benchmark is a module with two functions: ``add_options(parser)``, and ``run(arguments)``, which
prints tables unless ``arguments.json`` is set and returns what --json shows. It takes its place in
BENCHMARKS, and imports what is slow to import only when it runs.
"""

import argparse
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast


class _Benchmark(Protocol):
    def add_options(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Entry:
    """A benchmark's module, and one line that tells what it measures."""

    module: str
    help: str

    def load(self) -> _Benchmark:
        """The module."""
        return cast("_Benchmark", import_module(self.module))


BENCHMARKS: dict[str, Entry] = {
    "jtfs": Entry("mesosynth.bench.jtfs", "the transform: seconds, memory, operations; its peers"),
    "match": Entry("mesosynth.bench.match", "the matcher: success, error bars, time; baselines"),
    "layers": Entry("mesosynth.bench.layers", "recordings by layers, beside settings at random"),
    "audio": Entry("mesosynth.bench.audio", "the sound: its share of a block's time, its memory"),
    "follow": Entry("mesosynth.bench.follow", "following a sound that glides: its lag"),
    "desk": Entry("mesosynth.bench.desk", "the window: frames, processor, start-up, memory"),
    "library": Entry("mesosynth.bench.library", "the library: to open and to search 5000 presets"),
    "switching": Entry("mesosynth.bench.switching", "presets that change ten times a second"),
    "soak": Entry("mesosynth.bench.soak", "a set on stage: blocks missed, memory grown"),
}
"""By the word that follows `mesosynth bench`."""


def add_benchmarks(parser: argparse.ArgumentParser) -> None:
    """Give `parser` a subcommand for each benchmark."""
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name, entry in BENCHMARKS.items():
        command = commands.add_parser(name, help=entry.help, description=f"Measure {entry.help}.")
        entry.load().add_options(command)
        command.add_argument(
            "--json", action="store_true", help="one JSON object on standard output"
        )


def run_benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark that the command line named."""
    return BENCHMARKS[arguments.benchmark].load().run(arguments)
