"""Kernels: sample loops in Python that numba compiles to machine code.

The machine code is kept in a cache, beside the module or in the user's cache folder, so that it is
compiled once. ``python -m mesosynth.system.kernels`` compiles all loops of the package, and the
audio process loads them before it opens a device.
"""

import contextlib
import functools
import gc
import hashlib
import importlib
import logging
import re
import sys
import traceback
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import PluginError

F = TypeVar("F", bound=Callable[..., Any])

F4, F8, I8 = NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]
"""Arrays of kernels, by the names of their elements in numba's notation."""

LOOP_FOLDERS = ("instruments", "effects", "engine")
"""Folders whose modules hold sample loops beside the classes that play them."""

_PACKAGE = Path(__file__).parents[1]
_log = logging.getLogger(__name__)
_told = False
_PLACE = re.compile(r'File "([^"]+)", line (\d+)|" at (.+) \((\d+)\)')
_ARRAY_COPY = re.compile(r'lowering ".+\[.+\] = ')
_ALLOCATES = ("NRT required but not enabled", "Only accept returning of array passed")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def kernel(signature: str) -> Callable[[F], F]:
    """Decorator that compiles a sample loop for one signature, when its module is imported.

    Nothing is left to compile at a call, so a kernel may run in the audio callback, and the
    interpreter is free while it runs. A loop that makes arrays or lists is refused. Division by
    zero gives infinity, as in NumPy. Where no folder for the machine code is writable, each process
    compiles for itself, and the log says so.

    Parameters
    ----------
    signature : str
        In numba's notation, such as ``"void(f8[::1], f8, f4[:, :])"``.

    Returns
    -------
    callable
        A decorator that keeps the function's type.

    Raises
    ------
    PluginError
        By the decorator, if the loop does not compile: a sentence with its file and line.

    Examples
    --------
    >>> @kernel("void(f4[:, :], f8)")
    ... def gain(block, amplitude):
    ...     for i in range(block.shape[1]):
    ...         block[0, i] *= amplitude
    ...         block[1, i] *= amplitude
    """

    def decorate(function: F) -> F:
        _compile_in(function.__globals__, function.__code__.co_names)
        try:
            try:
                return _compiled(function, signature, cache=True)
            except (RuntimeError, OSError) as error:  # numba has no folder, or the disk is full
                _tell_once(f"Sample loops are compiled by each process, as none is kept: {error}")
                return _compiled(function, signature, cache=False)
        except Exception as error:  # numba has many
            raise _refusal(function, error) from error

    return decorate


def loop(signature: str) -> Callable[[F], F]:
    """Decorator for a sample loop that stands beside the class that plays it.

    Nothing is compiled, and numba is not imported, before :func:`compile_loops`, so that whoever
    only reads the class's parameters starts fast.

    Parameters
    ----------
    signature : str
        As for :func:`kernel`.

    Returns
    -------
    callable
        A decorator that keeps the function's type.
    """
    return lambda function: cast("F", _Loop(function, signature))


def compile_loops(module: str) -> None:
    """[control] Put kernels in the place of a module's sample loops, its own and imported ones.

    Raises
    ------
    PluginError
        If one does not compile.
    """
    _compile_in(vars(sys.modules[module]))


class _Loop:
    """Sample loop that waits to be compiled; a call compiles it."""

    def __init__(self, function: Callable[..., Any], signature: str) -> None:
        functools.update_wrapper(self, function)
        self._function, self._signature = function, signature

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 - any loop
        return self.kernel(*arguments)

    @functools.cached_property
    def kernel(self) -> Callable[..., Any]:
        """The kernel."""
        return kernel(self._signature)(self._function)


def _compile_in(namespace: dict[str, Any], names: Iterable[str] | None = None) -> None:
    for name in [*namespace] if names is None else names:
        if isinstance(value := namespace.get(name), _Loop):
            namespace[name] = value.kernel


def _compiled(function: F, signature: str, cache: bool, memory: bool = False) -> F:
    """Kernel of a function; without `memory` it has nothing to allocate arrays with."""
    import numba
    from numba.core.caching import FunctionCache
    from numba.core.errors import NumbaError

    class KernelCache(FunctionCache):
        """Numba's cache, whose key also holds the constants that are frozen in the machine code.

        Numba compares the time of the function's own file and the bytecode: a constant of another
        module, or a file that is saved again while it is read, would bring old machine code.
        """

        def _index_key(self, sig: Any, codegen: Any) -> Any:  # noqa: ANN401 - numba has no types
            return (*super()._index_key(sig, codegen), _constants(function))

        def load_overload(self, sig: Any, target_context: Any) -> Any:  # noqa: ANN401
            try:
                return super().load_overload(sig, target_context)
            except Exception as error:  # noqa: BLE001 - an empty or broken file: anything
                _log.info("%s is compiled anew: %s", function.__qualname__, error)
                self.flush()
                return None

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": memory}
    loop: Any = numba.njit(**options)(function)
    if loop is function:  # NUMBA_DISABLE_JIT leaves it in Python, for debuggers
        return function
    if cache:
        loop._cache = KernelCache(function)
    try:
        loop.compile(signature)
    except NumbaError as error:
        if memory or not _ARRAY_COPY.search(str(error)):
            raise
        # ``a[:] = b`` needs memory where the two overlap, which the compiler cannot know.
        return _compiled(function, signature, cache, memory=True)
    loop.disable_compile()
    return cast("F", loop)


