"""Structure of the code in numbers: size, small modules, repeated names, and two paths of a value.

``python -m benchmarks.structure [--checkout DIR] [--json] [--no-paths]``

Sizes are read from the source files (packages `mesosynth` and `gui`, without benchmarks):

modules, lines
    All ``.py`` files and their lines, by package and folder. Of 985e2db, `mesosynth/bench` is not
    counted.
small
    Modules under 60 lines that exactly one other module imports (``__init__`` files apart). An
    import is any import statement, also one inside a function or under ``TYPE_CHECKING``.
class names
    Names that more than one class statement defines, at any level of nesting.
session_mro
    ``len(Session.__mro__)``, with `object`.
top_level
    Modules directly in `mesosynth/`, ``__init__`` and ``__main__`` included.

The two paths are measured on the real program: the window (offscreen), the session and its
processes run on the silent clock while a profile function looks at every call
(:mod:`benchmarks.children.path_tracer`). A hand turns a knob by mouse events, or drops a sound on
the window and presses M. The value is recognised by what it is: the knob's number, the file's path,
an array as large as a sound, the number of theta's f_m that the pad shows first. A file is on the
path if one of its functions

1. is on the Python stack when the value crosses a border of the path (called since the hand
   moved: the loops at the bottom of each thread's stack are no part of it), or
2. gave the value, by returning it, to such a function before that (and so on), or
3. defines the class of a record in which the value was then.

The borders of the knob's path: the number appears in memory that processes share (in the window's
process), and a function of an instrument is called with it (in the audio process); compiled
functions that such a function names count as called. Those of the sound's path: the path or the
sound leaves a thread or a process, or arrives in one, by a queue, a connection, a pool or a future;
a thread's outermost function is called with it or returns it; theta leaves the process that
matches, arrives in the window's, and a function of a file named "pad" is called with it. Crossings
after theta has reached the pad do not count, nor do those of processes from which no theta comes.

By this rule 985e2db has 20 files on the knob's path and 24 on the sound's.
"""

import argparse
import ast
import json
import math
import sys
import tempfile
import wave
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import checkouts
from benchmarks.children import path_driver, path_tracer

PACKAGES = ("mesosynth", "gui")
SMALL = 60  # lines
LIMITS = {
    "modules": 190, "lines": 36000, "small": 12, "class_names": 4, "session_mro": 3,
    "knob_path": 9, "sound_path": 15, "top_level": 6,
}  # fmt: skip
"""At most; the issue "The house rebuilt"."""

_APART = ("mesosynth/bench/",)


