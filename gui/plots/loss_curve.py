"""Loss curve: loss and parameters of a match over its evaluations."""

import math
from collections.abc import Sequence

import numpy as np

from mesosynth.matching.results import LayersStep, MatchResult, MatchStep
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from .axes import Axis
from .frame import Frame
from .parts import Curve, Labels, Legend
from .plot import Plot, Table

COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d6c400", "#d55e00", "#0072b2", "#909090")
"""Of the parameters' curves: Okabe and Ito's, which colour-blind eyes tell apart."""

_EVALUATIONS = Axis(0.0, 5.0, "Evaluations")
_LOSS = Axis(1e-3, 1.0, "Loss", "decades")
_TRAVEL = Axis(-0.05, 1.35, "", marks=((0.0, "min"), (1.0, "max")))


class LossCurve(Frame):
    """Loss (log) over evaluations of the JTFS, or the parameters' travels over the same."""

    def __init__(self, parameters: ParameterTable) -> None:
        self.parameters = parameters
        self.steps: list[MatchStep] = []
        self.curves = Plot("Loss", _EVALUATIONS, _LOSS, hint="Press M to match", read=self._read)
        super().__init__("Loss", self.curves)
        self.switch = theme.tool_button("Parameters", "Show the parameters' way, or the loss")
        self.switch.setCheckable(True)
        self.switch.toggled.connect(self._on_switch)
        self.header.addWidget(self.switch)
        self.curves.show_grid(True)
        self._loss = Curve(self.curves, "MATCH", dots=5.0)
        self._ways = [Curve(self.curves, colour, dots=4.0) for colour in COLOURS]
        self._legend = Legend(self.curves)
        self._marks = Curve(self.curves, "LINE", width=1.0, connect="pairs")
        self._phases = Labels(self.curves, ground=0.8, apart=0.0)

    def set_table(self, parameters: ParameterTable) -> None:
        """Show another instrument's matches."""
        self.parameters = parameters
        self.start()

    def start(self) -> None:
        """Forget the last match."""
        self.steps.clear()
        self.curves.reset()
        self._draw()
        self.note.setText("")

    def add(self, step: MatchStep) -> None:
        """Go on to an accepted step."""
        self.steps.append(step)
        self._draw()
        alike = [each.loss for each in self.steps if each.phase == step.phase]
        self._sum_up(min(alike), step.evaluations)

    def add_layers(self, step: LayersStep) -> None:
        """Go on to a step of a match with layers."""
        seconds, progress = step.seconds, step.progress
        self.add(MatchStep({}, {}, step.loss, step.evaluations, seconds, 0, progress, "layers"))

    def end(self, result: MatchResult | None) -> None:
        """Show the loss of the result.

        It is not always the curve's lowest: a windowed step has another loss than the whole.
        """
        if result is not None:
            self._sum_up(result.loss, result.evaluations)

    def table(self) -> Table:
        """Loss, parameters and their standard deviations of each step."""
        ids = list(self.steps[0].theta) if self.steps else []
        units = {id_: self.parameters[id_].unit for id_ in ids if id_ in self.parameters}
        names = [f"{id_} ({units[id_]})" if units.get(id_) else id_ for id_ in ids]
        rows = [
            [step.evaluations, step.seconds, step.start, step.phase, step.loss,
             *(step.theta[i] for i in ids), *(step.std.get(i, 0.0) for i in ids)]
            for step in self.steps
        ]  # fmt: skip
        deviations = [f"std_{name}" for name in names]
        return Table(
            ["evaluations", "seconds", "start", "phase", "loss", *names, *deviations], rows
        )

    def _read(self, x: float, _y: float) -> str:
        if not self.steps:
            return ""
        step = min(self.steps, key=lambda each: abs(each.evaluations - x))
        start = f" · start {step.start}" if step.start else ""
        start += f" · {step.phase}"
        if not self.switch.isChecked():
            return f"evaluation {step.evaluations} · loss {step.loss:.2e}{start}".replace("-", "−")
        known = [id_ for id_ in step.theta if id_ in self.parameters]
        texts = [f"{id_} {self.parameters[id_].text(step.theta[id_])}" for id_ in known]
        return " · ".join([f"evaluation {step.evaluations}{start}", *texts])

    def _draw(self) -> None:
        steps, travels = self.steps, self.switch.isChecked()
        self.curves.set_empty(not steps)
        first = steps[0].evaluations if steps else 0
        last = max(steps[-1].evaluations if steps else 0, first + 4)
        losses = [max(step.loss, 1e-12) for step in steps] or [1.0]
        high = 10.0 ** math.ceil(max(math.log10(max(losses)), -1.0) + 1e-9)
        low = 10.0 ** math.floor(math.log10(min(losses)) - 0.2)
        y = _TRAVEL if travels else Axis(low, high, _LOSS.label, "decades")
        self.curves.set_axes(Axis(first - 0.3, last + 0.3, _EVALUATIONS.label), y)
        self._loss.show(*self._points([] if travels else losses))
        moved = steps[0].theta if steps and travels else ()
        ids = [id_ for id_ in moved if id_ in self.parameters]
        for way, id_ in zip(self._ways, [*ids, *[""] * len(self._ways)], strict=False):
            shares = [_travel(self.parameters[id_], s.theta[id_]) for s in steps] if id_ else []
            way.show(*self._points(shares))
        self._legend.show(
            (colour, self.parameters[id_].name) for colour, id_ in zip(COLOURS, ids, strict=False)
        )
        begins = [step for step, last in zip(steps, [None, *steps], strict=False)
                  if last is None or _phase(step) != _phase(last)]  # fmt: skip
        top, bottom = (_TRAVEL.high, _TRAVEL.low) if travels else (high, low)
        places = [step.evaluations - 0.3 for step in begins[1:]]
        self._marks.show(np.repeat(places, 2), [bottom, top] * len(places))
        self._phases.show(
            (step.evaluations - 0.3, top, f" {_name(step)}", (0.0, 0.0), "DIM")
            for step in (begins if not travels and len(begins) > 1 else ())
        )

    def _points(self, values: Sequence[float]) -> tuple[list[float], list[float]]:
        """Points of a curve: another start or phase is another line, after a gap."""
        across, up = list[float](), list[float]()
        before = None
        pairs = zip(self.steps, values, strict=False)
        for step, value in sorted(pairs, key=lambda pair: _phase(pair[0])):
            if before is not None and _phase(step) != _phase(before):
                across.append(math.nan)
                up.append(math.nan)
            before = step
            across.append(step.evaluations)
            up.append(value)
        return across, up

    def _sum_up(self, loss: float, evaluations: int) -> None:
        self.note.say(f"{loss:.1e} after {evaluations}", f"{loss:.1e}", "")

    def _on_switch(self, parameters: bool) -> None:
        self.title.setText("Parameters" if parameters else "Loss")
        self.switch.setText("Loss" if parameters else "Parameters")
        self._draw()


def _phase(step: MatchStep) -> tuple[int, str]:
    """Steps whose losses can be compared, and follow one another."""
    return step.start, step.phase


def _name(step: MatchStep) -> str:
    return f"start {step.start + 1}" if step.phase == "arpeggio" else step.phase


def _travel(parameter: Parameter, value: float) -> float:
    """Position of a value on its knob; of a signed one, of its magnitude."""
    share = parameter.to_unit(abs(value) if parameter.curve == "signed_log" else value)
    return 2.0 * share - 1.0 if parameter.curve == "signed_log" else share
