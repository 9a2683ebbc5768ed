"""Command line of a benchmark: options, one JSON object, errors as one sentence.

A benchmark is a module with ``add_options(parser)``, and ``run(arguments)``, which prints tables
unless ``arguments.json`` is set and returns what --json shows.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from mesosynth.errors import ArgumentError, MesosynthError

USAGE_ERROR = 2
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Mistakes on the command line are errors like all others."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message}; see python -m {self.prog} --help.")


def program(
    name: str,
    about: str | None,
    add_options: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], dict[str, Any]],
    argv: Sequence[str] | None = None,
) -> int:
    """Run a benchmark as a program.

    Parameters
    ----------
    name : str
        Of its module in this package.
    about : str or None
        What --help says.
    add_options : callable
        Takes the parser.
    run : callable
        Takes the parsed arguments, and returns what --json shows.
    argv : sequence of str, optional
        Words of the command line; None is this process's own.

    Returns
    -------
    int
        Exit status: 0, 2 for an error, 130 for Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _Parser(
        prog=f"benchmarks.{name}", description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    try:
        answer = run(parser.parse_args(words))
        if "--json" in words:
            print(json.dumps(answer, allow_nan=False))
        sys.stdout.flush()
    except MesosynthError as error:
        print(f"{name}: {error}", file=sys.stderr)
        if "--json" in words:
            print(json.dumps({"error": str(error)}))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` say, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
