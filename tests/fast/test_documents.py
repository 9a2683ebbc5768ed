"""Fears: a file that is lost, half written, taken for another, or that stops the program."""

import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesosynth.errors import MatchFileError, PresetError, SessionError
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, LineDocument, put_aside

EXAMPLES = int(os.environ.get("MESOSYNTH_EXAMPLES", "80"))
shared_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    pitch: float = 440.0
    extra: dict[str, Any] = {}


class Bend(msgspec.Struct, frozen=True, kw_only=True, tag="bend"):
    cents: float = 0.0
    extra: dict[str, Any] = {}


class Glide(msgspec.Struct, frozen=True, kw_only=True, tag="glide"):
    seconds: float = 0.0
    extra: dict[str, Any] = {}


class Tune(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    notes: tuple[Note, ...] = ()
    last: Note | None = None
    by_key: dict[str, Note] = {}
    way: Bend | Glide | None = None
    samples: bytes = b""
    anything: dict[str, Any] = {}
    extra: dict[str, Any] = {}


class Concert(msgspec.Struct, frozen=True, kw_only=True):
    tune: Tune
    encore: Tune | None = None
    extra: dict[str, Any] = {}


class Step(msgspec.Struct, frozen=True):
    loss: float
    state: tuple[float, ...] = ()


class Head(msgspec.Struct, frozen=True, kw_only=True):
    seed: int = 0
    extra: dict[str, Any] = {}


def check_tune(where, tune):
    if any(note.pitch <= 0.0 for note in tune.notes):
        raise PresetError(f"{where}: its notes must have a pitch of more than 0 Hz.")


def pitches_to_notes(raw):
    raw["notes"] = [{"pitch": pitch} for pitch in raw.pop("pitches")]


def name_from_title(raw):
    raw["name"] = raw.pop("title").upper()


TUNE = Document(
    Tune, file_kinds.PRESET, PresetError, revision=3,
    migrations=[pitches_to_notes, name_from_title], check=check_tune,
)  # fmt: skip
CONCERT = Document(Concert, file_kinds.SESSION, SessionError, largest=3_000_000)
HEAD = Document(Head, file_kinds.CHECKPOINT, MatchFileError, numbered=False, indent=None)
RUN = LineDocument(HEAD, Step, largest=50_000_000)
FULL = Tune(name="Grün", notes=(Note(), Note(pitch=1.5, extra={"later": [1]})), last=Note(),
            samples=b"\x00\xff", way=Glide(seconds=1.0), extra={"future": {"a": None}})  # fmt: skip

names = st.text(st.characters(codec="utf-8"))
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
plain_values = st.recursive(st.none() | st.booleans() | numbers | names, st.lists, max_leaves=5)
extras = st.dictionaries(names.map("future_".__add__), plain_values, max_size=3)
notes = st.builds(Note, pitch=st.floats(0.1, 1e5), extra=extras)
ways = st.builds(Bend, extra=extras) | st.builds(Glide, seconds=numbers, extra=extras)
tunes = st.builds(
    Tune, name=names, notes=st.lists(notes, max_size=3).map(tuple), last=st.none() | notes,
    by_key=st.dictionaries(names, notes, max_size=2), way=st.none() | ways, samples=st.binary(),
    anything=st.dictionaries(names, plain_values, max_size=2), extra=extras,
)  # fmt: skip


@given(tune=tunes, encore=st.none() | tunes)
@settings(deadline=None, max_examples=EXAMPLES)
def test_what_is_written_is_what_is_read_with_all_that_is_unknown(tune, encore):
    concert = Concert(tune=tune, encore=encore)
    assert TUNE.parse(TUNE.format(tune, "t.json"), "t.json") == tune
    assert CONCERT.parse(CONCERT.format(concert, "c.json"), "c.json") == concert


def test_a_file_says_first_what_it_is_and_then_what_is_known(tmp_path):
    path = tmp_path / "t.json"
    TUNE.save(path, FULL)
    assert TUNE.load(path) == FULL
    assert os.listdir(tmp_path) == ["t.json"]
    raw = json.loads(path.read_text())
    assert list(raw)[:3] == ["kind", "revision", "name"]
    assert list(raw)[-1] == "future"
    assert (raw["kind"], raw["revision"], raw["samples"]) == ("preset", 3, "AP8=")
    assert raw["notes"][1] == {"pitch": 1.5, "later": [1]}
    assert raw["way"] == {"type": "glide", "seconds": 1.0}
    assert path.read_bytes().endswith(b"}\n")


def test_a_key_that_is_called_as_ours_are_is_kept_where_it_was(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"revision": 3, "name": "x", "extra": {"a": 1}}))
    tune = TUNE.load(path)
    assert tune.extra == {"extra": {"a": 1}}
    TUNE.save(path, tune)
    assert json.loads(path.read_text())["extra"] == {"a": 1}


