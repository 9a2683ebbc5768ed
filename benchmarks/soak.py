"""Missed blocks and memory growth on a stage, for as long as a set takes.

A session plays on a device, by default JACK's dummy driver in blocks of 128 frames, while the
matcher matches over and over, keys are pressed and let go at random, a thousand events a second, a
knob moves a hundred times a second, and eight modulations move the sound and a filter. Counted is
how often the device ran dry, and how much the processes' memory grew.

With --json, one object::

    schema        8; grows with any change that a reader of an older one would notice
    machine       see :meth:`benchmarks.harness.Environment.record`; the JACK server is a
                  neighbour
    device, sample_rate, block
                  what it was played through; Hz and frames
    minutes       that it took
    blocks, underflows
                  played, and times the device ran dry
    per_100000    underflows in that many blocks
    overruns      blocks that took longer to compute than they last; other underflows are callbacks
                  that came too late
    late          {cores, longest, server, slow}: times that a core was taken away for 0.1 ms or
                  more (cyclictest), and the longest, s; times that the JACK server woke too late,
                  null with --device; and blocks that kept a processor busy for 3/4 of their time
                  or more, where the longest by itself takes less than half of that: the core was
                  slow. Null without cyclictest, or without real-time priority for it
    calm          {share, blocks, underflows, per_100000} of the time without late cores or a late
                  server, from 50 ms after each; or null
    calm_and_fast the same without slow blocks: an estimate for a quiet machine, no measurement of
                  one, as most slow blocks are missed blocks
    own_work      spread of the share of a block's time that blocks like these take by themselves,
                  without the modulations, see :mod:`benchmarks.stage`
    load          {median, longest}: share of a block's time, on the clock
    events, knob_moves, steps, matches
                  keys pressed or let go, moves of the knob, and steps of the matcher and matches
                  that ended
    restarts      of the audio process and the matcher; there should be none
    faults        blocks that a plugin spoiled
    memory        {audio, session}: {start_mb, end_mb, growth}; null where the system does not tell.
                  It starts a fifth of the time, or five minutes, after the beginning. The session's
                  garbage is collected every ten seconds, which also empties CPython's free lists:
                  up to 2000 tuples of each size, whose growth would hide that of a leak
    messages      warnings and errors of the session

cyclictest (rt-tests) measures the lateness of the machine itself. On each core it runs a thread
that only wakes, 1000 times a second, with a higher priority than the session and the JACK server. A
late wake-up means that another program, or the host of a virtual machine, had the core: no callback
could have been in time. 4000 wake-ups a second find shorter gaps, but make blocks 40% slower; 1000
make them 8% slower.
"""

import argparse
import contextlib
import functools
import gc
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    console,
    cpu_seconds,
    program,
    show_machine,
)
from benchmarks.jack import JackDummy, jack_dummy
from benchmarks.stage import TICK, Hands, PlayedSession, Stage, own_work
from mesosynth.engine.meters import HEAVY
from mesosynth.errors import ArgumentError

SCHEMA = 8
LATE = 0.0001
"""s by which a thread must wake too late to be written down: on a machine fit for real time none
does."""

