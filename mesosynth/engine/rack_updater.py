"""Rack updater: a thread that changes the rack while it plays.

It loads, tries, prepares, fades and swaps plugins. The audio callback does none of this: it reads
one tuple of slots, which is replaced as a whole once all plugins in it are ready, and whose slots
fade by themselves.
"""

import contextlib
import difflib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.effects.modulation import targets_of
from mesosynth.engine.modulation import RackModulation
from mesosynth.engine.plugin_registry import BUILT_IN, failure, load_plugin, plugin_folder
from mesosynth.engine.plugin_sandbox import fault_story, log_story, try_plugin
from mesosynth.engine.rack import Rack
from mesosynth.engine.slot import (
    MOST_TAILS,
    ActivePlugin,
    EffectTail,
    Fault,
    LoadedPlugin,
    ParameterSmoother,
    PluginHangs,
    PluginSlot,
    RackSlot,
    SlotReport,
)
from mesosynth.errors import ArgumentError, PluginError
from mesosynth.plugins.plugin import Instrument
from mesosynth.system.paths import text_path
from mesosynth.system.signals import is_interrupt

LOOK = 0.25  # s between two looks at the files
FADE_LIMIT = 0.3  # s to wait for a fade, which does not end where no device calls the rack


class RackUpdater(threading.Thread):
    """Thread that makes the rack as requested; the last request counts.

    Parameters
    ----------
    rack : Rack
    instrument : PluginSlot
        Slot of the instrument that is in the rack already.
    slots : sequence of PluginSlot
        First request; empty is the instrument alone.

    Attributes
    ----------
    lock : threading.Lock
        Held while slots are prepared or put in; hold it to prepare the rack.
    revision : int
        Grows with every change of :attr:`reports`.
    reports : tuple of SlotReport
        One per slot.
    """

    def __init__(
        self, rack: Rack, instrument: PluginSlot, slots: Sequence[PluginSlot] = ()
    ) -> None:
        super().__init__(name="rack", daemon=True)
        self.lock = threading.Lock()
        self.revision = 0
        self.reports: tuple[SlotReport, ...] = ()
        self._rack = rack
        self._requests: queue.SimpleQueue[tuple[PluginSlot, ...]] = queue.SimpleQueue()
        self._slots: dict[str, PluginSlot] = {}
        self._tails = 0  # so far
        self._problems: dict[str, PluginError] = {}
        self._reported: dict[str, Fault] = {}
        self._times: dict[str, float] = {}
        self._format = (48000.0, 512)
        self._slots[""] = instrument
        slots = slots or (instrument,)
        if slots[0].plugin != instrument.plugin:
            rack.slots[0].wanted, rack.slots[0].level = False, 0.0  # until it is the right one
        self.request(slots)

    def request(self, slots: Sequence[PluginSlot]) -> None:
        """Request a rack of `slots`; it changes a little later."""
        self._requests.put(tuple(slots))

    def prepare(self, prepare: Callable[[], None], sample_rate: float, max_block: int) -> None:
        """Prepare the rack for another format, while it cannot be changed.

        Parameters
        ----------
        prepare : callable
            Prepares the rack.
        sample_rate : float
            Hz.
        max_block : int
            Frames in the largest block.
        """
        with self.lock:
            self._format = (sample_rate, max_block)
            prepare()

    def run(self) -> None:
        """Apply requests, watch the files, and report faults."""
        while True:
            try:
                slots = self._requests.get(timeout=LOOK)
                while not self._requests.empty():
                    slots = self._requests.get()
                self.arrange(slots)
            except queue.Empty:
                pass
            except (Exception, PluginHangs) as error:  # noqa: BLE001 - the next request may work
                log_story(failure("the rack", error))
            self.look()

    def look(self) -> None:
        """Reload files that changed, and report faults since the last look."""
        for uid, slot in list(self._slots.items()):
            path = _file_of(slot)
            if path is not None and (changed := _time_of(path)) != self._times.get(uid):
                self._times[uid] = changed
                self._reload(uid, replace(slot, disabled=""))
        self._end_tails()
        for rack_slot in _placed(self._rack.slots):
            if rack_slot.fault is not None and rack_slot.fault is not self._reported.get(
                rack_slot.uid
            ):
                self._reported[rack_slot.uid] = rack_slot.fault
                self._problems[rack_slot.uid] = fault_story(
                    rack_slot.fault, self._slots[rack_slot.uid].plugin
                )
                log_story(self._problems[rack_slot.uid])
        self._report()

    def arrange(self, slots: Sequence[PluginSlot]) -> None:
        """Make the rack play `slots`, with fades wherever a plugin comes, goes or moves.

        A removed effect is heard until its tail is quiet.
        """
        before = {rack_slot.uid: rack_slot for rack_slot in _placed(self._rack.slots)}
        entering: dict[str, RackSlot] = {}
        for slot in slots:
            had = self._slots.get(slot.uid)
            rack_slot = before.get(slot.uid)
            if (
                rack_slot is None
                or had is None
                or had.plugin != slot.plugin
                or (had.state != slot.state and slot.plugin != MODULATION)
            ):
                fresh = self._enter(slot, rack_slot)
                if fresh is not None:
                    entering[slot.uid] = fresh
            elif (had.place, had.ids) != (slot.place, slot.ids):
                self._move(rack_slot, slot)
        order = [uid for slot in slots if (uid := slot.uid) in before or uid in entering]
        unmoved = set(_unmoved(list(before), order))
        wanted = {slot.uid: not slot.bypassed for slot in slots}
        going = [
            rack_slot
            for uid, rack_slot in before.items()
            if uid not in order and EffectTail.rings(rack_slot)
        ]
        moving = [
            rack_slot
            for uid, rack_slot in before.items()
            if uid not in unmoved and rack_slot not in going
        ]
        for rack_slot in moving:
            rack_slot.wanted = False
        _wait(lambda: all(rack_slot.level == 0.0 for rack_slot in moving))
        with self.lock:
            for rack_slot in entering.values():
                rack_slot.prepare(*self._format, self._rack.active)
            rack_slots = [entering.get(uid) or before[uid] for uid in order]
            self._rack.slots = self._with_tails(rack_slots, going)
        for rack_slot in rack_slots:
            if (
                wanted[rack_slot.uid]
                and not rack_slot.wanted
                and rack_slot not in entering.values()
            ):
                with self.lock, self._rack.active.preparing(rack_slot.number):
                    rack_slot.reset(
                        ActivePlugin()
                    )  # nobody plays it now, and its echoes are of long ago
            rack_slot.wanted = wanted[rack_slot.uid]
        self._slots = {slot.uid: slot for slot in slots}
        self._modulate()
        for uid in set(self._problems) - set(self._slots):
            del self._problems[uid]
        self._report()

    def _modulate(self) -> None:
        """Direct the modulation's slots to their targets."""
        slot = next((s for s in self._slots.values() if s.plugin == MODULATION), None)
        try:
            targets = () if slot is None else targets_of(slot.state)
        except ArgumentError as error:
            targets = ()
            self._problems[MODULATION] = failure(MODULATION, error)
        self._rack.modulation = RackModulation(
            _placed(self._rack.slots), targets, self._rack.gestures
        )

    def _with_tails(
        self, rack_slots: Sequence[RackSlot], going: Sequence[RackSlot]
    ) -> tuple[RackSlot, ...]:
        """`rack_slots`, with the tails of removed effects in their old places."""
        rack, at = list(rack_slots), 0
        for rack_slot in self._rack.slots:
            if rack_slot in rack:
                at = rack.index(rack_slot) + 1
            elif isinstance(rack_slot, EffectTail) or rack_slot in going:
                self._tails += 1
                tail = (
                    rack_slot
                    if isinstance(rack_slot, EffectTail)
                    else EffectTail(rack_slot, self._tails)
                )
                rack.insert(at, tail)
                at += 1
        ringing = [
            rack_slot
            for rack_slot in rack
            if isinstance(rack_slot, EffectTail) and rack_slot.wanted
        ]
        ringing.sort(key=lambda tail: tail.age)
        for tail in ringing[MOST_TAILS:]:
            tail.wanted = False
        return tuple(rack)

    def _end_tails(self) -> None:
        """Remove tails that are quiet."""
        tails = [rack_slot for rack_slot in self._rack.slots if isinstance(rack_slot, EffectTail)]
        for tail in tails:
            tail.wanted = tail.wanted and not tail.ended
        silent = [tail for tail in tails if tail.out or (not tail.wanted and tail.level == 0.0)]
        if silent:
            with self.lock:
                self._rack.slots = tuple(n for n in self._rack.slots if n not in silent)

    def _rack_slot(self, uid: str) -> RackSlot | None:
        return next((rack_slot for rack_slot in self._rack.slots if rack_slot.uid == uid), None)

    def _enter(self, slot: PluginSlot, rack_slot: RackSlot | None) -> RackSlot | None:
        """Load a plugin for `slot`: as the successor in `rack_slot`, or in a new one."""
        self._problems.pop(slot.uid, None)
        self._times[slot.uid] = _time_of(_file_of(slot))
        if slot.disabled:
            self._problems[slot.uid] = PluginError(slot.disabled)
            return None
        loaded = self._load(slot)
        if loaded is None:
            return None
        if rack_slot is not None:
            self._replace(rack_slot, loaded)
            rack_slot.number = slot.place + 1
            return None
        return RackSlot(slot.uid, loaded, wanted=False, number=slot.place + 1)

    def _load(self, slot: PluginSlot) -> LoadedPlugin | None:
        try:
            by_user = slot.plugin not in BUILT_IN
            if by_user:
                try_plugin(slot.plugin, *self._format)
            with self._announced(by_user, slot.place + 1):
                plugin = load_plugin(slot.plugin)()
                if isinstance(plugin, Instrument) != (slot.uid == ""):
                    what = "an effect, not an instrument" if slot.uid == "" else "an instrument"
                    raise PluginError(f"{slot.plugin} is {what}; it does not fit here.")
                if slot.state:
                    plugin.restore(slot.state)
        except (PluginError, ArgumentError) as error:
            self._record_problem(slot, failure(slot.plugin, error))
            return None
        except BaseException as error:  # a user plugin may raise anything
            if is_interrupt(error):
                raise
            self._record_problem(slot, failure(f"{slot.plugin}.py", error))
            return None
        return LoadedPlugin(
            plugin, ParameterSmoother(plugin.parameters, slot.place, slot.ids), by_user
        )

    def _announced(self, by_user: bool, number: int) -> contextlib.AbstractContextManager[None]:
        """Context that records a user plugin in preparation, for the watchdog."""
        return self._rack.active.preparing(number) if by_user else contextlib.nullcontext()

    def _record_problem(self, slot: PluginSlot, error: PluginError) -> None:
        self._problems[slot.uid] = error
        log_story(error)

    def _reload(self, uid: str, slot: PluginSlot) -> None:
        """Load a new version of a plugin; the old one stays if the new one fails."""
        self._slots[uid] = slot
        rack_slot = self._rack_slot(uid)
        if rack_slot is None:  # it could not be loaded before
            self.arrange(list(self._slots.values()))
        elif (loaded := self._load(slot)) is not None:
            self._problems.pop(uid, None)
            self._replace(rack_slot, loaded)
            self._modulate()

    def _replace(self, rack_slot: RackSlot, loaded: LoadedPlugin) -> None:
        with self.lock:
            sample_rate, max_block = self._format
            try:
                with self._announced(loaded.by_user, rack_slot.number):
                    loaded.plugin.prepare(sample_rate, max_block)
            except BaseException as error:
                if is_interrupt(error):
                    raise
                fault = Fault("error", "refused", error, "prepare")
                self._problems[rack_slot.uid] = fault_story(
                    fault, self._slots[rack_slot.uid].plugin
                )
                log_story(self._problems[rack_slot.uid])
                return
            loaded.smoother.prepare(sample_rate)
            if rack_slot.out:  # it is silent: no need to fade
                rack_slot.loaded, rack_slot.fault, rack_slot.out = loaded, None, False
                return
            rack_slot.successor = loaded
        _wait(lambda: rack_slot.successor is not loaded)
        if rack_slot.successor is loaded:  # no device calls the rack
            rack_slot.loaded, rack_slot.successor = loaded, None

    def _move(self, rack_slot: RackSlot, slot: PluginSlot) -> None:
        """Move a plugin's values to another place in the vector."""
        plugin = rack_slot.loaded.plugin
        smoother = ParameterSmoother(plugin.parameters, slot.place, slot.ids)
        smoother.prepare(self._format[0])
        rack_slot.loaded = LoadedPlugin(plugin, smoother, rack_slot.loaded.by_user)
        rack_slot.number = slot.place + 1

    def _report(self) -> None:
        reports = tuple(self._report_of(slot) for slot in self._slots.values())
        if reports != self.reports:
            self.reports = reports
            self.revision += 1

    def _report_of(self, slot: PluginSlot) -> SlotReport:
        rack_slot, problem = self._rack_slot(slot.uid), self._problems.get(slot.uid)
        plugin = None if rack_slot is None else rack_slot.loaded.plugin
        return SlotReport(
            slot.uid, slot.plugin,
            title="" if plugin is None else plugin.name,
            table=None if plugin is None else plugin.parameters,
            problem=str(problem) if problem else plugin.problem if plugin else "",
            traceback="" if problem is None else problem.traceback,
        )  # fmt: skip


def _placed(rack_slots: Sequence[RackSlot]) -> list[RackSlot]:
    """Slots without tails."""
    return [rack_slot for rack_slot in rack_slots if not isinstance(rack_slot, EffectTail)]


def _unmoved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Slots that need not fade: the longest parts that keep their order."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return [
        uid for block in matcher.get_matching_blocks() for uid in before[block.a :][: block.size]
    ]


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FADE_LIMIT
    while not done() and time.monotonic() < deadline:
        time.sleep(0.005)


def _file_of(slot: PluginSlot) -> Path | None:
    """File that a slot depends on: a user plugin's, or the sound of a sampler."""
    if slot.plugin in BUILT_IN:
        return text_path(slot.state["sound"]) if slot.state.get("sound") else None
    return plugin_folder() / f"{slot.plugin}.py"


def _time_of(path: Path | None) -> float:
    """Time at which a file was last written, s; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns / 1e9 if path is not None else 0.0
    except OSError:
        return 0.0
