"""Descents that Fig. 4, 6 and 7 compare, and the maps and descents that figures share.

The paper's bold driver steps in (f_m, gamma) themselves. Its rate grows by a fifth when a step was
good, and is halved otherwise, from the best point. In the paper, the loss decides whether a step
was good; in the paper's code, the distance to the true parameters does, which are unknown for a
real sound. Ours is the matcher, which gets the audio, the same start, and no distance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, target_from_array
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.loss_map import points
from mesosynth.matching.match import GOOD_LOSS, Matcher
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.results import MatchSettings, MatchStep
from mesosynth.paper.losses import (
    CARRIER,
    CODE,
    GAMMA,
    PAPER,
    TARGET,
    WIDTH,
    PaperLoss,
    Phi,
    Setting,
    error,
    seconds,
)

Judge = Literal["loss", "oracle"]
Theta = NDArray[np.float64]
"""(2,): f_m in Hz and gamma in octaves per second."""

_FIRST_STEP = 0.2  # Hz and octaves/s together; the paper does not say
_SHORTEST_STEP = 1e-5


@dataclass(frozen=True)
class Method:
    """A descent, with its name in the legends."""

    name: str
    setting: Setting
    phi: Phi
    judge: Judge = "loss"
    rate: float | None = None


METHODS = (
    Method("JTFS, bold driver", PAPER, "JTFS"),
    Method("MSS, bold driver", PAPER, "MSS"),
    Method("ours", PAPER, "JTFS averaged"),
    Method("JTFS, bold driver", CODE, "JTFS", rate=100.0),
    Method("MSS, bold driver", CODE, "MSS", rate=1e-4),
    Method("JTFS, bold driver, told the truth", CODE, "JTFS", "oracle", 100.0),
    Method("MSS, bold driver, told the truth", CODE, "MSS", "oracle", 1e-4),
    Method("ours", CODE, "JTFS averaged"),
)
"""Methods in the paper's setting, then in its code's, with the code's initial rates."""


@dataclass(frozen=True)
class Descent:
    """Parameters and loss after each evaluation; the start is the first."""

    theta: NDArray[np.float64]  # (evaluations, 2)
    loss: NDArray[np.float64]  # (evaluations,)

    @property
    def error(self) -> NDArray[np.float64]:
        """Distance to the target, (evaluations,)."""
        return np.array([error(theta) for theta in self.theta])


class Runner:
    """Runs methods, with filters built once.

    Parameters
    ----------
    evaluations : int
        Most evaluations of each run.
    """

    def __init__(self, evaluations: int) -> None:
        self.evaluations = evaluations
        self._losses: dict[tuple[Setting, Phi], PaperLoss] = {}

    def run(self, method: Method, start: Theta, shift: int) -> Descent:
        """Descend towards a shifted target.

        Parameters
        ----------
        method : Method
        start : (2,) float64
            f_m, Hz, and gamma, octaves/s.
        shift : int
            Of the target, samples.

        Returns
        -------
        Descent
        """
        if method.phi == "JTFS averaged":
            return match(method.setting, start, shift, self.evaluations)
        key = (method.setting, method.phi)
        if key not in self._losses:
            self._losses[key] = PaperLoss(*key)
        loss = self._losses[key]
        target = loss.target(shift)

        def evaluate(theta: Theta) -> tuple[float, Theta]:
            value, gradient = loss.between(loss.features(*map(float, theta)), target)
            return value, gradient / theta  # along f_m and gamma, not their logarithms

        return bold_driver(evaluate, start, self.evaluations, method.rate, method.judge)


def bold_driver(
    evaluate: Callable[[Theta], tuple[float, Theta]],
    start: Theta,
    evaluations: int,
    rate: float | None = None,
    judge: Judge = "loss",
) -> Descent:
    """Gradient descent of the paper's eq. 19, within the instrument's ranges.

    Parameters
    ----------
    evaluate : callable
        Theta to the loss and its gradient, (2,).
    start : (2,) float64
    evaluations : int
        At most; it ends earlier once it hardly moves.
    rate : float, optional
        Initial rate; None makes the first step 0.2 long.
    judge : {"loss", "oracle"}
        Criterion of a good step: the loss, or the distance to the true parameters.

    Returns
    -------
    Descent
    """
    here = start
    loss, gradient = evaluate(here)
    if rate is None:
        rate = _FIRST_STEP / max(float(np.linalg.norm(gradient)), 1e-300)
    best = loss if judge == "loss" else error(here)
    thetas, losses = [here], [loss]
    while len(losses) < evaluations:
        trial = _in_range(here - rate * gradient)
        there, slope = evaluate(trial)
        merit = there if judge == "loss" else error(trial)
        moved = float(np.abs(trial - here).max())
        content = merit < best
        if content:
            here, loss, gradient, best = trial, there, slope, merit
        rate *= 1.2 if content else 0.5
        thetas.append(here)
        losses.append(loss)
        if not content and moved < _SHORTEST_STEP:
            break
    return Descent(np.array(thetas), np.array(losses))


