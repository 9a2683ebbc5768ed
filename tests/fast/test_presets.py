import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesosynth.effects import EFFECTS
from mesosynth.errors import PresetError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.presets.preset import (
    PRESET,
    EffectState,
    MatchRecord,
    Preset,
    Tags,
    load_preset,
    save_preset,
)
from mesosynth.system.paths import factory_presets

TABLE = INSTRUMENTS["chirplet"].parameters
OF_EVERY_REVISION = sorted((Path(__file__).parents[1] / "data" / "presets").glob("revision_*.json"))
# All that is promised: MESOSYNTH_EXAMPLES=10000 pytest tests/test_presets.py
EXAMPLES = int(os.environ.get("MESOSYNTH_EXAMPLES", "80"))
shared_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
)
names = st.text(st.characters(codec="utf-8"))
numbers = st.floats(allow_nan=False, allow_infinity=False)
extras = st.dictionaries(
    st.text("abcxyz", min_size=1).map("future_".__add__),
    st.recursive(st.none() | st.booleans() | numbers | names, st.lists, max_leaves=5),
    max_size=3,
)


def legal(parameter):
    return st.floats(0.0, 1.0).map(parameter.from_unit)


def values_of(table):
    return st.fixed_dictionaries({}, optional={p.id: legal(p) for p in table.values()})


few_names = st.lists(names, max_size=3).map(tuple)
tags = st.builds(
    Tags, category=names, character=few_names, features=few_names, extra=extras
)  # fmt: skip
matches = st.builds(
    MatchRecord, target=names, sha256=names, loss=numbers, onset=numbers, gain=numbers,
    std=st.dictionaries(st.sampled_from(list(TABLE)), numbers), extra=extras,
    evaluations=st.integers(0, 2**31),
)  # fmt: skip
anything = st.dictionaries(names, extras, max_size=2)


def with_one_modulation(effects):
    return [effect.plugin for effect in effects].count("modulation") < 2


effects = st.sampled_from(sorted(EFFECTS)).flatmap(
    lambda plugin: st.builds(
        EffectState, plugin=st.just(plugin), parameters=values_of(EFFECTS[plugin].parameters),
        bypassed=st.booleans(), extra=extras,
    )
) | st.builds(
    EffectState, plugin=names.filter(lambda name: name not in ("", *EFFECTS)),
    parameters=st.dictionaries(names, numbers, max_size=3), bypassed=st.booleans(),
    state=anything, extra=extras,
)  # fmt: skip
presets = st.sampled_from(sorted(INSTRUMENTS)).flatmap(
    lambda instrument: st.builds(
        Preset, name=names, author=names, comment=names, extra=extras, tags=tags,
        licence=st.sampled_from(["", "CC0-1.0", "MIT OR (Apache-2.0 AND ISC)", "LicenseRef-a.b"]),
        match=st.none() | matches, instrument=st.just(instrument),
        parameters=values_of(INSTRUMENTS[instrument].parameters),
        effects=st.lists(effects, max_size=3).map(tuple).filter(with_one_modulation),
    )
)  # fmt: skip


@given(preset=presets)
@shared_folder
def test_what_is_saved_is_what_is_loaded(tmp_path, preset):
    path = tmp_path / "p.json"
    save_preset(path, preset)
    assert load_preset(path) == preset
    assert os.listdir(tmp_path) == ["p.json"]


@given(text=st.binary(max_size=300))
@shared_folder
def test_random_bytes_are_refused(tmp_path, text):
    path = tmp_path / "p.json"
    path.write_bytes(text)
    with pytest.raises(PresetError, match=r"p\.json"):
        load_preset(path)


def test_a_file_cut_at_any_byte_is_refused(tmp_path):
    path = tmp_path / "p.json"
    record = MatchRecord(target="crow.flac", std={"f_c": 1.0})
    effects = (EffectState(plugin="delay", parameters={"time": 0.25}),)
    save_preset(
        path, Preset(name="Grün", parameters=TABLE.defaults(), match=record, effects=effects)
    )
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(PresetError, match=r"p\.json"):
            load_preset(path)


