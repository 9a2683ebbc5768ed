"""Page of MIDI and audio, and the piano keys: what is held is lit, what is learned forgotten."""

import pytest
from hands import LEFT, NONE
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from mesosynth.control.process import Held, Learned, Ports
from mesosynth.engine.status import AudioStatus


@pytest.fixture
def page(desk):
    QTest.keySequence(desk, QKeySequence("Ctrl+D"))
    assert desk.setup_page.isVisible()
    yield desk.setup_page
    desk.drawer.turn_to("")


@pytest.fixture
def keys(desk, qtbot):
    desk.docks.open("keyboard")
    QTest.qWait(50)
    yield desk.keyboard
    desk.session.keys.all_notes_off()
    desk.docks.hide_view("keyboard")


def report(desk, monkeypatch, *reports):
    """Let the control process say something."""
    left = list(reports)
    process = desk.session.keys._process
    with monkeypatch.context() as patch:
        patch.setattr(process, "poll", lambda: [left.pop(0)] if left else [])
        desk.session.keys.poll()
        while left:
            desk.session.keys.poll()


def test_a_click_on_a_key_plays_and_lights_it_until_it_is_let_go(desk, keys):
    spot = keys.key_area(60).center().toPoint()
    QTest.mousePress(keys, LEFT, NONE, spot)
    assert keys.held == {60}
    assert keys.accessibleDescription() == "C4"
    QTest.mouseRelease(keys, LEFT, NONE, spot)
    assert keys.held == frozenset()


def test_keys_of_the_computer_and_of_midi_light_up_too(desk, keys, monkeypatch):
    desk.actions_["piano"].trigger()
    try:
        QTest.keyPress(desk, Qt.Key.Key_A)
        assert 60 in keys.held
        report(desk, monkeypatch, Held(frozenset({67})))
        assert keys.held == {60, 67}
        dark = keys.grab().toImage().pixelColor(keys.key_area(67).center().toPoint())
        light = keys.grab().toImage().pixelColor(keys.key_area(65).center().toPoint())
        assert dark != light
        QTest.keyRelease(desk, Qt.Key.Key_A)
        assert keys.held == {67}
        report(desk, monkeypatch, Held(frozenset()))
        assert keys.held == frozenset()
    finally:
        desk.actions_["piano"].trigger()


def test_ports_are_listed_and_a_controller_is_learned_and_forgotten(desk, page, monkeypatch):
    report(desk, monkeypatch, Ports(("Keystation", "Other"), ("Keystation",), 9000))
    assert page.ports.text().splitlines() == [
        "✓ Keystation", "– Other (not heard)", "OSC on UDP port 9000",
    ]  # fmt: skip
    page.parameter.setCurrentIndex(page.parameter.findData("f_m"))
    asked = []
    monkeypatch.setattr(desk.session.keys._process, "learn", asked.append)
    QTest.mouseClick(page.learn, LEFT)
    assert asked == ["f_m"]
    report(desk, monkeypatch, Learned("f_m", 0, 74))
    QTest.qWait(20)
    buttons = page.findChildren(QToolButton)
    forget = next(each for each in buttons if each.accessibleName() == "Forget Note rate")
    QTest.mouseClick(forget, LEFT)
    assert not [b for b in desk.session.keys.bindings if b.parameter == "f_m"]


def test_missed_blocks_propose_a_larger_one(desk, page, monkeypatch):
    page.show_audio(AudioStatus(underflows=3, block=128, load_max=0.4))
    assert page.larger.isVisible()
    assert "3 blocks of 128 frames" in page.missed.text()
    asked = []
    monkeypatch.setattr(desk.session.device, "set", lambda *wish: asked.append(wish))
    monkeypatch.setattr(desk.session.device, "status", lambda: AudioStatus(block=128))
    QTest.mouseClick(page.larger, LEFT)
    assert asked[0][2] == 256
    desk.sound.question.keep.click()
    page.show_audio(AudioStatus(block=256))
    assert not page.larger.isVisible()
