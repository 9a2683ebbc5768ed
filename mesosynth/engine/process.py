"""The session's handle on the audio process."""

import contextlib
import time
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine import audio_loop
from mesosynth.engine.audio_loop import (
    RECONNECT,
    Compiling,
    EngineSettings,
    Leave,
    Opened,
    SharedBlocks,
)
from mesosynth.engine.audition import AuditionRequest, Clip, request_vector
from mesosynth.engine.device import SILENT
from mesosynth.engine.shared import EventQueue, ParameterBlock, Ring, SoundRing
from mesosynth.engine.slot import PluginSlot, SlotReport
from mesosynth.engine.status import AudioStatus
from mesosynth.engine.watchdog import PREPARING
from mesosynth.errors import DeviceError, WorkerError
from mesosynth.instruments import instrument_class
from mesosynth.system.worker import Died, Worker

HEARTBEAT = 2.0  # s without a status after which the process counts as stuck
STUCK = 0.8  # s without a status, in the middle of a user's plugin, after which it is killed
UNPREPARED = PREPARING + 1.0  # the same while the plugin is prepared
ANSWER = 5.0  # s that a request may take
START = 15.0  # s after which a process without a device hangs in a driver
COMPILE = 60.0  # s that it may take to compile one sample loop on a busy machine
COMPILING = "The sample loops are compiled, once, before sound comes; that takes 10 to 30 seconds."
FADE_OUT = 1.0  # s that a process may take to fade out and end before its standby plays
CLOSE = 2.5  # s that the last one may take
PRELOAD = 8.0  # s that a standby may take to load everything


