"""The views under a mouse: zoom, read, drag the levels, lay out other axes, save."""

import csv
import gc
import math
import weakref

import numpy as np
import pytest
import soundfile
from hands import LEFT, SHIFT, drag, hover, told, wheel
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit
from test_pictures import analysis

from mesosynth.matching.results import Cell, MatchStep


@pytest.fixture
def pictures(desk, qtbot):
    """The desk with pictures of its own, which no late answer of the matcher replaces."""
    desk.session.sound.analysed.disconnect()
    scalogram = np.full((5, 40), 1e-3, np.float32)
    scalogram[2, 18:22] = 1.0  # 1 kHz, from 1.8 to 2.2 s
    spins = np.full((2, 3, 4), 0.01, np.float32)
    spins[1, 2, 3] = 1.0
    sound = analysis(scalogram=scalogram, scale_rate=spins)
    target = analysis(scalogram=np.roll(scalogram, 1, axis=0), scale_rate=spins[::-1].copy())
    for view in (desk.scalograms, desk.scale_rate):
        view.axes.reset()
        view.set_target(target)
        view.set_sound(sound)
    yield desk
    for view in (desk.scalograms, desk.scale_rate):
        view.axes.reset()
        desk.session.sound.analysed.connect(view.set_sound)


def test_the_wheel_zooms_all_scalograms_around_the_mouse(pictures):
    axes = pictures.scalograms.axes
    sound = pictures.scalograms.pictures["sound"]
    area = sound.area
    spot = QPointF(area.left() + 0.5 * area.width(), area.top() + 0.25 * area.height())
    held, before = axes.y.at(0.75), axes.y
    wheel(sound, spot, 2)
    assert axes.y.at(0.75) == pytest.approx(held)
    octaves = math.log2(axes.y.high / axes.y.low)
    assert octaves == pytest.approx(0.64 * math.log2(before.high / before.low))
    time = axes.x
    wheel(sound, spot, 1, SHIFT)
    assert axes.x.high - axes.x.low == pytest.approx(0.8 * (time.high - time.low))
    assert pictures.scalograms.pictures["target"].axes is axes
    QTest.mouseDClick(sound, LEFT, pos=spot.toPoint())
    assert (axes.x, axes.y) == (time, before)


def test_a_drag_moves_what_is_in_sight_and_stays_within_the_picture(pictures):
    axes = pictures.scalograms.axes
    target = pictures.scalograms.pictures["target"]
    home = axes.y
    wheel(target, target.area.center(), 4)
    before = axes.y
    drag(target, target.area.center(), (0, 30))
    share = 30.0 / target.area.height()
    assert axes.y.low == pytest.approx(before.at(share), rel=1e-6)
    drag(target, target.area.center(), (0, -3000))
    assert axes.y.low == pytest.approx(home.low)


def test_the_mouse_reads_the_scalogram(pictures):
    sound = pictures.scalograms.pictures["sound"]
    axes, area = sound.axes, sound.area
    spot = QPointF(
        area.left() + axes.x.share(2.0) * area.width(),
        area.bottom() - axes.y.share(1000.0) * area.height(),
    )
    text = sound.text_at(spot)
    assert text.startswith("2.0")
    assert float(text.split(" · ")[1].split()[0]) == pytest.approx(1000.0, rel=0.02)
    assert sound.text_at(QPointF(area.left() - 5, area.top())) == ""


def test_the_mouse_reads_and_names_a_path(pictures):
    sound = pictures.scale_rate.pictures["sound"]
    area = sound.area
    corner = QPointF(area.right() - 2, area.top() + 2)  # rising, fastest rate, finest scale
    assert sound.text_at(corner) == "2 c/oct · 8 Hz · rising (spin +1) · 0.0 dB"
    other = QPointF(area.left() + 2, area.top() + 2)
    assert sound.text_at(other) == "2 c/oct · 8 Hz · falling (spin −1) · −40.0 dB"
    hover(sound, corner)
    before = sound.grab().toImage()
    hover(sound, QPointF(2, 2))
    assert sound.grab().toImage() != before  # what it read was beside the mouse


def test_levels_are_dragged_on_the_bar_and_come_back(pictures):
    bar = pictures.scalograms.levels
    sound = pictures.scalograms.pictures["sound"]
    before = sound.grab().toImage()
    drag(bar, QPointF(bar.width() * 0.3, bar.height() / 2), (40, 0))
    low, high = bar.levels
    assert low > -50.0
    assert high == 0.0
    assert sound.grab().toImage() != before
    drag(bar, QPointF(bar.width() * 0.3, bar.height() / 2), (500, 0))
    assert bar.levels[0] < bar.levels[1]
    QTest.mouseDClick(bar, LEFT)
    assert bar.levels == (-60.0, 0.0)
    assert sound.grab().toImage() == before


