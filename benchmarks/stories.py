"""Pictures of stories on the real desk, by mouse and keys.

``python -m benchmarks.stories [FOLDER] [STORY …]`` writes FOLDER/STORY.png (assets/screenshots by
default). It needs a display and JACK, on whose dummy driver another player is what the desk records
and follows.

``--looks`` takes one desk with a match through what a performer, a sound designer and a researcher
look at, in every size, theme and scale, and writes FOLDER/SIZE THEME SCALE VIEW.png; it needs a
display of 1920 x 1080 and no JACK.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.jack import JackPlayer, jack_dummy, jack_player
from gui import theme
from gui.app import INSTRUMENT, open_window
from gui.main_window import MainWindow
from gui.settings import FOLDER_VARIABLE
from mesosynth.session import Session
from mesosynth.system.paths import factory_presets, resource

SIZE = (1440, 900)
_RATE, _BLOCK = 48000, 256
_LEFT = Qt.MouseButton.LeftButton
_NONE = Qt.KeyboardModifier.NoModifier
_LONGEST_MS = 120_000
_SETTLE_MS = 2500  # until pictures and the scope have followed


def play_the_pad(window: MainWindow, _: JackPlayer) -> None:
    """Drag the point up and to the right, turn it round, let a note ring through a delay."""
    _press(window, "F3")
    window.effects.menu.aboutToShow.emit()
    next(a for a in window.effects.menu.actions() if a.text() == "Delay").trigger()
    _drag(window.pad.viewport(), window.pad.handle, QPoint(70, -60))
    _press(window, "D")
    knob = window.knobs["w"]
    _drag(knob, knob.dial.center(), QPoint(0, -20))


def match_a_recording(window: MainWindow, _: JackPlayer | None) -> None:
    """Drop a sound on the window, match it, and show the result."""
    _drop(window, resource("assets", "demo.wav"))
    _wait(lambda: window.actions_["match"].isEnabled())
    _press(window, "F4")
    _press(window, "M")
    _wait(lambda: _found(window))
    _wait(lambda: window.match.scores.bars["score"].text != "–" and window.pad.map.known == 1.0)


def compare_two_presets(window: MainWindow, _: JackPlayer) -> None:
    """Load a preset, keep it, change sides, load another, and go to and fro."""
    first, second = factory_presets()[:2]
    _drop(window, first)
    QTest.qWait(300)
    _press(window, "Ctrl+1")
    _press(window, "C")
    _drop(window, second)
    QTest.qWait(300)
    _press(window, "Ctrl+2")
    _press(window, "C")
    _press(window, "C")
    _press(window, "F2")


def record_and_follow(window: MainWindow, other: JackPlayer) -> None:
    """Record a player, match the take, then track the player while knobs turn."""
    sound = {"f_c": 600.0, "f_m": 10.0, "gamma": 4.0}
    _press(window, "R")
    other.plug_in()
    QTest.qWait(500)
    other.play({**sound, "period": 16.0})
    QTest.qWait(2000)
    _press(window, "R")
    _wait(lambda: window.actions_["match"].isEnabled())
    _press(window, "F4")
    _press(window, "M")
    _wait(lambda: _found(window) and not window.actions_["stop_match"].isEnabled())
    _press(window, "I")
    other.plug_in()
    for step in range(61):
        other.play({**sound, "gamma": 4.0 * 2.0 ** (-step / 30), "period": 0.4})
        QTest.qWait(150)
    _wait(lambda: window.tracking_strip.words.text() == "Tracking")


def recover_after_a_kill(window: MainWindow, _: JackPlayer) -> None:
    """Show the desk that was restored after a kill."""
    _wait(lambda: window.sessions.crashed)
    _press(window, "F3")


SIZES = ((1280, 800), (1920, 1080))
VIEWS = {
    "perform": ("Ctrl+F1", "F2"),
    "stage": ("Ctrl+F1", "Shift+F11"),
    "blend": ("Ctrl+F1", "F6"),
    "design": ("Ctrl+F2", "F4"),
    "effects": ("Ctrl+F2", "F3"),
    "layers": ("Ctrl+F2", "F7"),
    "audio": ("Ctrl+F2", "Ctrl+D"),
    "study": ("Ctrl+F3",),
    "map": ("Ctrl+F3", "F5"),
    "sequence": ("Ctrl+F3", "F8"),
}
"""Keys that open what a performer, a sound designer and a researcher look at."""


def looks(folder: Path, scales: Sequence[int]) -> None:
    """Walk through all views in every size, theme and scale.

    Parameters
    ----------
    folder : Path
    scales : sequence of int
        Percent.
    """
    _own_folders()
    window = _open("silent")
    _press(window, "F3")
    for title in ("Delay", "Modulation"):
        window.effects.menu.aboutToShow.emit()
        next(a for a in window.effects.menu.actions() if a.text() == title).trigger()
    match_a_recording(window, None)
    for corner in range(4):
        window.blend_page.keep_here(corner)
    for (width, height), look, scale in product(SIZES, ("dark", "light"), scales):
        window.settings.theme, window.settings.scale = look, scale
        window.look.begin()
        window.look.use(look)
        window.resize(width, height)
        for view, keys in VIEWS.items():
            for key in keys:
                _press(window, key)
                if key == keys[0]:
                    window.drawer.turn_to("")
            QTest.qWait(300)
            _save(window, folder / f"{width}x{height} {look} {scale} {view}.png")
            if window.stage.isVisible():
                window.toggle_stage()
            window.drawer.turn_to("")
            window.layouts.reset()
    window.close()


STORIES: dict[str, Callable[[MainWindow, JackPlayer], None]] = {
    story.__name__: story
    for story in (
        play_the_pad, match_a_recording, compare_two_presets, record_and_follow,
        recover_after_a_kill,
    )
}  # fmt: skip


def main(argv: list[str]) -> int:
    """Tell the stories; exit code 1 if one came to nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stories", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=resource("assets", "screenshots"))
    parser.add_argument("stories", nargs="*", choices=[[], *STORIES], metavar="STORY")
    parser.add_argument("--looks", action="store_true", help="all views in every look")
    parser.add_argument("--scales", type=int, nargs="+", default=[100, 125, 150, 200])
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    application = QApplication([sys.argv[0]])
    theme.apply(application)
    if options.looks:
        looks(options.folder, options.scales)
        return 0
    for name in options.stories or STORIES:
        with jack_dummy(_RATE, _BLOCK), jack_player(_RATE, _BLOCK) as other:
            _tell(name, other, options.folder / f"{name}.png")
    return 0


