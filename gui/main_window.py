"""Main window: panels and views around one session."""

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from mesosynth.instruments.chirplet import sweep_seconds
from mesosynth.instruments.layers import LAYER_IDS
from mesosynth.matching.results import MatchSettings
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.presets.library import Library
from mesosynth.session import Session

from . import theme
from .actions import MENUS, Actions
from .desk import Desk
from .dialogs import Tour
from .docks import DockArea, Layouts
from .files import Files
from .pages.effects import EffectsPage
from .pages.layers import LayersPage
from .pages.library import LibraryPage
from .pages.match import MatchPage
from .pages.setup import SetupPage
from .sessions import Sessions
from .settings import Layout, Settings, save_settings
from .sound import Piano, SoundControl
from .stage import LETTERS, Stage
from .undo import Comparisons, History
from .widgets.drawer import Drawer
from .widgets.keyboard import PianoKeyboard
from .widgets.knob import Knob, Knobs
from .widgets.match_panel import AuditionButtons, MatchPanel
from .widgets.status_line import StatusLine
from .widgets.tracking_strip import TrackingStrip
from .widgets.transport import Corner, Transport

if TYPE_CHECKING:
    from .help import Help
    from .pad.pad import Pad

VIEWS = {
    "pad": "Pad", "blend": "Blend", "map": "Map", "scalograms": "Scalogram",
    "scale_rate": "Scale × rate", "loss": "Loss", "match": "Match", "sequence": "Sequence",
    "resynthesis": "Resynthesis", "output": "Output", "keyboard": "Keyboard",
}  # fmt: skip
"""Titles of the docks, by id."""


