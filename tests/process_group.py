"""A program as a terminal runs it: with its children in a process group of its own."""

import os
import re
import signal
import time
from pathlib import Path

import psutil


def wait_until_it_answers(process, patience=100.0):
    """Wait until a program of ours catches SIGTERM, which Python itself leaves to the system."""
    end = time.monotonic() + patience
    while process.poll() is None and not _catches(process.pid, signal.SIGTERM):
        assert time.monotonic() < end, "it does not start"
        time.sleep(0.01)


def _catches(pid, number):
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(caught[1], 16) >> (number - 1) & 1)


def assert_gone(leader, patience=30.0):
    """Nothing that `leader` started outlives it, but for a busy machine's patience in seconds."""
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
