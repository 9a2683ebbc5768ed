"""Operations of a computation as torch carries them out, and the most that this machine can do.

Every tensor operation that runs is seen, so the count is of what is done, not of what a formula
says should be done. Conventions: a real matrix product of (m, k) and (k, n) is 2 m k n operations
and a complex one four times that; an FFT of length n is 5 n log2 n, half that if one side is real;
a sum is one for each number summed; everything else is one for each number made (six for a complex
product, two for another complex number, four for a modulus), and copying is none. Bytes are those
of all tensors read and written, whether they come from memory or from a cache.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "dot", "vdot"}
_TRANSFORMS = {"_fft_c2c", "_fft_r2c", "_fft_c2r"}
_SUMS = {"sum", "mean", "cumsum", "linalg_vector_norm", "norm", "amax", "amin"}
_COPIES = {
    "copy_", "clone", "_to_copy", "cat", "stack", "index", "index_select", "gather", "repeat",
    "constant_pad_nd", "reflection_pad1d", "roll", "flip", "fill_", "zero_", "zeros", "zeros_like",
    "new_zeros", "ones", "ones_like", "new_ones", "full", "full_like", "slice_backward",
    "select_backward", "index_put_", "complex", "_efficientzerotensor", "constant", "lift_fresh",
    "_local_scalar_dense",
}  # fmt: skip
_NOTHING = {
    "empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "_unsafe_view",
}  # fmt: skip
"""Operations that touch no number, besides those that torch itself declares to be views."""


@dataclass
class Operations:
    """Floating-point operations by kind, bytes moved, and the kernels that a GPU is told to run.

    Those are at least one for each operation that touches a number.
    """

    matmul: float = 0.0
    fft: float = 0.0
    elementwise: float = 0.0
    bytes: float = 0.0
    kernels: int = 0

    @property
    def total(self) -> float:
        """All floating-point operations."""
        return self.matmul + self.fft + self.elementwise

    def as_json(self) -> dict[str, float]:
        """The attributes by name."""
        return asdict(self)


def count_operations(function: Callable[[], Any]) -> Operations:
    """Count the operations of one call of `function`, in this thread only."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with Counter() as counter:
            function()
    finally:
        torch.set_num_threads(threads)
    return counter.operations


class Counter(TorchDispatchMode):
    """Sees every operation of torch within the context."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = Operations()

    def __torch_dispatch__(  # noqa: D105, RUF100 - torch's protocol
        self,
        func: Any,  # noqa: ANN401 - torch's protocol
        types: Any,  # noqa: ANN401 - torch decides
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch decides
        given = kwargs or {}
        result = func(*args, **given)
        if not _is_view(func):
            name = func.overloadpacket.__name__
            read = [args, *(value for key, value in given.items() if key != "out")]
            self.count(name, tensors(read), tensors(result), args)
        return result

    def count(
        self,
        name: str,
        read: list[torch.Tensor],
        written: list[torch.Tensor],
        args: Any,  # noqa: ANN401 - torch decides
    ) -> None:
        """Count one operation that is no view.

        Parameters
        ----------
        name : str
            As torch calls it.
        read, written : list of tensor
            Those that it reads and writes.
        args : tuple
            Its arguments.
        """
        if name in _NOTHING:
            return
        done = self.operations
        done.kernels += 1
        done.bytes += sum(t.numel() * t.element_size() for t in read + written)
        if name in _PRODUCTS:
            done.matmul += _product(read, written[0])
        elif name in _TRANSFORMS:
            done.fft += _transforms(name, read[0], written[0], args[1])
        elif name in _SUMS:
            done.elementwise += read[0].numel() * (2 if read[0].is_complex() else 1)
        elif name not in _COPIES and written:
            done.elementwise += written[0].numel() * _price(name, read, written[0])


def _product(read: list[torch.Tensor], out: torch.Tensor) -> float:
    # The last two tensors are the factors; addmm and its like bring the summand first.
    k = read[-2].shape[-1]
    added = out.numel() if len(read) > 2 else 0
    batch = read[-2].shape[0] if out.ndim < read[-2].ndim == 3 else 1  # addbmm sums over its batch
    return (2.0 * k * out.numel() * batch + added) * (4 if out.is_complex() else 1)


def _transforms(name: str, read: torch.Tensor, out: torch.Tensor, axes: list[int]) -> float:
    whole = read if name != "_fft_c2r" else out
    n = math.prod(whole.shape[axis] for axis in axes)
    price = 5.0 if name == "_fft_c2c" else 2.5
    return price * whole.numel() * math.log2(max(n, 2))


def _price(name: str, read: list[torch.Tensor], out: torch.Tensor) -> float:
    reads_complex = any(t.is_complex() for t in read)
    if name in ("abs", "hypot", "sgn"):
        return 4.0 if reads_complex or name == "hypot" else 1.0
    if not out.is_complex():
        return 1.0
    both_complex = sum(t.is_complex() for t in read) >= 2
    return 6.0 if name in ("mul", "mul_", "div", "div_") and both_complex else 2.0


def tensors(tree: Any) -> list[torch.Tensor]:  # noqa: ANN401 - any nest of arguments
    """Tensors in a nest of arguments."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _is_view(func: Any) -> bool:  # noqa: ANN401 - torch's operator
    returned = func._schema.returns
    return bool(returned) and all(
        value.alias_info is not None and not value.alias_info.is_write for value in returned
    )


# ---------------------------------------------------------------------- rates

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
        "matmul_gflops": 2 * 1024**3 / _fastest(lambda: torch.mm(a, b, out=out), device) / 1e9,
        "fft_gflops": 5 * z.numel() * math.log2(8192) / _fastest(transform, device) / 1e9,
        "copy_gb_s": byte_count / _fastest(copy_far, device) / 1e9,
        "cached_copy_gb_s": byte_count / 1024 * 1000 / _fastest(copy_near, device) / 1e9,
    }


def _fastest(function: Callable[[], Any], device: str) -> float:
    """Seconds of the fastest try; other programs only add to the others."""
    seconds: list[float] = []
    while sum(seconds) < _SECONDS or len(seconds) < _TRIES:
        began = time.perf_counter()
        function()
        if device != "cpu":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
