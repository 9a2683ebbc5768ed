"""Columns of a JTFS' ``meta()`` as arrays of numbers, ours or Kymatio's."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLUMNS = ("order", "n_fr", "xi", "sigma", "j", "xi_fr", "sigma_fr", "j_fr", "spin")
_NONE = -1e6
_LENGTH = 8


def numbers_of_meta(meta: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Columns of numbers, and the keys of all paths, with a number for what is none.

    Parameters
    ----------
    meta : dict
        Columns as Kymatio names them.

    Returns
    -------
    dict of float64 arrays
    """
    columns = {name: np.asarray(meta[name], dtype=np.float64) for name in _COLUMNS}
    found = {name: np.nan_to_num(column, nan=_NONE) for name, column in columns.items()}
    keys = np.full((len(meta["key"]), _LENGTH), _NONE)
    for row, key in zip(keys, meta["key"], strict=True):
        row[: len(key)] = key
    return {**found, "key": keys}
