"""Resynthesis page: original and result, edits of the coefficients, the descent, and its use."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QToolButton,
)
from typing_extensions import override

from mesosynth.matching.results import Analysis
from mesosynth.resynthesis.results import ResynthesisSettings, ResynthesisStep
from mesosynth.session import Session
from mesosynth.session.resynthesis import Heard, Recipe

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..files import SOUNDS, ask_open, ask_save
from ..plots.resynthesis import ErrorCurve, ScalogramPair, SpinPair
from ..settings import Settings
from ..text import error_text
from ..undo import History
from ..widgets.elided_label import ElidedLabel
from ..widgets.parts import (
    PROGRESS,
    NumberBox,
    Panel,
    Part,
    Scrolled,
    check_box,
    choice,
    column,
    progress_bar,
    row,
    slider,
)

_METHODS = [("L-BFGS", "l-bfgs"), ("Momentum", "momentum"), ("Bold driver", "bold driver")]
_STARTS = [
    ("Shaped noise", "shaped"), ("Noise of its spectrum", "spectrum"), ("White noise", "white"),
    ("Silence", "silence"),
]  # fmt: skip
_NUMBERS = {  # label, least, most, name, decimals, step and unit of each
    "iterations": ("Iterations", 1, 1000, "Iterations of the descent", 0, 1, ""),
    "seed": ("Seed", 0, 9999, "Seed of the noise: another one, another sound", 0, 1, ""),
    "seconds": ("Original", 0.05, 30, "Length of the original, from its window on", 2, 0.5, " s"),
    "average": ("Average", 0.01, 10, "Time within which the order of events is free", 2, 0.1, " s"),
}
_AMOUNTS = {  # edits by a number, as above, and the number that changes nothing
    "transpose": (("Transpose", -4, 4, "Higher or lower, at the same speed", 2, 0.25, " oct"), 0.0),
    "shift-rates": (("Rates", -4, 4, "Patterns repeat faster or slower", 2, 0.25, " oct"), 0.0),
    "stretch-rates": (("Stretch", 0.1, 4, "Slow patterns slower, fast faster", 2, 0.1, " ×"), 1.0),
}
_REGION = {
    "attenuate-region": ("−12 dB", "Attenuate"), "remove-region": ("Remove", "Remove"),
    "keep": ("Keep", "Keep nothing but"), "mirror-region": ("Mirror", "Reverse the spins of"),
}  # fmt: skip
_WORDS = {
    "keep-rates": "Keep {:g}–{:g} Hz", "keep-scales": "Keep {:g}–{:g} c/oct",
    "reverse-spin": "Reverse spins", "freeze": "Freeze time", "shift-rates": "Rates {:+g} oct",
    "stretch-rates": "Rates × {:g}", "transpose": "Transpose {:+g} oct",
    "mirror-region": "Mirror {:g}–{:g} Hz, {:g}–{:g} c/oct",
    "remove-region": "Remove {:g}–{:g} Hz, {:g}–{:g} c/oct, {spin}",
    "attenuate-region": "{last:+g} dB {:g}–{:g} Hz, {:g}–{:g} c/oct, {spin}",
}  # fmt: skip
_REST_MS = 400  # that the controls must have stood still before the picture follows them
_SIDE = 340  # px, width of the controls


class ResynthesisPage(Panel):
    """Page of a resynthesis.

    Parameters
    ----------
    actions : Actions
    desk : Desk
    history : History
        Edits are steps of it.
    settings : Settings
        Remember the controls.

    Attributes
    ----------
    edits : tuple of str
        Of the coefficients, in their order.
    scalograms : ScalogramPair
    spins : SpinPair
    curve : ErrorCurve
    """

    def __init__(self, actions: Actions, desk: Desk, history: History, settings: Settings) -> None:
        super().__init__()
        self._desk, self._history, self._settings = desk, history, settings
        self.edits: tuple[str, ...] = ()
        self._blend: Path | None = None
        self._listens = False  # whether the first step is to be heard
        self.scalograms, self.spins, self.curve = ScalogramPair(), SpinPair(), ErrorCurve()
        self.run, self.hear = actions["resynthesise"].button(), actions["hear_resynthesis"].button()
        kept = settings.resynthesis
        self.numbers = {
            id_: NumberBox(*ends[1:3], getattr(kept, id_), *ends[3:])
            for id_, ends in _NUMBERS.items()
        }
        self.amounts = {
            id_: NumberBox(*ends[1:3], neutral, *ends[3:])
            for id_, (ends, neutral) in _AMOUNTS.items()
        }
        self.count = NumberBox(1, 64, 1, "Variations: so many seeds, one after another")
        self.length = NumberBox(0, 600, 0, "Length of the result, a chain of seeds", suffix=" s")
        self.length.setSpecialValueText("the same")
        self.method, self.start = choice("Way down", _METHODS), choice("Begin with", _STARTS)
        self.method.setCurrentIndex(self.method.findData(kept.method))
        self.start.setCurrentIndex(self.start.findData(kept.start))
        self.pause = self._button("Pause", "Stand still, or go on", lambda s: s.resynthesis.pause())
        self.pause.setCheckable(True)
        self.quiet = self._button("Quiet", "End the loop", lambda s: s.resynthesis.silence())
        self.endless = check_box("Endless", "Endless", "Another seed follows, until Stop")
        self.variations = choice("Variations that were found", ())
        self.region_buttons = [
            self._button(text, f"{tip} the region that is selected in the picture of rates",
                         partial(self._edit_region, way))
            for way, (text, tip) in _REGION.items()
        ]  # fmt: skip
        self.amount = slider("Share of the second sound, percent", 0, 100, 50)
        self.list = _EditList(self._remove_edit)
        self.progress = progress_bar("Progress of the resynthesis")
        self.note = ElidedLabel()
        self.note.setObjectName("note")
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self.users = [
            self._button("Take", "Keep the result as a take", lambda s: s.resynthesis.keep()),
            self._button("Save…", "Write the result to a file", self._ask_where),
            self._button("Target", "Make the result the target of the match",
                         lambda s: s.resynthesis.as_target()),
            self._button("Instrument", "Play the result with the sampler", self._play_it),
        ]  # fmt: skip
        self._build()
        self._connect()

    def _build(self) -> None:
        reverse = self._button("Reverse spins", "Rising patterns fall, and falling ones rise",
                               lambda _: self.add("reverse-spin"))  # fmt: skip
        freeze = self._button("Freeze time", "The mean of the sound, for all of its time",
                              lambda _: self.add("freeze"))  # fmt: skip
        morph = self._button("Morph…", "Go towards a second sound", self._ask_blend)
        grid, labels = QGridLayout(), {id_: ends[0] for id_, ends in _NUMBERS.items()}
        labels |= {id_: ends[0] for id_, (ends, _) in _AMOUNTS.items()} | {"length": "Result"}
        for place, (id_, label) in enumerate(labels.items()):
            box = {**self.numbers, **self.amounts, "length": self.length}[id_]
            box.setToolTip(box.accessibleName())
            grid.addWidget(theme.note(label), place // 2, 2 * (place % 2))
            grid.addWidget(box, place // 2, 2 * (place % 2) + 1)
            grid.setColumnStretch(2 * (place % 2) + 1, 1)
        self.curve.setMinimumHeight(110)
        parts: list[Part] = [
            row(self.run, self.pause, self.hear, self.quiet, 1), self.progress, self.note,
            self.curve,
            row((self.method, 1), (self.start, 2)), grid,
            row(theme.title("Edits"), reverse, freeze, 1), row(*self.region_buttons, 1),
            row(morph, (self.amount, 1)), self.list,
            row("Variations", self.count, self.endless, (self.variations, 1)), row(*self.users, 1),
            1,
        ]  # fmt: skip
        scroll = Scrolled(*parts, spacing=5)
        scroll.setFixedWidth(_SIDE)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to the controls in it
        body: QHBoxLayout = row(
            (column((self.scalograms, 5), (self.spins, 4)), 1), scroll, spacing=theme.GAP
        )
        self.lay_out((body, 1))
        self.setFocusProxy(self.run)

    def _connect(self) -> None:
        desk = self._desk
        self._rest.timeout.connect(self._look)
        for id_, box in self.amounts.items():
            box.setKeyboardTracking(False)
            box.valueChanged.connect(partial(self._on_amount, id_))
        for each in (self.numbers["seconds"], self.numbers["average"], self.amount):
            each.valueChanged.connect(self._rest.start)
        self.endless.toggled.connect(
            lambda on: desk.ask(lambda session: setattr(session.resynthesis, "endless", on))
        )
        self.variations.activated.connect(
            lambda place: desk.ask(lambda session: session.resynthesis.choose(place))
        )
        self.spins.wanted.selected.connect(self._refresh)
        desk.attached.connect(self._attach)
        desk.tick.connect(self._on_tick)

    def _button(self, text: str, tip: str, react: Callable[[Session], object]) -> QToolButton:
        button = theme.tool_button(text, tip)
        button.clicked.connect(lambda: self._desk.ask(react))
        return button

    # ------------------------------------------------------------------ what is asked for

    def recipe(self) -> Recipe:
        """Settings of the controls, which are remembered."""
        kept, numbers = self._settings.resynthesis, self.numbers
        kept.iterations, kept.seed = numbers["iterations"].whole, numbers["seed"].whole
        kept.method, kept.start = self.method.currentData(), self.start.currentData()
        kept.seconds, kept.average = numbers["seconds"].value(), numbers["average"].value()
        settings = ResynthesisSettings(
            iterations=kept.iterations, method=kept.method, start=kept.start, seed=kept.seed,
            edits=self.edits, average=kept.average, variations=self.count.whole,
            length=self.length.value() or None,
        )  # fmt: skip
        share = self.amount.value() / 100.0
        return Recipe(settings=settings, seconds=kept.seconds, blend=self._blend, amount=share)

    @property
    def label(self) -> str:
        """Label of the action that starts and stops."""
        return "Stop" if self._desk.session.resynthesis.running else "Start"

    def start_or_stop(self) -> None:
        """Go down from noise, and let it be heard; or end that."""
        if self._desk.session.resynthesis.running:
            self._desk.ask(lambda session: session.resynthesis.stop())
            self.note.setText("Stopping after this iteration …")
            return
        self._listens = self._desk.ask(lambda session: session.resynthesis.start(self.recipe()))

    def hear_or_compare(self) -> None:
        """Loop the result; or the original, when there is none or the result is heard."""
        part = self._desk.session.resynthesis
        result = part.result is not None and part.heard != "result"
        what: Heard = "result" if result else "original"
        self._desk.ask(lambda session: session.resynthesis.hear(what))

    @property
    def hear_label(self) -> str:
        """Label of the button that loops the result or the original."""
        heard = self._desk.session.resynthesis.heard
        return {None: "Listen", "result": "[Result]", "original": "[Original]"}[heard]

    def _play_it(self, _: Session) -> None:
        self._history.step("sampler", lambda session: session.resynthesis.as_instrument())

    def _ask_where(self, session: Session) -> None:
        original = session.resynthesis.original
        name = "" if original is None else f"{original.path.stem} again"
        ask_save(self, "Save resynthesis", self._settings, {"Sound": (".wav",)},
                 lambda path: self._desk.ask(lambda s: s.resynthesis.save(path)), name)  # fmt: skip

    # ------------------------------------------------------------------ edits

    def add(self, *words: str) -> None:
        """Add edits, as one step of undo."""
        self._set(self.edits + words, self._blend)

    def _edit_region(self, way: str, _: Session) -> None:
        bands = self.spins.bands()
        if way == "mirror-region":  # it is of both spins
            self.add(*dict.fromkeys(f"{way}={edges}" for _, edges in bands))
        elif way == "keep":
            low, high, narrow, wide = zip(*(edges.split(":") for _, edges in bands), strict=True)
            rates = f"{min(low, key=float)}:{max(high, key=float)}"
            self.add(f"keep-rates={rates}", f"keep-scales={narrow[0]}:{wide[0]}")
        else:
            tail = ":-12" if way == "attenuate-region" else ""
            self.add(*(f"{way}={edges}:{spin}{tail}" for spin, edges in bands))

    def _on_amount(self, id_: str, value: float) -> None:
        """Put an edit by a number in its place, or take it out where it does nothing."""
        new = () if value == _AMOUNTS[id_][1] else (f"{id_}={value:g}",)
        places = [n for n, words in enumerate(self.edits) if words.startswith(f"{id_}=")]
        place = places[0] if places else len(self.edits)
        self._set((*self.edits[:place], *new, *self.edits[place + 1 :]), self._blend)

    def _remove_edit(self, place: int) -> None:
        if 0 <= place < len(self.edits):
            self._set((*self.edits[:place], *self.edits[place + 1 :]), self._blend)
        elif place >= 0:
            self._set(self.edits, None)

    def _ask_blend(self, _: Session) -> None:
        ask_open(
            self, "Morph with", self._settings, SOUNDS, lambda path: self._set(self.edits, path)
        )

    def _set(self, edits: tuple[str, ...], blend: Path | None) -> None:
        """Change the edits in a step of undo."""
        before, after = (self.edits, self._blend), (edits, blend)
        if before != after:
            self._show(*after)
            undo, redo = partial(self._show, *before), partial(self._show, *after)
            self._history.did("edit of the resynthesis", undo, redo)

    def _show(self, edits: tuple[str, ...], blend: Path | None) -> None:
        self.edits, self._blend = edits, blend
        self.list.clear()
        self.list.addItems([_in_words(words) for words in edits])
        if blend is not None:
            self.list.addItem(f"Morph with {blend.name}")
        given = dict(words.split("=") for words in edits if "=" in words)
        for id_, box in self.amounts.items():
            box.blockSignals(True)
            box.setValue(float(given.get(id_, _AMOUNTS[id_][1])))
            box.blockSignals(False)
        self._rest.start()
        self._refresh()

    # ------------------------------------------------------------------ news

    def _attach(self, session: Session) -> None:
        part = session.resynthesis
        part.changed.connect(self._refresh)
        part.stepped.connect(self._on_step)
        part.analysed.connect(self._on_analysed)
        session.target.loaded.connect(lambda: self._rest.start())
        self._refresh()

    def _look(self) -> None:
        """Ask for the pictures of what is wanted, while they are on screen."""
        if self.isVisible() and self._desk.session.target.path is not None:
            for picture in (self.scalograms.original, self.spins.wanted):
                picture.set_empty(picture.numbers is None, "Listening…")
            self._desk.ask(lambda session: session.resynthesis.look(self.recipe()), by_itself=True)

    def _on_step(self, step: ResynthesisStep) -> None:
        part = self._desk.session.resynthesis
        self.curve.show_errors(part.errors)
        self.progress.setValue(round(PROGRESS * step.progress))
        left = step.seconds * (1.0 - step.progress) / step.progress
        time = f"{left:.0f} s left" if left < 90.0 else f"{left / 60.0:.0f} min left"
        shown = f"{step.iteration} of {part.settings.iterations}"
        self.note.say(f"{shown} · {error_text(step.error)} · {time}", f"{shown} · {time}")
        if self._listens:
            self._listens = False
            if part.heard is None:
                self._desk.ask(lambda session: session.resynthesis.hear("result"), by_itself=True)

    def _on_analysed(self, what: str, analysis: Analysis) -> None:
        original = self._desk.session.resynthesis.original
        if original is not None:
            self.scalograms.original.title = f"Original: {original.path.name}"
        start = 0.0 if original is None else original.begin
        self.scalograms.show_analysis(what, analysis, start)
        self.spins.show_analysis(what, analysis)

    def _on_tick(self) -> None:
        if self.isVisible():
            session = self._desk.session
            status = session.device.status() if session.resynthesis.heard else None
            heard = status is not None and status.audition >= 0.0
            self.scalograms.move_playhead(status.audition if status and heard else None)

    def _refresh(self) -> None:
        part = self._desk.session.resynthesis
        self.pause.setEnabled(part.running)
        self.pause.setChecked(part.paused)
        self.quiet.setEnabled(part.heard is not None)
        self.endless.setChecked(part.endless)
        region = self.spins.wanted.region is not None
        for button in self.region_buttons:
            button.setEnabled(region)
        for button in self.users:
            button.setEnabled(part.result is not None)
        self.amount.setEnabled(self._blend is not None)
        if self.variations.count() != len(part.variations):
            self.variations.clear()
            for found in part.variations:
                self.variations.addItem(f"Seed {found.seed} · {100.0 * found.error:.2g} %")
            self.variations.setCurrentIndex(self.variations.count() - 1)
        self.variations.setEnabled(bool(part.variations))
        if part.result is None and not part.running:
            self.progress.setValue(0)
            self.note.setText("")
            if part.original is None:
                self.curve.show_errors([])
                self.scalograms.forget()
                self.spins.forget()
        elif not part.running and part.errors:
            self.note.say(f"{len(part.errors) - 1} iterations · {error_text(part.errors[-1])}")

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rest.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._desk.ask(lambda session: session.resynthesis.rest(), by_itself=True)


class _EditList(QListWidget):
    """Edits in their order; Delete and a double click remove one."""

    def __init__(self, remove: Callable[[int], None]) -> None:
        super().__init__()
        self._remove = remove
        self.setFixedHeight(72)
        self.setToolTip("Edits in their order; Delete or a double click removes one")
        theme.name(self, "Edits", "In their order; Delete removes one")
        self.itemDoubleClicked.connect(lambda item: remove(self.row(item)))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove(self.currentRow())
        else:
            super().keyPressEvent(event)


def _in_words(edit: str) -> str:
    name, _, numbers = edit.partition("=")
    values = [float(number) for number in numbers.split(":")] if numbers else []
    spin = "falling" if len(values) > 4 and values[4] < 0.0 else "rising"
    last = values[-1] if values else 0.0
    return _WORDS[name].format(*values, spin=spin, last=last).replace("-", "−")
