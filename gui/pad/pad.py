"""Pad: two parameters to drag over the loss, with the trail of the match."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QMenu, QToolButton
from typing_extensions import override

from mesosynth.matching.results import Cell, MatchStep
from mesosynth.plugins.parameters import ParameterTable

from .. import theme
from ..plots.axes import Axis
from ..plots.frame import Frame
from ..plots.parts import Curve, Dots, Label, Labels
from ..plots.picture import ColourBar, Picture
from ..plots.plot import ARROWS, Table
from ..widgets.knob import speed

NOTE_AXES = ("f_m", "gamma")
"""The pad's first pair of axes: note rate and chirp rate."""

NOTE_COUNTS = (1, 2, 4, 8, 16, 32)
"""Numbers of notes in an arpeggio whose lines are drawn."""

LEVELS = (-4.0, 0.0)
"""Logarithms of the losses at both ends of the colours."""

_PAIRS = (NOTE_AXES, ("f_c", "w"), ("f_0", "w"), ("am_depth", "am_shape"))  # offered by name
_CONTOURS = (-4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5)
_CELLS = 96  # of the map as it is drawn, on each axis
_ARROWS = 14  # downhill, on each axis
_REACH = 22.0  # px around the point in which a press takes hold of it
_NOTCH = 0.008  # share of an axis for one notch of the wheel or one key stroke

_Points = tuple[list[float], list[float]]


# --------------------------------------------------------------------------------------------------
# Loss map, and the lines that are drawn over it.


class LossMap:
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

    def __init__(
        self, axes: tuple[str, str] | None, x_values: NDArray[np.float64],
        y_values: NDArray[np.float64],
    ) -> None:  # fmt: skip
        self.axes, self.x_values, self.y_values = axes, x_values, y_values
        self.loss = np.full((len(y_values), len(x_values)), np.nan)

    @property
    def known(self) -> float:
        """Share of the cells that are known, 0 to 1."""
        return float(np.isfinite(self.loss).mean()) if self.loss.size else 0.0

    def add(self, axes: tuple[str, str], cells: Sequence[Cell]) -> None:
        """Fill cells; those of a map with other axes are ignored."""
        rows, columns = self.loss.shape
        for cell in cells:
            if axes == self.axes and 0 <= cell.i < columns and 0 <= cell.j < rows:
                self.loss[cell.j, cell.i] = cell.loss

    def drawn(self, x: Axis, y: Axis) -> tuple[NDArray[np.float32], Axis, Axis]:
        """Logarithm of the loss on cells even on two axes, and the part that they cover.

        Between the values of a whole map it is interpolated.
        """
        (across, part_x), (up, part_y) = _even(x, self.x_values), _even(y, self.y_values)
        rows, columns = np.argsort(self.y_values), np.argsort(self.x_values)
        loss = np.log10(np.maximum(self.loss[np.ix_(rows, columns)], 1e-12))
        if not np.isfinite(loss).all():
            across, up = np.round(across), np.round(up)
        at = np.arange(max(loss.shape), dtype=np.float64)
        loss = np.stack([np.interp(across, at[: len(row)], row) for row in loss])
        loss = np.stack([np.interp(up, at[: len(column)], column) for column in loss.T], axis=1)
        return loss.astype(np.float32), part_x, part_y


def _even(axis: Axis, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], Axis]:
    """Places of even cells of an axis among the sorted values, and what the cells cover."""
    places = np.sort(axis.coordinates(values))
    half = 0.5 * (places[-1] - places[0]) / (len(places) - 1)
    low, high = float(places[0] - half), float(places[-1] + half)
    middles = low + (np.arange(_CELLS) + 0.5) / _CELLS * (high - low)
    ends = axis.values([low, high]).tolist()
    among = np.interp(middles, places, np.arange(len(places)))
    return among, Axis(ends[0], ends[1], kind=axis.kind, knee=axis.knee)


def _contours(loss: NDArray[np.float32], x: Axis, y: Axis) -> _Points:
    """Lines of equal loss, each ended by NaN."""
    across, up = list[float](), list[float]()
    for level in _CONTOURS:
        ways: Any = pg.isocurve(loss.T, level, connected=True) if loss.min() < level else ()
        for way in ways:
            at = np.array(way) / loss.shape[::-1]
            across += [*x.at(at[:, 0]), np.nan]
            up += [*y.at(at[:, 1]), np.nan]
    return across, up


