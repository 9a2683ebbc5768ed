"""Match panel: parameters with errors, loss and similarity; target and match by ear."""

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QWidget

from mesosynth.matching.results import Guess, MatchResult, MatchStep, Scores
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.session import Session
from mesosynth.session.comparison import AuditionChoice

from .. import theme
from ..actions import Action
from ..desk import Desk
from ..plots.frame import Frame
from ..undo import History
from .bar import Bar
from .parts import PROGRESS, column, progress_bar, row

VIEWS = {
    "score": (
        "Score",
        "The worst of the other three: below 0.6 a listener does not recognise the sound.",
    ),
    "picture": (
        "Picture",
        "Auditory picture: how far both sounds agree in decibels in 64 bands of the ear from 30 Hz "
        "to 10 kHz, in steps of 10 ms.",
    ),
    "jtfs": (
        "JTFS",
        "Texture, melody and repetition: the cosine between both sounds in the joint "
        "time–frequency scattering, averaged over a quarter of a second.",
    ),
    "log_mel": (
        "Mel",
        "Log-mel: how far both sounds agree in decibels in mel bands, up to the highest frequency "
        "of the recording.",
    ),
}
"""What the desk calls the views of :class:`Scores`, and what it says of them."""

_SCALE = "1 is the same sound, 0 nothing in common."


