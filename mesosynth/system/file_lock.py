"""Locks on files between processes; the system releases them when a process ends, however it ends.

They are advisory, and nothing is left in the folder. Windows and some network disks have none:
there two processes must not write one file.
"""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed.

    Returns
    -------
    bool
        False if another open file holds the lock.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks
        return True
    return True


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a file."""
    try:
        with path.open("rb") as file:
            return not lock(file.fileno())
    except OSError:
        return False


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Generator[None]:
    """Wait until no other process is in such a block for this folder, for short work in it."""
    descriptor = -1
    with contextlib.suppress(OSError):  # a folder that is missing, or on Windows
        descriptor = os.open(folder, os.O_RDONLY)
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
