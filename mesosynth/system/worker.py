"""Child processes: :class:`Worker` for one that lasts, :func:`call` for a single question.

A child is born by multiprocessing's "spawn" and never imports the parent's main module. It ignores
Ctrl-C, which the parent answers, and ends when its parent ends, however that ends. Commands and
events are pickled; a thread of the parent writes the former and another reads the latter, so the
parent never waits for a pipe and the two ends cannot block each other.
"""

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import socket
import sys
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from mesosynth.errors import MesosynthError, WorkerError, WorkerTimeoutError
from mesosynth.system.cpu import Cores, computing_apart, keep_process_to, playing_apart

T = TypeVar("T")

_BACKLOG = 256  # events that wait for the parent before the child's `send` blocks
_LINGER = 1.0  # s from the end of a child's channel to the end of its process
_KILLED = 2.0  # s that the system may need to end a killed process
_SHORT_LIFE = 5.0  # s; a child that ends sooner is restarted later and later,
_LONGEST_WAIT = 8.0  # s, up to this
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready:
    """Event: the child has loaded what it needs."""


@dataclass(frozen=True, slots=True)
class Died:
    """Event: the child ended without being asked to.

    Attributes
    ----------
    exit_code : int
        0 if its main function returned, 1 if that raised; negative for a signal.
    hung : bool
        Whether it was killed because it had sent nothing for longer than its heartbeat.
    error : str
        What its main function raised: the message of a MesosynthError, or the name and the message
        of another exception; "" if it did not.
    """

    exit_code: int
    hung: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Command that :meth:`Channel.answer` answers."""

    request: object
    number: int


@dataclass(frozen=True, slots=True)
class _Answer:
    number: int
    value: object


@dataclass(frozen=True, slots=True)
class _Raised:
    error: str


@dataclass(frozen=True, slots=True)
class _Stop:
    """Command: end soon."""


_END = object()  # the reader has read all that the child sent


class Channel:
    """The child's end: commands come, events go. One thread reads; any thread may send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._commands: deque[object] = deque()
        self._stopping = False
        self._sending = threading.Lock()

    @property
    def stopping(self) -> bool:
        """Whether the child has been asked to end; commands sent before may still be waiting."""
        self._read(0.0)
        return self._stopping

    def receive(self, timeout: float | None = None) -> object | None:
        """Return the next command, or None after `timeout` seconds or if the child should end."""
        self._read(0.0 if self._commands or self._stopping else timeout)
        return self._commands.popleft() if self._commands else None

    def poll(self) -> list[object]:
        """All commands since the last call; does not wait."""
        self._read(0.0)
        commands = list(self._commands)
        self._commands.clear()
        return commands

    def send(self, event: object) -> None:
        """Send an event; waits only while the parent has hundreds of them to read."""
        with self._sending:
            try:
                self._connection.send(event)
            except OSError:  # the parent is gone
                self._stopping = True

    def ready(self) -> None:
        """Tell the parent that everything is loaded: :attr:`Worker.ready`."""
        self.send(Ready())

    def answer(self, question: Question, value: object) -> None:
        """Answer a question.

        Parameters
        ----------
        question : Question
        value : object
            Can be pickled; :meth:`Worker.ask` raises it if it is a MesosynthError.
        """
        self.send(_Answer(question.number, value))

    def _read(self, timeout: float | None) -> None:
        try:
            while self._connection.poll(timeout):
                command, timeout = self._connection.recv(), 0.0
                if isinstance(command, _Stop):
                    self._stopping = True
                else:
                    self._commands.append(command)
        except (EOFError, OSError):
            self._stopping = True


