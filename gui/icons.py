"""Phosphor's icons in the desk's colours."""

from typing import Protocol, cast

import qtawesome
from PySide6.QtCore import QObject

from . import theme

_PICTURE = "picture"


class Dressed(Protocol):
    """A button or an action."""

    def setIcon(self, icon: qtawesome.QtGui.QIcon, /) -> None:
        """Show an icon."""
        ...

    def setProperty(self, name: str, value: object, /) -> bool:
        """Keep a value by name."""
        ...


def icon(name: str) -> qtawesome.QtGui.QIcon:
    """Return an icon by its name in qtawesome, such as "ph.play"."""
    return qtawesome.icon(name, color=theme.TEXT, color_disabled=theme.FAINT, color_on=theme.ACCENT)


def dress(target: Dressed, name: str) -> None:
    """Give a button or an action an icon, which :func:`redress` will find."""
    target.setProperty(_PICTURE, name)
    target.setIcon(icon(name))


def redress(root: QObject) -> None:
    """Draw all icons below `root` anew, in colours that have changed."""
    for target in root.findChildren(QObject):
        name = target.property(_PICTURE)
        if name:
            cast("Dressed", target).setIcon(icon(name))
