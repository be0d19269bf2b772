"""Brings two waiting people together in a closed room: one ticket each, one room a pair, the oldest first."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import queries
from chat.models import Block, Pairing, Participant, Room, Ticket, User
from chat.queries import Person
from chat.rooms import PAIRED, columns, end_room
from chat.wire import Code, Refused
from compliance import gate
from compliance.law import Feature

HEARTBEAT_TTL = timedelta(seconds=20)
SAME_PAIR_AGAIN = timedelta(hours=1)
Seeker = tuple[int, str, str]  # who waits, and their wishes: a topic, a language
Talk = tuple[UUID, int, int]  # a room to be made, and who shall be in it: the lower, the higher


@dataclass(frozen=True, slots=True)
class Match:
    """Two people whom the service just brought together, and their room."""

    room: UUID
    people: tuple[Person, Person]

    def partner_of(self, pk: int) -> Person:
        """Return the other one."""
        first, second = self.people
        return second if first.pk == pk else first


@dataclass(frozen=True, slots=True)
class Ended:
    """A closed talk that ended: its room, who was in it, and who left."""

    room: UUID
    people: Sequence[int]
    left_by: int


def seek(*, person: Person, topic: str = "", language: str = "") -> tuple[datetime, Match | None]:
    """Put somebody in the queue, or keep the place they have.

    Returns:
        since when they wait, and None; or the talk that they are in already, and since when.

    Raises:
        Shut: the gate says no.
        Refused: `auth` for guests, `forbidden` without a verified address.
    """
    now = timezone.now()
    with gate.writing(Feature.MATCH_PAIR):
        if person.guest:
            raise Refused(Code.AUTH, _("Talking with one other person needs an account. Open rooms do not."))
        if not queries.has_verified_address(person.pk):
            raise Refused(Code.FORBIDDEN, _("Confirm your e-mail address first; then you can be matched."))
        ticket, created = Ticket.objects.select_for_update().get_or_create(
            user_id=person.pk, defaults={"topic": topic, "language": language, "since": now, "heartbeat_at": now}
        )
        # Asked with the ticket in hand: whoever is matching this person at the moment holds it, too.
        met = _live_pairing(person.pk)
        if met is not None:
            if created:
                ticket.delete()
            return met.made_at, match_in(met.room_id)
        if not created:
            stale = ticket.room_id is not None or ticket.heartbeat_at < now - HEARTBEAT_TTL
            changed = (ticket.topic, ticket.language) != (topic, language)
            ticket.since = now if stale or changed else ticket.since
            ticket.topic, ticket.language, ticket.heartbeat_at, ticket.room = topic, language, now, None
            ticket.save()
    return ticket.since, None


def pair(person_pk: int) -> Match | None:
    """Try to match one waiting person with whoever fits and waits longest.

    The ticket was committed before, in a transaction of its own: of two people who arrive at the same moment at least
    the later one to look sees the other.

    Returns:
        the match, or None if nobody fits (or somebody else is matching one of them at this moment).
    """
    now = timezone.now()
    try:
        with gate.writing(Feature.MATCH_PAIR) as authorisation:
            own = _lock(Ticket.objects.filter(user_id=person_pk, user__is_active=True, room__isnull=True)).first()
            if own is None:
                return None
            other = _candidate(own, now)
            if other is None:
                return None
            [match] = _join([(own.user_id, other.user_id)], authorisation, now)
            return match
    except IntegrityError:
        # A constraint (one live talk each) won over a race that the locks do not cover, such as leaving meanwhile.
        return None
    except gate.Shut:
        return None


def sweep(limit: int = 500) -> list[Match]:
    """Match whoever waits and was missed, oldest first, in one transaction. Run once a second by each process.

    Args:
        limit: of how many people, those who wait longest and whom nobody else is matching at this moment.

    Returns:
        the matches; if there are any, further people may wait.
    """
    now = timezone.now()
    waiting = _waiting(now).order_by("since", "user_id")
    if waiting[:2].count() < 2:  # noqa: PLR2004 -- a pair
        return []
    row: list[Seeker] = []
    try:
        with gate.writing(Feature.MATCH_PAIR) as authorisation:
            row = list(_lock(waiting).values_list("user_id", "topic", "language")[:limit])
            apart = _apart([pk for pk, _topic, _language in row], now)
            return _join(_couples(row, apart), authorisation, now)
    except IntegrityError:
        # As in `pair`; the others are not kept waiting for the one whom it concerns.
        return [match for pk, _topic, _language in row if (match := pair(pk)) is not None]
    except gate.Shut:
        return []


def cancel(*, person: Person) -> bool:
    """Take somebody out of the queue.

    Returns:
        whether they were waiting.
    """
    deleted, _rows = Ticket.objects.filter(user_id=person.pk, room__isnull=True).delete()
    return bool(deleted)


def leave(*, person: Person, room: UUID) -> Ended:
    """End a closed talk for both. Always allowed, whatever the gate says.

    Raises:
        Refused: `missing` if the person is not in it.
    """
    now = timezone.now()
    with transaction.atomic():
        found = Room.objects.select_for_update().filter(pk=room, kind=Room.Kind.CLOSED).first()
        if found is None or not queries.is_participant(found, person.pk):
            raise Refused(Code.MISSING, _("There is no such talk, or you are not in it."))
        people = list(Participant.objects.filter(room=found, left_at__isnull=True).values_list("user_id", flat=True))
        if found.feature == Feature.MATCH_PAIR:
            end_room(found)
            Pairing.objects.filter(room=found, ended_at__isnull=True).update(ended_at=now)
        else:
            Participant.objects.filter(room=found, user_id=person.pk).update(left_at=now)
            people = [person.pk]
    return Ended(room, people, person.pk)


def heartbeat(person_pks: Iterable[int]) -> dict[int, Match]:
    """Keep waiting people's tickets alive, and find those whom another process has matched meanwhile.

    Returns:
        by person, the match that this process has not told them of.
    """
    pks = list(person_pks)
    if not pks:
        return {}
    Ticket.objects.filter(user__in=pks, room__isnull=True).update(heartbeat_at=timezone.now())
    matched = dict(Ticket.objects.filter(user__in=pks, room__isnull=False).values_list("user_id", "room_id"))
    found = {match.room: match for match in _matches(Pairing.objects.filter(room__in=matched.values()))}
    return {pk: found[room] for pk, room in matched.items() if room in found}


def match_in(room: UUID) -> Match | None:
    """Return the match that made a room, while both are in it."""
    return next(iter(_matches(Pairing.objects.filter(room=room))), None)


def _matches(pairings: QuerySet[Pairing]) -> list[Match]:
    live = pairings.filter(ended_at__isnull=True).select_related("lower", "higher")
    return [Match(found.room_id, (Person.of(found.lower), Person.of(found.higher))) for found in live]


def waiting() -> int:
    """Return how many people wait for somebody."""
    return Ticket.objects.filter(room__isnull=True, heartbeat_at__gt=timezone.now() - HEARTBEAT_TTL).count()


def block(*, actor: User, other: User) -> None:
    """Keep two people from being brought together again, and end the talk they are in."""
    with transaction.atomic():
        Block.objects.get_or_create(blocker=actor, blocked=other)


def _lock(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))  # people's rows are locked by much else
    return rows


def _waiting(now: datetime) -> QuerySet[Ticket]:
    # A subquery asks about those who stand first only; for a join, everybody's account would be read.
    active = User.objects.filter(pk=OuterRef("user")).values("is_active")
    waiting = Ticket.objects.filter(room__isnull=True, heartbeat_at__gt=now - HEARTBEAT_TTL)
    return waiting.alias(active=Subquery(active)).filter(active=True)


def _candidate(own: Ticket, now: datetime) -> Ticket | None:
    mine = own.user_id
    fits = _waiting(now).exclude(user_id=mine)
    if own.topic:
        fits = fits.filter(Q(topic=own.topic) | Q(topic=""))
    if own.language:
        fits = fits.filter(Q(language=own.language) | Q(language=""))
    blocked = Block.objects.filter(Q(blocker=mine) | Q(blocked=mine)).values_list("blocker", "blocked")
    met = Pairing.objects.filter(Q(lower=mine) | Q(higher=mine), made_at__gt=now - SAME_PAIR_AGAIN)
    apart = {pk for pair in (*blocked, *met.values_list("lower", "higher")) for pk in pair} - {mine}
    if apart:
        fits = fits.exclude(user__in=apart)
    return _lock(fits.order_by("since", "user_id"))[:1].first()


def _apart(pks: Sequence[int], now: datetime) -> set[tuple[int, int]]:
    """Return which of these people must not meet, as pairs, each both ways round."""
    blocked = Block.objects.filter(blocker__in=pks, blocked__in=pks).values_list("blocker", "blocked")
    met = Pairing.objects.filter(lower__in=pks, higher__in=pks, made_at__gt=now - SAME_PAIR_AGAIN)
    pairs = {*blocked, *met.values_list("lower", "higher")}
    return pairs | {(other, one) for one, other in pairs}


def _couples(row: Sequence[Seeker], apart: Container[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return who fits whom, each with the first in the row that does: what `_candidate` finds, for many at once.

    Args:
        row: who waits, in the order in which they are served.
        apart: pairs who must not meet, each both ways round.
    """
    # Who is still to be had, by what they can be asked for: their topic or any (None), their language or any. So one
    # looks at nobody who does not fit, except at those kept apart; where all wish for something else, that is nobody.
    free: defaultdict[tuple[str | None, str | None], OrderedDict[int, int]] = defaultdict(OrderedDict)
    asked_for = [list(product((topic, None), (language, None))) for _pk, topic, language in row]
    for place, (pk, _topic, _language) in enumerate(row):
        for key in asked_for[place]:
            free[key][place] = pk

    def take(place: int) -> None:
        for key in asked_for[place]:
            del free[key][place]

    couples: list[tuple[int, int]] = []
    for place, (own, topic, language) in enumerate(row):
        if place not in free[None, None]:
            continue
        take(place)  # for good: whoever comes later and fits them would have been found now
        wishes = product((topic, "") if topic else (None,), (language, "") if language else (None,))
        firsts = (next((at for at, pk in free[wish].items() if (own, pk) not in apart), None) for wish in wishes)
        found = min((at for at in firsts if at is not None), default=None)
        if found is not None:
            take(found)
            couples.append((own, row[found][0]))
    return couples


