"""Processor cores: which ones play and which ones compute."""

import contextlib
import os
from collections.abc import Generator

_FEW = 8  # cores; of fewer the sound takes one, of as many two


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def compute_apart() -> int:
    """Keep this process, and those that it starts, to the cores that do not play.

    Called once, before threads begin; returns for how many threads there is room.
    """
    threads = worker_threads()
    _keep_to(_split()[1])
    return threads


def _split() -> tuple[set[int], set[int]]:
    """The cores that play, and those that compute; the same where there is one, none if unknown.

    The first core is where most systems answer their devices, and the last ones may be slow ones.
    """
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return set(allowed), set(allowed)
    playing = set(allowed[1 : 2 if len(allowed) < _FEW else 3])
    return playing, set(allowed) - playing


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
    if these:
        with contextlib.suppress(OSError):  # not allowed everywhere; it works without, too
            os.sched_setaffinity(0, these)
