"""Threads that share one evaluation.

PyTorch splits every single operation among its threads. Operations on blocks that fit a cache are
too short for that: handing whole tasks to threads, each with its own cache, scales far better.
"""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Result = TypeVar("Result")


@contextmanager
def team(like: torch.Tensor, *, alone: bool) -> Generator["Team"]:
    """Threads for one evaluation: as many as PyTorch would use, which has one itself meanwhile.

    Parameters
    ----------
    like : tensor
        On a GPU tasks run one after the other.
    alone : bool
        Whether the tasks are so small that a second thread would only be in the way.
    """
    threads = torch.get_num_threads()
    if like.device.type != "cpu":
        yield Team(1)
        return
    torch.set_num_threads(1)
    try:
        yield Team(1 if alone else threads)
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Team:
    """Runs tasks on some threads."""

    threads: int

    def run(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Run `tasks` and return their results in order; the first exception ends the whole."""
        if self.threads == 1:
            return [task() for task in tasks]
        futures: list[Future[Result]] = []
        try:
            futures += [_pool(self.threads, os.getpid()).submit(task) for task in tasks]
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


@cache
def _pool(threads: int, pid: int) -> ThreadPoolExecutor:
    """A pool; a process forked from this one makes its own, since threads do not survive that."""
    del pid
    before = torch.get_num_threads()
    ready = Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, "mesosynth jtfs", initializer=begin)
    for _ in range(threads):
        pool.submit(lambda: None)
    ready.wait()
    torch.set_num_threads(before)  # what other new threads will start with
    return pool
