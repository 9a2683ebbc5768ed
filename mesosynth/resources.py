"""Files that travel with the program: factory presets and assets."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "data"


def resource(folder: str, name: str = "") -> Path:
    """Path of a file in `presets/` or `assets/`, in a wheel as in a checkout.

    Parameters
    ----------
    folder : {"presets", "assets"}
    name : str
        The file; empty for the folder itself.
    """
    inside = _PACKAGE / "data" / folder
    return (inside if inside.is_dir() else _PACKAGE.parent / folder) / name


def factory_presets() -> list[Path]:
    """The presets that mesosynth brings, by name."""
    return sorted(resource("presets").glob("*.json"))
