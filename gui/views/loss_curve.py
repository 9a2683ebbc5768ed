"""The loss of a match against the evaluations it took."""

import math
from itertools import pairwise

import numpy as np
import pyqtgraph as pg

from gui import theme
from gui.views.axes import DecadeAxis, quiet
from gui.views.frame import Frame
from mesosynth.matching.messages import MatchStep


class LossCurve(Frame):
    """Loss (log) over evaluations of the JTFS."""

    def __init__(self) -> None:
        self._plot = pg.PlotWidget(axisItems={"left": DecadeAxis("left")})
        super().__init__("Loss", self._plot, hint="Press M to match")
        self._plot.setBackground(theme.PANEL)
        self._plot.setMinimumSize(120, 60)
        item = self._item = quiet(self._plot.getPlotItem())
        item.getAxis("bottom").setLabel("Evaluations")
        item.getAxis("left").setWidth(40)
        item.showGrid(x=False, y=True, alpha=0.15)
        self._curve = item.plot(
            [], [], pen=pg.mkPen(theme.MATCH, width=1.5), symbol="o", symbolSize=5,
            symbolBrush=theme.MATCH, symbolPen=None,
        )  # fmt: skip
        self._steps: list[MatchStep] = []

    def start(self) -> None:
        """Forget the last match."""
        self._steps.clear()
        self._curve.setData([], [])
        self.note.setText("")

    def add(self, step: MatchStep) -> None:
        """Go on to an accepted step."""
        self.fill()
        self._steps.append(step)
        x = [s.evaluations for s in self._steps]
        y = [math.log10(max(s.loss, 1e-12)) for s in self._steps]
        # Another start is another line: the last step of a start is not joined to the next one's.
        joined = np.array([a.start == b.start for a, b in pairwise(self._steps)] + [False])
        self._curve.setData(x, y, connect=joined)
        best = min(self._steps, key=lambda s: s.loss)
        step_by = max(1, math.ceil((x[-1] - x[0]) / 8))
        ticks = range(-(-x[0] // step_by) * step_by, max(x[-1], x[0] + 4) + 1, step_by)
        self._item.getAxis("bottom").setTicks([[(tick, str(tick)) for tick in ticks]])
        self._item.setXRange(x[0], max(x[-1], x[0] + 4), padding=0.03)
        self._item.setYRange(math.floor(min(y) - 0.2), math.ceil(max(max(y), -1.0)), padding=0.12)
        self.note.setText(f"{best.loss:.1e} after {step.evaluations}")
