"""PortAudio: loading it, the list of devices, and legal sample rates and blocks."""

import contextlib
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

from mesosynth.errors import DeviceError, MesosynthError, WorkerError, WorkerTimeoutError
from mesosynth.system.worker import call

# --------------------------------------------------------------------------------------------------
# Import of PortAudio, only when a card is asked for
#
# Its library may be missing, its list of devices is frozen from the first import on, and drivers
# write to standard error.


def import_sounddevice() -> Any:  # noqa: ANN401 - the untyped module
    """Import and return sounddevice; PortAudio looks for devices only the first time.

    Raises
    ------
    DeviceError
        If the PortAudio library is not installed.
    """
    # A JACK server that nobody started would be started by the mere question for devices.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing; install it (Debian: apt-get install libportaudio2)."
        ) from error
    return sounddevice


@contextlib.contextmanager
def quiet_drivers() -> Generator[None]:
    """Keep what ALSA, JACK and PortAudio write to standard error off the user's terminal.

    What went wrong is raised as well; their own lines only bury the sentence that says so.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(nowhere)
        os.close(terminal)


# --------------------------------------------------------------------------------------------------
# List of sound devices, from a child process
#
# PortAudio's list is frozen when it is initialised, initialising it again in one process crashes
# sooner or later, and a broken driver may hang: so a fresh process looks, with a time limit.


TIME_LIMIT = 10.0  # s


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A sound device as PortAudio describes it.

    Attributes
    ----------
    name, host_api : str
    inputs, outputs : int
        Channels.
    default_sample_rate : float
        Hz.
    default_input, default_output : bool
        Whether the system prefers it.
    index : int
        PortAudio's number for it, good within one process.
    """

    name: str
    host_api: str
    inputs: int
    outputs: int
    default_sample_rate: float
    default_input: bool
    default_output: bool
    index: int


@dataclass(frozen=True, slots=True)
class DeviceList:
    """Sound devices, and one sentence on why there are none, or ""."""

    devices: list[DeviceInfo]
    problem: str


def look_for_devices() -> DeviceList:
    """Look for devices in a child process, TIME_LIMIT at most. Never raises."""
    try:
        return DeviceList(call(_read_fresh_devices, timeout=TIME_LIMIT), "")
    except WorkerTimeoutError:
        problem = f"the sound system did not answer within {TIME_LIMIT:.0f} seconds."
    except WorkerError as error:
        problem = f"looking for sound devices failed: {error}"
    except DeviceError as error:
        problem = str(error)
    return DeviceList([], problem)


def output_opens(name: str | None, sample_rate: int | None) -> bool:
    """Whether an output would open now, asked of a child process.

    A device may be listed though its server is gone.

    Parameters
    ----------
    name : str or None
        As in :func:`find_device`.
    sample_rate : int or None
        Hz; None for the device's own.
    """
    try:
        call(_check_output, name, sample_rate, timeout=TIME_LIMIT)
    except MesosynthError:
        return False
    return True


def list_devices() -> list[DeviceInfo]:
    """Every sound device there is now; :func:`look_for_devices` also says why there is none."""
    return look_for_devices().devices


def read_devices(sounddevice: Any) -> list[DeviceInfo]:  # noqa: ANN401 - the untyped module
    """Devices as this process's PortAudio knows them."""
    apis = sounddevice.query_hostapis()
    default_input, default_output = sounddevice.default.device
    return [
        DeviceInfo(
            name=device["name"],
            host_api=apis[device["hostapi"]]["name"],
            inputs=device["max_input_channels"],
            outputs=device["max_output_channels"],
            default_sample_rate=device["default_samplerate"],
            default_input=index == default_input,
            default_output=index == default_output,
            index=index,
        )
        for index, device in enumerate(sounddevice.query_devices())
    ]


def find_device(
    sounddevice: Any,  # noqa: ANN401 - the untyped module
    name: str | None,
    direction: Literal["input", "output"],
) -> DeviceInfo:
    """Find a device by name.

    Parameters
    ----------
    sounddevice : module
    name : str or None
        The whole name or else a part of it, in any case; None finds the default.
    direction : "input" or "output"

    Raises
    ------
    DeviceError
        If there is none; the message lists those that exist.
    """
    devices = [
        device for device in read_devices(sounddevice)
        if (device.inputs if direction == "input" else device.outputs) > 0
    ]  # fmt: skip
    found = choose_device(devices, name, direction)
    if found is not None:
        return found
    if name is None:
        raise DeviceError(f"there is no {direction} device here.")
    names = ", ".join(repr(device.name) for device in devices) or "none"
    raise DeviceError(
        f"device {name!r} does not exist; {direction} devices are {names}, and 'silent'."
    )


