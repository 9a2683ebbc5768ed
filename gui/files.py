"""Files: dialogs for targets, presets, sessions, matches and recordings; dropped files."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QWidget
from typing_extensions import override

from mesosynth.engine.capture import takes_folder
from mesosynth.session import Session
from mesosynth.session.capture import CaptureState
from mesosynth.system.file_kinds import PRESET, SESSION, kind_of_file
from mesosynth.system.paths import in_order, path_text, resource, shown_name, text_path

from . import theme
from .desk import Desk
from .settings import Settings
from .text import menu_text, plain_text

# --------------------------------------------------------------------------------------------------
# The two file dialogs. They do not block: the sound, the match and the window go on.

Kinds = Mapping[str, Sequence[str]]
"""Kinds of files by what the dialog calls them, each with its endings (".wav"); none for all."""

ANY = {"All files": ()}
"""The kind that every file is of."""


def ask_open(
    parent: QWidget, title: str, settings: Settings, kinds: Kinds, then: Callable[[Path], object]
) -> None:
    """Let a file be chosen that there is, and call `then` with it; see :func:`ask_save`."""
    dialog = _Dialog(parent, title, settings, kinds, then)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.open()


def ask_save(
    parent: QWidget,
    title: str,
    settings: Settings,
    kinds: Kinds,
    then: Callable[[Path], object],
    name: str = "",
    kind: str = "",
) -> None:
    """Let a file be named that is to be written; without an ending it gets that of its kind.

    Parameters
    ----------
    parent : QWidget
    title : str
    settings : Settings
        Remember the folder, one for each set of kinds.
    kinds : mapping
        See :data:`Kinds`.
    then : callable
        Called with the file, unless the dialog is cancelled.
    name : str
        What the dialog proposes; "" for nothing.
    kind : str
        The kind that is chosen at first, if not the first one.
    """
    dialog = _Dialog(parent, title, settings, kinds, then)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    first = kind or next(iter(kinds))
    dialog.selectNameFilter(_filter(first, kinds[first]))
    if name:
        dialog.selectFile(name)
    dialog.open()


def ask_folder(
    parent: QWidget, title: str, settings: Settings, purpose: str, then: Callable[[Path], object]
) -> None:
    """Let a folder be chosen that there is, and call `then` with it; see :func:`ask_save`."""
    dialog = _Dialog(parent, title, settings, {purpose: ()}, then)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.open()


class _Dialog(QFileDialog):
    """File dialog that remembers its folder, and completes the name of a file to write.

    Qt's own default suffix takes "v1.2" for a name with an ending.
    """

    def __init__(
        self,
        parent: QWidget,
        title: str,
        settings: Settings,
        kinds: Kinds,
        then: Callable[[Path], object],
    ) -> None:
        purpose = next(iter(kinds))
        filters = ";;".join(_filter(kind, endings) for kind, endings in kinds.items())
        folder = settings.folders.get(purpose)
        folder = str(text_path(folder)) if folder else str(Path.home())
        super().__init__(parent.window(), title, folder, filters)
        self._kinds = kinds

        def use(chosen: str) -> None:
            path = self._completed(Path(chosen))
            settings.folders[purpose] = path_text(path.parent)
            then(path)

        self.fileSelected.connect(use)
        self.finished.connect(self.deleteLater)
        theme.dress_file_dialog(self)

    @override
    def accept(self) -> None:
        """Complete the name before Qt asks whether a file of that name shall be replaced."""
        line = self.findChild(QLineEdit, "fileNameEdit")  # the system's own dialogs have none
        text = "" if line is None else line.text()
        if line is not None and text and not Path(self.directory().filePath(text)).is_dir():
            line.setText(str(self._completed(Path(text))))
        super().accept()

    def _completed(self, path: Path) -> Path:
        """Name with the ending of the chosen kind, unless it has one of those that are known."""
        if self.acceptMode() == QFileDialog.AcceptMode.AcceptOpen:
            return path
        chosen = self.selectedNameFilter()
        own = next((e for kind, e in self._kinds.items() if _filter(kind, e) == chosen), ())
        known = tuple(ending for endings in self._kinds.values() for ending in endings)
        if path.name.lower().endswith(known) or (path.suffix and not own):
            return path
        ending = next(iter(own), "") or next(iter(next(iter(self._kinds.values()))), "")
        return path.with_name(path.name + ending)


def _filter(kind: str, endings: Sequence[str]) -> str:
    return f"{kind} ({' '.join(f'*{ending}' for ending in endings) or '*'})"


# --------------------------------------------------------------------------------------------------
# The files of the File and Sound menus.

DEMO = resource("assets", "demo.wav")
"""An arpeggio to try the desk with."""

MATCH = ".run"
"""Ending of a match's file, as `mesosynth match --save` is shown with."""

