"""Brings the database up to date and lists its schema: python -m tests.upgrade.listing."""

from __future__ import annotations

import django

import config  # noqa: F401 -- names the settings module

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests import schema  # noqa: E402

call_command("migrate", verbosity=0)
print("\n".join(schema.listing(connection)))
