"""Losses between sounds, in the convention of auraloss: ``loss(input, target)`` of batches.

Shapes are (batch, channels, time). With the coefficients Phi of each channel, weights w of their
paths and c the compression's constant::

    JTFSLoss    mean | w (rho(Phi(input)) - rho(Phi(target))) |_p,   rho(S) = log(1 + S / c) or S
    MSSLoss     mean over the windows of |Phi_i(input) - Phi_i(target)|_1 (Vahidi et al., JAES 2023)

The mean is over batch and channels. The first is the loss of SCRAPL (arXiv 2602.11145) over all
paths instead of one that is drawn.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch

from mesosynth.errors import ArgumentError
from mesosynth.scattering.jtfs import JTFS
from mesosynth.scattering.mss import AUTHORS_WINDOWS, MultiScaleSpectrogram

Reduction = Literal["mean", "sum", "none"]


class JTFSLoss(torch.nn.Module):
    """Distance of two sounds in joint time-frequency scattering.

    Parameters
    ----------
    shape : int
        Length of the sounds, samples.
    J, J_fr : int
        Octaves of scale in time and along log-frequency.
    Q : int or (int, int)
        Wavelets an octave at the first and at the second order.
    log : float or None
        Constant c of the compression log(1 + S / c), such as 1e-3; None compares S itself.
    weights : (paths,) tensor, optional
        Weights of the paths, the rows of S, such as those of :meth:`sensitivity`.
    p : float
        Order of the norm, at least 1.
    reduction : {"mean", "sum", "none"}
        Over batch and channels; "none" gives (batch, channels).
    **transform
        Further arguments of :class:`~mesosynth.scattering.jtfs.JTFS`, such as `T`, `F`, `Q_fr`,
        `tolerance` and `chunk`.

    Raises
    ------
    ArgumentError
        For an impossible value, naming the argument.

    Examples
    --------
    >>> loss = JTFSLoss(shape=4096, J=8, J_fr=3, Q=(8, 2), log=1e-3)
    >>> loss(torch.randn(2, 1, 4096), torch.randn(2, 1, 4096)).shape
    torch.Size([])
    """

    weights: torch.Tensor | None

    def __init__(
        self,
        shape: int,
        J: int = 12,
        J_fr: int = 3,
        Q: int | tuple[int, ...] = (8, 2),
        log: float | None = None,
        weights: torch.Tensor | None = None,
        p: float = 2.0,
        reduction: Reduction = "mean",
        **transform: Any,  # noqa: ANN401 - of the transform
    ) -> None:
        super().__init__()
        self.jtfs = JTFS(J=J, J_fr=J_fr, Q=Q, shape=shape, **transform)
        if self.jtfs.out_type != "array" or self.jtfs.format != "time":
            raise ArgumentError("JTFSLoss compares rows of one array: leave out_type and format.")
        if log is not None and not log > 0.0:
            raise ArgumentError(f"log={log!r} must be positive, or None.")
        if not p >= 1.0:
            raise ArgumentError(f"p={p!r} must be at least 1.")
        rows = len(self.jtfs.meta()["order"])
        if weights is not None and weights.shape != (rows,):
            raise ArgumentError(
                f"weights has the shape {tuple(weights.shape)}; it must be ({rows},), as S has "
                f"{rows} paths."
            )
        self.log, self.p = log, p
        self.reduction: Reduction = _checked(reduction)
        self.register_buffer("weights", weights)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Distance of the input from the target.

        Parameters
        ----------
        input, target : (batch, channels, time) tensor

        Returns
        -------
        () tensor, or (batch, channels) with ``reduction="none"``

        Raises
        ------
        ArgumentError
            If one is no such tensor, or the shapes differ.
        """
        _check_pair(input, target)
        with torch.set_grad_enabled(target.requires_grad and torch.is_grad_enabled()):
            wanted = self._features(target)
        difference = (self._features(input) - wanted).flatten(-2)
        return _reduced(torch.linalg.vector_norm(difference, self.p, dim=-1), self.reduction)

    def sensitivity(self, x: torch.Tensor, dx: torch.Tensor) -> torch.Tensor:
        """Weights of the paths by how much they follow parameters, on average over sounds.

        ``mean_u C_u / sum(C_u)`` with ``C_u = |dPhi / dtheta_u|^2``, the Gauss-Newton form of
        SCRAPL's importance of a path for the parameter u.

        Parameters
        ----------
        x : (sounds, time) tensor
        dx : (parameters, sounds, time) tensor
            Derivatives of the sounds.

        Returns
        -------
        (paths,) tensor
            Of mean 1.
        """
        S, dS = self.jtfs.jvp(x, dx)
        if self.log is not None:
            dS = torch.where(S > 0.0, dS / (S.clamp_min(0.0) + self.log), 0.0)
        power = dS.square().sum(dim=-1).mean(dim=1)
        share = (power / power.sum(dim=-1, keepdim=True)).mean(dim=0)
        return share * len(share)

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        S = self.jtfs(x)
        if self.log is not None:
            S = torch.log1p(S.clamp_min(0.0) / self.log)  # the zeroth order has a sign
        return S if self.weights is None else S * self.weights.to(S)[:, None]


class MSSLoss(torch.nn.Module):
    """Distance of two sounds in spectrograms of several resolutions.

    Parameters
    ----------
    shape : int
        Length of the sounds, samples.
    windows : sequence of int
        Lengths of the windows, samples.
    overlap : int
        Windows over each sample.
    log : float or None
        Constant c of the compression log(1 + S / c); None compares magnitudes.
    reduction : {"mean", "sum", "none"}
        Over batch and channels; "none" gives (batch, channels).

    Raises
    ------
    ArgumentError
        For an impossible value, naming the argument.
    """

    def __init__(
        self,
        shape: int,
        windows: Sequence[int] = AUTHORS_WINDOWS,
        overlap: int = 4,
        log: float | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        if log is not None and not log > 0.0:
            raise ArgumentError(f"log={log!r} must be positive, or None.")
        self.mss = MultiScaleSpectrogram(shape, windows, overlap)
        self.log = log
        self.reduction: Reduction = _checked(reduction)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Distance of the input from the target.

        Parameters
        ----------
        input, target : (batch, channels, time) tensor

        Returns
        -------
        () tensor, or (batch, channels) with ``reduction="none"``

        Raises
        ------
        ArgumentError
            If one is no such tensor, or the shapes differ.
        """
        _check_pair(input, target)
        both = [self.mss(x) for x in (input, target)]
        if self.log is not None:
            both = [torch.log1p(S / self.log) for S in both]
        return _reduced(self.mss.distance(*both, per_coefficient=True), self.reduction)


def _checked(reduction: Reduction) -> Reduction:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"reduction={reduction!r} must be 'mean', 'sum' or 'none'.")
    return reduction


def _check_pair(input: torch.Tensor, target: torch.Tensor) -> None:
    for name, x in (("input", input), ("target", target)):
        if not isinstance(x, torch.Tensor) or x.ndim != 3:  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            shape = tuple(getattr(x, "shape", ()))
            raise ArgumentError(
                f"{name} has the shape {shape}; it must be a tensor (batch, channels, time)."
            )
    if input.shape != target.shape:
        raise ArgumentError(
            f"input has the shape {tuple(input.shape)} and target {tuple(target.shape)}; they must "
            f"be the same."
        )
    if not input.numel():
        raise ArgumentError(f"input has the shape {tuple(input.shape)}; it must hold samples.")


def _reduced(distances: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    if reduction == "none":
        return distances
    return distances.mean() if reduction == "mean" else distances.sum()