def _arrows(loss: NDArray[np.float32], x: Axis, y: Axis) -> _Points:
    """Arrows downhill, as pairs of points."""
    slopes: Any = np.gradient(loss.astype(np.float64))
    step = _CELLS // _ARROWS
    rows, columns = np.mgrid[step // 2 : _CELLS : step, step // 2 : _CELLS : step]
    ahead = -np.stack([slopes[1][rows, columns], slopes[0][rows, columns]])
    ahead *= 0.3 * step / np.maximum(np.hypot(*ahead), 1e-9)
    middle, side = np.stack([columns + 0.5, rows + 0.5]), 0.4 * np.stack([-ahead[1], ahead[0]])
    tip, back = middle + ahead, middle + 0.4 * ahead
    points = np.stack([middle - ahead, tip, tip, back + side, tip, back - side])  # pairs
    at = np.moveaxis(points, 0, -1).reshape(2, -1)
    return x.at(at[0] / loss.shape[1]).tolist(), y.at(at[1] / loss.shape[0]).tolist()


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
        self.wanted_axes = NOTE_AXES
        self.axes = self._present(NOTE_AXES)
        self.map = LossMap(None, np.zeros(0), np.zeros(0))
        self.trajectory: list[MatchStep] = []
        self._known: dict[str, float] | None = None
        self._grip = self._mouse = QPointF()
        x, y = (Axis.of(parameters[id_]) for id_ in self.axes)
        super().__init__("Pad", "", x, y, "loss", LEVELS, _loss_text)
        self.title = ""
        self.show_grid(True)
        bar = ColourBar([self], (-8.0, 0.5))
        bar.axis.tickStrings = lambda values, *_: [f"1e{value:g}" for value in values]
        self._contours = Curve(self, "MATCH", width=1.0, alpha=0.25, z=-8.0)
        self._arrows = Curve(self, "MATCH", width=1.0, alpha=0.35, connect="pairs", z=-8.0)
        self._counts = Curve(self, "DIM", width=1.0, alpha=0.4, z=-6.0)
        self._count_names = Labels(self, ground=0.6, z=-5.0, apart=0.0)
        self._ellipse = Curve(self, "MATCH", width=1.0, alpha=0.8, z=10.0)
        self._trail = Curve(self, "MATCH", width=1.0, alpha=0.8, dots=5.0, z=10.0)
        self._target, self._point = Dots(self), Dots(self, moving=True)
        self._lay_out(self.axes)
        self.looked.connect(self._show_point)
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
        """The axes, of the first layer, or else the first two parameters of a match."""
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
        super().set_axes(*(Axis.of(self._parameters[id_]) for id_ in axes))
        self.reset()
        self._show_loss()
        self._show_point()
        self._show_counts()
        self._show_trail()
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
            self._show_counts()

    def _show_point(self) -> None:
        at = self.values[self.axes[0]], self.values[self.axes[1]]
        left, _, low, _ = self.sight
        self._point.show([
            (*at, 32.0, "ACCENT", 0.12), (*at, 16.0, "ACCENT", 1.0),
            (at[0], low, 12.0, "ACCENT", 1.0), (left, at[1], 12.0, "ACCENT", 1.0),  # at the axes
        ])  # fmt: skip

    def _show_counts(self) -> None:
        """Lines on which an arpeggio has the same number of notes: gamma = ± f_m w / notes."""
        across, up = list[float](), list[float]()
        names = list[Label]()
        if self.axes == NOTE_AXES and "w" in self.values:
            x, y, w = self.x_axis, self.y_axis, self.values["w"]
            rates = np.geomspace(x.low, x.high, 64)
            for notes in NOTE_COUNTS:
                gammas = rates * w / notes
                shown = rates[gammas <= y.high]
                for sign in (1.0, -1.0):
                    across += [*shown, np.nan]
                    up += [*(sign * gammas[: len(shown)]), np.nan]
                at = 0.6 * shown[-1] if len(shown) else 0.0
                if x.low < at < x.high:
                    text = f"{notes} note{'s' * (notes > 1)}"
                    names.append((at, at * w / notes, text, (0.5, 0.5), "DIM"))
        self._counts.show(across, up)
        self._count_names.show(names)

    # ------------------------------------------------------------------ loss, target and match

    def start_map(
        self, axes: tuple[str, str] | None, x_values: NDArray[np.float64],
        y_values: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Begin an empty :class:`LossMap`, or none."""
        self.map = LossMap(axes, x_values, y_values)
        self._show_loss()

    def add_cells(self, axes: tuple[str, str], cells: Sequence[Cell]) -> None:
        """Fill cells of the map."""
        self.map.add(axes, cells)
        self._show_loss()

    def _show_loss(self) -> None:
        x, y = self.x_axis, self.y_axis
        self.image.show(*(self.map.drawn(x, y) if self._mapped else (None, x, y)))
        loss, shown = self.image.numbers, (self.image.x, self.image.y)
        whole = loss is not None and bool(np.isfinite(loss).all())
        self._contours.show(*(_contours(loss, *shown) if loss is not None and whole else ()))
        self._arrows.show(*(_arrows(loss, *shown) if loss is not None and whole else ()))
        self.show_bar()

    @property
    def _mapped(self) -> bool:
        return self.map.axes == self.axes and min(self.map.loss.shape) > 1

    @override
    def show_bar(self) -> None:
        super().show_bar()
        if self.bar is not None and not self._mapped:
            self.bar.hide()

    def set_known(self, values: dict[str, float] | None) -> None:
        """Mark the target by the parameters that made it; None where they are not known."""
        self._known = values
        there = values is not None and set(self.axes) <= set(values)
        at = [values[id_] for id_ in self.axes] if there and values is not None else []
        rings = ((26.0, 0.12), (15.0, 0.12), (4.0, 1.0)) if at else ()
        self._target.show((at[0], at[1], size, "MATCH", fill) for size, fill in rings)

    def start_trajectory(self) -> None:
        """Forget the last match."""
        self.trajectory.clear()
        self._show_trail()

    def add_step(self, step: MatchStep) -> None:
        """Draw the match on to a step."""
        self.trajectory.append(step)
        self._show_trail()

    def _show_trail(self) -> None:
        """Ways of a match, one from each start, and its best step with the error ellipse."""
        x, y = self.axes
        steps = [step for step in self.trajectory if {x, y} <= set(step.theta)]
        points = list[tuple[float, float]]()
        for start in {step.start for step in steps}:
            points += [(s.theta[x], s.theta[y]) for s in steps if s.start == start]
            points.append((np.nan, np.nan))
        self._trail.show([p[0] for p in points], [p[1] for p in points])
        best = min(steps, key=lambda step: step.loss, default=None)
        turn = np.linspace(0.0, 2.0 * np.pi, 49)
        self._ellipse.show(*(() if best is None else (
            best.theta[x] + best.std.get(x, 0.0) * np.cos(turn),
            best.theta[y] + best.std.get(y, 0.0) * np.sin(turn),
        )))  # fmt: skip

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
        rows: list[tuple[float | str, ...]] = [
            ("map", float(self.map.x_values[i]), float(self.map.y_values[j]), float(loss))
            for (j, i), loss in np.ndenumerate(self.map.loss)
            if self.map.axes == self.axes and math.isfinite(loss)
        ]
        steps = [s for s in self.trajectory if {x, y} <= set(s.theta)]
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
        self._grip += (event.position() - self._mouse) * speed(event)
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
        self._nudge(notches.x() * speed(ev), notches.y() * speed(ev))
        ev.accept()

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        step = ARROWS.get(Qt.Key(ev.key()))
        if step is None:
            super().keyPressEvent(ev)
        else:
            self._nudge(step[0] * speed(ev), step[1] * speed(ev))

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


# --------------------------------------------------------------------------------------------------
# Frame of the pad: the menu of its axes, and the switch of the loss map.


class PadFrame(Frame):
    """Frame of the pad, with the menu that chooses its axes."""

    def __init__(self, pad: Pad, parameters: ParameterTable) -> None:
        super().__init__("Pad", pad)
        self.pad, self.table = pad, pad.table
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
        self.header.insertWidget(1, self.button)
        pad.axes_chosen.connect(self._show_axes)
        self.set_table(parameters)

    def set_table(self, parameters: ParameterTable) -> None:
        """Offer another instrument's parameters."""
        self._parameters = parameters
        self.menu.clear()
        pairs = [pair for pair in _PAIRS if set(pair) <= set(parameters)]
        self._offer(self.menu, [(self._name(pair), pair) for pair in pairs], self.pad.set_axes)
        self.menu.addSeparator()
        plain = [(p.name, p.id) for p in parameters.values() if not p.choices]
        self._sides = [self.menu.addMenu(title) for title in ("Left to right", "Bottom to top")]
        for side, menu in enumerate(self._sides):
            self._offer(menu, plain, partial(self._choose_side, side))
        self.menu.addSeparator()
        self.menu.addAction(self.map_action)
        self._show_axes(self.pad.axes)

    def _offer(
        self, menu: QMenu, choices: Sequence[tuple[str, Any]], choose: Callable[[Any], object]
    ) -> None:
        group = QActionGroup(menu)
        for text, data in choices:
            action = menu.addAction(text, partial(choose, data))
            action.setData(data)
            action.setCheckable(True)
            action.setActionGroup(group)

    def _choose_side(self, side: int, id_: str) -> None:
        """Put a parameter on one side; if it was on the other, the two change places."""
        pair = list(self.pad.axes)
        if pair[1 - side] == id_:
            pair[1 - side] = pair[side]
        pair[side] = id_
        self.pad.set_axes((pair[0], pair[1]))

    def _show_axes(self, axes: tuple[str, str]) -> None:
        """Show which parameters the pad plays."""
        if not set(axes) <= set(self._parameters):
            return  # another instrument's, whose table comes next
        self.button.setText(self._name(axes))
        theme.name(self.button, "Axes of the pad", self._name(axes))
        for menu, shown in zip((self.menu, *self._sides), (axes, *axes), strict=True):
            for action in menu.actions():
                data: Any = action.data()
                if data is not None:
                    action.setChecked((tuple(data) if menu is self.menu else data) == shown)

    def _name(self, pair: tuple[str, str]) -> str:
        # While the instrument changes, the pad may be at the new one's parameters already.
        table = self._parameters
        return " × ".join(table[id_].name if id_ in table else id_ for id_ in pair)
