"""From runs of the protocol to figures: success, errors, evaluations, seconds, and coverage."""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.targets import UNKNOWNS, Theta

Row = dict[str, Any]

TOLERANCES = (0.01, 0.02, 0.05, 0.10)
"""Within which a target counts as found."""

_TWO_SIDED_95 = 1.96  # standard deviations


def worst_error(theta: Theta, truth: Theta) -> float:
    """The largest relative error of what is in the truth; a wrong sign is an error of 2."""
    return max(abs(theta[id_] / truth[id_] - 1.0) for id_ in truth)


def tolerance_of(row: Row) -> float:
    """Within what a target should be found: 1%, in noise 2%."""
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
        "error": spread(errors),
        **{
            name: spread([row[name] for row in done]) for name in ("loss", "evaluations", "seconds")
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


def spread(values: Iterable[float]) -> dict[str, float | None] | None:
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
