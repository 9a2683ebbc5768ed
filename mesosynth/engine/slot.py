"""Slots of the rack: plugin, smoothed parameters, fades, faults, and tails of removed effects."""

import contextlib
import math
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from mesosynth.engine.fades import crossfade, divert, fade
from mesosynth.engine.meters import within
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS, Events, Instrument, Plugin
from mesosynth.system.kernels import F8, I8, compile_loops, loop
from mesosynth.system.signals import is_interrupt

if TYPE_CHECKING:
    from mesosynth.engine.modulation import ModulatedPlugin

# --------------------------------------------------------------------------------------------------
# The rack as the session wants it, and the reports of the audio process
#
# All live values are one vector in shared memory. Each plugin has a place of its own in it as long
# as it is in the rack, so that nothing moves when another plugin is added, removed or reordered.
# The instrument has the first place.


PLACE = 128
"""Values in a place: the most parameters that a plugin may have."""

PLACES = 16
"""Number of places: one for the instrument, the others for effects."""

VECTOR = PLACE * PLACES
"""Length of the vector."""


@dataclass(frozen=True, slots=True)
class PluginSlot:
    """One plugin in the rack, as the session wants it.

    Attributes
    ----------
    uid : str
        Name in this rack, "delay" or "delay_2"; "" is the instrument.
    plugin : str
        Name in the registry.
    place : int
        Place of its values in the vector.
    ids : tuple of str
        Parameters whose values are there, in order; the others stand at their defaults.
    bypassed : bool
    disabled : str
        Why it must not be loaded, one sentence, or ""; saving its file again enables it.
    state : mapping
        Argument of :meth:`mesosynth.plugins.plugin.Plugin.restore` when it enters the rack.
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
    """State of a slot in the audio process.

    Attributes
    ----------
    uid, plugin : str
    title : str
        The plugin's own name; "" if it could not be loaded.
    table : ParameterTable or None
    problem : str
        One sentence on why it does not sound, or "".
    traceback : str
        Python's traceback, or "".
    """

    uid: str
    plugin: str
    title: str = ""
    table: ParameterTable | None = None
    problem: str = ""
    traceback: str = ""


# --------------------------------------------------------------------------------------------------
# Shared record of the user plugin that is running, read by the watchdog


WORDS = 4
_IN_CALLBACK, _CALLBACK_THREAD, _IN_PREPARATION, _PREPARATION_THREAD = range(WORDS)


class ActivePlugin:
    """Number of the user plugin that runs in the callback, and of the one in preparation beside it.

    Parameters
    ----------
    words : (WORDS,) int64, optional
        Shared memory; its own if left out.
    """

    def __init__(self, words: NDArray[np.int64] | None = None) -> None:
        self._words = np.zeros(WORDS, np.int64) if words is None else words

    def enter(self, number: int) -> None:
        """[audio] Record that a user plugin begins to run in this thread."""
        self._words[_CALLBACK_THREAD] = threading.get_ident()
        self._words[_IN_CALLBACK] = number

    def leave(self) -> None:
        """[audio] Record that it has returned."""
        self._words[_IN_CALLBACK] = 0

    @contextlib.contextmanager
    def preparing(self, number: int) -> Generator[None]:
        """[control] Context of loading or preparing a user plugin, in one thread at a time."""
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
        """Number of the user plugin that is loaded or prepared, 0 for none, and its thread."""
        return int(self._words[_IN_PREPARATION]), int(self._words[_PREPARATION_THREAD])

    def clear(self) -> None:
        """Forget user plugins whose process has ended."""
        self._words.fill(0)


# --------------------------------------------------------------------------------------------------
# Smoothed values of a plugin


GLIDE_SECONDS = 0.002
"""Shortest glide of a value. A plugin ramps over a block, but a block of one sample is no ramp; a
block of 2 ms or more is one."""


@loop("i8(f8[::1], b1, b1, i8, i8, i8, i8[::1], f8[:, ::1], f8[:, ::1])")
def smooth(
    vector: F8, look: bool, fresh: bool, left: int, glide: int, frames: int,
    index: I8, table: F8, values: F8,
) -> int:  # fmt: skip
    """[audio] Move values towards those of the vector; return the samples that are left.

    Parameters
    ----------
    vector : (any,) float64
        Values of the rack.
    look : bool
        Whether they may have changed.
    fresh : bool
        Whether to begin at them, rather than move to them.
    left, glide : int
        Samples until they are reached, and in a whole glide.
    frames : int
        Length of the block.
    index : (n,) int64
        Places in the vector; -1 is the default.
    table : (4, n) float64
        Default, minimum and maximum of each parameter, and 1 where its value jumps.
    values : (2, n) float64
        Where they go, and where they are.

    Returns
    -------
    int
    """
    goal, now = values[0], values[1]
    if look:
        for j in range(len(index)):
            default, lowest, highest = table[0, j], table[1, j], table[2, j]
            said = default if index[j] < 0 else vector[min(index[j], len(vector) - 1)]
            value = lowest if math.isnan(said) else min(max(said, lowest), highest)
            if value != goal[j]:
                goal[j] = value
                left = glide
            if fresh:
                now[j] = value
        if fresh:
            left = 0
    if left > 0:
        share = min(1.0, frames / left)
        left = max(left - frames, 0)
        for j in range(len(index)):
            if left == 0 or table[3, j] != 0.0:
                now[j] = goal[j]
            else:
                now[j] += share * (goal[j] - now[j])
    return left


class ParameterSmoother:
    """Values of one plugin in the rack's vector, smoothed.

    Parameters
    ----------
    table : ParameterTable
    place : int
        Place of its values in the vector.
    ids : sequence of str, optional
        Parameters whose values are there, in order; those of `table` if left out. Other parameters
        stand at their defaults.
    """

    def __init__(
        self, table: ParameterTable, place: int = 0, ids: Sequence[str] | None = None
    ) -> None:
        ids = list(table) if ids is None else list(ids)
        parameters = list(table.values())
        self._index = np.array(
            [place * PLACE + ids.index(p.id) if p.id in ids else -1 for p in parameters], np.int64
        )
        # Values between two signs, or between two choices, are not legal.
        self._table = np.array(
            [
                (p.default, p.minimum, p.maximum, p.curve == "signed_log" or bool(p.choices))
                for p in parameters
            ],
            np.float64,
        ).reshape(-1, 4).T.copy()  # fmt: skip
        self._values = np.zeros((2, len(parameters)))
        self._now = self._values[1]
        self._glide, self._left, self._fresh, self._held = 1, 0, True, False
        self._seen = 0  # revision of the vector

    def prepare(self, sample_rate: float) -> None:
        """[control] Set the sample rate, Hz, and begin at the vector's values."""
        compile_loops(__name__)
        self._glide = max(1, round(GLIDE_SECONDS * sample_rate))
        self._fresh = True

    @property
    def now(self) -> NDArray[np.float64]:
        """Values of the plugin at the end of the last block, (parameters,)."""
        return self._now

    def hold(self) -> None:
        """[control] Keep the values where they are going, whatever the vector says."""
        self._held = True

    def advance(
        self, vector: NDArray[np.float64], revision: int, frames: int
    ) -> NDArray[np.float64]:
        """[audio] Values of the plugin at the end of the next `frames`.

        Parameters
        ----------
        vector : (VECTOR,) float64
        revision : int
            It grows whenever the vector may have changed.
        frames : int
            Length of the block.

        Returns
        -------
        (parameters,) float64
            Overwritten by the next call.
        """
        look = (revision != self._seen and not self._held) or self._fresh
        if look or self._left > 0:
            self._left = smooth(
                vector, look, self._fresh, self._left, self._glide, frames,
                self._index, self._table, self._values,
            )  # fmt: skip
            self._seen, self._fresh = revision, False
        return self._now