_INTERVAL = 0.001  # s
_PRIORITY = 80  # above JACK's server and its clients
_MOST = 100_000  # written down
_ANSWER = 5.0  # s
_SPIKE = re.compile(r"^T: *\d+ Spike: *(\d+): TS: *(\d+)", re.MULTILINE)
_WARM_SECONDS = 300.0  # until the allocators have seen the rarest of what happens
_WORK_SECONDS = 60.0  # of sound, of which the blocks' own work is measured
_MEGABYTE = 1e6
_TIME, _HEAVY = 0, 3  # columns of the books
_INNOCENT = HEAVY / 2.0  # share of a block's time
_NOTES = 5  # ticks from one row to the next
_MODULATIONS = (
    ("f_c", "LFO 1", 0.2), ("f_m", "LFO 2", 0.2), ("gamma", "envelope", 0.2),
    ("w", "velocity", 0.2),
    ("brightness", "key", -0.3), ("am_depth", "wheel", 0.5), ("gain", "pressure", 0.1),
    ("filter.cutoff", "random", 0.3),
)  # fmt: skip
_AFTERMATH = 0.05  # s: a block that is missed is counted two or three blocks later


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--minutes", metavar="M", type=float, default=30.0)
    parser.add_argument(
        "--device", metavar="NAME", help="part of an output's name (default: JACK's dummy driver)"
    )
    parser.add_argument("--block", metavar="N", type=int, default=128, help="frames")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    if not 0.0 < arguments.minutes <= 24 * 60:
        raise ArgumentError(f"--minutes {arguments.minutes:g} must be more than 0, at most a day.")
    with Narration() as say:
        return soak(60.0 * arguments.minutes, arguments.device, arguments.block, say)


def soak(seconds: float, device: str | None, block: int, say: Narration) -> Answer:
    """Play for `seconds`; return the object that --json prints.

    Parameters
    ----------
    seconds : float
    device : str or None
        Part of an output's name; None is JACK's dummy driver.
    block : int
        Frames.
    say : Narration

    Raises
    ------
    DeviceError
        If there is no device to play on.
    WorkerError
        If the sound does not start.
    """
    with contextlib.ExitStack() as stack:
        server: JackDummy | None = None
        if device is None:
            server = stack.enter_context(jack_dummy(48000, block))
        played = stack.enter_context(PlayedSession("system" if device is None else device, block))
        sound = played.status
        gc.freeze()  # so that collecting what comes takes no time
        stack.callback(gc.unfreeze)
        with cyclictest() as seen:
            soaking = _Soak(played, seconds, say)
            answer = soaking.run()
    say("the same by itself")
    make = functools.partial(Stage, {}, ("filter",), sound.sample_rate, block)
    work = own_work(make, 0.0, min(_WORK_SECONDS, seconds / 3.0), hands=True)
    answer = {**answer, "own_work": work}
    if seen.spans is None:
        return {**answer, "late": None, "calm": None, "calm_and_fast": None}
    books = soaking.books
    woken = [] if server is None else [time for time in server.late if time >= books[0, _TIME]]
    slow, slow_spans = slow_core(books, work["longest"])
    lasts = sound.block / sound.sample_rate
    waits = np.array([(time - lasts, time) for time in woken]).reshape(-1, 2)
    late = {
        "cores": len(seen.spans),
        "longest": float(np.diff(seen.spans).max(initial=0.0)),
        "server": None if server is None else len(woken),
        "slow": slow,
    }
    spans = np.concatenate([seen.spans, waits])
    return {
        **answer,
        "late": late,
        "calm": calm(books, spans),
        "calm_and_fast": calm(books, np.concatenate([spans, slow_spans])),
    }


def calm(books: NDArray[np.float64], spans: NDArray[np.float64]) -> dict[str, float]:
    """Blocks and underflows of the time in which the machine was not late.

    Parameters
    ----------
    books : (n, 4) float64
        Time (monotonic), blocks, underflows and heavy blocks so far, again and again.
    spans : (k, 2) float64
        From when to when the machine was late.
    """
    begin, end = books[:-1, _TIME] - _AFTERMATH, books[1:, _TIME]
    begun, over = (
        np.searchsorted(np.sort(spans[:, 0]), end),
        np.searchsorted(np.sort(spans[:, 1]), begin),
    )
    quiet = begun == over
    seconds, blocks, underflows, _ = np.diff(books, axis=0)[quiet].sum(axis=0)
    return {
        "share": float(seconds / (books[-1, _TIME] - books[0, _TIME])),
        "blocks": int(blocks),
        "underflows": int(underflows),
        "per_100000": 1e5 * underflows / max(blocks, 1.0),
    }


