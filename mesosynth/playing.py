"""Play a preset for some seconds, and say how it went."""

import sys
import time

from mesosynth.audio_settings import DEFAULT_AUDIO, AudioSettings
from mesosynth.errors import WorkerError
from mesosynth.host.process import AudioProcess, AudioStatus
from mesosynth.presets import Preset
from mesosynth.rack_model import RackModel

START_TIMEOUT = 15.0  # s; a sound server may have to be woken


def play(preset: Preset, seconds: float, audio: AudioSettings = DEFAULT_AUDIO) -> AudioStatus:
    """Play `preset` and return what the audio process said at the end.

    Parameters
    ----------
    preset : Preset
    seconds : float
    audio : AudioSettings, optional
        Device, sample rate and block.

    Raises
    ------
    DeviceError
        If the device does not exist or refuses.
    WorkerError
        If the audio process does not start, or ends.
    """
    with AudioProcess(preset.instrument, audio.device, audio.sample_rate, audio.block) as process:
        if not process.wait_ready(START_TIMEOUT):
            raise WorkerError("the audio process does not start; mesosynth doctor looks for why.")
        rack = RackModel(preset.instrument)
        values = {**preset.values, **rack.load(preset.effects)}
        process.set_values(rack.vector(values))
        process.set_rack(rack.slots)
        process.set_playing(True)
        status = process.status()
        end = time.monotonic() + seconds
        said = ""
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(left, 0.1))
            status = process.status()
            if not process.alive:
                raise WorkerError("the audio process has ended; play again.")
            if status.message != said:
                said = status.message
                print(f"mesosynth: {said}", file=sys.stderr)
        return status
