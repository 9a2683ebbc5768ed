"""Brushwork of the pad: what stands still (grid, labels, note counts), then what moves."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui import theme
from gui.pad.pad_plane import Plane
from gui.plots import plot_painting
from mesosynth.matching.results import MatchStep

NOTE_COUNTS = (1, 2, 4, 8, 16, 32)
"""Numbers of notes in an arpeggio whose lines are drawn."""

HANDLE = 8.0
"""Radius of the playing point, px."""

_AXIS = Qt.AlignmentFlag.AlignCenter


def paint_grid(painter: QPainter, plane: Plane) -> None:
    """Draw gridlines, tick labels and axis titles."""
    plot_painting.paint_x_axis(painter, plane.area, plane.x, grid=True)
    plot_painting.paint_y_axis(painter, plane.area, plane.y, grid=True)


def paint_note_counts(painter: QPainter, plane: Plane, w: float) -> None:
    """Draw the lines on which an arpeggio of `w` octaves has the same number of notes."""
    area = plane.area
    painter.save()
    painter.setClipRect(area)
    painter.setFont(theme.font(7.5))
    for notes in NOTE_COUNTS:
        # notes = f_m * w / gamma, a line of slope one on log axes; drawn across the whole pad
        ends = [plane.point(f, f * w / notes) for f in (plane.x.low, plane.x.high)]
        line = QLineF(ends[0], ends[1])
        painter.setPen(QPen(theme.colour(theme.DIM, 0.30), 1, Qt.PenStyle.DashLine))
        painter.drawLine(line)
        spot = _label_spot(line, area)
        if spot is not None:
            text = f"{notes} note" + ("s" if notes > 1 else "")
            box = QRectF(spot.x() - 22, spot.y() - 8, 44, 16)
            painter.fillRect(box.adjusted(2, 1, -2, -1), theme.colour(theme.WELL, 0.55))
            painter.setPen(theme.colour(theme.DIM, 0.8))
            painter.drawText(box, _AXIS, text)
    painter.restore()


def _label_spot(line: QLineF, area: QRectF) -> QPointF | None:
    """Place for a label along the anti-diagonal from top left to bottom right, inside `area`."""
    anti = QLineF(
        area.left() + 0.06 * area.width(), area.top() + 0.04 * area.height(),
        area.right() - 0.04 * area.width(), area.bottom() - 0.04 * area.height(),
    )  # fmt: skip
    crossing, spot = line.intersects(anti)
    inner = area.adjusted(24, 10, -24, -10)
    met = crossing == QLineF.IntersectionType.BoundedIntersection and inner.contains(spot)
    return spot if met else None


def paint_trajectory(
    painter: QPainter, plane: Plane, ids: tuple[str, str], steps: Sequence[MatchStep]
) -> None:
    """Draw the ways of a match, one from each start, and its best step with the error ellipse."""
    if not steps or not set(ids) <= set(steps[0].theta):
        return
    painter.save()
    painter.setClipRect(plane.area)
    best = min(steps, key=lambda step: step.loss)
    for start in sorted({step.start for step in steps}):
        way = [step for step in steps if step.start == start]
        _paint_way(painter, plane, ids, way, 1.0 if start == best.start else 0.45)
    _paint_estimate(painter, plane, ids, best)
    painter.restore()


def _paint_way(
    painter: QPainter,
    plane: Plane,
    ids: tuple[str, str],
    way: Sequence[MatchStep],
    strength: float,
) -> None:
    points = [plane.point(step.theta[ids[0]], step.theta[ids[1]]) for step in way]
    painter.setPen(QPen(theme.colour(theme.MATCH, 0.7 * strength), 1.5))
    painter.drawPolyline(QPolygonF(points))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(theme.MATCH, strength))
    for point in points[1:]:
        painter.drawEllipse(point, 2.5, 2.5)
    first = points[0]
    painter.setPen(QPen(theme.colour(theme.MATCH, strength), 1.5))
    painter.setBrush(QColor(theme.WELL))
    painter.drawRect(QRectF(first.x() - 4, first.y() - 4, 8, 8))


def _paint_estimate(painter: QPainter, plane: Plane, ids: tuple[str, str], step: MatchStep) -> None:
    at = step.theta[ids[0]], step.theta[ids[1]]
    point = plane.point(*at)
    radii = plane.radii(*at, step.std.get(ids[0], 0.0), step.std.get(ids[1], 0.0))
    painter.setPen(QPen(theme.colour(theme.MATCH, 0.6), 1))
    painter.setBrush(theme.colour(theme.MATCH, 0.10))
    painter.drawEllipse(point, max(radii.x(), 0.5), max(radii.y(), 0.5))
    painter.setPen(QPen(QColor(theme.MATCH), 1.5))
    for arm in (QPointF(14, 0), QPointF(0, 14)):
        painter.drawLine(QLineF(point + arm, point + arm * 0.75))
        painter.drawLine(QLineF(point - arm, point - arm * 0.75))


def paint_target(painter: QPainter, point: QPointF) -> None:
    """Draw a target, two rings and a point, where the target lies."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, ink in ((3.5, theme.colour(theme.WELL, 0.7)), (1.5, QColor(theme.MATCH))):
        painter.setPen(QPen(ink, width))
        for radius in (13.0, 7.5):
            painter.drawEllipse(point, radius, radius)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.MATCH))
    painter.drawEllipse(point, 2.0, 2.0)


def paint_handle(
    painter: QPainter, area: QRectF, point: QPointF, rising: bool | None, held: bool, focused: bool
) -> None:
    """Draw the playing point with hairlines to its axes; an arrow tells the direction, if any."""
    painter.setPen(QPen(theme.colour(theme.ACCENT, 0.22), 1))
    painter.drawLine(QLineF(point.x(), area.top(), point.x(), area.bottom()))
    painter.drawLine(QLineF(area.left(), point.y(), area.right(), point.y()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(theme.ACCENT, 0.28 if held else 0.16))
    painter.drawEllipse(point, HANDLE * 2.0, HANDLE * 2.0)
    painter.setBrush(QColor(theme.ACCENT))
    painter.setPen(QPen(QColor(theme.TEXT if focused else theme.WELL), 1.5))
    painter.drawEllipse(point, HANDLE, HANDLE)
    if rising is None:
        return
    up = -1.0 if rising else 1.0
    painter.setPen(QPen(QColor(theme.WELL), 1.7))
    tip = QPointF(point.x() + 3, point.y() + 3 * up)
    painter.drawLine(QLineF(QPointF(point.x() - 3, point.y() - 3 * up), tip))
    painter.drawLine(QLineF(tip, tip - QPointF(4.5, 0)))
    painter.drawLine(QLineF(tip, tip - QPointF(0, 4.5 * up)))
