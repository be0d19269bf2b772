"""Who comes, and whose login ends: the short way says what Django says, and yes only; an end is noted by triggers."""

from __future__ import annotations

import asyncio
import uuid
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
from django.test import Client
from django.utils import timezone

from chat import people, personal_data, rooms
from chat.db import LoopConnection, shutdown_executor
from chat.models import LoginEnd, User
from chat.people import Authenticator, Login
from chat.realtime.session_watch import ALL_SECONDS, RENEW_SECONDS
from tests.conftest import signed_in
from tests.kit.harness import Hubs

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest_asyncio.fixture
async def authenticator(transactional_db: None) -> AsyncIterator[Authenticator]:
    """What is tested, let go of at the end."""
    made = Authenticator(LoopConnection())
    yield made
    made._database.close()
    await asyncio.to_thread(shutdown_executor)


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
    personal_data.erase([user])
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
async def test_who_somebody_is_follows_djangos_own_authentication(authenticator: Authenticator, way: str) -> None:
    make, comes_in = WAYS_IN[way]
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: make(user))
    found = await authenticator.authenticate(session, "en")
    assert (found is not None) is comes_in
    if found is not None:
        person, login = found
        assert found == await asked(lambda: people.authenticate(session, "en"))
        assert (person.pk, person.id, person.name, person.language) == (user.pk, str(user.public_id), "guest", "en")
        assert await asked(lambda: people.revoked_logins([login])) == set()


NEW = "a new secret, and as long as one that is made for production"


async def test_session_of_an_earlier_secret_keeps_its_key_and_is_signed_anew(
    authenticator: Authenticator, settings: Any
) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user, errand="/match/"))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW
    found = await authenticator.authenticate(session, "ja")
    assert found is not None
    assert found[0].pk == user.pk
    settings.SECRET_KEY_FALLBACKS = []  # two weeks later
    again = await authenticator.authenticate(session, "ja")
    assert again == found
    assert (await asked(lambda: Session.objects.get().get_decoded()))["errand"] == "/match/"


def test_page_request_with_an_earlier_secret_leaves_the_cookie_as_it_is(settings: Any) -> None:
    client = signed_in(member("guest"))
    cookie = client.cookies["sessionid"].value
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW
    assert client.get("/").wsgi_request.user.is_authenticated
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/").wsgi_request.user.is_authenticated
    assert client.cookies["sessionid"].value == cookie


async def test_process_that_does_not_know_the_secret_signs_nobody_out_elsewhere(
    authenticator: Authenticator, settings: Any
) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user))
    ours, settings.SECRET_KEY = settings.SECRET_KEY, NEW
    assert await authenticator.authenticate(session, "ja") is None
    settings.SECRET_KEY = ours
    assert await authenticator.authenticate(session, "ja") is not None


