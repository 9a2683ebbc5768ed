"""Links between the plots and the session: loss map, attribution, finer pictures, playhead."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from mesosynth.audio.file import read_channels
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.audio.waveform_peaks import WaveformPeaks
from mesosynth.plugins.tempo import synced_period
from mesosynth.session import Session

from ..widgets.background import Background
from .export import Exporter, View
from .scope import envelope

if TYPE_CHECKING:
    from ..main_window import MainWindow

# --------------------------------------------------------------------------------------------------
# Position of the sound in its arpeggio, estimated from the sound itself.


_GRAIN = 0.004  # s in which the energy is summed
_SILENT = 1e-6  # energy of a sample, -60 dB


def repetition(values: Mapping[str, float]) -> float | None:
    """Time from one arpeggio to the next, s; None for an instrument that does not repeat."""
    if values.get("sync", 0.0) >= 0.5 and {"tempo", "division"} <= set(values):
        return synced_period(values["tempo"], values["division"])
    return values.get("period")


def time_from_middle(
    samples: NDArray[np.float32], sample_rate: float, period: float
) -> float | None:
    """Time of the last of (n,) samples from the middle of its arpeggio, s, within half a period.

    The middle of a sound that repeats is where its energy points on a circle of one period:
    ``arg sum e(t) exp(2 pi i t / period)``. None when there is less than a period, or silence.
    """
    grain = max(round(_GRAIN * sample_rate), 1)
    grains = round(period * sample_rate) // grain
    if grains < 4 or len(samples) < grains * grain:
        return None
    energy = np.square(samples[len(samples) - grains * grain :]).reshape(grains, grain).sum(axis=1)
    total = float(energy.sum())
    if not total > _SILENT * grains * grain:
        return None
    turns = (np.arange(grains) + 0.5) / grains - 1.0  # of a circle, before now
    direction = complex(np.dot(energy, np.exp(2j * np.pi * turns)))
    if abs(direction) < 0.05 * total:  # as loud everywhere: there is no middle
        return None
    return -float(np.angle(direction)) / (2.0 * np.pi) * period


# --------------------------------------------------------------------------------------------------
# Connections of the views with the session.


_PEAKS = 3000
_REST_MS = 250  # that the parameters must have stood still before the attribution is asked for
_WINDOW = ANALYSIS_SAMPLES / ANALYSIS_RATE  # s


def peaks_of_part(path: Path, begin: float, seconds: float) -> WaveformPeaks:
    """Peaks of so many seconds of a sound file, all channels mixed."""
    sound, rate = read_channels(path, begin, seconds)
    mono = sound.mean(axis=0)
    low, high = (mono, mono) if len(mono) <= _PEAKS else envelope(mono, _PEAKS)
    return WaveformPeaks(low, high, len(mono) / rate)


class ViewLinks(QObject):
    """Connections of the pad's loss map, the pictures and the playhead with the session."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window, self._desk = window, window.desk
        frames = (window.pad_frame, window.scalograms, window.scale_rate, window.loss, window.scope)
        resynthesis = window.resynthesis_page
        plots = (
            window.map_page.map, window.blend_page.square, window.sequence_page.curves,
            resynthesis.scalograms, resynthesis.spins, resynthesis.curve,
        )  # fmt: skip
        views = [View(frame.title.text(), frame, frame.table) for frame in frames]
        views += [View(plot.accessibleName(), plot, plot.table) for plot in plots]
        relevance = window.scale_rate.relevance
        views.insert(1, View("Relevance", relevance, relevance.table))  # before the view around it
        self.exporter = Exporter(window, views, window.desk, window.settings)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._ask_attribution)
        self._background = Background(self)
        window.scale_rate.drivers_shown.connect(self._ask_attribution)
        window.scale_rate.relevance_shown.connect(self._ask_relevance)
        window.scalograms.waveform.moved.connect(
            lambda start: self._desk.ask(lambda session: session.target.move_window(start))
        )
        window.scalograms.finer_asked.connect(
            lambda section: self._desk.ask(lambda session: session.match.magnify(section))
        )
        window.scalograms.waveform.finer_asked.connect(self._read_part)
        window.closed.connect(self._background.close)
        window.pad_frame.map_action.toggled.connect(self._explore)
        window.pad.axes_chosen.connect(self._explore)

    def attach(self, session: Session) -> None:
        """Show what the parts of the session tell."""
        window = self._window
        session.match.attributed.connect(window.scale_rate.attribution.show_attribution)
        session.classification.replaced.connect(self._renew_relevance)
        session.classification.explained.connect(window.scale_rate.relevance.show_relevance)
        session.match.magnified.connect(window.scalograms.show_finer)
        session.sound.changed.connect(self._on_parameters)
        session.loss_map.started.connect(window.pad.start_map)
        session.loss_map.filled.connect(window.pad.add_cells)
        session.layers.changed.connect(self._on_layers)
        session.target.loaded.connect(window.scalograms.set_file)
        session.target.loaded.connect(self._on_target)

    def _read_part(self, begin: float, end: float) -> None:
        """Read a part of the target's file again, for its waveform."""
        path = self._desk.session.target.path
        if path is not None:
            self._background.start(
                f"Reading {path.name} …",
                lambda _: peaks_of_part(path, begin, end - begin),
                lambda peaks: self._window.scalograms.waveform.show_finer(begin, peaks),
            )

    def show_playhead(self, samples: NDArray[np.float32], sample_rate: float) -> None:
        """Move the scalograms' playhead to where the last of `samples` is in its arpeggio.

        While the target is compared with the instrument, which is in step with it, it is there.
        """
        session, place = self._desk.session, None
        status = session.device.status() if session.comparison.heard else None
        if status is not None and 0.0 <= status.audition < _WINDOW:
            place = status.audition - status.latency - 0.5 * _WINDOW
        elif session.sound.playing:
            period = repetition(self._desk.values)
            place = None if period is None else time_from_middle(samples, sample_rate, period)
        self._window.scalograms.set_playhead(place)

    def _on_target(self) -> None:
        known = self._desk.session.target.known_values
        self._window.pad.set_known(None if known is None else dict(known))
        self._ask_attribution()
        self._renew_relevance()
        self._explore()

    def _renew_relevance(self) -> None:
        self._window.scale_rate.relevance.clear()
        self._ask_relevance()

    def _on_layers(self) -> None:
        if self._window.pad.map.axes != self._window.pad.axes:
            self._explore()

    def _on_parameters(self) -> None:
        self._rest.start()

    def _ask_attribution(self) -> None:
        """Ask for the attribution anew while it is shown."""
        if (
            self._desk.session.target.sound is not None
            and self._window.scale_rate.switch.isChecked()
        ):
            self._desk.ask(lambda session: session.match.attribute())

    def _ask_relevance(self) -> None:
        """Ask for the relevance of the target while it is shown."""
        session = self._desk.session
        if session.target.sound is not None and self._window.scale_rate.why.isChecked():
            self._desk.ask(lambda session: session.classification.explain())

    def _explore(self) -> None:
        """Ask for the loss map of the pad's axes, or for none."""
        axes, table, ranges = self._window.pad.axes, self._desk.table, None
        wanted = self._window.pad_frame.map_action.isChecked()
        has_target = self._desk.session.target.sound is not None
        number, layers = axes[0].rpartition("_")[2], self._desk.session.layers.heard()
        matchable = set(table.matchable)
        if number.isdigit() and 1 <= int(number) <= len(layers):  # not f_0
            matchable |= {f"{id_}_{number}" for id_ in layers[int(number) - 1].theta}
        shown = axes if wanted and has_target and set(axes) <= matchable else None
        curves = [table[id_].curve for id_ in shown or ()]
        if "asinh" in curves and "signed_log" not in curves:  # from falling to rising
            ends = [(table[id_].minimum, table[id_].maximum) for id_ in axes]
            ranges = ends[0], ends[1]
        self._desk.ask(lambda session: session.loss_map.explore(shown, ranges=ranges))
