"""Whoever is erased is nowhere any more; what a hold keeps is sealed, apart, and goes after the hold."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import matching, people, personal_data, retention, rooms
from chat.messages import NewEvent, after, latest
from chat.models import Block, HeldCopy, HeldWord, Message, Participant, PendingSignup, Room, User
from chat.people import Person
from chat.personal_data import held
from chat.protocol import encode
from compliance import vault
from compliance.law import Mode, Status
from compliance.models import Actor, Hold, LedgerEntry
from compliance.records import holds, ledger, powers
from compliance.testing import lift_hold, unguarded
from tests.compliance.cases import standing
from tests.conftest import PASSWORD, MakeUser, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db

NAME, ADDRESS = "消える会員の名", "kieru.kaiin@example.jp"
OPEN, CLOSED = "広場で話したこと", "内緒で話したこと"
SAY = Message.Kind.MESSAGE
RESEALING = vault.Purpose.RESEALING


@pytest.fixture(autouse=True)
def open_gate(settings: Settings, db: None) -> None:
    """Closed chat is on by the deployer's key alone."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    settings.CHAT_RATE_LIMITS = False


@pytest.fixture
def goes(make_member: MakeUser) -> User:
    """A member with all that a member can have."""
    return make_member(NAME, email=ADDRESS, password="nur meins allein")


@pytest.fixture
def partner(make_member: MakeUser) -> User:
    """Whom they talk with."""
    return make_member("相手")


@pytest.fixture
def square(partner: User) -> Room:
    """An open room of somebody else."""
    return rooms.create_open_room(actor=partner, name="広場", slug="square")


@pytest.fixture
def talk(goes: User, partner: User) -> UUID:
    """A closed talk of the two."""
    for person in (goes, partner):
        matching.seek(person=Person.of(person))
    match = matching.pair(partner.pk)
    assert match is not None
    return match.room


@pytest.fixture
def life(goes: User, partner: User, operator: User, square: Room, talk: UUID) -> Client:
    """They wrote, were answered, blocked, signed in, and staff did something about them. Their browser."""
    browser = signed_in(goes)
    say(square, goes, OPEN)
    say(square, partner, "返事")
    say(square, goes, "二つめ")
    store([NewEvent(square.pk, Person.of(goes), Message.Kind.EDIT, f"{OPEN}、なおした", target=1)])
    say(Room.objects.get(pk=talk), goes, CLOSED)
    Block.objects.create(blocker=goes, blocked=operator)
    Block.objects.create(blocker=operator, blocked=goes)
    rooms.create_open_room(actor=goes, name="部屋", slug="theirs")
    Authenticator.objects.create(user=goes, type=Authenticator.Type.TOTP, data={"secret": "x"})
    about = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=operator, content_type=about, object_id=str(goes.pk), object_repr=str(goes), action_flag=CHANGE
    )
    return browser


def say(room: Room, person: User, body: str) -> None:
    store([NewEvent(room.pk, Person.of(person), SAY, body)])


def everything() -> str:
    """Every value of every table, as text."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values():
            found += [bytes(value) if isinstance(value, memoryview) else value for value in row.values()]
    sessions = [session.get_decoded() for session in Session.objects.all()]
    return repr(found) + repr(sessions)


def traces(person: dict[str, Any]) -> list[str]:
    """Which of a person's values stand in a table, on a page or in a frame."""
    text = everything()
    text += Client().get("/rooms/square/").content.decode()
    text += "".join(encode(item).decode() for item in latest("square", None).items)
    return [key for key, value in person.items() if str(value) in text]


def personal(user: User) -> dict[str, Any]:
    return {"name": user.name, "email": user.email, "id": user.public_id, "hex": user.public_id.hex} | {
        "password": user.password
    }


# What goes ------------------------------------------------------------------------------------------------------------


def test_no_table_page_or_frame_names_whoever_was_erased(goes: User, partner: User, life: Client) -> None:
    known = personal(goes)
    assert set(traces(known)) >= {"name", "email", "password"}
    personal_data.erase([goes])
    assert traces(known) == []
    assert not User.objects.filter(pk=goes.pk).exists()
    said = Message.objects.filter(author_name="退会した人")
    assert {(row.author, row.author_role, row.client_id) for row in said} == {(None, "left", None)}
    assert OPEN in everything()


def test_words_in_open_rooms_go_if_they_want_it_and_readers_see_them_go(
    goes: User, partner: User, life: Client, square: Room
) -> None:
    seen = latest("square", None).head
    personal_data.erase([goes], words_go=True)
    assert OPEN not in everything()
    assert "返事" in everything()
    news = after("square", None, seen).items
    assert [(item.kind, item.target, item.author.role) for item in news] == [
        ("delete", 1, "left"),
        ("delete", 3, "left"),
    ]


