"""Axes of the plots: ranges of values, linear or logarithmic, and their ticks."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesosynth.plugins.parameters import Parameter

# --------------------------------------------------------------------------------------------------
# Axes: a range of values along a line of pixels, with ticks that musicians read (0.5, 1, 2 Hz).
#
# pyqtgraph's views are linear: what it is given are the axis' own coordinates (octaves, decades).


Kind = Literal["linear", "octaves", "decades", "signed"]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values laid along a line.

    Attributes
    ----------
    low, high : float
        Values at the line's beginning and end; both above 0 on "octaves" and "decades".
    label : str
        What it shows, with its unit in brackets.
    kind : str
        "linear"; "octaves" and "decades" are logarithmic, with ticks at powers of 2 and 10;
        "signed" is in octaves on both sides of 0, and linear within `knee` of it.
    marks : tuple of (value, text)
        Ticks in place of round numbers.
    short : str
        The label where there is no room for it; "" leaves the unit out.
    knee : float
        Of a "signed" axis, in the values' unit.
    """

    low: float
    high: float
    label: str = ""
    kind: Kind = "linear"
    marks: tuple[tuple[float, str], ...] = ()
    short: str = ""
    knee: float = 1.0

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

    @property
    def unit(self) -> str:
        """Unit of the values, from the label's brackets; "" without one."""
        return self.label.rpartition(" (")[2].rstrip(")") if self.label.endswith(")") else ""

    def coordinates(self, values: ArrayLike) -> NDArray[np.float64]:
        """Coordinates of values in pyqtgraph's view: octaves, decades, or the values."""
        values = np.asarray(values, np.float64)
        if self.kind == "linear":
            return values
        if self.kind == "signed":
            return np.sign(values) * np.log2(1.0 + np.abs(values) / self.knee)
        logarithm = np.log2 if self.kind == "octaves" else np.log10
        return logarithm(np.maximum(values, 1e-12))

    def values(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Values at coordinates of pyqtgraph's view; see :meth:`coordinates`."""
        coordinates = np.asarray(coordinates, np.float64)
        if self.kind == "linear":
            return coordinates
        if self.kind == "signed":
            return np.sign(coordinates) * self.knee * (np.exp2(np.abs(coordinates)) - 1.0)
        return np.exp2(coordinates) if self.kind == "octaves" else 10.0**coordinates

    @property
    def span(self) -> tuple[float, float]:
        """Coordinates of both ends."""
        low, high = self.coordinates([self.low, self.high]).tolist()
        return low, high

    def share(self, value: float) -> float:
        """Share of the line at a value: 0 at `low`, 1 at `high`."""
        low, high = self.span
        return (float(self.coordinates(value)) - low) / (high - low)

    def at(self, share: float) -> float:
        """Value at a share of the line."""
        low, high = self.span
        return float(self.values(low + share * (high - low)))

    def text(self, value: float) -> str:
        """A value with its unit, as read-outs say it: 1250 Hz."""
        for place, mark in self.marks:
            if mark and abs(value - place) <= 0.5:
                return f"{mark} {self.unit}".strip()
        step = (self.high - self.low) / 1000.0 if self.kind == "linear" else abs(value) / 1000.0
        digits = min(max(-math.floor(math.log10(step)) if step > 0.0 else 0, 0), 4)
        number = f"{value:.{digits}f}" if abs(value) >= 1e-3 or value == 0.0 else f"{value:.2e}"
        return f"{number} {self.unit}".strip().replace("-", "−")

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Values to label, and their labels, not many more than `most`."""
        if self.marks:
            return [mark for mark in self.marks if self.low <= mark[0] <= self.high]
        if self.kind == "octaves" and self.high / self.low > 4.0:
            return [(tick, short_number(tick)) for tick in octave_ticks(self.low, self.high, most)]
        if self.kind == "decades" and self.high / self.low > 10.0:
            return decade_ticks(self.low, self.high, most)
        if self.kind == "signed":
            return self._signed_ticks(most)
        step = (self.high - self.low) / max(min(most, 10), 1)
        return [
            (tick, short_number(tick, step))
            for tick in round_ticks(self.low, self.high, min(most, 10))
        ]

    def _signed_ticks(self, most: int) -> list[tuple[float, str]]:
        """0, and octaves on both sides of it."""
        ticks = [0.0]
        for side, end in ((-1.0, -self.low), (1.0, self.high)):
            if end > 4.0 * self.knee:
                ticks += [side * tick for tick in octave_ticks(4.0 * self.knee, end, most // 2)]
        return [(t, short_number(t)) for t in sorted(ticks) if self.low <= t <= self.high]


def octave_ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many ticks on octaves: powers of two times a round number.

    Powers of two from 1 upwards and downwards below 64, multiples of 125 above, as on a graphic
    equaliser.
    """
    base = 125.0 if high > 256.0 else 1.0
    first, last = math.ceil(math.log2(low / base) - 1e-9), math.floor(math.log2(high / base) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / max(most, 1)))
    anchor = first + (-first) % step
    return [base * 2.0**exponent for exponent in range(anchor, last + 1, step)]


def decade_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """At most so many ticks on decades, and their labels: 1, 0.1, 0.01, 1e-3."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / max(1, most)))
    return [(10.0**e, f"{10.0**e:g}" if e > -3 else f"1e{e}") for e in range(first, last + 1, step)]


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many ticks at multiples of 1, 2 or 5 times a power of ten."""
    span = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(max(span, 1e-12)))
    step = next(power * n for n in (1.0, 2.0, 5.0, 10.0) if power * n >= span * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [round(n * step, 12) for n in range(first, last + 1)]


def short_number(value: float, step: float = math.inf) -> str:
    """A number in few characters and a sign: 0.25, 62, 1k, 2.5k.

    Where the `step` from one number to the next is small there are as many digits as it needs.
    """
    if value == 0.0:
        return "0"
    if step < 0.01 * abs(value):
        text = f"{value:.{max(math.ceil(-math.log10(step)), 0)}f}"
    elif abs(value) >= 1000.0:
        text = f"{value / 1000.0:.3g}k"
    elif abs(value) >= 10.0:
        text = f"{value:.0f}"
    elif abs(value) < 0.1:
        text = f"{value:.3f}".rstrip("0").rstrip(".")
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−")
