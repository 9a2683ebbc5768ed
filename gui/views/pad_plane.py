"""Where a value lies on the pad: two log axes over a rectangle of pixels."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from mesosynth.parameters import ParameterTable


@dataclass(frozen=True, slots=True)
class Plane:
    """The pad's axes, f_m from left to right and abs(gamma) from bottom to top.

    Attributes
    ----------
    area : QRectF
        The picture's rectangle, px.
    f_m, gamma : tuple of float
        Range of each axis: hertz, octaves per second.
    """

    area: QRectF
    f_m: tuple[float, float]
    gamma: tuple[float, float]

    @classmethod
    def of(cls, parameters: ParameterTable, area: QRectF) -> "Plane":
        """Lay the ranges of `parameters` over `area`."""
        f_m, gamma = parameters["f_m"], parameters["gamma"]
        return cls(area, (f_m.minimum, f_m.maximum), (gamma.smallest, gamma.maximum))

    def point(self, f_m: float, gamma: float) -> QPointF:
        """Pixel of a value; the sign of gamma does not count."""
        x, y = _share(f_m, self.f_m), _share(abs(gamma), self.gamma)
        return QPointF(
            self.area.left() + x * self.area.width(), self.area.bottom() - y * self.area.height()
        )

    def values(self, point: QPointF) -> tuple[float, float]:
        """f_m and abs(gamma) at a pixel, kept within the area."""
        x = (point.x() - self.area.left()) / max(self.area.width(), 1.0)
        y = (self.area.bottom() - point.y()) / max(self.area.height(), 1.0)
        return _at(x, self.f_m), _at(y, self.gamma)

    def radii(self, f_m: float, gamma: float, std_f_m: float, std_gamma: float) -> QPointF:
        """Half axes in pixels of the ellipse of one standard deviation, at most the area's half."""
        across = self.area.width() / math.log(self.f_m[1] / self.f_m[0])
        up = self.area.height() / math.log(self.gamma[1] / self.gamma[0])
        return QPointF(
            min(across * std_f_m / f_m, self.area.width() / 2.0),
            min(up * std_gamma / abs(gamma), self.area.height() / 2.0),
        )


def _share(value: float, bounds: tuple[float, float]) -> float:
    return math.log(value / bounds[0]) / math.log(bounds[1] / bounds[0])


def _at(share: float, bounds: tuple[float, float]) -> float:
    share = min(max(share, 0.0), 1.0)
    return min(max(bounds[0] * (bounds[1] / bounds[0]) ** share, bounds[0]), bounds[1])
