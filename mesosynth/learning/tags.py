"""Tags of presets and takes: suggestions of a classifier, to accept or not."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from mesosynth.audio.file import read_audio
from mesosynth.engine.rack import render
from mesosynth.errors import ArgumentError
from mesosynth.learning.classifier import Classifier
from mesosynth.learning.features import Array
from mesosynth.presets.library import Library
from mesosynth.presets.preset import Tags, load_preset

_RATE = 44100


@dataclass(frozen=True)
class Suggestion:
    """A tag for a preset or a sound: "sounds like tabla 0.9".

    Attributes
    ----------
    path : Path
        Of the preset or of the sound.
    name : str
    label : str
        The most likely class.
    probability : float
        0 to 1.
    """

    path: Path
    name: str
    label: str
    probability: float

    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.name} sounds like {self.label} {self.probability:.2f}"


def sound_of(path: Path, seconds: float) -> tuple[str, Array, int]:
    """Name, audio and sample rate (Hz) of a sound file, or of a preset as it plays.

    Parameters
    ----------
    path : Path
        A preset's ends with ".json".
    seconds : float
        Of a preset.

    Returns
    -------
    str
    (n,) array
    int

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
        return preset.name or path.stem, audio, _RATE
    sound = read_audio(path)
    return sound.name, sound.audio, sound.sample_rate


def suggest(classifier: Classifier, path: Path) -> Suggestion:
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
    name, audio, rate = sound_of(path, seconds)
    label, probability = next(iter(classifier.probabilities(audio, rate).items()))
    return Suggestion(path, name, label, probability)


def accept(library: Library, suggestion: Suggestion) -> bool:
    """Add a suggestion to the tags of a preset of the user, as a word for its character.

    Parameters
    ----------
    library : Library
    suggestion : Suggestion

    Returns
    -------
    bool
        False if the preset has the tag.

    Raises
    ------
    ArgumentError
        If it is not of a preset.
    PresetError
        If it is a factory preset, has too many tags, or cannot be written.
    """
    if suggestion.path.suffix.lower() != ".json":
        raise ArgumentError(f"{suggestion.path} is no preset; only presets keep tags.")
    preset = load_preset(suggestion.path)
    tags: Tags = preset.tags
    if suggestion.label in tags.words:
        return False
    tags = msgspec.structs.replace(tags, character=(*tags.character, suggestion.label))
    library.save(msgspec.structs.replace(preset, tags=tags), over=suggestion.path)
    return True
