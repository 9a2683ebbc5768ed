"""Library: all factory and user presets, with tags, favourites and ratings."""

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import platformdirs

from mesosynth.effects import EFFECTS
from mesosynth.errors import PresetError, SettingsError
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
from mesosynth.system.file_lock import one_at_a_time
from mesosynth.system.paths import resource

_log = logging.getLogger(__name__)

# --------------------------------------------------------------------------------------------------
# Scan of the folders, with a cache
#
# The last result is in a file in the user's cache folder. It holds for files of the same path, time
# and size, as long as the plugins have the same parameters.


MOST_FILES = 100_000
"""Most presets in all folders together."""

_DEEPEST = 8  # folders in folders
_PROBLEMS = 2  # increase it when the sentences about files that cannot be loaded change


class _Known(msgspec.Struct):
    stamp: str
    entries: list[Entry]


def scan(folders: Mapping[str, Path], known: Mapping[str, Entry]) -> dict[str, Entry]:
    """Scan folders for presets.

    Parameters
    ----------
    folders : mapping of str to Path
        By the first part of their keys.
    known : mapping of str to Entry
        Last result, by key; unchanged files are not read again.

    Returns
    -------
    dict of Entry by key
    """
    found: dict[str, Entry] = {}
    for first, folder in folders.items():
        for name, file in _presets(str(folder), f"{first}/", _DEEPEST):
            if len(found) >= MOST_FILES:
                return found
            try:
                status = file.stat()
            except OSError:
                continue  # it was deleted meanwhile
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
    """Cached result of the last scan; empty where it is not valid."""
    try:
        known = msgspec.msgpack.decode(path.read_bytes(), type=_Known)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        _log.info("%s is started anew: %s", path, error)
        return {}
    return {entry.key: entry for entry in known.entries} if known.stamp == _stamp() else {}


def save_known(path: Path, entries: Mapping[str, Entry]) -> None:
    """Cache the result of a scan; without it, the next start takes longer.

    Parameters
    ----------
    path : Path
    entries : mapping of str to Entry
        By key.
    """
    try:
        content = msgspec.msgpack.encode(_Known(_stamp(), list(entries.values())))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except (OSError, ValueError) as error:  # a full disk; a name that is not UTF-8
        _log.info("%s is not kept: %s", path, error)


def _presets(folder: str, key: str, deepest: int) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Files that may be presets, with their keys; hidden files are unfinished ones."""
    try:
        listing = os.scandir(folder)
    except OSError:
        return  # it does not exist yet, or must not be read
    with listing:
        for file in listing:
            if file.name.startswith("."):
                continue
            if file.name.lower().endswith(".json"):
                yield key + file.name, file
            elif deepest > 0 and file.is_dir(follow_symlinks=False):
                yield from _presets(file.path, f"{key}{file.name}/", deepest - 1)


def _stamp() -> str:
    """Hash of all that decides whether a preset can be loaded, besides its file."""
    tables = [
        (name, [(p.id, p.minimum, p.maximum, p.smallest) for p in kind.parameters.values()])
        for name, kind in {**INSTRUMENTS, **EFFECTS}.items()
    ]
    return hashlib.sha256(repr((PRESET.revision, _PROBLEMS, tables)).encode()).hexdigest()


# --------------------------------------------------------------------------------------------------
# The library: two folders of presets, watched, and the user's marks


FOLDER_VARIABLE = "MESOSYNTH_PRESETS"
"""Environment variable with another folder for the user's presets."""

LOOK_SECONDS = 1.0
"""Time between two looks at the folders."""

_MARKS = ".marks.json"


