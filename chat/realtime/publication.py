"""What one process says to the others: hints that may be lost, doubled or late. The database is the log.

While a deployment rolls, processes of two versions hear each other. What is added (a field of a publication, an element
at the end of a part) needs no new VERSION: the other side ignores it. VERSION is raised when a part gets another
meaning; then each side ignores what the other says, and reads the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from chat.protocol.replies import LeaveReason

VERSION: Final = 1


class Hint(msgspec.Struct, omit_defaults=True, array_like=True):
    """News of a room: the new head, and the items up to it as JSON, if they are not too long.

    Feature and revision are the access under which the items were stored. A process that remembers another access
    revalidates the room before it delivers them.
    """

    room: UUID
    head: int
    feature: str
    revision: int
    items: list[bytes] | None = None


class Ephemeral(msgspec.Struct, array_like=True):
    """A frame of one person for the others in a room, which is stored nowhere.

    Revision is the one of the access under which the person could read the room. A process that remembers another one
    drops the frame.
    """

    room: UUID
    revision: int
    person: int
    frame: bytes  # JSON; each subscriber gets it with the key under which they know the room


class Departure(msgspec.Struct, array_like=True):
    """People who are in a closed room no more, and why."""

    room: UUID
    people: list[int]
    reason: LeaveReason


class Publication(msgspec.Struct, omit_defaults=True):
    """All that happened in a process since its last publication."""

    hints: list[Hint] = []
    people: list[tuple[list[int], str]] = []  # frames for people, wherever they are connected
    ephemerals: list[Ephemeral] = []
    presence: list[tuple[UUID, int]] = []  # how many people the process has in a room
    departures: list[Departure] = []
    revalidate: list[UUID] = []  # rooms that were locked or ended
    moved: list[int] = []  # people who do something else now: they wait, are matched, or neither any more
    version: int = VERSION
    epoch: str = ""  # of the database, as the sender knows it

    @property
    def is_news(self) -> bool:
        """Whether it says more than that the process is there, and how many people it has."""
        return bool(self.hints or self.people or self.ephemerals or self.departures or self.revalidate or self.moved)


class _Stamp(msgspec.Struct):
    seq: int
    at: datetime


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Publication).decode
_decode_parts = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decoders: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    field.name: msgspec.msgpack.Decoder(get_args(field.type)[0])
    for field in msgspec.structs.fields(Publication)
    if field.name not in ("version", "epoch")
}
_stamp_decoder = msgspec.json.Decoder(_Stamp)


def decode(body: Any) -> tuple[Publication, int]:
    """Return what a publication says, as far as it is understood, and how many parts of it are not. Never raises."""
    try:
        said = _decode(body)
    except msgspec.ValidationError:
        return _decode_each(body)
    except (msgspec.DecodeError, TypeError, UnicodeDecodeError, RecursionError):
        return Publication(), 1
    return (said, 0) if said.version == VERSION else (Publication(), 1)


def _decode_each(body: bytes) -> tuple[Publication, int]:
    """Decode part by part: one that is not understood takes no other along."""
    said, unknown = Publication(), 0
    try:
        parts = _decode_parts(body)
        if msgspec.msgpack.decode(parts.pop("version", b"\x01")) != VERSION:
            return said, 1
        said.epoch = msgspec.msgpack.decode(parts.pop("epoch", b"\xa0"), type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return said, 1
    for name, decoder in _decoders.items():
        if name not in parts:
            continue
        try:
            listed = _decode_list(parts[name])
        except msgspec.DecodeError:
            unknown += 1
            continue
        for part in listed:
            try:
                getattr(said, name).append(decoder.decode(part))
            except (msgspec.DecodeError, UnicodeDecodeError):
                unknown += 1
    return said, unknown


def stored_at(item: bytes) -> datetime:
    """Return when an encoded item was stored."""
    return _stamp_decoder.decode(item).at


def time_of(hint: Hint) -> datetime | None:
    """Return when the first item of a hint was stored; None where its items are not those up to its head."""
    if not hint.items:
        return None
    try:
        stamps = [_stamp_decoder.decode(item) for item in hint.items]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    first = hint.head - len(stamps) + 1
    return stamps[0].at if all(stamp.seq == seq for seq, stamp in enumerate(stamps, first)) else None
