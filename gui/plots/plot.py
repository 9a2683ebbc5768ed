"""Plot: axes, zoom, read-out, cross-hair, menu, theme and paper of every picture on the desk.

A plot is a small class on :class:`Plot` with parts of :mod:`gui.plots.parts`, which are drawn with
values, in colours by name. It says what the read-out says (:meth:`Plot.read`) and what a file gets
(:meth:`Plot.table`). For a gesture of its own it overrides :meth:`Plot.press` (True takes it),
`drag`, `release` and `double_click`; a box is then drawn with Ctrl.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, cast

import numpy as np
import pyqtgraph as pg
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent, MouseDragEvent
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLabel, QMenu, QWidget
from typing_extensions import override

from .. import theme
from .axes import Axis, Kind
from .parts import Line, Part

pg.setConfigOptions(mouseRateLimit=-1)  # Qt joins moves of the mouse already

FONT = 7.5
"""Size of tick labels, points."""

_ZOOM = 0.8  # share of an axis that stays in sight after a notch of the wheel or a key
_PAN = 0.1  # of what is in sight, for a stroke of an arrow key
_CLOSEST = 2e-3  # the smallest share of an axis that can fill a plot
LEAST = 100, 60, 110
"""Width for the left axis, heights for the lower one and its label, px."""
ARROWS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1),
    Qt.Key.Key_Up: (0, 1),
}  # fmt: skip
"""Steps to the right and upwards of the arrow keys."""

_KEYS = {
    **ARROWS, Qt.Key.Key_Plus: _ZOOM, Qt.Key.Key_Equal: _ZOOM, Qt.Key.Key_Minus: 1.0 / _ZOOM,
    Qt.Key.Key_0: None, Qt.Key.Key_Home: None,
}  # fmt: skip
_HOW = (
    "Drag: zoom into a box · Wheel: zoom (Shift: sideways, Ctrl: upwards)\n"
    "Shift-drag, or drag an axis: move · Double-click: everything"
)

PAPER = {
    **theme.LIGHT, "PANEL": "#ffffff", "WELL": "#ffffff", "TEXT": "#000000", "DIM": "#333333",
    "LINE": "#555555", "GRID": "#dddddd", "MATCH": "#222222",
}  # fmt: skip
"""Colours of an exported plot."""


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of a view for a file."""

    columns: Sequence[str]
    rows: Iterable[Sequence[float | str]]


