"""The queue of people who wait, and the matches made from it: one ticket each, one room a pair, the oldest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import people, rooms
from chat.matching.pairs import Seeker, pair_up
from chat.models import Block, Pairing, Participant, Ticket, User
from chat.people import Person
from chat.protocol import Code, Refused
from compliance import gate
from compliance.law import Feature

PRESENT = timedelta(seconds=4)
"""Since a person's last heartbeat: whoever has none for so long is passed over."""
KEPT = timedelta(seconds=30)
"""Since a person's last heartbeat: for so long their place is kept."""
COME = timedelta(seconds=15)
"""Since the match: by then both are in the room."""
SAME_PAIR_AGAIN = timedelta(hours=1)
M = TypeVar("M", bound=Model)
Talk = tuple[UUID, int, int]  # a room, and the primary keys of the two in it: the lower, the higher


@dataclass(frozen=True, slots=True)
class Match:
    """Two people whom the service just brought together, and their room."""

    room: UUID
    people: tuple[Person, Person]
    entered: frozenset[int] = frozenset()  # who of them has been in it, by primary key

    def partner_of(self, pk: int) -> Person:
        """Return the other one."""
        first, second = self.people
        return second if first.pk == pk else first


def seek(*, person: Person, topic: str = "", language: str = "") -> tuple[datetime, Match | None]:
    """Put somebody in the queue, or keep the place they have.

    Returns:
        since when they wait, and None; or the talk that they are in already, and since when.

    Raises:
        FeatureClosed: the gate says no.
        Refused: `auth` for guests, `forbidden` without a verified address or while one is muted everywhere.
    """
    now = timezone.now()
    with gate.transaction(Feature.MATCH_PAIR):
        if person.guest:
            raise Refused(Code.AUTH, _("Talking with one other person needs an account. Open rooms do not."))
        if not people.has_verified_address(person.pk):
            raise Refused(Code.FORBIDDEN, _("Confirm your e-mail address first; then you can be matched."))
        people.permit_person(person.pk, now)
        ticket, created = Ticket.objects.select_for_update().get_or_create(
            user_id=person.pk, defaults={"topic": topic, "language": language, "since": now, "heartbeat_at": now}
        )
        # Asked with the ticket in hand: whoever is matching this person at the moment holds it, too.
        met = _live_pairing(person.pk)
        if met is not None and _has_both(met.room_id):
            if created:
                ticket.delete()
            return met.made_at, match_in(met.room_id)
        if met is not None:  # the other one was suspended, and nobody has ended the talk yet
            rooms.end_rooms([met.room_id])
        if not created:
            changed = (ticket.topic, ticket.language) != (topic, language)
            ticket.since = now if changed or (ticket.room_id is not None and met is None) else ticket.since
            ticket.topic, ticket.language, ticket.heartbeat_at = topic, language, now
            ticket.room = ticket.entered_at = ticket.due_at = None
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
        with gate.transaction(Feature.MATCH_PAIR) as authorisation:
            own = lock(Ticket.objects.filter(user_id=person_pk, user__is_active=True, room__isnull=True)).first()
            if own is None:
                return None
            other = _candidate(own, now)
            if other is None:
                return None
            [match] = _match([(own.user_id, other.user_id)], authorisation, now)
            return match
    except IntegrityError:
        # A constraint (one live talk each) won over a race that the locks do not cover, such as leaving meanwhile.
        return None
    except gate.FeatureClosed:
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
        with gate.transaction(Feature.MATCH_PAIR) as authorisation:
            row = list(lock(waiting).values_list("user_id", "topic", "language")[:limit])
            excluded = _excluded([pk for pk, _topic, _language in row], now)
            return _match(pair_up(row, excluded), authorisation, now)
    except IntegrityError:
        # As in `pair`; the others are not kept waiting for the one whom it concerns.
        return [match for pk, _topic, _language in row if (match := pair(pk)) is not None]
    except gate.FeatureClosed:
        return []


def cancel(*, person: Person) -> Match | None:
    """Take somebody out of the queue.

    Returns:
        the talk that they are in instead: it came first, and goes on. None: they are out.
    """
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().filter(user_id=person.pk).first()
        if ticket is not None and ticket.room_id is None:
            ticket.delete()
            return None
        met = _live_pairing(person.pk)
        return match_in(met.room_id) if met is not None else None


