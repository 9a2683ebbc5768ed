"""Keyboard tuning: equal temperament or a Scala scale, and the frequency of each key."""

import codecs
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError, TuningError

# --------------------------------------------------------------------------------------------------
# Scales of the Scala archive (.scl), and the frequencies of the keys
#
# A scale lists its degrees in cents above its first note; the last one is the interval at which it
# repeats. The keys follow the degrees, the root on degree 0, so key ``root + k`` sounds at::
#
#     hertz = reference_hertz 2^((cents(k) - cents(reference_note - root)) / 1200)


KEYS = 128
MIDDLE_C = 60
MIDDLE_C_HERTZ = 440.0 * 2.0 ** (-9.0 / 12.0)
LOWEST_HERTZ, HIGHEST_HERTZ = 1.0, 30000.0  # keys outside are clamped

_LARGEST_FILE = 200_000  # bytes; ten times the longest scale of the archive
_MOST_DEGREES = 2000
_MOST_CENTS = 24_000.0  # twenty octaves
_END = r"(?=[\s!]|$)"  # of a number: a space, a comment, or the line's end
_RATIO = re.compile(r"([0-9]{1,300})(?:\s*/\s*([0-9]{1,300}))?" + _END)
_CENTS = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)" + _END)
_COUNT = re.compile(r"[0-9]{1,9}" + _END)
_LINE_END = re.compile(r"\r\n|\r|\n")  # str.splitlines also breaks at form feeds and at 0x85


@dataclass(frozen=True, slots=True)
class Scale:
    """A musical scale.

    Attributes
    ----------
    name : str
        Its description.
    cents : tuple of float
        Degrees 1, 2, … above degree 0, which is not listed; the last one, more than 0, is the
        interval at which the scale repeats.

    Raises
    ------
    ArgumentError
        If there are no degrees, one is not finite, or the last one is not above 0.
    """

    name: str
    cents: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.cents or not all(map(math.isfinite, self.cents)) or self.cents[-1] <= 0.0:
            raise ArgumentError(
                f"cents={self.cents} is no scale; its last degree must lie above 0."
            )

    def degree(self, steps: int) -> float:
        """Cents from degree 0 to the key `steps` above it, or below it if negative."""
        periods, step = divmod(steps, len(self.cents))
        return periods * self.cents[-1] + (self.cents[step - 1] if step else 0.0)


EQUAL_TEMPERAMENT = Scale("12 equal steps", tuple(100.0 * step for step in range(1, 13)))


def note_frequencies(
    scale: Scale = EQUAL_TEMPERAMENT,
    root: int = MIDDLE_C,
    reference_note: int = MIDDLE_C,
    reference_hertz: float = MIDDLE_C_HERTZ,
) -> NDArray[np.float64]:
    """Frequency of every MIDI key.

    Parameters
    ----------
    scale : Scale
    root : int
        Key of degree 0, 0 to 127.
    reference_note : int
        Key whose frequency is given, 0 to 127.
    reference_hertz : float
        That frequency, Hz; the default is that of Scala and most synthesizers.

    Returns
    -------
    (128,) float64
        Hz, within LOWEST_HERTZ and HIGHEST_HERTZ.

    Raises
    ------
    ArgumentError
        If a key is not 0 to 127, or the frequency is not 1 to 30 000 Hz.
    """
    for name, key in (("root", root), ("reference_note", reference_note)):
        if not 0 <= key < KEYS:
            raise ArgumentError(f"{name}={key} must be a MIDI key, 0 to {KEYS - 1}.")
    if not LOWEST_HERTZ <= reference_hertz <= HIGHEST_HERTZ:
        raise ArgumentError(
            f"reference_hertz={reference_hertz:g} must be {LOWEST_HERTZ:g} to {HIGHEST_HERTZ:g}."
        )
    cents = np.array([scale.degree(key - root) for key in range(KEYS)])
    octaves = (cents - cents[reference_note]) / 1200.0 + math.log2(reference_hertz)
    low, high = math.log2(LOWEST_HERTZ), math.log2(HIGHEST_HERTZ)
    return np.exp2(np.clip(octaves, low, high))


