"""All that happens in an audio callback: parameters and events in, sound out, and the books."""

import time

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.event_inbox import EventInbox
from mesosynth.engine.master_fade import MasterFade
from mesosynth.engine.meters import Levels, Load
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import ParameterBlock
from mesosynth.engine.sound_ring import SoundRing
from mesosynth.engine.status import StatusBlock
from mesosynth.plugins.plugin import NO_EVENTS


class Engine:
    """Renders blocks for a device.

    Attributes
    ----------
    blocks, underflows, frames : int
        Blocks so far, how often the device ran dry, and the length of the last block.
    levels : Levels
    load : Load
    fade : MasterFade
    """

    def __init__(
        self,
        rack: Rack,
        parameters: ParameterBlock,
        output: SoundRing,
        inbox: EventInbox | None = None,
        status: StatusBlock | None = None,
    ) -> None:
        self.rack = rack
        self.blocks = self.underflows = self.frames = 0
        self._parameters = parameters
        self.levels, self.fade = Levels(), MasterFade()
        self.load = Load() if status is None else Load(status.times)
        self._status = status
        self._output = output
        self._inbox = inbox
        self._sample_rate = 1.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self.rack.prepare(sample_rate, max_block)
        self.levels.prepare(sample_rate, max_block)
        self.fade.prepare(sample_rate, max_block)
        self._output.begin(round(sample_rate))
        self._sample_rate = sample_rate
        if self._inbox is not None:
            self._inbox.prepare(sample_rate, self._parameters.length)

    def render(self, block: NDArray[np.float32], underflow: bool) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        begin = time.perf_counter()
        frames = block.shape[1]
        values, playing = self._parameters.read()
        if self.rack.beside is not None:
            playing = self.rack.beside.conduct(playing, frames)
        events = NO_EVENTS
        if self._inbox is not None:
            events = self._inbox.take(frames, playing)
            values = self._inbox.moves.apply(values)
            playing = playing or self._inbox.awake
        self.rack.process(values, events, playing, block)
        self.fade.process(block)
        self._output.write(block)
        self.levels.measure(block, self.rack.true_peak)
        self.frames = frames
        self.underflows += underflow
        end, lasts = time.perf_counter(), frames / self._sample_rate
        self.load.note(end - begin, (end - begin) / lasts)
        self.load.note_processor(end, time.thread_time(), lasts)
        self.blocks += 1
        self._tell()

    def _tell(self) -> None:
        """Let the session know, in the order of COUNTED."""
        if self._status is None:
            return
        rack, levels, load = self.rack, self.levels, self.load
        beside = -1.0 if rack.beside is None else rack.beside.seconds
        self._status.count(
            self.blocks, self.frames, self.underflows, load.overruns, load.heavy, load.noted,
            load.longest, load.largest, rack.peak, levels.true_peak, *levels.peak, *levels.rms,
            beside,
        )  # fmt: skip

    def panic(self) -> None:
        """[control] Forget all sound and all notes with the next block."""
        self.rack.silence()
        if self._inbox is not None:
            self._inbox.sleep()

    def reset_meters(self) -> None:
        """[control] Count underflows, the longest block and the peaks anew."""
        self.underflows = 0
        self.load.reset()
        self.rack.peak = self.levels.true_peak = 0.0
        self._tell()
