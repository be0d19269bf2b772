"""What acts and keepers keep people from writing, on both ways into the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from msgspec import UNSET
from pytest_django.fixtures import Settings

from chat import matching, rooms, safety
from chat.messages import NewEvent, log
from chat.messages.events import row_of
from chat.messages.posting import writing
from chat.models import AddressMute, Message, Reason, Room, Sanction, User
from chat.people import Person, bind_network, enter_as_guest, network_digest
from chat.protocol import Refused
from chat.realtime import Committed
from compliance.law import Mode, Status
from tests.chat.safety.conftest import Cast, post, said
from tests.compliance.cases import standing
from tests.kit.store import store

pytestmark = pytest.mark.django_db
Write = Callable[[NewEvent], Committed | Refused]
DAY = timedelta(days=1)


def mute(cast: Cast, user: User, room: Room | None = None, **fields: Any) -> Sanction:
    given: dict[str, Any] = {"until": timezone.now() + DAY, "reason": "連投", "rule": Reason.SPAM} | fields
    return safety.act(kind=Sanction.Kind.MUTE, user=user, actor=cast["moderator"], room=room, **given)


def refusal(outcome: Committed | Refused) -> Refused:
    assert isinstance(outcome, Refused), outcome
    return outcome


def role_of(outcome: Committed | Refused) -> object:
    assert isinstance(outcome, Committed), outcome
    assert outcome.item is not None
    return outcome.item.author.role


def test_a_muted_person_is_told_why_and_until_when(cast: Cast, room: Room, write: Write) -> None:
    assert isinstance(write(post(room, cast["member"])), Committed)
    mute(cast, cast["member"])
    said_no = refusal(write(post(room, cast["member"])))
    assert said_no.code == "forbidden"
    assert "連投" in said_no.reason
    assert said_no.retry_after is not None
    assert DAY.total_seconds() - 60 < said_no.retry_after <= DAY.total_seconds()
    assert isinstance(write(post(room, cast["author"])), Committed)


def test_a_mute_ends_by_the_clock_and_when_it_is_lifted(cast: Cast, room: Room, write: Write) -> None:
    made = mute(cast, cast["member"])
    refusal(write(post(room, cast["member"])))
    past = timezone.now() - timedelta(seconds=1)
    Sanction.objects.update(until=past)
    User.objects.filter(pk=cast["member"].pk).update(muted_until=past)
    assert isinstance(write(post(room, cast["member"])), Committed)
    again = mute(cast, cast["member"])
    refusal(write(post(room, cast["member"])))
    safety.lift(sanction=again, actor=cast["moderator"])
    assert isinstance(write(post(room, cast["member"])), Committed)
    assert made.pk != again.pk


def test_a_mute_in_one_room_holds_there_only(cast: Cast, room: Room, write: Write) -> None:
    elsewhere = rooms.create_open_room(actor=None, name="ほか", slug="elsewhere")
    mute(cast, cast["member"], room)
    refusal(write(post(room, cast["member"])))
    assert isinstance(write(post(elsewhere, cast["member"])), Committed)


def test_a_muted_person_may_take_back_what_they_wrote_but_not_change_it(cast: Cast, room: Room) -> None:
    seq = said(room, cast["member"])
    mute(cast, cast["member"])
    person = Person.of(cast["member"])
    outcomes = store(
        [
            NewEvent(room.pk, person, Message.Kind.EDIT, "別の言葉", target=seq),
            NewEvent(room.pk, person, Message.Kind.DELETE, target=seq),
        ]
    ).outcomes
    assert [isinstance(outcome, Committed) for outcome in outcomes] == [False, True]


def test_a_mute_everywhere_holds_in_closed_talk_and_in_matching(cast: Cast, settings: Settings) -> None:
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    pair = [Person.of(cast["author"]), Person.of(cast["member"])]
    for person in pair:
        matching.seek(person=person)
    match = matching.pair(pair[1].pk)
    assert match is not None
    talk = Room.objects.get(pk=match.room)
    said(talk, cast["member"])
    mute(cast, cast["member"])
    [outcome] = store([post(talk, cast["member"])]).outcomes
    assert refusal(outcome).code == "forbidden"  # type: ignore[arg-type]
    matching.seek(person=Person.of(cast["keeper"]))
    with pytest.raises(Refused) as refused:
        matching.seek(person=Person.of(cast["member"]))
    assert refused.value.code == "forbidden"


def test_whoever_waits_and_is_muted_is_not_matched(cast: Cast, settings: Settings) -> None:
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    for role in ("author", "member"):
        matching.seek(person=Person.of(cast[role]))
    mute(cast, cast["member"])
    assert matching.pair(cast["author"].pk) is None


def test_another_nickname_from_the_network_of_a_muted_guest_does_not_write(
    cast: Cast, room: Room, write: Write
) -> None:
    here, there = network_digest("192.0.2.7"), network_digest("198.51.100.1")
    mute(cast, cast["guest"])
    assert bind_network(cast["guest"].pk, here, timezone.now())
    newcomer = enter_as_guest(nickname="別人")
    assert refusal(write(post(room, newcomer, origin=here))).code == "forbidden"
    assert isinstance(write(post(room, newcomer, origin=there)), Committed)
    assert isinstance(write(post(room, cast["member"])), Committed)  # members are not held by it


def test_a_network_is_held_for_a_day_and_for_seven_at_most(cast: Cast, room: Room, write: Write) -> None:
    here, now = network_digest("192.0.2.7"), timezone.now()
    mute(cast, cast["guest"], until=now + timedelta(days=30))
    bind_network(cast["guest"].pk, here, now)
    assert AddressMute.objects.get().until == now + DAY
    for day in range(1, 9):
        bind_network(cast["guest"].pk, here, now + timedelta(days=day))
    assert AddressMute.objects.get().until == now + timedelta(days=7)
    AddressMute.objects.update(until=now)
    assert isinstance(write(post(room, enter_as_guest(nickname="別人"), origin=here)), Committed)


def test_a_member_or_a_guest_without_an_act_binds_no_network(cast: Cast) -> None:
    mute(cast, cast["member"])
    here = network_digest("192.0.2.7")
    assert not bind_network(cast["member"].pk, here, timezone.now())
    assert not bind_network(cast["guest"].pk, here, timezone.now())
    assert not AddressMute.objects.exists()
    assert "192.0.2.7" not in here


WRITERS = ("guest", "member", "author", "keeper", "owner", "moderator")
RULES = {"slow_seconds": 0, "members_only": False, "announce_only": False, "archived": False}
RESTRICTED = [
    ({"members_only": True}, {"guest"}),
    ({"announce_only": True}, {"guest", "member"}),
    ({"archived": True}, {"guest", "member", "keeper", "owner", "moderator"}),
]


@pytest.mark.parametrize(("rules", "shut_out"), RESTRICTED, ids=["members only", "announce only", "archived"])
@pytest.mark.parametrize("role", ["guest", "member", "keeper", "owner", "moderator"])
def test_who_writes_in_a_restricted_room(
    cast: Cast, room: Room, write: Write, role: str, rules: dict[str, bool], shut_out: set[str]
) -> None:
    restricted = safety.restrict_room(room=room, actor=cast["keeper"], **RULES | rules)  # type: ignore[arg-type]
    outcome = write(post(room, cast[role]))
    assert isinstance(outcome, Refused) is (role in shut_out)
    restricted.refresh_from_db()
    shown = writing(restricted, cast[role]).reason
    assert bool(shown) is (role in shut_out)
    if isinstance(outcome, Refused):
        assert (outcome.code, outcome.reason) == ("forbidden", shown)
    # Whatever its keepers restrict, it is open before the law: anybody finds and reads it.
    assert restricted.is_open
    assert restricted in rooms.open_rooms().rooms
    assert rooms.readable_room("chat", None) == restricted


@pytest.mark.postgres
@pytest.mark.parametrize("rules", [{}, *(rules for rules, _roles in RESTRICTED)], ids=str)
def test_the_database_refuses_what_a_process_stores_that_asks_no_policy(
    cast: Cast, room: Room, rules: dict[str, bool]
) -> None:
    """As one of an earlier version does while a deployment rolls: it counts under the lock, and appends."""
    seqs = {role: said(room, cast[role]) for role in WRITERS}
    safety.restrict_room(room=room, actor=cast["owner"], **RULES | rules)  # type: ignore[arg-type]
    mute(cast, cast["author"])
    for role in WRITERS:
        for event in (
            post(room, cast[role]),
            NewEvent(room.pk, Person.of(cast[role]), Message.Kind.EDIT, "別の言葉", target=seqs[role]),
            NewEvent(room.pk, Person.of(cast[role]), Message.Kind.DELETE, target=seqs[role]),
        ):
            room.refresh_from_db()
            row = row_of(event, room.head + 1, uuid4(), body=None if event.kind == Message.Kind.DELETE else event.body)
            try:
                with transaction.atomic():
                    log.append([row], timezone.now())
                    transaction.set_rollback(True)
                is_stored = True
            except IntegrityError:
                is_stored = False
            assert is_stored is isinstance(store([event]).outcomes[0], Committed), (role, event.kind)


def test_slow_mode_asks_to_wait_and_leaves_keepers_alone(cast: Cast, room: Room, write: Write) -> None:
    safety.restrict_room(room=room, actor=cast["owner"], **RULES | {"slow_seconds": 60})  # type: ignore[arg-type]
    assert isinstance(write(post(room, cast["member"])), Committed)
    wait = refusal(write(post(room, cast["member"])))
    assert wait.code == "rate"
    assert wait.retry_after is not None
    assert 0 < wait.retry_after <= 61
    for role in ("keeper", "keeper", "moderator", "moderator", "author"):
        assert isinstance(write(post(room, cast[role])), Committed)
    Message.objects.filter(author=cast["member"]).update(at=timezone.now() - timedelta(seconds=61))
    assert isinstance(write(post(room, cast["member"])), Committed)


def test_slow_mode_counts_within_a_batch(cast: Cast, room: Room) -> None:
    safety.restrict_room(room=room, actor=cast["owner"], **RULES | {"slow_seconds": 60})  # type: ignore[arg-type]
    outcomes = store([post(room, cast["member"]), post(room, cast["member"]), post(room, cast["author"])]).outcomes
    assert [isinstance(outcome, Committed) for outcome in outcomes] == [True, False, True]


@pytest.mark.parametrize(
    ("role", "shown"),
    [("guest", "guest"), ("member", UNSET), ("keeper", "keeper"), ("owner", "keeper"), ("moderator", "staff")],
)
def test_the_role_on_the_wire_is_that_of_the_moment(
    cast: Cast, room: Room, write: Write, role: str, shown: object
) -> None:
    assert role_of(write(post(room, cast[role]))) == shown
    assert role_of(write(post(room, cast[role], role="keeper" if shown == "keeper" else None))) == shown
    elsewhere = rooms.create_open_room(actor=None, name="ほか", slug="elsewhere")
    assert role_of(write(post(elsewhere, cast[role]))) == (UNSET if shown == "keeper" else shown)


def test_whoever_keeps_the_room_no_more_writes_as_a_member(cast: Cast, room: Room, write: Write) -> None:
    safety.remove_keeper(room=room, actor=cast["owner"], user=cast["keeper"])
    assert role_of(write(post(room, cast["keeper"], role="keeper"))) is UNSET


@pytest.mark.postgres
def test_what_is_not_restricted_and_a_keeper_who_is_known_take_the_fast_path(cast: Cast, room: Room) -> None:
    events = [post(room, cast["member"]), post(room, cast["keeper"], role="keeper"), post(room, cast["guest"])]
    for event in events:
        event.feature = "room.open"

    with CaptureQueriesContext(connection) as queries:
        outcomes = store(events).outcomes
    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    assert len(queries) == 1
