"""The part of a session that reads targets and matches them."""

import math
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from pathlib import Path

from mesosynth.audio_file import load_target
from mesosynth.errors import MesosynthError, TargetError
from mesosynth.events import Analysed, MatchEnded, MatchProgress, MatchStarted, TargetLoaded
from mesosynth.matching import process as matcher
from mesosynth.matching.messages import MatchResult
from mesosynth.session.core import Core
from mesosynth.target import ANALYSIS_RATE, Target

_PATIENCE = 0.3  # s that reading a target may hold up the caller


class Matching(Core):
    """Holds the target, and lets the match of it drive the sound."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self.follow = True
        self.target: Target | None = None
        self.target_path: Path | None = None
        self.result: MatchResult | None = None
        self._match_wanted = False  # as soon as there is a target and no other match
        self._best_loss = math.inf
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mesosynth reader")
        self._reading: Future[Target] | None = None
        self._reading_path: Path | None = None

    def load_target(self, path: Path) -> None:
        """Read a sound file as the target; `poll` reports TargetLoaded, and its pictures later.

        A long file is read in the background; then its errors come as messages.

        Raises
        ------
        AudioFileError, TargetError
            And the target that was there stays.
        """
        self._reading, self._reading_path = self._reader.submit(load_target, path), path
        try:
            target = self._reading.result(timeout=_PATIENCE)
        except StillReading:
            self._say(f"Reading {path.name} …")
            return
        except MesosynthError:
            self._reading = None
            raise
        self._reading = None
        self._take_target(target)

    @property
    def matching(self) -> bool:
        """Whether a match runs, or waits for its target to be read."""
        return self._matcher.matching or self._match_wanted

    def start_match(self) -> None:
        """Match the target, anew if a match runs.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if self.target is None and self._reading is None:
            raise TargetError("There is no target to match; load or record a sound first.")
        self._match_wanted = True
        if self._matcher.matching:
            self._matcher.stop_match()
        self._start_wanted_match()

    def stop_match(self) -> None:
        """End the match with the best theta so far."""
        self._match_wanted = False
        if self._matcher.matching:
            self._matcher.stop_match()

    @property
    def matcher_pid(self) -> int | None:
        """Process number of the matcher."""
        return self._matcher.pid

    def _poll_reading(self) -> None:
        if self._reading is None or not self._reading.done():
            return
        reading, self._reading = self._reading, None
        try:
            self._take_target(reading.result())
        except MesosynthError as error:
            self._match_wanted = False
            self._say(str(error), "error")

    def _take_target(self, target: Target) -> None:
        self.target, self.result = target, None
        self.target_path = self._reading_path
        if self._matcher.matching:
            self._matcher.stop_match()  # it is of the old target
        self._matcher.set_target(target)
        self._events.append(TargetLoaded(target.name, target.audio, ANALYSIS_RATE))
        self._start_wanted_match()

    def _start_wanted_match(self) -> None:
        if not self._match_wanted or self._matcher.matching or self._reading is not None:
            return
        self._match_wanted = False
        self._best_loss = math.inf
        self._matcher.start_match()
        self._events.append(MatchStarted())

    def _poll_matcher(self) -> None:
        for reply in self._matcher.poll():
            match reply:
                case matcher.Pictures(what, analysis):
                    self._events.append(Analysed(what, analysis))
                case matcher.Stepped(step):
                    self._events.append(MatchProgress(step))
                    if step.loss <= self._best_loss:  # other starts need not be heard
                        self._best_loss = step.loss
                        self._follow(step.theta)
                case matcher.Ended(result):
                    self._end_match(result)
                case matcher.Failed(text):
                    self._say(text, "error")
                case matcher.Restarted():
                    self._say("The matcher had ended and was started again.", "warning")
                case matcher.Ready():
                    pass

    def _end_match(self, result: MatchResult | None) -> None:
        if result is not None:
            self.result = result
            self._follow(result.theta)
            if not result.found:
                self._say(result.remark, "warning")
        self._events.append(MatchEnded(result))
        self._start_wanted_match()

    def _follow(self, theta: Mapping[str, float]) -> None:
        if self.follow and self.instrument == self._matched_instrument:
            self.set_parameters(theta, "match")
