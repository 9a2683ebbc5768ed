"""Match page: settings of a match, its candidates, and the morph to it."""

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QListWidget, QSizePolicy

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.matching.results import (
    FILTER_RANGES,
    FOUND_LOSS,
    MATCHABLE,
    PICTURE_RATES,
    Candidate,
    Filters,
    Guess,
    LayersStep,
    MatchResult,
    MatchSettings,
    MatchStep,
)
from mesosynth.session import Session

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..settings import Settings
from ..undo import History
from ..widgets.match_panel import estimate
from ..widgets.parts import NumberBox, Panel, Scrolled, check_box, choice, row, slider, wide

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

_FILTER_TIPS = {
    "J": "Octaves of the wavelets along time: the more, the slower rates are told apart",
    "Q": "Wavelets an octave along time: the more, the finer is pitch and the coarser is time",
    "J_fr": "Octaves of the wavelets along log-frequency: the more, the wider are the shapes",
    "Q_fr": "Wavelets an octave along log-frequency",
    "F": "Averaging along log-frequency over 2^F wavelets: pitch counts less",
}
_FIXED = (
    f"One arpeggio is matched at {ANALYSIS_RATE} Hz, for which starts, tables and encoders are "
    "made: that rate is fixed. A match with layers hears the recording at 22050 Hz."
)
_LENGTHS = [("all", None), *((f"{s:g} s", s) for s in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0))]
MORPH_STEPS = 100
_ALIKE = 0.9  # score below which one arpeggio is hardly what a user looks for


def time_left(step: MatchStep | LayersStep) -> str:
    """Time that a match still takes, in words; "" while it is not known."""
    if step.progress < 0.05:
        return ""
    seconds = step.seconds * (1.0 - step.progress) / step.progress
    if seconds < 1.0:
        return "nearly done"
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"


