"""Effects page: the instrument, and the chain of effects with their knobs."""

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDrag, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QLabel, QMenu, QPlainTextEdit, QWidget
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
from ..widgets.card import CardList, MovableCard, bare_button
from ..widgets.knob import SOURCE_MIME, Knob, show_values
from ..widgets.parts import Panel, choice, column, menu_button, row


class ProblemLabel(QWidget):
    """Problem of a plugin, with a traceback to open and copy; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.text.setObjectName("problem")
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = theme.tool_button("Show the traceback", "Where in the plugin's code it failed")
        self.more.setCheckable(True)
        self.story = QPlainTextEdit(readOnly=True)
        self.story.setFixedHeight(120)
        self.story.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.story.hide()
        theme.name(self.story, "Traceback")
        self.more.toggled.connect(self.story.setVisible)
        column(self.text, self.more, self.story, spacing=4, inside=self)
        self.hide()

    def tell(self, problem: str, story: str) -> None:
        """Show a problem, one sentence, and its traceback; "" for none."""
        self.text.setText(problem)
        theme.name(self.text, "Problem", problem)
        if story != self.story.toPlainText():
            self.story.setPlainText(story)
        self.more.setVisible(bool(story))
        if not story:
            self.more.setChecked(False)
        self.setVisible(bool(problem))


class EffectCard(MovableCard):
    """Card of an effect: its name, its knobs, its problem; B bypasses it.

    Signals
    -------
    bypassed
        Whether the sound is to go past it.
    """

    bypassed = Signal(bool)
    columns = 4  # of knobs

    def __init__(self, effect: RackedPlugin) -> None:
        tips = (
            "Move it towards the instrument (Alt+Up)", "Move it towards the output (Alt+Down)",
            "Take it out of the rack (Delete)",
        )  # fmt: skip
        super().__init__(0, tips)
        self._parameters = dict(effect.parameters)
        self.on = bare_button("ph.power", "Let the sound pass it, or go past it")
        self.on.setCheckable(True)
        self.on.clicked.connect(lambda on: self.bypassed.emit(not on))
        self.title.setText(effect.title)
        self.problem = ProblemLabel()
        self.knobs = {
            f"{effect.uid}.{id_}": Knob(parameter, f"{effect.uid}.{id_}", effect.title)
            for id_, parameter in effect.parameters.items()
        }
        grid = QGridLayout()
        grid.setSpacing(0)
        self._fill(grid)
        for place in range(self.columns):
            grid.setColumnStretch(place, 1)
        layout = column(self.head([self.on], []), self.problem, grid, inside=self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(2)

    def fits(self, effect: RackedPlugin) -> bool:
        """Whether this card has the knobs that `effect` needs."""
        return self._parameters == dict(effect.parameters)

    def show_effect(self, effect: RackedPlugin, place: int, count: int) -> None:
        """Show the state of the effect, number `place` of `count`, from 0."""
        self.show_place(place, count)
        self.on.setChecked(not effect.bypassed)
        self.problem.tell(effect.problem, effect.traceback)
        theme.mark(self, "problem", bool(effect.problem))
        for knob in self.knobs.values():
            knob.dim(effect.bypassed)
        state = "bypassed" if effect.bypassed else effect.problem or "on"
        theme.name(self, f"Effect {place + 1}: {effect.title}", state)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B:
            self.bypassed.emit(self.on.isChecked())
        else:
            super().keyPressEvent(event)

    def _fill(self, grid: QGridLayout) -> None:
        self._add(grid, self.knobs.values())

    def _add(self, grid: QGridLayout, widgets: Iterable[QWidget]) -> None:
        """Add widgets from the next row on."""
        begin = grid.rowCount() if grid.count() else 0
        for i, widget in enumerate(widgets):
            grid.addWidget(widget, begin + i // self.columns, i % self.columns)


class SourceChip(QLabel):
    """A source of the modulation, to be dragged onto a knob."""

    def __init__(self, source: str) -> None:
        super().__init__(source, alignment=Qt.AlignmentFlag.AlignCenter)
        self.source = source
        self.setObjectName("chip")
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
    """Card of the modulation: sources to drag onto knobs, slots, and the sources' own knobs.

    Signals
    -------
    freed
        Id of a parameter that is to be moved no longer.
    """

    freed = Signal(str)
    columns = 3

    def __init__(self, effect: RackedPlugin) -> None:
        self._slots: tuple[Modulated, ...] = ()
        self._targets = [QLabel(wordWrap=True) for _ in range(SLOTS)]
        self._free = [bare_button("ph.x", "Free this slot") for _ in range(SLOTS)]
        self.chips = [SourceChip(source) for source in SOURCES[1:]]
        super().__init__(effect)

    def show_slots(self, slots: tuple[Modulated, ...], table: ParameterTable) -> None:
        """Show what each slot moves, by the names of the whole rack's `table`."""
        self._slots = slots
        used = max((n for n, slot in enumerate(slots) if slot.target), default=-1)
        for n, slot in enumerate(slots):
            known = slot.target in table
            name = table[slot.target].name if known else f"{slot.target} (not in this rack)"
            self._targets[n].setText(f"→ {name if slot.target else 'nothing yet'}")
            for widget in (self._targets[n], self._free[n]):
                widget.setEnabled(bool(slot.target))
            # One row more than are used: the next one to be dropped on.
            for widget in (*self._of(f"source{n + 1}", f"depth{n + 1}"), self._targets[n],
                           self._free[n]):  # fmt: skip
                widget.setVisible(n <= used + 1)

    @override
    def _fill(self, grid: QGridLayout) -> None:
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        self._add(grid, self.chips)
        for n, (target, free) in enumerate(zip(self._targets, self._free, strict=True)):
            place = grid.rowCount()
            for at, knob in enumerate(self._of(f"source{n + 1}", f"depth{n + 1}")):
                grid.addWidget(knob, place, at)
            grid.addLayout(column((target, 1), free), place, 2)
            free.clicked.connect(lambda _=False, n=n: self.freed.emit(self._slots[n].target))
        for prefix in ("lfo1_", "lfo2_", "env_", "follow"):
            self._add(grid, self._of(*(id_ for id_ in self._parameters if id_.startswith(prefix))))

    def _of(self, *ids: str) -> list[Knob]:
        return [self.knobs[f"{MODULATION}.{id_}"] for id_ in ids]


