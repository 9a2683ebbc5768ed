"""Edits of scattering coefficients: spins reversed, rates shifted, sounds blended.

An edit takes coefficients and gives coefficients; a descent on the waveform then finds a sound that
has them. As composers did it (Lostanlen and Hecker, "The shape of RemiXXXes to come", DAFx 2019).
All are linear: each path becomes a sum of other paths. The zeroth and first orders, which say how
loud each frequency is, stay as they are unless an edit says otherwise.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:  # settings name edits, and the command line reads settings without torch
    import torch

    from mesosynth.scattering.jtfs import JTFS

Edit = Callable[["torch.Tensor", "PathTable"], "torch.Tensor"]
"""Coefficients (..., paths, frames) and their table in, coefficients of that shape out."""


class PathTable:
    """Paths of a transform in physical units, in the order of its coefficients.

    Parameters
    ----------
    jtfs : JTFS
        With ``format="time"`` and ``out_type="array"``.
    sample_rate : float
        Hz.

    Attributes
    ----------
    order : (paths,) int
    n1, n2, n_fr : (paths,) float
        Numbers of the wavelets, NaN where a path has none.
    frequency : (paths,) float64
        Centre of psi_n1, Hz.
    rate : (paths,) float64
        Of psi_n2, Hz; 0 at the first order.
    scale : (paths,) float64
        Of psi_fr, cycles per octave.
    spin : (paths,) float64
        +1 rises, -1 falls, 0 for neither.

    Raises
    ------
    ArgumentError
        If the transform gives no array with one axis of paths.
    """

    def __init__(self, jtfs: "JTFS", sample_rate: float) -> None:
        from mesosynth.scattering.scale_rate import in_hertz

        if jtfs.format != "time" or jtfs.out_type != "array":
            raise ArgumentError(
                f"format={jtfs.format!r}, out_type={jtfs.out_type!r}: edits need format='time' "
                "and out_type='array'."
            )
        meta = in_hertz(jtfs, sample_rate)
        place = np.argsort(meta["row"])
        self.order: NDArray[np.int64] = meta["order"][place]
        self.n1, self.n2, self.n_fr = (meta[name][place] for name in ("n1", "n2", "n_fr"))
        self.frequency, self.rate, self.scale = (
            meta[name][place] for name in ("frequency", "rate", "scale")
        )
        self.spin = np.nan_to_num(meta["spin"][place])
        self._filters: dict[str, NDArray[np.float64]] = {
            "n1": np.array([psi.xi for psi in jtfs.psi1]) * sample_rate,
            "n2": np.array([psi.xi for psi in jtfs.psi2]) * sample_rate,
            "n_fr": np.array([psi.xi for psi in jtfs.frequency.psis]),
        }

    def __len__(self) -> int:
        return len(self.order)

    def rows(self) -> dict[tuple[float, float, float], int]:
        """Row of each path of the first and second order by (n1, n2, n_fr); -1 where one is NaN."""
        keys = np.nan_to_num(np.stack([self.n1, self.n2, self.n_fr], 1), nan=-1.0)
        return {(a, b, c): row for row, (a, b, c) in enumerate(keys.tolist()) if self.order[row]}

    def centres(self, axis: Literal["n1", "n2", "n_fr"]) -> NDArray[np.float64]:
        """Centres of an axis' wavelets: Hz of n1 and n2, cycles per row of n_fr, with its sign."""
        return self._filters[axis]


def reverse_spin(S: "torch.Tensor", paths: PathTable) -> "torch.Tensor":
    """Coefficients of a sound whose rising patterns fall and whose falling patterns rise.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    paths : PathTable
    """
    centres, rows = paths.centres("n_fr"), paths.rows()
    mirror = [float(np.argmin(np.abs(centres + centre))) for centre in centres]
    source = np.arange(len(paths))
    for (n1, n2, n_fr), row in rows.items():
        if n2 >= 0.0 and paths.spin[row]:
            source[row] = rows[n1, n2, mirror[int(n_fr)]]
    return S[..., source.tolist(), :]


def scaled_band(
    S: "torch.Tensor", paths: PathTable, of: Literal["rate", "scale"], low: float, high: float,
    inside: float = 1.0, outside: float = 1.0,
) -> "torch.Tensor":  # fmt: skip
    """Coefficients whose second-order paths are scaled inside and outside of a band.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    paths : PathTable
    of : {"rate", "scale"}
        What the band is of: Hz, or cycles per octave.
    low, high : float
        Edges; a path belongs to the band if its centre does.
    inside, outside : float
        Factors: 0 removes.

    Raises
    ------
    ArgumentError
        For another axis, or edges that are not in order.
    """
    if of not in ("rate", "scale"):
        raise ArgumentError(f"of={of!r} must be 'rate' or 'scale'.")
    if not 0.0 <= low <= high:
        raise ArgumentError(f"low={low:g}, high={high:g} must be in order and not below 0.")
    values: NDArray[np.float64] = getattr(paths, of)
    within = (low <= values) & (values <= high)
    factor = np.where(paths.order == 2, np.where(within, inside, outside), 1.0)
    return S * S.new_tensor(factor)[:, None]


