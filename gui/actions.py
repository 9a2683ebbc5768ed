"""Actions: everything that can be done on the desk, as menus, buttons and shortcuts show it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QToolButton

from mesosynth.session import Session

from . import theme
from .files import DEMO, MATCHES, PRESETS, RECORDINGS, SESSIONS, SOUNDS
from .undo import SLOTS

if TYPE_CHECKING:
    from .main_window import MainWindow

MENUS = ("File", "Edit", "Sound", "Match", "Snapshots", "Library", "View", "Help")
"""Titles of the menus, from left to right."""

_NATIVE = QKeySequence.SequenceFormat.NativeText
ACROSS, DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
_STRETCH = 24  # px
_BESIDE_ICON = Qt.ToolButtonStyle.ToolButtonTextBesideIcon


class Action(QAction):
    """One action: what it is called, what it does, and when it can.

    Parameters
    ----------
    id_ : str
        Its name in the code, for example "save_preset".
    menu : str
        One of :data:`MENUS`.
    text, label : str
        What the menu says, and what buttons say.
    keys : str
        The shortcut, portable ("Ctrl+O"; Ctrl is the command key on a Mac).
    icon : str
        A name of Phosphor's icons in qtawesome.
    description : str
        One sentence for the tooltip.
    do : callable
        Called when the action is triggered.
    enabled : callable, optional
        Whether the action can act now; without it, it always can.
    checked : callable, optional
        Whether the action is ticked now; without it, it has no tick.
    text_now, label_now : callable, optional
        Text and label where they change with the state.
    repeats : bool
        Whether a held key repeats it.
    """

    def __init__(
        self,
        id_: str,
        menu: str,
        text: str,
        label: str,
        keys: str,
        icon: str,
        description: str,
        do: Callable[[], object],
        *,
        enabled: Callable[[], bool] | None = None,
        checked: Callable[[], bool] | None = None,
        text_now: Callable[[], str] | None = None,
        label_now: Callable[[], str] | None = None,
        repeats: bool = False,
    ) -> None:
        super().__init__(text)
        self.id, self.menu_title, self.keys, self.title = id_, menu, keys, text.rstrip("…")
        self._do, self._enabled, self._checked = do, enabled, checked
        self._text_now, self._label_now = text_now, label_now
        self.setObjectName(id_)
        self.setIconText(label)
        self.setCheckable(checked is not None)
        self.setShortcut(QKeySequence(keys))
        self.setAutoRepeat(repeats)
        self.setToolTip(f"{description}  ({self.native_keys})")
        self.setStatusTip("")
        theme.dress(self, icon)
        self.setIconVisibleInMenu(False)
        self.triggered.connect(self._act)

    @property
    def native_keys(self) -> str:
        """The shortcut as this system writes it."""
        return self.shortcut().toString(_NATIVE)

    def button(
        self, style: Qt.ToolButtonStyle = _BESIDE_ICON, kind: str = "small", name: str = ""
    ) -> QToolButton:
        """Return a button of the action.

        Parameters
        ----------
        style : Qt.ToolButtonStyle
        kind : str
            What the style sheet goes by.
        name : str
            What screen readers call it, by default its label.
        """
        button = QToolButton()
        button.setObjectName(kind)
        button.setDefaultAction(self)
        button.setToolButtonStyle(style)
        # Space plays; a button that took the focus on a click would swallow it.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.name(button, name or self.iconText(), self.toolTip())
        return button

    def refresh(self) -> None:
        """Look anew whether the action can act, whether it is ticked, and what it is called."""
        if self._enabled is not None:
            self.setEnabled(self._enabled())
        if self._checked is not None:
            self.setChecked(self._checked())
        if self._text_now is not None:
            self.setText(self._text_now())
        if self._label_now is not None:
            self.setIconText(self._label_now())

    def _act(self) -> None:
        self._do()


class _Signal(Protocol):
    def connect(self, slot: Callable[[], object], /) -> object: ...


class Actions(QObject):
    """All actions of a window by id; they look anew after everything that can change them.

    An action that was triggered looks anew at once, and so do all others; after the signals given
    to :meth:`watch` they do so once, in the next turn of the event loop.

    Parameters
    ----------
    window : MainWindow
        What the actions act on; its parts need not be there before the first refresh.
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._by_id = {action.id: action for action in _all_actions(window)}
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.refresh)
        for action in self:
            action.setParent(self)
            action.triggered.connect(self.refresh)

    def __getitem__(self, id_: str) -> Action:
        return self._by_id[id_]

    def __iter__(self) -> Iterator[Action]:
        return iter(self._by_id.values())

    def watch(self, *signals: _Signal) -> None:
        """Look anew after each of these signals."""
        for signal in signals:
            signal.connect(self.refresh_soon)

    def refresh_soon(self) -> None:
        """Look anew in the next turn of the event loop, once for all calls until then."""
        if not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        """Look anew now."""
        self._soon.stop()
        for action in self:
            action.refresh()


