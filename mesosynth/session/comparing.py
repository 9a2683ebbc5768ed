"""The part of a session that lets the target and the match be heard against each other."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

from mesosynth.engine.audition import AuditionRequest
from mesosynth.errors import TargetError
from mesosynth.session.audition_plan import Plan, Scene, plan
from mesosynth.session.events import Auditioned, Heard
from mesosynth.session.matching import Matching
from mesosynth.session.sound import Sound

_REST = 0.3  # s that all must have stood still before it is heard how loud it has become
_TOGETHER = 0.5**0.5  # of each, when both are heard


class Comparing(Sound, Matching):
    """Plays the target beside the instrument, through the same audio process, as loud as that."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self._heard: Heard | None = None
        self._planner = ThreadPoolExecutor(1, thread_name_prefix="mesosynth audition")
        self._planning: Future[Plan] | None = None
        self._plan: Plan | None = None
        self._scene: Scene | None = None  # as of the last look
        self._asked: Scene | None = None  # what the last plan that was asked for is for
        self._scene_since = 0.0
        self._serial = 0

    @property
    def auditioned(self) -> Heard | None:
        """What is heard now: "target", "match" or "both"; None for what the transport says."""
        return self._heard

    def audition(self, what: Heard | None) -> None:
        """Hear the target, the match (what the instrument plays) or both, equally loud and in step.

        Both begin anew and repeat; going from one to the other changes nothing but who is heard.
        Play, stop and panic end it. `poll` reports Auditioned.

        Parameters
        ----------
        what : {"target", "match", "both"} or None
            None ends it, and the transport is as it was before.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if what is not None and self.target is None:
            raise TargetError("There is no target to hear; load or record a sound first.")
        if what == self._heard:
            return
        begins, self._heard = self._heard is None, what
        self._events.append(Auditioned(what))
        if what is None:
            self._planning = self._plan = self._asked = self._scene = None
            self._audio.audition(None)
        elif begins:
            self._scene = self._look_around()
            self._scene_since = time.monotonic() - _REST
            self._poll_audition()
        else:
            self._wish()

    def panic(self) -> None:
        """As in :class:`Sound`; the target is silent, too."""
        self.audition(None)
        super().panic()

    def _set_playing(self, playing: bool) -> None:
        self.audition(None)
        super()._set_playing(playing)

    def _poll_audition(self) -> None:
        """Take a plan that is ready, and ask for another one once something has changed."""
        if self._heard is None:
            return
        if self._planning is not None and self._planning.done():
            done, self._planning = self._planning, None
            self._take_plan(done.result())
        scene, now = self._look_around(), time.monotonic()
        if scene is None:
            return
        if not scene.is_like(self._scene):
            self._scene, self._scene_since = scene, now
        elif scene.is_like(self._asked) or self._planning is not None:
            return
        elif now - self._scene_since >= _REST:
            self._asked = scene
            self._planning = self._planner.submit(plan, scene, self._plan)

    def _look_around(self) -> Scene | None:
        """What a plan would be made for now; None while there is no sound, or no target."""
        rate = self._audio.status().sample_rate
        if self.target is None or not rate:
            return None
        return Scene(
            target=self.target,
            path=self.target_path,
            beat=self._beat_in_target(),
            instrument=self.instrument,
            values=self._instrument_values(),
            effects=self._rack.states(self.values),
            sample_rate=rate,
        )

    def _take_plan(self, new: Plan) -> None:
        """Let it be heard; from the beginning, unless no more than its level is new."""
        old, self._plan = self._plan, new
        if old is None or not _same_course(old, new):
            self._serial += 1
            self._audio.clip.half(self._serial % 2)[: len(new.samples)] = new.samples
        self._wish()

    def _wish(self) -> None:
        new = self._plan
        if new is None:
            return  # it comes in a moment
        share = _TOGETHER if self._heard == "both" else 1.0
        self._audio.audition(
            AuditionRequest(
                serial=self._serial,
                half=self._serial % 2,
                frames=len(new.samples),
                sample_rate=new.scene.sample_rate,
                period=new.period,
                start=new.start,
                sound_gain=0.0 if self._heard == "match" else share * new.gain,
                instrument_gain=0.0 if self._heard == "target" else share,
            )
        )


def _same_course(old: Plan, new: Plan) -> bool:
    """Whether two plans play the same samples at the same times."""
    course = (old.period, old.start) == (new.period, new.start)
    return course and old.samples is new.samples
