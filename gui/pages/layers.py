"""Layers page: a match with several arpeggios, and a card for each layer."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from mesosynth.instruments import INSTRUMENTS
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
from ..widgets.elided_label import ElidedLabel
from ..widgets.match_panel import ScoreBars
from ..widgets.movable_card import MovableCard, bare_button, short
from ..widgets.number_box import integer_box
from .match import time_left

# --------------------------------------------------------------------------------------------------
# Card of a layer: its parameters, its share of the sound, its switches.


COLOURS = (
    "#5aa9e6", "#e58b6b", "#7bc47f", "#c58fe0", "#e2c55b", "#5cc9c0", "#e87fa4", "#9aa5b8",
    "#8f7cf0", "#a8b84a", "#d0703a", "#4f9d8f",
)  # fmt: skip
"""Of layers, by :attr:`LayerNote.colour`; they show on dark and on light."""

_CHIP = 10  # px


class LayerCard(MovableCard):
    """Card of a layer.

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
        self.share = ShareBar()
        self.words = ElidedLabel()
        self.words.setObjectName("note")
        self.mute = _switch("M", "Mute: the layer is not heard, and the match keeps it")
        self.solo = _switch("S", "Solo: this layer is heard, and no other that is not solo")
        self.pin = bare_button("ph.push-pin", "Pin: a match leaves the layer as it is")
        self.pin.setCheckable(True)
        self.mute.clicked.connect(lambda on: self._ask(Layers.mute, on, "mute"))
        self.solo.clicked.connect(lambda on: self._ask(Layers.solo, on, "solo"))
        self.pin.clicked.connect(lambda on: self._ask(Layers.pin, on, "pin"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 5)
        layout.setSpacing(3)
        layout.addLayout(self.head([], [self.mute, self.solo, self.pin]))
        layout.addWidget(self.words)
        layout.addWidget(self.share)

    @property
    def number(self) -> int:
        """The layer's number, 1 for the first."""
        return self.place + 1

    def show_note(self, note: LayerNote, heard: bool, count: int) -> None:
        """Show the switches of the layer.

        Parameters
        ----------
        note : LayerNote
        heard : bool
        count : int
            Number of layers.
        """
        self.show_place(self.place, count)
        for button, on in (
            (self.mute, note.muted),
            (self.solo, note.solo),
            (self.pin, note.pinned),
        ):
            button.setChecked(on)
        self.share.colour = QColor(COLOURS[note.colour])
        self.share.heard = heard
        self.share.update()
        said = [word for word, on in (("muted", note.muted), ("pinned", note.pinned)) if on]
        theme.name(self, f"Layer {self.place + 1}", ", ".join(said) or "heard")

    def show_values(self, values: dict[str, float], instrument: str = "chirplet") -> None:
        """Show where the layer's parameters stand, and its instrument if it is no chirplet.

        Parameters
        ----------
        values : dict of str to float
        instrument : str
        """
        number = self.number
        text = {
            id_: PARAMETERS[f"{id_}_{number}"].text(values[f"{id_}_{number}"])
            for id_ in ("f_c", "f_m", "gamma", "level")
        }
        rising = values[f"gamma_{number}"] > 0.0
        level = text["level"] if values[f"level_{number}"] > SILENT else "silent"
        table = INSTRUMENTS[instrument].parameters
        if instrument == "chirplet":
            self.title.setText(f"{number}   {text['f_c']} {'↗' if rising else '↘'}")
            self.words.setText(f"{text['f_m']}  ·  {text['gamma'].lstrip('-')}  ·  {level}")
        else:
            pitch = f"  {text['f_c']}" if {"f_c", "f_0"} & set(table) else ""
            self.title.setText(f"{number}   {INSTRUMENTS[instrument].name}{pitch}")
            self.words.setText(level)

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

    def _ask(self, switch: Callable[[Layers, int, bool], None], on: bool, what: str) -> None:
        text = f"{what} of layer {self.place + 1}" if on else f"end of {what}"
        self.asked.emit(lambda layers: switch(layers, self.place, on), text)


class ShareBar(QWidget):
    """Bar of a layer's share in the energy of the sound, in its colour.

    Attributes
    ----------
    colour : QColor
    heard : bool
        Otherwise it is pale.
    """

    def __init__(self) -> None:
        super().__init__()
        self.colour, self.heard = QColor(COLOURS[0]), True
        self._share: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_share(None)

    @property
    def text(self) -> str:
        """The share as it is shown."""
        return "–" if self._share is None else f"{self._share:.0%}"

    def show_share(self, share: float | None) -> None:
        """Show a share, 0 to 1, or that it is not known."""
        self._share = share
        self.setToolTip(f"{self.text} of the energy of all layers that are heard")
        theme.name(self, f"Share: {self.text}")
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return theme.size(120, 14)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font(8))
        middle = 0.5 * self.height()
        painter.fillRect(QRectF(0.0, middle - 5.0, _CHIP, _CHIP), self.colour)
        number = painter.fontMetrics().horizontalAdvance("100%") + 6
        bar = QRectF(_CHIP + 6.0, middle - 3.0, self.width() - _CHIP - 6.0 - number, 6.0)
        painter.fillRect(bar, theme.colour(theme.LINE))
        colour = QColor(self.colour)
        colour.setAlphaF(1.0 if self.heard else 0.35)
        painter.fillRect(
            QRectF(bar.x(), bar.y(), bar.width() * (self._share or 0.0), bar.height()), colour
        )
        painter.setPen(theme.colour(theme.TEXT if self.heard else theme.FAINT))
        right = QRectF(0.0, 0.0, self.width(), self.height())
        painter.drawText(
            right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.text
        )


