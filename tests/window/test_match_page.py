"""The drawer's page of the match."""

import pytest
from hands import LEFT, told
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from gui.pages.match import time_left
from mesosynth.matching.results import MatchSettings, MatchStep


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


@pytest.fixture
def page(target):
    target.drawer.turn_to("matching")
    yield target.match_page
    target.drawer.turn_to("")
    target.session.match.settings = MatchSettings()
    target.match_page.show_settings()


def tick(box):
    QTest.mouseClick(box, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(8, box.height() // 2))


def test_a_parameter_that_is_not_ticked_stays_where_its_knob_is(target, page):
    tick(page.unknowns["w"])
    settings = target.session.match.settings
    assert "w" not in settings.unknowns
    assert target.knobs["w"].pinned
    pin = next(a for a in target.knobs["w"].menu().actions() if a.text() == "Pin for matching")
    assert pin.isChecked()
    pin.trigger()
    assert "w" in target.session.match.settings.unknowns
    assert page.unknowns["w"].isChecked()


def test_something_is_always_looked_for(target, page):
    for box in page.unknowns.values():
        tick(box)
    assert len(target.session.match.settings.unknowns) == 1


def test_transform_and_descent_are_chosen(target, page):
    for box, name in ((page.phi, "mss"), (page.descent, "adam")):
        box.setCurrentIndex(box.findData(name))
        box.activated.emit(box.currentIndex())
    settings = target.session.match.settings
    assert (settings.phi, settings.descent) == ("mss", "adam")


def test_a_match_pauses_goes_on_and_its_candidates_and_the_way_to_it_are_heard(target, page, qtbot):
    desk, session = target, target.session
    with told(qtbot, desk.session.match.started, timeout=20_000):
        press(desk, "M")
    with told(qtbot, desk.session.match.paused, timeout=30_000):
        press(desk, "P")
    assert desk.actions_["pause_match"].isChecked()
    assert "P" in page.left.text()
    with told(qtbot, desk.session.match.ended, timeout=60_000) as ended:
        press(desk, "P")
    result = ended.args[0]
    assert page.candidates.count() == len(result.candidates) > 0
    matched, before = result.theta["f_m"], 8.0
    assert page.morph.value() == page.morph.maximum()
    page.morph.setFocus()
    QTest.keyClick(page.morph, Qt.Key.Key_Home)
    assert session.sound.values["f_m"] == pytest.approx(before)
    desk.history.end()
    QTest.keyClick(page.morph, Qt.Key.Key_PageUp)
    assert before < session.sound.values["f_m"] < matched
    desk.history.end()
    press(desk, "Ctrl+Z")
    assert session.sound.values["f_m"] == pytest.approx(before)
    page.candidates.setCurrentRow(-1)
    page.candidates.setCurrentRow(0)
    assert session.sound.values["f_m"] == pytest.approx(matched)


def test_a_guess_is_shown_with_its_spread_before_any_match_and_is_heard(target, page, qtbot):
    desk, session = target, target.session
    qtbot.waitUntil(lambda: bool(session.match.guess and session.match.guess.loss), timeout=20_000)
    guess, before = session.match.guess, dict(session.sound.values)
    assert page.guess.text().count("±") == len(guess.std) == 3
    assert desk.match.value_text("f_c").count("±") == 1
    assert desk.match.value_text("am_depth") == "–"  # which the encoder does not hear
    QTest.mouseClick(page.hear_guess, LEFT)
    assert session.sound.values["f_m"] == pytest.approx(guess.theta["f_m"])
    press(desk, "Ctrl+Z")
    assert session.sound.values == pytest.approx(before)
    with told(qtbot, session.match.guessed, timeout=20_000):
        session.rack.set_instrument("ripple")
    assert page.guess.text() == "none for the ripple"
    assert not page.hear_guess.isEnabled()


@pytest.mark.parametrize(
    ("progress", "seconds", "text"),
    [
        (0.0, 3.0, ""),
        (0.5, 10.0, "about 10 s left"),
        (0.1, 60.0, "about 9 min left"),
        (0.99, 2.0, "nearly done"),
    ],
)
def test_time_left_is_told_as_people_tell_it(progress, seconds, text):
    assert time_left(MatchStep({}, {}, 0.1, 3, seconds, 0, progress)) == text
