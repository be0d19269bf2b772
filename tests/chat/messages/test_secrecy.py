"""Words of a closed room reach those who may read it at that moment, stand where they were sealed, and nowhere else."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from chat import messages, people, personal_data, rooms
from chat.db import functions, run_in_executor, triggers
from chat.messages import NewEvent
from chat.messages import queries as history
from chat.models import Message, Participant, Room, User
from chat.people import Person
from chat.protocol import Refused
from chat.protocol.replies import FeatureState
from chat.realtime import Committed, backfill, joining
from compliance import vault
from compliance.law import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser, signed_in
from tests.kit.harness import Hubs
from tests.kit.store import ConnectionWriter, now, store
from tests.kit.transport import FakeTransport

SAY = Message.Kind.MESSAGE
THEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def open_gate(settings: Settings, db: None) -> None:
    """Closed chat is on by the deployer's key alone; one address may do as much as many."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    settings.CHAT_RATE_LIMITS = False


@pytest.fixture
def members(make_member: MakeUser) -> list[User]:
    """Three members."""
    return [make_member(name) for name in ("あ", "い", "う")]


@pytest.fixture
def square(members: list[User]) -> Room:
    """An open room of the first, in which the first two have written."""
    room = rooms.create_open_room(actor=members[0], name="広場", slug="talk")
    for person in members[:2]:
        say(room, person, "前")
    return room


@pytest.fixture
def closed(square: Room, members: list[User]) -> Room:
    """The same, locked: the first two are inside."""
    return rooms.lock_room(actor=members[0], room=square)


def say(room: Room, person: User, body: str) -> Committed:
    """Post a message."""
    [outcome] = store([NewEvent(room.pk, Person.of(person), SAY, body)]).outcomes
    assert isinstance(outcome, Committed), outcome
    return outcome


def sql(statement: str, *values: Any) -> None:
    """Have the database do something that no code of ours does."""
    plain = [v.hex if isinstance(v, uuid.UUID) and connection.vendor == "sqlite" else v for v in values]
    with connection.cursor() as cursor:
        cursor.execute(statement, plain)


# The database counts --------------------------------------------------------------------------------------------------


def remove(room: Room, person: User) -> None:
    Participant.objects.filter(room=room, user=person).update(left_at=THEN)


def delete_by_sql(room: Room, person: User) -> None:
    sql("DELETE FROM chat_participant WHERE room_id = %s AND user_id = %s", room.pk, person.pk)


def give_away(room: Room, person: User) -> None:
    other = User.objects.create_user("another@example.jp")
    sql("UPDATE chat_participant SET user_id = %s WHERE room_id = %s AND user_id = %s", other.pk, room.pk, person.pk)


def suspend(room: Room, person: User) -> None:
    sql("UPDATE chat_user SET is_active = (1 = 2) WHERE id = %s", person.pk)


def erase(room: Room, person: User) -> None:
    personal_data.erase([person])


def end(room: Room, person: User) -> None:
    with transaction.atomic():
        rooms.end_room(room)


def leave(room: Room, person: User) -> None:
    rooms.leave_room(person=Person.of(person), room=room.pk)


@pytest.mark.parametrize("change", [remove, delete_by_sql, give_away, suspend, erase, end, leave])
def test_whoever_takes_a_room_from_somebody_the_database_counts_it(
    change: Callable[[Room, User], None], closed: Room, members: list[User]
) -> None:
    before = Room.objects.get(pk=closed.pk).revision
    assert rooms.is_participant(closed, members[1].pk)
    change(closed, members[1])
    found = rooms.readership_of(closed.pk)
    assert found is not None
    assert found.access.revision > before
    assert not found.admits(members[1].pk)
    with pytest.raises(Refused):
        history.latest(closed.key, members[1].pk)
    [outcome] = store(
        [NewEvent(closed.pk, Person.of(members[1]), SAY, "まだいる", feature="room.invite_only")]
    ).outcomes
    assert isinstance(outcome, Refused)


