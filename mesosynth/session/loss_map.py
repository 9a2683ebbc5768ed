"""Map of the loss over two parameters, filled in around the live point in idle time."""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError
from mesosynth.matching.results import Cell, Layer, MapAxes, MapSettings
from mesosynth.presets.matched import lead_in
from mesosynth.session.layers import Layers
from mesosynth.session.match import Match
from mesosynth.session.signals import Emitter, Signal
from mesosynth.session.target import CurrentTarget
from mesosynth.system.jobs import JobEvent, Jobs, Stepped

_REST = 0.4  # s without a change of the parameters, before a map follows them


class LossMap:
    """Requests a map from the matcher, and again when the target or a parameter changes it."""

    started = Signal(object, np.ndarray, np.ndarray)
    """A new, empty map: ids of its two parameters and (n,) values on each axis, in the table's
    units. None and no values: the map has ended."""
    filled = Signal(tuple, tuple)
    """Ids of the two parameters, and new Cells, those nearest to the live point first."""

    def __init__(
        self, emit: Emitter, jobs: Jobs, target: CurrentTarget, match: Match, layers: Layers
    ) -> None:
        self._emit, self._jobs, self._target, self._match = emit, jobs, target, match
        self._layers = layers
        self._layer: int | None = None  # which moves, 0 for the first
        self._instrument = ""
        self._wanted: MapSettings | None = None  # as it was asked for, wherever the point is now
        self._sent: MapSettings | None = None  # as the job has it
        self._known: set[tuple[int, int]] | None = None  # cells of a map whose axes were told
        self._moved = 0.0  # when the point last moved
        self._cells: list[Cell] = []  # that have not been told

    @property
    def axes(self) -> tuple[str, str] | None:
        """The two parameters of the map; None while there is none."""
        return None if self._wanted is None else self._named(self._wanted.axes)

    def explore(
        self,
        axes: tuple[str, str] | None,
        grid: tuple[int, int] = (24, 24),
        ranges: tuple[tuple[float, float], tuple[float, float]] | None = None,
    ) -> None:
        """Compute the target's loss and its gradient over two parameters.

        Parameters
        ----------
        axes : (str, str) or None
            Ids of two matchable parameters, with layers of one of them ("f_m_2", "gamma_2"): the
            loss is then that of the sum of all. None ends the map.
        grid : (int, int)
            Values on each axis, at least 2.
        ranges : pair of (float, float), optional
            First and last value on each axis, of one sign on logarithmic axes; by default the
            parameters' own ranges, with the sign of the point.

        Raises
        ------
        ArgumentError
            If `axes` are not two different matchable parameters, `grid` is smaller, or the present
            instrument is not that of the match.
        """
        if axes is None:
            self._wanted = None
            self._send()
            self._emit(self.started, None, np.zeros(0), np.zeros(0))
            return
        number = axes[0].rpartition("_")[2]
        self._layer = int(number) - 1 if self._layers.mixer.notes and number.isdigit() else None
        if self._layer is None:
            self._match.check_instrument()
        else:
            axes = axes[0].rpartition("_")[0], axes[1].removesuffix(f"_{number}")
        known, layers, self._instrument = self._here()
        if axes[0] == axes[1] or not set(axes) <= set(known):
            raise ArgumentError(
                f"axes={axes!r} must be two different parameters of {', '.join(known)}."
            )
        if min(grid) < 2:
            raise ArgumentError(f"grid={grid!r} must hold at least 2 values on each axis.")
        phi, filters = self._match.settings.phi, self._match.settings.filters
        self._wanted = MapSettings(axes, known, grid, ranges, phi, filters, layers)
        self._send()

    def _here(self) -> tuple[Mapping[str, float], tuple[Layer, ...], str]:
        """Live theta, the layers with the one that moves first, and its instrument."""
        if self._layer is None:
            return self._match.theta(), (), self._match.instrument
        layers = list(self._layers.heard())
        if self._layer >= len(layers):
            return {}, (), ""
        own = layers.pop(self._layer)
        begin = own.onset - lead_in(own.instrument, own.theta)  # which its own knobs do not move
        return own.theta, (replace(own, theta={}, onset=begin), *layers), own.instrument

    def take_target(self, _target: Target) -> None:
        """Map the loss of another target."""
        self._sent = None
        if self._wanted is not None:
            self._send()

    def take(self, event: JobEvent) -> None:
        """Process an event of the map's job."""
        match event:
            case Stepped(MapAxes(axes, x_values, y_values)):
                self._cells.clear()  # of a map that is no more
                self._known = set()
                self._emit(self.started, self._named(axes), x_values, y_values)
            case Stepped(Cell() as cell) if self._known is not None:
                self._known.add((cell.i, cell.j))
                self._cells.append(cell)
            case _:
                pass

    def poll(self) -> None:
        """Emit new cells, and move the map when the point has come to rest.

        A map of an instrument that is no longer matched ends.
        """
        wanted = self._wanted
        if wanted is None:
            return
        if self._cells:
            cells, self._cells = tuple(self._cells), []
            self._emit(self.filled, self._named(wanted.axes), cells)
        (values, layers, instrument), settings = self._here(), self._match.settings
        if instrument != self._instrument:
            self.explore(None)
            return
        now = replace(
            wanted, values=values, phi=settings.phi, filters=settings.filters, layers=layers
        )
        if values and now != wanted:
            self._wanted = now
            self._moved = time.monotonic()
        elif wanted is not self._sent and time.monotonic() - self._moved > _REST:
            self._send()

    def _named(self, axes: tuple[str, str]) -> tuple[str, str]:
        """Ids of the map's parameters in the instrument that plays."""
        end = "" if self._layer is None else f"_{self._layer + 1}"
        return f"{axes[0]}{end}", f"{axes[1]}{end}"

    def _send(self) -> None:
        self._jobs.cancel("loss map")
        before, self._sent = self._sent, self._wanted
        target, wanted = self._target.sound, self._wanted
        if wanted is None or target is None:
            return
        if before is None or not wanted.is_same_map(before, self._instrument):
            self._known = None
        known = None if self._known is None else frozenset(self._known)
        self._jobs.begin("loss map", target, self._instrument, wanted, known)
