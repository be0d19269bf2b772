"""The cast of the tests of acts: one of each role, and an open room that is kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final

import pytest

from chat import rooms, safety
from chat.messages import BatchResult, NewEvent
from chat.models import Message, Room, User
from chat.people import Person, enter_as_guest
from chat.protocol import Refused
from chat.realtime import Committed
from compliance.law.powers import Group
from tests.conftest import MakeStaff, MakeUser
from tests.kit.store import store

ROLES: Final = ("guest", "member", "author", "keeper", "owner", "moderator", "compliance", "operator", "auditor")
Cast = dict[str, User]


@pytest.fixture
def cast(make_member: MakeUser, make_staff: MakeStaff, operator: User) -> Cast:
    """Somebody in each role."""
    return {
        "guest": enter_as_guest(nickname="旅人"),
        "member": make_member("会員"),
        "author": make_member("書き手"),
        "keeper": make_member("世話役"),
        "owner": make_member("主"),
        "moderator": make_staff(Group.MODERATOR, name="当番"),
        "compliance": make_staff(Group.COMPLIANCE, name="法務"),
        "operator": operator,
        "auditor": make_staff(Group.AUDITOR, name="監査"),
    }


@pytest.fixture
def room(cast: Cast) -> Room:
    """An open room with an owner and a keeper."""
    made = rooms.create_open_room(actor=cast["owner"], name="雑談", slug="chat")
    safety.name_keeper(room=made, actor=cast["owner"], user=cast["keeper"])
    return made


Say = Callable[..., Committed | Refused]


@pytest.fixture(params=["the slow path", "the fast path"])
def write(request: pytest.FixtureRequest) -> Callable[[NewEvent], Committed | Refused]:
    """Stores one event, as a process that does not know the room, or as one that does."""

    def do(event: NewEvent) -> Committed | Refused:
        if request.param == "the fast path":
            event.feature = "room.open"
        result: BatchResult = store([event])
        [outcome] = result.outcomes
        assert outcome is not None
        return outcome

    return do


def post(room: Room, user: User, body: str = "やあ", **fields: object) -> NewEvent:
    """A message."""
    return NewEvent(room.pk, Person.of(user), Message.Kind.MESSAGE, body, uuid.uuid4(), **fields)  # type: ignore[arg-type]


def said(room: Room, user: User, body: str = "やあ") -> int:
    """Post a message; return its seq."""
    [outcome] = store([post(room, user, body)]).outcomes
    assert isinstance(outcome, Committed), outcome
    return outcome.seq


def removal(room: Room, user: User, seq: int, reason: str = "規約違反") -> NewEvent:
    """A deletion, with a reason."""
    return NewEvent(room.pk, Person.of(user), Message.Kind.DELETE, target=seq, reason=reason)


def restoring(room: Room, user: User, seq: int) -> NewEvent:
    """The restoring of a removed message."""
    return NewEvent(room.pk, Person.of(user), Message.Kind.EDIT, target=seq, restores=True)
