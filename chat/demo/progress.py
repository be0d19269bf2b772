"""Which steps of the tour have happened, read from the database: nothing is ticked by a press on "next"."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Q

from chat.demo import cast
from chat.demo.seed import OPEN_ITEM
from chat.models import Message, Room
from compliance.models import LedgerEntry, Signature
from compliance.records import Event

_REFUSED = "demo refused page"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tour."""

    number: int
    done: bool


def note_refused_page() -> None:
    """Note that somebody saw the page of the closed gate."""
    cache.set(_REFUSED, "yes", None)


def steps() -> list[Step]:
    """Return the six steps in their order."""
    visitors = Q(author__is_guest=True) | Q(author__email__in=[f"{role.value}@example.jp" for role in cast.Role])
    said = Message.objects.filter(visitors, kind=Message.Kind.MESSAGE)
    done = (
        said.filter(room__kind=Room.Kind.OPEN).exists(),
        bool(cache.get(_REFUSED)),
        Signature.objects.filter(item_id=OPEN_ITEM.id, withdrawn_at__isnull=True).exists(),
        said.filter(room__kind=Room.Kind.CLOSED).exists(),
        LedgerEntry.objects.filter(event=Event.STOP_PULLED.value).exists(),
        LedgerEntry.objects.filter(event=Event.PROOF_EXPORTED.value).exists(),
    )
    return [Step(number, happened) for number, happened in enumerate(done, start=1)]
