"""Documents: all JSON files of mesosynth, read, checked and written by one mechanism.

A document is a JSON object with a kind, a revision, and the fields of a msgspec record::

    {"kind": "preset", "revision": 2, "name": "Dawn bird", "parameters": {"f_c": 3200.0}}

A format is one :class:`Document`, or a :class:`~mesosynth.system.line_document.LineDocument` if its
file grows by a line a step::

    PRESET = Document(Preset, file_kinds.PRESET, PresetError, revision=2, migrations=[_to_2])
    PRESET.save(path, Preset(name="Dawn bird"))
    PRESET.load(path)

A file is read whole or refused with one sentence; it is written whole or not at all. Keys that
this version does not know are kept in the `extra` of their record and written back. Files of
earlier revisions are migrated. A file of another kind is called by its name, also where it was
written before files had a `kind`. A record may hold the record of another document, as a session
holds a preset, which is then checked and migrated as that document.
"""

import contextlib
import errno
import os
import reprlib
from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

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
from mesosynth.system.unknown_keys import RecordConverter, record_converter

T = TypeVar("T")

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

        One that cannot be used, or was written by a later mesosynth, is renamed to NAME.broken.

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
            aside = put_aside(path)
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
                content = msgspec.json.format(content, indent=self.indent)
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
            theirs = reprlib.repr(revision)
            raise self.error(
                f"{where} was written by a later mesosynth (revision {theirs}, this one reads "
                f"{self.revision}); update mesosynth to open it."
            )
        return revision

    @cached_property
    def _converter(self) -> RecordConverter:
        others = {record: it for record, it in _documents.items() if it is not self}
        converter = record_converter(self.record, others)
        if not converter.has_extra:
            raise TypeError(f"{self.record} needs a field `extra`, a dict that is empty by default")
        return converter


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
