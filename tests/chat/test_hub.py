"""The hub: one per process however many come at once, and hints that the other processes understand."""

from __future__ import annotations

import asyncio

import pytest
from django.test import Client

from chat import hub, rooms
from tests.conftest import Serve
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
