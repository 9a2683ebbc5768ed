"""What the audio process says of itself, in shared memory."""

from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from mesosynth.host.shared_memory import SharedBlock


@dataclass(frozen=True, slots=True)
class AudioStatus:
    """What the audio process last said of itself.

    Attributes
    ----------
    device : str
        Name of what the sound goes to.
    silent : bool
        Whether that is the silent clock.
    running : bool
        Whether blocks are being played and the process said so within the last two seconds.
    sample_rate : int
        Hz.
    block : int
        Frames in the last block.
    blocks, underflows : int
        Blocks played, and times the device ran dry, since the process started; underflows,
        overruns, the longest block and the largest peaks also since the meters were last reset.
    overruns : int
        Blocks that took longer to compute than they last. Where the device ran dry without one, the
        callback came too late: the machine, the sound server or Python's interpreter held it up.
    callback_ms_median, callback_ms_max : float
        Time to compute a block: median of the last 1024, longest so far.
    load, load_max : float
        The same as a share of the time that a block lasts, 1.0 is all of it.
    peak, true_peak : float
        Largest magnitude so far, at and between the samples; 1.0 is full scale.
    peak_left, peak_right, rms_left, rms_right : float
        Levels now: a peak falls by 20 dB in 1.7 s, the RMS is over 0.3 s.
    latency : float
        From a parameter's change to the device's output, s: what the device reports, and the
        limiter's look-ahead.
    latency_in : float
        Of the input as it reports it, s; 0 when it is closed.
    faults : int
        Blocks that were silenced because the instrument failed or was not finite.
    rack_revision : int
        Grows when something in the rack has changed that the session should ask about.
    message : str
        One sentence for the user, or "".
    heartbeat : float
        `time.monotonic()` when it was written, s.
    recording_rate : int
        Sample rate of the input, Hz; 0 when it is closed.
    audition : float
        Where the sound is that is compared with the instrument, s; -1 while none is heard.
    """

    device: str = ""
    silent: bool = True
    running: bool = False
    sample_rate: int = 0
    block: int = 0
    blocks: int = 0
    underflows: int = 0
    overruns: int = 0
    callback_ms_median: float = 0.0
    callback_ms_max: float = 0.0
    load: float = 0.0
    load_max: float = 0.0
    peak: float = 0.0
    true_peak: float = 0.0
    peak_left: float = 0.0
    peak_right: float = 0.0
    rms_left: float = 0.0
    rms_right: float = 0.0
    latency: float = 0.0
    latency_in: float = 0.0
    faults: int = 0
    rack_revision: int = 0
    message: str = ""
    heartbeat: float = 0.0
    recording_rate: int = 0
    audition: float = -1.0


_FORMATS = {str: "S1024", bool: "?", int: "i8", float: "f8"}
_STATUS = np.dtype([(field.name, _FORMATS[field.type]) for field in fields(AudioStatus)])  # pyright: ignore[reportArgumentType] - field.type is the class itself here


class StatusBlock(SharedBlock):
    """The latest :class:`AudioStatus`, written some thirty times a second by the audio process."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(_STATUS.itemsize + 8, name)
        self._array("status", _STATUS, 1, 8)
        self._array("version", np.int64, 1, 0)
        self._latest = AudioStatus()
        if name is None:
            self.write(self._latest)

    def __reduce__(self) -> tuple[type["StatusBlock"], tuple[str]]:
        return StatusBlock, (self.name,)

    def write(self, status: AudioStatus) -> None:
        """Publish `status`; the version is odd meanwhile."""
        version = self._arrays["version"]
        version[0] = int(version[0]) | 1
        row = tuple(v.encode() if isinstance(v, str) else v for v in astuple(status))
        self._arrays["status"][0] = row
        version[0] += 1

    def read(self) -> AudioStatus:
        """Return the latest whole status; the one before if it is just being written."""
        version = int(self._arrays["version"][0])
        row = self._arrays["status"][0].item()
        if version % 2 == 0 and version == int(self._arrays["version"][0]):
            values: list[Any] = [
                v.decode(errors="replace") if isinstance(v, bytes) else v for v in row
            ]
            self._latest = AudioStatus(*values)
        return self._latest
