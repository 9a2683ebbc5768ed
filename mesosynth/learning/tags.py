"""Tags of presets and takes: suggestions of a classifier, to accept or not; without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mesosynth.audio.file import DecodedSound, read_audio
from mesosynth.engine.capture import takes_folder
from mesosynth.engine.rack import render
from mesosynth.engine.sound_writer import SUFFIXES
from mesosynth.errors import ArgumentError
from mesosynth.presets.library import Library
from mesosynth.presets.preset import Preset, load_preset

if TYPE_CHECKING:
    from mesosynth.learning.classifier import Classifier

_RATE = 44100


@dataclass(frozen=True)
class Suggestion:
    """A tag for a preset or a sound: "sounds like tabla 0.90".

    Attributes
    ----------
    path : Path
        Of the preset or of the sound.
    name : str
    label : str
        The most likely class.
    probability : float
        0 to 1.
    remark : str
        A sentence about what is missing of the file, or "".
    """

    path: Path
    name: str
    label: str
    probability: float
    remark: str = ""

    @property
    def is_preset(self) -> bool:
        """Whether it is for a preset."""
        return self.path.suffix.lower() == ".json"

    @property
    def can_be_tagged(self) -> bool:
        """Whether it is for a preset, or for a take."""
        return self.is_preset or self.path.absolute().parent == takes_folder().absolute()

    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.name} sounds like {self.label} {self.probability:.2f}"


def own_sounds(library: Library) -> list[Path]:
    """Presets and takes of the user."""
    folder = takes_folder()
    takes = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        *(entry.path for entry in library.entries if not entry.factory),
        *(path for path in takes if path.suffix.lower() in SUFFIXES),
    ]


def sound_of(path: Path, seconds: float) -> DecodedSound:
    """A sound file, or a preset as it plays.

    Parameters
    ----------
    path : Path
        A preset's ends with ".json".
    seconds : float
        Of a preset.

    Returns
    -------
    DecodedSound

    Raises
    ------
    PresetError, PluginError, AudioFileError, TargetError
        If it cannot be read or played.
    """
    if path.suffix.lower() == ".json":
        preset = load_preset(path)
        audio = render(
            preset.instrument, preset.values, seconds, _RATE, effects=preset.effects,
            state=preset.state,
        ).mean(axis=0)  # fmt: skip
        return DecodedSound(preset.name or path.stem, audio, _RATE, 1, seconds, "")
    return read_audio(path)


def suggest(classifier: "Classifier", path: Path) -> Suggestion:
    """Suggest a tag for a preset or a sound.

    Parameters
    ----------
    classifier : Classifier
    path : Path
        A preset's ends with ".json".

    Returns
    -------
    Suggestion

    Raises
    ------
    PresetError, PluginError, AudioFileError, TargetError
        If it cannot be read or played.
    """
    seconds = classifier.features.samples / classifier.features.sample_rate
    sound = sound_of(path, seconds)
    found = classifier.probabilities(sound.audio, sound.sample_rate)
    label, probability = next(iter(found.items()))
    return Suggestion(path, sound.name, label, probability, sound.remark)


def tagged(preset: Preset, label: str) -> Preset | None:
    """A preset with one more word for its character; None if it has that tag.

    Parameters
    ----------
    preset : Preset
    label : str
    """
    if label in preset.tags.words:
        return None
    tags = msgspec.structs.replace(preset.tags, character=(*preset.tags.character, label))
    return msgspec.structs.replace(preset, tags=tags)


def withdraw(library: Library, suggestion: Suggestion) -> None:
    """Take a tag away that :func:`accept` has added.

    Parameters
    ----------
    library : Library
    suggestion : Suggestion

    Raises
    ------
    PresetError
        If the preset is not there any more, or cannot be written.
    SettingsError
        If the tags of takes cannot be saved.
    """
    path, label = suggestion.path, suggestion.label
    if not suggestion.is_preset:
        library.tag_take(path.name, label, False)
        return
    preset = load_preset(path)
    kept = tuple(word for word in preset.tags.character if word != label)
    tags = msgspec.structs.replace(preset.tags, character=kept)
    library.save(msgspec.structs.replace(preset, tags=tags), over=path)


def accept(library: Library, suggestion: Suggestion) -> bool:
    """Add a suggestion to the tags of a preset of the user, or of a take.

    Parameters
    ----------
    library : Library
    suggestion : Suggestion

    Returns
    -------
    bool
        False if it has the tag.

    Raises
    ------
    ArgumentError
        If it is of another sound file, which keeps no tags.
    PresetError
        If it is a factory preset, has too many tags, or cannot be written.
    SettingsError
        If the tags of takes cannot be saved.
    """
    path = suggestion.path
    if suggestion.is_preset:
        preset = tagged(load_preset(path), suggestion.label)
        if preset is not None:
            library.save(preset, over=path)
        return preset is not None
    if not suggestion.can_be_tagged:
        raise ArgumentError(f"{path} is no preset and no take; only these keep tags.")
    if suggestion.label in library.marks.takes.get(path.name, ()):
        return False
    library.tag_take(path.name, suggestion.label)
    return True
