"""The fear: a protocol that flatters, that loses hours of work, or that cannot be read."""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
from process_group import assert_gone

from benchmarks import match, match_runs, match_scores
from benchmarks.harness import program
from benchmarks.match import plot
from benchmarks.match_baselines import METHODS, Budget
from benchmarks.match_runs import Run, perform, rival_runs, runs_of
from benchmarks.match_targets import families
from mesosynth.errors import ArgumentError

TRUTH = {"f_c": 500.0, "f_m": 8.0, "gamma": 1.0, "w": 2.0}


def main(words):
    return program("match", "", match.add_options, match.run, match.show, words)


def parsed(*words):
    parser = argparse.ArgumentParser()
    match.add_options(parser)
    return parser.parse_args([*words, "--recordings", ""])


def row(family="B", level="", index=0, std=1.0, seconds=1.0, **errors):
    """A run that was wrong by so much, relatively, in some parameters."""
    theta = {id_: value * (1.0 + errors.get(id_, 0.0)) for id_, value in TRUTH.items()}
    at = {"evaluations": 5, "seconds": seconds, "theta": theta}
    return {
        "method": "mesosynth", "start": "sound", "family": family, "level": level, "index": index,
        "seed": 0, "truth": TRUTH, "failure": None, "std": dict.fromkeys(TRUTH, std), "loss": 1e-5,
        "converged": True, "course": [at], **at,
    }  # fmt: skip


def failed(family="B"):
    return {"method": "mesosynth", "start": "sound", "family": family, "level": "", "index": 9,
            "seed": 0, "truth": TRUTH, "failure": "silent"}  # fmt: skip


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    """Two targets, one in noise, with everything that comes out."""
    folder = tmp_path_factory.mktemp("protocol")
    words = ["--families", "b, D", "--targets", "1", "--json", "--threads", "1",
             "--cache", str(folder / "runs.jsonl")]  # fmt: skip
    return words, folder / "runs.jsonl"


