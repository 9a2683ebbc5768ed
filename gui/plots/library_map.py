"""The map of the library: every sound a point, alike ones together.

A click plays a sound; a drag moves between sounds, which blend by how near they are.
"""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from typing_extensions import override

from mesosynth.presets.similarity import MapPoint, weights

from .axes import Axis
from .parts import Curve, Dots, Labels, Legend
from .plot import ARROWS, Plot, Table

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
_CLEAR = 12.0  # px around it without names of others
_EDGE = 0.06  # of the map's width, around the points


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
            "Click a point to hear it, drag to blend sounds. Ctrl-drag: zoom", bare=True,
        )  # fmt: skip
        self.places: Sequence[MapPoint] = ()
        self.hovered: MapPoint | None = None
        self.playing = ""
        self.mix: list[tuple[MapPoint, float]] = []
        self._mouse, self._pressed, self._dragging = (0.0, 0.0), QPointF(), False
        self._soon = QTimer(self, singleShot=True, interval=BLEND_MS)
        self._soon.timeout.connect(self._blend)
        self.legend = Legend(self, low=True)
        self._lines = Curve(self, "ACCENT", width=2.0, alpha=0.7, connect="pairs")
        self._points, self._rings = Dots(self), Dots(self)
        self._names = Labels(self, apart=_CLEAR)
        self.pointed.connect(self._hover)
        self.setMinimumSize(160, 120)

    @override
    def sizeHint(self) -> QSize:
        return QSize(292, 420)

    def show_places(self, places: Sequence[MapPoint]) -> None:
        """Show other sounds."""
        self.places, self.hovered = places, None
        there = {place.entry.category for place in places}
        self.legend.show((ink, word) for word, ink in COLOURS.items() if word in there)
        share = min(self.legend.height / max(self.area.height(), 1.0), 0.4)
        low = -_EDGE - share * (1.0 + 2.0 * _EDGE) / (1.0 - share)
        y = self.y_axis
        self.set_axes(self.x_axis, Axis(low, 1.0 + _EDGE, y.label, marks=y.marks))
        self._points.show(
            (p.x, p.y, _SIZE, COLOURS.get(p.entry.category, _OTHER), 1.0) for p in places
        )
        self._mark()
        self._names.below = self.legend.height
        self._names.show(
            (p.x, p.y, f"  {p.entry.name}  ", (side, 0.5), "DIM") for p in places for side in (0, 1)
        )

    def set_playing(self, key: str) -> None:
        """Mark the sound that plays by its entry's key, "" for none."""
        self.playing = key
        if not self._dragging:
            self.mix = []
        self._mark()

    def point(self, place: MapPoint) -> QPointF:
        """Position of a sound, px."""
        return self.pixel(place.x, place.y)

    def _mark(self) -> None:
        """Ring what plays, what is under the mouse, and join what blends."""
        (x, y), mix = self._mouse, self.mix
        self._lines.show([v for place, _ in mix for v in (x, place.x)],
                         [v for place, _ in mix for v in (y, place.y)])  # fmt: skip
        ringed = [(x, y)] if mix else [
            (p.x, p.y) for p in self.places if p.entry.key == self.playing
        ]  # fmt: skip
        if self.hovered is not None:
            ringed.append((self.hovered.x, self.hovered.y))
        self._rings.show((*at, _SIZE + 9.0, "ACCENT", 0.0) for at in ringed)

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
        self._mouse = x, y
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
            self._mouse = x, y
            self._soon.stop()
            self._blend()
            self._dragging = False
            self.gesture_ended.emit()
        elif (place := self._at(event.position())) is not None:
            self.chosen.emit(place)

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        way = ARROWS.get(Qt.Key(ev.key()))
        if way is None:
            super().keyPressEvent(ev)
        elif (place := self._next(QPointF(way[0], -way[1]))) is not None:
            self.chosen.emit(place)

    def _hover(self, point: tuple[float, float] | None) -> None:
        place = None if point is None or self._dragging else self._at(self.pixel(*point))
        if place is not self.hovered:
            self.hovered = place
            shapes = Qt.CursorShape
            self.viewport().setCursor(shapes.PointingHandCursor if place else shapes.ArrowCursor)
            self._mark()

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
        positions = np.array([(place.x, place.y) for place in self.places])
        shares = weights(self._mouse, positions, NEAREST)
        self.mix = [(self.places[i], share) for i, share in shares.items()]
        self._mark()

    def _blend(self) -> None:
        if self._dragging:
            self._mix()
            self.blended.emit(self.mix)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
