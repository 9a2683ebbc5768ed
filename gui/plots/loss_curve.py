"""Loss curve: loss and parameters of a match over its evaluations."""

import math

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QToolButton
from typing_extensions import override

from mesosynth.matching.results import MatchResult, MatchStep
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from . import canvas as plot_painting
from .axes import Axis
from .canvas import Canvas
from .frame import Frame, Table

COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#9ad0f3", "#b0b0b0")
"""Of the parameters' curves: Okabe and Ito's, which colour-blind eyes tell apart."""


class LossCurve(Frame):
    """Loss (log) over evaluations of the JTFS, or the parameters' travels over the same.

    Parameters
    ----------
    parameters : ParameterTable, optional
        Of the instrument that is matched.
    """

    def __init__(self, parameters: ParameterTable | None = None) -> None:
        self.curves = _Curves(parameters)
        super().__init__("Loss", self.curves, hint="Press M to match")
        self.switch = QToolButton()
        self.switch.setText("Parameters")
        self.switch.setCheckable(True)
        self.switch.setObjectName("small")
        self.switch.setToolTip("Show the parameters' way in place of the loss")
        self.switch.toggled.connect(self._on_switch)
        self.header.addWidget(self.switch)

    def set_table(self, parameters: ParameterTable) -> None:
        """Show another instrument's matches."""
        self.curves.parameters = parameters
        self.start()

    def start(self) -> None:
        """Forget the last match."""
        self.curves.steps.clear()
        self.curves.refresh()
        self.note.setText("")

    def add(self, step: MatchStep) -> None:
        """Go on to an accepted step."""
        self.fill()
        self.curves.steps.append(step)
        self.curves.refresh()
        best = min(self.curves.steps, key=lambda each: each.loss)
        self._sum_up(best.loss, step.evaluations)

    def end(self, result: MatchResult | None) -> None:
        """Show the loss of the result.

        It is not always the curve's lowest: a windowed step has another loss than the whole.
        """
        if result is not None:
            self._sum_up(result.loss, result.evaluations)

    @override
    def table(self) -> Table:
        steps = self.curves.steps
        ids = list(steps[0].theta) if steps else []
        columns = ["evaluations", "seconds", "start", "loss", *ids, *(f"std_{id_}" for id_ in ids)]
        rows = [
            [
                *(step.evaluations, step.seconds, step.start, step.loss),
                *(step.theta[id_] for id_ in ids),
                *(step.std.get(id_, 0.0) for id_ in ids),
            ]
            for step in steps
        ]
        return Table(columns, rows)

    def _sum_up(self, loss: float, evaluations: int) -> None:
        self.note.say(f"{loss:.1e} after {evaluations}", f"{loss:.1e}", "")

    def _on_switch(self, parameters: bool) -> None:
        self.curves.shows_parameters = parameters
        self.title.setText("Parameters" if parameters else "Loss")
        self.switch.setText("Loss" if parameters else "Parameters")
        self.curves.refresh()


class _Curves(Canvas):
    def __init__(self, parameters: ParameterTable | None) -> None:
        super().__init__()
        self.setMinimumSize(120, 60)
        self.steps: list[MatchStep] = []
        self.shows_parameters = False
        self.parameters = parameters

    def paint_still(self, painter: QPainter) -> None:
        if not self.steps:
            return
        top, left, bottom = (
            0.6 * plot_painting.em(), plot_painting.left_margin(), plot_painting.bottom_margin()
        )  # fmt: skip
        area = QRectF(left, top, self.width() - left - 6, self.height() - top - bottom)
        plot_painting.paint_ground(painter, area)
        first = self.steps[0].evaluations
        x = Axis(first - 0.3, max(self.steps[-1].evaluations, first + 4) + 0.3, "Evaluations")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot_painting.paint_x_axis(painter, area, x)
        if self.shows_parameters and self.parameters is not None:
            self._paint_parameters(painter, area, x, self.parameters)
        else:
            self._paint_loss(painter, area, x)

    def _paint_loss(self, painter: QPainter, area: QRectF, x: Axis) -> None:
        losses = [max(step.loss, 1e-12) for step in self.steps]
        high = 10.0 ** math.ceil(max(math.log10(max(losses)), -1.0) + 1e-9)
        low = 10.0 ** math.floor(math.log10(min(losses)) - 0.2)
        y = Axis(low, high, "", "decades")
        plot_painting.paint_y_axis(painter, area, y, grid=True)
        self._paint_ways(painter, area, x, [y.share(loss) for loss in losses], theme.MATCH)

    def _paint_parameters(
        self, painter: QPainter, area: QRectF, x: Axis, parameters: ParameterTable
    ) -> None:
        plot_painting.paint_y_axis(painter, area, _TRAVEL, grid=True)
        ids = [id_ for id_ in self.steps[0].theta if id_ in parameters]
        for id_, colour in zip(ids, COLOURS, strict=False):
            shares = [_travel(parameters[id_], step.theta[id_]) for step in self.steps]
            self._paint_ways(painter, area, x, shares, colour)
        spot = QPointF(area.left() + 6, area.top() + 1.1 * plot_painting.em())
        metrics = QFontMetricsF(painter.font())
        for id_, colour in zip(ids, COLOURS, strict=False):
            width = metrics.horizontalAdvance(id_)
            box = QRectF(spot.x() - 2, spot.y() - metrics.ascent(), width + 4, metrics.height())
            painter.fillRect(box, theme.colour(theme.WELL, 0.7))
            painter.setPen(QColor(colour))
            painter.drawText(spot, id_)
            spot += QPointF(width + 8, 0)

    def _paint_ways(
        self, painter: QPainter, area: QRectF, x: Axis, shares: list[float], colour: str
    ) -> None:
        points: dict[int, list[QPointF]] = {}
        for step, share in zip(self.steps, shares, strict=True):
            across = area.left() + x.share(step.evaluations) * area.width()
            spot = QPointF(across, area.bottom() - share * area.height())
            points.setdefault(step.start, []).append(spot)
        # Another start is another line: the last step of a start is not joined to the next one's.
        for way in points.values():
            painter.setPen(QPen(QColor(colour), 1.5))
            painter.drawPolyline(QPolygonF(way))
            painter.setBrush(QColor(colour))
            for spot in way:
                painter.drawEllipse(spot, 2.2, 2.2)


_TRAVEL = Axis(-0.04, 1.04, "", marks=((0.0, "min"), (0.5, ""), (1.0, "max")))


def _travel(parameter: Parameter, value: float) -> float:
    """Position of a value on its knob; of a signed one, of its magnitude."""
    share = parameter.to_unit(abs(value) if parameter.curve == "signed_log" else value)
    if parameter.curve == "signed_log":
        share = 2.0 * share - 1.0
    return _TRAVEL.share(share)
