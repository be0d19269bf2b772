"""Crowds on server processes that serve the service with its seams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest
from django.db import connection

from chat.db import check_pool
from tests.chaos.crowd import Crowd
from tests.chaos.storm import APPLICATION, SETTINGS
from tests.serving import Server


class Gather(Protocol):
    """Starts server processes and gathers a crowd; keywords are settings of the processes."""

    def __call__(
        self,
        *,
        asgi: str = "daphne",
        processes: int = 2,
        rooms: int = 20,
        sockets: int = 200,
        rate: float = 60,
        loss: float = 0.1,
        **env: str,
    ) -> Crowd: ...


@pytest.fixture
def gather(transactional_db: None) -> Iterator[Gather]:
    """A factory of crowds; the processes end with the test, and their logs are shown if it failed."""
    running: list[Server] = []

    def start(
        *,
        asgi: str = "daphne",
        processes: int = 2,
        rooms: int = 20,
        sockets: int = 200,
        rate: float = 60,
        loss: float = 0.1,
        **env: str,
    ) -> Crowd:
        settings = {**SETTINGS, "CHAOS_LOSS": str(loss), **env}
        servers = [Server(asgi, settings, APPLICATION) for _ in range(processes)]
        running.extend(servers)
        for server in servers:
            server.start(wait=False)
        for server in servers:
            server.await_answer()
        return Crowd(servers, rooms, sockets, rate)

    yield start
    for server in running:
        server.close()
        print(server.log[-20_000:])


@pytest.fixture(autouse=True)
def connected_anew(transactional_db: None) -> Iterator[None]:
    """Lets go of connections that ended with a database that was restarted, before the next test meets them."""
    yield
    connection.close()
    check_pool()
