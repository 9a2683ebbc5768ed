"""What descent needs to know of a state, of thousands of paths a few numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SYSTEMATIC = 3e-4
"""Standard deviation along each axis of what a lean Φ and an unfinished descent leave open."""


@dataclass(frozen=True)
class Measured:
    """The loss at a state, and its shape around it, of the residual r and its Jacobian J.

    Attributes
    ----------
    loss : float
        rᵀr / 2; between unit vectors 0 (the same sound, to Φ) to 2.
    gradient : (free,) float64
        Jᵀr, along the unknowns' axes.
    H : (free, free) float64
        JᵀJ, the Hessian as Gauss and Newton take it.
    quartic : float
        Σr⁴, from which follows how many paths the residual is spread over.
    """

    loss: float
    gradient: NDArray[np.float64]
    H: NDArray[np.float64]
    quartic: float

    @classmethod
    def of(cls, residual: NDArray[np.float64], J: NDArray[np.float64]) -> "Measured":
        """Condense a residual, (paths,), and its Jacobian, (paths, free)."""
        return cls(
            loss=0.5 * float(residual @ residual),
            gradient=J.T @ residual,
            H=J.T @ J,
            quartic=float((residual**2) @ (residual**2)),
        )

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations along the unknowns' axes, (free,).

        The usual (JᵀJ)⁻¹ s² takes the residuals for independent, and there are twelve thousand.
        Most are nearly zero, so s² here divides by their effective number, (Σr²)² / Σr⁴.
        None is smaller than :data:`SYSTEMATIC`.
        """
        energy, free = 2.0 * self.loss, len(self.gradient)
        if energy == 0.0 or self.quartic == 0.0:
            return np.full(free, SYSTEMATIC)
        effective = energy**2 / self.quartic
        variance = energy / max(effective - free, 1.0)
        std = np.sqrt(variance * np.diag(np.linalg.pinv(self.H)))
        return np.hypot(std, SYSTEMATIC)
