"""`mesosynth train classifier`: a classifier of the sounds of a folder."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from mesosynth.cli.options import Count, Json, Whole
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError
from mesosynth.system.atomic_file import check_outputs, writing


def train_classifier(
    folder: Annotated[Path, Parameter("DIR")],
    /,
    *,
    output: Annotated[Path, Parameter(("-o", "--output"), metavar="OUT")],
    model: Literal["svm", "convnet"] = "svm",
    features: Literal["jtfs", "joint", "time", "mfcc"] = "jtfs",
    epochs: Annotated[Count, Parameter(metavar="N")] = 100,
    folds: Annotated[Count, Parameter(metavar="N")] = 5,
    seed: Annotated[Whole, Parameter(metavar="N")] = 0,
    json: Json = False,
) -> dict[str, Any]:
    """Train a classifier of the sounds of a folder, and test it on sounds that it has not heard.

    Parameters
    ----------
    folder : Path
        A folder with a subfolder for each class, or Medley-solos-DB.
    output : Path
        Folder for classifier.pt, the confusion matrix as PNG and CSV, and the features, with which
        a training that was stopped goes on.
    model : str
        A linear SVM, for few sounds, or a convnet.
    features : str
        JTFS, JTFS with its log-frequency axis (slow), time scattering, or MFCC.
    epochs : int
        Most passes over the training set of a convnet.
    folds : int
        Of an SVM's cross-validation.
    seed : int
        Of the split and of the net.
    json : bool
        One JSON object on standard output.
    """
    if folds < 2:
        raise ArgumentError(f"--folds {folds} must be 2 or more.")
    if not 0 <= seed < 2**32:
        raise ArgumentError(f"--seed {seed} must be 0 to {2**32 - 1}.")
    written = output / "classifier.pt"
    with writing(written, ArgumentError, make_folder=True):
        check_outputs(
            [written, *(output / f"confusion{suffix}" for suffix in (".csv", ".png"))],
            ArgumentError, (path for path in folder.rglob("*") if path.is_file()),
        )  # fmt: skip
    with ProgressBar("Features", None, counts=True, remaining=True) as bar:
        from mesosynth.cli.class_pictures import save_confusion
        from mesosynth.learning.classifier import TrainingSettings, train
        from mesosynth.learning.corpus import read_corpus
        from mesosynth.learning.features import FeatureSettings

        corpus = read_corpus(folder)
        bar.restart("Features", len(corpus.sounds))
        begun = False

        def on_epoch(epoch: int, loss: float, recall: float) -> None:
            nonlocal begun
            if not begun:
                bar.restart("Training", epochs)
                begun = True
            bar.move(epoch, f"loss {loss:.3f}, macro recall {100.0 * recall:.1f}%")

        trained = train(
            corpus, output / "features", FeatureSettings(kind=features),
            TrainingSettings(model=model, epochs=epochs, folds=folds, seed=seed),
            bar.advance, on_epoch,
        )  # fmt: skip
    trained.classifier.save(written)
    report, labels = trained.report, trained.classifier.labels
    pictures = save_confusion(output / "confusion", report, labels)
    recalls = dict(zip(labels, report.recalls.tolist(), strict=True))
    answer = {
        "classifier": str(written), "labels": list(labels), "macro_recall": report.macro_recall,
        "recalls": recalls,
        "confusion": report.confusion.tolist(), "left_out": list(trained.left_out),
        "files": [str(path) for path in pictures],
    }  # fmt: skip
    if not json:
        for sentence in trained.left_out:
            print(f"left out: {sentence}")
        for label, recall in recalls.items():
            print(f"{label:<24} {100.0 * recall:6.1f}%")
        print(f"{'macro recall':<24} {100.0 * report.macro_recall:6.1f}%")
        print("\n".join(map(str, [written, *pictures])))
    return answer
