"""Actions on presets of the library: save, rename, delete, import and export, each undoable."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QFrame, QLineEdit

from mesosynth.errors import MesosynthError
from mesosynth.learning.tags import Suggestion, accept, withdraw
from mesosynth.presets.bank import Imported
from mesosynth.presets.library import Library
from mesosynth.presets.preset import CATEGORIES, Preset, Tags, load_preset
from mesosynth.presets.search import MOST_STARS, Entry

from .. import theme
from ..desk import Desk
from ..undo import History
from ..widgets.background import Background
from ..widgets.parts import choice, column, row


class SaveForm(QFrame):
    """Form of a sound: name, category, tags, author, comment.

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
        self.category: QComboBox = choice("Category", [(name, None) for name in ("", *CATEGORIES)])
        self.category.setEditable(True)
        self.character = QLineEdit(placeholderText="bright, soft")
        self.features = QLineEdit(placeholderText="rising, slow")
        self.name, self.author, self.comment = QLineEdit(), QLineEdit(), QLineEdit()
        tip = "Save the sound under this name; none is overwritten."
        self.save = theme.tool_button("Save", tip, kind="")
        self.cancel = theme.tool_button("Cancel", "Close this without saving.", kind="")
        self.save.clicked.connect(self._save)
        self.cancel.clicked.connect(self.take_escape)
        form = QFormLayout()
        form.setVerticalSpacing(4)
        for text, field in {
            "Name": self.name, "Category": self.category, "Character": self.character,
            "Features": self.features, "Author": self.author, "Comment": self.comment,
        }.items():  # fmt: skip
            theme.name(field, text)
            form.addRow(theme.note(text), field)
            if isinstance(field, QLineEdit):
                field.returnPressed.connect(self._save)
        layout = column(self.title, form, row(1, self.cancel, self.save), inside=self)
        layout.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        self.hide()

    def ask(self, preset: Preset, entry: Entry | None = None) -> None:
        """Show the name and description of a preset: for a change of `entry`, or a new file."""
        self._preset, self._entry, tags = preset, entry, preset.tags
        self.title.setText("Name and tags" if entry else "Save this sound")
        self.category.setEditText(tags.category)
        for field, text in (
            (self.name, preset.name), (self.character, ", ".join(tags.character)),
            (self.features, ", ".join(tags.features)), (self.author, preset.author),
            (self.comment, preset.comment),
        ):  # fmt: skip
            field.setText(text)
        self.show()
        self.name.selectAll()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def take_escape(self) -> bool:
        """Close it without saving."""
        self.hide()
        self.closed.emit()
        return True

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
        author, comment = self.author.text().strip(), self.comment.text().strip()
        filled = msgspec.structs.replace(
            self._preset, name=name, tags=tags, author=author, comment=comment
        )
        self.saved.emit(filled, self._entry)


