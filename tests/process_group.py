"""A program as a terminal runs it: with its children in a process group of its own."""

import os
import time

import psutil


def assert_gone(leader, patience=5.0):
    """Nothing that `leader` started outlives it by more than `patience` seconds."""
    end = time.monotonic() + patience
    while left := _members(leader):
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.05)


def _members(leader):
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        try:
            same = os.getpgid(process.pid) == leader
        except ProcessLookupError:
            continue
        if same and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.info)
    return found
