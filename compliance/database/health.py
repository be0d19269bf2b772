"""Examines the database: whether it can be written to, has room, and keeps text and transactions as the service needs.

Costs a round trip, and some kilobytes of a temporary file on PostgreSQL. Stores nothing.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, connection

from compliance.database.errors import TEXTS, Trouble, trouble_of
from compliance.law import Text

ROOM: Final = 1024 * 1024
"""So many bytes must be free on SQLite's disk."""
_STATE: Final = (
    "SELECT current_setting('transaction_read_only'), current_setting('server_encoding'),"
    " current_setting('client_encoding'), current_setting('transaction_isolation')"
)
# A sort that does not fit work_mem is written to the disk of the database.
_FILL: Final = (
    "SELECT count(*) FROM"
    " (SELECT repeat(md5(n::text), 4) AS text FROM generate_series(1, 2500) n ORDER BY 1 OFFSET 1) sorted"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a database that answers.

    Attributes:
        code: for machines.
        text: in words, with what to do.
    """

    code: str
    text: Text


def examine() -> Fault | None:
    """Return what keeps the database from serving, or None.

    Raises:
        DatabaseError: it does not answer.
    """
    return _postgresql() if connection.vendor == "postgresql" else _sqlite()


def _of(trouble: Trouble) -> Fault:
    return Fault(trouble.value, TEXTS[trouble])


def _postgresql() -> Fault | None:
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        read_only, server, client, isolation = cursor.fetchone()
    if fault := encoding_fault(server, client):
        return fault
    if isolation != "read committed":
        return Fault(
            "isolation",
            Text(
                f"トランザクション分離レベルが {isolation} です。read committed にしてください"
                "（default_transaction_isolation）。",
                f"The isolation level of transactions is {isolation}. Set default_transaction_isolation to"
                " 'read committed'.",
            ),
        )
    if read_only == "on":
        return _of(Trouble.READ_ONLY)
    try:
        _fill()
    except DatabaseError as error:
        if trouble_of(error) is not Trouble.FULL:
            raise
        return _of(Trouble.FULL)
    return None


def _fill() -> None:
    from django.db.transaction import atomic  # noqa: PLC0415 -- settings import this package

    with atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64kB'")
        cursor.execute(_FILL)


def encoding_fault(server: str, client: str) -> Fault | None:
    """Return what is wrong with the encodings of a PostgreSQL database and of a connection to it, or None."""
    for side, found in (("server_encoding", server), ("client_encoding", client)):
        if found != "UTF8":
            return Fault(
                "encoding",
                Text(
                    f"データベースの文字コード（{side}）が {found} です。UTF8 のデータベースを作り直してください"
                    "（createdb -E UTF8 -T template0）。",
                    f"The encoding of the database ({side}) is {found}. Create a database with UTF8:"
                    " createdb -E UTF8 -T template0.",
                ),
            )
    return None


def _sqlite() -> Fault | None:
    path: Any = connection.settings_dict["NAME"]
    if connection.in_atomic_block or not Path(path).exists():
        return None
    if not os.access(path, os.W_OK) or not os.access(Path(path).parent, os.W_OK):
        return _of(Trouble.READ_ONLY)
    if shutil.disk_usage(Path(path).parent).free < ROOM:
        return _of(Trouble.FULL)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count")
        (most,) = cursor.fetchone()
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute("PRAGMA freelist_count")
        (free,) = cursor.fetchone()
        cursor.execute("PRAGMA page_size")
        (size,) = cursor.fetchone()
        cursor.execute("PRAGMA query_only")
        (query_only,) = cursor.fetchone()
    if query_only:
        return _of(Trouble.READ_ONLY)
    if (most - pages + free) * size < ROOM:
        return _of(Trouble.FULL)
    return None
