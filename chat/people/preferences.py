"""What people chose for their pages. The language follows them: it lies in the cookie of each device that they use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

from chat.models import Preferences, User
from chat.people import accounts, devices

CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "language": ("", "ja", "en"),
        "theme": ("", "light", "dark"),
        "text_size": ("", "large", "larger"),
        "enter": ("", "send", "newline"),
    }
)
"""What can be chosen. Empty: as the device has it."""

_OF: Final = "_todoke_preferences"

Respond = Callable[[HttpRequest], HttpResponseBase]


def preferences_of(user: User) -> Preferences:
    """Return what somebody chose. It is read once for an account that was read."""
    found: Preferences | None = getattr(user, _OF, None)
    if found is None:
        found = Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)
        setattr(user, _OF, found)
    return found


def chosen_language(user: AbstractBaseUser) -> str:
    """Return the language that somebody chose for their pages; empty where they chose none."""
    return preferences_of(user).language if isinstance(user, User) else ""


def choose(user: User, chosen: Mapping[str, str]) -> None:
    """Store what somebody chose, and leave the rest as it is.

    Args:
        user: who chose.
        chosen: values by the names of `CHOICES`. Others are not theirs to choose, and are left out.
    """
    known = {name: value for name, value in chosen.items() if value in CHOICES.get(name, ())}
    if known:
        found, _created = Preferences.objects.update_or_create(user=user, defaults=known)
        setattr(user, _OF, found)


class PersonalPages:
    """Middleware: pages in the language of whoever reads them, and a note of the browser in which they are signed in.

    The language cookie is the device's, and the socket reads it, too. So it follows the person's choice, and goes with
    them when they sign out.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            response = self._respond(request)
            devices.note(request)
            return response
        user = request.user if isinstance(request.user, User) else None
        chosen = preferences_of(user).language if user is not None else ""
        if chosen and chosen != translation.get_language():
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        response = self._respond(request)
        stays = user is not None and devices.is_signed_in(request, user)
        now = preferences_of(user).language if user is not None else ""
        if chosen and not stays:
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        elif now and stays and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != now:
            _keep_language(response, now)
        devices.note(request)
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        """Take the language that somebody chooses in the head of a page as their choice."""
        match = request.resolver_match
        if match is None or match.url_name != "set_language" or request.method != "POST":
            return
        if isinstance(request.user, User):
            choose(request.user, {"language": request.POST.get("language", "")})


def _keep_language(response: HttpResponseBase, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        domain=settings.LANGUAGE_COOKIE_DOMAIN,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )


def context(request: HttpRequest) -> dict[str, Callable[[], Preferences | None]]:
    """Give templates `look`: what whoever reads chose; None for a stranger (context processor)."""
    return {"look": cache(lambda: _look(request))}


def _look(request: HttpRequest) -> Preferences | None:
    user = accounts.guest_of(request) or getattr(request, "user", None)
    return preferences_of(user) if isinstance(user, User) else None
