"""Computations in steps: generators that can be left, stopped, or run to the end.

Such a generator yields None every few hundredths of a second, so that its caller can do other work,
and a step where there is news. Its return value is the result::

    def search(target: Target) -> Steps[Step, Result]: ...

    for step in search(target):
        if step is not None:
            print(step)
"""

from collections.abc import Callable, Generator
from typing import TypeVar

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
