"""Documents: all JSON files of mesosynth, read, checked and written by one mechanism.

A document is a JSON object with a kind, a revision, and the fields of a msgspec record::

    {"kind": "preset", "revision": 2, "name": "Dawn bird", "parameters": {"f_c": 3200.0}}

A format is one :class:`Document`, or a :class:`LineDocument` if its file grows by a line a step::

    PRESET = Document(Preset, file_kinds.PRESET, PresetError, revision=2, migrations=[_to_2])
    PRESET.save(path, Preset(name="Dawn bird"))
    PRESET.load(path)

A file is read whole or refused with one sentence; it is written whole or not at all. Keys that
this version does not know are kept in the `extra` of their record and written back. Files of
earlier revisions are migrated. A file of another kind is called by its name, also where it was
written before files had a `kind`. A record may hold the record of another document, as a session
holds a preset, which is then checked and migrated as that document.
"""

import codecs
import contextlib
import errno
import os
import reprlib
from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import msgspec

from mesosynth.errors import MesosynthError
from mesosynth.system.atomic_file import (
    cause_of,
    unused,
    write_atomically,
    write_new,
    writing,
)
from mesosynth.system.file_kinds import LOOK, Kind, is_not, kind_of, kind_of_object
from mesosynth.system.file_lock import is_locked, lock, one_at_a_time
from mesosynth.system.unknown_keys import RecordConverter, record_converter

T = TypeVar("T")
L = TypeVar("L")

Object = dict[str, Any]
"""A JSON object."""

Migration = Callable[[Object], None]
"""Brings an object of one revision to the next, in place."""

NOT_JSON = (ValueError, msgspec.MsgspecError, RecursionError)
"""What msgspec raises on bytes that it cannot decode."""

BROKEN = ".broken"
"""Added to the name of a file of the program's own that cannot be used."""

_NOT_MIGRATED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_NOT_WRITABLE = (MesosynthError, msgspec.MsgspecError, TypeError, ValueError, RecursionError)
_documents: "dict[type, Document[Any]]" = {}  # by their record, for documents in documents


