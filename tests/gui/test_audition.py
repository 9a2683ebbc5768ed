"""Target against match, by key and by mouse; and how alike they are."""

from hands import LEFT
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest


def test_one_key_goes_through_target_match_and_both(target, qtbot):
    session, action = target.bridge.session, target.actions_["audition"]
    for heard, label in (("target", "Target"), ("match", "Match"), ("both", "Both")):
        QTest.keyClick(target, Qt.Key.Key_T)
        assert session.auditioned == heard
        assert action.isChecked()
        assert action.iconText() == label
        assert target.match_page.hear[heard].isChecked()
        assert "press T" in target.status.message.text()
    QTest.keyClick(target, Qt.Key.Key_T)
    assert session.auditioned is None
    assert not action.isChecked()


def test_a_button_goes_straight_there_and_space_ends_it(target, qtbot):
    session, buttons = target.bridge.session, target.match_page.hear
    playing = session.playing
    target.drawer.turn_to("matching")
    QTest.mouseClick(buttons["both"], LEFT)
    assert session.auditioned == "both"
    QTest.mouseClick(buttons["match"], LEFT)
    assert session.auditioned == "match"
    QTest.keyClick(target, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not buttons["match"].isChecked(), timeout=5_000)
    assert session.auditioned is None
    assert session.playing != playing
    QTest.keyClick(target, Qt.Key.Key_Space)
    target.drawer.turn_to("")


def test_a_match_is_judged_in_three_views_and_so_are_its_candidates(target, qtbot):
    bars = target.match.scores.bars
    with qtbot.waitSignal(target.bridge.match_judged, timeout=60_000):
        QTest.keyClick(target, Qt.Key.Key_M)
    assert all(float(bar.text) > 0.9 for bar in bars.values())
    assert "0.99" in bars["jtfs"].toolTip()
    assert "alike" in target.match_page.candidates.item(0).text()
    record = target.bridge.session.preset("judged").match
    assert set(record.similarity) == {"jtfs", "mss", "log_mel"}
