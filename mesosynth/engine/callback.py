"""The audio callback: events, rack, limiter, meters and the master fade of one block."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.meters import Levels, Load
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import MOVED, EventQueue, ParameterBlock, Record, SoundRing
from mesosynth.engine.status import StatusBlock
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind, Events

# --------------------------------------------------------------------------------------------------
# The last thing before the device: all that leaves can be faded to silence, and back.


SECONDS = 0.01  # of a fade


class MasterFade:
    """A gain that goes to 0 or to 1 in a straight line; it only ever makes things quieter.

    Attributes
    ----------
    open : bool
        Where it is heading: the control side sets it, the audio side follows.
    """

    def __init__(self) -> None:
        self.open = True
        self._level = 0.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames; begin silent."""
        self._step = 1.0 / (SECONDS * sample_rate)
        self._count = np.arange(1.0, max_block + 1.0, dtype=np.float32)
        self._gain = np.zeros(max_block, np.float32)
        self._level = 0.0

    @property
    def closed(self) -> bool:
        """Whether nothing leaves any longer."""
        return self._level <= 0.0 and not self.open

    def process(self, block: NDArray[np.float32]) -> None:
        """[audio] Fade `block`, (2, frames) float32, in place."""
        if self.open and self._level >= 1.0:
            return
        step, frames = self._step if self.open else -self._step, block.shape[1]
        gain = np.multiply(self._count[:frames], step, out=self._gain[:frames])
        np.add(gain, self._level, out=gain)
        np.clip(gain, 0.0, 1.0, out=gain)
        for row in block:  # row by row: to broadcast in place makes a copy
            np.multiply(row, gain, out=row)
        self._level = min(max(self._level + frames * step, 0.0), 1.0)


# --------------------------------------------------------------------------------------------------
# What the audio callback finds in its queues, each event on its frame of the block.
#
# An event is heard one block after it happened, always: whatever came in while one block was played
# is laid out over the next, at the distances at which it came. The times of the callbacks
# themselves jitter, so a block's beginning is the filtered time of its callback.


MOST = 512
"""Events in a block; more wait for the next."""

AT_ONCE = 5
"""Keys that are pressed or let go in one block, where more came within it: half of what waits, the
others in the next block. Ten at once took three times as long as a block in which nothing happens;
and a chord's keys are played further apart than two short blocks."""

KEY_SECONDS = 0.0005
"""s of a block for each key more than AT_ONCE: so it is only short blocks that are spared."""

HOLD = 0.1
"""s for which a moved parameter stands whatever the session says; by then the session knows."""

_KEYS = frozenset((EventKind.NOTE_ON, EventKind.NOTE_OFF))
_FILTER = 0.2  # s, of the callbacks' times
_LOST = 0.25  # s off: the machine slept or the device was changed, so the clock begins anew


class BlockClock:
    """When blocks begin, filtered: a delay-locked loop of first order.

    It never lags more than a block, so that no event ever waits for the second next block.
    """

    def __init__(self) -> None:
        self._next = -math.inf

    def begin(self, now: float, seconds: float) -> float:
        """[audio] Time at which the block of that many `seconds` begins, called `now`."""
        late = now - self._next
        if abs(late) > _LOST:
            begin = now
        else:
            begin = self._next + late * min(1.0, seconds / _FILTER)
            begin = min(max(begin, now - seconds), now + _LOST)
        self._next = begin + seconds
        return begin