def load_scale(path: str | Path) -> Scale:
    """Read a scale from a Scala file (.scl).

    Raises
    ------
    TuningError
        If it cannot be read or is not a scale; the message names the line.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise TuningError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > _LARGEST_FILE:
        raise TuningError(f"{path} is not a scale: it is larger than {_LARGEST_FILE} bytes.")
    return parse_scale(_decoded(content), str(path))


def _decoded(content: bytes) -> str:
    """Text of a file: as its byte order mark says, else Latin-1, as the archive is.

    Latin-1 can decode every byte.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.removeprefix(mark).decode(encoding, "replace")
    return content.decode("latin-1")


_MARKS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip


def parse_scale(text: str, source: str = "scale") -> Scale:
    """Scale of the text of a Scala file.

    Parameters
    ----------
    text : str
    source : str
        Name in messages.

    Returns
    -------
    Scale

    Raises
    ------
    TuningError
        If the text is not a scale; the message names the line.
    """
    lines = [
        (number, line)
        for number, line in enumerate(_LINE_END.split(text.rstrip("\r\n\x1a")), 1)
        if not line.startswith("!")
    ]
    if len(lines) < 2:
        raise TuningError(f"{source} is not a scale: it needs a description and a number of notes.")
    (_, description), (number, count), *pitches = lines
    degrees = _count(count, f"{source}, line {number}")
    if len(pitches) < degrees:
        raise TuningError(
            f"{source}, line {number} promises {degrees} notes, but {len(pitches)} follow."
        )
    cents = [_cents(line, f"{source}, line {at}") for at, line in pitches[:degrees]]
    _check_period(cents, f"{source}, line {pitches[degrees - 1][0]}")
    return Scale(description.strip(), tuple(cents))


def _count(line: str, where: str) -> int:
    found = _COUNT.match(line.strip())
    count = int(found.group()) if found else 0
    if not 1 <= count <= _MOST_DEGREES:
        raise TuningError(
            f"{where}: {line.strip()!r} is not a number of notes from 1 to {_MOST_DEGREES}."
        )
    return count


def _cents(line: str, where: str) -> float:
    """Cents of one pitch line: "701.955" is in cents, "3/2" and "2" are ratios."""
    pitch = line.strip()
    found = _CENTS.match(pitch)
    if found is not None:
        cents = float(found.group())
    else:
        ratio = _RATIO.match(pitch)
        if ratio is None:
            raise TuningError(
                f"{where}: {pitch!r} is not a pitch; write cents with a point (701.955) or a "
                "ratio (3/2)."
            )
        numerator, denominator = int(ratio[1]), int(ratio[2] or 1)
        if not numerator or not denominator:
            raise TuningError(f"{where}: {pitch!r} is not a pitch; a ratio is more than 0.")
        cents = 1200.0 * (math.log2(numerator) - math.log2(denominator))
    if abs(cents) > _MOST_CENTS:
        raise TuningError(f"{where}: {pitch!r} is more than {_MOST_CENTS / 1200:.0f} octaves.")
    return cents


def _check_period(cents: Sequence[float], where: str) -> None:
    if cents[-1] <= 0.0:
        raise TuningError(
            f"{where}: the last note, where the scale repeats, must lie above the first."
        )


# --------------------------------------------------------------------------------------------------
# Tuning of an instrument, as state in presets


class KeyTuning:
    """Frequencies of the keys, in equal temperament until :meth:`restore`.

    Attributes
    ----------
    hertz : (128,) float64
        Of each MIDI key, Hz. A new tuning is a new array, so read it again for each note.
    """

    def __init__(self) -> None:
        self.hertz = note_frequencies()
        self._scale: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return {"tuning": dict(self._scale)} if self._scale else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys to a state that :meth:`state` returned.

        Its key "tuning" holds name and cents of a scale and, where they are not the defaults, root,
        reference_note and reference_hertz as in :func:`note_frequencies`.

        Raises
        ------
        ArgumentError
            If it is not a scale; the keys stay as they were.
        """
        tuning = state.get("tuning") or {}
        if not tuning:
            self.hertz, self._scale = note_frequencies(), {}
            return
        try:
            scale = Scale(str(tuning.get("name", "")), tuple(float(c) for c in tuning["cents"]))
            rest = {k: v for k, v in tuning.items() if k not in ("name", "cents")}
            hertz = note_frequencies(scale, **rest)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ArgumentError(f"tuning={tuning!r} is not a scale ({error}).") from error
        self.hertz, self._scale = hertz, dict(tuning)
