"""Who is in the talk that they were matched into. Where one of the two is gone, it ends for the other one, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat import rooms
from chat.matching.queue import lock
from chat.models import Pairing, Participant, Room, Ticket
from chat.protocol.replies import LeaveReason
from compliance import gate
from compliance.law import Feature

BACK = timedelta(seconds=30)
"""Since somebody was last seen in the room: by then they are seen there again."""
_FRESH = timedelta(seconds=5)  # a sight is written down anew so often at most
_AT_ONCE = 100  # talks that one call ends


@dataclass(frozen=True, slots=True)
class Parting:
    """A talk that ended because somebody is gone from it.

    Attributes:
        room: its id.
        reasons: why it is over, by the primary key of each of those who were in it.
    """

    room: UUID
    reasons: Mapping[int, LeaveReason]


def see(places: Mapping[int, Collection[UUID]]) -> None:
    """Note who is in the room of their talk now.

    What somebody else holds at this moment is left out, as in `queue.beat`.

    Args:
        places: the rooms that are joined here, by the primary key of whoever joined them.
    """
    now = timezone.now()
    with transaction.atomic():
        stale = Q(entered_at__isnull=True) | Q(due_at__isnull=True) | Q(due_at__lt=now + BACK - _FRESH)
        mine = Ticket.objects.filter(stale, user__in=list(places), room__isnull=False)
        seen = [
            ticket.user_id
            for ticket in lock(mine.only("user_id", "room_id"))
            if ticket.room_id in places[ticket.user_id]
        ]
        if seen:
            held = Ticket.objects.filter(user__in=seen)
            held.update(entered_at=Coalesce(F("entered_at"), now), due_at=now + BACK)


def part(*, judges_coming: bool = False, judges_staying: bool = False, looks_at_all: bool = False) -> list[Parting]:
    """End talks from which somebody is gone. Whoever is left waits again, where they stood in the queue.

    Somebody is gone who is suspended or erased; or who was not seen in the room by the moment when they were due.
    Several processes may call this at the same time: each talk is ended by one of them.

    Args:
        judges_coming: whether somebody who never came counts as gone.
        judges_staying: whether somebody who was there counts as gone. Both are for a caller who would have seen them.
        looks_at_all: whether to look for the suspended and the erased; that looks at every talk.

    Returns:
        the talks that were ended.
    """
    now = timezone.now()
    overdue = Q(pk__in=[])
    if judges_coming:
        overdue |= Q(due_at__lt=now, entered_at__isnull=True)
    if judges_staying:
        overdue |= Q(due_at__lt=now, entered_at__isnull=False)
    talking = Ticket.objects.filter(room__isnull=False)
    doubtful = [*talking.filter(overdue).values_list("room_id", flat=True)[:_AT_ONCE]]
    if looks_at_all:
        paired = Pairing.objects.filter(room=OuterRef("room"), ended_at__isnull=True)
        outside = Participant.objects.filter(room=OuterRef("room"), left_at__isnull=False)
        doubtful += talking.filter(~Exists(paired) | Exists(outside)).values_list("room_id", flat=True)[:_AT_ONCE]
    found = (_part(room, overdue) for room in dict.fromkeys(doubtful))
    return [parting for parting in found if parting is not None]


def _part(room: UUID, overdue: Q) -> Parting | None:
    """End one talk, unless somebody else is at it, or everybody is there by now."""
    goes_on = gate.current().decide(Feature.MATCH_PAIR, creating=True).allowed
    with transaction.atomic():
        # As everywhere: first the room, then the tickets. What somebody else holds is left to the next call.
        found = lock(Room.objects.filter(pk=room)).first()
        tickets = Ticket.objects.filter(room=room)
        held = list(lock(tickets))
        if found is None or len(held) != tickets.count():
            return None
        if found.ended_at is not None:  # somebody ended it meanwhile, or held these tickets when it ended
            tickets.delete()
            return None
        inside = set(Participant.objects.filter(room=room, left_at__isnull=True).values_list("user_id", flat=True))
        gone = {ticket.user_id for ticket in tickets.filter(overdue)} | {t.user_id for t in held} - inside
        if not gone and len(inside) == 2:  # noqa: PLR2004 -- a pair
            return None
        left = [ticket.user_id for ticket in held if ticket.user_id not in gone]
        if goes_on:
            _wait_again(left)
        never_came = any(ticket.entered_at is None for ticket in held if ticket.user_id in gone & inside)
        why: LeaveReason = "partner_absent" if never_came else "partner_gone"
        rooms.end_rooms([room])
    return Parting(room, dict.fromkeys(left, why) | dict.fromkeys(gone, "away"))


def _wait_again(people: Collection[int]) -> None:
    """Put people whose talk was none back into the queue, where they stood."""
    Ticket.objects.filter(user__in=people).update(room=None, entered_at=None, due_at=None, heartbeat_at=timezone.now())


@rooms.on_end
def end_pairings(ended: Collection[UUID], at: datetime, declined_by: int | None) -> None:
    """Note the end of talks whose rooms end, so that both people can be matched again.

    Whose partner declined to come waits again.
    """
    Pairing.objects.filter(room__in=ended, ended_at__isnull=True).update(ended_at=at)
    held = list(lock(Ticket.objects.filter(room__in=ended)))  # the rest is taken out by `part`
    if any(ticket.user_id == declined_by and ticket.entered_at is None for ticket in held):
        _wait_again([ticket.user_id for ticket in held if ticket.user_id != declined_by])
    Ticket.objects.filter(user__in=[ticket.user_id for ticket in held], room__in=ended).delete()
