"""Layers page: a match with several arpeggios, and a card for each layer."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QToolButton
from typing_extensions import override

from mesosynth.instruments import INSTRUMENTS
from mesosynth.instruments.envelope import enveloped_table
from mesosynth.instruments.layers import PARAMETERS, SILENT
from mesosynth.matching.results import MOST_LAYERS, LayersResult, LayersSettings, LayersStep, Scores
from mesosynth.presets.library import Library
from mesosynth.presets.preset import load_preset
from mesosynth.session import Session
from mesosynth.session.layer_mixer import LayerMixer, LayerNote
from mesosynth.session.layers import Layers

from .. import theme
from ..actions import Actions
from ..desk import Desk
from ..settings import Settings
from ..text import menu_text
from ..undo import History
from ..widgets.bar import Bar
from ..widgets.card import CardList, MovableCard, bare_button
from ..widgets.elided_label import ElidedLabel
from ..widgets.match_panel import ScoreBars
from ..widgets.parts import (
    PROGRESS,
    NumberBox,
    Panel,
    choice,
    column,
    menu_button,
    progress_bar,
    row,
    wide,
)
from .match import time_left

COLOURS = (
    "#5aa9e6", "#e58b6b", "#7bc47f", "#c58fe0", "#e2c55b", "#5cc9c0", "#e87fa4", "#9aa5b8",
    "#8f7cf0", "#a8b84a", "#d0703a", "#4f9d8f",
)  # fmt: skip
"""Of layers, by :attr:`LayerNote.colour`; they show on dark and on light."""


class LayerCard(MovableCard):
    """Card of a layer: its parameters, its share of the sound, its switches.

    Signals
    -------
    asked
        A change: a callable that takes the session's layers, and what undo calls it.
    chosen
        The layer's place: its knobs are to be shown.
    """

    asked = Signal(object, str)
    chosen = Signal(int)

    def __init__(self, place: int) -> None:
        tips = "Move it up (Alt+Up)", "Move it down (Alt+Down)", "Take the layer out (Delete)"
        super().__init__(place, tips)
        self.share = Bar("Share", "Of the energy of all layers that are heard.", ".0%")
        self.words = ElidedLabel()
        self.words.setObjectName("note")
        self.mute = _switch("M", "Mute", "the layer is not heard, and the match keeps it")
        self.solo = _switch("S", "Solo", "this layer is heard, and no other that is not solo")
        self.pin = bare_button("ph.push-pin", "Pin: a match leaves the layer as it is")
        self.pin.setCheckable(True)
        self._switches = (self.mute, self.solo, self.pin)
        for button, act, what in zip(
            self._switches, (Layers.mute, Layers.solo, Layers.pin), ("mute", "solo", "pin"),
            strict=True,
        ):  # fmt: skip
            button.clicked.connect(lambda on, act=act, what=what: self._ask(act, what, on))
        layout = column(self.head([], self._switches), self.words, self.share, inside=self)
        layout.setContentsMargins(6, 4, 6, 5)
        layout.setSpacing(3)

    @property
    def number(self) -> int:
        """The layer's number, 1 for the first."""
        return self.place + 1

    def show_note(self, note: LayerNote, heard: bool, count: int) -> None:
        """Show the switches of the layer, one of `count`, and whether it is `heard`."""
        self.show_place(self.place, count)
        for button, on in zip(self._switches, (note.muted, note.solo, note.pinned), strict=True):
            button.setChecked(on)
        self.share.colour, self.share.pale = COLOURS[note.colour], not heard
        self.share.update()
        said = [word for word, on in (("muted", note.muted), ("pinned", note.pinned)) if on]
        theme.name(self, f"Layer {self.number}", ", ".join(said) or "heard")

    def show_values(self, values: dict[str, float], instrument: str = "chirplet") -> None:
        """Show where the layer's parameters stand, and its instrument if it is no chirplet."""
        number, table = self.number, INSTRUMENTS[instrument].parameters
        text = {
            id_: PARAMETERS[f"{id_}_{number}"].text(values[f"{id_}_{number}"])
            for id_ in ("f_c", "f_m", "gamma", "level")
        }
        level = text["level"] if values[f"level_{number}"] > SILENT else "silent"
        if instrument == "chirplet":
            way = "↗" if values[f"gamma_{number}"] > 0.0 else "↘"
            self.title.setText(f"{number}   {text['f_c']} {way}")
            self.words.setText(f"{text['f_m']}  ·  {text['gamma'].lstrip('-')}  ·  {level}")
        else:
            pitch = f"{text['f_c']}  ·  " if {"f_c", "f_0"} & set(table) else ""
            self.title.setText(f"{number}   {INSTRUMENTS[instrument].name}")
            self.words.setText(f"{pitch}{level}")

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.place)
        else:
            super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.place)
        super().mousePressEvent(event)

    def _ask(self, switch: Callable[[Layers, int, bool], None], what: str, on: bool) -> None:
        text = f"{what} of layer {self.number}" if on else f"end of {what}"
        self.asked.emit(lambda layers: switch(layers, self.place, on), text)


