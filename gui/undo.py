"""Undo and redo: one step per gesture; and sounds to go back to, A and B and eight snapshots."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from mesosynth.session import Session
from mesosynth.session.layer_mixer import LayerMixer
from mesosynth.session.presets import Snapshot

from .desk import Desk

Sound = Mapping[str, float] | Snapshot
"""Parameters that moved, or the whole sound where the rack changed too."""

KEPT = 50
"""Steps back that outlive the window."""

PAUSE_MS = 600
"""Notches of a wheel and key strokes closer together than this make one step, ms."""

SLOTS = 8
"""Number of snapshots."""


class Step(QUndoCommand):
    """Step that is taken back by one function and done again by another."""

    def __init__(self, text: str, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        super().__init__(text)
        self._undo, self._redo = undo, redo

    def undo(self) -> None:
        """Take it back."""
        self._undo()

    def redo(self) -> None:
        """Do it again."""
        self._redo()


class SoundStep(Step):
    """Step from one sound to another; `go` is called with the one that shall be heard again."""

    def __init__(
        self, text: str, before: Sound, after: Sound, go: Callable[[Sound], object]
    ) -> None:
        super().__init__(text, lambda: go(self.before), lambda: go(self.after))
        self.before, self.after = before, after


class _Kept(msgspec.Struct, frozen=True):
    """A step in a file; either the values or the snapshots are there."""

    text: str
    values: tuple[dict[str, float], dict[str, float]] | None = None
    snapshots: tuple[Snapshot, Snapshot] | None = None

    @classmethod
    def of(cls, step: SoundStep) -> "_Kept":
        before, after = step.before, step.after
        if isinstance(before, Snapshot) and isinstance(after, Snapshot):
            return cls(step.text(), snapshots=(before, after))
        assert not isinstance(before, Snapshot)
        assert not isinstance(after, Snapshot)
        return cls(step.text(), values=(dict(before), dict(after)))


class _Undo(msgspec.Struct, frozen=True):
    """All steps in a file, and how many of them are done."""

    done: int = 0
    steps: list[_Kept] = []


class History(QObject):
    """Changes of the sound by hand, as steps to undo.

    A drag calls :meth:`begin`, many times :meth:`change`, and :meth:`end`; wheels and keys, which
    have no end of their own, call :meth:`nudge`; a button calls :meth:`step`.

    Parameters
    ----------
    desk : Desk

    Signals
    -------
    changed
        There is something else to undo or to redo.
    """

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.stack = QUndoStack(self)
        self.stack.indexChanged.connect(self.changed)
        self._desk = desk
        self._still = False
        self._text = ""
        self._before: Snapshot | None = None
        self._shown: Snapshot | None = None
        self._before_match: Snapshot | None = None
        self._before_layers: Snapshot | None = None
        self._driven_layers: SoundStep | None = None  # which a match with layers still extends
        self._driven: set[str] = set()
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.end)
        # A preset changes rack and parameters in one batch of events: the sound before it is
        # forgotten only when both have been told.
        self._look = QTimer(self, singleShot=True, interval=0)
        self._look.timeout.connect(self._take)
        desk.attached.connect(self._attach)

    def begin(self, text: str) -> None:
        """Start a step that the menu will call "Undo `text`"."""
        self.end()
        self._leave_layers()
        self._text = text
        self._before = self._now()

    def change(self, values: Mapping[str, float]) -> None:
        """Move parameters within the step; a hand on theta takes over from the match."""
        match = self._desk.session.match
        if match.drives(values):
            match.follow = False
            self._desk.say("You took over from the match; press F to let it drive again.")
        self._desk.ask(lambda session: session.sound.set(values))

    def end(self) -> None:
        """Close the step; one that changed nothing leaves no trace."""
        self._pause.stop()
        before, self._before = self._before, None
        self._push(self._text, before)
        if before is not None:
            self._take_layers()

    def nudge(self, values: Mapping[str, float], text: str) -> None:
        """Move parameters by a notch; notches in quick succession make one step."""
        self.nudging(text, lambda: self.change(values))

    def nudging(self, text: str, move: Callable[[], object]) -> None:
        """Let `move` change the sound by a notch, as :meth:`nudge` does."""
        if self._before is None or self._text != text:
            self.begin(text)
        move()
        self._pause.start()

    def set_at_once(self, values: Mapping[str, float], text: str) -> None:
        """Move parameters in a step of its own."""
        self.begin(text)
        self.change(values)
        self.end()

    def step(self, text: str, request: Callable[[Session], object]) -> None:
        """Ask the session for a change of the sound, as :meth:`Desk.ask`, in a step of its own."""
        self.begin(text)
        self._desk.ask(request)
        self.end()

    def recall(self, snapshot: Snapshot, text: str) -> None:
        """Change to another sound in a step of its own."""
        self.begin(text)
        self._recall(snapshot)
        self.end()

    def did(self, text: str, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        """Make a step of something that was just done, and that is no change of the sound."""
        self.end()
        self._put(Step(text, undo, redo))

    def await_layers(self) -> None:
        """A match with layers was just started: what it changes is a step, or some."""
        self._leave_layers()
        self._take_layers()

    def undo(self) -> None:
        """Go one step back."""
        self.end()
        self._leave_layers()
        self.stack.undo()
        self._take_layers()

    def redo(self) -> None:
        """Go one step forward again."""
        self.end()
        self.stack.redo()

    def kept(self) -> dict[str, Any]:
        """The last steps of the sound as plain data, for :meth:`restore` in another window."""
        now, steps = self.stack.index(), [*map(self.stack.command, range(self.stack.count()))]
        back, ahead = (
            [_Kept.of(step) for step in span if isinstance(step, SoundStep)]
            for span in (steps[max(0, now - KEPT) : now], steps[now:])
        )
        return msgspec.to_builtins(_Undo(len(back), [*back, *ahead]))

    def restore(self, kept: object) -> None:
        """Take over what :meth:`kept` gave of a sound that plays again; nothing from elsewhere."""
        try:
            undo = msgspec.convert(kept, _Undo)
        except msgspec.ValidationError:
            undo = _Undo()
        self.stack.clear()
        for each in undo.steps:
            if (pair := each.values or each.snapshots) is not None:
                self._put(SoundStep(each.text, *pair, self._go))
        self._still = True
        self.stack.setIndex(min(max(undo.done, 0), self.stack.count()))
        self._still = False

    def _record(self, text: str, before: Sound, after: Sound) -> SoundStep:
        step = SoundStep(text, before, after, self._go)
        self._put(step)
        return step

    def _put(self, step: Step) -> None:
        """Put a step on the stack; Qt does it once more then, but the hand was first."""
        redo, step._redo = step._redo, lambda: None
        self.stack.push(step)
        step._redo = redo

    def _go(self, sound: Sound) -> None:
        if self._still:
            return
        if isinstance(sound, Snapshot):
            self._recall(sound)
        else:
            self.change(sound)

    def _recall(self, snapshot: Snapshot) -> None:
        session = self._desk.session
        if session.layers.running:
            session.match.follow = False  # or the next step would take it back
        self._desk.ask(lambda session: session.presets.recall(snapshot))

    def _push(self, text: str, before: Snapshot | None) -> None:
        after = self._now()
        if before is None:
            return
        if not before.same_rack(after) or before.layers != after.layers:
            self._record(text, before, after)
            return
        self._record_values(text, before, after, after.values)

    def _record_values(
        self, text: str, before: Snapshot, after: Snapshot, ids: Iterable[str]
    ) -> None:
        """Record the change of those parameters that have changed."""
        changed = [id_ for id_ in ids if before.values[id_] != after.values.get(id_)]
        if changed:
            old = {id_: before.values[id_] for id_ in changed}
            self._record(text, old, {id_: after.values[id_] for id_ in changed})

    def _now(self) -> Snapshot:
        return self._desk.session.presets.snapshot()

    @property
    def _mixer(self) -> LayerMixer:
        return self._desk.session.layers.mixer

    # ------------------------------------------------------------------ what the session tells

    def _attach(self, session: Session) -> None:
        self._take()
        session.rack.changed.connect(self._on_rack)
        session.sound.changed.connect(self._on_parameters)
        session.match.started.connect(self._on_match_started)
        session.match.ended.connect(self._on_match_ended)
        session.layers.stepped.connect(self._on_layers_moved)
        session.layers.ended.connect(self._on_layers_ended)

    def _take(self) -> None:
        self._shown = self._now()

    def _on_rack(self) -> None:
        self._look.start()

    def _on_parameters(self, values: dict[str, float], source: str) -> None:
        if values.keys() != self._desk.values.keys():
            return  # of another rack, which is gone
        if source == "preset":
            before = self._shown
            self.end()
            self._push("preset", before)
            self._take()
        elif source == "match" and self._shown is not None:
            shown = self._shown.values
            self._driven |= {id_ for id_ in values if values[id_] != shown.get(id_)}
        if self._shown is not None:  # what the event says: the session may be further already
            self._shown = replace(self._shown, values=dict(values), layers=self._mixer)

    def _on_match_started(self) -> None:
        self._before_match = self._now()
        self._driven.clear()

    def _on_match_ended(self) -> None:
        before, after = self._before_match, self._now()
        self._before_match = None
        if before is None or self._before is not None:
            return
        driven = [id_ for id_ in self._driven if id_ in before.values]
        if before.same_rack(after):
            self._record_values("match", before, after, driven)
        elif before.instrument == after.instrument and any(  # effects were bypassed
            before.values[id_] != after.values.get(id_) for id_ in driven
        ):
            self._record("match", before, after)

    def _on_layers_moved(self) -> None:
        """Make a step of what a match with layers has changed, or of more of it."""
        before, after = self._before_layers, self._now()
        if before is None or self._before is not None:
            return  # what a hand does now has all of it
        if self._driven_layers is not None:
            self._driven_layers.after = after
        elif before != after:
            self._driven_layers = self._record("match with layers", before, after)

    def _on_layers_ended(self) -> None:
        self._leave_layers()
        self._take_layers()

    def _take_layers(self) -> None:
        """Begin a step with what a match with layers changes from here on, if one runs."""
        if self._desk.session.layers.running:
            self._before_layers = self._now()

    def _leave_layers(self) -> None:
        """Close that step."""
        self._on_layers_moved()
        self._before_layers = self._driven_layers = None


class Comparisons(QObject):
    """Two sounds to compare, A and B, and eight snapshots.

    A and B begin as the same sound; to change sides leaves each as it sounded last.

    Parameters
    ----------
    desk : Desk
    history : History
        Each change of the sound is a step of it.

    Attributes
    ----------
    side : str
        "A" or "B", which sounds now.
    slots : list of Snapshot or None

    Signals
    -------
    changed
        The side, or a slot, is another one now.
    """

    changed = Signal()

    def __init__(self, desk: Desk, history: History) -> None:
        super().__init__(history)
        self.side = "A"
        self.slots: list[Snapshot | None] = [None] * SLOTS
        self._other: Snapshot | None = None
        self._desk, self._history = desk, history

    def compare(self) -> None:
        """Change over to the other side."""
        now = self._desk.session.presets.snapshot()
        self.side = "B" if self.side == "A" else "A"
        there, self._other = self._other or now, now
        self._history.recall(there, f"change to {self.side}")
        self._desk.say(f"This is {self.side}; C changes over.")
        self.changed.emit()

    def store(self, slot: int) -> None:
        """Keep the sound in a slot, 0 for the first."""
        self.slots[slot] = self._desk.session.presets.snapshot()
        self._desk.say(f"Snapshot {slot + 1} keeps this sound; press {slot + 1} to recall it.")
        self.changed.emit()

    def recall(self, slot: int) -> None:
        """Go back to the sound of a slot, if it holds one."""
        kept = self.slots[slot]
        if kept is not None:
            self._history.recall(kept, f"snapshot {slot + 1}")
            self._desk.say(f"Snapshot {slot + 1}.")

    def restore(self, slots: list[Snapshot | None]) -> None:
        """Fill the slots, for example from a saved session."""
        self.slots = [*slots, *[None] * SLOTS][:SLOTS]
        self.changed.emit()
