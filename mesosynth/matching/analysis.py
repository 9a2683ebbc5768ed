"""Pictures of a sound (scalogram, scale-rate) and the coefficients that drive a match."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.effects import EFFECTS
from mesosynth.engine.rack import render
from mesosynth.matching.layer_models import layer_sounds
from mesosynth.matching.layers import render_layers
from mesosynth.matching.match import render_match
from mesosynth.matching.model import Unknowns, model_named
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import Operator, picture_operator
from mesosynth.matching.results import (
    Analysis,
    Attribution,
    Layer,
    Magnified,
    MatchResult,
    Scores,
    Section,
)
from mesosynth.matching.similarity import Similarity
from mesosynth.presets.matched import matched_preset, sound_beside
from mesosynth.presets.preset import EffectState
from mesosynth.system.steps import Steps

# --------------------------------------------------------------------------------------------------
# Pictures of a sound: scalogram, and JTFS as scale × rate × spin


_LOWEST_FREQUENCY = 30.0  # Hz; wavelets below are spaced evenly, not logarithmically
_FASTEST_RATE = 300.0  # Hz; above, only few rows of the scalogram have a rate


def analysis(operator: Operator, audio: NDArray[np.float32]) -> Analysis:
    """Pictures of a waveform.

    Parameters
    ----------
    operator : Operator
    audio : (samples,) float32
        As long, and of that rate, as the operator has it.

    Returns
    -------
    Analysis
    """
    frequencies = np.array([psi.xi for psi in operator.jtfs.psi1]) * operator.rate
    audible = frequencies >= _LOWEST_FREQUENCY
    scalogram = operator.jtfs.scalogram(torch.from_numpy(audio)).numpy()[audible]
    layout = JtfsLayout.of(operator)
    # Of silence, such as a whistle leaves in this band, there is no unit vector.
    scale_rate = np.sqrt(layout.summed(np.nan_to_num(operator.analyse(audio)) ** 2))
    return Analysis(
        scalogram=(scalogram / max(float(scalogram.max()), 1e-12)).astype(np.float32),
        frequencies=frequencies[audible].astype(np.float32),
        duration=operator.samples / operator.rate,
        scale_rate=_of_unit_norm(scale_rate),
        scales=layout.scales,
        rates=layout.rates,
    )


def magnified(
    operator: Operator, audio: NDArray[np.float32], section: Section
) -> NDArray[np.float32]:
    """Section of the scalogram of a waveform, as fine as it is wanted.

    Each row is the modulus of a wavelet of its own frequency, with the bandwidth that the filter
    bank has there: ``|x * psi|``, a Gaussian of height 1 in frequency, without mean.

    Parameters
    ----------
    operator : Operator
    audio : (samples,) float32
        As for :func:`analysis`.
    section : Section

    Returns
    -------
    (rows, columns) float32
        Rows from low to high frequency, relative to the loudest of the whole scalogram.
    """
    bank = sorted(operator.jtfs.psi1, key=lambda psi: psi.xi)
    octaves = np.log2([psi.xi for psi in bank])
    middles = (np.arange(section.rows) + 0.5) / section.rows
    wanted = np.log2(section.low) + middles * np.log2(section.high / section.low)
    wanted -= np.log2(operator.rate)
    sigmas = np.interp(wanted, octaves, [psi.sigma for psi in bank])
    size = 2 * len(audio)  # zeros behind it, so that its end does not run into its beginning
    spectrum = np.fft.fft(audio, size)
    frequency = np.fft.fftfreq(size)
    first = int(np.clip(section.begin * operator.rate, 0, len(audio) - 1))
    last = int(np.clip(np.ceil(section.end * operator.rate), first + 1, len(audio)))
    place = first + (np.arange(section.columns + 1) / section.columns) * (last - first)
    picture = np.zeros((section.rows, section.columns), np.float32)
    for row, (xi, sigma) in enumerate(zip(np.exp2(wanted), sigmas, strict=True)):
        psi = np.exp(-0.5 * ((frequency - xi) / sigma) ** 2)
        psi -= np.exp(-0.5 * (xi / sigma) ** 2) * np.exp(-0.5 * (frequency / sigma) ** 2)
        heard = np.concatenate([[0.0], np.cumsum(np.abs(np.fft.ifft(spectrum * psi)))])
        picture[row] = np.diff(np.interp(place, np.arange(len(heard)), heard)) / np.diff(place)
    top = float(operator.jtfs.scalogram(torch.from_numpy(audio)).max())
    return picture / np.float32(max(top, 1e-12))


@dataclass(frozen=True)
class JtfsLayout:
    """Positions of the second-order paths of a JTFS in a picture of spin × scale × rate.

    Attributes
    ----------
    scales : (n_scales,) float32
        Cycles per octave, ascending.
    rates : (n_rates,) float32
        Hz, ascending.
    """

    scales: NDArray[np.float32]
    rates: NDArray[np.float32]
    _rows: NDArray[np.int64]  # of S
    _places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def of(cls, operator: Operator) -> "JtfsLayout":
        """Layout of a transform that averages over all time and not along log-frequency."""
        jtfs, sample_rate = operator.jtfs, operator.rate
        meta = jtfs.meta()
        n_scales = len(jtfs.frequency.psis) // 2
        rate = meta["xi"][:, 1] * sample_rate
        second = (meta["order"] == 2) & (meta["n_fr"] > 0) & (rate <= _FASTEST_RATE)
        n2 = meta["n2"][second].astype(np.int64)
        n_fr = meta["n_fr"][second].astype(np.int64) - 1  # without the low-pass
        slowest = int(n2.max())
        scales = [psi.xi * jtfs.Q[0] for psi in jtfs.frequency.psis[1 : 1 + n_scales]]
        rates = [jtfs.psi2[n].xi * sample_rate for n in range(slowest, int(n2.min()) - 1, -1)]
        return cls(
            np.array(scales[::-1], dtype=np.float32),
            np.array(rates, dtype=np.float32),
            meta["row"].astype(np.int64)[second],
            # The frequency axis is descending, so the positive spin, which comes first, rises;
            # scales and rates are descending.
            (1 - n_fr // n_scales, n_scales - 1 - n_fr % n_scales, slowest - n2),
        )

    def summed(self, of_paths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over log-frequency of a quantity of each path, (paths,): (2, n_scales, n_rates)."""
        picture = np.zeros((2, len(self.scales), len(self.rates)))
        np.add.at(picture, self._places, of_paths[self._rows])
        return picture


