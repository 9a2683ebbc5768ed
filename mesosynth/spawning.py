"""How our processes are born: with multiprocessing's "spawn", and without the parent's script."""

import contextlib
import multiprocessing
import os
import sys
import threading
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


def end_with_parent() -> None:
    """Let this process end at once when its parent does, however that ends."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()
