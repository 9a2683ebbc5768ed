"""The numbers of a figure, as rows under names."""

import csv
import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Entry = str | int | float


@dataclass
class Table:
    """Rows of entries under named columns.

    Attributes
    ----------
    columns : tuple of str
    rows : list of tuple
    """

    columns: tuple[str, ...]
    rows: list[tuple[Entry, ...]] = field(default_factory=list[tuple[Entry, ...]])

    def where(self, **wanted: Entry) -> "Table":
        """The rows that hold these entries."""
        places = [(self.columns.index(name), entry) for name, entry in wanted.items()]
        rows = [row for row in self.rows if all(row[place] == entry for place, entry in places)]
        return Table(self.columns, rows)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """One column as an array, (rows,)."""
        place = self.columns.index(column)
        return np.array([float(row[place]) for row in self.rows])

    def distinct(self, column: str) -> list[Entry]:
        """The entries of one column, each once, in order of appearance."""
        place = self.columns.index(column)
        return list(dict.fromkeys(row[place] for row in self.rows))

    def as_csv(self) -> str:
        """Comma-separated values below a line of names; nine digits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            writer.writerow([f"{e:.9g}" if isinstance(e, float) else e for e in row])
        return text.getvalue()
