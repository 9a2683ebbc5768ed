"""Match panel: parameters with errors, loss and scores, beside the loss curve."""

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from mesosynth.matching.results import MatchResult, MatchStep
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from ..plots.frame import Frame
from ..plots.loss_curve import LossCurve
from .score_bars import ScoreBars

# --------------------------------------------------------------------------------------------------
# What the match knows so far: each parameter with its error, loss, and how far it is.


def estimate(value: float, std: float) -> str:
    """`value` ± `std` with as many decimals as the error is worth, four at most.

    >>> estimate(8.29712, 0.0131)
    '8.30 ± 0.01'
    """
    if not std > 0.0 or not math.isfinite(std):
        return f"{value:.4g}"
    decimals = min(max(-math.floor(math.log10(std)), 0), 4)
    smallest = 10.0**-decimals
    error = f"{std:.{decimals}f}" if std >= 0.5 * smallest else f"<{smallest:.{decimals}f}"
    return f"{value:.{decimals}f} ± {error}"


class MatchPanel(Frame):
    """A table of theta, how alike it sounds, how far it is, what it took."""

    def __init__(self, parameters: ParameterTable, hear: QAction, apply: QAction) -> None:
        body = QWidget()
        super().__init__("Match", body)
        for action in (hear, apply):
            button = QToolButton()
            button.setObjectName("small")
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.header.addWidget(button)
        grid = QGridLayout()
        grid.setContentsMargins(2, 0, 2, 0)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        self._rows: dict[str, tuple[Parameter, QLabel]] = {}
        for row, id_ in enumerate(parameters.matchable):
            parameter = parameters[id_]
            value = QLabel("–")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            theme.name(value, f"Matched {parameter.name}")
            grid.addWidget(theme.note(parameter.name), row, 0)
            grid.addWidget(value, row, 1)
            self._rows[id_] = (parameter, value)
        self._best = math.inf
        self.progress = QProgressBar(maximum=1000, textVisible=False)
        self.progress.setFixedHeight(6)
        theme.name(self.progress, "Progress of the match")
        self.scores = ScoreBars()
        self._summary = theme.note("No match yet")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addStretch(1)
        layout.addWidget(self.scores)
        layout.addWidget(self.progress)
        layout.addWidget(self._summary)

    def value_text(self, id_: str) -> str:
        """What the table says of a parameter."""
        return self._rows[id_][1].text()

    def start(self) -> None:
        """Clear the table for a new match."""
        self._best = math.inf
        self.progress.setValue(0)
        self._summary.setText("Looking for a start…")
        self.scores.show_scores(None)
        for _, label in self._rows.values():
            label.setText("–")

    def add(self, step: MatchStep) -> None:
        """Show an accepted step; the table keeps to the best, of whichever start it came."""
        if step.loss <= self._best:
            self._best = step.loss
            self._fill_table(step)
        self._sum_up(self._best, step.evaluations, step.seconds)
        self.progress.setValue(round(1000 * step.progress))

    def end(self, result: MatchResult | None) -> None:
        """Show how the match ended."""
        if result is None:
            self.progress.setValue(0)
            self._summary.setText("Stopped before a first estimate")
            return
        self._fill_table(result)
        self._sum_up(result.loss, result.evaluations, result.seconds)
        self.progress.setValue(1000 if result.converged else self.progress.value())

    def judge(self, result: MatchResult) -> None:
        """Show how alike the match is to the target."""
        self.scores.show_scores(result.similarity)

    def _fill_table(self, found: MatchStep | MatchResult) -> None:
        for id_, (parameter, label) in self._rows.items():
            text = estimate(found.theta[id_], found.std.get(id_, 0.0))
            label.setText(f"{text} {parameter.unit}".strip())

    def _sum_up(self, loss: float, evaluations: int, seconds: float) -> None:
        self._summary.setText(f"loss {loss:.1e} · {evaluations} evals · {seconds:.1f} s")


# --------------------------------------------------------------------------------------------------
# Loss and match side by side; where both have no room, one of them and a way to the other.


_ROOM = 420  # px that both need


class Curves(QWidget):
    """The curve of the loss and the table of what was found."""

    def __init__(self, loss: LossCurve, match: MatchPanel) -> None:
        super().__init__()
        self._loss, self._match = loss, match
        self._table = True
        self.to_match = _button("Match", "Show what was found in place of the loss")
        self.to_loss = _button("Loss", "Show the loss in place of what was found")
        self.to_match.clicked.connect(lambda: self._turn(True))
        self.to_loss.clicked.connect(lambda: self._turn(False))
        loss.header.addWidget(self.to_match)
        match.header.insertWidget(2, self.to_loss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GAP)
        layout.addWidget(loss, 5)
        layout.addWidget(match, 4)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _turn(self, table: bool) -> None:
        self._table = table
        self._arrange()

    def _arrange(self) -> None:
        both = self.width() >= _ROOM
        self._loss.setVisible(both or not self._table)
        self._match.setVisible(both or self._table)
        self.to_match.setVisible(not both)
        self.to_loss.setVisible(not both)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("small")
    button.setText(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, tip)
    return button
