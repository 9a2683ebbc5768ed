"""Slots of the rack: plugin, smoothed parameters, fades, faults, and tails of removed effects."""

import contextlib
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS, Events, Instrument, Plugin

# --------------------------------------------------------------------------------------------------
# How the session tells the audio process what is in the rack, and what it hears back.
#
# All live values travel as one vector in shared memory. In it every plugin has a place of its own
# as long as it lives, so that nothing moves when another one comes, goes, or changes its order. The
# instrument has the first.


PLACE = 128
"""Values in a place: the most parameters that a plugin may have."""

PLACES = 16
"""The instrument's and those of effects."""

VECTOR = PLACE * PLACES
"""Length of the vector."""


@dataclass(frozen=True, slots=True)
class PluginSlot:
    """One plugin in the rack, as the session wants it.

    Attributes
    ----------
    uid : str
        What it is called in this rack, "delay" or "delay_2"; "" is the instrument.
    plugin : str
        Its name in the registry.
    place : int
        Where its values lie in the vector.
    ids : tuple of str
        The parameters whose values lie there, in order; the others stand at their defaults.
    bypassed : bool
    disabled : str
        Why it may not even be loaded, one sentence, or ""; saving its file anew forgives it.
    state : mapping
        What :meth:`mesosynth.plugins.plugin.Plugin.restore` takes when it enters.
    """

    uid: str
    plugin: str
    place: int
    ids: tuple[str, ...] = ()
    bypassed: bool = False
    disabled: str = ""
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class SlotReport:
    """What became of a slot.

    Attributes
    ----------
    uid, plugin : str
    title : str
        The plugin's own name; "" if it could not be loaded.
    table : ParameterTable or None
    problem : str
        One sentence that says why it does not sound as it should, or "".
    traceback : str
        The whole story, or "".
    """

    uid: str
    plugin: str
    title: str = ""
    table: ParameterTable | None = None
    problem: str = ""
    traceback: str = ""


# --------------------------------------------------------------------------------------------------
# Shared record of the user plugin that is running, read by the watchdog.


WORDS = 4
_IN_CALLBACK, _CALLBACK_THREAD, _IN_PREPARATION, _PREPARATION_THREAD = range(WORDS)


class ActivePlugin:
    """Says who is at work in the callback, and who is loaded or prepared beside it.

    Parameters
    ----------
    words : (WORDS,) int64, optional
        Memory that others share; its own if left out.
    """

    def __init__(self, words: NDArray[np.int64] | None = None) -> None:
        self._words = np.zeros(WORDS, np.int64) if words is None else words

    def enter(self, number: int) -> None:
        """[audio] A user plugin begins to work in this thread."""
        self._words[_CALLBACK_THREAD] = threading.get_ident()
        self._words[_IN_CALLBACK] = number

    def leave(self) -> None:
        """[audio] It has returned."""
        self._words[_IN_CALLBACK] = 0

    @contextlib.contextmanager
    def preparing(self, number: int) -> Generator[None]:
        """[control] Meanwhile a user plugin is loaded or prepared, by one thread at a time."""
        self._words[_PREPARATION_THREAD] = threading.get_ident()
        self._words[_IN_PREPARATION] = number
        try:
            yield
        finally:
            self._words[_IN_PREPARATION] = 0

    @property
    def in_callback(self) -> tuple[int, int]:
        """Number of the user plugin in the callback, 0 for none, and its thread."""
        return int(self._words[_IN_CALLBACK]), int(self._words[_CALLBACK_THREAD])

    @property
    def in_preparation(self) -> tuple[int, int]:
        """Number of the user plugin that is loaded or prepared, 0 for none, and the thread."""
        return int(self._words[_IN_PREPARATION]), int(self._words[_PREPARATION_THREAD])

    def clear(self) -> None:
        """Forget user plugins whose process is gone."""
        self._words.fill(0)


# --------------------------------------------------------------------------------------------------
# How a plugin reaches its own values in the rack's vector, and how fast they may move.


GLIDE_SECONDS = 0.002
"""Shortest way of a value to where it was sent. A plugin ramps over a block, but a block of one
sample is no ramp; from 2 ms on a block is one."""


