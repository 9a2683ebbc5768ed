"""Processor cores: which ones play and which ones compute; and memory that is kept between steps.

On Linux each thread has its own cores, and what it starts inherits them. Windows knows the cores of
a process only, so that there a whole child process is kept to its cores. macOS does not let us
choose.
"""

import contextlib
import os
import sys
from collections.abc import Generator
from typing import Literal

Cores = Literal["playing", "computing"]

_FEW = 8  # cores; of fewer the sound takes one, of as many two


def cores() -> int:
    """Processor cores that this process may use."""
    return len(_allowed()) or os.cpu_count() or 1


def worker_threads() -> int:
    """Threads for work beside the sound, in a process that may use all cores."""
    return len(_split()[1]) or max(1, cores() - 1)


def playing_apart() -> contextlib.AbstractContextManager[None]:
    """Let threads that begin meanwhile keep to the cores that play.

    Only those: a driver's thread that runs wild there shall not hold up who could end it.
    """
    return _beginning_on(_split()[0])


def computing_apart() -> contextlib.AbstractContextManager[None]:
    """Let threads and processes that begin meanwhile keep to the cores that do not play."""
    return _beginning_on(_split()[1])


def keep_process_to(which: Cores) -> None:
    """Keep this process to its cores where its main thread could not inherit them."""
    if hasattr(os, "sched_setaffinity"):
        return
    import psutil  # takes 30 ms

    process = psutil.Process()
    these = _split()[0 if which == "playing" else 1]
    if these and hasattr(process, "cpu_affinity"):
        with contextlib.suppress(psutil.Error, OSError):
            process.cpu_affinity(sorted(these))


def keep_heap() -> None:
    """Keep freed memory of up to 62 MB in this process, for work in equal steps.

    glibc gives memory back above twice the largest block that it has mapped and freed, and never
    takes more than 32 MB for such a block. By itself, a training step of 30 ms faulted 20 MB of its
    arrays in anew, which took a quarter of its time.
    """
    bytearray(31 << 20)


def _split() -> tuple[set[int], set[int]]:
    """The cores that play, and those that compute; the same where there is one, none if unknown.

    The first core is where most systems answer their devices, and the last ones may be slow ones.
    """
    allowed = sorted(_allowed())
    if len(allowed) < 2:
        return set(allowed), set(allowed)
    playing = set(allowed[1 : 2 if len(allowed) < _FEW else 3])
    return playing, set(allowed) - playing


def _allowed() -> set[int]:
    """Cores that this process may use; none where that is unknown."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    if sys.platform != "win32":
        return set()
    import psutil

    return set(psutil.Process().cpu_affinity() or ())


@contextlib.contextmanager
def _beginning_on(these: set[int]) -> Generator[None]:
    """Keep this thread to `these` meanwhile: what it begins inherits that."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    _keep_to(these)
    try:
        yield
    finally:
        _keep_to(before)


def _keep_to(these: set[int]) -> None:
    if these and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # not allowed everywhere; it works without, too
            os.sched_setaffinity(0, these)
