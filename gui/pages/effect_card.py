"""One effect of the rack: its name, its knobs, and what is wrong with it, if anything."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout
from typing_extensions import override

from gui import theme
from gui.icons import dress
from gui.pages.problem_label import ProblemLabel
from gui.widgets.knob import Knob
from mesosynth.session.rack_model import RackedPlugin

_COLUMNS = 4  # knobs beside each other


class EffectCard(QFrame):
    """Drag its title up or down, or press Alt with an arrow key, to move it; Delete removes it.

    Signals
    -------
    bypassed
        Its name in the rack, and whether the sound is to go past it.
    removed
    moved
        Its name in the rack, and the new place, 0 for the first.
    """

    bypassed = Signal(str, bool)
    removed = Signal(str)
    moved = Signal(str, int)

    def __init__(self, effect: RackedPlugin) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.uid, self._parameters = effect.uid, dict(effect.parameters)
        self._place, self._count = 0, 1
        self._grabbed: float | None = None
        self.on = _bare("ph.power", "Let the sound pass it, or go past it")
        self.on.setCheckable(True)
        self.up = _bare("ph.caret-up", "Move it towards the instrument (Alt+Up)")
        self.down = _bare("ph.caret-down", "Move it towards the output (Alt+Down)")
        self.out = _bare("ph.x", "Take it out of the rack (Delete)")
        self.on.clicked.connect(lambda on: self.bypassed.emit(self.uid, not on))
        self.up.clicked.connect(lambda: self._move(self._place - 1))
        self.down.clicked.connect(lambda: self._move(self._place + 1))
        self.out.clicked.connect(lambda: self.removed.emit(self.uid))
        self.title = theme.title(effect.title)
        self.title.setCursor(Qt.CursorShape.SizeVerCursor)
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
        """Show what became of the effect, and where it is among `count` of them."""
        self._place, self._count = place, count
        self.on.setChecked(not effect.bypassed)
        self.up.setEnabled(place > 0)
        self.down.setEnabled(place < count - 1)
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
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        match event.key():
            case Qt.Key.Key_Up if alt:
                self._move(self._place - 1)
            case Qt.Key.Key_Down if alt:
                self._move(self._place + 1)
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.removed.emit(self.uid)
            case Qt.Key.Key_B:
                self.bypassed.emit(self.uid, self.on.isChecked())
            case _:
                super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed = event.position().y()
        super().mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._grabbed is not None:
            by = event.position().y() - self._grabbed
            self._grabbed = None
            # Half a card's height is enough for the next place.
            self._move(self._place + round(by / max(self.height(), 1)))

    def _move(self, place: int) -> None:
        place = min(max(place, 0), self._count - 1)
        if place != self._place:
            self.moved.emit(self.uid, place)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self.on)
        head.addWidget(self.title)
        head.addStretch(1)
        for button in (self.up, self.down, self.out):
            head.addWidget(button)
        grid = QGridLayout()
        grid.setSpacing(0)
        for i, knob in enumerate(self.knobs.values()):
            grid.addWidget(knob, i // _COLUMNS, i % _COLUMNS)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.problem)
        layout.addLayout(grid)


def _bare(picture: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("bare")
    dress(button, picture)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(tip)
    theme.name(button, tip.partition(" (")[0])
    return button
