"""Asks for a disclosure, agrees to it or refuses it, makes the extract, opens it once, and reviews it afterwards.

Nobody sees a word before a second person said yes. One exception: the operator alone carries out an order or acts in
present danger; that leaves an entry and a review that stays open until somebody else has made it. Nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.disclosures import extract
from compliance.law import Text, papers
from compliance.law.powers import Power
from compliance.models import Case, Disclosure
from compliance.powers import Waiting, may, tell_on_duty
from compliance.records import Event, evidence, holds, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

Ground: Final = Disclosure.Ground
_SECOND: Final = Text("二人目の確認を待っています。", "Something waits for a second person.")
_REVIEW: Final = Text(
    "一人で行われた対応が、7日以内の事後の確認を待っています。",
    "Something was done by one person alone, and waits for a review within 7 days.",
)


def ask(
    *,
    case: Case | None,
    ground: str,
    reason: str,
    scope: extract.Scope,
    alone: bool,
    actor: AbstractBaseUser,
) -> Disclosure:
    """Ask for a disclosure; the operator may carry out an order, or act in danger, alone.

    Args:
        case: of the paper; None in present danger, which needs none.
        ground: one of `Disclosure.Ground`.
        reason: why, and why no less would do.
        scope: the least that the ground needs; it names a room or a person.
        alone: no second person is at hand.
        actor: who asks.

    Raises:
        PermissionDenied: the account may not ask, or not alone.
        ValidationError: by field.
    """
    if not may(actor, Power.CASES_SECOND if alone else Power.CASES):
        raise PermissionDenied
    with transaction.atomic():
        case = _open_case(case)
        if wrong := _faults(case, ground, reason, scope):
            raise ValidationError(wrong)
        row = Disclosure.objects.create(
            case=case,
            ground=ground,
            reason=reason.strip(),
            rooms=sorted(map(str, scope.rooms)),
            people=sorted(map(str, scope.people)),
            since=scope.since,
            until=scope.until,
            alone=alone,
            asked_by_id=actor.pk,
        )
        # Without the ground: an entry must not tell whoever is given the ledger that a court asks.
        _note(Event.DISCLOSURE_REQUESTED, row, actor, alone=alone)
        second = {Power.CASES, Power.CASES_SECOND} if alone else {Power.CASES_SECOND}
        tell_on_duty(second, Waiting(_REVIEW if alone else _SECOND, reverse("compliance:disclosures")), but=actor)
    return row


def _open_case(case: Case | None) -> Case | None:
    """Return the case of a disclosure, locked: what is done for it is done before it ends.

    Raises:
        ValidationError: it is closed, and with it the ground.
    """
    if case is None:
        return None
    row = Case.objects.select_for_update().get(pk=case.pk)
    if not row.is_open:
        raise ValidationError({"__all__": _("This case is closed, so nothing is disclosed for it any more.")})
    return row


def _faults(case: Case | None, ground: str, reason: str, scope: extract.Scope) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not reason.strip():
        wrong["reason"] = _("Say why, and why no less would do.")
    if not scope.rooms and not scope.people:
        wrong["rooms"] = _("Name a room or a person.")
    elif not all(holds.is_known("room", room) for room in scope.rooms):
        wrong["rooms"] = _("There is no room of this id.")
    elif not all(holds.is_known("person", person) for person in scope.people):
        wrong["people"] = _("There is no person of this id.")
    if scope.since >= scope.until:
        wrong["until"] = _("The period ends after it begins.")
    if ground == Ground.ORDER:
        if case is None or papers.Kind(case.kind) not in papers.CLOSED or not case.is_open:
            wrong["ground"] = _("An order is carried out in the open case of a warrant or an order.")
        elif not case.papers.exists():
            wrong["ground"] = _("Add the paper itself to the case first.")
    return wrong


def approve(*, disclosure: Disclosure, actor: AbstractBaseUser) -> None:
    """Agree to a disclosure as the second person.

    Raises:
        PermissionDenied: the account may not, or is the one who asked.
        ValidationError: it was decided already.
    """
    with transaction.atomic():
        row = _waiting(disclosure, actor)
        row.approved_by_id, row.approved_at = actor.pk, timezone.now()
        row.save(update_fields=["approved_by", "approved_at"])
        _note(Event.DISCLOSURE_APPROVED, row, actor)


def refuse(*, disclosure: Disclosure, reason: str, actor: AbstractBaseUser) -> None:
    """Refuse a disclosure as the second person; also one that was decided, and that nobody can carry out any more.

    Raises:
        PermissionDenied: the account may not, or is the one who asked.
        ValidationError: it was decided already, or no reason was given.
    """
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is refused: the record keeps it.")})
    with transaction.atomic():
        row = _waiting(disclosure, actor, is_over=is_stranded)
        row.approved_by = row.approved_at = None
        row.refused_by_id, row.refused_at, row.refusal = actor.pk, timezone.now(), reason.strip()
        row.save(update_fields=["approved_by", "approved_at", "refused_by", "refused_at", "refusal"])
        _note(Event.DISCLOSURE_REFUSED, row, actor)


def is_stranded(disclosure: Disclosure) -> bool:
    """Return whether a disclosure was agreed to or begun, and one of the two lost the power before it was made.

    It would keep its case open, and every proof short, for good.
    """
    decided = disclosure.alone or disclosure.approved_at is not None
    return decided and not disclosure.refused_at and not disclosure.made_at and not _may_make(disclosure)


def _may_make(disclosure: Disclosure) -> bool:
    agreed = disclosure.approved_by is None or may(disclosure.approved_by, Power.CASES_SECOND)
    return agreed and may(disclosure.asked_by, Power.CASES_SECOND if disclosure.alone else Power.CASES)


def _waiting(
    disclosure: Disclosure, actor: AbstractBaseUser, *, is_over: Callable[[Disclosure], bool] = lambda _row: False
) -> Disclosure:
    row = Disclosure.objects.select_for_update(of=("self",)).get(pk=disclosure.pk)
    if not may(actor, Power.CASES_SECOND) or row.asked_by_id == actor.pk:
        raise PermissionDenied
    if (row.alone or row.approved_at or row.refused_at) and not is_over(row):
        raise ValidationError({"__all__": _("This was decided already.")})
    return row


def make(*, disclosure: Disclosure, actor: AbstractBaseUser) -> str:
    """Make the encrypted extract of a disclosure that was agreed to, once.

    Returns:
        its key, which is stored nowhere.

    Raises:
        PermissionDenied: the account is not the one who asked, or lost the power.
        ValidationError: nobody agreed to it, whoever agreed lost the power since, or it was made already.
    """
    with transaction.atomic():
        row = Disclosure.objects.select_for_update().get(pk=disclosure.pk)
        _is_theirs(row, actor)
        if row.refused_at or not (row.approved_at or row.alone):
            raise ValidationError({"__all__": _("A second person has to agree first.")})
        if row.approved_by is not None and not may(row.approved_by, Power.CASES_SECOND):
            gone = _("Whoever agreed to this no longer may. Ask again.")
            raise ValidationError({"__all__": gone})
        if row.made_at:
            raise ValidationError({"__all__": _("The extract was made already.")})
        content, key, records = extract.build(row)
        row.made_at, row.records, row.sha256 = timezone.now(), records, evidence.keep(content)
        row.save(update_fields=["made_at", "records", "sha256"])
        ended = {} if row.alone or row.case_id else {"two_without_case": True}  # which the public count takes
        _note(Event.DISCLOSURE_MADE, row, actor, sha256=row.sha256, **ended)
    return key


def open_extract(*, disclosure: Disclosure, key: str, actor: AbstractBaseUser) -> bytes:
    """Open an extract, once, with its key.

    Returns:
        a ZIP with the records as they are on record.

    Raises:
        PermissionDenied: the account is not the one who asked, or lost the power.
        ValidationError: it was opened already, its case is closed, or the key does not fit.
    """
    with transaction.atomic():
        _open_case(disclosure.case)
        row = Disclosure.objects.select_for_update().get(pk=disclosure.pk)
        _is_theirs(row, actor)
        if row.made_at is None or row.opened_at:
            raise ValidationError({"key": _("An extract is opened once.")})
        content = extract.unlock(row, key)
        row.opened_at = timezone.now()
        row.save(update_fields=["opened_at"])
        _note(Event.DISCLOSURE_OPENED, row, actor)
    return content


def _is_theirs(row: Disclosure, actor: AbstractBaseUser) -> None:
    if row.asked_by_id != actor.pk or not may(actor, Power.CASES_SECOND if row.alone else Power.CASES):
        raise PermissionDenied


def review(*, disclosure: Disclosure, finding: str, actor: AbstractBaseUser) -> None:
    """Review, as a second person, what was carried out alone.

    Raises:
        PermissionDenied: the account may not, or is the one who acted.
        ValidationError: no finding, or it was reviewed already.
    """
    if not finding.strip():
        raise ValidationError({"finding": _("Say what you found: the record keeps it.")})
    if not (may(actor, Power.CASES_SECOND) or may(actor, Power.CASES)):
        raise PermissionDenied
    with transaction.atomic():
        row = Disclosure.objects.select_for_update().get(pk=disclosure.pk)
        if row.asked_by_id == actor.pk:
            raise PermissionDenied
        if not row.alone or row.reviewed_at:
            raise ValidationError({"finding": _("There is nothing to review.")})
        row.reviewed_by_id, row.reviewed_at, row.finding = actor.pk, timezone.now(), finding.strip()
        row.save(update_fields=["reviewed_by", "reviewed_at", "finding"])
        _note(Event.DISCLOSURE_REVIEWED, row, actor, alone_without_case=row.case_id is None)


def _note(event: Event, row: Disclosure, actor: AbstractBaseUser, **more: Any) -> None:
    ledger.append(event, actor=actor, payload={"disclosure": str(row.pk), **more})