def _of_unit_norm(picture: NDArray[np.float64]) -> NDArray[np.float32]:
    return (picture / max(float(np.linalg.norm(picture)), 1e-12)).astype(np.float32)


# --------------------------------------------------------------------------------------------------
# Attribution: residual × Jacobian of each path


def path_attribution(
    operator: Operator,
    audio: NDArray[np.float32],
    values: Mapping[str, float],
    unknowns: tuple[str, ...],
) -> Attribution:
    """Pull of each second-order path on each unknown, see :class:`Attribution`.

    Parameters
    ----------
    operator : Operator
        Of "jtfs-global".
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    values : mapping
        Parameters by id, the point of the match.
    unknowns : tuple of str
        Ids of the unknowns.

    Returns
    -------
    Attribution

    Raises
    ------
    ArgumentError
        For an id that is not matchable, or for none at all.
    """
    model = operator.model
    free = Unknowns.named(unknowns, model=model).free
    at = operator.linearize(model.state_of(values), free)
    residual = at.S - operator.analyse(audio)
    layout = JtfsLayout.of(operator)
    pull = [layout.summed(-residual * column) for column in at.J.T]
    return Attribution(
        unknowns=tuple(model.ids[place] for place in free),
        pull=np.array(pull, dtype=np.float32),
        loss=0.5 * float(residual @ residual),
        scales=layout.scales,
        rates=layout.rates,
    )


_SECONDS = ANALYSIS_SAMPLES / ANALYSIS_RATE
_MIDDLE = _SECONDS / 2


# --------------------------------------------------------------------------------------------------
# Jobs: pictures and scores that the session asks for.


def target_picture(
    target: Target, instrument: str, rate: int = ANALYSIS_RATE
) -> Steps[None, Analysis]:
    """Pictures of a target, as the matcher of an instrument hears it.

    Parameters
    ----------
    target : Target
    instrument : str
    rate : int
        One of PICTURE_RATES, Hz.

    Yields
    ------
    None

    Returns
    -------
    Analysis
    """
    yield
    return analysis(_operator(instrument, rate), _window_at(target, rate))


