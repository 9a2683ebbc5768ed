"""Fears: a word means two things, an old zoom hides a new sound, a first start is loud, no keys."""

import re

import numpy as np
import pytest
from hands import told
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QListView,
    QWidget,
)

from gui.plots.plot import Plot
from gui.widgets.knob import Knob
from mesosynth.audio.file import write_wav
from mesosynth.instruments import INSTRUMENTS
from mesosynth.matching.results import MatchStep
from mesosynth.system.paths import resource

GUIDE = resource("guide")
OLD_WORDS = re.compile(
    r"\b(Load (a )?(sound|preset)|Capture|Follow input|Drivers|Rests|Frequency of the carrier)\b"
)


def test_each_thing_has_one_word_in_menus_buttons_and_tooltips(desk):
    named = {
        "load": "Open sound", "open_preset": "Open preset", "open_session": "Open session",
        "record": "Record input", "capture": "Record output", "follow_input": "Track input",
        "save_preset": "Save preset", "keep_sound": "Save to library", "follow": "Follow match",
    }  # fmt: skip
    assert {id_: desk.actions_[id_].text().rstrip("…") for id_ in named} == named
    assert {id_: desk.actions_[id_].iconText() for id_ in named} == named
    texts = [f"{each.text()} {each.iconText()} {each.toolTip()}" for each in desk.actions_]
    texts += [each.text() for each in desk.findChildren(QAbstractButton)]
    assert not [text for text in texts if OLD_WORDS.search(text)]
    labels = [each.text().rstrip("…") for each in desk.actions_]
    assert len(set(labels)) == len(labels)  # one name, one action


def test_a_parameter_is_called_the_same_on_its_knob_beside_a_match_and_in_the_guide(desk):
    table = INSTRUMENTS["chirplet"].parameters
    glossary = (GUIDE / "glossary.md").read_text(encoding="utf-8").casefold()
    for id_ in table.matchable:
        name = table[id_].name
        assert desk.knobs[id_].title == name
        assert desk.match_page.unknowns[id_].text() == name
        assert f"{name.casefold()} (`{id_}`)" in glossary
    assert not any(
        OLD_WORDS.search(page.read_text(encoding="utf-8")) for page in GUIDE.glob("*.md")
    )


def test_a_new_file_is_seen_whole_though_the_last_one_was_zoomed(target, qtbot, tmp_path):
    desk, session = target, target.session
    picture = desk.scalograms.pictures["target"]
    waveform = desk.scalograms.waveform
    for plot in (picture, waveform):
        left, right, low, high = plot.sight
        plot.look_at(left, left + (right - left) / 4.0, low, high)
        assert plot.zoomed
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 2 * 48000).astype(np.float32)
    write_wav(tmp_path / "noise.wav", noise, 48000)
    with told(qtbot, session.target.loaded, session.target.analysed, timeout=90_000):
        desk.files.load_target(tmp_path / "noise.wav")
    assert not waveform.zoomed
    assert not picture.zoomed


def test_no_tooltip_lies_over_what_a_plot_reads(desk):
    plots = desk.findChildren(Plot)
    assert len(plots) > 8
    assert not [p.accessibleName() for p in plots if p.toolTip() or p.viewport().toolTip()]


def test_losses_of_different_phases_are_marked_and_not_joined(desk):
    theta = {"f_m": 4.0}
    desk.loss.start()
    for k, (start, phase) in enumerate(
        [(0, "arpeggio"), (0, "arpeggio"), (0, "refinement"), (0, "refinement"), (1, "arpeggio")]
    ):
        desk.loss.add(MatchStep(theta, {}, 0.1 / (k + 1), k + 1, 0.5 * k, start, 0.0, phase))
    across = desk.loss._loss.x
    assert list(across[~np.isnan(across)]) == [1, 2, 3, 4, 5]
    assert list(np.flatnonzero(np.isnan(across))) == [2, 5]
    assert [text[2].strip() for text in desk.loss._phases._shown] == [
        "start 1", "refinement", "start 2",
    ]  # fmt: skip
    assert "refinement" in desk.loss._read(3.0, 0.0)
    table = desk.loss.table()
    assert [row[list(table.columns).index("phase")] for row in table.rows][2] == "refinement"
    desk.loss.switch.setChecked(True)
    assert [name for _, name in desk.loss._legend._names] == ["Note rate"]  # as on its knob
    desk.loss.switch.setChecked(False)
    desk.loss.start()


def test_a_first_start_comes_up_from_silence(desk, qtbot):
    session, level = desk.session, desk.session.sound.values["gain"]
    session.sound.stop()
    heard = []
    desk.sound.fade_in(1.0)
    assert session.sound.values["gain"] == session.sound.parameters["gain"].minimum
    for _ in range(12):
        qtbot.wait(100)
        heard.append(session.sound.values["gain"])
    assert heard == sorted(heard)
    assert heard[0] < level - 6.0
    assert session.sound.values["gain"] == level
    desk.sound.fade_in(5.0)  # a hand is stronger
    qtbot.wait(100)
    session.sound.set({"gain": session.sound.values["gain"] - 1.0})
    lower = session.sound.values["gain"]
    qtbot.wait(100)
    assert session.sound.values["gain"] == lower


# --------------------------------------------------------------------------------------------------
# The keyboard alone.

KINDS = (
    QAbstractButton, QAbstractSpinBox, QComboBox, QAbstractSlider, QLineEdit, QListView, Knob,
)  # fmt: skip


def reachable(page):
    tab = Qt.FocusPolicy.TabFocus
    for widget in page.findChildren(QWidget):
        known = isinstance(widget, KINDS) or widget.objectName() == "card"
        inner = widget.objectName().startswith("qt_") or isinstance(widget, Plot)
        if known and not inner and widget.isVisible() and widget.isEnabled() and (
            widget.focusPolicy().value & tab.value
        ):  # fmt: skip
            yield widget


