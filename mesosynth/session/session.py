"""All parts of a session in one."""

from mesosynth.session.auditioning import Auditioning
from mesosynth.session.automation import Automating
from mesosynth.session.comparing import Comparing
from mesosynth.session.events import Event
from mesosynth.session.exploring import Exploring
from mesosynth.session.following import Following
from mesosynth.session.keeping import Keeping
from mesosynth.session.keys import Keys
from mesosynth.session.layering import Layering
from mesosynth.session.match_keeping import MatchKeeping
from mesosynth.session.rack import Rack
from mesosynth.session.snapshots import Snapshots
from mesosynth.session.sound_target import SoundTargets


class Session(
    Layering,
    Automating,
    Comparing,
    Rack,
    Snapshots,
    Keys,
    Keeping,
    SoundTargets,
    Following,
    Exploring,
    Auditioning,
    MatchKeeping,
):
    """Parameters, target, sound and match of one player.

    Parameters
    ----------
    device : str, optional
        Name (or part of it) of the output device; None takes the system's default, "silent" the
        silent clock.
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    sample_rate, block : int, optional
        Hz and frames; None leaves the choice to the device.

    Attributes
    ----------
    parameters : ParameterTable
        The instrument's and all effects'; another one after each RackChanged.
    values : dict
        All live parameters by id. Change them by :meth:`set_parameters` alone.
    follow : bool
        Whether the match drives the sound.
    target : Target or None
    target_path : Path or None
        Its file.
    result : MatchResult or None
        Of the last match of this target that came to something.
    match_settings : MatchSettings
        How the next match goes about it.
    """

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self._audio.start()
        self._capture_writer.start()
        self._matcher.start()
        self._push_values()

    def poll(self) -> list[Event]:
        """Everything that happened since the last call, in order; never blocks."""
        self._poll_controls()
        self._poll_audio()
        self._poll_reading()
        self._poll_capture()
        self._poll_recording()
        self._poll_following()
        self._poll_matcher()
        self._poll_exploring()
        self._poll_automation()
        self._poll_audition()
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """End both processes. A second call does nothing."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        self.stop_following()
        self._close_automation()
        self._matcher.close()
        self._planner.shutdown(wait=False, cancel_futures=True)
        self._controls.close()
        self._capture_writer.close()
        self._audio.close()
