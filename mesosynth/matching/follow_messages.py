"""What following tells: small frozen records without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Hearing = Literal["listening", "following", "silent"]
"""Whether theta is still being looked for, is followed, or there is nothing to hear."""


class Ear(Protocol):
    """Where the sound comes from; it is handed to another process."""

    def read_new(self) -> NDArray[np.float32]:
        """What has come since the last call, mono."""
        ...

    def skip(self) -> None:
        """Let the next :meth:`read_new` begin here."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """What the newest window said.

    Attributes
    ----------
    hearing : str
    theta : dict
        What is followed, by id, in the table's units, as it should be when it is heard; without
        what the sound does not tell just now; empty until it is found.
    std : dict
        Standard deviations, same keys and units.
    loss : float
        Half the squared distance between the unit vectors of window and model, 0 (same) to 2.
    confidence : float
        0 (a guess) to 1 (as good as certain): how well the model explains what is heard, and how
        sure theta is.
    age : float
        How long ago the middle of what is heard was, s, counted from the newest sample.
    level : float
        Of the window, dBFS.
    heard_at : float
        When the newest sample came, s of the monotonic clock.
    """

    hearing: Hearing
    theta: Mapping[str, float]
    std: Mapping[str, float]
    loss: float
    confidence: float
    age: float
    level: float
    heard_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """What of theta is not followed stands at these values."""

    values: Mapping[str, float]
