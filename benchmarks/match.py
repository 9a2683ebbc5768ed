"""Success, error bars and time of the matcher on targets whose theta is known.

Families of targets, see :mod:`benchmarks.match_targets`, are drawn from --seed. A target is found
when the worst relative error of f_c, f_m, gamma and w is within 1%, in noise within 2%. Noise is
measured in power over the whole window of four seconds, of which an arpeggio fills a part: while it
sounds, it stands higher above the noise than the level says. Seconds are those from audio to
answer, in a warm process. Ripples that are matched with arpeggios, in family H, and recordings have
no truth: their loss tells. Family R matches ripples with ripples.

--baselines sets other methods beside ours, on some of the targets of B and of D with 20 dB of white
noise: from the same start, drawn from the range that targets are drawn from (which ours is not
told), and from our table of arpeggios; with as many evaluations as ours took, with as many seconds,
and at last with four times these seconds. With --peers, SCRAPL is one of them.

Ctrl-C, SIGTERM and --minutes end it early, and it shows what it has; with --cache it goes on from
there the next time. Begin a new file when the matcher has changed.

With --json, one object::

    schema      3; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    device, jobs, seed
    complete    false when it was ended early
    families    a list of
        family, level           level "all" is all of the family
        targets, failed         failed ones ended with an error
        success                 {"1%", "2%", "5%", "10%"}: shares of the targets; null without truth
        error, loss, evaluations, seconds, cpu_seconds
                                {median, p95}, null where infinite; null without any.
                                cpu_seconds are the processor's, which others on the machine
                                lengthen less
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
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import (
    NOTHING,
    Answer,
    Environment,
    Narration,
    at_least,
    console,
    number,
    program,
    show_machine,
    table,
)
from benchmarks.match_targets import UNKNOWNS
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = 3
_MOST_MISSES = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument(
        "--targets", metavar="N", type=at_least(1), default=200,
        help="of each family, dealt out over its levels (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--each-level", action="store_true", help="N targets at each level")
    parser.add_argument(
        "--families", metavar="A,B,...", help="letters of those wanted (default: all)"
    )
    parser.add_argument(
        "--levels", metavar="LEVEL,...", default="",
        help="of the families' levels only those that begin so, as '20 dB white' (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--seed",
        metavar="N",
        type=at_least(0),
        default=0,
        help="for other targets of the same kind",
    )
    parser.add_argument("--baselines", action="store_true", help="also other methods")
    parser.add_argument(
        "--peers", action="store_true",
        help="also SCRAPL among them; the first time, its environment is made from the network",
    )  # fmt: skip
    parser.add_argument(
        "--baseline-targets", metavar="N", type=at_least(1), default=20,
        help="of B, and as many in noise (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--recordings", metavar="DIR", default=os.environ.get("MESOSYNTH_RECORDINGS", ""),
        help="a folder of sounds for family I (default: $MESOSYNTH_RECORDINGS)",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", metavar="N", type=at_least(1), default=1,
        help="processes, of one thread each: sooner done, but seconds say little then",
    )  # fmt: skip
    parser.add_argument(
        "--threads", metavar="N", type=at_least(1), default=worker_threads(),
        help="of torch, with one job (default: as many as the matcher takes, %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", metavar="M", type=float, default=float("inf"), help="end after so many"
    )
    parser.add_argument("--cache", metavar="FILE", type=Path, help="keep runs here, and go on")
    parser.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the figures")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure, and return what --json shows."""
    from benchmarks import match_scores  # what is slow to import comes after --help
    from benchmarks.match_runs import Crew, Keeper, Work, contested_runs, rival_runs, runs_of
    from mesosynth.scattering.jtfs import best_device

    _check(arguments)
    jobs, seed = arguments.jobs, arguments.seed
    threads = 1 if jobs > 1 else arguments.threads
    runs = runs_of(
        _chosen(arguments), arguments.targets, seed, arguments.recordings,
        each_level=arguments.each_level,
    )  # fmt: skip
    levels = tuple(level.strip() for level in arguments.levels.split(","))
    # Levels without a name are the only ones of their family.
    runs = [run for run in runs if not run.level_name or run.level_name.startswith(levels)]
    contested = contested_runs(arguments.baseline_targets, seed) if arguments.baselines else []
    environment = Environment(threads)
    with Crew(jobs, threads) as crew:
        work = Work(crew, Keeper(arguments.cache), arguments.minutes)
        ours = work.do("Targets", [*dict.fromkeys([*runs, *contested])])
        met = {run: ours[run] for run in contested if run in ours}
        theirs = work.do("Baselines", rival_runs(met, peers=arguments.peers)) if met else {}
    rows = [ours[run] for run in runs if run in ours]
    answer: Answer = {
        "schema": SCHEMA,
        "machine": environment.record(),
        "device": best_device().type, "jobs": jobs, "seed": seed,
        "complete": work.complete,
        "families": match_scores.summary(rows),
        "coverage": match_scores.coverage(rows),
        "misses": match_scores.misses(rows),
        "unjudged": [match_scores.without_course(row) for row in rows if row["truth"] is None],
    }  # fmt: skip
    if arguments.baselines:
        contestants = [*met.values(), *theirs.values()]
        answer["baselines"] = match_scores.contest(contestants)
        answer["courses"] = match_scores.courses(contestants)
    if arguments.plot is not None:
        plot(answer, arguments.plot)
    return answer


