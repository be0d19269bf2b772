"""The frames of `chat.v1` as typed structs, and the close codes. What arrives is decoded here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from compliance.law import Feature

PROTOCOL = "chat.v1"
FRAME_BYTES = 16 * 1024
MESSAGE_CHARS = 2000

Ref = Annotated[str, Meta(max_length=64)]
RoomKey = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Limit = Annotated[int, Meta(ge=1, le=200)]
Body = Annotated[str, Meta(min_length=1, max_length=MESSAGE_CHARS)]
_PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*(?![\s\S])"  # `$` would let a last line feed pass
Topic = Annotated[str, Meta(max_length=40, pattern=_PRINTABLE)]
Language = Annotated[str, Meta(max_length=8, pattern=_PRINTABLE)]


class Close(IntEnum):
    """Close codes. 4503 and 4504 mean: come back; 4400 and 4403 mean: do not."""

    PROTOCOL = 4400
    AUTH = 4401
    FORBIDDEN = 4403
    SLOW = 4408
    FLOOD = 4429
    GATE = 4451
    DRAINING = 4503
    MAX_AGE = 4504


class Code(StrEnum):
    """Why a frame was refused."""

    PROTOCOL = "protocol"
    AUTH = "auth"
    GATE = "gate"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    RATE = "rate"
    SIZE = "size"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"


class Refused(Exception):
    """A request that was refused: the code, and why in a sentence for the person who asked."""

    def __init__(self, code: Code, reason: str, *, rule: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.rule, self.retry_after = code, str(reason), rule, retry_after


# --- what a client says ----------------------------------------------------------------------------------------


class _In(Struct, forbid_unknown_fields=True, tag_field="type"):
    """A client's frame, with the feature whose door it knocks at; None: the door of the room that it names."""

    feature: ClassVar[Feature | None]


class RoomJoin(_In, tag="room.join"):
    """Receive a room's events, from `after` on or from the latest page."""

    feature = None
    ref: Ref
    room: RoomKey
    after: Seq | None = None


class RoomLeave(_In, tag="room.leave"):
    """Stop receiving a room's events."""

    feature = Feature.SERVICE
    ref: Ref
    room: RoomKey


class RoomSync(_In, tag="room.sync"):
    """Read events after a seq, to fill a hole."""

    feature = None
    ref: Ref
    room: RoomKey
    after: Seq
    limit: Limit | None = None


class RoomHistory(_In, tag="room.history"):
    """Read events before a seq."""

    feature = None
    ref: Ref
    room: RoomKey
    before: Seq
    limit: Limit | None = None


class MessagePost(_In, tag="message.post"):
    """Store a message."""

    feature = None
    ref: Ref
    room: RoomKey
    client_id: UUID
    body: Body
    reply_to: Seq | None = None


class MessageEdit(_In, tag="message.edit"):
    """Change one's own message."""

    feature = None
    ref: Ref
    room: RoomKey
    seq: Seq
    body: Body


class MessageDelete(_In, tag="message.delete"):
    """Take one's own message back."""

    feature = None
    ref: Ref
    room: RoomKey
    seq: Seq
    body: str | None = None


class RoomSeen(_In, tag="room.seen"):
    """Say how far one has read."""

    feature = None
    room: RoomKey
    seq: Seq
    ref: Ref | None = None


class Typing(_In, tag="typing"):
    """Say that one is writing."""

    feature = None
    room: RoomKey
    ref: Ref | None = None


class MatchSeek(_In, tag="match.seek"):
    """Wait for somebody to talk to."""

    feature = Feature.MATCH_PAIR
    ref: Ref
    topic: Topic | None = None
    language: Language | None = None


class MatchCancel(_In, tag="match.cancel"):
    """Stop waiting."""

    feature = Feature.SERVICE
    ref: Ref


class MatchLeave(_In, tag="match.leave"):
    """End a closed talk."""

    feature = Feature.SERVICE
    ref: Ref
    room: RoomKey


class Ping(_In, tag="ping"):
    """Say that one is still there."""

    feature = Feature.SERVICE
    ref: Ref | None = None


ClientFrame = (
    RoomJoin
    | RoomLeave
    | RoomSync
    | RoomHistory
    | MessagePost
    | MessageEdit
    | MessageDelete
    | RoomSeen
    | Typing
    | MatchSeek
    | MatchCancel
    | MatchLeave
    | Ping
)


# --- what the server says --------------------------------------------------------------------------------------


class Author(Struct, frozen=True):
    """Who wrote an item."""

    id: str | None
    name: str


class Item(Struct, frozen=True, omit_defaults=True):
    """One event of a room's log as the wire shows it."""

    seq: int
    id: UUID
    kind: str
    author: Author
    body: str
    at: str
    client_id: UUID | UnsetType = UNSET
    reply_to: int | UnsetType = UNSET
    target: int | UnsetType = UNSET


