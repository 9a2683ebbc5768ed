"""The drawer's page of layers; the fears: a change that undo does not know, and cards that lie."""

import pytest
from hands import LEFT, NONE, drag, told
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from mesosynth.matching.results import Layer
from mesosynth.presets.matched import layer_values
from mesosynth.presets.preset import Preset

PURE = {"am_shape": 0.0, "am_depth": 1.0, "brightness": -60.0}
LAYERS = [
    Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, **PURE}, onset=1.0, level=0.4),
    Layer({"f_c": 900.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, **PURE}, onset=1.5, level=0.2),
    Layer({"f_c": 1500.0, "f_m": 20.0, "gamma": -1.5, "w": 1.0, **PURE}, onset=3.0, level=0.3),
]


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


def click(button):
    QTest.mouseClick(button, LEFT, NONE, button.rect().center())


def carriers(desk):
    values = desk.session.sound.values
    return [values[f"f_c_{card.number}"] for card in desk.layers_page.cards]


@pytest.fixture
def mixed(desk, qtbot):
    """Three layers play, the page is open, and there is nothing to undo."""
    press(desk, "F7")
    preset = Preset(name="Three", instrument="layers", parameters=layer_values(LAYERS))
    desk.session.presets.play(preset)
    qtbot.waitUntil(lambda: len(desk.layers_page.cards) == 3, timeout=20_000)
    desk.history.end()
    desk.history.stack.clear()
    yield desk
    desk.session.rack.set_instrument("chirplet")
    desk.drawer.turn_to("")


@pytest.fixture
def layered(target, mixed, qtbot):
    """The same beside a target."""
    desk = mixed
    yield desk
    desk.session.match.stop()
    qtbot.waitUntil(lambda: not desk.session.match.running, timeout=20_000)


@pytest.fixture
def page(mixed):
    return mixed.layers_page


def test_cards_say_what_plays_and_each_ones_share(layered, page, qtbot):
    assert "500 Hz ↗" in page.cards[0].title.text()
    assert "1500 Hz ↘" in page.cards[2].title.text()
    qtbot.waitUntil(lambda: page.cards[0].share.text.endswith("%"), timeout=20_000)
    assert sum(int(card.share.text[:-1]) for card in page.cards) == pytest.approx(100, abs=2)
    assert all(bar.text != "–" for bar in page.scores.bars.values())  # beside the target
    click(page.cards[0].mute)
    qtbot.waitUntil(lambda: page.cards[0].share.text == "0%", timeout=20_000)


def test_mute_solo_and_pin_are_switches_that_undo_takes_back(layered, page):
    values = layered.session.sound.values
    click(page.cards[0].mute)
    assert layered.session.sound.values["level_1"] == -60.0
    assert page.cards[0].mute.isChecked()
    click(page.cards[2].solo)
    assert layered.session.sound.values["level_2"] == -60.0
    click(page.cards[1].pin)
    assert [note.pinned for note in layered.session.layers.mixer.notes] == [False, True, False]
    assert layered.history.stack.undoText() == "pin of layer 2"
    for _ in range(3):
        press(layered, "Ctrl+Z")
    assert layered.session.sound.values == values
    assert not any(
        button.isChecked() for card in page.cards for button in (card.mute, card.solo, card.pin)
    )
    press(layered, "Ctrl+Shift+Z")
    assert page.cards[0].mute.isChecked()