class Document(Generic[T]):
    """Format of a file.

    Parameters
    ----------
    record : type
        A msgspec.Struct or a dataclass with a field `extra`, a dict that is empty by default, for
        the keys of later versions. Records in it that have such a field keep theirs. Bytes are
        base64 in the file; numbers must be finite.
    kind : Kind
        One of :mod:`mesosynth.system.file_kinds`.
    error : type
        The subclass of MesosynthError that is raised.
    revision : int
        Of the format, 1 or more. A file of a later one is refused.
    migrations : sequence of callable
        One for each earlier revision, the first for revision 1. It changes a JSON object of that
        revision, without the keys `kind` and `revision`, into one of the next, in place. What is
        wrong in the object may be left to the validation.
    numbered : bool
        Whether a file must say its revision; False takes one that does not for revision 1.
    largest : int
        Bytes that a file may have.
    check : callable, optional
        Called with a name for messages and a record, when it is read and before it is written;
        raises `error` if a value is not legal.
    indent : int or None
        Spaces in the file; None writes one line.
    """

    def __init__(
        self, record: type[T], kind: Kind, error: type[MesosynthError], *,
        revision: int = 1, migrations: Sequence[Migration] = (), numbered: bool = True,
        largest: int = 1_000_000, check: Callable[[str, T], None] | None = None,
        indent: int | None = 2,
    ) -> None:  # fmt: skip
        if len(migrations) != revision - 1:
            raise ValueError(
                f"revision={revision} of a {kind.name} needs {revision - 1} migrations"
            )
        self.record, self.kind, self.error = record, kind, error
        self.revision, self.largest = revision, largest
        self._migrations, self._numbered = migrations, numbered
        self._check, self.indent = check, indent
        _documents[record] = self

    def load(self, path: str | Path) -> T:
        """Read a file.

        Raises
        ------
        MesosynthError
            The document's own, if the file is missing or cannot be read, is of another kind or a
            later revision, or holds what is not legal.
        """
        path = Path(path)
        with self.reading(path):
            content = read_file(path, self.largest)
        return self.parse(content, str(path))

    def save(self, path: str | Path, value: T, *, make_folder: bool = False) -> None:
        """Write a file; `path` holds the whole of it or what it held before.

        Parameters
        ----------
        path : str or Path
        value : record
        make_folder : bool
            Whether the file's folder is made where there is none.

        Raises
        ------
        MesosynthError
            The document's own, if `value` holds what is not legal, or the file cannot be written.
        """
        path = Path(path)
        content = self.format(value, str(path))
        with writing(path, self.error, make_folder):
            if (theirs := self._later_revision(path)) is not None:
                raise self._too_new(str(path), theirs)
            write_atomically(path, content)

    def save_new(self, path: str | Path, value: T, *, make_folder: bool = False) -> bool:
        """Write a file under a name that is free.

        Parameters
        ----------
        path : str or Path
        value : record
        make_folder : bool
            Whether the file's folder is made where there is none.

        Returns
        -------
        bool
            False, and nothing is written, if the name is taken.

        Raises
        ------
        MesosynthError
            As :meth:`save` raises it.
        """
        path = Path(path)
        content = self.format(value, str(path))
        with writing(path, self.error, make_folder):
            try:
                write_new(path, content)
            except FileExistsError:
                return False
        return True

    def load_own(self, path: Path, default: T, instead: str) -> tuple[T, str]:
        """Read a file that the program keeps for itself; whatever is in it, nothing is raised.

        One that cannot be used is renamed to NAME.broken; one that a later mesosynth has written is
        left alone, and :meth:`save` will not replace it.

        Parameters
        ----------
        path : Path
        default : record
            Returned if there is no such file, or it cannot be used.
        instead : str
            What happens then, for the message: "the start is with defaults".

        Returns
        -------
        value : record
        trouble : str
            A sentence for the user; "" when all is well.
        """
        try:
            content = read_file(path, self.largest)
        except FileNotFoundError:
            return default, ""
        except (OSError, ValueError) as error:
            return default, f"{path} cannot be read ({cause_of(error)}); {instead}."
        try:
            return self.parse(content, str(path)), ""
        except self.error as error:
            aside = None if self.is_later(path) else put_aside(path)
            now = "" if aside is None else f"it is now {aside.name}, and "
            return default, f"{str(error).rstrip('.')}; {now}{instead}."

    def parse(self, content: bytes, where: str) -> T:
        """Make a record of a file's content.

        Parameters
        ----------
        content : bytes
        where : str
            What messages call it: its path.

        Raises
        ------
        MesosynthError
            As :meth:`load` raises it.
        """
        if len(content) > self.largest:
            cause = f"it is larger than {self.largest} bytes"
            raise self.refusal(where, cause, kind_of(content))
        content = content.removeprefix(codecs.BOM_UTF8)  # of editors on Windows
        if not content.strip():
            raise self.refusal(where, "it is empty")
        try:
            raw = msgspec.json.decode(content)
        except NOT_JSON as error:
            raise self.refusal(where, cause_of(error), kind_of(content)) from error
        return self.from_object(raw, where)

    def format(self, value: T, where: str) -> bytes:
        """Make a file's content of a record, which is sure to be read back.

        Parameters
        ----------
        value : record
        where : str
            What messages call it: its path.

        Raises
        ------
        MesosynthError
            The document's own, if `value` holds what is not legal or cannot be written.
        """
        try:
            content = msgspec.json.encode(self.to_object(value, where))
            if self.indent is not None:
                indented = msgspec.json.format(content, indent=self.indent)
                # What lies deep would grow with the square of its depth.
                content = indented if len(indented) < self.largest else content
        except _NOT_WRITABLE as error:
            if isinstance(error, self.error):
                raise
            raise self.error(f"{where} cannot be written: {cause_of(error)}.") from error
        content += b"\n"
        try:
            self.parse(content, where)
        except self.error as error:
            cause = str(error).removeprefix(where).strip(" .")
            raise self.error(f"{where} cannot be written: what it would hold {cause}.") from error
        return content

    def from_object(self, raw: object, where: str) -> T:
        """Make a record of a JSON object.

        Parameters
        ----------
        raw : dict
            As msgspec decodes it; anything else is refused.
        where : str
            What messages call it: its path.

        Raises
        ------
        MesosynthError
            As :meth:`load` raises it.
        """
        if not isinstance(raw, dict):
            raise self.refusal(where, f"{reprlib.repr(raw)} stands where an object should")
        fields: Object = dict(raw)  # pyright: ignore[reportUnknownArgumentType] - any JSON object
        self._check_kind(where, fields)
        revision = self._pop_revision(where, fields)
        try:
            for migration in self._migrations[revision - 1 :]:
                migration(fields)
        except _NOT_MIGRATED as error:
            cause = f"revision {revision} cannot hold this ({cause_of(error)})"
            raise self.refusal(where, cause) from error
        try:
            value = msgspec.convert(self._converter.from_object(fields, where), self.record)
        except (msgspec.ValidationError, RecursionError) as error:
            raise self.refusal(where, cause_of(error)) from error
        except MesosynthError as error:  # of a document in this one
            raise self.error(str(error)) from error
        if self._check is not None:
            self._check(where, value)
        return value

    def to_object(self, value: T, where: str) -> Object:
        """Make a JSON object of a record.

        Parameters
        ----------
        value : record
        where : str
            What messages call it: its path.

        Raises
        ------
        MesosynthError
            The document's own, if `value` holds what is not legal.
        """
        if self._check is not None:
            self._check(where, value)
        head = {"kind": self.kind.name, "revision": self.revision}
        fields = self._converter.to_object(value, where)
        return {**head, **{key: field for key, field in fields.items() if key not in head}}

    def refusal(self, where: str, cause: str, found: Kind | None = None) -> MesosynthError:
        """The error of a file that is not of this kind.

        Parameters
        ----------
        where : str
            What it is called: its path.
        cause : str
            Why it is not, where that is all that can be said.
        found : Kind or None
            What it is, where that is known.
        """
        if found is not None and found != self.kind:
            return self.error(is_not(where, found, self.kind))
        return self.error(f"{where} is not {self.kind.noun}: {cause}.")

    @contextlib.contextmanager
    def reading(self, path: Path) -> Generator[None]:
        """Turn the system's errors while a file is read into the document's own."""
        try:
            yield
        except FileNotFoundError as error:
            raise self.error(f"{path} does not exist.") from error
        except IsADirectoryError as error:
            raise self.error(f"{path} is a folder; name {self.kind.noun} in it.") from error
        except (OSError, ValueError) as error:
            raise self.error(f"{path} cannot be read: {cause_of(error)}.") from error

    def _check_kind(self, where: str, fields: Object) -> None:
        """Refuse an object of another kind, and take its kind out."""
        if "kind" not in fields:
            if not self.kind.keys <= fields.keys():
                found = kind_of_object(fields)
                if found is not None:
                    raise self.refusal(where, "", found)
        elif fields["kind"] != self.kind.name:
            cause = (
                f"its kind is {reprlib.repr(fields['kind'])}, which this mesosynth does not know"
            )
            raise self.refusal(where, cause, kind_of_object(fields))
        fields.pop("kind", None)

    def _pop_revision(self, where: str, fields: Object) -> int:
        """Take the revision out of an object, and refuse one of a later or no revision."""
        revision = fields.pop("revision", None if self._numbered else 1)
        if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
            cause = f"its revision is {reprlib.repr(revision)}, not a number of 1 or more"
            raise self.refusal(where, cause)
        if revision > self.revision:
            raise self._too_new(where, revision)
        return revision

    def is_later(self, path: Path) -> bool:
        """Whether a file is of this kind, and of a revision that only a later mesosynth reads."""
        return self._later_revision(path) is not None

    def _later_revision(self, path: Path) -> int | None:
        """Revision of a file if it is later than this one's."""
        try:
            head = msgspec.json.decode(
                read_file(path, self.largest).removeprefix(codecs.BOM_UTF8), type=_Head
            )
        except (OSError, *NOT_JSON):
            return None
        theirs = isinstance(head.revision, int) and head.revision > self.revision
        return head.revision if theirs and head.kind in (None, self.kind.name) else None

    def _too_new(self, where: str, revision: int) -> MesosynthError:
        theirs = reprlib.repr(revision)
        return self.error(
            f"{where} was written by a later mesosynth (revision {theirs}, this one reads "
            f"{self.revision}); update mesosynth to open it."
        )

    @cached_property
    def _converter(self) -> RecordConverter:
        others = {record: it for record, it in _documents.items() if it is not self}
        converter = record_converter(self.record, others)
        if not converter.has_extra:
            raise TypeError(f"{self.record} needs a field `extra`, a dict that is empty by default")
        return converter


