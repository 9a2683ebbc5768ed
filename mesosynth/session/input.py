"""The part of a session that opens the input, for as many as listen to it."""

from mesosynth.session.matching import Matching


class Input(Matching):
    """Takes and following hear the same input; it is open as long as one of them listens."""

    _listeners = 0

    def _open_input(self) -> int:
        """Listen from now on; return the sample rate, Hz.

        Raises
        ------
        DeviceError
            If there is no input, or it does not start.
        WorkerError
            If the audio process does not answer.
        """
        rate = self._audio.recording_rate if self._listeners else 0
        if rate:
            self._audio.recording.skip()  # a take begins with what comes now
        else:
            rate = self._audio.start_recording()
        self._listeners += 1
        return rate

    def _close_input(self) -> None:
        """No longer listen; the input closes behind the last one."""
        self._listeners -= 1
        if not self._listeners:
            self._audio.stop_recording()
