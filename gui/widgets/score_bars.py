"""How alike match and target are, as three small bars: one number alone would be believed."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget
from typing_extensions import override

from mesosynth.matching.results import Scores

from .. import theme

VIEWS = {
    "jtfs": (
        "JTFS",
        "Texture and melody, whenever they come: the cosine between both sounds in the joint "
        "time–frequency scattering, averaged over time.",
    ),
    "mss": (
        "MSS",
        "The loudest partials, and when they come: the cosine between both sounds in the "
        "multi-scale spectrogram.",
    ),
    "log_mel": (
        "Mel",
        "Log-mel: what is faint as well, as ears hear it, and when it comes; how far both sounds "
        "agree in decibels in mel bands, above the noise of the target.",
    ),
}
"""What the desk calls the views of :class:`Scores`, and what it says of them."""

_SCALE = "1 is the same sound, 0 nothing in common."
_BAR = 3.0  # px


class ScoreBar(QWidget):
    """A name, a number and a bar, 0 to 1."""

    def __init__(self, name: str, meaning: str) -> None:
        super().__init__()
        self._name, self._meaning = name, meaning
        self._score: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_score(None)

    @property
    def text(self) -> str:
        """The number as it is shown."""
        return "–" if self._score is None else f"{self._score:.3f}"

    def show_score(self, score: float | None) -> None:
        """Show a score, or that there is none."""
        self._score = score
        self.setToolTip(f"{self._name} {self.text}. {self._meaning} {_SCALE}")
        theme.name(self, f"Similarity in {self._name}: {self.text}", self._meaning)
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(66, 20)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(40, 20)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font(8))
        above = QRectF(0.0, 0.0, self.width(), self.height() - _BAR - 1.0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(theme.colour(theme.DIM))
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft | middle, self._name)
        painter.setPen(theme.colour(theme.FAINT if self._score is None else theme.TEXT))
        painter.drawText(above, Qt.AlignmentFlag.AlignRight | middle, self.text)
        below = QRectF(0.0, self.height() - _BAR, self.width(), _BAR)
        painter.fillRect(below, theme.colour(theme.LINE))
        below.setWidth(self.width() * (self._score or 0.0))
        painter.fillRect(below, theme.colour(theme.ACCENT))


class ScoreBars(QWidget):
    """The three views of a similarity, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = {view: ScoreBar(*said) for view, said in VIEWS.items()}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(10)
        for bar in self.bars.values():
            layout.addWidget(bar)

    def show_scores(self, scores: Scores | None) -> None:
        """Show how alike a sound is; None while that is not known."""
        known = {} if scores is None else scores.as_dict()
        for view, bar in self.bars.items():
            bar.show_score(known.get(view))