def test_the_difference_is_blue_where_the_sound_lacks_and_red_where_it_has_too_much(pictures):
    picture = pictures.scalograms.pictures["difference"]
    assert picture.numbers.max() > 20.0
    assert picture.numbers.min() < -20.0
    assert abs(picture.numbers[:, 0]).max() < 1e-3  # as quiet in both


def test_another_pair_of_axes_is_chosen_in_the_menu_and_played(desk):
    pad, frame = desk.pad, desk.pad_frame
    try:
        next(a for a in frame.menu.actions() if a.data() == ("f_c", "w")).trigger()
        assert pad.axes == ("f_c", "w")
        assert "Carrier" in frame.button.text()
        before = dict(desk.session.sound.values)
        drag(pad, pad.handle, (50, -40))
        assert desk.session.sound.values["f_c"] > before["f_c"]
        assert desk.session.sound.values["w"] > before["w"]
        assert desk.session.sound.values["gamma"] == before["gamma"]
        sideways, upwards = (m.menu() for m in frame.menu.actions() if m.menu())
        next(a for a in upwards.actions() if a.data() == "f_c").trigger()
        assert pad.axes == ("w", "f_c")  # the two sides changed over
        next(a for a in sideways.actions() if a.data() == "am_depth").trigger()
        QTest.mouseDClick(pad, LEFT, pos=pad.plane.area.center().toPoint())
        assert desk.session.sound.values["am_depth"] == pytest.approx(0.5, abs=0.01)
    finally:
        pad.set_axes(("f_m", "gamma"))


def test_the_map_fills_in_around_the_point_and_its_arrows_lead_to_the_target(target, qtbot):
    desk = target
    loss = desk.pad.loss
    desk.pad_frame.map_action.trigger()  # off
    try:
        qtbot.waitUntil(lambda: loss.axes is None, timeout=5_000)
        bare = desk.pad.grab().toImage()
    finally:
        desk.pad_frame.map_action.trigger()  # and on again
    qtbot.waitUntil(lambda: loss.known > 0.03, timeout=30_000)
    assert loss.axes == ("f_m", "gamma")
    assert desk.pad.grab().toImage() != bare


@pytest.mark.parametrize("gamma", [1.0, -1.0])
def test_arrows_lead_downhill(desk, gamma):
    from gui.pad.plane import LossMapImage

    x, y = np.geomspace(4.0, 16.0, 5), gamma * np.geomspace(0.5, 2.0, 4)
    cells = tuple(
        Cell(i, j, (x[i], y[j]), 0.1, np.array([1.0, 2.0])) for i in range(5) for j in range(4)
    )
    known = LossMapImage()
    known.start(("f_m", "gamma"), x, y)
    known.add(("f_m", "gamma"), cells[:3])
    assert known.known == pytest.approx(3 / 20)
    known.add(("f_c", "w"), cells)
    assert known.known == pytest.approx(3 / 20)  # of another map
    slopes = known._slopes(desk.pad.plane)
    area = desk.pad.plane.area
    octaves = math.log(128.0)
    assert slopes[0, 0] == pytest.approx([octaves / area.width(), 2.0 * octaves / area.height()])
    assert np.isnan(slopes[3, 4]).all()


def test_parameters_stand_beside_the_loss(desk):
    desk.loss.start()
    for k in range(4):
        theta = {"f_m": 4.0 + k, "gamma": -1.0 - k}
        desk.loss.add(MatchStep(theta, {"f_m": 0.1}, 0.1 / (k + 1), k + 1, 0.5 * k, 0, 0.2 * k))
    loss = desk.loss.curves.grab().toImage()
    QTest.mouseClick(desk.loss.switch, LEFT)
    try:
        assert desk.loss.title.text() == "Parameters"
        assert desk.loss.curves.grab().toImage() != loss
    finally:
        QTest.mouseClick(desk.loss.switch, LEFT)
    rows = [*desk.loss.table().rows]
    assert rows[2][:4] == [3, 1.0, 0, pytest.approx(0.1 / 3)]
    desk.loss.start()


