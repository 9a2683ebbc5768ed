"""Joint time-frequency scattering transform (JTFS), with the numbers of Kymatio 0.4.

After Vahidi et al. (JAES 2023), eq. 9-15, in Kymatio's letters::

    U_1(n1, t)            = |x * psi_n1|(t)                            scalogram, eq. 9
    S_1(n1, t)            = (U_1 * phi_T)(t)
    Y_2_n2(n1, t)         = (U_1 * psi_n2)(n1, t)                      along time
    U_2_n2,nfr(n1, t)     = |Y_2_n2 * psi_nfr|(n1, t)                  along log-frequency, eq. 14
    S_2_n2,nfr(n1, t)     = (U_2 * phi_T * phi_F)(n1, t)               eq. 15

Four things make it fast. The log-frequency axis is short, so all psi_fr are one matrix
(:mod:`~mesosynth.scattering.frequency`). Averaging after the modulus is a matrix too, so a block of
time is multiplied and averaged while it is in cache, and nothing of the size of U_2 is ever stored
(:mod:`~mesosynth.scattering.joint`). Tangents are carried forward, through the modulus by
d|z| = Re(conj(z) dz) / |z|, so the whole Jacobian of a few parameters needs no autograd graph.
Within a tolerance most samples are not computed at all (:mod:`~mesosynth.scattering.time`).
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.scattering.autograd import Scatter
from mesosynth.scattering.filterbank import WaveletFilter, low_pass, padded_length, wavelets
from mesosynth.scattering.forward import forward_steps
from mesosynth.scattering.frequency import Format, LogFrequency, parse_support
from mesosynth.scattering.plan import TransformPlan, WaveletBank, build_plan
from mesosynth.system.steps import Steps, result_of

# --------------------------------------------------------------------------------------------------
# Device


def best_device() -> torch.device:
    """CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def with_fallback(compute: Callable[..., torch.Tensor], *signals: torch.Tensor) -> torch.Tensor:
    """``compute(*signals)``, on the CPU with a warning where a GPU has too little memory.

    Parameters
    ----------
    compute : callable
        A function of tensors that returns one.
    *signals : tensor
        Its arguments, all on one device.

    Returns
    -------
    tensor
        On the device of `signals`.
    """
    try:
        return compute(*signals)
    except torch.OutOfMemoryError:
        return compute(*(_on_cpu(signal) for signal in signals)).to(signals[0].device)


def _on_cpu(signals: torch.Tensor) -> torch.Tensor:
    """Signals that a GPU has too little memory for, with a warning."""
    torch.cuda.empty_cache()
    warnings.warn(
        f"{signals.device} has too little memory free for this transform: it is computed on the "
        f"CPU, which is slower. Close other programs on the GPU, or use shorter signals.",
        RuntimeWarning,
        stacklevel=4,
    )
    return signals.cpu()


# --------------------------------------------------------------------------------------------------
# Checks of the input and of its tangents


def checked_signals(x: torch.Tensor, n: int, name: str) -> torch.Tensor:
    """`x`, checked; on a GPU not for its samples, since that would wait for them.

    Parameters
    ----------
    x : (..., n) float32 or float64 tensor
    n : int
        Length that the last axis must have, samples.
    name : str
        Name of the argument in messages.

    Returns
    -------
    (..., n) tensor

    Raises
    ------
    ArgumentError
        If `x` is no such tensor, or holds NaN or Inf on the CPU; of those on a GPU NaN comes.
    """
    if not isinstance(x, torch.Tensor) or x.dtype not in (torch.float32, torch.float64):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
        kind = getattr(x, "dtype", type(x).__name__)
        raise ArgumentError(f"{name} is {kind}; it must be a float32 or float64 torch tensor.")
    if x.ndim < 1 or x.shape[-1] != n:
        raise ArgumentError(
            f"{name} has the shape {tuple(x.shape)}; its last axis must be shape={n}."
        )
    if x.device.type == "cpu" and not bool(torch.isfinite(x).all()):
        raise ArgumentError(f"{name} holds NaN or infinite samples; remove them first.")
    return x


def with_tangents(x: torch.Tensor, dx: torch.Tensor) -> torch.Tensor:
    """A value and its tangents in one tensor.

    Parameters
    ----------
    x : (..., n) tensor
    dx : (..., n) or (p, ..., n) tensor
        One tangent, or p of them.

    Returns
    -------
    (1 + p, ..., n) tensor

    Raises
    ------
    ArgumentError
        For a `dx` of another shape.
    """
    tangents = dx if dx.ndim > x.ndim else dx[None]
    if tangents.shape[1:] != x.shape:
        raise ArgumentError(
            f"dx has the shape {tuple(dx.shape)}; for x of shape {tuple(x.shape)} it must be "
            f"that, or that with a leading axis for several tangents."
        )
    return torch.cat([x[None], tangents.to(x)])


