"""Clicks and missed blocks while presets change ten times a second.

A session plays on a device, by default JACK's dummy driver in blocks of 128 frames, and goes
through all factory presets ten times a second, while the matcher matches over and over, a thousand
keys a second are pressed or let go, and a knob moves a hundred times a second. What is heard is
captured; then every moment of it is held against the presets that were playing then: a step from
one sample to the next that none of them makes by itself, and that stands alone, is a click.

--calm leaves the matcher and the knob out and plays a key a switch, so that smaller clicks show.
--snapshots recalls snapshots of all presets instead of reading them.

With --json, one object::

    schema        3; grows with any change that a reader of an older one would notice
    machine       see :meth:`benchmarks.harness.Environment.record`
    device, sample_rate, block, seconds
                  what it was played through; Hz, frames, s
    calm, snapshots
                  as asked for
    presets       how many there are
    switches      that were made
    switch_ms     see :func:`benchmarks.harness.spread`: what one took the caller
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

A sound by itself has a largest step. Where several sounds follow one another, a step beyond those
of all that may be heard then is suspicious; keys that play a sound higher, and two sounds at once,
make such steps too, but those come and go with a swell. What towers above the steps right beside it
is a click.
"""

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    console,
    program,
    show_machine,
    spread,
)
from benchmarks.jack import jack_dummy
from benchmarks.stage import TICK, Hands, PlayedSession
from mesosynth import units
from mesosynth.engine.rack import render
from mesosynth.errors import ArgumentError
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.session import Session
from mesosynth.system.paths import factory_presets

if TYPE_CHECKING:
    from mesosynth.session.presets import Snapshot

SCHEMA = 3
RATE = 48000
INTERVAL = 0.1  # s from one preset to the next
TICKS = round(INTERVAL / TICK)  # in an interval
_SETTLE = 0.5  # s that the first preset has before anything is counted

ALONE_SECONDS = 4.0
"""How long a preset is looked at by itself, s."""

NEAR = 4
"""Intervals before and after, whose sounds may be heard: echoes go on, and switches are late."""

CLICK, AROUND = 4, 1200
"""Samples that a click has, and that are looked at on both sides of it: a period of 40 Hz, for the
edge of a low and saturated wave is steep, and comes back."""

