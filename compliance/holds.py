"""Legal holds: place, lift, and say what the retention job must leave alone. Each is one ledger entry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance import ledger
from compliance.models import Hold

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

FREEZE_MOST: Final = 60
"""Days that a freeze request can hold: 30, and with its extension no more than this (CCP 197(3), (4))."""


@dataclass(frozen=True, slots=True)
class Live:
    """What is held now: everything, or the records of these people (public ids) and rooms (ids)."""

    everything: bool = False
    people: frozenset[UUID] = frozenset()
    rooms: frozenset[UUID] = frozenset()


def live(on: date | None = None) -> Live:
    """Return what is held on a day in Japan (default: today)."""
    today = on or timezone.localdate()
    rows = Hold.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=today), lifted_at__isnull=True)
    held = list(rows.values_list("scope", "subject"))
    return Live(
        any(scope == Hold.Scope.EVERYTHING for scope, _subject in held),
        frozenset(subject for scope, subject in held if scope == Hold.Scope.PERSON and subject),
        frozenset(subject for scope, subject in held if scope == Hold.Scope.ROOM and subject),
    )


def faults(
    *, scope: str | None, subject: UUID | None, ground: str | None, paper: str | None, ends_on: date | None
) -> dict[str, str]:
    """Return what is wrong with a hold that is to be placed, by field; see `place`."""
    today = timezone.localdate()
    wrong: dict[str, str] = {}
    if (scope == Hold.Scope.EVERYTHING) != (subject is None):
        wrong["subject"] = _("Name the person or the room by its id; leave it empty only to hold everything.")
    if not (paper or "").strip():
        wrong["paper"] = _("Say on what paper this rests: the record keeps it.")
    if ends_on is None and ground != Hold.Ground.ORDER:
        wrong["ends_on"] = _("Enter the last day. Only a court order may hold without one.")
    elif ends_on is not None and ends_on < today:
        wrong["ends_on"] = _("This day has passed.")
    elif ends_on is not None and ground == Hold.Ground.FREEZE and ends_on > today + timedelta(days=FREEZE_MOST):
        wrong["ends_on"] = _("A freeze request holds for 30 days, 60 with its extension.")
    return wrong


def place(
    *, scope: str, subject: UUID | None, ground: str, paper: str, ends_on: date | None, actor: AbstractBaseUser
) -> Hold:
    """Keep the retention job from erasing what a paper names, until its last day or until it is lifted.

    Args:
        scope: one of `Hold.Scope`.
        subject: a person's public id or a room's id; None for everything.
        ground: one of `Hold.Ground`.
        paper: authority, number, date, what it names.
        ends_on: the last day; may be left out for a court order only.
        actor: the staff account that places it.

    Raises:
        ValidationError: by field.
    """
    if wrong := faults(scope=scope, subject=subject, ground=ground, paper=paper, ends_on=ends_on):
        raise ValidationError(wrong)
    with transaction.atomic():
        hold = Hold.objects.create(
            scope=scope, subject=subject, ground=ground, paper=paper.strip(), ends_on=ends_on, placed_by_id=actor.pk
        )
        # The ledger is handed to third persons as proof; whom an authority asks about is not theirs to know.
        named = hashlib.sha256(f"{subject or ''}\n{hold.paper}".encode()).hexdigest()
        ends = ends_on.isoformat() if ends_on else None
        payload = {"hold": hold.pk, "scope": scope, "ground": ground, "ends_on": ends, "named": named}
        ledger.append("hold.placed", actor=actor, payload=payload)
    return hold


def lift(*, hold: Hold, reason: str, actor: AbstractBaseUser) -> None:
    """Let the retention job go on with what was held.

    Raises:
        ValidationError: no reason was given, or it is lifted already.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"lift_reason": _("Say why the hold is lifted: the record keeps it.")})
    with transaction.atomic():
        lifted = Hold.objects.filter(pk=hold.pk, lifted_at__isnull=True).update(
            lifted_at=timezone.now(), lifted_by_id=actor.pk, lift_reason=reason
        )
        if not lifted:
            raise ValidationError({"lift_reason": _("This hold is lifted already.")})
        ledger.append("hold.lifted", actor=actor, payload={"hold": hold.pk, "reason": reason})
