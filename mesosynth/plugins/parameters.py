"""Parameter tables: name, unit, range and curve of each parameter, as data.

Knobs, presets, MIDI maps and theta are all derived from one table.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.errors import ArgumentError

Curve = Literal["linear", "log", "signed_log", "asinh"]
"""Map from a knob's travel to the value.

``signed_log`` is for a rate with a direction (gamma): the left half of the travel runs from
``-maximum`` to ``-smallest``, the right half from ``smallest`` to ``maximum``. ``asinh`` is for a
value that may be 0 and spans decades: linear below ``smallest``, logarithmic above.
"""

_NUMBER = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(k?)\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an instrument or effect.

    Attributes
    ----------
    id : str
        Key in presets, in theta and over OSC; it never changes once released.
    name : str
        Label under the knob.
    unit : str
        "Hz", "oct/s", "oct", "s", "dB" or "" for a ratio.
    minimum, maximum : float
        Range, in ``unit``.
    default : float
        Initial value, in ``unit``.
    description : str
        One sentence for tooltips and help.
    curve : {"linear", "log", "signed_log", "asinh"}
        Map from the knob's travel to the value.
    smallest : float
        Smallest magnitude of a ``signed_log`` parameter, which is never zero, in ``unit``; of an
        ``asinh`` parameter, the magnitude at which it turns from linear to logarithmic.
    matchable : bool
        Whether the matcher can find it from audio, that is, whether it belongs to theta.
    choices : tuple of str
        Names of the whole values from ``minimum`` = 0 on, where only these are legal.
    """

    id: str
    name: str
    unit: str
    minimum: float
    maximum: float
    default: float
    description: str
    curve: Curve = "linear"
    smallest: float = 0.0
    matchable: bool = False
    choices: tuple[str, ...] = ()

    def clamp(self, value: float) -> float:
        """Legal value nearest to `value`; NaN gives the default."""
        if math.isnan(value):
            return self.default
        value = min(max(value, self.minimum), self.maximum)
        if self.curve == "signed_log" and abs(value) < self.smallest:
            return math.copysign(self.smallest, value)
        return float(round(value)) if self.choices else value

    def to_unit(self, value: float) -> float:
        """Position of `value` on the knob's travel, 0 to 1."""
        value = self.clamp(value)
        if self.curve == "log":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        if self.curve == "signed_log":
            half = math.log(abs(value) / self.smallest) / math.log(self.maximum / self.smallest)
            return 0.5 + math.copysign(0.5 * half, value)
        if self.curve == "asinh":
            low, high = self._asinh_ends
            return (math.asinh(value / self.smallest) - low) / (high - low)
        return (value - self.minimum) / (self.maximum - self.minimum)

    def from_unit(self, position: float) -> float:
        """Value at a position 0 to 1 on the knob's travel; the inverse of :meth:`to_unit`."""
        position = min(max(position, 0.0), 1.0)
        if self.curve == "log":
            return self.clamp(self.minimum * (self.maximum / self.minimum) ** position)
        if self.curve == "signed_log":
            half = abs(2.0 * position - 1.0)
            magnitude = self.smallest * (self.maximum / self.smallest) ** half
            return self.clamp(math.copysign(magnitude, position - 0.5))
        if self.curve == "asinh":
            low, high = self._asinh_ends
            return self.clamp(self.smallest * math.sinh(low + position * (high - low)))
        return self.clamp(self.minimum + position * (self.maximum - self.minimum))

    @property
    def _asinh_ends(self) -> tuple[float, float]:
        return math.asinh(self.minimum / self.smallest), math.asinh(self.maximum / self.smallest)

    def text(self, value: float) -> str:
        """Text of `value` for display, with its unit: "8.30 Hz"."""
        if self.choices:
            return self.choices[round(self.clamp(value))]
        digits = f"{value:.3g}" if abs(value) < 100.0 else f"{value:.0f}"
        return f"{digits} {self.unit}".strip()

    def parse(self, text: str) -> float:
        """Value of a typed text: "440", "1.2k", "8.3 Hz", "1/16" or, for hertz, "A4".

        Raises
        ------
        ArgumentError
            If `text` is none of these, or outside the range.
        """
        value = self._typed_value(text)
        if value is None or not math.isfinite(value):
            legal = f"a number such as {self.text(self.default)!r}"
            if self.choices:
                legal = f"one of {', '.join(self.choices)}"
            raise ArgumentError(f"{self.name}: {text!r} is not a value; type {legal}.")
        if not self.minimum <= value <= self.maximum:
            raise ArgumentError(
                f"{self.name}: {text!r} is outside {self.text(self.minimum)} to "
                f"{self.text(self.maximum)}."
            )
        return self.clamp(value)

    def _typed_value(self, text: str) -> float | None:
        if self.choices:
            names = [name.lower() for name in self.choices]
            name = text.strip().lower()
            return float(names.index(name)) if name in names else None
        if self.unit == "Hz" and (hertz := units.note_to_hertz(text)) is not None:
            return hertz
        numerator, slash, denominator = text.partition("/")
        if slash:
            try:
                return float(numerator) / float(denominator)
            except (ValueError, ZeroDivisionError):
                pass
        found = _NUMBER.match(text)
        if found is None:
            return None
        number, kilo, unit = found.groups()
        if unit and unit.lower() != self.unit.lower():
            return None
        return float(number) * (1000.0 if kilo else 1.0)


class ParameterTable(Mapping[str, Parameter]):
    """Parameters of a plugin, in the order of its vector.

    Parameters
    ----------
    parameters : sequence of Parameter
        With different ids.

    Raises
    ------
    ArgumentError
        If two parameters share an id.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._by_id = {parameter.id: parameter for parameter in parameters}
        if len(self._by_id) != len(parameters):
            raise ArgumentError(f"parameters: two share an id in {[p.id for p in parameters]}.")
        self._index = {id_: i for i, id_ in enumerate(self._by_id)}

    def __getitem__(self, id_: str) -> Parameter:
        try:
            return self._by_id[id_]
        except KeyError:
            raise ArgumentError(
                f"parameter {id_!r} does not exist; there are {', '.join(self._by_id)}."
            ) from None

    def __contains__(self, id_: object) -> bool:
        return id_ in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def index(self, id_: str) -> int:
        """Index of a parameter in the vector."""
        return self._index[self[id_].id]

    @property
    def matchable(self) -> tuple[str, ...]:
        """Ids of theta, the parameters that the matcher can find, in order."""
        return tuple(p.id for p in self._by_id.values() if p.matchable)

    def defaults(self) -> dict[str, float]:
        """Default of each parameter, by id."""
        return {p.id: p.default for p in self._by_id.values()}

    def complete(self, values: Mapping[str, float]) -> dict[str, float]:
        """Values of all parameters by id: those of `values`, clamped, and defaults for the rest.

        Raises
        ------
        ArgumentError
            If `values` names a parameter that does not exist, or holds what is no number.
        """
        complete = self.defaults()
        for id_, value in values.items():
            parameter = self[id_]
            try:
                complete[id_] = parameter.clamp(float(value))
            except (TypeError, ValueError, OverflowError):
                raise ArgumentError(f"{id_}={value!r} must be a number.") from None
        return complete

    def vector(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Vector of `values`, completed by defaults, for a plugin's `process`."""
        return np.array(list(self.complete(values).values()))
