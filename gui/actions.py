"""The table of everything that can be done, from which menus, buttons and the F1 sheet derive."""

from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from .icons import dress


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes
    ----------
    id : str
    menu : str
        The menu that holds it.
    text : str
        What the menu says; buttons say `label`.
    label : str
    keys : str
        The shortcut, portable ("Ctrl+O"; Ctrl is the command key on a Mac).
    icon : str
        A name of Phosphor's icons in qtawesome.
    description : str
        One sentence for the tooltip.
    checkable : bool
    """

    id: str
    menu: str
    text: str
    label: str
    keys: str
    icon: str
    description: str
    checkable: bool = False


_REPEATING = ("undo", "redo", "previous_sound", "next_sound")

SLOTS = 8
"""Snapshots that can be kept."""

ACTIONS = [
    ActionSpec(
        "load", "File", "Load target sound…", "Load", "Ctrl+O", "ph.folder-open",
        "Load the sound to match; dropping a file on the window does the same.",
    ),
    ActionSpec(
        "record", "File", "Record target from input", "Record", "R", "ph.microphone",
        "Record the sound to match from the input; press again to end.", checkable=True,
    ),
    ActionSpec(
        "open_preset", "File", "Open preset…", "Open", "Ctrl+P", "ph.file-arrow-up",
        "Set all parameters from a preset.",
    ),
    ActionSpec(
        "save_preset", "File", "Save preset…", "Save", "Ctrl+S", "ph.floppy-disk",
        "Save all parameters as a preset.",
    ),
    ActionSpec(
        "open_session", "File", "Open session…", "Open session", "Ctrl+Shift+O", "ph.folder",
        "Go on from a session's file: sound, target, match settings and snapshots.",
    ),
    ActionSpec(
        "save_session", "File", "Save session…", "Save session", "Ctrl+Shift+S", "ph.floppy-disk",
        "Save everything on the desk to a file.",
    ),
    ActionSpec(
        "export", "File", "Save view…", "Save view", "Ctrl+E", "ph.image",
        "Save the view under the mouse as a picture (PNG), a drawing (SVG) or numbers (CSV).",
    ),
    ActionSpec("quit", "File", "Quit", "Quit", "Ctrl+Q", "ph.sign-out", "Close the desk."),
    ActionSpec(
        "undo", "Edit", "Undo", "Undo", "Ctrl+Z", "ph.arrow-counter-clockwise",
        "Take the last move of the parameters back.",
    ),
    ActionSpec(
        "redo", "Edit", "Redo", "Redo", "Ctrl+Shift+Z", "ph.arrow-clockwise",
        "Do again what was taken back.",
    ),
    ActionSpec(
        "flip", "Edit", "Flip direction", "Flip", "D", "ph.arrows-down-up",
        "Turn rising arpeggios into falling ones and back.",
    ),
    ActionSpec(
        "compare", "Edit", "Change between A and B", "A | B", "C", "ph.git-diff",
        "Change over to the other of two sounds, to compare them.",
    ),
    ActionSpec(
        "play", "Sound", "Play", "Play", "Space", "ph.play",
        "Play the arpeggio, or stop it.", checkable=True,
    ),
    ActionSpec(
        "piano", "Sound", "Computer keyboard plays notes", "Keys", "Ctrl+K", "ph.music-notes",
        "Let the A row of the keyboard play notes; Z and X change the octave.", checkable=True,
    ),
    ActionSpec(
        "panic", "Sound", "Panic: silence everything", "Panic", "Esc", "ph.hand-palm",
        "Silence everything at once and forget all notes; press again to go on.", checkable=True,
    ),
    ActionSpec(
        "capture", "Sound", "Capture the output…", "Capture", "Ctrl+R", "ph.record",
        "Write what is heard to a WAV or FLAC file; press again to end.", checkable=True,
    ),
    ActionSpec(
        "save_last", "Sound", "Save the last ten minutes…", "Last minutes", "Ctrl+Shift+R",
        "ph.clock-counter-clockwise",
        "Write what was heard in the last ten minutes to a WAV or FLAC file.",
    ),
    ActionSpec(
        "device", "Sound", "Sound device…", "Device", "Ctrl+D", "ph.speaker-high",
        "Choose the sound device, its sample rate and its block.",
    ),
    ActionSpec(
        "sound_target", "Match", "This sound as the target", "Target", "Shift+T", "ph.target",
        "Make the sound that plays now the target; the pad marks where it lies.",
    ),
    ActionSpec(
        "match", "Match", "Match", "Match", "M", "ph.crosshair",
        "Look for the parameters that sound like the target.",
    ),
    ActionSpec(
        "match_layers", "Match", "Match with layers", "Match", "L", "ph.stack",
        "Look for several arpeggios that together sound like the target.",
    ),
    ActionSpec(
        "go_on_layers", "Match", "Go on with the layers", "Go on", "Shift+L", "ph.skip-forward",
        "Match on from the layers that play, and leave those alone that are pinned.",
    ),
    ActionSpec(
        "apply_layers", "Match", "Apply the layers that were found", "Apply", "Shift+A", "ph.check",
        "Play the layers that the last match found.",
    ),
    ActionSpec(
        "pause_match", "Match", "Pause the match", "Pause", "P", "ph.pause",
        "Let the match stand still; press again to go on.", checkable=True,
    ),
    ActionSpec(
        "stop_match", "Match", "Stop match", "Stop", "Shift+M", "ph.stop",
        "Stop the match and keep its best step.",
    ),
    ActionSpec(
        "follow", "Match", "Follow the match", "Follow", "F", "ph.link",
        "Let the match drive the sound while it runs.", checkable=True,
    ),
    ActionSpec(
        "follow_input", "Match", "Follow the input", "Follow input", "I", "ph.ear",
        "Let what comes from the input drive the sound; press again to end.", checkable=True,
    ),
    ActionSpec(
        "freeze_following", "Match", "Freeze what is followed", "Freeze", "H", "ph.snowflake",
        "Hold the sound as it is while the input is followed; press again to let it go on.",
        checkable=True,
    ),
    ActionSpec(
        "apply", "Match", "Apply the match's result", "Apply", "A", "ph.check",
        "Jump to the parameters that the last match found.",
    ),
    ActionSpec(
        "audition", "Match", "Hear target, match, both", "Hear", "T", "ph.ear",
        "Hear the target, then the match as loud as that, then both in step; then as before.",
        checkable=True,
    ),
    ActionSpec(
        "open_match", "Match", "Open match…", "Open match", "Ctrl+Shift+M", "ph.folder",
        "Take a match up from a file; press P to go on with one that had not ended.",
    ),
    ActionSpec(
        "save_match", "Match", "Save match…", "Save match", "Ctrl+M", "ph.floppy-disk",
        "Write the match to a file as far as it came, to go on with it another day.",
    ),
    ActionSpec(
        "match_sequence", "Match", "Match all of the target's file", "Match all", "Shift+F8",
        "ph.film-strip", "Match the target's whole file, window by window; again to stop it.",
    ),
    ActionSpec(
        "play_sequence", "Match", "Play the sequence", "Play", "Shift+Space", "ph.play-circle",
        "Let what was found in the whole file move the parameters, in time.", checkable=True,
    ),
    ActionSpec(
        "save_sequence", "Match", "Save the sequence…", "Save…", "Ctrl+F8", "ph.floppy-disk",
        "Write theta over time as a table (CSV), as MIDI, or as sound (WAV).",
    ),
    *[
        ActionSpec(
            f"recall_{slot}", "Snapshots", f"Recall snapshot {slot}", str(slot), str(slot),
            "ph.bookmark-simple", f"Go back to the sound of snapshot {slot}.",
        )
        for slot in range(1, SLOTS + 1)
    ],
    *[
        ActionSpec(
            f"store_{slot}", "Snapshots", f"Keep as snapshot {slot}", f"Keep {slot}",
            f"Ctrl+{slot}", "ph.bookmark-simple", f"Keep the sound as snapshot {slot}.",
        )
        for slot in range(1, SLOTS + 1)
    ],
    ActionSpec(
        "previous_sound", "Library", "Previous sound", "Previous", "Ctrl+Up", "ph.caret-up",
        "Play the sound above in the list.",
    ),
    ActionSpec(
        "next_sound", "Library", "Next sound", "Next", "Ctrl+Down", "ph.caret-down",
        "Play the sound below in the list.",
    ),
    ActionSpec(
        "keep_sound", "Library", "Save to the library…", "Save", "Ctrl+L", "ph.floppy-disk",
        "Save the sound to your library; none is overwritten.",
    ),
    ActionSpec(
        "overwrite_sound", "Library", "Overwrite with the present sound", "Overwrite",
        "Ctrl+Shift+L", "ph.pencil-line",
        "Let the chosen sound of your library be what is heard now.",
    ),
    ActionSpec(
        "edit_sound", "Library", "Name and tags…", "Name and tags", "Ctrl+I", "ph.tag",
        "Change name, tags and comment of the chosen sound of yours.",
    ),
    ActionSpec(
        "remove_sound", "Library", "Remove from the library", "Remove", "Ctrl+Shift+D",
        "ph.trash", "Take the chosen sound of yours out of the library.",
    ),
    ActionSpec(
        "favourite", "Library", "Favourite", "Favourite", "Ctrl+B", "ph.star",
        "Make the chosen sound a favourite, or not; MIDI programs call favourites.",
    ),
    ActionSpec(
        "more_stars", "Library", "One star more", "Star", "Ctrl+.", "ph.star-half",
        "Rate the chosen sound a star higher.",
    ),
    ActionSpec(
        "fewer_stars", "Library", "One star less", "No star", "Ctrl+,", "ph.star-half",
        "Rate the chosen sound a star lower.",
    ),
    ActionSpec(
        "vary", "Library", "Vary by chance", "Vary", "V", "ph.dice-three",
        "Another sound around this one, as far as the page of blends says.",
    ),
    ActionSpec(
        "import_bank", "Library", "Import a bank…", "Import", "Ctrl+Shift+I",
        "ph.download-simple", "Take the sounds of a zip file into your library.",
    ),
    ActionSpec(
        "export_bank", "Library", "Export what is listed…", "Export", "Ctrl+Shift+E",
        "ph.upload-simple", "Write the sounds that are listed to a zip file.",
    ),
    ActionSpec(
        "sounds", "View", "Sounds", "Sounds", "F2", "ph.books",
        "Open or close the library: search presets, hear them, save your own.", checkable=True,
    ),
    ActionSpec(
        "map", "View", "Map of sounds", "Map", "F5", "ph.map-trifold",
        "Open or close the map of the library: sounds that are alike lie together.",
        checkable=True,
    ),
    ActionSpec(
        "blend", "View", "Blend of four sounds", "Blend", "F6", "ph.squares-four",
        "Open or close the square of four sounds to move between, and chance around one.",
        checkable=True,
    ),
    ActionSpec(
        "effects", "View", "Effects", "Effects", "F3", "ph.sliders-horizontal",
        "Open or close the rack: the instrument and the effects that it goes through.",
        checkable=True,
    ),
    ActionSpec(
        "matching", "View", "Match settings", "Match", "F4", "ph.crosshair",
        "Open or close what is looked for, how, and what was found.", checkable=True,
    ),
    ActionSpec(
        "sequence", "View", "Sequence of a long sound", "Sequence", "F8", "ph.film-strip",
        "Open or close the page where all of a long sound is matched, played and written.",
        checkable=True,
    ),
    ActionSpec(
        "layers", "View", "Layers", "Layers", "F7", "ph.stack",
        "Open or close the layers: match with several arpeggios; mute, pin and order them.",
        checkable=True,
    ),
    ActionSpec(
        "bigger", "View", "Bigger", "Bigger", "Ctrl++", "ph.magnifying-glass-plus",
        "Show everything a quarter bigger; the desk opens anew, as it is.",
    ),
    ActionSpec(
        "smaller", "View", "Smaller", "Smaller", "Ctrl+-", "ph.magnifying-glass-minus",
        "Show everything a quarter smaller; the desk opens anew, as it is.",
    ),
    ActionSpec(
        "theme", "View", "Dark, light, or as the system", "Theme", "Ctrl+T", "ph.circle-half",
        "Change between the dark look, the light one and the system's.",
    ),
    ActionSpec(
        "spectrum", "View", "Spectrum of the output", "Spectrum", "Y", "ph.chart-bar",
        "Show the output's spectrum in place of its waveform.", checkable=True,
    ),
    ActionSpec(
        "tour", "Help", "Tour", "Tour", "Shift+F1", "ph.compass",
        "Show the parts of the desk in five steps.",
    ),
    ActionSpec(
        "shortcuts", "Help", "Keyboard and mouse", "Help", "F1", "ph.keyboard",
        "Show every shortcut.",
    ),
]  # fmt: skip


class Actions(QObject):
    """The QActions of :data:`ACTIONS` by id, shared by menus and buttons."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._by_id = {spec.id: self._action(spec) for spec in ACTIONS}

    def __getitem__(self, id_: str) -> QAction:
        return self._by_id[id_]

    def _action(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self, checkable=spec.checkable)
        action.setObjectName(spec.id)
        action.setIconText(spec.label)
        action.setShortcut(QKeySequence(spec.keys))
        action.setAutoRepeat(spec.id in _REPEATING)
        action.setToolTip(f"{spec.description}  ({action.shortcut().toString(_NATIVE)})")
        action.setStatusTip("")
        dress(action, spec.icon)
        action.setIconVisibleInMenu(False)
        return action


_NATIVE = QKeySequence.SequenceFormat.NativeText
