"""Hands that play as hard as a stage does: keys, a knob, and match after match."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

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


class Playable(Protocol):
    """What hands play: a session, or a part of one."""

    def note_on(self, note: int, velocity: float) -> None:
        """Press a key."""
        ...

    def note_off(self, note: int) -> None:
        """Let go of it."""
        ...

    def set_parameters(self, values: Mapping[str, float]) -> None:
        """Move knobs."""
        ...


class Hands:
    """They play the same each time, whatever becomes of it.

    Parameters
    ----------
    played : Playable

    Attributes
    ----------
    count : Counter
        "events" of keys, and "moves" of the knob, so far.
    """

    def __init__(self, played: Playable) -> None:
        self.count: Counter[str] = Counter()
        self._played = played
        self._random = random.Random(0)
        self._held: list[int] = []

    def play(self) -> None:
        """What happens in one tick."""
        played, chance = self._played, self._random
        for _ in range(EVENTS):
            if self._held and chance.random() < 0.5:
                played.note_off(self._held.pop(chance.randrange(len(self._held))))
            else:
                note = chance.randint(LOWEST, HIGHEST)
                played.note_on(note, chance.random())
                self._held.append(note)
        played.set_parameters({KNOB: self.count["moves"] % 100 / 100.0})
        self.count.update(events=EVENTS, moves=1)


def keep_matching(session: Session) -> None:
    """See to it that the matcher does not rest: let it match a sound again and again."""
    if session.matching:
        return
    if session.target is None:
        session.load_target(resource("assets", "demo.wav"))
    session.start_match()
