"""What the children of test_worker.py run; in a module of its own, which they import."""

import os
import signal
import sys
import time

import numpy as np

from mesosynth.errors import ArgumentError, PluginError
from mesosynth.system import cpu
from mesosynth.system.worker import Question, call


def echo(channel, greeting="here"):
    """Send back what comes, until told to stop."""
    channel.ready()
    channel.send(greeting)
    while not channel.stopping:
        command = channel.receive(0.05)
        if isinstance(command, Question):
            answer(channel, command)
        elif command == "describe":
            channel.send(describe())
        elif isinstance(command, tuple) and command[0] == "exit":
            os._exit(command[1])
        elif command == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif command is not None:
            channel.send(command)


def answer(channel, question):
    match question.request:
        case "late":
            time.sleep(0.3)
            channel.answer(question, "late")
        case "event first":
            channel.send("an event")
            channel.answer(question, "an answer")
        case "wrong":
            channel.answer(question, ArgumentError("wrong=1 must be 0."))
        case "exit":
            os._exit(5)
        case number:
            channel.answer(question, number + 1)


def describe():
    import psutil
    import threadpoolctl

    process = psutil.Process()
    pools = [
        pool["num_threads"]
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]
    return {
        "nice": process.nice(),
        "cores": set(process.cpu_affinity() or ()),
        "policy": os.sched_getscheduler(0),
        "pools": pools,
        "main": sys.modules["__main__"].__dict__.get("__file__"),
    }


def deaf(channel):
    """Never look at what is asked."""
    channel.send("here")
    while True:
        time.sleep(0.05)


def close_and_stay(channel):
    channel.send("here")
    channel._connection.close()
    time.sleep(60)


def exit_at_once(channel, code):
    channel.send("here")
    os._exit(code)


def flood(channel, count):
    """Send events faster than a parent looks, then one more when told to."""
    for i in range(count):
        channel.send(i)
    while not channel.stopping:
        time.sleep(0.01)


def both_ways(channel, megabytes):
    """Send a large event before looking at the command, which is as large."""
    channel.send(np.full(megabytes << 17, 1.0))
    command = channel.receive()
    channel.send(float(command.sum()))
    channel.receive()


def keep_to_computing_as_on_windows(channel):
    import psutil

    del os.sched_getaffinity, os.sched_setaffinity
    sys.platform = "win32"
    cpu.keep_process_to("computing")
    channel.send(set(psutil.Process().cpu_affinity()))


def fork_and_exit(channel):
    """Leave a process behind that holds the pipe."""
    pid = os.fork()
    if pid == 0:
        time.sleep(20)
        os._exit(0)
    channel.send(pid)
    os._exit(3)


# ---------------------------------------------------------------------- for call


def double(x):
    print("printed by Python")
    os.system("echo printed by a library")
    return 2 * x


def raise_ours(_channel=None):
    raise PluginError("the plugin is no good.", "Traceback: ...")


def raise_other(_channel=None):
    raise ValueError("seven")


def exit_by_system():
    raise SystemExit(3)


def die_by_exit():
    os._exit(7)


def die_by_signal():
    os.abort()


def hang():
    time.sleep(60)


def lambda_():
    return lambda: None


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def odd_result():
    return Odd(1, 2)


def call_from_within(channel):
    """A worker that asks a question of its own, as the audio process does."""
    channel.send(call(double, 21, timeout=20))
    channel.receive()


def call_that_hangs(channel):
    channel.send("here")
    call(hang, timeout=60)