class _Head(msgspec.Struct):
    """Kind and revision of a file, whatever else is in it."""

    kind: Any = None
    revision: Any = None


def put_aside(path: Path) -> Path | None:
    """Rename a file of the program's own that cannot be used to NAME.broken.

    Returns
    -------
    Path or None
        Its new name, NAME (2).broken and so on where that is taken; None if it cannot be renamed.
    """
    try:
        return path.rename(unused(path.with_name(f"{path.name}{BROKEN}")))
    except OSError:
        return None


def read_file(path: Path, largest: int) -> bytes:
    """Content of a file; of one that is too large, enough to find its kind.

    Parameters
    ----------
    path : Path
    largest : int
        Bytes that it may have.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or no file can have such a name.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with path.open("rb") as file:
        content = file.read(largest + 1)
        return content if len(content) <= largest else content + file.read(LOOK)


# --------------------------------------------------------------------------------------------------
# Files that grow by a line a step, so that whatever ends the program costs one step
#
# The first line is a document; each further line is a record as JSON. A line that was cut short by
# a crash does not count, and is taken away when the next one is written.


class LineDocument(Generic[T, L]):
    """Format of a file that grows by a line: a document on the first line, then a record a line.

    Parameters
    ----------
    head : Document
        Of the first line.
    line : type
        A msgspec.Struct or a dataclass: the record of each further line.
    largest : int
        Bytes that a file may have.
    """

    def __init__(self, head: Document[T], line: type[L], *, largest: int) -> None:
        if head.indent is not None:
            raise ValueError(f"the head of a {head.kind.name} must have one line: indent=None")
        self.head, self.line, self.largest = head, line, largest
        self._decoder = msgspec.json.Decoder(line)

    def load(self, path: str | Path) -> tuple[T, list[L]]:
        """Read a file as far as it came; a last line that was cut short does not count.

        Returns
        -------
        head : record
        lines : list of records

        Raises
        ------
        MesosynthError
            That of the head, as :meth:`Document.load` raises it.
        """
        head, lines, _ends = self._load(Path(path))
        return head, lines

    def begin(
        self, path: Path, head: T, lines: Sequence[L] = (), *, make_folder: bool = True
    ) -> "LineWriter[T, L]":
        """Begin a file; what was there before is lost.

        Parameters
        ----------
        path : Path
        head : record
            The first line.
        lines : sequence of records
            Those that follow it already; all are written at once.
        make_folder : bool
            Whether the file's folder is made where there is none.

        Raises
        ------
        MesosynthError
            That of the head, if it cannot be written, or another process writes it.
        """
        where = str(path)
        content = [self.head.format(head, where), *(self.format_line(it, where) for it in lines)]
        with writing(path, self.head.error, make_folder), one_at_a_time(path.parent):
            if is_locked(path):
                raise self.in_use(path)
            write_atomically(path, b"".join(content))
            return self.go_on(path)

    def in_use(self, path: Path) -> MesosynthError:
        """The error of a file that another process writes."""
        return self.head.error(
            f"{path} is being written by another mesosynth; wait until it is done, or name another "
            "file."
        )

    def go_on(self, path: Path) -> "LineWriter[T, L]":
        """Go on with a file, which stays as it is until a line is appended.

        Raises
        ------
        MesosynthError
            That of the head, if it cannot be read or written, or another process writes it.
        """
        head, lines, ends = self._load(path)
        with writing(path, self.head.error):
            return LineWriter(self, path, head, lines, ends)

    def format_line(self, line: L, where: str) -> bytes:
        """Make a line of a record, with its line break, which is sure to be read back.

        Parameters
        ----------
        line : record
        where : str
            What messages call the file: its path.

        Raises
        ------
        MesosynthError
            That of the head, if it holds what cannot be written.
        """
        try:
            text = msgspec.json.encode(line)
            self._decoder.decode(text)
        except (*NOT_JSON, TypeError) as error:
            raise self.head.error(f"{where} cannot be written: {cause_of(error)}.") from error
        return text + b"\n"

    def _load(self, path: Path) -> tuple[T, list[L], list[int]]:
        """The records, and where each line ends, in bytes, the head's included."""
        where = str(path)
        with self.head.reading(path):
            content = read_file(path, self.largest)
        if len(content) > self.largest:
            cause = f"it is larger than {self.largest} bytes"
            raise self.head.refusal(where, cause, kind_of(content))
        first, line_break, rest = content.partition(b"\n")
        try:
            head = self.head.parse(first, where)
            if not line_break:
                raise self.head.refusal(where, "its first line is cut short")
        except self.head.error as error:
            found = kind_of(content)
            if found in (None, self.head.kind):
                raise
            raise self.head.refusal(where, "", found) from error
        lines: list[L] = []
        ends = [len(first) + 1]
        for text in rest.split(b"\n")[:-1]:  # what follows the last line break was cut short
            try:
                lines.append(self._decoder.decode(text))
            except NOT_JSON as error:
                cause = f"line {len(ends) + 1}: {cause_of(error)}"
                raise self.head.refusal(where, cause) from error
            ends.append(ends[-1] + len(text) + 1)
        return head, lines, ends


