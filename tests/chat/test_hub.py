"""The hub: one per process however many come at once, and hints that the other processes understand."""

from __future__ import annotations

import asyncio

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import hub, rooms
from chat.models import User
from compliance import gate, testing
from tests.conftest import MakeUser, Serve, signed_in
from tests.peer import Peer


async def test_those_who_come_first_share_one_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(self: hub.Hub) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr(hub, "_hub", None)
    monkeypatch.setattr(hub.Hub, "start", start)
    found = await asyncio.gather(*(hub.current() for _ in range(10)))
    assert len(set(found)) == 1


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_hints_between_processes_are_understood(serve: Serve, client: Client) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    here, there = serve(), serve()
    client.post("/guest/", {"nickname": "旅人"})
    with Peer(here, client) as writer, Peer(there) as reader:
        writer.join("talk")
        reader.join("talk")
        writer.post("talk", "となりのサーバーへ")
        assert reader.expect("messages")["items"][0]["body"] == "となりのサーバーへ"
    assert "hub.layer_failed" not in here.log + there.log


@pytest.mark.django_db(transaction=True)
def test_who_comes_into_a_busy_room_gets_what_the_log_would_have_said(serve: Serve, client: Client) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    client.post("/guest/", {"nickname": "旅人"})
    with Peer(server := serve(CHAT_RATE_LIMITS="off"), client) as writer:
        writer.join("talk")
        for number in range(70):
            writer.post("talk", f"{number}")
        for after in (None, 20, 60, 71):
            asked = {} if after is None else {"after": after}
            head = writer.post("talk", "まちがい")["seq"]
            with Peer(server) as first, Peer(server) as second:
                from_memory = first.join("talk", **asked)
                writer.ask("message.delete", room="talk", seq=head)  # with which memory is emptied
                from_log = second.join("talk", **asked)
            for page, newest in ((from_memory, head), (from_log, head + 1)):
                begin = newest - 49 if after is None else after + 1
                assert [item["seq"] for item in page["items"]] == list(range(begin, newest + 1))
                assert page["head"] == newest
                assert page["more"] is (after is None)
            before = {item["seq"]: item for item in from_memory["items"] if item["seq"] < head}
            assert all(before.get(item["seq"], item) == item for item in from_log["items"])


@pytest.mark.django_db(transaction=True)
def test_a_room_that_was_locked_is_not_joined_from_memory(
    serve: Serve, make_user: MakeUser, make_member: MakeUser, operator: User, settings: Settings
) -> None:
    settings.STANDING = testing.notified(timezone.localdate())
    testing.sign_all(operator)
    owner, stranger = make_member("持ち主"), make_user("通りがかり")
    room = rooms.create_open_room(actor=owner, name="広場", slug="talk")
    server = serve(**testing.NOTIFIED)
    with Peer(server, signed_in(stranger)) as reader, Peer(server, signed_in(stranger)) as late:
        reader.join("talk")
        gate.settle()
        locked = rooms.lock_room(actor=owner, room=room)
        assert reader.expect("refused")["code"] == "forbidden"
        for key in ("talk", locked.key):
            assert late.join(key)["code"] == "missing"
