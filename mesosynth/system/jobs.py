"""Jobs: computations in steps that run in one child process, by priority.

A job is a generator function, see :mod:`mesosynth.system.steps`. Between any two of its steps the
child looks for commands and for jobs that are more urgent. When the child dies it is started again,
and its jobs with it; one that resumes goes on where it stood, from its evaluations.
"""

import importlib
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mesosynth.errors import MesosynthError
from mesosynth.system.steps import Evaluation, EvaluationCache, Stopped, stop
from mesosynth.system.worker import Channel, Died, Worker

_MOST_DEATHS = 3  # of the child in a row, until a job is given up


@dataclass(frozen=True, slots=True)
class JobKind:
    """Kind of a job.

    Attributes
    ----------
    function : str
        "module:function", a generator function that is imported in the child.
    priority : int
        The lowest number runs first.
    resumes : bool
        Whether it takes the keyword `cache`, an :class:`EvaluationCache`, and yields each
        :class:`Evaluation`. Started again with these, it goes on where it stood.
    newest_only : bool
        Whether of several that wait only the newest counts.
    rest : float
        s between the beginnings of two, while jobs of another kind run.
    """

    function: str
    priority: int = 0
    resumes: bool = False
    newest_only: bool = False
    rest: float = 0.0


# --------------------------------------------------------------------------------------------------
# Events of a job


@dataclass(frozen=True, slots=True)
class Stepped:
    """The job took a step."""

    step: Any


@dataclass(frozen=True, slots=True)
class Done:
    """The job ended; without a result if it was stopped before it had one."""

    result: Any
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended with an error, which `text` tells in one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The job stands still."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The child process had died and was started again; no job's event."""


JobEvent = Stepped | Done | Failed | Paused | Restarted


# --------------------------------------------------------------------------------------------------
# In the child


@dataclass(frozen=True, slots=True)
class _Start:
    number: int
    name: str
    args: tuple[object, ...]
    evaluations: tuple[Evaluation, ...]
    paused: bool


@dataclass(frozen=True, slots=True)
class _Tell:
    """Something for a job: to stop, cancel, pause or resume, or a value for it."""

    number: int
    what: str
    value: object = None


@dataclass(eq=False)
class _Running:
    number: int
    priority: int
    steps: Generator[Any, Any, Any]
    cache: EvaluationCache
    paused: bool
    stands: bool = False
    begun: bool = False
    values: deque[object] = field(default_factory=deque[object])


def run_jobs(
    channel: Channel, kinds: Mapping[str, JobKind], prepare: Callable[[], object] | None
) -> None:
    """Run jobs until the parent ends it: the child's main function.

    Parameters
    ----------
    channel : Channel
    kinds : mapping
        By the name of the job.
    prepare : callable, optional
        Called first, for imports that take long.
    """
    if prepare is not None:
        prepare()
    channel.ready()
    JobRunner(channel, kinds).run()


class JobRunner:
    """Runs the most urgent job step by step, and looks for commands in between.

    Parameters
    ----------
    channel : Channel
    kinds : mapping
        By the name of the job.
    """

    def __init__(self, channel: Channel, kinds: Mapping[str, JobKind]) -> None:
        self._channel, self._kinds = channel, kinds
        self._jobs: dict[int, _Running] = {}

    def run(self) -> None:
        """Run until the parent ends it."""
        while not self._channel.stopping:
            for command in self._channel.poll():
                self._take(command)
            able = [job for job in self._jobs.values() if not job.stands]
            if able:
                self._advance(min(able, key=lambda job: (job.priority, job.number)))
            elif (command := self._channel.receive()) is not None:
                self._take(command)

    def _take(self, command: object) -> None:
        if isinstance(command, _Start):
            self._start(command)
            return
        assert isinstance(command, _Tell)
        job = self._jobs.get(command.number)
        if job is None:  # it has ended by itself
            return
        match command.what:
            case "stop":
                self._finish(job, partial(stop, job.steps), stopped=True)
            case "cancel":
                del self._jobs[job.number]
                job.steps.close()
            case "pause":
                job.paused = True
            case "resume":
                job.paused = job.stands = False
                job.cache.resume()
            case _:
                job.values.append(command.value)

    def _start(self, start: _Start) -> None:
        kind, cache = self._kinds[start.name], EvaluationCache(start.evaluations)
        module, _, name = kind.function.partition(":")
        function = getattr(importlib.import_module(module), name)
        steps = function(*start.args, **({"cache": cache} if kind.resumes else {}))
        self._jobs[start.number] = _Running(start.number, kind.priority, steps, cache, start.paused)

    def _advance(self, job: _Running) -> None:
        value = job.values.popleft() if job.values and job.begun else None
        job.begun = True
        self._finish(job, partial(job.steps.send, value))

    def _finish(self, job: _Running, advance: Callable[[], object], stopped: bool = False) -> None:
        """Advance a job, or stop it, and tell what came of that."""
        event: JobEvent
        try:
            step = advance()
        except StopIteration as end:
            event = Done(end.value)
        except Stopped:
            event = Done(None, stopped=True)
        except MesosynthError as error:
            event = Failed(str(error))
        except Exception as error:  # noqa: BLE001 - the other jobs go on
            traceback.print_exc()
            event = Failed(f"It failed ({type(error).__name__}: {error}); please report this.")
        else:
            if not stopped:
                self._look_at(job, step)
                return
            event = Done(step, stopped=True)
        del self._jobs[job.number]
        self._channel.send((job.number, event))

    def _look_at(self, job: _Running, step: object) -> None:
        if step is not None:
            self._channel.send((job.number, Stepped(step)))
        elif job.paused:  # what it does again, it does without a pause: that yields no None
            job.stands = True
            job.cache.pause()
            self._channel.send((job.number, Paused()))


