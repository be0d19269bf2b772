"""The operator's key: sign and withdraw checklist items, pull and lift the emergency stop (緊急停止).

Each act is one ledger entry. The entry is written before the row that it describes: `compliance.records.guards` makes
the database refuse any other order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from compliance import law
from compliance.gate.instances import now
from compliance.gate.periods import reconcile
from compliance.gate.state import advance_revision, lock_exclusive
from compliance.language import current_language
from compliance.law import Item
from compliance.models import Approval, GateState, Signature
from compliance.records import Event, approvals, ledger
from compliance.records.evidence import Attachment
from compliance.records.replay import canonical

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def sign(
    *,
    item: Item,
    evidence: Mapping[str, Any],
    actor: AbstractBaseUser,
    files: Sequence[Attachment] = (),
    beside: Callable[[Signature], object] | None = None,
) -> Signature:
    """Sign an item with its evidence; a live signature on it is withdrawn as renewed.

    Args:
        item: from the catalogue.
        evidence: JSON values by the item's evidence keys.
        actor: the staff account that signs.
        files: already stored; the evidence lists them with their hashes, so the ledger covers them.
        beside: called with the signature in the same transaction, before the gate moves, to store what belongs to it.

    Returns:
        the signature.

    Raises:
        ValidationError: a required piece of evidence is missing; the message names it.
    """
    missing = [field for field in item.evidence if field.required and evidence.get(field.key) in (None, "", False)]
    if missing:
        english = current_language() == "en"
        raise ValidationError(
            {field.key: _("%(item)s cannot be signed without this.") % {"item": item.id} for field in missing}
            | {"__all__": _("Missing: %(names)s") % {"names": ", ".join(f.en if english else f.ja for f in missing)}}
        )
    signed_at = now()
    with transaction.atomic():
        state = lock_exclusive()
        live = Signature.objects.filter(item_id=item.id, withdrawn_at__isnull=True)
        signature = Signature(
            id=_next_number(),
            item_id=item.id,
            evidence={field.key: evidence.get(field.key, "") for field in item.evidence}
            | ({"files": [each.as_evidence() for each in files]} if files else {})
            | _filed_for(item),
            law_version=law.LAW_VERSION,
            signed_by_id=actor.pk,
            signed_at=signed_at,
            expires_at=item.expires_at(signed_at),
        )
        # The entry comes first: the database accepts a signature only with the entry that names it.
        ledger.append(
            Event.ITEM_SIGNED,
            actor=actor,
            payload={
                "item": item.id,
                "signature": signature.pk,
                "renewed": live.exists(),
                "expires": signature.expires_at.isoformat() if signature.expires_at else None,
                "evidence": signature.evidence,
                # Of the evidence as it was signed: the entry leaves out e-mail addresses.
                "evidence_sha256": hashlib.sha256(canonical(signature.evidence)).hexdigest(),
            },
        )
        live.update(withdrawn_at=signed_at, withdrawn_by_id=actor.pk, withdrawal_reason="renewed")
        signature.save(force_insert=True)
        if beside is not None:
            beside(signature)
        advance_revision(state)
        reconcile(by_hand=True)
    return signature


def _filed_for(item: Item) -> dict[str, Any]:
    """Return whom the environment names when the filing or its number is signed: the signature is for them alone."""
    standing = settings.STANDING
    if item.id not in {"LAW-03", "LAW-04"} or not (standing.operator_name or standing.operator_address):
        return {}
    return {"standing": {"operator": standing.operator_name, "address": standing.operator_address}}


def _next_number() -> int:
    """Return the number of the next signature, so that the ledger can name it before it is stored."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval(pg_get_serial_sequence('compliance_signature', 'id'))")
        else:
            cursor.execute("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'compliance_signature'")
        number: int = cursor.fetchone()[0]
    return number


def withdraw(*, item: Item, reason: str, actor: AbstractBaseUser) -> None:
    """Withdraw the live signature on an item. If it blocked, closed chat closes in every process within a second.

    Raises:
        ValidationError: no reason was given, or the item is not signed.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why the signature is withdrawn: the record keeps it.")})
    with transaction.atomic():
        state = lock_exclusive()
        signature = Signature.objects.filter(item_id=item.id, withdrawn_at__isnull=True).first()
        if signature is None:
            raise ValidationError({"__all__": _("%(item)s is not signed.") % {"item": item.id}})
        ledger.append(
            Event.ITEM_WITHDRAWN, actor=actor, payload={"item": item.id, "signature": signature.pk, "reason": reason}
        )
        signature.withdrawn_at, signature.withdrawn_by_id = now(), actor.pk
        signature.withdrawal_reason = reason
        signature.save()
        advance_revision(state)
        reconcile(by_hand=True)


def pull_stop(*, reason: str, actor: AbstractBaseUser) -> None:
    """Pull the emergency stop (緊急停止): closed chat is off at once, whatever the keys say.

    Raises:
        ValidationError: no reason was given, or it is pulled already.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why closed chat is stopped: users and the record are shown it.")})
    with transaction.atomic():
        state = lock_exclusive()
        if state.stopped_at:
            raise ValidationError({"__all__": _("The emergency stop is already pulled.")})
        ledger.append(Event.STOP_PULLED, actor=actor, payload={"reason": reason})
        state.stopped_at, state.stopped_by_id, state.stop_reason = now(), actor.pk, reason
        advance_revision(state)
        reconcile(by_hand=True)


def ask_to_lift_stop(*, reason: str, actor: AbstractBaseUser) -> Approval:
    """Ask a second person to agree that the emergency stop is lifted; see `approvals.request`.

    Raises:
        PermissionDenied: the account may not lift it.
        ValidationError: no reason was given, it is not pulled, or this is asked for already.
    """
    state = GateState.objects.filter(id=1, stopped_at__isnull=False).first()
    if state is None or state.stopped_at is None:
        raise ValidationError({"__all__": _("The emergency stop is not pulled.")})
    # Which stop: an approval of an earlier one lifts no later one.
    pulled = ledger.stamp(state.stopped_at)
    return approvals.request(kind=Approval.Kind.STOP_LIFT, subject=pulled, reason=reason, actor=actor)


def lift_stop(*, approval: Approval, actor: AbstractBaseUser) -> None:
    """Lift the emergency stop that a second person agreed to lift; closed chat comes back if both keys are turned.

    Raises:
        PermissionDenied: the approval is for another stop or another person.
        ValidationError: it is not pulled, or nobody agreed.
    """
    with transaction.atomic():
        state = lock_exclusive()
        if not state.stopped_at:
            raise ValidationError({"__all__": _("The emergency stop is not pulled.")})
        kind, pulled = Approval.Kind.STOP_LIFT, ledger.stamp(state.stopped_at)
        row, agreed = approvals.spend(approval=approval, kind=kind, subject=pulled, actor=actor)
        ledger.append(Event.STOP_LIFTED, actor=actor, payload={"reason": row.reason, **agreed})
        state.stopped_at, state.stopped_by, state.stop_reason = None, None, ""
        advance_revision(state)
        reconcile(by_hand=True)
