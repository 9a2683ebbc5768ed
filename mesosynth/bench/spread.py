"""The few numbers that stand for many measurements."""

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles: {"median", "low", "high"}."""
    if len(values) < 3:
        return {"median": statistics.median(values), "low": min(values), "high": max(values)}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}
