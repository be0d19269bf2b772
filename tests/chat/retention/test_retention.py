"""What is past its period is erased, what is held is not, and the job does what the public table says."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from chat import matching, people, personal_data, retention, rooms
from chat.messages import NewEvent
from chat.models import LoginEnd, Message, Pairing, Participant, Room, Ticket, User
from chat.people import Person
from compliance.law import Status
from compliance.law.retention import ROW, TABLE, Eraser, as_text, version
from compliance.models import Approval, Disclosure, Hold, Instance, LedgerEntry
from compliance.records import agreement, approvals, evidence, holds, ledger
from compliance.testing import agreed, lift_hold, sign_all, unguarded
from tests.compliance.cases import POWERS, standing
from tests.conftest import MakeUser
from tests.kit.store import store

pytestmark = pytest.mark.django_db

NOBODYS = {"contenttypes.ContentType", "auth.Permission", "auth.Group"}
"""Tables that hold nothing of anybody."""


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def past(key: str) -> datetime:
    """A moment just past a row's period."""
    days = ROW[key].days
    assert days is not None
    return ago(days + 0.01)


def within(key: str) -> datetime:
    """A moment just inside a row's period."""
    days = ROW[key].days
    assert days is not None
    return ago(days - 0.01)


# The table and the job ------------------------------------------------------------------------------------------------


def test_the_job_serves_exactly_the_rows_that_say_so() -> None:
    assert set(retention.JOBS) == {kept.key for kept in TABLE if kept.by is Eraser.JOB}
    assert all((kept.days is not None) for kept in TABLE if kept.by is Eraser.JOB)


def test_every_table_has_its_period_and_a_fate_when_a_person_is_erased() -> None:
    """No wildcard: whoever adds a table says for how long, and what becomes of a row that names somebody."""
    named = {name for kept in TABLE for name in kept.tables}
    models = {model._meta.label: model for model in apps.get_models() if not model._meta.proxy}
    assert named == set(models) - NOBODYS
    for label, model in models.items():
        people = [each for each in model._meta.get_fields() if each.many_to_one or each.one_to_one]
        about = [each for each in people if each.concrete and each.related_model is User]
        assert [f"{label}.{each.name}" for each in about if f"{label}.{each.name}" not in personal_data.PARTS] == []
    for kept in TABLE:
        assert (kept.key in retention.JOBS) is (kept.by is Eraser.JOB), kept.key
        assert kept.days or kept.by in {Eraser.PERSON, Eraser.OPERATOR, Eraser.NOBODY}, kept.key


#: Tables of which nothing is ever erased, and why that names nobody.
KEPT: Final = {
    "chat.ClosedRoomId": "a random number alone",
    **dict.fromkeys(
        (
            "compliance.LedgerEntry",
            "compliance.LedgerHead",
            "compliance.Signature",
            "compliance.Assessment",
            "compliance.Authorisation",
            "compliance.GateState",
            "compliance.Filing",
            "compliance.Happening",
            "compliance.Outage",
            "compliance.DutyMark",
        ),
        "the operator’s own record of what was filed, signed and done",
    ),
}


def test_what_is_kept_for_ever_is_the_operators_own_record_and_nothing_else() -> None:
    for_ever = {name for kept in TABLE if kept.by is Eraser.NOBODY for name in kept.tables}
    assert for_ever == set(KEPT)


def test_communication_history_is_kept_for_180_days_as_the_rule_base_proposes() -> None:
    assert {ROW[key].days for key in ("sign_ins", "closed_history", "server_logs")} == {180}


def test_each_row_says_what_how_long_why_and_how_it_ends_in_both_languages() -> None:
    assert len({kept.key for kept in TABLE}) == len(TABLE)
    for kept in TABLE:
        for told in (kept.what, kept.period, kept.why, kept.by):
            assert told.ja
            assert told.en
    assert len(as_text("ja").splitlines()) == len(as_text("en").splitlines()) == len(TABLE)


