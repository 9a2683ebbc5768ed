"""Picture of the real window.

``python -m benchmarks.screenshot OUT.png --size 1600x1000`` opens the desk with a target (the
demo), lets it be matched, and saves what is on screen then. It needs a display, and JACK, whose
dummy driver is its sound card.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from benchmarks.jack import jack_dummy
from gui import theme
from gui.app import INSTRUMENT, open_window
from gui.settings import FOLDER_VARIABLE
from mesosynth.session import Session
from mesosynth.system.paths import resource

_SETTLE = 1.5  # s until the last pictures have arrived and the scope is full
_LONGEST_MS = 90_000
_RATE, _BLOCK = 48000, 256


def main(argv: list[str]) -> int:
    """Save the picture; exit code 1 if no match ended in time."""
    options = _options(argv)
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp()  # the user's own settings stay as they are
    with jack_dummy(_RATE, _BLOCK):
        return _take(options)


def _take(options: argparse.Namespace) -> int:
    application = QApplication([sys.argv[0]])
    theme.apply(application)
    session = Session("system", INSTRUMENT, _RATE, _BLOCK, start=False)
    window = open_window(session, options.target)
    window.resize(*options.size)
    window.drawer.turn_to(options.page)
    window.show()

    def save() -> None:
        saved = window.grab().save(str(options.out))
        window.close()
        application.exit(0 if saved else 1)

    def save_later() -> None:
        QTimer.singleShot(int(1000 * options.wait), save)

    def attach(session: Session) -> None:
        session.match.ended.connect(save_later)

    window.desk.attached.connect(attach)
    QTimer.singleShot(_LONGEST_MS, lambda: application.exit(1))
    return application.exec()


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screenshot", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=_size, default=(1600, 1000), help="1600x1000")
    parser.add_argument("--target", type=Path, default=resource("assets", "demo.wav"))
    parser.add_argument("--page", default="", help="of the drawer: sounds, map, blend …")
    parser.add_argument(
        "--wait", metavar="S", type=float, default=_SETTLE,
        help="after the match; in some 20 s the loss below the pad fills in",
    )  # fmt: skip
    return parser.parse_args(argv)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
