"""Work on many processes or machines, by Dask; without Dask in this process.

A worker that is lost costs the item that it was at: another worker takes it. Only the caller's
process writes files, so the machines of a cluster need no common disk.
"""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.system.cpu import cores

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 3
"""Times that an item is tried again after an error or with another worker."""

MOST_WORKERS = 256
"""Processes on one machine."""

_WAITING = 2  # items per core that are handed out at a time, so that an hour's need no memory
_PATIENCE = 10.0  # s, until a scheduler answers


@dataclass(frozen=True)
class Cluster:
    """Scheduler or processes that work is spread over.

    Attributes
    ----------
    scheduler : str, optional
        Address of a Dask scheduler, such as "tcp://10.0.0.1:8786".
    workers : int, optional
        Processes on this machine where there is no scheduler; 1 works in this process, without
        Dask, and None takes one for each core.
    """

    scheduler: str | None = None
    workers: int | None = None


def spread(
    function: Callable[[T], R], items: Iterable[T], cluster: Cluster
) -> Iterator[tuple[T, R | Exception]]:
    """Call a function with each item, wherever the cluster has room.

    Parameters
    ----------
    function : callable
        One that can be pickled.
    items : iterable
        Read as they are needed.
    cluster : Cluster

    Yields
    ------
    (item, result)
        As they are done, in any order; an error that stays is the result.

    Raises
    ------
    ArgumentError
        If Dask is not installed, or there are too many workers.
    WorkerError
        If the scheduler does not answer.
    """
    if cluster.workers is not None and not 1 <= cluster.workers <= MOST_WORKERS:
        raise ArgumentError(f"workers={cluster.workers} must be 1 to {MOST_WORKERS}.")
    count = cluster.workers or cores()
    if cluster.scheduler is None and count == 1:
        for item in items:
            yield item, _attempt(function, item)
        return
    with _client(cluster.scheduler, count) as (client, as_completed):
        waiting: dict[str, T] = {}
        left = iter(items)

        def submit() -> Iterator[Any]:
            room = _WAITING * max(1, sum(client.nthreads().values())) - len(waiting)
            for _, item in zip(range(room), left, strict=False):
                future = client.submit(function, item, pure=False, retries=RETRIES)
                waiting[future.key] = item
                yield future

        done = as_completed(list(submit()))
        for future in done:
            yield waiting.pop(future.key), _attempt(lambda future: future.result(), future)
            future.release()
            for more in submit():
                done.add(more)


def _attempt(function: Callable[[T], R], item: T) -> R | Exception:
    try:
        return function(item)
    except Exception as error:  # noqa: BLE001 - the caller decides
        return error


@contextlib.contextmanager
def _client(scheduler: str | None, workers: int) -> Generator[tuple[Any, Any]]:
    """Client of a scheduler, or of a cluster of processes on this machine that ends with it."""
    try:
        from dask.config import set as configured
        from distributed import Client, LocalCluster, as_completed
    except ImportError:
        raise ArgumentError(
            "Dask is not installed, which several workers need: install mesosynth[learning], or "
            "take --workers 1."
        ) from None
    with contextlib.ExitStack() as stack:
        where: Any = scheduler
        if scheduler is None:
            # By itself Dask adds MALLOC_TRIM_THRESHOLD_, with which every large array is given
            # back to the system and taken from it anew.
            environment = {"OMP_NUM_THREADS": 1}
            stack.enter_context(configured({"distributed.nanny.pre-spawn-environ": environment}))
            no_dashboard: Any = None
            where = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                    dashboard_address=no_dashboard,
                    worker_dashboard_address=None,
                )
            )
        try:
            client = Client(where, timeout=_PATIENCE)
        except (OSError, ValueError, TimeoutError) as error:
            raise WorkerError(
                f"--scheduler {scheduler} does not answer ({error or 'in time'}); start it with "
                "dask scheduler, and workers with dask worker ADDRESS."
            ) from None
        with client:
            yield client, as_completed
