"""What the pages of somebody are told of an act, and where it holds: in each process, also where hints are lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import people, rooms, safety
from chat.models import AddressMute, Reason, Room, Sanction, User
from chat.people import Person
from chat.realtime import Connection
from chat.safety import notices
from compliance.law.powers import Group
from tests.conftest import MakeStaff
from tests.kit.harness import Hubs
from tests.kit.transport import FakeTransport

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hubs(transactional_db: None, settings: Settings) -> Iterator[Hubs]:
    """Two processes that hear nothing of each other."""
    settings.CHAT_RATE_LIMITS = False
    with Hubs(2) as made:
        made.layer.direct = False
        yield made


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.fixture
def moderator(transactional_db: None, make_staff: MakeStaff) -> User:
    """Somebody with the power over people."""
    return make_staff(Group.MODERATOR)


def step(hubs: Hubs) -> None:
    """Has each process do what it does every second."""
    for hub in hubs.hubs:
        hubs.run(notices.tell_people(hub.parts))
    hubs.settle()


def post(hubs: Hubs, connection: Connection, heard: FakeTransport) -> dict[str, Any]:
    """Post a message in the room; return the answer."""
    if "chat" not in connection.streams:
        hubs.say(connection, "room.join", room="chat")
        hubs.settle()
    hubs.say(connection, "message.post", room="chat", body="やあ", client_id=str(uuid.uuid4()))
    hubs.settle()
    return next(frame for frame in reversed(heard.frames) if frame.get("ref") == "message.post")


def acts(heard: FakeTransport) -> list[dict[str, Any]]:
    """What came of acts."""
    return [item for frame in heard.frames if frame["type"] == "acts" for item in frame["items"]]


def mute(moderator: User, user: User, **fields: Any) -> Sanction:
    until = timezone.now() + timedelta(days=7)
    given: dict[str, Any] = {"until": until, "reason": "連投", "rule": Reason.SPAM} | fields
    return safety.act(kind=Sanction.Kind.MUTE, user=user, actor=moderator, **given)


def test_each_page_in_each_process_is_told_once_and_none_writes_from_the_commit_on(
    hubs: Hubs, room: Room, moderator: User, user: User
) -> None:
    pages = [hubs.connect(0, user), hubs.connect(1, user)]
    _other, heard_by_other = hubs.connect(1, moderator)
    for connection, heard in pages:
        assert post(hubs, connection, heard)["type"] == "message.accepted"
    made = mute(moderator, user)
    for connection, heard in pages:  # before any process has looked
        answer = post(hubs, connection, heard)
        assert (answer["type"], answer["code"]) == ("refused", "forbidden")
        assert "連投" in answer["reason"]
        assert answer["retry_after"] > 0
    for _ in range(3):
        step(hubs)
    for _connection, heard in pages:
        [told] = acts(heard)
        assert (told["id"], told["kind"], told["reason"], told["rule"]) == (str(made.public_id), "mute", "連投", "spam")
    assert acts(heard_by_other) == []
    safety.lift(sanction=made, actor=moderator)
    step(hubs)
    for connection, heard in pages:
        assert acts(heard)[-1]["lifted"]
        assert post(hubs, connection, heard)["type"] == "message.accepted"


@pytest.mark.parametrize("stays", [True, False], ids=["connected at the act", "gone before the act"])
@pytest.mark.parametrize("kind", [Sanction.Kind.MUTE, Sanction.Kind.SUSPEND])
def test_a_guest_does_not_come_back_under_another_nickname(
    hubs: Hubs,
    room: Room,
    moderator: User,
    stays: bool,  # noqa: FBT001 -- a table
    kind: Sanction.Kind,
) -> None:
    guest = people.enter_as_guest(nickname="荒らし")
    connection, heard = hubs.enter(0, Person.of(guest), address="192.0.2.7")
    assert post(hubs, connection, heard)["type"] == "message.accepted"
    assert not AddressMute.objects.exists()  # nothing is stored of guests about whom nothing was done
    if not stays:
        connection.gone()
    until = timezone.now() + timedelta(days=7)
    safety.act(kind=kind, user=guest, actor=moderator, until=until, reason="連投", rule=Reason.SPAM)
    step(hubs)
    newcomer = people.enter_as_guest(nickname="別人")
    for hub in (0, 1):
        here, told_here = hubs.enter(hub, Person.of(newcomer), address="192.0.2.7")
        assert post(hubs, here, told_here)["code"] == "forbidden"
        elsewhere, told_elsewhere = hubs.enter(hub, Person.of(newcomer), address="198.51.100.9")
        assert post(hubs, elsewhere, told_elsewhere)["type"] == "message.accepted"
    assert "192.0.2.7" not in str(list(AddressMute.objects.values()))


def test_a_keeper_writes_as_one_and_is_remembered(hubs: Hubs, moderator: User, user: User) -> None:
    rooms.create_open_room(actor=user, name="雑談", slug="chat")
    connection, heard = hubs.connect(0, user)
    for _ in range(2):
        assert post(hubs, connection, heard)["type"] == "message.accepted"
    assert [item["author"]["role"] for item in heard.items()] == ["keeper", "keeper"]