def _switch(letter: str, tip: str) -> QToolButton:
    button = theme.tool_button(letter, tip, named=short(tip))
    button.setCheckable(True)
    button.setFixedWidth(24)
    return button


# --------------------------------------------------------------------------------------------------
# Page of layers.


_STEPS = 1000  # of the progress bar
_LEAST_SECONDS, _MOST_SECONDS = 5, 600


class LayersPage(QFrame):
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
        self.setObjectName("panel")
        self._desk, self._history, self._settings = desk, history, settings
        self._library = library
        self._shown = LayerMixer()
        self.cards: list[LayerCard] = []
        self.count = integer_box(1, MOST_LAYERS, settings.layers, "Layers at most")
        self.seconds = integer_box(
            _LEAST_SECONDS, _MOST_SECONDS, round(settings.layers_seconds), "Seconds for the match"
        )
        self.seconds.setSuffix(" s")
        self.seconds.setSingleStep(5)
        self.progress = QProgressBar(maximum=_STEPS, textVisible=False)
        self.progress.setFixedHeight(6)
        theme.name(self.progress, "Progress of the match with layers")
        self.left = theme.note()
        self.scores = ScoreBars()
        self.add = theme.tool_button("Add layer", "Add a layer of any instrument.", icon="ph.plus")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.add)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.add.setMenu(self.menu)
        self.hint = theme.note(
            "No layers play. L looks for the arpeggios that together sound like the target; "
            "each joins where the others leave most of it. Add layer makes the sound that plays "
            "the first of several."
        )
        self.hint.setWordWrap(True)
        self._lay_out(actions)
        self.setFocusProxy(self.count)
        self._forget()
        self.count.valueChanged.connect(self._remember)
        self.seconds.valueChanged.connect(self._remember)
        desk.attached.connect(self._attach)
        self._show()

    def match(self, go_on: bool = False) -> None:
        """Match with layers, perhaps from those that there are."""
        wanted = LayersSettings(self.count.value(), float(self.seconds.value()))

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
        self._settings.layers = self.count.value()
        self._settings.layers_seconds = float(self.seconds.value())

    def _forget(self) -> None:
        self.progress.setValue(0)
        self.left.setText("No match yet")

    def _on_started(self) -> None:
        self.progress.setValue(0)
        self.left.setText("Looking for the first layer…")
        self._desk.say("Matching with layers…")

    def _on_stepped(self, step: LayersStep) -> None:
        self.progress.setValue(round(_STEPS * step.progress))
        self.left.setText(f"{_layers(len(step.layers))}  {time_left(step)}".strip())

    def _on_paused(self) -> None:
        if self._desk.session.layers.running:
            self.left.setText("Paused; press P to go on")

    def _on_ended(self, result: LayersResult | None) -> None:
        if result is None:
            self._forget()
            self._desk.say("The match with layers ended before there was one.", "warning")
            return
        self.progress.setValue(_STEPS)
        how = "" if result.converged else "; the time was over"
        self.left.setText(f"{_layers(len(result.layers))} after {result.seconds:.0f} s{how}")
        self._desk.say(
            f"{'Matched' if result.converged else 'Ended'} with {_layers(len(result.layers))} "
            f"after {result.seconds:.0f} s: {result.scores}."
        )

    # ------------------------------------------------------------------ the layers

    def _show(self) -> None:
        """Show a card for each layer."""
        self._shown = mixer = self._mixer
        count = len(mixer.notes)
        while len(self.cards) > count:
            card = self.cards.pop()
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        while len(self.cards) < count:
            self._new_card()
        for place, (card, note) in enumerate(zip(self.cards, mixer.notes, strict=True)):
            card.show_note(note, mixer.heard(place), count)
        self.hint.setVisible(not count)
        if not count:
            self.scores.show_scores(None)
        self._show_values(self._desk.values)

    @property
    def _mixer(self) -> LayerMixer:
        return self._desk.session.layers.mixer

    def _on_parameters(self, values: dict[str, float]) -> None:
        if self._mixer == self._shown:
            self._show_values(values)
        else:
            self._show()

    def _show_values(self, values: dict[str, float]) -> None:
        layers = self._desk.session.layers
        for card in self.cards:
            if f"level_{card.number}" in values:
                card.show_values(values, layers.instrument(card.number - 1))

    def _on_judged(self, shares: tuple[float, ...], scores: Scores | None) -> None:
        """Show each layer's share, and how alike all of them and the target are."""
        for card, share in zip(self.cards, shares, strict=False):
            card.share.show_share(share)
        self.scores.show_scores(scores if self.cards else None)

    def _change(self, change: Callable[[Layers], object], text: str) -> None:
        self._history.step(text, lambda session: change(session.layers))
        self._show()

    def _fill_menu(self) -> None:
        """List the instruments, and below each its sounds in the library."""
        self.menu.clear()
        for sounds in self.menu.findChildren(QMenu):
            sounds.deleteLater()
        for kind, cls in INSTRUMENTS.items():
            if kind == "layers":
                continue
            sounds = self.menu.addMenu(cls.name)
            sounds.addAction("Plain", partial(self._add, kind, None))
            sounds.addSeparator()
            for entry in self._library.search():
                if entry.instrument == kind and not entry.problem:
                    name = menu_text(entry.name)
                    sounds.addAction(name, partial(self._add, kind, entry.path))

    def _add(self, kind: str, path: Path | None) -> None:
        def change(layers: Layers) -> None:
            if path is None:
                layers.add(kind, {})
            else:
                preset = load_preset(path)
                layers.add(kind, preset.values, preset.state)

        self._change(change, "new layer")

    def _move(self, place: int, to: int) -> None:
        self._change(lambda layers: layers.move(place, to), "move of a layer")
        if self.cards:
            self.cards[min(to, len(self.cards) - 1)].setFocus()

    def _new_card(self) -> None:
        card = LayerCard(len(self.cards))
        card.asked.connect(self._change)
        card.moved.connect(lambda to: self._move(card.place, to))
        card.removed.connect(
            lambda: self._change(lambda layers: layers.remove(card.place), "removal of a layer")
        )
        card.chosen.connect(self.chosen)
        self._list.insertWidget(len(self.cards), card)
        self.cards.append(card)

    def _lay_out(self, actions: Actions) -> None:
        wanted = QHBoxLayout()
        wanted.addWidget(theme.note("At most"))
        wanted.addWidget(self.count)
        wanted.addWidget(theme.note("layers in"))
        wanted.addWidget(self.seconds)
        wanted.addStretch(1)
        buttons = QGridLayout()
        buttons.setSpacing(4)
        for place, id_ in enumerate(("match_layers", "go_on_layers", "pause_match", "stop_match")):
            buttons.addWidget(actions[id_].button(), place // 2, place % 2)
        scroll, self._list = theme.card_list(self.hint)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(theme.title("Match with layers"))
        layout.addLayout(wanted)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.left)
        layout.addWidget(self.scores)
        head = QHBoxLayout()
        head.addWidget(theme.title("Layers"))
        head.addStretch(1)
        head.addWidget(self.add)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)


def _layers(count: int) -> str:
    return f"{count} layer{'s' if count != 1 else ''}"