def match(setting: Setting, start: Theta, shift: int, evaluations: int) -> Descent:
    """Match of the shifted target's audio from one start.

    Where its loss shows that nothing was found, it matches again, from the matcher's own starts.

    Parameters
    ----------
    setting : Setting
    start : (2,) float64
        f_m, Hz, and gamma, octaves/s.
    shift : int
        Of the target, samples.
    evaluations : int
        From each start, at most.

    Returns
    -------
    Descent
    """
    pinned = {"f_c": CARRIER, "w": WIDTH, "am_shape": setting.am_shape}
    f_m, gamma = TARGET
    theta = {**pinned, "f_m": f_m, "gamma": gamma}
    audio = shared_operator().synthesize(
        np.array([PARAMETERS.complete(theta)[id_] for id_ in PARAMETERS.matchable]),
        -seconds(shift),
    )
    target = target_from_array(audio, ANALYSIS_RATE, "target")
    settings = MatchSettings(
        unknowns=("f_m", "gamma"), pinned=pinned, max_evaluations=evaluations,
        start={"f_m": float(start[0]), "gamma": float(start[1])},
    )  # fmt: skip
    result = Matcher(settings=settings).match(target)
    steps, spent = list(result.trajectory), result.evaluations
    if result.loss > GOOD_LOSS:
        again = MatchSettings(
            unknowns=settings.unknowns, pinned=pinned, max_evaluations=evaluations
        )
        other = Matcher(settings=again).match(target)
        steps += [_later(step, spent) for step in other.trajectory]
    return _each_evaluation(steps)


def _later(step: MatchStep, evaluations: int) -> MatchStep:
    return replace(step, evaluations=step.evaluations + evaluations)


def _each_evaluation(steps: list[MatchStep]) -> Descent:
    """Best of the accepted steps after each evaluation."""
    thetas: list[Theta] = []
    losses: list[float] = []
    best = steps[0]
    for step in steps:
        while len(losses) < step.evaluations - 1:
            thetas.append(_theta(best))
            losses.append(best.loss)
        best = step if step.loss <= best.loss else best
    return Descent(np.array([*thetas, _theta(best)]), np.array([*losses, best.loss]))


def _theta(step: MatchStep) -> Theta:
    return np.array([step.theta["f_m"], step.theta["gamma"]])


def _in_range(theta: Theta) -> Theta:
    f_m, gamma = PARAMETERS["f_m"], PARAMETERS["gamma"]
    low = np.array([f_m.minimum, gamma.smallest])
    return np.clip(theta, low, [f_m.maximum, gamma.maximum])


Ends = tuple[float, float]
Shifts = tuple[int, ...]

SHIFTS: Shifts = (0, *(2**n for n in range(8, 13)))
"""Shifts of the maps of two figures, samples."""


@dataclass(frozen=True)
class GridCell:
    """A cell of a map: its place, and loss and gradient at each shift."""

    i: int
    j: int
    f_m: float
    gamma: float
    loss: dict[int, float]
    gradient: dict[int, NDArray[np.float64]]  # along log f_m and log gamma


class Laboratory:
    """Filters, maps and descents that are kept for several figures.

    Parameters
    ----------
    tick : callable
        Called after each cell of a map and each descent.
    """

    def __init__(self, tick: Callable[[], None]) -> None:
        self.tick = tick
        self._maps: dict[tuple[Setting, Phi, Ends, int, Shifts], list[GridCell]] = {}
        self._runners: dict[int, Runner] = {}
        self._runs: dict[tuple[int, Method, tuple[float, float], int], Descent] = {}

    def map(self, setting: Setting, phi: Phi, f_m: Ends, n: int, shifts: Shifts) -> list[GridCell]:
        """Losses on a grid over f_m and the paper's range of gamma, at each shift.

        Parameters
        ----------
        setting : Setting
        phi : str
        f_m : (float, float)
            Range, Hz.
        n : int
            Cells along each axis.
        shifts : tuple of int
            Samples.

        Returns
        -------
        list of GridCell
        """
        key = (setting, phi, f_m, n, shifts)
        if key not in self._maps:
            loss = PaperLoss(setting, phi)
            targets = {shift: loss.target(shift) for shift in shifts}
            self._maps[key] = []
            middle = loss.state(float(np.sqrt(f_m[0] * f_m[1])), 1.0)
            for point in points(middle, ("f_m", "gamma"), (n, n), (f_m, GAMMA)):
                features = loss.features(*point.values)
                at = {shift: loss.between(features, target) for shift, target in targets.items()}
                self._maps[key].append(
                    GridCell(
                        point.i, point.j, *point.values,
                        loss={shift: value for shift, (value, _) in at.items()},
                        gradient={shift: gradient for shift, (_, gradient) in at.items()},
                    )
                )  # fmt: skip
                self.tick()
        else:
            for _ in self._maps[key]:
                self.tick()
        return self._maps[key]

    def run(
        self, method: Method, start: tuple[float, float], shift: int, evaluations: int
    ) -> Descent:
        """One descent.

        Parameters
        ----------
        method : Method
        start : (float, float)
            f_m, Hz, and gamma, octaves/s.
        shift : int
            Of the target, samples.
        evaluations : int
            At most.

        Returns
        -------
        Descent
        """
        key = (evaluations, method, start, shift)
        if key not in self._runs:
            runner = self._runners.setdefault(evaluations, Runner(evaluations))
            self._runs[key] = runner.run(method, np.array(start), shift)
        self.tick()
        return self._runs[key]
