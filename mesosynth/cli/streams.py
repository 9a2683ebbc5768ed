"""Standard output and error that may be closed, full, or of an encoding without our signs."""

import codecs
import contextlib
import io
import os
import sys

TYPE_CHECKING = False  # true for type checkers, without the import of typing
if TYPE_CHECKING:
    from typing import Any

STANDARD_OUTPUT = "standard output"
"""Name of the file in errors."""

_PLAIN = {
    "✓": "+", "✗": "-", "…": "...", "±": "+-", "×": "x", "−": "-", "–": "-", "°": " degrees",
    "θ": "theta", "γ": "gamma", "σ": "sigma", "²": "^2", "→": "->", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
_UNDECODED = range(0xDC80, 0xDD00)  # how Python keeps the bytes of a name that is not UTF-8


def prepare_streams() -> None:
    """Make standard output and error fit for any text, whatever they lead to.

    A sign that the encoding lacks is spelled. A stream that is closed leads nowhere; otherwise the
    next file that is opened would take its place. Standard error never raises; an error of standard
    output names it.
    """
    codecs.register_error("mesosynth", _spelled)
    _fill_descriptors()
    sys.stdout = _prepared(sys.stdout, sys.stdout is sys.__stdout__, raises=True)
    sys.stderr = _prepared(sys.stderr, sys.stderr is sys.__stderr__, raises=False)


def drop_output() -> None:
    """Let standard output lead nowhere, so that what still waits for it does no harm."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepared(stream: "Any", own: bool, raises: bool) -> "Any":  # noqa: ANN401 - None where it is closed
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if not own or not isinstance(stream, io.TextIOWrapper):  # a test's, or another program's
        return stream
    at_once = not raises or stream.line_buffering or stream.write_through
    raw = _StandardStream(stream, raises)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), stream.encoding, "mesosynth", line_buffering=at_once
    )


class _StandardStream(io.RawIOBase):
    """Standard output, or standard error, which takes everything even if it cannot be written."""

    def __init__(self, stream: io.TextIOWrapper, raises: bool) -> None:
        self._stream, self._raises = stream, raises  # the stream is not closed by its end

    def write(self, data: "Any", /) -> int:  # noqa: ANN401 - any buffer
        try:
            return os.write(self._stream.fileno(), data)
        except (OSError, ValueError) as error:
            if not self._raises:
                return len(memoryview(data))
            if isinstance(error, OSError):
                error.filename = STANDARD_OUTPUT
            raise

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _fill_descriptors() -> None:
    """Open what is closed of the three standard descriptors, in order."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spell, error.object[error.start : error.end])), error.end


def _spell(sign: str) -> str:
    if ord(sign) in _UNDECODED:
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode("ascii")
