"""Pages of the notification (届出): its stage, the facts to note, and the drafts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from compliance import gate, law
from compliance.adminkit import acting_account, operator_view, render_operator_page
from compliance.filing.diagram import draw_diagram
from compliance.filing.draft import Draft
from compliance.filing.forms import FilingForm
from compliance.filing.plain_text import as_text
from compliance.filing.sources import gather_draft
from compliance.law import BUREAU_OF, Feature
from compliance.models import Filing


@gate.door(Feature.OPERATOR)
@operator_view
def notification(request: HttpRequest) -> HttpResponse:
    """Show the stage of the notification and what is missing; store the operator's notes."""
    draft = gather_draft(settings, gate.reconcile())
    form = FilingForm(draft.network, initial=_noted(draft))
    if request.method == "POST":
        person = acting_account(request)
        form = FilingForm(draft.network, request.POST)
        if form.is_valid():
            facts = {"facts": form.facts(), "changed_by_id": person.pk, "changed_at": timezone.now()}
            with transaction.atomic():
                Filing.objects.update_or_create(id=1, defaults=facts)
                gate.invalidate()  # the gate compares the applicant with the operator that the servers name
            messages.success(request, _("Kept. The drafts below are written anew."))
            return HttpResponseRedirect(reverse("compliance:filing"))
    return render_operator_page(
        request,
        "filing/notification.html",
        _("The notification (届出)"),
        draft=draft,
        form=form,
        bureau=draft.applicant.bureau,
        bureaux=law.REGIONAL_BUREAUX,
        text=as_text(draft),
    )


def _noted(draft: Draft) -> dict[str, Any]:
    who = draft.applicant
    words = {True: "yes", False: "no", None: ""}
    known: dict[str, Any] = {name: getattr(who, name) for name in FilingForm.base_fields}
    return (
        known
        | {"kind": who.kind or "", "abroad": words[who.abroad], "agent_is_company": words[who.agent_is_company]}
        | {"area": who.area or "全国", "prefecture": who.prefecture if who.prefecture in BUREAU_OF else ""}
        | {f"place_{machine.key}": machine.place for machine in draft.network.machines}
    )


@gate.door(Feature.OPERATOR)
@operator_view
@require_safe
def sheets(request: HttpRequest) -> HttpResponse:
    """Show the drafts as A4 sheets to print."""
    draft = gather_draft(settings, gate.current())
    return render(request, "compliance/filing/sheets.html", {"draft": draft, "on_site": True})


@gate.door(Feature.OPERATOR)
@operator_view
@require_safe
def sheets_text(request: HttpRequest) -> HttpResponse:
    """Return the drafts as plain text, for the electronic form."""
    text = as_text(gather_draft(settings, gate.current()))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@gate.door(Feature.OPERATOR)
@operator_view
@require_safe
def diagram(request: HttpRequest) -> HttpResponse:
    """Return the network diagram of form 3."""
    drawn = draw_diagram(gather_draft(settings, gate.current()).network)
    return HttpResponse(drawn, content_type="image/svg+xml")
