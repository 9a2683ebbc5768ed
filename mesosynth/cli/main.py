"""The command line. What takes long to import is imported by the command that needs it."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mesosynth import __version__
from mesosynth.cli.match import add_match, run_match
from mesosynth.cli.midi import add_control_options, list_midi
from mesosynth.cli.plugin import add_plugin_commands, run_plugin_command
from mesosynth.cli.render import add_render, duration, run_render
from mesosynth.cli.sequence import add_sequence, run_sequence
from mesosynth.cli.similar import add_similar, run_similar
from mesosynth.errors import ArgumentError, DeviceError, MesosynthError
from mesosynth.paper.figures import add_figures, run_figures

if TYPE_CHECKING:
    from mesosynth.session.audio_settings import AudioSettings

USAGE_ERROR = 2
INTERRUPTED = 130
OUT = Path("out")

_HELP = """\
mesosynth [FILE]            open the desk and match FILE (without one, a demo);
                            in the terminal where there is no display
mesosynth match FILE        find the sound's parameters
mesosynth sequence FILE     a long sound as parameters over time (CSV, MIDI, WAV)
mesosynth render PRESET OUT.wav
mesosynth render --all OUT  every preset, and a contact sheet of their scalograms
mesosynth similar PRESET    which presets sound like it
mesosynth play [PRESET]     play through the sound card
mesosynth devices           list the sound devices
mesosynth midi              list the MIDI inputs
mesosynth doctor            what is missing here, and the command that mends it
mesosynth plugin check FILE test a plugin; plugin list lists them
mesosynth figures OUT       the paper's figures, as pictures and tables

