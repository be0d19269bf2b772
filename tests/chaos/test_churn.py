"""Nothing stays behind of those who come and go."""

from __future__ import annotations

import asyncio

import pytest

from chat import rooms
from tests.chaos.churn import WARM_UP, churn, faults, weigh
from tests.chaos.conftest import Gather
from tests.chaos.raw import RawPeer
from tests.conftest import Serve
from tests.kit.client import Peer

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("cycles", [200, pytest.param(5000, marks=pytest.mark.long)])
def test_whoever_comes_and_goes_leaves_nothing_behind(gather: Gather, cycles: int) -> None:
    crowd = gather(processes=1, rooms=1, sockets=1)
    server, talker = crowd.servers[0], crowd.talkers[0]
    asyncio.run(churn(server, talker.room, talker.cookie, WARM_UP))
    before = weigh(server)
    asyncio.run(churn(server, talker.room, talker.cookie, cycles))
    after = weigh(server)
    print(f"before {before}", f"after {after}", sep="\n")
    assert faults(before, after) == []
    assert "Traceback" not in server.log


@pytest.mark.long
@pytest.mark.parametrize("asgi", ["daphne", "uvicorn"])
def test_who_vanishes_without_a_word_is_not_counted_for_ever(serve: Serve, asgi: str) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    server = serve(asgi)
    with Peer(server) as stays, RawPeer(server) as vanishes:
        stays.join("chat")
        vanishes.say("room.join", ref="join", room="chat")
        stays.expect("presence", count=2)
        stays.silence(3)  # what was said before counts no more
        stays.expect("presence", seconds=90, count=1)  # its socket is open all the while, and answers no ping
