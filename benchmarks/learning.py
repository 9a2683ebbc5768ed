"""Learning: encoders by four losses under one budget, starts of a match from them, and Dask.

The losses P, PNP, MSS and JTFS of the PNP papers (TASLP 2024), each with the same CPU time, judged
on sounds of the data set that none has seen, in noise of -30 dB. Then matches of new sounds of the
data set's domain in that noise, with the encoder's guess among the starts and without. With --json,
one object::

    schema      2; grows with any change that a reader of an older one would notice
    machine     see :meth:`benchmarks.harness.Environment.record`
    losses      a list: instrument, loss, steps, step_seconds (CPU, of a step of 64 sounds), seconds
                (CPU of the training with its validation), test: {jtfs, mss, p}
    ratios      by instrument: step_seconds of jtfs over those of pnp
    starts      a list: instrument, starts ("with guess", "without"), targets, found (share),
                evaluations, seconds (CPU): medians and means
    guess_seconds
                median CPU time of a guess in a warm process, by instrument
    dask        {single, three, ratio}: chunks a second of two single runs side by side, and of
                one run with three workers; null without --dask
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from unittest import mock

import numpy as np

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

if TYPE_CHECKING:
    from mesosynth.learning.dataset import Dataset
    from mesosynth.learning.training import Inputs
    from mesosynth.matching.encoder import Encoder, TrainedEncoder

SCHEMA = 2
_NOISE = 30.0  # dB below the sound
_TESTED = 96  # sounds that a loss is judged by
_FOUND = {"chirplet": ("f_c", "f_m", "gamma"), "drum": ("f_c", "tau")}
_WITHIN = 0.02  # relative error of these that counts as found
_SEED = 1000  # of the new sounds; data sets have others


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--data", metavar="DIR", action="append", default=[], help="a data set")
    parser.add_argument(
        "--minutes", metavar="M", type=float, default=5.0, help="CPU time of each loss"
    )
    parser.add_argument("--targets", metavar="N", type=at_least(0), default=64)
    parser.add_argument("--dask", action="store_true", help="3 workers beside 2 single runs")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    import torch

    from mesosynth.learning.dataset import load_dataset
    from mesosynth.matching.encoder import encoder_instruments

    torch.set_num_threads(1)
    environment = Environment(1)
    losses: list[Answer] = []
    with Narration() as say:
        for folder in arguments.data:
            dataset = load_dataset(Path(folder))
            losses += _losses(dataset, arguments.minutes, say)
        starts = [
            row
            for instrument in _FOUND
            if arguments.targets
            for row in _starts(instrument, arguments.targets, say)
        ]
        guesses = {name: _guess_seconds(name) for name in encoder_instruments()}
        dask = _dask(say) if arguments.dask else None
    cost = {(row["instrument"], row["loss"]): row["step_seconds"] for row in losses}
    return {
        "schema": SCHEMA,
        "machine": environment.record(),
        "losses": losses,
        "ratios": {
            instrument: seconds / cost[instrument, "pnp"]
            for (instrument, loss), seconds in cost.items()
            if loss == "jtfs"
        },
        "starts": starts,
        "guess_seconds": guesses,
        "dask": dask,
    }


# --------------------------------------------------------------------------------------------------
# Losses under one budget


def _losses(dataset: "Dataset", minutes: float, say: Narration) -> Iterator[Answer]:
    from mesosynth.learning.training import Inputs, Loss, TrainingSettings, train
    from mesosynth.system.steps import result_of

    instrument = dataset.settings.instrument
    say(f"{instrument}: {len(dataset.numbers)} sounds")
    inputs = Inputs(dataset)
    training, _, _ = dataset.split()
    result_of(train(dataset, TrainingSettings(loss="p", epochs=1, steps=1), inputs=inputs))  # warm

    def spent(settings: TrainingSettings) -> "tuple[float, TrainedEncoder]":
        began = time.process_time()
        trained = result_of(train(dataset, settings, inputs=inputs))
        return time.process_time() - began, trained

    for loss in get_args(Loss):
        say(f"{instrument}: {loss}")
        whole = max(2, len(training) // TrainingSettings().batch)
        passes, few = (1, 1) if loss in ("mss", "jtfs") else (4, min(12, whole // 2))
        once, twice = (
            spent(TrainingSettings(loss=loss, epochs=passes, steps=steps))[0]
            for steps in (few, 2 * few)
        )
        step = max(twice - once, 1e-3) / (passes * few)  # without validation and beginning
        budget, epoch = 60.0 * minutes, step * whole + (once - passes * few * step) / passes
        epochs = max(1, int(budget / epoch))
        if epochs == 1:
            whole = max(1, min(whole, int((budget - epoch) / step) + whole))
        settings = TrainingSettings(loss=loss, epochs=epochs, patience=epochs, steps=whole)
        seconds, trained = spent(settings)
        yield {
            "instrument": instrument,
            "loss": loss,
            "steps": epochs * whole,
            "step_seconds": step,
            "seconds": seconds,
            "test": _judged(dataset, inputs, trained.encoder),
        }


def _judged(dataset: "Dataset", inputs: "Inputs", encoder: "Encoder") -> dict[str, float]:
    """Macro JTFS and MSS distances and the P-loss on sounds of the test."""
    import torch

    from mesosynth.learning.training import SpectralLoss, judge

    _, _, tested = dataset.split()
    places = tested[:_TESTED]
    nu = torch.from_numpy(dataset.nu)
    d = judge(encoder, inputs, nu, places)
    found = nu[places] + d
    jtfs, mss = SpectralLoss(dataset, "jtfs"), SpectralLoss(dataset, "mss")
    pairs = list(zip(found, map(int, places), strict=True))
    with torch.no_grad():
        return {
            "jtfs": statistics.fmean((2.0 * jtfs.of(row, k).item()) ** 0.5 for row, k in pairs),
            "mss": statistics.fmean(mss.of(row, k).item() for row, k in pairs),
            "p": d.square().mean().item(),
        }


# --------------------------------------------------------------------------------------------------
# Starts of a match


def _starts(instrument: str, targets: int, say: Narration) -> Iterator[Answer]:
    from mesosynth.matching import starts
    from mesosynth.matching.match import Matcher

    sounds = [_sound(instrument, index) for index in range(targets)]
    matcher = Matcher(instrument)
    for with_guess in (True, False):
        say(f"{instrument}: matches {'with' if with_guess else 'without'} the guess")
        none = mock.patch.object(starts, "encoder_instruments", list)
        rows: list[tuple[bool, int, float]] = []
        for audio, truth in sounds:
            began = time.process_time()
            if with_guess:
                found = matcher.fit(audio, 8192)
            else:
                with none:
                    found = matcher.fit(audio, 8192)
            error = max(abs(found.theta[id_] / truth[id_] - 1.0) for id_ in _FOUND[instrument])
            rows.append((error <= _WITHIN, found.evaluations, time.process_time() - began))
        yield {
            "instrument": instrument,
            "starts": "with guess" if with_guess else "without",
            "targets": targets,
            "found": statistics.fmean(row[0] for row in rows),
            "evaluations": _middle([row[1] for row in rows]),
            "seconds": _middle([row[2] for row in rows]),
        }


def _middle(values: list[Any]) -> dict[str, float]:
    return {"median": statistics.median(values), "mean": statistics.fmean(values)}


def _sound(instrument: str, index: int) -> tuple[Any, dict[str, float]]:
    """A new sound of a domain in noise of -30 dB, and its truth."""
    import torch

    from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
    from mesosynth.matching.domain import domain_named

    domain = domain_named(instrument)
    rng = np.random.default_rng([_SEED, index])
    nu = rng.uniform(-1.0, 1.0, len(domain.ids))
    values = domain.values(torch.from_numpy(nu)).numpy()
    onset = domain.onset + rng.uniform(*domain.shifts)
    theta = domain.theta(torch.from_numpy(values))
    x = domain.model.synthesize(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, onset).numpy()
    noise = rng.standard_normal(len(x)) * np.sqrt(np.mean(x**2)) * 10.0 ** (-_NOISE / 20.0)
    return (x + noise).astype(np.float32), dict(zip(domain.ids, values, strict=True))


def _guess_seconds(instrument: str) -> float:
    import mesosynth as ms

    audio, _ = _sound(instrument, 0)
    times: list[float] = []
    for _ in range(12):
        began = time.process_time()
        ms.guess(audio, 8192, instrument)
        times.append(time.process_time() - began)
    return statistics.median(times[2:])


# --------------------------------------------------------------------------------------------------
# Dask


_BEGUN = 24  # chunks that are left out, in which processes start
_MAKE = """
import sys
from pathlib import Path
from mesosynth.learning.cluster import Cluster
from mesosynth.learning.dataset import DatasetSettings, make_dataset
settings = DatasetSettings("chirplet", cells=8, chunk=8)
make_dataset(Path(sys.argv[1]), settings, Cluster(workers=int(sys.argv[2])))
"""


def _dask(say: Narration) -> Answer:
    """Chunks a second of two processes side by side, and of three workers, once they are at it."""
    with tempfile.TemporaryDirectory() as folder:

        def rate(*workers: int) -> float:
            """Chunks a second of a data set for each number of workers, all side by side."""
            places = [Path(folder) / f"{len(workers)} {k}" for k in range(len(workers))]
            children = [
                subprocess.Popen([sys.executable, "-c", _MAKE, place, str(count)])
                for place, count in zip(places, workers, strict=True)
            ]
            for child in children:
                if child.wait():
                    raise subprocess.CalledProcessError(child.returncode, child.args)
            rates: list[float] = []
            for place in places:
                times = sorted(path.stat().st_mtime for path in place.glob("*.parquet"))
                late = times[_BEGUN:]
                rates.append((len(late) - 1) / (late[-1] - late[0]))
            return sum(rates)

        say("two single runs side by side")
        single = rate(1, 1)
        say("three workers")
        three = rate(3)
    return {"single": single, "three": three, "ratio": three / single}


def show(answer: Answer) -> None:
    """Print the tables for people."""
    show_machine(answer["machine"])
    if answer["losses"]:
        table(
            "Losses under one budget, on sounds of the test",
            ["instrument", "loss"],
            ["steps", "s/step", "JTFS", "MSS", "P"],
            [
                [
                    row["instrument"], row["loss"], str(row["steps"]),
                    number(row["step_seconds"], ".3f"),
                    *(number(row["test"][name], ".4g") for name in ("jtfs", "mss", "p")),
                ]
                for row in answer["losses"]
            ],
        )  # fmt: skip
    for instrument, ratio in answer["ratios"].items():
        print(f"{instrument}: a step by JTFS takes {ratio:.0f} times one by PNP.")
    if answer["starts"]:
        table(
            "Matches of new sounds in noise of -30 dB",
            ["instrument", "starts"],
            ["found", "evaluations", "mean", "s", "mean"],
            [
                [
                    row["instrument"], row["starts"], f"{row['found']:.0%}",
                    number(row["evaluations"]["median"], ".0f"),
                    number(row["evaluations"]["mean"], ".1f"),
                    number(row["seconds"]["median"], ".2f"),
                    number(row["seconds"]["mean"], ".2f"),
                ]
                for row in answer["starts"]
            ],
        )  # fmt: skip
    for instrument, seconds in answer["guess_seconds"].items():
        print(f"{instrument}: a guess takes {1000 * seconds:.0f} ms of CPU.")
    if answer["dask"]:
        print(f"Dask: three workers make {answer['dask']['ratio']:.2f} of two single runs.")


if __name__ == "__main__":
    sys.exit(program("learning", __doc__, add_options, run, show))
