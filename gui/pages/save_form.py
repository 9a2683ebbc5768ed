"""What is asked when a sound is saved to the library, in place and not in a box."""

import msgspec
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
)
from typing_extensions import override

from gui import theme
from mesosynth.presets.entry import Entry
from mesosynth.presets.preset import CATEGORIES, Preset, Tags


class SaveForm(QFrame):
    """Name, category, tags, author and comment of a sound.

    Signals
    -------
    saved
        The preset as it was filled in, and the entry that it changes, None for a new one.
    closed
    """

    saved = Signal(object, object)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._preset = Preset(name="")
        self._entry: Entry | None = None
        self.title = theme.title("")
        self.name = QLineEdit()
        self.category = QComboBox()
        self.category.setEditable(True)
        self.category.addItems(["", *CATEGORIES])
        self.character = QLineEdit(placeholderText="bright, soft")
        self.features = QLineEdit(placeholderText="rising, slow")
        self.author = QLineEdit()
        self.comment = QLineEdit()
        self.save = _button("Save", "Save the sound under this name; none is overwritten.")
        self.cancel = _button("Cancel", "Close this without saving.")
        self.save.clicked.connect(self._save)
        self.cancel.clicked.connect(self._close)
        self._lay_out()
        self.hide()

    def ask(self, preset: Preset, entry: Entry | None = None) -> None:
        """Show what `preset` says of itself, to be changed in a new file or in that of `entry`."""
        self._preset, self._entry = preset, entry
        self.title.setText("Name and tags" if entry else "Save this sound")
        self.name.setText(preset.name)
        self.category.setEditText(preset.tags.category)
        self.character.setText(", ".join(preset.tags.character))
        self.features.setText(", ".join(preset.tags.features))
        self.author.setText(preset.author)
        self.comment.setText(preset.comment)
        self.show()
        self.name.selectAll()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _save(self) -> None:
        name = self.name.text().strip()
        if not name:
            self.name.setPlaceholderText("A name is needed")
            self.name.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        tags = Tags(
            category=self.category.currentText().strip(),
            character=_words(self.character.text()),
            features=_words(self.features.text()),
            extra=self._preset.tags.extra,
        )
        filled = msgspec.structs.replace(
            self._preset, name=name, tags=tags, author=self.author.text().strip(),
            comment=self.comment.text().strip(),
        )  # fmt: skip
        self.saved.emit(filled, self._entry)

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()  # here it closes the form; elsewhere it is a panic
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._close()
                return True
        return super().event(event)

    def _close(self) -> None:
        self.hide()
        self.closed.emit()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        rows = {
            "Name": self.name, "Category": self.category, "Character": self.character,
            "Features": self.features, "Author": self.author, "Comment": self.comment,
        }  # fmt: skip
        for text, field in rows.items():
            theme.name(field, text)
            form.addRow(theme.note(text), field)
            if isinstance(field, QLineEdit):
                field.returnPressed.connect(self._save)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addWidget(self.title)
        layout.addLayout(form)
        layout.addLayout(buttons)


def _words(text: str) -> tuple[str, ...]:
    """Words between commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, text, tip)
    return button
