"""Picture: an image in colours on a plot, its colour bar, and rows of pictures."""

from collections.abc import Callable
from typing import cast

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QMouseEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGraphicsGridLayout, QMenu, QWidget
from typing_extensions import override

from .. import theme
from .axes import Axis, short_number
from .colours import colour_map
from .plot import FONT, Line, Link, Part, Plot, add_range, line_height

# --------------------------------------------------------------------------------------------------
# Image: numbers on a grid that is even on its axes.


class Image(Part):
    """Numbers in colours.

    Parameters
    ----------
    plot : Plot
    colours : str
        A map of :func:`gui.plots.colours.colour_map`.
    levels : (float, float)
        Values of the map's two ends.

    Attributes
    ----------
    numbers : (rows, columns) float32 or None
        The first row is the bottom; clear where they are NaN.
    x, y : Axis
        Axes on which columns and rows are even, from edge to edge.
    """

    def __init__(self, plot: Plot, colours: str, levels: tuple[float, float]) -> None:
        self.numbers: NDArray[np.float32] | None = None
        self.x, self.y = plot.x_axis, plot.y_axis
        self.colours, self.levels = colours, levels
        super().__init__(plot, pg.ImageItem(axisOrder="row-major"))
        self.item.setZValue(-10.0)
        self.dress()

    def show(self, numbers: NDArray[np.float32] | None, x: Axis, y: Axis) -> None:
        """Show other numbers; None for none."""
        self.numbers, self.x, self.y = numbers, x, y
        self.place()

    def set_levels(self, levels: tuple[float, float]) -> None:
        """Set the values at the ends of the colour map."""
        self.levels = levels
        self.item.setLevels(levels)

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column at two values; None beside the image."""
        if self.numbers is None:
            return None
        across, up = self.x.share(x), self.y.share(y)
        if not (0.0 <= across < 1.0 and 0.0 <= up < 1.0):
            return None
        rows, columns = self.numbers.shape
        return int(up * rows), int(across * columns)

    @override
    def place(self) -> None:
        if self.numbers is None:
            self.item.clear()
            return
        plot, numbers = self.plot, self.numbers
        if plot.y_axis.kind != self.y.kind:
            numbers = numbers[_even(self.y, plot.y_axis, len(numbers))]
        if plot.x_axis.kind != self.x.kind:
            numbers = numbers[:, _even(self.x, plot.x_axis, numbers.shape[1])]
        left, right = plot.x_axis.coordinates([self.x.low, self.x.high]).tolist()
        low, high = plot.y_axis.coordinates([self.y.low, self.y.high]).tolist()
        self.item.setImage(numbers, autoLevels=False, levels=self.levels)
        self.item.setRect(QRectF(left, low, right - left, high - low))

    @override
    def dress(self) -> None:
        self.item.setLookupTable(colour_map(self.colours, self.plot.light))


def _even(source: Axis, drawn: Axis, count: int) -> NDArray[np.int64]:
    """Indices of cells even on `source` for cells that are even on an axis of another kind."""
    low, high = drawn.coordinates([source.low, source.high]).tolist()
    middles = low + (np.arange(count) + 0.5) / count * (high - low)
    first, last = source.span
    share = (source.coordinates(drawn.values(middles)) - first) / (last - first)
    return np.clip((share * count).astype(np.int64), 0, count - 1)


# --------------------------------------------------------------------------------------------------
# Colour bar: drag its handles to set the range; a double-click brings it back.


_BAR = 10  # px
_ROOMY = 110  # px: a narrower picture leaves its bar out


class ColourBar(pg.ColorBarItem):
    """Colour bar at the right of the last of some pictures, for all of them.

    A `mirrored` bar is one of differences: its ends stay opposite.

    Signals
    -------
    changed : float, float
        Both levels.
    """

    changed = Signal(float, float)
    moving = False  # it is dressed as the plot's parts are

    def __init__(
        self, pictures: "list[Picture]", limits: tuple[float, float], mirrored: bool = False
    ) -> None:
        self._images = [image for each in pictures for image in (each.image, each.fine)]
        self._plot, levels = pictures[-1], self._images[0].levels
        super().__init__(levels, _BAR, limits=limits, colorMapMenu=False, rounding=1)
        self._furthest, self._mirrored = limits[1], mirrored
        self.default = self.shown = levels
        self.axis.setStyle(tickLength=2, tickTextOffset=1, hideOverlappingLabels=8)
        self.axis.enableAutoSIPrefix(False)
        self.axis.tickStrings = lambda values, *_: [short_number(value) for value in values]
        cast("QGraphicsGridLayout", self.layout).setContentsMargins(0, 0, 0, 0)
        self._plot.grid_layout.addItem(self, 1, 2)
        self._plot.parts.append(cast("Part", self))
        self._plot.bar = self
        self.sigLevelsChanged.connect(self._on_dragged)
        self.dress()

    def place(self) -> None:
        """Stay: it is beside the view."""

    @property
    def room(self) -> int:
        """Its width with its labels, px."""
        return _BAR + round(2.9 * theme.font(FONT).pixelSize())

    def set(self, low: float, high: float) -> None:
        """Set both levels."""
        if self._mirrored:
            # The end that was moved says how far both go.
            end = high if abs(high - self.hi_prv) >= abs(low - self.lo_prv) else -low
            end = min(max(end, 3.0), self._furthest)
            low, high = -end, end
        self.shown = low, high
        self.setLevels((low, high))
        for image in self._images:
            image.set_levels((low, high))
        self.changed.emit(low, high)

    def dress(self) -> None:
        """Take the plot's colours."""
        font, plot = theme.font(FONT), self._plot
        self.axis.setStyle(tickFont=font)
        self.axis.setWidth(2.9 * font.pixelSize())
        self.axis.setTextPen(QPen(plot.ink("DIM")))
        for side in ("left", "right", "top", "bottom"):
            self.getAxis(side).setPen(QPen(plot.ink("LINE")))
        self.setColorMap(pg.ColorMap(None, colour_map(self._images[0].colours, plot.light)))
        assert self.region is not None
        self.region.setVisible(not plot.on_paper)
        for line in self.region.lines:
            line.setPen(QPen(plot.ink("TEXT"), 1.0))
            line.setHoverPen(QPen(plot.ink("ACCENT"), 2.0))

    def _on_dragged(self) -> None:
        low, high = self.values
        before = self.lo_prv, self.hi_prv
        self.set(low, high)
        # A drag goes on from the levels at its beginning.
        self.lo_prv, self.hi_prv = before


