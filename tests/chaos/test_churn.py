"""Nothing stays behind of those who come and go."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.churn import WARM_UP, churn, faults, weigh
from tests.chaos.conftest import Gather

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("cycles", [400, pytest.param(5000, marks=pytest.mark.long)])
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
