"""Presets of matches: the parameters found, and the record of target and scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Recording
from mesosynth.engine.rack import render
from mesosynth.instruments import instrument_class
from mesosynth.instruments.chirplet import sweep_seconds
from mesosynth.instruments.keyboard import EARLIEST, LATEST
from mesosynth.instruments.layers import LAYER_IDS, LAYERS, PARAMETERS
from mesosynth.matching.results import (
    Layer,
    LayersResult,
    MatchResult,
    Scores,
    layer_table,
)
from mesosynth.presets.preset import MatchRecord, Preset, Tags

# --------------------------------------------------------------------------------------------------
# Match of one arpeggio


PAUSE = 0.12
"""Silence between a recording and its repetition, s."""


def matched_preset(
    result: MatchResult,
    target: str,
    sha256: str,
    instrument: str = "chirplet",
    scores: Scores | None = None,
    recording: Recording | None = None,
) -> Preset:
    """Preset that repeats the arpeggio of a match.

    Parameters
    ----------
    result : MatchResult
    target : str
        Name of the sound that was matched.
    sha256 : str
        Of its bytes.
    instrument : str
        Instrument of the match.
    scores : Scores, optional
        Similarity of the two, where it was measured.
    recording : Recording, optional
        The sound; the preset begins with it, and repeats when it is over.

    Returns
    -------
    Preset
    """
    table = instrument_class(instrument).parameters
    values = {**result.theta, "gain": units.amplitude_to_db(abs(result.gain))}
    state: dict[str, float] = {}
    if "period" in table:  # of events; a ripple never stops
        values["period"] = _period_of(result.theta)
        if recording is not None:
            onset = result.onset - recording.start
            early = _early(instrument, result.theta, onset)
            values["period"] = recording.duration + PAUSE + early
            begin = result.onset - lead_in(instrument, result.theta) - recording.start
            state = {"delay": min(max(begin, EARLIEST), LATEST)}
    return Preset(
        name=PurePath(target).stem,
        instrument=instrument,
        parameters=table.complete(values),
        state=state,
        comment=f"Matched to {target}.",
        tags=Tags(category="matched"),
        match=match_record(result, target, sha256, scores),
    )


def _early(instrument: str, theta: Mapping[str, float], onset: float) -> float:
    """Time for which an event can be heard before the recording, when that comes again, s."""
    return max(_HEARD * lead_in(instrument, theta) - onset, 0.0)


_HEARD = 0.8  # of the time before an arpeggio's middle: from 4 sigma on
_SIXTY_DB = 3.0 * math.log(10.0)  # in time constants


def _period_of(theta: Mapping[str, float]) -> float:
    """Time until an event is over, s: the sweep of an arpeggio, or a fall by 60 dB."""
    if "tau" in theta:
        return _SIXTY_DB * theta["tau"]
    if "decay" in theta:
        return theta["attack"] + _SIXTY_DB * theta["decay"]
    return sweep_seconds(theta["w"], theta["gamma"])


def match_record(
    result: MatchResult, target: str, sha256: str, scores: Scores | None = None
) -> MatchRecord:
    """Record of a match for its preset.

    Parameters
    ----------
    result : MatchResult
    target : str
        Name of the sound that was matched.
    sha256 : str
        Of its bytes.
    scores : Scores, optional
        Similarity of the two, where it was measured.

    Returns
    -------
    MatchRecord
    """
    return MatchRecord(
        target=target,
        sha256=sha256,
        loss=result.loss,
        std=result.std,
        evaluations=result.evaluations,
        onset=result.onset,
        gain=result.gain,
        similarity={} if scores is None else scores.as_dict(),
    )


# --------------------------------------------------------------------------------------------------
# Match with layers, for the instrument "layers"


_SOFT = 0.1  # peak of a recording, below which its layers could be softer than their lowest level
_SHORTEST_PHRASE = ANALYSIS_SAMPLES / ANALYSIS_RATE  # s
_LONGEST_PHRASE = PARAMETERS["period_1"].maximum


def layered_preset(
    result: LayersResult, target: str, sha256: str, recording: Recording | None = None
) -> Preset:
    """Preset that repeats the phrase of a match with layers.

    Parameters
    ----------
    result : LayersResult
    target : str
        Name of the sound that was matched.
    sha256 : str
        Of its bytes.
    recording : Recording, optional
        The sound; the phrase begins with it and is hardly longer.

    Returns
    -------
    Preset
    """
    return Preset(
        name=PurePath(target).stem,
        instrument="layers",
        parameters=_parameters(result.layers, recording),
        state=layer_state(result.layers),
        comment=f"Matched to {target} with {len(result.layers)} layers.",
        tags=Tags(category="matched"),
        match=MatchRecord(
            target=target,
            sha256=sha256,
            loss=result.loss,
            evaluations=result.evaluations,
            onset=min(layer.onset for layer in result.layers),
            gain=max(layer.level for layer in result.layers),
            similarity=result.scores.as_dict(),
        ),
    )


def _parameters(layers: Sequence[Layer], recording: Recording | None) -> dict[str, float]:
    """All parameters of the instrument; of a soft recording the gain is low, not the layers."""
    peak = 0.0 if recording is None else float(np.abs(recording.audio).max())
    if not 0.0 < peak < _SOFT:
        return PARAMETERS.complete(layer_values(layers, recording))
    louder = [replace(layer, level=layer.level * _SOFT / peak) for layer in layers]
    gain = PARAMETERS["gain"].clamp(units.amplitude_to_db(peak / _SOFT))
    return PARAMETERS.complete({**layer_values(louder, recording), "gain": gain})


def layer_values(layers: Sequence[Layer], recording: Recording | None = None) -> dict[str, float]:
    """Parameters of the instrument by id, clamped, for up to LAYERS layers of any kind.

    Layers without a period repeat once a phrase. The phrase lasts as long as the recording, or from
    the first start to the last end of the layers, and a whole number of the periods of the others,
    so that they do not drift.

    Parameters
    ----------
    layers : sequence of Layer
    recording : Recording, optional
        The phrase begins with it; None for one that begins with the first layer.

    Returns
    -------
    dict of str to float
    """
    begin = phrase_begin(layers, recording)
    phrase = _phrase(layers, begin, recording)
    values: dict[str, float] = {}
    for number, layer in enumerate(layers[:LAYERS], 1):
        own = {
            **{id_: value for id_, value in layer.theta.items() if id_ in LAYER_IDS},
            "f_c": layer.theta[pitch_id(layer.instrument)],
            "period": layer.period or phrase,
            "delay": _begin(layer) - begin,
            "level": units.amplitude_to_db(abs(layer.level)),
        }
        for id_, value in own.items():
            values[f"{id_}_{number}"] = PARAMETERS[f"{id_}_{number}"].clamp(value)
    for number in range(len(layers) + 1, LAYERS + 1):
        values[f"level_{number}"] = PARAMETERS[f"level_{number}"].minimum
    return values


def pitch_id(instrument: str) -> str:
    """Parameter of a layer's instrument that the knob f_c moves."""
    return next(id_ for id_ in ("f_c", "f_0", "f_low") if id_ in layer_table(instrument))