@pytest.mark.slow
@pytest.mark.postgres
async def test_a_crowd_is_asked_about_together_and_each_gets_their_own_answer(authenticator: Authenticator) -> None:
    def settle() -> list[tuple[User, str]]:
        people = [member(f"guest-{number}") for number in range(20)]
        return [(user, sign_in(user)) for user in people]

    crowd = await asked(settle)
    statements = 0
    ask = authenticator._database.execute

    async def count(*arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return await ask(*arguments)

    authenticator._database.execute = count  # type: ignore[assignment,method-assign]
    found = await asyncio.gather(*(authenticator.authenticate(session, "ja") for _user, session in crowd))
    assert [known and known[0].pk for known in found] == [user.pk for user, _session in crowd]
    assert statements == 2


@pytest.mark.postgres
async def test_one_session_that_cannot_be_read_keeps_nobody_else_out(authenticator: Authenticator) -> None:
    user = await asked(lambda: member("guest"))
    session, broken = await asked(lambda: (sign_in(user), sign_in(user, **{SESSION_KEY: "no number"})))
    found, failed = await asyncio.gather(
        authenticator.authenticate(session, "ja"), authenticator.authenticate(broken, "ja"), return_exceptions=True
    )
    assert isinstance(failed, ValidationError)
    assert isinstance(found, tuple)
    assert found[0].pk == user.pk


@pytest.mark.postgres
async def test_whoever_gives_up_waiting_takes_nobody_with_them(authenticator: Authenticator) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user))
    leaving, staying = (asyncio.create_task(authenticator.authenticate(session, "ja")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    found = await staying
    assert found is not None
    assert found[0].pk == user.pk


@pytest.mark.postgres
async def test_a_connection_that_ended_keeps_nobody_out(authenticator: Authenticator) -> None:
    user = await asked(lambda: member("guest"))
    session = await asked(lambda: sign_in(user))
    assert await authenticator.authenticate(session, "ja") is not None
    ((process,),) = await authenticator._database.execute(b"SELECT pg_backend_pid()", [])
    assert process is not None

    def end() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [int(process)])
            return bool(cursor.fetchone()[0])

    assert await asked(end)
    assert await authenticator.authenticate(session, "ja") is not None


# What ended a login --------------------------------------------------------------------------------------------------


def _rolled_back(user: User, session: str) -> None:
    with transaction.atomic():
        personal_data.erase([user])
        transaction.set_rollback(True)


ENDS: dict[str, tuple[Callable[[User, str], Any], bool]] = {
    "signing out": (lambda _user, session: Session.objects.filter(session_key=session).delete(), True),
    "a session that ends sooner": (
        lambda _user, session: Session.objects.filter(session_key=session).update(expire_date=timezone.now()),
        True,
    ),
    "being banned": (lambda user, _session: User.objects.filter(pk=user.pk).update(is_active=False), True),
    "another password": (lambda user, _session: User.objects.filter(pk=user.pk).update(password="other"), True),
    "an account that goes": (lambda user, _session: personal_data.erase([user]), True),
    "coming again": (lambda user, _session: User.objects.filter(pk=user.pk).update(last_login=timezone.now()), False),
    "another name": (lambda user, _session: User.objects.filter(pk=user.pk).update(name="other"), True),
    "other powers": (lambda user, _session: User.objects.filter(pk=user.pk).update(is_staff=True), True),
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
def test_whatever_ends_logins_or_changes_a_person_is_noted_whoever_does_it(what: str) -> None:
    end, is_noted = ENDS[what]
    user = member("guest")
    session = sign_in(user)
    pk = user.pk
    end(user, session)
    noted = people.recent_revocations()
    assert noted is not None
    assert set(noted.values()) <= {session, pk}
    assert bool(noted) is is_noted


@pytest.mark.postgres
def test_an_expired_session_that_is_cleared_away_is_no_news() -> None:
    session = sign_in(member("guest"))
    Session.objects.filter(session_key=session).update(expire_date=timezone.now() - timedelta(days=1))
    LoginEnd.objects.all().delete()
    Session.objects.all().delete()
    assert people.recent_revocations() == {}


@pytest.mark.postgres
def test_only_those_are_looked_at_whom_something_ended_and_once_a_minute_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = [member("leaving"), member("staying")]
    logins = [Login.of(sign_in(user), user) for user in users]
    looked_at: list[set[Login]] = []
    ended = people.revoked_logins

    def look(asked: set[Login]) -> set[Login]:
        looked_at.append(asked)
        return ended(asked)

    monkeypatch.setattr(people, "revoked_logins", look)
    with Hubs(1) as hubs:
        [hub] = hubs.hubs
        sockets = []
        for user, login in zip(users, logins, strict=True):
            socket, _paper = hubs.connect(0, user)
            socket.login = login
            sockets.append(socket)
        hubs.run(hub.sessions.check())
        hubs.run(hub.sessions.check())
        assert looked_at == [set(logins)]  # the first time everybody, then nobody
        Session.objects.filter(session_key=logins[0].session).delete()
        hubs.run(hub.sessions.check())
        hubs.settle()
        assert looked_at == [set(logins), {logins[0]}]
        assert [socket.is_closed for socket in sockets] == [True, False]
        Session.objects.filter(session_key=logins[1].session).update(session_key="moved")  # which nothing notes
        hubs.run(hub.sessions.check())
        assert not sockets[1].is_closed
        hubs.run(hubs.clock.advance(ALL_SECONDS + 1))
        hubs.run(hub.sessions.check())
        hubs.settle()
        assert sockets[1].is_closed


@pytest.mark.postgres
def test_who_comes_while_their_login_is_ended_is_put_out_as_well() -> None:
    user, neighbour = member("coming"), member("there")
    login = Login.of(sign_in(user), user)
    with Hubs(1) as hubs:
        [hub] = hubs.hubs
        hubs.connect(0, neighbour)
        hubs.run(hub.sessions.check())
        Session.objects.filter(session_key=login.session).delete()
        hubs.run(hub.sessions.check())
        socket, _paper = hubs.connect(0, user)  # was let in before
        socket.login = login
        hubs.run(hub.sessions.check())
        hubs.settle()
        assert socket.is_closed


def test_connection_knows_its_person_by_the_name_of_now_within_a_check_and_with_each_message() -> None:
    user = member("まえの名")
    person, login = people.authenticate(sign_in(user), "en") or (None, None)
    assert person is not None
    with Hubs(1) as hubs:
        tabs = [hubs.enter(0, person)[0] for _ in range(2)]
        for tab in tabs:
            tab.login = login
        hubs.run(hubs.hubs[0].sessions.check())
        User.objects.filter(pk=user.pk).update(name="あとの名")
        hubs.run(hubs.hubs[0].sessions.check())
        assert [tab.person.name for tab in tabs if tab.person] == ["あとの名"] * 2
        rooms.create_open_room(actor=None, name="雑談", slug="chat")
        User.objects.filter(pk=user.pk).update(name="三つめの名")
        hubs.say(tabs[0], "message.post", room="chat", client_id=str(uuid.uuid4()), body="ことば")
        hubs.settle()
        assert [(tab.person.name, tab.person.language) for tab in tabs if tab.person] == [("三つめの名", "en")] * 2


# What prolongs a session ---------------------------------------------------------------------------------------------


def left(session: str) -> timedelta:
    """How long a session goes on unless it is used."""
    return Session.objects.get(session_key=session).expire_date - timezone.now()


def ending(user: User) -> str:
    """A session that nobody has used for long."""
    session = sign_in(user)
    Session.objects.filter(session_key=session).update(expire_date=timezone.now() + timedelta(hours=12))
    return session


def browser(session: str) -> Client:
    """A browser with a session's cookie."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client


def test_page_prolongs_a_session_and_sends_the_cookie_again_once_a_day() -> None:
    session = ending(member("daily"))
    answer = browser(session).get("/")
    assert left(session) > timedelta(days=13)
    assert answer.cookies[settings.SESSION_COOKIE_NAME].value == session
    Session.objects.filter(session_key=session).update(expire_date=timezone.now() + timedelta(days=13, hours=1))
    answer = browser(session).get("/")
    assert settings.SESSION_COOKIE_NAME not in answer.cookies
    assert left(session) < timedelta(days=13, hours=2)


def test_session_of_nobody_is_not_prolonged() -> None:
    session = sign_in(member("gone"), **{SESSION_KEY: None})
    Session.objects.filter(session_key=session).update(expire_date=timezone.now() + timedelta(hours=12))
    browser(session).get("/rooms/new/")
    people.renew_sessions([session])
    assert left(session) < timedelta(hours=13)


async def test_socket_that_connects_prolongs_its_session(authenticator: Authenticator) -> None:
    session = await asked(lambda: ending(member("socket")))
    assert await authenticator.authenticate(session, "ja") is not None
    assert await asked(lambda: left(session)) > timedelta(days=13)


def test_live_sockets_prolong_their_sessions_and_bring_none_back() -> None:
    users = [member("open tab"), member("signed out")]
    sessions = [ending(user) for user in users]
    with Hubs(1) as hubs:
        for user, session in zip(users, sessions, strict=True):
            hubs.connect(0, user)[0].login = Login.of(session, user)
        hubs.run(hubs.hubs[0].sessions.check())
        assert left(sessions[0]) < timedelta(days=1)
        Session.objects.filter(session_key=sessions[1]).delete()
        hubs.run(hubs.clock.advance(RENEW_SECONDS + 1))
        hubs.run(hubs.hubs[0].sessions.check())
        assert left(sessions[0]) > timedelta(days=13)
        assert not Session.objects.filter(session_key=sessions[1]).exists()
