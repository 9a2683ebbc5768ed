"""Fears: a file of an earlier version that no longer opens, or that is taken for another kind.

``data/documents`` holds files as the versions of their time wrote them, named KIND-REVISION and
what is special about them; none of these has a `kind` in it.
"""

import shutil
from pathlib import Path

import pytest

from gui.settings import DESK_SETTINGS
from mesosynth.audio.file import load_target
from mesosynth.control.midi_map import MIDI_MAP, Binding
from mesosynth.errors import (
    ArgumentError,
    AudioFileError,
    MatchFileError,
    PresetError,
    SessionError,
    SettingsError,
)
from mesosynth.matching.checkpoint import (
    keep,
    load_checkpoint,
    load_sequence,
    save_checkpoint,
)
from mesosynth.matching.descent import NormalEquations
from mesosynth.paper.figures import FIGURE
from mesosynth.presets.bank import read_bank
from mesosynth.presets.preset import PRESET
from mesosynth.presets.search import MARKS
from mesosynth.session.device import AUDIO_SETTINGS, AudioSettings
from mesosynth.session.file import SESSION
from mesosynth.system import file_kinds
from mesosynth.system.paths import resource
from mesosynth.system.steps import result_of

FILES = sorted((Path(__file__).parents[1] / "data" / "documents").iterdir())
FILES.append(resource("assets", "demo.wav"))
LOADERS = {
    "preset": (PRESET.load, PresetError),
    "session": (SESSION.load, SessionError),
    "checkpoint": (load_checkpoint, MatchFileError),
    "marks": (MARKS.load, SettingsError),
    "audio_settings": (AUDIO_SETTINGS.load, SettingsError),
    "desk_settings": (DESK_SETTINGS.load, SettingsError),
    "midi_map": (MIDI_MAP.load, SettingsError),
    "figure": (FIGURE.load, ArgumentError),
    "bank": (read_bank, PresetError),
    "sound": (load_target, AudioFileError),
}


def kind_of(path):
    return "sound" if path.suffix == ".wav" else path.name.partition("-")[0].partition(".")[0]


DOCUMENTS = {
    "preset": PRESET, "session": SESSION, "marks": MARKS, "figure": FIGURE,
    "audio_settings": AUDIO_SETTINGS, "desk_settings": DESK_SETTINGS, "midi_map": MIDI_MAP,
}  # fmt: skip


