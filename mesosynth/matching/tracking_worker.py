"""What goes on in the follower's process: look some eight times a second, tell more often."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mesosynth.matching.results import Ear, Held
from mesosynth.system.cpu import compute_apart

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TICK = 0.125
"""Seconds from one look to the next, where the machine is fast enough."""

WORD = 0.025
"""Seconds from one word to the next while nothing is looked at."""

_POLITE = 2  # less than the matcher: what is heard waits for this


def follow(
    instrument: str,
    unknowns: tuple[str, ...],
    values: Mapping[str, float],
    ear: Ear,
    sample_rate: int,
    connection: "Connection",
) -> None:
    """Follow what comes to `ear` until the session is gone; the process's main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session ends this process, not Ctrl-C
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_POLITE)
    compute_apart()
    import torch

    torch.set_num_threads(1)  # a core stays free for audio, and the matcher has work too
    from mesosynth.matching.tracking import Follower

    follower = Follower(instrument, unknowns, values, sample_rate)
    took = 0.0

    def tell() -> None:
        """Hear what is new and say it; as it will be half-way to the next time."""
        nonlocal took
        heard_at = time.monotonic()
        follower.push(ear.read_new())
        followed = follower.tell(took + 0.5 * WORD)
        connection.send(replace(followed, heard_at=heard_at))
        took = time.monotonic() - heard_at

    ear.skip()
    with contextlib.suppress(BrokenPipeError, EOFError):  # the session is gone
        while _session_lives():
            began = time.monotonic()
            while connection.poll():
                asked: Held = connection.recv()
                follower.hold(asked.values)
            for _ in follower.look():
                tell()
            tell()
            while time.monotonic() < began + TICK - WORD:
                time.sleep(WORD)
                tell()
            time.sleep(max(0.0, began + TICK - time.monotonic()))


def _session_lives() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and parent.is_alive()
