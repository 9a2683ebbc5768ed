"""What the views draw."""

import numpy as np
import pytest

from mesosynth.matching.results import Analysis


def analysis(**changes):
    frequencies = np.array([4000.0, 2000.0, 1000.0, 500.0, 100.0], np.float32)
    fields = {
        "scalogram": np.eye(5, 40, dtype=np.float32),
        "frequencies": frequencies,
        "duration": 4.0,
        "scale_rate": np.zeros((2, 3, 4), np.float32),
        "scales": np.array([0.5, 1, 2], np.float32),
        "rates": np.array([1, 2, 4, 8], np.float32),
    }
    return Analysis(**{**fields, **changes})


def test_scalogram_rows_land_on_their_frequency_though_the_rows_are_uneven():
    from gui.plots.scalogram import decibel_picture

    scalogram = np.zeros((5, 2), np.float32)
    scalogram[3] = 1.0  # 500 Hz, next to the wide step down to 100 Hz
    picture, low, high = decibel_picture(analysis(scalogram=scalogram))
    octaves = np.linspace(low, high, len(picture))
    assert 2.0 ** octaves[picture[:, 0].argmax()] == pytest.approx(500.0, rel=0.3)
    assert picture.min() == -100.0
    assert (low, high) == pytest.approx((np.log2(100.0), np.log2(4000.0)))


def test_silence_has_a_picture_too():
    from gui.plots.scalogram import decibel_picture, sounding_span

    silent = analysis(scalogram=np.zeros((5, 40), np.float32))
    assert (decibel_picture(silent)[0] == -100.0).all()
    assert sounding_span(silent) == (0.0, 4.0)


def test_the_time_axis_shows_where_the_sound_is():
    from gui.plots.scalogram import sounding_span

    scalogram = np.zeros((5, 40), np.float32)
    scalogram[:, 20:24] = 1.0  # 2.0 to 2.4 s
    start, end = sounding_span(analysis(scalogram=scalogram))
    assert 1.0 <= start <= 2.0
    assert 2.4 <= end <= 3.0


def test_a_short_target_fills_its_picture_beside_a_long_sound(qapp, qtbot):
    from gui.plots.scalogram import Scalograms

    view = Scalograms()
    qtbot.addWidget(view)
    short = np.zeros((5, 40), np.float32)
    short[:, 20:24] = 1.0
    view.set_target(analysis(scalogram=short))
    view.set_sound(analysis(scalogram=np.ones((5, 40), np.float32)))
    left, right, *_ = view.pictures["target"].sight
    assert 1.0 <= left < right <= 3.0


def test_spins_are_mirrored_around_the_middle():
    from gui.plots.scale_rate import both_spins

    pair = np.zeros((2, 3, 4), np.float32)
    pair[1, 0, 3] = 1.0  # rising, fastest
    pair[0, 2, 0] = 2.0  # falling, slowest
    picture = both_spins(pair)
    assert picture.shape == (3, 8)
    assert picture[0, 7] == 1.0
    assert picture[2, 3] == 2.0


@pytest.mark.parametrize("gamma", [2.0, -2.0])
def test_rising_sounds_show_on_the_right_and_falling_ones_on_the_left(desk, qtbot, gamma):
    from gui.plots.scale_rate import both_spins

    def share_on_the_right():
        energy = both_spins(drawn[-1].scale_rate) ** 2
        return energy[:, energy.shape[1] // 2 :].sum() / energy.sum()

    drawn = []
    desk.session.sound.analysed.connect(drawn.append)
    desk.history.change({"gamma": gamma})
    try:
        if gamma > 0:
            qtbot.waitUntil(lambda: bool(drawn) and share_on_the_right() > 0.6, timeout=30_000)
        else:
            qtbot.waitUntil(lambda: bool(drawn) and share_on_the_right() < 0.4, timeout=30_000)
    finally:
        desk.session.sound.analysed.disconnect(drawn.append)


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.5, 64.0, 10, [0.5, 1, 2, 4, 8, 16, 32, 64]),
        (0.125, 16.0, 4, [0.25, 1, 4, 16]),
        (30.0, 4100.0, 9, [31.25, 62.5, 125, 250, 500, 1000, 2000, 4000]),
    ],
)
def test_ticks_are_octaves(low, high, most, expected):
    from gui.plots.axes import octave_ticks

    ticks = octave_ticks(low, high, most)
    assert len(ticks) <= most
    assert set(ticks) <= set(expected)
    assert len(ticks) >= len(expected) // 2


@pytest.mark.parametrize(
    ("value", "std", "text"),
    [
        (8.29712, 0.0131, "8.30 ± 0.01"),
        (512.4, 1.2, "512 ± 1"),
        (1.5, 0.0, "1.5"),
        (1.5, 1e-9, "1.5000 ± <0.0001"),
        (2.0, float("inf"), "2"),
    ],
)
def test_estimates_have_the_decimals_that_their_error_is_worth(value, std, text):
    from gui.widgets.match_panel import estimate

    assert estimate(value, std) == text


def test_the_envelope_keeps_every_peak():
    from gui.plots.scope import envelope

    samples = np.zeros(1000, np.float32)
    samples[[3, 517]] = 1.0, -0.5
    low, high = envelope(samples, 100)
    assert (high.max(), low.min()) == (1.0, -0.5)
    assert envelope(samples[:50], 100).shape == (2, 100)
