"""Signals of a session, recorded in the order in which they are emitted."""

import time
from functools import partial

import psygnal


class Recorder(list):
    """(name, arguments) of every signal, such as ("match.ended", (result,)).

    Attributes
    ----------
    session : Session
    """

    def __init__(self, session):
        super().__init__()
        self.session, self._polled = session, 0
        for name, part in vars(session).items():
            for attribute, signal in vars(type(part)).items():
                if isinstance(signal, psygnal.Signal):
                    full = f"{name}.{attribute}"
                    getattr(part, attribute).connect(partial(self._record, full), check_nargs=False)

    def _record(self, name, *args):
        self.append((name, args))

    def of(self, name):
        """What each signal of that name told: its argument, or a tuple of them."""
        return [_value(args) for other, args in self if other == name]

    def texts(self, *severities):
        """Messages, of certain severities if any are named."""
        said = self.of("messages.said")
        return [text for text, severity in said if not severities or severity in severities]

    def wait(self, name, seconds=120.0, where=lambda *args: True):
        """Poll until there is a signal of that name, and return what it told.

        Signals count that were emitted since the last poll in here.
        """
        found = []

        def look():
            found.extend(a for n, a in self[self._polled :] if n == name and where(*a))
            return found

        self.until(look, seconds, name)
        return _value(found[0])

    def until(self, condition, seconds=120.0, what="it"):
        """Poll until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}; {self.seen()}"
            self._polled = len(self)
            self.session.poll()
            time.sleep(0.01)
        self._polled = len(self)

    def clear(self):
        super().clear()
        self._polled = 0

    def seen(self):
        """Names of all signals, and the messages."""
        return [args[0] if name == "messages.said" else name for name, args in self]


def _value(args):
    return args[0] if len(args) == 1 else args
