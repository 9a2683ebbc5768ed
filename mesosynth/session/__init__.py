"""The one model that a window, a terminal or a script holds.

It owns the parameters, the target, the preset and both processes, and is the only writer of live
parameters: a knob, a preset and the matcher all pass through :meth:`Session.set_parameters`, so
that picture and sound agree. Whoever holds it calls :meth:`Session.poll` some thirty times a second
and acts on the events that come back; no call of it waits long.
"""

from mesosynth.session.session import Session

__all__ = ["Session"]
