"""Who may change or remove a message: its author; in an open room keepers and staff remove it, too, with a reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest

from chat.messages import policy
from chat.messages.log import LockedRoom
from chat.messages.policy import Standing
from chat.models import Role
from chat.protocol import Code, Refused


@dataclass(frozen=True)
class Somebody:
    """Who acts."""

    pk: int


@dataclass(frozen=True)
class Written:
    """What somebody wrote; None: their account is gone."""

    author_id: int | None


def room(kind: str) -> LockedRoom:
    """A room without any restriction."""
    return LockedRoom(
        id=uuid.uuid4(),
        kind=kind,
        feature="room.open",
        ended_at=None,
        head=1,
        revision=1,
        slow_seconds=0,
        members_only=False,
        announce_only=False,
        archived_at=None,
        owner=None,
    )


def standing(role: Role, *, moderates: bool = False) -> Standing:
    """Somebody without mutes."""
    return Standing(role, (), lambda: moderates)


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_the_author_may_change_and_remove_without_a_reason(kind: str) -> None:
    policy.may_change(Somebody(7), Written(7))
    assert policy.may_remove(Somebody(7), Written(7), standing(Role.MEMBER), room(kind), "") == ""


@pytest.mark.parametrize("author", [8, None])
def test_nobody_else_may_even_when_the_author_is_gone(author: int | None) -> None:
    with pytest.raises(Refused) as refused:
        policy.may_change(Somebody(7), Written(author))
    assert refused.value.code is Code.FORBIDDEN
    with pytest.raises(Refused) as refused:
        policy.may_remove(Somebody(7), Written(author), standing(Role.MEMBER), room("open"), "why")
    assert refused.value.code is Code.FORBIDDEN
    assert refused.value.reason


@pytest.mark.parametrize(
    ("who", "by"), [(standing(Role.KEEPER), "keeper"), (standing(Role.STAFF, moderates=True), "staff")]
)
def test_who_keeps_order_removes_in_an_open_room_only_and_with_a_reason(who: Standing, by: str) -> None:
    assert policy.may_remove(Somebody(7), Written(8), who, room("open"), "why") == by
    for kind, reason in (("open", ""), ("closed", "why")):
        with pytest.raises(Refused) as refused:
            policy.may_remove(Somebody(7), Written(8), who, room(kind), reason)
        assert refused.value.code is Code.FORBIDDEN
