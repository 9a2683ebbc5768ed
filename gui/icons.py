"""Phosphor's icons in the desk's colours."""

import qtawesome

from gui import theme


def icon(name: str) -> qtawesome.QtGui.QIcon:
    """Return an icon by its name in qtawesome, such as "ph.play"."""
    return qtawesome.icon(name, color=theme.TEXT, color_disabled=theme.FAINT, color_on=theme.ACCENT)