class AudioProcess:
    """The audio process, which plays the last settings that the session gave.

    Not thread-safe: one thread holds it, and calls :meth:`status` often.

    Parameters
    ----------
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    device : str, optional
        Part of a device's name; "silent" for the silent clock; None for the default output or,
        where there is none, the silent clock.
    sample_rate, block : int, optional
        Hz and frames; None leaves the choice to the device.

    Raises
    ------
    ArgumentError
        If there is no such instrument.
    """

    def __init__(
        self,
        instrument: str,
        device: str | None = None,
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        table = instrument_class(instrument).parameters
        self._settings = EngineSettings(instrument, device, sample_rate, block)
        self._blocks = SharedBlocks()
        self._worker = self._new_worker(self._settings)
        self._standby: Worker | None = None
        self._next: EngineSettings | None = None
        self._next_by = self._start_by = 0.0
        self._problem: str | None = None  # of the device, once it is known
        self._compiling = False
        self._exit_code: int | None = None
        self._ready = False
        self._leaves = False  # whether the one that plays was told to
        self._hung = False
        self.parameters.set_values(table.vector({}))

    def _new_worker(self, settings: EngineSettings | None) -> Worker:
        """A process that plays, or without settings a standby; not started yet."""
        return Worker(audio_loop.main, self._blocks, settings, name="the audio process", threads=1)

    def set_device(self, device: str | None, sample_rate: int | None, block: int | None) -> None:
        """Change over to another device or other settings.

        It plays on while a standby preloads, then fades out and ends, and the standby is promoted
        at once; :meth:`status` sees to that, and :meth:`wait_ready` says how it went.

        Parameters
        ----------
        device, sample_rate, block
            As in the constructor.
        """
        settings = replace(self._settings, device=device, sample_rate=sample_rate, block=block)
        if self._next is None and self.alive:
            self._standby, self._leaves = self._new_worker(None), False
            self._standby.start()
            self._next_by = time.monotonic() + PRELOAD
        self._next = settings

    def start(self) -> None:
        """Start the process and return at once."""
        self._promote(self._new_worker(self._settings))
        self._worker.start()

    def _promote(self, worker: Worker) -> None:
        """Make it the one that plays."""
        # The last process's status must not pass for this one's.
        self._blocks.status.publish(replace(self._blocks.status.report(), running=False))
        self._blocks.status.beat(0.0)
        self._worker, self._ready = worker, False
        self._problem, self._exit_code, self._compiling = None, None, False
        self._start_by = time.monotonic() + START

    def _take_events(self, timeout: float) -> None:
        """Take note of the events that came, or of the first within `timeout` seconds."""
        for event in self._worker.poll(timeout):
            match event:
                case Compiling():
                    self._compiling = True
                    self._start_by = time.monotonic() + COMPILE
                case Opened(problem):
                    self._problem, self._compiling = problem, False
                case Died(code):
                    self._exit_code = code
                case _:
                    pass

    def _change_over(self, settings: EngineSettings) -> None:
        """Bring the change to another device a step further."""
        now, standby = time.monotonic(), self._standby
        if not self.alive or (self._leaves and now > self._next_by):
            self._settings, self._next, self._standby = settings, None, None
            self._kill()
            if standby is None:
                self.start()
            else:
                self._promote(standby)
                standby.send(settings)
        elif not self._leaves and (
            standby is None or standby.ready or not standby.alive or now > self._next_by
        ):
            self._leaves, self._next_by = True, now + FADE_OUT
            self._worker.send(Leave())

    def wait_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until sound runs; return whether it does.

        Raises
        ------
        DeviceError
            If the device that was asked for is missing or refuses the settings. The process lives
            all the same, on the silent clock, and changes over if the device appears.
        """
        if self._next is not None:
            return False
        if self._ready:
            return self.alive
        end = time.monotonic() + timeout
        self._take_events(0.0)
        while self._problem is None and self.alive and (left := end - time.monotonic()) > 0.0:
            self._take_events(left)
        if self._problem is None:
            return False
        self._ready = True
        if self._hung:
            self._hung = False
            self._problem = (
                f"The sound system did not answer within {START:.0f} seconds; it is left alone."
            )
        if self._problem:
            raise DeviceError(self._problem)
        if not self._blocks.status.report().silent:
            self._settings = replace(self._settings, refusals=0)
        return True

    def set_rack(self, slots: tuple[PluginSlot, ...]) -> None:
        """Make the rack of `slots`, the instrument's first; heard after short fades."""
        self._settings = replace(self._settings, slots=slots)
        if self._next is not None:
            self._next = replace(self._next, slots=slots)
        else:
            self._worker.send(slots)  # if it has ended, the next one learns it from its settings

    def rack_reports(self) -> tuple[SlotReport, ...]:
        """Report on each slot; `rack_revision` of the status grows when one changes.

        Raises
        ------
        WorkerError
            If the audio process does not answer.
        """
        return self._ask("rack")

    @property
    def culprit(self) -> int:
        """Number of the user's plugin that was at work when the process ended, or 0."""
        return self._blocks.active_plugin.number

    def status(self) -> AudioStatus:
        """Last status; also restarts the process, for another device or when one is back."""
        self._take_events(0.0)
        if self._next is not None:
            self._change_over(self._next)
        elif self._exit_code == RECONNECT:
            self._settings = replace(self._settings, refusals=self._settings.refusals + 1)
            self.restart()
        elif self.alive and self._problem is None and time.monotonic() > self._start_by:
            self._settings, self._hung = replace(self._settings, device=SILENT), True
            self.restart()
        status = self._blocks.status.read()
        late = time.monotonic() - status.heartbeat
        playing = self._blocks.active_plugin.active.in_callback[0]
        limit = STUCK if playing else UNPREPARED
        if self.culprit and status.heartbeat and late > limit:
            self._worker.stop()  # a plugin keeps even the loop from working
        if self._compiling:
            status = replace(status, message=COMPILING)
        fresh = time.monotonic() - status.heartbeat < HEARTBEAT
        return replace(status, running=status.running and fresh and self.alive)

    def scope(self, frames: int) -> NDArray[np.float32]:
        """Return the last `frames` samples sent to the device, mixed to mono, (frames,) float32."""
        return self._blocks.output.latest(frames)

    @property
    def output(self) -> SoundRing:
        """All that is sent to the device; readers attach to it by its name."""
        return self._blocks.output

    @property
    def parameters(self) -> ParameterBlock:
        """The values of the whole rack, and whether the instrument plays, from the next block on.

        The instrument's values are the first. Readers attach to it by its name.
        """
        return self._blocks.parameters

    @property
    def keys(self) -> EventQueue:
        """Events of the session's own: the computer keyboard."""
        return self._blocks.keys

    @property
    def controls(self) -> EventQueue:
        """Events of the control process: MIDI and OSC."""
        return self._blocks.controls

    @property
    def clip(self) -> Clip:
        """A sound to compare the instrument with."""
        return self._blocks.clip

    def audition(self, request: AuditionRequest | None) -> None:
        """Let the :attr:`clip` be heard beside the instrument; None leaves it to the transport."""
        vector = request_vector(request or AuditionRequest())
        self._blocks.requests.write(vector, request is not None)

    @property
    def recording(self) -> Ring:
        """Recording of the input, mono."""
        return self._blocks.recording

    def panic(self) -> None:
        """Stop, and forget all sound and all notes; a process that does not answer is restarted."""
        self.parameters.set_playing(False)
        try:
            self._ask("panic")
        except WorkerError:
            self.restart()

    def reset_meters(self) -> None:
        """Count underflows, the longest block and the largest peaks anew.

        Raises
        ------
        WorkerError
            If the audio process does not answer.
        """
        self._ask("reset meters")

    def start_recording(self, name: str | None = None) -> int:
        """Start to record from an input into :attr:`recording`, and return the rate, Hz.

        Parameters
        ----------
        name : str, optional
            Part of the input's name; None for that of the output's card, or else the default.

        Raises
        ------
        DeviceError
            If there is no such input, or it does not start.
        WorkerError
            If the audio process does not answer.
        """
        self._blocks.recording.skip()
        return self._ask(("record", name))

    def read_recording(self) -> NDArray[np.float32]:
        """Return what was recorded since the last call, (frames,) float32, mono."""
        return self._blocks.recording.read_new()

    def stop_recording(self) -> None:
        """End the recording; :meth:`read_recording` still gives its last part."""
        with contextlib.suppress(WorkerError):  # a dead process records no more either
            self._ask("stop recording")

    @property
    def recording_rate(self) -> int:
        """Sample rate of the recording that runs, Hz; 0 when none does."""
        return self._blocks.status.report().recording_rate

    @property
    def compiling(self) -> bool:
        """Whether the process compiles the sample loops before it opens the device."""
        return self._compiling

    @property
    def alive(self) -> bool:
        """Whether the process exists."""
        return self._worker.alive

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._worker.pid

    def loaded_modules(self) -> list[str]:
        """Names of the modules that the process has loaded, for tests and the doctor."""
        return self._ask("modules")

    def restart(self) -> None:
        """Start the process again, whatever became of it; values and transport stay."""
        self._kill()
        self.start()

    def close(self) -> None:
        """End the process and give the shared memory back. A second call does nothing."""
        self._worker.stop(CLOSE)
        if self._standby is not None:
            self._standby.stop()
            self._standby = None
        self._blocks.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: object) -> Any:  # noqa: ANN401 - each request has an answer of its own
        with contextlib.suppress(DeviceError):  # told before; it plays on the silent clock
            self.wait_ready(ANSWER)
        if not self._ready:
            raise WorkerError("the audio process does not run; restart it.")
        return self._worker.ask(request, ANSWER)

    def _kill(self) -> None:
        self._worker.stop()
        self._blocks.active_plugin.active.clear()


__all__ = ["AudioProcess", "AudioStatus"]
