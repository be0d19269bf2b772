"""Opens, corrects and closes cases. Each act is one ledger entry, which names nobody and says nothing of the paper."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.law import papers
from compliance.models import Case, Hold
from compliance.records import Event, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

OUTCOMES: Final = (
    ("given", gettext_lazy("given or done, whole or in part")),
    ("declined", gettext_lazy("declined")),
    ("withdrawn", gettext_lazy("withdrawn by its sender")),
    ("void", gettext_lazy("opened by mistake")),
)
"""How a case ends."""

_DAYS: Final = ("named_on", "asked_on", "ordered_on")


def open_case(*, kind: papers.Kind, actor: AbstractBaseUser | None, **facts: Any) -> Case:
    """Open a case.

    Args:
        kind: of the paper.
        actor: the staff account that opens it; None where somebody sent the public form.
        facts: columns of `Case`: from whom, number and days of the paper, what it asks for, secrecy,
            the language of who wrote the public form.

    Raises:
        ValidationError: it was received in the future, or secrecy was ordered without an end.
    """
    if facts["received_on"] > timezone.localdate():
        raise ValidationError({"received_on": _("This day is in the future.")})
    if facts.get("silence") == Case.Silence.ORDERED and not facts.get("silent_until"):
        raise ValidationError({"silent_until": _("An order of silence has a last day, at most a year off.")})
    with transaction.atomic():
        ledger.lock()  # one number at a time
        number = (Case.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        case = Case.objects.create(
            kind=kind.value,
            number=number,
            opened_by_id=actor.pk if actor else None,
            from_outside=actor is None,
            **facts,
        )
        # The ledger is given to third persons: it shows that there is a case, and not of what kind or from whom.
        ledger.append(Event.CASE_OPENED, actor=actor, payload={"case": str(case.pk)})
    return case


def correct_days(*, case: Case, days: dict[str, date | None], actor: AbstractBaseUser) -> None:
    """Record the days from which clocks run, as they become known.

    Args:
        case: an open one.
        days: `named_on`, `asked_on`, `ordered_on`.
        actor: the staff account.

    Raises:
        ValidationError: the case is closed.
    """
    with transaction.atomic():
        row = locked(case)
        for name in _DAYS:
            setattr(row, name, days.get(name))
        row.save(update_fields=_DAYS)
        ledger.append(Event.CASE_CHANGED, actor=actor, payload={"case": str(row.pk), "what": "days"})


def close_case(*, case: Case, outcome: str, reason: str, actor: AbstractBaseUser) -> None:
    """Close a case.

    Raises:
        ValidationError: it is kept secret, has a live hold or an unfinished disclosure, no reason, or is closed.
    """
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it ends so: the record keeps it.")})
    with transaction.atomic():
        row = locked(case)
        if row.silent_until is not None and row.silent_until >= timezone.localdate():
            # What ended is counted in public and told in proofs: so a case lives for as long as nobody may know of it.
            silent = _("This case is kept secret until %(day)s. It stays open until then.")
            raise ValidationError({"outcome": silent % {"day": date_format(row.silent_until)}})
        if Hold.objects.filter(case=row, lifted_at__isnull=True).exclude(ends_on__lt=timezone.localdate()).exists():
            raise ValidationError({"outcome": _("A hold of this case is live. End it first.")})
        made = row.disclosures.filter(made_at__isnull=False)
        if row.disclosures.filter(refused_at__isnull=True, made_at__isnull=True).exists():
            raise ValidationError({"outcome": _("A disclosure of this case is under way. Make or refuse it first.")})
        if made.filter(alone=True, reviewed_at__isnull=True).exists():
            raise ValidationError({"outcome": _("A disclosure of this case waits for its review.")})
        row.closed_at, row.closed_by_id = timezone.now(), actor.pk
        row.outcome, row.reason = outcome, reason.strip()
        row.save(update_fields=["closed_at", "closed_by", "outcome", "reason"])
        payload = {"case": str(row.pk), "outcome": outcome, "disclosures": made.count()}
        ledger.append(Event.CASE_CLOSED, actor=actor, payload=payload)


def locked(case: Case) -> Case:
    """Return an open case, locked for this transaction.

    Raises:
        ValidationError: it is closed.
    """
    row = Case.objects.select_for_update().get(pk=case.pk)
    if not row.is_open:
        raise ValidationError({"__all__": _("This case is closed.")})
    return row
