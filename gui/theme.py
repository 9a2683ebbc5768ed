"""Theme: palettes, style sheet, icons, and the choice of look and size in the View menu."""

import re
import sys
from collections.abc import Callable, Mapping
from functools import cache

import qtawesome
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontDatabase, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDockWidget,
    QLabel,
    QLayout,
    QMainWindow,
    QToolButton,
    QWidget,
)
from typing_extensions import override

from mesosynth.system.paths import resource

from .settings import SCALES, Settings

# --------------------------------------------------------------------------------------------------
# Colours, dark and light, by name.
#
# Text (TEXT, DIM, FAINT, ACCENT, MODULATED, WARNING, ERROR) has a contrast of at least 4.5 to 1
# on every ground that it lies on (WCAG 2.1, 1.4.3), also where it is disabled.
# WELL is the ground of plots, GRID and MATCH lie on it, ACCENT and DIM on it and on panels as well.


_COLOURS = {
    "WINDOW": ("#121419", "#e6e8ed"), "PANEL": ("#1a1d24", "#f7f8fa"),
    "EDGE": ("#22262e", "#d3d7df"), "RAISED": ("#252a33", "#e7e9ee"),
    "HOVER": ("#2e3440", "#dadde5"), "CARD": ("#1f232b", "#eff1f4"),
    "FIELD": ("#0d0f13", "#ffffff"), "WELL": ("#0d0f13", "#ffffff"), "LINE": ("#2e343f", "#c4c9d3"),
    "GRID": ("#222730", "#e2e6ec"), "TEXT": ("#d7dce4", "#1b2027"), "DIM": ("#a4aebc", "#4f5761"),
    "FAINT": ("#848e9d", "#606873"), "OFF": ("#1d2129", "#eceef2"),
    "OFF_EDGE": ("#232831", "#dde0e7"), "ACCENT": ("#ffb454", "#905000"),
    "MODULATED": ("#6fb7ff", "#1b61ac"), "CHECKED": ("#2b2720", "#fbecd6"),
    "WARNING": ("#f2c14e", "#7d5700"), "ERROR": ("#ff7b72", "#b33029"),
    "ALARM": ("#2d2022", "#fbe3e1"), "MATCH": ("#e8edf5", "#2b3038"),
}  # fmt: skip
DARK = {name: dark for name, (dark, _) in _COLOURS.items()}
LIGHT = {name: light for name, (_, light) in _COLOURS.items()}


# --------------------------------------------------------------------------------------------------
# Style sheet.


def style_sheet(colours: Mapping[str, str]) -> str:
    """Return Qt's style sheet in `colours`, by the names that :mod:`gui.theme` gives them."""
    spacing = "24" if sys.platform == "darwin" else "20"
    look = "light" if colours is LIGHT else "dark"
    tick, caret = (
        resource("assets", f"{name}_{look}.svg").as_posix() for name in ("tick", "caret")
    )
    names = {**colours, "SHORTCUT_SPACING": spacing, "TICK": tick, "CARET": caret}
    sheet = _STYLE.format_map(names)
    return re.sub(r"(\d+)px", lambda size: f"{round(int(size[1]) * zoom)}px", sheet)


