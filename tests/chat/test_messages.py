"""The log: numbered without holes whoever writes, each message once, and nobody changes what is another's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from chat import matching, messages, people, queries, rooms
from chat.messages import Entry, Stored, clean
from chat.models import Message, Participant, Room, User
from chat.queries import Person
from chat.wire import Refused
from compliance import signing
from compliance.standing import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser

SAY, EDIT, DELETE = Message.Kind.MESSAGE, Message.Kind.EDIT, Message.Kind.DELETE


@pytest.fixture(autouse=True, params=["the long way", "the short way"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever holds of a batch holds also where its writers know their rooms, and one round trip may do."""
    if request.param == "the long way":
        return
    commit = messages.commit

    def knowing(entries: Sequence[Entry]) -> messages.Commit:
        features = dict(Room.objects.filter(id__in={entry.room for entry in entries}).values_list("id", "feature"))
        return commit([replace(entry, feature=features.get(entry.room, "room.open")) for entry in entries])

    monkeypatch.setattr(messages, "commit", knowing)


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


def put(entry: Entry) -> Stored:
    """Commit one entry that is expected to be stored."""
    [outcome] = messages.commit([entry]).outcomes
    assert isinstance(outcome, Stored), outcome
    return outcome


def refusal(entry: Entry) -> str:
    """Commit one entry that is expected to be refused; return the code."""
    [outcome] = messages.commit([entry]).outcomes
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
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_words_are_kept_as_written_but_for_their_edges(given_body: str, stored: str) -> None:
    assert clean(given_body) == stored


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "size"),
        (" \n\t　", "size"),
        ("あ" * 2001, "size"),
        ("a\0b", "protocol"),
        ("a\x1bb", "protocol"),
        ("a\x7fb", "protocol"),
        ("a\x85b", "protocol"),
        ("abc\u202efdp.exe", "protocol"),
        ("\u202dabc", "protocol"),
        ("a\ud800b", "protocol"),
        ("a\x0bb", "protocol"),
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
    seq = put(Entry(room.pk, me, SAY, words)).seq
    [item] = queries.log_after(room.pk, seq - 1, 1)
    assert item.body == words


# Numbers --------------------------------------------------------------------------------------------------------------


def test_a_batch_is_numbered_in_its_order_and_announced_as_stored(room: Room, me: Person, somebody: Person) -> None:
    result = messages.commit(
        [Entry(room.pk, person, SAY, body) for person, body in ((me, "1"), (somebody, "2"), (me, "3"))]
    )
    assert [outcome.seq for outcome in result.outcomes if isinstance(outcome, Stored)] == [1, 2, 3]
    assert log(room) == [(1, "message", "1"), (2, "message", "2"), (3, "message", "3")]
    assert [item.body for item in result.items[room.pk]] == ["1", "2", "3"]
    assert result.heads == {room.pk: 3}
    room.refresh_from_db()
    assert room.head == 3
    assert queries.log_after(room.pk, 0, 10) == result.items[room.pk]


def test_a_batch_across_rooms_numbers_each_and_one_refusal_leaves_no_hole(room: Room, me: Person) -> None:
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    gone = uuid.uuid4()
    batch = [
        Entry(room.pk, me, SAY, "a1"),
        Entry(second.pk, me, SAY, "b1"),
        Entry(gone, me, SAY, "どこへ"),
        Entry(room.pk, me, EDIT, "x", target=99),
        Entry(room.pk, me, SAY, "a2", reply_to=77),
        Entry(room.pk, me, SAY, "a3", reply_to=1),
        Entry(second.pk, me, SAY, "b2"),
    ]
    told = [o.seq if isinstance(o, Stored) else o.code.value for o in messages.commit(batch).outcomes]
    assert told == [1, 1, "missing", "missing", "missing", 2, 2]
    assert [body for _seq, _kind, body in log(room)] == ["a1", "a3"]
    assert [body for _seq, _kind, body in log(second)] == ["b1", "b2"]


def test_a_batch_of_open_and_closed_keeps_each_to_its_own(
    talk: tuple[Room, Person, Person], room: Room, somebody: Person
) -> None:
    closed, a, b = talk
    batch = [
        Entry(closed.pk, a, SAY, "ここだけの話"),
        Entry(room.pk, a, SAY, "みんなへ"),
        Entry(closed.pk, somebody, SAY, "聞こえる？"),
        Entry(closed.pk, b, SAY, "うん"),
    ]
    result = messages.commit(batch)
    assert [isinstance(outcome, Stored) for outcome in result.outcomes] == [True, True, False, True]
    assert log(closed) == [(1, "message", None), (2, "message", None)]
    assert all(row.sealed for row in Message.objects.filter(room=closed))
    assert [item.body for item in queries.log_after(closed.pk, 0, 9)] == ["ここだけの話", "うん"]
    assert log(room) == [(1, "message", "みんなへ")]


