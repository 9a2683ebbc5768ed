"""`mesosynth match FILE`: the matcher on the command line."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:  # numpy and soundfile would slow every command down
    from mesosynth.matching.messages import MatchResult, MatchSettings

_KEYS = (
    "theta", "std", "loss", "found", "evaluations", "seconds", "converged", "onset", "gain"
)  # fmt: skip


def add_match(match: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    match.add_argument("file", metavar="FILE", type=Path)
    match.add_argument("-o", "--output", metavar="PRESET", type=Path, help="write a preset")
    match.add_argument("--seed", metavar="N", type=int, default=0)
    match.add_argument(
        "--unknowns", metavar="ID,...", help="what to look for: f_c,f_m,gamma,w for example"
    )
    match.add_argument(
        "--pin", metavar="ID=VALUE", action="append", default=[],
        help="do not look for this parameter, it has this value",
    )  # fmt: skip
    match.add_argument("--phi", metavar="NAME", help="jtfs-global (the default), jtfs or mss")
    match.add_argument(
        "--descent", metavar="NAME",
        help="levenberg-marquardt (the default), bold-driver, adam or l-bfgs",
    )  # fmt: skip


def run_match(arguments: argparse.Namespace) -> dict[str, Any]:
    """Match, print the result unless as JSON, and return it."""
    from mesosynth.audio_file import load_target
    from mesosynth.matched_preset import matched_preset
    from mesosynth.presets import save_preset
    from mesosynth.progress import MatchBar
    from mesosynth.target import ANALYSIS_RATE

    output: Path | None = arguments.output
    if output is not None and not output.parent.is_dir():  # said before the work, not after it
        raise ArgumentError(f"{output} cannot be written: there is no folder {output.parent}.")
    settings = _settings(arguments)
    target = load_target(arguments.file)
    with MatchBar(target.name) as bar:
        from mesosynth.matching import match  # brings torch in, which takes seconds

        result = match(
            target.audio, ANALYSIS_RATE, seed=arguments.seed, on_step=bar.show, settings=settings
        )
    # The matcher saw four seconds that were cut out and scaled; the user has the file.
    result = replace(result, onset=result.onset + target.start, gain=result.gain / target.scale)
    if output is not None:
        save_preset(output, matched_preset(result, target.name, target.sha256))
    if not arguments.json:
        _print(result)
    answer = {name: getattr(result, name) for name in _KEYS}
    return {"target": target.name, "sha256": target.sha256, **answer}


def _settings(arguments: argparse.Namespace) -> "MatchSettings":
    from mesosynth.instruments.chirplet_parameters import PARAMETERS
    from mesosynth.matching.messages import MatchSettings

    pinned = dict(_pinned(text) for text in arguments.pin)
    wanted = PARAMETERS.matchable
    if arguments.unknowns:
        wanted = tuple(id_.strip() for id_ in arguments.unknowns.split(","))
    settings = MatchSettings(unknowns=tuple(i for i in wanted if i not in pinned), pinned=pinned)
    chosen = {name: getattr(arguments, name) for name in ("phi", "descent")}
    return replace(settings, **{name: value for name, value in chosen.items() if value})


def _pinned(text: str) -> tuple[str, float]:
    from mesosynth.instruments.chirplet_parameters import PARAMETERS

    id_, equals, value = text.partition("=")
    if not equals:
        raise ArgumentError(f"--pin {text}: write it as ID=VALUE, f_c=440 for example.")
    return id_, PARAMETERS[id_].parse(value)


def _print(result: "MatchResult") -> None:
    from mesosynth.instruments.chirplet_parameters import PARAMETERS

    for id_, value in result.theta.items():
        std = result.std.get(id_)
        if std is None and value == PARAMETERS[id_].default:
            continue  # neither looked for nor of interest
        deviation = "" if std is None else f"± {std:.2g}"
        print(f"{PARAMETERS[id_].name:<12}{value:10.4g} {deviation:<12}{PARAMETERS[id_].unit}")
    print(f"{'Loss':<12}{result.loss:10.3g} after {result.evaluations} evaluations")
    if not result.found:
        print(result.remark)