def main() -> int:
    """Print the figures; the exit status is 1 where one is beyond its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.structure", description=__doc__)
    parser.add_argument("--checkout", type=checkouts.checkout, default=checkouts.HERE)
    parser.add_argument("--no-paths", action="store_true", help="do not run the program")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    answer = structure(arguments.checkout, paths=not arguments.no_paths)
    if arguments.json:
        print(json.dumps(answer))
    else:
        _show(answer)
    return 0 if not answer["beyond"] else 1


def structure(checkout: Path, paths: bool = True) -> dict[str, Any]:
    """All figures of a checkout.

    Parameters
    ----------
    checkout : Path
    paths : bool
        Whether to run the program, which takes two minutes.

    Returns
    -------
    dict
        folders ({folder: {modules, lines}}), the figures of LIMITS, and beyond: the names of those
        that are larger than their limit.
    """
    sources = {
        path.relative_to(checkout).as_posix(): path.read_text()
        for package in PACKAGES
        for path in sorted((checkout / package).rglob("*.py"))
    }
    sources = {name: text for name, text in sources.items() if not name.startswith(_APART)}
    trees = {name: ast.parse(text) for name, text in sources.items()}
    lines = {name: len(text.splitlines()) for name, text in sources.items()}
    folders: dict[str, Counter[str]] = defaultdict(Counter)
    for name, count in lines.items():
        folders[str(Path(name).parent)].update(modules=1, lines=count)
    answer: dict[str, Any] = {
        "folders": {folder: dict(counts) for folder, counts in sorted(folders.items())},
        "modules": len(sources),
        "lines": sum(lines.values()),
        "small": _small(trees, lines),
        "class_names": _repeated_classes(trees),
        "session_mro": _session_mro(checkout),
        "top_level": sorted(name for name in sources if _is_top_level(name)),
    }
    if paths:
        answer["knob_path"] = knob_path(checkout)
        answer["sound_path"] = sound_path(checkout)
    answer["beyond"] = [
        name for name, limit in LIMITS.items() if name in answer and _count(answer[name]) > limit
    ]
    return answer


def _count(figure: Any) -> int:  # noqa: ANN401 - a number or a list
    return figure if isinstance(figure, int) else len(figure)


def _is_top_level(name: str) -> bool:
    return name.count("/") == 1 and name.startswith("mesosynth/")


# ---------------------------------------------------------------------- source files


def _small(trees: Mapping[str, ast.Module], lines: Mapping[str, int]) -> list[dict[str, Any]]:
    modules = {_module(name): name for name in trees}
    importers: dict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        for imported in _imports(name, tree, modules):
            importers[imported].add(name)
    return [
        {"module": name, "lines": lines[name], "importer": next(iter(importers[module]))}
        for module, name in modules.items()
        if lines[name] < SMALL
        and not name.endswith("/__init__.py")
        and len(importers[module] - {name}) == 1
    ]


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(name: str, tree: ast.Module, modules: Mapping[str, str]) -> Iterator[str]:
    """Modules of the program that a file imports."""
    package = _module(name).split(".")
    if not name.endswith("/__init__.py"):
        package = package[:-1]
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name in modules:
                    yield alias.name
        elif isinstance(statement, ast.ImportFrom):
            above = package[: len(package) - statement.level + 1] if statement.level else []
            source = ".".join([*above, *([statement.module] if statement.module else [])])
            for alias in statement.names:
                inside = f"{source}.{alias.name}"
                if inside in modules:
                    yield inside
                elif source in modules:
                    yield source


def _repeated_classes(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for name, tree in trees.items():
        for statement in ast.walk(tree):
            if isinstance(statement, ast.ClassDef):
                places[statement.name].append(name)
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def _session_mro(checkout: Path) -> list[str]:
    module = "benchmarks.children.session_classes"
    return json.loads(checkouts.output(checkout, [module]))


# ---------------------------------------------------------------------- paths of a value

Event = dict[str, Any]
_TRIES = 3


def knob_path(checkout: Path) -> list[str]:
    """Files that a knob's value passes from the widget to the sample loop."""
    events = _record(checkout, "knob")
    written = [e for e in events if e["way"] == "shared" and _in_window(e)]
    played = [e for e in events if e["way"] == "instrument"]
    _need([*written, *played], "shared", "instrument")
    # The audio process is the first: the one that matches draws the sound, too, but later.
    played = [event for event in played if event["pid"] == played[0]["pid"]]
    return _files([*written, *played], path_tracer.NUMBER)


def sound_path(checkout: Path) -> list[str]:
    """Files between a sound that is dropped on the window and theta on the pad."""
    with tempfile.TemporaryDirectory() as scratch:
        dropped = str(Path(scratch) / "arpeggio.wav")
        _write_arpeggio(dropped)
        events: list[Event] = []
        for _ in range(_TRIES):
            learnt = [event for event in _record(checkout, "learn", dropped) if "learnt" in event]
            if learnt:
                events = _record(checkout, "drop", dropped, learnt[0]["learnt"])
            if any(event.get("way") == "pad" for event in events):
                break  # the match came to the same theta again
    number, sound = path_tracer.NUMBER, path_tracer.PATH | path_tracer.SOUND
    theta = [event for event in events if event["bits"] & number]
    _need(theta, "leave", "pad")
    pad = next(event for event in theta if event["way"] == "pad")
    theta = [event for event in theta if event["time"] <= pad["time"]]
    leaving = [e for e in theta if e["way"] == "leave" and e["pid"] != pad["pid"]]
    _need([pad, *leaving], "leave", "pad")
    matcher = leaving[0]["pid"]
    arriving = [e for e in theta if e["way"] == "arrive" and e["pid"] == pad["pid"]]
    before = [
        event for event in events
        if event["bits"] & sound and not event["bits"] & number
        and event["time"] < leaving[0]["time"]
        and (event["pid"] == pad["pid"] or (event["pid"], event["way"]) == (matcher, "arrive"))
    ]  # fmt: skip
    leaving = [event for event in leaving if event["pid"] == matcher]
    files = {*_files(before, sound), *_files([*leaving, *arriving, pad], number)}
    return sorted(files)