def test_the_public_page_shows_the_rows_that_the_job_runs_on(client: Client) -> None:
    shown = client.get("/legal/retention/").content.decode()
    for kept in TABLE:
        assert f'data-row="{kept.key}"' in shown
        assert kept.period.ja in shown
    assert version() in shown


# What is erased -------------------------------------------------------------------------------------------------------


@pytest.fixture
def talk(make_member: MakeUser, operator: User, settings: Any) -> Callable[[datetime], Room]:
    """Makes a closed talk with words in it that ended at a moment."""
    settings.STANDING = standing(Status.notified)
    sign_all(operator)

    def make(ended: datetime) -> Room:
        first, second = make_member(), make_member()
        for person in (first, second):
            matching.seek(person=Person.of(person))
        match = matching.pair(second.pk)
        assert match is not None
        store([NewEvent(match.room, Person.of(first), Message.Kind.MESSAGE, "内緒の話")])
        rooms.leave_room(person=Person.of(first), room=match.room)
        Room.objects.filter(pk=match.room).update(ended_at=ended)
        return Room.objects.get(pk=match.room)

    return make


def test_words_go_first_and_history_later(talk: Callable[[datetime], Room]) -> None:
    fresh, quiet, gone = talk(within("closed_words")), talk(past("closed_words")), talk(past("closed_history"))
    report = retention.purge()
    assert report.counts["closed_words"] == 2
    assert report.counts["closed_history"] == 1
    assert Message.objects.get(room=fresh).sealed
    silent = Message.objects.get(room=quiet)
    assert (silent.sealed, silent.body) == (None, None)
    assert silent.author is not None
    assert Participant.objects.filter(room=quiet).count() == 2
    assert not Room.objects.filter(pk=gone.pk).exists()
    assert not Pairing.objects.filter(room=gone.pk).exists()
    assert not Message.objects.filter(room=gone.pk).exists()


def test_a_room_that_everybody_left_counts_as_ended_and_a_living_one_does_not(
    talk: Callable[[datetime], Room], make_member: MakeUser
) -> None:
    left, living = (talk(past("closed_history")) for _each in range(2))
    Room.objects.update(ended_at=None)
    Participant.objects.filter(room=left).update(left_at=past("closed_history"))
    Participant.objects.filter(room=living).update(left_at=None, joined_at=ago(900))
    Room.objects.filter(pk=living.pk).update(created_at=ago(900), last_at=ago(900))
    retention.purge()
    assert list(Room.objects.values_list("pk", flat=True)) == [living.pk]
    assert Message.objects.get(room=living).sealed


def test_open_rooms_are_left_to_their_authors(user: User) -> None:
    room = rooms.create_open_room(actor=user, name="広場")
    store([NewEvent(room.pk, Person.of(user), Message.Kind.MESSAGE, "みんなへ")])
    Message.objects.update(at=ago(4000))
    Room.objects.update(created_at=ago(4000), last_at=ago(4000))
    retention.purge()
    assert Message.objects.get().body == "みんなへ"


def test_guests_go_when_they_neither_came_nor_wrote(user: User) -> None:
    idle, writer, recent = (people.enter_as_guest(nickname=name) for name in ("去る", "書く", "来る"))
    User.objects.filter(is_guest=True).update(date_joined=past("guests"))
    User.objects.filter(pk=recent.pk).update(last_login=within("guests"))
    User.objects.filter(pk=user.pk).update(date_joined=ago(4000))
    room = rooms.create_open_room(actor=user, name="広場")
    store([NewEvent(room.pk, Person.of(writer), Message.Kind.MESSAGE, "また来ます")])
    assert retention.purge().counts["guests"] == 1
    assert set(User.objects.values_list("pk", flat=True)) == {user.pk, writer.pk, recent.pk}
    Message.objects.update(at=past("guests"))
    assert retention.purge().counts["guests"] == 1
    kept = Message.objects.get()
    assert (kept.author, kept.author_name, kept.body) == (None, "退会した人", "また来ます")
    assert not User.objects.filter(pk=idle.pk).exists()


