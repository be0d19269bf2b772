"""The hub: one per process however many come at once, and hints that the other processes understand."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import realtime, rooms
from chat.db import run_in_executor, shutdown_executor
from chat.db.executor import THREADS
from chat.models import User
from chat.protocol import Refused
from chat.realtime import Parts, hub
from compliance import gate, testing
from tests.conftest import MakeUser, Serve, signed_in
from tests.kit.client import Peer
from tests.kit.harness import Hubs


async def test_those_who_come_first_share_one_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(self: hub.Hub) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr(hub, "_running", None)
    monkeypatch.setattr(hub.Hub, "start", start)
    found = await asyncio.gather(*(hub.current() for _ in range(10)))
    assert len(set(found)) == 1
    found[0].stop()


async def test_database_work_goes_on_side_by_side_and_no_wider_than_its_threads() -> None:
    together = threading.Barrier(THREADS, timeout=10)
    count, at_work = threading.Lock(), list[int]()
    working = 0

    def work() -> None:
        nonlocal working
        with count:
            working += 1
            at_work.append(working)
        together.wait()  # one after the other, nobody would come through here
        with count:
            working -= 1

    await asyncio.gather(*(run_in_executor("ja", work) for _ in range(5 * THREADS)))
    assert max(at_work) == THREADS
    await asyncio.to_thread(shutdown_executor)


@pytest.mark.django_db(transaction=True)
def test_what_a_page_hands_over_is_done_on_the_hubs_loop_and_refused_once_that_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    with Hubs(1) as hubs:
        monkeypatch.setattr(hub, "_running", hubs.hubs[0])
        handed: list[Parts] = []
        here = hubs.run(asyncio.to_thread(lambda: realtime.run(where())))
        assert here is threading.current_thread()
        hubs.run(asyncio.to_thread(lambda: realtime.call_soon(handed.append)))
        hubs.settle()
        assert handed == [hubs.hubs[0].parts]
    with pytest.raises(Refused) as refused:
        realtime.run(where())
    assert refused.value.code == "unavailable"
    realtime.call_soon(handed.append)
    assert len(handed) == 1


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


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_a_hot_room_costs_a_quiet_one_nothing(serve: Serve, client: Client) -> None:
    for slug in ("hot", "quiet"):
        rooms.create_open_room(actor=None, name=slug, slug=slug)
    here, there = serve(CHAT_RATE_LIMITS="off"), serve(CHAT_RATE_LIMITS="off")
    client.post("/guest/", {"nickname": "旅人"})
    with Peer(here, client) as hot, Peer(here, client) as quiet, Peer(there) as reader:
        hot.join("hot")
        quiet.join("quiet")
        for slug in ("hot", "quiet"):
            reader.join(slug)
        for number in range(40):
            for _ in range(50):
                last = hot.say("message.post", room="hot", client_id=str(uuid.uuid4()), body=f"{number}" * 50)
            assert quiet.post("quiet", f"{number}")["type"] == "message.accepted"
            hot.wait(lambda frame, last=last: frame.get("ref") == last)  # type: ignore[misc]
        for slug, count in (("hot", 2000), ("quiet", 40)):
            while len(reader.items(slug)) < count:
                reader.expect("messages")
            assert [item["seq"] for item in reader.items(slug)] == list(range(1, count + 1))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whom_no_hint_reaches_finds_it_in_the_log(serve: Serve, client: Client) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    here, alone, other = serve(), serve(REDIS_URL=""), serve(REDIS_PREFIX="of-another-deployment")
    client.post("/guest/", {"nickname": "旅人"})
    with Peer(here, client) as writer, Peer(alone) as one, Peer(other) as two:
        for peer in (writer, one, two):
            peer.join("talk")
        end = time.monotonic() + 10
        while "degraded" in (layers := [httpx.get(f"{at.url}/readyz").json()["layer"] for at in (here, alone, other)]):
            assert time.monotonic() < end, layers
            time.sleep(0.1)
        assert layers[1] == "none"
        for number in range(2):
            writer.post("talk", f"{number}")
            for reader in (one, two):
                assert reader.expect("messages", seconds=5)["items"][-1]["body"] == f"{number}"
        for server in (alone, other):
            assert 'todoke_hints_total{outcome="taken"} 0.0' in httpx.get(f"{server.url}/metrics").text


@pytest.mark.slow
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
                begin = head - 49 if after is None else after + 1  # a page holds fifty messages, and what changed them
                assert [item["seq"] for item in page["items"]] == list(range(begin, newest + 1))
                assert page["head"] == newest
                assert page["more"] is (after is None)
            before = {item["seq"]: item for item in from_memory["items"] if item["seq"] < head}
            assert all(before.get(item["seq"], item) == item for item in from_log["items"])


@pytest.mark.slow
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
        gate.reconcile()
        locked = rooms.lock_room(actor=owner, room=room)
        assert reader.expect("refused")["code"] == "forbidden"
        for key in ("talk", locked.key):
            assert late.join(key)["code"] == "missing"
