"""Brings two waiting people together in a closed room: one ticket each, one transaction a pair, the oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

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
            [match] = _join([(own, other)], authorisation, now)
            return match
    except IntegrityError:
        # A constraint (one live talk each) won over a race that the locks do not cover, such as leaving meanwhile.
        return None
    except gate.Shut:
        return None


def sweep(limit: int = 200) -> list[Match]:
    """Match whoever waits and was missed, oldest first, in one transaction. Run once a second by each process.

    Args:
        limit: of how many people, those who wait longest and whom nobody else is matching at this moment.

    Returns:
        the matches; if there are any, further people may wait.
    """
    now = timezone.now()
    waiting = _waiting(now).order_by("since", "user_id")[:limit]
    pks = list(waiting.values_list("user_id", flat=True))
    if len(pks) < 2:  # noqa: PLR2004 -- a pair
        return []
    try:
        with gate.writing(Feature.MATCH_PAIR) as authorisation:
            return _join(_couples(list(_lock(waiting)), now), authorisation, now)
    except IntegrityError:
        # As in `pair`; the others are not kept waiting for the one whom it concerns.
        return [match for pk in pks if (match := pair(pk)) is not None]
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


def _couples(tickets: Sequence[Ticket], now: datetime) -> list[tuple[Ticket, Ticket]]:
    """Return who fits whom, each with the first in the row that does: what `_candidate` finds, for many at once."""
    pks = [ticket.user_id for ticket in tickets]
    blocked = Block.objects.filter(blocker__in=pks, blocked__in=pks).values_list("blocker", "blocked")
    met = Pairing.objects.filter(lower__in=pks, higher__in=pks, made_at__gt=now - SAME_PAIR_AGAIN)
    apart = {frozenset(pair) for pair in (*blocked, *met.values_list("lower", "higher"))}

    def fits(one: Ticket, other: Ticket) -> bool:
        return (
            (not one.topic or other.topic in (one.topic, ""))
            and (not one.language or other.language in (one.language, ""))
            and frozenset((one.user_id, other.user_id)) not in apart
        )

    couples: list[tuple[Ticket, Ticket]] = []
    taken: set[int] = set()
    for place, own in enumerate(tickets):
        if own.user_id in taken:
            continue
        rest = (ticket for ticket in tickets[place + 1 :] if ticket.user_id not in taken)
        other = next((ticket for ticket in rest if fits(own, ticket)), None)
        if other is not None:
            taken |= {own.user_id, other.user_id}
            couples.append((own, other))
    return couples


def _join(couples: Sequence[tuple[Ticket, Ticket]], authorisation: int | None, now: datetime) -> list[Match]:
    """Store the rooms, pairings, places and tickets of couples, with one statement for each kind."""
    if not couples:
        return []
    traits = columns(PAIRED)
    talks = [
        Room(name="", feature=Feature.MATCH_PAIR.value, authorisation_id=authorisation, **traits) for _couple in couples
    ]
    pairs = [sorted((own.user_id, other.user_id)) for own, other in couples]
    Room.objects.bulk_create(talks)
    Pairing.objects.bulk_create(
        Pairing(lower_id=lower, higher_id=higher, room=room, made_at=now)
        for room, (lower, higher) in zip(talks, pairs, strict=True)
    )
    Participant.objects.bulk_create(
        Participant(room=room, user_id=pk, joined_at=now)
        for room, pair in zip(talks, pairs, strict=True)
        for pk in pair
    )
    everybody = [pk for pair in pairs for pk in pair]
    place = Participant.objects.filter(user=OuterRef("user"), room__in=talks).values("room")
    Ticket.objects.filter(user__in=everybody).update(room=Subquery(place))
    people = {pk: Person.of(user) for pk, user in User.objects.in_bulk(everybody).items()}
    return [Match(room.pk, (people[lower], people[higher])) for room, (lower, higher) in zip(talks, pairs, strict=True)]


def _live_pairing(pk: int) -> Pairing | None:
    return Pairing.objects.filter(Q(lower=pk) | Q(higher=pk), ended_at__isnull=True).first()