def _in_window(event: Event) -> bool:
    return any(file.startswith("gui/") for file, _name in event["stack"])


def _write_arpeggio(path: str) -> None:
    """Write a sound that is not the one the program begins with: a falling arpeggio, 4 s."""
    rate, seconds, f_c, f_m, gamma, w = 22050, 4.0, 700.0, 5.0, -1.3, 2.0
    samples = bytearray()
    for n in range(round(rate * seconds)):
        t = n / rate - 0.5 * seconds
        phase = f_c / (gamma * math.log(2.0)) * (2.0 ** (gamma * t) - 1.0)
        envelope = math.exp(-((gamma * t / (0.3 * w)) ** 2))
        sample = 0.6 * envelope * math.sin(math.tau * f_m * t) * math.sin(math.tau * phase)
        samples += round(32767.0 * sample).to_bytes(2, "little", signed=True)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(samples))


def _need(events: Sequence[Event], *ways: str) -> None:
    missing = set(ways) - {event["way"] for event in events}
    if missing:
        raise RuntimeError(f"The value was not seen at {missing}; {__name__} tells what that is.")


def _files(crossings: Sequence[Event], bits: int) -> list[str]:
    files = {file for event in crossings for file, _name in event["stack"]}
    files |= {
        file for event in crossings for file, _name, what in event.get("giving", ()) if what & bits
    }
    return sorted(files)


def _record(checkout: Path, what: str, dropped: str = "", number: float = 0.0) -> list[Event]:
    """Run the program under :mod:`benchmarks.children.path_driver`; what was recorded, in order."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "sitecustomize.py").write_text(
            "from benchmarks.children import path_tracer\npath_tracer.start()\n"
        )
        variables = {
            path_tracer.ROOT: str(checkout), path_tracer.FOLDER: str(folder),
            path_tracer.DROPPED: dropped, path_tracer.LEARNT: repr(number),
            "QT_QPA_PLATFORM": "offscreen", **checkouts.apart(folder),
        }  # fmt: skip
        checkouts.output(checkout, ["benchmarks.children.path_driver", what], variables, [folder])
        events = [event for path in folder.glob("*.jsonl") for event in read_events(path)]
        begin = folder / path_driver.DROPPED_AT
        if begin.exists():
            events = [event for event in events if event["time"] > float(begin.read_text())]
    return sorted(events, key=lambda event: event["time"])


def read_events(path: Path) -> list[Event]:
    """Recorded events of a process, without an unfinished last line."""
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


# ---------------------------------------------------------------------- table


def _show(answer: Mapping[str, Any]) -> None:
    for folder, counts in answer["folders"].items():
        print(f"{folder:<28} {counts['modules']:>4} modules {counts['lines']:>6} lines")
    for row in answer["small"]:
        print(f"small: {row['module']} ({row['lines']} lines), of {row['importer']}")
    for name, places in answer["class_names"].items():
        print(f"class {name}: {', '.join(places)}")
    for name in ("knob_path", "sound_path"):
        for file in answer.get(name, ()):
            print(f"{name}: {file}")
    print(f"{'':<14} {'now':>6} {'limit':>6}")
    for name, limit in LIMITS.items():
        if name in answer:
            note = "  beyond" if name in answer["beyond"] else ""
            print(f"{name:<14} {_count(answer[name]):>6} {limit:>6}{note}")


if __name__ == "__main__":
    sys.exit(main())
