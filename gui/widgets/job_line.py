"""A line that shows how far a work in the background is, and ends it by a click."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.background import Background


class JobLine(QWidget):
    """There only while `background` is busy.

    Parameters
    ----------
    background : Background
    """

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.words = theme.note()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.cancel = QToolButton()
        self.cancel.setObjectName("small")
        self.cancel.setText("Cancel")
        self.cancel.setToolTip("End it; everything stays as it was.")
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.name(self.cancel, "Cancel", self.cancel.toolTip())
        theme.name(self.bar, "Progress")
        line = QHBoxLayout()
        line.addWidget(self.words, 1)
        line.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        self.hide()
        self.cancel.clicked.connect(background.cancel)
        background.began.connect(self._begin)
        background.progressed.connect(self._move)
        background.ended.connect(self.hide)

    def _begin(self, words: str) -> None:
        self.words.setText(words)
        self.bar.setRange(0, 0)  # busy, until it is known how much there is
        self.show()

    def _move(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
