"""MIDI map: controllers learned by moving them, with soft takeover.

Where the positions of a controller and its parameter differ, because a preset was loaded or the
knob on screen was turned, the controller moves nothing until it passes the parameter's position. So
no value ever jumps.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document
from mesosynth.system.paths import config_folder

OWN = 0.3
"""Time after a controller's move, s, within which it keeps its parameter, even if the session's
value still differs."""

_NEAR = 1.5 / 127.0  # of the travel: a controller this close has caught its parameter

Controller = tuple[int, int]
"""MIDI channel and controller number."""


class Binding(msgspec.Struct, frozen=True):
    """Binding of a controller to a parameter; `extra` has the keys of later versions."""

    channel: int
    controller: int
    parameter: str
    extra: dict[str, Any] = {}


class MidiBindings(msgspec.Struct, frozen=True, kw_only=True):
    """All bindings, as they are kept in a file.

    Attributes
    ----------
    bindings : tuple of Binding
    extra : dict
        Keys of later versions.
    """

    bindings: tuple[Binding, ...] = ()
    extra: dict[str, Any] = {}


MIDI_MAP = Document(MidiBindings, file_kinds.MIDI_MAP, SettingsError, numbered=False)


class _Bound:
    """A controller in use."""

    def __init__(self, parameter: str, extra: dict[str, Any] | None = None) -> None:
        self.parameter, self.extra = parameter, extra or {}
        self.position: float | None = None
        self.caught = False
        self.moved_at = 0.0

    def catches(self, position: float, parameter_at: float, now: float) -> bool:
        """Whether it may move its parameter, whose knob is at `parameter_at` of its travel."""
        before, self.position = self.position, position
        if self.caught and before is not None:
            own = now - self.moved_at < OWN or abs(parameter_at - before) < _NEAR
            self.caught = own
        if not self.caught:
            near = abs(position - parameter_at) < _NEAR
            passed = before is not None and (before - parameter_at) * (position - parameter_at) < 0
            self.caught = near or passed
        if self.caught:
            self.moved_at = now
        return self.caught


class MidiMap:
    """Controllers of the parameters of a rack.

    Parameters
    ----------
    parameters : ParameterTable
    """

    def __init__(self, parameters: ParameterTable) -> None:
        self._parameters = parameters
        self._bound: dict[Controller, _Bound] = {}
        self._extra: dict[str, Any] = {}
        self.learning: str | None = None

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """All bindings, sorted by channel and number."""
        return tuple(
            Binding(channel, number, bound.parameter, bound.extra)
            for (channel, number), bound in sorted(self._bound.items(), key=lambda item: item[0])
        )

    def use(self, parameters: ParameterTable) -> None:
        """Use another table; controllers of missing parameters wait until these are back."""
        self._parameters = parameters

    def learn(self, parameter: str | None) -> None:
        """Bind the next controller that moves to `parameter`; None cancels.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self.learning = None if parameter is None else self._parameters[parameter].id

    def forget(self, parameter: str) -> None:
        """Remove the controllers of `parameter`."""
        self._bound = {c: b for c, b in self._bound.items() if b.parameter != parameter}

    def bind(self, channel: int, number: int, parameter: str) -> Binding:
        """Bind a controller to a parameter; both have no other binding then.

        Parameters
        ----------
        channel : int
            0 to 15.
        number : int
            0 to 127.
        parameter : str
            Id.

        Returns
        -------
        Binding

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self.forget(self._parameters[parameter].id)
        self._bound[channel, number] = _Bound(parameter)
        return Binding(channel, number, parameter)

    def learned(self, channel: int, number: int) -> Binding | None:
        """Bind a controller that moved, while learning.

        Parameters
        ----------
        channel : int
            0 to 15.
        number : int
            0 to 127.

        Returns
        -------
        Binding or None
            None while not learning.
        """
        if self.learning is None:
            return None
        parameter, self.learning = self.learning, None
        return self.bind(channel, number, parameter)

    def move(
        self, channel: int, number: int, position: float, value_of: Callable[[str], float],
        now: float,
    ) -> tuple[str, float] | None:  # fmt: skip
        """Parameter and value for the position of a controller.

        Parameters
        ----------
        channel : int
            0 to 15.
        number : int
            0 to 127.
        position : float
            Of the controller, 0 to 1.
        value_of : callable
            Present value of a parameter by id.
        now : float
            s.

        Returns
        -------
        (str, float) or None
            Id and value; None where it moves nothing.
        """
        bound = self._bound.get((channel, number))
        if bound is None or bound.parameter not in self._parameters:
            return None
        parameter = self._parameters[bound.parameter]
        if not bound.catches(position, parameter.to_unit(value_of(parameter.id)), now):
            return None
        return parameter.id, parameter.from_unit(position)

    def load(self, path: Path) -> None:
        """Read a saved map; a missing file changes nothing.

        Raises
        ------
        SettingsError
            If the file is not a map, and was put aside; the map stays as it is.
        """
        none = MidiBindings()
        found, trouble = MIDI_MAP.load_own(path, none, "the controllers in it are forgotten")
        if trouble:
            raise SettingsError(trouble)
        if found is not none:
            self._extra = found.extra
            self._bound = {
                (b.channel, b.controller): _Bound(b.parameter, b.extra) for b in found.bindings
            }

    def save(self, path: Path) -> None:
        """Write the map, whole or not at all.

        Raises
        ------
        SettingsError
            If it cannot be written.
        """
        bindings = MidiBindings(bindings=self.bindings, extra=self._extra)
        MIDI_MAP.save(path, bindings, make_folder=True)


def map_path() -> Path:
    """File of the map."""
    return config_folder() / "midi.json"
