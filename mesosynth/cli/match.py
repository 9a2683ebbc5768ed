"""`mesosynth match`: the parameters of a recording, written as a preset.

By itself it decides between one arpeggio and layers, a few sounds of several kinds that together
sound like it; ``--instrument`` and ``--layers`` decide instead. With ``--save`` and ``--resume``, a
match outlives its process.
"""

import contextlib
import math
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from msgspec.structs import replace as replace_struct

from mesosynth.audio.target import Target
from mesosynth.cli.options import (
    Json,
    Pins,
    Unknowns,
    Whole,
    of,
    pinned_values,
    split_ids,
)
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError
from mesosynth.instruments import instrument_class
from mesosynth.matching.results import (
    FILTER_RANGES,
    Filters,
    LayersSettings,
    LayersStep,
    MatchSettings,
    MatchStep,
    table_of,
)
from mesosynth.system.atomic_file import check_outputs, write_atomically
from mesosynth.system.steps import result_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mesosynth.audio.target import Target
    from mesosynth.matching.checkpoint import Checkpoint
    from mesosynth.matching.results import Layer, LayersResult, MatchResult, Scores
    from mesosynth.plugins.parameters import ParameterTable
    from mesosynth.presets.preset import Preset

_KEYS = (
    "theta", "std", "loss", "found", "evaluations", "seconds", "converged", "onset", "gain"
)  # fmt: skip
_ARPEGGIO = "chirplet"
_ONE_ARPEGGIO = (
    "unknowns",
    "pin",
    "phi",
    "descent",
    "filters",
)  # options that do not go with --layers
_NEW_MATCH = ("seed", "layers", "seconds", *_ONE_ARPEGGIO)  # nor with --resume


