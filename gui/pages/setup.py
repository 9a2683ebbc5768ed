"""MIDI and audio page: sound devices, ports, and what each controller moves."""

import threading

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QFormLayout, QPushButton, QWidget
from typing_extensions import override

from mesosynth.control.process import Ports
from mesosynth.engine.portaudio import RATES, DeviceInfo, DeviceList, look_for_devices
from mesosynth.engine.status import AudioStatus
from mesosynth.session import Session
from mesosynth.session.device import AudioSettings

from .. import theme
from ..desk import Desk
from ..widgets.parts import Panel, Scrolled, choice, column, row

_LARGEST = 4096  # frames
_BLOCKS = (32, 64, 128, 256, 512, 1024, 2048)
_OWN = ("The device's own", None)
_DEFAULT = ("The system's default", None)
_SILENT = ("No sound card: silent clock", "silent")
_SAME = ("That of the output", None)


class DeviceForm(QWidget):
    """Form of output, input, sample rate and block.

    The input changes at once; all else at Apply.

    Signals
    -------
    chosen
        Part of an output's name, sample rate (Hz) and block (frames), each perhaps None.
    input_chosen
        Part of an input's name, or None.
    """

    chosen = Signal(object, object, object)
    input_chosen = Signal(object)
    _looked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._settings = AudioSettings()
        rates = [_OWN, *((f"{rate} Hz", rate) for rate in RATES[3:])]
        blocks = [_OWN, *((f"{block} frames", block) for block in _BLOCKS)]
        self.device, self.input = choice("Output", [_DEFAULT]), choice("Input", [_SAME])
        self.rate, self.block = choice("Rate", rates), choice("Block", blocks)
        self.note = theme.note(wrap=True)
        self.apply = QPushButton("Apply")
        theme.name(self.apply, "Use this sound device")
        self.apply.clicked.connect(self._choose)
        self.input.activated.connect(lambda: self.input_chosen.emit(self.input.currentData()))
        self.input.setToolTip("The device that takes, tracking and the modulation listen to")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        for box in (self.device, self.input, self.rate, self.block):
            form.addRow(theme.note(box.accessibleName()), box)
        form.addRow(self.note)
        form.addRow(self.apply)
        self._looked.connect(self._show_devices)
        self._show_devices(DeviceList([], ""))

    def look(self, status: AudioStatus | None, settings: AudioSettings) -> None:
        """Look for devices in a thread, which may take seconds.

        Parameters
        ----------
        status : AudioStatus or None
            What plays now.
        settings : AudioSettings
            What was asked for.
        """
        self._settings = settings
        now = "" if status is None else f"Now: {status.device}, {status.sample_rate} Hz. "
        self.note.setText(f"{now}Looking for devices…")
        threading.Thread(target=self._look, name="device look", daemon=True).start()

    def show_settings(self, settings: AudioSettings) -> None:
        """Let the fields stand at what is used; a device that is not there is said to be so."""
        self._settings = settings
        for box, value in (
            (self.device, settings.device), (self.input, settings.input),
            (self.rate, settings.sample_rate), (self.block, settings.block),
        ):  # fmt: skip
            place = _place(box, value)
            if place < 0:
                box.addItem(f"{value}  (not connected)" if isinstance(value, str) else f"{value}",
                            value)  # fmt: skip
                place = box.count() - 1
            box.setCurrentIndex(place)

    def _look(self) -> None:
        found = look_for_devices()
        try:
            self._looked.emit(found)
        except RuntimeError:
            return  # the desk was closed meanwhile

    def _show_devices(self, found: DeviceList) -> None:
        outputs = [_DEFAULT, *map(_listed, (d for d in found.devices if d.outputs)), _SILENT]
        inputs = [_SAME, *map(_listed, (d for d in found.devices if d.inputs))]
        for box, items in ((self.device, outputs), (self.input, inputs)):
            box.clear()
            for text, data in items:
                box.addItem(text, data)
        wanted = self._settings.input
        gone = "" if not found.devices or _place(self.input, wanted) >= 0 else (
            f"The input {wanted!r} is not connected; choose another one."
        )  # fmt: skip
        self.show_settings(self._settings)
        text = self.note.text().replace("Looking for devices…", "").strip()
        self.note.setText(f"{text} {found.problem} {gone}".strip())

    def _choose(self) -> None:
        boxes = (self.device, self.rate, self.block)
        self.chosen.emit(*(box.currentData() for box in boxes))


def _listed(device: DeviceInfo) -> tuple[str, str]:
    return f"{device.name}  ({device.host_api})", device.name


