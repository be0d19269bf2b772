"""Public pages on the law: what is filed, what is on, and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import gate, law
from compliance.law import Feature


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def legal(request: HttpRequest) -> HttpResponse:
    """Show the operator, the filing in the wording the law allows, and each feature with its rule."""
    return render(request, "compliance/legal.html")


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def gate_api(request: HttpRequest) -> JsonResponse:
    """Say for each feature whether it is allowed, by which rule and why (`?language=ja|en`)."""
    language = request.GET.get("language")
    language = language if language in ("ja", "en") else gate.spoken()
    snapshot = gate.settle()
    standing = snapshot.standing
    return JsonResponse(
        {
            "closed_chat": snapshot.closed_chat().allowed,
            "law_version": law.LAW_VERSION,
            "standing": {"status": standing.status.value, "turned": standing.turned, "label": standing.label(language)},
            "features": {name: gate.as_json(decision, language) for name, decision in snapshot.features().items()},
        },
        json_dumps_params={"ensure_ascii": False},
    )
