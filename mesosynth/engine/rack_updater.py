"""Who changes the rack while it plays: a thread that prepares, tries out, fades and swaps.

Nothing here is done by the audio callback: it reads one tuple of nodes, which is replaced whole
once everything in it is ready, and whose nodes fade by themselves.
"""

import contextlib
import difflib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mesosynth.effects.filter import banded_solver
from mesosynth.engine.plugin_registry import BUILT_IN, failure, load_plugin, plugin_folder
from mesosynth.engine.plugin_sandbox import fault_story, log_story, try_plugin
from mesosynth.engine.rack import Rack
from mesosynth.engine.slot import (
    MOST_TAILS,
    Fault,
    Node,
    Occupant,
    PluginHangs,
    Reach,
    Slot,
    SlotReport,
    Tail,
    Watch,
)
from mesosynth.errors import ArgumentError, PluginError
from mesosynth.plugins.plugin import Instrument

LOOK = 0.25  # s between two looks at the files
FADE_LIMIT = 0.3  # s to wait for a fade; where nobody calls the rack, none will come


class Chain(threading.Thread):
    """Makes the rack what the session wants it to be, one wish after another.

    Parameters
    ----------
    rack : Rack
    instrument : Slot
        That of the instrument which is in the rack already.
    slots : sequence of Slot
        What is wanted at first; none is the instrument alone.

    Attributes
    ----------
    lock : threading.Lock
        Held while nodes are prepared or put in; who prepares the rack takes it.
    revision : int
        Grows with every change of :attr:`reports`.
    reports : tuple of SlotReport
        One for each slot.
    """

    def __init__(self, rack: Rack, instrument: Slot, slots: Sequence[Slot] = ()) -> None:
        super().__init__(name="rack", daemon=True)
        self.lock = threading.Lock()
        self.revision = 0
        self.reports: tuple[SlotReport, ...] = ()
        self._rack = rack
        self._wishes: queue.SimpleQueue[tuple[Slot, ...]] = queue.SimpleQueue()
        self._slots: dict[str, Slot] = {}
        self._tails = 0  # so far
        self._problems: dict[str, PluginError] = {}
        self._told: dict[str, Fault] = {}
        self._times: dict[str, float] = {}
        self._format = (48000.0, 512)
        self._slots[""] = instrument
        banded_solver()  # to load a library later would hold up the callback
        slots = slots or (instrument,)
        if slots[0].plugin != instrument.plugin:
            rack.nodes[0].wanted, rack.nodes[0].level = False, 0.0  # until it is the right one
        self.want(slots)

    def want(self, slots: Sequence[Slot]) -> None:
        """Ask for a rack of `slots`; it will be so a little later."""
        self._wishes.put(tuple(slots))

    def prepare(self, prepare: Callable[[], None], sample_rate: float, max_block: int) -> None:
        """Let `prepare` prepare the rack for another format, and nobody change it meanwhile."""
        with self.lock:
            self._format = (sample_rate, max_block)
            prepare()

    def run(self) -> None:
        """Do what is wanted, look at the files, and look after faults."""
        while True:
            try:
                slots = self._wishes.get(timeout=LOOK)
                while not self._wishes.empty():  # only the last wish counts
                    slots = self._wishes.get()
                self.arrange(slots)
            except queue.Empty:
                pass
            except (Exception, PluginHangs) as error:  # noqa: BLE001 - the next wish may go well
                log_story(failure("the rack", error))
            self.look()

    def look(self) -> None:
        """Reload what changed on disk, and report what went wrong since the last look."""
        for uid, slot in list(self._slots.items()):
            path = _file_of(slot.plugin)
            if path is not None and (changed := _time_of(path)) != self._times.get(uid):
                self._times[uid] = changed
                self._reload(uid, replace(slot, disabled=""))
        self._end_tails()
        for node in _placed(self._rack.nodes):
            if node.fault is not None and node.fault is not self._told.get(node.uid):
                self._told[node.uid] = node.fault
                self._problems[node.uid] = fault_story(node.fault, self._slots[node.uid].plugin)
                log_story(self._problems[node.uid])
        self._report()

    def arrange(self, slots: Sequence[Slot]) -> None:
        """Make the rack play `slots`, with fades wherever something comes, goes or moves.

        An effect that goes is heard until its echoes are quiet.
        """
        before = {node.uid: node for node in _placed(self._rack.nodes)}
        entering: dict[str, Node] = {}
        for slot in slots:
            had = self._slots.get(slot.uid)
            node = before.get(slot.uid)
            if node is None or had is None or (had.plugin, had.state) != (slot.plugin, slot.state):
                fresh = self._enter(slot, node)
                if fresh is not None:
                    entering[slot.uid] = fresh
            elif (had.place, had.ids) != (slot.place, slot.ids):
                self._move(node, slot)
        order = [uid for slot in slots if (uid := slot.uid) in before or uid in entering]
        resting = set(_resting(list(before), order))
        wanted = {slot.uid: not slot.bypassed for slot in slots}
        going = [node for uid, node in before.items() if uid not in order and Tail.rings(node)]
        moving = [node for uid, node in before.items() if uid not in resting and node not in going]
        for node in moving:
            node.wanted = False
        _wait(lambda: all(node.level == 0.0 for node in moving))
        with self.lock:
            for node in entering.values():
                node.prepare(*self._format, self._rack.watch)
            nodes = [entering.get(uid) or before[uid] for uid in order]
            self._rack.nodes = self._with_tails(nodes, going)
        for node in nodes:
            if wanted[node.uid] and not node.wanted and node not in entering.values():
                with self.lock, self._rack.watch.care(node.number):
                    node.reset(Watch())  # nobody plays it now, and its echoes are of long ago
            node.wanted = wanted[node.uid]
        self._slots = {slot.uid: slot for slot in slots}
        for uid in set(self._problems) - set(self._slots):
            del self._problems[uid]
        self._report()

    def _with_tails(self, nodes: Sequence[Node], going: Sequence[Node]) -> tuple[Node, ...]:
        """`nodes`, and in their old places among them what still rings or begins to."""
        rack, at = list(nodes), 0
        for node in self._rack.nodes:
            if node in rack:
                at = rack.index(node) + 1
            elif isinstance(node, Tail) or node in going:
                self._tails += 1
                tail = node if isinstance(node, Tail) else Tail(node, self._tails)
                rack.insert(at, tail)
                at += 1
        ringing = [node for node in rack if isinstance(node, Tail) and node.wanted]
        ringing.sort(key=lambda tail: tail.age)
        for tail in ringing[MOST_TAILS:]:
            tail.wanted = False
        return tuple(rack)

    def _end_tails(self) -> None:
        """Take out what has rung out."""
        tails = [node for node in self._rack.nodes if isinstance(node, Tail)]
        for tail in tails:
            tail.wanted = tail.wanted and not tail.ended
        silent = [tail for tail in tails if tail.out or (not tail.wanted and tail.level == 0.0)]
        if silent:
            with self.lock:
                self._rack.nodes = tuple(n for n in self._rack.nodes if n not in silent)

    def _node(self, uid: str) -> Node | None:
        return next((node for node in self._rack.nodes if node.uid == uid), None)

    def _enter(self, slot: Slot, node: Node | None) -> Node | None:
        """Load a plugin for `slot`: as the successor of what is in `node`, or in a new one."""
        self._problems.pop(slot.uid, None)
        self._times[slot.uid] = _time_of(_file_of(slot.plugin))
        if slot.disabled:
            self._problems[slot.uid] = PluginError(slot.disabled)
            return None
        occupant = self._load(slot)
        if occupant is None:
            return None
        if node is not None:
            self._succeed(node, occupant)
            node.number = slot.place + 1
            return None
        return Node(slot.uid, occupant, wanted=False, number=slot.place + 1)

    def _load(self, slot: Slot) -> Occupant | None:
        try:
            guest = slot.plugin not in BUILT_IN
            if guest:
                try_plugin(slot.plugin, *self._format)
            with self._care(guest, slot.place + 1):
                plugin = load_plugin(slot.plugin)()
                if isinstance(plugin, Instrument) != (slot.uid == ""):
                    what = "an effect, not an instrument" if slot.uid == "" else "an instrument"
                    raise PluginError(f"{slot.plugin} is {what}; it does not fit here.")
                if slot.state:
                    plugin.restore(slot.state)
        except (PluginError, ArgumentError) as error:
            self._complain(slot, failure(slot.plugin, error))
            return None
        except BaseException as error:  # noqa: BLE001 - a guest may raise anything
            self._complain(slot, failure(f"{slot.plugin}.py", error))
            return None
        return Occupant(plugin, Reach(plugin.parameters, slot.place, slot.ids), guest)

    def _care(self, guest: bool, number: int) -> contextlib.AbstractContextManager[None]:
        """Let others know while a guest is loaded or prepared, lest it never returns."""
        return self._rack.watch.care(number) if guest else contextlib.nullcontext()

    def _complain(self, slot: Slot, error: PluginError) -> None:
        self._problems[slot.uid] = error
        log_story(error)

    def _reload(self, uid: str, slot: Slot) -> None:
        """Put a new version in the place of the old one, which stays if the new one is no good."""
        self._slots[uid] = slot
        node = self._node(uid)
        if node is None:  # it could not be loaded before
            self.arrange(list(self._slots.values()))
        elif (occupant := self._load(slot)) is not None:
            self._problems.pop(uid, None)
            self._succeed(node, occupant)

    def _succeed(self, node: Node, occupant: Occupant) -> None:
        with self.lock:
            sample_rate, max_block = self._format
            try:
                with self._care(occupant.guest, node.number):
                    occupant.plugin.prepare(sample_rate, max_block)
            except BaseException as error:  # noqa: BLE001 - a guest may raise anything
                fault = Fault("error", "refused", error, "prepare")
                self._problems[node.uid] = fault_story(fault, self._slots[node.uid].plugin)
                log_story(self._problems[node.uid])
                return
            occupant.reach.prepare(sample_rate)
            if node.out:  # nobody hears it: no need to fade
                node.occupant, node.fault, node.out = occupant, None, False
                return
            node.successor = occupant
        _wait(lambda: node.successor is not occupant)
        if node.successor is occupant:  # nobody calls the rack
            node.occupant, node.successor = occupant, None

    def _move(self, node: Node, slot: Slot) -> None:
        """Let a plugin find its values elsewhere in the vector."""
        plugin = node.occupant.plugin
        reach = Reach(plugin.parameters, slot.place, slot.ids)
        reach.prepare(self._format[0])
        node.occupant = Occupant(plugin, reach, node.occupant.guest)
        node.number = slot.place + 1

    def _report(self) -> None:
        reports = tuple(self._report_of(slot) for slot in self._slots.values())
        if reports != self.reports:
            self.reports = reports
            self.revision += 1

    def _report_of(self, slot: Slot) -> SlotReport:
        node, problem = self._node(slot.uid), self._problems.get(slot.uid)
        plugin = None if node is None else node.occupant.plugin
        return SlotReport(
            slot.uid, slot.plugin,
            title="" if plugin is None else plugin.name,
            table=None if plugin is None else plugin.parameters,
            problem="" if problem is None else str(problem),
            traceback="" if problem is None else problem.traceback,
        )  # fmt: skip


def _placed(nodes: Sequence[Node]) -> list[Node]:
    """What is in the rack by somebody's wish."""
    return [node for node in nodes if not isinstance(node, Tail)]


def _resting(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What need not fade: the longest parts that keep their order."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return [
        uid for block in matcher.get_matching_blocks() for uid in before[block.a :][: block.size]
    ]


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FADE_LIMIT
    while not done() and time.monotonic() < deadline:
        time.sleep(0.005)


def _file_of(plugin: str) -> Path | None:
    return None if plugin in BUILT_IN else plugin_folder() / f"{plugin}.py"


def _time_of(path: Path | None) -> float:
    """When a file was last written; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns / 1e9 if path is not None else 0.0
    except OSError:
        return 0.0
