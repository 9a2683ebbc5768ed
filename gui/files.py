"""Files: dialogs for targets, presets, sessions, matches and captures; dropped files."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from mesosynth.engine.capture import takes_folder
from mesosynth.session import Session
from mesosynth.session.capture import CaptureState

from .desk import Desk
from .sessions import Sessions
from .settings import Settings

# --------------------------------------------------------------------------------------------------
# The two file dialogs. They do not block: the sound, the match and the window go on.

Kinds = Mapping[str, Sequence[str]]
"""Kinds of files by what the dialog calls them, each with its endings (".wav"); none for all."""

ANY = {"All files": ()}
"""The kind that every file is of."""


def ask_open(
    parent: QWidget, title: str, folder: str, kinds: Kinds, then: Callable[[Path], object]
) -> None:
    """Let a file be chosen that there is.

    Parameters
    ----------
    parent : QWidget
    title : str
    folder : str
        Where the dialog begins; "" for the current folder.
    kinds : mapping
        See :data:`Kinds`.
    then : callable
        Called with the file, unless the dialog is cancelled.
    """
    dialog = _dialog(parent, title, folder, kinds, then)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.open()


def ask_save(
    parent: QWidget,
    title: str,
    folder: str,
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
    folder : str
        Where the dialog begins; "" for the current folder.
    kinds : mapping
        See :data:`Kinds`.
    then : callable
        Called with the file, unless the dialog is cancelled.
    name : str
        What the dialog proposes; "" for nothing.
    kind : str
        The kind that is chosen at first, if not the first one.
    """
    dialog = _dialog(parent, title, folder, kinds, then)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    endings = {_filter(each, kinds[each]): next(iter(kinds[each]), "") for each in kinds}

    def use(chosen: str) -> None:
        if endings.get(chosen):
            dialog.setDefaultSuffix(endings[chosen].lstrip("."))

    first = kind or next(iter(kinds))
    dialog.selectNameFilter(_filter(first, kinds[first]))
    use(_filter(first, kinds[first]))
    dialog.filterSelected.connect(use)
    if name:
        dialog.selectFile(name)
    dialog.open()


def _dialog(
    parent: QWidget, title: str, folder: str, kinds: Kinds, then: Callable[[Path], object]
) -> QFileDialog:
    filters = ";;".join(_filter(kind, endings) for kind, endings in kinds.items())
    dialog = QFileDialog(parent.window(), title, folder, filters)
    dialog.fileSelected.connect(lambda chosen: then(Path(chosen)))
    dialog.finished.connect(dialog.deleteLater)
    return dialog


def _filter(kind: str, endings: Sequence[str]) -> str:
    return f"{kind} ({' '.join(f'*{ending}' for ending in endings) or '*'})"


# --------------------------------------------------------------------------------------------------
# The files of the File and Sound menus.

MATCH = ".run"
"""Ending of a match's file, as `mesosynth match --save` is shown with."""

SOUNDS = {
    "Sounds": (
        ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf",
    ),
    **ANY,
}  # fmt: skip
PRESETS = {"Presets": (".json",), **ANY}
SESSIONS = {"Sessions": (".json",), **ANY}
MATCHES = {"Matches": (MATCH,), **ANY}
RECORDINGS = {"WAV, 24 bits": (".wav",), "FLAC, 24 bits": (".flac",)}
_MINUTES = 10.0
_TAKES = 10