def _window_at(target: Target, rate: int) -> NDArray[np.float32]:
    """The analysis window of a target at another rate, from its recording."""
    if rate == ANALYSIS_RATE:
        return target.audio
    recording, window = target.recording, np.zeros(round(_SECONDS * rate), np.float32)
    x = soxr.resample(recording.audio, recording.sample_rate, rate) * np.float32(target.scale)
    begin = round((recording.start - target.start) * rate)
    first, last = max(begin, 0), max(min(begin + len(x), len(window)), 0)
    window[first:last] = x[first - begin : last - begin]
    return window


def sound_picture(
    values: Mapping[str, float],
    instrument: str,
    target: Target | None,
    effects: Sequence[EffectState] = (),
    state: Mapping[str, Any] | None = None,
    rate: int = ANALYSIS_RATE,
) -> Steps[None, Analysis]:
    """Pictures of the sound as it is heard, where the target has its energy.

    Parameters
    ----------
    values : mapping
        Parameters by id.
    instrument : str
    target : Target or None
    effects : sequence of EffectState, optional
        In order; users' plugins are left out, which must not run here.
    state : mapping, optional
        State of the instrument besides its parameters.
    rate : int
        One of PICTURE_RATES, Hz.
    """
    yield
    effects = _audible(effects)
    x = render_match(values, instrument, target, rate)
    if effects or any(values.get(id_, 0.0) for id_ in _OWN_TIME):
        x = _as_played(x, values, instrument, effects, state or {}, rate)
    return analysis(_operator(instrument, rate), x)


def _audible(effects: Sequence[EffectState]) -> list[EffectState]:
    return [each for each in effects if each.plugin in EFFECTS and not each.bypassed]


_OWN_TIME = ("sync", "swing", "humanise")  # which the model of a match does not know
_PLAYED_RATE = 3 * ANALYSIS_RATE


def _as_played(
    x: NDArray[np.float32],
    values: Mapping[str, float],
    instrument: str,
    effects: Sequence[EffectState],
    state: Mapping[str, Any],
    rate: int,
) -> NDArray[np.float32]:
    """Live sound from the moment when the model `x` of a match begins, through effects."""
    played_rate = max(_PLAYED_RATE, rate)
    played = render(instrument, values, _SECONDS, played_rate, effects=effects, state=state)
    played = played.mean(axis=0)
    heard = np.flatnonzero(np.abs(x) > 0.01)
    begin = int(heard[0]) if len(heard) else 0
    sound = np.zeros(len(x), np.float32)
    sound[begin:] = soxr.resample(played, played_rate, rate)[: len(sound) - begin]
    return sound


def finer_picture(
    values: Mapping[str, float] | None,
    instrument: str,
    target: Target | None,
    section: Section,
    rate: int = ANALYSIS_RATE,
) -> Steps[None, Magnified]:
    """A section of the scalograms of the target and of the sound, see :func:`magnified`.

    Parameters
    ----------
    values : mapping or None
        Parameters by id; None leaves the sound out.
    instrument : str
    target : Target or None
    section : Section
    rate : int
        One of PICTURE_RATES, Hz.
    """
    yield
    operator = _operator(instrument, rate)
    fine = None if target is None else magnified(operator, _window_at(target, rate), section)
    if values is None:
        return Magnified(section, fine, None)
    yield
    sound = render_match(values, instrument, target, rate)
    return Magnified(section, fine, magnified(operator, sound, section))


