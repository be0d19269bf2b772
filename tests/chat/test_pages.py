"""Pages as they leave the service."""

from __future__ import annotations

import gzip

import pytest
from django.http import HttpResponse
from django.test import Client

from chat import matching, rooms
from chat.models import User
from chat.queries import Person
from compliance import gate
from compliance.testing import TurnKeys
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db


def page(client: Client, path: str) -> HttpResponse:
    """A page as browsers ask for it."""
    found: HttpResponse = client.get(path, headers={"Accept-Encoding": "gzip"})  # type: ignore[assignment]
    assert found.status_code == 200
    return found


def test_pages_of_open_rooms_are_compressed(member: Client, user: User) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    for client in (Client(), member):
        for path in ("/", "/rooms/talk/"):
            found = page(client, path)
            assert found["Content-Encoding"] == "gzip"
            assert "雑談" in gzip.decompress(found.content).decode()


def test_pages_that_tell_of_closed_talk_are_not(turn_keys: TurnKeys, make_member: MakeUser) -> None:
    turn_keys()
    gate.settle()
    here, there = make_member("あさ"), make_member("よる")
    for person in (here, there):
        matching.seek(person=Person.of(person))
    made = matching.pair(there.pk)
    assert made is not None
    for path in ("/", f"/closed/{made.room}/"):
        found = page(signed_in(here), path)
        assert "Content-Encoding" not in found
        assert "よる" in found.content.decode()
