"""Match with layers: greedy search on the residual, then joint refinement."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_parameters import SIGMA_0
from mesosynth.instruments.chirplet_torch import ONSET
from mesosynth.matching.layer_sound import (
    LEVEL,
    PERIOD,
    SIZE,
    LayerFilters,
    LayerLoss,
    Loss,
    States,
    in_range,
    layer_sound,
    moved,
    repetitions,
    sounding,
)
from mesosynth.matching.model import CHIRPLET
from mesosynth.matching.results import Layer, LayersResult, LayersStep
from mesosynth.matching.similarity import Similarity
from mesosynth.matching.starts import period_of
from mesosynth.system.steps import Stopped

# --------------------------------------------------------------------------------------------------
# A layer in the user's terms and as a state: times in the sound, and in the analysis window.


_QUIET = 1e-3  # of the peak: what is below is not in the sound
_MIDDLE = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2  # s


def layer_of(
    state: NDArray[np.float64], target: Target, span: tuple[float, float], share: float
) -> Layer:
    """Layer of a state, (10,), in the terms of the sound that the target was taken from."""
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


def state_of(layer: Layer, start: float, scale: float = 1.0) -> NDArray[np.float64]:
    """State of a layer, (10,), in a window that begins at `start` and is scaled by `scale`."""
    theta = [layer.theta[id_] for id_ in CHIRPLET.ids]
    return np.array([*theta, layer.onset - start - _MIDDLE, layer.level * scale, layer.period])


def span_of(audio: NDArray[np.float32]) -> tuple[float, float]:
    """Where a target sounds, s after the middle of the window."""
    active = np.flatnonzero(np.abs(audio) > _QUIET * np.abs(audio).max())
    first, last = float(active[0]), float(active[-1])
    return first / ANALYSIS_RATE - _MIDDLE, last / ANALYSIS_RATE - _MIDDLE


# --------------------------------------------------------------------------------------------------
# Where a new layer starts: on what the layers that are there leave of the target.
#
# The target's mel power that their sum does not reach says where and when something is missing. A
# candidate is an arpeggio there, at a time and pitch drawn by how much is, with rates and widths at
# random; in sounds that repeat, every other one repeats too. The one that brings the loss lowest
# when it joins the sum starts the layer.


_RANGES = {"f_m": (1.0, 50.0), "sigma": (0.02, 0.7), "w": (0.3, 6.0)}  # drawn in logarithms
_BRIGHTNESS = (-30.0, -2.0)  # dB/octave
_LEVELS = (0.5, 1.0)  # of what is left


def draw_start(
    loss: LayerLoss,
    left: NDArray[np.float64],
    period: float,
    span: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], torch.Tensor]:
    """Draw one candidate and its sound.

    Parameters
    ----------
    loss : LayerLoss
    left : (bands, frames) float64
        As ``loss.left_over`` gives it.
    period : float
        Of its repetition, s; 0 for none.
    span : (float, float)
        As for :func:`mesosynth.matching.layer_sound.layer_sound`.
    rng : Generator

    Returns
    -------
    state : (10,) float64
    sound : (ANALYSIS_SAMPLES,) float64 tensor
    """
    amplitude = np.sqrt(left)
    place = rng.choice(amplitude.size, p=amplitude.ravel() / amplitude.sum())
    band, frame = np.unravel_index(place, amplitude.shape)
    f_m, sigma, w = (_between(rng, *ends) for ends in _RANGES.values())
    state = np.zeros(SIZE)
    state[:ONSET] = [
        loss.frequencies()[band], f_m, rng.choice([-1.0, 1.0]) * SIGMA_0 * w / sigma, w,
        rng.uniform(), rng.uniform(0.2, 1.0), rng.uniform(*_BRIGHTNESS),
    ]  # fmt: skip
    state[ONSET] = loss.times(np.array([frame]))[0]
    state[LEVEL], state[PERIOD] = 1.0, period
    state = in_range(state[None])[0]
    x = layer_sound(state, span)
    missing = loss.energy * left.sum() / max(float(loss.whole), 1e-300)
    level = rng.choice(_LEVELS) * np.sqrt(missing / max(float(x.square().sum()), 1e-12))
    state[LEVEL] = level
    return state, level * x


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# --------------------------------------------------------------------------------------------------
# The search for layers: they join one by one, the weakest gets another try, all are refined.
#
# The rate of Adam falls to nothing over the steps or the time, whichever is over first; so an end
# by the clock is an end all the same.


OnLayersStep = Callable[[LayersStep], None]
ShouldStop = Callable[[], bool]

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


# --------------------------------------------------------------------------------------------------
# From a recorded sound to a few arpeggios that together sound like it.
#
# Matching pursuit, then all together. A layer joins where the others leave most of the target
# (:mod:`layer_starts`), and all that are there are refined by Adam on the loss of their sum
# (:mod:`layer_loss`). Then the layer that is missed least makes room for another try, twice, and
# what was better is refined to the end with a rate that falls to nothing.
#
# Measured on five recordings (a guitar's slide, a crow, a swoosh, a noisy sweep, a record rewound),
# four layers, one thread: the loss and its gradient along all forty unknowns cost some 0.1 s, a
# Jacobian of thirty-six directions 0.8 to 1.5 s; so gradients are followed. The scattering alone
# reaches cosines of 0.98, 0.91, 0.83, 0.81 and 0.88 from random starts, but with the events at the
# wrong times (log-mel 0.09, 0.01, 0.39, 0.55, 0.47). With the starts, and a fifth of log-mel in the
# loss, it is 0.97, 0.95, 0.90, 0.96 and 0.89 (log-mel 0.71, 0.91, 0.88, 0.97, 0.69). Layers that
# repeat fast are what makes noise: without them the sweep ends at 0.78 to 0.83.


MOST_LAYERS = 8


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
        Time after which it has ended with the best so far, but for the blink that a step takes.
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
    return match_target_layers(
        target, layers, seconds, on_step, should_stop, seed, start, pinned, steps
    )


def match_target_layers(
    target: Target,
    layers: int = 4,
    seconds: float = 60.0,
    on_step: OnLayersStep | None = None,
    should_stop: ShouldStop | None = None,
    seed: int = 0,
    start: Sequence[Layer] = (),
    pinned: Sequence[int] = (),
    steps: int = 300,
    filters: LayerFilters | None = None,
) -> LayersResult:
    """Find a few arpeggios whose sum sounds like a target that was cut out already.

    Parameters
    ----------
    target : Target
        The result's onsets and levels are those of the sound that it was taken from.
    filters : LayerFilters, optional
        Of an earlier match; None builds them, which takes two seconds of the time.
    layers, seconds, on_step, should_stop, seed, start, pinned, steps
        As for :func:`match_layers`, which also says what is returned and raised.
    """
    began = time.perf_counter()
    _check(layers, seconds, start, pinned)
    filters = filters or LayerFilters.of()
    search = LayerSearch(target, filters, seed, seconds, began, on_step, should_stop)
    search.begin(start, pinned)
    try:
        converged = search.run(layers, steps)
    except Stopped:
        converged = False
    return search.result(converged)


def layer_sounds(layers: Sequence[Layer], start: float = 0.0) -> NDArray[np.float64]:
    """Each layer by itself in an analysis window, (layers, ANALYSIS_SAMPLES) at ANALYSIS_RATE.

    Parameters
    ----------
    layers : sequence of Layer
    start : float
        Time at which the window begins, s, on the clock of the layers' onsets.
    """
    sounds = np.zeros((len(layers), ANALYSIS_SAMPLES))
    for sound, layer in zip(sounds, layers, strict=True):
        state = state_of(layer, start)
        last = state[ONSET] + (layer.repeats - 1) * layer.period
        sound[:] = layer_sound(state, (float(state[ONSET]), float(last))).numpy()
    return sounds


def render_layers(layers: Sequence[Layer], start: float = 0.0) -> NDArray[np.float32]:
    """The sum of :func:`layer_sounds`, (ANALYSIS_SAMPLES,)."""
    return layer_sounds(layers, start).sum(axis=0).astype(np.float32)


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
