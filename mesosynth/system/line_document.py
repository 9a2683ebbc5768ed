"""Files that grow by a line a step, so that whatever ends the program costs one step.

The first line is a document; each further line is a record as JSON. A line that was cut short by a
crash does not count, and is taken away when the next one is written.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, Self, TypeVar

import msgspec

from mesosynth.system.atomic_file import cause_of, write_atomically, writing
from mesosynth.system.documents import NOT_JSON, Document, read_file
from mesosynth.system.file_kinds import kind_of

T = TypeVar("T")
L = TypeVar("L")


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
            That of the head, if it cannot be written.
        """
        where = str(path)
        content = [self.head.format(head, where), *(self.format_line(it, where) for it in lines)]
        with writing(path, self.head.error, make_folder):
            write_atomically(path, b"".join(content))
        return self.go_on(path)

    def go_on(self, path: Path) -> "LineWriter[T, L]":
        """Go on with a file, which stays as it is until a line is appended.

        Raises
        ------
        MesosynthError
            That of the head, if it cannot be read or written.
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
