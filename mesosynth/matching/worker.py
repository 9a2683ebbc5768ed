"""What goes on in the matcher's process: one thing after another, a map of the loss when idle."""

import contextlib
import multiprocessing
import os
import queue
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import MesosynthError
from mesosynth.matching.evaluation_cache import Evaluation, EvaluationCache
from mesosynth.matching.requests import (
    AskDrivers,
    ChooseInstrument,
    DrawLayers,
    Drawn,
    DrawSound,
    Ended,
    Failed,
    Judged,
    Match,
    MatchLayers,
    Noted,
    Paused,
    Pictures,
    Ready,
    Reply,
    Request,
    SetMap,
    SetTarget,
    Stepped,
)
from mesosynth.matching.results import MatchResult, MatchStep
from mesosynth.system.cpu import compute_apart
from mesosynth.system.steps import Steps, Stopped, stop

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event as Flag

    from mesosynth.audio.target import Target
    from mesosynth.matching.operator import Operator

_PICTURE_INTERVAL = 0.25  # s between pictures during a match, which they slow down
_LAYERS_INTERVAL = 1.5  # s, of the sum of layers, which takes longer
_IDLE = 0.5  # s between two looks at whether the session still lives
_QUIET = 0.15  # s without a request after which the process counts as idle


def work(
    instrument: str,
    requests: "Queue[Request]",
    replies: "Connection",
    stop: "Flag",
    pause: "Flag",
) -> None:
    """Answer requests until the session is gone; the process's main function.

    `stop` and `pause` end the match that runs: for good, or until it is asked for again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session ends this process, not Ctrl-C
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)
    threads = compute_apart()
    import torch

    torch.set_num_threads(threads)
    from mesosynth.matching.model import model_named
    from mesosynth.matching.operator import shared_operator

    operator = shared_operator().of(model_named(instrument))
    worker = _Worker(operator, requests, replies, stop, pause)
    with contextlib.suppress(BrokenPipeError):  # the session is gone
        worker.run()


class _Paused(Exception):
    """A match stands still."""


class _Worker:
    """Does one thing after another; of the sounds to draw only the last."""

    def __init__(
        self,
        operator: "Operator",
        requests: "Queue[Request]",
        replies: "Connection",
        stop: "Flag",
        pause: "Flag",
    ) -> None:
        from mesosynth.matching.layer_work import LayerWork
        from mesosynth.matching.loss_map import Explorer

        self._operator = operator
        self._requests = requests
        self._replies = replies
        self._stop, self._pause = stop, pause
        self._explorer = Explorer(operator.model, self._reply)
        self._layers = LayerWork(operator, self._reply)
        self._target: Target | None = None
        self._sound: DrawSound | DrawLayers | None = None
        self._drivers: AskDrivers | None = None
        self._match: Match | MatchLayers | None = None
        self._judged = 0  # number of the match whose candidates are being judged
        self._judging: Iterator[Judged] | None = None
        self._drawn = 0.0

    def run(self) -> None:
        self._reply(Ready())
        while _session_lives():
            came = self._take_requests(self._patience)
            self._draw_sound()
            self._tell_drivers()
            if isinstance(self._match, MatchLayers):
                self._run_layers(self._match)
            elif self._match is not None:
                self._run_match(self._match)
            elif not came and self._judging is not None:
                self._judge(self._judging)
            elif not came and self._explorer.busy:
                self._explore()

    @property
    def _patience(self) -> float:
        """How long to wait for a request, s, before anything else is done."""
        if self._judging is not None:
            return 0.0
        return _QUIET if self._explorer.busy else _IDLE

    def _reply(self, reply: Reply, number: int = 0) -> None:
        self._replies.send((number, reply))

    def _take_requests(self, wait: float) -> bool:
        """Take all requests that are there, or the first that comes within `wait` seconds."""
        came = False
        with contextlib.suppress(queue.Empty):
            while True:
                asked = self._requests.get(timeout=wait) if wait else self._requests.get_nowait()
                wait, came = 0.0, True
                self._take(asked)
        return came

    def _take(self, asked: Request) -> None:
        match asked:
            case SetTarget(target):
                self._target, self._judging = target, None
                self._draw("target", target.audio)
                self._explorer.set_target(target)
            case ChooseInstrument(name):
                from mesosynth.matching.model import model_named

                self._operator = self._operator.of(model_named(name))
                self._explorer.want(None)
                self._explorer.model = self._operator.model
                self._sound = self._drivers = self._judging = None
            case DrawSound() | DrawLayers():
                self._sound = asked
            case SetMap(wanted):
                try:
                    self._explorer.want(wanted)
                except MesosynthError as error:
                    self._reply(Failed(str(error)))
            case AskDrivers():
                self._drivers = asked
            case Match() | MatchLayers():
                self._match, self._judging = asked, None

    # ------------------------------------------------------------------ pictures

    def _draw_sound(self) -> None:
        if self._sound is None:
            return
        asked, self._sound = self._sound, None
        self._drawn = time.monotonic()
        if isinstance(asked, DrawLayers):
            self._layers.draw(asked, self._target)
        else:
            from mesosynth.matching.match import render_match

            instrument = self._operator.model.name
            self._draw("sound", render_match(asked.values, instrument, self._target))
        self._reply(Drawn())

    def _draw(self, what: Literal["target", "sound"], audio: NDArray[np.float32]) -> None:
        from mesosynth.matching.analysis import analysis

        self._reply(Pictures(what, analysis(self._operator, audio)))

    def _tell_drivers(self) -> None:
        from mesosynth.matching.analysis import drivers

        if self._drivers is None or self._target is None:
            return
        asked, self._drivers = self._drivers, None
        try:
            self._reply(drivers(self._operator, self._target.audio, asked.values, asked.unknowns))
        except MesosynthError as error:
            self._reply(Failed(str(error)))

    # ------------------------------------------------------------------ map

    def _explore(self) -> None:
        """Fill in the map until something is asked."""
        while self._explorer.busy and _session_lives():
            steps = self._explorer.next()
            while self._requests.empty():
                try:
                    next(steps)
                except StopIteration as end:
                    self._reply(end.value)
                    break
            else:
                return

    # ------------------------------------------------------------------ match

    def _run_match(self, asked: Match) -> None:
        from mesosynth.matching.judge import judgements
        from mesosynth.matching.match import Matcher

        self._match = None
        number, target, operator = asked.number, self._target, self._operator
        if target is None:
            self._reply(Failed("There is no target to match; load or record a sound first."))
            self._reply(Ended(None), number)
            return
        cache = EvaluationCache(asked.evaluations)
        result: MatchResult | None = None
        try:
            steps = Matcher(operator.model.name, asked.settings).steps(target, cache)
            result = self._run_steps(steps, number)
        except (Stopped, _Paused):
            pass
        except MesosynthError as error:
            self._reply(Failed(str(error)))
        is_paused = self._pause.is_set() and not self._stop.is_set() and result is None
        self._reply(Paused() if is_paused else Ended(result), number)
        # Meanwhile another target may have come, or another instrument.
        is_current = target is self._target and operator.model is self._operator.model
        if result is not None and is_current:
            self._judged, self._judging = number, judgements(operator, target, result)

    def _run_steps(
        self, steps: "Steps[MatchStep | Evaluation, MatchResult]", number: int
    ) -> MatchResult:
        while True:
            try:
                news = next(steps)
            except StopIteration as end:
                return end.value
            if isinstance(news, Evaluation):
                self._reply(Noted(news), number)
            elif news is not None:
                self._reply(Stepped(news), number)
                self._take_requests(wait=0.0)
                if time.monotonic() - self._drawn > _PICTURE_INTERVAL:
                    self._draw_sound()
            elif self._stop.is_set() or not _session_lives():
                return stop(steps)
            elif self._pause.is_set():
                raise _Paused

    def _run_layers(self, asked: MatchLayers) -> None:
        self._match = None

        def look_up() -> bool:
            self._take_requests(wait=0.0)
            if time.monotonic() - self._drawn > _LAYERS_INTERVAL:
                self._draw_sound()
            return _session_lives()

        self._layers.match(asked, self._target, self._stop, self._pause, look_up)

    def _judge(self, judging: Iterator[Judged]) -> None:
        """Say how alike the next candidate is."""
        judged = next(judging, None)
        if judged is None:
            self._judging = None
        else:
            self._reply(judged, self._judged)


def _session_lives() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and parent.is_alive()
