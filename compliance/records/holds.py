"""Legal holds (法的保全): places, extends and lifts them; the retention job leaves alone what they name.

A hold keeps what its ground names. A freeze request (保全要請, CCP 197(3)) names communication history (通信履歴):
who, with whom, when. The words of a talk are not history, so they are still erased in time. A court order and a case
keep both. Each act is one ledger entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.law.retention import ROW, Kept
from compliance.models import Approval, Case, Hold
from compliance.records import approvals, ledger
from compliance.records.events import Event

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_UNKNOWN: Final = gettext_lazy("There is no person or room of this id. Check the id: a hold on nothing keeps nothing.")
FREEZE_DAYS: Final = 30
"""The most days that a freeze request names at first (CCP 197(3)), and that its extension adds (CCP 197(4))."""
FREEZE_MOST: Final = 60
"""The most days that a freeze request holds in all (CCP 197(4))."""

_SAME_RECORDS: Final = timedelta(days=ROW["closed_history"].days or 0)
"""For how long after a freeze a new one on the same person or room would still be about records of the first."""

_WORDS: Final = ("closed_words", "taken_back", "removed_words", "reports")
_HISTORY: Final[Mapping[str, tuple[str, ...]]] = {
    Hold.Scope.PERSON: ("guests", "sign_ins", "acts", "tickets", "closed_history", "held_copies"),
    Hold.Scope.ROOM: ("closed_history", "held_copies"),
}
"""The rows of the retention table that wait while a hold lasts. A test compares them with the jobs."""

Lookup: TypeAlias = Callable[[UUID], str | None]

# Compliance does not import chat, so chat registers how to look up people and rooms.
_lookups: dict[str, Lookup] = {}


def register_lookups(*, person: Lookup, room: Lookup) -> None:
    """Register how a person (by public id) and a room (by id) are called: None where there is none.

    A closed room has no name that staff see: it is called by an empty text.
    """
    _lookups.update({Hold.Scope.PERSON: person, Hold.Scope.ROOM: room})


@dataclass(frozen=True, slots=True)
class Live:
    """What is held now: everything, or the records of these people (public ids) and rooms (ids)."""

    everything: bool = False
    people: frozenset[UUID] = frozenset()
    rooms: frozenset[UUID] = frozenset()


def is_known(scope: str, subject: UUID) -> bool:
    """Return whether there is such a person or room; always, where nobody registered how to look."""
    return scope not in _lookups or _lookups[scope](subject) is not None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a hold would keep: how its subject is called, and the rows of the retention table that would wait."""

    scope: str
    name: str
    rows: tuple[Kept, ...]


def preview(*, scope: str, subject: UUID, ground: str) -> Preview:
    """Return what a hold on a person or a room would keep. It says kinds of records, never whether there are any.

    Raises:
        ValidationError: there is no such person or room.
    """
    if not is_known(scope, subject):
        raise ValidationError({"subject": _UNKNOWN})
    keys = _HISTORY[scope] + (() if ground == Hold.Ground.FREEZE else _WORDS)
    name = _lookups[scope](subject) if scope in _lookups else None
    return Preview(scope, name or "", tuple(ROW[key] for key in keys))


def live(on: date | None = None, *, words: bool = False) -> Live:
    """Return what is held on a day.

    Args:
        on: a day in Japan; today if None.
        words: ask for the words of talks rather than for their history. Freeze requests do not keep them.
    """
    today = on or timezone.localdate()
    rows = Hold.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=today), lifted_at__isnull=True)
    if words:
        rows = rows.exclude(ground=Hold.Ground.FREEZE)
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
    elif scope == Hold.Scope.EVERYTHING and ground == Hold.Ground.FREEZE:
        wrong["scope"] = _("A freeze request names the records that it is about. Name the person or the room.")
    elif scope and subject and not is_known(scope, subject):
        wrong["subject"] = str(_UNKNOWN)
    elif ground == Hold.Ground.FREEZE and (earlier := _earlier_freeze(scope, subject, today)):
        wrong["subject"] = _earlier_says(earlier, today)
    if not (paper or "").strip():
        wrong["paper"] = _("Say on what paper this rests: the record keeps it.")
    if ends_on is None and ground != Hold.Ground.ORDER:
        wrong["ends_on"] = _("Enter the last day. Only a court order may hold without one.")
    elif ends_on is not None and ends_on < today:
        wrong["ends_on"] = _("This day has passed.")
    elif ends_on is not None and ground == Hold.Ground.FREEZE and ends_on > today + timedelta(days=FREEZE_DAYS):
        wrong["ends_on"] = _(
            "A freeze request holds for 30 days at most. If it is extended by a further request, enter that when it "
            "comes."
        )
    return wrong


