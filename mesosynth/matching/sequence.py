"""Match of a long sound, window by window, each started from the one before.

Theta moves little from one window to the next, so a step or two are enough; where these explain
little, or after silence, the table of arpeggios is asked anew. A window depends on nothing but the
windows before it, so a sequence that was stopped goes on as if it had not been.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.file import SoundStream, stream_audio
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, TARGET_PEAK, resampled
from mesosynth.errors import MatchFileError
from mesosynth.matching.checkpoint import Checkpoint, keep, load_checkpoint
from mesosynth.matching.descent import Iterate, NormalEquations, levenberg_marquardt
from mesosynth.matching.model import CHIRPLET, State, Unknowns
from mesosynth.matching.noise import correlation, onset_of
from mesosynth.matching.operator import Operator, shared_operator
from mesosynth.matching.results import LongSound, MatchedSequence, Moment, SequenceSettings
from mesosynth.matching.starts import starts_of
from mesosynth.system.steps import Steps, Stopped, result_of

# --------------------------------------------------------------------------------------------------
# Overlapping windows of a long sound, streamed: an hour takes no more memory than a minute.


def windows(
    sound: SoundStream, hop: float, count: int, first: int = 0
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Windows `first` to `count` of a sound.

    Parameters
    ----------
    sound : SoundStream
    hop : float
        s; the middle of window k lies at ``(k + 1/2) hop``.
    count : int
    first : int
        The sound is read from its beginning even so: what a filter has heard before is the same
        then, and so is every window, to the last bit.

    Yields
    ------
    float
        Time of the middle, s.
    (ANALYSIS_SAMPLES,) float32
        What is heard around it at ANALYSIS_RATE; silence beyond the sound's ends.
    """
    half = ANALYSIS_SAMPLES // 2
    blocks = resampled(sound.blocks, sound.sample_rate)
    buffer = np.zeros(half, np.float32)
    at = -half  # place in the sound of the buffer's first sample
    for k in range(count):
        begin = round((k + 0.5) * hop * ANALYSIS_RATE) - half
        while at + len(buffer) < begin + ANALYSIS_SAMPLES:
            block = next(blocks, None)
            if block is None:
                missing = begin + ANALYSIS_SAMPLES - at - len(buffer)
                block = np.zeros(missing, np.float32)
            buffer = np.concatenate([buffer, block])
        buffer, at = buffer[begin - at :], begin
        if k >= first:
            yield (k + 0.5) * hop, buffer[:ANALYSIS_SAMPLES].copy()


# --------------------------------------------------------------------------------------------------
# Search window by window, each from the theta of the last one


