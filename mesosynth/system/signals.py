"""Signals that end the program: Ctrl-C, SIGTERM and SIGHUP, all raised as an interrupt.

SIGHUP comes when the terminal is closed. What ends by an interrupt runs its ``finally`` blocks, so
no shared memory, no child process and no draft of a file is left.
"""

import contextlib
import signal
import sys
import threading

TYPE_CHECKING = False  # true for type checkers, without the import of typing
if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType
    from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_LATER_SECONDS = 0.02


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

    One that is ignored stays so: nohup ignores SIGHUP. One that comes during an import waits for
    its end, since C++ libraries abort the process if an exception is raised while they load. One
    that is raised where Python drops exceptions, as in a finaliser, is raised again.
    """
    if threading.current_thread() is not threading.main_thread():  # no other may set handlers
        yield
        return
    has_timer = hasattr(signal, "setitimer")  # not on Windows
    alarm: Any = None  # the handler that was there before ours

    def stop(number: int, frame: "FrameType | None") -> None:
        if has_timer and _imports(frame):
            stop_later(number)
        else:
            raise Interrupted(number)

    def stop_later(number: int) -> None:
        nonlocal alarm
        before = signal.signal(signal.SIGALRM, lambda _, frame: stop(number, frame))
        alarm = before if alarm is None else alarm
        signal.setitimer(signal.ITIMER_REAL, _LATER_SECONDS)

    def dropped(unraisable: "sys.UnraisableHookArgs") -> None:
        if has_timer and isinstance(unraisable.exc_value, Interrupted):
            stop_later(unraisable.exc_value.number)
        else:
            previous_hook(unraisable)

    previous: dict[signal.Signals, Any] = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            previous[number] = signal.signal(number, stop)
    previous_hook, sys.unraisablehook = sys.unraisablehook, dropped
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
        sys.unraisablehook = previous_hook
        if alarm is not None:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, alarm)


def _imports(frame: "FrameType | None") -> bool:
    """Whether what runs in a frame was called by an import."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
