"""Blend square: four sounds at its corners, and a point between them to drag."""

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent
from typing_extensions import override

from ..plots.axes import Axis
from ..plots.parts import Curve, Dots, Labels
from ..plots.plot import ARROWS, Plot, Table

CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
"""Places of the corners, from the lower left: across, and up."""

_ENDS = Qt.TextElideMode.ElideRight
_STEP = 0.02
_EDGE = 0.04
_DOT = 9.0  # px, in each corner


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
        side = Axis(-_EDGE, 1.0 + _EDGE, marks=((-9.0, ""),))
        text = "Drag, or use the arrow keys, between the corners' sounds"
        super().__init__("Blend", side, side, text, bare=True)
        self._lines = Curve(self, "ACCENT", width=1.0, alpha=0.4, connect="pairs")
        self._ends, self._point = Dots(self), Dots(self)
        self._corners = Labels(self, ground=0.8)
        self.setMinimumSize(140, 110)
        self.set_names(["", "", "", ""])
        self.box.sigResized.connect(self._write)

    @override
    def sizeHint(self) -> QSize:
        return QSize(270, 270)

    def set_names(self, names: list[str]) -> None:
        """Show the corners' names."""
        self.names = names
        named = list(zip(CORNERS, names, strict=True))
        self._ends.show((*at, _DOT, "ACCENT" if name else "DIM", bool(name)) for at, name in named)
        self._write()
        self._put(self.across, self.up)

    def _write(self) -> None:
        """Write the names into the square beside its corners, each in at most half of its width."""
        metrics, room = QFontMetricsF(self.font()), 0.5 * self.area.width() - 4.0 * _DOT
        self._corners.show(
            (x, y, f"   {metrics.elidedText(name or 'empty', _ENDS, room)}   ", (x, 1.0 - y),
             "TEXT" if name else "DIM")
            for (x, y), name in zip(CORNERS, self.names, strict=True)
        )  # fmt: skip

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
        step = ARROWS.get(Qt.Key(ev.key()))
        if step is None:
            super().keyPressEvent(ev)
        else:
            self._put(self.across + _STEP * step[0], self.up + _STEP * step[1])
            self.nudged.emit(self.across, self.up)

    def _put(self, x: float, y: float) -> None:
        self.across, self.up = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        here, named = (self.across, self.up), zip(CORNERS, self.names, strict=True)
        ends = [spot for corner, name in named if name for spot in (here, corner)]
        self._lines.show([x for x, _ in ends], [y for _, y in ends])
        self._point.show([(*here, 18.0, "ACCENT", 1.0)])