def _join(couples: Sequence[tuple[int, int]], authorisation: int | None, now: datetime) -> list[Match]:
    """Make a room for each couple, with both of them in it."""
    if not couples:
        return []
    talks = [(uuid4(), min(couple), max(couple)) for couple in couples]
    store = _store if connection.vendor == "postgresql" else _store_as_models
    store(talks, authorisation, now)
    everybody = [pk for couple in couples for pk in couple]
    found = User.objects.filter(pk__in=everybody).values_list("pk", "public_id", "name", "is_guest")
    people = {pk: Person(pk, str(public_id), name, guest) for pk, public_id, name, guest in found}
    return [Match(room, (people[lower], people[higher])) for room, lower, higher in talks]


# One statement for all talks, with what their rooms have in common said once: as models they cost twice as much.
# Everybody is named besides, so that the planner, too, sees that tickets are asked for by their key.
_STORE = """
WITH talks AS (
    SELECT * FROM unnest(%(rooms)s::uuid[], %(lowers)s::bigint[], %(highers)s::bigint[]) AS t(room, lower, higher)
), rooms AS (
    INSERT INTO chat_room (id, {columns}) SELECT room, {values} FROM talks
), pairings AS (
    INSERT INTO chat_pairing (room_id, lower_id, higher_id, made_at) SELECT room, lower, higher, %(now)s FROM talks
), places AS (
    INSERT INTO chat_participant (room_id, user_id, joined_at, seen)
    SELECT room, unnest(ARRAY[lower, higher]), %(now)s, 0 FROM talks RETURNING room_id, user_id
)
UPDATE chat_ticket SET room_id = places.room_id FROM places
WHERE chat_ticket.user_id = places.user_id AND chat_ticket.user_id = ANY(%(everybody)s)
"""