class EffectsPage(Panel):
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
        self._desk, self._step = desk, history.step
        self._cards: dict[str, EffectCard] = {}
        self.instrument = choice("Instrument", ())
        theme.name(self.instrument, "Instrument", "The plugin that plays")
        self.instrument.activated.connect(self._choose_instrument)
        tip = "Add an effect at the end of the rack."
        self.add = menu_button("Add effect", tip, "ph.plus", self._fill_menu)
        self.menu = self.add.menu()
        self.tap = theme.tool_button("Tap", "Tap the tempo, twice or more often.  (N)")
        self.tap.pressed.connect(lambda: desk.ask(lambda session: session.keys.tap()))
        self.problem = ProblemLabel()
        self._list = CardList("No effects yet. The sound goes straight to the limiter.")
        self.lay_out(
            theme.title("Instrument"), row((self.instrument, 1), self.tap), self.problem,
            row(theme.title("Effects"), 1, self.add), (self._list, 1),
        )  # fmt: skip
        desk.attached.connect(self._attach)

    def __getitem__(self, uid: str) -> EffectCard:
        return self._cards[uid]

    @property
    def order(self) -> list[str]:
        """Names of the effects in the rack, from the first to the last."""
        return list(self._cards)

    @property
    def knobs(self) -> list[Knob]:
        """Knobs of all effects."""
        return [knob for card in self._cards.values() for knob in card.knobs.values()]

    def _attach(self, session: Session) -> None:
        self.show_rack()
        session.rack.changed.connect(self.show_rack)
        session.sound.changed.connect(self._show_values)

    def show_rack(self) -> None:
        """Show the rack that the session has now; cards that stay keep their knobs."""
        rack, old = self._desk.session.rack, self._cards
        self._cards = {
            effect.uid: card if (card := old.get(effect.uid)) is not None and card.fits(effect)
            else self._new_card(effect) for effect in rack.effects
        }  # fmt: skip
        self._list.show_cards(list(self._cards.values()))
        for place, effect in enumerate(rack.effects):
            self._cards[effect.uid].show_effect(effect, place, len(rack.effects))
        trouble = rack.instrument_plugin
        self.problem.tell(trouble.problem, trouble.traceback)
        self._fill_instruments()
        self._show_values(self._desk.values)

    def _new_card(self, effect: RackedPlugin) -> EffectCard:
        card = ModulationCard(effect) if effect.uid == MODULATION else EffectCard(effect)
        if isinstance(card, ModulationCard):
            card.freed.connect(lambda id_: self.modulate(id_, "off"))
        for knob in card.knobs.values():
            self.knob_made.emit(knob)
        title, uid, step = effect.title, effect.uid, self._step
        card.bypassed.connect(
            lambda off: step(f"bypass of {title}", lambda s: s.rack.bypass_effect(uid, off))
        )
        card.removed.connect(
            lambda: step(f"removal of {title}", lambda s: s.rack.remove_effect(uid))
        )
        card.moved.connect(
            lambda place: step(f"move of {title}", lambda s: s.rack.move_effect(uid, place))
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

    def show_modulations(self, slots: tuple[Modulated, ...], table: ParameterTable) -> None:
        """Show what each slot of the modulation moves, by the names of the whole rack's `table`."""
        card = self._cards.get(MODULATION)
        if isinstance(card, ModulationCard):
            card.show_slots(slots, table)

    def _show_values(self, values: dict[str, float]) -> None:
        for card in self._cards.values():
            show_values(card.knobs, values)

    def _choose_instrument(self, index: int) -> None:
        plugin = self.instrument.itemData(index)
        if plugin != self._desk.session.rack.instrument:
            self._step(
                f"change to {self.instrument.itemText(index)}",
                lambda session: session.rack.set_instrument(plugin),
            )
        self._fill_instruments()

    def _fill_instruments(self) -> None:
        self.instrument.clear()
        for info in list_plugins():
            if info.kind == "instrument" and not info.problem:
                self.instrument.addItem(info.title, info.name)
        place = self.instrument.findData(self._desk.session.rack.instrument)
        self.instrument.setCurrentIndex(place)

    def _fill_menu(self, menu: QMenu) -> None:
        for info in list_plugins():
            if info.kind == "instrument":
                continue
            action = menu.addAction(menu_text(_listed(info)), partial(self._add_effect, info))
            action.setEnabled(not info.problem)
            action.setToolTip(plain_text(info.problem))
        menu.addSeparator()
        menu.addAction(menu_text(f"Your own: {plugin_folder()}")).setEnabled(False)

    def _add_effect(self, info: PluginInfo) -> None:
        self._step(f"new {info.title}", lambda session: session.rack.add_effect(info.name))


def _listed(info: PluginInfo) -> str:
    whose = {"built-in": "", "file": "  (yours)", "package": "  (package)", "vst3": "  (VST3)"}
    return f"{info.title}{whose[info.origin]}" + ("  – cannot be loaded" if info.problem else "")