def test_layers_are_ordered_by_drag_buttons_and_keys_and_go_by_delete(layered, page):
    card = page.cards[0]
    drag(card, QPointF(40, 8), (0, round(2.2 * card.height())))
    assert carriers(layered) == [900.0, 1500.0, 500.0]
    colours = [card.share.colour for card in page.cards]
    click(page.cards[2].up)
    assert carriers(layered) == [900.0, 500.0, 1500.0]
    assert [card.share.colour for card in page.cards] == [colours[0], colours[2], colours[1]]
    page.cards[0].setFocus()
    QTest.keyClick(page.cards[0], Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert carriers(layered) == [500.0, 900.0, 1500.0]
    assert page.cards[1].hasFocus()  # the keys go with the layer
    QTest.keyClick(page.cards[1], Qt.Key.Key_Delete)
    assert carriers(layered) == [500.0, 1500.0]
    for _ in range(4):
        press(layered, "Ctrl+Z")
    assert carriers(layered) == [500.0, 900.0, 1500.0]


def test_a_card_shows_its_knobs(layered, page):
    QTest.mouseClick(page.cards[1], LEFT, NONE, page.cards[1].rect().center())
    assert layered.knobs.pages.page == 2
    assert layered.knobs["f_c_2"].isVisible()


def test_a_match_is_one_step_with_its_change_of_instrument(target, qtbot):
    desk, page = target, target.layers_page
    press(desk, "F7")
    page.count.setValue(1)
    page.seconds.setValue(5)
    before = dict(desk.session.sound.values)
    with told(qtbot, desk.session.layers.stepped, timeout=40_000):
        press(desk, "L")
    assert desk.session.rack.instrument == "layers"
    assert desk.actions_["stop_match"].isEnabled()
    with told(qtbot, desk.session.layers.ended, timeout=40_000) as ended:
        press(desk, "Shift+M")
    assert ended.args[0] is not None
    assert len(page.cards) == 1
    assert "1 layer after" in page.left.text()
    assert desk.history.stack.undoText() == "match with layers"
    press(desk, "Ctrl+Z")
    assert desk.session.rack.instrument == "chirplet"
    assert desk.session.sound.values == before
    assert page.cards == []
    press(desk, "Shift+A")
    assert desk.session.rack.instrument == "layers"
    desk.session.rack.set_instrument("chirplet")
    assert (desk.settings.layers, desk.settings.layers_seconds) == (1, 5.0)
    desk.drawer.turn_to("")


def test_undo_during_a_match_takes_it_back_and_over(layered, page, qtbot):
    values = dict(layered.session.sound.values)
    with told(qtbot, layered.session.layers.stepped, timeout=40_000):
        press(layered, "Shift+L")
    qtbot.waitUntil(lambda: layered.session.sound.values != values, timeout=20_000)
    press(layered, "Ctrl+Z")
    assert layered.session.sound.values == values
    assert not layered.actions_["follow"].isChecked()
    with told(qtbot, layered.session.layers.ended, timeout=40_000):
        press(layered, "Shift+M")
    assert layered.session.sound.values == values


def add(page, kind, sound="Plain"):
    """Choose a sound in the menu of new layers."""
    page.menu.aboutToShow.emit()
    menu = next(a.menu() for a in page.menu.actions() if a.text() == kind)
    next(action for action in menu.actions() if action.text() == sound).trigger()


def test_layers_of_every_instrument_are_added_and_taken_back(mixed, page):
    values, session = dict(mixed.session.sound.values), mixed.session
    for kind in ("Chirplet", "Ripple", "Strike", "Drum", "Grains"):
        add(page, kind)
    add(page, "Drum", drum_preset(page))
    assert len(page.cards) == 9
    kinds = {number: one["instrument"] for number, one in session.rack.state["layers"].items()}
    assert kinds == {"5": "ripple", "6": "strike", "7": "drum", "8": "grains", "9": "drum"}
    assert all(session.sound.values[f"level_{n}"] > -60.0 for n in range(1, 10))
    assert "Strike" in page.cards[5].title.text()
    assert "Grains" in page.cards[7].title.text()
    assert mixed.history.stack.undoText() == "new layer"
    for _ in range(6):
        press(mixed, "Ctrl+Z")
    assert session.sound.values == values
    assert session.rack.state == {}
    assert len(page.cards) == 3
    for _ in range(6):
        press(mixed, "Ctrl+Shift+Z")
    assert len(page.cards) == 9


def test_a_layer_has_the_knobs_of_its_own_instrument(mixed, page):
    session, knobs = mixed.session, mixed.knobs
    add(page, "Ripple", "With an envelope")
    click(page.cards[3])
    decay = knobs._own["decay"]
    assert decay.isVisible()
    assert knobs["f_m_4"].isVisible()
    assert not knobs["am_shape_4"].isVisible()  # a ripple has no such thing
    before = decay.value
    drag(decay, decay.dial.center(), (0, -30))
    given = session.rack.state["layers"]["4"]["parameters"]
    assert given["decay"] == decay.value > before
    assert mixed.history.stack.undoText() == "Decay of layer 4"
    decay.type_value()
    decay.editor.setText("0.25")
    QTest.keyClick(decay.editor, Qt.Key.Key_Return)
    assert session.rack.state["layers"]["4"]["parameters"]["decay"] == pytest.approx(0.25)
    press(mixed, "Ctrl+Z")
    press(mixed, "Ctrl+Z")
    assert knobs._own["decay"].value == before
    click(page.cards[0])
    assert not knobs._own  # all of an arpeggio is in the table
    assert knobs["am_shape_1"].isVisible()


def drum_preset(page):
    page.menu.aboutToShow.emit()
    menu = next(a.menu() for a in page.menu.actions() if a.text() == "Drum")
    return menu.actions()[-1].text()


def test_the_sound_that_plays_becomes_the_first_layer(mixed, page, qtbot):
    session = mixed.session
    session.rack.set_instrument("strike", {"f_c": 333.0, "gain": -7.0})
    mixed.history.end()
    add(page, "Drum")
    assert session.rack.instrument == "layers"
    assert [session.layers.instrument(place) for place in range(2)] == ["strike", "drum"]
    assert session.sound.values["f_c_1"] == 333.0
    assert session.sound.values["level_1"] == -7.0
    assert len(page.cards) == 2
    press(mixed, "Ctrl+Z")
    assert session.rack.instrument == "strike"
    assert session.sound.values["f_c"] == 333.0
    for _ in range(12):
        add(page, "Grains")
    assert len(page.cards) == 12  # and a sentence says why there is no more
    assert "12 layers already" in mixed.status.message.text()
