"""Parts of a plot: curves, lines, labels and a legend, drawn with values."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import (
    QGraphicsEllipseItem,
    QGraphicsItem,
    QGraphicsTextItem,
    QStyleOptionGraphicsItem,
    QWidget,
)
from typing_extensions import override

if TYPE_CHECKING:
    from .plot import Plot

Label = tuple[float, float, str, tuple[float, float], str]
"""A text: x and y in values, the words, its anchor (0 to 1 from its upper left), its colour."""


class Part:
    """Something that a plot draws, of one or more items of pyqtgraph.

    What is `moving` shows the present moment, and is left out of exports; what is `fixed` stays
    where it is, px from the view's upper left corner, whatever is in sight.
    """

    def __init__(
        self, plot: "Plot", *items: QGraphicsItem,
        z: float = 0.0, moving: bool = False, fixed: bool = False,
    ) -> None:  # fmt: skip
        self.plot, self.moving = plot, moving
        self.items: tuple[Any, ...] = items  # pyqtgraph's types are loose
        self.item = self.items[0]
        for item in items:
            item.setZValue(z)
            if fixed:
                item.setParentItem(plot.box)
            else:
                plot.box.addItem(item, ignoreBounds=True)
        plot.parts.append(self)
        self.draw()

    def draw(self) -> None:
        """Put the items on the plot's axes, in the colours of :meth:`Plot.ink`."""

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """Coordinates of two values in the view."""
        return float(self.plot.x_axis.coordinates(x)), float(self.plot.y_axis.coordinates(y))


class Curve(Part):
    """Line through points; values that are not finite break it.

    Parameters
    ----------
    plot : Plot
    colour : str
        Of the theme, or "#rrggbb".
    width, dots : float
        Of the line and of a dot at each point, px; 0 for none.
    alpha : float
        0 (clear) to 1 (opaque).
    fill : float or "enclosed", optional
        Value down to which the area is filled, or the line's inside.
    connect : {"finite", "pairs"}
        "pairs" draws a line between the first two points, the next two, and so on.
    """

    def __init__(
        self, plot: "Plot", colour: str, width: float = 1.5, alpha: float = 1.0, dots: float = 0.0,
        fill: float | Literal["enclosed"] | None = None,
        connect: Literal["finite", "pairs"] = "finite", z: float = 0.0,
    ) -> None:  # fmt: skip
        self._colour, self._width, self._alpha, self._size = colour, width, alpha, dots
        self._fill = fill
        self.x = self.y = np.zeros(0)
        line = pg.PlotCurveItem(antialias=connect == "finite", connect=connect)
        super().__init__(plot, line, *([pg.ScatterPlotItem(pen=None)] if dots else []), z=z)

    def show(self, x: ArrayLike = (), y: ArrayLike = ()) -> None:
        """Draw other points, (n,) each, in the axes' values; none without any."""
        if np.size(x) or len(self.x):
            self.x, self.y = np.asarray(x, np.float64), np.asarray(y, np.float64)
            self.draw()

    @override
    def draw(self) -> None:
        plot, fill = self.plot, self._fill
        x, y = plot.x_axis.coordinates(self.x), plot.y_axis.coordinates(self.y)
        ink = plot.ink(self._colour, self._alpha)
        pen = pg.mkPen(ink, width=self._width * plot.stroke) if self._width else None
        if fill is None:
            self.item.setData(x, y, pen=pen)
        else:
            level = fill if fill == "enclosed" else float(plot.y_axis.coordinates(fill))
            brush = plot.ink(self._colour, 0.25 * self._alpha)
            self.item.setData(x, y, pen=pen, brush=brush, fillLevel=level)
        for dots in self.items[1:]:
            there = np.isfinite(y)
            dots.setData(x[there], y[there], brush=ink, size=self._size * plot.stroke)


class Line(Part):
    """Line across the whole plot, such as a playhead, at a value of one axis."""

    def __init__(
        self, plot: "Plot", colour: str, upright: bool = True, moving: bool = True,
        width: float = 1.0,
    ) -> None:  # fmt: skip
        self._colour, self._upright, self._width = colour, upright, width
        self.at: float | None = None
        super().__init__(plot, pg.InfiniteLine(angle=90 if upright else 0), z=50.0, moving=moving)

    def move(self, at: float | None) -> None:
        """Move it to a value; None hides it."""
        if at != self.at:
            self.at = at
            self._put()

    def _put(self) -> None:
        if self.at is not None:
            axis = self.plot.x_axis if self._upright else self.plot.y_axis
            self.item.setValue(float(axis.coordinates(self.at)))
        self.item.setVisible(self.at is not None)

    @override
    def draw(self) -> None:
        ink = self.plot.ink(self._colour)
        self.item.setPen(pg.mkPen(ink, width=self._width * self.plot.stroke))
        self._put()