def _store(talks: Sequence[Talk], authorisation: int | None, now: datetime) -> None:
    """Store the rooms, pairings, places and tickets of talks, in PostgreSQL."""
    rooms, lowers, highers = map(list, zip(*talks, strict=True))
    room = _room(rooms[0], authorisation)
    fields = [field for field in Room._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 -- Django's own name
    common: dict[str, Any] = {field.attname: field.value_from_object(room) for field in fields}
    told = {"rooms": rooms, "lowers": lowers, "highers": highers, "everybody": lowers + highers, "now": now}
    statement = _STORE.format(columns=", ".join(common), values=", ".join(f"%({column})s" for column in common))
    with connection.cursor() as cursor:
        cursor.execute(statement, common | told)


def _store_as_models(talks: Sequence[Talk], authorisation: int | None, now: datetime) -> None:
    """Store the same, in any database."""
    Room.objects.bulk_create(_room(room, authorisation) for room, _lower, _higher in talks)
    Pairing.objects.bulk_create(
        Pairing(room_id=room, lower_id=lower, higher_id=higher, made_at=now) for room, lower, higher in talks
    )
    places = [Participant(room_id=room, user_id=pk, joined_at=now) for room, *both in talks for pk in both]
    Participant.objects.bulk_create(places)
    Ticket.objects.bulk_update([Ticket(user_id=place.user_id, room_id=place.room_id) for place in places], ["room"])


def _room(key: UUID, authorisation: int | None) -> Room:
    return Room(id=key, feature=Feature.MATCH_PAIR.value, authorisation_id=authorisation, **columns(PAIRED))


def _live_pairing(pk: int) -> Pairing | None:
    return Pairing.objects.filter(Q(lower=pk) | Q(higher=pk), ended_at__isnull=True).first()
