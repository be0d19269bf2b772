"""The pages of disclosures at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from compliance.adminkit import ReasonForm, submit
from compliance.disclosures import acts
from compliance.disclosures.extract import Scope
from compliance.disclosures.forms import AskForm, FindingForm, KeyForm
from compliance.disclosures.reviews import awaiting_review, review_due
from compliance.law.powers import Power
from compliance.models import Case, Disclosure
from compliance.powers import asks_who_you_are, desk_page, holders, may

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


@desk_page(Power.CASES, Power.CASES_SECOND)
def disclosure_list(request: HttpRequest) -> HttpResponse:
    """Show the disclosures, and the reviews that are open."""
    rows = Disclosure.objects.select_related("case", "asked_by")[:100]
    reviews = [(row, review_due(row)) for row in awaiting_review().select_related("asked_by")]
    return render(request, "desk/disclosures.html", {"rows": rows, "reviews": reviews, "today": timezone.localdate()})


@desk_page(Power.CASES, Power.CASES_SECOND)
@asks_who_you_are
def new_disclosure(request: HttpRequest) -> HttpResponse:
    """Ask for a disclosure. The operator's own counts as carried out alone."""
    actor = _me(request)
    # Whoever has both powers asks somebody else, but where nobody else is: an order does not wait.
    another = holders(Power.CASES_SECOND).exclude(pk=actor.pk).exists()
    alone = not may(actor, Power.CASES) or (may(actor, Power.CASES_SECOND) and not another)
    key = request.GET.get("case")
    case = get_object_or_404(Case, pk=_uuid(key), closed_at__isnull=True) if key else None
    form = AskForm(request.POST or None, initial={"ground": Disclosure.Ground.ORDER if case else "danger"})
    made: list[Disclosure] = []

    def write() -> None:
        given = form.cleaned_data
        scope = Scope(frozenset(given["rooms"]), frozenset(given["people"]), given["since"], given["until"])
        asked = acts.ask(
            case=case, ground=given["ground"], reason=given["reason"], scope=scope, alone=alone, actor=actor
        )
        made.append(asked)

    if request.method == "POST" and submit(form, write):
        return redirect("compliance:disclosure", made[0].pk)
    return render(request, "desk/disclosure_new.html", {"form": form, "case": case, "alone": alone})


@desk_page(Power.CASES, Power.CASES_SECOND)
@asks_who_you_are
def disclosure_page(request: HttpRequest, disclosure_id: UUID) -> HttpResponse:
    """Show a disclosure: decide on it, make its extract, open it once, review it."""
    row = get_object_or_404(Disclosure.objects.select_related("case"), pk=disclosure_id)
    actor, act = _me(request), request.POST.get("act", "")
    refusal = ReasonForm(request.POST if act == "refuse" else None)
    opening = KeyForm(request.POST if act == "open" else None)
    finding = FindingForm(request.POST if act == "review" else None)
    shown: dict[str, Any] = {}
    if act in {"approve", "make"}:
        try:
            if act == "approve":
                acts.approve(disclosure=row, actor=actor)
            else:
                shown["key"] = acts.make(disclosure=row, actor=actor)
        except ValidationError as refused:  # somebody pressed twice
            messages.error(request, refused.messages[0])
        if "key" not in shown:
            return redirect("compliance:disclosure", row.pk)
        row.refresh_from_db()
    elif act == "refuse":
        if submit(refusal, lambda: acts.refuse(disclosure=row, actor=actor, **refusal.cleaned_data)):
            return redirect("compliance:disclosure", row.pk)
    elif act == "review":
        if submit(finding, lambda: acts.review(disclosure=row, actor=actor, **finding.cleaned_data)):
            return redirect("compliance:disclosure", row.pk)
    elif act == "open":
        opened: list[bytes] = []
        if submit(
            opening, lambda: opened.append(acts.open_extract(disclosure=row, actor=actor, **opening.cleaned_data))
        ):
            headers = {"Content-Disposition": f'attachment; filename="disclosure-{row.pk}.zip"'}
            return HttpResponse(opened[0], content_type="application/zip", headers=headers)
    elif request.method == "POST":
        raise Http404
    mine = row.asked_by_id == actor.pk
    decided = bool(row.alone or row.approved_at or row.refused_at)
    context = {
        "row": row,
        "refusal": refusal,
        "opening": opening,
        "finding": finding,
        "may_decide": not mine and not decided and may(actor, Power.CASES_SECOND),
        "stranded": not mine and acts.is_stranded(row) and may(actor, Power.CASES_SECOND),
        "may_make": mine and decided and not row.refused_at and not row.made_at,
        "may_open": mine and row.made_at and not row.opened_at,
        "may_review": not mine and row.alone and not row.reviewed_at,
        "review_by": review_due(row),
        **shown,
    }
    return render(request, "desk/disclosure.html", context)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _me(request: HttpRequest) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)