def _switch(letter: str, name: str, tip: str) -> QToolButton:
    button = theme.tool_button(letter, f"{name}: {tip}", named=name)
    button.setCheckable(True)
    button.setFixedWidth(24)
    return button


class LayersPage(Panel):
    """Page of layers: number and time, progress, similarity, a card for each layer.

    Parameters
    ----------
    actions : Actions
    desk : Desk
    history : History
        All that is done to layers is a step of it.
    settings : Settings
        Remember how many layers are looked for, and how long.
    library : Library
        Its sounds may be added as layers.

    Signals
    -------
    chosen
        Place of the layer whose knobs are to be shown.
    """

    chosen = Signal(int)

    def __init__(
        self,
        actions: Actions,
        desk: Desk,
        history: History,
        settings: Settings,
        library: Library,
    ) -> None:
        super().__init__()
        self._desk, self._history, self._settings = desk, history, settings
        self._library = library
        self._shown = LayerMixer()
        self.cards: list[LayerCard] = []
        self.count = NumberBox(1, MOST_LAYERS, settings.layers, "Layers at most")
        self.seconds = NumberBox(
            5, 600, settings.layers_seconds, "Seconds for the match", step=5, suffix=" s"
        )
        self.progress = progress_bar("Progress of the match with layers")
        self.left, self.scores = theme.note(), ScoreBars()
        self.answers = choice("Answers", ())
        self.answers.setToolTip("What the match found: the best, fewer layers, other kinds.")
        self.answers.activated.connect(self._answer)
        tip = "Add a layer of any instrument."
        self.add = menu_button("Add layer", tip, "ph.plus", self._fill_menu)
        self.menu = self.add.menu()
        self._list = CardList(
            "No layers play. L looks for the arpeggios that together sound like the target; "
            "each joins where the others leave most of it. Add layer makes the sound that plays "
            "the first of several."
        )
        buttons = [
            actions[id_].button()
            for id_ in ("match_layers", "go_on_layers", "pause_match", "stop_match")
        ]
        self.lay_out(
            theme.title("Match with layers"),
            row("At most", self.count, "layers in", self.seconds, 1),
            wide(*buttons[:2]), wide(*buttons[2:]),
            self.progress, self.left, self.answers, self.scores,
            row(theme.title("Layers"), 1, self.add), (self._list, 1),
        )  # fmt: skip
        self.setFocusProxy(self.count)
        self._forget()
        for box in (self.count, self.seconds):
            box.valueChanged.connect(self._remember)
        desk.attached.connect(self._attach)
        self._show()

    def match(self, go_on: bool = False) -> None:
        """Match with layers, perhaps from those that there are."""
        wanted = LayersSettings(self.count.whole, self.seconds.value())

        def start(session: Session) -> None:
            session.layers.settings = wanted
            session.layers.start(go_on)

        if self._desk.ask(start):
            self._history.await_layers()

    def apply(self) -> None:
        """Play what the last match with layers found."""
        self._history.step("layers found", lambda session: session.layers.apply())

    # ------------------------------------------------------------------ the match

    def _attach(self, session: Session) -> None:
        session.layers.started.connect(self._on_started)
        session.layers.stepped.connect(self._on_stepped)
        session.layers.ended.connect(self._on_ended)
        session.layers.changed.connect(self._show)
        session.layers.judged.connect(self._on_judged)
        session.sound.changed.connect(self._on_parameters)
        session.match.paused.connect(self._on_paused)
        session.match.forgotten.connect(self._forget)
        self._show()

    def _remember(self) -> None:
        self._settings.layers = self.count.whole
        self._settings.layers_seconds = self.seconds.value()

    def _forget(self) -> None:
        self.answers.hide()
        self.progress.setValue(0)
        self.left.setText("No match yet")

    def _answer(self, place: int) -> None:
        """Play one of the answers of the last match."""
        self._history.step("layers found", lambda session: session.layers.apply(place))

    def _on_started(self) -> None:
        self.answers.hide()
        self.progress.setValue(0)
        self.left.setText("Looking for the first layer…")
        self._desk.say("Matching with layers…")

    def _on_stepped(self, step: LayersStep) -> None:
        self.progress.setValue(round(PROGRESS * step.progress))
        self.left.setText(f"{_layers(len(step.layers))}  {time_left(step)}".strip())

    def _on_paused(self) -> None:
        if self._desk.session.layers.running:
            self.left.setText("Paused; press P to go on")

    def _on_ended(self, result: LayersResult | None) -> None:
        if result is None:
            self._forget()
            self._desk.say("The match with layers ended before there was one.", "warning")
            return
        self.answers.clear()
        for one in result.candidates:
            how = "" if one is result.candidates[0] else one.difference(result.candidates[0])
            self.answers.addItem(f"{_layers(len(one.layers))}  {one.scores.brief}  {how}")
        self.answers.setVisible(len(result.candidates) > 1)
        self.progress.setValue(PROGRESS)
        found, seconds = _layers(len(result.layers)), f"{result.seconds:.0f} s"
        over = "" if result.converged else "; the time was over"
        self.left.setText(f"{found} after {seconds}{over}")
        if not self.cards:  # nothing that plays is judged
            self.scores.show_scores(result.scores)
        how = "Matched" if result.converged else "Ended"
        self._desk.say(f"{how} with {found} after {seconds}: {result.scores}.")

    # ------------------------------------------------------------------ the layers

    def _show(self) -> None:
        """Show a card for each layer."""
        self._shown = mixer = self._desk.session.layers.mixer
        count = len(mixer.notes)
        new = [self._new_card(place) for place in range(len(self.cards), count)]
        self.cards = [*self.cards[:count], *new]
        self._list.show_cards(self.cards)
        for place, (card, note) in enumerate(zip(self.cards, mixer.notes, strict=True)):
            card.show_note(note, mixer.heard(place), count)
        if not count:
            self.scores.show_scores(None)
        self._show_values(self._desk.values)

    def _on_parameters(self, values: dict[str, float]) -> None:
        if self._desk.session.layers.mixer == self._shown:
            self._show_values(values)
        else:
            self._show()

    def _show_values(self, values: dict[str, float]) -> None:
        for card in self.cards:
            if f"level_{card.number}" in values:
                card.show_values(values, self._desk.session.layers.instrument(card.place))

    def _on_judged(self, shares: tuple[float, ...], scores: Scores | None) -> None:
        """Show each layer's share, and how alike all of them and the target are."""
        for card, share in zip(self.cards, shares, strict=False):
            card.share.show_share(share)
        self.scores.show_scores(scores if self.cards else None)

    def _change(self, change: Callable[[Layers], object], text: str) -> None:
        self._history.step(text, lambda session: change(session.layers))
        self._show()

    def _fill_menu(self, menu: QMenu) -> None:
        """List the instruments, and below each its sounds in the library."""
        for kind, cls in INSTRUMENTS.items():
            if kind == "layers":
                continue
            sounds = menu.addMenu(cls.name)
            sounds.addAction("Plain", partial(self._add, kind, None))
            table = enveloped_table(cls)
            if table is not cls.parameters:
                decay = {"decay": table["decay"].default}
                sounds.addAction("With an envelope", partial(self._add, kind, None, decay))
            sounds.addSeparator()
            for entry in self._library.search():
                if entry.instrument == kind and not entry.problem:
                    sounds.addAction(menu_text(entry.name), partial(self._add, kind, entry.path))

    def _add(self, kind: str, path: Path | None, values: Mapping[str, float] = {}) -> None:
        def change(layers: Layers) -> None:
            if path is None:
                layers.add(kind, values)
            else:
                preset = load_preset(path)
                layers.add(kind, preset.values, preset.state)

        self._change(change, "new layer")

    def _move(self, place: int, to: int) -> None:
        self._change(lambda layers: layers.move(place, to), "move of a layer")
        if self.cards:
            self.cards[min(to, len(self.cards) - 1)].setFocus()

    def _new_card(self, place: int) -> LayerCard:
        card = LayerCard(place)
        card.asked.connect(self._change)
        card.moved.connect(lambda to: self._move(card.place, to))
        card.removed.connect(
            lambda: self._change(lambda layers: layers.remove(card.place), "removal of a layer")
        )
        card.chosen.connect(self.chosen)
        return card


def _layers(count: int) -> str:
    return f"{count} layer{'s' if count != 1 else ''}"
