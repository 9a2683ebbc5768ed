"""The views under a mouse: zoom, read, drag the levels, lay out other axes, save."""

import csv
import gc
import json
import math
import weakref

import numpy as np
import pytest
import soundfile
from hands import LEFT, SHIFT, drag, hover, told, wheel
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from test_pictures import analysis

from gui.plots.picture import colour_map
from mesosynth import __version__
from mesosynth.audio.target import Target
from mesosynth.matching.results import Cell, MatchStep

CTRL = Qt.KeyboardModifier.ControlModifier


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
        view.set_target(target)
        view.set_sound(sound)
        view.pictures["sound"].reset()
    yield desk
    for view in (desk.scalograms, desk.scale_rate):
        view.pictures["sound"].reset()
        desk.session.sound.analysed.connect(view.set_sound)


def spot_of(plot, x, y):
    """A pixel of a plot, by shares of its view from the lower left."""
    area = plot.area
    return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())


def test_the_wheel_zooms_all_scalograms_around_the_mouse(pictures):
    views = pictures.scalograms.pictures
    sound, target = views["sound"], views["target"]
    spot = spot_of(sound, 0.5, 0.75)
    held, before = sound.values_at(spot), sound.sight
    wheel(sound.viewport(), spot, 2)
    assert sound.values_at(spot) == pytest.approx(held, rel=0.01)
    octaves = math.log2(sound.sight[3] / sound.sight[2])
    assert octaves == pytest.approx(0.64 * math.log2(before[3] / before[2]), rel=1e-6)
    seen = sound.sight
    wheel(sound.viewport(), spot, 1, SHIFT)
    left, right, *frequencies = sound.sight
    assert right - left == pytest.approx(0.8 * (seen[1] - seen[0]))
    assert frequencies == pytest.approx(seen[2:])
    wheel(sound.viewport(), spot, 1, CTRL)
    assert sound.sight[:2] == pytest.approx((left, right))
    assert sound.sight[3] / sound.sight[2] < frequencies[1] / frequencies[0]
    assert target.sight == pytest.approx(sound.sight)
    QTest.mouseDClick(sound.viewport(), LEFT, pos=spot.toPoint())
    assert sound.sight == pytest.approx(before)
    assert target.sight == pytest.approx(before)


def test_a_drag_moves_what_is_in_sight_and_stays_within_the_picture(pictures):
    target = pictures.scalograms.pictures["target"]
    home = target.sight
    wheel(target.viewport(), target.area.center(), 4)
    held = target.values_at(target.area.center())
    moved = target.area.center() + QPointF(0, 20)
    drag(target.viewport(), target.area.center(), (0, 20), SHIFT)
    assert target.values_at(moved) == pytest.approx(held, rel=0.01)
    beside = QPointF(15, target.area.center().y())
    before = target.sight
    drag(target.viewport(), beside, (0, 20))  # an axis moves along itself alone
    assert target.sight[:2] == pytest.approx(before[:2])
    assert target.sight[2] > before[2]
    drag(target.viewport(), target.area.center(), (0, -3000), SHIFT)
    assert target.sight[2] == pytest.approx(home[2])


def test_the_mouse_reads_the_same_place_in_all_scalograms(pictures, qtbot):
    views = pictures.scalograms.pictures
    sound = views["sound"]

    middle = 0.5 * (sound.sight[0] + sound.sight[1])  # of the last test's target, in its own time

    def read():  # once the view is laid out
        hover(sound.viewport(), sound.pixel(middle, 1000.0))
        return bool(sound.readout)

    qtbot.waitUntil(read, timeout=20_000)
    assert float(sound.readout.split()[0]) == pytest.approx(middle, abs=0.1)
    assert float(sound.readout.split(" · ")[1].split()[0]) == pytest.approx(1000.0, rel=0.03)
    texts = {view.readout for view in views.values()}
    assert len(texts) == 3  # each its own level
    assert len({text.split(" · ")[0] for text in texts}) == 1
    hover(sound.viewport(), QPointF(sound.area.left() - 3, sound.area.top() + 3))
    assert [view.readout for view in views.values()] == ["", "", ""]


