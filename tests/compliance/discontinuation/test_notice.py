"""A planned end: told in time with its seven items, nothing new from then on, talks to the day, then off everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from msgspec.structs import replace

from chat import matching, rooms
from chat.messages import NewEvent
from chat.models import Message, Room, User
from chat.people import Person
from compliance import discontinuation, duties, gate
from compliance.discontinuation import Notice
from compliance.law import Cause, Ending, Status, Text
from compliance.law.duties import State
from compliance.models import Authorisation, GateState, LedgerEntry
from compliance.records import ledger
from compliance.testing import lift_stop, sign_all
from tests.compliance.cases import NOW, POWERS, standing
from tests.conftest import MakeUser, signed_in
from tests.kit.store import store

JAPAN = datetime.fromisoformat("2026-11-22T12:00:00+09:00")
END = date(2027, 1, 10)
PAGE = "/admin/compliance/closing/"


# Announcing -----------------------------------------------------------------------------------------------------------


def notice(**changes: Any) -> Notice:
    """A whole notice in time for `END`."""
    texts = {name: Text(f"{name}の説明", f"about {name}") for name in ("service", "reason", "contact")}
    texts |= {name: Text(f"{name}の説明", "") for name in ("alternatives", "protection")}
    return Notice(**{**texts, "on": END, "until": None, "suspension": False, "whole": False, **changes})


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, stopped at noon in Japan."""
    with time_machine.travel(JAPAN, tick=False) as traveller:
        yield traveller


@pytest.fixture
def opened(operator: User, settings: Any, clock: time_machine.Traveller) -> time_machine.Traveller:
    """Closed chat is on."""
    settings.STANDING = standing(Status.notified)
    settings.CHAT_RATE_LIMITS = False
    sign_all(operator)
    assert gate.reconcile().closed_chat().allowed
    return clock


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"on": date(2026, 12, 21)}, "on"),  # 29 days ahead
        ({"on": date(2027, 11, 21), "million": True}, "on"),
        ({"on": date(2026, 11, 22), "exception": "iv"}, "on"),
        ({"suspension": True}, "until"),
        ({"suspension": True, "until": date(2027, 1, 9)}, "until"),
        *(
            ({name: Text(" ", "x")}, f"{name}_ja")
            for name in ("service", "reason", "contact", "alternatives", "protection")
        ),
    ],
)
def test_an_end_that_is_too_near_or_says_too_little_is_refused(
    changes: dict[str, Any], field: str, operator: User
) -> None:
    with pytest.raises(ValidationError) as refused:
        discontinuation.announce(notice(**changes), actor=operator)
    assert field in refused.value.message_dict
    assert gate.current().ending is None
    assert not LedgerEntry.objects.exclude(event__in=POWERS).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "changes",
    [
        {"on": date(2026, 12, 22)},
        {"on": date(2027, 11, 22), "million": True},
        {"on": date(2026, 11, 23), "exception": "iv"},
        {"suspension": True, "until": date(2027, 3, 1)},
    ],
)
def test_an_end_in_time_is_announced_and_put_on_record(changes: dict[str, Any], operator: User) -> None:
    discontinuation.announce(notice(**changes), actor=operator)
    ending = gate.current().ending
    assert ending
    assert ending.on == changes.get("on", END)
    entry = LedgerEntry.objects.get(event="end.announced")
    assert entry.actor == ledger.actor_of(operator)
    assert entry.payload["notice"]["service"] == {"ja": "serviceの説明", "en": "about service"}
    assert entry.payload["notice"]["protection"]["en"] == "protectionの説明"  # without English, the Japanese
    assert ledger.verify() is None
    with pytest.raises(ValidationError, match=r"."):
        discontinuation.announce(notice(**changes), actor=operator)


# Winding down ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_nothing_new_is_begun_talks_go_on_to_the_day_and_then_all_is_off(
    opened: time_machine.Traveller, operator: User, make_member: MakeUser
) -> None:
    one, two, three, four = (make_member() for _ in range(4))
    for person in (one, two):
        matching.seek(person=Person.of(person))
    match = matching.pair(two.pk)
    assert match
    board = rooms.create_open_room(actor=one, name="lockable")
    for person in (three, four):
        matching.seek(person=Person.of(person))  # they wait already when the end is announced

    discontinuation.announce(notice(), actor=operator)
    assert matching.pair(four.pk) is None
    assert matching.sweep() == []
    for attempt in (
        lambda: matching.seek(person=Person.of(three)),
        lambda: rooms.lock_room(actor=one, room=board),
    ):
        with pytest.raises(gate.FeatureClosed) as shut:
            attempt()
        assert shut.value.decision.reasons[0].cause is Cause.winding_down
    assert Room.objects.filter(kind=Room.Kind.CLOSED).count() == 1
    rooms.create_open_room(actor=one, name="open rooms go on")

    said = NewEvent(match.room, Person.of(one), Message.Kind.MESSAGE, "まだ話せます")
    assert store([said]).items[match.room]
    opened.move_to(Ending(JAPAN, END).moment - timedelta(seconds=1))
    assert store([replace(said, body="まだ")]).items[match.room]

    opened.move_to(Ending(JAPAN, END).moment)
    assert not store([replace(said, body="もう")]).items
    assert not gate.reconcile().closed_chat().allowed
    authorisation = Authorisation.objects.get()
    assert [reason["cause"] for reason in authorisation.closed_because or ()] == [Cause.ended]
    assert Message.objects.filter(room=match.room).count() == 2  # nothing that was said is lost
    gate.reconcile()
    assert LedgerEntry.objects.filter(event="end.reached").count() == 1

    discontinuation.withdraw(reason="再開するため", actor=operator)
    assert gate.reconcile().closed_chat().allowed
    assert LedgerEntry.objects.get(event="end.withdrawn").payload["reached"] is True
    assert ledger.verify() is None


