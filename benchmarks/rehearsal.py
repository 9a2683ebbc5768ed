"""Rehearsal of a GPU on a machine without one: the CPU computes, the GPU has shapes alone.

In place of a GPU there is PyTorch's device "meta", whose tensors have a shape and a type but no
numbers. (Fake tensors of the device "cuda" end the process on a PyTorch without CUDA as soon as one
takes part in autograd.) What the CPU computes is computed; what a GPU would compute is counted: its
operations, the copies to it, and each time that the program would wait for it to read a number. To
mix the devices raises RuntimeError, as it does on a GPU.
"""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.operations import Counter, Operations, tensors

GPU = torch.device("meta")
"""The GPU that is not there."""

_READS = {"_local_scalar_dense", "equal", "is_nonzero", "nonzero"}
_COPIES = {"_to_copy", "copy_"}
_INDICES = {"index", "index_put_", "index_put", "index_select"}  # which may come from the CPU


class Rehearsal(Counter):
    """Context in which operations on :data:`GPU` are checked and counted.

    Parameters
    ----------
    answer : callable, optional
        Numbers that are read from the GPU, by their shape; None gives ones.

    Attributes
    ----------
    operations : Operations
        On the GPU.
    reads : int
        Copies and single numbers from the GPU, for each of which the program waits.
    uploads : int
        Copies to the GPU.
    """

    def __init__(self, answer: Callable[[torch.Size], torch.Tensor] = torch.ones) -> None:
        super().__init__()
        self._answer = answer
        self.reads = self.uploads = 0

    def reset(self) -> None:
        """Count from zero."""
        self.operations = Operations()
        self.reads = self.uploads = 0

    def __torch_dispatch__(  # noqa: D105, RUF100 - torch's protocol
        self,
        func: Any,  # noqa: ANN401 - torch's protocol
        types: Any,  # noqa: ANN401 - torch decides
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch decides
        given, name = kwargs or {}, func.overloadpacket.__name__
        taken = tensors((args, given))
        on_cpu = [tensor for tensor in taken if tensor.device.type == "cpu"]
        to = given.get("device")
        here = to is None or torch.device(to) != GPU
        if len(on_cpu) == len(taken) and here:
            return func(*args, **given)
        if name in _READS:
            self.reads += 1
            number = self._answer(torch.Size()).item()
            return bool(number) if name in ("equal", "is_nonzero") else number
        if name == "_to_copy" and to is not None and here:
            self.reads += 1
            return self._answer(args[0].shape).to(given.get("dtype") or args[0].dtype)
        if name == "copy_" and args[0].device.type == "cpu":
            self.reads += 1
            return args[0]
        if name in _COPIES | _INDICES:
            self.uploads += bool(on_cpu)
        elif any(tensor.ndim for tensor in on_cpu):
            shapes = ", ".join(f"{tuple(t.shape)} on {t.device.type}" for t in taken)
            raise RuntimeError(f"{name}: all tensors must be on one device, not {shapes}.")
        return super().__torch_dispatch__(func, types, args, kwargs)