class MatchPage(Panel):
    """Page of the match: unknowns, transform, descent, window, candidates, morph.

    Parameters
    ----------
    actions : Actions
    desk : Desk
    history : History
        To play a candidate is a step of it, and so is a morph.
    remembered : Settings
        Of the desk: they keep the sample rate of the pictures.

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

    def __init__(
        self, actions: Actions, desk: Desk, history: History, remembered: Settings
    ) -> None:
        super().__init__()
        self.has_steps = False
        self._desk, self._history, self._remembered = desk, history, remembered
        self._parameters = desk.parameters
        self._settings = MatchSettings()
        self.unknowns: dict[str, QCheckBox] = {}
        self.phi = choice("Transform", [(text, phi) for phi, text in PHIS.items()])
        self.descent = choice("Descent", [(text, way) for way, text in DESCENTS.items()])
        self.filters = {
            id_: NumberBox(*ends, getattr(Filters(), id_), f"{id_} of the JTFS")
            for id_, ends in FILTER_RANGES.items()
        }
        self.begin = NumberBox(0.0, 1e5, 0.0, "Begin of the window", 2, 0.1, " s")
        self.length = choice("Length of the window", _LENGTHS)
        rates = [(f"{rate} Hz: to {rate // 2} Hz", rate) for rate in PICTURE_RATES]
        self.rate = choice("Sample rate of the pictures", rates)
        self.rate.setToolTip("How high the scalograms and the JTFS look; higher takes longer")
        self.analysis = theme.note(wrap=True)
        self.analysis.setToolTip(_FIXED)
        self.left = theme.note()
        self.guess = theme.note(wrap=True)
        tip = "Play what the encoder has heard at once, before any match; Ctrl+Z undoes"
        self.hear_guess = theme.tool_button("Hear", tip, named="Hear the guess")
        self.candidates = QListWidget()
        theme.name(self.candidates, "Candidates", "Each start's end; choose one to hear it")
        self.candidates.setToolTip(
            "Where each start led, best first; choose one to play it, T to compare it.\n"
            "Alike: cosines to the target in JTFS, MSS and log-mel."
        )
        self.morph = slider("Morph", 0, MORPH_STEPS, 0)
        theme.name(self.morph, "Morph", "From the sound before the match to the match")
        self._build(actions)
        self._connect()
        self._show_settings(self._settings)
        self._show_window()
        self.forget()
        self._forget_guess()

    def show_settings(self) -> None:
        """Show how the session matches, for example after a session was loaded."""
        self._show_settings(self._desk.session.match.settings)
        self.rate.setCurrentIndex(self.rate.findData(self._remembered.picture_rate))
        if self._desk.session.match.picture_rate != self._remembered.picture_rate:
            self._choose_rate()

    def apply(self) -> None:
        """Play what the last match found, with layers or without."""
        self._history.step("match result", lambda session: session.apply_match())

    def pin(self, id_: str, pinned: bool) -> None:
        """Keep a parameter fixed in the match, or search for it."""
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

    # ------------------------------------------------------------------ settings

    def _show_settings(self, settings: MatchSettings) -> None:
        self._settings = settings
        for id_, box in self.unknowns.items():
            box.setChecked(id_ in settings.unknowns)
        self.phi.setCurrentIndex(self.phi.findData(settings.phi))
        self.descent.setCurrentIndex(self.descent.findData(settings.descent))
        for id_, box in self.filters.items():
            with QSignalBlocker(box):
                box.setValue(getattr(settings.filters, id_))
        self._say_analysis()
        self.settings_shown.emit(settings)

    def _tell(self) -> None:
        if not any(box.isChecked() for box in self.unknowns.values()):
            next(iter(self.unknowns.values())).setChecked(True)  # something must be looked for
        self._settings = settings = replace(
            self._settings,
            unknowns=tuple(id_ for id_, box in self.unknowns.items() if box.isChecked()),
            phi=self.phi.currentData(),
            descent=self.descent.currentData(),
            filters=Filters(**{id_: box.whole for id_, box in self.filters.items()}),
        )
        self._say_analysis()
        self._desk.ask(lambda session: setattr(session.match, "settings", settings))
        self.settings_shown.emit(settings)

    def _say_analysis(self) -> None:
        """Say what is analysed, and over what time it is averaged."""
        seconds = ANALYSIS_SAMPLES / ANALYSIS_RATE
        slowest = 2**self._settings.filters.J / ANALYSIS_RATE
        averaged = {"jtfs-global": seconds, "jtfs": slowest}.get(self._settings.phi)
        text = f"{ANALYSIS_RATE} Hz, a window of {seconds:g} s"
        self.analysis.setText(text if averaged is None else f"{text}, T = {averaged:g} s")
        for box in self.filters.values():
            box.setEnabled(averaged is not None)

    def _show_window(self, target: Target | None = None, peaks: object = None) -> None:
        """Show the part of the target's file that is matched."""
        whole = None if target is None else target.recording
        for box in (self.begin, self.length):
            box.setEnabled(whole is not None and peaks is not None)
        with QSignalBlocker(self.begin):
            self.begin.setValue(0.0 if whole is None else whole.start)
        place = self.length.findData(self._desk.session.target.seconds)
        self.length.setCurrentIndex(max(place, 0))

    def _choose_window(self) -> None:
        start, seconds = self.begin.value(), self.length.currentData()
        self._desk.ask(lambda session: session.target.choose_window(start, seconds))

    def _choose_rate(self) -> None:
        self._remembered.picture_rate = rate = self.rate.currentData()
        self._desk.ask(lambda session: session.match.draw_at(rate))

    # ------------------------------------------------------------------ the match

    def _connect(self) -> None:
        for box in (self.phi, self.descent):
            box.activated.connect(self._tell)
        for box in self.filters.values():
            box.valueChanged.connect(self._tell)
        self.begin.editingFinished.connect(self._on_begin)
        self.length.activated.connect(self._choose_window)
        self.rate.activated.connect(self._choose_rate)
        self.candidates.currentRowChanged.connect(self._play)
        self.hear_guess.clicked.connect(self._play_guess)
        self.morph.sliderPressed.connect(lambda: self._history.begin("morph"))
        self.morph.sliderReleased.connect(self._history.end)
        self.morph.valueChanged.connect(self._morph)
        self._desk.attached.connect(self._attach)

    def _attach(self, session: Session) -> None:
        self.show_settings()
        session.target.loaded.connect(self._show_window)
        session.match.forgotten.connect(self.forget)
        session.match.forgotten.connect(self._forget_guess)
        session.match.guessed.connect(self._show_guess)
        session.match.started.connect(self._on_started)
        session.match.stepped.connect(self._on_progress)
        session.match.paused.connect(self._on_paused)
        session.match.resumed.connect(lambda: self._desk.say("Matching…"))
        session.match.ended.connect(self._on_ended)
        session.match.judged.connect(self._on_judged)

    def _on_begin(self) -> None:
        target = self._desk.session.target.sound
        if target is not None and abs(self.begin.value() - target.recording.start) > 0.005:
            self._choose_window()

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

    def _on_ended(self, result: MatchResult | None) -> None:
        if result is None:
            self.left.setText("Stopped before a first estimate")
            self._desk.say("The match ended before a first estimate.", "warning")
            return
        self.left.setText("Done" if result.converged else "Stopped; this is the best so far")
        with QSignalBlocker(self.candidates):
            for place, candidate in enumerate(result.candidates):
                self.candidates.addItem(self._in_words(place, candidate))
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

    def _play(self, place: int) -> None:
        if place >= 0:
            self._history.step(f"candidate {place + 1}", lambda session: session.match.apply(place))

    def _play_guess(self) -> None:
        self._history.step("instant guess", lambda session: session.match.apply_guess())

    def _forget_guess(self) -> None:
        self.guess.clear()
        self.hear_guess.setEnabled(False)

    def _show_guess(self, guess: Guess | None) -> None:
        """Show the instant guess with its spread, or say that there is none."""
        self.hear_guess.setEnabled(guess is not None)
        if guess is None:
            self.guess.setText(f"none for the {self._desk.session.match.instrument}")
            return
        table = MATCHABLE[guess.instrument]
        texts = [
            f"{table[id_].name} {estimate(guess.theta[id_], std)} {table[id_].unit}".strip()
            for id_, std in guess.std.items()
        ]
        far = "unlike the target: " if (guess.loss or 0.0) > FOUND_LOSS else ""
        self.guess.setText(far + " · ".join(texts))

    def _morph(self, at: int) -> None:
        """A drag is one step of undo; keys and wheel on the slider are one when they pause."""
        ask = self._desk.ask
        self._history.nudging("morph", lambda: ask(lambda s: s.match.morph(at / MORPH_STEPS)))

    def _show_morph(self, there: bool) -> None:
        with QSignalBlocker(self.morph):
            self.morph.setValue(MORPH_STEPS if there else 0)
        self.morph.setEnabled(there)

    def _in_words(self, place: int, candidate: Candidate) -> str:
        first = [id_ for id_ in self._parameters.matchable if id_ in candidate.theta][:3]
        texts = [self._parameters[id_].text(candidate.theta[id_]) for id_ in first]
        alike = "" if candidate.similarity is None else f" · {candidate.similarity.brief}"
        return f"{place + 1}.  {' · '.join(texts)}\n     loss {candidate.loss:.1e}{alike}"

    def _build(self, actions: Actions) -> None:
        unknowns, filters = QGridLayout(), QGridLayout()
        unknowns.setSpacing(2)
        filters.setSpacing(2)
        for place, id_ in enumerate(self._parameters.matchable):
            parameter = self._parameters[id_]
            tip = f"{parameter.description}\nUnticked, it stays where its knob is."
            self.unknowns[id_] = box = check_box(parameter.name, f"Look for {parameter.name}", tip)
            box.clicked.connect(self._tell)
            unknowns.addWidget(box, place // 2, place % 2)
        for place, (id_, box) in enumerate(self.filters.items()):
            box.setToolTip(_FILTER_TIPS[id_])
            filters.addWidget(theme.note(id_), place // 3, 2 * (place % 3))
            filters.addWidget(box, place // 3, 2 * (place % 3) + 1)
        tip = (
            "The part of the target's file that is matched, of all of it at most ten seconds; "
            "drag it in the waveform, too"
        )
        self.begin.setToolTip(tip)
        self.length.setToolTip(tip)
        buttons = [actions[id_].button() for id_ in ("match", "pause_match", "stop_match")]
        # As high as there is room for; the size that a list asks for would let the page scroll.
        self.candidates.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.candidates.setMinimumHeight(64)
        self.lay_out((Scrolled(
            theme.title("Look for"), unknowns,
            theme.title("By"), self.phi, self.descent, filters,
            row("From", (self.begin, 1), "length", (self.length, 1)), self.analysis,
            row("Pictures at", (self.rate, 1)),
            row("Guess", 1, self.hear_guess), self.guess,
            wide(*buttons), self.left,
            theme.title("Candidates"), (self.candidates, 1),
            theme.title("Morph"), row("Before", (self.morph, 1), "Match"),
        ), 1))  # fmt: skip
