"""Levenberg-Marquardt in log theta, with steps accepted by their own loss alone.

The loss is half the squared distance between the unit vectors (Φ ∘ g)(θ) and Φ(target). The
authors' bold driver asks the true parameters whether a step was good (PAPER.md); nobody has those.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Evaluate = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""theta (4,) to the residual (paths,) and its Jacobian (paths, 4) along log |theta|."""

_LONGEST_STEP = 0.7  # in log theta: nobody trusts a linearization beyond a factor of two
_SMALLEST_STEP = 1e-4  # a hundredth of a percent: nobody hears that
_FIRST_DAMPING = 1e-2
_LARGEST_DAMPING = 1e4


@dataclass(frozen=True)
class Iterate:
    """A theta that descent has accepted.

    Attributes
    ----------
    theta : (4,) float64
    loss : float
        0 (the same sound, to Φ) to 2.
    std : (4,) float64
        Standard deviations of log |theta| (relative errors, that is), see :func:`log_std`.
    converged : bool
        Whether no step worth taking is left.
    """

    theta: NDArray[np.float64]
    loss: float
    std: NDArray[np.float64]
    converged: bool


def levenberg_marquardt(
    evaluate: Evaluate,
    theta: NDArray[np.float64],
    minimum: NDArray[np.float64],
    maximum: NDArray[np.float64],
    max_evaluations: int,
) -> Iterator[Iterate]:
    """Descend from `theta`; yields every accepted theta, the start first.

    Parameters
    ----------
    evaluate : callable
        Called once for the start and once for each step tried.
    theta : (4,) float64
        The start; signs stay as they are.
    minimum, maximum : (4,) float64
        Range of |theta|.
    max_evaluations : int
        The last iterate is not `converged` when these have run out.
    """
    residual, J = evaluate(theta)
    loss = 0.5 * float(residual @ residual)
    damping = _FIRST_DAMPING
    yield Iterate(theta, loss, log_std(residual, J), converged=False)
    for _ in range(max_evaluations - 1):
        step = _damped_step(residual, J, damping)
        trial = np.sign(theta) * np.clip(np.abs(theta) * np.exp(step), minimum, maximum)
        moved = float(np.abs(np.log(trial / theta)).max())
        trial_residual, trial_J = evaluate(trial)
        trial_loss = 0.5 * float(trial_residual @ trial_residual)
        converged = moved < _SMALLEST_STEP
        if trial_loss < loss:
            gain = (loss - trial_loss) / loss
            theta, loss, residual, J = trial, trial_loss, trial_residual, trial_J
            damping /= 10.0
            converged = converged or gain < 1e-4
            yield Iterate(theta, loss, log_std(residual, J), converged)
        else:
            damping *= 8.0
            converged = converged or damping > _LARGEST_DAMPING
            if converged:
                yield Iterate(theta, loss, log_std(residual, J), converged=True)
        if converged:
            return


def log_std(residual: NDArray[np.float64], J: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations of log |theta| from the residual and the Jacobian, (4,).

    The usual (JᵀJ)⁻¹ s² takes the residuals for independent, and there are twelve thousand. Most
    are nearly zero, so s² here divides by their effective number, (Σr²)² / Σr⁴.
    """
    energy = float(residual @ residual)
    if energy == 0.0:
        return np.zeros(J.shape[1])
    effective = energy**2 / float((residual**2) @ (residual**2))
    variance = energy / max(effective - J.shape[1], 1.0)
    std = np.sqrt(variance * np.diag(np.linalg.pinv(J.T @ J)))
    return np.asarray(std, dtype=np.float64)


def _damped_step(
    residual: NDArray[np.float64], J: NDArray[np.float64], damping: float
) -> NDArray[np.float64]:
    """Solve (JᵀJ + damping diag JᵀJ) step = -Jᵀ residual, no longer than _LONGEST_STEP."""
    H = J.T @ J
    # A parameter that the loss does not feel at all must not make H singular.
    H_diagonal = np.diag(H) + 1e-12 * np.trace(H)
    step = -np.linalg.solve(H + damping * np.diag(H_diagonal), J.T @ residual)
    shortened = step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
    return np.asarray(shortened, dtype=np.float64)
