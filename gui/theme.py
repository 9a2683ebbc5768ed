"""How the desk looks: one quiet ground and one accent colour.

The accent marks what sounds now; white marks the target and the way a match takes.
"""

from functools import cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from gui.palettes import DARK, LIGHT
from gui.style_sheet import style_sheet

WINDOW = DARK["WINDOW"]
PANEL = DARK["PANEL"]
RAISED = DARK["RAISED"]
CARD = DARK["CARD"]
WELL = DARK["WELL"]
FIELD = DARK["FIELD"]
LINE = DARK["LINE"]
GRID = DARK["GRID"]
TEXT = DARK["TEXT"]
DIM = DARK["DIM"]
FAINT = DARK["FAINT"]
ACCENT = DARK["ACCENT"]
WARNING = DARK["WARNING"]
ERROR = DARK["ERROR"]
MATCH = DARK["MATCH"]

GAP = 8
"""Space between panels and inside them, px."""

FLOOR_DB = -60.0
"""The darkest level that pictures show, dB below the loudest."""

_FAMILIES = ("Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "DejaVu Sans")


def colour(name: str, alpha: float = 1.0) -> QColor:
    """Return a palette colour, `alpha` from 0 (clear) to 1 (opaque)."""
    result = QColor(name)
    result.setAlphaF(alpha)
    return result


def font(size: float = 9.0, bold: bool = False) -> QFont:
    """Return the desk's font at `size` points of a 96 dpi screen."""
    result = QFont(_family())
    result.setPixelSize(round(size * 96 / 72))
    result.setBold(bold)
    return result


@cache
def _family() -> str:
    there = set(QFontDatabase.families())
    return next((name for name in _FAMILIES if name in there), QApplication.font().family())


def apply(application: QApplication, choice: str = "dark") -> None:
    """Give the whole application this look; what paints itself finds its colours here.

    Parameters
    ----------
    application : QApplication
    choice : {"system", "dark", "light"}
    """
    colours = LIGHT if is_light(application, choice) else DARK
    globals().update({name: value for name, value in colours.items() if name in globals()})
    application.setStyle("Fusion")
    application.setFont(font())
    application.setPalette(_palette())
    application.setStyleSheet(style_sheet(colours))


def is_light(application: QApplication, choice: str) -> bool:
    """Whether a choice means the light look, "system" as the system has it now."""
    if choice == "system":
        return application.styleHints().colorScheme() == Qt.ColorScheme.Light
    return choice == "light"


def title(text: str = "") -> QLabel:
    """Return a label that names what is below it."""
    return _label(text, "title")


def note(text: str = "") -> QLabel:
    """Return a label that may be overlooked."""
    return _label(text, "note")


def _label(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(kind)  # what the style sheet goes by
    return label


def name(widget: QWidget, text: str, description: str = "") -> None:
    """Tell screen readers what `widget` is."""
    widget.setAccessibleName(text)
    if description:
        widget.setAccessibleDescription(description)


def _palette() -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, value in {
        roles.Window: WINDOW,
        roles.Base: FIELD,
        roles.AlternateBase: PANEL,
        roles.Button: RAISED,
        roles.ToolTipBase: RAISED,
        roles.WindowText: TEXT,
        roles.Text: TEXT,
        roles.ButtonText: TEXT,
        roles.ToolTipText: TEXT,
        roles.PlaceholderText: DIM,
        roles.Highlight: ACCENT,
        roles.HighlightedText: FIELD,
        roles.Link: ACCENT,
    }.items():
        palette.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(FAINT))
    return palette
