"""Recordings matched as `mesosynth match` does, judged in time and at full band.

Every sound of a folder is matched with layers, and what the preset plays is compared with the
recording: by the three scores that the program tells, by an outside judge that is in no loss
(zimtohrli, psychoacoustic), and by retrieval, the rank of its own recording among all of the
folder. A second process judges while the next sound is matched. With --baselines RUN, nothing is
matched: random search and CMA-ES, on the loss of our search, are added to what RUN, the output of
--json, says, with as many layers of the same kinds and as much processor time. With --json, one
object::

    schema      2; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    layers, seconds, seed
                as on the command line
    recordings  a list: file; duration (s); instrument; layers (found); kinds (of the layers);
                scores {score, picture, jtfs, log_mel}; zimtohrli (distance to the recording as a
                share of the median distance to the others, all at equal loudness and padded to
                equal length; None where it is not installed or there are no others); ranks
                {picture, jtfs, log_mel}, from 1; seconds; cpu (processor seconds of the search);
                first (seconds to the first answer); course, a list of [seconds, score, picture,
                jtfs]; candidates, a list of [number of layers, score]; random and cma, scores as
                above, or None
    medians, worst
                of each score, of zimtohrli, of seconds, cpu and first
    after_15    median picture and JTFS after 15 seconds
    retrieved   number of matches whose own recording is the nearest by two of the three scores
    better      number of matches better than both baselines; None without these
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
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
from mesosynth.system.cpu import cores, worker_threads

if TYPE_CHECKING:
    from mesosynth.audio.target import Recording, Target
    from mesosynth.matching.results import Layer, LayersResult

SCHEMA = 2
_SOUNDS = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")
_VIEWS = ("picture", "jtfs", "log_mel")
_LOOKS = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)  # s at which the course is judged
_SOON = 15.0  # s
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
        "--baselines", metavar="RUN", type=Path,
        help="random search and CMA-ES, as long each as the match in this JSON took",
    )  # fmt: skip
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
        if arguments.baselines is None:
            rows = _match_all(files, chosen, arguments, say)
        else:
            rows = _with_baselines(files, chosen, arguments, say)
    names = ("score", *_VIEWS)
    figures = {name: [row["scores"][name] for row in rows] for name in names}
    for name in ("zimtohrli", "seconds", "cpu", "first"):
        figures[name] = [row[name] for row in rows if row[name] is not None]
    figures = {name: values for name, values in figures.items() if values}
    courses = [row["course"] for row in rows]
    soon = [[at for at in course if at[0] <= _SOON] or course[:1] for course in courses]
    rivals = [(row["scores"]["score"], row["random"], row["cma"]) for row in rows]
    beside = [(own, each["score"], cma["score"]) for own, each, cma in rivals if each and cma]
    return {
        "schema": SCHEMA,
        "machine": environment.record(),
        **{name: getattr(arguments, name) for name in ("layers", "seconds", "seed")},
        "recordings": rows,
        "medians": {name: float(np.median(x)) for name, x in figures.items()},
        "worst": {name: min(x) if name in names else max(x) for name, x in figures.items()},
        "after_15": [float(x) for x in np.median([of[-1][2:] for of in soon], axis=0)],
        "retrieved": sum(sum(rank == 1 for rank in row["ranks"].values()) >= 2 for row in rows),
        "better": sum(own > max(others) for own, *others in beside) if beside else None,
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
    judged: list[tuple[Target, Future[tuple[Answer, Audio]]]] = []
    with _judges(1, files) as judges:
        for file in chosen:
            say(f"{file.name}: {arguments.seconds:g} s")
            target = load_target(file)
            row, found = _match(target, arguments)
            judged.append((target, judges.submit(_judge, files.index(file), row, found)))
        rows: list[Answer] = []
        sounds: list[tuple[str, Recording, Audio, float]] = []
        for target, future in judged:
            row, sound = future.result()
            stem, recording = Path(target.name).stem, target.recording
            rows.append(row)
            sounds.append((stem, recording, sound, row["scores"]["score"]))
            if arguments.sounds is not None:
                arguments.sounds.mkdir(parents=True, exist_ok=True)
                path = arguments.sounds / f"{stem}.wav"
                write_wav(path, sound, round(recording.sample_rate))
            say(_line(row))
    if arguments.sheet is not None:
        _draw(arguments.sheet, sounds)
    return rows


def _with_baselines(
    files: list[Path], chosen: list[Path], arguments: argparse.Namespace, say: Narration
) -> list[Answer]:
    """Rows of an earlier run, with what other methods find in the same time."""
    try:
        rows = json.loads(arguments.baselines.read_text())["recordings"]
        known = {row["file"]: row for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArgumentError(f"--baselines {arguments.baselines} is no run: {error}.") from error
    again = [(files.index(file), known[file.name]) for file in chosen if file.name in known]
    if not again:
        raise ArgumentError(f"--baselines {arguments.baselines} has none of these sounds.")
    with _judges(cores(), files) as judges:
        tasks = [
            (row, name, judges.submit(_baseline, own, name, row, arguments.seed))
            for own, row in again
            for name in _METHODS
        ]
        for row, name, task in tasks:
            row[name] = task.result()
            theirs, ours = row[name]["score"], row["scores"]["score"]
            say(f"{row['file']}: {name} {theirs:.2f}, ours {ours:.2f}")
    return [row for _, row in again]


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


Found = list[tuple[float, tuple["Layer", ...]]]
"""Layers, and after how many seconds they were found; the last ones are the answer."""


def _match(target: "Target", arguments: argparse.Namespace) -> tuple[Answer, Found]:
    """Row of one recording without what a judge adds, and the layers of its course."""
    began, began_cpu = time.perf_counter(), time.process_time()
    result, steps = _search(target, arguments.layers, arguments.seconds, arguments.seed)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    looks = [t for t in _LOOKS if t < seconds]
    seen = [(t, [layers for at, layers in steps if at <= t]) for t in looks]
    row: Answer = {
        "file": target.name,
        "duration": target.recording.duration,
        "instrument": "layers",
        "layers": len(result.layers),
        "kinds": [layer.instrument for layer in result.layers],
        "seconds": seconds,
        "cpu": cpu,
        "first": steps[0][0] if steps else seconds,
        "candidates": [[len(one.layers), one.scores.score] for one in result.candidates],
        "random": None,
        "cma": None,
    }
    return row, [*((t, of[-1]) for t, of in seen if of), (seconds, result.layers)]


# --------------------------------------------------------------------------------------------------
# Judges: processes that know all recordings


_GALLERY: list["Gallery"] = []  # of a process that judges


def _judges(count: int, files: list[Path]) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, initializer=_open_gallery, initargs=(files,))


def _open_gallery(files: list[Path]) -> None:
    from mesosynth.audio.file import load_target
    from mesosynth.matching.jobs import prepare

    prepare(1)
    _GALLERY.append(Gallery([load_target(file).recording for file in files]))


def _judge(own: int, row: Answer, found: Found) -> tuple[Answer, Audio]:
    """A row with all that judges say, and what the match plays."""
    from mesosynth.matching.similarity import Similarity
    from mesosynth.presets.matched import layers_beside

    gallery = _GALLERY[0]
    recording = gallery.recordings[own]
    rate, sound = recording.sample_rate, np.zeros(0)
    judge, course, scores = Similarity(recording.audio, rate), [], {}
    for at, layers in found:
        sound = layers_beside(layers, recording)
        scores = judge.of(sound).as_dict()
        course.append([at, scores["score"], scores["picture"], scores["jtfs"]])
    ranks, distance = gallery.ranks(sound, rate, own), gallery.distance(sound, rate, own)
    return {**row, "scores": scores, "zimtohrli": distance, "ranks": ranks, "course": course}, sound


# --------------------------------------------------------------------------------------------------
# Baselines: the loss of our search, as many layers of the same kinds, as much time


Loss = Callable[[NDArray[np.float64]], float]


def _baseline(own: int, method: str, row: Answer, seed: int) -> Answer:
    """Scores of what another method finds; it looks in the unit cube of all axes of its layers."""
    import soxr
    import torch

    from mesosynth.matching.band_pictures import RATE, BandPictures
    from mesosynth.matching.layer_models import PERIOD, SIZE, layer_model, layer_of
    from mesosynth.matching.layers import PictureLoss, mixture_pictures
    from mesosynth.matching.results import Layer
    from mesosynth.matching.similarity import similarity
    from mesosynth.presets.matched import layers_beside

    recording, kinds = _GALLERY[0].recordings[own], row["kinds"]
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

    place = _METHODS[method](at, len(kinds) * SIZE, row["cpu"], seed)
    best = rows(place).double().numpy()
    found: list[Layer] = []
    for kind, axes in zip(kinds, best, strict=True):
        layer = layer_of(kind, axes, len(x) / RATE)
        found.append(
            Layer(
                layer.theta, layer.onset + recording.start, layer.level * 2.0 * peak,
                layer.period, layer.repeats, instrument=kind,
            )
        )  # fmt: skip
    sound = layers_beside(found, recording)
    return similarity(recording.audio, sound, recording.sample_rate).as_dict()


def _at_random(loss: Loss, size: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """The best of settings that are drawn until the time is over."""
    rng, until = np.random.default_rng(seed), time.process_time() + seconds
    best, least = np.full(size, 0.5), np.inf
    while time.process_time() < until:
        place = rng.uniform(size=size)
        if (here := loss(place)) < least:
            best, least = place, here
    return best


def _by_cma(loss: Loss, size: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """CMA-ES from the middle of the cube until the time is over."""
    import cma

    until = time.process_time() + seconds
    search = cma.CMAEvolutionStrategy(
        np.full(size, 0.5), _SPREAD,
        {"bounds": [0.0, 1.0], "seed": seed + 1, "verbose": -9, "CMA_diagonal": size > 100},
    )  # fmt: skip
    while time.process_time() < until and not search.stop():
        places = search.ask()
        search.tell(places, [loss(np.asarray(place)) for place in places])
    return np.asarray(search.result.xbest, np.float64)


_METHODS: dict[str, Callable[[Loss, int, float, int], NDArray[np.float64]]] = {
    "random": _at_random,
    "cma": _by_cma,
}


# --------------------------------------------------------------------------------------------------
# Comparison with all recordings


class Gallery:
    """All recordings of the corpus, for retrieval and for the outside judge.

    Parameters
    ----------
    recordings : sequence of Recording

    Attributes
    ----------
    recordings
        The same.
    """

    def __init__(self, recordings: Sequence["Recording"]) -> None:
        self.recordings = recordings
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
    count = len(answer["recordings"])
    better = "" if answer["better"] is None else f"; better than both: {answer['better']}"
    soon = ", ".join(f"{value:.3f}" for value in answer["after_15"])
    table(
        f"Scores, outside judge, ranks; own recording nearest: {answer['retrieved']} of {count}"
        f"{better}; median picture and JTFS after {_SOON:g} s: {soon}",
        ["recording"],
        ["picture", "JTFS", "mel", "zimt", "ranks", "first", "s", "random", "CMA"], rows,
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a program; see :func:`benchmarks.harness.program`."""
    return program("recordings", __doc__, add_options, run, show, argv)


if __name__ == "__main__":
    sys.exit(main())
