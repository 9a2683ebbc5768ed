"""Theta over the time of a long sound, one strip a parameter, with a playhead."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from typing_extensions import override

from gui import theme
from gui.plots import plot_painting
from gui.plots.axes import Axis
from gui.plots.canvas import Canvas
from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.matching.sequence_messages import MatchedSequence, Moment

SHOWN = ("f_c", "f_m", "gamma", "w")
_GAP = 5.0  # px between two strips
_ROOM = 1.25  # of the values' range that a strip shows
_LEAST = 1.5  # ratio that it shows at least
_REST = 3.0  # hops without an arpeggio that break a line
_DOTS = 200  # moments beyond which only the line is drawn
_WAYS: dict[int, float] = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02}  # of the sound


class SequenceCurves(Canvas):
    """What was found as dots, faint where nothing was; smoothed as lines.

    Signals
    -------
    sought
        A time in the sound, s, that was clicked or reached by keys.
    """

    sought = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(120, 4 * 52)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._matched: MatchedSequence | None = None
        self._lines: Sequence[Moment] = ()
        self._position: float | None = None

    def show_sequence(self, matched: MatchedSequence | None, lines: Sequence[Moment]) -> None:
        """Show what was found, and what of it is played."""
        self._matched, self._lines = matched, lines
        self.refresh()

    def show_position(self, position: float | None) -> None:
        """Move the playhead to a time in the sound, s; None hides it."""
        if position != self._position:
            self._position = position
            self.update()

    @property
    def area(self) -> QRectF:
        """Where the strips lie."""
        left, bottom = plot_painting.left_margin(), plot_painting.bottom_margin()
        top = 0.6 * plot_painting.em()  # for half of the highest tick
        return QRectF(left, top, self.width() - left - 4, self.height() - top - bottom)

    def point(self, time: float) -> QPointF:
        """Where a time is, in the middle of the strips."""
        return QPointF(self._across(time), self.area.center().y())

    @override
    def paint_still(self, painter: QPainter) -> None:
        area = self.area
        height = (area.height() - _GAP * (len(SHOWN) - 1)) / len(SHOWN)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, id_ in enumerate(SHOWN):
            top = area.top() + place * (height + _GAP)
            self._paint_strip(painter, QRectF(area.left(), top, area.width(), height), id_)
        plot_painting.paint_x_axis(painter, area, Axis(0.0, self._duration, "Seconds"))

    @override
    def paint_moving(self, painter: QPainter) -> None:
        if self._position is not None and self._matched is not None:
            x, area = self._across(self._position), self.area
            painter.setPen(QPen(QColor(theme.ACCENT), 1.5))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._seek(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = _WAYS.get(event.key(), 0.0)
        if way:
            to = (self._position or 0.0) + way * self._duration
            self.sought.emit(min(max(to, 0.0), self._duration))
        elif event.key() == Qt.Key.Key_Home:
            self.sought.emit(0.0)
        else:
            super().keyPressEvent(event)

    def _seek(self, event: QMouseEvent) -> None:
        if self._matched is not None:
            share = (event.position().x() - self.area.left()) / self.area.width()
            self.sought.emit(min(max(share, 0.0), 1.0) * self._duration)

    @property
    def _duration(self) -> float:
        return 1.0 if self._matched is None else self._matched.sound.duration

    def _across(self, time: float) -> float:
        return self.area.left() + time / self._duration * self.area.width()

    def _paint_strip(self, painter: QPainter, area: QRectF, id_: str) -> None:
        plot_painting.paint_ground(painter, area)
        found = [] if self._matched is None else [m for m in self._matched.moments if m.theta]
        axis = _axis(id_, [abs(moment.theta[id_]) for moment in found if moment.found])
        plot_painting.paint_y_axis(painter, area, axis, grid=True)
        painter.save()
        painter.setClipRect(area)
        if len(found) <= _DOTS:
            painter.setPen(Qt.PenStyle.NoPen)
            for moment in found:
                painter.setBrush(theme.colour(theme.TEXT, 0.75 if moment.found else 0.2))
                painter.drawEllipse(self._spot(area, axis, moment, id_), 1.8, 1.8)
        painter.setPen(QPen(QColor(theme.MATCH), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        rest = 0.0 if self._matched is None else _REST * self._matched.settings.hop
        for way in _unbroken(self._lines, rest):
            spots = [self._spot(area, axis, moment, id_) for moment in way]
            if len(spots) == 1:
                painter.drawEllipse(spots[0], 2.2, 2.2)
            painter.drawPolyline(QPolygonF(spots))
        painter.restore()

    def _spot(self, area: QRectF, axis: Axis, moment: Moment, id_: str) -> QPointF:
        share = axis.share(abs(moment.theta[id_]))
        return QPointF(self._across(moment.onset), area.bottom() - share * area.height())


def _axis(id_: str, values: Sequence[float]) -> Axis:
    """An axis around what was found; of a rate with a direction its magnitude."""
    parameter = PARAMETERS[id_]
    low = min(values, default=parameter.smallest or parameter.minimum)
    high = max(values, default=parameter.maximum)
    stretch = max(_ROOM, _LEAST * low / high) ** 0.5
    label = f"|γ| {parameter.unit}" if id_ == "gamma" else f"{id_} {parameter.unit}"
    return Axis(low / stretch, high * stretch, label, "octaves")


def _unbroken(moments: Sequence[Moment], rest: float) -> list[list[Moment]]:
    """Stretches in one direction, without a rest of more seconds than that."""
    ways: list[list[Moment]] = []
    for moment in moments:
        last = ways[-1][-1] if ways else None
        turned = last is not None and moment.theta["gamma"] * last.theta["gamma"] < 0.0
        if last is None or turned or moment.onset - last.onset > rest:
            ways.append([])
        ways[-1].append(moment)
    return ways
