"""Similarity of two sounds: auditory picture, local JTFS and log-mel spectrogram, without a lag.

A matcher exploits the weakness of any single score, so there are three, and the worst of them is
what a person is told. All three compare the whole band in time: a sound that starts late, or lacks
its highs or its decay, scores low.
"""

import functools

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError
from mesosynth.matching.results import Scores
from mesosynth.scattering import JTFS

# --------------------------------------------------------------------------------------------------
# Log-mel spectrogram
#
# With P(m, t) the power of a sound in band m of frame t, the picture is::
#
#     max(10 log10(P(m, t) / max P) + RANGE, 0) / RANGE
#
# where the maximum is that of the target. Bands are triangles on the mel scale,
# ``2595 log10(1 + f / 700)``.


BANDS = 64
WINDOW, HOP = 512, 256  # samples
RANGE = 60.0
"""Level below the loudest at which a band counts as silent, dB."""

_LOWEST = 20.0  # Hz
_EMPTY = 1e-20


def mel_power(
    x: torch.Tensor, sample_rate: float, window: int = WINDOW, hop: int = HOP
) -> torch.Tensor:
    """Power in mel bands.

    Parameters
    ----------
    x : (n,) tensor
        With ``requires_grad``, the result takes part in autograd.
    sample_rate : float
        Hz.
    window, hop : int
        Length of the Hann window, and samples from one frame to the next.

    Returns
    -------
    (BANDS, frames) tensor
    """
    hann = torch.hann_window(window, dtype=x.dtype, device=x.device)
    z = torch.stft(x, window, hop, window=hann, return_complex=True, pad_mode="constant")
    power = z.real.square() + z.imag.square()
    return torch.from_numpy(_bands(sample_rate, window)).to(power) @ power


def decibel_picture(power: torch.Tensor, loudest: torch.Tensor) -> torch.Tensor:
    """Decibels above the floor, 0 to 1.

    Parameters
    ----------
    power : tensor
    loudest : tensor
        Power that becomes 1.

    Returns
    -------
    tensor of the shape of `power`
    """
    decibels = 10.0 * torch.log10(power / loudest + _EMPTY)
    return (decibels / RANGE + 1.0).clamp_min(0.0)


def band_frequencies(sample_rate: float) -> NDArray[np.float64]:
    """Centre of each band, (BANDS,) Hz."""
    return _hertz(np.linspace(_mel(_LOWEST), _mel(sample_rate / 2.0), BANDS + 2))[1:-1]


