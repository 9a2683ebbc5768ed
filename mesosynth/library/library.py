"""The library itself: two folders of presets, watched, and what the user thinks of them."""

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import platformdirs

from mesosynth.atomic_file import write_new
from mesosynth.errors import PresetError
from mesosynth.library.bank import Imported, read_bank, write_bank
from mesosynth.library.entry import Entry
from mesosynth.library.marks import load_marks, save_marks
from mesosynth.library.names import alternatives, file_stem
from mesosynth.library.scan import load_known, save_known, scan
from mesosynth.library.search import search
from mesosynth.presets import Preset, load_preset, preset_to_json, save_preset
from mesosynth.resources import resource

FOLDER_VARIABLE = "MESOSYNTH_PRESETS"
"""The environment variable that names another folder for the user's presets."""

LOOK_SECONDS = 1.0
"""Time between two looks at the folders."""

_MARKS = ".marks.json"
_REMOVED = ".removed"


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
        self._end = threading.Event()
        self._watcher: threading.Thread | None = None
        self.revision = 0
        self.entries: Sequence[Entry] = ()
        self.problems: Sequence[Entry] = ()
        self.marks, self.trouble = load_marks(self.user / _MARKS)

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
        self.refresh()
        while not self._end.wait(LOOK_SECONDS):
            self.refresh()

    def search(self, line: str = "") -> list[Entry]:
        """What a line in the search field asks for; see :mod:`mesosynth.library.search`."""
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
            if not over.absolute().is_relative_to(self.user.absolute()):
                raise PresetError(f"{over} is not in {self.user}; save it under a new name there.")
            save_preset(over, preset)
            self.refresh()
            return over
        path = self._save_new(preset, self._taken())
        self.refresh()
        return path

    def _taken(self) -> set[str]:
        """Names of presets and files that nobody else may have, in small letters."""
        names = [*(entry.name for entry in self.entries), *_names(self.user)]
        return {name.casefold() for name in names}

    def _save_new(self, preset: Preset, taken: set[str]) -> Path:
        for name in alternatives(preset.name.strip() or "Preset"):
            path = self.user / f"{file_stem(name)}.json"
            if name.casefold() in taken or path.name.casefold() in taken:
                continue
            text = preset_to_json(msgspec.structs.replace(preset, name=name), str(path))
            try:
                self.user.mkdir(parents=True, exist_ok=True)
                write_new(path, text)
            except FileExistsError:
                continue
            except OSError as error:
                raise PresetError(f"{path} cannot be written: {error.strerror}.") from error
            taken |= {name.casefold(), path.name.casefold()}
            return path
        raise AssertionError("names never end")

    def remove(self, entry: Entry) -> Path:
        """Put a preset of the user's out of sight, and return where it lies now.

        Raises
        ------
        PresetError
            If it is not the user's, or cannot be moved.
        """
        if entry.factory:
            raise PresetError(f"{entry.name} came with mesosynth and stays.")
        away = self.user / _REMOVED
        try:
            away.mkdir(exist_ok=True)
            there = next(
                away / f"{stem}.json"
                for stem in alternatives(entry.path.stem)
                if not (away / f"{stem}.json").exists()
            )
            entry.path.rename(there)
        except OSError as error:
            raise PresetError(f"{entry.path} cannot be removed: {error.strerror}.") from error
        self.refresh()
        return there

    def set_favourite(self, entry: Entry, favourite: bool) -> None:
        """Make a preset a favourite, or not.

        Raises
        ------
        SettingsError
            If that cannot be remembered.
        """
        with self._lock:
            self.marks.set_favourite(entry.key, favourite)
            save_marks(self.user / _MARKS, self.marks)

    def rate(self, entry: Entry, stars: int) -> None:
        """Give a preset 1 to 5 stars, or none with 0; raises as above."""
        with self._lock:
            self.marks.rate(entry.key, stars)
            save_marks(self.user / _MARKS, self.marks)

    def note_played(self, entry: Entry) -> None:
        """Remember that a preset was played; raises as above."""
        with self._lock:
            self.marks.play(entry.key)
            save_marks(self.user / _MARKS, self.marks)

    def import_bank(self, path: Path) -> Imported:
        """Take the presets of a zip file into the user's folder, under free names.

        What is there already, to the byte or but for its name, is not taken twice.

        Returns
        -------
        Imported
            The new files, and what was left out and why.

        Raises
        ------
        PresetError
            If it is no zip file, or no harmless one; then nothing is taken.
        """
        bank = read_bank(path)
        there = {_content(load_preset(entry.path)) for entry in self.entries}
        taken = self._taken()
        files: list[Path] = []
        left_out = list(bank.left_out)
        for preset in bank.presets:
            if _content(preset) in there:
                left_out.append(f"{preset.name} is there already.")
            else:
                files.append(self._save_new(preset, taken))
        self.refresh()
        return Imported(tuple(files), tuple(left_out))

    def export_bank(self, entries: Iterable[Entry], path: Path) -> None:
        """Write presets to a zip file, which :meth:`import_bank` reads anywhere.

        Raises
        ------
        PresetError
            If one of them cannot be read, or `path` cannot be written.
        """
        write_bank(path, [load_preset(entry.path) for entry in entries])


def _content(preset: Preset) -> bytes:
    """Everything but the name."""
    return preset_to_json(msgspec.structs.replace(preset, name=""), preset.name)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
