"""Options that several commands share, and conversions of typed values.

A command is a function; cyclopts makes its options and its help from the signature and the
docstring. :func:`of` ties an option to a field of a settings class, which holds the default.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:  # their imports take longer than a command without sound
    from mesosynth.plugins.parameters import ParameterTable
    from mesosynth.session.device import AudioSettings

LONGEST = 86400.0
"""s; the most that a command plays or renders."""


def of(settings: type, field: str, *names: str, metavar: str, help: str) -> Parameter:
    """Option for one field of a settings class: ``Annotated[T | None, of(...)] = None``.

    Parameters
    ----------
    settings : type
        A dataclass. Its default holds where the option is not given, and the help shows it.
    field : str
        Name of the field.
    *names : str
        How the option is typed; by default the field's name.
    metavar : str
        Stands for the value in the help.
    help : str
        One sentence.

    Returns
    -------
    Parameter
        For cyclopts.
    """
    default = {one.name: one.default for one in dataclasses.fields(settings)}[field]
    if isinstance(default, tuple):
        shown = ",".join(default)
    else:
        shown = f"{default:g}" if isinstance(default, float) else str(default)
    return Parameter(names or f"--{field}", metavar=metavar, help=help, show_default=shown)


def _whole(_: Any, tokens: Sequence[Token]) -> int:  # noqa: ANN401 - cyclopts passes the type
    """Convert to int as Python does; cyclopts itself would round 1.5."""
    text = tokens[0].value
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"invalid int value: {text!r}") from None


def _count(_: Any, tokens: Sequence[Token]) -> int:  # noqa: ANN401
    value = _whole(_, tokens)
    if value < 1:
        raise ValueError(f"{tokens[0].value} must be 1 or more")
    return value


def _duration(_: Any, tokens: Sequence[Token]) -> float:  # noqa: ANN401
    text = tokens[0].value
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"invalid float value: {text!r}") from None
    if not (math.isfinite(value) and 0.0 < value <= LONGEST):
        raise ValueError(f"{text} must be more than 0 and at most a day")
    return value


Whole = Annotated[int, Parameter(converter=_whole)]
"""A whole number."""

Count = Annotated[int, Parameter(converter=_count, metavar="N")]
"""A whole number from 1 up."""

Duration = Annotated[float, Parameter(converter=_duration, metavar="S")]
"""Seconds, more than 0 and at most :data:`LONGEST`."""

Unknowns = Annotated[str | None, Parameter("--unknowns", metavar="ID,...")]
Pins = Annotated[list[str] | None, Parameter("--pin", metavar="ID=VALUE")]
Json = Annotated[bool, Parameter("--json", help="One JSON object on standard output.")]


@dataclass(frozen=True)
class SoundOptions:
    """Sound device, MIDI and OSC of the commands that play.

    Attributes
    ----------
    device : str, optional
        Part of an output device's name, or 'silent'.
    rate : int, optional
        Sample rate of the device.
    block : int, optional
        Frames that it asks for at once.
    safe_audio : bool
        Start without a sound card, on a silent clock.
    midi : str, optional
        Part of a MIDI input's name; '' for all of them.
    osc : int, optional
        UDP port to hear OSC on.
    """

    device: Annotated[str | None, Parameter(metavar="NAME")] = None
    rate: Annotated[Whole | None, Parameter(metavar="HZ")] = None
    block: Annotated[Whole | None, Parameter(metavar="N")] = None
    safe_audio: bool = False
    midi: Annotated[str | None, Parameter(metavar="NAME")] = None
    osc: Annotated[Whole | None, Parameter(metavar="PORT")] = None

    @property
    def names_device(self) -> bool:
        """Whether a device, rate or block is typed, so that the last good ones do not count."""
        return (self.device, self.rate, self.block) != (None, None, None)

    def audio(self) -> "tuple[AudioSettings, str]":
        """Typed settings or else the last good ones, and a warning or ""."""
        from mesosynth.engine.portaudio import check_settings
        from mesosynth.session.device import AudioSettings, load_audio_settings

        check_settings(self.rate, self.block)
        if self.safe_audio:
            return AudioSettings(device="silent"), ""
        if self.names_device:
            return AudioSettings(device=self.device, sample_rate=self.rate, block=self.block), ""
        return load_audio_settings()


NO_OPTIONS = SoundOptions()
"""Options of a command line without any."""

Sound = Annotated[SoundOptions, Parameter(name="*")]


def split_ids(text: str) -> tuple[str, ...]:
    """Ids of parameters typed as "f_c,f_m"."""
    return tuple(id_.strip() for id_ in text.split(","))


def pinned_values(
    texts: Iterable[str], table: "ParameterTable", beside: Sequence[str] = ()
) -> dict[str, float]:
    """Values typed as "f_c=440".

    Parameters
    ----------
    texts : iterable of str
    table : ParameterTable
        Parameters of the instrument, which know their units and ranges.
    beside : sequence of str
        Other ids, of plain numbers.

    Raises
    ------
    ArgumentError
        If a text is not ID=VALUE, or the id or the value does not exist.
    """
    values: dict[str, float] = {}
    for text in texts:
        id_, equals, value = text.partition("=")
        if not equals:
            first = table.matchable[0]
            raise ArgumentError(f"--pin {text}: write it as ID=VALUE, {first}=440 say.")
        if id_ not in beside:
            values[id_] = table[id_].parse(value)
            continue
        try:
            values[id_] = float(value)
        except ValueError:
            raise ArgumentError(f"--pin {text}: {value!r} is not a number.") from None
    return values