class Worker:
    """A supervised child process. Not thread-safe: one thread holds it and polls it often.

    Parameters
    ----------
    main : callable
        Function of a module, called in the child as ``main(channel, *args)`` with a
        :class:`Channel`; it returns soon after :attr:`Channel.stopping` becomes true.
    *args
        Can be pickled. The attribute `args` holds them for the next start.
    name : str
        Of the process, for messages.
    nice : int
        Added to the priority number that the child inherits, 0 to 19; 19 is the lowest priority.
    cores : "playing", "computing" or None
        Where it may run, as :mod:`mesosynth.system.cpu` divides them; None for everywhere.
        In the child :func:`mesosynth.system.cpu.cores` counts only these.
    threads : int, optional
        Threads of BLAS and OpenMP at most, 1 or more.
    heartbeat : float, optional
        Seconds without an event after which the child counts as hung and is killed.
    restart : bool
        Start it again after it died, at the first :meth:`poll` after the one that gave
        :class:`Died`; a child that dies at once again and again is given up to 8 s of rest.
    """

    def __init__(
        self,
        main: Callable[..., object],
        *args: object,
        name: str = "mesosynth worker",
        nice: int = 0,
        cores: Cores | None = None,
        threads: int | None = None,
        heartbeat: float | None = None,
        restart: bool = False,
    ) -> None:
        self.args = args
        self._main, self._name = main, name
        self._nice, self._threads = nice, threads
        self._cores: Cores | None = cores
        self._heartbeat, self._restart = heartbeat, restart
        self._process: SpawnProcess | None = None
        self._kept: list[object] = []  # events that came while something else was waited for
        self._asked = 0
        self._short_lives = 0
        self._restart_at: float | None = None

    def start(self) -> None:
        """Start the process and return at once; no effect while it lives.

        Raises
        ------
        WorkerError
            If the system cannot start a process.
        """
        if self._process is not None:
            return
        self._kept = []
        self._short_lives, self._restart_at = 0, None
        self._launch()

    @property
    def alive(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.exitcode is None

    @property
    def pid(self) -> int | None:
        """The process's number; None before the start and after the end."""
        return None if self._process is None else self._process.pid

    @property
    def ready(self) -> bool:
        """Whether the child has called :meth:`Channel.ready` since it was started."""
        if self._process is not None:
            self._kept += self._take(0.0)
        return self._process is not None and self._is_ready

    def send(self, command: object) -> None:
        """Send a command; returns at once, and does nothing if the child is dead."""
        if self.alive:
            self._commands.put(bytes(ForkingPickler.dumps(command)))  # a view fails at exit

    def poll(self, timeout: float = 0.0) -> list[object]:
        """Events since the last call, :class:`Died` among them if the child has ended.

        Returns at once, or with the first event within `timeout` seconds.
        """
        if self._restart_at is not None and time.monotonic() >= self._restart_at:
            self._restart_at = time.monotonic() + _LONGEST_WAIT  # if the system refuses
            with contextlib.suppress(WorkerError):
                self._launch()
                self._restart_at = None
        events, self._kept = self._kept, []
        if self._process is None:
            return events
        events += self._take(0.0 if events or self._ended else timeout)
        if self._ended:
            self._process.join(min(timeout, _LINGER))
        code, silent = self._process.exitcode, time.monotonic() - self._heard_at
        hung = code is None and self._heartbeat is not None and silent > self._heartbeat
        if code is None and (hung or (self._ended and silent > _LINGER)):
            code = self._kill()
        if code is not None:
            short = time.monotonic() - self._began < _SHORT_LIFE
            events += self._close()
            events.append(Died(code, hung, self._error))
            if self._restart:
                wait = min(0.25 * 2.0**self._short_lives, _LONGEST_WAIT) if short else 0.0
                self._short_lives = self._short_lives + 1 if short else 0
                self._restart_at = time.monotonic() + wait
        return [event for event in events if not isinstance(event, _Answer)]  # a late one

    def ask(self, request: object, timeout: float) -> Any:  # noqa: ANN401 - each has its own answer
        """Send a :class:`Question` and wait for its answer; other events wait for :meth:`poll`.

        Parameters
        ----------
        request : object
        timeout : float
            Seconds.

        Raises
        ------
        WorkerError
            If the child is dead or does not answer in time.
        MesosynthError
            The answer, if the child answers with an error.
        """
        self._asked += 1
        self.send(Question(request, self._asked))
        end = time.monotonic() + timeout
        while self._process is not None and not self._ended and time.monotonic() < end:
            for event in self._take(end - time.monotonic()):
                if not isinstance(event, _Answer):
                    self._kept.append(event)
                elif event.number == self._asked:
                    if isinstance(event.value, MesosynthError):
                        raise event.value
                    return event.value
        if self._process is None or self._ended:
            raise WorkerError(f"{self._name} has ended; restart it.")
        raise WorkerError(
            f"{self._name} did not answer {request!r} within {timeout:g} seconds; restart it."
        )

    def stop(self, grace: float = 0.0) -> None:
        """Ask the child to end, and kill it after `grace` seconds. A second call does nothing.

        :class:`Died` does not follow; the last events wait for :meth:`poll`.
        """
        self._restart_at = None
        if self._process is None:
            return
        end = time.monotonic() + grace
        if grace > 0.0:
            self.send(_Stop())
        while (left := end - time.monotonic()) > 0.0 and self._process.exitcode is None:
            if self._ended:
                self._process.join(left)
            else:  # a child that waits for its pipe is let on
                self._kept += self._take(left)
        self._kill()
        self._kept += self._close()

    def _launch(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_run,
            args=(theirs, self._nice, self._cores, self._threads, _Later((self._main, *self.args))),
            name=self._name,
            daemon=True,
        )
        try:
            _spawn(process, self._cores)
        except OSError as error:
            ours.close()
            raise WorkerError(f"{self._name} cannot be started ({error}).") from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._process, self._connection = process, ours
        self._is_ready, self._ended, self._error = False, False, ""
        self._began = self._heard_at = time.monotonic()
        self._events: queue.Queue[object] = queue.Queue(_BACKLOG)
        self._commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._pumps = [
            threading.Thread(target=read, args=(ours, box), name=self._name, daemon=True)
            for read, box in ((_read_events, self._events), (_write_commands, self._commands))
        ]
        for pump in self._pumps:
            pump.start()

    def _take(self, timeout: float) -> list[object]:
        """Events that have come, or the first that comes within `timeout` seconds."""
        events: list[object] = []
        with contextlib.suppress(queue.Empty):
            for _ in range(max(1, self._events.qsize())):
                event = self._events.get(timeout > 0.0, timeout)
                timeout, self._heard_at = 0.0, time.monotonic()
                if event is _END:
                    self._ended = True
                    break
                if isinstance(event, _Raised):
                    self._error = event.error
                    continue
                self._is_ready |= isinstance(event, Ready)
                events.append(event)
        return events

    def _kill(self) -> int:
        assert self._process is not None
        self._process.kill()
        self._process.join(_KILLED)
        code = self._process.exitcode
        return -int(getattr(signal, "SIGKILL", 9)) if code is None else code

    def _close(self) -> list[object]:
        """Give back everything that belonged to a dead child, and return its last events."""
        assert self._process is not None
        _hang_up(self._connection)
        events: list[object] = []
        end = time.monotonic() + _LINGER
        while not self._ended and time.monotonic() < end:
            events += self._take(end - time.monotonic())
        self._commands.put(None)
        for pump in self._pumps:
            pump.join(_LINGER)
        self._connection.close()
        with contextlib.suppress(ValueError):  # the system could not end it
            self._process.close()
        self._process = None
        return events


def call(function: Callable[..., T], *args: object, timeout: float, nice: int = 0) -> T:
    """Return ``function(*args)`` as a child process finds it, which may hang or crash.

    The child keeps to the cores that compute, without real-time priority even if this thread has
    it, and what it prints is dropped.

    Parameters
    ----------
    function : callable
        Of a module; arguments and result can be pickled.
    *args
    timeout : float
        Seconds, the start of the child included; then it is killed.
    nice : int
        As in :class:`Worker`.

    Raises
    ------
    MesosynthError
        What the function raised, if it is one of these.
    WorkerTimeoutError
        If it takes longer than `timeout`.
    WorkerError
        If it crashes, raises anything else, or its result cannot be pickled.
    """
    name = _words(function)
    worker = Worker(
        _answer_call, _Later((function, *args)), name=name, nice=nice, cores="computing", threads=1
    )
    worker.start()
    end = time.monotonic() + timeout
    try:
        while (left := end - time.monotonic()) > 0.0:
            for event in worker.poll(left):
                match event:
                    case _Result(error=None, value=value):
                        return value
                    case _Result(error=error) if error is not None:
                        raise error
                    case Died(code):
                        raise WorkerError(f"{name} crashed ({_ending(code)}).")
                    case _:
                        pass
    finally:
        worker.stop()
    raise WorkerTimeoutError(f"{name} did not answer within {timeout:g} seconds.")


def drop_output() -> None:
    """[child] Drop what plugins, libraries and drivers print from now on."""
    with open(os.devnull, "w") as nothing:
        for descriptor in (1, 2):
            os.dup2(nothing.fileno(), descriptor)


@dataclass(frozen=True, slots=True)
class _Result:
    value: Any
    error: MesosynthError | None = None


def _answer_call(channel: Channel, question: "_Later") -> None:
    """Answer a :func:`call`; the child's main function."""
    drop_output()
    name = "the function"
    try:
        function, *args = question.load()
        name = _words(function)
        result = _Result(function(*args))
        pickle.loads(ForkingPickler.dumps(result))
    except MesosynthError as error:
        result = _Result(None, error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - told to the parent
        told = WorkerError(f"{name} failed ({type(error).__name__}: {error}).")
        told.add_note(traceback.format_exc())
        result = _Result(None, told)
    channel.send(result)


def _words(function: Callable[..., object]) -> str:
    """Name of a function as a sentence may begin with it."""
    return function.__name__.strip("_").replace("_", " ")


def _ending(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class _Later:
    """A function and its arguments, which the child unpickles when it asks for them."""

    def __init__(self, content: tuple[Any, ...] | bytes) -> None:
        self._content = content

    def __reduce__(self) -> tuple[type["_Later"], tuple[bytes]]:
        return _Later, (bytes(ForkingPickler.dumps(self._content)),)

    def load(self) -> tuple[Any, ...]:
        return pickle.loads(self._content) if isinstance(self._content, bytes) else self._content


_ONE_BIRTH = threading.Lock()
_CORES = {"playing": playing_apart, "computing": computing_apart, None: contextlib.nullcontext}


def _spawn(process: SpawnProcess, cores: Cores | None) -> None:
    """Start a process from a thread of its own, from which it inherits what a thread has.

    On Linux that is the cores, the priority and the mask of signals. Nothing has to be put back
    afterwards, which unprivileged processes could not do with SCHED_RESET_ON_FORK.
    """
    errors: list[BaseException] = []

    def start() -> None:
        try:
            _resettle_thread()
            with _CORES[cores](), _ONE_BIRTH, hidden_main():
                process.start()
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=start, name="birth")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def _resettle_thread() -> None:
    """Let what this thread starts have no real-time priority, and Ctrl-C blocked for now."""
    if os.name == "posix":
        start_tracker()  # before the mask: its own start would clear it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the child ignores it
    if hasattr(os, "SCHED_RESET_ON_FORK"):
        with contextlib.suppress(OSError):
            policy = os.sched_getscheduler(0) | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, policy, os.sched_getparam(0))


def start_tracker() -> None:
    """Start Python's process that removes what is left of shared memory; it outlives a SIGHUP."""
    if os.name != "posix":
        return
    from multiprocessing import resource_tracker

    # It lets Ctrl-C and SIGTERM pass, but not a closed terminal. The mask is inherited.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def hidden_main() -> Generator[None]:
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


def _run(
    connection: Connection, nice: int, cores: Cores | None, threads: int | None, work: _Later
) -> None:
    """Run a child; nothing of its own work has been imported yet."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if nice:
        _lower_priority(nice)  # first: threads inherit it
    end_with_parent()
    multiprocessing.current_process().daemon = False  # it may have children, which end with it
    if threads is not None:
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    if cores is not None:
        keep_process_to(cores)
    channel = Channel(connection)
    try:
        main, *args = work.load()
        main(channel, *args)
    except MesosynthError as error:
        channel.send(_Raised(str(error)))
        sys.exit(1)
    except Exception as error:
        channel.send(_Raised(f"{type(error).__name__}: {error}"))
        raise


def _lower_priority(nice: int) -> None:
    import psutil

    process = psutil.Process()
    with contextlib.suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(min(19, process.nice() + nice))


def end_with_parent() -> None:
    """[child] End at once when the parent ends, however that ends."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()


def _read_events(connection: Connection, events: "queue.Queue[object]") -> None:
    try:
        while True:
            events.put(connection.recv())
    except (EOFError, OSError):
        pass
    finally:
        events.put(_END)


def _write_commands(connection: Connection, commands: "queue.SimpleQueue[bytes | None]") -> None:
    with contextlib.suppress(OSError):  # the child is dead, which the reader notices
        while (command := commands.get()) is not None:
            connection.send_bytes(command)


def _hang_up(connection: Connection) -> None:
    """End what still reads or writes at our end, as the death of the child usually does.

    A process that a plugin forked may hold the other end.
    """
    if hasattr(socket, "AF_UNIX"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)
