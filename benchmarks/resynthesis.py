"""Resynthesis: the error of a waveform's coefficients against iterations and seconds.

Three stand-ins for the sounds of Andén, Lostanlen and Mallat (IEEE TSP 2019), 65,536 samples at
22,050 Hz: bursts of inharmonic partials for a barking dog, a harmonic tone with vibrato for a
flute, and pulses through formants for speech. Their logs tell 1.35, 2.70 and 11.93 % after 100
iterations of the JTFS with T = 2**13, in 2.8 to 3.8 s each (MATLAB, one core). With --equal-time
the descent goes on for as long as their hundred iterations took at the least, 280 s of a core.
With --corpus, sounds of a folder besides: until the error is 3 %, or --cpu seconds are over, and
how alike they are to an auditory picture. Last, a rising arpeggio is made to fall. With --json, one
object::

    schema      2; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    iterations, seed
                as on the command line
    stand_ins   a list: name, method, errors {iterations: error}, error (exact), iterations,
                seconds, cpu_seconds of an iteration
    corpus      a list: file, seconds_long, error, iterations, picture (correlation of the auditory
                pictures), cpu_seconds
    reversed    {before, after}: share of the second-order energy in falling spins
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

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
from mesosynth.errors import ArgumentError
from mesosynth.system.cpu import worker_threads

if TYPE_CHECKING:
    from mesosynth.resynthesis.results import ResynthesisResult, ResynthesisSettings

SCHEMA = 2
RATE, N = 22050, 65536
_TOLD = (2, 5, 10, 20, 30, 50, 75, 100)  # iterations whose errors are told
_PUBLISHED = {"bursts": 1.35, "tone": 2.70, "speech": 11.93}  # %, after 100 iterations
_EQUAL_TIME = 280.0  # s of a core, for their 100 iterations
_ENOUGH = 0.03  # error of a recording
_REVERSED = 0.125  # s of averaging; over 0.25 s a seventh of the rising arpeggio itself falls
_METHODS = ("l-bfgs", "momentum", "bold driver")
_SOUNDS = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")

Sound = NDArray[np.float32]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--iterations", metavar="N", type=at_least(1), default=100)
    parser.add_argument("--seed", metavar="N", type=at_least(0), default=0)
    parser.add_argument(
        "--methods", metavar="NAME,...", default="l-bfgs", help=f"of {', '.join(_METHODS)}"
    )
    parser.add_argument("--corpus", metavar="DIR", help="a folder of sounds")
    parser.add_argument("--only", metavar="TEXT,...", default="", help="parts of the files' names")
    parser.add_argument(
        "--cpu", metavar="S", type=at_least(1), default=600, help="CPU seconds of a recording"
    )
    parser.add_argument(
        "--equal-time", action="store_true", help="give stand-ins as long as the published ones"
    )
    parser.add_argument(
        "--stand-ins", metavar="NAME,...", default="bursts,tone,speech", help="or none"
    )
    parser.add_argument("--sheet", metavar="PNG", help="scalograms of recordings and results")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    import torch

    methods = arguments.methods.split(",")
    for method in methods:
        if method not in _METHODS:
            raise ArgumentError(f"--methods {method} must be of {', '.join(_METHODS)}.")
    torch.set_num_threads(worker_threads())
    environment = Environment(worker_threads())
    with Narration() as say:
        stand_ins = [
            _stand_in(name, make(np.random.default_rng(1)), method, arguments, say)
            for method in methods
            for name, make in STAND_INS.items()
            if name in arguments.stand_ins.split(",")
        ]
        pairs: list[tuple[str, Sound, Sound, int]] = []
        corpus = [_recording(file, arguments, pairs, say) for file in _files(arguments)]
        say("an arpeggio that is made to fall")
        turned = _reversed(arguments)
    if arguments.sheet:
        _draw(pairs, arguments.sheet)
    return {
        "schema": SCHEMA,
        "machine": environment.record(),
        "iterations": arguments.iterations,
        "seed": arguments.seed,
        "stand_ins": stand_ins,
        "corpus": corpus,
        "reversed": turned,
    }


def _files(arguments: argparse.Namespace) -> list[Path]:
    if arguments.corpus is None:
        return []
    folder = Path(arguments.corpus)
    if not folder.is_dir():
        raise ArgumentError(f"--corpus {folder} is not a folder.")
    files = (file for file in sorted(folder.iterdir()) if file.suffix.lower() in _SOUNDS)
    parts = arguments.only.split(",")
    return [file for file in files if any(part in file.name for part in parts)]


def _descent(
    sound: NDArray[np.float32], rate: int, settings: "ResynthesisSettings", cpu: float,
    enough: float = 0.0,
) -> "ResynthesisResult":  # fmt: skip
    """Resynthesis that ends with its iterations, after so many CPU seconds, or with that error."""
    from mesosynth.resynthesis.descent import resynthesis_steps
    from mesosynth.system.steps import stop

    began, steps = time.process_time(), resynthesis_steps(sound, rate, settings)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if step is not None and (step.error < enough or time.process_time() - began > cpu):
            return stop(steps)


def _stand_in(
    name: str, sound: Sound, method: str, arguments: argparse.Namespace, say: Narration
) -> Answer:
    from mesosynth.resynthesis.results import ResynthesisSettings

    say(f"{name} by {method}")
    settings = ResynthesisSettings(
        iterations=100_000 if arguments.equal_time else arguments.iterations, seed=arguments.seed,
        method=method,  # pyright: ignore[reportArgumentType] - one of _METHODS
        average=2**13 / RATE,
    )  # fmt: skip
    began = time.process_time()
    result = _descent(sound, RATE, settings, _EQUAL_TIME if arguments.equal_time else math.inf)
    return {
        "name": name,
        "method": method,
        "errors": {n: result.errors[n] for n in _TOLD if n < len(result.errors)},
        "error": result.error,
        "iterations": result.iterations,
        "seconds": result.seconds,
        "cpu_seconds": (time.process_time() - began) / result.iterations,
    }


def _recording(
    file: Path, arguments: argparse.Namespace, pairs: list[tuple[str, Sound, Sound, int]],
    say: Narration,
) -> Answer:  # fmt: skip
    from mesosynth.audio.file import read_channels
    from mesosynth.matching.similarity import similarity
    from mesosynth.resynthesis.results import ResynthesisSettings

    say(file.name)
    audio, rate = read_channels(file, seconds=30.0)
    settings = ResynthesisSettings(iterations=100_000, seed=arguments.seed, average=0.25)
    began = time.process_time()
    result = _descent(audio, rate, settings, arguments.cpu, 0.98 * _ENOUGH)
    pairs.append((file.stem, audio.mean(0), result.audio.mean(0), rate))
    return {
        "file": file.name,
        "seconds_long": audio.shape[1] / rate,
        "error": result.error,
        "iterations": result.iterations,
        "picture": similarity(*pairs[-1][1:]).picture,
        "cpu_seconds": time.process_time() - began,
    }


def _draw(pairs: list[tuple[str, Sound, Sound, int]], path: str) -> None:
    """Scalograms of recordings, and below each that of its resynthesis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from scipy.signal import spectrogram

    figure, axes = plt.subplots(2, len(pairs), figsize=(4 * len(pairs), 6), squeeze=False)
    for column, (name, target, result, rate) in enumerate(pairs):
        for row, sound in enumerate((target, result)):
            f, t, power = spectrogram(sound, rate, nperseg=1024, noverlap=768)
            level = 10.0 * np.log10(power + 1e-20)
            top = level.max()
            axes[row, column].pcolormesh(t, f[1:], level[1:], vmin=top - 70.0, vmax=top)
            axes[row, column].set(yscale="log", ylim=(60.0, 16000.0), title=name if not row else "")
    figure.tight_layout()
    figure.savefig(path, dpi=70)