class EventInbox:
    """The audio side of some queues.

    A note also wakes an instrument that does not play: it then plays the keys and nothing by
    itself, until the transport is started and stopped.

    Parameters
    ----------
    queues : sequence of EventQueue
        Events that lie in them already are forgotten.
    clock : callable, optional
        Gives the time of their stamps, s.

    Attributes
    ----------
    awake : bool
        Whether notes, rather than the transport, keep the sound on.
    moves : Moves
        What controllers moved.
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
        self._events = np.zeros(1 + MOST, EVENT)  # the first place is the transport's
        self._playing = self._running = False
        self._note_on = self._start = False
        self._sample_rate = 48000.0
        self._panic = False
        self.awake = False
        self.moves = Moves()

    def sleep(self) -> None:
        """[control] Forget all notes with the next block, those that are on their way as well."""
        self._panic = True

    def prepare(self, sample_rate: float, parameters: int) -> None:
        """[control] Take the device's sample rate, Hz, and the length of the vector."""
        self._sample_rate = sample_rate
        self.moves.prepare(parameters)

    def take(self, frames: int, playing: bool) -> Events:
        """[audio] The events of the block of `frames` that begins now.

        Parameters
        ----------
        frames : int
        playing : bool
            What the session's transport says.

        Returns
        -------
        (k,) EVENT, valid until the next call.
        """
        now = self.moves.now = self._time()
        if self._panic:
            self._panic = False
            self._forget()
        seconds = frames / self._sample_rate
        end = 1 + self._fill(frames, self._clock.begin(now, seconds), seconds)
        transport = self._follow_transport(playing)
        if transport is not None:
            self._events[0] = (0, transport, 0, 0, 0.0)
        return self._events[1 if transport is None else 0 : end]

    def _forget(self) -> None:
        self._running = self.awake = False
        for queue in self._queues:
            queue.skip()

    def _fill(self, frames: int, begin: float, seconds: float) -> int:
        """Lay out what happened before `begin` from the second place on; return how many."""
        count = frame = keys = 0
        waiting = sum(queue.waiting for queue in self._queues)
        most = max(AT_ONCE, int(seconds / KEY_SECONDS), (waiting + 1) // 2)
        self._note_on = self._start = False
        for i, queue in enumerate(self._queues):
            self._heads[i] = queue.peek()
        while count < MOST:
            first = self._earliest()
            head = None if first is None else self._heads[first]
            if first is None or head is None or head[0] >= begin:
                break
            stamp, value, _, kind, channel, note = head
            if kind in _KEYS:
                keys += 1
                if keys > most and stamp >= begin - seconds:  # or else it was put off before
                    break
            self._queues[first].take()
            self._heads[first] = self._queues[first].peek()
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
        """Wake and sleep; return what an instrument must hear first."""
        stopped = self._playing and not playing
        self._playing = playing
        if playing:
            late = self.awake and not self._running  # it plays the keys alone so far
            self._running, self.awake = True, False
            return EventKind.START if late else None
        if stopped:
            self._running = self.awake = False
        if self._start:  # the session will say so, too
            self._running = self.awake = True
        elif self._note_on and not self.awake:
            self._running, self.awake = False, True
        # Told again with every block, lest another instrument in its place begin by itself.
        return EventKind.STOP if self.awake and not self._running else None


class Moves:
    """Parameters that a controller moved, heard before the session has heard of it.

    The session remains the one that says what a parameter is. What a controller says stands in for
    it until the session's own value changes, and at least :data:`HOLD`, lest of a quick row of
    moves an older one, on its way through the session, overtakes a newer one.

    Attributes
    ----------
    now : float
        Time of the block that is played, s.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._held: dict[int, tuple[float, float, float]] = {}
        self._session: NDArray[np.float64] = np.zeros(0)
        self._mixed = np.zeros(0)

    def prepare(self, parameters: int) -> None:
        """[control] Take the length of the vector."""
        self._session, self._mixed = np.zeros((2, parameters))

    def add(self, place: int, value: float) -> None:
        """[audio] Move the parameter at `place` of the vector."""
        if place < len(self._session):
            held = self._held.get(place)
            before = held[1] if held is not None else float(self._session[place])
            self._held[place] = (value, before, self.now + HOLD)

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """[audio] The session's `values`, or a copy with what was moved; valid until the next."""
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
# All that happens in an audio callback: parameters and events in, sound out, and the books.


class Engine:
    """Renders blocks for a device.

    Attributes
    ----------
    blocks, underflows, frames : int
        Blocks so far, how often the device ran dry, and the length of the last block.
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

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self.rack.prepare(sample_rate, max_block)
        self.levels.prepare(sample_rate, max_block)
        self.fade.prepare(sample_rate, max_block)
        self._output.begin(round(sample_rate))
        self._sample_rate = sample_rate
        if self._inbox is not None:
            self._inbox.prepare(sample_rate, self._parameters.length)

    def render(self, block: NDArray[np.float32], underflow: bool) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        begin = time.perf_counter()
        frames = block.shape[1]
        values, playing = self._parameters.read()
        if self.rack.audition is not None:
            playing = self.rack.audition.begin_block(playing, frames)
        events = NO_EVENTS
        if self._inbox is not None:
            events = self._inbox.take(frames, playing)
            values = self._inbox.moves.apply(values)
            playing = playing or self._inbox.awake
        self.rack.process(values, events, playing, block)
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
        """Let the session know, in the order of COUNTED."""
        if self._status is None:
            return
        rack, levels, load = self.rack, self.levels, self.load
        audition = -1.0 if rack.audition is None else rack.audition.seconds
        self._status.count(
            self.blocks, self.frames, self.underflows, load.overruns, load.heavy, load.noted,
            load.longest, load.largest, rack.peak, levels.true_peak, *levels.peak, *levels.rms,
            audition,
        )  # fmt: skip

    def panic(self) -> None:
        """[control] Forget all sound and all notes with the next block."""
        self.rack.silence()
        if self._inbox is not None:
            self._inbox.sleep()

    def reset_meters(self) -> None:
        """[control] Count underflows, the longest block and the peaks anew."""
        self.underflows = 0
        self.load.reset()
        self.rack.peak = self.levels.true_peak = 0.0
        self._tell()
