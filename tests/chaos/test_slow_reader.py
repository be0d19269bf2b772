"""A reader who stops reading costs the service next to nothing, and the others nothing at all."""

from __future__ import annotations

import subprocess
import time
from statistics import median

import pytest

from tests.chaos.conftest import Gather
from tests.chaos.raw import RawPeer
from tests.chaos.slow import BOUND, ask_and_not_read, stop_reading

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("asgi", "megabytes"),
    [
        ("daphne", 12),
        pytest.param("daphne", 100, marks=pytest.mark.long),
        pytest.param("uvicorn", 12, marks=pytest.mark.long),
        pytest.param("hypercorn", 12, marks=pytest.mark.long),
    ],
)
def test_who_stops_reading_is_let_go_and_comes_back_without_a_hole(gather: Gather, asgi: str, megabytes: int) -> None:
    crowd = gather(asgi=asgi, processes=1, rooms=1, sockets=1)
    server, talker = crowd.servers[0], crowd.talkers[0]
    outcome = stop_reading(server, talker.room, talker.cookie, megabytes)
    print(outcome.summary())
    assert outcome.growth < BOUND
    # To the others it makes no difference, but for the noise of the machine.
    assert median(outcome.during) < 2 * median(outcome.before) + 0.02
    assert outcome.goodbye is not None
    assert (outcome.goodbye["type"], outcome.goodbye["code"], outcome.code) == ("closing", 4408, 4408)
    assert outcome.resumed > 0
    assert outcome.seqs == list(range(1, outcome.head + 1))
    # A hundred megabytes, asked for page by page and not read, cost no more.
    assert ask_and_not_read(server, talker.room, requests=64) < BOUND
    # Nor does one of them keep the process from ending.
    with RawPeer(server) as stuck:
        stuck.say("room.join", ref="join", room=talker.room, after=0)
        for number in range(20):
            stuck.say("room.history", ref=str(number), room=talker.room, before=10**9, limit=200)
        time.sleep(0.5)
        began = time.monotonic()
        try:
            server.sigterm(10)
        except subprocess.TimeoutExpired:
            pytest.fail("the process does not end while somebody does not read")
        assert time.monotonic() - began < 5