class ParameterSmoother:
    """One plugin's values, gliding.

    Parameters
    ----------
    table : ParameterTable
    place : int
        Where its values lie in the vector.
    ids : sequence of str, optional
        The parameters whose values lie there, in order; those of `table` if left out. A parameter
        that is not among them stands at its default.
    """

    def __init__(
        self, table: ParameterTable, place: int = 0, ids: Sequence[str] | None = None
    ) -> None:
        ids = list(table) if ids is None else list(ids)
        parameters = list(table.values())
        self._index = np.array(
            [place * PLACE + (ids.index(p.id) if p.id in ids else 0) for p in parameters], np.intp
        )
        self._absent = np.array([p.id not in ids for p in parameters], np.bool_)
        self._defaults = np.array([p.default for p in parameters], np.float64)
        self._lowest = np.array([p.minimum for p in parameters], np.float64)
        self._highest = np.array([p.maximum for p in parameters], np.float64)
        # The values between two directions, or between two choices, are not legal.
        self._jumps = np.array([bool(p.smallest or p.choices) for p in parameters], np.bool_)
        self._wanted, self._sent, self._now, self._way = np.zeros((4, len(parameters)))
        self._differs = np.zeros(len(parameters), np.bool_)
        self._glide, self._left, self._fresh, self._held = 1, 0, True, False

    def prepare(self, sample_rate: float) -> None:
        """[control] Take the sample rate, Hz, and begin where the vector stands."""
        self._glide = max(1, round(GLIDE_SECONDS * sample_rate))
        self._fresh = True

    def hold(self) -> None:
        """[control] Let the values stay where they are on their way to, whatever comes."""
        self._held = True

    def advance(self, vector: NDArray[np.float64], moved: bool, frames: int) -> NDArray[np.float64]:
        """[audio] Where the plugin's values should be at the end of the next `frames`.

        Parameters
        ----------
        vector : (VECTOR,) float64
        moved : bool
            Whether it may have changed since the last call.
        frames : int
        """
        if (moved and not self._held) or self._fresh:
            self._look(vector)
        if self._left > 0:
            np.subtract(self._wanted, self._now, out=self._way)
            np.multiply(self._way, min(1.0, frames / self._left), out=self._way)
            np.add(self._now, self._way, out=self._now)
            np.copyto(self._now, self._wanted, where=self._jumps)
            self._left -= frames
            if self._left <= 0:
                np.copyto(self._now, self._wanted)
        return self._now

    def _look(self, vector: NDArray[np.float64]) -> None:
        wanted = self._wanted
        np.take(vector, self._index, out=wanted, mode="clip")
        np.copyto(wanted, self._defaults, where=self._absent)
        np.fmax(wanted, self._lowest, out=wanted)  # of a NaN it makes the lowest
        np.fmin(wanted, self._highest, out=wanted)
        if self._fresh:
            np.copyto(self._now, wanted)
            np.copyto(self._sent, wanted)
            self._left, self._fresh = 0, False
        elif np.not_equal(wanted, self._sent, out=self._differs).any():
            np.copyto(self._sent, wanted)
            self._left = self._glide


# --------------------------------------------------------------------------------------------------
# One plugin's room in the rack: it fades in and out, and whatever goes wrong there stays there.


SHORTEST_TAIL = 0.1  # s; an effect that goes on for less after its input has ended has none
FADE_SECONDS = 0.02  # in and out of the rack, and from one version of a plugin to the next
EXPLODED = 1000.0  # 60 dB over full scale: no longer loud, but broken
BUDGET = 0.5  # of a block's time that a user plugin may take
LEAST_BUDGET = 0.00025  # s
SLOW_BLOCKS = 16  # in a row beyond the budget, and a user plugin is too slow
MOST_FAULTS = (
    3  # faults, each within FORGIVEN_AFTER blocks of the last, that a user plugin may have
)
FORGIVEN_AFTER = 1000


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
class LoadedPlugin:
    """A plugin with its way to the values; a user plugin is one that a user wrote."""

    plugin: Plugin
    smoother: ParameterSmoother
    by_user: bool = False