class MainWindow(QMainWindow):
    """The desk.

    Parameters
    ----------
    desk : Desk
    settings : Settings
        Changed as the user chooses, saved when the window closes.

    Signals
    -------
    painted, ready
        Once, with the first picture on screen, and then with all views.
    closed
    """

    painted = Signal()
    ready = Signal()
    closed = Signal()

    def __init__(self, desk: Desk, settings: Settings) -> None:
        super().__init__()
        self.setWindowTitle("mesosynth")
        self.setAcceptDrops(True)
        self.desk, self.settings = desk, settings
        self._table = table = desk.table
        self._was_painted = self.built = False
        self.ready.connect(self.build)
        self.history = History(desk)
        self.comparisons = Comparisons(desk, self.history)
        self.actions_ = actions = Actions(self)
        self.look = theme.Look(self, settings, desk.say)
        self.piano = Piano(self, desk)
        self.sound = SoundControl(self, desk)
        self.transport = Transport(actions)
        self.beside_menus = Corner(actions)
        self.tracking_strip = TrackingStrip(actions, desk, self.history)
        self.match = MatchPanel(table, AuditionButtons(desk, self.history), actions["apply"])
        self.knobs = Knobs(table)
        self.status = StatusLine()
        self.library = LibraryPage(desk, Library(), self.history, settings)
        self.effects = EffectsPage(desk, self.history)
        self.match_page = MatchPage(actions, desk, self.history, settings)
        self.layers_page = LayersPage(actions, desk, self.history, settings, self.library.library)
        self.setup_page = SetupPage(desk, self.sound.devices)
        self.drawer = Drawer()
        for id_, page in {
            "sounds": self.library,
            "effects": self.effects,
            "matching": self.match_page,
            "layers": self.layers_page,
            "device": self.setup_page,
        }.items():
            self.drawer.add(actions[id_], page)
        for id_ in ("map", "blend", "sequence", "resynthesis"):
            self.drawer.add_button(actions[id_])
        self.sessions = Sessions(desk, self.history, self.comparisons)
        self.files = Files(
            self, desk, settings, self.library.edits.import_bank, self.sessions.open,
            lambda name: self.library.library.marks.takes.get(name, ()),
        )  # fmt: skip
        self._lay_out()
        self.tour = Tour(self, self._tour_steps())
        self._fill_menus()
        self._connect()
        self.setMinimumSize(1000, 680)
        self.look.begin()
        self.resize(1280, 800)
        self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode()))
        self.layouts.begin()
        self._show_values(desk.values)

    def build(self) -> None:
        """Make the views, unless they are there.

        pyqtgraph takes 0.3 s to import: the window is on screen before.
        """
        if self.built:
            return
        from .pad.pad import Pad, PadFrame
        from .pages.blend import BlendPage
        from .pages.map import MapPage
        from .pages.resynthesis import ResynthesisPage
        from .pages.sequence import SequencePage
        from .plots.links import ViewLinks
        from .plots.loss_curve import LossCurve
        from .plots.scale_rate import ScaleRatePlot
        from .plots.scalogram import Scalograms
        from .plots.scope import Scope

        desk, table, settings = self.desk, self._table, self.settings
        self.pad = Pad(table)
        self.pad_frame = PadFrame(self.pad, table)
        self.scalograms, self.scale_rate = Scalograms(), ScaleRatePlot(table)
        self.loss, self.scope, self.keyboard = LossCurve(table), Scope(), PianoKeyboard(desk)
        self.map_page = MapPage(desk, self.library.library, self.history)
        self.blend_page = BlendPage(desk, self.history)
        self.sequence_page = SequencePage(self.actions_, desk, self.history, settings)
        self.resynthesis_page = ResynthesisPage(self.actions_, desk, self.history, settings)
        views = (
            self.pad_frame, self.blend_page, self.map_page, self.scalograms, self.scale_rate,
            self.loss, self.match, self.sequence_page, self.resynthesis_page, self.scope,
            self.keyboard,
        )  # fmt: skip
        for id_, view in zip(VIEWS, views, strict=True):
            self.docks[id_].fill(view)
        self.links = ViewLinks(self)
        self.built = True
        if settings.axes is not None:
            self.pad.set_axes(settings.axes)
        self._connect_hand(self.pad)
        self.library.cornered.connect(self.blend_page.keep)
        self.knobs.pages.turned.connect(self.pad.show_layer)
        self.actions_.watch(
            desk.asked, self.comparisons.changed, self.drawer.turned, self.scope.spectrum_shown,
            self.docks.changed,
        )  # fmt: skip
        self.history.changed.connect(self.actions_.refresh)  # at once: Ctrl+Z may come next
        self.layouts.begin()
        self.pad.setFocus()
        self._show_values(desk.values)
        self.actions_.refresh()

    @cached_property
    def help(self) -> "Help":
        """The window of help, made when it is first needed."""
        from .help import Help

        return Help(self, self.actions_)

    @property
    def session(self) -> Session:
        """The session of the desk."""
        return self.desk.session

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            # The panels are painted after their window: in the next turn all of it is on screen.
            QTimer.singleShot(0, self, self.painted.emit)
            QTimer.singleShot(0, self, self.ready.emit)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self.sound.end_fade()
        self.settings.gain = self.desk.values.get("gain")
        if self.built:
            self.settings.axes = self.pad.wanted_axes
            self.map_page.close_chart()
        if self.stage.isHidden():
            self.layouts.keep()
        trouble = save_settings(self.settings)
        if trouble:  # the status line goes with the window
            print(f"mesosynth: {trouble}", file=sys.stderr)
        self.sessions.end()
        self.library.close_down()
        self.desk.close()
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
            self.files.take(Path(files[0]))

    def _lay_out(self) -> None:
        self.docks = DockArea()
        for id_, title in VIEWS.items():
            self.docks.add(id_, title)
        self.layouts = Layouts(self.docks, self.settings, self._layout, self._show_layout)
        middle = QHBoxLayout()
        middle.setSpacing(theme.GAP)
        middle.addWidget(self.drawer)
        middle.addWidget(self.docks, 1)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        layout.setSpacing(theme.GAP)
        if sys.platform == "darwin":  # whose menus are not in the window
            layout.addWidget(self.beside_menus)
        else:
            self.menuBar().setCornerWidget(self.beside_menus)
        layout.addWidget(self.transport)
        layout.addWidget(self.tracking_strip)
        self.stage = Stage(self.desk, self.library)
        layout.addWidget(self.stage)
        layout.addLayout(middle, 1)
        layout.addWidget(self.knobs)
        layout.addWidget(self.sound.question)
        layout.addWidget(self.status)
        body.setMinimumSize(1000, 640)
        whole = QScrollArea(widgetResizable=True)  # at sizes that its screen has no room for
        whole.setWidget(body)
        whole.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for ground in (body, whole.viewport()):
            ground.setAutoFillBackground(False)
        self.setCentralWidget(whole)

    def _layout(self) -> Layout:
        return Layout(page=self.drawer.page, knobs=self.knobs.isVisibleTo(self))

    def _show_layout(self, layout: Layout) -> None:
        self.drawer.turn_to(layout.page)
        self.knobs.setVisible(layout.knobs)

    def toggle_stage(self) -> None:
        """Show what a stage needs: the pad, blend or map, with large letters over it; or all."""
        on, front = self.stage.isHidden(), "pad"
        if on:
            self.layouts.keep()
            front = next((id_ for id_ in ("map", "blend") if self.docks.front(id_)), "pad")
        for widget in (self.menuBar(), self.transport, self.drawer, self.knobs, self.status):
            widget.setHidden(on)
        self.stage.setHidden(not on)
        for plot in (self.pad, self.map_page.map, self.blend_page.square):
            plot.set_letters(LETTERS if on else 1.0)
        if on:
            self.docks.open(front)
            self.docks.toggle_full(front)
        else:
            self.layouts.use(self.layouts.name, keep=False)

    def toggle_full_screen(self) -> None:
        """Take the whole screen, or give it back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def ask_layout_name(self) -> None:
        """Let the present layout be kept under a name."""
        dialog = QInputDialog(self)
        dialog.setWindowTitle("Save layout")
        dialog.setLabelText("Name of the layout")
        dialog.textValueSelected.connect(lambda name: name.strip() and self._keep_layout(name))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _keep_layout(self, name: str) -> None:
        name = name.strip()
        self.layouts.save_as(name)
        self.desk.say(f"The layout is kept as {name}; the View menu has it.")

    def _fill_layouts(self) -> None:
        self._own_layouts.clear()
        for name in self.layouts.own:
            each = self._own_layouts.addMenu(name)
            each.addAction("Show", lambda name=name: self.layouts.use(name))
            each.addAction("Remove", lambda name=name: self.layouts.remove(name))
        self._own_layouts.setEnabled(bool(self.layouts.own))

    def _fill_menus(self) -> None:
        menus = {title: self.menuBar().addMenu(title) for title in MENUS}
        for menu in menus.values():
            menu.aboutToShow.connect(self.actions_.refresh)
        for action in self.actions_:
            menu = menus[action.menu_title]
            if action.id in ("quit", "flip", "view_pad", "layout_play", "full_size", "bigger"):
                menu.addSeparator()
            menu.addAction(action)
            self.addAction(action)  # keys work without the menus, too
            if action.id == "record":
                menu.addMenu(self.files.recent)
                menu.addMenu(self.files.takes)
            if action.id == "keep_layout":
                self._own_layouts = menu.addMenu("Own layouts")
                menu.aboutToShow.connect(self._fill_layouts)

    def _connect(self) -> None:
        desk = self.desk
        for hand in self.knobs.all():
            self._connect_hand(hand)
        self.knobs.pages.turned.connect(self._show_own_knobs)
        self.knobs.own_changed.connect(self._shape_layer)
        self.knobs.refused.connect(lambda text: self.desk.say(text, "error"))
        self.library.chosen.connect(lambda: self.pad.setFocus())
        self.docks.explain_asked.connect(lambda title: self.help.explain(title))
        self.effects.knob_made.connect(self._connect_hand)
        self.match_page.settings_shown.connect(self._show_pins)
        self.layers_page.chosen.connect(lambda place: self.knobs.pages.turn_to(place + 1))
        self.status.reset_asked.connect(
            lambda: desk.ask(lambda session: session.device.reset_meters())
        )
        self.tour.ended.connect(self._end_tour)
        desk.said.connect(self.status.show_message)
        desk.tick.connect(self._on_tick)
        desk.attached.connect(self._attach)

    def _attach(self, session: Session) -> None:
        """Show what the parts of the session tell."""
        self.links.attach(session)
        sound, match, capture = session.sound, session.match, session.capture
        match.follow = self.settings.follow
        self.actions_.watch(
            sound.playing_changed, session.rack.changed, session.target.loaded,
            match.started, match.stepped, match.ended, match.paused, match.resumed,
            match.forgotten, match.follow_changed, session.layers.started, session.layers.ended,
            session.layers.changed, capture.take_changed, capture.changed,
            session.tracking.changed, session.sequence.changed, session.sequence.moved,
            session.comparison.changed, session.resynthesis.changed,
        )  # fmt: skip
        session.rack.changed.connect(self._look_at_table)
        session.rack.changed.connect(self._show_own_knobs)
        session.device.changed.connect(self.status.show_device)
        session.target.loaded.connect(self.transport.show_target)
        sound.changed.connect(self._on_parameters)
        match.follow_changed.connect(self._on_follow)
        match.started.connect(self.pad.start_trajectory)
        match.stepped.connect(self.pad.add_step)
        session.layers.started.connect(self.loss.start)
        session.layers.stepped.connect(self.loss.add_layers)
        match.judged.connect(self.match.judge)
        match.guessed.connect(self.match.show_guess)
        for forget in (self.pad.start_trajectory, self.loss.start, self.match.forget):
            match.forgotten.connect(forget)
        capture.take_changed.connect(self.transport.show_recording)
        capture.changed.connect(self.transport.show_capture)
        for pictures in (self.scalograms, self.scale_rate):
            session.target.analysed.connect(pictures.set_target)
            sound.analysed.connect(pictures.set_sound)
        for view in (self.loss, self.match):
            match.started.connect(view.start)
            match.stepped.connect(view.add)
            match.ended.connect(view.end)
        self._on_parameters(sound.values)
        self.actions_.refresh()

    def _connect_hand(self, hand: "Pad | Knob") -> None:
        hand.gesture_began.connect(self.history.begin)
        hand.edited.connect(self.history.change)
        hand.gesture_ended.connect(self.history.end)
        hand.nudged.connect(self.history.nudge)
        hand.set_at_once.connect(self.history.set_at_once)
        if isinstance(hand, Knob):
            hand.refused.connect(lambda text: self.desk.say(text, "error"))
            ask = self.desk.ask
            hand.learn_asked.connect(lambda id_: ask(lambda session: session.keys.learn(id_)))
            hand.forget_asked.connect(lambda id_: ask(lambda session: session.keys.forget(id_)))
            hand.pin_asked.connect(self.match_page.pin)
            hand.modulate_asked.connect(self.effects.modulate)

    def _on_follow(self, follow: bool) -> None:
        self.settings.follow = follow

    def _show_pins(self, settings: MatchSettings) -> None:
        for knob in self.knobs.all():
            knob.pin(knob.parameter.matchable and knob.id not in settings.unknowns)

    def _look_at_table(self) -> None:
        """Show the parameters of the instrument, if it is another one."""
        table = self.desk.table
        if list(table.values()) == list(self._table.values()):
            return
        self._table = table
        for view in (self.pad, self.pad_frame, self.loss, self.scale_rate):
            view.set_table(table)
        for knob in self.knobs.set_table(table):
            self._connect_hand(knob)
        self.match_page.show_settings()

    def _show_own_knobs(self) -> None:
        """Show the knobs of the instrument that the layer on show is."""
        page, idle, own = self.knobs.pages.page, list[str](), dict[str, float]()
        table = self._table
        if page:
            voice = self.session.layers.voice(page - 1)
            table, own = voice.instrument.parameters, voice.own_values
            idle = [f"{id_}_{page}" for id_ in LAYER_IDS if id_ not in voice.heard]
        self.knobs.show_own(idle, table, own)

    def _shape_layer(self, values: dict[str, float], text: str) -> None:
        page = self.knobs.pages.page
        self.history.step(
            f"{text} of layer {page}", lambda session: session.layers.shape(page - 1, values)
        )

    def _on_parameters(self, values: dict[str, float]) -> None:
        if values.keys() == self.desk.values.keys():  # else of another rack, which is gone
            self._look_at_table()
            self._show_values(values)

    def _show_values(self, values: dict[str, float]) -> None:
        self.knobs.set_values(values)
        self._show_modulations()
        if self.built:
            self.pad.set_values(values)
            self.pad_frame.note.say(*_in_words(self._table, values), "")

    def _show_modulations(self) -> None:
        """Show on each knob what moves it."""
        session = self.desk.session
        slots, moved = session.rack.modulations, dict[str, list[tuple[str, int, float]]]()
        for n, slot in enumerate(slots, 1):
            if not slot.free:
                moved.setdefault(slot.target, []).append((slot.source, n, slot.depth))
        for knob in (*self.knobs.all(), *self.effects.knobs):
            knob.set_modulations(moved.get(knob.id, []))
        self.effects.show_modulations(slots, session.sound.parameters)

    def _on_tick(self) -> None:
        session = self.desk.session
        status = session.device.status()
        rate = float(status.sample_rate) if status and status.sample_rate else 48000.0
        samples = session.device.scope(int(self.scope.seconds * rate))
        self.scope.show_samples(samples, rate)
        self.links.show_playhead(samples, rate)
        self.status.show_audio(status)
        self.setup_page.show_audio(status)
        self.stage.show_audio(status)

    def _tour_steps(self) -> list[tuple[QWidget, str, str]]:
        return [
            (self.docks["pad"], "The pad", "Drag the point: it plays. From left to right notes "
             "follow faster, from bottom to top they climb faster. D turns them round."),
            (self.transport, "A target", "Open a sound, drop one on the window, or record one. "
             "M looks for the arpeggio that sounds like it, and F lets it be heard on the way."),
            (self.docks["scalograms"], "Two sounds at a glance", "The target, what plays now, "
             "and their difference: low to high from bottom to top, time from left to right."),
            (self.drawer, "The drawer", "F2 has the sounds, F3 the effects, F4 how a match is "
             "made and what it found. The same key closes it."),
            (self.knobs, "The knobs", "Drag, turn the wheel, or click a value and type. Shift is "
             "fine, a double click the default, a right click MIDI. Ctrl+Z undoes; F1 has all."),
        ]  # fmt: skip

    def _end_tour(self) -> None:
        self.settings.toured = True
        self.pad.setFocus()


def _in_words(table: ParameterTable, values: dict[str, float]) -> tuple[str, str]:
    """Position of the sound on the pad, long and short; "" for a sound without such parameters."""
    if not {"f_m", "gamma", "w"} <= set(table):
        return "", ""
    notes = values["f_m"] * sweep_seconds(values["w"], values["gamma"])
    gamma = values["gamma"]
    way = "rising" if gamma > 0 else "falling" if gamma else "standing"
    texts = [table[id_].text(values[id_]) for id_ in ("f_m", "gamma")]
    count = f"{notes:.3g} notes {way}"
    return f"{' · '.join(texts)} · {count}", count