@pytest.mark.parametrize(
    "raw",
    [
        {"revision": 1, "title": "a", "pitches": [2.0], "later": 1},
        {"revision": 2, "title": "a", "notes": [{"pitch": 2.0}], "later": 1},
        {"revision": 3, "name": "A", "notes": [{"pitch": 2.0}], "later": 1},
        {"kind": "preset", "revision": 3, "name": "A", "notes": [{"pitch": 2.0}], "later": 1},
    ],
)
def test_every_revision_is_brought_to_this_one(raw):
    assert TUNE.from_object(raw, "t.json") == Tune(
        name="A", notes=(Note(pitch=2.0),), extra={"later": 1}
    )
    concert = CONCERT.from_object({"revision": 1, "tune": raw}, "c.json")
    assert concert.tune.name == "A"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"revision": 1}, "t.json is not a preset: revision 1 cannot hold this ('pitches')."),
        ({"revision": 1, "pitches": 3}, "is not a preset: revision 1 cannot hold this"),
        ({"revision": 2, "title": 3}, "is not a preset: revision 2 cannot hold this"),
        ({"revision": 3}, "t.json is not a preset: Object missing required field `name`."),
        ({"revision": 4, "name": "x"}, "was written by a later mesosynth (revision 4, this one "
                                       "reads 3); update mesosynth to open it."),
        ({"revision": 10**30}, "later mesosynth"),
        ({"revision": 0}, "its revision is 0, not a number of 1 or more."),
        ({"revision": True}, "its revision is True, not"),
        ({"revision": "3"}, "its revision is '3', not"),
        ({"name": "x"}, "its revision is None, not"),
        ({"kind": "lute", "revision": 3, "name": "x"}, "t.json is not a preset: its kind is "
                                              "'lute', which this mesosynth does not know."),
        ({"kind": ["preset"], "revision": 3}, "its kind is ['preset'], which"),
        ({"kind": "session", "revision": 3}, "t.json is a session, not a preset; open it in the "
                                             "desk with Open session."),
        ({"revision": 1, "sound": {}, "follow": True, "bank": []}, "is a session, not a preset;"),
        ({"revision": 1, "bindings": []}, "is a map of MIDI controllers, not a preset;"),
        ({"revision": 3, "name": "x", "notes": [{"pitch": "x"}]}, "`$.notes[0].pitch`."),
        ({"revision": 3, "name": "x", "notes": [{"pitch": 0}]}, "t.json: its notes must have"),
        ({"revision": 3, "name": "x", "notes": [3]}, "Expected `object`, got `int`"),
        ({"revision": 3, "name": "x", "last": [3]}, "Expected `object | null`, got `array`"),
        ({"revision": 3, "name": "x", "way": {"type": "jump"}}, "Invalid value 'jump'"),
        ([1, 2], "t.json is not a preset: [1, 2] stands where an object should."),
        (None, "t.json is not a preset: None stands where an object should."),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_with_its_cause(raw, says):
    with pytest.raises(PresetError) as raised:
        TUNE.from_object(raw, "t.json")
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"tune": None}, "c.json, its tune is not a preset: None stands where"),
        ({"tune": {"revision": 9}}, "c.json, its tune was written by a later mesosynth"),
        ({"tune": {"revision": 3, "name": "x", "notes": [{"pitch": 0}]}}, "c.json, its tune: its"),
        ({"tune": {"kind": "checkpoint"}}, "c.json, its tune is a saved match, not a preset;"),
        ({"tune": {"revision": 3, "name": "x"}, "encore": 3}, "c.json, its encore is not a preset"),
    ],
)
def test_a_document_in_a_document_is_refused_by_its_place(raw, says):
    with pytest.raises(SessionError) as raised:
        CONCERT.from_object({"revision": 1, **raw}, "c.json")
    assert says in str(raised.value)


