"""Recordings matched as `mesosynth match` does, judged in time and at full band.

Every sound of a folder is matched with layers, and what the preset plays is compared with the
recording: by the three scores that the program tells, by an outside judge that is in no loss
(zimtohrli, psychoacoustic), and by retrieval, the rank of its own recording among all of the
folder. Beside it, with --baselines, random search and CMA-ES on the loss of our search, with as
many layers of the same kinds and as much time. With --json, one object::

    schema      1; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    layers, seconds, seed
                as on the command line
    recordings  a list: file; duration (s); instrument; layers (found); kinds (of the layers);
                scores {score, picture, jtfs, log_mel}; zimtohrli (distance to the recording as a
                share of the median distance to the others, all at equal loudness and padded to
                equal length; None where it is not installed or there are no others); ranks
                {picture, jtfs, log_mel}, from 1; seconds; first (seconds to the first answer);
                course, a list of [seconds, score]; random and cma, scores as above, or None
    medians, worst
                of each score, of zimtohrli, of seconds and of first
    retrieved   number of matches whose own recording is the nearest by two of the three scores
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    at_least,
    number,
    program,
    show_machine,
    table,
)
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

if TYPE_CHECKING:
    from mesosynth.audio.target import Recording, Target
    from mesosynth.matching.results import Layer, LayersResult, Scores
    from mesosynth.presets.preset import Preset

SCHEMA = 1
_SOUNDS = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")
_VIEWS = ("picture", "jtfs", "log_mel")
_LOOKS = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)  # s at which the course is judged
_RATE, _OUTSIDE_RATE = 44100, 48000  # Hz; the latter is zimtohrli's
_LOUDNESS = -23.0  # LUFS of the loudest 400 ms, for the outside judge
_SPREAD = 0.3  # of the first generation of CMA-ES, of a parameter's range

Audio = NDArray[np.floating]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument(
        "--corpus", metavar="DIR", default=os.environ.get("MESOSYNTH_RECORDINGS", ""),
        help="a folder of sounds (default: $MESOSYNTH_RECORDINGS)",
    )  # fmt: skip
    parser.add_argument(
        "--files",
        metavar="NAME",
        nargs="+",
        default=[],
        help="match only files with these parts in their names; the others are still compared",
    )
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0, help="for each")
    parser.add_argument("--layers", metavar="N", type=at_least(1), default=12)
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument(
        "--baselines", action="store_true", help="random search and CMA-ES, as long each"
    )
    parser.add_argument("--sheet", metavar="PNG", type=Path, help="write pictures of all pairs")
    parser.add_argument("--sounds", metavar="DIR", type=Path, help="write the matches, as WAV")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    files = _files(arguments.corpus)
    chosen = [f for f in files if not arguments.files or any(x in f.name for x in arguments.files)]
    if not chosen:
        raise ArgumentError(f"--files {' '.join(arguments.files)}: no sound has such a name.")
    environment = Environment(worker_threads())
    with Narration() as say:
        rows = _match_all(files, chosen, arguments, say)
    figures = {name: [row["scores"][name] for row in rows] for name in ("score", *_VIEWS)}
    for name in ("zimtohrli", "seconds", "first"):
        figures[name] = [row[name] for row in rows if row[name] is not None]
    return {
        "schema": SCHEMA,
        "machine": environment.record(),
        **{name: getattr(arguments, name) for name in ("layers", "seconds", "seed")},
        "recordings": rows,
        "medians": {name: float(np.median(x)) for name, x in figures.items() if x},
        "worst": {
            name: min(x) if name in ("score", *_VIEWS) else max(x)
            for name, x in figures.items()
            if x
        },
        "retrieved": sum(sum(rank == 1 for rank in row["ranks"].values()) >= 2 for row in rows),
    }


def _files(folder: str) -> list[Path]:
    if not folder:
        raise ArgumentError("--corpus is missing; name a folder of sounds.")
    if not Path(folder).is_dir():
        raise ArgumentError(f"--corpus {folder} is not a folder.")
    files = [f for f in sorted(Path(folder).iterdir()) if f.suffix.lower() in _SOUNDS]
    if not files:
        raise ArgumentError(f"--corpus {folder} holds no sounds.")
    return files


def _match_all(
    files: list[Path], chosen: list[Path], arguments: argparse.Namespace, say: Narration
) -> list[Answer]:
    from mesosynth.audio.file import load_target, write_wav
    from mesosynth.matching.jobs import prepare

    prepare(worker_threads())
    say("warming up")
    _warm_up()
    targets = {file: load_target(file) for file in files}
    gallery = Gallery([targets[file].recording for file in files])
    rows: list[Answer] = []
    sounds: list[tuple[str, Recording, Audio, float]] = []
    for file in chosen:
        say(f"{file.name}: {arguments.seconds:g} s")
        target = targets[file]
        row, sound = _match(target, arguments)
        row["ranks"] = gallery.ranks(sound, target.recording.sample_rate, files.index(file))
        row["zimtohrli"] = gallery.distance(sound, target.recording.sample_rate, files.index(file))
        rows.append(row)
        sounds.append((file.stem, target.recording, sound, row["scores"]["score"]))
        if arguments.sounds is not None:
            arguments.sounds.mkdir(parents=True, exist_ok=True)
            write_wav(
                arguments.sounds / f"{file.stem}.wav", sound, round(target.recording.sample_rate)
            )
        say(_line(row))
    if arguments.sheet is not None:
        _draw(arguments.sheet, sounds)
    return rows


# --------------------------------------------------------------------------------------------------
# Our match, and what its preset plays


def _warm_up() -> None:
    """Load and compile all that a first match loads: figures are those of a process that runs."""
    from mesosynth.audio.target import target_from_array
    from mesosynth.matching.similarity import similarity

    t = np.arange(_RATE // 2) / _RATE
    x = np.sin(2.0 * np.pi * 440.0 * t) * np.exp(-t / 0.1)
    layers, _ = _search(target_from_array(x, _RATE), 2, 4.0, 0)
    similarity(x, x, _RATE)
    assert layers.layers


def _search(
    target: "Target", layers: int, seconds: float, seed: int
) -> tuple["LayersResult", list[tuple[float, tuple["Layer", ...]]]]:
    """Result of a match as the command runs it, and the layers of each step with its time."""
    from mesosynth.matching.checkpoint import Checkpoint
    from mesosynth.matching.jobs import search
    from mesosynth.matching.results import LayersSettings, LayersStep
    from mesosynth.system.steps import result_of

    steps: list[tuple[float, tuple[Layer, ...]]] = []

    def take(step: object) -> None:
        if isinstance(step, LayersStep):
            steps.append((time.perf_counter() - began, step.layers))

    settings = LayersSettings(layers=layers, seconds=seconds, seed=seed)
    began = time.perf_counter()
    return result_of(search(Checkpoint("layers", settings, target)), take), steps


def _match(target: "Target", arguments: argparse.Namespace) -> tuple[Answer, Audio]:
    """Row of one recording without ranks and the outside judge, and what its match plays."""
    from mesosynth.matching.similarity import Similarity
    from mesosynth.presets.matched import sound_beside

    began = time.perf_counter()
    result, steps = _search(target, arguments.layers, arguments.seconds, arguments.seed)
    seconds = time.perf_counter() - began
    recording = target.recording
    judge = Similarity(recording.audio, recording.sample_rate)
    sound = sound_beside(_preset(result.layers, target), recording)

    def score(layers: tuple["Layer", ...]) -> "Scores":
        return judge.of(sound_beside(_preset(layers, target), recording))

    looks = [t for t in _LOOKS if t < seconds]
    seen = [next((layers for at, layers in reversed(steps) if at <= t), None) for t in looks]
    course = [[t, score(layers).score] for t, layers in zip(looks, seen, strict=True) if layers]
    scores = judge.of(sound)
    row: Answer = {
        "file": target.name,
        "duration": recording.duration,
        "instrument": "layers",
        "layers": len(result.layers),
        "kinds": [_kind(layer) for layer in result.layers],
        "scores": scores.as_dict(),
        "seconds": seconds,
        "first": steps[0][0] if steps else seconds,
        "course": [*course, [seconds, scores.score]],
        "random": None,
        "cma": None,
    }
    if arguments.baselines:
        kinds = [_kind(layer) for layer in result.layers]
        for name, method in (("random", _at_random), ("cma", _by_cma)):
            layers = _baseline(method, target, kinds, arguments.seconds, arguments.seed)
            row[name] = score(layers).as_dict()
    return row, sound


def _kind(layer: "Layer") -> str:
    return layer.instrument


def _preset(layers: Sequence["Layer"], target: "Target") -> "Preset":
    from mesosynth.matching.results import LayersResult, Scores
    from mesosynth.presets.matched import layered_preset

    result = LayersResult(tuple(layers), Scores(0.0, 0.0, 0.0), 0.0, 0, 0.0, converged=True)
    return layered_preset(result, target.name, target.sha256, target.recording)


# --------------------------------------------------------------------------------------------------
# Baselines: the loss of our search, as many layers of the same kinds, as much time


Loss = Callable[[NDArray[np.float64]], float]


def _baseline(
    method: "Callable[[Loss, int, float, int], NDArray[np.float64]]",
    target: "Target", kinds: Sequence[str], seconds: float, seed: int,
) -> tuple["Layer", ...]:  # fmt: skip
    """Layers that another method finds; it looks in the unit cube of all their axes."""
    import soxr
    import torch

    from mesosynth.matching.band_pictures import RATE, BandPictures
    from mesosynth.matching.layer_models import PERIOD, SIZE, layer_model, layer_of
    from mesosynth.matching.layers import PictureLoss, mixture_pictures
    from mesosynth.matching.results import Layer

    recording = target.recording
    peak = max(float(np.abs(recording.audio).max()), 1e-30)
    x = soxr.resample(recording.audio / np.float32(2.0 * peak), recording.sample_rate, RATE)
    pictures = BandPictures(len(x))
    loss = PictureLoss(pictures.of_sound(torch.from_numpy(np.ascontiguousarray(x, np.float32))))
    models = [layer_model(kind) for kind in kinds]
    low = torch.stack([model.low for model in models])
    high = torch.stack(
        [
            model.high_of(low_[None], recording.duration)[0]
            for model, low_ in zip(models, low, strict=True)
        ]
    )

    def rows(place: NDArray[np.float64]) -> Any:  # noqa: ANN401 - a tensor
        unit = torch.from_numpy(place.reshape(len(kinds), SIZE)).float().clamp(0.0, 1.0)
        there = low + unit * (high - low)
        there[:, PERIOD] = 0.0
        return there

    def at(place: NDArray[np.float64]) -> float:
        with torch.no_grad():
            whole = mixture_pictures(pictures, kinds, rows(place))
            return float(loss.of([P.sum(dim=0) for P in whole]))

    best = rows(method(at, len(kinds) * SIZE, seconds, seed)).double().numpy()
    found: list[Layer] = []
    for kind, row in zip(kinds, best, strict=True):
        layer = layer_of(kind, row, len(x) / RATE)
        found.append(
            Layer(
                layer.theta, layer.onset + recording.start, layer.level * 2.0 * peak,
                layer.period, layer.repeats, instrument=kind,
            )
        )  # fmt: skip
    return tuple(found)


def _at_random(loss: Loss, size: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """The best of settings that are drawn until the time is over."""
    rng, until = np.random.default_rng(seed), time.perf_counter() + seconds
    best, least = np.full(size, 0.5), np.inf
    while time.perf_counter() < until:
        place = rng.uniform(size=size)
        if (here := loss(place)) < least:
            best, least = place, here
    return best


def _by_cma(loss: Loss, size: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """CMA-ES from the middle of the cube until the time is over."""
    import cma

    until = time.perf_counter() + seconds
    search = cma.CMAEvolutionStrategy(
        np.full(size, 0.5), _SPREAD,
        {"bounds": [0.0, 1.0], "seed": seed + 1, "verbose": -9, "CMA_diagonal": size > 100},
    )  # fmt: skip
    while time.perf_counter() < until and not search.stop():
        places = search.ask()
        search.tell(places, [loss(np.asarray(place)) for place in places])
    return np.asarray(search.result.xbest, np.float64)


# --------------------------------------------------------------------------------------------------
# Comparison with all recordings


class Gallery:
    """All recordings of the corpus, for retrieval and for the outside judge.

    Parameters
    ----------
    recordings : sequence of Recording
    """

    def __init__(self, recordings: Sequence["Recording"]) -> None:
        self._seconds = max(recording.duration for recording in recordings)
        self._views = [self._views_of(one.audio, one.sample_rate) for one in recordings]
        self._outside = [self._heard(one.audio, one.sample_rate) for one in recordings]

    def ranks(self, sound: Audio, sample_rate: float, own: int) -> dict[str, int]:
        """Rank of a sound's own recording among all, by each score; 1 is the nearest.

        Parameters
        ----------
        sound : (n,) array
        sample_rate : float
            Hz.
        own : int
            Index of its recording.
        """
        views = self._views_of(sound, sample_rate)
        ranks: dict[str, int] = {}
        for number_, name in enumerate(_VIEWS):
            cosines = [_cosine(views[number_], of[number_]) for of in self._views]
            ranks[name] = 1 + sum(other > cosines[own] for other in cosines)
        return ranks

    def distance(self, sound: Audio, sample_rate: float, own: int) -> float | None:
        """Share of the outside judge's distance to a sound's own recording in that to the others.

        Parameters
        ----------
        sound : (n,) array
        sample_rate : float
            Hz.
        own : int
            Index of its recording.

        Returns
        -------
        float or None
            Of the median distance to all others; None without others, or without zimtohrli.
        """
        try:
            from zimtohrli import Pyohrli
        except ImportError:
            return None
        if len(self._outside) < 2:
            return None
        judge, x = Pyohrli(), self._heard(sound, sample_rate)
        distances = [judge.distance(x, other) for other in self._outside]
        return distances.pop(own) / float(np.median(distances))

    def _views_of(self, audio: Audio, sample_rate: float) -> tuple[Audio, ...]:
        from mesosynth.matching.similarity import views

        return views(self._padded(audio, sample_rate, _RATE), _RATE)

    def _heard(self, audio: Audio, sample_rate: float) -> NDArray[np.float32]:
        """A sound at the outside judge's rate and loudness, as long as the longest."""
        from mesosynth.audio.loudness import largest_loudness

        x = self._padded(audio, sample_rate, _OUTSIDE_RATE)
        # A sound below the gate, such as silence, stays as it is.
        level = largest_loudness(x / max(float(np.abs(x).max()), 1e-30), _OUTSIDE_RATE)
        gain = 10.0 ** ((_LOUDNESS - level) / 20.0) / max(float(np.abs(x).max()), 1e-30)
        return (gain * x).astype(np.float32)

    def _padded(self, audio: Audio, sample_rate: float, rate: int) -> Audio:
        import soxr

        x = np.asarray(audio, np.float32)
        x = x if sample_rate == rate else soxr.resample(x, sample_rate, rate)
        n = max(round(self._seconds * rate), round(0.4 * rate))
        return np.pad(x[:n], (0, max(n - len(x), 0)))


