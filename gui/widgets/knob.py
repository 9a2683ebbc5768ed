"""Knobs: one parameter each, and the pages of knobs of an instrument."""

import math
from collections.abc import Collection, Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QWidget,
)
from typing_extensions import override

from mesosynth.effects.modulation import BIPOLAR, SOURCES
from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.errors import ArgumentError
from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme

# --------------------------------------------------------------------------------------------------
# Editor of a knob's value.


class ValueEditor(QLineEdit):
    """Line over a knob to type its value; Return accepts, Esc or a click elsewhere cancels."""

    accepted = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._owner = parent
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFont(theme.font(8.5))
        self.setAccessibleName("Value")
        self.returnPressed.connect(self._accept)
        self.hide()

    def open(self, text: str) -> None:
        """Appear with `text` selected."""
        self.setText(text)
        self.show()
        self.selectAll()
        self.setFocus()

    def take_escape(self) -> bool:
        """Close, and keep the value."""
        self._close()
        return True

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        # QLineEdit lets Return through, and the knob behind would open the line again.
        event.accept()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.hide()

    def _accept(self) -> None:
        text = self.text()
        self._close()
        self.accepted.emit(text)

    def _close(self) -> None:
        self.hide()
        self._owner.setFocus()


# --------------------------------------------------------------------------------------------------
# Knob: an arc, the value and its unit, the name.


TRAVEL_PX = 180.0
"""Vertical drag from one end of the travel to the other, px."""

SOURCE_MIME = "application/x-mesosynth-source"
"""Format of a source of the modulation that is dragged onto a knob."""

_NOTCH = 0.02
_START, _SPAN = 225.0, -270.0  # degrees, counter-clockwise from three o'clock
_TEXT_HEIGHT = 17
_SOLID = Qt.PenStyle.SolidLine
_MOUSE = QContextMenuEvent.Reason.Mouse


def _text_height() -> int:
    return round(_TEXT_HEIGHT * theme.zoom)


