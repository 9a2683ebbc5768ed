"""What the user thinks of presets: favourites, stars, and what was played last.

They lie in one small file in the user's folder of presets and never in the presets themselves,
which may be somebody else's.
"""

from pathlib import Path

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.system.atomic_file import write_atomically

MARKS_REVISION = 1
MOST_STARS = 5
MOST_RECENT = 50

_LARGEST = 8_000_000  # bytes; a hundred thousand favourites have less


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
    revision : int
        Of the file format.
    """

    favourites: dict[str, bool] = {}
    ratings: dict[str, int] = {}
    recent: list[str] = []
    revision: int = MARKS_REVISION

    def set_favourite(self, key: str, favourite: bool) -> None:
        """Make a preset a favourite, or not."""
        self.favourites.pop(key, None)
        if favourite:
            self.favourites[key] = True

    def rate(self, key: str, stars: int) -> None:
        """Give a preset 1 to 5 stars; 0 takes them away."""
        self.ratings.pop(key, None)
        if stars > 0:
            self.ratings[key] = min(stars, MOST_STARS)

    def play(self, key: str) -> None:
        """Remember that a preset was played."""
        self.recent = [key, *(other for other in self.recent if other != key)][:MOST_RECENT]

    def forget(self, key: str) -> bool:
        """Let nothing be said of a key; return whether anything was."""
        said = (key in self.favourites, key in self.ratings, key in self.recent)
        self.set_favourite(key, False)
        self.rate(key, 0)
        self.recent = [other for other in self.recent if other != key]
        return any(said)

    def move(self, before: str, after: str) -> None:
        """Let what is said of one key be said of another."""
        if before in self.favourites:
            self.favourites = {
                after if key == before else key: True for key in self.favourites
            }  # fmt: skip
        if before in self.ratings:
            self.ratings[after] = self.ratings.pop(before)
        self.recent = [after if key == before else key for key in self.recent]


def load_marks(path: Path) -> tuple[Marks, str]:
    """Read the user's marks.

    Returns
    -------
    marks : Marks
        None yet, if there is no file or it cannot be read.
    trouble : str
        What to tell the user; "" when all is well. A file that is broken, or was written by a later
        mesosynth, is put beside under another name, and nothing of it is lost.
    """
    try:
        with path.open("rb") as file:
            marks = msgspec.json.decode(file.read(_LARGEST), type=Marks)
        if marks.revision != MARKS_REVISION:
            raise ValueError(f"revision {marks.revision} is of another mesosynth")
        return marks, ""
    except FileNotFoundError:
        return Marks(), ""
    except OSError as error:
        return Marks(), f"{path} cannot be read: {error.strerror}; there are no favourites."
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        beside = path.with_name(f"{path.name}.put-aside")
        try:
            path.replace(beside)
        except OSError:
            beside = path
        return Marks(), f"The library's favourites cannot be read ({error}); they are in {beside}."


def save_marks(path: Path, marks: Marks) -> None:
    """Write the user's marks, whole or not at all.

    Raises
    ------
    SettingsError
        If they cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, msgspec.json.format(msgspec.json.encode(marks), indent=1) + b"\n")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error
