"""Plot: the base of every picture of numbers on the desk, on pyqtgraph.

A plot is a small class on :class:`Plot`::

    class Levels(Plot):
        def __init__(self) -> None:
            super().__init__("Levels", Axis(20.0, 20e3, "Frequency (Hz)", "octaves"),
                             Axis(-90.0, 0.0, "Level (dB)"))
            self.curve = Curve(self, "ACCENT")         # "ACCENT": of the theme, whatever it is now
            self.playhead = Line(self, "MATCH")        # moves often, is not exported

        def show_levels(self, frequencies, levels) -> None:
            self.curve.show(frequencies, levels)       # in values: the plot knows its axes

        def read(self, x: float, y: float) -> str:     # the read-out under the mouse
            return f"{self.x_axis.text(x)} · {self.y_axis.text(y)}"

The base has the axes, zoom (wheel, box, drag on an axis, keys), reset (double-click, 0, Home), the
read-out, the cross-hair, the menu, the theme, and what an export needs:

- What is drawn is a :class:`Part` (:class:`Curve`, :class:`Line`, :class:`gui.plots.picture.Image`
  or one's own around any item of pyqtgraph): `place` puts it on the axes, again after
  :meth:`Plot.set_axes` and after linear or logarithmic was chosen; `dress` takes its colours from
  :meth:`Plot.ink`, again in another theme and on white paper; `moving` leaves it out of exports.
- A gesture of its own: override :meth:`Plot.press` (True takes the gesture), :meth:`Plot.drag`,
  :meth:`Plot.release` and :meth:`Plot.double_click`; each is given the values under the mouse and
  the event. A box is then drawn with Ctrl, as everywhere. `wheelEvent` and `keyPressEvent` are
  overridden as in Qt; what they leave goes to the base.
- :meth:`Plot.pixel` and :meth:`Plot.values_at` convert between values and pixels of the widget.
- A "signed" :class:`Axis` runs in octaves from negative values through 0 to positive ones.
- :class:`Link` joins plots: zoom one, and all zoom; point into one, and all are read there.
- A plot must not be imported before the first window is on screen (pyqtgraph takes 0.3 s): give
  :class:`gui.plots.frame.Later` a function that imports and makes it.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike, NDArray
from pyqtgraph.GraphicsScene.mouseEvents import MouseDragEvent
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QGraphicsGridLayout,
    QGraphicsItem,
    QGraphicsRectItem,
    QGraphicsSceneWheelEvent,
    QGraphicsTextItem,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QStyleOptionGraphicsItem,
    QWidget,
    QWidgetAction,
)
from typing_extensions import override

from .. import theme
from .axes import Axis
from .frame import Table

# --------------------------------------------------------------------------------------------------
# Axis, title and view box of a plot, as items of pyqtgraph.


pg.setConfigOptions(mouseRateLimit=-1)  # Qt joins moves of the mouse already

FONT = 7.5
"""Size of tick labels, points."""

_ZOOM = 0.8  # share of an axis that stays in sight after a notch of the wheel or a key
_PAN = 0.1  # of what is in sight, for a stroke of an arrow key
_CLOSEST = 2e-3  # the smallest share of an axis that can fill a plot
_NARROWEST = 150, 60, 110  # px: width for the left axis, heights for the lower one and its label
_KEYS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1),
    Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Plus: _ZOOM, Qt.Key.Key_Equal: _ZOOM,
    Qt.Key.Key_Minus: 1.0 / _ZOOM, Qt.Key.Key_0: None, Qt.Key.Key_Home: None,
}  # fmt: skip
"""Steps of the arrow keys, factors of + and -, None for everything."""

PAPER = {
    **theme.LIGHT, "PANEL": "#ffffff", "WELL": "#ffffff", "TEXT": "#000000", "DIM": "#333333",
    "LINE": "#555555", "GRID": "#dddddd", "MATCH": "#222222",
}  # fmt: skip
"""Colours of an exported plot."""


class TickedAxis(pg.AxisItem):
    """Axis with octaves, decades or marks, in the coordinates of :class:`Axis`."""

    def __init__(self, side: str, axis: Axis) -> None:
        super().__init__(side)
        self.setStyle(
            tickLength=3, tickTextOffset=2, tickAlpha=255, maxTextLevel=0,
            autoExpandTextSpace=False, hideOverlappingLabels=True,
        )  # fmt: skip
        self.enableAutoSIPrefix(False)
        self.setZValue(-101.0)  # below the view's -100: grid lines run behind what is drawn
        self.axis = axis
        self.numbered = self.roomy = self.named = True

    def show_axis(self, axis: Axis) -> None:
        """Take another axis."""
        self.axis = axis
        self.fit()

    def fit(self) -> None:
        """Room for tick labels, and the longest label of the axis that fits."""
        font = theme.font(FONT)
        metrics = QFontMetricsF(font)
        upright = self.orientation in ("left", "right")
        room = self.size().height() if upright else self.size().width()
        numbered = self.numbered and self.roomy
        named = self.named and numbered
        # An upright label may use the corners, too.
        texts = (t for t in self.axis.labels if metrics.horizontalAdvance(t) <= room + 4.0)
        text = next(texts, "") if named else ""
        self.setStyle(tickFont=font, showValues=numbered)
        line = metrics.height()
        if upright:
            self.setWidth(round((3.0 + named) * line) if numbered else 5)
        else:
            self.setHeight(round((1.4 + named) * line) if numbered else 4)
        label = self.label
        assert label is not None
        label.setFont(font)
        if text != label.toPlainText():
            self.labelText = text
            label.setPlainText(text)
        label.setVisible(bool(text))
        label.document().setDocumentMargin(0.0)
        box, size = label.boundingRect(), self.size()
        if upright:
            label.setPos(0.0, 0.5 * (size.height() + box.width()))
        else:
            label.setPos(0.5 * (size.width() - box.width()), size.height() - box.height())
        self.picture = None
        self.update()

    @property
    def preferred(self) -> int:
        """Width of an upright axis with its numbers and its label, px."""
        return round(4.0 * QFontMetricsF(theme.font(FONT)).height())

    @override
    def resizeEvent(self, ev: object = None) -> None:
        if hasattr(self, "named"):
            self.fit()

    @override
    def boundingRect(self) -> QRectF:
        rect = super().boundingRect()  # labels of the outermost ticks go half beyond it
        upright = self.orientation in ("left", "right")
        return rect.adjusted(0, -8, 0, 8) if upright else rect.adjusted(-4, 0, 5, 0)

    @override
    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        """Coordinates of the ticks, for pyqtgraph."""
        low, high = self.axis.values([minVal, maxVal]).tolist()
        line = QFontMetricsF(theme.font(FONT)).height()
        upright = self.orientation in ("left", "right")
        most = int(size // ((1.8 if upright else 3.4) * line))
        shown = Axis(low, high, kind=self.axis.kind, marks=self.axis.marks, knee=self.axis.knee)
        self._ticks = dict[float, str]()
        free = -1e9
        for value, text in shown.ticks(max(most, 2)):
            at = float(self.axis.coordinates(value))
            place = (at - minVal) / (maxVal - minVal) * size
            width = QFontMetricsF(theme.font(FONT)).horizontalAdvance(text)
            half = 0.45 * line if upright else 0.5 * width + 2.0
            if place - half >= free:  # labels do not overlap
                self._ticks[at] = text
                free = place + half
        return [(1.0, list(self._ticks))]

    @override
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Texts of the ticks, for pyqtgraph."""
        return [self._ticks[value] for value in values]


