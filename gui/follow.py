"""Requests around following the input."""

from gui.asking import Asking


class FollowRequests(Asking):
    """Let what comes from the input drive the sound."""

    @property
    def following(self) -> bool:
        """Whether the input is followed."""
        return self.session is not None and self.session.following

    def set_following(self, following: bool) -> bool:
        """Follow the input, or no longer."""
        if following:
            return self.request(lambda session: session.start_following())
        return self.request(lambda session: session.stop_following())

    def freeze_following(self, frozen: bool) -> bool:
        """Let the sound stay as it is while the input is followed, or let it go on."""
        return self.request(lambda session: session.freeze_following(frozen))
