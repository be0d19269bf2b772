"""Tells machines how the service is: alive, ready, and its numbers. Answers only what no person needs to hide."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chat import hub
from compliance import gate
from compliance.law import Feature

_migrated = False


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Say that the process answers; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Say whether to send people here: database, migrations, layer, gate. 503 while not."""
    running = hub.running()
    draining = running is not None and running.draining
    try:
        migrated = _is_migrated()
        snapshot = gate.settle()
        reachable = snapshot.revision is not None
    except DatabaseError:
        migrated, snapshot, reachable = False, gate.unreachable(), False
    facts: dict[str, Any] = {
        "ready": reachable and migrated and not draining,
        "database": reachable,
        "migrations": migrated,
        "draining": draining,
        "layer": "none" if running is None or not running.has_layer else "degraded" if running.degraded else "up",
        "degraded": running is not None and running.degraded,
        "gate": {
            "closed_chat": snapshot.closed_chat().allowed,
            "causes": [reason.cause.value for reason in snapshot.closed_chat().reasons],
        },
    }
    return JsonResponse(facts, status=200 if facts["ready"] else 503)


@gate.door(Feature.SERVICE)
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the counters in Prometheus' text form, to callers from inside the network only."""
    try:
        inside = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_private
    except ValueError:
        inside = request.META.get("REMOTE_ADDR", "") == ""  # a Unix socket has no address
    if not inside or "X-Forwarded-For" in request.headers:
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _is_migrated() -> bool:
    global _migrated  # noqa: PLW0603 -- once all are applied, that is not asked again
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated
