"""The style sheet of the desk, filled with the colours of a palette."""

import sys
from collections.abc import Mapping


def style_sheet(colours: Mapping[str, str]) -> str:
    """Return Qt's style sheet in `colours`, by the names that :mod:`gui.palettes` gives them."""
    spacing = "24" if sys.platform == "darwin" else "20"
    return _STYLE.format_map({**colours, "SHORTCUT_SPACING": spacing})


_STYLE = """
QMainWindow, QDialog {{ background: {WINDOW}; }}
QDialog#sheet {{ border: 1px solid {LINE}; }}
QMenuBar {{ background: {WINDOW}; color: {DIM}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px {SHORTCUT_SPACING}px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QFrame#panel {{ background: {PANEL}; border: 1px solid {EDGE}; border-radius: 6px; }}
QLabel#title {{ color: {TEXT}; font-weight: 600; }}
QLabel#note {{ color: {DIM}; }}
QToolButton {{
    background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 5px 9px;
}}
QToolButton:hover {{ background: {HOVER}; }}
QToolButton:pressed {{ background: {FIELD}; }}
QToolButton:focus {{ border-color: {DIM}; }}
QToolButton:disabled {{ color: {FAINT}; background: {OFF}; border-color: {OFF_EDGE}; }}
QToolButton:checked {{ color: {ACCENT}; border-color: {ACCENT}; background: {CHECKED}; }}
QToolButton#record:checked, QToolButton#capture:checked, QToolButton#panic:checked {{
    color: {ERROR}; border-color: {ERROR}; background: {ALARM}; }}
QToolButton#small {{ padding: 1px 7px; }}
QToolButton#tab {{ background: transparent; border: 1px solid transparent; color: {DIM};
    padding: 4px 0px; }}
QToolButton#tab:hover {{ background: {RAISED}; color: {TEXT}; }}
QToolButton#tab:focus {{ border-color: {DIM}; }}
QToolButton#tab:checked {{ background: {PANEL}; border-color: {LINE}; color: {ACCENT}; }}
QToolButton#slot {{ padding: 5px 6px; min-width: 9px; }}
QToolButton#slot[empty="true"] {{ color: {FAINT}; background: {OFF}; border-color: {OFF_EDGE}; }}
QToolButton#bare {{ background: transparent; border: 1px solid transparent; padding: 1px; }}
QToolButton#bare:hover {{ background: {RAISED}; }}
QToolButton#bare:focus {{ border-color: {DIM}; }}
QFrame#card {{ background: {CARD}; border: 1px solid {LINE}; border-radius: 5px; }}
QFrame#card[problem="true"] {{ border-color: {ERROR}; }}
QLabel#key {{ color: {ACCENT}; }}
QWidget#sheetPage {{ background: transparent; }}
QLabel#problem {{ color: {ERROR}; }}
QComboBox {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 4px 8px; }}
QComboBox:focus {{ border-color: {DIM}; }}
QComboBox QAbstractItemView {{ background: {PANEL}; color: {TEXT}; }}
QListWidget {{ background: {FIELD}; color: {TEXT}; border: 1px solid {LINE};
    border-radius: 5px; outline: none; }}
QListWidget::item {{ padding: 4px 6px; }}
QListWidget::item:selected {{ background: {RAISED}; color: {ACCENT}; }}
QCheckBox {{ color: {TEXT}; spacing: 6px; padding: 2px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {DIM}; border-radius: 3px;
    background: {FIELD}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; }}
QCheckBox:focus {{ color: {ACCENT}; }}
QSlider::groove:horizontal {{ background: {EDGE}; height: 6px; border-radius: 3px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 3px; }}
QSlider::sub-page:horizontal:disabled {{ background: {LINE}; }}
QSlider::handle:horizontal {{ background: {TEXT}; width: 12px; margin: -4px 0;
    border-radius: 6px; }}
QSlider::handle:horizontal:disabled {{ background: {FAINT}; }}
QFrame#tour {{ background: {RAISED}; border: 1px solid {ACCENT}; border-radius: 8px; }}
QPushButton {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 4px 12px; }}
QPushButton:hover {{ background: {HOVER}; }}
QPushButton:focus {{ border-color: {ACCENT}; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QLineEdit {{
    background: {FIELD}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 4px;
    padding: 1px 3px; selection-background-color: {ACCENT}; selection-color: {FIELD};
}}
QLineEdit:focus {{ border-color: {ACCENT}; }}
QListView#library {{ background: {FIELD}; border: 1px solid {LINE}; border-radius: 5px;
    outline: none; }}
QProgressBar {{ background: {EDGE}; border: none; border-radius: 3px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
"""
