"""Tells machines how the service is: alive, ready, and its numbers. Answers only what no person needs to hide."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chat import realtime
from chat.db import condition
from compliance import gate
from compliance.law import Feature

# X-Forwarded-For and its kin, Forwarded (RFC 7239), Via (RFC 9110, 7.6.3), and what proxies and their vendors made up.
_FORWARDED = re.compile(
    r"x-forwarded.*|forwarded|via|x-real-ip|x-original-.*|x-client-ip|x-cluster-client-ip|true-client-ip"
    r"|cf-.*|fastly-.*|x-envoy-.*|x-proxy.*|x-proxied.*|x-arr-.*|x-azure-.*|x-amz-cf-.*|x-appengine-.*",
    re.IGNORECASE,
)

OLDEST_POST_SECONDS = 3.0
"""A process in which a post waits longer is not ready. Whatever holds one up ends sooner (`compliance.database`)."""

_migrated_in: str | None = None  # the epoch in which all migrations were found applied


def readiness() -> dict[str, Any]:
    """Return whether to send people here, and why not: database, migrations, posts that wait, layer, gate.

    Where a hub runs, it looks again and again, and its last look is the answer: a question to a database that hangs
    would hang with it.
    """
    running = realtime.running()
    if running is not None and not running.parts.gate.is_database_up:
        return without_database()
    try:
        if running is None:
            condition.look()
            snapshot = gate.reconcile()
        else:
            snapshot = running.parts.gate.snapshot
        return _facts(snapshot, reachable=snapshot.revision is not None, migrated=_is_migrated(snapshot.epoch))
    except DatabaseError:
        return without_database()


def without_database() -> dict[str, Any]:
    """Return the same of a process whose database does not answer: not ready."""
    return _facts(gate.unreachable(), reachable=False, migrated=False)


def _facts(snapshot: gate.Snapshot, *, reachable: bool, migrated: bool) -> dict[str, Any]:
    running = realtime.running()
    peers = running.parts.peers if running is not None else None
    draining = running is not None and running.is_draining
    lost = running is not None and running.parts.gate.is_lost
    oldest_post = running.parts.committer.oldest_wait() if running is not None else 0.0
    fault = condition.fault()
    is_well = fault is None and not lost and oldest_post < OLDEST_POST_SECONDS
    return {
        "ready": reachable and migrated and not draining and is_well,
        "demo": settings.DEMO,
        "database": reachable,
        "fault": {"code": fault.code, "ja": fault.text.ja, "en": fault.text.en} if fault else None,
        "migrations": migrated,
        "oldest_post_seconds": round(oldest_post, 3),
        "draining": draining,
        "went_back": lost,
        "layer": "none" if peers is None or not peers.has_layer else "degraded" if peers.is_degraded else "up",
        "degraded": peers is not None and peers.is_degraded,
        "short_cut": realtime.short_cut(),
        "gate": {
            "closed_chat": snapshot.closed_chat().allowed,
            "causes": [reason.cause.value for reason in snapshot.closed_chat().reasons],
            "period": snapshot.authorisation,
            "faults": [fault.variable for fault in snapshot.faults],
        },
    }


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the counters in Prometheus' text form, to callers from inside the network only; see `_asked_directly`."""
    if not _asked_directly(request):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _asked_directly(request: HttpRequest) -> bool:
    """Return whether a request came from a private address, and through no proxy.

    A proxy says so by one header or another. Where none of ours is expected (TRUSTED_PROXIES=0), one that says nothing
    is still known by the name under which the public asks: then only an address counts that is private itself.
    """
    if not _is_private(request.META.get("PEER_ADDR", "")):
        return False
    if any(_FORWARDED.fullmatch(name) for name in request.headers):
        return False
    domain, _port = split_domain_port(request.headers.get("Host", ""))
    return settings.TRUSTED_PROXIES > 0 or domain == "localhost" or _is_private(domain.strip("[]") or "public")


def _is_private(address: str) -> bool:
    if not address:
        return True  # a Unix socket has none
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_private


def _is_migrated(epoch: str) -> bool:
    global _migrated_in  # noqa: PLW0603 -- once all are applied in an epoch, that is not asked again
    if _migrated_in != epoch:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated_in = epoch
    return True
