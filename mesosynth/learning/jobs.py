"""Jobs of classification by name; torch comes in when one of them runs."""

import functools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mesosynth.audio.file import read_channels
from mesosynth.errors import MesosynthError
from mesosynth.learning.maps import Relevance
from mesosynth.learning.tags import Suggestion, suggest
from mesosynth.system.jobs import JobKind
from mesosynth.system.steps import Steps

if TYPE_CHECKING:
    from mesosynth.learning.classifier import Classifier

KINDS = {
    "relevance": JobKind("mesosynth.learning.jobs:relevance_steps", 0, newest_only=True),
    "tags": JobKind("mesosynth.learning.jobs:tag_steps", 1),
    "training": JobKind("mesosynth.learning.jobs:training_steps", 2),
}
"""By name."""


@dataclass(frozen=True)
class ClassifierStep:
    """One more sound was listened to.

    Attributes
    ----------
    done, total : int
        Sounds.
    suggestion : Suggestion or None
        A tag for it; None in a training, or if it could not be read.
    trouble : str
        Why it could not be read; "" if it could.
    """

    done: int
    total: int
    suggestion: Suggestion | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Training:
    """Result of a training.

    Attributes
    ----------
    path : Path
        Of the classifier.
    labels : tuple of str
    macro_recall : float
        Of sounds that were not trained on, 0 to 1.
    left_out : tuple of str
        Sentence about each sound that could not be read.
    """

    path: Path
    labels: tuple[str, ...]
    macro_recall: float
    left_out: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def _read(path: Path, _modified: int) -> "Classifier":
    from mesosynth.learning.classifier import Classifier

    return Classifier.load(path)


def _load(path: Path) -> "Classifier":
    """A classifier, which stays in memory until its file is another one."""
    return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


def relevance_steps(classifier: Path, sound: Path, start: float) -> Steps[None, Relevance]:
    """Relevance of the paths of a part of a sound file for its most likely class.

    Parameters
    ----------
    classifier : Path
    sound : Path
    start : float
        Of the part, which is as long as the classifier's features, s.

    Yields
    ------
    None

    Returns
    -------
    Relevance
    """
    from mesosynth.learning.relevance import relevance

    loaded = _load(classifier)
    yield
    seconds = loaded.features.samples / loaded.features.sample_rate
    audio, rate = read_channels(sound, max(start, 0.0), seconds)
    return relevance(loaded, audio.mean(axis=0), rate)


def tag_steps(classifier: Path, sounds: Sequence[Path]) -> Steps[ClassifierStep, int]:
    """Suggest tags for sounds and presets.

    Parameters
    ----------
    classifier : Path
    sounds : sequence of Path
        A preset's ends with ".json".

    Yields
    ------
    ClassifierStep

    Returns
    -------
    int
        Number of suggestions.
    """
    loaded, count = _load(classifier), 0
    for done, path in enumerate(sounds, 1):
        suggestion, trouble = None, ""
        try:
            suggestion = suggest(loaded, path)
            count += 1
        except MesosynthError as error:  # the others go on
            trouble = str(error)
        yield ClassifierStep(done, len(sounds), suggestion, trouble)
    return count


def training_steps(folder: Path, out: Path) -> Steps[ClassifierStep, Training]:
    """Train a linear SVM on a folder of folders; stopped and begun again, it goes on.

    Parameters
    ----------
    folder : Path
        With a subfolder of sounds for each class.
    out : Path
        Folder for classifier.pt, and for the features until it is done.

    Yields
    ------
    ClassifierStep

    Returns
    -------
    Training
    """
    from mesosynth.learning.classifier import check_corpus, feature_table, train
    from mesosynth.learning.corpus import read_corpus

    corpus, features = read_corpus(folder), out / "features"
    check_corpus(corpus)
    for done in feature_table(corpus, features).steps():
        yield ClassifierStep(done, len(corpus.sounds))
    trained = train(corpus, features)
    path = out / "classifier.pt"
    trained.classifier.save(path)
    shutil.rmtree(features)
    labels, recall = trained.classifier.labels, trained.report.macro_recall
    return Training(path, labels, recall, trained.left_out)
