"""Clicks and missed blocks while presets change ten times a second.

A session plays on a device, by default JACK's dummy driver in blocks of 128 frames, and goes
through all factory presets ten times a second, while the matcher matches over and over, a thousand
keys a second are pressed or let go, and a knob moves a hundred times a second. What is heard is
captured; then every moment of it is held against the presets that were playing then: a step from
one sample to the next that none of them makes by itself, and that stands alone, is a click.

--calm leaves the matcher and the knob out and plays a key a switch, so that smaller clicks show.
--snapshots recalls snapshots of all presets instead of reading them.

With --json, one object::

    schema        2; grows with any change that a reader of an older one would notice
    machine       facts, see :func:`benchmarks.machine.machine_facts`
    device, sample_rate, block, seconds
                  what it was played through; Hz, frames, s
    calm, snapshots
                  as asked for
    presets       how many there are
    switches      that were made
    switch_ms     {median, longest}: what one took the caller
    events, knob_moves, steps, matches
                  of keys, of the knob, and of the matcher, and matches that ended
    blocks, underflows
                  played, and times the device ran dry
    not_finite    samples that are no finite numbers
    peak_db       of what was heard, dBFS
    clicks        [{seconds, presets}]: steps beyond the bound that stand alone, and the presets
                  before and after them
    worst_step    the largest step over its bound, whether it stands alone or not
    faults, restarts
                  blocks that a plugin spoiled, and processes that had to be started anew
    messages      all warnings and errors of the session, each once
"""

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from benchmarks.clicks import find_clicks, largest_step
from benchmarks.hands import TICK, Hands, keep_matching
from benchmarks.harness import program
from benchmarks.jack_dummy import jack_dummy
from benchmarks.machine import machine_facts
from benchmarks.narration import Narration
from benchmarks.soak import wait_for_sound
from mesosynth import units
from mesosynth.engine.status import AudioStatus
from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.presets.preset import load_preset
from mesosynth.session import Session
from mesosynth.session.events import MatchEnded, MatchProgress, Message
from mesosynth.system.paths import factory_presets

if TYPE_CHECKING:
    from mesosynth.session.snapshots import Snapshot

