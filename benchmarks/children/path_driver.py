"""Hand that turns a knob of the real program, or drops a sound on it and matches it.

:mod:`benchmarks.structure` starts it with the packages of a checkout and one word: knob, drop or
learn. It runs ``mesosynth`` as its command does, on the silent clock, and sends the window the
events that a mouse sends.
"""

import math
import os
import runpy
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from benchmarks.children import path_tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KNOB = "am_depth"
"""A parameter that reaches the sample loop as the number that the knob says."""

DROPPED_AT = "dropped_at"
"""The file that tells when the sound was dropped, in :func:`time.time`'s seconds."""

START_MS = 12000  # until sound and matcher run
PULL_PX = 37


class Hand:
    """Acts one step after another; each step is a delay in milliseconds and what to do then."""

    def __init__(self, what: str) -> None:
        self._control = path_tracer.Control(
            Path(os.environ[path_tracer.FOLDER]) / path_tracer.CONTROL
        )
        self._what = what
        plans: dict[str, Sequence[tuple[int, Callable[[], object]]]] = {
            "knob": [
                (START_MS, self._default), (500, self._turn), (500, self._default),
                (1500, self._arm), (300, self._turn), (1500, self._disarm), (100, self._quit),
            ],
            "drop": [
                (START_MS, self._rest), (1500, self._arm), (1500, self._drop),
                (3000, self._match), (100, self._wait), (100, self._disarm), (100, self._quit),
            ],
            "learn": [
                (START_MS, self._rest), (3000, self._drop), (3000, self._match),
                (100, self._wait), (100, self._disarm), (100, self._quit),
            ],
        }  # fmt: skip
        self._steps = list(plans[what])
        self._value = math.nan
        self._patience = 300  # looks at the pad
        if what == "drop":
            self._value = float(os.environ[path_tracer.LEARNT])
        if what == "learn":
            self._control.arm(path_tracer.LEARN)

    def begin(self) -> None:
        """Start with the first step."""
        self._next()

    def _next(self) -> None:
        if self._steps:
            delay, act = self._steps.pop(0)
            QTimer.singleShot(delay, lambda: (act(), self._next()))

    def _arm(self) -> None:
        self._control.arm(path_tracer.RECORD, self._value)

    def _disarm(self) -> None:
        self._control.arm(path_tracer.OFF, self._value)

    def _wait(self) -> None:
        """Come again until theta is on the pad."""
        if not self._control.arrived and self._patience > 0:
            self._patience -= 1
            self._steps.insert(0, (500, self._wait))

    def _quit(self) -> None:
        window().close()
        QApplication.exit(0)

    # ------------------------------------------------------------------ the knob

    def _default(self) -> None:
        send_mouse(knob(), QEvent.Type.MouseButtonDblClick, QPointF(0.0, 0.0))
        send_mouse(knob(), QEvent.Type.MouseButtonRelease, QPointF(0.0, 0.0))

    def _turn(self) -> None:
        way = QPointF(0.0, float(PULL_PX if knob().parameter.default > 0.5 else -PULL_PX))
        send_mouse(knob(), QEvent.Type.MouseButtonPress, QPointF(0.0, 0.0))
        send_mouse(knob(), QEvent.Type.MouseMove, way)
        send_mouse(knob(), QEvent.Type.MouseButtonRelease, way)
        self._value = float(knob().value)

    # ------------------------------------------------------------------ the sound

    def _drop(self) -> None:
        if self._what == "learn":
            self._control.arm(path_tracer.LEARN)
            (Path(os.environ[path_tracer.FOLDER]) / DROPPED_AT).write_text(repr(time.time()))
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(os.environ[path_tracer.DROPPED])])
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        copy = Qt.DropAction.CopyAction
        target = window()
        QApplication.sendEvent(target, QDragEnterEvent(QPoint(50, 50), copy, mime, left, none))
        QApplication.sendEvent(target, QDropEvent(QPointF(50, 50), copy, mime, left, none))

    def _rest(self) -> None:
        """End the match of the sound that the program begins with."""
        if match_action().isChecked():
            match_action().trigger()

    def _match(self) -> None:
        """Press M, unless the drop has started a match already."""
        if not match_action().isChecked():
            match_action().trigger()


def window() -> QMainWindow:
    """The program's window."""
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow))


def match_action() -> QAction:
    """The action of the key M."""
    return next(a for a in window().findChildren(QAction) if a.shortcut().toString() == "M")


def knob() -> Any:  # noqa: ANN401 - the class of another commit
    """The knob of :data:`KNOB`."""
    return next(
        widget for widget in QApplication.allWidgets()
        if type(widget).__name__ == "Knob"
        and getattr(getattr(widget, "parameter", None), "id", "") == KNOB
    )  # fmt: skip


def send_mouse(widget: QWidget, kind: QEvent.Type, way: QPointF) -> None:
    """Send a mouse event, `way` from the widget's middle."""
    spot = QPointF(widget.rect().center()) + way
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    event = QMouseEvent(
        kind, spot, widget.mapToGlobal(spot), button, held, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)


def main() -> None:
    """Run the program with a hand at its window."""
    hand = Hand(sys.argv[1])
    run = QApplication.exec

    def execute(*_: object) -> int:
        QTimer.singleShot(0, hand.begin)
        return run()

    QApplication.exec = execute  # type: ignore[method-assign]
    sys.argv = ["mesosynth", "--device", "silent"]
    runpy.run_module("mesosynth", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
