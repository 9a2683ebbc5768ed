"""Maps of relevance over carrier, rate and scale of scattering paths, without torch."""

import csv
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Paths:
    """Axes of the paths of a feature, of its shape without frames; NaN where a path has none.

    Attributes
    ----------
    carrier : array
        Hz.
    rate : array
        Hz; 0 at the first order.
    scale : array
        Cycles per octave, positive for rising patterns and negative for falling ones.
    """

    carrier: NDArray[np.float64]
    rate: NDArray[np.float64]
    scale: NDArray[np.float64]


@dataclass(frozen=True)
class RelevanceMap:
    """Relevance over two axes of the paths.

    Attributes
    ----------
    values : (rows, columns) float64
    rows, columns : float64 arrays
        Ascending.
    row_name, column_name : str
        With their units.
    """

    values: NDArray[np.float64]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    row_name: str
    column_name: str

    def as_csv(self) -> str:
        """A line of column values, then a line for each row."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            [f"{self.row_name} / {self.column_name}", *(f"{c:.6g}" for c in self.columns)]
        )
        for row, values in zip(self.rows, self.values, strict=True):
            writer.writerow([f"{row:.6g}", *(f"{value:.6g}" for value in values)])
        return text.getvalue()


@dataclass(frozen=True)
class SpinMap:
    """Relevance over scale and rate of both spins, laid out as the attribution of a match.

    Attributes
    ----------
    values : (2, n_scales, n_rates) float64
        Of falling (spin -1) and rising (spin +1) patterns. Half of what has no direction, at the
        scale 0, is in each.
    scales : (n_scales,) float64
        Cycles per octave, ascending.
    rates : (n_rates,) float64
        Hz, ascending.
    """

    values: NDArray[np.float64]
    scales: NDArray[np.float64]
    rates: NDArray[np.float64]


@dataclass(frozen=True)
class Relevance:
    """Relevance of the paths of one sound for one class.

    Attributes
    ----------
    label : str
        The class.
    probability : float
        Of it.
    values : array
        Of the shape of :attr:`paths`, summed over time; the sum of all is 1.
    paths : Paths
    """

    label: str
    probability: float
    values: NDArray[np.float64]
    paths: Paths

    @property
    def carrier_rate(self) -> RelevanceMap:
        """Carrier (Hz) by rate (Hz); the first order has the rate 0."""
        rows = _in_thirds(self.paths.carrier)
        return self._map(rows, self.paths.rate, "carrier (Hz)", "rate (Hz)")

    @property
    def rate_scale(self) -> RelevanceMap:
        """Rate (Hz) by signed scale (cycles per octave), of the second order of the JTFS."""
        rate = np.where(self.paths.rate > 0.0, self.paths.rate, np.nan)
        return self._map(rate, self.paths.scale, "rate (Hz)", "scale (cycles/octave)")

    @property
    def spins(self) -> SpinMap:
        """:attr:`rate_scale` by its spins."""
        map_ = self.rate_scale
        scales = np.unique(np.abs(map_.columns))
        values = np.zeros((2, len(scales), len(map_.rows)))
        for signed, relevance in zip(map_.columns, map_.values.T, strict=True):
            spins = [0, 1] if signed == 0.0 else [int(signed > 0.0)]
            values[spins, np.searchsorted(scales, abs(signed))] = relevance / len(spins)
        return SpinMap(values, scales, map_.rows)

    @property
    def peak_rate(self) -> float:
        """Rate (Hz) of the most relevance, over all carriers and scales of the second order."""
        map_ = self.carrier_rate
        second = map_.columns > 0.0
        return float(map_.columns[second][map_.values.sum(axis=0)[second].argmax()])

    def _map(
        self, rows: NDArray[np.float64], columns: NDArray[np.float64], row_name: str,
        column_name: str,
    ) -> RelevanceMap:  # fmt: skip
        known = np.isfinite(rows) & np.isfinite(columns)
        row, i = np.unique(rows[known].astype(np.float64).round(6), return_inverse=True)
        column, j = np.unique(columns[known].astype(np.float64).round(6), return_inverse=True)
        values = np.zeros((len(row), len(column)))
        np.add.at(values, (i, j), self.values[known])
        return RelevanceMap(values, row, column, row_name, column_name)


def _in_thirds(carrier: NDArray[np.float64]) -> NDArray[np.float64]:
    """Carriers, rounded to thirds of an octave from 1 kHz."""
    return 1000.0 * 2.0 ** (np.round(3.0 * np.log2(carrier / 1000.0)) / 3.0)