@pytest.mark.parametrize("page", ["sounds", "effects", "matching", "layers", "device"])
def test_the_focus_is_seen_wherever_tab_goes(desk, qtbot, page):
    desk.effects.menu.aboutToShow.emit()
    next(a for a in desk.effects.menu.actions() if a.text() == "Delay").trigger()
    desk.drawer.turn_to(page)
    qtbot.waitUntil(desk.isActiveWindow, timeout=20_000)
    qtbot.wait(50)
    widgets, unseen = list(reachable(desk.drawer)), []
    assert len(widgets) > 5
    for widget in widgets:
        desk.pad.setFocus()
        qtbot.wait(5)
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.wait(5)
        if widget.grab().toImage() == before:
            unseen.append(f"{type(widget).__name__} {widget.accessibleName()}")
    desk.history.stack.clear()
    assert not unseen


def test_return_presses_a_button_and_opens_its_menu(desk, qtbot):
    desk.drawer.turn_to("effects")
    QTest.keyClick(desk.effects.add, Qt.Key.Key_Return)
    menu = QApplication.activePopupWidget()
    assert menu is desk.effects.menu
    menu.close()
    with qtbot.waitSignal(desk.effects.tap.pressed):
        QTest.keyClick(desk.effects.tap, Qt.Key.Key_Return)


# --------------------------------------------------------------------------------------------------
# Input, and the part of the file that is matched.


@pytest.fixture
def devices(desk, monkeypatch, tmp_path):
    """The page of devices with two inputs, of which one opens, and one output."""
    from gui.pages import setup
    from mesosynth.engine.portaudio import DeviceInfo, DeviceList
    from mesosynth.errors import DeviceError

    def device(name, inputs, outputs, index):
        return DeviceInfo(name, "ALSA", inputs, outputs, 48000.0, False, False, index)

    found = [device("Mixer", 2, 0, 0), device("Broken", 1, 0, 1), device("Speakers", 0, 2, 2)]
    asked = []

    def record(name=None):
        asked.append(name)
        if name == "Broken":
            raise DeviceError("input 'Broken' does not record (unplugged).")
        return 48000

    monkeypatch.setenv("MESOSYNTH_CONFIG_DIR", str(tmp_path))
    monkeypatch.setattr(setup, "look_for_devices", lambda: DeviceList(found, ""))
    monkeypatch.setattr(desk.session._audio, "start_recording", record)
    monkeypatch.setattr(desk.session._audio, "stop_recording", lambda: None)
    desk.drawer.turn_to("device")
    yield desk.sound.devices, asked
    desk.session.device.set_input(None)
    desk.drawer.turn_to("")


def test_the_input_is_chosen_remembered_and_one_that_does_not_open_is_told(desk, devices, qtbot):
    from mesosynth.session.device import load_audio_settings

    form, asked = devices
    qtbot.waitUntil(lambda: form.input.count() == 3, timeout=20_000)
    assert [form.input.itemData(n) for n in range(3)] == [None, "Mixer", "Broken"]

    def choose(name):
        form.input.setCurrentIndex(form.input.findData(name))
        form.input.activated.emit(form.input.currentIndex())

    choose("Mixer")
    assert desk.session.device.settings.input == "Mixer"
    assert load_audio_settings()[0].input == "Mixer"
    choose("Broken")
    assert "does not record" in desk.status.message.text()
    assert form.input.currentData() == "Mixer"
    assert asked == ["Mixer", "Broken"]
    desk.session.capture.start_take()
    assert asked[-1] == "Mixer"
    choose(None)  # not while it is in use
    assert "in use" in desk.status.message.text()
    desk.session.capture._end_take()


def test_an_input_that_was_unplugged_is_named(desk, devices, qtbot):
    form, _ = devices
    settings = desk.session.device.settings.__class__(input="Gone")
    form.look(None, settings)
    qtbot.waitUntil(lambda: "'Gone' is not connected" in form.note.text(), timeout=20_000)
    assert form.input.currentText() == "Gone  (not connected)"


def test_begin_and_length_of_the_window_are_chosen_in_numbers(desk, qtbot, tmp_path):
    page, session = desk.match_page, desk.session
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 15 * 8000).astype(np.float32)
    write_wav(tmp_path / "long.wav", noise, 8000)
    with told(qtbot, session.target.loaded, timeout=30_000):
        desk.files.load_target(tmp_path / "long.wav")
    desk.drawer.turn_to("matching")
    with told(qtbot, session.target.loaded, timeout=30_000):
        page.length.setCurrentIndex(page.length.findData(1.0))
        page.length.activated.emit(page.length.currentIndex())
    with told(qtbot, session.target.loaded, timeout=30_000):
        page.begin.setValue(7.5)
        page.begin.editingFinished.emit()
    sound = session.target.sound
    assert sound.recording.start == pytest.approx(7.5, abs=0.01)
    assert sound.recording.duration == pytest.approx(1.0, abs=0.01)
    assert sound.start == pytest.approx(7.5 - 1.5, abs=0.1)  # in the middle of four seconds
    active = np.flatnonzero(sound.audio)
    assert len(active) == pytest.approx(8192, abs=200)
    saved = session.saved().target
    assert (saved.start, saved.seconds) == (7.5, 1.0)
    assert page.begin.value() == 7.5
    with told(qtbot, session.target.loaded, timeout=30_000):
        desk.files.load_target(tmp_path / "long.wav")
    assert page.length.currentData() is None
    desk.drawer.turn_to("")
