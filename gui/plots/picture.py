"""Pictures: images in colours on plots, their colour bars, and rows of them."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import cast

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGraphicsGridLayout, QMenu, QVBoxLayout, QWidget
from typing_extensions import override

from mesosynth.matching.results import Analysis

from .. import theme
from .axes import Axis, short_number
from .frame import Frame
from .parts import Line, Part
from .plot import LEAST, Link, Plot, add_range

# --------------------------------------------------------------------------------------------------
# Colour maps, even to the eye and to colour-blind eyes.


_STOPS = {
    # Matplotlib's magma (CC0) in sixteenths; for a light ground the other way round, from white.
    "level": (
        "#000004 #0a0822 #1c1044 #331067 #51127c #691c81 #842681 #9c2e7f #b73779 #d1426f #e75263 "
        "#f56c5c #fc8961 #feaa74 #feca8d #fce9aa #fcfdbf"
    ),
    "level light": (
        "#ffffff #fdf3dc #fee0b5 #feca8d #feaa74 #fc8961 #f56c5c #e75263 #d1426f #b73779 #9c2e7f "
        "#842681 #691c81 #51127c #331067 #1c1044 #0a0822"
    ),
    # Blue where the sound lacks energy, red where it has too much, the ground where nothing
    # differs.
    "difference": "#8ec5ff #5598e6 #2f6fd0 #1a4078 #0d0f13 #78272a #d0453a #ee7e6c #ffb3a1",
    "difference light": "#0b3c7d #2f6fd0 #6ea3ea #bcd6f8 #ffffff #f8cdc4 #ec8877 #d0453a #8b1a14",
    # Ever darker towards high losses, and never so bright that a line on it would not read.
    "loss": "#6cc0ae #4a9fa3 #3a7f99 #31628a #2c4a74 #26375b #202a45 #1b2236",
    "loss light": "#3f9c8b #5fb0b0 #86c3c9 #a9d3dc #c6e1ea #dcedf3 #ebf4f8 #f5f9fb",
}


@cache
def colour_map(name: str, light: bool = False) -> NDArray[np.uint8]:
    """256 colours of "level", "difference" or "loss", (256, 3) uint8, on a dark or light ground."""
    stops = _STOPS.get(f"{name} light", "") if light else ""
    colours = [QColor(stop) for stop in (stops or _STOPS[name]).split()]
    ends = np.array([(c.red(), c.green(), c.blue()) for c in colours])
    places = np.linspace(0.0, len(ends) - 1.0, 256)
    channels = [np.interp(places, np.arange(len(ends)), ends[:, i]) for i in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


# --------------------------------------------------------------------------------------------------
# Image and its colour bar.


class Image(Part):
    """Numbers in colours, on a grid that is even on its own axes.

    Attributes
    ----------
    numbers : (rows, columns) float32 or None
        The first row is the bottom; clear where they are NaN.
    x, y : Axis
        Axes on which columns and rows are even, from edge to edge.
    colours, levels
        A map of :func:`colour_map`, and the values of its two ends.
    """

    def __init__(
        self, plot: Plot, colours: str, levels: tuple[float, float], z: float = -10.0
    ) -> None:
        self.numbers: NDArray[np.float32] | None = None
        self.x, self.y = plot.x_axis, plot.y_axis
        self.colours, self.levels = colours, levels
        super().__init__(plot, pg.ImageItem(axisOrder="row-major"), z=z)

    def show(self, numbers: NDArray[np.float32] | None, x: Axis, y: Axis) -> None:
        """Show other numbers; None for none."""
        if numbers is not None or self.numbers is not None:
            self.numbers, self.x, self.y = numbers, x, y
            self.draw()

    def rows(self, what: str) -> Iterator[tuple[float | str, ...]]:
        """Rows of a table: `what`, values of x and y in the middle of each cell, its number."""
        if self.numbers is not None:
            rows, columns = self.numbers.shape
            across = self.x.at((np.arange(columns) + 0.5) / columns).tolist()
            up = self.y.at((np.arange(rows) + 0.5) / rows).tolist()
            for (i, j), number in np.ndenumerate(self.numbers):
                yield what, across[j], up[i], float(number)

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
    def draw(self) -> None:
        plot, numbers = self.plot, self.numbers
        if numbers is None:
            self.item.clear()
            return
        if plot.y_axis.kind != self.y.kind:
            numbers = numbers[_even(self.y, plot.y_axis, len(numbers))]
        if plot.x_axis.kind != self.x.kind:
            numbers = numbers[:, _even(self.x, plot.x_axis, numbers.shape[1])]
        left, right = plot.x_axis.coordinates([self.x.low, self.x.high]).tolist()
        low, high = plot.y_axis.coordinates([self.y.low, self.y.high]).tolist()
        lut = colour_map(self.colours, plot.light)
        self.item.setImage(numbers, autoLevels=False, levels=self.levels, lut=lut)
        self.item.setRect(QRectF(left, low, right - left, high - low))


def _even(source: Axis, drawn: Axis, count: int) -> NDArray[np.int64]:
    """Indices of cells even on `source` for cells that are even on an axis of another kind."""
    low, high = drawn.coordinates([source.low, source.high]).tolist()
    middles = low + (np.arange(count) + 0.5) / count * (high - low)
    first, last = source.span
    share = (source.coordinates(drawn.values(middles)) - first) / (last - first)
    return np.clip((share * count).astype(np.int64), 0, count - 1)


_BAR = 10  # px
_ROOMY = 110  # px: a narrower picture leaves its bar out,
_CLOSE = 80  # as do all of a row whose images would be narrower than this


class ColourBar(pg.ColorBarItem):
    """Colour bar at the right of the last of some pictures, for all of them.

    Drag its handles to set the range; a double-click brings it back. The ends of a `mirrored` one
    stay opposite: it is of differences.
    """

    moving, items = False, ()  # it is drawn as the plot's parts are
    changed = Signal(float, float)

    def __init__(
        self, pictures: "list[Picture]", limits: tuple[float, float], mirrored: bool = False
    ) -> None:
        self._images = [image for each in pictures for image in (each.image, each.fine)]
        self._plot, levels = pictures[-1], self._images[0].levels
        super().__init__(levels, _BAR, limits=limits, colorMapMenu=False, rounding=1)
        self._furthest, self._mirrored = limits[1], mirrored
        self.default = self.shown = levels
        self.axis.enableAutoSIPrefix(False)
        self.axis.tickStrings = lambda values, *_: [short_number(value) for value in values]
        cast("QGraphicsGridLayout", self.layout).setContentsMargins(0, 0, 0, 0)
        self._plot.grid_layout.addItem(self, 1, 2)
        self._plot.parts.append(cast("Part", self))
        self._plot.bar = self
        self.sigLevelsChanged.connect(self._on_dragged)
        self.draw()

    @property
    def room(self) -> int:
        """Its width with its labels, px."""
        return _BAR + round(2.9 * self._plot.font().pixelSize())

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
            image.levels = low, high
            image.draw()
        self.changed.emit(low, high)

    def draw(self) -> None:
        """Take the plot's colours and letters."""
        plot = self._plot
        self.axis.setStyle(
            tickFont=plot.font(), tickLength=2, tickTextOffset=1, hideOverlappingLabels=8
        )
        self.axis.setWidth(2.9 * plot.font().pixelSize())
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
        before = self.lo_prv, self.hi_prv
        self.set(*self.values)
        self.lo_prv, self.hi_prv = before  # a drag goes on from the levels at its beginning