def test_the_mouse_reads_and_names_a_path(pictures):
    sound = pictures.scale_rate.pictures["sound"]
    corner = spot_of(sound, 0.98, 0.98)  # rising, fastest rate, finest scale
    before = sound.grab().toImage()
    hover(sound.viewport(), corner)
    assert sound.readout == "2 c/oct · 8 Hz · rising (spin +1) · 0.0 dB"
    assert sound.grab().toImage() != before
    hover(sound.viewport(), spot_of(sound, 0.02, 0.98))
    assert sound.readout == "2 c/oct · 8 Hz · falling (spin −1) · −40.0 dB"
    hover(sound.viewport(), QPointF(1, 1))
    assert sound.readout == ""


def test_levels_are_dragged_on_the_bar_and_come_back(pictures):
    sound, target = (pictures.scalograms.pictures[what] for what in ("sound", "target"))
    bar, before = sound.bar, sound.grab().toImage()
    lower, upper = (line.sceneBoundingRect().center() for line in bar.region.lines)
    drag(sound.viewport(), min(lower, upper, key=lambda spot: -spot.y()), (0, -12))
    low, high = bar.shown
    assert low > -60.0
    assert high == 0.0
    assert sound.image.levels == target.image.levels == (low, high)
    assert sound.grab().toImage() != before
    middle = bar.sceneBoundingRect().center().toPoint()
    QTest.mouseDClick(sound.viewport(), LEFT, pos=middle)
    assert bar.shown == (-60.0, 0.0)
    both = pictures.scalograms.pictures["difference"].bar
    both.set(-24.0, 40.0)
    assert both.shown == (-40.0, 40.0)
    both.set(*both.default)


def test_the_difference_is_blue_where_the_sound_lacks_and_red_where_it_has_too_much(pictures):
    picture = pictures.scalograms.pictures["difference"]
    assert picture.numbers.max() > 20.0
    assert picture.numbers.min() < -20.0
    assert abs(picture.numbers[:, 0]).max() < 1e-3  # as quiet in both
    red, blue = (colour_map("difference")[place] for place in (-1, 0))
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_times_are_those_of_the_file(pictures):
    views = pictures.scalograms
    target = Target("late.wav", np.zeros(32768, np.float32), 60.5, 1.0, "")
    views.set_file(target, None)
    try:
        left, right, *_ = views.pictures["target"].sight
        assert 60.5 <= left < right <= 64.5
        times = {row[1] for row in views.table().rows}
        assert min(times) > 60.5
        views.set_playhead(0.0)
        assert views._heads[0].at == pytest.approx(62.5)
        assert views.pictures["target"].title == "Target: late.wav"
        wheel(views.pictures["target"].viewport(), views.pictures["target"].area.center(), 3)
        views.set_file(target, None)
        assert not views.pictures["target"].zoomed  # zoom does not outlive its file
    finally:
        views.set_playhead(None)
        views.set_file(Target("", np.zeros(32768, np.float32), 0.0, 1.0, ""), None)


def test_another_pair_of_axes_is_chosen_in_the_menu_and_played(desk):
    pad, frame = desk.pad, desk.pad_frame
    try:
        next(a for a in frame.menu.actions() if a.data() == ("f_c", "w")).trigger()
        assert pad.axes == ("f_c", "w")
        assert "Carrier" in frame.button.text()
        before = dict(desk.session.sound.values)
        drag(pad.viewport(), pad.handle, (50, -40))
        assert desk.session.sound.values["f_c"] > before["f_c"]
        assert desk.session.sound.values["w"] > before["w"]
        assert desk.session.sound.values["gamma"] == before["gamma"]
        sideways, upwards = (m.menu() for m in frame.menu.actions() if m.menu())
        next(a for a in upwards.actions() if a.data() == "f_c").trigger()
        assert pad.axes == ("w", "f_c")  # the two sides changed over
        next(a for a in sideways.actions() if a.data() == "am_depth").trigger()
        QTest.mouseDClick(pad.viewport(), LEFT, pos=pad.area.center().toPoint())
        assert desk.session.sound.values["am_depth"] == pytest.approx(0.5, abs=0.01)
    finally:
        pad.set_axes(("f_m", "gamma"))