class Title(pg.GraphicsWidget):
    """One line of text over a plot, which ends in … where there is no room for it."""

    def __init__(self, plot: "Plot") -> None:
        super().__init__()
        self._plot = plot
        self._text = ""

    def set_text(self, text: str) -> None:
        """Write another title; "" takes no room."""
        self._text = text
        height = round(1.5 * QFontMetricsF(theme.font(FONT)).height()) if text else 5
        self.setMinimumHeight(height)
        self.setMaximumHeight(height)
        self.update()

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setFont(theme.font(FONT + 0.5))
        painter.setPen(self._plot.ink("TEXT"))
        text = QFontMetricsF(painter.font()).elidedText(
            self._text, Qt.TextElideMode.ElideRight, self.rect().width()
        )
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
    def wheelEvent(self, ev: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        if axis is None and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            axis = 0
        elif axis is None and ev.modifiers() & Qt.KeyboardModifier.ControlModifier:
            axis = 1
        super().wheelEvent(ev, axis)

    @override
    def keyPressEvent(self, ev: QKeyEvent) -> None:
        ev.ignore()  # the plot has its own keys


# --------------------------------------------------------------------------------------------------
# Parts: what a plot draws.


class Part:
    """Something that a plot draws.

    Parameters
    ----------
    plot : Plot
    item : QGraphicsItem
        Of pyqtgraph.
    moving : bool
        Whether it shows the present moment, and is left out of exports.
    fixed : bool
        Whether it stays where it is, px from the view's upper left corner, whatever is in sight.
    """

    def __init__(
        self, plot: "Plot", item: QGraphicsItem, moving: bool = False, fixed: bool = False
    ) -> None:
        self.plot, self.moving = plot, moving
        self.item: Any = item  # pyqtgraph's types are loose
        if fixed:
            item.setParentItem(plot.box)
        else:
            plot.box.addItem(item, ignoreBounds=True)
        plot.parts.append(self)

    def place(self) -> None:
        """Put the item on the plot's axes."""

    def dress(self) -> None:
        """Take the colours of :meth:`Plot.ink`."""


class Curve(Part):
    """Line through points; values that are not finite break it.

    Parameters
    ----------
    plot : Plot
    colour : str
        Of the theme, or "#rrggbb".
    width : float
        px; 0 for no line.
    alpha : float
        0 (clear) to 1 (opaque).
    dots : float
        Diameter of a dot at each point, px; 0 for none.
    fill : float or "enclosed", optional
        Value on the vertical axis down to which the area is filled, or the line's inside.
    connect : {"finite", "pairs"}
        "pairs" draws a line between the first two points, the next two, and so on.
    """

    def __init__(
        self,
        plot: "Plot",
        colour: str,
        width: float = 1.5,
        alpha: float = 1.0,
        dots: float = 0.0,
        fill: float | Literal["enclosed"] | None = None,
        connect: Literal["finite", "pairs"] = "finite",
    ) -> None:
        self.colour, self._width, self._alpha, self._dots, self._fill = (
            colour, width, alpha, dots, fill
        )  # fmt: skip
        self.x = self.y = np.zeros(0)
        super().__init__(plot, pg.PlotDataItem(antialias=connect == "finite", connect=connect))
        if dots:
            self.item.setSymbol("o")
        self.dress()

    def show(self, x: ArrayLike, y: ArrayLike) -> None:
        """Draw other points.

        Parameters
        ----------
        x, y : (n,) float
            In the axes' values.
        """
        self.x, self.y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self.place()

    @override
    def place(self) -> None:
        plot = self.plot
        self.item.setData(plot.x_axis.coordinates(self.x), plot.y_axis.coordinates(self.y))
        if self._fill == "enclosed":
            self.item.setFillLevel("enclosed")
        elif self._fill is not None:
            self.item.setFillLevel(float(plot.y_axis.coordinates(self._fill)))

    @override
    def dress(self) -> None:
        ink = self.plot.ink(self.colour, self._alpha)
        self.item.setPen(
            pg.mkPen(ink, width=self._width * self.plot.stroke) if self._width else None
        )
        if self._fill is not None:
            self.item.setFillBrush(self.plot.ink(self.colour, 0.25 * self._alpha))
        if self._dots:
            self.item.setSymbolPen(None)
            self.item.setSymbolBrush(ink)
            self.item.setSymbolSize(self._dots * self.plot.stroke)


class Line(Part):
    """Line across the whole plot, such as a playhead.

    Parameters
    ----------
    plot : Plot
    colour : str
        Of the theme.
    upright : bool
        Whether it stands at a value of the horizontal axis.
    moving, width, style
        See :class:`Part` and Qt's pens.
    """

    def __init__(
        self,
        plot: "Plot",
        colour: str,
        upright: bool = True,
        moving: bool = True,
        width: float = 1.0,
        style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    ) -> None:
        self._colour, self._upright, self._width, self._style = colour, upright, width, style
        self.at: float | None = None
        super().__init__(plot, pg.InfiniteLine(angle=90 if upright else 0), moving)
        self.item.setZValue(50.0)
        self.item.hide()
        self.dress()

    def move(self, at: float | None) -> None:
        """Move it to a value of its axis; None hides it."""
        if at != self.at:
            self.at = at
            self.place()

    @override
    def place(self) -> None:
        if self.at is not None:
            axis = self.plot.x_axis if self._upright else self.plot.y_axis
            self.item.setValue(float(axis.coordinates(self.at)))
        self.item.setVisible(self.at is not None)

    @override
    def dress(self) -> None:
        pen = pg.mkPen(
            self.plot.ink(self._colour), width=self._width * self.plot.stroke, style=self._style
        )
        self.item.setPen(pen)


class Legend(Part):
    """Names in the colours of curves or points, in lines as long as the plot is wide.

    Parameters
    ----------
    plot : Plot
    low : bool
        Whether it stands at the bottom.
    """

    def __init__(self, plot: "Plot", low: bool = False) -> None:
        self._low = low
        self._names: list[tuple[str, str]] = []
        super().__init__(plot, QGraphicsTextItem(), fixed=True)
        self.item.document().setDocumentMargin(2.0)
        self.item.setZValue(40.0)
        plot.box.sigResized.connect(self.dress)

    def show(self, names: Iterable[tuple[str, str]]) -> None:
        """Show colours and names; without any it is hidden."""
        self._names = list(names)
        self.dress()

    @property
    def height(self) -> float:
        """Of its lines, px."""
        return self.item.boundingRect().height() if self._names else 0.0

    @override
    def dress(self) -> None:
        area, text = self.plot.area, self.plot.ink("DIM").name()
        words = [
            f"<span style='color:{colour}'>●</span>&nbsp;"
            f"<span style='color:{text}'>{name.replace(' ', '&nbsp;')}</span>"
            for colour, name in self._names
        ]
        self.item.setFont(theme.font(FONT))
        self.item.setHtml(" &nbsp;".join(words))
        self.item.setTextWidth(max(area.width() - 4.0, 1.0))
        self.item.setPos(2.0, area.height() - self.height if self._low else 0.0)
        self.item.setVisible(bool(words))


# --------------------------------------------------------------------------------------------------
# The plot.


class Plot(pg.GraphicsView):
    """Plot of numbers: axes, zoom, read-out, cross-hair, menu.

    Parameters
    ----------
    name : str
        What it is called, for screen readers and files.
    x, y : Axis
        Everything there is; zoom shows parts of it.
    description : str
        What it shows and how it is used, for screen readers and as its tool tip.
    hint : str
        What stands in the middle until :meth:`set_empty`.

    Attributes
    ----------
    x_axis, y_axis : Axis
        As they are drawn: linear or logarithmic as the user chose.
    parts : list of Part
    links : list of Link
    linked : bool
        Whether it follows its links.
    crossed : bool
        Whether there is a cross-hair under the mouse.
    on_paper : bool
        Whether it is being exported.
    stroke : float
        Width of a line of one pixel, more than 1 while it is exported.

    Signals
    -------
    looked
        What is in sight has changed.
    pointed : object
        (x, y) under the mouse, None when it has left.
    """

    crossed = True
    looked = Signal()
    pointed = Signal(object)

    def __init__(self, name: str, x: Axis, y: Axis, description: str = "", hint: str = "") -> None:
        super().__init__()
        self.name = name
        self.x_axis, self.y_axis = x, y
        self.parts: list[Part] = []
        self.links: list[Link] = []
        self.linked = True
        self.grid = False
        self._kinds: dict[str, str] = {}  # chosen by the user, by side
        self.on_paper, self.stroke = False, 1.0
        self._held = self._pointed = False
        self._ground = QGraphicsRectItem()
        self._ground.setZValue(-2.0)
        self.scene().addItem(self._ground)
        self.box = Box()
        self.left, self.bottom = TickedAxis("left", y), TickedAxis("bottom", x)
        self.left.linkToView(self.box)
        self.bottom.linkToView(self.box)
        self._title = Title(self)
        self._title.set_text("")
        self._grid = QGraphicsGridLayout()
        self._grid.setContentsMargins(0.0, 0.0, 0.0, 0.0)
        self._grid.setSpacing(0.0)
        for item, row, column in (
            (self._title, 0, 1), (self.left, 1, 0), (self.box, 1, 1), (self.bottom, 2, 1)
        ):  # fmt: skip
            self._grid.addItem(item, row, column)
        self._grid.setColumnFixedWidth(3, 6.0)  # for half of the last tick's label
        centre = pg.GraphicsWidget()
        centre.setLayout(self._grid)
        self.setCentralItem(centre)
        self._cross = Line(self, "DIM"), Line(self, "DIM", upright=False)
        self._readout, self._hint = _overlay(self), _overlay(self)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setText(hint)
        self.set_empty(bool(hint))
        self.setMinimumSize(60, 40)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for widget in (self, self.viewport()):
            theme.name(widget, name, description)
        tip = "Drag: zoom into a box · Wheel: zoom (Shift: sideways, Ctrl: upwards)\n" \
              "Shift-drag, or drag an axis: move · Double-click: everything"  # fmt: skip
        self.setWhatsThis(f"{description}\n{tip}".strip())
        self.box.sigResized.connect(self._on_resized)
        self._go_home()
        self.box.sigRangeChanged.connect(self._on_looked)
        self.dress()

    # ------------------------------------------------------------------ what is shown

    @property
    def title(self) -> str:
        """Text over the plot."""
        return self._title._text

    @title.setter
    def title(self, text: str) -> None:
        self._title.set_text(text)
        for widget in (self, self.viewport()):
            theme.name(widget, f"{self.name}, {text}" if text else self.name)

    def table(self) -> Table:
        """Numbers that are shown, for a file; columns say their units."""
        return Table((), ())

    def read(self, x: float, y: float) -> str:
        """What the read-out says of a point; "" for nothing.

        Parameters
        ----------
        x, y : float
            In the axes' values.
        """
        return f"{self.x_axis.text(x)} · {self.y_axis.text(y)}"

    def set_empty(self, empty: bool) -> None:
        """Show the hint while there is nothing else to show."""
        self._hint.setVisible(empty)

    @property
    def empty(self) -> bool:
        """Whether the hint is shown."""
        return not self._hint.isHidden()

    # ------------------------------------------------------------------ axes and zoom

    def set_axes(self, x: Axis, y: Axis) -> None:
        """Change what there is to see; what is in sight stays, as far as it is there.

        Parameters
        ----------
        x, y : Axis
        """
        x, y = self._chosen(x, "x"), self._chosen(y, "y")
        if (x, y) == (self.x_axis, self.y_axis):
            return
        zoomed, sight = self.zoomed, self.sight
        moved = (x.kind, y.kind) != (self.x_axis.kind, self.y_axis.kind)
        self.x_axis, self.y_axis = x, y
        self.bottom.show_axis(x)
        self.left.show_axis(y)
        self._go_home()
        if zoomed:
            left, right, low, high = sight
            kept = (max(left, x.low), min(right, x.high), max(low, y.low), min(high, y.high))
            if kept[0] < kept[1] and kept[2] < kept[3]:
                self.look_at(*kept)
        if moved or self.parts:
            for part in self.parts:
                part.place()

    @property
    def sight(self) -> tuple[float, float, float, float]:
        """What is in sight: values at the left, the right, the bottom and the top."""
        (left, right), (low, high) = self.box.viewRange()
        across, up = (
            self.x_axis.values([left, right]).tolist(),
            self.y_axis.values([low, high]).tolist(),
        )
        return across[0], across[1], up[0], up[1]

    @property
    def zoomed(self) -> bool:
        """Whether only a part is in sight."""
        shares = [
            abs(seen - home) / max(abs(ends[1] - ends[0]), 1e-12)
            for ends, sides in zip(
                (self.x_axis.span, self.y_axis.span), self.box.viewRange(), strict=True
            )
            for seen, home in zip(sides, ends, strict=True)
        ]
        return max(shares) > 1e-6

    def look_at(self, left: float, right: float, low: float, high: float) -> None:
        """Zoom to a box.

        Parameters
        ----------
        left, right, low, high : float
            In the axes' values.
        """
        across = self.x_axis.coordinates([left, right]).tolist()
        up = self.y_axis.coordinates([low, high]).tolist()
        self.box.setRange(xRange=across, yRange=up, padding=0.0)

    def reset(self) -> None:
        """Bring everything back in sight."""
        self.box.setRange(xRange=self.x_axis.span, yRange=self.y_axis.span, padding=0.0)

    def zoom(self, factor: float) -> None:
        """Zoom around the middle; below 1 zooms in."""
        self.box.scaleBy((factor, factor))

    @property
    def area(self) -> QRectF:
        """Rectangle of the view, px of the widget."""
        return self.box.sceneBoundingRect()

    def pixel(self, x: float, y: float) -> QPointF:
        """Place of two values, px of the widget.

        Parameters
        ----------
        x, y : float
        """
        at = QPointF(float(self.x_axis.coordinates(x)), float(self.y_axis.coordinates(y)))
        return self.box.mapViewToScene(at)

    def values_at(self, spot: QPointF) -> tuple[float, float]:
        """Values at a pixel of the widget."""
        at = self.box.mapSceneToView(spot)
        return float(self.x_axis.values(at.x())), float(self.y_axis.values(at.y()))

    def choose(self, side: str, kind: str) -> None:
        """Draw an axis linear or logarithmic.

        Parameters
        ----------
        side : {"x", "y"}
        kind : str
            Of :class:`Axis`.
        """
        self._kinds[side] = kind
        self.set_axes(self.x_axis, self.y_axis)

    def show_grid(self, shown: bool) -> None:
        """Draw lines at the ticks across the plot, or none."""
        self.grid = shown
        self.dress()

    def _chosen(self, axis: Axis, side: str) -> Axis:
        kind = self._kinds.get(side)
        if kind is None or (kind != "linear" and axis.low <= 0.0):
            return axis
        return Axis(axis.low, axis.high, axis.label, kind, axis.marks, axis.short)  # pyright: ignore[reportArgumentType]

    def _go_home(self) -> None:
        (left, right), (low, high) = self.x_axis.span, self.y_axis.span
        self.box.setLimits(
            xMin=left, xMax=right, yMin=low, yMax=high,
            minXRange=_CLOSEST * (right - left), minYRange=_CLOSEST * (high - low),
            maxXRange=right - left, maxYRange=high - low,
        )  # fmt: skip
        self.reset()

    # ------------------------------------------------------------------ colours

    def ink(self, name: str, alpha: float = 1.0) -> QColor:
        """A colour of the present theme, or of paper while it is exported.

        Parameters
        ----------
        name : str
            Such as "ACCENT", or "#rrggbb".
        alpha : float
            0 (clear) to 1 (opaque).
        """
        if not name.startswith("#"):
            name = PAPER[name] if self.on_paper else getattr(theme, name)
        return theme.colour(name, alpha)

    @property
    def light(self) -> bool:
        """Whether the ground is light."""
        return self.ink("WELL").lightness() > 127

    def dress(self) -> None:
        """Take the colours of the present theme."""
        self.setBackground(self.ink("PANEL"))
        self._ground.setBrush(self.ink("WELL"))
        self._ground.setPen(QPen(self.ink("LINE"), 0.0))
        for axis in (self.left, self.bottom):
            axis.setPen(QPen(self.ink("LINE"), 1.0))
            axis.setTextPen(QPen(self.ink("DIM")))
            axis.setTickPen(QPen(self.ink("GRID" if self.grid else "LINE"), 1.0))
            axis.setGrid(255 if self.grid else False)
            axis.fit()
            if axis.label is not None:
                axis.label.setDefaultTextColor(self.ink("DIM"))
        self.box.rbScaleBox.setPen(QPen(self.ink("ACCENT"), 0.0))
        self.box.rbScaleBox.setBrush(self.ink("ACCENT", 0.15))
        text = f"color: {theme.TEXT}; background: {theme.RAISED}; padding: 1px 4px;"
        self._readout.setStyleSheet(text + "border-radius: 3px;")
        self._hint.setStyleSheet(f"color: {theme.DIM}; background: transparent;")
        for part in self.parts:
            part.dress()

    @contextmanager
    def printed(self, stroke: float = 1.0) -> Generator[None]:
        """While it is exported: on white paper, without playhead and cross-hair.

        Parameters
        ----------
        stroke : float
            Pixels of the picture for one on the screen: lines are as much wider.
        """
        gone = [p.item for p in self.parts if p.moving and p.item.isVisible()]
        for item in gone:
            item.hide()
        self.on_paper, self.stroke = True, stroke
        self.dress()
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
        """Take a press of the left button; False leaves it to zoom.

        Parameters
        ----------
        x, y : float
            Values under the mouse.
        event : QMouseEvent
        """
        return False

    def drag(self, x: float, y: float, event: QMouseEvent) -> None:
        """Follow the mouse after :meth:`press` has taken it.

        Parameters
        ----------
        x, y : float
            Values under the mouse.
        event : QMouseEvent
        """

    def release(self, x: float, y: float, event: QMouseEvent) -> None:
        """End what :meth:`press` has taken.

        Parameters
        ----------
        x, y : float
            Values under the mouse.
        event : QMouseEvent
        """

    def double_click(self, x: float, y: float, event: QMouseEvent) -> None:
        """React to a double-click on the view or an axis: everything comes back in sight.

        Parameters
        ----------
        x, y : float
            Values under the mouse.
        event : QMouseEvent
        """
        self.reset()

    @override
    def mousePressEvent(self, ev: QMouseEvent) -> None:
        plain = not ev.modifiers() & Qt.KeyboardModifier.ControlModifier
        inside = self.area.contains(ev.position())
        if ev.button() == Qt.MouseButton.LeftButton and plain and inside:
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
        on_axis = spot.x() < self.area.right() and spot.y() > self.area.top()
        if event.button() == Qt.MouseButton.LeftButton and on_axis:
            self.double_click(*self.values_at(spot), event)
        else:
            super().mouseDoubleClickEvent(event)

    @override
    def leaveEvent(self, ev: QEvent) -> None:
        super().leaveEvent(ev)
        self._point_to(None)

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            bare = event.modifiers() in (
                Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier
            )  # fmt: skip
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
            moves = step[0] * _PAN * (right - left), step[1] * _PAN * (high - low)
            self.box.translateBy(moves)
        elif step:
            self.zoom(step)
        else:
            ev.ignore()

    @override
    def resizeEvent(self, ev: QResizeEvent | None) -> None:
        super().resizeEvent(ev)
        if hasattr(self, "_hint"):
            self.left.roomy = self.width() >= _NARROWEST[0]
            self.bottom.roomy = self.height() >= _NARROWEST[1]
            self.bottom.named = self.height() >= _NARROWEST[2]
            self.left.fit()
            self.bottom.fit()
            self._lay_over()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, 120)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(60, 40)

    def _on_resized(self) -> None:
        self._ground.setRect(self.area)
        self._lay_over()

    def _lay_over(self) -> None:
        self._hint.setGeometry(self.area.toRect())
        if self._pointed:
            self.point_at(None)

    def _on_looked(self) -> None:
        self.looked.emit()

    # ------------------------------------------------------------------ cross-hair and read-out

    def point_at(self, point: tuple[float, float] | None, upright_only: bool = False) -> None:
        """Show the cross-hair and the read-out at two values, or none.

        Parameters
        ----------
        point : (float, float) or None
            In the axes' values.
        upright_only : bool
            Whether the cross-hair is its upright line alone.
        """
        across, up = self._cross
        self._pointed = point is not None
        shown = point if self.crossed else None
        across.move(None if shown is None else shown[0])
        up.move(None if shown is None or upright_only else shown[1])
        text = "" if point is None or self.empty else self.read(*point)
        self._readout.setVisible(bool(text))
        if point is None or not text:
            return
        label, area = self._readout, self.area
        label.setFont(theme.font(FONT + 0.5))
        label.setText(text)
        room = int(area.width()) - 4
        label.setWordWrap(label.sizeHint().width() > room)
        width = min(label.sizeHint().width(), room)
        label.setWordWrap(False)
        wide = label.sizeHint().width()
        label.setWordWrap(wide > room)
        width = min(wide, room)
        height = label.heightForWidth(width) if wide > room else label.sizeHint().height()
        low = self.pixel(*point).y() < area.top() + height + 12 and area.height() > 3 * height
        top = area.bottom() - height - 2 if low else area.top() + 2
        label.setGeometry(int(area.right()) - width - 2, int(top), width, height)

    @property
    def readout(self) -> str:
        """What the read-out says now; "" for nothing."""
        return "" if self._readout.isHidden() else self._readout.text()

    def _point_to(self, spot: QPointF | None) -> None:
        point = None
        if spot is not None and self.area.contains(spot):
            point = self.values_at(spot)
        if point is not None or self._pointed:
            self.point_at(point)
            self.pointed.emit(point)

    # ------------------------------------------------------------------ menu

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()  # the frame shows it, with what it can save

    def fill_menu(self, menu: QMenu) -> None:
        """Put what the plot can do into a menu."""
        menu.addAction("Show everything").triggered.connect(self.reset)
        for side, axis in (("x", self.x_axis), ("y", self.y_axis)):
            name = axis.labels[1] or ("Horizontal" if side == "x" else "Vertical")
            part = menu.addMenu(f"{name} axis")
            self._fill_axis_menu(part, side, axis)
        for text, checked, react in (
            ("Grid", self.grid, self.show_grid),
            ("Linked with its neighbours", self.linked, partial(setattr, self, "linked")),
        ):
            if text == "Grid" or self.links:
                action = menu.addAction(text)
                action.setCheckable(True)
                action.setChecked(checked)
                action.toggled.connect(react)

    def _fill_axis_menu(self, menu: QMenu, side: str, axis: Axis) -> None:
        if not axis.marks and axis.kind != "signed":
            log = "decades" if axis.kind == "decades" else "octaves"
            for text, kind in (("Linear", "linear"), ("Logarithmic", log)):
                action = menu.addAction(text)
                action.setCheckable(True)
                action.setChecked(axis.kind == kind)
                action.setEnabled(kind == "linear" or axis.low > 0.0)
                action.triggered.connect(lambda _=True, kind=kind: self.choose(side, kind))
        seen = self.sight[:2] if side == "x" else self.sight[2:]
        add_range(menu, seen, axis.unit, partial(self._take_range, side))

    def _take_range(self, side: str, low: float, high: float) -> None:
        left, right, bottom, top = self.sight
        if side == "x":
            self.look_at(low, high, bottom, top)
        else:
            self.look_at(left, right, low, high)


