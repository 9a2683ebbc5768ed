"""The search for layers: they join one by one, the weakest gets another try, all are refined.

The rate of Adam falls to nothing over the steps or the time, whichever is over first; so an end by
the clock is an end all the same.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from mesosynth.audio.target import Target
from mesosynth.matching.layer_loss import LayerFilters, LayerLoss, Loss
from mesosynth.matching.layer_messages import Layer, LayersResult, LayersStep
from mesosynth.matching.layer_sound import (
    LEVEL,
    SIZE,
    States,
    in_range,
    layer_sound,
    moved,
    sounding,
)
from mesosynth.matching.layer_starts import draw_start
from mesosynth.matching.layer_terms import layer_of, span_of, state_of
from mesosynth.matching.match import ShouldStop, Stopped
from mesosynth.matching.repetition import period_of
from mesosynth.matching.similarity import Similarity

OnLayersStep = Callable[[LayersStep], None]

_CANDIDATES = 20  # for a new layer
_GROWING = 40  # steps of Adam
_RETRIES = 2
_RETRIES_BY, _GROWN_BY = 0.55, 0.35  # of the time
_RATE, _LAST_RATE = 0.05, 0.02
_GOOD = 0.02  # a loss that needs no further layer
_TOLD_EVERY = 0.2  # s: telling renders all layers once more


@dataclass(frozen=True)
class _Found:
    """Layers and their loss."""

    states: States
    loss: Loss


class LayerSearch:
    """The state of one match.

    Parameters
    ----------
    target : Target
    filters : LayerFilters
    seed : int
        Of the starts that are drawn.
    seconds : float
        Time for all, from `began` on, which is ``time.perf_counter()``'s.
    on_step, should_stop : callable, optional
        As in :func:`mesosynth.matching.layers.match_layers`.
    """

    def __init__(
        self,
        target: Target,
        filters: LayerFilters,
        seed: int,
        seconds: float,
        began: float,
        on_step: OnLayersStep | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._target, self._rng = target, np.random.default_rng(seed)
        self._began = began
        self._on_step, self._should_stop = on_step, should_stop
        self._loss = LayerLoss(target.audio, filters.lean)
        self._span = span_of(target.audio)
        self._period = period_of(filters.exact.jtfs, target.audio)
        before = time.perf_counter()
        self._similarity = Similarity(target.audio, filters.exact)
        # The scores at the end take as long again. They are part of the time, as is a step that is
        # begun just before its end: on a busy machine that takes as long as they do.
        self._seconds = max(seconds - 3.0 * (time.perf_counter() - before), 0.5 * seconds)
        self._evaluations = 0
        self._work = 0.0
        self._told = -math.inf  # when a step was told last, s
        self._pinned = np.zeros(0, np.bool_)
        self._given = 0
        self._best: _Found | None = None

    # ------------------------------------------------------------------ the way

    def begin(self, start: Sequence[Layer], pinned: Sequence[int]) -> None:
        """Go on from layers that are there."""
        self._given = len(start)
        self._pinned = np.isin(np.arange(len(start)), list(pinned))
        if start:
            scale = self._target.scale
            states = np.array([state_of(layer, self._target.start, scale) for layer in start])
            states = in_range(states)
            # Whoever stops it before the first step keeps what there was.
            self._best = _Found(states, self._loss.at(self._sum(states)))

    def run(self, layers: int, steps: int) -> bool:
        """Let layers join, give the weakest another try, refine; False if time ran out."""
        planned = layers - self._given
        self._planned = planned * (_CANDIDATES / 3 + _GROWING) + steps
        self._planned += _RETRIES * (_CANDIDATES / 3 + _GROWING) if planned else 0.0
        for number in range(planned):
            if not self._grow(until=_GROWN_BY * (number + 1) / planned):
                break
        for retry in range(_RETRIES if planned else 0):
            share = (retry + 1) / _RETRIES
            self._retry(until=_GROWN_BY + (_RETRIES_BY - _GROWN_BY) * share)
        if self._best is not None:
            self._refine(self._best, steps, until=1.0)
        return self._elapsed < 1.0

    def _grow(self, until: float) -> bool:
        """Let one more layer join; False if there is no need, or it was in vain."""
        before = self._best
        if before is not None and before.loss.value < _GOOD:
            return False
        pinned, self._pinned = self._pinned, np.append(self._pinned, False)
        found = self._refine(self._joined(before, until), _GROWING, until)
        if before is not None and found.loss.value >= before.loss.value:
            self._best, self._pinned = before, pinned
            return self._elapsed >= until  # more time might have been of use
        return True

    def _retry(self, until: float) -> None:
        """Put the layer that is missed least elsewhere, and keep that if it is better."""
        best = self._best
        removable = 0 if best is None else len(best.states) - self._given
        if best is None or removable < 1 or len(best.states) < 2 or self._elapsed >= until:
            return
        rest = min(
            (self._without(best.states, place) for place in range(self._given, len(best.states))),
            key=lambda found: found.loss.value,
        )
        # None that is removable is pinned, so that the pins stay where they are.
        found = self._refine(self._joined(rest, until), _GROWING, until)
        if found.loss.value >= best.loss.value:
            self._best = best

    def _without(self, states: States, place: int) -> _Found:
        return self._found(np.delete(states, place, axis=0))

    def _joined(self, before: _Found | None, until: float) -> _Found:
        """The layers and the best of several candidates for a new one."""
        states = np.zeros((0, SIZE)) if before is None else self._levelled(before.states)
        x = None if before is None else self._sum(states)
        left = self._loss.left_over(x)
        best: _Found | None = None
        for number in range(_CANDIDATES if before is not None else 2 * _CANDIDATES):
            period = self._period if number % 2 else 0.0
            state, sound = draw_start(self._loss, left, period, self._span, self._rng)
            loss = self._evaluate(sound if x is None else x + sound)
            if best is None or loss.value < best.loss.value:
                best = _Found(np.vstack([states, state]), loss)
            if self._elapsed >= until:
                break
        assert best is not None
        return best

    def _refine(self, found: _Found, steps: int, until: float) -> _Found:
        """Adam from `found`, in at most so many steps and until so much of the time is over.

        A step that would end too late is not begun.
        """
        states, best = found.states, found
        free = ~self._pinned[:, None]
        mean, square = np.zeros((2, *states.shape))
        began = now = self._elapsed
        longest = 0.0
        for step in range(1, steps + 1):
            loss, gradient = self._gradient(states)
            if loss.value < best.loss.value:
                best = _Found(states, loss)
                self._keep(best)
            before, now = now, self._elapsed
            longest = max(longest, now - before)
            done = max(step / steps, (now - began) / max(until - began, 1e-9))
            if done >= 1.0 or now + longest > until:
                break
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.95 * square + 0.05 * gradient**2
            unit = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.95**step)) + 1e-9)
            rate = _RATE * min(1.0, 2.0 * (1.0 - done) + _LAST_RATE)
            states = np.where(free, moved(states, -rate * unit), states)
        best = replace(best, states=self._levelled(best.states))
        self._keep(best)
        return best

    # ------------------------------------------------------------------ computation

    def _gradient(self, states: States) -> tuple[Loss, States]:
        """Loss and its derivatives along the axes of all layers, (layers, 10)."""
        self._count(1.0)
        layers = [sounding(state, self._span) for state in states]
        loss, along = self._loss.gradient(torch.stack([layer.x for layer in layers]).sum(dim=0))
        return loss, np.array([layer.along(along.double()) for layer in layers])

    def _found(self, states: States) -> _Found:
        return _Found(states, self._evaluate(self._sum(states)))

    def _evaluate(self, x: torch.Tensor) -> Loss:
        self._count(1.0 / 3.0)
        return self._loss.at(x)

    def _sum(self, states: States) -> torch.Tensor:
        return torch.stack([layer_sound(state, self._span) for state in states]).sum(dim=0)

    def _levelled(self, states: States) -> States:
        """The same layers at the target's power."""
        states = states.copy()
        states[:, LEVEL] *= self._to_level(self._sum(states))
        return states

    def _to_level(self, x: torch.Tensor) -> float:
        """Factor that brings a sum to the target's power."""
        return math.sqrt(self._loss.energy / max(float(x.square().sum()), 1e-300))

    def _count(self, work: float) -> None:
        if self._should_stop is not None and self._should_stop():
            raise Stopped
        self._evaluations += 1
        self._work += work

    @property
    def _elapsed(self) -> float:
        """Share of the time that is over."""
        return (time.perf_counter() - self._began) / self._seconds

    # ------------------------------------------------------------------ what is told

    def _keep(self, found: _Found) -> None:
        """Take note of layers that are better than those they come from, and tell of them."""
        if self._best is None or found.loss.value <= self._best.loss.value:
            self._best = found
        seconds = time.perf_counter() - self._began
        if self._on_step is None or seconds - self._told < _TOLD_EVERY:
            return
        self._told = seconds
        step = LayersStep(
            layers=self._layers(found.states)[0],
            loss=found.loss.value,
            jtfs=found.loss.jtfs,
            log_mel=found.loss.log_mel,
            evaluations=self._evaluations,
            seconds=seconds,
            progress=min(max(self._work / self._planned, self._elapsed), 1.0),
        )
        self._on_step(step)

    def result(self, converged: bool) -> LayersResult:
        """The best layers, in the terms of the sound that was given."""
        if self._best is None:
            raise Stopped
        layers, x = self._layers(self._best.states)
        return LayersResult(
            layers=layers,
            scores=self._similarity.of(x.float().numpy()),
            loss=self._best.loss.value,
            evaluations=self._evaluations,
            seconds=time.perf_counter() - self._began,
            converged=converged,
        )

    def _layers(self, states: States) -> tuple[tuple[Layer, ...], torch.Tensor]:
        """Layers at the target's power in the user's terms, and their sum."""
        sounds = torch.stack([layer_sound(state, self._span) for state in states])
        factor = self._to_level(sounds.sum(dim=0))
        states = states.copy()
        states[:, LEVEL] *= factor
        energy = sounds.square().sum(dim=1)
        shares = (energy / energy.sum().clamp_min(1e-300)).tolist()
        layers = tuple(
            layer_of(state, self._target, self._span, share)
            for state, share in zip(states, shares, strict=True)
        )
        return layers, factor * sounds.sum(dim=0)
