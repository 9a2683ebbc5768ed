"""Runs of the protocol: one method on one target each, and the row of figures that comes of it."""

import functools
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.baselines import METHODS, Budget, compete
from benchmarks.targets import Family, Sound, families
from mesosynth.errors import MesosynthError
from mesosynth.matching.match import Matcher
from mesosynth.matching.results import MatchResult

Row = dict[str, Any]

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
        :data:`OURS`, or one of :data:`benchmarks.baselines.METHODS`.
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
        """What tells this run from others, a baseline's budget aside."""
        return (
            self.method, self.start, self.family, self.level, self.index, self.seed,
            self.recordings if self.family == "I" else "",
        )  # fmt: skip

    def family_of(self) -> Family:
        """The family of its target."""
        return families(self.recordings)[self.family]

    def sound(self) -> Sound:
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
    """Runs of ours on what baselines meet: so many targets of B, and of D in some noise."""
    noise = families()["D"].levels.index(_NOISE)
    return [Run(*place, i, seed) for i in range(targets) for place in (("B", 0), ("D", noise))]


def rival_runs(ours: dict[Run, Row], *, peers: bool) -> list[Run]:
    """Every baseline, from each of its starts, on the targets of our runs that did not fail.

    Those that need the peers' environment only with `peers`.
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
    """Do a run: what it is, and what came of it."""
    sound, family = run.sound(), run.family_of()
    row = {
        "method": run.method, "start": run.start, "family": run.family,
        "level": family.levels[run.level], "index": run.index, "seed": run.seed,
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


def _ours(sound: Sound) -> Row:
    warm_up()
    began = time.perf_counter()
    result = Matcher(sound.instrument).fit(sound.audio, sound.sample_rate)
    seconds = time.perf_counter() - began
    return {
        "theta": result.theta, "std": result.std, "loss": result.loss,
        "evaluations": result.evaluations, "seconds": seconds, "converged": result.converged,
        "course": _course(result, seconds),
    }  # fmt: skip


def _course(result: MatchResult, seconds: float) -> list[Row]:
    """What a match gave as its best, and when."""
    steps = [
        {"evaluations": step.evaluations, "seconds": step.seconds, "theta": step.theta}
        for step in result.trajectory
    ]
    return [
        *steps, {"evaluations": result.evaluations, "seconds": seconds, "theta": result.theta}
    ]  # fmt: skip


def _baseline(run: Run, sound: Sound, budget: Budget) -> Row:
    key = (run.seed, ord(run.family), run.index, _RANDOM_START)
    warm_up()
    course = compete(run.method, run.start, sound, budget, key)
    return {"budget": asdict(budget), "course": course}
