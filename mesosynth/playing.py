"""Play a preset for some seconds, and say how it went."""

import sys
import time

from mesosynth.errors import WorkerError
from mesosynth.host.process import AudioProcess, AudioStatus
from mesosynth.presets import Preset

START_TIMEOUT = 15.0  # s; a sound server may have to be woken


def play(preset: Preset, seconds: float, device: str | None = None) -> AudioStatus:
    """Play `preset` and return what the audio process said at the end.

    Parameters
    ----------
    preset : Preset
    seconds : float
    device : str, optional
        As in :class:`mesosynth.host.process.AudioProcess`.

    Raises
    ------
    DeviceError
        If the device does not exist or refuses.
    WorkerError
        If the audio process does not start, or ends.
    """
    with AudioProcess(preset.instrument, device) as audio:
        if not audio.wait_ready(START_TIMEOUT):
            raise WorkerError("the audio process does not start; mesosynth doctor looks for why.")
        audio.set_values(preset.table.vector(preset.parameters))
        audio.set_playing(True)
        status = audio.status()
        end = time.monotonic() + seconds
        said = ""
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(left, 0.1))
            status = audio.status()
            if not audio.alive:
                raise WorkerError("the audio process has ended; play again.")
            if status.message != said:
                said = status.message
                print(f"mesosynth: {said}", file=sys.stderr)
        return status
