"""The matcher: from audio to theta, with no knowledge but the audio."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.matching.descent import Iterate, levenberg_marquardt
from mesosynth.matching.initial_guess import initial_guesses
from mesosynth.matching.messages import MatchResult, MatchStep
from mesosynth.matching.operator import THETA, Operator
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array

OnStep = Callable[[MatchStep], None]
ShouldStop = Callable[[], bool]

_MINIMUM = np.array([PARAMETERS[i].smallest or PARAMETERS[i].minimum for i in THETA])
_MAXIMUM = np.array([PARAMETERS[i].maximum for i in THETA])

GOOD_LOSS = 3e-3
"""A start that comes below this has found its arpeggio; no other start is tried."""

_STARTS = 3
_EVALUATIONS_A_START = 16


class Stopped(Exception):
    """A match was stopped before it had any theta."""


def match(
    audio: NDArray[np.floating],
    sample_rate: float,
    instrument: str = "chirplet",
    seed: int = 0,
    on_step: OnStep | None = None,
    should_stop: ShouldStop | None = None,
) -> MatchResult:
    """Find the theta whose arpeggio sounds like `audio`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest four seconds count.
    sample_rate : float
        Hz.
    instrument : str
        "chirplet".
    seed : int
        Kept for searches that draw lots; this one does not, so every seed gives the same theta.
    on_step : callable, optional
        Called with every accepted step.
    should_stop : callable, optional
        Asked every few hundredths of a second; True ends the match with the best theta so far.

    Returns
    -------
    MatchResult
        With ``onset`` counted from the start of `audio`, and ``gain`` in its own scale.

    Raises
    ------
    ArgumentError
        If `instrument` has no differentiable form, or `audio` is no array of numbers.
    TargetError
        If `audio` is silent, too short, or holds NaN.
    Stopped
        If `should_stop` ended it before it had any theta.
    """
    target = target_from_array(np.asarray(audio), sample_rate, "audio")
    return Matcher(instrument).match(target, on_step, should_stop)


class Matcher:
    """Matches one target after another with filters that are built once.

    Parameters
    ----------
    instrument : str
        "chirplet".
    """

    def __init__(self, instrument: str = "chirplet") -> None:
        if instrument != "chirplet":
            raise ArgumentError(f"instrument={instrument!r} cannot be matched; use 'chirplet'.")
        self.operator = Operator()

    def render(
        self, values: Mapping[str, float], beside: Target | None = None
    ) -> NDArray[np.float32]:
        """One arpeggio in an analysis window, (ANALYSIS_SAMPLES,), of peak 1.

        Parameters
        ----------
        values : mapping
            The instrument's parameters by id; what is missing stands at its default.
        beside : Target, optional
            Where this has its energy, the arpeggio lies; otherwise in the middle.
        """
        complete = PARAMETERS.complete(values)
        theta = np.array([complete[id_] for id_ in THETA])
        shape = complete["am_shape"]
        x = self.operator.synthesize(theta, am_shape=shape)
        if beside is None:
            return x
        return self.operator.synthesize(theta, _onset(beside.audio, x), shape)

    def match(
        self,
        target: Target,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
    ) -> MatchResult:
        """Match `target`; parameters and result as in :func:`match`.

        ``onset`` counts from the start of the sound that the target was taken from.
        """
        run = _Run(self.operator, target, on_step, should_stop)
        try:
            run.descend_from_the_starts()
            converged = run.best.converged
        except Stopped:
            if not run.trajectory:
                raise
            converged = False
        return run.result(converged)


@dataclass
class _Run:
    """The state of one match."""

    operator: Operator
    target: Target
    on_step: OnStep | None
    should_stop: ShouldStop | None
    evaluations: int = 0
    trajectory: list[MatchStep] = field(default_factory=list[MatchStep])

    def __post_init__(self) -> None:
        self.began = time.perf_counter()
        self.best = Iterate(np.empty(0), np.inf, np.empty(0), converged=False)
        self.S = self.operator.analyse(self.target.audio)

    def descend_from_the_starts(self) -> None:
        """Try starts, nearest first, until one comes below GOOD_LOSS; keep the best."""
        for i, start in enumerate(
            initial_guesses(self.operator, self.S, self.target.audio, _STARTS)
        ):
            theta = np.sign(start.theta) * np.clip(np.abs(start.theta), _MINIMUM, _MAXIMUM)
            self._descend(theta, i)
            if self.best.loss < GOOD_LOSS:
                return

    def result(self, converged: bool) -> MatchResult:
        """The best theta, with onset and gain in the terms of the source."""
        x = self.operator.synthesize(self.best.theta)
        onset = _onset(self.target.audio, x)
        gain = np.abs(_correlation(self.target.audio, x)).max() / np.square(x).sum()
        return MatchResult(
            theta=_by_id(self.best.theta),
            std=_by_id(self.best.std * np.abs(self.best.theta)),
            loss=self.best.loss,
            evaluations=self.evaluations,
            seconds=time.perf_counter() - self.began,
            converged=converged,
            onset=self.target.start + ANALYSIS_SAMPLES / ANALYSIS_RATE / 2 + onset,
            gain=float(gain) / self.target.scale,
            trajectory=self.trajectory,
        )

    def _descend(self, theta: NDArray[np.float64], start: int) -> None:
        before = self.evaluations
        for iterate in levenberg_marquardt(
            self._evaluate, theta, _MINIMUM, _MAXIMUM, _EVALUATIONS_A_START
        ):
            if iterate.loss <= self.best.loss:
                self.best = iterate
            elif _same(iterate.theta, self.best.theta):
                return  # on its way to a minimum that another start has found
            share = (self.evaluations - before) / _EVALUATIONS_A_START
            self._report(iterate, start, (start + share) / _STARTS)

    def _evaluate(
        self, theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        self.evaluations += 1
        at = self.operator.linearize(theta, self._checkpoint)
        return at.S - self.S, at.J

    def _checkpoint(self) -> None:
        if self.should_stop is not None and self.should_stop():
            raise Stopped

    def _report(self, iterate: Iterate, start: int, progress: float) -> None:
        step = MatchStep(
            theta=_by_id(iterate.theta),
            std=_by_id(iterate.std * np.abs(iterate.theta)),
            loss=iterate.loss,
            evaluations=self.evaluations,
            seconds=time.perf_counter() - self.began,
            start=start,
            progress=progress,
        )
        self.trajectory.append(step)
        if self.on_step is not None:
            self.on_step(step)


def _by_id(values: NDArray[np.float64]) -> dict[str, float]:
    return {id_: float(value) for id_, value in zip(THETA, values, strict=True)}


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two thetas agree within 2%."""
    return bool(np.all(np.abs(a - b) < 0.02 * np.abs(b)))


def _envelope(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power over time, smoothed to 30 Hz."""
    sos = signal.butter(2, 30.0, fs=ANALYSIS_RATE, output="sos")
    return signal.sosfiltfilt(sos, audio.astype(np.float64) ** 2)


def _correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cross-correlation at all lags, (2n - 1,), lag 0 in the middle."""
    return signal.correlate(a.astype(np.float64), b.astype(np.float64), mode="full", method="fft")


def _onset(audio: NDArray[np.float32], x: NDArray[np.float32]) -> float:
    """By how many seconds `x` must be delayed for its envelope to lie over that of `audio`."""
    correlation = _correlation(_envelope(audio), _envelope(x))
    return (int(np.argmax(correlation)) - (len(x) - 1)) / ANALYSIS_RATE
