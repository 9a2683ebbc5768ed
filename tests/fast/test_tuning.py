"""Fears: a scale that is out of tune, and a broken file that is taken for one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesosynth.errors import ArgumentError, TuningError
from mesosynth.plugins.tuning import (
    HIGHEST_HERTZ,
    LOWEST_HERTZ,
    load_scale,
    note_frequencies,
    parse_scale,
)

JUST = """! just.scl
!
Ptolemy's intense diatonic
 7
!
 9/8
 5/4 E\\
 4/3
 3/2 ! the fifth
 5/3
 15/8
 2/1
"""


def test_equal_temperament():
    hertz = note_frequencies()
    assert hertz[69] == pytest.approx(440.0, rel=1e-12)
    np.testing.assert_allclose(hertz, 440.0 * 2 ** ((np.arange(128) - 69) / 12))


def test_a_just_scale_climbs_by_its_ratios_from_the_root():
    scale = parse_scale(JUST)
    assert scale.name == "Ptolemy's intense diatonic"
    hertz = note_frequencies(scale, root=60, reference_note=60, reference_hertz=264.0)
    np.testing.assert_allclose(
        hertz[60:69], 264.0 * np.array([1, 9 / 8, 5 / 4, 4 / 3, 3 / 2, 5 / 3, 15 / 8, 2, 9 / 4])
    )
    np.testing.assert_allclose(hertz[53:60], hertz[60:67] / 2)


def test_the_reference_note_has_its_frequency_wherever_the_root_is():
    hertz = note_frequencies(parse_scale(JUST), root=62, reference_note=69, reference_hertz=432.0)
    assert hertz[69] == pytest.approx(432.0)
    assert hertz[66] / hertz[62] == pytest.approx(3 / 2)


def test_cents_bare_numbers_and_a_period_that_is_no_octave():
    scale = parse_scale("Bohlen-Pierce, more or less\n3\n633.985\n-5.\n3\n")
    assert scale.cents == pytest.approx((633.985, -5.0, 1200 * math.log2(3)))
    hertz = note_frequencies(scale, reference_hertz=100.0)
    assert hertz[63] == pytest.approx(300.0)


def test_a_wild_scale_stays_within_what_can_sound():
    hertz = note_frequencies(parse_scale("wild\n1\n20000.\n"))
    assert hertz.min() == pytest.approx(LOWEST_HERTZ)
    assert hertz.max() == pytest.approx(HIGHEST_HERTZ)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "needs a description"),
        ("! only\n! comments\n", "needs a description"),
        ("x\ntwelve\n", "line 2: 'twelve' is not a number of notes"),
        ("x\n²\n2/1\n", "line 2: '²' is not a number"),
        ("x\n0\n", "line 2: '0' is not a number of notes from 1"),
        ("x\n99999999\n", "line 2"),
        ("x\n3\n9/8\n2/1\n", "line 2 promises 3 notes, but 2 follow"),
        ("! a\nx\n2\n! b\nfifth\n2/1\n", "line 5: 'fifth' is not a pitch"),
        ("x\n2\n3/0\n2/1\n", "line 3: '3/0'"),
        ("x\n2\n-3/2\n2/1\n", "line 3: '-3/2' is not a pitch"),
        ("x\n2\n1e3.\n2/1\n", "line 3: '1e3.' is not a pitch"),
        ("x\n1\n99999.0\n", "line 3: '99999.0' is more than 20 octaves"),
        ("x\n2\n3/2\n1/1\n", "line 4: the last note"),
    ],
)
def test_a_broken_scale_is_refused_by_its_line(text, sentence):
    with pytest.raises(TuningError, match=sentence) as refused:
        parse_scale(text, "odd.scl")
    assert str(refused.value).startswith("odd.scl")


def test_files(tmp_path):
    path = tmp_path / "just.scl"
    path.write_bytes(JUST.replace("\n", "\r\n").replace("Ptolemy", "Ptol\xe9my").encode("latin-1"))
    assert load_scale(path).name == "Ptol\xe9my's intense diatonic"
    for bad, sentence in [(tmp_path / "none.scl", "No such file"), (tmp_path, "directory")]:
        with pytest.raises(TuningError, match=sentence):
            load_scale(bad)
    path.write_bytes(b"\x00" * 300_000)
    with pytest.raises(TuningError, match="larger than"):
        load_scale(path)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="x!12/.-0 \n\t5e²", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_scale_or_a_sentence(text):
    try:
        hertz = note_frequencies(parse_scale(text))
    except TuningError:
        return
    assert np.isfinite(hertz).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [({"root": 128}, "root=128"), ({"reference_note": -1}, "reference_note=-1"),
     ({"reference_hertz": math.nan}, "reference_hertz=nan")],
)  # fmt: skip
def test_impossible_arguments(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        note_frequencies(**arguments)


@pytest.mark.parametrize(
    ("content", "cents"),
    [
        (b"! x\nd\n 2\n 9 / 8\n 2/1\n", (203.91, 1200.0)),
        (b"\xef\xbb\xbf! x.scl\n3 of 12\n 3\n 100.0\n 200.0\n 1200.0\n", (100.0, 200.0, 1200.0)),
        ("! x\nd\n 1\n 2/1\n".encode("utf-16"), (1200.0,)),
        (b"! x\nwell\x85\n 1\n 2/1\n", (1200.0,)),
        (b"! x\nwell\x0ctempered\x1d\n 1\n 2/1\n", (1200.0,)),
        (b"! x\nd\n 2! notes\n 9/8! d\n 1200.!octave\n", (203.91, 1200.0)),
        (b"d\r 1\r 2/1\r", (1200.0,)),
        (b"d\n 1\n 2/1\n\x1a", (1200.0,)),
    ],
    ids=["spaces", "mark", "utf-16", "0x85", "form feed", "comment", "old Mac", "DOS"],
)
def test_files_of_other_programs(content, cents, tmp_path):
    path = tmp_path / "x.scl"
    path.write_bytes(content)
    assert load_scale(path).cents == pytest.approx(cents, abs=0.01)
