"""Undo and redo: one step per gesture; and sounds to go back to, A and B and eight snapshots."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from mesosynth.session import Session
from mesosynth.session.layer_mixer import LayerMixer
from mesosynth.session.presets import Snapshot

from .desk import Desk

# --------------------------------------------------------------------------------------------------
# Steps of undo, and their form in the autosave, which outlives the window.


Sound = Mapping[str, float] | Snapshot
"""Parameters that moved, or the whole sound where the rack changed too."""

KEPT = 50
"""Steps back that outlive the window."""


class Step(QUndoCommand):
    """Step from one sound to another.

    Parameters
    ----------
    text : str
        What the menu calls it.
    before, after : Sound
    go : callable
        Called with a sound that shall be heard again.
    """

    def __init__(
        self, text: str, before: Sound, after: Sound, go: Callable[[Sound], object]
    ) -> None:
        super().__init__(text)
        self.before, self.after, self._go = before, after, go

    def undo(self) -> None:
        """Go back."""
        self._go(self.before)

    def redo(self) -> None:
        """Go there again."""
        self._go(self.after)


class ReversibleStep(QUndoCommand):
    """Step that is no change of the sound, such as one of a file; it ends with the window."""

    def __init__(self, text: str, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        super().__init__(text)
        self._undo, self._redo = undo, redo

    def undo(self) -> None:
        """Take it back."""
        self._undo()

    def redo(self) -> None:
        """Do it again."""
        self._redo()


class _Kept(msgspec.Struct, frozen=True):
    """A step in a file; either the values or the snapshots are there."""

    text: str
    values: tuple[dict[str, float], dict[str, float]] | None = None
    snapshots: tuple[Snapshot, Snapshot] | None = None


class _Undo(msgspec.Struct, frozen=True):
    """All steps in a file, and how many of them are done."""

    done: int = 0
    steps: list[_Kept] = []


def keep(stack: QUndoStack) -> dict[str, Any]:
    """Last steps of the sound as plain data."""
    first = max(0, stack.index() - KEPT)
    back, ahead = (
        [_kept(step) for place in span if isinstance(step := stack.command(place), Step)]
        for span in (range(first, stack.index()), range(stack.index(), stack.count()))
    )
    return msgspec.to_builtins(_Undo(len(back), [*back, *ahead]))


def restored(kept: object, go: Callable[[Sound], object]) -> tuple[list[Step], int]:
    """Steps that :func:`keep` gave, and how many of them are done.

    Parameters
    ----------
    kept : object
        Data of another kind gives no steps.
    go : callable
        See :class:`Step`.
    """
    try:
        undo = msgspec.convert(kept, _Undo)
    except msgspec.ValidationError:
        return [], 0
    steps = [
        Step(each.text, *pair, go)
        for each in undo.steps
        if (pair := each.values or each.snapshots) is not None
    ]
    return steps, min(max(undo.done, 0), len(steps))


def _kept(step: Step) -> _Kept:
    if isinstance(step.before, Snapshot) and isinstance(step.after, Snapshot):
        return _Kept(step.text(), snapshots=(step.before, step.after))
    assert not isinstance(step.before, Snapshot)
    assert not isinstance(step.after, Snapshot)
    return _Kept(step.text(), values=(dict(step.before), dict(step.after)))


# --------------------------------------------------------------------------------------------------
# Undo and redo: one step per gesture, per change of the rack, per preset and per match.


PAUSE_MS = 600
"""Notches of a wheel and key strokes closer together than this make one step, ms."""


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
        self._driven_layers: Step | None = None  # which a match with layers still extends
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
        """Move parameters by a notch; notches in quick succession make one step.

        Parameters
        ----------
        values : mapping
            By parameter id, in the table's units.
        text : str
            The menu will call the step "Undo `text`".
        """
        self.nudging(text, lambda: self.change(values))

    def nudging(self, text: str, move: Callable[[], object]) -> None:
        """Let `move` change the sound by a notch, as :meth:`nudge` does.

        Parameters
        ----------
        text : str
            As for :meth:`nudge`.
        move : callable
            Changes the sound.
        """
        if self._before is None or self._text != text:
            self.begin(text)
        move()
        self._pause.start()

    def set_at_once(self, values: Mapping[str, float], text: str) -> None:
        """Move parameters in a step of its own.

        Parameters
        ----------
        values : mapping
            By parameter id, in the table's units.
        text : str
            The menu will call the step "Undo `text`".
        """
        self.begin(text)
        self.change(values)
        self.end()

    def step(self, text: str, request: Callable[[Session], object]) -> None:
        """Ask the session for a change of the sound in a step of its own.

        Parameters
        ----------
        text : str
            The menu will call the step "Undo `text`".
        request : callable
            As :meth:`Desk.ask` takes it.
        """
        self.begin(text)
        self._desk.ask(request)
        self.end()

    def recall(self, snapshot: Snapshot, text: str) -> None:
        """Change to another sound in a step of its own.

        Parameters
        ----------
        snapshot : Snapshot
        text : str
            Name of the step.
        """
        self.begin(text)
        self._recall(snapshot)
        self.end()

    def did(self, text: str, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        """Make a step of something that was just done, and that is no change of the sound.

        Parameters
        ----------
        text : str
            The menu will call the step "Undo `text`".
        undo, redo : callable
            Take it back, and do it again.
        """
        self.end()
        self._still = True
        self.stack.push(ReversibleStep(text, self._unless_still(undo), self._unless_still(redo)))
        self._still = False

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
        """The last steps as plain data, for :meth:`restore` in another window."""
        return keep(self.stack)

    def restore(self, kept: object) -> None:
        """Take over what :meth:`kept` gave of a sound that plays again; nothing from elsewhere."""
        steps, done = restored(kept, self._go)
        self.stack.clear()
        self._still = True
        for step in steps:
            self.stack.push(step)
        self.stack.setIndex(done)
        self._still = False

    def _record(self, text: str, before: Sound, after: Sound) -> Step:
        """Put a step on the stack; Qt does it once more then, but the hand was first."""
        step = Step(text, before, after, self._go)
        self._still = True
        self.stack.push(step)
        self._still = False
        return step

    def _unless_still(self, do: Callable[[], object]) -> Callable[[], object]:
        return lambda: None if self._still else do()

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
        changed = [id_ for id_ in after.values if after.values[id_] != before.values.get(id_)]
        if changed:
            old = {id_: before.values[id_] for id_ in changed}
            new = {id_: after.values[id_] for id_ in changed}
            self._record(text, old, new)

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
        changed = [
            id_ for id_ in self._driven
            if id_ in before.values and before.values[id_] != after.values.get(id_)
        ]  # fmt: skip
        if changed and before.same_rack(after):
            old = {id_: before.values[id_] for id_ in changed}
            new = {id_: after.values[id_] for id_ in changed}
            self._record("match", old, new)
        elif changed and before.instrument == after.instrument:  # effects were bypassed
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


# --------------------------------------------------------------------------------------------------
# A and B to compare, and eight snapshots.


SLOTS = 8
"""Number of snapshots."""


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