# --------------------------------------------------------------------------------------------------
# The transform


Boundary = Literal["reflect", "periodic"]


class JTFS:
    """Joint time-frequency scattering of signals of one length.

    Parameters
    ----------
    shape : int
        Length of the signals, samples.
    J : int
        Octaves of scale in time; the longest wavelet spans about ``2 ** J`` samples.
    Q : int or (int, int)
        Wavelets an octave at the first and at the second order.
    J_fr, Q_fr : int
        Octaves of scale along log-frequency, and wavelets an octave there.
    T : float, "global" or None
        Support of the averaging in time, samples; None stands for ``2 ** J``, "global" sums over
        all time.
    F : float, "global" or None
        The same along log-frequency, in rows; 0 does not average.
    format : {"time", "joint"}
        "time" lists all paths in one axis, the zeroth order first: (..., paths, frames). "joint"
        keeps the log-frequency axis: (..., (n2, n_fr), rows, frames), without the zeroth order.
    boundary : {"reflect", "periodic"}
        "reflect" pads with the signal's mirror image, as Kymatio does; T="global" then sums over
        the mirror image too, in which rising sounds fall. "periodic" takes the signal for one
        period, needs a power of two for `shape`, and costs half as much.
    tolerance : float
        0 for Kymatio's numbers to rounding error. Up to 0.1, parts without energy are left out:
        samples that averages of a modulus do not need and, on a CPU, first-order rows and paths
        without energy. The norm of the error, with each path taken as a mean over time, stayed
        below `tolerance` times the norm of S on all signals that were tried, and that of tangents
        below about twenty times as much.

    Raises
    ------
    ArgumentError
        For an impossible value, naming the argument.

    References
    ----------
    Andén, Lostanlen, Mallat, "Joint time-frequency scattering", IEEE TSP 2019; Kymatio 0.4's
    ``TimeFrequencyScattering``, whose order, numbers and argument names these are.

    Examples
    --------
    >>> S = JTFS(shape=8192, J=8, J_fr=3)
    >>> S(torch.randn(2, 8192)).shape[-1]
    32
    """

    def __init__(
        self,
        shape: int,
        J: int = 12,
        Q: int | tuple[int, int] = (8, 2),
        J_fr: int = 5,
        Q_fr: int = 2,
        T: float | str | None = None,
        F: float | str | None = 0,
        format: Format = "time",
        boundary: Boundary = "reflect",
        tolerance: float = 0.0,
    ) -> None:
        n, Q1, Q2 = _checked(shape, J, Q, J_fr, Q_fr, format, boundary, tolerance)
        self.n, self.J, self.Q, self.J_fr, self.Q_fr = n, J, (Q1, Q2), J_fr, Q_fr
        self.T, self.F, self.format, self.tolerance = T, F, format, tolerance
        self.average, support = parse_support(T, J, n, "T")
        if self.average == "none":
            raise ArgumentError(
                "T=0 leaves paths at different rates, which do not fit one array; use T >= 1."
            )
        self.boundary: Boundary = boundary
        self.N = padded_length(n, support) if boundary == "reflect" else n
        self.pad_left = (self.N - n) // 2
        self.pad_right = self.N - n - self.pad_left
        if max(self.pad_left, self.pad_right) >= n:
            raise ArgumentError(f"shape={n} is too short for T={T!r}; use T='global'.")
        self.phi: WaveletFilter = low_pass(self.N, support)
        self.psi1: list[WaveletFilter] = wavelets(self.N, J, Q1)
        self.psi2: list[WaveletFilter] = wavelets(self.N, J, Q2)
        self.log2_stride = self.phi.j
        self.frequency = LogFrequency((J + 1) * Q1, J_fr, Q_fr, F, format)
        self._bank = WaveletBank.of(
            self.phi,
            self.psi1,
            self.psi2,
            self.frequency,
            self._frames() if self._is_local else None,
            tolerance,
        )
        self._plans: dict[tuple[torch.dtype, torch.device], TransformPlan] = {}

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Scattering coefficients of `x`, differentiable by autograd.

        Gradients are first order only. Where a modulus is zero, its gradient counts as zero.

        Parameters
        ----------
        x : (..., n) float32 or float64 tensor

        Returns
        -------
        (..., paths, frames) tensor, or (..., paths, rows, frames) in the format "joint"

        Raises
        ------
        ArgumentError
            If `x` is no such tensor, or holds NaN or Inf.
        """
        signals = checked_signals(x, self.n, "x").reshape(-1, self.n)
        S = self._formatted(with_fallback(self._values, signals))
        return S.reshape(*x.shape[:-1], *S.shape[1:])

    def jvp(self, x: torch.Tensor, dx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Coefficients and their derivatives along directions, in one pass and without a graph.

        Where a modulus is zero, its derivative counts as zero.

        Parameters
        ----------
        x : (..., n) tensor
        dx : (..., n) or (p, ..., n) tensor
            One tangent, or p of them, for every signal of `x`.

        Returns
        -------
        S : as ``self(x)``
        dS : the same, with a leading axis p where `dx` has one

        Raises
        ------
        ArgumentError
            If `x` or `dx` is no such tensor, or holds NaN or Inf.
        """
        return result_of(self.jvp_steps(x, dx))

    def jvp_steps(
        self, x: torch.Tensor, dx: torch.Tensor
    ) -> Steps[None, tuple[torch.Tensor, torch.Tensor]]:
        """:meth:`jvp` as a generator that can be left about twenty times on the way.

        Parameters
        ----------
        x : (..., n) tensor
        dx : (..., n) or (p, ..., n) tensor
            One tangent, or p of them, for every signal of `x`.

        Returns
        -------
        S, dS
            Result of the generator, as of :meth:`jvp`.

        Raises
        ------
        ArgumentError
            If `x` or `dx` is no such tensor, or holds NaN or Inf.
        """
        x = checked_signals(x, self.n, "x").detach()
        dx = checked_signals(dx, self.n, "dx").detach()
        stacked = with_tangents(x, dx)
        signals = stacked.reshape(len(stacked), -1, self.n)
        try:
            coefficients = yield from self._values_and_tangents(signals)
        except torch.OutOfMemoryError:
            slowly = yield from self._values_and_tangents(_on_cpu(signals))
            coefficients = slowly.to(signals.device)
        both = self._formatted(coefficients.flatten(0, 1))
        both = both.reshape(*stacked.shape[:-1], *both.shape[1:])
        return both[0], both[1:] if dx.ndim > x.ndim else both[1]

    def scalogram(self, x: torch.Tensor, hop: int = 128) -> torch.Tensor:
        """First-order modulus U_1, averaged over every `hop` samples.

        Parameters
        ----------
        x : (n,) tensor
        hop : int
            Samples, a power of two.

        Returns
        -------
        (n1, n // hop) tensor
            Rows from high to low frequency, ``psi1[n1].xi`` cycles per sample each.

        Raises
        ------
        ArgumentError
            If `x` is no such tensor, or holds NaN or Inf.
        """
        x = checked_signals(x, self.n, "x").reshape(1, self.n)
        x_hat = torch.fft.fft(self._padded(x))
        rows: list[torch.Tensor] = []
        for psi in (psi for group in self._plan(x).groups for psi in group.psi1):
            U_1 = psi(x_hat).abs()
            rows.append(torch.nn.functional.adaptive_avg_pool1d(U_1, self.N // hop))
        first = round(self.pad_left / hop)
        return torch.cat(rows)[:, first : first + self.n // hop]

    def meta(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """Order, wavelets, frequencies and spin of each coefficient.

        Kymatio's columns in Kymatio's order, which is sorted by (n1, n2, n_fr) and so, in the
        format "time", *not* the order of the rows of S. The column ``row`` is the row of S of each
        entry: ``S[..., meta["row"], :]`` goes with the other columns.

        Returns
        -------
        dict of arrays, one entry per path
            order (0, 1, 2); row; n1, n2, n_fr (indices; n1 is NaN in the format "joint"); xi,
            sigma, j (paths, 2), of psi_n1 and psi_n2, cycles per sample; xi_fr, sigma_fr, j_fr, of
            psi_fr, cycles per row; spin.
        """
        paths = self._paths()
        order = np.array([path[0] for path in paths])
        keys = [tuple(part for part in path[1:] if part is not None) for path in paths]
        row = np.array(sorted(range(len(paths)), key=lambda i: (order[i], keys[i])))
        n1, n2, n_fr = (
            np.array([np.nan if paths[i][c] is None else paths[i][c] for i in row], dtype=float)
            for c in (1, 2, 3)
        )
        columns: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {
            "order": order[row], "row": row, "n1": n1, "n2": n2, "n_fr": n_fr
        }  # fmt: skip
        for name in ("xi", "sigma", "j"):
            columns[name] = np.stack(
                [_look_up(self.psi1, name, n1), _look_up(self.psi2, name, n2)], axis=1
            )
            columns[f"{name}_fr"] = _look_up(self.frequency.psis, name, n_fr)
        columns["spin"] = np.sign(columns["xi_fr"])
        return columns

    # ------------------------------------------------------------------ layout

    @property
    def _is_local(self) -> bool:
        return self.average == "local"

    def _frames(self) -> tuple[int, int]:
        """First and end of the output frames within the signal, rounded as in Kymatio."""
        first, end = self.pad_left, self.pad_left + self.n
        for _ in range(self.log2_stride):
            first, end = (first + 1) // 2, (end + 1) // 2
        return first, end

    def _paths(self) -> Sequence[tuple[int, int | None, int | None, int | None]]:
        """(order, n1, n2, n_fr) of every row of S in the format, in order."""
        bank = self._bank
        blocks = [(1, None, bank.first)] + [(2, n2, stage) for n2, _, stage in bank.second]
        if self.format == "joint":
            return [
                (order, None, n2, int(n_fr))
                for order, n2, stage in blocks
                for n_fr in np.unique(stage.n_fr)
            ]
        return [(0, None, None, None)] + [
            (order, int(n1), n2, int(n_fr))
            for order, n2, stage in blocks
            for n1, n_fr in zip(stage.n1, stage.n_fr, strict=True)
        ]

    def _formatted(self, S: torch.Tensor) -> torch.Tensor:
        """Coefficients (k, 1 + rows, frames) in the shape of the format."""
        if self.format == "time":
            return S
        return S[:, 1:].unflatten(1, (len(self._paths()), -1))

    # ------------------------------------------------------------------ computation

    def _values(self, signals: torch.Tensor) -> torch.Tensor:
        """Coefficients of signals, (k, n) to (k, rows, frames), for autograd."""
        plan = self._plan(signals)
        return torch.stack([Scatter.apply(x, plan) for x in self._padded(signals)])

    def _values_and_tangents(self, signals: torch.Tensor) -> Steps[None, torch.Tensor]:
        """Coefficients and tangents, no autograd: (1 + p, k, n) to (1 + p, k, rows, frames)."""
        plan = self._plan(signals)
        each: list[torch.Tensor] = []
        for x in signals.unbind(1):
            each += [(yield from forward_steps(self._padded(x), plan))]
        return torch.stack(each, dim=1)

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        if self.boundary == "periodic":
            return x
        padding = (self.pad_left, self.pad_right)
        return torch.nn.functional.pad(x[:, None], padding, mode="reflect")[:, 0]

    # ------------------------------------------------------------------ plans

    def _plan(self, x: torch.Tensor) -> TransformPlan:
        key = (x.dtype, x.device)
        if key not in self._plans:
            like = torch.empty(0, dtype=x.dtype, device=x.device)
            self._plans[key] = build_plan(self._bank, like)
        return self._plans[key]


def _look_up(
    filters: list[WaveletFilter], name: str, n: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.array([np.nan if np.isnan(i) else float(getattr(filters[int(i)], name)) for i in n])


def _checked(
    shape: int,
    J: int,
    Q: int | tuple[int, int],
    J_fr: int,
    Q_fr: int,
    format: str,
    boundary: str,
    tolerance: float,
) -> tuple[int, int, int]:
    Q1, Q2 = (*Q, 1)[:2] if isinstance(Q, tuple) else (Q, 1)
    named = {"shape": shape, "J": J, "Q[0]": Q1, "Q[1]": Q2, "J_fr": J_fr, "Q_fr": Q_fr}
    for name, value in named.items():
        if not isinstance(value, int) or value < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(f"{name}={value!r} must be a positive integer.")
    if 2**J > shape:
        raise ArgumentError(f"J={J} is too large for shape={shape}; 2**J must not exceed it.")
    if format not in ("time", "joint"):
        raise ArgumentError(f"format={format!r} must be 'time' or 'joint'.")
    if boundary not in ("reflect", "periodic"):
        raise ArgumentError(f"boundary={boundary!r} must be 'reflect' or 'periodic'.")
    if boundary == "periodic" and shape & (shape - 1):
        raise ArgumentError(f"shape={shape} must be a power of two for boundary='periodic'.")
    if not 0.0 <= tolerance <= 0.1:
        raise ArgumentError(f"tolerance={tolerance!r} must be 0 (exact) or up to 0.1.")
    return shape, Q1, Q2
