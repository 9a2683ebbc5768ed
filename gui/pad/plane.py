"""Plane of the pad: two parameters on its axes, and the map of the loss below."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from mesosynth.matching.results import Cell
from mesosynth.plugins.parameters import ParameterTable

from .. import theme
from ..plots.axes import Axis
from ..plots.colours import colour_table

# --------------------------------------------------------------------------------------------------
# Plane: the axes of two parameters over a rectangle of pixels.


NOTE_AXES = ("f_m", "gamma")
"""The pad's first pair of axes: on it an arpeggio's number of notes is a straight line."""


@dataclass(frozen=True, slots=True)
class Plane:
    """The pad's axes, from left to right and from bottom to top.

    Attributes
    ----------
    area : QRectF
        The picture's rectangle, px.
    x, y : Axis
        Of a parameter with a direction, its magnitude.
    """

    area: QRectF
    x: Axis
    y: Axis

    @classmethod
    def of(cls, parameters: ParameterTable, ids: tuple[str, str], area: QRectF) -> "Plane":
        """Lay the ranges of two parameters over `area`.

        Parameters
        ----------
        parameters : ParameterTable
        ids : (str, str)
            From left to right, and from bottom to top.
        area : QRectF
            px.
        """
        return cls(area, Axis.of(parameters[ids[0]]), Axis.of(parameters[ids[1]]))

    def point(self, x: float, y: float) -> QPointF:
        """Pixel of two values; their signs do not count where the axis has magnitudes.

        Parameters
        ----------
        x, y : float
            In the table's units.
        """
        return QPointF(
            self.area.left() + _share(self.x, x) * self.area.width(),
            self.area.bottom() - _share(self.y, y) * self.area.height(),
        )

    def values(self, point: QPointF) -> tuple[float, float]:
        """Values or magnitudes at a pixel, kept within the area."""
        across = (point.x() - self.area.left()) / max(self.area.width(), 1.0)
        up = (self.area.bottom() - point.y()) / max(self.area.height(), 1.0)
        return _inside(self.x, across), _inside(self.y, up)

    def radii(self, x: float, y: float, std_x: float, std_y: float) -> QPointF:
        """Half axes in pixels of the ellipse of one standard deviation, at most the area's half.

        Parameters
        ----------
        x, y : float
            The middle, in the table's units.
        std_x, std_y : float
            Standard deviations, in the same units.
        """
        return QPointF(
            min(_slope(self.x, x) * std_x, 0.5) * self.area.width(),
            min(_slope(self.y, y) * std_y, 0.5) * self.area.height(),
        )


def _share(axis: Axis, value: float) -> float:
    if axis.kind == "linear":
        return axis.share(value)
    return axis.share(max(abs(value), 1e-12))


def _slope(axis: Axis, value: float) -> float:
    """Shares of the axis per unit of its parameter, at a value."""
    if axis.kind == "linear":
        return 1.0 / (axis.high - axis.low)
    return 1.0 / (max(abs(value), 1e-12) * math.log(axis.high / axis.low))


def _inside(axis: Axis, share: float) -> float:
    return min(max(axis.at(min(max(share, 0.0), 1.0)), axis.low), axis.high)


# --------------------------------------------------------------------------------------------------
# Loss map: the loss around the playing point in colours, with arrows downhill.


LEVELS = (1e-4, 1.0)
"""Losses at the brightest and at the darkest colour."""

_ARROW = 15.0  # px, the longest
_APART = 26.0  # px between two arrows, at least


class LossMapImage:
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
        self.axes: tuple[str, str] | None = None
        self.x_values = self.y_values = np.zeros(0)
        self.loss = np.zeros((0, 0))
        self._gradient = np.zeros((0, 0, 2))
        self._image: QImage | None = None

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
        shape = (len(self.y_values), len(self.x_values))
        self.loss = np.full(shape, np.nan)
        self._gradient = np.zeros((*shape, 2))
        self._image = None

    def add(self, axes: tuple[str, str], cells: Sequence[Cell]) -> None:
        """Fill cells; cells of a map with other axes are ignored.

        Parameters
        ----------
        axes : (str, str)
            Ids of the two parameters.
        cells : sequence of Cell
        """
        if axes != self.axes:
            return
        rows, columns = self.loss.shape
        for cell in cells:
            if 0 <= cell.i < columns and 0 <= cell.j < rows:
                self.loss[cell.j, cell.i] = cell.loss
                self._gradient[cell.j, cell.i, : len(cell.gradient)] = cell.gradient
        self._image = None

    def cells(self) -> list[tuple[float, float, float]]:
        """Known cells: both values and the loss of each."""
        return [
            (float(self.x_values[i]), float(self.y_values[j]), float(loss))
            for (j, i), loss in np.ndenumerate(self.loss)
            if math.isfinite(loss)
        ]

    def paint(self, painter: QPainter, plane: Plane) -> None:
        """Paint the known cells and their arrows over the pad's ground.

        Parameters
        ----------
        painter : QPainter
        plane : Plane
            With the map's axes.
        """
        if self.axes is None or min(self.loss.shape, default=0) < 2:
            return
        painter.save()
        painter.setClipRect(plane.area)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._image is None:
            self._image = loss_image(self._upright(self.loss))
        painter.drawImage(self._box(plane), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_arrows(painter, plane)
        painter.restore()

    def _upright(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cells with their rows from high to low values and columns from low to high ones.

        The magnitudes of negative values descend where the values ascend.
        """
        cells = cells[::-1] if abs(self.y_values[-1]) > abs(self.y_values[0]) else cells
        return cells if abs(self.x_values[-1]) > abs(self.x_values[0]) else cells[:, ::-1]

    def _box(self, plane: Plane) -> QRectF:
        """Pixels that the cells cover, half a cell more to each side than their middles."""
        one = plane.point(self.x_values[0], self.y_values[0])
        other = plane.point(self.x_values[-1], self.y_values[-1])
        middles = QRectF(one, other).normalized()
        across = 0.5 * middles.width() / (len(self.x_values) - 1)
        up = 0.5 * middles.height() / (len(self.y_values) - 1)
        return middles.adjusted(-across, -up, across, up)

    def _paint_arrows(self, painter: QPainter, plane: Plane) -> None:
        slopes = self._slopes(plane)
        box = self._box(plane)
        rows, columns = self.loss.shape
        skip_x = max(1, math.ceil(_APART * columns / box.width()))
        skip_y = max(1, math.ceil(_APART * rows / box.height()))
        painter.setPen(QPen(theme.colour("#e8edf5", 0.38), 1.2))
        for j in range(skip_y // 2, rows, skip_y):
            for i in range(skip_x // 2, columns, skip_x):
                spot = plane.point(self.x_values[i], self.y_values[j])
                # The axis up grows against the pixels, and downhill is against the slope.
                downhill = QPointF(-slopes[j, i, 0], slopes[j, i, 1])
                _paint_arrow(painter, spot, downhill)

    def _slopes(self, plane: Plane) -> NDArray[np.float64]:
        """Loss per pixel, (rows, columns, 2), to the right and upwards; NaN where not known."""
        result = np.full((*self.loss.shape, 2), np.nan)
        sides = (
            (plane.x, plane.area.width(), self.x_values),
            (plane.y, plane.area.height(), self.y_values),
        )
        known = np.isfinite(self.loss)
        for k, (axis, pixels, values) in enumerate(sides):
            if axis.kind != "linear":
                slope = self._gradient[..., k] * _logarithms(axis) / pixels
            else:  # the unknown's own unit is the matcher's affair
                per_unit = np.asarray(np.gradient(self.loss, values, axis=1 - k))
                slope = per_unit * (axis.high - axis.low) / pixels
            result[known, k] = slope[known]
        return result


def loss_image(loss: NDArray[np.float64]) -> QImage:
    """The loss in colours, one pixel a cell, clear where it is not known."""
    low, high = np.log10(LEVELS)
    known = np.isfinite(loss)
    level = np.log10(np.clip(np.where(known, loss, 1.0), *LEVELS))
    indices = np.round((level - low) / (high - low) * 255.0).astype(np.int64)
    pixels = np.array(colour_table("loss", QColor(theme.WELL).lightness() > 127), dtype=np.uint32)[
        indices
    ]
    pixels = np.where(known, pixels, np.uint32(0))
    height, width = pixels.shape
    image = QImage(
        pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied
    )
    return image.copy()  # Qt does not keep the bytes alive


def _logarithms(axis: Axis) -> float:
    return math.log(axis.high / axis.low)


def _paint_arrow(painter: QPainter, middle: QPointF, downhill: QPointF) -> None:
    """An arrow around `middle`; its length grows with the logarithm of the steepness."""
    steepness = math.hypot(downhill.x(), downhill.y())
    if not steepness > 0.0:  # not known, or flat
        return
    length = _ARROW * min(max((math.log10(steepness) + 7.0) / 5.0, 0.15), 1.0)
    ahead = downhill * (0.5 * length / steepness)
    side = QPointF(-ahead.y(), ahead.x())
    tip = middle + ahead
    painter.drawLine(QLineF(middle - ahead, tip))
    barb = 3.2 / (0.5 * length)
    painter.drawLine(QLineF(tip, tip + (side * 0.7 - ahead) * barb))
    painter.drawLine(QLineF(tip, tip + (-side * 0.7 - ahead) * barb))
