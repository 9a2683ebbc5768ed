"""What an effect that has left the rack still has to say: its echoes, until they are quiet."""

from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from mesosynth.engine.slot import ECHOES, Node, Occupant
from mesosynth.plugins.plugin import NO_EVENTS, Events, Instrument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mesosynth.engine.watch import Watch

QUIET = 1e-4  # of full scale: 80 dB below it
PATIENCE = 2.5  # s of quiet; the longest delay is two, and between its echoes nothing is heard
LONGEST = 30.0  # s; a delay that feeds back nearly all of itself would stay for minutes

MOST_TAILS = 4
"""That ring at once; when presets change quickly, the oldest make room."""


class Tail(Node):
    """An effect whose input fades away, and whose output is added to what goes past it.

    ``block -> (1 - g) block + P(g block)`` with g from 1 to 0: it begins as the effect sounded and
    ends as its echoes alone. Its parameters stay where they were.

    Parameters
    ----------
    node : Node
        The effect's, prepared, which leaves the rack as this one comes.
    number : int
        Tells it from other tails.
    """

    def __init__(self, node: Node, number: int) -> None:
        occupant = node.occupant
        occupant.reach.hold()
        super().__init__(f"tail {number}", occupant, wanted=True, number=node.number)
        self._take_buffers(node)
        self._input = 1.0
        self._age = self._quiet = 0

    @staticmethod
    def rings(node: Node) -> bool:
        """[control] Whether an effect has something to say after its input has ended."""
        occupant: Occupant = node.occupant
        return (
            not isinstance(occupant.plugin, Instrument)
            and not isinstance(node, Tail)
            and not occupant.guest  # who knows what it does when it is no longer looked at
            and occupant.plugin.tail >= ECHOES
            and node.wanted and not node.out
            and node.level == 1.0 and node.successor is None
        )  # fmt: skip

    @property
    def age(self) -> int:
        """[control] Samples for which it has rung."""
        return self._age

    @property
    def ended(self) -> bool:
        """[control] Whether there is nothing left to be heard."""
        quiet, age = self._quiet / self._sample_rate, self._age / self._sample_rate
        return quiet > PATIENCE or age > LONGEST or self.out

    @override
    def process(
        self,
        vector: "NDArray[np.float64]",
        moved: bool,
        events: Events,
        block: "NDArray[np.float32]",
        watch: "Watch",
    ) -> None:
        if self.level == 0.0 and not self.wanted:
            return
        frames = block.shape[1]
        wet = self._dry[:, :frames]
        if self._input > 0.0:
            gain = self._line(self._input, frames)
            for row, into in zip(block, wet, strict=True):
                np.multiply(row, gain, out=into)
                np.subtract(row, into, out=row)
            self._input = float(gain[-1])
        else:
            wet.fill(0.0)
        if not self._run(self.occupant, vector, moved, NO_EVENTS, wet, watch):
            return
        loud = max(float(wet.max()), -float(wet.min())) > QUIET
        self._age, self._quiet = self._age + frames, 0 if loud else self._quiet + frames
        if not self.wanted:
            gain = self._line(self.level, frames)
            for row in wet:
                np.multiply(row, gain, out=row)
            self.level = float(gain[-1])
        for row, echo in zip(block, wet, strict=True):
            np.add(row, echo, out=row)

    def _line(self, level: float, frames: int) -> "NDArray[np.float32]":
        """A gain that falls from `level` to 0, and stays there."""
        gain = self._gain[:frames]
        np.multiply(self._count[:frames], -self._slope, out=gain)
        np.add(gain, level, out=gain)
        np.maximum(gain, 0.0, out=gain)
        return gain