def beat(person_pks: Iterable[int]) -> None:
    """Renew the heartbeat of waiting people, who are connected to this process.

    What somebody else holds at this moment is left out: people are connected to several processes, whose writes would
    wait for each other crosswise.
    """
    now = timezone.now()
    with transaction.atomic():
        here = Ticket.objects.filter(user__in=list(person_pks), room__isnull=True)
        held = [ticket.user_id for ticket in lock(here.only("user_id"))]
        Ticket.objects.filter(user__in=held, room__isnull=True).update(heartbeat_at=now)


def miss(person_pk: int) -> None:
    """Note that somebody's last connection to this process went: they are passed over until a process renews them."""
    now = timezone.now()
    here = Ticket.objects.filter(user_id=person_pk, room__isnull=True, heartbeat_at__gt=now - PRESENT)
    here.update(heartbeat_at=now - PRESENT)


def expire() -> list[int]:
    """Take out of the queue who was connected nowhere for `KEPT`, and who may not be matched any more.

    Returns:
        their primary keys.
    """
    over = Q(heartbeat_at__lt=timezone.now() - KEPT) | Q(user__is_active=False)
    with transaction.atomic():
        gone = [ticket.user_id for ticket in lock(Ticket.objects.filter(over, room__isnull=True).only("user_id"))]
        Ticket.objects.filter(user__in=gone, room__isnull=True).delete()
    return gone


def withdraw(person_pks: Iterable[int]) -> list[int]:
    """Take people out of the queue, if the gate lets nothing new begin.

    Returns:
        the primary keys of those who waited.
    """
    if gate.current().decide(Feature.MATCH_PAIR, creating=True).allowed:
        return []
    with transaction.atomic():
        here = Ticket.objects.filter(user__in=list(person_pks), room__isnull=True)
        held = [ticket.user_id for ticket in lock(here.only("user_id"))]
        Ticket.objects.filter(user__in=held, room__isnull=True).delete()
    return held


def match_in(room: UUID) -> Match | None:
    """Return the match that made a room, while both are in it."""
    return next(iter(_matches(Pairing.objects.filter(room=room))), None)


def matches_in(rooms: Collection[UUID]) -> dict[UUID, Match]:
    """Return the matches that made these rooms, by room, while both are in it."""
    return {match.room: match for match in _matches(Pairing.objects.filter(room__in=rooms))} if rooms else {}


def _matches(pairings: QuerySet[Pairing]) -> list[Match]:
    live = list(pairings.filter(ended_at__isnull=True).select_related("lower", "higher"))
    came = Ticket.objects.filter(room__in=[found.room_id for found in live], entered_at__isnull=False)
    entered = frozenset(came.values_list("user_id", flat=True)) if live else frozenset()
    return [
        Match(
            found.room_id,
            (Person.of(found.lower), Person.of(found.higher)),
            entered & {found.lower_id, found.higher_id},
        )
        for found in live
    ]


def waiting() -> int:
    """Return how many people wait for somebody."""
    return Ticket.objects.filter(room__isnull=True, heartbeat_at__gt=timezone.now() - PRESENT).count()


@people.on_block
def end_talk(actor: Person, other_pk: int) -> list[people.Ended]:
    """End the talk that two people are in together, as if the one who blocks had left it."""
    pair = (min(actor.pk, other_pk), max(actor.pk, other_pk))
    with transaction.atomic():
        # Whoever matched one of them before the block was committed holds a ticket until the talk is, too.
        list(Ticket.objects.select_for_update().filter(user__in=pair).order_by("user_id"))
    met = Pairing.objects.filter(lower=pair[0], higher=pair[1], ended_at__isnull=True).first()
    if met is None:
        return []
    try:
        left = rooms.leave_room(person=actor, room=met.room_id)
    except Refused:  # it ended meanwhile
        return []
    return [people.Ended(left.room, left.people)]


def lock(rows: QuerySet[M]) -> QuerySet[M]:
    """Lock rows of one table, all but those that somebody else holds at this moment."""
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))  # people's rows are locked by much else
    return rows