def test_the_times_of_sign_ins_are_forgotten_and_the_accounts_are_not(user: User, other: User) -> None:
    User.objects.filter(pk=user.pk).update(last_login=past("sign_ins"))
    User.objects.filter(pk=other.pk).update(last_login=within("sign_ins"))
    factor = Authenticator.objects.create(user=user, type="totp", data={}, last_used_at=past("sign_ins"))
    assert retention.purge().counts["sign_ins"] == 2
    user.refresh_from_db()
    other.refresh_from_db()
    factor.refresh_from_db()
    assert (user.last_login, factor.last_used_at) == (None, None)
    assert other.last_login is not None


def test_what_only_serves_for_a_while_goes(user: User, other: User) -> None:
    Session.objects.create(session_key="old", session_data="", expire_date=past("sessions"))
    Session.objects.create(session_key="new", session_data="", expire_date=timezone.now())
    LoginEnd.objects.create(session="old", at=past("sessions"))
    LoginEnd.objects.create(session="new", at=within("sessions"))
    Ticket.objects.create(user=user, heartbeat_at=past("tickets"))
    Ticket.objects.create(user=other, heartbeat_at=within("tickets"))
    Instance.objects.create(id=uuid4(), fingerprint="", seen_at=past("instances"))
    Instance.objects.create(id=uuid4(), fingerprint="", seen_at=within("instances"))
    for moment in (past("admin_log"), within("admin_log")):
        entry = LogEntry.objects.create(
            user=user, content_type=ContentType.objects.first(), object_id="1", object_repr="", action_flag=CHANGE
        )
        LogEntry.objects.filter(pk=entry.pk).update(action_time=moment)
    counts = retention.purge().counts
    assert {key for key, count in counts.items() if count} == {"sessions", "tickets", "instances", "admin_log"}
    assert [Session.objects.get().session_key, Ticket.objects.get().user] == ["new", other]
    assert Instance.objects.count() == LogEntry.objects.count() == 1
    assert [end.session for end in LoginEnd.objects.filter(person=None)] == ["new"]


def test_many_rows_are_erased_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.retention.run.BATCH", 2)
    for number in range(5):
        Session.objects.create(session_key=str(number), session_data="", expire_date=past("sessions"))
    assert retention.purge().counts["sessions"] == 5
    assert not Session.objects.exists()


# On record ------------------------------------------------------------------------------------------------------------


def test_a_run_puts_its_counts_into_the_ledger_and_a_dry_one_does_nothing() -> None:
    Session.objects.create(session_key="old", session_data="", expire_date=past("sessions"))
    out = StringIO()
    call_command("purge", "--dry-run", stdout=out)
    assert "1 sessions" in out.getvalue()
    assert Session.objects.exists()
    assert not LedgerEntry.objects.exists()
    call_command("purge", stdout=StringIO())
    assert not Session.objects.exists()
    entry = LedgerEntry.objects.get(event="retention.purged")
    assert entry.payload["counts"]["sessions"] == 1
    assert (entry.payload["table"], entry.payload["stopped"]) == (version(), False)
    of_talks = {
        "closed_running",
        "closed_history",
        "closed_words",
        "tickets",
        "taken_back",
        "reports",
        "held_copies",
        "holds",
    }
    # Of these, "1" would tell that a talk took place, or that somebody was asked about.
    assert set(entry.payload["counts"]) == set(retention.JOBS) - of_talks
    assert ledger.verify() is None


def test_running_again_finds_nothing(talk: Callable[[datetime], Room]) -> None:
    talk(past("closed_words"))
    retention.purge()
    assert set(retention.purge().counts.values()) == {0}


# Legal holds ----------------------------------------------------------------------------------------------------------


def hold(operator: User, scope: str, subject: UUID | None = None, **more: Any) -> Hold:
    until = timezone.localdate() + timedelta(days=30)
    given: dict[str, Any] = {"ground": "order", "paper": "官署・番号・日付", "ends_on": until}
    return holds.place(scope=scope, subject=subject, actor=operator, **(given | more))


