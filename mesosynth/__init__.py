"""Match a sound's mesostructure and play it.

A live chirplet arpeggiator (:mod:`mesosynth.engine`), a matcher that descends on the joint
time-frequency scattering transform (:mod:`mesosynth.matching`, :mod:`mesosynth.scattering`), and
the session that holds the two together (:mod:`mesosynth.session`). After Vahidi et al.,
"Mesostructures: Beyond Spectrogram Loss in Differentiable Time-Frequency Analysis", JAES 2023.

>>> import mesosynth as ms                                                     # doctest: +SKIP
>>> audio, sample_rate = ms.load_audio("crow.flac")                            # doctest: +SKIP
>>> ms.match(audio, sample_rate).theta                                         # doctest: +SKIP

Matching
    :class:`Matcher`, :func:`match`, :class:`MatchSettings`, :class:`Filters`, :class:`MatchResult`,
    :class:`MatchStep`, the transform by itself, :class:`JTFS`, and losses for training,
    :class:`JTFSLoss` and :class:`MSSLoss`. These bring torch in.
Guess
    :func:`guess`, :class:`Guess`: theta in milliseconds, by an encoder.
    :class:`Classifier`: classes of sounds, as ``mesosynth train classifier`` learned them.
Resynthesis
    :func:`resynthesise`, :class:`ResynthesisSettings`.
Sound
    :func:`render`, :func:`load_audio`, :class:`Preset`, :func:`load_preset`,
    :func:`save_preset`.
Everything at once
    :class:`Session`, which the desk, the terminal and scripts hold.
Plugins
    :class:`Effect`, :class:`Instrument`, :class:`Parameter`, :class:`ParameterTable`.
Errors
    :mod:`mesosynth.errors`; all of them are a :class:`MesosynthError`.

Importing this package imports none of them; each comes when it is first looked up.
"""

from importlib import import_module

TYPE_CHECKING = False  # true for type checkers, without the import of typing
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from mesosynth import errors
    from mesosynth.errors import MesosynthError
    from mesosynth.learning.classifier import Classifier
    from mesosynth.matching.encoder import guess
    from mesosynth.matching.match import Matcher, match
    from mesosynth.matching.results import Filters, Guess, MatchResult, MatchSettings, MatchStep
    from mesosynth.plugins.parameters import Parameter, ParameterTable
    from mesosynth.plugins.plugin import Effect, Instrument
    from mesosynth.presets.preset import Preset, load_preset, save_preset
    from mesosynth.resynthesis.descent import resynthesise
    from mesosynth.resynthesis.results import ResynthesisSettings
    from mesosynth.scattering import JTFS
    from mesosynth.scattering.loss import JTFSLoss, MSSLoss
    from mesosynth.session import Session

__version__ = "0.1.0"

__all__ = [
    "JTFS",
    "Classifier",
    "Effect",
    "Filters",
    "Guess",
    "Instrument",
    "JTFSLoss",
    "MSSLoss",
    "MatchResult",
    "MatchSettings",
    "MatchStep",
    "Matcher",
    "MesosynthError",
    "Parameter",
    "ParameterTable",
    "Preset",
    "ResynthesisSettings",
    "Session",
    "errors",
    "guess",
    "load_audio",
    "load_preset",
    "match",
    "render",
    "resynthesise",
    "save_preset",
]

_MODULES = {
    "JTFS": "scattering",
    "Classifier": "learning.classifier",
    "JTFSLoss": "scattering.loss",
    "MSSLoss": "scattering.loss",
    "Effect": "plugins.plugin",
    "Guess": "matching.results",
    "Instrument": "plugins.plugin",
    "MatchResult": "matching.results",
    "Filters": "matching.results",
    "MatchSettings": "matching.results",
    "MatchStep": "matching.results",
    "Matcher": "matching.match",
    "MesosynthError": "errors",
    "Parameter": "plugins.parameters",
    "ParameterTable": "plugins.parameters",
    "Preset": "presets.preset",
    "Session": "session",
    "guess": "matching.encoder",
    "load_preset": "presets.preset",
    "ResynthesisSettings": "resynthesis.results",
    "match": "matching.match",
    "resynthesise": "resynthesis.descent",
    "save_preset": "presets.preset",
}


def __getattr__(name: str) -> "Any":  # noqa: ANN401 - a module's __getattr__ returns anything
    if name == "errors":
        return import_module("mesosynth.errors")
    if name not in _MODULES:
        raise AttributeError(f"module 'mesosynth' has no attribute {name!r}")
    value = getattr(import_module(f"mesosynth.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def render(
    sound: "Preset | str",
    parameters: "Mapping[str, float] | None" = None,
    *,
    seconds: float = 4.0,
    sample_rate: int = 48000,
) -> "NDArray[np.float32]":
    """Render what a preset or an instrument plays, from its first sample on.

    Parameters
    ----------
    sound : Preset or str
        A preset with its effects, or the name of an instrument: "chirplet", "ripple", "layers".
    parameters : mapping of str to float, optional
        Values by id, in the parameters' own units, that take the place of the sound's.
    seconds : float
        More than 0.
    sample_rate : int
        Hz, 1000 to 1,000,000.

    Returns
    -------
    (2, frames) float32
        ``round(seconds * sample_rate)`` frames, left and right; 1.0 is full scale.

    Raises
    ------
    ArgumentError
        If the instrument, a parameter, or a number is impossible.
    PluginError
        If an effect is missing, or cannot be loaded.

    Examples
    --------
    >>> import mesosynth as ms
    >>> ms.render("chirplet", {"f_m": 12.0}, seconds=0.5).shape
    (2, 24000)
    """
    from mesosynth.engine.rack import render as render_rack
    from mesosynth.presets.preset import Preset

    preset = Preset(name=sound, instrument=sound) if isinstance(sound, str) else sound
    values = {**preset.values, **(parameters or {})}
    return render_rack(
        preset.instrument, values, seconds, sample_rate,
        effects=preset.effects, state=preset.state,
    )  # fmt: skip


def load_audio(path: "str | Path") -> "tuple[NDArray[np.float32], int]":
    """Read a sound file of any format, mixed to mono.

    Of a file that was cut short, all that is there is read, and a UserWarning says so.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, OGG, MP3, AIFF or whatever else libsndfile reads.

    Returns
    -------
    audio : (frames,) float32
        Mean of the channels; 1.0 is full scale.
    sample_rate : int
        Hz, of the file.

    Raises
    ------
    AudioFileError
        If the file is missing, or no sound file.
    TargetError
        If it is silent, shorter than 50 ms, or holds samples that are no numbers.

    Examples
    --------
    >>> import mesosynth as ms
    >>> audio, sample_rate = ms.load_audio("crow.flac")          # doctest: +SKIP
    """
    import warnings

    from mesosynth.audio.file import read_audio

    sound = read_audio(path)
    if sound.remark:
        warnings.warn(sound.remark, stacklevel=2)
    return sound.audio, sound.sample_rate
