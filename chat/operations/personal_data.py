"""What records of the operation say about people: the administration's log, and the records of the law."""

from __future__ import annotations

from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from chat.models import LEFT_NAME, User
from chat.personal_data import Fate, Leaving, Link, Part, register

_SIGNED: Final = "the record says who did it as staff; it is proof, and never changes"
_STAFF: Final = (
    "Signature.signed_by",
    "Signature.withdrawn_by",
    "GateState.stopped_by",
    "GateState.end_announced_by",
    "Happening.recorded_by",
    "Outage.recorded_by",
    "DutyMark.done_by",
    "Hold.placed_by",
    "Hold.extended_by",
    "Hold.lifted_by",
    "Assessment.answered_by",
    "Case.opened_by",
    "Case.closed_by",
    "CasePaper.added_by",
    "Letter.issued_by",
    "Disclosure.asked_by",
    "Disclosure.approved_by",
    "Disclosure.refused_by",
    "Disclosure.reviewed_by",
    "Approval.requested_by",
    "Approval.decided_by",
)


def _erase(leaving: Leaving) -> None:
    """Take people's names and addresses out of what the administration's log says about them."""
    people = [str(pk) for pk in leaving.people]
    addresses = EmailAddress.objects.filter(user__in=leaving.people).values_list("pk", flat=True)
    for model, keys in ((User, people), (EmailAddress, [str(pk) for pk in addresses])):
        about = ContentType.objects.get_for_model(model)
        LogEntry.objects.filter(content_type=about, object_id__in=keys).update(object_repr=LEFT_NAME)


register(
    Part(
        links=(
            *(Link(f"compliance.{column}", Fate.KEPT, why=_SIGNED) for column in _STAFF),
            Link("admin.LogEntry.user", Fate.KEPT, why="what staff did is looked up for a year"),
            Link("compliance.Filing.changed_by", Fate.UNLINKED, why="work of staff"),
            Link("compliance.Feed.owner", Fate.GOES, why="work of staff: the address of a calendar"),
            Link("compliance.Actor.user", Fate.UNLINKED, why="the ledger's reference stays, and leads to nobody"),
        ),
        erase=_erase,
    )
)
