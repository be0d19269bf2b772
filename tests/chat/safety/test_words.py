"""Acts on words: who removes and restores a message of an open room, and what becomes of its words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import UNSET
from pytest_django.fixtures import Settings

from chat import matching, personal_data, retention
from chat.messages import NewEvent, after, as_read, latest, reseal
from chat.models import HeldWord, Message, RemovedMessage, Room
from chat.people import Person
from chat.protocol import Refused
from chat.realtime import Committed
from compliance import vault
from compliance.law import Mode, Status
from compliance.models import LedgerEntry
from compliance.records import holds
from compliance.records.events import Event
from tests.chat.safety.conftest import ROLES, Cast, post, removal, restoring, said
from tests.compliance.cases import standing
from tests.kit.store import store

pytestmark = pytest.mark.django_db
REMOVES = {"keeper": "keeper", "owner": "keeper", "moderator": "staff", "operator": "staff"}
RESTORES = {"keeper", "owner", "moderator", "operator"}


def outcome_of(event: NewEvent) -> Committed | Refused:
    [outcome] = store([event]).outcomes
    assert outcome is not None
    return outcome


def entries(event: Event) -> int:
    return LedgerEntry.objects.filter(event=event).count()


@pytest.mark.parametrize("role", ROLES)
def test_who_removes_anothers_message(cast: Cast, room: Room, role: str) -> None:
    seq = said(room, cast["author"], "消える言葉")
    outcome = outcome_of(removal(room, cast[role], seq))
    if role == "author":
        assert isinstance(outcome, Committed)
        assert outcome.item is not None
        assert outcome.item.by is UNSET
        assert (RemovedMessage.objects.count(), entries(Event.MESSAGE_REMOVED)) == (0, 0)
    elif role in REMOVES:
        assert isinstance(outcome, Committed)
        assert outcome.item is not None
        assert (outcome.item.kind, outcome.item.target, outcome.item.by) == ("delete", seq, REMOVES[role])
        assert RemovedMessage.objects.get(room=room, seq=seq).by_role == REMOVES[role]
        assert entries(Event.MESSAGE_REMOVED) == 1
    else:
        assert isinstance(outcome, Refused)
        assert outcome.code == "forbidden"
        assert Message.objects.get(room=room, seq=seq).body == "消える言葉"
        assert entries(Event.MESSAGE_REMOVED) == 0


def test_removed_words_are_nowhere_in_clear_and_readers_see_who_removed_them(cast: Cast, room: Room) -> None:
    seq = said(room, cast["author"], "消える言葉")
    assert isinstance(outcome_of(removal(room, cast["keeper"], seq)), Committed)
    assert not Message.objects.filter(body__contains="消える言葉").exists()
    assert "消える言葉".encode() not in bytes(RemovedMessage.objects.get().sealed or b"")
    [shown] = as_read(latest("chat", None).items)
    assert (shown["body"], shown["by"]) == ("", "keeper")
    assert "消える言葉" not in str(LedgerEntry.objects.last())
    assert "消える言葉" not in str(list(LedgerEntry.objects.values_list("payload", flat=True)))


def test_a_removal_takes_a_reason(cast: Cast, room: Room) -> None:
    seq = said(room, cast["author"])
    refused = outcome_of(removal(room, cast["keeper"], seq, reason=""))
    assert isinstance(refused, Refused)
    assert refused.code == "forbidden"


@pytest.mark.parametrize("role", ROLES)
def test_who_restores(cast: Cast, room: Room, role: str) -> None:
    seq = said(room, cast["author"], "また読める")
    outcome_of(removal(room, cast["keeper"], seq))
    outcome = outcome_of(restoring(room, cast[role], seq))
    assert isinstance(outcome, Committed) is (role in RESTORES)
    [shown] = as_read(latest("chat", None).items)
    assert shown["body"] == ("また読める" if role in RESTORES else "")
    assert entries(Event.MESSAGE_RESTORED) == (role in RESTORES)


@pytest.mark.parametrize("role", ROLES)
def test_what_staff_removed_only_staff_restore(cast: Cast, room: Room, role: str) -> None:
    seq = said(room, cast["author"], "また読める")
    outcome_of(removal(room, cast["moderator"], seq))
    outcome = outcome_of(restoring(room, cast[role], seq))
    assert isinstance(outcome, Committed) is (role in {"moderator", "operator"})


def test_a_restored_message_shows_its_latest_words_on_every_page_and_can_be_removed_again(
    cast: Cast, room: Room
) -> None:
    seq = said(room, cast["author"], "はじめ")
    edit = NewEvent(room.pk, Person.of(cast["author"]), Message.Kind.EDIT, "あと", target=seq)
    assert isinstance(outcome_of(edit), Committed)
    outcome_of(removal(room, cast["keeper"], seq))
    restored = outcome_of(restoring(room, cast["moderator"], seq))
    assert isinstance(restored, Committed)
    assert restored.item is not None
    assert (restored.item.kind, restored.item.target, restored.item.body) == ("restore", seq, "あと")
    assert [item.kind for item in after("chat", None, 0).items] == ["message", "edit", "delete", "restore"]
    for page in (latest("chat", None), latest("chat", None, 1)):
        assert [shown["body"] for shown in as_read(page.items)] == ["あと"]
    outcome_of(removal(room, cast["moderator"], seq))
    assert [shown["by"] for shown in as_read(latest("chat", None).items)] == ["staff"]


def test_what_its_author_deleted_is_not_restored(cast: Cast, room: Room) -> None:
    seq = said(room, cast["author"])
    outcome_of(removal(room, cast["author"], seq))
    refused = outcome_of(restoring(room, cast["moderator"], seq))
    assert isinstance(refused, Refused)
    assert refused.code == "missing"


def test_after_seven_days_the_words_are_gone(cast: Cast, room: Room) -> None:
    seq = said(room, cast["author"])
    outcome_of(removal(room, cast["keeper"], seq))
    RemovedMessage.objects.update(at=RemovedMessage.objects.get().at - timedelta(days=7, seconds=1))
    refused = outcome_of(restoring(room, cast["moderator"], seq))
    assert isinstance(refused, Refused)
    assert refused.code == "missing"
    assert retention.purge().counts["removed_words"] == 1
    assert not RemovedMessage.objects.exists()


@pytest.mark.parametrize("role", ["moderator", "compliance", "operator", "auditor"])
def test_staff_remove_nothing_from_a_closed_talk(cast: Cast, settings: Settings, role: str) -> None:
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    pair = [Person.of(cast["author"]), Person.of(cast["member"])]
    for person in pair:
        matching.seek(person=person)
    match = matching.pair(pair[1].pk)
    assert match is not None
    talk = Room.objects.get(pk=match.room)
    seq = said(talk, cast["author"])
    for event in (removal(talk, cast[role], seq), restoring(talk, cast[role], seq)):
        refused = outcome_of(event)
        assert isinstance(refused, Refused)
        assert refused.code == "missing"  # as for everybody who is outside
    refused = outcome_of(removal(talk, cast["member"], seq))
    assert isinstance(refused, Refused)
    assert refused.code == "forbidden"


def test_a_batch_with_a_removal_keeps_its_order(cast: Cast, room: Room) -> None:
    seq = said(room, cast["author"])
    outcomes = store(
        [post(room, cast["member"]), removal(room, cast["keeper"], seq), restoring(room, cast["author"], seq)]
    ).outcomes
    assert [isinstance(outcome, Committed) for outcome in outcomes] == [True, True, False]


def test_removed_words_are_sealed_again_with_a_newer_key_and_without_any_key_they_are_gone(
    cast: Cast, room: Room, settings: Settings
) -> None:
    first, second = said(room, cast["author"], "一つめ"), said(room, cast["author"], "二つめ")
    for seq in (first, second):
        outcome_of(removal(room, cast["keeper"], seq))
    [old] = settings.CLOSED_CHAT_KEYS
    settings.CLOSED_CHAT_KEYS = [b"\x07" * 32, old]
    assert reseal(limit=10) == 2
    settings.CLOSED_CHAT_KEYS = [b"\x07" * 32]
    assert isinstance(outcome_of(restoring(room, cast["moderator"], first)), Committed)
    settings.CLOSED_CHAT_KEYS = [b"\x08" * 32]
    refused = outcome_of(restoring(room, cast["moderator"], second))
    assert isinstance(refused, Refused)
    assert refused.code == "missing"


def test_words_that_were_removed_go_with_whoever_takes_their_words_along(cast: Cast, room: Room) -> None:
    seq = said(room, cast["author"], "住所はここ")
    store([removal(room, cast["moderator"], seq)])
    personal_data.erase([cast["author"]], words_go=True, by=personal_data.By.COMMAND)
    [outcome] = store([restoring(room, cast["moderator"], seq)]).outcomes
    assert isinstance(outcome, Refused)
    assert not RemovedMessage.objects.exists()


def test_a_hold_keeps_what_was_removed_of_somebody_who_leaves(cast: Cast, room: Room) -> None:
    seq, author = said(room, cast["author"], "消された脅し"), cast["author"]
    store([removal(room, cast["moderator"], seq)])
    holds.place(
        scope="person",
        subject=author.public_id,
        ground="order",
        paper="令状",
        ends_on=None,
        actor=cast["operator"],
    )
    personal_data.erase([author], words_go=True, by=personal_data.By.COMMAND)
    [word] = HeldWord.objects.all()
    place = vault.Place(word.room, word.seq, word.author, word.kind, word.target)
    assert vault.unseal(place, bytes(word.sealed), vault.Purpose.RESEALING) == "消された脅し"
