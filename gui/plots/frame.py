"""Frame of a view: its body, and a title and a note for the title bar of its dock."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from .. import theme
from ..widgets.elided_label import ElidedLabel


class Frame(QFrame):
    """A view in a dock, whose title bar shows the frame's header.

    Parameters
    ----------
    title : str
    body : QWidget
    """

    def __init__(self, title: str, body: QWidget) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.title, self.note = theme.title(title), ElidedLabel()
        self.note.setObjectName("note")  # what the style sheet goes by
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.header = QHBoxLayout()
        self.header.setContentsMargins(2, 0, 2, 0)
        self.header.setSpacing(4)
        self.header.addWidget(self.title)
        self.header.addWidget(self.note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 2, theme.GAP, theme.GAP)
        layout.addWidget(body)
        theme.name(body, title)
