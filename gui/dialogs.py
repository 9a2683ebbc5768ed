"""Question after a change of the sound device, and the tour."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QWidget
from typing_extensions import override

from . import theme
from .widgets.parts import column, row

SECONDS = 10
"""Time to answer whether new sound settings stay; silence means that they did not work."""


class ConfirmBar(QFrame):
    """Strip over the status line that asks whether new sound settings stay.

    Hidden until :meth:`ask`. Without an answer in time the old settings come back.

    Signals
    -------
    kept
    refused
        By the button, or because there was no answer in time.
    """

    kept = Signal()
    refused = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._left, self._what = 0, ""
        self.text, self.keep, self.back = theme.title(), QPushButton("Keep"), QPushButton("Go back")
        theme.name(self.keep, "Keep the sound settings")
        theme.name(self.back, "Go back to the sound settings before")
        self.keep.clicked.connect(lambda: self._answer(self.kept))
        self.back.clicked.connect(self.take_escape)
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self._count)
        layout = column(row((self.text, 1), self.keep, self.back), inside=self)
        layout.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        self.hide()

    def ask(self, what: str) -> None:
        """Ask anew, for example "Sound goes to hw:0"."""
        self._what, self._left = what, SECONDS + 1
        self._count()
        self.show()
        self._timer.start()

    def take_escape(self) -> bool:
        """Go back to the settings before."""
        self._answer(self.refused)
        return True

    def _count(self) -> None:
        self._left -= 1
        self.text.setText(f"{self._what}. Keep these settings? Back in {self._left} s")
        if self._left <= 0:
            self._answer(self.refused)

    def _answer(self, signal: SignalInstance) -> None:
        self._timer.stop()
        self.hide()
        signal.emit()


_WIDTH = 320
_MARGIN = 14


class Tour(QFrame):
    """Card of the first start over the desk: five notes, each beside what it tells of.

    Parameters
    ----------
    window : QWidget
    steps : sequence of (QWidget, str, str)
        What a step shows, its title, and what it says.

    Signals
    -------
    ended
        After the last step, or when it was closed.
    """

    ended = Signal()

    def __init__(self, window: QWidget, steps: Sequence[tuple[QWidget, str, str]]) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self.setFixedWidth(_WIDTH)
        self._window, self._steps, self.step = window, steps, 0
        self._ring = QFrame(window)  # around the widget of a step
        self._ring.setObjectName("ring")
        self._ring.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title, self.text, self.count = theme.title(), QLabel(wordWrap=True), theme.note()
        self.next, self.close_ = QPushButton("Next"), QPushButton("Close")
        self.next.clicked.connect(self.go_on)
        self.close_.clicked.connect(self.end)
        theme.name(self, "Tour")
        buttons = row((self.count, 1), self.close_, self.next)
        layout = column(self.title, self.text, buttons, inside=self)
        layout.setContentsMargins(_MARGIN, 10, _MARGIN, 10)
        self.hide()
        self._ring.hide()

    def start(self) -> None:
        """Begin with the first step."""
        self.step = -1
        self.go_on()

    def go_on(self) -> None:
        """Show the next step, or end after the last."""
        self.step += 1
        if self.step < len(self._steps):
            self._show()
        else:
            self.end()

    def end(self) -> None:
        """Close it."""
        self.hide()
        self._ring.hide()
        self.ended.emit()

    def take_escape(self) -> bool:
        """Close it."""
        self.end()
        return True

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the desk's keys stay the desk's

    def _show(self) -> None:
        target, title, text = self._steps[self.step]
        self.title.setText(title)
        self.text.setText(text)
        theme.name(self, f"Tour: {title}", text)
        self.count.setText(f"{self.step + 1} of {len(self._steps)}")
        self.next.setText("Next" if self.step < len(self._steps) - 1 else "Done")
        self.text.setFixedHeight(self.text.heightForWidth(_WIDTH - 2 * _MARGIN))
        self.adjustSize()
        corner = target.mapTo(self._window, QPoint(0, 0))
        self._ring.setGeometry(target.rect().translated(corner).adjusted(-3, -3, 3, 3))
        self.move(self._beside(corner, target))
        for widget in (self._ring, self):
            widget.show()
            widget.raise_()
        self.next.setFocus()

    def _beside(self, corner: QPoint, target: QWidget) -> QPoint:
        """Place beside `target`, or above or below one that is as wide as the desk."""
        room = self._window.size() - self.size()
        right, left = corner.x() + target.width() + _MARGIN, corner.x() - self.width() - _MARGIN
        x, y = right if right <= room.width() else left, corner.y() + _MARGIN
        if x < 0:
            x, above = corner.x() + _MARGIN, corner.y() - self.height() - _MARGIN
            y = above if above >= 0 else corner.y() + target.height() + _MARGIN
        return QPoint(min(max(x, 0), room.width()), min(max(y, 0), room.height()))
