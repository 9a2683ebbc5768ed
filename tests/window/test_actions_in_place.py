"""Fear: an action that needs layers, a long sound, an input or a chosen sound does nothing."""

import pytest
from follower import let_it_be_heard
from hands import told
from PySide6.QtWidgets import QFileDialog
from sequences import matched, moving
from ways import WAYS

from mesosynth.matching.results import Layer
from mesosynth.presets.matched import layer_values
from mesosynth.presets.preset import Preset, load_preset

LAYER = Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0}, onset=1.0, level=0.4)


def saving(desk):
    return [dialog.windowTitle() for dialog in desk.findChildren(QFileDialog)]


# Where each is at home, and what must be another thing once it acted.
PLACES = {
    "match_layers": ("layered", lambda desk: desk.session.layers.running),
    "go_on_layers": ("layered", lambda desk: desk.session.layers.running),
    "apply_layers": ("layers_found", lambda desk: desk.session.rack.instrument),
    "follow_input": ("input_heard", lambda desk: desk.session.tracking.running),
    "freeze_following": ("followed", lambda desk: desk.session.tracking.frozen),
    "audition": ("target", lambda desk: desk.session.comparison.heard),
    "overwrite_sound": ("chosen", lambda desk: load_preset(desk.library.current.path).values),
    "edit_sound": ("chosen", lambda desk: desk.library.form.isVisible()),
    "remove_sound": ("chosen", lambda desk: len(list(desk.library.library.user.glob("*.json")))),
    "favourite": (
        "chosen",
        lambda desk: desk.library.edits.is_favourite(desk.library.current),
    ),
    "more_stars": ("chosen", lambda desk: dict(desk.library.library.marks.ratings)),
    "fewer_stars": ("chosen", lambda desk: dict(desk.library.library.marks.ratings)),
    "match_sequence": ("target", lambda desk: desk.session.sequence.running),
    "play_sequence": ("long_sound", lambda desk: desk.session.sequence.playing),
    "save_sequence": ("long_sound", saving),
    "resynthesise": ("target", lambda desk: desk.session.resynthesis.running),
    "hear_resynthesis": ("original", lambda desk: desk.session.resynthesis.heard),
}


@pytest.fixture(autouse=True)
def put_back(desk, qtbot):
    """End whatever an action has begun."""
    yield
    session = desk.session
    for dialog in desk.findChildren(QFileDialog):
        dialog.close()
    session.comparison.hear(None)
    session.tracking.stop()
    qtbot.waitUntil(lambda: not desk.tracking_strip.isVisible())
    session.sequence.stop_playing()
    session.sequence._jobs.cancel("sequence")  # to stop, it would have to load torch first
    session.sequence.matched = None
    session.sequence.changed.emit(None, False)
    session.resynthesis._forget()
    session.match.stop()
    qtbot.waitUntil(lambda: not session.match.running, timeout=20_000)
    desk.library.form.hide()
    desk.drawer.turn_to("")


@pytest.fixture
def layered(target, qtbot):
    """A layer plays beside a target."""
    preset = Preset(name="One", instrument="layers", parameters=layer_values([LAYER]))
    target.session.presets.play(preset)
    qtbot.waitUntil(target.actions_["go_on_layers"].isEnabled, timeout=20_000)
    return target


@pytest.fixture
def original(target, qtbot):
    """The demo was looked at on the page of resynthesis."""
    session = target.session
    session.resynthesis.look(target.resynthesis_page.recipe())
    qtbot.waitUntil(target.actions_["hear_resynthesis"].isEnabled, timeout=20_000)
    return target


@pytest.fixture
def layers_found(layered, qtbot):
    """A match with layers has ended, and another instrument plays."""
    session = layered.session
    with told(qtbot, session.layers.stepped, timeout=40_000):
        layered.actions_["go_on_layers"].trigger()
    with told(qtbot, session.layers.ended, timeout=40_000):
        session.match.stop()
    session.rack.set_instrument("chirplet")
    qtbot.waitUntil(lambda: session.rack.instrument == "chirplet", timeout=20_000)
    return layered


@pytest.fixture
def input_heard(desk, monkeypatch):
    """Somebody plays into the input."""
    let_it_be_heard(monkeypatch, desk.session)
    return desk


@pytest.fixture
def followed(input_heard, qtbot):
    """And the sound follows."""
    input_heard.actions_["follow_input"].trigger()
    qtbot.waitUntil(lambda: input_heard.session.sound.values["gamma"] == 4.0)
    return input_heard


@pytest.fixture
def chosen(desk, qtbot):
    """A sound of the user's own is chosen, with three stars, and another one plays."""
    page = desk.library
    for file in page.library.user.glob("*.json"):
        file.unlink()
    path = page.library.save(Preset(name="Mine"))
    page.refresh()
    page.line.setText("is:user")
    page._select(path)
    page.edits.rate(page.current, 3)
    desk.history.change({"f_c": 444.0})
    yield desk
    path.unlink(missing_ok=True)
    page.line.clear()
    page.refresh()


@pytest.fixture
def long_sound(desk):
    """A sequence of six seconds was found."""
    session = desk.session
    session.sequence.matched = matched(6.0, moving(6.0, rest=(0.0, 0.0)))
    session.sequence.changed.emit(session.sequence.matched, False)
    return desk


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("id_", PLACES)
def test_an_action_acts_where_it_is_at_home(request, qtbot, id_, way):
    place, seen = PLACES[id_]
    desk = request.getfixturevalue(place)
    desk.activateWindow()
    desk.pad.setFocus()
    qtbot.waitUntil(lambda: desk.isActiveWindow() and desk.actions_[id_].isEnabled())
    before = seen(desk)
    way(desk, id_)
    qtbot.waitUntil(lambda: seen(desk) != before, timeout=20_000)
