"""The drawer's page of layers: a match with several arpeggios, and a card for each of them."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.actions import Actions
from gui.pages.layers import LayerCard
from gui.pages.match import time_left
from gui.widgets.score_bars import ScoreBars
from mesosynth.instruments.layers_parameters import LAYERS
from mesosynth.matching.layer_messages import LayersResult, LayersStep
from mesosynth.matching.layer_requests import LayersSettings
from mesosynth.session.events import LayersJudged
from mesosynth.session.layer_book import LayerBook

_STEPS = 1000  # of the progress bar
_LEAST_SECONDS, _MOST_SECONDS = 5, 600


class LayersPage(QFrame):
    """How many layers, how far the match is, how alike, and the layers themselves.

    Signals
    -------
    asked
        As :attr:`LayerCard.asked`.
    chosen
        Place of the layer whose knobs are to be shown.
    """

    asked = Signal(str, tuple, str)
    chosen = Signal(int)

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.cards: list[LayerCard] = []
        defaults = LayersSettings()
        self.count = _number(1, LAYERS, defaults.layers, "Layers at most")
        self.seconds = _number(
            _LEAST_SECONDS, _MOST_SECONDS, round(defaults.seconds), "Seconds for the match"
        )
        self.seconds.setSuffix(" s")
        self.seconds.setSingleStep(5)
        self.progress = QProgressBar(maximum=_STEPS, textVisible=False)
        self.progress.setFixedHeight(6)
        theme.name(self.progress, "Progress of the match with layers")
        self.left = theme.note()
        self.scores = ScoreBars()
        self.hint = theme.note(
            "No layers play. L looks for the arpeggios that together sound like the target; "
            "each joins where the others leave most of it."
        )
        self.hint.setWordWrap(True)
        self._lay_out(actions)
        self.setFocusProxy(self.count)
        self.forget()

    @property
    def settings(self) -> LayersSettings:
        """How the user wants to match."""
        return LayersSettings(self.count.value(), float(self.seconds.value()))

    def show_settings(self, settings: LayersSettings) -> None:
        """Show how many layers, and for how long."""
        self.count.setValue(settings.layers)
        self.seconds.setValue(round(settings.seconds))

    # ------------------------------------------------------------------ the match

    def forget(self) -> None:
        """Show that there is no match yet."""
        self.progress.setValue(0)
        self.left.setText("No match yet")

    def start(self) -> None:
        """A match begins."""
        self.progress.setValue(0)
        self.left.setText("Looking for the first layer…")

    def add(self, step: LayersStep) -> None:
        """Show how far the match is."""
        self.progress.setValue(round(_STEPS * step.progress))
        self.left.setText(f"{_layers(len(step.layers))}  {time_left(step)}".strip())

    def pause(self) -> None:
        """Show that the match stands still."""
        self.left.setText("Paused; press P to go on")

    def end(self, result: LayersResult | None) -> None:
        """Show that the match is over."""
        if result is None:
            self.forget()
            return
        self.progress.setValue(_STEPS)
        how = "" if result.converged else "; the time was over"
        self.left.setText(f"{_layers(len(result.layers))} after {result.seconds:.0f} s{how}")

    # ------------------------------------------------------------------ the layers

    def show_layers(self, book: LayerBook, values: dict[str, float]) -> None:
        """Show a card for each layer."""
        count = len(book.notes)
        while len(self.cards) > count:
            card = self.cards.pop()
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        while len(self.cards) < count:
            self._new_card()
        for place, (card, note) in enumerate(zip(self.cards, book.notes, strict=True)):
            card.show_note(note, book.heard(place), count)
        self.hint.setVisible(not count)
        if not count:
            self.scores.show_scores(None)
        self.show_values(values)

    def show_values(self, values: dict[str, float]) -> None:
        """Show where the parameters stand."""
        for card in self.cards:
            if f"level_{card.number}" in values:
                card.show_values(values)

    def judge(self, judged: LayersJudged) -> None:
        """Show each layer's share, and how alike all of them and the target are."""
        for card, share in zip(self.cards, judged.shares, strict=False):
            card.share.show_share(share)
        self.scores.show_scores(judged.scores if self.cards else None)

    def focus_card(self, place: int) -> None:
        """Give the keys to a layer's card, the last one if there are fewer."""
        if self.cards:
            self.cards[min(place, len(self.cards) - 1)].setFocus()

    def _new_card(self) -> None:
        card = LayerCard(len(self.cards))
        card.asked.connect(self.asked)
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
        for place, id_ in enumerate(
            ("match_layers", "go_on_layers", "apply_layers", "pause_match", "stop_match")
        ):
            buttons.addWidget(_button(actions, id_), place // 3, place % 3)
        cards = QWidget()
        self._list = QVBoxLayout(cards)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(6)
        self._list.addWidget(self.hint)
        self._list.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(cards)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.viewport().setAutoFillBackground(False)
        cards.setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(theme.title("Match with layers"))
        layout.addLayout(wanted)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.left)
        layout.addWidget(self.scores)
        layout.addWidget(theme.title("Layers"))
        layout.addWidget(scroll, 1)


def _layers(count: int) -> str:
    return f"{count} layer{'s' if count != 1 else ''}"


def _number(least: int, most: int, value: int, name: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    theme.name(box, name)
    return box


def _button(actions: Actions, id_: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("small")
    button.setDefaultAction(actions[id_])
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, actions[id_].iconText(), actions[id_].toolTip())
    return button
