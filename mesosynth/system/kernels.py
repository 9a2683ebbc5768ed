"""Kernels: sample loops in Python that numba compiles to machine code."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(signature: str) -> Callable[[F], F]:
    """Decorator that compiles a sample loop for one signature, when its module is imported.

    The machine code is kept beside the module, or in the user's cache folder where that is
    read-only. Nothing is left to compile at a call, so a kernel may run in the audio callback, and
    the interpreter is free while it runs. Division by zero gives infinity, as in NumPy.

    Parameters
    ----------
    signature : str
        In numba's notation, such as ``"void(f8[::1], f8, f4[:, :])"``.

    Returns
    -------
    callable
        A decorator that keeps the function's type.
    """
    compiled = numba.njit(signature, nogil=True, cache=True, error_model="numpy")
    return cast("Callable[[F], F]", compiled)
