"""Runs of the match protocol: one method on one target each, done here or in several processes.

A run's row goes into a file of JSON lines as soon as it is there, so that a protocol that was ended
early goes on where it was. In several processes, each with one thread, targets are done sooner but
each takes longer.
"""

import contextlib
import functools
import json
import math
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.match_baselines import METHODS, Budget, compete
from benchmarks.match_scores import Row
from benchmarks.match_targets import Family, TargetSound, families
from mesosynth.errors import ArgumentError, MesosynthError, WorkerError
from mesosynth.matching.match import Matcher
from mesosynth.matching.results import MatchResult
from mesosynth.system.signals import Interrupted, raised_signals
from mesosynth.system.worker import end_with_parent, hidden_main

OURS = "mesosynth"

_NOISE = "20 dB white"
_RANDOM_START = 1 << 20  # in a key, where no level comes


@dataclass(frozen=True)
class Run:
    """One method on one target.

    Attributes
    ----------
    family, level, index
        Of the target; level is its number.
    seed : int
    recordings : str
        Folder of family I; may be empty.
    method : str
        :data:`OURS`, or one of :data:`benchmarks.match_baselines.METHODS`.
    start : str
        "sound" for ours; of a baseline "random" or "table".
    budget : Budget, optional
        Of a baseline.
    """

    family: str
    level: int
    index: int
    seed: int = 0
    recordings: str = ""
    method: str = OURS
    start: str = "sound"
    budget: Budget | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """Identity of this run; a baseline's budget is no part of it."""
        return (
            self.method, self.start, self.family, self.level, self.index, self.seed,
            self.recordings if self.family == "I" else "",
        )  # fmt: skip

    def family_of(self) -> Family:
        """The family of its target."""
        return families(self.recordings)[self.family]

    @property
    def level_name(self) -> str:
        """Name of its level; empty where the family has but one."""
        return self.family_of().levels[self.level]

    def sound(self) -> TargetSound:
        """Its target."""
        return self.family_of().make(self.seed, self.level, self.index)


def runs_of(
    chosen: dict[str, Family], targets: int, seed: int, recordings: str, *, each_level: bool
) -> list[Run]:
    """Runs of our matcher, the families in turn, so that a protocol cut short has some of each.

    Parameters
    ----------
    targets : int
        Of each family, dealt out over its levels; with `each_level`, at each of them.
    """
    runs: list[Run] = []
    for letter, family in chosen.items():
        levels = len(family.levels)
        if family.size is not None:
            places = [(level, i) for i in range(family.size) for level in range(levels)]
        elif each_level:
            places = [(level, i) for i in range(targets) for level in range(levels)]
        else:
            places = [(i % levels, i) for i in range(targets)]
        runs += [Run(letter, level, i, seed, recordings) for level, i in places]
    return sorted(runs, key=lambda run: run.index)


def contested_runs(targets: int, seed: int) -> list[Run]:
    """Runs of ours on what baselines meet: so many targets of B, and of D in some noise.

    Parameters
    ----------
    targets : int
        Of each of the two families.
    seed : int
    """
    noise = families()["D"].levels.index(_NOISE)
    return [Run(*place, i, seed) for i in range(targets) for place in (("B", 0), ("D", noise))]


def rival_runs(ours: dict[Run, Row], *, peers: bool) -> list[Run]:
    """Every baseline, from each of its starts, on the targets of our runs that did not fail.

    Those that need the peers' environment only with `peers`.

    Parameters
    ----------
    ours : dict of Run to dict
        Rows of our runs.
    peers : bool
        Whether the peers' environment is there.
    """
    return [
        replace(run, method=name, start=start, budget=Budget(row["evaluations"], row["seconds"]))
        for run, row in ours.items()
        if not row["failure"]
        for name, method in METHODS.items()
        if peers or not method.is_peer
        for start in method.starts
    ]


def perform(run: Run) -> Row:
    """Carry out a run; return its row."""
    sound = run.sound()
    row = {
        "method": run.method, "start": run.start, "family": run.family,
        "level": run.level_name, "index": run.index, "seed": run.seed,
        "truth": sound.theta, "failure": None,
    }  # fmt: skip
    try:
        row |= _ours(sound) if run.budget is None else _baseline(run, sound, run.budget)
    except MesosynthError as error:  # a failure is a result as well
        row["failure"] = str(error)
    return row


@functools.lru_cache(maxsize=1)
def warm_up() -> None:
    """Match a sound, so that this process has all filters and tables."""
    sound = families()["A"].make(0, 0, 0)
    Matcher().fit(sound.audio, sound.sample_rate)


def _ours(sound: TargetSound) -> Row:
    warm_up()
    began, cpu_began = time.perf_counter(), time.process_time()
    result = Matcher(sound.instrument).fit(sound.audio, sound.sample_rate)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return {
        "theta": result.theta, "std": result.std, "loss": result.loss,
        "evaluations": result.evaluations, "seconds": seconds, "cpu_seconds": cpu_seconds,
        "converged": result.converged, "course": _course(result, seconds),
    }  # fmt: skip


def _course(result: MatchResult, seconds: float) -> list[Row]:
    """Best theta of a match in the course of time."""
    steps = [
        {"evaluations": step.evaluations, "seconds": step.seconds, "theta": step.theta}
        for step in result.trajectory
    ]
    return [
        *steps, {"evaluations": result.evaluations, "seconds": seconds, "theta": result.theta}
    ]  # fmt: skip


def _baseline(run: Run, sound: TargetSound, budget: Budget) -> Row:
    key = (run.seed, ord(run.family), run.index, _RANDOM_START)
    warm_up()
    course = compete(run.method, run.start, sound, budget, key)
    return {"budget": asdict(budget), "course": course}


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
        self._under_way: dict[Future[Row], Run] = {}
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
        waiting, under_way = iter(runs), self._under_way
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
            for child in active_children() if self._under_way else []:
                child.terminate()  # a run may take minutes
            self._pool.shutdown(cancel_futures=True)


class Work:
    """Runs, done until all are done, time is up, or a signal asks for the end.

    Time ends a run that is under way, but for the first one.

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
                with raised_signals(), _alarm(self._deadline, lambda: bool(rows)):
                    for run, row in self._crew.rows([run for run in runs if run not in rows]):
                        self._keeper.keep(run, row)
                        rows[run] = row
                        bar.advance(task)
                        if time.monotonic() > self._deadline:
                            break
            except KeyboardInterrupt:
                pass
        self.complete = len(rows) == len(runs)
        return rows


_AGAIN = 0.5  # s


@contextlib.contextmanager
def _alarm(deadline: float, may_end: Callable[[], bool]) -> Generator[None]:
    """Raise an interrupt at a time of the monotonic clock, as soon as the work may end."""
    if not hasattr(signal, "setitimer") or math.isinf(deadline):
        yield
        return

    def ring(number: int, _: object) -> None:
        if may_end():
            raise Interrupted(number)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(deadline - time.monotonic(), 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


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
