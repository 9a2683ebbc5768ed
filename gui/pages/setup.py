"""MIDI and audio page: sound device, ports, and what each controller moves."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget
from typing_extensions import override

from mesosynth.control.process import Ports
from mesosynth.engine.status import AudioStatus
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..dialogs import DeviceForm

_LARGEST = 4096  # frames


class SetupPage(QFrame):
    """Page of MIDI and audio.

    Parameters
    ----------
    desk : Desk
    devices : DeviceForm
        Choice of device, rate and block.
    """

    def __init__(self, desk: Desk, devices: DeviceForm) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._desk, self._devices = desk, devices
        self.missed = theme.note()
        self.missed.setWordWrap(True)
        self.larger = theme.tool_button(
            "Use a larger block", "Twice as many frames at once: safer, and a little later"
        )
        self.larger.clicked.connect(self._enlarge)
        self.ports = theme.note()
        self.ports.setWordWrap(True)
        self.parameter = QComboBox()
        theme.name(self.parameter, "Parameter to learn")
        self.learn = theme.tool_button("Learn", "Then move the controller that shall move it")
        self.learn.clicked.connect(self._learn)
        self._rows = QWidget()
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.parameter, 1)
        row.addWidget(self.learn)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (theme.title("Sound"), devices, self.missed, self.larger,
                       theme.title("MIDI and OSC"), self.ports,
                       theme.title("Controllers")):  # fmt: skip
            layout.addWidget(widget)
        layout.addLayout(row)
        layout.addWidget(self._rows)
        scroll, cards = theme.card_list(body)
        cards.setContentsMargins(0, 0, 0, 0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.GAP, 6, theme.GAP, theme.GAP)
        outer.addWidget(scroll)
        self.setFocusProxy(devices.device)
        desk.attached.connect(self._attach)
        self._show_ports(Ports((), (), None))
        self.show_audio(None)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._devices.look(self._desk.session.device.status())
        self._fill()

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

    def _attach(self, session: Session) -> None:
        session.keys.ports_changed.connect(self._show_ports)
        session.keys.bindings_changed.connect(self._fill)
        session.rack.changed.connect(self._fill)
        self._fill()

    def _show_ports(self, ports: Ports) -> None:
        heard = [f"✓ {name}" for name in ports.heard]
        rest = [f"– {name} (not heard)" for name in ports.present if name not in ports.heard]
        osc = f"OSC on UDP port {ports.osc}" if ports.osc is not None else "No OSC port"
        self.ports.setText(
            "\n".join([*heard, *rest] or ["No MIDI input is connected."]) + f"\n{osc}"
        )

    def _learn(self) -> None:
        self._desk.ask(lambda session: session.keys.learn(self.parameter.currentData()))

    def _fill(self) -> None:
        """List the parameters and the controllers that are bound to them."""
        table, chosen = self._desk.parameters, self.parameter.currentData()
        self.parameter.clear()
        for id_, parameter in table.items():
            self.parameter.addItem(parameter.name, id_)
        self.parameter.setCurrentIndex(max(self.parameter.findData(chosen), 0))
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        bindings = self._desk.session.keys.bindings if self._desk.session.started else ()
        for row, bound in enumerate(bindings):
            name = table[bound.parameter].name if bound.parameter in table else bound.parameter
            label = theme.note(f"CC {bound.controller}, channel {bound.channel + 1} → {name}")
            forget = theme.tool_button(
                "Forget", f"The controller moves {name} no longer", named=f"Forget {name}"
            )
            forget.clicked.connect(lambda _=False, id_=bound.parameter: self._forget(id_))
            self._grid.addWidget(label, row, 0)
            self._grid.addWidget(forget, row, 1, Qt.AlignmentFlag.AlignRight)
        if not bindings:
            hint = theme.note("None yet. Choose a parameter above, or right-click a knob.")
            hint.setWordWrap(True)
            self._grid.addWidget(hint, 0, 0)

    def _forget(self, parameter: str) -> None:
        self._desk.ask(lambda session: session.keys.forget(parameter))
