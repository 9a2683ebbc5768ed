"""A knob for every parameter of the instrument."""

from PySide6.QtWidgets import QFrame, QHBoxLayout

from gui import theme
from gui.widgets.knob import Knob
from gui.widgets.knob_pages import KnobPages, page_of
from mesosynth.plugins.parameters import ParameterTable


class Knobs(QFrame):
    """The knobs by parameter id, in the table's order; those of layers one layer at a time."""

    def __init__(self, parameters: ParameterTable) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._knobs: dict[str, Knob] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.GAP, 6, theme.GAP, 6)
        self._row.setSpacing(2)
        self.pages = KnobPages()
        self.pages.turned.connect(self._turn)
        self._row.addWidget(self.pages)
        self.set_table(parameters)

    def __getitem__(self, id_: str) -> Knob:
        return self._knobs[id_]

    def all(self) -> list[Knob]:
        """Every knob."""
        return list(self._knobs.values())

    def set_table(self, parameters: ParameterTable) -> list[Knob]:
        """Have the knobs of another instrument; return them, which are all new."""
        for knob in self._knobs.values():
            self._row.removeWidget(knob)
            knob.hide()
            knob.deleteLater()
        self._knobs = {id_: Knob(parameter) for id_, parameter in parameters.items()}
        for knob in self._knobs.values():
            self._row.addWidget(knob)
        self.pages.set_pages(sorted({page_of(id_) for id_ in self._knobs} - {0}))
        self._turn(self.pages.page)
        return self.all()

    def _turn(self, page: int) -> None:
        """Show the knobs of a page, and those that belong to all."""
        for id_, knob in self._knobs.items():
            knob.setVisible(page_of(id_) in (0, page))

    def set_values(self, values: dict[str, float]) -> None:
        """Show the parameters that play."""
        for id_, knob in self._knobs.items():
            if id_ in values and knob.value != values[id_]:
                knob.set_value(values[id_])
