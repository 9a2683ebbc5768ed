"""A preset as the library lists it: what is said of it, and none of its numbers."""

from pathlib import Path

import msgspec

from mesosynth.errors import PresetError
from mesosynth.presets.preset import Preset, Tags, load_preset


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file of the library.

    Attributes
    ----------
    key : str
        "factory/bird.json" or "user/mine.json": the same wherever mesosynth is installed.
    file : str
        Its path.
    modified, size : int
        When it was last written, ns, and its bytes: a file with the same of both is the same.
    name, author, comment, instrument : str
    category : str
    tags : tuple of str
        The category and all other tags.
    problem : str
        Why it cannot be loaded, one sentence, or "".
    text : str
        All of its words in small letters, to be searched.
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
        """Whether mesosynth brought it."""
        return self.key.startswith("factory/")


def read_entry(key: str, file: str, modified: int, size: int) -> Entry:
    """Read a file; one that is no preset becomes an entry with a problem."""
    try:
        return entry_of(load_preset(file), key, file, modified, size)
    except PresetError as error:
        return Entry(
            key=key, file=file, modified=modified, size=size, name=Path(file).stem,
            problem=str(error),
        )  # fmt: skip


def entry_of(preset: Preset, key: str, file: str, modified: int, size: int) -> Entry:
    """What the library lists of a preset."""
    tags: Tags = preset.tags
    words = (preset.name, *tags.words, preset.author, preset.instrument, preset.comment)
    return Entry(
        key=key, file=file, modified=modified, size=size, name=preset.name or Path(file).stem,
        author=preset.author, comment=preset.comment, instrument=preset.instrument,
        category=tags.category, tags=tags.words, text="\n".join(words).casefold(),
    )  # fmt: skip
