"""Tests a plugin before an audience does: what pluginval is to VST3.

The checks run in a process of their own, so that a plugin may hang or crash, and each one says in a
line what it found.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mesosynth.engine.plugin_check import CHECKS, FULL, Grid
from mesosynth.engine.plugin_registry import BUILT_IN, list_plugins, load_file, load_plugin
from mesosynth.errors import ArgumentError, PluginError
from mesosynth.plugins.plugin import Plugin

PATIENCE = 120.0  # s for one check

_CHECK = "from mesosynth.engine.plugin_check_runner import main; main()"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    ok: bool
    found: str


def check_plugin(name: str, grid: Grid = FULL) -> Iterator[Finding]:
    """Check a plugin in a process of its own, finding after finding.

    Parameters
    ----------
    name : str
        A file, or a plugin's name in the rack.
    grid : Grid

    Raises
    ------
    ArgumentError
        If there is no such file or plugin.
    """
    if not Path(name).is_file() and name not in {info.name for info in list_plugins()}:
        raise ArgumentError(f"{name} is neither a file nor a plugin; see mesosynth plugin list.")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", _CHECK, name, json.dumps(asdict(grid))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        env=environment, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        last, ended = "it is loaded", False
        while True:
            timer = threading.Timer(PATIENCE, process.kill)
            timer.start()
            line = process.stdout.readline()
            timer.cancel()
            if not line:
                break
            told = json.loads(line)
            ended, last = told["check"] == "", told["next"]
            if not ended:
                yield Finding(told["check"], told["ok"], told["found"])
        story = process.stderr.read().strip().splitlines()
    if not ended:
        why = story[-1] if story and process.returncode > 0 else "it hangs or crashes"
        yield Finding(last, False, why)


def main() -> None:
    """Check what the command line names, and print a line of JSON for each finding."""
    name, grid = sys.argv[1], Grid(**json.loads(sys.argv[2]))
    out, sys.stdout = sys.stdout, sys.stderr  # a plugin may print

    def tell(check: str, ok: bool, found: str, following: str) -> None:
        told = {"check": check, "ok": ok, "found": found, "next": following}
        print(json.dumps(told), file=out, flush=True)

    titles = ["it is loaded", *(title for title, _ in CHECKS), ""]
    try:
        kind = _load(name)
    except PluginError as error:
        print(error.traceback, file=sys.stderr)
        tell(titles[0], False, str(error), "")
        tell("", True, "", "")
        return
    tell(titles[0], True, f"{kind.name}, {len(kind.parameters)} parameters", titles[1])
    for i, (title, check) in enumerate(CHECKS, 1):
        try:
            ok, found = check(kind, grid)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            ok, found = False, f"{type(error).__name__}: {error}"
        tell(title, ok, found, titles[i + 1])
    tell("", True, "", "")


def _load(name: str) -> type[Plugin]:
    return load_plugin(name) if name in BUILT_IN or not Path(name).is_file() else (
        load_file(Path(name))
    )  # fmt: skip
