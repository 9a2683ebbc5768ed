"""Signals of a session's parts, delivered in the order of the events."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, TypeVar

import psygnal
from psygnal import EmitLoopError, SignalInstance, emit_queued
from typing_extensions import override

F = TypeVar("F", bound=Callable[..., Any])
Severity = Literal["info", "warning", "error"]


class _HeardByAll(SignalInstance):
    """A psygnal signal that calls all listeners even if one of them raises.

    psygnal calls listeners directly, up to the first that raises, or puts the calls into the queue
    of a thread, where each is on its own. Here that thread is one that never runs.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - psygnal's
        super().__init__(*args, **options)
        self._queue = threading.Thread(name=self.name)

    @override
    def connect(self, slot: F, **options: Any) -> F:  # pyright: ignore[reportIncompatibleMethodOverride] - not as a decorator
        """Call `slot` with each emission; a method only as long as its object lives."""
        return super().connect(slot, thread=self._queue, **options)

    @override
    def emit(self, *args: Any, **options: Any) -> None:
        """Call all listeners, and then raise the first error of one."""
        super().emit(*args, **options)
        first: EmitLoopError | None = None
        while True:
            try:
                emit_queued(self._queue)
                break
            except EmitLoopError as error:
                first = first or error
        if first is not None:
            raise first


Signal = partial(psygnal.Signal, signal_instance_class=_HeardByAll)
"""Signal of a part, as a class attribute: ``changed = Signal(dict, str)``."""


class Emitter:
    """Delivery of all signals of one session, in order, in the thread of the session's caller.

    A signal is delivered at once or, within :meth:`held`, at the end of the block. Signals that a
    listener causes are delivered after the present one has reached all listeners. An error of a
    listener does not stop the delivery: :meth:`raise_error` raises it later.
    """

    def __init__(self) -> None:
        self._queue: deque[tuple[SignalInstance, tuple[object, ...], str | None]] = deque()
        self._waiting: Counter[tuple[SignalInstance, str]] = Counter()
        self._held = 0
        self._errors: list[EmitLoopError] = []
        self._closed = False

    def __call__(self, signal: SignalInstance, *args: object, newest: str | None = None) -> None:
        """Emit a signal.

        Parameters
        ----------
        signal : SignalInstance
        *args
            Its arguments.
        newest : str, optional
            Name of a value: of all waiting signals with one name only the newest is delivered.
        """
        if self._closed:
            return
        if newest is not None:
            self._waiting[signal, newest] += 1
        self._queue.append((signal, args, newest))
        if not self._held:
            with self.held():
                pass

    @contextmanager
    def held(self) -> Generator[None]:
        """Context that delivers all signals at its end, when all related state has changed."""
        self._held += 1
        try:
            yield
        finally:
            try:
                if self._held == 1:
                    self._deliver()
            finally:
                self._held -= 1

    def drop(self, signal: SignalInstance) -> set[str]:
        """Deliver nothing of a signal that waits: what it tells of is no more.

        Returns
        -------
        set of str
            The names, see `newest`, under which something waited.
        """
        self._queue = deque(waiting for waiting in self._queue if waiting[0] is not signal)
        dropped = [key for key in self._waiting if key[0] is signal and self._waiting[key]]
        for key in dropped:
            del self._waiting[key]
        return {name for _, name in dropped}

    def raise_error(self) -> None:
        """Raise the first error of a listener since the last call.

        Raises
        ------
        EmitLoopError
            With a note if there were others.
        """
        if self._errors:
            first, others = self._errors[0], len(self._errors) - 1
            self._errors.clear()
            if others:
                first.add_note(f"{others} more listeners raised an error.")
            raise first

    def close(self) -> None:
        """Stop delivering."""
        self._closed = True
        self._queue.clear()

    def _deliver(self) -> None:
        while self._queue:
            signal, args, newest = self._queue.popleft()
            if newest is not None:
                self._waiting[signal, newest] -= 1
                if self._waiting[signal, newest]:
                    continue
            try:
                signal.emit(*args)
            except EmitLoopError as error:
                self._errors.append(error)


class Messages:
    """Sentences for the user."""

    said = Signal(str, str)
    """A sentence, and its severity: "info", "warning" or "error"."""

    def __init__(self, emit: Emitter) -> None:
        self._emit = emit

    def say(self, text: str, severity: Severity = "info") -> None:
        """Send a message to the user.

        Parameters
        ----------
        text : str
            One sentence.
        severity : {"info", "warning", "error"}
        """
        self._emit(self.said, text, severity)
