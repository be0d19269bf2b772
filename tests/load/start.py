"""Starts what a measurement stands on: a PostgreSQL and a Valkey of its own, and Django on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests import embedded
from tests.load.machine import Cores, more_files, on


@contextmanager
def own_servers() -> Iterator[Cores]:
    """Start them on the cores that the service does not use; end them afterwards.

    They are always this run's own, so that their processor time can be read. The database waits for the disk, as it
    does in the service: a receipt says that it did.

    Yields:
        who runs where.
    """
    for variable in ("DATABASE_URL", "REDIS_URL", "TODOKE_TEST_BACKEND"):
        os.environ.pop(variable, None)
    os.environ["DEBUG"] = ""  # in debug mode Django keeps every query
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.load.settings"
    more_files()
    cores = Cores.of_this_machine()
    with on(cores.others):
        embedded.begin()
    try:
        import django  # noqa: PLC0415 -- the database is chosen by now

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        _wait_for_the_disk()
        call_command("migrate", verbosity=0)
        yield cores
    finally:
        embedded.run.stop()


def _wait_for_the_disk() -> None:
    import psycopg  # noqa: PLC0415

    assert embedded.run.postgres is not None
    with psycopg.connect(embedded.run.postgres.get_uri(), autocommit=True) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            admin.execute(f"ALTER SYSTEM RESET {setting}")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("CREATE DATABASE todoke")
