"""Start the desk: the window first, then the sound and the matcher behind it."""

import signal
from pathlib import Path

from PySide6.QtWidgets import QApplication

from mesosynth.errors import MesosynthError
from mesosynth.session import Session
from mesosynth.session.device import DEFAULT_AUDIO, AudioSettings
from mesosynth.system.file_kinds import SESSION, kind_of_file

from .desk import Desk
from .files import DEMO
from .main_window import MainWindow
from .sessions import autosaves
from .settings import Settings, load_settings

INSTRUMENT = "chirplet"
"""The instrument that the desk plays."""


def main(
    argv: list[str],
    target: Path | None = None,
    preset: Path | None = None,
    audio: AudioSettings = DEFAULT_AUDIO,
    notice: str = "",
    midi: str | None = "",
    osc: int | None = None,
) -> int:
    """Run the desk until its window is closed.

    Parameters
    ----------
    argv : list of str
        The program's name and Qt's own options.
    target : Path, optional
        A sound to match at once, while it plays, or a session's file. Without one, and without a
        preset, the desk goes on from the last session in silence; the first time, it plays and
        matches the demo.
    preset : Path, optional
        Parameters to start with.
    audio : AudioSettings, optional
        Device, sample rate and block.
    notice : str
        A sentence to begin with, or "".
    midi : str, optional
        Part of the names of the MIDI inputs that play along, "" for all; None for none.
    osc : int, optional
        UDP port on which OSC plays along; None for none.

    Returns
    -------
    int
        Exit code: 0, or 130 for Ctrl-C and 143 for SIGTERM.
    """
    settings, trouble = load_settings()
    application = QApplication(argv)
    application.setApplicationName("mesosynth")

    first = target is None and preset is None and not settings.toured and not autosaves()
    if first:
        target = DEMO
    session = Session(
        audio.device, INSTRUMENT, audio.sample_rate, audio.block,
        audio_input=audio.input, start=False,
    )  # fmt: skip
    window = open_window(session, target, preset, settings, fades=first)
    desk = window.desk
    desk.attached.connect(lambda: desk.ask(lambda session: session.keys.listen(midi, osc)))
    window.look.use(window.settings.theme)
    for sentence in (trouble, notice):
        if sentence:
            window.desk.say(sentence, "warning")
    # Python runs these when the desk's timer fires next.
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # the last: the terminal is closed
    for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
        if signal.getsignal(number) is signal.SIG_IGN:  # as nohup wants it
            continue
        signal.signal(number, lambda caught, _: application.exit(128 + caught))
    if not settings.toured:
        window.painted.connect(window.tour.start)
    window.show()
    code = application.exec()
    if code:
        window.close()
    return code


def open_window(
    session: Session,
    target: Path | None = None,
    preset: Path | None = None,
    settings: Settings | None = None,
    fades: bool = False,
) -> MainWindow:
    """Build the window, and let the session start once the window is on screen.

    Two processes start with the session; their imports would compete with the first picture.

    Parameters
    ----------
    session : Session
        Not started yet; it belongs to the window from here on.
    target : Path, optional
        A sound to match at once, while it plays, or a session's file.
    preset : Path, optional
        Parameters to start with, which are played at once.
    settings : Settings, optional
        Those in the user's file by default.
    fades : bool
        Whether what is played at once is faded in.
    """
    trouble = ""
    if settings is None:
        settings, trouble = load_settings()
    desk = Desk(session)
    window = MainWindow(desk, settings)
    if trouble:
        desk.say(trouble, "warning")

    def begin() -> None:
        try:
            desk.begin()
        except MesosynthError as error:
            desk.say(str(error), "error")
            return
        window.sessions.begin()
        if settings.gain is not None:
            session.sound.set({"gain": settings.gain})
        if preset is not None:
            window.files.open_preset(preset)
        if target is not None and kind_of_file(target) is SESSION:
            window.sessions.open(target)
            return
        if fades:
            window.sound.fade_in()
        elif target is not None or preset is not None:
            session.sound.play()
        if target is not None:
            sound = target
            if desk.ask(lambda session: session.target.load(sound)):
                session.match.start()

    window.ready.connect(begin)
    return window
