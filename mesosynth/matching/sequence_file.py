"""Sequence files: one JSON line a window, appended as the match goes."""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from mesosynth.errors import AudioFileError, MatchFileError
from mesosynth.matching.results import LongSound, MatchedSequence, Moment, SequenceSettings
from mesosynth.system.atomic_file import write_atomically

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


REVISION = 1
"""Of the format; a file of a later one is refused, not guessed at."""

MAXIMUM_BYTES = 500_000_000
"""A window takes some five hundred; a day of them, twenty a second, is no sequence of ours."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    mesosynth_sequence: int
    sound: LongSound
    settings: SequenceSettings


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
        self._path = path
        self.moments: list[Moment] = []
        try:
            if path.exists() and path.stat().st_size:
                self.moments = self._go_on(sound, settings)
            else:
                head = _Head(mesosynth_sequence=REVISION, sound=sound, settings=settings)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, msgspec.json.encode(head) + b"\n")
            self._file = path.open("ab")
        except OSError as error:
            raise MatchFileError(f"{path} cannot be written: {error.strerror}.") from error

    def append(self, moment: Moment) -> None:
        """Write a moment; it is on the disk when this returns.

        Raises
        ------
        MatchFileError
            If it cannot be written.
        """
        try:
            self._file.write(msgspec.json.encode(moment) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise MatchFileError(f"{self._path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._file.close()

    def _go_on(self, sound: LongSound, settings: SequenceSettings) -> list[Moment]:
        before, whole = _read(self._path)
        if (before.sound.sha256, before.settings) != (sound.sha256, settings):
            raise MatchFileError(
                f"{self._path} is a sequence of {before.sound.name} by hops of "
                f"{before.settings.hop:g} s, with other settings or of another sound; name "
                "another file, or delete this one."
            )
        with self._path.open("r+b") as file:
            file.truncate(whole)
        return before.moments


def load_sequence(path: str | Path) -> MatchedSequence:
    """Read a sequence as far as it came.

    Raises
    ------
    MatchFileError
        If it is missing, no sequence, or of a later revision.
    """
    path = Path(path)
    try:
        return _read(path)[0]
    except OSError as error:
        raise MatchFileError(f"{path} cannot be read: {error.strerror}.") from error


def _read(path: Path) -> tuple[MatchedSequence, int]:
    """The sequence, and the length of all its whole lines in bytes."""
    if path.stat().st_size > MAXIMUM_BYTES:
        raise MatchFileError(f"{path} is no sequence: it is larger than {MAXIMUM_BYTES} bytes.")
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    lines = text[:whole].splitlines()
    try:
        first = msgspec.json.decode(lines[0] if lines else b"", type=dict[str, Any])
        revision = first.get("mesosynth_sequence")
        if isinstance(revision, int) and revision > REVISION:
            raise MatchFileError(
                f"{path} was written by a later mesosynth (revision {revision}, this one reads "
                f"{REVISION}); update mesosynth to go on with it."
            )
        head = msgspec.json.decode(lines[0], type=_Head)
        decoder = msgspec.json.Decoder(Moment)
        moments = [decoder.decode(line) for line in lines[1:]]
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise MatchFileError(f"{path} is no sequence: {error}.") from error
    return MatchedSequence(head.sound, head.settings, moments), whole
