"""Lets a module of this folder run as a command: a PostgreSQL and a Valkey of its own, migrated, gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.core.management import call_command

from tests import embedded


@contextmanager
def stack(*, sqlite: bool = False) -> Iterator[None]:
    """Starts what the service stands on and sets Django up; afterwards stops and removes it.

    Args:
        sqlite: SQLite and the in-memory layer instead.
    """
    if sqlite:
        os.environ["TODOKE_TEST_BACKEND"] = "sqlite"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.begin()
    try:
        if embedded.run.postgres is not None:
            embedded.run.postgres.psql("CREATE DATABASE todoke")
        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        embedded.run.stop()
