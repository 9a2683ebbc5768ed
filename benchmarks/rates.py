"""What this machine can do at best: the rates that a benchmark's figures are held against."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch

_SECONDS = 0.1
_TRIES = 5


def measure_rates(device: str) -> dict[str, Any]:
    """Rates in float32, with the threads that torch is set to: the best within a moment each.

    Parameters
    ----------
    device : str

    Returns
    -------
    dict
        matmul_gflops: square matrices of 1024; fft_gflops: complex FFTs of 8192 samples, 64 in a
        batch, at 5 n log2 n operations; copy_gb_s: bytes read and written by a copy between buffers
        of 256 MB, far larger than any cache; cached_copy_gb_s: of 256 kB, which stay in one.
    """
    a, b = torch.randn(2, 1024, 1024, device=device)
    z = torch.randn(64, 8192, dtype=torch.complex64, device=device)
    source = torch.zeros(64 * 2**20, device=device)
    target = torch.zeros_like(source)
    near_source, near_target = source[: 64 * 2**10], target[: 64 * 2**10]

    def copy_near() -> None:
        for _ in range(1000):
            near_target.copy_(near_source)

    def copy_far() -> None:
        target.copy_(source)

    def transform() -> None:
        torch.fft.fft(z)

    out = torch.empty_like(a)
    byte_count = 2 * source.numel() * source.element_size()
    return {
        "matmul_gflops": 2 * 1024**3 / _best(lambda: torch.mm(a, b, out=out), device) / 1e9,
        "fft_gflops": 5 * z.numel() * math.log2(8192) / _best(transform, device) / 1e9,
        "copy_gb_s": byte_count / _best(copy_far, device) / 1e9,
        "cached_copy_gb_s": byte_count / 1024 * 1000 / _best(copy_near, device) / 1e9,
    }


def _best(function: Callable[[], Any], device: str) -> float:
    """Seconds of the fastest try: others who compute at the same time only slow it down."""
    seconds: list[float] = []
    while sum(seconds) < _SECONDS or len(seconds) < _TRIES:
        began = time.perf_counter()
        function()
        if device != "cpu":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
