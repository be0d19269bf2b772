"""Tells one deployment's database from another's, by something that its processes agree on and that never rotates."""

from __future__ import annotations

import hashlib

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


def identity() -> str:
    """Return 16 hexadecimal digits: a digest of the moment in which the database was made, by its first migration.

    A restored copy has the same; its hints are sealed with the key of its deployment.

    Raises:
        DatabaseError: the database does not answer, or has no tables yet.
    """
    made = MigrationRecorder(connection).migration_qs.earliest("applied", "id").applied
    return hashlib.sha256(made.isoformat().encode()).hexdigest()[:16]
