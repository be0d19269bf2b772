"""What the open pages of a room are told of writing: at once, in each process, also where hints are lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import people, safety
from chat.messages import composers
from chat.models import Message, Reason, Room, Sanction, User
from chat.people import Person
from chat.realtime import Connection
from chat.safety import notices
from tests.chat.safety.conftest import Cast
from tests.conftest import signed_in
from tests.kit.harness import Hubs
from tests.kit.transport import FakeTransport

pytestmark = pytest.mark.django_db(transaction=True)
WEEK: Final = timedelta(days=7)
RULES: Final = {"slow_seconds": 0, "members_only": False, "announce_only": False, "archived": False}
ROLES: Final = (None, "guest", "member", "keeper", "owner", "moderator")
RESTRICTIONS: Final = {
    "members_only": {None, "guest"},
    "announce_only": {None, "guest", "member"},
    "archived": set(ROLES),
}


@pytest.fixture
def hubs(transactional_db: None, settings: Settings) -> Iterator[Hubs]:
    """Two processes that hear nothing of each other."""
    settings.CHAT_RATE_LIMITS = False
    with Hubs(2) as made:
        made.layer.direct = False
        yield made


def step(hubs: Hubs) -> None:
    """Has each process do what it does every second."""
    for number, hub in enumerate(hubs.hubs):
        hubs.check_heads(number)
        hubs.run(notices.tell_people(hub.parts))
        hubs.run(composers.tell_pages(hub.parts))
        hubs.settle()


def say(hubs: Hubs, connection: Connection, kind: str, **fields: Any) -> None:
    hubs.say(connection, kind, room="chat", **fields)
    hubs.settle()


def page(hubs: Hubs, hub: int, user: User | None, **fields: Any) -> tuple[Connection, FakeTransport]:
    """Somebody's open page of the room."""
    connection, heard = hubs.enter(hub, Person.of(user) if user else None, **fields)
    say(hubs, connection, "room.join")
    return connection, heard


def told(heard: FakeTransport) -> list[dict[str, Any]]:
    """What came of writing, in the order of coming."""
    return [frame for frame in heard.frames if frame["type"] == "room.writing"]


def post(hubs: Hubs, connection: Connection, heard: FakeTransport) -> dict[str, Any]:
    """Post a message in the room; return the answer."""
    say(hubs, connection, "message.post", body="やあ", client_id=str(uuid.uuid4()))
    return next(frame for frame in reversed(heard.frames) if frame.get("ref") == "message.post")


def mute(cast: Cast, user: User, **fields: Any) -> Sanction:
    given: dict[str, Any] = {"until": timezone.now() + WEEK, "reason": "連投", "rule": Reason.SPAM} | fields
    return safety.act(kind=Sanction.Kind.MUTE, user=user, actor=cast["moderator"], **given)


def test_a_mute_closes_every_page_of_the_person_and_its_lifting_opens_them(hubs: Hubs, cast: Cast, room: Room) -> None:
    pages = [page(hubs, 0, cast["member"]), page(hubs, 0, cast["member"]), page(hubs, 1, cast["member"])]
    _other, heard_by_other = page(hubs, 1, cast["author"])
    step(hubs)
    made = mute(cast, cast["member"])
    for _ in range(3):
        step(hubs)
    for _connection, heard in pages:
        [frame] = told(heard)
        assert "連投" in frame["reason"]
        assert "/appeals/" not in frame["reason"]  # a page has a link
        assert (frame["act"], frame["until"]) == (str(made.public_id), made.until.isoformat())  # type: ignore[union-attr]
    late, heard_late = page(hubs, 1, cast["member"])  # comes, or comes back, while it holds
    step(hubs)
    assert told(heard_late)[-1]["act"] == str(made.public_id)
    safety.lift(sanction=made, actor=cast["moderator"])
    step(hubs)
    for connection, heard in [*pages, (late, heard_late)]:
        assert told(heard)[-1] == {"type": "room.writing", "room": "chat"}
        assert post(hubs, connection, heard)["type"] == "message.accepted"
    assert told(heard_by_other) == []