def _earlier_freeze(scope: str | None, subject: UUID | None, today: date) -> Hold | None:
    rows = Hold.objects.filter(scope=scope, subject=subject, ground=Hold.Ground.FREEZE)
    return rows.filter(ends_on__gte=today - _SAME_RECORDS).order_by("-placed_at").first()


def _earlier_says(earlier: Hold, today: date) -> str:
    assert earlier.ends_on is not None
    day = date_format(earlier.ends_on)
    if earlier.lifted_at is None and earlier.ends_on >= today and earlier.extended_at is None:
        return _("A freeze request holds this already, until %(day)s. Extend that one instead.") % {"day": day}
    return _(
        "A freeze request held this before, until %(day)s. The law lets it be extended once and gives no second one "
        "for "
        "the same records. A court order can hold them further."
    ) % {"day": day}


def place(
    *,
    scope: str,
    subject: UUID | None,
    ground: str,
    paper: str,
    ends_on: date | None,
    actor: AbstractBaseUser,
    case: Case | None = None,
) -> Hold:
    """Keep the retention job from erasing what a paper names, until its last day or until it is lifted.

    Args:
        scope: one of `Hold.Scope`.
        subject: a person's public id or a room's id; None for everything.
        ground: one of `Hold.Ground`.
        paper: authority, number, date, what it names.
        ends_on: the last day; may be left out for a court order only, and is at most 30 days off for a freeze request.
        actor: the staff account that places it.
        case: to which it belongs.

    Raises:
        ValidationError: by field.
    """
    if wrong := faults(scope=scope, subject=subject, ground=ground, paper=paper, ends_on=ends_on):
        raise ValidationError(wrong)
    with transaction.atomic():
        hold = Hold.objects.create(
            scope=scope,
            subject=subject,
            ground=ground,
            paper=paper.strip(),
            ends_on=ends_on,
            placed_by_id=actor.pk,
            case=case,
        )
        payload = {"hold": hold.pk, "named": named_digest(hold), "until": until_digest(hold, hold.paper)}
        ledger.append(Event.HOLD_PLACED, actor=actor, payload=payload)
    return hold


def named_digest(hold: Hold) -> str:
    """Return the digest by which the ledger knows whose records a hold keeps, on what ground and on what paper.

    The ledger is given to third persons as proof; they must not learn whom an authority asks about, nor that one does.
    """
    return _digest(hold.subject or "", hold.paper, hold.scope, hold.ground)


def until_digest(hold: Hold, paper: str) -> str:
    """Return the digest by which the ledger knows the last day of a hold.

    Args:
        hold: whose last day it is.
        paper: on which this day rests; without it, the few days that are possible could be tried.
    """
    return _digest(hold.subject or "", paper, hold.ends_on or "")


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def latest_extension(hold: Hold) -> date:
    """Return the last day to which a freeze request can be extended (CCP 197(4))."""
    assert hold.ends_on is not None
    most = timezone.localdate(hold.placed_at) + timedelta(days=FREEZE_MOST)
    return min(most, hold.ends_on + timedelta(days=FREEZE_DAYS))


def extension_faults(*, hold: Hold, ends_on: date | None, paper: str) -> dict[str, str]:
    """Return what is wrong with an extension, by field; see `extend`."""
    today = timezone.localdate()
    wrong: dict[str, str] = {}
    if hold.ground != Hold.Ground.FREEZE or hold.ends_on is None:
        wrong["extend_to"] = _("Only a freeze request is extended.")
    elif hold.lifted_at is not None or hold.ends_on < today:
        wrong["extend_to"] = _("This hold is over. The law gives no second freeze for the same records.")
    elif hold.extended_at is not None:
        wrong["extend_to"] = _("This hold was extended already. The law gives no second extension.")
    elif ends_on is None or ends_on <= hold.ends_on:
        wrong["extend_to"] = _("Enter a day after the last day as it is.")
    elif ends_on > (most := latest_extension(hold)):
        wrong["extend_to"] = _(
            "The extension adds 30 days at most, 60 in all. The last day that is possible: %(day)s"
        ) % {"day": date_format(most)}
    if not paper.strip():
        wrong["extension_paper"] = _("Say on what paper the extension rests: the record keeps it.")
    return wrong


def is_live(hold: Hold) -> bool:
    """Return whether a hold holds today."""
    return hold.lifted_at is None and (hold.ends_on is None or hold.ends_on >= timezone.localdate())


def may_be_extended(hold: Hold) -> bool:
    """Return whether the law lets a hold be extended: a live freeze request, once."""
    return is_live(hold) and hold.ground == Hold.Ground.FREEZE and hold.extended_at is None


