"""Where transforms are computed."""

import warnings
from collections.abc import Callable

import torch


def best_device() -> torch.device:
    """Return the CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def with_fallback(compute: Callable[..., torch.Tensor], *signals: torch.Tensor) -> torch.Tensor:
    """``compute(*signals)``, on the CPU where a GPU has not memory enough, with a warning."""
    try:
        return compute(*signals)
    except torch.OutOfMemoryError:
        device = signals[0].device
        torch.cuda.empty_cache()
        warnings.warn(
            f"{device} has too little memory free for this transform: it is computed on the CPU, "
            f"which is slower. Close other programs on the GPU, or use shorter signals.",
            RuntimeWarning,
            stacklevel=3,
        )
        return compute(*(signal.cpu() for signal in signals)).to(device)
