"""CUDA graphs: a function of tensors of fixed shapes, recorded once and launched as a whole.

An evaluation is some thousand short kernels. Launched one by one, they wait for the program; a
graph of them is launched at once.
"""

from collections.abc import Callable

import torch

Function = Callable[..., tuple[torch.Tensor, ...]]

_WARM_UP = 2  # runs before the recording, in which FFTs and products make their plans


class GraphedFunction:
    """Function of tensors on a GPU, recorded for each combination of shapes.

    What cannot be recorded is computed as usual.

    Parameters
    ----------
    function : callable
        Tensors to a tuple of tensors, without autograd; it must read nothing back from the GPU.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._recorded: dict[tuple[object, ...], _Recording | None] = {}

    def __call__(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Results for `given`, tensors on one GPU."""
        key = tuple((tensor.shape, tensor.dtype, tensor.device) for tensor in given)
        if key not in self._recorded:
            self._recorded[key] = _Recording.of(self._function, given)
        recording = self._recorded[key]
        return self._function(*given) if recording is None else recording.replay(given)


class _Recording:
    """Graph of one combination of shapes, with its own tensors."""

    def __init__(
        self,
        graph: torch.cuda.CUDAGraph,
        given: tuple[torch.Tensor, ...],
        results: tuple[torch.Tensor, ...],
    ) -> None:
        self._graph, self._given, self._results = graph, given, results

    @classmethod
    def of(cls, function: Function, given: tuple[torch.Tensor, ...]) -> "_Recording | None":
        """Recording of a function; None where it does something that no graph can hold."""
        given = tuple(tensor.clone() for tensor in given)
        aside = torch.cuda.Stream(given[0].device)
        aside.wait_stream(torch.cuda.current_stream(given[0].device))
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                function(*given)
        torch.cuda.current_stream(given[0].device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                results = function(*given)
        except RuntimeError:  # torch's, for a copy from the CPU's memory for example
            torch.cuda.synchronize(given[0].device)
            return None
        return cls(graph, given, results)

    def replay(self, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        for place, tensor in zip(self._given, given, strict=True):
            place.copy_(tensor)
        self._graph.replay()
        return tuple(result.clone() for result in self._results)
