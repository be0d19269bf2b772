"""Notices that another file stands where SQLite's was, and closes the connections to the one that is gone."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_files: WeakKeyDictionary[BaseDatabaseWrapper, tuple[int, int]] = WeakKeyDictionary()  # device and number of each


def _opened(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor == "sqlite" and (file := _file_of(connection)) is not None:
        _files[connection] = file


connection_created.connect(_opened)


def _file_of(connection: BaseDatabaseWrapper) -> tuple[int, int] | None:
    try:
        found = Path(connection.settings_dict["NAME"]).stat()
    except OSError:  # in memory, or just being put back
        return None
    return found.st_dev, found.st_ino


def close_moved() -> None:
    """Close this thread's connections whose file was replaced: SQLite would go on reading the one that is gone."""
    for connection in connections.all(initialized_only=True):
        opened = _files.get(connection) if connection.connection is not None else None
        if opened is not None and not connection.in_atomic_block and _file_of(connection) not in (None, opened):
            connection.close()
