"""Computations in steps: generators that may be left, stopped or run to the end between any two.

Such a generator yields None every few hundredths of a second, so that whoever runs it can look
after other things, and a step where there is news. What it returns is the result::

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
    """Thrown into a computation to stop it; comes out of one that has no result yet."""


def result_of(steps: Generator[S | None, None, R], show: Callable[[S], object] | None = None) -> R:
    """Run a computation to its end and return its result.

    Parameters
    ----------
    steps : generator
    show : callable, optional
        Called with each step.
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
