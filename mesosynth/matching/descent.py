"""Descent methods: Levenberg-Marquardt, Adam and others, on normal equations."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.matching.model import State, Unknowns
from mesosynth.system.steps import Evaluation, Steps

# --------------------------------------------------------------------------------------------------
# Normal equations of a least-squares step: JᵀJ, Jᵀr, loss


SYSTEMATIC = 3e-4
"""Standard deviation along each axis of the error of Φ's tolerance and of an early end."""


@dataclass(frozen=True)
class NormalEquations:
    """Loss, gradient and Hessian of a least-squares problem with residual r and Jacobian J.

    Attributes
    ----------
    loss : float
        rᵀr / 2; between unit vectors 0 (the same sound, to Φ) to 2.
    gradient : (free,) float64
        Jᵀr, along the unknowns' axes.
    H : (free, free) float64
        JᵀJ, the Hessian of Gauss and Newton.
    quartic : float
        Σr⁴, which gives the effective number of paths of the residual.
    """

    loss: float
    gradient: NDArray[np.float64]
    H: NDArray[np.float64]
    quartic: float

    @classmethod
    def of(cls, residual: NDArray[np.float64], J: NDArray[np.float64]) -> "NormalEquations":
        """Equations of a residual and its Jacobian.

        Parameters
        ----------
        residual : (paths,) float64
        J : (paths, free) float64

        Returns
        -------
        NormalEquations
        """
        return cls(
            loss=0.5 * float(residual @ residual),
            gradient=J.T @ residual,
            H=J.T @ J,
            quartic=float((residual**2) @ (residual**2)),
        )

    @classmethod
    def from_numbers(cls, numbers: Sequence[float]) -> "NormalEquations":
        """Equations of :attr:`numbers`."""
        free = (math.isqrt(4 * len(numbers) - 7) - 1) // 2  # of 2 + free + free² numbers
        rest = np.array(numbers[2:])
        return cls(numbers[0], rest[:free], rest[free:].reshape(free, free), numbers[1])

    @property
    def numbers(self) -> list[float]:
        """All of them in one list: loss, quartic, gradient, and H row by row."""
        return [self.loss, self.quartic, *self.gradient.tolist(), *self.H.ravel().tolist()]

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations along the unknowns' axes, (free,).

        The usual (JᵀJ)⁻¹ s² takes the residuals for independent, and there are twelve thousand.
        Most are nearly zero, so s² here divides by their effective number, (Σr²)² / Σr⁴.
        None is smaller than :data:`SYSTEMATIC`. Before the recording each unknown is known to
        1.0 along its axis, its own size: one without effect, such as the note rate where there is
        no amplitude modulation, stays at that.
        """
        energy, free = 2.0 * self.loss, len(self.gradient)
        if energy == 0.0 or self.quartic == 0.0:
            return np.full(free, SYSTEMATIC)
        effective = energy**2 / self.quartic
        variance = energy / max(effective - free, 1.0)
        information = self.H / variance + np.eye(free)
        return np.hypot(np.sqrt(np.diag(np.linalg.inv(information))), SYSTEMATIC)


# --------------------------------------------------------------------------------------------------
# Descents: Levenberg-Marquardt, and others to compare it with
#
# The loss is half the squared distance between the unit vectors (Φ ∘ g)(θ) and Φ(target). A step is
# accepted by its own loss alone. In the code of Vahidi et al., the distance to the true parameters
# decides, which are unknown for a real sound. Only a step shorter than the precision is taken
# without an evaluation: there the linearization holds, and it says the loss.


Evaluate = Callable[[State], Steps[Evaluation, NormalEquations]]
"""Computes the normal equations at a state; the descent passes on what it yields on the way."""

_LONGEST_STEP = 0.7  # a linearization is not valid beyond a factor of two
_GAIN_OF_PRECISION = 0.3  # times the precision: a smaller gain, as a share of the loss, is none
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-2, 1e4


@dataclass(frozen=True)
class Iterate:
    """A state that a descent accepted.

    Attributes
    ----------
    state : (8,) float64
    loss : float
        0 (the same sound, to Φ) to 2.
    std : (free,) float64
        Standard deviations along the unknowns' axes, see :attr:`NormalEquations.std`.
    converged : bool
        Whether no useful step is left.
    evaluated : (8,) float64, optional
        State of the last evaluation, where it is not this one but a short step before.
    """

    state: State
    loss: float
    std: NDArray[np.float64]
    converged: bool = False
    evaluated: State | None = None


Descent = Callable[[Evaluate, State, Unknowns, int, float], Iterator[Iterate | Evaluation | None]]
"""Descends from a state, with a largest number of evaluations, until a step is shorter than the
precision; yields an :class:`Iterate` for the start and for each accepted step. All descents have
these parameters."""


@dataclass(frozen=True)
class _Point:
    state: State
    equations: NormalEquations

    @property
    def loss(self) -> float:
        return self.equations.loss

    @property
    def gradient(self) -> NDArray[np.float64]:
        return self.equations.gradient

    def iterate(self, *, converged: bool = False) -> Iterate:
        return Iterate(self.state, self.loss, self.equations.std, converged)

    def last_iterate(self, state: State, step: NDArray[np.float64]) -> Iterate:
        """Iterate after a short step, whose loss the linearization says."""
        loss = self.loss + float(step @ (self.gradient + 0.5 * (self.equations.H @ step)))
        return Iterate(
            state, max(loss, 0.0), self.equations.std, converged=True, evaluated=self.state
        )


def levenberg_marquardt(
    evaluate: Evaluate, start: State, unknowns: Unknowns, max_evaluations: int, precision: float
) -> Iterator[Iterate | Evaluation | None]:
    """Levenberg-Marquardt: Gauss-Newton steps, damped until the loss falls.

    Parameters
    ----------
    evaluate : callable
        Normal equations at a state.
    start : (theta + 2,) float64
    unknowns : Unknowns
    max_evaluations : int
    precision : float
        Along the unknowns' axes: a shorter step is the last, and not evaluated.

    Yields
    ------
    Iterate
        The start and each accepted step, and what `evaluate` yields.
    """
    here = _Point(start, (yield from evaluate(start)))
    damping, smallest_gain = _FIRST_DAMPING, _GAIN_OF_PRECISION * precision
    yield here.iterate()
    for _ in range(max_evaluations - 1):
        trial = unknowns.moved(here.state, _damped_step(here, unknowns, damping))
        step = unknowns.step_between(here.state, trial)
        if float(np.abs(step).max()) < precision:
            yield here.last_iterate(trial, step)
            return
        there = _Point(trial, (yield from evaluate(trial)))
        if there.loss < here.loss:
            gain = (here.loss - there.loss) / here.loss
            here, damping = there, damping / 10.0
            done = gain < smallest_gain
            yield here.iterate(converged=done)
        else:
            damping *= 8.0
            done = damping > _LARGEST_DAMPING
            if done:
                yield here.iterate(converged=True)
        if done:
            return


def bold_driver(
    evaluate: Evaluate, start: State, unknowns: Unknowns, max_evaluations: int, precision: float
) -> Iterator[Iterate | Evaluation | None]:
    """Gradient descent of the paper: the rate grows by a fifth or halves, by the loss.

    Parameters
    ----------
    evaluate : callable
    start : (theta + 2,) float64
    unknowns : Unknowns
    max_evaluations : int
    precision : float
        As for :func:`levenberg_marquardt`.
    """
    here = _Point(start, (yield from evaluate(start)))
    rate = 0.1 / max(float(np.linalg.norm(here.gradient)), 1e-300)
    yield here.iterate()
    for _ in range(max_evaluations - 1):
        step = _shortened(-rate * here.gradient)
        trial = unknowns.moved(here.state, step)
        there = _Point(trial, (yield from evaluate(trial)))
        if there.loss < here.loss:
            here, rate = there, 1.2 * rate
            yield here.iterate()
        else:
            rate *= 0.5
            if float(np.abs(step).max()) < precision:
                yield here.iterate(converged=True)
                return


def adam(
    evaluate: Evaluate, start: State, unknowns: Unknowns, max_evaluations: int, precision: float
) -> Iterator[Iterate | Evaluation | None]:
    """Adam with a rate of 0.05; every step is accepted.

    Parameters
    ----------
    evaluate : callable
    start : (theta + 2,) float64
    unknowns : Unknowns
    max_evaluations : int
    precision : float
        As for :func:`levenberg_marquardt`; the precision is not used.
    """
    here = _Point(start, (yield from evaluate(start)))
    mean = square = np.zeros(len(unknowns.free))
    yield here.iterate()
    for t in range(1, max_evaluations):
        gradient = here.gradient
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        step = -0.05 * (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.999**t)) + 1e-12)
        trial = unknowns.moved(here.state, step)
        here = _Point(trial, (yield from evaluate(trial)))
        yield here.iterate()


def lbfgs(
    evaluate: Evaluate, start: State, unknowns: Unknowns, max_evaluations: int, precision: float
) -> Iterator[Iterate | Evaluation | None]:
    """L-BFGS (two-loop recursion, the last 8 steps) with a line search that halves.

    Parameters
    ----------
    evaluate : callable
    start : (theta + 2,) float64
    unknowns : Unknowns
    max_evaluations : int
    precision : float
        As for :func:`levenberg_marquardt`.
    """
    here = _Point(start, (yield from evaluate(start)))
    pairs: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    length = 1.0
    yield here.iterate()
    for _ in range(max_evaluations - 1):
        direction = _shortened(-_two_loops(here.gradient, pairs))
        trial = unknowns.moved(here.state, length * direction)
        there = _Point(trial, (yield from evaluate(trial)))
        wanted = here.loss + 1e-4 * length * float(here.gradient @ direction)
        if there.loss <= wanted:
            s = unknowns.step_between(here.state, trial)
            y = there.gradient - here.gradient
            if float(s @ y) > 1e-12:
                pairs = [*pairs[-7:], (s, y)]
            here, length = there, 1.0
            done = float(np.abs(s).max()) < precision
            yield here.iterate(converged=done)
        else:
            length *= 0.5
            done = length < precision
            if done:
                yield here.iterate(converged=True)
        if done:
            return


DESCENTS: dict[str, Descent] = {
    "levenberg-marquardt": levenberg_marquardt,
    "bold-driver": bold_driver,
    "adam": adam,
    "l-bfgs": lbfgs,
}


def descent_named(name: str) -> Descent:
    """Descent by name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    if name not in DESCENTS:
        raise ArgumentError(f"descent={name!r} does not exist; choose of {', '.join(DESCENTS)}.")
    return DESCENTS[name]


