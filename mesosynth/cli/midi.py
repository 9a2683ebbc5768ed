"""`mesosynth midi`: the MIDI inputs, as they are seen from here."""

import argparse
from typing import Any

from mesosynth.control.midi_ports import list_ports
from mesosynth.errors import DeviceError, WorkerError, WorkerTimeoutError
from mesosynth.system.worker import call

_TIMEOUT = 10.0  # s that a driver may take


def look_for_ports() -> tuple[str, ...]:
    """Names of all MIDI inputs, looked for in a child process, which may hang or crash.

    Raises
    ------
    DeviceError
        If it does either, or MIDI cannot be used at all.
    """
    try:
        return call(list_ports, timeout=_TIMEOUT)
    except WorkerTimeoutError as error:
        raise DeviceError("the MIDI driver does not answer.") from error
    except WorkerError as error:
        raise DeviceError("the MIDI driver crashed when it was asked for its ports.") from error


def list_midi(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the MIDI inputs; what `--json` prints."""
    ports = look_for_ports()
    if not arguments.json:
        print("\n".join(ports) or "There is no MIDI input.")
    return {"ports": list(ports)}


def add_control_options(parser: argparse.ArgumentParser) -> None:
    """Add `--midi` and `--osc` to a command that plays."""
    parser.add_argument(
        "--midi", metavar="NAME", help="part of a MIDI input's name; '' for all of them"
    )
    parser.add_argument("--osc", metavar="PORT", type=int, help="UDP port to hear OSC on")
