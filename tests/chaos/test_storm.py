"""What has a receipt reaches every reader once and in order, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from tests import embedded
from tests.chaos.conftest import Gather
from tests.chaos.seekers import Seekers
from tests.chaos.storm import rolling_restart, storm
from tests.serving import ROOT

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def breakable() -> None:
    """Skips where database and Redis are somebody's own: they are not for us to stop."""
    if embedded.run.postgres is None or embedded.run.valkey is None:
        pytest.skip("stops the database and Redis, which here are not of this run")


@pytest.mark.usefixtures("breakable")
@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.long)])
def test_a_storm_loses_and_doubles_nothing(gather: Gather, seconds: int) -> None:
    is_long = seconds > 30
    rooms, sockets, rate = (20, 200, 60) if is_long else (8, 80, 40)
    crowd = gather(rooms=rooms, sockets=sockets, rate=rate, COMPLIANCE_CHECKLIST="advise")
    seekers = Seekers(crowd, pairs=3) if is_long else None  # whoever vanishes has half a minute to come back
    broken = asyncio.run(storm(crowd, seconds, seed=29, seekers=seekers))
    crowd.verdict()
    print(broken.summary(), crowd.summary(), sep="\n")
    assert not crowd.leaks()


@pytest.mark.parametrize(
    "asgi", ["daphne", *(pytest.param(other, marks=pytest.mark.long) for other in ("uvicorn", "hypercorn"))]
)
def test_a_rolling_restart_loses_nothing_and_shows_no_more_than_reconnecting(gather: Gather, asgi: str) -> None:
    crowd = gather(asgi=asgi, rooms=8, sockets=60, rate=80, loss=0)
    broken = asyncio.run(rolling_restart(crowd, rounds=1))
    crowd.verdict()
    print(broken.summary(), crowd.summary(), sep="\n")
    assert max(broken.exits) < 5
    assert {code for talker in crowd.talkers for code in talker.codes[:-1]} == {4503}
    assert sum(len(talker.codes) - 1 for talker in crowd.talkers) == sum(talker.goodbyes for talker in crowd.talkers)
    assert not [server for server in crowd.servers if "Traceback" in server.log]


def test_power_cuts_on_sqlite_lose_and_double_nothing() -> None:
    command = [sys.executable, "-m", "tests.chaos.storm", "--sqlite", "--seconds", "6", "--sockets", "60"]
    done = subprocess.run(
        [*command, "--rooms", "6"], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
