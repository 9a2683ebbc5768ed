"""Audio callback: events, rack, limiter, meters and the master fade of one block."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.fades import fade
from mesosynth.engine.meters import Levels, Load
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import MOVED, EventQueue, ParameterBlock, Record, SoundRing
from mesosynth.engine.status import StatusBlock
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind, Events
from mesosynth.system.kernels import compile_loops

# --------------------------------------------------------------------------------------------------
# Master fade: the output faded to silence, and back


SECONDS = 0.01  # of a fade


class MasterFade:
    """A gain that moves to 0 or 1 in a straight line; it never makes the sound louder.

    Attributes
    ----------
    open : bool
        Its target: the control side sets it, the audio side follows.
    """

    def __init__(self) -> None:
        self.open = True
        self._level = 0.0

    def prepare(self, sample_rate: float) -> None:
        """[control] Set the sample rate, Hz, and load the sample loop; begin silent."""
        compile_loops(__name__)
        self._step, self._level = 1.0 / (SECONDS * sample_rate), 0.0

    @property
    def closed(self) -> bool:
        """Whether the output is silent."""
        return self._level <= 0.0 and not self.open

    def process(self, block: NDArray[np.float32]) -> None:
        """[audio] Fade `block`, (2, frames) float32, in place."""
        if self.open and self._level >= 1.0:
            return
        step = self._step if self.open else -self._step
        self._level = fade(block, self._level, step)


# --------------------------------------------------------------------------------------------------
# Events of the queues, each on its frame of the block
#
# An event is always heard one block after it happened: events that arrive while one block is played
# are placed in the next, at the same distances. Callbacks may be late and are never early, so the
# beginning of a block is the time at which its callback would have been in time.


MOST = 512
"""Most events in a block; others wait for the next block."""

AT_ONCE = 5
"""Keys pressed or released in one block, where more arrived within it: then half of the waiting
keys, and the others in the next block. Ten at once took three times as long as a block without
keys; and the keys of a chord are further apart than two short blocks."""

KEY_SECONDS = 0.0005
"""Length of a block, s, for each key more than AT_ONCE, so that only short blocks are limited."""

HOLD = 0.1
"""Time for which a moved parameter ignores the session, s; by then the session knows the move."""

_KEYS = frozenset((EventKind.NOTE_ON, EventKind.NOTE_OFF))
_FILTER = 0.2  # s in which the clock follows callbacks that stay late, by 1 - 1/e
_LOST = 0.25  # s of error: the machine slept or the device changed, so the clock starts again


class BlockClock:
    """Begin of the blocks: the lower envelope of the callbacks' times.

    Where a busy machine calls late, and the device's buffer lasts and is filled up again in quick
    succession, the clock hardly moves, so events keep their distances. Where the device ran dry,
    callbacks stay late, and the clock follows them.
    """

    def __init__(self) -> None:
        self._next = -math.inf

    def begin(self, now: float, seconds: float) -> float:
        """[audio] Begin of the next block.

        Parameters
        ----------
        now : float
            Time of the callback, s.
        seconds : float
            Length of the block, s.

        Returns
        -------
        float
            s; at most `now`.
        """
        late = now - self._next
        begin = now
        if 0.0 <= late <= _LOST:
            begin = self._next + late * min(1.0, seconds / _FILTER)
        self._next = begin + seconds
        return begin


class EventInbox:
    """Audio side of the event queues.

    A note also wakes an instrument that does not play: it then plays the keys and nothing else,
    until the transport is started and stopped.

    Parameters
    ----------
    queues : sequence of EventQueue
        Events that are in them already are dropped.
    clock : callable, optional
        Clock of their time stamps, s.

    Attributes
    ----------
    awake : bool
        Whether notes, rather than the transport, keep the sound on.
    moves : Moves
        Parameters moved by controllers.
    started : float
        Time stamp of an event that is heard with the last start of the transport, s.
    """

    def __init__(
        self, queues: Sequence[EventQueue], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._queues = tuple(queues)
        self._time = clock
        for queue in self._queues:
            queue.skip()
        self._heads: list[Record | None] = [None] * len(self._queues)
        self._clock = BlockClock()
        self._events = np.zeros(1 + MOST, EVENT)  # the first is for the transport
        self._playing = self._running = False
        self._note_on = self._start = False
        self._sample_rate = 48000.0
        self._panic = False
        self.awake = False
        self.moves = Moves()
        self.started = 0.0

    def sleep(self) -> None:
        """[control] Drop all notes with the next block, waiting ones as well."""
        self._panic = True

    def prepare(self, sample_rate: float, parameters: int) -> None:
        """[control] Set the format.

        Parameters
        ----------
        sample_rate : float
            Of the device, Hz.
        parameters : int
            Length of the vector.
        """
        self._sample_rate = sample_rate
        self.moves.prepare(parameters)

    def take(self, frames: int, playing: bool) -> Events:
        """[audio] Events of the block that begins now.

        Parameters
        ----------
        frames : int
            Length of the block.
        playing : bool
            State of the session's transport.

        Returns
        -------
        (k,) EVENT
            Overwritten by the next call.
        """
        now = self.moves.now = self._time()
        if self._panic:
            self._panic = False
            self._forget()
        seconds = frames / self._sample_rate
        begin = self._clock.begin(now, seconds)
        if playing and not self._playing:
            self.started = begin - seconds
        end = 1 + self._fill(frames, begin, seconds)
        transport = self._follow_transport(playing)
        if transport is not None:
            self._events[0] = (0, transport, 0, 0, 0.0)
        return self._events[1 if transport is None else 0 : end]

    def _forget(self) -> None:
        self._running = self.awake = False
        for queue in self._queues:
            queue.skip()

    def _fill(self, frames: int, begin: float, seconds: float) -> int:
        """Place the events before `begin` from the second place on; return their number."""
        count = frame = keys = 0
        self._note_on = self._start = False
        for i, queue in enumerate(self._queues):
            self._heads[i] = queue.peek()
        if self._earliest() is None:
            return 0
        waiting = sum(queue.waiting for queue in self._queues)
        most = max(AT_ONCE, int(seconds / KEY_SECONDS), (waiting + 1) // 2)
        while count < MOST:
            first = self._earliest()
            head = None if first is None else self._heads[first]
            if first is None or head is None or head[0] >= begin:
                break
            stamp, value, _, kind, channel, note = head
            if kind in _KEYS:
                keys += 1
                if keys > most and stamp >= begin - seconds:  # older ones were delayed already
                    break
            self._queues[first].take()
            self._heads[first] = self._queues[first].peek()
            if not math.isfinite(value):  # no source sends one; none shall reach the ears
                continue
            if kind == MOVED:
                self.moves.add(256 * channel + note, value)
                continue
            self._note_on |= kind == EventKind.NOTE_ON
            self._start |= kind == EventKind.START
            at = frames + math.floor((stamp - begin) * self._sample_rate)
            frame = min(max(at, frame), frames - 1)
            count += 1
            self._events[count] = (frame, kind, channel, note, value)
        return count

    def _earliest(self) -> int | None:
        earliest, stamp = None, math.inf
        for i, head in enumerate(self._heads):
            if head is not None and head[0] < stamp:
                earliest, stamp = i, head[0]
        return earliest

    def _follow_transport(self, playing: bool) -> EventKind | None:
        """Wake and sleep; return the transport event of this block, if any."""
        stopped = self._playing and not playing
        self._playing = playing
        if playing:
            late = self.awake and not self._running  # it played only keys so far
            self._running, self.awake = True, False
            return EventKind.START if late else None
        if stopped:
            self._running = self.awake = False
        if self._start:  # the session follows
            self._running = self.awake = True
        elif self._note_on and not self.awake:
            self._running, self.awake = False, True
        # With every block, or a new instrument in its place would start by itself.
        return EventKind.STOP if self.awake and not self._running else None


class Moves:
    """Parameters that a controller moved, applied before the session knows of it.

    The session decides the value of a parameter. The controller's value replaces it until the
    session's value changes, and at least for :data:`HOLD`: in a quick series of moves, an older
    one, on its way through the session, must not overtake a newer one.

    Attributes
    ----------
    now : float
        Time of the present block, s.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._held: dict[int, tuple[float, float, float]] = {}
        self._session: NDArray[np.float64] = np.zeros(0)
        self._mixed = np.zeros(0)

    def prepare(self, parameters: int) -> None:
        """[control] Set the length of the vector."""
        self._session, self._mixed = np.zeros((2, parameters))

    def add(self, place: int, value: float) -> None:
        """[audio] Move a parameter.

        Parameters
        ----------
        place : int
            Index in the vector.
        value : float
            In the parameter's unit.
        """
        if place < len(self._session):
            held = self._held.get(place)
            before = held[1] if held is not None else float(self._session[place])
            self._held[place] = (value, before, self.now + HOLD)

    @property
    def any(self) -> bool:
        """Whether any parameter is held."""
        return bool(self._held)

    def apply(self, values: NDArray[np.float64], changed: bool) -> NDArray[np.float64]:
        """[audio] The session's values, or a copy with the moves, valid until the next call.

        Parameters
        ----------
        values : (n,) float64
            Of the session.
        changed : bool
            Whether they may differ from the last ones.

        Returns
        -------
        (n,) float64
        """
        if changed:
            np.copyto(self._session, values)
        if not self._held:
            return values
        np.copyto(self._mixed, values)
        for place in tuple(self._held):
            value, before, until = self._held[place]
            if self.now > until and float(values[place]) != before:
                del self._held[place]
            else:
                self._mixed[place] = value
        return self._mixed