class LineWriter(Generic[T, L]):
    """A file of a :class:`LineDocument` that is being written.

    Attributes
    ----------
    head : record
    lines : list of records
        Those in the file.
    """

    def __init__(
        self, document: LineDocument[T, L], path: Path, head: T, lines: list[L], ends: list[int]
    ) -> None:
        self.head, self.lines = head, lines
        self._document, self._path, self._ends = document, path, ends
        self._file = path.open("r+b")
        if not lock(self._file.fileno()):
            self._file.close()
            raise document.in_use(path)

    def append(self, line: L, place: int | None = None) -> None:
        """Write a line; it is on the disk when this returns.

        Parameters
        ----------
        line : record
        place : int, optional
            Among the lines; the line there and all that follow it are replaced. By default it
            comes after all of them.

        Raises
        ------
        MesosynthError
            The document's own, if it cannot be written; lines before it stay.
        """
        text = self._document.format_line(line, str(self._path))
        place = len(self.lines) if place is None else place
        with writing(self._path, self._document.head.error):
            end = self._ends[place]
            self._file.seek(end)
            self._file.truncate()
            del self.lines[place:], self._ends[place + 1 :]
            self._file.write(text)
            self._file.flush()
            os.fsync(self._file.fileno())
        self.lines.append(line)
        self._ends.append(end + len(text))

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with contextlib.suppress(OSError):  # every line is on the disk already
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
