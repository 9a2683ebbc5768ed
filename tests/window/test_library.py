"""The fears: a sound is not found, a click plays another one, saving overwrites, a box pops up."""

import zipfile

import pytest
from hands import answer, drop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from mesosynth.presets.preset import PRESET, Preset, load_preset, save_preset

LEFT = Qt.MouseButton.LeftButton
DOWN, UP, ENTER = Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return


@pytest.fixture
def page(desk, qtbot):
    """The page of sounds, open, with nothing searched and nothing of the user's."""
    page = desk.library
    for file in page.library.user.glob("*.json"):
        file.unlink()
    page.library.refresh()
    for entry in page.library.entries:
        page.library.set_favourite(entry, False)
    page.line.clear()
    QTest.keyClick(desk, Qt.Key.Key_F2)
    qtbot.waitUntil(lambda: len(page.found) == len(page.library.entries) > 5, timeout=20_000)
    yield page
    desk.drawer.turn_to("")
    page.form.hide()
    desk.session.presets.play(Preset(name="start"))
    desk.session.sound.stop()
    qtbot.wait(100)


def loaded(page):
    return page._desk.session.presets.current


def click(page, name, x=80):
    row = next(row for row, entry in enumerate(page.rows.rows) if entry.name == name)
    page.list.scrollTo(page.rows.index(row))
    box = page.list.visualRect(page.rows.index(row))
    QTest.mouseClick(page.list.viewport(), LEFT, pos=QPoint(x, box.center().y()))


def test_type_a_name_press_enter_and_it_plays(desk, page, qtbot):
    assert page.line.hasFocus()
    QTest.keyClicks(page.line, "bird")
    assert 0 < len(page.found) < len(page.library.entries)
    assert page.found[0].name == "Bird"
    before = dict(desk.session.sound.values)
    QTest.keyClick(page.line, ENTER)
    qtbot.waitUntil(lambda: desk.session.sound.values["f_c"] == 3200.0, timeout=20_000)
    assert desk.session.sound.playing
    assert desk.pad.hasFocus()
    qtbot.waitUntil(lambda: desk.history.stack.canUndo(), timeout=20_000)
    desk.actions_["undo"].trigger()
    qtbot.waitUntil(lambda: desk.session.sound.values["f_c"] == before["f_c"], timeout=20_000)


def test_the_arrow_keys_walk_and_what_they_fly_over_is_not_heard(page, qtbot):
    heard = []
    page._desk.session.presets.loaded.connect(lambda preset: heard.append(preset.name))
    page.rows.playing = ""
    with page.list.quiet():
        page.list.setCurrentIndex(page.rows.index(0))
    for _ in range(4):
        QTest.keyClick(page.line, DOWN)
    QTest.keyClick(page.line, UP)
    wanted = page.found[3].name
    qtbot.waitUntil(lambda: heard == [wanted], timeout=20_000)
    qtbot.wait(200)
    assert heard == [wanted]
    assert page.rows.playing == page.found[3].key


def test_a_click_plays_once_and_a_click_on_the_star_only_marks(page, qtbot):
    heard = []
    page._desk.session.presets.loaded.connect(lambda preset: heard.append(preset.name))
    names = [entry.name for entry in page.found[:3]]
    click(page, names[0])
    qtbot.waitUntil(lambda: heard == names[:1], timeout=20_000)
    click(page, names[2], x=10)
    click(page, names[1], x=10)
    qtbot.wait(200)
    assert heard == names[:1]
    page.line.setText("fav:")
    assert [entry.name for entry in page.found] == names[1:3]
    bank = page._desk.session.presets.bank
    assert [load_preset(path).name for path in bank] == [names[2], names[1]]  # in their order
    click(page, names[1], x=10)
    assert len(page._desk.session.presets.bank) == 1


def test_a_tag_is_clicked_on_and_off(page):
    chip = next(chip for chip in page.chips._chips if chip.isVisible())
    QTest.mouseClick(chip, LEFT)
    assert f"tag:{chip.text()}" in page.line.text()
    assert page.found
    assert all(chip.text() in entry.tags for entry in page.found)
    assert chip.isChecked()
    QTest.mouseClick(chip, LEFT)
    assert page.line.text() == ""
    assert not chip.isChecked()


def test_a_sound_is_saved_in_place_and_none_is_overwritten(desk, page, qtbot):
    desk.history.change({"f_c": 555.0})
    for count in range(2):
        QTest.mouseClick(page.save, LEFT)
        assert page.form.isVisible()
        page.form.name.clear()
        QTest.keyClick(page.form.name, ENTER)
        assert page.form.isVisible()  # it needs a name
        QTest.keyClicks(page.form.name, "Mine")
        page.form.category.setEditText("drone")
        page.form.character.setText("soft,  deep,soft,")
        page.form.comment.setText(f"number {count}")
        QTest.mouseClick(page.form.save, LEFT)
        assert not page.form.isVisible()
    first, second = (load_preset(page.library.user / f"{name}.json") for name in ("Mine", "Mine 2"))
    assert (first.comment, second.comment) == ("number 0", "number 1")
    assert first.tags.words == ("drone", "soft", "deep")
    assert first.values["f_c"] == 555.0
    page.line.setText("is:user")
    assert [entry.name for entry in page.found] == ["Mine", "Mine 2"]
    QTest.mouseClick(page.save, LEFT)
    QTest.mouseClick(page.form.cancel, LEFT)
    assert not page.form.isVisible()