def test_a_lock_counts_and_a_stale_model_does_not_take_it_back(square: Room, members: list[User]) -> None:
    early, plain = (Room.objects.get(pk=square.pk) for _ in range(2))
    locked = rooms.lock_room(actor=members[0], room=square)
    revision = Room.objects.get(pk=locked.pk).revision
    assert revision > early.revision
    sql("UPDATE chat_room SET revision = %s WHERE id = %s", plain.revision, square.pk)
    assert Room.objects.get(pk=square.pk).revision >= revision


def test_lifting_a_suspension_lets_nobody_back_in(closed: Room, members: list[User]) -> None:
    User.objects.filter(pk=members[1].pk).update(is_active=False)
    User.objects.filter(pk=members[1].pk).update(is_active=True)
    assert not rooms.is_participant(closed, members[1].pk)


def test_what_is_only_read_counts_nothing(closed: Room, members: list[User]) -> None:
    before = Room.objects.get(pk=closed.pk).revision
    say(closed, members[0], "ひみつ")
    messages.mark_seen(person=Person.of(members[1]), room=closed.pk, seq=2)
    User.objects.get(pk=members[1].pk).save()
    assert Room.objects.get(pk=closed.pk).revision == before


def test_all_triggers_are_there(db: None) -> None:
    """A migration that makes a table anew on SQLite would lose them without a word."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = set(triggers._SQLITE)
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
            text = "".join(file.read_text(encoding="utf-8") for file in functions.FOLDER.glob("*.sql"))
            wanted = set(re.findall(r"^CREATE (?:OR REPLACE )?TRIGGER (\w+)", text, re.MULTILINE))
            assert len(wanted) == 13
        assert wanted <= {name for (name,) in cursor.fetchall()}


# Who is inside --------------------------------------------------------------------------------------------------------


def test_no_guest_ends_up_inside_whatever_address_they_have(square: Room, members: list[User]) -> None:
    guest = people.enter_as_guest(nickname="旅人")
    EmailAddress.objects.create(user=guest, email="guest@example.jp", verified=True, primary=True)
    say(square, guest, "こんにちは")
    locked = rooms.lock_room(actor=members[0], room=square)
    assert not rooms.is_participant(locked, guest.pk)
    assert [reader.pk for reader in rooms.readers(locked)] == [members[0].pk, members[1].pk]
    for left_at in (None, THEN):
        if left_at is None:
            with pytest.raises(IntegrityError), transaction.atomic():
                Participant.objects.create(room=locked, user=guest)
        else:
            Participant.objects.create(room=locked, user=guest, left_at=left_at)
    with pytest.raises(IntegrityError), transaction.atomic():
        Participant.objects.filter(user=guest).update(left_at=None)


# Sealed words stand in closed rooms, each at its place ----------------------------------------------------------------


def test_sealed_words_stand_in_no_open_room_and_new_plain_ones_in_no_closed_room(
    closed: Room, members: list[User]
) -> None:
    say(closed, members[0], "ひみつ")
    open_room = rooms.create_open_room(actor=None, name="外", slug="outside")
    say(open_room, members[0], "みんなへ")
    secret = Message.objects.get(room=closed, seq=3)
    place = {"author_name": "x", "id": uuid.uuid4()}
    refused: list[Callable[[], Any]] = [
        lambda: Message.objects.create(room=open_room, seq=9, sealed=secret.sealed, **place),
        lambda: Message.objects.filter(room=open_room, seq=1).update(body=None, sealed=secret.sealed),
        lambda: sql(
            "UPDATE chat_message SET room_id = %s, seq = 8 WHERE room_id = %s AND seq = 3", open_room.pk, closed.pk
        ),
        lambda: Message.objects.create(room=closed, seq=9, body="明るみ", **place),
        lambda: Message.objects.filter(room=closed, seq=3).update(sealed=None, body="明るみ"),
        lambda: Message.objects.filter(room=closed, seq=1).update(body="書き換え"),
    ]
    for write in refused:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
    assert Message.objects.filter(room=closed, seq=1).update(body=None) == 1  # what was taken back may always go


def test_a_sealed_column_that_was_copied_shows_nobodys_words(
    closed: Room, members: list[User], caplog: pytest.LogCaptureFixture
) -> None:
    say(closed, members[0], "わたしの話")
    say(closed, members[1], "あなたの話")
    mine = Message.objects.get(room=closed, seq=3)
    Message.objects.filter(room=closed, seq=4).update(sealed=mine.sealed)
    items = history.latest(closed.key, members[0].pk).items
    assert [(item.body, item.unreadable) for item in items] == [
        ("前", False),
        ("前", False),
        ("わたしの話", False),
        ("", True),
    ]
    page = signed_in(members[0]).get(f"/closed/{closed.pk}/").content.decode()
    assert page.count("わたしの話") == 1
    assert page.count('data-unreadable="true"') == 1
    assert "message.unreadable" in caplog.text
    assert "話" not in caplog.text


@pytest.mark.parametrize("change", [{"author": 2}, {"kind": "notice"}])
def test_words_that_are_given_to_somebody_else_do_not_show(
    change: dict[str, Any], closed: Room, members: list[User]
) -> None:
    say(closed, members[0], "わたしの話")
    changed = {"author": members[2]} if "author" in change else change
    Message.objects.filter(room=closed, seq=3).update(**changed)
    assert history.log_after(closed.pk, 2, 1).items[0].unreadable


def test_words_of_an_account_that_is_gone_still_show(closed: Room, members: list[User]) -> None:
    say(closed, members[1], "のこる話")
    personal_data.erase([members[1]])
    [item] = history.log_after(closed.pk, 2, 1).items
    assert (item.body, item.author.id, item.unreadable) == ("のこる話", None, False)
    assert messages.reseal(limit=10) == 0


def test_an_edit_that_does_not_open_hides_what_it_changed(closed: Room, members: list[User]) -> None:
    say(closed, members[0], "わたしの話")
    [outcome] = store([NewEvent(closed.pk, Person.of(members[0]), Message.Kind.EDIT, "なおした話", target=3)]).outcomes
    assert isinstance(outcome, Committed)
    Message.objects.filter(room=closed, seq=4).update(sealed=Message.objects.get(room=closed, seq=3).sealed)
    read = history.as_read(history.latest(closed.key, members[0].pk).items)
    assert (read[-1]["body"], read[-1]["unreadable"]) == ("", True)


@pytest.mark.postgres
def test_words_are_sealed_for_the_number_that_they_get_whoever_was_faster(closed: Room, members: list[User]) -> None:
    me = Person.of(members[0])
    for known, busy in (({}, ()), ({closed.pk: 2}, {closed.pk}), ({closed.pk: 7}, {closed.pk})):
        said = [NewEvent(closed.pk, me, SAY, "ひみつ", feature="room.invite_only")]
        result = now(messages.store(said, known, busy, writer=ConnectionWriter()))
        head = Room.objects.get(pk=closed.pk).head
        if not result.heads:
            assert (result.outrun, result.outcomes) == ({closed.pk: head}, [None])
            result = now(messages.store(said, result.outrun, writer=ConnectionWriter()))
            assert result.heads == {closed.pk: head + 1}
    items = history.log_after(closed.pk, 2, 9).items
    assert [(item.seq, item.body) for item in items] == [(3, "ひみつ"), (4, "ひみつ"), (5, "ひみつ")]


# Who wrote, as they were then -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", [None, "room.open"], ids=["slow path", "fast path"])
def test_an_item_keeps_the_role_in_which_it_was_posted(feature: str | None, square: Room, make_user: MakeUser) -> None:
    staff, guest = make_user("運営", is_staff=True), people.enter_as_guest(nickname="旅人")
    for person in (staff, guest):
        entry = NewEvent(square.pk, Person.of(person), SAY, "やあ", feature=feature)
        [stored] = store([entry]).outcomes
        assert isinstance(stored, Committed)
        assert stored.item is not None
        assert stored.item.author.role == person.role
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    items = history.log_after(square.pk, 0, 9).items
    assert [item.author.role or "" for item in items] == ["keeper", "", "staff", "guest"]
    assert [item["author"].role or "" for item in history.as_read(items)] == ["keeper", "", "staff", "guest"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(room=square, seq=1).update(author_role="king")


# Two processes, and nothing between them ------------------------------------------------------------------------------


@pytest.fixture
def hubs(transactional_db: None, open_gate: None) -> Iterator[Hubs]:
    """Two hubs; no hint gets through unless a test lets it."""
    with Hubs() as running:
        yield running


class Seats:
    """People in a room at both hubs."""

    def __init__(self, hubs: Hubs, key: str, *who: User | None) -> None:
        self.hubs = hubs
        self.all = [(hub, person, *hubs.connect(hub, person)) for hub in (0, 1) for person in who]
        for _hub, _person, socket, _paper in self.all:
            hubs.say(socket, "room.join", room=key, after=0)
        hubs.settle()

    def socket(self, hub: int, who: User) -> Any:
        """Somebody's socket."""
        return next(socket for at, person, socket, _paper in self.all if (at, person) == (hub, who))

    def papers(self, who: User | None) -> list[FakeTransport]:
        """What somebody was given, at each hub."""
        return [paper for _hub, person, _socket, paper in self.all if person == who]


