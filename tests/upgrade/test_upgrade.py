"""A deployment rolls to today's version and back: both versions serve side by side, on the schema of the newer one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import httpx
import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from chat import rooms, safety
from chat.models import Message, Reason, Sanction, User
from compliance.testing import NOTIFIED, SignItems
from tests import schema, upgrade
from tests.conftest import MakeUser, signed_in
from tests.kit.client import Peer
from tests.serving import ROOT, Server, database_url, manage
from tests.upgrade.waiting import gate_is_on

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

PRODUCTION: Final = {
    **NOTIFIED,
    "DEBUG": "",
    "HTTPS": "off",
    "ALLOWED_HOSTS": "127.0.0.1",
    "SECRET_KEY": os.environ["SECRET_KEY"],
    "CLOSED_CHAT_KEYS": "000102030405060708090a0b0c0d0e0f" * 2,
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout of the version before."""
    return upgrade.unpack(tmp_path_factory.mktemp("previous"))


@pytest.fixture
def roll(transactional_db: None, previous: Path, tmp_path: Path, sign_items: SignItems) -> Iterator[list[Server]]:
    """A process of the version before, and one of today's. Both have the files of both, as in a shared folder."""
    sign_items()
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    today, before = tmp_path / "today", tmp_path / "before"
    shutil.copytree(previous / upgrade.STATIC, today)
    collected = manage("collectstatic", "--no-input", "-v0", env=PRODUCTION | {"STATIC_ROOT": str(today)})
    assert collected.returncode == 0, collected.stderr
    shutil.copytree(today, before)
    shutil.copy(previous / upgrade.STATIC / "staticfiles.json", before)  # collected again by the version before
    servers = [
        Server(env=PRODUCTION | {"STATIC_ROOT": str(before)}, root=previous),
        Server(env=PRODUCTION | {"STATIC_ROOT": str(today)}),
    ]
    for server in servers:
        server.start(wait=False)
    for server in servers:
        server.await_answer()
    yield servers
    for server in servers:
        server.close()
        print(server.log[-8000:])


def talk(one: Server, other: Server, clients: list[Client]) -> None:
    """Two people write to each other, each at a process of theirs: in an open room, and in a closed one as a match."""
    with Peer(one, clients[0]) as first, Peer(other, clients[1]) as second:
        pair = (first, second)
        for peer in pair:
            assert peer.join("chat")["type"] == "room.joined"
        _to_and_fro(pair, "chat")
        for peer in pair:
            assert peer.ask("match.seek")["type"] == "match.waiting"
        [room] = {peer.expect("match.made")["room"] for peer in pair}
        for peer in pair:
            assert peer.join(room)["type"] == "room.joined"
        _to_and_fro(pair, room)
        first.ask("match.leave", room=room)
        assert second.expect("match.left")["room"] == room


def _to_and_fro(pair: tuple[Peer, Peer], room: str) -> None:
    for writer, reader in (pair, pair[::-1]):
        body = f"{room} {id(writer)}"
        receipt = writer.post(room, body)
        assert receipt["type"] == "message.accepted", receipt
        while body not in [item["body"] for item in reader.items(room)]:
            reader.expect("messages")


def files_are_found(made_by: Server, asked: Server) -> int:
    """How many files of pages that one process made the other one finds, down to what scripts import."""
    queue = [urljoin(made_by.url, path) for page in ("/", "/rooms/chat/") for path in _named(made_by, page)]
    seen: set[str] = set()
    while queue:
        url = queue.pop()
        if url in seen:
            continue
        seen.add(url)
        answer = httpx.get(url.replace(made_by.url, asked.url))
        assert answer.status_code == 200, url
        assert answer.text
        if url.endswith(".js"):
            queue += [urljoin(url, path) for path in re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', answer.text)]
    return len(seen)


def _named(server: Server, page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"#]+)', httpx.get(f"{server.url}{page}").text)


@pytest.mark.postgres
@pytest.mark.redis
def test_old_and_new_process_serve_one_deployment_and_old_ones_go_on_after_a_roll_back(
    roll: list[Server], previous: Path, make_member: MakeUser, operator: User
) -> None:
    old, new = roll
    people = [[signed_in(make_member()) for _ in range(2)] for _ in range(2)]  # nobody meets the same person again
    for server in roll:
        gate_is_on(server)
    talk(old, new, people[0])
    assert files_are_found(old, new) > 10
    assert files_are_found(new, old) > 10
    for server in roll:  # and neither took the other for another deployment
        gate_is_on(server, seconds=0)

    muted = make_member()
    until = timezone.now() + timedelta(days=1)
    safety.act(kind=Sanction.Kind.MUTE, user=muted, actor=operator, until=until, reason="連投", rule=Reason.SPAM)
    for server, code in ((old, "unavailable"), (new, "forbidden")):  # the version before knows no mute
        with Peer(server, signed_in(muted)) as peer:
            peer.join("chat")
            assert peer.post("chat", "また宣伝です")["code"] == code
    assert not Message.objects.filter(author=muted).exists()

    new.sigterm()  # rolled back
    back = Server(env=old.env, root=previous)
    roll.append(back.start())
    gate_is_on(back)
    talk(old, back, people[1])
    assert Message.objects.count() == 8
    assert manage("ledger", "verify").returncode == 0
    for server in roll:
        assert "Traceback" not in server.log
        assert "hint" not in server.log  # none that could not be read


@pytest.mark.postgres
def test_database_of_the_version_before_becomes_that_of_today(previous: Path) -> None:
    found = connection.settings_dict
    name = f"{found['NAME']}_before"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    where = connection.get_connection_params() | {"dbname": name}
    parameters = {key: where[key] for key in ("host", "port", "user", "password", "dbname") if where.get(key)}
    try:
        with psycopg.connect(**parameters, autocommit=True) as old:
            old.execute((previous / upgrade.SCHEMA).read_text())
        url = database_url().replace(f"/{found['NAME']}", f"/{name}")
        done = subprocess.run(
            [sys.executable, "-m", "tests.upgrade.listing"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "REDIS_URL": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        listed = (schema.FOLDER / "postgresql.txt").read_text("utf-8").splitlines()
        assert {_bare(line) for line in done.stdout.splitlines()} == {_bare(line) for line in listed}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _bare(line: str) -> str:
    """A line without casts and parentheses: a dump that is read back has others in the same conditions."""
    return re.sub(r"::[a-z ]+(\[\])?|[()]", "", line)