def slow_core(books: NDArray[np.float64], longest: float) -> tuple[int, NDArray[np.float64]]:
    """How many blocks were heavy because of a slow core, and when.

    Parameters
    ----------
    books : (n, 4) float64
        See :func:`calm`.
    longest : float
        Share of a block's time that the longest block takes by itself. If that is half of what
        counts as heavy, or more, the core is not to blame, and nothing is returned.
    """
    more = np.diff(books[:, _HEAVY]) * (longest < _INNOCENT)
    return int(more.sum()), np.stack([books[:-1, _TIME], books[1:, _TIME]], axis=1)[more > 0]


class _Soak:
    """One run, and the books that are kept of it."""

    def __init__(self, played: PlayedSession, seconds: float, say: Narration) -> None:
        self._played, self._seconds, self._say = played, seconds, say
        self._pids = {"audio": played.session.device.pid, "session": os.getpid()}
        self._before: dict[str, float | None] = {}
        # All of it at once: what the books grow by is not the session's.
        self._book = np.full((math.ceil(seconds / (_NOTES * TICK)) + 2, 4), np.nan)
        self._noted = 0

    def run(self) -> Answer:
        """Play to the end and return the answer."""
        played, session, environment = self._played, self._played.session, Environment()
        hands = Hands(session.keys, session.sound.set)
        session.rack.add_effect("filter")
        for target, source, depth in _MODULATIONS:
            session.rack.modulate(target, source, depth)
        session.sound.play()
        for _ in range(100):  # until the plugins have joined
            session.poll()
            time.sleep(TICK)
        session.device.reset_meters()
        first, began, busy = played.status, time.monotonic(), self._busy()
        warm = min(0.2 * self._seconds, _WARM_SECONDS)
        ticks, told = 0, -1
        while (passed := time.monotonic() - began) < self._seconds:
            if not self._before and passed > warm:
                self._before = {name: _private_mb(pid) for name, pid in self._pids.items()}
            if int(passed / 10.0) != told:
                told = int(passed / 10.0)
                gc.collect()
                missed = played.status.underflows
                self._say(f"{passed:.0f} of {self._seconds:.0f} s, {missed} missed")
            if ticks % _NOTES == 0 and self._noted < len(self._book):
                self._note()
            hands.play()
            ticks += 1
            if ticks % 3 == 0:
                session.poll()
                played.keep_matching()
            time.sleep(max(0.0, began + ticks * TICK - time.monotonic()))
        ours = (self._busy() - busy) / passed
        last, after = played.status, {name: _private_mb(p) for name, p in self._pids.items()}
        blocks = last.blocks - first.blocks
        return {
            "schema": SCHEMA,
            "machine": environment.record(ours),
            "device": last.device,
            "sample_rate": last.sample_rate,
            "block": last.block,
            "minutes": passed / 60.0,
            "blocks": blocks,
            "underflows": last.underflows,
            "per_100000": 1e5 * last.underflows / max(blocks, 1),
            "overruns": last.overruns,
            "load": {"median": last.load, "longest": last.load_max},
            "events": hands.count["events"],
            "knob_moves": hands.count["moves"],
            **{name: played.count[name] for name in ("steps", "matches", "restarts")},
            "faults": last.faults,
            "memory": {name: _growth(self._before.get(name), after[name]) for name in after},
            "messages": played.messages,
        }

    @property
    def books(self) -> NDArray[np.float64]:
        """See :func:`calm`."""
        return self._book[: self._noted]

    def _note(self) -> None:
        status = self._played.status
        counted = status.blocks, status.underflows, status.heavy
        self._book[self._noted] = time.monotonic(), *counted
        self._noted += 1

    def _busy(self) -> float:
        """Seconds that the session's processes have computed."""
        session = self._played.session
        return sum(map(cpu_seconds, (session.device.pid, session.match.pid)))


def _private_mb(pid: int | None) -> float | None:
    """Memory that a process holds for itself, 1e6 bytes; None where the system does not tell.

    What it shares with others is of a fixed size, and shows only as far as it has been touched.
    """
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024 / _MEGABYTE
    return None


