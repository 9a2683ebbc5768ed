"""`mesosynth midi`: the MIDI inputs, as they are seen from here."""

import argparse
import multiprocessing
from typing import TYPE_CHECKING, Any

from mesosynth.control.midi_ports import list_ports
from mesosynth.errors import DeviceError
from mesosynth.system.spawning import bare_main

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_TIMEOUT = 10.0  # s that a driver may take


def look_for_ports() -> tuple[str, ...]:
    """Names of all MIDI inputs, looked for by a process that may hang or crash.

    Raises
    ------
    DeviceError
        If it does either, or MIDI cannot be used at all.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_look, args=(theirs,), daemon=True)
    with bare_main():
        process.start()
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(_TIMEOUT) else "the MIDI driver does not answer."
    except EOFError:
        answer = "the MIDI driver crashed when it was asked for its ports."
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(answer, str):
        raise DeviceError(answer)
    return answer


def _look(connection: "Connection") -> None:
    try:
        connection.send(list_ports())
    except DeviceError as error:
        connection.send(str(error))


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
