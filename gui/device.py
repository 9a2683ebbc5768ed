"""Requests to the sound device, and what it tells."""

import numpy as np
from numpy.typing import NDArray

from gui.asking import Asking
from mesosynth.engine.status import AudioStatus


class DeviceRequests(Asking):
    """Where the sound goes to, and how it does there."""

    def scope(self, frames: int) -> NDArray[np.float32]:
        """Return the last `frames` samples that were played; fewer or none at the start."""
        return np.zeros(0, np.float32) if self.session is None else self.session.scope(frames)

    def audio_status(self) -> AudioStatus | None:
        """Return the state of the sound device, or None while it is not known."""
        return None if self.session is None else self.session.audio_status()

    def set_device(
        self, device: str | None, sample_rate: int | None = None, block: int | None = None
    ) -> bool:
        """Change over to another device, sample rate or block."""
        return self.request(lambda session: session.set_device(device, sample_rate, block))

    def reset_meters(self) -> bool:
        """Count underflows and the largest load and peaks anew."""
        return self.request(lambda session: session.reset_meters())