def extend(*, hold: Hold, ends_on: date | None, paper: str, actor: AbstractBaseUser) -> None:
    """Extend a freeze request once, on a further request of the authority.

    Args:
        hold: the live hold.
        ends_on: the new last day, at most 30 days after the old one and 60 after the hold was placed.
        paper: authority, number, date of the further request.
        actor: the staff account that extends it.

    Raises:
        ValidationError: by field (`extend_to`, `extension_paper`).
    """
    with transaction.atomic():
        row = Hold.objects.select_for_update().get(pk=hold.pk)
        if wrong := extension_faults(hold=row, ends_on=ends_on, paper=paper):
            raise ValidationError(wrong)
        assert ends_on is not None
        row.ends_on, row.extension_paper = ends_on, paper.strip()
        row.extended_at, row.extended_by_id = timezone.now(), actor.pk
        payload = {"hold": row.pk, "until": until_digest(row, row.extension_paper)}
        ledger.append(Event.HOLD_EXTENDED, actor=actor, payload=payload)
        row.save(update_fields=["ends_on", "extension_paper", "extended_at", "extended_by"])


def ask_to_lift(*, hold: Hold, reason: str, actor: AbstractBaseUser) -> Approval:
    """Ask a second person to agree that a hold is lifted; see `approvals.request`.

    Raises:
        PermissionDenied: the account may not lift it.
        ValidationError: no reason was given, it is lifted already, or this is asked for already.
    """
    if not reason.strip():
        raise ValidationError({"lift_reason": _("Say why the hold is lifted: the record keeps it.")})
    row = Hold.objects.filter(pk=hold.pk, lifted_at__isnull=True).first()
    if row is None:
        raise ValidationError({"lift_reason": _("This hold is lifted already.")})
    kind = Approval.Kind.HOLD_LIFT
    return approvals.request(kind=kind, subject=str(hold.pk), what=_until(row), reason=reason, actor=actor)


def _until(hold: Hold) -> dict[str, Any]:
    return {"ends_on": hold.ends_on.isoformat() if hold.ends_on else None}


def lift(*, hold: Hold, approval: Approval, actor: AbstractBaseUser) -> None:
    """Lift a hold as a second person agreed: the retention job erases again what it kept.

    Raises:
        PermissionDenied: the approval is for another hold or another person.
        ValidationError: it is lifted already, it was extended since this was asked for, or nobody agreed.
    """
    with transaction.atomic():
        live = Hold.objects.select_for_update().filter(pk=hold.pk, lifted_at__isnull=True)
        found = live.first()
        if found is None:
            raise ValidationError({"lift_reason": _("This hold is lifted already.")})
        kind = Approval.Kind.HOLD_LIFT
        row, agreed = approvals.spend(approval=approval, kind=kind, subject=str(hold.pk), actor=actor)
        if row.what and row.what != _until(found):
            changed = _("This hold was extended since this was asked for. Withdraw the request and ask again.")
            raise ValidationError({"lift_reason": changed})
        payload = {"hold": hold.pk, "reason": row.reason, **agreed}
        ledger.append(Event.HOLD_LIFTED, actor=actor, payload=payload)
        live.update(lifted_at=timezone.now(), lifted_by_id=actor.pk, lift_reason=row.reason)


NOBODY: Final = UUID(int=0)
"""Stands where a hold named a person or a room, once that was erased."""
_ERASED: Final = "–"


def ended_before(before: datetime, _held: Live) -> QuerySet[Hold]:
    """Return the holds that ended before a moment and still name somebody."""
    over = Q(lifted_at__lt=before) | Q(ends_on__lt=timezone.localdate(before))
    return Hold.objects.filter(over).exclude(paper="")


def forget(rows: QuerySet[Hold]) -> int:
    """Take out of holds whom they named and on what paper; return how many. The days, and who acted, stay."""
    chosen = list(rows.values_list("pk", flat=True))
    holds = Hold.objects.filter(pk__in=chosen)
    holds.exclude(extension_paper="").update(extension_paper=_ERASED, paper="", subject=NOBODY)
    holds.exclude(scope=Hold.Scope.EVERYTHING).update(paper="", subject=NOBODY)
    holds.filter(scope=Hold.Scope.EVERYTHING).update(paper="")
    return len(chosen)


def is_emptied(hold: Hold) -> bool:
    """Return whether a hold that is over no longer names anybody: its digests in the ledger lead nowhere then."""
    over = hold.lifted_at is not None or (hold.ends_on is not None and hold.ends_on < timezone.localdate())
    return over and not hold.paper
