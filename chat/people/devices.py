"""The browsers in which somebody is signed in: what they may know of them, and the end of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from chat.models import Device, User

_NOTED: Final = "device"  # in a session: the key under which it is noted
# Each is looked for in this order: browsers also name those that they are made like.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser in which somebody is signed in.

    Attributes:
        id: by which they end it.
        browser: its name; empty where it is not a known one.
        system: on which it runs; likewise.
        used: the day on which it was last used. Sessions are prolonged once a day.
        is_this: whether it is the one that asks.
    """

    id: UUID
    browser: str
    system: str
    used: date
    is_this: bool


def is_signed_in(request: HttpRequest, user: User) -> bool:
    """Return whether the session of a request is a person's own still, at its end."""
    return request.session.get(SESSION_KEY) == str(user.pk)


def note(request: HttpRequest) -> None:
    """Note once in which browser a session is used, if somebody is signed in by it."""
    session = request.session
    if not session.accessed or session.get(SESSION_KEY) is None or session.session_key is None:
        return
    if session.get(_NOTED) == session.session_key:
        return
    said = request.headers.get("User-Agent", "")
    found = {"browser": _known(said, _BROWSERS), "system": _known(said, _SYSTEMS)}
    owner = int(session[SESSION_KEY])
    if User.objects.filter(pk=owner).exists():
        Device.objects.update_or_create(session=session.session_key, defaults={"user_id": owner, **found})
        session[_NOTED] = session.session_key


def _known(said: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for sign, name in names if sign in said), "")


def devices_of(user: User, session_key: str | None) -> list[SignedIn]:
    """Return where somebody is signed in, the session that asks first, then by their last use."""
    now = timezone.now()
    noted = {device.session: device for device in Device.objects.filter(user=user)}
    live = Session.objects.filter(session_key__in=noted, expire_date__gt=now).order_by("-expire_date")
    age = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    found = [
        SignedIn(
            id=noted[key].id,
            browser=noted[key].browser,
            system=noted[key].system,
            used=timezone.localdate(min(end - age, now)),
            is_this=key == session_key,
        )
        for key, end in live.values_list("session_key", "expire_date")
    ]
    return sorted(found, key=lambda device: not device.is_this)


def end(user: User, device: UUID) -> bool:
    """Sign somebody out in one of their browsers, sockets included; return whether it was signed in."""
    found = Device.objects.filter(pk=device, user=user).first()
    if found is None:
        return False
    gone, _rows = Session.objects.filter(session_key=found.session).delete()
    found.delete()
    return bool(gone)
