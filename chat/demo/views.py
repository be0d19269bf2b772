"""The pages of a demo: the tour, one press to become somebody else, and what the tour and the partner ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat.demo import cast, progress
from chat.demo.seed import OPEN_ITEM
from chat.models import Ticket
from chat.web.pages import page_language, render_page
from compliance.gate import door
from compliance.law import Feature

ALONE: Final = timedelta(seconds=5)
"""How long somebody looks for a partner before the partner of the demo looks, too."""


@door(Feature.SERVICE)
@require_safe
@never_cache
def tour(request: HttpRequest) -> HttpResponse:
    """Show the cast and the six steps."""
    urls = {
        "room": reverse("chat:room", args=["welcome"]),
        "match": reverse("chat:match"),
        "item": reverse("admin:compliance_checklist_change", args=[OPEN_ITEM.id]),
        "stop": reverse("admin:compliance_stop_changelist"),
        "proof": reverse("admin:compliance_ledgerentry_proof"),
    }
    roles = [
        {"key": cast.Role.GUEST, "name": _("Guest"), "url": urls["room"]},
        {"key": cast.Role.MEMBER_A, "name": _("Member A"), "url": urls["match"]},
        {"key": cast.Role.MEMBER_B, "name": _("Member B"), "url": urls["match"]},
        {"key": cast.Role.OPERATOR_A, "name": _("Operator A"), "url": reverse("admin:index")},
        {"key": cast.Role.OPERATOR_B, "name": _("Operator B"), "url": reverse("admin:index")},
    ]
    return render_page(request, "chat/demo/tour.html", steps=progress.steps(), urls=urls, roles=roles)


@door(Feature.ACCOUNT)
@require_POST
@never_cache
def become(request: HttpRequest) -> HttpResponse:
    """Sign this window's session in as one of the cast, and lead on to where that role has something to do."""
    try:
        role = cast.Role(request.POST.get("role", ""))
    except ValueError:
        return HttpResponseBadRequest()
    onward = request.POST.get("next", "")
    cast.sign_in(request, role)
    local = onward.startswith("/") and url_has_allowed_host_and_scheme(onward, allowed_hosts=None)
    return redirect(onward if local else "chat:demo")


@door(Feature.SERVICE)
@require_safe
@never_cache
def steps(request: HttpRequest) -> JsonResponse:
    """Return which steps of the tour have happened, by number."""
    return JsonResponse({"done": [step.number for step in progress.steps() if step.done]})


@door(Feature.SERVICE)
@require_safe
@never_cache
def alone(request: HttpRequest) -> JsonResponse:
    """Return the language of somebody who has looked for a partner alone for some seconds, or null."""
    since = timezone.now() - ALONE
    waits = Ticket.objects.filter(room__isnull=True, since__lte=since).exclude(user__name__in=cast.PARTNERS).first()
    return JsonResponse({"language": (waits.language or page_language()) if waits else None})