def _growth(before: float | None, after: float | None) -> dict[str, float] | None:
    if before is None or after is None:
        return None
    return {"start_mb": before, "end_mb": after, "growth": after / before - 1.0}


@dataclass(slots=True)
class Cyclictest:
    """Lateness of the machine.

    Attributes
    ----------
    spans : (n, 2) float64 or None
        From when a thread should have woken until it did, s on the monotonic clock; None while it
        runs, where it could not (it is missing, or may not have real-time priority), and where
        there was more than it can write down.
    """

    spans: NDArray[np.float64] | None = None


@contextlib.contextmanager
def cyclictest() -> Generator[Cyclictest]:
    """Context in which cyclictest runs; its spans are read at the end."""
    seen = Cyclictest()
    program = shutil.which("cyclictest")
    if program is None:
        yield seen
        return
    with subprocess.Popen(
        [program, "--quiet", "--affinity", "--threads", "--mlockall", "--policy=fifo",
         f"--priority={_PRIORITY}", f"--interval={round(1e6 * _INTERVAL)}", "--distance=0",
         f"--spike={round(1e6 * LATE)}", f"--spike-nodes={_MOST}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,  # Ctrl-C is ours to answer
    ) as process:  # fmt: skip
        try:
            yield seen
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                told, _ = process.communicate(timeout=_ANSWER)
                spans = spans_in(told)
                if process.returncode == 0 and len(spans) < _MOST:
                    seen.spans = spans
        finally:
            process.kill()


def spans_in(told: str) -> NDArray[np.float64]:
    """Spans in the output of ``cyclictest --spike``, as in :class:`Cyclictest`."""
    spikes = [(float(late), float(woken)) for late, woken in _SPIKE.findall(told)]
    late, woken = 1e-6 * np.array(spikes).reshape(-1, 2).T
    return np.stack([woken - late, woken], axis=1)


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    work, out = answer["own_work"], console()
    show_machine(
        answer["machine"],
        f"; {answer['minutes']:.1f} minutes on {answer['device']!r}, {answer['sample_rate']} Hz, "
        f"blocks of {answer['block']}",
    )
    out.print(
        f"{answer['underflows']} of {answer['blocks']} blocks missed "
        f"({answer['per_100000']:.2f} in 100 000)\n"
        f"{answer['overruns']} took longer to compute than they last\n{_told(answer)}"
        f"load {answer['load']['median']:.1%}, longest {answer['load']['longest']:.1%}; "
        f"by itself such a block takes {work['median']:.1%}, the longest {work['longest']:.1%}\n"
        f"{answer['events']} events, {answer['knob_moves']} moves of a knob, "
        f"{answer['matches']} matches in {answer['steps']} steps, "
        f"{answer['restarts']} restarts, {answer['faults']} faults"
    )
    for name, memory in answer["memory"].items():
        if memory is not None:
            out.print(
                f"memory of the {name} process: {memory['start_mb']:.1f} MB to "
                f"{memory['end_mb']:.1f} MB ({memory['growth']:+.2%})"
            )


def _told(answer: Answer) -> str:
    late, calm, fast = answer["late"], answer["calm"], answer["calm_and_fast"]
    if late is None:
        return (
            "whether the machine was late nobody knows: there is no cyclictest (Debian: rt-tests)\n"
        )
    return (
        f"the machine took a core away {late['cores']} times, for up to "
        f"{1000.0 * late['longest']:.1f} ms, and JACK's server was late {late['server'] or 0} "
        f"times; in the {calm['share']:.0%} of the time without that we missed "
        f"{calm['underflows']} of {calm['blocks']} ({calm['per_100000']:.2f} in 100 000); without "
        f"the {late['slow']} blocks on a slow core either, {fast['underflows']} of "
        f"{fast['blocks']} in {fast['share']:.0%} ({fast['per_100000']:.2f} in 100 000)\n"
    )


if __name__ == "__main__":
    sys.exit(program("soak", __doc__, add_options, run, show))
