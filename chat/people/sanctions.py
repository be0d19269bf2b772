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
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from chat.models import AddressMute, LeftAct, Sanction, User
from chat.protocol import Code, Refused
from chat.text.addresses import fold
from compliance.records import Event, ledger, powers, would_hold

SUSPENDED: Final = "suspended"
"""The key in the session of somebody who has just shown who they are, and is suspended."""
CARRIED: Final = "acts"
"""The key in a session without an account: the acts on whoever was in it before, which its next guest has, too."""
RESTRICTING: Final = (Sanction.Kind.MUTE, Sanction.Kind.SUSPEND)
LEFT_MOST: Final = timedelta(days=3 * 365)
"""For how long an act without an end outlives the account."""
FOREVER: Final = datetime.max.replace(tzinfo=timezone.get_default_timezone(), year=9998)
GOES_ON: Final = "以前に受けた措置の続きです。 / This goes on from before."
DIGEST: Final = 32
REMEMBERED: Final = 100_000
ADDRESS_DAY: Final = timedelta(hours=24)
ADDRESS_MOST: Final = timedelta(days=7)


class Suspended(ValidationError):
    """Somebody who is suspended asks for another nickname."""


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

    @property
    def sentence(self) -> str:
        """Why the person cannot write, and until when, in the current language."""
        told = {"until": when(self.until), "reason": self.reason}
        if self.key is None:
            words = _(
                "Guests cannot write from your network until %(until)s, because of what a guest did there. With an"
                " account of your own you can write."
            )
        elif self.until is None:
            words = _("You cannot write here any more. Reason: %(reason)s")
        elif self.room is None:
            words = _("Until %(until)s you cannot write. Reason: %(reason)s")
        else:
            words = _("Until %(until)s you cannot write in this room. Reason: %(reason)s")
        return words % told

    def refusal(self, now: datetime) -> Refused:
        """Return the refusal that says why, until when, and where to appeal, in the current language."""
        wait = None if self.until is None else max(1.0, round((self.until - now).total_seconds(), 1))
        words = self.sentence
        if self.key is not None:
            words = _("%(why)s (You can appeal at /appeals/.)") % {"why": words}
        return Refused(Code.FORBIDDEN, words, retry_after=wait)


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


def muted_until(user: User, now: datetime) -> datetime | None:
    """Return until when the writes have to look at somebody's mutes: None if there are none."""
    ends = active(now, Sanction.Kind.MUTE).filter(user=user).order_by(F("until").desc(nulls_first=True))
    found = list(ends.values_list("until", flat=True)[:1])
    return (found[0] or FOREVER) if found else None


# Acts that outlive an account or a nickname ---------------------------------------------------------------------------


def address_digests(address: str) -> list[str]:
    """Return the keyed digests of an address: by today's key first, then by those that it had before."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keyed = (salted_hmac("chat.people.left", fold(address), secret=each, algorithm="sha256") for each in secrets)
    return [each.hexdigest() for each in keyed]


def leave_acts(people: Collection[int]) -> None:
    """Keep the acts in effect on people who are about to be erased, by digests of their confirmed addresses."""
    now = timezone.now()
    addresses: dict[int, set[str]] = {}
    confirmed = EmailAddress.objects.filter(Q(verified=True) | Q(primary=True), user__in=people)
    named = User.objects.filter(pk__in=people, email__isnull=False)
    for pk, address in (*confirmed.values_list("user", "email"), *named.values_list("pk", "email")):
        addresses.setdefault(pk, set()).add(address_digests(address)[0])
    LeftAct.objects.bulk_create(
        [
            LeftAct(
                public_id=act.public_id,
                digest=digest,
                kind=act.kind,
                room_id=act.room_id,
                rule=act.rule,
                by_role=act.by_role,
                until=act.until,
                ends_at=act.until or now + LEFT_MOST,
            )
            for act in active(now, *RESTRICTING).filter(user__in=addresses)
            for digest in sorted(addresses[act.user_id])
        ],
        ignore_conflicts=True,
    )


def continue_acts(user: User, address: str) -> None:
    """Put the acts again on whoever has confirmed an address, under which somebody left while they held."""
    with transaction.atomic():
        kept = list(
            LeftAct.objects.select_for_update(of=("self",)).filter(
                digest__in=address_digests(address), ends_at__gt=timezone.now()
            )
        )
        if not kept or would_hold(user):
            return
        _continue(user, kept)
        LeftAct.objects.filter(pk__in=[each.pk for each in kept]).delete()


def carry(request: HttpRequest) -> list[str]:
    """Return the acts that a browser's next guest has, too: on whoever is or was in it, by their public ids."""
    session = request.session
    people = {session[key] for key in (SESSION_KEY, SUSPENDED) if key in session}
    found = [str(key) for key in session.get(CARRIED, ())]
    acts = active(timezone.now(), *RESTRICTING).filter(user__in=people) if people else Sanction.objects.none()
    return list(dict.fromkeys([*found, *(str(key) for key in acts.values_list("public_id", flat=True))]))


