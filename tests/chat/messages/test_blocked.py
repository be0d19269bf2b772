"""A batch of which a part cannot be stored: the part is refused alone, and its neighbours are stored in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.db import connection

from chat import personal_data, rooms
from chat.messages import NewEvent, blocked
from chat.models import Message, Room, User
from chat.people import Person
from chat.protocol import Code, Refused
from chat.realtime import Committed
from tests.chaos.held import holding
from tests.conftest import MakeUser
from tests.kit.store import now, store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def places() -> list[Room]:
    """Three open rooms."""
    return [rooms.create_open_room(actor=None, name=slug, slug=slug) for slug in ("one", "two", "three")]


def posts(author: User, places: Sequence[Room], *bodies: str) -> list[NewEvent]:
    """A message with each body in each room."""
    return [
        NewEvent(room.id, Person.of(author), Message.Kind.MESSAGE, body, feature=room.feature)
        for body in bodies
        for room in places
    ]


def kept(outcomes: Sequence[object]) -> list[bool]:
    """Which of them were stored."""
    return [isinstance(outcome, Committed) for outcome in outcomes]


@pytest.mark.parametrize("words", ["NUL \0", "half \ud83d"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_what_the_database_rejects_is_refused_alone_and_its_neighbours_keep_their_order(
    user: User, places: list[Room], words: str, count: int
) -> None:
    if connection.vendor == "sqlite" and "\0" in words:
        pytest.skip("SQLite stores NUL")
    events = posts(user, places, *map(str, range(count)))
    guilty = len(events) // 2
    events.insert(guilty, posts(user, places[:1], words)[0])
    result = store(events)
    assert kept(result.outcomes) == [place != guilty for place in range(len(events))]
    refused = result.outcomes[guilty]
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_after) == (Code.PROTOCOL, None)
    for room in places:
        bodies = list(Message.objects.filter(room=room).order_by("seq").values_list("body", flat=True))
        assert bodies == [str(number) for number in range(count)]
        assert [item.seq for item in result.items[room.id]] == list(range(1, count + 1))
        assert result.heads[room.id] == count


def test_an_author_who_is_gone_takes_nobody_along(make_user: MakeUser, user: User, places: list[Room]) -> None:
    gone = make_user()
    events = posts(user, places, "前") + posts(gone, places[:1], "x") + posts(user, places, "後")
    personal_data.erase([gone])
    result = store(events)
    assert kept(result.outcomes) == [True] * 3 + [False] + [True] * 3


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("statement", "stored"),
    [
        ("SELECT FROM chat_room WHERE slug = 'one' FOR UPDATE", [False, True, True]),
        ("SELECT FROM chat_room WHERE slug IN ('one', 'three') FOR NO KEY UPDATE", [False, True, False]),
        ("SELECT FROM chat_user FOR UPDATE", [False, False, False]),
        ("SELECT FROM chat_user FOR NO KEY UPDATE", [True, True, True]),
        ("LOCK TABLE chat_message IN SHARE MODE", [False, False, False]),
        ("LOCK TABLE chat_room IN ACCESS EXCLUSIVE MODE", [False, False, False]),
    ],
)
@pytest.mark.parametrize("kind", [Message.Kind.MESSAGE, Message.Kind.EDIT])
def test_what_is_held_is_refused_as_unavailable_and_the_rest_is_stored(
    user: User, places: list[Room], statement: str, stored: list[bool], kind: Message.Kind
) -> None:
    store(posts(user, places, "元"))
    events = posts(user, places, "次")
    if kind is Message.Kind.EDIT:
        events[1] = NewEvent(places[1].id, Person.of(user), kind, "直した", target=1)
    with holding(statement):
        result = store(events)
    assert kept(result.outcomes) == stored
    for outcome in result.outcomes:
        if isinstance(outcome, Refused):
            assert (outcome.code, outcome.retry_after) == (Code.UNAVAILABLE, 1.0)
    assert kept(store(events).outcomes) == [True] * 3


@pytest.mark.postgres
def test_a_held_message_holds_up_its_own_room_only(user: User, places: list[Room]) -> None:
    store(posts(user, places, "元"))
    gone = NewEvent(places[0].id, Person.of(user), Message.Kind.DELETE, target=1)
    with holding(f"SELECT FROM chat_message WHERE room_id = '{places[0].id}' FOR UPDATE"):
        assert kept(store([gone, *posts(user, places[1:], "次")]).outcomes) == [False, True, True]


@pytest.mark.postgres
def test_what_was_found_held_is_not_waited_for_again(user: User, places: list[Room]) -> None:
    known = blocked.Blocked()
    events = posts(user, places, "次")
    assert not known.concerns(events)
    with holding("SELECT FROM chat_room WHERE slug = 'one' FOR UPDATE"):
        assert _found(known, events) == [True, False, False]
        assert known.concerns(events)
        assert not known.concerns(events[1:])
    assert _found(known, events) == [False, False, False]
    assert not known.concerns(events)


@pytest.mark.postgres
def test_a_whole_table_that_is_held_is_known_afterwards(user: User, places: list[Room]) -> None:
    known = blocked.Blocked()
    events = posts(user, places, "次")
    with holding("LOCK TABLE chat_room IN ACCESS EXCLUSIVE MODE"):
        assert _found(known, events) == [True, True, True]
    assert known.concerns(events)
    assert _found(known, events) == [False, False, False]
    assert not known.concerns(events)


def _found(known: blocked.Blocked, events: Sequence[NewEvent]) -> list[bool]:
    async def run(job: Callable[[Sequence[NewEvent]], set[blocked.Key]], of: Sequence[NewEvent]) -> set[blocked.Key]:
        return job(of)

    return now(known.find(events, run))
