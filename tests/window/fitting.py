"""What is cut off or overlaps on a screen of some size, at some scale and in both looks.

Each size has a process of its own, because Qt scales from its first moment on. Windows are as
large as that many pixels allow; what is smaller than the desk's minimum cannot be had there.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

SIZES = [(1024, 700), (1200, 800), (1600, 1000), (1920, 1080), (3840, 2160)]

LOOK_AT_IT = """
import json, sys
from PySide6.QtCore import QRect
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolButton
from filled import fill
from painted_text import text_troubles
from gui import theme
from gui.desk import Desk
from gui.docks import LAYOUTS
from gui.main_window import MainWindow
from gui.settings import Settings
from mesosynth.session import Session
from mesosynth.session.presets import Snapshot

def place(window, widget):
    return QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())

def troubles(window):
    views = [window.docks[id_] for id_ in window.docks if window.docks.front(id_)]
    panels = [window.beside_menus, window.transport, window.drawer, *views, window.knobs,
              window.status]
    places = [(panel.objectName() or type(panel).__name__, place(window, panel))
              for panel in panels if panel.isVisible()]
    for i, (name, one) in enumerate(places):
        if not window.rect().contains(one):
            yield f"{name} leaves the window"
        for other, two in places[i + 1:]:
            if one.intersects(two):
                yield f"{name} overlaps {other}"
    for child in [*window.findChildren(QLabel), *window.findChildren(QToolButton)]:
        if child.visibleRegion().isEmpty() or child.parent() is window.status:
            continue
        text = child.accessibleName() or child.text()
        if isinstance(child, QToolButton) and child.width() < child.minimumSizeHint().width() - 1:
            yield f"the button {text!r} is cut off"
        if not window.rect().contains(place(window, child)):
            yield f"{text!r} leaves the window"

application = QApplication([])
sizes = json.loads(sys.argv[1])
theme.apply(application, "dark")
window = MainWindow(Desk(Session("silent", start=False)), Settings())
window.show()
QTest.qWait(50)
window.build()
fill(window)
ratio = window.devicePixelRatioF()
found, fitting = [], 0
for look in ("dark", "light"):
    window.look.use(look)
    for page in ("", *window.drawer.pages, *LAYOUTS):
        window.layouts.use(page if page in LAYOUTS else "Design")
        window.layouts.reset()
        window.drawer.turn_to(page)
        window.scale_rate.switch.setChecked(page == "effects")
        window.scale_rate.why.setChecked(page in ("effects", "layers"))
        for width, height in sizes if look == "dark" else sizes[:1]:
            logical = round(width / ratio), round(height / ratio)
            least = window.minimumSize()
            if logical[0] < least.width() or logical[1] < least.height():
                continue
            window.resize(*logical)
            while QTest.qWait(20) or window.docks._soon.isActive():
                pass
            QTest.qWait(20)
            got = window.width(), window.height()
            if got != logical:
                found.append(f"{logical} with {page!r} is not to be had: {got}")
            fitting += 1
            seen = list(troubles(window))
            if look == "dark":  # letters are as wide in the light
                seen += text_troubles(window, [window.status.message])
            found += [f"{logical} {look} {page}: {trouble}" for trouble in seen]
print(json.dumps([ratio, fitting, found]))
window.close()
"""


def check_fit(percent, folder):
    """Lay the desk out in all sizes, looks and pages: nothing may be cut off or overlap."""
    script = folder / "look.py"
    script.write_text(LOOK_AT_IT)
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QT_SCALE_FACTOR": f"{percent / 100:g}",
        "MESOSYNTH_CONFIG_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parents[2], Path(__file__).parent))),
    }
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(SIZES)],
        capture_output=True, text=True, env=environment, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ratio, fitting, found = json.loads(done.stdout.splitlines()[-1])
    assert ratio == percent / 100
    assert fitting >= 8  # two looks by four pages, in one size at the least
    assert not found, "\n".join(found)
