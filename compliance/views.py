"""Public pages on the law: what is filed, what is on, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import gate, law, retention, transmissions, transparency
from compliance.checklist import Facts
from compliance.law import Feature
from compliance.models import Signature
from compliance.standing import Status


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def legal(request: HttpRequest) -> HttpResponse:
    """Show the operator, the filing in the wording the law allows, and each feature with its rule."""
    return render(request, "compliance/legal.html", {"transmissions": transmissions.TRANSMISSIONS})


_FILED: Final = frozenset({Status.filed, Status.notified, Status.registered})
_PUBLIC: Final[Mapping[str, tuple[str, ...]]] = {
    "LAW-19": ("page", "appeal"),
    "LAW-21": ("page", "desk"),
    "LAW-22": ("page", "processors", "countries", "security", "requests"),
    "LAW-25": ("page",),
}
"""The evidence that the catalogue says is shown in public; nothing else of a signature is."""


def published() -> dict[str, dict[str, str]]:
    """Return what the operator recorded for the public, by item: law19, law21 …; empty where nothing is signed."""
    live = Signature.objects.filter(withdrawn_at__isnull=True, item_id__in=_PUBLIC)
    found = {signature.item_id: signature.evidence for signature in live}
    return {
        item.replace("-", "").lower(): {key: str(found.get(item, {}).get(key) or "") for key in keys}
        for item, keys in _PUBLIC.items()
    }


def _page(template: str, articles: tuple[str, ...]) -> Callable[[Callable[[], dict[str, Any]]], Callable[..., Any]]:
    """Make a public page of a function that gathers its facts."""

    def decorate(gather: Callable[[], dict[str, Any]]) -> Callable[..., Any]:
        @gate.door(Feature.SERVICE)
        @require_safe
        @never_cache
        @wraps(gather)
        def page(request: HttpRequest) -> HttpResponse:
            cited = [(law.cite(article).url, law.cite(article)) for article in articles]
            facts = {"here": request.resolver_match.url_name if request.resolver_match else "", "articles": cited}
            return render(request, f"compliance/{template}", facts | gather())

        return page

    return decorate


@_page("external_transmission.html", transmissions.ARTICLES)
def external_transmission() -> dict[str, Any]:
    """Show what pages make the browser send to others, as declared and as a browser test finds it."""
    return {"transmissions": transmissions.TRANSMISSIONS, "stored": transmissions.STORED}


@_page("retention.html", (*retention.ARTICLES, *retention.HOLD_ARTICLES))
def retention_table() -> dict[str, Any]:
    """Show the table that the purge job runs on."""
    return {
        "table": retention.TABLE,
        "version": retention.version(),
        "hold": retention.HOLD,
        "doubt": retention.DOUBT,
        "last_run": transparency.last_purge(),
    }


@_page("terms.html", ("TBA 4", "TBA 6", "TBA 26-5(1)", "REG 22-2-11"))
def terms() -> dict[str, Any]:
    """Show a skeleton of the terms with the facts of this deployment, and what the operator must complete."""
    snapshot = gate.current()
    facts = snapshot.checklist.facts if snapshot.checklist else Facts()
    return {"published": published(), "paid": facts.paid}


@_page("privacy.html", ("APPI 21", "APPI 22", "APPI 23", "APPI 25", "APPI 28", "APPI 32", "TBA 4", "GUIDE 38"))
def privacy() -> dict[str, Any]:
    """Show a skeleton of the privacy policy with the facts of this deployment, and what is to be completed."""
    kept = [kept for kept in retention.TABLE if kept.key not in _NOT_ABOUT_VISITORS]
    return {"published": published(), "kept": kept, "transmissions": transmissions.TRANSMISSIONS}


_NOT_ABOUT_VISITORS: Final = frozenset({"instances", "admin_log", "proof"})


@_page("complaints.html", ("TBA 172", "TBA 6", "IPA 3(2)", "IPA 4", "IPA 6", "TBA 4(1)"))
def complaints() -> dict[str, Any]:
    """Say how to complain: to the operator, about a post, for disclosure, about a closed talk, to the ministry."""
    standing = gate.current().standing
    return {
        "published": published(),
        "carrier": standing.turned and standing.status in _FILED,
        "doubt": law.OPEN_QUESTIONS[law.Question.CONSENT],
    }


@_page("transparency.html", ("TBA 3", "TBA 4"))
def transparency_counts() -> dict[str, Any]:
    """Show counts by month from the ledger."""
    columns = [counted.title for counted in transparency.COLUMNS.values()]
    rows = [(month.first, list(month.counts.values())) for month in transparency.months()]
    return {"columns": columns, "rows": rows}


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
            "planned_end": gate.planned_end(snapshot, language),
            "features": {name: gate.as_json(decision, language) for name, decision in snapshot.features().items()},
        },
        json_dumps_params={"ensure_ascii": False},
    )
