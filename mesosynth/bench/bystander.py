"""When the machine itself was late: on every core a process that does nothing but wake.

They play nothing, share nothing with the session, and go before everything in it, JACK's server
too. Where one of them wakes late its core was taken away, by whatever else runs on the machine or
on its host, and a callback that it held up could not have been in time either. It is what
cyclictest does on every real-time system.

They wake once a block, and so sleep through some of what is shorter. Five times a block see more,
but leave the callback cold caches: its load was 24% then, and 16% with one (medians of 30 s).
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from mesosynth.spawning import bare_main, end_with_parent

LATE = 0.5  # of a block's time; a callback needs part of the other half for itself
PRIORITY = 80  # above JACK's server and its clients
_ANSWER = 5.0  # s


@dataclass(slots=True)
class Bystander:
    """Blocks that the processes watched over, together, and when (monotonic) one woke too late."""

    blocks: int = 0
    late: list[float] = field(default_factory=list[float])


@contextlib.contextmanager
def bystander(seconds: float) -> Generator[Bystander | None]:
    """Let one on every core watch over blocks of `seconds`; known after the ``with``.

    None where real-time priority is not to be had: it would count how busy the machine is.
    """
    if not _may_be_real_time():
        yield None
        return
    seen = Bystander()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_on_core(core, seconds)) for core in _cores()]
        yield seen
        for connection in connections:
            with contextlib.suppress(EOFError, OSError):
                connection.send("end")
                if connection.poll(_ANSWER):
                    blocks, late = connection.recv()
                    seen.blocks += blocks
                    seen.late += late


@contextlib.contextmanager
def _on_core(core: int, seconds: float) -> Generator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(core, seconds, theirs), daemon=True)
    with bare_main():
        process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _may_be_real_time() -> bool:
    """Whether this process may have that priority; it keeps its own."""
    if not hasattr(os, "sched_setscheduler"):
        return False
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        os.sched_setscheduler(0, before, parameters)
    except OSError:
        return False
    return True


def _main(core: int, seconds: float, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    wakes, late = 0, list[float]()
    due = time.monotonic()
    while not (wakes % 100 == 0 and connection.poll()):
        due += seconds
        time.sleep(max(0.0, due - time.monotonic()))
        wakes += 1
        now = time.monotonic()
        if now - due > LATE * seconds:
            late.append(now)
            due = now  # a long stop counts once
    connection.send((wakes, late))
