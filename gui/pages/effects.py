"""Effects page: the instrument, and the chain of effects with their knobs."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDrag, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.effects.modulation import SLOTS, SOURCES
from mesosynth.engine.plugin_registry import PluginInfo, list_plugins, plugin_folder
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session import Session
from mesosynth.session.rack import Modulated
from mesosynth.session.rack_model import RackedPlugin

from .. import theme
from ..desk import Desk
from ..text import menu_text, plain_text
from ..undo import History
from ..widgets.knob import SOURCE_MIME, Knob
from ..widgets.movable_card import MovableCard, bare_button

# --------------------------------------------------------------------------------------------------
# Problem of a plugin: one sentence, and its traceback on demand.


class ProblemLabel(QWidget):
    """Problem of a plugin, with a traceback to open and copy; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel()
        self.text.setObjectName("problem")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = QToolButton()
        self.more.setText("Show the traceback")
        self.more.setCheckable(True)
        self.more.setObjectName("small")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.story = QPlainTextEdit(readOnly=True)
        self.story.setFixedHeight(120)
        self.story.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.story.hide()
        theme.name(self.story, "Traceback")
        self.more.toggled.connect(self.story.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.setSpacing(4)
        for widget in (self.text, self.more, self.story):
            layout.addWidget(widget)
        self.hide()

    def tell(self, problem: str, story: str) -> None:
        """Show a problem.

        Parameters
        ----------
        problem : str
            One sentence, or "".
        story : str
            Traceback, or "".
        """
        self.text.setText(problem)
        theme.name(self.text, "Problem", problem)
        if story != self.story.toPlainText():
            self.story.setPlainText(story)
        self.more.setVisible(bool(story))
        if not story:
            self.more.setChecked(False)
        self.setVisible(bool(problem))


# --------------------------------------------------------------------------------------------------
# Card of an effect: its name, its knobs, its problem.


_COLUMNS = 4  # knobs beside each other


class EffectCard(MovableCard):
    """Card of an effect, which B bypasses.

    Signals
    -------
    bypassed
        Whether the sound is to go past it.
    """

    bypassed = Signal(bool)

    def __init__(self, effect: RackedPlugin) -> None:
        tips = (
            "Move it towards the instrument (Alt+Up)", "Move it towards the output (Alt+Down)",
            "Take it out of the rack (Delete)",
        )  # fmt: skip
        super().__init__(0, tips)
        self.uid, self._parameters = effect.uid, dict(effect.parameters)
        self.on = bare_button("ph.power", "Let the sound pass it, or go past it")
        self.on.setCheckable(True)
        self.on.clicked.connect(lambda on: self.bypassed.emit(not on))
        self.title.setText(effect.title)
        self.problem = ProblemLabel()
        self.knobs = {
            f"{effect.uid}.{id_}": Knob(parameter, f"{effect.uid}.{id_}", effect.title)
            for id_, parameter in effect.parameters.items()
        }
        self._lay_out()

    def fits(self, effect: RackedPlugin) -> bool:
        """Whether this card has the knobs that `effect` needs."""
        return self._parameters == dict(effect.parameters)

    def show_effect(self, effect: RackedPlugin, place: int, count: int) -> None:
        """Show the state of the effect.

        Parameters
        ----------
        effect : RackedPlugin
        place, count : int
            Its place in the rack, 0 for the first, and the number of effects.
        """
        self.show_place(place, count)
        self.on.setChecked(not effect.bypassed)
        self.problem.tell(effect.problem, effect.traceback)
        self.setProperty("problem", bool(effect.problem))
        self.style().polish(self)
        for knob in self.knobs.values():
            knob.dim(effect.bypassed)
        state = "bypassed" if effect.bypassed else effect.problem or "on"
        theme.name(self, f"Effect {place + 1}: {effect.title}", state)

    def show_values(self, values: dict[str, float]) -> None:
        """Show the parameters that play."""
        for id_, knob in self.knobs.items():
            if id_ in values and knob.value != values[id_]:
                knob.set_value(values[id_])

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B:
            self.bypassed.emit(self.on.isChecked())
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(2)
        layout.addLayout(self.head([self.on], []))
        layout.addWidget(self.problem)
        layout.addLayout(self._grid())

    def _grid(self) -> QGridLayout:
        """Layout of the knobs."""
        grid = QGridLayout()
        grid.setSpacing(0)
        for i, knob in enumerate(self.knobs.values()):
            grid.addWidget(knob, i // _COLUMNS, i % _COLUMNS)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        return grid


# --------------------------------------------------------------------------------------------------
# Card of the modulation: sources to drag onto knobs, and four slots


_ROWS = ("lfo1_", "lfo2_", "env_", "follow")  # beginnings of the ids of a row of knobs
_MODULATION_COLUMNS = 3


class SourceChip(QLabel):
    """A source of the modulation, to be dragged onto a knob."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source
        self.setObjectName("chip")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip(f"Drag {source} onto a knob to move it.")
        self._pressed = False

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.button() == Qt.MouseButton.LeftButton
        event.accept()  # or the card would be dragged

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = event.position().toPoint().manhattanLength() > QApplication.startDragDistance()
        if self._pressed and far:
            self._pressed = False
            drag, data = QDrag(self), QMimeData()
            data.setData(SOURCE_MIME, self.source.encode())
            drag.setMimeData(data)
            drag.setPixmap(self.grab())
            drag.exec(Qt.DropAction.LinkAction)


class ModulationCard(EffectCard):
    """Card of the modulation.

    Signals
    -------
    freed
        Id of a parameter that is to be moved no longer.
    """

    freed = Signal(str)

    def __init__(self, effect: RackedPlugin) -> None:
        self._targets = [QLabel() for _ in range(SLOTS)]
        self._free = [bare_button("ph.x", "Free this slot") for _ in range(SLOTS)]
        self.chips = [SourceChip(source) for source in SOURCES[1:]]
        self._ids = [""] * SLOTS
        for label in self._targets:
            label.setWordWrap(True)
        super().__init__(effect)

    def show_slots(self, slots: tuple[Modulated, ...], table: ParameterTable) -> None:
        """Show what each slot moves.

        Parameters
        ----------
        slots : tuple of Modulated
        table : ParameterTable
            Of the whole rack.
        """
        for n, slot in enumerate(slots):
            known = slot.target in table
            name = table[slot.target].name if known else slot.target
            self._ids[n] = slot.target
            absent = "" if known or not slot.target else " (not in this rack)"
            self._targets[n].setText(f"→ {name}{absent}" if slot.target else "→ nothing yet")
            self._targets[n].setEnabled(bool(slot.target))
            self._free[n].setEnabled(bool(slot.target))
        used = max((n for n, slot in enumerate(slots) if slot.target), default=-1)
        for n in range(SLOTS):  # one row more than are used: the next one to be dropped on
            for widget in self._row(n):
                widget.setVisible(n <= used + 1)

    @override
    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        for i, chip in enumerate(self.chips):
            grid.addWidget(chip, i // _MODULATION_COLUMNS, i % _MODULATION_COLUMNS)
        for n in range(SLOTS):
            row = grid.rowCount()
            grid.addWidget(self.knobs[f"{MODULATION}.source{n + 1}"], row, 0)
            grid.addWidget(self.knobs[f"{MODULATION}.depth{n + 1}"], row, 1)
            target = QVBoxLayout()
            target.addWidget(self._targets[n], 1)
            target.addWidget(self._free[n])
            grid.addLayout(target, row, 2)
            self._free[n].clicked.connect(lambda _=False, n=n: self.freed.emit(self._ids[n]))
        for prefix in _ROWS:
            row = grid.rowCount()
            for i, knob in enumerate(self._of(prefix)):
                place = divmod(i, _MODULATION_COLUMNS)
                grid.addWidget(knob, row + place[0], place[1])
        for column in range(_MODULATION_COLUMNS):
            grid.setColumnStretch(column, 1)
        return grid

    def _row(self, n: int) -> tuple[QWidget, ...]:
        ids = (f"{MODULATION}.source{n + 1}", f"{MODULATION}.depth{n + 1}")
        return (*(self.knobs[id_] for id_ in ids), self._targets[n], self._free[n])

    def _of(self, prefix: str) -> list[Knob]:
        return [
            knob for id_, knob in self.knobs.items() if id_.startswith(f"{MODULATION}.{prefix}")
        ]


# --------------------------------------------------------------------------------------------------
# Page of the rack.


class EffectsPage(QFrame):
    """Page of the rack: the instrument, and a card for each effect, in the order of the sound.

    Parameters
    ----------
    desk : Desk
    history : History
        Every change of the rack is a step of it.

    Signals
    -------
    knob_made
        A new knob, which is not connected yet.
    """

    knob_made = Signal(Knob)

    def __init__(self, desk: Desk, history: History) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._desk, self._step = desk, history.step
        self._cards: dict[str, EffectCard] = {}
        self._order: list[RackedPlugin] = []
        self.instrument = QComboBox()
        theme.name(self.instrument, "Instrument", "The plugin that plays")
        self.instrument.activated.connect(self._choose_instrument)
        self.add = theme.tool_button(
            "Add effect", "Add an effect at the end of the rack.", icon="ph.plus"
        )
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.add)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.add.setMenu(self.menu)
        self.tap = theme.tool_button("Tap", "Tap the tempo, twice or more often.  (N)")
        self.tap.pressed.connect(lambda: self._desk.ask(lambda session: session.keys.tap()))
        self.hint = theme.note("No effects yet. The sound goes straight to the limiter.")
        self.hint.setWordWrap(True)
        self.problem = ProblemLabel()
        self._lay_out()
        desk.attached.connect(self._attach)

    def __getitem__(self, uid: str) -> EffectCard:
        return self._cards[uid]

    @property
    def order(self) -> list[str]:
        """Names of the effects in the rack, from the first to the last."""
        return [effect.uid for effect in self._order]

    def _attach(self, session: Session) -> None:
        self.show_rack()
        session.rack.changed.connect(self.show_rack)
        session.sound.changed.connect(self._show_values)

    def show_rack(self) -> None:
        """Show the rack that the session has now; cards that stay keep their knobs."""
        session = self._desk.session
        effects = session.rack.effects
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
        trouble = session.rack.instrument_plugin
        self.problem.tell(trouble.problem, trouble.traceback)
        self._fill_instruments()
        self._show_values(self._desk.values)

    def _new_card(self, effect: RackedPlugin) -> EffectCard:
        card = ModulationCard(effect) if effect.uid == MODULATION else EffectCard(effect)
        self._cards[effect.uid] = card
        if isinstance(card, ModulationCard):
            card.freed.connect(lambda id_: self.modulate(id_, "off"))
        for knob in card.knobs.values():
            self.knob_made.emit(knob)
        title, uid = effect.title, effect.uid
        card.bypassed.connect(
            lambda off: self._step(
                f"bypass of {title}", lambda session: session.rack.bypass_effect(uid, off)
            )
        )
        card.removed.connect(
            lambda: self._step(
                f"removal of {title}", lambda session: session.rack.remove_effect(uid)
            )
        )
        card.moved.connect(
            lambda place: self._step(
                f"move of {title}", lambda session: session.rack.move_effect(uid, place)
            )
        )
        return card

    def modulate(self, id_: str, source: str) -> None:
        """Move a parameter by a source of the modulation, or with "off" no longer.

        Parameters
        ----------
        id_ : str
            Of the parameter: "f_c" or "delay.time".
        source : str
            One of :data:`mesosynth.effects.modulation.SOURCES`.
        """
        self._step(f"modulation of {id_}", lambda session: session.rack.modulate(id_, source))

    @property
    def knobs(self) -> list[Knob]:
        """Knobs of all effects."""
        return [knob for card in self._cards.values() for knob in card.knobs.values()]

    def show_modulations(self, slots: tuple[Modulated, ...], table: ParameterTable) -> None:
        """Show what each slot of the modulation moves.

        Parameters
        ----------
        slots : tuple of Modulated
        table : ParameterTable
            Of the whole rack.
        """
        card = self._cards.get(MODULATION)
        if isinstance(card, ModulationCard):
            card.show_slots(slots, table)

    def _show_values(self, values: dict[str, float]) -> None:
        for card in self._cards.values():
            card.show_values(values)

    def _choose_instrument(self, index: int) -> None:
        plugin = self.instrument.itemData(index)
        if plugin != self._desk.session.rack.instrument:
            self._step(
                f"change to {self.instrument.itemText(index)}",
                lambda session: session.rack.set_instrument(plugin),
            )
        self._fill_instruments()

    def _fill_instruments(self) -> None:
        now = self._desk.session.rack.instrument
        self.instrument.clear()
        for info in _usable("effect"):
            self.instrument.addItem(info.title, info.name)
        self.instrument.setCurrentIndex(self.instrument.findData(now))

    def _fill_menu(self) -> None:
        self.menu.clear()
        for info in list_plugins():
            if info.kind == "instrument":
                continue
            action = self.menu.addAction(menu_text(_listed(info)))
            action.setEnabled(not info.problem)
            action.setToolTip(plain_text(info.problem))
            action.triggered.connect(
                lambda _=False, i=info: self._step(
                    f"new {i.title}", lambda session: session.rack.add_effect(i.name)
                )
            )
        self.menu.addSeparator()
        folder = self.menu.addAction(menu_text(f"Your own: {plugin_folder()}"))
        folder.setEnabled(False)

    def _lay_out(self) -> None:
        scroll, self._list = theme.card_list(self.hint)
        head = QHBoxLayout()
        head.addWidget(theme.title("Effects"))
        head.addStretch(1)
        head.addWidget(self.add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(theme.title("Instrument"))
        plays = QHBoxLayout()
        plays.addWidget(self.instrument, 1)
        plays.addWidget(self.tap)
        layout.addLayout(plays)
        layout.addWidget(self.problem)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)


def _usable(not_kind: str) -> list[PluginInfo]:
    return [info for info in list_plugins() if info.kind not in (not_kind, "") and not info.problem]


def _listed(info: PluginInfo) -> str:
    whose = {"built-in": "", "file": "  (yours)", "package": "  (package)", "vst3": "  (VST3)"}
    return f"{info.title}{whose[info.origin]}" + ("  – cannot be loaded" if info.problem else "")
