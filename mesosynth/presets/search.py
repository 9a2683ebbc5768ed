"""Search of the library: entries, the user's marks, and the search line."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from mesosynth.errors import PresetError, SettingsError
from mesosynth.presets.preset import Preset, Tags, load_preset
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document

# --------------------------------------------------------------------------------------------------
# Entries: presets without their parameters


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A preset's file in the library.

    Attributes
    ----------
    key : str
        "factory/bird.json" or "user/mine.json": the same wherever mesosynth is installed.
    file : str
        Its path.
    modified, size : int
        Time of the last change, ns, and size, bytes: a file with the same of both is the same.
    name, author, comment, instrument : str
    category : str
    tags : tuple of str
        The category and all other tags.
    problem : str
        Why it cannot be loaded, one sentence, or "".
    text : str
        All of its words in lower case, for the search.
    """

    key: str
    file: str
    modified: int
    size: int
    name: str
    author: str = ""
    comment: str = ""
    instrument: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    problem: str = ""
    text: str = ""

    @property
    def path(self) -> Path:
        """Its file."""
        return Path(self.file)

    @property
    def factory(self) -> bool:
        """Whether it is a factory preset."""
        return self.key.startswith("factory/")


def read_entry(key: str, file: str, modified: int, size: int) -> Entry:
    """Entry of a file; a file that is not a preset gives an entry with a problem.

    Parameters
    ----------
    key : str
    file : str
        Path.
    modified : int
        Time of the last change, ns.
    size : int
        Bytes.

    Returns
    -------
    Entry
    """
    try:
        return entry_of(load_preset(file), key, file, modified, size)
    except PresetError as error:
        return Entry(
            key=key, file=file, modified=modified, size=size,
            name=file_kinds.PRESET.stem(Path(file)), problem=str(error),
        )  # fmt: skip


def entry_of(preset: Preset, key: str, file: str, modified: int, size: int) -> Entry:
    """Entry of a preset.

    Parameters
    ----------
    preset : Preset
    key : str
    file : str
        Path.
    modified : int
        Time of the last change, ns.
    size : int
        Bytes.

    Returns
    -------
    Entry
    """
    tags: Tags = preset.tags
    words = (preset.name, *tags.words, preset.author, preset.instrument, preset.comment)
    return Entry(
        key=key, file=file, modified=modified, size=size,
        name=preset.name or file_kinds.PRESET.stem(Path(file)), author=preset.author,
        comment=preset.comment, instrument=preset.instrument, category=tags.category,
        tags=tags.words, text="\n".join(words).casefold(),
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------
# Marks: favourites, ratings, and recent presets
#
# They are in one small file in the user's folder of presets and not in the presets, which may be
# another author's.


MOST_STARS = 5
MOST_RECENT = 50


class Marks(msgspec.Struct, kw_only=True):
    """Favourites, ratings and recent presets, by key.

    Attributes
    ----------
    favourites : dict
        Keys in the order in which they became favourites; the values mean nothing.
    ratings : dict
        Stars, 1 to 5.
    recent : list of str
        Keys, the last played first.
    takes : dict
        Tags of recordings, by file name.
    extra : dict
        Keys of later versions.
    """

    favourites: dict[str, bool] = {}
    ratings: dict[str, int] = {}
    recent: list[str] = []
    takes: dict[str, list[str]] = {}
    extra: dict[str, Any] = {}

    def set_favourite(self, key: str, favourite: bool) -> None:
        """Make a preset a favourite, or not.

        Parameters
        ----------
        key : str
        favourite : bool
        """
        self.favourites.pop(key, None)
        if favourite:
            self.favourites[key] = True

    def rate(self, key: str, stars: int) -> None:
        """Rate a preset.

        Parameters
        ----------
        key : str
        stars : int
            1 to 5; 0 removes the rating.
        """
        self.ratings.pop(key, None)
        if stars > 0:
            self.ratings[key] = min(stars, MOST_STARS)

    def play(self, key: str) -> None:
        """Record that a preset was played."""
        self.recent = [key, *(other for other in self.recent if other != key)][:MOST_RECENT]

    def knows(self, key: str) -> bool:
        """Whether there is a mark of a key."""
        return key in self.favourites or key in self.ratings or key in self.recent

    def forget(self, key: str) -> None:
        """Remove all marks of a key."""
        self.set_favourite(key, False)
        self.rate(key, 0)
        self.recent = [other for other in self.recent if other != key]

    def move(self, before: str, after: str) -> None:
        """Move the marks of a key to another.

        Parameters
        ----------
        before, after : str
            Keys.
        """
        if before in self.favourites:
            self.favourites = {
                after if key == before else key: True for key in self.favourites
            }  # fmt: skip
        if before in self.ratings:
            self.ratings[after] = self.ratings.pop(before)
        self.recent = [after if key == before else key for key in self.recent]


MARKS = Document(Marks, file_kinds.MARKS, SettingsError, numbered=False, largest=8_000_000)
"""File format; a hundred thousand favourites are smaller."""


# --------------------------------------------------------------------------------------------------
# Search line
#
# Words are searched in names, tags, authors, instruments and comments, and all must be found.
# "tag:bell", "author:ada" and "instrument:ripple" search only there; "fav:" finds favourites,
# "rating:3" presets with three stars or more, "is:factory" and "is:user" factory presets and the
# user's. Quotes keep words together, and a minus in front of a term excludes its matches.


Test = Callable[[Entry], bool]

_TERM = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S*))')


def search(entries: Iterable[Entry], line: str, marks: Marks) -> list[Entry]:
    """Entries that match a search line, first those whose names begin with its words.

    Parameters
    ----------
    entries : iterable of Entry
        Otherwise their order stays.
    line : str
        Search line; empty matches all.
    marks : Marks
        The user's, for "fav:" and "rating:".

    Returns
    -------
    list of Entry
    """
    words: list[str] = []
    tests: list[Test] = []
    for minus, key, quoted, plain in _TERM.findall(line.casefold()):
        value = quoted or plain
        test = _test(key, value, marks) if key or value else None
        if test is None:
            continue
        tests.append(_negated(test) if minus else test)
        if not key and not minus:
            words.append(value)
    found = [entry for entry in entries if all(test(entry) for test in tests)]
    if words:
        found.sort(key=lambda entry: _distance(entry, words))
    return found


def _test(key: str, value: str, marks: Marks) -> Test | None:
    match key:
        case "":
            return lambda entry: value in entry.text
        case "tag" | "category":
            return lambda entry: any(value in tag.casefold() for tag in entry.tags)
        case "author":
            return lambda entry: value in entry.author.casefold()
        case "instrument":
            return lambda entry: value in entry.instrument.casefold()
        case "fav":
            return lambda entry: entry.key in marks.favourites
        case "rating":
            least = int(value) if value.isascii() and value.isdigit() else 1
            return lambda entry: marks.ratings.get(entry.key, 0) >= least
        case "is":
            return lambda entry: ("factory" if entry.factory else "user").startswith(value)
        case _:  # a word with a colon
            return lambda entry: f"{key}:{value}" in entry.text


def _negated(test: Test) -> Test:
    return lambda entry: not test(entry)


def _distance(entry: Entry, words: list[str]) -> int:
    """0 where a word begins the name, 1 where the name holds one, 2 elsewhere."""
    name = entry.name.casefold()
    if any(name.startswith(word) for word in words):
        return 0
    return 1 if any(word in name for word in words) else 2