def _tell(name: str, other: JackPlayer, picture: Path) -> None:
    _own_folders()
    if name == "recover_after_a_kill":
        _kill_a_desk()
    window = _open()
    STORIES[name](window, other)
    QTest.qWait(_SETTLE_MS)
    _save(window, picture)
    window.close()


def _own_folders() -> None:
    """Leave the user's own desk and takes as they are."""
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp()
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()


def _open(device: str = "system") -> MainWindow:
    window = open_window(Session(device, INSTRUMENT, _RATE, _BLOCK, start=False))
    window.resize(*SIZE)
    window.show()
    _wait(lambda: window.session.device.status() is not None)
    _wait(lambda: "sound" in window.scalograms.shown)
    window.activateWindow()  # without it a bare display gives keys to nobody
    window.pad.setFocus()
    _wait(window.isActiveWindow)
    return window


def _kill_a_desk() -> None:
    """Let another process play, keep its session, and be killed like by a power cut."""
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, env=os.environ
    ) as desk:
        assert desk.stdout is not None
        desk.stdout.readline()
        desk.kill()


_KILLED = """
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from benchmarks.stories import _open, play_the_pad
if __name__ == "__main__":
    application = QApplication([])
    window = _open()
    play_the_pad(window, None)
    window.sessions.autosave()
    print("kept", flush=True)
    QTest.qWait(60000)
"""


def _save(window: MainWindow, path: Path) -> None:
    """Write the screen in 256 colours: a fifth of the bytes, without a visible difference."""
    window.grab().save(str(path))
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


def _found(window: MainWindow) -> bool:
    return window.session.match.result is not None


def _wait(until: Callable[[], bool]) -> None:
    for _ in range(_LONGEST_MS // 20):
        if until():
            return
        QTest.qWait(20)
    raise SystemExit("The desk did not come to where the story goes on.")


def _press(window: MainWindow, keys: str) -> None:
    QTest.keySequence(window, QKeySequence(keys))
    QTest.qWait(120)


def _drag(widget: QWidget, start: QPointF, by: QPoint) -> None:
    begin = start.toPoint()
    QTest.mousePress(widget, _LEFT, _NONE, begin)
    for step in range(1, 9):
        place = QPointF(begin + by * step / 8)
        spot = widget.mapToGlobal(place)
        move = QMouseEvent(QEvent.Type.MouseMove, place, spot, _LEFT, _LEFT, _NONE)
        QApplication.sendEvent(widget, move)
        QTest.qWait(20)
    QTest.mouseRelease(widget, _LEFT, _NONE, begin + by)


def _drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    place, copy = QPoint(300, 300), Qt.DropAction.CopyAction
    QApplication.sendEvent(window, QDragEnterEvent(place, copy, data, _LEFT, _NONE))
    QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, data, _LEFT, _NONE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
