"""The menus of the library's page: what can be done with a preset, and with banks of them."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gui.pad.blend_square import PLACES
from mesosynth.presets.entry import Entry
from mesosynth.presets.marks import MOST_STARS

_BANKS = "Banks of presets (*.zip)"

Do = Callable[[str, Entry, object], None]


def row_menu(parent: QWidget, entry: Entry, favourite: bool, do: Do) -> QMenu:
    """What can be done with a preset.

    Parameters
    ----------
    parent : QWidget
    entry : Entry
    favourite : bool
        Whether it is one.
    do : callable
        Called with "favourite", "rate", "corner", "edit", "overwrite" or "remove", the entry, and
        what belongs to it.
    """
    menu = QMenu(parent)
    if entry.problem:
        menu.addAction(entry.problem).setEnabled(False)
    else:
        text = "No favourite any more" if favourite else "Favourite"
        menu.addAction(text).triggered.connect(lambda: do("favourite", entry, not favourite))
        stars = menu.addMenu("Stars")
        for count in range(MOST_STARS, -1, -1):
            stars.addAction("★" * count or "None").triggered.connect(
                lambda _=False, count=count: do("rate", entry, count)
            )
        corners = menu.addMenu("Corner of the blend")
        for corner, place in enumerate(PLACES):
            corners.addAction(place.capitalize()).triggered.connect(
                lambda _=False, corner=corner: do("corner", entry, corner)
            )
    if not entry.factory:
        menu.addSeparator()
        if not entry.problem:
            menu.addAction("Name and tags…").triggered.connect(lambda: do("edit", entry, None))
        over = menu.addAction("Overwrite with the present sound")
        over.triggered.connect(lambda: do("overwrite", entry, None))
        menu.addAction("Remove").triggered.connect(lambda: do("remove", entry, None))
    return menu


def bank_menu(
    parent: QWidget, folder: Path, take: Callable[[], None], give: Callable[[], None]
) -> QMenu:
    """Import and export of banks; `folder` is where the user's presets lie."""
    menu = QMenu(parent)
    menu.addAction("Import a bank…").triggered.connect(lambda: take())
    menu.addAction("Export what is listed…").triggered.connect(lambda: give())
    menu.addSeparator()
    menu.addAction(f"Your presets: {folder}").setEnabled(False)
    return menu


def ask_bank(parent: QWidget, take: Callable[[Path], None]) -> None:
    """Let a bank be chosen that there is."""
    dialog = QFileDialog(parent.window(), "Import a bank", "", _BANKS)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    _open(dialog, take)


def ask_where(parent: QWidget, give: Callable[[Path], None]) -> None:
    """Let a file be named for a new bank."""
    dialog = QFileDialog(parent.window(), "Export what is listed", "", _BANKS)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("zip")
    _open(dialog, give)


def _open(dialog: QFileDialog, done: Callable[[Path], None]) -> None:
    dialog.fileSelected.connect(lambda name: done(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