@functools.lru_cache(maxsize=4)
def _bands(sample_rate: float, window: int) -> NDArray[np.float64]:
    """Triangles over the bins of a window, (BANDS, bins)."""
    edges = _hertz(np.linspace(_mel(_LOWEST), _mel(sample_rate / 2.0), BANDS + 2))
    frequency = np.fft.rfftfreq(window, 1.0 / sample_rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    # The lowest bands are narrower than a bin: such a band takes the nearest bins.
    bin_width = sample_rate / window
    rising = (frequency - np.minimum(low, middle - bin_width)) / np.maximum(middle - low, bin_width)
    falling = (np.maximum(high, middle + bin_width) - frequency) / np.maximum(
        high - middle, bin_width
    )
    return np.clip(np.minimum(rising, falling), 0.0, None)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


# --------------------------------------------------------------------------------------------------
# Auditory picture
#
# The energy that a gammatone filter of order 4 lets through in each step of 10 ms::
#
#     G_m(f) = (1 + i (f - f_m) / b_m)^-4,     b_m = 1.019 ERB(f_m)
#     ERB(f) = 24.7 (4.37 f / 1000 + 1)                                           Hz
#
# (Patterson and others 1992; Glasberg and Moore 1990), with f_m evenly spaced on the scale of ERBs.
# The filters are causal and have their delays, which are the same for both sounds.


ERB_BANDS = 64
LOWEST, HIGHEST = 30.0, 10000.0
"""Centres of the lowest and the highest band, Hz."""

STEP = 0.01
"""Time from one column to the next, s."""

_REACH = 4.0  # half-width of a filter in b_m; there it is at -49 dB
_RINGING = 0.1  # s of silence after the sound, or a filter's end would come at its beginning


def auditory_power(audio: NDArray[np.floating], sample_rate: float) -> NDArray[np.float64]:
    """Energy of a sound in bands of the ear.

    Parameters
    ----------
    audio : (n,) array
    sample_rate : float
        Hz.

    Returns
    -------
    (ERB_BANDS, columns) float64
        From low to high, in steps of :data:`STEP`; bands above the sound's own are silent.
    """
    n = len(audio)
    room = n + round(_RINGING * sample_rate)
    spectrum = np.fft.fft(np.asarray(audio, np.float64), room)[: room // 2 + 1]
    spacing = sample_rate / room  # Hz
    columns = max(1, round(n / sample_rate / STEP))
    edges = STEP * np.arange(columns + 1)
    picture = np.zeros((ERB_BANDS, columns))
    for row, (centre, width) in enumerate(zip(*_erb_filters(), strict=True)):
        first = max(round((centre - _REACH * width) / spacing), 1)
        bins = np.arange(first, min(round((centre + _REACH * width) / spacing), room // 2))
        if not len(bins):
            continue
        passed = spectrum[bins] * (1.0 + 1j * (bins * spacing - centre) / width) ** -4
        # The band alone, moved to 0 Hz, needs no more samples than it has bins; its square twice.
        samples = 2 * len(bins)
        envelope = np.fft.ifft(passed, samples) * (samples / room)
        energy = np.square(envelope.real) + np.square(envelope.imag)
        until = np.concatenate([[0.0], np.cumsum(energy)]) / samples
        times = np.linspace(0.0, room / sample_rate, samples + 1)
        picture[row] = np.diff(np.interp(edges, times, until))
    return np.maximum(picture, 0.0)


def _erb_filters() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and widths b_m, (ERB_BANDS,) Hz."""
    low, high = (21.4 * np.log10(1.0 + 0.00437 * end) for end in (LOWEST, HIGHEST))
    centres = (10.0 ** (np.linspace(low, high, ERB_BANDS) / 21.4) - 1.0) / 0.00437
    return centres, 1.019 * 24.7 * (0.00437 * centres + 1.0)


def above_floor(power: NDArray[np.floating]) -> NDArray[np.float64]:
    """Decibels of a picture above RANGE below its own peak.

    Parameters
    ----------
    power : (bands, columns) array

    Returns
    -------
    (bands, columns) float64
        0 to RANGE; all 0 of silence.
    """
    loudest = float(np.max(power, initial=0.0))
    if not loudest:
        return np.zeros(power.shape)
    decibels = 10.0 * np.log10(power.astype(np.float64) / loudest + _EMPTY)
    return np.maximum(decibels + RANGE, 0.0)


# --------------------------------------------------------------------------------------------------
# Local JTFS
#
# Averaged over a quarter of a second only, so that time is kept. The sound has silence after it, as
# a transform of a mirrored or a repeated sound would hear what is not there.


LOCAL_T = 2048
"""Support of the averaging in time, samples at ANALYSIS_RATE."""

WIDE = 2
"""Octaves by which the JTFS of a sound without anything in the analysis band is faster."""

_SHORTEST = 4 * LOCAL_T  # samples, of the transform
_LEAST_SHARE = 0.01  # of the energy in the analysis band


def local_jtfs(samples: int, octaves: int = 0) -> JTFS:
    """JTFS that keeps time, of signals at ANALYSIS_RATE or some octaves above.

    Parameters
    ----------
    samples : int
        Of the signal; those of the transform are the power of two that leaves room after them.
    octaves : int
        By which the rate is higher; all times stay as they are.

    Returns
    -------
    JTFS
    """
    T = LOCAL_T << octaves
    return _local_jtfs(max(1 << (samples + T - 1).bit_length(), _SHORTEST << octaves), octaves)


@functools.lru_cache(maxsize=4)
def _local_jtfs(shape: int, octaves: int) -> JTFS:
    return JTFS(
        J=12 + octaves, J_fr=5, Q=(8, 2), Q_fr=2, shape=shape, T=LOCAL_T << octaves, F=0,
        format="time", boundary="periodic", tolerance=1e-3,
    )  # fmt: skip


def local_coefficients(
    audio: NDArray[np.floating], sample_rate: float, octaves: int = 0
) -> NDArray[np.float32]:
    """Local JTFS of a sound without the zeroth order, as one vector.

    Parameters
    ----------
    audio : (n,) array
    sample_rate : float
        Hz.
    octaves : int
        What is above half of ANALYSIS_RATE, raised by so many octaves, is left out.

    Returns
    -------
    (paths * frames,) float32
    """
    x, rate = np.asarray(audio, np.float32), ANALYSIS_RATE << octaves
    if sample_rate != rate:
        x = soxr.resample(x, sample_rate, rate)
    jtfs = local_jtfs(len(x), octaves)
    S = jtfs(np.pad(x, (0, jtfs.n - len(x))))
    return S[1:].ravel()


def octaves_above(audio: NDArray[np.floating], sample_rate: float) -> int:
    """Octaves by which a sound needs a faster JTFS: WIDE where it is all above the analysis band.

    Parameters
    ----------
    audio : (n,) array
    sample_rate : float
        Hz.

    Returns
    -------
    int
        0 or :data:`WIDE`.
    """
    power = np.square(np.abs(np.fft.rfft(audio - np.mean(audio))))
    hertz = np.fft.rfftfreq(len(audio), 1.0 / sample_rate)
    low = float(power[hertz < 0.45 * ANALYSIS_RATE].sum())
    return 0 if low >= _LEAST_SHARE * float(power.sum()) else WIDE


# --------------------------------------------------------------------------------------------------
# Scores of a pair


_MEL_SECONDS = 0.046  # of a window; the power of two next to it: 2048 samples at 44.1 kHz
_OVERLAP = 4


class Similarity:
    """Scores of sounds beside one recording, whose pictures are computed once.

    Parameters
    ----------
    audio : (n,) array
        The recording.
    sample_rate : float
        Hz.

    Raises
    ------
    ArgumentError
        If `audio` has another shape, or is silent.
    """

    def __init__(self, audio: NDArray[np.floating], sample_rate: float) -> None:
        self._shape, self._rate = np.shape(audio), float(sample_rate)
        if len(self._shape) != 1:
            raise ArgumentError(f"audio.shape={self._shape} must be (n,): one channel.")
        if not np.any(audio):
            raise ArgumentError("audio is silent; there is nothing to compare with.")
        self._octaves = octaves_above(audio, self._rate)
        self._views = views(audio, self._rate, self._octaves)

    def of(self, audio: NDArray[np.floating]) -> Scores:
        """Scores of a sound.

        Parameters
        ----------
        audio : (n,) array
            As long as the recording, at its rate and in time with it; its level does not matter,
            and silence scores 0.

        Returns
        -------
        Scores

        Raises
        ------
        ArgumentError
            If `audio` has another shape.
        """
        if np.shape(audio) != self._shape:
            raise ArgumentError(
                f"audio.shape={np.shape(audio)} must be {self._shape}, as long as the recording."
            )
        if not np.any(audio):
            return Scores(0.0, 0.0, 0.0)
        own = views(audio, self._rate, self._octaves)
        return Scores(*(_cosine(a, b) for a, b in zip(own, self._views, strict=True)))


def views(
    audio: NDArray[np.floating], sample_rate: float, octaves: int = 0
) -> tuple[NDArray[np.floating], ...]:
    """Vectors whose cosines are the scores: auditory picture, local JTFS, log-mel.

    Pictures are around their means, so that the cosine is a correlation.

    Parameters
    ----------
    audio : (n,) array
    sample_rate : float
        Hz.
    octaves : int
        As for :func:`local_coefficients`.

    Returns
    -------
    picture, jtfs, log_mel : array
    """
    # The peak is 1, or the energies of a very quiet sound would be no numbers of float32.
    x = np.asarray(audio, np.float64) / max(float(np.abs(audio).max()), 1e-300)
    picture = above_floor(auditory_power(x, sample_rate))
    window = 1 << round(np.log2(_MEL_SECONDS * sample_rate))
    mel = mel_power(torch.from_numpy(x), sample_rate, window, window // _OVERLAP)
    log_mel = above_floor(mel.numpy())
    jtfs = local_coefficients(x, sample_rate, octaves)
    return picture - picture.mean(), jtfs, log_mel - log_mel.mean()


def similarity(
    recording: NDArray[np.floating], sound: NDArray[np.floating], sample_rate: float
) -> Scores:
    """Scores of a sound beside a recording of the same length, at one rate.

    Parameters
    ----------
    recording, sound : (n,) array
    sample_rate : float
        Hz.

    Returns
    -------
    Scores

    Raises
    ------
    ArgumentError
        If their lengths differ, or the recording is silent.
    """
    return Similarity(recording, sample_rate).of(sound)


def _cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(a @ b / norms, 0.0, 1.0)) if norms else 0.0