def test_overwrite_stars_and_remove_from_the_menu(desk, page):
    path = page.library.save(Preset(name="Mine"))
    page.refresh()
    entry = page.library.find(path)
    texts = [action.text() for action in page.row_menu(entry).actions()]
    assert texts == [
        "Favourite", "Stars", "Corner of the blend", "", "Name and tags…",
        "Overwrite with the present sound", "Remove",
    ]  # fmt: skip
    desk.history.change({"f_c": 444.0})
    page.edits.overwrite(entry)
    assert load_preset(path).values["f_c"] == 444.0
    page.edits.rate(page.library.find(path), 3)
    page.line.setText("rating:3")
    assert [e.name for e in page.found] == ["Mine"]
    page.edits.remove(page.library.find(path))
    assert not path.exists()
    factory = page.library.search("is:factory")[0]
    texts = [action.text() for action in page.row_menu(factory).actions()]
    assert texts == ["Favourite", "Stars", "Corner of the blend"]


def test_a_broken_file_is_listed_at_the_end_and_plays_nothing(desk, page, qtbot):
    page.library.user.mkdir(parents=True, exist_ok=True)
    (page.library.user / "wrong.json").write_text("{")
    qtbot.waitUntil(lambda: page.rows.rows[-1].name == "wrong", timeout=20_000)
    assert "1 broken" in page.count.text()
    index = page.rows.index(len(page.rows.rows) - 1)
    assert "wrong.json is not a preset" in index.data(Qt.ItemDataRole.ToolTipRole)
    before = dict(desk.session.sound.values)
    click(page, "wrong")
    qtbot.waitUntil(lambda: "wrong.json" in desk.status.message.text(), timeout=20_000)
    assert desk.session.sound.values == before
    (page.library.user / "wrong.json").unlink()
    qtbot.waitUntil(lambda: page.rows.rows[-1].name != "wrong", timeout=20_000)


def test_a_bank_goes_out_and_comes_in(desk, page, tmp_path, qtbot):
    def said(text):
        qtbot.waitUntil(lambda: text in desk.status.message.text(), timeout=20_000)

    bank = tmp_path / "bank.zip"
    page.library.save(Preset(name="Mine", comment="x"))
    page.line.setText("is:user")
    page.export_bank(bank)
    said("1 presets are in bank.zip")
    page.edits.remove(page.found[0])
    page.edits.import_bank(bank)
    said("1 presets came from bank.zip")
    assert [entry.name for entry in page.found] == ["Mine"]
    page.edits.import_bank(bank)
    said("0 presets came from bank.zip; 1 did not")
    bank.write_bytes(b"no zip")
    page.edits.import_bank(bank)
    said("bank.zip is not a bank")
    assert not page.job.isVisible()


def test_a_large_bank_comes_in_while_the_desk_lives_and_can_be_cancelled(page, qtbot, tmp_path):
    bank = tmp_path / "large.zip"
    with zipfile.ZipFile(bank, "w") as file:
        for number in range(2000):
            preset = Preset(name=f"Bank {number:04}")
            file.writestr(f"{number}.json", PRESET.format(preset, "x"))
    turns = []
    page._desk.tick.connect(lambda: turns.append(page.job.bar.value()))
    page.edits.import_bank(bank)
    assert page.job.isVisible()
    page.edits.import_bank(bank)  # one at a time
    qtbot.waitUntil(lambda: page.job.bar.value() > len(page.library.entries) / 2, timeout=20_000)
    qtbot.wait(100)
    assert len(turns) > 3  # the desk went on
    QTest.mouseClick(page.job.cancel, LEFT)
    qtbot.waitUntil(lambda: not page.job.isVisible(), timeout=20_000)
    qtbot.waitUntil(lambda: page.library.search("bank is:user") == [], timeout=20_000)
    assert not list(page.library.user.glob("Bank*"))


def test_a_preset_that_comes_later_is_found_without_asking(page, qtbot):
    page.library.user.mkdir(parents=True, exist_ok=True)
    save_preset(page.library.user / "late.json", Preset(name="Zzz late"))
    page.line.setText("zzz")
    qtbot.waitUntil(lambda: [entry.name for entry in page.found] == ["Zzz late"], timeout=20_000)


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