def test_one_shut_room_does_not_keep_a_batch_from_the_open_ones(
    talk: tuple[Room, Person, Person], room: Room, open_gate: User
) -> None:
    closed, a, _b = talk
    signing.stop(reason="点検", actor=open_gate)
    refused, stored = messages.commit([Entry(closed.pk, a, SAY, "x"), Entry(room.pk, a, SAY, "y")]).outcomes
    assert isinstance(refused, Refused)
    assert refused.code == "gate"
    assert isinstance(stored, Stored)
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
            batch = [Entry(place, writers[which], SAY, f"{which}/{step}/{n}") for n, place in enumerate(places * 2)]
            for entry, outcome in zip(batch, messages.commit(batch).outcomes, strict=True):
                assert isinstance(outcome, Stored)
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
    first = put(Entry(room.pk, me, SAY, "一度", client_id))
    put(Entry(room.pk, me, SAY, "間"))
    again = put(Entry(room.pk, me, SAY, "ちがう文", client_id))
    assert (again.seq, again.at, again.item) == (first.seq, first.at, None)
    # Another's, or in another room, is another message.
    assert put(Entry(room.pk, somebody, SAY, "わたしの", client_id)).seq == 3
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    assert put(Entry(second.pk, me, SAY, "別の部屋", client_id)).seq == 1


def test_a_client_id_twice_in_one_batch_is_stored_once(room: Room, me: Person) -> None:
    client_id = uuid.uuid4()
    result = messages.commit([Entry(room.pk, me, SAY, "一度", client_id) for _ in range(3)])
    assert [outcome.seq for outcome in result.outcomes if isinstance(outcome, Stored)] == [1, 1, 1]
    assert len(log(room)) == len(result.items[room.pk]) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_message_sent_by_four_at_once_is_stored_once(room: Room, me: Person) -> None:
    """A client that lost its receipt and a slow first try meet in the database."""
    ids = [uuid.uuid4() for _ in range(8)]
    told: dict[uuid.UUID, set[tuple[int, str]]] = {client_id: set() for client_id in ids}

    def write(which: int) -> None:
        for client_id in ids[which:] + ids[:which]:
            stored = put(Entry(room.pk, me, SAY, "一度", client_id))
            told[client_id].add((stored.seq, stored.at))

    in_threads(4, write)
    assert [len(receipts) for receipts in told.values()] == [1] * len(ids)
    assert [seq for seq, *_ in log(room)] == list(range(1, len(ids) + 1))


# Changes --------------------------------------------------------------------------------------------------------------


def test_edits_and_deletions_are_events_with_a_target(room: Room, me: Person) -> None:
    put(Entry(room.pk, me, SAY, "まちがい"))
    put(Entry(room.pk, me, EDIT, "なおした", target=1))
    assert log(room) == [(1, "message", "まちがい"), (2, "edit", "なおした")]
    result = messages.commit([Entry(room.pk, me, DELETE, target=1)])
    assert [item.body for item in result.items[room.pk]] == [""]
    assert log(room) == [(1, "message", None), (2, "edit", None), (3, "delete", None)]
    assert [(item.kind, item.body, item.target) for item in queries.log_after(room.pk, 1, 9)] == [
        ("edit", "", 1),
        ("delete", "", 1),
    ]


def test_deleted_words_of_a_closed_talk_are_gone_too(talk: tuple[Room, Person, Person]) -> None:
    closed, a, _b = talk
    put(Entry(closed.pk, a, SAY, "まちがい"))
    put(Entry(closed.pk, a, EDIT, "なおした", target=1))
    put(Entry(closed.pk, a, DELETE, target=1))
    assert not Message.objects.filter(room=closed, sealed__isnull=False).exists()
    assert [item.body for item in queries.log_after(closed.pk, 0, 9)] == ["", "", ""]


