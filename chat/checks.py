"""System checks: settings that make chat unsafe or lossy where it is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 -- Django's own names


@register(Tags.security, deploy=True)
def limits_are_on(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Refuse a deployment without rate limits: they may be off on loopback only, for load tests."""
    if settings.CHAT_RATE_LIMITS:
        return []
    return [
        Error(
            "CHAT_RATE_LIMITS=off: anyone can flood the service.",
            hint="Remove CHAT_RATE_LIMITS; `off` is for load tests on loopback.",
            id="chat.E001",
        )
    ]


@register(Tags.compatibility, deploy=True)
def layer_reaches_every_process(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn that the in-memory layer and SQLite serve one process only."""
    if settings.REDIS_URL:
        return []
    return [
        Warning(
            "REDIS_URL is not set: a second server process would learn of new messages by polling only.",
            hint="Set REDIS_URL as soon as more than one process serves.",
            id="chat.W001",
        )
    ]