def _check(arguments: argparse.Namespace) -> None:
    """Refuse at once what would fail after minutes."""
    if arguments.minutes <= 0.0:
        raise ArgumentError(f"--minutes {arguments.minutes:g} must be positive.")
    if arguments.plot is not None and not arguments.plot.parent.is_dir():
        raise ArgumentError(f"--plot {arguments.plot}: there is no folder {arguments.plot.parent}.")
    if arguments.peers:
        if not arguments.baselines:
            raise ArgumentError("--peers goes with --baselines; name both.")
        from benchmarks.peers import peers_python

        with Narration() as say:
            peers_python(say)
    if arguments.baselines and find_spec("cma") is None:
        raise ArgumentError(
            "--baselines needs the package cma; install it with pip install 'mesosynth[bench]'."
        )


def _chosen(arguments: argparse.Namespace) -> Answer:
    """The families that the command line names."""
    from benchmarks.match_targets import families

    known = families(arguments.recordings)
    if arguments.families is None:
        return known
    letters = [letter.strip().upper() for letter in arguments.families.split(",")]
    for letter in letters:
        if letter not in known:
            hint = "; I needs --recordings" if letter == "I" else ""
            raise ArgumentError(f"--families {letter!r}: choose of {', '.join(known)}{hint}.")
    return {letter: known[letter] for letter in letters}


# ---------------------------------------------------------------------- tables


def show(answer: Answer) -> None:
    """Print what --json would show."""
    machine = answer["machine"]
    show_machine(
        machine,
        f", {answer['jobs']} jobs of {machine['threads']} threads, {answer['device']}; "
        f"seed {answer['seed']}",
    )
    if not answer["complete"]:
        console().print("Ended early: this is a part.")
    table(
        "Share of targets whose worst of f_c, f_m, gamma and w is within so much; median and 95th "
        "percentile of that error, of evaluations of the JTFS and of seconds",
        ["targets"], ["n", "1%", "2%", "5%", "10%", "error", "95%", "ev.", "95%", "s", "95%"],
        map(_family_row, answer["families"]),
    )  # fmt: skip
    table(
        "Processor seconds, which others on the machine lengthen less",
        ["targets"], ["median", "95%"],
        ([f"{row['family']} {row['level']}", *_both(row["cpu_seconds"], ".2f")]
         for row in answer["families"]),
    )  # fmt: skip
    if answer["coverage"]:
        table(
            "In noise: share of targets within the stated 95% interval (should be 90% to 99%), and "
            "the root mean square of error over stated deviation (should be 1)",
            ["level"], ["n", *(heading for id_ in UNKNOWNS for heading in (id_, "rms"))],
            _coverage_rows(answer["coverage"]),
        )  # fmt: skip
    misses = answer["misses"]
    if misses:
        table(
            "Not found, worst first: the truth, and what came instead",
            ["target"], ["error", *UNKNOWNS], map(_miss_row, misses[:_MOST_MISSES]),
        )  # fmt: skip
    if len(misses) > _MOST_MISSES:
        console().print(f"and {len(misses) - _MOST_MISSES} more; --json has all.")
    if answer.get("baselines"):
        table(
            "Ours (mesosynth) and others on the same targets: found, and median error, with as "
            "many evaluations as ours, as many seconds, and in four times these seconds; median "
            "seconds until found",
            ["targets", "method and start"], ["ev.", "error", "s", "error", "4 s", "error", "s"],
            map(_baseline_row, answer["baselines"]),
        )  # fmt: skip


def _family_row(row: Answer) -> list[str]:
    success = row["success"] or {}
    return [
        f"{row['family']} {row['level']}",
        f"{row['targets']}",
        *(_percent(success.get(f"{p}%")) for p in (1, 2, 5, 10)),
        *(_error((row["error"] or {}).get(key)) for key in ("median", "p95")),
        *_both(row["evaluations"], ".0f"),
        *_both(row["seconds"], ".2f"),
    ]


def _coverage_rows(rows: list[Answer]) -> Iterator[list[str]]:
    for level in dict.fromkeys(row["level"] for row in rows):
        of_level = [row for row in rows if row["level"] == level]
        cells = [
            cell
            for row in of_level
            for cell in (_percent(row["share"]), number(row["rms_z"], ".2f"))
        ]
        yield [level, f"{of_level[0]['targets']}", *cells]