def _place(box: QComboBox, value: object) -> int:
    """Row of a value; of a device also by a part of its name."""
    for place in range(box.count()):
        data = box.itemData(place)
        if data == value:
            return place
        if isinstance(data, str) and isinstance(value, str) and value.casefold() in data.casefold():
            return place
    return -1


class SetupPage(Panel):
    """Page of MIDI and audio.

    Parameters
    ----------
    desk : Desk
    devices : DeviceForm
        Choice of devices, rate and block.
    """

    def __init__(self, desk: Desk, devices: DeviceForm) -> None:
        super().__init__()
        self._desk, self._devices = desk, devices
        self.missed, self.ports = theme.note(wrap=True), theme.note(wrap=True)
        self.larger = theme.tool_button(
            "Use a larger block", "Twice as many frames at once: safer, and a little later"
        )
        self.larger.clicked.connect(self._enlarge)
        self.parameter = choice("Parameter to learn", ())
        self.learn = theme.tool_button("Learn", "Then move the controller that shall move it")
        self.learn.clicked.connect(
            lambda: desk.ask(lambda session: session.keys.learn(self.parameter.currentData()))
        )
        self._list, self._lines = column(), list[QWidget]()
        self.lay_out((Scrolled(
            theme.title("Sound"), devices, self.missed, self.larger,
            theme.title("MIDI and OSC"), self.ports,
            theme.title("Controllers"), row((self.parameter, 1), self.learn), self._list, 1,
        ), 1))  # fmt: skip
        self.setFocusProxy(devices.device)
        devices.input_chosen.connect(self._choose_input)
        desk.attached.connect(self._attach)
        self._show_ports(Ports((), (), None))
        self.show_audio(None)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        device = self._desk.session.device
        self._devices.look(device.status(), device.settings)
        self._list_bindings()

    def show_audio(self, status: AudioStatus | None) -> None:
        """Show missed blocks, and what helps against them."""
        missed = status.underflows if status is not None else 0
        self.missed.setVisible(bool(missed))
        self.larger.setVisible(bool(missed) and status is not None and status.block < _LARGEST)
        if missed and status is not None:
            self.missed.setText(
                f"{missed} blocks of {status.block} frames were missed; "
                f"the load is at most {status.load_max:.0%}."
            )

    def _enlarge(self) -> None:
        status, now = self._desk.session.device.status(), self._desk.session.device.settings
        if status is not None:
            self._devices.chosen.emit(now.device, now.sample_rate, 2 * status.block)

    def _choose_input(self, name: str | None) -> None:
        if self._desk.ask(lambda session: session.device.set_input(name)):
            self._desk.say(f"The input is {name or 'that of the output'}.")
        self._devices.show_settings(self._desk.session.device.settings)

    def _attach(self, session: Session) -> None:
        session.keys.ports_changed.connect(self._show_ports)
        session.keys.bindings_changed.connect(self._list_bindings)
        session.rack.changed.connect(self._list_bindings)
        self._list_bindings()

    def _show_ports(self, ports: Ports) -> None:
        heard = [f"✓ {name}" for name in ports.heard]
        rest = [f"– {name} (not heard)" for name in ports.present if name not in ports.heard]
        osc = f"OSC on UDP port {ports.osc}" if ports.osc is not None else "No OSC port"
        self.ports.setText("\n".join([*(heard + rest or ["No MIDI input is connected."]), osc]))

    def _list_bindings(self) -> None:
        """List the parameters, and the controllers that are bound to them."""
        table, chosen = self._desk.parameters, self.parameter.currentData()
        self.parameter.clear()
        for id_, parameter in table.items():
            self.parameter.addItem(parameter.name, id_)
        self.parameter.setCurrentIndex(max(self.parameter.findData(chosen), 0))
        for line in self._lines:
            self._list.removeWidget(line)
            line.deleteLater()
        bindings = self._desk.session.keys.bindings if self._desk.session.started else ()
        hint = theme.note("None yet. Choose a parameter above, or right-click a knob.", wrap=True)
        self._lines = [self._line(b.parameter, b.controller, b.channel) for b in bindings] or [hint]
        for line in self._lines:
            self._list.addWidget(line)

    def _line(self, id_: str, controller: int, channel: int) -> QWidget:
        """A controller, its parameter, and a button to forget both."""
        table, line = self._desk.parameters, QWidget()
        name = table[id_].name if id_ in table else id_
        forget = theme.tool_button(
            "Forget", f"The controller moves {name} no longer", named=f"Forget {name}"
        )
        forget.clicked.connect(lambda: self._desk.ask(lambda s: s.keys.forget(id_)))
        text = theme.note(f"CC {controller}, channel {channel + 1} → {name}")
        column(row((text, 1), forget), inside=line)
        return line