@pytest.mark.django_db
def test_the_day_is_put_on_record_even_where_closed_chat_was_off_before_it(
    opened: time_machine.Traveller, operator: User
) -> None:
    discontinuation.announce(notice(), actor=operator)
    gate.pull_stop(reason="点検", actor=operator)
    opened.move_to(Ending(JAPAN, END).moment)
    causes = [reason.cause for reason in gate.reconcile().closed_chat().reasons]
    assert causes == [Cause.emergency_stop, Cause.ended]
    assert LedgerEntry.objects.filter(event="end.reached").count() == 1


@pytest.mark.django_db
def test_every_process_is_told_by_a_new_revision(opened: time_machine.Traveller, operator: User) -> None:
    before = gate.current().revision
    discontinuation.announce(notice(), actor=operator)
    announced = gate.current().revision
    discontinuation.withdraw(reason="やめた", actor=operator)
    assert len({before, announced, gate.current().revision}) == 3
    state = GateState.objects.get(id=1)
    assert (state.ends_on, state.end_announced_at, state.end_announced_by, state.end_notice) == (None, None, None, {})


@pytest.mark.django_db
def test_the_wire_says_that_nothing_new_is_begun(opened: time_machine.Traveller, operator: User) -> None:
    assert all("new" not in said for said in gate.on_the_wire(gate.current(), "en").values())
    discontinuation.announce(notice(), actor=operator)
    said = gate.on_the_wire(gate.current(), "en")
    assert said["room.match_pair"]["allowed"] is True
    assert "nothing new" in said["room.match_pair"]["new"]
    assert "new" not in said["room.open"]
    opened.move_to(Ending(JAPAN, END).moment)
    assert all("new" not in told for told in gate.on_the_wire(gate.current(), "en").values())


@pytest.mark.django_db
def test_the_api_and_the_command_tell_of_the_end_until_it_is_withdrawn(
    opened: time_machine.Traveller, operator: User, client: Client
) -> None:
    def said(language: str) -> dict[str, Any]:
        gate.reconcile()
        printed = StringIO()
        call_command("gate", "--json", "--language", language, stdout=printed)
        told: list[dict[str, Any]] = [
            json.loads(printed.getvalue()),
            client.get(f"/api/gate/?language={language}").json(),
        ]
        assert told[0]["planned_end"] == told[1]["planned_end"]
        assert told[0]["closed_chat"] is told[1]["closed_chat"]
        return told[1]

    assert said("ja")["planned_end"] is None
    discontinuation.announce(notice(), actor=operator)
    running = said("en")
    assert running["closed_chat"] is True
    assert running["planned_end"] == {
        "on": "2027-01-10",
        "announced_at": gate.current().ending.announced_at.isoformat(),  # type: ignore[union-attr]
        "cause": "winding_down",
        "reason": gate.on_the_wire(gate.current(), "en")["room.match_pair"]["new"],
        "page": "/legal/closing/",
    }
    opened.move_to(Ending(JAPAN, END).moment)
    over = said("ja")
    assert over["closed_chat"] is False
    assert (over["planned_end"]["cause"], over["planned_end"]["on"]) == ("ended", "2027-01-10")
    assert "2027年1月10日" in over["planned_end"]["reason"]
    discontinuation.withdraw(reason="再開するため", actor=operator)
    assert said("ja")["planned_end"] is None


