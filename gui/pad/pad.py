"""Pad: two parameters to drag over the loss, with the trail of the match."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolButton
from typing_extensions import override

from mesosynth.matching.results import Cell, MatchStep
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from ..plots import canvas as plot_painting
from ..plots.canvas import Canvas
from ..plots.frame import Frame, Table
from .plane import NOTE_AXES, LossMapImage, Plane

# --------------------------------------------------------------------------------------------------
# Painting of the pad: grid, labels and note counts, then trail, target and handle.


NOTE_COUNTS = (1, 2, 4, 8, 16, 32)
"""Numbers of notes in an arpeggio whose lines are drawn."""

HANDLE = 8.0
"""Radius of the playing point, px."""

_AXIS = Qt.AlignmentFlag.AlignCenter


def paint_grid(painter: QPainter, plane: Plane) -> None:
    """Draw gridlines, tick labels and axis titles.

    Parameters
    ----------
    painter : QPainter
    plane : Plane
    """
    plot_painting.paint_x_axis(painter, plane.area, plane.x, grid=True)
    plot_painting.paint_y_axis(painter, plane.area, plane.y, grid=True)


def paint_note_counts(painter: QPainter, plane: Plane, w: float) -> None:
    """Draw the lines on which an arpeggio of `w` octaves has the same number of notes.

    Parameters
    ----------
    painter : QPainter
    plane : Plane
        Of :data:`NOTE_AXES`.
    w : float
        Bandwidth, octaves.
    """
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
    """Draw the ways of a match, one from each start, and its best step with the error ellipse.

    Parameters
    ----------
    painter : QPainter
    plane : Plane
    ids : (str, str)
        Parameters on the axes.
    steps : sequence of MatchStep
    """
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
    """Draw a target, two rings and a point.

    Parameters
    ----------
    painter : QPainter
    point : QPointF
        Position of the target, px.
    """
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
    """Draw the playing point with hairlines to its axes; an arrow tells the direction, if any.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        The plane's rectangle, px.
    point : QPointF
        px.
    rising : bool or None
        Direction of the arpeggio; None for no arrow.
    held, focused : bool
        Whether the mouse holds the point, and whether the pad has the keyboard.
    """
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


# --------------------------------------------------------------------------------------------------
# Pad: two parameters, the loss around them, the playing point, the trail of a match.


FINE = 0.1
"""How much slower the point moves while Shift is held."""

_REACH = 22.0  # px around the point in which a press takes hold of it
_NOTCH = 0.01  # share of an axis for one notch of the wheel or one key stroke


class Pad(Canvas):
    """Pad of two parameters.

    Drag the point to play; double-click sets it; wheel, Alt-wheel and arrow keys nudge it.

    Attributes
    ----------
    axes : (str, str)
        Ids of the parameters from left to right and from bottom to top.
    wanted_axes : (str, str)
        Those that were chosen; an instrument without them has others meanwhile.

    Signals
    -------
    axes_chosen : tuple
        The two ids, when they become others.
    """

    gesture_began = Signal(str)
    edited = Signal(dict)
    gesture_ended = Signal()
    nudged = Signal(dict, str)
    set_at_once = Signal(dict, str)
    axes_chosen = Signal(tuple)

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__()
        self._parameters = parameters
        self._values = parameters.defaults()
        self.axes = self.wanted_axes = NOTE_AXES
        self.loss = LossMapImage()
        self._steps: list[MatchStep] = []
        self._known: dict[str, float] | None = None
        self._grip: QPointF | None = None
        self._mouse = QPointF()
        self.setMinimumSize(180, 160)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setToolTip(
            "Drag the point to play\nShift-drag, wheel, arrow keys: fine moves "
            "(Alt-wheel: sideways)\nDouble-click: set the point there"
        )

    @override
    def sizeHint(self) -> QSize:
        return QSize(520, 520)

    @property
    def plane(self) -> Plane:
        """The axes at the widget's present size."""
        left, bottom = plot_painting.left_margin(), plot_painting.bottom_margin()
        area = QRectF(self.rect()).adjusted(left, 6, -10, -bottom)
        return Plane.of(self._parameters, self.axes, area)

    @property
    def handle(self) -> QPointF:
        """Place of the playing point, px; a rate of 0 lies at the edge."""
        plane, (x, y) = self.plane, (self._values[id_] for id_ in self.axes)
        x = x if plane.x.kind == "linear" else max(abs(x), plane.x.low)
        y = y if plane.y.kind == "linear" else max(abs(y), plane.y.low)
        return plane.point(x, y)

    @property
    def trajectory(self) -> list[MatchStep]:
        """The steps that are drawn."""
        return list(self._steps)

    def set_table(self, parameters: ParameterTable) -> None:
        """Play another instrument's parameters."""
        self._parameters = parameters
        self._values = parameters.defaults()
        self._steps.clear()
        axes = self.wanted_axes
        if not set(axes) <= set(parameters):
            first, second, *_ = parameters.matchable or tuple(parameters)
            axes = (first, second)
        self._lay_out(axes)
        self.refresh()

    def set_axes(self, axes: tuple[str, str]) -> None:
        """Lay two other parameters out, also when their instrument comes back after another."""
        self.wanted_axes = axes
        self._lay_out(axes)

    def _lay_out(self, axes: tuple[str, str]) -> None:
        if axes != self.axes:
            self.axes = axes
            self.refresh()
            self.axes_chosen.emit(axes)

    def set_values(self, values: dict[str, float]) -> None:
        """Show the parameters that play."""
        lines_move = values.get("w") != self._values.get("w")
        self._values = dict(values)
        texts = [f"{id_} {self._parameters[id_].text(values[id_])}" for id_ in self.axes]
        theme.name(self, "Pad", ", ".join(texts))
        self.refresh() if lines_move else self.update()

    def start_map(
        self,
        axes: tuple[str, str] | None,
        x_values: NDArray[np.float64],
        y_values: NDArray[np.float64],
    ) -> None:
        """Begin an empty map of the loss, or none; see :meth:`LossMapImage.start`.

        Parameters
        ----------
        axes : (str, str) or None
            Ids of the two parameters.
        x_values, y_values : (n,) float64
            Values on the axes, in the table's units.
        """
        self.loss.start(axes, x_values, y_values)
        self.refresh()

    def add_cells(self, axes: tuple[str, str], cells: Sequence[Cell]) -> None:
        """Fill cells of the map; see :meth:`LossMapImage.add`.

        Parameters
        ----------
        axes : (str, str)
            Ids of the two parameters.
        cells : sequence of Cell
        """
        self.loss.add(axes, cells)
        self.refresh()

    def set_known(self, values: dict[str, float] | None) -> None:
        """Mark the target by the parameters that made it; None where they are not known."""
        self._known = values
        self.refresh()

    def start_trajectory(self) -> None:
        """Forget the last match."""
        self._steps.clear()
        self.update()

    def add_step(self, step: MatchStep) -> None:
        """Draw the match on to a step."""
        self._steps.append(step)
        self.update()

    @override
    def paint_still(self, painter: QPainter) -> None:
        plane = self.plane
        plot_painting.paint_ground(painter, plane.area)
        if self.loss.axes == self.axes:
            self.loss.paint(painter, plane)
        paint_grid(painter, plane)
        if self.axes == NOTE_AXES and {"f_c", "w"} <= set(self._values):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_note_counts(painter, plane, self._values["w"])
        if self._known is not None and set(self.axes) <= set(self._known):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            x, y = self.axes
            paint_target(painter, plane.point(self._known[x], self._known[y]))

    @override
    def paint_moving(self, painter: QPainter) -> None:
        paint_trajectory(painter, self.plane, self.axes, self._steps)
        gamma = self._values.get("gamma")
        rising = gamma > 0.0 if gamma is not None and "gamma" in self.axes else None
        held = self._grip is not None
        area = self.plane.area
        paint_handle(painter, area, self.handle, rising, held, self.hasFocus())

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        near = _distance(event.position(), self.handle) <= _REACH
        if event.button() == Qt.MouseButton.LeftButton and near:
            self._grip = self.handle
            self._mouse = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.gesture_began.emit("move on the pad")
            self.update()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            near = _distance(event.position(), self.handle) <= _REACH
            shapes = Qt.CursorShape
            self.setCursor(shapes.OpenHandCursor if near else shapes.CrossCursor)
            return
        # The grip keeps the unclamped place, so that the point stays under the mouse at the edges.
        speed = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._grip += (event.position() - self._mouse) * speed
        self._mouse = event.position()
        self.edited.emit(self._at(self._grip))

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._grip is not None:
            self._grip = None
            self.setCursor(Qt.CursorShape.OpenHandCursor)
            self.gesture_ended.emit()
            self.update()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.set_at_once.emit(self._at(event.position()), "set on the pad")

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta() / 120.0
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._nudge(notches.x() * fine, notches.y() * fine)
        event.accept()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Down: (0, -1),
            Qt.Key.Key_Up: (0, 1),
        }
        step = keys.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._nudge(step[0] * fine, step[1] * fine)

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def _nudge(self, across: float, up: float) -> None:
        area = self.plane.area
        move = QPointF(across * _NOTCH * area.width(), -up * _NOTCH * area.height())
        self.nudged.emit(self._at(self.handle + move), "nudge on the pad")

    def _at(self, point: QPointF) -> dict[str, float]:
        """Values at a pixel; a signed parameter keeps its sign."""
        values = dict(zip(self.axes, self.plane.values(point), strict=True))
        return {
            id_: math.copysign(value, self._values[id_])
            if self._parameters[id_].minimum < 0.0
            else value
            for id_, value in values.items()
        }


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())


