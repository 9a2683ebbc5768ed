"""What the matcher's process does for layers: it draws their sum, and matches with them."""

from collections.abc import Callable
from dataclasses import replace
from multiprocessing.synchronize import Event as Flag

import numpy as np

from mesosynth.audio.target import Target
from mesosynth.errors import MesosynthError
from mesosynth.matching.analysis import analysis
from mesosynth.matching.layers import layer_sounds, layer_steps
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
from mesosynth.matching.results import LayersStep
from mesosynth.matching.similarity import Similarity
from mesosynth.system.steps import Stopped
from mesosynth.system.steps import stop as end

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
        job, result = asked.job, None
        settings = replace(job.settings, start=job.start, pinned=job.pinned, before=job.done)
        steps = layer_steps(target, settings)
        try:
            while True:
                step = next(steps)
                if isinstance(step, LayersStep):
                    self._tell(LayersStepped(step), asked.number)
                elif stop.is_set() or not look_up():
                    result = end(steps)
                    break
                elif pause.is_set():
                    steps.close()
                    self._tell(Paused(), asked.number)
                    return
        except StopIteration as ended:
            result = ended.value
        except Stopped:
            pass
        except MesosynthError as error:
            self._tell(Failed(str(error)), 0)
        self._tell(LayersDone(result), asked.number)

    def _beside(self, target: Target) -> Similarity:
        if self._similarity is None or target is not self._target:
            self._target, self._similarity = target, Similarity(target.audio, self._operator)
        return self._similarity
