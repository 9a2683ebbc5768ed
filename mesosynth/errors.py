"""Exceptions of mesosynth.

The tree::

    MesosynthError
    ├── ArgumentError      an impossible value of an argument (also a ValueError)
    ├── AudioFileError     a sound file that cannot be read or written
    ├── PresetError        a preset that cannot be read or written
    ├── DeviceError        a sound card that is missing or refuses a setting
    ├── TargetError        audio in which there is nothing to match
    ├── TuningError        a scale that cannot be read
    ├── SessionError       a session file that cannot be read or written
    ├── MatchFileError     a saved match that cannot be read or written
    ├── SettingsError      a settings file that cannot be read or written
    ├── LearningError      a data set or an encoder that cannot be read or written
    ├── PluginError        a plugin that cannot be loaded, or fails
    └── WorkerError        a child process that stopped or does not answer

A message is one plain sentence that names the file or the argument with its value and says what to
do. The command line prints it and exits with code 2; the desk shows it without a modal box.
"""

import operator


class MesosynthError(Exception):
    """Base class of all errors that the user can act on; the message is one sentence."""


class ArgumentError(MesosynthError, ValueError):
    """An impossible value of an argument."""


class AudioFileError(MesosynthError):
    """A sound file that cannot be read or written."""


class PresetError(MesosynthError):
    """A preset that cannot be read or written."""


class DeviceError(MesosynthError):
    """A sound card that is missing or refuses a setting."""


class TargetError(MesosynthError):
    """Audio in which there is nothing to match: silence, NaN, or too short."""


class TuningError(MesosynthError):
    """A scale that cannot be read."""


class SessionError(MesosynthError):
    """A session file that cannot be read or written."""


class MatchFileError(MesosynthError):
    """A saved match that cannot be read or written."""


class SettingsError(MesosynthError):
    """A settings file that cannot be read or written."""


class LearningError(MesosynthError):
    """A data set, an encoder or a run of training that cannot be read or written."""


class PluginError(MesosynthError):
    """A plugin that cannot be loaded, or fails.

    Attributes
    ----------
    traceback : str
        Python's traceback, for the author of the plugin; may be empty.
    """

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class WorkerError(MesosynthError):
    """A child process that stopped or does not answer."""


class WorkerTimeoutError(WorkerError):
    """A process of ours that does not answer in time."""


def check_seed(seed: object, below: int | None = None) -> None:
    """Refuse a seed that is no whole number from 0 on.

    Parameters
    ----------
    seed : int
    below : int, optional
        Seeds are less than this.

    Raises
    ------
    ArgumentError
        If it is anything else.
    """
    try:
        number = operator.index(seed)  # pyright: ignore[reportArgumentType] - refused below
    except TypeError:
        number = -1
    if number < 0 or (below is not None and number >= below):
        wanted = "a whole number, 0 or more" if below is None else f"0 to {below - 1}"
        raise ArgumentError(f"seed={seed!r} must be {wanted}.")