def choose_device(
    devices: list[DeviceInfo], name: str | None, direction: Literal["input", "output"]
) -> DeviceInfo | None:
    """Choose a device by name.

    Parameters
    ----------
    devices : list of DeviceInfo
    name, direction
        As in :func:`find_device`.

    Returns
    -------
    DeviceInfo or None
    """
    if name is None:
        preferred = [
            device for device in devices
            if (device.default_input if direction == "input" else device.default_output)
        ]  # fmt: skip
        return next(iter(preferred), None)
    wanted = name.casefold()
    same = [device for device in devices if device.name.casefold() == wanted]
    alike = [device for device in devices if wanted in device.name.casefold()]
    return next(iter(same + alike), None)


def _read_fresh_devices() -> list[DeviceInfo]:
    """[child] Devices as PortAudio finds them now."""
    return read_devices(import_sounddevice())


def _check_output(name: str | None, sample_rate: int | None) -> None:
    """[child] Raise whatever keeps an output from being opened."""
    sounddevice = import_sounddevice()
    found = find_device(sounddevice, name, "output")
    sounddevice.check_output_settings(
        device=found.index, dtype="float32", channels=min(found.outputs, 2),
        samplerate=sample_rate or found.default_sample_rate,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------
# Legal sample rates and blocks, and the message when one is refused


RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
"""Hz, that a device is asked for."""

SMALLEST_BLOCK, LARGEST_BLOCK = 1, 8192
"""Frames."""

LOWEST_RATE, HIGHEST_RATE = 8000, 384000
"""Hz, of what there is on the market."""


def check_settings(sample_rate: int | None, block: int | None) -> None:
    """Refuse settings that no device takes, before one is asked.

    Parameters
    ----------
    sample_rate : int or None
        Hz.
    block : int or None
        Frames.

    Raises
    ------
    DeviceError
        If the sample rate or the block is out of range.
    """
    if sample_rate is not None and not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise DeviceError(
            f"sample_rate={sample_rate} must be {LOWEST_RATE} to {HIGHEST_RATE} Hz; "
            f"usual are {_list(RATES[3:])}."
        )
    if block is not None and not SMALLEST_BLOCK <= block <= LARGEST_BLOCK:
        raise DeviceError(
            f"block={block} must be {SMALLEST_BLOCK} to {LARGEST_BLOCK} frames; "
            "usual are 64, 128, 256 and 512."
        )


def legal_rates(sounddevice: Any, index: int, channels: int) -> list[int]:  # noqa: ANN401 - the untyped module
    """Sample rates of RATES that an output takes.

    Parameters
    ----------
    sounddevice : module
    index : int
        PortAudio's number of the device.
    channels : int

    Returns
    -------
    list of int
        Hz.
    """
    legal: list[int] = []
    for rate in RATES:
        try:
            with quiet_drivers():
                sounddevice.check_output_settings(
                    device=index, channels=channels, dtype="float32", samplerate=rate
                )
        except (sounddevice.PortAudioError, ValueError):
            continue
        legal.append(rate)
    return legal


def refusal(
    device: DeviceInfo, sample_rate: int, block: int | None, legal: list[int], error: Exception
) -> str:
    """Message on a device that refuses its settings, with a proposal.

    Parameters
    ----------
    device : DeviceInfo
    sample_rate : int
        Hz.
    block : int or None
        Frames.
    legal : list of int
        Sample rates that it takes, Hz.
    error : Exception
        PortAudio's.
    """
    if legal and sample_rate not in legal:
        return f"device {device.name!r} refuses sample_rate={sample_rate}; it takes {_list(legal)}."
    cause = error.args[0] if error.args else error
    advice = "another program may be using it" if not legal else "let it choose its own block"
    return (
        f"device {device.name!r} refuses sample_rate={sample_rate} and block={block or 'any'} "
        f"({cause}); {advice}."
    )


def _list(rates: list[int] | tuple[int, ...]) -> str:
    *most, last = (str(rate) for rate in rates)
    return f"{', '.join(most)} or {last} Hz" if most else f"{last} Hz"
