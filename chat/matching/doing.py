"""What every page shows a member of matching: that somebody is looked for, or is here (context processor)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from django.http import HttpRequest
from django.urls import reverse

from chat.matching.activity import activities
from chat.models import User
from chat.web.pages import keep_from_compression
from compliance import gate
from compliance.law import Feature


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the head of a page.

    Attributes:
        state: what somebody does.
        url: of their talk, or else of the page of matching.
        is_shown: whether this page shows it; the page of the talk itself does not.
    """

    state: Literal["idle", "waiting", "found", "talk"]
    url: str
    is_shown: bool


def context(request: HttpRequest) -> dict[str, Callable[[], Shown | None]]:
    """Give templates `doing`: what the member who reads does; None for everybody else, and where matching is off."""
    return {"doing": cache(lambda: _shown(request))}


def _shown(request: HttpRequest) -> Shown | None:
    user = getattr(request, "user", None)  # a page of errors can come before anybody asked who it is
    if not isinstance(user, User) or user.is_guest or not gate.current().decide(Feature.MATCH_PAIR).allowed:
        return None
    found = activities([user.pk]).get(user.pk)
    here = reverse("chat:match")
    if found is None:
        return Shown("idle", here, is_shown=False)
    keep_from_compression(request)
    if not found.talks:
        return Shown("waiting", here, is_shown=True)
    [talk] = found.talks
    url = reverse("chat:closed", args=[talk.room])
    return Shown("talk" if talk.entered else "found", url, is_shown=url != request.path)