def layer_state(layers: Sequence[Layer]) -> dict[str, Any]:
    """State of the instrument: layers that are no arpeggios, with their parameters by number."""
    others = {
        str(number): {"instrument": layer.instrument, "parameters": dict(layer.theta)}
        for number, layer in enumerate(layers[:LAYERS], 1)
        if layer.instrument != "chirplet"
    }
    return {"layers": others} if others else {}


def phrase_begin(layers: Sequence[Layer], recording: Recording | None = None) -> float:
    """Begin of the phrase, s, on the clock of the layers' onsets.

    Parameters
    ----------
    layers : sequence of Layer
    recording : Recording, optional
        The phrase begins with it; None for one that begins with the first layer.

    Returns
    -------
    float
        s.
    """
    if recording is not None:
        return recording.start
    return min(_begin(layer) for layer in layers)


def _phrase(layers: Sequence[Layer], begin: float, recording: Recording | None) -> float:
    """Length of a phrase, s."""
    if recording is None:
        ends = [_begin(layer) + _length(layer) for layer in layers if not layer.period]
        longest = max((end - begin for end in ends), default=0.0)
        phrase = max(longest, _SHORTEST_PHRASE)
    else:
        once = [layer for layer in layers if not layer.period]
        early = [_early(layer.instrument, layer.theta, layer.onset - begin) for layer in once]
        phrase = recording.duration + PAUSE + max(early, default=0.0)
    periods = [layer.period for layer in layers if layer.period]
    if periods:
        phrase = math.ceil(phrase / periods[0] - 1e-6) * periods[0]
    return min(phrase, _LONGEST_PHRASE)


