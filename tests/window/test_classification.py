"""Suggested tags are written only when accepted; relevance is of the target that is shown."""

import csv

import numpy as np
import pytest
import soundfile
from hands import DEMO, LEFT, answer, hover, told
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from test_views import spot_of

from mesosynth.engine.capture import takes_folder
from mesosynth.presets.preset import Preset, load_preset

RATE = 22050


def strokes(seconds, decay, frequency):
    """A decaying tone."""
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.5 * np.exp(-t / decay) * np.sin(2.0 * np.pi * frequency * t)


def trembling(seconds, rate, frequency):
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.4 * (1.0 + 0.9 * np.sin(2.0 * np.pi * rate * t)) * np.sin(2 * np.pi * frequency * t)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Five bells and five buzzes."""
    folder = tmp_path_factory.mktemp("my sounds")
    for name in ("bell", "buzz"):
        (folder / name).mkdir()
    for i in range(5):
        for name, x in (
            ("bell", strokes(1.0, 0.2 + 0.02 * i, 500.0 + 40.0 * i)),
            ("buzz", trembling(1.0, 20.0 + i, 500.0 + 40.0 * i)),
        ):
            soundfile.write(folder / name / f"{i}.wav", x, RATE)
    return folder


@pytest.fixture(scope="module", autouse=True)
def none_afterwards(only_window):
    """Other tests have no classifier."""
    yield
    only_window.session.classification.use(None)


@pytest.fixture
def classification(desk):
    """The page of sounds with presets of the user's and a take, and the desk's classification."""
    library = desk.library.library
    for file in library.user.glob("*.json"):
        file.unlink()
    for name, rate in (("Mine", 6.0), ("Other", 12.0)):
        library.save(Preset(name=name, parameters={"f_m": rate}))
    takes_folder().mkdir(parents=True, exist_ok=True)
    soundfile.write(takes_folder() / "take 9.wav", strokes(0.8, 0.25, 540.0), RATE)
    desk.drawer.turn_to("sounds")
    yield desk.session.classification
    desk.session.classification.stop()
    desk.session.classification.use(desk.session.classification.path)
    for file in [*library.user.glob("*.json"), *takes_folder().glob("take 9.wav")]:
        file.unlink()
    desk.drawer.turn_to("")


@pytest.fixture
def trained(classification, desk, sounds, qtbot):
    """The desk with a classifier that it has trained itself."""
    if classification.path is None:
        desk.actions_["train_classifier"].trigger()
        answer(qtbot, desk, sounds)
        assert desk.library.tags.isVisible()
        qtbot.waitUntil(lambda: classification.path is not None, timeout=240_000)
        assert "names 100%" in desk.status.message.text()
        assert desk.settings.classifier == str(classification.path)
        assert not (classification.path.parent / "features").exists()
    return classification


def test_nothing_is_tagged_before_it_is_accepted(trained, desk, qtbot):
    tags, library = desk.library.tags, desk.library.library
    mine, other = (library.user / f"{name}.json" for name in ("Mine", "Other"))
    desk.actions_["suggest_tags"].trigger()
    qtbot.waitUntil(lambda: tags.list.count() == 3 and not tags.stop.isVisible(), timeout=150_000)
    words = {one.path: one.label for one in trained.suggestions}
    assert words[takes_folder() / "take 9.wav"] == "bell"
    assert all(load_preset(path).tags.words == () for path in (mine, other))
    assert library.marks.takes == {}

    dismissed = next(i for i, one in enumerate(trained.suggestions) if one.path == other)
    tags.list.setCurrentRow(dismissed)
    QTest.keyClick(tags.list, Qt.Key.Key_Delete)
    assert tags.list.count() == 2
    QTest.mouseClick(tags.all, LEFT)
    QTest.mouseClick(tags.accept, LEFT)
    assert not tags.isVisible()
    assert load_preset(mine).tags.words == (words[mine],)
    assert load_preset(other).tags.words == ()
    assert library.marks.takes == {"take 9.wav": ["bell"]}
    desk.files.takes.aboutToShow.emit()
    assert "take 9.wav · bell" in [each.text() for each in desk.files.takes.actions()]

    desk.actions_["undo"].trigger()
    assert load_preset(mine).tags.words == ()
    assert library.marks.takes == {}


def test_relevance_of_the_target_stands_beside_the_attribution(trained, desk, qtbot, tmp_path):
    view, session = desk.scale_rate, desk.session
    shown = view.relevance
    with told(qtbot, session.target.loaded, timeout=30_000):
        desk.files.load_target(DEMO)
    try:
        with told(qtbot, trained.explained, timeout=150_000) as news:
            QTest.mouseClick(view.why, LEFT)
        (relevance,) = news.args
        assert relevance.label in ("bell", "buzz")
        assert shown.spins.title == f"Sounds like {relevance.label} {relevance.probability:.2f}"
        with told(qtbot, session.match.attributed, timeout=150_000):
            QTest.mouseClick(view.switch, LEFT)
        qtbot.waitUntil(lambda: view.attribution.isVisible() and shown.isVisible())
        assert view.attribution.geometry().right() < shown.geometry().left()
        assert abs(shown.spins.numbers).max() == pytest.approx(1.0)
        hover(shown.carriers.viewport(), spot_of(shown.carriers, 0.4, 0.4))
        assert "Hz carrier" in shown.carriers.readout
        for ending in (".png", ".csv"):
            desk.links.exporter.save(shown.spins, tmp_path / f"why{ending}")
        assert (tmp_path / "why.png").stat().st_size > 5_000
        head, *rows = csv.reader((tmp_path / "why.csv").read_text().splitlines())
        assert head == ["class", "carrier_hz", "rate_hz", "scale_c_per_oct", "relevance"]
        assert sum(float(row[-1]) for row in rows) == pytest.approx(1.0, abs=0.01)

        with told(qtbot, trained.explained, timeout=150_000):  # of another target, by itself
            desk.files.load_target(takes_folder() / "take 9.wav")
            assert shown.spins.empty
        assert "bell" in shown.spins.title
    finally:
        view.why.setChecked(False)
        view.switch.setChecked(False)
