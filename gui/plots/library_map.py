"""The map of the library: every sound a point, alike ones together.

A click plays a sound; a drag moves between sounds, which blend by how near they are.
"""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from typing_extensions import override

from mesosynth.presets.similarity import MapPoint, weights

from .. import theme
from .canvas import Canvas

NEAREST = 3
"""Sounds that blend at once: each brings its effects along."""

BLEND_MS = 40
"""Time between two blends while the mouse moves, ms."""

COLOURS = {
    "arpeggio": "#f2a7c3", "animal": "#7bd389", "siren": "#ff8f70", "laser": "#ff5fa2",
    "water": "#5ec8e5", "drone": "#a394ff", "rhythm": "#f6d55c", "bass": "#c98a5a",
    "bell": "#e6e9f0", "sweep": "#5f8dff", "matched": "#4fd1b5", "cloud": "#9fb3c8",
}  # fmt: skip
"""Of each category; those of other categories are grey."""

_REACH = 14.0  # px around a point in which the mouse takes hold of it
_MOVED = 5.0  # px after which a press is a drag
_RADIUS = 4.5
_MARGIN = 14.0
_LEGEND = 16.0  # px, the height of one line of it


class LibraryMap(Canvas):
    """Points to hover over, click and drag between.

    Signals
    -------
    chosen
        A :class:`MapPoint` was clicked, or reached with the arrow keys.
    gesture_began, gesture_ended
        Around a drag.
    blended
        A list of (MapPoint, weight) where the mouse is, the heaviest first.
    """

    chosen = Signal(object)
    gesture_began = Signal()
    gesture_ended = Signal()
    blended = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._places: Sequence[MapPoint] = ()
        self._positions = np.zeros((0, 2))
        self._playing = ""
        self._named: set[str] = set()  # keys of those whose names had room
        self._hovered: MapPoint | None = None
        self._mouse = QPointF()
        self._pressed: QPointF | None = None
        self._dragging = False
        self._mix: list[tuple[MapPoint, float]] = []
        self._soon = QTimer(self, singleShot=True, interval=BLEND_MS)
        self._soon.timeout.connect(self._blend)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(220, 200)
        theme.name(self, "Map of the library", "Click a point to hear it, drag to blend sounds")

    @override
    def sizeHint(self) -> QSize:
        return QSize(292, 420)

    def show_places(self, places: Sequence[MapPoint]) -> None:
        """Show other sounds."""
        self._places = places
        self._positions = np.array([(place.x, place.y) for place in places]).reshape(-1, 2)
        self._hovered = None
        self.refresh()

    def set_playing(self, key: str) -> None:
        """Mark the sound that plays by its entry's key, "" for none."""
        self._playing = key
        self._mix = []
        self.update()

    @property
    def area(self) -> QRectF:
        """Rectangle of the points, px."""
        below = _LEGEND * len(self._legend_lines()) + _MARGIN
        return QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -below - 4.0)

    def point(self, place: MapPoint) -> QPointF:
        """Position of a sound, px."""
        area = self.area
        return QPointF(
            area.left() + place.x * area.width(), area.bottom() - place.y * area.height()
        )

    # ------------------------------------------------------------------ hands

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position()
        if self._pressed is None:
            self._hover(self._at(self._mouse))
            return
        if not self._dragging and _distance(self._pressed, self._mouse) > _MOVED and self._places:
            self._dragging = True
            self._hover(None)
            self.gesture_began.emit()
        if self._dragging and not self._soon.isActive():
            self._soon.start()
            self._mix = self._mixed()
        self.update()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        self._pressed = None
        if self._dragging:
            self._mouse = event.position()
            self._blend()
            self._dragging = False
            self._soon.stop()
            self.gesture_ended.emit()
            self.update()
        elif (place := self._at(event.position())) is not None:
            self.chosen.emit(place)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {
            Qt.Key.Key_Left: (-1.0, 0.0), Qt.Key.Key_Right: (1.0, 0.0),
            Qt.Key.Key_Up: (0.0, -1.0), Qt.Key.Key_Down: (0.0, 1.0),
        }  # fmt: skip
        way = ways.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
        elif (place := self._next(QPointF(*way))) is not None:
            self.chosen.emit(place)

    def _hover(self, place: MapPoint | None) -> None:
        if place is not self._hovered:
            self._hovered = place
            shapes = Qt.CursorShape
            self.setCursor(shapes.PointingHandCursor if place else shapes.ArrowCursor)
            self.update()

    def _at(self, spot: QPointF) -> MapPoint | None:
        near = min(self._places, key=lambda place: _distance(self.point(place), spot), default=None)
        return near if near and _distance(self.point(near), spot) <= _REACH else None

    def _next(self, way: QPointF) -> MapPoint | None:
        """The nearest sound in a direction, seen from the one that plays."""
        here = next((place for place in self._places if place.entry.key == self._playing), None)
        if here is None:
            return self._places[0] if self._places else None
        start = self.point(here)

        def effort(place: MapPoint) -> float:
            step = self.point(place) - start
            ahead = QPointF.dotProduct(step, way)
            aside = abs(step.x() * way.y() - step.y() * way.x())
            return ahead + 2.0 * aside if ahead > 0.5 and aside < 2.0 * ahead else math.inf

        found = min((p for p in self._places if p is not here), key=effort, default=None)
        return found if found is not None and math.isfinite(effort(found)) else None

    def _mixed(self) -> list[tuple[MapPoint, float]]:
        area = self.area
        x = (self._mouse.x() - area.left()) / area.width()
        y = (area.bottom() - self._mouse.y()) / area.height()
        shares = weights((x, y), self._positions, NEAREST)
        return [(self._places[i], share) for i, share in shares.items()]

    def _blend(self) -> None:
        if self._dragging:
            self._mix = self._mixed()
            self.blended.emit(self._mix)
            self.update()

    # ------------------------------------------------------------------ paint

    def paint_still(self, painter: QPainter) -> None:
        """Points, names where there is room, and the legend."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(7.5))
        painter.setPen(Qt.PenStyle.NoPen)
        for place in self._places:
            painter.setBrush(_colour(place))
            painter.drawEllipse(self.point(place), _RADIUS, _RADIUS)
        self._paint_names(painter)
        painter.setPen(theme.colour(theme.DIM))
        y = self.height() - _LEGEND * len(self._legend_lines())
        for line in self._legend_lines():
            self._paint_legend(painter, line, y)
            y += _LEGEND

    def paint_moving(self, painter: QPainter) -> None:
        """The sound that plays, the one under the mouse, and the blend."""
        painter.setFont(theme.font(8.5))
        if self._dragging or self._mix:
            for place, share in self._mix:
                painter.setPen(QPen(theme.colour(theme.ACCENT, 0.35 + 0.6 * share), 1 + 3 * share))
                painter.drawLine(self._mouse, self.point(place))
            painter.setPen(QPen(theme.colour(theme.ACCENT), 2.0))
            painter.setBrush(theme.colour(theme.WELL))
            painter.drawEllipse(self._mouse, 6.0, 6.0)
            self._paint_mix(painter)
            return
        for place in self._places:
            if place.entry.key == self._playing:
                painter.setPen(QPen(theme.colour(theme.ACCENT), 2.0))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(self.point(place), _RADIUS + 4.0, _RADIUS + 4.0)
                if self._hovered is None and self._playing not in self._named:
                    self._paint_label(painter, place, place.entry.name)
        if self._hovered is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_colour(self._hovered))
            painter.drawEllipse(self.point(self._hovered), _RADIUS + 2.5, _RADIUS + 2.5)
            self._paint_label(painter, self._hovered, self._hovered.entry.name)

    def _paint_names(self, painter: QPainter) -> None:
        """Names beside their points, those that would lie over another one left out."""
        metrics = QFontMetricsF(painter.font())
        self._named.clear()
        spots = [self.point(place) for place in self._places]
        taken = [QRectF(spot.x() - 6.0, spot.y() - 6.0, 12.0, 12.0) for spot in spots]
        for place, spot, own in zip(self._places, spots, list(taken), strict=True):
            width, height = metrics.horizontalAdvance(place.entry.name), metrics.height()
            for left in (spot.x() + 8.0, spot.x() - 8.0 - width):
                box = QRectF(left, spot.y() - 0.5 * height, width, height)
                inside = QRectF(self.rect()).adjusted(2, 0, -2, 0).contains(box)
                if inside and not any(box.intersects(t) for t in taken if t != own):
                    painter.setPen(theme.colour(theme.DIM))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, place.entry.name)
                    painter.setPen(Qt.PenStyle.NoPen)
                    taken.append(box)
                    self._named.add(place.entry.key)
                    break

    def _paint_label(self, painter: QPainter, place: MapPoint, text: str) -> None:
        """A name in a box beside its point, within the map."""
        metrics = QFontMetricsF(painter.font())
        spot = self.point(place)
        box = QRectF(0.0, 0.0, metrics.horizontalAdvance(text) + 12.0, metrics.height() + 6.0)
        box.moveCenter(QPointF(spot.x(), spot.y() - 20.0))
        if box.top() < 2.0:
            box.moveTop(spot.y() + 12.0)
        box.moveLeft(min(max(box.left(), 2.0), self.width() - 2.0 - box.width()))
        painter.setPen(QPen(theme.colour(theme.LINE), 1.0))
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(box, 4.0, 4.0)
        painter.setPen(theme.colour(theme.TEXT))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_mix(self, painter: QPainter) -> None:
        """List of the blended sounds, in the half of the map without the mouse."""
        lines = [f"{share:4.0%}  {place.entry.name}" for place, share in self._mix]
        metrics = QFontMetricsF(painter.font())
        width = max(metrics.horizontalAdvance(line) for line in lines) + 16.0
        box = QRectF(_MARGIN, _MARGIN, width, metrics.height() * len(lines) + 10.0)
        if self._mouse.y() < self.area.center().y():
            box.moveBottom(self.area.bottom())
        painter.setPen(QPen(theme.colour(theme.LINE), 1.0))
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(box, 4.0, 4.0)
        painter.setPen(theme.colour(theme.TEXT))
        inside = box.adjusted(8.0, 5.0, -8.0, -5.0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, "\n".join(lines))

    def _legend_lines(self) -> list[list[str]]:
        """Categories of the sounds shown, in lines that fit the width."""
        metrics = QFontMetricsF(theme.font(7.5))
        there = {place.entry.category for place in self._places}
        lines: list[list[str]] = []
        room = 0.0
        for word in (word for word in COLOURS if word in there):
            width = metrics.horizontalAdvance(word) + 20.0
            if not lines or width > room:
                lines.append([])
                room = self.width() - 2.0 * _MARGIN
            lines[-1].append(word)
            room -= width
        return lines

    def _paint_legend(self, painter: QPainter, words: list[str], y: float) -> None:
        metrics = QFontMetricsF(painter.font())
        x = _MARGIN
        for word in words:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(COLOURS[word]))
            painter.drawEllipse(QPointF(x + 3.0, y + 0.5 * _LEGEND - 3.0), 3.0, 3.0)
            painter.setPen(theme.colour(theme.DIM))
            width = metrics.horizontalAdvance(word)
            box = QRectF(x + 10.0, y - 3.0, width + 2.0, _LEGEND)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, word)
            x += width + 20.0


def _colour(place: MapPoint) -> QColor:
    return QColor(COLOURS.get(place.entry.category, theme.DIM))


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
