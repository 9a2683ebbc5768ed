"""Axes of the plots: ranges of values, linear or logarithmic, and their ticks."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesosynth.plugins.parameters import Parameter

Kind = Literal["linear", "octaves", "decades", "signed"]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values along a line of pixels; pyqtgraph's linear views show its coordinates.

    Attributes
    ----------
    low, high : float
        Above 0 on "octaves" and "decades".
    label : str
        What it shows, with its unit in brackets.
    kind : str
        "octaves" and "decades" are logarithmic, with ticks at powers of 2 and 10; "signed" is so
        on both sides of 0, and linear within `knee` of it: asinh(value / knee).
    marks : tuple of (value, text)
        Ticks in place of round numbers.
    short : str
        The label where there is no room for it; "" leaves the unit out.
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
        """The axis of a parameter; one with a direction runs from falling through 0 to rising."""
        unit = f" ({parameter.unit})" if parameter.unit else ""
        signed = parameter.curve in ("signed_log", "asinh")
        symbol = "γ" if signed and parameter.id.startswith("gamma") else parameter.id
        kind: Kind = "signed" if signed else "octaves" if parameter.curve == "log" else "linear"
        return cls(parameter.minimum, parameter.maximum, f"{parameter.name} {symbol}{unit}", kind,
                   knee=parameter.smallest if signed else 1.0)  # fmt: skip

    @property
    def labels(self) -> tuple[str, str, str]:
        """Labels of the axis, the longest first; "" at last."""
        return self.label, self.short or self.label.split(" (")[0], ""

    @property
    def unit(self) -> str:
        """Unit of the values, from the label's brackets; "" without one."""
        return self.label.rpartition(" (")[2].rstrip(")") if self.label.endswith(")") else ""

    def coordinates(self, values: ArrayLike) -> NDArray[np.float64]:
        """Coordinates of values in pyqtgraph's view."""
        values = np.asarray(values, np.float64)
        if self.kind == "linear":
            return values
        if self.kind == "signed":
            return np.arcsinh(values / self.knee)
        logarithm = np.log2 if self.kind == "octaves" else np.log10
        return logarithm(np.maximum(values, 1e-12))

    def values(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Values at coordinates of pyqtgraph's view."""
        coordinates = np.asarray(coordinates, np.float64)
        if self.kind == "linear":
            return coordinates
        if self.kind == "signed":
            return self.knee * np.sinh(coordinates)
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

    def at(self, share: ArrayLike) -> NDArray[np.float64]:
        """Values at shares of the line."""
        low, high = self.span
        return self.values(low + np.asarray(share) * (high - low))

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
        low, high = self.low, self.high
        if self.marks:
            marks = [mark for mark in self.marks if low <= mark[0] <= high]
            half, step = len(marks) // 2, max(-(-len(marks) // max(most, 1)), 1)
            kept = [
                *range(max(min(step // 2, half - 1), 0), half, step)
            ]  # and so in the other half
            middle = marks[half : len(marks) - half] if step == 1 else []
            return [*(marks[i] for i in kept), *middle, *(marks[-1 - i] for i in kept[::-1])]
        if self.kind == "octaves" and high / low > 4.0:
            return [(tick, short_number(tick)) for tick in octave_ticks(low, high, most)]
        if self.kind == "decades" and high / low > 10.0:
            return decade_ticks(low, high, most)
        if self.kind == "signed":
            ticks = [0.0]
            for sign, end in ((-1.0, -low), (1.0, high)):
                if end > 4.0 * self.knee:
                    ticks += [sign * t for t in octave_ticks(4.0 * self.knee, end, most // 2)]
            return [(t, short_number(t)) for t in sorted(ticks) if low <= t <= high]
        most = max(min(most, 10), 1)
        step = (high - low) / most
        return [(tick, short_number(tick, step)) for tick in round_ticks(low, high, most)]


def octave_ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many ticks on octaves, as on a graphic equaliser.

    Powers of two from 1 upwards and downwards below 64, multiples of 125 above.
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
    span = (high - low) / most
    power = 10.0 ** math.floor(math.log10(max(span, 1e-12)))
    step = next(power * n for n in (1.0, 2.0, 5.0, 10.0) if power * n >= span * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [round(n * step, 12) for n in range(first, last + 1)]


def short_number(value: float, step: float = math.inf) -> str:
    """A number in few characters: 0.25, 62, 1k, 2.5k; with all digits that a small `step` needs."""
    if value == 0.0:
        return "0"
    if step < 0.01 * abs(value):
        text = f"{value:.{max(math.ceil(-math.log10(step)), 0)}f}"
    elif abs(value) >= 1000.0:
        text = f"{value / 1000.0:.3g}k"
    elif abs(value) >= 10.0:
        text = f"{value:.0f}"
    else:
        text = f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 0.1 else f"{value:.3g}"
    return text.replace("-", "−")
