"""From a recorded sound to a few arpeggios that together sound like it.

Matching pursuit, then all together. A layer joins where the others leave most of the target
(:mod:`layer_starts`), and all that are there are refined by Adam on the loss of their sum
(:mod:`layer_loss`). Then the layer that is missed least makes room for another try, twice, and
what was better is refined to the end with a rate that falls to nothing.

What was tried on five recordings (a guitar's slide, a crow, a swoosh, a sweep, a record rewound),
four layers: the gradient backwards through the scattering costs 0.1 s for all forty unknowns, their
Jacobian 0.8 to 1.5 s, and three hundred steps of Adam come lower than the thirty of
Levenberg-Marquardt that take as long. The scattering alone reaches cosines of 0.98, 0.91, 0.83,
0.81 and 0.88 from random starts, with the events at the wrong times; a fifth of log-mel beside it
puts them right at no loss.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_torch import ONSET
from mesosynth.matching.layer_loss import TOLERANCE, LayerLoss, Loss
from mesosynth.matching.layer_messages import Layer, LayersResult, LayersStep
from mesosynth.matching.layer_sound import (
    LEVEL,
    PERIOD,
    SIZE,
    States,
    in_range,
    layer_sound,
    layer_sound_and_tangents,
    moved,
    repetitions,
)
from mesosynth.matching.layer_starts import draw_start
from mesosynth.matching.model import CHIRPLET
from mesosynth.matching.operator import Operator
from mesosynth.matching.repetition import period_of
from mesosynth.matching.run import ShouldStop, Stopped
from mesosynth.matching.similarity import Similarity
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array

MOST_LAYERS = 8

OnLayersStep = Callable[[LayersStep], None]

_CANDIDATES = 20  # for a new layer
_GROWING = 40  # steps of Adam
_RETRIES = 2
_RETRIES_BY, _GROWN_BY = 0.55, 0.35  # of the time
_RATE, _LAST_RATE = 0.05, 0.02
_GOOD = 0.02  # a loss that needs no further layer
_WORTH_A_LAYER = 0.98  # of the loss is what a further one must bring it down to
_QUIET = 1e-3  # of the peak: what is below is not in the sound
_MIDDLE = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2  # s


def match_layers(
    audio: NDArray[np.floating],
    sample_rate: float,
    layers: int = 4,
    seconds: float = 60.0,
    on_step: OnLayersStep | None = None,
    should_stop: ShouldStop | None = None,
    seed: int = 0,
    start: Sequence[Layer] = (),
    pinned: Sequence[int] = (),
    steps: int = 300,
) -> LayersResult:
    """Find a few arpeggios whose sum sounds like `audio`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest four seconds count.
    sample_rate : float
        Hz.
    layers : int
        How many at most, 1 to MOST_LAYERS; fewer where they say it all.
    seconds : float
        Time after which it ends with the best so far. It is seldom reached with four layers.
    on_step : callable, optional
        Called with every accepted step.
    should_stop : callable, optional
        Asked every tenth of a second; True ends the match with the best layers so far.
    seed : int
        Of the starts that are drawn.
    start : sequence of Layer, optional
        Layers to go on from, as a result gave them.
    pinned : sequence of int
        Places of those in `start` that stay as they are, but for their level: all levels follow
        the target's together.
    steps : int
        Of the last refinement, at most.

    Returns
    -------
    LayersResult
        With onsets counted from the start of `audio`, and levels in its own scale.

    Raises
    ------
    ArgumentError
        If `layers`, `seconds`, `start` or `pinned` make no sense, or `audio` is no array of
        numbers.
    TargetError
        If `audio` is silent, too short, or holds NaN.
    Stopped
        If `should_stop` ended it before there was a layer.
    """
    _check(layers, seconds, start, pinned)
    target = target_from_array(np.asarray(audio), sample_rate, "audio")
    began = time.perf_counter()
    loss = LayerLoss(target.audio, Operator(tolerance=TOLERANCE))
    search = _Search(target, loss, seed, seconds, began, on_step, should_stop)
    search.begin(start, pinned)
    try:
        converged = search.run(layers, steps)
    except Stopped:
        converged = False
    return search.result(converged)


def render_layers(layers: Sequence[Layer], start: float = 0.0) -> NDArray[np.float32]:
    """The sum of layers in an analysis window, (ANALYSIS_SAMPLES,) at ANALYSIS_RATE.

    Parameters
    ----------
    layers : sequence of Layer
    start : float
        Time at which the window begins, s, on the clock of the layers' onsets.
    """
    x = torch.zeros(ANALYSIS_SAMPLES, dtype=torch.float64)
    for layer in layers:
        state = _state(layer, start)
        last = state[ONSET] + (layer.repeats - 1) * layer.period
        x += layer_sound(state, (float(state[ONSET]), float(last)))
    return x.float().numpy()


@dataclass(frozen=True)
class _Found:
    """Layers and their loss."""

    states: States
    loss: Loss


class _Search:
    """The state of one match."""

    def __init__(
        self,
        target: Target,
        loss: LayerLoss,
        seed: int,
        seconds: float,
        began: float,
        on_step: OnLayersStep | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._target, self._loss, self._rng = target, loss, np.random.default_rng(seed)
        self._seconds, self._began = seconds, began
        self._on_step, self._should_stop = on_step, should_stop
        self._span = _span(target.audio)
        self._period = period_of(Operator().jtfs, target.audio)
        self._evaluations = 0
        self._work = 0.0
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
            states = np.array([_state(layer, self._target.start, scale) for layer in start])
            self._best = self._found(in_range(states))

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
        self._pinned = np.append(self._pinned, False)
        found = self._refine(self._joined(before, until), _GROWING, until)
        if before is not None and found.loss.value > _WORTH_A_LAYER * before.loss.value:
            # In vain perhaps, but the last refinement has more to give; the retries will see.
            return found.loss.value < before.loss.value
        return True

    def _retry(self, until: float) -> None:
        """Put the layer that is missed least elsewhere, and keep that if it is better."""
        best = self._best
        if best is None or len(best.states) < 2 or self._elapsed >= until:
            return
        losses = [self._without(best.states, place).loss.value for place in self._removable(best)]
        if not losses:
            return
        place = self._removable(best)[int(np.argmin(losses))]
        rest = self._without(best.states, place)
        # The new one comes last, and so does the place of what was free.
        self._pinned = np.append(np.delete(self._pinned, place), False)
        found = self._refine(self._joined(rest, until), _GROWING, until)
        if found.loss.value >= best.loss.value:
            self._pinned = np.insert(self._pinned[:-1], place, False)
            self._best = best

    def _removable(self, found: _Found) -> list[int]:
        return list(range(self._given, len(found.states)))

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
        """Adam from `found`, in at most so many steps and until so much of the time is over."""
        states, best = found.states, found
        free = ~self._pinned[:, None]
        mean, square = np.zeros((2, *states.shape))
        began = self._elapsed
        for step in range(1, steps + 1):
            loss, gradient = self._gradient(states)
            if loss.value < best.loss.value:
                best = _Found(states, loss)
                self._keep(best)
            done = max(step / steps, (self._elapsed - began) / max(until - began, 1e-9))
            if done >= 1.0:
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
        parts = [layer_sound_and_tangents(state, self._span) for state in states]
        loss, along = self._loss.gradient(torch.stack([x for x, _ in parts]).sum(dim=0))
        return loss, np.array([(dx @ along.double()).numpy() for _, dx in parts])

    def _found(self, states: States) -> _Found:
        return _Found(states, self._evaluate(self._sum(states)))

    def _evaluate(self, x: torch.Tensor) -> Loss:
        self._count(1.0 / 3.0)
        return self._loss.at(x)

    def _sum(self, states: States) -> torch.Tensor:
        return torch.stack([layer_sound(state, self._span) for state in states]).sum(dim=0)

    def _levelled(self, states: States) -> States:
        """The same layers at the target's power."""
        power = float(self._sum(states).square().sum())
        states = states.copy()
        states[:, LEVEL] *= math.sqrt(self._loss.energy / max(power, 1e-300))
        return states

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
        better = self._best is None or len(found.states) > len(self._best.states)
        if better or self._best is None or found.loss.value <= self._best.loss.value:
            self._best = found
        if self._on_step is None:
            return
        step = LayersStep(
            layers=self._layers(found.states),
            loss=found.loss.value,
            jtfs=found.loss.jtfs,
            log_mel=found.loss.log_mel,
            evaluations=self._evaluations,
            seconds=time.perf_counter() - self._began,
            progress=min(max(self._work / self._planned, self._elapsed), 1.0),
        )
        self._on_step(step)

    def result(self, converged: bool) -> LayersResult:
        """The best layers, in the terms of the sound that was given."""
        if self._best is None:
            raise Stopped
        states = self._levelled(self._best.states)
        layers = self._layers(states)
        added = sorted(layers[self._given :], key=lambda layer: -layer.share)
        return LayersResult(
            layers=(*layers[: self._given], *added),
            scores=Similarity(self._target.audio).of(self._sum(states).float().numpy()),
            loss=self._best.loss.value,
            evaluations=self._evaluations,
            seconds=time.perf_counter() - self._began,
            converged=converged,
        )

    def _layers(self, states: States) -> tuple[Layer, ...]:
        energy = [float(layer_sound(state, self._span).square().sum()) for state in states]
        whole = max(sum(energy), 1e-300)
        return tuple(
            _layer(state, self._target, self._span, part / whole)
            for state, part in zip(states, energy, strict=True)
        )