def _waiting(now: datetime) -> QuerySet[Ticket]:
    # A subquery asks about those who stand first only; for a join, everybody's account would be read.
    active = User.objects.filter(pk=OuterRef("user")).values("is_active")
    waiting = Ticket.objects.filter(room__isnull=True, heartbeat_at__gt=now - PRESENT)
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
    excluded = {pk for pair in (*blocked, *met.values_list("lower", "higher")) for pk in pair} - {mine}
    if excluded:
        fits = fits.exclude(user__in=excluded)
    return lock(fits.order_by("since", "user_id"))[:1].first()


def _excluded(pks: Sequence[int], now: datetime) -> set[tuple[int, int]]:
    """Return which of these people must not meet, as pairs, each both ways round."""
    blocked = Block.objects.filter(blocker__in=pks, blocked__in=pks).values_list("blocker", "blocked")
    met = Pairing.objects.filter(lower__in=pks, higher__in=pks, made_at__gt=now - SAME_PAIR_AGAIN)
    pairs = {*blocked, *met.values_list("lower", "higher")}
    return pairs | {(other, one) for one, other in pairs}


def _match(pairs: Sequence[tuple[int, int]], authorisation: int | None, now: datetime) -> list[Match]:
    """Make a room for each pair, with both of them inside."""
    if not pairs:
        return []
    ordered = [(min(pair), max(pair)) for pair in pairs]
    made = rooms.create_closed_rooms(
        feature=Feature.MATCH_PAIR, groups=ordered, traits=rooms.PAIRED, authorisation=authorisation, at=now
    )
    talks = [(room, lower, higher) for room, (lower, higher) in zip(made, ordered, strict=True)]
    store = _store if connection.vendor == "postgresql" else _store_as_models
    people = store(talks, now)
    return [Match(room, (people[lower], people[higher])) for room, lower, higher in talks]


# One statement for all talks; it also reads who the people are. They are listed once more by their keys, so that the
# planner, too, sees that tickets and accounts are found by key.
_STORE = """
WITH talks AS (
    SELECT * FROM unnest(%(rooms)s::uuid[], %(lowers)s::bigint[], %(highers)s::bigint[]) AS t(room, lower, higher)
), pairings AS (
    INSERT INTO chat_pairing (room_id, lower_id, higher_id, made_at) SELECT room, lower, higher, %(now)s FROM talks
), places AS (
    SELECT room, unnest(ARRAY[lower, higher]) AS person FROM talks
), tickets AS (
    UPDATE chat_ticket SET room_id = places.room, entered_at = NULL, due_at = %(due)s FROM places
    WHERE chat_ticket.user_id = places.person AND chat_ticket.user_id = ANY(%(people)s)
)
SELECT id, public_id, name, is_guest FROM chat_user WHERE id = ANY(%(people)s)
"""


def _store(talks: Sequence[Talk], now: datetime) -> dict[int, Person]:
    """Store the pairings and tickets of talks whose rooms are made, in PostgreSQL.

    Returns:
        the people in the talks, by primary key.
    """
    made, lowers, highers = map(list, zip(*talks, strict=True))
    rows: dict[str, Any] = {"rooms": made, "lowers": lowers, "highers": highers, "people": lowers + highers}
    with connection.cursor() as cursor:
        cursor.execute(_STORE, rows | {"now": now, "due": now + COME})
        return _people(cursor.fetchall())


def _store_as_models(talks: Sequence[Talk], now: datetime) -> dict[int, Person]:
    """Store the same, in any database."""
    Pairing.objects.bulk_create(
        Pairing(room_id=room, lower_id=lower, higher_id=higher, made_at=now) for room, lower, higher in talks
    )
    tickets = [Ticket(user_id=pk, room_id=room, due_at=now + COME) for room, *both in talks for pk in both]
    Ticket.objects.bulk_update(tickets, ["room", "entered_at", "due_at"])
    everybody = [ticket.user_id for ticket in tickets]
    return _people(User.objects.filter(pk__in=everybody).values_list("pk", "public_id", "name", "is_guest"))


def _people(rows: Iterable[tuple[int, UUID, str, bool]]) -> dict[int, Person]:
    return {pk: Person(pk, str(public_id), name, guest) for pk, public_id, name, guest in rows}


def _has_both(room: UUID) -> bool:
    return Participant.objects.filter(room=room, left_at__isnull=True, user__is_active=True).count() == 2  # noqa: PLR2004 -- a pair


def _live_pairing(pk: int) -> Pairing | None:
    return Pairing.objects.filter(Q(lower=pk) | Q(higher=pk), ended_at__isnull=True).first()
