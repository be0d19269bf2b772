"""Who may read a room, as one value that processes compare before they deliver."""

from __future__ import annotations

from msgspec import Struct

from compliance.law import Feature


class Access(Struct, frozen=True):
    """Who may read a room at one moment. A process that remembers another access revalidates before it delivers.

    Attributes:
        feature: under which the room is; `room.open` means that anybody may read it.
        revision: the room's membership revision.
    """

    feature: str
    revision: int

    @property
    def is_open(self) -> bool:
        """Whether anybody may read the room."""
        return self.feature == Feature.ROOM_OPEN