class RackSlot:
    """A plugin in the rack.

    Built-in plugins that fail are reset and go on. A user plugin that raises, or that fails or is
    slow again and again, is shut out: its effect is bypassed, its instrument silent.

    Parameters
    ----------
    uid : str
    loaded : LoadedPlugin
        Not prepared yet.
    wanted : bool
        Whether it is to be heard from the first block on.
    number : int
        What `active` shows while a user plugin here is at work; not 0.

    Attributes
    ----------
    wanted : bool
        [control] Whether it should be heard.
    level : float
        How much of it is heard, 0 to 1.
    successor : LoadedPlugin or None
        [control] Prepared, to be faded to; None again when it has become the loaded.
    faults : int
        Blocks that it spoiled.
    fault : Fault or None
        The last one.
    out : bool
        Whether it was shut out.
    """

    def __init__(
        self, uid: str, loaded: LoadedPlugin, wanted: bool = True, number: int = 1
    ) -> None:
        self.uid = uid
        self.number = number
        self.loaded = loaded
        self.successor: LoadedPlugin | None = None
        self.wanted, self.level = wanted, float(wanted)
        self.faults = 0
        self.fault: Fault | None = None
        self.out = False
        self._strikes = self._good = self._slow = 0
        self._crossed = 0.0
        self._energy = np.zeros(CHANNELS, np.float32)
        self._sample_rate = 1.0

    def prepare(self, sample_rate: float, max_block: int, active: ActivePlugin) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self._sample_rate = sample_rate
        self._slope = 1.0 / (FADE_SECONDS * sample_rate)
        self._dry, self._other = np.zeros((2, CHANNELS, max_block), np.float32)
        self._gain = np.zeros(max_block, np.float32)
        self._count = np.arange(1.0, max_block + 1.0, dtype=np.float32)
        for loaded in (self.loaded, self.successor):
            if loaded is None:
                continue
            loaded.smoother.prepare(sample_rate)
            if not loaded.by_user:
                loaded.plugin.prepare(sample_rate, max_block)
                continue
            try:
                with active.preparing(self.number):
                    loaded.plugin.prepare(sample_rate, max_block)
            except BaseException as error:  # noqa: BLE001 - a user plugin may raise anything
                self.out, self.fault = True, Fault("error", "out", error, "prepare")

    def _take_buffers(self, other: "RackSlot") -> None:
        """[control] Use those of a slot that nobody will call any more; it is prepared then."""
        self._sample_rate, self._slope = other._sample_rate, other._slope
        self._dry, self._other = other._dry, other._other
        self._gain, self._count = other._gain, other._count

    def process(
        self,
        vector: NDArray[np.float64],
        moved: bool,
        events: Events,
        block: NDArray[np.float32],
        active: ActivePlugin,
    ) -> None:
        """[audio] Play `block`, (2, frames) float32, or change it, in place.

        `active` is told which user plugin is at work.
        """
        wanted = self.wanted and not self.out
        makes_sound = isinstance(self.loaded.plugin, Instrument)
        if self.level == 0.0 and not wanted:
            if makes_sound:
                block.fill(0.0)
            return
        dry = self._dry[:, : block.shape[1]]
        if makes_sound:
            dry.fill(0.0)
        else:
            np.copyto(dry, block)
        if wanted and self.level < 1.0 and not self.loaded.by_user:
            self._ease_in(block)
        if not self._run(self.loaded, vector, moved, events, block, active):
            np.copyto(block, dry)
        if self.successor is not None:
            self._cross(self.successor, vector, moved, events, dry, block, active)
        if not wanted or self.level < 1.0:
            self.level = self._mix(dry, block, self.level, 1.0 if wanted else -1.0)

    def _ease_in(self, block: NDArray[np.float32]) -> None:
        """Let an effect with echoes hear a sound that swells, lest they begin with a click."""
        if self.loaded.plugin.tail < SHORTEST_TAIL:
            return
        gain = self._gain[: block.shape[1]]
        np.multiply(self._count[: len(gain)], self._slope, out=gain)
        np.add(gain, self.level, out=gain)
        np.minimum(gain, 1.0, out=gain)
        for row in block:
            np.multiply(row, gain, out=row)

    def _run(
        self,
        loaded: LoadedPlugin,
        vector: NDArray[np.float64],
        moved: bool,
        events: Events,
        block: NDArray[np.float32],
        active: ActivePlugin,
    ) -> bool:
        """Let a plugin process `block`; return whether it did well."""
        frames = block.shape[1]
        values = loaded.smoother.advance(vector, moved, frames)
        begin = time.perf_counter()
        try:
            if loaded.by_user:
                active.enter(self.number)
            loaded.plugin.process(values, events, block)
            active.leave()
        except BaseException as error:  # noqa: BLE001 - it may be anybody's; the sound must go on
            active.leave()
            self._record_fault(loaded, active, "error", MOST_FAULTS, error)
            return False
        # A sum of squares tells at once of NaN, which is not less than anything, and of Inf.
        left, right = np.vecdot(block, block, out=self._energy).tolist()
        if not (left < EXPLODED**2 * frames and right < EXPLODED**2 * frames):
            self._record_fault(loaded, active, "not finite", 1)
            return False
        self._good += 1
        if self._good >= FORGIVEN_AFTER:
            self._strikes = 0
        budget = max(BUDGET * frames / self._sample_rate, LEAST_BUDGET)
        self._slow = self._slow + 1 if time.perf_counter() - begin > budget else 0
        if loaded.by_user and self._slow >= SLOW_BLOCKS:
            self._slow = 0
            self._record_fault(loaded, active, "slow", MOST_FAULTS)
        return True

    def _record_fault(
        self,
        loaded: LoadedPlugin,
        active: ActivePlugin,
        kind: Literal["error", "not finite", "slow"],
        strikes: int,
        error: BaseException | None = None,
    ) -> None:
        self.faults += 1
        self._good = 0
        self._strikes += strikes
        if loaded is self.successor:
            self.successor, self._crossed, self._strikes = None, 0.0, 0
            self.fault = Fault(kind, "refused", error)
        elif loaded.by_user and self._strikes >= MOST_FAULTS:
            self.out, self._strikes = True, 0
            if kind != "slow":  # what is only slow can still be faded
                self.level = 0.0
            self.fault = Fault(kind, "out", error)
        else:
            self.fault = Fault(kind, "reset", error)
            self.reset(active)

    def reset(self, active: ActivePlugin) -> None:
        """[audio] Let the plugin forget all sound, whatever it does instead."""
        by_user = self.loaded.by_user
        try:
            if by_user:
                active.enter(self.number)
            self.loaded.plugin.reset()
            active.leave()
        except BaseException as error:  # noqa: BLE001 - as in `_run`
            active.leave()
            if by_user:
                self.out, self.level = True, 0.0  # lest it is called again while it fades
            self.fault = Fault("error", "out" if by_user else "reset", error, "reset")

    def _cross(
        self,
        successor: LoadedPlugin,
        vector: NDArray[np.float64],
        moved: bool,
        events: Events,
        dry: NDArray[np.float32],
        block: NDArray[np.float32],
        active: ActivePlugin,
    ) -> None:
        """Fade from what the loaded made, in `block`, to what its successor makes."""
        other = self._other[:, : block.shape[1]]
        np.copyto(other, dry)
        if not self._run(successor, vector, moved, events, other, active):
            return
        self._crossed = 1.0 - self._mix(other, block, 1.0 - self._crossed, -1.0)
        if self._crossed >= 1.0:
            self.loaded, self.successor, self._crossed = successor, None, 0.0

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