SCHEMA = 2
RATE = 48000
INTERVAL = 0.1  # s from one preset to the next
TICKS = round(INTERVAL / TICK)  # in an interval
_SETTLE = 0.5  # s that the first preset has before anything is counted


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m benchmarks.switching`."""
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0)
    parser.add_argument(
        "--device", metavar="NAME", help="part of an output's name (default: JACK's dummy driver)"
    )
    parser.add_argument("--block", metavar="N", type=int, default=128, help="frames")
    parser.add_argument("--calm", action="store_true", help="no matcher, no knob, few keys")
    parser.add_argument(
        "--snapshots", action="store_true", help="recall snapshots instead of reading presets"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print figures unless JSON is wanted, and return what --json shows."""
    if not 1.0 <= arguments.seconds <= 3600.0:
        raise ArgumentError(f"--seconds {arguments.seconds:g} must be 1 to 3600.")
    with Narration() as say:
        answer = switching(
            arguments.seconds, arguments.device, arguments.block, say,
            calm=arguments.calm, snapshots=arguments.snapshots,
        )  # fmt: skip
    if not arguments.json:
        _show(answer)
    return answer


def switching(
    seconds: float,
    device: str | None = None,
    block: int = 128,
    say: Narration | None = None,
    paths: Sequence[Path] | None = None,
    calm: bool = False,
    snapshots: bool = False,
) -> dict[str, Any]:
    """Switch for that long; see the module. `paths` are others than the factory's presets.

    Raises
    ------
    DeviceError
        If there is no device to play on.
    WorkerError
        If the sound does not start.
    """
    say = say or Narration()
    say("measuring every preset by itself")
    # From the smoothest to the roughest and back: neighbours are alike, and the bound is tight.
    steps = {p: largest_step(load_preset(p), RATE) for p in paths or factory_presets()}
    order = sorted(steps, key=lambda path: steps[path])
    order += order[-2:0:-1]
    with contextlib.ExitStack() as stack:
        if device is None:
            stack.enter_context(jack_dummy(RATE, block))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        session = Session("system" if device is None else device, sample_rate=RATE, block=block)
        stack.callback(session.close)
        wait_for_sound(session)
        say(f"switching through {len(steps)} presets for {seconds:g} s")
        heard = Path(folder) / "heard.wav"
        switches = _recalls(session, order) if snapshots else _loads(session, order)
        played = _Switching(session, switches, calm).run(seconds, heard)
        say("looking for clicks")
        return {
            "schema": SCHEMA, "machine": machine_facts(1), "calm": calm, "snapshots": snapshots,
            "presets": len(steps), **played, **_heard(heard, order, steps),
        }  # fmt: skip


def _loads(session: Session, order: Sequence[Path]) -> list[Callable[[], None]]:
    return [lambda path=path: session.load_preset(path) for path in order]


def _recalls(session: Session, order: Sequence[Path]) -> list[Callable[[], None]]:
    snapshots: dict[Path, Snapshot] = {}
    for path in dict.fromkeys(order):
        session.load_preset(path)
        snapshots[path] = session.snapshot()
    return [lambda snapshot=snapshots[path]: session.recall(snapshot) for path in order]


class _Switching:
    """One run, and the books that are kept of it."""

    def __init__(
        self, session: Session, switches: Sequence[Callable[[], None]], calm: bool
    ) -> None:
        self._session, self._switches = session, switches
        self._count: Counter[str] = Counter()
        self._switch_ms: list[float] = []
        self._messages: list[str] = []
        session.follow = False  # what is heard shall be the presets
        self._hands = None if calm else Hands(session)
        self._fingers = _Fingers(session)

    def run(self, seconds: float, heard: Path) -> dict[str, Any]:
        """Switch to the end, with what is heard in a file, and return the figures."""
        session = self._session
        self._switches[0]()
        session.play()
        time.sleep(_SETTLE)
        session.reset_meters()
        session.start_capture(heard)
        first, began = self._status(), time.monotonic()
        for tick in range(round(seconds / TICK)):
            if tick % TICKS == 0:
                self._switch(tick // TICKS)
            if self._hands is not None:
                self._hands.play()
            time.sleep(max(0.0, began + (tick + 1) * TICK - time.monotonic()))
        last = self._status()
        session.stop_capture()
        played = Counter() if self._hands is None else self._hands.count
        return {
            "device": last.device,
            "sample_rate": last.sample_rate,
            "block": last.block,
            "seconds": time.monotonic() - began,
            "switches": len(self._switch_ms),
            "switch_ms": {
                "median": statistics.median(self._switch_ms), "longest": max(self._switch_ms),
            },
            "events": played["events"],
            "knob_moves": played["moves"],
            "steps": self._count["steps"],
            "matches": self._count["matches"],
            "blocks": last.blocks - first.blocks,
            "underflows": last.underflows,
            "not_finite": self._count["not finite"],
            "faults": last.faults,
            "restarts": self._count["restarts"],
            "messages": list(dict.fromkeys(self._messages)),
        }  # fmt: skip

    def _switch(self, number: int) -> None:
        begin = time.perf_counter()
        self._switches[number % len(self._switches)]()
        self._switch_ms.append(1e3 * (time.perf_counter() - begin))
        if self._hands is None:
            self._fingers.play()
        else:
            keep_matching(self._session)
        sound = self._session.scope(round(INTERVAL * RATE))
        self._count["not finite"] += int(np.count_nonzero(~np.isfinite(sound)))
        self._listen()

    def _listen(self) -> None:
        for event in self._session.poll():
            if isinstance(event, MatchProgress):
                self._count["steps"] += 1
            elif isinstance(event, MatchEnded):
                self._count["matches"] += 1
            elif isinstance(event, Message) and event.severity != "info":
                self._messages.append(event.text)
                self._count["restarts"] += "started again" in event.text

    def _status(self) -> AudioStatus:
        status = self._session.audio_status()
        if status is None:
            raise WorkerError("the audio process has ended while presets were switched.")
        return status


class _Fingers:
    """A key that is pressed, let go at the next switch, and pressed elsewhere after it."""

    def __init__(self, session: Session) -> None:
        self._session, self._random = session, random.Random(0)
        self._held: list[int] = []

    def play(self) -> None:
        if self._held:
            self._session.note_off(self._held.pop())
        else:
            self._held.append(self._random.randint(48, 72))
            self._session.note_on(self._held[0], 0.5)


def _heard(heard: Path, order: Sequence[Path], steps: dict[Path, float]) -> dict[str, Any]:
    sound = np.asarray(soundfile.read(heard, always_2d=True)[0], np.float32)
    found = find_clicks(sound, RATE, [steps[path] for path in order], INTERVAL)
    return {
        "peak_db": units.amplitude_to_db(float(np.abs(sound).max())),
        "clicks": [{"seconds": t, "presets": _around(t, order)} for t in found.times],
        "worst_step": found.worst_step,
    }


def _around(seconds: float, order: Sequence[Path]) -> list[str]:
    """Names of the presets that play at a time: the one before, and the one that it gave way to."""
    number = int(seconds / INTERVAL)
    return [order[n % len(order)].stem for n in (number - 1, number)]


def _show(answer: dict[str, Any]) -> None:
    ms = answer["switch_ms"]
    print(
        f"{answer['switches']} switches through {answer['presets']} presets in "
        f"{answer['seconds']:.0f} s on {answer['device']!r}; one takes {ms['median']:.1f} ms, "
        f"at the longest {ms['longest']:.1f} ms"
    )
    if not answer["calm"]:
        print(
            f"{answer['events']} events of keys, {answer['knob_moves']} moves of a knob, "
            f"{answer['matches']} matches in {answer['steps']} steps meanwhile"
        )
    print(
        f"{len(answer['clicks'])} clicks (the largest step is {answer['worst_step']:.2f} of its "
        f"bound), {answer['not_finite']} samples not finite, peak {answer['peak_db']:.2f} dBFS"
    )
    for click in answer["clicks"][:10]:
        print(f"a click at {click['seconds']:.3f} s: {' → '.join(click['presets'])}")
    print(
        f"{answer['underflows']} of {answer['blocks']} blocks missed, {answer['faults']} spoiled, "
        f"{answer['restarts']} restarts"
    )
    for text in answer["messages"]:
        print(text)


if __name__ == "__main__":
    sys.exit(program("switching", __doc__, add_options, run))
