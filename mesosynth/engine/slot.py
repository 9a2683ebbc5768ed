"""One plugin's room in the rack: it fades in and out, and whatever goes wrong there stays there."""

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.reach import Reach
from mesosynth.engine.watch import Watch
from mesosynth.plugins.plugin import CHANNELS, Events, Instrument, Plugin

ECHOES = 0.1  # s; an effect that goes on for less after its input has ended has none
FADE_SECONDS = 0.02  # in and out of the rack, and from one version of a plugin to the next
EXPLODED = 1000.0  # 60 dB over full scale: no longer loud, but broken
BUDGET = 0.5  # of a block's time that a guest may take
LEAST_BUDGET = 0.00025  # s
SLOW_BLOCKS = 16  # in a row beyond the budget, and a guest is too slow
STRIKES = 3  # faults, each within REPENTANCE blocks of the last, that a guest may have
REPENTANCE = 1000


class PluginHangs(BaseException):
    """Raised inside a plugin that does not return, by who waits for it.

    Not an Exception, lest a plugin that catches those goes on.
    """

    def __str__(self) -> str:
        return "it does not return"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a plugin did wrong, and what became of it; a version that is refused leaves the last."""

    kind: Literal["error", "not finite", "slow"]
    fate: Literal["reset", "out", "refused"]
    error: BaseException | None = None
    call: Literal["process", "reset", "prepare"] = "process"


@dataclass(frozen=True, slots=True)
class Occupant:
    """A plugin with its way to the values; a guest is one that a user wrote."""

    plugin: Plugin
    reach: Reach
    guest: bool = False


class Node:
    """A plugin in the rack.

    Built-in plugins that fail are reset and go on. A guest that raises, or that goes on failing or
    being slow, is shut out: its effect is bypassed, its instrument silent.

    Parameters
    ----------
    uid : str
    occupant : Occupant
        Not prepared yet.
    wanted : bool
        Whether it is to be heard from the first block on.
    number : int
        What `watch` shows while a guest here is at work; not 0.

    Attributes
    ----------
    wanted : bool
        [control] Whether it should be heard.
    level : float
        How much of it is heard, 0 to 1.
    successor : Occupant or None
        [control] Prepared, to be faded to; None again when it has become the occupant.
    faults : int
        Blocks that it spoiled.
    fault : Fault or None
        The last one.
    out : bool
        Whether it was shut out.
    """

    def __init__(self, uid: str, occupant: Occupant, wanted: bool = True, number: int = 1) -> None:
        self.uid = uid
        self.number = number
        self.occupant = occupant
        self.successor: Occupant | None = None
        self.wanted, self.level = wanted, float(wanted)
        self.faults = 0
        self.fault: Fault | None = None
        self.out = False
        self._strikes = self._good = self._slow = 0
        self._crossed = 0.0
        self._energy = np.zeros(CHANNELS, np.float32)
        self._sample_rate = 1.0

    def prepare(self, sample_rate: float, max_block: int, watch: Watch) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self._sample_rate = sample_rate
        self._slope = 1.0 / (FADE_SECONDS * sample_rate)
        self._dry, self._other = np.zeros((2, CHANNELS, max_block), np.float32)
        self._gain = np.zeros(max_block, np.float32)
        self._count = np.arange(1.0, max_block + 1.0, dtype=np.float32)
        for occupant in (self.occupant, self.successor):
            if occupant is None:
                continue
            occupant.reach.prepare(sample_rate)
            if not occupant.guest:
                occupant.plugin.prepare(sample_rate, max_block)
                continue
            try:
                with watch.care(self.number):
                    occupant.plugin.prepare(sample_rate, max_block)
            except BaseException as error:  # noqa: BLE001 - a guest may raise anything
                self.out, self.fault = True, Fault("error", "out", error, "prepare")

    def _take_buffers(self, other: "Node") -> None:
        """[control] Use those of a node that nobody will call any more; it is prepared then."""
        self._sample_rate, self._slope = other._sample_rate, other._slope
        self._dry, self._other = other._dry, other._other
        self._gain, self._count = other._gain, other._count

    def process(
        self,
        vector: NDArray[np.float64],
        moved: bool,
        events: Events,
        block: NDArray[np.float32],
        watch: Watch,
    ) -> None:
        """[audio] Play `block`, (2, frames) float32, or change it, in place.

        `watch` is told which guest is at work.
        """
        wanted = self.wanted and not self.out
        makes_sound = isinstance(self.occupant.plugin, Instrument)
        if self.level == 0.0 and not wanted:
            if makes_sound:
                block.fill(0.0)
            return
        dry = self._dry[:, : block.shape[1]]
        if makes_sound:
            dry.fill(0.0)
        else:
            np.copyto(dry, block)
        if wanted and self.level < 1.0 and not self.occupant.guest:
            self._ease_in(block)
        if not self._run(self.occupant, vector, moved, events, block, watch):
            np.copyto(block, dry)
        if self.successor is not None:
            self._cross(self.successor, vector, moved, events, dry, block, watch)
        if not wanted or self.level < 1.0:
            self.level = self._mix(dry, block, self.level, 1.0 if wanted else -1.0)

    def _ease_in(self, block: NDArray[np.float32]) -> None:
        """Let an effect with echoes hear a sound that swells, lest they begin with a click."""
        if self.occupant.plugin.tail < ECHOES:
            return
        gain = self._gain[: block.shape[1]]
        np.multiply(self._count[: len(gain)], self._slope, out=gain)
        np.add(gain, self.level, out=gain)
        np.minimum(gain, 1.0, out=gain)
        for row in block:
            np.multiply(row, gain, out=row)

    def _run(
        self,
        occupant: Occupant,
        vector: NDArray[np.float64],
        moved: bool,
        events: Events,
        block: NDArray[np.float32],
        watch: Watch,
    ) -> bool:
        """Let a plugin process `block`; return whether it did well."""
        frames = block.shape[1]
        values = occupant.reach.follow(vector, moved, frames)
        begin = time.perf_counter()
        try:
            if occupant.guest:
                watch.enter(self.number)
            occupant.plugin.process(values, events, block)
            watch.leave()
        except BaseException as error:  # noqa: BLE001 - it may be anybody's; the sound must go on
            watch.leave()
            self._blame(occupant, watch, "error", STRIKES, error)
            return False
        # A sum of squares tells at once of NaN, which is not less than anything, and of Inf.
        left, right = np.vecdot(block, block, out=self._energy).tolist()
        if not (left < EXPLODED**2 * frames and right < EXPLODED**2 * frames):
            self._blame(occupant, watch, "not finite", 1)
            return False
        self._good += 1
        if self._good >= REPENTANCE:
            self._strikes = 0
        budget = max(BUDGET * frames / self._sample_rate, LEAST_BUDGET)
        self._slow = self._slow + 1 if time.perf_counter() - begin > budget else 0
        if occupant.guest and self._slow >= SLOW_BLOCKS:
            self._slow = 0
            self._blame(occupant, watch, "slow", STRIKES)
        return True

    def _blame(
        self,
        occupant: Occupant,
        watch: Watch,
        kind: Literal["error", "not finite", "slow"],
        strikes: int,
        error: BaseException | None = None,
    ) -> None:
        self.faults += 1
        self._good = 0
        self._strikes += strikes
        if occupant is self.successor:
            self.successor, self._crossed, self._strikes = None, 0.0, 0
            self.fault = Fault(kind, "refused", error)
        elif occupant.guest and self._strikes >= STRIKES:
            self.out, self._strikes = True, 0
            if kind != "slow":  # what is only slow can still be faded
                self.level = 0.0
            self.fault = Fault(kind, "out", error)
        else:
            self.fault = Fault(kind, "reset", error)
            self.reset(watch)

    def reset(self, watch: Watch) -> None:
        """[audio] Let the plugin forget all sound, whatever it does instead."""
        guest = self.occupant.guest
        try:
            if guest:
                watch.enter(self.number)
            self.occupant.plugin.reset()
            watch.leave()
        except BaseException as error:  # noqa: BLE001 - as in `_run`
            watch.leave()
            if guest:
                self.out, self.level = True, 0.0  # lest it is called again while it fades
            self.fault = Fault("error", "out" if guest else "reset", error, "reset")

    def _cross(
        self,
        successor: Occupant,
        vector: NDArray[np.float64],
        moved: bool,
        events: Events,
        dry: NDArray[np.float32],
        block: NDArray[np.float32],
        watch: Watch,
    ) -> None:
        """Fade from what the occupant made, in `block`, to what its successor makes."""
        other = self._other[:, : block.shape[1]]
        np.copyto(other, dry)
        if not self._run(successor, vector, moved, events, other, watch):
            return
        self._crossed = 1.0 - self._mix(other, block, 1.0 - self._crossed, -1.0)
        if self._crossed >= 1.0:
            self.occupant, self.successor, self._crossed = successor, None, 0.0

    def _mix(
        self,
        dry: NDArray[np.float32],
        block: NDArray[np.float32],
        level: float,
        direction: float,
    ) -> float:
        """Turn `block` to ``dry + level (block - dry)`` with a moving level; return its end."""
        frames = block.shape[1]
        slope = direction * self._slope
        gain = self._gain[:frames]
        np.multiply(self._count[:frames], slope, out=gain)
        np.add(gain, level, out=gain)
        np.maximum(gain, 0.0, out=gain)
        np.minimum(gain, 1.0, out=gain)
        for row, without in zip(block, dry, strict=True):
            np.subtract(row, without, out=row)
            np.multiply(row, gain, out=row)
            np.add(row, without, out=row)
        return min(max(level + frames * slope, 0.0), 1.0)