def _cosine(a: Audio, b: Audio) -> float:
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-300)


# --------------------------------------------------------------------------------------------------
# For people


def _draw(path: Path, sounds: list[tuple[str, "Recording", Audio, float]]) -> None:
    """Contact sheet: recording and match side by side."""
    from mesosynth.cli.contact_sheet import draw_contact_sheet, thumbnail

    pictures = []
    for name, recording, sound, score in sounds:
        rate = recording.sample_rate
        pictures += [
            thumbnail(name, f"{recording.duration:.2f} s", recording.audio, rate),
            thumbnail("match", f"{score:.2f}", sound, rate),
        ]
    draw_contact_sheet(path, pictures, None)


def _line(row: Answer) -> str:
    scores = ", ".join(f"{name} {value:.2f}" for name, value in row["scores"].items())
    return f"{row['file']}: {scores} after {row['seconds']:.0f} s"


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    show_machine(answer["machine"])
    rows: list[list[str]] = []
    for row in answer["recordings"]:
        others = [row[name] and row[name]["score"] for name in ("random", "cma")]
        rows.append([
            row["file"],
            *(f"{row['scores'][name]:.2f}" for name in _VIEWS),
            number(row["zimtohrli"], ".2f"),
            "/".join(str(rank) for rank in row["ranks"].values()),
            f"{row['first']:.1f}",
            f"{row['seconds']:.0f}",
            *(number(score, ".2f") for score in others),
        ])  # fmt: skip
    for name in ("medians", "worst"):
        of = answer[name]
        rows.append([
            name, *(f"{of[view]:.2f}" for view in _VIEWS), number(of.get("zimtohrli"), ".2f"),
            "", f"{of['first']:.1f}", f"{of['seconds']:.0f}", "", "",
        ])  # fmt: skip
    table(
        f"Scores, outside judge, ranks; own recording nearest: {answer['retrieved']} of "
        f"{len(answer['recordings'])}",
        ["recording"],
        ["picture", "JTFS", "mel", "zimt", "ranks", "first", "s", "random", "CMA"], rows,
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a program; see :func:`benchmarks.harness.program`."""
    return program("recordings", __doc__, add_options, run, show, argv)


if __name__ == "__main__":
    sys.exit(main())
