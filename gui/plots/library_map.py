"""The map of the library: every sound a point, alike ones together.

A click plays a sound; a drag moves between sounds, which blend by how near they are.
"""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent
from typing_extensions import override

from mesosynth.presets.similarity import MapPoint, weights

from .. import theme
from .axes import Axis
from .frame import Table
from .plot import FONT, Legend, Part, Plot

NEAREST = 3
"""Sounds that blend at once: each brings its effects along."""

BLEND_MS = 40
"""Time between two blends while the mouse moves, ms."""

COLOURS = {
    "arpeggio": "#e88fb0", "animal": "#4fb868", "siren": "#ff8f70", "laser": "#ff5fa2",
    "water": "#3fb2d0", "drone": "#a394ff", "rhythm": "#d9b13b", "bass": "#c98a5a",
    "bell": "#9da7b8", "sweep": "#5f8dff", "matched": "#2fb89a", "cloud": "#7f95ad",
}  # fmt: skip
"""Of each category; those of other categories are grey."""

_OTHER = "#8b95a5"
_REACH = 14.0  # px around a point in which the mouse takes hold of it
_MOVED = 5.0  # px after which a press is a drag
_SIZE = 9.0  # px, diameter of a point
_EDGE = 0.06  # of the map's width, around the points
_WAYS = {
    Qt.Key.Key_Left: (-1.0, 0.0), Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0), Qt.Key.Key_Down: (0.0, 1.0),
}  # fmt: skip


class Points(Part):
    """The sounds, the one that plays ringed, and lines to those that blend."""

    def __init__(self, plot: "LibraryMap") -> None:
        self._map = plot
        self.lines = pg.PlotCurveItem(connect="pairs", antialias=True)
        self.ring = pg.ScatterPlotItem(size=_SIZE + 9.0, brush=None)
        plot.box.addItem(self.lines, ignoreBounds=True)
        plot.box.addItem(self.ring, ignoreBounds=True)
        super().__init__(plot, pg.ScatterPlotItem(size=_SIZE, pen=None))
        self.dress()

    @override
    def place(self) -> None:
        places = self._map.places
        self.item.setData(
            [p.x for p in places], [p.y for p in places],
            brush=[pg.mkBrush(_colour(p)) for p in places],
        )  # fmt: skip
        self.mark()

    def mark(self) -> None:
        """Show what plays, what is under the mouse, and what blends."""
        shown = self._map
        x, y = shown.mouse
        mix = shown.mix
        self.lines.setData(
            [v for place, _ in mix for v in (x, place.x)],
            [v for place, _ in mix for v in (y, place.y)],
        )
        rings = [(p.x, p.y) for p in shown.places if p.entry.key == shown.playing and not mix]
        rings += [(x, y)] if mix else []
        if shown.hovered is not None:
            rings.append((shown.hovered.x, shown.hovered.y))
        self.ring.setData([ring[0] for ring in rings], [ring[1] for ring in rings])

    @override
    def dress(self) -> None:
        self.lines.setPen(pg.mkPen(self.plot.ink("ACCENT", 0.7), width=2.0))
        self.ring.setPen(pg.mkPen(self.plot.ink("ACCENT"), width=2.0))


class Names(Part):
    """Names beside the points, those left out that would lie over another one."""

    def __init__(self, plot: "LibraryMap") -> None:
        self._map = plot
        self._texts: list[pg.TextItem] = []
        super().__init__(plot, pg.TextItem())
        plot.looked.connect(self.place)
        plot.box.sigResized.connect(self.place)

    @override
    def place(self) -> None:
        for text in self._texts:
            self.plot.box.removeItem(text)
        self._texts.clear()
        font, ink = theme.font(FONT), self.plot.ink("DIM")
        metrics = QFontMetricsF(font)
        room = self.plot.area.adjusted(2, 0, -2, -self._map.legend.height)
        spots = [self._map.point(place) for place in self._map.places]
        own = [QRectF(spot.x() - 6.0, spot.y() - 6.0, 12.0, 12.0) for spot in spots]
        taken = list(own)
        for place, spot, mine in zip(self._map.places, spots, own, strict=True):
            width, height = metrics.horizontalAdvance(place.entry.name), metrics.height()
            for side, left in ((0.0, spot.x() + 7.0), (1.0, spot.x() - 7.0 - width)):
                box = QRectF(left, spot.y() - 0.5 * height, width, height)
                free = room.contains(box) and room.contains(spot)
                if free and not any(box.intersects(t) for t in taken if t is not mine):
                    text = pg.TextItem(f" {place.entry.name} ", ink, anchor=(side, 0.5))
                    text.setFont(font)
                    text.setPos(place.x, place.y)
                    self.plot.box.addItem(text, ignoreBounds=True)
                    self._texts.append(text)
                    taken.append(box)
                    break

    @override
    def dress(self) -> None:
        self.place()


