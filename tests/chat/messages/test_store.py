"""The log: numbered without holes whoever writes, each message once, and nobody changes what is another's."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from chat import matching, messages, people, personal_data, rooms
from chat.messages import NewEvent, clean
from chat.messages import queries as history
from chat.models import Message, Participant, Room, User
from chat.people import Person
from chat.protocol import Refused
from chat.realtime import Committed
from compliance import gate
from compliance.law import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser
from tests.kit.store import store

SAY, EDIT, DELETE = Message.Kind.MESSAGE, Message.Kind.EDIT, Message.Kind.DELETE


@pytest.fixture(autouse=True, params=["the slow path", "the fast path"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever holds of a batch holds also where its writers know their rooms, and one round trip may do."""
    if request.param == "the slow path":
        return
    here = sys.modules[__name__]
    store_as_is = store

    def knowing(events: Sequence[NewEvent]) -> messages.BatchResult:
        features = dict(Room.objects.filter(id__in={event.room for event in events}).values_list("id", "feature"))
        return store_as_is([replace(event, feature=features.get(event.room, "room.open")) for event in events])

    monkeypatch.setattr(here, "store", knowing)


@pytest.fixture
def room(db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.fixture
def me(user: User) -> Person:
    """A member."""
    return Person.of(user)


@pytest.fixture
def somebody(other: User) -> Person:
    """Another member."""
    return Person.of(other)


@pytest.fixture
def open_gate(operator: User, settings: Settings) -> User:
    """Closed chat is on by the deployer's key alone; returns the operator, who can stop it."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    return operator


@pytest.fixture
def talk(open_gate: User, make_member: MakeUser) -> tuple[Room, Person, Person]:
    """A closed talk and the two in it."""
    pair = [Person.of(make_member(name)) for name in ("あ", "い")]
    for person in pair:
        matching.seek(person=person)
    match = matching.pair(pair[1].pk)
    assert match is not None
    return Room.objects.get(pk=match.room), pair[0], pair[1]


def put(entry: NewEvent) -> Committed:
    """Commit one entry that is expected to be stored."""
    [outcome] = store([entry]).outcomes
    assert isinstance(outcome, Committed), outcome
    return outcome


def refusal(entry: NewEvent) -> str:
    """Commit one entry that is expected to be refused; return the code."""
    [outcome] = store([entry]).outcomes
    assert isinstance(outcome, Refused)
    assert outcome.reason
    return outcome.code


def log(room: Room) -> list[tuple[int, str, str | None]]:
    return list(Message.objects.filter(room=room).order_by("seq").values_list("seq", "kind", "body"))


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_body", "stored"),
    [
        ("  やあ \n", "やあ"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\n\n  a\n\nb\n", "a\n\nb"),
        ("a\tb", "a\tb"),
        ("　全角の空白　", "全角の空白"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("שלום \u2067abc\u2069", "שלום \u2067abc\u2069"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("あ" * 2000, "あ" * 2000),
        ("😀" * 2000, "😀" * 2000),
        (" " + "あ" * 2000 + "\n", "あ" * 2000),
        ("\ud83d" + "あ" * 2000 + "\x1b", "あ" * 2000),
        ("か\u3099" * 2000, "が" * 2000),
        ("\ufa19\ufa10か\u3099", "\ufa19\ufa10が"),
        ("a\0b\x1b\x7f", "ab"),
        ("a\x0bb\x0cc\x85d\u2028e", "a\nb\nc\nd\ne"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("\u202dabc", "abc"),
        ("切れた\ud83d", "切れた"),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_words_are_kept_as_written_but_for_edges_and_what_is_no_text(given_body: str, stored: str) -> None:
    assert clean(given_body) == stored


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "size"),
        (" \n\t　", "size"),
        ("あ" * 2001, "size"),
        ("\0\x1b\x7f\ud83d", "size"),
        *((unseen, "size") for unseen in ("\u3164", "\u2800", "\u200b\u200b", "\u00ad", "\u115f", "\u034f", "\uffa0")),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_what_is_no_message_is_refused(body: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        clean(body)
    assert refused.value.code == code


@given(body=st.text(max_size=300) | st.text(st.characters(max_codepoint=0x2FFF), max_size=300))
def test_what_passes_can_be_stored_shown_and_passes_again(body: str) -> None:
    try:
        words = clean(body)
    except Refused:
        return
    assert clean(words) == words
    assert 0 < len(words) <= 2000
    assert words.encode().decode() == words
    assert not set(words) & {"\0", "\r", "\u202d", "\u202e"}


@given_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(min_size=1, max_size=200))
def test_what_is_stored_is_read_as_it_was_said(body: str, room: Room, me: Person) -> None:
    try:
        words = clean(body)
    except Refused:
        return
    seq = put(NewEvent(room.pk, me, SAY, words)).seq
    [item] = history.log_after(room.pk, seq - 1, 1).items
    assert item.body == words


# Numbers --------------------------------------------------------------------------------------------------------------


def test_a_batch_is_numbered_in_its_order_and_announced_as_stored(room: Room, me: Person, somebody: Person) -> None:
    result = store([NewEvent(room.pk, person, SAY, body) for person, body in ((me, "1"), (somebody, "2"), (me, "3"))])
    assert [outcome.seq for outcome in result.outcomes if isinstance(outcome, Committed)] == [1, 2, 3]
    assert log(room) == [(1, "message", "1"), (2, "message", "2"), (3, "message", "3")]
    assert [item.body for item in result.items[room.pk]] == ["1", "2", "3"]
    assert result.heads == {room.pk: 3}
    room.refresh_from_db()
    assert room.head == 3
    assert history.log_after(room.pk, 0, 10).items == result.items[room.pk]


def test_a_batch_across_rooms_numbers_each_and_one_refusal_leaves_no_hole(room: Room, me: Person) -> None:
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    gone = uuid.uuid4()
    batch = [
        NewEvent(room.pk, me, SAY, "a1"),
        NewEvent(second.pk, me, SAY, "b1"),
        NewEvent(gone, me, SAY, "どこへ"),
        NewEvent(room.pk, me, EDIT, "x", target=99),
        NewEvent(room.pk, me, SAY, "a2", reply_to=77),
        NewEvent(room.pk, me, SAY, "a3", reply_to=1),
        NewEvent(second.pk, me, SAY, "b2"),
    ]
    told = [o.seq if isinstance(o, Committed) else o and o.code.value for o in store(batch).outcomes]
    assert told == [1, 1, "missing", "missing", "missing", 2, 2]
    assert [body for _seq, _kind, body in log(room)] == ["a1", "a3"]
    assert [body for _seq, _kind, body in log(second)] == ["b1", "b2"]


def test_a_batch_of_open_and_closed_keeps_each_to_its_own(
    talk: tuple[Room, Person, Person], room: Room, somebody: Person
) -> None:
    closed, a, b = talk
    batch = [
        NewEvent(closed.pk, a, SAY, "ここだけの話"),
        NewEvent(room.pk, a, SAY, "みんなへ"),
        NewEvent(closed.pk, somebody, SAY, "聞こえる？"),
        NewEvent(closed.pk, b, SAY, "うん"),
    ]
    result = store(batch)
    assert [isinstance(outcome, Committed) for outcome in result.outcomes] == [True, True, False, True]
    assert log(closed) == [(1, "message", None), (2, "message", None)]
    assert all(row.sealed for row in Message.objects.filter(room=closed))
    assert [item.body for item in history.log_after(closed.pk, 0, 9).items] == ["ここだけの話", "うん"]
    assert log(room) == [(1, "message", "みんなへ")]


def test_one_shut_room_does_not_keep_a_batch_from_the_open_ones(
    talk: tuple[Room, Person, Person], room: Room, open_gate: User
) -> None:
    closed, a, _b = talk
    gate.pull_stop(reason="点検", actor=open_gate)
    refused, stored = store([NewEvent(closed.pk, a, SAY, "x"), NewEvent(room.pk, a, SAY, "y")]).outcomes
    assert isinstance(refused, Refused)
    assert refused.code == "gate"
    assert isinstance(stored, Committed)
    assert log(closed) == []


def in_threads(number: int, job: Callable[[int], None]) -> None:
    """Run a job in threads that start together, each with a connection of its own."""
    together = threading.Barrier(number)
    failed: list[BaseException] = []

    def run(which: int) -> None:
        try:
            together.wait()
            job(which)
        except BaseException as error:  # noqa: BLE001 -- shown below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.django_db(transaction=True)
def test_four_writers_at_once_leave_no_hole_and_lose_nothing(room: Room, make_user: MakeUser) -> None:
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    writers = [Person.of(make_user()) for _ in range(4)]
    told: dict[int, list[tuple[uuid.UUID, int, str]]] = {which: [] for which in range(4)}

    def write(which: int) -> None:
        for step in range(12):
            # Each thread names the rooms in another order, as batches do.
            places = (room.pk, second.pk) if which % 2 else (second.pk, room.pk)
            batch = [NewEvent(place, writers[which], SAY, f"{which}/{step}/{n}") for n, place in enumerate(places * 2)]
            for entry, outcome in zip(batch, store(batch).outcomes, strict=True):
                assert isinstance(outcome, Committed)
                told[which].append((entry.room, outcome.seq, entry.body))

    in_threads(4, write)
    for place in (room, second):
        rows = log(place)
        assert [seq for seq, _kind, _body in rows] == list(range(1, 97))
        place.refresh_from_db()
        assert place.head == 96
        stored = {(place.pk, seq, body) for seq, _kind, body in rows}
        assert stored == {receipt for receipts in told.values() for receipt in receipts if receipt[0] == place.pk}
    for receipts in told.values():  # what one writer says in one room stays in their order
        for place in (room, second):
            seqs = [seq for where, seq, _body in receipts if where == place.pk]
            assert seqs == sorted(seqs)


# Once -----------------------------------------------------------------------------------------------------------------


def test_a_repeated_client_id_gets_the_first_receipt(room: Room, me: Person, somebody: Person) -> None:
    client_id = uuid.uuid4()
    first = put(NewEvent(room.pk, me, SAY, "一度", client_id))
    put(NewEvent(room.pk, me, SAY, "間"))
    again = put(NewEvent(room.pk, me, SAY, "ちがう文", client_id))
    assert (again.seq, again.at, again.item) == (first.seq, first.at, None)
    # Another's, or in another room, is another message.
    assert put(NewEvent(room.pk, somebody, SAY, "わたしの", client_id)).seq == 3
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    assert put(NewEvent(second.pk, me, SAY, "別の部屋", client_id)).seq == 1


def test_client_id_keeps_its_spelling_and_is_the_same_in_another(room: Room, me: Person) -> None:
    client_id = uuid.UUID("0198e1c2-7d0e-7c53-9b1f-3a8a1f0f4f11")
    for written in (client_id.hex, str(client_id).upper(), None):
        first = put(NewEvent(room.pk, me, SAY, "一度", client_id, written))
    assert first.seq == 1
    [item] = history.latest(room.key, None).items
    assert item.client_id == client_id.hex
    put(NewEvent(room.pk, me, SAY, "いつもの", other := uuid.uuid4()))
    assert history.latest(room.key, None).items[-1].client_id == str(other)


def test_message_carries_the_name_and_role_of_the_moment(room: Room, user: User) -> None:
    me = Person.of(user, "en")
    before = put(NewEvent(room.pk, me, SAY, "まえ"))
    for changes in ({"name": "改名"}, {"is_superuser": True}, {"is_superuser": False, "is_staff": True}):
        User.objects.filter(pk=user.pk).update(**changes)
        now = Person.of(User.objects.get(pk=user.pk), "en")
        event = NewEvent(room.pk, me, SAY, "あと")
        [outcome] = store([event]).outcomes
        assert isinstance(outcome, Committed)
        assert outcome.item is not None
        assert (outcome.item.author.name, outcome.item.author.role or "") == (now.name, now.role)
    authors = [(item.author.name, item.author.role or "") for item in history.latest(room.key, None).items]
    assert authors == [(user.name, ""), ("改名", ""), ("改名", "staff"), ("改名", "staff")]
    assert before.seq == 1


@pytest.mark.parametrize("end", [lambda user: user.update(is_active=False), personal_data.erase])
def test_whose_account_was_suspended_or_is_gone_writes_nothing(
    room: Room, user: User, end: Callable[[Any], object]
) -> None:
    me = Person.of(user)
    end(User.objects.filter(pk=user.pk))
    assert refusal(NewEvent(room.pk, me, SAY, "まだいます")) == "auth"


def test_a_client_id_twice_in_one_batch_is_stored_once(room: Room, me: Person) -> None:
    client_id = uuid.uuid4()
    result = store([NewEvent(room.pk, me, SAY, "一度", client_id) for _ in range(3)])
    assert [outcome.seq for outcome in result.outcomes if isinstance(outcome, Committed)] == [1, 1, 1]
    assert len(log(room)) == len(result.items[room.pk]) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_message_sent_by_four_at_once_is_stored_once(room: Room, me: Person) -> None:
    """A client that lost its receipt and a slow first try meet in the database."""
    ids = [uuid.uuid4() for _ in range(8)]
    told: dict[uuid.UUID, set[tuple[int, str]]] = {client_id: set() for client_id in ids}

    def write(which: int) -> None:
        for client_id in ids[which:] + ids[:which]:
            stored = put(NewEvent(room.pk, me, SAY, "一度", client_id))
            told[client_id].add((stored.seq, stored.at))

    in_threads(4, write)
    assert [len(receipts) for receipts in told.values()] == [1] * len(ids)
    assert [seq for seq, *_ in log(room)] == list(range(1, len(ids) + 1))


# Changes --------------------------------------------------------------------------------------------------------------


def test_edits_and_deletions_are_events_with_a_target(room: Room, me: Person) -> None:
    put(NewEvent(room.pk, me, SAY, "まちがい"))
    put(NewEvent(room.pk, me, EDIT, "なおした", target=1))
    assert log(room) == [(1, "message", "まちがい"), (2, "edit", "なおした")]
    result = store([NewEvent(room.pk, me, DELETE, target=1)])
    assert [item.body for item in result.items[room.pk]] == [""]
    assert log(room) == [(1, "message", None), (2, "edit", None), (3, "delete", None)]
    assert [(item.kind, item.body, item.target) for item in history.log_after(room.pk, 1, 9).items] == [
        ("edit", "", 1),
        ("delete", "", 1),
    ]


def test_deleted_words_of_a_closed_talk_are_gone_too(talk: tuple[Room, Person, Person]) -> None:
    closed, a, _b = talk
    put(NewEvent(closed.pk, a, SAY, "まちがい"))
    put(NewEvent(closed.pk, a, EDIT, "なおした", target=1))
    put(NewEvent(closed.pk, a, DELETE, target=1))
    assert not Message.objects.filter(room=closed, sealed__isnull=False).exists()
    assert [item.body for item in history.log_after(closed.pk, 0, 9).items] == ["", "", ""]


@pytest.mark.parametrize("kind", [EDIT, DELETE])
def test_only_ones_own_living_message_can_be_changed(
    kind: Message.Kind, room: Room, me: Person, somebody: Person
) -> None:
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    put(NewEvent(room.pk, me, SAY, "1"))
    put(NewEvent(room.pk, me, EDIT, "1b", target=1))
    put(NewEvent(room.pk, somebody, SAY, "3"))
    words = "x" if kind == EDIT else ""
    assert refusal(NewEvent(room.pk, somebody, kind, words, target=1)) == "forbidden"
    assert refusal(NewEvent(room.pk, me, kind, words, target=3)) == "forbidden"
    for nothing in (0, 2, 4, 2**53 - 1):
        assert refusal(NewEvent(room.pk, me, kind, words, target=nothing)) == "missing"
    assert refusal(NewEvent(second.pk, me, kind, words, target=1)) == "missing"
    put(NewEvent(room.pk, me, DELETE, target=1))
    assert refusal(NewEvent(room.pk, me, kind, words, target=1)) == "conflict"
    assert [seq for seq, *_ in log(room)] == [1, 2, 3, 4]


def test_what_is_deleted_in_a_batch_is_not_changed_later_in_it(room: Room, me: Person) -> None:
    """Two of a person's windows meet in one commit: nobody may be shown words after they were taken back."""
    put(NewEvent(room.pk, me, SAY, "まちがい"))
    batch = [
        NewEvent(room.pk, me, DELETE, target=1),
        NewEvent(room.pk, me, EDIT, "なおした", target=1),
        NewEvent(room.pk, me, DELETE, target=1),
    ]
    result = store(batch)
    told = [
        outcome.seq if isinstance(outcome, Committed) else outcome and outcome.code.value for outcome in result.outcomes
    ]
    assert told == [2, "conflict", "conflict"]
    assert [item.body for item in result.items[room.pk]] == [""]


def test_an_answer_points_at_something_said_before(room: Room, me: Person) -> None:
    put(NewEvent(room.pk, me, SAY, "1"))
    assert put(NewEvent(room.pk, me, SAY, "2", reply_to=1)).seq == 2
    for nothing in (0, 3, 2**53 - 1):
        assert refusal(NewEvent(room.pk, me, SAY, "3", reply_to=nothing)) == "missing"
    assert [item.reply_to for item in history.log_after(room.pk, 1, 1).items] == [1]


# Who ------------------------------------------------------------------------------------------------------------------


def test_guests_write_in_open_rooms_and_in_no_closed_one(talk: tuple[Room, Person, Person], room: Room) -> None:
    guest = Person.of(people.enter_as_guest(nickname="旅人"))
    assert put(NewEvent(room.pk, guest, SAY, "やあ")).seq == 1
    assert refusal(NewEvent(talk[0].pk, guest, SAY, "やあ")) == "missing"


def test_who_left_a_talk_writes_in_it_no_more(talk: tuple[Room, Person, Person]) -> None:
    closed, a, b = talk
    put(NewEvent(closed.pk, a, SAY, "やあ"))
    rooms.leave_room(person=b, room=closed.pk)
    for person in (a, b):
        assert refusal(NewEvent(closed.pk, person, SAY, "まだいる？")) in {"missing", "conflict"}


@pytest.mark.parametrize(("language", "words"), [("ja", "部屋"), ("en", "room")])
def test_each_is_refused_in_their_own_language(language: str, words: str, user: User) -> None:
    with translation.override("fr"):
        [outcome] = store([NewEvent(uuid.uuid4(), Person.of(user, language), SAY, "x")]).outcomes
    assert isinstance(outcome, Refused)
    assert words in outcome.reason


def test_what_was_read_goes_forward_only_and_for_those_inside(
    talk: tuple[Room, Person, Person], somebody: Person
) -> None:
    closed, a, _b = talk
    for seq in (3, 1, 2):
        messages.mark_seen(person=a, room=closed.pk, seq=seq)
        messages.mark_seen(person=somebody, room=closed.pk, seq=seq)
    assert sorted(Participant.objects.filter(room=closed).values_list("seen", flat=True)) == [0, 3]


# Reading --------------------------------------------------------------------------------------------------------------


def test_pages_meet_without_hole_or_overlap(room: Room, me: Person) -> None:
    store([NewEvent(room.pk, me, SAY, f"{n}") for n in range(1, 26)])
    room.refresh_from_db()
    newest = history.latest(room.key, None, 10)
    assert ([item.seq for item in newest.items], newest.head, newest.more) == (list(range(16, 26)), 25, True)
    older = history.before(room.key, None, 16, 10)
    assert ([item.seq for item in older.items], older.more) == (list(range(6, 16)), True)
    oldest = history.before(room.key, None, 6, 10)
    assert ([item.seq for item in oldest.items], oldest.more) == (list(range(1, 6)), False)
    assert (history.before(room.key, None, 1, 10).items, history.before(room.key, None, 1, 10).more) == ([], False)
    for beyond in (26, 27, 30, 10**9, 2**53 - 1):
        page = history.before(room.key, None, beyond, 10)
        assert ([item.seq for item in page.items], page.more) == (list(range(16, 26)), True)
    for after, expected, more in (
        (0, 10, True),
        (15, 10, False),
        (16, 9, False),
        (25, 0, False),
        (2**53 - 1, 0, False),
    ):
        page = history.after(room.key, None, after, 10)
        assert [item.seq for item in page.items] == list(range(after + 1, after + 1 + expected))
        assert page.more is more


@pytest.mark.postgres
def test_a_deep_batch_needs_as_many_queries_as_one_message(
    room: Room, me: Person, django_assert_max_num_queries: Callable[..., object]
) -> None:
    fresh = count()
    for size in (1, 200):
        batch = [NewEvent(room.pk, me, SAY, f"{next(fresh)}", uuid.uuid4()) for _ in range(size)]
        with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
            store(batch)
