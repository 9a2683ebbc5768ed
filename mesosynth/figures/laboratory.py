"""What several figures need, computed once: maps of the loss, and descents."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.figures.descents import Method, Run, Runner
from mesosynth.figures.loss_torch import Loss
from mesosynth.figures.settings import GAMMA, Phi, Setting
from mesosynth.matching.loss_map import points

Ends = tuple[float, float]
Shifts = tuple[int, ...]

SHIFTS: Shifts = (0, *(2**n for n in range(8, 13)))
"""Samples; maps for all of them serve two figures."""


@dataclass(frozen=True)
class Place:
    """A cell of a map: where it is, and loss and gradient at each shift."""

    i: int
    j: int
    f_m: float
    gamma: float
    loss: dict[int, float]
    gradient: dict[int, NDArray[np.float64]]  # along log f_m and log gamma


class Laboratory:
    """Filters, maps and descents that are kept.

    Parameters
    ----------
    tick : callable
        Called after each cell of a map and each descent.
    """

    def __init__(self, tick: Callable[[], None]) -> None:
        self.tick = tick
        self._maps: dict[tuple[Setting, Phi, Ends, int, Shifts], list[Place]] = {}
        self._runners: dict[int, Runner] = {}
        self._runs: dict[tuple[int, Method, tuple[float, float], int], Run] = {}

    def map(self, setting: Setting, phi: Phi, f_m: Ends, n: int, shifts: Shifts) -> list[Place]:
        """Losses on a grid of `n` by `n` over f_m and the paper's gamma, at each of the shifts."""
        key = (setting, phi, f_m, n, shifts)
        if key not in self._maps:
            loss = Loss(setting, phi)
            targets = {shift: loss.target(shift) for shift in shifts}
            self._maps[key] = []
            middle = loss.state(float(np.sqrt(f_m[0] * f_m[1])), 1.0)
            for point in points(middle, ("f_m", "gamma"), (n, n), (f_m, GAMMA)):
                features = loss.features(*point.values)
                at = {shift: loss.between(features, target) for shift, target in targets.items()}
                self._maps[key].append(
                    Place(
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

    def run(self, method: Method, start: tuple[float, float], shift: int, evaluations: int) -> Run:
        """One descent."""
        key = (evaluations, method, start, shift)
        if key not in self._runs:
            runner = self._runners.setdefault(evaluations, Runner(evaluations))
            self._runs[key] = runner.run(method, np.array(start), shift)
        self.tick()
        return self._runs[key]
