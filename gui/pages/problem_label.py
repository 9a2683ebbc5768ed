"""What is wrong with a plugin, in place: one sentence, and its traceback on demand."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from gui import theme


class ProblemLabel(QWidget):
    """Hidden while there is no problem; the traceback can be opened, selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel()
        self.text.setObjectName("problem")
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = QToolButton()
        self.more.setText("Show the traceback")
        self.more.setCheckable(True)
        self.more.setObjectName("small")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.story = QPlainTextEdit(readOnly=True)
        self.story.setFixedHeight(120)
        self.story.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.story.hide()
        theme.name(self.story, "Traceback")
        self.more.toggled.connect(self.story.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.setSpacing(4)
        for widget in (self.text, self.more, self.story):
            layout.addWidget(widget)
        self.hide()

    def tell(self, problem: str, story: str) -> None:
        """Show a sentence and a traceback; both may be ""."""
        self.text.setText(problem)
        theme.name(self.text, "Problem", problem)
        if story != self.story.toPlainText():
            self.story.setPlainText(story)
        self.more.setVisible(bool(story))
        if not story:
            self.more.setChecked(False)
        self.setVisible(bool(problem))
