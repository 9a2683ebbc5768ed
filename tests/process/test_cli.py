import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bad_sounds import BAD_SOUNDS, tone
from process_group import assert_gone, wait_until_it_answers

import mesosynth as ms
from mesosynth import __version__
from mesosynth.cli.main import main
from mesosynth.engine.rack import render
from mesosynth.presets.preset import Preset, load_preset, save_preset
from mesosynth.system.paths import resource

DEMO = str(resource("assets", "demo.wav"))
PNG = b"\x89PNG\r\n\x1a\n"


def mesosynth(*words, **environment):
    """Run the command line as a user would, on a machine without a display."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    clean.pop("QT_QPA_PLATFORM", None)
    return subprocess.run(
        [sys.executable, "-m", "mesosynth", *map(str, words)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280,
        env={**clean, **environment},
    )  # fmt: skip


def main_called(*words):
    """Run the command line in this process, where all it needs is imported already."""
    words = [*map(str, words)]
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        code = main(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def answer(done):
    """Parse the one JSON object that standard output must be, and nothing else."""
    assert done.stdout.count("\n") == 1
    parsed = json.loads(done.stdout)
    assert isinstance(parsed, dict)
    return parsed


def assert_one_sentence(done, cause):
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("mesosynth: ")
    assert cause in lines[0]


@pytest.mark.usefixtures("real_time")
def test_version_comes_at_once():
    took = []
    for _ in range(5):
        began = time.monotonic()
        done = mesosynth("--version")
        took.append(time.monotonic() - began)
        assert done.stdout == f"mesosynth {__version__}\n"
    assert min(took) < 0.15  # s; the others may have waited for other processes


HEAVY = ("torch", "PySide6", "scipy", "matplotlib", "sounddevice", "sklearn")


@pytest.mark.parametrize(
    ("words", "light"),
    [
        (["--version"], (*HEAVY, "numpy", "cyclopts", "rich")),
        (["--help"], (*HEAVY, "numpy")),
        (["match", "--help"], HEAVY),
        (["sequence", "--help"], HEAVY),
        (["render", "--help"], (*HEAVY, "numpy")),
        (["similar", "--help"], (*HEAVY, "numpy")),
        (["devices", "--help"], (*HEAVY, "numpy")),
        (["plugin", "check", "--help"], (*HEAVY, "numpy")),
    ],
)
def test_help_imports_nothing_that_takes_long(words, light):
    code = f"import sys; from mesosynth.cli.main import main; main({words})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(sorted(sys.modules.keys() & set({light})))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("[]\n")
    assert "mesosynth" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        [], ["match"], ["sequence"], ["resynthesise"], ["render"], ["similar"], ["play"],
        ["devices"], ["midi"],
        ["doctor"], ["desktop"], ["plugin"], ["plugin", "check"], ["plugin", "list"], ["figures"],
        ["batch"], ["data", "make"], ["train", "encoder"], ["train", "classifier"], ["classify"],
        ["figures", "neighbours"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_tells_its_options(words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    done = main_called(*words, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert f"Usage: mesosynth {' '.join(words)}".strip() in done.stdout
    assert OPTIONS[" ".join(words)] <= set(done.stdout.split())


OPTIONS = {
    "": {"--preset", "--device", "--rate", "--block", "--safe-audio", "--midi", "--osc"},
    "match": {
        "--output", "-o", "--instrument", "--seed", "--unknowns", "--pin", "--phi", "--descent",
        "--filters", "--save", "--resume", "--render", "--layers", "--seconds", "--json", "FILE",
        "jtfs-global]", "60]",
    },
    "sequence": {
        "--hop", "--smooth", "--output", "-o", "--unknowns", "--pin", "--run", "--anew", "--json",
        "FILE", "f_c,f_m,gamma,w]",
    },
    "resynthesise": {
        "--output", "-o", "--iterations", "--method", "--start", "--seed", "--average", "--edit",
        "--blend", "--amount", "--begin", "--seconds", "--run", "--json", "FILE", "100]",
    },
    "render": {"--all", "--seconds", "--json", "PRESET"},
    "similar": {"-n", "--json", "PRESET", "10]"},
    "play": {
        "--seconds", "--device", "--rate", "--block", "--safe-audio", "--midi", "--osc", "--json",
        "PRESET", "10]",
    },
    "batch": {"--out", "--instrument", "--seed", "--scheduler", "--workers", "--json", "FOLDER"},
    "data make": {
        "--out", "--cells", "--seed", "--scheduler", "--workers", "--json", "INSTRUMENT", "5]",
    },
    "train encoder": {
        "--data", "--output", "-o", "--instrument", "--loss", "--epochs", "--batch", "--rate",
        "--patience", "--network", "--seed", "--json", "60]",
    },
    "train classifier": {
        "--output", "-o", "--model", "--features", "--epochs", "--folds", "--seed", "--json", "DIR",
    },
    "classify": {"--relevance", "--accept", "--json", "CLASSIFIER"},
    "devices": {"--json"},
    "midi": {"--json"},
    "doctor": {"--json"},
    "desktop": {"--remove", "--json"},
    "plugin": {"check", "list"},
    "plugin check": {"--quick", "--json", "FILE"},
    "plugin list": {"--json"},
    "figures": {"--only", "--quick", "--again", "--json", "OUT"},
    "figures neighbours": {"--quick", "--again", "--json", "OUT"},
}  # fmt: skip
"""Words of each command's help: options, and defaults that come from the settings."""


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["match"], "FILE"),
        (["match", "a.wav", "--sed", "x"], "unrecognized arguments: --sed (did you mean --seed?)"),
        (["match", "a.wav", "--foo"], "unrecognized arguments: --foo; see mesosynth match --help."),
        (["match", "a.wav", "--seed"], "argument --seed: expected one argument"),
        (
            ["match", "a.wav", "--instrument", "lute"],
            "invalid choice: 'lute' (choose from chirplet",
        ),
        (["match", "a.wav", "--seed", "1.5"], "invalid int value: '1.5'"),
        (["sequence", "a.wav", "--hop", "x"], "argument --hop: invalid float value: 'x'"),
        (["similar", "p.json", "-n", "0"], "0 must be 1 or more"),
        (["similar"], "the following arguments are required: PRESET"),
        (["plugin"], "check or list"),
        (["plugin", "chekc", "x"], "chekc"),
        (["figures", "out", "--only", "2,9"], "'2,9' must hold numbers of figures, 1 to 7"),
        (["match", "a.wav", "--seed", "x"], "invalid int value: 'x'"),
        (["render", "p.json"], "OUT.wav"),
        (["render", "p.json", "o.wav", "--seconds", "nan"], "nan must be more than 0"),
        (["play", "--seconds", "0"], "0 must be more than 0"),
        (["play", "--seconds", "-3"], "-3 must be more than 0"),
        (["play", "--seconds", "soon"], "'soon'"),
        (["devices", "extra"], "extra"),
        (["mtach"], "mtach is neither a file nor a command"),
        (["--preset", "none.json"], "none.json does not exist"),
        (["render", "none.json", "o.wav"], "none.json does not exist"),
        (["play", "none.json"], "none.json does not exist"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(words, cause, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = main_called(*words)
    assert_one_sentence(done, cause)
    assert done.stdout == ""
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", BAD_SOUNDS)
def test_match_of_a_bad_file(kind, tmp_path):
    make, _ = BAD_SOUNDS[kind]
    path = tmp_path / f"{kind}.wav"
    make(path)
    done = main_called("match", path, "--json", "-o", tmp_path / "out.json")
    assert_one_sentence(done, path.name)
    assert list(answer(done)) == ["error"]
    assert not (tmp_path / "out.json").exists()


@pytest.fixture(scope="module")
def matched(tmp_path_factory):
    """One match of the demo: what the process did, and the preset that it wrote."""
    preset = tmp_path_factory.mktemp("match") / "demo.json"
    return main_called("match", resource("assets", "demo.wav"), "--json", "-o", preset), preset


def test_match_finds_what_the_demo_was_made_of(matched):
    done, _ = matched
    found = answer(done)
    assert done.returncode == 0
    truth = {"f_c": 620.0, "f_m": 9.5, "gamma": 1.7, "w": 2.2}
    assert {id_: found["theta"][id_] for id_ in truth} == pytest.approx(truth, rel=0.01)
    assert found["found"]
    assert set(found["std"]) == set(truth)  # more unknowns were not needed
    assert found["onset"] == pytest.approx(2.0, abs=0.01)
    assert found["gain"] == pytest.approx(0.5, rel=0.05)
    assert set(found["std"]) == set(truth)
    assert {"loss", "evaluations", "seconds"} <= set(found)
    assert "demo.wav" in done.stderr  # the progress


def test_a_match_can_be_loaded_and_rendered(matched, tmp_path):
    done, path = matched
    preset = load_preset(path)
    assert preset.match is not None
    assert preset.match.target == "demo.wav"
    assert preset.values["f_m"] == pytest.approx(answer(done)["theta"]["f_m"])
    out = tmp_path / "out.wav"
    done = main_called("render", path, out, "--seconds", "3", "--json")
    assert answer(done)["frames"] == 144000
    audio, rate = soundfile.read(out, dtype="float32")
    assert rate == 48000
    np.testing.assert_array_equal(audio.T, ms.render(preset, seconds=3.0))
    assert 0.3 < np.abs(audio).max() < 0.6


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (192000, 1), (44100, 8)])
def test_match_works_at_the_edges(rate, channels, tmp_path):
    path = tmp_path / "edge.wav"
    audio = render("chirplet", {"period": 16.0, "f_c": 600.0}, 1.5, rate)[0]
    soundfile.write(path, np.stack([audio] * channels, axis=1), rate)
    done = main_called("match", path, "--json")
    assert done.returncode == 0
    assert answer(done)["theta"]["f_m"] == pytest.approx(8.0, rel=0.01)


