"""Library page: search, audition, tags and favourites of presets."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
)
from typing_extensions import override

from mesosynth.presets.library import Library
from mesosynth.presets.preset import Preset
from mesosynth.presets.search import MOST_STARS, Entry
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..files import ask_open, ask_save
from ..settings import Settings
from ..text import menu_text
from ..undo import History
from ..widgets.background import JobLine
from .blend import PLACES
from .library_actions import LibraryActions, SaveForm
from .library_list import ENTRY, Chips, LibraryList, LibraryRows

_BANKS = {"Banks of presets": (".zip",)}

HEAR_MS = 70
"""A row that the arrow keys rest on so long is heard, ms; those that they fly over are not."""

_HINT = "Search: words, tag: author: fav: rating:3"


class LibraryPage(QFrame):
    """Page of the library: search field, tags, list, and the form to save a sound.

    A click or the arrow keys play a preset, Enter plays it and gives the keyboard back. The star
    at the left of a row makes it a favourite; MIDI programs call favourites in their order.

    Parameters
    ----------
    desk : Desk
    library : Library
        Looked through from the moment when the session is there.
    history : History
        What is removed, overwritten or renamed is a step of it.
    settings : Settings
        Remember the folder of banks.

    Signals
    -------
    chosen
        A preset was chosen for good.
    cornered
        A Preset, and the corner of the blend that shall keep it.
    """

    chosen = Signal()
    cornered = Signal(object, int)

    def __init__(self, desk: Desk, library: Library, history: History, settings: Settings) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._settings = settings
        self.library = library
        self.edits = LibraryActions(desk, library, history)
        self._desk = desk
        self._revision = -1
        self._tags: list[str] = []
        self._wanted: Entry | None = None
        self._patience = QTimer(self, singleShot=True, interval=HEAR_MS)
        self._patience.timeout.connect(self._hear)
        self.line = QLineEdit(placeholderText=_HINT, clearButtonEnabled=True)
        self.line.installEventFilter(self)
        theme.name(self.line, "Search the library", _HINT)
        self.chips = Chips()
        self.rows = LibraryRows(library)
        self.list = LibraryList(self.rows)
        self.count = theme.note()
        self.form = SaveForm()
        self.job = JobLine(self.edits.background)
        self.save = theme.tool_button(
            "Save to library", "Save the sound to your library.", icon="ph.floppy-disk"
        )
        self.more = theme.tool_button(
            "", "Import and export banks of presets.", icon="ph.dots-three", named="More"
        )
        self._lay_out()
        self._connect()
        self.more.setMenu(self._bank_menu())
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.line.setFocus(event.reason())

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            if step:
                self.step(step)
                return True
        return super().eventFilter(watched, event)

    def take_escape(self) -> bool:
        """Clear the search line, or leave it."""
        if not self.line.hasFocus():
            return False
        if self.line.text():
            self.line.clear()
        else:
            self.chosen.emit()
        return True

    def close_down(self) -> None:
        """End what goes on in the background."""
        self.edits.background.close()
        self.library.close()

    @property
    def found(self) -> list[Entry]:
        """Presets that are listed and can be loaded."""
        return [entry for entry in self.rows.rows if not entry.problem]

    @property
    def current(self) -> Entry | None:
        """The preset of the row that is chosen, or else the one that plays."""
        chosen = cast("Entry | None", self.list.currentIndex().data(ENTRY))
        if chosen is not None:
            return chosen
        return next((e for e in self.library.entries if e.key == self.rows.playing), None)

    def step(self, by: int) -> None:
        """Go on to the next preset of the list, or the one before."""
        last = len(self.found) - 1
        row = self.list.currentIndex().row()
        row = self.rows.row_of(self.rows.playing) if row < 0 else row
        if last >= 0:
            self.list.setCurrentIndex(self.rows.index(min(max(row + by, 0), last)))

    def with_current(self, do: Callable[[Entry], object]) -> None:
        """Do something with the current preset, or say why that cannot be."""
        entry = self.current
        if entry is None:
            self._desk.say("Choose a sound of the library first: F2 opens it.", "warning")
        elif entry.problem:
            self._desk.say(entry.problem, "error")
        else:
            do(entry)

    def overwrite(self, entry: Entry) -> None:
        """Let a preset of the user's be the present sound."""
        if entry.factory:
            self._desk.say(f"{entry.name} came with mesosynth and stays; Ctrl+L saves a new one.")
        else:
            self.edits.overwrite(entry)

    def ask_to_save(self) -> None:
        """Open the form that saves the sound to the library."""
        presets = self._desk.session.presets
        self.form.ask(presets.preset(presets.proposed_name))

    def ask_to_edit(self, entry: Entry) -> None:
        """Open the form that changes name and tags of a user's preset."""
        if entry.factory:
            self._desk.say(f"{entry.name} came with mesosynth and stays; save a copy of it.")
            return
        preset = self.edits.read(entry)
        if preset is not None:
            self.form.ask(preset, entry)

    def ask_import(self) -> None:
        """Let a bank be chosen, and import it."""
        ask_open(self, "Import a bank", self._settings, _BANKS, self.edits.import_bank)

    def ask_export(self) -> None:
        """Let a file be named, and export what is listed to it."""
        give, words = self.export_bank, self.line.text().replace(":", " ")
        name = f"presets {words}".strip()
        ask_save(self, "Export what is listed", self._settings, _BANKS, give, name)

    def export_bank(self, path: Path) -> None:
        """Write the presets that are listed to a zip file."""
        self.edits.export_bank(self.found, path)

    def refresh(self) -> None:
        """List what the search asks for."""
        line = self.line.text()
        found = self.library.search(line)
        words = line.casefold()
        bad = [entry for entry in self.library.problems if words in entry.name.casefold()]
        chosen = self.list.currentIndex().data(ENTRY)
        with self.list.quiet():
            self.rows.show(found, bad)
            row = self.rows.row_of(chosen.key if chosen else self.rows.playing)
            if row >= 0:
                self.list.setCurrentIndex(self.rows.index(row))
        self.chips.set_on({tag.casefold() for tag in self._tags if _term(tag) in words})
        broken = f" · {len(bad)} broken" if bad else ""
        self.count.setText(f"{len(found)}{broken}")
        self.count.setToolTip(f"{len(found)} of {len(self.library.entries)} presets are listed.")

    def row_menu(self, entry: Entry) -> QMenu:
        """Menu of a preset."""
        menu, edits = QMenu(self.list), self.edits
        if entry.problem:
            menu.addAction(menu_text(entry.problem)).setEnabled(False)
        else:
            now = edits.is_favourite(entry)
            text = "No favourite any more" if now else "Favourite"
            menu.addAction(text, lambda: edits.set_favourite(entry, not now))
            stars = menu.addMenu("Stars")
            for count in range(MOST_STARS, -1, -1):
                stars.addAction("★" * count or "None", partial(edits.rate, entry, count))
            corners = menu.addMenu("Corner of the blend")
            for corner, place in enumerate(PLACES):
                corners.addAction(place.capitalize(), partial(self._keep_in, corner, entry))
        if not entry.factory:
            menu.addSeparator()
            if not entry.problem:
                menu.addAction("Name and tags…", lambda: self.ask_to_edit(entry))
            menu.addAction("Overwrite with the present sound", lambda: edits.overwrite(entry))
            menu.addAction("Remove", lambda: edits.remove(entry))
        return menu

    def _keep_in(self, corner: int, entry: Entry) -> None:
        preset = self.edits.read(entry)
        if preset is not None:
            self.cornered.emit(preset, corner)

    def _bank_menu(self) -> QMenu:
        """Menu for import and export of banks."""
        menu = QMenu(self.more)
        menu.addAction("Import a bank…", self.ask_import)
        menu.addAction("Export what is listed…", self.ask_export)
        menu.addSeparator()
        menu.addAction(menu_text(f"Your presets: {self.library.user}")).setEnabled(False)
        return menu

    # ------------------------------------------------------------------ what happens

    def _on_tick(self) -> None:
        if self.library.revision != self._revision:
            self._revision = self.library.revision
            self._tags = self.library.tags
            self.chips.show_words(self._tags)
            self.refresh()
            self.edits.tell_bank()

    def _attach(self, session: Session) -> None:
        session.presets.loaded.connect(self._on_loaded)
        self.library.watch()
        if self.library.trouble:
            self._desk.say(self.library.trouble, "warning")

    def _on_loaded(self, _preset: Preset, path: Path | None) -> None:
        entry = self.library.find(path) if path is not None else None
        self.rows.playing = entry.key if entry else ""
        if entry is not None:
            self.edits.note_played(entry)
            row = self.rows.row_of(entry.key)
            if row >= 0 and row != self.list.currentIndex().row():
                with self.list.quiet():
                    self.list.setCurrentIndex(self.rows.index(row))
        self.rows.repaint()

    def _on_current(self, index: QModelIndex) -> None:
        entry = cast("Entry | None", index.data(ENTRY))
        if entry is not None and not self.list.is_quiet:
            self._wanted = entry
            self._patience.start()

    def _hear(self) -> None:
        self._patience.stop()
        entry, self._wanted = self._wanted, None
        if entry is None:
            return
        if entry.problem:
            self._desk.say(entry.problem, "error")
        elif self._desk.ask(lambda session: session.presets.load(entry.path)):
            self._desk.ask(lambda session: session.sound.playing or session.sound.play())

    def _on_clicked(self, index: QModelIndex) -> None:
        entry = cast("Entry", index.data(ENTRY))
        if self.list.on_star:
            if not entry.problem:
                self.edits.set_favourite(entry, not self.edits.is_favourite(entry))
            return
        self._wanted = entry
        self._hear()

    def _on_enter(self) -> None:
        index = self.list.currentIndex()
        if not index.isValid() and self.found:
            index = self.rows.index(0)
        entry = cast("Entry | None", index.data(ENTRY))
        if entry is not None:
            self._wanted = entry
            self._hear()
            self.chosen.emit()

    def _on_delete(self) -> None:
        if self.current is not None:
            self.edits.remove(self.current)

    def _toggle_tag(self, tag: str, on: bool) -> None:
        line, term = self.line.text(), _term(tag)
        if on:
            self.line.setText(f"{line.rstrip()} {term} ".lstrip())
        else:
            begin = line.casefold().find(term)
            rest = line[:begin] + line[begin + len(term) :] if begin >= 0 else line
            self.line.setText(" ".join(rest.split()))

    def _open_row_menu(self, spot: QPoint) -> None:
        entry = cast("Entry | None", self.list.indexAt(spot).data(ENTRY))
        if entry is not None:
            menu = self.row_menu(entry)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.list.viewport().mapToGlobal(spot))

    def _on_saved(self, preset: Preset, entry: Entry | None) -> None:
        path = self.edits.save(preset) if entry is None else self.edits.edit(entry, preset)
        if path is not None:
            self.form.hide()
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)
            if not any(found.path == path for found in self.found):
                self.line.clear()  # or it would not be seen
            self._select(path)

    def _select(self, path: Path) -> None:
        entry = self.library.find(path)
        if entry is not None:
            with self.list.quiet():
                self.list.setCurrentIndex(self.rows.index(self.rows.row_of(entry.key)))

    # ------------------------------------------------------------------ layout

    def _connect(self) -> None:
        self.line.textChanged.connect(self.refresh)
        self.line.returnPressed.connect(self._on_enter)
        self.chips.toggled.connect(self._toggle_tag)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.clicked.connect(self._on_clicked)
        self.list.chosen.connect(self._on_enter)
        self.list.unwanted.connect(self._on_delete)
        self.list.customContextMenuRequested.connect(self._open_row_menu)
        self.save.clicked.connect(self.ask_to_save)
        self.form.saved.connect(self._on_saved)
        self.form.closed.connect(self.list.setFocus)
        self.edits.marked.connect(self.rows.repaint)
        self.edits.changed.connect(self.refresh)
        self._desk.attached.connect(self._attach)
        self._desk.tick.connect(self._on_tick)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(theme.title("Sounds"))
        head.addWidget(self.count)
        head.addStretch(1)
        head.addWidget(self.save)
        head.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.line)
        layout.addWidget(self.chips)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.job)
        layout.addWidget(self.form)


def _term(tag: str) -> str:
    """Search term of a tag."""
    tag = tag.casefold().replace('"', "")
    return f'tag:"{tag}"' if " " in tag else f"tag:{tag}"
