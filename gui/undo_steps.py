"""Steps of undo, and how they outlive the window: as plain data in the autosave."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from PySide6.QtGui import QUndoCommand, QUndoStack

from mesosynth.session.snapshots import Snapshot

Sound = Mapping[str, float] | Snapshot
"""Parameters that moved, or the whole sound where the rack changed too."""

KEPT = 50
"""Steps back that outlive the window."""


class Step(QUndoCommand):
    """From one sound to another and back.

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


class Deed(QUndoCommand):
    """Something that is no change of the sound, and that only this window can undo."""

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
    """The last steps as plain data; deeds are left out."""
    first = max(0, stack.index() - KEPT)
    back, ahead = (
        [_kept(step) for place in span if isinstance(step := stack.command(place), Step)]
        for span in (range(first, stack.index()), range(stack.index(), stack.count()))
    )
    return msgspec.to_builtins(_Undo(len(back), [*back, *ahead]))


def restored(kept: object, go: Callable[[Sound], object]) -> tuple[list[Step], int]:
    """The steps that :func:`keep` gave, and how many of them are done; none of what is no such."""
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
