"""A fault of the storm: somebody at work by hand holds a row of the database for a while."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS: Final = 3.0


@contextmanager
def holding(statement: str) -> Iterator[None]:
    """Holds what a statement locks, over a connection of its own."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    parameters = connection.get_connection_params()
    found = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    with psycopg.connect(**found) as by_hand:
        by_hand.execute(statement)
        yield
        by_hand.rollback()


class HeldRow:
    """Holds a room, one of its authors or its newest message, at random; ends early where the database goes away.

    Args:
        dice: chooses.
    """

    __name__ = "hold_row"
    _STATEMENTS: Final = (
        "SELECT FROM chat_room WHERE id = (SELECT id FROM chat_room ORDER BY random() LIMIT 1) FOR UPDATE",
        "SELECT FROM chat_user WHERE id = (SELECT id FROM chat_user ORDER BY random() LIMIT 1) FOR UPDATE",
        "SELECT FROM chat_message WHERE id = (SELECT id FROM chat_message ORDER BY at DESC LIMIT 1) FOR UPDATE",
    )

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def __call__(self) -> None:
        """Hold one for some seconds."""
        await asyncio.to_thread(self._hold, self._dice.choice(self._STATEMENTS))

    def _hold(self, statement: str) -> None:
        with suppress(psycopg.OperationalError), holding(statement):
            time.sleep(SECONDS)
