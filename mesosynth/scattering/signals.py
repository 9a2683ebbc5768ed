"""What every transform asks of its input, and of the tangents that come with it."""

import torch

from mesosynth.errors import ArgumentError


def checked_signals(x: torch.Tensor, n: int, name: str) -> torch.Tensor:
    """`x`, if a transform of signals of `n` samples can work with it.

    Raises
    ------
    ArgumentError
        For anything but finite float32 or float64 samples, `n` along the last axis.
    """
    if not isinstance(x, torch.Tensor) or x.dtype not in (torch.float32, torch.float64):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
        kind = getattr(x, "dtype", type(x).__name__)
        raise ArgumentError(f"{name} is {kind}; it must be a float32 or float64 torch tensor.")
    if x.ndim < 1 or x.shape[-1] != n:
        raise ArgumentError(
            f"{name} has the shape {tuple(x.shape)}; its last axis must be shape={n}."
        )
    if not bool(torch.isfinite(x).all()):
        raise ArgumentError(f"{name} holds NaN or infinite samples; remove them first.")
    return x


def with_tangents(x: torch.Tensor, dx: torch.Tensor) -> torch.Tensor:
    """Stack a value and its tangents: (..., n) and (..., n) or (p, ..., n) to (1 + p, ..., n).

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
