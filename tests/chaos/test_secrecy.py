"""Words of a closed room reach nobody who may not read it any more, whatever becomes of the hints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests import embedded
from tests.chaos.secrecy import APPLICATION, storm
from tests.serving import Server

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def witness(transactional_db: None, settings: Settings) -> Iterator[None]:
    """Lets the gate's standing and the witness in the database go with the test."""
    from django.db import connection  # noqa: PLC0415

    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS chaos_witness() CASCADE; DROP TABLE IF EXISTS chaos_change")


@pytest.mark.usefixtures("witness")
@pytest.mark.parametrize("rounds", [24, pytest.param(500, marks=pytest.mark.long)])
def test_what_is_said_after_a_change_reaches_those_who_may_read_it_and_nobody_else(rounds: int) -> None:
    running: list[Server] = []

    def start(env: dict[str, str]) -> Server:
        running.append(Server("daphne", env, APPLICATION))
        return running[-1].start()

    try:
        print(storm(start, rounds, seed=29, stop_redis=embedded.run.valkey is not None))
    finally:
        for server in running:
            server.close()
            print(server.log[-4000:])
