"""Loss and match side by side; where both have no room, one of them and a way to the other."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget
from typing_extensions import override

from gui import theme
from gui.plots.loss_curve import LossCurve
from gui.widgets.match_panel import MatchPanel

_ROOM = 420  # px that both need


class Curves(QWidget):
    """The curve of the loss and the table of what was found."""

    def __init__(self, loss: LossCurve, match: MatchPanel) -> None:
        super().__init__()
        self._loss, self._match = loss, match
        self._table = True
        self.to_match = _button("Match", "Show what was found in place of the loss")
        self.to_loss = _button("Loss", "Show the loss in place of what was found")
        self.to_match.clicked.connect(lambda: self._turn(True))
        self.to_loss.clicked.connect(lambda: self._turn(False))
        loss.header.addWidget(self.to_match)
        match.header.insertWidget(2, self.to_loss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GAP)
        layout.addWidget(loss, 5)
        layout.addWidget(match, 4)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _turn(self, table: bool) -> None:
        self._table = table
        self._arrange()

    def _arrange(self) -> None:
        both = self.width() >= _ROOM
        self._loss.setVisible(both or not self._table)
        self._match.setVisible(both or self._table)
        self.to_match.setVisible(not both)
        self.to_loss.setVisible(not both)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("small")
    button.setText(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, tip)
    return button
