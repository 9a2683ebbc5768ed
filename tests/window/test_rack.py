"""The drawer's page of effects, by mouse and by keys; every change of the rack can be undone."""

import pytest
from hands import LEFT, drag
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def rack(desk, qtbot):
    """The open page, with no effects and the chirplet."""
    session = desk.session
    desk.drawer.turn_to("effects")
    yield desk
    for uid in [effect.uid for effect in session.rack.effects]:
        desk.session.rack.remove_effect(uid)
    if session.rack.instrument != "chirplet":
        desk.session.rack.set_instrument("chirplet")
    desk.drawer.turn_to("")
    desk.history.stack.clear()


def add(desk, title):
    desk.effects.menu.aboutToShow.emit()
    action = next(a for a in desk.effects.menu.actions() if a.text() == title)
    action.trigger()


def undo(desk):
    QTest.keySequence(desk, QKeySequence("Ctrl+Z"))


def redo(desk):
    QTest.keySequence(desk, QKeySequence("Ctrl+Shift+Z"))


def test_f3_opens_and_closes_the_page(desk):
    QTest.keySequence(desk, QKeySequence("F3"))
    assert desk.drawer.page == "effects"
    assert desk.effects.isVisible()
    QTest.keySequence(desk, QKeySequence("F3"))
    assert desk.drawer.page == ""
    assert not desk.effects.isVisible()


def test_effects_are_added_moved_bypassed_and_removed_and_each_is_one_step(rack):
    desk, session = rack, rack.session
    add(desk, "Delay")
    add(desk, "Reverb")
    assert desk.effects.order == ["delay", "reverb"]
    assert desk.history.stack.count() == 2
    QTest.keyClick(desk.effects["reverb"], Qt.Key.Key_Up, ALT)
    assert [effect.uid for effect in session.rack.effects] == ["reverb", "delay"]
    QTest.mouseClick(desk.effects["delay"].on, LEFT)
    assert session.rack.effects[1].bypassed
    QTest.keyClick(desk.effects["reverb"], Qt.Key.Key_Delete)
    assert desk.effects.order == ["delay"]
    undo(desk)
    undo(desk)
    undo(desk)
    assert [effect.uid for effect in session.rack.effects] == ["delay", "reverb"]
    assert not any(effect.bypassed for effect in session.rack.effects)
    redo(desk)
    assert [effect.uid for effect in session.rack.effects] == ["reverb", "delay"]


def test_a_card_is_dragged_to_its_place(rack, qtbot):
    desk = rack
    add(desk, "Delay")
    add(desk, "Reverb")
    qtbot.wait(50)
    card = desk.effects["delay"]
    drag(card, card.title.geometry().center(), (0, card.height()))
    assert desk.effects.order == ["reverb", "delay"]


def test_knobs_of_an_effect_move_it_and_are_undone_before_it(rack):
    desk, session = rack, rack.session
    add(desk, "Delay")
    knob = desk.effects["delay"].knobs["delay.mix"]
    assert knob.accessibleName() == "Delay Mix"
    before = session.sound.values["delay.mix"]
    drag(knob, knob.dial.center(), (0, -30))
    assert session.sound.values["delay.mix"] > before
    assert "Delay Mix" in desk.actions_["undo"].text()
    undo(desk)
    assert session.sound.values["delay.mix"] == before
    undo(desk)
    assert session.rack.effects == []
    redo(desk)
    redo(desk)
    assert session.sound.values["delay.mix"] > before


def test_what_undo_brings_back_sounds_as_it_did(rack):
    desk, session = rack, rack.session
    add(desk, "Delay")
    desk.history.set_at_once({"delay.time": 0.9}, "test")
    desk.history.step("test", lambda session: session.rack.remove_effect("delay"))
    undo(desk)
    assert session.sound.values["delay.time"] == 0.9
    assert desk.effects["delay"].knobs["delay.time"].value == 0.9


def test_another_instrument_brings_its_knobs_and_undo_the_old_ones(rack, qtbot):
    desk, session = rack, rack.session
    desk.history.set_at_once({"f_c": 700.0}, "test")
    box = desk.effects.instrument
    box.setCurrentIndex(box.findData("ripple"))
    box.activated.emit(box.currentIndex())
    assert session.rack.instrument == "ripple"
    assert [knob.id for knob in desk.knobs.all()] == list(session.rack.instrument_plugin.parameters)
    qtbot.wait(60)
    undo(desk)
    assert session.rack.instrument == "chirplet"
    assert desk.knobs["f_c"].value == 700.0


def test_a_users_plugin_that_fails_tells_its_story_in_its_card(rack, qtbot, config_dir):
    desk = rack
    (config_dir / "plugins" / "sour.py").write_text(
        "from mesosynth.plugins.plugin import Effect\n"
        "raise RuntimeError('no lemons')\n"
        "class Sour(Effect):\n    name = 'Sour'\n"
    )
    add(desk, "Sour  (yours)")
    problem = desk.effects["sour"].problem
    qtbot.waitUntil(problem.isVisible, timeout=20_000)
    assert "no lemons" in problem.text.text()
    QTest.mouseClick(problem.more, LEFT)
    assert problem.story.isVisible()
    assert "Traceback" in problem.story.toPlainText()