MARGIN, FLOOR = 1.5, 0.01
"""Factor on the bound, since phases may coincide; and the largest inaudible step."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0)
    parser.add_argument(
        "--device", metavar="NAME", help="part of an output's name (default: JACK's dummy driver)"
    )
    parser.add_argument("--block", metavar="N", type=int, default=128, help="frames")
    parser.add_argument("--calm", action="store_true", help="no matcher, no knob, few keys")
    parser.add_argument(
        "--snapshots", action="store_true", help="recall snapshots instead of reading presets"
    )


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    if not 1.0 <= arguments.seconds <= 3600.0:
        raise ArgumentError(f"--seconds {arguments.seconds:g} must be 1 to 3600.")
    with Narration() as say:
        return switching(
            arguments.seconds, arguments.device, arguments.block, say,
            calm=arguments.calm, snapshots=arguments.snapshots,
        )  # fmt: skip


def switching(
    seconds: float,
    device: str | None = None,
    block: int = 128,
    say: Narration | None = None,
    paths: Sequence[Path] | None = None,
    calm: bool = False,
    snapshots: bool = False,
) -> Answer:
    """Switch for `seconds`; return the object that --json prints.

    Parameters
    ----------
    seconds : float
    device : str, optional
        Part of an output's name; None is JACK's dummy driver.
    block : int
        Frames.
    say : Narration, optional
    paths : sequence of Path, optional
        Presets to switch through; None is the factory's.
    calm : bool
        Without matcher and knob, with a key a switch.
    snapshots : bool
        Recall snapshots instead of reading presets.

    Raises
    ------
    DeviceError
        If there is no device to play on.
    WorkerError
        If the sound does not start.
    """
    say, environment = say or Narration(), Environment()
    say("measuring every preset by itself")
    # From the smoothest to the roughest and back: neighbours are alike, and the bound is tight.
    steps = {p: largest_step(load_preset(p), RATE) for p in paths or factory_presets()}
    order = sorted(steps, key=lambda path: steps[path])
    order += order[-2:0:-1]
    with contextlib.ExitStack() as stack:
        if device is None:
            stack.enter_context(jack_dummy(RATE, block))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        output = "system" if device is None else device
        played = stack.enter_context(PlayedSession(output, block, RATE))
        say(f"switching through {len(steps)} presets for {seconds:g} s")
        heard = Path(folder) / "heard.wav"
        session = played.session
        switches = _recalls(session, order) if snapshots else _loads(session, order)
        figures = _Switching(played, switches, calm).run(seconds, heard)
        say("looking for clicks")
        return {
            "schema": SCHEMA, "machine": environment.record(), "calm": calm, "snapshots": snapshots,
            "presets": len(steps), **figures, **_heard(heard, order, steps),
        }  # fmt: skip


def _loads(session: Session, order: Sequence[Path]) -> list[Callable[[], None]]:
    return [lambda path=path: session.presets.load(path) for path in order]


def _recalls(session: Session, order: Sequence[Path]) -> list[Callable[[], None]]:
    snapshots: dict[Path, Snapshot] = {}
    for path in dict.fromkeys(order):
        session.presets.load(path)
        snapshots[path] = session.presets.snapshot()
    return [lambda snapshot=snapshots[path]: session.presets.recall(snapshot) for path in order]


class _Switching:
    """One run and its counts."""

    def __init__(
        self, played: PlayedSession, switches: Sequence[Callable[[], None]], calm: bool
    ) -> None:
        self._played, self._switches = played, switches
        self._not_finite = 0
        self._switch_ms: list[float] = []
        played.session.match.follow = False  # what is heard shall be the presets
        self._hands = None if calm else Hands(played.session.keys, played.session.sound.set)
        self._fingers = _Fingers(played.session)

    def run(self, seconds: float, heard: Path) -> Answer:
        """Switch to the end, capture the output in a file, and return the figures."""
        played, session = self._played, self._played.session
        self._switches[0]()
        session.sound.play()
        time.sleep(_SETTLE)
        session.device.reset_meters()
        session.capture.start(heard)
        first, began = played.status, time.monotonic()
        for tick in range(round(seconds / TICK)):
            if tick % TICKS == 0:
                self._switch(tick // TICKS)
            if self._hands is not None:
                self._hands.play()
            time.sleep(max(0.0, began + (tick + 1) * TICK - time.monotonic()))
        last = played.status
        session.capture.stop()
        return {
            "device": last.device,
            "sample_rate": last.sample_rate,
            "block": last.block,
            "seconds": time.monotonic() - began,
            "switches": len(self._switch_ms),
            "switch_ms": spread(self._switch_ms),
            "events": 0 if self._hands is None else self._hands.count["events"],
            "knob_moves": 0 if self._hands is None else self._hands.count["moves"],
            **{name: played.count[name] for name in ("steps", "matches", "restarts")},
            "blocks": last.blocks - first.blocks,
            "underflows": last.underflows,
            "not_finite": self._not_finite,
            "faults": last.faults,
            "messages": list(dict.fromkeys(played.messages)),
        }

    def _switch(self, number: int) -> None:
        begin = time.perf_counter()
        self._switches[number % len(self._switches)]()
        self._switch_ms.append(1e3 * (time.perf_counter() - begin))
        if self._hands is None:
            self._fingers.play()
        else:
            self._played.keep_matching()
        sound = self._played.session.device.scope(round(INTERVAL * RATE))
        self._not_finite += int(np.count_nonzero(~np.isfinite(sound)))
        self._played.session.poll()


class _Fingers:
    """A key that is pressed, let go at the next switch, and pressed elsewhere after it."""

    def __init__(self, session: Session) -> None:
        self._session, self._random = session, random.Random(0)
        self._held: list[int] = []

    def play(self) -> None:
        if self._held:
            self._session.keys.note_off(self._held.pop())
        else:
            self._held.append(self._random.randint(48, 72))
            self._session.keys.note_on(self._held[0], 0.5)


def _heard(heard: Path, order: Sequence[Path], steps: dict[Path, float]) -> Answer:
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


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks in a sound.

    Attributes
    ----------
    times : tuple of float
        Of every click, s.
    worst_step : float
        The largest step over its bound, whether it stands alone or not.
    """

    times: tuple[float, ...]
    worst_step: float


