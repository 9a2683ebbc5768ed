"""MPE's zones: which channels belong to one hand, and which of them speaks for the others.

The lower zone's manager is the first channel, its members are those after it; the upper zone's is
the last one, its members are those before it. Each zone has as many members as was said last, and
takes them from the other where they would overlap.
"""

CHANNELS = 16
LOWER, UPPER = 0, CHANNELS - 1
"""The managers."""


class Zones:
    """Which channels belong together; none, at first."""

    def __init__(self) -> None:
        self._members: dict[int, tuple[int, ...]] = {LOWER: (), UPPER: ()}

    def resize(self, manager: int, members: int) -> None:
        """Give the zone of a manager so many members, 0 for no zone."""
        members = min(members, CHANNELS - 1)
        taken = range(1, 1 + members) if manager == LOWER else range(UPPER - members, UPPER)
        other = UPPER - manager
        mine = {manager, *taken} if members else set[int]()
        rest = () if other in mine else tuple(c for c in self._members[other] if c not in mine)
        self._members = {manager: tuple(taken), other: rest}

    def manager_of(self, channel: int) -> int | None:
        """The manager of a member; None for a channel that is none."""
        for manager, members in self._members.items():
            if channel in members:
                return manager
        return None

    def members_beside(self, channel: int) -> tuple[int, ...]:
        """All members of the zone that a member is in; a channel that is none stands alone."""
        manager = self.manager_of(channel)
        return (channel,) if manager is None else self._members[manager]

    def led_by(self, channel: int) -> tuple[int, ...]:
        """Channels that a gesture on `channel` is for: a manager's is for its members, too."""
        return (channel, *self._members.get(channel, ()))
