"""Periods of closed chat: each feature by itself, continued when facts change, moved only on what all can see."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import matching, retention, rooms
from chat.messages import NewEvent
from chat.models import Message, Room, User
from chat.people import Person
from chat.protocol import Refused
from chat.realtime import refusal_of
from compliance import gate
from compliance.gate import instances, periods
from compliance.law import CLOSED_TALK, ITEM, LAW_VERSION, Cause, Feature, Standing, Status
from compliance.law.checklist import WIND_DOWN
from compliance.models import Authorisation, Filing, GateState, Instance, LedgerEntry, Signature
from compliance.records import ledger
from compliance.testing import assert_gated, evidence_for, lift_stop, sign_all, unguarded
from tests.compliance.cases import standing
from tests.conftest import MakeUser, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(settings: Settings, operator: User) -> User:
    """Both keys are turned; returns the operator."""
    settings.STANDING = standing(Status.notified)
    sign_all(operator)
    assert gate.reconcile().closed_chat().allowed
    return operator


def moves() -> list[tuple[str, dict[str, Any]]]:
    """The entries of the ledger that opened or closed a period."""
    return [(entry.event, entry.payload) for entry in LedgerEntry.objects.filter(event__startswith="gate.")]


def now_open() -> Authorisation:
    return Authorisation.objects.get(closed_at__isnull=True)


def causes(feature: Feature = Feature.MATCH_PAIR) -> list[Cause]:
    return [reason.cause for reason in gate.reconcile().decide(feature).reasons]


def sign(item: str, actor: User, **evidence: Any) -> Signature:
    return gate.sign(item=ITEM[item], evidence=evidence_for(ITEM[item]) | evidence, actor=actor)


def alive(fingerprint: str, **fields: Any) -> Instance:
    """Another server process, seen just now."""
    return Instance.objects.create(id=uuid.uuid4(), fingerprint=fingerprint, edition=instances.EDITION, **fields)


# Continued ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "key", "value"),
    [
        ((Status.filed, {}), (Status.notified, {}), "number", "A-08-12345"),
        ((Status.notified, {}), (Status.notified, {"COMPLIANCE_CHECKLIST": "advise"}), "checklist", "advise"),
        ((Status.notified, {}), (Status.notified, {"TELECOM_OPERATOR_NAME": "別の会社"}), "operator", "別の会社"),
        ((Status.notified, {}), (Status.notified, {"TELECOM_OPERATOR_ADDRESS": "大阪府"}), "address", "大阪府"),
        ((Status.notified, {}), (Status.notified, {"TELECOM_REGISTRATION_DATE": "2026-05-01"}), "date", "2026-05-01"),
    ],
    ids=["filed to notified", "mode", "name", "address", "date"],
)
def test_a_restart_with_other_facts_continues_the_period_under_them(
    before: tuple[Status, dict[str, str]],
    after: tuple[Status, dict[str, str]],
    key: str,
    value: str,
    operator: User,
    make_member: MakeUser,
    settings: Settings,
) -> None:
    signed = key in {"number", "checklist"}  # the others contradict what was signed; so nothing is
    advise = {} if signed else {"COMPLIANCE_CHECKLIST": "advise"}
    settings.STANDING = standing(before[0], **advise, **before[1])
    if signed:
        sign_all(operator)
    first = now_open().pk if gate.reconcile().authorisation else 0
    people = [make_member("あ"), make_member("い")]
    for person in people:
        matching.seek(person=Person.of(person))
    match = matching.pair(people[1].pk)
    assert match is not None

    settings.STANDING = standing(after[0], **advise, **after[1])
    snapshot = gate.reconcile()
    period = now_open()
    assert snapshot.authorisation == period.pk != first
    assert period.continues_id == first
    assert period.snapshot["standing"][key] == value
    closed = Authorisation.objects.get(pk=first)
    assert closed.closed_at is not None
    assert closed.closed_at <= period.opened_at
    assert [reason["cause"] for reason in closed.closed_because or ()] == ["changed"]
    said = moves()[-2:]
    assert said[0] == ("gate.closed", {"authorisation": first, "causes": ["changed"], "continued": True})
    assert said[1] == ("gate.opened", {"authorisation": period.pk, "continues": first, **period.snapshot})
    assert ledger.verify() is None

    room = Room.objects.get(pk=match.room)
    assert room.authorisation_id == first
    [stored] = store([NewEvent(room.pk, Person.of(people[0]), Message.Kind.MESSAGE, "まだ続く")]).outcomes
    assert not isinstance(stored, Refused)
    assert gate.reconcile() == snapshot  # one move, and no more


def test_what_is_on_record_of_a_period_is_complete(both: User) -> None:
    event, payload = moves()[-1]
    assert event == "gate.opened"
    assert set(payload) == {
        "authorisation",
        "continues",
        "features",
        "standing",
        "facts_fingerprint",
        "signatures",
        "unsigned",
        "law_version",
    }
    assert set(payload["standing"]) == {
        "status",
        "number",
        "date",
        "operator",
        "address",
        "checklist",
        "fingerprint",
    }
    assert payload["features"] == [feature.value for feature in CLOSED_TALK]
    assert payload["continues"] is None


def test_changed_facts_and_another_law_version_continue_the_period_and_a_new_signature_does_not(both: User) -> None:
    first = now_open().pk
    sign("LAW-07", both)
    assert now_open().pk == first
    sign("LAW-05", both, **{"dm.text": False})
    second = now_open()
    assert second.continues_id == first
    assert "dm.text" not in second.snapshot["features"]
    second.snapshot = second.snapshot | {"law_version": "2020-01-01"}
    with unguarded("authorisation_update"):
        second.save()
    gate.advance_revision(GateState.objects.get())
    gate.reconcile()
    third = now_open()
    assert (third.continues_id, third.snapshot["law_version"]) == (second.pk, LAW_VERSION)


def test_contact_and_writing_leave_the_period_as_it_is(both: User, settings: Settings) -> None:
    before = moves()
    alive(settings.STANDING.fingerprint)
    settings.STANDING = standing(TELECOM_OPERATOR_CONTACT="03-0000-0000", TELECOM_OPERATOR_NAME="例示　株式会社")
    assert gate.heartbeat(uuid.uuid4()).closed_chat().allowed
    assert moves() == before


# Two sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"TELECOM_REGISTRATION_NUMBER": "A-08-99999"},
        {"TELECOM_REGISTRATION_DATE": "2026-05-19"},
        {"TELECOM_OPERATOR_NAME": "別の会社"},
        {"TELECOM_OPERATOR_ADDRESS": "大阪府"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("mode", ["enforce", "advise"])
def test_another_filing_than_the_signed_one_shuts(
    mode: str, change: dict[str, str], both: User, settings: Settings
) -> None:
    settings.STANDING = standing(COMPLIANCE_CHECKLIST=mode, **change)
    assert set(causes()) == {Cause.contradiction}
    assert [reason["cause"] for reason in Authorisation.objects.get().closed_because or ()][:1] == ["contradiction"]
    settings.STANDING = standing(COMPLIANCE_CHECKLIST=mode)
    assert causes() == []


def test_a_draft_of_the_filing_for_somebody_else_shuts(both: User) -> None:
    Filing.objects.create(facts={"name": "例示 株式会社", "address": "大阪府"})
    gate.invalidate()
    [reason] = gate.reconcile().decide(Feature.DM_TEXT).reasons
    assert reason.cause is Cause.contradiction
    assert "大阪府" in reason.ja
    assert "東京都千代田区" in reason.ja
    Filing.objects.update(facts={"address": "東京都 千代田区"})
    gate.invalidate()
    assert causes() == []


def test_a_purge_must_stand_in_the_ledger_shortly_before_it_is_said_to_work(operator: User, settings: Settings) -> None:
    settings.STANDING = standing(Status.notified)
    sign_all(operator, but=["LAW-12"])
    retention.purge()
    with unguarded("ledger_update"):
        run = LedgerEntry.objects.filter(event="retention.purged")
        run.update(at=timezone.now() - timedelta(days=8))
    sign("LAW-12", operator)
    assert causes() == [Cause.contradiction]
    retention.purge()
    assert causes() == [Cause.contradiction]  # it ran after the signature
    sign("LAW-12", operator)
    assert causes() == []
    assert LedgerEntry.objects.filter(event="gate.opened").count() == 1


# Each feature by itself -----------------------------------------------------------------------------------------------


def only(operator: User, *features: Feature) -> None:
    """Have form 4 name these features and no other."""
    sign("LAW-05", operator, **{feature.value: feature in features for feature in CLOSED_TALK})


def test_a_deployment_that_filed_invited_rooms_only_runs_exactly_those(
    both: User, make_member: MakeUser, client: Client
) -> None:
    only(both, Feature.INVITE_ONLY)
    snapshot = gate.reconcile()
    assert snapshot.closed_chat().allowed
    assert now_open().snapshot["features"] == ["room.invite_only"]
    owner = make_member("あ")
    board = rooms.create_open_room(actor=owner, name="board")
    browser = signed_in(owner)
    assert browser.get("/rooms/board/lock/").status_code == 200
    locked = rooms.lock_room(actor=owner, room=board)
    assert locked.authorisation_id == now_open().pk
    shown = browser.get(f"/closed/{locked.pk}/").content.decode()
    assert "お引き合わせ" not in shown
    assert '"feature": "room.invite_only"' in shown
    assert client.get(f"/closed/{locked.pk}/").status_code == 404
    [stored] = store([NewEvent(locked.pk, Person.of(owner), Message.Kind.MESSAGE, "ここだけ")]).outcomes
    assert not isinstance(stored, Refused)
    assert_gated(client, "/match/", Feature.MATCH_PAIR)
    with pytest.raises(gate.FeatureClosed):
        matching.seek(person=Person.of(owner))
    said = client.get("/api/gate/").json()
    assert said["closed_chat"] is True
    assert {name for name, told in said["features"].items() if told["allowed"]} == {"room.open", "room.invite_only"}
    lobby = client.get("/").content.decode()
    assert "招待制の部屋" in lobby
    assert 'href="/match/"' not in lobby


def test_a_shut_feature_shuts_its_own_rooms_only(both: User, make_member: MakeUser) -> None:
    people = [make_member("あ"), make_member("い")]
    for person in people:
        matching.seek(person=Person.of(person))
    match = matching.pair(people[1].pk)
    assert match is not None
    locked = rooms.lock_room(actor=people[0], room=rooms.create_open_room(actor=people[0], name="board"))
    only(both, Feature.INVITE_ONLY)
    browser = signed_in(people[0])
    assert browser.get(f"/closed/{locked.pk}/").status_code == 200
    assert_gated(browser, f"/closed/{match.room}/", Feature.MATCH_PAIR)
    only(both, Feature.MATCH_PAIR)
    assert browser.get(f"/closed/{match.room}/").status_code == 200
    assert_gated(browser, f"/closed/{locked.pk}/", Feature.INVITE_ONLY)


def test_what_is_not_offered_is_not_there(
    both: User, settings: Settings, make_member: MakeUser, client: Client
) -> None:
    settings.STANDING = standing(CLOSED_FEATURES="invite")
    assert client.get("/match/").status_code == 404
    assert client.get("/match/", headers={"accept": "application/json"}).status_code == 404
    assert 'href="/match/"' not in client.get("/").content.decode()
    features = client.get("/api/gate/").json()["features"]
    offered = {name for name, told in features.items() if told["offered"]}
    assert {name: told["allowed"] for name, told in features.items() if name not in offered} == {
        "room.match_pair": False,
        "room.recruit": False,
        "dm.text": False,
    }
    assert features["room.invite_only"]["allowed"]
    told = StringIO()
    call_command("gate", "--json", stdout=told)
    assert json.loads(told.getvalue())["features"]["dm.text"]["offered"] is False
    with pytest.raises(gate.FeatureClosed) as shut:
        matching.seek(person=Person.of(make_member("あ")))
    refused = refusal_of(shut.value.decision, "ja")
    assert refused.code == "missing"


def test_a_feature_said_not_to_be_offered_needs_no_place_on_form_4(both: User, desk: Client) -> None:
    from compliance import assessment  # noqa: PLC0415 -- one helper
    from tests.compliance.assessment.test_assessment import record  # noqa: PLC0415 -- one helper

    record(both, features={"room.invite_only": "no"})
    sign("LAW-05", both, **{"room.invite_only": False})
    snapshot = gate.reconcile()
    assert Feature.INVITE_ONLY not in assessment.offered_features(snapshot)
    assert snapshot.decide(Feature.MATCH_PAIR).allowed
    shown = desk.get("/admin/compliance/checklist/LAW-05/").content.decode()
    assert 'data-filed="no"' not in shown


# The stop -------------------------------------------------------------------------------------------------------------


def test_while_the_stop_is_pulled_it_is_the_cause_and_the_keys_are_shown_as_they_are(
    both: User, client: Client
) -> None:
    gate.pull_stop(reason="障害の調査", actor=both)
    for feature in CLOSED_TALK:
        assert causes(feature)[0] is Cause.emergency_stop
    assert [key["turned"] for key in gate.keys(gate.current())] == [True, True]
    lobby = client.get("/").content.decode()
    assert "障害の調査" in lobby
    assert "届出を示すまで" not in lobby
    assert "障害の調査" in client.get("/match/", headers={"accept": "text/html"}).content.decode()
    printed = StringIO()
    call_command("gate", "--language", "ja", stdout=printed)
    assert printed.getvalue().count("緊急停止したため") == 1
    assert "[x] 2." in printed.getvalue()


# Grown old ------------------------------------------------------------------------------------------------------------


def test_a_signature_that_grew_old_begins_nothing_new_and_lets_what_runs_go_on(
    both: User, make_member: MakeUser, client: Client
) -> None:
    people = [make_member("あ"), make_member("い")]
    for person in people:
        matching.seek(person=Person.of(person))
    match = matching.pair(people[1].pk)
    assert match is not None
    ended = timezone.now() - timedelta(days=1)
    with unguarded("signature_update"):
        Signature.objects.filter(item_id="LAW-11").update(expires_at=ended)
    gate.advance_revision(GateState.objects.get())
    day = timezone.localdate(ended + WIND_DOWN)

    said = client.get("/api/gate/").json()
    told = said["features"]["room.match_pair"]
    assert (told["allowed"], told["winding_down"], told["causes"]) == (False, day.isoformat(), ["aged"])
    assert said["closed_chat"] is True
    wire = gate.on_the_wire(gate.reconcile(), "ja")["room.match_pair"]
    assert (wire["allowed"], wire["winding_down"]) == (True, day.isoformat())
    assert "LAW-11" in wire["new"]
    with pytest.raises(gate.FeatureClosed):
        matching.seek(person=Person.of(people[0]))
    browser = signed_in(people[0])
    assert browser.get(f"/closed/{match.room}/").status_code == 200
    refused = browser.get("/match/")
    assert refused.status_code == 451
    assert f"{day.year}年{day.month}月{day.day}日" in refused.content.decode()
    assert f"{day.year}年{day.month}月{day.day}日" in browser.get("/").content.decode()
    [stored] = store([NewEvent(match.room, Person.of(people[0]), Message.Kind.MESSAGE, "まだ")]).outcomes
    assert not isinstance(stored, Refused)
    assert now_open().pk == Room.objects.get(pk=match.room).authorisation_id
    printed = StringIO()
    call_command("gate", "--language", "ja", stdout=printed)
    assert f"{day.year}年{day.month}月{day.day}日" in printed.getvalue()


# What only one process believes ---------------------------------------------------------------------------------------


@pytest.fixture
def company(both: User, settings: Settings) -> Instance:
    """Another process, in good order, that read the same environment."""
    return alive(settings.STANDING.fingerprint)


def test_a_process_without_keys_refuses_for_itself_and_moves_nothing(
    company: Instance, both: User, settings: Settings
) -> None:
    before = moves()
    settings.CLOSED_CHAT_KEYS = []
    me = uuid.uuid4()
    for _ in range(3):
        snapshot = gate.heartbeat(me)
        assert not snapshot.closed_chat().allowed
        assert [fault.variable for fault in snapshot.faults] == ["CLOSED_CHAT_KEYS"]
        assert gate.optimistic([Feature.MATCH_PAIR]) is None
    assert Instance.objects.get(pk=me).fingerprint == ""
    assert moves() == before
    settings.CLOSED_CHAT_KEYS = [b"k" * 32]
    assert gate.heartbeat(me).closed_chat().allowed  # the others never noticed
    assert moves() == before
    settings.CLOSED_CHAT_KEYS = []
    gate.pull_stop(reason="点検", actor=both)  # what all can see is moved by whoever sees it
    assert moves()[-1][1]["causes"] == ["emergency_stop"]


def test_where_every_process_lacks_the_keys_the_record_says_that_it_is_off(both: User, settings: Settings) -> None:
    settings.CLOSED_CHAT_KEYS = []
    gate.heartbeat(uuid.uuid4())
    assert moves()[-1][1]["causes"] == ["environment_incomplete"]


@pytest.mark.parametrize(
    "other",
    [
        standing(Status.none),
        standing(TELECOM_REGISTRATION_NUMBER="A-08-54321"),
        standing(TELECOM_REGISTRATION_DATE="x"),
    ],
    ids=["none", "another number", "malformed"],
)
def test_a_command_with_another_environment_moves_nothing(
    other: Standing, company: Instance, both: User, settings: Settings
) -> None:
    before = moves()
    settings.STANDING = other
    assert not gate.reconcile().closed_chat().allowed
    sign("LAW-07", both)
    assert moves() == before


def test_a_process_with_a_malformed_environment_speaks_for_nobody(company: Instance, settings: Settings) -> None:
    before = moves()
    sound, settings.STANDING = settings.STANDING, standing(TELECOM_REGISTRATION_NUMBER="12345")
    assert not gate.heartbeat(uuid.uuid4()).closed_chat().allowed
    settings.STANDING = sound
    assert gate.heartbeat(uuid.uuid4()).closed_chat().allowed
    assert moves() == before


def test_two_filings_shut_for_all_in_one_move_and_stay_so(company: Instance, settings: Settings) -> None:
    before = len(moves())
    sound, other = settings.STANDING, standing(TELECOM_REGISTRATION_NUMBER="A-08-54321")
    processes = {uuid.uuid4(): sound, uuid.uuid4(): other}
    for _ in range(5):
        for process, read in processes.items():
            settings.STANDING = read
            snapshot = gate.heartbeat(process)
    assert not snapshot.closed_chat().allowed
    assert [(event, payload["causes"]) for event, payload in moves()[before:]] == [("gate.closed", ["drift"])]


def test_an_older_edition_leaves_the_gate_to_the_newer_one(both: User, settings: Settings) -> None:
    before = moves()
    Instance.objects.create(id=uuid.uuid4(), fingerprint=settings.STANDING.fingerprint, edition="9999-01-01 01")
    sign("LAW-05", both, **{"dm.text": False})
    assert moves() == before


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no clock of its own")
def test_a_process_whose_clock_is_wrong_refuses_for_itself_and_sees_the_others(
    company: Instance, settings: Settings
) -> None:
    before = moves()
    for seconds in (-20, 20):
        with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
            snapshot = gate.heartbeat(uuid.uuid4())
            assert [fault.variable for fault in snapshot.faults] == ["system clock"]
            assert not snapshot.closed_chat().allowed
            assert company.fingerprint in snapshot.fingerprints
    assert moves() == before
    with time_machine.travel(timezone.now() - timedelta(seconds=16)):
        settings.STANDING = standing(Status.none)
        gate.heartbeat(uuid.uuid4())
    instances._skew = timedelta(0)
    settings.STANDING = standing(Status.none)
    gate.heartbeat(uuid.uuid4())
    assert moves()[-1][1]["causes"] == ["drift"]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="a function of PostgreSQL")
@pytest.mark.parametrize("ahead", [-60, 0, 60])
def test_the_function_counts_by_the_clock_of_the_database(ahead: int, company: Instance, settings: Settings) -> None:
    pledge = gate.optimistic([Feature.MATCH_PAIR])
    assert pledge is not None

    def unmoved() -> bool:
        since = pledge.since + timedelta(seconds=ahead)
        with connection.cursor() as cursor:
            cursor.execute("SELECT compliance_gate_unmoved(%s, %s, %s)", [pledge.revision, since, pledge.fingerprint])
            return bool(cursor.fetchone()[0])

    assert unmoved()
    silent = alive("")
    assert unmoved()
    silent.fingerprint = "another"
    silent.save()
    assert not unmoved()


def test_periods_that_open_without_anybodys_hand_are_bounded(both: User, settings: Settings) -> None:
    for _ in range(3 * periods.MAX_OPENINGS):
        settings.STANDING = Standing()
        gate.reconcile()
        settings.STANDING = standing(Status.notified)
        gate.reconcile()
    assert Authorisation.objects.count() == periods.MAX_OPENINGS
    assert causes() == [Cause.pending]
    gate.pull_stop(reason="点検", actor=both)
    lift_stop(reason="終わった", actor=both)
    assert causes() == []
    assert LedgerEntry.objects.filter(event__startswith="gate.").count() <= 2 * periods.MAX_OPENINGS + 1
