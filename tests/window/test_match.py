"""From a dropped sound to its match, on the real matcher."""

from dataclasses import replace

import pytest
from hands import DEMO, SHIFT, drag, drop, told
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from mesosynth.matching.results import Scores


def start(desk, qtbot):
    with told(qtbot, desk.session.match.started, timeout=20_000):
        QTest.keyClick(desk, Qt.Key.Key_M)


def test_a_dropped_sound_becomes_the_target(desk, qtbot):
    signals = [desk.session.target.loaded, desk.session.target.analysed]
    with told(qtbot, *signals, timeout=30_000):
        drop(desk, DEMO)
    assert "target" in desk.scalograms.shown
    assert "target" in desk.scale_rate.shown
    assert desk.actions_["match"].isEnabled()


def test_a_dropped_bad_file_is_one_message_and_nothing_is_lost(target, bad_file):
    desk = target
    before = (desk.session.target.sound, dict(desk.session.sound.values), desk.scalograms.shown)
    drop(desk, bad_file)
    assert str(bad_file) in desk.status.message.text()
    assert (desk.session.target.sound, desk.session.sound.values, desk.scalograms.shown) == before


def test_a_dropped_bad_preset_is_one_message_and_nothing_is_lost(desk, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    before = dict(desk.session.sound.values)
    drop(desk, path)
    assert "broken.json" in desk.status.message.text()
    assert desk.session.sound.values == before


def test_where_one_arpeggio_is_not_enough_a_sentence_says_what_is(target, qtbot):
    session, text = target.session, target.status.message.text
    with told(qtbot, session.match.judged, timeout=60_000) as judged:
        start(target, qtbot)
    result = judged.args[0]
    assert "press L" not in text()  # it is like the target
    session.match.judged.emit(replace(result, similarity=Scores(0.81, 0.9, 0.85)))
    assert "One arpeggio: 81% like. Press L" in text()
    session.match.judged.emit(replace(result, similarity=Scores(0.59, 0.99, 0.95)))
    assert "One arpeggio: not matched. Press L" in text()
    assert target.match.scores.bars["score"].text == "not matched"


def test_above_the_curve_stands_the_loss_of_what_was_found(target, qtbot):
    session, text = target.session, target.loss.note.text
    with told(qtbot, session.match.ended, timeout=60_000) as ended:
        start(target, qtbot)
    result = ended.args[0]
    # The curve's lowest may be of a window, which compares with nothing.
    session.match.ended.emit(replace(result, loss=0.15))
    assert text() == f"1.5e-01 after {result.evaluations}"
    session.match.ended.emit(None)
    assert text() == f"1.5e-01 after {result.evaluations}"


def test_a_match_is_seen_and_heard_and_undone(target, qtbot):
    desk = target
    with told(qtbot, desk.session.match.ended, timeout=60_000) as ended:
        start(desk, qtbot)
    result = ended.args[0]
    assert result.converged
    assert len(desk.pad.trajectory) >= 2
    assert not desk.loss.curves.empty
    assert "±" in desk.match.value_text("f_m")
    assert desk.match.progress.value() == 1000
    for id_, value in result.theta.items():
        assert desk.session.sound.values[id_] == pytest.approx(value)
    qtbot.waitUntil(lambda: "difference" in desk.scale_rate.shown, timeout=30_000)
    assert desk.history.stack.count() == 1
    QTest.keyClick(desk, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.session.sound.values["f_m"] == pytest.approx(8.0)
    QTest.keyClick(desk, Qt.Key.Key_A)
    assert desk.session.sound.values["f_m"] == pytest.approx(result.theta["f_m"])


def test_without_follow_the_sound_stays(target, qtbot):
    desk = target
    desk.session.match.follow = False
    with told(qtbot, desk.session.match.ended, timeout=60_000):
        start(desk, qtbot)
    assert desk.session.sound.values["f_m"] == 8.0
    assert desk.history.stack.count() == 0


def test_panic_stops(target, qtbot):
    desk = target
    start(desk, qtbot)
    assert desk.actions_["stop_match"].isEnabled()
    with told(qtbot, desk.session.match.ended, timeout=20_000):
        QTest.keyClick(desk, Qt.Key.Key_Escape, SHIFT)
    qtbot.waitUntil(lambda: not desk.session.match.running, timeout=20_000)
    qtbot.waitUntil(lambda: not desk.actions_["stop_match"].isEnabled(), timeout=20_000)
    QTest.keyClick(desk, Qt.Key.Key_Escape, SHIFT)  # and the sound goes on


def test_a_hand_on_the_pad_takes_over_from_the_match(target, qtbot):
    desk = target
    start(desk, qtbot)
    assert desk.session.match.running
    drag(desk.pad.viewport(), desk.pad.handle, (40, 40))
    assert not desk.session.match.follow
    assert not desk.actions_["follow"].isChecked()
    assert "took over" in desk.status.message.text()
    hand = desk.session.sound.values["f_m"]
    with told(qtbot, desk.session.match.ended, timeout=60_000):
        pass
    assert desk.session.sound.values["f_m"] == hand


def test_a_hand_on_the_gain_does_not(target, qtbot):
    desk = target
    start(desk, qtbot)
    drag(desk.knobs["gain"], desk.knobs["gain"].dial.center(), (0, 20))
    assert desk.session.match.follow
