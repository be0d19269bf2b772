"""A fresh database holds every table, column, constraint, index, trigger and function that is listed, and no other."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.db import connection

from tests import schema


@pytest.mark.django_db
def test_fresh_database_holds_exactly_the_listed_schema() -> None:
    listed = (schema.FOLDER / f"{connection.vendor}.txt").read_text(encoding="utf-8").splitlines()
    found = schema.listing(connection)
    lost, added = sorted(set(listed) - set(found)), sorted(set(found) - set(listed))
    assert not lost, "gone from the database; if meant so: python -m tests.schema"
    assert not added, "not listed yet: python -m tests.schema"


@pytest.mark.parametrize("vendor", schema.VENDORS)
def test_listing_names_every_constraint_and_index_of_the_models(vendor: str) -> None:
    """Keeps a listing that was written from a database behind the models from passing for the whole."""
    listed = (schema.FOLDER / f"{vendor}.txt").read_text(encoding="utf-8")
    named = {
        each.name
        for model in apps.get_models()
        if model._meta.db_table.startswith(schema.OWN)
        for each in (*model._meta.constraints, *model._meta.indexes)
    }
    assert len(named) > 10
    assert {name for name in named if not re.search(rf"\b{name}\b", listed)} == set()


def test_columns_are_compared_clause_by_clause() -> None:
    inside = "a bigint unsigned NOT NULL DEFAULT 0 CHECK (a >= 0), b text NULL DEFAULT 'x, NOT NULL', UNIQUE (a, b)"
    assert list(schema._split(inside)) == [
        ["a bigint unsigned", "NOT NULL", "DEFAULT 0", "CHECK (a >= 0)"],
        ["b text", "NULL", "DEFAULT 'x, NOT NULL'"],
        ["UNIQUE (a, b)"],
    ]
