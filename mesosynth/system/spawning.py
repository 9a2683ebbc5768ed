"""How our processes are born: with multiprocessing's "spawn", and without the parent's script."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Generator


@contextlib.contextmanager
def bare_main() -> Generator[None]:
    """Hide the main module, which a spawned process would import again.

    So a script needs no ``if __name__ == "__main__"``, and what it imports (Qt, torch) does not
    delay the process. It is born with Ctrl-C blocked, where there are such signals: its parent ends
    it, and no trace is left of a key that was pressed before it could say so itself.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        with _ctrl_c_blocked():
            yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _ctrl_c_blocked() -> Generator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def one_thread_each() -> Generator[None]:
    """Let processes that start meanwhile do their linear algebra in the thread that asks for it.

    A product that the callback shares with a helper waits for the helper, which has no priority.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """Let this process end at once when its parent does, however that ends."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()
