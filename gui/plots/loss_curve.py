"""Loss curve: loss and parameters of a match over its evaluations."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from mesosynth.matching.results import MatchResult, MatchStep
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from .axes import Axis
from .frame import Frame, Later, Table

if TYPE_CHECKING:
    from .plot import Plot

COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d6c400", "#d55e00", "#0072b2", "#909090")
"""Of the parameters' curves: Okabe and Ito's, which colour-blind eyes tell apart."""


class LossCurve(Frame):
    """Loss (log) over evaluations of the JTFS, or the parameters' travels over the same.

    Parameters
    ----------
    parameters : ParameterTable, optional
        Of the instrument that is matched.
    """

    def __init__(self, parameters: ParameterTable | None = None) -> None:
        self._place = Later(self._make)
        super().__init__("Loss", self._place, hint="Press M to match")
        self.parameters = parameters
        self.steps: list[MatchStep] = []
        self.switch = theme.tool_button("Parameters", "Show the parameters' way, or the loss")
        self.switch.setCheckable(True)
        self.switch.toggled.connect(self._on_switch)
        self.header.addWidget(self.switch)

    def _make(self) -> QWidget:
        from .plot import Curve, Legend, Plot

        self._curves = Plot("Loss", _EVALUATIONS, _LOSS, read=lambda x, _: self.read(x))
        self._curves.show_grid(True)
        self._loss = Curve(self._curves, "MATCH", dots=5.0)
        self._ways = [Curve(self._curves, colour, dots=4.0) for colour in COLOURS]
        self._legend = Legend(self._curves)
        return self._curves

    @property
    def curves(self) -> "Plot":
        """The plot."""
        _ = self._place.plot
        return self._curves

    def set_table(self, parameters: ParameterTable) -> None:
        """Show another instrument's matches."""
        self.parameters = parameters
        self.start()

    def start(self) -> None:
        """Forget the last match."""
        self.steps.clear()
        if self._place.made:
            self.curves.reset()
            self._draw()
        self.note.setText("")

    def add(self, step: MatchStep) -> None:
        """Go on to an accepted step."""
        self.fill()
        self.steps.append(step)
        self._draw()
        best = min(self.steps, key=lambda each: each.loss)
        self._sum_up(best.loss, step.evaluations)

    def end(self, result: MatchResult | None) -> None:
        """Show the loss of the result.

        It is not always the curve's lowest: a windowed step has another loss than the whole.
        """
        if result is not None:
            self._sum_up(result.loss, result.evaluations)

    @override
    def table(self) -> Table:
        ids = list(self.steps[0].theta) if self.steps else []
        columns = ["evaluations", "seconds", "start", "loss"]
        for id_ in ids:
            known = self.parameters is not None and id_ in self.parameters
            unit = self.parameters[id_].unit if known and self.parameters else ""
            columns.append(f"{id_} ({unit})" if unit else id_)
        columns += [f"std_{column}" for column in columns[4:]]
        rows = [
            [
                *(step.evaluations, step.seconds, step.start, step.loss),
                *(step.theta[id_] for id_ in ids),
                *(step.std.get(id_, 0.0) for id_ in ids),
            ]
            for step in self.steps
        ]
        return Table(columns, rows)

    def read(self, x: float) -> str:
        """What the read-out says of the step nearest to so many evaluations."""
        if not self.steps:
            return ""
        step = min(self.steps, key=lambda each: abs(each.evaluations - x))
        start = f" · start {step.start}" if step.start else ""
        if not self.switch.isChecked() or self.parameters is None:
            return f"evaluation {step.evaluations} · loss {step.loss:.2e}{start}".replace("-", "−")
        known = [id_ for id_ in step.theta if id_ in self.parameters]
        texts = [f"{id_} {self.parameters[id_].text(step.theta[id_])}" for id_ in known]
        return f"evaluation {step.evaluations}{start} · " + " · ".join(texts)

    def _draw(self) -> None:
        curves, steps = self.curves, self.steps
        travels = self.switch.isChecked() and self.parameters is not None
        first = steps[0].evaluations if steps else 0
        last = max(steps[-1].evaluations if steps else 0, first + 4)
        x = Axis(first - 0.3, last + 0.3, _EVALUATIONS.label)
        losses = [max(step.loss, 1e-12) for step in steps] or [1.0]
        high = 10.0 ** math.ceil(max(math.log10(max(losses)), -1.0) + 1e-9)
        low = 10.0 ** math.floor(math.log10(min(losses)) - 0.2)
        curves.set_axes(x, _TRAVEL if travels else Axis(low, high, _LOSS.label, "decades"))
        self._loss.show(*self._ways_of([] if travels else losses))
        ids = [id_ for id_ in (steps[0].theta if steps and travels else ()) if id_ in self._table]
        for place, way in enumerate(self._ways):
            shares = [] if place >= len(ids) else [
                _travel(self._table[ids[place]], step.theta[ids[place]]) for step in steps
            ]  # fmt: skip
            way.show(*self._ways_of(shares))
        self._legend.show(zip(COLOURS, ids, strict=False))

    @property
    def _table(self) -> ParameterTable | dict[str, Parameter]:
        return {} if self.parameters is None else self.parameters

    def _ways_of(self, values: Sequence[float]) -> tuple[list[float], list[float]]:
        """Points of a curve: another start is another line, after a gap."""
        across: list[float] = []
        up: list[float] = []
        if values and self.steps:
            pairs = sorted(zip(self.steps, values, strict=True), key=lambda pair: pair[0].start)
            start = pairs[0][0].start
            for step, value in pairs:
                if step.start != start:
                    across.append(math.nan)
                    up.append(math.nan)
                    start = step.start
                across.append(step.evaluations)
                up.append(value)
        return across, up

    def _sum_up(self, loss: float, evaluations: int) -> None:
        self.note.say(f"{loss:.1e} after {evaluations}", f"{loss:.1e}", "")

    def _on_switch(self, parameters: bool) -> None:
        self.title.setText("Parameters" if parameters else "Loss")
        self.switch.setText("Loss" if parameters else "Parameters")
        if self.steps:
            self._draw()


_EVALUATIONS = Axis(0.0, 5.0, "Evaluations")
_LOSS = Axis(1e-3, 1.0, "Loss", "decades")
_TRAVEL = Axis(-0.05, 1.35, "", marks=((0.0, "min"), (1.0, "max")))


def _travel(parameter: Parameter, value: float) -> float:
    """Position of a value on its knob; of a signed one, of its magnitude."""
    share = parameter.to_unit(abs(value) if parameter.curve == "signed_log" else value)
    return 2.0 * share - 1.0 if parameter.curve == "signed_log" else share
