"""Ours beside the baselines: at equal evaluations, at equal seconds, and in the course of time."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.match_scores import Row, finite, tolerance_of, worst_error

_MOMENTS = 60
_FIRST_MOMENT = 0.02  # s

_Group = tuple[str, str, str]  # targets, method, start

_ENDS: dict[str, Callable[[Row, Row], bool]] = {
    "equal_evaluations": lambda at, budget: at["evaluations"] <= budget["evaluations"],
    "equal_seconds": lambda at, budget: at["seconds"] <= budget["seconds"],
    "at_last": lambda at, budget: True,
}


def contest(rows: Sequence[Row]) -> list[Row]:
    """The entries "baselines": every method from every start, ours too, on the same targets."""
    return [
        {"targets": targets, "method": method, "start": start, **_figures(group)}
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


def _groups(rows: Sequence[Row]) -> dict[_Group, list[Row]]:
    groups: dict[_Group, list[Row]] = {}
    for row in rows:
        targets = f"{row['family']} {row['level']}".strip()
        groups.setdefault((targets, row["method"], row["start"]), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: item[0][0]))  # ours comes first


def _figures(rows: list[Row]) -> Row:
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