_STYLE = """
QMainWindow, QDialog {{ background: {WINDOW}; }}
QDialog#sheet {{ border: 1px solid {LINE}; }}
QMenuBar {{ background: {WINDOW}; color: {DIM}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 6px 8px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px {SHORTCUT_SPACING}px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMainWindow::separator {{ background: transparent; width: 8px; height: 8px; }}
QMainWindow::separator:hover {{ background: {LINE}; }}
QDockWidget {{ background: {PANEL}; }}
QWidget#dockTitle {{ background: {PANEL}; border: 1px solid {EDGE}; border-bottom: none;
    border-top-left-radius: 6px; border-top-right-radius: 6px; }}
QWidget#corner QToolButton {{ padding: 2px 7px; }}
QTabBar {{ background: transparent; qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; color: {DIM}; padding: 4px 14px;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {TEXT}; }}
QTabBar::tab:focus {{ color: {TEXT}; }}
QTabBar::tab:selected {{ color: {ACCENT}; border-bottom-color: {ACCENT}; }}
QFrame#panel {{ background: {PANEL}; border: 1px solid {EDGE}; border-radius: 6px; }}
QFrame#panel[docked="true"] {{ border-top: none; border-top-left-radius: 0;
    border-top-right-radius: 0; }}
QLabel#title {{ color: {TEXT}; font-weight: 600; }}
QLabel#note {{ color: {DIM}; }}
QToolButton {{
    background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 5px 9px;
}}
QToolButton:hover {{ background: {HOVER}; }}
QToolButton:pressed {{ background: {FIELD}; }}
QToolButton:focus {{ border-color: {ACCENT}; }}
QToolButton:disabled {{ color: {FAINT}; background: {OFF}; border-color: {OFF_EDGE}; }}
QToolButton:checked {{ color: {ACCENT}; border-color: {ACCENT}; background: {CHECKED}; }}
QToolButton#record:checked, QToolButton#capture:checked, QToolButton#panic:checked {{
    color: {ERROR}; border-color: {ERROR}; background: {ALARM}; }}
QFileDialog QToolButton {{ padding: 2px; }}
QToolButton#small {{ padding: 1px 7px; }}
QToolButton[popupMode="2"], QToolButton#small[popupMode="2"] {{ padding-right: 20px; }}
QToolButton#tag {{ padding: 1px 7px; font-size: 10px; }}
QToolButton#bare[popupMode="2"] {{ padding-right: 1px; }}
QToolButton::menu-indicator {{ subcontrol-position: right center; right: 4px; }}
QToolButton#tab {{ background: transparent; border: 1px solid transparent; color: {DIM};
    padding: 4px 0px; }}
QToolButton#tab:hover {{ background: {RAISED}; color: {TEXT}; }}
QToolButton#tab:focus {{ border-color: {ACCENT}; }}
QToolButton#tab:checked {{ background: {PANEL}; border-color: {LINE}; color: {ACCENT}; }}
QToolButton:checked:focus {{ background: {HOVER}; }}
QToolButton#tab:checked:focus {{ border-color: {ACCENT}; }}
QToolButton#slot {{ padding: 5px 6px; min-width: 9px; }}
QToolButton#slot[empty="true"] {{ color: {FAINT}; background: {OFF}; border-color: {OFF_EDGE}; }}
QToolButton#bare {{ background: transparent; border: 1px solid transparent; padding: 1px; }}
QToolButton#bare:hover {{ background: {RAISED}; }}
QToolButton#bare:focus {{ border-color: {ACCENT}; }}
QToolButton#meter {{ background: transparent; border: 1px solid transparent; padding: 0px 2px;
    color: {DIM}; }}
QToolButton#meter[problem="true"] {{ color: {WARNING}; }}
QToolButton#meter:hover {{ color: {TEXT}; }}
QToolButton#meter:focus {{ border-color: {ACCENT}; }}
QFrame#card {{ background: {CARD}; border: 1px solid {LINE}; border-radius: 5px; }}
QFrame#card:focus {{ border-color: {ACCENT}; }}
QFrame#card[problem="true"] {{ border-color: {ERROR}; }}
QLabel#chip {{ background: {RAISED}; color: {MODULATED}; border: 1px solid {LINE};
    border-radius: 7px; padding: 1px 6px; }}
QLabel#key {{ color: {ACCENT}; }}
QWidget#sheetPage {{ background: transparent; }}
QLabel#problem {{ color: {ERROR}; }}
QComboBox {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 4px 8px; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow, QToolButton::menu-indicator {{ image: url("{CARET}"); width: 12px;
    height: 12px; }}
QComboBox:focus {{ border-color: {ACCENT}; }}
QComboBox QAbstractItemView {{ background: {PANEL}; color: {TEXT}; }}
QListWidget {{ background: {FIELD}; color: {TEXT}; border: 1px solid {LINE};
    border-radius: 5px; outline: none; }}
QListWidget:focus, QTreeWidget:focus, QTextBrowser:focus {{ border-color: {ACCENT}; }}
QTreeWidget, QTextBrowser {{ background: {FIELD}; color: {TEXT}; border: 1px solid {LINE};
    border-radius: 5px; }}
QTreeWidget::item {{ padding: 2px 4px; }}
QHeaderView::section {{ background: {PANEL}; color: {DIM}; border: none; padding: 4px; }}
QListView#library:focus, QScrollArea:focus {{ border: 1px solid {ACCENT}; }}
QTabWidget::pane {{ border: none; }}
QListWidget::item {{ padding: 4px 6px; }}
QListWidget::item:selected {{ background: {RAISED}; color: {ACCENT}; }}
QCheckBox {{ color: {TEXT}; spacing: 6px; padding: 2px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {DIM}; border-radius: 3px;
    background: {FIELD}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT};
    image: url("{TICK}"); }}
QCheckBox:focus {{ color: {ACCENT}; }}
QSlider:horizontal {{ min-height: 16px; }}
QSlider::groove:horizontal {{ background: {EDGE}; height: 6px; border-radius: 3px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 3px; }}
QSlider::sub-page:horizontal:disabled {{ background: {LINE}; }}
QSlider::handle:horizontal {{ background: {TEXT}; width: 12px; margin: -4px 0;
    border-radius: 6px; }}
QSlider:focus {{ border: 1px solid {ACCENT}; border-radius: 3px; }}
QSlider::handle:horizontal:disabled {{ background: {FAINT}; }}
QFrame#ring {{ border: 2px solid {ACCENT}; border-radius: 7px; background: transparent; }}
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
QProgressBar[warns="true"]::chunk {{ background: {WARNING}; }}
"""