def test_a_hold_on_everything_stops_the_job(talk: Callable[[datetime], Room], operator: User) -> None:
    room = talk(past("closed_history"))
    held = hold(operator, "everything")
    report = retention.purge()
    assert (report.stopped, dict(report.counts)) == (True, {})
    assert LedgerEntry.objects.filter(event="retention.purged").latest("seq").payload["stopped"] is True
    assert Message.objects.get(room=room).sealed
    lift_hold(hold=held, reason="期間の満了", actor=operator)
    assert retention.purge().counts["closed_history"] == 1


@pytest.mark.parametrize("scope", ["room", "person"])
def test_a_hold_keeps_what_it_names_and_no_more(scope: str, talk: Callable[[datetime], Room], operator: User) -> None:
    named, other = talk(past("closed_history")), talk(past("closed_history"))
    participant = Participant.objects.filter(room=named).select_related("user").first()
    assert participant is not None
    subject = named.pk if scope == "room" else participant.user.public_id
    User.objects.update(last_login=past("sign_ins"))
    hold(operator, scope, subject)
    report = retention.purge()
    assert not Room.objects.filter(pk=other.pk).exists()
    assert Message.objects.get(room=named).sealed
    participant.user.refresh_from_db()
    assert (participant.user.last_login is None) is (scope == "room")
    assert report.counts["closed_history"] == 1


def test_a_hold_on_a_guest_keeps_them(operator: User) -> None:
    guest = people.enter_as_guest(nickname="旅人")
    User.objects.filter(pk=guest.pk).update(date_joined=past("guests"))
    hold(operator, "person", guest.public_id)
    assert retention.purge().counts["guests"] == 0
    assert User.objects.filter(pk=guest.pk).exists()


def test_a_hold_ends_with_its_last_day(operator: User) -> None:
    today = timezone.localdate()
    hold(operator, "everything", ends_on=today)
    assert holds.live(today).everything
    assert not holds.live(today + timedelta(days=1)).everything
    hold(operator, "everything", ground="order", ends_on=None)
    assert holds.live(today + timedelta(days=9999)).everything


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("subject", {"scope": "person", "subject": None}),
        ("subject", {"scope": "everything", "subject": uuid4()}),
        ("paper", {"paper": " "}),
        ("ends_on", {"ends_on": None, "ground": "case"}),
        ("ends_on", {"ends_on": timezone.localdate() - timedelta(days=1)}),
        ("scope", {"ground": "freeze"}),
        ("subject", {"scope": "person", "subject": uuid4()}),
        ("subject", {"scope": "room", "subject": uuid4()}),
    ],
)
def test_a_hold_says_what_why_and_until_when(field: str, more: dict[str, Any], operator: User) -> None:
    given = {"scope": "everything", "subject": None} | more
    with pytest.raises(ValidationError) as refused:
        hold(operator, **given)
    assert set(refused.value.message_dict) == {field}
    assert not Hold.objects.exists()


