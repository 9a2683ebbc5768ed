"""Target against match, by key and by mouse; and how alike they are."""

from itertools import pairwise

from hands import LEFT, told
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest


def test_one_key_goes_through_target_match_and_both(target, qtbot):
    session, action = target.session, target.actions_["audition"]
    for heard, label in (("target", "Target"), ("match", "Match"), ("both", "Both")):
        QTest.keyClick(target, Qt.Key.Key_T)
        assert session.comparison.heard == heard
        assert action.isChecked()
        assert action.iconText() == label
        assert target.match.hear[heard].isChecked()
        # It is said once it is so: the loudness of both is measured before the first.
        qtbot.waitUntil(lambda: "press T" in target.status.message.text(), timeout=30_000)
    QTest.keyClick(target, Qt.Key.Key_T)
    assert session.comparison.heard is None
    assert not action.isChecked()


def test_a_button_goes_straight_there_and_space_ends_it(target, qtbot):
    session, buttons = target.session, target.match.hear
    playing = session.sound.playing
    target.drawer.turn_to("matching")
    QTest.mouseClick(buttons["both"], LEFT)
    assert session.comparison.heard == "both"
    QTest.mouseClick(buttons["match"], LEFT)
    assert session.comparison.heard == "match"
    QTest.keyClick(target, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not buttons["match"].isChecked(), timeout=20_000)
    assert session.comparison.heard is None
    assert session.sound.playing != playing
    QTest.keyClick(target, Qt.Key.Key_Space)
    target.drawer.turn_to("")


def test_the_playhead_goes_along_with_the_target(target, qtbot, monkeypatch):
    session, places = target.session, []
    session.sound.stop()
    with monkeypatch.context() as patch:
        patch.setattr(target.scalograms, "set_playhead", places.append)
        session.comparison.hear("target")
        qtbot.waitUntil(lambda: sum(place is not None for place in places) > 50, timeout=20_000)
        session.comparison.hear(None)
    seen = [place for place in places if place is not None]
    assert -2.1 < seen[0] < 2.0  # s from the middle of the window
    forward = [after - before for before, after in pairwise(seen)]
    assert sum(step >= 0.0 for step in forward) > 45


def test_a_match_is_judged_in_three_views_and_so_are_its_candidates(target, qtbot):
    bars = target.match.scores.bars
    with told(qtbot, target.session.match.judged, timeout=60_000):
        QTest.keyClick(target, Qt.Key.Key_M)
    assert float(bars["jtfs"].text) > 0.9
    assert all(float(bar.text) > 0.5 for bar in bars.values())
    assert "JTFS" in bars["jtfs"].toolTip()
    assert "% like" in target.match_page.candidates.item(0).text()
    record = target.session.presets.preset("judged").match
    assert set(record.similarity) == {"score", "picture", "jtfs", "log_mel"}