class LibraryMap(Plot):
    """Points to hover over, click and drag between.

    Attributes
    ----------
    places : sequence of MapPoint
    hovered : MapPoint or None
        Under the mouse.
    playing : str
        Key of the sound that plays; "" for none.
    mix : list of (MapPoint, weight)
        That blend.
    mouse : (float, float)
        Where a drag is.

    Signals
    -------
    chosen
        A :class:`MapPoint` was clicked, or reached with the arrow keys.
    gesture_began, gesture_ended
        Around a drag.
    blended
        A list of (MapPoint, weight) where the mouse is, the heaviest first.
    """

    crossed = False
    chosen = Signal(object)
    gesture_began = Signal()
    gesture_ended = Signal()
    blended = Signal(list)

    def __init__(self) -> None:
        across = Axis(-_EDGE, 1.0 + _EDGE, "Likeness across", marks=((-9.0, ""),))
        up = Axis(-_EDGE, 1.0 + _EDGE, "Likeness upwards", marks=((-9.0, ""),))
        super().__init__(
            "Map of the library", across, up,
            "Click a point to hear it, drag to blend sounds. Ctrl-drag: zoom",
        )  # fmt: skip
        self.places: Sequence[MapPoint] = ()
        self.hovered: MapPoint | None = None
        self.playing = ""
        self.mix: list[tuple[MapPoint, float]] = []
        self.mouse = 0.0, 0.0
        self._positions = np.zeros((0, 2))
        self._pressed = QPointF()
        self._dragging = False
        self._soon = QTimer(self, singleShot=True, interval=BLEND_MS)
        self._soon.timeout.connect(self._blend)
        self.left.numbered = self.bottom.numbered = False
        self.left.fit()
        self.bottom.fit()
        self.legend = Legend(self, low=True)
        self._points = Points(self)
        self._names = Names(self)
        self.pointed.connect(self._hover)
        self.setMinimumSize(220, 200)

    @override
    def sizeHint(self) -> QSize:
        return QSize(292, 420)

    def show_places(self, places: Sequence[MapPoint]) -> None:
        """Show other sounds."""
        self.places = places
        self._positions = np.array([(place.x, place.y) for place in places]).reshape(-1, 2)
        self.hovered = None
        there = {place.entry.category for place in places}
        self.legend.show((ink, word) for word, ink in COLOURS.items() if word in there)
        share = min(self.legend.height / max(self.area.height(), 1.0), 0.4)
        low = -_EDGE - share * (1.0 + 2.0 * _EDGE) / (1.0 - share)
        self.set_axes(
            self.x_axis, Axis(low, 1.0 + _EDGE, self.y_axis.label, marks=self.y_axis.marks)
        )
        self._points.place()
        self._names.place()

    def set_playing(self, key: str) -> None:
        """Mark the sound that plays by its entry's key, "" for none."""
        self.playing = key
        if not self._dragging:
            self.mix = []
        self._points.mark()

    def point(self, place: MapPoint) -> QPointF:
        """Position of a sound, px."""
        return self.pixel(place.x, place.y)

    @override
    def read(self, x: float, y: float) -> str:
        if self.mix and self._dragging:
            return "\n".join(f"{share:.0%} {place.entry.name}" for place, share in self.mix)
        place = self._at(self.pixel(x, y))
        return "" if place is None else f"{place.entry.name} · {place.entry.category}"

    @override
    def table(self) -> Table:
        rows = [(p.entry.name, p.entry.category, p.x, p.y) for p in self.places]
        return Table(("name", "category", "across_0_to_1", "up_0_to_1"), rows)

    # ------------------------------------------------------------------ hands

    @override
    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._pressed = event.position()
        return True

    @override
    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        self.mouse = x, y
        if not self._dragging and _distance(self._pressed, event.position()) > _MOVED:
            self._dragging = bool(self.places)
            if self._dragging:
                self.gesture_began.emit()
        if self._dragging and not self._soon.isActive():
            self._soon.start()
            self._mix()

    @override
    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        if self._dragging:
            self.mouse = x, y
            self._soon.stop()
            self._blend()
            self._dragging = False
            self.gesture_ended.emit()
        elif (place := self._at(event.position())) is not None:
            self.chosen.emit(place)

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        way = _WAYS.get(Qt.Key(ev.key()))
        if way is None:
            super().keyPressEvent(ev)
        elif (place := self._next(QPointF(*way))) is not None:
            self.chosen.emit(place)

    def _hover(self, point: tuple[float, float] | None) -> None:
        place = None if point is None or self._dragging else self._at(self.pixel(*point))
        if place is not self.hovered:
            self.hovered = place
            shapes = Qt.CursorShape
            self.viewport().setCursor(shapes.PointingHandCursor if place else shapes.ArrowCursor)
            self._points.mark()

    def _at(self, spot: QPointF) -> MapPoint | None:
        near = min(self.places, key=lambda place: _distance(self.point(place), spot), default=None)
        return near if near and _distance(self.point(near), spot) <= _REACH else None

    def _next(self, way: QPointF) -> MapPoint | None:
        """The nearest sound in a direction, seen from the one that plays."""
        here = next((place for place in self.places if place.entry.key == self.playing), None)
        if here is None:
            return self.places[0] if self.places else None
        start = self.point(here)

        def effort(place: MapPoint) -> float:
            step = self.point(place) - start
            ahead = QPointF.dotProduct(step, way)
            aside = abs(step.x() * way.y() - step.y() * way.x())
            return ahead + 2.0 * aside if ahead > 0.5 and aside < 2.0 * ahead else math.inf

        found = min((p for p in self.places if p is not here), key=effort, default=None)
        return found if found is not None and math.isfinite(effort(found)) else None

    def _mix(self) -> None:
        shares = weights(self.mouse, self._positions, NEAREST)
        self.mix = [(self.places[i], share) for i, share in shares.items()]
        self._points.mark()

    def _blend(self) -> None:
        if self._dragging:
            self._mix()
            self.blended.emit(self.mix)


def _colour(place: MapPoint) -> str:
    return COLOURS.get(place.entry.category, _OTHER)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