def test_the_map_fills_in_around_the_point_and_its_arrows_lead_to_the_target(target, qtbot):
    desk = target
    desk.pad_frame.map_action.trigger()  # off
    try:
        qtbot.waitUntil(lambda: desk.pad.map.axes is None, timeout=20_000)
        bare = desk.pad.grab().toImage()
    finally:
        desk.pad_frame.map_action.trigger()  # and on again
    qtbot.waitUntil(lambda: desk.pad.map.known > 0.03, timeout=30_000)
    assert desk.pad.map.axes == ("f_m", "gamma")
    assert desk.pad.grab().toImage() != bare


@pytest.mark.parametrize("gamma", [1.0, -1.0])
def test_a_map_is_drawn_where_its_values_lie_and_arrows_lead_downhill(desk, gamma):
    pad = desk.pad
    x, y = np.geomspace(4.0, 16.0, 5), gamma * np.geomspace(0.5, 2.0, 4)
    cells = tuple(
        Cell(i, j, (x[i], y[j]), 10.0 ** (-3.0 + 0.5 * i), np.zeros(2))
        for i in range(5) for j in range(4)
    )  # fmt: skip
    pad.start_map(("f_m", "gamma"), x, y)
    pad.add_cells(("f_m", "gamma"), cells[:3])
    assert pad.map.known == pytest.approx(3 / 20)
    pad.add_cells(("f_c", "w"), cells)
    assert pad.map.known == pytest.approx(3 / 20)  # of another map
    pad.add_cells(("f_m", "gamma"), cells)
    for cell in cells:
        said = float(pad.read(*cell.values).rpartition(" ")[2])
        assert said == pytest.approx(cell.loss, rel=0.06)
    assert pad.image.cell(8.0, -gamma) is None  # falling where it rises
    across = pad._arrows.item.getData()[0]
    ends, tips = across[::6], across[1::6]  # lower losses are at the left
    assert (tips <= ends + 1e-9).all()
    assert (tips < ends).mean() > 0.5
    pad.start_map(None, np.zeros(0), np.zeros(0))


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
    assert rows[2][:5] == [3, 1.0, 0, "arpeggio", pytest.approx(0.1 / 3)]
    assert "f_m (Hz)" in desk.loss.table().columns
    desk.loss.start()


def test_steps_of_another_start_are_not_joined(desk):
    desk.loss.start()
    for k, start in enumerate((0, 0, 1, 1)):
        desk.loss.add(MatchStep({"f_m": 4.0}, {}, 0.1 / (k + 1), k + 1, 0.0, start, 0.0))
    assert np.isnan(desk.loss._loss.y).tolist() == [False, False, True, False, False]
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
        assert image.width() == pytest.approx(160 / 25.4 * 300, abs=1)  # 160 mm at 300 dpi
        assert image.dotsPerMeterX() == pytest.approx(300 / 0.0254, abs=1)
        assert image.pixelColor(image.width() - 2, 2) == QColor("white")
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
    assert str(tmp_path) in pictures.settings.folders.values()


def test_the_context_menu_of_a_view_saves_it(pictures):
    menu = pictures.links.exporter.menu(pictures.scalograms)
    texts = [action.text() for action in menu.actions() if action.text()]
    assert len(texts) == 7
    assert {"Copy picture", "Copy numbers", "Export all of the match…"} <= set(texts)
    assert all(action.isEnabled() for action in menu.actions() if action.text())
    menu.deleteLater()