# --------------------------------------------------------------------------------------------------
# What an effect that has left the rack still has to say: its echoes, until they are quiet.


QUIET_LEVEL = 1e-4  # of full scale: 80 dB below it
QUIET_SECONDS = 2.5  # s of quiet; the longest delay is two, and between its echoes nothing is heard
LONGEST_SECONDS = 30.0  # s; a delay that feeds back nearly all of itself would stay for minutes

MOST_TAILS = 4
"""That ring at once; when presets change quickly, the oldest make room."""


class EffectTail(RackSlot):
    """An effect whose input fades away, and whose output is added to what goes past it.

    ``block -> (1 - g) block + P(g block)`` with g from 1 to 0: it begins as the effect sounded and
    ends as its echoes alone. Its parameters stay where they were.

    Parameters
    ----------
    slot : RackSlot
        The effect's, prepared, which leaves the rack as this one comes.
    number : int
        Tells it from other tails.
    """

    def __init__(self, slot: RackSlot, number: int) -> None:
        loaded = slot.loaded
        loaded.smoother.hold()
        super().__init__(f"tail {number}", loaded, wanted=True, number=slot.number)
        self._take_buffers(slot)
        self._input = 1.0
        self._age = self._quiet = 0

    @staticmethod
    def rings(slot: RackSlot) -> bool:
        """[control] Whether an effect has something to say after its input has ended."""
        loaded: LoadedPlugin = slot.loaded
        return (
            not isinstance(loaded.plugin, Instrument)
            and not isinstance(slot, EffectTail)
            and not loaded.by_user  # who knows what it does when it is no longer looked at
            and loaded.plugin.tail >= SHORTEST_TAIL
            and slot.wanted and not slot.out
            and slot.level == 1.0 and slot.successor is None
        )  # fmt: skip

    @property
    def age(self) -> int:
        """[control] Samples for which it has rung."""
        return self._age

    @property
    def ended(self) -> bool:
        """[control] Whether there is nothing left to be heard."""
        quiet, age = self._quiet / self._sample_rate, self._age / self._sample_rate
        return quiet > QUIET_SECONDS or age > LONGEST_SECONDS or self.out

    @override
    def process(
        self,
        vector: "NDArray[np.float64]",
        moved: bool,
        events: Events,
        block: "NDArray[np.float32]",
        active: "ActivePlugin",
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
        if not self._run(self.loaded, vector, moved, NO_EVENTS, wet, active):
            return
        loud = max(float(wet.max()), -float(wet.min())) > QUIET_LEVEL
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
