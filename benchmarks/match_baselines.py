"""Methods that our matcher is compared with: other descents, other Φ, searches without gradients.

All look for f_c, f_m, gamma and w, from the same start; Φ that hear the onset are told it at the
start and look for it as well. A method is judged by the theta of the least loss that it has seen,
its own loss, so that one which wanders off again is not punished for that.

SCRAPL is Adam on the loss of one path of the JTFS at a time, drawn at random. It runs with its own
transform and its own reverse pass to the waveform in the environment of :mod:`benchmarks.peers`;
the arpeggio and its tangents are ours, so that the two differ in nothing but the loss. Both sounds
go in with unit norm. A step costs one path's gradient and counts as one evaluation, although a path
is a small part of the transform: it is judged fairly by its seconds, and by the last theta, because
the loss of one path says little.
"""

import atexit
import contextlib
import functools
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.child import Child
from benchmarks.jtfs_case import PAPER
from benchmarks.match_targets import RANGES, TargetSound, Theta, draw_theta
from benchmarks.peers import SCRIPT, peers_python
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array
from mesosynth.instruments.chirplet_torch import ONSET, chirplet_and_tangents
from mesosynth.matching.descent import NormalEquations, descent_named
from mesosynth.matching.model import PAPERS, State, Unknowns, by_id, in_range, state_of
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import Operator, Phi, shared_operator
from mesosynth.matching.starts import initial_guesses
from mesosynth.system.steps import Steps

LONGER = 4.0
"""A method may take so many times the seconds of ours, for the picture of error against time."""

STARTS = ("random", "table")

_ENDLESS = 1_000_000
_PRECISION = 1e-4  # as of our last descent
_SPREAD = 0.5  # of the first generation of CMA-ES, in logarithms: ranges are 0.6 to 2.1 wide


@dataclass(frozen=True)
class Budget:
    """Evaluations and seconds that our matcher took for a target."""

    evaluations: int
    seconds: float


class _Spent(Exception):
    """The budget is used up."""


@dataclass
class _Contest:
    """Counts evaluations and seconds of one method on one target, and notes the best so far."""

    operator: Operator
    audio: NDArray[np.float32]
    S: NDArray[np.float64]
    unknowns: Unknowns
    began: float
    budget: Budget
    key: tuple[int, ...]
    evaluations: int = 0
    best: float = np.inf
    course: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def evaluate(self, state: State) -> Steps[None, NormalEquations]:
        """Normal equations, from residual and Jacobian."""
        self.check()
        at = yield from self.operator.linearize_steps(state, self.unknowns.free)
        residual = at.S - self.S
        self._note(state, residual)
        return NormalEquations.of(residual, at.J)

    def loss(self, state: State) -> float:
        """The loss alone, which is cheaper."""
        self.check()
        x = self.operator.synthesize(state[:ONSET], float(state[ONSET]))
        return self._note(state, self.operator.analyse(x) - self.S)

    def check(self) -> None:
        """End the method once it has had all that it may."""
        late = time.perf_counter() - self.began > LONGER * self.budget.seconds
        if late and self.evaluations >= self.budget.evaluations:
            raise _Spent

    def go_on(self, state: State, loss: float) -> None:
        """Count an evaluation, and take where it was for the best so far."""
        self.evaluations += 1
        self.course.append(
            {
                "evaluations": self.evaluations,
                "seconds": time.perf_counter() - self.began,
                "loss": loss,
                "theta": _papers(state),
            }
        )

    def _note(self, state: State, residual: NDArray[np.float64]) -> float:
        loss = 0.5 * float(residual @ residual)
        if loss < self.best:
            self.best = loss
            self.go_on(state, loss)
        else:
            self.evaluations += 1
        return loss


Search = Callable[[_Contest, State], None]


def _descent(name: str) -> Search:
    def search(contest: _Contest, start: State) -> None:
        descend = descent_named(name)
        for _ in descend(contest.evaluate, start, contest.unknowns, _ENDLESS, _PRECISION):
            pass

    return search


def _scrapl(contest: _Contest, start: State) -> None:
    free = contest.unknowns.free
    loss = ScraplLoss(contest.audio, free, sum(contest.key))

    def evaluate(state: State) -> Steps[None, NormalEquations]:
        contest.check()
        yield
        equations = loss(state)
        contest.go_on(state, equations.loss)
        return equations

    for _ in descent_named("adam")(evaluate, start, contest.unknowns, _ENDLESS, _PRECISION):
        pass


def _cma_es(contest: _Contest, start: State) -> None:
    import cma

    options = {"seed": 1 + sum(contest.key), "verbose": -9}
    strategy: Any = cma.CMAEvolutionStrategy(np.zeros(len(PAPERS)), _SPREAD, options)
    while not strategy.stop():
        points = strategy.ask()
        losses = [contest.loss(contest.unknowns.moved(start, point)) for point in points]
        strategy.tell(points, losses)


def _random_search(contest: _Contest, start: State) -> None:
    contest.loss(start)
    for number in range(_ENDLESS):
        contest.loss(state_of(draw_theta(*contest.key, number + 1)))


def _nearest_neighbour(contest: _Contest, start: State) -> None:
    contest.loss(start)


@dataclass(frozen=True)
class Method:
    """Something that looks for theta.

    Attributes
    ----------
    title : str
    phi : str
        What it listens with.
    search : callable
        Runs until it is content, or the contest ends it.
    starts : tuple of str
        Of :data:`STARTS`; where it can begin.
    is_peer : bool
        Whether it needs the peers' environment.
    """

    title: str
    phi: Phi
    search: Search
    starts: tuple[str, ...] = STARTS
    is_peer: bool = False