def remember(hubs: Hubs, socket: Any) -> None:
    """Have the socket's hub keep the newest page in memory, as it does when somebody wants that page."""
    hubs.say(socket, "room.join", room="talk")
    hubs.settle()
    assert hubs.hubs[0].parts.registry._open["talk"].page(None, history.PAGE)


def post(hubs: Hubs, socket: Any, key: str, body: str) -> None:
    """Post a message and wait until all have what they get of it."""
    hubs.say(socket, "message.post", room=key, client_id=str(uuid.uuid4()), body=body)
    hubs.settle()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("hints", [False, True], ids=["without hints", "with hints"])
def test_what_follows_a_lock_in_a_shell_reaches_no_stranger(
    hubs: Hubs,
    square: Room,
    members: list[User],
    hints: bool,  # noqa: FBT001
) -> None:
    owner, writer, stranger = members
    seats = Seats(hubs, "talk", owner, writer, stranger, None)
    locked = rooms.lock_room(actor=owner, room=square)
    hubs.layer.direct = hints
    post(hubs, seats.socket(0, writer), "talk", "ひみつ")
    if not hints:
        hubs.check_heads(1)
    for paper in (*seats.papers(stranger), *seats.papers(None)):
        assert [item["body"] for item in paper.items()] == ["前", "前"]
        assert paper.frames[-1]["code"] == "forbidden"
        assert locked.key not in str(paper.frames)
    for paper in (*seats.papers(owner), *seats.papers(writer)):
        assert [item["body"] for item in paper.items()] == ["前", "前", "ひみつ"]


