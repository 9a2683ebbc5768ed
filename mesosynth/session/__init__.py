"""The session: the model that a window, a terminal or a script holds, without a display.

It *has* parts, each with its own state and its own signals; see :class:`Session`.
:meth:`Session.poll` drives its processes and emits the signals; no call of it waits long.
"""

from mesosynth.session.session import Session

__all__ = ["Session"]
