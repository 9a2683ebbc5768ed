"""Fears: what is shown or applied is of another target, or of another time."""

from dataclasses import replace

import numpy as np
import pytest
from hands import DEMO, LEFT, told
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from mesosynth.audio.file import write_wav
from mesosynth.matching.results import (
    Candidate,
    Filters,
    MatchResult,
    MatchSettings,
    MatchStep,
    Scores,
)
from mesosynth.presets.preset import EffectState, Preset

LAYERED = Preset(
    name="Two", instrument="layers", parameters={"level_1": -6.0, "f_c_1": 300.0},
    effects=(EffectState(plugin="reverb"),),
)  # fmt: skip


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


@pytest.fixture
def matched(desk, qtbot):
    """The desk with the result of a match of the demo, which need not be computed for this."""
    session = desk.session
    with told(qtbot, session.target.loaded, timeout=30_000):
        desk.files.load_target(DEMO)
    session.match.start()
    session.match._cancel()
    matchable = session.rack.instrument_plugin.parameters.matchable
    theta = {id_: session.sound.values[id_] for id_ in matchable} | {"f_c": 620.0}
    step = MatchStep(theta, {}, 0.1, 9, 1.0, 0, 0.9)
    result = MatchResult(
        theta, {}, 0.1, 9, 1.0, True, 2.0, 0.5, [step], [Candidate(theta, {}, 0.1, 0)]
    )
    session.match._take_step(step)
    session.match._end(result)
    qtbot.waitUntil(lambda: desk.match_page.candidates.count() == 1, timeout=20_000)
    assert desk.session.sound.values["f_c"] == 620.0
    return desk


def test_a_new_target_leaves_nothing_of_the_old_result(matched, qtbot, tmp_path):
    desk = matched
    desk.drawer.turn_to("matching")
    assert desk.match.value_text("f_c") != "–"
    assert desk.match.progress.value() > 0
    assert desk.pad.trajectory
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 48000)
    write_wav(tmp_path / "other.wav", noise.astype(np.float32), 48000)
    with told(qtbot, desk.session.target.loaded, timeout=30_000):
        desk.files.load_target(tmp_path / "other.wav")
    assert desk.match.value_text("f_c") == "–"
    assert desk.match.progress.value() == 0
    assert "No match" in desk.match._summary.text()
    assert not desk.pad.trajectory
    assert desk.match_page.candidates.count() == 0
    assert not desk.match_page.morph.isEnabled()
    assert desk.match_page.left.text() == "No match yet"
    qtbot.waitUntil(lambda: not desk.actions_["apply"].isEnabled(), timeout=20_000)
    assert not desk.actions_["save_match"].isEnabled()
    assert "other.wav" in desk.status.message.text()


def test_another_part_of_the_same_file_is_another_target(matched, qtbot):
    with told(qtbot, matched.session.target.loaded, timeout=30_000):
        matched.session.target.move_window(0.1)
    assert matched.match.value_text("f_c") == "–"


def test_apply_changes_the_instrument_over_in_one_step(matched, qtbot):
    session = matched.session
    session.presets.play(LAYERED)
    qtbot.wait(50)
    steps = matched.history.stack.index()
    press(matched, "A")
    assert "does not exist" not in matched.status.message.text()
    assert session.rack.instrument == "chirplet"
    assert session.sound.values["f_c"] == 620.0
    assert matched.history.stack.index() == steps + 1
    press(matched, "Ctrl+Z")
    assert session.rack.instrument == "layers"
    assert not session.rack.effects[0].bypassed


def test_a_candidate_and_the_morph_are_heard_over_a_layered_preset(matched):
    session, page = matched.session, matched.match_page
    session.presets.play(LAYERED)
    page.candidates.setCurrentRow(-1)
    page.candidates.setCurrentRow(0)
    assert (session.rack.instrument, session.sound.values["f_c"]) == ("chirplet", 620.0)
    session.presets.play(LAYERED)
    page.morph.setFocus()
    QTest.keyClick(page.morph, Qt.Key.Key_PageDown)
    assert session.rack.instrument == "chirplet"
    matched.history.end()


