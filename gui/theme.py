"""How the desk looks: one dark ground, one accent colour, maps that colour-blind eyes can read.

The accent marks what sounds now; white marks the target and the way a match takes.
"""

import sys
from functools import cache

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget

WINDOW = "#121419"
PANEL = "#1a1d24"
RAISED = "#252a33"
CARD = "#1f232b"
WELL = "#0d0f13"
LINE = "#2e343f"
GRID = "#222730"
TEXT = "#d7dce4"
DIM = "#8b95a5"
FAINT = "#566070"
ACCENT = "#ffb454"
WARNING = "#f2c14e"
ERROR = "#ff7b72"
MATCH = "#e8edf5"

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


@cache
def picture_map() -> pg.ColorMap:
    """Map levels to colours, dark to bright in equal steps for the eye: magma."""
    found = pg.colormap.get("magma")
    assert found is not None, "pyqtgraph ships magma"
    return found


@cache
def difference_map() -> pg.ColorMap:
    """Map differences to colours: blue where the sound lacks energy, red where it has too much."""
    stops = ["#8ec5ff", "#2f6fd0", "#101722", "#0d0f13", "#221214", "#d0453a", "#ffb3a1"]
    positions = np.array([0.0, 0.25, 0.46, 0.5, 0.54, 0.75, 1.0])
    return pg.ColorMap(positions, [QColor(stop) for stop in stops])


def apply(application: QApplication) -> None:
    """Give the whole application this look."""
    pg.setConfigOptions(
        background=WELL, foreground=DIM, antialias=True, imageAxisOrder="row-major", useOpenGL=False
    )
    application.setStyle("Fusion")
    application.setFont(font())
    application.setPalette(_palette())
    application.setStyleSheet(_STYLE)


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
        roles.Base: WELL,
        roles.AlternateBase: PANEL,
        roles.Button: RAISED,
        roles.ToolTipBase: RAISED,
        roles.WindowText: TEXT,
        roles.Text: TEXT,
        roles.ButtonText: TEXT,
        roles.ToolTipText: TEXT,
        roles.PlaceholderText: DIM,
        roles.Highlight: ACCENT,
        roles.HighlightedText: WELL,
        roles.Link: ACCENT,
    }.items():
        palette.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(FAINT))
    return palette


_SHORTCUT_SPACING = 24 if sys.platform == "darwin" else 20

_STYLE = f"""
QMainWindow, QDialog {{ background: {WINDOW}; }}
QDialog#sheet {{ border: 1px solid {LINE}; }}
QMenuBar {{ background: {WINDOW}; color: {DIM}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px {_SHORTCUT_SPACING}px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QFrame#panel {{ background: {PANEL}; border: 1px solid #22262e; border-radius: 6px; }}
QLabel#title {{ color: {TEXT}; font-weight: 600; }}
QLabel#note {{ color: {DIM}; }}
QToolButton {{
    background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 5px 9px;
}}
QToolButton:hover {{ background: #2e3440; }}
QToolButton:pressed {{ background: {WELL}; }}
QToolButton:focus {{ border-color: {DIM}; }}
QToolButton:disabled {{ color: {FAINT}; background: #1d2129; border-color: #232831; }}
QToolButton:checked {{ color: {ACCENT}; border-color: {ACCENT}; background: #2b2720; }}
QToolButton#record:checked, QToolButton#capture:checked, QToolButton#panic:checked {{
    color: {ERROR}; border-color: {ERROR}; background: #2d2022; }}
QToolButton#small {{ padding: 1px 7px; }}
QToolButton#tab {{ background: transparent; border: 1px solid transparent; color: {DIM};
    padding: 4px 0px; }}
QToolButton#tab:hover {{ background: {RAISED}; color: {TEXT}; }}
QToolButton#tab:focus {{ border-color: {DIM}; }}
QToolButton#tab:checked {{ background: {PANEL}; border-color: {LINE}; color: {ACCENT}; }}
QToolButton#slot {{ padding: 5px 6px; min-width: 9px; }}
QToolButton#bare {{ background: transparent; border: 1px solid transparent; padding: 1px; }}
QToolButton#bare:hover {{ background: {RAISED}; }}
QToolButton#bare:focus {{ border-color: {DIM}; }}
QFrame#card {{ background: {CARD}; border: 1px solid {LINE}; border-radius: 5px; }}
QFrame#card[problem="true"] {{ border-color: {ERROR}; }}
QLabel#problem {{ color: {ERROR}; }}
QComboBox {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 4px 8px; }}
QComboBox:focus {{ border-color: {DIM}; }}
QComboBox QAbstractItemView {{ background: {PANEL}; color: {TEXT}; }}
QListWidget {{ background: {WELL}; color: {TEXT}; border: 1px solid {LINE};
    border-radius: 5px; outline: none; }}
QListWidget::item {{ padding: 4px 6px; }}
QListWidget::item:selected {{ background: {RAISED}; color: {ACCENT}; }}
QCheckBox {{ color: {TEXT}; spacing: 6px; padding: 2px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {DIM}; border-radius: 3px;
    background: {WELL}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; }}
QCheckBox:focus {{ color: {ACCENT}; }}
QSlider::groove:horizontal {{ background: {WELL}; height: 6px; border-radius: 3px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 3px; }}
QSlider::sub-page:horizontal:disabled {{ background: {LINE}; }}
QSlider::handle:horizontal {{ background: {TEXT}; width: 12px; margin: -4px 0;
    border-radius: 6px; }}
QSlider::handle:horizontal:disabled {{ background: {FAINT}; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QLineEdit {{
    background: {WELL}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 4px;
    padding: 1px 3px; selection-background-color: {ACCENT}; selection-color: {WELL};
}}
QLineEdit:focus {{ border-color: {ACCENT}; }}
QListView#library {{ background: {WELL}; border: 1px solid {LINE}; border-radius: 5px;
    outline: none; }}
QProgressBar {{ background: {WELL}; border: none; border-radius: 3px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
"""
