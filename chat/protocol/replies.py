"""What the server says: one struct for each frame of `chat.v1`, and the structs that stand inside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from chat.protocol.errors import Close, Code
from chat.protocol.requests import ClientId, Epoch, Ref, RoomKey, Seq

Role = Literal["guest", "keeper", "staff", "left"]
RemovedBy = Literal["keeper", "staff"]
RESTORE = "restore"
"""The kind of an item that gives removed words back; see `Item`."""
LeaveReason = Literal["left", "partner_left", "partner_absent", "partner_gone", "away", "ended", "gate"]


class Author(Struct, frozen=True, omit_defaults=True):
    """Who wrote an item, as they were when they did. Members have no role; nobody has an id who is gone."""

    id: str | None
    name: str
    role: Role | UnsetType = UNSET


class Item(Struct, frozen=True, omit_defaults=True):
    """One event of a room's log as the wire shows it.

    `unreadable`: its words cannot be opened, because what is stored was changed or moved, or its key is gone; `body` is
    empty then. `edited`: the words of this message are those of an edit that stands after the page. `by`: a keeper of
    the room or staff deleted what is not their own. An item `restore` gives `target` its words back.
    """

    seq: int
    id: UUID
    kind: str
    author: Author
    body: str
    at: str
    client_id: str | UnsetType = UNSET
    reply_to: int | UnsetType = UNSET
    target: int | UnsetType = UNSET
    unreadable: bool = False
    edited: bool = False
    by: RemovedBy | UnsetType = UNSET


class Reply(Struct, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """A server's frame. Each subclass is one frame; a field that is UNSET is left out on the wire."""


class Me(Struct, frozen=True, forbid_unknown_fields=True):
    """The person on this socket, as the service knows them. An anonymous reader has no id and an empty name."""

    id: str | None
    name: str
    guest: bool


class FeatureState(Struct, frozen=True, forbid_unknown_fields=True):
    """What the gate says of one feature: the id of the rule, and why, in a sentence in the socket's language.

    `offered` is false where this deployment does not have the feature at all. While it winds down, what runs goes on:
    `winding_down` is the day in Japan (ISO 8601) from which that ends, and `new` says why nothing new is begun.
    """

    allowed: bool
    offered: bool
    rule: str
    reason: str
    winding_down: str | UnsetType = UNSET
    new: str | UnsetType = UNSET


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes that a client must keep to, and per action how many at once and how many more per second."""

    message_chars: int
    frame_bytes: int
    page: int
    page_most: int
    rates: Mapping[str, tuple[int, float]]


class Waiting(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One's place in the queue: since when, and what is looked for."""

    since: datetime
    topic: str | UnsetType = UNSET
    language: str | UnsetType = UNSET