def test_words_of_closed_talk_stay_with_the_other_one_without_the_name(
    goes: User, partner: User, life: Client, talk: UUID
) -> None:
    personal_data.erase([goes], words_go=True)
    [item] = [item for item in latest(talk, partner.pk).items if item.body]
    assert (item.body, item.author.id, item.author.name, item.author.role) == (CLOSED, None, "退会した人", "left")


def test_a_page_names_them_in_the_readers_language(goes: User, life: Client) -> None:
    personal_data.erase([goes])
    shown = {
        language: Client(headers={"accept-language": language}).get("/rooms/square/").content.decode()
        for language in ("ja", "en")
    }
    assert "退会した人" in shown["ja"]
    assert "A person who left" in shown["en"]
    assert "退会した人" not in shown["en"]


def test_sessions_end_and_the_talk_ends_for_the_partner(goes: User, partner: User, life: Client, talk: UUID) -> None:
    assert life.get("/account/export/").status_code in {200, 302}
    personal_data.erase([goes])
    assert "_auth_user_id" not in {key for each in Session.objects.all() for key in each.get_decoded()}
    [parting] = matching.part(looks_at_all=True)
    assert (parting.room, parting.reasons[partner.pk]) == (talk, "partner_gone")


def test_processes_forget_what_they_remember_of_rooms_with_the_name(goes: User, life: Client, square: Room) -> None:
    before = Room.objects.get(pk=square.pk).revision
    personal_data.erase([goes])
    assert Room.objects.get(pk=square.pk).revision == before + 1


def test_a_guest_goes_as_well_with_what_they_began(square: Room) -> None:
    guest = people.enter_as_guest(nickname=NAME)
    PendingSignup.objects.create(guest=guest, email=ADDRESS, name=NAME, password="x", code="")
    say(square, guest, OPEN)
    personal_data.erase([guest])
    assert traces({"name": NAME, "email": ADDRESS}) == []
    assert not LedgerEntry.objects.filter(event="account.erased").exists()


def test_an_erasure_is_all_or_nothing(goes: User, life: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    known = personal(goes)

    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("chat.personal_data.erasure._let_go", fails)
    with pytest.raises(RuntimeError):
        personal_data.erase([goes])
    assert set(traces(known)) >= {"name", "email"}


# Staff and the records ------------------------------------------------------------------------------------------------


def test_powers_are_taken_first_and_the_last_operator_stays(operator: User, make_user: MakeUser) -> None:
    with pytest.raises(personal_data.NotErasable, match=r"最後の運営者|last operator"):
        personal_data.erase([operator])
    second = make_user("二人目", is_staff=True, is_superuser=True)
    with pytest.raises(personal_data.NotErasable, match=r"権限|powers"):
        personal_data.erase([operator])
    assert User.objects.filter(pk__in=[operator.pk, second.pk], erased_at=None).count() == 2


def test_who_signed_stays_as_an_empty_account_and_the_ledger_holds(
    operator: User, make_user: MakeUser, square: Room
) -> None:
    make_user("二人目", is_staff=True, is_superuser=True)
    hold = holds.place(scope="room", subject=square.pk, ground="order", paper="令状", ends_on=None, actor=operator)
    lift_hold(hold=hold, reason="済み", actor=operator)
    User.objects.filter(pk=operator.pk).update(is_staff=False, is_superuser=False)
    known = personal(User.objects.get(pk=operator.pk))
    powers.reconcile()
    entries = LedgerEntry.objects.count()
    personal_data.erase([User.objects.get(pk=operator.pk)])
    left = User.objects.get(pk=operator.pk)
    assert (left.email, left.name, left.is_active, left.has_usable_password()) == (None, "退会した人", False, False)
    assert traces({key: known[key] for key in ("email", "id")}) == []
    assert Hold.objects.get().placed_by == left
    assert not Authenticator.objects.filter(user=left).exists()
    powers.reconcile()
    assert LedgerEntry.objects.count() == entries  # nothing is told of an account that can do nothing
    assert ledger.verify() is None
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=left.pk).update(name="また来た")


def test_the_entry_says_that_it_was_done_and_not_who_it_was(goes: User, life: Client) -> None:
    ref = ledger.actor_of(goes).ref
    out = StringIO()
    call_command("erase", ADDRESS, "--reason", "本人の郵便による請求", stdout=out)
    entry = LedgerEntry.objects.get(event="account.erased")
    assert entry.payload == {
        "account": ref,
        "by": "command",
        "open_words": "stay",
        "reason": "本人の郵便による請求",
    }
    assert Actor.objects.get(ref=ref).user is None
    assert ledger.verify() is None
    with pytest.raises(CommandError):
        call_command("erase", ADDRESS, stdout=out)


