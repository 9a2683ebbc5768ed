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

import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.scattering.ambient import neutral, neutral_steps
from mesosynth.scattering.autograd import in_chunks, scatter
from mesosynth.scattering.filterbank import WaveletFilter, low_pass, padded_length, wavelets
from mesosynth.scattering.forward import forward, forward_steps, unaveraged
from mesosynth.scattering.frequency import (
    Averaging,
    Format,
    FrequencyStage,
    Layout,
    LogFrequency,
    parse_support,
)
from mesosynth.scattering.plan import TransformPlan, WaveletBank, build_plan
from mesosynth.system.steps import Steps

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


Signals = TypeVar("Signals", torch.Tensor, NDArray[Any])
"""Kind of array that a transform takes and gives back."""


def as_signals(x: object, like: torch.Tensor, name: str) -> torch.Tensor:
    """An array as a float32 or float64 tensor; integers become the dtype of `like`.

    Parameters
    ----------
    x : tensor or array
        Of any strides and byte order.
    like : tensor
        On the device for arrays.
    name : str
        Name of the argument in messages.

    Returns
    -------
    tensor

    Raises
    ------
    ArgumentError
        For another type, or for numbers of another kind.
    """
    if isinstance(x, np.ndarray):
        array = cast("NDArray[Any]", x)
        if array.dtype.kind in "iu":
            array = array.astype(np.float64)
            return torch.from_numpy(array).to(like)
        if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8):
            native = array.astype(array.dtype.newbyteorder("="), order="C")  # own and writable
            return torch.from_numpy(native).to(like.device)
        raise ArgumentError(f"{name} is {array.dtype}; {_WANTED}")
    if not isinstance(x, torch.Tensor):
        raise ArgumentError(f"{name} is a {type(x).__name__}; it must be a tensor or an array.")
    if x.layout != torch.strided:
        raise ArgumentError(f"{name} is {x.layout}; make it dense first, as by x.to_dense().")
    if x.dtype in (torch.float32, torch.float64):
        return x
    if x.dtype.is_floating_point or x.dtype.is_complex or x.dtype == torch.bool:
        raise ArgumentError(f"{name} is {x.dtype}; {_WANTED}")
    return x.to(like.dtype)


_WANTED = (
    "its small coefficients need float32 or float64, so convert it first, as by x.float() or "
    "x.astype('float32')."
)


def checked_signals(x: torch.Tensor, n: int, name: str) -> torch.Tensor:
    """`x`, checked; on a GPU not for its samples, since that would wait for them.

    There, NaN in gives NaN out.

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
    if x.device.type == "cpu" and not _is_finite(x):
        raise ArgumentError(f"{name} holds NaN or infinite samples; remove them first.")
    return x


def _is_finite(x: torch.Tensor) -> bool:
    """Whether all samples are numbers, as far as can be seen: not under vmap."""
    try:
        return bool(torch.isfinite(x).all())
    except RuntimeError:
        return True


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
OutType = Literal["array", "list", "dict"]
_LISTED: dict[Format, Layout] = {"time": "time-list", "joint": "joint-list"}
Path = dict[str, Any]
"""One path of ``out_type="list"``, with Kymatio's keys."""

_PLANS = threading.Lock()