def scaled_region(
    S: "torch.Tensor", paths: PathTable, rates: tuple[float, float], scales: tuple[float, float],
    spin: int = 0, factor: float = 0.0,
) -> "torch.Tensor":  # fmt: skip
    """Coefficients whose paths in a region of rate and scale are scaled.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    paths : PathTable
    rates, scales : (float, float)
        Edges, Hz and cycles per octave; a path belongs to the region if its centre does.
    spin : {-1, 0, 1}
        Falling paths, all, or rising ones.
    factor : float
        0 removes.
    """
    row = np.where(_region(paths, rates, scales, spin), factor, 1.0)
    return S * S.new_tensor(row)[:, None]


def mirrored_region(
    S: "torch.Tensor", paths: PathTable, rates: tuple[float, float], scales: tuple[float, float]
) -> "torch.Tensor":
    """Coefficients whose spins are reversed in a region of rate and scale.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    paths : PathTable
    rates, scales : (float, float)
        Edges, Hz and cycles per octave.
    """
    inside = S.new_tensor(_region(paths, rates, scales, 0).astype(np.float64))[:, None]
    return S + inside * (reverse_spin(S, paths) - S)


def _region(
    paths: PathTable, rates: tuple[float, float], scales: tuple[float, float], spin: int
) -> NDArray[np.bool_]:
    """Which second-order paths lie in a region."""
    within = (paths.order == 2) & ((paths.spin == spin) if spin else (paths.spin != 0.0))
    within &= (rates[0] <= paths.rate) & (paths.rate <= rates[1])
    return within & (scales[0] <= paths.scale) & (paths.scale <= scales[1])


def remapped_rates(
    S: "torch.Tensor", paths: PathTable, octaves: float = 0.0, stretch: float = 1.0
) -> "torch.Tensor":
    """Coefficients of a sound whose patterns repeat faster or slower.

    A path takes what was at the rate from which its own came. Between two wavelets it is
    interpolated; where there was none it is 0, as beyond the highest rate.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    paths : PathTable
    octaves : float
        By which all rates rise.
    stretch : float
        Factor of a rate's distance, in octaves, from the geometric mean of all rates; above 0.

    Raises
    ------
    ArgumentError
        For a stretch that is not above 0.
    """
    if not stretch > 0.0:
        raise ArgumentError(f"stretch={stretch:g} must be above 0.")
    rates = np.log2(paths.centres("n2"))
    middle = rates.mean()
    was = middle + (rates - octaves - middle) / stretch
    return _moved(S, paths, "n2", _places(rates, was), orders=(2,))


def transposed(S: "torch.Tensor", paths: PathTable, octaves: float) -> "torch.Tensor":
    """Coefficients of a sound that is higher or lower.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    paths : PathTable
    octaves : float
        By which it is higher.
    """
    centres = np.log2(paths.centres("n1"))
    return _moved(S, paths, "n1", _places(centres, centres - octaves), orders=(1, 2))


def blended(S: "torch.Tensor", other: "torch.Tensor", amount: float) -> "torch.Tensor":
    """Coefficients between those of two sounds.

    Parameters
    ----------
    S, other : (..., paths, frames) tensor
    amount : float
        0 is `S`, 1 is `other`.

    Raises
    ------
    ArgumentError
        If the shapes differ, or the amount is not 0 to 1.
    """
    if S.shape != other.shape:
        raise ArgumentError(
            f"other has the shape {tuple(other.shape)}, S {tuple(S.shape)}: use sounds of one "
            "length and one transform."
        )
    if not 0.0 <= amount <= 1.0:
        raise ArgumentError(f"amount={amount:g} must be 0 to 1.")
    return S.lerp(other, amount)


def frozen(S: "torch.Tensor") -> "torch.Tensor":
    """Coefficients that stay at their mean over time.

    Parameters
    ----------
    S : (..., paths, frames) tensor
    """
    return S.mean(-1, keepdim=True).expand_as(S)


def _places(
    centres: NDArray[np.float64], was: NDArray[np.float64]
) -> list[list[tuple[int, float]]]:
    """Wavelets and weights from which each wavelet's content is interpolated."""
    order = np.argsort(centres)
    grid = centres[order]
    places: list[list[tuple[int, float]]] = []
    step = float(np.median(np.diff(grid))) if len(grid) > 1 else 1.0
    for value in was:
        right = int(np.searchsorted(grid, value))
        if right == 0 or right == len(grid):
            edge = min(right, len(grid) - 1)
            weight = max(0.0, 1.0 - abs(value - grid[edge]) / step)
            places.append([(int(order[edge]), weight)] if weight else [])
            continue
        part = float((value - grid[right - 1]) / (grid[right] - grid[right - 1]))
        pair = (int(order[right - 1]), 1.0 - part), (int(order[right]), part)
        places.append([(place, weight) for place, weight in pair if weight])
    return places


