"""Every read that is more than a get. Nothing here writes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import UNSET, Struct, json

from chat.models import LoginEnd, Message, Participant, Room, User
from chat.wire import Author, Code, Item, Refused, timestamp
from compliance import vault

PAGE = 50
ENDS_KEPT = timedelta(seconds=60)
"""How far back is looked for what ended logins: longer than any transaction that ends one takes to commit."""
_KEY = re.compile(r"[-0-9A-Za-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is on a socket or behind a request, as far as a rule needs to know."""

    pk: int
    id: str
    name: str
    guest: bool
    language: str = "ja"

    @classmethod
    def of(cls, user: User, language: str = "ja") -> Person:
        """Return the person behind an account row, and the language that refusals to them speak."""
        return cls(user.pk, str(user.public_id), user.name, user.is_guest, language)


@dataclass(frozen=True, slots=True)
class Page:
    """A run of a room's log: items in order of seq, the room's head when it was read, and whether more exist."""

    items: Sequence[Item]
    head: int
    more: bool


def open_rooms(limit: int = 100) -> QuerySet[Room]:
    """Return the listed open rooms, most recently active first."""
    return Room.objects.filter(kind=Room.Kind.OPEN, ended_at__isnull=True).order_by("-last_at", "name")[:limit]


def room_by_key(key: str) -> Room | None:
    """Return the room with this public id, open or closed, or None. Says nothing about who may read it."""
    if not _KEY.fullmatch(key):
        return None
    try:
        lookup = Q(id=UUID(key), kind=Room.Kind.CLOSED)
    except ValueError:
        lookup = Q(slug=key)
    return Room.objects.filter(lookup).first()


def room_by_id(room: UUID) -> Room | None:
    """Return a room by its primary key, or None."""
    return Room.objects.filter(pk=room).first()


def is_participant(room: Room, person_pk: int | None) -> bool:
    """Return whether somebody is inside a closed room now."""
    return (
        person_pk is not None
        and room.ended_at is None
        and Participant.objects.filter(room=room, user_id=person_pk, left_at__isnull=True).exists()
    )


def readable_room(key: str, person_pk: int | None) -> Room:
    """Return a room that this person may read: any open one, or a closed one that they are in.

    Raises:
        Refused: `missing`, in the same words whether it does not exist or is not theirs to know of.
    """
    room = room_by_key(key)
    if room is None or not (room.is_open or is_participant(room, person_pk)):
        raise Refused(Code.MISSING, _("There is no such room, or it is not open to you."))
    return room


def readers(room: Room) -> Sequence[User]:
    """Return who can read a closed room now, by the time they came in."""
    inside = (
        Participant.objects.filter(room=room, left_at__isnull=True).select_related("user").order_by("joined_at", "id")
    )
    return [participant.user for participant in inside]


def latest(room: Room, limit: int = PAGE) -> Page:
    """Return the newest items of a room."""
    return before(room, None, limit)


def before(room: Room, seq: int | None, limit: int = PAGE) -> Page:
    """Return up to `limit` items before a seq (None: from the head back); `more` says that older ones exist."""
    rows = Message.objects.filter(room_id=room.id)
    if seq is not None:
        rows = rows.filter(seq__lt=seq)
    found = _items(room.id, rows.order_by("-seq")[:limit])[::-1]
    head = max(room.head, found[-1].seq if found and seq is None else 0)
    return Page(found, head, bool(found) and found[0].seq > 1)


def after(room: Room, seq: int, limit: int = PAGE) -> Page:
    """Return up to `limit` items after a seq; `more` says that newer ones exist."""
    found = log_after(room.id, seq, limit + 1)
    head = max(room.head, found[-1].seq if found else 0)
    return Page(found[:limit], head, len(found) > limit)


def as_read(page: Iterable[Item]) -> list[dict[str, Any]]:
    """Return a page as a person reads it: edits and deletions worked into the messages they change, times as times."""
    shown: dict[int, dict[str, Any]] = {}
    for item in page:
        if item.kind in (Message.Kind.MESSAGE, Message.Kind.NOTICE):
            named = {name: getattr(item, name) for name in ("seq", "kind", "author", "body")}
            reply_to = item.reply_to if item.reply_to is not UNSET else None
            shown[item.seq] = named | {"at": datetime.fromisoformat(item.at), "reply_to": reply_to}
        elif item.target in shown and shown[item.target]["body"]:
            shown[item.target]["body"] = item.body
    return list(shown.values())


def log_after(room: UUID, seq: int, limit: int) -> Sequence[Item]:
    """Return up to `limit` items of a room's log after a seq, for readers whose right to it was asked before."""
    return _items(room, Message.objects.filter(room_id=room, seq__gt=seq).order_by("seq")[:limit])


_COLUMNS = (
    "seq",
    "id",
    "kind",
    "author__public_id",
    "author_name",
    "body",
    "sealed",
    "at",
    "client_id",
    "reply_to",
    "target",
)


def _items(room: UUID, rows: QuerySet[Message]) -> list[Item]:
    """Return log rows as the wire shows them, opening sealed words. No model is made of them: pages are read often."""
    return [
        Item(
            seq=seq,
            id=pk,
            kind=kind,
            author=Author(str(author) if author else None, name),
            body=body or (vault.unseal(room, bytes(sealed)) if sealed else ""),
            at=timestamp(at),
            client_id=client_id or UNSET,
            reply_to=reply_to or UNSET,
            target=target or UNSET,
        )
        for seq, pk, kind, author, name, body, sealed, at, client_id, reply_to, target in rows.values_list(*_COLUMNS)
    ]