# --------------------------------------------------------------------------------------------------
# The callback: parameters and events in, sound and status out


class Engine:
    """Renders blocks for a device.

    Parameters
    ----------
    rack : Rack
    parameters : ParameterBlock
        Values of the rack, and the transport.
    output : SoundRing
        Copy of the output, for the recorder and the pictures.
    inbox : EventInbox, optional
    status : StatusBlock, optional

    Attributes
    ----------
    blocks, underflows, frames : int
        Number of blocks, how often the device ran dry, and the length of the last block.
    levels : Levels
    load : Load
    fade : MasterFade
    """

    def __init__(
        self,
        rack: Rack,
        parameters: ParameterBlock,
        output: SoundRing,
        inbox: EventInbox | None = None,
        status: StatusBlock | None = None,
    ) -> None:
        self.rack = rack
        self.blocks = self.underflows = self.frames = 0
        self._parameters = parameters
        self.levels, self.fade = Levels(), MasterFade()
        self.load = Load() if status is None else Load(status.times)
        self._status = status
        self._output = output
        self._inbox = inbox
        self._sample_rate = 1.0
        self._version = -1  # of the parameters in the last block

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate all buffers.

        Parameters
        ----------
        sample_rate : float
            Hz.
        max_block : int
            Frames in the largest block.
        """
        self.rack.prepare(sample_rate, max_block)
        self.levels.prepare(sample_rate)
        self.fade.prepare(sample_rate)
        self._output.begin(round(sample_rate))
        self._sample_rate = sample_rate
        if self._inbox is not None:
            self._inbox.prepare(sample_rate, self._parameters.length)

    def render(self, block: NDArray[np.float32], underflow: bool) -> None:
        """[audio] Overwrite `block` with the next samples.

        Parameters
        ----------
        block : (2, frames) float32
        underflow : bool
            Whether the device ran dry before this block.
        """
        begin = time.perf_counter()
        frames = block.shape[1]
        values, playing = self._parameters.read()
        moved = self._parameters.version != self._version
        self._version = self._parameters.version
        if self.rack.audition is not None:
            playing = self.rack.audition.begin_block(playing, frames)
        events = NO_EVENTS
        if self._inbox is not None:
            events = self._inbox.take(frames, playing)
            moves = self._inbox.moves
            held = moves.any
            values, moved = moves.apply(values, moved), moved or held
            playing = playing or self._inbox.awake
        self.rack.process(values, events, playing, block, moved)
        self.fade.process(block)
        self._output.write(block)
        self.levels.measure(block, self.rack.true_peak)
        self.frames = frames
        self.underflows += underflow
        end, lasts = time.perf_counter(), frames / self._sample_rate
        self.load.note(end - begin, (end - begin) / lasts)
        self.load.note_processor(end, time.thread_time(), lasts)
        self.blocks += 1
        self._tell()

    def _tell(self) -> None:
        """Write the status, in the order of COUNTED."""
        if self._status is None:
            return
        rack, levels, load = self.rack, self.levels, self.load
        started = 0.0 if self._inbox is None else self._inbox.started
        audition = -1.0 if rack.audition is None else rack.audition.seconds
        self._status.count(
            self.blocks, self.frames, self.underflows, load.overruns, load.heavy, load.noted,
            load.longest, load.largest, rack.peak, levels.true_peak, *levels.peak, *levels.rms,
            started, audition,
        )  # fmt: skip

    def panic(self) -> None:
        """[control] Drop all sound and all notes with the next block."""
        self.rack.silence()
        if self._inbox is not None:
            self._inbox.sleep()

    def reset_meters(self) -> None:
        """[control] Reset underflows, load and peaks."""
        self.underflows = 0
        self.load.reset()
        self.rack.peak = self.levels.true_peak = 0.0
        self._tell()
