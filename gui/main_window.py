"""The window: it assembles panels and views around one bridge, and nothing else."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget
from typing_extensions import override

from mesosynth.plugins.parameters import ParameterTable
from mesosynth.presets.library import Library
from mesosynth.session.events import TargetLoaded

from . import match_files, theme
from .actions import ACTIONS, Actions
from .audition_commands import AuditionCommands
from .bridge import Bridge
from .commands import Commands
from .comparisons import Comparisons
from .dialogs import ShortcutSheet
from .follow_commands import FollowCommands
from .layer_commands import LayerCommands
from .library_commands import LibraryCommands
from .look import Look
from .match_commands import MatchCommands
from .match_files import MatchFiles
from .pad.frame import PadFrame
from .pad.pad import Pad
from .pages.blend import BlendPage
from .pages.effects import EffectsPanel
from .pages.layers import LayersPage
from .pages.library import LibraryPanel
from .pages.map import MapPage
from .pages.match import MatchSettingsPanel
from .pages.sequence import SequencePage
from .piano import Piano
from .plots.links import ViewLinks
from .plots.loss_curve import LossCurve
from .plots.scale_rate import ScaleRate
from .plots.scalogram import Scalograms
from .plots.scope import SECONDS, Scope
from .session_commands import SessionCommands
from .settings import Settings, save_settings
from .sound_commands import SoundCommands
from .undo import History
from .widgets.drawer import Drawer
from .widgets.knob import Knob, Knobs
from .widgets.match_panel import Curves, MatchPanel
from .widgets.splitter import Divided
from .widgets.status_line import StatusLine
from .widgets.tour import Tour
from .widgets.tracking_strip import FollowStrip
from .widgets.transport import Transport


class MainWindow(QMainWindow):
    """The desk.

    Parameters
    ----------
    bridge : Bridge
    settings : Settings
        Changed as the user chooses, saved when the window closes.

    Signals
    -------
    painted
        Once, with the first picture on screen.
    closed
    """

    painted = Signal()
    closed = Signal()

    def __init__(self, bridge: Bridge, settings: Settings) -> None:
        super().__init__()
        self.setWindowTitle("mesosynth")
        self.setAcceptDrops(True)
        self.bridge, self.settings = bridge, settings
        self.actions_ = Actions(self)
        self.history = History(bridge)
        self.comparisons = Comparisons(self.actions_, bridge, self.history)
        self.commands = Commands(self, self.actions_, bridge, self.history, settings)
        self.sound_commands = SoundCommands(self, self.actions_, bridge, settings)
        self.sessions = SessionCommands(
            self, self.actions_, bridge, self.history, self.comparisons, settings
        )
        self.piano = Piano(bridge, self.actions_["piano"])
        self.transport = Transport(self.actions_)
        self.pad = Pad(bridge.parameters)
        self.scalograms = Scalograms()
        self.scale_rate = ScaleRate(bridge.parameters)
        self.loss = LossCurve(bridge.parameters)
        self.match = MatchPanel(
            bridge.parameters, self.actions_["audition"], self.actions_["apply"]
        )
        self.knobs = Knobs(bridge.parameters)
        self.scope = Scope()
        self.status = StatusLine()
        self.effects = EffectsPanel(bridge)
        self.drawer = Drawer()
        self.library = LibraryPanel(bridge, Library(), self.history)
        self.drawer.add(self.actions_["sounds"], self.library)
        self.map_page = MapPage(bridge, self.library.library, self.history)
        self.drawer.add(self.actions_["map"], self.map_page)
        self.blend_page = BlendPage(bridge, self.history)
        self.drawer.add(self.actions_["blend"], self.blend_page)
        self.drawer.add(self.actions_["effects"], self.effects)
        self.sequence_page = SequencePage(self.actions_, bridge, self.history)
        self.match_page = MatchSettingsPanel(bridge.parameters, self.actions_)
        self.drawer.add(self.actions_["matching"], self.match_page)
        self.drawer.add(self.actions_["sequence"], self.sequence_page)
        self.layers_page = LayersPage(self.actions_)
        self.drawer.add(self.actions_["layers"], self.layers_page)
        self.match_commands = MatchCommands(
            self.actions_, bridge, self.history, self.match_page, self.knobs
        )
        self.follow_strip = FollowStrip(self.actions_)
        self.follow_commands = FollowCommands(
            self.actions_, bridge, self.history, self.follow_strip
        )
        self.auditions = AuditionCommands(self.actions_, bridge, self.match_page.hear)
        self.sounds = LibraryCommands(self.actions_, bridge, self.library, self.blend_page)
        self.match_files = MatchFiles(self, self.actions_, bridge, settings)
        self.layer_commands = LayerCommands(
            self.actions_, bridge, self.history, self.layers_page, self.knobs, settings
        )
        self.look = Look(self, self.actions_, bridge, settings)
        self.sheet = ShortcutSheet(self)
        self._lay_out()
        self.tour = Tour(self, self._tour_steps())
        self._fill_menus()
        self.links = ViewLinks(self)
        self._connect()
        self.setMinimumSize(1000, 680)
        self.resize(1280, 800)
        self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode()))
        self.drawer.turn_to(settings.page)
        if settings.axes is not None and set(settings.axes) <= set(bridge.parameters):
            self.pad.set_axes(settings.axes)
        self.pad.setFocus()
        self._on_parameters(bridge.values, "user")
        self._was_painted = False

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            # The panels are painted after their window: in the next turn all of it is on screen.
            QTimer.singleShot(0, self, self.painted.emit)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self.settings.gain = self.bridge.values.get("gain")
        self.settings.page = self.drawer.page
        self.settings.axes = self.pad.wanted_axes
        self.settings.share = min(max(self.divided.share, 0.2), 0.8)
        save_settings(self.settings)
        self.sessions.end()
        self.map_page.close_chart()
        self.library.close_down()
        self.bridge.close()
        self.closed.emit()
        event.accept()

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            event.acceptProposedAction()
            self._take_file(Path(files[0]))

    def _take_file(self, path: Path) -> None:
        """Take a dropped file: a match, a preset or a bank by its ending, else a sound."""
        match path.suffix.lower():
            case ".json":
                self.commands.open_preset(path)
            case match_files.ENDING:
                self.match_files.open(path)
            case ".zip":
                self.library.deeds.import_bank(path)
            case _:
                self.commands.load_target(path)

    def _lay_out(self) -> None:
        self.pad_frame = PadFrame(self.pad, self.bridge.parameters)
        right = QWidget()
        pictures = QVBoxLayout(right)
        pictures.setContentsMargins(0, 0, 0, 0)
        pictures.setSpacing(theme.GAP)
        pictures.addWidget(self.scalograms, 10)
        pictures.addWidget(self.scale_rate, 9)
        pictures.addWidget(Curves(self.loss, self.match), 6)
        middle = QHBoxLayout()
        middle.setSpacing(theme.GAP)
        middle.addWidget(self.drawer)
        self.divided = Divided(self.pad_frame, right, self.settings.share)
        middle.addWidget(self.divided, 1)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self.transport)
        layout.addWidget(self.follow_strip)
        layout.addLayout(middle, 1)
        layout.addLayout(_row(self.knobs, self.scope, stretch=(0, 1)))
        layout.addWidget(self.sound_commands.question)
        layout.addWidget(self.status)
        self.setCentralWidget(body)

    def _fill_menus(self) -> None:
        menus = {title: self.menuBar().addMenu(title) for title in dict.fromkeys(_MENUS)}
        for spec in ACTIONS:
            if spec.id in ("quit", "flip"):
                menus[spec.menu].addSeparator()
            menus[spec.menu].addAction(self.actions_[spec.id])
            if spec.id == "record":
                menus[spec.menu].addMenu(self.sessions.recent)
                menus[spec.menu].addMenu(self.sessions.takes)

    def _connect(self) -> None:
        bridge = self.bridge
        for hand in (self.pad, *self.knobs.all()):
            self._connect_hand(hand)
        self.library.chosen.connect(self.pad.setFocus)
        self.effects.knob_made.connect(self._connect_hand)
        self.effects.asked.connect(self.history.change_rack)
        bridge.instrument_changed.connect(self._on_instrument)
        bridge.parameters_changed.connect(self._on_parameters)
        bridge.target_loaded.connect(self._on_target)
        bridge.target_analysed.connect(self.scalograms.set_target)
        bridge.target_analysed.connect(self.scale_rate.set_target)
        bridge.sound_analysed.connect(self.scalograms.set_sound)
        bridge.sound_analysed.connect(self.scale_rate.set_sound)
        for view in (self.loss, self.match):
            bridge.match_started.connect(view.start)
            bridge.match_progress.connect(view.add)
            bridge.match_ended.connect(view.end)
        bridge.match_started.connect(self.pad.start_trajectory)
        bridge.match_progress.connect(self.pad.add_step)
        bridge.match_judged.connect(self.match.judge)
        bridge.match_judged.connect(self.match_page.judge)
        bridge.transport.connect(self.status.show_transport)
        bridge.recording.connect(self.transport.show_recording)
        bridge.capture.connect(self.transport.show_capture)
        bridge.message.connect(self.status.show_message)
        self.status.reset_asked.connect(bridge.reset_meters)
        bridge.tick.connect(self._on_tick)
        self.actions_["shortcuts"].triggered.connect(self._toggle_sheet)
        self.actions_["tour"].triggered.connect(self.tour.start)
        self.tour.ended.connect(self._end_tour)

    def _connect_hand(self, hand: Pad | Knob) -> None:
        hand.gesture_began.connect(self.history.begin)
        hand.edited.connect(self.history.change)
        hand.gesture_ended.connect(self.history.end)
        hand.nudged.connect(self.history.nudge)
        hand.set_at_once.connect(self.history.set_at_once)
        if isinstance(hand, Knob):
            hand.refused.connect(lambda text: self.bridge.say(text, "error"))
            hand.learn_asked.connect(self.bridge.learn)
            hand.forget_asked.connect(self.bridge.forget_controller)
            hand.pin_asked.connect(self.match_commands.pin)

    def _on_instrument(self) -> None:
        table = self.bridge.instrument_parameters
        self.pad.set_table(table)
        self.pad_frame.set_table(table)
        for knob in self.knobs.set_table(table):
            self._connect_hand(knob)
        self.match_commands.show_settings()

    def _on_parameters(self, values: dict[str, float], _source: str) -> None:
        self.pad.set_values(values)
        self.knobs.set_values(values)
        whole, notes = _in_words(self.bridge.instrument_parameters, values)
        self.pad_frame.note.say(whole, notes, "")

    def _on_target(self, target: TargetLoaded) -> None:
        self.scalograms.set_target_name(target.name)

    def _on_tick(self) -> None:
        status = self.bridge.audio_status()
        rate = float(status.sample_rate) if status and status.sample_rate else 48000.0
        samples = self.bridge.scope(int(SECONDS * rate))
        self.scope.show_samples(samples, rate)
        self.links.show_playhead(samples, rate)
        self.status.show_audio(status)

    def _tour_steps(self) -> list[tuple[QWidget, str, str]]:
        return [
            (self.pad_frame, "The pad", "Drag the point: it plays. From left to right notes follow "
             "faster, from bottom to top they climb faster. D turns them round."),
            (self.transport, "A target", "Load a sound, drop one on the window, or record one. "
             "M looks for the arpeggio that sounds like it, and F lets it be heard on the way."),
            (self.scalograms, "Two sounds at a glance", "The target, what plays now, and their "
             "difference: low to high from bottom to top, time from left to right."),
            (self.drawer, "The drawer", "F2 has the sounds, F3 the effects, F4 how a match is "
             "made and what it found. The same key closes it."),
            (self.knobs, "The knobs", "Drag, turn the wheel, or click a value and type. Shift is "
             "fine, a double click the default, a right click MIDI. Ctrl+Z undoes; F1 has all."),
        ]  # fmt: skip

    def _end_tour(self) -> None:
        self.settings.toured = True
        self.pad.setFocus()

    def _toggle_sheet(self) -> None:
        self.sheet.setVisible(not self.sheet.isVisible())


_MENUS = [spec.menu for spec in ACTIONS]


def _in_words(table: ParameterTable, values: dict[str, float]) -> tuple[str, str]:
    """Where the sound stands on the pad, long and short; "" for one without such parameters."""
    if not {"f_m", "gamma", "w"} <= set(table):
        return "", ""
    notes = values["f_m"] * values["w"] / abs(values["gamma"])
    way = "rising" if values["gamma"] > 0 else "falling"
    texts = [table[id_].text(values[id_]) for id_ in ("f_m", "gamma")]
    count = f"{notes:.3g} notes {way}"
    return f"{' · '.join(texts)} · {count}", count


def _row(left: QWidget, right: QWidget, stretch: tuple[int, int]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.GAP)
    row.addWidget(left, stretch[0])
    row.addWidget(right, stretch[1])
    return row