@dataclass(frozen=True, kw_only=True)
class MatchOptions:
    """Options of a match.

    Attributes
    ----------
    output : Path, optional
        Write a preset.
    instrument : str, optional
        Instrument to match with, or of all layers; by default one arpeggio, or layers of several
        kinds where that is not enough.
    unknowns : str, optional
        Parameters to look for: f_c,f_m,gamma,w for example; by default all of the instrument.
    pin : list of str, optional
        Fixed value of a parameter, or of the onset (s) or the gain (1 is full scale).
    save : Path, optional
        Keep the match in this file as it goes; Ctrl-C leaves the file.
    resume : Path, optional
        Go on with a match that was kept.
    render : Path, optional
        Write what the match plays, with the recording's length, start and loudness, as WAV.
    filters : list of str, optional
        Wavelets of the transform: J (6 to 14), Q (2 to 16), J_fr (1 to 6), Q_fr (1 to 4) or F
        (0 to 3); J=10 for example.
    layers : int, optional
        Match with up to N layers, 1 to 12, that together sound like the file: strikes, arpeggios,
        drums, ripples and grains.
    """

    output: Annotated[Path | None, Parameter(("-o", "--output"), metavar="PRESET")] = None
    render: Annotated[Path | None, Parameter(metavar="OUT.wav")] = None
    instrument: Annotated[
        Literal["chirplet", "ripple", "drum", "grains", "strike"] | None, Parameter(metavar="NAME")
    ] = None
    seed: Annotated[
        Whole | None,
        of(MatchSettings, "seed", metavar="N", help="Seed of the random numbers."),
    ] = None
    unknowns: Unknowns = None
    pin: Pins = None
    phi: Annotated[
        str | None,
        of(MatchSettings, "phi", metavar="NAME", help="Compare by jtfs-global, jtfs or mss."),
    ] = None
    descent: Annotated[
        str | None,
        of(
            MatchSettings, "descent", metavar="NAME",
            help="Go down by levenberg-marquardt, bold-driver, adam or l-bfgs.",
        ),
    ] = None  # fmt: skip
    filters: Annotated[list[str] | None, Parameter(metavar="ID=VALUE")] = None
    save: Annotated[Path | None, Parameter(metavar="RUN")] = None
    resume: Annotated[Path | None, Parameter(metavar="RUN")] = None
    layers: Annotated[Whole | None, Parameter(metavar="N")] = None
    seconds: Annotated[
        float | None,
        of(
            LayersSettings, "seconds", metavar="S",
            help="Of layers: end after so long, with the best so far.",
        ),
    ] = None  # fmt: skip

    @property
    def run(self) -> Path | None:
        """File that the match is kept in."""
        return self.save or self.resume

    def settings(self) -> MatchSettings:
        """Settings of a match with one arpeggio.

        Raises
        ------
        ArgumentError
            If a pinned parameter or its value does not exist.
        """
        table = instrument_class(self.instrument or _ARPEGGIO).parameters
        pinned = pinned_values(self.pin or (), table, beside=("onset", "gain"))
        wanted = split_ids(self.unknowns) if self.unknowns else table.matchable
        return MatchSettings(
            unknowns=tuple(id_ for id_ in wanted if id_ not in pinned),
            pinned=pinned,
            filters=_filters(self.filters or ()),
            **self._given("seed", "phi", "descent"),
        )

    def layers_settings(self) -> LayersSettings:
        """Settings of a match with layers.

        Raises
        ------
        ArgumentError
            If their number or the time makes no sense.
        """
        settings = LayersSettings(**self._given("layers", "seconds", "seed"))
        return replace(settings, kinds=(self.instrument,)) if self.instrument else settings

    @property
    def decides(self) -> bool:
        """Whether the match decides between one arpeggio and layers."""
        return not self._given("instrument", "resume", "save", "layers", *_ONE_ARPEGGIO)

    def check(self, file: Path | None) -> None:
        """Refuse options that do not go together, before the work begins.

        Raises
        ------
        ArgumentError
            Naming the options.
        """
        given = [path for path in (file, self.resume) if path is not None]
        outputs = [path for path in (self.save, self.output, self.render) if path is not None]
        check_outputs(outputs, ArgumentError, [path for path in given if path != self.save])
        if self.resume is not None:
            if file is not None:
                raise ArgumentError("FILE does not go with --resume, which holds it already.")
            for name in self._given(*_NEW_MATCH):
                raise ArgumentError(f"--{name} does not go with --resume, which holds it already.")
        if self.layers is not None:
            for name in self._given(*_ONE_ARPEGGIO):
                raise ArgumentError(f"--{name} does not go with --layers; leave one of them out.")

    def _given(self, *names: str) -> dict[str, Any]:
        """Those of `names` that are typed, with their values."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


def _filters(texts: Sequence[str]) -> Filters:
    """Filters typed as "J=10"."""
    values: dict[str, int] = {}
    for text in texts:
        id_, _, value = text.partition("=")
        if id_ not in FILTER_RANGES or not value.isdecimal():
            raise ArgumentError(
                f"--filters {text}: write one of {', '.join(FILTER_RANGES)} and a whole number, "
                "J=10 say."
            )
        values[id_] = int(value)
    return Filters(**values)


_NO_OPTIONS = MatchOptions()


def match(
    file: Annotated[Path | None, Parameter("FILE")] = None,
    /,
    *,
    options: Annotated[MatchOptions, Parameter(name="*")] = _NO_OPTIONS,
    json: Json = False,
) -> dict[str, Any]:
    """Find the parameters of a sound.

    Parameters
    ----------
    file : Path, optional
        A sound.
    options : MatchOptions
        All but the file.
    json : bool
        One JSON object on standard output.
    """
    options.check(file)
    checkpoint = _checkpoint(file, options)
    target = _target_of(checkpoint)
    for remark in target.remarks:
        print(remark, file=sys.stderr)
    answer = _layers if checkpoint.job == "layers" else _one_arpeggio
    with _telling_how_to_go_on(options.run):
        found = answer(checkpoint, options, json)
        if options.decides and not _explains(found):
            found = _with_layers(found, target, options, json)
    return {**found, "remarks": list(target.remarks)}


# Measured (loss; local JTFS; score) of 25 arpeggios without noise or in white and pink noise of
# -30 dB: at most 0.0001; 1.00; at least 0.91. Of 17 in noise of -20 dB, a third of them over the
# full band: at most 0.0001; at least 0.998; 0.55 to 0.70. Of recordings of drums, bells, voices,
# swooshes and drones: at least 0.0066; at most 0.97; at most 0.82 (a tabla stroke, a bass drum).
# The thresholds lie between.

_ENOUGH = 0.85  # score at which one arpeggio explains a sound
_SMALL_LOSS, _TEXTURE = 0.003, 0.98  # of one in noise, which the picture shows and the loss knows
_BETTER = 0.03  # score by which layers must be better


def _explains(found: Mapping[str, Any]) -> bool:
    """Whether one arpeggio explains the sound."""
    return found["similarity"]["score"] >= _ENOUGH or _is_in_noise(found)


def _is_in_noise(found: Mapping[str, Any]) -> bool:
    return found["loss"] < _SMALL_LOSS and found["similarity"]["jtfs"] >= _TEXTURE


def _with_layers(
    arpeggio: dict[str, Any], target: "Target", options: MatchOptions, as_json: bool
) -> dict[str, Any]:
    """Match with layers where one arpeggio is not enough, and keep the better one."""
    from mesosynth.matching.checkpoint import Checkpoint

    score = arpeggio["similarity"]["score"]
    if not as_json:
        print(f"One arpeggio does not explain it ({score:.2f}): layers of several kinds.")
    files = [path for path in (options.output, options.render) if path is not None]
    kept = [path.read_bytes() for path in files]
    found = _layers(Checkpoint("layers", options.layers_settings(), target), options, as_json)
    if found["similarity"]["score"] >= score + _BETTER:
        return found
    for path, content in zip(files, kept, strict=True):
        write_atomically(path, content)
    if not as_json:
        print("The arpeggio is kept, as layers are no better.")
    return arpeggio


def _checkpoint(file: Path | None, options: MatchOptions) -> "Checkpoint":
    """The match that is to be run, or to be gone on with."""
    from mesosynth.audio.file import load_target
    from mesosynth.matching.checkpoint import Checkpoint, load_checkpoint

    if options.resume is not None:
        return load_checkpoint(options.resume, "match", "layers")
    if file is None:
        raise ArgumentError("match: name a FILE, or a match that was kept: --resume RUN.")
    if options.save is not None and options.save.exists():
        load_checkpoint(options.save)  # which refuses to take the place of anything else
    if options.layers is not None:
        return Checkpoint("layers", options.layers_settings(), load_target(file))
    instrument = options.instrument or _ARPEGGIO
    return Checkpoint("match", options.settings(), load_target(file), instrument)


def _target_of(checkpoint: "Checkpoint") -> "Target":
    """Target of the checkpoint of a match."""
    from mesosynth.audio.target import Target

    assert isinstance(checkpoint.target, Target)
    return checkpoint.target


def _write(
    preset: "Preset",
    sound: "NDArray[np.float32]",
    scores: "Scores",
    target: "Target",
    options: MatchOptions,
) -> None:
    """Write a preset with its scores, and what it plays, where that is wanted."""
    from mesosynth.audio.file import write_wav
    from mesosynth.presets.preset import save_preset

    if options.output is not None:
        assert preset.match is not None
        record = replace_struct(preset.match, similarity=scores.as_dict())
        save_preset(options.output, replace_struct(preset, match=record))
    if options.render is not None:
        write_wav(options.render, sound, round(target.recording.sample_rate))


def _source(target: "Target") -> dict[str, Any]:
    """The target in the answer, with the share of its energy that is left out."""
    return {
        "target": target.name,
        "sha256": target.sha256,
        "window": {
            "start": target.recording.start,
            "duration": target.recording.duration,
            "sample_rate": target.recording.sample_rate,
        },
        "left_out": target.left_out,
        "unanalysed": target.unanalysed,
        "channel": target.channel,
    }


# --------------------------------------------------------------------------------------------------
# One arpeggio


def _one_arpeggio(checkpoint: "Checkpoint", options: MatchOptions, as_json: bool) -> dict[str, Any]:
    from mesosynth.matching.similarity import similarity
    from mesosynth.presets.matched import levelled, matched_preset

    target, instrument = _target_of(checkpoint), checkpoint.instrument
    with ProgressBar(target.name, state="listening …") as bar:
        from mesosynth.matching.jobs import search

        steps = search(checkpoint, options.run)

        def show(step: object) -> None:
            if isinstance(step, MatchStep):
                bar.move(step.progress, step_text(step))

        result = result_of(steps, show)
        preset = matched_preset(
            result, target.name, target.sha256, instrument, recording=target.recording
        )
        preset, sound = levelled(preset, target.recording)
        scores = similarity(target.recording.audio, sound, target.recording.sample_rate)
        _write(preset, sound, scores, target, options)
    if not as_json:
        _print(result, instrument_class(instrument).parameters)
        print(f"{'Similarity':<12}{scores}")
    found = {
        **_source(target),
        "instrument": instrument,
        **{name: _finite(getattr(result, name)) for name in _KEYS},
        "similarity": scores.as_dict(),
    }
    if not as_json and scores.score < _ENOUGH and _is_in_noise(found):
        print("The rest of the sound is noise, which an arpeggio does not play.")
    return found


@contextlib.contextmanager
def _telling_how_to_go_on(run: Path | None) -> Generator[None]:
    """Print after Ctrl-C the command that goes on with the match."""
    try:
        yield
    except KeyboardInterrupt:
        if run is not None and run.exists():
            print(f"Go on with: mesosynth match --resume {run}", file=sys.stderr)
        raise


def step_text(step: MatchStep) -> str:
    """Loss and theta of a step, as shown beside the bar."""
    table = table_of(step.theta)
    theta = "  ".join(f"{id_} {table[id_].text(step.theta[id_])}" for id_ in table.matchable[:4])
    return f"loss {step.loss:.2e}  {theta}"


def _print(result: "MatchResult", table: "ParameterTable") -> None:
    for id_, value in result.theta.items():
        std = result.std.get(id_)
        if std is None and value == table[id_].default:
            continue  # neither looked for nor of interest
        deviation = "" if std is None else f"± {std:.2g}"
        print(f"{table[id_].name:<12}{value:10.4g} {deviation:<12}{table[id_].unit}")
    print(f"{'Loss':<12}{result.loss:10.3g} after {result.evaluations} evaluations")
    if result.remark:
        print(result.remark)


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace numbers that JSON does not have, such as a deviation without bound, by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --------------------------------------------------------------------------------------------------
# Layers: a few sounds of several kinds


def _layers(checkpoint: "Checkpoint", options: MatchOptions, as_json: bool) -> dict[str, Any]:
    from mesosynth.presets.matched import layered_preset, levelled

    target = _target_of(checkpoint)
    with ProgressBar(target.name, state="listening …") as bar:
        from mesosynth.matching.jobs import search

        steps = search(checkpoint, options.run)

        def show(step: object) -> None:
            if isinstance(step, LayersStep):
                bar.move(step.progress, _layers_text(step))

        result = result_of(steps, show)
    result = replace(result, layers=tuple(sorted(result.layers, key=lambda one: -one.share)))
    if options.output is not None or options.render is not None:
        preset = layered_preset(result, target.name, target.sha256, target.recording)
        _write(*levelled(preset, target.recording), result.scores, target, options)
    if not as_json:
        _print_layers(result)
    return {
        **_source(target),
        "layers": [asdict(layer) for layer in result.layers],
        "similarity": result.scores.as_dict(),
        "candidates": [
            {
                "difference": one.difference(result.candidates[0]),
                "similarity": one.scores.as_dict(),
                "loss": one.loss,
                "layers": [asdict(layer) for layer in one.layers],
            }
            for one in result.candidates[1:]
        ],
        **{name: getattr(result, name) for name in ("loss", "evaluations", "seconds", "converged")},
    }


def _layers_text(step: LayersStep) -> str:
    return f"{_number(step.layers)}  picture {step.picture:.3f}"


def _number(layers: Sequence["Layer"]) -> str:
    return f"{len(layers)} layer{'s' if len(layers) > 1 else ''}"


def _print_layers(result: "LayersResult") -> None:
    print("        at  share  instrument    pitch     glide  repeats")
    for number, layer in enumerate(result.layers, 1):
        print(f"{number:2}  {_layer_line(layer)}")
    print(f"Similarity: {result.scores}; after {result.seconds:.0f} s.")
    for one in result.candidates[1:]:
        difference = one.difference(result.candidates[0])
        print(f"Or {_number(one.layers)} ({difference}): {one.scores.brief}.")
    if not result.converged:
        print("It was not done when the time was over; a larger --seconds may bring it closer.")


def _layer_line(layer: "Layer") -> str:
    from mesosynth.presets.matched import pitch_id

    theta, pitch = layer.theta, layer.theta[pitch_id(layer.instrument)]
    again = f"every {layer.period:.3f} s" if layer.period else "-"
    glide = f"{theta['gamma']:+5.2f} oct/s" if theta.get("gamma") else "-"
    return (
        f"{layer.onset:5.2f} s {layer.share:5.0%}  {layer.instrument:<10}{pitch:6.0f} Hz"
        f" {glide:>11}  {again}"
    )