# --------------------------------------------------------------------------------------------------
# A plugin in the rack: it fades in and out, and its faults do not leave its slot


SHORTEST_TAIL = 0.1  # s; shorter tails are not kept
FADE_SECONDS = 0.02  # in and out of the rack, and from one version of a plugin to the next
EXPLODED = 1000.0  # 60 dB over full scale: not loud but broken
BUDGET = 0.5  # of a block's time that a user plugin may take
LEAST_BUDGET = 0.00025  # s
SLOW_BLOCKS = 16  # in a row beyond the budget, and a user plugin is too slow
MOST_FAULTS = (
    3  # faults, each within FORGIVEN_AFTER blocks of the last, that a user plugin may have
)
FORGIVEN_AFTER = 1000


class PluginHangs(BaseException):
    """Raised by the watchdog inside a plugin that does not return.

    It is not an Exception, so that a plugin that catches those does not catch it.
    """

    def __str__(self) -> str:
        return "it does not return"


@dataclass(frozen=True, slots=True)
class Fault:
    """Fault of a plugin, and its consequence; a refused version leaves the last one playing."""

    kind: Literal["error", "not finite", "slow"]
    fate: Literal["reset", "out", "refused"]
    error: BaseException | None = None
    call: Literal["process", "reset", "prepare"] = "process"


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin with its smoothed values; `by_user` marks a plugin that is not built in."""

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
        Whether it is heard from the first block on.
    number : int
        Its number in the :class:`ActivePlugin` record; not 0.

    Attributes
    ----------
    wanted : bool
        [control] Whether it should be heard.
    level : float
        Its present gain, 0 to 1.
    successor : LoadedPlugin or None
        [control] Prepared new version, to be crossfaded to; None again once it has replaced
        `loaded`.
    faults : int
        Number of blocks that it spoiled.
    fault : Fault or None
        The last one.
    out : bool
        Whether it was shut out.
    modulated : ModulatedPlugin or None
        [control] How the rack's modulation moves its parameters, if it does.
    """

    def __init__(
        self, uid: str, loaded: LoadedPlugin, wanted: bool = True, number: int = 1
    ) -> None:
        self.uid = uid
        self.number = number
        self.loaded = loaded
        self._makes_sound = isinstance(loaded.plugin, Instrument)
        self.successor: LoadedPlugin | None = None
        self.wanted, self.level = wanted, float(wanted)
        self.faults = 0
        self.fault: Fault | None = None
        self.out = False
        self.modulated: ModulatedPlugin | None = None
        self._strikes = self._good = self._slow = 0
        self._crossed = 0.0
        self._sample_rate = 1.0

    def prepare(self, sample_rate: float, max_block: int, active: ActivePlugin) -> None:
        """[control] Allocate all buffers.

        Parameters
        ----------
        sample_rate : float
            Hz.
        max_block : int
            Frames in the largest block.
        active : ActivePlugin
            Record for the watchdog.
        """
        compile_loops(__name__)
        self._sample_rate = sample_rate
        self._slope = 1.0 / (FADE_SECONDS * sample_rate)
        self._dry, self._other = np.zeros((2, CHANNELS, max_block), np.float32)
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
            except BaseException as error:
                if is_interrupt(error):
                    raise
                self.out, self.fault = True, Fault("error", "out", error, "prepare")

    def _take_buffers(self, other: "RackSlot") -> None:
        """[control] Take the buffers of a prepared slot that is no longer called."""
        self._sample_rate, self._slope = other._sample_rate, other._slope
        self._dry, self._other = other._dry, other._other

    def process(
        self,
        vector: NDArray[np.float64],
        revision: int,
        events: Events,
        block: NDArray[np.float32],
        active: ActivePlugin,
    ) -> None:
        """[audio] Render `block`, or change it, in place.

        Parameters
        ----------
        vector : (VECTOR,) float64
        revision : int
            It grows whenever the vector may have changed.
        events : (k,) EVENT
        block : (2, frames) float32
        active : ActivePlugin
            Record for the watchdog.
        """
        wanted = self.wanted and not self.out
        if self.level == 0.0 and not wanted:
            if self._makes_sound:
                block.fill(0.0)
            return
        dry = self._dry[:, : block.shape[1]]
        if not self._makes_sound:  # of an instrument it stays silent
            np.copyto(dry, block)
        if wanted and self.level < 1.0 and not self.loaded.by_user:
            self._ease_in(block)
        if not self._run(self.loaded, vector, revision, events, block, active):
            np.copyto(block, dry)
        if self.successor is not None:
            self._cross(self.successor, vector, revision, events, dry, block, active)
        if not wanted or self.level < 1.0:
            slope = self._slope if wanted else -self._slope
            self.level = crossfade(dry, block, self.level, slope)

    def _ease_in(self, block: NDArray[np.float32]) -> None:
        """Fade the input of an effect with a tail, so that its tail does not begin with a click."""
        if self.loaded.plugin.tail < SHORTEST_TAIL:
            return
        fade(block, self.level, self._slope)

    def _run(
        self,
        loaded: LoadedPlugin,
        vector: NDArray[np.float64],
        revision: int,
        events: Events,
        block: NDArray[np.float32],
        active: ActivePlugin,
    ) -> bool:
        """Let a plugin process `block`; return whether it succeeded."""
        frames, by_user = block.shape[1], loaded.by_user
        begin = time.perf_counter() if by_user else 0.0
        try:
            if by_user:
                active.enter(self.number)
            if self.modulated is None:
                values = loaded.smoother.advance(vector, revision, frames)
                loaded.plugin.process(values, events, block)
            else:
                plugin, smoother = loaded.plugin, loaded.smoother
                self.modulated.process(plugin, smoother, vector, revision, events, block)
            if by_user:
                active.leave()
        except BaseException as error:  # of any plugin; the sound must go on
            active.leave()
            if is_interrupt(error):
                raise
            self._record_fault(loaded, active, "error", MOST_FAULTS, error)
            return False
        if not within(block, EXPLODED):
            self._record_fault(loaded, active, "not finite", 1)
            return False
        self._good += 1
        if self._good >= FORGIVEN_AFTER:
            self._strikes = 0
        if by_user:
            self._check_time(loaded, active, time.perf_counter() - begin, frames)
        return True

    def _check_time(
        self, loaded: LoadedPlugin, active: ActivePlugin, seconds: float, frames: int
    ) -> None:
        """Record a fault where a user plugin took too long, again and again."""
        budget = max(BUDGET * frames / self._sample_rate, LEAST_BUDGET)
        self._slow = self._slow + 1 if seconds > budget else 0
        if self._slow >= SLOW_BLOCKS:
            self._slow = 0
            self._record_fault(loaded, active, "slow", MOST_FAULTS)

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
            if kind != "slow":  # a plugin that is only slow can still be faded
                self.level = 0.0
            self.fault = Fault(kind, "out", error)
        else:
            self.fault = Fault(kind, "reset", error)
            self.reset(active)

    def reset(self, active: ActivePlugin) -> None:
        """[audio] Reset the plugin; an exception shuts a user plugin out."""
        by_user = self.loaded.by_user
        try:
            if by_user:
                active.enter(self.number)
            self.loaded.plugin.reset()
            active.leave()
        except BaseException as error:
            active.leave()
            if is_interrupt(error):
                raise
            if by_user:
                self.out, self.level = True, 0.0  # or it would be called while it fades
            self.fault = Fault("error", "out" if by_user else "reset", error, "reset")

    def _cross(
        self,
        successor: LoadedPlugin,
        vector: NDArray[np.float64],
        revision: int,
        events: Events,
        dry: NDArray[np.float32],
        block: NDArray[np.float32],
        active: ActivePlugin,
    ) -> None:
        """Crossfade from the output of `loaded`, in `block`, to that of its successor."""
        other = self._other[:, : block.shape[1]]
        np.copyto(other, dry)
        if not self._run(successor, vector, revision, events, other, active):
            return
        level = crossfade(other, block, 1.0 - self._crossed, -self._slope)
        self._crossed = 1.0 - level
        if self._crossed >= 1.0:
            self.loaded, self.successor, self._crossed = successor, None, 0.0