LOADERS = [(TUNE.load, PresetError), (CONCERT.load, SessionError), (RUN.load, MatchFileError)]


def refused(path, load, error):
    with pytest.raises(error) as raised:
        load(path)
    said = str(raised.value)
    assert said.startswith(str(path))
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < len(str(path)) + 400
    return said


@given(content=st.binary(max_size=300))
@shared_folder
def test_random_bytes_are_refused(tmp_path, content):
    path = tmp_path / "t.json"
    path.write_bytes(content)
    for load, error in LOADERS:
        refused(path, load, error)


@given(
    raw=json_values, heads=st.sampled_from(["", "preset", "session", "sequence"]), data=st.data()
)
@shared_folder
def test_whatever_json_holds_only_our_errors_come(tmp_path, raw, heads, data):
    fields = [
        "name",
        "title",
        "pitches",
        "notes",
        "last",
        "by_key",
        "way",
        "samples",
        "tune",
        "seed",
    ]
    if isinstance(raw, dict):
        raw["revision"] = data.draw(st.sampled_from([1, 2, 3, 4, None]))
        for field in data.draw(st.lists(st.sampled_from(fields), max_size=4)):
            raw[field] = data.draw(json_values)
        if heads:
            raw["kind"] = heads
    path = tmp_path / "t.json"
    path.write_bytes(json.dumps(raw).encode() + b"\n")
    for load, error in LOADERS:
        said = ""
        try:
            load(path)
        except error as refusal:
            said = str(refusal)
        assert not said or (said.startswith(str(path)) and said.endswith("."))


@pytest.mark.parametrize(
    "content",
    [
        b"", b" \n", b"null", b"{", b'{"name": "\xff"}', b'{"revision": 1e999}', b"\x00" * 5000,
        b"[" * 500_000, b'{"a":' * 100_000, b'{"revision": 3, "name": ' + b"[" * 900 + b"]" * 900,
        b"{}" + b" " * 3_000_000, random.Random(1).randbytes(3_000_000), b'"' + b"x" * 3_000_000,
        b'{"kind": "' + b"x" * 900_000 + b'", "revision": 1}',
        b'{"revision": 3, "name": {"' + b"x" * 900_000 + b'": 1}}',
        b'{"revision": 3, "name": "x", "way": {"type": "' + b"x" * 900_000 + b'"}}',
    ],
    ids=lambda content: f"{content[:20]}, {len(content)}",
)  # fmt: skip
def test_hostile_bytes_are_refused_in_one_short_sentence(tmp_path, content):
    path = tmp_path / "t.json"
    path.write_bytes(content)
    for load, error in LOADERS:
        refused(path, load, error)


def test_a_file_cut_at_any_byte_is_refused(tmp_path):
    path = tmp_path / "t.json"
    TUNE.save(path, FULL)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(path, TUNE.load, PresetError)


