"""Picture: a titled image on axes to zoom and to read, with a hint while it is empty."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from .. import theme
from . import canvas as plot_painting
from .axes import Axis, SharedAxes
from .canvas import Canvas
from .colour_bar import indexed_image

_GAP = 10  # px between pictures
_BARE = 5  # px at the left of a picture whose vertical axis its neighbour has
_ROOMY = 9.0  # lines of text: lower pictures go without the label of the horizontal axis
_ZOOM = 0.8  # share of the axis that stays in sight after a notch of the wheel

Readout = Callable[[int, int, float, float], str]
"""What to say of the number in a row and a column of a picture, at x and y."""


class Pictures(QWidget):
    """A row of pictures of equal width; the first one has the vertical axis."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(200, 60)
        self._pictures: list[Picture] = []

    def add(self, picture: "Picture") -> None:
        """Put a picture at the right end."""
        picture.setParent(self)
        picture.show()
        self._pictures.append(picture)
        self._place()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        count = len(self._pictures)
        margins = round(plot_painting.left_margin()) + (count - 1) * (_BARE + _GAP)
        width = max((self.width() - margins) / max(count, 1), 20.0)
        left = 0.0
        for picture in self._pictures:
            right = left + picture.margin + width
            picture.setGeometry(QRect(round(left), 0, round(right) - round(left), self.height()))
            left = right + _GAP


