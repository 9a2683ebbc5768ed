"""Docks: views that move, stack, detach and fill the desk, and layouts of them by name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QByteArray, QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QTabWidget,
    QWidget,
)
from typing_extensions import override

from . import theme
from .plots.frame import Frame
from .settings import Layout, Settings

_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
_AREAS = {
    "Left": Qt.DockWidgetArea.LeftDockWidgetArea, "Right": Qt.DockWidgetArea.RightDockWidgetArea,
    "Top": Qt.DockWidgetArea.TopDockWidgetArea, "Bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}  # fmt: skip
_EXPANDS = QSizePolicy.Policy.Expanding
_VERSION = 1  # of the states that Qt saves: another set of docks needs another number


class Dock(QDockWidget):
    """Dock of a view; the header of a :class:`Frame` becomes its title bar.

    Drag the title to move it, double-click it for full size and back, right-click it for the menu.

    Signals
    -------
    full_asked
    menu_asked : QPoint
        On the screen.
    """

    full_asked = Signal()
    menu_asked = Signal(QPoint)

    def __init__(self, id_: str, title: str) -> None:
        super().__init__(title)
        self.setObjectName(id_)  # by which Qt saves it, and the style sheet goes
        self.more = theme.tool_button(
            "", f"{title}: full size, detach, hide, stack, place", icon="ph.dots-three-vertical",
            kind="bare", named=f"Menu of {title}",
        )  # fmt: skip
        self.more.clicked.connect(
            lambda: self.menu_asked.emit(self.more.mapToGlobal(self.more.rect().bottomLeft()))
        )
        bar, self._title = QWidget(), theme.title(title)
        bar.setObjectName("dockTitle")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        bar.setToolTip("Drag: move the view\nDouble-click: full size, and back")
        self._row = QHBoxLayout(bar)
        self._row.setContentsMargins(theme.GAP, 2, 3, 1)
        self._row.addWidget(self._title, 1)
        self._row.addWidget(self.more)
        self.setTitleBarWidget(bar)

    def fill(self, view: QWidget) -> None:
        """Show a view."""
        if isinstance(view, Frame):
            self._title.hide()
            self._row.insertLayout(0, view.header, 1)
        elif (layout := view.layout()) is not None:
            layout.setContentsMargins(theme.GAP, 2, theme.GAP, theme.GAP)
        view.setProperty("docked", True)
        view.setSizePolicy(_EXPANDS, _EXPANDS)  # Qt shares among those alone
        self.setWidget(view)

    @property
    def front(self) -> bool:
        """Whether the view is on screen: neither hidden nor behind another one of its stack."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    @override
    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonDblClick
            and self._on_title(event.position().toPoint())
        ):
            self.full_asked.emit()
            return True
        return super().event(event)

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._on_title(event.pos()):
            self.menu_asked.emit(event.globalPos())
        else:
            super().contextMenuEvent(event)

    def _on_title(self, spot: QPoint) -> bool:
        return self.titleBarWidget().geometry().contains(spot)


@dataclass(frozen=True, slots=True)
class Row:
    """Places beside each other, or below each other: stacks of docks, rows and columns.

    Attributes
    ----------
    items : tuple
        Each a share of the room, and a Row or the ids of a stack, of which the first is in front;
        those with a minus sign before are hidden, and come up there.
    across : bool
        Whether they lie beside each other.
    """

    items: tuple[tuple[float, "Row | str"], ...]
    across: bool = True


def stacked(row: Row) -> Row:
    """Arrangement for a narrow area: what lies beside each other within it is one stack."""

    def narrow(item: Row | str) -> Row | str:
        if isinstance(item, str):
            return item
        return " ".join(_stacks(item)) if item.across else stacked(item)

    return Row(tuple((share, narrow(item)) for share, item in row.items), row.across)


def _stacks(item: Row | str) -> list[str]:
    """All stacks, in order."""
    if isinstance(item, str):
        return [item]
    return [stack for _, part in item.items for stack in _stacks(part)]


def _first(item: Row | str) -> str:
    """Id of the first dock."""
    return _stacks(item)[0].split()[0]


def _column(*items: tuple[float, Row | str]) -> Row:
    return Row(items, across=False)


_PLAYED = "pad blend map"

LAYOUTS = {
    "Play": (
        _column(
            (6, Row(((7, _PLAYED), (3, _column((1, "output"), (1, "match")))))),
            (1, "keyboard"),
        ),
        Layout(page="sounds"),
    ),
    "Design": (
        Row((
            (9, _column((6, "pad -blend -map"), (1, "output"))),
            (11, _column(
                (10, "scalograms -sequence -resynthesis"),
                (10, "scale_rate"),
                (7, Row(((3, "loss"), (2, "match")))),
            )),
        )),
        Layout(),
    ),
    "Study": (
        _column(
            (5, "scalograms sequence -resynthesis"),
            (4, Row(((5, "scale_rate"), (4, "loss -output"), (4, f"match {_PLAYED}")))),
        ),
        Layout(knobs=False),
    ),
}  # fmt: skip
"""The layouts that there always are, as they are before a hand changes them."""