# --------------------------------------------------------------------------------------------------
# Picture: one image on a plot. Pictures: some of them in a row.


Readout = Callable[[float, int, int, float, float], str]
"""What to say of a number in a row and a column of a picture, at x and y."""


class Picture(Plot):
    """One image with its read-out.

    Parameters
    ----------
    name, hint : str
    x, y : Axis
    colours : str
        A map of :func:`gui.plots.colours.colour_map`.
    levels : (float, float)
        Values at the map's two ends.
    readout : callable
        What to say of the cell under the mouse.

    Attributes
    ----------
    image, fine : Image
        All of it, and a part that was computed finer.
    bar : ColourBar or None
    """

    bar: ColourBar | None = None

    def __init__(
        self,
        name: str,
        hint: str,
        x: Axis,
        y: Axis,
        colours: str,
        levels: tuple[float, float],
        readout: Readout,
    ) -> None:
        super().__init__(name, x, y, hint=hint)
        self.title = name
        self.image, self.fine = Image(self, colours, levels), Image(self, colours, levels)
        self.fine.item.setZValue(-9.0)
        self._middle = Line(self, "DIM", moving=False)
        self._readout_of = readout

    @property
    def numbers(self) -> NDArray[np.float32] | None:
        """What is shown."""
        return self.image.numbers

    @property
    def shown(self) -> bool:
        """Whether there is a picture."""
        return self.numbers is not None

    def set_numbers(self, numbers: NDArray[np.float32] | None, x: Axis, y: Axis) -> None:
        """Show numbers; None shows the hint. See :meth:`Image.show`."""
        self.image.show(numbers, x, y)
        self.fine.show(None, x, y)
        self.set_empty(numbers is None)

    def set_middle(self, x: float | None) -> None:
        """Draw a vertical line through the image; None for none."""
        self._middle.move(x)

    @override
    def read(self, x: float, y: float) -> str:
        for image in (self.fine, self.image):
            cell = image.cell(x, y)
            if cell is not None and image.numbers is not None:
                return self._readout_of(float(image.numbers[cell]), *cell, x, y)
        return ""

    @override
    def resizeEvent(self, ev: QResizeEvent | None) -> None:
        super().resizeEvent(ev)
        if self.bar is not None:
            self.bar.setVisible(self.width() >= _ROOMY)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        bar = self.bar
        if bar is not None and bar.sceneBoundingRect().contains(event.position()):
            bar.set(*bar.default)
        else:
            super().mouseDoubleClickEvent(event)

    @override
    def fill_menu(self, menu: QMenu) -> None:
        super().fill_menu(menu)
        bar = self.bar
        if bar is not None:
            part = menu.addMenu("Range of colours")
            part.addAction("As it was").triggered.connect(lambda: bar.set(*bar.default))
            add_range(part, bar.shown, "", bar.set)


