"""When the machine itself was late: cyclictest of rt-tests, by which real-time systems are judged.

On each core a thread that goes before everything in a session, JACK's server too, does nothing but
wake, a thousand times a second. When it wakes late its core was taken away, by whatever else runs
on the machine or on its host, and no callback could have been in time either. Four thousand times a
second would see more, but blocks then took 40% longer to compute; with a thousand it is 8%.
"""

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LATE = 0.0001
"""s by which a thread must wake too late to be written down: on a machine fit for real time none
does."""

_INTERVAL = 0.001  # s
_PRIORITY = 80  # above JACK's server and its clients
_MOST = 100_000  # written down
_ANSWER = 5.0  # s
_SPIKE = re.compile(r"^T: *\d+ Spike: *(\d+): TS: *(\d+)", re.MULTILINE)


@dataclass(slots=True)
class Cyclictest:
    """What it saw.

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
    """Let it watch meanwhile; what it saw is known after the ``with``."""
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
    """What cyclictest says with ``--spike``: see :class:`Cyclictest`."""
    spikes = [(float(late), float(woken)) for late, woken in _SPIKE.findall(told)]
    late, woken = 1e-6 * np.array(spikes).reshape(-1, 2).T
    return np.stack([woken - late, woken], axis=1)
