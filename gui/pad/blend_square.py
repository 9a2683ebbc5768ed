"""A square with a sound at each corner, and a point between them to drag."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from typing_extensions import override

from .. import theme
from ..plots.canvas import Canvas

CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
"""Places of the corners, from the lower left: across, and up."""

PLACES = ("lower left", "lower right", "upper left", "upper right")
"""What the corners are called."""

_MARGIN, _RADIUS, _STEP = 22.0, 9.0, 0.02


class BlendSquare(Canvas):
    """Where the point lies says how much of each corner's sound is heard.

    Attributes
    ----------
    across, up : float
        The point, 0 to 1, from the lower left.

    Signals
    -------
    gesture_began, gesture_ended
    moved
        x and y, within a gesture.
    nudged
        x and y, by a key.
    """

    gesture_began = Signal()
    gesture_ended = Signal()
    moved = Signal(float, float)
    nudged = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.across, self.up = 0.5, 0.5
        self._names = ["", "", "", ""]
        self._held = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(160)
        self.setMaximumHeight(300)
        theme.name(self, "Blend", "Drag, or use the arrow keys, between the corners' sounds")

    @override
    def sizeHint(self) -> QSize:
        return QSize(270, 270)

    @property
    def area(self) -> QRectF:
        """The square, px."""
        inside = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        side = min(inside.width(), inside.height())
        return QRectF(inside.center().x() - side / 2, inside.top(), side, side)

    def set_names(self, names: list[str]) -> None:
        """Show the corners' names in the order of :data:`CORNERS`; "" for an empty one."""
        self._names = names
        self.refresh()

    def point(self, x: float, y: float) -> QPointF:
        """Place of a blend on the widget."""
        area = self.area
        return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())

    @override
    def paint_still(self, painter: QPainter) -> None:
        area = self.area
        painter.fillRect(area, theme.colour(theme.WELL))
        painter.setPen(theme.colour(theme.GRID))
        for share in (0.25, 0.5, 0.75):
            painter.drawLine(self.point(share, 0.0), self.point(share, 1.0))
            painter.drawLine(self.point(0.0, share), self.point(1.0, share))
        painter.setPen(theme.colour(theme.LINE))
        painter.drawRect(area)
        flags = Qt.AlignmentFlag
        for (x, y), name in zip(CORNERS, self._names, strict=True):
            painter.setPen(theme.colour(theme.TEXT if name else theme.DIM))
            line = QRectF(area.left(), 0.0, area.width() / 2 - 4, _MARGIN - 2)
            line.moveTop(area.bottom() + 2 if y == 0.0 else area.top() - _MARGIN)
            if x == 1.0:
                line.moveRight(area.right())
            side = flags.AlignLeft if x == 0.0 else flags.AlignRight
            text = painter.fontMetrics().elidedText(
                name or "empty", Qt.TextElideMode.ElideRight, int(line.width())
            )
            painter.drawText(line, side | flags.AlignVCenter, text)

    @override
    def paint_moving(self, painter: QPainter) -> None:
        here = self.point(self.across, self.up)
        for corner, name in zip(CORNERS, self._names, strict=True):
            if name:
                painter.setPen(QPen(theme.colour(theme.ACCENT, 0.35), 1.0))
                painter.drawLine(here, self.point(*corner))
        painter.setPen(QPen(theme.colour(theme.TEXT if self.hasFocus() else theme.ACCENT), 1.5))
        painter.setBrush(theme.colour(theme.ACCENT, 1.0 if self._held else 0.7))
        painter.drawEllipse(here, _RADIUS, _RADIUS)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = True
            self.gesture_began.emit()
            self._move_to(event.position())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._move_to(event.position())

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._held:
            self._held = False
            self.gesture_ended.emit()
            self.update()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        steps = {keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0), keys.Key_Down: (0, -1),
                 keys.Key_Up: (0, 1)}  # fmt: skip
        step = steps.get(keys(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self._put(self.across + _STEP * step[0], self.up + _STEP * step[1])
        self.nudged.emit(self.across, self.up)

    def _move_to(self, place: QPointF) -> None:
        area = self.area
        self._put(
            (place.x() - area.left()) / area.width(), (area.bottom() - place.y()) / area.height()
        )
        self.moved.emit(self.across, self.up)

    def _put(self, x: float, y: float) -> None:
        self.across, self.up = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        self.update()
