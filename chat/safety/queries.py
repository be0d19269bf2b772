"""Reads what somebody may report, and what they have reported: of closed talk only what was delivered to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import rooms
from chat.messages import TAKEN_BACK_KEPT
from chat.models import Message, Participant, Report, ReportedMessage, Room, TakenBack, User
from chat.protocol import Code, Refused
from chat.retention import overdue
from compliance import vault
from compliance.law.retention import ROW

AFTER_END: Final = timedelta(days=ROW["closed_words"].days or 0)
"""For how long after its end a talk can still be reported: as long as its words rest."""
PAGE: Final = 25

State = ReportedMessage.State


@dataclass(frozen=True, slots=True)
class Reportable:
    """A room in which somebody may report.

    Attributes:
        room: the room.
        person_pk: who reports.
        until: of a closed talk that is over for them, when it was: they get nothing that came later.
    """

    room: Room
    person_pk: int
    until: datetime | None = None

    def messages(self) -> Q:
        """Return which messages of the room's log they may see."""
        own = Q(room_id=self.room.pk)
        return own & Q(at__lte=self.until) if self.until else own


@dataclass(frozen=True, slots=True)
class Words:
    """Words that a message has or had: since when, and in which event of the log."""

    state: State
    body: str
    at: datetime
    seq: int


@dataclass(slots=True)
class Chosen:
    """A message that can be handed over, with the words it has and those it had a moment ago."""

    seq: int
    author_pk: int | None
    author_id: UUID | None
    name: str
    role: str
    at: datetime
    answers: int | None
    words: list[Words] = field(default_factory=list)


def reportable(room: str | UUID, person_pk: int) -> Reportable:
    """Return a room in which somebody may report: an open one, or a closed one whose party they are or were.

    A closed talk can be reported for as long as its words rest after its end, whatever the gate says. Each party has it
    up to their own leaving.

    Args:
        room: its public id.
        person_pk: who reports.

    Raises:
        Refused: `missing`, in the same words whether there is no such room, it is not theirs, or it is too late.
    """
    found = rooms.room_by_id(room) if isinstance(room, UUID) else rooms.room_by_key(room)
    if found is None:
        raise rooms.missing()
    if found.is_open:
        return Reportable(found, person_pk)
    place = _places(person_pk).filter(room=found).first()
    if place is None:
        raise rooms.missing()
    return Reportable(found, person_pk, place.left_at or found.ended_at)


def _places(person_pk: int) -> QuerySet[Participant]:
    """Return the places of somebody in closed rooms that can be reported."""
    since = timezone.now() - AFTER_END
    mine = Participant.objects.filter(user_id=person_pk, user__is_active=True, user__is_guest=False)
    ended = Q(room__ended_at__gt=since)
    running = Q(room__ended_at__isnull=True) & (Q(left_at__isnull=True) | Q(left_at__gt=since))
    return mine.filter(Q(room__kind=Room.Kind.CLOSED) & (ended | running)).select_related("room")


def recent_talks(person_pk: int) -> Sequence[tuple[Room, datetime | None, Sequence[User]]]:
    """Return the closed talks that somebody can still report, newest first: since when over, and the others in each."""
    places = {place.room_id: place for place in _places(person_pk)}
    others: dict[UUID, list[User]] = {room: [] for room in places}
    for each in Participant.objects.filter(room__in=places).exclude(user_id=person_pk).select_related("user"):
        others[each.room_id].append(each.user)
    found = [(place.room, place.left_at or place.room.ended_at, others[room]) for room, place in places.items()]
    return sorted(found, key=lambda talk: talk[0].created_at, reverse=True)


