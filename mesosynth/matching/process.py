"""The session's handle on the matcher's process.

Torch lives in that process alone. It may be killed at any moment: :meth:`MatcherProcess.poll`
starts it again and hands it what it was working on, a match from where it stood.
"""

import multiprocessing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mesosynth.audio.target import Target
from mesosynth.matching.evaluation_cache import Evaluation
from mesosynth.matching.requests import (
    AskDrivers,
    ChooseInstrument,
    DrawLayers,
    Drawn,
    DrawSound,
    Ended,
    Explore,
    LayersDone,
    LayersJob,
    LayersStepped,
    Match,
    MatchLayers,
    Noted,
    Paused,
    Reply,
    Request,
    Restarted,
    SetMap,
    SetTarget,
    Stepped,
)
from mesosynth.matching.results import Layer, MatchSettings
from mesosynth.matching.worker import work
from mesosynth.system.spawning import bare_main, one_thread_each

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event as Flag


class MatcherProcess:
    """Matching, pictures and maps of the loss in a process of low priority.

    Not thread-safe: one thread holds it and calls :meth:`poll` often.

    Parameters
    ----------
    instrument : str
        A matchable instrument's name.

    Attributes
    ----------
    matching : bool
        Whether a match runs, or stands still.
    finished : bool
        Whether the last match came to its end by itself.
    settings : MatchSettings
        Of the last match.
    layers : LayersJob or None
        The last match, if it was one with layers, as far as it came.
    evaluations : list of Evaluation
        Those of the last match.
    """

    def __init__(self, instrument: str = "chirplet") -> None:
        self._instrument = instrument
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._target: Target | None = None
        self._drawing: DrawSound | DrawLayers | None = None  # what is to be seen
        self._asked: DrawSound | DrawLayers | None = None  # what the process draws now
        self._explore: Explore | None = None
        self._number = 0
        self.matching = self.finished = False
        self.settings = MatchSettings()
        self.layers: LayersJob | None = None
        self.evaluations: list[Evaluation] = []
        self._stands = False  # whether the match stands still by now
        self._dropped: list[Reply] = []  # the end of a match that was dropped just now
        self._steps = 0  # of this match that were reported
        self._steps_again = 0  # that were reported before it was taken up again

    def start(self) -> None:
        """Start the process and return at once; it needs some seconds for torch."""
        self._requests: Queue[Request] = self._context.Queue()
        self._stop: Flag = self._context.Event()
        self._pause: Flag = self._context.Event()
        self._replies: Connection
        self._replies, theirs = self._context.Pipe(duplex=False)
        self._process = self._context.Process(
            target=work,
            args=(self._instrument, self._requests, theirs, self._stop, self._pause),
            name="mesosynth matcher",
            daemon=True,
        )
        # A helper of NumPy's would be born before the process lowers its priority, and spin.
        with bare_main(), one_thread_each():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.is_alive()

    @property
    def paused(self) -> bool:
        """Whether the match stands still, or will in a moment."""
        return self.matching and self._pause.is_set()

    def set_target(self, target: Target) -> None:
        """Take `target` for the next match, and draw it."""
        self._target = target
        self._requests.put(SetTarget(target))

    def choose(self, instrument: str) -> None:
        """Match another instrument from now on; there is no map of it, nor a picture, as yet."""
        self._instrument = instrument
        self._drawing = self._asked = self._explore = None
        self._requests.put(ChooseInstrument(instrument))

    def draw_sound(self, values: Mapping[str, float]) -> None:
        """Draw the sound that the parameters `values` make; only the last request counts."""
        self._draw(DrawSound(values))

    def draw_layers(self, layers: Sequence[Layer]) -> None:
        """Draw the sum of layers and compare it with the target, as :meth:`draw_sound` does."""
        self._draw(DrawLayers(tuple(layers)))

    def explore(self, wanted: Explore | None) -> None:
        """Fill in a map of the target's loss while nothing else is asked; None ends that.

        Another point on the same map goes on with the cells that are missing, nearest first.
        """
        self._explore = wanted
        self._requests.put(SetMap(wanted))

    def ask_drivers(self, values: Mapping[str, float], unknowns: tuple[str, ...]) -> None:
        """Tell which coefficients would drive a match from `values`; only the last call counts."""
        self._requests.put(AskDrivers(values, unknowns))

    def start_match(
        self,
        settings: MatchSettings | None = None,
        evaluations: Sequence[Evaluation] = (),
        paused: bool = False,
    ) -> None:
        """Match the target; with evaluations of an earlier run, from where that stood.

        With `paused`, the match stands still once it is there again; :class:`Paused` follows, or
        :class:`Ended` if nothing was left to do.
        """
        self.settings = settings or MatchSettings()
        self.evaluations, self.layers = list(evaluations), None
        self._begin(paused)

    def start_layers(self, job: LayersJob, paused: bool = False) -> None:
        """Match the target with layers, or go on where the job stands; `paused` as of any match.

        :class:`LayersStepped` tells each step, :class:`LayersDone` the end; pausing, stopping and
        dropping are those of any match.
        """
        self.evaluations, self.layers = [], job
        self._begin(paused)

    def _begin(self, paused: bool) -> None:
        self._steps = self._steps_again = 0
        self.finished = False
        self._stop.clear()
        (self._pause.set if paused else self._pause.clear)()
        self._send_match()

    def stop_match(self) -> None:
        """Ask the match to end with the best it has; :class:`Ended` follows."""
        self._stop.set()
        self._pause.clear()
        if self._stands:
            self._send_match()

    def drop_match(self) -> None:
        """End the match, whatever it has; :class:`Ended` follows."""
        if self._stands:
            self.matching = self._stands = False
            self._pause.clear()
            self._dropped = [Ended(None) if self.layers is None else LayersDone(None)]
        else:
            self.stop_match()

    def pause_match(self) -> None:
        """Ask the match to stand still; :class:`Paused` follows, or Ended if it just ended."""
        if self.matching:
            self._pause.set()

    def resume_match(self) -> None:
        """Let the match go on."""
        self._pause.clear()
        if self._stands:
            self._send_match()

    def poll(self) -> list[Reply]:
        """What came back since the last call; starts a process that died again. Never blocks."""
        replies, self._dropped = self._dropped, []
        try:
            while self._replies.poll():
                number, reply = self._replies.recv()
                if number in (0, self._number) and self._is_news(reply):
                    replies.append(reply)
        except (EOFError, OSError):
            self._revive()
            replies.append(Restarted())
        return replies

    def close(self) -> None:
        """End the process. A second call does nothing."""
        if self._process is None:
            return
        self._process.kill()
        self._process.join()
        self._process.close()
        self._process = None
        self._replies.close()
        self._requests.close()
        self._requests.cancel_join_thread()

    def _is_news(self, reply: Reply) -> bool:
        """Take note of a reply; whether the session need know it."""
        match reply:
            case Noted(evaluation):
                self.evaluations[evaluation.number :] = [evaluation]
                return False
            case Drawn():
                self._draw_next()
                return False
            case Stepped():
                self._steps += 1
                return self._steps > self._steps_again
            case LayersStepped(step) if self.layers is not None:
                self.layers = self.layers.after(step)
            case Ended() | LayersDone():
                self.matching = self._stands = False
                self.finished = not self._stop.is_set()
            case Paused():
                self._stands = True
                if not self._pause.is_set():  # it is to go on, or to end, by now
                    self._send_match()
                    return False
            case _:
                pass
        return True

    def _send_match(self) -> None:
        """Run the match, which does again in a moment what it had done."""
        self._number += 1
        self._steps_again, self._steps = max(self._steps, self._steps_again), 0
        self.matching, self._stands = True, False
        if self.layers is not None:
            self._requests.put(MatchLayers(self._number, self.layers))
        else:
            self._requests.put(Match(self._number, self.settings, tuple(self.evaluations)))

    def _draw(self, drawing: DrawSound | DrawLayers) -> None:
        """Ask for a picture as soon as the last is drawn: a match may let requests wait."""
        self._drawing = drawing
        if self._asked is None:
            self._asked = drawing
            self._requests.put(drawing)

    def _draw_next(self) -> None:
        drawn, self._asked = self._asked, None
        if drawn is not None and self._drawing is not None and self._drawing is not drawn:
            self._draw(self._drawing)

    def _revive(self) -> None:
        stopped, paused = self._stop.is_set(), self._pause.is_set()
        self.close()
        self.start()
        if stopped:
            self._stop.set()
        if paused:
            self._pause.set()
        if self._target is not None:
            self.set_target(self._target)
        self._asked = None
        if self._drawing is not None:
            self._draw(self._drawing)
        if self._explore is not None:
            self.explore(self._explore)
        if self.matching and not self._stands:
            self._send_match()