def test_places_that_hold_no_document(tmp_path):
    assert "does not exist." in refused(tmp_path / "none", TUNE.load, PresetError)
    assert "is a folder; name a preset in it." in refused(tmp_path, TUNE.load, PresetError)
    assert "cannot be read" in refused(tmp_path / "a\0b", TUNE.load, PresetError)
    (tmp_path / "file").touch()
    assert "cannot be read" in refused(tmp_path / "file" / "x", TUNE.load, PresetError)
    with pytest.raises(PresetError, match=r"No such file or directory; make its folder first\.$"):
        TUNE.save(tmp_path / "nowhere" / "t.json", FULL)
    with pytest.raises(PresetError, match=r"cannot be written"):
        TUNE.save(tmp_path / "file" / "t.json", FULL, make_folder=True)
    with pytest.raises(PresetError, match=r"cannot be written"):
        TUNE.save(tmp_path / "a\0b", FULL)
    TUNE.save(tmp_path / "new" / "er" / "t.json", FULL, make_folder=True)
    assert TUNE.load(tmp_path / "new" / "er" / "t.json") == FULL


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (Tune(name="x", notes=(Note(pitch=-1.0),)), "pitch of more than 0"),
        (Tune(name="x", notes=(Note(pitch=float("nan")),)), "Expected `float`, got `null`"),
        (Tune(name="x", anything={"x": object()}), "cannot be written"),
        (Tune(name=3), "Expected `str`"),  # type: ignore[arg-type]
        (Tune(name="x" * 1_000_000), "larger than"),
    ],
)
def test_what_could_not_be_read_back_is_not_written_over_a_good_file(tmp_path, value, cause):
    path = tmp_path / "t.json"
    TUNE.save(path, FULL)
    with pytest.raises(PresetError, match=cause) as raised:
        TUNE.save(path, value)
    assert str(raised.value).startswith(str(path))
    with pytest.raises(SessionError, match=r"c\.json"):
        CONCERT.format(Concert(tune=value, extra={"x": "x" * 3_000_000}), "c.json")
    assert TUNE.load(path) == FULL
    assert os.listdir(tmp_path) == ["t.json"]


@pytest.mark.parametrize("depth", [10, 500, 800, 5000])
def test_what_lies_deep_is_kept_or_refused(tmp_path, depth):
    path = tmp_path / "t.json"
    path.write_bytes(b'{"revision": 3, "name": "x", "deep": ' + b"[" * depth + b"]" * depth + b"}")
    try:
        tune = TUNE.load(path)
        TUNE.save(path, tune)
        assert TUNE.load(path) == tune
    except PresetError:
        assert depth > 500


def test_a_new_file_takes_nobodys_name(tmp_path):
    path = tmp_path / "f" / "t.json"
    assert TUNE.save_new(path, FULL, make_folder=True)
    assert not TUNE.save_new(path, Tune(name="other"))
    assert TUNE.load(path) == FULL
    assert os.listdir(path.parent) == ["t.json"]


# Files of the program's own.


def test_a_broken_file_of_our_own_is_put_aside_and_told(tmp_path):
    path = tmp_path / "settings.json"
    assert TUNE.load_own(path, FULL, "the start is with defaults") == (FULL, "")
    for number, content in enumerate([b"{", b'{"kind": "match"}'], start=1):
        path.write_bytes(content)
        value, trouble = TUNE.load_own(path, FULL, "the start is with defaults")
        aside = "settings.json.broken" if number == 1 else f"settings.json ({number}).broken"
        assert value == FULL
        assert trouble.startswith(str(path))
        assert trouble.endswith(f"; it is now {aside}, and the start is with defaults.")
        assert (tmp_path / aside).read_bytes() == content
        assert not path.exists()
    TUNE.save(path, FULL)
    assert TUNE.load_own(path, Tune(name="x"), "") == (FULL, "")


def test_a_file_of_a_later_revision_is_left_alone(tmp_path):
    path = tmp_path / "settings.json"
    later = b'{"kind": "preset", "revision": 9, "sound": {}}'
    path.write_bytes(later)
    value, trouble = TUNE.load_own(path, FULL, "it goes on")
    assert value == FULL
    assert "was written by a later mesosynth (revision 9" in trouble
    assert trouble.endswith("; it goes on.")
    with pytest.raises(PresetError, match="was written by a later mesosynth"):
        TUNE.save(path, FULL)
    assert path.read_bytes() == later
    assert os.listdir(tmp_path) == ["settings.json"]


def test_a_byte_order_mark_of_an_editor_is_no_fault(tmp_path):
    path = tmp_path / "t.json"
    path.write_bytes(b"\xef\xbb\xbf" + TUNE.format(FULL, "x"))
    assert TUNE.load(path) == FULL


