"""Blend square: four sounds at its corners, and a point between them to drag."""

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPen
from typing_extensions import override

from .. import theme
from ..pages.blend import CORNERS
from ..plots.axes import Axis
from ..plots.frame import Table
from ..plots.plot import Part, Plot

_WAYS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1),
}  # fmt: skip
_STEP = 0.02
_EDGE = 0.1


class Mix(Part):
    """The point, lines to the corners that have a sound, and their names."""

    def __init__(self, square: "BlendSquare") -> None:
        self._square = square
        super().__init__(square, pg.PlotCurveItem(connect="pairs", antialias=True))
        self._point = pg.ScatterPlotItem(size=18)
        self._names = [pg.TextItem(anchor=(x, y)) for x, y in CORNERS]
        for item in (self._point, *self._names):
            square.box.addItem(item, ignoreBounds=True)
        for name, corner in zip(self._names, CORNERS, strict=True):
            name.setPos(*corner)
        self.dress()

    @override
    def place(self) -> None:
        square = self._square
        here = (square.across, square.up)
        self._point.setData([here[0]], [here[1]])
        kept = [c for c, name in zip(CORNERS, square.names, strict=True) if name]
        ends = [spot for corner in kept for spot in (here, corner)]
        self.item.setData([x for x, _ in ends], [y for _, y in ends])

    @override
    def dress(self) -> None:
        plot = self.plot
        self.item.setPen(QPen(plot.ink("ACCENT", 0.4), 0.0))
        self._point.setBrush(plot.ink("ACCENT"))
        self._point.setPen(pg.mkPen(plot.ink("WELL")))
        for item, name in zip(self._names, self._square.names, strict=True):
            item.setFont(theme.font(9.0))
            item.setText(name or "empty", plot.ink("TEXT" if name else "DIM"))
        self.place()


class BlendSquare(Plot):
    """Square of four sounds; the point's place is the share of each corner.

    Attributes
    ----------
    across, up : float
        The point, 0 to 1, from the lower left.
    names : list of str
        Of the corners, in the order of :data:`CORNERS`; "" for an empty one.

    Signals
    -------
    gesture_began, gesture_ended
    moved
        x and y, within a gesture.
    nudged
        x and y, by a key.
    """

    crossed = False
    gesture_began = Signal()
    gesture_ended = Signal()
    moved = Signal(float, float)
    nudged = Signal(float, float)

    def __init__(self) -> None:
        self.across, self.up = 0.5, 0.5
        self.names = ["", "", "", ""]
        side = Axis(-_EDGE, 1.0 + _EDGE, marks=((-9.0, ""),))
        super().__init__(
            "Blend", side, side, "Drag, or use the arrow keys, between the corners' sounds"
        )
        self.left.numbered = self.bottom.numbered = False
        self.left.fit()
        self.bottom.fit()
        self._mix = Mix(self)
        self.setMinimumSize(160, 160)

    @override
    def sizeHint(self) -> QSize:
        return QSize(270, 270)

    def set_names(self, names: list[str]) -> None:
        """Show the corners' names."""
        self.names = names
        self._mix.dress()

    def point(self, x: float, y: float) -> QPointF:
        """Position of a blend, 0 to 1 from the lower left, px."""
        return self.pixel(x, y)

    @override
    def read(self, x: float, y: float) -> str:
        if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
            return ""
        shares = [(a * x + (1 - a) * (1 - x)) * (b * y + (1 - b) * (1 - y)) for a, b in CORNERS]
        pairs = zip(shares, self.names, strict=True)
        return " · ".join(f"{share:.0%} {name or 'empty'}" for share, name in pairs)

    @override
    def table(self) -> Table:
        rows = [(name, *corner) for name, corner in zip(self.names, CORNERS, strict=True)]
        return Table(("sound", "across", "up"), [*rows, ("blend", self.across, self.up)])

    @override
    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        self.gesture_began.emit()
        self.drag(x, y, event)
        return True

    @override
    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        self._put(x, y)
        self.moved.emit(self.across, self.up)

    @override
    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        self.gesture_ended.emit()

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        step = _WAYS.get(Qt.Key(ev.key()))
        if step is None:
            super().keyPressEvent(ev)
            return
        self._put(self.across + _STEP * step[0], self.up + _STEP * step[1])
        self.nudged.emit(self.across, self.up)

    def _put(self, x: float, y: float) -> None:
        self.across, self.up = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        self._mix.place()
