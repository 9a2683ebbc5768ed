"""Multi-scale spectrogram (MSS), the baseline that the JTFS is compared with.

After Vahidi et al. (JAES 2023), eq. 18: magnitudes of short-time Fourier transforms with windows of
2^5 to 2^10 samples, compared by the average over the windows of an L1 distance::

    Phi_i(x)(k, m) = |sum_t w_i(t) x(m h_i + t) exp(-2 pi i k t / 2^i)|
    L(x, y)        = 1/6 sum_i |Phi_i(x) - Phi_i(y)|_1

The equation leaves open the window's shape and the hop. The authors' code (``meso-dtfa``) has
periodic Hann windows, a quarter of a window apart, padded by reflection, and no logarithm. It
departs from the equation twice: its windows are 2^6 to 2^11 samples (:data:`AUTHORS_WINDOWS`), and
its L1 distance is a mean over the coefficients of a spectrogram rather than a sum
(``distance(..., per_coefficient=True)``), which divides by nearly the same number for every window.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.scattering.ambient import neutral, neutral_steps
from mesosynth.scattering.jtfs import checked_signals, with_tangents
from mesosynth.system.steps import Steps, result_of

PAPER_WINDOWS = (32, 64, 128, 256, 512, 1024)
"""Window lengths of eq. 18, samples."""

AUTHORS_WINDOWS = (2048, 1024, 512, 256, 128, 64)
"""Window lengths of the authors' code, samples, in its order."""


