"""Mixer of layers: muted, solo and pinned layers, with their colours and levels.

The sound is in the parameters; a :class:`LayerMixer` has the state of each layer that is not a
parameter. Both change together: a silent layer has its level at the minimum, and the mixer keeps
its level.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mesosynth import units
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.chirplet import PARAMETERS as CHIRPLET
from mesosynth.instruments.layers import LAYER_IDS, LAYERS, PARAMETERS, SILENT
from mesosynth.matching.results import LAYERED, STATIONARY, Layer, layer_table
from mesosynth.presets.matched import lead_in, pitch_id

_WINDOW = ANALYSIS_SAMPLES / ANALYSIS_RATE  # s; a period as long as that comes once in it
_USUAL_LEVEL = -12.0  # dB, of a layer whose level is not known

_FASTER = frozenset(("f_m", "gamma"))  # with the speed of all layers

Values = Mapping[str, float]
Kinds = Mapping[int, Mapping[str, Any]]
"""Instruments and parameters of the layers that are no arpeggios, by place."""


def kinds_of(state: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Kinds in the state of the instrument "layers"."""
    return {int(number) - 1: kind for number, kind in (state.get("layers") or {}).items()}


def is_event(kind: Mapping[str, Any]) -> bool:
    """Whether a match with layers finds this kind: ripples and grains only with an envelope."""
    instrument = str(kind["instrument"])
    endless = instrument in STATIONARY and "decay" not in kind["parameters"]
    return instrument in LAYERED and not endless


@dataclass(frozen=True, slots=True)
class LayerNote:
    """State of one layer.

    Attributes
    ----------
    colour : int
        Number of its colour, 0 to LAYERS - 1, wherever it moves.
    level : float
        Level while it is audible, dB.
    repeats : int
        Number of its repetitions in the matched sound; 0 if unknown.
    pinned : bool
        Whether the next match keeps it as it is.
    muted, solo : bool
        A layer is audible if it is not muted, and if it is solo or no layer is.
    """

    colour: int
    level: float = _USUAL_LEVEL
    repeats: int = 0
    pinned: bool = False
    muted: bool = False
    solo: bool = False