SOUNDS = {
    "Sounds": (
        ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf",
    ),
    **ANY,
}  # fmt: skip
PRESETS = {"Presets": (PRESET.ending, ".json"), **ANY}
SESSIONS = {"Sessions": (SESSION.ending, ".json"), **ANY}
MATCHES = {"Matches": (MATCH,), **ANY}
RECORDINGS = {"WAV, 24 bits": (".wav",), "FLAC, 24 bits": (".flac",)}
_MINUTES = 10.0
_TAKES = 10


class Files(QObject):
    """Opens and saves files, and lets them be chosen and named.

    Parameters
    ----------
    window : QWidget
        Parent of the dialogs.
    desk : Desk
    settings : Settings
        Remember folders and targets.
    take_bank, open_session : callable
        Called with the file: a bank of presets, which is a zip file, or a session.
    tags_of_take : callable
        Takes the name of a take's file; its tags are shown behind it.

    Attributes
    ----------
    recent, takes : QMenu
        The last targets, and the last takes.
    load_target, open_preset, save_preset, open_match, save_match, start_capture, save_last
        What is done with a path that was chosen; an error becomes a message.
    """

    def __init__(
        self,
        window: QWidget,
        desk: Desk,
        settings: Settings,
        take_bank: Callable[[Path], object],
        open_session: Callable[[Path], object],
        tags_of_take: Callable[[str], Sequence[str]],
    ) -> None:
        super().__init__(window)
        self._window, self._desk, self._settings = window, desk, settings
        self._take_bank, self._open_session = take_bank, open_session
        self._tags_of_take = tags_of_take
        self.recent = QMenu("Recent targets", window)
        self.takes = QMenu("Kept takes", window)
        for menu, fill in ((self.recent, self._fill_recent), (self.takes, self._fill_takes)):
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(fill)
        desk.attached.connect(self._attach)

        def asks(request: Callable[[Session, Path], object]) -> Callable[[Path], object]:
            return lambda path: desk.ask(lambda session: request(session, path))

        self.load_target = asks(lambda s, path: s.target.load(path))
        self.open_preset = asks(lambda s, path: s.presets.load(path))
        self.save_preset = asks(lambda s, path: s.presets.save(path))
        self.open_match = asks(lambda s, path: s.match.load(path))
        self.save_match = asks(lambda s, path: s.match.save(path))
        self.start_capture = asks(lambda s, path: s.capture.start(path))
        self.save_last = asks(lambda s, path: s.capture.save_last(_MINUTES, path))

    def take(self, path: Path) -> None:
        """Take a dropped file: a match, session, preset or bank by its ending, else a sound."""
        match path.suffix.lower():
            case ".json" if kind_of_file(path) is SESSION:
                self._open_session(path)
            case ".json":
                self.open_preset(path)
            case ending if ending == MATCH:
                self.open_match(path)
            case ".zip":
                self._take_bank(path)
            case _:
                self.load_target(path)

    # ------------------------------------------------------------------ dialogs

    def ask(self, title: str, kinds: Kinds, then: Callable[[Path], object]) -> None:
        """Ask for an existing file; see :func:`ask_open`."""
        ask_open(self._window, title, self._settings, kinds, then)

    def ask_where(
        self, title: str, kinds: Kinds, then: Callable[[Path], object], name: str = ""
    ) -> None:
        """Ask for the name of a file to write; see :func:`ask_save`.

        What is proposed is a `name`, which date and time follow, or else that of the sound.
        """
        stamp = time.strftime("%Y-%m-%d %H.%M.%S")
        name = f"{name} {stamp}" if name else self._desk.session.presets.proposed_name
        ask_save(self._window, title, self._settings, kinds, then, name)

    # ------------------------------------------------------------------ news

    def _attach(self, session: Session) -> None:
        session.target.loaded.connect(self._on_target)
        session.capture.changed.connect(self._on_capture)

    def _on_target(self) -> None:
        if (path := self._desk.session.target.path) is not None:
            self._settings.remember_target(path.absolute())

    def _on_capture(self, capture: CaptureState) -> None:
        if not capture.running:
            self._desk.say(f"Recorded {capture.seconds:.1f} s in {capture.path}.")

    def _fill_recent(self) -> None:
        self._fill(self.recent, [text_path(name) for name in self._settings.recent])

    def _fill_takes(self) -> None:
        takes = in_order(takes_folder(), "take", ".wav")[::-1]
        self._fill(self.takes, takes[:_TAKES])

    def _fill(self, menu: QMenu, paths: list[Path]) -> None:
        menu.clear()
        for path in paths:
            tags = self._tags_of_take(path.name) if menu is self.takes else ()
            action = menu.addAction(menu_text(" · ".join([shown_name(path), *tags])))
            action.setToolTip(plain_text(str(path)))
            action.setEnabled(path.exists())
            action.triggered.connect(lambda _=False, p=path: self.load_target(p))
        if not paths:
            menu.addAction("None yet").setEnabled(False)
