"""Classifiers of sounds: a linear SVM and convnets on scattering coefficients.

The one-dimensional net has paths as channels and time as its axis (Wang et al., ICASSP 2023); the
two-dimensional one has log-frequency and time as its axes (Muradeli et al., DAFx 2022), whose first
order this transform gives as channels of the same height. The z-score of the features stands for
both nets' first batch normalisation.
"""

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from mesosynth.audio.file import read_audio
from mesosynth.audio.target import checked, samples_of
from mesosynth.errors import ArgumentError, check_number
from mesosynth.learning.corpus import Corpus, need_sounds, split
from mesosynth.learning.features import (
    Array,
    FeatureExtractor,
    FeatureSettings,
    FeatureTable,
    Scaling,
)
from mesosynth.scattering.ambient import neutral
from mesosynth.system.atomic_file import draft_of, writing
from mesosynth.system.cpu import keep_heap

Model = Literal["svm", "convnet"]
VERSION = 1
"""Of the file of a classifier."""

# --------------------------------------------------------------------------------------------------
# Networks


class Mean(torch.nn.Module):
    """Mean over all axes behind the channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, …) to (batch, channels)."""
        return x.flatten(2).mean(dim=2)


class FrameMean(torch.nn.Module):
    """Mean over time, as one vector a sound."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, …, frames) to (batch, numbers)."""
        return x.mean(dim=-1).flatten(1)


class Gate(torch.nn.Module):
    """Squeeze and excitation (Hu et al., 2018): a gain for each channel, from all of their means.

    Parameters
    ----------
    channels : int
    reduction : int
        Channels for each hidden unit.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.gain = torch.nn.Sequential(
            Mean(), torch.nn.Linear(channels, hidden), torch.nn.ReLU(),
            torch.nn.Linear(hidden, channels), torch.nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, …) to the same shape."""
        return x * self.gain(x).reshape(*x.shape[:2], *[1] * (x.ndim - 2))


def linear_net(shape: Sequence[int], classes: int) -> torch.nn.Sequential:
    """A linear classifier of features' means over time.

    Parameters
    ----------
    shape : sequence of int
        Of a feature, with its frames.
    classes : int

    Returns
    -------
    Sequential
    """
    return torch.nn.Sequential(FrameMean(), torch.nn.Linear(math.prod(shape[:-1]), classes))


