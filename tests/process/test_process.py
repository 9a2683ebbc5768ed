"""Fears: a killed sound process, a killed desk, Ctrl-C, slow starts, torch in the wrong place."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, DeviceError, WorkerError
from mesosynth.instruments.chirplet import Chirplet

pytestmark = pytest.mark.usefixtures("real_time")

FORBIDDEN = {"torch", "kymatio", "PySide6", "pyqtgraph", "matplotlib", "pytest"}
TABLE = Chirplet.parameters


@pytest.fixture
def audio():
    with AudioProcess("chirplet", "silent") as process:
        assert process.wait_ready(20)
        yield process


def gone(pid):
    """Ended; a zombie whose new parent has not looked yet counts as well."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_it_starts_within_a_second_and_without_torch_qt_or_the_main_module():
    begin = time.monotonic()
    with AudioProcess("chirplet", "silent") as audio:
        assert time.monotonic() - begin < 0.5  # start() does not wait
        assert audio.wait_ready(20)
        assert time.monotonic() - begin < 2.0
        loaded = {module.partition(".")[0] for module in audio.loaded_modules()}
    assert "numpy" in loaded
    assert not loaded & FORBIDDEN


def test_no_helper_of_the_linear_algebra_holds_up_the_callback(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with AudioProcess("chirplet", "silent") as audio:
        assert audio.wait_ready(20)
        threads = psutil.Process(audio.pid).num_threads()
    # The loop, the silent clock, the rack's, the watch of the parent.
    assert threads <= 4


def test_a_knob_is_heard_and_stop_is_silent(audio, until):
    values = TABLE.vector({"gamma": 8.0, "period": 0.1})
    audio.parameters.set_values(values)
    assert not audio.scope(1000).any()
    audio.parameters.set_playing(True)
    until(lambda: np.abs(audio.scope(9600)).max() > 0.2, 30, "sound in the scope")
    audio.parameters.set_values(TABLE.vector({"gamma": 8.0, "period": 0.1, "gain": -60.0}))
    until(lambda: 0 < np.abs(audio.scope(4800)).max() < 0.002, 10, "the knob in the scope")
    audio.parameters.set_playing(False)
    until(lambda: not audio.scope(4800).any(), 10, "silence in the scope")
    status = audio.status()
    assert status.running
    assert status.silent
    assert status.sample_rate == 48000
    assert status.block == 256
    assert status.peak > 0.2
    assert 0 < status.callback_ms_median <= status.callback_ms_max
    assert status.faults == 0


def test_killed_it_says_so_and_starts_again_as_it_was(audio, until):
    values = TABLE.vector({"gamma": 8.0, "period": 0.1, "gain": 6.0})
    audio.parameters.set_values(values)
    audio.parameters.set_playing(True)
    until(lambda: audio.status().peak > 0.5, 30, "sound")
    os.kill(audio.pid, signal.SIGKILL)
    until(lambda: not audio.alive, 3, "the death")
    assert not audio.status().running
    with pytest.raises(WorkerError, match="restart"):
        audio.start_recording()
    audio.parameters.set_values(values)  # no process reads them
    audio.restart()
    assert audio.wait_ready(20)
    until(lambda: audio.status().running and audio.status().peak > 0.5, 30, "the same sound")


def test_a_change_of_device_is_silent_for_a_moment_only(audio, until):
    """A standby preloads while the old process plays on, even if that one is killed meanwhile."""
    for rate, kill in ((44100, False), (48000, True)):
        pid, asked = audio.pid, audio.status().blocks
        audio.set_device("silent", rate, 256)
        played = asked
        if kill:
            os.kill(pid, signal.SIGKILL)

        def changed(rate=rate, pid=pid):
            nonlocal played
            status = audio.status()
            if status.running and audio.pid == pid:
                played = status.blocks
            return audio.wait_ready(0.0) and status.running and status.sample_rate == rate

        until(changed, 30, "the other rate")
        assert audio.pid != pid
        assert gone(pid)
        assert kill or played - asked > 20  # 0.1 s, in which nobody loads Python and NumPy
    audio.set_device("silent", 48000, 256)  # closed in the middle of a change, nothing is left
    audio.status()


def test_a_stopped_process_counts_as_not_running(audio, until):
    os.kill(audio.pid, signal.SIGSTOP)
    until(lambda: not audio.status().running, 4, "the heartbeat is missed")
    audio.restart()
    assert audio.wait_ready(20)


def test_ctrl_c_is_the_parents_to_answer(audio):
    os.kill(audio.pid, signal.SIGINT)
    time.sleep(0.2)
    assert audio.alive
    assert audio.status().running


def test_recording_without_an_input_says_so(no_card):
    with AudioProcess("chirplet", "silent") as audio:
        with pytest.raises(DeviceError, match="input"):
            audio.start_recording()
        assert audio.recording_rate == 0
        assert len(audio.read_recording()) == 0


def test_a_device_that_does_not_exist_is_told_and_the_clock_plays(no_card):
    with AudioProcess("chirplet", "loudspeaker") as audio:
        with pytest.raises(DeviceError, match="'loudspeaker' does not exist"):
            audio.wait_ready(20)
        status = audio.status()
    assert status.running
    assert status.silent
    assert "'loudspeaker'" in status.message


def test_without_a_card_it_plays_on_the_silent_clock_and_says_why(no_card):
    with AudioProcess("chirplet") as audio:
        assert audio.wait_ready(20)
        status = audio.status()
    assert (status.running, status.silent) == (True, True)
    assert "there is no output device" in status.message


def test_an_instrument_that_does_not_exist_is_told():
    with pytest.raises(ArgumentError, match="'piano'"):
        AudioProcess("piano")


NAMES = (
    "print(*[getattr(audio._blocks, field.name).name for field in fields(audio._blocks)],"
    " flush=True)\n"
)
"""Other tests make shared memory too, so a script says which is its own."""


def left(names):
    return [name for name in names.split() if (Path("/dev/shm") / name).exists()]


def test_it_ends_with_a_killed_parent_and_leaves_no_memory(script, until):
    parent = script(
        "import time\nfrom dataclasses import fields\n"
        "from mesosynth.engine.process import AudioProcess\n"
        "audio = AudioProcess('chirplet', 'silent')\n"
        f"audio.start()\naudio.wait_ready(20)\n{NAMES}"
        "print(audio.pid, flush=True)\ntime.sleep(60)\n"
    )
    names, child = parent.stdout.readline(), int(parent.stdout.readline())
    assert not gone(child)
    assert len(left(names)) > 4
    parent.kill()
    parent.wait()
    until(lambda: gone(child), 2, "the child's end")
    until(lambda: not left(names), 5, "the memory's end")


@pytest.mark.parametrize(
    "ending",
    [
        "audio.close()",
        "",  # forgets to close
        "os.kill(audio.pid, signal.SIGKILL); audio.restart(); audio.wait_ready(20); audio.close()",
    ],
    ids=["closed", "forgotten", "killed"],
)
def test_no_warning_and_no_memory_is_left_at_exit(script, ending):
    """The script has no main guard, which a spawned process otherwise needs."""
    process = script(
        "import os, signal\nfrom dataclasses import fields\n"
        "from mesosynth.engine.process import AudioProcess\n"
        f"audio = AudioProcess('chirplet', 'silent')\n{NAMES}"
        f"audio.start()\nprint(audio.wait_ready(20))\nview = audio.scope(10)\n{ending}\n"
    )
    out, err = process.communicate(timeout=30)
    names, answer = out.splitlines()
    assert (process.returncode, answer, err) == (0, "True", "")
    assert len(names.split()) > 4
    assert not left(names)
