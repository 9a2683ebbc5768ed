"""The fear: figures that a program cannot read, and mistakes that cost minutes before they show."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from process_group import assert_gone

import benchmarks
from benchmarks import jtfs
from benchmarks.__main__ import names
from benchmarks.harness import Environment, spread
from benchmarks.jtfs import _relative_cost
from benchmarks.jtfs_case import LENGTHS, length_cases, paper_cases
from mesosynth.system.cpu import cores


def bench(name, *words):
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280,
    )  # fmt: skip


@pytest.fixture(scope="module")
def answer():
    done = bench("jtfs", "--json", "--device", "cpu", "--only", "periodic/value/lean",
                 "--threads", "1", "--repeats", "2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


@pytest.mark.usefixtures("real_time")
def test_json_has_the_fields_that_are_documented(answer):
    assert set(answer) == {"schema", "machine", "clock", "rates", "cases"}
    assert answer["schema"] == jtfs.SCHEMA
    assert answer["machine"]["threads"] == 1
    assert set(answer["machine"]) == {
        "cpu", "cores", "threads", "memory_gb", "memory_available_gb", "system", "python", "torch",
        "mesosynth", "neighbours",
    }  # fmt: skip
    rates = answer["rates"]["cpu"]
    assert 1.0 < rates["matmul_gflops"] < 1e5
    assert 0.1 < rates["fft_gflops"] < 1e4
    assert 0.5 < rates["copy_gb_s"] < 1e4
    assert rates["cached_copy_gb_s"] > 0.5 * rates["copy_gb_s"]
    (case,) = answer["cases"]
    assert set(case) == {
        "case", "name", "samples", "padded", "build_seconds", "seconds", "repeats", "peak_mb",
        "device_mb", "gflop", "gbyte", "gflops", "share",
    }  # fmt: skip
    assert case["name"] == "periodic/value/lean"
    assert case["samples"] == case["padded"] == 32768
    assert set(case["seconds"]) == {"median", "low", "high", "least", "longest", "p99"}
    assert 0.0 < case["seconds"]["least"] <= case["seconds"]["median"]
    total = sum(case["gflop"].values())
    assert case["gflops"] == pytest.approx(total / case["seconds"]["median"])
    for kind in ("matmul", "fft"):
        rate = answer["rates"]["cpu"][f"{kind}_gflops"]
        expected = case["gflop"][kind] / case["seconds"]["median"] / rate
        assert case["share"][kind] == pytest.approx(expected)
        assert 0.0 < case["share"][kind] < 1.0


@pytest.mark.usefixtures("real_time")
def test_tables_fit_a_terminal(answer, capsys):
    (case,) = answer["cases"]
    length = {**case, "samples": 491520, "padded": 1048576, "per_n_log_n": 1.0,
              "per_N_log_N": 1.0, "peak_mb": 12345.0}  # fmt: skip
    many = {"median": 1234.5, "low": 1000.0, "high": 1500.0, "least": 900.0}
    peers = {
        "theirs": [{"name": "kymatio/frames/gradient", "seconds": many, "peak_mb": 14500.0}],
        "ratios": [{"ours": "periodic/reverse/exact", "theirs": "kymatio/global/gradient",
                    "ratio": many, "rounds": 3, "error": 1e-7}],
    }  # fmt: skip
    busy = {**answer["machine"], "neighbours": 0.7}
    name = "SCRAPL's setting, forward and reverse, over its single random path"
    lines = [{"line": name, "figure": 1.25, "bar": 1.0, "holds": False}]
    jtfs.show({**answer, "machine": busy, "lengths": [length], "peers": peers, "lines": lines})
    shown = capsys.readouterr().out
    assert "Other programs used 0.7 cores" in shown
    assert "1234" in shown
    facts, rows = shown.splitlines()[:3], shown.splitlines()[3:]
    assert "GFLOP/s" in facts[-1]
    assert max(map(len, rows)) <= 80
    assert "…" not in shown


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["jtfs", "--threads", "0"], "0 must be at least 1"),
        (["jtfs", "--only", "sideways"], "--only sideways fits no case"),
        (["jtfs", "--device", "tpu"], "tpu"),
    ],
)
def test_mistakes_are_one_sentence(words, cause):
    done = bench(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("jtfs: ")
    assert cause in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("after", [0.0, 1.5])
def test_ctrl_c_ends_it_and_its_children(after):
    running = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.jtfs", "--device", "cpu"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert running.stderr.readline()  # what it does first
    time.sleep(after)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all at once
    out, err = running.communicate(timeout=100)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert_gone(running.pid)


@pytest.mark.parametrize("name", names())
def test_every_benchmark_in_the_list_is_one(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    file = Path(benchmarks.__file__).with_name(f"{name}.py")
    with pytest.raises(SystemExit) as end:  # in this process: most of them import torch
        runpy.run_path(str(file), run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ")


def test_case_names_tell_them_apart():
    cases = [*paper_cases(["cpu", "cuda"], "arpeggio")]
    assert len({case.name for case in cases}) == len(cases) == 48
    assert len({(c.mode, c.samples, c.sample_rate) for c in length_cases("cpu")}) == 2 * len(
        LENGTHS
    )


def test_cost_that_grows_as_n_log_n_shows_as_one():
    def row(mode, n, rate, seconds):
        return {"case": {"mode": mode, "sample_rate": rate}, "samples": n, "padded": 2 * n,
                "seconds": {"median": seconds}}  # fmt: skip

    rows = [
        row("exact", 32768, 8192, 32768 * 15e-6), row("exact", 65536, 8192, 65536 * 16e-6),
        row("lean", 32768, 8192, 1.0), row("lean", 65536, 8192, 4.0 * 16 / 15),
    ]  # fmt: skip
    _relative_cost(rows)
    assert [r["per_n_log_n"] for r in rows] == pytest.approx([1.0, 1.0, 1.0, 2.0])
    assert rows[1]["per_N_log_N"] == pytest.approx(16 / 17 * 16 / 15)


def test_spread_is_median_and_quartiles():
    assert spread([5.0, 1.0, 3.0, 2.0, 4.0]) == {
        "median": 3.0, "low": 2.0, "high": 4.0, "least": 1.0, "longest": 5.0,
        "p99": pytest.approx(4.96),
    }  # fmt: skip
    assert spread([2.0])["low"] == 2.0


def test_neighbours_are_others_and_not_us():
    environment = Environment()
    began = sum(i * i for i in range(3_000_000))
    alone = environment.neighbours()
    if alone is None:
        pytest.skip("only Linux tells")
    assert began
    # A tenth of a second tells little; the sign and the size must still be sane.
    assert 0.0 <= alone <= cores()