class DockArea(QMainWindow):
    """Area of the docks; what moves, stacks, splits and remembers them is Qt's.

    Attributes
    ----------
    full : str
        Id of the view that has the whole area; "" for none.

    Signals
    -------
    changed
        A view came, went, or has the whole area.
    explain_asked : str
        Title of a view that is to be explained.
    """

    changed = Signal()
    explain_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        options = QMainWindow.DockOption
        self.setDockOptions(options.AllowNestedDocks | options.AllowTabbedDocks)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setSizePolicy(_EXPANDS, _EXPANDS)
        self.full = ""
        self._row: Row | None = None  # the arrangement, until a hand changes it
        self._narrow = False
        self._docks: dict[str, Dock] = {}
        self._before = QByteArray()
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._set_sizes)
        self._wanted: Row | QByteArray | None = None  # sizes to set once there is room for them

    def __getitem__(self, id_: str) -> Dock:
        return self._docks[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._docks)

    def add(self, id_: str, title: str) -> None:
        """Add a dock, hidden and empty at first; `title` is its tab's and its window's."""
        dock = Dock(id_, title)
        dock.full_asked.connect(lambda: self.toggle_full(id_))
        dock.menu_asked.connect(lambda spot: self.menu(id_).popup(spot))
        dock.visibilityChanged.connect(self.changed)
        dock.topLevelChanged.connect(self._on_floated)
        self._docks[id_] = dock
        self.addDockWidget(_AREAS["Left"], dock)
        dock.hide()

    def _on_moved(self) -> None:
        """Leave the arrangement to the hand; sizes that wait are set before, not after it."""
        for _ in range(2):  # the first may stack what lies beside each other
            if self._soon.isActive():
                self._soon.stop()
                self._set_sizes()
        self._soon.stop()
        self._on_floated()

    def _on_floated(self) -> None:
        self._row = None

    def front(self, id_: str) -> bool:
        """Whether a view is on screen."""
        return self._docks[id_].front

    def open(self, id_: str) -> None:
        """Bring a view to the front, and give it the keyboard."""
        self._on_moved()
        if self.full and self.full != id_:
            self.toggle_full(self.full)
        dock = self._docks[id_]
        dock.show()
        dock.raise_()
        dock.activateWindow()
        _focus(dock)

    def toggle(self, id_: str) -> None:
        """Bring a view to the front; hide it if it is there."""
        if self.front(id_):
            self.hide_view(id_)
        else:
            self.open(id_)

    def hide_view(self, id_: str) -> None:
        """Hide a view."""
        self._on_moved()
        if self.full:
            self.toggle_full(self.full)
        self._docks[id_].hide()

    def toggle_full(self, id_: str) -> None:
        """Give a view the whole area, or its whole screen if it is detached; or end that."""
        dock = self._docks[id_]
        if dock.isFloating():
            dock.setWindowState(dock.windowState() ^ Qt.WindowState.WindowMaximized)
            return
        self._on_moved()
        was, self.full = self.full, ""
        if was:
            self.restoreState(self._before, _VERSION)
        if was != id_:
            self._before, self.full = self.saveState(_VERSION), id_
            for other in self._docks.values():
                if other is not dock and not other.isFloating():
                    other.hide()
            dock.show()
        self.changed.emit()

    def toggle_detached(self, id_: str) -> None:
        """Make a view a window of its own, on another screen where there is one; or put it back."""
        if self.full:
            self.toggle_full(self.full)
        self._on_moved()
        dock = self._docks[id_]
        dock.setFloating(not dock.isFloating())
        if dock.isFloating():
            others = [s for s in QGuiApplication.screens() if s is not self.screen()]
            room = (others or [self.screen()])[0].availableGeometry()
            size = room.size() if others else QSize(room.width() * 3 // 5, room.height() * 3 // 5)
            dock.resize(size)
            dock.move(room.center() - dock.rect().center())
        dock.show()
        self.changed.emit()

    def stretch(self, id_: str, pixels: int, orientation: Qt.Orientation) -> None:
        """Give a view more room, or with negative pixels less, at its neighbours' cost."""
        self._on_moved()
        dock = self._docks[id_]
        size = dock.width() if orientation == _ACROSS else dock.height()
        self.resizeDocks([dock], [max(size + pixels, 40)], orientation)

    @property
    def current(self) -> str:
        """Id of the view with the keyboard; else of the first one on screen."""
        widget = QApplication.focusWidget()
        for id_, dock in self._docks.items():
            if widget is not None and dock.isAncestorOf(widget):
                return id_
        return next((id_ for id_ in self._docks if self.front(id_)), next(iter(self._docks)))

    def go_on(self) -> None:
        """Give the keyboard to the next view on screen."""
        shown = [id_ for id_ in self._docks if self.front(id_)]
        if shown:
            place = shown.index(self.current) if self.current in shown else -1
            _focus(self._docks[shown[(place + 1) % len(shown)]])

    def menu(self, id_: str) -> QMenu:
        """Menu of a view: what the mouse does with its title, for the keyboard."""
        dock, menu = self._docks[id_], QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        back = id_ == self.full or dock.isMaximized()
        menu.addAction("As before" if back else "Full size", lambda: self.toggle_full(id_))
        detach = "Put it back" if dock.isFloating() else "Detach"
        menu.addAction(detach, lambda: self.toggle_detached(id_))
        menu.addAction("Hide", lambda: self.hide_view(id_))
        menu.addAction("What is this?", lambda: self.explain_asked.emit(dock.windowTitle()))
        stack, place = menu.addMenu("Stack with"), menu.addMenu("Move to")
        for other, onto in self._docks.items():
            if other != id_ and onto.isVisible() and not onto.isFloating():
                stack.addAction(onto.windowTitle(), lambda onto=onto: self._stack(id_, onto))
        for name, area in _AREAS.items():
            place.addAction(name, lambda area=area: self._move(id_, area))
        return menu

    def _stack(self, id_: str, onto: Dock) -> None:
        self._docks[id_].setFloating(False)
        self.tabifyDockWidget(onto, self._docks[id_])
        self.open(id_)

    def _move(self, id_: str, area: Qt.DockWidgetArea) -> None:
        self._docks[id_].setFloating(False)
        self.addDockWidget(area, self._docks[id_])
        self.open(id_)

    # ------------------------------------------------------------------ layouts

    def state(self) -> str:
        """Places of the views, as Qt saves them, in base64; "" for those at first."""
        if self._row is not None:
            return ""
        state = self._before if self.full else self.saveState(_VERSION)
        return bytes(state.toBase64().data()).decode()

    def restore(self, state: str) -> bool:
        """Put the views where they were; whether that was possible."""
        self.full, self._row = "", None
        wanted = QByteArray.fromBase64(state.encode())
        if not self.restoreState(wanted, _VERSION):
            return False
        self._want(wanted)
        return True

    def arrange(self, row: Row) -> None:
        """Put the views where an arrangement says, and hide the others."""
        self.full, self._narrow = "", False
        self._put(row)
        self._row = row
        self._want(row)

    def _put(self, row: Row) -> None:
        for dock in self._docks.values():
            dock.setFloating(False)
            self.removeDockWidget(dock)
        first = self._docks[_first(row)]
        self.addDockWidget(_AREAS["Left"], first)
        self._place(row)
        for dock in self._docks.values():  # Qt forgets where those are that are nowhere
            if self.dockWidgetArea(dock) == Qt.DockWidgetArea.NoDockWidgetArea:
                self.tabifyDockWidget(first, dock)
                dock.hide()

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress:
            self._on_moved()  # a separator, or a title that begins to move
        return super().event(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._row is not None:
            self._want(self._row)  # Qt shares by what there is, also after it was squeezed

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._want(self._wanted)

    def _want(self, wanted: Row | QByteArray | None) -> None:
        """Set sizes once Qt has laid the area out: its requests come before timers."""
        self._wanted = wanted
        if self.isVisible():
            self._soon.start()

    def _set_sizes(self) -> None:
        wanted, self._wanted = self._wanted, None
        if isinstance(wanted, Row):
            narrow = self.width() < self._least(wanted, True)
            shown = stacked(wanted) if narrow else wanted
            if narrow != self._narrow:
                self._narrow = narrow
                self._put(shown)
                self._want(wanted)
            self._share_row(shown, self.width(), self.height())
        elif wanted is not None:
            self.restoreState(wanted, _VERSION)

    def _place(self, row: Row) -> None:
        firsts = [_first(item) for _, item in row.items]
        for before, after in pairwise(firsts):
            orientation = _ACROSS if row.across else _DOWN
            self.splitDockWidget(self._docks[before], self._docks[after], orientation)
        for _, item in row.items:
            if isinstance(item, Row):
                self._place(item)
                continue
            docks = {id_: self._docks[id_.lstrip("-")] for id_ in item.split()}
            for before, after in pairwise(docks.values()):
                self.tabifyDockWidget(before, after)
            for id_, dock in docks.items():
                dock.setVisible(not id_.startswith("-"))
            self._docks[_first(item)].raise_()

    def _least(self, item: Row | str, across: bool) -> float:
        """Least width or height of a place, px."""
        if isinstance(item, Row):
            parts = [self._least(part, across) for _, part in item.items]
            gaps = theme.GAP * (len(parts) - 1)
            return sum(parts) + gaps if item.across == across else max(parts)
        hints = [self._docks[i].minimumSizeHint() for i in item.split() if not i.startswith("-")]
        return max(hint.width() if across else hint.height() for hint in hints)

    def _share_row(self, row: Row, width: float, height: float) -> None:
        least = [self._least(item, row.across) for _, item in row.items]
        room = (width if row.across else height) - theme.GAP * (len(row.items) - 1)
        shares = [share for share, _ in row.items]
        sizes = divide(room, shares, least)
        docks = [self._docks[_first(item)] for _, item in row.items]
        orientation = _ACROSS if row.across else _DOWN
        self.resizeDocks(docks, [max(round(size), 1) for size in sizes], orientation)
        for size, (_, item) in zip(sizes, row.items, strict=True):
            if isinstance(item, Row):
                across, down = (size, height) if row.across else (width, size)
                self._share_row(item, across, down)


def divide(room: float, shares: Sequence[float], least: Sequence[float]) -> list[float]:
    """Divide room by shares, so that each part has what it needs at least, if there is as much.

    >>> divide(300.0, [2, 1, 1], [0, 0, 120])
    [120.0, 60.0, 120.0]
    """
    parts = [room * share / sum(shares) for share in shares]
    short = [part < need for part, need in zip(parts, least, strict=True)]
    if not any(short) or all(short):
        return parts
    left = room - sum(need for need, is_ in zip(least, short, strict=True) if is_)
    open_ = [i for i, is_ in enumerate(short) if not is_]
    rest = iter(divide(max(left, 0.0), [shares[i] for i in open_], [least[i] for i in open_]))
    return [need if is_ else next(rest) for need, is_ in zip(least, short, strict=True)]


def _focus(dock: Dock) -> None:
    """Give the keyboard to a view: to itself, or to the first part of it that takes it."""
    view = dock.widget()
    parts = [view, *view.findChildren(QWidget)]
    takes = (
        part for part in parts
        if part.focusPolicy() != Qt.FocusPolicy.NoFocus and part.isVisibleTo(dock)
    )  # fmt: skip
    next(takes, dock.more).setFocus(Qt.FocusReason.ShortcutFocusReason)


class Layouts:
    """Layouts: the three that there always are and the user's own, each as it was left.

    The settings have them; `look` and `show` tell what belongs to one beside the places of its
    views, and bring it back.
    """

    def __init__(
        self, area: DockArea, settings: Settings, look: Callable[[], Layout],
        show: Callable[[Layout], None],
    ) -> None:  # fmt: skip
        self._area, self._settings, self._look, self._show = area, settings, look, show

    @property
    def name(self) -> str:
        """Name of the layout that is shown."""
        return self._settings.layout

    @property
    def own(self) -> list[str]:
        """Names of the user's own."""
        return sorted(set(self._settings.layouts) - set(LAYOUTS))

    def begin(self) -> None:
        """Show the layout that was shown last."""
        self._area.arrange(LAYOUTS["Design"][0])  # for views that a kept state does not know
        self._open(self.name)

    def keep(self) -> None:
        """Remember the views of the present layout."""
        kept = self._look()
        kept.state = self._area.state()
        self._settings.layouts[self.name] = kept

    def use(self, name: str, keep: bool = True) -> None:
        """Change over to another layout, and keep the present one as it is now."""
        if keep:
            self.keep()
        self._open(name)

    def save_as(self, name: str) -> None:
        """Keep the present views as a layout of the user's own."""
        self.keep()
        self._settings.layout = name
        self.keep()

    def remove(self, name: str) -> None:
        """Forget a layout of the user's own."""
        self._settings.layouts.pop(name, None)
        if self.name == name:
            self._open("Design")

    def reset(self) -> None:
        """Put the views where they were at first; in a layout of one's own, as in Design."""
        self._settings.layouts.pop(self.name, None)
        self._open(self.name)

    def _open(self, name: str) -> None:
        self._settings.layout = name
        arrangement, at_first = LAYOUTS.get(name, LAYOUTS["Design"])
        kept = self._settings.layouts.get(name)
        self._show(kept or at_first)
        if kept is None or not kept.state or not self._area.restore(kept.state):
            self._area.arrange(arrangement)
