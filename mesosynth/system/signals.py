"""Signals that end the program: Ctrl-C, SIGTERM and SIGHUP, all raised as an interrupt.

SIGHUP comes when the terminal is closed. What ends by an interrupt runs its ``finally`` blocks, so
no shared memory, no child process and no draft of a file is left.
"""

import contextlib
import os
import signal
import threading

TYPE_CHECKING = False  # true for type checkers, without the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(KeyboardInterrupt):
    """A signal asks the program to end.

    Attributes
    ----------
    number : int
        Of the signal; the exit code is 128 above it.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Exit code of a program that a signal has ended: 130 for Ctrl-C."""
    return 128 + (interrupt.number if isinstance(interrupt, Interrupted) else int(signal.SIGINT))


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception is the user's wish to end the program.

    A plugin may raise KeyboardInterrupt itself; in a child process, which ignores Ctrl-C, that is
    a fault like any other.
    """
    return (
        isinstance(error, KeyboardInterrupt)
        and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    )


@contextlib.contextmanager
def raised_signals() -> "Generator[None]":
    """Raise signals that end the program as :class:`Interrupted`.

    One that is ignored stays so: nohup ignores SIGHUP.
    """

    def stop(number: int, _: object) -> None:
        raise Interrupted(number)

    with _handled(stop):
        yield


@contextlib.contextmanager
def leave_at_once(before: "Callable[[], object]" = lambda: None) -> "Generator[None]":
    """End the process at a signal, without any clean-up but `before`.

    For imports of C++ libraries that abort the process if an exception is raised inside.
    """

    def leave(number: int, _: object) -> None:
        before()
        os._exit(128 + number)

    with _handled(leave):
        yield


@contextlib.contextmanager
def _handled(handler: "Callable[[int, object], None]") -> "Generator[None]":
    previous: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():  # no other may set handlers
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
