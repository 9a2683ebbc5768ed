"""Messages between the control process and the session."""

from collections.abc import Mapping
from dataclasses import dataclass

from mesosynth.plugins.parameters import ParameterTable


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Inputs of the control process.

    Attributes
    ----------
    midi : str or None
        Part of the MIDI inputs' names, "" for all; None for none.
    osc : int or None
        UDP port; None for none.
    map_path : str
        File of the MIDI map.
    """

    midi: str | None = None
    osc: int | None = None
    map_path: str = ""


@dataclass(frozen=True, slots=True)
class ParameterLayout:
    """All parameters of the rack, and their indices in the vector."""

    parameters: ParameterTable
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Learn:
    """Bind the next controller that moves to this parameter; None cancels."""

    parameter: str | None


@dataclass(frozen=True, slots=True)
class Forget:
    """Unbind this parameter."""

    parameter: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Parameters moved by controllers or OSC; they sound already."""

    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Ports:
    """All MIDI inputs, the open ones, and the OSC port or None."""

    present: tuple[str, ...]
    heard: tuple[str, ...]
    osc: int | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Number of messages since the last report."""

    messages: int


@dataclass(frozen=True, slots=True)
class Learned:
    """A controller was bound to a parameter, and the map is saved."""

    parameter: str
    channel: int
    controller: int


@dataclass(frozen=True, slots=True)
class Program:
    """A program change arrived."""

    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class Transported:
    """A clock or a button started or stopped the transport."""

    playing: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Alive:
    """No news, but the process runs."""


Command = ControlSettings | ParameterLayout | Learn | Forget
Report = Moved | Ports | Activity | Learned | Program | Transported | Problem | Alive