def _reversed(arguments: argparse.Namespace) -> dict[str, float]:
    """Share of falling spins in a rising arpeggio, before and after its spins are reversed."""
    import torch

    from mesosynth.engine.rack import render
    from mesosynth.resynthesis.descent import WindowedJTFS, resynthesise
    from mesosynth.resynthesis.results import ResynthesisSettings
    from mesosynth.scattering.scale_rate import scale_rate

    values = {"f_c": 500.0, "f_m": 24.0, "gamma": 4.0, "w": 4.0, "spread": 0.0}
    rising = render("chirplet", values, 2.0, RATE)[:1]
    settings = ResynthesisSettings(
        iterations=arguments.iterations, edits=("reverse-spin",), average=_REVERSED
    )
    falling = resynthesise(rising, RATE, settings).audio
    jtfs = WindowedJTFS(rising.shape[1], RATE, _REVERSED).jtfs

    def share(sound: Sound) -> float:
        energy = scale_rate(jtfs, torch.from_numpy(sound[0]), RATE).energy
        return float(energy[0].sum() / energy.sum())

    return {"before": share(rising), "after": share(falling)}


def show(answer: Answer) -> None:
    """Print the answer of :func:`run`."""
    show_machine(answer["machine"])
    rows = [
        [
            row["name"], row["method"],
            *(f"{100 * row['errors'][n]:.2f}" if n in row["errors"] else "" for n in _TOLD),
            f"{100 * row['error']:.2f}", str(row["iterations"]),
            f"{_PUBLISHED[row['name']]:.2f}", f"{row['cpu_seconds']:.2f}",
        ]
        for row in answer["stand_ins"]
    ]  # fmt: skip
    table(
        "relative error, %, after so many iterations", ["stand-in", "method"],
        [*map(str, _TOLD), "exact", "after", "published", "CPU s each"], rows,
    )  # fmt: skip
    if answer["corpus"]:
        numbers = [
            [row["file"], f"{row['seconds_long']:.1f}", f"{100 * row['error']:.2f}",
             str(row["iterations"]), f"{row['picture']:.2f}", f"{row['cpu_seconds']:.0f}"]
            for row in answer["corpus"]
        ]  # fmt: skip
        table(
            "recordings",
            ["file"],
            ["s long", "error, %", "iterations", "picture", "CPU s"],
            numbers,
        )
    before, after = answer["reversed"]["before"], answer["reversed"]["after"]
    print(f"falling spins of an arpeggio: {before:.0%}, reversed {after:.0%}")