class Pictures(QWidget):
    """Pictures side by side, below each other where the place is narrow and high."""

    def __init__(self, pictures: list[Picture]) -> None:
        super().__init__()
        self.setMinimumSize(200, 60)
        self._pictures = pictures
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        for picture in pictures:
            self._row.addWidget(picture, 1)
        self._arrange()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        ways = QBoxLayout.Direction
        stacked = self.height() > 1.2 * self.width()
        self._row.setDirection(ways.TopToBottom if stacked else ways.LeftToRight)
        left = round(4 * line_height())
        extras = [
            (left if stacked or not place else 5) + (picture.bar.room if picture.bar else 0)
            for place, picture in enumerate(self._pictures)
        ]
        each = (self.width() - sum(extras) - 4 * len(extras) + 4) // max(len(extras), 1)
        for place, (picture, extra) in enumerate(zip(self._pictures, extras, strict=True)):
            self._row.setStretch(place, 1 if stacked else max(each + extra, 1))
            picture.left.numbered = stacked or place == 0
            picture.left.fit()


class ComparedPictures(Pictures):
    """Target, sound and their difference on the same axes, with a colour bar for two and for one.

    Parameters
    ----------
    x, y : Axis
    hint : str
        What stands in place of the target.
    levels, limits : (float, float)
        Of target and sound, dB, and how far the bar can be dragged.
    span : float
        dB of difference at the ends of its map.
    readouts : callable
        Gives the :data:`Readout` of "target", "sound" and "difference".
    """

    def __init__(
        self,
        x: Axis,
        y: Axis,
        hint: str,
        levels: tuple[float, float],
        limits: tuple[float, float],
        span: float,
        readouts: Callable[[str], Readout],
    ) -> None:
        self.pictures = {
            what: Picture(title, words, x, y, colours, ends, readouts(what))
            for what, title, words, colours, ends in (
                ("target", "Target", hint, "magma", levels),
                ("sound", "Sound now", "Listening…", "magma", levels),
                ("difference", "Sound − target", "Needs both", "difference", (-span, span)),
            )
        }
        target, sound, difference = self.pictures.values()
        self.bar = ColourBar([target, sound], limits)
        ColourBar([difference], (-60.0, 60.0), mirrored=True)
        self._link = Link(self.pictures.values())
        super().__init__([target, sound, difference])