def _overlay(plot: Plot) -> QLabel:
    """A label over a plot, which the mouse does not notice and exports leave out."""
    label = QLabel(plot.viewport())
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.setWordWrap(True)
    label.setMinimumSize(0, 0)
    label.hide()
    return label


def add_range(
    menu: QMenu, seen: Iterable[float], unit: str, take: Callable[[float, float], object]
) -> None:
    """Two fields for the ends of a range at the end of a menu.

    Parameters
    ----------
    menu : QMenu
    seen : two floats
        The ends now.
    unit : str
    take : callable
        Given both ends once Return is pressed and they are two numbers, the lower first.
    """
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(12, 2, 12, 4)
    fields = [QLineEdit(f"{end:.4g}") for end in seen]
    for field, word in zip(fields, ("From", "to"), strict=True):
        layout.addWidget(QLabel(word))
        field.setFixedWidth(64)
        theme.name(field, f"{word} {unit}".strip())
        layout.addWidget(field)
    layout.addWidget(QLabel(unit))

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

    for field in fields:
        field.returnPressed.connect(on_return)
    action = QWidgetAction(menu)
    action.setDefaultWidget(row)
    menu.addAction(action)


# --------------------------------------------------------------------------------------------------
# Link: plots that zoom together, and are read together.


class Link(QObject):
    """Plots on the same axes: what is in sight, and the cross-hair, are the same in all.

    Parameters
    ----------
    plots : iterable of Plot
    upright : bool
        Whether they share the vertical axis, and not only the horizontal one.
    """

    def __init__(self, plots: Iterable[Plot], upright: bool = True) -> None:
        super().__init__()
        self.plots, self._upright = list(plots), upright
        self._busy = False
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
        try:
            across, up = plot.box.viewRange()
            for other in self._others(plot):
                if other.x_axis == plot.x_axis:
                    other.box.setXRange(*across, padding=0.0)
                if self._upright and other.y_axis == plot.y_axis:
                    other.box.setYRange(*up, padding=0.0)
        finally:
            self._busy = False

    def _point(self, plot: Plot, point: tuple[float, float] | None) -> None:
        for other in self._others(plot):
            if self._upright or point is None:
                other.point_at(point)
            else:  # at the same time, whatever the height
                other.point_at((point[0], other.y_axis.at(0.5)), upright_only=True)


def nearest(values: NDArray[np.float64], value: float) -> int:
    """Index of the value that is nearest.

    Parameters
    ----------
    values : (n,) float64
        At least one.
    value : float
    """
    return int(np.abs(values - value).argmin())
