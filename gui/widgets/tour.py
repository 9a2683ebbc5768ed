"""Five short notes at the first start, each beside what it tells of."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from .. import theme

_WIDTH = 320
_MARGIN = 14


class Tour(QFrame):
    """A card over the desk that goes from place to place; the desk stays usable meanwhile.

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
        self._ring = _Ring(window)
        self.title, self.text, self.count = theme.title(), QLabel(), theme.note()
        self.text.setWordWrap(True)
        self.next, self.close_ = QPushButton("Next"), QPushButton("Close")
        self.next.clicked.connect(self.go_on)
        self.close_.clicked.connect(self.end)
        theme.name(self, "Tour")
        row = QHBoxLayout()
        row.addWidget(self.count, 1)
        row.addWidget(self.close_)
        row.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 10, _MARGIN, 10)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addLayout(row)
        self.hide()
        self._ring.hide()

    def start(self) -> None:
        """Begin with the first step."""
        self.step = 0
        self._show()

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
        self._ring.setGeometry(
            corner.x() - 3, corner.y() - 3, target.width() + 6, target.height() + 6
        )
        self.move(self._beside(corner, target))
        for widget in (self._ring, self):
            widget.show()
            widget.raise_()
        self.next.setFocus()

    def _beside(self, corner: QPoint, target: QWidget) -> QPoint:
        """Where it hides little of `target` and stays in the window."""
        room = self._window.size() - self.size()
        right = corner.x() + target.width() + _MARGIN
        x = right if right <= room.width() else corner.x() - self.width() - _MARGIN
        y = corner.y() + _MARGIN
        if x < 0:  # it is as wide as the desk: above or below
            x = corner.x() + _MARGIN
            above, below = (
                corner.y() - self.height() - _MARGIN,
                corner.y() + target.height() + _MARGIN,
            )
            y = above if above >= 0 else below
        return QPoint(min(max(x, 0), room.width()), min(max(y, 0), room.height()))


class _Ring(QWidget):
    """A line around what a step tells of, which lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.ACCENT), 2))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 7, 7)
