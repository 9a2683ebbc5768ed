"""What the blocks of a soak take by themselves, whatever the machine does beside them.

The same keys are pressed and the same knob is moved as in `benchmarks.soak`, but nobody waits
for the blocks, and they are played again and again. Each block's least time is its own work: what
interrupted it, or slowed it down, was not there every time.
"""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.hands import TICK, Hands
from mesosynth.engine.callback import Engine, EventInbox
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import EventQueue, ParameterBlock, SoundRing
from mesosynth.engine.slot import VECTOR
from mesosynth.instruments import instrument_class
from mesosynth.plugins.plugin import CHANNELS, EventKind

REPLAYS = 7


def own_work(seconds: float, sample_rate: int, block: int) -> dict[str, float]:
    """Shares of a block's time: {"median", "p99", "longest"} of the blocks' own work.

    Parameters
    ----------
    seconds : float
        Of sound.
    sample_rate, block : int
        Hz and frames.
    """
    blocks = max(1, round(seconds * sample_rate / block))
    least = np.min([_replay(blocks, sample_rate, block) for _ in range(REPLAYS)], axis=0)
    shares = least * sample_rate / block
    return {
        "median": float(np.median(shares)),
        "p99": float(np.quantile(shares, 0.99)),
        "longest": float(shares.max()),
    }


def _replay(blocks: int, sample_rate: int, block: int) -> NDArray[np.float64]:
    """Seconds that each block took."""
    took = np.zeros(blocks)
    out = np.zeros((CHANNELS, block), np.float32)
    with _Stage(sample_rate, block) as stage:
        hands, ticks = Hands(stage), 0
        for i in range(blocks):
            stage.now += block / sample_rate
            while ticks * TICK < stage.now:
                hands.play()
                ticks += 1
            began = time.perf_counter()
            stage.engine.render(out, underflow=False)
            took[i] = time.perf_counter() - began
    return took


class _Stage:
    """An engine that hands can play like a session's.

    Attributes
    ----------
    engine : Engine
    now : float
        What its clock says, s.
    """

    def __init__(self, sample_rate: int, block: int) -> None:
        plays = instrument_class("chirplet")
        self._table = plays.parameters
        self.now = 0.0
        self._said, self._output, self._keys = ParameterBlock(VECTOR), SoundRing(), EventQueue()
        self._heard = ParameterBlock(VECTOR, self._said.name)
        inbox = EventInbox((self._keys,), clock=lambda: self.now)
        self.engine = Engine(Rack(plays()), self._heard, self._output, inbox)
        self.engine.prepare(sample_rate, block)
        self._vector = np.zeros(VECTOR)
        self.set_parameters({})

    def note_on(self, note: int, velocity: float) -> None:
        """Press a key."""
        self._keys.push(EventKind.NOTE_ON, 0, note, velocity, self.now)

    def note_off(self, note: int) -> None:
        """Let go of it."""
        self._keys.push(EventKind.NOTE_OFF, 0, note, 0.0, self.now)

    def set_parameters(self, values: Mapping[str, float]) -> None:
        """Move these, the others to their defaults."""
        self._vector[: len(self._table)] = self._table.vector(values)
        self._said.write(self._vector, playing=True)

    def __enter__(self) -> "_Stage":
        return self

    def __exit__(self, *_: object) -> None:
        for memory in (self._heard, self._said, self._output, self._keys):
            memory.close()