def test_two_targets_are_found_and_reported_as_documented(protocol, capsys):
    words, cache = protocol
    assert main([*words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {
        "schema", "machine", "device", "jobs", "seed", "complete", "families", "coverage",
        "misses", "unjudged",
    }  # fmt: skip
    assert answer["complete"]
    assert answer["misses"] == []
    assert [(row["family"], row["level"]) for row in answer["families"]] == [
        ("B", "all"), ("D", "all"), ("D", "40 dB white")
    ]  # fmt: skip
    for family in answer["families"]:
        assert family["targets"] == 1
        assert family["success"] == {"1%": 1.0, "2%": 1.0, "5%": 1.0, "10%": 1.0}
        assert 0.0 < family["error"]["median"] < 0.01
        assert 1 <= family["evaluations"]["median"] < 100
        assert family["seconds"]["median"] > 0.0
    assert {row["parameter"] for row in answer["coverage"]} == set(TRUTH)
    assert len(cache.read_text().splitlines()) == 2


def test_it_goes_on_where_it_was_killed(protocol, capsys, monkeypatch):
    words, cache = protocol
    first, second = cache.read_text().splitlines()
    cache.write_text(f"{first}\n{second[:50]}")  # a kill in the middle of a line
    done = []
    monkeypatch.setattr("benchmarks.match_runs.perform", lambda run: done.append(run) or row())
    main([*words])
    assert [run.key for run in done] == [tuple(json.loads(second)["key"])]
    main([*words])  # and what was added can be read back
    assert len(done) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[1])["complete"]


def test_time_that_is_up_leaves_what_there_is(capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.match_runs.perform", lambda run: row(family=run.family))
    answer = match.run(parsed("--families", "B,G", "--targets", "5", "--minutes", "1e-9"))
    match.show(answer)
    assert not answer["complete"]
    assert [(row["family"], row["targets"]) for row in answer["families"]] == [("B", 1)]
    assert "Ended early" in capsys.readouterr().out


def test_ctrl_c_shows_what_there_is_and_ends_all_processes(tmp_path):
    cache = tmp_path / "runs.jsonl"
    running = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.match", "--json", "--jobs", "2",
         "--families", "B", "--cache", str(cache)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    patience = time.monotonic() + 200.0
    while not (cache.exists() and cache.read_text()):
        assert time.monotonic() < patience
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all at once
    out, err = running.communicate(timeout=100)
    assert running.returncode == 0, err
    assert "Traceback" not in err
    answer = json.loads(out)
    assert not answer["complete"]
    assert 1 <= answer["families"][0]["targets"] < 200
    assert_gone(running.pid)


@pytest.mark.parametrize("name", [name for name, m in METHODS.items() if not m.is_peer])
def test_every_baseline_searches_within_its_budget(name):
    budget = Budget(evaluations=8, seconds=0.0)
    method = METHODS[name]
    for start in method.starts:
        done = perform(Run("B", 0, 1, method=name, start=start, budget=budget))
        losses = [at["loss"] for at in done["course"]]
        assert done["failure"] is None
        assert losses == sorted(losses, reverse=True)
        assert done["course"][-1]["evaluations"] <= 8
        assert len(losses) > 1 or name in ("knn", "random")
        assert set(done["course"][0]["theta"]) == set(TRUTH)


def test_baselines_begin_at_the_same_theta_which_is_not_the_truth():
    def first(name):
        run = Run("D", 2, 4, method=name, start="random", budget=Budget(1, 0.0))
        return perform(run)["course"][0]["theta"]

    starts = [first(name) for name in ("lm", "adam", "random")]
    assert starts[0] == starts[1] == starts[2]
    assert match_scores.worst_error(starts[0], Run("D", 2, 4).sound().theta) > 0.05


def test_families_are_dealt_out_over_their_levels_and_come_in_turn():
    chosen = families()
    runs = runs_of(chosen, 30, 7, "", each_level=False)
    of = {letter: [run for run in runs if run.family == letter] for letter in chosen}
    assert {letter: len(some) for letter, some in of.items()} == {
        **dict.fromkeys("BCDEFGHKRS", 30), "A": 1
    }  # fmt: skip
    assert {run.level for run in of["D"]} == set(range(10))
    assert [run.family for run in runs[:11]] == [*"ABCDEFGHKRS"]
    assert all(run.seed == 7 for run in runs)
    assert len({run.key for run in runs}) == len(runs)
    assert len(runs_of({"D": chosen["D"]}, 3, 0, "", each_level=True)) == 30


def test_a_baseline_for_every_start_on_what_ours_did_not_fail_at():
    ours = {Run("B", 0, 0): row(), Run("B", 0, 1): failed()}
    rivals = rival_runs(ours, peers=True)
    assert len(rivals) == sum(len(method.starts) for method in METHODS.values())
    without = rival_runs(ours, peers=False)
    assert {run.method for run in rivals} - {run.method for run in without} == {"scrapl"}
    assert all(run.index == 0 and run.budget == Budget(5, 1.0) for run in rivals)


def test_success_counts_the_worst_parameter_and_failures():
    rows = [row(f_m=0.005), row(gamma=-0.015), row(f_c=0.2, w=0.01), row(gamma=-2.0), failed()]
    (figures,) = match_scores.summary(rows)
    assert figures["targets"] == 5
    assert figures["failed"] == 1
    assert figures["success"] == {"1%": 0.2, "2%": 0.4, "5%": 0.4, "10%": 0.4}
    assert figures["error"]["median"] == pytest.approx(0.2)
    assert figures["error"]["p95"] is None  # which JSON has no number for
    wrong = match_scores.misses(rows)
    assert [w["error"] and round(w["error"], 3) for w in wrong] == [None, 2.0, 0.2, 0.015]
    assert "course" not in wrong[1]


def test_in_noise_two_percent_are_enough():
    assert match_scores.misses([row(family="D", f_m=0.015)]) == []
    assert len(match_scores.misses([row(family="D", f_m=0.025)])) == 1


def test_coverage_counts_truths_inside_the_interval():
    rows = [row("D", "20 dB pink", f_m=0.1 * z, std=0.8) for z in (-3.0, -1.0, 1.0, 1.9)]
    by_id = {(r["level"], r["parameter"]): r for r in match_scores.coverage([*rows, row("B")])}
    of_f_m = by_id["all", "f_m"]
    assert of_f_m["share"] == 0.75
    assert of_f_m["rms_z"] == pytest.approx(math.sqrt((9.0 + 1.0 + 1.0 + 1.9**2) / 4.0))
    assert by_id["20 dB pink", "f_c"]["rms_z"] == 0.0
    (certain,) = [r for r in match_scores.coverage([row("D", w=0.1, std=0.0)])
                  if (r["level"], r["parameter"]) == ("all", "w")]  # fmt: skip
    assert certain["share"] == 0.0
    assert certain["rms_z"] is None


def test_methods_are_compared_at_equal_cost():
    def at(evaluations, seconds, error):
        theta = {**TRUTH, "f_m": TRUTH["f_m"] * (1.0 + error)}
        return {"evaluations": evaluations, "seconds": seconds, "theta": theta}

    rival = {**row(), "method": "adam", "start": "random",
             "budget": {"evaluations": 5, "seconds": 1.0},
             "course": [at(1, 0.2, 0.5), at(5, 1.5, 0.05), at(9, 3.0, 0.001)]}  # fmt: skip
    ours, theirs = match_scores.contest([row(f_c=0.002), rival])
    assert ours["method"] == "mesosynth"
    assert ours["equal_seconds"]["success"] == ours["equal_evaluations"]["success"] == 1.0
    assert ours["seconds_to_find"] == 1.0
    assert theirs["equal_evaluations"] == {"success": 0.0, "error": pytest.approx(0.05)}
    assert theirs["equal_seconds"] == {"success": 0.0, "error": pytest.approx(0.5)}
    assert theirs["at_last"] == {"success": 1.0, "error": pytest.approx(0.001)}
    assert theirs["seconds_to_find"] == 3.0
    courses = match_scores.courses([rival])[0]
    assert courses["error"][0] is None
    assert courses["error"][-1] == pytest.approx(0.001)


def test_tables_fit_a_terminal_and_the_picture_is_drawn(capsys, tmp_path):
    levels = [*families()["D"].levels]
    rows = [row("D", level, 123, f_m=0.5, gamma=-0.123) for level in levels]
    rows += [row("C", level) for level in families()["C"].levels]
    rows += [failed(), {**row("I", "a recording of a long name"), "truth": None}]
    rows[-1] |= {"seconds": 123.4, "evaluations": 103}
    rival = {**row("D", "20 dB white", f_m=1.5), "method": "jtfs-bold", "start": "random",
             "budget": {"evaluations": 5, "seconds": 1.0}}  # fmt: skip
    contestants = [row("D", "20 dB white"), rival]
    answer = {
        "machine": {"cpu": "", "cores": 2, "threads": 1, "neighbours": 0.7}, "device": "cpu",
        "jobs": 1, "seed": 0, "complete": False, "families": match_scores.summary(rows),
        "coverage": match_scores.coverage(rows), "misses": 3 * match_scores.misses(rows),
        "baselines": match_scores.contest(contestants),
        "courses": match_scores.courses(contestants),
    }  # fmt: skip
    json.dumps(answer, allow_nan=False)
    match.show(answer)
    shown = capsys.readouterr().out
    assert "Other programs used 0.7 cores" in shown
    assert "8→12" in shown
    assert [line for line in shown.splitlines() if "123.40 123.40" in " ".join(line.split())]
    assert "and 13 more" in shown
    assert "jtfs-bold, random" in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines()[3:])) <= 80
    plot(answer, tmp_path / "figures.png")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ArgumentError, match=r"--plot .* cannot be written"):
        plot(answer, tmp_path)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--families", "B,Z"], "--families 'Z': choose of A, B, C"),
        (["--families", "I"], "I needs --recordings"),
        (["--targets", "0"], "0 must be at least 1"),
        (["--seed", "-1"], "-1 must be at least 0"),
        (["--minutes", "0"], "--minutes 0 must be positive"),
        (["--recordings", "/nowhere"], "--recordings /nowhere holds no"),
        (["--plot", "/nowhere/figures.png"], "there is no folder /nowhere"),
        (["--cache", "/nowhere/runs.jsonl"], "--cache /nowhere/runs.jsonl cannot be used"),
    ],
)
def test_mistakes_are_one_sentence(words, cause, capsys, monkeypatch):
    monkeypatch.delenv("MESOSYNTH_RECORDINGS", raising=False)
    monkeypatch.setattr(match_runs, "warm_up", lambda: pytest.fail("it began"))
    assert main(["--recordings", "", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("match: ")
    assert cause in error


def test_a_cache_of_something_else_is_left_alone(tmp_path, capsys):
    path = tmp_path / "shopping.jsonl"
    path.write_text('{"milk": 2}\n')
    assert main(["--cache", str(path)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert path.read_text() == '{"milk": 2}\n'
