"""How our processes are born: with multiprocessing's "spawn", and without the parent's script."""

import contextlib
import sys
import types
from collections.abc import Generator


@contextlib.contextmanager
def bare_main() -> Generator[None]:
    """Hide the main module, which a spawned process would import again.

    So a script needs no ``if __name__ == "__main__"``, and what it imports (Qt, torch) does not
    delay the process.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