@pytest.mark.parametrize("view", ["pad_frame", "scalograms", "scale_rate", "scope"])
@pytest.mark.parametrize("ending", [".png", ".svg", ".csv"])
def test_every_view_goes_to_a_file(pictures, tmp_path, view, ending):
    frame = getattr(pictures, view)
    path = tmp_path / f"view{ending}"
    pictures.links.exporter.save(frame, path)
    assert str(path) in pictures.status.message.text()
    if ending == ".png":
        image = QImage(str(path))
        assert image.width() == 2 * frame.body.width()
        assert image.pixelColor(image.width() // 2, image.height() // 2).isValid()
    elif ending == ".svg":
        text = path.read_text()
        assert text.startswith("<?xml")
        assert view == "scope" or "<text" in text
    else:
        columns, *rows = csv.reader(path.read_text().splitlines())
        assert len(columns) >= 2
        assert all(len(row) == len(columns) for row in rows)
        assert view == "pad_frame" or len(rows) > 10
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_numbers_in_a_file_are_those_of_the_picture(pictures, tmp_path):
    path = tmp_path / "jtfs.csv"
    pictures.links.exporter.save(pictures.scale_rate, path)
    rows = [*csv.DictReader(path.read_text().splitlines())]
    loudest = max(
        (row for row in rows if row["picture"] == "sound"), key=lambda r: float(r["level_db"])
    )
    assert (loudest["spin"], loudest["rate_hz"], loudest["scale_c_per_oct"]) == ("1", "8", "2")


def test_what_cannot_be_saved_is_one_message(pictures, tmp_path):
    exporter = pictures.links.exporter
    exporter.save(pictures.scalograms, tmp_path / "missing" / "picture.png")
    assert "cannot be written" in pictures.status.message.text()
    exporter.save(pictures.scalograms, tmp_path / "picture.bmp")
    assert ".png, .svg, .csv" in pictures.status.message.text()


def test_ctrl_e_saves_the_view_that_has_the_keyboard(pictures, tmp_path, monkeypatch):
    from gui.plots import export as exporter

    monkeypatch.setattr(exporter.QApplication, "widgetAt", lambda _: None)
    QTest.keyClick(pictures.pad, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = pictures.findChild(QFileDialog)
    assert dialog.windowTitle() == "Save Pad"
    dialog.selectNameFilter("Drawing (*.svg)")
    dialog.filterSelected.emit("Drawing (*.svg)")
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    line.setText(str(tmp_path / "pad"))
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert (tmp_path / "pad.svg").exists()
    assert pictures.settings.views == str(tmp_path)


def test_the_context_menu_of_a_view_saves_it(pictures):
    menu = pictures.links.exporter.menu(pictures.scalograms)
    texts = [action.text() for action in menu.actions() if action.text()]
    assert len(texts) == 4
    assert all(action.isEnabled() for action in menu.actions() if action.text())
    menu.deleteLater()


@pytest.mark.parametrize("ago", [0.1, 0.3, 0.6])
def test_the_playhead_is_told_from_the_sound(ago):
    from gui.plots.links import repetition, time_from_middle

    rate, period = 8000.0, 1.0
    time = np.arange(-2 * rate, 0) / rate + ago  # from the last arpeggio's middle
    away = (time + 0.5) % period - 0.5
    sound = np.exp(-0.5 * (away / 0.08) ** 2) * np.sin(2 * np.pi * 300 * time)
    found = time_from_middle(sound.astype(np.float32), rate, period)
    assert found == pytest.approx((ago + 0.5) % 1.0 - 0.5, abs=0.01)
    assert time_from_middle(np.zeros(16000, np.float32), rate, period) is None
    assert time_from_middle(sound.astype(np.float32), rate, 3.0) is None
    assert repetition({"period": 2.0, "sync": 1.0, "tempo": 120.0, "division": 8.0}) == 0.5
    assert repetition({"period": 2.0, "sync": 0.0, "tempo": 120.0, "division": 8.0}) == 2.0


def test_a_sine_stands_at_its_level_and_frequency_in_the_spectrum():
    from gui.plots.scope import band_frequencies, spectrum

    time = np.arange(16384) / 48000.0
    levels = spectrum((0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32), 48000.0)
    loudest = int(levels.argmax())
    assert band_frequencies()[loudest] == pytest.approx(1000.0, rel=0.03)
    assert levels[loudest] == pytest.approx(-6.0, abs=1.5)
    assert (spectrum(np.zeros(10, np.float32), 48000.0) == -120.0).all()


def test_the_output_has_a_spectrum(desk, qtbot):
    qtbot.waitUntil(lambda: "∞" not in desk.scope.note.text(), timeout=10_000)
    body = desk.scope.body
    QTest.mouseClick(body, LEFT)
    try:
        qtbot.waitUntil(desk.actions_["spectrum"].isChecked, timeout=1_000)
        assert desk.scope.table().columns == ("frequency_hz", "level_db")
        assert desk.scope.title.text() == "Spectrum"
    finally:
        desk.actions_["spectrum"].trigger()
    assert desk.scope.table().columns == ("time_s", "amplitude")


def test_what_drives_a_match_is_told_for_each_parameter(target, qtbot):
    desk = target
    drivers = desk.scale_rate.attribution
    with told(qtbot, desk.session.match.attributed, timeout=60_000):
        QTest.mouseClick(desk.scale_rate.switch, LEFT)
    try:
        titles = [picture.title for picture in drivers.pictures]
        assert "Carrier ▲" in titles[0]  # the demo is higher than the default's 512 Hz
        assert drivers.isVisible()
        assert abs(drivers.pictures[0].numbers).max() == pytest.approx(1.0)
        area = drivers.pictures[0].area
        assert "c/oct" in drivers.pictures[0].text_at(area.center())
        rows = [*desk.scale_rate.table().rows]
        assert {"f_c", "f_m", "gamma", "w"} <= {row[0] for row in rows}
    finally:
        QTest.mouseClick(desk.scale_rate.switch, LEFT)
    assert not drivers.isVisible()


@pytest.fixture
def long_target(desk, qtbot, tmp_path):
    """A target of ten seconds: a quiet tone of 300 Hz, and a loud one of 600 Hz in the end."""
    path = tmp_path / "long.wav"
    time = np.arange(10 * 8192) / 8192
    sound = np.where(time < 6.0, 0.1 * np.sin(2 * np.pi * 300 * time), 0.0)
    sound += np.where(time >= 6.0, 0.5 * np.sin(2 * np.pi * 600 * time), 0.0)
    soundfile.write(path, sound, 8192)
    with told(qtbot, desk.session.target.loaded, timeout=30_000):
        desk.files.load_target(path)
    return desk


def pitch(audio):
    return np.abs(np.fft.rfft(audio)).argmax() / 4.0


def test_the_analysis_window_is_dragged_to_another_part_of_the_file(long_target, qtbot):
    desk = long_target
    waveform = desk.scalograms.waveform
    assert waveform.isVisible()
    assert waveform.start == pytest.approx(6.0, abs=0.05)
    assert pitch(desk.session.target.sound.audio) == 600.0
    second = waveform.frame.width() / 4.0
    with told(qtbot, desk.session.target.loaded, timeout=30_000) as loaded:
        drag(waveform, waveform.frame.center(), (round(-5.0 * second), 0))
    assert loaded.args[0].start == pytest.approx(1.0, abs=0.1)
    assert pitch(desk.session.target.sound.audio) == 300.0
    with told(qtbot, desk.session.target.loaded, timeout=30_000) as loaded:
        QTest.keyClick(waveform, Qt.Key.Key_Right)
    assert loaded.args[0].start == pytest.approx(1.25, abs=0.1)
    with told(qtbot, desk.session.target.loaded, timeout=30_000) as loaded:
        drag(waveform, waveform.frame.center(), (-3000, 0))
    assert loaded.args[0].start == 0.0


def test_a_file_no_longer_than_the_window_has_nothing_to_move(target):
    waveform = target.scalograms.waveform
    assert waveform.isVisible()
    assert not waveform.movable
    before = target.session.target.sound
    drag(waveform, waveform.rect().center(), (60, 0))
    assert target.session.target.sound is before


def test_a_closed_window_leaves_nothing_behind(qapp, desk):
    from gui.desk import Desk
    from gui.main_window import MainWindow
    from gui.settings import Settings
    from mesosynth.session import Session

    window = MainWindow(Desk(Session("silent", start=False)), Settings())
    left = weakref.ref(window), weakref.ref(window.desk), weakref.ref(window.scalograms)
    window.show()
    QTest.qWait(50)
    window.close()
    window.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QTest.qWait(50)
    del window
    gc.collect()
    assert [reference() for reference in left] == [None, None, None]


def test_the_pad_follows_another_instrument_from_whatever_axes(desk):
    from mesosynth.instruments import instrument_class

    pad, frame = desk.pad, desk.pad_frame
    before = pad.axes, dict(desk.session.sound.values)
    ripple = instrument_class("ripple").parameters
    try:
        pad.set_axes(("f_c", "w"))
        pad.set_table(ripple)
        frame.set_table(ripple)
        assert set(pad.axes) <= set(ripple)
        assert frame.button.text() == " × ".join(ripple[id_].name for id_ in pad.axes)
        pad.grab()
    finally:
        pad.set_table(desk.session.sound.parameters)
        frame.set_table(desk.session.sound.parameters)
        pad.set_values(before[1])
        pad.set_axes(before[0])