class TickedAxis(pg.AxisItem):
    """Axis with octaves, decades or marks, in the coordinates of :class:`Axis`."""

    _beyond = 0.0

    def __init__(self, plot: "Plot", side: Literal["left", "bottom"]) -> None:
        super().__init__(side)
        self.setStyle(
            tickLength=3, tickTextOffset=2, tickAlpha=255, maxTextLevel=0,
            autoExpandTextSpace=False, hideOverlappingLabels=True,
        )  # fmt: skip
        self.enableAutoSIPrefix(False)
        self.setZValue(-101.0)  # below the view's -100: grid lines run behind what is drawn
        self.plot, self.upright, self.numbered = plot, side == "left", True

    @property
    def axis(self) -> Axis:
        """The plot's, on this side."""
        return self.plot.y_axis if self.upright else self.plot.x_axis

    def fit(self) -> None:
        """Take room for tick labels, and the longest label of the axis that fits."""
        plot, size, label = self.plot, self.size(), self.label
        assert label is not None
        font, line = plot.font(), plot.line_height
        self.prepareGeometryChange()
        self._beyond = 0.5 * line  # that labels of the outermost ticks reach over the axis
        room, measure = (size.height() if self.upright else size.width()), QFontMetricsF(font)
        width, height = plot.width() / theme.zoom, plot.height() / theme.zoom
        shown = self.numbered and (width >= LEAST[0] if self.upright else height >= LEAST[1])
        named = shown and (self.upright or height >= LEAST[2])
        # An upright label may use the corners, too.
        fitting = (
            t for t in self.axis.labels if named and measure.horizontalAdvance(t) <= room + 4
        )
        self.labelText = next(fitting, "")
        self.setStyle(tickFont=font, showValues=shown)
        if self.upright:
            self.setWidth(round((3 + named) * line) if shown else 5)
        else:
            self.setHeight(round((1.4 + named if shown else 0.4) * line))
        label.setFont(font)
        label.document().setDocumentMargin(0.0)
        label.setPlainText(self.labelText)
        label.setVisible(bool(self.labelText))
        box = label.boundingRect()
        middle = 0.5 * (room + box.width() * (1 if self.upright else -1))
        label.setPos(*(0.0, middle) if self.upright else (middle, size.height() - box.height()))
        self.picture = None
        self.update()

    @override
    def resizeEvent(self, ev: object = None) -> None:
        if hasattr(self, "numbered"):
            self.fit()

    @override
    def boundingRect(self) -> QRectF:
        across, up = (0.0, self._beyond) if self.upright else (self._beyond, 0.0)
        return super().boundingRect().adjusted(-across, -up, across, up)

    @override
    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        low, high = self.axis.values([minVal, maxVal]).tolist()
        measure, line = QFontMetricsF(self.plot.font()), self.plot.line_height
        most = int(size // ((1.8 if self.upright else 3.4) * line))
        self._ticks = dict[float, str]()
        free = -self._beyond
        for value, text in replace(self.axis, low=low, high=high).ticks(max(most, 2)):
            at = float(self.axis.coordinates(value))
            place = (at - minVal) / (maxVal - minVal) * size
            half = 0.45 * line if self.upright else 0.5 * measure.horizontalAdvance(text) + 2.0
            if (
                free <= place - half and place + half <= size + self._beyond
            ):  # labels do not overlap
                self._ticks[at] = text
                free = place + half
        return [(1.0, list(self._ticks))]

    @override
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [self._ticks[value] for value in values]


class Title(pg.GraphicsWidget):
    """One line of text over a plot, or the first shorter one that fits; the last ends in …."""

    def __init__(self, plot: "Plot") -> None:
        super().__init__()
        self._plot, self.text = plot, ""
        self.shorter: tuple[str, ...] = ()
        self.fit()

    def fit(self) -> None:
        """Take room for the text, if there is one."""
        height = round((1.5 if self.text else 0.5) * self._plot.line_height)
        self.setMaximumHeight(height)
        self.setMinimumHeight(height)
        self.update()

    @override
    def paint(self, painter: QtGui.QPainter, option: object, widget: QWidget | None = None) -> None:
        painter.setFont(self._plot.font(FONT + 0.5))
        painter.setPen(self._plot.ink("TEXT"))
        texts, metrics = (self.text, *self.shorter), QFontMetricsF(painter.font())
        room, ends = self.rect().width(), Qt.TextElideMode.ElideRight
        fitting = (text for text in texts if metrics.horizontalAdvance(text) <= room)
        text = metrics.elidedText(next(fitting, texts[-1]), ends, room)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)