def test_what_is_said_to_be_heard_is_heard(matched, qtbot):
    """It is not said before it is so: the loudness of both is measured first."""
    session, text = matched.session, matched.status.message.text
    session.presets.play(LAYERED)
    QTest.mouseClick(matched.match.hear["match"], LEFT)
    assert "You hear" not in text()
    assert session.rack.instrument == "chirplet"
    qtbot.waitUntil(lambda: "You hear the match" in text(), timeout=60_000)
    assert session.comparison.ready
    QTest.mouseClick(matched.match.hear["match"], LEFT)
    assert session.comparison.heard is None


def test_there_is_one_panel_to_hear_and_to_apply(matched):
    for page in ("matching", "layers", "sequence"):
        matched.drawer.turn_to(page)
        shown = [each for each in matched.findChildren(QToolButton) if each.isVisible()]
        words = [each.text() for each in shown]
        assert words.count("Apply") == 1, page
        assert sum("Hear the target" in (each.toolTip() or "") for each in shown) == 1, page


# --------------------------------------------------------------------------------------------------
# Sentences.


def test_an_error_goes_when_what_comes_after_it_succeeds(desk, bad_file, tmp_path):
    desk.files.load_target(bad_file)
    assert "letter.wav" in desk.status.message.text()
    desk.sessions.autosave()  # no hand asked for it
    assert "letter.wav" in desk.status.message.text()
    desk.knobs["f_m"].setFocus()
    QTest.keyClick(desk.knobs["f_m"], Qt.Key.Key_Up)
    assert desk.status.message.text() == ""
    desk.history.end()


def test_reading_is_over_when_the_sound_is_there(desk, qtbot, tmp_path):
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 60 * 48000)
    write_wav(tmp_path / "minute.wav", noise.astype(np.float32), 48000)
    with told(qtbot, desk.session.target.loaded, timeout=60_000):
        desk.files.load_target(tmp_path / "minute.wav")
    text = desk.status.message.text()
    assert "Reading" not in text
    assert "minute.wav" in text
    assert "of 60.0 s" in text


# --------------------------------------------------------------------------------------------------
# What is analysed, and why a match stopped.


def test_the_filters_of_a_match_are_seen_and_changed(desk):
    page, match = desk.match_page, desk.session.match
    desk.drawer.turn_to("matching")
    assert {id_: box.value() for id_, box in page.filters.items()} == {
        "J": 12, "Q": 8, "J_fr": 5, "Q_fr": 2, "F": 0
    }  # fmt: skip
    assert "8192 Hz, a window of 4 s, T = 4 s" in page.analysis.text()
    box = page.filters["J"]
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert match.settings.filters == Filters(J=11)
    page.phi.setCurrentIndex(page.phi.findData("jtfs"))
    page.phi.activated.emit(page.phi.currentIndex())
    assert "T = 0.25 s" in page.analysis.text()
    match.settings = MatchSettings()
    page.show_settings()
    assert box.value() == 12


def test_pictures_are_drawn_at_the_rate_that_is_chosen(target, qtbot):
    page, pictures = target.match_page, target.scalograms.pictures
    for rate in (16384, 8192):
        page.rate.setCurrentIndex(page.rate.findData(rate))
        page.rate.activated.emit(page.rate.currentIndex())
        qtbot.waitUntil(
            lambda rate=rate: all(
                0.4 * rate < each.image.y.high <= 0.5 * rate for each in pictures.values()
            ),
            timeout=90_000,
        )
        assert target.settings.picture_rate == rate
    target.settings.picture_rate = 32768  # as after a restart
    page.show_settings()
    assert (page.rate.currentData(), target.session.match.picture_rate) == (32768, 32768)
    target.settings.picture_rate = 8192
    page.show_settings()


def test_why_a_match_stopped_stays_to_be_read(matched, qtbot):
    session = matched.session
    low = Scores(0.3, 0.3, 0.3)
    stopped = replace(session.match.result, converged=False, similarity=low)
    session.match._end(stopped)
    assert "Match stopped" in matched.status.message.text()
    session.match.judged.emit(stopped)
    assert "Match stopped" in matched.status.message.text()
