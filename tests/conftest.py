"""People, signed-in clients and running servers, for every test."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from channels.layers import channel_layers
from django.conf import settings
from django.contrib.auth import models as auth
from django.contrib.auth.hashers import make_password
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from pytest_django import DjangoDbBlocker

from chat.models import User
from chat.realtime import pages
from compliance.gate import instances
from compliance.law.powers import Group
from tests.serving import Server

pytest_plugins = ["compliance.testing"]  # turn_keys, sign_items, pull_stop, walk_doors …: see its head

PASSWORD = "correct horse battery"  # noqa: S105 -- of test accounts only
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 -- of test accounts only
_number = itertools.count(1)

# How long an example takes says more about the machine than about the code.
hypothesis.register_profile("todoke", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("todoke")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Lets the database go at the end, although a connection can outlive the server that was killed by a moment."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """Keeps the language of one test's last request from the next: Django leaves it active on the thread."""
    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def own_channels() -> Iterator[None]:
    """Keeps the hints, the counters and the rates of one test from the next."""
    config = settings.CHANNEL_LAYERS["default"].setdefault("CONFIG", {})
    if settings.REDIS_URL:
        config["prefix"] = f"{settings.REDIS_PREFIX}-{next(_number)}"
    channel_layers.backends.clear()
    pages._throttles.clear()
    yield
    channel_layers.backends.clear()
    caches["memory"].clear()


@pytest.fixture(autouse=True)
def own_faults() -> Iterator[None]:
    """Keeps what one test made this process doubt (its clock, its ledger) from the next."""
    yield
    instances._skew = timedelta(0)
    instances.note_ledger(is_specimen=False)


@cache
def _hashed(password: str, hasher: str) -> str:  # a test may have chosen another hasher
    return make_password(password)


def hashed(password: str) -> str:
    """A password's hash: slow by design, so made once for each password and hasher."""
    return _hashed(password, settings.PASSWORD_HASHERS[0])


class MakeUser(Protocol):
    """Stores a member; what is not given is made up."""

    def __call__(self, name: str = "", **fields: Any) -> User: ...


@pytest.fixture
def make_user(db: None) -> MakeUser:
    """A factory of members; their password is ``PASSWORD``. Staff get a second factor, unless ``factor=False``."""

    def make(name: str = "", **fields: Any) -> User:
        number = next(_number)
        fields.setdefault("email", f"member{number}@example.jp")
        password = fields.pop("password", PASSWORD)
        factor = fields.pop("factor", fields.get("is_staff", False))
        person = User.objects.create_user(name=name or f"会員{number}", **fields)
        person.password = hashed(password)
        person.save(update_fields=("password",))
        if factor:
            give_factor(person)
        return person

    return make


def give_factor(person: User) -> Authenticator:
    """Give somebody an authenticator app, as the admin asks of staff."""
    return Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": TOTP_SECRET})


class MakeStaff(Protocol):
    """Stores a member of staff in these groups, with a second factor."""

    def __call__(self, *groups: Group, **fields: Any) -> User: ...


@pytest.fixture
def make_staff(make_user: MakeUser) -> MakeStaff:
    """A factory of staff; see `MakeStaff`. An auditor has no part in the administration, the others have."""

    def make(*groups: Group, **fields: Any) -> User:
        fields.setdefault("is_staff", set(groups) != {Group.AUDITOR})
        person = make_user(factor=True, **fields)
        person.groups.set(auth.Group.objects.filter(name__in=groups))
        return person

    return make


@pytest.fixture
def make_member(make_user: MakeUser) -> MakeUser:
    """A factory of members who have confirmed their address, as closed chat asks."""

    def make(name: str = "", **fields: Any) -> User:
        person = make_user(name, **fields)
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        return person

    return make


@pytest.fixture
def user(make_user: MakeUser) -> User:
    """A member."""
    return make_user()


@pytest.fixture
def other(make_user: MakeUser) -> User:
    """Another member."""
    return make_user()


@pytest.fixture
def operator(make_user: MakeUser) -> User:
    """The operator: staff with every permission."""
    return make_user("運営", is_staff=True, is_superuser=True)


@pytest.fixture
def gate_operator(operator: User) -> User:
    """The account with which the gate's fixtures sign: the operator's."""
    return operator


@pytest.fixture
def member(user: User) -> Client:
    """A browser in which `user` is signed in."""
    return signed_in(user)


@pytest.fixture
def desk(operator: User) -> Client:
    """A browser in which `operator` is signed in."""
    return signed_in(operator)


def signed_in(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def proven(user: User) -> Client:
    """A browser in which this person signed in with their second factor, and has just shown who they are."""
    client = signed_in(user)
    request = HttpRequest()
    request.session = client.session
    record_authentication(request, user, "mfa", type="totp", reauthenticated=True)
    request.session.save()
    return client


class Serve(Protocol):
    """Starts a server process on the test's database; keywords are settings."""

    def __call__(self, asgi: str = "daphne", **env: str) -> Server: ...


@pytest.fixture
def serve(transactional_db: None) -> Iterator[Serve]:
    """A factory of server processes, all of which end with the test."""
    running: list[Server] = []

    def start(asgi: str = "daphne", **env: str) -> Server:
        server = Server(asgi, env)
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.close()
        print(server.log)  # pytest shows it with a failure


@pytest.fixture
def server(serve: Serve) -> Server:
    """One running server process with the test's own settings."""
    return serve()


def cookies_of(client: Client, server: Server) -> list[dict[str, Any]]:
    """The client's cookies in the shape that a browser context takes."""
    return [{"name": name, "value": morsel.value, "url": server.url} for name, morsel in client.cookies.items()]