class Talk(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A talk that goes on: its room, who is in it besides, and whether one has been in it (`entered`)."""

    room: RoomKey
    partner: Author
    entered: bool = False


class Welcome(Reply, tag="welcome"):
    """The first frame of every socket: who one is, what one is doing, what is on, and the limits.

    `epoch` names the history of the database. A client that holds seqs of another one forgets them. `now` is the
    service's clock, by which `waiting.since` is to be read. `heartbeat` is in seconds. `blocks`: as `person.blocks`.
    """

    protocol: str
    epoch: Epoch
    user: Me
    features: Mapping[str, FeatureState]
    limits: Limits
    heartbeat: int
    now: datetime
    waiting: Waiting | None
    talks: list[Talk]
    blocks: list[str]


class RoomJoined(Reply, tag="room.joined"):
    """From here on the room's events come. `more`: older ones exist, or with `after` newer ones that are still due.

    `reset` is true where the `after` of the request is of another history: what the client holds of the room is void,
    and the items are the latest page.
    """

    ref: Ref
    room: RoomKey
    epoch: Epoch
    kind: Literal["open", "closed"]
    head: Seq
    items: list[Item]
    more: bool
    reset: bool | UnsetType = UNSET


class RoomLeft(Reply, tag="room.left"):
    """The room's events come no more."""

    ref: Ref
    room: RoomKey


class RoomMoved(Reply, tag="room.moved"):
    """The room was locked, and this person is inside: from now on it stands under the public id `to`."""

    room: RoomKey
    to: RoomKey


class Messages(Reply, tag="messages"):
    """Events of a room in order of seq: what happened, or with `ref` the page that was asked for.

    `reset` as in `room.joined`.
    """

    room: RoomKey
    items: list[Item]
    ref: Ref | UnsetType = UNSET
    head: Seq | UnsetType = UNSET
    more: bool | UnsetType = UNSET
    reset: bool | UnsetType = UNSET


class MessageAccepted(Reply, tag="message.accepted"):
    """The receipt: what was asked stands in the log, committed, at this seq."""

    ref: Ref
    room: RoomKey
    seq: Seq
    at: str
    client_id: ClientId | UnsetType = UNSET


class Refusal(Reply, tag="refused"):
    """No, and why in a sentence for the person. `rule` names the law's rule, `retry_after` is in seconds."""

    code: Code
    reason: str
    ref: Ref | UnsetType = UNSET
    room: RoomKey | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


class Noted(Reply, tag="noted"):
    """The answer to a request that has none of its own, such as `typing`, where it has a `ref`: it was carried out."""

    ref: Ref
    room: RoomKey


class Writing(Reply, tag="room.writing"):
    """Whether the person may write in a room now. Without `ref` it tells of a change, and after a join of the unusual.

    `reason` is there where they may not: a sentence for the person. `until` is when that ends by itself (RFC 3339).
    `act` is the act on them that it comes from, against which they can appeal at `/appeals/`. `slow` is how many
    seconds they wait between two messages.
    """

    room: RoomKey
    ref: Ref | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    until: str | UnsetType = UNSET
    act: str | UnsetType = UNSET
    slow: int = 0


class Presence(Reply, tag="presence"):
    """How many people are in a room now. May be dropped when the reader is slow."""

    room: RoomKey
    count: int


class SomebodyTyping(Reply, tag="typing"):
    """Somebody else in the room is writing. May be dropped when the reader is slow."""

    room: RoomKey
    user: Author


class MatchWaiting(Reply, tag="match.waiting"):
    """One stands in the queue, since then; `now` is the service's clock. `estimate` is in seconds, where there is one.

    Without `ref` it says so to the other connections of the person, and to somebody whose talk was none.
    """

    since: datetime
    now: datetime
    ref: Ref | UnsetType = UNSET
    estimate: float | UnsetType = UNSET


class MatchMade(Reply, tag="match.made"):
    """Somebody was found: the closed room to join, and who is in it besides.

    With `ref` it answers somebody who seeks or cancels, and is in this talk already. `entered`: they have been in it.
    """

    room: RoomKey
    partner: Author
    entered: bool = False
    ref: Ref | UnsetType = UNSET


class MatchCancelled(Reply, tag="match.cancelled"):
    """One stands in the queue no more."""

    reason: str
    ref: Ref | UnsetType = UNSET


class MatchLeft(Reply, tag="match.left"):
    """A closed talk is over here: one left it, the partner did, it ended, or the gate was shut.

    `partner_absent`: the partner never came; `partner_gone`: the partner is there no more. Whoever was there waits
    again then, where they stood. `away`: one was not there oneself.
    """

    room: RoomKey
    reason: LeaveReason
    ref: Ref | UnsetType = UNSET


class PersonBlocks(Reply, tag="person.blocks"):
    """Whom one has blocked, by public id. Their items come as ever; the page hides them.

    With `ref` it answers; without, it tells the other connections of the person.
    """

    users: list[str]
    ref: Ref | UnsetType = UNSET


class ReportFiled(Reply, tag="report.filed"):
    """What was chosen has been handed over. The report's own page says what comes of it."""

    ref: Ref
    report: str


class Act(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was done to the person: the kind, the rule of the terms, why, and until when (RFC 3339), if it ends.

    `room` is the open room in which it holds; without it, it holds everywhere. `lifted`: it holds no more.
    """

    id: str
    kind: Literal["warn", "mute", "suspend"]
    rule: str
    reason: str
    until: str | UnsetType = UNSET
    room: RoomKey | UnsetType = UNSET
    lifted: bool = False


class Acts(Reply, tag="acts"):
    """The people who keep order have acted on this person just now. They can appeal at `/appeals/`."""

    items: list[Act]


class GateChanged(Reply, tag="gate.changed"):
    """The gate moved: each feature anew."""

    features: Mapping[str, FeatureState]


class Closing(Reply, tag="closing"):
    """The last frame before the service closes the socket with this code; `retry_after` is in seconds."""

    code: Close
    reason: str
    retry_after: float | UnsetType = UNSET


class Pong(Reply, tag="pong"):
    """The answer to a ping."""

    ref: Ref | UnsetType = UNSET