# --------------------------------------------------------------------------------------------------
# In the session's process


class Job:
    """A job that runs or waits in the child of :class:`Jobs`, which makes it.

    Attributes
    ----------
    name : str
        Of its kind.
    args : tuple
    evaluations : list of Evaluation
        So far; of a job that resumes.
    running : bool
        Whether it has not ended; one that stands still runs.
    paused : bool
        Whether it stands still, or will in a moment.
    """

    def __init__(
        self, jobs: "Jobs", number: int, name: str, args: tuple[object, ...],
        evaluations: Iterable[Evaluation], paused: bool,
    ) -> None:  # fmt: skip
        self.name, self.args, self.paused = name, args, paused
        self.evaluations = list(evaluations)
        self.running = True
        self.number = number
        self.is_sent = self.is_stopping = self.stands = False
        self.reported = self.repeated = self.deaths = 0
        self._jobs = jobs

    def stop(self) -> None:
        """Ask it to end with the result so far; :class:`Done` follows."""
        self.is_stopping = True
        self._tell("stop")

    def pause(self) -> None:
        """Ask it to stand still; :class:`Paused` follows, or the end if that comes before."""
        if not self.paused:
            self.paused = True
            self._tell("pause")

    def resume(self) -> None:
        """Let it go on."""
        if self.paused:
            self.paused = self.stands = False
            self._tell("resume")

    def cancel(self) -> None:
        """End it, whatever it has; no event follows."""
        self.running = False
        self._tell("cancel")
        self._jobs.forget(self)

    def send(self, value: object) -> None:
        """Send it a value, which its next ``yield`` returns."""
        self._tell("send", value)

    def _tell(self, what: str, value: object = None) -> None:
        if self.is_sent:
            self._jobs.send(_Tell(self.number, what, value))


