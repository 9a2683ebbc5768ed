"""Match page: settings of a match, its candidates, and the morph to it."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QSlider,
    QVBoxLayout,
)

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.matching.results import (
    FILTER_RANGES,
    Candidate,
    Filters,
    LayersStep,
    MatchResult,
    MatchSettings,
    MatchStep,
)
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session import Session

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..undo import History
from ..widgets.number_box import integer_box

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

DEFAULTS = Filters()
_FILTER_TIPS = {
    "J": "Octaves of the wavelets along time: the more, the slower rates are told apart",
    "Q": "Wavelets an octave along time: the more, the finer is pitch and the coarser is time",
    "J_fr": "Octaves of the wavelets along log-frequency: the more, the wider are the shapes",
    "Q_fr": "Wavelets an octave along log-frequency",
    "F": "Averaging along log-frequency over 2^F wavelets: pitch counts less",
}

MORPH_STEPS = 100


_ALIKE = 0.9  # score below which one arpeggio is hardly what a user looks for


def time_left(step: MatchStep | LayersStep) -> str:
    """Time that a match still takes, in words; "" while it is not known."""
    if step.progress < 0.05:
        return ""
    seconds = step.seconds * (1.0 - step.progress) / step.progress
    if seconds < 1.0:
        return "nearly done"
    return (
        f"about {seconds:.0f} s left" if seconds < 90.0 else f"about {seconds / 60.0:.0f} min left"
    )


class MatchPage(QFrame):
    """Page of the match: unknowns, transform, descent, candidates, morph.

    Parameters
    ----------
    actions : Actions
    desk : Desk
    history : History
        To play a candidate is a step of it, and so is a morph.

    Attributes
    ----------
    has_steps : bool
        Whether a match of this target took a step.

    Signals
    -------
    settings_shown
        The :class:`MatchSettings` that the page shows now.
    """

    settings_shown = Signal(object)

    def __init__(self, actions: Actions, desk: Desk, history: History) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.has_steps = False
        self._desk, self._history = desk, history
        parameters = desk.parameters
        self._parameters = parameters
        self._settings = MatchSettings()
        self.unknowns: dict[str, QCheckBox] = {}
        self.phi, self.descent = _choice("Transform", PHIS), _choice("Descent", DESCENTS)
        for box in (self.phi, self.descent):
            box.activated.connect(self._tell)
        self.filters = {
            id_: integer_box(*ends, getattr(DEFAULTS, id_), f"{id_} of the JTFS")
            for id_, ends in FILTER_RANGES.items()
        }
        for id_, box in self.filters.items():
            box.setToolTip(_FILTER_TIPS[id_])
            box.valueChanged.connect(self._tell)
        self.analysis = theme.note()
        self.analysis.setWordWrap(True)
        self.left = theme.note()
        self.candidates = QListWidget()
        theme.name(self.candidates, "Candidates", "Each start's end; choose one to hear it")
        self.candidates.setToolTip(
            "Where each start led, best first; choose one to play it, T to compare it.\n"
            "Alike: cosines to the target in JTFS, MSS and log-mel."
        )
        self.candidates.currentRowChanged.connect(self._play)
        self.morph = QSlider(Qt.Orientation.Horizontal)
        self.morph.setRange(0, MORPH_STEPS)
        theme.name(self.morph, "Morph", "From the sound before the match to the match")
        self.morph.sliderPressed.connect(lambda: history.begin("morph"))
        self.morph.sliderReleased.connect(history.end)
        self.morph.valueChanged.connect(self._morph)
        self._lay_out(parameters, actions)
        self._show_settings(self._settings)
        self.forget()
        desk.attached.connect(self._attach)

    def show_settings(self) -> None:
        """Show how the session matches, for example after a session was loaded."""
        self._show_settings(self._desk.session.match.settings)

    def apply(self) -> None:
        """Play what the last match found, with layers or without."""
        self._history.step("match result", lambda session: session.apply_match())

    def _show_settings(self, settings: MatchSettings) -> None:
        self._settings = settings
        for id_, box in self.unknowns.items():
            box.setChecked(id_ in settings.unknowns)
        self.phi.setCurrentIndex(self.phi.findData(settings.phi))
        self.descent.setCurrentIndex(self.descent.findData(settings.descent))
        for id_, box in self.filters.items():
            box.blockSignals(True)
            box.setValue(getattr(settings.filters, id_))
            box.blockSignals(False)
        self._say_analysis()
        self.settings_shown.emit(settings)

    def pin(self, id_: str, pinned: bool) -> None:
        """Keep a parameter fixed in the match, or search for it.

        Parameters
        ----------
        id_ : str
        pinned : bool
            Whether it is fixed.
        """
        if id_ in self.unknowns:
            self.unknowns[id_].setChecked(not pinned)
            self._tell()

    def forget(self) -> None:
        """Show no candidates and no morph: a match begins, or there was none of this target."""
        self.has_steps = False
        self.candidates.clear()
        self.candidates.setEnabled(False)
        self._show_morph(False)
        self.left.setText("No match yet")

    # ------------------------------------------------------------------ the match

    def _attach(self, session: Session) -> None:
        self.show_settings()
        session.match.forgotten.connect(self.forget)
        session.match.started.connect(self._on_started)
        session.match.stepped.connect(self._on_progress)
        session.match.paused.connect(self._on_paused)
        session.match.resumed.connect(self._on_resumed)
        session.match.ended.connect(self._on_ended)
        session.match.judged.connect(self._on_judged)

    def _on_started(self) -> None:
        self.forget()
        self.left.setText("Looking for a start…")
        self._desk.say("Matching…")

    def _on_progress(self, step: MatchStep) -> None:
        self.has_steps = True
        self.left.setText(f"Step {step.evaluations} from start {step.start + 1}  {time_left(step)}")

    def _on_paused(self) -> None:
        self.left.setText("Paused; press P to go on")
        self._desk.say("The match stands still; press P to go on.")

    def _on_resumed(self) -> None:
        self._desk.say("Matching…")

    def _on_ended(self, result: MatchResult | None) -> None:
        if result is None:
            self.left.setText("Stopped before a first estimate")
            self._desk.say("The match ended before a first estimate.", "warning")
            return
        self.left.setText("Done" if result.converged else "Stopped; this is the best so far")
        self.candidates.blockSignals(True)
        for place, candidate in enumerate(result.candidates):
            self.candidates.addItem(self._in_words(place, candidate))
        self.candidates.blockSignals(False)
        self.candidates.setEnabled(bool(result.candidates))
        self._show_morph(True)
        if result.found:
            how = "Matched" if result.converged else "Match stopped"
            after = f"{result.evaluations} evaluations in {result.seconds:.1f} s"
            self._desk.say(f"{how} after {after}, loss {result.loss:.1e}.")

    def _on_judged(self, result: MatchResult) -> None:
        """Show the similarity of each candidate; propose layers where the best one is low."""
        for place, candidate in enumerate(result.candidates[: self.candidates.count()]):
            self.candidates.item(place).setText(self._in_words(place, candidate))
        scores = result.similarity
        matching = self._desk.session.match.running
        told = matching or not (result.converged and result.found)  # why it stopped, or a new match
        if scores is not None and scores.score < _ALIKE and not told:
            self._desk.say(
                f"One arpeggio: {scores.brief}. Press L to match the target with several layers, "
                "and with how they repeat."
            )

    def _play(self, row: int) -> None:
        if row >= 0:
            self._history.step(f"candidate {row + 1}", lambda session: session.match.apply(row))

    def _morph(self, at: int) -> None:
        """A drag is one step of undo; keys and wheel on the slider are one when they pause."""
        amount = at / MORPH_STEPS
        self._history.nudging(
            "morph", lambda: self._desk.ask(lambda session: session.match.morph(amount))
        )

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
            filters=Filters(**{id_: box.value() for id_, box in self.filters.items()}),
        )
        self._say_analysis()
        settings = self._settings
        self._desk.ask(lambda session: setattr(session.match, "settings", settings))
        self.settings_shown.emit(self._settings)

    def _say_analysis(self) -> None:
        """Say what is analysed, and over what time it is averaged."""
        phi = self._settings.phi
        seconds = ANALYSIS_SAMPLES / ANALYSIS_RATE
        slowest = 2**self._settings.filters.J / ANALYSIS_RATE
        averaged = {"jtfs-global": seconds, "jtfs": slowest}.get(phi)
        text = f"{ANALYSIS_RATE} Hz, a window of {seconds:g} s"
        self.analysis.setText(text if averaged is None else f"{text}, T = {averaged:g} s")
        for box in self.filters.values():
            box.setEnabled(averaged is not None)

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
        filters = QGridLayout()
        filters.setSpacing(2)
        for place, (id_, box) in enumerate(self.filters.items()):
            filters.addWidget(theme.note(id_), place // 3, 2 * (place % 3))
            filters.addWidget(box, place // 3, 2 * (place % 3) + 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for id_ in ("match", "pause_match", "stop_match"):
            buttons.addWidget(actions[id_].button())
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
        layout.addLayout(filters)
        layout.addWidget(self.analysis)
        layout.addLayout(buttons)
        layout.addWidget(self.left)
        layout.addWidget(theme.title("Candidates"))
        layout.addWidget(self.candidates, 1)
        layout.addWidget(theme.title("Morph"))
        layout.addLayout(ends)


def _choice(title: str, names: dict[str, str]) -> QComboBox:
    box = QComboBox()
    for name, text in names.items():
        box.addItem(text, name)
    theme.name(box, title)
    return box
