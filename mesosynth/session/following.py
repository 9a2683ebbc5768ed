"""The part of a session that follows the input: what is heard there drives the sound."""

import time

from mesosynth.errors import ArgumentError
from mesosynth.matching.results import MATCHABLE, Followed
from mesosynth.matching.tracking_process import FollowerProcess
from mesosynth.session.events import Followed as FollowedEvent
from mesosynth.session.events import ParametersChanged
from mesosynth.session.recording import Recordings

_DEAF = 1.0  # s without a sample after which the input counts as gone
_REPORT = 0.12  # s between two reports, which people read; theta moves more often
_DRAW = 0.5  # s between two pictures of a sound that moves all the time
SURE = 0.1
"""Confidence from which theta drives the sound; of recordings little is explained."""


class Following(Recordings):
    """Hands the input to the follower, and the sound to what that finds.

    To be told apart from `Session.follow`: whether a match drives the sound.
    """

    _follower: FollowerProcess | None = None
    _follow_frozen = False
    _followed_instrument = ""
    _followed_ids: tuple[str, ...] = ()
    _held_theta: tuple[float, ...] = ()  # what of theta is not followed, as the follower knows it
    _input_rate = 0  # Hz
    _input_count = 0  # samples that had come from the input when it was last looked at,
    _input_at = 0.0  # and when there were more than before
    _reported_at = 0.0
    _drawn_at = 0.0

    @property
    def following(self) -> bool:
        """Whether the input is followed."""
        return self._follower is not None

    @property
    def follow_frozen(self) -> bool:
        """Whether the sound stays as it is while the input is followed."""
        return self._follow_frozen

    @property
    def follower_pid(self) -> int | None:
        """Process number of the follower; None while nothing is followed."""
        return None if self._follower is None else self._follower.pid

    def start_following(self) -> None:
        """Let what comes from the input drive theta, as far as a match may look for it.

        `poll` reports Followed some eight times a second. Some seconds go by until the follower is
        there and knows where to begin.

        Raises
        ------
        ArgumentError
            If the instrument that plays cannot follow, or a match drives the sound.
        DeviceError
            If there is no input.
        WorkerError
            If the audio process does not answer.
        """
        if self._follower is not None:
            return
        if self.instrument not in MATCHABLE:
            raise ArgumentError(
                f"The {self.instrument} cannot follow a sound; choose {' or '.join(MATCHABLE)}."
            )
        if self.matching:
            raise ArgumentError("A match drives the sound; stop it before the input is followed.")
        self._input_rate = self._open_input()
        self._follow_frozen = False
        self._input_count, self._input_at = self._audio.recording.written, time.monotonic()
        self._start_follower()
        self._events.append(FollowedEvent(running=True))

    def stop_following(self) -> None:
        """End it; the sound stays as it is."""
        if self._follower is None:
            return
        self._follower.close()
        self._follower, self._follow_frozen = None, False
        self._close_input()
        self._push_values()  # a picture of where it ended
        self._events.append(FollowedEvent(running=False))

    def freeze_following(self, frozen: bool) -> None:
        """Let the sound stay as it is while the input goes on being heard, or let it go on.

        Raises
        ------
        ArgumentError
            If nothing is followed.
        """
        if self._follower is None:
            raise ArgumentError("Nothing is followed that could be frozen; follow the input first.")
        self._follow_frozen = frozen

    def start_match(self) -> None:
        """As :meth:`Matching.start_match`; two cannot drive one sound, so following ends."""
        super().start_match()
        if self._follower is not None:
            self.stop_following()
            self._say("The match drives the sound now; the input is no longer followed.")

    def _start_follower(self) -> None:
        """Start the process; of theta it follows what a match would look for."""
        theta = self._rack.instrument.parameters.matchable
        wanted = tuple(id_ for id_ in theta if id_ in self.match_settings.unknowns)
        self._followed_instrument, self._followed_ids = self.instrument, wanted or theta
        values = {id_: self.values[id_] for id_ in theta}
        self._held_theta = self._theta_that_is_held()
        self._follower = FollowerProcess(
            self.instrument, self._followed_ids, values, self._audio.recording,
            self._input_rate,
        )  # fmt: skip

    def _theta_that_is_held(self) -> tuple[float, ...]:
        theta = self._rack.instrument.parameters.matchable
        return tuple(self.values[id_] for id_ in theta if id_ not in self._followed_ids)

    # ------------------------------------------------------------------ what comes back

    def _poll_following(self) -> None:
        follower = self._follower
        if follower is None:
            return
        if self._input_is_gone():
            self.stop_following()
            self._say(
                "The input has gone; the last sound is held. Follow again when it is back.",
                "warning",
            )
        elif self.instrument != self._followed_instrument:
            self._follow_what_plays()
        elif not follower.alive:
            follower.close()
            self._start_follower()
            self._say("The follower had ended and was started again.", "warning")
        else:
            self._tell_what_is_held(follower)
            followed = follower.poll()
            if followed is not None:
                self._take_followed(followed)

    def _input_is_gone(self) -> bool:
        written, now = self._audio.recording.written, time.monotonic()
        if written != self._input_count:
            self._input_count, self._input_at = written, now
        return now - self._input_at > _DEAF

    def _follow_what_plays(self) -> None:
        """Another instrument plays: it follows from here on, if it can."""
        if self._follower is not None and self.instrument in MATCHABLE:
            self._follower.close()
            self._start_follower()
        else:
            self.stop_following()
            self._say(f"The {self.instrument} cannot follow a sound; following ends.", "warning")

    def _tell_what_is_held(self, follower: FollowerProcess) -> None:
        held = self._theta_that_is_held()
        if held != self._held_theta:
            self._held_theta = held
            theta = self._rack.instrument.parameters.matchable
            follower.hold({id_: self.values[id_] for id_ in theta if id_ not in self._followed_ids})

    def _take_followed(self, followed: Followed) -> None:
        late = time.monotonic() - followed.heard_at + self._audio.status().latency_in
        sure = followed.hearing == "following" and followed.confidence >= SURE
        if sure and not self._follow_frozen:
            self._drive(followed)
        now = time.monotonic()
        if now - self._reported_at < _REPORT:
            return
        self._reported_at = now
        self._events.append(
            FollowedEvent(
                running=True,
                hearing=followed.hearing,
                theta=dict(followed.theta),
                confidence=followed.confidence,
                lag=followed.age + late,
                level=followed.level,
                frozen=self._follow_frozen,
            )
        )

    def _drive(self, followed: Followed) -> None:
        """Move theta at once; a picture for each move would take the matcher's whole time."""
        now = time.monotonic()
        if now - self._drawn_at > _DRAW:
            self._drawn_at = now
            self.set_parameters(followed.theta, "match")
            return
        self.values = self.parameters.complete({**self.values, **followed.theta})
        self._audio.set_values(self._rack.vector(self.values))
        self._events.append(ParametersChanged(dict(self.values), "match"))