def test_match_that_cannot_write_its_preset(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(), 8192)
    done = main_called("match", path, "-o", tmp_path / "nowhere" / "p.json")
    assert_one_sentence(done, "p.json cannot be written: there is no folder")


@pytest.mark.usefixtures("real_time")
def test_play_through_the_silent_clock(tmp_path):
    preset = tmp_path / "p.json"
    save_preset(preset, Preset(name="p", parameters={"gain": -6.0, "period": 0.5}))
    done = mesosynth("play", preset, "--seconds", "1", "--device", "silent", "--json")
    told = answer(done)
    assert done.returncode == 0
    assert told["silent"] is True
    assert told["blocks"] * told["block"] / told["sample_rate"] == pytest.approx(1.0, abs=0.4)
    assert 0.2 < told["peak"] <= 1.0
    assert told["callback_ms_median"] > 0.0
    assert {"underflows", "callback_ms_max"} <= set(told)


def test_play_on_a_device_that_does_not_exist():
    done = mesosynth("play", "--device", "Theremin 3000", "--json")
    assert_one_sentence(done, "Theremin 3000")
    assert "Theremin 3000" in answer(done)["error"]


def test_devices_and_doctor_answer_in_json(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    assert "devices" in answer(main_called("devices", "--json"))
    told = answer(main_called("doctor", "--json"))
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["torch"]["ok"]
    assert f"numpy {np.__version__}" in checks["mesosynth"]["found"]  # for reports of faults
    assert checks["Sample loops"]["ok"]
    assert not checks["Display"]["ok"]
    assert all(check["ok"] or check["mend"] for check in checks.values())


def test_doctor_in_words():
    done = mesosynth("doctor", DISPLAY=":4242")
    assert "the display ':4242' does not answer" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("after", [0.3, 1.4])
@pytest.mark.parametrize(
    "words",
    [["play", "--seconds", "60"], [DEMO], ["match", DEMO]],
    ids=["play", "session", "match"],
)
def test_ctrl_c_ends_a_command_and_its_processes_without_a_trace(words, after, tmp_path):
    device = [] if "match" in words else ["--device", "silent"]
    clean = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM")}
    clean["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    running = subprocess.Popen(
        [sys.executable, "-m", "mesosynth", *words, *device],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=tmp_path, env=clean,
    )  # fmt: skip
    wait_until_it_answers(running)
    time.sleep(after)
    if running.poll() is not None:
        return  # found before anybody could press a key
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all at once
    out, err = running.communicate(timeout=100)
    # Until its handlers are set, the signal itself ends the process; a shell calls both 130.
    assert running.returncode in (130, -signal.SIGINT)
    assert out == ""
    assert "Traceback" not in err
    assert_gone(running.pid)


def test_without_a_display_the_session_runs_in_the_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    done = mesosynth("--device", "silent")
    assert done.returncode == 0, done.stderr
    assert "there is no display; running in the terminal" in done.stderr
    assert sorted(os.listdir("out")) == ["match.json", "match.png", "match.wav"]
    preset = load_preset(Path("out/match.json"))
    assert preset.values["f_m"] == pytest.approx(9.5, rel=0.01)
    audio, rate = soundfile.read("out/match.wav", dtype="float32")
    assert (len(audio), rate) == (192000, 48000)
    assert 0.3 < np.abs(audio).max() <= 1.0
    assert Path("out/match.png").read_bytes().startswith(PNG)


def test_the_terminal_refuses_a_bad_target_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    Path("letter.wav").write_text("Dear sir or madam")
    done = mesosynth("letter.wav", "--device", "silent")
    assert done.returncode == 2
    assert "letter.wav is not a sound file" in done.stderr
    assert "Traceback" not in done.stderr
