"""`mesosynth devices` and `mesosynth midi`: sound devices and MIDI inputs of this machine."""

import sys
from dataclasses import asdict
from typing import Any

from mesosynth.cli.options import Json
from mesosynth.errors import DeviceError, WorkerError, WorkerTimeoutError

_TIMEOUT = 10.0  # s that a driver may take


def devices(*, json: Json = False) -> dict[str, Any]:
    """List the sound devices."""
    from mesosynth.engine.portaudio import look_for_devices

    looked = look_for_devices()
    if looked.problem:
        print(f"mesosynth: {looked.problem}", file=sys.stderr)
    if not json:
        for device in looked.devices:
            mark = "*" if device.default_output else " "
            channels = f"{device.inputs} in, {device.outputs} out"
            rate = f"{device.default_sample_rate:.0f} Hz"
            print(f"{mark} {device.name}  ({device.host_api}, {channels}, {rate})")
        print("  silent  (a clock without sound, always there)")
    return {"devices": [asdict(device) for device in looked.devices], "problem": looked.problem}


def midi(*, json: Json = False) -> dict[str, Any]:
    """List the MIDI inputs."""
    ports = look_for_ports()
    if not json:
        print("\n".join(ports) or "There is no MIDI input.")
    return {"ports": list(ports)}


def look_for_ports() -> tuple[str, ...]:
    """Names of all MIDI inputs, looked for in a child process, which may hang or crash.

    Raises
    ------
    DeviceError
        If it does either, or MIDI cannot be used at all.
    """
    from mesosynth.control.midi_ports import list_ports
    from mesosynth.system.worker import call

    try:
        return call(list_ports, timeout=_TIMEOUT)
    except WorkerTimeoutError as error:
        raise DeviceError("the MIDI driver does not answer.") from error
    except WorkerError as error:
        raise DeviceError("the MIDI driver crashed when it was asked for its ports.") from error