def _begin(layer: Layer) -> float:
    """Begin of a layer, s; a live arpeggio's is long before it is audible."""
    return layer.onset - lead_in(layer.instrument, layer.theta)


def _length(layer: Layer) -> float:
    return _period_of(layer.theta)


# --------------------------------------------------------------------------------------------------
# Sound of a match beside its recording


_BLOCK = 1024


def sound_beside(preset: Preset, recording: Recording) -> NDArray[np.float32]:
    """Sound of a preset of a match, from its first sample, as long as the recording.

    Parameters
    ----------
    preset : Preset
        With its effects.
    recording : Recording

    Returns
    -------
    (n,) float32
        Mean of both sides.

    Raises
    ------
    PluginError
        If an effect cannot be loaded.
    """
    rate, n = round(recording.sample_rate), len(recording.audio)
    both = render(
        preset.instrument, preset.values, n / rate, rate, _BLOCK, preset.effects, preset.state
    )
    return both.mean(axis=0)


def layers_beside(layers: Sequence[Layer], recording: Recording) -> NDArray[np.float32]:
    """Sound of layers, as the preset of their match plays it beside the recording.

    Parameters
    ----------
    layers : sequence of Layer
    recording : Recording

    Returns
    -------
    (n,) float32
        As :func:`sound_beside` gives it.
    """
    values, state = _parameters(layers, recording), layer_state(layers)
    return sound_beside(
        Preset(name="", instrument="layers", parameters=values, state=state), recording
    )


def levelled(preset: Preset, recording: Recording) -> tuple[Preset, NDArray[np.float32]]:
    """Preset with the recording's power, and its sound beside the recording.

    Parameters
    ----------
    preset : Preset
        Of a match.
    recording : Recording

    Returns
    -------
    preset : Preset
        The same with another gain, within its range.
    sound : (n,) float32
        As :func:`sound_beside` gives it.

    Raises
    ------
    PluginError
        If an effect cannot be loaded.
    """
    sound = sound_beside(preset, recording)
    ours, theirs = (float(np.linalg.norm(x)) for x in (sound, recording.audio))
    if not ours:
        return preset, sound
    gain = preset.values["gain"] + units.amplitude_to_db(theirs / ours)
    parameters = {**preset.parameters, "gain": preset.table["gain"].clamp(gain)}
    louder = msgspec.structs.replace(preset, parameters=parameters)
    return louder, sound_beside(louder, recording)  # again, for the limiter


def lead_in(instrument: str, theta: Mapping[str, float]) -> float:
    """Time from the begin of a live event to its onset in a match, s.

    Parameters
    ----------
    instrument : str
    theta : mapping
        Its parameters by id.

    Returns
    -------
    float
        Half the sweep of an arpeggio; others begin with their onset.
    """
    return 0.5 * sweep_seconds(theta["w"], theta["gamma"]) if instrument == "chirplet" else 0.0