class Jobs:
    """Jobs in a child process. Not thread-safe: one thread holds it and polls it often.

    Parameters
    ----------
    kinds : mapping
        By name.
    prepare : callable, optional
        Function of a module, or a partial of one, that the child calls first.
    name : str
        Of the process, for messages.
    nice : int
        As of :class:`Worker`.
    stays : bool
        Whether the child waits for another job when the last one has ended.
    """

    def __init__(
        self,
        kinds: Mapping[str, JobKind],
        prepare: Callable[[], object] | None = None,
        *,
        name: str = "mesosynth jobs",
        nice: int = 10,
        stays: bool = True,
    ) -> None:
        self._kinds, self._name, self._stays = kinds, name, stays
        self._worker = Worker(
            run_jobs, dict(kinds), prepare,
            name=name, nice=nice, cores="computing", threads=1, restart=True,
        )  # fmt: skip
        self._number = 0
        self._jobs: dict[int, Job] = {}
        self._waiting: dict[str, Job] = {}  # behind another of their kind, of which one runs
        self._began: dict[str, float] = {}  # when the last of a kind did

    def start(self) -> None:
        """Start the child, which needs some time for what it imports, and return at once.

        Raises
        ------
        WorkerError
            If the system cannot start a process.
        """
        self._worker.start()

    @property
    def pid(self) -> int | None:
        """Number of the process; None where there is none."""
        return self._worker.pid

    def begin(
        self,
        name: str,
        *args: object,
        evaluations: Iterable[Evaluation] = (),
        paused: bool = False,
    ) -> Job:
        """Begin a job as soon as no other is more urgent.

        Parameters
        ----------
        name : str
            Of its kind.
        *args
            Can be pickled.
        evaluations : iterable of Evaluation
            Of an earlier run of the same job that resumes: it goes on from there.
        paused : bool
            Whether it stands still once it has done again what these say; :class:`Paused`
            follows, or :class:`Done` if nothing is left to do.
        """
        self.start()
        self._number += 1
        job = Job(self, self._number, name, args, evaluations, paused)
        if self._kinds[name].newest_only:
            if name in self._waiting:
                self._waiting[name].cancel()
            self._waiting[name] = job
        else:
            self._jobs[job.number] = job
        self._send_jobs()
        return job

    def cancel(self, name: str) -> None:
        """End all jobs of a kind."""
        for job in [*self._jobs.values(), *self._waiting.values()]:
            if job.name == name:
                job.cancel()

    def poll(self) -> list[tuple[Job | None, JobEvent]]:
        """Jobs and their events since the last call, in order; never blocks.

        With None for a job, the child has died and was started again.
        """
        events: list[tuple[Job | None, JobEvent]] = []
        for message in self._worker.poll():
            if isinstance(message, Died):
                events += [(None, Restarted()), *self._mourn()]
            elif isinstance(message, tuple):
                number, event = message
                job = self._jobs.get(number)
                if job is not None and self._is_news(job, event):
                    events.append((job, event))
        self._send_jobs()
        if not (self._stays or self._jobs or self._waiting):
            self._worker.stop()
        return events

    def close(self) -> None:
        """End the process and all jobs. A second call does nothing."""
        self._jobs.clear()
        self._waiting.clear()
        self._worker.stop()

    # ------------------------------------------------------------------ for jobs

    def send(self, command: object) -> None:
        """Send a command to the child."""
        self._worker.send(command)

    def forget(self, job: Job) -> None:
        """Know nothing more of a job."""
        self._jobs.pop(job.number, None)
        if self._waiting.get(job.name) is job:
            del self._waiting[job.name]

    # ------------------------------------------------------------------ own

    def _is_news(self, job: Job, event: JobEvent) -> bool:
        """Take note of an event; whether it is to be told."""
        job.deaths = 0
        match event:
            case Stepped(Evaluation() as evaluation):
                job.evaluations[evaluation.number :] = [evaluation]
                return False
            case Stepped():
                job.repeated += 1
                if self._kinds[job.name].resumes and job.repeated <= job.reported:
                    return False
                job.reported = job.repeated
            case Done() | Failed():
                job.running = False
                self.forget(job)
            case Paused():
                was, job.stands = job.stands, job.paused
                return job.paused and not was
            case Restarted():
                pass
        return True

    def _mourn(self) -> list[tuple[Job | None, JobEvent]]:
        """Have all jobs started again, but for those that ended the child several times."""
        events: list[tuple[Job | None, JobEvent]] = []
        for job in list(self._jobs.values()):
            job.is_sent, job.repeated, job.deaths = False, 0, job.deaths + 1
            if job.deaths >= _MOST_DEATHS:
                job.running = False
                self.forget(job)
                text = f"{self._name} ended {_MOST_DEATHS} times in a row; the job is given up."
                events.append((job, Failed(text)))
        return events

    def _send_jobs(self) -> None:
        """Send what can begin now."""
        if not self._worker.alive:
            return
        busy = {job.name for job in self._jobs.values()}
        for name, job in list(self._waiting.items()):
            rest = self._kinds[name].rest if busy - {name} else 0.0
            if name not in busy and time.monotonic() >= self._began.get(name, -rest) + rest:
                del self._waiting[name]
                self._jobs[job.number] = job
                self._began[name] = time.monotonic()
        for job in self._jobs.values():
            if not job.is_sent:
                job.is_sent = True
                evaluations = tuple(job.evaluations)
                start = _Start(job.number, job.name, job.args, evaluations, job.paused)
                self._worker.send(start)
                if job.is_stopping:
                    job.stop()
