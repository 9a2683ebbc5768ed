"""Every plot under a mouse and a keyboard: hover, box, wheel, keys, reset, menu, export."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filled import fill
from hands import LEFT, NONE, drag, hover, wheel
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from mesosynth.learning.maps import Paths, Relevance
from mesosynth.matching.results import (
    LongSound,
    Magnified,
    MatchedSequence,
    Moment,
    SequenceSettings,
)

CTRL = Qt.KeyboardModifier.ControlModifier
THETA = {"f_c": 500.0, "f_m": 8.0, "gamma": 2.0, "w": 2.0}


@pytest.fixture(scope="module")
def window(qapp):
    """A window with something in every plot, without an engine behind it."""
    from gui.desk import Desk
    from gui.main_window import MainWindow
    from gui.settings import Settings
    from mesosynth.session import Session

    window = MainWindow(Desk(Session("silent", start=False)), Settings())
    window.resize(1500, 1000)
    window.show()
    QTest.qWaitForWindowExposed(window)
    window.build()
    fill(window)
    samples = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(96000) / 48000.0)
    window.scope.show_samples(samples.astype(np.float32), 48000.0)
    places = [
        SimpleNamespace(
            x=x, y=y, entry=SimpleNamespace(name=name, category="bell", key=name, path=Path(name))
        )
        for name, x, y in (("Bell", 0.1, 0.2), ("Gong", 0.5, 0.5), ("Bowl", 0.9, 0.8))
    ]
    window.map_page.map.show_places(places)
    moments = [Moment(t, {**THETA, "f_c": 400.0 + 20 * t}, {}, 0.1, t) for t in range(20)]
    sequence = MatchedSequence(LongSound("long.wav", "", 20.0), SequenceSettings(), moments)
    window.sequence_page.curves.show_sequence(sequence, moments)
    carrier, rate, scale = np.meshgrid(
        [250.0, 500.0, 1000.0], [0.0, 4.0, 8.0, 16.0], [-1.0, -0.5, 0.0, 0.5, 1.0]
    )
    weights = np.random.default_rng(0).standard_normal(carrier.shape)
    relevance = Relevance("bell", 0.8, weights, Paths(carrier, rate, scale))
    window.scale_rate.relevance.show_relevance(relevance)
    page, analysis = window.resynthesis_page, window.scale_rate.analyses["target"]
    window.session.resynthesis.original = object()  # what is shown of none is forgotten
    page.curve.show_errors([1.0, 0.5, 0.2, 0.1, 0.05])
    for what in ("original", "result"):
        page.scalograms.show_analysis(what, analysis, 0.0)
        page.spins.show_analysis(what, analysis)
    yield window
    window.close()


def in_front(window, id_):
    window.docks.open(id_)
    QTest.qWait(50)


def loss(window):
    window.loss.switch.setChecked(False)
    return window.loss, window.loss.curves


def parameters(window):
    window.loss.switch.setChecked(True)
    return window.loss, window.loss.curves


def attribution(window):
    window.scale_rate.switch.setChecked(True)
    return window.scale_rate, window.scale_rate.attribution.pictures[0]


def scale_rate(what):
    def find(window):
        window.scale_rate.switch.setChecked(False)
        window.scale_rate.why.setChecked(False)
        return window.scale_rate, window.scale_rate.pictures[what]

    return find


def scalogram(what):
    return lambda window: (window.scalograms, window.scalograms.pictures[what])


def waveform(window):
    return window.scalograms, window.scalograms.waveform


def scope(spectrum):
    def find(window):
        window.scope.show_spectrum(spectrum)
        return window.scope, window.scope.trace

    return find


def pad(window):
    return window.pad_frame, window.pad


def library_map(window):
    in_front(window, "map")
    return window.map_page.map, window.map_page.map


def blend(window):
    in_front(window, "blend")
    return window.blend_page.square, window.blend_page.square


def strip(window):
    in_front(window, "sequence")
    return window.sequence_page.curves, window.sequence_page.curves.strips[0]


def relevance(which):
    def find(window):
        window.scale_rate.why.setChecked(True)
        return window.scale_rate.relevance, getattr(window.scale_rate.relevance, which)

    return find


def resynthesis(which, plot=""):
    def find(window):
        in_front(window, "resynthesis")
        view = getattr(window.resynthesis_page, which)
        return view, getattr(view, plot, view)

    return find


PLOTS = {
    "target": scalogram("target"), "sound": scalogram("sound"),
    "difference": scalogram("difference"), "waveform": waveform,
    "JTFS of the target": scale_rate("target"), "JTFS of the sound": scale_rate("sound"),
    "JTFS difference": scale_rate("difference"), "attribution": attribution,
    "loss": loss, "parameters": parameters, "output": scope(False), "spectrum": scope(True),
    "pad": pad, "map": library_map, "blend": blend, "sequence": strip,
    "relevance": relevance("spins"), "relevance of carriers": relevance("carriers"),
    "original": resynthesis("scalograms", "original"), "wanted": resynthesis("spins", "wanted"),
    "resynthesised": resynthesis("spins", "result"), "error": resynthesis("curve"),
}  # fmt: skip


@pytest.fixture(params=PLOTS)
def shown(request, window):
    view, plot = PLOTS[request.param](window)
    QTest.qWait(30)
    plot.reset()
    yield window, view, plot
    plot.reset()
    window.layouts.reset()


def test_every_plot_reads_zooms_resets_and_exports(shown, tmp_path):
    window, view, plot = shown
    hand, home = plot.viewport(), plot.sight
    assert plot.accessibleName()
    # the read-out, in the plot's own corner
    x = plot.places[1] if hasattr(plot, "places") else None
    spot = plot.pixel(x.x, x.y) if x is not None else plot.area.center() + QPointF(3, 2)
    hover(hand, spot)
    assert plot.readout
    assert plot.rect().contains(plot._readout.geometry())
    hover(hand, QPointF(1, 1))
    assert plot.readout == ""
    # a box, which every plot zooms into with Ctrl
    area = plot.area
    corner = area.topLeft() + QPointF(0.25 * area.width(), 0.25 * area.height())
    expected = plot.values_at(corner)[0], plot.values_at(area.center())[0]
    drag(hand, corner, (round(0.25 * area.width()), round(0.25 * area.height())), CTRL)
    assert plot.zoomed
    assert plot.sight[:2] == pytest.approx(expected, rel=0.05, abs=0.02 * abs(home[1] - home[0]))
    played = plot is window.pad  # a double click sets its point, and the bare wheel nudges it
    if played:
        QTest.keyClick(plot, Qt.Key.Key_Home)
    else:
        QTest.mouseDClick(hand, LEFT, pos=area.center().toPoint())
    assert plot.sight == pytest.approx(home)
    # the wheel
    held = plot.values_at(area.center())
    wheel(hand, area.center(), 2, CTRL if played else NONE)
    assert plot.zoomed
    now = plot.values_at(area.center())
    assert now[0] == pytest.approx(held[0], rel=0.01, abs=0.01 * abs(home[1] - home[0]))
    assert now[1] == pytest.approx(held[1], rel=0.01, abs=0.01 * abs(home[3] - home[2]))
    # keys
    seen = plot.sight
    QTest.keyClick(plot, Qt.Key.Key_Plus)
    assert plot.sight[1] < seen[1]
    # an axis, which moves what is in sight along itself
    seen = plot.sight
    drag(hand, plot.bottom.mapToScene(plot.bottom.rect().center()), (-20, 0))
    assert plot.sight[0] > seen[0]
    assert plot.sight[2:] == pytest.approx(seen[2:])
    QTest.keyClick(plot, Qt.Key.Key_0)
    assert plot.sight == pytest.approx(home)
    # axis menu, and all that can be saved
    menu = window.links.exporter.menu(view, plot)
    texts = [action.text() for action in menu.actions()]
    assert {"Show everything", "Grid", "Copy picture", "Copy numbers"} <= set(texts)
    assert sum(action.menu() is not None for action in menu.actions()) >= 3
    menu.deleteLater()
    for ending in (".png", ".svg", ".csv"):
        window.links.exporter.save(view, tmp_path / f"plot{ending}")
    picture = QImage(str(tmp_path / "plot.png"))
    assert picture.pixelColor(1, 1) == QColor("white")
    lines = (tmp_path / "plot.csv").read_text().splitlines()
    assert len(lines) > 3
    assert len({line.count(",") for line in lines}) == 1


def test_pictures_of_a_file_have_no_playhead(window):
    view, plot = scalogram("sound")(window)
    from gui.plots.export import PictureSize, View, picture

    shown, size = View("", view, view.table), PictureSize()
    picture(shown, size)
    QTest.qWait(100)  # until all is laid out
    bare = picture(shown, size)
    view.set_playhead(0.3)
    on_screen = plot.grab().toImage()
    assert picture(shown, size) == bare
    view.set_playhead(None)
    assert plot.grab().toImage() != on_screen


def test_a_moving_playhead_paints_two_strips_alone(window):
    view, plot = scalogram("sound")(window)
    view.set_playhead(0.0)
    QTest.qWait(50)
    painted = []

    class Watch(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint:
                painted.append(sum(r.width() * r.height() for r in event.region()))
            return False

    watch = Watch()
    plot.viewport().installEventFilter(watch)
    try:
        view.set_playhead(0.2)
        QTest.qWait(50)
    finally:
        plot.viewport().removeEventFilter(watch)
        view.set_playhead(None)
    assert painted
    assert max(painted) < 0.1 * plot.width() * plot.height()


def test_an_axis_is_linear_or_logarithmic_and_its_range_is_typed(window):
    view, plot = scalogram("target")(window)
    menu = window.links.exporter.menu(view, plot)
    axis = next(a.menu() for a in menu.actions() if a.text() == "Frequency axis")
    next(a for a in axis.actions() if a.text() == "Linear").trigger()
    try:
        assert plot.y_axis.kind == "linear"
        low, high = plot.sight[2:]
        assert plot.values_at(plot.area.center())[1] == pytest.approx(0.5 * (low + high), rel=0.02)
        rows = plot.image.item.image
        middle = plot.numbers[plot.image.cell(2.0, 0.5 * (low + high))[0]]
        assert (rows[len(rows) // 2] == middle).mean() > 0.9
    finally:
        plot.choose("y", "octaves")
    from_, to = axis.actions()[-1].defaultWidget().findChildren(type(_field()))
    from_.setText("100")
    to.setText("1000")
    QTest.keyClick(to, Qt.Key.Key_Return)
    assert plot.sight[2:] == pytest.approx((100.0, 1000.0))
    plot.reset()
    menu.deleteLater()


def _field():
    from PySide6.QtWidgets import QLineEdit

    return QLineEdit()


def test_a_plot_leaves_its_links_and_comes_back(window):
    _, sound = scalogram("sound")(window)
    _, target = scalogram("target")(window)
    home = target.sight
    sound.linked = False
    try:
        wheel(sound.viewport(), sound.area.center(), 2)
        assert target.sight == pytest.approx(home)
    finally:
        sound.linked = True
        sound.reset()


def test_the_right_button_shows_the_menu_of_the_plot_under_it(window):
    _, plot = scalogram("sound")(window)
    spot = plot.area.center().toPoint()
    hand = plot.viewport()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, hand.mapToGlobal(spot))
    QApplication.sendEvent(hand, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert "Range of colours" in [action.text() for action in menu.actions()]
    menu.close()


def test_plots_are_light_in_the_light(window):
    from gui import theme

    _, plot = loss(window)
    dark = plot.grab().toImage().pixelColor(plot.area.center().toPoint())
    before = QApplication.palette()
    try:
        window.look.use("light")
        ground = (
            plot.grab()
            .toImage()
            .pixelColor(plot.area.bottomRight().toPoint() - QPointF(9, 9).toPoint())
        )
        assert ground.lightness() > 200
        assert plot.light
        _, quiet = scalogram("sound")(window)
        quiet.image.show(np.full((4, 4), -100.0, np.float32), quiet.x_axis, quiet.y_axis)
        middle = quiet.area.center().toPoint() + QPointF(9, 9).toPoint()
        assert quiet.grab().toImage().pixelColor(middle).lightness() > 240
    finally:
        window.look.use("dark")
    assert dark.lightness() < 60
    assert QApplication.palette().color(QPalette.ColorRole.Window) == before.color(
        QPalette.ColorRole.Window
    )
    assert theme.WELL == theme.DARK["WELL"]


def test_a_part_that_is_zoomed_is_asked_for_finer_and_shown(window, qtbot):
    view, plot = scalogram("sound")(window)
    plot.reset()
    qtbot.wait(300)
    with qtbot.waitSignal(view.finer_asked, timeout=20_000) as asked:
        plot.look_at(1.0, 1.5, 200.0, 800.0)
    part = asked.args[0]
    assert (part.begin, part.end) == pytest.approx((1.0, 1.5))
    assert (part.low, part.high) == pytest.approx((200.0, 800.0))
    assert part.columns > 100  # a column a pixel, where the whole window has 80
    bright = np.ones((part.rows, part.columns), np.float32)
    view.show_finer(Magnified(part, bright, 0.1 * bright))
    hover(plot.viewport(), plot.area.center())
    assert plot.readout.endswith("−20 dB")
    difference = view.pictures["difference"]
    assert difference.readout.endswith("−20 dB")
    assert difference.fine.numbers == pytest.approx(-20.0)
    assert "sound, finer" in {row[0] for row in view.table().rows}
    plot.reset()
    qtbot.wait(300)
    assert plot.fine.numbers is None
