"""Pages as they leave the service."""

from __future__ import annotations

import gzip

import pytest
from django.http import HttpResponse
from django.test import Client

from chat import matching, rooms
from chat.models import User
from chat.people import Person
from compliance import gate
from compliance.testing import TurnKeys
from tests.conftest import PASSWORD, MakeUser, signed_in

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
    gate.reconcile()
    here, there = make_member("あさ"), make_member("よる")
    for person in (here, there):
        matching.seek(person=Person.of(person))
    made = matching.pair(there.pk)
    assert made is not None
    for path in ("/", f"/closed/{made.room}/"):
        found = page(signed_in(here), path)
        assert found["Content-Encoding"] == "identity"  # nor does a proxy compress what says so
        assert "no-transform" in found["Cache-Control"]
        assert "よる" in found.content.decode()


@pytest.mark.parametrize(("language", "mark"), [("ja", "停止中"), ("en", "Stopped for now")])
def test_the_lobby_keeps_the_talks_that_are_stopped(
    language: str, mark: str, turn_keys: TurnKeys, make_member: MakeUser, make_user: MakeUser
) -> None:
    turn_keys()
    gate.reconcile()
    here, there = make_member("あさ"), make_member("よる")
    for person in (here, there):
        matching.seek(person=Person.of(person))
    made = matching.pair(there.pk)
    assert made is not None
    client = signed_in(here)
    client.cookies["django_language"] = language
    running = page(client, "/").content.decode()
    assert f'href="/closed/{made.room}/"' in running
    assert f">{mark}<" not in running
    gate.pull_stop(reason="点検のため", actor=make_user(is_staff=True))
    stopped = page(client, "/")
    assert stopped["Content-Encoding"] == "identity"
    assert "<bdi>よる</bdi>" in stopped.content.decode()
    assert f">{mark}<" in stopped.content.decode()
    assert "/closed/" not in stopped.content.decode().partition('id="talks"')[2].partition("</section>")[0]
    assert client.get(f"/closed/{made.room}/").status_code == 451


def test_a_talk_that_ended_says_so_to_both_and_is_not_there_for_others(
    turn_keys: TurnKeys, make_member: MakeUser
) -> None:
    turn_keys()
    gate.reconcile()
    here, there, other = make_member("あさ"), make_member("よる"), make_member("ひる")
    for person in (here, there):
        matching.seek(person=Person.of(person))
    made = matching.pair(there.pk)
    assert made is not None
    rooms.leave_room(person=Person.of(here), room=made.room)
    for person, partner in ((here, there), (there, here)):
        found = signed_in(person).get(f"/closed/{made.room}/")
        assert found.status_code == 404
        text = found.content.decode()
        assert 'href="/match/"' in text
        assert partner.name not in text
    for client in (signed_in(other), Client()):
        assert client.get(f"/closed/{made.room}/").status_code == 404


def test_who_quits_a_locked_room_is_told_and_learns_nothing_of_it(turn_keys: TurnKeys, make_member: MakeUser) -> None:
    turn_keys()
    gate.reconcile()
    owner = make_member()
    locked = rooms.lock_room(actor=owner, room=rooms.create_open_room(actor=owner, name="ひそひそ"))
    rooms.leave_room(person=Person.of(owner), room=locked.pk)
    found = signed_in(owner).get(f"/closed/{locked.pk}/")
    assert found.status_code == 404
    assert "ひそひそ" not in found.content.decode()


def test_what_was_done_on_the_page_before_is_told_inside_the_talk(make_member: MakeUser) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    user, client = make_member(), Client()
    client.post("/guest/", {"nickname": "旅人", "next": "/"})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD, "next": "/rooms/talk/"})
    text = client.get("/rooms/talk/").content.decode()
    banner = text[text.index('class="talk"') :]
    assert banner.index("旅人") < banner.index("data-log")
    assert "data-dismiss" in banner
    assert user.email not in text
    assert "data-dismiss" not in client.get("/rooms/talk/").content.decode()
