"""The resynthesis page, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hands import LEFT, drag, hover
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from mesosynth.audio.file import write_wav

RATE = 8192


@pytest.fixture
def page(desk, qtbot, tmp_path):
    """The page with half a second of a trill."""
    t = np.arange(RATE // 2) / RATE
    sound = 0.2 * np.sin(2 * np.pi * 700 * t + 8.0 * np.sin(2 * np.pi * 12 * t))
    write_wav(tmp_path / "trill.wav", sound, RATE)
    desk.files.load_target(tmp_path / "trill.wav")
    page, part = desk.resynthesis_page, desk.session.resynthesis
    page.numbers["iterations"].setValue(5)
    QTest.keySequence(desk, QKeySequence("F9"))
    assert page.isVisible()
    assert desk.docks.full == "resynthesis"
    qtbot.waitUntil(lambda: "original" in page.spins.analyses, timeout=120_000)
    yield page
    part._forget()
    page._show((), None)
    page.count.setValue(1)
    page.numbers["iterations"].setValue(100)
    QTest.keySequence(desk, QKeySequence("F9"))
    assert not desk.docks.full
    desk.session.sound.stop()


def cell(picture, column, row):
    """Pixel of the middle of a cell."""
    return picture.pixel(column + 0.5, row + 0.5)


def test_a_region_drawn_with_the_mouse_is_edited_and_undone(desk, page, qtbot):
    picture = page.spins.wanted
    columns = picture.numbers.shape[1]
    begin, end = cell(picture, columns // 2 + 1, 1), cell(picture, columns // 2 + 3, 3)
    drag(picture.viewport(), begin, (round(end.x() - begin.x()), round(end.y() - begin.y())))
    assert picture.region == (columns // 2 + 1, columns // 2 + 3, 1, 3)
    quieter, remove, keep, mirror = page.region_buttons
    before = picture.numbers.copy()
    QTest.mouseClick(remove, LEFT)
    assert page.edits[0].startswith("remove-region=")
    assert page.edits[0].endswith(":1")  # it rises
    qtbot.waitUntil(lambda: not np.array_equal(picture.numbers, before), timeout=30_000)
    inside = picture.numbers[1:4, columns // 2 + 1 : columns // 2 + 4]
    assert (inside <= -80.0).all()  # and nothing else is
    assert (picture.numbers[1:4, : columns // 2] > -80.0).any()
    hover(picture.viewport(), begin)
    assert "rising" in picture.readout
    QTest.mouseClick(mirror, LEFT)
    QTest.mouseClick(quieter, LEFT)
    assert page.list.count() == 3
    assert page.list.item(2).text().startswith("−12 dB")
    page.list.setCurrentRow(1)
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    assert [words.split("=")[0] for words in page.edits] == ["remove-region", "attenuate-region"]
    for _ in range(4):
        QTest.keySequence(desk, QKeySequence("Ctrl+Z"))
    assert page.edits == ()
    QTest.mouseClick(keep, LEFT)
    assert [words.split("=")[0] for words in page.edits] == ["keep-rates", "keep-scales"]


def test_time_is_that_of_the_file(page, desk):
    part = desk.session.resynthesis
    part.original = replace(part.original, begin=60.5)
    page._on_analysed("original", page.spins.analyses["original"])
    left, right, *_ = page.scalograms.original.sight
    assert (left, right) == pytest.approx((60.5, 61.0), abs=0.02)
    assert min(row[1] for row in page.scalograms.table().rows) > 60.5
    page.scalograms.move_playhead(0.25)
    assert page.scalograms._heads[0].at == 60.75


def test_keys_select_a_region_and_numbers_are_edits(page):
    picture = page.spins.wanted
    rows, columns = picture.numbers.shape
    picture.setFocus()
    picture.select(None)
    QTest.keyClick(picture, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert picture.region == (columns // 2 + 1, columns // 2 + 1, rows // 2, rows // 2)
    both = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(picture, Qt.Key.Key_Up, both)
    assert picture.region == (columns // 2 + 1, columns // 2 + 1, rows // 2, rows // 2 + 1)
    QTest.mouseDClick(picture.viewport(), LEFT, pos=QPointF(cell(picture, 2, 2)).toPoint())
    assert picture.region is None
    page.amounts["transpose"].stepBy(-1)
    page.amounts["shift-rates"].stepBy(2)
    page.amounts["transpose"].stepBy(-1)
    assert page.edits == ("transpose=-0.5", "shift-rates=0.5")
    page.amounts["transpose"].setValue(0.0)
    assert page.edits == ("shift-rates=0.5",)


def test_it_is_heard_while_it_changes_compared_and_kept(desk, page, qtbot, tmp_path):
    part = desk.session.resynthesis
    page.count.setValue(2)
    QTest.mouseClick(page.run, LEFT)
    assert page.run.text() == "Stop"
    qtbot.waitUntil(lambda: part.heard == "result", timeout=120_000)
    qtbot.waitUntil(lambda: len(part.variations) == 2 and not part.running, timeout=120_000)
    qtbot.waitUntil(lambda: page.run.text() == "Start", timeout=20_000)
    assert len(page.curve.errors) == 6
    assert "%" in page.note.text()
    assert page.variations.count() == 2
    qtbot.waitUntil(lambda: page.scalograms.result.numbers is not None, timeout=30_000)
    qtbot.waitUntil(lambda: page.scalograms._heads[0].at is not None, timeout=20_000)
    QTest.keySequence(desk, QKeySequence("O"))
    assert part.heard == "original"
    QTest.keySequence(desk, QKeySequence("O"))
    assert part.heard == "result"
    QTest.mouseClick(page.quiet, LEFT)
    assert part.heard is None
    *_, target, instrument = page.users
    desk.links.exporter.save(page.curve, tmp_path / "error.csv")
    assert len((tmp_path / "error.csv").read_text().splitlines()) == 7
    QTest.mouseClick(target, LEFT)
    assert desk.session.target.path == part._kept
    assert part.original.path.name == "trill.wav"
    QTest.mouseClick(instrument, LEFT)
    assert desk.session.rack.instrument == "sampler"
    assert desk.session.rack.state["sound"].endswith(".wav")
    page.endless.click()
    assert part.endless
    page.endless.click()