class Picture(Canvas):
    """One picture of a row: the wheel zooms, a drag moves what is in sight, a double-click resets.

    Parameters
    ----------
    title, hint : str
    axes : SharedAxes
    colours : str
        A map of :mod:`gui.plots.colour_bar`.
    levels : (float, float)
        Values at the map's two ends.
    first : bool
        Whether it shows the vertical axis.
    readout : callable
        What to say of the pixel under the mouse.
    """

    def __init__(
        self,
        title: str,
        hint: str,
        axes: SharedAxes,
        colours: str,
        levels: tuple[float, float],
        first: bool,
        readout: Readout,
    ) -> None:
        super().__init__()
        self.axes = axes
        self._title, self._hint, self._colours, self._first = title, hint, colours, first
        self._levels, self._readout = levels, readout
        self.numbers: NDArray[np.float32] | None = None
        self._box = (0.0, 0.0, 1.0, 1.0)
        self._image = QImage()
        self._middle: float | None = None
        self._playhead: float | None = None
        self._mouse: QPointF | None = None
        self._drag: QPointF | None = None
        self.setMouseTracking(True)
        self.setToolTip("Wheel: zoom (Shift: sideways)\nDrag: move\nDouble-click: show everything")
        self.setToolTipDuration(3000)
        theme.name(self, title)
        axes.changed.connect(self.refresh)

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, 160)

    @property
    def margin(self) -> int:
        """Room at the left of the image, px."""
        return round(plot_painting.left_margin()) if self._first else _BARE

    @property
    def area(self) -> QRectF:
        """Rectangle of the image, px."""
        top, bottom = plot_painting.title_margin(), plot_painting.bottom_margin(self._roomy)
        height = max(self.height() - top - bottom, 1.0)
        return QRectF(self.margin, top, max(self.width() - self.margin - 1.0, 1.0), height)

    @property
    def _roomy(self) -> bool:
        """Whether there is room for the label of the horizontal axis."""
        return self.height() >= _ROOMY * plot_painting.em()

    @property
    def shown(self) -> bool:
        """Whether there is a picture."""
        return self.numbers is not None

    @property
    def title(self) -> str:
        """Title over the picture."""
        return self._title

    @title.setter
    def title(self, text: str) -> None:
        self._title = text
        self.refresh()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Values at the left, the bottom, the right and the top of the image."""
        return self._box

    def set_numbers(
        self, numbers: NDArray[np.float32] | None, box: tuple[float, float, float, float]
    ) -> None:
        """Show numbers; None shows the hint.

        Parameters
        ----------
        numbers : (rows, columns) float32 or None
            The first row is the bottom.
        box : tuple of float
            See :attr:`box`.
        """
        self.numbers, self._box = numbers, box
        self._colour()

    def set_levels(self, levels: tuple[float, float]) -> None:
        """Set the levels at the ends of the colour map, dB."""
        self._levels = levels
        self._colour()

    def set_middle(self, x: float | None) -> None:
        """Draw a vertical line through the image."""
        self._middle = x

    def set_playhead(self, x: float | None) -> None:
        """Move the playhead; only the strips that change are painted again."""
        if x == self._playhead:
            return
        for place in (self._playhead, x):
            if place is not None:
                at = round(self._point(place, self.axes.y.low).x())
                self.update(QRect(at - 2, 0, 5, self.height()))
        self._playhead = x

    @override
    def paint_still(self, painter: QPainter) -> None:
        area = self.area
        plot_painting.paint_title(painter, area, self._title)
        plot_painting.paint_ground(painter, area)
        plot_painting.paint_x_axis(painter, area, self.axes.x, written=self._roomy)
        plot_painting.paint_y_axis(painter, area, self.axes.y, written=self._first)
        if self.numbers is None:
            plot_painting.paint_hint(painter, area, self._hint)
            return
        painter.save()
        painter.setClipRect(area)
        left, bottom, right, top = self._box
        painter.drawImage(QRectF(self._point(left, top), self._point(right, bottom)), self._image)
        if self._middle is not None:
            x = self._point(self._middle, self.axes.y.low).x()
            painter.setPen(QPen(theme.colour("#8b95a5", 0.8)))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.restore()

    @override
    def paint_moving(self, painter: QPainter) -> None:
        area = self.area
        if self._playhead is not None and self.shown:
            x = self._point(self._playhead, self.axes.y.low).x()
            if area.left() <= x <= area.right():
                painter.setPen(QPen(QColor(theme.ACCENT)))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if self._mouse is not None and self._drag is None:
            text = self.text_at(self._mouse)
            if text:
                plot_painting.paint_readout(painter, area, self._mouse, text)

    def text_at(self, spot: QPointF) -> str:
        """Values at a pixel of the widget; "" outside the image."""
        if self.numbers is None or not self.area.contains(spot):
            return ""
        x, y = self._values(spot)
        left, bottom, right, top = self._box
        across = Axis(left, right, kind=self.axes.x.kind).share(x)
        up = Axis(bottom, top, kind=self.axes.y.kind).share(y)
        if not (0.0 <= across < 1.0 and 0.0 <= up < 1.0):
            return ""
        rows, columns = self.numbers.shape
        return self._readout(int(up * rows), int(across * columns), x, y)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position()
        if self._drag is not None:
            move = self._mouse - self._drag
            self._drag = self._mouse
            self.axes.pan(-move.x() / self.area.width(), move.y() / self.area.height())
        self.update()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.axes.zoomed:
            self._drag = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.unsetCursor()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.axes.reset()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        factor = _ZOOM ** ((delta.y() or delta.x()) / 120.0)
        spot, area = event.position(), self.area
        x = min(max((spot.x() - area.left()) / area.width(), 0.0), 1.0)
        y = min(max((area.bottom() - spot.y()) / area.height(), 0.0), 1.0)
        sideways = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.axes.zoom(factor if sideways else 1.0, 1.0 if sideways else factor, x, y)
        event.accept()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self.update()

    def _colour(self) -> None:
        if self.numbers is not None:
            self._image = indexed_image(self.numbers, self._levels, self._colours)
        self.refresh()

    def _point(self, x: float, y: float) -> QPointF:
        area, axes = self.area, self.axes
        return QPointF(
            area.left() + axes.x.share(x) * area.width(),
            area.bottom() - axes.y.share(y) * area.height(),
        )

    def _values(self, spot: QPointF) -> tuple[float, float]:
        area = self.area
        return (
            self.axes.x.at((spot.x() - area.left()) / area.width()),
            self.axes.y.at((area.bottom() - spot.y()) / area.height()),
        )
