"""What a lean transform may leave out of one evaluation."""

import torch


def needed(
    parts: torch.Tensor, whole: torch.Tensor, tolerance: float, count: int | None = None
) -> torch.Tensor:
    """Which parts must be computed so that all others together stay under `tolerance`.

    Parameters
    ----------
    parts : (1 + p, parts) tensor
        Power that each part holds of a value and of its tangents.
    whole : (1 + p,) tensor
        Power of all.
    tolerance : float
        Relative, of amplitudes.
    count : int, optional
        How many parts share the tolerance, where `parts` are not all.

    Returns
    -------
    (parts,) bool tensor
        Whether a part holds more than its share, in the value or in any tangent.
    """
    return (parts > (tolerance**2 / (count or parts.shape[1])) * whole[:, None]).any(dim=0)