@pytest.mark.parametrize("kind", [EDIT, DELETE])
def test_only_ones_own_living_message_can_be_changed(
    kind: Message.Kind, room: Room, me: Person, somebody: Person
) -> None:
    second = rooms.create_open_room(actor=None, name="二つ目", slug="second")
    put(Entry(room.pk, me, SAY, "1"))
    put(Entry(room.pk, me, EDIT, "1b", target=1))
    put(Entry(room.pk, somebody, SAY, "3"))
    words = "x" if kind == EDIT else ""
    assert refusal(Entry(room.pk, somebody, kind, words, target=1)) == "forbidden"
    assert refusal(Entry(room.pk, me, kind, words, target=3)) == "forbidden"
    for nothing in (0, 2, 4, 2**53 - 1):
        assert refusal(Entry(room.pk, me, kind, words, target=nothing)) == "missing"
    assert refusal(Entry(second.pk, me, kind, words, target=1)) == "missing"
    put(Entry(room.pk, me, DELETE, target=1))
    assert refusal(Entry(room.pk, me, kind, words, target=1)) == "conflict"
    assert [seq for seq, *_ in log(room)] == [1, 2, 3, 4]


def test_what_is_deleted_in_a_batch_is_not_changed_later_in_it(room: Room, me: Person) -> None:
    """Two of a person's windows meet in one commit: nobody may be shown words after they were taken back."""
    put(Entry(room.pk, me, SAY, "まちがい"))
    batch = [
        Entry(room.pk, me, DELETE, target=1),
        Entry(room.pk, me, EDIT, "なおした", target=1),
        Entry(room.pk, me, DELETE, target=1),
    ]
    result = messages.commit(batch)
    told = [outcome.seq if isinstance(outcome, Stored) else outcome.code.value for outcome in result.outcomes]
    assert told == [2, "conflict", "conflict"]
    assert [item.body for item in result.items[room.pk]] == [""]


def test_an_answer_points_at_something_said_before(room: Room, me: Person) -> None:
    put(Entry(room.pk, me, SAY, "1"))
    assert put(Entry(room.pk, me, SAY, "2", reply_to=1)).seq == 2
    for nothing in (0, 3, 2**53 - 1):
        assert refusal(Entry(room.pk, me, SAY, "3", reply_to=nothing)) == "missing"
    assert [item.reply_to for item in queries.log_after(room.pk, 1, 1)] == [1]


# Who ------------------------------------------------------------------------------------------------------------------


def test_guests_write_in_open_rooms_and_in_no_closed_one(talk: tuple[Room, Person, Person], room: Room) -> None:
    guest = Person.of(people.enter_as_guest(nickname="旅人"))
    assert put(Entry(room.pk, guest, SAY, "やあ")).seq == 1
    assert refusal(Entry(talk[0].pk, guest, SAY, "やあ")) == "missing"


def test_who_left_a_talk_writes_in_it_no_more(talk: tuple[Room, Person, Person]) -> None:
    closed, a, b = talk
    put(Entry(closed.pk, a, SAY, "やあ"))
    matching.leave(person=b, room=closed.pk)
    for person in (a, b):
        assert refusal(Entry(closed.pk, person, SAY, "まだいる？")) in {"missing", "conflict"}


@pytest.mark.parametrize(("language", "words"), [("ja", "部屋"), ("en", "room")])
def test_each_is_refused_in_their_own_language(language: str, words: str, user: User) -> None:
    with translation.override("fr"):
        [outcome] = messages.commit([Entry(uuid.uuid4(), Person.of(user, language), SAY, "x")]).outcomes
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
    messages.commit([Entry(room.pk, me, SAY, f"{n}") for n in range(1, 26)])
    room.refresh_from_db()
    newest = queries.latest(room, 10)
    assert ([item.seq for item in newest.items], newest.head, newest.more) == (list(range(16, 26)), 25, True)
    older = queries.before(room, 16, 10)
    assert ([item.seq for item in older.items], older.more) == (list(range(6, 16)), True)
    oldest = queries.before(room, 6, 10)
    assert ([item.seq for item in oldest.items], oldest.more) == (list(range(1, 6)), False)
    assert (queries.before(room, 1, 10).items, queries.before(room, 1, 10).more) == ([], False)
    for after, expected, more in (
        (0, 10, True),
        (15, 10, False),
        (16, 9, False),
        (25, 0, False),
        (2**53 - 1, 0, False),
    ):
        page = queries.after(room, after, 10)
        assert [item.seq for item in page.items] == list(range(after + 1, after + 1 + expected))
        assert page.more is more


@pytest.mark.postgres
def test_a_deep_batch_needs_as_many_queries_as_one_message(
    room: Room, me: Person, django_assert_max_num_queries: Callable[..., object]
) -> None:
    fresh = count()
    for size in (1, 200):
        batch = [Entry(room.pk, me, SAY, f"{next(fresh)}", uuid.uuid4()) for _ in range(size)]
        with django_assert_max_num_queries(7):  # type: ignore[attr-defined]
            messages.commit(batch)
