"""Axes of the plots: ticks, labels and axes that several plots share."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QObject, Signal

from mesosynth.plugins.parameters import Parameter

# --------------------------------------------------------------------------------------------------
# Axes: a range of values along a line of pixels, with ticks that musicians read (0.5, 1, 2 Hz).


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values laid along a line.

    Attributes
    ----------
    low, high : float
        Values at the line's beginning and end; both above 0 on "octaves" and "decades".
    label : str
        What it shows, with its unit.
    kind : str
        "linear"; "octaves" and "decades" are logarithmic, with ticks at powers of 2 and 10.
    marks : tuple of (value, text)
        Ticks in place of round numbers.
    short : str
        The label where there is no room for it; "" leaves the unit out.
    """

    low: float
    high: float
    label: str = ""
    kind: Literal["linear", "octaves", "decades"] = "linear"
    marks: tuple[tuple[float, str], ...] = ()
    short: str = ""

    @classmethod
    def of(cls, parameter: Parameter) -> "Axis":
        """The axis of a parameter; one with a direction has its magnitude on it."""
        unit = f" ({parameter.unit})" if parameter.unit else ""
        name = f"{parameter.name} {parameter.id}"
        if parameter.minimum < 0.0 and parameter.curve in ("signed_log", "asinh"):
            symbol = "γ" if parameter.id == "gamma" else parameter.id
            label = f"{parameter.name} |{symbol}|{unit}"
            return cls(parameter.smallest, parameter.maximum, label, "octaves")
        if parameter.curve == "log":
            return cls(parameter.minimum, parameter.maximum, f"{name}{unit}", "octaves")
        return cls(parameter.minimum, parameter.maximum, f"{name}{unit}")

    @property
    def labels(self) -> tuple[str, str, str]:
        """Labels of the axis, the longest first; "" at last."""
        return self.label, self.short or self.label.split(" (")[0], ""

    def share(self, value: float) -> float:
        """Share of the line at a value: 0 at `low`, 1 at `high`."""
        if self.kind == "linear":
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)

    def at(self, share: float) -> float:
        """Value at a share of the line."""
        if self.kind == "linear":
            return self.low + share * (self.high - self.low)
        return self.low * (self.high / self.low) ** share

    def between(self, begin: float, end: float) -> "Axis":
        """Part of the axis.

        Parameters
        ----------
        begin, end : float
            Shares of the line.

        Returns
        -------
        Axis
        """
        return replace(self, low=self.at(begin), high=self.at(end))

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Values to label, and their labels, not many more than `most`."""
        if self.marks:
            return [mark for mark in self.marks if self.low <= mark[0] <= self.high]
        if self.kind == "octaves" and self.high / self.low > 4.0:
            return [(tick, short_number(tick)) for tick in octave_ticks(self.low, self.high, most)]
        if self.kind == "decades":
            return decade_ticks(self.low, self.high, most)
        return [
            (tick, short_number(tick)) for tick in round_ticks(self.low, self.high, min(most, 10))
        ]


def octave_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks on octaves: powers of two times a round number.

    Powers of two from 1 upwards and downwards below 64, multiples of 125 above, as on a graphic
    equaliser.

    Parameters
    ----------
    low, high : float
        Range of the axis.
    most : int
        Largest number of ticks.

    Returns
    -------
    list of float
    """
    base = 125.0 if high > 256.0 else 1.0
    first, last = math.ceil(math.log2(low / base) - 1e-9), math.floor(math.log2(high / base) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / max(most, 1)))
    anchor = first + (-first) % step
    return [base * 2.0**exponent for exponent in range(anchor, last + 1, step)]


def decade_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Ticks on decades: powers of ten.

    Parameters
    ----------
    low, high : float
        Range of the axis.
    most : int
        Largest number of ticks.

    Returns
    -------
    list of (float, str)
        Values and labels: 1, 0.1, 0.01, 1e-3.
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / max(1, most)))
    return [(10.0**e, f"{10.0**e:g}" if e > -3 else f"1e{e}") for e in range(first, last + 1, step)]


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks at multiples of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high : float
        Range of the axis.
    most : int
        Largest number of ticks.

    Returns
    -------
    list of float
    """
    span = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(max(span, 1e-12)))
    step = next(power * n for n in (1.0, 2.0, 5.0, 10.0) if power * n >= span * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [round(n * step, 12) for n in range(first, last + 1)]


def short_number(value: float) -> str:
    """`value` in at most four characters and a sign: 0.25, 62, 1k, 2.5k."""
    if value == 0.0:
        return "0"
    if abs(value) >= 1000.0:
        text = f"{value / 1000.0:.3g}k"
    elif abs(value) >= 10.0:
        text = f"{value:.0f}"
    elif abs(value) < 0.1:
        text = f"{value:.3f}".rstrip("0").rstrip(".")
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−")


# --------------------------------------------------------------------------------------------------
# Axes that several pictures share: zoom one, and all of them zoom.


_CLOSEST = 0.02  # the smallest share of an axis that can fill a picture


class SharedAxes(QObject):
    """A horizontal and a vertical axis, and which part of each is in sight.

    Attributes
    ----------
    x, y : Axis
        What is in sight.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, x: Axis, y: Axis) -> None:
        super().__init__()
        self._home = x, y
        self._x_part = self._y_part = (0.0, 1.0)
        self.x, self.y = x, y

    @property
    def zoomed(self) -> bool:
        """Whether only a part is in sight."""
        return (self._x_part, self._y_part) != ((0.0, 1.0), (0.0, 1.0))

    def set_home(self, x: Axis, y: Axis) -> None:
        """Change the axes; the shares that are in sight stay.

        Parameters
        ----------
        x, y : Axis
        """
        if self._home != (x, y):
            self._home = x, y
            self._update()

    def reset(self) -> None:
        """Bring everything back in sight."""
        self._x_part = self._y_part = (0.0, 1.0)
        self._update()

    def zoom(self, across: float, up: float, x_share: float, y_share: float) -> None:
        """Zoom around a fixed point.

        Parameters
        ----------
        across, up : float
            Factors of the lengths in sight; below 1 zooms in.
        x_share, y_share : float
            Fixed point, shares of the part in sight.
        """
        self._x_part = _stretched(self._x_part, across, x_share)
        self._y_part = _stretched(self._y_part, up, y_share)
        self._update()

    def pan(self, across: float, up: float) -> None:
        """Move the part in sight.

        Parameters
        ----------
        across, up : float
            Shares of the part in sight.
        """
        self._x_part = _moved(self._x_part, across)
        self._y_part = _moved(self._y_part, up)
        self._update()

    def _update(self) -> None:
        x, y = self._home
        self.x, self.y = x.between(*self._x_part), y.between(*self._y_part)
        self.changed.emit()


def _stretched(part: tuple[float, float], factor: float, share: float) -> tuple[float, float]:
    begin, end = part
    length = min(max((end - begin) * factor, _CLOSEST), 1.0)
    fixed = begin + share * (end - begin)
    begin = min(max(fixed - share * length, 0.0), 1.0 - length)
    return begin, begin + length


def _moved(part: tuple[float, float], by: float) -> tuple[float, float]:
    begin, end = part
    length = end - begin
    begin = min(max(begin + by * length, 0.0), 1.0 - length)
    return begin, begin + length