def layers_picture(
    layers: Sequence[Layer],
    target: Target | None,
    begin: float = 0.0,
    values: Mapping[str, float] | None = None,
    effects: Sequence[EffectState] = (),
    state: Mapping[str, Any] | None = None,
    rate: int = ANALYSIS_RATE,
) -> Steps[None, tuple[Analysis | None, tuple[Layer, ...], Scores | None]]:
    """Pictures of the sum of layers, at the target's place and level, and its comparison with that.

    Parameters
    ----------
    layers : sequence of Layer
    target : Target or None
    begin : float
        Of their phrase, s on the clock of their onsets.
    values, effects, state
        Of the sound as it is heard; see :func:`sound_picture`.
    rate : int
        One of PICTURE_RATES, Hz.

    Returns
    -------
    Analysis or None
        None of silence.
    layers : tuple of Layer
        The same, with each one's share of the energy of all.
    scores : Scores or None
        How alike the sound of the whole rack and the target are; None without a target, and through
        effects that are users' plugins.
    """
    yield
    users = any(each.plugin not in EFFECTS and not each.bypassed for each in effects)
    effects = _audible(effects)
    start, scale = (target.start, target.scale) if target else (0.0, 1.0)
    x = scale * render_layers(layers, round(_SECONDS * rate), rate, start)
    if effects and x.any():
        x = _as_played(x, values or {}, "layers", effects, state or {}, rate)
    picture = analysis(picture_operator(rate), x) if x.any() else None
    yield
    recording = None if target is None else target.recording
    first, seconds = start, _SECONDS
    if recording is not None:
        first, seconds = recording.start, recording.duration
    moved = [replace(layer, onset=layer.onset - first) for layer in layers]
    sounds = layer_sounds(moved, round(seconds * _PLAYED_RATE), _PLAYED_RATE)
    energy = np.square(sounds).sum(axis=1)
    shares = energy / max(float(energy.sum()), 1e-300)
    pairs = zip(layers, shares, strict=True)
    shared = tuple(replace(layer, share=float(share)) for layer, share in pairs)
    if target is None or recording is None or users:
        return picture, shared, None
    yield
    rate, lag = round(recording.sample_rate), round((begin - first) * recording.sample_rate)
    room = seconds + abs(lag) / rate
    both = render("layers", values or {}, room, rate, effects=effects, state=state)
    played = np.pad(both.mean(axis=0), (max(lag, 0), 0))[max(-lag, 0) :][: len(recording.audio)]
    return picture, shared, _recording_similarity(target).of(played)


def attribution(
    target: Target, instrument: str, values: Mapping[str, float], unknowns: tuple[str, ...]
) -> Steps[None, Attribution]:
    """Pull of each second-order path on each unknown; see :func:`path_attribution`.

    Parameters
    ----------
    target : Target
    instrument : str
    values : mapping
        Parameters by id, the point of the match.
    unknowns : tuple of str
        Ids of the unknowns.

    Yields
    ------
    None

    Returns
    -------
    Attribution
    """
    yield
    return path_attribution(_operator(instrument), target.audio, values, unknowns)


def scores_of(result: MatchResult, instrument: str, target: Target) -> Scores:
    """Similarity of the best theta of a match to its target.

    Parameters
    ----------
    result : MatchResult
    instrument : str
    target : Target

    Returns
    -------
    Scores
    """
    preset = matched_preset(
        result, target.name, target.sha256, instrument, recording=target.recording
    )
    return _recording_similarity(target).of(sound_beside(preset, target.recording))


def candidate_scores(
    target: Target, instrument: str, result: MatchResult
) -> Steps[tuple[int, Scores], None]:
    """Similarity of each candidate of a match to the target, the best candidate first.

    Parameters
    ----------
    target : Target
    instrument : str
    result : MatchResult

    Yields
    ------
    None, or (int, Scores)
        Index of the candidate and its scores.
    """
    operator = _operator(instrument)
    for place, candidate in enumerate(result.candidates):
        yield
        one = result
        if place:
            x = render_match(candidate.theta, instrument)
            onset = onset_of(operator.jtfs, target.audio, x)
            one = replace(result, theta=candidate.theta, onset=target.start + _MIDDLE + onset)
        yield place, scores_of(one, instrument, target)


def _operator(instrument: str, rate: int = ANALYSIS_RATE) -> Operator:
    return picture_operator(rate).of(model_named(instrument))


@functools.lru_cache(maxsize=1)
def _similarity(samples: bytes) -> Similarity:
    """Comparison with a target of these float32 samples, which takes a second to begin with."""
    return Similarity(np.frombuffer(samples, np.float32).copy(), ANALYSIS_RATE)


def _recording_similarity(target: Target) -> Similarity:
    """Comparison with a whole recording."""
    recording = target.recording
    return _similarity_at(recording.audio.tobytes(), recording.sample_rate)


@functools.lru_cache(maxsize=1)
def _similarity_at(samples: bytes, sample_rate: float) -> Similarity:
    return Similarity(np.frombuffer(samples, np.float32).copy(), sample_rate)
