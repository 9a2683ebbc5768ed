"""`mesosynth play`: a preset through the sound card for some seconds."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import NO_OPTIONS, Duration, Json, Sound
from mesosynth.control.midi_map import map_path
from mesosynth.control.process import (
    ControlProcess,
    ControlSettings,
    Moved,
    ParameterLayout,
    Problem,
    Transported,
)
from mesosynth.engine.plugin_registry import BUILT_IN
from mesosynth.engine.process import COMPILING, AudioProcess, AudioStatus
from mesosynth.engine.slot import SlotReport
from mesosynth.errors import DeviceError, WorkerError
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.session.device import DEFAULT_AUDIO, AudioSettings
from mesosynth.session.rack_model import RackModel

LOOK = 0.5  # s between two looks whether it has started
START_TIMEOUT = 15.0  # s; a sound server may have to be woken

_KEYS = (
    "device", "silent", "sample_rate", "block", "blocks", "underflows", "callback_ms_median",
    "callback_ms_max", "load", "load_max", "latency", "peak", "true_peak",
)  # fmt: skip


def play(
    preset: Annotated[Path | None, Parameter("PRESET")] = None,
    /,
    *,
    seconds: Duration = 10.0,
    sound: Sound = NO_OPTIONS,
    json: Json = False,
) -> dict[str, Any]:
    """Play a preset through the sound card, and print load, levels and underflows.

    Parameters
    ----------
    preset : Path, optional
        A preset; by default the initial sound.
    seconds : float
        Duration.
    sound : SoundOptions
        Device, MIDI and OSC.
    json : bool
        One JSON object on standard output.
    """
    played = Preset(name="init") if preset is None else load_preset(preset)
    audio, trouble = sound.audio()
    if trouble:
        print(f"mesosynth: {trouble}", file=sys.stderr)
    try:
        status, faults = play_preset(played, seconds, audio, sound.midi, sound.osc)
    except DeviceError as error:
        if sound.names_device:
            raise
        # The last good device has gone, so nothing that was typed today is wrong.
        print(f"mesosynth: {error}", file=sys.stderr)
        status, faults = play_preset(played, seconds, midi=sound.midi, osc=sound.osc)
    answer = {name: getattr(status, name) for name in _KEYS}
    if not json:
        print("\n".join(f"{name:<20}{value}" for name, value in answer.items()))
    return {**answer, "faults": faults}


def play_preset(
    preset: Preset,
    seconds: float,
    audio: AudioSettings = DEFAULT_AUDIO,
    midi: str | None = None,
    osc: int | None = None,
) -> tuple[AudioStatus, list[str]]:
    """Play `preset`; return the last report of the audio process, and the faults of plugins.

    Parameters
    ----------
    preset : Preset
    seconds : float
    audio : AudioSettings, optional
        Device, sample rate and block.
    midi : str, optional
        Part of the names of the MIDI inputs that play along, "" for all; None for none.
    osc : int, optional
        UDP port on which OSC plays along; None for none.

    Raises
    ------
    DeviceError
        If the device does not exist or refuses.
    WorkerError
        If the audio process does not start, or ends.
    """
    rack = RackModel(preset.instrument)
    rack.state = preset.state
    values = {**preset.values, **rack.load(preset.effects)}
    places = {id_: rack.index(id_) for id_ in rack.parameters}
    with AudioProcess(preset.instrument, audio.device, audio.sample_rate, audio.block) as process:
        if not _wait_for_sound(process):
            raise WorkerError("the audio process does not start; mesosynth doctor looks for why.")
        process.parameters.set_values(rack.vector(values))
        process.set_rack(rack.slots)
        faults = _Faults(process)
        if any(slot.plugin not in BUILT_IN for slot in rack.slots):
            faults.wait_for_plugins(
                len(rack.slots)
            )  # which are tried in a process of their own first
        process.parameters.set_playing(True)
        layout = ParameterLayout(rack.parameters, places)
        with ControlProcess(layout, process.parameters, process.controls) as controls:
            if midi is not None or osc is not None:
                controls.listen(ControlSettings(midi, osc, str(map_path())))
            return _wait(process, controls, rack, values, seconds, faults), faults.told


def _wait_for_sound(process: AudioProcess) -> bool:
    """Wait until sound runs; longer, with a message, where sample loops are compiled first."""
    told, end = False, time.monotonic() + START_TIMEOUT
    while process.alive and (process.compiling or time.monotonic() < end):
        if process.wait_ready(LOOK):
            return True
        process.status()  # which also restarts a process that hangs
        if process.compiling:
            if not told:
                print(f"mesosynth: {COMPILING}", file=sys.stderr)
            told, end = True, time.monotonic() + START_TIMEOUT
    return False


class _Faults:
    """Faults of the plugins in the audio process, each told once on standard error."""

    def __init__(self, process: AudioProcess) -> None:
        self._process, self._revision = process, -1
        self.told: list[str] = []

    def wait_for_plugins(self, count: int) -> None:
        """Wait until so many plugins play, or tell why they do not."""
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end and self._process.alive:
            reports = self.look(None)
            if len(reports) == count and all(report.title or report.problem for report in reports):
                return
            time.sleep(0.1)
            self._process.status()

    def look(self, status: AudioStatus | None) -> tuple[SlotReport, ...]:
        """Tell of new faults, where the status says that there may be some; None always looks."""
        if status is not None and status.rack_revision == self._revision:
            return ()
        if status is not None:
            self._revision = status.rack_revision
        try:
            reports = self._process.rack_reports()
        except WorkerError:  # it has ended, which is told elsewhere
            return ()
        for report in reports:
            if report.problem and report.problem not in self.told:
                self.told.append(report.problem)
                print(f"mesosynth: {report.problem}", file=sys.stderr)
        return reports


def _wait(
    process: AudioProcess,
    controls: ControlProcess,
    rack: RackModel,
    values: dict[str, float],
    seconds: float,
    faults: _Faults,
) -> AudioStatus:
    status = process.status()
    end = time.monotonic() + seconds
    said = ""
    while (left := end - time.monotonic()) > 0.0:
        time.sleep(min(left, 0.1))
        for report in controls.poll():
            match report:
                case Moved(moved):
                    values |= moved
                    process.parameters.set_values(rack.vector(values))
                case Transported(playing):
                    process.parameters.set_playing(playing)
                case Problem(text):
                    print(f"mesosynth: {text}", file=sys.stderr)
                case _:
                    pass
        status = process.status()
        faults.look(status)
        if not process.alive:
            raise WorkerError("the audio process has ended; play again.")
        if status.message != said:
            said = status.message
            if said:
                print(f"mesosynth: {said}", file=sys.stderr)
    faults.look(None)
    return status
