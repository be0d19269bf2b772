"""Reads the log: pages of items for those who may read the room, and messages as a page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import structlog
from django.db.models import F, FilteredRelation, Q, QuerySet
from msgspec import UNSET
from msgspec.structs import replace as replaced

from chat.models import Message, Room
from chat.protocol import RESTORE, Access, Author, Item, timestamp
from chat.rooms import missing, readable
from compliance import vault

log = structlog.get_logger("todoke.queries")

PAGE = 50
CHANGES = 200
"""Edits and deletions that a page has at most between its messages; where there are more, it has its messages alone."""


@dataclass(frozen=True, slots=True)
class Page:
    """A run of a room's log: items in order of seq, and, of the moment when they were read, head and access.

    `more` says whether more exist in the direction of reading. `room` is the primary key.
    """

    room: UUID

    items: Sequence[Item]
    head: int
    more: bool
    access: Access


def latest(room: str | UUID, person_pk: int | None, limit: int = PAGE) -> Page:
    """Return the newest messages of a room that this person may read; who may is asked in the query that reads.

    With them come the edits and deletions that stand between them and after them. Where those are more than CHANGES,
    the messages come alone: with their latest words, and `edited`.
    `more` says that older ones exist.

    Args:
        room: its public id, or the primary key, under which a room that was locked meanwhile is found, too.
        person_pk: who reads; None for somebody who is not signed in.
        limit: how many messages at most.

    Raises:
        Refused: `missing`, see `rooms.readable_room`.
    """
    page = _page(readable(room, person_pk), Q(messages__seq__gt=F("head") - limit))
    return _filled(page, room, person_pk, None, limit)


def before(room: str | UUID, person_pk: int | None, seq: int, limit: int = PAGE) -> Page:
    """Return up to `limit` messages before a seq; `more` says that older ones exist. Else as `latest`.

    A message that was edited later than the page reaches has its latest words, and says `edited`.
    """
    page = _page(readable(room, person_pk), Q(messages__seq__gte=seq - limit, messages__seq__lt=seq))
    if page.head + 1 < seq:  # beyond the end: the newest page
        seq = page.head + 1
        page = _page(readable(room, person_pk), Q(messages__seq__gte=seq - limit, messages__seq__lt=seq))
    return _filled(page, room, person_pk, seq, limit)


def around(room: str | UUID, person_pk: int | None, seq: int, limit: int = PAGE) -> Page:
    """Return the page in whose middle a seq stands, or the newest one where it has not come yet. Else as `before`."""
    return before(room, person_pk, max(seq + limit // 2, limit) + 1, limit)


def after(room: str | UUID, person_pk: int | None, seq: int, limit: int = PAGE) -> Page:
    """Return up to `limit` items after a seq; `more` says that newer ones exist. Else as `latest`."""
    page = _page(readable(room, person_pk), Q(messages__seq__gt=seq, messages__seq__lte=seq + limit))
    return replace(page, more=page.head > seq + limit)


def log_after(room: UUID, seq: int, limit: int) -> Page:
    """Return up to `limit` items of a room's log after a seq, whoever may read them.

    They are given to nobody before the page's access was compared with what one takes it to be.

    Raises:
        Refused: `missing` where the room is gone.
    """
    return _page(Room.objects.filter(pk=room), Q(messages__seq__gt=seq, messages__seq__lte=seq + limit))


_EVENT = (
    "seq",
    "id",
    "kind",
    "author_id",
    "author__public_id",
    "author_name",
    "author_role",
    "body",
    "sealed",
    "at",
    "client_id",
    "client_id_written",
    "reply_to",
    "target",
    "by",
)
_TARGET = _EVENT.index("target")
_SHOWN = ("seq", "kind", "author", "body", "unreadable", "edited")
_PAGE = ("pk", "head", "feature", "revision", *(f"event__{column}" for column in _EVENT))


def _page(rooms: QuerySet[Room], events: Q) -> Page:
    """Read one room and some of its events in one query, so that both are of the same moment.

    Seqs are dense: a range of them is as good as an order and a limit, which a join could not have.
    """
    # No model is made of the rows: pages are read often.
    rows = list(
        rooms.annotate(event=FilteredRelation("messages", condition=events)).order_by("event__seq").values_list(*_PAGE)
    )
    if not rows:
        raise missing()
    pk, head, feature, revision, *_event = rows[0]
    access = Access(feature, revision)
    items = [_item(pk, row[4:], is_open=access.is_open) for row in rows if row[4] is not None]
    return Page(pk, items, head, more=False, access=access)


def _filled(page: Page, room: str | UUID, person_pk: int | None, end: int | None, limit: int) -> Page:
    """Return a page with as many messages as it may have, each with its latest words.

    Args:
        page: the last `limit` events.
        room: see `latest`.
        person_pk: likewise.
        end: the seq before which the page ends; None for the end of the log.
        limit: how many messages at most.
    """
    shown_to = page.head if end is None else end - 1
    beyond = page.items[-1].seq if page.items else shown_to
    missing_some = sum(item.target is UNSET for item in page.items) < limit
    if missing_some and page.items and page.items[0].seq > 1:
        messages = Message.objects.filter(room_id=page.room, seq__lte=shown_to, target__isnull=True)
        seqs = list(messages.order_by("-seq").values_list("seq", flat=True)[:limit])
        events = Q(messages__seq__gte=seqs[-1], messages__seq__lte=shown_to)
        if shown_to - seqs[-1] >= limit + CHANGES:
            events, beyond = Q(messages__seq__in=seqs), 0
        # What came since is not on the page: its reader is given it as news.
        page = replace(_page(readable(room, person_pk), events), head=page.head)
    return replace(page, items=_with_edits(page, beyond), more=bool(page.items) and page.items[0].seq > 1)


def _with_edits(page: Page, beyond: int) -> Sequence[Item]:
    """Return the items of a page; messages that were edited after a seq have the latest words, and say so."""
    if beyond >= page.head:
        return page.items
    messages = [item.seq for item in page.items if item.kind == Message.Kind.MESSAGE]
    edits = Message.objects.filter(
        room_id=page.room, target__in=messages, seq__gt=beyond, kind=Message.Kind.EDIT
    ).order_by("seq")
    words = {row[_TARGET]: _item(page.room, row, is_open=page.access.is_open) for row in edits.values_list(*_EVENT)}
    return [
        replaced(item, body=edit.body, unreadable=edit.unreadable, edited=True)
        if (edit := words.get(item.seq)) and (item.body or item.unreadable)  # what was deleted stays deleted
        else item
        for item in page.items
    ]


def _item(room: UUID, row: Sequence[Any], *, is_open: bool) -> Item:
    """Return a row of the log as the wire shows it, its words opened if they are sealed: in a closed room only."""
    seq, pk, kind, author, public_id, name, role, body, sealed, at, client_id, written, reply_to, target, by = row
    unreadable = False
    if sealed:
        try:
            if is_open:
                raise vault.Unsealable("sealed words stand in an open room")
            place = vault.Place(room, seq, author, kind, target)
            body = vault.unseal(place, bytes(sealed), vault.Purpose.READING)
        except vault.Unsealable as error:
            log.exception("message.unreadable", room=str(room), seq=seq, error=str(error))
            body, unreadable = "", True
    return Item(
        seq=seq,
        id=pk,
        kind=RESTORE if by and kind == Message.Kind.EDIT else kind,
        author=Author(str(public_id) if public_id else None, name, role or UNSET),
        body=body or "",
        at=timestamp(at),
        client_id=written or (str(client_id) if client_id else UNSET),
        reply_to=reply_to or UNSET,
        target=target or UNSET,
        unreadable=unreadable,
        by=by if by and kind == Message.Kind.DELETE else UNSET,
    )


def as_read(page: Iterable[Item]) -> list[dict[str, Any]]:
    """Return items as a page shows them: edits and deletions are applied to the messages that they change.

    Args:
        page: items in order of seq.

    Returns:
        for each message or notice: seq, kind, author, body, unreadable, edited, at (a datetime), reply_to; `by`: as
        what somebody removed it who did not write it, or None; and what it answers to, `quoted`, as one of these, where
        the page has it.

    Raises:
        ValueError: an item is of a kind that this version does not know. It changes no message.
    """
    shown: dict[int, dict[str, Any]] = {}
    page = list(page)
    settled = {item.seq for item in page if item.edited}  # what stands on the page of them is older than their words
    for item in page:
        if item.target in settled:
            continue
        if item.kind == RESTORE:
            if item.target is not UNSET and item.target in shown:
                shown[item.target] |= {"body": item.body, "edited": False, "by": None}
            continue
        kind = Message.Kind(item.kind)
        match kind:
            case Message.Kind.MESSAGE | Message.Kind.NOTICE:
                named = {name: getattr(item, name) for name in _SHOWN}
                reply_to = item.reply_to if item.reply_to is not UNSET else None
                shown[item.seq] = named | {
                    "at": datetime.fromisoformat(item.at),
                    "by": None,
                    "reply_to": reply_to,
                    "quoted": shown.get(reply_to) if reply_to else None,
                }
            case Message.Kind.EDIT if not item.body and not item.unreadable:
                pass  # its words went with those of its message
            case Message.Kind.EDIT | Message.Kind.DELETE:
                target = shown.get(item.target) if item.target is not UNSET else None
                if target is not None and (target["body"] or target["unreadable"]):  # what was deleted stays deleted
                    target |= {"body": item.body, "unreadable": item.unreadable, "edited": bool(item.body)}
                if target is not None and kind is Message.Kind.DELETE:
                    target["by"] = item.by or None
            case unknown:
                assert_never(unknown)
    return list(shown.values())
