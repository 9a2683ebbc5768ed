"""Hands that play a session as hard as a stage does: keys, a knob, and match after match."""

import random
from collections import Counter

from mesosynth.resources import resource
from mesosynth.session import Session

TICK = 0.01
"""Time from one :meth:`Hands.play` to the next, s."""

EVENTS = 10
"""Keys that are pressed or let go in a tick."""

LOWEST, HIGHEST = 36, 84
"""The keys that are played."""

KNOB = "spread"
"""The knob that moves in every tick; every instrument has it."""


class Hands:
    """They play the same each time, whatever the session makes of it.

    Parameters
    ----------
    session : Session
        Gets a target to match.

    Attributes
    ----------
    count : Counter
        "events" of keys, and "moves" of the knob, so far.
    """

    def __init__(self, session: Session) -> None:
        self.count: Counter[str] = Counter()
        self._session = session
        self._random = random.Random(0)
        self._held: list[int] = []
        session.load_target(resource("assets", "demo.wav"))

    def play(self) -> None:
        """What happens in one tick."""
        session, chance = self._session, self._random
        for _ in range(EVENTS):
            if self._held and chance.random() < 0.5:
                session.note_off(self._held.pop(chance.randrange(len(self._held))))
            else:
                note = chance.randint(LOWEST, HIGHEST)
                session.note_on(note, chance.random())
                self._held.append(note)
        session.set_parameters({KNOB: self.count["moves"] % 100 / 100.0})
        self.count.update(events=EVENTS, moves=1)

    def match(self) -> None:
        """See to it that the matcher does not rest."""
        if not self._session.matching:
            self._session.start_match()