class JTFS(torch.nn.Module):
    """Joint time-frequency scattering of signals of one length.

    The arguments up to `backend` are those of Kymatio 0.4's ``TimeFrequencyScattering``, in its
    order and with its defaults.

    Parameters
    ----------
    J, J_fr : int
        Octaves of scale in time and along log-frequency; the longest wavelet in time spans about
        ``2 ** J`` samples.
    Q : int or (int, int)
        Wavelets an octave at the first and at the second order; an int stands for ``(Q, 1)``.
    shape : int or (int,)
        Length of the signals, samples.
    T : float, "global" or None
        Support of the averaging in time, samples; None stands for ``2 ** J``, "global" sums over
        all time, 0 does not average and needs an `out_type` of "list" or "dict".
    stride : int or None
        Samples between frames: None, or the power of two at or below the support of `T`.
    Q_fr : int
        Wavelets an octave along log-frequency.
    F : float, "global" or None
        Support of the averaging along log-frequency, rows; None stands for ``2 ** J_fr``, 0 does
        not average.
    stride_fr : int or None
        Rows between outputs: None, or the power of two at or below the support of `F`.
    out_type : {"array", "list", "dict"}
        One array; or the paths one by one, as Kymatio's dictionaries or by their ``n``. With T=0
        and format="time" Kymatio's paths of the first order are empty; these are not.
    format : {"time", "joint"}
        "time" lists all paths in one axis, the zeroth order first: (..., paths, frames). "joint"
        keeps the log-frequency axis: (..., (n2, n_fr), rows, frames), without the zeroth order.
    backend : {"torch", "numpy"}
        For Kymatio's sake: the type of the input decides.
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
    chunk : int
        Signals of a batch that are computed at a time, which bounds the memory.

    Raises
    ------
    ArgumentError
        For an impossible value, naming the argument.

    Notes
    -----
    The module computes in the dtype and on the device of its input; arrays of NumPy come back as
    arrays, from the module's device. Its buffers are the centre frequencies and bandwidths of all
    filters, which are saved. The filters and matrices that follow from them, some megabytes,
    are no buffers: a float64 input needs them from the formulas, since those converted from float32
    are wrong in the eighth digit. They are computed at the first input of a dtype and device, are
    freed when the module is moved, and are neither saved nor copied with it.

    References
    ----------
    Andén, Lostanlen, Mallat, "Joint time-frequency scattering", IEEE TSP 2019; Kymatio 0.4's
    ``TimeFrequencyScattering``, whose order, numbers and argument names these are.

    Examples
    --------
    >>> S = JTFS(J=8, J_fr=3, Q=(8, 2), shape=8192)
    >>> S(torch.randn(2, 8192)).shape[-1]
    32
    """

    filters_1: torch.Tensor
    filters_2: torch.Tensor
    filters_fr: torch.Tensor

    def __init__(
        self,
        J: int,
        J_fr: int,
        Q: int | tuple[int, ...],
        shape: int | tuple[int],
        T: float | str | None = None,
        stride: int | None = None,
        Q_fr: int | tuple[int] = 1,
        F: float | str | None = None,
        stride_fr: int | None = None,
        out_type: OutType = "array",
        format: Format = "time",
        backend: str = "torch",
        *,
        boundary: Boundary = "reflect",
        tolerance: float = 0.0,
        chunk: int = 4,
    ) -> None:
        super().__init__()
        n = _only(shape, "shape")
        Q1, Q2 = (*Q, 1)[:2] if isinstance(Q, tuple) else (Q, 1)
        Q_fr = _only(Q_fr, "Q_fr")
        if isinstance(Q, tuple) and not 1 <= len(Q) <= 2:
            raise ArgumentError(f"Q={Q!r} must be an integer, or one or two of them in a tuple.")
        _check(
            {"shape": n, "J": J, "Q[0]": Q1, "Q[1]": Q2, "J_fr": J_fr, "Q_fr": Q_fr, "chunk": chunk}
        )
        _check_modes(n, J, out_type, format, backend, boundary, tolerance)
        self.n, self.shape, self.J, self.Q, self.J_fr, self.Q_fr = n, (n,), J, (Q1, Q2), J_fr, Q_fr
        self.T, self.F, self.format, self.tolerance = T, F, format, tolerance
        self.out_type: OutType = out_type
        self.backend, self.chunk = backend, chunk
        average, support = parse_support(T, J, n, "T")
        self.average: Averaging = average
        if self.average == "none" and out_type == "array":
            raise ArgumentError(
                "T=0 leaves paths at different rates, which do not fit one array; use T >= 1, or "
                "out_type='list'."
            )
        if self.average == "none" and tolerance > 0.0:
            raise ArgumentError(f"T=0 averages nothing: tolerance={tolerance!r} must be 0.")
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
        _check_stride("stride", stride, "T", T, self.average, self.phi.j)
        layout: Layout = format if out_type == "array" else _LISTED[format]
        self.frequency = LogFrequency((J + 1) * Q1, J_fr, Q_fr, F, layout)
        _check_stride(
            "stride_fr", stride_fr, "F", F, self.frequency.averaging, self.frequency.phi.j
        )
        self._cached_bank: WaveletBank | None = None
        self._plans: dict[tuple[torch.dtype, torch.device], TransformPlan] = {}
        for name, filters in (
            ("filters_1", [*self.psi1, self.phi]),
            ("filters_2", self.psi2),
            ("filters_fr", [*self.frequency.psis, self.frequency.phi]),
        ):
            axes = [(psi.xi, psi.sigma) for psi in filters]
            with torch.inference_mode(False):  # it may be used for training later
                self.register_buffer(name, torch.tensor(axes, dtype=torch.float32))
        self.register_load_state_dict_pre_hook(JTFS._refuse_other_filters)

    def forward(self, x: Signals) -> Signals:
        """Scattering coefficients of `x`, differentiable twice by autograd and ``torch.func``.

        Where a modulus is zero, its derivatives count as zero.

        Parameters
        ----------
        x : (..., n) tensor or array
            float32, float64, or integers.

        Returns
        -------
        (..., paths, frames) tensor or array
            (..., paths, rows, frames) in the format "joint"; a list of dictionaries, or a
            dictionary, of such arrays without the axis of paths, where `out_type` says so.

        Raises
        ------
        ArgumentError
            If `x` is no such array, or holds NaN or Inf.
        """
        signals = checked_signals(as_signals(x, self.filters_1, "x"), self.n, "x")
        leading = signals.shape[:-1]
        with neutral(signals.device.type):
            found = self._coefficients(signals.reshape(-1, self.n))
        if isinstance(found, torch.Tensor):
            return _like(x, found.reshape(*leading, *found.shape[1:]))
        for path in found:
            path["coef"] = _like(x, path["coef"].reshape(*leading, *path["coef"].shape[1:]))
        if self.out_type == "dict":
            return {path["n"]: path["coef"] for path in found}  # pyright: ignore[reportReturnType]
        return found  # pyright: ignore[reportReturnType] - as asked by out_type

    scattering = forward

    def jvp(self, x: Signals, dx: Signals) -> tuple[Signals, Signals]:
        """Coefficients and their derivatives along directions, in one pass and without a graph.

        Where a modulus is zero, its derivative counts as zero.

        Parameters
        ----------
        x : (..., n) tensor or array
        dx : (..., n) or (p, ..., n) tensor or array
            One tangent, or p of them, for every signal of `x`.

        Returns
        -------
        S : as ``self(x)``
        dS : the same, with a leading axis p where `dx` has one

        Raises
        ------
        ArgumentError
            If `x` or `dx` is no such array, or holds NaN or Inf, or `out_type` is not "array".
        """
        signals, one, leading = self._stacked(x, dx)
        with neutral(signals.device.type):
            coefficients = with_fallback(self._values_and_tangents, signals)
            S, dS = self._split(coefficients, one, leading)
        return _like(x, S), _like(x, dS)

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
        signals, one, leading = self._stacked(x, dx)
        device = signals.device.type
        try:
            coefficients = yield from neutral_steps(self._steps(signals), device)
        except torch.OutOfMemoryError:
            slowly = yield from neutral_steps(self._steps(_on_cpu(signals)), device)
            coefficients = slowly.to(signals.device)
        return self._split(coefficients, one, leading)

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
        with neutral(x.device.type):
            return self._scalogram(x, hop)

    def _scalogram(self, x: torch.Tensor, hop: int) -> torch.Tensor:
        x_hat = torch.fft.fft(self._padded(x))
        rows: list[torch.Tensor] = []
        for psi in (psi for group in self._plan(x).groups for psi in group.psi1):
            U_1 = psi(x_hat).abs()
            rows.append(torch.nn.functional.adaptive_avg_pool1d(U_1, self.N // hop))
        first = round(self.pad_left / hop)
        return torch.cat(rows)[:, first : first + self.n // hop]

    def meta(self) -> dict[str, Any]:
        """Order, wavelets, frequencies and spin of each coefficient.

        Kymatio's columns in Kymatio's order, which is sorted by (n1, n2, n_fr) and so, in the
        format "time", *not* the order of the rows of S. The column ``row`` is the row of S of each
        entry: ``S[..., meta["row"], :]`` goes with the other columns.

        Returns
        -------
        dict of arrays, one entry per path
            order (0, 1, 2); row; n1, n2, n_fr (indices; n1 is NaN in the format "joint"); xi,
            sigma, j (paths, 2), of psi_n1 and psi_n2, cycles per sample; xi_fr, sigma_fr, j_fr, of
            psi_fr, cycles per row; spin; n (paths, 2), of objects: n1 and n2, or the range of n1 in
            the format "joint"; key, a list: ``n`` of each path with ``out_type="list"``, which in
            the format "joint" begins with the zeroth order even where S does not, as in Kymatio.
        """
        paths = self._paths()
        order = np.array([path["order"] for path in paths])
        row = np.array(sorted(range(len(paths)), key=lambda i: (order[i], paths[i]["n"])), int)
        columns: dict[str, Any] = {"order": order[row], "row": row}
        for name in ("n1", "n2", "n_fr"):
            values = [paths[i]["place"].get(name) for i in row]
            columns[name] = np.array([np.nan if v is None else v for v in values], dtype=float)
        for name in ("xi", "sigma", "j"):
            columns[name] = np.stack(
                [
                    _look_up(self.psi1, name, columns["n1"]),
                    _look_up(self.psi2, name, columns["n2"]),
                ],
                axis=1,
            )
            columns[f"{name}_fr"] = _look_up(self.frequency.psis, name, columns["n_fr"])
        columns["spin"] = np.sign(columns["xi_fr"])
        columns["n"] = np.empty((len(paths), 2), dtype=object)
        for entry, i in enumerate(row):
            place = paths[i]["place"]
            first = place.get("n1", place.get("range", np.nan))
            columns["n"][entry] = [first, place.get("n2", np.nan)]
        columns["key"] = [paths[i]["n"] for i in row]
        if self.out_type == "array" and self.format == "joint":
            columns["key"].insert(0, ())
        return columns

    def extra_repr(self) -> str:
        """Arguments that are not Kymatio's defaults, and the size of the output."""
        words = [f"J={self.J}, J_fr={self.J_fr}, Q={self.Q}, shape={self.n}, Q_fr={self.Q_fr}"]
        defaults = {
            "T": None, "F": None, "out_type": "array", "format": "time",
            "boundary": "reflect", "tolerance": 0.0,
        }  # fmt: skip
        words += [
            f"{name}={getattr(self, name)!r}"
            for name, default in defaults.items()
            if getattr(self, name) != default
        ]
        return ", ".join(words) + f"; {len(self._paths())} paths"

    # ------------------------------------------------------------------ a module's state

    def __getstate__(self) -> dict[str, Any]:
        """State without filters and matrices, which are made again where they are needed."""
        return {**self.__dict__, "_cached_bank": None, "_plans": {}}

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> "JTFS":
        dtype = fn(torch.empty(0)).dtype
        if dtype not in (torch.float32, torch.float64):
            raise ArgumentError(
                f"JTFS cannot compute in {dtype}: small coefficients need float32 or float64; keep "
                f"it apart from what is converted."
            )
        self._plans.clear()  # filters of another device or dtype need not stay there
        return super()._apply(fn, recurse)

    def _refuse_other_filters(self, state_dict: Mapping[str, Any], prefix: str, *_: object) -> None:
        for name in ("filters_1", "filters_2", "filters_fr"):
            given, own = state_dict.get(prefix + name), getattr(self, name)
            if given is not None and (
                given.shape != own.shape or not torch.allclose(given.to(own), own, rtol=1e-5)
            ):
                raise ArgumentError(
                    f"{prefix}{name} are the filters of another transform; load this state into a "
                    f"JTFS with the arguments that it was saved with."
                )

    # ------------------------------------------------------------------ layout

    @property
    def _bank(self) -> WaveletBank:
        """Matrices along log-frequency, made when they are first needed."""
        if self._cached_bank is None:
            self._cached_bank = WaveletBank.of(
                self.phi,
                self.psi1,
                self.psi2,
                self.frequency,
                self.average,
                self._frames(self.log2_stride),
                self.tolerance,
                None if self.boundary == "periodic" else (self.pad_left, self.pad_left + self.n),
            )
        return self._cached_bank

    def _frames(self, log2_stride: int) -> tuple[int, int]:
        """First and end of the output frames within the signal, rounded as in Kymatio."""
        first, end = self.pad_left, self.pad_left + self.n
        for _ in range(log2_stride):
            first, end = (first + 1) // 2, (end + 1) // 2
        return first, end

    def _blocks(self) -> list[tuple[int, int | None, FrequencyStage]]:
        """Order, n2 and stage of the rows of S after the zeroth order."""
        bank = self._bank
        return [(1, None, bank.first), *((2, n2, stage) for n2, _, stage in bank.second)]

    def _paths(self) -> list[Path]:
        """Kymatio's dictionaries of all paths, without coefficients, in the order of S.

        Besides, "place" holds n1, n2, n_fr, and the range of n1 in the format "joint".
        """
        paths: list[Path] = []
        if self.format == "time" or self.out_type != "array":
            paths.append({"j": (), "n": (), "order": 0, "place": {}})
        for order, n2, stage in self._blocks():
            known: Path = {"j": (-1,)} if n2 is None else {"j": (-1, self.psi2[n2].j)}
            of_n2 = () if n2 is None else (n2,)
            for n_fr, stride, n1 in stage.paths:
                psi = self.frequency.psis[n_fr]
                path: Path = {
                    **known,
                    "j_fr": (psi.j,),
                    "n_fr": (n_fr,),
                    "spin": np.sign(psi.xi),
                    "order": order,
                }
                place: dict[str, Any] = {"n_fr": n_fr} if n2 is None else {"n_fr": n_fr, "n2": n2}
                if self.format == "time":
                    paths += [
                        {**path, "n": (one, *of_n2, n_fr), "place": {**place, "n1": one}}
                        for one in n1
                    ]
                    continue
                place["range"] = range(0, stage.n1_count, stride)
                paths.append(
                    {
                        **path,
                        "n": (*of_n2, n_fr),
                        "n1_max": stage.n1_count,
                        "n1_stride": stride,
                        "place": place,
                    }
                )
        return paths

    # ------------------------------------------------------------------ computation

    def _coefficients(self, signals: torch.Tensor) -> torch.Tensor | list[Path]:
        """Coefficients of signals (k, n): an array (k, ...), or paths, as `out_type` says."""
        if self.average == "none":
            parts = unaveraged(self._padded(signals), self._plan(signals))
            first, end = self.pad_left, self.pad_left + self.n
            rows = [parts[0][:, first:end], *parts[1].unbind(1)]
            for (n2, _, _), part in zip(self._bank.second, parts[2:], strict=True):
                first, end = self._frames(self.psi2[n2].j)
                rows += part[..., first:end].unbind(1)
            return self._listed(rows)
        if len(signals) == 0:
            S = signals.new_zeros(0, 1 + sum(len(s.n1) for _, _, s in self._blocks()), 1)
            S = S.expand(-1, -1, self._plan(signals).frames)
        else:
            S = with_fallback(self._values, signals)
        if self.out_type != "array":
            return self._listed(list(S.unbind(1)))
        if self.format == "time":
            return S
        return S[:, 1:].unflatten(1, (len(self._paths()), -1))

    def _values(self, signals: torch.Tensor) -> torch.Tensor:
        return scatter(self._padded(signals), self._plan(signals))

    def _values_and_tangents(self, padded: torch.Tensor) -> torch.Tensor:
        return in_chunks(forward, self._plan(padded), padded)

    def _listed(self, rows: list[torch.Tensor]) -> list[Path]:
        """Paths with their coefficients, from the rows of S."""
        paths, at = self._paths(), 0
        for path in paths:
            del path["place"]
            if self.format == "time" or path["order"] == 0:
                path["coef"], at = rows[at], at + 1
                path["order"] = max(path["order"] - 1, 0)  # as Kymatio counts in this format
                continue
            count = self._joint_rows(path)
            path["coef"], at = torch.stack(rows[at : at + count], dim=1), at + count
        return paths

    def _joint_rows(self, path: Path) -> int:
        """Rows of a path of the format "joint" in a list."""
        n2 = path["n"][0] if path["order"] == 2 else None
        (stage,) = (stage for _, other, stage in self._blocks() if other == n2)
        return int(np.count_nonzero(stage.n_fr == path["n_fr"][0]))

    def _stacked(self, x: object, dx: object) -> tuple[torch.Tensor, bool, tuple[int, ...]]:
        """Signals and tangents (k, 1 + p, N), whether there is one tangent, and the batch axes."""
        if self.out_type != "array":
            raise ArgumentError(f"out_type={self.out_type!r} has no jvp; use out_type='array'.")
        like = self.filters_1
        signals = checked_signals(as_signals(x, like, "x"), self.n, "x").detach()
        tangents = checked_signals(as_signals(dx, like, "dx"), self.n, "dx").detach()
        stacked = with_tangents(signals, tangents).reshape(-1, *signals.shape)
        flat = stacked.reshape(len(stacked), -1, self.n).transpose(0, 1)
        padded = self._padded(flat.reshape(-1, self.n)).unflatten(0, flat.shape[:2])
        return padded, tangents.ndim == signals.ndim, tuple(signals.shape[:-1])

    def _split(
        self, S: torch.Tensor, one: bool, leading: tuple[int, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Coefficients and tangents, from both: (k, 1 + p, rows, frames)."""
        if self.format == "joint":
            S = S[:, :, 1:].unflatten(2, (len(self._paths()), -1))
        S = S.transpose(0, 1).reshape(S.shape[1], *leading, *S.shape[2:])
        return S[0], S[1] if one else S[1:]

    def _steps(self, signals: torch.Tensor) -> Steps[None, torch.Tensor]:
        plan = self._plan(signals)
        parts: list[torch.Tensor] = []
        for part in signals.split(plan.chunk):
            parts += [(yield from forward_steps(part, plan))]
        return torch.cat(parts)

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        if self.boundary == "periodic":
            return x
        padding = (self.pad_left, self.pad_right)
        return torch.nn.functional.pad(x[:, None], padding, mode="reflect")[:, 0]

    # ------------------------------------------------------------------ plans

    def _plan(self, x: torch.Tensor) -> TransformPlan:
        key = (x.dtype, x.device)
        plan = self._plans.get(key)
        if plan is None:
            with _PLANS, neutral(x.device.type, kept=True):
                if key not in self._plans:
                    like = torch.empty(0, dtype=x.dtype, device=x.device)
                    self._plans[key] = build_plan(self._bank, like, self.chunk)
                plan = self._plans[key]
        return plan


def _like(x: object, S: torch.Tensor) -> Any:  # noqa: ANN401 - what x is
    """`S` as an array where `x` is one."""
    return S.detach().cpu().numpy() if isinstance(x, np.ndarray) else S


def _look_up(
    filters: list[WaveletFilter], name: str, n: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.array([np.nan if np.isnan(i) else float(getattr(filters[int(i)], name)) for i in n])


def _only(value: int | tuple[int, ...], name: str) -> int:
    """The integer, or the only one in a tuple."""
    if isinstance(value, tuple):
        if len(value) != 1:
            raise ArgumentError(f"{name}={value!r} must be an integer, or one in a tuple.")
        return value[0]
    return value


_MOST_WAVELETS = 256  # an octave: more would fill the memory
_LONGEST = 1 << 28  # samples


def _check(named: dict[str, int]) -> None:
    for name, value in named.items():
        is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not is_integer or value < 1:
            raise ArgumentError(f"{name}={value!r} must be a positive integer.")
        if name.startswith("Q") and value > _MOST_WAVELETS:
            raise ArgumentError(f"{name}={value} must be at most {_MOST_WAVELETS}.")


def _check_modes(
    shape: int,
    J: int,
    out_type: str,
    format: str,
    backend: str,
    boundary: str,
    tolerance: float,
) -> None:
    if shape > _LONGEST:
        raise ArgumentError(f"shape={shape} must be at most {_LONGEST} samples.")
    if 2**J > shape:
        raise ArgumentError(f"J={J} is too large for shape={shape}; 2**J must not exceed it.")
    allowed = {
        "out_type": (out_type, ("array", "list", "dict")),
        "format": (format, ("time", "joint")),
        "backend": (backend, ("torch", "numpy")),
        "boundary": (boundary, ("reflect", "periodic")),
    }
    for name, (value, values) in allowed.items():
        if value not in values:
            known = " or ".join(map(repr, values))
            raise ArgumentError(f"{name}={value!r} must be {known}.")
    if boundary == "periodic" and shape & (shape - 1):
        raise ArgumentError(f"shape={shape} must be a power of two for boundary='periodic'.")
    if not 0.0 <= tolerance <= 0.1:
        raise ArgumentError(f"tolerance={tolerance!r} must be 0 (exact) or up to 0.1.")


def _check_stride(
    name: str, stride: int | None, support_name: str, support: object, average: str, log2: int
) -> None:
    """Refuse a stride other than the support's own."""
    if stride is None:
        return
    if average != "local" or stride != 2**log2:
        own = f"{2**log2}, the default" if average == "local" else "None"
        raise ArgumentError(
            f"{name}={stride!r} is not available with {support_name}={support!r}; use {own}."
        )
