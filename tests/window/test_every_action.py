"""Fear: something in the menus does nothing, by its keys or by the mouse.

What needs layers, a long sound, an input or a chosen sound is in test_actions_in_place.py.
"""

import pytest
from hands import DEMO, LEFT, told
from PySide6.QtCore import QEvent, QObject
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QToolButton
from test_actions_in_place import PLACES
from ways import WAYS

from gui.actions import MENUS
from mesosynth.matching.results import MatchSettings


def dialogs(desk):
    return [each.windowTitle() for each in desk.findChildren(QDialog) if each.isVisible()]


def kept(desk):
    return [slot is not None for slot in desk.comparisons.slots]


# What a user sees or hears of an action: it must be another thing afterwards.
SEEN = {
    "record": lambda desk: desk.status.message.text(),  # no input here, which is said
    "quit": lambda desk: desk.asked_to_close(),
    "undo": lambda desk: desk.session.sound.values["f_m"],
    "redo": lambda desk: desk.session.sound.values["f_m"],
    "flip": lambda desk: desk.session.sound.values["gamma"],
    "compare": lambda desk: desk.actions_["compare"].iconText(),
    "play": lambda desk: desk.session.sound.playing,
    "piano": lambda desk: desk.actions_["piano"].isChecked(),
    "panic": lambda desk: desk.actions_["panic"].isChecked(),
    "sound_target": lambda desk: desk.pad._known,
    "match": lambda desk: desk.session.match.running,
    "pause_match": lambda desk: desk.session.match.is_paused,
    "stop_match": lambda desk: desk.session.match.running,
    "follow": lambda desk: desk.session.match.follow,
    "apply": lambda desk: desk.session.sound.values["f_m"],
    "bigger": lambda desk: desk.settings.scale,
    "smaller": lambda desk: desk.settings.scale,
    "theme": lambda desk: desk.settings.theme,
    "view_knobs": lambda desk: desk.knobs.isVisible(),
    "full_size": lambda desk: desk.docks.full,
    "full_screen": lambda desk: desk.isFullScreen(),
    "place_view": lambda desk: QApplication.activePopupWidget() is not None,
    "next_view": lambda desk: desk.docks.current,
    "spectrum": lambda desk: desk.scope.title.text(),
    "tour": lambda desk: desk.tour.isVisible(),
    **{f"store_{slot}": kept for slot in range(1, 9)},
    **{f"recall_{slot}": lambda desk: desk.session.sound.values["f_m"] for slot in range(1, 9)},
}


def seen(desk, id_):
    """What an action changes; by default the open page, a dialog, what is said, or the sound."""
    if id_ in SEEN:
        return SEEN[id_](desk)
    values = dict(desk.session.sound.values)
    docks = [(each, desk.docks.front(each), desk.docks[each].rect()) for each in desk.docks]
    said = desk.status.message.text()
    return desk.drawer.page, dialogs(desk), said, values, docks, desk.layouts.name


class _Doorkeeper(QObject):
    """Keeps the window open, and remembers that it should have closed."""

    asked = 0

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Close:
            self.asked += 1
            event.ignore()
            return True
        return False


@pytest.fixture
def ready(desk, qtbot, monkeypatch, tmp_path):
    """The desk in a state in which every action can act, and put back afterwards."""
    with told(qtbot, desk.session.target.loaded, timeout=30_000):
        desk.files.load_target(DEMO)
    monkeypatch.setattr("mesosynth.engine.capture.takes_folder", lambda: tmp_path)
    monkeypatch.setattr("mesosynth.session.target.takes_folder", lambda: tmp_path)
    # A match that takes its time: there must be something to pause and to stop.
    monkeypatch.setattr(desk.session.match, "settings", MatchSettings(descent="adam"))
    doorkeeper = _Doorkeeper()
    desk.installEventFilter(doorkeeper)
    desk.asked_to_close = lambda: doorkeeper.asked
    before = desk.settings.theme
    yield desk
    desk.removeEventFilter(doorkeeper)
    desk.settings.theme, desk.settings.scale = before, 100
    desk.look.begin()
    desk.look.use("dark")
    desk.actions_.refresh()
    desk.comparisons.restore([])


