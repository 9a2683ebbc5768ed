"""Texts of menus and tooltips, where & and <b> have a meaning, and of errors in percent."""

import html

from PySide6.QtCore import Qt

from mesosynth.resynthesis.results import decibels


def menu_text(name: str) -> str:
    """A name for a menu or a button, in which & marks a key."""
    return name.replace("&", "&&")


def plain_text(text: str) -> str:
    """A text for a tooltip, which takes what looks like HTML for it."""
    looks_rich = Qt.mightBeRichText(text)  # pyright: ignore[reportAttributeAccessIssue] - no stub
    if not looks_rich:
        return text
    return "<span>" + html.escape(text).replace("\n", "<br>") + "</span>"


def error_text(error: float) -> str:
    """Relative error in percent and in decibels."""
    return f"{100.0 * error:.3g} % ({decibels(error):.1f} dB)".replace("-", "−")