def user_folder() -> Path:
    """Folder of the user's presets; it may not exist yet."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        return Path(folder)
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "presets"


class Library:
    """Factory presets and the user's presets.

    Nothing is read before :meth:`refresh` or :meth:`watch`. Any thread may call it.

    Parameters
    ----------
    factory, user, cache : Path, optional
        Folders other than the usual ones.

    Attributes
    ----------
    revision : int
        Grows with each change of :attr:`entries` or :attr:`problems`.
    entries : sequence of Entry
        Presets that can be loaded, by name.
    problems : sequence of Entry
        Files that cannot be loaded, with the reasons.
    marks : Marks
        Favourites, ratings, recent presets and tags of takes; change them by the methods here.
    trouble : str
        Message for the user about a broken file of marks, or "".
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
        self._marks_lock = threading.Lock()  # separate, since a scan may take long
        self._end = threading.Event()
        self._watcher: threading.Thread | None = None
        self.revision = 0
        self.entries: Sequence[Entry] = ()
        self.problems: Sequence[Entry] = ()
        self.marks, self.trouble = MARKS.load_own(
            self.user / _MARKS, Marks(), "the library starts without favourites"
        )

    def recall(self) -> None:
        """List the result of the last scan at once; :meth:`refresh` updates it."""
        with self._lock:
            if self._found is None:
                self._show(load_known(self._cache))

    def refresh(self) -> bool:
        """Scan the folders; return whether the entries changed."""
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
        """Scan the folders again and again, in the background."""
        if self._watcher is None:
            self.recall()
            self._watcher = threading.Thread(target=self._look, name="library", daemon=True)
            self._watcher.start()

    def close(self) -> None:
        """Stop watching. A second call does nothing."""
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
        """Entries for a line of the search field; see :mod:`mesosynth.presets.search`."""
        return search(self.entries, line, self.marks)

    @property
    def tags(self) -> list[str]:
        """All tags, the most frequent first."""
        count: dict[str, int] = {}
        for entry in self.entries:
            for tag in entry.tags:
                count[tag] = count.get(tag, 0) + 1
        return sorted(count, key=lambda tag: (-count[tag], tag.casefold()))

    @property
    def recent(self) -> list[Entry]:
        """Entries that were played, the last first."""
        by_key = {entry.key: entry for entry in self.entries}
        return [by_key[key] for key in self.marks.recent if key in by_key]

    @property
    def bank(self) -> list[Path]:
        """Presets of MIDI programs: favourites in their order, or all presets if there are none."""
        by_key = {entry.key: entry for entry in self.entries}
        favourites = [by_key[key] for key in self.marks.favourites if key in by_key]
        return [entry.path for entry in favourites or self.entries]

    def find(self, path: Path) -> Entry | None:
        """Entry of a file, if it is in the library."""
        return next((entry for entry in self.entries if entry.path == path), None)

    def save(self, preset: Preset, over: Path | None = None) -> Path:
        """Write a preset to the user's folder.

        Where its name is taken it becomes "name 2"; nothing is overwritten except `over`.

        Parameters
        ----------
        preset : Preset
        over : Path, optional
            A file of the user to replace.

        Returns
        -------
        Path
            Its file.

        Raises
        ------
        PresetError
            If it cannot be written, or `over` is not in the user's folder.
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
        """Write a changed preset of the user.

        With another name it gets a file of that name, or of "name 2" where that is taken; its marks
        go with it.

        Parameters
        ----------
        entry : Entry
            The old preset.
        preset : Preset
            The new one.

        Returns
        -------
        Path
            Its file.

        Raises
        ------
        PresetError
            If it cannot be written, or is not in the user's folder.
        """
        self._check_own(entry.path)
        own = {entry.name.casefold(), entry.path.name.casefold()}
        taken, name = self._taken() - own, preset.name.casefold()
        same_file = file_stem(preset.name).casefold() == entry.path.stem.casefold()
        if preset.name == entry.name or (same_file and name not in taken):
            return self.save(preset, entry.path)
        path = files.save_new(entry.path.parent, preset, taken)
        entry.path.unlink(missing_ok=True)
        with self._marking() as marks:
            marks.move(entry.key, self._key(path))
        self.refresh()
        return path

    def remove(self, entry: Entry) -> Path:
        """Move a preset of the user to the folder of removed presets.

        Its marks stay, for :meth:`restore`.

        Parameters
        ----------
        entry : Entry

        Returns
        -------
        Path
            Its new path.

        Raises
        ------
        PresetError
            If it is a factory preset, or cannot be moved.
        """
        if entry.factory:
            raise PresetError(f"{entry.name} came with mesosynth and stays.")
        away = files.put_away(self.user, entry.path)
        self.refresh()
        return away

    def restore(self, away: Path, path: Path) -> Path:
        """Restore a removed preset.

        Parameters
        ----------
        away : Path
            Result of :meth:`remove`.
        path : Path
            Its old path.

        Returns
        -------
        Path
            Its new path.

        Raises
        ------
        PresetError
            If it does not exist any more, or cannot be moved.
        """
        back = files.put_back(away, path)
        self.refresh()
        return back

    def _key(self, path: Path) -> str:
        return f"user/{path.relative_to(self.user).as_posix()}"

    @contextlib.contextmanager
    def _marking(self) -> Generator[Marks]:
        """Marks to change as they are on the disk, where another desk may have changed them."""
        path = self.user / _MARKS
        with self._marks_lock, one_at_a_time(self.user):
            with contextlib.suppress(SettingsError):
                self.marks = MARKS.load(path)
            yield self.marks
            MARKS.save(path, self.marks, make_folder=True)

    def _forget(self, paths: Iterable[Path]) -> None:
        """Remove marks of an older preset with the same key."""
        keys = [self._key(path) for path in paths]
        if any(map(self.marks.knows, keys)):
            with self._marking() as marks:
                for key in keys:
                    marks.forget(key)

    def _check_own(self, path: Path) -> None:
        if not path.absolute().is_relative_to(self.user.absolute()):
            raise PresetError(f"{path} is not in {self.user}; save it under a new name there.")

    def _taken(self) -> set[str]:
        """Names of presets and files that are taken, in lower case."""
        names = [*(entry.name for entry in self.entries), *files.names(self.user)]
        return {name.casefold() for name in names}

    def set_favourite(self, entry: Entry, favourite: bool) -> None:
        """Make a preset a favourite, or not.

        Parameters
        ----------
        entry : Entry
        favourite : bool

        Raises
        ------
        SettingsError
            If the marks cannot be saved.
        """
        with self._marking() as marks:
            marks.set_favourite(entry.key, favourite)

    def rate(self, entry: Entry, stars: int) -> None:
        """Rate a preset.

        Parameters
        ----------
        entry : Entry
        stars : int
            1 to 5; 0 removes the rating.

        Raises
        ------
        SettingsError
            If the marks cannot be saved.
        """
        with self._marking() as marks:
            marks.rate(entry.key, stars)

    def note_played(self, entry: Entry) -> None:
        """Record that a preset was played.

        Raises
        ------
        SettingsError
            If the marks cannot be saved.
        """
        with self._marking() as marks:
            marks.play(entry.key)

    def tag_take(self, name: str, tag: str, tagged: bool = True) -> None:
        """Tag a take, or not.

        Parameters
        ----------
        name : str
            Of its file.
        tag : str
        tagged : bool

        Raises
        ------
        SettingsError
            If the marks cannot be saved.
        """
        with self._marking() as marks:
            tags = [*(one for one in marks.takes.pop(name, ()) if one != tag)]
            if tagged:
                tags.append(tag)
            if tags:
                marks.takes[name] = tags

    def import_bank(self, path: Path, on_progress: Progress = go_on) -> Imported:
        """Import the presets of a zip file to the user's folder, under free names.

        A preset that exists already, byte by byte except for its name, is not imported again.

        Parameters
        ----------
        path : Path
        on_progress : callable, optional
            Receives the number of presets done and of all presets; False cancels the import and
            removes its files.

        Returns
        -------
        Imported
            The new files, and a sentence for each preset that was left out.

        Raises
        ------
        PresetError
            If it is not a zip file, is harmful, or a preset cannot be written; then nothing is
            imported.
        """
        there = [entry.path for entry in self.entries]
        imported = take_bank(read_bank(path), self.user, there, self._taken(), on_progress)
        self._forget(imported.files)
        self.refresh()
        return imported

    def export_bank(
        self, entries: Iterable[Entry], path: Path, on_progress: Progress = go_on
    ) -> bool:
        """Write presets to a zip file for :meth:`import_bank`.

        Parameters
        ----------
        entries : iterable of Entry
        path : Path
        on_progress : callable, optional
            Receives the number of presets done and of all presets; False cancels the export, and
            nothing is written.

        Returns
        -------
        bool
            False if it was cancelled.

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
