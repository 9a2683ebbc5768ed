"""The command line: commands, exit codes, and errors as one sentence.

What takes long to import is imported by the command that needs it, cyclopts included:
``mesosynth --version`` needs none of it.
"""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from mesosynth import __version__
from mesosynth.cli.streams import STANDARD_OUTPUT, drop_output, prepare_streams
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.system.signals import exit_code, raised_signals

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

USAGE_ERROR = 2

COMMANDS = {
    "match": "Find the parameters of a sound, with one arpeggio or more.",
    "sequence": "A long sound as parameters over time: CSV, MIDI, WAV.",
    "resynthesise": "Another sound with the scattering coefficients of a sound, or edited ones.",
    "render": "Write a preset as WAV, or all presets and a sheet of their scalograms.",
    "batch": "Match every file of a folder, on one machine or many.",
    "data": "Make the data set of an instrument, on one machine or many.",
    "train": "Train an encoder on a data set, or a classifier on your sounds.",
    "classify": "Classes that sounds and presets sound like, by a classifier of your own.",
    "similar": "Presets that sound like one.",
    "play": "Play a preset through the sound card.",
    "devices": "List the sound devices.",
    "midi": "List the MIDI inputs.",
    "doctor": "Missing parts of the system, and the command that repairs each.",
    "desktop": "Add mesosynth to the desktop's menu, with its icon and file types.",
    "plugin": "Test a plugin, or list all.",
    "figures": "The paper's figures, as pictures and tables.",
}
"""Help of each command, which is the function of that name in the module of that name."""

HELP = """\
mesosynth FILE opens the desk and matches FILE, or opens a preset or a session; without one, the \
desk is as you left it. Where there is no display, a session runs in the terminal.

mesosynth COMMAND --help tells the options of each command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for an error, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    try:
        with raised_signals():
            return _answer(words, "--json" in words)
    except KeyboardInterrupt as interrupt:
        return exit_code(interrupt)


def _answer(words: list[str], as_json: bool) -> int:
    try:
        answer = _run(words)
    except BrokenPipeError:  # the reader, `head` say, has enough
        drop_output()
        return 0
    except MesosynthError as error:
        return _refuse(str(error), as_json)
    except OSError as error:  # of the machine: a full disk, a file that is gone
        if error.filename == STANDARD_OUTPUT:
            drop_output()
        return _refuse(_about(error), as_json)
    except MemoryError:
        return _refuse("there is not enough memory for this; try a shorter sound.", as_json)
    return _print(json.dumps(answer, allow_nan=False) if as_json and answer is not None else "")


def _refuse(sentence: str, as_json: bool) -> int:
    print(f"mesosynth: {sentence}", file=sys.stderr)
    if as_json:
        _print(json.dumps({"error": sentence}))
    return USAGE_ERROR


def _print(text: str) -> int:
    """Print the last line, and send off what waits for standard output; return the exit code."""
    try:
        if text:
            print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
    except OSError as error:  # the disk that it leads to is full
        drop_output()
        print(f"mesosynth: {_about(error)}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def _about(error: OSError) -> str:
    from mesosynth.system.atomic_file import cause_of

    what = error.filename or "a file or a device"
    return f"{what} cannot be used: {cause_of(error)}."


def _run(words: list[str]) -> dict[str, Any] | None:
    """Run one command and return its answer for `--json`; None after help or version."""
    if words == ["--version"]:
        print(f"mesosynth {__version__}")
        return None
    from cyclopts import CycloptsError

    try:
        command, bound, _ = _app(words[:1]).parse_args(
            words, exit_on_error=False, print_error=False
        )
    except CycloptsError as error:
        raise ArgumentError(_sentence(error)) from None
    return command(*bound.args, **bound.kwargs)


def _app(first: list[str]) -> "App":
    """Commands for cyclopts, which imports only the module of the one that runs.

    Parameters
    ----------
    first : list of str
        First word of the command line, if there is one. Unless it is a command, the desk's module
        is imported.
    """
    from cyclopts import App, Parameter

    app = App(
        "mesosynth",
        HELP,
        version=f"mesosynth {__version__}",
        help_format="markdown",
        # No --no-json and no lists in JSON; of an option that comes twice, the last counts.
        default_parameter=Parameter(
            negative=(), json_list=False, allow_repeating=True, show_default=_shown
        ),
    )
    for place, (name, help_text) in enumerate(COMMANDS.items()):
        module = "midi" if name == "devices" else name
        app.command(f"mesosynth.cli.{module}:{name}", name=name, help=help_text, sort_key=place)
    if not first or first[0] not in COMMANDS:
        app.default(import_module("mesosynth.cli.desk").desk)
    return app


def _shown(default: object) -> str | None:
    """Text of a default in the help, None to show none."""
    if default is None or default is False:
        return None
    return f"{default:g}" if isinstance(default, float) else str(default)


def _sentence(error: "CycloptsError") -> str:
    """Error of the command line in one sentence, which ends with the command for help."""
    from difflib import get_close_matches

    from cyclopts import CoercionError, MissingArgumentError, UnusedCliTokensError, ValidationError
    from cyclopts.exceptions import UnknownCommandError, UnknownOptionError

    name = error.argument.names[0] if error.argument else ""
    match error:
        case UnknownOptionError(token=token, argument_collection=known):
            word = token.keyword or token.value
            said = f"unrecognized arguments: {word}"
            names = [name for one in known for name in one.names]
            longer = [name for name in names if name.startswith(word)]
            for near in longer[:1] or get_close_matches(word, names, n=1, cutoff=0.7):
                said += f" (did you mean {near}?)"
        case UnusedCliTokensError(unused_tokens=tokens):
            said = f"unrecognized arguments: {' '.join(tokens or ())}"
        case UnknownCommandError(unused_tokens=tokens):
            said = f"invalid choice: {(tokens or [''])[0]!r}"
        case MissingArgumentError(keyword=keyword) if name.startswith("-"):
            said = f"argument {keyword or name}: expected one argument"
        case MissingArgumentError():
            said = f"the following arguments are required: {name}"
        case ValidationError(exception_message=message):
            said = f"argument {name}: {message}"
        case CoercionError(msg=None, token=token, target_type=wanted) if token is not None:
            if choices := ", ".join(map(str, get_args(wanted))):
                said = f"argument {name}: invalid choice: {token.value!r} (choose from {choices})"
            else:
                kind = getattr(wanted, "__name__", "")
                said = f"argument {name}: invalid {kind} value: {token.value!r}"
        case CoercionError(msg=message):
            said = f"argument {name}: {message}"
        case _:
            said = str(error)
    command = " ".join(["mesosynth", *(error.command_chain or ())])
    return f"{said}; see {command} --help."
