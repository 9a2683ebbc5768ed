"""The contract of everything that sounds: instruments, effects, and what users write.

What CLAP and JUCE ask of a plugin, in Python. Buffers belong to the caller and are planar stereo:
a block is ``(2, frames)`` float32, two contiguous rows of a larger buffer. ``[control]`` marks what
any thread but the audio callback may call, and only while `process` is not running; ``[audio]``
marks what the callback calls: it must not allocate arrays, lock, log, import or wait.

The order of calls is ``prepare``, then any number of ``process``, with ``reset``, ``state`` and
``restore`` between two of them, and perhaps ``prepare`` again at another rate.
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
"""In an event's `note`: it is for all notes of its channel."""

EVENT = np.dtype(
    [("frame", "i4"), ("kind", "u1"), ("channel", "u1"), ("note", "u1"), ("value", "f8")]
)
"""One event: the frame of the block at which it happens, an :class:`EventKind`, the MIDI channel
(0 to 15) and note (0 to 127), and a value whose meaning is the kind's."""

Events = NDArray[np.void]
"""(k,) EVENT, sorted by frame."""

NO_EVENTS: Events = np.zeros(0, EVENT)


class EventKind(IntEnum):
    """What happened; in parentheses what `value` says."""

    NOTE_ON = 1  # (velocity, 0 to 1)
    NOTE_OFF = 2  # (release velocity, 0 to 1)
    PITCH_BEND = 3  # (semitones)
    PRESSURE = 4  # (0 to 1), of one note or of WHOLE_CHANNEL
    SUSTAIN = 5  # (0 or 1)
    TIMBRE = 6  # (0 to 1), MPE's controller 74
    ALL_OFF = 7
    TEMPO = 8  # (beats per minute)
    START = 9  # the transport
    STOP = 10
    FREEZE = 11  # (0 or 1)


class Plugin(ABC):
    """Something with parameters that fills or changes blocks of sound.

    Attributes
    ----------
    name : str
        What people read in the rack.
    parameters : ParameterTable
        What it can be asked; the order of `values` in :meth:`process`.
    block_size_invariant : bool
        Whether the same input gives the same output however it is cut into blocks, as long as the
        parameters stand still. False excuses it from that test.
    latency : int
        Samples by which the output lags behind the input, known once prepared.
    tail : float
        Seconds for which it may still sound after its input has ended, known once prepared.
    """

    name: ClassVar[str]
    parameters: ClassVar[ParameterTable]
    block_size_invariant: ClassVar[bool] = True
    latency: int = 0
    tail: float = 0.0

    @abstractmethod
    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""

    @abstractmethod
    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Make the next block of sound.

        Parameters
        ----------
        values : (len(parameters),) float64
            Where each parameter should be at the end of the block; it ramps there from where the
            last block left it. Always inside the table's ranges.
        events : (k,) EVENT
            What happens during the block, sorted by frame, ``0 <= frame < frames``.
        block : (2, frames) float32
            Left and right, 0 < frames <= max_block. An instrument overwrites it, an effect changes
            it in place.
        """

    @abstractmethod
    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""

    def state(self) -> dict[str, Any]:
        """[control] What a preset has to keep besides the parameters, as plain JSON values."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - most have nothing to keep
        """[control] Take back what :meth:`state` gave, or nothing if it makes no sense.

        Raises
        ------
        ArgumentError
            If `state` is of no use; the plugin stays as it was.
        """


class Instrument(Plugin):
    """A plugin that makes sound: `process` overwrites the block."""


class Effect(Plugin):
    """A plugin that changes sound: `process` works in place."""