def test_what_lies_deep_is_written_as_large_as_it_was(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"revision": 3, "name": "x", "deep": ' + "[" * 800 + "]" * 800 + "}")
    tune = TUNE.load(path)
    TUNE.save(path, tune)  # indented, it would have more than a million bytes
    assert TUNE.load(path) == tune


def test_what_cannot_be_read_or_renamed_stays_and_is_told(tmp_path, monkeypatch):
    (tmp_path / "folder.json").mkdir()
    value, trouble = TUNE.load_own(tmp_path / "folder.json", FULL, "it goes on")
    assert value == FULL
    assert trouble == f"{tmp_path / 'folder.json'} cannot be read (Is a directory); it goes on."
    assert (tmp_path / "folder.json").is_dir()
    path = tmp_path / ("x" * 250)
    path.write_text("{")
    assert put_aside(path) is None  # the name would be too long
    value, trouble = TUNE.load_own(path, FULL, "it goes on")
    assert value == FULL
    assert trouble.endswith("; it goes on.")
    assert "it is now" not in trouble
    assert path.exists()


# Files that grow by a line a step.


def test_lines_come_back(tmp_path):
    path = tmp_path / "new" / "run.jsonl"
    with RUN.begin(path, Head(seed=3)) as run:
        for number in range(5):
            run.append(Step(float(number), (0.5, number)))
    head, lines = RUN.load(path)
    assert head == Head(seed=3)
    assert [line.loss for line in lines] == [0.0, 1.0, 2.0, 3.0, 4.0]
    with RUN.go_on(path) as run:
        assert run.lines == lines
        run.append(Step(9.0), place=2)
        run.append(Step(10.0))
    assert [line.loss for line in RUN.load(path)[1]] == [0.0, 1.0, 9.0, 10.0]


def test_a_line_that_was_cut_short_is_written_over_and_nothing_else(tmp_path):
    path = tmp_path / "run.jsonl"
    with RUN.begin(path, Head()) as run:
        run.append(Step(1.0))
    whole = path.read_bytes()
    added = RUN.format_line(Step(2.0, (1.0, 2.0)), "")
    for length in range(len(added)):
        path.write_bytes(whole + added[:length])
        with RUN.go_on(path) as run:
            assert run.lines == [Step(1.0)]
            assert path.read_bytes() == whole + added[:length]  # as it was, until it is gone on
            run.append(Step(3.0))
        assert RUN.load(path) == (Head(), [Step(1.0), Step(3.0)])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace(b'"loss":1.0', b'"loss":"x"'), "line 2: Expected `float`"),
        (lambda text: text.replace(b"\n", b"\n\n", 1), "line 2: "),
        (lambda text: text.partition(b"\n")[0], "its first line is cut short"),
        (lambda text: text[5:], "is not a saved match"),
        (lambda text: text.replace(b'"revision":1', b'"revision":2'), "later mesosynth"),
        (lambda text: text + b" " * 50_000_000, "is larger than 50000000 bytes"),
    ],
)
def test_a_broken_run_is_refused_with_its_cause(tmp_path, change, says):
    path = tmp_path / "run.jsonl"
    with RUN.begin(path, Head()) as run:
        run.append(Step(1.0))
    path.write_bytes(change(path.read_bytes()))
    assert says in refused(path, RUN.load, MatchFileError)
    with pytest.raises(MatchFileError):
        RUN.go_on(path)


def test_a_run_and_a_preset_know_each_other_apart(tmp_path):
    path = tmp_path / "x"
    TUNE.save(path, FULL)
    assert f"{path} is a preset, not a saved match;" in refused(path, RUN.load, MatchFileError)
    with RUN.begin(path, Head()) as run:
        run.append(Step(1.0))
    assert f"{path} is a saved match, not a preset;" in refused(path, TUNE.load, PresetError)
    path.write_bytes(b"RIFF1234WAVE")
    said = refused(path, TUNE.load, PresetError)
    assert said == f"{path} is a sound file, not a preset; load it as a target."


@pytest.mark.parametrize("step", [Step(float("nan")), Step("x"), Step(1.0, (object(),))])
def test_a_step_that_could_not_be_read_back_is_not_written(tmp_path, step):
    path = tmp_path / "run.jsonl"
    with RUN.begin(path, Head()) as run:
        run.append(Step(1.0))
        with pytest.raises(MatchFileError, match="cannot be written"):
            run.append(step)
        run.append(Step(2.0))
    assert RUN.load(path)[1] == [Step(1.0), Step(2.0)]