@pytest.mark.django_db(transaction=True)
def test_nobody_joins_reads_or_hears_a_locked_room_from_memory(hubs: Hubs, square: Room, members: list[User]) -> None:
    owner, writer, stranger = members
    remember(hubs, Seats(hubs, "talk", owner, writer).socket(0, writer))
    late, paper = hubs.connect(0, stranger)
    rooms.lock_room(actor=owner, room=square)
    for key in ("talk", str(square.pk)):
        for kind, fields in (
            ("room.join", {}),
            ("room.join", {"after": 1}),
            ("room.sync", {"after": 0}),
            ("room.history", {"before": 9}),
        ):
            hubs.say(late, kind, room=key, **fields)
            hubs.settle()
            assert paper.frames[-1]["type"] == "refused"
            assert paper.frames[-1]["code"] == "missing"
    assert paper.items() == []


@pytest.mark.django_db(transaction=True)
def test_a_lock_tells_those_inside_where_the_room_stands_now_and_nobody_else(
    hubs: Hubs, square: Room, members: list[User]
) -> None:
    owner, writer, stranger = members
    seats = Seats(hubs, "talk", owner, writer, stranger)
    rooms.lock_room(actor=owner, room=square)
    for at in (0, 1):
        hubs.check_heads(at)
        hubs.check_heads(at)
    for person in (owner, writer):
        for paper in seats.papers(person):
            moved = [frame for frame in paper.frames if frame["type"] == "room.moved"]
            assert moved == [{"type": "room.moved", "room": "talk", "to": str(square.pk)}]
    for paper in seats.papers(stranger):
        assert str(square.pk) not in str(paper.frames)
        assert paper.frames[-1]["code"] == "forbidden"


