"""Frame rate, processor time, start-up and memory of the real window.

Each figure comes from a process of its own, which opens the window on the display there is, or on
none at all (Qt's offscreen platform). While frames are counted, the sound plays, one match follows
the other, and a mouse moves the pad's point some seven times a second.

With --json, one object::

    schema      3; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    platform    Qt's name of where the window was: "xcb", "offscreen", ...
    size        the window's, px
    start       spread of the seconds from nothing to the first picture
    frames      {seconds, per_second, ms: {median, p99}}: pictures given to the screen
    cpu         of the desk's own process, 1.0 is one core; sound and matcher are others
    cpu_ms      of it for a frame, which a busy machine does not change much
    input_ms    {median, longest}: from a move of the mouse to its picture
    memory      {windows, after_ten_mb, at_the_end_mb}: after that many were opened and closed
    hour        {minutes, overview_seconds, zoom_seconds, longest_turn_ms, held_mb}: a long sound as
                the target: until its waveform is shown, and ten seconds of it finer; the longest
                turn of the event loop meanwhile, and the memory at the end
"""

import argparse
import json
import os
import subprocess
import sys
import time

from benchmarks.harness import (
    Answer,
    Environment,
    console,
    program,
    show_machine,
    spread,
)
from mesosynth.errors import WorkerError

SCHEMA = 3
SIZE = (1200, 800)

_PATIENCE = 300.0  # s


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--seconds", type=float, default=10.0, help="of frames (10)")
    parser.add_argument("--windows", type=int, default=50, help="opened and closed (50)")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the long sound (60)")
    parser.add_argument("--starts", type=int, default=3, help="of the desk, from nothing (3)")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    environment = Environment()
    starts = [
        _measure("start", "--begun", repr(time.time()))["start_seconds"]
        for _ in range(max(1, arguments.starts))
    ]
    frames = _measure("frames", "--seconds", str(arguments.seconds))
    memory = _measure("memory", "--windows", str(arguments.windows))
    hour = _measure("hour", "--minutes", str(arguments.minutes))
    return {
        "schema": SCHEMA,
        "machine": environment.record(),
        "platform": frames["platform"],
        "size": list(SIZE),
        "start": spread(starts),
        "frames": {
            "seconds": frames["seconds"],
            "per_second": frames["frames_per_second"],
            "ms": frames["frame_ms"],
        },
        "cpu": frames["cpu"],
        "cpu_ms": frames["cpu_ms"],
        "input_ms": frames["input_ms"],
        "memory": {key: memory[key] for key in ("windows", "after_ten_mb", "at_the_end_mb")},
        "hour": {key: value for key, value in hour.items() if key != "platform"},
    }


def _measure(*options: str) -> Answer:
    """Figures that a process with a window measures of itself."""
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


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    frames, memory, input_ms = answer["frames"], answer["memory"], answer["input_ms"]
    hour = answer["hour"]
    width, height = answer["size"]
    show_machine(answer["machine"], f"; a window of {width} × {height} on {answer['platform']}")
    console().print(
        f"From nothing to the first picture: {answer['start']['median']:.2f} s\n"
        f"While it plays and matches: {frames['per_second']:.0f} frames a second "
        f"({frames['ms']['median']:.1f} ms, 99% {frames['ms']['p99']:.1f} ms), "
        f"{100.0 * answer['cpu']:.0f}% of a core, {answer['cpu_ms']:.1f} ms a frame\n"
        f"From the mouse to the picture: {input_ms['median']:.1f} ms, "
        f"longest {input_ms['longest']:.1f} ms\n"
        f"Memory after ten windows {memory['after_ten_mb']:.1f} MB, after {memory['windows']} "
        f"windows {memory['at_the_end_mb']:.1f} MB\n"
        f"A sound of {hour['minutes']:.0f} minutes: overview {hour['overview_seconds']:.1f} s, "
        f"ten seconds of it finer after {hour['zoom_seconds']:.2f} s, longest turn "
        f"{hour['longest_turn_ms']:.0f} ms, {hour['held_mb']:.0f} MB"
    )


if __name__ == "__main__":
    sys.exit(program("desk", __doc__, add_options, run, show))