def _words(text: str) -> tuple[str, ...]:
    """Words between commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


_Answer = TypeVar("_Answer")


class LibraryActions(QObject):
    """Actions on presets of the library; each says what it did, or why it could not.

    Changes of files can be undone; long ones run in a thread.

    Parameters
    ----------
    desk : Desk
    library : Library
    history : History

    Signals
    -------
    marked
        Stars have changed.
    changed
        Presets have come or gone, or are called otherwise.
    """

    marked = Signal()
    changed = Signal()

    def __init__(self, desk: Desk, library: Library, history: History) -> None:
        super().__init__(history)
        self._desk, self._library, self._history = desk, library, history
        self.background = Background(self)
        self.background.failed.connect(self._on_failed)  # a lambda would keep the desk for ever

    def _on_failed(self, text: str) -> None:
        self._desk.say(text, "error")

    def is_favourite(self, entry: Entry) -> bool:
        """Whether a preset is one."""
        return entry.key in self._library.marks.favourites

    def turn_favourite(self, entry: Entry) -> None:
        """Make a preset a favourite, or no longer; MIDI programs number them in their order."""
        favourite = not self.is_favourite(entry)
        if self._ask(lambda: (self._library.set_favourite(entry, favourite), True)):
            self.tell_bank()
            self.marked.emit()
            now = "a favourite now" if favourite else "no favourite any more"
            self._desk.say(f"{entry.name} is {now}.")

    def rate(self, entry: Entry, stars: int) -> None:
        """Set the stars of a preset, 0 for none."""
        stars = min(max(stars, 0), MOST_STARS)
        if self._ask(lambda: (self._library.rate(entry, stars), True)):
            self.marked.emit()
            self._desk.say(f"{entry.name}: {'★' * stars or 'no stars'}.")

    def rate_by(self, entry: Entry, stars: int) -> None:
        """Change the stars of a preset by a difference."""
        self.rate(entry, self._library.marks.ratings.get(entry.key, 0) + stars)

    def note_played(self, entry: Entry) -> None:
        """Remember that a preset was played."""
        self._ask(lambda: self._library.note_played(entry))

    def tell_bank(self) -> None:
        """Tell the session what MIDI programs call."""
        bank = self._library.bank
        self._desk.ask(lambda session: setattr(session.presets, "bank", bank), by_itself=True)

    def read(self, entry: Entry, quietly: bool = False) -> Preset | None:
        """A preset as it is in its file; None (and a message, but `quietly`) if it is broken."""
        return self._ask(lambda: load_preset(entry.path), quietly)

    # ------------------------------------------------------------------ files

    def save(self, preset: Preset) -> Path | None:
        """Write a preset to a new file, and go on from there; None (and a message) if not."""
        path = self._ask(lambda: self._library.save(preset))
        if path is not None:
            self.changed.emit()
            self._desk.ask(lambda session: session.presets.load(path))
            self._desk.say(f"Saved as {path.stem}.")
        return path

    def overwrite(self, entry: Entry) -> None:
        """Let a preset be the present sound."""
        before, after = self.read(entry, True), self._desk.session.presets.preset(entry.name)

        def write(preset: Preset) -> Path | None:
            return self._change(lambda: self._library.save(preset, entry.path))

        if write(after) is None:
            return
        if before is not None:
            name = f"overwriting {entry.name}"
            self._history.did(name, lambda: write(before), lambda: write(after))
        self._desk.say(f"{entry.name} is the present sound now; Ctrl+Z takes it back.")

    def edit(self, entry: Entry, preset: Preset) -> Path | None:
        """Change name and tags of a preset to those of another.

        Returns
        -------
        Path or None
            Its file now; None (and a message) if it cannot be written.
        """
        before = self.read(entry, True)
        path = self._change(lambda: self._library.edit(entry, preset))
        if path is None:
            return None
        there = [path]  # where it lies after each step

        def change(to: Preset) -> None:
            now = self._library.find(there[0])
            if now is not None:
                there[0] = self._change(lambda: self._library.edit(now, to)) or there[0]

        if before is not None:
            name = f"changing what is said of {entry.name}"
            self._history.did(name, lambda: change(before), lambda: change(preset))
        self._desk.say(f"{path.stem} is saved; Ctrl+Z takes it back.")
        return path

    def remove(self, entry: Entry) -> None:
        """Take a preset out of the library."""
        away = self._change(lambda: self._library.remove(entry))
        if away is None:
            return
        there = [away, entry.path]

        def put_back() -> None:
            there[1] = self._change(lambda: self._library.restore(there[0], entry.path)) or there[1]

        def remove_again() -> None:
            now = self._library.find(there[1])
            if now is not None:
                there[0] = self._change(lambda: self._library.remove(now)) or there[0]

        self._history.did(f"removing {entry.name}", put_back, remove_again)
        self._desk.say(f"{entry.name} is removed; Ctrl+Z brings it back.")

    def accept(self, suggestions: list[Suggestion]) -> list[Suggestion]:
        """Add suggested tags to presets and takes, in one step; return those that have them now."""
        library = self._library
        answers = [(one, self._ask(lambda one=one: accept(library, one))) for one in suggestions]
        new = [one for one, was_new in answers if was_new]

        def each(change: Callable[[Library, Suggestion], object]) -> None:
            for one in new:
                self._ask(lambda one=one: change(library, one))
            self.changed.emit()

        if new:
            self.changed.emit()
            name = f"{len(new)} tags" if len(new) > 1 else f"the tag of {new[0].name}"
            self._history.did(name, lambda: each(withdraw), lambda: each(accept))
            self._desk.say(f"Added {name}; Ctrl+Z takes it back.")
        return [one for one, was_new in answers if was_new is not None]

    # ------------------------------------------------------------------ banks

    def import_bank(self, path: Path) -> None:
        """Take the presets of a zip file into the library, and say what came of it."""
        self._start(
            f"Importing {path.name} …",
            lambda tell: self._library.import_bank(path, tell),
            lambda imported: self._on_imported(imported, path),
        )

    def export_bank(self, entries: list[Entry], path: Path) -> None:
        """Write presets to a zip file."""
        text = f"{len(entries)} presets are in {path.name}."
        self._start(
            f"Exporting {path.name} …",
            lambda tell: self._library.export_bank(entries, path, tell),
            lambda done: self._desk.say(text if done else "Cancelled; nothing was written."),
        )

    def _start(
        self, words: str, work: Callable[..., _Answer], done: Callable[[_Answer], None]
    ) -> None:
        if not self.background.start(words, work, done):
            self._desk.say("Another bank is on its way; wait for it, or cancel it.", "warning")

    def _on_imported(self, imported: Imported, path: Path) -> None:
        self.changed.emit()
        if imported.cancelled:
            self._desk.say(f"Cancelled; no presets came from {path.name}.")
            return
        text = f"{len(imported.files)} presets came from {path.name}"
        if imported.left_out:
            text += f"; {len(imported.left_out)} did not: {imported.left_out[0]}"
        self._desk.say(text if text.endswith(".") else f"{text}.")

    def _change(self, request: Callable[[], Path]) -> Path | None:
        """Ask for a change of a file, and tell that the library is another one."""
        path = self._ask(request)
        self.changed.emit()
        return path

    def _ask(self, request: Callable[[], _Answer], quietly: bool = False) -> _Answer | None:
        try:
            return request()
        except MesosynthError as error:
            if not quietly:
                self._desk.say(str(error), "error")
            return None
