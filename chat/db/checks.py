"""System checks of the database: made by today's migrations, in UTF-8, and fit to be written to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from compliance.database import examine

_APPS: Final = ("chat", "compliance")


def database_serves(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Refuse a database that cannot serve: another encoding, another isolation level, read-only, or full.

    Asked by `migrate`, and with `--database default`. `/readyz` says the same while the service runs.
    """
    fault = examine() if databases else None
    if fault is None:
        return []
    return [Error(fault.text.en, hint=fault.text.ja, id="chat.E006")]


def migrations_are_todays(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """Refuse a database of before the migrations were folded (asked by `migrate`, and with `--database default`).

    Without this, `migrate` ends in a traceback about an inconsistent history.
    """
    messages: list[CheckMessage] = []
    if not databases:
        return []
    existing = MigrationLoader(None).disk_migrations.keys()
    for using in databases:
        applied = MigrationRecorder(connections[using]).applied_migrations().keys()
        # A later version's migrations beside today's are no fault: somebody went back to an earlier version.
        earlier = [app for app in _APPS if (mine := {key for key in applied if key[0] == app}) and not mine & existing]
        if earlier:
            messages.append(
                Error(
                    f"The database {using!r} was made by earlier migrations of {' and '.join(earlier)}.",
                    hint=(
                        "They were folded into new ones before the first release; data is not carried over. Create"
                        " an empty database (SQLite: delete the file) and run manage.py migrate again."
                        " | 空のデータベースを用意し（SQLite はファイルを削除）、もう一度 migrate を実行してください。"
                    ),
                    id="chat.E005",
                )
            )
    return messages
