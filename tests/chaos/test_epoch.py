"""The database goes back under running processes: a lagging replica is promoted, a backup or a file is put back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from django.test import Client

from chat import rooms
from tests import embedded
from tests.chaos.goes_back import Promotion, goes_back
from tests.chaos.test_outage import metric, ready
from tests.conftest import Serve
from tests.serving import ROOT, Server, environment, manage, manage_json

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

PREPARE: Final = """
import django, os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from chat import rooms
rooms.create_open_room(actor=None, name="雑談", slug="chat")
"""


@pytest.fixture
def guest(transactional_db: None) -> Client:
    """A browser of somebody who entered with a nickname; the room `chat` exists."""
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    client = Client()
    assert client.post("/guest/", {"nickname": "旅人"}).status_code == 302
    return client


def entered(server: Server) -> Client:
    """A browser of somebody who entered with a nickname at a process that has a database of its own."""
    with httpx.Client(base_url=server.url) as browser:
        browser.get("/guest/")
        csrf = browser.cookies["csrftoken"]
        sent = {"nickname": "旅人", "csrfmiddlewaretoken": csrf}
        assert browser.post("/guest/", data=sent, headers={"Origin": server.url}).status_code == 302
        client = Client()
        for name, value in browser.cookies.items():
            client.cookies[name] = value
    return client


def shut_with_one_entry(servers: Sequence[Server], **env: str) -> None:
    """Closed chat waits for the operator, one entry says why, every process and its metric know it."""
    facts = manage_json("gate", "--json", env=env)
    assert facts["restored"] is not None
    assert "restored" in facts["features"]["room.match_pair"]["causes"]
    entries = manage_json("ledger", "export", env=env)["entries"]
    assert [entry["event"] for entry in entries].count("database.went_back") == 1
    assert sum(metric(server, "todoke_database_went_back_total") for server in servers) >= 1
    for server in servers:
        assert (ready(server)["ready"], ready(server)["went_back"]) == (True, False)
        assert "restored" in httpx.get(f"{server.url}/api/gate/").text
    assert manage("ledger", "verify", env=env).returncode == 0


@pytest.mark.postgres
@pytest.mark.redis
def test_a_lagging_replica_is_promoted(guest: Client, serve: Serve, clusters: Any) -> None:
    primary = clusters(clusters.source()).start()
    replica = clusters(primary.sockets, replica=True).start()
    promotion = Promotion(primary, replica, clusters.address())
    env = {"DATABASE_URL": promotion.address.url}
    servers = [serve(**env), serve(**env)]
    goes_back(servers, guest, promotion.fall, promotion.keep)
    shut_with_one_entry(servers, **env)


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.redis
def test_a_backup_is_recovered_to_a_point_in_time(guest: Client, serve: Serve, clusters: Any) -> None:
    archive = embedded.run.home / "archive"
    archive.mkdir()
    primary = clusters(clusters.source(), archive_mode="on", archive_command=f"cp %p {archive}/%f")
    primary.own(archive)
    primary.start()
    backup = clusters(
        primary.sockets, restore_command=f"cp {archive}/%f %p", recovery_target_name="five", archive_mode="off",
        recovery_target_action="promote",
    )  # fmt: skip
    (backup.data / "recovery.signal").touch()
    backup.own(backup.data / "recovery.signal")
    address = clusters.address()
    address.point_at(primary)
    env = {"DATABASE_URL": address.url}
    servers = [serve(**env), serve(**env)]

    def keep() -> None:
        primary.execute("SELECT pg_create_restore_point('five')")

    def fall() -> None:
        primary.execute("SELECT pg_switch_wal()")
        primary.until("SELECT last_archived_wal >= pg_walfile_name(pg_switch_wal()) FROM pg_stat_archiver", value=False)
        primary.stop("fast")
        backup.start()
        backup.until("SELECT pg_is_in_recovery()", value=False)
        address.point_at(backup)

    goes_back(servers, guest, fall, keep)
    shut_with_one_entry(servers, **env)


@pytest.fixture
def clusters() -> Iterator[Any]:
    """Makes clusters of PostgreSQL, all of which end with the test."""
    from tests.kit import clusters as kit  # noqa: PLC0415 -- other rungs do without

    made: list[Any] = []

    def make(*arguments: Any, **options: Any) -> Any:
        made.append(kit.Cluster(*arguments, **options))
        return made[-1]

    make.source, make.address = kit.source, kit.Address  # type: ignore[attr-defined]
    yield make
    for cluster in made:
        cluster.stop()


@pytest.mark.parametrize("how", ["into the file", pytest.param("as another file", marks=pytest.mark.long)])
def test_a_file_is_put_back_under_sqlite(how: str, serve: Serve, tmp_path: Path) -> None:
    live, copy = tmp_path / "live.sqlite3", tmp_path / "copy.sqlite3"
    env = {"DATABASE_URL": f"sqlite:///{live}", "REDIS_URL": ""}
    subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=environment(**env), check=True, timeout=120)
    server = serve(**env)
    guest = entered(server)

    def keep() -> None:
        with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    def fall() -> None:
        if how == "into the file":
            with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(live, timeout=30)) as target:
                source.backup(target)
            return
        copy.replace(live)
        for left in ("-wal", "-shm"):
            live.with_name(live.name + left).unlink(missing_ok=True)

    goes_back([server], guest, fall, keep)
    shut_with_one_entry([server], **env)