def test_the_command_takes_the_public_id_and_refuses_staff(goes: User, operator: User) -> None:
    call_command("erase", str(goes.public_id), "--words", "go", stdout=StringIO())
    assert not User.objects.filter(pk=goes.pk).exists()
    with pytest.raises(CommandError):
        call_command("erase", operator.email, stdout=StringIO())


# The database ---------------------------------------------------------------------------------------------------------


def _by_hand(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chat_user WHERE id = %s", [user.pk])


DELETES: dict[str, Callable[[User], object]] = {
    "the shell": lambda user: user.delete(),
    "a query": lambda user: User.objects.filter(pk=user.pk).delete(),
    "by hand": _by_hand,
    "raw": lambda user: User.objects.filter(pk=user.pk)._raw_delete("default"),
}


@pytest.mark.parametrize("how", DELETES)
def test_a_plain_delete_is_refused_with_the_command_that_erases(user: User, how: str) -> None:
    with pytest.raises(IntegrityError, match=r"manage\.py erase"), transaction.atomic():
        DELETES[how](user)
    assert User.objects.filter(pk=user.pk).exists()


def test_nobody_is_marked_as_erased_who_still_has_a_name(user: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(erased_at=timezone.now())


# Holds ----------------------------------------------------------------------------------------------------------------


def hold(operator: User, scope: str, subject: UUID | None, ground: str = "order", days: int | None = None) -> Hold:
    ends_on = timezone.localdate() + timedelta(days=days) if days is not None else None
    return holds.place(scope=scope, subject=subject, ground=ground, paper="令状", ends_on=ends_on, actor=operator)


def opened(copy: HeldCopy) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(
        vault.unseal(held._place(copy.person, copy.hold_id), bytes(copy.facts), RESEALING)
    )
    return facts


def words_of(copy: HeldCopy) -> set[str]:
    return {
        vault.unseal(
            vault.Place(word.room, word.seq, word.author, word.kind, word.target), bytes(word.sealed), RESEALING
        )
        for word in copy.words.all()
    }


def test_an_order_on_a_person_keeps_account_history_and_words_sealed(
    goes: User, operator: User, life: Client, talk: UUID
) -> None:
    hold(operator, "person", goes.public_id)
    known = personal(goes)
    personal_data.erase([goes], words_go=True)
    assert set(traces(known)) <= {"id", "hex"}  # the hold itself names the id
    assert OPEN not in everything()
    copy = HeldCopy.objects.get()
    facts = opened(copy)
    assert (facts["account"]["name"], facts["account"]["email"]) == (NAME, ADDRESS)
    assert [row["room_id"] for row in facts["rooms"]] == [str(talk)]
    assert len(facts["events"]) == 4
    assert words_of(copy) == {f"{OPEN}、なおした", OPEN, "二つめ", CLOSED}


def test_a_freeze_keeps_history_and_no_words(goes: User, operator: User, life: Client) -> None:
    hold(operator, "person", goes.public_id, "freeze", 30)
    personal_data.erase([goes], words_go=True)
    assert len(opened(HeldCopy.objects.get())["events"]) == 4
    assert not HeldWord.objects.exists()


def test_a_hold_on_the_other_one_keeps_with_whom_they_talked_and_nothing_else(
    goes: User, partner: User, operator: User, life: Client, talk: UUID
) -> None:
    hold(operator, "person", partner.public_id)
    personal_data.erase([goes])
    facts = opened(HeldCopy.objects.get())
    assert {row[0] for row in facts["events"]} == {str(talk)}


@pytest.mark.parametrize("about", ["room", "everything"])
def test_a_hold_on_a_room_or_on_everything_keeps_its_own(
    about: str, goes: User, operator: User, life: Client, square: Room
) -> None:
    hold(operator, about, square.pk if about == "room" else None)
    personal_data.erase([goes], words_go=True)
    rooms_kept = {row[0] for row in opened(HeldCopy.objects.get())["events"]}
    assert (rooms_kept == {str(square.pk)}) is (about == "room")
    assert OPEN in words_of(HeldCopy.objects.get())


def test_a_hold_on_somebody_else_keeps_nothing(goes: User, user: User, operator: User, life: Client) -> None:
    hold(operator, "person", user.public_id)
    personal_data.erase([goes])
    assert not HeldCopy.objects.exists()


def test_what_is_kept_stays_while_the_hold_lasts_and_goes_after_it(goes: User, operator: User, life: Client) -> None:
    placed = hold(operator, "person", goes.public_id)
    personal_data.erase([goes])
    retention.purge()
    with pytest.raises(IntegrityError, match="hold"), transaction.atomic():
        HeldCopy.objects.all().delete()
    assert HeldCopy.objects.count() == 1
    lift_hold(hold=placed, reason="済み", actor=operator)
    retention.purge()
    assert HeldCopy.objects.count() == 1  # for a day more
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        retention.purge()
    assert not HeldCopy.objects.exists()
    assert not HeldWord.objects.exists()


def test_a_hold_keeps_the_other_side_of_a_talk_whose_held_party_left(
    goes: User, partner: User, operator: User, life: Client, talk: UUID
) -> None:
    say(Room.objects.get(pk=talk), partner, "相手の言葉")
    answers = Message.objects.filter(room=talk, author=partner, sealed__isnull=False)
    placed = hold(operator, "person", goes.public_id)
    personal_data.erase([goes])
    rooms.end_rooms([talk])
    with time_machine.travel(timezone.now() + timedelta(days=40), tick=False):
        retention.purge()
        assert answers.exists()
        lift_hold(hold=placed, reason="済み", actor=operator)
    with time_machine.travel(timezone.now() + timedelta(days=43), tick=False):
        retention.purge()
        assert not answers.exists()


def test_what_is_kept_goes_after_the_last_day_of_a_hold(goes: User, operator: User, life: Client) -> None:
    placed = hold(operator, "person", goes.public_id, "freeze", 30)
    personal_data.erase([goes])
    with unguarded("hold_update", "hold_extended"):
        Hold.objects.filter(pk=placed.pk).update(ends_on=timezone.localdate() - timedelta(days=4))
    retention.purge()
    assert not HeldCopy.objects.exists()


def test_nobody_is_erased_while_records_could_not_be_sealed(
    goes: User, user: User, operator: User, settings: Settings, square: Room
) -> None:
    hold(operator, "person", goes.public_id)
    settings.CLOSED_CHAT_KEYS = []
    for person in (goes, user):  # nor anybody else: that one of them can leave would tell whom the hold names
        with pytest.raises(vault.Unsealable):
            personal_data.erase([person])
    assert User.objects.get(pk=goes.pk).email == ADDRESS


def test_another_key_seals_what_is_kept_anew(goes: User, operator: User, life: Client, settings: Settings) -> None:
    hold(operator, "person", goes.public_id)
    personal_data.erase([goes])
    new = b"n" * 32
    settings.CLOSED_CHAT_KEYS = [new, *settings.CLOSED_CHAT_KEYS]
    call_command("reseal", stdout=StringIO())
    settings.CLOSED_CHAT_KEYS = [new]
    copy = HeldCopy.objects.get()
    assert opened(copy)["account"]["email"] == ADDRESS
    assert CLOSED in words_of(copy)


# The page -------------------------------------------------------------------------------------------------------------


def proved(user: User) -> Client:
    """A browser in which this member has just said again who they are."""
    client = signed_in(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_leaving_asks_who_one_is_then_erases(make_member: MakeUser) -> None:
    goes = make_member(NAME, email=ADDRESS)
    stale = signed_in(goes)
    assert stale.get("/account/leave/").status_code == 200
    answer = stale.post("/account/leave/", {"words": "stay", "understood": "on"})
    assert answer.status_code == 302
    assert "/accounts/reauthenticate/" in answer["Location"]
    assert User.objects.filter(pk=goes.pk).exists()
    browser = proved(goes)
    page = browser.get("/account/leave/")
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert browser.post("/account/leave/", {"words": "go"}).status_code == 200  # it was not ticked
    assert User.objects.filter(pk=goes.pk).exists()
    gone = browser.post("/account/leave/", {"words": "go", "understood": "on"})
    assert gone.status_code == 200
    assert NAME not in gone.content.decode()
    assert not User.objects.filter(pk=goes.pk).exists()
    assert "_auth_user_id" not in browser.session
    entry = LedgerEntry.objects.get(event="account.erased")
    assert (entry.payload["by"], entry.payload["open_words"], entry.role) == ("person", "gone", "member")


def test_staff_and_guests_do_not_leave_by_the_page(operator: User) -> None:
    EmailAddress.objects.create(user=operator, email=operator.email, verified=True, primary=True)
    Authenticator.objects.filter(user=operator).delete()
    browser = proved(operator)
    shown = browser.get("/account/leave/").content.decode()
    assert "最後の運営者" in shown
    assert browser.post("/account/leave/", {"words": "stay", "understood": "on"}).status_code == 409
    assert User.objects.get(pk=operator.pk).erased_at is None
    guest = signed_in(people.enter_as_guest(nickname="客"))
    assert guest.get("/account/leave/").status_code == 403
    assert Client().get("/account/leave/").status_code == 302


def test_who_was_erased_can_come_again_with_the_same_address_and_name(goes: User) -> None:
    personal_data.erase([goes])
    again = User.objects.create_user(ADDRESS, name=people.free_name(NAME, role=""))
    assert again.pk != goes.pk
    assert uuid.UUID(str(again.public_id)) != goes.public_id
    assert Participant.objects.count() == 0
