"""Undo and redo of parameters: one step per gesture, per preset and per match."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QUndoCommand, QUndoStack

from gui.bridge import Bridge

PAUSE_MS = 600
"""Notches of a wheel and key strokes closer together than this make one step, ms."""


class History(QObject):
    """Every move of a parameter by hand passes here on its way to the bridge.

    A drag calls :meth:`begin`, many times :meth:`change`, and :meth:`end`; wheels and keys, which
    have no end of their own, call :meth:`nudge`.
    """

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge)
        self.stack = QUndoStack(self)
        self._bridge = bridge
        self._text = ""
        self._before: dict[str, float] | None = None
        self._shown = dict(bridge.values)
        self._before_match: dict[str, float] | None = None
        self._driven: set[str] = set()
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.end)
        bridge.parameters_changed.connect(self._on_parameters)
        bridge.match_started.connect(self._on_match_started)
        bridge.match_ended.connect(self._on_match_ended)

    def begin(self, text: str) -> None:
        """Start a step that the menu will call "Undo `text`"."""
        self.end()
        self._text = text
        self._before = dict(self._bridge.values)

    def change(self, values: Mapping[str, float]) -> None:
        """Move parameters within the step."""
        self._bridge.set_parameters(values)

    def end(self) -> None:
        """Close the step; one that changed nothing leaves no trace."""
        self._pause.stop()
        if self._before is not None:
            before, self._before = self._before, None
            self._push(self._text, before, self._bridge.values)

    def nudge(self, values: Mapping[str, float], text: str) -> None:
        """Move parameters by a notch; notches in quick succession make one step."""
        if self._before is None or self._text != text:
            self.begin(text)
        self.change(values)
        self._pause.start()

    def set_at_once(self, values: Mapping[str, float], text: str) -> None:
        """Move parameters in a step of its own."""
        self.begin(text)
        self.change(values)
        self.end()

    def undo(self) -> None:
        """Go one step back."""
        self.end()
        self.stack.undo()

    def redo(self) -> None:
        """Go one step forward again."""
        self.end()
        self.stack.redo()

    def _push(self, text: str, before: Mapping[str, float], after: Mapping[str, float]) -> None:
        changed = [id_ for id_ in after if after[id_] != before.get(id_)]
        if changed:
            self.stack.push(
                _Step(
                    self._bridge,
                    text,
                    {id_: before[id_] for id_ in changed},
                    {id_: after[id_] for id_ in changed},
                )
            )

    def _on_parameters(self, values: dict[str, float], source: str) -> None:
        if source == "preset":
            self.end()
            self._push("preset", self._shown, values)
        elif source == "match":
            self._driven |= {id_ for id_ in values if values[id_] != self._shown.get(id_)}
        self._shown = dict(values)

    def _on_match_started(self) -> None:
        self._before_match = dict(self._bridge.values)
        self._driven.clear()

    def _on_match_ended(self, _result: object) -> None:
        if self._before_match is not None and self._before is None:
            driven = {id_: self._before_match[id_] for id_ in self._driven}
            self._push("match", {**self._bridge.values, **driven}, self._bridge.values)
        self._before_match = None


class _Step(QUndoCommand):
    def __init__(
        self, bridge: Bridge, text: str, before: dict[str, float], after: dict[str, float]
    ) -> None:
        super().__init__(text)
        self._bridge = bridge
        self._before = before
        self._after = after
        self._done = True  # Qt calls redo() when a command is pushed, but the hand was first

    def undo(self) -> None:
        self._bridge.set_parameters(self._before)

    def redo(self) -> None:
        if self._done:
            self._done = False
        else:
            self._bridge.set_parameters(self._after)
