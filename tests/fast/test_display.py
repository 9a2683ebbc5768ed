"""Fears: a display of a session that is gone ends the program before its first word."""

import os
import socket

import pytest

from mesosynth.cli import doctor
from mesosynth.cli.headless import free_folder


@pytest.fixture
def listening(tmp_path, monkeypatch):
    """A Wayland compositor that listens as "wayland-7"; no X server."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(doctor, "missing", lambda _: [])  # libraries are another matter
    for name in ("DISPLAY", "QT_QPA_PLATFORM", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        yield tmp_path


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "there is no display"),
        ({"WAYLAND_DISPLAY": "wayland-7"}, ""),
        ({"WAYLAND_DISPLAY": "wayland-99"}, "the Wayland display 'wayland-99' does not answer"),
        ({"DISPLAY": ":4077"}, "the display ':4077' does not answer"),
        ({"QT_QPA_PLATFORM": "offscreen"}, ""),
        ({"QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": "wayland-7"}, "there is no display"),
        ({"QT_QPA_PLATFORM": "wayland;xcb", "WAYLAND_DISPLAY": "gone"}, "'gone' does not answer"),
    ],
)
def test_a_display_that_does_not_answer_is_told(listening, monkeypatch, environment, problem):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = doctor.display_problem()
    assert problem in told if problem else not told


def test_a_dead_wayland_display_leaves_the_other_one(listening, monkeypatch):
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-99")
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setattr(doctor, "_x_answers", lambda _: True)
    assert doctor.display_problem() == ""
    assert "WAYLAND_DISPLAY" not in os.environ


def test_results_in_the_terminal_take_no_file_s_name(tmp_path):
    assert free_folder(tmp_path / "out") == tmp_path / "out"
    (tmp_path / "out").write_text("a log")
    (tmp_path / "out-2").symlink_to("gone")
    (tmp_path / "out-3").mkdir()
    assert free_folder(tmp_path / "out") == tmp_path / "out-3"
