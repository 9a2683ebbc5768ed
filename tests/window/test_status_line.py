"""Fears: an overload that nobody sees, a level that lies, a counter that cannot be reset."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from mesosynth.engine.status import AudioStatus

STATUS = AudioStatus(
    device="system", silent=False, running=True, sample_rate=48000, block=128, blocks=9,
    underflows=3, load=0.12, load_max=0.34, latency=0.0052, peak_left=0.5, peak_right=0.25,
    rms_left=0.1, rms_right=0.05, true_peak=0.6,
)  # fmt: skip


@pytest.fixture
def line(qapp, qtbot):
    from gui.widgets.status_line import StatusLine

    line = StatusLine()
    qtbot.addWidget(line)
    line.resize(1200, 24)
    line.show()
    return line


def test_it_tells_load_latency_and_underflows(line):
    line.show_audio(STATUS)
    assert line.load.text() == "48 kHz / 128 · 5.2 ms · load 12% · 3 missed"
    assert "at most 34.0%" in line.load.toolTip()
    line.show_audio(replace(STATUS, latency_in=0.011))
    assert "input 11.0 ms" in line.load.toolTip()
    assert "something else held it up" in line.load.toolTip()
    line.show_audio(replace(STATUS, overruns=2))
    assert "2 blocks took longer to compute than they last, at least 2 as" in line.load.toolTip()
    line.show_audio(replace(STATUS, overruns=2, heavy=2))
    assert "2 blocks took longer to compute than they last. Click" in line.load.toolTip()


def test_the_bars_are_as_long_as_the_sound_is_loud(line, qtbot):
    def lit():
        image = line.level.grab().toImage()
        return [
            sum(image.pixelColor(x, y).red() > 128 for x in range(image.width())) / image.width()
            for y in (image.height() // 4, 3 * image.height() // 4)
        ]

    line.show_audio(replace(STATUS, peak_left=0, peak_right=0, rms_left=0, rms_right=0))
    assert lit() == [0.0, 0.0]
    line.show_audio(replace(STATUS, rms_left=1.0, rms_right=10 ** (-30 / 20)))
    left, right = lit()
    assert left == 1.0
    assert right == pytest.approx(0.5, abs=0.04)
    assert "-6.0 dBFS left" in line.level.accessibleDescription()


def test_a_click_or_enter_counts_anew(desk, qtbot):
    load = desk.status.load
    with qtbot.waitSignal(desk.status.reset_asked):
        qtbot.mouseClick(load, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(desk.status.reset_asked):
        qtbot.keyClick(load, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "load" in load.text(), timeout=20_000)
    blocks = desk.session.device.status().blocks
    assert blocks > 0  # they are not what is counted anew
