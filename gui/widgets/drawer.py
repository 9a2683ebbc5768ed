"""The drawer at the left: a rail of tabs, and the page of the tab that is open, if one is."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from .. import theme

RAIL_WIDTH = 72
PAGE_WIDTH = 292
"""Width of the rail and of every page, px."""


class Drawer(QWidget):
    """Pages that share one place beside the pad; at most one is open.

    An action opens its page, and closes it again.

    Signals
    -------
    turned
        The name of the page that is open now, "" when none is.
    """

    turned = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[str, QWidget] = {}
        self._tabs: dict[str, QAction] = {}
        self.stack = QStackedWidget()
        self.stack.setFixedWidth(PAGE_WIDTH)
        self.stack.hide()
        rail = QWidget()
        rail.setFixedWidth(RAIL_WIDTH)
        theme.name(rail, "Drawer")
        self._rail = QVBoxLayout(rail)
        self._rail.setContentsMargins(0, 0, 0, 0)
        self._rail.setSpacing(4)
        self._rail.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GAP)
        layout.addWidget(rail)
        layout.addWidget(self.stack)

    def add(self, tab: QAction, page: QWidget) -> None:
        """Add a page below the others; the checkable `tab`, whose object name it takes, opens it.

        The page should fit into :data:`PAGE_WIDTH` and scroll where it is higher than the desk.
        """
        name = tab.objectName()
        self._pages[name], self._tabs[name] = page, tab
        self.stack.addWidget(page)
        self._rail.insertWidget(self._rail.count() - 1, _tab_button(tab))
        tab.triggered.connect(lambda checked: self.turn_to(name if checked else ""))

    @property
    def pages(self) -> list[str]:
        """Names of all pages."""
        return list(self._pages)

    @property
    def page(self) -> str:
        """Name of the page that is open, or ""."""
        return next((name for name, tab in self._tabs.items() if tab.isChecked()), "")

    def turn_to(self, name: str) -> None:
        """Open a page; "" or a name that there is none of closes the drawer."""
        page = self._pages.get(name)
        for other, tab in self._tabs.items():
            tab.setChecked(other == name)
        if page is not None:
            self.stack.setCurrentWidget(page)
            page.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.stack.setVisible(page is not None)
        self.turned.emit(self.page)


def _tab_button(tab: QAction) -> QToolButton:
    button = QToolButton()
    button.setObjectName("tab")
    button.setDefaultAction(tab)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    button.setIconSize(QSize(20, 20))
    button.setFixedSize(RAIL_WIDTH, 54)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, tab.iconText(), tab.toolTip())
    return button
