"""Which acts keep people from writing now, and the digest by which a guest's network is known.

The writes ask here, inside their transactions. Acts are made, lifted and appealed against in `chat.safety`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from chat.models import AddressMute, Sanction, User
from chat.protocol import Code, Refused

SUSPENDED: Final = "suspended"
"""The key in the session of somebody who has just shown who they are, and is suspended."""
DIGEST: Final = 32
REMEMBERED: Final = 100_000
ADDRESS_DAY: Final = timedelta(hours=24)
ADDRESS_MOST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Mute:
    """Something that keeps somebody from writing.

    Attributes:
        room: where; None for everywhere.
        until: until when; None for without an end.
        reason: in the words of whoever acted; empty where it holds for a network.
        key: the public id of the act; None where it holds for a network.
    """

    room: UUID | None
    until: datetime | None
    reason: str = ""
    key: UUID | None = None

    def refusal(self, now: datetime) -> Refused:
        """Return the refusal that says why, until when, and where to appeal, in the current language."""
        told = {"until": when(self.until), "reason": self.reason}
        if self.key is None:
            words = _(
                "Guests cannot write from your network until %(until)s, because of what a guest did there. With an"
                " account of your own you can write."
            )
        elif self.room is None:
            words = _("You cannot write until %(until)s. Reason: %(reason)s. You can appeal at /appeals/.")
        else:
            words = _("You cannot write in this room until %(until)s. Reason: %(reason)s. You can appeal at /appeals/.")
        if self.until is None:
            words = _("You cannot write here any more. Reason: %(reason)s. You can appeal at /appeals/.")
        wait = None if self.until is None else max(1.0, round((self.until - now).total_seconds(), 1))
        return Refused(Code.FORBIDDEN, words % told, retry_after=wait)


def when(moment: datetime | None) -> str:
    """Return a moment in words, in Japan's time and the current language."""
    return "" if moment is None else date_format(localtime(moment), "DATETIME_FORMAT")


def active(now: datetime, *kinds: Sanction.Kind) -> QuerySet[Sanction]:
    """Return the acts of these kinds that are in effect at a moment."""
    ends = Q(until__isnull=True) | Q(until__gt=now)
    return Sanction.objects.filter(ends, lifted_at__isnull=True, kind__in=kinds)


def mutes_of(pks: Collection[int], now: datetime) -> dict[int, list[Mute]]:
    """Return the mutes of these people in effect at a moment, by primary key; who has none is left out."""
    found: dict[int, list[Mute]] = {}
    rows = active(now, Sanction.Kind.MUTE).filter(user__in=pks).order_by("-until", "pk")
    for user, room, until, reason, key in rows.values_list("user_id", "room_id", "until", "reason", "public_id"):
        found.setdefault(user, []).append(Mute(room, until, reason, key))
    return found


def network_mutes(digests: Collection[str], now: datetime) -> dict[str, list[Mute]]:
    """Return what keeps guests from writing from these networks at a moment, by digest."""
    found: dict[str, list[Mute]] = {}
    if digests:
        rows = AddressMute.objects.filter(digest__in=digests, until__gt=now, sanction__lifted_at__isnull=True)
        for digest, room, until in rows.values_list("digest", "sanction__room_id", "until"):
            found.setdefault(digest, []).append(Mute(room, until))
    return found


def permit_person(person_pk: int, now: datetime) -> None:
    """Let somebody begin something with others, unless they are muted everywhere.

    Raises:
        Refused: `forbidden`, with reason and time.
    """
    for mute in mutes_of([person_pk], now).get(person_pk, ()):
        if mute.room is None:
            raise mute.refusal(now)


class Origins:
    """From which networks guests wrote lately, in the memory of one process: an act on one of them looks here."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, tuple[str, float]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._seen)

    def remember(self, person_pk: int, digest: str) -> None:
        """Remember a guest's network for a day; of very many guests those who wrote last."""
        self._seen[person_pk] = digest, time.monotonic()
        self._seen.move_to_end(person_pk)
        oldest = next(iter(self._seen.values()))[1]
        if len(self._seen) > REMEMBERED or time.monotonic() - oldest > ADDRESS_DAY.total_seconds():
            self._seen.popitem(last=False)

    def find(self, person_pk: int) -> str | None:
        """Return the digest of the network from which a guest wrote within the last day, as far as it is known."""
        digest, at = self._seen.get(person_pk, ("", 0.0))
        return digest if digest and time.monotonic() - at < ADDRESS_DAY.total_seconds() else None


@lru_cache(maxsize=65536)
def network_digest(network: str) -> str:
    """Return the keyed digest of a network (see `realtime.network`): the network cannot be found from it."""
    keyed = salted_hmac("chat.people.network", network, secret=settings.SECRET_KEY, algorithm="sha256")
    return keyed.hexdigest()[:DIGEST]


def bind_network(person_pk: int, digest: str, now: datetime) -> bool:
    """Keep other guests of a muted or suspended guest's network from writing: a day on, seven in all at most.

    Returns:
        whether there was an act to bind it to.
    """
    acts = list(active(now, Sanction.Kind.MUTE, Sanction.Kind.SUSPEND).filter(user=person_pk, user__is_guest=True))
    for act in acts:
        row, _made = AddressMute.objects.get_or_create(
            sanction=act, digest=digest, defaults={"first_at": now, "until": now}
        )
        row.until = min(now + ADDRESS_DAY, row.first_at + ADDRESS_MOST, act.until or now + ADDRESS_MOST)
        row.save(update_fields=("until",))
    return bool(acts)


def reinstate_expired(pks: Iterable[int], now: datetime) -> list[User]:
    """Let those of these people back in whose suspension has ended by the clock; nobody else.

    An account that was suspended without an act stays suspended.
    """
    people = []
    for user in User.objects.filter(pk__in=list(pks), is_active=False):
        over = Sanction.objects.filter(user=user, kind=Sanction.Kind.SUSPEND, lifted_at=None, until__lte=now)
        if not over.exists() or active(now, Sanction.Kind.SUSPEND).filter(user=user).exists():
            continue
        over.update(lifted_at=now, changed_at=now)  # whoever shuts them out by hand afterwards does so for good
        user.is_active = True
        user.save(update_fields=("is_active",))
        people.append(user)
    return people
