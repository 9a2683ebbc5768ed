"""Ambient state of torch, kept out of the numbers: autocast, default dtype and device, inference.

Programs around set these for their own tensors. What is computed here has the dtype and the device
of its input, and what is kept for the next call must serve in every mode.
"""

import contextlib
from collections.abc import Generator
from typing import Any, TypeVar

import torch

S = TypeVar("S")
R = TypeVar("R")


@contextlib.contextmanager
def neutral(device: str = "cpu", *, kept: bool = False) -> Generator[None]:
    """Context without half precision, and with float32 and the CPU where nothing else is said.

    Parameters
    ----------
    device : str
        Type of the device that is computed on.
    kept : bool
        Whether tensors made in it are kept for other calls, so that they must be no inference
        tensors, with which autograd could not compute later.
    """
    with contextlib.ExitStack() as stack:
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_dtype() != torch.float32:
            stack.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if kept and torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        yield


def neutral_steps(
    steps: Generator[S, Any, R], device: str = "cpu", *, kept: bool = False
) -> Generator[S, Any, R]:
    """Run a generator in a neutral context, which is left while its caller does other work.

    Parameters
    ----------
    steps : generator
    device : str
        As in :func:`neutral`.
    kept : bool
        As in :func:`neutral`.

    Yields
    ------
    Whatever `steps` yields.

    Returns
    -------
    Its result.
    """
    value: Any = None
    error: Exception | None = None
    with contextlib.closing(steps):
        while True:
            try:
                with neutral(device, kept=kept):
                    step = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value
            value = error = None
            try:
                value = yield step
            except Exception as caught:  # noqa: BLE001 - thrown on into the generator
                error = caught
