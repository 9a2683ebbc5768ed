"""Settings of the desk, as JSON in the user's configuration folder."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mesosynth.errors import SettingsError
from mesosynth.resynthesis.results import Method, Start
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document
from mesosynth.system.paths import CONFIG_VARIABLE, config_folder, path_text

FOLDER_VARIABLE = CONFIG_VARIABLE
"""The environment variable that names another folder."""

MOST_RECENT = 10
"""Targets that are remembered."""

SCALES = (100, 125, 150, 175, 200)
"""Sizes of the desk, percent."""


class Layout(msgspec.Struct, kw_only=True):
    """A layout of the desk.

    Attributes
    ----------
    state : str
        Where the views are, as Qt saves it, in base64; "" for the arrangement at first.
    page : str
        The drawer's page that is open; "" for none.
    knobs : bool
        Whether the knobs are shown.
    """

    state: str = ""
    page: str = ""
    knobs: bool = True


class ResynthesisControls(msgspec.Struct, kw_only=True):
    """Controls of the resynthesis page, as :class:`ResynthesisSettings` has them; length in s."""

    iterations: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    method: Method = "l-bfgs"
    start: Start = "shaped"
    seed: Annotated[int, msgspec.Meta(ge=0, le=9999)] = 0
    seconds: Annotated[float, msgspec.Meta(ge=0.05, le=30.0)] = 4.0
    average: Annotated[float, msgspec.Meta(ge=0.01, le=10.0)] = 0.37


class Settings(msgspec.Struct, kw_only=True):
    """Remembered choices.

    Attributes
    ----------
    geometry : str
        The window's place and size, as Qt saves it, in base64; "" for none yet.
    folders : dict
        Where the last file was opened or saved, by the first kind of files that the dialog offers.
    follow : bool
        Whether a match drives the sound.
    gain : float or None
        Level of the output, dB; None for the instrument's default.
    axes : (str, str) or None
        The parameters on the pad; None for the first pair.
    layout : str
        Name of the layout that is shown.
    layouts : dict of str to Layout
        Those that a hand has changed or made, by name.
    theme : {"system", "dark", "light"}
    scale : int
        Size of everything, percent, 100 to 200.
    layers : int
        How many a match with layers looks for, at most.
    layers_seconds : float
        How long it takes, at most.
    resynthesis : ResynthesisControls
    picture_rate : int
        Sample rate of the pictures, Hz, see :meth:`Match.draw_at`.
    recent : list of str
        Files of the last targets, the newest first.
    classifier : str
        File of the classifier; "" for none yet.
    toured : bool
        Whether the tour of the first start has been shown.
    extra : dict
        Keys of later versions.
    """

    geometry: str = ""
    folders: dict[str, str] = {}
    follow: bool = True
    gain: float | None = None
    axes: tuple[str, str] | None = None
    layout: str = "Design"
    layouts: dict[str, Layout] = {}
    theme: Literal["system", "dark", "light"] = "system"
    scale: Annotated[int, msgspec.Meta(ge=100, le=200)] = 100
    layers: Annotated[int, msgspec.Meta(ge=1, le=12)] = 12
    layers_seconds: Annotated[float, msgspec.Meta(ge=5.0, le=600.0)] = 60.0
    resynthesis: ResynthesisControls = msgspec.field(default_factory=ResynthesisControls)
    picture_rate: Literal[8192, 16384, 32768] = 8192
    recent: list[str] = []
    classifier: str = ""
    toured: bool = False
    extra: dict[str, Any] = {}

    def remember_target(self, path: Path) -> None:
        """Put a target first among the recent ones."""
        name = path_text(path)
        self.recent = [name, *(other for other in self.recent if other != name)][:MOST_RECENT]


def _to_2(settings: dict[str, Any]) -> None:
    """One folder for all files, one arrangement of the views."""
    if folder := settings.pop("folder", ""):
        settings["folders"] = {"Sounds": folder}
    if page := settings.pop("page", ""):
        settings["layouts"] = {"Design": {"page": page}}
    for name in ("views", "share"):
        settings.pop(name, None)


# Files of version 0.1 have no revision.
DESK_SETTINGS = Document(
    Settings, file_kinds.DESK_SETTINGS, SettingsError, revision=2, migrations=[_to_2],
    numbered=False,
)  # fmt: skip


def settings_path() -> Path:
    """Name the file in which settings are kept."""
    return config_folder() / "desk.json"


def load_settings() -> tuple[Settings, str]:
    """Read the settings; a file that is broken gives defaults, and is put aside.

    Returns
    -------
    settings : Settings
    trouble : str
        What to tell the user; "" when all is well.
    """
    instead = "the desk starts with defaults"
    settings, trouble = DESK_SETTINGS.load_own(settings_path(), Settings(), instead)
    settings.recent = settings.recent[:MOST_RECENT]
    return settings, trouble


def save_settings(settings: Settings) -> str:
    """Write the settings whole or not at all; return what went wrong, or ""."""
    try:
        DESK_SETTINGS.save(settings_path(), settings, make_folder=True)
    except SettingsError as error:
        return str(error)
    return ""
