"""Who comes, and whose login ends: the short way says what Django says, and yes only; an end is noted by triggers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.utils import timezone

from chat import offload, queries
from chat.hub import ALL_LOGINS_SECONDS
from chat.logins import Logins
from chat.models import LoginEnd, User
from chat.queries import Login
from tests.hubs import Hubs

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest_asyncio.fixture
async def logins(transactional_db: None) -> AsyncIterator[Logins]:
    """What is tested, let go of at the end."""
    made = Logins()
    yield made
    made.close()
    await asyncio.to_thread(offload.close)


def sign_in(user: User, **changes: Any) -> str:
    """Signs somebody in; a change of None leaves a claim out. Returns the session's key."""
    claims: dict[str, Any] = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    for name, value in (claims | changes).items():
        if value is not None:
            store[name] = value
    store.save()
    key: str = store.session_key
    return key


def member(name: str) -> User:
    """A member."""
    return User.objects.create_user(f"{name}@example.jp", "a long password", name=name)


async def asked(work: Callable[[], Any]) -> Any:
    """What the database says, from a thread that leaves no connection behind."""

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


def _outdated(user: User) -> str:
    key = sign_in(user)
    Session.objects.filter(session_key=key).update(expire_date=timezone.now() - timedelta(seconds=1))
    return key


def _forged(user: User) -> str:
    key = sign_in(user)
    data = Session.objects.get(session_key=key).session_data
    Session.objects.filter(session_key=key).update(session_data=data[:-4] + "AAAA")
    return key


def _banned(user: User) -> str:
    key = sign_in(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return key


def _with_a_new_password(user: User) -> str:
    key = sign_in(user)
    user.set_password("another long password")
    user.save()
    return key


def _deleted(user: User) -> str:
    key = sign_in(user)
    user.delete()
    return key


WAYS_IN: dict[str, tuple[Callable[[User], str], bool]] = {
    "signed in": (sign_in, True),
    "outdated": (_outdated, False),
    "forged": (_forged, False),
    "banned": (_banned, False),
    "with a new password": (_with_a_new_password, False),
    "deleted": (_deleted, False),
    "by a backend that is not in use": (
        lambda user: sign_in(user, **{BACKEND_SESSION_KEY: "elsewhere.Backend"}),
        False,
    ),
    "without a backend": (lambda user: sign_in(user, **{BACKEND_SESSION_KEY: None}), False),
    "without a hash": (lambda user: sign_in(user, **{HASH_SESSION_KEY: None}), False),
    "with another hash": (lambda user: sign_in(user, **{HASH_SESSION_KEY: "0" * 64}), False),
    "of nobody": (lambda user: sign_in(user, **{SESSION_KEY: None}), False),
    "of somebody who never was": (lambda user: sign_in(user, **{SESSION_KEY: "999999"}), False),
    "unknown": (lambda _user: "a" * 32, False),
    "with other characters": (lambda _user: 'a",{}\\\x00' * 4, False),
    "empty": (lambda _user: "", False),
}


@pytest.mark.parametrize("way", WAYS_IN)
async def test_who_somebody_is_follows_djangos_own_authentication(logins: Logins, way: str) -> None:
    make, comes_in = WAYS_IN[way]
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: make(user))
    found = await logins.who(session, "en")
    assert (found is not None) is comes_in
    if found is not None:
        person, login = found
        assert found == await asked(lambda: queries.who(session, "en"))
        assert (person.pk, person.id, person.name, person.language) == (user.pk, str(user.public_id), "guest", "en")
        assert await asked(lambda: queries.ended_logins([login])) == set()


async def test_a_session_of_an_old_secret_is_renewed_as_ever(logins: Logins, settings: Any) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new secret"  # noqa: S105 -- of this test
    found = await logins.who(session, "ja")
    assert found is not None
    assert found[0].pk == user.pk


@pytest.mark.postgres
async def test_a_crowd_is_asked_about_together_and_each_gets_their_own_answer(logins: Logins) -> None:
    def settle() -> list[tuple[User, str]]:
        people = [member(f"guest-{number}") for number in range(20)]
        return [(user, sign_in(user)) for user in people]

    crowd = await asked(settle)
    statements = 0
    ask = logins._database.ask

    async def count(*arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return await ask(*arguments)

    logins._database.ask = count  # type: ignore[assignment,method-assign]
    found = await asyncio.gather(*(logins.who(session, "ja") for _user, session in crowd))
    assert [known and known[0].pk for known in found] == [user.pk for user, _session in crowd]
    assert statements == 2


@pytest.mark.postgres
async def test_one_session_that_cannot_be_read_keeps_nobody_else_out(logins: Logins) -> None:
    user = await asked(lambda: member("guest"))
    session, broken = await asked(lambda: (sign_in(user), sign_in(user, **{SESSION_KEY: "no number"})))
    found, failed = await asyncio.gather(logins.who(session, "ja"), logins.who(broken, "ja"), return_exceptions=True)
    assert isinstance(failed, ValidationError)
    assert isinstance(found, tuple)
    assert found[0].pk == user.pk


@pytest.mark.postgres
async def test_whoever_gives_up_waiting_takes_nobody_with_them(logins: Logins) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user))
    leaving, staying = (asyncio.create_task(logins.who(session, "ja")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    found = await staying
    assert found is not None
    assert found[0].pk == user.pk


@pytest.mark.postgres
async def test_a_connection_that_ended_keeps_nobody_out(logins: Logins) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user))
    assert await logins.who(session, "ja") is not None

    def end() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [logins._database.server_process])
            return bool(cursor.fetchone()[0])

    assert await asked(end)
    assert await logins.who(session, "ja") is not None


