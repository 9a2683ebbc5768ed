"""Fears: a proposed name is refused, a folder is that of something else, a form plays a preset."""

import pytest
from hands import answer, open_dialogs
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from gui.files import PRESETS, SESSIONS
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.system.paths import resource

RETURN, ESCAPE = Qt.Key.Key_Return, Qt.Key.Key_Escape


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


@pytest.fixture
def here(desk, tmp_path):
    """The desk, whose dialogs begin in an empty folder, while it plays."""
    purposes = ("Presets", "Sessions", "WAV, 24 bits", "Matches", "Picture", "Banks of presets")
    before = dict(desk.settings.folders)
    desk.settings.folders.update(dict.fromkeys(purposes, str(tmp_path)))
    yield desk
    for dialog in open_dialogs(desk):
        dialog.close()
    if desk.transport.capturing:
        desk.session.capture.stop()
    desk.settings.folders.clear()
    desk.settings.folders.update(before)


def line_of(qtbot, desk):
    qtbot.waitUntil(lambda: bool(open_dialogs(desk)), timeout=20_000)
    return open_dialogs(desk)[0].findChild(QLineEdit, "fileNameEdit")


SAVES = {
    "save_preset": ".mesopreset.json", "save_session": ".mesosession.json", "capture": ".wav",
    "save_last": ".wav", "export": ".png", "export_bank": ".zip",
}  # fmt: skip


def propose(desk, qtbot, id_):
    """Open the dialog of an action; of pictures that of the waveform, which is always there."""
    if id_ == "export":
        qtbot.waitUntil(lambda: len(desk.scope.samples) > 0, timeout=20_000)
        exporter = desk.links.exporter
        exporter._ask(exporter._view_of(desk.scope), "Picture")
    else:
        desk.actions_[id_].trigger()


@pytest.mark.parametrize("id_", SAVES)
def test_return_takes_what_a_dialog_proposes(here, qtbot, tmp_path, id_):
    qtbot.wait(300)  # something to save of the last minutes
    propose(here, qtbot, id_)
    QTest.keyClick(line_of(qtbot, here), RETURN)
    qtbot.waitUntil(lambda: not open_dialogs(here), timeout=20_000)

    def written():  # a bank is a draft for a moment
        return [path.name.endswith(SAVES[id_]) for path in tmp_path.iterdir()] == [True]

    qtbot.waitUntil(written, timeout=20_000)


def test_what_is_saved_opens_with_a_double_click():
    types = resource("assets", "desktop").joinpath("mesosynth.xml").read_text()
    for ending in (PRESETS["Presets"][0], SESSIONS["Sessions"][0]):
        assert f'pattern="*{ending}"' in types


@pytest.mark.parametrize(
    ("id_", "name", "file"),
    [
        ("save_preset", "Bass v1.2", "Bass v1.2.mesopreset.json"),
        ("save_session", "gig 30.11", "gig 30.11.mesosession.json"),
        ("save_preset", "mine.json", "mine.json"),
        ("save_last", "night 30.11", "night 30.11.wav"),
        ("save_last", "night.flac", "night.flac"),
    ],
)
def test_a_name_with_dots_gets_the_ending_of_its_kind(here, qtbot, tmp_path, id_, name, file):
    here.actions_[id_].trigger()
    answer(qtbot, here, name)
    qtbot.waitUntil((tmp_path / file).exists, timeout=20_000)


def test_a_file_of_that_name_is_replaced_only_when_asked(here, qtbot, tmp_path):
    kept, asked = tmp_path / "Bass v1.2.mesopreset.json", []
    kept.write_text("mine")
    here.actions_["save_preset"].trigger()
    line = line_of(qtbot, here)
    line.setText("Bass v1.2")

    def refuse():
        box = QApplication.activeModalWidget()
        asked.append(box.text())
        QTest.keyClick(box, ESCAPE)

    QTimer.singleShot(300, refuse)
    QTest.keyClick(line, RETURN)
    assert "Bass v1.2.mesopreset.json" in asked[0]
    assert kept.read_text() == "mine"


def test_sounds_presets_and_pictures_each_have_their_folder(here, qtbot, tmp_path):
    for name in ("presets", "pictures"):
        (tmp_path / name).mkdir()
    for id_, place in (("save_preset", "presets"), ("export", "pictures")):
        propose(here, qtbot, id_)
        answer(qtbot, here, tmp_path / place / "mine")
    for id_, place in (("open_preset", "presets"), ("export", "pictures"), ("save_session", "")):
        propose(here, qtbot, id_)
        line_of(qtbot, here)
        (dialog,) = open_dialogs(here)
        assert dialog.directory().absolutePath() == str(tmp_path / place).rstrip("/")
        dialog.close()
        qtbot.waitUntil(lambda: not open_dialogs(here), timeout=20_000)


# --------------------------------------------------------------------------------------------------
# The form that saves to the library.


@pytest.fixture
def form(desk, qtbot):
    qtbot.waitUntil(lambda: bool(desk.library.library.entries), timeout=20_000)
    desk.history.set_at_once({"f_c": 777.0}, "test")
    desk.library.list.selectionModel().clearCurrentIndex()
    press(desk, "Ctrl+L")
    yield desk.library.form
    desk.library.form.hide()
    for entry in [e for e in desk.library.library.entries if not e.factory]:
        desk.library.library.remove(entry)
    desk.library.refresh()


@pytest.mark.parametrize("key", [RETURN, ESCAPE])
def test_closing_the_save_form_leaves_the_sound_alone(desk, qtbot, form, key):
    desk.library.rows.playing = ""
    form.name.setText("Mine")
    QTest.keyClick(form.name, key)
    assert not form.isVisible()
    qtbot.wait(200)  # a row that is chosen is heard after 70 ms
    assert desk.session.sound.values["f_c"] == 777.0


def test_tab_into_the_list_plays_nothing_and_an_arrow_does(desk, qtbot, form):
    QTest.keyClick(form.name, ESCAPE)
    desk.library.rows.playing = ""
    desk.pad.setFocus()
    desk.library.list.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.wait(200)
    assert desk.session.sound.values["f_c"] == 777.0
    QTest.keyClick(desk.library.list, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: desk.session.sound.values.get("f_c") != 777.0, timeout=20_000)


def test_a_new_match_is_saved_without_what_was_said_of_the_preset_before(desk, qtbot, tmp_path):
    session = desk.session
    before = Preset(name="Bells", author="Ann", comment="For Bob", licence="CC0")
    session.presets.play(before)
    desk.history.set_at_once({"f_c": 500.0}, "test")
    press(desk, "Ctrl+L")
    form = desk.library.form
    assert (form.name.text(), form.author.text()) == ("Bells", "Ann")  # a variation of it
    QTest.keyClick(form.name, ESCAPE)
    session.sound.set({"f_c": 620.0}, "match")  # as its steps do
    press(desk, "Ctrl+L")
    assert form.name.text() != "Bells"
    assert (form.author.text(), form.comment.text()) == ("", "")
    QTest.keyClick(form.name, ESCAPE)
    desk.files.save_preset(tmp_path / "new v1.2.mesopreset.json")
    saved = load_preset(tmp_path / "new v1.2.mesopreset.json")
    assert (saved.author, saved.licence) == ("", Preset(name="").licence)
    assert saved.name == "new v1.2"