class Box(pg.ViewBox):
    """View: left drag zooms into a box, middle or Shift-drag moves, the wheel zooms."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.disableAutoRange()
        self.state["wheelScaleFactor"] = np.log(_ZOOM) / np.log(1.02) / 120.0

    @override
    def mouseDragEvent(self, ev: MouseDragEvent, axis: int | None = None) -> None:
        if ev.button() == Qt.MouseButton.RightButton:
            ev.ignore()
            return
        shift = ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        moves = shift or ev.button() == Qt.MouseButton.MiddleButton
        self.state["mouseMode"] = self.PanMode if moves else self.RectMode
        super().mouseDragEvent(ev, axis)

    @override
    def wheelEvent(self, ev: QtWidgets.QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        if axis is None and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            axis = 0
        elif axis is None and ev.modifiers() & Qt.KeyboardModifier.ControlModifier:
            axis = 1
        super().wheelEvent(ev, axis)


class Plot(pg.GraphicsView):
    """Plot of numbers.

    Parameters
    ----------
    name, description : str
        What it is called, for screen readers and files, and how it is used.
    x, y : Axis
        Everything there is; zoom shows parts of it.
    hint : str
        What stands in the middle until :meth:`set_empty`.
    read : callable, optional
        In the place of :meth:`read`.
    bare : bool
        Whether it has no ticks.

    Attributes
    ----------
    x_axis, y_axis : Axis
        As they are drawn: linear or logarithmic as the user chose.
    linked, crossed : bool
        Whether it follows its :class:`Link`, and has a cross-hair under the mouse.
    stroke, letters : float
        Width of a line of one pixel, more than 1 while it is exported, and size of all texts.

    Signals
    -------
    looked
        What is in sight has changed.
    pointed : object
        (x, y) under the mouse, None when it has left.
    clicked
        The left button, without a drag.
    """

    crossed = linked = True
    grid = on_paper = _held = _pointed = False
    stroke = letters = 1.0
    looked = Signal()
    pointed = Signal(object)
    clicked = Signal()

    def __init__(
        self, name: str, x: Axis, y: Axis, description: str = "", hint: str = "",
        read: Callable[[float, float], str] | None = None, bare: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._read = read
        self.name, self.x_axis, self.y_axis = name, x, y
        self.parts: list[Part] = []
        self.links: list[Link] = []
        self._kinds: dict[str, Kind] = {}  # chosen by the user, by side
        self._ground = QtWidgets.QGraphicsRectItem()
        self._ground.setZValue(-2.0)
        self.scene().addItem(self._ground)
        self.box, self._title = Box(), Title(self)
        self.left, self.bottom = TickedAxis(self, "left"), TickedAxis(self, "bottom")
        self.left.numbered = self.bottom.numbered = not bare
        self.grid_layout = QtWidgets.QGraphicsGridLayout()
        self.grid_layout.setContentsMargins(0.0, 0.0, 0.0, 0.0)
        self.grid_layout.setSpacing(0.0)
        for item, row, column in (
            (self._title, 0, 1), (self.left, 1, 0), (self.box, 1, 1), (self.bottom, 2, 1)
        ):  # fmt: skip
            self.grid_layout.addItem(item, row, column)
        centre = pg.GraphicsWidget()
        centre.setLayout(self.grid_layout)
        self.setCentralItem(centre)
        self._cross = Line(self, "DIM"), Line(self, "DIM", upright=False)
        self._readout, self._hint = QLabel(self.viewport()), QLabel(hint, self.viewport())
        for label in (self._readout, self._hint):  # the mouse does not notice them
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.setMinimumSize(0, 0)
            label.hide()
        self._hint.setWordWrap(True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.set_empty(bool(hint))
        self.setMinimumSize(60, 40)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for widget in (self, self.viewport()):
            theme.name(widget, name, description)
        self.setWhatsThis(f"{description}\n{_HOW}".strip())
        self.left.linkToView(self.box)
        self.bottom.linkToView(self.box)
        self._go_home()
        self.box.sigResized.connect(self._on_resized)
        self.box.sigRangeChanged.connect(self.looked)
        cast("pg.GraphicsScene", self.scene()).sigMouseClicked.connect(self._on_click)
        self.dress()

    # ------------------------------------------------------------------ what is shown

    @property
    def title(self) -> str:
        """Text over the plot."""
        return self._title.text

    @title.setter
    def title(self, text: str) -> None:
        self._title.text = text
        self._title.fit()
        for widget in (self, self.viewport()):
            theme.name(widget, f"{self.name}, {text}" if text else self.name)

    def table(self) -> Table:
        """Numbers that are shown, for a file; columns say their units."""
        return Table((), ())

    def read(self, x: float, y: float) -> str:
        """What the read-out says of a point; "" for nothing."""
        if self._read is not None:
            return self._read(x, y)
        return f"{self.x_axis.text(x)} · {self.y_axis.text(y)}"

    def shorten(self, *titles: str) -> None:
        """Titles where there is no room for the whole one, the longest first."""
        self._title.shorter = titles

    def set_empty(self, empty: bool, hint: str = "") -> None:
        """Show the hint, or another one, while there is nothing else to show."""
        if hint:
            self._hint.setText(hint)
        self._hint.setVisible(empty)

    @property
    def empty(self) -> bool:
        """Whether the hint is shown."""
        return not self._hint.isHidden()

    # ------------------------------------------------------------------ axes and zoom

    def set_axes(self, x: Axis, y: Axis) -> None:
        """Change what there is to see; what is in sight stays, as far as it is there."""
        x, y = self._chosen(x, "x"), self._chosen(y, "y")
        if (x, y) == (self.x_axis, self.y_axis):
            return
        zoomed, (left, right, low, high) = self.zoomed, self.sight
        self.x_axis, self.y_axis = x, y
        self.bottom.fit()
        self.left.fit()
        self._go_home()
        left, right = max(left, x.low), min(right, x.high)
        low, high = max(low, y.low), min(high, y.high)
        if zoomed and left < right and low < high:
            self.look_at(left, right, low, high)
        for part in self.parts:
            part.draw()

    @property
    def sight(self) -> tuple[float, float, float, float]:
        """What is in sight: values at the left, the right, the bottom and the top."""
        across, up = self.box.viewRange()
        left, right = self.x_axis.values(across).tolist()
        low, high = self.y_axis.values(up).tolist()
        return left, right, low, high

    @property
    def zoomed(self) -> bool:
        """Whether only a part is in sight."""
        home = np.array([self.x_axis.span, self.y_axis.span])
        off = np.abs(np.array(self.box.viewRange()) - home)
        return bool((off > 1e-6 * (home[:, 1:] - home[:, :1])).any())

    def look_at(self, left: float, right: float, low: float, high: float) -> None:
        """Bring a part in sight, by values."""
        across, up = self.x_axis.coordinates([left, right]), self.y_axis.coordinates([low, high])
        self.box.setRange(xRange=across.tolist(), yRange=up.tolist(), padding=0.0)

    def reset(self) -> None:
        """Bring everything back in sight."""
        self.box.setRange(xRange=self.x_axis.span, yRange=self.y_axis.span, padding=0.0)

    @property
    def area(self) -> QRectF:
        """Rectangle of the view, px of the widget."""
        return self.box.sceneBoundingRect()

    def pixel(self, x: float, y: float) -> QPointF:
        """Place of two values, px of the widget."""
        at = QPointF(float(self.x_axis.coordinates(x)), float(self.y_axis.coordinates(y)))
        return self.box.mapViewToScene(at)

    def values_at(self, spot: QPointF) -> tuple[float, float]:
        """Values at a pixel of the widget."""
        at = self.box.mapSceneToView(spot)
        return float(self.x_axis.values(at.x())), float(self.y_axis.values(at.y()))

    def choose(self, side: Literal["x", "y"], kind: Kind) -> None:
        """Draw an axis linear or logarithmic, whatever it was made for."""
        self._kinds[side] = kind
        self.set_axes(self.x_axis, self.y_axis)

    def show_grid(self, shown: bool) -> None:
        """Draw lines at the ticks across the plot, or none."""
        self.grid = shown
        self.dress()

    def _chosen(self, axis: Axis, side: str) -> Axis:
        kind = self._kinds.get(side, axis.kind)
        return replace(axis, kind=kind) if kind == "linear" or axis.low > 0.0 else axis

    def _go_home(self) -> None:
        (left, right), (low, high) = self.x_axis.span, self.y_axis.span
        self.box.setLimits(
            xMin=left, xMax=right, yMin=low, yMax=high,
            minXRange=_CLOSEST * (right - left), minYRange=_CLOSEST * (high - low),
            maxXRange=right - left, maxYRange=high - low,
        )  # fmt: skip
        self.reset()

    # ------------------------------------------------------------------ letters and colours

    def font(self, points: float = FONT) -> QFont:
        """Font of its texts, larger on a stage."""
        return theme.font(points * self.letters)

    @property
    def line_height(self) -> float:
        """Height of a line of tick labels, px."""
        return QFontMetricsF(self.font()).height()

    def set_letters(self, times: float) -> None:
        """Write so many times as large as usual."""
        self.letters = times
        self.dress()

    def ink(self, name: str, alpha: float = 1.0) -> QtGui.QColor:
        """A colour by name: "ACCENT", as theme or paper have it, or "#rrggbb"."""
        if not name.startswith("#"):
            name = PAPER[name] if self.on_paper else getattr(theme, name)
        return theme.colour(name, alpha)

    @property
    def light(self) -> bool:
        """Whether the ground is light."""
        return self.ink("WELL").lightness() > 127

    def dress(self) -> None:
        """Take the colours and the letters of the present theme."""
        self.setBackground(self.ink("PANEL"))
        self._ground.setBrush(self.ink("WELL"))
        self._ground.setPen(QtGui.QPen(self.ink("LINE"), 0.0))
        for axis in (self.left, self.bottom):
            axis.setPen(QtGui.QPen(self.ink("LINE"), 1.0))
            axis.setTextPen(QtGui.QPen(self.ink("DIM")))
            axis.setTickPen(QtGui.QPen(self.ink("GRID" if self.grid else "LINE"), 1.0))
            axis.setGrid(255 if self.grid else False)
            axis.fit()
            if axis.label is not None:
                axis.label.setDefaultTextColor(self.ink("DIM"))
        self._title.fit()
        self.grid_layout.setColumnFixedWidth(3, 0.5 * self.line_height)  # for half a tick's label
        self.box.rbScaleBox.setPen(QtGui.QPen(self.ink("ACCENT"), 0.0))
        self.box.rbScaleBox.setBrush(self.ink("ACCENT", 0.15))
        look = f"color: {theme.TEXT}; background: {theme.RAISED}; padding: 1px 4px;"
        self._readout.setStyleSheet(f"{look} border-radius: 3px;")
        self._hint.setStyleSheet(f"color: {theme.DIM}; background: transparent;")
        for part in self.parts:
            part.draw()

    @contextmanager
    def printed(self, stroke: float = 1.0) -> Generator[None]:
        """While it is exported: on white paper, with lines so wide, without what moves."""
        self.on_paper, self.stroke = True, stroke
        self.dress()
        gone = [i for p in self.parts if p.moving for i in p.items if i.isVisible()]
        for item in gone:
            item.hide()
        try:
            yield
        finally:
            self.on_paper, self.stroke = False, 1.0
            self.dress()
            for item in gone:
                item.show()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        kinds = QEvent.Type
        if event.type() in (kinds.PaletteChange, kinds.FontChange) and hasattr(self, "_hint"):
            self.dress()

    # ------------------------------------------------------------------ hands

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Take a press of the left button on the view; False leaves it to zoom."""
        return False

    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        """Follow the mouse after :meth:`press` has taken it."""

    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        """End what :meth:`press` has taken."""

    def double_click(self, x: float, y: float, event: QMouseEvent) -> None:
        """React to a double-click on the view or an axis: everything comes back in sight."""
        self.reset()

    @override
    def mousePressEvent(self, ev: QMouseEvent) -> None:
        plain = not ev.modifiers() & Qt.KeyboardModifier.ControlModifier
        if ev.button() == Qt.MouseButton.LeftButton and plain and self.area.contains(ev.position()):
            self._held = self.press(*self.values_at(ev.position()), ev)
        if not self._held:
            super().mousePressEvent(ev)

    @override
    def mouseMoveEvent(self, ev: QMouseEvent) -> None:
        if self._held:
            self.drag(*self.values_at(ev.position()), ev)
        else:
            super().mouseMoveEvent(ev)
        self._point_to(ev.position())

    @override
    def mouseReleaseEvent(self, ev: QMouseEvent) -> None:
        if self._held and ev.button() == Qt.MouseButton.LeftButton:
            self._held = False
            self.release(*self.values_at(ev.position()), ev)
        else:
            super().mouseReleaseEvent(ev)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        inside = spot.x() < self.area.right() and spot.y() > self.area.top()  # or on an axis
        if event.button() == Qt.MouseButton.LeftButton and inside:
            self.double_click(*self.values_at(spot), event)
        else:
            super().mouseDoubleClickEvent(event)

    def _on_click(self, event: MouseClickEvent) -> None:
        inside = self.area.contains(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton and inside and not event.double():
            self.clicked.emit()

    @override
    def leaveEvent(self, ev: QEvent) -> None:
        super().leaveEvent(ev)
        self._point_to(None)

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            bare = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if bare and Qt.Key(event.key()) in _KEYS:
                event.accept()
                return True
        return super().event(event)

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        step = _KEYS.get(Qt.Key(ev.key()), 0)
        if step is None:
            self.reset()
        elif isinstance(step, tuple):
            (left, right), (low, high) = self.box.viewRange()
            self.box.translateBy((step[0] * _PAN * (right - left), step[1] * _PAN * (high - low)))
        elif step:
            self.box.scaleBy((step, step))
        else:
            ev.ignore()

    @override
    def contextMenuEvent(self, event: QtGui.QContextMenuEvent) -> None:
        event.ignore()  # the exporter shows it, with what it can save

    @override
    def resizeEvent(self, ev: QtGui.QResizeEvent | None) -> None:
        super().resizeEvent(ev)
        if hasattr(self, "_hint"):
            self.left.fit()
            self.bottom.fit()
            self.grid_layout.activate()  # now, not in the next turn

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, 120)

    def _on_resized(self) -> None:
        self._ground.setRect(self.area)
        self._hint.setGeometry(self.area.toRect())
        self._point_to(None)

    # ------------------------------------------------------------------ cross-hair and read-out

    def point_at(self, point: tuple[float, float] | None, upright_only: bool = False) -> None:
        """Show the cross-hair and the read-out at two values, or none."""
        self._pointed = point is not None
        shown = point if self.crossed else None
        self._cross[0].move(None if shown is None else shown[0])
        self._cross[1].move(None if shown is None or upright_only else shown[1])
        text = "" if point is None or self.empty else self.read(*point)
        label, area = self._readout, self.area
        label.setVisible(bool(text))
        if point is None or not text:
            return
        label.setFont(self.font(FONT + 0.5))
        label.setWordWrap(False)
        label.setText(text)
        size, room = label.sizeHint(), int(area.width()) - 4
        if size.width() > room:
            label.setWordWrap(True)
            size = QSize(room, label.heightForWidth(room))
        low = self.pixel(*point).y() < area.top() + size.height() + 12
        low = low and area.height() > 3 * size.height()
        top = area.bottom() - size.height() - 2 if low else area.top() + 2
        place = QPointF(area.right() - size.width() - 2, top)
        label.setGeometry(QRectF(place, size.toSizeF()).toRect())

    @property
    def readout(self) -> str:
        """What the read-out says now; "" for nothing."""
        return "" if self._readout.isHidden() else self._readout.text()

    def _point_to(self, spot: QPointF | None) -> None:
        inside = spot is not None and self.area.contains(spot)
        point = self.values_at(spot) if spot is not None and inside else None
        if point is not None or self._pointed:
            self.point_at(point)
            self.pointed.emit(point)

    # ------------------------------------------------------------------ menu

    def fill_menu(self, menu: QMenu) -> None:
        """Put what the plot can do into a menu."""
        menu.addAction("Show everything", self.reset)
        left, right, low, high = self.sight
        self._fill_axis_menu(menu, "x", self.x_axis, lambda a, b: self.look_at(a, b, low, high))
        self._fill_axis_menu(menu, "y", self.y_axis, lambda a, b: self.look_at(left, right, a, b))
        add_choice(menu, "Grid", self.grid, self.show_grid)
        if self.links:
            add_choice(menu, "Linked", self.linked, partial(setattr, self, "linked"))

    def _fill_axis_menu(
        self, menu: QMenu, side: Literal["x", "y"], axis: Axis, take: Callable[[float, float], None]
    ) -> None:
        name = axis.labels[1] or ("Horizontal" if side == "x" else "Vertical")
        part = menu.addMenu(f"{name} axis")
        if not axis.marks and axis.kind != "signed":
            log: Kind = "decades" if axis.kind == "decades" else "octaves"
            ways: list[tuple[str, Kind]] = [("Linear", "linear"), ("Logarithmic", log)]
            for text, kind in ways if axis.low > 0.0 else ways[:1]:
                way = partial(self.choose, side, kind)
                add_choice(part, text, axis.kind == kind, lambda _, way=way: way())
        add_range(part, self.sight[:2] if side == "x" else self.sight[2:], axis.unit, take)