# --------------------------------------------------------------------------------------------------
# Frame of the pad: a menu of its axes, and the switch of the loss map.


_PAIRS = (NOTE_AXES, ("f_c", "w"), ("f_0", "w"), ("am_depth", "am_shape"))
"""Pairs that are offered by name where an instrument has both."""


class PadFrame(Frame):
    """Frame of the pad, with the menu that chooses its axes.

    Signals
    -------
    map_asked : bool
        Whether the loss shall be mapped.
    """

    map_asked = Signal(bool)

    def __init__(self, pad: Pad, parameters: ParameterTable) -> None:
        super().__init__("Pad", pad)
        self.pad = pad
        self.menu = QMenu(self)
        self.button = QToolButton()
        self.button.setObjectName("small")
        self.button.setMenu(self.menu)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setToolTip("Which two parameters the pad plays, and the map of the loss")
        self.map_action = QAction("Map the loss around the point", self)
        self.map_action.setCheckable(True)
        self.map_action.setChecked(True)
        self.map_action.toggled.connect(self.map_asked)
        self.header.insertWidget(1, self.button)
        self.set_table(parameters)
        pad.axes_chosen.connect(self._show_axes)

    def set_table(self, parameters: ParameterTable) -> None:
        """Offer another instrument's parameters."""
        self._parameters = parameters
        self.menu.clear()
        pairs = QActionGroup(self.menu)
        for pair in _PAIRS:
            if set(pair) <= set(parameters):
                action = self.menu.addAction(self._name(pair))
                action.setActionGroup(pairs)
                action.setData(pair)
                action.setCheckable(True)
                action.triggered.connect(partial(self._choose, pair))
        self.menu.addSeparator()
        self._sides = [self._side("Left to right", 0), self._side("Bottom to top", 1)]
        self.menu.addSeparator()
        self.menu.addAction(self.map_action)
        self._show_axes(self.pad.axes)

    def table(self) -> Table:
        """The map of the loss, and the steps of the match."""
        pad = self.pad
        x, y = pad.axes
        steps = [s for s in pad.trajectory if {x, y} <= set(s.theta)]
        mapped = pad.loss.cells() if pad.loss.axes == pad.axes else []
        rows: list[tuple[float | str, ...]] = [("map", *cell) for cell in mapped]
        rows += [("step", step.theta[x], step.theta[y], step.loss) for step in steps]
        return Table(("what", x, y, "loss"), rows)

    def _side(self, title: str, side: int) -> QMenu:
        menu = self.menu.addMenu(title)
        group = QActionGroup(menu)
        for parameter in self._parameters.values():
            if not parameter.choices:
                action = menu.addAction(parameter.name)
                action.setActionGroup(group)
                action.setData(parameter.id)
                action.setCheckable(True)
                action.triggered.connect(partial(self._choose_side, side, parameter))
        return menu

    def _choose(self, pair: tuple[str, str], _checked: bool = True) -> None:
        self.pad.set_axes(pair)

    def _choose_side(self, side: int, parameter: Parameter, _checked: bool = True) -> None:
        """Put a parameter on one side; if it was on the other, the two change places."""
        pair = list(self.pad.axes)
        if pair[1 - side] == parameter.id:
            pair[1 - side] = pair[side]
        pair[side] = parameter.id
        self.pad.set_axes((pair[0], pair[1]))

    def _show_axes(self, axes: tuple[str, str]) -> None:
        if not set(axes) <= set(self._parameters):
            return  # another instrument's, whose table comes next
        self.button.setText(self._name(axes))
        theme.name(self.button, "Axes of the pad", self._name(axes))
        for action in self.menu.actions():
            if action.data() is not None:
                action.setChecked(tuple(action.data()) == axes)
        for side, menu in enumerate(self._sides):
            for action in menu.actions():
                action.setChecked(action.data() == axes[side])

    def _name(self, pair: tuple[str, str]) -> str:
        # While the instrument changes, the pad may be at the new one's parameters already.
        table = self._parameters
        return " × ".join(table[id_].name if id_ in table else id_ for id_ in pair)