# --------------------------------------------------------------------------------------------------
# Picture: one image on a plot. Pictures: some of them in a row. Comparison: target, sound and
# their difference.


class Picture(Plot):
    """One image, and a finer one of a part; `say` gives the read-out of a number in a cell."""

    bar: ColourBar | None = None
    barred = True  # whether there is room for the bar beside the other pictures

    def __init__(
        self, name: str, hint: str, x: Axis, y: Axis, colours: str, levels: tuple[float, float],
        say: Callable[[float, int, int, float, float], str],
    ) -> None:  # fmt: skip
        super().__init__(name, x, y, hint=hint)
        self.title, self._say = name, say
        self.image = Image(self, colours, levels)
        self.fine = Image(self, colours, levels, z=-9.0)
        self.middle = Line(self, "DIM", moving=False)

    @property
    def numbers(self) -> NDArray[np.float32] | None:
        """What is shown."""
        return self.image.numbers

    def set_numbers(
        self, numbers: NDArray[np.float32] | None, x: Axis, y: Axis, mirrored: bool = False
    ) -> None:
        """Show numbers, see :meth:`Image.show`, `mirrored` at a line; None shows the hint."""
        self.image.show(numbers, x, y)
        self.fine.show(None, x, y)
        self.middle.move(0.5 * x.high if mirrored and numbers is not None else None)
        self.set_empty(numbers is None)

    @override
    def read(self, x: float, y: float) -> str:
        for image in (self.fine, self.image):
            cell = image.cell(x, y)
            if cell is not None and image.numbers is not None:
                return self._say(float(image.numbers[cell]), *cell, x, y)
        return ""

    @override
    def resizeEvent(self, ev: QResizeEvent | None) -> None:
        super().resizeEvent(ev)
        self.show_bar()

    def show_bar(self) -> None:
        """Show the colour bar where there is room for it."""
        if self.bar is not None:
            self.bar.setVisible(self.barred and self.width() >= _ROOMY * theme.zoom)

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
        if self.bar is not None:
            part = menu.addMenu("Range of colours")
            part.addAction("As it was", partial(self.bar.set, *self.bar.default))
            add_range(part, self.bar.shown, "", self.bar.set)


