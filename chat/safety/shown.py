"""What pages show people of acts on them: what is unread or holds, and why they are shut out (context processor)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone

from chat.models import Sanction, User
from chat.people import SUSPENDED, active
from chat.safety.mails import token_of
from chat.safety.sanctions import in_effect
from chat.web.pages import keep_from_compression


def context(request: HttpRequest) -> dict[str, Callable[[], Any]]:
    """Give templates `acts`, which the reader should know of, and `suspension`: why this person is shut out."""
    return {"acts": cache(lambda: _acts(request)), "suspension": cache(lambda: _suspension(request))}


def _acts(request: HttpRequest) -> list[Sanction]:
    user = getattr(request, "user", None)  # a page of errors can come before anybody asked who it is
    if not isinstance(user, User) or not user.is_authenticated:
        return []
    if not user.has_unread_act and (user.muted_until is None or user.muted_until <= timezone.now()):
        return []
    keep_from_compression(request)
    return in_effect(user)


def _suspension(request: HttpRequest) -> dict[str, Any] | None:
    pk = request.session.get(SUSPENDED) or request.session.get(SESSION_KEY)
    if not pk:
        return None
    act = active(timezone.now(), Sanction.Kind.SUSPEND).filter(user=pk, user__is_active=False).order_by("-at").first()
    return {"act": act, "token": token_of(act)} if act is not None else None
