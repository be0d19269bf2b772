"""What of the log belongs to a person: what they wrote, and in closed talk what they may read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from msgspec import UNSET

from chat import rooms
from chat.messages.events import NewEvent
from chat.messages.queries import after
from chat.messages.slow_path import store_slowly
from chat.models import LEFT_NAME, Message, Participant, RemovedMessage, Role, Room, TakenBack
from chat.people import Person
from chat.personal_data import (
    Column,
    Fate,
    Keeping,
    Leaving,
    Link,
    Part,
    Reader,
    Section,
    Type,
    Word,
    keep_words,
    register,
)
from chat.protocol import Refused, timestamp
from compliance import gate, vault
from compliance.law import Feature

_AT_ONCE = 200
_EVENT = (
    Column("seq", Type.NUMBER, _("number")),
    Column("kind", Type.TEXT, _("kind")),
    Column("at", Type.TIME, _("time")),
)
_LINKS = (Column("reply_to", Type.NUMBER, _("reply to")), Column("target", Type.NUMBER, _("changes")))


def _written(reader: Reader) -> Iterator[Mapping[str, Any]]:
    """Yield what somebody wrote in open rooms."""
    mine = Message.objects.filter(author=reader.user, room__kind=Room.Kind.OPEN).select_related("room")
    for row in mine.order_by("room_id", "seq").iterator(chunk_size=500):
        yield {
            "room": row.room.key,
            "room_name": row.room.name,
            "seq": row.seq,
            "kind": row.kind,
            "at": row.at,
            "name": row.author_name,
            "body": row.body or "",
            "reply_to": row.reply_to,
            "target": row.target,
        }


def _closed(reader: Reader) -> Iterator[Mapping[str, Any]]:
    """Yield what somebody may read in closed rooms at this moment; who may is asked with each page."""
    if not reader.themselves:
        return
    me = str(reader.user.public_id)
    snapshot = gate.current()
    for room, _others in rooms.closed_rooms_of(reader.user.pk):
        if not snapshot.decide(Feature(room.feature)).allowed:
            continue
        seq, more = 0, True
        while more:
            try:
                page = after(room.pk, reader.user.pk, seq, _AT_ONCE)
            except Refused:  # it ended meanwhile
                break
            for item in page.items:
                yield {
                    "room": room.pk,
                    "seq": item.seq,
                    "kind": item.kind,
                    "at": datetime.fromisoformat(item.at),
                    "name": str(_("A person who left")) if item.author.role == "left" else item.author.name,
                    "mine": item.author.id == me,
                    "body": item.body,
                    "reply_to": None if item.reply_to is UNSET else item.reply_to,
                    "target": None if item.target is UNSET else item.target,
                }
            seq, more = page.items[-1].seq if page.items else seq, page.more and bool(page.items)


def _erase(leaving: Leaving) -> None:
    """Take people's names out of the log; and their words out of open rooms, if they want that."""
    theirs = Message.objects.filter(author__in=leaving.people)
    written_in = list(theirs.order_by("room_id").values_list("room_id", flat=True).distinct())
    if leaving.words_go:
        for account in leaving.accounts:
            _take_back(Person.of(account))
        # What is in rooms that take no event any more, and edits; and what was removed, so that nobody restores it.
        theirs.filter(room__kind=Room.Kind.OPEN).update(body=None)
        RemovedMessage.objects.filter(author__in=leaving.people).delete()
    theirs.update(author=None, author_name=LEFT_NAME, author_role=Role.LEFT, client_id=None, client_id_written=None)
    # Every process asks anew who may read these rooms, and forgets what it remembers of them with the name.
    held = Room.objects.filter(pk__in=written_in).order_by("id")
    if connection.features.has_select_for_no_key_update:
        held = held.select_for_update(no_key=True)
    Room.objects.filter(pk__in=[room.pk for room in held]).update(revision=F("revision") + 1)