def refuse_suspended(keys: Collection[str]) -> None:
    """Let a browser's next guest in, unless one of these acts is a suspension.

    Raises:
        Suspended: it says so, and until when.
    """
    for act in _carried(keys):
        if act.kind == Sanction.Kind.SUSPEND:
            words = _("You are suspended here, and a new nickname does not change that.")
            until = _("You are suspended here until %(until)s, and a new nickname does not change that.")
            raise Suspended(words if act.until is None else until % {"until": when(act.until)})


def carry_over(guest: User, keys: Collection[str]) -> None:
    """Put the mutes among these acts on a browser's next guest."""
    if mutes := [act for act in _carried(keys) if act.kind == Sanction.Kind.MUTE]:
        with transaction.atomic():
            _continue(guest, mutes)


def _carried(keys: Collection[str]) -> list[Sanction | LeftAct]:
    if not keys:
        return []
    left = LeftAct.objects.filter(public_id__in=keys, ends_at__gt=timezone.now())
    return [*active(timezone.now(), *RESTRICTING).filter(public_id__in=keys), *left]


def _continue(user: User, acts: Collection[Sanction | LeftAct]) -> None:
    """Make these acts anew on somebody. Nobody acts: the entries name the service, and the act that goes on."""
    now = timezone.now()
    for act in acts:
        taken = Sanction.objects.filter(public_id=act.public_id).exists()
        made = Sanction.objects.create(
            public_id=uuid4() if taken else act.public_id,
            kind=act.kind,
            user=user,
            room_id=act.room_id,
            reason=GOES_ON,
            rule=act.rule,
            at=now,
            until=act.until,
            by_role=act.by_role,
        )
        why = {"act": str(made.public_id), "continues": str(act.public_id), "rule": act.rule}
        if act.kind == Sanction.Kind.SUSPEND and user.is_active:
            user.is_active = False
            with powers.explained(None, why):
                user.save(update_fields=("is_active",))  # which writes the entry
        else:
            event = Event.ACCOUNT_SUSPENDED if act.kind == Sanction.Kind.SUSPEND else Event.PERSON_MUTED
            ledger.append(event, actor=None, payload={"account": ledger.actor_of(user).ref} | why)
    user.has_unread_act, user.muted_until = True, muted_until(user, now)
    user.save(update_fields=("has_unread_act", "muted_until"))


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

    An account that was suspended without an act stays suspended, and so does one that would hold powers: two persons
    give those back.
    """
    people = []
    for user in User.objects.filter(pk__in=list(pks), is_active=False):
        over = Sanction.objects.filter(user=user, kind=Sanction.Kind.SUSPEND, lifted_at=None, until__lte=now)
        if not over.exists() or active(now, Sanction.Kind.SUSPEND).filter(user=user).exists():
            continue
        if would_hold(user):
            continue
        over.update(lifted_at=now, changed_at=now)  # whoever shuts them out by hand afterwards does so for good
        user.is_active = True
        user.save(update_fields=("is_active",))
        people.append(user)
    return people