def add_choice(menu: QMenu, text: str, checked: bool, react: Callable[[bool], object]) -> None:
    """An entry of a menu with a tick."""
    action = menu.addAction(text)
    action.setCheckable(True)
    action.setChecked(checked)
    action.toggled.connect(react)


def add_row(menu: QMenu, *parts: QWidget) -> None:
    """Widgets beside each other at the end of a menu."""
    row = QWidget()
    layout = QtWidgets.QHBoxLayout(row)
    layout.setContentsMargins(12, 2, 12, 4)
    for part in parts:
        layout.addWidget(part)
    action = QtWidgets.QWidgetAction(menu)
    action.setDefaultWidget(row)
    menu.addAction(action)


def add_range(
    menu: QMenu, seen: Iterable[float], unit: str, take: Callable[[float, float], object]
) -> None:
    """Two fields for the ends of a range at the end of a menu; Return gives both to `take`."""
    fields = [QtWidgets.QLineEdit(f"{end:.4g}") for end in seen]

    def on_return() -> None:
        try:
            low, high = sorted(float(field.text().replace("−", "-")) for field in fields)
        except ValueError:
            return
        if low < high:
            take(low, high)
            top = menu
            while isinstance(parent := top.parent(), QMenu):
                top = parent
            top.close()

    for field, word in zip(fields, ("From", "to"), strict=True):
        field.setFixedWidth(64)
        theme.name(field, f"{word} {unit}".strip())
        field.returnPressed.connect(on_return)
    add_row(menu, QLabel("From"), fields[0], QLabel("to"), fields[1], QLabel(unit))