_TIME = (np.arange(ANALYSIS_SAMPLES) - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE  # s, 0 in the middle
_SILENT = 1e-3  # of the sound's peak: -60 dB
_SHORTEST_GRAIN = 0.5  # s, either side of a window's middle
_FLAT, _EDGE = 4.0, 1.0  # standard deviations of the arpeggio that a lens passes, either side
_LENS_ERROR = 0.25  # log of a duration; a lens with a larger error cuts the arpeggio

_SAME_ONSET = 0.02  # s between the onsets of one arpeggio in two windows

_POOR_LOSS = 0.03  # above it the table may be searched again
_WORSE_LOSS = 1.5  # factor of the loss of the last search in the table
_RETRY_WINDOWS = 16  # a poor match is searched again after as many windows

_STARTS, _ROUGH_STEPS, _FRESH_STEPS, _WARM_STEPS = 2, 6, 6, 4  # evaluations
_ROUGH, _FINE = 5e-2, 1e-2  # steps that end a descent, which converges by squares

TOLERANCE = 5e-3
"""Of the lean JTFS: half the time of the matcher's own, and theta comes out the same to 0.1%."""


def sequence_steps(
    path: Path, settings: SequenceSettings | None = None, run: Path | None = None
) -> Steps[MatchedSequence | Moment, MatchedSequence]:
    """Match a sound file of any length as a row of arpeggios, as a generator.

    Parameters
    ----------
    path : Path
    settings : SequenceSettings, optional
    run : Path, optional
        A file that grows as the sequence does. If it holds this very sequence already, that is gone
        on with, and comes to the same thetas as if it had never stopped.

    Yields
    ------
    None, MatchedSequence or Moment
        The sequence as far as it came before; then each new moment, which has joined it; and None
        every few hundredths of a second.

    Returns
    -------
    MatchedSequence
        ``finished`` unless it was stopped; the window that was under way then is forgotten.

    Raises
    ------
    AudioFileError, TargetError
        If the file cannot be read, or holds nothing to match.
    MatchFileError
        If `run` cannot be written, or is of something else.
    """
    settings = settings or SequenceSettings()
    stream = stream_audio(path)
    sound = LongSound(stream.name, stream.sha256, stream.duration, stream.remark)
    checkpoint = Checkpoint("sequence", settings, sound)
    if run is None:
        return (yield from _search(stream, checkpoint.sequence))
    if run.exists() and run.stat().st_size:
        kept = load_checkpoint(run, "sequence")
        if kept.settings != settings or kept.target.sha256 != sound.sha256:
            raise MatchFileError(
                f"{run} is a sequence of {kept.target.name} with other settings or of another "
                "sound; name another file, or delete this one."
            )
        checkpoint = msgspec.structs.replace(kept, target=sound)
    matched = checkpoint.sequence
    if checkpoint.finished:
        yield matched
        return matched
    return (yield from keep(_search(stream, matched), run, checkpoint))


def _search(
    stream: SoundStream, matched: MatchedSequence
) -> Steps[MatchedSequence | Moment, MatchedSequence]:
    yield matched
    settings, moments = matched.settings, matched.moments
    matcher = WindowMatcher(shared_operator(tolerance=TOLERANCE), settings, stream.peak)
    count = matched.sound.windows(settings.hop)
    try:
        for time, audio in windows(stream, settings.hop, count, len(moments)):
            moment = yield from matcher.match(time, audio, moments)
            moments.append(moment)
            yield moment
    except Stopped:
        pass
    return matched


def match_sequence(
    path: Path, settings: SequenceSettings | None = None, run: Path | None = None
) -> MatchedSequence:
    """Match a sound file to its end.

    Parameters
    ----------
    path : Path
    settings : SequenceSettings, optional
    run : Path, optional
        As for :func:`sequence_steps`.

    Returns
    -------
    MatchedSequence

    Raises
    ------
    AudioFileError, TargetError
        If the file cannot be read, or holds nothing to match.
    MatchFileError
        If `run` cannot be written, or is of another sound or other settings.
    """
    return result_of(sequence_steps(path, settings, run))


@dataclass(frozen=True)
class _End:
    """End of a descent, and the windowed sound that it was matched to."""

    iterate: Iterate
    audio: NDArray[np.float32]
    evaluations: int
    fresh: bool = False

    @property
    def loss(self) -> float:
        return self.iterate.loss


class WindowMatcher:
    """Finds the arpeggio around one window's middle after another.

    Parameters
    ----------
    operator : Operator
        Of the chirplet, with a Φ that does not hear shifts.
    settings : SequenceSettings
    peak : float
        Of the whole sound: far below it is silence.
    """

    def __init__(self, operator: Operator, settings: SequenceSettings, peak: float) -> None:
        self._operator, self._settings, self._peak = operator, settings, peak
        free = [id_ for id_ in settings.unknowns if id_ not in settings.pinned]
        self._unknowns = Unknowns.named(free)
        half = max(settings.hop, _SHORTEST_GRAIN)
        self._grain = _lens(0.0, 0.5 * half, 0.5 * half)

    def match(
        self, time: float, audio: NDArray[np.float32], before: Sequence[Moment]
    ) -> Steps[None, Moment]:
        """Match what sounds around the middle of a window.

        Parameters
        ----------
        time : float
            Of the middle, s of the sound; it returns in the moment.
        audio : (ANALYSIS_SAMPLES,) float32
        before : sequence of Moment
            All that were found until then.
        """
        peak = float(np.abs(audio * self._grain).max())
        if peak <= _SILENT * self._peak:
            return Moment(time)
        scale = TARGET_PEAK / float(np.abs(audio).max())
        audio = audio * np.float32(scale)
        last = before[-1] if before else None
        if last is not None and last.theta:
            onset = self._onset(audio, CHIRPLET.state_of(last.theta))
            if abs(time + onset - last.onset) < _SAME_ONSET:
                return replace(last, time=time, fresh=False, evaluations=0)
        end = yield from self._match(audio, before)
        state = end.iterate.state
        x = self._operator.synthesize(state[: CHIRPLET.onset])
        level = np.abs(correlation(end.audio, x)).max() / np.square(x).sum()
        stds = self._unknowns.std(state, end.iterate.std)
        return Moment(
            time=time,
            theta=CHIRPLET.by_id(state),
            std={id_: std for id_, std in stds.items() if np.isfinite(std)},
            loss=end.loss,
            onset=time + onset_of(self._operator.jtfs, end.audio, x),
            gain=float(level) / scale,
            fresh=end.fresh,
            evaluations=end.evaluations,
        )

    def _match(self, audio: NDArray[np.float32], before: Sequence[Moment]) -> Steps[None, _End]:
        if not before or before[-1].silent:
            return (yield from self._look_around(audio))
        warm = yield from self._go_on(audio, CHIRPLET.state_of(before[-1].theta))
        if not _worth_a_look(warm.loss, before):
            return warm
        fresh = yield from self._look_around(audio)
        evaluations = warm.evaluations + fresh.evaluations
        best = min(warm, fresh, key=lambda end: end.loss)
        return _End(best.iterate, best.audio, evaluations, fresh=True)

    def _go_on(self, audio: NDArray[np.float32], state: State) -> Steps[None, _End]:
        """From a theta that is nearly right."""
        through = self._through_lens(audio, state)
        return self._descend(through, state, _WARM_STEPS, _FINE)

    def _look_around(self, audio: NDArray[np.float32]) -> Steps[None, _End]:
        """From the nearest neighbours in the table: by what the grain lets through, or by all.

        An arpeggio that is longer than the grain is known by the whole window only.
        """
        grain = (audio * self._grain).astype(np.float32)
        end = yield from self._look_at(audio, grain)
        if end.loss <= _POOR_LOSS:
            return end
        whole = yield from self._look_at(audio, audio)
        evaluations = end.evaluations + whole.evaluations
        best = min(end, whole, key=lambda one: one.loss)
        return _End(best.iterate, best.audio, evaluations, fresh=True)

    def _look_at(self, audio: NDArray[np.float32], part: NDArray[np.float32]) -> Steps[None, _End]:
        """From the starts of a part of the window, by what lies around the arpeggio there."""
        yield
        S = self._operator.analyse(part)
        rough: list[_End] = []
        for start in starts_of(self._operator, S, part, _STARTS):
            state = self._state_of(start.theta)
            rough += [(yield from self._descend(part, state, _ROUGH_STEPS, _ROUGH))]
        end = min(rough, key=lambda end: end.loss)
        evaluations = sum(each.evaluations for each in rough)
        for _ in range(2):
            before = end.iterate.state
            through = self._through_lens(audio, before, part)
            end = yield from self._descend(through, before, _FRESH_STEPS, _FINE)
            evaluations += end.evaluations
            if abs(np.log(_sigma(end.iterate.state) / _sigma(before))) < _LENS_ERROR:
                break
        return _End(end.iterate, end.audio, evaluations, fresh=True)

    def _state_of(self, first: NDArray[np.float64]) -> State:
        """A start of the table; what is pinned stands where it is pinned."""
        found = dict(zip(CHIRPLET.first, map(float, first), strict=True))
        return CHIRPLET.in_range(CHIRPLET.state_of({**found, **self._settings.pinned}))

    def _through_lens(
        self, audio: NDArray[np.float32], state: State, part: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """The sound around the arpeggio of `state` in a part, by default around the middle."""
        sigma = _sigma(state)
        onset = self._onset(audio, state, part)
        return (audio * _lens(onset, _FLAT * sigma, _EDGE * sigma)).astype(np.float32)

    def _onset(
        self, audio: NDArray[np.float32], state: State, part: NDArray[np.float32] | None = None
    ) -> float:
        """When the arpeggio of `state` is in its middle, s after the window's."""
        x = self._operator.synthesize(state[: CHIRPLET.onset])
        if part is None:
            part = (audio * self._grain).astype(np.float32)
        return onset_of(self._operator.jtfs, part, x)

    def _descend(
        self, audio: NDArray[np.float32], start: State, steps: int, precision: float
    ) -> Steps[None, _End]:
        S, asked = self._operator.analyse(audio), 0

        def evaluate(state: State) -> Steps[None, NormalEquations]:
            nonlocal asked
            asked += 1
            at = yield from self._operator.linearize_steps(state, self._unknowns.free)
            return NormalEquations.from_numbers(at.towards(S))

        start = CHIRPLET.in_range(start)
        last: Iterate | None = None
        for news in levenberg_marquardt(evaluate, start, self._unknowns, steps, precision):
            if isinstance(news, Iterate):
                last = news
            else:
                yield
        assert last is not None
        return _End(last, audio, asked + 1)


def _worth_a_look(loss: float, before: Sequence[Moment]) -> bool:
    """Whether a match is so poor that looking around may find a better one.

    What cannot be explained at all would be looked at in vain: so only where it is worse than the
    last time, or after a while.
    """
    if loss <= _POOR_LOSS:
        return False
    for since, moment in enumerate(reversed(before)):
        if moment.fresh:
            return loss > _WORSE_LOSS * moment.loss or since >= _RETRY_WINDOWS
    return True


def _sigma(state: State) -> float:
    """Standard deviation of an arpeggio's envelope, s."""
    return Moment(0.0, CHIRPLET.by_id(state)).sigma


def _lens(onset: float, flat: float, edge: float) -> NDArray[np.float64]:
    """A window (ANALYSIS_SAMPLES,) that passes `flat` s either side of `onset`, with round edges.

    The onset is in seconds after the middle; beyond an edge of that many seconds it is 0.
    """
    beyond = np.clip((np.abs(_TIME - onset) - flat) / edge, 0.0, 1.0)
    return 0.5 + 0.5 * np.cos(np.pi * beyond)