class Pictures(QWidget):
    """Pictures side by side, below each other where the place is narrow and high."""

    def __init__(self, pictures: Iterable[Picture]) -> None:
        super().__init__()
        self.setMinimumSize(200, 60)
        self._pictures = list(pictures)
        self._link = Link(self._pictures)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        for picture in self._pictures:
            self._row.addWidget(picture, 1)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        ways, count = QBoxLayout.Direction, len(self._pictures)
        stacked = self.height() > 1.2 * self.width()
        self._row.setDirection(ways.TopToBottom if stacked else ways.LeftToRight)
        bars = [picture.bar.room if picture.bar else 0 for picture in self._pictures]
        ticks = round(4 * self._pictures[0].line_height)
        for barred, left in ((True, ticks), (False, ticks), (False, 5)):  # the first that fits
            rest = self.width() - left - 5 * (count - 1) - 4 * (count - 1) - barred * sum(bars)
            if stacked or rest >= count * (_CLOSE if barred else LEAST[0] - 48) * theme.zoom:
                break
        for place, (picture, bar) in enumerate(zip(self._pictures, bars, strict=True)):
            beside = barred * bar + (left if place == 0 else 5)
            self._row.setStretch(place, 1 if stacked else max(rest // count + beside, 1))
            picture.left.numbered, picture.barred = stacked or (place == 0 and left > 5), barred
            picture.show_bar()
            picture.left.fit()


class Comparison(Frame):
    """Target, sound and their difference on the same axes, with a colour bar for two and for one.

    Parameters
    ----------
    title : str
    x, y : Axis
    hint : str
        What stands in place of the target.
    levels, limits : (float, float)
        Of target and sound, dB, and how far the bar can be dragged.
    span : float
        dB of difference at the ends of its map.

    Attributes
    ----------
    pictures, analyses : dict
        By "target", "sound", and the pictures by "difference" as well.
    """

    def __init__(
        self, title: str, x: Axis, y: Axis, hint: str, levels: tuple[float, float],
        limits: tuple[float, float], span: float,
    ) -> None:  # fmt: skip
        self.pictures = {
            what: Picture(name, words, x, y, colours, ends, partial(self.say, what))
            for what, name, words, colours, ends in (
                ("target", "Target", hint, "level", levels),
                ("sound", "Sound now", "Listening…", "level", levels),
                ("difference", "Sound − target", "Needs both", "difference", (-span, span)),
            )
        }
        target, sound, difference = self.pictures.values()
        target.shorten("Target")
        sound.shorten("Sound")
        difference.shorten("Difference", "Diff.")
        self.bar = ColourBar([target, sound], limits)
        ColourBar([difference], (-60.0, 60.0), mirrored=True)
        self.analyses: dict[str, Analysis] = {}
        self.row = Pictures(self.pictures.values())
        body = QWidget()
        self.column = QVBoxLayout(body)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2)
        self.column.addWidget(self.row, 1)
        super().__init__(title, body)

    @property
    def shown(self) -> list[str]:
        """Names of the pictures that show something."""
        return [what for what, picture in self.pictures.items() if picture.numbers is not None]

    def say(self, what: str, level: float, row: int, column: int, x: float, y: float) -> str:
        """Read-out of a picture's number, see :class:`Picture`."""
        raise NotImplementedError

    def set_target(self, analysis: Analysis) -> None:
        """Show the target."""
        self.analyses["target"] = analysis
        self.draw("target")

    def set_sound(self, analysis: Analysis) -> None:
        """Show the sound that the parameters make."""
        self.analyses["sound"] = analysis
        self.draw("sound")

    def draw(self, what: str) -> None:
        """Draw another analysis of "target" or "sound"."""
        raise NotImplementedError

    def show_difference(self, floor: float) -> None:
        """Draw the level of the sound above the target; levels below `floor` count as `floor`."""
        sound, target = self.pictures["sound"].image, self.pictures["target"].image
        same = (sound.x, sound.y) == (target.x, target.y)
        if sound.numbers is not None and target.numbers is not None and same:
            numbers = decibel_difference(sound.numbers, target.numbers, floor)
            mirrored = self.pictures["sound"].middle.at is not None
            self.pictures["difference"].set_numbers(numbers, sound.x, sound.y, mirrored)


def decibel_difference(
    sound: NDArray[np.float32], target: NDArray[np.float32], floor: float
) -> NDArray[np.float32]:
    """Level of the sound above the target, dB; levels below `floor` count as `floor`."""
    return np.maximum(sound, floor) - np.maximum(target, floor)


def decibel_text(value: float, digits: int, sign: str = "") -> str:
    """A level as read-outs say it: −12.3 dB."""
    return f"{value:{sign}.{digits}f} dB".replace("-", "−")