def _moved(
    S: "torch.Tensor",
    paths: PathTable,
    axis: Literal["n1", "n2"],
    places: Sequence[Sequence[tuple[int, float]]],
    orders: tuple[int, ...],
) -> "torch.Tensor":
    """Coefficients of which each is a weighted sum of those elsewhere on one axis."""
    import torch

    rows = paths.rows()
    sums = [(0, 0, 1.0)]  # the zeroth order stays
    for key, row in rows.items():
        if paths.order[row] not in orders:
            sums.append((row, row, 1.0))
            continue
        for place, weight in places[int(key[0 if axis == "n1" else 1])]:
            source = (place, *key[1:]) if axis == "n1" else (key[0], place, key[2])
            if source in rows:
                sums.append((row, rows[source], weight))
    into, out, weights = (
        torch.tensor(column, device=S.device) for column in zip(*sums, strict=True)
    )
    return torch.zeros_like(S).index_add(-2, into, S[..., out, :] * weights.to(S)[:, None])


# --------------------------------------------------------------------------------------------------
# Edits in words, as on the command line


def _band(of: Literal["rate", "scale"], keep: bool) -> Callable[..., Edit]:
    def make(low: float, high: float) -> Edit:
        if not 0.0 <= low <= high:
            raise ValueError
        inside, outside = (1.0, 0.0) if keep else (0.0, 1.0)
        return lambda S, paths: scaled_band(S, paths, of, low, high, inside, outside)

    return make


def _scale(
    low: float, high: float, narrow: float, wide: float, spin: float, decibels: float = -math.inf
) -> Edit:
    _check_region(low, high, narrow, wide, spin)
    factor = 10.0 ** (decibels / 20.0)
    return lambda S, paths: scaled_region(S, paths, (low, high), (narrow, wide), int(spin), factor)


def _mirror(low: float, high: float, narrow: float, wide: float) -> Edit:
    _check_region(low, high, narrow, wide)
    return lambda S, paths: mirrored_region(S, paths, (low, high), (narrow, wide))


def _check_region(low: float, high: float, narrow: float, wide: float, spin: float = 0.0) -> None:
    if not (0.0 <= low <= high and 0.0 <= narrow <= wide and spin in (-1.0, 0.0, 1.0)):
        raise ValueError


def _shift(octaves: float) -> Edit:
    return lambda S, paths: remapped_rates(S, paths, octaves=octaves)


def _stretch(factor: float) -> Edit:
    if not factor > 0.0:
        raise ValueError
    return lambda S, paths: remapped_rates(S, paths, stretch=factor)


def _transpose(octaves: float) -> Edit:
    return lambda S, paths: transposed(S, paths, octaves)


_REGION = "LOW:HIGH:NARROW:WIDE"  # Hz, and cycles per octave
_EDITS: dict[str, tuple[str, Callable[..., Edit]]] = {
    "reverse-spin": ("", lambda: reverse_spin),
    "freeze": ("", lambda: lambda S, paths: frozen(S)),
    "keep-rates": ("LOW:HIGH in Hz", _band("rate", keep=True)),
    "remove-rates": ("LOW:HIGH in Hz", _band("rate", keep=False)),
    "keep-scales": ("LOW:HIGH in cycles per octave", _band("scale", keep=True)),
    "remove-scales": ("LOW:HIGH in cycles per octave", _band("scale", keep=False)),
    "attenuate-region": (f"{_REGION}:SPIN:DECIBELS", _scale),
    "remove-region": (f"{_REGION}:SPIN", _scale),
    "mirror-region": (_REGION, _mirror),
    "shift-rates": ("OCTAVES", _shift),
    "stretch-rates": ("FACTOR", _stretch),
    "transpose": ("OCTAVES", _transpose),
}


def edit_names() -> dict[str, str]:
    """Names of edits, and the form of the numbers after their "="."""
    return {name: values for name, (values, _) in _EDITS.items()}


def parse_edit(words: str) -> Edit:
    """Edit that words name.

    Parameters
    ----------
    words : str
        A name, and with "=" its numbers: "reverse-spin", "keep-rates=2:16", "transpose=-0.5".

    Raises
    ------
    ArgumentError
        If there is no such edit, or its numbers are not legal.
    """
    name, _, numbers = words.partition("=")
    if name not in _EDITS:
        raise ArgumentError(f"edit={words!r} is none of {', '.join(_EDITS)}.")
    wanted, make = _EDITS[name]
    try:
        values = [float(number) for number in numbers.split(":")] if numbers else []
        if not all(map(np.isfinite, values)):
            raise ValueError
        return make(*values)
    except (ValueError, TypeError):
        form = f"{name}={wanted}" if wanted else f"{name} without a number"
        raise ArgumentError(f"edit={words!r} must be {form}.") from None
