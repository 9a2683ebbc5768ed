"""The library: all presets of the program and of the user, with tags, favourites and ratings."""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import platformdirs

from mesosynth.effects import EFFECTS
from mesosynth.errors import PresetError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.presets import bank as files
from mesosynth.presets.bank import (
    Imported,
    Progress,
    file_stem,
    go_on,
    read_bank,
    take_bank,
    write_bank,
)
from mesosynth.presets.preset import PRESET, Preset, load_preset, save_preset
from mesosynth.presets.search import MARKS, Entry, Marks, read_entry, search
from mesosynth.system.atomic_file import sweep_drafts, write_atomically
from mesosynth.system.paths import resource

# --------------------------------------------------------------------------------------------------
# Looking through folders of presets, quickly because what is known already is not read again.
#
# What was found last time lies in a file in the user's cache folder. It counts for files of the
# same path, time and size, and only as long as the plugins take the same parameters.


MOST_FILES = 100_000
"""In all folders together; somebody's whole disk is no library."""

_DEEPEST = 8  # folders in folders
_PROBLEMS = 2  # raised when files that cannot be loaded are told of in other words


class _Known(msgspec.Struct):
    stamp: str
    entries: list[Entry]


def scan(folders: Mapping[str, Path], known: Mapping[str, Entry]) -> dict[str, Entry]:
    """All presets in `folders`, by key.

    Parameters
    ----------
    folders : mapping of str to Path
        By the first part of their keys.
    known : mapping of str to Entry
        What was found before, by key; what has not changed since is taken from here.
    """
    found: dict[str, Entry] = {}
    for first, folder in folders.items():
        for name, file in _presets(str(folder), f"{first}/", _DEEPEST):
            if len(found) >= MOST_FILES:
                return found
            try:
                status = file.stat()
            except OSError:
                continue  # it is gone again
            modified, size = status.st_mtime_ns, status.st_size
            entry = known.get(name)
            if (
                entry is None
                or (entry.modified, entry.size, entry.file) != (modified, size, file.path)
            ):  # fmt: skip
                entry = read_entry(name, file.path, modified, size)
            found[name] = entry
    return found


def load_known(path: Path) -> dict[str, Entry]:
    """What was found last time; nothing where that cannot be told."""
    try:
        known = msgspec.msgpack.decode(path.read_bytes(), type=_Known)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return {entry.key: entry for entry in known.entries} if known.stamp == _stamp() else {}


def save_known(path: Path, entries: Mapping[str, Entry]) -> None:
    """Remember what was found; where that is not possible, the next start takes longer."""
    content = msgspec.msgpack.encode(_Known(_stamp(), list(entries.values())))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError:
        pass


def _presets(folder: str, key: str, deepest: int) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Files that may be presets, with their keys; hidden ones are somebody's drafts."""
    try:
        listing = os.scandir(folder)
    except OSError:
        return  # not there yet, or not ours to read
    with listing:
        for file in listing:
            if file.name.startswith("."):
                continue
            if file.name.lower().endswith(".json"):
                yield key + file.name, file
            elif deepest > 0 and file.is_dir(follow_symlinks=False):
                yield from _presets(file.path, f"{key}{file.name}/", deepest - 1)


def _stamp() -> str:
    """What decides whether a preset can be loaded, besides its file."""
    tables = [
        (name, [(p.id, p.minimum, p.maximum, p.smallest) for p in kind.parameters.values()])
        for name, kind in {**INSTRUMENTS, **EFFECTS}.items()
    ]
    return hashlib.sha256(repr((PRESET.revision, _PROBLEMS, tables)).encode()).hexdigest()


# --------------------------------------------------------------------------------------------------
# The library itself: two folders of presets, watched, and what the user thinks of them.


FOLDER_VARIABLE = "MESOSYNTH_PRESETS"
"""The environment variable that names another folder for the user's presets."""

LOOK_SECONDS = 1.0
"""Time between two looks at the folders."""

_MARKS = ".marks.json"