class Files(QObject):
    """Opens and saves files, and remembers their folder where that succeeded.

    Parameters
    ----------
    window : QWidget
        Parent of the dialogs.
    desk : Desk
    settings : Settings
        Remember the folder and the targets.
    sessions : Sessions
    take_bank : callable
        Imports a bank of presets, a zip file.

    Attributes
    ----------
    recent, takes : QMenu
        The last targets, and the last takes.
    """

    def __init__(
        self,
        window: QWidget,
        desk: Desk,
        settings: Settings,
        sessions: Sessions,
        take_bank: Callable[[Path], object],
    ) -> None:
        super().__init__(window)
        self._window, self._desk, self._settings = window, desk, settings
        self._sessions, self._take_bank = sessions, take_bank
        self.recent = QMenu("Recent targets", window)
        self.takes = QMenu("Kept takes", window)
        for menu, fill in ((self.recent, self._fill_recent), (self.takes, self._fill_takes)):
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(fill)
        desk.attached.connect(self._attach)

    def take(self, path: Path) -> None:
        """Take a dropped file: a match, a preset or a bank by its ending, else a sound."""
        match path.suffix.lower():
            case ".json":
                self.open_preset(path)
            case ending if ending == MATCH:
                self.open_match(path)
            case ".zip":
                self._take_bank(path)
            case _:
                self.load_target(path)

    def load_target(self, path: Path) -> None:
        """Take a sound file as the target."""
        self._ask(path, lambda session: session.target.load(path))

    def open_preset(self, path: Path) -> None:
        """Take all parameters from a preset."""
        self._ask(path, lambda session: session.presets.load(path))

    def save_preset(self, path: Path) -> None:
        """Write all parameters to a preset; a name without an ending gets ".json"."""
        path = _with_ending(path, ".json")
        self._ask(path, lambda session: session.presets.save(path))

    def open_session(self, path: Path) -> None:
        """Go on from a session's file."""
        self._remember(path, self._sessions.open(path))

    def save_session(self, path: Path) -> None:
        """Write the session to a file; a name without an ending gets ".json"."""
        self._remember(path, self._sessions.save(_with_ending(path, ".json")))

    def open_match(self, path: Path) -> None:
        """Take a match up from a file; P goes on with one that had not ended."""
        self._ask(path, lambda session: session.match.load(path))

    def save_match(self, path: Path) -> None:
        """Write the match to a file; a name without an ending gets :data:`MATCH`."""
        path = _with_ending(path, MATCH)
        self._ask(path, lambda session: session.match.save(path))

    def start_capture(self, path: Path) -> None:
        """Write what is heard to a file."""
        self._ask(path, lambda session: session.capture.start(path))

    def stop_capture(self) -> None:
        """Finish the capture."""
        self._desk.ask(lambda session: session.capture.stop())

    def save_last(self, path: Path) -> None:
        """Write what was heard in the last minutes to a file."""
        self._ask(path, lambda session: session.capture.save_last(_MINUTES, path))

    # ------------------------------------------------------------------ dialogs

    def ask(self, title: str, kinds: Kinds, then: Callable[[Path], object]) -> None:
        """Ask for an existing file; see :func:`ask_open`.

        Parameters
        ----------
        title : str
        kinds : mapping
            See :data:`Kinds`.
        then : callable
            Called with the file, unless the dialog is cancelled.
        """
        ask_open(self._window, title, self._settings.folder, kinds, then)

    def ask_where(
        self, title: str, kinds: Kinds, then: Callable[[Path], object], name: str = ""
    ) -> None:
        """Ask for the name of a file to write; see :func:`ask_save`.

        Parameters
        ----------
        title : str
        kinds : mapping
            See :data:`Kinds`.
        then : callable
            Called with the file, unless the dialog is cancelled.
        name : str
            Proposed name, which date and time follow; "" for none.
        """
        name = f"{name} {time.strftime('%Y-%m-%d %H.%M.%S')}" if name else ""
        ask_save(self._window, title, self._settings.folder, kinds, then, name)

    def _ask(self, path: Path, request: Callable[[Session], object]) -> None:
        self._remember(path, self._desk.ask(request))

    def _remember(self, path: Path, done: bool) -> None:
        if done:
            self._settings.folder = str(path.parent)

    # ------------------------------------------------------------------ news

    def _attach(self, session: Session) -> None:
        session.target.loaded.connect(self._on_target)
        session.capture.changed.connect(self._on_capture)

    def _on_target(self) -> None:
        path = self._desk.session.target.path
        if path is not None:
            self._settings.remember_target(path.absolute())

    def _on_capture(self, capture: CaptureState) -> None:
        if not capture.running:
            self._desk.say(f"Captured {capture.seconds:.1f} s in {capture.path}.")

    def _fill_recent(self) -> None:
        self._fill(self.recent, [Path(name) for name in self._settings.recent])

    def _fill_takes(self) -> None:
        takes = sorted(takes_folder().glob("take *.wav"), reverse=True)
        self._fill(self.takes, takes[:_TAKES])

    def _fill(self, menu: QMenu, paths: list[Path]) -> None:
        menu.clear()
        for path in paths:
            action = menu.addAction(path.name)
            action.setToolTip(str(path))
            action.setEnabled(path.exists())
            action.triggered.connect(lambda _=False, p=path: self.load_target(p))
        if not paths:
            menu.addAction("None yet").setEnabled(False)


def _with_ending(path: Path, ending: str) -> Path:
    return path if path.suffix else path.with_suffix(ending)
