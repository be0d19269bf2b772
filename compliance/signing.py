"""The operator's key: sign and withdraw items, pull and lift the emergency stop. Each is one ledger entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance import checklist, gate, law, ledger
from compliance.evidence import Attachment
from compliance.models import Signature

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def sign(
    *,
    item: checklist.Item,
    evidence: Mapping[str, Any],
    actor: AbstractBaseUser,
    files: Sequence[Attachment] = (),
) -> Signature:
    """Sign an item with its evidence; a live signature on it is withdrawn as renewed.

    Args:
        item: from the catalogue.
        evidence: JSON values by the item's evidence keys.
        actor: the staff account that signs.
        files: stored before; the evidence lists them with their hashes, so the ledger covers them.

    Raises:
        ValidationError: a required piece of evidence is missing; the message names it.
    """
    missing = [field for field in item.evidence if field.required and evidence.get(field.key) in (None, "", False)]
    if missing:
        english = gate.spoken() == "en"
        raise ValidationError(
            {field.key: _("%(item)s cannot be signed without this.") % {"item": item.id} for field in missing}
            | {"__all__": _("Missing: %(names)s") % {"names": ", ".join(f.en if english else f.ja for f in missing)}}
        )
    now = timezone.now()
    with transaction.atomic():
        state = gate.lock_alone()
        renewed = Signature.objects.filter(item_id=item.id, withdrawn_at__isnull=True).update(
            withdrawn_at=now, withdrawn_by_id=actor.pk, withdrawal_reason="renewed"
        )
        signature = Signature.objects.create(
            item_id=item.id,
            evidence={field.key: evidence.get(field.key, "") for field in item.evidence}
            | ({"files": [each.as_evidence() for each in files]} if files else {}),
            law_version=law.LAW_VERSION,
            signed_by_id=actor.pk,
            signed_at=now,
            expires_at=item.expires_at(now),
        )
        gate.moved(state)
        ledger.append(
            "item.signed",
            actor=actor,
            payload={
                "item": item.id,
                "signature": signature.pk,
                "renewed": bool(renewed),
                "expires": signature.expires_at.isoformat() if signature.expires_at else None,
                "evidence": signature.evidence,
            },
        )
        gate.settle()
    return signature


def withdraw(*, item: checklist.Item, reason: str, actor: AbstractBaseUser) -> None:
    """Withdraw the live signature on an item. If it blocked, closed chat shuts in every process within a second.

    Raises:
        ValidationError: no reason was given, or the item is not signed.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why the signature is withdrawn: the record keeps it.")})
    with transaction.atomic():
        state = gate.lock_alone()
        signature = Signature.objects.filter(item_id=item.id, withdrawn_at__isnull=True).first()
        if signature is None:
            raise ValidationError({"__all__": _("%(item)s is not signed.") % {"item": item.id}})
        signature.withdrawn_at, signature.withdrawn_by_id = timezone.now(), actor.pk
        signature.withdrawal_reason = reason
        signature.save()
        gate.moved(state)
        ledger.append(
            "item.withdrawn", actor=actor, payload={"item": item.id, "signature": signature.pk, "reason": reason}
        )
        gate.settle()


def stop(*, reason: str, actor: AbstractBaseUser) -> None:
    """Pull the emergency stop (緊急停止): closed chat is off at once, whatever the keys say.

    Raises:
        ValidationError: no reason was given, or it is pulled already.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why closed chat is stopped: users and the record are shown it.")})
    with transaction.atomic():
        state = gate.lock_alone()
        if state.stopped_at:
            raise ValidationError({"__all__": _("The emergency stop is already pulled.")})
        state.stopped_at, state.stopped_by_id, state.stop_reason = timezone.now(), actor.pk, reason
        gate.moved(state)
        ledger.append("stop.pulled", actor=actor, payload={"reason": reason})
        gate.settle()


def lift(*, reason: str, actor: AbstractBaseUser) -> None:
    """Lift the emergency stop; closed chat comes back if both keys are turned.

    Raises:
        ValidationError: no reason was given, or it is not pulled.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why closed chat may run again: the record keeps it.")})
    with transaction.atomic():
        state = gate.lock_alone()
        if not state.stopped_at:
            raise ValidationError({"__all__": _("The emergency stop is not pulled.")})
        state.stopped_at, state.stopped_by, state.stop_reason = None, None, ""
        gate.moved(state)
        ledger.append("stop.lifted", actor=actor, payload={"reason": reason})
        gate.settle()