@pytest.mark.django_db(transaction=True)
def test_a_room_that_is_locked_and_looked_at_while_somebody_joins_stays_shut_to_them(
    hubs: Hubs, square: Room, members: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, writer, stranger = members
    remember(hubs, Seats(hubs, "talk", owner, writer).socket(0, writer))
    late, paper = hubs.connect(0, stranger)
    running, parts = hubs.hubs[0], hubs.hubs[0].parts
    ask = running.backend.access_of

    async def meanwhile(room: uuid.UUID) -> Any:
        await run_in_executor("ja", lambda: rooms.lock_room(actor=owner, room=square))
        parts.revalidate(room)
        while parts.registry.streams[room].doubts:  # noqa: ASYNC110 -- the hub's own task asks
            await asyncio.sleep(0.001)
        return await ask(room)

    monkeypatch.setattr(running.backend, "access_of", meanwhile)
    hubs.say(late, "room.join", room="talk")
    hubs.settle()
    assert [frame["type"] for frame in paper.frames] == ["refused"]
    assert paper.frames[0]["code"] == "missing"


@pytest.mark.django_db(transaction=True)
def test_leaving_at_one_process_ends_delivery_at_the_other(hubs: Hubs, closed: Room, members: list[User]) -> None:
    owner, leaver, _ = members
    seats = Seats(hubs, closed.key, owner, leaver)
    hubs.say(seats.socket(0, leaver), "match.leave", room=closed.key)
    hubs.settle()
    hubs.layer.held.clear()  # what told the other process of it is lost
    post(hubs, seats.socket(1, owner), closed.key, "ひとりごと")
    for paper in seats.papers(leaver):
        assert "ひとりごと" not in str(paper.frames)
    hubs.check_heads(0)
    for paper in seats.papers(owner):
        assert [item["body"] for item in paper.items()][-1] == "ひとりごと"


@pytest.mark.django_db(transaction=True)
def test_a_leave_is_told_once_on_each_of_the_persons_sockets(hubs: Hubs, closed: Room, members: list[User]) -> None:
    owner, leaver, _ = members
    hubs.layer.direct = True
    seats = Seats(hubs, closed.key, owner, leaver)
    hubs.say(seats.socket(0, leaver), "match.leave", room=closed.key)
    hubs.settle()
    for at in (0, 1):
        hubs.check_heads(at)
    for paper in seats.papers(leaver):
        left = [frame for frame in paper.frames if frame["type"] in ("match.left", "refused")]
        assert [(frame["type"], frame["room"], frame["reason"]) for frame in left] == [
            ("match.left", closed.key, "left")
        ]
    assert not [f for paper in seats.papers(owner) for f in paper.frames if f["type"] == "match.left"]


@pytest.mark.django_db(transaction=True)
def test_while_nobody_can_say_who_may_read_nothing_is_delivered_and_nothing_is_lost(
    hubs: Hubs, closed: Room, members: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, leaver, _ = members
    seats = Seats(hubs, closed.key, owner, leaver)
    remove(closed, leaver)

    def mute(_room: uuid.UUID) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(rooms, "readership_of", mute)
        for number in range(3):
            post(hubs, seats.socket(0, owner), closed.key, f"ひみつ{number}")
        assert not [item for paper in seats.papers(owner) for item in paper.items() if "ひみつ" in item["body"]]
    hubs.check_heads(0)
    hubs.check_heads(1)
    for paper in seats.papers(owner):
        assert [item["body"] for item in paper.items()][-3:] == ["ひみつ0", "ひみつ1", "ひみつ2"]
    for paper in seats.papers(leaver):
        assert "ひみつ" not in str(paper.frames)


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_typing_or_counts_of_a_room_they_lost_nor_is_seen_there(
    hubs: Hubs, closed: Room, members: list[User]
) -> None:
    owner, leaver, _ = members
    hubs.layer.direct = True
    seats = Seats(hubs, closed.key, owner, leaver)
    for paper in (*seats.papers(owner), *seats.papers(leaver)):
        paper.frames.clear()
    remove(closed, leaver)
    for who in (leaver, owner):
        for hub in (0, 1):
            hubs.say(seats.socket(hub, who), "typing", room=closed.key)
            hubs.settle()
    for running in hubs.hubs:
        hubs.run(running.beat())
        hubs.settle()
    assert not [f for paper in seats.papers(leaver) for f in paper.frames if f["type"] in ("typing", "presence")]
    assert not [
        f for paper in seats.papers(owner) for f in paper.frames if f.get("user", {}).get("name") == leaver.name
    ]


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_lost_the_room_while_catching_up_gets_no_more_of_it(
    hubs: Hubs, closed: Room, members: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (backfill, joining):
        monkeypatch.setattr(module, "FILL_PAGE", 2)
    owner, leaver, _ = members
    for number in range(6):
        say(closed, owner, f"ひみつ{number}")
    socket, paper = hubs.connect(0, leaver)
    hubs.say(socket, "room.join", room=closed.key, after=0)
    hubs.settle()
    assert paper.frames[-2]["more"] is True
    remove(closed, leaver)

    hubs.advance(backfill.SYNC_GRACE)
    assert [f["type"] for f in paper.frames][-1] == "refused"
    assert [item["seq"] for item in paper.items()] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_room_whose_feature_shut_with_its_change_puts_its_readers_out(
    hubs: Hubs, closed: Room, members: list[User]
) -> None:
    owner, writer, _ = members
    seats = Seats(hubs, closed.key, owner, writer)
    shut = {"room.match_pair": FeatureState(allowed=False, offered=True, rule="K-1", reason="")}
    for hub in hubs.hubs:
        hub.parts.gate.by_language = {"ja": shut, "en": shut}
    Room.objects.filter(pk=closed.pk).update(feature="room.match_pair")
    hubs.check_heads(0)
    assert [paper.frames[-1].get("reason") for paper in seats.papers(owner)] == ["gate", None]


@pytest.mark.django_db(transaction=True)
def test_the_page_of_a_room_that_is_left_meanwhile_is_not_found(
    closed: Room, members: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question whether somebody is inside and the reading of the page."""
    latest = history.latest

    def late(*args: Any) -> Any:
        remove(closed, members[1])
        return latest(*args)

    monkeypatch.setattr(history, "latest", late)
    answer = signed_in(members[1]).get(f"/closed/{closed.pk}/")
    assert answer.status_code == 404
    assert Client().get(f"/closed/{closed.pk}/").status_code == 404


def test_the_vault_binds_what_the_log_says(closed: Room, members: list[User]) -> None:
    stored = say(closed, members[0], "ひみつ")
    sealed = bytes(Message.objects.get(room=closed, seq=stored.seq).sealed or b"")
    assert (
        vault.unseal(vault.Place(closed.pk, stored.seq, members[0].pk, "message"), sealed, vault.Purpose.READING)
        == "ひみつ"
    )