def choose(access: Reportable, seqs: Collection[int]) -> list[Chosen]:
    """Return messages with the words that a report of them hands over, in the order of the log.

    In an open room these are the words as they stand. In closed talk the words of a day ago come along that its author
    has changed or deleted since, if they had been delivered to this person.

    Args:
        access: see `reportable`.
        seqs: which messages. Those that are none, or have no words for this person, are left out.

    Raises:
        vault.Unsealable: words of closed talk cannot be opened.
    """
    rows = Message.objects.filter(access.messages(), seq__in=list(seqs), kind=Message.Kind.MESSAGE)
    found = {
        row.seq: Chosen(
            row.seq,
            row.author_id,
            row.author.public_id if row.author else None,
            row.author_name,
            row.author_role,
            row.at,
            row.reply_to,
        )
        for row in rows.select_related("author").order_by("seq")
    }
    written: dict[int, list[tuple[Message | TakenBack, datetime]]] = {seq: [] for seq in found}
    has_words = Q(body__isnull=False) | Q(sealed__isnull=False)
    events = Message.objects.filter(access.messages(), has_words, Q(seq__in=found) | Q(target__in=found))
    for event in events.order_by("seq"):
        written[event.target or event.seq].append((event, event.at))
    for seq, versions in written.items():
        if versions:
            found[seq].words = _words(access.room, versions)
    if not access.room.is_open:
        _add_taken_back(access, found)
    return [each for each in found.values() if each.words]


def _words(room: Room, versions: Sequence[tuple[Message | TakenBack, datetime]]) -> list[Words]:
    """Return the versions of a message's words: the last is how it stands, the others are of closed talk only."""
    *earlier, (last, at) = versions
    shown = [Words(State.CURRENT, _opened(room, last), at, last.seq)]
    if not room.is_open:
        since = timezone.now() - TAKEN_BACK_KEPT
        changed = [each_at for _version, each_at in versions[1:]]
        replaced = zip(earlier, changed, strict=True)
        shown[:0] = [
            Words(State.EDITED, _opened(room, version), at, version.seq)
            for (version, at), changed_at in replaced
            if changed_at > since
        ]
    return shown


def _add_taken_back(access: Reportable, found: dict[int, Chosen]) -> None:
    since = timezone.now() - TAKEN_BACK_KEPT
    kept = TakenBack.objects.filter(room_id=access.room.pk, message__in=found, at__gt=since)
    for row in kept.order_by("seq"):
        if access.person_pk in row.had_by and (access.until is None or row.written_at <= access.until):
            words = found[row.message].words
            if words:
                words[-1] = Words(State.EDITED, words[-1].body, words[-1].at, words[-1].seq)
            words.append(Words(State.DELETED, _opened(access.room, row), row.written_at, row.seq))


def _opened(room: Room, row: Message | TakenBack) -> str:
    if isinstance(row, Message) and row.sealed is None:
        return row.body or ""
    if room.is_open:
        raise vault.Unsealable("sealed words stand in an open room")
    if isinstance(row, Message):
        place = vault.Place(room.pk, row.seq, row.author_id, row.kind, row.target)
    else:
        place = row.place
    return vault.unseal(place, bytes(row.sealed or b""), vault.Purpose.REPORTING)


def around(access: Reportable, seq: int | None) -> list[Chosen]:
    """Return a page of messages of a room that can be reported: with one of them in its middle, or the last ones."""
    seqs = Message.objects.filter(access.messages(), kind=Message.Kind.MESSAGE).values_list("seq", flat=True)
    if seq is None:
        wanted = list(seqs.order_by("-seq")[:PAGE])
    else:
        wanted = list(seqs.filter(seq__lte=seq).order_by("-seq")[: PAGE // 2 + 1])
        wanted += list(seqs.filter(seq__gt=seq).order_by("seq")[: PAGE // 2])
    return choose(access, wanted)


def own_reports(person_pk: int) -> Sequence[Report]:
    """Return what somebody has reported, newest first."""
    mine = Report.objects.filter(reporter_id=person_pk).exclude(pk__in=overdue("reports"))
    return list(mine.order_by("-filed_at")[:100])


def missing_seqs(chosen: Iterable[Chosen], seqs: Collection[int], access: Reportable) -> Refused | None:
    """Return the refusal of a report that names what cannot be handed over; None if all can."""
    lacking = set(seqs) - {each.seq for each in chosen}
    if not lacking:
        return None
    there = Message.objects.filter(access.messages(), seq__in=lacking, kind=Message.Kind.MESSAGE).count()
    if there < len(lacking):
        return Refused(Code.MISSING, _("That message does not exist."))
    return Refused(Code.CONFLICT, _("That message was deleted."))
