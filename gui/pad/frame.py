"""Frame of the pad: its menu of axes, and the switch of the loss map; the pad comes later."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton
from typing_extensions import override

from mesosynth.plugins.parameters import Parameter, ParameterTable

from .. import theme
from ..plots.frame import Frame, Later, Table

if TYPE_CHECKING:
    from .pad import Pad

NOTE_AXES = ("f_m", "gamma")
"""The pad's first pair of axes: note rate and chirp rate."""

_PAIRS = (NOTE_AXES, ("f_c", "w"), ("f_0", "w"), ("am_depth", "am_shape"))
"""Pairs that are offered by name where an instrument has both."""


class PadFrame(Frame):
    """Frame of the pad, with the menu that chooses its axes.

    Signals
    -------
    map_asked : bool
        Whether the loss shall be mapped.
    """

    map_asked = Signal(bool)

    def __init__(self, make: Callable[[], "Pad"], parameters: ParameterTable) -> None:
        self.place = Later(make)
        super().__init__("Pad", self.place)
        self._axes = NOTE_AXES
        self.menu = QMenu(self)
        self.button = QToolButton()
        self.button.setObjectName("small")
        self.button.setMenu(self.menu)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setToolTip("Which two parameters the pad plays, and the map of the loss")
        self.map_action = QAction("Map the loss around the point", self)
        self.map_action.setCheckable(True)
        self.map_action.setChecked(True)
        self.map_action.toggled.connect(self.map_asked)
        self.header.insertWidget(1, self.button)
        self.set_table(parameters)

    @property
    def pad(self) -> "Pad":
        """The pad, made now if it was not yet."""
        return self.place.plot

    def set_table(self, parameters: ParameterTable) -> None:
        """Offer another instrument's parameters."""
        self._parameters = parameters
        self.menu.clear()
        pairs = QActionGroup(self.menu)
        for pair in _PAIRS:
            if set(pair) <= set(parameters):
                action = self.menu.addAction(self._name(pair))
                action.setActionGroup(pairs)
                action.setData(pair)
                action.setCheckable(True)
                action.triggered.connect(partial(self._choose, pair))
        self.menu.addSeparator()
        self._sides = [self._side("Left to right", 0), self._side("Bottom to top", 1)]
        self.menu.addSeparator()
        self.menu.addAction(self.map_action)
        self.show_axes(self.pad.axes if self.place.made else self._axes)

    @override
    def table(self) -> Table:
        return self.pad.table()

    def _side(self, title: str, side: int) -> QMenu:
        menu = self.menu.addMenu(title)
        group = QActionGroup(menu)
        for parameter in self._parameters.values():
            if not parameter.choices:
                action = menu.addAction(parameter.name)
                action.setActionGroup(group)
                action.setData(parameter.id)
                action.setCheckable(True)
                action.triggered.connect(partial(self._choose_side, side, parameter))
        return menu

    def _choose(self, pair: tuple[str, str], _checked: bool = True) -> None:
        self.pad.set_axes(pair)

    def _choose_side(self, side: int, parameter: Parameter, _checked: bool = True) -> None:
        """Put a parameter on one side; if it was on the other, the two change places."""
        pair = list(self.pad.axes)
        if pair[1 - side] == parameter.id:
            pair[1 - side] = pair[side]
        pair[side] = parameter.id
        self.pad.set_axes((pair[0], pair[1]))

    def show_axes(self, axes: tuple[str, str]) -> None:
        """Show which parameters the pad plays."""
        if not set(axes) <= set(self._parameters):
            return  # another instrument's, whose table comes next
        self.button.setText(self._name(axes))
        theme.name(self.button, "Axes of the pad", self._name(axes))
        for action in self.menu.actions():
            if action.data() is not None:
                action.setChecked(tuple(action.data()) == axes)
        for side, menu in enumerate(self._sides):
            for action in menu.actions():
                action.setChecked(action.data() == axes[side])

    def _name(self, pair: tuple[str, str]) -> str:
        # While the instrument changes, the pad may be at the new one's parameters already.
        table = self._parameters
        return " × ".join(table[id_].name if id_ in table else id_ for id_ in pair)
