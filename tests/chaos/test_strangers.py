"""Another deployment on the same Redis, with the same prefix: neither hears the other, however much is said."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from redis import Redis

from chat import rooms
from chat.db import identity
from chat.realtime.peers import GROUP
from tests.chaos.test_outage import metric, until
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import Server, environment

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

OLD, NEW = settings.SECRET_KEY, "the next key of these tests and long enough"
UNREADABLE = 'todoke_hints_total{outcome="unreadable"}'
MANY = 2000


@pytest.fixture
def redis() -> Iterator[Redis]:
    """The Redis that everybody shares."""
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def guest(transactional_db: None) -> Client:
    """A browser of somebody who entered with a nickname; the room `chat` exists."""
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    client = Client()
    assert client.post("/guest/", {"nickname": "旅人"}).status_code == 302
    return client


def channel(deployment: str) -> str:
    """The Redis channel on which the processes of a deployment speak."""
    return f"{environment()['REDIS_PREFIX']}__group__{GROUP}.{deployment}"


def heard_beside(noise: Callable[[], None], servers: list[Server], guest: Client) -> None:
    """While somebody makes a noise, what is written at one process reaches the other's readers by a hint."""
    with Peer(servers[0], guest) as writer, Peer(servers[1]) as reader:
        for peer in (writer, reader):
            assert peer.join("chat")["type"] == "room.joined"
        before = metric(servers[1], 'todoke_hints_total{outcome="taken"}')
        noisy = threading.Thread(target=noise)
        noisy.start()
        for number in range(10):
            assert writer.post("chat", f"一言 {number}")["type"] == "message.accepted"
        heard: list[str] = []
        while len(heard) < 10:
            heard += [item["body"] for item in reader.expect("messages", room="chat")["items"]]
        noisy.join()
        assert heard == [f"一言 {number}" for number in range(10)]
        assert metric(servers[1], 'todoke_hints_total{outcome="taken"}') > before


def test_another_deployment_is_not_heard_and_one_with_our_data_is_counted_and_logged_once(
    serve: Serve, redis: Redis, guest: Client
) -> None:
    servers = [serve(), serve()]
    until(lambda: redis.pubsub_numsub(channel(identity()))[0][1] == 2)

    def say(where: str) -> None:
        for _ in range(MANY):
            redis.publish(channel(where), b"sealed with a key that nobody here has")

    heard_beside(lambda: say("0123456789abcdef"), servers, guest)
    for server in servers:
        assert metric(server, UNREADABLE) == 0
        assert "hint_unreadable" not in server.log
    heard_beside(lambda: say(identity()), servers, guest)  # a copy of our database, restored elsewhere
    for server in servers:
        until(lambda server=server: metric(server, UNREADABLE) == MANY)  # type: ignore[misc]
        assert server.log.count("hint_unreadable") == 1


def test_processes_agree_on_the_channel_at_each_step_of_a_new_secret_key(
    serve: Serve, redis: Redis, guest: Client
) -> None:
    one = serve(SECRET_KEY=OLD, SECRET_KEY_FALLBACKS=NEW)
    for key, former in ((OLD, ""), (NEW, OLD)):  # of the step before, and of the one after
        other = serve(SECRET_KEY=key, SECRET_KEY_FALLBACKS=former)
        until(lambda: redis.pubsub_numsub(channel(identity()))[0][1] == 2)
        assert len(redis.pubsub_channels(f"{environment()['REDIS_PREFIX']}__group__*")) == 1
        for pair in ([one, other], [other, one]):
            heard_beside(lambda: None, pair, guest)
        assert other.sigterm() == 0