def test_the_database_refuses_a_hold_that_names_nothing(operator: User) -> None:
    for wrong in (
        {"scope": "person", "ground": "order"},
        {"scope": "everything", "ground": "freeze"},
        {"scope": "everything", "ground": "order", "lift_reason": "x"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Hold.objects.create(paper="x", placed_by=operator, **wrong)


def freeze(operator: User, subject: UUID, days: int = 30, **more: Any) -> Hold:
    until = timezone.localdate() + timedelta(days=days)
    return hold(operator, "room", subject, **{"ground": "freeze", "ends_on": until} | more)


def test_a_freeze_keeps_the_history_of_a_talk_and_not_its_words(
    talk: Callable[[datetime], Room], operator: User
) -> None:
    frozen, ordered = talk(past("closed_history")), talk(past("closed_history"))
    freeze(operator, frozen.pk)
    hold(operator, "room", ordered.pk)
    retention.purge()
    kept = Message.objects.get(room=frozen)
    assert (kept.sealed, kept.body) == (None, None)
    assert kept.author_name
    assert Participant.objects.filter(room=frozen).count() == 2
    assert Message.objects.get(room=ordered).sealed


@pytest.mark.parametrize(("days", "refused"), [(30, False), (31, True), (60, True)])
def test_a_freeze_holds_for_thirty_days_at_first(*, days: int, refused: bool, operator: User) -> None:
    room = rooms.create_open_room(actor=operator, name="控えの間")
    if not refused:
        freeze(operator, room.pk, days)
        return
    with pytest.raises(ValidationError) as fault:
        freeze(operator, room.pk, days)
    assert set(fault.value.message_dict) == {"ends_on"}


def test_a_freeze_is_extended_once_and_to_sixty_days_in_all(operator: User) -> None:
    room, today = rooms.create_open_room(actor=operator, name="控えの間"), timezone.localdate()
    held = freeze(operator, room.pk)
    for day in (today + timedelta(days=30), today + timedelta(days=61), None):
        with pytest.raises(ValidationError) as refused:
            holds.extend(hold=held, ends_on=day, paper="第2号", actor=operator)
        assert set(refused.value.message_dict) == {"extend_to"}
    with pytest.raises(ValidationError) as refused:
        holds.extend(hold=held, ends_on=today + timedelta(days=60), paper=" ", actor=operator)
    assert set(refused.value.message_dict) == {"extension_paper"}
    holds.extend(hold=held, ends_on=today + timedelta(days=45), paper="第2号", actor=operator)
    assert room.pk in holds.live(today + timedelta(days=45)).rooms
    assert room.pk not in holds.live(today + timedelta(days=46)).rooms
    with pytest.raises(ValidationError, match=r"二度目の延長|second extension"):
        holds.extend(hold=held, ends_on=today + timedelta(days=60), paper="第3号", actor=operator)
    entry = LedgerEntry.objects.get(event="hold.extended")
    assert str(room.pk) not in str(entry.payload)
    assert "第2号" not in str(entry.payload)


def test_a_short_freeze_is_extended_by_thirty_days_at_most(operator: User) -> None:
    room, today = rooms.create_open_room(actor=operator, name="控えの間"), timezone.localdate()
    held = freeze(operator, room.pk, 10)
    assert holds.latest_extension(held) == today + timedelta(days=40)


@pytest.mark.parametrize("after", [1, 31, 61, 200])
def test_no_second_freeze_follows_for_the_same_records(after: int, operator: User) -> None:
    room, other = (rooms.create_open_room(actor=operator, name=name) for name in ("一の間", "二の間"))
    freeze(operator, room.pk)
    with time_machine.travel(timezone.now() + timedelta(days=after), tick=False):
        with pytest.raises(ValidationError) as refused:
            freeze(operator, room.pk)
        assert set(refused.value.message_dict) == {"subject"}
        assert freeze(operator, other.pk).pk
        assert hold(operator, "room", room.pk).pk  # a court order can
    with time_machine.travel(timezone.now() + timedelta(days=300), tick=False):
        assert freeze(operator, room.pk).pk  # nothing of what the first one kept is left


def test_only_a_live_freeze_is_extended(operator: User) -> None:
    room, today = rooms.create_open_room(actor=operator, name="控えの間"), timezone.localdate()
    ordered, lifted = hold(operator, "room", room.pk), freeze(operator, room.pk)
    lift_hold(hold=lifted, reason="取消し", actor=operator)
    for held in (ordered, lifted):
        with pytest.raises(ValidationError) as refused:
            holds.extend(hold=held, ends_on=today + timedelta(days=40), paper="第2号", actor=operator)
        assert set(refused.value.message_dict) == {"extend_to"}


def test_a_talk_in_which_nobody_writes_any_more_ends_and_its_periods_begin(
    talk: Callable[[datetime], Room],
) -> None:
    idle, lively = talk(timezone.now()), talk(timezone.now())
    for room in (idle, lively):
        Room.objects.filter(pk=room.pk).update(ended_at=None)
        Participant.objects.filter(room=room).update(left_at=None)
        Pairing.objects.filter(room=room).update(ended_at=None)
    Room.objects.filter(pk=idle.pk).update(last_at=past("closed_running"))
    Room.objects.filter(pk=lively.pk).update(last_at=within("closed_running"))
    assert retention.purge().counts["closed_running"] == 1
    idle.refresh_from_db()
    lively.refresh_from_db()
    assert idle.ended_at is not None
    assert lively.ended_at is None
    assert not Participant.objects.filter(room=idle, left_at__isnull=True).exists()
    assert not Pairing.objects.filter(room=idle, ended_at__isnull=True).exists()
    assert Message.objects.get(room=idle).sealed  # the words keep their own period from the end on
    Room.objects.filter(pk=idle.pk).update(ended_at=past("closed_words"))
    retention.purge()
    assert Message.objects.get(room=idle).sealed is None


def test_the_ledger_knows_of_a_hold_but_not_whom_it_is_about(operator: User) -> None:
    subject = operator.public_id
    held = hold(operator, "person", subject, paper="○○警察署 第1号")
    lift_hold(hold=held, reason="満了", actor=operator)
    with pytest.raises(ValidationError):
        lift_hold(hold=held, reason="もう一度", actor=operator)
    for entry in LedgerEntry.objects.all():
        assert str(subject) not in str(entry.payload)
        assert "警察署" not in str(entry.payload)
    written = LedgerEntry.objects.exclude(event__in=POWERS).values_list("event", flat=True)
    assert list(written) == ["hold.placed", "hold.lifted"]


def test_holds_are_placed_and_lifted_in_the_admin(desk: Client, operator: User) -> None:
    add, given = "/admin/compliance/hold/add/", {"scope": "room", "ground": "freeze", "paper": "第1号"}
    assert desk.get(add).status_code == 200
    refused = desk.post(add, given)
    assert refused.status_code == 200
    assert {"subject", "ends_on"} == set(refused.context["adminform"].form.errors)
    unknown = desk.post(add, given | {"subject": str(uuid4()), "ends_on": str(timezone.localdate())})
    assert {"subject"} == set(unknown.context["adminform"].form.errors)
    room, until = rooms.create_open_room(actor=operator, name="控えの間").pk, timezone.localdate() + timedelta(days=30)
    assert desk.post(add, given | {"subject": str(room), "ends_on": str(until)}).status_code == 302
    held = Hold.objects.get()
    assert (held.subject, held.placed_by, held.ends_on) == (room, operator, until)
    page = f"/admin/compliance/hold/{held.pk}/change/"
    assert desk.get("/admin/compliance/hold/").status_code == 200
    assert desk.post(page, {"lift_reason": ""}).status_code == 200
    assert "extend_to" in desk.get(page).content.decode()
    late = {"lift_reason": "", "extend_to": str(until + timedelta(days=31)), "extension_paper": "第2号"}
    assert desk.post(page, late).status_code == 200
    both = late | {"extend_to": str(until + timedelta(days=1)), "lift_reason": "満了"}
    assert desk.post(page, both).status_code == 200
    assert desk.post(page, both | {"lift_reason": ""}).status_code == 302
    held.refresh_from_db()
    assert (held.ends_on, held.extension_paper, held.extended_by) == (until + timedelta(days=1), "第2号", operator)
    assert "extend_to" not in desk.get(page).content.decode()
    assert desk.post(page, {"lift_reason": "満了", "paper": "書き換え"}).status_code == 302
    held.refresh_from_db()
    assert held.lifted_at is None, "a second person agrees first"
    holds.lift(hold=held, approval=agreed(Approval.objects.get()), actor=operator)
    held.refresh_from_db()
    assert (held.lifted_by, held.lift_reason, held.paper) == (operator, "満了", "第1号")
    assert desk.post(page, {"lift_reason": "再び"}).status_code == 403
    assert desk.post(f"/admin/compliance/hold/{held.pk}/delete/").status_code == 403


# What names people beside the chat ------------------------------------------------------------------------------------


def days_on(days: int) -> Any:
    """Some days later."""
    return time_machine.travel(timezone.now() + timedelta(days=days), tick=False)


@pytest.mark.parametrize("kind", ["lifted", "extended", "everything"])
def test_a_hold_that_is_over_forgets_whom_it_named(kind: str, operator: User) -> None:
    room = rooms.create_open_room(actor=operator, name="控えの間")
    if kind == "extended":
        held = freeze(operator, room.pk)
        until = timezone.localdate() + timedelta(days=45)
        holds.extend(hold=held, ends_on=until, paper="捜査第2号", actor=operator)
    else:
        held = hold(operator, "everything" if kind == "everything" else "room", room.pk if kind == "lifted" else None)
        lift_hold(hold=held, reason="済み", actor=operator)
    with days_on(300):
        assert retention.purge().counts.get("holds") == 0
    # The clock of the database does not travel; only to lift a hold takes none.
    with days_on(366 + 45), unguarded("hold_emptied") if kind == "extended" else nullcontext():
        assert retention.purge().counts.get("holds") == 1
        assert retention.purge().counts.get("holds") == 0
        held.refresh_from_db()
        assert held.subject in {None, holds.NOBODY}
        assert "号" not in held.paper + held.extension_paper
        assert (held.placed_by, held.ground) == (operator, "freeze" if kind == "extended" else "order")
        assert agreement.differences() == []


def test_a_hold_that_is_not_over_cannot_be_emptied(operator: User) -> None:
    room = rooms.create_open_room(actor=operator, name="控えの間")
    held = hold(operator, "room", room.pk)
    for changes in ({"paper": ""}, {"subject": holds.NOBODY}, {"paper": "", "subject": holds.NOBODY}):
        with pytest.raises(IntegrityError, match="until it is over"), transaction.atomic():
            Hold.objects.filter(pk=held.pk).update(**changes)
    lift_hold(hold=held, reason="済み", actor=operator)
    with pytest.raises(IntegrityError, match="until it is over"), transaction.atomic():
        Hold.objects.filter(pk=held.pk).update(paper="別の書面")


def test_the_name_of_a_second_person_from_outside_goes_after_a_year(operator: User) -> None:
    asked = approvals.request(kind=Approval.Kind.STOP_LIFT, subject="1", reason="点検", actor=operator)
    approvals.name_outside(approval=asked, name="外部の人", actor=operator)
    assert retention.purge().counts["approvals"] == 0
    with days_on(366):
        assert retention.purge().counts["approvals"] == 1
    asked.refresh_from_db()
    assert (asked.outside_name, asked.reason) == ("", "点検")


@pytest.mark.parametrize("end", ["reviewed", "refused", "unmade", "open"])
def test_a_disclosure_without_a_case_forgets_whom_it_was_about(
    end: str, operator: User, make_user: MakeUser, settings: Any, tmp_path: Path
) -> None:
    settings.EVIDENCE_ROOT = tmp_path
    now, second = timezone.now(), make_user()
    made: dict[str, Any] = {"made_at": now, "sha256": evidence.keep(b"extract"), "alone": True}
    how = {
        "reviewed": {**made, "reviewed_at": now, "reviewed_by": second, "finding": "花子さんの件"},
        "refused": {"refused_at": now, "refused_by": second, "refusal": "花子さんの件"},
        "unmade": {},
        "open": made,
    }[end]
    row = Disclosure.objects.create(
        ground="danger", reason="花子さんの件", people=[str(uuid4())], since=now, until=now, asked_by=operator, **how
    )
    assert retention.purge().counts["cases"] == 0
    with days_on(366):
        assert retention.purge().counts["cases"] == (end != "open")
        assert retention.purge().counts["cases"] == 0
    row.refresh_from_db()
    kept = f"{row.reason}{row.refusal}{row.finding}{row.people}"
    assert ("花子" in kept) is (end == "open"), "what nobody reviewed waits for its review"
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert bool(files) is (end != "reviewed"), "its extract goes with it"
