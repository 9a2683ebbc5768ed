"""What following the input hears: level, confidence, lag, and buttons to hold the sound or end."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget
from typing_extensions import override

from mesosynth.session.events import Followed

from .. import theme
from ..actions import Actions

_WORDS = {
    "listening": "Listening for something to follow…",
    "following": "Following",
    "silent": "Silence: the last sound is held",
}
_UNSURE = 0.4  # confidence below which the bar warns


class FollowStrip(QWidget):
    """There only while the input is followed.

    Parameters
    ----------
    actions : Actions
        Of which it shows "freeze_following" and "follow_input".
    """

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.words = theme.note()
        self.level = Bar("Level of the input")
        self.confidence = Bar("Confidence")
        self.level_text, self.confidence_text, self.lag_text = (theme.note() for _ in range(3))
        for text, longest in (
            (self.level_text, "Input -99 dB"),
            (self.confidence_text, "Confidence 100%"),
            (self.lag_text, "Lag 00.00 s"),
        ):  # numbers that change must not push the rest about
            text.setMinimumWidth(text.fontMetrics().horizontalAdvance(longest) + theme.GAP)
        self.freeze = _button(actions["freeze_following"])
        self.end = _button(actions["follow_input"])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self.words, 1)
        for text, bar in ((self.level_text, self.level), (self.confidence_text, self.confidence)):
            layout.addWidget(text)
            layout.addWidget(bar)
        layout.addWidget(self.lag_text)
        layout.addWidget(self.freeze)
        layout.addWidget(self.end)
        self.hide()

    def show_followed(self, followed: Followed) -> None:
        """Show what was heard last; nothing when nothing is followed."""
        self.setVisible(followed.running)
        if not followed.running:
            return
        held = followed.frozen and followed.hearing == "following"
        self.words.setText("Frozen: the input is heard" if held else _WORDS[followed.hearing])
        level = max(followed.level, theme.FLOOR_DB)
        self.level.show_share(1.0 - level / theme.FLOOR_DB, False)
        self.level_text.setText(f"Input {level:.0f} dB")
        confidence = followed.confidence
        self.confidence.show_share(confidence, confidence < _UNSURE)
        self.confidence_text.setText(f"Confidence {confidence:.0%}")
        known = followed.hearing == "following"
        self.lag_text.setText(f"Lag {followed.lag:.2f} s" if known else "Lag –")


class Bar(QWidget):
    """A share from 0 to 1 as a thin bar."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.name(self, name)
        self._share, self._warns = 0.0, False

    @override
    def sizeHint(self) -> QSize:
        return QSize(80, 6)

    def show_share(self, share: float, warns: bool) -> None:
        """Show a share; in another colour if it is a warning."""
        self._share, self._warns = min(max(share, 0.0), 1.0), warns
        self.setAccessibleDescription(f"{self._share:.0%}")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tint = theme.WARNING if self._warns else theme.ACCENT
        painter.fillRect(self.rect(), theme.colour(theme.WELL))
        width = self._share * self.width()
        painter.fillRect(QRectF(0.0, 0.0, width, self.height()), theme.colour(tint))


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setObjectName(action.objectName())
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(16, 16))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme.name(button, action.iconText(), action.toolTip())
    return button
