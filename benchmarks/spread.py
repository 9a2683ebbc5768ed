"""The few numbers that stand for many measurements."""

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, quartiles and the smallest: {"median", "low", "high", "least"}."""
    low, median, high = (
        statistics.quantiles(values, n=4, method="inclusive")
        if len(values) > 1
        else [values[0]] * 3
    )
    return {"median": median, "low": low, "high": high, "least": min(values)}
