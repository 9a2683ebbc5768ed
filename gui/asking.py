"""What every group of requests stands on."""

from collections.abc import Callable

from mesosynth.session import Session


class Asking:
    """A part of the bridge: it asks the session, and an error becomes a message.

    Attributes
    ----------
    session : Session or None
        None until the engine has started.
    """

    session: Session | None = None

    def request(self, request: Callable[[Session], object]) -> bool:
        """Ask for something; False while there is no session, and (with a message) if refused."""
        raise NotImplementedError

    def set_follow(self, follow: bool) -> None:
        """Let the match drive the sound, or not."""
        raise NotImplementedError

    def show_sound(self, rack: bool = False) -> None:
        """Show what a request changed at once, not at the next tick; perhaps the rack with it."""
        raise NotImplementedError