def _constants(function: Callable[..., Any]) -> str:
    """Constants in a function, in its globals, and in the kernels that it calls."""
    code = function.__code__
    found = [repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType)]
    for name in code.co_names:
        value: Any = function.__globals__.get(name)
        if hasattr(value, "py_func"):
            found.append(value.py_func.__code__.co_code.hex() + _constants(value.py_func))
        elif isinstance(value, np.ndarray):
            found.append(value.tobytes().hex())
        elif isinstance(value, (int, float, complex, str, tuple)):
            found.append(repr(value))
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def load_kernels(
    each: Callable[[int, int], None] | None = None, compiling: Callable[[], None] | None = None
) -> int:
    """Import all modules of the package that hold kernels; return their number.

    Parameters
    ----------
    each : callable, optional
        Called before each module with its number, from 1, and the number of modules.
    compiling : callable, optional
        Called before each loop that is compiled because it is not in the cache.
    """
    files = sorted(path for path in _PACKAGE.rglob("*.py") if _holds_loops(path))
    with _uncollected(), compilations(compiling):
        for number, path in enumerate(files, 1):
            if each is not None:
                each(number, len(files))
            compile_loops(_imported(path).__name__)
    return len(files)


def _holds_loops(path: Path) -> bool:
    return path.parent.name in LOOP_FOLDERS and "@loop(" in path.read_text(encoding="utf-8")


@contextlib.contextmanager
def _uncollected() -> Generator[None]:
    """Context without garbage collection: what numba imports is none, and looking costs a fifth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def cache_folder() -> Path | None:
    """Folder in which the machine code of this folder's loops is kept; None if none is writable."""
    from numba.core.caching import FunctionCache

    try:
        return Path(FunctionCache(cache_folder).cache_path)
    except RuntimeError:
        return None


@contextlib.contextmanager
def compilations(before: Callable[[], None] | None = None) -> Generator[list[str]]:
    """Context in which compilations are noted: yields the list of the functions' names.

    Parameters
    ----------
    before : callable, optional
        Called before each of them.

    Yields
    ------
    list of str
    """
    from numba.core import event

    names: list[str] = []

    class CompileListener(event.Listener):
        def on_start(self, event: Any) -> None:  # noqa: ANN401 - numba has no types
            if before is not None:
                before()
            names.append(event.data["dispatcher"].py_func.__qualname__)

        def on_end(self, event: Any) -> None:  # noqa: ANN401
            pass

    with event.install_listener("numba:compile", CompileListener()):
        yield names


def _imported(path: Path) -> Any:  # noqa: ANN401 - a module
    """Module of the package in a file."""
    relative = path.relative_to(_PACKAGE.parent).with_suffix("")
    return importlib.import_module(".".join(relative.parts))


def _tell_once(text: str) -> None:
    global _told
    if not _told:
        _told = True
        _log.warning("%s", text)


def _refusal(function: Callable[..., Any], error: Exception) -> PluginError:
    """Sentence for a loop that numba does not compile."""
    text = _COLOURS.sub("", str(error))
    code = function.__code__
    found = [match.groups() for match in _PLACE.finditer(text)]
    place = [(Path(a or b).name, int(line or number)) for a, line, b, number in found]
    own = [(name, line) for name, line in place if name == Path(code.co_filename).name]
    name, line = (own or [(Path(code.co_filename).name, code.co_firstlineno)])[-1]
    lines = [part.strip() for part in text.splitlines()]
    reasons = [part for part in lines if part and not part.startswith(("Failed in", "File ", "["))]
    reason = (reasons or ["numba refuses it"])[0].rstrip(".:")
    if any(sign in text for sign in _ALLOCATES):
        reason = "it allocates an array; allocate it in prepare and pass it"
    return PluginError(
        f"{name}, line {line}: the sample loop {function.__name__} does not compile: {reason}.",
        "".join(traceback.format_exception(error)),
    )


def main() -> None:
    """Compile all loops of the package, with one line of progress."""
    terminal = sys.stdout.isatty()
    text = "Sample loops are being compiled, once"

    def show(number: int, of: int) -> None:
        if terminal:
            print(f"\r{text}: {number} of {of} ", end="", flush=True)

    if not terminal:
        print(text, end="", flush=True)
    count = load_kernels(show)
    for path in sorted(_PACKAGE.rglob("*_loops.py")):  # of computations, which never play
        _imported(path).compile_loops()
    print(f"\r{text}: all {count} are ready." if terminal else f": all {count} are ready.")


if __name__ == "__main__":
    # Of this module's two copies, the loops are of the one that instruments import.
    importlib.import_module("mesosynth.system.kernels").main()
