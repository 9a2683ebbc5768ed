"""A stage for benchmarks of the sound: hands that play, and an engine that only we call.

Hands play as hard as a stage does: keys, a knob, and match after match. On a :class:`Stage` no
device waits for the blocks, so that they can be played again and again: each block's least time is
its own work. What interrupted it, or slowed it down, was not there every time.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import spread
from mesosynth.effects import EFFECTS
from mesosynth.engine.callback import Engine, EventInbox
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import EventQueue, ParameterBlock, SoundRing
from mesosynth.engine.slot import VECTOR, LoadedPlugin, ParameterSmoother, RackSlot
from mesosynth.engine.status import AudioStatus
from mesosynth.errors import WorkerError
from mesosynth.instruments import instrument_class
from mesosynth.plugins.plugin import CHANNELS, EventKind
from mesosynth.session import Session
from mesosynth.system.paths import resource

TICK = 0.01
"""Time from one :meth:`Hands.play` to the next, s."""

EVENTS = 10
"""Keys that are pressed or let go in a tick."""

LOWEST, HIGHEST = 36, 84
"""The keys that are played."""

KNOB = "spread"
"""The knob that moves in every tick; every instrument has it."""

REPLAYS = 7
"""Of which each block's least time is taken."""

_START_SECONDS = 30.0
_STEADY = 100  # blocks


class Playable(Protocol):
    """Keys to play: those of a session, or of a stage."""

    def note_on(self, note: int, velocity: float) -> None:
        """Press a key."""
        ...

    def note_off(self, note: int) -> None:
        """Let go of it."""
        ...


class Hands:
    """Keys and a knob, the same each time.

    Parameters
    ----------
    played : Playable
    move : callable
        Moves parameters to values by id.

    Attributes
    ----------
    count : Counter
        "events" of keys, and "moves" of the knob, so far.
    """

    def __init__(self, played: Playable, move: Callable[[Mapping[str, float]], object]) -> None:
        self.count: Counter[str] = Counter()
        self._played, self._move = played, move
        self._random = random.Random(0)
        self._held: list[int] = []

    def play(self) -> None:
        """Play the keys and the knob of one tick."""
        played, chance = self._played, self._random
        for _ in range(EVENTS):
            if self._held and chance.random() < 0.5:
                played.note_off(self._held.pop(chance.randrange(len(self._held))))
            else:
                note = chance.randint(LOWEST, HIGHEST)
                played.note_on(note, chance.random())
                self._held.append(note)
        self._move({KNOB: self.count["moves"] % 100 / 100.0})
        self.count.update(events=EVENTS, moves=1)


class PlayedSession:
    """A session on a device, and its messages.

    A context manager: leaving it closes the session.

    Parameters
    ----------
    device : str
        Part of an output's name.
    block : int
        Frames.
    sample_rate : int, optional
        Hz; None leaves the choice to the device.

    Attributes
    ----------
    session : Session
    count : Counter
        "steps" of the matcher, "matches" that ended, and "restarts" of processes, so far.
    messages : list of str
        Warnings and errors.

    Raises
    ------
    DeviceError
        If there is no such device.
    WorkerError
        If the sound does not start.
    """

    def __init__(self, device: str, block: int, sample_rate: int | None = None) -> None:
        self.session = Session(device, sample_rate=sample_rate, block=block)
        self.count: Counter[str] = Counter()
        self.messages: list[str] = []
        self._errors: list[str] = []
        self.session.match.stepped.connect(self._count_step)
        self.session.match.ended.connect(self._count_match)
        self.session.messages.said.connect(self._keep_message)
        try:
            self._wait_for_sound()
        except BaseException:
            self.session.close()
            raise

    @property
    def status(self) -> AudioStatus:
        """Latest status of the audio process."""
        status = self.session.device.status()
        if status is None:
            raise WorkerError("the audio process has ended in the middle of the benchmark.")
        return status

    def _count_step(self) -> None:
        self.count["steps"] += 1

    def _count_match(self) -> None:
        self.count["matches"] += 1

    def _keep_message(self, text: str, severity: str) -> None:
        if severity != "info":
            self.messages.append(text)
            self.count["restarts"] += "started again" in text
        if severity == "error":
            self._errors.append(text)

    def keep_matching(self) -> None:
        """Start a match where none runs."""
        session = self.session
        if session.match.running:
            return
        if session.target.sound is None:
            session.target.load(resource("assets", "demo.wav"))
        session.match.start()

    def _wait_for_sound(self) -> None:
        """Wait until the session plays steadily."""
        end = time.monotonic() + _START_SECONDS
        while (status := self.session.device.status()) is None or status.blocks < _STEADY:
            self.session.poll()
            if self._errors:
                raise WorkerError(self._errors[0])
            if time.monotonic() > end:
                raise WorkerError(
                    f"there is no sound after {_START_SECONDS:g} s; mesosynth doctor."
                )
            time.sleep(0.02)

    def __enter__(self) -> "PlayedSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()


