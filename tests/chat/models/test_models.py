"""What no code may store, the database refuses: a stray insert from a shell fails, on PostgreSQL and on SQLite."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from chat.models import Block, Message, Pairing, Participant, Room, Ticket, User
from chat.protocol import Refused
from chat.rooms import LOCKED, OPEN_TO_ALL, PAIRED, columns
from compliance.law import Entry, Origin, RoomClass, Traits, room_class
from compliance.models import Authorisation, GateState, LedgerEntry, Signature
from compliance.testing import unguarded
from tests.conftest import MakeUser

ALL_TRAITS = [
    Traits(
        anyone_may_read=read,
        listed=listed,
        entry=entry,
        designated_recipients=designated,
        made_by=origin,
        capacity_hides=hides,
        members_only_history=history,
    )
    for read, listed, entry, designated, origin, hides, history in product(
        (True, False), (True, False), Entry, (True, False), Origin, (True, False), (True, False)
    )
]


def refused(store: Callable[[], object]) -> bool:
    """Whether the database refuses; leaves the transaction usable."""
    try:
        with transaction.atomic():
            store()
    except DatabaseError:
        return True
    return False


@pytest.fixture
def authorisation(db: None) -> Authorisation:
    """A period in which closed chat was on."""
    return Authorisation.objects.create(snapshot={})


def traits_only(traits: Traits) -> dict[str, Any]:
    """The columns of traits without a kind; for those, too, from which `columns` derives none."""
    kind: dict[str, Any] = {"kind": "closed"} if room_class(traits) is RoomClass.CONSULT else columns(traits)
    names = ("anyone_may_read", "listed", "designated_recipients", "capacity_hides", "members_only_history")
    plain: dict[str, Any] = {name: getattr(traits, name) for name in names}
    plain |= {"entry": traits.entry, "made_by": traits.made_by}
    return kind | plain


def a_room(kind: str, traits: Traits, authorisation: Authorisation | None, /, **changes: Any) -> Room:
    """A room as a shell might make it, right but for what the traits say of its kind."""
    right: dict[str, dict[str, Any]] = {
        "open": {"slug": uuid.uuid4().hex, "authorisation": None, "feature": "room.open"},
        "closed": {"slug": None, "authorisation": authorisation, "feature": "room.match_pair"},
    }
    return Room(**traits_only(traits) | right[kind] | {"kind": kind} | changes)


# Kind follows from traits ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_database_derives_the_same_kind_from_every_combination_of_traits(authorisation: Authorisation) -> None:
    """Where `room_class` says open the database takes only open, where closed only closed, where consult neither."""
    fits = {RoomClass.OPEN: {"open"}, RoomClass.CLOSED: {"closed"}, RoomClass.CONSULT: set()}
    right: list[Room] = []
    wrong: list[Room] = []
    for traits, kind in product(ALL_TRAITS, ("open", "closed")):
        (right if kind in fits[room_class(traits)] else wrong).append(a_room(kind, traits, authorisation))
    assert len(right) + len(wrong) == 2 * len(ALL_TRAITS)
    Room.objects.bulk_create(right)
    assert Room.objects.count() == len(right)
    accepted = [room for room in wrong if not refused(room.save)]
    assert [(room.kind, room.traits) for room in accepted] == []


@pytest.mark.parametrize("traits", [PAIRED, LOCKED], ids=["paired", "locked"])
def test_closed_takes_an_authorisation(traits: Traits, authorisation: Authorisation) -> None:
    assert refused(a_room("closed", traits, None).save)
    assert not refused(a_room("closed", traits, authorisation).save)


@pytest.mark.parametrize(
    "changes",
    [
        {"feature": "room.match_pair"},
        {"slug": None},
        {"kind": "consult"},
        {"kind": ""},
        {"entry": "anybody"},
        {"made_by": "robot"},
    ],
    ids=str,
)
def test_an_open_room_is_open_in_every_column(changes: dict[str, Any], authorisation: Authorisation) -> None:
    assert not refused(a_room("open", OPEN_TO_ALL, None).save)
    assert refused(a_room("open", OPEN_TO_ALL, None, **changes).save)
    assert refused(a_room("open", OPEN_TO_ALL, None, authorisation=authorisation).save)


@pytest.mark.parametrize("changes", [{"feature": "room.open"}, {"slug": "a-slug"}], ids=str)
def test_a_closed_room_is_closed_in_every_column(changes: dict[str, Any], authorisation: Authorisation) -> None:
    assert refused(a_room("closed", PAIRED, authorisation, **changes).save)


def test_two_open_rooms_never_share_an_address(db: None) -> None:
    a_room("open", OPEN_TO_ALL, None, slug="chat").save()
    assert refused(a_room("open", OPEN_TO_ALL, None, slug="chat").save)


# Kind is for good -----------------------------------------------------------------------------------------------------


def test_a_closed_room_never_becomes_open(authorisation: Authorisation) -> None:
    room = a_room("closed", PAIRED, authorisation)
    room.save()
    opened = columns(OPEN_TO_ALL) | {"slug": "opened", "authorisation": None, "feature": "room.open"}
    assert refused(lambda: Room.objects.filter(pk=room.pk).update(**opened))
    for column, value in opened.items():
        setattr(room, column, value)
    assert refused(room.save)
    assert Room.objects.get(pk=room.pk).kind == "closed"


def test_a_closed_room_keeps_its_authorisation(authorisation: Authorisation) -> None:
    room = a_room("closed", PAIRED, authorisation)
    room.save()
    another = Authorisation.objects.create(snapshot={})
    for value in (another, None):
        assert refused(lambda value=value: Room.objects.filter(pk=room.pk).update(authorisation=value))  # type: ignore[misc]
    assert refused(authorisation.delete)
    Room.objects.filter(pk=room.pk).update(ended_at=timezone.now(), head=5)


def test_an_open_room_becomes_closed_only_with_all_that_makes_it_so(authorisation: Authorisation) -> None:
    room = a_room("open", OPEN_TO_ALL, None)
    room.save()
    locked = columns(LOCKED) | {"slug": None, "authorisation": authorisation, "feature": "room.invite_only"}
    for left_out in ("kind", "entry", "slug", "authorisation", "feature"):
        some = {column: value for column, value in locked.items() if column != left_out}
        if left_out != "entry":  # the other traits of a locked room make it closed as well
            assert refused(lambda some=some: Room.objects.filter(pk=room.pk).update(**some)), left_out  # type: ignore[misc]
    assert not refused(lambda: Room.objects.filter(pk=room.pk).update(**locked))


@pytest.mark.parametrize(
    "trait",
    [
        {"anyone_may_read": False},
        {"listed": False},
        {"entry": "invitation"},
        {"designated_recipients": True},
        {"made_by": "pairing"},
        {"capacity_hides": True},
        {"members_only_history": True},
        {"entry": "payment"},
    ],
    ids=str,
)
def test_an_open_room_cannot_be_narrowed_under_the_name_of_open(trait: dict[str, Any], db: None) -> None:
    room = a_room("open", OPEN_TO_ALL, None)
    room.save()
    assert refused(lambda: Room.objects.filter(pk=room.pk).update(**trait))


# The log --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def room(db: None) -> Room:
    """An open room."""
    room = a_room("open", OPEN_TO_ALL, None)
    room.save()
    return room


def said(room: Room, seq: int, author: User, /, **fields: Any) -> Message:
    """An event that is stored as given."""
    return Message(**{"room": room, "seq": seq, "author": author, "author_name": author.name, "body": "あ"} | fields)


def test_a_seq_is_given_once(room: Room, user: User) -> None:
    said(room, 1, user).save(force_insert=True)
    assert refused(lambda: said(room, 1, user).save(force_insert=True))
    assert refused(lambda: Message.objects.bulk_create([said(room, 2, user), said(room, 2, user)]))


def test_a_client_id_is_stored_once_per_author_and_room(room: Room, user: User, other: User) -> None:
    client_id = uuid.uuid4()
    said(room, 1, user, client_id=client_id).save(force_insert=True)
    assert refused(lambda: said(room, 2, user, client_id=client_id).save(force_insert=True))
    assert not refused(lambda: said(room, 3, other, client_id=client_id).save(force_insert=True))
    for seq in (4, 5):
        assert not refused(lambda seq=seq: said(room, seq, user).save(force_insert=True))  # type: ignore[misc]


@pytest.mark.parametrize(
    "fields",
    [
        {"sealed": b"x"},
        {"kind": "edit"},
        {"kind": "delete", "body": None},
        {"target": 1},
        {"kind": "notice", "target": 1},
        {"kind": "whisper"},
        {"seq": -1},
        {"author_name": None},
    ],
    ids=str,
)
def test_an_event_contradicts_itself_nowhere(fields: dict[str, Any], room: Room, user: User) -> None:
    assert refused(lambda: said(room, 2, user, **fields).save(force_insert=True))


def test_a_log_needs_its_room(user: User) -> None:
    ghost = Room(id=uuid.uuid4())

    def store() -> None:
        said(ghost, 1, user).save(force_insert=True)
        connection.check_constraints()

    assert refused(store)


# Pairs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def talks(authorisation: Authorisation) -> list[Room]:
    """Three closed rooms."""
    rooms = [a_room("closed", PAIRED, authorisation) for _ in range(3)]
    return Room.objects.bulk_create(rooms)


def test_a_pair_is_two_people_written_one_way_in_a_room_of_their_own(
    talks: list[Room], user: User, other: User
) -> None:
    lower, higher = sorted((user, other), key=lambda person: person.pk)
    assert refused(Pairing(lower=higher, higher=lower, room=talks[0]).save)
    assert refused(Pairing(lower=lower, higher=lower, room=talks[0]).save)
    Pairing(lower=lower, higher=higher, room=talks[0]).save()
    assert refused(Pairing(lower=lower, higher=higher, room=talks[0], ended_at=timezone.now()).save)


def test_nobody_is_in_two_live_talks_on_the_same_side(talks: list[Room], make_user: MakeUser) -> None:
    a, b, c, d = (make_user() for _ in range(4))
    Pairing(lower=a, higher=b, room=talks[0]).save()
    assert refused(Pairing(lower=a, higher=c, room=talks[1]).save)
    Pairing(lower=c, higher=d, room=talks[1]).save()
    assert refused(Pairing(lower=b, higher=d, room=talks[2]).save)
    Pairing.objects.update(ended_at=timezone.now())
    assert not refused(Pairing(lower=a, higher=c, room=talks[2]).save)


def test_a_person_waits_once_blocks_once_and_has_one_place_in_a_room(
    talks: list[Room], user: User, other: User
) -> None:
    Ticket(user=user).save(force_insert=True)
    assert refused(lambda: Ticket(user=user).save(force_insert=True))
    Participant(room=talks[0], user=user).save()
    assert refused(Participant(room=talks[0], user=user).save)
    Block(blocker=user, blocked=other).save()
    assert refused(Block(blocker=user, blocked=other).save)
    assert refused(Block(blocker=user, blocked=user).save)


# People ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"is_guest": True, "email": "guest@example.jp"},
        {"is_guest": True, "is_staff": True},
        {"is_guest": True, "is_superuser": True},
        {"is_guest": False},
    ],
    ids=str,
)
def test_guests_have_no_address_and_no_powers_and_members_have_an_address(fields: dict[str, Any], db: None) -> None:
    assert not refused(User(name="旅人", is_guest=True).save)
    assert refused(User(name="旅人", **fields).save)


def test_an_address_belongs_to_one_member(user: User) -> None:
    assert refused(User(name="あ", email=user.email).save)


# The gate's own tables ------------------------------------------------------------------------------------------------


def test_a_period_that_ended_says_why(db: None) -> None:
    assert refused(Authorisation(snapshot={}, closed_at=timezone.now()).save)
    assert refused(Authorisation(snapshot={}, closed_because=[]).save)
    assert not refused(Authorisation(snapshot={}, closed_at=timezone.now(), closed_because=[]).save)


def test_the_gate_has_one_state_and_a_stop_says_who_and_why(user: User) -> None:
    assert refused(GateState(id=2).save)
    assert refused(GateState(id=1, stopped_at=timezone.now()).save)
    assert refused(GateState(id=1, stopped_at=timezone.now(), stopped_by=user).save)
    assert refused(GateState(id=1, stop_reason="点検").save)
    assert refused(GateState(id=1, stopped_at=timezone.now(), stopped_by=user, stop_reason="点検").save)  # no entry
    assert not refused(GateState(id=1).save)


def test_an_item_has_one_live_signature_and_a_withdrawal_says_who_and_why(user: User, other: User) -> None:
    """The constraints, without the guards that stand before them."""
    with unguarded():
        Signature(item_id="LAW-07", signed_by=user).save()
        assert refused(Signature(item_id="LAW-07", signed_by=other).save)
        live = Signature.objects.filter(item_id="LAW-07")
        assert refused(lambda: live.update(withdrawn_at=timezone.now()))
        assert refused(lambda: live.update(withdrawn_at=timezone.now(), withdrawn_by=user))
        assert refused(lambda: live.update(withdrawal_reason="見直し"))
        live.update(withdrawn_at=timezone.now() + timedelta(seconds=1), withdrawn_by=user, withdrawal_reason="見直し")
        assert not refused(Signature(item_id="LAW-07", signed_by=other).save)
        assert refused(user.delete)  # who signed is kept


def test_a_ledger_entry_is_unique_in_number_and_hash(db: None) -> None:
    def entry(seq: int, digest: str) -> LedgerEntry:
        return LedgerEntry(
            seq=seq, at=timezone.now(), event="x", payload={}, law_version="x", previous_hash="", hash=digest
        )

    with unguarded():
        entry(1, "a").save(force_insert=True)
        assert refused(lambda: entry(1, "b").save(force_insert=True))
        assert refused(lambda: entry(2, "a").save(force_insert=True))


def test_traits_that_the_law_leaves_open_are_refused_before_the_database() -> None:
    paid = replace(OPEN_TO_ALL, entry=Entry.payment)
    with pytest.raises(Refused):
        columns(paid)


def test_integrity_errors_are_what_the_writes_count_on(db: None) -> None:
    """`matching.pair` and `create_open_room` catch IntegrityError: the constraints must speak with that word."""
    a_room("open", OPEN_TO_ALL, None, slug="chat").save()
    with pytest.raises(IntegrityError), transaction.atomic():
        a_room("open", OPEN_TO_ALL, None, slug="chat").save()
