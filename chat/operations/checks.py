"""System checks: settings that make chat unsafe or lossy where it is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 -- Django's own names
from django.db import connection

_NO_MAIL = ("console", "dummy", "filebased", "locmem")


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


@register(Tags.security, deploy=True)
def it_is_set_up_as_a_deployment(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Refuse the local profile: it answers to loopback only, with a key that it made itself."""
    if settings.PRODUCTION:
        return []
    return [
        Error(
            "This is the local profile: neither ALLOWED_HOSTS nor DEBUG=false is set, or DEBUG=true is.",
            hint="Set ALLOWED_HOSTS to the public host names, and leave DEBUG out.",
            id="chat.E002",
        )
    ]


@register(Tags.security, deploy=True)
def mail_reaches_people(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Refuse a deployment whose letters reach nobody: closed chat asks for a confirmed address."""
    if settings.MAIL_GIVEN and settings.EMAIL_BACKEND.rsplit(".", 2)[-2] not in _NO_MAIL:
        return []
    return [
        Error(
            "No mail server is set: nobody can confirm an address, and so nobody can sign up.",
            hint="Set EMAIL_URL, such as smtp+tls://user:password@host:587.",
            id="chat.E003",
        )
    ]


@register(Tags.translation, deploy=True)
def texts_are_compiled(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Refuse a deployment that would speak English to everybody."""
    catalogues = sorted(settings.BASE_DIR.glob("*/locale/*/LC_MESSAGES/django.po"))
    missing = [path.parent.parent.parent.parent.name for path in catalogues if not path.with_suffix(".mo").exists()]
    if not missing:
        return []
    return [
        Error(
            f"The translations are not compiled: {', '.join(missing)}.",
            hint="Run make compilemessages.",
            id="chat.E004",
        )
    ]


@register(Tags.staticfiles, deploy=True)
def files_are_collected(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn where static files have no names by content yet, so that browsers would keep old ones."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin) or staticfiles_storage.hashed_files:
        return []
    return [
        Warning(
            "The static files are not collected: browsers may go on with those of the version before.",
            hint="Run manage.py collectstatic --no-input.",
            id="chat.W002",
        )
    ]


@register(Tags.compatibility, deploy=True)
def the_database_serves_many(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn that SQLite serves one machine and one writer at a time."""
    if connection.vendor != "sqlite":
        return []
    return [
        Warning(
            "The database is SQLite: it serves one machine, and one writer at a time.",
            hint="Set DATABASE_URL to a PostgreSQL database.",
            id="chat.W003",
        )
    ]


@register(Tags.security, deploy=True)
def the_proxy_is_known(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn where HTTPS is expected and no proxy of one's own is said to end it."""
    if not settings.HTTPS or settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "TRUSTED_PROXIES=0 with HTTPS: the scheme and the address of those who connect cannot be known.",
            hint="Set TRUSTED_PROXIES to the number of proxies of your own, one of which ends TLS.",
            id="chat.W004",
        )
    ]