@dataclass(frozen=True, slots=True)
class LayerMixer:
    """State of all layers, the instrument's first ones, in order.

    Attributes
    ----------
    notes : tuple of LayerNote
    begin : float
        Time in the target's source at which the phrase begins, s.
    sha256 : str
        Of the sound that the layers were matched to, or "".
    """

    notes: tuple[LayerNote, ...] = ()
    begin: float = 0.0
    sha256: str = ""

    def heard(self, place: int) -> bool:
        """Whether a layer is audible."""
        note = self.notes[place]
        return not note.muted and (note.solo or not any(other.solo for other in self.notes))

    @property
    def levels(self) -> dict[str, float]:
        """Values of the levels' parameters, by id."""
        return {
            f"level_{place + 1}": note.level if self.heard(place) else SILENT
            for place, note in enumerate(self.notes)
        }

    @property
    def pinned(self) -> tuple[int, ...]:
        """Indices of the pinned layers."""
        return tuple(place for place, note in enumerate(self.notes) if note.pinned)

    def noting(self, place: int, **changes: bool) -> "LayerMixer":
        """Mixer with a change of one layer.

        Parameters
        ----------
        place : int
            0 for the first.
        **changes : bool
            Fields of :class:`LayerNote`.

        Returns
        -------
        LayerMixer
        """
        notes = list(self.notes)
        notes[place] = replace(notes[place], **changes)
        return replace(self, notes=tuple(notes))

    def after(self, values: Values) -> "LayerMixer":
        """Mixer for changed parameters.

        A level that was turned down to the minimum mutes the layer, and one that was turned up from
        there unmutes it; an unknown layer that sounds is added.
        """
        levels = [values[f"level_{number}"] for number in range(1, LAYERS + 1)]
        sounding = [place for place, level in enumerate(levels) if level > SILENT]
        count = max(len(self.notes), sounding[-1] + 1 if sounding else 0)
        mixer = self
        for place in range(len(self.notes), count):
            colours = {note.colour for note in mixer.notes}
            free = next(colour for colour in range(LAYERS) if colour not in colours)
            muted = levels[place] <= SILENT
            mixer = replace(mixer, notes=(*mixer.notes, LayerNote(free, muted=muted)))
        notes = list(mixer.notes)
        for place, note in enumerate(notes):
            if levels[place] > SILENT:
                solo = note.solo or any(other.solo for other in notes)
                notes[place] = replace(note, level=levels[place], muted=False, solo=solo)
            elif mixer.heard(place):
                notes[place] = replace(note, muted=True)
        return replace(mixer, notes=tuple(notes))

    def moved(self, place: int, to: int, values: Values) -> tuple["LayerMixer", dict[str, float]]:
        """Mixer with another order.

        Parameters
        ----------
        place, to : int
            0 for the first.
        values : mapping
            The instrument's parameters.

        Returns
        -------
        LayerMixer
        changes : dict of str to float
            Parameters to change.
        """
        order = list(range(len(self.notes)))
        order.insert(to, order.pop(place))
        return self._in_order(order, values)

    def without(self, place: int, values: Values) -> tuple["LayerMixer", dict[str, float]]:
        """Mixer without one layer.

        Parameters
        ----------
        place : int
            0 for the first.
        values : mapping
            The instrument's parameters.

        Returns
        -------
        LayerMixer
        changes : dict of str to float
            Parameters to change.
        """
        order = [other for other in range(len(self.notes)) if other != place]
        mixer, changes = self._in_order(order, values)
        last = len(self.notes)
        for id_ in LAYER_IDS:
            changes[f"{id_}_{last}"] = PARAMETERS[f"{id_}_{last}"].default
        changes[f"level_{last}"] = SILENT
        return mixer, {**changes, **mixer.levels}

    def _in_order(self, order: list[int], values: Values) -> tuple["LayerMixer", dict[str, float]]:
        changes = {
            f"{id_}_{number}": values[f"{id_}_{place + 1}"]
            for number, place in enumerate(order, 1)
            for id_ in LAYER_IDS
        }
        return replace(self, notes=tuple(self.notes[place] for place in order)), changes

    def layers(self, values: Values, kinds: Kinds, *, heard: bool) -> tuple[Layer, ...]:
        """Layers of the parameters, in the units of a match.

        Layers of an instrument that a match does not know have the level 0.

        Parameters
        ----------
        values : mapping
            The instrument's parameters.
        kinds : mapping
            As :func:`kinds_of` gives it.
        heard : bool
            Whether muted layers have the level 0; otherwise their own.

        Returns
        -------
        tuple of Layer
        """
        return tuple(self._layer(n, values, kinds.get(n), heard) for n in range(len(self.notes)))

    def _layer(
        self, place: int, values: Values, kind: Mapping[str, Any] | None, heard: bool
    ) -> Layer:
        note, speed = self.notes[place], values["speed"]
        own = {id_: values[f"{id_}_{place + 1}"] for id_ in LAYER_IDS}
        instrument = "chirplet" if kind is None else str(kind["instrument"])
        is_known = kind is None or is_event(kind)
        table = layer_table(instrument) if is_known else CHIRPLET
        given = table.complete(kind["parameters"]) if kind is not None and is_known else own
        theta = {id_: own.get(id_, given[id_]) for id_ in table.matchable}
        pitch = pitch_id(instrument) if is_known else "f_c"
        moved = own["f_c"] * 2.0 ** (values["transpose"] / 12.0)
        if "f_high" in theta:
            theta["f_high"] *= moved / theta[pitch]
        theta[pitch] = moved
        for id_ in _FASTER.intersection(theta):
            theta[id_] *= speed
        if kind is not None and is_known:
            theta = {id_: table[id_].clamp(value) for id_, value in theta.items()}
        period = own["period"] / speed
        onset = self.begin + own["delay"] / speed + lead_in(instrument, theta)
        repeats = 1
        if period < _WINDOW:
            repeats = note.repeats or max(1, math.ceil(_WINDOW / period))
        is_silent = (heard and not self.heard(place)) or not is_known
        level = 0.0 if is_silent else units.db_to_amplitude(note.level)
        return Layer(
            instrument=instrument if is_known else "chirplet",
            theta=theta,
            onset=onset,
            level=level,
            period=period if period < _WINDOW else 0.0,
            repeats=repeats,
        )


def mixer_of(layers: Sequence[Layer], before: LayerMixer, begin: float, sha256: str) -> LayerMixer:
    """Mixer for the result of a match; layers keep the state at their places.

    A new layer has the first free colour.

    Parameters
    ----------
    layers : sequence of Layer
    before : LayerMixer
    begin : float
        Time in the target's source at which the phrase begins, s.
    sha256 : str
        Of the target.

    Returns
    -------
    LayerMixer
    """
    notes: list[LayerNote] = []
    for place, layer in enumerate(layers[:LAYERS]):
        level = units.amplitude_to_db(abs(layer.level))
        level = max(PARAMETERS["level_1"].clamp(level), SILENT + 1.0)
        if place < len(before.notes):
            note = before.notes[place]
        else:
            taken = {other.colour for other in (*before.notes, *notes)}
            note = LayerNote(next(colour for colour in range(LAYERS) if colour not in taken))
        notes.append(replace(note, level=level, repeats=layer.repeats))
    return LayerMixer(tuple(notes), begin, sha256)
