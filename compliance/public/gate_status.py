"""The public pages on the gate: which features are on or off, by which rule, and the filing behind them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import gate, law
from compliance.language import current_language
from compliance.law import Feature, transmissions


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def legal(request: HttpRequest) -> HttpResponse:
    """Show the operator, the filing in the wording that the law allows, and each feature with its rule."""
    return render(request, "compliance/public/legal.html", {"transmissions": transmissions.TRANSMISSIONS})


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def gate_api(request: HttpRequest) -> JsonResponse:
    """Return for each feature whether it is allowed, the rule and the reasons, as JSON (`?language=ja|en`)."""
    language = request.GET.get("language")
    language = language if language in ("ja", "en") else current_language()
    snapshot = gate.reconcile()
    standing = snapshot.standing
    return JsonResponse(
        {
            "demo": settings.DEMO,
            "closed_chat": snapshot.closed_chat().allowed,
            "law_version": law.LAW_VERSION,
            "standing": {"status": standing.status.value, "turned": standing.turned, "label": standing.label(language)},
            "planned_end": gate.planned_end(snapshot, language),
            "features": gate.features_as_json(snapshot, language),
        },
        json_dumps_params={"ensure_ascii": False},
    )