# What ended a login --------------------------------------------------------------------------------------------------


def _rolled_back(user: User, session: str) -> None:
    with transaction.atomic():
        user.delete()
        transaction.set_rollback(True)


ENDS: dict[str, tuple[Callable[[User, str], Any], bool]] = {
    "signing out": (lambda _user, session: Session.objects.filter(session_key=session).delete(), True),
    "a session that ends sooner": (
        lambda _user, session: Session.objects.filter(session_key=session).update(expire_date=timezone.now()),
        True,
    ),
    "being banned": (lambda user, _session: User.objects.filter(pk=user.pk).update(is_active=False), True),
    "another password": (lambda user, _session: User.objects.filter(pk=user.pk).update(password="other"), True),
    "an account that goes": (lambda user, _session: user.delete(), True),
    "coming again": (lambda user, _session: User.objects.filter(pk=user.pk).update(last_login=timezone.now()), False),
    "another name": (lambda user, _session: User.objects.filter(pk=user.pk).update(name="other"), False),
    "a session that lasts longer": (
        lambda _user, session: Session.objects.filter(session_key=session).update(
            expire_date=timezone.now() + timedelta(days=99)
        ),
        False,
    ),
    "what was rolled back": (_rolled_back, False),
}


@pytest.mark.postgres
@pytest.mark.parametrize("what", ENDS)
def test_whatever_ends_logins_is_noted_whoever_does_it(what: str) -> None:
    end, is_noted = ENDS[what]
    user = member("guest")
    session = sign_in(user)
    pk = user.pk
    end(user, session)
    noted = queries.login_ends()
    assert noted is not None
    assert set(noted.values()) <= {session, pk}
    assert bool(noted) is is_noted


@pytest.mark.postgres
def test_an_expired_session_that_is_cleared_away_is_no_news() -> None:
    session = sign_in(member("guest"))
    Session.objects.filter(session_key=session).update(expire_date=timezone.now() - timedelta(days=1))
    LoginEnd.objects.all().delete()
    Session.objects.all().delete()
    assert queries.login_ends() == {}


@pytest.mark.postgres
def test_only_those_are_looked_at_whom_something_ended_and_once_a_minute_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [member("leaving"), member("staying")]
    logins = [Login.of(sign_in(user), user) for user in people]
    looked_at: list[set[Login]] = []
    ended = queries.ended_logins

    def look(asked: set[Login]) -> set[Login]:
        looked_at.append(asked)
        return ended(asked)

    monkeypatch.setattr(queries, "ended_logins", look)
    with Hubs(1) as hubs:
        [hub] = hubs.hubs
        sockets = []
        for user, login in zip(people, logins, strict=True):
            socket, _paper = hubs.connect(0, user)
            socket.login = login
            sockets.append(socket)
        hubs.run(hub._check_logins())
        hubs.run(hub._check_logins())
        assert looked_at == [set(logins)]  # the first time everybody, then nobody
        Session.objects.filter(session_key=logins[0].session).delete()
        hubs.run(hub._check_logins())
        hubs.settle()
        assert looked_at == [set(logins), {logins[0]}]
        assert [socket.closing for socket in sockets] == [True, False]
        Session.objects.filter(session_key=logins[1].session).update(session_key="moved")  # which nothing notes
        hubs.run(hub._check_logins())
        assert not sockets[1].closing
        hub._all_logins_seen -= ALL_LOGINS_SECONDS
        hubs.run(hub._check_logins())
        hubs.settle()
        assert sockets[1].closing


@pytest.mark.postgres
def test_who_comes_while_their_login_is_ended_is_put_out_as_well() -> None:
    user, neighbour = member("coming"), member("there")
    login = Login.of(sign_in(user), user)
    with Hubs(1) as hubs:
        [hub] = hubs.hubs
        hubs.connect(0, neighbour)
        hubs.run(hub._check_logins())
        Session.objects.filter(session_key=login.session).delete()
        hubs.run(hub._check_logins())
        socket, _paper = hubs.connect(0, user)  # was let in before
        socket.login = login
        hubs.run(hub._check_logins())
        hubs.settle()
        assert socket.closing