class _Out(Struct, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """A server's frame. Frames are written as dicts where they arise; these are the only shapes that they may have."""


class Me(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the service takes this socket for; an anonymous reader has no id and an empty name."""

    id: str | None
    name: str
    guest: bool


class FeatureState(Struct, frozen=True, forbid_unknown_fields=True):
    """What the gate says of one feature: the id of the rule, and why, in a sentence in the socket's language.

    `new` says why nothing new is begun with it: its end is announced, and what runs goes on to that day.
    """

    allowed: bool
    rule: str
    reason: str
    new: str | UnsetType = UNSET


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes that a client must keep to, and per action how many at once and how many more per second."""

    message_chars: int
    frame_bytes: int
    page: int
    page_most: int
    rates: dict[str, tuple[int, float]]


class Welcome(_Out, tag="welcome"):
    """The first frame of every socket: who one is, what is on, and the limits. `heartbeat` is in seconds."""

    protocol: str
    user: Me
    features: dict[str, FeatureState]
    limits: Limits
    heartbeat: int


class RoomJoined(_Out, tag="room.joined"):
    """From here on the room's events come. `more`: older ones exist, or with `after` newer ones that are still due."""

    ref: Ref
    room: RoomKey
    kind: Literal["open", "closed"]
    head: Seq
    items: list[Item]
    more: bool


class RoomLeft(_Out, tag="room.left"):
    """The room's events come no more."""

    ref: Ref
    room: RoomKey


class Messages(_Out, tag="messages"):
    """Events of a room in order of seq: what happened, or with `ref` the page that was asked for."""

    room: RoomKey
    items: list[Item]
    ref: Ref | UnsetType = UNSET
    head: Seq | UnsetType = UNSET
    more: bool | UnsetType = UNSET


class MessageAccepted(_Out, tag="message.accepted"):
    """The receipt: what was asked stands in the log, committed, at this seq."""

    ref: Ref
    room: RoomKey
    seq: Seq
    at: str
    client_id: UUID | UnsetType = UNSET


class Refusal(_Out, tag="refused"):
    """No, and why in a sentence for the person. `rule` names the law's rule, `retry_after` is in seconds."""

    code: Code
    reason: str
    ref: Ref | UnsetType = UNSET
    room: RoomKey | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


class Presence(_Out, tag="presence"):
    """How many people are in a room now. May be dropped when the reader is slow."""

    room: RoomKey
    count: int


class SomebodyTyping(_Out, tag="typing"):
    """Somebody else in the room is writing. May be dropped when the reader is slow."""

    room: RoomKey
    user: Author


class MatchWaiting(_Out, tag="match.waiting"):
    """One stands in the queue, since then; `estimate` is in seconds, where there is one."""

    ref: Ref
    since: datetime
    estimate: float | UnsetType = UNSET


class MatchMade(_Out, tag="match.made"):
    """Somebody was found: the closed room to join, and who is in it besides."""

    room: RoomKey
    partner: Author


class MatchCancelled(_Out, tag="match.cancelled"):
    """One stands in the queue no more."""

    reason: str
    ref: Ref | UnsetType = UNSET


class MatchLeft(_Out, tag="match.left"):
    """A closed talk is over here: one left it, the partner did, it ended, or the gate was shut."""

    room: RoomKey
    reason: Literal["left", "partner_left", "ended", "gate"]
    ref: Ref | UnsetType = UNSET


class GateChanged(_Out, tag="gate.changed"):
    """The gate moved: each feature anew."""

    features: dict[str, FeatureState]


class Closing(_Out, tag="closing"):
    """The last frame before the service closes the socket with this code; `retry_after` is in seconds."""

    code: Close
    reason: str
    retry_after: float | UnsetType = UNSET


class Pong(_Out, tag="pong"):
    """The answer to a ping."""

    ref: Ref | UnsetType = UNSET


ServerFrame = (
    Welcome
    | RoomJoined
    | RoomLeft
    | Messages
    | MessageAccepted
    | Refusal
    | Presence
    | SomebodyTyping
    | MatchWaiting
    | MatchMade
    | MatchCancelled
    | MatchLeft
    | GateChanged
    | Closing
    | Pong
)

#: What answers each request; `refused` may answer any of them, and those with None have no other answer.
ANSWERS: dict[type[ClientFrame], type[ServerFrame] | None] = {
    RoomJoin: RoomJoined,
    RoomLeave: RoomLeft,
    RoomSync: Messages,
    RoomHistory: Messages,
    MessagePost: MessageAccepted,
    MessageEdit: MessageAccepted,
    MessageDelete: MessageAccepted,
    RoomSeen: None,
    Typing: None,
    MatchSeek: MatchWaiting,
    MatchCancel: MatchCancelled,
    MatchLeave: MatchLeft,
    Ping: Pong,
}


# --- bytes -----------------------------------------------------------------------------------------------------


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_ref_decoder = msgspec.json.Decoder(dict[str, Any])

type_names = {cls.__struct_config__.tag: cls for cls in ClientFrame.__args__}


def is_too_large(text: str | bytes) -> bool:
    """Return whether a frame has more bytes than one may have."""
    return len(text) > FRAME_BYTES or (
        isinstance(text, str) and not text.isascii() and len(text.encode(errors="surrogatepass")) > FRAME_BYTES
    )


def decode(text: str | bytes) -> ClientFrame:
    """Decode one client frame.

    Raises:
        Refused: `size` if a body is too long or empty, `protocol` for anything else that the contract does not have.
    """
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        code = Code.SIZE if "$.body" in str(error) and "length" in str(error) else Code.PROTOCOL
        raise Refused(code, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused(Code.PROTOCOL, f"not a JSON object of {PROTOCOL}: {error}") from None


def ref_of(text: str | bytes) -> str | None:
    """Return the `ref` of a frame that could not be decoded, if it has one, so that the refusal can name it."""
    try:
        ref = _ref_decoder.decode(text).get("ref")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return ref[:64] if isinstance(ref, str) else None


def encode(kind: str, **fields: Any) -> str:
    """Encode one server frame; fields that are None are left out."""
    return _encoder.encode(
        {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
    ).decode()


def encode_bytes(value: Any) -> bytes:
    """Encode any wire value as JSON bytes."""
    return _encoder.encode(value)


def timestamp(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
