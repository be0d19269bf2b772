"""A database of before the migrations were folded: `migrate` ends with one message of what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

ROOT = Path(__file__).resolve().parents[3]


def faults() -> list[str]:
    """What the checks of the database say of its migrations."""
    return [each.msg for each in run_checks(tags=[Tags.database], databases=["default"]) if each.id == "chat.E005"]


@pytest.mark.django_db
def test_fresh_database_passes_also_with_a_later_versions_migration() -> None:
    MigrationRecorder(connection).record_applied("chat", "0999_of_a_later_version")
    assert faults() == []


@pytest.mark.django_db
def test_database_of_earlier_migrations_is_refused() -> None:
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="chat").delete()
    recorder.record_applied("chat", "0001_people")
    assert faults() == ["The database 'default' was made by earlier migrations of chat."]


@pytest.mark.slow
def test_migrate_on_a_database_of_earlier_migrations_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/old.sqlite3"}
    earlier = (
        "import config, django; django.setup()\n"
        "from django.db import connection\n"
        "from django.db.migrations.recorder import MigrationRecorder\n"
        "for name in (('chat', '0001_people'), ('compliance', '0001_gate_and_ledger'), ('admin', '0001_initial')):\n"
        "    MigrationRecorder(connection).record_applied(*name)\n"
    )
    subprocess.run([sys.executable, "-c", earlier], cwd=ROOT, env=environment, check=True, capture_output=True)
    run = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert run.stderr.count("chat.E005") == 1
    assert "Create an empty database" in run.stderr
