"""The public page of a planned end (休廃止の周知)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import gate
from compliance.law import Feature


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def planned_end(request: HttpRequest) -> HttpResponse:
    """Show the seven items of an announced end (REG 22-2-11(2)), or that none is planned."""
    return render(request, "compliance/discontinuation/notice.html")