def test_a_mute_that_ends_by_the_clock_opens_the_page_by_itself(hubs: Hubs, cast: Cast, room: Room) -> None:
    _connection, heard = page(hubs, 0, cast["member"])
    made = mute(cast, cast["member"], until=timezone.now() + timedelta(seconds=2), room=room)
    step(hubs)
    assert told(heard)[-1]["until"] == made.until.isoformat()  # type: ignore[union-attr]
    while len(told(heard)) < 2:
        step(hubs)
    assert told(heard)[-1] == {"type": "room.writing", "room": "chat"}
    assert timezone.now() >= made.until  # type: ignore[operator]


def test_a_network_is_told_too(hubs: Hubs, cast: Cast, room: Room) -> None:
    newcomer = people.enter_as_guest(nickname="別人")
    page(hubs, 0, cast["guest"], address="192.0.2.7")
    here = [page(hubs, hub, newcomer, address="192.0.2.7") for hub in (0, 1)]
    _elsewhere, heard_elsewhere = page(hubs, 1, newcomer, address="198.51.100.9")
    mute(cast, cast["guest"])
    step(hubs)
    step(hubs)
    for _connection, heard in here:
        assert "act" not in told(heard)[-1]  # there is nothing that this guest could appeal against
        assert told(heard)[-1]["reason"]
    assert told(heard_elsewhere) == []


@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_each_page_is_told_of_a_restriction_what_the_write_would_answer(
    hubs: Hubs, cast: Cast, room: Room, restriction: str
) -> None:
    pages = {(hub, role): page(hubs, hub, cast[role] if role else None) for hub in (0, 1) for role in ROLES}
    step(hubs)
    safety.restrict_room(room=room, actor=cast["owner"], **RULES | {restriction: True})  # type: ignore[arg-type]
    step(hubs)
    for (_hub, role), (connection, heard) in pages.items():
        reasons = [frame.get("reason") for frame in told(heard)]
        assert bool(reasons) is (role in RESTRICTIONS[restriction]), role
        if role is not None:
            answer = post(hubs, connection, heard)
            assert answer.get("reason") == (reasons[-1] if reasons else None)
    safety.restrict_room(room=room, actor=cast["owner"], **RULES)  # type: ignore[arg-type]
    step(hubs)
    for (_hub, role), (_connection, heard) in pages.items():
        assert [frame.get("reason") for frame in told(heard)][-1:] in ([], [None]), role


def test_slow_mode_and_keeping_are_told_to_whom_they_concern(hubs: Hubs, cast: Cast, room: Room) -> None:
    heard = {role: page(hubs, 1, cast[role])[1] for role in ("guest", "member", "keeper", "owner", "moderator")}
    safety.restrict_room(room=room, actor=cast["owner"], **RULES | {"slow_seconds": 30})  # type: ignore[arg-type]
    step(hubs)
    assert {role for role in heard if told(heard[role])} == {"guest", "member"}
    assert told(heard["member"]) == [{"type": "room.writing", "room": "chat", "slow": 30}]
    safety.name_keeper(room=room, actor=cast["owner"], user=cast["member"])
    safety.remove_keeper(room=room, actor=cast["owner"], user=cast["keeper"])
    step(hubs)
    assert told(heard["member"])[-1] == {"type": "room.writing", "room": "chat"}
    assert told(heard["keeper"])[-1]["slow"] == 30


def test_a_page_asks_how_it_is_and_a_refused_write_closes_it(hubs: Hubs, cast: Cast, room: Room) -> None:
    connection, heard = page(hubs, 0, cast["member"])
    say(hubs, connection, "room.writing")
    assert told(heard) == [{"type": "room.writing", "room": "chat", "ref": "room.writing"}]
    made = mute(cast, cast["member"])
    assert post(hubs, connection, heard)["code"] == "forbidden"  # before the process has looked by itself
    assert told(heard)[-1]["act"] == str(made.public_id)
    say(hubs, connection, "room.writing")
    assert (told(heard)[-1]["act"], told(heard)[-1]["ref"]) == (str(made.public_id), "room.writing")
    assert Message.objects.count() == 0


@pytest.mark.parametrize("role", [None, "guest", "member"])
def test_a_room_for_members_leads_who_has_no_account_to_one_and_back(cast: Cast, room: Room, role: str | None) -> None:
    Room.objects.filter(pk=room.pk).update(members_only=True)
    browser = signed_in(cast[role]) if role else Client()
    page = browser.get("/rooms/chat/").content.decode()
    foot = page.partition('<div class="desk">')[2]  # the head of every page has such a link, too
    assert ("/accounts/signup/?next=%2Frooms%2Fchat%2F" in foot) == (role != "member")
