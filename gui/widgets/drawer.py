"""Drawer at the left: a rail of tabs, and the page of the open tab."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from .. import theme
from ..actions import Action
from .parts import column, row

RAIL_WIDTH = 72
PAGE_WIDTH = 292
"""Width of the rail and of every page, px."""


class Drawer(QWidget):
    """Pages that share one place beside the pad; at most one is open.

    Attributes
    ----------
    page : str
        Name of the page that is open, or "".

    Signals
    -------
    turned
        The name of the page that is open now, "" when none is.
    """

    turned = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.page = ""
        self._pages: dict[str, QWidget] = {}
        self.stack = QStackedWidget()
        self.stack.setFixedWidth(PAGE_WIDTH)
        self.stack.hide()
        rail = QWidget()
        rail.setFixedWidth(RAIL_WIDTH)
        theme.name(rail, "Drawer")
        self._rail = column(1, spacing=4, inside=rail)
        column(row(rail, self.stack, spacing=theme.GAP), inside=self)

    def add(self, tab: Action, page: QWidget) -> None:
        """Add a page below the others, by the id of its `tab`, the action that toggles it.

        The page should fit into :data:`PAGE_WIDTH` and scroll where it is higher than the desk.
        """
        self._pages[tab.id] = page
        self.stack.addWidget(page)
        self.add_button(tab)

    def add_button(self, tab: Action) -> None:
        """Add a button below the others, of an action that toggles something else."""
        button = tab.button(Qt.ToolButtonStyle.ToolButtonTextUnderIcon, "tab")
        button.setIconSize(QSize(20, 20))
        button.setFixedSize(RAIL_WIDTH, 54)
        self._rail.insertWidget(self._rail.count() - 1, button)

    @property
    def pages(self) -> list[str]:
        """Names of all pages."""
        return list(self._pages)

    def turn_to(self, name: str) -> None:
        """Open a page; "" or a name that there is none of closes the drawer."""
        page = self._pages.get(name)
        self.page = name if page is not None else ""
        if page is not None:
            self.stack.setCurrentWidget(page)
            page.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.stack.setVisible(page is not None)
        self.turned.emit(self.page)

    def toggle(self, name: str) -> None:
        """Open a page, or close it if it is open."""
        self.turn_to("" if self.page == name else name)
