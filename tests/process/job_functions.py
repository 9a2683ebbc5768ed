"""Jobs for the tests of jobs."""

import hashlib
import os
import time

import numpy as np

from mesosynth.errors import ArgumentError
from mesosynth.system.jobs import JobKind
from mesosynth.system.steps import Stopped

_HERE = "job_functions"

KINDS = {
    "count": JobKind(f"{_HERE}:count", 2),
    "idle": JobKind(f"{_HERE}:count", 3),
    "urgent": JobKind(f"{_HERE}:count", 0),
    "picture": JobKind(f"{_HERE}:picture", 1, newest_only=True, rest=0.3),
    "squares": JobKind(f"{_HERE}:squares", 2, resumes=True),
    "fail": JobKind(f"{_HERE}:fail"),
    "die": JobKind(f"{_HERE}:die"),
    "echo": JobKind(f"{_HERE}:echo", 2),
}


def count(to, seconds=0.005):
    """Count, with a look up before each number."""
    number = 0
    try:
        for number in range(1, to + 1):
            yield
            time.sleep(seconds)
            yield number
    except Stopped:
        if not number:
            raise
    return number


def picture(what):
    yield
    return what


def squares(to, cache):
    """Squares up to one, each with the process that computed it; slow to compute."""
    total = 0.0
    for number in range(to):
        square, pid = yield from cache.evaluate(np.array([float(number)]), _square(number), 2)
        total += square
        yield square, pid
    return total


def _square(number):
    for _ in range(5):
        yield
        time.sleep(0.01)
    return [float(number**2), float(os.getpid())]


def fail(kind):
    yield 1
    raise ArgumentError("to=0 must be 1 or more.") if kind == "told" else ZeroDivisionError("oh")


def die():
    yield
    os._exit(3)


def echo():
    """Yield what is sent, for ever."""
    said = yield
    while True:
        time.sleep(0.002)
        said = yield said


def hashed(number):
    time.sleep(0.02)
    return hashlib.sha256(bytes([number])).digest()


def hashed_unless_odd(number):
    if number % 2:
        raise ValueError(f"{number} is odd")
    return hashed(number)
