"""Sequence files: one JSON line a window, appended as the match goes."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from mesosynth.errors import AudioFileError, MatchFileError
from mesosynth.matching.results import LongSound, MatchedSequence, Moment, SequenceSettings
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, Object
from mesosynth.system.line_document import LineDocument

# --------------------------------------------------------------------------------------------------
# Where sequences are kept whose file nobody named, so that the same request goes on with them.


def run_of(path: Path, settings: SequenceSettings) -> Path:
    """The file that a sequence of a sound file by these settings grows in.

    Raises
    ------
    AudioFileError
        If the sound file cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}.") from error
    digest.update(msgspec.json.encode(settings, order="deterministic"))
    folder = platformdirs.user_cache_path("mesosynth", appauthor=False) / "sequences"
    return folder / f"{path.stem}-{digest.hexdigest()[:12]}.jsonl"


# --------------------------------------------------------------------------------------------------
# A sequence in a file that grows by a line a window, so that whatever ends it costs one window.
#
# The first line says what is matched, and how; each further line is a moment. A line that was cut
# short by a crash is taken away before the next one is written.


class SequenceHead(msgspec.Struct, frozen=True, kw_only=True):
    """First line of a sequence's file.

    Attributes
    ----------
    sound : LongSound
    settings : SequenceSettings
    extra : dict
        Keys of later versions.
    """

    sound: LongSound
    settings: SequenceSettings
    extra: dict[str, Any] = {}


def _drop_old_kind(raw: Object) -> None:
    """Revision 1 had neither kind nor revision, but a key of its own."""
    raw.pop("mesosynth_sequence", None)


SEQUENCE = LineDocument(
    Document(
        SequenceHead, file_kinds.SEQUENCE, MatchFileError,
        revision=2, migrations=[_drop_old_kind], numbered=False, indent=None,
    ),
    Moment,
    largest=500_000_000,
)  # fmt: skip
"""The format; a window takes some five hundred bytes, and a day of them, twenty a second, is no
sequence of ours."""


class SequenceFile:
    """A sequence that is being written.

    Parameters
    ----------
    path : Path
        A new file; or an older one of the same sound and settings, which is gone on with.
    sound : LongSound
    settings : SequenceSettings

    Attributes
    ----------
    moments : list of Moment
        What the file held before.

    Raises
    ------
    MatchFileError
        If it cannot be written, or holds anything else.
    """

    def __init__(self, path: Path, sound: LongSound, settings: SequenceSettings) -> None:
        with SEQUENCE.head.reading(path):
            there = path.exists() and path.stat().st_size > 0
        if there:
            self._file = SEQUENCE.go_on(path)
        else:
            self._file = SEQUENCE.begin(path, SequenceHead(sound=sound, settings=settings))
        before = self._file.head
        if (before.sound.sha256, before.settings) != (sound.sha256, settings):
            self.close()
            raise MatchFileError(
                f"{path} is a sequence of {before.sound.name} by hops of "
                f"{before.settings.hop:g} s, with other settings or of another sound; name "
                "another file, or delete this one."
            )
        self.moments = list(self._file.lines)

    def append(self, moment: Moment) -> None:
        """Write a moment; it is on the disk when this returns.

        Raises
        ------
        MatchFileError
            If it cannot be written.
        """
        self._file.append(moment)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._file.close()


def load_sequence(path: str | Path) -> MatchedSequence:
    """Read a sequence as far as it came.

    Raises
    ------
    MatchFileError
        If it is missing, no sequence, or of a later revision.
    """
    head, moments = SEQUENCE.load(path)
    return MatchedSequence(head.sound, head.settings, moments)
