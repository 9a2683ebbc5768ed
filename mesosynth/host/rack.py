"""Instrument, transport and limiter: what one block of output goes through."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.host.limiter import Limiter
from mesosynth.instruments import instrument_class
from mesosynth.plugin import CHANNELS, NO_EVENTS, Events, Instrument

FADE_SECONDS = 0.01
EXPLODED = 1000.0  # 60 dB over full scale: no longer loud, but broken


class Rack:
    """Plays an instrument, fades it in and out with the transport, and keeps the output safe.

    Samples that are not finite never leave: the instrument is reset, the block is silent and
    `faults` counts it. The same goes for one that fails or that explodes.

    Parameters
    ----------
    instrument : Instrument
        Not prepared yet; the rack does that.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.faults = 0
        self.peak = 0.0

    @property
    def latency(self) -> int:
        """Samples by which the output lags behind the instrument."""
        return self._limiter.latency

    @property
    def true_peak(self) -> float:
        """Of the last block, as the limiter estimates it."""
        return self._limiter.true_peak

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` samples."""
        self.instrument.prepare(sample_rate, max_block)
        self._limiter = Limiter(sample_rate, max_block)
        self._count = np.arange(1.0, max_block + 1.0, dtype=np.float32)
        self._gain = np.zeros(max_block, np.float32)
        self._magnitude = np.zeros((CHANNELS, max_block), np.float32)
        self._slope = 1.0 / (FADE_SECONDS * sample_rate)
        self._level = 0.0

    def process(
        self,
        values: NDArray[np.float64],
        events: Events,
        playing: bool,
        block: NDArray[np.float32],
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples.

        Starting from silence, the instrument begins anew with the block's first sample.
        """
        if self._level <= 0.0:
            if not playing:
                block.fill(0.0)
                self._limiter.process(block)  # it still holds the end of the fade
                return
            self.instrument.reset()
        try:
            self.instrument.process(values, events, block)
        except Exception:  # noqa: BLE001 - an instrument may be anybody's; the sound must go on
            block.fill(np.nan)
        magnitude = np.abs(block, out=self._magnitude[:, : block.shape[1]])
        if not float(magnitude.max()) < EXPLODED:  # NaN is not less than anything
            self.instrument.reset()
            self.faults += 1
            block.fill(0.0)
        self._fade(playing, block)
        self.peak = max(self.peak, self._limiter.process(block))

    def _fade(self, playing: bool, block: NDArray[np.float32]) -> None:
        if playing and self._level >= 1.0:
            return
        slope = self._slope if playing else -self._slope
        frames = block.shape[1]
        gain = self._gain[:frames]
        np.multiply(self._count[:frames], slope, out=gain)
        np.add(gain, self._level, out=gain)
        np.clip(gain, 0.0, 1.0, out=gain)
        np.multiply(block, gain, out=block)
        self._level = min(max(self._level + frames * slope, 0.0), 1.0)


def render(
    instrument: str,
    values: Mapping[str, float],
    seconds: float,
    sample_rate: int = 48000,
    block: int = 512,
) -> NDArray[np.float32]:
    """Render what the audio process would play, from its first sample on.

    Parameters
    ----------
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    values : mapping of str to float
        Parameters by id; the others stand at their defaults.
    seconds : float
        More than 0.
    sample_rate : int
        Hz.
    block : int
        Frames computed at once.

    Returns
    -------
    (2, frames) float32
        ``round(seconds * sample_rate)`` frames, left and right.

    Raises
    ------
    ArgumentError
        If the instrument, a parameter, or a number is impossible.
    """
    frames = round(seconds * sample_rate) if np.isfinite(seconds) else 0
    if frames < 1:
        raise ArgumentError(f"seconds={seconds} must be more than 0.")
    if sample_rate < 1000 or block < 1:
        raise ArgumentError(
            f"sample_rate={sample_rate} must be at least 1000 and block={block} at least 1."
        )
    plays = instrument_class(instrument)
    rack = Rack(plays())
    rack.prepare(sample_rate, block)
    vector = plays.parameters.vector(values)
    late = rack.latency
    out = np.zeros((CHANNELS, late + frames), np.float32)
    for begin in range(0, late + frames, block):
        rack.process(vector, NO_EVENTS, True, out[:, begin : begin + block])
    return out[:, late:]
