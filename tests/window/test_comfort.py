"""The look, the tour, the question after new sound settings, and menus that remember."""

import pytest
from hands import DEMO, LEFT, told
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui import dialogs, theme


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


@pytest.fixture
def look(desk):
    yield desk
    desk.settings.theme, desk.settings.scale = "system", 100
    desk.look.begin()
    desk.look.use("dark")


def test_ctrl_t_goes_through_the_looks_and_everything_is_painted_in_them(look):
    desk = look
    desk.settings.theme = "dark"
    press(desk, "Ctrl+T")
    assert desk.settings.theme == "light"
    assert theme.TEXT == "#1b2027"
    ground = desk.grab().toImage().pixelColor(2, desk.height() // 2)
    assert ground.lightness() > 200
    icon = desk.actions_["load"].icon().pixmap(16).toImage()
    inks = [icon.pixelColor(x, y) for x in range(16) for y in range(16)]
    assert any(ink.alpha() > 200 and ink.lightness() < 100 for ink in inks)
    press(desk, "Ctrl+T")
    assert desk.settings.theme == "system"
    press(desk, "Ctrl+T")
    assert desk.settings.theme == "dark"
    assert theme.TEXT == "#d7dce4"
    assert desk.grab().toImage().pixelColor(2, desk.height() // 2).lightness() < 60


def test_sizes_change_at_once_and_the_sound_goes_on(look, qtbot):
    desk = look
    process, target = desk.session.device.pid, desk.session.target.sound
    knob, rail = desk.knobs["f_c"], desk.drawer._rail.parentWidget()
    before = knob.sizeHint().height(), rail.width(), desk.font().pixelSize()
    for _ in range(4):
        press(desk, "Ctrl++")
    assert desk.settings.scale == 200
    qtbot.wait(50)
    assert (desk.width(), desk.height()) <= (1700, 1100)  # the screen; the desk scrolls
    assert desk.centralWidget().widget().width() > desk.width()
    after = knob.sizeHint().height(), rail.width(), desk.font().pixelSize()
    for was, now in zip(before, after, strict=True):
        assert now == pytest.approx(2.0 * was, abs=1)
    assert (desk.session.device.pid, desk.session.target.sound) == (process, target)
    assert desk.session.sound.playing
    for _ in range(4):
        press(desk, "Ctrl+-")
    qtbot.wait(50)
    assert desk.settings.scale == 100
    assert (knob.sizeHint().height(), rail.width(), desk.font().pixelSize()) == before


def test_the_tour_has_five_steps_that_stay_in_the_window(desk):
    press(desk, "Shift+F1")
    titles = []
    while desk.tour.isVisible():
        titles.append(desk.tour.title.text())
        assert desk.rect().contains(desk.tour.geometry())
        QTest.mouseClick(desk.tour.next, LEFT)
    assert len(set(titles)) == 5
    assert desk.settings.toured
    assert QApplication.focusWidget() is desk.pad


def test_new_sound_settings_go_back_unless_they_are_kept(desk, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(desk.session.device, "set", lambda *wish: asked.append(wish))
    commands = desk.sound
    commands.devices.chosen.emit("silent", 44100, 512)
    assert commands.question.isVisible()
    QTest.mouseClick(commands.question.keep, LEFT)
    assert asked == [("silent", 44100, 512)]
    monkeypatch.setattr(dialogs, "SECONDS", 1)
    commands.devices.chosen.emit("silent", 96000, 64)
    qtbot.waitUntil(lambda: len(asked) == 3, timeout=20_000)
    assert asked[2] == ("silent", None, None)  # what it was before, as it was asked for
    assert not commands.question.isVisible()


def test_names_in_menus_and_tooltips_are_no_markup(target, monkeypatch):
    strange = ["music/R&B.wav", "music/<b>x</b>.wav", "file:///music/caf%E9.wav"]
    monkeypatch.setattr(target.files._settings, "recent", strange)
    target.files.recent.aboutToShow.emit()
    actions = target.files.recent.actions()
    assert [action.text() for action in actions] == ["R&&B.wav", "b>.wav", "caf\ufffd.wav"]
    assert actions[0].toolTip() == "music/R&B.wav"
    assert "&lt;b&gt;" in actions[1].toolTip()
    status = target.status.message
    status.setText("<b>x</b>")
    assert status.textFormat() == Qt.TextFormat.PlainText


def test_recent_targets_can_be_taken_again(target, qtbot):
    target.files.recent.aboutToShow.emit()
    first = target.files.recent.actions()[0]
    assert first.text() == DEMO.name
    with told(qtbot, target.session.target.loaded, timeout=20_000):
        first.trigger()


def test_a_page_and_the_corner_that_were_hidden_meanwhile_are_whole_at_another_size(desk, qtbot):
    page, corner, before = desk.match_page, desk.beside_menus, desk.beside_menus.width()
    desk.look.scale(1)
    qtbot.wait(100)
    desk.drawer.turn_to("matching")
    qtbot.wait(100)
    body = page.candidates.parentWidget()
    assert body.height() >= body.minimumSizeHint().height()
    assert corner.width() == corner.sizeHint().width() > before
    desk.look.scale(-1)
    qtbot.wait(100)
    desk.drawer.turn_to("")