def tidy(desk):
    """Close what an action has opened, and switch off what it has switched on."""
    desk.settings.scale = 125
    desk.look.begin()
    desk.actions_.refresh()
    desk.tour.end()
    while QApplication.activePopupWidget() is not None:
        QApplication.activePopupWidget().close()
    desk.showNormal()
    if desk.stage.isVisible():
        desk.toggle_stage()
    desk.layouts.use("Design")
    desk.layouts.reset()
    desk.session.match.stop()
    for id_ in ("piano", "panic", "spectrum"):
        if desk.actions_[id_].isChecked():
            desk.actions_[id_].trigger()
    for dialog in desk.findChildren(QDialog):
        dialog.close()
    desk.desk.say("")
    desk.activateWindow()
    desk.pad.setFocus()


def prepare(desk, qtbot, id_):
    """Bring about what an action needs."""
    move = desk.history.set_at_once
    if id_ == "layout_design":
        desk.layouts.use("Play")
    if id_ == "reset_layout":
        desk.docks.hide_view("loss")
    qtbot.wait(30)  # the views are laid out in the next turn of the event loop
    if id_ in ("undo", "redo"):
        move({"f_m": 20.0}, "test")
    if id_.startswith("store_"):
        desk.comparisons.restore([])
    if id_ == "previous_sound":  # there must be one
        desk.actions_["next_sound"].trigger()
        desk.actions_["next_sound"].trigger()
    if id_ == "redo":
        desk.history.undo()
    if id_.startswith("recall_"):
        desk.comparisons.store(int(id_[-1]) - 1)
        move({"f_m": 20.0}, "test")
    found = desk.session.match.result is not None
    # The match of the test before may have been stopped before its first step.
    if (id_ == "apply" and not found) or (id_ == "save_match" and not desk.match_page.has_steps):
        with told(qtbot, desk.session.match.stepped, timeout=60_000):
            desk.session.match.start()
        with told(qtbot, desk.session.match.ended, timeout=60_000):
            desk.session.match.stop()
    if id_ == "apply":
        move({"f_m": 20.0}, "test")
    if id_ in ("pause_match", "stop_match"):
        with told(qtbot, desk.session.match.started, timeout=20_000):
            desk.session.match.start()
    if id_ == "panic" and not desk.session.sound.playing:
        desk.session.sound.play()
    qtbot.waitUntil(desk.actions_[id_].isEnabled, timeout=20_000)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("menu", MENUS)
def test_every_action_acts(ready, qtbot, menu, way):
    desk, idle = ready, []
    # Another target comes last, or the matches would be of that.
    ids = sorted({each.id for each in desk.actions_ if each.menu_title == menu} - set(PLACES))
    for id_ in sorted(ids, key=lambda id_: id_ == "sound_target"):
        tidy(desk)
        qtbot.waitUntil(desk.isActiveWindow, timeout=20_000)
        prepare(desk, qtbot, id_)
        before = seen(desk, id_)
        way(desk, id_)
        try:
            qtbot.waitUntil(lambda i=id_, b=before: seen(desk, i) != b, timeout=20_000)
        except qtbot.TimeoutError:
            idle.append(id_)
    tidy(desk)
    assert not idle


def test_every_button_of_an_action_acts(ready, qtbot):
    """Those of the top row and of the drawer's rail, by a click on each."""
    desk = ready
    tidy(desk)
    desk.resize(1600, 900)
    buttons = [
        button for button in desk.findChildren(QToolButton)
        if button.isVisible() and button.defaultAction() is not None
    ]  # fmt: skip
    ids = {button.defaultAction().objectName() for button in buttons}
    assert {"play", "match", "sounds", "effects", "shortcuts"} <= ids
    for button in buttons:
        action = button.defaultAction()
        if action.isEnabled() and action.objectName() not in {"match", "record", *PLACES}:
            with qtbot.waitSignal(action.triggered, timeout=20_000):
                QTest.mouseClick(button, LEFT)
            for dialog in desk.findChildren(QDialog):
                dialog.close()
    tidy(desk)