# --------------------------------------------------------------------------------------------------
# Palette, font and labels.
#
# The accent marks the sound; white marks the target and the trail of a match.


_NAMES = "WINDOW PANEL RAISED CARD WELL FIELD LINE GRID TEXT DIM FAINT"
WINDOW, PANEL, RAISED, CARD, WELL, FIELD, LINE, GRID, TEXT, DIM, FAINT = (
    DARK[name] for name in _NAMES.split()
)
ACCENT, MODULATED, WARNING = DARK["ACCENT"], DARK["MODULATED"], DARK["WARNING"]
ERROR, MATCH = DARK["ERROR"], DARK["MATCH"]

zoom = 1.0
"""Size of everything, 1 to 2, which the View menu changes."""

GAP = 8
"""Space between panels and inside them, px."""

FLOOR_DB = -60.0
"""The lowest level that pictures show at first, dB below the loudest."""

_FAMILIES = ("Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "DejaVu Sans")


def size(width: float, height: float) -> QSize:
    """Size of a widget at the present zoom, from px at 100%."""
    return QSize(round(width * zoom), round(height * zoom))


def colour(name: str, alpha: float = 1.0) -> QColor:
    """Return the colour "#rrggbb", as this module's constants are, `alpha` from 0 (clear) to 1."""
    result = QColor(name)
    result.setAlphaF(alpha)
    return result


def font(size: float = 9.0, bold: bool = False) -> QFont:
    """Return the desk's font at `size` points of a 96 dpi screen."""
    result = QFont(_family())
    result.setPixelSize(round(size * zoom * 96 / 72))
    result.setBold(bold)
    return result


@cache
def _family() -> str:
    there = set(QFontDatabase.families())
    return next((name for name in _FAMILIES if name in there), QApplication.font().family())


def apply(application: QApplication, choice: str = "dark") -> None:
    """Set style, font and colours: `choice` is "system", "dark" or "light"."""
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
    """Return a label that is a heading."""
    return _label(text, "title")


def note(text: str = "", wrap: bool = False) -> QLabel:
    """Return a dimmed label, which may `wrap` its words."""
    label = _label(text, "note")
    label.setWordWrap(wrap)
    return label


def _label(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(kind)  # what the style sheet goes by
    return label


def name(widget: QWidget, text: str, description: str = "") -> None:
    """Set the accessible name of `widget`, and its description unless that is ""."""
    widget.setAccessibleName(text)
    if description:
        widget.setAccessibleDescription(description)


def mark(widget: QWidget, name: str, on: bool) -> None:
    """Set a property that the style sheet goes by."""
    if widget.property(name) != on:
        widget.setProperty(name, on)
        widget.style().polish(widget)


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


# --------------------------------------------------------------------------------------------------
# Icons: Phosphor's, in the colours of the theme.


_PICTURE = "picture"


def dress(target: QAbstractButton | QAction, name: str) -> None:
    """Give it an icon by its name in qtawesome, such as "ph.play"; :func:`redress` will find it."""
    target.setProperty(_PICTURE, name)
    target.setIcon(qtawesome.icon(name, color=TEXT, color_disabled=FAINT, color_on=ACCENT))


class ToolButton(QToolButton):
    """Button that Tab reaches and Return presses; Space plays, and is not the button's."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif self.menu() is None:
            self.click()
        else:
            self.menu().popup(self.mapToGlobal(self.rect().bottomLeft()))


def tool_button(
    text: str, tip: str, *, icon: str = "", kind: str = "small", named: str = ""
) -> QToolButton:
    """Return a small button.

    Parameters
    ----------
    text, tip : str
        What it says, "" for an icon alone, and its tooltip.
    icon : str
        A name in qtawesome; "" for none.
    kind : str
        What the style sheet goes by: "small", "bare" or "".
    named : str
        What screen readers call it, by default its text.
    """
    button = ToolButton()
    button.setObjectName(kind)
    button.setText(text)
    if icon:
        dress(button, icon)
        if text:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setToolTip(tip)
    name(button, named or text, tip)
    return button


_FILE_ICONS = {
    "backButton": "ph.arrow-left", "forwardButton": "ph.arrow-right",
    "toParentButton": "ph.arrow-up", "newFolderButton": "ph.folder-plus",
    "listModeButton": "ph.list", "detailModeButton": "ph.rows",
}  # fmt: skip


def dress_file_dialog(dialog: QWidget) -> None:
    """Give a dialog of Qt's icons that are seen on dark and on light."""
    for name, picture in _FILE_ICONS.items():
        button = dialog.findChild(QToolButton, name)
        if button is not None:
            dress(button, picture)


def redress(root: QObject) -> None:
    """Draw all icons below `root` anew, in colours that have changed."""
    for target in (*root.findChildren(QAbstractButton), *root.findChildren(QAction)):
        name = target.property(_PICTURE)
        if name:
            dress(target, name)


# --------------------------------------------------------------------------------------------------
# Look: dark or light, bigger or smaller.


_THEMES = ("system", "dark", "light")
_SAID = {"system": "as the system", "dark": "dark", "light": "light"}
_LEAST = QSize(1000, 680)
_ANY = 100_000  # Qt's largest sizes, which stand for none, are beyond
_BASES, _SHOWN = "sizes at a zoom of 1", "sizes shown"


def resize_all(root: QWidget, old: float, new: float) -> None:
    """Change what is fixed in pixels below `root` to another zoom: sizes, icons, margins, spaces.

    Each size is computed from that at a zoom of 1, which the widget keeps, so that no rounding
    stays behind; one that the widget has changed itself meanwhile is taken for a size at `old`.

    Parameters
    ----------
    root : QWidget
    old, new : float
    """
    layouts = [(layout, _layout_sizes(layout)) for layout in root.findChildren(QLayout)]
    for widget in root.findChildren(QWidget):
        if not isinstance(widget, QDockWidget):  # which is as large as what it holds
            _show_at(widget, _widget_sizes(widget), old, new)
        widget.updateGeometry()
    for layout, sizes in layouts:  # read before any is set, as inner ones take the outer's space
        _show_at(layout, sizes, old, new)


def _widget_sizes(widget: QWidget) -> list[int]:
    least, most = widget.minimumSize(), widget.maximumSize()
    sizes = [most.width(), most.height(), least.width(), least.height()]
    if isinstance(widget, QAbstractButton):
        sizes += [widget.iconSize().width(), widget.iconSize().height()]
    return sizes


def _layout_sizes(layout: QLayout) -> list[int]:
    left, top, right, bottom = layout.getContentsMargins()  # pyright: ignore[reportGeneralTypeIssues]
    return [left, top, right, bottom, layout.spacing()]


def _show_at(thing: QWidget | QLayout, sizes: list[int], old: float, new: float) -> None:
    """Give a widget or a layout its sizes at another zoom."""
    bases, shown = thing.property(_BASES) or (), thing.property(_SHOWN) or ()
    if len(shown) != len(sizes):
        bases, shown = [size / old for size in sizes], sizes
    bases = [
        base if size == last else size / old
        for base, size, last in zip(bases, sizes, shown, strict=True)
    ]
    now = [
        size if size >= _ANY or size <= 0 else round(base * new)
        for base, size in zip(bases, sizes, strict=True)
    ]
    thing.setProperty(_BASES, bases)
    thing.setProperty(_SHOWN, now)
    if isinstance(thing, QLayout):
        thing.setContentsMargins(*now[:4])
        if now[4] > 0:
            thing.setSpacing(now[4])
        return
    if not thing.isWindow():
        thing.setMaximumSize(now[0], now[1])
        thing.setMinimumSize(now[2], now[3])
    if isinstance(thing, QAbstractButton):
        thing.setIconSize(QSize(now[4], now[5]))


class Look(QObject):
    """Colours and size of a window, as the View menu changes them.

    Parameters
    ----------
    window : QMainWindow
    settings : Settings
        Changed as the user chooses.
    say : callable
        Shows a sentence in the status line.

    """

    def __init__(
        self, window: QMainWindow, settings: Settings, say: Callable[[str], object]
    ) -> None:
        super().__init__(window)
        self._window, self._settings, self._say = window, settings, say
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.styleHints().colorSchemeChanged.connect(self._on_system)

    def use(self, choice: str) -> None:
        """Change to a look: "system", "dark" or "light"."""
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        apply(application, choice)
        redress(self._window)
        for widget in self._window.findChildren(QWidget):
            QWidget.update(widget)  # a view has an own update, in PySide6 before 6.11

    def begin(self) -> None:
        """Take the size of the settings, once the window is there."""
        self._show_size(self._settings.scale / 100)

    @property
    def can_grow(self) -> bool:
        """Whether there is a larger size."""
        return self._settings.scale < SCALES[-1]

    @property
    def can_shrink(self) -> bool:
        """Whether there is a smaller size."""
        return self._settings.scale > SCALES[0]

    def next_theme(self) -> None:
        """Go on to the next of dark, light and the system's."""
        place = (_THEMES.index(self._settings.theme) + 1) % len(_THEMES)
        self._settings.theme = _THEMES[place]
        self.use(self._settings.theme)
        self._say(f"The desk is {_SAID[self._settings.theme]}.")

    def scale(self, by: int) -> None:
        """Show everything that many steps larger; what has no room on the screen scrolls."""
        place = SCALES.index(self._settings.scale) if self._settings.scale in SCALES else 0
        self._settings.scale = wanted = SCALES[min(max(place + by, 0), len(SCALES) - 1)]
        self._show_size(wanted / 100)
        self._say(f"The desk is at {wanted}%.")

    def _show_size(self, wanted: float) -> None:
        global zoom
        old, zoom = zoom, wanted
        if old == wanted:
            return
        screen = self._window.screen().availableSize()
        self._window.setMinimumSize(size(_LEAST.width(), _LEAST.height()).boundedTo(screen))
        resize_all(self._window, old, wanted)
        self.use(self._settings.theme)
        for widget in self._window.findChildren(QWidget):  # plots take their fonts anew
            QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.FontChange))

    def _on_system(self) -> None:
        if self._settings.theme == "system":
            self.use("system")
