"""The fear: a benchmark that hangs, or dies with a traceback, when what it measures does."""

import re
import sys
import textwrap

import numpy as np
import pytest

from benchmarks.child import Child
from benchmarks.children import serving
from benchmarks.jtfs_case import Case
from mesosynth.errors import WorkerError

SMALL = {"samples": 2048, "J": 7, "J_fr": 3}


@pytest.fixture(scope="module")
def ours():
    with Child.of_mesosynth(1) as child:
        yield child


@pytest.fixture
def toy(tmp_path):
    """A child whose cases do what they are told."""
    script = tmp_path / "toy.py"
    script.write_text(
        textwrap.dedent(f"""
            import os, sys, time
            sys.path.insert(0, {str(serving.__file__.rsplit("/", 1)[0])!r})
            from serving import Memory, serve

            def prepare(case):
                def run():
                    print("libraries talk")
                    if "hold" in case:
                        b"x" * (case["hold"] * 1000000)
                    if "die" in case:
                        print("out of luck", file=sys.stderr, flush=True)
                        os._exit(case["die"])
                    if "fail" in case:
                        raise RuntimeError(case["fail"] + "\\nsecond line")
                    time.sleep(case.get("sleep", 0))
                    return {{"threads": os.environ["OMP_NUM_THREADS"]}}
                return run

            serve(prepare, Memory())
            """)
    )
    with Child("the toy", [sys.executable, str(script)], 3) as child:
        yield child


@pytest.mark.usefixtures("real_time")
def test_seconds_are_those_of_each_run(toy):
    toy.prepare("nap", {"sleep": 0.05})
    seconds = toy.run("nap", 3).seconds
    assert len(seconds) == 3
    assert all(0.05 <= s < 1.0 for s in seconds)
    assert toy.report("nap") == {"threads": "3"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the mark cannot be set back")
def test_memory_is_the_peak_of_the_run_and_not_of_earlier_ones(toy):
    toy.prepare("large", {"hold": 200})
    toy.prepare("small", {"hold": 20})
    assert 5e6 < toy.resident() < 100e6
    assert toy.run("large", 1).megabytes == pytest.approx(200, abs=10)
    assert toy.run("small", 1).megabytes == pytest.approx(20, abs=10)


def test_a_failure_is_one_sentence_and_the_child_lives_on(toy):
    toy.prepare("bad", {"fail": "no such path"})
    with pytest.raises(WorkerError, match=re.escape("the toy, bad: RuntimeError: no such path")):
        toy.run("bad", 1)
    toy.prepare("good", {})
    assert toy.run("good", 1).seconds


def test_a_death_is_told_with_its_last_words(toy):
    toy.prepare("dead", {"die": 9})
    with pytest.raises(WorkerError, match=r"the toy ended with code 9.*out of luck"):
        toy.run("dead", 1)
    with pytest.raises(WorkerError, match="the toy ended"):
        toy.run("dead", 1)


@pytest.mark.parametrize("mode", ["exact", "lean"])
def test_a_case_computes_what_it_is_named_after(ours, mode, tmp_path):
    shapes = {"value": {"S": 2}, "jvp2": {"S": 2, "dS": 3}, "jvp4": {"S": 2, "dS": 3},
              "reverse": {"gradient": 1}}  # fmt: skip
    for work, parts in shapes.items():
        case = Case("global", work, mode, **SMALL).as_json()
        ours.prepare(work, {"run": case})
        measured = ours.run(work, 2)
        assert len(measured.seconds) == 2
        ours.save(work, str(tmp_path / "result.npz"))
        with np.load(tmp_path / "result.npz") as stored:
            assert {name: stored[name].ndim for name in stored.files} == parts
            assert all(np.isfinite(stored[name]).all() for name in stored.files)
            if work.startswith("jvp"):
                assert len(stored["dS"]) == int(work[-1])
            if work == "reverse":
                assert stored["gradient"].shape == (2048,)


def test_lean_does_less_than_exact_and_noise_needs_all_of_it(ours):
    counted = {}
    for mode, sound in (("exact", "arpeggio"), ("lean", "arpeggio"), ("lean", "noise")):
        case = Case("global", "jvp4", mode, sound=sound, **SMALL).as_json()
        ours.prepare(mode + sound, {"count": case})
        counted[mode, sound] = ours.report(mode + sound)
    assert all(c["padded"] == 4096 for c in counted.values())
    assert 0 < counted["lean", "arpeggio"]["matmul"] < counted["lean", "noise"]["matmul"]
    assert counted["lean", "noise"]["matmul"] < counted["exact", "arpeggio"]["matmul"]


def test_a_long_sound_is_the_same_arpeggio_again(ours, tmp_path):
    sound = {}
    for samples in (32768, 80000):
        ours.prepare(
            "sound", {"signal": Case("frames", "jvp2", "exact", samples=samples).as_json()}
        )
        ours.run("sound", 1)
        ours.save("sound", str(tmp_path / "sound.npz"))
        with np.load(tmp_path / "sound.npz") as stored:
            sound[samples] = stored["x"]
            assert stored["dx"].shape == (2, samples)
    assert sound[80000].shape == (80000,)
    np.testing.assert_array_equal(sound[80000][32768:65536], sound[32768])