class ScoreBars(QWidget):
    """Similarity as four bars, as one number alone would be believed: the worst, and each."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = {view: Bar(name, f"{text} {_SCALE}") for view, (name, text) in VIEWS.items()}
        stretched = [(bar, 3 if view == "score" else 2) for view, bar in self.bars.items()]
        column(row(*stretched, spacing=8), inside=self)

    def show_scores(self, scores: Scores | None) -> None:
        """Show how alike a sound is; None while that is not known."""
        known = {} if scores is None else scores.as_dict()
        for view, bar in self.bars.items():
            is_far = view == "score" and scores is not None and not scores.matched
            bar.show_share(known.get(view), "not matched" if is_far else "")


_HEARD: dict[AuditionChoice, tuple[str, str, str]] = {
    "target": ("Target", "Hear the target alone", "You hear the target; press T for the match."),
    "match": ("Match", "Hear the match as it is now, as loud as the target",
              "You hear the match; press T for both."),
    "both": ("Both", "Hear both at once, in step", "You hear target and match; press T to end."),
}  # fmt: skip
"""Name of each audition, its tooltip, and the message while it is heard."""


class AuditionButtons(QWidget):
    """Buttons of target, match and both; at most one is on, and a click on that one ends it.

    Parameters
    ----------
    desk : Desk
    history : History
        To hear a match may change the instrument, which is a step of it.
    """

    def __init__(self, desk: Desk, history: History) -> None:
        super().__init__()
        self._desk, self._history = desk, history
        self._heard: AuditionChoice | None = None
        self._shown: tuple[AuditionChoice | None, bool] = (None, False)
        self._buttons = {what: self._button(what) for what in _HEARD}
        column(row(*self._buttons.values()), inside=self)
        desk.attached.connect(self._attach)
        self.setEnabled(False)

    def __getitem__(self, what: AuditionChoice) -> QToolButton:
        return self._buttons[what]

    @property
    def label(self) -> str:
        """Name of the sound that is heard."""
        return _HEARD[self._heard][0] if self._heard else "Hear"

    def go_on(self) -> None:
        """Go from target to match, to both, to nothing of it."""
        order = (None, *_HEARD)
        self._hear(order[(order.index(self._heard) + 1) % len(order)])

    def _hear(self, what: AuditionChoice | None) -> None:
        self._history.step("hear the match", lambda session: session.comparison.hear(what))
        self._show(self._desk.session.comparison.heard)

    def _attach(self, session: Session) -> None:
        session.comparison.changed.connect(self._show)
        session.target.loaded.connect(self._on_target)

    def _show(self, heard: AuditionChoice | None) -> None:
        now = heard, self._desk.session.comparison.ready
        if now != self._shown:
            said = _HEARD[heard][2] if heard else "The sound is as it was."
            waits = heard and not now[1]
            self._desk.say("Target and match are being made equally loud …" if waits else said)
        self._heard, self._shown = heard, now
        for what, button in self._buttons.items():
            button.setChecked(what == heard)

    def _on_target(self) -> None:
        self.setEnabled(True)

    def _button(self, what: AuditionChoice) -> QToolButton:
        name, tip, _ = _HEARD[what]
        tip = f"{tip}; a second click ends it.  (T)"
        button = theme.tool_button(name, tip, named=f"Hear {name.lower()}")
        button.setCheckable(True)
        button.clicked.connect(lambda on: self._hear(what if on else None))
        return button


def estimate(value: float, std: float) -> str:
    """`value` ± `std` in one unit, with as many decimals as the error is worth, four at most.

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
    """Table of theta, similarity, progress and evaluations of a match, and buttons to hear it.

    Parameters
    ----------
    parameters : ParameterTable
    hear : AuditionButtons
    apply : Action
    """

    def __init__(self, parameters: ParameterTable, hear: AuditionButtons, apply: Action) -> None:
        body = QWidget()
        super().__init__("Match", body)
        self.hear = hear
        self.header.addWidget(hear)
        self.header.addWidget(apply.button())
        grid = QGridLayout()
        grid.setContentsMargins(2, 0, 2, 0)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        self._rows: dict[str, tuple[Parameter, QLabel]] = {}
        for place, id_ in enumerate(parameters.matchable):
            parameter = parameters[id_]
            value = QLabel("–")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            theme.name(value, f"Matched {parameter.name}")
            grid.addWidget(theme.note(parameter.name), place, 0)
            grid.addWidget(value, place, 1)
            self._rows[id_] = (parameter, value)
        self._best = math.inf
        self.progress = progress_bar("Progress of the match")
        self.scores, self._summary = ScoreBars(), theme.note("No match yet")
        column((grid, 1), self.scores, self.progress, self._summary, spacing=4, inside=body)

    def value_text(self, id_: str) -> str:
        """Text of a parameter in the table."""
        return self._rows[id_][1].text()

    def start(self) -> None:
        """Clear the table for a new match."""
        self.forget()
        self._summary.setText("Looking for a start…")

    def forget(self) -> None:
        """Clear the table: there is no match of this target yet."""
        self._best = math.inf
        self.progress.setValue(0)
        self._summary.setText("No match yet")
        self.scores.show_scores(None)
        for _, label in self._rows.values():
            label.setText("–")

    def show_guess(self, guess: Guess | None) -> None:
        """Show an instant guess until a match has something better."""
        if guess is not None and math.isinf(self._best):
            self._fill_table(guess)
            loss = "" if guess.loss is None else f" · loss {guess.loss:.1e}"
            self._summary.setText(f"Instant guess{loss}")

    def add(self, step: MatchStep) -> None:
        """Show an accepted step; the table shows the best of all starts."""
        if step.loss <= self._best:
            self._best = step.loss
            self._fill_table(step)
        self._sum_up(self._best, step.evaluations, step.seconds)
        self.progress.setValue(round(PROGRESS * step.progress))

    def end(self, result: MatchResult | None) -> None:
        """Show how the match ended."""
        if result is None:
            self.progress.setValue(0)
            self._summary.setText("Stopped before a first estimate")
            return
        self._fill_table(result)
        self._sum_up(result.loss, result.evaluations, result.seconds)
        self.progress.setValue(PROGRESS if result.converged else self.progress.value())

    def judge(self, result: MatchResult) -> None:
        """Show how alike the match is to the target."""
        self.scores.show_scores(result.similarity)

    def _fill_table(self, found: MatchStep | MatchResult | Guess) -> None:
        for id_, (parameter, label) in self._rows.items():
            text = "–"
            if id_ in found.theta:
                value = estimate(found.theta[id_], found.std.get(id_, 0.0))
                text = f"{value} {parameter.unit}".strip()
            label.setText(text)

    def _sum_up(self, loss: float, evaluations: int, seconds: float) -> None:
        self._summary.setText(f"loss {loss:.1e} · {evaluations} evals · {seconds:.1f} s")
