"""Computations in steps: generators that can be left, stopped, or run to the end.

Such a generator yields None every few hundredths of a second, so that its caller can do other work,
and a step where there is news. Its return value is the result::

    def search(target: Target) -> Steps[Step, Result]: ...

    for step in search(target):
        if step is not None:
            print(step)

A search is a function of its target, its settings and its evaluations, and only the evaluations
take long. So a search that is run again with the evaluations of an earlier run reaches its state,
digit by digit, in a moment: :class:`EvaluationCache`.
"""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")
R = TypeVar("R")

Steps = Generator[S | None, None, R]
"""A computation in steps of the type S with a result of the type R."""


class Stopped(Exception):
    """Thrown into a computation to stop it; leaves one that has no result yet."""


def result_of(steps: Generator[S | None, None, R], show: Callable[[S], object] | None = None) -> R:
    """Result of a computation, which is run to its end.

    Parameters
    ----------
    steps : generator
    show : callable, optional
        Called with each step.

    Returns
    -------
    The generator's return value.
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if show is not None and step is not None:
            show(step)


def stop(steps: Generator[object, None, R]) -> R:
    """Stop a computation and return its result so far.

    Raises
    ------
    Stopped
        If it has none.
    """
    try:
        steps.throw(Stopped())
    except StopIteration as end:
        return end.value
    return result_of(steps)


# --------------------------------------------------------------------------------------------------
# Cache of the evaluations of a search


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation.

    Attributes
    ----------
    number : int
        Its number in the search, from 0. It replaces an older one of that number and all that
        followed it.
    at : list of float
        The state, or the states of all layers one after another.
    numbers : list of float
        Result.
    seconds : float
        Time since the search began without pauses, s.
    """

    number: int
    at: list[float]
    numbers: list[float]
    seconds: float


class EvaluationCache:
    """Evaluations in the order in which a search asks for them; the clock of that search.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Of the same search; none for a new one.

    Attributes
    ----------
    evaluated_at : float
        Time of the end of the last evaluation, s; the same when the search is run again.
    """

    def __init__(self, evaluations: Sequence[Evaluation] = ()) -> None:
        self._evaluations = list(evaluations)
        self.evaluated_at = 0.0
        self._next = 0
        self._seconds = 0.0
        self._since: float | None = time.perf_counter()  # None while it is paused

    @property
    def seconds(self) -> float:
        """Time since the search began without pauses, s."""
        if self._since is None or self._next < len(self._evaluations):
            return self._seconds  # time of the earlier run at this point
        return self._seconds + time.perf_counter() - self._since

    def start_clock(self) -> None:
        """Start the clock anew: filters, which a process builds once, are no part of a search."""
        if self._since is not None:
            self._since = time.perf_counter()

    def pause(self) -> None:
        """Stop the clock."""
        self._seconds, self._since = self.seconds, None

    def resume(self) -> None:
        """Let the clock run again."""
        self._since = time.perf_counter()

    def evaluate(
        self, at: NDArray[np.float64], compute: Steps[None, list[float]], size: int
    ) -> Steps[Evaluation, list[float]]:
        """Compute, or return the cached result.

        Evaluations that do not fit, from another version of mesosynth, are dropped.

        Parameters
        ----------
        at : array
            The place.
        compute : generator
            Returns the numbers; it is not started if they are cached.
        size : int
            Number of numbers.

        Yields
        ------
        None or Evaluation
            Whatever `compute` yields; last the evaluation, if it is new.

        Returns
        -------
        list of float
        """
        place = at.ravel().tolist()
        if self._next < len(self._evaluations):
            known = self._evaluations[self._next]
            if known.at == place and len(known.numbers) == size:
                self._next += 1
                self.evaluated_at = known.seconds
                self._set_clock(known.seconds)
                return known.numbers
            del self._evaluations[self._next :]
            self._set_clock(self._seconds)
        numbers = yield from compute
        self.evaluated_at = self.seconds
        evaluation = Evaluation(self._next, place, numbers, self.evaluated_at)
        self._evaluations.append(evaluation)
        self._next += 1
        yield evaluation
        return numbers

    def _set_clock(self, seconds: float) -> None:
        self._seconds, self._since = seconds, time.perf_counter()
