"""Main function of the audio process: a device that calls the engine, and the slow loop beside it.

The loop publishes the status, answers the session's requests, and when the card fails puts the
silent clock in its place. PortAudio cannot see a card come back, so once a child process has seen
it the audio process ends with the exit code RECONNECT, and the session's handle starts it anew:
only silence is interrupted by that.
"""

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial

from mesosynth.engine.audition import REQUEST_WORDS, Audition, Clip
from mesosynth.engine.callback import Engine, EventInbox
from mesosynth.engine.device import SILENT, OutputDevice, open_device
from mesosynth.engine.portaudio import output_opens
from mesosynth.engine.rack import Rack
from mesosynth.engine.rack_updater import RackUpdater
from mesosynth.engine.shared import EventQueue, ParameterBlock, Ring, SoundRing
from mesosynth.engine.silent_clock import SilentClock
from mesosynth.engine.slot import VECTOR, PluginSlot
from mesosynth.engine.sound_card import MAX_BLOCK, Recorder
from mesosynth.engine.status import AudioReport, StatusBlock
from mesosynth.engine.watchdog import ActivePluginBlock, Watchdog
from mesosynth.errors import DeviceError
from mesosynth.instruments import instrument_class
from mesosynth.system.cpu import playing_apart
from mesosynth.system.kernels import load_kernels
from mesosynth.system.worker import Channel, Question

# --------------------------------------------------------------------------------------------------
# Search for a card that is missing or lost


SEARCH = 1.0  # s between two looks
PATIENCE = 30.0  # s at most before a card that refused again and again is asked once more


class CardSearch:
    """Search for a missing card, by child processes that a thread asks once a second.

    Parameters
    ----------
    device : str or None
        Part of the name; None for the system's default. "silent" is not looked for.
    sample_rate : int or None
        Hz.
    convenient : callable
        Whether the sound may be interrupted now.

    Attributes
    ----------
    found : threading.Event
        Set once the card opens.
    """

    def __init__(
        self, device: str | None, sample_rate: int | None, convenient: Callable[[], bool]
    ) -> None:
        self._device, self._sample_rate = device, sample_rate
        self._convenient = convenient
        self.found = threading.Event()

    def begin(self, refusals: int = 0) -> None:
        """Start to look for it, later each time that it opened and refused after all.

        Parameters
        ----------
        refusals : int
            How often in a row that happened; 0 starts at once.
        """
        if self._device == SILENT:
            return
        delay = min(2.0**refusals - 1.0, PATIENCE)
        threading.Thread(
            target=self._search, args=(delay,), name="card search", daemon=True
        ).start()

    def _search(self, delay: float) -> None:
        time.sleep(delay)
        while not self.found.is_set():
            time.sleep(SEARCH)
            if self._convenient() and output_opens(self._device, self._sample_rate):
                self.found.set()


# --------------------------------------------------------------------------------------------------
# The audio process


