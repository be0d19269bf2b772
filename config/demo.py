"""The environment of a demo: a specimen (見本) that takes no setting of a deployment, and the mark of its database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

APPLICATION_ID: Final = 0x746F_6465
"""Stands in the header of a demo's SQLite file (`PRAGMA application_id`). A copy of the file keeps it."""
_MAGIC: Final = b"SQLite format 3\0"
_APPLICATION_ID_AT: Final = 68  # bytes from the start: https://www.sqlite.org/fileformat.html#application_id

REFUSED: Final = (
    "ALLOWED_HOSTS",
    "CHAT_RATE_LIMITS",
    "CLOSED_CHAT_KEYS",
    "CLOSED_FEATURES",
    "COMPLIANCE_CHECKLIST",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_POOL",
    "DATABASE_REPLICA_URL",
    "DATABASE_URL",
    "DATING_NOTIFICATION_NUMBER",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "EVIDENCE_ROOT",
    "FILES_URL",
    "HINT_GROUPS",
    "HSTS",
    "HTTPS",
    "OPERATOR_MAIL",
    "OPERATOR_WEBHOOK",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "REDIS_PREFIX",
    "REDIS_URL",
    "REDIS_URLS",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "STATIC_ROOT",
    "TELECOM_OPERATOR_ADDRESS",
    "TELECOM_OPERATOR_CONTACT",
    "TELECOM_OPERATOR_NAME",
    "TELECOM_REGISTRATION",
    "TELECOM_REGISTRATION_DATE",
    "TELECOM_REGISTRATION_NUMBER",
    "TIMESTAMP_URL",
    "TRUSTED_PROXIES",
    "VAPID_PRIVATE_KEY",
)
"""The variables of a deployment. Any of them ends the start of a demo; the others do not say what the service is."""


class RefusedStart(Exception):
    """Why a process does not start, in one line."""


def environment(given: Mapping[str, str], var: Path) -> dict[str, str]:
    """Return the variables that a demo sets: an invented filing, so that key 1 is turned, and places of its own.

    Args:
        given: the environment and the `.env` file; an empty value counts as absent.
        var: where the demo keeps its files.

    Raises:
        RefusedStart: a variable of a deployment is set.
    """
    found = [variable for variable in REFUSED if given.get(variable)]
    if found:
        raise RefusedStart(
            f"DEMO: {', '.join(found)} is set; a demo takes no setting but HOST, PORT and LANGUAGE_CODE"
            f" | 見本（デモ）では {'、'.join(found)} を設定できません"
        )
    return {
        "DATABASE_URL": f"sqlite:///{quote(str(database(var)))}",
        "EVIDENCE_ROOT": str(var / "demo" / "evidence"),
        "TELECOM_REGISTRATION": "notified",
        "TELECOM_REGISTRATION_NUMBER": "A-00-00000",
        "TELECOM_REGISTRATION_DATE": "2026-01-05",
        "TELECOM_OPERATOR_NAME": "見本の運営者（Specimen）",
        "TELECOM_OPERATOR_ADDRESS": "見本の住所（実在しません）",
        "TELECOM_OPERATOR_CONTACT": "specimen@example.jp",
    }


def database(var: Path) -> Path:
    """Return where the database of a demo is."""
    return var / "demo" / "todoke.sqlite3"


def check_database(path: Path, *, demo: bool) -> None:
    """Check that a demo opens a database of a demo, and everything else does not.

    Args:
        path: of the SQLite file; one that does not exist yet belongs to nobody.
        demo: whether this process runs a demo.

    Raises:
        RefusedStart: it is the other kind.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_APPLICATION_ID_AT + 4)
    except OSError:
        return
    if demo and header and not header.startswith(_MAGIC):
        raise RefusedStart(
            f"DEMO: {path} is not an SQLite database; move it away"
            " | SQLite のデータベースではありません。別の場所へ移してください"
        )
    if len(header) < _APPLICATION_ID_AT + 4:
        return
    marked = int.from_bytes(header[_APPLICATION_ID_AT:], "big") == APPLICATION_ID
    if marked and not demo:
        raise RefusedStart(
            f"DATABASE_URL: {path} is the database of a demo (specimen); only `make demo` opens it"
            " | これは見本（デモ）のデータベースです。`make demo` だけが開きます"
        )
    if demo and not marked:
        raise RefusedStart(
            f"DEMO: {path} is not the database of a demo; move it away | 見本（デモ）のデータベースではありません"
        )