class _Disc(QGraphicsEllipseItem):
    """Circle with smooth edges, as large as it is at every zoom."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        super().paint(painter, option, widget)


class Dots(Part):
    """Circles at pairs of values, which move at little cost."""

    def __init__(self, plot: "Plot", z: float = 20.0, moving: bool = False) -> None:
        self._shown: list[tuple[float, float, float, str, float]] = []
        self._discs: list[_Disc] = []
        super().__init__(plot, pg.ItemGroup(), z=z, moving=moving)

    def show(self, dots: Iterable[tuple[float, float, float, str, float]] = ()) -> None:
        """Show others: x, y, diameter in px, colour, and how much of it fills each, 0 to 1."""
        self._shown = list(dots)
        self.draw()

    @override
    def draw(self) -> None:
        ink = self.plot.ink
        while len(self._discs) < len(self._shown):
            self._discs.append(_Disc(self.item))
        for disc in self._discs[len(self._shown) :]:
            disc.hide()
        for disc, (x, y, size, colour, fill) in zip(self._discs, self._shown, strict=False):
            disc.setRect(-0.5 * size, -0.5 * size, size, size)
            disc.setPos(*self.spot(x, y))
            disc.setBrush(ink(colour, fill))
            disc.setPen(QPen(ink(colour), 1.5) if fill < 1.0 else QPen(Qt.PenStyle.NoPen))
            disc.show()


class Labels(Part):
    """Texts beside pairs of values.

    Parameters
    ----------
    plot : Plot
    ground : float
        How opaque the well behind them is, 0 to 1.
    apart : float, optional
        Leaves out what would leave the plot, lie over another text, or over another one's dot,
        which is so many px wide.

    Attributes
    ----------
    below : float
        Height at the bottom of the plot that is left free, px.
    """

    def __init__(
        self, plot: "Plot", ground: float = 0.0, z: float = 0.0, apart: float | None = None
    ) -> None:
        self._ground, self._apart, self.below = ground, apart, 0.0
        self._shown: list[Label] = []
        self._texts: list[pg.TextItem] = []
        super().__init__(plot, pg.ItemGroup(), z=z)
        if apart is not None:
            plot.looked.connect(self.draw)
            plot.box.sigResized.connect(self.draw)

    def show(self, texts: Iterable[Label] = ()) -> None:
        """Show others; of two texts of the same pair of values the first that has room."""
        self._shown = list(texts)
        self.draw()

    def _fitting(self, dot: float) -> Iterator[Label]:
        plot, metrics = self.plot, QFontMetricsF(self.plot.font())
        room, half = plot.area.adjusted(-1.0, -1.0, 1.0, 1.0 - self.below), 0.5 * dot
        spots = {(x, y): plot.pixel(x, y) for x, y, *_ in self._shown}
        taken = [
            (at, QRectF(spot.x() - half, spot.y() - half, dot, dot)) for at, spot in spots.items()
        ]
        told = set[tuple[float, float]]()
        for label in self._shown:
            x, y, words, (across, down), _ = label
            width, height = metrics.horizontalAdvance(words), metrics.height()
            box = QRectF(0.0, 0.0, width, height).translated(spots[x, y])
            box.translate(-across * width, -down * height)
            over = any(place.intersects(box) for at, place in taken if at != (x, y))
            if not over and room.contains(box) and (x, y) not in told:
                told.add((x, y))
                taken.append(((np.nan, np.nan), box))
                yield label

    @override
    def draw(self) -> None:
        ground, font = pg.mkBrush(self.plot.ink("WELL", self._ground)), self.plot.font()
        shown = list(self._shown if self._apart is None else self._fitting(self._apart))
        while len(self._texts) < len(shown):
            self._texts.append(pg.TextItem())
            self._texts[-1].setParentItem(self.item)
        for text in self._texts[len(shown) :]:
            text.hide()
        for text, (x, y, words, anchor, colour) in zip(self._texts, shown, strict=False):
            text.fill = ground
            text.setText(words, self.plot.ink(colour))
            text.setFont(font)
            text.setAnchor(anchor)
            text.setPos(*self.spot(x, y))
            text.show()


class Legend(Part):
    """Names in the colours of curves or points, in lines as long as the plot is wide."""

    def __init__(self, plot: "Plot", low: bool = False) -> None:
        self._low = low
        self._names: list[tuple[str, str]] = []
        super().__init__(plot, QGraphicsTextItem(), z=40.0, fixed=True)
        self.item.document().setDocumentMargin(2.0)
        plot.box.sigResized.connect(self.draw)

    def show(self, names: Iterable[tuple[str, str]]) -> None:
        """Show colours and names; without any it is hidden."""
        self._names = list(names)
        self.draw()

    @property
    def height(self) -> float:
        """Of its lines, px."""
        return self.item.boundingRect().height() if self._names else 0.0

    @override
    def draw(self) -> None:
        area, ink = self.plot.area, self.plot.ink("DIM").name()
        self.item.setFont(self.plot.font())
        self.item.setHtml(" &nbsp;".join(
            f"<span style='color:{colour}'>●</span>&nbsp;"
            f"<span style='color:{ink}'>{name.replace(' ', '&nbsp;')}</span>"
            for colour, name in self._names
        ))  # fmt: skip
        self.item.setTextWidth(max(area.width() - 4.0, 1.0))
        self.item.setPos(2.0, area.height() - self.height if self._low else 0.0)
        self.item.setVisible(bool(self._names))
