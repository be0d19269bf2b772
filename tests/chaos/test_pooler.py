"""The service behind PgBouncer in transaction mode: each transaction may meet another session of the database."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client

from chat import rooms
from tests import embedded
from tests.chaos.held import holding
from tests.chaos.seekers import SETTINGS as OFFERING
from tests.chaos.storm import SETTINGS
from tests.chaos.test_outage import until
from tests.conftest import MakeUser, Serve, signed_in
from tests.kit.client import Peer
from tests.test_every_command import ends

PGBOUNCER = shutil.which("pgbouncer") or ""
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not PGBOUNCER, reason="needs pgbouncer (apt install pgbouncer)"),
]

COMMANDS = (("ledger", "verify"), ("ledger", "export"), ("gate",), ("purge",), ("epoch",), ("reseal",))
CONFIGURATION = """
[databases]
todoke = host={host} user={user} dbname={name} connect_query='SET lock_timeout = 1000; SET statement_timeout = 4000'
[pgbouncer]
listen_addr =
listen_port = 5432
unix_socket_dir = {home}
auth_type = any
pool_mode = transaction
default_pool_size = 6
logfile = {home}/log
"""


@pytest.fixture
def pooled() -> Iterator[str]:
    """The URL of the test's database behind a PgBouncer of this test's own."""
    found: dict[str, Any] = connection.settings_dict
    host = found["HOST"] or found["OPTIONS"].get("host", "")
    if not host.startswith("/"):
        pytest.skip("the database is not of this run")
    home = embedded.run.home / "pgbouncer"
    home.mkdir()
    home.chmod(0o777)  # it refuses to run for root
    configuration = home / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(host=host, user=found["USER"], name=found["NAME"], home=home))
    account = {"user": Path(host).stat().st_uid} if os.getuid() == 0 else {}
    with subprocess.Popen([PGBOUNCER, "-q", str(configuration)], cwd=home, **account) as pooler:  # type: ignore[call-overload]
        url = f"postgres://{found['USER']}@/todoke?host={home}"
        until((home / ".s.PGSQL.5432").exists, 10)
        yield url
        pooler.terminate()
    shutil.rmtree(home)


def test_people_meet_and_talk_and_the_commands_work_behind_a_pooler(
    pooled: str, serve: Serve, make_member: MakeUser
) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    one, two = (serve(**SETTINGS, **OFFERING, DATABASE_URL=pooled) for _ in range(2))
    guests = [Client(), Client()]
    for name, guest in zip(("一郎", "二郎"), guests, strict=True):
        assert guest.post("/guest/", {"nickname": name}).status_code == 302
    until(lambda: httpx.get(f"{two.url}/readyz").status_code == 200)
    with Peer(one, guests[0]) as writer, Peer(two, guests[1]) as reader:
        writer.join("chat")
        reader.join("chat")
        for number in range(20):
            answer = writer.post("chat", f"{number}")
            assert answer["type"] == "message.accepted", answer
        reader.wait(lambda frame: frame["type"] == "messages" and frame["items"][-1]["seq"] == 20)
        assert reader.post("chat", "届いた")["seq"] == 21
        with holding("SELECT FROM chat_room WHERE slug = 'chat' FOR UPDATE"):
            began = time.monotonic()
            refused = writer.post("chat", "待てない")
            assert (refused["type"], refused["code"]) == ("refused", "unavailable")
            assert time.monotonic() - began < 3
    seekers = [Peer(server, signed_in(make_member())) for server in (one, two)]
    for seeker in seekers:
        assert seeker.ask("match.seek")["type"] != "refused"
    [room, same] = [seeker.expect("match.made")["room"] for seeker in seekers]
    assert room == same
    for seeker in seekers:
        seeker.socket.close()
    for command, code, told in ends(COMMANDS, DATABASE_URL=pooled):
        assert (command, code, told) == (command, 0, "")
    assert "prepared statement" not in one.log + two.log
