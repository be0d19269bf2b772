"""What a client says: one struct for each request of `chat.v1`. A capability handles each (`realtime.dispatch`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

FRAME_BYTES = 16 * 1024
MESSAGE_CHARS = 2000
REPORTED_MESSAGES = 50
REPORT_NOTE_CHARS = 1000

Ref = Annotated[str, Meta(max_length=64)]
Epoch = Annotated[str, Meta(max_length=64)]
RoomKey = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Limit = Annotated[int, Meta(ge=1, le=200)]
# How long it is can be said once it is cleaned: `messages.events.clean` does both.
Body = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": MESSAGE_CHARS})]
# A UUID in any of its usual spellings (RFC 9562): answers repeat the one that was used.
ClientId = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?![\s\S])",
        extra_json_schema={"format": "uuid"},
    ),
]
_PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*(?![\s\S])"  # `$` would let a last line feed pass
Topic = Annotated[str, Meta(max_length=40, pattern=_PRINTABLE)]
Language = Annotated[str, Meta(max_length=8, pattern=_PRINTABLE)]
ReportReason = Literal[
    "harassment", "sexual", "minor", "threat", "fraud", "personal_data", "spam", "dating", "illegal", "other"
]


class Request(Struct, forbid_unknown_fields=True, tag_field="type"):
    """A client's frame. Each subclass is one request; the decoder knows them all."""

    if TYPE_CHECKING:

        @property
        def ref(self) -> str | None:
            """The client's name for this request. The answer repeats it."""


class RoomJoin(Request, tag="room.join"):
    """Receive a room's events, from `after` on or from the latest page.

    `epoch` is the one in which the client came to hold `after`. Where it is another one by now, or where `after` lies
    beyond the room's head, the answer is the latest page, with `reset`.
    """

    ref: Ref
    room: RoomKey
    after: Seq | None = None
    epoch: Epoch | None = None


class RoomLeave(Request, tag="room.leave"):
    """Stop receiving a room's events."""

    ref: Ref
    room: RoomKey


class RoomSync(Request, tag="room.sync"):
    """Read events after a seq, to fill a hole. Beyond the head of the room the answer is as for `room.join`."""

    ref: Ref
    room: RoomKey
    after: Seq
    limit: Limit | None = None


class RoomHistory(Request, tag="room.history"):
    """Read events before a seq."""

    ref: Ref
    room: RoomKey
    before: Seq
    limit: Limit | None = None


class RoomWriting(Request, tag="room.writing"):
    """Ask whether one may write in a room now: for a page that shows that one may not, once it is connected again."""

    ref: Ref
    room: RoomKey


class MessagePost(Request, tag="message.post"):
    """Store a message."""

    ref: Ref
    room: RoomKey
    client_id: ClientId
    body: Body
    reply_to: Seq | None = None


class MessageEdit(Request, tag="message.edit"):
    """Change one's own message."""

    ref: Ref
    room: RoomKey
    seq: Seq
    body: Body


class MessageDelete(Request, tag="message.delete"):
    """Take one's own message back. A keeper of an open room, or staff, removes another's.

    Then `body` says why, and `rule` by which rule of the terms.
    """

    ref: Ref
    room: RoomKey
    seq: Seq
    body: str | None = None
    rule: ReportReason | None = None


class MessageRestore(Request, tag="message.restore"):
    """Give a message of an open room its words back that a keeper or staff removed: for staff, within seven days."""

    ref: Ref
    room: RoomKey
    seq: Seq


class RoomSeen(Request, tag="room.seen"):
    """Say how far one has read."""

    room: RoomKey
    seq: Seq
    ref: Ref | None = None


class Typing(Request, tag="typing"):
    """Say that one is writing."""

    room: RoomKey
    ref: Ref | None = None


class MatchSeek(Request, tag="match.seek"):
    """Wait for somebody to talk to."""

    ref: Ref
    topic: Topic | None = None
    language: Language | None = None


class MatchCancel(Request, tag="match.cancel"):
    """Stop waiting."""

    ref: Ref


class MatchLeave(Request, tag="match.leave"):
    """End a closed talk."""

    ref: Ref
    room: RoomKey


class PersonBlock(Request, tag="person.block"):
    """See and meet somebody no more: a member or a guest, by their public id. They are not told."""

    ref: Ref
    user: UUID


class PersonUnblock(Request, tag="person.unblock"):
    """Take a block back."""

    ref: Ref
    user: UUID


class ReportCreate(Request, tag="report.create"):
    """Hand over messages of a room to those who keep order."""

    ref: Ref
    room: RoomKey
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=REPORTED_MESSAGES)]
    reason: ReportReason
    note: Annotated[str, Meta(max_length=REPORT_NOTE_CHARS)] | None = None


class Ping(Request, tag="ping"):
    """Say that one is still there."""

    ref: Ref | None = None
