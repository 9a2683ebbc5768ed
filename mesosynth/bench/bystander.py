"""What the machine itself misses: a process that wakes for every block and computes a little.

It plays nothing, shares nothing with the session, and has a priority that only sound goes before.
Where it is late the system was held up, by whatever else runs on the machine or on its host, and
a callback could not have been in time either.
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

SHARE = 0.1  # of a block's time that it computes, about what our callback takes
PRIORITY = 60  # below JACK's clients
_TRIAL = 20_000  # rounds of the loop that computes
_ANSWER = 5.0  # s


@dataclass(slots=True)
class Bystander:
    """Blocks that the process should have been ready with, and when (monotonic) it missed one."""

    blocks: int = 0
    late: list[float] = field(default_factory=list[float])

    @property
    def missed(self) -> int:
        """How many blocks it missed; a long stop counts once."""
        return len(self.late)


@contextlib.contextmanager
def bystander(seconds: float) -> Generator[Bystander | None]:
    """Let one wake every `seconds`; what it counted is known after the ``with``.

    None where real-time priority is not to be had: it would count how busy the machine is.
    """
    if not _may_be_real_time():
        yield None
        return
    counted = Bystander()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(seconds, theirs), daemon=True)
    with bare_main():
        process.start()
    theirs.close()
    try:
        yield counted
        with contextlib.suppress(EOFError, OSError):
            ours.send("end")
            if ours.poll(_ANSWER):
                counted.blocks, counted.late = ours.recv()
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


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


def _main(seconds: float, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    begin = time.monotonic()
    _compute(_TRIAL)
    rounds = round(_TRIAL * SHARE * seconds / (time.monotonic() - begin))
    blocks, missed = 0, list[float]()
    due = time.monotonic()
    while not connection.poll():
        due += seconds
        time.sleep(max(0.0, due - time.monotonic()))
        _compute(rounds)
        blocks += 1
        late = time.monotonic() - (due + seconds)
        if late > 0.0:
            missed.append(due + late)
            due += late  # what was missed stays missed
    connection.send((blocks, missed))


def _compute(rounds: int) -> None:
    for _ in range(rounds):
        pass