METHODS = {
    "lm": Method("Levenberg-Marquardt alone", "jtfs-global", _descent("levenberg-marquardt")),
    "mss-bold": Method("MSS + bold driver", "mss", _descent("bold-driver")),
    "jtfs-bold": Method("JTFS + bold driver", "jtfs", _descent("bold-driver")),
    "adam": Method("Adam", "jtfs-global", _descent("adam")),
    "l-bfgs": Method("L-BFGS", "jtfs-global", _descent("l-bfgs")),
    "cma-es": Method("CMA-ES", "jtfs-global", _cma_es),
    "knn": Method("nearest neighbour", "jtfs-global", _nearest_neighbour, ("table",)),
    "scrapl": Method("SCRAPL + Adam", "jtfs", _scrapl, is_peer=True),
    "random": Method("random search", "jtfs-global", _random_search, ("random",)),
}
"""By the name that --json uses."""


def compete(
    name: str,
    begin_at: str,
    sound: TargetSound,
    budget: Budget,
    key: tuple[int, ...],
) -> list[dict[str, Any]]:
    """Let a method look for a sound's theta.

    Parameters
    ----------
    name : str
        Of :data:`METHODS`.
    begin_at : str
        Of :data:`STARTS`.
    sound : TargetSound
    budget : Budget
        The method ends by itself, or once it has had both these evaluations and LONGER times
        these seconds.
    key : tuple of int
        Seed of what is random, of the start above all.

    Returns
    -------
    list of {evaluations, seconds, loss, theta}
        Whenever the least loss so far was seen.
    """
    method = METHODS[name]
    operator = shared_operator(method.phi)
    _warm_up(operator)
    if method.is_peer:
        warm_scrapl_up()
    began = time.perf_counter()
    target = target_from_array(sound.audio, sound.sample_rate)
    heard = (ONSET,) if operator.hears_onset else ()
    unknowns = Unknowns.named(PAPERS, *heard)
    S = operator.analyse(target.audio)
    contest = _Contest(operator, target.audio, S, unknowns, began, budget, key)
    start = state_of(draw_theta(*key)) if begin_at == "random" else _from_table(target)
    if operator.hears_onset:
        x = operator.synthesize(start[:ONSET])
        start[ONSET] = onset_of(shared_operator().jtfs, target.audio, x)
    with contextlib.suppress(_Spent):
        method.search(contest, in_range(start))
    return contest.course


def _from_table(target: Target) -> State:
    listener = shared_operator()
    (start,) = initial_guesses(listener, listener.analyse(target.audio), target.audio, 1)
    return state_of(dict(zip(PAPERS, map(float, start.theta), strict=True)))


def _papers(state: State) -> Theta:
    theta = by_id(state)
    return {id_: theta[id_] for id_ in RANGES}


@functools.cache
def _warm_up(operator: Operator) -> None:
    """Evaluate an operator once, which builds its plans."""
    operator.linearize(state_of({}), (0,))


# ---------------------------------------------------------------------- SCRAPL


class ScraplLoss:
    """The loss of a random path between an arpeggio and a target.

    Parameters
    ----------
    target : (ANALYSIS_SAMPLES,) array
    free : tuple of int
        Places in a state of the directions to differentiate along.
    seed : int
        Of the paths.
    """

    def __init__(self, target: NDArray[np.floating], free: tuple[int, ...], seed: int) -> None:
        self._target = _unit(torch.from_numpy(np.asarray(target, np.float64)))
        self._free = free
        self._paths = np.random.default_rng(seed)

    def __call__(self, state: State) -> NormalEquations:
        """Loss and gradient of the next path; nothing is known of the loss's shape."""
        theta = torch.from_numpy(state[:ONSET])
        x, dx = chirplet_and_tangents(
            theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, float(state[ONSET]), self._free
        )
        norm = x.norm()
        x, dx = x / norm, dx / norm
        dx = dx - (dx @ x)[:, None] * x
        child, folder = _scrapl_child()
        sound = folder / "sound.npz"
        np.savez(
            sound, x=x.float().numpy(), dx=dx.float().numpy(), target=self._target.float().numpy()
        )
        case = {
            "program": "scrapl", "work": "distance", "shape": ANALYSIS_SAMPLES, **PAPER,
            "T": None, "F": None, "sound": str(sound), "path": float(self._paths.uniform()),
        }  # fmt: skip
        child.prepare("distance", case)
        answer = child.report("distance")
        size = len(self._free)
        return NormalEquations(answer["loss"], np.array(answer["gradient"]), np.eye(size), 0.0)


@functools.cache
def warm_scrapl_up() -> None:
    """Start SCRAPL and let it build its filters, which no run is to be charged with."""
    theta = np.array([512.0, 8.0, 1.5, 2.0, 0.0, 1.0, -60.0, 0.0, 1.0])
    noise = np.random.default_rng(0).standard_normal(ANALYSIS_SAMPLES)
    ScraplLoss(noise, (0,), seed=0)(theta)


@functools.cache
def _scrapl_child() -> tuple[Child, Path]:
    """The process of this one that holds SCRAPL, and a folder to hand sounds over."""
    folder = tempfile.TemporaryDirectory(prefix="mesosynth-scrapl-")
    threads = torch.get_num_threads()
    python = peers_python(lambda _line: None)
    child = Child("SCRAPL", [str(python), "-E", "-s", str(SCRIPT), str(threads)], threads)
    atexit.register(folder.cleanup)
    atexit.register(child.__exit__, None, None, None)
    return child, Path(folder.name)


def _unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm()
