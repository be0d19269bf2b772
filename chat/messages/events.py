"""What is written to a room's log, and what comes of it."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, cast
from uuid import UUID

import regex
from django.utils.translation import gettext as _
from msgspec import UNSET, Struct

from chat.messages import log
from chat.models import Message
from chat.protocol import MESSAGE_CHARS, RESTORE, Access, Author, Code, Item, Refused, RemovedBy, Role
from chat.realtime import Committed, Person
from compliance import vault

# What a paste brings along: line ends of other programs; controls, the two overrides that make text lie about its
# order, and lone surrogates, which no database stores.
_LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]")
# Kanji that NFC would replace by others: people's names are written with them.
_COMPATIBILITY = re.compile(r"([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")


class NewEvent(Struct):
    """One event that waits to be stored: a message, an edit, a deletion, or the restoring of what was removed."""

    room: UUID
    person: Person
    kind: Message.Kind
    body: str = ""  # as `clean` returns it
    client_id: UUID | None = None
    client_id_written: str | None = None  # by the client, where that is not `str(client_id)`
    reply_to: int | None = None
    target: int | None = None
    feature: str | None = None  # of the room, if the caller knows it: only then a message can take the fast path
    tries: int = 0  # how often another process took the seq that its words were sealed for
    before: frozenset[int] = frozenset()  # of a deletion: who has the room open here, by primary key
    role: str | None = None  # as which somebody writes in this room, where that is not `person.role`: a keeper
    origin: str | None = None  # of a guest: the digest of the network
    reason: str = ""  # of a deletion: why somebody removes what is not their own
    rule: str = ""  # of such a deletion: the rule of the terms, as in `Reason`
    restores: bool = False  # an edit that gives removed words back
    by: str = ""  # as `Message.by`; the slow path sets it


@dataclass(slots=True)
class BatchResult:
    """What one transaction stored: an outcome for each event, in their order, and the new items of each room.

    An event whose words were sealed for a seq that another process took has no outcome yet; `outrun` has the heads.
    """

    outcomes: list[Committed | Refused | None]
    items: dict[UUID, list[Item]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[UUID, int] = field(default_factory=dict)
    access: dict[UUID, Access] = field(default_factory=dict)  # who may read the new items, by room
    outrun: dict[UUID, int] = field(default_factory=dict)


# Something that can be seen: no blank, no control, nothing that shows as nothing.
_SEEN: Final = regex.compile(r"[^\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]")


def clean(body: str) -> str:
    """Return a body as it is stored.

    Line ends are unified, characters that are no text taken out, letters and their marks joined (NFC), outer blank
    lines and spaces removed. How long it is, is judged after that.

    Raises:
        Refused: `size` if nothing that can be seen or more than 2,000 characters remain.
    """
    if not body.isascii() or not body.isprintable():
        body = _UNWRITABLE.sub("", _LINE_ENDS.sub("\n", body))
        if not unicodedata.is_normalized("NFC", body):
            body = "".join(
                part if place % 2 else unicodedata.normalize("NFC", part)
                for place, part in enumerate(_COMPATIBILITY.split(body))
            )
    body = body.strip()
    if not _SEEN.search(body):
        raise Refused(Code.SIZE, _("The message is empty."))
    if len(body) > MESSAGE_CHARS:
        raise Refused(Code.SIZE, _("A message has at most %(most)d characters.") % {"most": MESSAGE_CHARS})
    return body


def row_of(event: NewEvent, seq: int, id_: UUID, *, body: str | None) -> log.Row:
    """Return an event as a row of the log.

    Args:
        event: what is stored.
        seq: its number.
        id_: a new one.
        body: its words in clear; None where they are sealed or there are none.
    """
    return log.Row(
        room=event.room,
        seq=seq,
        id=id_,
        kind=event.kind.value,
        author=event.person.pk,
        author_name=event.person.name,
        author_role=event.person.role if event.role is None else event.role,
        client_id=event.client_id,
        client_id_written=event.client_id_written,
        body=body,
        reply_to=event.reply_to,
        target=event.target,
        feature=event.feature,
        origin=event.origin,
        by=event.by,
    )


def place_of(row: log.Row, seq: int) -> vault.Place:
    """Return where a row stands with a seq: its words are sealed for this place."""
    return vault.Place(row.room, seq, row.author, row.kind, row.target)


def item_of(event: NewEvent, row: log.Row, at: str) -> Item:
    """Return a stored event as the wire shows it."""
    return Item(
        seq=row.seq,
        id=row.id,
        kind=RESTORE if event.restores else row.kind,
        author=Author(event.person.id, event.person.name, cast("Role", row.author_role) or UNSET),
        body=event.body if event.kind != Message.Kind.DELETE else "",
        at=at,
        client_id=event.client_id_written or (str(event.client_id) if event.client_id else UNSET),
        reply_to=event.reply_to or UNSET,
        target=event.target or UNSET,
        by=cast("RemovedBy", event.by) if event.by and not event.restores else UNSET,
    )


def identity_of(event: NewEvent) -> tuple[UUID, int, UUID] | None:
    """Return what makes a message the same one again: room, author and client id."""
    return (event.room, event.person.pk, event.client_id) if event.client_id else None
