"""Threads that share one evaluation.

PyTorch splits every single operation among its threads. Operations on blocks that fit a cache are
too short for that: handing whole tasks to threads, each with its own cache, scales far better.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Result = TypeVar("Result")


def run(tasks: Sequence[Callable[[], Result]], like: torch.Tensor) -> list[Result]:
    """Run `tasks`, on as many threads as PyTorch would use, and return their results in order.

    On a GPU they run one after the other. The first exception ends the whole.
    """
    threads = torch.get_num_threads()
    if like.device.type != "cpu" or threads == 1:
        return [task() for task in tasks]
    futures: list[Future[Result]] = []
    try:
        futures += [_pool(threads, os.getpid()).submit(task) for task in tasks]
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