RECONNECT = 75  # exit code: start me again, the card is back
HANGS = 76  # exit code: start me again without the plugin that does not return
TICK = 0.05  # s between two looks at everything
STALL = 0.6  # s without a callback after which a card counts as dead, or three blocks
FADE_LIMIT = 0.5  # s that a fade may take with a device that hardly calls
REAL_TIME_PRIORITY = 10
RECORDING_FRAMES = 2**20


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Instrument, device and rack of an audio process.

    Attributes
    ----------
    instrument : str
    device : str or None
        Part of its name; None for the system's default.
    sample_rate, block : int or None
        Hz and frames; None leaves the choice to the device.
    refusals : int
        How often in a row a card was there, and did not open after all.
    slots : tuple of PluginSlot
        The rack, the instrument's first; empty for the instrument alone.
    """

    instrument: str
    device: str | None
    sample_rate: int | None
    block: int | None
    refusals: int = 0
    slots: tuple[PluginSlot, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedBlocks:
    """Memory shared with the session, which creates it; unpickling attaches to it.

    Attributes
    ----------
    parameters : ParameterBlock
        Values of the whole rack, and the transport.
    status : StatusBlock
    output : SoundRing
        All that is sent to the device.
    recording : Ring
        The input.
    active_plugin : ActivePluginBlock
    keys, controls : EventQueue
        Events of the session, and of the control process.
    requests : ParameterBlock
        What is auditioned.
    clip : Clip
        The sound to audition.
    """

    parameters: ParameterBlock = field(default_factory=partial(ParameterBlock, VECTOR))
    status: StatusBlock = field(default_factory=StatusBlock)
    output: SoundRing = field(default_factory=SoundRing)
    recording: Ring = field(default_factory=partial(Ring, RECORDING_FRAMES))
    active_plugin: ActivePluginBlock = field(default_factory=ActivePluginBlock)
    keys: EventQueue = field(default_factory=EventQueue)
    controls: EventQueue = field(default_factory=EventQueue)
    requests: ParameterBlock = field(default_factory=partial(ParameterBlock, REQUEST_WORDS))
    clip: Clip = field(default_factory=Clip)

    def close(self) -> None:
        """Give all of it back. A second call does nothing."""
        for one in fields(self):
            getattr(self, one.name).close()


@dataclass(frozen=True, slots=True)
class Compiling:
    """Event: a sample loop is not in the cache and is compiled, before the device opens."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Event: sound runs; `problem` says why not on the device that was asked for, or is ""."""

    problem: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Command: fade out and end."""


def main(channel: Channel, blocks: SharedBlocks, settings: EngineSettings | None) -> None:
    """Run the audio process until the session ends it.

    Parameters
    ----------
    channel : Channel
    blocks : SharedBlocks
    settings : EngineSettings or None
        None makes it a standby, which preloads, says that it is ready, and waits to be promoted by
        a command that holds the settings, while another process still plays.
    """
    sys.setswitchinterval(0.0005)
    load_kernels(compiling=lambda: channel.send(Compiling()))
    chosen = _preload(channel) if settings is None else settings
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):  # not allowed everywhere; it plays without, too
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME_PRIORITY))
    code = AudioLoop(channel, chosen, blocks).run()
    sys.stderr.flush()
    os._exit(code)  # PortAudio's own farewell may never return once a driver is dead


def _preload(channel: Channel) -> EngineSettings:
    """Say that everything is loaded, without any priority yet, and wait for the settings."""
    channel.ready()
    settings = channel.receive()
    if not isinstance(settings, EngineSettings):
        os._exit(0)  # it is no longer needed
    return settings


class AudioLoop:
    """Slow loop of the audio process.

    Parameters
    ----------
    channel : Channel
    settings : EngineSettings
    blocks : SharedBlocks
    """

    def __init__(self, channel: Channel, settings: EngineSettings, blocks: SharedBlocks) -> None:
        self._channel = channel
        self._settings = settings
        self._blocks = blocks
        plugin = instrument_class(settings.instrument)()
        rack = Rack(plugin, blocks.active_plugin.active, Audition(blocks.requests, blocks.clip))
        inbox = EventInbox((blocks.keys, blocks.controls))
        self._engine = Engine(rack, blocks.parameters, blocks.output, inbox, blocks.status)
        instrument = PluginSlot("", settings.instrument, 0, tuple(plugin.parameters))
        # Perhaps with another instrument, or another state of it.
        self._rack_updater = RackUpdater(rack, instrument, settings.slots)
        self._watchdog = Watchdog(blocks.active_plugin.active)
        self._hangs = False
        self._recorder: Recorder | None = None
        self._search = CardSearch(  # going back to the card would cut a recording off
            settings.device, settings.sample_rate, lambda: self._recorder is None
        )
        self._seen, self._seen_at = 0, 0.0
        self._awake, self._looked_at = 0.0, time.monotonic()
        self._message = ""
        self._report: AudioReport | None = None
        self._leaves = False

    def run(self) -> int:
        """Play until told to end; return the exit code."""
        problem = self._open()
        self._rack_updater.start()
        self._publish()
        self._channel.send(Opened(problem))
        while not (self._search.found.is_set() or self._hangs or self._leaves):
            # The interpreter runs one thread at a time: nothing here may take long.
            self._obey(self._channel.receive(TICK))
            self._watch()
            self._publish()
        if self._hangs:
            return HANGS  # nothing that waits for the callback would end
        self._close_recorder()
        self._close_fade()
        self._device.close()
        return RECONNECT if self._search.found.is_set() else 0

    def _open(self) -> str:
        """Start the device of the settings, or the silent clock; return the problem or ""."""
        settings = self._settings
        try:
            with playing_apart():
                self._device = open_device(settings.device, settings.sample_rate, settings.block)
                self._prepare()
                self._device.start(self._engine.render)
        except DeviceError as error:
            self._use_silent_clock(settings.sample_rate or 48000, settings.block or 256)
            self._message = f"The silent clock keeps the time: {error}"
            self._search.begin(settings.refusals)
            return str(error) if settings.device is not None else ""
        if self._device.reason:
            self._message = f"The silent clock keeps the time: {self._device.reason}"
            self._search.begin(settings.refusals)
        return ""

    def _prepare(self) -> None:
        rate = self._device.sample_rate
        self._rack_updater.prepare(lambda: self._engine.prepare(rate, MAX_BLOCK), rate, MAX_BLOCK)
        gc.collect()
        gc.freeze()  # what lives by now lives on; no collection in a callback looks at it again

    def _use_silent_clock(self, sample_rate: int, block: int) -> None:
        self._device: OutputDevice = SilentClock(sample_rate, block)
        self._prepare()
        with playing_apart():
            self._device.start(self._engine.render)

    def _watch(self) -> None:
        """Replace a card that ended or no longer calls by the silent clock."""
        if self._recorder is not None and not self._recorder.active:
            self._close_recorder()  # which the session sees by its rate
        # The time that this loop was awake: a machine that stood still for a second is no reason to
        # give up a card or a plugin.
        now = self._awake = self._awake + min(time.monotonic() - self._looked_at, 2.0 * TICK)
        self._looked_at, blocks = time.monotonic(), self._engine.blocks
        self._hangs = self._watchdog.look(blocks, now)
        if blocks != self._seen:
            self._seen, self._seen_at = blocks, now
        patience = max(STALL, 3.0 * self._engine.frames / self._device.sample_rate)
        if self._device.silent or not (self._device.ended or now - self._seen_at > patience):
            return
        lost = self._device
        lost.abandon()
        self._close_recorder()
        self._message = (
            f"The sound card {lost.name!r} has gone; the silent clock plays until it is back."
        )
        self._use_silent_clock(lost.sample_rate, self._settings.block or 256)
        self._search.begin()

    def _obey(self, command: object) -> None:
        """Carry out a command of the session; None is none."""
        match command:
            case Question(request):
                try:
                    answer = self._answer(request)
                except DeviceError as error:
                    answer = error
                self._publish()
                self._channel.answer(command, answer)
            case tuple():  # slots of the rack; its revision says when it is done
                self._rack_updater.request(command)
            case Leave():
                self._leaves = True
            case _:
                self._leaves = self._channel.stopping

    def _answer(self, request: object) -> object:
        match request:
            case "record", str() | None as name:
                return self._record(name)
            case "stop recording":
                return self._close_recorder()
            case "panic":
                return self._panic()
            case "rack":
                return self._rack_updater.reports
            case "reset meters":
                return self._engine.reset_meters()
            case "modules":
                return sorted(sys.modules)
            case _:
                raise DeviceError(f"request={request!r} is unknown.")

    def _panic(self) -> None:
        """Forget all sound, behind a fade so that it does not click."""
        self._close_fade()
        self._engine.panic()
        self._wait_until(lambda blocks=self._engine.blocks: self._engine.blocks > blocks + 1)
        self._engine.fade.open = True

    def _close_fade(self) -> None:
        self._engine.fade.open = False
        self._wait_until(lambda: self._engine.fade.closed)
        time.sleep(self._device.latency)  # what the device still holds

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for the callback, though not for one that no longer comes."""
        end = time.monotonic() + FADE_LIMIT
        while not condition() and time.monotonic() < end:
            time.sleep(0.002)

    def _record(self, name: str | None) -> int:
        """Record from an input or, without a name, from that of the card, or the default."""
        self._close_recorder()
        wanted = name or (None if self._device.silent else self._settings.device)
        try:
            self._recorder = Recorder(self._blocks.recording, wanted)
        except DeviceError:
            if name or wanted is None:
                raise
            self._recorder = Recorder(self._blocks.recording)
        self._engine.rack.input = self._recorder
        return self._recorder.sample_rate

    def _close_recorder(self) -> None:
        self._engine.rack.input = None
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def _publish(self) -> None:
        """Publish the status, with a heartbeat."""
        engine, device, recorder = self._engine, self._device, self._recorder
        report = AudioReport(
            device=device.name,
            silent=device.silent,
            running=True,
            sample_rate=device.sample_rate,
            latency=device.latency + engine.rack.latency / device.sample_rate,
            latency_in=recorder.latency if recorder else 0.0,
            faults=engine.rack.faults,
            rack_revision=self._rack_updater.revision,
            message=self._message,
            recording_rate=recorder.sample_rate if recorder else 0,
        )
        if report != self._report:
            self._report = report
            self._blocks.status.publish(report)
        self._blocks.status.beat(time.monotonic())