def document(**changes):
    return {
        "revision": PRESET.revision,
        "name": "x",
        "instrument": "chirplet",
        "parameters": {},
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"revision": PRESET.revision + 1}, "written by a later mesosynth"),
        ({"revision": 10**30}, "later mesosynth|not a preset"),
        ({"revision": 0}, "its revision is 0"),
        ({"revision": None}, "its revision is None"),
        ({"revision": True}, "its revision is True"),
        ({"revision": "1"}, "its revision is '1'"),
        ({"name": 3}, "is not a preset: Expected `str`"),
        ({"parameters": {"f_x": 1.0}}, "parameter 'f_x' does not exist; chirplet has f_c, f_m"),
        ({"parameters": {"f_c": 1e6}}, "parameter f_c=1e\\+06 must be 20 to 8000 Hz"),
        (
            {"instrument": "ripple", "parameters": {"gamma": 0.01}},
            "gamma=0.01 must be .* 0.125 or more either way",
        ),
        ({"parameters": {"f_c": math.nan}}, "is not a preset"),
        ({"parameters": {"f_c": math.inf}}, "is not a preset"),
        ({"parameters": {"f_c": "440"}}, "is not a preset"),
        ({"parameters": {"f_c": None}}, "is not a preset"),
        ({"parameters": []}, "is not a preset"),
        ({"match": 5}, r"Expected `object \| null`, got `int` - at `\$\.match`"),
        ({"match": {"target": None}}, "is not a preset"),
        ({"match": {"loss": 1.0}}, "is not a preset"),
        ({"tags": "abc"}, r"Expected `object`, got `str` - at `\$\.tags`"),
        ({"tags": ["abc"]}, r"Expected `object`, got `array` - at `\$\.tags`"),
        ({"tags": {"category": 1}}, "is not a preset"),
        ({"tags": {"character": "bright"}}, "is not a preset"),
        ({"tags": {"features": ["x"] * 100_000}}, "has 100000 tags; at most 64"),
        ({"revision": 1, "tags": "abc"}, "is not a preset"),
        ({"revision": 1, "tags": [1]}, "is not a preset"),
        ({"licence": "all mine!"}, "licence='all mine!' is no SPDX identifier"),
        ({"effects": [{"plugin": "delay"}] * 15}, "has 15 effects; a rack holds 14"),
        ({"effects": [{"plugin": "delay"}] * 50_000}, "has 50000 effects|is larger than"),
        ({"effects": [3]}, r"Expected `object`, got `int` - at `\$\.effects\[0\]`"),
        ({"effects": {}}, "is not a preset"),
        ({"effects": [{"plugin": ""}]}, "has a plugin without a name"),
        ({"instrument": ""}, "has a plugin without a name"),
        ({"effects": [{"plugin": "delay", "parameters": {"x": 1}}]}, "'x' does not exist"),
        ({"effects": [{"plugin": "mine", "state": []}]}, "is not a preset"),
        ({"state": {"tuning": {"cents": "x"}}}, "chirplet cannot take its state"),
        ({"state": {"tuning": {"cents": [10**400]}}}, "chirplet cannot take its state"),
        ({"state": {"tuning": {"cents": [1.0], "root": []}}}, "chirplet cannot take its state"),
        ({"state": {"tuning": 7}}, "chirplet cannot take its state"),
        ({"parameters": {"x" * 900_000: 1.0}}, "does not exist"),
    ],
)
def test_a_wrong_document_is_refused_with_its_cause(tmp_path, changes, cause):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(document(**changes)))
    with pytest.raises(PresetError, match=cause) as raised:
        load_preset(path)
    assert "wrong.json" in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", "is empty"), (b" \n", "is empty"), (b"[]", "is not a preset"),
        (b"null", "is not a preset"), (b'{"revision": 1}', "is not a preset"),
        (b"[" * 500_000, "is not a preset"), (b'{"a":' * 100_000, "is not a preset"),
        (b"{}" + b" " * PRESET.largest, "is larger than"), (b'{"name": "\xff"}', "is not a preset"),
        (b'{"revision": 1, "name": "x", "parameters": {"f_c": 1e999}}', "is not a preset|must be"),
    ],
)  # fmt: skip
def test_wrong_bytes_are_refused(tmp_path, text, cause):
    path = tmp_path / "wrong.json"
    path.write_bytes(text)
    with pytest.raises(PresetError, match=cause):
        load_preset(path)


