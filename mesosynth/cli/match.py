"""`mesosynth match`: the parameters of a recording, written as a preset."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesosynth.cli.layers import add_layers, run_layers
from mesosynth.errors import ArgumentError

if TYPE_CHECKING:
    from mesosynth.matching.checkpoint import SavedMatch
    from mesosynth.matching.results import MatchResult, MatchSettings
    from mesosynth.plugins.parameters import ParameterTable


# --------------------------------------------------------------------------------------------------
# `mesosynth match --save RUN` and `--resume RUN`: a match that outlives its process.


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


# --------------------------------------------------------------------------------------------------
# `mesosynth match FILE`: the matcher on the command line.


_MATCHABLE = ("chirplet", "ripple")

_KEYS = (
    "theta", "std", "loss", "found", "evaluations", "seconds", "converged", "onset", "gain"
)  # fmt: skip


def add_match(match: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    match.add_argument("file", metavar="FILE", nargs="?", type=Path)
    match.add_argument("-o", "--output", metavar="PRESET", type=Path, help="write a preset")
    match.add_argument(
        "--instrument", metavar="NAME", choices=_MATCHABLE, default=_MATCHABLE[0],
        help=f"what to match with: {' or '.join(_MATCHABLE)}",
    )  # fmt: skip
    match.add_argument("--seed", metavar="N", type=int, default=0)
    match.add_argument(
        "--unknowns", metavar="ID,...", help="what to look for: f_c,f_m,gamma,w for example"
    )
    match.add_argument(
        "--pin", metavar="ID=VALUE", action="append", default=[],
        help="do not look for this, it has this value; onset (s) and gain (1 is full) may be too",
    )  # fmt: skip
    match.add_argument("--phi", metavar="NAME", help="jtfs-global (the default), jtfs or mss")
    match.add_argument(
        "--descent", metavar="NAME",
        help="levenberg-marquardt (the default), bold-driver, adam or l-bfgs",
    )  # fmt: skip
    add_keeping(match)
    add_layers(match)


def run_match(arguments: argparse.Namespace) -> dict[str, Any]:
    """Match, print the result unless as JSON, and return it."""
    from mesosynth.cli.progress import MatchBar
    from mesosynth.instruments import instrument_class
    from mesosynth.presets.matched import matched_preset
    from mesosynth.presets.preset import save_preset

    check_keeping(arguments)
    output: Path | None = arguments.output
    if output is not None and not output.parent.is_dir():  # said before the work, not after it
        raise ArgumentError(f"{output} cannot be written: there is no folder {output.parent}.")
    if arguments.layers is not None:
        return run_layers(arguments)
    wanted = wanted_match(arguments, _settings)
    target, instrument = wanted.target, wanted.instrument
    with telling_how_to_go_on(arguments), MatchBar(target.name) as bar:
        from mesosynth.matching.match import Matcher, run_and_keep
        from mesosynth.matching.similarity import Similarity

        matcher = Matcher(instrument)
        result = run_and_keep(matcher, wanted, kept_in(arguments), bar.show)
        scores = Similarity(target.audio).of(matcher.render(result.theta, target))
    if output is not None:
        preset = matched_preset(result, target.name, target.sha256, instrument, scores)
        save_preset(output, preset)
    if not arguments.json:
        _print(result, instrument_class(instrument).parameters)
        print(f"{'Similarity':<12}{scores}")
    answer = {name: getattr(result, name) for name in _KEYS}
    return {
        "target": target.name, "sha256": target.sha256, "instrument": instrument,
        **answer, "similarity": scores.as_dict(),
    }  # fmt: skip


def _settings(arguments: argparse.Namespace) -> "MatchSettings":
    from mesosynth.instruments import instrument_class
    from mesosynth.matching.results import MatchSettings

    table = instrument_class(arguments.instrument).parameters
    pinned = dict(_pinned(text, table) for text in arguments.pin)
    wanted = table.matchable
    if arguments.unknowns:
        wanted = tuple(id_.strip() for id_ in arguments.unknowns.split(","))
    free = tuple(id_ for id_ in wanted if id_ not in pinned)
    settings = MatchSettings(unknowns=free, pinned=pinned, seed=arguments.seed)
    chosen = {name: getattr(arguments, name) for name in ("phi", "descent")}
    return replace(settings, **{name: value for name, value in chosen.items() if value})


def _pinned(text: str, table: "ParameterTable") -> tuple[str, float]:
    id_, equals, value = text.partition("=")
    if not equals:
        raise ArgumentError(f"--pin {text}: write it as ID=VALUE, {table.matchable[0]}=440 say.")
    if id_ not in ("onset", "gain"):
        return id_, table[id_].parse(value)
    try:
        return id_, float(value)
    except ValueError:
        raise ArgumentError(f"--pin {text}: {value!r} is not a number.") from None


def _print(result: "MatchResult", table: "ParameterTable") -> None:
    for id_, value in result.theta.items():
        std = result.std.get(id_)
        if std is None and value == table[id_].default:
            continue  # neither looked for nor of interest
        deviation = "" if std is None else f"± {std:.2g}"
        print(f"{table[id_].name:<12}{value:10.4g} {deviation:<12}{table[id_].unit}")
    print(f"{'Loss':<12}{result.loss:10.3g} after {result.evaluations} evaluations")
    if not result.found:
        print(result.remark)
