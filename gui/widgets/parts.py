"""Parts of pages: rows, columns, panels, fields, and buttons with a menu."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLayout,
    QMenu,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from .. import theme

Part = QWidget | QLayout | int | str | tuple[QWidget | QLayout, int]
"""A widget, a layout, or one of both with its stretch; a stretch alone; a dimmed text."""

PROGRESS = 1000
"""Steps of a progress bar."""


def fill(layout: QBoxLayout, parts: Iterable[Part], spacing: int) -> None:
    """Put parts into a layout, one after another, without a margin.

    Parameters
    ----------
    layout : QBoxLayout
    parts : iterable of Part
    spacing : int
        px between them.
    """
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        one, stretch = part if isinstance(part, tuple) else (part, 0)
        if isinstance(one, int):
            layout.addStretch(one)
        elif isinstance(one, QLayout):
            layout.addLayout(one, stretch)
        else:
            layout.addWidget(theme.note(one) if isinstance(one, str) else one, stretch)


def row(*parts: Part, spacing: int = 4, inside: QWidget | None = None) -> QHBoxLayout:
    """Parts beside each other, `spacing` px apart; the layout of a widget if one is given."""
    layout = QHBoxLayout() if inside is None else QHBoxLayout(inside)
    fill(layout, parts, spacing)
    return layout


def column(*parts: Part, spacing: int = 6, inside: QWidget | None = None) -> QVBoxLayout:
    """Parts below each other, `spacing` px apart; the layout of a widget if one is given."""
    layout = QVBoxLayout() if inside is None else QVBoxLayout(inside)
    fill(layout, parts, spacing)
    return layout


class Scrolled(QScrollArea):
    """Parts below each other that scroll where there is no room for all of them."""

    def __init__(self, *parts: Part, spacing: int = 6) -> None:
        super().__init__(widgetResizable=True)
        self._inside = inside = QWidget()
        self.column = column(*parts, spacing=spacing, inside=inside)
        self.setWidget(inside)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for ground in (inside, self.viewport()):
            ground.setAutoFillBackground(False)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.column.invalidate()  # sizes may have changed while it was hidden
        QCoreApplication.sendEvent(self._inside, QEvent(QEvent.Type.LayoutRequest))


def wide(*buttons: QWidget) -> QHBoxLayout:
    """Buttons beside each other, which share the whole width."""
    for button in buttons:
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return row(*((button, 1) for button in buttons))


class Panel(QFrame):
    """Framed page, whose parts lie below each other."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")  # what the style sheet goes by

    def lay_out(self, *parts: Part) -> None:
        """Put the parts of the page below each other."""
        layout = column(*parts, inside=self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)


class NumberBox(QDoubleSpinBox):
    """Field for a number, in which letters remain shortcuts.

    Parameters
    ----------
    least, most, value : float
        Range, and the number at first.
    name : str
        What screen readers call it.
    decimals : int
        0 for whole numbers.
    step : float
    suffix : str
    """

    def __init__(
        self, least: float, most: float, value: float, name: str,
        decimals: int = 0, step: float = 1.0, suffix: str = "",
    ) -> None:  # fmt: skip
        super().__init__(decimals=decimals, minimum=least, maximum=most, singleStep=step)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # may shrink
        self.setSuffix(suffix)
        self.setValue(value)
        theme.name(self, name)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(theme.size(44, 0).width(), super().minimumSizeHint().height())

    @property
    def whole(self) -> int:
        """The number, of a field without decimals."""
        return round(self.value())

    @override
    def event(self, event: QEvent) -> bool:
        letter = isinstance(event, QKeyEvent) and event.text().isalpha()
        if letter and event.type() == QEvent.Type.ShortcutOverride:
            event.ignore()
            return False
        return super().event(event)


def choice(name: str, items: Iterable[tuple[str, object]]) -> QComboBox:
    """Field to choose one of `items`, each a text and its data."""
    box = QComboBox(minimumContentsLength=6)  # else the longest text would widen the page
    box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for text, data in items:
        box.addItem(text, data)
    theme.name(box, name)
    return box


def check_box(text: str, name: str, tip: str = "") -> QCheckBox:
    """Box to tick, `name` for screen readers."""
    box = QCheckBox(text)
    box.setToolTip(tip)
    theme.name(box, name)
    return box


def slider(name: str, least: int, most: int, value: int) -> QSlider:
    """Horizontal slider over whole numbers."""
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(least, most)
    made.setValue(value)
    theme.name(made, name)
    return made


def progress_bar(name: str) -> QProgressBar:
    """Thin bar without text, of :data:`PROGRESS` steps."""
    bar = QProgressBar(maximum=PROGRESS, textVisible=False)
    bar.setFixedHeight(6)
    theme.name(bar, name)
    return bar


def menu_button(
    text: str, tip: str, icon: str, fill_menu: Callable[[QMenu], object], name: str = ""
) -> QToolButton:
    """Button that opens a menu, which is filled anew each time.

    Parameters
    ----------
    text, tip, icon : str
        As :func:`gui.theme.tool_button` takes them.
    fill_menu : callable
        Fills the empty menu.
    name : str
        What screen readers call it, by default its text.
    """
    button = theme.tool_button(text, tip, icon=icon, named=name)
    menu = QMenu(button)

    def refill() -> None:
        menu.clear()
        for inner in menu.findChildren(QMenu):
            inner.deleteLater()
        fill_menu(menu)

    menu.aboutToShow.connect(refill)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    return button
