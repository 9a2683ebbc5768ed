"""Success, error bars and time of the matcher on targets whose theta is known.

Families of targets, see :mod:`benchmarks.targets`, are drawn from --seed. A target is found
when the worst relative error of f_c, f_m, gamma and w is within 1%, in noise within 2%. Noise is
measured in power over the whole window of four seconds, of which an arpeggio fills a part: while it
sounds, it stands higher above the noise than the level says. Seconds are those from audio to
answer, in a warm process. Ripples that are matched with arpeggios, in family H, and recordings have
no truth: their loss tells. Family R matches ripples with ripples.

--baselines sets other methods beside ours, on some of the targets of B and of D with 20 dB of white
noise: from the same start, drawn from the range that targets are drawn from (which ours is not
told), and from our table of arpeggios; with as many evaluations as ours took, with as many seconds,
and at last with four times these seconds. With --peers, SCRAPL is one of them.

Ctrl-C and --minutes end it early, and it shows what it has; with --cache it goes on from there the
next time. Begin a new file when the matcher has changed.

With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    machine     facts, see :func:`benchmarks.machine.machine_facts`; and neighbours, how many
                cores other programs took on average meanwhile, or null
    device, jobs, seed
    complete    false when it was ended early
    families    a list of
        family, level           level "all" is all of the family
        targets, failed         failed ones ended with an error
        success                 {"1%", "2%", "5%", "10%"}: shares of the targets; null without truth
        error, loss, evaluations, seconds
                                {median, p95}, null where infinite; null without any
    coverage    a list of {level, parameter, targets, share, rms_z}: in noise, the share of targets
                whose truth lies within 1.96 of the stated standard deviations, and the root mean
                square of error over standard deviation, which should be 1
    misses      a list of runs that did not find the truth, worst first: {method, start, family,
                level, index, seed, truth, failure, theta, std, loss, evaluations, seconds,
                converged, error}
    unjudged    such a list of what has no truth
    baselines   with --baselines, a list of
        targets, method, start  which targets; method "mesosynth" is ours
        count                   how many
        equal_evaluations, equal_seconds, at_last
                                {success, error}: share found, and median error
        seconds_to_find         median; null where less than half were found
    courses     with --baselines, a list of {targets, method, start, seconds, error}: the median
                error in the course of time, two lists
"""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.harness import program
from benchmarks.machine import Neighbours, machine_facts
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

SCHEMA = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m benchmarks.match`."""
    parser.add_argument(
        "--targets", metavar="N", type=_positive, default=200,
        help="of each family, dealt out over its levels (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--each-level", action="store_true", help="N targets at each level")
    parser.add_argument(
        "--families", metavar="A,B,...", help="letters of those wanted (default: all)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=_natural, default=0, help="for other targets of the same kind"
    )
    parser.add_argument("--baselines", action="store_true", help="also other methods")
    parser.add_argument(
        "--peers", action="store_true",
        help="also SCRAPL among them; the first time, its environment is made from the network",
    )  # fmt: skip
    parser.add_argument(
        "--baseline-targets", metavar="N", type=_positive, default=20,
        help="of B, and as many in noise (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--recordings", metavar="DIR", default=os.environ.get("MESOSYNTH_RECORDINGS", ""),
        help="a folder of sounds for family I (default: $MESOSYNTH_RECORDINGS)",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", metavar="N", type=_positive, default=1,
        help="processes, of one thread each: sooner done, but seconds say little then",
    )  # fmt: skip
    parser.add_argument(
        "--threads", metavar="N", type=_positive, default=worker_threads(),
        help="of torch, with one job (default: as many as the matcher takes, %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", metavar="M", type=float, default=float("inf"), help="end after so many"
    )
    parser.add_argument("--cache", metavar="FILE", type=Path, help="keep runs here, and go on")
    parser.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the figures")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print tables unless JSON is wanted, and return what --json shows."""
    from benchmarks import match_contest, match_scores
    from benchmarks.match_runs import contested_runs, rival_runs, runs_of
    from benchmarks.match_work import Crew, Keeper, Work
    from mesosynth.scattering.jtfs import best_device

    _check(arguments)
    jobs, seed = arguments.jobs, arguments.seed
    threads = 1 if jobs > 1 else arguments.threads
    runs = runs_of(
        _chosen(arguments), arguments.targets, seed, arguments.recordings,
        each_level=arguments.each_level,
    )  # fmt: skip
    contested = contested_runs(arguments.baseline_targets, seed) if arguments.baselines else []
    neighbours = Neighbours()
    with Crew(jobs, threads) as crew:
        work = Work(crew, Keeper(arguments.cache), arguments.minutes)
        ours = work.do("Targets", [*dict.fromkeys([*runs, *contested])])
        met = {run: ours[run] for run in contested if run in ours}
        theirs = work.do("Baselines", rival_runs(met, peers=arguments.peers)) if met else {}
    rows = [ours[run] for run in runs if run in ours]
    answer: dict[str, Any] = {
        "schema": SCHEMA,
        "machine": {**machine_facts(threads), "neighbours": neighbours.cores()},
        "device": best_device().type, "jobs": jobs, "seed": seed,
        "complete": work.complete,
        "families": match_scores.summary(rows),
        "coverage": match_scores.coverage(rows),
        "misses": match_scores.misses(rows),
        "unjudged": [match_scores.without_course(row) for row in rows if row["truth"] is None],
    }  # fmt: skip
    if arguments.baselines:
        contestants = [*met.values(), *theirs.values()]
        answer["baselines"] = match_contest.contest(contestants)
        answer["courses"] = match_contest.courses(contestants)
    _show(answer, arguments)
    return answer


def _show(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    if arguments.plot is not None:
        from benchmarks.match_plot import plot

        plot(answer, arguments.plot)
    if not arguments.json:
        from benchmarks.match_tables import show

        show(answer)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse at once what would fail after minutes."""
    if arguments.minutes <= 0.0:
        raise ArgumentError(f"--minutes {arguments.minutes:g} must be positive.")
    if arguments.plot is not None and not arguments.plot.parent.is_dir():
        raise ArgumentError(f"--plot {arguments.plot}: there is no folder {arguments.plot.parent}.")
    if arguments.peers:
        if not arguments.baselines:
            raise ArgumentError("--peers goes with --baselines; name both.")
        from benchmarks.environment import peers_python
        from benchmarks.narration import Narration

        with Narration() as say:
            peers_python(say)
    if arguments.baselines and find_spec("cma") is None:
        raise ArgumentError(
            "--baselines needs the package cma; install it with pip install 'mesosynth[bench]'."
        )


def _chosen(arguments: argparse.Namespace) -> dict[str, Any]:
    """The families that the command line names."""
    from benchmarks.targets import families

    known = families(arguments.recordings)
    if arguments.families is None:
        return known
    letters = [letter.strip().upper() for letter in arguments.families.split(",")]
    for letter in letters:
        if letter not in known:
            hint = "; I needs --recordings" if letter == "I" else ""
            raise ArgumentError(f"--families {letter!r}: choose of {', '.join(known)}{hint}.")
    return {letter: known[letter] for letter in letters}


def _positive(text: str) -> int:
    return _at_least(1, text)


def _natural(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no whole number") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"{text} must be at least {least}")
    return value


if __name__ == "__main__":
    sys.exit(program("match", __doc__, add_options, run))