def convnet(shape: Sequence[int], classes: int) -> torch.nn.Sequential:
    """Convnet for a feature: one-dimensional for (paths, frames), two for (paths, rows, frames).

    Parameters
    ----------
    shape : sequence of int
        Of a feature.
    classes : int

    Returns
    -------
    Sequential
    """
    n, C = torch.nn, shape[0]
    if len(shape) == 2:
        c = [max(C // 8, 8), max(C // 4, 8), max(C // 2, 8)]
        body = [
            n.Conv1d(C, c[0], 7, padding=3, bias=False), n.BatchNorm1d(c[0]), n.ReLU(),
            n.AvgPool1d(2, ceil_mode=True),
            n.Conv1d(c[0], c[1], 5, padding=2, bias=False), n.BatchNorm1d(c[1]), n.ReLU(),
            n.AvgPool1d(2, ceil_mode=True),
            n.Conv1d(c[1], c[2], 3, padding=1, bias=False), n.BatchNorm1d(c[2]), n.ReLU(),
        ]  # fmt: skip
        last = c[2]
    else:
        body = [
            n.Conv2d(C, C, 7, padding=3, bias=False), n.BatchNorm2d(C), n.ReLU(),
            n.MaxPool2d(2, ceil_mode=True),
            n.Conv2d(C, 2 * C, 5, padding=2, bias=False), n.BatchNorm2d(2 * C), Gate(2 * C),
            n.ReLU(),
            n.Conv2d(2 * C, 4 * C, 3, padding=1, bias=False), n.BatchNorm2d(4 * C), Gate(4 * C),
            n.ReLU(),
        ]  # fmt: skip
        last = 4 * C
    head = [Mean(), n.Dropout(0.5), n.Linear(last, 64), n.ReLU(), n.Linear(64, classes)]
    return n.Sequential(*body, *head)


# --------------------------------------------------------------------------------------------------
# Training


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the training.

    Attributes
    ----------
    model : {"svm", "convnet"}
    epochs : int
        Most passes over the training set of a convnet.
    patience : int
        Epochs without a better macro recall of the validation set after which it ends.
    folds : int
        Of the cross-validation of an SVM, where the corpus has no split of its own.
    seed : int
        0 to 2 ** 32 - 1.

    Raises
    ------
    ArgumentError
        If one of them is out of range.
    """

    model: Model = "svm"
    epochs: int = 100
    patience: int = 20
    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise ArgumentError(f"model={self.model!r} must be {' or '.join(get_args(Model))}.")
        for name, least in (("epochs", 1), ("patience", 1), ("folds", 2)):
            check_number(name, getattr(self, name), least)
        check_number("seed", self.seed, 0, 2**32 - 1)


_LEARNING_RATE, _DECAY, _WARM_UP, _BATCH, _LARGEST_NORM = 1e-3, 0.1, 3, 32, 3.0
_STRENGTH = 1.0  # of the SVM's penalty, C, for features divided by the root of their number


def fit_svm(X: Array, classes: NDArray[np.int64], labels: int) -> torch.nn.Linear:
    """Linear SVM, one class against the others, balanced, as a layer.

    Parameters
    ----------
    X : (sounds, numbers) array
        Scaled.
    classes : (sounds,) int
    labels : int
        Number of classes.

    Returns
    -------
    Linear
    """
    centre, spread = (
        X.mean(axis=0),
        X.std(axis=0),
    )  # of means over time, which vary less than frames
    spread = np.where(spread > 1e-6, spread, np.inf) * math.sqrt(X.shape[1])
    svm = LinearSVC(C=_STRENGTH, class_weight="balanced", max_iter=20_000, random_state=0)
    svm.fit((X - centre) / spread, classes)
    W = svm.coef_ / spread
    b = svm.intercept_ - W @ centre
    if labels == 2:  # it gives the second against the first
        W, b = np.concatenate([-W, W]), np.concatenate([-b, b])
    layer = torch.nn.Linear(X.shape[1], labels)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(W))
        layer.bias.copy_(torch.from_numpy(b))
    return layer


def fit_convnet(
    net: torch.nn.Sequential,
    feature: Callable[[int], Array],
    classes: NDArray[np.int64],
    subsets: NDArray[np.str_],
    settings: TrainingSettings,
    on_epoch: Callable[[int, float, float], None] = lambda epoch, loss, recall: None,
) -> None:
    """Train a net; it keeps the weights with the best macro recall of the validation set.

    AdamW with weight decay, a cosine that restarts at every epoch after three of warm-up, gradients
    of norm 3 at most, cross-entropy weighted against the classes' sizes.

    Parameters
    ----------
    net : Sequential
    feature : callable
        Takes the number of a sound; returns its scaled feature.
    classes : (sounds,) int
    subsets : (sounds,) str
    settings : TrainingSettings
    on_epoch : callable
        Takes the epoch, from 1, the training's loss and the validation's macro recall.
    """
    training = np.flatnonzero(subsets == "training")
    validation = np.flatnonzero(subsets == "validation")
    counts = np.bincount(classes[training])
    weight = torch.from_numpy(counts.max() / np.maximum(counts, 1)).float()
    keep_heap()
    optimizer = torch.optim.AdamW(net.parameters(), _LEARNING_RATE, weight_decay=_DECAY)
    random = np.random.default_rng(settings.seed)
    best, best_state, since = (-1.0, 0.0), net.state_dict(), 0
    for epoch in range(settings.epochs):
        net.train()
        order = random.permutation(training)
        batches = np.array_split(order, max(round(len(order) / _BATCH), 1))
        total = 0.0
        for step, batch in enumerate(batches):
            at = epoch + step / len(batches)
            cosine = 0.5 + 0.5 * math.cos(math.pi * (at % 1.0))
            for group in optimizer.param_groups:
                group["lr"] = max(_LEARNING_RATE * min(at / _WARM_UP + 0.1, 1.0) * cosine, 1e-8)
            scores = net(_batch(feature, batch))
            loss = torch.nn.functional.cross_entropy(
                scores, torch.from_numpy(classes[batch]), weight
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), _LARGEST_NORM)
            optimizer.step()
            total += float(loss.detach()) * len(batch) / len(order)
        decisions = _decisions(net, feature, validation)
        recall = Report.of(classes[validation], decisions, len(counts)).macro_recall
        log_loss = -log_softmax(decisions, axis=1)[range(len(validation)), classes[validation]]
        on_epoch(epoch + 1, total, recall)
        if (recall, -float(log_loss.mean())) > best:
            best, since = (recall, -float(log_loss.mean())), 0
            best_state = {name: value.clone() for name, value in net.state_dict().items()}
        else:
            since += 1
            if since >= settings.patience:
                break
    net.load_state_dict(best_state)
    net.eval()


def _batch(feature: Callable[[int], Array], numbers: NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(np.stack([feature(int(n)) for n in numbers]))


def _decisions(
    net: torch.nn.Module, feature: Callable[[int], Array], numbers: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scores of all classes, (sounds, classes)."""
    net.eval()
    parts = np.array_split(numbers, max(math.ceil(len(numbers) / _BATCH), 1))
    with torch.no_grad():
        return np.concatenate([net(_batch(feature, part)).double().numpy() for part in parts])


def sharpness(decisions: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    """Factor of the scores that makes their softmax a probability (Guo et al., 2017).

    Parameters
    ----------
    decisions : (sounds, labels) array
        Scores of sounds that were not trained on.
    classes : (sounds,) int

    Returns
    -------
    float
        With the least cross-entropy.
    """

    def loss(log_factor: float) -> float:
        p = log_softmax(np.exp(log_factor) * decisions, axis=1)
        return -float(p[np.arange(len(classes)), classes].mean())

    found: Any = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded")
    return float(np.exp(found.x))


# --------------------------------------------------------------------------------------------------
# Report


@dataclass(frozen=True)
class Report:
    """Confusion matrix of sounds that were not trained on.

    Attributes
    ----------
    confusion : (classes, classes) int64
        By true class and by guessed class.
    """

    confusion: NDArray[np.int64]

    @classmethod
    def of(cls, classes: NDArray[np.int64], decisions: Array, labels: int) -> "Report":
        """Report of scores.

        Parameters
        ----------
        classes : (sounds,) int
        decisions : (sounds, labels) array
        labels : int
            Number of classes.
        """
        return cls(confusion_matrix(classes, decisions.argmax(axis=1), labels=range(labels)))

    @property
    def recalls(self) -> NDArray[np.float64]:
        """Recall of each class, NaN for one without sounds."""
        with np.errstate(invalid="ignore"):
            return np.diag(self.confusion) / self.confusion.sum(axis=1)

    @property
    def macro_recall(self) -> float:
        """Mean recall of the classes, 0 to 1."""
        return float(np.nanmean(self.recalls))


# --------------------------------------------------------------------------------------------------
# The classifier


@dataclass
class Classifier:
    """A trained classifier of sounds.

    Attributes
    ----------
    labels : tuple of str
    features : FeatureSettings
    scaling : Scaling
    net : Sequential
        From scaled features to scores.
    model : {"svm", "convnet"}
    sharpness : float
        Factor of the scores before the softmax.
    """

    labels: tuple[str, ...]
    features: FeatureSettings
    scaling: Scaling
    net: torch.nn.Sequential
    model: Model = "svm"
    sharpness: float = 1.0
    _extractor: FeatureExtractor | None = field(default=None, repr=False)

    @property
    def extractor(self) -> FeatureExtractor:
        """Its feature, whose filters are built when they are first needed."""
        if self._extractor is None:
            self._extractor = FeatureExtractor(self.features)
        return self._extractor

    def probabilities(self, audio: Array, sample_rate: float) -> dict[str, float]:
        """Classes of a sound, the most likely first.

        Parameters
        ----------
        audio : (n,) or (n, channels) array of numbers, list or tensor
        sample_rate : float
            Hz.

        Returns
        -------
        dict
            Probability by label.

        Raises
        ------
        ArgumentError
            If `audio` has other dimensions or `sample_rate` is not a positive number.
        TargetError
            If it is silent, shorter than 50 ms, or its samples are no usable numbers.
        """
        samples = samples_of(audio, sample_rate)
        sound = checked(lambda: [samples], "audio", sample_rate)
        with neutral(kept=True):
            feature = self.scaling(self.extractor(np.concatenate([*sound.blocks()]), sample_rate))
            decisions = _decisions(self.net, lambda _: feature, np.zeros(1, np.int64))[0]
        p = softmax(self.sharpness * decisions)
        return {self.labels[i]: float(p[i]) for i in np.argsort(-p, kind="stable")}

    def save(self, path: Path) -> None:
        """Write it to a file.

        Raises
        ------
        ArgumentError
            If `path` cannot be written.
        """
        content = io.BytesIO()
        torch.save(
            {
                "kind": "mesosynth classifier", "version": VERSION, "labels": list(self.labels),
                "features": msgspec.to_builtins(self.features), "model": self.model,
                "sharpness": self.sharpness, "log": self.scaling.log,
                "scaling": [
                    torch.from_numpy(one)
                    for one in (self.scaling.mu, self.scaling.mean, self.scaling.std)
                ],
                "net": self.net.state_dict(),
            },
            content,
        )  # fmt: skip
        with writing(path, ArgumentError), draft_of(path) as draft:
            draft.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Read a classifier from its file.

        Raises
        ------
        ArgumentError
            If it cannot be read, is none, or is of another version.
        """
        try:
            raw: dict[str, Any] = torch.load(path, weights_only=True)
            if raw["kind"] != "mesosynth classifier":
                raise KeyError("kind")
            if raw["version"] != VERSION:
                raise ArgumentError(
                    f"{path} is a classifier of version {raw['version']}, and this program reads "
                    f"{VERSION}; train it anew."
                )
            if not math.isfinite(raw["sharpness"]):
                raise ValueError("sharpness")
            features = msgspec.convert(raw["features"], FeatureSettings)
            scaling = Scaling(*(one.numpy() for one in raw["scaling"]), log=bool(raw["log"]))
            one = cls(
                tuple(raw["labels"]), features, scaling, torch.nn.Sequential(), raw["model"],
                float(raw["sharpness"]),
            )  # fmt: skip
            with neutral(kept=True):
                one.net = _net(one.model, one.extractor.shape, len(one.labels))
                one.net.load_state_dict(raw["net"])
        except OSError as error:
            raise ArgumentError(f"{path} cannot be read: {error.strerror}.") from error
        except ArgumentError:
            raise
        except Exception as error:  # torch raises anything for a file of something else
            raise ArgumentError(f"{path} is not a classifier that mesosynth wrote.") from error
        one.net.eval()
        return one


def _net(model: Model, shape: Sequence[int], classes: int) -> torch.nn.Sequential:
    return (linear_net if model == "svm" else convnet)(shape, classes)


@dataclass(frozen=True)
class Trained:
    """Result of a training.

    Attributes
    ----------
    classifier : Classifier
        Of an SVM without a split of its own, trained on all sounds.
    report : Report
        Of sounds that were not trained on.
    left_out : tuple of str
        Sentence about each sound that is missing or could not be read.
    """

    classifier: Classifier
    report: Report
    left_out: tuple[str, ...]


def feature_table(
    corpus: Corpus,
    folder: Path,
    features: FeatureSettings = FeatureSettings(),  # noqa: B008 - frozen
) -> FeatureTable:
    """Table of the features of a corpus, which are not computed yet.

    Parameters
    ----------
    corpus : Corpus
    folder : Path
        Keeps the features.
    features : FeatureSettings

    Returns
    -------
    FeatureTable
    """

    def read(n: int) -> tuple[Array, float]:
        sound = read_audio(corpus.sounds[n].path)
        return sound.audio, sound.sample_rate

    names = [f"{s.path} {s.path.stat().st_mtime_ns} {s.path.stat().st_size}" for s in corpus.sounds]
    return FeatureTable(folder, features, names, read)


def train(
    corpus: Corpus,
    folder: Path,
    features: FeatureSettings = FeatureSettings(),  # noqa: B008 - frozen
    settings: TrainingSettings = TrainingSettings(),
    on_sound: Callable[[], None] = lambda: None,
    on_epoch: Callable[[int, float, float], None] = lambda epoch, loss, recall: None,
) -> Trained:
    """Train a classifier of a corpus, and test it on sounds that it was not trained on.

    Parameters
    ----------
    corpus : Corpus
    folder : Path
        Keeps the features, so that a training that was stopped does not compute them again.
    features : FeatureSettings
    settings : TrainingSettings
    on_sound : callable
        Called after each sound whose feature is there.
    on_epoch : callable
        As for :func:`fit_convnet`.

    Returns
    -------
    Trained

    Raises
    ------
    ArgumentError
        If a class has too few sounds.
    """
    check_corpus(corpus, settings)
    table = feature_table(corpus, folder, features)
    table.compute(on_sound)
    kept = [n for n in range(len(table)) if n not in table.broken]
    left_out = (*(f"{path} does not exist." for path in corpus.missing), *table.broken.values())
    labels, corpus = corpus.labels, corpus.only([n not in table.broken for n in range(len(table))])
    if corpus.labels != labels:
        need_sounds(corpus, labels, 1, "a class")
    check_corpus(corpus, settings)
    classes = corpus.classes
    shape, log = table[kept[0]].shape, features.kind != "mfcc"

    def scaled(members: NDArray[np.bool_]) -> tuple[Scaling, Callable[[int], Array]]:
        numbers = [n for n, one in zip(kept, members, strict=True) if one]
        scaling = Scaling.of(_Features(table, numbers), log)
        return scaling, lambda n: scaling(table[kept[n]])

    def fitted(members: NDArray[np.bool_]) -> tuple[Scaling, Callable[[int], Array], Any]:
        scaling, feature = scaled(members)
        net = linear_net(shape, len(labels))
        X = np.stack([feature(int(n)).mean(axis=-1).ravel() for n in np.flatnonzero(members)])
        net[1] = fit_svm(X, classes[members], len(labels))
        return scaling, feature, net

    torch.manual_seed(settings.seed)
    everything = np.arange(len(kept))
    if settings.model == "svm" and not corpus.sounds[0].subset:
        decisions = np.zeros((len(kept), len(labels)))
        folds = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
        for training, test in folds.split(classes, classes):
            _, feature, net = fitted(np.isin(everything, training))
            decisions[test] = _decisions(net, feature, test)
        report, factor = Report.of(classes, decisions, len(labels)), sharpness(decisions, classes)
        scaling, _, net = fitted(np.ones(len(kept), np.bool_))
    else:
        subsets = split(corpus, settings.seed)
        training, test = subsets == "training", np.flatnonzero(subsets == "test")
        if settings.model == "svm":
            scaling, feature, net = fitted(training)
        else:
            scaling, feature = scaled(training)
            net = convnet(shape, len(labels))
            fit_convnet(net, feature, classes, subsets, settings, on_epoch)
        validation = np.flatnonzero(subsets == "validation")
        factor = sharpness(_decisions(net, feature, validation), classes[validation])
        report = Report.of(classes[test], _decisions(net, feature, test), len(labels))
    net.eval()
    classifier = Classifier(labels, features, scaling, net, settings.model, factor)
    return Trained(classifier, report, left_out)


def check_corpus(
    corpus: Corpus,
    settings: TrainingSettings = TrainingSettings(),
) -> None:
    """Refuse a corpus that has too few sounds of a class for its split.

    Parameters
    ----------
    corpus : Corpus
    settings : TrainingSettings

    Raises
    ------
    ArgumentError
        It says how many are needed.
    """
    if settings.model == "svm" and not corpus.sounds[0].subset:
        need_sounds(corpus, corpus.labels, settings.folds, f"{settings.folds} folds")
    else:
        split(corpus, settings.seed)


class _Features:
    """Features of some sounds, to go through more than once."""

    def __init__(self, table: FeatureTable, numbers: Sequence[int]) -> None:
        self._table, self._numbers = table, numbers

    def __iter__(self) -> Iterator[Array]:
        return (self._table[n] for n in self._numbers)
