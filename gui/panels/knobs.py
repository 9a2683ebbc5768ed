"""A knob for every parameter of the instrument."""

from PySide6.QtWidgets import QFrame, QHBoxLayout

from gui import theme
from gui.panels.knob import Knob
from mesosynth.parameters import ParameterTable


class Knobs(QFrame):
    """The knobs by parameter id, in the table's order."""

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._knobs = {id_: Knob(parameter) for id_, parameter in parameters.items()}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 6, theme.GAP, 6)
        layout.setSpacing(2)
        for knob in self._knobs.values():
            layout.addWidget(knob)

    def __getitem__(self, id_: str) -> Knob:
        return self._knobs[id_]

    def all(self) -> list[Knob]:
        """Every knob."""
        return list(self._knobs.values())

    def set_values(self, values: dict[str, float]) -> None:
        """Show the parameters that play."""
        for id_, knob in self._knobs.items():
            if knob.value != values[id_]:
                knob.set_value(values[id_])