# --------------------------------------------------------------------------------------------------
# Tail of a removed effect, until it is quiet


QUIET_LEVEL = 1e-4  # of full scale, -80 dB
QUIET_SECONDS = 2.5  # the longest delay is 2 s, with silence between its echoes
LONGEST_SECONDS = 30.0  # a delay with much feedback would ring for minutes

MOST_TAILS = 4
"""Tails at once; when presets change quickly, the oldest fade out."""


class EffectTail(RackSlot):
    """Tail of a removed effect, added to the sound that bypasses it.

    ``block -> (1 - g) block + P(g block)`` with g from 1 to 0: it begins with the sound of the
    effect and ends with the tail alone. Its parameters stand still.

    Parameters
    ----------
    slot : RackSlot
        Slot of the effect, prepared, which leaves the rack at the same time.
    number : int
        Number of the tail.
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
        """[control] Whether an effect has a tail to keep."""
        loaded: LoadedPlugin = slot.loaded
        return (
            not isinstance(loaded.plugin, Instrument)
            and not isinstance(slot, EffectTail)
            and not loaded.by_user  # its faults would not be reported any more
            and loaded.plugin.tail >= SHORTEST_TAIL
            and slot.wanted and not slot.out
            and slot.level == 1.0 and slot.successor is None
        )  # fmt: skip

    @property
    def age(self) -> int:
        """[control] Samples since it left the rack."""
        return self._age

    @property
    def ended(self) -> bool:
        """[control] Whether it is quiet, too old, or shut out."""
        quiet, age = self._quiet / self._sample_rate, self._age / self._sample_rate
        return quiet > QUIET_SECONDS or age > LONGEST_SECONDS or self.out

    @override
    def process(
        self,
        vector: "NDArray[np.float64]",
        revision: int,
        events: Events,
        block: "NDArray[np.float32]",
        active: "ActivePlugin",
    ) -> None:
        if self.level == 0.0 and not self.wanted:
            return
        frames = block.shape[1]
        wet = self._dry[:, :frames]
        if self._input > 0.0:
            self._input = divert(block, wet, self._input, -self._slope)
        else:
            wet.fill(0.0)
        if not self._run(self.loaded, vector, revision, NO_EVENTS, wet, active):
            return
        loud = max(float(wet.max()), -float(wet.min())) > QUIET_LEVEL
        self._age, self._quiet = self._age + frames, 0 if loud else self._quiet + frames
        if not self.wanted:
            self.level = fade(wet, self.level, -self._slope)
        np.add(block, wet, out=block)
