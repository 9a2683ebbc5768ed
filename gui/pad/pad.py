"""Pad: two parameters to drag over the loss, with the trail of the match."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPen, QResizeEvent, QWheelEvent
from typing_extensions import override

from mesosynth.matching.results import Cell, MatchStep
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from ..plots.axes import Axis
from ..plots.frame import Table
from ..plots.picture import ColourBar, Picture
from ..plots.plot import FONT, Line, Part
from .frame import NOTE_AXES

NOTE_COUNTS = (1, 2, 4, 8, 16, 32)
"""Numbers of notes in an arpeggio whose lines are drawn."""

LEVELS = (-4.0, 0.0)
"""Logarithms of the losses at both ends of the colours."""

FINE = 0.1
"""How much slower the point moves while Shift is held."""

_CELLS = 96  # of the map as it is drawn, on each axis
_CONTOURS = (-4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5)
_ARROWS = 14  # downhill, on each axis
_REACH = 22.0  # px around the point in which a press takes hold of it
_NOTCH = 0.008  # share of an axis for one notch of the wheel or one key stroke
_WAYS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1),
}  # fmt: skip


def parameter_axis(parameter: Parameter) -> Axis:
    """Axis of a parameter; one with a direction runs from falling through 0 to rising."""
    axis = Axis.of(parameter)
    if parameter.minimum < 0.0 and axis.kind == "octaves":
        symbol = "γ" if parameter.id.startswith("gamma") else parameter.id
        label = f"{parameter.name} {symbol} ({parameter.unit})"
        return Axis(parameter.minimum, parameter.maximum, label, "signed", knee=parameter.smallest)
    return axis


# --------------------------------------------------------------------------------------------------
# Loss map: numbers on the map's own grid, and as they are drawn.


class LossPicture:
    """Loss on a grid over two parameters, filled in cell by cell.

    Attributes
    ----------
    axes : (str, str) or None
        Ids of the two parameters; None while there is no map.
    x_values, y_values : (n,) float64
        Values on the axes, in the table's units.
    loss : (len(y_values), len(x_values)) float64
        NaN where it is not known yet.
    """

    def __init__(self) -> None:
        self.start(None, np.zeros(0), np.zeros(0))

    @property
    def known(self) -> float:
        """Share of the cells that are known, 0 to 1."""
        return float(np.isfinite(self.loss).mean()) if self.loss.size else 0.0

    def start(
        self,
        axes: tuple[str, str] | None,
        x_values: NDArray[np.float64],
        y_values: NDArray[np.float64],
    ) -> None:
        """Begin an empty map, or none.

        Parameters
        ----------
        axes : (str, str) or None
            Ids of the two parameters.
        x_values, y_values : (n,) float64
            Values on the axes, in the table's units.
        """
        self.axes, self.x_values, self.y_values = axes, x_values, y_values
        self.loss = np.full((len(y_values), len(x_values)), np.nan)

    def add(self, axes: tuple[str, str], cells: Sequence[Cell]) -> None:
        """Fill cells; cells of a map with other axes are ignored.

        Parameters
        ----------
        axes : (str, str)
            Ids of the two parameters.
        cells : sequence of Cell
        """
        rows, columns = self.loss.shape
        for cell in cells:
            if axes == self.axes and 0 <= cell.i < columns and 0 <= cell.j < rows:
                self.loss[cell.j, cell.i] = cell.loss

    def cells(self) -> list[tuple[float, float, float]]:
        """Known cells: both values and the loss of each."""
        return [
            (float(self.x_values[i]), float(self.y_values[j]), float(loss))
            for (j, i), loss in np.ndenumerate(self.loss)
            if math.isfinite(loss)
        ]

    def drawn(self, x: Axis, y: Axis) -> tuple[NDArray[np.float32], Axis, Axis]:
        """Logarithm of the loss on cells that are even on two axes, and the part that it covers.

        Parameters
        ----------
        x, y : Axis
        """
        (across, mx, part_x), (up, my, part_y) = _drawn(x, self.x_values), _drawn(y, self.y_values)
        loss = self.loss[np.ix_(np.argsort(y.coordinates(self.y_values)),
                                np.argsort(x.coordinates(self.x_values)))]  # fmt: skip
        loss = np.log10(np.maximum(loss, 1e-12))
        if np.isfinite(loss).all():
            loss = np.stack([np.interp(mx, across, row) for row in loss])
            loss = np.stack([np.interp(my, up, column) for column in loss.T], axis=1)
        else:  # cell by cell as they come
            rows = np.searchsorted(0.5 * (up[1:] + up[:-1]), my)
            loss = loss[rows][:, np.searchsorted(0.5 * (across[1:] + across[:-1]), mx)]
        return loss.astype(np.float32), part_x, part_y


def _drawn(
    axis: Axis, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], Axis]:
    """Coordinates of the values and of the drawn cells, in order, and what these cover."""
    places = np.sort(axis.coordinates(values))
    half = 0.5 * (places[-1] - places[0]) / (len(places) - 1)
    low, high = float(places[0] - half), float(places[-1] + half)
    middles = low + (np.arange(_CELLS) + 0.5) / _CELLS * (high - low)
    ends = axis.values([low, high]).tolist()
    return places, middles, Axis(ends[0], ends[1], kind=axis.kind, knee=axis.knee)


# --------------------------------------------------------------------------------------------------
# Parts of the pad.


class Contours(Part):
    """Lines of equal loss and arrows downhill, once the whole map is known."""

    def __init__(self, pad: "Pad") -> None:
        self._pad, self._lines = pad, list[pg.PlotCurveItem]()
        super().__init__(pad, pg.PlotCurveItem(connect="pairs"))
        self.item.setZValue(-8.0)
        self.dress()

    @override
    def place(self) -> None:
        for line in self._lines:
            self.plot.box.removeItem(line)
        self._lines.clear()
        image, numbers = self._pad.image, self._pad.image.numbers
        self.item.setData([], [])
        if numbers is None or not np.isfinite(numbers).all():
            return
        (left, right), (low, high) = (
            plot.coordinates([part.low, part.high]).tolist()
            for plot, part in ((self.plot.x_axis, image.x), (self.plot.y_axis, image.y))
        )
        across, up = (right - left) / numbers.shape[1], (high - low) / numbers.shape[0]
        for level in _CONTOURS:
            ways: Any = pg.isocurve(numbers.T, level, connected=True)
            for way in ways if numbers.min() < level < numbers.max() else ():
                x, y = np.array(way).T
                line = pg.PlotCurveItem(left + x * across, low + y * up, antialias=True)
                line.setZValue(-8.0)
                self.plot.box.addItem(line, ignoreBounds=True)
                self._lines.append(line)
        self._show_arrows(numbers, left, low, across, up)
        self.dress()

    def _show_arrows(
        self, numbers: NDArray[np.float32], left: float, low: float, across: float, up: float
    ) -> None:
        slopes: Any = np.gradient(numbers.astype(np.float64))
        step = _CELLS // _ARROWS
        rows, columns = np.mgrid[step // 2 : _CELLS : step, step // 2 : _CELLS : step]
        ahead_x, ahead_y = -slopes[1][rows, columns], -slopes[0][rows, columns]
        length = np.hypot(ahead_x, ahead_y)
        scale = np.where(length > 1e-6, 0.3 * step / np.maximum(length, 1e-12), 0.0)
        ahead = np.stack([ahead_x * scale, ahead_y * scale])
        middle = np.stack([columns + 0.5, rows + 0.5])
        side = 0.4 * np.stack([-ahead_y * scale, ahead_x * scale])
        tip, end, back = middle + ahead, middle - ahead, middle + 0.4 * ahead
        points = np.stack([end, tip, tip, back + side, tip, back - side])  # pairs
        x, y = np.moveaxis(points, 0, -1).reshape(2, -1)
        self.item.setData(left + x * across, low + y * up)

    @override
    def dress(self) -> None:
        self.item.setPen(QPen(self.plot.ink("MATCH", 0.35), 0.0))
        for line in self._lines:
            line.setPen(QPen(self.plot.ink("MATCH", 0.25), 0.0))


class NoteCounts(Part):
    """Lines on which an arpeggio has the same number of notes: gamma = ± f_m w / notes."""

    def __init__(self, pad: "Pad") -> None:
        self._pad, self._texts = pad, list[pg.TextItem]()
        super().__init__(pad, pg.PlotCurveItem(connect="finite"))
        self.item.setZValue(-6.0)
        self.dress()

    @override
    def place(self) -> None:
        for text in self._texts:
            self.plot.box.removeItem(text)
        self._texts.clear()
        pad, x, y = self._pad, self.plot.x_axis, self.plot.y_axis
        w = pad.values.get("w")
        self.item.setVisible(pad.axes == NOTE_AXES and w is not None)
        if pad.axes != NOTE_AXES or w is None:
            return
        rates = np.geomspace(x.low, x.high, 64)
        across, up = list[float](), list[float]()
        for sign in (1.0, -1.0):
            for notes in NOTE_COUNTS:
                gamma = sign * rates * w / notes
                inside = np.abs(gamma) <= y.high
                across += [*x.coordinates(rates[inside]), np.nan]
                up += [*y.coordinates(gamma[inside]), np.nan]
                at = rates[inside][-1:] * 0.6
                for rate in at if sign > 0 and x.low < at < x.high else ():
                    self._write(f"{notes} note{'s' * (notes > 1)}", rate, rate * w / notes)
        self.item.setData(across, up)

    def _write(self, text: str, x: float, y: float) -> None:
        label = pg.TextItem(text, self.plot.ink("DIM"), anchor=(0.5, 0.5),
                            fill=self.plot.ink("WELL", 0.6))  # fmt: skip
        label.setFont(theme.font(FONT))
        spot = (self.plot.x_axis.coordinates(x), self.plot.y_axis.coordinates(y))
        label.setPos(*map(float, spot))
        label.setZValue(-5.0)
        self.plot.box.addItem(label, ignoreBounds=True)
        self._texts.append(label)

    @override
    def dress(self) -> None:
        self.item.setPen(QPen(self.plot.ink("DIM", 0.4), 0.0, Qt.PenStyle.DashLine))
        self.place()


class Marker(Part):
    """Rings at one pair of values, such as the target or the playing point.

    Parameters
    ----------
    pad : Pad
    colour : str
    sizes : tuple of float
        Diameters, px; the last one is filled.
    moving : bool
    """

    def __init__(self, pad: "Pad", colour: str, sizes: tuple[float, ...], moving: bool) -> None:
        self._colour, self._sizes = colour, sizes
        self.at: tuple[float, float] | None = None
        super().__init__(pad, pg.ScatterPlotItem(), moving)
        self.item.setZValue(20.0)

    def move(self, at: tuple[float, float] | None) -> None:
        """Move it to two values; None hides it."""
        self.at = at
        self.place()

    @override
    def place(self) -> None:
        self.item.clear()
        if self.at is not None:
            axes = (self.plot.x_axis, self.plot.y_axis)
            spot = [float(axis.coordinates(v)) for axis, v in zip(axes, self.at, strict=True)]
            ink = self.plot.ink(self._colour)
            self.item.setData(spots=[
                {"pos": spot, "size": size, "pen": pg.mkPen(ink, width=1.5),
                 "brush": self.plot.ink(self._colour, 1.0 if last else 0.12)}
                for size, last in zip(
                    self._sizes, [*[False] * (len(self._sizes) - 1), True], strict=True
                )
            ])  # fmt: skip

    @override
    def dress(self) -> None:
        self.place()


class Trail(Part):
    """Ways of a match, one from each start, and its best step with the error ellipse."""

    def __init__(self, pad: "Pad") -> None:
        self._pad = pad
        self._dots = pg.ScatterPlotItem(size=5)
        super().__init__(pad, pg.PlotCurveItem(connect="finite", antialias=True))
        pad.box.addItem(self._dots, ignoreBounds=True)
        self.item.setZValue(10.0)
        self._dots.setZValue(11.0)
        self.dress()

    @override
    def place(self) -> None:
        x, y = self._pad.axes
        steps = [step for step in self._pad.trajectory if {x, y} <= set(step.theta)]
        ways = [[s for s in steps if s.start == start] for start in {s.start for s in steps}]
        broken = [np.array([*((s.theta[x], s.theta[y]) for s in way), (np.nan, np.nan)])
                  for way in ways]  # fmt: skip
        points = np.concatenate([*broken, np.zeros((0, 2))])
        self._dots.setData(*self._spots(points[np.isfinite(points[:, 0])]))
        if steps:
            best = min(steps, key=lambda step: step.loss)
            turn = np.linspace(0.0, 2.0 * np.pi, 49)
            ellipse = np.stack([
                best.theta[x] + best.std.get(x, 0.0) * np.cos(turn),
                best.theta[y] + best.std.get(y, 0.0) * np.sin(turn),
            ], axis=1)  # fmt: skip
            points = np.concatenate([points, ellipse])
        self.item.setData(*self._spots(points))

    def _spots(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        return self.plot.x_axis.coordinates(points[:, 0]), self.plot.y_axis.coordinates(
            points[:, 1]
        )

    @override
    def dress(self) -> None:
        self.item.setPen(QPen(self.plot.ink("MATCH", 0.8), 0.0))
        self._dots.setPen(QPen(Qt.PenStyle.NoPen))
        self._dots.setBrush(self.plot.ink("MATCH"))


# --------------------------------------------------------------------------------------------------
# Pad.


class Pad(Picture):
    """Pad of two parameters.

    Drag the point to play; double-click sets it; wheel, Alt-wheel and arrow keys nudge it; Ctrl
    with wheel and drag zooms.

    Attributes
    ----------
    axes : (str, str)
        Ids of the parameters from left to right and from bottom to top.
    wanted_axes : (str, str)
        Those that were chosen; an instrument without them has others meanwhile.
    values : dict of str to float
        Parameters that play.

    Signals
    -------
    axes_chosen : tuple
        The two ids, when they become others.
    """

    crossed = False
    gesture_began = Signal(str)
    edited = Signal(dict)
    gesture_ended = Signal()
    nudged = Signal(dict, str)
    set_at_once = Signal(dict, str)
    axes_chosen = Signal(tuple)

    def __init__(self, parameters: ParameterTable) -> None:
        self._parameters = parameters
        self.values = parameters.defaults()
        self.axes = self.wanted_axes = NOTE_AXES
        self.map = LossPicture()
        self.trajectory: list[MatchStep] = []
        self._known: dict[str, float] | None = None
        self._grip = self._mouse = QPointF()
        x, y = (parameter_axis(parameters[id_]) for id_ in self._present(NOTE_AXES))
        super().__init__("Pad", "", x, y, "loss", LEVELS, _loss_text)
        self.axes = self._present(NOTE_AXES)
        self.title = ""
        self.show_grid(True)
        bar = ColourBar([self], (-8.0, 0.5))
        bar.axis.tickStrings = lambda values, *_: [f"1e{value:g}" for value in values]
        self._hairs = Line(self, "DIM"), Line(self, "DIM", upright=False)
        self._counts, self._contours = NoteCounts(self), Contours(self)
        self._trail = Trail(self)
        self._target = Marker(self, "MATCH", (26.0, 15.0, 4.0), False)
        self._point = Marker(self, "ACCENT", (32.0, 16.0), True)
        self._show_point()
        self._show_loss()
        self.setMinimumSize(180, 160)

    @override
    def sizeHint(self) -> QSize:
        return QSize(520, 520)

    @property
    def handle(self) -> QPointF:
        """Place of the playing point, px."""
        x, y = (self.values[id_] for id_ in self.axes)
        return self.pixel(x, y)

    def _present(self, axes: tuple[str, str]) -> tuple[str, str]:
        """The axes, of the layer that is shown, or else the first two parameters of a match."""
        table = self._parameters
        for wanted in (axes, (f"{axes[0]}_1", f"{axes[1]}_1")):
            if set(wanted) <= set(table):
                return wanted
        first, second, *_ = table.matchable or tuple(table)
        return first, second

    def set_table(self, parameters: ParameterTable) -> None:
        """Play another instrument's parameters."""
        self._parameters = parameters
        self.values = parameters.defaults()
        self.trajectory.clear()
        self._lay_out(self._present(self.wanted_axes))

    def set_axes(self, axes: tuple[str, str]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Lay two other parameters out, also when their instrument comes back after another."""
        self.wanted_axes = axes
        self._lay_out(self._present(axes))

    def show_layer(self, number: int) -> None:
        """Play the parameters of another layer, 1 for the first."""
        layer = tuple(f"{id_.rpartition('_')[0]}_{number}" for id_ in self.axes)
        if set(layer) <= set(self._parameters):
            self._lay_out((layer[0], layer[1]))

    def _lay_out(self, axes: tuple[str, str]) -> None:
        changed, self.axes = axes != self.axes, axes
        x, y = (parameter_axis(self._parameters[id_]) for id_ in axes)
        super().set_axes(x, y)
        self.reset()
        self._show_loss()
        self._show_point()
        for part in (self._counts, self._trail):
            part.place()
        self.set_known(self._known)
        if changed:
            self.axes_chosen.emit(axes)

    def set_values(self, values: dict[str, float]) -> None:
        """Show the parameters that play."""
        lines_move = values.get("w") != self.values.get("w")
        self.values = dict(values)
        texts = [f"{id_} {self._parameters[id_].text(values[id_])}" for id_ in self.axes]
        theme.name(self, "Pad", ", ".join(texts))
        self._show_point()
        if lines_move:
            self._counts.place()

    def _show_point(self) -> None:
        at = self.values[self.axes[0]], self.values[self.axes[1]]
        self._point.move(at)
        for hair, value in zip(self._hairs, at, strict=True):
            hair.move(value)

    def start_map(
        self,
        axes: tuple[str, str] | None,
        x_values: NDArray[np.float64],
        y_values: NDArray[np.float64],
    ) -> None:
        """Begin an empty map of the loss, or none; see :meth:`LossPicture.start`.

        Parameters
        ----------
        axes : (str, str) or None
            Ids of the two parameters.
        x_values, y_values : (n,) float64
            Values on the axes, in the table's units.
        """
        self.map.start(axes, x_values, y_values)
        self._show_loss()

    def add_cells(self, axes: tuple[str, str], cells: Sequence[Cell]) -> None:
        """Fill cells of the map; see :meth:`LossPicture.add`.

        Parameters
        ----------
        axes : (str, str)
            Ids of the two parameters.
        cells : sequence of Cell
        """
        self.map.add(axes, cells)
        self._show_loss()

    def _show_loss(self) -> None:
        there = self._mapped
        x, y = self.x_axis, self.y_axis
        self.image.show(*(self.map.drawn(x, y) if there else (None, x, y)))
        self._contours.place()
        if self.bar is not None:
            self.bar.setVisible(there)

    @property
    def _mapped(self) -> bool:
        return self.map.axes == self.axes and min(self.map.loss.shape, default=0) > 1

    @override
    def resizeEvent(self, ev: QResizeEvent | None) -> None:
        super().resizeEvent(ev)
        if self.bar is not None and not self._mapped:
            self.bar.hide()

    def set_known(self, values: dict[str, float] | None) -> None:
        """Mark the target by the parameters that made it; None where they are not known."""
        self._known = values
        x, y = self.axes
        there = values is not None and {x, y} <= set(values)
        self._target.move((values[x], values[y]) if there and values is not None else None)

    def start_trajectory(self) -> None:
        """Forget the last match."""
        self.trajectory.clear()
        self._trail.place()

    def add_step(self, step: MatchStep) -> None:
        """Draw the match on to a step."""
        self.trajectory.append(step)
        self._trail.place()

    @override
    def read(self, x: float, y: float) -> str:
        texts = [
            f"{self._parameters[id_].name} {self._parameters[id_].text(value)}"
            for id_, value in zip(self.axes, (x, y), strict=True)
        ]
        return "\n".join([*texts, super().read(x, y)]).strip()

    @override
    def table(self) -> Table:
        """The map of the loss, and the steps of the match."""
        x, y = self.axes
        steps = [s for s in self.trajectory if {x, y} <= set(s.theta)]
        mapped = self.map.cells() if self.map.axes == self.axes else []
        rows: list[tuple[float | str, ...]] = [("map", *cell) for cell in mapped]
        rows += [("step", step.theta[x], step.theta[y], step.loss) for step in steps]
        return Table(("what", x, y, "loss"), rows)

    # ------------------------------------------------------------------ hands

    @override
    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        spot = event.position() - self.handle
        if math.hypot(spot.x(), spot.y()) > _REACH:
            return False
        self._grip, self._mouse = self.handle, event.position()
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        self.gesture_began.emit("move on the pad")
        return True

    @override
    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        # The grip keeps the unclamped place, so that the point stays under the mouse at the edges.
        self._grip += (event.position() - self._mouse) * _speed(event)
        self._mouse = event.position()
        self.edited.emit(self._at(self._grip))

    @override
    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self.gesture_ended.emit()

    @override
    def double_click(self, x: float, y: float, event: QMouseEvent) -> None:
        self.set_at_once.emit(self._at(event.position()), "set on the pad")

    @override
    def wheelEvent(self, ev: QWheelEvent) -> None:
        if ev.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(ev)
            return
        notches = ev.angleDelta() / 120.0
        self._nudge(notches.x() * _speed(ev), notches.y() * _speed(ev))
        ev.accept()

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        step = _WAYS.get(Qt.Key(ev.key()))
        if step is None:
            super().keyPressEvent(ev)
        else:
            self._nudge(step[0] * _speed(ev), step[1] * _speed(ev))

    def _nudge(self, across: float, up: float) -> None:
        area = self.area
        move = QPointF(across * _NOTCH * area.width(), -up * _NOTCH * area.height())
        self.nudged.emit(self._at(self.handle + move), "nudge on the pad")

    def _at(self, spot: QPointF) -> dict[str, float]:
        """Values at a pixel, kept within the parameters' ranges."""
        pairs = zip(self.axes, self.values_at(spot), strict=True)
        return {id_: self._parameters[id_].clamp(value) for id_, value in pairs}


def _loss_text(logarithm: float, *_: float) -> str:
    return f"loss {10.0**logarithm:.2g}" if math.isfinite(logarithm) else "loss not known yet"


def _speed(event: QMouseEvent | QWheelEvent | QKeyEvent) -> float:
    return FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
