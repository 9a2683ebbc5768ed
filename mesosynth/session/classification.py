"""Classification: relevance of the target, and suggested tags of the user's presets and takes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import platformdirs

from mesosynth.errors import ArgumentError, TargetError
from mesosynth.learning.jobs import KINDS, ClassifierStep, Training
from mesosynth.learning.maps import Relevance
from mesosynth.learning.tags import Suggestion
from mesosynth.matching.jobs import prepare
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.target import CurrentTarget
from mesosynth.system.cpu import worker_threads
from mesosynth.system.jobs import Done, Failed, Job, Jobs, Restarted, Stepped


def classifiers_folder() -> Path:
    """The user's folder of classifiers that were trained in a session."""
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "classifiers"


class Classification:
    """A classifier of the user's sounds, which works in a process of its own.

    Attributes
    ----------
    path : Path or None
        File of the classifier.
    suggestions : list of Suggestion
        Tags that were neither accepted nor dismissed, the most likely first.
    progress : ClassifierStep or None
        How far a search for tags or a training is; None while there is none.
    """

    changed = Signal()
    """The suggestions, or how far the work is."""
    replaced = Signal()
    """Another classifier is used."""
    explained = Signal(Relevance)
    """Relevance of the target's paths, after :meth:`explain`."""

    def __init__(self, emit: Emitter, messages: Messages, target: CurrentTarget) -> None:
        self.path: Path | None = None
        self.suggestions: list[Suggestion] = []
        self.progress: ClassifierStep | None = None
        self._emit, self._messages, self._target = emit, messages, target
        self._left_out = ""
        self._job: Job | None = None  # that looks for tags, or trains
        self._jobs = Jobs(KINDS, partial(prepare, worker_threads()), name="mesosynth classifier")

    @property
    def training(self) -> bool:
        """Whether a classifier is being trained."""
        return self._job is not None and self._job.running and self._job.name == "training"

    def use(self, path: Path | None) -> None:
        """Classify by another classifier, which is read when it is needed."""
        self.path, self.suggestions = path, []
        if self._job is not None and self._job.name == "tags":
            self.stop()
        self._emit(self.replaced)
        self._emit(self.changed)

    def explain(self) -> None:
        """Request the relevance of the target's paths; :attr:`explained` follows.

        Raises
        ------
        ArgumentError
            If there is no classifier.
        TargetError
            If there is no target, or it has no file.
        """
        classifier, sound = self._classifier(), self._target.sound
        if sound is None:
            raise TargetError("There is no sound to classify; open or record one first.")
        if self._target.path is None:
            raise TargetError("The target has no file, and so no relevance; open its sound.")
        self._jobs.begin("relevance", classifier, self._target.path, sound.start)

    def suggest(self, sounds: Sequence[Path]) -> None:
        """Look for tags of presets and takes; :attr:`suggestions` fill.

        Parameters
        ----------
        sounds : sequence of Path

        Raises
        ------
        ArgumentError
            If there is no classifier or no sound, or another work runs.
        """
        classifier = self._classifier()
        if not sounds:
            raise ArgumentError("There are no presets of yours and no takes to tag.")
        self.suggestions = []
        self._begin("tags", classifier, tuple(sounds))

    def train(self, folder: Path) -> None:
        """Train a classifier of a folder of folders, and use it.

        Parameters
        ----------
        folder : Path
            With a subfolder of sounds for each class.

        Raises
        ------
        ArgumentError
            If another work runs.
        """
        self._begin("training", folder, classifiers_folder() / folder.name)

    def stop(self) -> None:
        """End the search for tags, or the training, which can be begun again where it is."""
        if self._job is not None:
            self._job.cancel()
        self._job = self.progress = None
        self._emit(self.changed)

    def drop(self, suggestion: Suggestion) -> None:
        """Take a suggestion out of the list: it was accepted, or dismissed."""
        if suggestion in self.suggestions:
            self.suggestions.remove(suggestion)
            self._emit(self.changed)

    def _classifier(self) -> Path:
        if self.path is None:
            raise ArgumentError(
                "There is no classifier yet; the Library menu trains one of a folder of your "
                "sounds, or opens one."
            )
        return self.path

    def _begin(self, name: str, *args: object) -> None:
        if self._job is not None and self._job.running:
            raise ArgumentError("The classifier is at work; stop it first.")
        self._left_out = ""
        self._job = self._jobs.begin(name, *args)
        self.progress = ClassifierStep(0, 0)
        self._emit(self.changed)

    def poll(self) -> None:
        """Process the news of the process."""
        for job, event in self._jobs.poll():
            match event:
                case Done(Relevance() as relevance):
                    self._emit(self.explained, relevance)
                    continue
                case Stepped(ClassifierStep() as step):
                    self.progress = step
                    self._left_out = self._left_out or step.trouble
                    if step.suggestion is not None:
                        self.suggestions.append(step.suggestion)
                        self.suggestions.sort(key=lambda one: -one.probability)
                case Done(Training() as training):
                    self.progress = None
                    self.use(training.path)
                    self._messages.say(_result(training))
                case Done():
                    self.progress = None
                    left_out = f" Left out: {self._left_out}" if self._left_out else ""
                    count = len(self.suggestions)
                    self._messages.say(f"{count} tags are suggested; accept or dismiss them."
                                       + left_out)  # fmt: skip
                case Failed(text):
                    if job is self._job:
                        self.progress = None
                    self._messages.say(text, "error")
                case Restarted():
                    self.suggestions = []  # which come again
                    self._messages.say("The classifier had ended and was started again.", "warning")
                case _:
                    pass
            self._emit(self.changed)

    def close(self) -> None:
        """End the process."""
        self._jobs.close()


def _result(training: Training) -> str:
    text = (
        f"Trained on {len(training.labels)} classes; it names "
        f"{100.0 * training.macro_recall:.0f}% of sounds that it has not heard."
    )
    if training.left_out:
        text += f" {len(training.left_out)} were left out: {training.left_out[0]}"
    return text