class MultiScaleSpectrogram:
    """Spectrograms of signals of one length at several resolutions, in one vector.

    Parameters
    ----------
    shape : int
        Length of the signals, samples.
    windows : sequence of int
        Lengths of the windows, samples: even, and shorter than twice the signal.
    overlap : int
        Windows over each sample: they are ``window // overlap`` samples apart.

    Raises
    ------
    ArgumentError
        For an impossible value, naming the argument.

    Examples
    --------
    >>> S = MultiScaleSpectrogram(8192, windows=(64, 256))
    >>> [tuple(part.shape) for part in S.split(S(torch.randn(8192)))]
    [(33, 513), (129, 129)]
    """

    def __init__(
        self, shape: int, windows: Sequence[int] = PAPER_WINDOWS, overlap: int = 4
    ) -> None:
        self.n, self.windows, self.overlap = shape, tuple(windows), overlap
        _check(self.n, self.windows, self.overlap)
        self._hann: dict[tuple[int, torch.dtype, torch.device], torch.Tensor] = {}

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Magnitudes of all spectrograms of `x`, one after another.

        Parameters
        ----------
        x : (..., n) float32 or float64 tensor
            With ``requires_grad``, the result takes part in autograd; where a magnitude is zero
            or subnormal, its gradient counts as zero.

        Returns
        -------
        (..., coefficients) tensor
            :meth:`split` gives the spectrograms, :meth:`meta` describes each entry.

        Raises
        ------
        ArgumentError
            If `x` is no such tensor, or holds NaN or Inf.
        """
        x = checked_signals(x, self.n, "x")
        with neutral(x.device.type):
            parts = [_without_subnormal(self._stft(x, w)).abs() for w in self.windows]
            return torch.cat([part.flatten(-2) for part in parts], dim=-1)

    def jvp(self, x: torch.Tensor, dx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Magnitudes and their derivatives along directions, in one pass and without a graph.

        Where a magnitude is zero, its derivative counts as zero.

        Parameters
        ----------
        x : (..., n) tensor
        dx : (..., n) or (p, ..., n) tensor
            One tangent, or p of them, for every signal of `x`.

        Returns
        -------
        S : as ``self(x)``
        dS : the same, with a leading axis p where `dx` has one
        """
        return result_of(self.jvp_steps(x, dx))

    def jvp_steps(
        self, x: torch.Tensor, dx: torch.Tensor
    ) -> Steps[None, tuple[torch.Tensor, torch.Tensor]]:
        """:meth:`jvp` as a generator that can be left before each window.

        Parameters
        ----------
        x : (..., n) tensor
        dx : (..., n) or (p, ..., n) tensor
            One tangent, or p of them, for every signal of `x`.

        Returns
        -------
        S, dS
            Result of the generator, as of :meth:`jvp`.
        """
        x = checked_signals(x, self.n, "x").detach()
        dx = checked_signals(dx, self.n, "dx").detach()
        return (yield from neutral_steps(self._tangent_steps(x, dx), x.device.type))

    def _tangent_steps(
        self, x: torch.Tensor, dx: torch.Tensor
    ) -> Steps[None, tuple[torch.Tensor, torch.Tensor]]:
        both = with_tangents(x, dx)
        parts: list[torch.Tensor] = []
        for window in self.windows:
            yield
            parts.append(_modulus(self._stft(both, window)).flatten(-2))
        S = torch.cat(parts, dim=-1)
        return S[0], S[1:] if dx.ndim > x.ndim else S[1]

    def split(self, S: torch.Tensor) -> list[torch.Tensor]:
        """The spectrograms in a vector (..., coefficients): one (..., bins, frames) per window."""
        shapes = [(window // 2 + 1, self._frames(window)) for window in self.windows]
        parts = S.split([bins * frames for bins, frames in shapes], dim=-1)
        return [part.unflatten(-1, shape) for part, shape in zip(parts, shapes, strict=True)]

    def distance(
        self, S: torch.Tensor, S_target: torch.Tensor, *, per_coefficient: bool = False
    ) -> torch.Tensor:
        """Distance of eq. 18 between two results of this transform.

        Parameters
        ----------
        S, S_target : (..., coefficients) tensors
        per_coefficient : bool
            True takes the mean within each spectrogram, as the authors' code does, instead of the
            sum.

        Returns
        -------
        (...) tensor
        """
        parts = [part.abs().flatten(-2) for part in self.split(S - S_target)]
        norms = [part.mean(-1) if per_coefficient else part.sum(-1) for part in parts]
        return torch.stack(norms).mean(dim=0)

    def meta(self) -> dict[str, NDArray[np.float64]]:
        """Window, frequency and time of each coefficient.

        Returns
        -------
        dict of (coefficients,) arrays
            window (samples); xi (cycles per sample); t, the middle of the window (samples).
        """
        grids = [
            np.meshgrid(
                np.float64(window),
                np.arange(window // 2 + 1) / window,
                np.arange(self._frames(window), dtype=np.float64) * (window // self.overlap),
                indexing="ij",
            )
            for window in self.windows
        ]
        return {
            name: np.concatenate([grid[axis].ravel() for grid in grids])
            for axis, name in enumerate(("window", "xi", "t"))
        }

    # ------------------------------------------------------------------ computation

    def _frames(self, window: int) -> int:
        return 1 + self.n // (window // self.overlap)

    def _stft(self, x: torch.Tensor, window: int) -> torch.Tensor:
        """Centred short-time Fourier transform: (..., n) to (..., bins, frames), complex."""
        half = window // 2
        padded = torch.nn.functional.pad(x.reshape(1, -1, self.n), (half, half), mode="reflect")[0]
        frames = padded.unfold(-1, window, window // self.overlap) * self._window(window, x)
        z = torch.fft.rfft(frames).transpose(-1, -2)
        return z.reshape(*x.shape[:-1], *z.shape[1:])

    def _window(self, window: int, like: torch.Tensor) -> torch.Tensor:
        key = (window, like.dtype, like.device)
        if key not in self._hann:
            with neutral(kept=True):
                self._hann[key] = torch.hann_window(window, dtype=like.dtype, device=like.device)
        return self._hann[key]


def _without_subnormal(z: torch.Tensor) -> torch.Tensor:
    """`z`, and where autograd's gradient of |z| would not be finite, 0, whose gradient is 0."""
    if not z.requires_grad:
        return z
    return torch.where(z.detach().abs() > torch.finfo(z.dtype).tiny, z, 0.0)


def _modulus(z: torch.Tensor) -> torch.Tensor:
    """|z| of row 0, and its derivatives d|z| = Re(conj(z) dz) / |z| along rows 1 and on."""
    value = z[:1].abs()
    # Where |z| = 0 the numerator is 0 as well: dividing by 1 gives the derivative 0. The same for
    # subnormal |z| (in a rest, say), whose reciprocal is infinite.
    direction = z[:1] / torch.where(value > torch.finfo(value.dtype).tiny, value, 1.0)
    return torch.cat([value, (direction.conj() * z[1:]).real])


def _check(n: int, windows: tuple[int, ...], overlap: int) -> None:
    named = {"shape": n, "overlap": overlap, **{f"windows[{i}]": w for i, w in enumerate(windows)}}
    for name, value in named.items():
        if not isinstance(value, int) or value < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(f"{name}={value!r} must be a positive integer.")
    if not windows:
        raise ArgumentError("windows=() holds no window; give at least one length.")
    for window in windows:
        if window % 2 or window % overlap:
            multiple = math.lcm(2, overlap)
            raise ArgumentError(
                f"windows holds {window}, which must be a multiple of {multiple} "
                f"for overlap={overlap}."
            )
        if window // 2 >= n:
            raise ArgumentError(f"windows holds {window}, which is too long for shape={n}.")