# --------------------------------------------------------------------------------------------------
# Stand-ins


def bursts(chance: np.random.Generator) -> Sound:
    """Eight bursts of inharmonic partials and some noise, as a dog barks."""
    t, sound = np.arange(N) / RATE, np.zeros(N)
    for onset in np.arange(0.1, 2.7, 0.35):
        dt = t - onset - chance.uniform(-0.05, 0.05)
        late = np.maximum(dt, 0.0)
        envelope = (dt > 0.0) * (1.0 - np.exp(-late / 0.004)) * np.exp(-late / 0.05)
        pitch = chance.uniform(300.0, 600.0)
        for k in range(1, 12):
            frequency = pitch * k**1.07 * (1.0 + chance.uniform(-0.02, 0.02))
            phase = 2.0 * np.pi * frequency * dt * (1.0 - 0.15 * np.clip(dt, 0.0, 0.3))
            sound += envelope * np.sin(phase + chance.uniform(0.0, 6.28)) / k**0.8
        sound += 0.15 * envelope * chance.standard_normal(N)
    return _scaled(sound)


def tone(chance: np.random.Generator) -> Sound:
    """Eight harmonics with vibrato and tremolo, as of a flute."""
    t = np.arange(N) / RATE
    swing = np.sin(2.0 * np.pi * 5.5 * t)
    phase = 2.0 * np.pi * np.cumsum(440.0 * 2.0 ** (0.03 * swing * np.clip(t, 0.0, 1.0))) / RATE
    sound = np.zeros(N)
    for k in range(1, 9):
        sound += np.sin(k * phase) * (1.0 + 0.4 * np.sin(2 * np.pi * 5.5 * t + k)) / k**1.5
    sound *= np.clip(t / 0.08, 0.0, 1.0) * np.clip((t[-1] - t) / 0.3, 0.0, 1.0)
    return _scaled(sound + 0.01 * chance.standard_normal(N))


def speech(chance: np.random.Generator) -> Sound:
    """Twelve syllables: pulses, every fourth time noise, through three formants."""
    from scipy.signal import lfilter

    t = np.arange(N) / RATE
    pitch = 120.0 * 2.0 ** (0.3 * np.sin(2 * np.pi * 0.7 * t) + 0.05 * np.sin(2 * np.pi * 3 * t))
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0)
    sound, length, r = np.zeros(N), N // 12, np.exp(-np.pi * 80.0 / RATE)
    for i in range(12):
        part = 0.05 * chance.standard_normal(N) if i % 4 == 3 else pulses
        for low, high in ((300, 800), (900, 2200), (2300, 3200)):
            w = 2.0 * np.pi * chance.uniform(low, high) / RATE
            part = np.asarray(lfilter([1.0 - r], [1.0, -2.0 * r * np.cos(w), r * r], part))
        place = slice(i * length, (i + 1) * length)
        sound[place] += np.hanning(length) * part[place] / np.abs(part).max()
    return _scaled(sound)


def _scaled(sound: NDArray[np.float64]) -> Sound:
    return (0.9 * sound / np.abs(sound).max()).astype(np.float32)


STAND_INS: dict[str, Callable[[np.random.Generator], Sound]] = {
    "bursts": bursts, "tone": tone, "speech": speech,
}  # fmt: skip
"""By name."""


if __name__ == "__main__":
    sys.exit(program("resynthesis", __doc__, add_options, run, show))
