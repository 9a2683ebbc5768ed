"""Match page: settings of the match, audition buttons and match files."""

from dataclasses import replace
from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mesosynth.matching.results import Candidate, LayersStep, MatchResult, MatchSettings, MatchStep
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session.events import Heard

from .. import theme
from ..actions import Actions

# --------------------------------------------------------------------------------------------------
# Three buttons that say whether the target, the match or both are heard.


HEARD: tuple[Heard, ...] = get_args(Heard)
TEXTS: dict[Heard, str] = {"target": "Target", "match": "Match", "both": "Both"}
"""What the desk calls them."""

_TIPS: dict[Heard, str] = {
    "target": "Hear the target alone",
    "match": "Hear what the instrument plays, as loud as the target",
    "both": "Hear both at once, in step",
}


class AuditionButtons(QWidget):
    """At most one of the three is on; a click on that one ends it.

    Signals
    -------
    asked
        What shall be heard: "target", "match" or "both"; None for nothing of it any more.
    """

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._buttons = {what: self._button(what) for what in HEARD}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for button in self._buttons.values():
            layout.addWidget(button)

    def __getitem__(self, what: Heard) -> QToolButton:
        return self._buttons[what]

    def show_heard(self, heard: Heard | None) -> None:
        """Show what is heard."""
        for what, button in self._buttons.items():
            button.setChecked(what == heard)

    def _button(self, what: Heard) -> QToolButton:
        button = QToolButton()
        button.setObjectName("small")
        button.setCheckable(True)
        button.setText(TEXTS[what])
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # Space plays, and is not the button's
        button.setToolTip(f"{_TIPS[what]}; a second click ends it.  (T)")
        theme.name(button, f"Hear {TEXTS[what].lower()}", _TIPS[what])
        button.clicked.connect(lambda on: self.asked.emit(what if on else None))
        return button


# --------------------------------------------------------------------------------------------------
# The drawer's page of the match: what is looked for and how, and what was found.


PHIS = {
    "jtfs-global": "JTFS, averaged over time",
    "jtfs": "JTFS, along time",
    "mss": "Multiscale spectrogram",
}
DESCENTS = {
    "levenberg-marquardt": "Levenberg–Marquardt",
    "l-bfgs": "L-BFGS",
    "adam": "Adam",
    "bold-driver": "Gradient, bold driver",
}
"""What the desk calls the engine's transforms and descents."""

MORPH_STEPS = 100


def time_left(step: MatchStep | LayersStep) -> str:
    """About how long a match still takes, as a person says it; "" while nobody knows."""
    if step.progress < 0.05:
        return ""
    seconds = step.seconds * (1.0 - step.progress) / step.progress
    if seconds < 1.0:
        return "nearly done"
    return (
        f"about {seconds:.0f} s left" if seconds < 90.0 else f"about {seconds / 60.0:.0f} min left"
    )