# fmt: off
def _all_actions(w: "MainWindow") -> list[Action]:
    """Define every action, in the order of the menus.

    The window's parts are looked up when an action acts, because pages and toolbars, which are made
    later, show actions themselves.
    """
    desk = w.desk

    def asks(request: Callable[[Session], object]) -> Callable[[], object]:
        return lambda: desk.ask(request)

    def when(test: Callable[[Session], bool]) -> Callable[[], bool]:
        return lambda: desk.session.started and test(desk.session)

    ready = when(lambda s: True)
    has_target = when(lambda s: s.target.sound is not None)
    follows = when(lambda s: s.match.follow)

    files = [
        Action("load", "File", "Open sound…", "Open sound", "Ctrl+O", "ph.folder-open",
               "Open the sound to match; dropping a file on the window does the same.",
               lambda: w.files.ask("Open sound", SOUNDS, w.files.load_target),
               enabled=ready),
        Action("demo", "File", "Open the demo sound", "Demo", "Ctrl+Shift+T", "ph.bird",
               "Make the demo the target: an arpeggio that the desk finds in some seconds.",
               lambda: w.files.load_target(DEMO), enabled=ready),
        Action("record", "File", "Record input", "Record input", "R", "ph.microphone",
               "Record the sound to match from the input; press again to end.",
               asks(lambda s: s.capture.stop_take() if s.capture.recording
                    else s.capture.start_take()),
               enabled=ready, checked=lambda: w.transport.recording),
        Action("open_preset", "File", "Open preset…", "Open preset", "Ctrl+P", "ph.file-arrow-up",
               "Set all parameters from a preset.",
               lambda: w.files.ask("Open preset", PRESETS, w.files.open_preset), enabled=ready),
        Action("save_preset", "File", "Save preset…", "Save preset", "Ctrl+S", "ph.floppy-disk",
               "Save all parameters as a preset.",
               lambda: w.files.ask_where("Save preset", PRESETS, w.files.save_preset),
               enabled=ready),
        Action("open_session", "File", "Open session…", "Open session", "Ctrl+Shift+O",
               "ph.folder",
               "Go on from a session's file: sound, target, match settings and snapshots.",
               lambda: w.files.ask("Open session", SESSIONS, w.files.open_session)),
        Action("save_session", "File", "Save session…", "Save session", "Ctrl+Shift+S",
               "ph.floppy-disk", "Save everything on the desk to a file.",
               lambda: w.files.ask_where("Save session", SESSIONS, w.files.save_session)),
        Action("export", "File", "Save view…", "Save view", "Ctrl+E", "ph.image",
               "Save the view under the mouse as a picture (PNG), a drawing (SVG) or numbers "
               "(CSV).",
               lambda: w.links.exporter.ask_in_hand()),
        Action("quit", "File", "Quit", "Quit", "Ctrl+Q", "ph.sign-out", "Close the desk.",
               lambda: w.close()),
    ]

    stack = w.history.stack
    edit = [
        Action("undo", "Edit", "Undo", "Undo", "Ctrl+Z", "ph.arrow-counter-clockwise",
               "Take the last move of the parameters back.",
               lambda: w.history.undo(), enabled=stack.canUndo, repeats=True,
               text_now=lambda: f"Undo {stack.undoText()}".strip()),
        Action("redo", "Edit", "Redo", "Redo", "Ctrl+Shift+Z", "ph.arrow-clockwise",
               "Do again what was taken back.",
               lambda: w.history.redo(), enabled=stack.canRedo, repeats=True,
               text_now=lambda: f"Redo {stack.redoText()}".strip()),
        Action("flip", "Edit", "Flip direction", "Flip", "D", "ph.arrows-down-up",
               "Turn rising arpeggios into falling ones and back.",
               lambda: w.history.set_at_once({"gamma": -desk.values["gamma"]},
                                             "flip of direction"),
               enabled=when(lambda s: "gamma" in s.sound.values)),
        Action("compare", "Edit", "Change between A and B", "A | B", "C", "ph.git-diff",
               "Change over to the other of two sounds, to compare them.",
               lambda: w.comparisons.compare(), enabled=ready,
               label_now=lambda: "[A]  B" if w.comparisons.side == "A" else "A  [B]"),
    ]

    sound = [
        Action("play", "Sound", "Play", "Play", "Space", "ph.play",
               "Play the arpeggio, or stop it.",
               lambda: w.sound.play_or_stop(), enabled=ready,
               checked=when(lambda s: s.sound.playing)),
        Action("piano", "Sound", "Computer keyboard plays notes", "Keys", "Ctrl+K",
               "ph.music-notes",
               "Let the A row of the keyboard play notes; Z and X change the octave.",
               lambda: w.piano.toggle(), checked=lambda: w.piano.on),
        Action("tap_tempo", "Sound", "Tap the tempo", "Tap", "N", "ph.hand-pointing",
               "Press it in time, twice or more often, to set the tempo.",
               lambda: w.desk.ask(lambda session: session.keys.tap()), enabled=ready),
        Action("panic", "Sound", "Panic: silence everything", "Panic", "Shift+Esc", "ph.hand-palm",
               "Silence everything at once and forget all notes; press again to go on. Esc twice "
               "does it too.",
               lambda: w.sound.panic(), checked=lambda: w.sound.silenced),
        Action("capture", "Sound", "Record output…", "Record output", "Ctrl+R", "ph.record",
               "Write what is heard to a WAV or FLAC file; press again to end.",
               lambda: w.files.stop_capture() if w.transport.capturing else w.files.ask_where(
                   "Record output", RECORDINGS, w.files.start_capture, "recording"),
               checked=lambda: w.transport.capturing),
        Action("save_last", "Sound", "Save the last ten minutes…", "Last minutes",
               "Ctrl+Shift+R", "ph.clock-counter-clockwise",
               "Write what was heard in the last ten minutes to a WAV or FLAC file.",
               lambda: w.files.ask_where("Save the last ten minutes", RECORDINGS,
                                         w.files.save_last, "last minutes")),
    ]

    match = [
        Action("sound_target", "Match", "This sound as the target", "Target", "Shift+T",
               "ph.target",
               "Make the sound that plays now the target; the pad marks where it lies.",
               asks(lambda s: s.target.render(s.presets.preset())), enabled=ready),
        Action("match", "Match", "Match", "Match", "M", "ph.crosshair",
               "Look for the parameters that sound like the target.",
               asks(lambda s: s.match.start()), enabled=has_target),
        Action("match_layers", "Match", "Match with layers", "Match", "L", "ph.stack",
               "Look for several arpeggios that together sound like the target.",
               lambda: w.layers_page.match(), enabled=has_target),
        Action("go_on_layers", "Match", "Go on with the layers", "Go on", "Shift+L",
               "ph.skip-forward",
               "Match on from the layers that play, and leave those alone that are pinned.",
               lambda: w.layers_page.match(go_on=True),
               enabled=when(lambda s: s.target.sound is not None and bool(s.layers.mixer.notes)
                            and not s.layers.running)),
        Action("apply_layers", "Match", "Apply the layers that were found", "Apply", "Shift+A",
               "ph.check", "Play the layers that the last match found.",
               lambda: w.layers_page.apply(), enabled=when(lambda s: s.layers.result is not None)),
        Action("pause_match", "Match", "Pause the match", "Pause", "P", "ph.pause",
               "Let the match stand still; press again to go on.",
               asks(lambda s: s.match.resume() if s.match.is_paused else s.match.pause()),
               enabled=when(lambda s: s.match.running), checked=when(lambda s: s.match.is_paused)),
        Action("stop_match", "Match", "Stop match", "Stop", "Shift+M", "ph.stop",
               "Stop the match and keep its best step.",
               asks(lambda s: s.match.stop()), enabled=when(lambda s: s.match.running)),
        Action("follow", "Match", "Follow match", "Follow match", "F", "ph.link",
               "Let the match drive the sound while it runs.",
               asks(lambda s: setattr(s.match, "follow", not s.match.follow)),
               enabled=ready, checked=follows),
        Action("follow_input", "Match", "Track input", "Track input", "I", "ph.ear",
               "Let what comes from the input drive the sound; press again to end.",
               lambda: w.tracking_strip.follow(), enabled=ready,
               checked=when(lambda s: s.tracking.running)),
        Action("freeze_following", "Match", "Freeze the tracking", "Freeze", "H",
               "ph.snowflake",
               "Hold the sound as it is while the input is tracked; press again to let it go on.",
               lambda: w.tracking_strip.freeze(), enabled=when(lambda s: s.tracking.running),
               checked=when(lambda s: s.tracking.frozen)),
        Action("apply", "Match", "Apply the match's result", "Apply", "A", "ph.check",
               "Play what the last match found, with the instrument that was matched.",
               lambda: w.match_page.apply(), enabled=when(lambda s: s.has_match)),
        Action("audition", "Match", "Hear target, match, both", "Hear", "T", "ph.ear",
               "Hear the target, then the match as loud as that, then both in step; then as "
               "before.",
               lambda: w.match.hear.go_on(), enabled=has_target,
               checked=when(lambda s: s.comparison.heard is not None),
               label_now=lambda: w.match.hear.label),
        Action("open_match", "Match", "Open match…", "Open match", "Ctrl+Shift+M", "ph.folder",
               "Take a match up from a file; press P to go on with one that had not ended.",
               lambda: w.files.ask("Open match", MATCHES, w.files.open_match), enabled=ready),
        Action("save_match", "Match", "Save match…", "Save match", "Ctrl+M", "ph.floppy-disk",
               "Write the match to a file as far as it came, to go on with it another day.",
               lambda: w.files.ask_where("Save match", MATCHES, w.files.save_match),
               enabled=lambda: w.match_page.has_steps),
        Action("match_sequence", "Match", "Match all of the target's file", "Match all",
               "Shift+F8", "ph.film-strip",
               "Match the target's whole file, window by window; again to stop it.",
               lambda: w.sequence_page.match_or_stop(),
               enabled=when(lambda s: s.sequence.running or s.target.path is not None),
               label_now=lambda: w.sequence_page.match_label),
        Action("play_sequence", "Match", "Play the sequence", "Play", "Shift+Space",
               "ph.play-circle",
               "Let what was found in the whole file move the parameters, in time.",
               lambda: w.sequence_page.play_or_stop(), enabled=lambda: w.sequence_page.found,
               checked=lambda: w.sequence_page.playing,
               label_now=lambda: "Stop" if w.sequence_page.playing else "Play"),
        Action("save_sequence", "Match", "Save sequence…", "Save sequence", "Ctrl+F8",
               "ph.floppy-disk",
               "Write theta over time as a table (CSV), as MIDI, or as sound (WAV).",
               lambda: w.sequence_page.ask_where(), enabled=lambda: w.sequence_page.found),
    ]

    def recall(slot: int) -> Action:
        return Action(
            f"recall_{slot + 1}", "Snapshots", f"Recall snapshot {slot + 1}", str(slot + 1),
            str(slot + 1), "ph.bookmark-simple", f"Go back to the sound of snapshot {slot + 1}.",
            lambda: w.comparisons.recall(slot),
            enabled=lambda: w.comparisons.slots[slot] is not None,
        )

    def store(slot: int) -> Action:
        return Action(
            f"store_{slot + 1}", "Snapshots", f"Keep as snapshot {slot + 1}", f"Keep {slot + 1}",
            f"Ctrl+{slot + 1}", "ph.bookmark-simple", f"Keep the sound as snapshot {slot + 1}.",
            lambda: w.comparisons.store(slot), enabled=ready,
        )

    snapshots = [*map(recall, range(SLOTS)), *map(store, range(SLOTS))]

    library = [
        Action("previous_sound", "Library", "Previous sound", "Previous", "Ctrl+Up", "ph.caret-up",
               "Play the sound above in the list.", lambda: w.library.step(-1), repeats=True),
        Action("next_sound", "Library", "Next sound", "Next", "Ctrl+Down", "ph.caret-down",
               "Play the sound below in the list.", lambda: w.library.step(1), repeats=True),
        Action("keep_sound", "Library", "Save to library…", "Save to library", "Ctrl+L",
               "ph.floppy-disk", "Save the sound to your library; none is overwritten.",
               lambda: (w.drawer.turn_to("sounds"), w.library.ask_to_save())),
        Action("overwrite_sound", "Library", "Overwrite with the present sound", "Overwrite",
               "Ctrl+Shift+L", "ph.pencil-line",
               "Let the chosen sound of your library be what is heard now.",
               lambda: w.library.with_current(w.library.overwrite)),
        Action("edit_sound", "Library", "Name and tags…", "Name and tags", "Ctrl+I", "ph.tag",
               "Change name, tags and comment of the chosen sound of yours.",
               lambda: w.library.with_current(
                   lambda entry: (w.drawer.turn_to("sounds"), w.library.ask_to_edit(entry)))),
        Action("remove_sound", "Library", "Remove from the library", "Remove", "Ctrl+Shift+D",
               "ph.trash", "Take the chosen sound of yours out of the library.",
               lambda: w.library.with_current(w.library.edits.remove)),
        Action("favourite", "Library", "Favourite", "Favourite", "Ctrl+B", "ph.star",
               "Make the chosen sound a favourite, or not; MIDI programs call favourites.",
               lambda: w.library.with_current(w.library.edits.turn_favourite)),
        Action("more_stars", "Library", "One star more", "Star", "Ctrl+.", "ph.star-half",
               "Rate the chosen sound a star higher.",
               lambda: w.library.with_current(lambda entry: w.library.edits.rate_by(entry, 1))),
        Action("fewer_stars", "Library", "One star less", "No star", "Ctrl+,", "ph.star-half",
               "Rate the chosen sound a star lower.",
               lambda: w.library.with_current(lambda entry: w.library.edits.rate_by(entry, -1))),
        Action("vary", "Library", "Vary by chance", "Vary", "V", "ph.dice-three",
               "Another sound around this one, as far as the page of blends says.",
               lambda: w.blend_page.vary_sound()),
        Action("import_bank", "Library", "Import a bank…", "Import", "Ctrl+Shift+I",
               "ph.download-simple", "Take the sounds of a zip file into your library.",
               lambda: w.library.ask_import()),
        Action("export_bank", "Library", "Export what is listed…", "Export", "Ctrl+Shift+E",
               "ph.upload-simple", "Write the sounds that are listed to a zip file.",
               lambda: w.library.ask_export()),
    ]

    def page(id_: str, text: str, label: str, keys: str, icon: str, description: str) -> Action:
        return Action(
            id_, "View", text, label, keys, icon, description, lambda: w.drawer.toggle(id_),
            checked=lambda: w.drawer.page == id_,
        )

    def picture(
        id_: str, text: str, label: str, keys: str, icon: str, description: str, dock: str = ""
    ) -> Action:
        return Action(
            id_, "View", text, label, keys, icon, description,
            lambda: w.docks.toggle(dock or id_), checked=lambda: w.docks.front(dock or id_),
        )

    def layout(name: str, keys: str, icon: str, description: str) -> Action:
        return Action(
            f"layout_{name.lower()}", "View", f"Layout: {name}", name, keys, icon, description,
            lambda: w.layouts.use(name), checked=lambda: w.layouts.name == name,
        )

    view = [
        page("sounds", "Sounds", "Sounds", "F2", "ph.books",
             "Open or close the library: search presets, hear them, save your own."),
        page("effects", "Effects", "Effects", "F3", "ph.sliders-horizontal",
             "Open or close the rack: the instrument and the effects that it goes through."),
        page("matching", "Match settings", "Match", "F4", "ph.crosshair",
             "Open or close what is looked for, how, and what was found."),
        page("layers", "Layers", "Layers", "F7", "ph.stack",
             "Open or close the layers: match with several arpeggios; mute, pin and order them."),
        page("device", "MIDI and audio", "Audio", "Ctrl+D", "ph.speaker-high",
             "Open or close the page of sound device, MIDI ports and controllers."),
        picture("view_pad", "Pad", "Pad", "Alt+1", "ph.crosshair-simple",
                "Show or hide the pad.", "pad"),
        picture("map", "Map of sounds", "Map", "F5", "ph.map-trifold",
                "Show or hide the map of the library: sounds that are alike lie together."),
        picture("blend", "Blend of four sounds", "Blend", "F6", "ph.squares-four",
                "Show or hide the square of four sounds to move between, and chance around one."),
        picture("view_scalograms", "Scalograms", "Scalograms", "Alt+2", "ph.waves",
                "Show or hide the scalograms of target, sound and difference.", "scalograms"),
        picture("view_scale_rate", "JTFS: scale × rate", "Scale × rate", "Alt+3",
                "ph.grid-four", "Show or hide the scattering of target, sound and difference.",
                "scale_rate"),
        picture("view_loss", "Loss", "Loss", "Alt+4", "ph.trend-down",
                "Show or hide the loss of the match, step by step.", "loss"),
        picture("view_match", "Match: what was found", "Found", "Alt+5", "ph.list-numbers",
                "Show or hide the parameters that the match found.", "match"),
        picture("view_output", "Output", "Output", "Alt+6", "ph.activity",
                "Show or hide the waveform or the spectrum of the output.", "output"),
        picture("sequence", "Sequence of a long sound", "Sequence", "F8", "ph.film-strip",
                "Show or hide the view where all of a long sound is matched, played and written."),
        picture("view_keyboard", "Keyboard", "Keyboard", "Alt+7", "ph.music-notes-simple",
                "Show or hide the piano keys; those that are held are lit.", "keyboard"),
        Action("view_knobs", "View", "Knobs", "Knobs", "Alt+9", "ph.dots-six",
               "Show or hide the row of knobs.",
               lambda: w.knobs.setVisible(not w.knobs.isVisible()),
               checked=lambda: w.knobs.isVisibleTo(w)),
        layout("Play", "Ctrl+F1", "ph.headphones",
               "Sounds, the pad, the output and the keyboard: for the stage."),
        layout("Design", "Ctrl+F2", "ph.sliders",
               "The pad beside all pictures: to make and match sounds."),
        layout("Study", "Ctrl+F3", "ph.chart-line-up",
               "Large pictures and curves: to measure and export."),
        Action("keep_layout", "View", "Save layout…", "Save layout", "Ctrl+Shift+F1",
               "ph.floppy-disk", "Keep the present views under a name of your own.",
               lambda: w.ask_layout_name()),
        Action("reset_layout", "View", "Reset the layout", "Reset", "Ctrl+0",
               "ph.arrow-counter-clockwise", "Put the views of this layout where they were first.",
               lambda: w.layouts.reset()),
        Action("full_size", "View", "Full size", "Full size", "Ctrl+Return", "ph.corners-out",
               "Give the view with the keyboard the whole desk, and back; a double click on its "
               "title does the same.",
               lambda: w.docks.toggle_full(w.docks.full or w.docks.current),
               checked=lambda: bool(w.docks.full)),
        Action("detach", "View", "Detach, or put back", "Detach", "Ctrl+Shift+Return",
               "ph.arrow-square-out",
               "Make the view with the keyboard a window of its own, on a second screen if there "
               "is one.",
               lambda: w.docks.toggle_detached(w.docks.current)),
        Action("hide_view", "View", "Hide the view", "Hide", "Ctrl+W", "ph.eye-slash",
               "Hide the view with the keyboard.", lambda: w.docks.hide_view(w.docks.current)),
        Action("next_view", "View", "Next view", "Next", "Ctrl+Tab", "ph.arrow-right",
               "Give the keyboard to the next view.", lambda: w.docks.go_on()),
        Action("place_view", "View", "Place the view…", "Place", "Ctrl+Shift+P",
               "ph.dots-three-vertical",
               "Open the menu of the view with the keyboard: stack it, move it.",
               lambda: w.docks[w.docks.current].more.click()),
        Action("wider", "View", "Wider", "Wider", "Ctrl+Alt+Right", "ph.arrows-out-line-horizontal",
               "Give the view with the keyboard more room across.",
               lambda: w.docks.stretch(w.docks.current, _STRETCH, ACROSS), repeats=True),
        Action("narrower", "View", "Narrower", "Narrower", "Ctrl+Alt+Left",
               "ph.arrows-in-line-horizontal",
               "Give the view with the keyboard less room across.",
               lambda: w.docks.stretch(w.docks.current, -_STRETCH, ACROSS), repeats=True),
        Action("higher", "View", "Higher", "Higher", "Ctrl+Alt+Up", "ph.arrows-out-line-vertical",
               "Give the view with the keyboard more height.",
               lambda: w.docks.stretch(w.docks.current, _STRETCH, DOWN), repeats=True),
        Action("lower", "View", "Lower", "Lower", "Ctrl+Alt+Down", "ph.arrows-in-line-vertical",
               "Give the view with the keyboard less height.",
               lambda: w.docks.stretch(w.docks.current, -_STRETCH, DOWN), repeats=True),
        Action("stage", "View", "Stage view", "Stage", "Shift+F11", "ph.presentation-chart",
               "The pad, blend or map with name, tempo, level and next presets in large letters.",
               lambda: w.toggle_stage(), checked=lambda: w.stage.isVisible()),
        Action("full_screen", "View", "Full screen", "Full screen", "F11", "ph.frame-corners",
               "Let the desk have the whole screen, and back.",
               lambda: w.toggle_full_screen(), checked=lambda: w.isFullScreen()),
        Action("bigger", "View", "Bigger", "Bigger", "Ctrl++", "ph.magnifying-glass-plus",
               "Show everything a quarter bigger; sound and match go on.",
               lambda: w.look.scale(1), enabled=lambda: w.look.can_grow),
        Action("smaller", "View", "Smaller", "Smaller", "Ctrl+-", "ph.magnifying-glass-minus",
               "Show everything a quarter smaller; sound and match go on.",
               lambda: w.look.scale(-1), enabled=lambda: w.look.can_shrink),
        Action("theme", "View", "Dark, light, or as the system", "Theme", "Ctrl+T",
               "ph.circle-half", "Change between the dark look, the light one and the system's.",
               lambda: w.look.next_theme()),
        Action("spectrum", "View", "Spectrum of the output", "Spectrum", "Y", "ph.chart-bar",
               "Show the output's spectrum in place of its waveform.",
               lambda: w.scope.show_spectrum(not w.scope.spectrum),
               checked=lambda: w.scope.spectrum),
    ]

    help_ = [
        Action("tour", "Help", "Tour", "Tour", "Shift+F1", "ph.compass",
               "Show the parts of the desk in five steps.", lambda: w.tour.start()),
        Action("shortcuts", "Help", "Keyboard and mouse", "Help", "F1", "ph.keyboard",
               "Show and search every shortcut.", lambda: w.help.toggle(w.help.shortcuts)),
        Action("guide", "Help", "Guide", "Guide", "Ctrl+Shift+G", "ph.book-open",
               "Read and search the guide.", lambda: w.help.toggle(w.help.guide)),
        Action("what_is_this", "Help", "What is this view?", "What is this?", "Alt+F1",
               "ph.question", "Say what the view with the keyboard shows, and what its words mean.",
               lambda: w.help.explain(w.docks[w.docks.current].windowTitle())),
        Action("about", "Help", "About", "About", "Ctrl+Shift+F11", "ph.info",
               "Show the versions of mesosynth and of what it is built on.",
               lambda: w.help.toggle(w.help.about)),
    ]
    return [*files, *edit, *sound, *match, *snapshots, *library, *view, *help_]
# fmt: on
