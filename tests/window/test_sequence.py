"""The page of sequences, by hand."""

import pytest
from hands import LEFT
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from sequences import matched, moving, write_moving


@pytest.fixture
def page(desk, qtbot):
    QTest.keySequence(desk, QKeySequence("F8"))
    QTest.qWait(50)
    page = desk.sequence_page
    assert page.isVisible()
    yield page
    desk.session.sequence.stop_playing()
    desk.session.sequence._jobs.close()
    desk.session.sequence.matched = None
    desk.session.sequence.changed.emit(None, False)
    page.smooth.setValue(0)
    desk.session.sound.stop()
    desk.docks.hide_view("sequence")


@pytest.fixture
def shown(desk, page, qtbot):
    """The page with a sequence of six seconds."""
    session = desk.session
    session.sequence.matched = matched(6.0, moving(6.0, rest=(0.0, 0.0)))
    session.sequence.seek(0.0)
    session.sequence.changed.emit(session.sequence.matched, False)
    return page


def test_a_file_is_matched_until_it_is_stopped(desk, page, qtbot, tmp_path):
    session = desk.session
    desk.files.load_target(write_moving(tmp_path / "long.wav", 5.0, moments=moving(5.0)))
    qtbot.waitUntil(lambda: page.run.isEnabled(), timeout=20_000)
    page.hop.setValue(0.5)
    QTest.mouseClick(page.run, LEFT)
    assert page.run.text() == "Stop"
    qtbot.waitUntil(
        lambda: session.sequence.matched is not None and len(session.sequence.matched.moments) > 2,
        timeout=90_000,
    )
    QTest.mouseClick(page.run, LEFT)
    qtbot.waitUntil(lambda: not session.sequence.running, timeout=20_000)
    kept, finished = len(session.sequence.matched.moments), session.sequence.matched.finished
    assert page.note.text() == f"{kept} of 10 windows" + ("" if finished else " · stopped")
    label = "Match all" if finished else "Go on"
    qtbot.waitUntil(lambda: page.run.text() == label, timeout=20_000)
    assert page.progress.value() == 100 * kept
    assert page.play.isEnabled()


def test_play_moves_the_knobs_and_the_playhead_and_is_one_step_of_undo(desk, shown, qtbot):
    session, before = desk.session, desk.history.stack.count()
    f_c = session.sound.values["f_c"]
    QTest.keySequence(desk, QKeySequence("Shift+Space"))
    qtbot.waitUntil(lambda: session.sequence.position > 1.3, timeout=20_000)
    assert shown.play.text() == "Stop"
    assert shown.curves.position > 1.0
    assert session.sound.values["f_c"] != f_c
    QTest.mouseClick(shown.play, LEFT)
    qtbot.waitUntil(lambda: shown.play.text() == "Play", timeout=20_000)
    assert desk.history.stack.count() == before + 1
    QTest.keySequence(desk, QKeySequence("Ctrl+Z"))
    assert session.sound.values["f_c"] == f_c


def test_a_click_and_the_arrows_move_the_playhead(desk, shown, qtbot):
    session = desk.session
    strip = shown.curves.strips[1]
    spot = strip.pixel(3.0, strip.y_axis.at(0.5)).toPoint()
    QTest.mouseClick(strip.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, spot)
    assert session.sequence.position == pytest.approx(3.0, abs=0.05)
    qtbot.wait(50)
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert session.sequence.position == pytest.approx(3.12, abs=0.06)
    QTest.keyClick(strip, Qt.Key.Key_Home)
    assert session.sequence.position == 0.0


def test_the_box_lets_it_loop(desk, shown):
    shown.loop.click()
    assert desk.session.sequence.loops
    shown.loop.click()
    assert not desk.session.sequence.loops


def test_what_is_saved_is_smoothed_as_it_is_shown(desk, shown, qtbot, tmp_path):
    shown.smooth.setValue(60)
    assert desk.session.sequence.smoothing == pytest.approx(shown.smoothing)
    shown.export(tmp_path / "theta.csv")
    qtbot.waitUntil(lambda: (tmp_path / "theta.csv").exists(), timeout=20_000)
    assert len((tmp_path / "theta.csv").read_text().splitlines()) == 7
