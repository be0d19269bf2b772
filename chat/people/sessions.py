"""Sessions: whose a session is, what prolongs and revokes them, and which of those in use no longer hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from msgspec import json

from chat.models import LoginEnd, User
from chat.people.person import Person
from chat.people.sanctions import reinstate_expired
from chat.people.session_store import SessionStore, due_sessions

REVOCATIONS_KEPT = timedelta(seconds=60)
"""How far back is looked for what ended logins: longer than any transaction that ends one takes to commit."""


@dataclass(frozen=True, slots=True)
class Login:
    """What keeps somebody signed in on a live socket: their session, and the facts that end it when they change.

    The password's stored hash is kept as a digest only: it travels to the database every few seconds.
    """

    session: str
    person: int
    password: str

    @classmethod
    def of(cls, session: str, user: User) -> Login:
        """Return the login of an account by a session."""
        return cls(session, user.pk, _digest(user.password))


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def authenticate(session_key: str | None, language: str) -> tuple[Person, Login] | None:
    """Return who a session belongs to, as Django's own authentication decides it, or None."""
    if not session_key:
        return None
    request = HttpRequest()
    request.session = _store(session_key)
    user = user_of(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    if request.session.modified:
        _sign_anew(session_key, request.session[HASH_SESSION_KEY])
    if not _renewed(request.session):
        return None
    return Person.of(user, language), Login.of(session_key, user)


def _renewed(session: SessionBase) -> bool:
    """Prolong a session that is due; return False if it has gone meanwhile."""
    if isinstance(session, SessionStore) and session.is_due:
        try:
            session.save()
        except UpdateError:
            return False
    return True


def renew_for_page(request: HttpRequest) -> None:
    """Have the session of a page's request prolonged, and its cookie sent again, if somebody is in and it is due."""
    session = request.session
    if isinstance(session, SessionStore) and session.is_due and SESSION_KEY in session:
        session.modified = True


def renew_sessions(keys: Iterable[str]) -> None:
    """Prolong those of these sessions that are due: they are in use on live sockets."""
    for key in due_sessions(list(keys)):
        store = SessionStore(key)
        if SESSION_KEY in store:
            _renewed(store)


def user_of(request: HttpRequest) -> User | AnonymousUser:
    """Return the account that a request's session is signed in to, as `django.contrib.auth.get_user` does.

    The session keeps its key. Django gives it another one when it was signed with an earlier SECRET_KEY, and deletes it
    when it was signed with a key that this process does not know yet. The other tabs and sockets of the person, and a
    browser that never sees this answer, have the old key only: they would be signed out, and a guest for good.
    """
    session = request.session
    session.cycle_key = session.flush = lambda: None  # type: ignore[method-assign]  # until the answer is there
    try:
        user: User | AnonymousUser = auth.get_user(request)
        if not isinstance(user, User) and (pk := session.get(SESSION_KEY)) and reinstate_expired([pk], timezone.now()):
            user = auth.get_user(request)
    finally:
        del session.cycle_key, session.flush
    return user


def _sign_anew(session_key: str, session_hash: str) -> None:
    """Sign a stored session with today's SECRET_KEY. What pages put into it meanwhile stays."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(session_key=session_key).first()
        if session is not None:
            session.session_data = _store(session_key).encode(session.get_decoded() | {HASH_SESSION_KEY: session_hash})
            session.save(update_fields=("session_data",))


def _store(session_key: str) -> SessionBase:
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return store


class Authentication(AuthenticationMiddleware):
    """Django's middleware; whose a session is, `user_of` says."""

    def process_request(self, request: HttpRequest) -> None:
        """Set `request.user`, which asks the database with its first use."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: user_of(request))  # type: ignore[assignment]


# Subqueries and LATERAL with LIMIT: row by row by the key, where the planner, which takes any JSON for a hundred rows,
# would read whole tables for a few.
_ENDED = """
SELECT k.place FROM ROWS FROM (json_to_recordset(%s) AS (session text, person bigint, password text))
    WITH ORDINALITY AS k(session, person, password, place)
WHERE (SELECT TRUE FROM django_session s WHERE s.session_key = k.session AND s.expire_date > %s) IS NOT TRUE
    OR (SELECT encode(sha256(convert_to(u.password, 'UTF8')), 'hex') = k.password FROM chat_user u
        WHERE u.id = k.person AND u.is_active) IS NOT TRUE
"""


def recent_revocations() -> dict[int, str | int | None] | None:
    """Return what revoked sessions within the last REVOCATIONS_KEPT.

    Returns:
        by its id, a session's key or an account's primary key.
    None where the database keeps no such list: all logins must be looked at.
    """
    if connection.vendor != "postgresql":
        return None
    lately = LoginEnd.objects.filter(at__gt=Now() - REVOCATIONS_KEPT)
    return {pk: session or person for pk, session, person in lately.values_list("pk", "session", "person")}


def revoked_logins(logins: Iterable[Login]) -> set[Login]:
    """Return those logins that no longer hold: signed out, expired, banned, or with another password by now.

    Asked now and then about everybody who is connected; so the database compares, and answers with the few.
    """
    logins = list(logins)
    now = timezone.now()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_ENDED, [json.encode(logins).decode(), now])
            return {logins[place - 1] for (place,) in cursor.fetchall()}
    sessions = Session.objects.filter(session_key__in={login.session for login in logins}, expire_date__gt=now)
    live = set(sessions.values_list("session_key", flat=True))
    people = User.objects.filter(pk__in={login.person for login in logins}, is_active=True)
    passwords = {pk: _digest(password) for pk, password in people.values_list("pk", "password")}
    return {login for login in logins if login.session not in live or passwords.get(login.person) != login.password}
