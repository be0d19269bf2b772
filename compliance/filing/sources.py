"""Gathers the facts of a notification from this deployment: settings, gate, assessment and the operator's notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from compliance import assessment, gate
from compliance.adminkit import one_line
from compliance.filing.applicant import Applicant
from compliance.filing.draft import SERVICES, Draft
from compliance.filing.milestones import milestones_of
from compliance.filing.network import Network
from compliance.law import RULES, Answer, Feature, Required, japanese_date
from compliance.models import Filing, Instance, Signature

_PRICE: Final = {True: "有料の機能あり", False: "有料の機能なし"}
_OPEN_ROOM: Final = "誰でも見つけて読むことができ、利用者が書き込める部屋を提供する役務"


def gather_draft(conf: Any, snapshot: gate.Snapshot, stored: Mapping[str, Any] | None = None) -> Draft:
    """Return the draft of the notification, with the facts that are known.

    Args:
        conf: Django's settings.
        snapshot: of the gate, now.
        stored: the operator's notes, see `FilingForm.facts`; None reads them from the database.
    """
    if stored is None:
        stored = Filing.objects.filter(id=1).values_list("facts", flat=True).first() or {}
    position = assessment.position(snapshot)
    if position.assessment:
        case = assessment.case_from(position.assessment)
        offered = [feature for feature, answer in case.offered().items() if answer is not Answer.NO]
        own_lines = case.given.get("N8", Answer.UNKNOWN)
    else:
        offered, own_lines = list(assessment.doors()), Answer.UNKNOWN
    places = stored.get("places", {})
    live = Signature.objects.filter(withdrawn_at__isnull=True, item_id__in=("LAW-03", "LAW-04"))
    return Draft(
        applicant=Applicant.of(stored, snapshot.standing),
        network=Network.of(
            conf,
            processes=Instance.objects.filter(seen_at__gt=timezone.now() - gate.INSTANCE_TTL).count(),
            places=places if isinstance(places, dict) else {},
            own_lines=own_lines,
        ),
        services=tuple(feature for feature in offered if RULES[feature].required is Required.NOTIFIED),
        outcome=position.outcome,
        stale=bool(position.changes),
        milestones=milestones_of(snapshot.standing, {signature.item_id: signature.evidence for signature in live}),
    )


def gather_letterhead(snapshot: gate.Snapshot, paid: bool | None) -> assessment.Letterhead:  # noqa: FBT001 -- one of three answers
    """Return who asks the bureau, and about which service. Unknown facts stay empty.

    Args:
        snapshot: of the gate, now.
        paid: whether there are paid features, as recorded with LAW-01; None if not known.
    """
    draft = gather_draft(settings, snapshot)
    who = draft.applicant
    size = (
        Signature.objects.filter(withdrawn_at__isnull=True, item_id="LAW-23").values_list("evidence", flat=True).first()
    )
    monthly = one_line(str((size or {}).get("monthly_users") or ""))
    accounts = get_user_model()
    members = accounts._default_manager.filter(  # noqa: SLF001 -- Django's own name
        **{f"{accounts.USERNAME_FIELD}__isnull": False, "is_active": True}
    ).count()
    scheme = "https" if draft.network.https else "http"
    return assessment.Letterhead(
        bureau=who.bureau,
        name=who.name,
        address=who.address,
        contact="、".join(filter(None, (who.phone, who.email))),
        url=f"{scheme}://{draft.network.site}/" if draft.network.site else "",
        start=japanese_date(who.start_on) if who.start_on else "",
        price=_PRICE.get(paid, "") if paid is not None else "",
        users=f"登録者{members}人、月間の利用者{monthly or '（要記入）'}",
        features={Feature.ROOM_OPEN: _OPEN_ROOM, **{feature: text.ja for feature, text in SERVICES.items()}},
    )
