"""What machines and people are told of a database that answers and cannot serve, or that does not answer at all."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from chat import composition, rooms
from compliance.models import Outage
from tests import embedded, upgrade
from tests.chaos.storm import SETTINGS
from tests.chaos.test_outage import frozen, postgres_pid, ready, until
from tests.compliance.test_database import named
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import Server, manage

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(serve: Serve) -> Server:
    """A process with one room."""
    if embedded.run.postgres is None:
        pytest.skip("changes the database's configuration, which here is not of this run")
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    return serve(**SETTINGS)


def by_hand(*statements: str) -> None:
    """Executes statements as the database's owner."""
    assert embedded.run.postgres is not None
    with psycopg.connect(embedded.run.postgres.get_uri(), autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement)


@contextmanager
def read_only() -> Iterator[None]:
    """Has every new transaction of the cluster only read."""
    by_hand("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        by_hand(
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        )


def within(seconds: float, true: Callable[[], bool]) -> None:
    """Asserts that something comes true in so many seconds."""
    began = time.monotonic()
    until(true)
    assert time.monotonic() - began < 2 * seconds  # of a machine that does nothing else; this one may


def test_a_read_only_database_is_not_ready_and_says_so_to_all(server: Server) -> None:
    guest = Client()
    assert guest.post("/guest/", {"nickname": "旅人"}).status_code == 302
    with Peer(server, guest) as writer:
        writer.join("chat")
        with read_only():
            within(3, lambda: httpx.get(f"{server.url}/readyz", timeout=15).status_code == 503)
            facts = httpx.get(f"{server.url}/readyz", timeout=15).json()
            assert (facts["database"], facts["fault"]["code"]) == (True, "read_only")
            assert "読み取り専用" in facts["fault"]["ja"]
            refused = writer.post("chat", "書けない")
            assert (refused["type"], refused["code"]) == ("refused", "unavailable")
            with httpx.Client(base_url=server.url, timeout=15) as browser:
                assert browser.get("/rooms/chat/").status_code == 200  # reading goes on
                token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "nickname": "別人"}
                answer = browser.post("/guest/", data=token)
                assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
                assert "混み合って" in answer.text
                machine = browser.post("/guest/", data=token, headers={"Accept": "application/json"})
                assert (machine.status_code, machine.json()["code"]) == (503, "unavailable")
        until(lambda: httpx.get(f"{server.url}/readyz", timeout=15).status_code == 200)
        assert writer.post("chat", "書ける")["type"] == "message.accepted"


def test_a_frozen_database_is_not_ready_at_once_and_pages_answer_in_words(server: Server) -> None:
    until(lambda: httpx.get(f"{server.url}/readyz", timeout=15).status_code == 200)
    connection.close()
    with frozen(postgres_pid()):
        within(3, lambda: httpx.get(f"{server.url}/readyz", timeout=15).status_code == 503)
        began = time.monotonic()
        answer = httpx.get(f"{server.url}/rooms/chat/", timeout=30)
        assert time.monotonic() - began < 15
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert "混み合って" in answer.text
        assert httpx.get(f"{server.url}/healthz").text == "ok\n"
    until(lambda: httpx.get(f"{server.url}/readyz", timeout=15).status_code == 200)


@contextmanager
def shut() -> Iterator[None]:
    """Lets nobody into the test's database, and throws out who is in."""
    name = connection.settings_dict["NAME"]
    by_hand(
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND pid <> pg_backend_pid()",
    )
    try:
        yield
    finally:
        by_hand(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_an_outage_of_the_database_enters_the_log_though_no_monitor_could_write_it_down() -> None:
    if embedded.run.postgres is None:
        pytest.skip("shuts a database, which here is not of this run")
    began = timezone.now()
    connection.close()

    async def live(clock: Any) -> None:
        process, instance = composition.Database(), uuid.uuid4()
        await process.beat(instance)
        with shut():
            for _ in range(2):
                with pytest.raises(DatabaseError):
                    await process.beat(instance)
            clock.shift(timedelta(seconds=90))
        await process.beat(instance)
        await process.beat(instance)
        process.close()

    with time_machine.travel(began, tick=True) as clock:
        asyncio.run(live(clock))
    outage = Outage.objects.get()
    assert outage.ended_at is not None
    assert outage.started_at - began < timedelta(seconds=30)
    assert outage.ended_at - outage.started_at > timedelta(seconds=60)


def test_a_database_of_another_encoding_is_named_by_readiness_and_is_not_ready(tmp_path: Path) -> None:
    made = "CREATE DATABASE foreign_text ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    with named("foreign_text", made) as url:
        with psycopg.connect(url, autocommit=True, client_encoding="UTF8") as owner:  # tables brought there by hand
            owner.execute((upgrade.unpack(tmp_path) / upgrade.SCHEMA).read_text())
        migrated = manage("migrate", "--verbosity", "0", env={"DATABASE_URL": url})
        assert "SQL_ASCII" in migrated.stderr
        with Server(env={"DATABASE_URL": url}) as server:
            until(lambda: ready(server)["fault"] is not None)
            facts = ready(server)
            assert facts["ready"] is False
            assert all("SQL_ASCII" in facts["fault"][language] for language in ("ja", "en"))
            assert httpx.get(f"{server.url}/readyz").status_code == 503