mesosynth COMMAND --help tells the options of each.
"""

_PLAY_KEYS = (
    "device", "silent", "sample_rate", "block", "blocks", "underflows", "callback_ms_median",
    "callback_ms_max", "load", "load_max", "latency", "peak", "true_peak",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Mistakes on the command line are errors like all others."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message}; see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for an error, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        answer = _run(words)
        if as_json:
            print(json.dumps(answer, allow_nan=False))
        sys.stdout.flush()
    except MesosynthError as error:
        print(f"mesosynth: {error}", file=sys.stderr)
        if as_json:
            print(json.dumps({"error": str(error)}))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` say, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(words: list[str]) -> dict[str, Any]:
    if words and words[0] in _COMMANDS:
        arguments = _command_parser().parse_args(words)
        return _COMMANDS[words[0]](arguments)
    return _desk(_desk_parser().parse_args(words))


def _desk_parser() -> _Parser:
    parser = _Parser(
        prog="mesosynth", usage=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path)
    parser.add_argument("--preset", metavar="P", type=Path, help="parameters to start with")
    _add_device(parser)
    add_control_options(parser)
    parser.add_argument("--version", action="version", version=f"mesosynth {__version__}")
    return parser


def _command_parser() -> _Parser:
    parser = _Parser(prog="mesosynth")
    commands = parser.add_subparsers(required=True)

    match = commands.add_parser("match", help="find the parameters of a sound")
    add_match(match)

    sequence = commands.add_parser("sequence", help="a long sound as parameters over time")
    add_sequence(sequence)

    render = commands.add_parser("render", help="write what a preset sounds like to a WAV file")
    add_render(render)

    similar = commands.add_parser("similar", help="presets that sound like one")
    add_similar(similar)

    play = commands.add_parser("play", help="play a preset through the sound card")
    play.add_argument("preset", metavar="PRESET", nargs="?", type=Path)
    play.add_argument("--seconds", metavar="S", type=duration, default=10.0)
    _add_device(play)
    add_control_options(play)

    devices = commands.add_parser("devices", help="list the sound devices")
    midi = commands.add_parser("midi", help="list the MIDI inputs")
    doctor = commands.add_parser("doctor", help="what is missing here")

    add_figures(commands.add_parser("figures", help="make the paper's figures"))
    add_plugin_commands(commands.add_parser("plugin", help="list plugins, and check one"))
    for command in (match, sequence, render, similar, play, devices, midi, doctor):
        command.add_argument(
            "--json", action="store_true", help="one JSON object on standard output"
        )
    return parser


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", metavar="NAME", help="part of an output device's name, or 'silent'"
    )
    parser.add_argument("--rate", metavar="HZ", type=int, help="sample rate of the device")
    parser.add_argument("--block", metavar="N", type=int, help="frames that it asks for at once")
    parser.add_argument(
        "--safe-audio", action="store_true", help="start without a sound card, on a silent clock"
    )


def _audio(arguments: argparse.Namespace) -> tuple["AudioSettings", str]:
    """What the command line says of the sound, or else what last worked; and what to tell of it."""
    from mesosynth.engine.portaudio import check_settings
    from mesosynth.session.audio_settings import AudioSettings, load_audio_settings

    device, rate, block = arguments.device, arguments.rate, arguments.block
    check_settings(rate, block)
    if arguments.safe_audio:
        return AudioSettings(device="silent"), ""
    if (device, rate, block) == (None, None, None):
        return load_audio_settings()
    return AudioSettings(device=device, sample_rate=rate, block=block), ""


def _desk(arguments: argparse.Namespace) -> dict[str, Any]:
    from mesosynth.cli.doctor import display_problem
    from mesosynth.presets.preset import load_preset
    from mesosynth.system.paths import resource

    target: Path = arguments.file or resource("assets", "demo.wav")
    if not target.exists():
        raise ArgumentError(f"{target} is neither a file nor a command; see mesosynth --help.")
    if arguments.preset is not None:
        load_preset(arguments.preset)
    audio, trouble = _audio(arguments)
    problem = display_problem()
    if not problem:
        from gui.app import main as open_desk

        midi = "" if arguments.midi is None else arguments.midi
        raise SystemExit(
            open_desk(["mesosynth"], target, arguments.preset, audio, trouble, midi, arguments.osc)
        )
    from mesosynth.cli.headless import run

    print(f"mesosynth: {problem}; running in the terminal.", file=sys.stderr)
    _warn(trouble)
    run(target, OUT, arguments.preset, audio)
    return {}


def _match(arguments: argparse.Namespace) -> dict[str, Any]:
    return _finite(run_match(arguments))


def _play(arguments: argparse.Namespace) -> dict[str, Any]:
    from mesosynth.cli.play import play
    from mesosynth.presets.preset import Preset, load_preset

    preset = Preset(name="init") if arguments.preset is None else load_preset(arguments.preset)
    audio, trouble = _audio(arguments)
    _warn(trouble)
    try:
        status = play(preset, arguments.seconds, audio, arguments.midi, arguments.osc)
    except DeviceError as error:
        if arguments.device is not None or arguments.rate or arguments.block:
            raise
        _warn(str(error))  # it worked once, so nothing that was said today is wrong
        status = play(preset, arguments.seconds, midi=arguments.midi, osc=arguments.osc)
    answer = {name: getattr(status, name) for name in _PLAY_KEYS}
    if not arguments.json:
        print("\n".join(f"{name:<20}{value}" for name, value in answer.items()))
    return answer


def _devices(arguments: argparse.Namespace) -> dict[str, Any]:
    from mesosynth.engine.portaudio import look_for_devices

    looked = look_for_devices()
    if looked.problem:
        print(f"mesosynth: {looked.problem}", file=sys.stderr)
    if not arguments.json:
        for device in looked.devices:
            mark = "*" if device.default_output else " "
            channels = f"{device.inputs} in, {device.outputs} out"
            rate = f"{device.default_sample_rate:.0f} Hz"
            print(f"{mark} {device.name}  ({device.host_api}, {channels}, {rate})")
        print("  silent  (a clock without sound, always there)")
    return {"devices": [asdict(device) for device in looked.devices], "problem": looked.problem}


def _doctor(arguments: argparse.Namespace) -> dict[str, Any]:
    from mesosynth.cli.doctor import examine

    checks = examine()
    if not arguments.json:
        for check in checks:
            print(f"{'✓' if check.ok else '✗'} {check.name}: {check.found}")
            if check.mend:
                print(f"    {check.mend}")
    return {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}


def _warn(trouble: str) -> None:
    if trouble:
        print(f"mesosynth: {trouble}", file=sys.stderr)


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """`value` with None for what JSON cannot say: a deviation without bound."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


_COMMANDS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "match": _match,
    "sequence": run_sequence,
    "render": run_render,
    "similar": run_similar,
    "play": _play,
    "devices": _devices,
    "midi": list_midi,
    "doctor": _doctor,
    "figures": run_figures,
    "plugin": run_plugin_command,
}
