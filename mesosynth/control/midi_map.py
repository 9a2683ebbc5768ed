"""Which controller moves which parameter: learned by moving it, caught before it moves anything.

Soft takeover: where a controller and its parameter stand apart, because a preset was loaded or the
knob on screen turned, the controller moves nothing until it passes where the parameter is. So
nothing ever jumps.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.system.paths import config_folder

REVISION = 1

OWN = 0.3
"""s after a controller's move within which its parameter's position is its own doing, though the
session may not have said so yet."""

_NEAR = 1.5 / 127.0  # of the travel: a controller this close has caught its parameter

Controller = tuple[int, int]
"""MIDI channel and controller number."""


class Binding(msgspec.Struct, frozen=True):
    """One controller's parameter."""

    channel: int
    controller: int
    parameter: str


class _Document(msgspec.Struct, frozen=True):
    revision: int = REVISION
    bindings: tuple[Binding, ...] = ()


class _Bound:
    """A controller in use."""

    def __init__(self, parameter: str) -> None:
        self.parameter = parameter
        self.position: float | None = None  # where it stands
        self.caught = False
        self.moved_at = 0.0

    def catches(self, position: float, parameter_at: float, now: float) -> bool:
        """Whether it may move its parameter, which stands at `parameter_at` of its travel."""
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
    """The controllers of one instrument's parameters.

    Parameters
    ----------
    parameters : ParameterTable
    """

    def __init__(self, parameters: ParameterTable) -> None:
        self._parameters = parameters
        self._bound: dict[Controller, _Bound] = {}
        self.learning: str | None = None

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """All of them, in order."""
        return tuple(
            Binding(channel, number, self._bound[channel, number].parameter)
            for channel, number in sorted(self._bound)
        )

    def use(self, parameters: ParameterTable) -> None:
        """Move these parameters from now on; controllers of others wait until they are back."""
        self._parameters = parameters

    def learn(self, parameter: str | None) -> None:
        """Bind the next controller that moves to `parameter`; None thinks better of it.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self.learning = None if parameter is None else self._parameters[parameter].id

    def forget(self, parameter: str) -> None:
        """Unbind whatever moves `parameter`."""
        self._bound = {c: b for c, b in self._bound.items() if b.parameter != parameter}

    def bind(self, channel: int, number: int, parameter: str) -> Binding:
        """Let a controller move `parameter`, it alone and nothing else.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self.forget(self._parameters[parameter].id)
        self._bound[channel, number] = _Bound(parameter)
        return Binding(channel, number, parameter)

    def learned(self, channel: int, number: int) -> Binding | None:
        """Bind a controller that moved, if one is being learned."""
        if self.learning is None:
            return None
        parameter, self.learning = self.learning, None
        return self.bind(channel, number, parameter)

    def move(
        self, channel: int, number: int, position: float, value_of: Callable[[str], float],
        now: float,
    ) -> tuple[str, float] | None:  # fmt: skip
        """Return the parameter that a controller moves and its value, or None.

        Parameters
        ----------
        channel, number : int
        position : float
            Of the controller, 0 to 1.
        value_of : callable
            Says what value a parameter has.
        now : float
            s.
        """
        bound = self._bound.get((channel, number))
        if bound is None or bound.parameter not in self._parameters:
            return None
        parameter = self._parameters[bound.parameter]
        if not bound.catches(position, parameter.to_unit(value_of(parameter.id)), now):
            return None
        return parameter.id, parameter.from_unit(position)

    def load(self, path: Path) -> None:
        """Read what was saved; nothing if there is no such file.

        Raises
        ------
        SettingsError
            If the file is no map; the map stays as it is.
        """
        try:
            document = msgspec.json.decode(path.read_bytes(), type=_Document)
        except FileNotFoundError:
            return
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise SettingsError(
                f"{path} is not a map of MIDI controllers ({error}); delete it or mend it."
            ) from error
        self._bound = {(b.channel, b.controller): _Bound(b.parameter) for b in document.bindings}

    def save(self, path: Path) -> None:
        """Write it whole or not at all.

        Raises
        ------
        SettingsError
            If it cannot be written.
        """
        text = msgspec.json.format(msgspec.json.encode(_Document(bindings=self.bindings)), indent=2)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(text + b"\n")
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error


def map_path() -> Path:
    """Name the file in which the map is kept."""
    return config_folder() / "midi.json"
