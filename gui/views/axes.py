"""Log axes whose labels musicians can read: 0.5, 1, 2, 4 Hz and 1k, not powers of ten."""

import math
from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg

from gui import theme


def octave_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of two times a round number within `low` to `high`, at most `most` of them.

    Powers of two from 1 upwards and downwards below 64, multiples of 125 above, as on a graphic
    equaliser.
    """
    base = 125.0 if high > 256.0 else 1.0
    first, last = math.ceil(math.log2(low / base) - 1e-9), math.floor(math.log2(high / base) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / max(most, 1)))
    anchor = first + (-first) % step
    return [base * 2.0**exponent for exponent in range(anchor, last + 1, step)]


def short_number(value: float) -> str:
    """`value` in at most four characters: 0.25, 62, 1k, 2.5k."""
    if value == 0.0:
        return "0"
    if abs(value) >= 1000.0:
        return f"{value / 1000.0:.3g}k"
    if abs(value) >= 10.0:
        return f"{value:.0f}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 0.1 else f"{value:.3g}"


class OctaveAxis(pg.AxisItem):
    """An axis over log2 of a frequency, labelled in hertz."""

    def tickValues(  # noqa: D102 - pyqtgraph's hook
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        ticks = octave_ticks(2.0**minVal, 2.0**maxVal, int(size // 18))
        return [(1.0, [math.log2(tick) for tick in ticks])]

    def tickStrings(  # noqa: D102 - pyqtgraph's hook
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        return [short_number(2.0**value) for value in values]


class DecadeAxis(pg.AxisItem):
    """An axis over log10 of a loss, labelled 1, 0.1, 0.01, 1e-3."""

    def tickValues(  # noqa: D102 - pyqtgraph's hook
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        first, last = math.ceil(minVal), math.floor(maxVal)
        step = max(1, math.ceil((last - first + 1) / max(1, int(size // 16))))
        return [(1.0, [float(exponent) for exponent in range(first, last + 1, step)])]

    def tickStrings(  # noqa: D102 - pyqtgraph's hook
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        return [f"{10.0**value:g}" if value > -2.5 else f"1e{value:.0f}" for value in values]


def quiet(plot: Any) -> Any:  # noqa: ANN401 - a PlotItem grows most of its methods at run time
    """Make a PlotItem a picture: no menu, no buttons, no mouse, thin axes in the desk's font."""
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(False, False)
    plot.layout.setContentsMargins(0, 0, 0, 0)
    plot.layout.setVerticalSpacing(0)
    plot.getViewBox().setBackgroundColor(theme.WELL)
    plot.getAxis("bottom").setHeight(31)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(theme.LINE)
        axis.setTextPen(theme.DIM)
        axis.setTickFont(theme.font(7.5))
        axis.setStyle(tickLength=-3, tickTextOffset=4)
        axis.label.setFont(theme.font(7.5))
        axis.enableAutoSIPrefix(False)
    return plot
