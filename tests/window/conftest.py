"""A real window on a real X server (Xvfb), in front of a real session on the silent clock."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from hands import DEMO


@pytest.fixture(scope="session")
def display():
    """An X server of our own; Qt and xdotool find it in the environment."""
    read, write = os.pipe()
    try:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1700x1100x24", "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        pytest.fail("Xvfb is missing; install it with: apt-get install xvfb xdotool")
    finally:
        os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb ended before it named its display"
    before = {key: os.environ.get(key) for key in ("DISPLAY", "QT_QPA_PLATFORM")}
    os.environ.update(DISPLAY=f":{number}", QT_QPA_PLATFORM="xcb")
    yield f":{number}"
    server.terminate()
    server.wait()
    for key, value in before.items():
        os.environ.pop(key, None) if value is None else os.environ.update({key: value})


@pytest.fixture(scope="session")
def config_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("config")
    plugins = folder / "plugins"
    plugins.mkdir()
    os.environ.update(MESOSYNTH_CONFIG_DIR=str(folder), MESOSYNTH_PLUGINS=str(plugins))
    yield folder
    del os.environ["MESOSYNTH_CONFIG_DIR"], os.environ["MESOSYNTH_PLUGINS"]


@pytest.fixture(scope="session")
def qapp(display, config_dir, qapp_args, qapp_cls, pytestconfig):
    """pytest-qt's application, on our display and in our look."""
    from gui import theme

    application = qapp_cls.instance() or qapp_cls(qapp_args)
    theme.apply(application)
    return application


@pytest.fixture(scope="session")
def only_window(qapp):
    """One window and one session for all tests: a matcher takes seconds to start."""
    from PySide6.QtTest import QTest

    from gui.app import open_window
    from mesosynth.session import Session

    window = open_window(Session(device="silent", start=False))
    window.show()
    assert QTest.qWaitForWindowExposed(window)
    patience = time.monotonic() + 90.0
    while "silent" not in window.status.device.text():
        assert time.monotonic() < patience, "the audio process did not come up"
        QTest.qWait(20)
    yield window
    window.close()


@pytest.fixture
def desk(only_window, qtbot):
    """The window as it starts: at its defaults, no effects, nothing to undo, no match."""
    from gui.pad.pad import NOTE_AXES

    window = only_window
    session = window.session
    session.match.stop()
    qtbot.waitUntil(lambda: not session.match.running, timeout=20_000)
    session.match.follow = True
    session.sound.play()
    if session.rack.instrument != "chirplet":
        session.rack.set_instrument("chirplet")
    for uid in [effect.uid for effect in session.rack.effects]:
        session.rack.remove_effect(uid)
    session.sound.set(session.sound.parameters.defaults())
    window.history.end()
    window.history.stack.clear()
    window.sound.question.keep.click()
    window.drawer.turn_to("")
    window.pad.set_axes(NOTE_AXES)
    window.resize(1280, 800)
    window.layouts.use("Design")
    window.layouts.reset()
    window.activateWindow()
    window.pad.setFocus()
    qtbot.wait(50)
    return window


@pytest.fixture
def target(desk, qtbot):
    """The desk with the demo target loaded and drawn."""
    from hands import told

    session = desk.session
    with told(qtbot, session.target.loaded, session.target.analysed, timeout=90_000):
        desk.files.load_target(DEMO)
    return desk


@pytest.fixture
def bad_file(tmp_path) -> Path:
    path = tmp_path / "letter.wav"
    path.write_text("Dear sir or madam, this is no sound.")
    return path
