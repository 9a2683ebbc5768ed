"""Which layer's knobs are on show, where an instrument has the same knobs many times."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QToolButton, QWidget

from gui import theme

_COLUMNS = 4


def page_of(id_: str) -> int:
    """Page that a parameter belongs to, by the number at the end of its id; 0: all of them."""
    name, _, number = id_.rpartition("_")
    return int(number) if name and number.isdigit() else 0


class KnobPages(QWidget):
    """Buttons, one a page.

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
            button = QToolButton()
            button.setObjectName("small")
            button.setText(str(page))
            button.setCheckable(True)
            button.setChecked(place == 0)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(f"The knobs of layer {page}")
            theme.name(button, f"Layer {page}")
            self._group.addButton(button, page)
            self._grid.addWidget(button, place // _COLUMNS, place % _COLUMNS)
        self.setVisible(bool(pages))