def test_what_is_removed_comes_back_by_undo(desk, page):
    path = page.library.save(Preset(name="Mine"))
    page.refresh()
    click(page, "Mine")
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    assert not path.exists()
    assert "Ctrl+Z brings it back" in desk.status.message.text()
    press(desk, "Ctrl+Z")
    assert path.exists()
    assert page.library.search("mine is:user")
    press(desk, "Ctrl+Shift+Z")
    assert not path.exists()
    press(desk, "Ctrl+Z")
    assert load_preset(path).name == "Mine"


def test_name_and_tags_change_in_place_and_undo_takes_them_back(desk, page):
    path = page.library.save(Preset(name="Mine", comment="old"))
    page.library.save(Preset(name="Taken"))
    page.refresh()
    click(page, "Mine")
    press(desk, "Ctrl+I")
    assert page.form.isVisible()
    assert (page.form.name.text(), page.form.comment.text()) == ("Mine", "old")
    page.form.name.setText("Taken")
    page.form.comment.setText("new")
    QTest.keyClick(page.form.name, ENTER)
    assert not page.form.isVisible()
    renamed = page.library.user / "Taken 2.json"
    assert not path.exists()
    assert load_preset(renamed).comment == "new"
    assert page.current.name == "Taken 2"
    press(desk, "Ctrl+Z")
    assert load_preset(path).comment == "old"
    assert not renamed.exists()


def test_escape_closes_the_form_and_silences_nothing(desk, page):
    press(desk, "Ctrl+L")
    assert page.form.name.hasFocus()
    QTest.keyClick(page.form.name, Qt.Key.Key_Escape)
    assert not page.form.isVisible()
    assert not desk.actions_["panic"].isChecked()


def test_every_deed_has_a_shortcut(desk, page, qtbot):
    path = page.library.save(Preset(name="Mine", parameters={"f_c": 300.0}))
    page.refresh()
    page.line.setText("is:user")
    press(desk, "Ctrl+Down")
    qtbot.waitUntil(lambda: loaded(page) is not None and loaded(page).name == "Mine")
    press(desk, "Ctrl+B")
    assert "user/Mine.json" in page.library.marks.favourites
    press(desk, "Ctrl+B")
    assert "user/Mine.json" not in page.library.marks.favourites
    press(desk, "Ctrl+.")
    press(desk, "Ctrl+.")
    press(desk, "Ctrl+,")
    assert page.library.marks.ratings["user/Mine.json"] == 1
    qtbot.waitUntil(lambda: desk.session.sound.values["f_c"] == 300.0)
    press(desk, "V")
    varied = desk.session.sound.values["f_c"]
    assert varied != 300.0
    press(desk, "Ctrl+Shift+L")
    assert load_preset(path).values["f_c"] == varied
    press(desk, "Ctrl+Z")
    assert load_preset(path).values["f_c"] == 300.0
    press(desk, "Ctrl+Shift+D")
    assert not path.exists()


def test_a_sound_that_came_with_mesosynth_stays(desk, page):
    click(page, "Laser")
    for keys in ("Ctrl+Shift+D", "Ctrl+Shift+L", "Ctrl+I"):
        press(desk, keys)
        assert "came with mesosynth and stays" in desk.status.message.text()
    assert page.library.search("laser is:factory")


def test_banks_are_asked_for_by_the_keyboard(desk, page, qtbot, tmp_path):
    page.library.save(Preset(name="Mine"))
    page.refresh()
    page.line.setText("is:user")
    press(desk, "Ctrl+Shift+E")
    answer(qtbot, desk, tmp_path / "mine")
    qtbot.waitUntil(lambda: "in mine.zip" in desk.status.message.text(), timeout=20_000)
    page.edits.remove(page.found[0])
    press(desk, "Ctrl+Shift+I")
    answer(qtbot, desk, tmp_path / "mine.zip")
    qtbot.waitUntil(lambda: [e.name for e in page.found] == ["Mine"], timeout=20_000)


def test_a_bank_that_is_dropped_on_the_desk_comes_in(desk, page, qtbot, tmp_path):
    page.library.save(Preset(name="Mine"))
    page.line.setText("is:user")
    page.edits.export_bank(page.found, tmp_path / "mine.zip")
    qtbot.waitUntil(lambda: "in mine.zip" in desk.status.message.text(), timeout=20_000)
    page.edits.remove(page.found[0])
    drop(desk, tmp_path / "mine.zip")
    qtbot.waitUntil(lambda: [e.name for e in page.found] == ["Mine"], timeout=20_000)


def test_what_the_corners_of_a_blend_keep_is_chosen_in_the_list(desk, page):
    presets = {name: page.library.search(name)[0] for name in ("laser", "aurora")}
    for corner, entry in enumerate(presets.values()):
        menu = page.row_menu(entry)
        places = next(a for a in menu.actions() if a.text() == "Corner of the blend").menu()
        places.actions()[corner].trigger()
    kept = [preset.name if preset else "" for preset in desk.blend_page._presets]
    assert kept[:2] == ["Laser", "Aurora"]
    assert desk.blend_page.square.names[:2] == ["Laser", "Aurora"]
