"""Classifiers and features judged: playing techniques, families of real sounds, neighbours.

Three parts, all of them or those that are named::

    techniques  synthetic notes of five playing techniques (vibrato, trill, tremolo, bisbigliando,
                flatterzunge), trained on some pitches and tested on others: macro recall of a
                convnet and of an SVM; share of the test's notes whose relevance peaks within half
                an octave of their true modulation rate; error of the relevance's sum
    families    a folder of folders of real sounds, or of files named FAMILY_name as those of
                Debian's sonic-pi-samples: macro recall of five folds, JTFS, time scattering and
                MFCC with the same SVM
    neighbours  `mesosynth figures neighbours`: least and largest ratio beside the published ones

With --json, one object with an entry for each part.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    at_least,
    program,
    show_machine,
    table,
)

if TYPE_CHECKING:
    from mesosynth.learning.classifier import Trained
    from mesosynth.learning.corpus import Corpus

PARTS = ("techniques", "families", "neighbours")
RATE = 22050
SECONDS = 2.5
TEST_PITCHES = (4, 5)
"""Places within each six semitones whose pitches are not trained on; 3 is for the validation."""

Audio = NDArray[np.float64]

# --------------------------------------------------------------------------------------------------
# Synthetic playing techniques


def _sines(phase: Audio, sample_rate: float, frequency: float, slope: float) -> Audio:
    """Harmonics of a phase (cycles) with a slope in dB per octave, below 0.4 of the rate."""
    count = max(int(0.4 * sample_rate / (1.2 * frequency)), 1)
    k = np.arange(1, min(count, 20) + 1)
    amplitudes = 10.0 ** (slope * np.log2(k) / 20.0)
    return np.sum(amplitudes[:, None] * np.sin(2.0 * np.pi * k[:, None] * phase), axis=0)


def _switch(t: Audio, rate: float) -> Audio:
    """Square wave from 0 to 1 with edges of some milliseconds."""
    return 0.5 + 0.5 * np.tanh(6.0 * np.sin(2.0 * np.pi * rate * t))


def _vibrato(t: Audio, sr: float, f: float, rate: float, random: np.random.Generator) -> Audio:
    depth = random.uniform(0.3, 0.8) / 12.0  # octaves
    bend = 2.0 ** (depth * np.sin(2.0 * np.pi * rate * t))
    return _sines(np.cumsum(f * bend) / sr, sr, f, -random.uniform(4.0, 10.0))


def _trill(t: Audio, sr: float, f: float, rate: float, random: np.random.Generator) -> Audio:
    step = random.choice([1.0, 2.0]) / 12.0
    bend = 2.0 ** (step * _switch(t, rate))
    return _sines(np.cumsum(f * bend) / sr, sr, f, -random.uniform(4.0, 10.0))


def _tremolo(t: Audio, sr: float, f: float, rate: float, random: np.random.Generator) -> Audio:
    depth = random.uniform(0.5, 0.95)
    gain = 1.0 - depth * (0.5 + 0.5 * np.sin(2.0 * np.pi * rate * t))
    return gain * _sines(f * t, sr, f, -random.uniform(4.0, 10.0))


def _bisbigliando(t: Audio, sr: float, f: float, rate: float, random: np.random.Generator) -> Audio:
    slope = random.uniform(3.0, 6.0)
    bright, dark = (_sines(f * t, sr, f, -s) for s in (slope, slope + random.uniform(9.0, 14.0)))
    mix = _switch(t, rate)
    return mix * bright / np.abs(bright).max() + (1.0 - mix) * dark / np.abs(dark).max()


def _flatterzunge(t: Audio, sr: float, f: float, rate: float, random: np.random.Generator) -> Audio:
    return _tremolo(t, sr, f, rate, random)


Technique = Callable[[Audio, float, float, float, np.random.Generator], Audio]
TECHNIQUES: dict[str, tuple[Technique, float, float]] = {
    "vibrato": (_vibrato, 4.0, 8.0),
    "trill": (_trill, 4.0, 8.0),
    "tremolo": (_tremolo, 4.0, 8.0),
    "bisbigliando": (_bisbigliando, 4.0, 8.0),
    "flatterzunge": (_flatterzunge, 20.0, 30.0),
}
"""Synthesis, and range of the modulation rate, Hz."""


def note(
    technique: str, pitch: float, rate: float, seed: int, seconds: float, sample_rate: int
) -> Audio:
    """One note of a playing technique.

    Parameters
    ----------
    technique : str
    pitch : float
        MIDI number.
    rate : float
        Of the modulation, Hz.
    seed : int
        Of its depth, phase, brightness, attack and breath.
    seconds : float
    sample_rate : int
        Hz.

    Returns
    -------
    (n,) float64
    """
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    f = 440.0 * 2.0 ** ((pitch - 69.0 + random.uniform(-0.2, 0.2)) / 12.0)
    x = TECHNIQUES[technique][0](t + random.uniform(0.0, 1.0), sample_rate, f, rate, random)
    attack, release = random.uniform(0.02, 0.15), random.uniform(0.05, 0.3)
    x *= np.minimum(1.0, t / attack) * np.minimum(1.0, (seconds - t) / release)
    breath = random.standard_normal(len(t)) * 10.0 ** (random.uniform(-50.0, -35.0) / 20.0)
    return 0.5 * x / np.abs(x).max() + breath


def write_techniques(
    folder: Path, notes: int, seconds: float = SECONDS, sample_rate: int = RATE, seed: int = 0
) -> tuple["Corpus", list[float]]:
    """Write notes of all techniques; return them with their split by pitch, and their rates, Hz.

    Parameters
    ----------
    folder : Path
    notes : int
        Of each technique.
    seconds : float
    sample_rate : int
        Hz.
    seed : int

    Returns
    -------
    Corpus
    list of float
    """
    import soundfile

    from mesosynth.learning.corpus import Corpus, LabelledSound

    random = np.random.default_rng(seed)
    sounds: list[LabelledSound] = []
    rates: list[float] = []
    for name, (_, slowest, fastest) in TECHNIQUES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(notes):
            pitch = 48 + number % 36
            place = pitch % 6
            subset = "test" if place in TEST_PITCHES else "validation" if place == 3 else "training"
            rate = float(np.exp(random.uniform(np.log(slowest), np.log(fastest))))
            path = folder / name / f"{number:03d}.wav"
            x = note(name, pitch, rate, seed * 10_000 + len(sounds), seconds, sample_rate)
            soundfile.write(path, x, sample_rate, "FLOAT")
            sounds.append(LabelledSound(path, name, subset))
            rates.append(rate)
    return Corpus(tuple(sounds)), rates


def techniques(arguments: argparse.Namespace, say: Narration) -> Answer:
    """Macro recall on other pitches, and where relevance peaks."""
    from mesosynth.learning.classifier import Model, TrainingSettings, train
    from mesosynth.learning.features import FeatureKind, FeatureSettings

    answer: Answer = {"notes": arguments.notes}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        corpus, rates = write_techniques(folder, arguments.notes, seed=arguments.seed)
        cache = arguments.cache or folder
        pairs: list[tuple[FeatureKind, Model]] = [
            ("jtfs", "convnet"), ("jtfs", "svm"), ("time", "convnet"), ("time", "svm"),
        ]  # fmt: skip
        if arguments.joint:
            pairs = [("joint", "convnet")]
        for kind, model in pairs:
            say(f"techniques: {kind}, {model}")
            settings = TrainingSettings(model=model, seed=arguments.seed)
            trained = train(corpus, cache / "techniques", FeatureSettings(kind=kind), settings)
            answer[f"{kind} {model}"] = {
                "macro_recall": trained.report.macro_recall,
                "confusion": trained.report.confusion.tolist(),
                **explained(trained, corpus, rates),
            }
    return answer


def explained(trained: "Trained", corpus: "Corpus", rates: list[float]) -> Answer:
    """Modulation rates at which the relevance of the test's notes peaks, and the error of its sum.

    Parameters
    ----------
    trained : Trained
    corpus : Corpus
        With a subset for each sound.
    rates : list of float
        True modulation rates, Hz.

    Returns
    -------
    dict
        For each rule: "peaks", share of notes whose relevance peaks within half an octave of the
        true rate; "octaves", the same where its double counts too, at which a vibrato crosses a
        carrier; "peaks_of", as "peaks" of each technique; "sum_error", the largest |sum - 1|.
    """
    from mesosynth.audio.file import read_audio
    from mesosynth.learning.relevance import Rule, relevance

    answer: Answer = {}
    rules: tuple[Rule, ...] = ("amplitude", "epsilon plus", "epsilon")
    for rule in rules:
        above: dict[str, list[float]] = {}
        error = 0.0
        for sound, rate in zip(corpus.sounds, rates, strict=True):
            if sound.subset != "test":
                continue
            read = read_audio(sound.path)
            found = relevance(trained.classifier, read.audio, read.sample_rate, rule)
            error = max(error, abs(float(found.values.sum()) - 1.0))
            above.setdefault(sound.label, []).append(float(np.log2(found.peak_rate / rate)))
        answer[rule] = {
            "peaks": _near([*above.values()]),
            "octaves": _near([*above.values()]) + _near([*above.values()], 1.0),
            "peaks_of": {label: _near([one]) for label, one in above.items()},
            "sum_error": error,
        }
    return answer


def _near(octaves: list[list[float]], octave: float = 0.0) -> float:
    """Share of notes that are within half an octave of one."""
    away = np.abs(np.concatenate(octaves) - octave)
    return float(np.mean(away <= 0.5 if octave == 0.0 else away < 0.5))


# --------------------------------------------------------------------------------------------------
# Families of real sounds


_COLLECTIONS = ("mehackit", "misc")
"""First words of names in sonic-pi-samples that tell who made a sound, not what it is."""


def family_corpus(folder: Path, families: int) -> "Corpus":
    """Sounds of the largest families: of a folder of folders, or of files named FAMILY_name.

    Parameters
    ----------
    folder : Path
    families : int
        How many.

    Returns
    -------
    Corpus
    """
    from mesosynth.learning.corpus import SUFFIXES, Corpus, LabelledSound, read_corpus

    flat = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    if flat:
        corpus = Corpus(tuple(LabelledSound(path, path.stem.split("_")[0]) for path in flat))
    else:
        corpus = read_corpus(folder)
    counts = Counter(sound.label for sound in corpus.sounds)
    for name in _COLLECTIONS:
        counts.pop(name, None)
    kept = {label for label, count in counts.most_common(families) if count >= 5}
    return corpus.only([sound.label in kept for sound in corpus.sounds])


def families(arguments: argparse.Namespace, say: Narration) -> Answer:
    """Macro recall of five folds, by feature."""
    from mesosynth.learning.classifier import TrainingSettings, train
    from mesosynth.learning.features import FeatureKind, FeatureSettings

    corpus = family_corpus(arguments.corpus, arguments.families)
    answer: Answer = {"families": dict(Counter(sound.label for sound in corpus.sounds))}
    kinds: tuple[FeatureKind, ...] = ("jtfs", "time", "mfcc")
    with tempfile.TemporaryDirectory() as made:
        for kind in kinds:
            say(f"families: {kind}")
            runs = [
                train(
                    corpus, (arguments.cache or Path(made)) / "families",
                    FeatureSettings(kind=kind), TrainingSettings(seed=seed),
                )
                for seed in range(arguments.splits)
            ]  # fmt: skip
            recalls = [trained.report.macro_recall for trained in runs]
            answer[kind] = {
                "macro_recall": float(np.mean(recalls)), "spread": float(np.std(recalls)),
                "confusion": runs[0].report.confusion.tolist(),
                "left_out": list(runs[0].left_out),
            }  # fmt: skip
    return answer


# --------------------------------------------------------------------------------------------------
# Neighbours


def neighbours(arguments: argparse.Namespace, say: Narration) -> Answer:
    """Ratios of the figure, and whether they are within the published ones."""
    from mesosynth.paper.neighbours import BARS, make_neighbours

    with tempfile.TemporaryDirectory() as made:
        out = (arguments.cache or Path(made)) / "neighbours"
        found = make_neighbours(
            out, arguments.quick, on_feature=lambda name, n: say(f"{name}: {n}")
        )
    ratios = found["ratios"]
    within = {
        name: low <= ratios["JTFS"][name][0] and ratios["JTFS"][name][1] <= high
        for name, (low, high) in BARS.items()
    }
    return {"ratios": ratios, "published": BARS, "within": within}


# --------------------------------------------------------------------------------------------------
# Command line


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all that are possible")
    parser.add_argument("--corpus", metavar="DIR", type=Path, help="sounds of the part families")
    parser.add_argument("--families", metavar="N", type=at_least(2), default=8)
    parser.add_argument(
        "--splits", metavar="N", type=at_least(1), default=5, help="of the families"
    )
    parser.add_argument("--notes", metavar="N", type=at_least(12), default=60, help="a technique")
    parser.add_argument(
        "--joint", action="store_true", help="techniques by the convnet of two dimensions: slow"
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="keep features there")
    parser.add_argument("--quick", action="store_true", help="neighbours of 512 chirplets")
    parser.add_argument("--seed", metavar="N", type=at_least(0), default=0)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    import torch

    from mesosynth.errors import ArgumentError

    torch.set_num_threads(1)
    wanted = arguments.parts or [p for p in PARTS if p != "families" or arguments.corpus]
    if "families" in wanted and not (arguments.corpus and arguments.corpus.is_dir()):
        raise ArgumentError("--corpus is missing; name a folder of sounds.")
    environment = Environment(1)
    parts: dict[str, Any] = {
        "techniques": techniques, "families": families, "neighbours": neighbours,
    }  # fmt: skip
    with Narration() as say:
        answer = {part: parts[part](arguments, say) for part in PARTS if part in wanted}
    return {"schema": 1, "machine": environment.record(), **answer}


def show(answer: Answer) -> None:
    """Print the answer for people."""
    show_machine(answer["machine"])
    if part := answer.get("techniques"):
        rows = [
            [
                name, rule, f"{one['macro_recall']:.1%}", f"{one[rule]['peaks']:.0%}",
                f"{one[rule]['octaves']:.0%}", f"{one[rule]['sum_error']:.1e}",
            ]
            for name, one in part.items() if isinstance(one, dict)
            for rule in ("amplitude", "epsilon plus", "epsilon")
        ]  # fmt: skip
        table(
            f"Playing techniques on other pitches, {part['notes']} notes of each",
            ["classifier", "rule"],
            ["macro recall", "peak at rate", "or its double", "error of sum"],
            rows,
        )
    if part := answer.get("families"):
        rows = [
            [kind, f"{part[kind]['macro_recall']:.1%}", f"{part[kind]['spread']:.1%}"]
            for kind in ("jtfs", "time", "mfcc")
        ]  # fmt: skip
        named = ", ".join(f"{name} {count}" for name, count in part["families"].items())
        table(f"Families: {named}", ["feature"], ["macro recall", "±"], rows)
    if part := answer.get("neighbours"):
        rows = [
            [feature, *(f"{low:.2f}–{high:.2f}" for low, high, *_ in ranges.values())]
            for feature, ranges in [
                *part["ratios"].items(), ("published JTFS", part["published"]),
            ]
        ]  # fmt: skip
        table("Estimates by neighbours, over true values", ["feature"], ["f_c", "f_m", "γ"], rows)


if __name__ == "__main__":
    sys.exit(program("classification", __doc__, add_options, run, show))
