"""Requests that change what sounds: rack, snapshots, notes, controllers, play and panic."""

from gui.asking import Asking
from mesosynth.session.snapshots import Snapshot


class SoundRequests(Asking):
    """The instrument, its effects, and what plays them."""

    @property
    def playing(self) -> bool:
        """Whether the instrument plays."""
        return self.session is not None and self.session.playing

    def set_playing(self, playing: bool) -> bool:
        """Start or stop the sound."""
        return self.request(lambda session: session.play() if playing else session.stop())

    def panic(self) -> bool:
        """Silence everything."""
        return self.request(lambda session: session.panic())

    def unpanic(self) -> bool:
        """Play again what a panic interrupted."""
        return self.request(lambda session: session.unpanic())

    def change_rack(self, method: str, *arguments: object) -> bool:
        """Call a method of the session that changes the rack; heard after a short crossfade.

        Parameters
        ----------
        method : {"set_instrument", "add_effect", "remove_effect", "move_effect", "bypass_effect"}
        *arguments
            As the session's method takes them.
        """
        done = self.request(lambda session: getattr(session, method)(*arguments))
        self.show_sound(rack=True)
        return done

    def snapshot(self) -> Snapshot | None:
        """All that makes the sound now; None while there is no session."""
        return None if self.session is None else self.session.snapshot()

    def recall(self, snapshot: Snapshot) -> bool:
        """Go back to a sound that :meth:`snapshot` took."""
        if self.session is not None and self.session.matching_layers:
            self.set_follow(False)  # or the next step would take it back
        done = self.request(lambda session: session.recall(snapshot))
        self.show_sound(rack=True)
        return done

    def play_note(self, note: int, down: bool) -> None:
        """Press a MIDI key, or let go of it."""
        if self.session is not None:
            (self.session.note_on if down else self.session.note_off)(note)

    def learn(self, parameter: str | None) -> None:
        """Let the next MIDI controller that moves turn a parameter from then on."""
        self.request(lambda session: session.learn(parameter))

    def forget_controller(self, parameter: str) -> None:
        """Let no MIDI controller turn a parameter any more."""
        self.request(lambda session: session.forget_controller(parameter))