def user_folder() -> Path:
    """Where the user's presets lie; it may not exist yet."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        return Path(folder)
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "presets"


class Library:
    """All presets, those that mesosynth brings and the user's.

    Nothing is read before :meth:`refresh` or :meth:`watch`. Any thread may call it.

    Parameters
    ----------
    factory, user, cache : Path, optional
        Folders other than the usual ones.

    Attributes
    ----------
    revision : int
        Grows whenever :attr:`entries` or :attr:`problems` change.
    entries : sequence of Entry
        What can be loaded, by name.
    problems : sequence of Entry
        What cannot, with the reasons.
    marks : Marks
        The user's favourites, ratings and recent presets; change them by the methods here.
    trouble : str
        What to tell the user about a broken file of marks, or "".
    """

    def __init__(
        self, factory: Path | None = None, user: Path | None = None, cache: Path | None = None
    ) -> None:
        self.user = user or user_folder()
        self._folders = {"factory": factory or resource("presets"), "user": self.user}
        cache = cache or platformdirs.user_cache_path("mesosynth", appauthor=False)
        self._cache = cache / "library.msgpack"
        self._found: dict[str, Entry] | None = None
        self._lock = threading.RLock()
        self._marks_lock = threading.Lock()  # of its own: a look at the folders may take long
        self._end = threading.Event()
        self._watcher: threading.Thread | None = None
        self.revision = 0
        self.entries: Sequence[Entry] = ()
        self.problems: Sequence[Entry] = ()
        self.marks, self.trouble = MARKS.load_own(
            self.user / _MARKS, Marks(), "the library starts without favourites"
        )

    # ------------------------------------------------------------------ what there is

    def recall(self) -> None:
        """List what was found when somebody last looked, at once; :meth:`refresh` sees to it."""
        with self._lock:
            if self._found is None:
                self._show(load_known(self._cache))

    def refresh(self) -> bool:
        """Look at the folders; return whether something has changed since the last look."""
        with self._lock:
            before = load_known(self._cache) if self._found is None else self._found
            found = scan(self._folders, before)
            if found == self._found:
                return False
            if found != before:
                save_known(self._cache, found)
            self._show(found)
            return True

    def _show(self, found: dict[str, Entry]) -> None:
        self._found = found
        entries = sorted(found.values(), key=lambda entry: (entry.name.casefold(), entry.key))
        self.entries = tuple(entry for entry in entries if not entry.problem)
        self.problems = tuple(entry for entry in entries if entry.problem)
        self.revision += 1

    def watch(self) -> None:
        """Look at the folders from now on, again and again, in the background."""
        if self._watcher is None:
            self.recall()
            self._watcher = threading.Thread(target=self._look, name="library", daemon=True)
            self._watcher.start()

    def close(self) -> None:
        """Watch no more. A second call does nothing."""
        self._end.set()
        if self._watcher is not None:
            self._watcher.join()

    def _look(self) -> None:
        for folder in (self.user, self._cache.parent):
            sweep_drafts(folder)
        self.refresh()
        while not self._end.wait(LOOK_SECONDS):
            self.refresh()

    def search(self, line: str = "") -> list[Entry]:
        """What a line in the search field asks for; see :mod:`mesosynth.presets.search`."""
        return search(self.entries, line, self.marks)

    @property
    def tags(self) -> list[str]:
        """All tags there are, the most frequent first."""
        count: dict[str, int] = {}
        for entry in self.entries:
            for tag in entry.tags:
                count[tag] = count.get(tag, 0) + 1
        return sorted(count, key=lambda tag: (-count[tag], tag.casefold()))

    @property
    def recent(self) -> list[Entry]:
        """What was played last, the last first."""
        by_key = {entry.key: entry for entry in self.entries}
        return [by_key[key] for key in self.marks.recent if key in by_key]

    @property
    def bank(self) -> list[Path]:
        """What MIDI programs call: favourites in their order, or all presets if there are none."""
        by_key = {entry.key: entry for entry in self.entries}
        favourites = [by_key[key] for key in self.marks.favourites if key in by_key]
        return [entry.path for entry in favourites or self.entries]

    def find(self, path: Path) -> Entry | None:
        """The entry of a file, if it is in the library."""
        return next((entry for entry in self.entries if entry.path == path), None)

    # ------------------------------------------------------------------ what the user does

    def save(self, preset: Preset, over: Path | None = None) -> Path:
        """Write a preset to the user's folder, and return its file.

        Where its name is taken it is called "name 2"; nothing is overwritten but `over`.

        Parameters
        ----------
        preset : Preset
        over : Path, optional
            A file of the user's that it replaces.

        Raises
        ------
        PresetError
            If it cannot be written, or `over` is not the user's.
        """
        if over is not None:
            self._check_own(over)
            save_preset(over, preset)
            path = over
        else:
            path = files.save_new(self.user, preset, self._taken())
            self._forget([path])
        self.refresh()
        return path

    def edit(self, entry: Entry, preset: Preset) -> Path:
        """Write a preset of the user's anew, and return its file.

        With another name it gets a file of that name, or of "name 2" where that is taken; marks go
        with it. Raises as :meth:`save`.
        """
        self._check_own(entry.path)
        own = {entry.name.casefold(), entry.path.name.casefold()}
        taken, name = self._taken() - own, preset.name.casefold()
        same_file = file_stem(preset.name).casefold() == entry.path.stem.casefold()
        if preset.name == entry.name or (same_file and name not in taken):
            return self.save(preset, entry.path)
        path = files.save_new(entry.path.parent, preset, taken)
        entry.path.unlink(missing_ok=True)
        with self._marks_lock:
            self.marks.move(entry.key, self._key(path))
            self._save_marks()
        self.refresh()
        return path

    def remove(self, entry: Entry) -> Path:
        """Put a preset of the user's out of sight, and return where it lies now.

        Its marks stay, for :meth:`restore`.

        Raises
        ------
        PresetError
            If it is not the user's, or cannot be moved.
        """
        if entry.factory:
            raise PresetError(f"{entry.name} came with mesosynth and stays.")
        away = files.put_away(self.user, entry.path)
        self.refresh()
        return away

    def restore(self, away: Path, path: Path) -> Path:
        """Put back to `path` what :meth:`remove` put `away`, and return where it lies now.

        Raises
        ------
        PresetError
            If it is not there any more, or cannot be moved.
        """
        back = files.put_back(away, path)
        self.refresh()
        return back

    def _key(self, path: Path) -> str:
        return f"user/{path.relative_to(self.user).as_posix()}"

    def _save_marks(self) -> None:
        MARKS.save(self.user / _MARKS, self.marks, make_folder=True)

    def _forget(self, paths: Iterable[Path]) -> None:
        """What was said of a sound that had this place before is not said of a new one."""
        with self._marks_lock:
            said = [self.marks.forget(self._key(path)) for path in paths]
            if any(said):
                self._save_marks()

    def _check_own(self, path: Path) -> None:
        if not path.absolute().is_relative_to(self.user.absolute()):
            raise PresetError(f"{path} is not in {self.user}; save it under a new name there.")

    def _taken(self) -> set[str]:
        """Names of presets and files that nobody else may have, in small letters."""
        names = [*(entry.name for entry in self.entries), *files.names(self.user)]
        return {name.casefold() for name in names}

    def set_favourite(self, entry: Entry, favourite: bool) -> None:
        """Make a preset a favourite, or not.

        Raises
        ------
        SettingsError
            If that cannot be remembered.
        """
        with self._marks_lock:
            self.marks.set_favourite(entry.key, favourite)
            self._save_marks()

    def rate(self, entry: Entry, stars: int) -> None:
        """Give a preset 1 to 5 stars, or none with 0; raises as above."""
        with self._marks_lock:
            self.marks.rate(entry.key, stars)
            self._save_marks()

    def note_played(self, entry: Entry) -> None:
        """Remember that a preset was played; raises as above."""
        with self._marks_lock:
            self.marks.play(entry.key)
            self._save_marks()

    def import_bank(self, path: Path, on_progress: Progress = go_on) -> Imported:
        """Take the presets of a zip file into the user's folder, under free names.

        What is there already, to the byte or but for its name, is not taken twice.

        Parameters
        ----------
        path : Path
        on_progress : callable, optional
            Gets how many of how many presets are done; False ends the import, and takes back what
            has been taken.

        Returns
        -------
        Imported
            The new files, and what was left out and why.

        Raises
        ------
        PresetError
            If it is no zip file, or no harmless one, or a preset cannot be written; then nothing is
            taken.
        """
        there = [entry.path for entry in self.entries]
        imported = take_bank(read_bank(path), self.user, there, self._taken(), on_progress)
        self._forget(imported.files)
        self.refresh()
        return imported

    def export_bank(
        self, entries: Iterable[Entry], path: Path, on_progress: Progress = go_on
    ) -> bool:
        """Write presets to a zip file, which :meth:`import_bank` reads anywhere.

        Parameters
        ----------
        entries : iterable of Entry
        path : Path
        on_progress : callable, optional
            As above; an export that is ended writes nothing.

        Returns
        -------
        bool
            Whether it was not ended.

        Raises
        ------
        PresetError
            If one of the presets cannot be read, or `path` cannot be written.
        """
        wanted = list(entries)
        presets: list[Preset] = []
        for entry in wanted:
            if not on_progress(len(presets), len(wanted)):
                return False
            presets.append(load_preset(entry.path))
        write_bank(path, presets)
        return True
