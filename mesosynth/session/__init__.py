"""Session: the model of the whole program, without a display.

It has parts, each with its own state and its own signals; see :class:`Session`. A window, a
terminal or a script holds it. :meth:`Session.poll` drives its processes and emits the signals; no
call of it waits long.
"""

from mesosynth.session.session import Session

__all__ = ["Session"]
