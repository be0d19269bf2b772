"""The public pages that the law asks for: external transmission, retention, terms, privacy, complaints, counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance import gate, law
from compliance.law import Facts, Feature, Status, retention, transmissions
from compliance.models import Signature
from compliance.records import transparency

_FILED: Final = frozenset({Status.filed, Status.notified, Status.registered})
_PUBLIC: Final[Mapping[str, tuple[str, ...]]] = {
    "LAW-19": ("page", "appeal"),
    "LAW-21": ("page", "desk"),
    "LAW-22": ("page", "representative", "processors", "countries", "security", "requests"),
    "LAW-25": ("page",),
}
"""The evidence that is public, by item. Nothing else of a signature is shown."""


def published() -> dict[str, dict[str, str]]:
    """Return the operator's public evidence by item (law19, law21 …); empty where nothing is signed."""
    live = Signature.objects.filter(withdrawn_at__isnull=True, item_id__in=_PUBLIC)
    found = {signature.item_id: signature.evidence for signature in live}
    return {
        item.replace("-", "").lower(): {key: str(found.get(item, {}).get(key) or "") for key in keys}
        for item, keys in _PUBLIC.items()
    }


def _page(template: str, articles: tuple[str, ...]) -> Callable[[Callable[[], dict[str, Any]]], Callable[..., Any]]:
    """Return a decorator that makes a public page of a function that gathers its facts.

    Args:
        template: below `templates/compliance/public/`.
        articles: that the page cites.
    """

    def decorate(gather: Callable[[], dict[str, Any]]) -> Callable[..., Any]:
        @gate.door(Feature.SERVICE)
        @require_safe
        @never_cache
        @wraps(gather)
        def page(request: HttpRequest) -> HttpResponse:
            cited = [(law.cite(article).url, law.cite(article)) for article in articles]
            facts = {"here": request.resolver_match.url_name if request.resolver_match else "", "articles": cited}
            return render(request, f"compliance/public/{template}", facts | gather())

        return page

    return decorate


@_page("external_transmission.html", transmissions.ARTICLES)
def external_transmission() -> dict[str, Any]:
    """Show what the pages make the browser send to others, as declared. A browser test compares the two."""
    return {"transmissions": transmissions.TRANSMISSIONS, "stored": transmissions.STORED}


@_page("retention.html", (*retention.ARTICLES, *retention.HOLD_ARTICLES))
def retention_table() -> dict[str, Any]:
    """Show the retention table, which the purge job uses."""
    return {
        "table": retention.TABLE,
        "version": retention.version(),
        "hold": retention.HOLD,
        "doubt": retention.DOUBT,
        "last_run": transparency.last_purge(),
    }


@_page("terms.html", ("TBA 4", "TBA 6", "TBA 26-5(1)", "REG 22-2-11"))
def terms() -> dict[str, Any]:
    """Show a skeleton of the terms: the facts of this deployment, and what the operator must complete."""
    snapshot = gate.current()
    facts = snapshot.checklist.facts if snapshot.checklist else Facts()
    return {"published": published(), "paid": facts.paid}


@_page("privacy.html", ("APPI 21", "APPI 22", "APPI 23", "APPI 25", "APPI 28", "APPI 32(1)", "TBA 4", "GUIDE 38"))
def privacy() -> dict[str, Any]:
    """Show a skeleton of the privacy policy: the facts of this deployment, and what the operator must complete."""
    kept = [kept for kept in retention.TABLE if kept.key not in _NOT_ABOUT_VISITORS]
    return {"published": published(), "kept": kept, "transmissions": transmissions.TRANSMISSIONS}


_NOT_ABOUT_VISITORS: Final = frozenset({"instances", "admin_log", "approvals", "feeds", "invitations", "proof"})


@_page("complaints.html", ("TBA 172", "TBA 6", "IPA 3(2)", "IPA 4", "PIA 4", "IPA 6", "YIA 22", "TBA 4(1)"))
def complaints() -> dict[str, Any]:
    """Show how to complain: to the operator, about a post, for disclosure, about a closed talk, to the ministry."""
    standing = gate.current().standing
    return {
        "published": published(),
        "carrier": standing.turned and standing.status in _FILED,
        "doubt": law.OPEN_QUESTIONS[law.Question.CONSENT],
    }


@_page("transparency.html", ("TBA 3", "TBA 4"))
def transparency_counts() -> dict[str, Any]:
    """Show monthly counts from the ledger."""
    columns = transparency.COLUMNS
    rows = [
        (month.first, [columns[name].told(count) for name, count in month.counts.items()])
        for month in transparency.months()
    ]
    return {"columns": [counted.title for counted in columns.values()], "rows": rows}
