"""Library page: search, audition, tags and favourites of presets."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QMenu
from typing_extensions import override

from mesosynth.learning.tags import own_sounds
from mesosynth.presets.library import Library
from mesosynth.presets.preset import Preset
from mesosynth.presets.search import MOST_STARS, Entry
from mesosynth.session import Session
from mesosynth.system.paths import path_text, text_path

from .. import theme
from ..desk import Desk
from ..files import ask_folder, ask_open, ask_save
from ..settings import Settings
from ..text import menu_text
from ..undo import History
from ..widgets.background import JobLine
from ..widgets.parts import Panel, menu_button, row
from .library_actions import LibraryActions, SaveForm
from .library_list import ENTRY, Chips, LibraryList, LibraryRows
from .tags import TagsPanel

_BANKS = {"Banks of presets": (".zip",)}
_CLASSIFIERS = {"Classifiers": (".pt",)}

HEAR_MS = 70
"""A row that the arrow keys rest on so long is heard, ms; those that they fly over are not."""

_HINT = "Search: words, tag: author: fav: rating:3"

PLACES = ("lower left", "lower right", "upper left", "upper right")
"""Corners of the blend."""


class LibraryPage(Panel):
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
        self._desk, self._settings, self.library = desk, settings, library
        self.edits = LibraryActions(desk, library, history)
        self._revision = -1
        self._tags: list[str] = []
        self._wanted: Entry | None = None
        self._patience = QTimer(self, singleShot=True, interval=HEAR_MS)
        self._patience.timeout.connect(self._hear)
        self.line = QLineEdit(placeholderText=_HINT, clearButtonEnabled=True)
        self.line.installEventFilter(self)
        theme.name(self.line, "Search the library", _HINT)
        self.chips, self.rows = Chips(), LibraryRows(library)
        self.list, self.form = LibraryList(self.rows), SaveForm()
        self.count, self.job = theme.note(), JobLine(self.edits.background)
        self.tags = TagsPanel(desk, self.edits)
        tip = "Save the sound to your library."
        self.save = theme.tool_button("Save to library", tip, icon="ph.floppy-disk")
        tip = "Banks of presets, and tags by a classifier."
        self.more = menu_button("", tip, "ph.dots-three", self._fill_bank_menu, "More")
        self.lay_out(
            row(theme.title("Sounds"), self.count, 1, self.save, self.more, spacing=6),
            self.line, self.chips, (self.list, 1), self.tags, self.job, self.form,
        )  # fmt: skip
        self._connect()

    def _connect(self) -> None:
        self.line.textChanged.connect(self.refresh)
        self.line.returnPressed.connect(self._on_enter)
        self.chips.toggled.connect(self._toggle_tag)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.clicked.connect(self._on_clicked)
        self.list.chosen.connect(self._on_enter)
        self.list.unwanted.connect(lambda: self.current and self.edits.remove(self.current))
        self.list.customContextMenuRequested.connect(self._open_row_menu)
        self.save.clicked.connect(self.ask_to_save)
        self.form.saved.connect(self._on_saved)
        self.form.closed.connect(self.list.setFocus)
        self.edits.marked.connect(self.rows.repaint)
        self.edits.changed.connect(self.refresh)
        self._desk.attached.connect(self._attach)
        self._desk.tick.connect(self._on_tick)

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
        playing = (e for e in self.library.entries if e.key == self.rows.playing)
        return _entry(self.list.currentIndex()) or next(playing, None)

    # ------------------------------------------------------------------ what actions do

    def step(self, by: int) -> None:
        """Go on to the next preset of the list, or the one before."""
        last, at = len(self.found) - 1, self.list.currentIndex().row()
        at = self.rows.row_of(self.rows.playing) if at < 0 else at
        if last >= 0:
            self.list.setCurrentIndex(self.rows.index(min(max(at + by, 0), last)))

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
        elif (preset := self.edits.read(entry)) is not None:
            self.form.ask(preset, entry)

    def ask_import(self) -> None:
        """Let a bank be chosen, and import it."""
        ask_open(self, "Import a bank", self._settings, _BANKS, self.edits.import_bank)

    def ask_export(self) -> None:
        """Let a file be named, and export what is listed to it."""
        name = f"presets {self.line.text().replace(':', ' ')}".strip()
        ask_save(self, "Export what is listed", self._settings, _BANKS, self.export_bank, name)

    def export_bank(self, path: Path) -> None:
        """Write the presets that are listed to a zip file."""
        self.edits.export_bank(self.found, path)

    def suggest_tags(self) -> None:
        """Look for tags of the user's presets and takes, by the classifier."""
        sounds = own_sounds(self.library)
        self._desk.ask(lambda session: session.classification.suggest(sounds))

    def ask_training(self) -> None:
        """Let a folder of folders be chosen, and train a classifier of it."""
        ask_folder(
            self, "Train a classifier: choose a folder with a subfolder for each class",
            self._settings, "Folders of sounds", self.train,
        )  # fmt: skip

    def train(self, folder: Path) -> None:
        """Train a classifier of a folder of folders."""
        self._desk.ask(lambda session: session.classification.train(folder))

    def ask_classifier(self) -> None:
        """Let a classifier be chosen, and use it."""
        ask_open(self, "Open a classifier", self._settings, _CLASSIFIERS, self.use_classifier)

    def use_classifier(self, path: Path) -> None:
        """Classify by another classifier."""
        if self._desk.ask(lambda session: session.classification.use(path)):
            self._desk.say(f"Tags and relevance are by {path.parent.name} now.")

    # ------------------------------------------------------------------ list and menus

    def refresh(self) -> None:
        """List what the search asks for."""
        line = self.line.text()
        found, words = self.library.search(line), line.casefold()
        bad = [entry for entry in self.library.problems if words in entry.name.casefold()]
        chosen = _entry(self.list.currentIndex())
        with self.list.quiet():
            self.rows.show(found, bad)
            self._go_to(chosen.key if chosen else self.rows.playing)
        self.chips.set_on({tag.casefold() for tag in self._tags if _term(tag) in words})
        self.count.setText(f"{len(found)}{f' · {len(bad)} broken' if bad else ''}")
        self.count.setToolTip(f"{len(found)} of {len(self.library.entries)} presets are listed.")

    def row_menu(self, entry: Entry) -> QMenu:
        """Menu of a preset."""
        menu, edits = QMenu(self.list), self.edits
        if entry.problem:
            menu.addAction(menu_text(entry.problem)).setEnabled(False)
        else:
            text = "No favourite any more" if edits.is_favourite(entry) else "Favourite"
            menu.addAction(text, partial(edits.turn_favourite, entry))
            stars, corners = menu.addMenu("Stars"), menu.addMenu("Corner of the blend")
            for count in range(MOST_STARS, -1, -1):
                stars.addAction("★" * count or "None", partial(edits.rate, entry, count))
            for corner, place in enumerate(PLACES):
                corners.addAction(place.capitalize(), partial(self._keep_in, corner, entry))
        if not entry.factory:
            menu.addSeparator()
            if not entry.problem:
                menu.addAction("Name and tags…", partial(self.ask_to_edit, entry))
            menu.addAction("Overwrite with the present sound", partial(edits.overwrite, entry))
            menu.addAction("Remove", partial(edits.remove, entry))
        return menu

    def _keep_in(self, corner: int, entry: Entry) -> None:
        preset = self.edits.read(entry)
        if preset is not None:
            self.cornered.emit(preset, corner)

    def _fill_bank_menu(self, menu: QMenu) -> None:
        menu.addAction("Import a bank…", self.ask_import)
        menu.addAction("Export what is listed…", self.ask_export)
        menu.addSeparator()
        path = self._desk.session.classification.path
        menu.addAction("Suggest tags", self.suggest_tags).setEnabled(path is not None)
        menu.addAction("Train a classifier…", self.ask_training)
        menu.addAction("Open a classifier…", self.ask_classifier)
        if path is not None:
            menu.addAction(menu_text(f"Classifier: {path.parent.name}")).setEnabled(False)
        menu.addSeparator()
        menu.addAction(menu_text(f"Your presets: {self.library.user}")).setEnabled(False)

    def _open_row_menu(self, spot: QPoint) -> None:
        entry = _entry(self.list.indexAt(spot))
        if entry is not None:
            menu = self.row_menu(entry)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.list.viewport().mapToGlobal(spot))

    def _go_to(self, key: str) -> None:
        """Choose the row of a preset, if it is listed; it is not heard."""
        place = self.rows.row_of(key)
        if place >= 0 and place != self.list.currentIndex().row():
            with self.list.quiet():
                self.list.setCurrentIndex(self.rows.index(place))

    # ------------------------------------------------------------------ what happens

    def _on_tick(self) -> None:
        if self.library.revision != self._revision:
            self._revision, self._tags = self.library.revision, self.library.tags
            self.chips.show_words(self._tags)
            self.refresh()
            self.edits.tell_bank()

    def _attach(self, session: Session) -> None:
        session.presets.loaded.connect(self._on_loaded)
        if self._settings.classifier:
            session.classification.use(text_path(self._settings.classifier))
        session.classification.replaced.connect(self._on_classifier)
        self.library.watch()
        if self.library.trouble:
            self._desk.say(self.library.trouble, "warning")

    def _on_loaded(self, _preset: Preset, path: Path | None) -> None:
        entry = self.library.find(path) if path is not None else None
        self.rows.playing = entry.key if entry else ""
        if entry is not None:
            self.edits.note_played(entry)
            self._go_to(entry.key)
        self.rows.repaint()

    def _on_classifier(self) -> None:
        path = self._desk.session.classification.path
        self._settings.classifier = "" if path is None else path_text(path.absolute())

    def _on_current(self, index: QModelIndex) -> None:
        entry = _entry(index)
        if entry is not None and not self.list.is_quiet:
            self._wanted = entry
            self._patience.start()

    def _hear(self) -> None:
        self._patience.stop()
        entry, self._wanted = self._wanted, None
        if entry is not None and entry.problem:
            self._desk.say(entry.problem, "error")
        elif entry is not None:
            self._desk.hear(lambda session: session.presets.load(entry.path))

    def _on_clicked(self, index: QModelIndex) -> None:
        entry = _entry(index)
        if entry is not None and self.list.on_star:
            if not entry.problem:
                self.edits.turn_favourite(entry)
            return
        self._wanted = entry
        self._hear()

    def _on_enter(self) -> None:
        entry = _entry(self.list.currentIndex()) or next(iter(self.found), None)
        if entry is not None:
            self._wanted = entry
            self._hear()
            self.chosen.emit()

    def _toggle_tag(self, tag: str, on: bool) -> None:
        line, term = self.line.text(), _term(tag)
        if on:
            self.line.setText(f"{line.rstrip()} {term} ".lstrip())
        else:
            begin = line.casefold().find(term)
            rest = line[:begin] + line[begin + len(term) :] if begin >= 0 else line
            self.line.setText(" ".join(rest.split()))

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
        self._go_to(entry.key if entry else "")


def _entry(index: QModelIndex) -> Entry | None:
    return cast("Entry | None", index.data(ENTRY))


def _term(tag: str) -> str:
    """Search term of a tag."""
    tag = tag.casefold().replace('"', "")
    return f'tag:"{tag}"' if " " in tag else f"tag:{tag}"
