"""Silent clock: a device that keeps time without a sound card."""

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from mesosynth.plugins.plugin import CHANNELS

if TYPE_CHECKING:
    from mesosynth.engine.device import Render


class SilentClock:
    """Calls `render` as often as a sound card would, and discards the sound.

    Parameters
    ----------
    sample_rate : int
        Hz.
    block : int
        Frames in a block.
    reason : str
        Why it replaces a card, one sentence, or "" where it was asked for.
    """

    name = "silent clock"
    silent = True

    def __init__(self, sample_rate: int = 48000, block: int = 256, reason: str = "") -> None:
        self.sample_rate = sample_rate
        self.latency = block / sample_rate
        self.reason = reason
        self.ended = False
        self._block = np.zeros((CHANNELS, block), np.float32)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, render: "Render") -> None:
        """[control] Begin to call `render`."""
        self._thread = threading.Thread(
            target=self._run, args=(render,), name="silent clock", daemon=True
        )
        self._thread.start()

    def _run(self, render: "Render") -> None:
        # Every deadline counts from the start, so that errors do not add up.
        start, blocks = time.monotonic(), 0
        seconds = self._block.shape[1] / self.sample_rate
        while not self._closing.is_set():
            late = time.monotonic() - (start + blocks * seconds)
            if late < 0.0:
                self._closing.wait(-late)
                continue
            if late > 1.0:  # the machine was suspended: skip the missed blocks
                start += late
            render(self._block, late > 2.0 * seconds)
            blocks += 1

    def close(self) -> None:
        """[control] Stop the clock."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def abandon(self) -> None:
        """[control] Stop the clock."""
        self._closing.set()
