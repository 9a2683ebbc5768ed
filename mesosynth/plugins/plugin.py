"""Plugin contract: instruments and effects that render blocks of stereo sound.

Buffers belong to the caller and are planar stereo: a block is ``(2, frames)`` float32, two
contiguous rows of a larger buffer. ``[control]`` marks functions for any thread except the audio
callback, and only while `process` is not running; ``[audio]`` marks functions for the callback:
they must not allocate arrays, lock, log, import or wait.

The order of calls is ``prepare``, then any number of ``process``, with ``reset``, ``state`` and
``restore`` between two of them, and perhaps ``prepare`` again at another rate. CLAP and JUCE have
the same contract.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import ParameterTable

CHANNELS = 2
"""Rows of a block: left and right."""

WHOLE_CHANNEL = 255
"""Value of an event's `note` for all notes of its channel."""

EVENT = np.dtype(
    [("frame", "i4"), ("kind", "u1"), ("channel", "u1"), ("note", "u1"), ("value", "f8")]
)
"""One event: its frame in the block, an :class:`EventKind`, the MIDI channel (0 to 15) and note
(0 to 127), and a value whose meaning and unit depend on the kind."""

Events = NDArray[np.void]
"""(k,) EVENT, sorted by frame."""

NO_EVENTS: Events = np.zeros(0, EVENT)


class EventKind(IntEnum):
    """Kind of an event; the comments give the unit of `value`."""

    NOTE_ON = 1  # velocity, 0 to 1
    NOTE_OFF = 2  # release velocity, 0 to 1
    PITCH_BEND = 3  # semitones
    PRESSURE = 4  # 0 to 1, of one note or of WHOLE_CHANNEL
    SUSTAIN = 5  # 0 or 1
    TIMBRE = 6  # 0 to 1, MPE's controller 74
    ALL_OFF = 7
    TEMPO = 8  # beats per minute
    START = 9  # the transport
    STOP = 10
    FREEZE = 11  # 0 or 1
    WHEEL = 12  # 0 to 1, the modulation wheel


class Plugin(ABC):
    """An instrument or effect: parameters, and blocks of sound.

    Attributes
    ----------
    name : str
        Name in the rack.
    parameters : ParameterTable
        Its parameters, in the order of `values` in :meth:`process`.
    block_size_invariant : bool
        Whether the same input gives the same output for every block size, while the parameters
        stand still. False skips that test.
    latency : int
        Delay of the output, samples; known once prepared.
    tail : float
        Longest sound after the end of the input, s; known once prepared.
    problem : str
        A sentence about what is missing of its state, such as a file, or ""; known once prepared.
    """

    name: ClassVar[str]
    parameters: ClassVar[ParameterTable]
    block_size_invariant: ClassVar[bool] = True
    latency: int = 0
    tail: float = 0.0
    problem: str = ""

    @abstractmethod
    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate all buffers, then reset.

        Parameters
        ----------
        sample_rate : float
            Hz.
        max_block : int
            Frames in the largest block.
        """

    @abstractmethod
    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Render the next block.

        Parameters
        ----------
        values : (len(parameters),) float64
            Value of each parameter at the end of the block, inside the table's range; the plugin
            ramps to it from the value at the end of the last block.
        events : (k,) EVENT
            Events of the block, sorted by frame, ``0 <= frame < frames``.
        block : (2, frames) float32
            Left and right, 0 < frames <= max_block. An instrument overwrites it, an effect changes
            it in place.
        """

    @abstractmethod
    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""

    def state(self) -> dict[str, Any]:
        """[control] State for presets besides the parameters, as plain JSON values."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - most have no state
        """[control] Restore a state that :meth:`state` returned.

        Raises
        ------
        ArgumentError
            If `state` is not valid; the plugin stays as it was.
        """


class Instrument(Plugin):
    """A plugin that makes sound: `process` overwrites the block."""


class Effect(Plugin):
    """A plugin that changes sound: `process` works in place."""