@pytest.mark.parametrize("seed", range(3))
def test_a_megabyte_of_random_bytes_is_refused(tmp_path, seed):
    path = tmp_path / "wrong.json"
    path.write_bytes(random.Random(seed).randbytes(1_000_000))
    with pytest.raises(PresetError, match="is not a preset"):
        load_preset(path)


def test_a_sentence_stays_a_sentence_whatever_is_in_the_file(tmp_path):
    path = tmp_path / "wrong.json"
    for changes in ({"match": ["x"] * 10_000}, {"parameters": {"x" * 100_000: 1.0}}):
        path.write_text(json.dumps(document(**changes)))
        with pytest.raises(PresetError) as raised:
            load_preset(path)
        assert len(str(raised.value)) < 600


def test_one_of_every_revision_loads(tmp_path):
    found = [load_preset(path) for path in OF_EVERY_REVISION]
    assert len(found) == PRESET.revision
    for preset in found:
        assert preset.name == "Bird"
        assert preset.values["f_c"] == 3200.0
        assert preset.tags == Tags(category="animal", character=("fast",), features=(
            "animal", "rising"))  # fmt: skip
        save_preset(tmp_path / "again.json", preset)
        assert load_preset(tmp_path / "again.json") == preset


def test_a_licence_that_was_any_text_is_named_and_kept(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document(revision=1, licence="ask me!", comment="Loud.")))
    preset = load_preset(path)
    assert preset.licence == "LicenseRef-ask-me"
    assert preset.comment == "Loud. Licence: ask me!"


def test_a_user_s_instrument_may_be_missing_here(tmp_path):
    path = tmp_path / "p.json"
    preset = Preset(name="x", instrument="kazoo", parameters={"buzz": 0.5}, state={"a": [1]})
    save_preset(path, preset)
    assert load_preset(path) == preset
    assert load_preset(path).values == {"buzz": 0.5}
    with pytest.raises(PresetError, match="kazoo has values that are not finite"):
        save_preset(path, Preset(name="x", instrument="kazoo", parameters={"buzz": math.nan}))


def test_places_that_hold_no_preset(tmp_path):
    with pytest.raises(PresetError, match="does not exist"):
        load_preset(tmp_path / "none.json")
    with pytest.raises(PresetError, match="is a folder"):
        load_preset(tmp_path)
    with pytest.raises(PresetError, match="cannot be written: No such file"):
        save_preset(tmp_path / "nowhere" / "p.json", Preset(name="x"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e9])
def test_a_value_that_cannot_be_played_is_not_saved_over_a_good_file(tmp_path, value):
    path = tmp_path / "p.json"
    save_preset(path, Preset(name="good"))
    with pytest.raises(PresetError, match="f_c="):
        save_preset(path, Preset(name="bad", parameters={"f_c": value}))
    assert load_preset(path).name == "good"
    assert os.listdir(tmp_path) == ["p.json"]


def test_a_deviation_without_bound_is_left_out(tmp_path):
    path = tmp_path / "p.json"
    record = MatchRecord(target="x", std={"f_c": math.inf, "w": 0.1})
    save_preset(path, Preset(name="x", match=record))
    loaded = load_preset(path).match
    assert loaded is not None
    assert loaded.std == {"w": 0.1}


def test_defaults_fill_what_a_preset_leaves_out():
    preset = Preset(name="x", parameters={"f_c": 100.0})
    assert preset.values == {**TABLE.defaults(), "f_c": 100.0}


def test_factory_presets_all_load_and_have_names_of_their_own():
    found = [load_preset(path) for path in factory_presets()]
    assert len(found) >= 5
    assert len({preset.name for preset in found}) == len(found)
    assert all(preset.comment for preset in found)
    assert all(preset.licence for preset in found)


def test_whenever_it_is_killed_while_it_saves_the_old_or_the_new_file_is_there(tmp_path):
    program = Path(__file__).parents[1] / "kill_saving.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), "200"],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    olds, news, parts = map(int, done.stdout.split())
    assert olds + news == 200
    assert min(olds, news) > 0
    assert parts > 10  # else it was not killed while it saved
    assert load_preset(tmp_path / "p.json").comment[0] in "ab"