def assert_only_its_own_loader_opens(path, kind):
    found = file_kinds.kind_of(path.read_bytes())
    assert found.name == {"bank": "zip"}.get(kind, kind.replace("_", " "))
    for other, (load, error) in LOADERS.items():
        if other == kind:
            load(path)
        else:
            with pytest.raises(error) as raised:
                load(path)
            assert str(raised.value).startswith(f"{path} is {found.noun}, not ")
            assert str(raised.value).endswith(f"; {found.opened}.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_opens_and_every_other_loader_says_what_it_is(path, tmp_path):
    copy, kind = Path(shutil.copy(path, tmp_path)), kind_of(path)
    assert_only_its_own_loader_opens(copy, kind)
    if kind in DOCUMENTS:  # and so it is as this version writes it
        document = DOCUMENTS[kind]
        value = document.load(path)
        document.save(copy, value)
        assert copy.read_bytes() != path.read_bytes()
        assert_only_its_own_loader_opens(copy, kind)
        document.save(copy, document.load(copy))
        assert document.format(value, "") == copy.read_bytes()
    elif kind == "checkpoint":
        before = load_checkpoint(path)
        save_checkpoint(copy, before)
        assert copy.read_bytes() != path.read_bytes()
        assert_only_its_own_loader_opens(copy, kind)
        after = load_checkpoint(copy)
        for name in ("job", "settings", "steps", "finished", "instrument"):
            assert getattr(after, name) == getattr(before, name)
        assert after.target.sha256 == before.target.sha256


def test_every_kind_of_document_has_a_file_here():
    assert {kind_of(path) for path in FILES} == set(LOADERS)
    assert set(DOCUMENTS) | {"checkpoint"} == {
        kind.name.replace(" ", "_") for kind in file_kinds.DOCUMENTS
    }


def of_kind(kind):
    files = [path for path in FILES if kind_of(path) == kind]
    return pytest.mark.parametrize("path", files, ids=lambda path: path.name)


@of_kind("preset")
def test_a_preset_of_then_is_the_same_sound_now(path):
    preset = PRESET.load(path)
    assert preset.name == "Dawn bird"
    assert preset.parameters == {
        "f_c": 3200.0, "f_m": 24.0, "gamma": 9.0, "w": 1.2, "period": 0.45, "gain": -12.0,
    }  # fmt: skip
    assert preset.tags.category == "animal"
    assert preset.tags.character == ("fast",)
    assert preset.tags.features[-1] == "rising"
    assert preset.licence == ("LicenseRef-ask-me" if "licence" in path.name else "CC0-1.0")
    assert preset.match.std == {"f_m": 0.02, "w": 0.1}
    if "first" not in path.name or "2" in path.name:
        assert [effect.plugin for effect in preset.effects] == ["delay"]


@of_kind("session")
def test_a_session_of_then_is_the_same_desk_now(path):
    session = SESSION.load(path)
    assert session.sound.name == "Glass"
    assert session.sound.effects[0].bypassed
    assert session.target.path == "sounds/crow.flac"
    assert session.match.pinned == {"w": 2.0}
    assert (session.follow, session.bank) == (False, ("presets/bird.json",))
    assert session.desk["drawer"] == {"open": True, "page": "rack"}


def checkpoints(what):
    files = [path for path in FILES if path.name.startswith(f"checkpoint-1-{what}")]
    return pytest.mark.parametrize("path", files, ids=lambda path: path.name)


@checkpoints("match")
def test_a_match_of_then_is_gone_on_with(path):
    match = load_checkpoint(path, "match")
    ripple = "ripple" in path.name
    assert match.instrument == ("ripple" if ripple else "chirplet")
    assert match.settings.unknowns == ("f_0" if ripple else "f_c", "f_m")
    assert match.target.audio.shape == (32768,)
    assert match.target.name == "pulse.wav"
    evaluations = {"checkpoint-1-match-first.run": 25, "checkpoint-1-match.run": 13}
    assert len(match.evaluations) == evaluations.get(path.name, 8)
    assert NormalEquations.from_numbers(match.evaluations[0].numbers).loss > 0.0
    assert match.finished == (path.name == "checkpoint-1-match.run")
    with pytest.raises(MatchFileError, match=r"is a match, not a match of a long sound"):
        load_sequence(path)


@checkpoints("sequence")
def test_a_sequence_of_then_is_gone_on_with(path, tmp_path):
    copy = Path(shutil.copy(path, tmp_path))
    matched = load_sequence(copy)
    assert matched.sound.name == "pulse.wav"
    assert [moment.time for moment in matched.moments] == [1.0, 3.0]
    assert matched.moments[0].theta["f_c"] == pytest.approx(740.28, abs=0.01)

    def more():
        yield matched.moments[0]

    result_of(keep(more(), copy, load_checkpoint(copy)))
    assert load_sequence(copy).moments == [*matched.moments, matched.moments[0]]
    assert load_checkpoint(copy).finished
    with pytest.raises(MatchFileError, match=r"is a match of a long sound, not a match; go on"):
        load_checkpoint(copy, "match")


@of_kind("marks")
def test_marks_of_then(path):
    marks = MARKS.load(path)
    assert (marks.favourites, marks.ratings) == ({"factory/bird.json": True}, {"user/mine.json": 4})
    assert marks.recent == ["factory/bubbles.json"]


@of_kind("audio_settings")
def test_audio_settings_of_then(path):
    assert AUDIO_SETTINGS.load(path) == AudioSettings(device="USB", sample_rate=48000, block=128)


@of_kind("desk_settings")
def test_desk_settings_of_then(path):
    settings = DESK_SETTINGS.load(path)
    assert (settings.geometry, settings.folders) == ("AdnQywADAAA=", {"Sounds": "sounds"})
    assert (settings.follow, settings.gain, settings.extra) == (False, -12.5, {})
    if "first" not in path.name:
        assert (settings.theme, settings.scale, settings.toured) == ("dark", 125, True)
        assert settings.layouts["Design"].page == "rack"


@of_kind("midi_map")
def test_a_midi_map_of_then(path):
    assert MIDI_MAP.load(path).bindings == (Binding(0, 21, "f_c"), Binding(5, 74, "w"))
