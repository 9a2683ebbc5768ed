"""Doing runs: in this process or in several, with a bar, and kept in a file.

A run's row goes into a file of JSON lines as soon as it is there, so that a protocol that was ended
early goes on where it was. In several processes, each with one thread, targets are done sooner but
each takes longer.
"""

import contextlib
import json
import signal
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.match_runs import Row, Run, perform
from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.system.worker import end_with_parent, hidden_main


class Keeper:
    """Rows that are there already, and a place for new ones.

    Parameters
    ----------
    path : Path, optional
        A file of JSON lines, made where it is missing.

    Raises
    ------
    ArgumentError
        If the file is of something else, or cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[str, Row] = {}
        if path is None:
            return
        try:
            with path.open("a+") as file:
                file.seek(0)
                text = file.read()
                if text and not text.endswith("\n"):  # a kill cut the last line short
                    file.write("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ArgumentError(f"--cache {path} cannot be used: {error}.") from error
        for line in text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                kept: dict[str, Any] = json.loads(line)
                if "key" not in kept or "row" not in kept:
                    raise ArgumentError(f"--cache {path} holds something else; name another file.")
                self._rows[json.dumps(kept["key"])] = kept["row"]

    def row(self, run: Run) -> Row | None:
        """The row of a run that was done before."""
        return self._rows.get(json.dumps(run.key))

    def keep(self, run: Run, row: Row) -> None:
        """Write a row down."""
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"key": run.key, "row": row}) + "\n")


class Crew:
    """Performs runs, in this process or in `jobs` others; a context manager."""

    def __init__(self, jobs: int, threads: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            self._pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin)
        else:
            import torch

            torch.set_num_threads(threads)

    def rows(self, runs: Iterable[Run]) -> Generator[tuple[Run, Row]]:
        """Every run and its row, as they end."""
        if self._pool is None:
            for run in runs:
                yield run, perform(run)
            return
        waiting = iter(runs)
        under_way: dict[Future[Row], Run] = {}
        self._send(self._pool, waiting, under_way, self._jobs)
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            self._send(self._pool, waiting, under_way, len(done))
            for future in done:
                try:
                    row = future.result()
                except BrokenProcessPool as error:
                    raise WorkerError(
                        "a process of the benchmark's died, for want of memory perhaps; "
                        "try fewer --jobs."
                    ) from error
                yield under_way.pop(future), row

    def _send(
        self,
        pool: ProcessPoolExecutor,
        waiting: Iterator[Run],
        under_way: dict[Future[Row], Run],
        count: int,
    ) -> None:
        with hidden_main():  # the first runs start the processes
            for _, run in zip(range(count), waiting, strict=False):
                under_way[pool.submit(perform, run)] = run

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class Work:
    """Does runs until all are done, time is up, or somebody presses Ctrl-C.

    Attributes
    ----------
    complete : bool
        False once it has been ended early; then it does no more.
    """

    def __init__(self, crew: Crew, keeper: Keeper, minutes: float) -> None:
        self.complete = True
        self._crew, self._keeper = crew, keeper
        self._deadline = time.monotonic() + 60.0 * minutes

    def do(self, title: str, runs: Sequence[Run]) -> dict[Run, Row]:
        """The rows of `runs` that there was time for."""
        if not self.complete:
            return {}
        rows = {run: row for run in runs if (row := self._keeper.row(run)) is not None}
        with _bar() as bar:
            task = bar.add_task(title, total=len(runs), completed=len(rows))
            try:
                for run, row in self._crew.rows([run for run in runs if run not in rows]):
                    self._keeper.keep(run, row)
                    rows[run] = row
                    bar.advance(task)
                    if time.monotonic() > self._deadline:
                        self.complete = len(rows) == len(runs)
                        break
            except KeyboardInterrupt:
                self.complete = False
        return rows


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
    )


def _begin() -> None:
    """A process of the crew: Ctrl-C is for the one that asks it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    import torch

    torch.set_num_threads(1)
