"""`mesosynth train`: train an encoder on a data set, or a classifier on sounds."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from mesosynth.cli.options import Count, Json, Whole
from mesosynth.cli.progress import ProgressBar
from mesosynth.cli.train_classifier import train_classifier
from mesosynth.errors import ArgumentError, LearningError
from mesosynth.system.atomic_file import check_outputs, write_atomically
from mesosynth.system.steps import result_of

train = App("train")
train.command(train_classifier, name="classifier")


@train.default
def no_command() -> None:
    """Train an encoder or a classifier."""
    raise ArgumentError("train: name a command, encoder or classifier; see mesosynth train --help.")


@train.command
def encoder(
    *,
    data: Annotated[Path, Parameter(metavar="DIR")],
    output: Annotated[Path, Parameter(("-o", "--output"), metavar="OUT.pt")],
    instrument: Annotated[str | None, Parameter(metavar="NAME", show_default="the data's")] = None,
    loss: Literal["pnp", "p", "mss", "jtfs"] = "pnp",
    epochs: Annotated[Count, Parameter(metavar="N")] = 60,
    batch: Annotated[Count, Parameter(metavar="N")] = 64,
    rate: Annotated[float, Parameter(metavar="X")] = 2e-3,
    patience: Annotated[Count, Parameter(metavar="N")] = 15,
    network: Literal["small", "efficientnet-b0"] = "small",
    seed: Annotated[Whole, Parameter(metavar="N")] = 0,
    json: Json = False,
) -> dict[str, Any]:
    """Train an encoder, which guesses the parameters of a sound in milliseconds.

    Each epoch is kept in OUT.run, with which the same command goes on, and told in OUT.csv.

    Parameters
    ----------
    data : Path
        Folder of mesosynth data make.
    output : Path
        The encoder.
    instrument : str, optional
        Refuse data of another instrument.
    loss : str
        Compare parameters (p), parameters by what they do to the JTFS (pnp), or sounds.
    epochs : int
        Most passes over the data.
    batch : int
        Sounds in a step.
    rate : float
        Learning rate at the beginning.
    patience : int
        End after so many epochs that are no better.
    network : str
        efficientnet-b0 needs torchvision.
    seed : int
        Of the weights and of the order.
    json : bool
        One JSON object on standard output.
    """
    given = sorted(data.glob("*"))
    check_outputs([output], ArgumentError, given)
    run, log_file = output.with_suffix(".run"), output.with_suffix(".csv")
    check_outputs([output, run, log_file], ArgumentError, given)
    with ProgressBar("Encoder", state="reading …", remaining=True) as bar:
        from mesosynth.learning import training
        from mesosynth.learning.dataset import load_dataset
        from mesosynth.matching.encoder import save_encoder

        dataset = load_dataset(data)
        of = dataset.settings.instrument
        if instrument is not None and instrument != of:
            raise LearningError(f"{data} is a data set of {of}, not of {instrument}.")
        if dataset.missing:
            names = ", ".join(dataset.missing[:5]) + (" …" if len(dataset.missing) > 5 else "")
            bar.say(f"Without {len(dataset.missing)} files, missing or broken: {names}")
        settings = training.TrainingSettings(
            loss=loss, epochs=epochs, batch=batch, rate=rate, patience=patience, seed=seed,
            network=network,
        )  # fmt: skip
        log: list[training.Epoch] = []

        def show(epoch: training.Epoch) -> None:
            log.append(epoch)
            write_atomically(log_file, training.log_text(log).encode())
            bar.move(epoch.epoch / epochs, f"loss {epoch.loss:.3g}  p {epoch.p:.4f}")

        trained = result_of(training.train(dataset, settings, run, inputs=None), show)
        save_encoder(output, trained)
        run.unlink(missing_ok=True)
    if not json:
        print(f"Wrote {output}: {len(log)} epochs, error of nu {trained.about['test_p']:.4f}.")
    return {
        "written": str(output),
        "instrument": of,
        "missing": list(dataset.missing),
        "epochs": [dataclasses.asdict(epoch) for epoch in log],
        **trained.about,
    }