def _take_back(person: Person) -> None:
    """Delete each message of somebody in open rooms, as they would: who reads there sees it go."""
    written = Message.objects.filter(
        author=person.pk, kind=Message.Kind.MESSAGE, room__kind=Room.Kind.OPEN, body__isnull=False
    )
    # In the order in which every writer locks rooms.
    rows = list(written.order_by("room_id", "seq").values_list("room_id", "seq"))
    for start in range(0, len(rows), _AT_ONCE):
        store_slowly(
            [
                NewEvent(room=room, person=person, kind=Message.Kind.DELETE, target=seq)
                for room, seq in rows[start : start + _AT_ONCE]
            ]
        )


def _rooms_of(person: int) -> Mapping[UUID, Collection[UUID]]:
    wrote = Message.objects.filter(author=person).values_list("room_id", flat=True).distinct()
    was_in = Participant.objects.filter(user=person).values_list("room_id", flat=True)
    found: dict[UUID, set[UUID]] = {room: set() for room in {*wrote, *was_in}}
    others = Participant.objects.filter(room__in=list(was_in)).exclude(user=person)
    for room, public_id in others.values_list("room_id", "user__public_id"):
        found[room].add(public_id)
    return found


def _events_of(person: int, among: Collection[UUID]) -> Iterable[Word]:
    written = Message.objects.filter(author=person, room__in=among).order_by("room_id", "seq")
    columns = ("room_id", "seq", "kind", "target", "at", "body", "sealed")
    resting = _resting(person, among)
    for room, seq, kind, target, at, body, sealed in written.values_list(*columns):
        stands = body, bytes(sealed) if sealed is not None else None
        words = stands if stands != (None, None) else resting.get((room, seq), stands)
        yield Word(room=room, seq=seq, kind=kind, target=target, at=timestamp(at), body=words[0], sealed=words[1])


def _resting(person: int, among: Collection[UUID]) -> Mapping[tuple[UUID, int], tuple[str | None, bytes | None]]:
    """Return words that the log has no more, as plain and as sealed: taken back by their author, or removed by others.

    Those of closed talk stay sealed for their place in the log.
    """
    found: dict[tuple[UUID, int], tuple[str | None, bytes | None]] = {}
    for taken in TakenBack.objects.filter(author=person, room__in=among):
        found[taken.room_id, taken.seq] = None, bytes(taken.sealed)
    for removed in RemovedMessage.objects.filter(author=person, room__in=among, sealed__isnull=False):
        place = vault.Place(removed.room_id, removed.seq, None, vault.REMOVED)
        with suppress(vault.Unsealable):  # its key is gone, and nobody has these words any more
            words = vault.unseal(place, bytes(removed.sealed or b""), vault.Purpose.RESEALING)
            found[removed.room_id, removed.seq] = words, None
    return found


def _times_of(person: int, among: Collection[UUID]) -> Iterable[Mapping[str, Any]]:
    return Participant.objects.filter(user=person, room__in=among).values("room_id", "joined_at", "left_at")


keep_words(Keeping(_rooms_of, _events_of, _times_of))
register(
    Part(
        links=(Link("chat.Message.author", Fate.UNLINKED, "messages"),),
        sections=(
            Section(
                50,
                "messages",
                _("What you wrote in open rooms"),
                (
                    Column("room", Type.TEXT, _("room")),
                    Column("room_name", Type.TEXT, _("name of the room")),
                    *_EVENT,
                    Column("name", Type.TEXT, _("your name there")),
                    Column("body", Type.TEXT, _("words")),
                    *_LINKS,
                ),
                _written,
            ),
            Section(
                60,
                "closed_messages",
                _("Closed talks that you are in"),
                (
                    Column("room", Type.ID, _("talk")),
                    *_EVENT,
                    Column("name", Type.TEXT, _("written by")),
                    Column("mine", Type.FLAG, _("yours")),
                    Column("body", Type.TEXT, _("words")),
                    *_LINKS,
                ),
                _closed,
            ),
        ),
        erase=_erase,
    )
)