# Disks that are full, and programs that are killed.


def run_here(program, *arguments, wrap=()):
    """Run a program that imports this module as `m`; return what it prints."""
    text = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    text += "import test_documents as m\nfrom pathlib import Path\n" + textwrap.dedent(program)
    done = subprocess.run(
        [*wrap, sys.executable, "-c", text, *map(str, arguments)],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


FILL = """
import os
import resource
folder = Path(sys.argv[1])
limit = sys.argv[2:]
path, run_path = folder / "t.json", folder / "run.jsonl"
small, large = m.Tune(name="small"), m.Tune(name="x" * 300_000)
m.TUNE.save(path, small)
run = m.RUN.begin(run_path, m.Head())
run.append(m.Step(1.0))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
said = []
for save in (lambda: m.TUNE.save(path, large), lambda: m.TUNE.save_new(folder / "new.json", large)):
    try:
        save()
    except m.PresetError as error:
        said.append(str(error))
try:
    for number in range(2000):
        run.append(m.Step(2.0, (float(number),) * 60))
except m.MatchFileError as error:
    said.append(str(error))
assert m.TUNE.load(path) == small
kept = len(run.lines)
run.close()
head, lines = m.RUN.load(run_path)
assert len(lines) == kept > 2, (len(lines), kept)
assert sorted(os.listdir(folder)) == ["run.jsonl", "t.json"], os.listdir(folder)
print(*said, sep="\\n")
"""


def test_a_file_that_grows_too_large_for_the_system_leaves_what_was_there(tmp_path):
    said = run_here(FILL, tmp_path, "limit").splitlines()
    assert len(said) == 3
    assert all(line.endswith("cannot be written: File too large.") for line in said)


def test_a_full_disk_leaves_what_was_there(tmp_path):
    unshare = shutil.which("unshare")
    mount = ["sh", "-c", 'mount -t tmpfs -o size=128k tmpfs "$0" && exec "$@"', str(tmp_path)]
    if unshare is None or subprocess.run([unshare, "-Urm", *mount, "true"]).returncode:
        pytest.skip("this system lets nobody make a small disk of his own")
    said = run_here(FILL, tmp_path, wrap=[unshare, "-Urm", *mount]).splitlines()
    assert len(said) == 3
    assert all("No space left on device; make room on the disk." in line for line in said)


KILL = """
import os, random, signal, time
folder, dice = Path(sys.argv[1]), random.Random(0)
path, run_path = folder / "t.json", folder / "run.jsonl"
tunes = [m.Tune(name=letter * 200_000) for letter in "ab"]
m.TUNE.save(path, tunes[0])
m.RUN.begin(run_path, m.Head()).close()
found, before, cut = [], 0, 0
for _ in range(50):
    dice.shuffle(tunes)
    has_saved, saved = os.pipe()
    child = os.fork()
    if child == 0:
        run = m.RUN.go_on(run_path)
        while True:
            for tune in tunes:
                m.TUNE.save(path, tune)
                run.append(m.Step(float(len(run.lines)), (1.0,) * 5000))
                os.write(saved, b"1")
    os.read(has_saved, 1)
    time.sleep(dice.uniform(0.001, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(has_saved)
    os.close(saved)
    loaded = m.TUNE.load(path)
    assert loaded in tunes
    found.append(loaded.name[0])
    lines = m.RUN.load(run_path)[1]
    assert len(lines) >= before
    assert [line.loss for line in lines] == [float(number) for number in range(len(lines))]
    before = len(lines) if len(lines) < 200 else 0
    cut += not run_path.read_bytes().endswith(b"\\n")
    if len(lines) >= 200:
        m.RUN.begin(run_path, m.Head()).close()
print(found.count("a"), found.count("b"), len(list(folder.glob(".*.part"))), cut)
"""


def test_whenever_it_is_killed_while_it_saves_the_old_or_the_new_file_is_there(tmp_path):
    olds, news, parts, _cut = map(int, run_here(KILL, tmp_path).split())
    assert olds + news == 50
    assert min(olds, news) > 0
    assert parts > 0  # else it was not killed while it saved