# Duties ---------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_way_to_end_creates_its_duty(opened: time_machine.Traveller, operator: User, settings: Any) -> None:
    def owed() -> dict[str, State]:
        now = timezone.now()
        found = duties.list_duties(gate.reconcile(), now)
        return {d.id: d.state(timezone.localdate(now)) for d in found if d.id.startswith(("end", "lapse"))}

    assert owed() == {}
    gate.pull_stop(reason="点検", actor=operator)
    stopped = Authorisation.objects.latest("opened_at", "pk").pk
    assert set(owed()) == {f"lapse-{stopped}:users", f"lapse-{stopped}:notify"}
    lift_stop(reason="直った", actor=operator)
    assert owed() == {}

    settings.STANDING = standing(Status.none)  # the flag is gone: the duties of a carrier are not
    lapsed = Authorisation.objects.latest("opened_at", "pk").pk
    gate.reconcile()
    assert set(owed()) == {f"lapse-{lapsed}:users", f"lapse-{lapsed}:notify"}

    settings.STANDING = standing(Status.notified)
    gate.reconcile()
    discontinuation.announce(notice(), actor=operator)
    assert owed() == {f"end-{END}:users": State.DONE, f"end-{END}:notify": State.AHEAD}
    opened.move_to(Ending(JAPAN, END).moment)
    assert owed() == {f"end-{END}:users": State.DONE, f"end-{END}:notify": State.NOW}


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_users_read_the_seven_items_where_they_meet_closed_chat(
    opened: time_machine.Traveller, operator: User, make_member: MakeUser
) -> None:
    one, two = make_member("あ"), make_member("い")
    for person in (one, two):
        matching.seek(person=Person.of(person))
    match = matching.pair(two.pk)
    assert match
    board = rooms.create_open_room(actor=one, name="lockable")
    browser = signed_in(one)
    places = ["/", "/match/", f"/closed/{match.room}/", "/legal/closing/"]
    for place in places[:3]:
        assert "の説明" not in browser.get(place).content.decode()
    assert "予定はありません" in browser.get("/legal/closing/").content.decode()

    discontinuation.announce(notice(), actor=operator)
    for place in places:
        answer = browser.get(place)
        assert answer.status_code == 200
        shown = answer.content.decode()
        for name in ("service", "reason", "contact", "alternatives", "protection"):
            assert f"{name}の説明" in shown, (place, name)
        assert "2027年1月10日" in shown
    assert "の説明" not in browser.get("/rooms/lockable/").content.decode()
    refused = browser.get(f"/rooms/{board.slug}/lock/")
    assert refused.status_code == 451
    assert "2027年1月10日" in refused.content.decode()

    opened.move_to(Ending(JAPAN, END).moment)
    assert browser.get(f"/closed/{match.room}/").status_code == 451
    assert browser.get("/match/").status_code == 451
    assert "の説明" in Client().get("/legal/closing/").content.decode()


def typed(**changes: str) -> dict[str, str]:
    fields = {f"{name}_ja": f"{name}の説明" for name in ("service", "reason", "contact", "alternatives", "protection")}
    return {**fields, "on": "2027-01-10", "suspension": "no", "whole": "no", "exception": "", **changes}


@pytest.mark.django_db
def test_the_operator_sees_the_notice_before_it_is_announced_and_withdraws_it_with_a_reason(
    opened: time_machine.Traveller, desk: Client
) -> None:
    assert "2026年12月22日" in desk.get(PAGE).content.decode()
    confirming = desk.post(PAGE, typed())
    assert "protectionの説明" in confirming.content.decode()
    assert gate.current().ending is None
    assert desk.post(PAGE, {**typed(), "_confirm": "1"}).status_code == 302
    assert gate.current().ending is not None
    assert "protectionの説明" in desk.get(PAGE).content.decode()
    assert desk.post(PAGE, {"_withdraw": "1", "reason": " "}).status_code == 200
    assert gate.current().ending is not None
    assert desk.post(PAGE, {"_withdraw": "1", "reason": "続けるため"}).status_code == 302
    assert gate.current().ending is None


@pytest.mark.django_db
def test_a_day_that_is_too_near_is_refused_beside_its_field_and_nothing_typed_is_lost(
    opened: time_machine.Traveller, desk: Client
) -> None:
    answer = desk.post(PAGE, typed(on="2026-12-01", reason_ja="人手が足りないため"))
    shown = answer.content.decode()
    assert "2026-12-22" in shown
    assert "人手が足りないため" in shown
    assert 'name="_confirm"' not in shown


@pytest.mark.django_db
def test_who_may_only_look_announces_nothing(make_user: MakeUser, clock: time_machine.Traveller) -> None:
    from tests.compliance.pages import may  # noqa: PLC0415 -- one helper

    reader = signed_in(may(make_user(is_staff=True), "view_closing"))
    assert reader.get(PAGE).status_code == 200
    assert reader.post(PAGE, {**typed(), "_confirm": "1"}).status_code == 403
    assert signed_in(make_user(is_staff=True)).get(PAGE).status_code == 403
    assert not GateState.objects.filter(ends_on__isnull=False).exists()


@pytest.mark.django_db
def test_the_public_page_is_served_in_english(opened: time_machine.Traveller, operator: User) -> None:
    discontinuation.announce(notice(), actor=operator)
    client = Client()
    client.cookies["django_language"] = "en"
    shown = client.get(reverse("compliance:closing")).content.decode()
    translation.activate("ja")
    assert "about service" in shown
    assert "protectionの説明" in shown


def test_now_is_what_the_cases_say() -> None:
    assert NOW.astimezone(UTC).date() == JAPAN.date()