def _layer(
    state: NDArray[np.float64], target: Target, span: tuple[float, float], share: float
) -> Layer:
    onset, period, repeats = float(state[ONSET]), float(state[PERIOD]), 1
    if period:
        times = repetitions(onset, period, span)
        onset, repeats = float(times[0]), len(times)
    return Layer(
        theta={id_: float(value) for id_, value in zip(CHIRPLET.ids, state, strict=False)},
        onset=target.start + _MIDDLE + onset,
        level=float(state[LEVEL]) / target.scale,
        period=period,
        repeats=repeats,
        share=share,
    )


def _state(layer: Layer, start: float, scale: float = 1.0) -> NDArray[np.float64]:
    theta = [layer.theta[id_] for id_ in CHIRPLET.ids]
    return np.array([*theta, layer.onset - start - _MIDDLE, layer.level * scale, layer.period])


def _span(audio: NDArray[np.float32]) -> tuple[float, float]:
    """Where a target sounds, s after the middle of the window."""
    active = np.flatnonzero(np.abs(audio) > _QUIET * np.abs(audio).max())
    first, last = float(active[0]), float(active[-1])
    return first / ANALYSIS_RATE - _MIDDLE, last / ANALYSIS_RATE - _MIDDLE


def _check(layers: int, seconds: float, start: Sequence[Layer], pinned: Sequence[int]) -> None:
    if not 1 <= layers <= MOST_LAYERS:
        raise ArgumentError(f"layers={layers} must be 1 to {MOST_LAYERS}.")
    if not (math.isfinite(seconds) and seconds > 0.0):
        raise ArgumentError(f"seconds={seconds} must be a positive number.")
    if len(start) > layers:
        raise ArgumentError(f"start holds {len(start)} layers, more than layers={layers}.")
    for place in pinned:
        if not 0 <= place < len(start):
            raise ArgumentError(f"pinned holds {place}, but start has {len(start)} layers.")
