"""The one model that a window, a terminal or a script holds.

It owns the parameters, the target, the preset and both processes, and is the only writer of live
parameters: a knob, a preset and the matcher all pass through :meth:`Session.set_parameters`, so that picture
and sound agree. It has no thread of its own: whoever holds it calls :meth:`Session.poll` some
thirty times a second and acts on the events that come back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.matching.messages import Analysis, MatchResult, MatchStep
from mesosynth.parameters import ParameterTable

Source = Literal["user", "preset", "match"]


@dataclass(frozen=True, slots=True)
class ParametersChanged:
    """The live parameters moved: `values` holds all of them by id."""

    values: dict[str, float]
    source: Source


@dataclass(frozen=True, slots=True)
class TargetLoaded:
    """A target is ready: its name and waveform, mono, as the matcher sees it."""

    name: str
    audio: NDArray[np.float32]
    sample_rate: float


@dataclass(frozen=True, slots=True)
class Analysed:
    """Pictures arrived, of the target or of the sound that the parameters make now."""

    what: Literal["target", "sound"]
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class MatchStarted:
    """A match began."""


@dataclass(frozen=True, slots=True)
class MatchProgress:
    """A match took a step."""

    step: MatchStep


@dataclass(frozen=True, slots=True)
class MatchEnded:
    """A match ended, by itself or because it was stopped; None if it came to no theta at all."""

    result: MatchResult | None


@dataclass(frozen=True, slots=True)
class Transport:
    """Whether the instrument plays, and through what."""

    playing: bool
    device: str
    silent: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """The state of a recording: seconds so far, the input's level in dBFS, and whether it runs."""

    running: bool
    seconds: float
    level: float


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for the user."""

    text: str
    severity: Literal["info", "warning", "error"]


Event = (
    ParametersChanged | TargetLoaded | Analysed | MatchStarted | MatchProgress | MatchEnded
    | Transport | Recording | Message
)  # fmt: skip


class Session:
    """Parameters, target, sound and match of one player.

    Parameters
    ----------
    device : str, optional
        Name (or part of it) of the output device; None takes the system's default, "silent" the
        silent clock.
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    """

    parameters: ParameterTable
    values: dict[str, float]
    follow: bool
    playing: bool
    matching: bool

    def __init__(self, device: str | None = None, instrument: str = "chirplet") -> None: ...

    def poll(self) -> list[Event]:
        """Everything that happened since the last call, in order; never blocks."""
        ...

    def set_parameters(self, values: Mapping[str, float], source: Source = "user") -> None:
        """Move live parameters; heard at the next block, `poll` reports ParametersChanged."""
        ...

    def load_preset(self, path: Path) -> None: ...
    def save_preset(self, path: Path) -> None: ...
    def load_target(self, path: Path) -> None:
        """Read a sound file as the target and ask for its pictures.

        Raises
        ------
        AudioFileError, TargetError
            And the target that was there stays.
        """
        ...

    def start_recording(self) -> None: ...
    def stop_recording(self) -> None:
        """End the recording, keep it as a take on disk, and make it the target."""
        ...

    def play(self) -> None: ...
    def stop(self) -> None: ...
    def start_match(self) -> None: ...
    def stop_match(self) -> None: ...
    def scope(self, frames: int) -> NDArray[np.float32]:
        """The last `frames` samples that were sent to the device."""
        ...

    def close(self) -> None: ...