def has_verified_address(person_pk: int) -> bool:
    """Return whether somebody has shown that their e-mail address is theirs, as closed chat asks."""
    return User.objects.filter(pk=person_pk, is_guest=False, is_active=True, emailaddress__verified=True).exists()


def talks(person_pk: int) -> Sequence[tuple[Room, Sequence[str]]]:
    """Return the closed talks that somebody is in, with the names of the others in each."""
    return [
        (room, [reader.name for reader in readers(room) if reader.pk != person_pk])
        for room in live_closed_rooms(person_pk)
    ]


def live_closed_rooms(person_pk: int) -> Sequence[Room]:
    """Return the closed rooms that somebody is in now, newest first."""
    return list(
        Room.objects.filter(
            kind=Room.Kind.CLOSED,
            ended_at__isnull=True,
            participants__user_id=person_pk,
            participants__left_at__isnull=True,
        ).order_by("-created_at")
    )


@dataclass(frozen=True, slots=True)
class Login:
    """What keeps somebody signed in on a live socket: their session, and the facts that end it when they change.

    The password's stored hash is kept as a digest only: it travels to the database every few seconds.
    """

    session: str
    person: int
    password: str

    @classmethod
    def of(cls, session: str, user: User) -> Login:
        """Return the login of an account by a session."""
        return cls(session, user.pk, _digest(user.password))


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def who(session_key: str | None, language: str) -> tuple[Person, Login] | None:
    """Return who a session belongs to, as Django's own authentication decides it, or None."""
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    return Person.of(user, language), Login.of(session_key, user)


# Subqueries and LATERAL with LIMIT: row by row by the key, where the planner, which takes any JSON for a hundred rows,
# would read whole tables for a few.
_ENDED = """
SELECT k.place FROM ROWS FROM (json_to_recordset(%s) AS (session text, person bigint, password text))
    WITH ORDINALITY AS k(session, person, password, place)
WHERE (SELECT TRUE FROM django_session s WHERE s.session_key = k.session AND s.expire_date > %s) IS NOT TRUE
    OR (SELECT encode(sha256(convert_to(u.password, 'UTF8')), 'hex') = k.password FROM chat_user u
        WHERE u.id = k.person AND u.is_active) IS NOT TRUE
"""
_MOVED = """
SELECT k.room, CASE WHEN r.ended_at IS NULL AND (r.kind = 'open') = k.open THEN r.head END
FROM json_to_recordset(%s) AS k(room uuid, head bigint, open boolean)
LEFT JOIN LATERAL (SELECT id, head, kind, ended_at FROM chat_room WHERE id = k.room LIMIT 1) r ON TRUE
WHERE r.id IS NULL OR r.head > k.head OR r.ended_at IS NOT NULL OR (r.kind = 'open') <> k.open
"""


def login_ends() -> dict[int, str | int | None] | None:
    """Return what ended logins within the last ENDS_KEPT: by its id, a session's key or an account's primary key.

    None where the database keeps no such list: all logins must be looked at.
    """
    if connection.vendor != "postgresql":
        return None
    lately = LoginEnd.objects.filter(at__gt=Now() - ENDS_KEPT)
    return {pk: session or person for pk, session, person in lately.values_list("pk", "session", "person")}


def ended_logins(logins: Iterable[Login]) -> set[Login]:
    """Return those logins that no longer hold: signed out, expired, banned, or with another password by now.

    Asked now and then about everybody who is connected; so the database compares, and answers with the few.
    """
    logins = list(logins)
    now = timezone.now()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_ENDED, [json.encode(logins).decode(), now])
            return {logins[place - 1] for (place,) in cursor.fetchall()}
    sessions = Session.objects.filter(session_key__in={login.session for login in logins}, expire_date__gt=now)
    live = set(sessions.values_list("session_key", flat=True))
    people = User.objects.filter(pk__in={login.person for login in logins}, is_active=True)
    passwords = {pk: _digest(password) for pk, password in people.values_list("pk", "password")}
    return {login for login in logins if login.session not in live or passwords.get(login.person) != login.password}


class Delivered(Struct, frozen=True):
    """What a process takes a room to be: the last seq that it delivered, and whether anyone may read it."""

    room: UUID
    head: int
    open: bool


def moved(rooms: Iterable[Delivered]) -> dict[UUID, int | None]:
    """Return those rooms that are not what a process takes them to be.

    Asked every second about every room with readers; so the database compares, and answers with the few.

    Returns:
        by room, the new head where there are only more events; None where it ended, was locked, or is gone.
    """
    rooms = list(rooms)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_MOVED, [json.encode(rooms).decode()])
            return dict(cursor.fetchall())
    found = {room.pk: room for room in Room.objects.filter(id__in=[known.room for known in rooms])}
    heads: dict[UUID, int | None] = {}
    for known in rooms:
        room = found.get(known.room)
        if room is None or room.ended_at is not None or room.is_open != known.open:
            heads[known.room] = None
        elif room.head > known.head:
            heads[known.room] = room.head
    return heads


def insiders(rooms: Iterable[UUID]) -> dict[UUID, set[int]]:
    """Return who is inside each closed room."""
    inside: dict[UUID, set[int]] = {room: set() for room in rooms}
    for room, user in Participant.objects.filter(room__in=list(inside), left_at__isnull=True).values_list(
        "room_id", "user_id"
    ):
        inside[room].add(user)
    return inside
