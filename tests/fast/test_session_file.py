"""The fear: that a session cannot be taken up again, or that its file breaks the one that plays."""

import json
import random
import shutil
import time

import pytest
from recorder import Recorder

from mesosynth.errors import PluginError, SessionError
from mesosynth.matching.results import MatchSettings
from mesosynth.presets.preset import EffectState, Preset, Tags
from mesosynth.session import Session
from mesosynth.session.file import SavedSession, TargetFile, load_session, save_session
from mesosynth.system.paths import resource

SOUND = Preset(
    name="Glass", parameters={"f_c": 700.0}, tags=Tags(category="Bells"),
    effects=(EffectState(plugin="delay", parameters={"time": 0.25}, bypassed=True),),
)  # fmt: skip
SAVED = SavedSession(
    sound=SOUND, target=TargetFile(path="/a/b.wav", sha256="00"), follow=False,
    bank=("/a/x.json",), desk={"drawer": {"open": True, "list": [1, None]}}, extra={"later": 2},
    match=MatchSettings(unknowns=("f_m", "gamma"), pinned={"w": 2.0}, phi="jtfs",
                        extra={"later": [3]}),
)  # fmt: skip


@pytest.fixture(scope="module")
def session():
    session = Session(device="silent")
    yield session
    session.close()


def test_what_is_saved_is_what_is_loaded(tmp_path):
    path = tmp_path / "s.json"
    save_session(path, SAVED)
    assert load_session(path) == SAVED
    assert [file.name for file in tmp_path.iterdir()] == ["s.json"]


def test_a_file_cut_at_any_byte_is_refused(tmp_path):
    path = tmp_path / "s.json"
    save_session(path, SAVED)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(SessionError, match=r"s\.json"):
            load_session(path)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"revision": 2}, "written by a later mesosynth"),
        ({"revision": None}, "its revision is None"),
        ({"sound": None}, "its sound is not a preset"),
        ({"sound": {"revision": 9, "name": "x"}}, "its sound was written by a later"),
        ({"sound": {"revision": 2, "name": "x", "parameters": {"f_c": 1e9}}}, "f_c=1e\\+09 must"),
        ({"target": 3}, "is not a session"),
        ({"target": {"path": None}}, "is not a session"),
        ({"match": {"phi": "nonsense"}}, "is not a session"),
        ({"match": {"pinned": {"w": "x"}}}, "is not a session"),
        ({"follow": 1}, "is not a session"),
        ({"bank": [1]}, "is not a session"),
        ({"desk": []}, "is not a session"),
    ],
)
def test_a_wrong_document_is_refused_with_its_cause(tmp_path, changes, cause):
    path = tmp_path / "s.json"
    save_session(path, SAVED)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(SessionError, match=cause) as raised:
        load_session(path)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"[" * 500_000, random.Random(1).randbytes(1_000_000),
             b" " * 5_000_000]
)  # fmt: skip
def test_wrong_bytes_are_refused(tmp_path, text):
    path = tmp_path / "s.json"
    path.write_bytes(text)
    with pytest.raises(SessionError, match=r"s\.json is not a session"):
        load_session(path)


def test_what_cannot_be_written_leaves_the_file(tmp_path):
    path = tmp_path / "s.json"
    save_session(path, SAVED)
    for wrong in (
        SavedSession(sound=Preset(name="x", parameters={"f_c": 1e9})),
        SavedSession(sound=SOUND, desk={"x": object()}),
    ):
        with pytest.raises(SessionError, match="cannot be written"):
            save_session(path, wrong)
    with pytest.raises(SessionError, match="cannot be written: No such file"):
        save_session(tmp_path / "nowhere" / "s.json", SAVED)
    assert load_session(path) == SAVED


def test_a_session_goes_on_where_it_was_left(session, tmp_path):
    target, path = tmp_path / "target.wav", tmp_path / "s.json"
    shutil.copy(resource("assets", "demo.wav"), target)
    session.presets.play(SOUND)
    session.sound.set({"f_m": 5.0, "delay.feedback": 0.25})
    session.match.follow, session.presets.bank = False, (tmp_path / "x.json",)
    session.target.load(target)
    wait_for_target(session, target)
    session.save(path, {"drawer": 1})
    values = dict(session.sound.values)

    session.presets.play(Preset(name="other", instrument="ripple"))
    session.match.follow, session.presets.bank = True, ()
    session.target.load(resource("assets", "demo.wav"))
    session.poll()
    assert session.load(path) == {"drawer": 1}
    wait_for_target(session, target)
    assert (session.rack.instrument, session.sound.values) == ("chirplet", values)
    assert session.rack.effects[0].bypassed
    assert (session.match.follow, session.presets.bank) == (False, (tmp_path / "x.json",))
    assert session.presets.current.tags == SOUND.tags

    target.unlink()
    seen = Recorder(session)
    session.load(path)
    assert any("target is not there" in text for text in seen.texts())
    assert session.sound.values == values


def wait_for_target(session, path):
    deadline = time.monotonic() + 100.0
    while session.target.path != path:
        session.poll()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_bad_file_leaves_the_session(session, tmp_path):
    path = tmp_path / "s.json"
    session.presets.play(SOUND)
    before = session.saved()
    path.write_text("{}")
    with pytest.raises(SessionError):
        session.load(path)
    save_session(path, SavedSession(sound=Preset(name="x", instrument="kazoo")))
    with pytest.raises(PluginError, match="kazoo"):
        session.load(path)
    assert session.saved() == before