def _miss_row(row: Answer) -> list[str]:
    name = " ".join(filter(None, (row["family"], row["level"], f"{row['index']}")))
    truth = [number(row["truth"][id_], ".4g") for id_ in row["truth"]]
    if row["failure"]:
        return [name, "failed", *truth]
    theta = [number(row["theta"][id_], ".4g") for id_ in row["truth"]]
    pairs = [f"{true}→{found}" for true, found in zip(truth, theta, strict=True)]
    return [name, _error(row["error"]), *pairs]


def _baseline_row(row: Answer) -> list[str]:
    ends = [row[name] for name in ("equal_evaluations", "equal_seconds", "at_last")]
    cells = [cell for end in ends for cell in (_percent(end["success"]), _error(end["error"]))]
    name = f"{row['method']}, {row['start']}"
    return [row["targets"], name, *cells, number(row["seconds_to_find"], ".2f")]


def _both(values: dict[str, float | None] | None, form: str) -> tuple[str, str]:
    if values is None:
        return NOTHING, NOTHING
    return number(values["median"], form), number(values["p95"], form)


def _percent(share: float | None) -> str:
    """A share without a decimal, unless that makes almost all look like all."""
    if share is None:
        return NOTHING
    return f"{share:.1%}" if 0.98 < share < 1.0 else f"{share:.0%}"


def _error(value: float | None) -> str:
    """Two digits or three."""
    if value is None:
        return NOTHING
    return f"{value:.2%}" if value < 0.01 else f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


# ---------------------------------------------------------------------- picture

_SUCCESSES = ("1%", "2%", "5%", "10%")
_LINES = {"white": "-", "pink": "--", "+": "-", "-": "--"}


def plot(answer: Answer, path: Path) -> None:
    """Draw `answer` to a PNG file.

    Parameters
    ----------
    answer : dict
        From :func:`run`.
    path : Path
        A PNG file.

    Raises
    ------
    ArgumentError
        If it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    noise = [row for row in answer["families"] if row["family"] == "D" and row["level"] != "all"]
    shifts = [row for row in answer["families"] if row["family"] == "C" and row["level"] != "all"]
    panels: list[tuple[Callable[[Axes, list[Answer]], None], list[Answer]]] = [
        (_noise, noise), (_shift, shifts), (_time, answer.get("courses", []))
    ]  # fmt: skip
    panels = [(draw, rows) for draw, rows in panels if rows]  # what was measured
    figure = Figure(figsize=(6.5 * max(1, len(panels)), 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (draw, rows) in enumerate(panels, 1):
        draw(figure.add_subplot(1, len(panels), place), rows)
    try:
        figure.savefig(path, dpi=150, format="png")
    except OSError as error:
        raise ArgumentError(f"--plot {path} cannot be written: {error}.") from error


def _noise(axes: "Axes", rows: list[Answer]) -> None:
    for colour in ("white", "pink"):
        levels = sorted((int(row["level"].split()[0]), row["success"])
                        for row in rows if row["level"].endswith(colour))  # fmt: skip
        _successes(axes, levels, colour)
    axes.set(title="In noise", xlabel="arpeggio over noise, dB", ylim=(-0.02, 1.02))
    axes.invert_xaxis()
    _finish(axes, "share of targets found within")


def _shift(axes: "Axes", rows: list[Answer]) -> None:
    for sign in ("+", "-"):
        levels = sorted((abs(int(row["level"])), row["success"])
                        for row in rows if row["level"].startswith(sign))  # fmt: skip
        _successes(axes, levels, sign)
    axes.set(title="Shifted", xlabel="shift, samples", ylim=(-0.02, 1.02))
    axes.set_xscale("log", base=2)
    _finish(axes, "share of targets found within")


def _successes(axes: "Axes", levels: list[tuple[int, dict[str, float]]], which: str) -> None:
    for place, within in enumerate(_SUCCESSES):
        axes.plot(
            [level for level, _ in levels],
            [success[within] for _, success in levels],
            _LINES[which], color=f"C{place}", marker=".", label=f"{within}, {which}",
        )  # fmt: skip


def _time(axes: "Axes", courses: list[Answer]) -> None:
    """Median error in the course of time, on the first kind of targets."""
    methods = list(dict.fromkeys(course["method"] for course in courses))
    first = courses[0]["targets"]
    for course in courses:
        if course["targets"] != first:
            continue
        points = [
            (second, error)
            for second, error in zip(course["seconds"], course["error"], strict=True)
            if error is not None
        ]
        ours = course["method"] == "mesosynth"
        axes.loglog(
            [second for second, _ in points],
            [max(error, 1e-5) for _, error in points],
            ":" if course["start"] == "table" else "-",
            color="black" if ours else f"C{methods.index(course['method'])}",
            linewidth=3.0 if ours else 1.2,
            label=f"{course['method']}, {course['start']}",
        )
    axes.set(title=f"Targets of {first}", xlabel="seconds")
    _finish(axes, "median of the worst relative error")


def _finish(axes: "Axes", of_y: str) -> None:
    axes.set_ylabel(of_y)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0))


if __name__ == "__main__":
    sys.exit(program("match", __doc__, add_options, run, show))
