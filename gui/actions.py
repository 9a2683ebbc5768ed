"""Actions: everything that can be done on the desk, as menus, buttons and shortcuts show it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

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
    """One action: its name, its shortcut, what it does, and when it can.

    Parameters
    ----------
    id_ : str
        Its name in the code, for example "save_preset".
    keys : str
        The shortcut, portable ("Ctrl+O"; Ctrl is the command key on a Mac).
    icon : str
        A name of Phosphor's icons.
    text : str
        Its name in the menu.
    description : str
        One sentence for the tooltip.
    do : callable
        Called when the action is triggered.
    enabled, checked : callable, optional
        Whether the action can act now, and whether it is ticked; without them it always can, and
        has no tick.
    label : str
        Its name on buttons; by default that in the menu.
    text_now, label_now : callable, optional
        Text and label where they change with the state.
    repeats : bool
        Whether a held key repeats it.
    """

    def __init__(
        self,
        id_: str,
        keys: str,
        icon: str,
        text: str,
        description: str,
        do: Callable[[], object],
        enabled: Callable[[], bool] | None = None,
        *,
        label: str = "",
        checked: Callable[[], bool] | None = None,
        text_now: Callable[[], str] | None = None,
        label_now: Callable[[], str] | None = None,
        repeats: bool = False,
    ) -> None:
        super().__init__(text)
        self.id, self.keys, self.title, self.menu_title = id_, keys, text.rstrip("…"), ""
        self._do = do
        states = (
            (self.setEnabled, enabled), (self.setChecked, checked), (self.setText, text_now),
            (self.setIconText, label_now),
        )  # fmt: skip
        self._states: list[tuple[Callable[[Any], None], Callable[[], Any]]] = [
            (show, look) for show, look in states if look is not None
        ]
        self.setObjectName(id_)
        self.setIconText(label or self.title)
        self.setCheckable(checked is not None)
        self.setShortcut(QKeySequence(keys))
        self.setAutoRepeat(repeats)
        self.setToolTip(f"{description}  ({self.native_keys})")
        self.setStatusTip("")
        theme.dress(self, f"ph.{icon}")
        self.setIconVisibleInMenu(False)
        self.triggered.connect(lambda: self._do())

    @property
    def native_keys(self) -> str:
        """The shortcut as this system writes it."""
        return self.shortcut().toString(_NATIVE)

    def button(
        self, style: Qt.ToolButtonStyle = _BESIDE_ICON, kind: str = "small", name: str = ""
    ) -> QToolButton:
        """Return a button of the action, of a `kind` of the style sheet.

        Screen readers call it `name`, by default its label.
        """
        button = theme.ToolButton()
        button.setObjectName(kind)
        button.setDefaultAction(self)
        button.setToolButtonStyle(style)
        theme.name(button, name or self.iconText(), self.toolTip())
        return button

    def refresh(self) -> None:
        """Look anew whether the action can act, whether it is ticked, and what it is called."""
        for show, look in self._states:
            show(look())


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
        self._by_id: dict[str, Action] = {}
        for menu, actions in _all_actions(window).items():
            for action in actions:
                action.menu_title = menu
                self._by_id[action.id] = action
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
def _all_actions(w: "MainWindow") -> dict[str, list[Action]]:
    """Define every action by its menu, in their order.

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
    stack = w.history.stack

    files = [
        Action("load", "Ctrl+O", "folder-open", "Open sound…",
               "Open the sound to match; dropping a file on the window does the same.",
               lambda: w.files.ask("Open sound", SOUNDS, w.files.load_target), ready),
        Action("demo", "Ctrl+Shift+T", "bird", "Open the demo sound",
               "Make the demo the target: an arpeggio that the desk finds in some seconds.",
               lambda: w.files.load_target(DEMO), ready, label="Demo"),
        Action("record", "R", "microphone", "Record input",
               "Record the sound to match from the input; press again to end.",
               asks(lambda s: s.capture.stop_take() if s.capture.recording
                    else s.capture.start_take()),
               ready, checked=lambda: w.transport.recording),
        Action("open_preset", "Ctrl+P", "file-arrow-up", "Open preset…",
               "Set all parameters from a preset.",
               lambda: w.files.ask("Open preset", PRESETS, w.files.open_preset), ready),
        Action("save_preset", "Ctrl+S", "floppy-disk", "Save preset…",
               "Save all parameters as a preset.",
               lambda: w.files.ask_where("Save preset", PRESETS, w.files.save_preset), ready),
        Action("open_session", "Ctrl+Shift+O", "folder", "Open session…",
               "Go on from a session's file: sound, target, match settings and snapshots.",
               lambda: w.files.ask("Open session", SESSIONS, w.sessions.open)),
        Action("save_session", "Ctrl+Shift+S", "floppy-disk", "Save session…",
               "Save everything on the desk to a file.",
               lambda: w.files.ask_where("Save session", SESSIONS, w.sessions.save)),
        Action("export", "Ctrl+E", "image", "Save view…", "Save the view under the mouse as a "
               "picture (PNG), a drawing (SVG) or numbers (CSV).",
               lambda: w.links.exporter.ask_in_hand()),
        Action("quit", "Ctrl+Q", "sign-out", "Quit", "Close the desk.", lambda: w.close()),
    ]
    edit = [
        Action("undo", "Ctrl+Z", "arrow-counter-clockwise", "Undo",
               "Take the last move of the parameters back.", lambda: w.history.undo(),
               stack.canUndo, repeats=True, text_now=lambda: f"Undo {stack.undoText()}".strip()),
        Action("redo", "Ctrl+Shift+Z", "arrow-clockwise", "Redo", "Do again what was taken back.",
               lambda: w.history.redo(), stack.canRedo, repeats=True,
               text_now=lambda: f"Redo {stack.redoText()}".strip()),
        Action("flip", "D", "arrows-down-up", "Flip direction",
               "Turn rising arpeggios into falling ones and back.",
               lambda: w.history.set_at_once({"gamma": -desk.values["gamma"]}, "flip of direction"),
               when(lambda s: "gamma" in s.sound.values), label="Flip"),
        Action("compare", "C", "git-diff", "Change between A and B",
               "Change over to the other of two sounds, to compare them.",
               lambda: w.comparisons.compare(), ready, label="A | B",
               label_now=lambda: "[A]  B" if w.comparisons.side == "A" else "A  [B]"),
    ]
    sound = [
        Action("play", "Space", "play", "Play", "Play the arpeggio, or stop it.",
               lambda: w.sound.play_or_stop(), ready, checked=when(lambda s: s.sound.playing)),
        Action("piano", "Ctrl+K", "music-notes", "Computer keyboard plays notes",
               "Let the A row of the keyboard play notes; Z and X change the octave.",
               lambda: w.piano.toggle(), label="Keys", checked=lambda: w.piano.on),
        Action("tap_tempo", "N", "hand-pointing", "Tap the tempo",
               "Press it in time, twice or more often, to set the tempo.",
               lambda: w.desk.ask(lambda session: session.keys.tap()), ready, label="Tap"),
        Action("panic", "Shift+Esc", "hand-palm", "Panic: silence everything",
               "Silence everything at once and forget all notes; press again to go on. Esc twice "
               "does it too.", lambda: w.sound.panic(), label="Panic",
               checked=lambda: w.sound.silenced),
        Action("capture", "Ctrl+R", "record", "Record output…",
               "Write what is heard to a WAV or FLAC file; press again to end.",
               lambda: desk.ask(lambda s: s.capture.stop()) if w.transport.capturing
               else w.files.ask_where("Record output", RECORDINGS, w.files.start_capture,
                                      "recording"),
               checked=lambda: w.transport.capturing),
        Action("save_last", "Ctrl+Shift+R", "clock-counter-clockwise", "Save the last ten minutes…",
               "Write what was heard in the last ten minutes to a WAV or FLAC file.",
               lambda: w.files.ask_where("Save the last ten minutes", RECORDINGS,
                                         w.files.save_last, "last minutes"),
               label="Last minutes"),
    ]
    match = [
        Action("sound_target", "Shift+T", "target", "This sound as the target",
               "Make the sound that plays now the target; the pad marks where it lies.",
               asks(lambda s: s.target.render(s.presets.preset())), ready, label="Target"),
        Action("match", "M", "crosshair", "Match",
               "Look for the parameters that sound like the target.",
               asks(lambda s: s.match.start()), has_target),
        Action("match_layers", "L", "stack", "Match with layers",
               "Look for several arpeggios that together sound like the target.",
               lambda: w.layers_page.match(), has_target, label="Match"),
        Action("go_on_layers", "Shift+L", "skip-forward", "Go on with the layers",
               "Match on from the layers that play, and leave those alone that are pinned.",
               lambda: w.layers_page.match(go_on=True),
               when(lambda s: s.target.sound is not None and bool(s.layers.mixer.notes)
                    and not s.layers.running),
               label="Go on"),
        Action("apply_layers", "Shift+A", "check", "Apply the layers that were found",
               "Play the layers that the last match found.", lambda: w.layers_page.apply(),
               when(lambda s: s.layers.result is not None), label="Apply"),
        Action("pause_match", "P", "pause", "Pause the match",
               "Let the match stand still; press again to go on.",
               asks(lambda s: s.match.resume() if s.match.is_paused else s.match.pause()),
               when(lambda s: s.match.running), label="Pause",
               checked=when(lambda s: s.match.is_paused)),
        Action("stop_match", "Shift+M", "stop", "Stop match",
               "Stop the match and keep its best step.", asks(lambda s: s.match.stop()),
               when(lambda s: s.match.running), label="Stop"),
        Action("follow", "F", "link", "Follow match",
               "Let the match drive the sound while it runs.",
               asks(lambda s: setattr(s.match, "follow", not s.match.follow)), ready,
               checked=follows),
        Action("follow_input", "I", "ear", "Track input",
               "Let what comes from the input drive the sound; press again to end.",
               lambda: w.tracking_strip.follow(), ready,
               checked=when(lambda s: s.tracking.running)),
        Action("freeze_following", "H", "snowflake", "Freeze the tracking",
               "Hold the sound as it is while the input is tracked; press again to let it go on.",
               lambda: w.tracking_strip.freeze(), when(lambda s: s.tracking.running),
               label="Freeze", checked=when(lambda s: s.tracking.frozen)),
        Action("apply", "A", "check", "Apply the match's result",
               "Play what the last match found, with the instrument that was matched.",
               lambda: w.match_page.apply(), when(lambda s: s.has_match), label="Apply"),
        Action("audition", "T", "ear", "Hear target, match, both", "Hear the target, then the "
               "match as loud as that, then both in step; then as before.",
               lambda: w.match.hear.go_on(), has_target, label="Hear",
               checked=when(lambda s: s.comparison.heard is not None),
               label_now=lambda: w.match.hear.label),
        Action("open_match", "Ctrl+Shift+M", "folder", "Open match…",
               "Take a match up from a file; press P to go on with one that had not ended.",
               lambda: w.files.ask("Open match", MATCHES, w.files.open_match), ready),
        Action("save_match", "Ctrl+M", "floppy-disk", "Save match…",
               "Write the match to a file as far as it came, to go on with it another day.",
               lambda: w.files.ask_where("Save match", MATCHES, w.files.save_match),
               lambda: w.match_page.has_steps),
        Action("match_sequence", "Shift+F8", "film-strip", "Match all of the target's file",
               "Match the target's whole file, window by window; again to stop it.",
               lambda: w.sequence_page.match_or_stop(),
               when(lambda s: s.sequence.running or s.target.path is not None), label="Match all",
               label_now=lambda: w.sequence_page.match_label),
        Action("play_sequence", "Shift+Space", "play-circle", "Play the sequence",
               "Let what was found in the whole file move the parameters, in time.",
               lambda: w.sequence_page.play_or_stop(), lambda: w.sequence_page.found, label="Play",
               checked=lambda: w.sequence_page.playing,
               label_now=lambda: "Stop" if w.sequence_page.playing else "Play"),
        Action("save_sequence", "Ctrl+F8", "floppy-disk", "Save sequence…",
               "Write theta over time as a table (CSV), as MIDI, or as sound (WAV).",
               lambda: w.sequence_page.ask_where(), lambda: w.sequence_page.found),
        Action("resynthesise", "Shift+F9", "recycle", "Resynthesise the target's file",
               "Change noise until its scattering is that of the target, or an edited one; again "
               "to stop.", lambda: w.resynthesis_page.start_or_stop(),
               when(lambda s: s.resynthesis.running or s.target.path is not None), label="Start",
               label_now=lambda: w.resynthesis_page.label),
        Action("hear_resynthesis", "O", "ear", "Hear result or original", "Loop the result of "
               "the resynthesis; then change between it and the original, as loud as that.",
               lambda: w.resynthesis_page.hear_or_compare(),
               when(lambda s: s.resynthesis.original is not None), label="Listen",
               checked=when(lambda s: s.resynthesis.heard is not None),
               label_now=lambda: w.resynthesis_page.hear_label),
    ]
    snapshots = [
        Action(f"recall_{n}", f"{n}", "bookmark-simple", f"Recall snapshot {n}",
               f"Go back to the sound of snapshot {n}.", lambda n=n: w.comparisons.recall(n - 1),
               lambda n=n: w.comparisons.slots[n - 1] is not None, label=f"{n}")
        for n in range(1, SLOTS + 1)
    ] + [
        Action(f"store_{n}", f"Ctrl+{n}", "bookmark-simple", f"Keep as snapshot {n}",
               f"Keep the sound as snapshot {n}.", lambda n=n: w.comparisons.store(n - 1), ready,
               label=f"Keep {n}")
        for n in range(1, SLOTS + 1)
    ]
    library = [
        Action("previous_sound", "Ctrl+Up", "caret-up", "Previous sound",
               "Play the sound above in the list.", lambda: w.library.step(-1), label="Previous",
               repeats=True),
        Action("next_sound", "Ctrl+Down", "caret-down", "Next sound",
               "Play the sound below in the list.", lambda: w.library.step(1), label="Next",
               repeats=True),
        Action("keep_sound", "Ctrl+L", "floppy-disk", "Save to library…",
               "Save the sound to your library; none is overwritten.",
               lambda: (w.drawer.turn_to("sounds"), w.library.ask_to_save())),
        Action("overwrite_sound", "Ctrl+Shift+L", "pencil-line", "Overwrite with the present sound",
               "Let the chosen sound of your library be what is heard now.",
               lambda: w.library.with_current(w.library.overwrite), label="Overwrite"),
        Action("edit_sound", "Ctrl+I", "tag", "Name and tags…",
               "Change name, tags and comment of the chosen sound of yours.",
               lambda: w.library.with_current(
                   lambda entry: (w.drawer.turn_to("sounds"), w.library.ask_to_edit(entry)))),
        Action("remove_sound", "Ctrl+Shift+D", "trash", "Remove from the library",
               "Take the chosen sound of yours out of the library.",
               lambda: w.library.with_current(w.library.edits.remove), label="Remove"),
        Action("favourite", "Ctrl+B", "star", "Favourite",
               "Make the chosen sound a favourite, or not; MIDI programs call favourites.",
               lambda: w.library.with_current(w.library.edits.turn_favourite)),
        Action("more_stars", "Ctrl+.", "star-half", "One star more",
               "Rate the chosen sound a star higher.",
               lambda: w.library.with_current(lambda entry: w.library.edits.rate_by(entry, 1)),
               label="Star"),
        Action("fewer_stars", "Ctrl+,", "star-half", "One star less",
               "Rate the chosen sound a star lower.",
               lambda: w.library.with_current(lambda entry: w.library.edits.rate_by(entry, -1)),
               label="No star"),
        Action("vary", "V", "dice-three", "Vary by chance",
               "Another sound around this one, as far as the page of blends says.",
               lambda: w.blend_page.vary_sound(), label="Vary"),
        Action("import_bank", "Ctrl+Shift+I", "download-simple", "Import a bank…",
               "Take the sounds of a zip file into your library.", lambda: w.library.ask_import(),
               label="Import"),
        Action("export_bank", "Ctrl+Shift+E", "upload-simple", "Export what is listed…",
               "Write the sounds that are listed to a zip file.", lambda: w.library.ask_export(),
               label="Export"),
        Action("suggest_tags", "Ctrl+J", "tag", "Suggest tags",
               "Let the classifier suggest what your presets and takes sound like, to accept.",
               lambda: (w.drawer.turn_to("sounds"), w.library.suggest_tags())),
        Action("train_classifier", "Ctrl+Shift+J", "student", "Train a classifier…",
               "Learn the classes of a folder of your sounds, with a subfolder for each.",
               lambda: (w.drawer.turn_to("sounds"), w.library.ask_training()), label="Train"),
        Action("open_classifier", "Ctrl+Alt+J", "folder-open", "Open a classifier…",
               "Use a classifier that was trained before, for tags and relevance.",
               lambda: w.library.ask_classifier(), label="Classifier"),
    ]
    def page(id_: str, keys: str, icon: str, text: str, tip: str, label: str = "") -> Action:
        return Action(id_, keys, icon, text, tip, lambda: w.drawer.toggle(id_), label=label,
                      checked=lambda: w.drawer.page == id_)

    def picture(
        id_: str, keys: str, icon: str, text: str, tip: str, label: str = "", dock: str = ""
    ) -> Action:
        return Action(id_, keys, icon, text, tip, lambda: w.docks.toggle(dock or id_), label=label,
                      checked=lambda: w.docks.front(dock or id_))

    def layout(name: str, keys: str, icon: str, tip: str) -> Action:
        return Action(f"layout_{name.lower()}", keys, icon, f"Layout: {name}", tip,
                      lambda: w.layouts.use(name), label=name,
                      checked=lambda: w.layouts.name == name)

    view = [
        page("sounds", "F2", "books", "Sounds",
             "Open or close the library: search presets, hear them, save your own."),
        page("effects", "F3", "sliders-horizontal", "Effects",
             "Open or close the rack: the instrument and the effects that it goes through."),
        page("matching", "F4", "crosshair", "Match settings",
             "Open or close what is looked for, how, and what was found.", label="Match"),
        page("layers", "F7", "stack", "Layers",
             "Open or close the layers: match with several arpeggios; mute, pin and order them."),
        page("device", "Ctrl+D", "speaker-high", "MIDI and audio",
             "Open or close the page of sound device, MIDI ports and controllers.", label="Audio"),
        picture("view_pad", "Alt+1", "crosshair-simple", "Pad", "Show or hide the pad.",
                dock="pad"),
        picture("map", "F5", "map-trifold", "Map of sounds",
                "Show or hide the map of the library: sounds that are alike lie together.",
                label="Map"),
        picture("blend", "F6", "squares-four", "Blend of four sounds",
                "Show or hide the square of four sounds to move between, and chance around one.",
                label="Blend"),
        picture("view_scalograms", "Alt+2", "waves", "Scalograms",
                "Show or hide the scalograms of target, sound and difference.", dock="scalograms"),
        picture("view_scale_rate", "Alt+3", "grid-four", "JTFS: scale × rate",
                "Show or hide the scattering of target, sound and difference.",
                label="Scale × rate", dock="scale_rate"),
        picture("view_loss", "Alt+4", "trend-down", "Loss",
                "Show or hide the loss of the match, step by step.", dock="loss"),
        picture("view_match", "Alt+5", "list-numbers", "Match: what was found",
                "Show or hide the parameters that the match found.", label="Found", dock="match"),
        picture("view_output", "Alt+6", "activity", "Output",
                "Show or hide the waveform or the spectrum of the output.", dock="output"),
        picture("sequence", "F8", "film-strip", "Sequence of a long sound",
                "Show or hide the view where all of a long sound is matched, played and written.",
                label="Sequence"),
        Action("resynthesis", "F9", "recycle", "Resynthesis",
               "Show or hide the view where the target's sound itself is edited and made anew.",
               lambda: w.docks.toggle_full("resynthesis"), label="Resynth.",
               checked=lambda: w.docks.front("resynthesis")),
        picture("view_keyboard", "Alt+7", "music-notes-simple", "Keyboard",
                "Show or hide the piano keys; those that are held are lit.", dock="keyboard"),
        Action("view_knobs", "Alt+9", "dots-six", "Knobs", "Show or hide the row of knobs.",
               lambda: w.knobs.setVisible(not w.knobs.isVisible()),
               checked=lambda: w.knobs.isVisibleTo(w)),
        layout("Play", "Ctrl+F1", "headphones",
               "Sounds, the pad, the output and the keyboard: for the stage."),
        layout("Design", "Ctrl+F2", "sliders",
               "The pad beside all pictures: to make and match sounds."),
        layout("Study", "Ctrl+F3", "chart-line-up",
               "Large pictures and curves: to measure and export."),
        Action("keep_layout", "Ctrl+Shift+F1", "floppy-disk", "Save layout…",
               "Keep the present views under a name of your own.", lambda: w.ask_layout_name()),
        Action("reset_layout", "Ctrl+0", "arrow-counter-clockwise", "Reset the layout",
               "Put the views of this layout where they were first.", lambda: w.layouts.reset(),
               label="Reset"),
        Action("full_size", "Ctrl+Return", "corners-out", "Full size", "Give the view with the "
               "keyboard the whole desk, and back; a double click on its title does the same.",
               lambda: w.docks.toggle_full(w.docks.full or w.docks.current),
               checked=lambda: bool(w.docks.full)),
        Action("detach", "Ctrl+Shift+Return", "arrow-square-out", "Detach, or put back",
               "Make the view with the keyboard a window of its own, on a second screen if there "
               "is one.", lambda: w.docks.toggle_detached(w.docks.current), label="Detach"),
        Action("hide_view", "Ctrl+W", "eye-slash", "Hide the view",
               "Hide the view with the keyboard.", lambda: w.docks.hide_view(w.docks.current),
               label="Hide"),
        Action("next_view", "Ctrl+Tab", "arrow-right", "Next view",
               "Give the keyboard to the next view.", lambda: w.docks.go_on(), label="Next"),
        Action("place_view", "Ctrl+Shift+P", "dots-three-vertical", "Place the view…",
               "Open the menu of the view with the keyboard: stack it, move it.",
               lambda: w.docks[w.docks.current].more.click(), label="Place"),
        *(
            Action(id_, f"Ctrl+Alt+{key}", f"arrows-{icon}", id_.capitalize(),
                   f"Give the view with the keyboard {change}.",
                   lambda by=by, way=way: w.docks.stretch(w.docks.current, by, way), repeats=True)
            for id_, key, icon, change, by, way in (
                ("wider", "Right", "out-line-horizontal", "more room across", _STRETCH, ACROSS),
                ("narrower", "Left", "in-line-horizontal", "less room across", -_STRETCH, ACROSS),
                ("higher", "Up", "out-line-vertical", "more height", _STRETCH, DOWN),
                ("lower", "Down", "in-line-vertical", "less height", -_STRETCH, DOWN),
            )
        ),
        Action("stage", "Shift+F11", "presentation-chart", "Stage view",
               "The pad, blend or map with name, tempo, level and next presets in large letters.",
               lambda: w.toggle_stage(), label="Stage", checked=lambda: w.stage.isVisible()),
        Action("full_screen", "F11", "frame-corners", "Full screen",
               "Let the desk have the whole screen, and back.", lambda: w.toggle_full_screen(),
               checked=lambda: w.isFullScreen()),
        Action("bigger", "Ctrl++", "magnifying-glass-plus", "Bigger",
               "Show everything a quarter bigger; sound and match go on.", lambda: w.look.scale(1),
               lambda: w.look.can_grow),
        Action("smaller", "Ctrl+-", "magnifying-glass-minus", "Smaller",
               "Show everything a quarter smaller; sound and match go on.",
               lambda: w.look.scale(-1), lambda: w.look.can_shrink),
        Action("theme", "Ctrl+T", "circle-half", "Dark, light, or as the system",
               "Change between the dark look, the light one and the system's.",
               lambda: w.look.next_theme(), label="Theme"),
        Action("spectrum", "Y", "chart-bar", "Spectrum of the output",
               "Show the output's spectrum in place of its waveform.",
               lambda: w.scope.show_spectrum(not w.scope.spectrum), label="Spectrum",
               checked=lambda: w.scope.spectrum),
    ]
    help_ = [
        Action("tour", "Shift+F1", "compass", "Tour", "Show the parts of the desk in five steps.",
               lambda: w.tour.start()),
        Action("shortcuts", "F1", "keyboard", "Keyboard and mouse",
               "Show and search every shortcut.", lambda: w.help.toggle(w.help.shortcuts),
               label="Help"),
        Action("guide", "Ctrl+Shift+G", "book-open", "Guide", "Read and search the guide.",
               lambda: w.help.toggle(w.help.guide)),
        Action("what_is_this", "Alt+F1", "question", "What is this view?",
               "Say what the view with the keyboard shows, and what its words mean.",
               lambda: w.help.explain(w.docks[w.docks.current].windowTitle()),
               label="What is this?"),
        Action("about", "Ctrl+Shift+F11", "info", "About",
               "Show the versions of mesosynth and of what it is built on.",
               lambda: w.help.toggle(w.help.about)),
    ]
    lists = files, edit, sound, match, snapshots, library, view, help_
    return dict(zip(MENUS, lists, strict=True))
# fmt: on