class Link(QObject):
    """Plots on the same axes: what is in sight, and the cross-hair, are the same in all.

    pyqtgraph's own links align views by their pixels on the screen; these have the same values.
    Plots that are not `upright` share the horizontal axis alone.
    """

    def __init__(self, plots: Iterable[Plot], upright: bool = True) -> None:
        super().__init__()
        self.plots, self._upright, self._busy = list(plots), upright, False
        for plot in self.plots:
            plot.links.append(self)
            plot.looked.connect(partial(self._follow, plot))
            plot.pointed.connect(partial(self._point, plot))

    def _others(self, plot: Plot) -> list[Plot]:
        return [each for each in self.plots if each is not plot and each.linked and plot.linked]

    def _follow(self, plot: Plot) -> None:
        if self._busy:
            return
        self._busy = True
        across, up = plot.box.viewRange()
        for other in self._others(plot):
            if other.x_axis == plot.x_axis:
                other.box.setXRange(*across, padding=0.0)
            if self._upright and other.y_axis == plot.y_axis:
                other.box.setYRange(*up, padding=0.0)
        self._busy = False

    def _point(self, plot: Plot, point: tuple[float, float] | None) -> None:
        for other in self._others(plot):
            if self._upright or point is None:
                other.point_at(point)
            else:  # at the same time, whatever the height
                other.point_at((point[0], float(other.y_axis.at(0.5))), upright_only=True)
