"""What the matcher's process does for layers: it draws their sum, and matches with them."""

from collections.abc import Callable
from dataclasses import replace
from multiprocessing.synchronize import Event as Flag

import numpy as np

from mesosynth.audio.target import Target
from mesosynth.errors import MesosynthError
from mesosynth.matching.analysis import analysis
from mesosynth.matching.layer_sound import LayerFilters
from mesosynth.matching.layers import layer_sounds, match_target_layers
from mesosynth.matching.model import CHIRPLET
from mesosynth.matching.operator import Operator
from mesosynth.matching.requests import (
    DrawLayers,
    Failed,
    LayersDone,
    LayersHeard,
    LayersStepped,
    MatchLayers,
    Paused,
    Pictures,
    Reply,
)
from mesosynth.matching.results import LayersResult, LayersStep
from mesosynth.matching.similarity import Similarity
from mesosynth.system.steps import Stopped

_LEAST_SECONDS = 2.0  # for a match that goes on when its time is nearly over

Tell = Callable[[Reply, int], None]
"""Sends a reply, with the number of the match that it belongs to, or 0."""


class LayerWork:
    """Answers requests around layers.

    Parameters
    ----------
    operator : Operator
        The matcher's own.
    tell : callable
        Sends a reply.
    """

    def __init__(self, operator: Operator, tell: Tell) -> None:
        self._operator, self._tell = operator.of(CHIRPLET), tell
        self._filters: LayerFilters | None = None
        self._target: Target | None = None
        self._similarity: Similarity | None = None

    def draw(self, asked: DrawLayers, target: Target | None) -> None:
        """Draw layers at the target's place and level, and compare the two."""
        start, scale = (target.start, target.scale) if target else (0.0, 1.0)
        sounds = scale * layer_sounds(asked.layers, start)
        energy = np.square(sounds).sum(axis=1)
        shares = energy / max(float(energy.sum()), 1e-300)
        x = sounds.sum(axis=0).astype(np.float32)
        if x.any():
            self._tell(Pictures("sound", analysis(self._operator, x)), 0)
        layers = tuple(
            replace(layer, share=float(share))
            for layer, share in zip(asked.layers, shares, strict=True)
        )
        scores = None if target is None else self._beside(target).of(x)
        self._tell(LayersHeard(layers, scores), 0)

    def match(
        self,
        asked: MatchLayers,
        target: Target | None,
        stop: Flag,
        pause: Flag,
        look_up: Callable[[], bool],
    ) -> None:
        """Match, telling every step and how it ended.

        Parameters
        ----------
        asked : MatchLayers
        target : Target or None
        stop, pause : Event
            End it with what is there, or so that it can go on.
        look_up : callable
            Called some ten times a second, to see to other requests; False ends the match.
        """
        if target is None:
            text = "There is no target to match; load or record a sound first."
            self._tell(Failed(text), 0)
            self._tell(LayersDone(None), asked.number)
            return

        def on_step(step: LayersStep) -> None:
            self._tell(LayersStepped(_later(step, asked)), asked.number)

        def should_stop() -> bool:
            return not look_up() or stop.is_set() or pause.is_set()

        def stands_still() -> bool:
            return pause.is_set() and not stop.is_set()

        result, paused = None, False
        try:
            result = self._run(asked, target, on_step, should_stop)
            paused = stands_still() and not result.converged
        except Stopped:
            paused = stands_still()
        except MesosynthError as error:
            self._tell(Failed(str(error)), 0)
        self._tell(Paused() if paused else LayersDone(result), asked.number)

    def _run(
        self,
        asked: MatchLayers,
        target: Target,
        on_step: Callable[[LayersStep], None],
        should_stop: Callable[[], bool],
    ) -> LayersResult:
        job = asked.job
        if self._filters is None:
            self._filters = LayerFilters.of(self._operator)
        spent = 0.0 if job.done is None else job.done.seconds
        result = match_target_layers(
            target, job.settings.layers, max(job.settings.seconds - spent, _LEAST_SECONDS),
            on_step, should_stop, start=job.start, pinned=job.pinned, filters=self._filters,
        )  # fmt: skip
        return replace(result, seconds=spent + result.seconds)

    def _beside(self, target: Target) -> Similarity:
        if self._similarity is None or target is not self._target:
            self._target, self._similarity = target, Similarity(target.audio, self._operator)
        return self._similarity


def _later(step: LayersStep, asked: MatchLayers) -> LayersStep:
    """A step of a job that goes on, counted from where it began for the first time."""
    done = asked.job.done
    if done is None:
        return step
    return replace(
        step,
        evaluations=done.evaluations + step.evaluations,
        seconds=done.seconds + step.seconds,
        progress=done.progress + (1.0 - done.progress) * step.progress,
    )
