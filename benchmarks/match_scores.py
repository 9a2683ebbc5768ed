"""Figures of the match protocol: success, errors, seconds, coverage, and the contest of methods."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.match_targets import UNKNOWNS, Theta

Row = dict[str, Any]

TOLERANCES = (0.01, 0.02, 0.05, 0.10)
"""Within which a target counts as found."""

_TWO_SIDED_95 = 1.96  # standard deviations


def worst_error(theta: Theta, truth: Theta) -> float:
    """Largest relative error of the true parameters; a wrong sign is an error of 2.

    Parameters
    ----------
    theta, truth : dict of str to float
    """
    return max(abs(theta[id_] / truth[id_] - 1.0) for id_ in truth)


def tolerance_of(row: Row) -> float:
    """Largest relative error of a target that counts as found: 1%, in noise 2%."""
    return 0.02 if row["family"] == "D" else 0.01


def error_of(row: Row) -> float | None:
    """Error of a run of ours; None where there is no truth, infinite where it failed."""
    if row["truth"] is None:
        return None
    return math.inf if row["failure"] else worst_error(row["theta"], row["truth"])


def summary(rows: Sequence[Row]) -> list[Row]:
    """The entries "families": every family, and every level of those that have several."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["family"], "all"), []).append(row)
        if row["level"]:
            groups.setdefault((row["family"], row["level"]), []).append(row)
    return [
        {"family": family, "level": level, **_figures(group)}
        for (family, level), group in sorted(groups.items(), key=lambda item: item[0][0])
    ]


def _figures(rows: list[Row]) -> Row:
    done = [row for row in rows if not row["failure"]]
    errors = [error for row in rows if (error := error_of(row)) is not None]
    return {
        "targets": len(rows),
        "failed": len(rows) - len(done),
        "success": success(errors),
        "error": median_and_p95(errors),
        **{
            name: median_and_p95([row[name] for row in done if name in row])
            for name in ("loss", "evaluations", "seconds", "cpu_seconds")
        },
    }


def success(errors: Sequence[float]) -> dict[str, float] | None:
    """Shares of `errors` within each of TOLERANCES, by the percentage; None without any."""
    if not errors:
        return None
    return {
        f"{tolerance:.0%}": sum(error <= tolerance for error in errors) / len(errors)
        for tolerance in TOLERANCES
    }


def median_and_p95(values: Iterable[float]) -> dict[str, float | None] | None:
    """Median and 95th percentile, {"median", "p95"}; None where infinite, or without any value."""
    ordered = sorted(values)
    if not ordered:
        return None
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return {"median": finite(statistics.median(ordered)), "p95": finite(p95)}


def finite(value: float) -> float | None:
    """`value`, or None, which JSON has, for infinity, which it has not."""
    return value if math.isfinite(value) else None


def coverage(rows: Sequence[Row]) -> list[Row]:
    """The entries "coverage": how well the error bars of family D tell the errors."""
    noisy = [row for row in rows if row["family"] == "D" and not row["failure"]]
    levels = ["all", *dict.fromkeys(row["level"] for row in noisy)]
    found: list[Row] = []
    for level in levels:
        group = [row for row in noisy if level in ("all", row["level"])]
        for id_ in UNKNOWNS:
            z = [_z(row, id_) for row in group]
            if z:
                found.append(
                    {
                        "level": level,
                        "parameter": id_,
                        "targets": len(z),
                        "share": sum(abs(value) <= _TWO_SIDED_95 for value in z) / len(z),
                        "rms_z": finite(math.sqrt(statistics.fmean(value**2 for value in z))),
                    }
                )
    return found


def _z(row: Row, id_: str) -> float:
    """Error over its standard deviation; infinite where an error has none."""
    error, std = row["theta"][id_] - row["truth"][id_], row["std"].get(id_, 0.0)
    return error / std if std > 0.0 else (0.0 if error == 0.0 else math.inf)


def misses(rows: Sequence[Row]) -> list[Row]:
    """Runs that found something else than the truth, worst first."""
    wrong = [
        (error, row)
        for row in rows
        if (error := error_of(row)) is not None and error > tolerance_of(row)
    ]
    wrong.sort(key=lambda item: item[0], reverse=True)
    return [{**without_course(row), "error": finite(error)} for error, row in wrong]


def without_course(row: Row) -> Row:
    """A run without the way to its theta."""
    return {key: value for key, value in row.items() if key != "course"}


# ---------------------------------------------------------------------- ours and baselines

_MOMENTS = 60
_FIRST_MOMENT = 0.02  # s

_Contestant = tuple[str, str, str]  # targets, method, start

_ENDS: dict[str, Callable[[Row, Row], bool]] = {
    "equal_evaluations": lambda at, budget: at["evaluations"] <= budget["evaluations"],
    "equal_seconds": lambda at, budget: at["seconds"] <= budget["seconds"],
    "at_last": lambda at, budget: True,
}


def contest(rows: Sequence[Row]) -> list[Row]:
    """The entries "baselines": every method from every start, ours too, on the same targets."""
    return [
        {"targets": targets, "method": method, "start": start, **_contest_figures(group)}
        for (targets, method, start), group in _groups(rows).items()
    ]


def courses(rows: Sequence[Row]) -> list[Row]:
    """The entries "courses"."""
    longest = max((at["seconds"] for row in rows for at in _course_of(row)), default=1.0)
    moments = np.geomspace(_FIRST_MOMENT, max(longest, 2.0 * _FIRST_MOMENT), _MOMENTS)
    return [
        {
            "targets": targets,
            "method": method,
            "start": start,
            "seconds": moments.tolist(),
            "error": [finite(_median_at(group, moment)) for moment in moments],
        }
        for (targets, method, start), group in _groups(rows).items()
    ]


def _groups(rows: Sequence[Row]) -> dict[_Contestant, list[Row]]:
    groups: dict[_Contestant, list[Row]] = {}
    for row in rows:
        targets = f"{row['family']} {row['level']}".strip()
        groups.setdefault((targets, row["method"], row["start"]), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: item[0][0]))  # ours comes first


def _contest_figures(rows: list[Row]) -> Row:
    figures: Row = {"count": len(rows)}
    for name, within in _ENDS.items():
        errors = [_error_within(row, within) for row in rows]
        found = sum(e <= tolerance_of(row) for e, row in zip(errors, rows, strict=True))
        figures[name] = {
            "success": found / len(rows),
            "error": finite(statistics.median(errors)),
        }
    return {**figures, "seconds_to_find": finite(statistics.median(map(_seconds_to_find, rows)))}


def _error_within(row: Row, within: Callable[[Row, Row], bool]) -> float:
    """Error of the last theta of a run that came within ours' budget."""
    budget = row.get("budget", row)
    return next((at["error"] for at in reversed(_course_of(row)) if within(at, budget)), math.inf)


def _seconds_to_find(row: Row) -> float:
    """When a run came within the tolerance for good, s; infinity where it never did."""
    found = math.inf
    for at in reversed(_course_of(row)):
        if at["error"] > tolerance_of(row):
            break
        found = at["seconds"]
    return found


def _median_at(rows: list[Row], moment: float) -> float:
    return statistics.median(
        _error_within(row, lambda at, _: at["seconds"] <= moment) for row in rows
    )


def _course_of(row: Row) -> list[dict[str, Any]]:
    """How a run's theta improved: {evaluations, seconds, error} each."""
    if row["failure"]:
        return []
    return [{**at, "error": worst_error(at["theta"], row["truth"])} for at in row["course"]]