def _damped_step(here: _Point, unknowns: Unknowns, damping: float) -> NDArray[np.float64]:
    """Solution of (JᵀJ + damping diag JᵀJ) step = -Jᵀ residual for the unknowns that can move."""
    gradient, H = here.gradient, here.equations.H
    # Unknowns at the edge of their range that would leave it stay out of the equations.
    outward = unknowns.step_between(
        here.state, unknowns.moved(here.state, -1e-3 * np.sign(gradient))
    )
    able = np.abs(outward) > 0.0
    if not able.any():
        return np.zeros(len(gradient))
    H, gradient = H[np.ix_(able, able)], gradient[able]
    # A parameter without effect on the loss must not make H singular.
    diagonal = np.diag(H) + 1e-12 * np.trace(H)
    step = np.zeros(len(able))
    step[able] = -np.linalg.solve(H + damping * np.diag(diagonal), gradient)
    return _shortened(step)


def _shortened(step: NDArray[np.float64]) -> NDArray[np.float64]:
    return step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))


def _two_loops(
    gradient: NDArray[np.float64],
    pairs: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """Product of the gradient with the inverse Hessian of steps and changes of gradient."""
    if not pairs:
        return gradient * (0.1 / max(float(np.linalg.norm(gradient)), 1e-300))
    q = gradient.copy()
    weights: list[float] = []
    for s, y in reversed(pairs):
        weights.append(float(s @ q) / float(s @ y))
        q -= weights[-1] * y
    s, y = pairs[-1]
    q *= float(s @ y) / float(y @ y)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += s * (weight - float(y @ q) / float(s @ y))
    return q
