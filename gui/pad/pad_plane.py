"""Where a value lies on the pad: two parameters' axes over a rectangle of pixels."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from gui.plots.axes import Axis
from mesosynth.plugins.parameters import ParameterTable

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
        """Lay the ranges of two parameters over `area`."""
        return cls(area, Axis.of(parameters[ids[0]]), Axis.of(parameters[ids[1]]))

    def point(self, x: float, y: float) -> QPointF:
        """Pixel of two values; their signs do not count where the axis has magnitudes."""
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
        """Half axes in pixels of the ellipse of one standard deviation, at most the area's half."""
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