def test_numbers_are_copied_for_a_spreadsheet_and_pictures_on_white(pictures):
    exporter = pictures.links.exporter
    exporter.copy_numbers(pictures.scale_rate)
    header, first, *_ = QApplication.clipboard().text().splitlines()
    assert header.split("\t") == [
        "picture", "scale_c_per_oct", "rate_hz", "spin", "level_db"
    ]  # fmt: skip
    assert len(first.split("\t")) == 5
    exporter.size.width, exporter.size.dpi = 100, 100
    exporter.copy(pictures.scale_rate)
    exporter.size.width, exporter.size.dpi = 160, 300
    assert QApplication.clipboard().image().width() == pytest.approx(394, abs=1)


def test_all_of_a_match_goes_into_a_folder(pictures, tmp_path):
    folder = tmp_path / "match"
    pictures.links.exporter.save_all(folder)
    assert "Saved" in pictures.status.message.text()
    names = {path.name for path in folder.iterdir()}
    assert {"scalogram.png", "scalogram.svg", "scalogram.csv", "jtfs.png", "metadata.json"} <= names
    about = json.loads((folder / "metadata.json").read_text())
    assert about["mesosynth"] == __version__
    assert about["instrument"] == "chirplet"
    assert "max_evaluations" in about["settings"]


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
    qtbot.waitUntil(lambda: "∞" not in desk.scope.note.text(), timeout=20_000)
    trace = desk.scope.trace
    QTest.mouseClick(trace.viewport(), LEFT, pos=trace.area.center().toPoint())
    try:
        qtbot.waitUntil(desk.actions_["spectrum"].isChecked, timeout=20_000)
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
        picture = drivers.pictures[0]
        hover(picture.viewport(), spot_of(picture, 0.4, 0.4))
        assert "c/oct" in picture.readout
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
    second = waveform.area.width() / 10.0
    middle = waveform.pixel(8.0, 0.0)
    hover(waveform.viewport(), middle)
    assert "matched: 6.0" in waveform.readout
    with told(qtbot, desk.session.target.loaded, timeout=30_000) as loaded:
        drag(waveform.viewport(), middle, (round(-5.0 * second), 0))
    assert loaded.args[0].start == pytest.approx(1.0, abs=0.1)
    assert pitch(desk.session.target.sound.audio) == 300.0
    with told(qtbot, desk.session.target.loaded, timeout=30_000) as loaded:
        QTest.keyClick(waveform, Qt.Key.Key_Right)
    assert loaded.args[0].start == pytest.approx(1.25, abs=0.1)
    with told(qtbot, desk.session.target.loaded, timeout=30_000) as loaded:
        drag(waveform.viewport(), waveform.pixel(3.0, 0.0), (-3000, 0))
    assert loaded.args[0].start == 0.0


def test_a_zoomed_waveform_is_read_from_the_file_again(long_target, qtbot):
    waveform = long_target.scalograms.waveform
    waveform.look_at(6.0, 6.05, *waveform.sight[2:])
    qtbot.waitUntil(lambda: waveform._finer is not None, timeout=20_000)
    high = waveform._envelope.y[: len(waveform._envelope.y) // 2]
    assert len(high) > 100  # every sample, where the peaks of the whole file are 2 ms apart or more
    peaks = np.flatnonzero((high[1:-1] > high[:-2]) & (high[1:-1] >= high[2:]))
    assert len(peaks) == pytest.approx(30, abs=2)  # 600 Hz
    waveform.reset()


def test_a_file_no_longer_than_the_window_has_nothing_to_move(target):
    waveform = target.scalograms.waveform
    assert waveform.isVisible()
    assert not waveform.movable
    before = target.session.target.sound
    drag(waveform.viewport(), waveform.area.center(), (60, 0))
    assert target.session.target.sound is before


def test_a_closed_window_leaves_nothing_behind(qapp, desk):
    from gui.desk import Desk
    from gui.main_window import MainWindow
    from gui.settings import Settings
    from mesosynth.session import Session

    window = MainWindow(Desk(Session("silent", start=False)), Settings())
    window.show()
    QTest.qWait(50)
    window.build()
    left = weakref.ref(window), weakref.ref(window.desk), weakref.ref(window.scalograms)
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