class MatchSettingsPanel(QFrame):
    """Checkboxes for the unknowns, choices of transform and descent, candidates, a morph.

    Signals
    -------
    settings_changed
        The :class:`MatchSettings` that the user wants.
    audition_asked
        Place of a candidate, 0 for the best.
    morph_began, morphed, morph_ended
        The slider between the sound before the match (0) and the match (1).
    """

    settings_changed = Signal(object)
    audition_asked = Signal(int)
    morph_began = Signal()
    morphed = Signal(float)
    morph_ended = Signal()

    def __init__(self, parameters: ParameterTable, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._parameters = parameters
        self._settings = MatchSettings()
        self.unknowns: dict[str, QCheckBox] = {}
        self.phi, self.descent = _choice("Transform", PHIS), _choice("Descent", DESCENTS)
        for box in (self.phi, self.descent):
            box.activated.connect(self._tell)
        self.left = theme.note()
        self.candidates = QListWidget()
        theme.name(self.candidates, "Candidates", "Each start's end; choose one to hear it")
        self.candidates.setToolTip(
            "Where each start led, best first; choose one to play it, T to compare it.\n"
            "Alike: cosines to the target in JTFS, MSS and log-mel."
        )
        self.hear = AuditionButtons()
        self.candidates.currentRowChanged.connect(self._audition)
        self.morph = QSlider(Qt.Orientation.Horizontal)
        self.morph.setRange(0, MORPH_STEPS)
        theme.name(self.morph, "Morph", "From the sound before the match to the match")
        self.morph.sliderPressed.connect(self.morph_began)
        self.morph.sliderReleased.connect(self.morph_ended)
        self.morph.valueChanged.connect(lambda at: self.morphed.emit(at / MORPH_STEPS))
        self._lay_out(parameters, actions)
        self.show_settings(self._settings)
        self.forget()

    def show_settings(self, settings: MatchSettings) -> None:
        """Show how the session matches."""
        self._settings = settings
        for id_, box in self.unknowns.items():
            box.setChecked(id_ in settings.unknowns)
        self.phi.setCurrentIndex(self.phi.findData(settings.phi))
        self.descent.setCurrentIndex(self.descent.findData(settings.descent))

    def pin(self, id_: str, pinned: bool) -> None:
        """Leave a parameter where it is while the others are looked for, or look for it too."""
        if id_ in self.unknowns:
            self.unknowns[id_].setChecked(not pinned)
            self._tell()

    def forget(self) -> None:
        """Show no candidates and no morph: a match begins, or there was none yet."""
        self.candidates.clear()
        self.candidates.setEnabled(False)
        self._show_morph(False)
        self.left.setText("No match yet")

    def start(self) -> None:
        """A match begins."""
        self.forget()
        self.left.setText("Looking for a start…")

    def add(self, step: MatchStep) -> None:
        """Show how long the match still takes."""
        self.left.setText(f"Step {step.evaluations} from start {step.start + 1}  {time_left(step)}")

    def pause(self) -> None:
        """Show that the match stands still."""
        self.left.setText("Paused; press P to go on")

    def end(self, result: MatchResult | None) -> None:
        """Show the candidates, best first."""
        if result is None:
            self.left.setText("Stopped before a first estimate")
            return
        self.left.setText("Done" if result.converged else "Stopped; this is the best so far")
        self.candidates.blockSignals(True)
        for place, candidate in enumerate(result.candidates):
            self.candidates.addItem(self._in_words(place, candidate))
        self.candidates.blockSignals(False)
        self.candidates.setEnabled(bool(result.candidates))
        self._show_morph(True)

    def judge(self, result: MatchResult) -> None:
        """Say of each candidate how alike it is, as far as that is known."""
        for place, candidate in enumerate(result.candidates[: self.candidates.count()]):
            self.candidates.item(place).setText(self._in_words(place, candidate))

    def _show_morph(self, there: bool) -> None:
        self.morph.blockSignals(True)
        self.morph.setValue(MORPH_STEPS if there else 0)
        self.morph.blockSignals(False)
        self.morph.setEnabled(there)

    def _in_words(self, place: int, candidate: Candidate) -> str:
        first = [id_ for id_ in self._parameters.matchable if id_ in candidate.theta][:3]
        texts = [self._parameters[id_].text(candidate.theta[id_]) for id_ in first]
        alike = "" if candidate.similarity is None else f" · {candidate.similarity.brief}"
        return f"{place + 1}.  {' · '.join(texts)}\n     loss {candidate.loss:.1e}{alike}"

    def _audition(self, row: int) -> None:
        if row >= 0:
            self.audition_asked.emit(row)

    def _tell(self) -> None:
        chosen = tuple(id_ for id_, box in self.unknowns.items() if box.isChecked())
        if not chosen:  # there must be something to look for
            first = next(iter(self.unknowns))
            self.unknowns[first].setChecked(True)
            chosen = (first,)
        self._settings = replace(
            self._settings,
            unknowns=chosen,
            phi=self.phi.currentData(),
            descent=self.descent.currentData(),
        )
        self.settings_changed.emit(self._settings)

    def _lay_out(self, parameters: ParameterTable, actions: Actions) -> None:
        grid = QGridLayout()
        grid.setSpacing(2)
        for place, id_ in enumerate(parameters.matchable):
            box = QCheckBox(parameters[id_].name)
            box.setToolTip(f"{parameters[id_].description}\nUnticked, it stays where its knob is.")
            theme.name(box, f"Look for {parameters[id_].name}")
            box.clicked.connect(self._tell)
            self.unknowns[id_] = box
            grid.addWidget(box, place // 2, place % 2)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for id_ in ("match", "pause_match", "stop_match"):
            buttons.addWidget(_button(actions, id_))
        ends = QHBoxLayout()
        ends.addWidget(theme.note("Before"))
        ends.addWidget(self.morph, 1)
        ends.addWidget(theme.note("Match"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(theme.title("Look for"))
        layout.addLayout(grid)
        layout.addWidget(theme.title("By"))
        layout.addWidget(self.phi)
        layout.addWidget(self.descent)
        layout.addLayout(buttons)
        layout.addWidget(self.left)
        layout.addWidget(theme.title("Candidates"))
        layout.addWidget(self.candidates, 1)
        layout.addWidget(theme.title("Hear"))
        layout.addWidget(self.hear)
        layout.addWidget(theme.title("Morph"))
        layout.addLayout(ends)


def _choice(title: str, names: dict[str, str]) -> QComboBox:
    box = QComboBox()
    for name, text in names.items():
        box.addItem(text, name)
    theme.name(box, title)
    return box


def _button(actions: Actions, id_: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("small")
    button.setDefaultAction(actions[id_])
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, actions[id_].iconText(), actions[id_].toolTip())
    return button
