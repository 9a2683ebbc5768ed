"""Splitter between the pad and the pictures."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QWidget
from typing_extensions import override

from .. import theme

SHARE = 0.45
"""Of the width that the left side has at first."""

_STEP = 0.02  # of the width, for a stroke of an arrow key
_GRIP = 24  # px


class Divided(QSplitter):
    """Splitter of two sides that keep their shares when the window's size changes.

    Signals
    -------
    divided : float
        The left side's share, 0 to 1, after a hand has changed it.
    """

    divided = Signal(float)

    def __init__(self, left: QWidget, right: QWidget, share: float = SHARE) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.addWidget(left)
        self.addWidget(right)
        self.setHandleWidth(theme.GAP)
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(lambda: self.divided.emit(self.share))
        theme.name(self, "Pad and pictures")
        self.divide(share)

    @property
    def share(self) -> float:
        """Share of the left side in the width, 0 to 1."""
        left, right = self.sizes()
        return left / max(left + right, 1)

    def divide(self, share: float) -> None:
        """Give the left side a share of the width; both keep what they need at least."""
        width = max(self.width(), 1000)  # before it is shown there is none yet
        self.setSizes([round(share * width), round((1.0 - share) * width)])

    def divide_by_hand(self, share: float) -> None:
        """As :meth:`divide`, and tell."""
        self.divide(share)
        self.divided.emit(self.share)

    @override
    def createHandle(self) -> QSplitterHandle:
        return _Handle(self)


class _Handle(QSplitterHandle):
    """Handle: drag it, double-click it for the default, or Tab to it and use the arrow keys."""

    def __init__(self, owner: Divided) -> None:
        super().__init__(Qt.Orientation.Horizontal, owner)
        self._owner = owner
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Drag: more room for the pad or for the pictures\nDouble-click: as it was")
        theme.name(self, "Edge between the pad and the pictures", "Arrow keys move it")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._owner.divide_by_hand(SHARE)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -_STEP, Qt.Key.Key_Right: _STEP}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._owner.divide_by_hand(self._owner.share + step)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not (self.underMouse() or self.hasFocus()):
            return
        painter = QPainter(self)
        middle = self.rect().center()
        painter.fillRect(
            middle.x(), middle.y() - _GRIP, 2, 2 * _GRIP, theme.colour(theme.ACCENT, 0.8)
        )
