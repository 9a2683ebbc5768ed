"""Frame of a view: a title, a note on its right, and a hint while it is empty."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from .. import theme
from ..widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from .plot import Plot


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of a view for a file."""

    columns: Sequence[str]
    rows: Iterable[Sequence[float | str]]


class Frame(QFrame):
    """A titled panel.

    Parameters
    ----------
    title : str
    body : QWidget
    hint : str
        What stands in the middle until :meth:`fill`; "" for a view that is never empty.

    Attributes
    ----------
    optional : tuple of QWidget
        What the header leaves out where there is no room, the dearest first.
    """

    def __init__(self, title: str, body: QWidget, hint: str = "") -> None:
        super().__init__()
        self.setObjectName("panel")
        self.title = theme.title(title)
        self.note = ElidedLabel()
        self.note.setObjectName("note")  # what the style sheet goes by
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.optional: tuple[QWidget, ...] = ()
        self.header = QHBoxLayout()
        self.header.setContentsMargins(2, 0, 2, 0)
        self.header.setSpacing(theme.GAP)
        self.header.addWidget(self.title)
        self.header.addWidget(self.note, 1)
        self._stack = QStackedLayout()
        self._empty: QWidget = _hint(hint) if hint else body
        for widget in dict.fromkeys([self._empty, body]):
            self._stack.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(5)
        layout.addLayout(self.header)
        layout.addLayout(self._stack, 1)
        self.body = body
        theme.name(body, title)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_header()

    def fit_header(self) -> None:
        """Show the optional widgets that there is room for."""
        items = [self.header.itemAt(place) for place in range(self.header.count())]
        needed = 2 * theme.GAP + 4.0
        for widget in (item.widget() for item in items if item is not None):
            fixed = widget not in (*self.optional, self.note, None)
            if widget is not None and fixed and widget.isVisibleTo(self):
                needed += _width(widget) + theme.GAP
        for widget in self.optional:
            needed += _width(widget) + theme.GAP
            widget.setVisible(needed <= self.width())

    @property
    def caption(self) -> str:
        """The title."""
        return self.title.text()

    @property
    def filled(self) -> bool:
        """Whether the view shows something."""
        return self._stack.currentWidget() is self.body

    def table(self) -> Table:
        """The numbers that are shown."""
        return Table((), ())

    def fill(self, filled: bool = True) -> None:
        """Show the view in place of the hint, or the hint again."""
        self._stack.setCurrentWidget(self.body if filled else self._empty)


W = TypeVar("W", bound=QWidget)


class Later(QWidget, Generic[W]):
    """Place of a plot, which is made in the turn after the place was first on screen.

    So the window is on screen before pyqtgraph is imported. What asks for the plot before then
    gets it at once.

    Parameters
    ----------
    make : callable
        Imports and makes the plot.
    """

    def __init__(self, make: Callable[[], W]) -> None:
        super().__init__()
        self._make = make
        self._plot: W | None = None
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._build)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)

    @property
    def made(self) -> bool:
        """Whether there is a plot."""
        return self._plot is not None

    @property
    def plot(self) -> W:
        """The plot."""
        if self._plot is None:
            self._plot = self._make()
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self._plot)
            self.setFocusProxy(self._plot)
        return self._plot

    @property
    def caption(self) -> str:
        """Name of the plot."""
        return self.plot.accessibleName()

    @property
    def filled(self) -> bool:
        """Whether the plot shows something."""
        return self._plot is not None and not getattr(self._plot, "empty", False)

    @property
    def body(self) -> QWidget:
        """The plot."""
        return self.plot

    def table(self) -> Table:
        """The numbers that are shown."""
        return cast("Plot", self.plot).table()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.made:
            self._soon.start()

    def _build(self) -> None:
        _ = self.plot


def _width(widget: QWidget) -> int:
    """Width of a widget in a row; some have a fixed size and no size hint."""
    return widget.sizeHint().expandedTo(widget.minimumSize()).width()


def _hint(text: str) -> QLabel:
    label = theme.note(text)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setMinimumSize(0, 0)
    return label
