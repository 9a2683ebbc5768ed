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

import math
import operator
from typing import Any


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


def check_number(
    name: str, value: object, least: float, most: float = math.inf, unit: str = ""
) -> None:
    """Refuse an argument that is no number of a range; of whole limits, no whole number.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    least, most : float
        Limits, both allowed; of two whole numbers, or one and infinity, `value` must be whole.
    unit : str
        Of the limits, for the message.

    Raises
    ------
    ArgumentError
        If it is anything else.
    """
    whole = isinstance(least, int)
    read: Any = operator.index if whole else float
    try:
        number = math.nan if isinstance(value, (str, bytes)) else read(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        first, last = (str(limit) if whole else f"{limit:g}" for limit in (least, most))
        limits = f"{first} to {last}" if most < math.inf else f"{first} or more"
        kind = "a whole number, " if whole and math.isnan(number) else ""
        said = f"{value:g}" if isinstance(value, float) else repr(value)
        raise ArgumentError(f"{name}={said} must be {kind}{limits}{unit and ' ' + unit}.")
