"""Fears: a child that outlives its parent, a dead one that is not noticed, two that wait for each
other, and what is left behind.
"""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
import worker_mains as mains

from mesosynth.errors import ArgumentError, PluginError, WorkerError, WorkerTimeoutError
from mesosynth.system import cpu
from mesosynth.system.worker import Died, Ready, Worker, call

pytestmark = pytest.mark.usefixtures("real_time")

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and /proc")


@pytest.fixture
def worker():
    """Make workers, and end them after the test."""
    made = []

    def make(*arguments, **options):
        made.append(Worker(*arguments, **options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def until(worker, wanted, seconds=20.0):
    """Events up to the first that is `wanted`, or of that class."""
    events, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        for event in worker.poll(0.05):
            events.append(event)
            if event == wanted or (isinstance(wanted, type) and isinstance(event, wanted)):
                return events
    raise AssertionError(f"no {wanted} in {events}")


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_gone(pid, seconds):
    end = time.monotonic() + seconds
    while not gone(pid):
        assert time.monotonic() < end, f"{pid} lives on after {seconds} s"
        time.sleep(0.01)


def test_it_starts_at_once_says_when_it_is_ready_and_hears_commands(worker):
    begin = time.monotonic()
    echo = worker(mains.echo, "hello")
    assert time.monotonic() - begin < 0.5
    assert echo.alive
    assert not echo.ready
    assert until(echo, "hello") == [Ready(), "hello"]
    assert echo.ready
    echo.send({"a": 1})
    assert until(echo, {"a": 1}) == [{"a": 1}]
    assert echo.poll() == []
    pid = echo.pid
    begin = time.monotonic()
    echo.stop(5.0)
    assert time.monotonic() - begin < 2.0
    assert (echo.alive, echo.ready, echo.pid) == (False, False, None)
    assert gone(pid)
    echo.stop(5.0)
    echo.send("nobody minds")
    assert not any(isinstance(event, Died) for event in echo.poll())


def test_it_starts_again_after_it_was_stopped_with_other_arguments(worker):
    echo = worker(mains.echo, "one")
    until(echo, "one")
    echo.start()  # no effect while it lives
    echo.stop(5.0)
    echo.args = ("two",)
    echo.start()
    assert until(echo, "two") == [Ready(), "two"]


@POSIX
def test_killed_it_is_told_once_and_starts_again(worker):
    echo = worker(mains.echo, restart=True)
    until(echo, "here")
    first = echo.pid
    os.kill(first, signal.SIGKILL)
    assert until(echo, Died)[-1] == Died(-9)
    assert not echo.alive  # so that its owner can put things in order before the next one comes
    echo.send("lost")
    assert until(echo, "here") == [Ready(), "here"]
    assert echo.pid != first
    assert gone(first)
    os.kill(echo.pid, signal.SIGKILL)
    until(echo, Died)


@POSIX
def test_killed_without_restart_it_stays_dead(worker):
    echo = worker(mains.echo)
    until(echo, "here")
    os.kill(echo.pid, signal.SIGKILL)
    until(echo, Died)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        assert echo.poll() == []
    assert not echo.alive
    with pytest.raises(WorkerError, match="restart it"):
        echo.ask(1, 5.0)
    echo.start()
    until(echo, "here")


@POSIX
@pytest.mark.parametrize(("command", "code"), [(("exit", 75), 75), ("crash", -signal.SIGSEGV)])
def test_its_owner_sees_the_exit_code_after_all_that_it_sent(worker, command, code):
    echo = worker(mains.echo)
    for i in range(100):
        echo.send(i)
    echo.send(command)
    assert until(echo, Died) == [Ready(), "here", *range(100), Died(code)]


@pytest.mark.parametrize(
    ("main", "error", "story"),
    [
        (mains.raise_other, "ValueError: seven", "Traceback"),
        (mains.raise_ours, "the plugin is no good.", ""),
        (mains.Odd, "TypeError: ", "Traceback"),
    ],
)
def test_what_its_main_function_raised_is_told(worker, capfd, main, error, story):
    died = until(worker(main), Died)[-1]
    assert died.exit_code == 1
    assert died.error.startswith(error)
    err = capfd.readouterr().err
    assert story in err
    assert bool(story) == bool(err)


def test_one_that_dies_at_once_is_restarted_later_and_later(worker):
    broken = worker(mains.exit_at_once, 3, restart=True)
    deaths, end = [], time.monotonic() + 4.0
    while time.monotonic() < end:
        deaths += [time.monotonic() for event in broken.poll(0.02) if event == Died(3)]
    assert 2 <= len(deaths) <= 5
    assert deaths[-1] - deaths[-2] > 1.4 * (deaths[1] - deaths[0]) or len(deaths) == 2


@POSIX
def test_one_that_says_nothing_is_killed_and_told(worker):
    echo = worker(mains.echo, heartbeat=3.0, restart=True)
    until(echo, "here")
    os.kill(echo.pid, signal.SIGSTOP)
    begin = time.monotonic()
    assert until(echo, Died) == [Died(-9, hung=True)]
    assert 1.5 < time.monotonic() - begin < 5.0
    until(echo, "here")


@POSIX
def test_one_that_ignores_the_request_is_killed_after_its_grace(worker):
    deaf = worker(mains.deaf)
    until(deaf, "here")
    pid, begin = deaf.pid, time.monotonic()
    deaf.stop(0.5)
    assert 0.4 < time.monotonic() - begin < 2.0
    assert gone(pid)


def test_one_that_closes_its_channel_and_stays_is_killed(worker):
    silent = worker(mains.close_and_stay)
    begin = time.monotonic()
    assert until(silent, Died)[0] == "here"
    assert time.monotonic() - begin < 5.0


@POSIX
def test_a_stopped_one_is_killed_too_even_while_it_is_sent_much(worker):
    echo = worker(mains.echo)
    until(echo, "here")
    pid = echo.pid
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    for _ in range(20):
        echo.send(bytes(1 << 20))
    assert time.monotonic() - begin < 0.5
    echo.stop(0.1)
    assert time.monotonic() - begin < 2.0
    assert gone(pid)


def test_fifty_megabytes_both_ways_at_once_block_nobody(worker):
    both = worker(mains.both_ways, 50)
    both.send(np.full(50 << 17, 2.0))
    longest, events = 0.0, []
    while len(events) < 2:
        begin = time.monotonic()
        assert not any(isinstance(event, Died) for event in events)
        events += both.poll()
        longest = max(longest, time.monotonic() - begin)
        time.sleep(0.005)
    assert events[0].nbytes == 50 << 20
    assert events[1] == 2.0 * (50 << 17)
    assert longest < 1.0


def test_one_that_waits_for_its_full_pipe_ends_politely(worker):
    flood = worker(mains.flood, 5000)
    time.sleep(1.0)  # nobody polls
    begin = time.monotonic()
    flood.stop(10.0)
    assert time.monotonic() - begin < 5.0
    assert flood.poll() == list(range(5000))


def test_questions_and_answers(worker):
    echo = worker(mains.echo)
    assert echo.ask(1, 20.0) == 2
    assert echo.ask("event first", 5.0) == "an answer"
    assert echo.poll() == [Ready(), "here", "an event"]
    with pytest.raises(ArgumentError, match="wrong=1"):
        echo.ask("wrong", 5.0)
    with pytest.raises(WorkerError, match=r"'late' within 0\.1 seconds"):
        echo.ask("late", 0.1)
    assert echo.ask(2, 5.0) == 3  # and not the late one
    assert echo.poll() == []
    begin = time.monotonic()
    with pytest.raises(WorkerError, match="has ended"):
        echo.ask("exit", 20.0)
    assert time.monotonic() - begin < 5.0
    assert until(echo, Died)[-1] == Died(5)


@POSIX
def test_its_nice_cores_threads_and_main_module_are_what_was_asked_for(worker):
    everywhere = os.sched_getaffinity(0)
    mine = psutil.Process().nice()
    kept = worker(mains.echo, nice=3, cores="computing", threads=1)
    plays = worker(mains.echo, cores="playing")
    wide = worker(mains.echo, threads=2)
    for one in (kept, plays, wide):
        one.send("describe")
    told = until(kept, dict)[-1]
    assert told["nice"] == mine + 3
    assert set(told["pools"]) == {1}
    assert told["main"] is None  # the parent's script is not imported again
    with cpu.computing_apart():
        assert told["cores"] == os.sched_getaffinity(0)
    told = until(plays, dict)[-1]
    assert told["nice"] == mine
    with cpu.playing_apart():
        assert told["cores"] == os.sched_getaffinity(0)
    told = until(wide, dict)[-1]
    assert set(told["pools"]) == {min(2, len(everywhere))}
    assert told["cores"] == everywhere
    assert os.sched_getaffinity(0) == everywhere  # who starts them stays as it was
    assert psutil.Process().nice() == mine


@pytest.mark.skipif(cpu.cores() < 2, reason="one core for all")
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux plays Windows here")
def test_where_threads_have_no_cores_a_process_is_kept_to_its_own(worker):
    with cpu.computing_apart():
        computing = os.sched_getaffinity(0)
    assert until(worker(mains.keep_to_computing_as_on_windows), set)[-1] == computing


@POSIX
def test_one_that_forked_and_died_is_told_though_its_pipe_is_held(worker):
    threads = threading.active_count()
    parent = worker(mains.fork_and_exit)
    pid, died = until(parent, Died)
    assert died == Died(3)
    assert threading.active_count() == threads  # none waits for a descriptor that is closed
    os.kill(pid, signal.SIGKILL)


# ---------------------------------------------------------------------- the parent's end


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: print("told", flush=True))
import worker_mains as mains
from mesosynth.system.worker import Worker
workers = [Worker(main) for main in (mains.echo, mains.deaf, mains.call_that_hangs)]
for worker in workers:
    worker.start()
for worker in workers:
    while "here" not in worker.poll(0.1):
        pass
time.sleep(0.5)
print(*(worker.pid for worker in workers), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def script(tmp_path):
    """Start Python on a script without a main guard, in a process group of its own."""
    started = []

    def start(text, before=SCRIPT):
        file = tmp_path / "script.py"
        file.write_text(before + text)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        started.append(subprocess.Popen(
            [sys.executable, "-W", "error", str(file)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        ))  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def family(process):
    """Pids of its workers and of what these have started."""
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 3
    pids += [child.pid for pid in pids for child in psutil.Process(pid).children()]
    process.stdin.write("\n")
    process.stdin.flush()
    return pids


@POSIX
def test_a_killed_parent_takes_its_children_along_within_a_second(script):
    parent = script("time.sleep(60)\n")
    pids = family(parent)
    assert len(pids) == 4  # the call within a worker
    parent.kill()
    parent.wait()
    end = time.monotonic() + 1.0
    for pid in pids:
        wait_gone(pid, max(0.0, end - time.monotonic()))


@POSIX
def test_ctrl_c_ends_none_of_them(script):
    parent = script(
        "time.sleep(0.3)\nprint(*(worker.alive for worker in workers), flush=True)\n"
        "time.sleep(60)\n"
    )
    pids = family(parent)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.stdout.readline() == "told\n"
    assert parent.stdout.readline() == "True True True\n"
    assert not [pid for pid in pids if gone(pid)], pids
    parent.kill()
    assert parent.communicate()[1] == ""  # no trace of the key from any of them


@POSIX
def test_ctrl_c_in_the_moment_of_birth_leaves_no_trace(script):
    text = (
        "import os, signal, time\nsignal.signal(signal.SIGINT, lambda *_: None)\n"
        "import worker_mains as mains\nfrom mesosynth.system.worker import Worker\n"
        "worker = Worker(mains.echo)\nworker.start()\n"
        "for _ in range(50):\n    os.killpg(0, signal.SIGINT)\n    time.sleep(0.01)\n"
        "while 'here' not in worker.poll(0.1):\n    pass\nworker.stop(5)\nprint('well')\n"
    )
    assert script(text, "").communicate(timeout=30) == ("well\n", "")


@POSIX
@pytest.mark.parametrize("ending", ["", "[worker.stop(0.2) for worker in workers]\n"])
def test_a_parent_that_ends_leaves_nothing_whether_it_stopped_them_or_not(script, ending):
    parent = script(ending)
    pids = family(parent)
    out, err = parent.communicate(timeout=20)
    assert (parent.returncode, out, err) == (0, "", "")
    for pid in pids:
        wait_gone(pid, 1.0)


@POSIX
def test_what_a_dead_one_was_still_to_be_told_is_dropped_without_a_word(script, monkeypatch):
    monkeypatch.setenv("PYTHONDEVMODE", "1")  # errors of finalizers are told, as Python 3.13 does
    text = (
        "import gc, os, signal\nimport worker_mains as mains\n"
        "from mesosynth.system.worker import Worker\n"
        "worker = Worker(mains.deaf)\nworker.start()\n"
        "for _ in range(3):\n    worker.send(bytes(10**6))\n"
        "os.kill(worker.pid, signal.SIGKILL)\nwhile not worker.poll(0.1):\n    pass\n"
        "worker.itself = worker\ndel worker\ngc.collect()\n"
    )
    assert script(text, "").communicate(timeout=30) == ("", "")


def zombies():
    return [
        child.pid for child in psutil.Process().children()
        if child.status() == psutil.STATUS_ZOMBIE
    ]  # fmt: skip


@POSIX
def test_a_hundred_of_them_leave_no_descriptor_thread_or_zombie():
    call(mains.double, 1, timeout=20)
    before, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for i in range(100):
        worker = Worker(mains.exit_at_once, 3) if i % 2 else Worker(mains.deaf)
        worker.start()
        if i % 4 == 1:
            until(worker, Died)
        worker.stop(0.0)
    assert len(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == threads
    assert zombies() == []


# ---------------------------------------------------------------------- call


def test_a_question_is_answered_and_what_it_prints_harms_nothing(capfd):
    assert call(mains.double, 21, timeout=20) == 42
    assert capfd.readouterr() == ("", "")


def test_its_own_error_comes_as_itself():
    with pytest.raises(PluginError, match="no good") as caught:
        call(mains.raise_ours, timeout=20)
    assert caught.value.traceback == "Traceback: ..."


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (mains.raise_other, r"raise other failed \(ValueError: seven\)"),
        (mains.exit_by_system, r"exit by system failed \(SystemExit: 3\)"),
        (mains.die_by_exit, r"die by exit crashed \(exit code 7\)"),
        pytest.param(mains.die_by_signal, r"die by signal crashed \(SIGABRT\)", marks=POSIX),
        (mains.lambda_, "lambda failed"),
        (mains.odd_result, "odd result failed"),
    ],
)
def test_everything_else_that_goes_wrong_is_told_in_a_sentence(function, sentence):
    with pytest.raises(WorkerError, match=sentence) as caught:
        call(function, timeout=20)
    assert not isinstance(caught.value, WorkerTimeoutError)


def test_a_question_that_hangs_is_given_up():
    begin = time.monotonic()
    with pytest.raises(WorkerTimeoutError, match=r"hang did not answer within 0\.5 seconds"):
        call(mains.hang, timeout=0.5)
    assert time.monotonic() - begin < 3.0
    assert zombies() == []


def test_a_worker_may_ask_questions_of_its_own(worker):
    assert until(worker(mains.call_from_within), 42)


def test_several_threads_may_ask_at_once():
    answers = []
    threads = [
        threading.Thread(target=lambda i=i: answers.append(call(mains.double, i, timeout=30)))
        for i in range(6)
    ]
    main = sys.modules["__main__"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0, 2, 4, 6, 8, 10]
    assert sys.modules["__main__"] is main


@pytest.mark.skipif(not hasattr(os, "SCHED_RESET_ON_FORK"), reason="Linux only")
def test_what_a_real_time_process_asks_has_no_priority_and_is_not_where_the_sound_plays():
    answers = []

    def run():
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        except PermissionError:
            return
        told = call(mains.describe, timeout=20)
        answers.extend((told, os.sched_getscheduler(0), os.sched_getaffinity(0)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if not answers:
        pytest.skip("no real-time priority here")
    told, policy, kept = answers
    assert told["policy"] == os.SCHED_OTHER
    with cpu.computing_apart():
        assert told["cores"] == os.sched_getaffinity(0)
    assert set(told["pools"]) == {1}
    # Who asks stays as it was, and so do the threads that it starts.
    assert (policy, kept) == (os.SCHED_FIFO, os.sched_getaffinity(0))