def largest_step(preset: Preset, sample_rate: int) -> float:
    """From one sample to the next, in the first seconds that a preset plays by itself.

    Parameters
    ----------
    preset : Preset
    sample_rate : int
        Hz.
    """
    sound = render(
        preset.instrument, preset.values, ALONE_SECONDS, sample_rate, effects=preset.effects
    )
    return float(np.abs(np.diff(sound)).max())


def find_clicks(
    sound: NDArray[np.float32], sample_rate: int, alone: Sequence[float], interval: float
) -> Clicks:
    """Compare every step of a sound with the steps of the presets at that time.

    Parameters
    ----------
    sound : (frames, channels)
    sample_rate : int
        Hz.
    alone : sequence of float
        The largest step of each preset by itself, in the order in which they are played, again and
        again.
    interval : float
        Time from one preset to the next, s.
    """
    steps = np.abs(np.diff(sound, axis=0)).max(axis=1)
    frames = round(interval * sample_rate)
    largest = np.array(alone)
    times: list[float] = []
    worst = 0.0
    for number, begin in enumerate(range(0, len(steps), frames)):
        near = [(number + off) % len(largest) for off in range(-NEAR, NEAR + 1)]
        bound = MARGIN * float(largest[near].max()) + FLOOR
        here = steps[begin : begin + frames]
        beyond = begin + np.flatnonzero(here > bound)
        times += [float(frame / sample_rate) for frame in beyond if stands_alone(steps, int(frame))]
        worst = max(worst, float(here.max()) / bound)
    return Clicks(tuple(times), worst)


def stands_alone(steps: NDArray[np.float32], frame: int) -> bool:
    """Whether a step is twice as large as any on one side of it, and on the other.

    Parameters
    ----------
    steps : (n,) float32
        Magnitudes of the differences between neighbouring samples.
    frame : int
    """
    before = steps[max(frame - AROUND, 0) : max(frame - CLICK, 0)]
    after = steps[frame + CLICK : frame + AROUND]
    beside = max(float(before.max(initial=0.0)), float(after.max(initial=0.0)))
    return float(steps[frame]) > 2.0 * beside


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    ms, out = answer["switch_ms"], console()
    show_machine(answer["machine"])
    out.print(
        f"{answer['switches']} switches through {answer['presets']} presets in "
        f"{answer['seconds']:.0f} s on {answer['device']!r}; one takes {ms['median']:.1f} ms, "
        f"at the longest {ms['longest']:.1f} ms"
    )
    if not answer["calm"]:
        out.print(
            f"{answer['events']} events of keys, {answer['knob_moves']} moves of a knob, "
            f"{answer['matches']} matches in {answer['steps']} steps meanwhile"
        )
    out.print(
        f"{len(answer['clicks'])} clicks (the largest step is {answer['worst_step']:.2f} of its "
        f"bound), {answer['not_finite']} samples not finite, peak {answer['peak_db']:.2f} dBFS"
    )
    for click in answer["clicks"][:10]:
        out.print(f"a click at {click['seconds']:.3f} s: {' → '.join(click['presets'])}")
    out.print(
        f"{answer['underflows']} of {answer['blocks']} blocks missed, {answer['faults']} spoiled, "
        f"{answer['restarts']} restarts"
    )
    for text in answer["messages"]:
        out.print(text)


if __name__ == "__main__":
    sys.exit(program("switching", __doc__, add_options, run, show))
