"""`mesosynth match --save RUN` and `--resume RUN`: a match that outlives its process."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:  # numpy and soundfile would slow every command down
    from mesosynth.matching.checkpoint import SavedMatch
    from mesosynth.matching.results import MatchSettings

_OF_NEW_MATCHES = ("file", "seed", "unknowns", "pin", "phi", "descent")


def add_keeping(match: argparse.ArgumentParser) -> None:
    """Describe the options."""
    match.add_argument(
        "--save", metavar="RUN", type=Path,
        help="keep the match in this file as it goes; Ctrl-C leaves what is there",
    )  # fmt: skip
    match.add_argument(
        "--resume", metavar="RUN", type=Path, help="go on with a match that was kept"
    )


def check_keeping(arguments: argparse.Namespace) -> None:
    """Refuse what does not go together.

    Raises
    ------
    ArgumentError
        Naming the options.
    """
    if arguments.resume is None and arguments.file is None:
        raise ArgumentError("match: name a FILE, or a match that was kept: --resume RUN.")
    if arguments.layers is not None and (arguments.save or arguments.resume):
        raise ArgumentError("--save and --resume do not go with --layers; leave them out.")
    if arguments.save is not None and not arguments.save.parent.is_dir():
        folder = arguments.save.parent
        raise ArgumentError(f"{arguments.save} cannot be written: there is no folder {folder}.")
    for name in _OF_NEW_MATCHES:
        if arguments.resume is not None and getattr(arguments, name):
            option = name.upper() if name == "file" else f"--{name}"
            raise ArgumentError(f"{option} does not go with --resume, which holds it already.")


def wanted_match(
    arguments: argparse.Namespace, settings: Callable[[argparse.Namespace], "MatchSettings"]
) -> "SavedMatch":
    """Return the match that is to be run, or to be gone on with.

    Raises
    ------
    MatchFileError
        If what is to be resumed is no match, or if what `--save` names is something else.
    AudioFileError, TargetError
        If the sound cannot be matched.
    """
    from mesosynth.audio.file import load_target
    from mesosynth.matching.checkpoint import SavedMatch, load_match

    if arguments.resume is not None:
        return load_match(arguments.resume)
    if arguments.save is not None and arguments.save.exists():
        load_match(arguments.save)  # which refuses to take the place of anything else
    return SavedMatch(
        instrument=arguments.instrument,
        settings=settings(arguments),
        target=load_target(arguments.file),
    )


def kept_in(arguments: argparse.Namespace) -> Path | None:
    """Return the file that a match is kept in, None for none."""
    return arguments.save or arguments.resume


@contextlib.contextmanager
def telling_how_to_go_on(arguments: argparse.Namespace) -> Generator[None]:
    """Say after Ctrl-C how the match can be gone on with."""
    try:
        yield
    except KeyboardInterrupt:
        kept = kept_in(arguments)
        if kept is not None and kept.exists():
            print(f"Go on with: mesosynth match --resume {kept}", file=sys.stderr)
        raise
