"""The drawer's page of the rack: which instrument plays, and the effects it goes through."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.bridge import Bridge
from gui.icons import dress
from gui.pages.effect_card import EffectCard
from gui.pages.problem_label import ProblemLabel
from gui.widgets.knob import Knob
from mesosynth.engine.plugin_registry import PluginInfo, list_plugins, plugin_folder
from mesosynth.session.rack_model import RackedPlugin


class EffectsPanel(QFrame):
    """A card for each effect, in the order in which the sound passes them.

    Signals
    -------
    knob_made
        A new knob, which whoever connects the hands should connect.
    asked
        What the user wants of the rack: the name of a method of :class:`gui.bridge.Bridge`, its
        arguments, and what undo calls it.
    """

    knob_made = Signal(Knob)
    asked = Signal(str, tuple, str)

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._bridge = bridge
        self._cards: dict[str, EffectCard] = {}
        self._order: list[RackedPlugin] = []
        self.instrument = QComboBox()
        theme.name(self.instrument, "Instrument", "The plugin that plays")
        self.instrument.activated.connect(self._choose_instrument)
        self.add = _button("Add effect", "ph.plus", "Add an effect at the end of the rack.")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.add)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.add.setMenu(self.menu)
        self.hint = theme.note("No effects yet. The sound goes straight to the limiter.")
        self.hint.setWordWrap(True)
        self.problem = ProblemLabel()
        self._lay_out()
        bridge.rack_changed.connect(self.show_rack)
        bridge.attached.connect(self.show_rack)
        bridge.parameters_changed.connect(self._show_values)

    def __getitem__(self, uid: str) -> EffectCard:
        return self._cards[uid]

    @property
    def order(self) -> list[str]:
        """What the rack calls the effects, from the first to the last."""
        return [effect.uid for effect in self._order]

    def show_rack(self) -> None:
        """Show the rack that the session has now; cards that stay keep their knobs."""
        session = self._bridge.session
        if session is None:
            return
        effects = session.effects
        wanted = {effect.uid: effect for effect in effects}
        for uid, card in list(self._cards.items()):
            if uid not in wanted or not card.fits(wanted[uid]):
                del self._cards[uid]
                self._list.removeWidget(card)
                card.hide()
                card.deleteLater()
        for place, effect in enumerate(effects):
            card = self._cards.get(effect.uid) or self._new_card(effect)
            card.show_effect(effect, place, len(effects))
            self._list.insertWidget(place, card)
        self._order = effects
        self.hint.setVisible(not effects)
        trouble = session.instrument_plugin
        self.problem.tell(trouble.problem, trouble.traceback)
        self._fill_instruments()
        self._show_values(self._bridge.values)

    def _new_card(self, effect: RackedPlugin) -> EffectCard:
        card = EffectCard(effect)
        self._cards[effect.uid] = card
        for knob in card.knobs.values():
            self.knob_made.emit(knob)
        title = effect.title
        card.bypassed.connect(
            lambda uid, off: self.asked.emit("bypass_effect", (uid, off), f"bypass of {title}")
        )
        card.removed.connect(
            lambda uid: self.asked.emit("remove_effect", (uid,), f"removal of {title}")
        )
        card.moved.connect(
            lambda uid, place: self.asked.emit("move_effect", (uid, place), f"move of {title}")
        )
        return card

    def _show_values(self, values: dict[str, float]) -> None:
        for card in self._cards.values():
            card.show_values(values)

    def _choose_instrument(self, index: int) -> None:
        plugin = self.instrument.itemData(index)
        session = self._bridge.session
        if session is not None and plugin != session.instrument:
            self.asked.emit(
                "set_instrument", (plugin,), f"change to {self.instrument.itemText(index)}"
            )
        self._fill_instruments()

    def _fill_instruments(self) -> None:
        session = self._bridge.session
        now = session.instrument if session is not None else ""
        self.instrument.clear()
        for info in _usable("effect"):
            self.instrument.addItem(info.title, info.name)
        self.instrument.setCurrentIndex(self.instrument.findData(now))

    def _fill_menu(self) -> None:
        self.menu.clear()
        for info in list_plugins():
            if info.kind == "instrument":
                continue
            action = self.menu.addAction(_listed(info))
            action.setEnabled(not info.problem)
            action.setToolTip(info.problem)
            action.triggered.connect(
                lambda _=False, i=info: self.asked.emit("add_effect", (i.name,), f"new {i.title}")
            )
        self.menu.addSeparator()
        folder = self.menu.addAction(f"Your own: {plugin_folder()}")
        folder.setEnabled(False)

    def _lay_out(self) -> None:
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
        head = QHBoxLayout()
        head.addWidget(theme.title("Effects"))
        head.addStretch(1)
        head.addWidget(self.add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(theme.title("Instrument"))
        layout.addWidget(self.instrument)
        layout.addWidget(self.problem)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)


def _usable(not_kind: str) -> list[PluginInfo]:
    return [info for info in list_plugins() if info.kind not in (not_kind, "") and not info.problem]


def _listed(info: PluginInfo) -> str:
    whose = {"built-in": "", "file": "  (yours)", "package": "  (package)", "vst3": "  (VST3)"}
    return f"{info.title}{whose[info.origin]}" + ("  – cannot be loaded" if info.problem else "")


def _button(text: str, picture: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("small")
    button.setText(text)
    dress(button, picture)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(tip)
    theme.name(button, text, tip)
    return button