class Knob(QWidget):
    """Knob of one parameter.

    Drag up and down, wheel or arrow keys turn it (Shift: fine), a double-click takes the default,
    a click on the value, or Return, lets one type it; the right button asks for a MIDI controller.

    Parameters
    ----------
    parameter : Parameter
    id_ : str, optional
        What the session calls it, where that is not the parameter's own id: "delay.time".
    owner : str
        The plugin that it belongs to, for screen readers and undo; "" for the instrument.
    by_hand : bool
        Whether neither MIDI nor a modulation may turn it.
    """

    gesture_began = Signal(str)
    edited = Signal(dict)
    gesture_ended = Signal()
    nudged = Signal(dict, str)
    set_at_once = Signal(dict, str)
    refused = Signal(str)
    learn_asked = Signal(str)
    modulate_asked = Signal(str, str)
    forget_asked = Signal(str)
    pin_asked = Signal(str, bool)

    def __init__(
        self, parameter: Parameter, id_: str | None = None, owner: str = "", by_hand: bool = False
    ) -> None:
        super().__init__()
        self.parameter, self._by_hand = parameter, by_hand
        self.id = parameter.id if id_ is None else id_
        self.title = f"{owner} {parameter.name}".strip()
        self.pinned = False
        self._dimmed = False
        self._modulations: list[tuple[str, int, float]] = []
        self.value = parameter.default
        self._turned: float | None = None
        self._deepened: float | None = None  # depth, while Alt is held
        self._mouse_y = 0.0
        self.editor = ValueEditor(self)
        self.editor.accepted.connect(self._type)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(42, 92)
        self.setToolTip(
            f"{parameter.description}\n{parameter.text(parameter.minimum)} to "
            f"{parameter.text(parameter.maximum)}; double-click: "
            f"{parameter.text(parameter.default)}\nClick the value to type one; Shift: fine; "
            "right button: MIDI, modulation, pin, copy; Alt: depth of its modulation"
        )
        self.setAcceptDrops(not by_hand)
        self.set_value(parameter.default)

    @override
    def sizeHint(self) -> QSize:
        return theme.size(84, 104)

    def set_value(self, value: float) -> None:
        """Show a value."""
        self.value = value
        theme.name(self, self.title, self.parameter.text(value))
        self.update()

    def dim(self, dimmed: bool) -> None:
        """Paint it dimmed while its parameter is not heard."""
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.update()

    def set_modulations(self, modulations: list[tuple[str, int, float]]) -> None:
        """Show what moves it: sources, numbers of their slots from 1, and depths."""
        if modulations != self._modulations:
            self._modulations = modulations
            self.update()

    @property
    def dial(self) -> QRectF:
        """The arc's square, px."""
        room = min(self.width() - 14, self.height() - 2 * _text_height() - 6)
        left = (self.width() - room) / 2.0
        return QRectF(left, (self.height() - room) / 2.0, room, room)

    @property
    def value_box(self) -> QRectF:
        """Rectangle of the value's text, px."""
        return QRectF(0, self.height() - _text_height() - 1, self.width(), _text_height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = Qt.AlignmentFlag.AlignCenter
        name, value = self.parameter.name, self.parameter.text(self.value)
        painter.setFont(self._fitting(8.0, name))
        painter.setPen(QColor(theme.TEXT if self.hasFocus() else theme.DIM))
        painter.drawText(QRectF(0, 0, self.width(), _text_height()), centre, name)
        if self.pinned:
            painter.setBrush(QColor(theme.ACCENT))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(self.width() - 8.0, _text_height() + 5.0), 3.0, 3.0)
            painter.setPen(QColor(theme.TEXT))
        painter.setPen(QColor(theme.TEXT))
        painter.setFont(self._fitting(8.5, value))
        painter.drawText(self.value_box, centre, value)
        self._paint_dial(painter, self.dial.adjusted(3, 3, -3, -3))

    def _fitting(self, size: float, text: str) -> QFont:
        """The desk's font, smaller where `text` would not fit."""
        font = theme.font(size)
        room, width = self.width() - 6.0, QFontMetricsF(font).horizontalAdvance(text)
        return theme.font(size * room / width) if width > room else font

    def _paint_dial(self, painter: QPainter, dial: QRectF) -> None:
        position = self.parameter.to_unit(self.value)
        signed = self.parameter.minimum == -self.parameter.maximum
        zero = 0.5 if signed else 0.0
        solid, flat, round_ = _SOLID, Qt.PenCapStyle.FlatCap, Qt.PenCapStyle.RoundCap
        painter.setPen(QPen(QColor(theme.LINE), 4, solid, flat))
        painter.drawArc(dial, round(_START * 16), round(_SPAN * 16))
        painter.setPen(QPen(QColor(theme.DIM if self._dimmed else theme.ACCENT), 4, solid, flat))
        start = _START + _SPAN * zero
        painter.drawArc(dial, round(start * 16), round(_SPAN * (position - zero) * 16))
        self._paint_modulations(painter, dial, position)
        body = dial.adjusted(7, 7, -7, -7)
        painter.setPen(QPen(QColor(theme.DIM if self.hasFocus() else theme.LINE), 1))
        painter.setBrush(QColor(theme.RAISED))
        painter.drawEllipse(body)
        painter.save()
        painter.translate(dial.center())
        painter.rotate(-(_START + _SPAN * position))
        painter.setPen(QPen(QColor(theme.TEXT), 2, solid, round_))
        radius = body.width() / 2.0
        painter.drawLine(QPointF(radius * 0.45, 0), QPointF(radius - 2.5, 0))
        painter.restore()

    def _paint_modulations(self, painter: QPainter, dial: QRectF, position: float) -> None:
        """Thin arcs outside the dial: where each source moves the value."""
        for i, (source, _, depth) in enumerate(self._modulations):
            ring = dial.adjusted(-4 - 3 * i, -4 - 3 * i, 4 + 3 * i, 4 + 3 * i)
            low = position - abs(depth) if source in BIPOLAR else min(position, position + depth)
            high = position + abs(depth) if source in BIPOLAR else max(position, position + depth)
            low, high = max(low, 0.0), min(high, 1.0)
            painter.setPen(QPen(QColor(theme.MODULATED), 2, _SOLID, Qt.PenCapStyle.FlatCap))
            painter.drawArc(
                ring, round((_START + _SPAN * low) * 16), round(_SPAN * (high - low) * 16)
            )

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._mouse_y = event.position().y()
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and self._modulations:
            self._deepened = self._modulations[0][2]
            self.gesture_began.emit(f"modulation of {self.title}")
        elif self.value_box.contains(event.position()):
            self.type_value()
        else:
            self._turned = self.parameter.to_unit(self.value)
            self.gesture_began.emit(self.title)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        travel = (self._mouse_y - event.position().y()) / TRAVEL_PX * speed(event)
        self._mouse_y = event.position().y()
        if self._deepened is not None:
            self._deepened = min(max(self._deepened + travel, -1.0), 1.0)
            if self._modulations:
                slot = self._modulations[0][1]
                self.edited.emit({f"{MODULATION}.depth{slot}": self._deepened})
        elif self._turned is not None:
            self._turned += travel
            self.edited.emit(self._at(self._turned))

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        turned = self._turned is not None or self._deepened is not None
        if event.button() == Qt.MouseButton.LeftButton and turned:
            self._turned = self._deepened = None
            self.gesture_ended.emit()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._take_default()

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        middle = self.mapToGlobal(self.rect().center())
        menu.popup(event.globalPos() if event.reason() == _MOUSE else middle)

    def menu(self) -> QMenu:
        """Context menu: MIDI, pin, copy, paste."""
        menu, id_ = QMenu(self), self.id
        clipboard = QApplication.clipboard()
        if not self._by_hand:
            menu.addAction("Learn a MIDI controller", lambda: self.learn_asked.emit(id_))
            menu.addAction("Forget its MIDI controller", lambda: self.forget_asked.emit(id_))
            menu.addSeparator()
        if not (self._by_hand or id_.startswith(f"{MODULATION}.")):
            self._add_sources(menu.addMenu("Modulate by"))
            menu.addSeparator()
        if self.parameter.matchable and "." not in id_ and not self._by_hand:
            pin = menu.addAction("Pin for matching")
            pin.setCheckable(True)
            pin.setChecked(self.pinned)
            pin.triggered.connect(lambda on: self.pin_asked.emit(id_, on))
            menu.addSeparator()
        default = self.parameter.text(self.parameter.default)
        menu.addAction("Copy value", lambda: clipboard.setText(self.parameter.text(self.value)))
        menu.addAction("Paste value", lambda: self._type(clipboard.text().strip()))
        menu.addAction("Type a value…", self.type_value)
        menu.addAction(f"Back to {default}", self._take_default)
        return menu

    def _add_sources(self, menu: QMenu) -> None:
        moves = {source for source, _, _ in self._modulations}
        for source in SOURCES[1:]:
            action = menu.addAction(source, lambda s=source: self.modulate_asked.emit(self.id, s))
            action.setCheckable(True)
            action.setChecked(source in moves)
        menu.addSeparator()
        nothing = menu.addAction("Nothing", lambda: self.modulate_asked.emit(self.id, "off"))
        nothing.setEnabled(bool(moves))

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(SOURCE_MIME) and not self.id.startswith(f"{MODULATION}."):
            event.acceptProposedAction()
            self.setFocus()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        source = bytes(event.mimeData().data(SOURCE_MIME).data()).decode(errors="replace")
        self.modulate_asked.emit(self.id, source)
        event.acceptProposedAction()

    def pin(self, pinned: bool) -> None:
        """Mark it as pinned: a match leaves it where it is."""
        if pinned != self.pinned:
            self.pinned = pinned
            self.update()

    def _take_default(self) -> None:
        self.set_at_once.emit({self.id: self.parameter.default}, self.title)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        self._nudge(event.angleDelta().y() / 120.0 * speed(event))
        event.accept()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        notches = {
            keys.Key_Up: 1, keys.Key_Right: 1, keys.Key_Down: -1, keys.Key_Left: -1,
            keys.Key_PageUp: 5, keys.Key_PageDown: -5, keys.Key_Home: -1000, keys.Key_End: 1000,
        }.get(keys(event.key()))  # fmt: skip
        if notches is not None:
            self._nudge(notches * speed(event))
        elif event.key() in (keys.Key_Return, keys.Key_Enter):
            self.type_value()
        else:
            super().keyPressEvent(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self.editor.setGeometry(self.value_box.toRect().adjusted(2, -2, -2, 1))

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def type_value(self) -> None:
        """Let the user type a value in place of the text."""
        self.editor.setGeometry(self.value_box.toRect().adjusted(2, -2, -2, 1))
        self.editor.open(self.parameter.text(self.value))

    def _type(self, text: str) -> None:
        try:
            value = self.parameter.parse(text)
        except ArgumentError as error:
            self.refused.emit(str(error))
            self.editor.open(text)  # to mend it, or to leave by Esc
            return
        self.set_at_once.emit({self.id: value}, self.title)

    def _nudge(self, notches: float) -> None:
        choices = len(self.parameter.choices)
        notch = 1.0 / (choices - 1) if choices else _NOTCH
        if choices and notches:  # there is nothing between two choices, however fine
            notches = math.copysign(max(round(abs(notches)), 1), notches)
        position = self.parameter.to_unit(self.value) + notches * notch
        self.nudged.emit(self._at(position), self.title)

    def _at(self, position: float) -> dict[str, float]:
        return {self.id: self.parameter.from_unit(position)}


def speed(event: QMouseEvent | QWheelEvent | QKeyEvent) -> float:
    """Share of the usual way that a hand moves a value: a tenth while Shift is held."""
    return 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0


# --------------------------------------------------------------------------------------------------
# Knobs of an instrument, those of layers in pages.


_COLUMNS = 4


def page_of(id_: str) -> int:
    """Page that a parameter belongs to, by the number at the end of its id; 0: all of them."""
    name, _, number = id_.rpartition("_")
    return int(number) if name and number.isdigit() else 0


def show_values(knobs: Mapping[str, Knob], values: Mapping[str, float]) -> None:
    """Let knobs, by their parameters' ids, show the values that play."""
    for id_, knob in knobs.items():
        if id_ in values and knob.value != values[id_]:
            knob.set_value(values[id_])


class KnobPages(QWidget):
    """Buttons of the pages of knobs, one a layer.

    Signals
    -------
    turned : int
        To that page.
    """

    turned = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, theme.GAP, 0)
        self._grid.setSpacing(2)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.turned)
        self.hide()

    @property
    def page(self) -> int:
        """The page on show; 0 where there is only one."""
        return max(self._group.checkedId(), 0)

    def turn_to(self, page: int) -> None:
        """Turn to a page, if there is one of that number."""
        button = self._group.button(page)
        if button is not None:
            button.click()

    def set_pages(self, pages: list[int]) -> None:
        """Offer these pages, and turn to the first; none hides the buttons."""
        for button in self._group.buttons():
            self._group.removeButton(button)
            self._grid.removeWidget(button)
            button.deleteLater()
        for place, page in enumerate(pages):
            tip = f"The knobs of layer {page}"
            button = theme.tool_button(str(page), tip, named=f"Layer {page}")
            button.setCheckable(True)
            button.setChecked(place == 0)
            self._group.addButton(button, page)
            self._grid.addWidget(button, place // _COLUMNS, place % _COLUMNS)
        self.setVisible(bool(pages))


class Knobs(QFrame):
    """The knobs by parameter id, in the table's order; those of layers one layer at a time.

    Signals
    -------
    own_changed : dict, str
        Values of the layer's own parameters, see :meth:`show_own`, and what undo calls the change.
    refused : str
        Why a typed value of them is none.
    """

    own_changed = Signal(dict, str)
    refused = Signal(str)

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._knobs: dict[str, Knob] = {}
        self._own: dict[str, Knob] = {}
        self._idle: Collection[str] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.GAP, 6, theme.GAP, 6)
        self._row.setSpacing(2)
        self.pages = KnobPages()
        self.pages.turned.connect(self._turn)
        self._row.addWidget(self.pages)
        self.set_table(parameters)

    def __getitem__(self, id_: str) -> Knob:
        return self._knobs[id_]

    def all(self) -> list[Knob]:
        """Every knob."""
        return list(self._knobs.values())

    def set_table(self, parameters: ParameterTable) -> list[Knob]:
        """Show the knobs of another instrument, and return them: all are new."""
        self._drop(self._knobs)
        self._knobs = {id_: Knob(parameter) for id_, parameter in parameters.items()}
        for knob in self._knobs.values():
            self._row.addWidget(knob)
        self.pages.set_pages(sorted({page_of(id_) for id_ in self._knobs} - {0}))
        self._turn(self.pages.page)
        return self.all()

    def show_own(
        self, idle: Collection[str], table: ParameterTable, own: Mapping[str, float]
    ) -> None:
        """Show values of the layer's own instrument, and leave out the knobs that it lacks.

        Parameters
        ----------
        idle : collection of str
            Ids of the knobs that are left out.
        table : ParameterTable
            Of the layer's instrument.
        own : mapping of str to float
            Values by id in the table.
        """
        if [knob.parameter for knob in self._own.values()] != [table[id_] for id_ in own]:
            self._drop(self._own)
            self._own = {id_: self._own_knob(table[id_]) for id_ in own}
        show_values(self._own, own)
        if idle != self._idle:
            self._idle = idle
            self._turn(self.pages.page)

    def _own_knob(self, parameter: Parameter) -> Knob:
        knob = Knob(parameter, by_hand=True)
        # The instrument begins anew with each change: once, at the end of a drag.
        knob.edited.connect(lambda values: knob.set_value(values[knob.id]))
        knob.gesture_ended.connect(
            lambda: self.own_changed.emit({knob.id: knob.value}, parameter.name)
        )
        for changed in (knob.nudged, knob.set_at_once):
            changed.connect(self.own_changed)
        knob.refused.connect(self.refused)
        self._row.addWidget(knob)
        knob.show()
        return knob

    def _drop(self, knobs: Mapping[str, Knob]) -> None:
        for knob in knobs.values():
            self._row.removeWidget(knob)
            knob.hide()
            knob.deleteLater()

    def _turn(self, page: int) -> None:
        """Show the knobs of a page that are heard, and those that belong to all."""
        for id_, knob in self._knobs.items():
            knob.setVisible(page_of(id_) in (0, page) and id_ not in self._idle)

    def set_values(self, values: Mapping[str, float]) -> None:
        """Show the parameters that play."""
        show_values(self._knobs, values)
