"""All that happens in an audio callback: parameters and events in, sound out, and the books."""

import time

import numpy as np
from numpy.typing import NDArray

from mesosynth.host.event_inbox import EventInbox
from mesosynth.host.rack import Rack
from mesosynth.host.shared_memory import ParameterBlock, Ring
from mesosynth.plugin import NO_EVENTS

REMEMBERED = 1024  # durations of blocks, for their median


class Engine:
    """Renders blocks for a device.

    Attributes
    ----------
    blocks, underflows, frames : int
        Blocks so far, how often the device ran dry, and the length of the last block.
    """

    def __init__(
        self,
        rack: Rack,
        parameters: ParameterBlock,
        scope: Ring,
        inbox: EventInbox | None = None,
    ) -> None:
        self.rack = rack
        self.blocks = self.underflows = self.frames = 0
        self._parameters = parameters
        self._scope = scope
        self._inbox = inbox
        self._mono = np.zeros(0, np.float32)
        self._seconds = np.zeros(REMEMBERED)
        self._longest = 0.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self.rack.prepare(sample_rate, max_block)
        self._mono = np.zeros(max_block, np.float32)
        if self._inbox is not None:
            self._inbox.prepare(sample_rate, self._parameters.length)

    def render(self, block: NDArray[np.float32], underflow: bool) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        begin = time.perf_counter()
        frames = block.shape[1]
        values, playing = self._parameters.read()
        events = NO_EVENTS
        if self._inbox is not None:
            events = self._inbox.take(frames, playing)
            values = self._inbox.moves.apply(values)
            playing = playing or self._inbox.awake
        self.rack.process(values, events, playing, block)
        mono = np.add(block[0], block[1], out=self._mono[:frames])
        self._scope.write(np.multiply(mono, 0.5, out=mono))
        self.frames = frames
        self.underflows += underflow
        seconds = time.perf_counter() - begin
        self._seconds[self.blocks % REMEMBERED] = seconds
        self._longest = max(self._longest, seconds)
        self.blocks += 1

    def callback_ms(self) -> tuple[float, float]:
        """[control] Median of the last blocks' durations and the longest of all, ms."""
        if not self.blocks:
            return 0.0, 0.0
        median = float(np.median(self._seconds[: min(self.blocks, REMEMBERED)]))
        return 1000.0 * median, 1000.0 * self._longest