class Stage:
    """An engine with an instrument and effects, from the shared parameters to the device's ring.

    A context manager: leaving it releases the memory.

    Parameters
    ----------
    values : mapping of str to float
        Of the instrument; the others, and those of effects, stand at their defaults.
    effects : sequence of str
    sample_rate, block : int
        Hz and frames.
    instrument : str
    state : mapping, optional
        What the instrument restores, such as the kinds of layers.

    Attributes
    ----------
    engine : Engine
    block : (2, frames) float32
        The last one.
    sample_rate : int
        Hz.
    now : float
        What its clock says, s; it passes with every block.
    """

    def __init__(
        self, values: Mapping[str, float], effects: Sequence[str], sample_rate: int, block: int,
        instrument: str = "chirplet", state: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        plays = instrument_class(instrument)
        self._table = plays.parameters
        plugin = plays()
        if state:
            plugin.restore(state)
        rack = Rack(plugin)
        for place, name in enumerate(effects, 1):
            effect = EFFECTS[name]()
            # No ids of the vector: each parameter stands at its default.
            loaded = LoadedPlugin(effect, ParameterSmoother(effect.parameters, place, ()))
            rack.slots = (*rack.slots, RackSlot(name, loaded))
        self.now = 0.0
        self.sample_rate = sample_rate
        self._said, self._output, self._keys = ParameterBlock(VECTOR), SoundRing(), EventQueue()
        self._heard = ParameterBlock(VECTOR, self._said.name)  # as another process does
        inbox = EventInbox((self._keys,), clock=lambda: self.now)
        self.engine = Engine(rack, self._heard, self._output, inbox)
        self.engine.prepare(sample_rate, block)
        self.block = np.zeros((CHANNELS, block), np.float32)
        self._vector = np.zeros(VECTOR)
        self.set_parameters(values)

    def note_on(self, note: int, velocity: float) -> None:
        """Press a key."""
        self._keys.push(EventKind.NOTE_ON, 0, note, velocity, self.now)

    def note_off(self, note: int) -> None:
        """Let go of it."""
        self._keys.push(EventKind.NOTE_OFF, 0, note, 0.0, self.now)

    def set_parameters(self, values: Mapping[str, float]) -> None:
        """Move these of the instrument, the others to their defaults."""
        self._vector[: len(self._table)] = self._table.vector(values)
        self._said.write(self._vector, playing=True)

    def render(self) -> None:
        """Compute one block."""
        self.now += self.block.shape[1] / self.sample_rate
        self.engine.render(self.block, underflow=False)

    def play(self, seconds: float) -> None:
        """Compute that much sound."""
        for _ in range(round(seconds * self.sample_rate / self.block.shape[1])):
            self.render()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        for memory in (self._heard, self._said, self._output, self._keys):
            memory.close()


def own_work(
    make: Callable[[], Stage], warm_up: float, seconds: float, *, hands: bool = False
) -> dict[str, float]:
    """Shares of a block's time that blocks take by themselves.

    Parameters
    ----------
    make : callable
        Makes a stage, the same each time.
    warm_up, seconds : float
        Of sound, before and while blocks are measured.
    hands : bool
        Whether :class:`Hands` play it.

    Returns
    -------
    dict
        As :func:`benchmarks.harness.spread`: of each block the least of some replays, over the time
        that it lasts.
    """
    return spread(np.min([_replay(make, warm_up, seconds, hands) for _ in range(REPLAYS)], axis=0))


def _replay(
    make: Callable[[], Stage], warm_up: float, seconds: float, hands: bool
) -> NDArray[np.float64]:
    """Share of each block."""
    with make() as stage:
        stage.play(warm_up)
        lasts = stage.block.shape[1] / stage.sample_rate
        player, ticks = Hands(stage, stage.set_parameters), 0
        took = np.zeros(max(1, round(seconds / lasts)))
        for i in range(len(took)):
            while hands and ticks * TICK < stage.now:
                player.play()
                ticks += 1
            began = time.thread_time()
            stage.render()
            took[i] = time.thread_time() - began
    return took / lasts
