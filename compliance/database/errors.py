"""What an error of the database means: to the code that goes on, and to a person, in one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import psycopg
from django.db import InterfaceError, OperationalError

from compliance.law import Text

# PostgreSQL's codes (its manual, appendix A): locks that somebody else holds, or that went to somebody else.
_BLOCKED: Final = frozenset({"55P03", "57014", "40001", "40P01"})
_REJECTED: Final = ("21", "22", "23", "54")  # cardinality, data, integrity, limits of a program
_NO_TABLE: Final = frozenset({"42P01", "42703", "42883", "3F000"})
_FULL: Final = frozenset({"53100", "53200", "58030"})


_AWAY: Final = frozenset({"08", "28", "3D", "53", "57", "58"})
_CONNECTION: Final = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError)


class Trouble(StrEnum):
    """What keeps the database from serving."""

    AWAY = "away"
    NO_TABLES = "no_tables"
    READ_ONLY = "read_only"
    FULL = "full"
    BLOCKED = "blocked"


_POSTGRESQL: Final = MappingProxyType(
    {
        _NO_TABLE: Trouble.NO_TABLES,
        frozenset({"25006"}): Trouble.READ_ONLY,
        _FULL: Trouble.FULL,
        _BLOCKED: Trouble.BLOCKED,
    }
)
TEXTS: Final[Mapping[Trouble, Text]] = MappingProxyType(
    {
        Trouble.AWAY: Text(
            "データベースに接続できません。データベースが動いているか、DATABASE_URL が正しいかを確かめてください。",
            "The database cannot be reached. Check that it runs, and that DATABASE_URL is right.",
        ),
        Trouble.NO_TABLES: Text(
            "データベースに必要な表がまだありません。make migrate を実行してください。",
            "The database does not have the tables that this version needs. Run make migrate.",
        ),
        Trouble.READ_ONLY: Text(
            "データベースは読み取り専用です。書き込めるデータベースにつないでください（レプリカの昇格、"
            "default_transaction_read_only、ファイルの権限を確認）。",
            "The database is read-only. Connect to one that can be written to: see whether it is a replica that was not"
            " promoted, default_transaction_read_only, or the permissions of the file.",
        ),
        Trouble.FULL: Text(
            "データベースのディスクがいっぱいです。空きを増やしてください。",
            "The disk of the database is full. Make room on it.",
        ),
        Trouble.BLOCKED: Text(
            "ほかの処理がデータベースを使用中で、時間内に終わりませんでした。少し待ってやり直してください。",
            "Somebody else holds a lock in the database and did not let go of it in time. Wait a moment and try again.",
        ),
    }
)


def sqlstate(error: BaseException | None) -> str:
    """Return PostgreSQL's code of an error, also where Django wrapped it; empty if there is none."""
    while error is not None:
        if code := getattr(error, "sqlstate", None):
            return str(code)
        error = error.__cause__
    return ""


def is_blocked(error: BaseException) -> bool:
    """Return whether a statement gave up because of a lock that somebody else holds."""
    return sqlstate(error) in _BLOCKED


def is_rejected(error: BaseException) -> bool:
    """Return whether the database, or its driver, refuses what was to be stored: the values, not the moment."""
    code = sqlstate(error)
    if code:
        return code.startswith(_REJECTED)
    # What a driver refuses before the database sees it: NUL, lone surrogates, numbers that are too large.
    return isinstance(
        _root(error),
        UnicodeError
        | OverflowError
        | psycopg.DataError
        | psycopg.IntegrityError
        | sqlite3.DataError
        | sqlite3.IntegrityError,
    )


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what an error says about the database; None for a fault of the code or of the values."""
    root = _root(error)
    if isinstance(root, sqlite3.Error):
        return _of_sqlite(root)
    if is_rejected(error):
        return None
    code = sqlstate(error)
    for codes, trouble in _POSTGRESQL.items():
        if code in codes:
            return trouble
    is_away = code[:2] in _AWAY if code else isinstance(root, _CONNECTION)
    return Trouble.AWAY if is_away else None


def explain(error: BaseException) -> Text | None:
    """Return what an error of the database means and what to do; None for a fault of the code or of the values."""
    trouble = trouble_of(error)
    return None if trouble is None else TEXTS[trouble]


def _of_sqlite(error: sqlite3.Error) -> Trouble | None:
    name, text = getattr(error, "sqlite_errorname", ""), str(error)
    if text.startswith(("no such table", "no such column")) or "has no column named" in text:
        return Trouble.NO_TABLES
    for start, trouble in (
        ("SQLITE_READONLY", Trouble.READ_ONLY),
        ("SQLITE_FULL", Trouble.FULL),
        ("SQLITE_BUSY", Trouble.BLOCKED),
        ("SQLITE_LOCKED", Trouble.BLOCKED),
        ("SQLITE_CANTOPEN", Trouble.AWAY),
        ("SQLITE_IOERR", Trouble.AWAY),
        ("SQLITE_NOTADB", Trouble.AWAY),
        ("SQLITE_CORRUPT", Trouble.AWAY),
    ):
        if name.startswith(start):
            return trouble
    return None


def _root(error: BaseException) -> BaseException:
    return error if error.__cause__ is None else _root(error.__cause__)
