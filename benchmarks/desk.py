"""Frame rate, processor time, start-up and memory of the real window.

Each figure comes from a process of its own, which opens the window on the display there is, or on
none at all (Qt's offscreen platform). While frames are counted, the sound plays, one match follows
the other, and a mouse moves the pad's point some seven times a second.

With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    machine     facts, see :func:`benchmarks.machine.machine_facts`; and neighbours, how many
                cores other programs took on average meanwhile, or null
    platform    Qt's name of where the window was: "xcb", "offscreen", ...
    size        the window's, px
    start       {seconds, runs}: from nothing to the first picture, median and each
    frames      {seconds, per_second, ms: {median, p99}}: pictures given to the screen
    cpu         of the desk's own process, 1.0 is one core; sound and matcher are others
    input_ms    {median, longest}: from a move of the mouse to its picture
    memory      {windows, after_ten_mb, at_the_end_mb}: after that many were opened and closed
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from rich.console import Console

from benchmarks.harness import program
from benchmarks.machine import Neighbours, machine_facts
from mesosynth.errors import WorkerError

SCHEMA = 1
SIZE = (1200, 800)

_PATIENCE = 300.0  # s
_BUSY = 0.2  # cores


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--seconds", type=float, default=10.0, help="of frames (10)")
    parser.add_argument("--windows", type=int, default=50, help="opened and closed (50)")
    parser.add_argument("--starts", type=int, default=3, help="of the desk, from nothing (3)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, and print a few lines unless ``arguments.json`` is set."""
    facts, neighbours = machine_facts(os.cpu_count() or 1), Neighbours()
    starts = [
        _measure("start", "--begun", repr(time.time()))["start_seconds"]
        for _ in range(max(1, arguments.starts))
    ]
    frames = _measure("frames", "--seconds", str(arguments.seconds))
    memory = _measure("memory", "--windows", str(arguments.windows))
    answer = {
        "schema": SCHEMA,
        "machine": {**facts, "neighbours": neighbours.cores()},
        "platform": frames["platform"],
        "size": list(SIZE),
        "start": {"seconds": statistics.median(starts), "runs": starts},
        "frames": {
            "seconds": frames["seconds"],
            "per_second": frames["frames_per_second"],
            "ms": frames["frame_ms"],
        },
        "cpu": frames["cpu"],
        "input_ms": frames["input_ms"],
        "memory": {key: memory[key] for key in ("windows", "after_ten_mb", "at_the_end_mb")},
    }
    if not arguments.json:
        _show(answer)
    return answer


def _measure(*options: str) -> dict[str, Any]:
    """What the window's process says of itself."""
    environment = dict(os.environ)
    if sys.platform == "linux" and not ({"DISPLAY", "WAYLAND_DISPLAY"} & set(environment)):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    command = [sys.executable, "-m", "benchmarks.children.desk_window", *options]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WorkerError(
            f"The desk's window did not answer within {error.timeout:.0f} s; try again on a "
            "quieter machine."
        ) from None
    if done.returncode or not done.stdout.strip():
        words = done.stderr.strip().splitlines() or ["it said nothing"]
        raise WorkerError(
            f"The desk's window ended with code {done.returncode}; its last words: {words[-1]}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def _show(answer: dict[str, Any]) -> None:
    """Print what --json would show."""
    console = Console(highlight=False, soft_wrap=True)
    machine, frames, memory = answer["machine"], answer["frames"], answer["memory"]
    width, height = answer["size"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores; a window of {width} × {height} on "
        f"{answer['platform']}"
    )
    if (machine["neighbours"] or 0.0) > _BUSY:
        console.print(
            f"Other programs used {machine['neighbours']:.1f} cores meanwhile: "
            f"do not trust these figures."
        )
    console.print(f"From nothing to the first picture: {answer['start']['seconds']:.2f} s")
    console.print(
        f"While it plays and matches: {frames['per_second']:.0f} frames a second "
        f"({frames['ms']['median']:.1f} ms, 99% {frames['ms']['p99']:.1f} ms), "
        f"{100.0 * answer['cpu']:.0f}% of a core"
    )
    console.print(
        f"From the mouse to the picture: {answer['input_ms']['median']:.1f} ms, "
        f"longest {answer['input_ms']['longest']:.1f} ms"
    )
    console.print(
        f"Memory after ten windows {memory['after_ten_mb']:.1f} MB, after {memory['windows']} "
        f"windows {memory['at_the_end_mb']:.1f} MB"
    )


if __name__ == "__main__":
    sys.exit(program("desk", __doc__, add_options, run))
